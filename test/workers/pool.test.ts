import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  BrokenIndexError,
  BusyError,
  CapacityError,
  DuplicateIdError,
  ParameterError,
  PoolClosedError,
  VectorValueError,
  WorkerDiedError,
} from '../../src/core/errors.ts';
import { METRICS } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { Vamana } from '../../src/graph/vamana.ts';
import { type BatchResult, Pool, type PoolSearchOptions } from '../../src/workers/pool.ts';
import { trueDistance } from '../oracle.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { running, started } from './started-workers.ts';

const SEED = 20_251_122;

vi.mock('node:worker_threads', async (original) =>
  (await import('./started-workers.ts')).watched(await original<typeof import('node:worker_threads')>()),
);

/**
 * What rows are made of: clusters of floats, the same rounded to bytes, or points of a small grid, many of them alike.
 */
type Kind = 'floats' | 'bytes' | 'grid';

function rowsOf({
  n,
  dimension,
  kind = 'floats',
  seed = 1,
}: {
  n: number;
  dimension: number;
  kind?: Kind;
  seed?: number;
}) {
  const random = new Random(`${kind} ${seed}`);
  const centres = Float32Array.from({ length: 8 * dimension }, () => 60 * random.uniform() + 100);
  const component = {
    floats: (centre: number) => centre + 20 * random.normal(),
    bytes: (centre: number) => Math.min(255, Math.max(0, Math.round(centre + 20 * random.normal()))),
    grid: () => 1 + random.integer(3),
  }[kind];
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = random.integer(8) * dimension;
    for (let j = 0; j < dimension; j++) data[i * dimension + j] = component(centres[centre + j]);
  }
  return data;
}

function row(data: Float32Array, i: number, dimension: number): Float32Array {
  return data.subarray(i * dimension, (i + 1) * dimension);
}

