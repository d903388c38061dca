/**
 * Exact neighbours of many queries on all cores: ground truth. The base vectors lie in shared memory once; each worker takes the
 * next few queries until none is left.
 */

import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { DimensionError, ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import type { Metric } from '../core/metric.ts';
import { patient } from '../core/patient.ts';
import { checkInteger, checkShape } from '../graph/checks.ts';
import { VectorStore, type VectorStoreHandle } from '../kernels/vectors.ts';
import { startWorker } from './start-worker.ts';

export interface ExactNeighborsOptions {
  base: Matrix;
  queries: Matrix;
  /** 1 … base.rows. */
  k: number;
  metric: Metric;
  /** Default: as many as there are cores. */
  threads?: number;
  onProgress?: (done: number, total: number) => void;
}

/** What a worker is given. Everything of size is shared, not copied. */
export interface ExactTask {
  store: VectorStoreHandle;
  thread: number;
  count: number;
  k: number;
  queries: Matrix;
  ids: Uint32Array;
  distances: Float32Array;
  /** [0]: the first query that nobody has taken; [1]: queries done. */
  progress: Int32Array;
}

/**
 * Row numbers and distances of the k nearest of `base`, row-major, `queries.rows` × k. Rejects with DimensionError,
 * ParameterError or VectorValueError before anything is started, and with what a thread died of once all threads have ended, and with
 * what `onProgress` throws when all is done.
 */
export async function exactNeighbors(
  options: ExactNeighborsOptions,
): Promise<{ ids: Uint32Array; distances: Float32Array }> {
  const { base, queries, k, metric, onProgress, threads = availableParallelism() } = options;
  checkShape({ dimension: base.dimension, metric, capacity: Math.max(1, base.rows) });
  if (base.dimension !== queries.dimension) {
    throw new DimensionError({ expected: base.dimension, got: queries.dimension, where: 'queries' });
  }
  checkRows(base, 'base');
  checkRows(queries, 'queries');
  if (!Number.isInteger(k) || k < 1 || k > base.rows) {
    throw new ParameterError({ parameter: 'k', got: k, want: `an integer from 1 to the ${base.rows} base vectors` });
  }
  checkInteger('threads', threads, 1, MOST_THREADS);
  const store = VectorStore.reserve({ dimension: base.dimension, metric, capacity: base.rows, threads });
  for (let i = 0; i < base.rows; i++) store.put(i, row(base, i), `base row ${i}`);
  for (let i = 0; i < queries.rows; i++) store.check(row(queries, i), `query ${i}`);
  const shared = { ...queries, data: shareF32(queries.data) };
  const ids = new Uint32Array(new SharedArrayBuffer(queries.rows * k * 4));
  const distances = new Float32Array(new SharedArrayBuffer(queries.rows * k * 4));
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const task = { store: store.handle, count: base.rows, k, queries: shared, ids, distances, progress };
  const { report, throwFirst } = patient(onProgress, queries.rows);
  const timer = onProgress && setInterval(() => report(Atomics.load(progress, 1) / queries.rows), 200);
  const workers: Worker[] = [];
  try {
    for (let thread = 0; thread < threads; thread++)
      workers.push(
        startWorker('exact-worker', import.meta.url, { workerData: { ...task, thread } satisfies ExactTask }),
      );
    await Promise.all(workers.map(ended));
  } finally {
    clearInterval(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  report(1);
  throwFirst();
  return { ids, distances };
}

const MOST_THREADS = 1024;

function checkRows({ data, rows, dimension }: Matrix, name: string): void {
  if (data.length === rows * dimension) return;
  throw new ParameterError({
    parameter: `${name}.data.length`,
    got: data.length,
    want: `${rows} rows of dimension ${dimension} are ${rows * dimension} numbers`,
  });
}

/** Resolves when the worker has done its part. */
function ended(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', (cause) => reject(new Error(`a thread of the exact search failed: ${cause}`, { cause })));
    worker.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`a thread of the exact search ended with exit code ${code}`)),
    );
  });
}

function shareF32(data: Float32Array): Float32Array {
  const shared = new Float32Array(new SharedArrayBuffer(data.byteLength));
  shared.set(data);
  return shared;
}
