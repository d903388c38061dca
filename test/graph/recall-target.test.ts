import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { SearchOptions } from '../../src/graph/vector-index.ts';
import { Pool } from '../../src/workers/pool.ts';
import { clustered, indexOf, SAMPLE } from './calibrated.ts';

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
