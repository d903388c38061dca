import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { type BenchCase, benchmark } from '../../src/lab/benchmark.ts';
import { UnwrittenHole } from '../../src/lab/exercises/unwritten-hole.ts';

const quick = { rounds: 3, milliseconds: 1 };

/** A loop that takes about so many steps; its result is kept. */
let kept = 0;
const spin = (steps: number) => () => {
  for (let i = 0; i < steps; i++) kept = (kept * 31 + i) >>> 0;
};

describe('benchmark', () => {
  it('tells each case in its order, per task, with at least eight samples a round', async () => {
    const cases: BenchCase[] = [
      { name: 'slow', group: 'spin', run: spin(100_000) },
      { name: 'fast', group: 'spin', run: spin(1_000) },
      { name: 'alone', run: spin(10_000), perCall: 10 },
    ];
    const timings = await benchmark(cases, quick);
    expect(timings.map(({ group, name }) => [group, name])).toEqual([
      ['spin', 'slow'],
      ['spin', 'fast'],
      ['', 'alone'],
    ]);
    for (const { ns, p99Ns, perSecond, samples } of timings) {
      expect(ns).toBeGreaterThan(0);
      expect(p99Ns).toBeGreaterThanOrEqual(ns);
      expect(perSecond).toBeCloseTo(1e9 / ns, 5);
      expect(samples).toBeGreaterThanOrEqual(3 * 8);
    }
    const [slow, fast] = timings;
    expect(slow.ns).toBeGreaterThan(fast.ns);
  });

  it('divides what a call costs by the tasks in it', async () => {
    const run = spin(50_000);
    const [call, task] = await benchmark(
      [
        { name: 'call', run },
        { name: 'task', run, perCall: 1e6 },
      ],
      quick,
    );
    expect(task.ns).toBeLessThan(call.ns / 1000);
  });

  it('prepares each case once, before any is timed, and waits for it', async () => {
    const order: string[] = [];
    const log = (word: string) => {
      if (order.at(-1) !== word) order.push(word);
    };
    await benchmark(
      [
        {
          name: 'one',
          prepare: async () => {
            await Promise.resolve();
            log('prepare one');
          },
          run: () => log('run'),
        },
        { name: 'two', prepare: () => log('prepare two'), run: () => log('run') },
      ],
      quick,
    );
    expect(order.filter((word) => word.startsWith('prepare'))).toEqual(['prepare one', 'prepare two']);
    expect(order.indexOf('prepare two')).toBeLessThan(4);
  });

  it('waits for a case that returns a promise before it calls it again', async () => {
    let under = 0;
    let most = 0;
    let calls = 0;
    const run = async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      calls++;
    };
    const [{ samples }] = await benchmark([{ name: 'waits', run }], quick);
    expect(most).toBe(1);
    expect(under).toBe(0);
    expect(calls).toBeGreaterThanOrEqual(samples);
  });

  it('lets all cases take turns in every round', async () => {
    const turns: string[] = [];
    const log = (word: string) => () => {
      if (turns.at(-1) !== word) turns.push(word);
    };
    await benchmark(
      ['a', 'b'].map((name) => ({ name, run: log(name) })),
      { rounds: 4, milliseconds: 1 },
    );
    // Once to see whether it runs, once for the compiler, then round by round.
    expect(turns.join('')).toBe('ab'.repeat(2 + 4));
  });

  it('leaves out what has a hole that is not written yet, in prepare or in run', async () => {
    const hole = () => {
      throw new UnwrittenHole(3, 'descend');
    };
    const timings = await benchmark(
      [
        { name: 'yours', run: hole },
        { name: 'yours too', prepare: hole, run: spin(10) },
        { name: 'reference', run: spin(10) },
      ],
      quick,
    );
    expect(timings.map(({ name }) => name)).toEqual(['reference']);
  });

  it('does not hide any other error, at first or later', async () => {
    const broken = new Error('broken');
    let calls = 0;
    const later = () => {
      if (++calls > 5) throw broken;
    };
    const atOnce = () => {
      throw broken;
    };
    await expect(benchmark([{ name: 'at once', run: atOnce }], quick)).rejects.toBe(broken);
    await expect(benchmark([{ name: 'later', run: later }], quick)).rejects.toBe(broken);
  });

  it('refuses what makes no sense', async () => {
    const run = spin(1);
    const twice = [
      { name: 'a', run },
      { name: 'a', run },
    ];
    await expect(benchmark(twice, quick)).rejects.toThrow(/a twice/);
    await expect(benchmark([{ name: 'a', run, perCall: 0 }], quick)).rejects.toThrow(ParameterError);
    await expect(benchmark([{ name: 'a', run }], { rounds: 0 })).rejects.toThrow(/rounds = 0/);
    await expect(benchmark([{ name: 'a', run }], { milliseconds: 0 })).rejects.toThrow(/milliseconds = 0/);
  });
});
