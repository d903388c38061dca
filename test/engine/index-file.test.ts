import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AnnError,
  BusyError,
  CapacityError,
  MemoryLimitError,
  OutputError,
  ParameterError,
  ReadOnlyError,
} from '../../src/core/errors.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import { Flat } from '../../src/graph/flat.ts';
import { checkMeta, type MetaOf } from '../../src/graph/graph-image.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { nodeFileSystem } from '../../src/storage/atomic-write.ts';
import { canMap } from '../../src/storage/mapping.ts';
import { Pool } from '../../src/workers/pool.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import {
  addMore,
  answersOf,
  expectSame,
  graphOf,
  idsHeld,
  idsOf,
  indexOf,
  largeShapes,
  ROOM,
  rowsOf,
  type Shape,
  shapes,
} from './indexes.ts';

const seeded = (numRuns: number) => ({ seed: 20_180_105, numRuns });

/** One shape for the tests that need no other: several blocks of everything, signs in use, originals beside codes. */
const PLAIN: Shape = {
  ...{ dimension: 96, metric: 'cosine', codes: 'sq7', filter: 'sign', M: 8, efConstruction: 40, seed: 7 },
  ...{ count: 1200, rows: 'normal', ids: 'own' },
};

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/**
 * Saves the index and opens it again, mapped and read; compares; adds to all of them, so that the filter's centre may move and bytes may
 * have to be left; compares; saves one over the file that it is mapped from; opens that; compares.
 */
async function expectRoundTrip(shape: Shape): Promise<void> {
  const path = join(temporaryFolder(), 'index.ann');
  const index = indexOf(shape);
  const { bytes } = await save(index, path);
  expect(readFileSync(path).length).toBe(bytes);
  const mapped = await open(path);
  const read = await open(path, { mode: 'read', threads: 1 });
  expectSame(mapped, index, shape);
  expectSame(read, index, shape);

  addMore([index, mapped, read], shape, 150);
  addMore([index, mapped, read], shape, 50, 'normal');
  expectSame(mapped, index, shape);
  expectSame(read, index, shape);

  await save(mapped, path);
  expect(await verify(path)).toMatchObject({ ok: true, faults: [], count: index.count });
  const again = await open(path);
  expectSame(again, index, shape);
  expectSame(mapped, index, shape);
  addMore([index, mapped, again], shape, 1);
  expectSame(again, index, shape);
  expectSame(mapped, index, shape);
}

