import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Flat } from '../../src/graph/flat.ts';
import { exactNeighbors } from '../../src/workers/exact-neighbors.ts';
import { byId, expectNearest, randomRows } from '../oracle.ts';
import { running, started } from './started-workers.ts';

vi.mock('node:worker_threads', async (original) =>
  (await import('./started-workers.ts')).watched(await original<typeof import('node:worker_threads')>()),
);

function matrix(
  rows: number,
  dimension: number,
  seed: number,
  kind: 'normal' | 'integers' | 'line' = 'normal',
): Matrix {
  return { data: randomRows({ n: rows, dimension, kind, seed }), rows, dimension };
}

function rowsOf({ data, dimension }: Matrix): Float32Array[] {
  return Array.from(byId(data, dimension).values());
}

function flatResult(base: Matrix, queries: Matrix, k: number, metric: Metric) {
  const flat = Flat.create({ dimension: base.dimension, metric, capacity: base.rows });
  flat.addBatch(base.data);
  const ids = new Uint32Array(queries.rows * k);
  const distances = new Float32Array(queries.rows * k);
  for (const [i, query] of rowsOf(queries).entries()) {
    const found = flat.search(query, { k });
    ids.set(found.ids, i * k);
    distances.set(found.distances, i * k);
  }
  return { ids, distances };
}

/** Of 300 rows. */
const THREADS_AND_K = [
  [1, 300],
  [2, 10],
  [5, 1],
];

describe('exactNeighbors', () => {
  it.each(METRICS.flatMap((metric) => THREADS_AND_K.map(([threads, k]) => ({ metric, threads, k }))))(
    'is what Flat finds: $metric, $threads threads, k $k',
    async ({ metric, threads, k }) => {
      const base = matrix(300, 19, 1);
      const queries = matrix(75, 19, 2);
      const found = await exactNeighbors({ base, queries, k, metric, threads });
      expect(found).toEqual(flatResult(base, queries, k, metric));
      expect(started.workers).toHaveLength(threads);
      expect(running()).toBe(0);
    },
  );

  it('is what the oracle finds over random shapes, ties and all', async () => {
    const shapes = fc.record({
      rows: fc.integer({ min: 1, max: 200 }),
      dimension: fc.integer({ min: 1, max: 70 }),
      queries: fc.integer({ min: 0, max: 40 }),
      kind: fc.constantFrom('normal', 'integers', 'line' as const),
      metric: fc.constantFrom(...METRICS),
      some: fc.nat(),
    });
    const property = fc.asyncProperty(shapes, async ({ rows, dimension, queries: count, kind, metric, some }) => {
      const base = matrix(rows, dimension, some, kind);
      const queries = matrix(count, dimension, some + 1, kind);
      const k = 1 + (some % rows);
      const { ids, distances } = await exactNeighbors({ base, queries, k, metric, threads: 1 + (some % 2) });
      expect([ids.length, distances.length]).toEqual([count * k, count * k]);
      for (const [i, query] of rowsOf(queries).entries()) {
        const found = { ids: ids.subarray(i * k, (i + 1) * k), distances: distances.subarray(i * k, (i + 1) * k) };
        expectNearest(found, { query, vectors: byId(base.data, dimension), k, metric });
      }
    });
    await fc.assert(property, { seed: 20_160_328, numRuns: 10 });
  });

  it('leaves base and queries as they were, and says how far it has come, the end included', async () => {
    const base = matrix(50, 8, 3);
    const queries = matrix(20, 8, 4);
    const before = [base.data.slice(), queries.data.slice()];
    const onProgress = vi.fn();
    await exactNeighbors({ base, queries, k: 5, metric: 'cosine', threads: 2, onProgress });
    expect([base.data, queries.data]).toEqual(before);
    expect(onProgress).toHaveBeenLastCalledWith(20, 20);
  });

  it('rejects with what the listener throws, meanwhile too, when all is done', async () => {
    started.sabotage = () => 'setTimeout(() => process.exit(0), 500)';
    let calls = 0;
    const onProgress = () => {
      throw new Error(`call ${++calls}`);
    };
    const search = exactNeighbors({ base: matrix(20, 4, 5), queries: matrix(3, 4, 6), k: 2, metric: 'l2', onProgress });
    await expect(search).rejects.toThrow('call 1');
    expect(calls).toBeGreaterThan(1);
    started.sabotage = undefined;
  });

  it('runs on as many threads as there are cores where none are named', async () => {
    const { availableParallelism } = await import('node:os');
    await exactNeighbors({ base: matrix(20, 4, 5), queries: matrix(3, 4, 6), k: 2, metric: 'l2' });
    expect(started.workers).toHaveLength(availableParallelism());
  });
});

