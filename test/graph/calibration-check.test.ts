import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IndexFileError } from '../../src/core/errors.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import type { Calibration } from '../../src/graph/calibration.ts';
import type { Hnsw } from '../../src/graph/hnsw.ts';
import { rewrite } from '../engine/ann-indexes.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { clustered, indexOf } from './calibrated.ts';

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
