import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BusyError, ParameterError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { NODE, STATE } from '../../src/graph/graph-layout.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { levelOf } from '../../src/graph/hnsw-levels.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import { METRICS, type Metric, type SearchOptions } from '../../src/graph/vector-index.ts';
import { Pool } from '../../src/workers/pool.ts';
import { byId, expectNearest } from '../oracle.ts';
import { clustered, exact, rowOf } from './clustered.ts';

const SEED = 20_181_026;

function build(options: HnswOptions, data: Float32Array): Hnsw {
  const index = Hnsw.create({ capacity: Math.max(1, data.length / options.dimension), ...options });
  index.addBatch(data);
  return index;
}

/** Every list of every level, as one comparable value. */
function graphOf(index: Hnsw): string {
  const lists: string[] = [];
  for (let id = 0; id < index.count; id++) {
    for (let level = 0; level < 12; level++) lists.push(Array.from(index.neighbors(id, level)).join(' '));
  }
  return lists.join('\n');
}

const shapes = fc.record({
  n: fc.integer({ min: 1, max: 300 }),
  dimension: fc.integer({ min: 1, max: 200 }),
  metric: fc.constantFrom(...METRICS),
  codes: fc.constantFrom('f32' as const, 'sq7' as const),
  M: fc.integer({ min: 2, max: 20 }),
  grid: fc.boolean(),
  extendCandidates: fc.boolean(),
  keepPruned: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1000 }),
});

