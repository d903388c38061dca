import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { AnnError, CorruptionError, FormatVersionError, IndexFileError } from '../../src/core/errors.ts';
import { AnnFile, type BrokenBlock } from '../../src/storage/ann-file.ts';
import { BLOCK_BYTES, FORMAT_VERSION } from '../../src/storage/ann-format.ts';
import { writeAnnFile } from '../../src/storage/write-ann-file.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { forge, SMALL, sectionsOf, shapes, writeSmall } from './ann-files.ts';

const seeded = (numRuns: number) => ({ seed: 20_160_328, numRuns });
const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('what was written', () => {
  it('is what is read, whatever sections there are, each from a block of its own and under its sums', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const metas = fc.dictionary(fc.string({ maxLength: 10 }), fc.oneof(fc.string({ maxLength: 10 }), fc.integer()));
    const property = fc.asyncProperty(shapes, metas, async (shape, meta) => {
      const sections = sectionsOf(shape);
      const { bytes } = await writeAnnFile(path, { meta, sections });
      const stored = readFileSync(path);
      expect(stored.length).toBe(bytes);
      using file = AnnFile.open(path);
      expect(file.bytes).toBe(bytes);
      expect(JSON.stringify(file.meta)).toBe(JSON.stringify(meta));
      expect(file.sections.map(({ name }) => name)).toEqual(sections.map(({ name }) => name));
      let end = BLOCK_BYTES;
      for (const { name, parts } of sections) {
        const content = joined(parts);
        const section = file.section(name);
        expect(section).toMatchObject({ offset: end, bytes: content.length });
        end += section.blocks * BLOCK_BYTES;
        expect(end - section.offset - content.length).toBeLessThan(BLOCK_BYTES);
        const blocks = stored.subarray(section.offset, end);
        expect(blocks.subarray(0, content.length).equals(content)).toBe(true);
        expect(blocks.subarray(content.length).every((byte) => byte === 0)).toBe(true);
        expect(Array.from(file.sumsOf(name))).toEqual(
          Array.from({ length: section.blocks }, (_, i) =>
            crc32c(blocks.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)),
          ),
        );
        expect(Buffer.from(file.read(name)).equals(content)).toBe(true);
      }
      expect(bytes - end).toBe(Math.ceil((4 * file.blocks) / BLOCK_BYTES) * BLOCK_BYTES);
      expect(file.verify()).toEqual([]);
    });
    await fc.assert(property, seeded(60));
  });

  it('is the same bytes every time', async () => {
    const folder = temporaryFolder();
    const [a, b] = [await writeSmall(join(folder, 'a.ann')), await writeSmall(join(folder, 'b.ann'))];
    expect(Buffer.compare(a, b)).toBe(0);
  });

  it('may have more blocks than one block of sums, and fill the buffer many times', async () => {
    const path = join(temporaryFolder(), 'many.ann');
    const block = new Uint8Array(BLOCK_BYTES);
    const parts = Array.from({ length: BLOCK_BYTES / 4 + 1 }, () => block);
    const progress: number[] = [];
    const { bytes } = await writeAnnFile(path, {
      meta: {},
      sections: [{ name: 'zeros', parts }],
      onProgress: (done, total) => progress.push(done / total),
    });
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(1);
    using file = AnnFile.open(path);
    expect(file.bytes).toBe(bytes);
    expect(file.blocks).toBe(BLOCK_BYTES / 4 + 1);
    expect(bytes).toBe((1 + file.blocks + 2) * BLOCK_BYTES);
    expect(new Set(file.sumsOf('zeros'))).toEqual(new Set([crc32c(block)]));
  });

  it('can be open several times at once, and replaced meanwhile', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.ann');
    await writeSmall(path);
    using first = AnnFile.open(path);
    using second = AnnFile.open(path);
    await writeAnnFile(path, { meta: { second: true }, sections: [] });
    for (const file of [first, second]) {
      expect(file.meta).toEqual(SMALL.meta);
      expect(Buffer.from(file.read('records')).equals(joined(SMALL.sections[2].parts))).toBe(true);
    }
    using third = AnnFile.open(path);
    expect(third.meta).toEqual({ second: true });
  });

  it('has no section but its own', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    using file = AnnFile.open(path);
    expect(() => file.read('other')).toThrow(IndexFileError);
    expect(() => file.read('other')).toThrow(/a\.ann: has no section other: restore/);
  });
});

