/**
 * One thread's hands on an HNSW index: kernels and scratch of its own over memory that all threads share. The index itself has
 * one, for the calls that are made on it directly; every worker of a pool has another (`workers/`). Threads know slots; ids
 * are the index's.
 *
 * Why searches and inserts of several threads do not disturb each other is said in `kernels/assembly/hnsw.ts`.
 */
import { BrokenIndexError, CorruptionError, ParameterError } from '../core/errors.ts';
import { hashToUnit } from '../core/random.ts';
import { CheckedPages } from '../kernels/checked-pages.ts';
import { admit } from '../kernels/intake.ts';
import { Arena, copyF32, copyU32 } from '../kernels/memory.ts';
import { FORM_CODES, METRIC_CODES, RowsFault, VectorStore, type VectorStoreHandle } from '../kernels/vectors.ts';
import { PAGE_BYTES } from '../kernels/wasm.ts';
import { configureCodes } from '../quantize/walk-codes.ts';
import { checkSearch, checkVector, stretchOf } from './checks.ts';
import { keepsOriginals } from './hnsw-form.ts';
import { ERA, type HnswLayout, JOURNAL, layoutOf, type Region, STATE, type ThreadRegion } from './hnsw-layout.ts';
import { type AllHnswOptions, shapeOf } from './hnsw-options.ts';
import type { SearchOptions, Work } from './vector-index.ts';

/** What another thread needs to work on the same index; can be posted to a worker. */
export interface HnswHandle {
  options: AllHnswOptions;
  memory: WebAssembly.Memory;
  at: Record<Region, number>;
  /** The originals, where the arena may hold codes. */
  vectors?: VectorStoreHandle;
  /** The file that it was opened from. */
  source?: Source;
}

/** A file that regions came from, as long as nobody has checked all of them. */
export interface Source {
  file: string;
  /** Where in the file each section begins, in bytes. */
  offsets: Record<string, number>;
  unchecked: boolean;
}

export interface SlotsFound {
  slots: Uint32Array;
  distances: Float32Array;
  work: Work;
}

export class HnswThread {
  readonly layout: HnswLayout;
  readonly arena: Arena<Region>;
  readonly #options: AllHnswOptions;
  /** This thread's share of the arena. */
  readonly #at: Record<ThreadRegion, number>;
  /** The `query` region: making a view costs more than a hop. */
  readonly #query: Float32Array;
  readonly #state: Uint32Array;
  readonly #journal: Uint32Array;
  readonly #vectors: VectorStore | undefined;
  readonly #handle: HnswHandle;
  readonly #pages: CheckedPages;