describe('bad input is refused before any thread is started', () => {
  const base = matrix(10, 4, 7);
  const queries = matrix(5, 4, 8);
  const valid = { base, queries, k: 3, metric: 'l2' as Metric, threads: 2 };

  function withComponent({ data, rows, dimension }: Matrix, at: number, value: number): Matrix {
    const changed = data.slice();
    changed[at] = value;
    return { data: changed, rows, dimension };
  }
  const zeroRow = (at: number) => {
    const data = queries.data.slice();
    data.fill(0, at * 4, (at + 1) * 4);
    return { ...queries, data };
  };

  it.each([
    {
      what: 'NaN in the base',
      options: { base: withComponent(base, 7 * 4 + 2, Number.NaN) },
      error: VectorValueError,
      message: 'base row 7: component 2 is NaN',
    },
    {
      what: 'Infinity in the queries',
      options: { queries: withComponent(queries, 4 * 4 + 1, Number.POSITIVE_INFINITY) },
      error: VectorValueError,
      message: 'query 4: component 1 is Infinity',
    },
    {
      what: 'a zero query under cosine',
      options: { queries: zeroRow(3), metric: 'cosine' as const },
      error: VectorValueError,
      message: 'query 3: a zero vector has no direction',
    },
    { what: 'k = 0', options: { k: 0 }, error: ParameterError, message: 'k = 0: an integer from 1 to the 10 base' },
    {
      what: 'k beyond the rows',
      options: { k: 11 },
      error: ParameterError,
      message: 'k = 11: an integer from 1 to the 10',
    },
    { what: 'k = 1.5', options: { k: 1.5 }, error: ParameterError, message: 'k = 1.5' },
    {
      what: 'an empty base',
      options: { base: { data: new Float32Array(0), rows: 0, dimension: 4 } },
      error: ParameterError,
      message: 'k = 3: an integer from 1 to the 0 base vectors',
    },
    {
      what: 'another dimension',
      options: { queries: matrix(5, 3, 9) },
      error: DimensionError,
      message: 'queries: dimension 3, expected 4',
    },
    {
      what: 'dimension 0',
      options: { base: { data: new Float32Array(0), rows: 10, dimension: 0 } },
      error: DimensionError,
      message: 'dimension 0, expected an integer from 1 to 4096',
    },
    {
      what: 'fewer numbers than rows',
      options: { base: { ...base, rows: 11 } },
      error: ParameterError,
      message: 'base.data.length = 40: 11 rows of dimension 4 are 44 numbers',
    },
    {
      what: 'more numbers than rows',
      options: { queries: { ...queries, rows: 4 } },
      error: ParameterError,
      message: 'queries.data.length = 20: 4 rows of dimension 4 are 16 numbers',
    },
    {
      what: 'an unknown metric',
      options: { metric: 'angular' as Metric },
      error: ParameterError,
      message: 'metric = angular: one of l2, dot, cosine, manhattan',
    },
    { what: 'no threads', options: { threads: 0 }, error: ParameterError, message: 'threads = 0: an integer from 1' },
    { what: 'half a thread', options: { threads: 0.5 }, error: ParameterError, message: 'threads = 0.5' },
  ])('$what', async ({ options, error, message }) => {
    const found = exactNeighbors({ ...valid, ...options });
    await expect(found).rejects.toThrow(error);
    await expect(found).rejects.toThrow(message);
    expect(started.workers).toHaveLength(0);
  });
});

describe('a thread that fails', () => {
  const options = { base: matrix(50, 4, 10), queries: matrix(40, 4, 11), k: 3, metric: 'l2' as const, threads: 3 };
  const FOREVER = 'setInterval(() => {}, 1000)';

  it.each([
    {
      how: 'throws',
      script: 'throw new RangeError("out of something")',
      message: /thread.*RangeError: out of something/,
    },
    { how: 'rejects', script: 'Promise.reject(new Error("too late"))', message: /thread.*too late/ },
    { how: 'exits', script: 'process.exit(3)', message: /thread.*exit code 3/ },
  ])('and $how rejects, and nothing keeps running', async ({ script, message }) => {
    started.sabotage = (thread) => (thread === 1 ? script : FOREVER);
    const onProgress = vi.fn();
    await expect(exactNeighbors({ ...options, onProgress })).rejects.toThrow(message);
    expect(started.workers).toHaveLength(3);
    expect(running()).toBe(0);
    const calls = onProgress.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(onProgress).toHaveBeenCalledTimes(calls);
  });

  it('and the next search is not disturbed', async () => {
    started.sabotage = () => 'throw new Error("no")';
    await expect(exactNeighbors(options)).rejects.toThrow('no');
    started.sabotage = undefined;
    const { base, queries, k, metric } = options;
    expect(await exactNeighbors(options)).toEqual(flatResult(base, queries, k, metric));
  });
});