describe('a flipped bit', () => {
  /** Opens and checks everything, and gives back what was said. */
  function examine(path: string): AnnError | BrokenBlock[] {
    try {
      using file = AnnFile.open(path);
      return file.verify();
    } catch (error) {
      if (error instanceof AnnError) return error;
      throw error;
    }
  }

  async function flipper() {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    const fd = openSync(path, 'r+');
    const put = (byte: number, value: number) => writeSync(fd, Uint8Array.of(value), 0, 1, byte);
    const examineFlipped = (byte: number, bit: number) => {
      put(byte, bytes[byte] ^ (1 << bit));
      const found = examine(path);
      put(byte, bytes[byte]);
      return found;
    };
    return { path, bytes, examineFlipped, close: () => closeSync(fd) };
  }

  it('in any byte of the header is found when the file is opened', async () => {
    const { path, bytes, examineFlipped, close } = await flipper();
    const used = bytes.subarray(0, BLOCK_BYTES).findLastIndex((byte) => byte !== 0) + 10;
    expect(used).toBeGreaterThan(64 + 3 * 48);
    for (let byte = 0; byte < used; byte++) {
      const found = examineFlipped(byte, byte % 8);
      expect(found, `byte ${byte}`).toBeInstanceOf(IndexFileError);
      const says = byte < 8 ? 'is not an index that annlab saved' : 'its header is damaged';
      expect((found as Error).message).toContain(says);
    }
    expect(examine(path)).toEqual([]);
    close();
  });

  it('anywhere is found: in the header or the table when it is opened, in a section by verify, which says where', async () => {
    const { path, bytes, examineFlipped, close } = await flipper();
    using whole = AnnFile.open(path);
    const property = fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (at) => {
      const found = examineFlipped(at >>> 3, at & 7);
      const offset = Math.floor((at >>> 3) / BLOCK_BYTES) * BLOCK_BYTES;
      const section = whole.sections.find((each) => {
        return offset >= each.offset && offset < each.offset + each.blocks * BLOCK_BYTES;
      });
      if (section === undefined) {
        expect(found).toBeInstanceOf(IndexFileError);
        return;
      }
      const block = (offset - section.offset) / BLOCK_BYTES;
      const want = whole.sumsOf(section.name)[block];
      const spoiled = Uint8Array.from(bytes.subarray(offset, offset + BLOCK_BYTES));
      spoiled[(at >>> 3) - offset] ^= 1 << (at & 7);
      expect(found).toEqual([{ section: section.name, block, offset, want, got: crc32c(spoiled) }]);
    });
    fc.assert(property, seeded(400));
    expect(examine(path)).toEqual([]);
    close();
  });

  it('in a section that is read is an error that says where', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = Uint8Array.from(await writeSmall(path));
    using before = AnnFile.open(path);
    const { offset } = before.section('records');
    bytes[offset + BLOCK_BYTES + 5] ^= 4;
    writeFileSync(path, bytes);
    using file = AnnFile.open(path);
    const error = thrownBy(() => file.read('records'));
    expect(error).toBeInstanceOf(CorruptionError);
    expect(error).toMatchObject({ file: path, section: 'records', block: 1 });
    expect((error as Error).message).toContain(`byte ${offset + BLOCK_BYTES} of the file`);
    expect(file.read('state')).toEqual(before.read('state'));
  });

  it('in several blocks is found in each', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = Uint8Array.from(await writeSmall(path));
    using before = AnnFile.open(path);
    const spoiled = [before.section('state').offset, before.section('records').offset + 3 * BLOCK_BYTES];
    for (const offset of spoiled) bytes[offset] ^= 1;
    writeFileSync(path, bytes);
    using file = AnnFile.open(path);
    const progress: number[] = [];
    const broken = file.verify((done) => {
      progress.push(done);
      // What is read meanwhile does no harm.
      before.read('nothing');
      expect(() => before.read('state')).toThrow(CorruptionError);
    });
    expect(broken.map(({ offset }) => offset)).toEqual(spoiled);
    expect(progress).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('a file of another length', () => {
  it('is refused wherever it was cut off', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 64 }),
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.integer({ min: 0, max: bytes.length / BLOCK_BYTES - 1 }).map((blocks) => blocks * BLOCK_BYTES),
      fc.constant(bytes.length - 1),
    );
    const property = fc.property(lengths, (length) => {
      writeFileSync(path, bytes.subarray(0, length));
      const error = thrownBy(() => AnnFile.open(path));
      expect(error).toBeInstanceOf(IndexFileError);
      const says = length === 0 ? 'is empty' : length < 8 ? 'is not an index' : `has ${length} bytes`;
      expect((error as Error).message).toContain(says);
    });
    fc.assert(property, seeded(150));
  });

  it('is refused whatever was appended', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    const property = fc.property(fc.integer({ min: 1, max: 3 * BLOCK_BYTES }), (more) => {
      writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(more)]));
      expect(() => AnnFile.open(path)).toThrow(/its header says \d+: something was appended: restore/);
    });
    fc.assert(property, seeded(20));
  });

  it('that is cut while it is open says so instead of going on', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    using file = AnnFile.open(path);
    truncateSync(path, 2 * BLOCK_BYTES + 1);
    expect(() => file.verify()).toThrow(/ended at byte 131073 while it was read: let nobody write to it/);
    expect(() => file.read('records')).toThrow(IndexFileError);
  });
});

