import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VectorValueError } from '../../src/core/errors.ts';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { VectorStore } from '../../src/kernels/vectors.ts';
import { byId, expectNearest, type RowsOf, randomRows, trueDistance } from '../oracle.ts';
import type { AttachTask } from './attach-worker.ts';
import { onBothBuilds } from './isolated.ts';
import { seeded } from './samples.ts';

type Reserve = Parameters<typeof VectorStore.reserve>[0];

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

function fill(store: VectorStore, data: Float32Array): void {
  for (const [slot, vector] of byId(data, store.dimension)) store.put(slot, vector, `row ${slot}`);
}

function filled(options: Omit<Reserve, 'capacity'>, data: Float32Array, Store = VectorStore): VectorStore {
  const store = Store.reserve({ capacity: data.length / options.dimension, ...options });
  fill(store, data);
  return store;
}

const kinds = fc.constantFrom('normal', 'integers', 'line' as const);
const shapes: fc.Arbitrary<RowsOf & { metric: Metric; chunkRows: number }> = fc
  .record({
    n: fc.integer({ min: 1, max: 300 }),
    dimension: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 })),
    kind: kinds,
    seed: fc.nat(),
    metric: fc.constantFrom(...METRICS),
    // From every row in a memory of its own to all in one.
    chunkRows: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 400 })),
  })
  .map((shape) => ({ ...shape, chunkRows: Math.max(shape.chunkRows, Math.ceil(shape.n / 40)) }));

onBothBuilds('VectorStore against the oracle', (build) => {
  /** The class over the kernels of this build. */
  async function storeClass(): Promise<typeof VectorStore> {
    vi.stubEnv('ANNLAB_WASM', build === 'baseline' ? 'baseline' : '');
    vi.resetModules();
    const wasm = await import('../../src/kernels/wasm.ts');
    expect(wasm.chooseBuild()).toBe(build);
    return (await import('../../src/kernels/vectors.ts')).VectorStore;
  }

  it('nearest: of the first `count` rows, in one memory or many', async () => {
    const Store = await storeClass();
    const property = fc.property(shapes, fc.nat(), fc.integer({ min: 1, max: 350 }), (shape, some, k) => {
      const { n, dimension, metric, chunkRows } = shape;
      const data = randomRows(shape);
      const store = filled({ dimension, metric, chunkRows }, data, Store);
      const count = some % (n + 1);
      const query = randomRows({ ...shape, n: 1, seed: shape.seed + 1 });
      const { slots, distances } = store.nearest(query, count, k);
      const vectors = byId(data.subarray(0, count * dimension), dimension);
      expectNearest({ ids: slots, distances }, { query, vectors, k, metric });
    });
    fc.assert(property, seeded(80));
  });

  it('nearestOf: of the rows listed', async () => {
    const Store = await storeClass();
    const property = fc.property(shapes, fc.nat(), fc.integer({ min: 1, max: 40 }), (shape, listed, k) => {
      const { n, dimension, metric, chunkRows } = shape;
      const data = randomRows(shape);
      const store = filled({ dimension, metric, chunkRows }, data, Store);
      const slots = new Random(listed).permutation(n).subarray(0, listed % (n + 1));
      const all = byId(data, dimension);
      // Under cosine the caller has normalized the query: a row of the store is one that is.
      const query = store.row(listed % n).slice();
      const found = store.nearestOf(query, slots, k);
      const vectors = new Map(Array.from(slots, (slot) => [slot, all.get(slot)!]));
      expectNearest({ ids: found.slots, distances: found.distances }, { query, vectors, k, metric });
    });
    fc.assert(property, seeded(80));
  });

  it('nearestBatch: as nearest for each query, and it writes no other rows of the result', async () => {
    const Store = await storeClass();
    const property = fc.property(shapes, fc.nat(), fc.nat(), fc.nat(), (shape, some, a, b) => {
      const { n, dimension, metric, chunkRows } = shape;
      const data = randomRows(shape);
      const store = filled({ dimension, metric, chunkRows }, data, Store);
      const rows = 40;
      const queries = { data: randomRows({ ...shape, n: rows, seed: shape.seed + 1 }), rows, dimension };
      const count = 1 + (some % n);
      const k = 1 + (a % count);
      const [from, to] = [a % (rows + 1), b % (rows + 1)].sort((x, y) => x - y);
      const ids = new Uint32Array(rows * k).fill(0xdeadbeef);
      const distances = new Float32Array(rows * k).fill(-12345);
      store.nearestBatch(queries, { from, to, count, k }, ids, distances);
      const vectors = byId(data.subarray(0, count * dimension), dimension);
      for (let i = 0; i < rows; i++) {
        const found = { ids: ids.subarray(i * k, (i + 1) * k), distances: distances.subarray(i * k, (i + 1) * k) };
        const query = queries.data.subarray(i * dimension, (i + 1) * dimension);
        if (i >= from && i < to) expectNearest(found, { query, vectors, k, metric });
        else expect([new Set(found.ids), new Set(found.distances)]).toEqual([new Set([0xdeadbeef]), new Set([-12345])]);
      }
    });
    fc.assert(property, seeded(25));
  });

  it.each([
    { chunkRows: 3000, where: 'one memory' },
    { chunkRows: 700, where: 'several' },
  ])('nearestBatch with more neighbours than one block holds, in $where', async ({ chunkRows }) => {
    const Store = await storeClass();
    const [n, dimension, k] = [2600, 7, 1500];
    const data = randomRows({ n, dimension, kind: 'normal', seed: 1 });
    const store = filled({ dimension, metric: 'l2', chunkRows }, data, Store);
    const queries = { data: randomRows({ n: 2, dimension, kind: 'normal', seed: 2 }), rows: 2, dimension };
    const ids = new Uint32Array(2 * k);
    const distances = new Float32Array(2 * k);
    store.nearestBatch(queries, { from: 0, to: 2, count: n, k }, ids, distances);
    for (const i of [0, 1]) {
      const query = queries.data.subarray(i * dimension, (i + 1) * dimension);
      const found = { ids: ids.subarray(i * k, (i + 1) * k), distances: distances.subarray(i * k, (i + 1) * k) };
      expectNearest(found, { query, vectors: byId(data, dimension), k, metric: 'l2' });
    }
  });
});

