import { closeSync, constants, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { IndexFileError } from '../../src/core/errors.ts';
import { instantiate } from '../../src/kernels/wasm.ts';
import { AnnFile, type LoadMode } from '../../src/storage/ann-file.ts';
import { BLOCK_BYTES, encodeHeader, layOut } from '../../src/storage/ann-format.ts';
import { canMap, mapIntoMemory } from '../../src/storage/mapping.ts';
import { writeAnnFile } from '../../src/storage/write-ann-file.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { randomBytes, SMALL, sectionsOf, shapes, writeSmall } from './ann-files.ts';

const MAPS = canMap();
const MODES: LoadMode[] = MAPS ? ['map', 'read'] : ['read'];

afterEach(() => {
  vi.unstubAllEnvs();
});

function memoryOf(pages: number): { memory: WebAssembly.Memory; bytes: Buffer } {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { memory, bytes: Buffer.from(memory.buffer) };
}

/** SMALL's largest section, 3 blocks and a bit, in a memory with a page free before and behind. */
async function loaded(mode: LoadMode) {
  const path = join(temporaryFolder(), 'a.ann');
  await writeSmall(path);
  const file = AnnFile.open(path);
  const { memory, bytes } = memoryOf(6);
  const how = file.load('records', { memory, at: BLOCK_BYTES, roomBytes: 4 * BLOCK_BYTES }, mode);
  expect(how).toBe(mode);
  const content = Buffer.concat(SMALL.sections[2].parts);
  const section = () => bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + content.length);
  return { path, file, memory, bytes, content, section };
}