describe('a header that lies, with every checksum in order', () => {
  const HUGE = [2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n, 2n ** 40n];
  const section = (i: number) => 64 + 48 * i;

  const lies: [name: string, lie: (view: DataView, block: Uint8Array) => void, says: RegExp][] = [
    ...HUGE.flatMap((huge): typeof lies => [
      [`the file has ${huge} bytes`, (view) => view.setBigUint64(16, huge, true), /header says \d+: it was cut off/],
      [`a section has ${huge} bytes`, (view) => view.setBigUint64(section(2) + 40, huge, true), /records would have/],
      [`a section begins at ${huge}`, (view) => view.setBigUint64(section(2) + 32, huge, true), /would begin at/],
    ]),
    ...[4, 1000, 0xffffffff].map((n): (typeof lies)[number] => [
      `there are ${n} sections`,
      (view) => view.setUint32(28, n, true),
      /no proper name|no room for \d+ sections/,
    ]),
    ['there is one section less', (view) => view.setUint32(28, 2, true), /where nothing should be/],
    ...[0, 1, 70_000, 0xffffffff].map((n): (typeof lies)[number] => [
      `the metadata has ${n} bytes`,
      (view) => view.setUint32(32, n, true),
      /no room for|where nothing should be|no JSON object/,
    ]),
    ['a section is a block longer', (view) => longer(view, BLOCK_BYTES), /make a file of \d+ bytes/],
    ['a section is a block shorter', (view) => longer(view, -BLOCK_BYTES), /make a file of \d+ bytes/],
    ['a section begins where another does', (view) => begin(view, 2, BLOCK_BYTES), /records would begin at 65536/],
    ['a section begins in a block', (view) => begin(view, 2, 2 * BLOCK_BYTES + 8), /records would begin at 131080/],
    ['a section begins in the header', (view) => begin(view, 0, 0), /state would begin at 0/],
    ['two sections have one name', (_, block) => block.copyWithin(section(1), section(0), section(0) + 32), /one name/],
    ['a section has no name', (_, block) => block.fill(0, section(1), section(1) + 32), /section 1 has no proper name/],
    [
      'a name has a slash',
      (_, block) => block.fill(0x2f, section(1) + 2, section(1) + 3),
      /section 1 has no proper name/,
    ],
    [
      'a name goes on behind its end',
      (_, block) => block.fill(0x61, section(1) + 20, section(1) + 21),
      /section 1 has no proper name/,
    ],
    ['the header has something in its gap', (_, block) => block.fill(1, 50, 51), /where nothing should be/],
    ['the header has something at its end', (_, block) => block.fill(1, BLOCK_BYTES - 1), /where nothing should be/],
    ['the metadata is a list', (view, block) => meta(view, block, '[1]'), /no JSON object/],
    ['the metadata is null', (view, block) => meta(view, block, 'null'), /no JSON object/],
    ['the metadata is no JSON', (view, block) => meta(view, block, '{"a":'), /no JSON object/],
    [
      'the metadata is no UTF-8',
      (view, block) => meta(view, block, Buffer.from('7b2261223a22ff227d', 'hex')),
      /no JSON object/,
    ],
    ['the metadata is a deep hole', (view, block) => meta(view, block, '['.repeat(60_000)), /no JSON object/],
    ['the table has another sum', (view) => view.setUint32(24, 1, true), /table of checksums is damaged/],
  ];

  const longer = (view: DataView, by: number) => {
    view.setBigUint64(section(2) + 40, view.getBigUint64(section(2) + 40, true) + BigInt(by), true);
  };
  const begin = (view: DataView, i: number, at: number) => view.setBigUint64(section(i) + 32, BigInt(at), true);
  const meta = (view: DataView, block: Uint8Array, value: string | Uint8Array) => {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    block.fill(0, section(3));
    block.set(bytes, section(3));
    view.setUint32(32, bytes.length, true);
  };

  it.each(lies)('%s: is refused', async (_, lie, says) => {
    const path = join(temporaryFolder(), 'a.ann');
    forge(path, await writeSmall(path), lie);
    const error = thrownBy(() => AnnFile.open(path));
    expect(error).toBeInstanceOf(IndexFileError);
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).toContain('npm run annlab -- build');
  });

  it('about any number, is refused, or changes nothing that is read', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    using whole = AnnFile.open(path);
    const fields = fc.constantFrom(
      16,
      20,
      24,
      28,
      32,
      ...[0, 1, 2].flatMap((i) => [32, 36, 40, 44].map((at) => section(i) + at)),
    );
    const values = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 300_000 }));
    const property = fc.property(fields, values, (at, value) => {
      forge(path, bytes, (view) => view.setUint32(at, value, true));
      const error = thrownBy(() => {
        using file = AnnFile.open(path);
        // Of a section's length, only that is believed which leaves all blocks where they are.
        for (const [i, { blocks, offset }] of file.sections.entries()) {
          expect({ blocks, offset }).toEqual({ blocks: whole.sections[i].blocks, offset: whole.sections[i].offset });
        }
        expect(file.verify()).toEqual([]);
      });
      if (error !== undefined && !(error instanceof IndexFileError)) throw error;
    });
    fc.assert(property, seeded(400));
  });

  it('of another version is refused as that, with what to do', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    for (const version of [0, 2, 7, 0xffffffff]) {
      forge(path, bytes, (view, block) => {
        view.setUint32(8, version, true);
        block.fill(0x5a, 64, 300);
      });
      const error = thrownBy(() => AnnFile.open(path));
      expect(error).toBeInstanceOf(FormatVersionError);
      expect(error).toMatchObject({ got: version, reads: FORMAT_VERSION });
      expect((error as Error).message).toContain(
        `is of format version ${version}, this annlab reads 1: rebuild it with`,
      );
    }
  });
});

