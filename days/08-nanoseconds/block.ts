/**
 * Memory to read from: a query, vectors end to end, and lists that say which come next, in a sequence or at random. Its bytes are good
 * codes, 0 … 127, and good f32 alike, and, where the system has them and is asked, its pages are huge: 2 MiB instead of 4 KiB.
 */
import { Random } from 'annlab/lab';
import koffi from 'koffi';

const MIB = 2 ** 20;
/** In front of everything is what the compiled modules keep for themselves (STATIC_FROM_BYTE). */
export const QUERY_AT = 2 * MIB;
export const OUT_AT = 3 * MIB;
const LISTS_AT = 4 * MIB;

export type Order = 'in a sequence' | 'at random';

export class Block {
  readonly memory: WebAssembly.Memory;
  /** Where vectors begin. */
  readonly at: number;
  readonly bytes: number;
  /** Whether the system agreed to use huge pages. */
  readonly huge: boolean;
  #listsEnd = LISTS_AT;

  /** `listBytes`: room for the lists, four bytes an entry. */
  constructor(bytes: number, { listBytes, huge }: { listBytes: number; huge: boolean }) {
    this.bytes = bytes;
    this.at = Math.ceil((LISTS_AT + listBytes) / MIB) * MIB;
    this.memory = new WebAssembly.Memory({ initial: (this.at + bytes) / 65536 });
    this.huge = adviseHugePages(this.memory, huge);
    this.#fill();
  }

  /** Which vectors of `vectorBytes` come next, of those that lie in the first `bytes`; `batch` of them a call. */
  list(bytes: number, vectorBytes: number, order: Order, batch: number): List {
    const vectors = Math.floor(bytes / vectorBytes);
    const places =
      order === 'at random'
        ? new Random(`order ${vectors}`).permutation(vectors)
        : Uint32Array.from({ length: vectors }, (_, i) => i);
    const length = Math.max(vectors, batch);
    const address = this.#listsEnd;
    this.#listsEnd += length * 4;
    if (this.#listsEnd > this.at) throw new Error('the lists do not fit in front of the vectors');
    const entries = new Uint32Array(this.memory.buffer, address, length);
    for (let i = 0; i < length; i++) entries[i] = this.at + places[i % vectors] * vectorBytes;
    return new List(entries, address, batch);
  }

  #fill(): void {
    const { buffer } = this.memory;
    const random = new Random('day 08');
    const f32 = new Float32Array(buffer, this.at, MIB / 4);
    for (let i = 0; i < f32.length; i++) f32[i] = random.uniform();
    const all = new Uint8Array(buffer, this.at);
    // The sign of a byte is the sign of a number, or the last bit of an exponent: both may go.
    for (let i = 0; i < MIB; i++) all[i] &= 0x7f;
    for (let to = MIB; to < this.bytes; to += MIB) all.copyWithin(to, 0, Math.min(MIB, this.bytes - to));
    new Uint8Array(buffer, QUERY_AT, MIB).set(all.subarray(0, Math.min(MIB, this.bytes)));
  }
}

/** A list in memory, of which the next few are taken at each call. */
export class List {
  readonly entries: Uint32Array;
  readonly #address: number;
  readonly #batch: number;
  #from: number;

  constructor(entries: Uint32Array, address: number, batch: number) {
    this.entries = entries;
    this.#address = address;
    this.#batch = batch;
    this.#from = -batch;
  }

  /** Where the next batch's addresses are; behind the last whole batch, those of the first again. */
  next(): number {
    this.#from += this.#batch;
    if (this.#from + this.#batch > this.entries.length) this.#from = 0;
    return this.#address + 4 * this.#from;
  }
}

const MADV_HUGEPAGE = 14;
const MADV_NOHUGEPAGE = 15;

/** As the engine does it (src/kernels/memory.ts), and switched off as there: ANNLAB_HUGE_PAGES=0. Whether pages are huge from now on. */
function adviseHugePages({ buffer }: WebAssembly.Memory, huge: boolean): boolean {
  if (process.platform !== 'linux') return false;
  const wanted = huge && process.env.ANNLAB_HUGE_PAGES !== '0';
  try {
    const bytes = new Uint8Array(buffer);
    const madvise = koffi.load(null).func('int madvise(intptr_t address, size_t bytes, int advice)');
    const refused = madvise(koffi.address(bytes), bytes.length, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) !== 0;
    return wanted && !refused;
  } catch {
    return false;
  }
}
