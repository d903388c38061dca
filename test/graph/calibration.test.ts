import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { AnnError, BusyError, DimensionError, IndexFileError, ParameterError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import type { Calibration } from '../../src/graph/calibration.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { Metric, SearchOptions } from '../../src/graph/vector-index.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import { Pool } from '../../src/workers/pool.ts';
import { rewrite } from '../engine/ann-indexes.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** Rows around 40 centres; those of another `part` are others around the same. */
function clustered(n: number, dimension: number, part: string, round = false): Float32Array {
  const centres = new Random('centres');
  const means = Array.from({ length: 40 * dimension }, () => 1.5 * centres.normal());
  const random = new Random(part);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = random.integer(40) * dimension;
    for (let j = 0; j < dimension; j++) {
      const x = means[centre + j] + random.normal();
      data[i * dimension + j] = round ? Math.max(0, Math.min(255, Math.round(120 + 15 * x))) : x;
    }
  }
  return data;
}

function indexOf(data: Float32Array, options: HnswOptions): Hnsw {
  const index = Hnsw.create({ capacity: Math.max(1, data.length / options.dimension), ...options });
  index.addBatch(data);
  return index;
}

/** Of `queries`, by distance, so that ties count as found. */
function recallOf(index: Hnsw, data: Float32Array, queries: Float32Array, k: number, recallTarget: number): number {
  const { dimension, metric } = index;
  const flat = Flat.create({ dimension, metric, capacity: data.length / dimension });
  flat.addBatch(data);
  let hits = 0;
  for (let at = 0; at < queries.length; at += dimension) {
    const query = queries.subarray(at, at + dimension);
    const truth = flat.search(query, { k });
    const last = truth.distances[k - 1] + 1e-5 * Math.abs(truth.distances[k - 1]);
    hits += index.search(query, { k, recallTarget }).distances.filter((distance) => distance <= last).length;
  }
  return hits / (k * (queries.length / dimension));
}

const SAMPLE = { sample: 200, ks: [1, 10] };

describe('a recall that was promised', () => {
  const FRESH = 400;

  it.each<[string, HnswOptions, boolean]>([
    ['codes, l2', { dimension: 24, M: 6, efConstruction: 30 }, false],
    ['codes and signs, cosine', { dimension: 128, metric: 'cosine', filter: 'sign', M: 8, efConstruction: 40 }, false],
    ['floats, manhattan', { dimension: 16, metric: 'manhattan', codes: 'f32', M: 6, efConstruction: 30 }, false],
    ['floats and signs, dot', { dimension: 96, metric: 'dot', codes: 'f32', filter: 'sign', M: 8 }, false],
    ['bytes, l2', { dimension: 40, M: 6, efConstruction: 30 }, true],
  ])('holds for queries that nobody has seen: %s', async (_, options, round) => {
    const data = clustered(3000, options.dimension, 'base', round);
    const index = indexOf(data, options);
    await index.calibrate(SAMPLE);
    const fresh = clustered(FRESH, options.dimension, 'fresh', round);
    let least = 1;
    for (const k of [1, 5, 10]) {
      for (const target of [0.8, 0.9, 0.95]) {
        const recall = recallOf(index, data, fresh, k, target);
        // Fresh queries are a sample too: three standard errors of it, were each to find all or nothing.
        expect(recall).toBeGreaterThanOrEqual(target - 3 * Math.sqrt((target * (1 - target)) / FRESH));
        least = Math.min(least, recall);
      }
    }
    // What would always hold were no promise: somewhere less than all is found.
    expect(least).toBeLessThan(0.99);
  });

  it('holds on embedding-like vectors and their own queries', async () => {
    vi.stubEnv('ANNLAB_CACHE', temporaryFolder());
    const { train, queries } = await loadDataset('embedding-128-2k');
    vi.unstubAllEnvs();
    const index = indexOf(train.data, { dimension: train.dimension, M: 8, efConstruction: 40 });
    await index.calibrate(SAMPLE);
    for (const target of [0.9, 0.97]) {
      expect(recallOf(index, train.data, queries.data, 10, target)).toBeGreaterThanOrEqual(target - 0.015);
    }
  });
});

