/**
 * Files that are not what was saved. Whoever searches one gets what the whole index returns or an error that says what is
 * broken, never a wrong answer; and `verify` finds everything.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AnnError, CorruptionError, FormatVersionError, IndexFileError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import type { AnyIndex } from '../../src/graph/any-index.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { LoadMode } from '../../src/storage/ann-file.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { BLOCK_BYTES } from '../../src/storage/ann-format.ts';
import { Pool } from '../../src/workers/pool.ts';
import { forge } from '../storage/ann-files.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** A saved index, and what it answers. */
interface Subject {
  index: AnyIndex;
  queries: Float32Array[];
  answers: string[];
  bytes: Uint8Array;
  /** The blocks of the sections, in the order of the file. */
  blocks: { section: string; block: number; offset: number; usedBytes: number }[];
}

/**
 * Rows along a curve, in its order: near ones lie in the same blocks, so that a search reads some of a file's blocks and leaves
 * others alone.
 */
function alongACurve(n: number, dimension: number, bytes: boolean): Float32Array {
  const random = new Random(`curve ${n} ${dimension}`);
  return Float32Array.from({ length: n * dimension }, (_, i) => {
    const [along, j] = [Math.floor(i / dimension) / n, i % dimension];
    const x = Math.sin(3 * along + j) + 0.02 * random.normal();
    return bytes ? Math.round(127 + 60 * x) : x + 0.01;
  });
}

const SHAPES: Record<string, { options: HnswOptions; n: number; ownIds: boolean; bytes?: boolean }> = {
  'floats with signs, own ids, many levels': {
    options: { dimension: 8, codes: 'f32', filter: 'sign', M: 2, efConstruction: 12, seed: 3 },
    ...{ n: 4000, ownIds: true },
  },
  'codes with signs and originals': {
    options: { dimension: 48, metric: 'cosine', codes: 'sq7', filter: 'sign', M: 6, efConstruction: 20, seed: 4 },
    ...{ n: 1100, ownIds: false },
  },
  bytes: {
    options: { dimension: 100, codes: 'sq7', filter: 'none', M: 5, efConstruction: 20, seed: 5 },
    ...{ n: 900, ownIds: false, bytes: true },
  },
};

async function subjectOf(name: string, path: string): Promise<Subject> {
  const { options, n, ownIds, bytes = false } = SHAPES[name];
  const { dimension } = options;
  const index = Hnsw.create({ threads: 3, ...options, capacity: n + 10 });
  const rows = alongACurve(n, dimension, bytes);
  index.addBatch(rows, ownIds ? { ids: Uint32Array.from({ length: n }, (_, i) => 9 * n - i) } : {});
  await save(index, path);
  const queries = [0, 0.02, 0.3, 0.97].map((along) => {
    const from = Math.floor(along * n) * dimension;
    return rows.subarray(from, from + dimension).map((x) => x + 0.125);
  });
  using file = AnnFile.open(path);
  const blocks = file.sections.flatMap(({ name: section, offset, bytes, blocks }) =>
    Array.from({ length: blocks }, (_, block) => ({
      ...{ section, block, offset: offset + block * BLOCK_BYTES },
      usedBytes: Math.min(BLOCK_BYTES, bytes - block * BLOCK_BYTES),
    })),
  );
  return { index, queries, answers: queries.map((query) => answer(index, query)), bytes: readFileSync(path), blocks };
}

function answer(index: AnyIndex, query: Float32Array): string {
  const { ids, distances, work } = index.search(query, { k: 4, efSearch: 12 });
  return `${Array.from(ids)} ${Array.from(distances)} ${JSON.stringify(work)}`;
}

interface Examined {
  /** What the first error came from; `nothing` where every search found what it should. */
  at: 'open' | 'search' | 'nothing';
  error?: AnnError;
}

/** Opens the file and searches; each search must find what it should, or say why not. */
async function examine(path: string, { queries, answers }: Subject, mode: LoadMode): Promise<Examined> {
  let index: AnyIndex;
  try {
    index = await open(path, { mode, threads: 1 });
  } catch (error) {
    return { at: 'open', error: expectClear(error, path) };
  }
  let found: Examined = { at: 'nothing' };
  for (const [i, query] of queries.entries()) {
    try {
      expect(answer(index, query), `query ${i}`).toBe(answers[i]);
    } catch (error) {
      found = { at: 'search', error: expectClear(error, path) };
    }
  }
  return found;
}

function expectClear(error: unknown, path: string): AnnError {
  const isOurs = [CorruptionError, IndexFileError, FormatVersionError].some((kind) => error instanceof kind);
  if (!isOurs) throw error;
  expect((error as AnnError).message).toContain(path);
  expect((error as AnnError).message).toMatch(/: (restore|rebuild|name another|name a file)/);
  return error as AnnError;
}

