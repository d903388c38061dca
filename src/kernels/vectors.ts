/**
 * VectorStore: the original f32 vectors, exact, outside any graph's arena. It answers two questions: which k of these listed
 * vectors are nearest, and which k of all. Sets beyond 4 GiB are spread over several memories, `chunkRows` in each.
 *
 * A memory holds first, once per thread, what a thread scribbles on, and then the rows, `rowBytes` apart.
 */
import { assert } from '../core/assert.ts';
import type { Matrix } from '../core/matrix.ts';
import type { Metric } from '../core/metric.ts';
import { CheckedPages, type FaultyPage, PAGE_REGIONS } from './checked-pages.ts';
import { admit } from './intake.ts';
import { Arena, capacityThatFits, copyF32, copyU32, type Plan } from './memory.ts';
import { CRC_ROOM_BYTES, PAGE_BYTES } from './wasm.ts';

/** The metrics' numbers in `assembly/metrics.ts`. */
export const METRIC_CODES: Record<Metric, number> = { l2: 0, dot: 1, cosine: 2, manhattan: 3 };

/**
 * What a stored vector is made of, as `assembly/space.ts` numbers it: floats, a 7-bit code, bytes that are its components, or the code
 * of a quantizer of this kind.
 */
export const FORM_CODES = { f32: 0, sq7: 1, u8: 2, scalar: 3, rabitq: 4, product: 5 };

/** Slots and their distances, ascending. */
export interface Nearest {
  slots: Uint32Array;
  distances: Float32Array;
}

/** What another thread needs to see the same vectors; can be posted to a worker. */
export interface VectorStoreHandle {
  dimension: number;
  metric: Metric;
  capacity: number;
  chunkRows: number;
  threads: number;
  memories: WebAssembly.Memory[];
  at: Record<Region, number>[];
  /** Whether rows came from a file, some of which nobody has checked. */
  unchecked?: boolean;
}

/** A row's page that is not what its file promised. */
export class RowsFault extends Error {
  /** Which 64 KiB of all rows one behind the other, from 0. */
  readonly block: number;
  readonly fault: FaultyPage;

  constructor(block: number, fault: FaultyPage) {
    super('a page of the vectors is damaged');
    this.block = block;
    this.fault = fault;
  }
}

export class VectorStore {
  readonly dimension: number;
  readonly metric: Metric;
  readonly #chunks: Chunk[];
  readonly #handle: VectorStoreHandle;

  /**
   * Room for `capacity` vectors, for `threads` threads. Pages are committed as rows are written. `chunkRows`: rows per memory,
   * by default as many as fit.
   */
  static reserve(options: {
    dimension: number;
    metric: Metric;
    capacity: number;
    threads?: number;
    chunkRows?: number;
  }): VectorStore {
    const { dimension, metric, capacity, threads = 1 } = options;
    const plan = planOf(dimension, threads);
    const chunkRows = Math.min(capacity, options.chunkRows ?? wholePages(capacityThatFits(plan)));
    const arenas: Arena<Region>[] = [];
    for (let first = 0; first < capacity; first += chunkRows) {
      arenas.push(Arena.reserve(Math.min(chunkRows, capacity - first), plan, `${capacity} × ${dimension}-D f32`));
    }
    return VectorStore.attach(
      {
        ...{ dimension, metric, capacity, chunkRows, threads },
        memories: arenas.map((arena) => arena.memory),
        at: arenas.map((arena) => arena.at),
      },
      0,
    );
  }

  /** The store behind `handle`, as thread number `thread` of those it was reserved for. */
  static attach(handle: VectorStoreHandle, thread: number): VectorStore {
    assert(thread < handle.threads, 'a thread beyond those the store was reserved for');
    return new VectorStore(handle, thread);
  }

