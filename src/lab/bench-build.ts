/**
 * What more writers are worth: the same set built by one thread of a pool and by all of them, in turn, each time into a new index.
 * A graph that several threads built must be whole, and be searched as well as the other.
 */
import { performance } from 'node:perf_hooks';
import { Hnsw } from '../graph/hnsw.ts';
import { Pool } from '../workers/pool.ts';
import type { Dataset } from './datasets.ts';
import { formatSeconds, formatTable } from './format.ts';
import { recallAtK, type Truth } from './recall.ts';
import { median } from './sweep.ts';

export interface BuildCost {
  codes: 'f32' | 'sq7';
  threads: number;
  /** Medians of the rounds; `speedup` of the ratios within each round, over one thread. */
  seconds: number;
  speedup: number;
  /** At efSearch 64, on average, and of the graph of every round what is broken. */
  recall: number;
  faults: string[];
}

export interface BenchBuildOptions {
  dataset: Dataset;
  truth: Truth;
  k: number;
  seed: number;
  threads: number;
  rounds: number;
  onProgress?: (done: number, total: number) => void;
}

/** One and `threads` writers, for both kinds of codes. */
export async function benchBuild(options: BenchBuildOptions): Promise<BuildCost[]> {
  const { dataset, threads, rounds, onProgress } = options;
  const base = new Float32Array(new SharedArrayBuffer(dataset.train.data.byteLength));
  base.set(dataset.train.data);
  const subjects = (['sq7', 'f32'] as const).map((codes) => ({
    codes,
    turns: [...new Set([1, threads])].map((writers) => ({ writers, builds: [] as Build[] })),
  }));
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const { codes, turns } of subjects) {
      // Who goes first changes, as a machine slows down when it has worked for a while.
      for (const { writers, builds } of round % 2 ? turns.toReversed() : turns) {
        builds.push(await build(options, base, codes, writers));
        onProgress?.(++done, rounds * subjects.length * turns.length);
      }
    }
  }
  return subjects.flatMap(({ codes, turns }) =>
    turns.map(({ writers, builds }) => ({
      ...{ codes, threads: writers },
      seconds: median(builds.map(({ seconds }) => seconds)),
      speedup: median(builds.map(({ seconds }, round) => turns[0].builds[round].seconds / seconds)),
      recall: builds.reduce((sum, { recall }) => sum + recall, 0) / builds.length,
      faults: builds.flatMap(({ faults }) => faults),
    })),
  );
}

export function buildTable(costs: readonly BuildCost[]): string {
  return formatTable(
    ['codes', 'writers', 'build', 'speed-up', 'recall at ef 64', 'faults'],
    costs.map(({ codes, threads, seconds, speedup, recall, faults }) => [
      codes,
      String(threads),
      formatSeconds(seconds),
      `${speedup.toFixed(2)}×`,
      recall.toFixed(4),
      String(faults.length),
    ]),
  );
}

interface Build {
  seconds: number;
  recall: number;
  faults: string[];
}

async function build(
  { dataset, truth, k, seed }: BenchBuildOptions,
  base: Float32Array,
  codes: 'f32' | 'sq7',
  threads: number,
): Promise<Build> {
  const { train, queries, metric } = dataset;
  const { dimension, rows: capacity } = train;
  const index = Hnsw.create({ dimension, metric, capacity, codes, seed, threads: threads + 1 });
  const pool = await Pool.start(index, { threads });
  try {
    const began = performance.now();
    await pool.addBatch(base);
    const seconds = (performance.now() - began) / 1000;
    const { ids, found } = await pool.searchBatch(queries.data, { k, efSearch: Math.max(64, k) });
    const rows = Array.from(found, (n, query) => ids.subarray(query * k, query * k + n));
    return { seconds, recall: recallAtK(rows, truth, k), faults: index.validate() };
  } finally {
    await pool.close();
  }
}
