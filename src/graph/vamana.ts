/**
 * Vamana: the graph of DiskANN (Subramanya, Devvrit, Kadekodi, Krishnaswamy & Simhadri 2019). One layer; a node is linked to those
 * of the nodes that a search for it visited which RobustPrune leaves, at most R: near ones, and by α > 1 long edges too, so that
 * a search from the medoid comes nearer by a factor with every hop.
 *
 * How nodes are linked is in `vamana-batches.ts` and, the kernels, in `kernels/assembly/vamana.ts`, where the departures from the
 * paper are listed. What an index is to its caller besides is in `graph-index.ts`.
 */

import { assert } from '../core/assert.ts';
import { BrokenIndexError, BusyError, ParameterError } from '../core/errors.ts';
import { patient } from '../core/patient.ts';
import { Random } from '../core/random.ts';
import { MOST_NORM2 } from '../kernels/intake.ts';
import type { MetaOf, Place } from './graph-image.ts';
import { type Claim, GraphIndex, type GraphStats, type RestoreOptions } from './graph-index.ts';
import { STATE } from './graph-layout.ts';
import { givenOf, modelOf } from './graph-options.ts';
import { FILTER_FROM } from './graph-thread.ts';
import { codesTitle } from './record-form.ts';
import { checkLists, moveNodes } from './renumber.ts';
import { type Survey, surveyOf } from './survey.ts';
import { link } from './vamana-batches.ts';
import { livingFirst, repairing } from './vamana-consolidate.ts';
import {
  type AllVamanaOptions,
  completeVamanaOptions,
  type VamanaOptions,
  vamanaShapeOf,
  vamanaSlackOf,
} from './vamana-options.ts';
import type { Step } from './vamana-steps.ts';
import { VamanaThread } from './vamana-thread.ts';
import { growTree } from './vamana-tree.ts';
import type { AddBatchOptions } from './vector-index.ts';
import { LengthsSeen, liftOf } from './walk-space.ts';

export interface ConsolidateOptions {
  /** Called now and then with the vectors whose links have been looked at. */
  onProgress?: (done: number, total: number) => void;
}

export interface VamanaStats extends GraphStats {
  R: number;
  L: number;
  passes: 1 | 2;
}

/** Of vectors longer than all that are held: by how much longer ones are reckoned with. */
const SPARE_LENGTH = 1.25;
/** Nodes that are asked whether they may be a parent: far more than there are without room side by side. */
const MOST_ASKED = 100_000;

export class Vamana extends GraphIndex<AllVamanaOptions, VamanaThread> {
  #noted: Uint32Array | undefined;

  /** Throws DimensionError, ParameterError or, where the capacity does not fit below 4 GiB, MemoryLimitError. */
  static create(options: VamanaOptions): Vamana {
    const complete = completeVamanaOptions(givenOf(options, completeVamanaOptions, 'a Vamana'));
    const model = modelOf(options.codes, complete);
    return new Vamana(complete, { ...(model && { model }) });
  }

  protected constructor(
    options: AllVamanaOptions,
    given: { model?: Uint8Array; originals?: boolean; chunkRows?: number },
  ) {
    const { capacity, dimension, codes, R } = options;
    super(options, {
      kind: 'vamana',
      shape: vamanaShapeOf(options),
      links: R,
      mostKept: vamanaSlackOf(R),
      title: `${capacity} × ${dimension}-D (${codesTitle(codes)}, R ${R})`,
      threadOn: (handle) => new VamanaThread(handle, 0),
      ...given,
    });
  }

  /**
   * An empty index of the shape that `meta` says, and where the sections of its image are to be put; then `adopt`. Throws what
   * `checkMeta` throws, or ParameterError.
   */
  static restore(meta: MetaOf<'vamana'>, restored: RestoreOptions = {}): { index: Vamana; places: Place[] } {
    const { chunkRows } = restored;
    const options = GraphIndex.restoredOptions(meta, completeVamanaOptions, vamanaShapeOf, restored);
    const index = new Vamana(options, { ...(chunkRows !== undefined && { chunkRows }) });
    return { index, places: index.places(meta) };
  }

  /**
   * Builds the whole graph of an empty index, as the paper has it: from the medoid, in random order, in one pass or two (see `VamanaOptions`). Better
   * than adding, which knows only those that came before. On all cores: `Pool.build`. Throws what `addBatch` throws,
   * ParameterError where vectors are held already, and at once what `onProgress` throws: the index is empty then.
   */
  build(vectors: Float32Array, options: AddBatchOptions = {}): void {
    this.#run(this.building(vectors, options));
  }