async function withPool<T>(index: Hnsw, threads: number, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = await Pool.start(index, { threads });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

/** Row `i` of what was found. */
function foundOf({ ids, distances, found }: BatchResult, i: number, k: number) {
  return { ids: ids.slice(i * k, i * k + found[i]), distances: distances.slice(i * k, i * k + found[i]) };
}

/** Every list of every level, as one comparable value. */
function graphOf(index: Hnsw): string {
  const lists: string[] = [];
  for (let id = 0; id < index.count; id++) {
    for (let level = 0; level < 12; level++) lists.push(Array.from(index.neighbors(id, level)).join(' '));
  }
  return lists.join('\n');
}

/** Every row is to be found, and the graph is whole. Ids are row numbers. */
function expectHolds(index: Hnsw, data: Float32Array): void {
  const { dimension } = index;
  const n = data.length / dimension;
  expect(index.count).toBe(n);
  expect(index.validate()).toEqual([]);
  if (n === 0) return;
  const { ids } = index.search(row(data, 0, dimension), { k: n, efSearch: n });
  expect(new Set(ids).size).toBe(n);
  // Under its id is its vector: where it is not the nearest to itself, something is that is as near.
  for (let i = 0; i < n; i += Math.ceil(n / 50)) {
    const { distances } = index.search(row(data, i, dimension), { k: 1, efSearch: n, rerank: Math.min(n, 100) });
    expect(Math.abs(distances[0] - (index.metric === 'dot' ? distances[0] : 0))).toBeLessThan(1e-3);
  }
}

describe('searchBatch', () => {
  const dimension = 24;
  const n = 1500;

  it.each(METRICS.flatMap((metric) => (['f32', 'sq7'] as const).map((codes) => ({ metric, codes }))))(
    'is index.search, row by row: $metric on $codes',
    async ({ metric, codes }) => {
      const filter = metric === 'manhattan' ? 'none' : 'sign';
      const index = Hnsw.create({ dimension, metric, codes, filter, capacity: n, threads: 4 });
      index.addBatch(rowsOf({ n, dimension }));
      const queries = rowsOf({ n: 70, dimension, seed: 2 });
      await withPool(index, 3, async (pool) => {
        for (const options of [
          { k: 10 },
          { k: 1, efSearch: 5, threads: 1 },
          { k: 7, efSearch: 100, rerank: 0, threads: 2 },
          { k: 5, rerank: 40 },
        ]) {
          const result = await pool.searchBatch(queries, options);
          const { k } = options;
          expect([result.ids.length, result.distances.length]).toEqual([70 * k, 70 * k]);
          expect([result.found.length, result.latencyUs.length]).toEqual([70, 70]);
          const work = { distances: 0, hops: 0, estimates: 0 };
          for (let i = 0; i < 70; i++) {
            const alone = index.search(row(queries, i, dimension), options);
            expect(foundOf(result, i, k)).toEqual({ ids: alone.ids, distances: alone.distances });
            work.distances += alone.work.distances;
            work.hops += alone.work.hops;
            work.estimates += alone.work.estimates;
          }
          expect(result.work).toEqual(work);
          expect(result.latencyUs.every((us) => us > 0)).toBe(true);
        }
      });
    },
  );

  it('over random shapes too', async () => {
    const shapes = fc.record({
      n: fc.integer({ min: 0, max: 200 }),
      dimension: fc.integer({ min: 1, max: 60 }),
      queries: fc.integer({ min: 0, max: 30 }),
      kind: fc.constantFrom('floats', 'bytes', 'grid' as const),
      metric: fc.constantFrom(...METRICS),
      M: fc.integer({ min: 2, max: 12 }),
      k: fc.integer({ min: 1, max: 250 }),
      threads: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat({ max: 1000 }),
    });
    const property = fc.asyncProperty(
      shapes,
      async ({ n, dimension, queries: count, kind, metric, M, k, threads, seed }) => {
        const index = Hnsw.create({ dimension, metric, M, efConstruction: 20, seed, capacity: 200, threads: 4 });
        index.addBatch(rowsOf({ n, dimension, kind, seed }));
        const queries = rowsOf({ n: count, dimension, kind, seed: seed + 1 });
        await withPool(index, threads, async (pool) => {
          const result = await pool.searchBatch(queries, { k });
          for (let i = 0; i < count; i++) {
            const { ids, distances } = index.search(row(queries, i, dimension), { k });
            expect(foundOf(result, i, k)).toEqual({ ids, distances });
          }
        });
      },
    );
    await fc.assert(property, { seed: SEED, numRuns: 12 });
  });

  it('finds nothing in an empty index, all in one of fewer than k, and nothing for nobody', async () => {
    const index = Hnsw.create({ dimension, capacity: 10, threads: 3 });
    await withPool(index, 2, async (pool) => {
      const queries = rowsOf({ n: 5, dimension });
      expect((await pool.searchBatch(queries, { k: 3 })).found).toEqual(new Uint32Array(5));
      index.addBatch(rowsOf({ n: 4, dimension, seed: 3 }));
      const { found, ids } = await pool.searchBatch(queries, { k: 9 });
      expect(found).toEqual(new Uint32Array(5).fill(4));
      expect(new Set(ids.subarray(9, 13))).toEqual(new Set([0, 1, 2, 3]));
      const nothing = await pool.searchBatch(new Float32Array(0), { k: 3 });
      expect(nothing).toMatchObject({ ids: new Uint32Array(0), found: new Uint32Array(0) });
      expect(nothing.work).toEqual({ distances: 0, hops: 0, estimates: 0 });
    });
  });

  it("returns the caller's ids", async () => {
    const index = Hnsw.create({ dimension, capacity: 100, threads: 3 });
    const data = rowsOf({ n: 100, dimension });
    const ids = Uint32Array.from({ length: 100 }, (_, i) => 4_000_000_000 - 7 * i);
    index.addBatch(data, { ids });
    await withPool(index, 2, async (pool) => {
      expect((await pool.searchBatch(data, { k: 1 })).ids).toEqual(ids);
    });
  });

  it('names the lowest row that cannot be searched, as index.search would', async () => {
    const index = Hnsw.create({ dimension, metric: 'cosine', capacity: 300, threads: 4 });
    index.addBatch(rowsOf({ n: 300, dimension }));
    await withPool(index, 3, async (pool) => {
      for (const rows of [[0], [299], [41, 42, 43], [150, 7, 299]]) {
        const queries = rowsOf({ n: 300, dimension, seed: 5 });
        for (const [i, bad] of rows.entries()) {
          if (i % 2 === 0) queries[bad * dimension + 3] = Number.NaN;
          else queries.fill(0, bad * dimension, (bad + 1) * dimension);
        }
        const lowest = Math.min(...rows);
        const attempt = pool.searchBatch(queries, { k: 1 });
        await expect(attempt).rejects.toThrow(VectorValueError);
        await expect(attempt).rejects.toThrow(new RegExp(`^query ${lowest}: (component 3 is NaN|a zero vector)`));
      }
      // And goes on.
      expect((await pool.searchBatch(rowsOf({ n: 2, dimension }), { k: 1 })).found).toEqual(Uint32Array.of(1, 1));
    });
  });

  it('is of the numbers that it was given, whatever becomes of them meanwhile', async () => {
    const index = Hnsw.create({ dimension, capacity: 300, threads: 3 });
    const data = rowsOf({ n: 300, dimension });
    index.addBatch(data);
    await withPool(index, 2, async (pool) => {
      const queries = data.slice();
      const found = pool.searchBatch(queries, { k: 1, efSearch: 100 });
      queries.fill(0);
      expect((await found).ids).toEqual(Uint32Array.from({ length: 300 }, (_, i) => i));
      const bad = data.slice().fill(Number.NaN, 20 * dimension);
      const refused = pool.searchBatch(bad, { k: 1 });
      bad.fill(1);
      await expect(refused).rejects.toThrow(/^query 20: component 0 is NaN/);
    });
  });

  it('refuses what makes no sense, and says what would', async () => {
    const one = new Float32Array(dimension);
    const refused: [unknown, PoolSearchOptions, string][] = [
      [undefined, { k: 1 }, 'queries = undefined: a Float32Array'],
      [[1, 2, 3], { k: 1 }, 'queries = Array: a Float32Array'],
      [new Float32Array(36), { k: 1 }, 'queries.length = 36: a multiple of the dimension 24'],
      [one, { k: 0 }, 'k = 0'],
      [one, { k: 1.5 }, 'k = 1.5'],
      [one, { k: 9, efSearch: 8 }, 'efSearch = 8: an integer of at least k = 9'],
      [one, { k: 9, rerank: 8 }, "rerank = 8: 0, 'bound', or an integer of at least k = 9"],
      [one, { k: 2 ** 31 - 1 }, 'k = 2147483647: at most 268435456 results a batch'],
      [one, { k: 1, threads: 0 }, 'threads = 0: an integer from 1 to 2'],
      [one, { k: 1, threads: 3 }, 'threads = 3'],
    ];
    const index = Hnsw.create({ dimension, capacity: 10, threads: 3 });
    index.addBatch(rowsOf({ n: 10, dimension }));
    await withPool(index, 2, async (pool) => {
      for (const [queries, options, message] of refused) {
        const attempt = pool.searchBatch(queries as Float32Array, options);
        await expect(attempt).rejects.toThrow(ParameterError);
        await expect(attempt).rejects.toThrow(message);
      }
    });
  });
});

describe('addBatch by one thread', () => {
  it.each<{ what: string; n: number; kind: Kind; options: HnswOptions }>([
    { what: 'floats on codes', n: 1500, kind: 'floats', options: { dimension: 20 } },
    { what: 'floats as they are', n: 1500, kind: 'floats', options: { dimension: 20, codes: 'f32', M: 5 } },
    { what: 'bytes', n: 1500, kind: 'bytes', options: { dimension: 20 } },
    { what: 'cosine', n: 1500, kind: 'floats', options: { dimension: 20, metric: 'cosine' } },
    { what: 'signs', n: 2500, kind: 'floats', options: { dimension: 20, filter: 'sign' } },
    { what: 'many alike', n: 1500, kind: 'grid', options: { dimension: 3, M: 2, efConstruction: 10 } },
    {
      what: 'a further beam',
      n: 600,
      kind: 'floats',
      options: { dimension: 8, extendCandidates: true, keepPruned: true },
    },
  ])('gives the graph that index.addBatch gives: $what', async ({ n, kind, options }) => {
    const { dimension } = options;
    const data = rowsOf({ n, dimension, kind });
    const [index, alone] = [0, 1].map(() => Hnsw.create({ ...options, capacity: n, threads: 3, seed: 5 }));
    alone.addBatch(data);
    await withPool(index, 2, async (pool) => {
      const cut = Math.floor(n / 3) * dimension;
      await pool.addBatch(data.subarray(0, cut), { threads: 1 });
      await pool.addBatch(data.subarray(cut), { threads: 1 });
    });
    expect(graphOf(index)).toBe(graphOf(alone));
    expect(index.stats()).toEqual(alone.stats());
    expectHolds(index, data);
  });
});

describe('addBatch by several threads', () => {
  /** Of 10 neighbours each, how many a search found; counted by distance, so that ties do not matter. */
  function hits(index: Hnsw, flat: Flat, queries: Float32Array, efSearch: number): number {
    const { dimension } = index;
    let count = 0;
    for (let i = 0; i < queries.length / dimension; i++) {
      const query = row(queries, i, dimension);
      const farthest = flat.search(query, { k: 10 }).distances[9] * (1 + 1e-6) + 1e-6;
      const { distances } = index.search(query, { k: 10, efSearch, rerank: Math.max(40, efSearch) });
      count += distances.filter((distance) => distance <= farthest).length;
    }
    return count;
  }

  it.each<{ what: string; n: number; kind: Kind; options: HnswOptions; odd?: boolean; spread?: number }>([
    { what: 'floats on codes', n: 6000, kind: 'floats', options: { dimension: 20 } },
    { what: 'floats as they are', n: 6000, kind: 'floats', options: { dimension: 20, codes: 'f32' } },
    { what: 'bytes', n: 6000, kind: 'bytes', options: { dimension: 20 } },
    { what: 'bytes, and then some that are none', n: 6000, kind: 'bytes', odd: true, options: { dimension: 20 } },
    { what: 'cosine', n: 6000, kind: 'floats', options: { dimension: 20, metric: 'cosine' } },
    {
      what: 'signs, whose centre moves once',
      n: 6000,
      kind: 'floats',
      options: { dimension: 20, filter: 'sign', margin: 1 },
    },
    {
      what: 'signs, whose centre moves twice',
      n: 17_000,
      kind: 'floats',
      options: { dimension: 6, filter: 'sign', margin: 2, M: 8, efConstruction: 40 },
    },
    {
      what: 'many alike, few links',
      n: 4000,
      kind: 'grid',
      options: { dimension: 4, M: 2, efConstruction: 40, codes: 'f32' },
      // One thread alone, given the rows in thirty orders, builds graphs of 0.937 to 1.000.
      spread: 0.08,
    },
  ])('is whole, holds every row and finds as much as one thread: $what', async (built) => {
    const { n, kind, options, odd, spread = 0.005 } = built;
    const { dimension } = options;
    const data = rowsOf({ n, dimension, kind });
    // The last third is in steps of a half.
    if (odd) for (let i = Math.floor((2 * n) / 3) * dimension; i < data.length; i++) data[i] += 0.5;
    const alone = Hnsw.create({ ...options, capacity: n });
    alone.addBatch(data);
    const index = Hnsw.create({ ...options, capacity: n, threads: 5 });
    await withPool(index, 4, async (pool) => {
      const third = Math.floor(n / 3) * dimension;
      await pool.addBatch(data.subarray(0, third));
      await pool.addBatch(data.subarray(third, 2 * third));
      await pool.addBatch(data.subarray(2 * third));
    });
    expectHolds(index, data);
    expect(index.stats().levels).toEqual(alone.stats().levels);
    expect(index.stats().ramBytes.vectors).toBe(alone.stats().ramBytes.vectors);
    const flat = Flat.create({ dimension, metric: index.metric, capacity: n });
    flat.addBatch(data);
    const queries = rowsOf({ n: 500, dimension, kind: kind === 'grid' ? 'grid' : 'floats', seed: 1 });
    for (let i = 0; i < queries.length; i++) queries[i] += i % 3;
    const [several, one] = [index, alone].map((graph) => hits(graph, flat, queries, 60) / 5000);
    expect(several).toBeGreaterThan(one - spread);
  });
});

describe('addBatch', () => {
  const dimension = 8;

  it('holds all rows of any shape, and the graph is whole', async () => {
    const shapes = fc.record({
      dimension: fc.integer({ min: 1, max: 40 }),
      kind: fc.constantFrom('floats', 'bytes', 'grid' as const),
      metric: fc.constantFrom(...METRICS),
      codes: fc.constantFrom('f32', 'sq7' as const),
      signs: fc.boolean(),
      M: fc.integer({ min: 2, max: 12 }),
      batches: fc.array(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 900 })), { minLength: 1, maxLength: 4 }),
      threads: fc.integer({ min: 1, max: 4 }),
      extendCandidates: fc.boolean(),
      keepPruned: fc.boolean(),
      seed: fc.nat({ max: 1000 }),
    });
    const property = fc.asyncProperty(shapes, async ({ kind, signs, batches, threads, ...options }) => {
      const { dimension, metric, seed } = options;
      const filter = signs && metric !== 'manhattan' ? 'sign' : 'none';
      const n = batches.reduce((sum, rows) => sum + rows, 0);
      const data = rowsOf({ n, dimension, kind, seed });
      const index = Hnsw.create({ ...options, filter, efConstruction: 20, capacity: Math.max(1, n), threads: 5 });
      await withPool(index, threads, async (pool) => {
        let from = 0;
        for (const rows of batches) {
          const { latencyUs } = await pool.addBatch(data.subarray(from, from + rows * dimension));
          expect(latencyUs.length).toBe(rows);
          from += rows * dimension;
        }
      });
      expectHolds(index, data);
    });
    await fc.assert(property, { seed: SEED, numRuns: 12 });
  });

  it('says how far it has come, to the end, and takes vectors that lie in shared memory', async () => {
    const n = 3000;
    const data = rowsOf({ n, dimension });
    const shared = new Float32Array(new SharedArrayBuffer(data.byteLength));
    shared.set(data);
    const index = Hnsw.create({ dimension, capacity: n, threads: 3 });
    const seen: number[] = [];
    await withPool(index, 2, async (pool) => {
      const { latencyUs } = await pool.addBatch(shared, { onProgress: (done, total) => seen.push(done / total) });
      expect(latencyUs.every((us) => us > 0)).toBe(true);
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expectHolds(index, data);
  });

  it('what a listener throws is thrown when all are in, and to the caller, not to the process', async () => {
    const n = 8000;
    const data = rowsOf({ n, dimension });
    const index = Hnsw.create({ dimension, capacity: n + 1, threads: 2 });
    await withPool(index, 1, async (pool) => {
      const onProgress = (done: number) => {
        throw new Error(`no more than ${done}`);
      };
      await expect(pool.addBatch(data, { onProgress })).rejects.toThrow(/^no more than \d+$/);
      expect(index.count).toBe(n);
      await pool.addBatch(data.subarray(0, dimension));
    });
    expect(index.count).toBe(n + 1);
    expect(index.validate()).toEqual([]);
  });

  describe('takes all rows or none', () => {
    const held = 50;
    async function refusing(work: (pool: Pool, index: Hnsw) => Promise<void>, options: Partial<HnswOptions> = {}) {
      const index = Hnsw.create({ dimension, capacity: 60, threads: 4, ...options });
      const data = rowsOf({ n: held, dimension });
      await withPool(index, 3, async (pool) => {
        await pool.addBatch(data, { ids: Uint32Array.from({ length: held }, (_, i) => i + 5) });
        const before = graphOfIds(index);
        await work(pool, index);
        expect(index.count).toBe(held);
        expect(graphOfIds(index)).toBe(before);
        expect(index.validate()).toEqual([]);
        // And is none the worse for it.
        await pool.addBatch(rowsOf({ n: 10, dimension, seed: 2 }));
        expect(index.count).toBe(60);
        expect(index.validate()).toEqual([]);
      });
    }
    const graphOfIds = (index: Hnsw) =>
      Array.from({ length: held }, (_, i) => Array.from(index.neighbors(i + 5)).join(' ')).join('\n');

    it('where one cannot be compared: it names the lowest, as index.addBatch would', () =>
      refusing(async (pool, index) => {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 3e38]) {
          const rows = rowsOf({ n: 10, dimension, seed: 3 });
          rows[9 * dimension] = Number.NaN;
          rows[4 * dimension + 2] = bad;
          const attempt = pool.addBatch(rows);
          await expect(attempt).rejects.toThrow(VectorValueError);
          await expect(attempt).rejects.toThrow(/^row 4: .*component 2 is/);
          expect(() => index.addBatch(rows)).toThrow(/^row 4: .*component 2 is/);
        }
      }));

    it('where one has no direction', () =>
      refusing(
        async (pool) => {
          const rows = rowsOf({ n: 3, dimension, seed: 3 }).fill(0, dimension, 2 * dimension);
          await expect(pool.addBatch(rows)).rejects.toThrow(/^row 1: a zero vector/);
        },
        { metric: 'cosine' },
      ));

    it('where ids are taken, come twice, are none, or are not as many', () =>
      refusing(async (pool) => {
        const two = rowsOf({ n: 2, dimension, seed: 3 });
        await expect(pool.addBatch(two, { ids: [100, 7] })).rejects.toThrow(DuplicateIdError);
        await expect(pool.addBatch(two, { ids: [100, 100] })).rejects.toThrow(/id 100/);
        await expect(pool.addBatch(two, { ids: [100, -1] })).rejects.toThrow(/id = -1/);
        await expect(pool.addBatch(two, { ids: [100] })).rejects.toThrow(/one id per row, 2/);
      }));

    it('where they do not fit', () =>
      refusing(async (pool) => {
        const attempt = pool.addBatch(rowsOf({ n: 11, dimension, seed: 3 }));
        await expect(attempt).rejects.toThrow(CapacityError);
        await expect(attempt).rejects.toThrow(/at most 60 vectors and 61 were asked for/);
      }));

    it('where they are no rows', () =>
      refusing(async (pool) => {
        await expect(pool.addBatch(new Float32Array(dimension + 1))).rejects.toThrow(/multiple of the dimension 8/);
        await expect(pool.addBatch([1, 2] as unknown as Float32Array)).rejects.toThrow(/Float32Array/);
        await expect(pool.addBatch(new Float32Array(dimension), { threads: 4 })).rejects.toThrow(/threads = 4/);
      }));
  });

  it('gives ids that go on from those that are held, or the caller’s', async () => {
    const index = Hnsw.create({ dimension, capacity: 100, threads: 3 });
    const data = rowsOf({ n: 30, dimension });
    await withPool(index, 2, async (pool) => {
      await pool.addBatch(data.subarray(0, 10 * dimension));
      await pool.addBatch(data.subarray(10 * dimension, 20 * dimension), {
        ids: Array.from({ length: 10 }, (_, i) => 99 - i),
      });
      await pool.addBatch(data.subarray(20 * dimension));
      const { ids } = await pool.searchBatch(data, { k: 1 });
      const count = (from: number, step: number) => Array.from({ length: 10 }, (_, i) => from + step * i);
      expect(Array.from(ids)).toEqual([...count(0, 1), ...count(99, -1), ...count(20, 1)]);
    });
  });
});

