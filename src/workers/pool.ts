/**
 * A pool of threads over one index: batches of searches and inserts on all cores, at the same time if need be. The graph, the
 * vectors and the batches lie in shared memory; a thread takes the next row of a job whenever it is free. Single searches need
 * no pool: `index.search` is a direct call, and works while the pool adds.
 *
 * A thread that dies takes nobody with it: its callers' promises are rejected with WorkerDiedError, and a successor that bears
 * its number finishes the insert that it was at, with the locks that it held (`kernels/assembly/locks.ts`).
 *
 * The threads are in `crew.ts`; how they insert a batch into an HNSW is in `insert-batch.ts`.
 */
import { availableParallelism } from 'node:os';
import { BusyError, ParameterError, PoolClosedError, WorkerDiedError } from '../core/errors.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { checkGiven, checkInteger, checkSearch, nameOf, stretchOf } from '../graph/checks.ts';
import { checkGraph } from '../graph/graph-index.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { ConsolidateOptions, Vamana } from '../graph/vamana.ts';
import type { Step } from '../graph/vamana-steps.ts';
import type { AddBatchOptions, SearchOptions, Work } from '../graph/vector-index.ts';
import { Crew } from './crew.ts';
import { insertBatch } from './insert-batch.ts';
import { controlFrom } from './pool-task.ts';

export interface PoolOptions {
  /** How many threads; each is one of those that the index was made for. Default: one a core, or as many as are free. */
  threads?: number;
}

export interface PoolSearchOptions extends SearchOptions {
  /** How many of the pool's threads work on this batch at most. Default: all. */
  threads?: number;
}

export interface PoolAddOptions extends AddBatchOptions {
  /** How many of the pool's threads insert at once. Default: all. */
  threads?: number;
}

export interface PoolConsolidateOptions extends ConsolidateOptions {
  /** How many of the pool's threads repair at once. Default: all. */
  threads?: number;
}

/** Of n queries, row-major. */
export interface BatchResult {
  /** n × k: the caller's ids, nearest first. Behind a row's `found` there is nothing of meaning. */
  ids: Uint32Array;
  /** n × k, in the metric's unit, ascending within a row. */
  distances: Float32Array;
  /** n: how many of the k there are; fewer than k only where the index holds fewer. */
  found: Uint32Array;
  /** What all of them cost together. */
  work: Work;
  /** n: microseconds that each search took, measured in its thread. */
  latencyUs: Float32Array;
}

/** What became of a batch that was added. */
export interface AddResult {
  /** Microseconds that each row's insert took, measured in its thread; none of a Vamana, which is linked a batch at a time. */
  latencyUs: Float32Array;
}

export class Pool<Index extends AnyIndex = AnyIndex> {
  readonly index: Index;
  readonly threads: number;
  readonly #numbers: readonly number[];
  readonly #crew: Crew;
  /** What is under way; batches are added one after the other. */
  readonly #pending = new Set<Promise<unknown>>();
  #adding: Promise<unknown> = Promise.resolve();
  /** How many consolidations wait or run: until none does, searches are turned away, because slots will change. */
  #consolidating = 0;
  #closing: Promise<void> | undefined;

  /** Resolves when all threads are ready. Throws ParameterError where the index was not made for so many. */
  static async start<Index extends AnyIndex>(index: Index, { threads }: PoolOptions = {}): Promise<Pool<Index>> {
    checkGraph(index);
    const wanted = threads ?? Math.max(1, Math.min(availableParallelism(), index.numbers.free));
    checkInteger('threads', wanted, 1, MOST_THREADS);
    const numbers = index.numbers.take(wanted);
    try {
      return new Pool(index, numbers, await Crew.start(index.handle, numbers));
    } catch (error) {
      index.numbers.give(numbers);
      throw error;
    }
  }

  private constructor(index: Index, numbers: readonly number[], crew: Crew) {
    this.index = index;
    this.threads = numbers.length;
    this.#numbers = numbers;
    this.#crew = crew;
  }