  /** The steps of that; whoever is given one does all its rows before he asks for the next. */
  *building(vectors: Float32Array, { ids, onProgress }: AddBatchOptions = {}): Generator<Step, void> {
    if (this.ids.count > 0) {
      const want = 'an empty index: add to this one, or create another';
      const got = this.count > 0 ? `${this.count} vectors` : 'deleted vectors that are not consolidated';
      throw new ParameterError({ parameter: 'index', got, want });
    }
    const { filter } = this.options;
    const { claim, sum } = yield* this.#admitting(vectors, ids, { sum: true });
    const { rows } = claim;
    let built = 0;
    try {
      if (rows === 0) return;
      if (filter === 'sign' && rows >= FILTER_FROM) {
        this.thread.moveCentre(sum, rows);
        this.thread.endEra();
      }
      yield { kind: 'place', rows, vectors, first: 0 };
      this.#beginAt(this.#medoid(sum, rows, rows));
      yield* this.linkingAll(rows, (share) => onProgress?.(Math.floor(share * rows), rows));
      this.#growTree();
      built = rows;
      onProgress?.(rows, rows);
    } finally {
      this.settle(claim, built);
    }
  }

  /** The passes over the first `rows` nodes, which have been placed; searches begin at slot 0. */
  protected *linkingAll(rows: number, onLinked: (share: number) => void): Generator<Step, void> {
    const { alpha, passes, R, firstL, seed } = this.options;
    // The start is there from the beginning, and has links in the first pass already only to whom chose it.
    const others = new Random(`order ${seed}`).permutation(rows - 1).map((i) => i + 1);
    const filtered = rows >= FILTER_FROM;
    const scaffold = { nodes: others, linked: 1, choosing: { alpha: 1, L: firstL, filtered } };
    const all = new Uint32Array(rows);
    all.set(others, 1);
    const again = { nodes: all, linked: rows, choosing: { alpha, filtered } };
    const once = { nodes: others, linked: 1, choosing: { alpha, filtered } };
    const rounds = passes === 2 ? [scaffold, again] : [once];
    for (const [round, linking] of rounds.entries()) {
      yield* link({
        ...{ ...linking, R, total: rows },
        places: this.#places(),
        onLinked: (done) => onLinked((round + done / rows) / passes),
      });
    }
  }

  /** The steps of `addBatch`: nodes are linked in order, each batch of them to those before it (FreshDiskANN's insert). */
  *adding(vectors: Float32Array, { ids, onProgress }: AddBatchOptions = {}): Generator<Step, void> {
    const { dimension, thread } = this;
    const { alpha, R } = this.options;
    const { claim } = yield* this.#admitting(vectors, ids, { sum: false });
    const { first, rows } = claim;
    const { report, throwFirst } = patient(onProgress, rows);
    for (let from = 0; from < rows; ) {
      const to = this.#pieceEnd(claim, from);
      const piece = { rows: to - from, first: first + from };
      yield { kind: 'place', ...piece, vectors: vectors.subarray(from * dimension, to * dimension) };
      // The first of all is where searches begin.
      const begun = Math.max(1, piece.first);
      const nodes = Uint32Array.from({ length: first + to - begun }, (_, i) => begun + i);
      yield* link({
        ...{ nodes, R, linked: begun, total: first + to },
        choosing: { alpha, filtered: piece.first >= FILTER_FROM },
        places: this.#places(),
        parentsOf: (batch, linksOf) => this.#parentsOf(batch, linksOf),
        onLinked: (done) => {
          this.setState(STATE.count, begun + done);
          report((begun + done - first) / rows);
        },
      });
      this.setState(STATE.count, first + to);
      // The first of all is linked to nobody.
      if (nodes.length === 0) report(to / rows);
      if (thread.recentresAt(first + to)) thread.recentre(first + to);
      from = to;
    }
    this.settle(claim, rows);
    throwFirst();
  }

  /** On all cores: `Pool.addBatch`. */
  addBatch(vectors: Float32Array, options: AddBatchOptions = {}): void {
    this.#run(this.adding(vectors, options));
  }

  /**
   * From now on no search finds the vector, and its id is free; searches of other threads that are under way may still name it.
   * Walks go through its node until `consolidate` takes it out, which should be called before a tenth of all are deleted: until
   * then deleted nodes take room, and beams find as many that live behind them. Throws ParameterError for an id that is not held;
   * or what `addBatch` throws while nothing may be added.
   */
  delete(id: number): void {
    this.checkMayAdd();
    const slot = this.ids.slotOf(id);
    if (slot === undefined)
      throw new ParameterError({ parameter: 'id', got: id, want: 'no vector of that id is held' });
    this.thread.checkAll();
    this.markDeleted(slot);
  }

