import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  BusyError,
  CapacityError,
  DimensionError,
  DuplicateIdError,
  ParameterError,
  VectorValueError,
} from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { Flat, type FlatOptions } from '../../src/graph/flat.ts';
import { METRICS, type Metric } from '../../src/graph/vector-index.ts';
import { byId, expectNearest, randomRows } from '../oracle.ts';

const SEED = 20_160_328;

const shapes = fc.record({
  n: fc.integer({ min: 1, max: 400 }),
  dimension: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 600 })),
  kind: fc.constantFrom('normal', 'integers', 'line' as const),
  seed: fc.nat(),
  metric: fc.constantFrom(...METRICS),
  k: fc.integer({ min: 1, max: 500 }),
});

function create(options: Partial<FlatOptions> = {}): Flat {
  return Flat.create({ dimension: 3, capacity: 10, ...options });
}

/** Ids in no order, some small, some at the end of u32. */
function randomIds(n: number, seed: number): number[] {
  const random = new Random(`ids ${seed}`);
  const ids = new Set<number>();
  while (ids.size < n) ids.add(random.uniform() < 0.5 ? random.integer(4 * n) : 2 ** 32 - 1 - random.integer(4 * n));
  return Array.from(ids);
}

describe('Flat against the oracle', () => {
  it('finds the k nearest, any shape, metric and k; all of them where k is more', () => {
    const property = fc.property(shapes, (shape) => {
      const { n, dimension, metric, k } = shape;
      const data = randomRows(shape);
      const index = create({ dimension, metric, capacity: n });
      index.addBatch(data);
      const query = randomRows({ ...shape, n: 1, seed: shape.seed + 1 });
      const result = index.search(query, { k });
      expectNearest(result, { query, vectors: byId(data, dimension), k, metric });
      expect(result.work).toMatchObject({ distances: n, hops: 0 });
    });
    fc.assert(property, { seed: SEED, numRuns: 120 });
  });

  it('with ids of the caller’s, in batches and one by one', () => {
    const property = fc.property(shapes, (shape) => {
      const { n, dimension, metric, k, seed } = shape;
      const data = randomRows(shape);
      const ids = randomIds(n, seed);
      const index = create({ dimension, metric, capacity: n });
      const batch = seed % (n + 1);
      index.addBatch(data.subarray(0, batch * dimension), { ids: Uint32Array.from(ids.slice(0, batch)) });
      for (let i = batch; i < n; i++) {
        expect(index.add(data.subarray(i * dimension, (i + 1) * dimension), ids[i])).toBe(ids[i]);
      }
      const query = randomRows({ ...shape, n: 1, seed: seed + 1 });
      expectNearest(index.search(query, { k }), { query, vectors: byId(data, dimension, ids), k, metric });
    });
    fc.assert(property, { seed: SEED, numRuns: 60 });
  });

  it('finds the dimension’s ends, 1 and 4096', () => {
    for (const dimension of [1, 4096]) {
      const data = randomRows({ n: 20, dimension, kind: 'normal', seed: 1 });
      for (const metric of METRICS) {
        const index = create({ dimension, metric, capacity: 20 });
        index.addBatch(data);
        const query = data.subarray(7 * dimension, 8 * dimension);
        expectNearest(index.search(query, { k: 5 }), { query, vectors: byId(data, dimension), k: 5, metric });
      }
    }
  });

  it('takes a view into a larger array, and does not keep it: what is changed later is not found', () => {
    const large = randomRows({ n: 9, dimension: 5, kind: 'normal', seed: 2 });
    const index = create({ dimension: 5 });
    index.addBatch(large.subarray(10, 35));
    const before = large.slice();
    large.fill(0);
    const query = before.subarray(0, 5);
    const vectors = byId(before.subarray(10, 35), 5);
    expectNearest(index.search(query, { k: 5 }), { query, vectors, k: 5, metric: 'l2' });
  });

  it('results are the caller’s: a later search does not change them', () => {
    const data = randomRows({ n: 10, dimension: 3, kind: 'normal', seed: 3 });
    const index = create();
    index.addBatch(data);
    const first = index.search(data.subarray(0, 3), { k: 4 });
    const kept = { ids: first.ids.slice(), distances: first.distances.slice() };
    index.search(data.subarray(27, 30), { k: 4 });
    expect({ ids: first.ids, distances: first.distances }).toEqual(kept);
  });
});

