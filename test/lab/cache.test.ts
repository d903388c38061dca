import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ChecksumError, OutputError } from '../../src/core/errors.ts';
import { keepChecksum, keptChecksum, sha256Of, verify, writeKept, writeWhole } from '../../src/lab/cache.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { failingDisk } from './full-disk.ts';

const CHUNKS = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)];
const SHA256 = createHash('sha256')
  .update(Uint8Array.of(1, 2, 3, 4))
  .digest('hex');

test('a file is written whole, in folders that are made for it, and its checksum beside it', async () => {
  const folder = join(temporaryFolder(), 'a', 'b');
  const path = join(folder, 'x.bin');
  expect(await writeKept(path, CHUNKS)).toEqual({ sha256: SHA256, bytes: 4 });
  expect(readFileSync(path)).toEqual(Buffer.of(1, 2, 3, 4));
  expect(readdirSync(folder).sort()).toEqual(['x.bin', 'x.bin.sha256']);
  expect(await keptChecksum(path)).toBe(SHA256);
  expect(await sha256Of(path)).toBe(SHA256);
  await verify(path, SHA256);
});

test('the checksum is one that sha256sum reads', async () => {
  const folder = temporaryFolder();
  await writeKept(join(folder, 'x.bin'), CHUNKS);
  expect(readFileSync(join(folder, 'x.bin.sha256'), 'utf8')).toBe(`${SHA256}  x.bin\n`);
});

test('a changed file is a ChecksumError that names it', async () => {
  const path = join(temporaryFolder(), 'x.bin');
  await writeKept(path, CHUNKS);
  writeFileSync(path, 'other');
  await expect(verify(path, SHA256)).rejects.toThrow(ChecksumError);
  await expect(verify(path, SHA256)).rejects.toThrow(path);
});

test('no checksum was kept, or one that is no checksum', async () => {
  const path = join(temporaryFolder(), 'x.bin');
  expect(await keptChecksum(path)).toBeUndefined();
  writeFileSync(`${path}.sha256`, 'what?');
  expect(await keptChecksum(path)).toBeUndefined();
  await keepChecksum(path, SHA256);
  expect(await keptChecksum(path)).toBe(SHA256);
});

describe('when writing fails, what was there stays, and nothing else is left', () => {
  async function* breaking(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(9);
    throw new Error('the source broke off');
  }

  test.each<[string, () => [Parameters<typeof writeWhole>[1], Parameters<typeof writeWhole>[2]], RegExp]>([
    [
      'the disk is full at once',
      () => [CHUNKS, { fileSystem: failingDisk() }],
      /the disk is full \(ENOSPC\): make room/,
    ],
    ['the disk fills up', () => [CHUNKS, { fileSystem: failingDisk({ roomBytes: 2 }) }], /the disk is full/],
    ['syncing fails', () => [CHUNKS, { fileSystem: failingDisk({ at: 'sync', code: 'EIO' }) }], /\(EIO\)/],
    ['renaming fails', () => [CHUNKS, { fileSystem: failingDisk({ at: 'rename', code: 'EACCES' }) }], /no permission/],
    ['quota', () => [CHUNKS, { fileSystem: failingDisk({ at: 'open', code: 'EDQUOT' }) }], /quota/],
    ['read-only', () => [CHUNKS, { fileSystem: failingDisk({ at: 'mkdir', code: 'EROFS' }) }], /read-only \(EROFS\)/],
    ['the source', () => [breaking(), {}], /the source broke off/],
    [
      'the check',
      () => [
        CHUNKS,
        {
          check: () => {
            throw new Error('not wanted');
          },
        },
      ],
      /not wanted/,
    ],
  ])('%s', async (_, make, says) => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.bin');
    writeFileSync(path, 'before');
    const [chunks, options] = make();
    await expect(writeWhole(path, chunks, options)).rejects.toThrow(says);
    expect(readdirSync(folder)).toEqual([basename(path)]);
    expect(readFileSync(path, 'utf8')).toBe('before');
  });

  test('a disk that fails is an OutputError that says where else to go', async () => {
    const writing = writeWhole(join(temporaryFolder(), 'x'), CHUNKS, { fileSystem: failingDisk() });
    await expect(writing).rejects.toThrow(OutputError);
    await expect(writing).rejects.toThrow(/ANNLAB_CACHE/);
  });

  test('a file stands where a folder should', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), '');
    await expect(writeWhole(join(folder, 'a', 'x'), CHUNKS)).rejects.toThrow(OutputError);
  });
});
