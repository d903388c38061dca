/**
 * AnnFile: an `*.ann` file (the format: `ann-format.ts`) that is open for reading. Opening reads the header and the table of
 * checksums and believes neither before both are checked; sections are mapped or read to where they are wanted, unchecked, or
 * read and checked, or checked all.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { assert } from '../core/assert.ts';
import { CorruptionError, IndexFileError } from '../core/errors.ts';
import { BlockBuffer } from '../kernels/block-buffer.ts';
import { BLOCK_BYTES, blocksOf, decodeHeader, type Header, NAME_ANOTHER, RESTORE, type Section } from './ann-format.ts';
import { canMap, mapIntoMemory } from './mapping.ts';

/** A piece of a memory, from one of its pages of 64 KiB on, that nobody has written to yet. */
export interface Place {
  memory: WebAssembly.Memory;
  at: number;
  roomBytes: number;
  /** Which piece of the section: so many bytes behind the first `from`. Default: all of it. */
  from?: number;
  bytes?: number;
}

/** Whether a section's bytes come from the page cache when they are touched, or were copied at once. */
export type LoadMode = 'map' | 'read';

/** A block that does not have the checksum it was saved with; CorruptionError says it in a sentence. */
export interface BrokenBlock {
  section: string;
  /** Which of the section's blocks, from 0. */
  block: number;
  /** Where in the file it begins. */
  offset: number;
  want: number;
  got: number;
}

export class AnnFile {
  readonly path: string;
  readonly #fd: number;
  readonly #header: Header;
  readonly #sums: Uint32Array;
  #open = true;

  /**
   * Throws IndexFileError where there is no file, no regular one, none of ours, or one that is cut off or damaged in its header
   * or table; FormatVersionError where another version wrote it. Takes nothing from the sections, however many there are.
   */
  static open(path: string): AnnFile {
    const { fd, fileBytes } = openRegular(path);
    try {
      const header = readHeader(fd, path, fileBytes);
      return new AnnFile(path, fd, header, readTable(fd, path, header));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  private constructor(path: string, fd: number, header: Header, sums: Uint32Array) {
    this.path = path;
    this.#fd = fd;
    this.#header = header;
    this.#sums = sums;
  }

  /** What the index's owner wrote down; not looked at here. */
  get meta(): Readonly<Record<string, unknown>> {
    return this.#header.meta;
  }

  get sections(): readonly Section[] {
    return this.#header.sections;
  }

  get bytes(): number {
    return this.#header.fileBytes;
  }

  /** Blocks of all sections. */
  get blocks(): number {
    return this.#header.blocks;
  }

  /** Throws IndexFileError where there is none of that name. */
  section(name: string): Section {
    const section = this.sections.find((each) => each.name === name);
    if (section === undefined) throw new IndexFileError(this.path, `has no section ${name}`, RESTORE);
    return section;
  }

  /** CRC-32C of each of a section's blocks. */
  sumsOf(name: string): Uint32Array {
    const { firstBlock, blocks } = this.section(name);
    return this.#sums.subarray(firstBlock, firstBlock + blocks);
  }

  /**
   * Brings a section to its place, unchecked, by mapping it where that is wanted and works here, otherwise by reading; says
   * which. Its last block is read in either case, without the filling: memory behind the section stays zero. Throws
   * IndexFileError where the place is too small for the section's blocks. Or a piece of a section: `bytes` of it behind the first
   * `from`, which are whole blocks.
   */
  load(name: string, { memory, at, roomBytes, from: begin = 0, ...place }: Place, mode: LoadMode = 'map'): LoadMode {
    assert(this.#open, 'the file is open');
    const section = this.section(name);
    const { bytes = section.bytes } = place;
    const offset = section.offset + begin;
    if (begin + bytes > section.bytes || blocksOf(bytes) * BLOCK_BYTES > roomBytes) {
      throw new IndexFileError(
        this.path,
        `section ${name} has ${section.bytes} bytes, and ${begin + roomBytes} were expected`,
        RESTORE,
      );
    }
    assert(begin % BLOCK_BYTES === 0, 'a piece begins with a block');
    assert(at >= 0 && at % BLOCK_BYTES === 0, 'a place begins with a page');
    assert(at + roomBytes <= memory.buffer.byteLength, 'a place is within its memory');
    const wholeBytes = bytes - (bytes % BLOCK_BYTES);
    const whole = { fd: this.#fd, offset, bytes: wholeBytes, memory, at };
    const mapped = mode === 'map' && canMap() && mapIntoMemory(whole);
    const from = mapped ? wholeBytes : 0;
    readExactly(this.#fd, this.path, new Uint8Array(memory.buffer, at + from, bytes - from), offset + from);
    return mapped ? 'map' : 'read';
  }

  /** A copy of a section, every block of it checked. Throws CorruptionError. */
  read(name: string): Uint8Array {
    const { bytes } = this.section(name);
    const copy = new Uint8Array(bytes);
    this.#pass(name, (block, content, fault) => {
      if (fault) throw new CorruptionError({ file: this.path, ...fault });
      const from = block * BLOCK_BYTES;
      copy.set(content.subarray(0, bytes - from), from);
    });
    return copy;
  }

  /** Reads the whole file and returns every block that is not as it was saved. */
  verify(onProgress?: (doneBlocks: number, blocks: number) => void): BrokenBlock[] {
    const broken: BrokenBlock[] = [];
    for (const { name, firstBlock } of this.sections) {
      this.#pass(name, (block, _, fault) => {
        if (fault) broken.push(fault);
        onProgress?.(firstBlock + block + 1, this.blocks);
      });
    }
    return broken;
  }

  /** What was mapped stays. */
  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Reads a section block by block, and says of each what it holds and whether that is wrong. */
  #pass(name: string, each: (block: number, content: Uint8Array, fault: BrokenBlock | undefined) => void): void {
    assert(this.#open, 'the file is open');
    const { offset, blocks } = this.section(name);
    const sums = this.sumsOf(name);
    buffer ??= new BlockBuffer(BLOCKS_AT_ONCE);
    for (let first = 0; first < blocks; first += BLOCKS_AT_ONCE) {
      const n = Math.min(BLOCKS_AT_ONCE, blocks - first);
      readExactly(this.#fd, this.path, buffer.bytes.subarray(0, n * BLOCK_BYTES), offset + first * BLOCK_BYTES);
      // All sums before anybody is told: who listens may want the buffer for something else.
      const found = Array.from({ length: n }, (_, i) => buffer!.sumOfBlock(i));
      for (const [i, got] of found.entries()) {
        const [block, want] = [first + i, sums[first + i]];
        const fault =
          want === got ? undefined : { section: name, block, offset: offset + block * BLOCK_BYTES, want, got };
        each(block, buffer.bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES), fault);
      }
    }
  }
}

/**
 * What is read and checked passes through here, a megabyte at a time. Nothing waits in between, so one is enough for a thread.
 */
let buffer: BlockBuffer | undefined;
const BLOCKS_AT_ONCE = 16;

function sumOf(bytes: Uint8Array): number {
  buffer ??= new BlockBuffer(BLOCKS_AT_ONCE);
  return buffer.sumOf(bytes);
}

/** A directory, a pipe or a device is not read, and a pipe not waited for. */
function openRegular(path: string): { fd: number; fileBytes: number } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw openError(path, error);
  }
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, fileBytes: stat.size };
  closeSync(fd);
  throw new IndexFileError(path, stat.isDirectory() ? 'is a directory' : 'is no regular file', NAME_ANOTHER);
}

