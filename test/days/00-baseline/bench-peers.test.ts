import { describe, expect, it } from 'vitest';
import { commandOf, parseBenchArguments } from '../../../days/00-baseline/peers/bench.ts';
import { PEERS } from '../../../days/00-baseline/peers/engines/index.ts';

const parse = (line = '') => parseBenchArguments(line.split(' ').filter(Boolean));

describe('parseBenchArguments', () => {
  it('measures everything on fashion-mnist at each engine’s own parameters', () => {
    expect(parse()).toEqual({
      dataset: 'fashion-mnist-784-euclidean',
      queries: 1000,
      k: 10,
      rounds: 3,
      only: PEERS.map(({ name }) => name),
      out: 'out',
      growth: false,
      recall: 0.95,
    });
    expect(parse('--growth --recall 0.99')).toMatchObject({
      dataset: 'embedding-1024-100k',
      growth: true,
      recall: 0.99,
    });
    expect(parse('--help')).toBe('help');
  });

  it('takes every flag', () => {
    const line =
      '--dataset glove-100-angular --rows 5000 --queries 7 --k 5 --rounds 1 --only usearch-i8 --m 8 --ef-construction 50 --ef 5,10 --out o';
    expect(parse(line)).toEqual({
      dataset: 'glove-100-angular',
      rows: 5000,
      queries: 7,
      k: 5,
      rounds: 1,
      only: ['usearch-i8'],
      M: 8,
      efConstruction: 50,
      efs: [5, 10],
      out: 'o',
      growth: false,
      recall: 0.95,
    });
  });

  it('lets a library stand for all that it walks on', () => {
    expect(parse('--only annlab,hnswlib,zvec-int8')).toMatchObject({
      only: ['annlab-sq7', 'annlab-f32', 'hnswlib', 'zvec-int8'],
    });
    expect(parse('--only usearch')).toMatchObject({ only: ['usearch-f32', 'usearch-bf16', 'usearch-i8'] });
  });

  it.each([
    ['--only faiss', '--only faiss: choose from annlab-sq7'],
    ['--only us', '--only us: choose from'],
    ['--ef 5', '--ef 5: expected a whole number from 10'],
    ['--m 16 --ef-construction 8', '--ef-construction 8: expected a whole number from 16'],
    ['--rounds 0', '--rounds 0'],
    ['--recall 99', '--recall 99: expected a share'],
    ['--fast', '--help lists the flags'],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});

describe('commandOf', () => {
  it.each([
    ['', 'npm run bench:peers'],
    ['--out /elsewhere', 'npm run bench:peers'],
    ['--rows 5 --out=o --k 3', 'npm run bench:peers -- --rows 5 --k 3'],
  ])('%s: repeats the run, wherever its results went', (line, command) => {
    expect(commandOf('bench:peers', line.split(' ').filter(Boolean))).toBe(command);
  });
});
