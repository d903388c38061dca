/**
 * Flat: exact search. Every vector is compared with the query, so the answer is right by construction: the line that every
 * curve is drawn beside, and the oracle that every test asks.
 */
import { BusyError } from '../core/errors.ts';
import { Ids } from '../core/ids.ts';
import { patient } from '../core/patient.ts';
import { VectorStore } from '../kernels/vectors.ts';
import { checkBatch, checkGiven, checkSearch, checkShape, checkVector } from './checks.ts';
import type { AddBatchOptions, Metric, SearchOptions, SearchResult, VectorIndex } from './vector-index.ts';

export interface FlatOptions {
  /** 1 … 4096. */
  dimension: number;
  /** Default l2. */
  metric?: Metric;
  /** The most vectors it will hold. Costs address space only. Default 1,000,000. */
  capacity?: number;
}

export class Flat implements VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  readonly capacity: number;
  readonly #store: VectorStore;
  readonly #ids = new Ids();
  #adding = false;

  /** Throws DimensionError or ParameterError. */
  static create(options: FlatOptions): Flat {
    checkGiven(options, '{ dimension: 768 }');
    const { dimension, metric = 'l2', capacity = 1_000_000 } = options;
    checkShape({ dimension, metric, capacity });
    return new Flat({ dimension, metric, capacity });
  }

  private constructor({ dimension, metric, capacity }: Required<FlatOptions>) {
    this.dimension = dimension;
    this.metric = metric;
    this.capacity = capacity;
    this.#store = VectorStore.reserve({ dimension, metric, capacity });
  }

  get count(): number {
    return this.#ids.count;
  }

  add(vector: Float32Array, id: number = this.#ids.next()): number {
    checkVector(vector, this.dimension, 'vector');
    this.addBatch(vector, { ids: [id] });
    return id;
  }

  addBatch(vectors: Float32Array, { ids, onProgress }: AddBatchOptions = {}): void {
    // Who listens may search, and no more: there is room for these vectors and ids, as they were looked at.
    if (this.#adding) throw new BusyError('a batch is being added: add when that is done');
    const batch = checkBatch(this, vectors, ids, this.#ids);
    batch.rows.forEach((vector, i) => {
      this.#store.check(vector, `row ${i}`);
    });
    const total = batch.rows.length;
    const { report, throwFirst } = patient(onProgress, total);
    this.#adding = true;
    try {
      batch.rows.forEach((vector, i) => {
        this.#store.put(this.count, vector, `row ${i}`);
        this.#ids.push(batch.ids[i]);
        if (i % 1024 === 1023 && i < total - 1) report((i + 1) / total);
      });
      report(1);
    } finally {
      this.#adding = false;
    }
    throwFirst();
  }

  /** Throws DimensionError, VectorValueError or ParameterError. An empty index returns nothing; `efSearch` has no effect. */
  search(query: Float32Array, options: SearchOptions): SearchResult {
    checkGiven(options, '{ k: 10 }');
    const { k } = checkSearch({ k: options.k });
    checkVector(query, this.dimension, 'query');
    const { slots, distances } = this.#store.nearest(query, this.count, k);
    return { ids: this.#ids.translate(slots), distances, work: { distances: this.count, hops: 0, estimates: 0 } };
  }
}
