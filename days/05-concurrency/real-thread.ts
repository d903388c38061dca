/** One of the threads of `real-threads.ts`: inserts its share of the vectors, as often as it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { CONTROL, moduleOf, optionsFor, perform, type Share } from './real-threads.ts';

const { which, n, memory, control, thread, threads } = workerData as Share;
const { SharedGraph, insertAll } = await moduleOf(which);
const graph = new SharedGraph({ ...optionsFor(n), memory });
const nodes = [...graph.vectors.keys()].slice(1).filter((node) => node % threads === thread);

parentPort?.postMessage('ready');
for (let build = 0; ; build++) {
  Atomics.wait(control, CONTROL.build, build);
  perform(memory, insertAll(graph, nodes, thread + 1));
  Atomics.add(control, CONTROL.ended, 1);
  Atomics.notify(control, CONTROL.ended);
}