describe('searching', () => {
  it('an empty index returns nothing', () => {
    for (const metric of METRICS) {
      const { ids, distances, work } = create({ metric }).search(Float32Array.of(1, 2, 3), { k: 5 });
      expect([ids, distances]).toEqual([new Uint32Array(0), new Float32Array(0)]);
      expect(work).toMatchObject({ distances: 0, hops: 0 });
    }
  });

  it('says what is wrong with k', () => {
    const index = create();
    index.add(Float32Array.of(1, 2, 3));
    for (const k of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '3' as unknown as number]) {
      const search = () => index.search(Float32Array.of(1, 2, 3), { k });
      expect(search).toThrow(ParameterError);
      expect(search).toThrow(`k = ${k}: an integer from 1 to 2147483647`);
    }
  });

  it('says what is wrong with a query, also where nothing is held', () => {
    const filled = create();
    filled.add(Float32Array.of(1, 2, 3));
    for (const index of [filled, create()]) {
      const search = (query: Float32Array) => () => index.search(query, { k: 1 });
      expect(search(Float32Array.of(1, 2))).toThrow(DimensionError);
      expect(search(Float32Array.of(1, 2))).toThrow('query: dimension 2, expected 3');
      expect(search(new Float32Array(0))).toThrow('query: dimension 0, expected 3');
      expect(search(Float32Array.of(1, Number.NaN, 3))).toThrow(VectorValueError);
      expect(search(Float32Array.of(1, Number.NaN, 3))).toThrow('query: component 1 is NaN');
      expect(search(Float32Array.of(1, 2, Number.NEGATIVE_INFINITY))).toThrow('query: component 2 is -Infinity');
      for (const other of [[1, 2, 3], new Float64Array(3), undefined, 'query']) {
        expect(search(other as unknown as Float32Array)).toThrow(ParameterError);
        expect(search(other as unknown as Float32Array)).toThrow('a Float32Array');
      }
    }
    const zero = () => create({ metric: 'cosine' }).search(new Float32Array(3), { k: 1 });
    expect(zero).toThrow('query: a zero vector has no direction');
  });

  it('a refused query changes nothing', () => {
    const data = randomRows({ n: 10, dimension: 3, kind: 'normal', seed: 4 });
    const index = create();
    index.addBatch(data);
    const before = index.search(data.subarray(0, 3), { k: 10 });
    expect(() => index.search(Float32Array.of(Number.NaN, 0, 0), { k: 10 })).toThrow(VectorValueError);
    expect(index.search(data.subarray(0, 3), { k: 10 })).toEqual(before);
  });
});

describe('creating', () => {
  it.each([0, -1, 4097, 1.5, Number.NaN, 1e12])('dimension %d is an error', (dimension) => {
    expect(() => create({ dimension })).toThrow(DimensionError);
    expect(() => create({ dimension })).toThrow(`index: dimension ${dimension}, expected an integer from 1 to 4096`);
  });

  it.each([0, -1, 2.5, Number.NaN, 2 ** 31])('capacity %d is an error', (capacity) => {
    expect(() => create({ capacity })).toThrow(ParameterError);
    expect(() => create({ capacity })).toThrow(`capacity = ${capacity}: an integer from 1 to 2147483647`);
  });

  it('an unknown metric is an error that names those there are', () => {
    const build = () => create({ metric: 'euclidean' as Metric });
    expect(build).toThrow(ParameterError);
    expect(build).toThrow('metric = euclidean: one of l2, dot, cosine, manhattan');
  });

  it('defaults are l2 and a million vectors, beyond one memory too', () => {
    const index = Flat.create({ dimension: 2048 });
    expect([index.metric, index.capacity, index.count]).toEqual(['l2', 1_000_000, 0]);
    const data = randomRows({ n: 5, dimension: 2048, kind: 'normal', seed: 5 });
    index.addBatch(data);
    const query = data.subarray(2048, 4096);
    expectNearest(index.search(query, { k: 3 }), { query, vectors: byId(data, 2048), k: 3, metric: 'l2' });
  });
});

