/**
 * What a batch is worth on one thread: the same queries given to a pool of one thread at once, and to the index one after the other,
 * in turn. A batch costs a message to a thread and saves the way through JavaScript between searches; a pool may also put its
 * queries in an order in which one finds warm what the one before it touched.
 */
import { performance } from 'node:perf_hooks';
import { type Matrix, row } from '../core/matrix.ts';
import { Pool } from '../workers/pool.ts';
import { type BatchSetting, narrowest, optionsOf } from './batches.ts';
import { buildHnsw, type GraphSearcher } from './build.ts';
import type { Dataset } from './datasets.ts';
import { formatCount, formatTable } from './format.ts';
import { withProgress } from './progress.ts';
import { recallAtK, type Truth } from './recall.ts';
import { median, settingLabel, sweep } from './sweep.ts';

/** One index at one recall, over one order of queries. */
export interface BatchCost extends BatchSetting {
  codes: string;
  /** `given`: all queries of the set as they come. `cached`: the same few again and again, whose vectors stay in the cache. */
  order: 'given' | 'cached';
  /** Queries of a batch. */
  queries: number;
  /** Of all queries of the set. */
  recall: number;
  /** Queries per second, medians over the turns: one after the other, and as a batch. */
  loopQps: number;
  batchQps: number;
  /** How many times as fast the batch is: the median of the ratios within each turn. */
  ratio: number;
}

export interface BenchBatchOptions {
  dataset: Dataset;
  truth: Truth;
  k: number;
  seed: number;
  /** Of the build; all else is on one. */
  threads: number;
  rounds: number;
}

/** Both kinds of codes at recall 0.95 and 0.99. Shows how far it is. */
export async function benchBatch(options: BenchBatchOptions): Promise<BatchCost[]> {
  const { dataset, truth, k, seed, threads, rounds } = options;
  const { train: base, queries, metric, name } = dataset;
  const costs: BatchCost[] = [];
  for (const codes of ['sq7', 'f32'] as const) {
    const searcher = await withProgress(`building ${codes}`, 'vectors', (onProgress) =>
      buildHnsw({ base, metric, codes, seed, threads, onProgress }),
    );
    const rows = await withProgress(`${codes}: recall`, 'passes', (onProgress) =>
      sweep({ dataset: name, searcher, queries, truth, k, rounds: 1, enough: RECALLS[1], onProgress }),
    );
    const settings = new Map(
      RECALLS.flatMap((recall) => narrowest(rows, recall) ?? []).map((one) => [settingLabel(one), one]),
    );
    const measured = await withProgress(`${codes}: batches`, 'turns', (onProgress) =>
      compare(searcher, [...settings.values()], { queries, truth, k, turns: rounds * TURNS_PER_ROUND, onProgress }),
    );
    costs.push(...measured);
  }
  return costs;
}

export function batchTable(costs: readonly BatchCost[]): string {
  return formatTable(
    ['codes', 'width', 'recall', 'queries', 'a batch of', 'loop QPS', 'batch QPS', 'ratio'],
    costs.map(({ codes, recall, order, queries, loopQps, batchQps, ratio, ...setting }) => [
      ...[codes, settingLabel(setting), recall.toFixed(4), order, formatCount(queries)],
      ...[formatCount(loopQps), formatCount(batchQps), `${ratio.toFixed(3)}×`],
    ]),
    { words: [0, 3] },
  );
}

const RECALLS = [0.95, 0.99];
/** A turn is short, and one ratio says little. */
const TURNS_PER_ROUND = 5;
/** What so few touch fits the cache of one core. */
const CACHED_QUERIES = 8;

interface CompareOptions {
  queries: Matrix;
  truth: Truth;
  k: number;
  turns: number;
  onProgress: (done: number, total: number) => void;
}

/** Loop and batch of each setting and order, one of each in a turn; who goes first changes. */
async function compare(
  { graph, codes }: GraphSearcher,
  settings: readonly BatchSetting[],
  { queries, truth, k, turns, onProgress }: CompareOptions,
): Promise<BatchCost[]> {
  const orders = [
    { order: 'given' as const, batch: shared(queries, queries.rows) },
    { order: 'cached' as const, batch: shared(queries, Math.min(CACHED_QUERIES, queries.rows)) },
  ];
  const cases = settings.flatMap((setting) => orders.map((one) => ({ ...one, setting, pairs: [] as Pair[] })));
  const pool = await Pool.start(graph, { threads: 1 });
  try {
    const loop = ({ data, rows, dimension }: Matrix, setting: BatchSetting) => {
      const options = { k, ...optionsOf(setting) };
      const each = Array.from({ length: rows }, (_, i) => row({ data, rows, dimension }, i));
      const began = performance.now();
      for (const query of each) graph.search(query, options);
      return (1000 * rows) / (performance.now() - began);
    };
    const batch = async ({ data, rows }: Matrix, setting: BatchSetting) => {
      const began = performance.now();
      await pool.searchBatch(data, { k, ...optionsOf(setting), threads: 1 });
      return (1000 * rows) / (performance.now() - began);
    };
    // The first pass is where code is compiled; it counts for nothing.
    for (let turn = -1; turn < turns; turn++) {
      for (const { batch: matrix, setting, pairs } of cases) {
        const batchFirst = turn % 2 === 0 ? await batch(matrix, setting) : undefined;
        const loopQps = loop(matrix, setting);
        const batchQps = batchFirst ?? (await batch(matrix, setting));
        if (turn >= 0) pairs.push({ loopQps, batchQps });
      }
      onProgress(turn + 1, turns);
    }
    const recalls = new Map<BatchSetting, number>();
    for (const setting of settings) {
      const { ids, found } = await pool.searchBatch(queries.data, { k, ...optionsOf(setting), threads: 1 });
      const rows = Array.from(found, (n, query) => ids.subarray(query * k, query * k + n));
      recalls.set(setting, recallAtK(rows, truth, k));
    }
    return cases.map(({ order, batch, setting, pairs }) => ({
      ...{ codes, order, ...setting, queries: batch.rows, recall: recalls.get(setting)! },
      loopQps: median(pairs.map(({ loopQps }) => loopQps)),
      batchQps: median(pairs.map(({ batchQps }) => batchQps)),
      ratio: median(pairs.map(({ loopQps, batchQps }) => batchQps / loopQps)),
    }));
  } finally {
    await pool.close();
  }
}

interface Pair {
  loopQps: number;
  batchQps: number;
}

/** The first `distinct` queries, over and over until they are as many as all, where the thread can read them uncopied. */
function shared({ data, rows, dimension }: Matrix, distinct: number): Matrix {
  const copy = new Float32Array(new SharedArrayBuffer(rows * dimension * 4));
  const few = data.subarray(0, distinct * dimension);
  for (let from = 0; from < copy.length; from += few.length) {
    copy.set(few.subarray(0, Math.min(few.length, copy.length - from)), from);
  }
  return { data: copy, rows, dimension };
}