  private constructor(handle: VectorStoreHandle, thread: number) {
    this.dimension = handle.dimension;
    this.metric = handle.metric;
    this.#handle = handle;
    this.#chunks = handle.memories.map((memory, i) => {
      const rows = Math.min(handle.chunkRows, handle.capacity - i * handle.chunkRows);
      return new Chunk(Arena.over(memory, handle.at[i]), i, rows, handle, thread);
    });
  }

  /** Where the first `count` rows lie, memory by memory: `bytes` of them behind the `from` bytes of those before. */
  pieces(count: number): { memory: WebAssembly.Memory; at: number; roomBytes: number; from: number; bytes: number }[] {
    const { chunkRows, memories, at } = this.#handle;
    const pieces = memories.map((memory, i) => ({
      ...{ memory, at: at[i].rows, roomBytes: memory.buffer.byteLength - at[i].rows },
      from: i * chunkRows * this.rowBytes,
      bytes: Math.max(0, Math.min(count - i * chunkRows, chunkRows)) * this.rowBytes,
    }));
    return pieces.filter(({ bytes }) => bytes > 0);
  }

  /** The rows of a memory have come from a file, whose blocks have these checksums. */
  expect(chunk: number, sums: Uint32Array): void {
    this.#chunks[chunk].pages.expect(this.#handle.at[chunk].rows, sums);
    this.#handle.unchecked = true;
  }

  /** Checks what nobody has looked at. Throws RowsFault. */
  checkAll(): void {
    for (const chunk of this.#chunks) chunk.checkAll();
    this.#handle.unchecked = false;
  }

  get handle(): VectorStoreHandle {
    return this.#handle;
  }

  /** Bytes that one vector takes. */
  get rowBytes(): number {
    return rowBytesOf(this.dimension);
  }

  /** Throws VectorValueError where `put` would; writes nothing. `where` names the vector in the message. */
  check(vector: Float32Array, where: string): void {
    this.#chunks[0].check(vector, where);
  }

  /** Writes row `slot`, normalized under cosine. */
  put(slot: number, vector: Float32Array, where: string): void {
    const { chunkRows } = this.#handle;
    this.#chunks[Math.floor(slot / chunkRows)].put(slot % chunkRows, vector, where);
  }

  /** Row `slot` as a view into the store. */
  row(slot: number): Float32Array {
    const { chunkRows } = this.#handle;
    return this.#chunks[Math.floor(slot / chunkRows)].row(slot % chunkRows);
  }

  /** Of the rows listed, the min(k, listed) nearest to `query`, which under cosine is normalized already. */
  nearestOf(query: Float32Array, slots: Uint32Array, k: number): Nearest {
    const { chunkRows } = this.#handle;
    if (this.#chunks.length === 1) return this.#chunks[0].nearestOf(query, slots, k);
    const parts = this.#chunks.map((chunk, i) => {
      const first = i * chunkRows;
      const here = slots.filter((slot) => slot >= first && slot < first + chunkRows).map((slot) => slot - first);
      return shifted(chunk.nearestOf(query, here, k), first);
    });
    return merge(parts, k);
  }

  /** Of the first `count` rows, the min(k, count) nearest to `query`. */
  nearest(query: Float32Array, count: number, k: number): Nearest {
    const { chunkRows } = this.#handle;
    const parts = this.#chunks.map((chunk, i) => {
      const first = i * chunkRows;
      return shifted(chunk.nearest(query, Math.max(0, Math.min(count - first, chunkRows)), k), first);
    });
    return merge(parts, k);
  }

  /**
   * `nearest` for rows `from` … `to` of `queries`, several at a time over tiles that stay in the cache, which is what makes
   * ground truth a matter of arithmetic rather than of memory. Writes k per query to `ids` and `distances` (k ≤ count).
   */
  nearestBatch(
    queries: Matrix,
    { from, to, count, k }: { from: number; to: number; count: number; k: number },
    ids: Uint32Array,
    distances: Float32Array,
  ): void {
    const { chunkRows } = this.#handle;
    const { dimension, data } = queries;
    if (k > MOST_K_IN_BLOCK) {
      for (let i = from; i < to; i++) {
        const found = this.nearest(data.subarray(i * dimension, (i + 1) * dimension), count, k);
        ids.set(found.slots, i * k);
        distances.set(found.distances, i * k);
      }
      return;
    }
    for (let block = from; block < to; block += BLOCK) {
      const n = Math.min(BLOCK, to - block);
      const rows = data.subarray(block * dimension, (block + n) * dimension);
      const parts = this.#chunks.map((chunk, i) => {
        const first = i * chunkRows;
        const found = chunk.nearestBlock(rows, n, block, Math.max(0, Math.min(count - first, chunkRows)), k);
        return found.map((nearest) => shifted(nearest, first));
      });
      for (let j = 0; j < n; j++) {
        const found = merge(
          parts.map((part) => part[j]),
          k,
        );
        ids.set(found.slots, (block + j) * k);
        distances.set(found.distances, (block + j) * k);
      }
    }
  }
}