describe('searches while vectors are added', () => {
  /** A search, and how many rows were acknowledged when it began. */
  interface Asked {
    queries: Float32Array;
    acknowledged: number;
    result: BatchResult;
  }

  /**
   * One writer adds `data` in small batches, eight readers search all the while; the index has rows in it from the
   * start. Every id that is found was given by then.
   */
  async function oneWriterEightReaders(
    index: Hnsw,
    data: Float32Array,
    { held, rows, k, efSearch }: { held: number; rows: number; k: number; efSearch: number },
  ): Promise<Asked[]> {
    const { dimension } = index;
    const n = data.length / dimension;
    index.addBatch(data.subarray(0, held * dimension));
    let [given, acknowledged] = [held, held];
    let done = false;
    const asked: Asked[] = [];
    await withPool(index, 9, async (pool) => {
      const reader = async (number: number) => {
        for (let turn = 0; !done; turn++) {
          const queries = rowsOf({ n: 10, dimension, seed: 1 }).map((x, i) => x + ((i * 7 + number + turn) % 5));
          const before = acknowledged;
          const result = await pool.searchBatch(queries, { k, efSearch, threads: 1 });
          expect(result.found).toEqual(new Uint32Array(10).fill(k));
          expect(result.ids.every((id) => id < given)).toBe(true);
          asked.push({ queries, acknowledged: before, result });
        }
      };
      const writer = async () => {
        for (; acknowledged < n; acknowledged += rows) {
          given = acknowledged + rows;
          await pool.addBatch(data.subarray(acknowledged * dimension, given * dimension), { threads: 1 });
        }
        done = true;
      };
      await Promise.all([writer(), ...Array.from({ length: 8 }, (_, number) => reader(number))]);
    });
    expect(asked.length).toBeGreaterThan(8);
    return asked.sort((a, b) => a.acknowledged - b.acknowledged);
  }

  it('one writer, eight readers: a reader finds as much of what was acknowledged as it would with nobody writing', async () => {
    const [n, dimension, held, rows, k] = [2500, 12, 400, 30, 10];
    const data = rowsOf({ n, dimension, seed: 1 });
    const options = { dimension, M: 8, efConstruction: 40, capacity: n };
    const index = Hnsw.create({ ...options, threads: 10 });
    const asked = await oneWriterEightReaders(index, data, { held, rows, k, efSearch: 12 });
    expectHolds(index, data);
    // With one thread writing, the graph of what was acknowledged is the one that an index for itself comes to.
    const alone = Hnsw.create(options);
    const flat = Flat.create(options);
    let [beside, byItself] = [0, 0];
    for (const { queries, acknowledged, result } of asked) {
      const missing = data.subarray(alone.count * dimension, acknowledged * dimension);
      alone.addBatch(missing);
      flat.addBatch(missing);
      for (let i = 0; i < 10; i++) {
        const query = row(queries, i, dimension);
        const farthest = flat.search(query, { k }).distances[k - 1] * (1 + 1e-5);
        const near = (distances: Float32Array) => distances.filter((distance) => distance <= farthest).length;
        beside += near(foundOf(result, i, k).distances);
        byItself += near(alone.search(query, { k, efSearch: 12 }).distances);
      }
    }
    const all = asked.length * 10 * k;
    expect(byItself / all).toBeGreaterThan(0.8);
    expect(beside).toBeGreaterThanOrEqual(byItself);
  });

  it.each(['f32', 'sq7'] as const)('with a beam for all, it finds what exact search would, %s', async (codes) => {
    const [n, dimension, held, rows, k] = [900, 3, 30, 15, 8];
    const data = rowsOf({ n, dimension, kind: codes === 'f32' ? 'grid' : 'bytes' });
    const index = Hnsw.create({ dimension, codes, M: 2, efConstruction: 6, capacity: n, threads: 10 });
    const asked = await oneWriterEightReaders(index, data, { held, rows, k, efSearch: n });
    expectHolds(index, data);
    for (const { queries, acknowledged, result } of asked) {
      for (let i = 0; i < 10; i++) {
        const query = row(queries, i, dimension);
        const truth = Array.from({ length: acknowledged }, (_, slot) =>
          trueDistance(query, row(data, slot, dimension), 'l2'),
        );
        truth.sort((a, b) => a - b);
        const { distances } = foundOf(result, i, k);
        for (let place = 0; place < k; place++) expect(distances[place]).toBeLessThanOrEqual(truth[place] * (1 + 1e-5));
      }
    }
  });

  it('index.search works beside, on bytes of which codes are made, and while the centre of the signs moves', async () => {
    const [n, dimension, k] = [3000, 16, 5];
    const data = rowsOf({ n, dimension, kind: 'bytes' });
    for (let i = 2000 * dimension; i < data.length; i++) data[i] += 0.5;
    const index = Hnsw.create({ dimension, filter: 'sign', capacity: n, threads: 4 });
    index.addBatch(data.subarray(0, 100 * dimension));
    await withPool(index, 3, async (pool) => {
      let done = false;
      const adding = (async () => {
        await pool.addBatch(data.subarray(100 * dimension, 2000 * dimension));
        await pool.addBatch(data.subarray(2000 * dimension));
        done = true;
      })();
      let hits = 0;
      let searches = 0;
      while (!done) {
        // Of rows that are in from the start.
        const queries = data.subarray((searches % 90) * dimension, ((searches % 90) + 8) * dimension);
        const { ids, distances } = index.search(row(queries, 0, dimension), { k, efSearch: 60 });
        expect(ids.length).toBe(k);
        expect(ids.every((id) => id < n)).toBe(true);
        hits += distances[0] === 0 ? 1 : 0;
        searches++;
        const batch = await pool.searchBatch(queries, { k, efSearch: 60, threads: 1 });
        for (let i = 0; i < 8; i++) hits += batch.distances[i * k] === 0 ? 1 : 0;
        await nextTurn();
      }
      await adding;
      expect(searches).toBeGreaterThan(0);
      expect(hits / (9 * searches)).toBeGreaterThan(0.97);
    });
    expectHolds(index, data);
  });
});