  /**
   * Takes deleted nodes out: their neighbours are linked to one another by RobustPrune (FreshDiskANN, algorithm 4), a new start is
   * chosen where the old one was deleted, and slots are as many as there are vectors again. Ids stay. On all cores:
   * `Pool.consolidate`. Nobody else may search or add meanwhile: throws BusyError while a pool is open, what `addBatch` throws
   * while nothing may be added, CorruptionError, or BrokenIndexError; then nothing has been changed. What `onProgress` throws is
   * thrown when all is done.
   */
  consolidate(options: ConsolidateOptions = {}): void {
    this.#run(this.consolidating(options));
  }

  /** The steps of that, `beside` so many threads, which do nothing else; whoever is given one does all its rows before he asks for the next. */
  *consolidating({ onProgress }: ConsolidateOptions = {}, beside = 0): Generator<Step, void> {
    this.checkMayAdd();
    if (this.numbers.taken > beside) {
      const mended = beside > 0 ? 'close all others first' : 'call its consolidate, or close it first';
      throw new BusyError(`a pool works on the index: ${mended}`);
    }
    this.thread.checkAll();
    this.checkDeleted();
    const nodes = this.nodesInMemory();
    checkLists(nodes);
    const { report, throwFirst } = patient(onProgress, this.count);
    if (this.thread.deleted > 0) {
      const rest = this.beginMoving('the index is being consolidated: await that');
      let whole = false;
      try {
        const shorter = this.#shorten();
        const isDeleted = (slot: number) => this.isDeleted(slot);
        yield* repairing({ count: nodes.count, isDeleted, alpha: this.options.alpha, onRepaired: report });
        const start = isDeleted(0) ? this.#livingMedoid() : 0;
        const from = livingFirst({ count: nodes.count, isDeleted, start });
        moveNodes(nodes, from, () => {});
        this.truncate(from, this.count);
        // What was far longer drew the centre away from all that are left, and signs about there tell them not apart.
        if (shorter && this.options.filter === 'sign' && this.count >= FILTER_FROM) this.thread.recentre(this.count);
        this.#growTree();
        whole = true;
      } finally {
        rest();
        if (!whole) this.forbidAdding(new BrokenIndexError('a consolidation of it was broken off'));
      }
    }
    report(1);
    throwFirst();
  }

  protected levelOf(): number {
    return 0;
  }

