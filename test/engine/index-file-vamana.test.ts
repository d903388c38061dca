import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import { checkMeta } from '../../src/graph/graph-image.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { METRICS } from '../../src/graph/vector-index.ts';
import { clustered, rowOf } from '../graph/clustered.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const dimension = 20;
const rows = 700;
const data = clustered({ n: rows, dimension, seed: 21 });

function answersOf(index: Pick<Vamana, 'search'>): unknown[] {
  return Array.from({ length: 30 }, (_, i) => index.search(rowOf(data, 7 * i, dimension), { k: 6, efSearch: 40 }));
}

describe('a Vamana in a file', () => {
  it.each(METRICS.flatMap((metric) => (['f32', 'sq7'] as const).map((codes) => ({ metric, codes }))))(
    'is the same when it is opened, mapped or read: $metric on $codes',
    async ({ metric, codes }) => {
      const path = join(temporaryFolder(), 'index.ann');
      const index = Vamana.create({ dimension, metric, codes, capacity: 2 * rows, R: 10 });
      index.build(data, { ids: Uint32Array.from({ length: rows }, (_, i) => 3 * i) });
      await save(index, path);
      expect(await verify(path)).toMatchObject({ ok: true, faults: [], count: rows });
      for (const mode of ['map', 'read'] as const) {
        const opened = await open(path, { mode });
        expect(opened).toBeInstanceOf(Vamana);
        expect(answersOf(opened)).toEqual(answersOf(index));
        const more = data.subarray(0, 100 * dimension).map((x) => 2 * x);
        opened.addBatch(more);
        expect(opened.validate()).toEqual([]);
        expect(opened.count).toBe(rows + 100);
      }
      const closed = await openReadOnly(path);
      expect(() => closed.add(rowOf(data, 0, dimension))).toThrow(/was opened/);
    },
  );

  it('keeps what was calibrated', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = Vamana.create({ dimension, capacity: rows });
    index.build(data);
    await index.calibrate({ sample: 100, ks: [5] });
    await save(index, path);
    const opened = await open(path);
    const query = rowOf(data, 3, dimension);
    expect(opened.search(query, { k: 5, recallTarget: 0.9 })).toEqual(index.search(query, { k: 5, recallTarget: 0.9 }));
  });

  it('names the section in which a byte is another', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = Vamana.create({ dimension, capacity: rows });
    index.build(data);
    await save(index, path);
    const bytes = readFileSync(path);
    bytes[bytes.length - 70_000] ^= 4;
    writeFileSync(path, bytes);
    const report = await verify(path);
    expect(report.ok).toBe(false);
    expect(report.faults[0]).toMatch(/section \w+, block \d+/);
  });

  it.each<[string, object, RegExp]>([
    ['a start that is not the first node', { entryPoint: 5 }, /entryPoint = 5/],
    ['levels', { topLevel: 1 }, /level 1/],
    ['lists above level 0', { upperLists: 1 }, /upperLists = 1/],
    ['no lengths under dot', { lengths: undefined }, /lengths.longest = undefined/],
    ['a longest of no length', { lengths: { longest: -1, usual: 1 } }, /lengths.longest = -1/],
    ['no usual length', { lengths: { longest: 1 } }, /lengths.usual = undefined/],
  ])('is refused with %s', (_, changes, message) => {
    const index = Vamana.create({ dimension, metric: 'dot', capacity: rows });
    index.build(data);
    const { meta } = index.image();
    expect(checkMeta(structuredClone(meta))).toMatchObject({ kind: 'vamana', count: rows });
    expect(() => checkMeta({ ...structuredClone(meta), ...changes })).toThrow(message);
  });

  it('is refused with options that none could have', () => {
    const index = Vamana.create({ dimension, capacity: rows });
    const { meta } = index.image();
    const said = (options: object) => ({ ...meta, options: { ...meta.options, ...options } });
    expect(() => checkMeta(said({ R: 1 }))).toThrow(/R = 1/);
    expect(() => checkMeta(said({ L: 3 }))).toThrow(/L = 3/);
    expect(() => checkMeta(said({ saturate: 'yes' }))).toThrow(/saturate = "yes" is no boolean/);
    expect(() => checkMeta(said({ passes: 7 }))).toThrow(/passes = 7/);
  });
});
