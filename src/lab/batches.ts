/**
 * Batches: many queries given at once to a pool of threads, as a server with many callers does, or a job over a whole set. Measured
 * beside the sweep, whose curve is one query at a time: what counts here is the throughput of all threads together, and
 * how many times that of one thread it is.
 */
import { performance } from 'node:perf_hooks';
import type { Matrix } from '../core/matrix.ts';
import { checkSearch } from '../graph/checks.ts';
import { type BatchResult, Pool } from '../workers/pool.ts';
import type { HnswSearcher } from './build.ts';
import { recallAtK, type Truth } from './recall.ts';
import { median, percentile, type SweepRow } from './sweep.ts';

/** One index at one width of the beam, by all threads; and by one of them, for comparison. */
export interface BatchRow {
  dataset: string;
  index: string;
  codes: string;
  k: number;
  efSearch: number;
  threads: number;
  /** How many queries are in the batch. */
  queries: number;
  recall: number;
  /** Queries per second from the call of `searchBatch` to its answer. */
  qps: number;
  /** The same by one thread of the pool. */
  qpsOnOne: number;
  /** Of a search within its thread, while the other threads search too. */
  p50Us: number;
  p99Us: number;
}

export interface BatchOptions {
  /** The name of the dataset, for the rows. */
  dataset: string;
  searcher: HnswSearcher;
  queries: Matrix;
  truth: Truth;
  k: number;
  /** Widths of the beam. */
  efs: readonly number[];
  /** How many threads; the index was built by as many. */
  threads: number;
  /** An odd number, so that the median is one of them. */
  rounds: number;
  /** Called after each batch: how many are done, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** One row per width. All threads and one take turns in every round, so that a machine that slows down slows both. */
export async function measureBatches(options: BatchOptions): Promise<BatchRow[]> {
  const { dataset, searcher, queries, truth, k, efs, threads, rounds, onProgress } = options;
  const { index, codes, hnsw } = searcher;
  // Where the threads can read them: a copy for every batch would be timed too.
  const data = new Float32Array(new SharedArrayBuffer(queries.data.byteLength));
  data.set(queries.data);
  const turns = efs.map((efSearch) => ({ efSearch, all: [] as Batch[], one: [] as Batch[] }));
  const pool = await Pool.start(hnsw, { threads });
  try {
    const run = async (efSearch: number, threads: number): Promise<Batch> => {
      const started = performance.now();
      const result = await pool.searchBatch(data, { k, efSearch, threads });
      const seconds = (performance.now() - started) / 1000;
      return { ...timesOf(result), qps: queries.rows / seconds, recall: recallAtK(rowsOf(result, k), truth, k) };
    };
    // The first batch is where every thread compiles its code.
    if (efs.length > 0) await run(efs[0], threads);
    let done = 0;
    for (let round = 0; round < rounds; round++) {
      for (const { efSearch, all, one } of turns) {
        one.push(await run(efSearch, 1));
        all.push(await run(efSearch, threads));
        onProgress?.(++done, rounds * turns.length);
      }
    }
  } finally {
    await pool.close();
  }
  return turns.map(({ efSearch, all, one }) => {
    const middle = (batches: readonly Batch[], pick: (batch: Batch) => number) => median(batches.map(pick));
    return {
      ...{ dataset, index, codes, k, efSearch, threads, queries: queries.rows },
      recall: middle(all, ({ recall }) => recall),
      qps: middle(all, ({ qps }) => qps),
      qpsOnOne: middle(one, ({ qps }) => qps),
      p50Us: middle(all, ({ p50Us }) => p50Us),
      p99Us: middle(all, ({ p99Us }) => p99Us),
    };
  });
}

/** Of one curve's widths the narrowest that reach recall 0.95 and 0.99, where any does, and the default of a search. */
export function batchWidths(rows: readonly SweepRow[], k: number): number[] {
  const byWidth = rows.flatMap(({ efSearch, recall }) => (efSearch === null ? [] : [{ efSearch, recall }]));
  byWidth.sort((a, b) => a.efSearch - b.efSearch);
  const reached = [0.95, 0.99].flatMap((recall) => byWidth.find((row) => row.recall >= recall)?.efSearch ?? []);
  return [...new Set([...reached, checkSearch({ k }).efSearch])].sort((a, b) => a - b);
}

interface Batch {
  recall: number;
  qps: number;
  p50Us: number;
  p99Us: number;
}

function timesOf({ latencyUs }: BatchResult): Pick<Batch, 'p50Us' | 'p99Us'> {
  const sorted = latencyUs.slice().sort();
  return { p50Us: percentile(sorted, 0.5), p99Us: percentile(sorted, 0.99) };
}

function rowsOf({ ids, found }: BatchResult, k: number): Uint32Array[] {
  return Array.from(found, (n, query) => ids.subarray(query * k, query * k + n));
}