describe('what is no saved index', () => {
  it('is refused, and says what it is', () => {
    const folder = temporaryFolder();
    const at = (name: string) => join(folder, name);
    mkdirSync(at('folder'));
    writeFileSync(at('empty'), '');
    writeFileSync(at('text'), 'not ours\n'.repeat(20_000));
    writeFileSync(at('zeros'), Buffer.alloc(3 * BLOCK_BYTES));
    symlinkSync('nowhere', at('link'));
    const cases: [name: string, says: RegExp][] = [
      ['missing', /missing: there is no such file: look at the path/],
      ['text/inside', /there is no such file/],
      ['link', /there is no such file/],
      ['folder', /folder: is a directory: name a file that annlab saved/],
      ['empty', /empty: is empty: restore/],
      ['text', /text: is not an index that annlab saved/],
      ['zeros', /zeros: is not an index that annlab saved/],
    ];
    for (const [name, says] of cases) {
      const error = thrownBy(() => AnnFile.open(at(name)));
      expect(error, name).toBeInstanceOf(IndexFileError);
      expect(error).toMatchObject({ file: at(name), code: 'INDEX_FILE' });
      expect((error as Error).message).toMatch(says);
    }
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe, nor read a device', () => {
    const pipe = join(temporaryFolder(), 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    for (const path of [pipe, '/dev/zero']) {
      expect(() => AnnFile.open(path)).toThrow(/is no regular file: name a file that annlab saved/);
    }
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('may not be read', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    chmodSync(path, 0);
    expect(() => AnnFile.open(path)).toThrow(/may not be read \(EACCES\): give this user permission/);
  });

  it.skipIf(process.platform !== 'linux')('leaves no file open behind it', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const bytes = await writeSmall(path);
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      writeFileSync(path, bytes);
      AnnFile.open(path).close();
      forge(path, bytes, (view) => view.setUint32(24, i, true));
      expect(() => AnnFile.open(path)).toThrow(IndexFileError);
      expect(() => AnnFile.open(join(path, '..'))).toThrow(IndexFileError);
    }
    expect(openFiles()).toBe(before);
  });
});