  /**
   * Searches for every row of `queries`. Rejects with what `Hnsw.search` throws, naming the row; with WorkerDiedError where a
   * thread died over it; with PoolClosedError.
   */
  searchBatch(queries: Float32Array, options: PoolSearchOptions): Promise<BatchResult> {
    return this.#track(this.#search(queries, options));
  }

  /**
   * Adds the rows of `vectors`, all or, where one of them is refused, none. Searches find each one as soon as it is in, of a Vamana as
   * soon as its batch is. Vectors that lie in shared memory are not copied, and must stay as they are until this is done. Rejects
   * with what the index's `addBatch` throws; of an HNSW, with WorkerDiedError, which says how many rows are in, where a thread died
   * over it; with PoolClosedError.
   */
  addBatch(vectors: Float32Array, options: PoolAddOptions = {}): Promise<AddResult> {
    if (this.#closing) return Promise.reject(new PoolClosedError());
    // Copied now: the caller may write to it as soon as this returns.
    const mine = vectors instanceof Float32Array ? shared(vectors) : vectors;
    const added = this.#adding.then(() => this.#add(mine, options));
    this.#adding = added.catch(() => {});
    return this.#track(added);
  }

  /**
   * `Vamana.build` on all threads: the same graph as on one. Where a thread dies, what it was at is done again, which may leave that
   * one node with other links. Rejects with what `Vamana.build` throws; with PoolClosedError.
   */
  build(this: Pool<Vamana>, vectors: Float32Array, { threads, ...options }: PoolAddOptions = {}): Promise<void> {
    if (this.#closing) return Promise.reject(new PoolClosedError());
    if (!('building' in this.index))
      return Promise.reject(noVamana(this.index, 'vectors are added to others: addBatch'));
    const mine = vectors instanceof Float32Array ? shared(vectors) : vectors;
    const built = this.#adding.then(() => this.#link(this.index.building(mine, options), this.#threads(threads)));
    this.#adding = built.catch(() => {});
    return this.#track(built);
  }

  /**
   * `Vamana.consolidate` on all threads, once what is under way is done; until it is through, searches get a BusyError. The same
   * graph as on one thread. Where a thread dies, others do what it was at again. Rejects with what `Vamana.consolidate` throws,
   * with BusyError while another pool is open too; with PoolClosedError.
   */
  consolidate(this: Pool<Vamana>, { threads, ...options }: PoolConsolidateOptions = {}): Promise<void> {
    if (this.#closing) return Promise.reject(new PoolClosedError());
    if (!('consolidating' in this.index)) return Promise.reject(noVamana(this.index, 'from others nothing is deleted'));
    const before = Promise.all(this.#pending);
    const consolidated = before.then(async () => {
      try {
        await this.#link(this.index.consolidating(options, this.threads), this.#threads(threads));
      } finally {
        this.#consolidating--;
      }
    });
    this.#consolidating++;
    this.#adding = consolidated.catch(() => {});
    return this.#track(consolidated);
  }

  /** Has the threads do steps of the index's own, one after the other. Rejects with what a step throws; with PoolClosedError. */
  perform(this: Pool<Vamana>, steps: Iterable<Step>): Promise<void> {
    if (this.#closing) return Promise.reject(new PoolClosedError());
    return this.#track(this.#link(steps, this.threads));
  }

  /** Ends one of the threads at whatever it is doing, as a fault would: for trials. `thread`: 0 … threads − 1. */
  async kill(thread: number): Promise<void> {
    if (this.#closing) throw new PoolClosedError();
    checkInteger('thread', thread, 0, this.threads - 1);
    await this.#crew.kill(thread);
  }

  /**
   * Waits for what is under way and ends the threads. A pool that is never closed ends with its process, which it does not hold
   * up.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#pending);
    await this.#crew.close();
    this.index.numbers.give(this.#numbers);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const pending = work.catch(() => {}).finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
    return work;
  }

  async #search(queries: Float32Array, given: PoolSearchOptions): Promise<BatchResult> {
    if (this.#closing) throw new PoolClosedError();
    if (this.#consolidating > 0) throw new BusyError('the index is being consolidated: await that');
    checkGiven(given, '{ k: 10 }');
    const { threads, ...wanted } = given;
    const { dimension } = this.index;
    const options = this.index.resolve(wanted);
    const { k, gamma } = checkSearch(options);
    stretchOf(gamma, this.index.metric);
    const rows = checkRows(queries, dimension, 'queries');
    if (rows * k > MOST_RESULTS) {
      throw new ParameterError({
        parameter: 'k',
        got: k,
        want: `at most ${MOST_RESULTS} results a batch: give it fewer queries at a time`,
      });
    }
    const task = {
      kind: 'search' as const,
      ...{ vectors: shared(queries), rows, control: controlFrom(0), options },
      slots: new Uint32Array(new SharedArrayBuffer(rows * k * 4)),
      distances: new Float32Array(new SharedArrayBuffer(rows * k * 4)),
      found: new Uint32Array(new SharedArrayBuffer(rows * 4)),
      latencyUs: new Float32Array(new SharedArrayBuffer(rows * 4)),
    };
    const ended = await this.#crew.run(task, this.#threads(threads));
    if (ended.refused !== undefined) {
      const query = task.vectors.subarray(ended.refused * dimension, (ended.refused + 1) * dimension);
      this.index.thread.admit(query, `query ${ended.refused}`);
    }
    if (ended.failure) throw ended.failure;
    if (ended.died) throw new WorkerDiedError(ended.died, { cause: ended.died.cause });
    return {
      ids: this.index.translate(Uint32Array.from(task.slots)),
      distances: Float32Array.from(task.distances),
      found: Uint32Array.from(task.found),
      work: ended.work,
      latencyUs: Float32Array.from(task.latencyUs),
    };
  }

  /** Has the threads do one step after the other. */
  async #link(steps: Iterable<Step>, threads: number): Promise<void> {
    for (const step of steps) {
      const finished = new Uint8Array(new SharedArrayBuffer(step.rows));
      const ended = await this.#crew.run({ ...step, finished, control: controlFrom(0) }, threads);
      if (ended.failure) throw ended.failure;
      if (!ended.died && ended.refused === undefined) continue;
      const doRow = (this.index as Vamana).thread.rowsOf(step);
      // A row that is refused says so here, where its caller hears it.
      for (let row = 0; row < step.rows; row++) if (!finished[row]) doRow(row);
    }
  }

  async #add(vectors: Float32Array, options: PoolAddOptions): Promise<AddResult> {
    const { index } = this;
    const { threads: wanted, ...others } = options;
    const threads = this.#threads(wanted);
    if (index instanceof Hnsw)
      return { latencyUs: await insertBatch(index, vectors, { crew: this.#crew, threads, ...others }) };
    await this.#link(index.adding(vectors, others), threads);
    return { latencyUs: new Float32Array(0) };
  }

  #threads(threads: number = this.threads): number {
    checkInteger('threads', threads, 1, this.threads);
    return threads;
  }
}

const MOST_THREADS = 255;
/** Of all rows of a batch together: 1 GiB of ids. */
const MOST_RESULTS = 2 ** 28;

function noVamana(index: unknown, why: string): ParameterError {
  return new ParameterError({ parameter: 'index', got: nameOf(index), want: `a Vamana; ${why}` });
}

function checkRows(vectors: Float32Array, dimension: number, name: string): number {
  if (!(vectors instanceof Float32Array)) {
    throw new ParameterError({
      parameter: name,
      got: nameOf(vectors),
      want: 'a Float32Array of rows, one behind the other',
    });
  }
  const rows = vectors.length / dimension;
  if (!Number.isInteger(rows)) {
    throw new ParameterError({
      parameter: `${name}.length`,
      got: vectors.length,
      want: `a multiple of the dimension ${dimension}: rows lie one behind the other`,
    });
  }
  return rows;
}

/** The same numbers where all threads can read them. */
function shared(vectors: Float32Array): Float32Array {
  if (vectors.buffer instanceof SharedArrayBuffer) return vectors;
  const copy = new Float32Array(new SharedArrayBuffer(vectors.byteLength));
  copy.set(vectors);
  return copy;
}
