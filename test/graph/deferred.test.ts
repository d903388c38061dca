/** Searches whose neighbours wait with the estimates of their sign bits: what they find, and what they spare. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { Metric, SearchOptions, Work } from '../../src/graph/vector-index.ts';
import { expectNearest } from '../oracle.ts';

/** Below 1,024 vectors there is no filter, and nobody waits. */
const ROWS = 1500;

function clustered(n: number, dimension: number, seed: number, { clusters = 12, apart = 2, round = false } = {}) {
  const random = new Random(`centres ${dimension}`);
  const centres = Array.from({ length: clusters * dimension }, () => apart * random.normal());
  const rows = new Random(`rows ${seed}`);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = rows.integer(clusters) * dimension;
    for (let j = 0; j < dimension; j++) {
      const x = centres[centre + j] + rows.normal();
      data[i * dimension + j] = round ? Math.round(Math.min(255, Math.max(0, 128 + 16 * x))) : x;
    }
  }
  return data;
}

function rowOf(data: Float32Array, i: number, dimension: number): Float32Array {
  return data.subarray(i * dimension, (i + 1) * dimension);
}

function build(options: HnswOptions, data: Float32Array): Hnsw {
  const capacity = data.length / options.dimension;
  const index = Hnsw.create({ filter: 'sign', M: 8, efConstruction: 40, seed: 3, capacity, ...options });
  index.addBatch(data);
  return index;
}

/** What the ten nearest of these queries are found by, of 1, and what that takes on average. */
function measured(index: Hnsw, data: Float32Array, queries: Float32Array, options: Partial<SearchOptions>) {
  const { dimension, metric } = index;
  const flat = Flat.create({ dimension, metric, capacity: data.length / dimension });
  flat.addBatch(data);
  const n = queries.length / dimension;
  let found = 0;
  const work: Work = { distances: 0, hops: 0, estimates: 0 };
  for (let i = 0; i < n; i++) {
    const query = rowOf(queries, i, dimension);
    const truth = new Set(flat.search(query, { k: 10 }).ids);
    const result = index.search(query, { k: 10, ...options });
    found += result.ids.filter((id) => truth.has(id)).length;
    for (const kind of ['distances', 'hops', 'estimates'] as const) work[kind] += result.work[kind] / n;
  }
  return { recall: found / (10 * n), work };
}

describe('a deferred search against the oracle', () => {
  const shapes = fc.record({
    dimension: fc.integer({ min: 1, max: 90 }),
    metric: fc.constantFrom<Metric>('l2', 'dot', 'cosine'),
    codes: fc.constantFrom('f32' as const, 'sq7' as const),
    round: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1000 }),
    defer: fc.constantFrom(0, 0.3, 0.8, 10),
  });

  it('with ef = count, is exact: whoever waits is compared in the end', () => {
    fc.assert(
      fc.property(shapes, ({ dimension, metric, codes, round, seed, defer }) => {
        const data = clustered(ROWS, dimension, seed, { round });
        const index = build({ dimension, metric, codes, seed }, data);
        const vectors = new Map(Array.from({ length: ROWS }, (_, i) => [i, rowOf(data, i, dimension)]));
        for (const query of [rowOf(data, 7, dimension), clustered(1, dimension, seed + 1)]) {
          const found = index.search(query, { k: 10, efSearch: ROWS, rerank: ROWS, defer });
          expectNearest(found, { query, vectors, k: 10, metric });
          expect(found.work.distances).toBeGreaterThanOrEqual(ROWS);
          expect(index.search(query, { k: ROWS, defer }).ids).toHaveLength(ROWS);
        }
      }),
      { seed: 20_251_121, numRuns: 20 },
    );
  });
});