describe('adding', () => {
  const vector = Float32Array.of(1, 2, 3);

  /** An index of four, and a way to see that it is as it was. */
  function four(metric: Metric = 'l2') {
    const index = create({ metric, capacity: 6 });
    index.addBatch(randomRows({ n: 4, dimension: 3, kind: 'normal', seed: 6 }), { ids: [5, 1, 4_294_967_295, 0] });
    const state = () => ({ count: index.count, found: index.search(Float32Array.of(1, 1, 1), { k: 10 }) });
    return { index, state };
  }

  const nan = Float32Array.of(1, 2, 3, 4, Number.NaN, 6);
  const refused: { what: string; vectors: Float32Array; ids?: ArrayLike<number>; error: unknown; message: string }[] = [
    { what: 'NaN in the last row', vectors: nan, error: VectorValueError, message: 'row 1: component 1 is NaN' },
    {
      what: 'Infinity',
      vectors: Float32Array.of(1, 2, Number.POSITIVE_INFINITY),
      error: VectorValueError,
      message: 'row 0: component 2 is Infinity',
    },
    {
      what: 'a norm beyond f32',
      vectors: Float32Array.of(1, 2, 3, 1e20, 0, 0),
      error: VectorValueError,
      message: 'row 1: |x|² = ',
    },
    {
      what: 'no whole rows',
      vectors: new Float32Array(7),
      error: ParameterError,
      message: 'vectors.length = 7: a multiple of the dimension 3',
    },
    {
      what: 'more than the capacity',
      vectors: new Float32Array(9),
      error: CapacityError,
      message: 'the index holds at most 6 vectors and 7 were asked for',
    },
    {
      what: 'fewer ids than rows',
      vectors: new Float32Array(6),
      ids: [7],
      error: ParameterError,
      message: 'ids.length = 1: one id per row, 2',
    },
    {
      what: 'more ids than rows',
      vectors: vector,
      ids: [7, 8],
      error: ParameterError,
      message: 'ids.length = 2: one id per row, 1',
    },
    {
      what: 'an id that is held',
      vectors: new Float32Array(6),
      ids: [7, 5],
      error: DuplicateIdError,
      message: 'id 5 is already in the index',
    },
    {
      what: 'the last u32 again',
      vectors: vector,
      ids: [2 ** 32 - 1],
      error: DuplicateIdError,
      message: 'id 4294967295 is already in the index',
    },
    {
      what: 'an id twice in the batch',
      vectors: new Float32Array(6),
      ids: [7, 7],
      error: DuplicateIdError,
      message: 'id 7 is already in the index',
    },
    ...[-1, 2 ** 32, 1.5, Number.NaN].map((id) => ({
      what: `id ${id}`,
      vectors: new Float32Array(6),
      ids: [7, id],
      error: ParameterError,
      message: `id = ${id}: ids are integers from 0 to 4294967295`,
    })),
    {
      what: 'a plain array',
      vectors: [1, 2, 3] as unknown as Float32Array,
      error: ParameterError,
      message: 'a Float32Array of rows',
    },
    {
      what: 'doubles',
      vectors: new Float64Array(3) as unknown as Float32Array,
      error: ParameterError,
      message: 'a Float32Array of rows',
    },
  ];

  it.each(refused)('a batch with $what is refused whole', ({ vectors, ids, error, message }) => {
    const { index, state } = four();
    const before = state();
    const add = () => index.addBatch(vectors, ids ? { ids } : {});
    expect(add).toThrow(error as ErrorConstructor);
    expect(add).toThrow(message);
    expect(state()).toEqual(before);
    // And it goes on as if nothing had happened.
    expect(index.add(Float32Array.of(1, 1, 1))).toBe(4);
    expect(index.search(Float32Array.of(1, 1, 1), { k: 1 }).ids[0]).toBe(4);
  });

  it('a batch with a zero row is refused whole under cosine', () => {
    const { index, state } = four('cosine');
    const before = state();
    expect(() => index.addBatch(Float32Array.of(1, 2, 3, 0, 0, 0))).toThrow('row 1: a zero vector has no direction');
    expect(state()).toEqual(before);
  });

  it('one vector that is wrong is refused, and nothing changes', () => {
    const { index, state } = four();
    const before = state();
    expect(() => index.add(new Float32Array(2))).toThrow(DimensionError);
    expect(() => index.add(new Float32Array(2))).toThrow('vector: dimension 2, expected 3');
    expect(() => index.add(new Float32Array(6))).toThrow('vector: dimension 6, expected 3');
    expect(() => index.add([1, 2, 3] as unknown as Float32Array)).toThrow(ParameterError);
    expect(() => index.add(Float32Array.of(1, Number.NaN, 3))).toThrow(VectorValueError);
    expect(() => index.add(vector, 5)).toThrow(DuplicateIdError);
    expect(() => index.add(vector, -5)).toThrow(ParameterError);
    expect(state()).toEqual(before);
  });

  it('when the capacity is exhausted it says what it is and what would help', () => {
    const { index, state } = four();
    index.addBatch(new Float32Array(6));
    const before = state();
    const error = () => index.add(vector);
    expect(error).toThrow(CapacityError);
    expect(error).toThrow('at most 6 vectors and 7 were asked for: create or open it with a larger capacity');
    expect(state()).toEqual(before);
    expect(before.count).toBe(6);
  });

  it('an empty batch adds nothing', () => {
    const { index, state } = four();
    const before = state();
    index.addBatch(new Float32Array(0));
    index.addBatch(new Float32Array(0), { ids: [] });
    expect(state()).toEqual(before);
  });

  it('says how far it has come, the end included', () => {
    const index = create({ dimension: 1, capacity: 3000 });
    const onProgress = vi.fn();
    index.addBatch(new Float32Array(2500).fill(1), { onProgress });
    const calls = onProgress.mock.calls as [number, number][];
    expect(calls.every(([, total]) => total === 2500)).toBe(true);
    const done = calls.map(([rows]) => rows);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.length).toBeGreaterThan(1);
    expect(done.at(-1)).toBe(2500);
  });

  it('adds all though a listener throws, or adds, who hears of it then', () => {
    const index = create({ dimension: 1, capacity: 9000 });
    const throws = () => {
      throw new Error('enough');
    };
    const adds = () => index.add(Float32Array.of(2));
    expect(() => index.addBatch(new Float32Array(2500).fill(1), { onProgress: throws })).toThrow('enough');
    expect(() => index.addBatch(new Float32Array(2500).fill(1), { onProgress: adds })).toThrow(BusyError);
    expect(() => index.addBatch(new Float32Array(3).fill(1), { onProgress: adds })).toThrow(BusyError);
    expect(index.count).toBe(5003);
    const rows = new Float32Array(2500).fill(1);
    expect(() => index.addBatch(rows, { onProgress: () => rows.fill(Number.NaN) })).toThrow(VectorValueError);
    const before = index.count;
    adds();
    expect(index.count).toBe(before + 1);
  });
});

