/** HNSW on the codes of quantizers: what it finds, what it costs, and what it refuses. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { SearchOptions } from '../../src/graph/vector-index.ts';
import { ProductQuantizer } from '../../src/quantize/product.ts';
import type { Quantizer } from '../../src/quantize/quantizer.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';
import { byId, expectNearest } from '../oracle.ts';
import { CASES, KINDS, type KindName } from './quantizers.ts';

/** Rows around sixteen centres, so that neighbours are many and a code has to tell them apart. */
function clustered(n: number, dimension: number, seed: number, apart = 2): Float32Array {
  const random = new Random(`centres ${dimension}`);
  const centres = Array.from({ length: 16 * dimension }, () => apart * random.normal());
  const rows = new Random(`rows ${seed}`);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = rows.integer(16) * dimension;
    for (let j = 0; j < dimension; j++) data[i * dimension + j] = centres[centre + j] + rows.normal();
  }
  return data;
}

function rowOf(data: Float32Array, i: number, dimension: number): Float32Array {
  return data.subarray(i * dimension, (i + 1) * dimension);
}

function build(options: HnswOptions, data: Float32Array): Hnsw {
  const index = Hnsw.create({ capacity: Math.max(1, data.length / options.dimension), seed: 3, ...options });
  index.addBatch(data);
  return index;
}

const DIMENSION = 32;
const ROWS = 800;
const data = clustered(ROWS, DIMENSION, 1);
const QUERIES = 20;
const queries = clustered(QUERIES, DIMENSION, 2);
const trained = new Map<string, Promise<Quantizer>>();

/** Trained once for all tests. */
function quantizerOf(name: KindName, metric: Metric): Promise<Quantizer> {
  const key = `${name} ${metric}`;
  let quantizer = trained.get(key);
  if (!quantizer) {
    quantizer = Promise.resolve(KINDS[name].train(data, DIMENSION, metric));
    trained.set(key, quantizer);
  }
  return quantizer;
}

const truths = new Map<Metric, Set<number>[]>();

function truthOf(metric: Metric): Set<number>[] {
  let truth = truths.get(metric);
  if (!truth) {
    const flat = Flat.create({ dimension: DIMENSION, metric, capacity: ROWS });
    flat.addBatch(data);
    truth = Array.from(
      { length: QUERIES },
      (_, i) => new Set(flat.search(rowOf(queries, i, DIMENSION), { k: 10 }).ids),
    );
    truths.set(metric, truth);
  }
  return truth;
}

/** Recall@10 of the queries, and the distances that they took together. */
function measure(index: Hnsw, metric: Metric, options: Omit<SearchOptions, 'k'>) {
  const truth = truthOf(metric);
  let hits = 0;
  let distances = 0;
  for (let i = 0; i < QUERIES; i++) {
    const { ids, work } = index.search(rowOf(queries, i, DIMENSION), { k: 10, ...options });
    hits += ids.filter((id) => truth[i].has(id)).length;
    distances += work.distances;
  }
  return { recall: hits / (10 * QUERIES), distances };
}

/** Bounds that hold for certain. */
const isCertain = (name: KindName) => !name.startsWith('rabitq');
/** As fine as 7 bits, or nearly. */
const isFine = (name: KindName) => /sq|rabitq[48]/.test(name);