describe.each(MODES)('a section brought into memory by way of "%s"', (mode) => {
  it('is there, its blocks have their sums, and all around it is as it was', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const rooms = fc.integer({ min: 0, max: 2 });
    const property = fc.asyncProperty(shapes, rooms, rooms, async (shape, before, spare) => {
      const sections = sectionsOf(shape);
      await writeAnnFile(path, { meta: {}, sections });
      using file = AnnFile.open(path);
      for (const { name, parts } of sections) {
        const { blocks } = file.section(name);
        const { memory, bytes } = memoryOf(before + blocks + spare + 1);
        bytes.fill(0x5a, 0, before * BLOCK_BYTES);
        bytes.fill(0x5a, (before + blocks + spare) * BLOCK_BYTES);
        const roomBytes = (blocks + spare) * BLOCK_BYTES;
        expect(file.load(name, { memory, at: before * BLOCK_BYTES, roomBytes }, mode)).toBe(mode);
        const room = bytes.subarray(before * BLOCK_BYTES, before * BLOCK_BYTES + roomBytes);
        const content = Buffer.concat(parts);
        expect(room.subarray(0, content.length).equals(content)).toBe(true);
        expect(room.subarray(content.length).every((byte) => byte === 0)).toBe(true);
        for (const [i, sum] of file.sumsOf(name).entries()) {
          expect(crc32c(room.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES))).toBe(sum);
        }
        const around = [bytes.subarray(0, before * BLOCK_BYTES), bytes.subarray(before * BLOCK_BYTES + roomBytes)];
        for (const neighbour of around) expect(neighbour.every((byte) => byte === 0x5a)).toBe(true);
      }
    });
    await fc.assert(property, { seed: 20_160_328, numRuns: 30 });
  });

  it('is what kernels see, those of other threads too', async () => {
    const { file, memory, content, section } = await loaded(mode);
    using _ = file;
    const kernels = instantiate(memory);
    kernels.configureCrc32c(64);
    expect(kernels.crc32c(BLOCK_BYTES, content.length, 0) >>> 0).toBe(crc32c(content));
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const bytes = Buffer.from(workerData.buffer);
      parentPort.postMessage(bytes.subarray(65536, 65536 + 200017).toString('latin1'));
      bytes[65536 + 70000] = 77;`;
    const worker = new Worker(code, { eval: true, workerData: memory });
    const seen = await new Promise<string>((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => worker.once('exit', resolve));
    expect(Buffer.from(seen, 'latin1').equals(content)).toBe(true);
    expect(section()[70_000]).toBe(77);
  });

  it('can be written to, and the file stays as it is, for those who have it open too', async () => {
    const { path, file, bytes, content, section } = await loaded(mode);
    using _ = file;
    const stored = readFileSync(path);
    const other = memoryOf(6);
    file.load('records', { memory: other.memory, at: BLOCK_BYTES, roomBytes: 4 * BLOCK_BYTES }, mode);
    for (let at = 0; at < content.length; at += 1000) section()[at] ^= 0xff;
    // Behind the end of the section too: there it grows.
    bytes[BLOCK_BYTES + content.length] = 1;
    expect(readFileSync(path).equals(stored)).toBe(true);
    expect(file.verify()).toEqual([]);
    expect(other.bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + content.length).equals(content)).toBe(true);
    expect(section().equals(content)).toBe(false);
  });

  it('stays when the file is closed, replaced or gone', async () => {
    const { path, file, content, section } = await loaded(mode);
    file.close();
    file.close();
    await writeAnnFile(path, { meta: {}, sections: [{ name: 'records', parts: [new Uint8Array(200_017)] }] });
    expect(section().equals(content)).toBe(true);
    rmSync(path);
    expect(section().equals(content)).toBe(true);
    expect(() => file.read('records')).toThrow('internal error');
  });

  it('does not bring the filling, whatever it is', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    const stored = Uint8Array.from(await writeSmall(path));
    {
      using file = AnnFile.open(path);
      const { offset, bytes, blocks } = file.section('records');
      stored.fill(0xee, offset + bytes, offset + blocks * BLOCK_BYTES);
    }
    writeFileSync(path, stored);
    using file = AnnFile.open(path);
    const { memory, bytes } = memoryOf(5);
    file.load('records', { memory, at: 0, roomBytes: 4 * BLOCK_BYTES }, mode);
    expect(bytes.subarray(200_017).every((byte) => byte === 0)).toBe(true);
  });

  it('that is larger than was expected is refused before anything is touched', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    using file = AnnFile.open(path);
    const { memory, bytes } = memoryOf(6);
    const load = (roomBytes: number) => file.load('records', { memory, at: BLOCK_BYTES, roomBytes }, mode);
    expect(() => load(3 * BLOCK_BYTES)).toThrow(IndexFileError);
    expect(() => load(3 * BLOCK_BYTES)).toThrow(/section records has 200017 bytes, and 196608 were expected/);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('goes only to whole pages within the memory', async () => {
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    using file = AnnFile.open(path);
    const { memory, bytes } = memoryOf(6);
    for (const at of [1, 4096, -BLOCK_BYTES, 3 * BLOCK_BYTES, 2 ** 32]) {
      expect(() => file.load('records', { memory, at, roomBytes: 4 * BLOCK_BYTES }, mode)).toThrow('internal error');
    }
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('mapping', () => {
  it('is not tried where ANNLAB_MAP=0 says so, and sections are read', async () => {
    vi.stubEnv('ANNLAB_MAP', '0');
    expect(canMap()).toBe(false);
    const path = join(temporaryFolder(), 'a.ann');
    await writeSmall(path);
    using file = AnnFile.open(path);
    const { memory, bytes } = memoryOf(4);
    expect(file.load('records', { memory, at: 0, roomBytes: 4 * BLOCK_BYTES })).toBe('read');
    expect(bytes.subarray(0, 200_000).equals(SMALL.sections[2].parts[0])).toBe(true);
  });

  it('is given up where the foreign function library does not load', async () => {
    const { cache, resolve } = createRequire(import.meta.url);
    const library = resolve('koffi');
    const before = cache[library];
    const broken = {
      get exports(): never {
        throw new Error('no binary for this system');
      },
    };
    cache[library] = broken as unknown as NodeJS.Module;
    try {
      vi.resetModules();
      const fresh = await import('../../src/storage/mapping.ts');
      expect(fresh.canMap()).toBe(false);
    } finally {
      if (before) cache[library] = before;
      else delete cache[library];
    }
  });

  it('works on Linux, and is tried nowhere else', () => {
    expect(MAPS).toBe(process.platform === 'linux' && process.env.ANNLAB_MAP !== '0');
  });

  it.skipIf(!MAPS)('of a file that the system cannot map leaves fresh memory', () => {
    // What /proc shows is made up when it is read.
    const fd = openSync('/proc/self/maps', 'r');
    const { memory, bytes } = memoryOf(4);
    bytes.fill(0x5a);
    expect(mapIntoMemory({ fd, offset: 0, bytes: 2 * BLOCK_BYTES, memory, at: BLOCK_BYTES })).toBe(false);
    closeSync(fd);
    const middle = bytes.subarray(BLOCK_BYTES, 3 * BLOCK_BYTES);
    expect(middle.every((byte) => byte === 0)).toBe(true);
    middle.fill(1);
    const neighbours = [bytes.subarray(0, BLOCK_BYTES), bytes.subarray(3 * BLOCK_BYTES)];
    for (const neighbour of neighbours) expect(neighbour.every((byte) => byte === 0x5a)).toBe(true);
  });

  it.skipIf(!MAPS)('is refused anywhere but on whole pages of the memory', () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, randomBytes(4 * BLOCK_BYTES, 'file'));
    const fd = openSync(path, 'r');
    const { memory, bytes } = memoryOf(4);
    const right = { fd, offset: 0, bytes: 2 * BLOCK_BYTES, memory, at: BLOCK_BYTES };
    for (const wrong of [
      { at: 4096 },
      { at: -BLOCK_BYTES },
      { at: 3 * BLOCK_BYTES },
      { at: 2 ** 53 },
      { at: Number.NaN },
      { offset: 4096 },
      { offset: -BLOCK_BYTES },
      { bytes: BLOCK_BYTES + 1 },
      { bytes: -BLOCK_BYTES },
      { bytes: 5 * BLOCK_BYTES },
      { bytes: Number.POSITIVE_INFINITY },
    ]) {
      expect(() => mapIntoMemory({ ...right, ...wrong }), JSON.stringify(wrong)).toThrow('internal error');
    }
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(mapIntoMemory({ ...right, bytes: 0 })).toBe(true);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(mapIntoMemory(right)).toBe(true);
    closeSync(fd);
    expect(bytes.subarray(BLOCK_BYTES, 3 * BLOCK_BYTES).equals(readFileSync(path).subarray(0, 2 * BLOCK_BYTES))).toBe(
      true,
    );
  });

  it.skipIf(!MAPS)('a gigabyte takes two blocks of reading and no memory', () => {
    const path = join(temporaryFolder(), 'large.ann');
    const blocks = 2 ** 14;
    writeZeros(path, blocks);
    const { memory, bytes } = memoryOf(blocks + 1);
    // Whatever is loaded on first use is no part of it.
    AnnFile.open(path).close();
    const [readBefore, residentBefore] = [bytesRead(), process.memoryUsage.rss()];
    using file = AnnFile.open(path);
    const at = BLOCK_BYTES;
    expect(file.load('zeros', { memory, at, roomBytes: blocks * BLOCK_BYTES })).toBe('map');
    expect(bytesRead() - readBefore).toBeLessThan(3 * BLOCK_BYTES);
    expect(process.memoryUsage.rss() - residentBefore).toBeLessThan(2 ** 26);
    expect(bytes[at + blocks * BLOCK_BYTES - 1]).toBe(0);
    expect(bytes.length).toBe((blocks + 1) * BLOCK_BYTES);
  });
});

/** A file with one section of so many blocks of zeros, which take no room on disk. */
function writeZeros(path: string, blocks: number): void {
  const layout = layOut([{ name: 'zeros', bytes: blocks * BLOCK_BYTES }]);
  const sums = new Uint32Array(layout.table.bytes / 4).fill(crc32c(new Uint8Array(BLOCK_BYTES)), 0, blocks);
  const table = new Uint8Array(sums.buffer);
  const fd = openSync(path, constants.O_CREAT | constants.O_RDWR);
  ftruncateSync(fd, layout.fileBytes);
  writeSync(fd, encodeHeader({ ...layout, meta: {}, tableSum: crc32c(table) }, crc32c), 0, BLOCK_BYTES, 0);
  writeSync(fd, table, 0, table.length, layout.table.offset);
  closeSync(fd);
}

/** Bytes that this process has asked the system for, from any file. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
