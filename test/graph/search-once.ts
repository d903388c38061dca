/** A thread that searches once and says what it found. */
import { parentPort, workerData } from 'node:worker_threads';
import { HnswThread } from '../../src/graph/hnsw-thread.ts';

const { handle, query, done } = workerData;
const thread = new HnswThread(handle, 1);
parentPort?.postMessage('started');
const { slots } = thread.search(query, { k: 5 });
Atomics.store(done, 0, 1);
parentPort?.postMessage(slots);
