/**
 * What more writers are worth: the same set built by one thread of a pool and by all of them, in turn, each time into a new index.
 * A graph that several threads built must be whole, and be searched as well as the other.
 */
import { performance } from 'node:perf_hooks';
import type { AnyIndex } from '../graph/any-index.ts';
import type { GraphKind } from '../graph/graph-options.ts';
import { Hnsw } from '../graph/hnsw.ts';
import { Vamana } from '../graph/vamana.ts';
import { Pool } from '../workers/pool.ts';
import type { Dataset } from './datasets.ts';
import { formatSeconds, formatTable } from './format.ts';
import { recallAtK, type Truth } from './recall.ts';
import { median } from './sweep.ts';

export interface BuildCost extends Subject {
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

interface Subject {
  index: GraphKind;
  codes: 'f32' | 'sq7';
}

/** What is built. A Vamana on floats goes through the same steps as one on codes, and takes longer over each. */
const SUBJECTS: readonly Subject[] = [
  { index: 'hnsw', codes: 'sq7' },
  { index: 'hnsw', codes: 'f32' },
  { index: 'vamana', codes: 'sq7' },
];

/** One and `threads` writers of each. */
export async function benchBuild(options: BenchBuildOptions): Promise<BuildCost[]> {
  const { dataset, threads, rounds, onProgress } = options;
  const base = new Float32Array(new SharedArrayBuffer(dataset.train.data.byteLength));
  base.set(dataset.train.data);
  const subjects = SUBJECTS.map((subject) => ({
    subject,
    turns: [...new Set([1, threads])].map((writers) => ({ writers, builds: [] as Build[] })),
  }));
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const { subject, turns } of subjects) {
      // Who goes first changes, as a machine slows down when it has worked for a while.
      for (const { writers, builds } of round % 2 ? turns.toReversed() : turns) {
        builds.push(await build(options, base, subject, writers));
        onProgress?.(++done, rounds * subjects.length * turns.length);
      }
    }
  }
  return subjects.flatMap(({ subject, turns }) =>
    turns.map(({ writers, builds }) => ({
      ...{ ...subject, threads: writers },
      seconds: median(builds.map(({ seconds }) => seconds)),
      speedup: median(builds.map(({ seconds }, round) => turns[0].builds[round].seconds / seconds)),
      recall: builds.reduce((sum, { recall }) => sum + recall, 0) / builds.length,
      faults: builds.flatMap(({ faults }) => faults),
    })),
  );
}

export function buildTable(costs: readonly BuildCost[]): string {
  return formatTable(
    ['index', 'codes', 'writers', 'build', 'speed-up', 'recall at ef 64', 'faults'],
    costs.map(({ index, codes, threads, seconds, speedup, recall, faults }) => [
      index,
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

function build(
  options: BenchBuildOptions,
  base: Float32Array,
  { index, codes }: Subject,
  threads: number,
): Promise<Build> {
  const { train, metric } = options.dataset;
  const { dimension, rows: capacity } = train;
  const shape = { dimension, metric, capacity, codes, seed: options.seed, threads: threads + 1 };
  return index === 'hnsw'
    ? fill(options, Hnsw.create(shape), threads, (pool) => pool.addBatch(base))
    : fill(options, Vamana.create(shape), threads, (pool) => pool.build(base));
}

async function fill<Index extends AnyIndex>(
  { dataset: { queries }, truth, k }: BenchBuildOptions,
  index: Index,
  threads: number,
  add: (pool: Pool<Index>) => Promise<unknown>,
): Promise<Build> {
  const pool = await Pool.start(index, { threads });
  try {
    const began = performance.now();
    await add(pool);
    const seconds = (performance.now() - began) / 1000;
    const { ids, found } = await pool.searchBatch(queries.data, { k, efSearch: Math.max(64, k) });
    const rows = Array.from(found, (n, query) => ids.subarray(query * k, query * k + n));
    return { seconds, recall: recallAtK(rows, truth, k), faults: index.validate() };
  } finally {
    await pool.close();
  }
}
