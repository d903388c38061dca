import { describe, expect, it, vi } from 'vitest';
import { ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { type KMeansJob, type KMeansOptions, kmeans, runSequentially } from '../../src/quantize/kmeans.ts';
import { kmeansJobs, runOnThreads, trainKMeans } from '../../src/workers/kmeans.ts';
import { randomRows } from '../oracle.ts';
import { running, started } from './started-workers.ts';

vi.mock('node:worker_threads', async (original) =>
  (await import('./started-workers.ts')).watched(await original<typeof import('node:worker_threads')>()),
);

function matrix(rows: number, dimension: number, seed: number): Matrix {
  return { data: randomRows({ n: rows, dimension, kind: 'normal', seed }), rows, dimension };
}

/** Several units of rows and of clusters. */
const set = matrix(7000, 6, 1);

const variants: { what: string; threads: number; options: Partial<KMeansOptions> }[] = [
  { what: 'as it comes', threads: 1, options: {} },
  { what: 'as it comes', threads: 2, options: {} },
  { what: 'as it comes', threads: 5, options: {} },
  { what: 'from any rows', threads: 2, options: { init: 'random' } },
  { what: 'balanced', threads: 3, options: { balanced: 1.1, iterations: 6 } },
  { what: 'on a sample', threads: 2, options: { sample: 80 } },
  { what: 'on a sample, without assigning', threads: 2, options: { sample: 80, assign: false } },
  { what: 'seeded only', threads: 3, options: { iterations: 0 } },
];

describe('trainKMeans', () => {
  it.each(variants)('is kmeans bit for bit on $threads threads: $what', async ({ threads, options }) => {
    expect(await trainKMeans(set, { k: 40, seed: 3, threads, ...options })).toEqual(
      kmeans(set, { k: 40, seed: 3, ...options }),
    );
    expect(started.workers).toHaveLength(threads);
    expect(running()).toBe(0);
  });

  it('with fewer units than threads', async () => {
    const few = matrix(9, 3, 2);
    expect(await trainKMeans(few, { k: 2, seed: 1, threads: 4 })).toEqual(kmeans(few, { k: 2, seed: 1 }));
  });

  it('tells the inertia of each iteration, and ends where the caller’s function throws', async () => {
    const onIteration = vi.fn();
    const { history } = await trainKMeans(set, { k: 9, seed: 1, threads: 2, onIteration });
    expect(onIteration.mock.calls).toEqual(history.map((inertia, i) => [i, inertia]));
    const stop = () => {
      throw new RangeError('enough');
    };
    await expect(trainKMeans(set, { k: 9, seed: 1, threads: 2, onIteration: stop })).rejects.toThrow('enough');
    expect(running()).toBe(0);
  });

  it('runs on as many threads as there are cores where none are named', async () => {
    const { availableParallelism } = await import('node:os');
    await trainKMeans(matrix(30, 2, 1), { k: 2, seed: 1 });
    expect(started.workers).toHaveLength(availableParallelism());
  });
});

describe('kmeansJobs', () => {
  const jobs: KMeansJob[] = [
    { from: 0, to: 2, k: 30, seed: 1 },
    { from: 2, to: 6, k: 17, seed: 2, sample: 50 },
    { from: 1, to: 2, k: 64, seed: 3, sample: 20, assign: false },
    { from: 0, to: 6, k: 5, seed: 4, balanced: true, iterations: 5 },
    { from: 3, to: 5, k: 8, seed: 5, init: 'random' },
  ];

  it.each([1, 2, 9])('gives what runSequentially gives, on %i threads', async (threads) => {
    const onDone = vi.fn();
    const results = await kmeansJobs(set, jobs, { threads, onDone });
    expect(results).toEqual(await runSequentially(set, jobs));
    expect(onDone.mock.calls).toEqual([1, 2, 3, 4, 5].map((done) => [done, 5]));
    expect(started.workers).toHaveLength(Math.min(threads, 5));
    expect(running()).toBe(0);
  });

  it('no jobs are no work', async () => {
    expect(await kmeansJobs(set, [], { threads: 2 })).toEqual([]);
    expect(started.workers).toHaveLength(0);
  });

  it('runOnThreads is a runner of it', async () => {
    const onDone = vi.fn();
    expect(await runOnThreads(2)(set, jobs.slice(0, 2), onDone)).toEqual(await runSequentially(set, jobs.slice(0, 2)));
    expect(onDone).toHaveBeenLastCalledWith(2, 2);
    expect(started.workers).toHaveLength(2);
    await runOnThreads()(set, jobs.slice(0, 1));
    expect(started.workers).toHaveLength(3);
  });
});

describe('bad input is refused before any thread is started', () => {
  const withNaN = (row: number): Matrix => {
    const data = set.data.slice();
    data[row * 6 + 1] = Number.NaN;
    return { ...set, data };
  };

  it.each<{ what: string; run: () => Promise<unknown>; error: new (...args: never[]) => Error; message: string }>([
    {
      what: 'no threads',
      run: () => trainKMeans(set, { k: 3, seed: 1, threads: 0 }),
      error: ParameterError,
      message: 'threads = 0: an integer from 1 to 1024',
    },
    {
      what: 'no threads for jobs',
      run: () => kmeansJobs(set, [{ from: 0, to: 1, k: 3, seed: 1 }], { threads: 0.5 }),
      error: ParameterError,
      message: 'threads = 0.5',
    },
    {
      what: 'more centroids than rows',
      run: () => trainKMeans(set, { k: 7001, seed: 1, threads: 2 }),
      error: ParameterError,
      message: 'k = 7001: an integer from 1 to the 7000 rows',
    },
    {
      what: 'NaN',
      run: () => trainKMeans(withNaN(6999), { k: 3, seed: 1, threads: 2 }),
      error: VectorValueError,
      message: 'row 6999: component 1 is NaN',
    },
    {
      what: 'NaN in the columns of a job',
      run: () => runOnThreads(2)(withNaN(5), [{ from: 1, to: 3, k: 3, seed: 1 }]),
      error: VectorValueError,
      message: 'row 5, columns from 1: component 0 is NaN',
    },
    {
      what: 'columns that are not there',
      run: () => runOnThreads(2)(set, [{ from: 3, to: 7, k: 3, seed: 1 }]),
      error: ParameterError,
      message: 'jobs[0].to = 7: an integer from 4 to 6',
    },
  ])('$what', async ({ run, error, message }) => {
    await expect(run()).rejects.toThrow(error);
    await expect(run()).rejects.toThrow(message);
    expect(started.workers).toHaveLength(0);
  });

  it('a row that is met after the threads have started ends them', async () => {
    const options = { k: 3, seed: 1, sample: 10, threads: 2 };
    await expect(trainKMeans(withNaN(4321), options)).rejects.toThrow('row 4321: component 1 is NaN');
    expect(started.workers).toHaveLength(2);
    expect(running()).toBe(0);
  });
});

describe('a thread that dies', () => {
  const endings = [
    { ending: 'throws', script: 'throw new Error("no memory left")', why: 'no memory left' },
    { ending: 'exits', script: 'process.exit(3)', why: 'exit code 3' },
  ];

  it.each(endings.flatMap((ending) => [0, 1].map((which) => ({ which, ...ending }))))(
    'thread $which $ending: the training rejects and all have ended',
    async ({ which, script, why }) => {
      started.sabotage = (thread) => (thread === which ? script : undefined);
      const training = trainKMeans(set, { k: 40, seed: 1, threads: 2 });
      await expect(training).rejects.toMatchObject({ code: 'WORKER_DIED', message: expect.stringContaining(why) });
      expect(running()).toBe(0);
    },
  );

  it('while others have jobs: no more are begun', async () => {
    let beginnings = 0;
    started.sabotage = () => (beginnings++ === 1 ? 'throw new Error("gone")' : undefined);
    const onDone = vi.fn();
    const jobs = Array.from({ length: 200 }, (_, seed) => ({ from: 0, to: 6, k: 20, seed }));
    await expect(kmeansJobs(set, jobs, { threads: 2, onDone })).rejects.toThrow('a thread of the k-means died (gone)');
    expect(running()).toBe(0);
    const done = onDone.mock.calls.length;
    expect(done).toBeLessThan(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(onDone).toHaveBeenCalledTimes(done);
  });
});