/** A copy of the subject's file, to be spoiled and mended again. */
class Copy {
  readonly path: string;
  readonly #bytes: Uint8Array;
  readonly #fd: number;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.#bytes = bytes;
    writeFileSync(path, bytes);
    this.#fd = openSync(path, 'r+');
  }

  /** Flips bit number `bit` of the file. */
  flip(bit: number): void {
    writeSync(this.#fd, Uint8Array.of(this.#bytes[bit >>> 3] ^ (1 << (bit & 7))), 0, 1, bit >>> 3);
  }

  mend(bit: number): void {
    writeSync(this.#fd, this.#bytes, bit >>> 3, 1, bit >>> 3);
  }

  cut(length: number): void {
    ftruncateSync(this.#fd, length);
  }

  /** Puts back what was cut off. */
  lengthen(length: number): void {
    writeSync(this.#fd, this.#bytes, length, this.#bytes.length - length, length);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

describe.each(Object.keys(SHAPES))('a flipped bit: %s', (name) => {
  it('in any block of any section is found by verify, which names it, and by the search that needs it', async () => {
    const folder = temporaryFolder();
    const subject = await subjectOf(name, join(folder, 'whole.ann'));
    using copy = new Copy(join(folder, 'copy.ann'), subject.bytes);
    const seen = new Set<string>();
    for (const { section, block, offset, usedBytes } of subject.blocks) {
      const places = [
        0,
        1,
        usedBytes >>> 1,
        usedBytes - 1,
        ...(usedBytes < BLOCK_BYTES ? [usedBytes] : []),
        BLOCK_BYTES - 1,
      ];
      for (const [i, place] of places.entries()) {
        const bit = (offset + place) * 8 + (i % 8);
        copy.flip(bit);
        for (const mode of ['map', 'read'] as const) {
          const { at, error } = await examine(copy.path, subject, mode);
          seen.add(`${section}: ${at}`);
          if (error) {
            expect(error).toBeInstanceOf(CorruptionError);
            expect(error).toMatchObject({ file: copy.path, section, block });
            expect(error.message).toContain(`section ${section}, block ${block} (byte ${offset} of the file)`);
          }
          // What is behind a section is not loaded; all of what lies before an index is ready is looked at when it is opened.
          if (place >= usedBytes && at !== 'open') expect(at).toBe('nothing');
          if (section === 'mean' || section === 'ids') expect(at).toBe('open');
        }
        const report = await verify(copy.path);
        expect(report.ok).toBe(false);
        expect(report.faults[0]).toBe(`section ${section}, block ${block} (byte ${offset}): checksum mismatch`);
        copy.mend(bit);
      }
    }
    expect(await examine(copy.path, subject, 'map')).toEqual({ at: 'nothing' });
    // Some searches met the damage, and some did not have to.
    expect(seen).toContain('records: search');
    expect(seen).toContain('records: nothing');
  });
});

describe('a damaged block', () => {
  const NAME = 'codes with signs and originals';

  async function damaged(section: string) {
    const folder = temporaryFolder();
    const subject = await subjectOf(NAME, join(folder, 'whole.ann'));
    const { offset, usedBytes } = subject.blocks.findLast((each) => each.section === section)!;
    const copy = new Copy(join(folder, 'copy.ann'), subject.bytes);
    copy.flip((offset + usedBytes - 1) * 8);
    return { ...subject, copy, folder };
  }

  it.each(['records', 'upper', 'signs', 'vectors'])(
    'of %s lets nothing be added, saved or counted: all of it is checked before',
    async (section) => {
      const { copy, folder, index: whole, queries } = await damaged(section);
      for (const mode of ['map', 'read'] as const) {
        const index = await open(copy.path, { mode });
        for (const use of [
          () => index.add(queries[0]),
          () => index.addBatch(queries[0]),
          () => index.stats(),
          () => index.neighbors(0),
          () => index.validate(),
          () => index.checkAll(),
        ]) {
          expect(use).toThrow(CorruptionError);
          expect(use).toThrow(`${copy.path}: section ${section}, block `);
        }
        await expect(save(index, join(folder, 'other.ann'))).rejects.toThrow(CorruptionError);
        expect(index.count).toBe(whole.count);
      }
    },
  );

  it('is what a pool says too, and the pool works on', async () => {
    const { copy, index: whole, queries } = await damaged('vectors');
    const index = await open(copy.path, { threads: 3 });
    await using pool = await Pool.start(index, { threads: 2 });
    const options = { k: 4, efSearch: 12 };
    const spoiled = await pool.searchBatch(queries[3], options).catch((error) => error);
    expect(spoiled).toMatchObject({ name: 'CorruptionError', code: 'CORRUPTION' });
    expect(spoiled.message).toContain(`${copy.path}: section vectors, block 3 (byte `);
    await expect(pool.addBatch(queries[0])).rejects.toMatchObject({ code: 'CORRUPTION' });
    const { ids } = await pool.searchBatch(queries[0], options);
    expect(ids).toEqual(whole.search(queries[0], options).ids);
  });

  it('keeps nobody from what lies in others, before and after', async () => {
    const { copy, index: whole, queries } = await damaged('vectors');
    const index = await openReadOnly(copy.path);
    for (let i = 0; i < 3; i++) {
      expect(answer(index, queries[0])).toBe(answer(whole, queries[0]));
      expect(() => answer(index, queries[3])).toThrow(CorruptionError);
    }
  });
});

describe('a flipped bit of the header or the table', () => {
  it('is found when the file is opened', async () => {
    const folder = temporaryFolder();
    const subject = await subjectOf('bytes', join(folder, 'whole.ann'));
    using copy = new Copy(join(folder, 'copy.ann'), subject.bytes);
    const header = subject.bytes.subarray(0, BLOCK_BYTES).findLastIndex((byte) => byte !== 0);
    const table = subject.bytes.length - BLOCK_BYTES;
    const places = [
      ...Array.from({ length: Math.ceil(header / 7) }, (_, i) => i * 7),
      ...[header, header + 1, BLOCK_BYTES - 1],
      ...[table, table + 4 * subject.blocks.length - 1, table + 4 * subject.blocks.length, subject.bytes.length - 1],
    ];
    for (const [i, place] of places.entries()) {
      const bit = place * 8 + (i % 8);
      copy.flip(bit);
      const { at, error } = await examine(copy.path, subject, 'map');
      expect(at, `byte ${place}`).toBe('open');
      expect(await verify(copy.path)).toMatchObject({ ok: false, faults: [error?.message] });
      copy.mend(bit);
    }
  });
});

describe('another format version', () => {
  it.each([0, 2, 7, 0xffffffff])('%i is refused, with the command that makes the file anew', async (version) => {
    const folder = temporaryFolder();
    const { bytes } = await subjectOf('bytes', join(folder, 'whole.ann'));
    const path = join(folder, 'other.ann');
    forge(path, bytes, (view) => view.setUint32(8, version, true));
    const error = await open(path).catch((error) => error);
    expect(error).toBeInstanceOf(FormatVersionError);
    expect(error).toMatchObject({ file: path, got: version, reads: 1 });
    expect(error.message).toBe(
      `${path} is of format version ${version}, this annlab reads 1: rebuild it with "npm run annlab -- build …" ` +
        'or open it with the annlab that wrote it',
    );
    expect(await verify(path)).toMatchObject({ ok: false, faults: [error.message] });
  });
});

describe('flips and cuts at random', () => {
  const TIMES = 10_000;

  it(`never give a wrong answer, ${TIMES} times, and verify finds every one`, async () => {
    const folder = temporaryFolder();
    const random = new Random('flips and cuts');
    const seen: Record<string, number> = {};
    const names = Object.keys(SHAPES);
    for (const name of names) {
      const subject = await subjectOf(name, join(folder, 'whole.ann'));
      const { length } = subject.bytes;
      using flipped = new Copy(join(folder, 'flipped.ann'), subject.bytes);
      using cut = new Copy(join(folder, 'cut.ann'), subject.bytes);
      for (let i = 0; i < TIMES / names.length; i++) {
        const mode = i % 2 ? 'map' : 'read';
        if (i % 5 === 0) {
          const to = i % 10 ? random.integer(length) : random.integer(length / BLOCK_BYTES) * BLOCK_BYTES;
          cut.cut(to);
          expect((await examine(cut.path, subject, mode)).at, `cut to ${to}`).toBe('open');
          expect((await verify(cut.path)).ok, `cut to ${to}`).toBe(false);
          cut.lengthen(to);
          seen.cut = (seen.cut ?? 0) + 1;
          continue;
        }
        const bit = random.integer(length * 8);
        flipped.flip(bit);
        const where = `${name}, bit ${bit}`;
        const { at, error } = await examine(flipped.path, subject, mode);
        const hit = subject.blocks.find(({ offset }) => offset === (bit - (bit % (BLOCK_BYTES * 8))) >>> 3);
        if (hit === undefined) expect(at, where).toBe('open');
        else if (error) expect(error, where).toMatchObject({ section: hit.section, block: hit.block });
        expect((await verify(flipped.path)).ok, where).toBe(false);
        flipped.mend(bit);
        seen[at] = (seen[at] ?? 0) + 1;
      }
      for (const { path } of [flipped, cut]) {
        expect(await examine(path, subject, 'map')).toEqual({ at: 'nothing' });
        expect(await verify(path)).toMatchObject({ ok: true });
      }
    }
    // Nothing of this is worth much if damage is rarely met, or always.
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(TIMES / 20);
    expect(Object.keys(seen).toSorted()).toEqual(['cut', 'nothing', 'open', 'search']);
  });
});
