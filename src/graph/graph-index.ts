/**
 * What a graph index is to its caller, whatever graph it is: options, ids, statistics, and who may add when. HNSW (`hnsw.ts`) and
 * Vamana (`vamana.ts`) add how nodes are linked.
 *
 * The graph, the walk and the codes live in an arena and are worked by the kernels in one call, through the hands of a thread
 * (`graph-thread.ts`). The nodes one by one are in `graph-nodes.ts`, what of it is worth keeping in `graph-image.ts`, what a wanted
 * recall takes in `calibration.ts`.
 */
import { BrokenIndexError, BusyError, ParameterError } from '../core/errors.ts';
import { Ids } from '../core/ids.ts';
import { patient } from '../core/patient.ts';
import { Random } from '../core/random.ts';
import { Arena } from '../kernels/memory.ts';
import { FORM_CODES, rowBytesOf, VectorStore } from '../kernels/vectors.ts';
import { type CalibrateOptions, type Calibration, calibrate, isCurrent, MOST_FEWER } from './calibration.ts';
import { checkBatch, checkGiven, checkVector, nameOf } from './checks.ts';
import { faultsOf, faultsOfDeleted } from './graph-faults.ts';
import {
  type GraphImage,
  type GraphMeta,
  type Imaged,
  type Place,
  placesOf,
  putImage,
  type StoredImage,
  takeImage,
} from './graph-image.ts';
import {
  type GraphLayout,
  isKept,
  isToChild,
  isWay,
  layoutOf,
  type Region,
  ROTATION_ROUNDS,
  type Shape,
  STATE,
} from './graph-layout.ts';
import { GraphNodes } from './graph-nodes.ts';
import { type AllGraphOptions, fittedCapacity, type GraphKind } from './graph-options.ts';
import type { GraphHandle, GraphThread } from './graph-thread.ts';
import { settingFor } from './recall-target.ts';
import { codesTitle, formsOf } from './record-form.ts';
import { type NodesInMemory, renumber } from './renumber.ts';
import { ThreadNumbers } from './thread-numbers.ts';
import type { AddBatchOptions, Metric, SearchOptions, SearchResult, VectorIndex } from './vector-index.ts';
import { walkSpaceOf } from './walk-space.ts';

/** What an index is and holds. Bytes are those in use, not those reserved. */
export interface GraphStats {
  count: number;
  /** Vectors that were deleted and take room until they are consolidated. */
  deleted: number;
  capacity: number;
  dimension: number;
  metric: Metric;
  /** f32, sq7, or what a quantizer's codes are called, such as pq64 or rabitq4. */
  codes: string;
  filter: 'sign' | 'none';
  alpha: number;
  /** Links of a node on level 0, on average. */
  meanDegree: number;
  ramBytes: {
    total: number;
    records: number;
    signs: number;
    upper: number;
    finer: number;
    vectors: number;
    scratch: number;
  };
  /** What a search walks over: all but the originals and finer codes kept for re-ranking. */
  walkBytes: number;
  hugePages: boolean;
  /** What `calibrate` measured, if it has been called. */
  calibration?: Calibration;
}

/** Rows that other threads are adding: slots `first` … `first + rows` − 1 are theirs. */
export interface Claim {
  first: number;
  rows: number;
  /** For each row the number of its first list on the upper levels; shared memory. */
  upper: Uint32Array;
}

/** How an index that comes from a file shall be: `chunkRows` originals in a memory, a multiple of 4096, by default as many as fit. */
export interface RestoreOptions {
  capacity?: number;
  threads?: number;
  chunkRows?: number;
}

/** What an index is reserved with. */
export interface Reserved<Handle, Thread> {
  kind: GraphKind;
  shape: Shape;
  /** How many links pruning leaves a node on level 0; and how many of a list it may not drop. */
  links: number;
  mostKept: number;
  /** For messages. */
  title: string;
  threadOn(handle: Handle): Thread;
  model?: Uint8Array;
  /** Whether the exact vectors are kept beside records that hold something else. Default: yes. */
  originals?: boolean;
  chunkRows?: number;
}