describe('an index that was saved and opened', () => {
  it('cannot be told from the one that was saved, nor by what is added to it, whatever its shape', async () => {
    await fc.assert(fc.asyncProperty(shapes, expectRoundTrip), seeded(60));
  });

  it('nor around the count from which the filter works, and where blocks are many', async () => {
    await fc.assert(fc.asyncProperty(largeShapes, expectRoundTrip), seeded(12));
  });

  it.each<[string, Partial<Shape>]>([
    ['pictures: 784 bytes each', { dimension: 784, metric: 'l2', filter: 'sign', rows: 'bytes', count: 1100 }],
    ['784 floats each', { dimension: 784, metric: 'l2', codes: 'f32', filter: 'sign', rows: 'normal', count: 1000 }],
    ['the 1024th vector moves the centre', { dimension: 32, metric: 'dot', rows: 'normal', count: 900 }],
    ['nothing', { dimension: 3, count: 0 }],
    ['one vector', { dimension: 1, metric: 'l2', filter: 'none', count: 1 }],
  ])('%s', async (_, changes) => {
    const shape = { ...PLAIN, ...changes };
    await expectRoundTrip({ ...shape, ids: 'slots' });
    if (shape.count < 1000) await expectRoundTrip({ ...shape, ids: 'own' });
  });

  it('is the same where files cannot be mapped', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    vi.stubEnv('ANNLAB_MAP', '0');
    const opened = await open(path);
    expectSame(opened, index, PLAIN);
    addMore([index, opened], PLAIN, 200);
    expectSame(opened, index, PLAIN);
  });

  it('is saved as the same bytes again', async () => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        const [first, second] = ['first.ann', 'second.ann'].map((name) => join(folder, name));
        await save(indexOf(shape), first);
        await save(await open(first), second);
        expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
      }),
      seeded(20),
    );
  });

  it('keeps its originals in several memories where one does not hold them, and any number of them opens again', async () => {
    const folder = temporaryFolder();
    const [one, several, again] = ['one.ann', 'several.ann', 'again.ann'].map((name) => join(folder, name));
    const shape: Shape = { ...PLAIN, dimension: 12, count: 9000 };
    const index = indexOf(shape);
    await save(index, one);
    /** As `open` does, but for how many rows a memory holds. */
    const openIn = (path: string, chunkRows: number): Hnsw => {
      const file = AnnFile.open(path);
      const meta = checkMeta(file.meta) as MetaOf<'hnsw'>;
      const { index, places } = Hnsw.restore(meta, { chunkRows });
      for (const { section, ...place } of places) file.load(section, place, 'map');
      const offsets = Object.fromEntries(file.sections.map(({ name, offset }) => [name, offset]));
      const source = { file: path, offsets, unchecked: true };
      index.adopt(meta, { source, small: (name) => file.read(name), sums: (name) => file.sumsOf(name) });
      file.close();
      return index;
    };
    const parted = openIn(one, 4096);
    expect(parted.handle.vectors?.memories).toHaveLength(Math.ceil((9000 + ROOM) / 4096));
    expectSame(parted, index, shape);
    // What comes out of several memories is the same file.
    await save(parted, several);
    expect(readFileSync(several).equals(readFileSync(one))).toBe(true);
    const others = openIn(several, 8192);
    addMore([index, parted, others], shape, 200);
    expectSame(others, index, shape);
    expectSame(parted, index, shape);
    await save(others, again);
    expect(await verify(again)).toMatchObject({ ok: true });

    // Damage in the second memory is named by its place in the file.
    const whole = AnnFile.open(one);
    const at = whole.section('vectors').offset + 2 * 65_536 + 5;
    whole.close();
    const bytes = readFileSync(one);
    bytes[at] ^= 1;
    writeFileSync(one, bytes);
    const damaged = openIn(one, 4096);
    expect(() => damaged.checkAll()).toThrow(/section vectors, block 2 /);
  });

  it('do not see what one of them adds, and the file stays as it is', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    const before = sha256(path);
    const [one, other] = [await open(path), await open(path)];
    addMore([one], PLAIN, 200);
    expect(one.count).toBe(1400);
    expectSame(other, index, PLAIN);
    expect(sha256(path)).toBe(before);
    addMore([index, other], PLAIN, 200);
    expectSame(one, index, PLAIN);
    expectSame(other, index, PLAIN);
    expect(sha256(path)).toBe(before);
  });

  it('keep what they opened when one of them saves over it', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    const [one, other] = [await open(path), await open(path)];
    addMore([one], PLAIN, 100);
    await save(one, path);
    expectSame(other, index, PLAIN);
    expect((await open(path)).count).toBe(1300);
  });

  it.skipIf(!canMap())('share the page cache: what they only read is in no memory of their own', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    await save(indexOf(PLAIN), path);
    const index = await openReadOnly(path);
    answersOf(index, PLAIN);
    index.checkAll();
    const ofFile = () => mappingsOf(path);
    expect(ofFile().length).toBeGreaterThan(1);
    for (const { Rss, Anonymous } of ofFile()) expect([Rss > 0, Anonymous]).toEqual([true, 0]);
    const writer = await open(path);
    addMore([writer], PLAIN, 50);
    expect(ofFile().some(({ Anonymous }) => Anonymous > 0)).toBe(true);
    // Both are needed to here, or their mappings would be gone.
    expect([index.count, writer.count]).toEqual([1200, 1250]);
  });
});

