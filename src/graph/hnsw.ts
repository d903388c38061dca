/**
 * HNSW: hierarchical navigable small worlds (Malkov & Yashunin, 2018, algorithms 1–5). A node is drawn a level, floor(−ln u /
 * ln M); every level is a graph of near and diverse neighbours, each sparser than the one below; a search goes down greedily
 * and then widens to a beam of efSearch on level 0.
 *
 * The kernels insert and search in one call each (`kernels/assembly/hnsw.ts`, where the departures from the paper are listed).
 * What an index is to its caller besides is in `graph-index.ts`.
 */
import { patient } from '../core/patient.ts';
import { checkBatch } from './checks.ts';
import type { MetaOf, Place } from './graph-image.ts';
import { GraphIndex, type GraphStats, type RestoreOptions } from './graph-index.ts';
import { STATE } from './graph-layout.ts';
import { givenOf, modelOf } from './graph-options.ts';
import { levelOf } from './hnsw-levels.ts';
import { type AllHnswOptions, completeOptions, type HnswOptions, shapeOf, slackOf } from './hnsw-options.ts';
import { HnswThread } from './hnsw-thread.ts';
import { codesTitle } from './record-form.ts';
import type { AddBatchOptions } from './vector-index.ts';

export interface HnswStats extends GraphStats {
  M: number;
  efConstruction: number;
  /** How many nodes reach each level; [0] is count. */
  levels: number[];
}

export class Hnsw extends GraphIndex<AllHnswOptions, HnswThread> {
  /** Throws DimensionError, ParameterError or, where the capacity does not fit below 4 GiB, MemoryLimitError. */
  static create(options: HnswOptions): Hnsw {
    const complete = completeOptions(givenOf(options, completeOptions, 'an Hnsw'));
    const model = modelOf(options.codes, complete);
    return new Hnsw(complete, { ...(model && { model }) });
  }

  private constructor(options: AllHnswOptions, given: { model?: Uint8Array; chunkRows?: number }) {
    const { capacity, dimension, codes, M } = options;
    super(options, {
      kind: 'hnsw',
      shape: shapeOf(options),
      links: 2 * M,
      mostKept: slackOf(M),
      title: `${capacity} × ${dimension}-D (${codesTitle(codes)}, M ${M})`,
      threadOn: (handle) => new HnswThread(handle, 0),
      ...given,
    });
  }

  /**
   * An empty index of the shape that `meta` says, and where the sections of its image are to be put; then `adopt`. Throws what
   * `checkMeta` throws, or ParameterError.
   */
  static restore(meta: MetaOf<'hnsw'>, restored: RestoreOptions = {}): { index: Hnsw; places: Place[] } {
    const { chunkRows } = restored;
    const options = GraphIndex.restoredOptions(meta, completeOptions, shapeOf, restored);
    const index = new Hnsw(options, { ...(chunkRows !== undefined && { chunkRows }) });
    return { index, places: index.places(meta) };
  }

  override stats(): HnswStats {
    const { M, efConstruction } = this.options;
    const levels: number[] = [];
    for (let slot = 0; slot < this.count; slot++) {
      // The drawn level: what a forged record says may be without end.
      for (let level = 0; level <= this.levelOf(slot); level++) levels[level] = (levels[level] ?? 0) + 1;
    }
    return { ...super.stats(), M, efConstruction, levels };
  }

  protected levelOf(slot: number): number {
    return levelOf(this.options.seed, slot, this.options.M);
  }

  addBatch(vectors: Float32Array, { ids, onProgress }: AddBatchOptions = {}): void {
    this.checkMayAdd();
    const batch = checkBatch({ ...this.shape(), count: this.ids.count }, vectors, ids, this.ids);
    this.thread.checkAll();
    batch.rows.forEach((vector, i) => {
      this.thread.admit(vector, `row ${i}`);
    });
    const total = batch.rows.length;
    const { report, throwFirst } = patient(onProgress, total);
    // Who listens may search, and no more: there is room for these vectors and ids, as they were looked at.
    this.busy = 'a batch is being added: add when that is done';
    try {
      batch.rows.forEach((vector, i) => {
        this.#insert(vector, batch.ids[i]);
        if (i % 256 === 255 && i < total - 1) report((i + 1) / total);
      });
      report(1);
    } finally {
      this.busy = undefined;
    }
    throwFirst();
  }

  #insert(vector: Float32Array, id: number): void {
    const thread = this.thread;
    const slot = this.ids.count;
    thread.admit(vector, `id ${id}`);
    if (!thread.fits()) thread.leaveBytes(slot);
    this.setState(STATE.claimed, slot + 1);
    thread.insert(slot, this.upperLists);
    this.upperLists += this.levelOf(slot);
    this.ids.push(id);
    if (thread.recentresAt(slot + 1)) thread.recentre(slot + 1);
  }
}