describe('who may do what, and when', () => {
  const dimension = 6;
  const data = rowsOf({ n: 2000, dimension });
  const create = (threads = 4) => Hnsw.create({ dimension, capacity: 4000, threads });

  it('nobody else adds while a pool does; its own batches wait for each other', async () => {
    const index = create(6);
    await withPool(index, 2, (pool) =>
      withPool(index, 1, async (other) => {
        const first = pool.addBatch(data.subarray(0, 1000 * dimension));
        const second = pool.addBatch(data.subarray(1000 * dimension));
        await nextTurn();
        expect(() => index.add(row(data, 0, dimension))).toThrow(BusyError);
        expect(() => index.addBatch(data)).toThrow(/a pool is adding vectors: await its addBatch/);
        const attempt = other.addBatch(data);
        await expect(attempt).rejects.toThrow(BusyError);
        // Searching it may.
        await first;
        expect((await other.searchBatch(data.subarray(0, dimension), { k: 1 })).distances[0]).toBe(0);
        await second;
        index.add(row(data, 0, dimension));
      }),
    );
    expect(index.count).toBe(2001);
    expect(index.validate()).toEqual([]);
  });

  it('is of a graph, and builds and consolidates a Vamana alone', async () => {
    const flat = Pool.start(Flat.create({ dimension }) as never);
    await expect(flat).rejects.toThrow(ParameterError);
    await expect(flat).rejects.toThrow('index = Flat: an Hnsw or a Vamana');
    await withPool(create(), 1, async (pool) => {
      const loose = pool as unknown as Pool<Vamana>;
      await expect(loose.build(data)).rejects.toThrow(ParameterError);
      await expect(loose.build(data)).rejects.toThrow('index = Hnsw: a Vamana; vectors are added to others: addBatch');
      await expect(loose.consolidate()).rejects.toThrow('index = Hnsw: a Vamana; from others nothing is deleted');
      await pool.addBatch(data);
      expect((await pool.searchBatch(data.subarray(0, dimension), { k: 1 })).ids).toEqual(Uint32Array.of(0));
    });
  });

  it.each([undefined, null, 10])('a search wants options, and says so to whom no type tells: %s', async (options) => {
    await withPool(create(), 1, async (pool) => {
      const searching = pool.searchBatch(data, options as never);
      await expect(searching).rejects.toThrow(ParameterError);
      await expect(searching).rejects.toThrow(`options = ${options}: an object, such as { k: 10 }`);
    });
  });

  it('a batch that is refused does not keep the next one from its turn', async () => {
    const index = create();
    await withPool(index, 2, async (pool) => {
      const refused = pool.addBatch(new Float32Array(dimension).fill(Number.NaN));
      const next = pool.addBatch(data);
      await expect(refused).rejects.toThrow(VectorValueError);
      await next;
    });
    expectHolds(index, data);
  });

  it('a batch that waits for its turn is of the numbers that it was given', async () => {
    const index = create();
    await withPool(index, 2, async (pool) => {
      const mine = data.slice();
      const first = pool.addBatch(mine.subarray(0, 10 * dimension));
      const second = pool.addBatch(mine.subarray(10 * dimension));
      mine.fill(Number.NaN);
      await Promise.all([first, second]);
    });
    expectHolds(index, data);
  });

  it('pools share the threads that the index was made for, and give them back', async () => {
    const index = create(4);
    const attempt = (threads: number) => Pool.start(index, { threads });
    await expect(attempt(4)).rejects.toThrow(ParameterError);
    await expect(attempt(4)).rejects.toThrow(
      /threads = 4: the index was made for 4 at once, its owner included, and 3 are free/,
    );
    const [one, two] = [await attempt(2), await attempt(1)];
    await expect(attempt(1)).rejects.toThrow(/0 are free/);
    await expect(Pool.start(index)).rejects.toThrow(/0 are free/);
    await one.addBatch(data);
    expect((await two.searchBatch(data, { k: 1 })).found).toEqual(new Uint32Array(2000).fill(1));
    await one.close();
    const three = await Pool.start(index);
    expect(three.threads).toBe(Math.min(2, (await import('node:os')).availableParallelism()));
    expect((await three.searchBatch(data, { k: 1 })).distances.every((d) => d === 0)).toBe(true);
    await Promise.all([two.close(), three.close()]);
    expect(running()).toBe(0);
    await expect(Pool.start(index, { threads: 0 })).rejects.toThrow(/threads = 0/);
    await expect(Pool.start(index, { threads: 1.5 })).rejects.toThrow(/threads = 1.5/);
  });

  it('closed while a thread is being replaced, turns away who waits for that one', async () => {
    const pool = await Pool.start(create(), { threads: 1 });
    await pool.kill(0);
    // Its successor is not ready, and never will be.
    const killing = pool.kill(0);
    const closing = pool.close();
    await expect(killing).rejects.toThrow(PoolClosedError);
    await closing;
    expect(running()).toBe(0);
  });

  it('closing waits for what is under way; then nothing goes any more', async () => {
    const index = create();
    const pool = await Pool.start(index, { threads: 2 });
    expect(pool.threads).toBe(2);
    const adding = [pool.addBatch(data), pool.addBatch(data)];
    const searching = pool.searchBatch(data, { k: 1 });
    const closing = pool.close();
    expect(pool.close()).toBe(closing);
    await expect(pool.searchBatch(data, { k: 1 })).rejects.toThrow(PoolClosedError);
    await expect(pool.addBatch(data)).rejects.toThrow(PoolClosedError);
    await expect(pool.kill(0)).rejects.toThrow(PoolClosedError);
    await closing;
    expect(running()).toBe(0);
    await Promise.all(adding);
    await searching;
    expect(index.count).toBe(4000);
    expect(index.validate()).toEqual([]);
    await pool.close();
    // The index goes on without it.
    expect(index.search(row(data, 7, dimension), { k: 1 }).distances[0]).toBe(0);
  });

  /** Runs a script in a process of its own, after a pool was started there; returns what it said. */
  async function inProcess(script: string, flags: readonly string[] = []): Promise<string> {
    const code = `
      import { Hnsw, Pool } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
      const index = Hnsw.create({ dimension: 2, capacity: 10, threads: 3 });
      const pool = await Pool.start(index, { threads: 2 });
      await pool.addBatch(Float32Array.of(1, 2, 3, 4));
      ${script}
    `;
    const argv = [...flags, '--input-type=module-typescript', '--eval', code];
    const root = fileURLToPath(new URL('../..', import.meta.url));
    return (await promisify(execFile)(process.execPath, argv, { cwd: root, timeout: 60_000 })).stdout;
  }

  it('a pool that is never closed does not hold up its process', async () => {
    const script = `
      const { ids } = await pool.searchBatch(Float32Array.of(3, 4), { k: 1 });
      process.on('exit', () => console.log('ended, found', ids[0]));
    `;
    expect(await inProcess(script)).toBe('ended, found 1\n');
  });

  it('a pool starts whatever flags its process was given, those included that no thread can have', async () => {
    const flags = ['--max-old-space-size=1000', '--no-warnings'];
    expect(await inProcess(`console.log(index.count);`, flags)).toBe('2\n');
    const script = join(temporaryFolder(), 'pool.mts');
    await writeFile(
      script,
      `
      import { Hnsw, Pool } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)};
      await using pool = await Pool.start(Hnsw.create({ dimension: 2, capacity: 10 }), { threads: 1 });
      console.log(pool.threads);`,
    );
    expect((await promisify(execFile)(process.execPath, [...flags, script], { timeout: 60_000 })).stdout).toBe('1\n');
  });

  it('one that is closed does, until it is', async () => {
    const script = `
      // While their successors start.
      await Promise.all([pool.kill(0), pool.kill(1)]);
      await pool.close();
      console.log('closed');
    `;
    expect(await inProcess(script)).toBe('closed\n');
  });
});

