/** Indexes that are saved while deletions wait for consolidation. */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexFileError, ReadOnlyError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { contentsOf, rewrite } from './ann-indexes.ts';

const DIMENSION = 24;

function rowsOf(n: number, seed: number): Float32Array {
  const random = new Random(`rows ${seed}`);
  return Float32Array.from({ length: n * DIMENSION }, () => random.normal());
}

/** 300 vectors, `deleted` of which are, the start among them if any is. */
function indexOf({ deleted, ids = 'slots' }: { deleted: number; ids?: 'slots' | 'own' }): Vamana {
  const index = Vamana.create({ dimension: DIMENSION, capacity: 500, codes: 'sq7', R: 8, L: 24, threads: 3 });
  const own = ids === 'own' && { ids: Array.from({ length: 300 }, (_, i) => 9000 - i) };
  if (ids === 'own') index.build(rowsOf(300, 1), own || {});
  else index.addBatch(rowsOf(300, 1));
  const held = index.translate(Uint32Array.from({ length: 300 }, (_, slot) => slot));
  for (const id of held.subarray(0, deleted)) index.delete(id);
  return index;
}

function answersOf(index: { search: Vamana['search'] }): unknown[] {
  const queries = rowsOf(20, 2);
  return Array.from({ length: 20 }, (_, i) => {
    const query = queries.subarray(i * DIMENSION, (i + 1) * DIMENSION);
    const { ids, distances, work } = index.search(query, { k: 10, efSearch: 30 });
    return [ids, distances, work];
  });
}

function vamana(index: unknown): Vamana {
  if (!(index instanceof Vamana)) throw new Error('a file of a Vamana holds a Vamana');
  return index;
}

describe('an index with deletions that wait', () => {
  it('is saved and opened as it is; consolidated before or after, it is the same', async () => {
    const folder = temporaryFolder();
    const [path, consolidated] = ['index.ann', 'consolidated.ann'].map((name) => join(folder, name));
    const cases = fc.record({
      deleted: fc.constantFrom(0, 1, 30, 299, 300),
      ids: fc.constantFrom('slots' as const, 'own' as const),
      mode: fc.constantFrom('map' as const, 'read' as const),
    });
    const property = fc.asyncProperty(cases, async ({ mode, ...shape }) => {
      const index = indexOf(shape);
      await save(index, path);
      expect(await verify(path)).toMatchObject({ ok: true, count: 300 - shape.deleted });
      const opened = vamana(await open(path, { mode }));
      expect(opened.count).toBe(index.count);
      expect(answersOf(opened)).toEqual(answersOf(index));
      expect({ ...opened.stats(), hugePages: 0 }).toEqual({ ...index.stats(), hugePages: 0 });
      expect(opened.validate()).toEqual([]);
      const free = shape.ids === 'own' ? 1 : 299;
      if (shape.deleted === 300) opened.add(rowsOf(1, 3), free);
      if (shape.deleted === 300) index.add(rowsOf(1, 3), free);
      for (const one of [index, opened]) {
        one.consolidate();
        one.addBatch(rowsOf(50, 4), { ids: Array.from({ length: 50 }, (_, i) => 20_000 + i) });
      }
      expect(answersOf(opened)).toEqual(answersOf(index));
      await save(opened, consolidated);
      expect(contentsOf(consolidated).sections.has('deleted')).toBe(false);
      expect(await verify(consolidated)).toMatchObject({ ok: true, count: index.count });
      expect(answersOf(await open(consolidated))).toEqual(answersOf(index));
    });
    await fc.assert(property, { seed: 20_210_520, numRuns: 20 });
  });

  it('that was opened from a file can be deleted from at once, on top of what the file says', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf({ deleted: 10 });
    await save(index, path);
    const opened = vamana(await open(path));
    const [gone] = opened.translate(Uint32Array.of(200));
    for (const one of [index, opened]) one.delete(gone);
    expect(answersOf(opened)).toEqual(answersOf(index));
    expect(opened.validate()).toEqual([]);
    expect(opened.stats()).toMatchObject({ count: 289, deleted: 11 });
    await save(opened, path);
    expect(answersOf(await open(path))).toEqual(answersOf(index));
    const readOnly = vamana(await openReadOnly(path));
    expect(answersOf(readOnly)).toEqual(answersOf(index));
    expect(() => readOnly.delete(250)).toThrow(ReadOnlyError);
    expect(() => readOnly.consolidate()).toThrow(ReadOnlyError);
  });

  it('says nothing of deletions in its file where there are none', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    await save(indexOf({ deleted: 0 }), path);
    const { meta, sections } = contentsOf(path);
    expect(meta).not.toHaveProperty('deleted');
    expect(sections.has('deleted')).toBe(false);
  });

  it.each([
    ['more than there are', (meta: { deleted: unknown }) => (meta.deleted = 301), 'deleted = 301'],
    ['none', (meta: { deleted: unknown }) => (meta.deleted = 0), 'deleted = 0'],
    ['a word', (meta: { deleted: unknown }) => (meta.deleted = 'ten'), 'deleted = "ten"'],
    ['fewer than are listed', (meta: { deleted: unknown }) => (meta.deleted = 9), 'section deleted has 40 bytes'],
    ['nothing', (meta: { deleted?: unknown }) => delete meta.deleted, 'a section deleted that such an index has not'],
  ])('whose file says that %s are deleted is refused', async (_, change, message) => {
    const [path, forged] = ['index.ann', 'forged.ann'].map((name) => join(temporaryFolder(), name));
    await save(indexOf({ deleted: 10 }), path);
    await rewrite(path, forged, ({ meta }) => {
      change(meta);
    });
    await expect(open(forged)).rejects.toThrow(IndexFileError);
    await expect(open(forged)).rejects.toThrow(message);
  });

  it('whose file lists others than are marked is opened, and verify says so', async () => {
    const [path, forged] = ['index.ann', 'forged.ann'].map((name) => join(temporaryFolder(), name));
    await save(indexOf({ deleted: 10 }), path);
    await rewrite(path, forged, ({ sections }) => {
      new Uint32Array(sections.get('deleted')!.buffer, sections.get('deleted')!.byteOffset)[3] = 200;
    });
    const index = await open(forged);
    expect(answersOf(index).length).toBe(20);
    const { ok, faults } = await verify(forged);
    expect(ok).toBe(false);
    expect(faults).toContain('node 3 is deleted, and its id is not free');
    expect(faults).toContain('node 200 has no id, and is not deleted');
  });
});
