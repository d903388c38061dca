/** One thread of `exactNeighbors`: takes queries, a block at a time, until none is left. */
import { workerData } from 'node:worker_threads';
import { VectorStore } from '../kernels/vectors.ts';
import type { ExactTask } from './exact-neighbors.ts';

const QUERIES_AT_ONCE = 16;

const { store: handle, thread, count, k, queries, ids, distances, progress } = workerData as ExactTask;
const store = VectorStore.attach(handle, thread);
for (;;) {
  const from = Atomics.add(progress, 0, QUERIES_AT_ONCE);
  if (from >= queries.rows) break;
  const to = Math.min(from + QUERIES_AT_ONCE, queries.rows);
  store.nearestBatch(queries, { from, to, count, k }, ids, distances);
  Atomics.add(progress, 1, to - from);
}
