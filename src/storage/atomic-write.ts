/**
 * A file that is there whole or not at all. It is written beside its place under a name of its own, synced, and then renamed,
 * which replaces what was there in one step; and the folder is synced, so that the new name outlives a power cut. Whatever
 * happens before, the old file is what it was; a process that is killed leaves a file that ends in `.tmp`, and the next one
 * to write to the same place takes it away.
 */
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { OutputError } from '../core/errors.ts';

/** The calls that write. Tests bring their own, to fill a disk without filling one. */
export interface FileSystem {
  open(path: string, flags: string): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: true }): Promise<void>;
}

/** A file as node:fs/promises opens it. */
export interface WritableFile {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const nodeFileSystem: FileSystem = { open, rename, rm };

/** Puts all of `bytes` at `position` of the file. */
export type WriteAt = (bytes: Uint8Array, position: number) => Promise<void>;

export interface AtomicWriteOptions {
  fileSystem?: FileSystem;
  /** What an error advises: to name another place, and how. */
  elsewhere?: string;
}

/**
 * Replaces the file at `path`, or the one that a link there leads to, by what `write` writes. Throws OutputError where the system
 * refuses, and whatever `write` throws; then nothing has changed.
 */
export async function writeAtomically(
  path: string,
  write: (writeAt: WriteAt) => Promise<void>,
  { fileSystem = nodeFileSystem, elsewhere = ELSEWHERE }: AtomicWriteOptions = {},
): Promise<void> {
  const orError = <T>(writing: Promise<T>) => orOutputError(path, writing, elsewhere);
  const target = await targetOf(path);
  const folder = dirname(target);
  await removeAbandoned(target, fileSystem);
  const { temporary, file } = await orError(openBeside(target, fileSystem));
  try {
    try {
      await write(async (bytes, position) => {
        for (let done = 0; done < bytes.length; ) {
          const writing = file.write(bytes, done, bytes.length - done, position + done);
          done += (await orError(writing)).bytesWritten;
        }
      });
      await orError(file.sync());
    } finally {
      await file.close();
    }
    await orError(fileSystem.rename(temporary, target));
  } catch (error) {
    await fileSystem.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await orError(syncFolder(folder, fileSystem));
}

/** What is to be replaced: the path itself, or where a link leads. Only a regular file may be replaced. Throws OutputError. */
export async function targetOf(path: string): Promise<string> {
  // What cannot be looked at now cannot be written to either, and that says more.
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => undefined);
  if (there !== undefined && !there.isFile()) {
    const what = there.isDirectory() ? 'is a directory' : 'is no regular file';
    throw new OutputError(path, `cannot be written: it ${what}`, 'name a file');
  }
  return target;
}

/** A new file beside the target. Threads of a process and processes of a machine have names of their own. */
async function openBeside(target: string, fileSystem: FileSystem) {
  for (;;) {
    const temporary = `${target}.${MACHINE}-${process.pid}-${threadId}-${opened++}.tmp`;
    try {
      return { temporary, file: await fileSystem.open(temporary, 'wx') };
    } catch (error) {
      // Left by a process of this number that is gone.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** How many files this thread has begun. */
let opened = 0;

/** Whose process numbers these are: of this host, or of a container on it. */
const MACHINE = createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 8);

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/**
 * Takes away what was begun beside the target and is not being written any more: by a process of this machine that is gone, or
 * by anyone where nothing was written for an hour.
 */
async function removeAbandoned(target: string, fileSystem: FileSystem): Promise<void> {
  const folder = dirname(target);
  for (const name of await readdir(folder).catch(() => [])) {
    const begun = name.startsWith(`${basename(target)}.`)
      ? /^([0-9a-f]{8})-(\d+)-\d+-\d+\.tmp$/.exec(name.slice(basename(target).length + 1))
      : null;
    if (begun === null) continue;
    const temporary = join(folder, name);
    const gone = begun[1] === MACHINE && !isRunning(Number(begun[2]));
    if (gone || (await untouchedMs(temporary)) > ABANDONED_MS) {
      await fileSystem.rm(temporary, { force: true }).catch(() => {});
    }
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

async function untouchedMs(path: string): Promise<number> {
  const there = await stat(path).catch(() => undefined);
  return there === undefined ? 0 : Date.now() - there.mtimeMs;
}

/** Makes a name last. Windows opens no folders, and some file systems cannot sync one: there it lasts as it can. */
async function syncFolder(path: string, fileSystem: FileSystem): Promise<void> {
  const folder = await fileSystem.open(path, 'r').catch(() => undefined);
  if (folder === undefined) return;
  try {
    await folder.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await folder.close();
  }
}

/** What the system refuses becomes an OutputError. */
export async function orOutputError<T>(path: string, writing: Promise<T>, elsewhere = ELSEWHERE): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [what, mend] = causes(elsewhere)[code ?? ''] ?? [`(${code ?? message})`, elsewhere];
    throw new OutputError(path, `cannot be written: ${what}`, mend, { cause: error });
  }
}

const ELSEWHERE = 'name another place';

/** What is wrong, and how to mend it. */
function causes(elsewhere: string): Record<string, [what: string, mend: string] | undefined> {
  return {
    ENOENT: ['its folder does not exist (ENOENT)', 'make the folder first'],
    ENOTDIR: ['its folder is a file (ENOTDIR)', elsewhere],
    ENOSPC: ['the disk is full (ENOSPC)', `make room, or ${elsewhere}`],
    EDQUOT: ['your quota is used up (EDQUOT)', `make room, or ${elsewhere}`],
    EFBIG: [
      'the file would be larger than this system or your limit allows (EFBIG)',
      `raise it (ulimit -f), or ${elsewhere}`,
    ],
    EROFS: ['the disk is read-only (EROFS)', elsewhere],
    EACCES: ['no permission (EACCES)', elsewhere],
    EPERM: ['no permission (EPERM)', elsewhere],
    EIO: ['the disk fails (EIO)', elsewhere],
  };
}
