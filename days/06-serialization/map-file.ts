/** A file as memory, by the system's mmap: nothing is read until a page of it is touched, and what is touched stays the system's. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import koffi from 'koffi';

/** PROT_READ and MAP_PRIVATE: the same numbers on Linux and macOS. */
const READ = 1;
const PRIVATE = 2;

type Mmap = (at: number, bytes: number, protection: number, flags: number, file: number, offset: number) => number;
let mmap: Mmap | undefined;

/** Whether this system has mmap; Windows has something else. */
export const canMap = process.platform !== 'win32';

/**
 * The bytes of a file, not read. They must not be written to. The file may be replaced by a rename, and the bytes stay those of the
 * old one; one that is cut short while it is mapped ends the process (SIGBUS). Mapped for as long as the process lives.
 */
export function mapFile(path: string): Uint8Array {
  mmap ??= koffi
    .load(null)
    .func('intptr_t mmap(intptr_t at, size_t bytes, int protection, int flags, int file, int64_t offset)') as Mmap;
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    // mmap refuses to map nothing.
    if (size === 0) return new Uint8Array(0);
    const address = mmap(0, size, READ, PRIVATE, file, 0);
    if (address === -1) throw new Error(`${path}: the system refuses to map ${size} bytes`);
    return new Uint8Array(koffi.view(address, size));
  } finally {
    // A mapping keeps its file by itself.
    closeSync(file);
  }
}