  /** As thread number `thread` of those that the index was created for; the index's own is 0. One at a time may bear a number. */
  constructor(handle: HnswHandle, thread: number) {
    const { options, memory } = handle;
    const { dimension, metric, capacity, M, alpha } = options;
    this.#handle = handle;
    this.#options = options;
    const layout = layoutOf(shapeOf(options));
    this.layout = layout;
    this.arena = Arena.over(memory, handle.at);
    const { kernels, at, f32, u32 } = this.arena;
    const { at: own, end } = layout.threadPlan(capacity);
    for (const name of Object.keys(own) as ThreadRegion[]) own[name] += at.threads + thread * end;
    this.#at = own;
    this.#query = f32.subarray(own.query >>> 2, (own.query >>> 2) + dimension);
    this.#state = u32.subarray(at.state >>> 2, (at.state >>> 2) + 16);
    this.#journal = u32.subarray(own.journal >>> 2, (own.journal >>> 2) + 16);
    this.#vectors = handle.vectors && VectorStore.attach(handle.vectors, thread);
    this.#pages = new CheckedPages(this.arena, own.crc, handle.source?.unchecked ?? false);
    kernels.configureSpace(
      dimension,
      METRIC_CODES[metric],
      Atomics.load(this.#state, STATE.form),
      at.records,
      layout.recordBytes,
      own.decoded,
      layout.quantized.codeBytes,
    );
    this.configureCodes();
    if (layout.finerBytes > 0) kernels.configureFiner(at.finer, layout.finerBytes);
    kernels.configurePool(own.pool);
    kernels.configureVisited(own.visited, capacity + 1);
    kernels.configureLinks(layout.vectorBytes, at.upper, layout.upperBytes);
    kernels.configureThread(thread, own.journal);
    const signed = options.filter === 'sign';
    if (signed) {
      const { signBytes, words, rotated } = layout;
      kernels.configureSigns(at.signs, signBytes, words, rotated, at.mean, at.flips, own.rotation, own.planes);
    }
    kernels.configureHnsw(
      at.state,
      M,
      layout.slack,
      options.efConstruction,
      metric === 'manhattan' || metric === 'dot' ? alpha : alpha * alpha,
      options.extendCandidates,
      options.keepPruned,
      signed,
      options.buildMargin,
      own.queryRecord,
      own.scratch,
      own.discarded,
      own.candidates,
    );
  }

  /** To be called again when the model has been written. */
  configureCodes(): void {
    const { codes, dimension, metric } = this.#options;
    if (typeof codes !== 'object') return;
    const at = { model: this.arena.at.model, scratch: this.#at.codes };
    configureCodes(this.arena.kernels, codes, { dimension, metric }, at);
  }

  /** Inserts that are complete. */
  get count(): number {
    return Atomics.load(this.#state, STATE.count);
  }

  /**
   * What the records hold: floats, codes, or the vectors themselves as bytes, which under codes: 'sq7' they are as long as all
   * their components are integers 0 … 255.
   */
  get form(): keyof typeof FORM_CODES {
    const code = Atomics.load(this.#state, STATE.form);
    return FORMS[code];
  }

  /**
   * Takes the vector in, normalized under cosine, for `insert`. Throws VectorValueError; `where` names the vector in the
   * message.
   */
  admit(vector: Float32Array, where: string): void {
    admit(this.arena, this.#at.query, vector, this.#options.metric, where);
  }

  /** Whether the vector that was admitted can be held in the form that the records have. */
  fits(): boolean {
    const { query, queryRecord } = this.#at;
    return this.form !== 'u8' || this.arena.kernels.narrow(query, queryRecord, this.#options.dimension) !== 0;
  }

  /**
   * Links the vector that was admitted, which fits, into the graph as `slot`; its upper lists begin with number `upper`.
   * `onDone` is called before the slot is forgotten: if this thread dies after it, the slot still counts as interrupted.
   */
  insert(slot: number, upper: number, onDone = () => {}): void {
    this.#keepOriginal(slot);
    const level = this.#levelOf(slot);
    const { kernels } = this.arena;
    const done = orBroken(() => kernels.insert(this.#at.query, slot, level, upper, slot >= FILTER_FROM), 0);
    if (!done) throw this.#broken();
    onDone();
    this.forget();
  }

  /** The slot that a thread of this number was inserting when it died, or undefined. */
  get interrupted(): number | undefined {
    const noted = this.#journal[JOURNAL.inserting];
    return noted === 0 ? undefined : noted - 1;
  }

  /**
   * Finishes that insert, wherever it was broken off; its vector has been admitted. Whatever locks the dead thread held are given
   * back. Where the insert was complete already, nothing happens.
   */
  resume(upper: number): void {
    const slot = this.interrupted;
    if (slot === undefined) return;
    this.#keepOriginal(slot);
    const done = this.arena.kernels.resume(this.#at.query, slot, this.#levelOf(slot), upper, slot >= FILTER_FROM);
    if (!done) throw this.#broken();
  }

  /** No slot is interrupted. */
  forget(): void {
    this.#journal[JOURNAL.inserting] = 0;
  }

  /** As `Hnsw.search`, with slots for ids. `unseen`: a slot that is passed by, as if it were not there. */
  search(query: Float32Array, options: SearchOptions, unseen = -1): SlotsFound {
    const { k, efSearch, gamma, rerank: wanted, bounded, refine } = checkSearch(options);
    const byBounds = this.#goesByBounds(bounded);
    const stretch = stretchOf(gamma, this.#options.metric);
    checkVector(query, this.#options.dimension, 'query');
    const { kernels, u32, f32 } = this.arena;
    const at = this.#at;
    this.admit(query, 'query');
    const { count } = this;
    if (count === 0) {
      const work = { distances: 0, hops: 0, estimates: 0 };
      return { slots: new Uint32Array(0), distances: new Float32Array(0), work };
    }
    kernels.resetDistances();
    // As wide as all there are, those included that others are about to finish, so that such a beam never turns anybody away.
    const widest = Math.max(count, Atomics.load(this.#state, STATE.claimed));
    const ef = Math.min(efSearch, widest);
    const { margin } = this.#options;
    const found = orBroken(() => kernels.search(at.query, ef, k, stretch, unseen, count >= FILTER_FROM, margin), -1);
    if (found < 0) throw this.#broken();
    // Floats and bytes are exact as they are walked on.
    const rerank = keepsOriginals(FORMS[kernels.formOfRecords()]) ? wanted : 0;
    let listed = Math.min(found, rerank || k);
    const refined = rerank > 0 && !byBounds && this.layout.finerBytes > 0 ? Math.min(found, refine) : 0;
    if (refined > 0) {
      kernels.readPool(refined, at.slots, at.distances);
      if (kernels.rankFiner(at.query, at.finerQuery, refined, at.slots, refined, at.distances) < 0)
        throw this.#broken();
    }
    if (byBounds) listed = kernels.listWithinBounds(k, found, at.slots, at.distances);
    else kernels.readPool(listed, at.slots, at.distances);
    const work = { distances: kernels.distanceCount(), hops: kernels.hopCount(), estimates: kernels.estimateCount() };
    const slots = copyU32(u32, at.slots, listed);
    if (this.#vectors && rerank > 0) {
      work.distances += listed;
      return { ...this.#nearestOf(this.#vectors, slots, k), work };
    }
    return { slots, distances: copyF32(f32, at.distances, listed), work };
  }

  /** Whether bounds choose who is compared again; where nothing is said, they do under RaBitQ, whose estimates are known for theirs. */
  #goesByBounds(bounded: boolean | undefined): boolean {
    const { codes, finer } = this.#options;
    if (bounded === undefined)
      return BOUND_BY_DEFAULT && typeof codes === 'object' && codes.kind === 'rabitq' && finer === 'none';
    if (bounded && codes === 'sq7') {
      const want = 'a number: sq7 codes have no bounds, those of a ScalarQuantizer of 7 or 8 bits have';
      throw new ParameterError({ parameter: 'rerank', got: 'bound', want });
    }
    return bounded && typeof codes === 'object';
  }

  /** Pages of a region, from its beginning on, have come from a file and should have these checksums. */
  expect(region: Region, sums: Uint32Array): void {
    this.#pages.expect(this.arena.at[region], sums);
  }

  expectVectors(chunk: number, sums: Uint32Array): void {
    this.#vectors?.expect(chunk, sums);
  }

  /**
   * Checks what came from a file and nobody has looked at: before anything is written, or read but by a search. Throws
   * CorruptionError.
   */
  checkAll(): void {
    if (this.#pages.checkAll()) throw this.#broken();
    try {
      this.#vectors?.checkAll();
    } catch (error) {
      throw this.#explained(error);
    }
    if (this.#handle.source) this.#handle.source.unchecked = false;
  }

  /** The vector of a slot as it was admitted. */
  vector(slot: number): Float32Array {
    if (this.#vectors && keepsOriginals(this.form)) return this.#vectors.row(slot);
    const { at, bytes, f32 } = this.arena;
    const from = at.records + slot * this.layout.recordBytes;
    if (this.form === 'u8') return Float32Array.from(bytes.subarray(from, from + this.#options.dimension));
    return f32.subarray(from >>> 2, (from >>> 2) + this.#options.dimension);
  }

  /**
   * Makes codes of the first `count` vectors, which are held as bytes, and keeps the vectors beside. No thread may be
   * inserting; searches wait. The vector that was admitted stays.
   */
  leaveBytes(count: number): void {
    const { kernels, at, f32 } = this.arena;
    const { dimension } = this.#options;
    const { decoded } = this.#at;
    const widened = f32.subarray(decoded >>> 2, (decoded >>> 2) + dimension);
    this.#beginEra(ERA.formMoves);
    for (let slot = 0; slot < count; slot++) {
      const record = at.records + slot * this.layout.recordBytes;
      kernels.widen(record, decoded, dimension);
      this.#vectors?.row(slot).set(widened);
      kernels.encode(decoded, record, dimension);
    }
    Atomics.store(this.#state, STATE.form, FORM_CODES.sq7);
    this.endEra();
  }

  /** Whether the filter's centre is to be moved when so many vectors are held. */
  recentresAt(count: number): boolean {
    return this.#options.filter === 'sign' && RECENTRE_AT.includes(count);
  }

  /**
   * Moves the filter's centre to the mean of the first `count` vectors, and encodes all signs anew. As for several threads:
   * below.
   */
  recentre(count: number): void {
    this.moveCentre(this.sumOf(0, count), count);
    this.encodeSigns(0, count);
    this.endEra();
  }

  /** Σ of the vectors in slots `from` … `to` − 1, one number a dimension. */
  sumOf(from: number, to: number): Float64Array {
    const { dimension } = this.#options;
    const sum = new Float64Array(dimension);
    for (let slot = from; slot < to; slot++) {
      const vector = this.vector(slot);
      for (let j = 0; j < dimension; j++) sum[j] += vector[j];
    }
    return sum;
  }

  /** Begins an era: from here to `endEra` no thread may be inserting, and searches do without signs. */
  moveCentre(sum: Float64Array, count: number): void {
    const { at, f32 } = this.arena;
    this.#beginEra(ERA.signsMove);
    for (let j = 0; j < sum.length; j++) f32[(at.mean >>> 2) + j] = sum[j] / count;
  }

  /** The sign bits of slots `from` … `to` − 1 about the centre as it is. */
  encodeSigns(from: number, to: number): void {
    const { kernels, f32 } = this.arena;
    const { query } = this.#at;
    for (let slot = from; slot < to; slot++) {
      f32.set(this.vector(slot), query >>> 2);
      kernels.rotateCentred(query);
      kernels.encodeSigns(query, slot);
    }
  }

  endEra(): void {
    const era = Atomics.load(this.#state, STATE.era);
    Atomics.store(this.#state, STATE.era, (era & ~(ERA.signsMove | ERA.formMoves)) + ERA.next);
    Atomics.notify(new Int32Array(this.#state.buffer, this.#state.byteOffset), STATE.era);
  }

  #beginEra(what: number): void {
    Atomics.or(this.#state, STATE.era, what);
    // A load behind it keeps what is rewritten now from being seen before it, on machines that would allow that.
    Atomics.load(this.#state, STATE.era);
  }

  /** Where the arena holds codes, the vector itself lies in the store before anybody can find the slot. */
  #keepOriginal(slot: number): void {
    if (keepsOriginals(this.form)) this.#vectors?.row(slot).set(this.#query);
  }

  #levelOf(slot: number): number {
    return levelOf(this.#options.seed, slot, this.#options.M);
  }

  #nearestOf(vectors: VectorStore, slots: Uint32Array, k: number) {
    try {
      return vectors.nearestOf(this.#query, slots, k);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** What a walk failed on: a page that is not what its file promised, or links that cannot be. */
  #broken(): CorruptionError | BrokenIndexError {
    const { faulty } = this.#pages;
    if (!faulty) {
      const slot = this.arena.kernels.brokenSlot();
      return new BrokenIndexError(`${slot < 0 ? 'a node' : `node ${slot}`} has links that cannot be`);
    }
    const { page, want, got } = faulty;
    const { at } = this.arena;
    const regions = (['upper', 'signs', 'finer', 'records'] as const).filter(
      (region) => at[region] <= page * PAGE_BYTES,
    );
    const section = regions.reduce((a, b) => (at[a] > at[b] ? a : b));
    return this.#corruption(section, page - at[section] / PAGE_BYTES, want, got);
  }

  #explained(error: unknown): unknown {
    if (!(error instanceof RowsFault)) return error;
    const { want, got } = error.fault;
    return this.#corruption('vectors', error.block, want, got);
  }

  #corruption(section: string, block: number, want: number, got: number): CorruptionError {
    const { file = 'the index', offsets } = this.#handle.source ?? {};
    const offset = (offsets?.[section] ?? 0) + block * PAGE_BYTES;
    return new CorruptionError({ file, section, block, offset, want, got });
  }
}

/** Where a forged file's checksums are right, an address in it may lead out of the memory, which traps. */
function orBroken(walk: () => number, broken: number): number {
  try {
    return walk();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return broken;
    throw error;
  }
}

const BOUND_BY_DEFAULT = true;
/** Names of forms by their codes. */
const FORMS = Object.keys(FORM_CODES) as (keyof typeof FORM_CODES)[];
/** Below this many vectors there is no mean worth the name, and nothing to save. */
const FILTER_FROM = 1024;
/** At these counts the filter's centre is moved to the mean of what is held. */
const RECENTRE_AT: readonly number[] = [1024, 16_384, 262_144];

/** floor(−ln u · mL) with mL = 1 / ln M and u hashed from (seed, slot), so that replaying inserts draws the same levels. */
export function levelOf(seed: number, slot: number, M: number): number {
  return Math.floor(-Math.log(hashToUnit(seed, slot)) / Math.log(M));
}