describe('Hnsw against the oracle', () => {
  it('with ef = count, equals exact search on every node', () => {
    fc.assert(
      fc.property(shapes, ({ n, dimension, metric, grid, seed, ...options }) => {
        const data = clustered({ n, dimension, seed, grid });
        const index = build({ dimension, metric, efConstruction: 40, seed, ...options }, data);
        const flat = exact(dimension, metric, data);
        const k = Math.min(10, n);
        for (const query of [rowOf(data, 0, dimension), clustered({ n: 1, dimension, seed: seed + 1, grid })]) {
          const found = index.search(query, { k, efSearch: n + k, rerank: n + k });
          const truth = flat.search(query, { k });
          // Ties may come in any order, so the distances are what must agree; the kernels' sums may differ in order.
          expect(found.ids).toHaveLength(k);
          expect(new Set(found.ids).size).toBe(k);
          const scale = 1e-5 * (1 + Math.abs(truth.distances[k - 1]));
          found.distances.forEach((d, i) => {
            expect(Math.abs(d - truth.distances[i])).toBeLessThanOrEqual(scale);
          });
        }
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('is whole after random builds: validate() finds nothing', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 300, max: 1500 }), ({ n: _, grid, ...options }, n) => {
        const { seed } = options;
        const dimension = Math.min(options.dimension, 40);
        const data = clustered({ n, dimension, seed, grid });
        const index = build({ ...options, dimension, efConstruction: Math.max(options.M, 20) }, data);
        expect(index.validate()).toEqual([]);
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  it.each(METRICS.flatMap((metric) => (['f32', 'sq7'] as const).map((codes) => ({ metric, codes }))))(
    'finds nearly all neighbours for a fraction of the work: $metric on $codes',
    ({ metric, codes }) => {
      const dimension = 128;
      const n = 4000;
      const data = clustered({ n, dimension, seed: 3 });
      const index = build({ dimension, metric, codes, seed: 3 }, data);
      const flat = exact(dimension, metric, data);
      const queries = clustered({ n: 50, dimension, seed: 3 });
      let hits = 0;
      let distances = 0;
      for (let i = 0; i < 50; i++) {
        const query = rowOf(queries, i, dimension).map((x) => x + 0.01);
        const truth = new Set(flat.search(query, { k: 10 }).ids);
        const found = index.search(query, { k: 10, efSearch: 200 });
        hits += found.ids.filter((id) => truth.has(id)).length;
        distances += found.work.distances;
      }
      expect(hits / 500).toBeGreaterThan(0.9);
      expect(distances / 50).toBeLessThan(n / 2);
    },
  );

  it.each(['l2', 'dot', 'cosine'] as const)('the sign filter spares distances and hardly any recall: %s', (metric) => {
    const dimension = 256;
    const n = 6000;
    const data = clustered({ n, dimension, seed: 5 });
    const flat = exact(dimension, metric, data);
    const measure = (filter: 'sign' | 'none') => {
      const index = build({ dimension, metric, filter, seed: 5 }, data);
      let hits = 0;
      let distances = 0;
      for (let i = 0; i < 100; i++) {
        const query = rowOf(data, i * 7, dimension).map((x) => x * 0.9 + 0.05);
        const truth = new Set(flat.search(query, { k: 10 }).ids);
        // Whoever waits is forgiven more (`deferred.test.ts`).
        const found = index.search(query, { k: 10, efSearch: 100, defer: false });
        hits += found.ids.filter((id) => truth.has(id)).length;
        distances += found.work.distances;
      }
      return { recall: hits / 1000, distances };
    };
    const [filtered, plain] = [measure('sign'), measure('none')];
    expect(filtered.distances).toBeLessThan(0.75 * plain.distances);
    expect(filtered.recall).toBeGreaterThan(plain.recall - 0.03);
  });

  it('reads nothing beyond its memory where the arena is full to the last page', () => {
    // 376 such records end on a page.
    const data = clustered({ n: 376, dimension: 1, seed: 1 });
    const index = build({ dimension: 1, M: 2, codes: 'f32', filter: 'none', efConstruction: 32, seed: 1 }, data);
    for (let i = 0; i < 376; i++) expect(index.search(rowOf(data, i, 1), { k: 1, efSearch: 376 }).distances[0]).toBe(0);
  });

  it.each(['f32', 'sq7'] as const)('copies of one vector hide nobody who comes after them, %s', (codes) => {
    const [dimension, copies, others] = [16, 1500, 300];
    for (const metric of ['l2', 'cosine', 'manhattan'] as const) {
      const one = clustered({ n: 1, dimension, seed: 3 });
      const after = clustered({ n: others, dimension, seed: 4 });
      const index = build({ dimension, metric, codes, capacity: copies + others }, new Float32Array(0));
      for (let i = 0; i < copies; i++) index.add(one);
      index.addBatch(after);
      const search = (query: Float32Array, k: number) => index.search(query, { k, efSearch: 100 });
      const found = Array.from(
        { length: others },
        (_, i) => search(rowOf(after, i, dimension), 1).ids[0] === copies + i,
      );
      expect(found.filter(Boolean).length).toBeGreaterThan(0.98 * others);
      // And they are all to be had.
      expect(search(one, 100).ids.every((id) => id < copies)).toBe(true);
      expect(index.validate()).toEqual([]);
    }
  });

  it('re-ranking mends what 7-bit codes confuse', () => {
    const dimension = 16;
    const data = clustered({ n: 3000, dimension, seed: 8 });
    const index = build({ dimension, codes: 'sq7', seed: 8 }, data);
    const flat = exact(dimension, 'l2', data);
    let plain = 0;
    let reranked = 0;
    for (let i = 0; i < 60; i++) {
      const query = rowOf(data, i * 31, dimension).map((x) => x + 0.02);
      const truth = new Set(flat.search(query, { k: 10 }).ids);
      const count = (rerank: number) =>
        index.search(query, { k: 10, efSearch: 200, rerank }).ids.filter((id) => truth.has(id)).length;
      plain += count(0);
      reranked += count(40);
    }
    expect(reranked).toBeGreaterThan(plain);
    expect(reranked / 600).toBeGreaterThan(0.99);
  });

  it.each(METRICS)(
    'of bytes, then with a vector that is none, queries of either kind: distances are exact, %s',
    (metric) => {
      const [n, dimension] = [300, 41];
      const random = new Random('bytes');
      const bytes = (count: number) => Float32Array.from({ length: count }, () => random.integer(256));
      const index = build({ dimension, metric, capacity: n + 1 }, bytes(0));
      const data = bytes(n * dimension);
      index.addBatch(data);
      const vectors = byId(data, dimension);
      const queries = [bytes(dimension), bytes(dimension).map((x) => x - 100.5)];
      const check = () => {
        for (const query of queries) {
          const found = index.search(query, { k: 10, efSearch: n + 1, rerank: n + 1 });
          expectNearest(found, { query, vectors, k: 10, metric });
        }
        expect(index.validate()).toEqual([]);
      };
      check();
      // Under cosine components are normalized, and no bytes.
      expect(index.stats().ramBytes.vectors).toBe(metric === 'cosine' ? n * 44 * 4 : 0);
      const odd = queries[0].map((x) => x + 0.25);
      index.add(odd);
      vectors.set(n, odd);
      check();
      expect(index.stats().ramBytes.vectors).toBe((n + 1) * 44 * 4);
    },
  );
});

describe('gamma', () => {
  const dimension = 24;
  const n = 2500;
  const data = clustered({ n, dimension, seed: 6 });
  const queries = Array.from({ length: 40 }, (_, i) =>
    rowOf(data, i * 13, dimension).map((x, j) => x + 0.3 * Math.sin(i + j)),
  );
  const workOf = (index: Hnsw, options: SearchOptions) => {
    const works = queries.map((query) => index.search(query, options).work);
    return { hops: mean(works.map(({ hops }) => hops)), distances: mean(works.map(({ distances }) => distances)) };
  };

  it.each(['l2', 'cosine', 'manhattan'] as const)(
    'more of it is more work and more recall, up to the beam’s: %s',
    (metric) => {
      const index = build({ dimension, metric, codes: 'f32', M: 8, seed: 6 }, data);
      const flat = exact(dimension, metric, data);
      const truth = queries.map((query) => new Set(flat.search(query, { k: 10 }).ids));
      const steps = [0, 0.02, 0.05, 0.1, 0.2, 0.5, 2].map((gamma) => {
        const found = queries.map((query) => index.search(query, { k: 10, gamma, efSearch: 200 }).ids);
        const hits = found.map((ids, i) => ids.filter((id) => truth[i].has(id)).length);
        return { ...workOf(index, { k: 10, gamma, efSearch: 200 }), recall: mean(hits) / 10 };
      });
      for (const [i, { hops, distances, recall }] of steps.entries()) {
        if (i === 0) continue;
        expect(hops).toBeGreaterThanOrEqual(steps[i - 1].hops);
        expect(distances).toBeGreaterThanOrEqual(steps[i - 1].distances);
        expect(recall).toBeGreaterThanOrEqual(steps[i - 1].recall - 0.005);
      }
      expect(steps[0].hops).toBeLessThan(0.5 * steps.at(-1)!.hops);
      const beam = workOf(index, { k: 10, efSearch: 200 });
      for (const { hops } of steps) expect(hops).toBeLessThanOrEqual(beam.hops);
    },
  );

  it('means a length: squared distances are stretched by its square, Manhattan’s by itself', () => {
    // On a line, from 0: where k = 1 is found at 1, gamma 1 reads on up to 2.
    const line = Float32Array.from({ length: 400 }, (_, i) => 1 + i / 100);
    for (const metric of ['l2', 'manhattan'] as const) {
      const index = build({ dimension: 1, metric, codes: 'f32', M: 4, seed: 1 }, line);
      const { work } = index.search(Float32Array.of(0), { k: 1, gamma: 1, efSearch: 400 });
      const within = 100;
      expect(work.hops).toBeGreaterThan(within - 5);
      expect(work.hops).toBeLessThan(within + 25);
    }
  });

  it('of 10, with a beam as wide as all there are, is exact; its default beam is max(8 k, 512)', () => {
    for (const metric of ['l2', 'cosine', 'manhattan'] as const) {
      const index = build({ dimension, metric, seed: 6 }, data);
      const flat = exact(dimension, metric, data);
      for (const query of queries.slice(0, 8)) {
        const found = index.search(query, { k: 10, gamma: 10, efSearch: n, rerank: n });
        const truth = flat.search(query, { k: 10 });
        truth.distances.forEach((distance, i) => {
          expect(Math.abs(found.distances[i] - distance)).toBeLessThanOrEqual(1e-5 * (1 + distance));
        });
        const wide = { k: 100, gamma: 10 };
        expect(index.search(query, wide)).toEqual(index.search(query, { ...wide, efSearch: 800 }));
        expect(index.search(query, { k: 3, gamma: 10 })).toEqual(
          index.search(query, { k: 3, gamma: 10, efSearch: 512 }),
        );
      }
    }
  });

  it.each(['f32', 'sq7'] as const)('of 0 finds the query itself, and copies of it: %s', (codes) => {
    const copies = new Float32Array(data);
    for (const i of [400, 1300, 2100]) copies.set(rowOf(data, 77, dimension), i * dimension);
    const index = build({ dimension, codes, M: 8, seed: 6 }, copies);
    const { ids, distances } = index.search(rowOf(data, 77, dimension), { k: 4, gamma: 0 });
    expect(Array.from(ids).sort((a, b) => a - b)).toEqual([77, 400, 1300, 2100]);
    expect(Array.from(distances)).toEqual([0, 0, 0, 0]);
  });

  it('still returns k of them, whatever it is', () => {
    const index = build({ dimension, M: 8, seed: 6 }, data);
    for (const k of [1, 7, 300, n, n + 5])
      expect(index.search(queries[0], { k, gamma: 0 }).ids).toHaveLength(Math.min(k, n));
  });

  it('is the same through a pool', async () => {
    const index = build({ dimension, M: 8, seed: 6, threads: 3 }, data);
    await using pool = await Pool.start(index, { threads: 2 });
    const rows = Float32Array.from(queries.flatMap((query) => Array.from(query)));
    const batch = await pool.searchBatch(rows, { k: 5, gamma: 0.08 });
    for (const [i, query] of queries.entries()) {
      const { ids, distances } = index.search(query, { k: 5, gamma: 0.08 });
      expect(batch.ids.subarray(i * 5, i * 5 + 5)).toEqual(ids);
      expect(batch.distances.subarray(i * 5, i * 5 + 5)).toEqual(distances);
    }
    await expect(pool.searchBatch(rows, { k: 5, gamma: -1 })).rejects.toThrow(/gamma = -1/);
  });

  it('is refused below 0, above 10, where it is no number, and under dot', async () => {
    const index = build({ dimension, M: 8, seed: 6 }, data.subarray(0, 50 * dimension));
    for (const gamma of [-0.001, 10.001, Number.NaN, Infinity, '0.1' as never]) {
      expect(() => index.search(queries[0], { k: 5, gamma })).toThrow(ParameterError);
      expect(() => index.search(queries[0], { k: 5, gamma })).toThrow(/gamma = .*: a number from 0 to 10/);
    }
    const products = build({ dimension, metric: 'dot', M: 8, threads: 2 }, data.subarray(0, 50 * dimension));
    expect(() => products.search(queries[0], { k: 5, gamma: 0.1 })).toThrow(/gamma = 0.1: none under dot/);
    await using pool = await Pool.start(products, { threads: 1 });
    await expect(pool.searchBatch(queries[0], { k: 5, gamma: 0.1 })).rejects.toThrow(/gamma = 0.1: none under dot/);
  });

  function mean(values: number[]): number {
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
});

describe('Hnsw, the same from the same', () => {
  const dimension = 100;
  const data = clustered({ n: 1300, dimension, seed: 1 });

  it.each(['f32', 'sq7'] as const)('same seed and data, same graph, in one batch or one by one: %s', (codes) => {
    const whole = build({ dimension, codes, filter: 'sign', seed: 9 }, data);
    const again = Hnsw.create({ dimension, codes, filter: 'sign', seed: 9, capacity: 5000 });
    again.addBatch(data.subarray(0, 700 * dimension));
    for (let i = 700; i < 1300; i++) again.add(rowOf(data, i, dimension));
    expect(graphOf(again)).toBe(graphOf(whole));
    expect(again.stats().levels).toEqual(whole.stats().levels);
  });

  it('another seed, another graph', () => {
    const [a, b] = [1, 2].map((seed) => build({ dimension, seed }, data));
    expect(graphOf(a)).not.toBe(graphOf(b));
  });

  it('a level is a hash of seed and slot, and one node in M rises above level 0', () => {
    const M = 16;
    let above = 0;
    for (let slot = 0; slot < 200_000; slot++) if (levelOf(7, slot, M) > 0) above++;
    expect(above / 200_000).toBeGreaterThan(0.95 / M);
    expect(above / 200_000).toBeLessThan(1.05 / M);
  });

  it('works on the baseline build of the kernels too', async () => {
    vi.stubEnv('ANNLAB_WASM', 'baseline');
    vi.resetModules();
    try {
      const { chooseBuild } = await import('../../src/kernels/wasm.ts');
      const { Hnsw: Baseline } = await import('../../src/graph/hnsw.ts');
      expect(chooseBuild()).toBe('baseline');
      const index = Baseline.create({ dimension, filter: 'sign', capacity: 1300, seed: 9 });
      index.addBatch(data);
      expect(index.validate()).toEqual([]);
      const relaxed = build({ dimension, filter: 'sign', seed: 9 }, data);
      let agree = 0;
      for (let i = 0; i < 100; i++) {
        const query = rowOf(data, i * 13, dimension).map((x) => x + 0.1);
        const ids = new Set(relaxed.search(query, { k: 10, efSearch: 100 }).ids);
        agree += index.search(query, { k: 10, efSearch: 100 }).ids.filter((id) => ids.has(id)).length;
      }
      expect(agree / 1000).toBeGreaterThan(0.98);
    } finally {
      vi.unstubAllEnvs();
      vi.resetModules();
    }
  });
});

describe('Hnsw, options and statistics', () => {
  const dimension = 24;
  const data = clustered({ n: 1500, dimension, seed: 4 });

  it('keepPruned fills lists, extendCandidates looks further', () => {
    const plain = build({ dimension, seed: 4 }, data);
    const kept = build({ dimension, seed: 4, keepPruned: true }, data);
    const extended = build({ dimension, seed: 4, extendCandidates: true }, data);
    expect(kept.stats().meanDegree).toBeGreaterThan(plain.stats().meanDegree);
    expect(graphOf(extended)).not.toBe(graphOf(plain));
  });

  it('α = 1 is the paper: more keeps more links', () => {
    const degrees = [1, 1.2, 1.5].map((alpha) => build({ dimension, seed: 4, alpha }, data).stats().meanDegree);
    expect(degrees[0]).toBeLessThan(degrees[1]);
    expect(degrees[1]).toBeLessThan(degrees[2]);
  });

  it('counts bytes by what is held, not by what is reserved', () => {
    const small = build({ dimension, seed: 4 }, data).stats();
    const roomy = build({ dimension, seed: 4, capacity: 500_000 }, data).stats();
    expect(roomy.ramBytes).toEqual(small.ramBytes);
    expect(small.walkBytes).toBeLessThan(small.ramBytes.total);
    expect(small.levels[0]).toBe(1500);
  });

  it('filters by signs where vectors are large, unless told otherwise', () => {
    const filterOf = (options: HnswOptions) => Hnsw.create({ capacity: 10, ...options }).stats().filter;
    expect(filterOf({ dimension: 256, codes: 'sq7' })).toBe('none');
    expect(filterOf({ dimension: 512, codes: 'sq7' })).toBe('sign');
    expect(filterOf({ dimension: 128, codes: 'f32' })).toBe('none');
    expect(filterOf({ dimension: 256, codes: 'f32' })).toBe('sign');
    expect(filterOf({ dimension: 1024, metric: 'manhattan' })).toBe('none');
    expect(filterOf({ dimension: 1024, filter: 'none' })).toBe('none');
  });

  it('reports progress to the end', () => {
    const index = Hnsw.create({ dimension, capacity: 1500 });
    const seen: number[] = [];
    index.addBatch(data, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('adds all though a listener throws, or adds, who hears of it then', () => {
    const index = Hnsw.create({ dimension, capacity: 4000 });
    const throws = () => {
      throw new Error('enough');
    };
    const adds = () => index.add(rowOf(data, 0, dimension));
    expect(() => index.addBatch(data, { onProgress: throws })).toThrow('enough');
    expect(() => index.addBatch(data, { onProgress: adds })).toThrow(BusyError);
    expect(() => index.addBatch(data.subarray(0, 3 * dimension), { onProgress: adds })).toThrow(BusyError);
    expect(index.count).toBe(3003);
    expect(index.validate()).toEqual([]);
    adds();
    expect(index.count).toBe(3004);
  });

  it('answers a k of tens of thousands', () => {
    const n = 18_000;
    const wide = build({ dimension: 2, M: 4, efConstruction: 8, seed: 4 }, clustered({ n, dimension: 2, seed: 4 }));
    const { ids, distances } = wide.search(Float32Array.of(0, 0), { k: n });
    expect(new Set(ids).size).toBe(n);
    expect(distances).toEqual(distances.slice().sort());
  });

  it('holds by default a million vectors, or as many as fit', () => {
    expect(Hnsw.create({ dimension: 8 }).capacity).toBe(1_000_000);
    const { capacity } = Hnsw.create({ dimension: 4096, codes: 'f32' });
    expect(capacity).toBeGreaterThan(200_000);
    expect(capacity).toBeLessThan(1_000_000);
  });

  it("returns the caller's ids", () => {
    const index = Hnsw.create({ dimension, capacity: 1500 });
    const ids = Uint32Array.from({ length: 1500 }, (_, i) => 4_000_000_000 - 3 * i);
    index.addBatch(data, { ids });
    expect(index.search(rowOf(data, 42, dimension), { k: 1 }).ids).toEqual(Uint32Array.of(ids[42]));
    expect(index.neighbors(ids[42]).every((id) => ids.includes(id))).toBe(true);
  });
});

describe('Hnsw, bad input', () => {
  const dimension = 8;
  const data = clustered({ n: 50, dimension, seed: 2 });
  const index = build({ dimension, capacity: 60, M: 4 }, data);
  const query = rowOf(data, 0, dimension);

  it.each([
    ['dimension 0', { dimension: 0 }, /dimension 0, expected an integer from 1 to 4096/],
    ['dimension 4097', { dimension: 4097 }, /4097/],
    ['half a dimension', { dimension: 7.5 }, /7.5/],
    [
      'an unknown metric',
      { dimension, metric: 'hamming' as Metric },
      /metric = hamming: one of l2, dot, cosine, manhattan/,
    ],
    ['M 1', { dimension, M: 1 }, /M = 1: an integer from 2/],
    ['efConstruction below M', { dimension, M: 16, efConstruction: 8 }, /efConstruction = 8/],
    ['α below 1', { dimension, alpha: 0.5 }, /alpha = 0.5/],
    ['α under dot', { dimension, metric: 'dot' as const, alpha: 1.2 }, /negated inner products/],
    ['a filter under manhattan', { dimension, metric: 'manhattan' as const, filter: 'sign' as const }, /manhattan/],
    ['unknown codes', { dimension, codes: 'pq' as 'f32' }, /codes = pq: f32, sq7 or a trained quantizer/],
    ['no capacity', { dimension, capacity: 0 }, /capacity = 0/],
    ['a seed that is none', { dimension, seed: -1 }, /seed = -1/],
  ])('refuses %s', (_, options, message) => {
    expect(() => Hnsw.create(options)).toThrow(message);
  });

  it('says how many vectors of this shape fit into one memory', () => {
    const attempt = () => Hnsw.create({ dimension: 1024, codes: 'f32', capacity: 2_000_000 });
    expect(attempt).toThrow(/2000000 × 1024-D \(f32, M 16\) needs \d+ bytes .* \d+ vectors of this shape fit/);
    const fits = Number(/(\d+) vectors of this shape fit/.exec(messageOf(attempt))?.[1]);
    expect(fits).toBeGreaterThan(900_000);
    expect(fits).toBeLessThan(1_000_000);
    expect(Hnsw.create({ dimension: 1024, codes: 'f32', capacity: fits }).capacity).toBe(fits);
  });

  it.each([
    ['k = 0', { k: 0 }, /k = 0/],
    ['k = 1.5', { k: 1.5 }, /k = 1.5/],
    ['efSearch below k', { k: 10, efSearch: 5 }, /efSearch = 5: an integer of at least k = 10/],
    ['rerank below k', { k: 10, efSearch: 20, rerank: 3 }, /rerank = 3/],
  ])('refuses a search with %s', (_, options, message) => {
    expect(() => index.search(query, options)).toThrow(message);
  });

  it('refuses vectors that cannot be compared, and takes nothing of their batch', () => {
    const before = index.search(query, { k: 5 });
    expect(() => index.search(new Float32Array(7), { k: 1 })).toThrow(/dimension 7, expected 8/);
    expect(() => index.search([1, 2] as unknown as Float32Array, { k: 1 })).toThrow(/Float32Array/);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const rows = Float32Array.from({ length: 3 * dimension }, () => 1);
      rows[dimension + 2] = bad;
      expect(() => index.addBatch(rows)).toThrow(/row 1: component 2 is/);
      expect(() => index.search(rows.subarray(dimension, 2 * dimension), { k: 1 })).toThrow(/component 2/);
    }
    expect(() => index.add(new Float32Array(dimension).fill(3e38))).toThrow(/overflow f32/);
    expect(() => Hnsw.create({ dimension, metric: 'cosine' }).add(new Float32Array(dimension))).toThrow(/zero vector/);
    expect(() => index.addBatch(new Float32Array(dimension + 1))).toThrow(/multiple of the dimension 8/);
    expect(index.count).toBe(50);
    expect(index.search(query, { k: 5 })).toEqual(before);
  });

  it('refuses ids that are taken, come twice, or are none', () => {
    const one = new Float32Array(dimension).fill(1);
    const two = new Float32Array(2 * dimension).fill(1);
    expect(() => index.add(one, 7)).toThrow(/id 7 is already in the index/);
    expect(() => index.addBatch(two, { ids: [100, 100] })).toThrow(/id 100/);
    expect(() => index.add(one, -1)).toThrow(/id = -1/);
    expect(() => index.add(one, 2 ** 32)).toThrow(/id = 4294967296/);
    expect(() => index.addBatch(two, { ids: [100] })).toThrow(/one id per row, 2/);
    expect(index.count).toBe(50);
  });

  it('refuses what goes beyond its capacity, whole', () => {
    expect(() => index.addBatch(new Float32Array(11 * dimension).fill(1))).toThrow(
      /at most 60 vectors and 61 were asked for/,
    );
    expect(index.count).toBe(50);
  });

  it('an empty index finds nothing; k beyond count finds all', () => {
    const empty = Hnsw.create({ dimension, capacity: 10 });
    expect(empty.search(query, { k: 3 }).ids).toHaveLength(0);
    expect(empty.validate()).toEqual([]);
    expect(empty.stats().count).toBe(0);
    expect(index.search(query, { k: 500 }).ids).toHaveLength(50);
    empty.addBatch(new Float32Array(0));
    expect(empty.count).toBe(0);
  });
});

describe('validate()', () => {
  /** A small graph, and how to reach into it: the node's fields begin behind its vector. */
  function opened() {
    const dimension = 4;
    const index = build({ dimension, M: 4, seed: 6 }, clustered({ n: 200, dimension, seed: 6 }));
    const { at, u32 } = index.arena;
    const node = (slot: number) => (at.records + slot * index.layout.recordBytes + index.layout.vectorBytes) / 4;
    return { index, u32, state: at.state / 4, node };
  }
  const LEVEL = NODE.level;
  const COUNT = NODE.count;
  const LINKS = NODE.count + 1;

  it.each([
    ['a degree beyond its bound', 'links, at most', ({ u32, node }) => (u32[node(9) + COUNT] = 13)],
    ['a link to nobody', 'a link to 5000', ({ u32, node }) => (u32[node(9) + LINKS] = 5000)],
    ['a link to itself', 'node 9, level 0: a link to itself', ({ u32, node }) => (u32[node(9) + LINKS] = 9)],
    ['two links to the same', 'two links', ({ u32, node }) => (u32[node(9) + LINKS] = u32[node(9) + LINKS + 1])],
    ['a level that was not drawn', 'drawn was', ({ u32, node }) => (u32[node(9) + LEVEL] += 1)],
    [
      'an entry point that is no node',
      'the entry point 999',
      ({ u32, state }) => (u32[state + STATE.entryPoint] = 999),
    ],
    [
      'an entry point too low',
      'the entry point',
      ({ u32, state, node }) => {
        u32[state + STATE.entryPoint] =
          Array.from({ length: 200 }, (_, slot) => slot).find((slot) => u32[node(slot) + LEVEL] === 0) ?? 0;
      },
    ],
    ['a wrong top level', 'the top level is said to be 9', ({ u32, state }) => (u32[state + STATE.topLevel] = 9)],
    ['a lock that was not given back', 'node 9: its lock is held', ({ u32, node }) => (u32[node(9) + NODE.lock] = 1)],
    ['the same of the entry point', 'lock of the entry point', ({ u32, state }) => (u32[state + STATE.entryLock] = 1)],
    ['a wrong count', 'the graph counts 199', ({ u32, state }) => (u32[state + STATE.count] = 199)],
    [
      'a node nobody links to',
      'no way leads to it',
      ({ u32, node }) => {
        const lonely =
          Array.from({ length: 200 }, (_, slot) => slot).find((slot) => u32[node(slot) + LEVEL] === 0) ?? 0;
        for (let slot = 0; slot < 200; slot++) {
          const at = node(slot);
          const links = Array.from(u32.subarray(at + LINKS, at + LINKS + u32[at + COUNT]));
          const left = links.filter((link) => (link & 0x3fffffff) !== lonely);
          u32.set(left, at + LINKS);
          u32[at + COUNT] = left.length;
        }
      },
    ],
  ] satisfies [string, string, (graph: ReturnType<typeof opened>) => void][])('sees %s', (_, said, breakIt) => {
    const graph = opened();
    expect(graph.index.validate()).toEqual([]);
    breakIt(graph);
    expect(graph.index.validate().join('\n')).toContain(said);
  });
});

function messageOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