type Region = keyof typeof PAGE_REGIONS | 'scratch' | 'rows';

/** Queries that share one pass over a tile, and rows in a tile: 64 rows of 1024-D are 256 KiB. */
const BLOCK = 16;
const TILE = 64;
const MOST_K_IN_BLOCK = 1024;
/** Slots that one call may list, or as many as there are rows where those are more. */
const MOST_LISTED = 16384;

/** Bytes that one vector takes. */
export function rowBytesOf(dimension: number): number {
  return Math.ceil(dimension / 4) * 16;
}

/** The most rows, up to so many, whose bytes are whole pages, so that each memory's share of a file begins where a page does. */
function wholePages(rows: number): number {
  // A row has at least 16 bytes.
  return rows - (rows % (PAGE_BYTES / 16)) || rows;
}

/** Offsets within one thread's scratch. */
function scratchOf(dimension: number, capacity: number) {
  const queries = 0;
  const slots = queries + BLOCK * rowBytesOf(dimension);
  const mostListed = Math.max(MOST_LISTED, capacity);
  const distances = slots + mostListed * 4 + 64;
  const pools = distances + mostListed * 4 + 64;
  const poolBytes = (MOST_K_IN_BLOCK + 1) * 8;
  const crc = Math.ceil((pools + Math.max(BLOCK * poolBytes, (capacity + 1) * 8)) / 64) * 64;
  return { queries, slots, distances, pools, poolBytes, mostListed, crc, bytes: crc + CRC_ROOM_BYTES };
}

function planOf(dimension: number, threads: number): Plan<Region> {
  return (capacity) => ({
    ...PAGE_REGIONS,
    scratch: threads * scratchOf(dimension, capacity).bytes,
    rows: capacity * rowBytesOf(dimension),
  });
}

/** One memory's share of the rows. */
class Chunk {
  readonly #arena: Arena<Region>;
  readonly #dimension: number;
  readonly #metric: Metric;
  readonly #rowFloats: number;
  readonly #rows: number;
  readonly #scratch: ReturnType<typeof scratchOf>;
  readonly #base: number;
  readonly #firstRow: number;
  readonly pages: CheckedPages;