export abstract class GraphIndex<
  Options extends AllGraphOptions & { alpha: number } = AllGraphOptions & { alpha: number },
  Thread extends GraphThread<Options> = GraphThread<Options>,
> implements VectorIndex
{
  readonly dimension: number;
  readonly metric: Metric;
  readonly capacity: number;
  /** For those who store, share or examine the graph, down to `numbers`; searches and inserts are the way in for all others. */
  readonly layout: GraphLayout;
  readonly arena: Arena<Region>;
  /** What other threads need to work on the same index. */
  readonly handle: GraphHandle<Options>;
  /** The hands of the thread that this object lives in. */
  readonly thread: Thread;
  /** Who else works on it. */
  readonly numbers: ThreadNumbers;
  protected readonly options: Options;
  protected ids = new Ids();
  /** Lists in use above level 0. */
  protected upperLists = 0;
  readonly #nodes: GraphNodes;
  readonly #links: number;
  readonly #mostKept: number;
  readonly #vectors: VectorStore | undefined;
  #calibration: Calibration | undefined;
  /** What is going on that no vector may be added beside, in words. */
  protected busy: string | undefined;
  /** Whether nodes are being moved. */
  #moving = false;
  /** What whoever adds is told, once and for all. */
  #forbidden: Error | undefined;

  protected constructor(
    options: Options,
    {
      kind,
      shape,
      links,
      mostKept,
      title,
      threadOn,
      model,
      originals = true,
      chunkRows,
    }: Reserved<GraphHandle<Options>, Thread>,
  ) {
    const { dimension, metric, capacity, codes, threads } = options;
    this.dimension = dimension;
    this.metric = metric;
    this.capacity = capacity;
    this.options = options;
    const space = walkSpaceOf(kind, options);
    this.#links = links;
    this.#mostKept = mostKept;
    this.layout = layoutOf(shape);
    const reserved = Arena.reserve(capacity, this.layout.plan, title);
    const { memory, at, u32 } = reserved;
    // Normalized components are no integers.
    const [form] = formsOf(codes, space).toReversed();
    u32[(at.state >>> 2) + STATE.form] = FORM_CODES[form];
    if (model) reserved.bytes.set(model, at.model);
    if (options.filter === 'sign') this.#writeFlips(reserved);
    const vectors =
      originals && (codes !== 'f32' || space.lifted)
        ? VectorStore.reserve({ dimension, metric, capacity, threads, ...(chunkRows !== undefined && { chunkRows }) })
        : undefined;
    this.#vectors = vectors;
    this.handle = { kind, options, memory, at, ...(vectors && { vectors: vectors.handle }) };
    this.thread = threadOn(this.handle);
    this.numbers = new ThreadNumbers(threads);
    this.arena = this.thread.arena;
    this.#nodes = new GraphNodes(this.arena, this.layout, shape);
  }

  /** The level that a node in this slot is on. */
  protected abstract levelOf(slot: number): number;

  /** The sections have been put in their places: from now on this is the index that they are the image of. */
  adopt(meta: GraphMeta, stored: StoredImage): void {
    this.ids = putImage(meta, stored, this.#imaged());
    this.upperLists = meta.upperLists;
    this.#calibration = meta.calibration;
  }

  /**
   * What is worth keeping, as views: nothing may be added before they have been read (see `pauseAdding`). Throws
   * CorruptionError or BusyError.
   */
  image(): GraphImage {
    this.#checkIdle();
    this.thread.checkAll();
    const { ids, upperLists } = this;
    const calibration = this.#calibration;
    return takeImage(this.#imaged(), { ids, upperLists, ...(calibration && { calibration }) });
  }

  /** How `restore` of a kind of index completes what its file says. Throws what `completeOf` throws, or ParameterError. */
  protected static restoredOptions<Options extends AllGraphOptions>(
    meta: { count: number; options: Omit<Options, 'threads'> },
    completeOf: (options: Options) => Options,
    shapeOf: (options: Options) => Shape,
    { capacity, threads }: RestoreOptions,
  ): Options {
    if (capacity !== undefined && capacity < meta.count) {
      const want = `at least the ${meta.count} vectors that are held`;
      throw new ParameterError({ parameter: 'capacity', got: capacity, want });
    }
    const options = completeOf({
      ...meta.options,
      ...(capacity !== undefined && { capacity }),
      ...(threads !== undefined && { threads }),
    } as Options);
    if (capacity === undefined) {
      // More threads than it was created for leave room for fewer vectors.
      options.capacity = Math.max(meta.count, fittedCapacity(options.capacity, shapeOf(options)));
    }
    return options;
  }

  /** Until what it returns is called, whoever adds gets a BusyError with this reason. */
  pauseAdding(why: string): () => void {
    this.#checkIdle();
    this.busy = why;
    return () => {
      this.busy = undefined;
    };
  }

  /** From now on whoever adds gets this error. */
  forbidAdding(error: Error): void {
    this.#forbidden = error;
  }

  /** How many vectors are held, deleted ones apart. While other threads add, those that are complete. */
  get count(): number {
    return this.thread.count - this.thread.deleted;
  }

  add(vector: Float32Array, id: number = this.ids.next()): number {
    checkVector(vector, this.dimension, 'vector');
    this.addBatch(vector, { ids: [id] });
    return id;
  }

  /**
   * Throws DimensionError, ParameterError, VectorValueError, CapacityError, DuplicateIdError, or BusyError while a pool adds or
   * a file is written.
   */
  abstract addBatch(vectors: Float32Array, options?: AddBatchOptions): void;

  /**
   * The k nearest to `query` that a beam of efSearch finds; min(k, count) of them, so an empty index returns none. Where the walk
   * is on codes, the best `rerank` candidates (default: k and a few) are compared again on the exact vectors. Works while other
   * threads add.
   * `recallTarget` instead: the cheapest setting whose recall has a lower bound of that much, as `calibrate` measured it; of a k
   * between two that were measured, the more demanding one's. Throws DimensionError, VectorValueError, or ParameterError (k < 1,
   * efSearch < k, gamma below 0 or above 10, rerank between 1 and k − 1; a target that nobody has measured, or beyond the best).
   */
  search(query: Float32Array, options: SearchOptions): SearchResult {
    this.#checkStill();
    const { slots, distances, work } = this.thread.search(query, this.resolve(options));
    return { ids: this.ids.translate(slots), distances, work };
  }

  /** What `search` does with these options, as threads are told that know no calibration. Throws ParameterError. */
  resolve(options: SearchOptions): SearchOptions {
    this.#checkStill();
    checkGiven(options, '{ k: 10 }');
    if (options.recallTarget !== undefined) return settingFor(this.#calibration, this.thread, options);
    const calibration = this.#calibration;
    if (!calibration || !isCurrent(calibration, this.thread)) return options;
    const { filterWords = calibration.filterWords, defer } = options;
    // What was measured to be least work may find less at one gamma: a recall target reckons with that, a caller's own gamma does not.
    const still = defer === undefined && calibration.defer === false;
    return { ...options, filterWords, ...(still && { defer: false }) };
  }

  /**
   * Measures what recall costs, on a sample, and keeps it, with the index when it is saved: from now on searches may name a
   * `recallTarget`, and look at as many sign bits as were found to be the least work. It holds until there are more than twice as
   * many vectors. Gives way to the event loop now and then; whoever adds meanwhile gets a BusyError. Throws ParameterError,
   * DimensionError, VectorValueError, CorruptionError or BusyError.
   */
  async calibrate(options: CalibrateOptions = {}): Promise<Calibration> {
    const resume = this.pauseAdding('the index is being calibrated: await that');
    try {
      this.thread.checkAll();
      const entryPoint = this.arena.u32[(this.arena.at.state >>> 2) + STATE.entryPoint];
      this.#calibration = await calibrate(
        this.thread,
        { entryPoint, links: this.#links, options: this.options },
        options,
      );
      return this.#calibration;
    } finally {
      resume();
    }
  }

  /** What `calibrate` measured, if it has been called; of a file, no more is read for it than its header. */
  get calibration(): Calibration | undefined {
    return this.#calibration;
  }

  /** Slots, as other threads find them, become ids, in place. */
  translate(slots: Uint32Array): Uint32Array {
    return this.ids.translate(slots);
  }

  /**
   * The ids that the node `id` is linked to on `level`; empty above the node's own level. Throws ParameterError for an unknown
   * id.
   */
  neighbors(id: number, level = 0): Uint32Array {
    this.#checkStill();
    this.thread.checkAll();
    const slot = this.ids.slotOf(id);
    if (slot === undefined)
      throw new ParameterError({ parameter: 'id', got: id, want: 'no vector of that id is held' });
    if (level > this.#nodes.node(slot).level) return new Uint32Array(0);
    return this.ids.translate(this.#nodes.links(slot, level).filter((link) => !this.ids.isVacant(link)));
  }

  stats(): GraphStats {
    this.thread.checkAll();
    const { dimension, metric, capacity } = this;
    const { count: slots, deleted } = this.thread;
    const count = slots - deleted;
    const { filter, alpha } = this.options;
    const codes = codesTitle(this.options.codes);
    const { recordBytes, finerBytes, upperBytes, signBytes, plan, threadPlan } = this.layout;
    let links = 0;
    for (let slot = 0; slot < slots; slot++)
      if (!this.ids.isVacant(slot)) links += this.arena.u32[this.#nodes.node(slot).list];
    const records = slots * recordBytes;
    const signs = slots * signBytes;
    const upper = this.upperLists * upperBytes;
    const finer = slots * finerBytes;
    const vectors = this.thread.keepsOriginals ? slots * rowBytesOf(dimension) : 0;
    const scratch = plan(0).flips + threadPlan(0).end + slots;
    const walkBytes = records + signs + upper + scratch;
    return {
      ...{ count, deleted, capacity, dimension, metric, codes, filter, alpha },
      meanDegree: count ? links / count : 0,
      ramBytes: { total: walkBytes + finer + vectors, records, signs, upper, finer, vectors, scratch },
      walkBytes,
      hugePages: this.arena.hugePages,
      ...(this.#calibration && { calibration: this.#calibration }),
    };
  }

  /**
   * Checks all at once what came from a file and has not been looked at; a search checks what it touches. Throws CorruptionError.
   */
  checkAll(): void {
    this.thread.checkAll();
  }

  /**
   * Walks the whole graph and says, a sentence each, what is broken (see `faultsOf`). None: the graph is whole. Not while
   * anybody adds.
   */
  validate(): string[] {
    this.thread.checkAll();
    const { count } = this.ids;
    if (count === 0) return [];
    const { u32, at } = this.arena;
    const nodes = this.#nodes;
    const state = u32.subarray(at.state >>> 2);
    const [held, entryPoint, topLevel] = [state[STATE.count], state[STATE.entryPoint], state[STATE.topLevel]];
    const twice = this.ids.duplicates().map((id) => `two vectors have the id ${id}`);
    return twice.concat(
      this.#faultsOfDeleted(),
      faultsOf({
        ...{ count, held, entryPoint, topLevel },
        mostLinks: (level) => nodes.mostLinks(level),
        drawnLevel: (slot) => this.levelOf(slot),
        levelOf: (slot) => nodes.node(slot).level,
        linksOf: (slot, level) => nodes.links(slot, level),
        childrenOf: (slot, level) => nodes.links(slot, level, isToChild),
        waysOf: (slot, level) => nodes.links(slot, level, isWay),
        mostKept: this.#mostKept,
        upperOf: (slot) => nodes.node(slot).upper,
        upperLists: this.upperLists,
        isLocked: (slot) => nodes.node(slot).lock !== 0,
        entryIsLocked: state[STATE.entryLock] !== 0,
      }),
    );
  }

  #faultsOfDeleted(): string[] {
    const { count, vacant } = this.ids;
    const marked = Uint32Array.from({ length: count }, (_, slot) => slot).filter((slot) => this.isDeleted(slot));
    return faultsOfDeleted({ marked, vacant, counted: this.thread.deleted });
  }

  /** Before nodes are moved. Throws BrokenIndexError where what is marked deleted is not what is counted so. */
  protected checkDeleted(): void {
    const [fault] = this.#faultsOfDeleted();
    if (fault !== undefined) throw new BrokenIndexError(fault);
  }

  /**
   * Moves the nodes so that those near in space are near in memory, in slots one behind the other, by cycles, with no second
   * copy of anything. Ids stay, and so do all answers, to the bit, but for which of several vectors at one distance come first
   * where originals lie in several memories. What is added later lies behind.
   *
   * Nobody else may work on the index meanwhile, whose slots would be others under a walk: throws BusyError while a pool is
   * open or a file is written, what `forbidAdding` says, CorruptionError, or BrokenIndexError; then nothing has been moved.
   * `onProgress` gets a BusyError where it searches or adds; what it throws is thrown when all is done.
   */
  renumber({ onProgress }: { onProgress?: (done: number, total: number) => void } = {}): void {
    this.checkMayAdd();
    if (this.numbers.taken > 0)
      throw new BusyError('a pool works on the index: close it, renumber, and start another one');
    this.thread.checkAll();
    this.checkDeleted();
    const { count } = this.ids;
    const nodes = this.nodesInMemory();
    const { report, throwFirst } = patient(onProgress, count);
    const rest = this.beginMoving('the index is being renumbered');
    try {
      const { from, to } = renumber(nodes, (done, total) => {
        if (done < total) report(done / total);
      });
      const state = this.arena.at.state >>> 2;
      this.setState(STATE.entryPoint, to[this.arena.u32[state + STATE.entryPoint]] ?? 0);
      // Marks are the slots': they do not move with the records.
      for (const slot of this.ids.vacant) this.#nodes.mark(slot, false);
      this.ids.permute(from);
      for (const slot of this.ids.vacant) this.#nodes.mark(slot, true);
    } finally {
      rest();
    }
    report(1);
    throwFirst();
  }

  /** Until what it returns is called, whoever adds or searches gets a BusyError with this reason. */
  protected beginMoving(why: string): () => void {
    this.busy = why;
    this.#moving = true;
    return () => {
      this.#moving = false;
      this.busy = undefined;
    };
  }

  protected isDeleted(slot: number): boolean {
    return this.#nodes.isDeleted(slot);
  }

  /** The node's links on level 0 that pruning may not drop. */
  protected keptLinks(slot: number): Uint32Array {
    return this.#nodes.links(slot, 0, isKept);
  }

  /** From now on no search finds the node; its id is free. Nobody adds. */
  protected markDeleted(slot: number): void {
    this.ids.vacate(slot);
    this.#nodes.mark(slot, true);
    // Behind the mark: who reads that there are deleted ones finds it.
    Atomics.add(this.arena.u32, (this.arena.at.state >>> 2) + STATE.deleted, 1);
  }

  /**
   * The nodes have been moved: slot by slot they are those of the slots `from`, the first `count` of which live; the others are
   * gone for good.
   */
  protected truncate(from: Uint32Array, count: number): void {
    for (const slot of this.ids.vacant) this.#nodes.mark(slot, false);
    this.ids.permute(from);
    this.ids.truncate(count);
    this.setState(STATE.count, count);
    this.setState(STATE.claimed, count);
    this.setState(STATE.deleted, 0);
    if (this.#calibration && this.#calibration.count > MOST_FEWER * count) this.#calibration = undefined;
  }

  /**
   * Hands the next slots to other threads, which insert rows of `vectors` there, in order. Until `settle` nobody else adds.
   * `vectors` have been admitted, row by row. Throws what `addBatch` throws, VectorValueError apart.
   */
  claim(vectors: Float32Array, ids?: ArrayLike<number>): Claim {
    this.checkMayAdd();
    const first = this.ids.count;
    const batch = checkBatch({ ...this.shape(), count: first }, vectors, ids, this.ids);
    this.thread.checkAll();
    const rows = batch.rows.length;
    const upper = new Uint32Array(new SharedArrayBuffer(rows * 4));
    let lists = this.upperLists;
    for (let row = 0; row < rows; row++) {
      upper[row] = lists;
      lists += this.levelOf(first + row);
    }
    for (let row = 0; row < rows; row++) this.ids.push(batch.ids[row]);
    this.setState(STATE.claimed, first + rows);
    this.busy =
      'a pool is adding vectors: await its addBatch (where that was rejected as damaged: build the index again)';
    return { first, rows, upper };
  }

  /** Ends a claim of which the first `added` rows are in. The other slots and ids are free again. */
  settle({ first, upper }: Claim, added: number): void {
    this.ids.truncate(first + added);
    if (added > 0) this.upperLists = upper[added - 1] + this.levelOf(first + added - 1);
    this.setState(STATE.claimed, first + added);
    this.setState(STATE.count, first + added);
    this.busy = undefined;
  }

  /** All that `renumber` moves. Throws BrokenIndexError where a node's level or upper lists are not what the seed makes them. */
  protected nodesInMemory(): NodesInMemory {
    const originals = this.thread.keepsOriginals ? this.#vectors : undefined;
    return this.#nodes.inMemory({
      count: this.ids.count,
      levelOf: (slot) => this.levelOf(slot),
      ...(originals && { originals }),
    });
  }

  #checkIdle(): void {
    if (this.busy) throw new BusyError(this.busy);
  }

  /** Slots are not to be asked for while they change, as one who watches the progress of that might do. */
  #checkStill(): void {
    if (this.#moving) this.#checkIdle();
  }

  protected checkMayAdd(): void {
    if (this.#forbidden) throw this.#forbidden;
    this.#checkIdle();
  }

  /** Where the large sections of an image with these numbers lie in this index. */
  protected places(meta: GraphMeta): Place[] {
    return placesOf(meta, this.#imaged());
  }

  #imaged(): Imaged {
    const { handle, thread } = this;
    return { handle, thread, ...(this.#vectors && { vectors: this.#vectors }) };
  }

  protected shape() {
    return { dimension: this.dimension, capacity: this.capacity, deleted: this.thread.deleted };
  }

  protected setState(word: number, value: number): void {
    Atomics.store(this.arena.u32, (this.arena.at.state >>> 2) + word, value);
  }

  #writeFlips({ at, f32 }: Arena<Region>): void {
    const random = new Random(`rotation ${this.options.seed}`);
    const n = ROTATION_ROUNDS * this.layout.rotated;
    for (let i = 0; i < n; i++) f32[(at.flips >>> 2) + i] = random.uniform() < 0.5 ? -1 : 1;
  }
}

/** Throws ParameterError unless it is an index over a graph, which alone can be saved and worked on by a pool. */
export function checkGraph(index: unknown): void {
  if (index instanceof GraphIndex) return;
  throw new ParameterError({ parameter: 'index', got: nameOf(index), want: 'an Hnsw or a Vamana' });
}