/** What Linux says of each piece of this process's memory that is a mapping of the file, in KiB. */
function mappingsOf(path: string): { Rss: number; Anonymous: number }[] {
  const found: { Rss: number; Anonymous: number }[] = [];
  let ours = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [, name, kib] = /^(\w+): +(\d+) kB$/.exec(line) ?? [];
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) {
      ours = line.endsWith(path);
      if (ours) found.push({ Rss: 0, Anonymous: 0 });
    } else if (ours && (name === 'Rss' || name === 'Anonymous')) found.at(-1)![name] = Number(kib);
  }
  return found;
}

describe('an index that was opened for searching only', () => {
  it('refuses whatever would add, says how to mend it, and searches', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    const readOnly = await openReadOnly(path, { mode: 'read', threads: 3 });
    const row = rowsOf(PLAIN, 1, 'more');
    for (const add of [
      () => readOnly.add(row),
      () => readOnly.addBatch(row),
      () => readOnly.addBatch(row, { ids: [1] }),
    ]) {
      expect(add).toThrow(ReadOnlyError);
      expect(add).toThrow(`${path} was opened for searching only: open it with "open" to add vectors`);
    }
    await using pool = await Pool.start(readOnly);
    await expect(pool.addBatch(row)).rejects.toThrow(ReadOnlyError);
    expectSame(readOnly, index, PLAIN);
    const copy = join(path, '..', 'copy.ann');
    await save(readOnly, copy);
    expect(sha256(copy)).toBe(sha256(path));
  });
});

describe('a pool on an opened index', () => {
  it('finds what the index finds, and adds as it does', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    const opened = await open(path, { threads: 3 });
    await using pool = await Pool.start(opened, { threads: 2 });
    const queries = rowsOf(PLAIN, 40, 'queries');
    // Of blocks that nobody has looked at before.
    const batch = await pool.searchBatch(queries, { k: 10, efSearch: 50 });
    for (let i = 0; i < 40; i++) {
      const { ids, distances } = index.search(queries.subarray(i * 96, (i + 1) * 96), { k: 10, efSearch: 50 });
      expect(batch.ids.subarray(i * 10, (i + 1) * 10)).toEqual(ids);
      expect(batch.distances.subarray(i * 10, (i + 1) * 10)).toEqual(distances);
    }
    // One thread inserts in order: the same graph as without a pool.
    await pool.addBatch(rowsOf(PLAIN, 120, `more ${index.count}`), { threads: 1, ids: idsOf(PLAIN, 1200, 120)! });
    addMore([index], PLAIN, 120);
    expectSame(opened, index, PLAIN);
    // Two do as they please, and lose nothing.
    await pool.addBatch(rowsOf(PLAIN, 100, 'for two'), { ids: idsOf(PLAIN, 1320, 100)! });
    expect(opened.count).toBe(1420);
    expect(opened.validate()).toEqual([]);
    const copy = join(path, '..', 'copy.ann');
    await save(opened, copy);
    expectSame(await open(copy), opened, PLAIN);
  });
});

