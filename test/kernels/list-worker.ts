/** A thread that changes a list of links, or reads it while another one does. */
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../../src/core/random.ts';
import { instantiateOver } from './compile-kernels.ts';
import type { Internals } from './internals.ts';

export interface ListTask {
  role: 'write' | 'read';
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  control: Int32Array;
  /** All of them begin at the same time. */
  threads: number;
  seed: number;
  changes: number;
}

export const LIST_AT = 64;
const STAY_AT = 1024;
/** Edges that a list may hold, and how many of the latest stay in any case. */
const MOST = 24;
const LATEST = 16;

/** Control words. Edges are numbered in the order in which they are appended. */
const READY = 0;
const DONE = 1;
/** Edges below the first of these may be in the list, those below the second have been; those from the third on are. */
const BEGUN = 2;
const APPENDED = 3;
const STAYING_FROM = 4;

const { role, module, memory, control, threads, seed, changes } = workerData as ListTask;
const kernels = instantiateOver<Internals>(module, memory);
const words = new Uint32Array(memory.buffer);
Atomics.add(control, READY, 1);
while (Atomics.load(control, READY) < threads);
parentPort?.postMessage(role === 'write' ? write() : read());

function write() {
  const random = new Random(seed);
  let compactions = 0;
  for (let edge = 0; edge < changes; edge++) {
    Atomics.store(control, BEGUN, edge + 1);
    const count = kernels.countOf(LIST_AT);
    if (count < MOST) kernels.append(LIST_AT, edge);
    else {
      const staying = Math.max(0, edge - LATEST);
      Atomics.store(control, STAYING_FROM, staying);
      let n = 0;
      for (let i = 0; i < count; i++) {
        const other = kernels.edgeAt(LIST_AT, i);
        if (other >= staying || random.uniform() < 0.85) words[STAY_AT / 4 + n++] = other;
      }
      words[STAY_AT / 4 + n++] = edge;
      kernels.compact(LIST_AT, STAY_AT, n, edge, 2 * MOST);
      compactions++;
    }
    Atomics.store(control, APPENDED, edge + 1);
  }
  Atomics.store(control, DONE, 1);
  return { compactions };
}

function read() {
  const faults: string[] = [];
  const seen = new Set<number>();
  let readings = 0;
  do {
    const appended = Atomics.load(control, APPENDED);
    seen.clear();
    for (let i = kernels.countOf(LIST_AT) - 1; i >= 0; i--) seen.add(kernels.edgeAt(LIST_AT, i));
    const [next, staying] = [Atomics.load(control, BEGUN), Atomics.load(control, STAYING_FROM)];
    for (let edge = staying; edge < appended; edge++)
      if (!seen.has(edge)) faults.push(`missed ${edge} of ${staying} … ${appended}`);
    for (const edge of seen) if (edge < 0 || edge >= next) faults.push(`saw ${edge} before ${next}`);
    readings++;
  } while (Atomics.load(control, DONE) === 0 && faults.length < 5);
  return { readings, faults };
}
