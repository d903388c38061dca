/**
 * Batches: many queries given at once to a pool of threads, as a server with many callers does, or a job over a whole set. Measured
 * beside the sweep, whose curve is one query at a time: what counts here is the throughput of all threads together, and
 * how many times that of one thread it is.
 */
import { performance } from 'node:perf_hooks';
import type { Matrix } from '../core/matrix.ts';
import { checkSearch } from '../graph/checks.ts';
import type { SearchOptions } from '../graph/vector-index.ts';
import { type BatchResult, Pool } from '../workers/pool.ts';
import type { GraphSearcher } from './build.ts';
import { recallAtK, type Truth } from './recall.ts';
import { median, percentile, type SweepRow, settingLabel } from './sweep.ts';

/** One index at one setting, by all threads; and by one of them, for comparison. */
export interface BatchRow {
  dataset: string;
  index: string;
  codes: string;
  k: number;
  /** The width of the beam, or with gamma the most that any search may take. */
  efSearch: number;
  /** null: efSearch is the knob. */
  gamma: number | null;
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

/** How wide a batch is searched. */
export type BatchSetting = Pick<BatchRow, 'efSearch' | 'gamma'>;

export interface BatchOptions {
  /** The name of the dataset, for the rows. */
  dataset: string;
  searcher: GraphSearcher;
  queries: Matrix;
  truth: Truth;
  k: number;
  settings: readonly BatchSetting[];
  /** How many threads; the index was built by as many. */
  threads: number;
  /** An odd number, so that the median is one of them. */
  rounds: number;
  /** Called after each batch: how many are done, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** One row per setting. All threads and one take turns in every round, so that a machine that slows down slows both. */
export async function measureBatches(options: BatchOptions): Promise<BatchRow[]> {
  const { dataset, searcher, queries, truth, k, settings, threads, rounds, onProgress } = options;
  const { index, codes, graph } = searcher;
  // Where the threads can read them: a copy for every batch would be timed too.
  const data = new Float32Array(new SharedArrayBuffer(queries.data.byteLength));
  data.set(queries.data);
  const turns = settings.map((setting) => ({ setting, all: [] as Batch[], one: [] as Batch[] }));
  const pool = await Pool.start(graph, { threads });
  try {
    const run = async (setting: BatchSetting, threads: number): Promise<Batch> => {
      const started = performance.now();
      const result = await pool.searchBatch(data, { k, ...optionsOf(setting), threads });
      const seconds = (performance.now() - started) / 1000;
      return { ...timesOf(result), qps: queries.rows / seconds, recall: recallAtK(rowsOf(result, k), truth, k) };
    };
    // The first batch is where every thread compiles its code.
    if (settings.length > 0) await run(settings[0], threads);
    let done = 0;
    for (let round = 0; round < rounds; round++) {
      for (const { setting, all, one } of turns) {
        one.push(await run(setting, 1));
        all.push(await run(setting, threads));
        onProgress?.(++done, rounds * turns.length);
      }
    }
  } finally {
    await pool.close();
  }
  return turns.map(({ setting, all, one }) => {
    const middle = (batches: readonly Batch[], pick: (batch: Batch) => number) => median(batches.map(pick));
    return {
      ...{ dataset, index, codes, k, ...setting, threads, queries: queries.rows },
      recall: middle(all, ({ recall }) => recall),
      qps: middle(all, ({ qps }) => qps),
      qpsOnOne: middle(one, ({ qps }) => qps),
      p50Us: middle(all, ({ p50Us }) => p50Us),
      p99Us: middle(all, ({ p99Us }) => p99Us),
    };
  });
}

/** Of one curve's settings the narrowest that reach recall 0.95 and 0.99, where any does, and a beam as wide as by default. */
export function batchSettings(rows: readonly SweepRow[], k: number): BatchSetting[] {
  const usual = { efSearch: checkSearch({ k }).efSearch, gamma: null };
  const reached = [0.95, 0.99].flatMap((recall) => narrowest(rows, recall) ?? []);
  const settings = new Map([...reached, usual].map((one) => [settingLabel(one), one]));
  return [...settings.values()].sort((a, b) => (a.gamma ?? 10) - (b.gamma ?? 10) || a.efSearch - b.efSearch);
}

/** Of one curve's settings the narrowest that reaches a recall; undefined where none does. */
export function narrowest(rows: readonly SweepRow[], recall: number): BatchSetting | undefined {
  const [first] = rows
    .flatMap((row) => (row.efSearch !== null && row.recall >= recall ? [{ ...row, efSearch: row.efSearch }] : []))
    .sort((a, b) => (a.gamma ?? 0) - (b.gamma ?? 0) || a.efSearch - b.efSearch);
  return first && { efSearch: first.efSearch, gamma: first.gamma };
}

/** As a search is asked for it. */
export function optionsOf({ efSearch, gamma }: BatchSetting): Pick<SearchOptions, 'efSearch' | 'gamma'> {
  return { efSearch, ...(gamma !== null && { gamma }) };
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