describe.each(CASES)('$name, $metric', ({ name, metric }) => {
  let index: Hnsw;
  /** The same with finer codes besides. */
  let finer: Hnsw;
  beforeAll(async () => {
    const codes = await quantizerOf(name, metric);
    index = build({ dimension: DIMENSION, metric, codes }, data);
    finer = build({ dimension: DIMENSION, metric, codes, finer: 'sq7', capacity: 5000 }, data);
  });

  it('is whole, and finds nearly all neighbours where the best are compared again', () => {
    expect(index.validate()).toEqual([]);
    const plain = measure(index, metric, { efSearch: 100, rerank: 0 });
    const ranked = measure(index, metric, { efSearch: 100, rerank: 100 });
    expect(ranked.recall).toBeGreaterThanOrEqual(0.97);
    expect(ranked.recall).toBeGreaterThanOrEqual(plain.recall);
    expect(ranked.distances).toBe(plain.distances + 100 * QUERIES);
    expect(plain.distances).toBeLessThan(0.8 * ROWS * QUERIES);
  });

  it('with ef = count and all of them compared again, equals exact search', () => {
    const vectors = byId(data, DIMENSION);
    for (let i = 0; i < 5; i++) {
      const query = rowOf(queries, i, DIMENSION);
      const found = index.search(query, { k: 12, efSearch: ROWS, rerank: ROWS });
      expectNearest(found, { query, vectors, k: 12, metric });
      if (!isCertain(name)) continue;
      const byBounds = index.search(query, { k: 12, efSearch: ROWS, rerank: 'bound' });
      expect(byBounds.distances).toEqual(found.distances);
      expect(byBounds.work.distances).toBeLessThan(found.work.distances);
    }
  });

  it('by bounds: of what the walk kept, the nearest are found as surely as the bounds are', () => {
    let lost = 0;
    let all = 0;
    for (let i = 0; i < QUERIES; i++) {
      const query = rowOf(queries, i, DIMENSION);
      for (const [k, efSearch] of [
        [1, 30],
        [10, 80],
        [30, 31],
      ]) {
        const pool = index.search(query, { k, efSearch, rerank: efSearch });
        const chosen = index.search(query, { k, efSearch, rerank: 'bound' });
        expect(chosen.ids).toHaveLength(k);
        expect(chosen.work.distances).toBeLessThanOrEqual(pool.work.distances);
        const kept = new Set(chosen.ids);
        lost += pool.ids.filter((id) => !kept.has(id)).length;
        all += k;
        if (isCertain(name)) expect(chosen.distances).toEqual(pool.distances);
      }
    }
    // To be lost, a neighbour's estimate must be too far by more than its bound, which 3 of 100 are, and others too near.
    expect(lost / all).toBeLessThan(0.01);
  });

  it('by bounds: those are compared whose least distance is within the k-th of the greatest, and no others', async () => {
    const quantizer = await quantizerOf(name, metric);
    const codes = quantizer.encode(data);
    for (const k of [1, 2, 7, 64, ROWS]) {
      const query = rowOf(queries, k % QUERIES, DIMENSION);
      const [distances, bounds] = [quantizer.distances(query, codes), quantizer.errorBounds(query, codes)];
      const kth = distances.map((d, i) => d + bounds[i]).toSorted()[k - 1];
      const within = distances.filter((d, i) => Math.fround(d - bounds[i]) <= kth).length;
      // In a beam as wide as all there are, all are in the pool.
      const cost = (rerank: 0 | 'bound') => index.search(query, { k, efSearch: ROWS, rerank }).work.distances;
      expect(cost('bound') - cost(0)).toBe(within);
    }
  });

  it('the same from the same, whatever its capacity and whether there are finer codes: the graph and the answers', () => {
    for (let id = 0; id < ROWS; id += 7) expect(finer.neighbors(id)).toEqual(index.neighbors(id));
    for (let i = 0; i < 5; i++) {
      const query = rowOf(queries, i, DIMENSION);
      expect(finer.search(query, { k: 9, rerank: 'bound' })).toEqual(index.search(query, { k: 9, rerank: 'bound' }));
      expect(finer.search(query, { k: 9, rerank: 0 })).toEqual(index.search(query, { k: 9, rerank: 0 }));
    }
  });

  it('finer codes: as much is found with fewer exact distances', () => {
    expect(finer.stats().ramBytes.finer).toBe(ROWS * (DIMENSION + 16));
    const plain = measure(index, metric, { efSearch: 150, rerank: 100 });
    const refined = measure(finer, metric, { efSearch: 150, rerank: 12, refine: 100 });
    const few = measure(index, metric, { efSearch: 150, rerank: 10 });
    expect(refined.recall).toBeGreaterThan(plain.recall - 0.02);
    expect(refined.recall).toBeGreaterThan(few.recall - 0.02);
    if (!isFine(name)) expect(refined.recall).toBeGreaterThan(few.recall + 0.05);
    // 12 exact ones and 100 by finer codes, instead of 100 exact ones.
    expect(refined.distances - plain.distances).toBe(12 * QUERIES);
    expect(finer.validate()).toEqual([]);
  });

  it('of nothing, of one vector, of copies of one', async () => {
    const codes = await quantizerOf(name, metric);
    const index = Hnsw.create({ dimension: DIMENSION, metric, codes, capacity: 50, finer: 'sq7' });
    const one = rowOf(data, 3, DIMENSION);
    expect(index.search(one, { k: 5 }).ids).toHaveLength(0);
    index.add(one);
    expect(Array.from(index.search(one, { k: 5 }).ids)).toEqual([0]);
    for (let i = 1; i < 40; i++) index.add(one);
    for (const rerank of [0, 50, 'bound'] as const) {
      const { ids } = index.search(one, { k: 50, rerank });
      expect(ids.toSorted()).toEqual(Uint32Array.from({ length: 40 }, (_, i) => i));
    }
    expect(index.validate()).toEqual([]);
  });
});