describe.each([
  // `budget`: of the distances of a search that lets nobody wait. Within a cluster of the far ones all are about equally near, and
  // what is compared more finds 0.03 to 0.1 more.
  { name: 'codes', dimension: 512, codes: 'sq7' as const, shape: { clusters: 80, apart: 1 }, budget: 0.95 },
  {
    name: 'bytes',
    dimension: 768,
    codes: 'sq7' as const,
    shape: { clusters: 30, apart: 0.5, round: true },
    budget: 0.9,
  },
  { name: 'floats of far clusters', dimension: 256, codes: 'f32' as const, shape: { apart: 3 }, budget: 1.5 },
])('a deferred search of $name', ({ dimension, codes, shape, budget }) => {
  const rows = 3000;
  const data = clustered(rows, dimension, 1, shape);
  const queries = clustered(300, dimension, 2, shape);
  let index: Hnsw;

  beforeAll(() => {
    index = build({ dimension, codes, M: 12, efConstruction: 60 }, data);
  });

  it.each([
    { name: 'gamma 0', options: { gamma: 0 }, loss: 0 },
    { name: 'gamma 0.02', options: { gamma: 0.02 }, loss: 0 },
    { name: 'gamma 0.08', options: { gamma: 0.08 }, loss: 0 },
    { name: 'a beam of 10', options: { efSearch: 10, defer: 0.8 }, loss: 0.003 },
    // A beam that ends a search has seen fewer by then: one set of the three loses 27 of 3,000 neighbours.
    { name: 'a beam of 40', options: { efSearch: 40, defer: 0.8 }, loss: 0.01 },
    { name: 'a beam of 150', options: { efSearch: 150, defer: 0.8 }, loss: 0 },
  ])('finds no less with $name, within its budget of distances', ({ options, loss }) => {
    const atOnce = measured(index, data, queries, { ...options, defer: false });
    const deferred = measured(index, data, queries, options);
    expect(deferred.recall).toBeGreaterThanOrEqual(atOnce.recall - loss);
    expect(deferred.work.distances).toBeLessThan(budget * atOnce.work.distances);
  });

  it('compares more, and finds no less, the more it forgives', () => {
    const [least, most] = [0, 3].map((defer) => measured(index, data, queries, { gamma: 0.02, defer }));
    expect(least.work.distances).toBeLessThan(0.8 * most.work.distances);
    expect(least.recall).toBeLessThanOrEqual(most.recall);
  });

  it('lists distances in order, and passes by whom it is not to see', () => {
    const query = rowOf(data, 5, dimension);
    const { slots, distances } = index.thread.candidates(query, { k: 10, gamma: 0.1 }, 100, 5);
    expect(slots).not.toContain(5);
    expect(distances).toEqual(distances.slice().sort());
    expect(index.thread.candidates(query, { k: 10, gamma: 0.1 }, 100).slots[0]).toBe(5);
  });
});

describe('defer', () => {
  const dimension = 64;
  const data = clustered(ROWS, dimension, 1);
  const query = clustered(1, dimension, 2);

  it('is 0.8 with a gamma, and nobody waits in a beam without, where nobody says', () => {
    const index = build({ dimension, filter: 'sign' }, data);
    const search = (options: Partial<SearchOptions>) => index.search(query, { k: 10, ...options });
    expect(search({ gamma: 0.05 })).toEqual(search({ gamma: 0.05, defer: 0.8 }));
    expect(search({ gamma: 0.05 }).work).not.toEqual(search({ gamma: 0.05, defer: false }).work);
    expect(search({ efSearch: 50 })).toEqual(search({ efSearch: 50, defer: false }));
    expect(search({ efSearch: 50 }).work).not.toEqual(search({ efSearch: 50, defer: 0.8 }).work);
  });

  it('says nothing where there is no filter, or not yet one', () => {
    const few = build({ dimension }, data.subarray(0, 1000 * dimension));
    const unfiltered = build({ dimension, filter: 'none' }, data);
    for (const index of [few, unfiltered]) {
      const found = index.search(query, { k: 10, defer: false });
      for (const defer of [0, 0.8, 5]) expect(index.search(query, { k: 10, defer })).toEqual(found);
    }
    const index = build({ dimension }, data);
    const found = index.search(query, { k: 10, filterWords: 0, defer: false });
    expect(index.search(query, { k: 10, filterWords: 0, defer: 0 })).toEqual(found);
  });

  it("is added to the index's own margin", () => {
    const [narrow, wide] = [0, 0.5].map((margin) => build({ dimension, margin }, data));
    expect(wide.search(query, { k: 10, defer: 0.25 })).toEqual(narrow.search(query, { k: 10, defer: 0.75 }));
  });

  it('leaves an insert after it as it would be', () => {
    const [plain, searched] = [0, 1].map(() => build({ dimension, capacity: ROWS + 20 }, data));
    for (let i = 0; i < 20; i++) {
      searched.search(query, { k: 10, defer: 0 });
      for (const index of [plain, searched]) index.add(clustered(1, dimension, 10 + i));
      expect(searched.neighbors(ROWS + i)).toEqual(plain.neighbors(ROWS + i));
    }
  });

  it('is a number from 0 to 10, or false', () => {
    const index = build({ dimension }, data);
    for (const defer of [-0.1, 10.5, Number.NaN, '1', true, null]) {
      expect(() => index.search(query, { k: 10, defer: defer as number })).toThrow(ParameterError);
      expect(() => index.search(query, { k: 10, defer: defer as number })).toThrow(
        /defer = .*: a number from 0 to 10, or false/,
      );
    }
  });
});
