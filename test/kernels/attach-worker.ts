/** A thread that attaches to a store, searches it again and again, and posts what it found in the last round. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Matrix } from '../../src/core/matrix.ts';
import { VectorStore, type VectorStoreHandle } from '../../src/kernels/vectors.ts';

export interface AttachTask {
  store: VectorStoreHandle;
  thread: number;
  queries: Matrix;
  count: number;
  k: number;
  rounds: number;
  /** [0]: threads that have begun. */
  started: Int32Array;
}

const { store: handle, thread, queries, count, k, rounds, started } = workerData as AttachTask;
const store = VectorStore.attach(handle, thread);
const ids = new Uint32Array(queries.rows * k);
const distances = new Float32Array(queries.rows * k);
Atomics.add(started, 0, 1);
for (let round = 0; round < rounds; round++) {
  store.nearestBatch(queries, { from: 0, to: queries.rows, count, k }, ids, distances);
}
parentPort?.postMessage(ids);
