/** Indexes that are renumbered before they are saved, or after they have been opened. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusyError, CorruptionError, ReadOnlyError } from '../../src/core/errors.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import { checkMeta, type MetaOf } from '../../src/graph/graph-image.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { Pool } from '../../src/workers/pool.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { addMore, answersOf, expectSame, indexOf, rowsOf, type Shape, shapes } from './indexes.ts';

const PLAIN: Shape = {
  ...{ dimension: 96, metric: 'cosine', codes: 'sq7', filter: 'sign', M: 8, efConstruction: 40, seed: 7 },
  ...{ count: 1200, rows: 'normal', ids: 'slots' },
};

describe('a renumbered index', () => {
  it('is saved and opened, and is the same whether it was renumbered before or after', async () => {
    const folder = temporaryFolder();
    const property = fc.asyncProperty(shapes, async (shape) => {
      const [plain, before, after] = ['plain.ann', 'before.ann', 'after.ann'].map((name) => join(folder, name));
      const index = indexOf(shape);
      await save(index, plain);
      index.renumber();
      await save(index, before);
      const opened = await open(plain);
      opened.renumber();
      expectSame(opened, index, shape);
      await save(opened, after);
      expect(readFileSync(after).equals(readFileSync(before))).toBe(true);
      expect(await verify(before)).toMatchObject({ ok: true, count: shape.count });
      // The file that it was opened from is as it was.
      expectSame(await open(plain), indexOf(shape), shape);
      const again = await open(before);
      expectSame(again, index, shape);
      addMore([again, index, opened], shape, 60);
      expectSame(again, index, shape);
      expectSame(opened, index, shape);
    });
    await fc.assert(property, { seed: 20_220_407, numRuns: 25 });
  });

  it('has its originals in several memories where one does not hold them', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const shape: Shape = { ...PLAIN, dimension: 12, count: 9000 };
    const index = indexOf(shape);
    await save(index, path);
    using file = AnnFile.open(path);
    const meta = checkMeta(file.meta) as MetaOf<'hnsw'>;
    const { index: parted, places } = Hnsw.restore(meta, { chunkRows: 4096 });
    for (const { section, ...place } of places) file.load(section, place, 'read');
    const offsets = Object.fromEntries(file.sections.map(({ name, offset }) => [name, offset]));
    const source = { file: path, offsets, unchecked: true };
    parted.adopt(meta, { source, small: (name) => file.read(name), sums: (name) => file.sumsOf(name) });
    expect(parted.handle.vectors?.memories).toHaveLength(3);
    parted.renumber();
    expect(answersOf(parted, shape)).toEqual(answersOf(index, shape));
    index.renumber();
    expectSame(parted, index, shape);
  });

  it('is not made of a damaged file, nor of one that is opened for searching only', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    await save(indexOf(PLAIN), path);
    const readOnly = await openReadOnly(path);
    expect(() => readOnly.renumber()).toThrow(ReadOnlyError);
    const bytes = readFileSync(path);
    const file = AnnFile.open(path);
    bytes[file.section('vectors').offset + 70_000] ^= 1;
    file.close();
    writeFileSync(path, bytes);
    const damaged = await open(path);
    expect(() => damaged.renumber()).toThrow(CorruptionError);
  });

  it('cannot be had while a pool is open or a file is written, and is searched and added to by the next pool', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    const saving = save(index, path);
    expect(() => index.renumber()).toThrow(BusyError);
    await saving;
    const queries = rowsOf(PLAIN, 50, 'queries of a pool');
    const ask = async (pool: Pool) => {
      const { ids, distances } = await pool.searchBatch(queries, { k: 10, efSearch: 50 });
      return { ids, distances };
    };
    let answers: unknown;
    {
      await using pool = await Pool.start(index, { threads: 2 });
      answers = await ask(pool);
      expect(() => index.renumber()).toThrow(/pool works on the index/);
    }
    index.renumber();
    await using pool = await Pool.start(index, { threads: 2 });
    expect(await ask(pool)).toEqual(answers);
    await pool.addBatch(rowsOf(PLAIN, 100, 'more'));
    await pool.close();
    expect(index.validate()).toEqual([]);
    expect(index.count).toBe(1300);
    const row = rowsOf(PLAIN, 100, 'more').subarray(0, 96);
    expect(index.search(row, { k: 1, efSearch: 100 }).ids[0]).toBe(1200);
  });
});