describe('the options of open', () => {
  it('give another capacity, which holds at least what is there', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await save(index, path);
    const tight = await open(path, { capacity: 1200 });
    expect(answersOf(tight, PLAIN)).toEqual(answersOf(index, PLAIN));
    expect(() => addMore([tight], PLAIN, 1)).toThrow(CapacityError);
    const roomy = await open(path, { capacity: 100_000 });
    expect(roomy.capacity).toBe(100_000);
    addMore([index, roomy], PLAIN, 250);
    expect(graphOf(roomy, idsHeld(PLAIN, 1450)) === graphOf(index, idsHeld(PLAIN, 1450))).toBe(true);
    await save(roomy, path);
    expect((await open(path)).capacity).toBe(100_000);
    for (const capacity of [1, 1449]) {
      await expect(open(path, { capacity })).rejects.toThrow(ParameterError);
      await expect(open(path, { capacity })).rejects.toThrow(
        `capacity = ${capacity}: at least the 1450 vectors that are held`,
      );
    }
    for (const capacity of [0, 1.5, Number.NaN, -3]) {
      await expect(open(path, { capacity }), String(capacity)).rejects.toThrow(ParameterError);
    }
  });

  it('need not say that more threads leave room for fewer vectors', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    // As many as fit beside one thread.
    const index = Hnsw.create({ dimension: 1024, codes: 'f32', threads: 1 });
    const row = new Float32Array(1024).fill(1);
    index.add(row);
    await save(index, path);
    const opened = await open(path, { threads: 65 });
    expect(opened.capacity).toBeGreaterThan(500_000);
    expect(opened.capacity).toBeLessThan(index.capacity);
    opened.add(row);
    expect((await open(path, { threads: 1 })).capacity).toBe(index.capacity);
    await expect(open(path, { threads: 65, capacity: index.capacity })).rejects.toThrow(MemoryLimitError);
  });

  it('give another number of threads', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    await save(indexOf(PLAIN), path);
    expect((await open(path, { threads: 1 })).numbers.free).toBe(0);
    expect((await open(path, { threads: 9 })).numbers.free).toBe(8);
    for (const threads of [0, 257, 1.5]) {
      await expect(open(path, { threads })).rejects.toThrow(ParameterError);
    }
  });
});

describe('saving', () => {
  it('is of a graph, to a path', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const flat = save(Flat.create({ dimension: 2 }) as never, path);
    await expect(flat).rejects.toThrow(ParameterError);
    await expect(flat).rejects.toThrow('index = Flat: an Hnsw or a Vamana');
    const index = indexOf(PLAIN);
    await expect(save(index, undefined as never)).rejects.toThrow(ParameterError);
    await expect(save(index, undefined as never)).rejects.toThrow('path = undefined: where to: a file');
    await save(index, path);
  });

  it('goes on beside searches; whoever adds meanwhile is told to wait', async () => {
    const folder = temporaryFolder();
    const [path, copy] = [join(folder, 'index.ann'), join(folder, 'copy.ann')];
    const index = indexOf(PLAIN);
    await save(index, copy);
    const answers = answersOf(index, PLAIN);
    await using pool = await Pool.start(index, { threads: 1 });
    const progress: [number, number][] = [];
    const saving = save(index, path, { onProgress: (done, total) => progress.push([done, total]) });
    const row = rowsOf(PLAIN, 1, 'more');
    expect(() => index.add(row)).toThrow(BusyError);
    expect(() => index.addBatch(row)).toThrow(`the index is being saved to ${path}: await that`);
    await expect(pool.addBatch(row)).rejects.toThrow(BusyError);
    await expect(save(index, copy)).rejects.toThrow(BusyError);
    expect(answersOf(index, PLAIN)).toEqual(answers);
    const { bytes } = await saving;
    expect(progress.at(-1)).toEqual([bytes, bytes]);
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).toSorted((a, b) => a - b));
    expect(sha256(path)).toBe(sha256(copy));
    index.add(row, 1);
    await pool.addBatch(row, { ids: [2] });
    expect(index.count).toBe(1202);
  });

  it('waits for nobody: while a pool adds it is refused, and what the pool adds is in', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = indexOf(PLAIN);
    await using pool = await Pool.start(index, { threads: 2 });
    const adding = pool.addBatch(rowsOf(PLAIN, 200, 'more'), { ids: idsOf(PLAIN, 1200, 200)! });
    // The pool begins in the next turn.
    await Promise.resolve();
    await expect(save(index, path)).rejects.toThrow(BusyError);
    await adding;
    expect(readdirSync(join(path, '..'))).toEqual([]);
    await save(index, path);
    expectSame(await open(path), index, PLAIN);
  });

  it.each<[string, (folder: string) => string, RegExp]>([
    ['a folder that is not there', (folder) => join(folder, 'no', 'index.ann'), /folder does not exist \(ENOENT\)/],
    ['a folder', (folder) => folder, /is a directory: name a file/],
  ])('to %s says so, and the index can be added to', async (_, pathIn, says) => {
    const folder = temporaryFolder();
    const index = indexOf({ ...PLAIN, count: 20 });
    const path = pathIn(folder);
    await expect(save(index, path)).rejects.toThrow(OutputError);
    await expect(save(index, path)).rejects.toThrow(says);
    expect(readdirSync(folder)).toEqual([]);
    addMore([index], PLAIN, 5);
    expect(index.count).toBe(25);
  });

  it.each([
    { code: 'ENOSPC', at: 'write' },
    { code: 'ENOSPC', at: 'open' },
    { code: 'EIO', at: 'sync' },
    { code: 'EACCES', at: 'rename' },
  ] as const)('to a disk that fails ($code at $at) leaves the old file as it was', async ({ code, at }) => {
    const folder = temporaryFolder();
    const path = join(folder, 'index.ann');
    const old = indexOf({ ...PLAIN, count: 20 });
    await save(old, path);
    const before = sha256(path);
    const index = await open(path);
    addMore([index], PLAIN, 100);
    failAt(at, code);
    await expect(save(index, path)).rejects.toThrow(OutputError);
    await expect(save(index, path)).rejects.toThrow(new RegExp(`^${path}: cannot be written: .*${code}`));
    vi.restoreAllMocks();
    expect(readdirSync(folder)).toEqual(['index.ann']);
    expect(sha256(path)).toBe(before);
    addMore([index], PLAIN, 30);
    await save(index, path);
    expectSame(await open(path), index, { ...PLAIN, count: 20 });
  });

  /** From now on the disk refuses that call. */
  function failAt(at: 'open' | 'write' | 'sync' | 'rename', code: string): void {
    const fail = () => Promise.reject(Object.assign(new Error(`${code}: simulated`), { code }));
    const { open: openFile } = nodeFileSystem;
    if (at === 'open' || at === 'rename') vi.spyOn(nodeFileSystem, at).mockImplementation(fail);
    else
      vi.spyOn(nodeFileSystem, 'open').mockImplementation(async (path, flags) =>
        Object.assign(await openFile(path, flags), { [at]: fail }),
      );
  }

  it.skipIf(process.platform === 'win32')('through a link replaces what the link leads to', async () => {
    const folder = temporaryFolder();
    const [path, link] = [join(folder, 'index.ann'), join(folder, 'link.ann')];
    const index = indexOf({ ...PLAIN, count: 50 });
    await save(index, path);
    symlinkSync('index.ann', link);
    addMore([index], PLAIN, 10);
    await save(index, link);
    expect(readdirSync(folder).toSorted()).toEqual(['index.ann', 'link.ann']);
    expect((await openReadOnly(path)).count).toBe(60);
  });
});

