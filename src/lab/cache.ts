/**
 * Files that are made once and kept, in folders that are made for them: each whole or not there, and with its checksum in a file
 * of its own (`.sha256`, which `sha256sum -c` reads).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ChecksumError } from '../core/errors.ts';
import * as storage from '../storage/atomic-write.ts';

/** The calls through which the cache writes. Tests bring their own, to fill a disk without filling one. */
export interface FileSystem extends storage.FileSystem {
  mkdir(path: string, options: { recursive: true }): Promise<unknown>;
}

export const nodeFileSystem: FileSystem = { ...storage.nodeFileSystem, mkdir };

export interface WriteOptions {
  fileSystem?: FileSystem;
  /** What an error advises. Default: to name another folder in ANNLAB_CACHE. */
  elsewhere?: string;
  /** Called with what was written before it gets its name; what it throws takes the file away again. */
  check?: (written: Written) => void;
}

export interface Written {
  sha256: string;
  bytes: number;
}

/** Writes a whole file or none. A disk that is full or read-only is an `OutputError`. */
export async function writeWhole(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { fileSystem = nodeFileSystem, elsewhere = 'name another folder in ANNLAB_CACHE', check }: WriteOptions = {},
): Promise<Written> {
  await storage.orOutputError(path, fileSystem.mkdir(dirname(path), { recursive: true }), elsewhere);
  const hash = createHash('sha256');
  const written = { sha256: '', bytes: 0 };
  const write = async (writeAt: storage.WriteAt) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      await writeAt(chunk, written.bytes);
      written.bytes += chunk.length;
    }
    written.sha256 = hash.digest('hex');
    check?.(written);
  };
  await storage.writeAtomically(path, write, { fileSystem, elsewhere });
  return written;
}

/** The same, with the checksum beside it. */
export async function writeKept(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: Omit<WriteOptions, 'elsewhere'> = {},
): Promise<Written> {
  const written = await writeWhole(path, chunks, options);
  await keepChecksum(path, written.sha256, options.fileSystem);
  return written;
}

/** Writes down the checksum of a file, beside it. */
export async function keepChecksum(path: string, sha256: string, fileSystem?: FileSystem): Promise<void> {
  const line = Buffer.from(`${sha256}  ${basename(path)}\n`);
  await writeWhole(checksumPath(path), [line], fileSystem && { fileSystem });
}

/** The checksum that was kept of a file, or undefined where none was or it cannot be read. */
export async function keptChecksum(path: string): Promise<string | undefined> {
  const text = await readFile(checksumPath(path), 'utf8').catch(() => '');
  return /^([0-9a-f]{64}) {2}/.exec(text)?.[1];
}

/** Throws `ChecksumError` unless the file has the checksum wanted. */
export async function verify(
  path: string,
  want: string,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const got = await sha256Of(path, onProgress);
  if (got !== want) throw new ChecksumError({ file: path, want, got });
}

export async function sha256Of(path: string, onProgress?: (done: number, total: number) => void): Promise<string> {
  const hash = createHash('sha256');
  const { size } = await stat(path);
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) {
    hash.update(chunk as Buffer);
    done += (chunk as Buffer).length;
    onProgress?.(done, size);
  }
  return hash.digest('hex');
}

const checksumPath = (path: string): string => `${path}.sha256`;