describe('what is measured', () => {
  const dimension = 24;
  const data = clustered(1500, dimension, 'base');
  const queries = clustered(150, dimension, 'asked');
  const options = { dimension, M: 6, efConstruction: 30, capacity: 4000 };
  const index = indexOf(data, options);

  it('is the same from the same; another seed draws others', async () => {
    const first = await index.calibrate(SAMPLE);
    expect(await index.calibrate({ ...SAMPLE })).toEqual(first);
    expect(await indexOf(data, options).calibrate(SAMPLE)).toEqual(first);
    expect((await index.calibrate({ ...SAMPLE, seed: 2 })).curves).not.toEqual(first.curves);
    expect(first).toMatchObject({ count: 1500, form: 'sq7', queries: 200, drawn: true, confidence: 0.95, filters: [] });
    expect(first.curves.map(({ k }) => k)).toEqual([1, 10]);
  });

  it.each<[Metric, 'f32' | 'sq7']>([
    ['l2', 'sq7'],
    ['dot', 'sq7'],
    ['cosine', 'f32'],
  ])('rises: gamma or beam, recall, bound and work (%s, %s)', async (metric, codes) => {
    const { curves } = await indexOf(data, { ...options, metric, codes }).calibrate(SAMPLE);
    for (const { k, rungs } of curves) {
      expect(rungs.length).toBeGreaterThan(3);
      for (const [i, rung] of rungs.entries()) {
        expect(rung.lowerBound).toBeLessThanOrEqual(rung.recall);
        expect(rung.lowerBound).toBeLessThan(1);
        expect(rung.rerank).toBeGreaterThanOrEqual(k);
        if (codes === 'f32') expect(rung.rerank).toBe(k);
        expect(rung.gamma === undefined).toBe(metric === 'dot');
        const before = rungs[i - 1];
        if (!before) continue;
        expect(rung.lowerBound).toBeGreaterThan(before.lowerBound);
        expect(rung.work.hops).toBeGreaterThanOrEqual(before.work.hops);
        if (metric === 'dot') expect(rung.efSearch).toBeGreaterThan(before.efSearch);
        else expect(rung.gamma!).toBeGreaterThanOrEqual(before.gamma!);
      }
    }
  });

  it('is what searches with the same setting find, of the caller’s queries too', async () => {
    const mine = indexOf(data, options);
    const { curves, drawn } = await mine.calibrate({ queries, ks: [10] });
    expect(drawn).toBe(false);
    for (const { lowerBound, recall, work, gamma, efSearch, rerank } of curves[0].rungs) {
      expect(recallOf(mine, data, queries, 10, lowerBound)).toBeCloseTo(recall, 4);
      let [distances, hops] = [0, 0];
      for (let at = 0; at < queries.length; at += dimension) {
        const setting = { k: 10, gamma: gamma!, efSearch, rerank };
        const { work } = mine.search(queries.subarray(at, at + dimension), setting);
        distances += work.distances;
        hops += work.hops;
      }
      expect(work.distances).toBeCloseTo(distances / 150, 4);
      expect(work.hops).toBeCloseTo(hops / 150, 4);
    }
  });

  it('a drawn vector does not find itself', async () => {
    // Far from each other: whoever finds himself would have half of his two neighbours.
    const spread = clustered(200, 8, 'far').map((x) => 1000 * x);
    const { curves } = await indexOf(spread, { dimension: 8, codes: 'f32' }).calibrate({ ks: [1] });
    expect(curves[0].rungs.at(-1)!.recall).toBeGreaterThan(0.95);
    const thread = index.thread;
    const slot = 700;
    const own = data.subarray(slot * dimension, (slot + 1) * dimension);
    expect(thread.search(own, { k: 5, efSearch: 100 }).slots[0]).toBe(slot);
    expect(thread.search(own, { k: 5, efSearch: 100 }, slot).slots).not.toContain(slot);
    expect(thread.search(own, { k: 5, efSearch: 100 }).slots[0]).toBe(slot);
  });

  it.each(['f32', 'sq7'] as const)('exact neighbours are those of the flat index (%s; bytes, floats)', (codes) => {
    for (const metric of ['l2', 'dot', 'cosine', 'manhattan'] as const) {
      for (const round of [true, false]) {
        const rows = clustered(700, dimension, 'held', round);
        // A capacity of 700 leaves room for all pools and queries at once, one of 701 with k 690 for one.
        for (const k of [7, 690]) {
          const flat = indexOfFlat(rows, dimension, metric);
          const { thread } = indexOf(rows, { dimension, metric, codes });
          const slots = new Uint32Array(20 * k);
          const distances = new Float32Array(20 * k);
          thread.nearest({ data: queries, rows: 20, dimension }, { from: 3, to: 20, k }, slots, distances);
          for (const i of [3, 11, 19]) {
            const truth = flat.search(queries.subarray(i * dimension, (i + 1) * dimension), { k });
            const scale = 1e-4 * (1 + Math.abs(truth.distances[k - 1]));
            truth.distances.forEach((distance, j) => {
              expect(Math.abs(distances[i * k + j] - distance)).toBeLessThan(scale);
            });
            expect(new Set(slots.subarray(i * k, (i + 1) * k)).size).toBe(k);
          }
          expect(slots.subarray(0, 3 * k).every((slot) => slot === 0)).toBe(true);
          // The pool that was lent is a search's again.
          expect(thread.search(queries.subarray(0, dimension), { k: 700, rerank: 700 }).slots).toHaveLength(700);
        }
      }
    }
  });

  it('copies count as each other: what is as near as the last is found', async () => {
    const copies = new Float32Array(600 * 4);
    for (let i = 0; i < 600; i++) copies.fill(1 + (i % 3), i * 4, i * 4 + 4);
    for (const codes of ['f32', 'sq7'] as const) {
      // Fractions, lest they be held as bytes.
      const index = indexOf(
        copies.map((x) => x / 8),
        { dimension: 4, codes },
      );
      const { curves } = await index.calibrate(SAMPLE);
      for (const { rungs } of curves) expect(rungs.at(-1)!.recall).toBe(1);
    }
  });

  it('says how far it has come, to the end', async () => {
    const told: [number, number][] = [];
    await indexOf(data, options).calibrate({ ...SAMPLE, onProgress: (done, total) => told.push([done, total]) });
    expect(told.length).toBeGreaterThan(20);
    expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).toSorted((a, b) => a - b));
    const [done, total] = told.at(-1)!;
    expect(done).toBe(total);
  });

  it('nobody adds meanwhile; others search', async () => {
    const mine = indexOf(data, options);
    const calibrated = mine.calibrate(SAMPLE);
    expect(() => mine.add(queries.subarray(0, dimension))).toThrow(BusyError);
    await expect(mine.calibrate()).rejects.toThrow(/is being calibrated: await that/);
    expect(mine.search(queries.subarray(0, dimension), { k: 3 }).ids).toHaveLength(3);
    const found = (await calibrated).curves;
    mine.add(queries.subarray(0, dimension));
    expect(found).toEqual((await indexOf(data, options).calibrate(SAMPLE)).curves);
  });

  function indexOfFlat(rows: Float32Array, dimension: number, metric: Metric): Flat {
    const flat = Flat.create({ dimension, metric, capacity: rows.length / dimension });
    flat.addBatch(rows);
    return flat;
  }
});

