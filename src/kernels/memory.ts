/**
 * The arena: one shared WebAssembly.Memory an index, laid out once and reserved whole. Pages are committed when they are first
 * touched, so capacity costs address space and no RAM, and since the memory never grows no reader's view goes stale.
 */
import { AddressSpaceError, MemoryLimitError } from '../core/errors.ts';
import { systemLibrary } from './system-calls.ts';
import { instantiate, type Kernels, MAX_PAGES, PAGE_BYTES } from './wasm.ts';

/** Bytes of each named region, for a capacity. */
export type Plan<Name extends string> = (capacity: number) => Record<Name, number>;

export class Arena<Name extends string = string> {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  /** Where each region begins, in bytes: on a page of 64 KiB, so that a file can be mapped there. */
  readonly at: Readonly<Record<Name, number>>;
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  /** Whether the system was asked for huge pages and agreed. */
  readonly hugePages: boolean;

  /**
   * Throws MemoryLimitError where the regions do not fit below 4 GiB, AddressSpaceError where the system refuses to reserve them.
   * `shape` says for the message what was to be held.
   */
  static reserve<Name extends string>(capacity: number, plan: Plan<Name>, shape: string): Arena<Name> {
    const { at, end } = pagesFor(plan(capacity));
    if (end > LIMIT_BYTES) {
      throw new MemoryLimitError({ needBytes: end, limitBytes: LIMIT_BYTES, fits: capacityThatFits(plan), shape });
    }
    const pages = Math.ceil(end / PAGE_BYTES);
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (cause) {
      throw new AddressSpaceError({ needBytes: pages * PAGE_BYTES, shape }, { cause });
    }
    return new Arena(memory, at);
  }

  /** The same arena seen from another thread: its memory, kernels of its own. */
  static over<Name extends string>(memory: WebAssembly.Memory, at: Record<Name, number>): Arena<Name> {
    return new Arena(memory, at);
  }

  private constructor(memory: WebAssembly.Memory, at: Record<Name, number>) {
    this.memory = memory;
    this.at = at;
    const { buffer } = memory;
    this.bytes = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.hugePages = adviseHugePages(this.bytes);
    this.kernels = instantiate(memory);
  }
}

/** What an arena of these regions takes at most. */
export function reservedBytes<Name extends string>(sizes: Record<Name, number>): number {
  return pagesFor(sizes).end;
}

/** The largest capacity whose plan fits into one memory. */
export function capacityThatFits(plan: Plan<string>): number {
  let low = 0;
  let high = 2 ** 32;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (pagesFor(plan(middle)).end <= LIMIT_BYTES) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** `n` numbers from byte address `at`, copied out. For the few of a result this is quicker than `slice` on shared memory. */
export function copyU32(memory: Uint32Array, at: number, n: number): Uint32Array {
  const copy = new Uint32Array(n);
  for (let i = 0, from = at >>> 2; i < n; i++) copy[i] = memory[from + i];
  return copy;
}

export function copyF32(memory: Float32Array, at: number, n: number): Float32Array {
  const copy = new Float32Array(n);
  for (let i = 0, from = at >>> 2; i < n; i++) copy[i] = memory[from + i];
  return copy;
}

/**
 * Places for regions of these sizes, one behind the other from `start` on, each at a multiple of `alignBytes`: what an arena is
 * made of, and what a thread's share of one.
 */
export function layOut<Name extends string>(
  sizes: Record<Name, number>,
  { start, alignBytes }: { start: number; alignBytes: number },
): { at: Record<Name, number>; end: number } {
  const at = {} as Record<Name, number>;
  let end = start;
  for (const name of Object.keys(sizes) as Name[]) {
    at[name] = end;
    end = Math.ceil((end + sizes[name]) / alignBytes) * alignBytes;
  }
  return { at, end };
}

const LIMIT_BYTES = MAX_PAGES * PAGE_BYTES;

/** The first page stays free, as null does. */
function pagesFor<Name extends string>(sizes: Record<Name, number>) {
  return layOut(sizes, { start: PAGE_BYTES, alignBytes: PAGE_BYTES });
}

/** Below this, 2 MiB pages would waste more than they save. */
const HUGE_FROM_BYTES = 8 * 2 ** 20;
const MADV_HUGEPAGE = 14;

type Madvise = (bytes: Uint8Array) => number;
let madvise: Madvise | undefined;

/** Asks Linux for 2 MiB pages: a third less time per random access. Elsewhere, or where it is refused, all works without. */
function adviseHugePages(bytes: Uint8Array): boolean {
  if (bytes.length < HUGE_FROM_BYTES || process.platform !== 'linux' || process.env.ANNLAB_HUGE_PAGES === '0')
    return false;
  madvise ??= loadMadvise();
  return madvise(bytes) === 0;
}

function loadMadvise(): Madvise {
  try {
    const { declare, addressOf } = systemLibrary();
    const call = declare('int madvise(intptr_t address, size_t bytes, int advice)');
    return (bytes) => call(addressOf(bytes), bytes.length, MADV_HUGEPAGE);
  } catch {
    return () => -1;
  }
}
