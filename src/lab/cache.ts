/**
 * Files that are made once and kept: written beside their place, synced, then moved there, so that a reader never meets
 * half a file whatever happens; and each with its checksum in a file of its own (`.sha256`, which `sha256sum -c` reads).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ChecksumError, OutputError } from '../core/errors.ts';

/** The calls through which the cache writes. Tests bring their own, to fill a disk without filling one. */
export interface FileSystem {
  mkdir(path: string, options: { recursive: true }): Promise<unknown>;
  open(path: string, flags: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: true }): Promise<void>;
}

export interface WritableFile {
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFileSystem: FileSystem = { mkdir, open, rename, rm };

export interface WriteOptions {
  fileSystem?: FileSystem;
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
  { fileSystem = nodeFileSystem, check }: WriteOptions = {},
): Promise<Written> {
  const folder = dirname(path);
  const temporary = `${path}.${process.pid}-${parts++}.part`;
  await orOutputError(path, fileSystem.mkdir(folder, { recursive: true }));
  await removeAbandoned(path, fileSystem);
  const file = await orOutputError(path, fileSystem.open(temporary, 'w'));
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        await orOutputError(path, writeAll(file, chunk));
      }
      // Synced before it gets its name: after a power cut, what has the name is whole.
      await orOutputError(path, file.sync());
    } finally {
      await file.close();
    }
    const written = { sha256: hash.digest('hex'), bytes };
    check?.(written);
    await orOutputError(path, fileSystem.rename(temporary, path));
    await syncFolder(folder, fileSystem);
    return written;
  } catch (error) {
    await fileSystem.rm(temporary, { force: true });
    throw error;
  }
}

/** How many files this process has begun. */
let parts = 0;

/** Takes away what processes that no longer run have left of this file. */
async function removeAbandoned(path: string, fileSystem: FileSystem): Promise<void> {
  const folder = dirname(path);
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = name.startsWith(`${basename(path)}.`) && /\.(\d+)-\d+\.part$/.exec(name)?.[1];
    if (!pid || isRunning(Number(pid))) continue;
    // The process may run on another machine that shares the folder: then the file is fresh.
    const part = join(folder, name);
    const { mtimeMs } = await stat(part).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > ABANDONED_MS) await fileSystem.rm(part, { force: true }).catch(() => {});
  }
}

const ABANDONED_MS = 3_600_000;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The same, with the checksum beside it. */
export async function writeKept(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
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

async function writeAll(file: WritableFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes.subarray(done));
    done += bytesWritten;
  }
}

/** Makes the new name itself last. Where a folder cannot be opened (Windows), the system does without. */
async function syncFolder(path: string, fileSystem: FileSystem): Promise<void> {
  const folder = await fileSystem.open(path, 'r').catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => {});
  await folder.close();
}

async function orOutputError<T>(path: string, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [what, mend] = CAUSES[code ?? ''] ?? [`cannot be written (${code ?? message})`, ELSEWHERE];
    throw new OutputError(path, what, mend, { cause: error });
  }
}

const ELSEWHERE = 'name another folder in ANNLAB_CACHE';

const CAUSES: Record<string, [what: string, mend: string] | undefined> = {
  ENOSPC: ['cannot be written: the disk is full (ENOSPC)', `make room, or ${ELSEWHERE}`],
  EDQUOT: ['cannot be written: your quota is used up (EDQUOT)', `make room, or ${ELSEWHERE}`],
  EROFS: ['cannot be written: the disk is read-only (EROFS)', ELSEWHERE],
  EACCES: ['cannot be written: no permission (EACCES)', ELSEWHERE],
  EPERM: ['cannot be written: no permission (EPERM)', ELSEWHERE],
};