function openError(path: string, cause: unknown): IndexFileError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why: Record<string, [what: string, mend: string] | undefined> = {
    ENOENT: ['there is no such file', 'look at the path'],
    ENOTDIR: ['there is no such file', 'look at the path'],
    EACCES: ['it may not be read (EACCES)', 'give this user permission to read it'],
    EPERM: ['it may not be read (EPERM)', 'give this user permission to read it'],
    EISDIR: ['is a directory', NAME_ANOTHER],
    ENXIO: ['is no regular file', NAME_ANOTHER],
    EMFILE: ['too many files are open (EMFILE)', 'close some, or raise the limit (ulimit -n)'],
  };
  const [what, mend] = why[code ?? ''] ?? [`it cannot be opened (${code ?? message})`, 'look at the path'];
  return new IndexFileError(path, what, mend, { cause });
}

function readHeader(fd: number, file: string, fileBytes: number): Header {
  if (fileBytes === 0) throw new IndexFileError(file, 'is empty', RESTORE);
  const block = new Uint8Array(BLOCK_BYTES);
  readExactly(fd, file, block.subarray(0, Math.min(fileBytes, BLOCK_BYTES)), 0);
  return decodeHeader(block, { file, fileBytes }, sumOf);
}

function readTable(fd: number, file: string, { table, tableSum }: Header): Uint32Array {
  const bytes = new Uint8Array(table.bytes);
  readExactly(fd, file, bytes, table.offset);
  if (sumOf(bytes) !== tableSum) {
    throw new IndexFileError(file, 'its table of checksums is damaged', RESTORE);
  }
  return new Uint32Array(bytes.buffer);
}

/** Fills `into` from `position` on, at most a gigabyte a call, as the system wants it. */
function readExactly(fd: number, file: string, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    let n: number;
    try {
      n = readSync(fd, into, done, Math.min(into.length - done, 2 ** 30), position + done);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new IndexFileError(file, `cannot be read at byte ${position + done} (${code})`, RESTORE, { cause });
    }
    if (n === 0) {
      throw new IndexFileError(file, `ended at byte ${position + done} while it was read`, 'let nobody write to it');
    }
    done += n;
  }
}