describe('what cannot be opened', () => {
  it('is said by name, for open as for verify, which does not throw', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'text'), 'no index\n'.repeat(10_000));
    for (const [name, says] of Object.entries({
      missing: 'there is no such file',
      folder: 'is a directory',
      empty: 'is empty',
      text: 'is not an index that annlab saved',
    })) {
      const path = join(folder, name);
      for (const mode of ['map', 'read'] as const) {
        const error = await open(path, { mode }).catch((error) => error);
        expect(error).toBeInstanceOf(AnnError);
        expect(error.message).toContain(`${path}: ${says}`);
      }
      const report = await verify(path);
      expect(report).toMatchObject({ ok: false, count: 0 });
      expect(report.faults.join()).toContain(`${path}: ${says}`);
    }
  });

  it('verify says the size of what is whole, and how far it is', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const { bytes } = await save(indexOf(PLAIN), path);
    const progress: number[] = [];
    const report = await verify(path, { onProgress: (done, blocks) => progress.push(done / blocks) });
    expect(report).toMatchObject({ ok: true, faults: [], bytes, blocks: bytes / 65_536 - 2, count: 1200 });
    expect(report.seconds).toBeGreaterThan(0);
    expect(progress).toHaveLength(report.blocks);
    expect(progress.at(-1)).toBe(1);
  });
});
