/** A thread that counts in plain memory, under a lock. */
import { parentPort, workerData } from 'node:worker_threads';
import { instantiateOver } from './compile-kernels.ts';
import type { Internals } from './internals.ts';

export interface LockTask {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Its own, from 0; and how many there are, who begin at the same time. */
  thread: number;
  threads: number;
  rounds: number;
  /** Bytes: how many are ready, the locks, and behind each lock what it guards. */
  at: { ready: number; locks: number[] };
}

const { module, memory, thread, threads, rounds, at } = workerData as LockTask;
const kernels = instantiateOver<Internals>(module, memory);
const words = new Int32Array(memory.buffer);
kernels.configureThread(thread, 0);
Atomics.add(words, at.ready / 4, 1);
while (Atomics.load(words, at.ready / 4) < threads);
let strangers = 0;
for (let round = 0; round < rounds; round++) {
  const lock = at.locks[(round + thread) % at.locks.length];
  const [total, holder] = [lock / 4 + 1, lock / 4 + 2];
  kernels.lock(lock);
  if (words[holder] !== 0 || !kernels.holds(lock)) strangers++;
  words[holder] = thread + 1;
  // Reading and writing, with some time between them.
  const before = words[total];
  for (let i = 0; i < 20; i++) Atomics.load(words, holder);
  words[total] = before + 1;
  if (words[holder] !== thread + 1) strangers++;
  words[holder] = 0;
  kernels.unlock(lock);
}
parentPort?.postMessage({ strangers });
