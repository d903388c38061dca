/**
 * One thread's hands on a graph index: kernels and scratch of its own over memory that all threads share. The index itself has
 * one, for the calls that are made on it directly; every worker of a pool has another (`workers/`). Threads know slots; ids
 * are the index's. What all graphs have in common is here; who links what is in `hnsw-thread.ts` and `vamana-thread.ts`.
 *
 * Why searches and inserts of several threads do not disturb each other is said in `kernels/assembly/hnsw.ts`.
 */
import { assert } from '../core/assert.ts';
import { BrokenIndexError, type CorruptionError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { admit } from '../kernels/intake.ts';
import { Arena, copyF32, copyU32 } from '../kernels/memory.ts';
import { FORM_CODES, METRIC_CODES, type Nearest, VectorStore, type VectorStoreHandle } from '../kernels/vectors.ts';
import { configureCodes } from '../quantize/walk-codes.ts';
import { checkSearch, checkVector, type SearchPlan, stretchOf } from './checks.ts';
import { scanRecords } from './exact-scan.ts';
import { FileRegions, type Source } from './file-regions.ts';
import { ERA, type GraphLayout, type Region, STATE, type ThreadRegion } from './graph-layout.ts';
import type { AllGraphOptions, GraphKind } from './graph-options.ts';
import { formsOf, keepsOriginals } from './record-form.ts';
import type { SearchOptions, Work } from './vector-index.ts';
import { type Lengths, liftOf, type WalkSpace, walkSpaceOf } from './walk-space.ts';

/** What another thread needs to work on the same index; can be posted to a worker. */
export interface GraphHandle<Options extends AllGraphOptions = AllGraphOptions> {
  kind: GraphKind;
  options: Options;
  memory: WebAssembly.Memory;
  at: Record<Region, number>;
  /** The originals, where the arena may hold something else. */
  vectors?: VectorStoreHandle;
  /** The file that it was opened from. */
  source?: Source;
}

export interface SlotsFound {
  slots: Uint32Array;
  distances: Float32Array;
  work: Work;
}

/** What is read of the pool; distances are copied where they are wanted. */
interface PoolRead {
  slots: Uint32Array;
  distances: () => Float32Array;
  work: Work;
}

export abstract class GraphThread<Options extends AllGraphOptions = AllGraphOptions> {
  readonly layout: GraphLayout;
  readonly arena: Arena<Region>;
  protected readonly options: Options;
  /** This thread's share of the arena. */
  protected readonly at: Record<ThreadRegion, number>;
  protected readonly state: Uint32Array;
  /** What the kernels walk in. */
  readonly space: WalkSpace;
  /** The `query` region: making a view costs more than a hop. */
  readonly #query: Float32Array;
  /** The same without what walking adds to it. */
  readonly #given: Float32Array;
  /** The same words as floats, which some of them are. */
  readonly #stateFloats: Float32Array;
  readonly #vectors: VectorStore | undefined;
  /** What came from a file, if the index did. */
  readonly fromFile: FileRegions;

  /** As thread number `thread` of those that the index was created for; the index's own is 0. One at a time may bear a number. */
  protected constructor(handle: GraphHandle<Options>, layout: GraphLayout, thread: number) {
    const { options, memory } = handle;
    const { capacity } = options;
    const space = walkSpaceOf(handle.kind, options);
    const { dimension } = space;
    this.space = space;
    this.options = options;
    this.layout = layout;
    this.arena = Arena.over(memory, handle.at);
    const { kernels, at, f32, u32 } = this.arena;
    const { at: own, end } = layout.threadPlan(capacity);
    for (const name of Object.keys(own) as ThreadRegion[]) own[name] += at.threads + thread * end;
    this.at = own;
    this.#query = f32.subarray(own.query >>> 2, (own.query >>> 2) + dimension);
    this.#given = this.#query.subarray(0, options.dimension);
    this.state = u32.subarray(at.state >>> 2, (at.state >>> 2) + 16);
    this.#stateFloats = f32.subarray(at.state >>> 2, (at.state >>> 2) + 16);
    this.#vectors = handle.vectors && VectorStore.attach(handle.vectors, thread);
    this.fromFile = new FileRegions(this.arena, own.crc, handle, this.#vectors);
    this.#configureSpace();
    this.configureCodes();
    if (layout.finerBytes > 0) kernels.configureFiner(at.finer, layout.finerBytes);
    kernels.configurePool(own.pool);
    // Eight bytes a node, up to the end of the distances: whatever is listed there is listed when the walk has ended.
    kernels.configureWaiting(own.slots);
    kernels.configureVisited(own.visited, capacity + 1);
    kernels.configureLinks(layout.vectorBytes, at.upper, layout.upperBytes);
    kernels.configureThread(thread, own.journal);
    if (options.filter !== 'sign') return;
    const { signBytes, words, rotated } = layout;
    kernels.configureSigns(at.signs, signBytes, words, rotated, at.mean, at.flips, own.rotation, own.planes);
  }

  #configureSpace(): void {
    const { kernels, at } = this.arena;
    const { dimension, metric } = this.space;
    const { recordBytes, quantized } = this.layout;
    const form = Atomics.load(this.state, STATE.form);
    const { decoded } = this.at;
    kernels.configureSpace(
      dimension,
      METRIC_CODES[metric],
      form,
      at.records,
      recordBytes,
      decoded,
      quantized.codeBytes,
    );
  }

  /** To be called again when the model has been written. */
  configureCodes(): void {
    const { codes, dimension, metric } = this.options;
    if (typeof codes !== 'object') return;
    const at = { model: this.arena.at.model, scratch: this.at.codes };
    configureCodes(this.arena.kernels, codes, { dimension, metric }, at);
  }

  /** Inserts that are complete: slots in use, those of deleted nodes included. */
  get count(): number {
    return Atomics.load(this.state, STATE.count);
  }

  /** How many nodes are deleted and still in their slots. */
  get deleted(): number {
    return Atomics.load(this.state, STATE.deleted);
  }

  /**
   * What the records hold: floats, codes, or the vectors themselves as bytes, which under codes: 'sq7' they are as long as all
   * their components are integers 0 … 255.
   */
  get form(): keyof typeof FORM_CODES {
    const code = Atomics.load(this.state, STATE.form);
    return FORMS[code];
  }

  /**
   * Takes the vector in, normalized under cosine, for `insert`. Throws VectorValueError; `where` names the vector in the
   * message.
   */
  admit(vector: Float32Array, where: string): void {
    admit(this.arena, this.at.query, vector, this.options.metric, where);
    if (this.space.lifted) this.#lift();
  }

  /** The same with a vector that is searched for. */
  admitQuery(query: Float32Array): void {
    admit(this.arena, this.at.query, query, this.options.metric, 'query');
    if (this.space.lifted) this.#query[this.options.dimension] = 0;
  }

  /** Gives the vector in `query` its component more. */
  #lift(): void {
    const { dimension } = this.options;
    const norm2 = this.arena.kernels.norm2(this.at.query, dimension);
    this.#query[dimension] = liftOf(this.lengths, norm2);
  }

  /** The vector of a slot becomes the one that was admitted last. */
  protected readmit(slot: number): void {
    this.#query.set(this.vector(slot));
    if (this.space.lifted) this.#lift();
  }

  /** The lengths that are reckoned with, where the space depends on them. */
  get lengths(): Lengths {
    return { longest: this.#stateFloats[STATE.longest], usual: this.#stateFloats[STATE.usual] };
  }

  set lengths({ longest, usual }: Lengths) {
    this.#stateFloats[STATE.longest] = longest;
    this.#stateFloats[STATE.usual] = usual;
  }

  /** The vector that was admitted last, as it is walked on. */
  get admitted(): Float32Array {
    return this.#query;
  }

  /** Its own length. */
  admittedLength(): number {
    return Math.sqrt(this.arena.kernels.norm2(this.at.query, this.options.dimension));
  }

  /** The same of a vector that is held. */
  lengthOf(slot: number): number {
    this.readmit(slot);
    return this.admittedLength();
  }

  /** Whether the vector that was admitted can be held in the form that the records have. */
  fits(): boolean {
    const { query, queryRecord } = this.at;
    return this.form !== 'u8' || this.arena.kernels.narrow(query, queryRecord, this.options.dimension) !== 0;
  }

  /** As an index's `search`, with slots for ids. `unseen`: a slot that is passed by, as if it were not there. */
  search(query: Float32Array, options: SearchOptions, unseen = -1): SlotsFound {
    const plan = checkSearch(options);
    const byBounds = this.#goesByBounds(plan.bounded);
    const found = this.#walk(query, plan, unseen);
    // Floats and bytes are exact as they are walked on.
    const rerank = keepsOriginals(FORMS[this.arena.kernels.formOfRecords()], this.space) ? this.#reranked(plan) : 0;
    if (rerank > 0 && !byBounds) this.#rankFiner(Math.min(found, plan.refine));
    const { slots, distances, work } = byBounds
      ? this.#readWithinBounds(plan.k, found)
      : this.#read(Math.min(found, rerank || plan.k));
    if (this.#vectors && rerank > 0 && found > 0) {
      work.distances += slots.length;
      return { ...this.#nearestOf(this.#vectors, slots, plan.k), work };
    }
    return { slots, distances: distances(), work };
  }

  /**
   * The nearest that the same search walks to, at most `most`, in the walk's own order and with its distances: none is compared
   * again.
   */
  candidates(query: Float32Array, options: SearchOptions, most: number, unseen = -1): SlotsFound {
    const found = this.#walk(query, checkSearch(options), unseen);
    const { slots, distances, work } = this.#read(Math.min(found, most));
    return { slots, distances: distances(), work };
  }

  /** The slots listed, by their exact distances from the vector: what a walk on codes does not know. */
  rank(query: Float32Array, slots: Uint32Array): Nearest {
    assert(this.#vectors !== undefined, 'records are exact where there are no codes');
    this.admitQuery(query);
    return this.#nearestOf(this.#vectors, slots, slots.length);
  }

  /** What was searched for in a lifted space is rounded otherwise than the caller's inner products: all that are returned are compared again. */
  #reranked({ rerank, k }: SearchPlan): number {
    return this.space.lifted ? Math.max(rerank, k) : rerank;
  }

  /** Where there are finer codes, ranks the first `n` of the pool by them; the others are gone. */
  #rankFiner(n: number): void {
    if (this.layout.finerBytes === 0 || n === 0) return;
    const { kernels } = this.arena;
    const { query, finerQuery, slots, distances } = this.at;
    kernels.readPool(n, slots, distances);
    if (kernels.rankFiner(query, finerQuery, n, slots, n, distances) < 0) throw this.broken();
  }

  /** Algorithm 5 fills the pool; returns how many are in it. */
  #walk(query: Float32Array, plan: SearchPlan, unseen: number): number {
    const { k, efSearch, gamma, filterWords, defer } = plan;
    const stretch = stretchOf(gamma, this.options.metric);
    checkVector(query, this.options.dimension, 'query');
    const { kernels } = this.arena;
    this.admitQuery(query);
    kernels.resetDistances();
    const { count } = this;
    if (count === 0) return 0;
    // As wide as all there are, those included that others are about to finish, so that such a beam never turns anybody away.
    const widest = Math.max(count, Atomics.load(this.state, STATE.claimed));
    const ef = Math.min(efSearch, widest);
    const { words } = this.layout;
    const width = count >= FILTER_FROM ? Math.min(filterWords ?? words, words) : 0;
    const margin = this.options.margin + (defer || 0);
    const deferred = defer !== false;
    const found = orBroken(() => kernels.search(this.at.query, ef, k, stretch, unseen, width, margin, deferred), -1);
    if (found < 0) throw this.broken();
    return found;
  }

  /** The first `n` of the pool, and what the walk that filled it cost. */
  #read(n: number): PoolRead {
    const { kernels, u32, f32 } = this.arena;
    const at = this.at;
    kernels.readPool(n, at.slots, at.distances);
    return { slots: copyU32(u32, at.slots, n), distances: () => copyF32(f32, at.distances, n), work: this.#work() };
  }

  /** The same of those among the first `n` that the bounds of their estimates leave among the k nearest. */
  #readWithinBounds(k: number, n: number): PoolRead {
    const { kernels, u32, f32 } = this.arena;
    const at = this.at;
    const listed = kernels.listWithinBounds(k, n, at.slots, at.distances);
    const slots = copyU32(u32, at.slots, listed);
    return { slots, distances: () => copyF32(f32, at.distances, listed), work: this.#work() };
  }

  #work(): Work {
    const { kernels } = this.arena;
    return { distances: kernels.distanceCount(), hops: kernels.hopCount(), estimates: kernels.estimateCount() };
  }

  /**
   * The k nearest (k ≤ count) to each of the rows `from` … `to` − 1 of `queries`, k per row into `slots` and `distances`: exact,
   * several rows at a time over vectors that stay in the cache meanwhile. `checkAll` comes first, and nobody adds.
   */
  nearest(
    queries: Matrix,
    { from, to, k, count = this.count }: { from: number; to: number; k: number; count?: number },
    slots: Uint32Array,
    distances: Float32Array,
  ): void {
    if (this.#vectors && this.keepsOriginals) {
      this.#vectors.nearestBatch(queries, { from, to, count, k }, slots, distances);
    } else {
      const { arena, at, options } = this;
      scanRecords({ arena, at, options }, queries, { from, to, k, count }, slots, distances);
    }
  }

  /** Whether bounds choose who is compared again; where nothing is said, they do under RaBitQ, whose estimates are known for theirs. */
  #goesByBounds(bounded: boolean | undefined): boolean {
    const { codes, finer } = this.options;
    if (bounded === undefined) return typeof codes === 'object' && codes.kind === 'rabitq' && finer === 'none';
    if (bounded && codes === 'sq7') {
      const want = 'a number: sq7 codes have no bounds, those of a ScalarQuantizer of 7 or 8 bits have';
      throw new ParameterError({ parameter: 'rerank', got: 'bound', want });
    }
    return bounded && typeof codes === 'object';
  }

  /**
   * Checks what came from a file and nobody has looked at: before anything is written, or read but by a search. Throws
   * CorruptionError.
   */
  checkAll(): void {
    this.fromFile.checkAll();
  }

  /**
   * The vector of a slot as it was admitted or, where originals are not kept, as its 7-bit code has it: a view, good until the next
   * call.
   */
  vector(slot: number): Float32Array {
    if (this.#vectors && this.keepsOriginals) return this.#vectors.row(slot);
    const { at, f32, kernels } = this.arena;
    const { dimension } = this.options;
    const { decoded } = this.at;
    let from = at.records + slot * this.layout.recordBytes;
    if (this.form !== 'f32') {
      if (this.form === 'u8') kernels.widen(from, decoded, dimension);
      // A lifted one has a component more than is asked for, which its code ends with.
      else kernels.decode(from, decoded, this.space.dimension);
      from = decoded;
    }
    return f32.subarray(from >>> 2, (from >>> 2) + dimension);
  }

  /**
   * An empty index is again as it was made: its records may be bytes, and no vector is the longest. For the index's own thread; no other
   * may be inserting.
   */
  beginAnew(): void {
    const [form] = formsOf(this.options.codes, this.space).toReversed();
    if (this.form === form && this.lengths.longest === 0) return;
    this.#beginEra(ERA.formMoves);
    this.lengths = { longest: 0, usual: 0 };
    Atomics.store(this.state, STATE.form, FORM_CODES[form]);
    // Whoever looks for the medoid of what other threads place has not walked since.
    this.#configureSpace();
    this.endEra();
  }

  /**
   * Makes codes of the first `count` vectors, which are held as bytes, and keeps the vectors beside. No thread may be
   * inserting; searches wait. The vector that was admitted stays.
   */
  leaveBytes(count: number): void {
    const { kernels, at, f32 } = this.arena;
    const { dimension } = this.options;
    const { decoded } = this.at;
    const widened = f32.subarray(decoded >>> 2, (decoded >>> 2) + dimension);
    this.#beginEra(ERA.formMoves);
    for (let slot = 0; slot < count; slot++) {
      const record = at.records + slot * this.layout.recordBytes;
      kernels.widen(record, decoded, dimension);
      this.#vectors?.row(slot).set(widened);
      kernels.encode(decoded, record, dimension);
    }
    Atomics.store(this.state, STATE.form, FORM_CODES.sq7);
    this.endEra();
  }

  /**
   * Reckons with these lengths from now on, and writes the first `count` anew, which have another component for it. No thread may be
   * inserting; searches wait.
   */
  reckonWith(lengths: Lengths, count: number): void {
    const { kernels, at } = this.arena;
    this.#beginEra(ERA.formMoves);
    this.lengths = lengths;
    for (let slot = 0; slot < count; slot++) {
      const record = at.records + slot * this.layout.recordBytes;
      this.readmit(slot);
      if (this.form === 'sq7') kernels.encode(this.at.query, record, this.space.dimension);
      else this.arena.f32.set(this.#query, record >>> 2);
      if (this.options.filter === 'none') continue;
      kernels.rotateCentred(this.at.query);
      kernels.encodeSigns(this.at.query, slot);
    }
    this.endEra();
  }

  /** Whether the filter's centre is to be moved when so many vectors are held. */
  recentresAt(count: number): boolean {
    return this.options.filter === 'sign' && RECENTRE_AT.includes(count);
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
    const { dimension, lifted } = this.space;
    const sum = new Float64Array(dimension);
    for (let slot = from; slot < to; slot++) {
      if (lifted) this.readmit(slot);
      const vector = lifted ? this.#query : this.vector(slot);
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
    const { kernels } = this.arena;
    const { query } = this.at;
    for (let slot = from; slot < to; slot++) {
      this.readmit(slot);
      kernels.rotateCentred(query);
      kernels.encodeSigns(query, slot);
    }
  }

  endEra(): void {
    const era = Atomics.load(this.state, STATE.era);
    Atomics.store(this.state, STATE.era, (era & ~(ERA.signsMove | ERA.formMoves)) + ERA.next);
    Atomics.notify(new Int32Array(this.state.buffer, this.state.byteOffset), STATE.era);
  }

  #beginEra(what: number): void {
    Atomics.or(this.state, STATE.era, what);
    // A load behind it keeps what is rewritten now from being seen before it, on machines that would allow that.
    Atomics.load(this.state, STATE.era);
  }

  /** Where the arena holds codes, the vector itself lies in the store before anybody can find the slot. */
  protected keepOriginal(slot: number): void {
    if (this.keepsOriginals) this.#vectors?.row(slot).set(this.#given);
  }

  /** Whether the exact vectors lie beside the records. */
  get keepsOriginals(): boolean {
    return keepsOriginals(this.form, this.space);
  }

  #nearestOf(vectors: VectorStore, slots: Uint32Array, k: number) {
    try {
      return vectors.nearestOf(this.#given, slots, k);
    } catch (error) {
      throw this.fromFile.explained(error);
    }
  }

  /** What a walk failed on: a page that is not what its file promised, or links that cannot be. */
  protected broken(): CorruptionError | BrokenIndexError {
    const damage = this.fromFile.damage();
    if (damage) return damage;
    const slot = this.arena.kernels.brokenSlot();
    return new BrokenIndexError(`${slot < 0 ? 'a node' : `node ${slot}`} has links that cannot be`);
  }
}

/** Where a forged file's checksums are right, an address in it may lead out of the memory, which traps. */
export function orBroken(walk: () => number, broken: number): number {
  try {
    return walk();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return broken;
    throw error;
  }
}

/** Names of forms by their codes. */
const FORMS = Object.keys(FORM_CODES) as (keyof typeof FORM_CODES)[];
/** Below this many vectors there is no mean worth the name, and nothing to save. */
export const FILTER_FROM = 1024;
/** At these counts the filter's centre is moved to the mean of what is held. */
const RECENTRE_AT: readonly number[] = [1024, 16_384, 262_144];