describe('recallTarget', () => {
  const dimension = 12;
  const data = clustered(800, dimension, 'base');
  const query = data.subarray(0, dimension);
  const make = (options: Partial<HnswOptions> = {}) =>
    indexOf(data, { dimension, M: 5, efConstruction: 20, capacity: 3000, ...options });

  it('takes the first setting whose bound reaches it', async () => {
    const index = make();
    const { curves } = await index.calibrate(SAMPLE);
    const { rungs } = curves[1];
    for (const [i, { gamma, efSearch, rerank, lowerBound }] of rungs.entries()) {
      if (lowerBound === 0) continue;
      const setting = { k: 10, gamma, efSearch, rerank, filterWords: 0, defer: false };
      expect(index.resolve({ k: 10, recallTarget: lowerBound })).toEqual(setting);
      if (i > 0) expect(index.resolve({ k: 10, recallTarget: rungs[i - 1].lowerBound + 1e-9 })).toEqual(setting);
    }
    const { ids, work } = index.search(query, { k: 10, recallTarget: 0.9 });
    const { filterWords: _, ...plain } = index.resolve({ k: 10, recallTarget: 0.9 });
    expect(index.search(query, plain)).toMatchObject({ ids, work });
  });

  it('between two ks that were measured takes the more demanding, below them the least', async () => {
    const index = make();
    await index.calibrate({ sample: 200, ks: [4, 40, 12] });
    expect(index.stats().calibration!.curves.map(({ k }) => k)).toEqual([4, 12, 40]);
    const setting = (k: number) => index.resolve({ k, recallTarget: 0.9 });
    for (const k of [5, 8, 11]) {
      const [low, high, between] = [setting(4), setting(12), setting(k)];
      expect(between).toMatchObject({ k, gamma: Math.max(low.gamma!, high.gamma!) });
      expect(between.efSearch).toBe(Math.max(low.efSearch!, high.efSearch!));
      const beyond = (setting: SearchOptions, k: number) => (setting.rerank as number) - k;
      expect(beyond(between, k)).toBeGreaterThanOrEqual(Math.max(beyond(low, 4), beyond(high, 12)));
    }
    expect(setting(2)).toMatchObject({ k: 2, gamma: setting(4).gamma });
    expect(() => setting(41)).toThrow(/calibrated for k up to 40, not 41: calibrate with ks that reach it/);
    expect(index.search(query, { k: 800, recallTarget: 1 }).ids).toHaveLength(800);
    expect(index.search(query, { k: 900, recallTarget: 1 }).ids).toHaveLength(800);
  });

  it('under dot is a beam, and never narrower than k', async () => {
    const index = make({ metric: 'dot' });
    await index.calibrate({ sample: 200, ks: [2, 30] });
    for (const k of [1, 2, 9, 29, 30]) {
      const setting = index.resolve({ k, recallTarget: 0.8 });
      expect(setting.gamma).toBeUndefined();
      expect(setting.efSearch).toBeGreaterThanOrEqual(k);
      expect(index.search(query, { k, recallTarget: 0.8 }).ids).toHaveLength(k);
    }
  });

  it('a pool’s threads search as the index does', async () => {
    const index = indexOf(clustered(1500, 96, 'base'), { dimension: 96, filter: 'sign', threads: 3, M: 8 });
    await index.calibrate(SAMPLE);
    const queries = clustered(30, 96, 'asked');
    await using pool = await Pool.start(index, { threads: 2 });
    for (const options of [{ k: 10, recallTarget: 0.9 }, { k: 3 }]) {
      const { ids, work } = await pool.searchBatch(queries, options);
      let estimates = 0;
      for (let i = 0; i < 30; i++) {
        const found = index.search(queries.subarray(i * 96, (i + 1) * 96), options);
        expect(ids.subarray(i * options.k, (i + 1) * options.k)).toEqual(found.ids);
        estimates += found.work.estimates;
      }
      expect(work.estimates).toBe(estimates);
    }
    await expect(pool.searchBatch(queries, { k: 10, recallTarget: 2 })).rejects.toThrow(ParameterError);
  });

  it('is refused where it makes no sense, or nobody has measured', async () => {
    const index = make();
    const search = (options: object) => () => index.search(query, { k: 10, ...options });
    expect(search({ recallTarget: 0.9 })).toThrow(
      /recallTarget = 0.9: the index is not calibrated.*await index.calibrate/,
    );
    const { curves } = await index.calibrate(SAMPLE);
    for (const recallTarget of [0, -1, 1.01, Number.NaN, '0.9' as never])
      expect(search({ recallTarget })).toThrow(/a share of the neighbours/);
    for (const other of [{ efSearch: 50 }, { gamma: 0.1 }, { rerank: 20 }, { filterWords: 1 }, { defer: 0.5 }]) {
      expect(search({ recallTarget: 0.9, ...other })).toThrow(ParameterError);
      expect(search({ recallTarget: 0.9, ...other })).toThrow(`decides ${Object.keys(other)[0]} too`);
    }
    expect(search({ recallTarget: 0.9, k: 0 })).toThrow(/k = 0/);
    expect(search({ recallTarget: 0.9, k: 2.5 })).toThrow(/k = 2.5/);
    const { recall, lowerBound } = curves[1].rungs.at(-1)!;
    expect(search({ recallTarget: 1 })).toThrow(
      `the best measured for k = 10 is ${recall}, at least ${lowerBound} with 95 % confidence`,
    );
  });

  it('holds until there are more than twice as many, and then asks for another calibration', async () => {
    const index = make();
    await index.calibrate(SAMPLE);
    index.addBatch(clustered(800, dimension, 'more'));
    expect(index.search(query, { k: 10, recallTarget: 0.9 }).ids).toHaveLength(10);
    index.add(query);
    expect(() => index.search(query, { k: 10, recallTarget: 0.9 })).toThrow(
      /calibrated when 800 vectors were held, and now there are 1601: calibrate again/,
    );
    expect(index.search(query, { k: 10 }).ids).toHaveLength(10);
    await index.calibrate(SAMPLE);
    expect(index.search(query, { k: 10, recallTarget: 0.9 }).ids).toHaveLength(10);
  });

  it('no longer holds when bytes have become codes', async () => {
    const index = indexOf(clustered(500, 8, 'base', true), { dimension: 8, capacity: 600 });
    expect((await index.calibrate(SAMPLE)).form).toBe('u8');
    index.add(new Float32Array(8).fill(0.5));
    expect(() => index.search(new Float32Array(8), { k: 1, recallTarget: 0.5 })).toThrow(
      /held as u8, and now as sq7: calibrate again/,
    );
  });
});