  constructor(arena: Arena<Region>, number: number, rows: number, handle: VectorStoreHandle, thread: number) {
    const { dimension, metric } = handle;
    this.#arena = arena;
    this.#firstRow = number * handle.chunkRows;
    this.#dimension = dimension;
    this.#metric = metric;
    this.#rowFloats = rowBytesOf(dimension) / 4;
    this.#rows = arena.at.rows / 4;
    this.#scratch = scratchOf(dimension, rows);
    this.#base = arena.at.scratch + thread * this.#scratch.bytes;
    this.pages = new CheckedPages(arena, this.#base + this.#scratch.crc, handle.unchecked ?? false);
    arena.kernels.configureSpace(
      dimension,
      METRIC_CODES[metric],
      FORM_CODES.f32,
      arena.at.rows,
      rowBytesOf(dimension),
      0,
    );
  }

  row(i: number): Float32Array {
    const at = this.#rows + i * this.#rowFloats;
    return this.#arena.f32.subarray(at, at + this.#dimension);
  }

  check(vector: Float32Array, where: string): void {
    admit(this.#arena, this.#base + this.#scratch.queries, vector, this.#metric, where);
  }

  put(i: number, vector: Float32Array, where: string): void {
    admit(this.#arena, (this.#rows + i * this.#rowFloats) * 4, vector, this.#metric, where);
  }

  nearestOf(query: Float32Array, slots: Uint32Array, k: number): Nearest {
    const { kernels, f32, u32 } = this.#arena;
    const base = this.#base;
    const scratch = this.#scratch;
    assert(slots.length <= scratch.mostListed, 'more slots listed than one call takes');
    if (this.pages.unchecked) this.#ensure(slots);
    f32.set(query, (base + scratch.queries) >>> 2);
    u32.set(slots, (base + scratch.slots) >>> 2);
    kernels.configurePool(base + scratch.pools);
    const n = kernels.rankListed(
      base + scratch.queries,
      k,
      base + scratch.slots,
      slots.length,
      base + scratch.distances,
    );
    return this.#read(n);
  }

  #ensure(slots: Uint32Array): void {
    const rowBytes = this.#rowFloats * 4;
    for (const slot of slots) {
      if (!this.#arena.kernels.ensure((this.#arena.at.rows + slot * rowBytes) | 0, rowBytes)) this.#throwFault();
    }
  }

  /** Throws RowsFault where a page is wrong. */
  checkAll(): void {
    if (this.pages.checkAll()) this.#throwFault();
  }

  #throwFault(): never {
    const { faulty } = this.pages;
    assert(faulty !== undefined, 'a page was found wrong');
    const before = (this.#firstRow * this.#rowFloats * 4) / PAGE_BYTES;
    throw new RowsFault(before + faulty.page - this.#arena.at.rows / PAGE_BYTES, faulty);
  }

  nearest(query: Float32Array, count: number, k: number): Nearest {
    const { kernels } = this.#arena;
    const base = this.#base;
    const { queries, pools, slots } = this.#scratch;
    admit(this.#arena, base + queries, query, this.#metric, 'query');
    kernels.configurePool(base + pools);
    return this.#read(kernels.scan(base + queries, base + pools, Math.min(k, count), 0, 0, count, base + slots));
  }

  nearestBlock(rows: Float32Array, n: number, first: number, count: number, k: number): Nearest[] {
    const { kernels } = this.#arena;
    const base = this.#base;
    const { queries, pools, poolBytes, slots } = this.#scratch;
    const most = Math.min(k, count);
    const sizes = new Array<number>(n).fill(0);
    for (let j = 0; j < n; j++) {
      const query = rows.subarray(j * this.#dimension, (j + 1) * this.#dimension);
      admit(this.#arena, base + queries + j * this.#rowFloats * 4, query, this.#metric, `query ${first + j}`);
    }
    for (let tile = 0; tile < count; tile += TILE) {
      const here = Math.min(TILE, count - tile);
      for (let j = 0; j < n; j++) {
        const query = base + queries + j * this.#rowFloats * 4;
        sizes[j] = kernels.scan(query, base + pools + j * poolBytes, most, sizes[j], tile, here, base + slots);
      }
    }
    return sizes.map((size, j) => {
      kernels.configurePool(base + pools + j * poolBytes);
      return this.#read(size);
    });
  }

  #read(n: number): Nearest {
    const { kernels, f32, u32 } = this.#arena;
    const slots = this.#base + this.#scratch.slots;
    const distances = this.#base + this.#scratch.distances;
    kernels.readPool(n, slots, distances);
    return { slots: copyU32(u32, slots, n), distances: copyF32(f32, distances, n) };
  }
}

function shifted(nearest: Nearest, first: number): Nearest {
  if (first > 0) for (let i = 0; i < nearest.slots.length; i++) nearest.slots[i] += first;
  return nearest;
}

/** The k nearest of several ascending lists. */
function merge(parts: Nearest[], k: number): Nearest {
  if (parts.length === 1) return parts[0];
  const all = parts.flatMap(({ slots, distances }) =>
    Array.from(slots, (slot, i) => ({ slot, distance: distances[i] })),
  );
  all.sort((a, b) => a.distance - b.distance || a.slot - b.slot);
  const nearest = all.slice(0, k);
  return {
    slots: Uint32Array.from(nearest, ({ slot }) => slot),
    distances: Float32Array.from(nearest, ({ distance }) => distance),
  };
}
