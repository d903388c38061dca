/**
 * The same generators on threads of the machine: each step is one of JavaScript's Atomics, on memory that the threads share. Nobody
 * decides whose turn it is, so no two runs are alike.
 */
import { Worker } from 'node:worker_threads';
import { findDay } from 'annlab/exercises';
import { gaussianSet, loadDay, loadMutant, rows } from 'annlab/lab';
import type { Steps } from './scheduler.ts';
import type { SharedGraph, SharedGraphOptions } from './solution.ts';

/** Runs a thread's code to its end on the calling thread. */
export function perform<T>(memory: Int32Array, steps: Steps<T>): T {
  for (let answer = 0; ; ) {
    const { done, value } = steps.next(answer);
    if (done) return value;
    const { kind, at } = value;
    if (kind === 'load') answer = Atomics.load(memory, at);
    else if (kind === 'store') answer = Atomics.store(memory, at, value.value);
    else answer = Atomics.compareExchange(memory, at, value.expected, value.value);
  }
}

/** What a worker is given. */
export interface Share {
  /** `solution`, `exercise`, or the name of a mutant. */
  which: string;
  n: number;
  memory: Int32Array;
  /** Words by which builds are begun and ended; see `CONTROL`. */
  control: Int32Array;
  thread: number;
  threads: number;
}

/** The number of the build that is under way, from 1; how many threads have come to the end of it. */
export const CONTROL = { build: 0, ended: 1, words: 2 } as const;

/** The module of day 05 that is meant. */
export async function moduleOf(which: string): Promise<typeof import('./solution.ts')> {
  return which === 'solution' || which === 'exercise' ? loadDay(5, which) : loadMutant(5, which);
}

const LONGEST_MS = 30_000;

/** The vectors that all threads insert, and how. */
export function optionsFor(n: number): SharedGraphOptions {
  return {
    vectors: rows(gaussianSet({ n, dimension: 8, queries: 1, seed: 2 }).base),
    M: 4,
    M0: 200,
    efConstruction: 16,
  };
}

/** Threads that build the same graph as often as they are told to. */
export class Builders {
  readonly #workers: Worker[];
  readonly #control: Int32Array;
  readonly #graph: SharedGraph;

  private constructor(workers: Worker[], control: Int32Array, graph: SharedGraph) {
    this.#workers = workers;
    this.#control = control;
    this.#graph = graph;
  }

  /** Resolves when all are ready. Throws UnwrittenHole where the module has one. */
  static async start({ which, threads, n }: Pick<Share, 'which' | 'threads' | 'n'>): Promise<Builders> {
    const { folder } = await findDay(5);
    // A hole that is not written is thrown here, and not in a thread.
    const { SharedGraph, insertAll } = await moduleOf(which);
    const trial = new SharedGraph(optionsFor(3));
    perform(trial.memory, insertAll(trial, [1, 2], 1));
    const options = optionsFor(n);
    const words = (count: number) => new Int32Array(new SharedArrayBuffer(count * 4));
    const memory = words(SharedGraph.words(options));
    const control = words(CONTROL.words);
    const workers: Worker[] = [];
    // One after the other: a mutant is a file for as long as it takes to load it.
    for (let thread = 0; thread < threads; thread++) {
      const workerData: Share = { which, n, memory, control, thread, threads };
      const worker = new Worker(`${folder}/real-thread.ts`, { workerData });
      workers.push(worker);
      await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    }
    const builders = new Builders(workers, control, new SharedGraph({ ...options, memory }));
    for (const worker of workers) worker.unref();
    return builders;
  }

  /** Builds the graph anew; returns when it is there. Throws where the threads get stuck. */
  build(): SharedGraph {
    const control = this.#control;
    this.#graph.memory.fill(0);
    Atomics.store(control, CONTROL.ended, 0);
    Atomics.add(control, CONTROL.build, 1);
    Atomics.notify(control, CONTROL.build);
    for (const began = performance.now(); performance.now() < began + LONGEST_MS; ) {
      const ended = Atomics.load(control, CONTROL.ended);
      if (ended === this.#workers.length) return this.#graph;
      Atomics.wait(control, CONTROL.ended, ended, 1000);
    }
    throw new Error(`the threads did not come to an end within ${LONGEST_MS / 1000} s: does each lock get free again?`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** How many links led one way only after each of so many builds. */
export async function lostOnRealThreads(
  which: string,
  { threads, builds, n = 600 }: { threads: number; builds: number; n?: number },
): Promise<number[]> {
  const builders = await Builders.start({ which, threads, n });
  const lost = Array.from({ length: builds }, () => {
    const links = builders.build().links();
    return links.flatMap((list, node) => list.filter((other) => !links[other]?.includes(node))).length;
  });
  await builders.close();
  return lost;
}
