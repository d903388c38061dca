import { expect, it } from 'vitest';
import { patient } from '../../src/core/patient.ts';

it('tells how far it is, in whole steps of the total', () => {
  const said: [number, number][] = [];
  const { report, throwFirst } = patient((done, total) => void said.push([done, total]), 100);
  for (const share of [0, 0.29, 0.5, 1]) report(share);
  throwFirst();
  expect(said).toEqual([
    [0, 100],
    [29, 100],
    [50, 100],
    [100, 100],
  ]);
});

it('keeps what the listener throws until the end: the first of it', () => {
  let calls = 0;
  const { report, throwFirst } = patient(() => {
    throw new Error(`call ${++calls}`);
  }, 7);
  for (const share of [0, 0.5, 1]) report(share);
  expect(calls).toBe(3);
  expect(throwFirst).toThrow('call 1');
});

it('does without a listener', () => {
  const { report, throwFirst } = patient(undefined, 7);
  report(1);
  throwFirst();
});
