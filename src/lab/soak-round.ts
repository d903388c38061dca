/**
 * One round of a soak: an index from empty to full, filled and searched at the same time, and then checked. Every other index
 * filters by signs, whose centre moves as it fills.
 */
import { performance, type RecordableHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { WorkerDiedError } from '../core/errors.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { VectorStore } from '../kernels/vectors.ts';
import type { Pool } from '../workers/pool.ts';
import { formatSeconds } from './format.ts';
import { K } from './soak-report.ts';
import type { SoakRun } from './soak-run.ts';
import type { Watch } from './soak-watch.ts';
import { generate } from './synthetic.ts';

/** What of a pool is soaked. */
export type Worked = Pick<Pool, 'threads' | 'addBatch' | 'searchBatch' | 'kill' | 'close'>;
export type StartPool = (index: Hnsw, options: { threads: number }) => Promise<Worked>;

/** Who must not stand still. */
export const SIDES = ['inserts', 'searches'] as const;
type SoakSide = (typeof SIDES)[number];

const EF_SEARCH = 64;
/**
 * Queries of a batch, and rows of one on average: small, so that there is always somebody at the beginning or the end
 * of one.
 */
const QUERIES = 32;
const BATCH_ROWS = 32;
/** Different queries. */
const QUERY_ROWS = 2000;
/** Between queries whose true neighbours are worked out, which takes the main thread a while. */
const SAMPLE_MS = 40;
/** Rows that an index of one thread is given between two turns of the event loop. */
const PIECE_ROWS = 200;

/** A query whose true neighbours were worked out: how many rows had been acknowledged when it was asked. */
interface Sample {
  query: number;
  acknowledged: number;
  /** The distance of the k-th nearest among those. */
  farthest: number;
}

/** One index, from empty to full. */
export class SoakRound {
  doing = 'making vectors';
  readonly #run: SoakRun;
  readonly #number: number;
  readonly #guard: Watch<SoakSide>;
  readonly #options: HnswOptions;
  /** Exact search over all rows of the round. */
  readonly #exact: VectorStore;
  readonly #samples: Sample[] = [];
  #data: Float32Array = new Float32Array(0);
  #queries: Float32Array = new Float32Array(0);
  /** Rows that were handed to the index, and those of which it was said that they are in. */
  #given = 0;
  #acknowledged = 0;
  #searching = 0;
  #lastSample = 0;
  #killed: { thread: number; at: number } | undefined;
  #done = false;

  constructor(run: SoakRun, number: number, guard: Watch<SoakSide>) {
    const { dimension, rows, codes, seed } = run.options;
    this.#run = run;
    this.#number = number;
    this.#guard = guard;
    this.#options = {
      dimension,
      codes,
      capacity: rows,
      seed: seed + number,
      filter: number % 2 === 0 ? 'none' : 'sign',
    };
    this.#exact = VectorStore.reserve({ dimension, metric: 'l2', capacity: rows });
  }

  underWay(): string {
    const parts = [`${this.#searching} searches were under way`];
    if (this.#given > this.#acknowledged)
      parts.unshift(`rows ${this.#acknowledged} … ${this.#given - 1} were being added`);
    if (this.#killed) {
      const ago = formatSeconds((performance.now() - this.#killed.at) / 1000);
      parts.push(`thread ${this.#killed.thread} was ended ${ago} before`);
    }
    return `round ${this.#number}, ${this.doing}: ${parts.join('; ')}`;
  }

  /** Fills the index and checks it. */
  async through(start: StartPool): Promise<void> {
    const { readers, writers } = this.#run.options;
    await this.#guard.pausing(() => this.#makeVectors());
    this.doing = 'starting threads';
    const index = Hnsw.create({ ...this.#options, threads: readers + writers + 1 });
    const pool = await start(index, { threads: readers + writers });
    this.doing = 'adding and searching';
    this.#run.begin();
    try {
      const tasks = [this.#write(pool), ...Array.from({ length: readers }, () => this.#read(pool)), this.#kill(pool)];
      // Whoever fails ends the others' work too.
      await Promise.all(tasks.map((task) => task.finally(() => this.end())));
    } finally {
      this.#run.ended();
    }
    this.doing = 'checking';
    await this.#guard.pausing(async () => {
      await this.#check(index, pool);
      await pool.close();
      await this.#compareWithAlone();
    });
    this.#run.rounds++;
  }

  /** No task goes on. */
  end(): void {
    this.#done = true;
  }

  async #makeVectors(): Promise<void> {
    const { dimension, rows, seed } = this.#run.options;
    const model = { kind: 'clustered', clusters: 200, sizeExponent: 0.5, spread: 0.4 } as const;
    const made = await generate({ model, seed: seed + this.#number, dimension, rows, queries: QUERY_ROWS });
    // Where all threads can read them without a copy.
    this.#data = new Float32Array(new SharedArrayBuffer(made.train.data.byteLength));
    this.#data.set(made.train.data);
    this.#queries = made.queries.data;
    for (let row = 0; row < rows; row++) this.#exact.put(row, this.#row(row), `row ${row}`);
  }

  async #write(pool: Worked): Promise<void> {
    const run = this.#run;
    const { dimension, rows, writers } = run.options;
    while (this.#acknowledged < rows && !run.isOver && !this.#done) {
      this.#given = Math.min(rows, this.#acknowledged + 1 + run.random.integer(2 * BATCH_ROWS - 1));
      const batch = this.#data.subarray(this.#acknowledged * dimension, this.#given * dimension);
      const before = this.#acknowledged;
      try {
        const { latencyUs } = await pool.addBatch(batch, { threads: writers });
        record(run.insertTimes, latencyUs);
        this.#acknowledged = this.#given;
      } catch (error) {
        if (!(error instanceof WorkerDiedError)) throw error;
        run.deaths++;
        this.#acknowledged += error.added ?? 0;
      }
      run.inserted += this.#acknowledged - before;
      run.batches++;
      this.#guard.moved('inserts');
    }
    this.#given = this.#acknowledged;
  }

  async #read(pool: Worked): Promise<void> {
    const run = this.#run;
    const { dimension } = run.options;
    while (!this.#done) {
      const first = run.random.integer(QUERY_ROWS - QUERIES);
      const queries = this.#queries.slice(first * dimension, (first + QUERIES) * dimension);
      const acknowledged = this.#acknowledged;
      this.#searching++;
      try {
        const { ids, distances, found, latencyUs } = await pool.searchBatch(queries, {
          ...{ k: K, efSearch: EF_SEARCH, threads: 1 },
        });
        record(run.searchTimes, latencyUs);
        const given = this.#given;
        for (let i = 0; i < QUERIES; i++) {
          if (found[i] < Math.min(K, acknowledged))
            run.faults.push(`a search found ${found[i]} of ${acknowledged} vectors, and ${K} were wanted`);
          for (let j = i * K; j < i * K + found[i]; j++) {
            if (ids[j] >= given) run.faults.push(`a search found id ${ids[j]}, and ${given} rows had been given`);
          }
        }
        this.#sample(first, acknowledged, distances);
      } catch (error) {
        if (!(error instanceof WorkerDiedError)) throw error;
        run.deaths++;
      } finally {
        this.#searching--;
      }
      this.#guard.moved('searches');
    }
  }

  /** Now and then, how much of the first query's answer is right. */
  #sample(query: number, acknowledged: number, distances: Float32Array): void {
    const now = performance.now();
    if (acknowledged < K || now < this.#lastSample + SAMPLE_MS) return;
    this.#lastSample = now;
    const farthest = this.#exact.nearest(this.#query(query), acknowledged, K).distances[K - 1] * (1 + 1e-5);
    this.#run.sampled++;
    this.#run.hits += within(distances.subarray(0, K), farthest);
    this.#samples.push({ query, acknowledged, farthest });
  }

  /** Ends a thread now and then. */
  async #kill(pool: Worked): Promise<void> {
    const run = this.#run;
    const { killSeconds } = run.options;
    while (killSeconds !== undefined && !this.#done) {
      for (let waited = 0; waited < 1000 * killSeconds && !this.#done; waited += 100) await sleep(100);
      if (this.#done) return;
      const thread = run.random.integer(pool.threads);
      this.#killed = { thread, at: performance.now() };
      await pool.kill(thread);
      run.kills++;
    }
    // Without threads to end, this is over at once, and that must not be the end of the others.
    while (!this.#done) await sleep(100);
  }

  /** Whether the graph is whole, and every row that was acknowledged is to be found. */
  async #check(index: Hnsw, pool: Worked): Promise<void> {
    const { faults, options } = this.#run;
    const { dimension } = options;
    if (index.count !== this.#acknowledged)
      faults.push(`${index.count} vectors are held, and ${this.#acknowledged} were acknowledged`);
    faults.push(...index.validate());
    const all = this.#data.subarray(0, this.#acknowledged * dimension);
    const { distances, found } = await pool.searchBatch(all, { k: 1, efSearch: EF_SEARCH });
    for (let row = 0; row < this.#acknowledged; row++) {
      if (found[row] === 1 && distances[row] === 0) continue;
      // It may only have been missed: a beam for all misses nobody.
      const [nearest] = index.search(this.#row(row), { k: 1, efSearch: index.capacity }).distances;
      if (nearest === 0) continue;
      this.#run.lost++;
      faults.push(`row ${row} was acknowledged and is not to be found`);
    }
  }

  /** The same queries to an index that one thread builds with nobody else about, each when it holds as much. */
  async #compareWithAlone(): Promise<void> {
    this.doing = 'comparing with an index of one thread';
    const { dimension } = this.#run.options;
    const alone = Hnsw.create({ ...this.#options, threads: 1 });
    for (const { query, acknowledged, farthest } of this.#samples.toSorted((a, b) => a.acknowledged - b.acknowledged)) {
      while (alone.count < acknowledged) {
        const to = Math.min(acknowledged, alone.count + PIECE_ROWS);
        alone.addBatch(this.#data.subarray(alone.count * dimension, to * dimension));
        await nextTurn();
      }
      const { distances } = alone.search(this.#query(query), { k: K, efSearch: EF_SEARCH });
      this.#run.hitsAlone += within(distances, farthest);
    }
  }

  #row(row: number): Float32Array {
    const { dimension } = this.#run.options;
    return this.#data.subarray(row * dimension, (row + 1) * dimension);
  }

  #query(query: number): Float32Array {
    const { dimension } = this.#run.options;
    return this.#queries.subarray(query * dimension, (query + 1) * dimension);
  }
}

/** In nanoseconds, as histograms take whole numbers from 1. */
function record(times: RecordableHistogram, latencyUs: Float32Array): void {
  for (const us of latencyUs) times.record(Math.max(1, Math.round(1000 * us)));
}

function within(distances: Float32Array, farthest: number): number {
  return distances.filter((distance) => distance <= farthest).length;
}