  /** For each slot 0, for whoever links to note in and to clear again. */
  #places(): Uint32Array {
    this.#noted ??= new Uint32Array(this.options.capacity);
    return this.#noted;
  }

  #run(steps: Generator<Step, void>): void {
    for (const step of steps) {
      const doRow = this.thread.rowsOf(step);
      for (let row = 0; row < step.rows; row++) doRow(row);
    }
  }

  /**
   * The next slots for these vectors, all of which can be held, in one form and one space; and, where it is wanted, the sum of the
   * vectors as they are walked on.
   */
  *#admitting(
    vectors: Float32Array,
    ids: ArrayLike<number> | undefined,
    wanted: { sum: boolean },
  ): Generator<Survey, { claim: Claim; sum: Float64Array }> {
    const { thread, dimension } = this;
    const claim = this.claim(vectors, ids);
    let admitted = false;
    try {
      // What was held before, or refused, says nothing of what comes now.
      if (claim.first === 0) thread.beginAnew();
      const survey = surveyOf(vectors, { dimension, lengths: thread.space.lifted, sums: wanted.sum });
      if (survey.rows > 0) yield survey;
      const { unfit, lengths, sums } = survey;
      if (unfit.includes(1)) thread.leaveBytes(claim.first);
      if (lengths) this.#reckonWith(lengths, claim);
      const sum = new Float64Array(thread.space.dimension);
      sums?.forEach((x, i) => {
        sum[i % dimension] += x;
      });
      if (sums) for (const length of lengths ?? []) sum[dimension] += liftOf(thread.lengths, length ** 2);
      admitted = true;
      return { claim, sum };
    } finally {
      if (!admitted) this.settle(claim, 0);
    }
  }

  /** Where one of these is longer than all were, so is what is reckoned with. */
  #reckonWith(lengths: Float32Array, { first }: Claim): void {
    const { thread } = this;
    const known = thread.lengths;
    const seen = new LengthsSeen({ usual: known.usual, count: first });
    for (const length of lengths) seen.add(length);
    const { longest, usual } = seen.lengths;
    if (longest <= known.longest) return;
    // Longer than they are, so that all need not be written again for every vector that is a little longer.
    const spared = first === 0 ? longest : Math.min(longest * SPARE_LENGTH, Math.sqrt(MOST_NORM2));
    thread.reckonWith({ longest: spared, usual }, first);
  }

  /** The filter's centre moves between pieces. */
  #pieceEnd({ first, rows }: Claim, from: number): number {
    let to = from + 1;
    while (to < rows && !this.thread.recentresAt(first + to)) to++;
    return to;
  }

  /**
   * Of the first `count` nodes, `living` of which are not deleted and make this sum, one of those: the nearest to their mean, where
   * the mean is a vector of the metric.
   */
  #medoid(sum: Float64Array, living: number, count: number): number {
    const mean = Float32Array.from(sum.subarray(0, this.dimension), (x) => x / living);
    const lives = (slot: number) => !this.isDeleted(slot);
    if (this.metric === 'cosine' && mean.every((x) => x === 0)) {
      for (let slot = 0; ; slot++) if (lives(slot)) return slot;
    }
    const queries = { data: mean, rows: 1, dimension: this.dimension };
    for (let k = 1; ; k = Math.min(2 * k, count)) {
      const [slots, distances] = [new Uint32Array(k), new Float32Array(k)];
      this.thread.nearest(queries, { from: 0, to: 1, k, count }, slots, distances);
      const nearest = slots.find(lives);
      if (nearest !== undefined) return nearest;
      assert(k < count, 'no node lives');
    }
  }

  /**
   * Where the longest vectors were deleted, reckons with those that live: beside one that is far longer, all others are as good as
   * equal. Returns whether it did.
   */
  #shorten(): boolean {
    const { thread } = this;
    if (!thread.space.lifted || this.count === 0) return false;
    const living = new LengthsSeen();
    for (let slot = 0; slot < thread.count; slot++) if (!this.isDeleted(slot)) living.add(thread.lengthOf(slot));
    const shorter = living.lengths.longest * SPARE_LENGTH < thread.lengths.longest;
    if (shorter) thread.reckonWith(living.lengths, thread.count);
    return shorter;
  }

  /** The same of all that are not deleted; 0 where all are. */
  #livingMedoid(): number {
    const { thread, dimension, count } = this;
    if (count === 0) return 0;
    const sum = new Float64Array(dimension);
    for (let slot = 0; slot < thread.count; slot++) {
      if (this.isDeleted(slot)) continue;
      const vector = thread.vector(slot);
      for (let j = 0; j < dimension; j++) sum[j] += vector[j];
    }
    return this.#medoid(sum, count, thread.count);
  }

  /** Exchanges this node, which has no links yet, with the first, where searches begin. */
  #beginAt(slot: number): void {
    if (slot === 0) return;
    const nodes = this.nodesInMemory();
    for (const rowOf of nodes.rows) {
      const aside = rowOf(0).slice();
      rowOf(0).set(rowOf(slot));
      rowOf(slot).set(aside);
    }
    const from = Uint32Array.from({ length: nodes.count }, (_, i) => i);
    from[0] = slot;
    from[slot] = 0;
    this.ids.permute(from);
  }

  /** Every node of a graph without kept edges gets one, by which it can always be reached. */
  #growTree(): void {
    const { count, words, listAt } = this.nodesInMemory();
    const { R, alpha } = this.options;
    const filtered = count >= FILTER_FROM;
    growTree({
      ...{ count, words, mostKept: vamanaSlackOf(R) },
      listAt: (slot) => listAt(slot, 0),
      near: (slot) => this.thread.chooseLinks(slot, { alpha, filtered }),
      addEdge: (slot, edge) => this.thread.linkBack(slot, Uint32Array.of(edge), alpha),
    });
  }

  /** For each of a batch the node whose kept edge will lead to it: the nearest of its links that may keep one more. */
  #parentsOf(batch: Uint32Array, linksOf: (row: number) => Uint32Array): number[] {
    const most = vamanaSlackOf(this.options.R);
    const promised = new Map<number, number>();
    const mayKeep = (slot: number) => this.keptLinks(slot).length + (promised.get(slot) ?? 0) < most;
    return Array.from(batch, (_, row) => {
      // Down the tree where no neighbour may; where leaves are fewer than the batch, one of the batch that has its parent already.
      const waiting = Array.from(linksOf(row));
      const parent = firstOf(waiting, mayKeep, (slot) => this.keptLinks(slot)) ?? batch[row - 1];
      if (parent === undefined) throw new BrokenIndexError('no node may be a parent: its tree has no leaves');
      promised.set(parent, (promised.get(parent) ?? 0) + 1);
      return parent;
    });
  }

  override stats(): VamanaStats {
    const { R, L, passes } = this.options;
    return { ...super.stats(), R, L, passes };
  }
}

/** Breadth first, the first slot that will do. */
function firstOf(
  waiting: number[],
  willDo: (slot: number) => boolean,
  next: (slot: number) => Uint32Array,
): number | undefined {
  for (const slot of waiting) {
    if (willDo(slot)) return slot;
    if (waiting.length < MOST_ASKED) waiting.push(...next(slot));
  }
  return undefined;
}