describe('VectorStore', () => {
  it('row is what was put, normalized under cosine, and lies in the store', () => {
    for (const metric of METRICS) {
      const data = randomRows({ n: 9, dimension: 5, kind: 'normal', seed: 3 });
      const store = filled({ dimension: 5, metric, chunkRows: 4 }, data);
      for (const [slot, vector] of byId(data, 5)) {
        const length = metric === 'cosine' ? Math.hypot(...vector) : 1;
        for (const [j, x] of store.row(slot).entries()) expect(x).toBeCloseTo(vector[j] / length, 6);
      }
      store.row(8)[2] = 77;
      expect(store.row(8)[2]).toBe(77);
    }
  });

  it('reads and writes rows above 2 GiB', () => {
    vi.stubEnv('ANNLAB_HUGE_PAGES', '0');
    const [dimension, capacity] = [1024, 900_000];
    const store = VectorStore.reserve({ dimension, metric: 'l2', capacity });
    expect(store.handle.memories).toHaveLength(1);
    const slots = Uint32Array.of(0, 1, 524_287, 524_288, 600_000, capacity - 1);
    const data = randomRows({ n: slots.length + 1, dimension, kind: 'normal', seed: 5 });
    const vectors = byId(data.subarray(0, slots.length * dimension), dimension, slots);
    for (const [slot, vector] of vectors) store.put(slot, vector, `row ${slot}`);
    const query = data.subarray(slots.length * dimension);
    const found = store.nearestOf(query, slots, 4);
    expectNearest({ ids: found.slots, distances: found.distances }, { query, vectors, k: 4, metric: 'l2' });
    expect(store.row(capacity - 1)).toEqual(vectors.get(capacity - 1));
  });

  it('spreads a capacity that one memory does not hold over several', () => {
    const store = VectorStore.reserve({ dimension: 4096, metric: 'dot', capacity: 600_000 });
    expect(store.handle.memories).toHaveLength(3);
    const last = new Float32Array(4096).fill(0.5);
    store.put(599_999, last, 'the last row');
    expect(store.row(599_999)).toEqual(last);
    expect(Array.from(store.nearestOf(last, Uint32Array.of(5, 599_999), 2).slots)).toEqual([599_999, 5]);
  });

  it('threads that attach see the same rows and do not disturb one another', async () => {
    const [n, dimension, k, threads] = [500, 33, 7, 3];
    const data = randomRows({ n, dimension, kind: 'normal', seed: 8 });
    const store = filled({ dimension, metric: 'cosine', chunkRows: 200, threads }, data);
    const queries = { data: randomRows({ n: 60, dimension, kind: 'normal', seed: 9 }), rows: 60, dimension };
    const started = new Int32Array(new SharedArrayBuffer(4));
    // All threads over all queries at once, this one among them.
    const workers = [1, 2].map((thread) => {
      const workerData: AttachTask = { store: store.handle, thread, queries, count: n, k, rounds: 20, started };
      return new Worker(new URL('attach-worker.ts', import.meta.url), { workerData });
    });
    const answers = workers.map(async (worker) => (await once(worker, 'message'))[0] as Uint32Array);
    const own = new Uint32Array(queries.rows * k);
    const distances = new Float32Array(queries.rows * k);
    while (Atomics.load(started, 0) < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    for (let round = 0; round < 20; round++) {
      store.nearestBatch(queries, { from: 0, to: queries.rows, count: n, k }, own, distances);
    }
    for (let i = 0; i < queries.rows; i++) {
      const query = queries.data.subarray(i * dimension, (i + 1) * dimension);
      const found = { ids: own.subarray(i * k, (i + 1) * k), distances: distances.subarray(i * k, (i + 1) * k) };
      expectNearest(found, { query, vectors: byId(data, dimension), k, metric: 'cosine' });
    }
    for (const answer of await Promise.all(answers)) expect(answer).toEqual(own);
  });
});

describe('vectors that no distance survives', () => {
  const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

  it('a component that is not finite is named, whatever the metric and the place', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.nat(),
      bad,
      fc.constantFrom(...METRICS),
      (dimension, place, value, metric) => {
        const store = VectorStore.reserve({ dimension, metric, capacity: 2 });
        const vector = randomRows({ n: 1, dimension, kind: 'normal', seed: place });
        vector[place % dimension] = value;
        const message = new RegExp(
          `^row 1: component ${place % dimension} is ${value}: every component must be finite$`,
        );
        expect(() => store.put(1, vector, 'row 1')).toThrow(VectorValueError);
        expect(() => store.put(1, vector, 'row 1')).toThrow(message);
        expect(() => store.check(vector, 'row 1')).toThrow(message);
        expect(() => store.nearest(vector, 1, 1)).toThrow(`query: component ${place % dimension} is ${value}`);
      },
    );
    fc.assert(property, seeded(60));
  });

  it('a query of a batch that is not finite is named by its number', () => {
    const store = filled({ dimension: 2, metric: 'l2' }, Float32Array.of(1, 2, 3, 4));
    const data = new Float32Array(80);
    data[2 * 33 + 1] = Number.NaN;
    const search = () =>
      store.nearestBatch({ data, rows: 40, dimension: 2 }, { from: 0, to: 40, count: 2, k: 1 }, ids, distances);
    const ids = new Uint32Array(40);
    const distances = new Float32Array(40);
    expect(search).toThrow('query 33: component 1 is NaN');
  });

  it('zero has no direction: an error under cosine, a vector like any other elsewhere', () => {
    const zero = new Float32Array(3);
    const store = VectorStore.reserve({ dimension: 3, metric: 'cosine', capacity: 1 });
    expect(() => store.put(0, zero, 'row 0')).toThrow(VectorValueError);
    expect(() => store.put(0, zero, 'row 0')).toThrow(
      'row 0: a zero vector has no direction: cosine needs a component',
    );
    expect(() => store.put(0, Float32Array.of(0, -0, 0), 'row 0')).toThrow(VectorValueError);
    for (const metric of ['l2', 'dot', 'manhattan'] as const) {
      const other = filled({ dimension: 3, metric }, zero);
      expect(Math.abs(other.nearest(zero, 1, 1).distances[0])).toBe(0);
    }
  });

  it('what would overflow f32 is refused, with its greatest component; what is just below is searched', () => {
    const most = Math.fround(Math.sqrt(1e34 / 2) * (1 - 1e-6));
    for (const metric of ['l2', 'dot', 'manhattan'] as const) {
      const data = Float32Array.of(most, -most, -most, most);
      const store = filled({ dimension: 2, metric }, data);
      const query = data.subarray(0, 2);
      const { slots, distances } = store.nearest(query, 2, 2);
      expectNearest({ ids: slots, distances }, { query, vectors: byId(data, 2), k: 2, metric });
      const over = Float32Array.of(1, -2e17);
      expect(() => store.put(0, over, 'row 0')).toThrow(VectorValueError);
      expect(() => store.put(0, over, 'row 0')).toThrow(
        /^row 0: \|x\|² = 3\.99\d+e\+34, component 1 is -19999\d+: beyond 1e\+34 distances overflow f32: scale/,
      );
    }
  });

  it('cosine takes any length: the extremes of f32 and subnormals are normalized like others', () => {
    for (const size of [3e38, 1e-45, 1e-30, 1]) {
      const data = Float32Array.of(size, -size, size, 0, 0, size);
      const store = filled({ dimension: 2, metric: 'cosine' }, data);
      const query = Float32Array.of(2, -1);
      const { slots, distances } = store.nearest(query, 3, 3);
      expectNearest({ ids: slots, distances }, { query, vectors: byId(data, 2), k: 3, metric: 'cosine' });
      expect(trueDistance(store.row(0), [1, -1], 'l2')).toBeCloseTo(2 * (1 - Math.SQRT1_2) ** 2, 6);
    }
  });
});