describe('codes of quantizers', () => {
  it('over 512 bytes are filtered by signs: fewer codes are looked at, and hardly less is found', async () => {
    const [dimension, n] = [640, 2500];
    const rows = clustered(n, dimension, 4, 0.3);
    const flat = Flat.create({ dimension, capacity: n });
    flat.addBatch(rows);
    const codes = ScalarQuantizer.train({ data: rows, rows: n, dimension }, { ranges: 'dimension' });
    const search = (options: Partial<HnswOptions>) => {
      const index = build({ dimension, codes, ...options }, rows);
      expect(index.validate()).toEqual([]);
      let [hits, distances, estimates] = [0, 0, 0];
      for (let i = 0; i < 30; i++) {
        const query = rowOf(rows, 50 * i, dimension).map((x) => x + 0.3);
        const truth = new Set(flat.search(query, { k: 10 }).ids);
        const { ids, work } = index.search(query, { k: 10, efSearch: 100 });
        hits += ids.filter((id) => truth.has(id)).length;
        distances += work.distances;
        estimates += work.estimates;
      }
      return { filter: index.stats().filter, recall: hits / 300, distances, estimates };
    };
    const [filtered, plain] = [search({}), search({ filter: 'none' })];
    expect([filtered.filter, plain.filter]).toEqual(['sign', 'none']);
    expect(filtered.estimates).toBeGreaterThan(filtered.distances);
    expect(plain.estimates).toBe(0);
    expect(filtered.distances).toBeLessThan(0.75 * plain.distances);
    expect(filtered.recall).toBeGreaterThan(plain.recall - 0.03);
    // Codes of 32 dimensions are far below.
    expect(build({ dimension: DIMENSION, codes: await quantizerOf('rabitq4', 'l2') }, data).stats().filter).toBe(
      'none',
    );
  });

  it('RaBitQ goes by bounds unless it is told a number; all others are told a number unless they are told to', async () => {
    const query = rowOf(queries, 0, DIMENSION);
    const cost = (index: Hnsw, rerank?: number | 'bound') =>
      index.search(query, { k: 10, efSearch: 100, ...(rerank !== undefined && { rerank }) }).work.distances;
    const rabitq = build({ dimension: DIMENSION, codes: await quantizerOf('rabitq4', 'l2') }, data);
    expect(cost(rabitq)).toBe(cost(rabitq, 'bound'));
    const finer = build({ dimension: DIMENSION, codes: await quantizerOf('rabitq4', 'l2'), finer: 'sq7' }, data);
    // 19 of the best 76 by finer codes.
    expect(cost(finer)).toBe(cost(finer, 0) + 19 + 76);
    const scalar = build({ dimension: DIMENSION, codes: await quantizerOf('sq8 by vector', 'l2') }, data);
    expect(cost(scalar)).toBe(cost(scalar, 0) + 19);
    // Floats are exact: there is nothing to compare again.
    const floats = build({ dimension: DIMENSION, codes: 'f32' }, data);
    expect(cost(floats, 'bound')).toBe(cost(floats, 0));
  });

  it('wider bounds compare more', () => {
    const rows = { data, rows: ROWS, dimension: DIMENSION };
    const compared = [0.5, 1.9, 6].map((epsilon0) => {
      const codes = RabitqQuantizer.train(rows, { bits: 4, epsilon0 });
      return measure(build({ dimension: DIMENSION, codes }, data), 'l2', { efSearch: 100 }).distances;
    });
    expect(compared[0]).toBeLessThan(compared[1]);
    expect(compared[1]).toBeLessThan(compared[2]);
  });

  it('gamma ends a walk on codes too', async () => {
    for (const name of ['sq8 by vector', 'rabitq4', 'pq'] as const) {
      const index = build({ dimension: DIMENSION, codes: await quantizerOf(name, 'l2') }, data);
      const costs = [0, 0.1, 0.5].map((gamma) => measure(index, 'l2', { gamma, rerank: 0 }).distances);
      expect(costs.toSorted((a, b) => a - b)).toEqual(costs);
      expect(measure(index, 'l2', { gamma: 0.5, rerank: 'bound' }).recall).toBeGreaterThan(0.9);
    }
  });

  it.each(['sq8 by dimension', 'rabitq4', 'pq of residuals'] as const)(
    'calibrated they keep the promise, and renumbered they answer the same: %s',
    async (name) => {
      const index = build({ dimension: DIMENSION, codes: await quantizerOf(name, 'l2'), finer: 'sq7' }, data);
      await index.calibrate({ ks: [10], sample: 128 });
      expect(measure(index, 'l2', { recallTarget: 0.9 }).recall).toBeGreaterThan(0.85);
      const answers = () =>
        Array.from({ length: QUERIES }, (_, i) => {
          const query = rowOf(queries, i, DIMENSION);
          return [ROWS, 150].map((rerank) => index.search(query, { k: 5, efSearch: ROWS, rerank, refine: ROWS }).ids);
        });
      const before = answers();
      index.renumber();
      expect(answers()).toEqual(before);
      expect(index.validate()).toEqual([]);
    },
  );

  it.each(['sq8 by dimension', 'sq7 by vector', 'rabitq1', 'rabitq4', 'pq of 4 bits', 'pq of residuals'] as const)(
    'the baseline build of the kernels writes the same codes, %s',
    async (name) => {
      const relaxed = build({ dimension: DIMENSION, codes: await quantizerOf(name, 'l2') }, data);
      vi.stubEnv('ANNLAB_WASM', 'baseline');
      vi.resetModules();
      try {
        const { chooseBuild } = await import('../../src/kernels/wasm.ts');
        expect(chooseBuild()).toBe('baseline');
        const { Hnsw: Baseline } = await import('../../src/graph/hnsw.ts');
        const index = Baseline.create({
          ...{ dimension: DIMENSION, capacity: ROWS, seed: 3 },
          codes: await quantizerOf(name, 'l2'),
        });
        index.addBatch(data);
        const { recordBytes, vectorBytes } = index.layout;
        const codesOf = ({ arena }: typeof index | Hnsw) =>
          Array.from({ length: ROWS }, (_, slot) => {
            const at = arena.at.records + slot * recordBytes;
            return Buffer.from(arena.bytes.slice(at, at + vectorBytes)).toString('hex');
          });
        expect(codesOf(index)).toEqual(codesOf(relaxed));
        expect(index.validate()).toEqual([]);
        expect(measure(index as Hnsw, 'l2', { efSearch: 200, rerank: 100 }).recall).toBeGreaterThan(0.97);
      } finally {
        vi.unstubAllEnvs();
        vi.resetModules();
      }
    },
  );
});