describe('a thread that dies', () => {
  it('over a search: its caller is told, and the pool goes on', async () => {
    const dimension = 16;
    const data = rowsOf({ n: 3000, dimension });
    const index = Hnsw.create({ dimension, capacity: 3000, threads: 4 });
    index.addBatch(data);
    await withPool(index, 3, async (pool) => {
      let died = 0;
      for (let round = 0; round < 9; round++) {
        const searching = pool.searchBatch(data, { k: 10, efSearch: 300 });
        await nextTurn();
        const threads = [[0], [1, 2], [0, 1, 2]][round % 3];
        const killing = threads.map((thread) => pool.kill(thread));
        try {
          await searching;
        } catch (error) {
          died++;
          expect(error).toBeInstanceOf(WorkerDiedError);
          expect(error).toMatchObject({ code: 'WORKER_DIED', added: undefined });
          expect((error as Error).message).toMatch(
            /a thread of the pool died .*another has taken its place: ask again$/,
          );
        }
        await Promise.all(killing);
        const found = await pool.searchBatch(data.subarray(0, 100 * dimension), { k: 1, efSearch: 100 });
        expect(found.distances.every((distance) => distance === 0)).toBe(true);
      }
      expect(died).toBeGreaterThan(0);
      await expect(pool.kill(3)).rejects.toThrow(/thread = 3: an integer from 0 to 2/);
    });
    expect(running()).toBe(0);
  });

  /**
   * Adds all rows, however often a thread dies over it, and checks after each death what the pool says; returns how
   * many there were.
   */
  async function addDespiteDeaths(
    { index, pool, data, random, most }: { index: Hnsw; pool: Pool; data: Float32Array; random: Random; most: number },
    batchRows: number,
  ): Promise<number> {
    const { dimension } = index;
    const n = data.length / dimension;
    let deaths = 0;
    for (let from = 0; from < n; ) {
      const rows = Math.min(batchRows, n - from);
      const adding = pool.addBatch(data.subarray(from * dimension, (from + rows) * dimension)).then(
        () => undefined,
        (error: unknown) => error,
      );
      let settled = false;
      void adding.then(() => {
        settled = true;
      });
      // In the midst of inserts, some way into the batch: most of them are still to come.
      const until = index.count + 1 + random.integer(rows / 4);
      while (index.count < until && !settled) await nextTurn();
      const order = random.permutation(pool.threads).subarray(0, 1 + random.integer(pool.threads));
      const killing = deaths < most ? Array.from(order, (thread) => pool.kill(thread)) : [];
      const error = await adding;
      if (error === undefined) from += rows;
      else {
        expect(error).toBeInstanceOf(WorkerDiedError);
        const { added, message } = error as WorkerDiedError;
        expect(added).toBeGreaterThanOrEqual(0);
        expect(added).toBeLessThanOrEqual(rows);
        expect(message).toContain(`the first ${added} of ${rows} rows are in`);
        from += added!;
        deaths++;
      }
      expect(index.count).toBe(from);
      expect(index.validate()).toEqual([]);
      await Promise.all(killing);
    }
    return deaths;
  }

  it.each<{ what: string; kind: Kind; options: HnswOptions }>([
    { what: 'many levels', kind: 'grid', options: { dimension: 3, M: 2, efConstruction: 30, codes: 'f32' } },
    {
      what: 'many links, which takes many locks',
      kind: 'floats',
      options: { dimension: 4, M: 64, efConstruction: 64, keepPruned: true, alpha: 2 },
    },
    { what: 'bytes, wide beams', kind: 'bytes', options: { dimension: 4, M: 3, efConstruction: 300 } },
    { what: 'signs, whose centre moves', kind: 'floats', options: { dimension: 16, M: 6, filter: 'sign' } },
  ])(
    'over inserts, again and again: no row is lost, no lock is held, the rest can be added: $what',
    async ({ kind, options }) => {
      const { dimension } = options;
      const n = 6000;
      const random = new Random(`deaths ${SEED}`);
      const data = rowsOf({ n, dimension, kind });
      const index = Hnsw.create({ ...options, capacity: n, threads: 4 });
      await withPool(index, 3, async (pool) => {
        const deaths = await addDespiteDeaths({ index, pool, data, random, most: 10 }, 1000);
        expect(deaths).toBeGreaterThan(0);
      });
      expectHolds(index, data);
      expect(running()).toBe(0);
    },
  );

  it('with searches beside: they find what is in, or are told', async () => {
    const [n, dimension] = [3000, 4];
    const random = new Random(`deaths beside ${SEED}`);
    const data = rowsOf({ n, dimension, kind: 'bytes' });
    const index = Hnsw.create({ dimension, M: 3, efConstruction: 20, capacity: n, threads: 5 });
    index.addBatch(data.subarray(0, 100 * dimension));
    await withPool(index, 4, async (pool) => {
      let done = false;
      const queries = data.subarray(0, 100 * dimension);
      const searching = (async () => {
        let [found, told] = [0, 0];
        while (!done) {
          try {
            const { distances } = await pool.searchBatch(queries, { k: 1, efSearch: n, threads: 2 });
            expect(distances.every((distance) => distance === 0)).toBe(true);
            found++;
          } catch (error) {
            expect(error).toBeInstanceOf(WorkerDiedError);
            told++;
          }
        }
        return { found, told };
      })();
      try {
        const rest = data.subarray(100 * dimension);
        let from = 0;
        let deaths = 0;
        while (from < n - 100) {
          const rows = Math.min(500, n - 100 - from);
          const adding = pool.addBatch(rest.subarray(from * dimension, (from + rows) * dimension)).then(
            () => rows,
            (error: WorkerDiedError) => error.added!,
          );
          if (deaths++ < 8) {
            await sleep(random.integer(10));
            await pool.kill(random.integer(4));
          }
          from += await adding;
        }
      } finally {
        done = true;
      }
      const { found } = await searching;
      expect(found).toBeGreaterThan(0);
    });
    expectHolds(index, data);
  });

  it('with nothing to do: nobody notices', async () => {
    const data = rowsOf({ n: 500, dimension: 4 });
    const index = Hnsw.create({ dimension: 4, capacity: 500, threads: 3 });
    await withPool(index, 2, async (pool) => {
      await Promise.all([pool.kill(0), pool.kill(1)]);
      await pool.addBatch(data);
      for (let i = 0; i < 5; i++) await pool.kill(0);
      expect((await pool.searchBatch(data, { k: 1 })).distances.every((distance) => distance === 0)).toBe(true);
    });
    expect(index.validate()).toEqual([]);
  });

  describe('whose successors cannot be started', () => {
    const [n, dimension] = [4000, 8];
    const data = rowsOf({ n, dimension });
    const THROWS = 'throw new RangeError("out of something")';

    it('a pool that cannot be started says why, and gives its threads back', async () => {
      const index = Hnsw.create({ dimension, capacity: n, threads: 3 });
      started.sabotage = (thread) => (thread === 2 ? THROWS : undefined);
      await expect(Pool.start(index, { threads: 2 })).rejects.toThrow(
        /a thread of the pool cannot start: out of something/,
      );
      started.sabotage = undefined;
      expect(running()).toBe(0);
      await withPool(index, 2, (pool) => pool.addBatch(data));
      expectHolds(index, data);
    });

    it('with nothing to do: the others go on without it', async () => {
      const index = Hnsw.create({ dimension, capacity: n, threads: 3 });
      await withPool(index, 2, async (pool) => {
        started.sabotage = () => THROWS;
        await pool.kill(0);
        while (running() > 1 || started.workers.length < 4) await sleep(5);
        await pool.addBatch(data);
        expect((await pool.searchBatch(data, { k: 1 })).distances.every((distance) => distance === 0)).toBe(true);
      });
      expectHolds(index, data);
    });

    it('over inserts: whoever adds is told that the index is damaged, and who searches finds what is in', async () => {
      const index = Hnsw.create({ dimension, capacity: n, threads: 4 });
      index.addBatch(data.subarray(0, 100 * dimension));
      const pool = await Pool.start(index, { threads: 3 });
      const adding = pool.addBatch(data.subarray(100 * dimension));
      while (index.count < 200) await nextTurn();
      started.sabotage = () => THROWS;
      await pool.kill(1);
      await expect(adding).rejects.toThrow(BrokenIndexError);
      started.sabotage = undefined;
      expect(() => index.add(row(data, 0, dimension))).toThrow(BusyError);
      const { distances } = await pool.searchBatch(data.subarray(0, 100 * dimension), { k: 1, efSearch: n });
      expect(distances.every((distance) => distance === 0)).toBe(true);
      await pool.close();
      expect(running()).toBe(0);
    });
  });
});