describe('ids', () => {
  it('go on from the number of vectors held, past those given by hand', () => {
    const index = create({ dimension: 1, capacity: 100 });
    const add = (id?: number) => index.add(Float32Array.of(index.count + 1), id);
    expect([add(), add(), add()]).toEqual([0, 1, 2]);
    expect([add(4), add(), add()]).toEqual([4, 5, 6]);
    // Id 3 was left out and stays free: the next default is the number held, 6, or the first free one after it.
    expect(add()).toBe(7);
    expect([add(3), add(9), add()]).toEqual([3, 9, 10]);
    index.addBatch(Float32Array.of(91, 92, 93));
    const found = index.search(Float32Array.of(92), { k: 3 });
    expect(found.ids[0]).toBe(12);
    expect(Array.from(found.ids).sort((a, b) => a - b)).toEqual([11, 12, 13]);
  });

  it('never collide, however adds with and without ids are mixed; each vector is found under its own', () => {
    const action = fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      from: fc.option(fc.integer({ min: 0, max: 60 })),
    });
    const property = fc.property(fc.array(action, { minLength: 1, maxLength: 25 }), (actions) => {
      const index = create({ dimension: 1, capacity: 200 });
      const expected = new Map<number, number>();
      let value = 0;
      for (const { rows, from } of actions) {
        const vectors = Float32Array.from({ length: rows }, () => ++value);
        if (from === null) {
          // The rule as the interface states it, by trying.
          let id = index.count;
          for (const x of vectors) {
            while (expected.has(id)) id++;
            expected.set(id, x);
          }
          if (rows === 1) expect(expected.get(index.add(vectors))).toBe(value);
          else index.addBatch(vectors);
          continue;
        }
        const ids = Array.from({ length: rows }, (_, i) => from + i);
        if (ids.some((id) => expected.has(id))) {
          expect(() => index.addBatch(vectors, { ids })).toThrow(DuplicateIdError);
        } else {
          index.addBatch(vectors, { ids });
          for (const [i, id] of ids.entries()) expected.set(id, vectors[i]);
        }
      }
      expect(index.count).toBe(expected.size);
      for (const [id, x] of expected) {
        const { ids, distances } = index.search(Float32Array.of(x), { k: 1 });
        expect([ids[0], distances[0]]).toEqual([id, 0]);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 150 });
  });
});