describe('calibrate, on little and on nonsense', () => {
  const dimension = 4;

  it('an empty index, or one vector, has nothing to measure', async () => {
    const index = Hnsw.create({ dimension, capacity: 10 });
    await expect(index.calibrate()).rejects.toThrow(/the index is empty: add vectors before it is calibrated/);
    index.add(new Float32Array(4).fill(1));
    await expect(index.calibrate()).rejects.toThrow(/one vector has no neighbours: add more, or name queries/);
    const { curves } = await index.calibrate({ queries: new Float32Array(8).fill(2) });
    expect(curves).toHaveLength(1);
    expect(curves[0].rungs.at(-1)!.recall).toBe(1);
    expect(index.search(new Float32Array(4), { k: 1, recallTarget: 0.1 }).ids).toHaveLength(1);
  });

  it.each([2, 3, 5])('%d vectors are measured, and nothing is promised on so few', async (n) => {
    for (const metric of ['l2', 'dot', 'cosine', 'manhattan'] as const) {
      const index = indexOf(clustered(n, dimension, 'few'), { dimension, metric });
      const { queries, curves } = await index.calibrate();
      expect(queries).toBe(n - 1);
      expect(curves.map(({ k }) => k)).toEqual([1]);
      const most = 0.05 ** (1 / queries);
      expect(curves[0].rungs.at(-1)!.lowerBound).toBeLessThanOrEqual(most);
      expect(() => index.search(new Float32Array(4).fill(1), { k: 1, recallTarget: 0.9 })).toThrow(/larger sample/);
      expect(index.search(new Float32Array(4).fill(1), { k: n, recallTarget: 0.9 }).ids).toHaveLength(n);
    }
  });

  it('refuses what makes no sense, and keeps what it had', async () => {
    const index = indexOf(clustered(60, dimension, 'base'), { dimension });
    const had = await index.calibrate();
    for (const [options, message] of [
      [{ ks: [] }, /ks = \[\]: 1 to 8 numbers of neighbours/],
      [{ ks: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, /1 to 8 numbers/],
      [{ ks: [0] }, /ks = 0: an integer from 1/],
      [{ ks: [1.5] }, /ks = 1.5/],
      [{ ks: [60, 100] }, /a query has only 59 neighbours/],
      [{ sample: 0 }, /sample = 0/],
      [{ sample: Number.NaN }, /sample = NaN/],
      [{ seed: -1 }, /seed = -1/],
      [{ confidence: 1 }, /confidence = 1: a number from 0.5 to 0.9999/],
      [{ confidence: Number.NaN }, /confidence = NaN/],
      [{ queries: new Float32Array(5) }, /queries.length = 5: a multiple of the dimension 4, and not 0/],
      [{ queries: new Float32Array(0) }, /queries.length = 0/],
      [{ queries: [1, 2, 3, 4] as never }, /queries = object: a Float32Array/],
      [{ queries: Float32Array.of(1, 2, 3, 4, 5, Number.NaN, 7, 8) }, /query 1: component 1 is NaN/],
    ] as const) {
      await expect(index.calibrate(options)).rejects.toThrow(AnnError);
      await expect(index.calibrate(options)).rejects.toThrow(message);
    }
    expect(index.stats().calibration).toEqual(had);
    index.search(new Float32Array(4), { k: 1 });
    expect(() => index.search(new Float32Array(3), { k: 1, recallTarget: 0.5 })).toThrow(DimensionError);
  });
});

describe('the filter', () => {
  it('is kept where vectors are large, and spares what it touches', async () => {
    const dimension = 512;
    const data = clustered(2000, dimension, 'base');
    const index = indexOf(data, { dimension, filter: 'sign', M: 8, efConstruction: 40 });
    const { filterWords, defer, filters } = await index.calibrate({ sample: 60, ks: [10] });
    // Eight words and a header would take two lines; all but one of them are kept.
    const { words } = index.layout;
    expect(filters.slice(0, 3).map(({ words, defer }) => [words, defer])).toEqual([
      [words, 0.8],
      [Math.floor(words / 2), 0.8],
      [0, false],
    ]);
    expect(filterWords).toBeGreaterThan(0);
    // Whether anybody waits is tried at the width that was best.
    expect(filters.slice(3).map(({ words, defer }) => [words, defer])).toEqual([
      [filterWords, 0.3],
      [filterWords, false],
    ]);
    const chosen = filters.find((trial) => trial.words === filterWords && trial.defer === defer)!;
    expect(chosen.lines).toBe(Math.min(...filters.map(({ lines }) => lines ?? Number.POSITIVE_INFINITY)));
    const off = filters[2];
    expect(chosen.lines!).toBeLessThan(0.9 * off.lines!);
    expect(index.search(data.subarray(0, dimension), { k: 10 }).work.estimates).toBeGreaterThan(0);
    const { estimates } = index.search(data.subarray(0, dimension), { k: 10, filterWords: 0 }).work;
    expect(estimates).toBe(0);
  });

  it('is left off where vectors are as small as their signs, by all searches until the calibration is too old', async () => {
    const dimension = 12;
    const data = clustered(2000, dimension, 'base');
    const index = indexOf(data, { dimension, filter: 'sign', M: 8, efConstruction: 40, capacity: 5000 });
    const query = clustered(1, dimension, 'asked');
    expect(index.search(query, { k: 10 }).work.estimates).toBeGreaterThan(0);
    const { filterWords, filters } = await index.calibrate(SAMPLE);
    expect(filters.map(({ words }) => words)).toEqual([1, 0]);
    expect(filterWords).toBe(0);
    for (const options of [{ recallTarget: 0.9 }, {}, { efSearch: 50 }])
      expect(index.search(query, { k: 10, ...options }).work.estimates).toBe(0);
    expect(index.search(query, { k: 10, filterWords: 1 }).work.estimates).toBeGreaterThan(0);
    index.addBatch(clustered(2001, dimension, 'more'));
    expect(index.search(query, { k: 10 }).work.estimates).toBeGreaterThan(0);
  });

  it('is not there below 1,024 vectors, and not chosen from nothing', async () => {
    const index = indexOf(clustered(300, 64, 'base'), { dimension: 64, filter: 'sign' });
    expect(await index.calibrate(SAMPLE)).toMatchObject({ filters: [], filterWords: 0, defer: false });
  });

  it('at fewer words finds nearly as much, with more distances; beyond all words is all', () => {
    const dimension = 512;
    const index = indexOf(clustered(3000, dimension, 'base'), { dimension, filter: 'sign', M: 8, efConstruction: 40 });
    const { words } = index.layout;
    const distances = [words, 3, 1, 0].map((filterWords) => {
      let sum = 0;
      for (let i = 0; i < 40; i++) {
        const query = clustered(1, dimension, `asked ${i}`);
        sum += index.search(query, { k: 10, efSearch: 60, filterWords, defer: false }).work.distances;
      }
      return sum;
    });
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
    expect(distances[0]).toBeLessThan(0.8 * distances[3]);
    const query = clustered(1, dimension, 'asked');
    expect(index.search(query, { k: 10, filterWords: 64 })).toEqual(index.search(query, { k: 10 }));
    for (const filterWords of [-1, 65, 1.5, Number.NaN])
      expect(() => index.search(query, { k: 10, filterWords })).toThrow(/filterWords = .*: an integer from 0 to 64/);
  });
});

describe('a calibration in a file', () => {
  const dimension = 80;
  const data = clustered(1200, dimension, 'base');
  const query = data.subarray(0, dimension);

  async function saved(): Promise<{ path: string; forged: string; calibration: Calibration; index: Hnsw }> {
    const folder = temporaryFolder();
    const index = indexOf(data, { dimension, filter: 'sign', M: 5, efConstruction: 20 });
    const calibration = await index.calibrate({ sample: 80, ks: [1, 10] });
    const path = join(folder, 'index.ann');
    await save(index, path);
    return { path, forged: join(folder, 'forged.ann'), calibration, index };
  }

  it('comes back as it was, and promises the same', async () => {
    const { path, calibration, index } = await saved();
    expect((await verify(path)).faults).toEqual([]);
    for (const opened of [await open(path), await openReadOnly(path)]) {
      expect(opened.stats().calibration).toEqual(calibration);
      const options = { k: 10, recallTarget: 0.8 };
      expect(opened.resolve(options)).toEqual(index.resolve(options));
      expect(opened.search(query, options)).toEqual(index.search(query, options));
    }
    // One that is for searching only can be measured all the same.
    const reader = await openReadOnly(path);
    expect(await reader.calibrate({ sample: 80, ks: [1, 10] })).toEqual(calibration);
  });

  it('need not be there', async () => {
    const { path, forged } = await saved();
    await rewrite(path, forged, ({ meta }) => delete meta.calibration);
    const index = await open(forged);
    expect(index.stats().calibration).toBeUndefined();
    expect(() => index.search(query, { k: 10, recallTarget: 0.8 })).toThrow(/not calibrated/);
  });

  it('of before anybody waited lets nobody wait', async () => {
    const { path, forged, calibration } = await saved();
    expect(calibration.filters.some(({ defer }) => defer !== false)).toBe(true);
    await rewrite(path, forged, ({ meta }) => {
      delete meta.calibration.defer;
      for (const trial of meta.calibration.filters) delete trial.defer;
    });
    const index = await open(forged);
    expect(index.stats().calibration).toMatchObject({
      defer: false,
      filters: calibration.filters.map(() => ({ defer: false })),
    });
    expect(index.resolve({ k: 10, recallTarget: 0.8 }).defer).toBe(false);
    expect(index.resolve({ k: 10 }).defer).toBe(false);
    expect(index.resolve({ k: 10, defer: 0.5 }).defer).toBe(0.5);
  });

  it('that could not have been measured is refused', async () => {
    const { path, forged } = await saved();
    // biome-ignore lint/suspicious/noExplicitAny: it may say anything, that is the point
    const changes: [string, (calibration: any, meta: any) => void][] = [
      ['null', (_, meta) => (meta.calibration = null)],
      ['a word', (_, meta) => (meta.calibration = 'yes')],
      ['a list', (_, meta) => (meta.calibration = [])],
      ['nothing', (_, meta) => (meta.calibration = {})],
      ['count 0', (c) => (c.count = 0)],
      ['a count beyond what is held', (c) => (c.count = 1201)],
      ['an unknown form', (c) => (c.form = 'pq')],
      ['another form', (c) => (c.form = 'f32')],
      ['no queries', (c) => (c.queries = 0)],
      ['half a query', (c) => (c.queries = 1.5)],
      ['drawn in words', (c) => (c.drawn = 'yes')],
      ['confidence 1', (c) => (c.confidence = 1)],
      ['words that are not there', (c) => (c.filterWords = 99)],
      ['words below 0', (c) => (c.filterWords = -1)],
      ['filters that are none', (c) => (c.filters = 7)],
      ['more filters than are tried', (c) => c.filters.push(...c.filters, ...c.filters)],
      ['a margin below 0', (c) => (c.defer = -1)],
      ['a margin in words', (c) => (c.filters[0].defer = 'yes')],
      ['a filter of words that are not there', (c) => (c.filters[0].words = 3)],
      ['lines in words', (c) => (c.filters[0].lines = '9')],
      ['no curves', (c) => (c.curves = [])],
      ['curves that are null', (c) => (c.curves = [null])],
      ['more curves than are measured', (c) => (c.curves = Array.from({ length: 9 }, () => c.curves[0]))],
      ['k 0', (c) => (c.curves[0].k = 0)],
      ['ks that fall', (c) => c.curves.reverse()],
      ['the same k twice', (c) => (c.curves[1].k = 1)],
      ['a k beyond the count', (c) => (c.curves[1].k = 1201)],
      ['no rungs', (c) => (c.curves[0].rungs = [])],
      ['rungs that are no list', (c) => (c.curves[0].rungs = { length: 1 })],
      ['a gamma below 0', (c) => (c.curves[0].rungs[0].gamma = -1)],
      ['a gamma beyond any', (c) => (c.curves[0].rungs[0].gamma = 11)],
      ['no gamma', (c) => delete c.curves[0].rungs[0].gamma],
      ['a beam below k', (c) => (c.curves[1].rungs[0].efSearch = 9)],
      ['half a beam', (c) => (c.curves[1].rungs[0].efSearch = 99.5)],
      ['a beam without end', (c) => (c.curves[1].rungs[0].efSearch = 1e12)],
      ['rerank below k', (c) => (c.curves[1].rungs[0].rerank = 0)],
      ['a recall above 1', (c) => (c.curves[0].rungs[0].recall = 1.5)],
      ['a bound above the recall', (c) => (c.curves[0].rungs[0].lowerBound = c.curves[0].rungs[0].recall + 0.001)],
      ['a bound that is null', (c) => (c.curves[0].rungs[0].lowerBound = null)],
      ['bounds that fall', (c) => c.curves[1].rungs.reverse()],
      ['no work', (c) => delete c.curves[0].rungs[0].work],
      ['work below 0', (c) => (c.curves[0].rungs[0].work.hops = -1)],
    ];
    for (const [what, change] of changes) {
      await rewrite(path, forged, ({ meta }) => change(meta.calibration, meta));
      await expect(open(forged), what).rejects.toThrow(IndexFileError);
      await expect(open(forged), what).rejects.toThrow(/its metadata makes no sense \(its calibration says /);
    }
  });

  it('is read without what else is written there', async () => {
    const { path, forged, calibration } = await saved();
    await rewrite(path, forged, ({ meta }) => {
      meta.calibration.more = 1;
      meta.calibration.curves[0].rungs[0].more = 'words';
    });
    expect((await open(forged)).stats().calibration).toEqual(calibration);
  });
});
