import { describe, expect, it, vi } from 'vitest';
import { AnnError, BusyError, DimensionError } from '../../src/core/errors.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { Metric } from '../../src/graph/vector-index.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { clustered, indexOf, SAMPLE } from './calibrated.ts';

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
      [{ queries: [1, 2, 3, 4] as never }, /queries = Array: a Float32Array/],
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
