/**
 * Files in the address space: `mmap` over a piece of a WebAssembly memory, so that a section of a file is there without being
 * read. Pages come from the page cache when they are first touched, are shared by all processes that map the file, and are
 * copied when they are first written; the file stays as it is.
 *
 * V8 does not promise that this works. So it is tried once on a small file and a small memory, and where it fails (as on any
 * system but Linux, where nothing is tried), or where ANNLAB_MAP=0 says so, files are read instead.
 *
 * While a file is mapped it may be replaced or unlinked, but never be made shorter: touching what is gone ends the process
 * (SIGBUS), and so does a disk that fails. What is saved here is only ever replaced.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { assert } from '../core/assert.ts';
import { systemLibrary } from '../kernels/system-calls.ts';
import { instantiate, PAGE_BYTES } from '../kernels/wasm.ts';

/** A piece of a file, and where it is to appear. All but `fd` in bytes, and in whole pages of 64 KiB. */
export interface Mapping {
  fd: number;
  offset: number;
  bytes: number;
  memory: WebAssembly.Memory;
  at: number;
}

/** Whether files can be mapped here. */
export function canMap(): boolean {
  if (process.env.ANNLAB_MAP === '0') return false;
  works ??= testMapping();
  return works;
}

let works: boolean | undefined;

/**
 * Maps a piece of a file into memory: private, and with the advice that touches will be random. False where the system refuses
 * this file; the piece of memory is then zero.
 */
export function mapIntoMemory({ fd, offset, bytes, memory, at }: Mapping): boolean {
  const system = loadCalls();
  assert(system !== undefined, 'canMap was asked first');
  // A mapping beside its place would overwrite whatever is there, V8 itself included.
  for (const value of [offset, bytes, at]) {
    assert(Number.isSafeInteger(value) && value >= 0 && value % PAGE_BYTES === 0, 'mappings are whole pages');
  }
  assert(at + bytes <= memory.buffer.byteLength, 'a mapping stays within its memory');
  if (bytes === 0) return true;
  const address = system.address(memory) + at;
  if (system.mmap(address, bytes, READ_WRITE, PRIVATE | FIXED | NO_RESERVE, fd, offset) === address) {
    system.madvise(address, bytes, RANDOM);
    return true;
  }
  // The old pages may be gone already.
  const fresh = system.mmap(address, bytes, READ_WRITE, PRIVATE | FIXED | NO_RESERVE | ANONYMOUS, -1, 0);
  assert(fresh === address, 'memory that was there can be had again');
  return false;
}

/** Linux's numbers: PROT_READ | PROT_WRITE; MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE; MADV_RANDOM. */
const READ_WRITE = 1 | 2;
const PRIVATE = 0x02;
const FIXED = 0x10;
const ANONYMOUS = 0x20;
const NO_RESERVE = 0x4000;
const RANDOM = 1;

interface Calls {
  address(memory: WebAssembly.Memory): number;
  mmap(address: number, bytes: number, protection: number, flags: number, fd: number, offset: number): number;
  madvise(address: number, bytes: number, advice: number): number;
  /** A file without a name, gone when it is closed. */
  memfdCreate(name: string, flags: number): number;
}

let calls: Calls | undefined;

/** Undefined where the system has none of them. */
function loadCalls(): Calls | undefined {
  if (calls !== undefined || process.platform !== 'linux') return calls;
  try {
    const { declare, addressOf } = systemLibrary();
    calls = {
      address: (memory) => addressOf(new Uint8Array(memory.buffer)),
      mmap: declare('intptr_t mmap(intptr_t at, size_t bytes, int protection, int flags, int fd, int64_t offset)'),
      madvise: declare('int madvise(intptr_t at, size_t bytes, int advice)'),
      memfdCreate: declare('int memfd_create(const char *name, unsigned int flags)'),
    };
  } catch {
    calls = undefined;
  }
  return calls;
}

/** Maps a file of one page into the middle of a memory of three, and sees whether everybody sees what they should. */
function testMapping(): boolean {
  const fd = loadCalls()?.memfdCreate('annlab-mapping-test', 0) ?? -1;
  if (fd < 0) return false;
  try {
    const page = Buffer.alloc(PAGE_BYTES, 'what is in the file ');
    writeSync(fd, page);
    const memory = new WebAssembly.Memory({ initial: 3, maximum: 3, shared: true });
    const [before, mapped, behind] = [0, 1, 2].map((i) => Buffer.from(memory.buffer, i * PAGE_BYTES, PAGE_BYTES));
    for (const neighbour of [before, behind]) page.copy(neighbour);
    if (!mapIntoMemory({ fd, offset: 0, bytes: PAGE_BYTES, memory, at: PAGE_BYTES })) return false;

    const kernels = instantiate(memory);
    const differing = () => kernels.hamming(PAGE_BYTES, 2 * PAGE_BYTES, PAGE_BYTES);
    const sameForBoth = mapped.equals(page) && differing() === 0;
    // Written by JavaScript, and then by a kernel.
    const float = new Float32Array(memory.buffer, PAGE_BYTES, 1);
    float[0] = 3;
    kernels.scale(PAGE_BYTES, 1, 2);
    const written = float[0] === 6 && differing() > 0;
    const inFile = Buffer.alloc(PAGE_BYTES);
    readSync(fd, inFile, 0, PAGE_BYTES, 0);
    return sameForBoth && written && [inFile, before, behind].every((bytes) => bytes.equals(page));
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}