describe('bad input', () => {
  const create = (options: Partial<HnswOptions>) => Hnsw.create({ dimension: DIMENSION, capacity: 10, ...options });
  const refused = (options: unknown, error: typeof ParameterError | typeof DimensionError, message: RegExp) => {
    expect(() => create(options as HnswOptions)).toThrow(error);
    expect(() => create(options as HnswOptions)).toThrow(message);
  };

  it('a quantizer for another dimension or another metric', async () => {
    const codes = await quantizerOf('pq', 'l2');
    refused({ codes, dimension: 64 }, DimensionError, /the quantizer given as codes: dimension 32, expected 64/);
    refused({ codes, metric: 'dot' }, ParameterError, /codes = a quantizer for l2: .* train one with metric: 'dot'/);
    refused({ codes, metric: 'manhattan' }, ParameterError, /a quantizer for l2/);
  });

  it.each<[string, unknown, RegExp]>([
    ['null', null, /codes = null: f32, sq7 or a trained quantizer/],
    ['a name that is none', 'sq9', /codes = sq9/],
    ['a number', 8, /codes = 8/],
    ['a list', [], /codes = an object that is no quantizer: f32, sq7, or a quantizer of 32-D vectors under l2/],
    ['nothing', {}, /codes = an object that is no quantizer/],
    ['options of a quantizer', { bits: 4 }, /codes = an object with bits 4: /],
    ['the class of one', RabitqQuantizer, /codes = /],
    ['something that encodes', { encode: () => new Uint8Array(0), model: () => 0 }, /that is no quantizer/],
    ['the shape of one without what it learnt', { kind: 'rabitq', bits: 4, epsilon0: 1.9 }, /codes = something else/],
    ['the shape of one that cannot be', { kind: 'rabitq', bits: 9, epsilon0: 1.9 }, /with kind rabitq, bits 9, eps/],
    ['a promise of one', Promise.resolve(1), /that is no quantizer/],
  ])('as codes: %s', (_, codes, message) => {
    refused({ codes }, ParameterError, message);
  });

  it('a quantizer that somebody else made up', async () => {
    const real = await quantizerOf('rabitq4', 'l2');
    const { dimension, metric, codeShape } = real;
    const made = { dimension, metric, codeShape, encode() {}, model: () => new Uint8Array(7) };
    refused({ codes: made }, ParameterError, /codes = something else/);
    refused({ codes: { ...made, model: undefined } }, ParameterError, /codes = something else/);
    const shape = { kind: 'product', m: 7, bits: 8, opq: false, centroids: 0 };
    refused({ codes: { ...made, codeShape: shape } }, ParameterError, /with kind product, bits 8, m 7, opq false/);
    refused({ codes: { ...made, codeShape: null } }, ParameterError, /that is no quantizer/);
  });

  it('Manhattan with what knows no such distances', async () => {
    const rows = { data, rows: ROWS, dimension: DIMENSION };
    const metric = 'manhattan';
    expect(() => RabitqQuantizer.train(rows, { metric })).toThrow(ParameterError);
    await expect(ProductQuantizer.train(rows, { metric, m: 8, seed: 1 })).rejects.toThrow(ParameterError);
    const { codeShape } = await quantizerOf('rabitq4', 'l2');
    refused({ metric, codes: { dimension: DIMENSION, metric, codeShape } }, ParameterError, /under manhattan/);
  });

  it('finer codes without a quantizer, or of an unknown kind', async () => {
    const codes = await quantizerOf('rabitq4', 'l2');
    for (const plain of ['f32', 'sq7'] as const)
      refused({ codes: plain, finer: 'sq7' }, ParameterError, /finer = sq7: none, unless codes is a quantizer/);
    refused({ codes, finer: 'sq8' }, ParameterError, /finer = sq8: sq7 or none/);
    refused({ codes, finer: null }, ParameterError, /finer = null/);
  });

  it('searches that ask for what cannot be', async () => {
    const index = build({ dimension: DIMENSION, codes: await quantizerOf('rabitq4', 'l2'), finer: 'sq7' }, data);
    const query = rowOf(queries, 0, DIMENSION);
    const refusedSearch = (options: unknown, message: RegExp) => {
      const search = () => index.search(query, { k: 10, ...(options as object) });
      expect(search).toThrow(ParameterError);
      expect(search).toThrow(message);
    };
    refusedSearch({ rerank: 9 }, /rerank = 9: 0, 'bound', or an integer of at least k = 10/);
    refusedSearch({ rerank: -1 }, /rerank = -1/);
    refusedSearch({ rerank: 10.5 }, /rerank = 10.5/);
    refusedSearch({ rerank: 'bounds' }, /rerank = bounds/);
    refusedSearch({ rerank: null }, /rerank = null/);
    refusedSearch({ rerank: 20, refine: 19 }, /refine = 19: an integer of at least rerank = 20/);
    refusedSearch({ rerank: 20, refine: null }, /refine = null/);
    refusedSearch({ rerank: 'bound', refine: 40 }, /refine = 40: none with rerank: 'bound'/);
    const sq7 = build({ dimension: DIMENSION }, data);
    expect(() => sq7.search(query, { k: 1, rerank: 'bound' })).toThrow(/rerank = bound: a number: sq7 codes have no/);
  });

  it('vectors that are none, and zero vectors under cosine', async () => {
    for (const name of Object.keys(KINDS) as KindName[]) {
      const index = build({ dimension: DIMENSION, metric: 'cosine', codes: await quantizerOf(name, 'cosine') }, data);
      const bad = (fill: number) => new Float32Array(DIMENSION).fill(fill);
      for (const fill of [Number.NaN, Number.POSITIVE_INFINITY, 0]) {
        expect(() => index.add(bad(fill))).toThrow(/capacity/);
        expect(() => index.search(bad(fill), { k: 1 })).toThrow(VectorValueError);
      }
      const empty = create({ metric: 'cosine', codes: await quantizerOf(name, 'cosine') });
      for (const fill of [Number.NaN, Number.POSITIVE_INFINITY, 0])
        expect(() => empty.add(bad(fill))).toThrow(VectorValueError);
      expect(empty.count).toBe(0);
    }
  });

  it('vectors unlike those that were trained on are found all the same', async () => {
    const far = data.map((x) => 1000 * x - 300);
    for (const name of Object.keys(KINDS) as KindName[]) {
      const index = build({ dimension: DIMENSION, codes: await quantizerOf(name, 'l2') }, far);
      expect(index.validate()).toEqual([]);
      const query = rowOf(far, 9, DIMENSION);
      const { ids, distances } = index.search(query, { k: 1, efSearch: ROWS, rerank: ROWS });
      expect([ids[0], distances[0]]).toEqual([9, 0]);
    }
  });
});
