/**
 * K-means on all cores, in the two ways in which there is something to share out: `trainKMeans` has many threads perform the
 * steps of one, `kmeansJobs` gives each thread one of many independent ones, as the codebooks of a product quantizer are.
 * Results are those of `kmeans` on one thread, bit for bit.
 *
 * Rows are copied from the caller's matrix to the shared memory of whoever is about to work on them, so that no more than a
 * job's share is ever held twice.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { AnnError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { checkInteger } from '../graph/checks.ts';
import {
  type KMeansJob,
  type KMeansOptions,
  type KMeansProblem,
  type KMeansResult,
  type KMeansRunner,
  problemOf,
  problemsOf,
  type RowsView,
  solve,
} from '../quantize/kmeans.ts';
import { KMeansMemory } from '../quantize/kmeans-memory.ts';
import type { Trained } from '../quantize/kmeans-training.ts';
import type { KMeansReply, KMeansRequest, KMeansStart } from './kmeans-task.ts';
import { startWorker } from './start-worker.ts';

/**
 * `kmeans` with each step shared among `threads` threads, by default as many as there are cores. Rejects as `kmeans` throws,
 * before any thread is started where it can be told, and with WORKER_DIED where a thread ends; all have ended when it settles.
 */
export async function trainKMeans(
  rows: RowsView,
  { threads = availableParallelism(), ...options }: KMeansOptions & { threads?: number },
): Promise<KMeansResult> {
  checkInteger('threads', threads, 1, MOST_THREADS);
  const problem = problemOf(rows, options);
  const team = new Team(KMeansMemory.reserve([problem.shape], threads), threads);
  try {
    return await team.solve(problem, options.onIteration);
  } finally {
    await team.close();
  }
}

/** Independent k-means over columns of the same rows, one per thread at a time; results in the order of the jobs. */
export async function kmeansJobs(
  rows: Matrix,
  jobs: readonly KMeansJob[],
  {
    threads = availableParallelism(),
    onDone,
  }: { threads?: number; onDone?: (done: number, total: number) => void } = {},
): Promise<KMeansResult[]> {
  checkInteger('threads', threads, 1, MOST_THREADS);
  const problems = problemsOf(rows, jobs);
  const shapes = problems.map(({ shape }) => shape);
  const results = new Array<KMeansResult>(jobs.length);
  const teams: Team[] = [];
  let next = 0;
  let done = 0;
  const work = async (team: Team) => {
    while (next < problems.length) {
      const i = next++;
      results[i] = await team.solve(problems[i]);
      onDone?.(++done, problems.length);
    }
  };
  try {
    for (let i = 0; i < Math.min(threads, problems.length); i++)
      teams.push(new Team(KMeansMemory.reserve(shapes, 1), 1));
    await Promise.all(teams.map(work));
  } finally {
    // Where one has failed, the others take no more.
    next = problems.length;
    await Promise.all(teams.map((team) => team.close()));
  }
  return results;
}

/** `kmeansJobs` for whoever takes a runner. */
export function runOnThreads(threads?: number): KMeansRunner {
  return (rows, jobs, onDone) =>
    kmeansJobs(rows, jobs, { ...(threads !== undefined && { threads }), ...(onDone && { onDone }) });
}

const MOST_THREADS = 1024;

/** Threads that work in one memory. The first is told what to do, and tells the others. */
class Team {
  readonly #memory: KMeansMemory;
  readonly #workers: Worker[] = [];
  readonly #threads: number;
  /** Rejects when a thread ends. */
  #died: Promise<never> | undefined;
  #closing = false;

  constructor(memory: KMeansMemory, threads: number) {
    this.#memory = memory;
    this.#threads = threads;
  }

  /** One problem at a time. The threads are started when the first one's rows have been found right. */
  async solve(problem: KMeansProblem, onIteration?: KMeansOptions['onIteration']): Promise<KMeansResult> {
    const tasks = solve(this.#memory, problem);
    let next = tasks.next();
    this.#died ??= this.#start(problem);
    while (!next.done) {
      const { value: task } = next;
      const trained = await Promise.race([this.#ask({ task, shape: problem.shape }, onIteration), this.#died]);
      next = tasks.next(trained);
    }
    return next.value;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #start({ shape }: KMeansProblem): Promise<never> {
    const { handle } = this.#memory;
    for (let thread = 0; thread < this.#threads; thread++) {
      const workerData: KMeansStart = { handle, thread, shape };
      this.#workers.push(startWorker('kmeans-worker', import.meta.url, { workerData }));
    }
    const died = new Promise<never>((_, reject) => {
      for (const worker of this.#workers) {
        let cause: unknown;
        worker.on('error', (error) => {
          cause = error;
        });
        worker.on('exit', (code) => {
          if (this.#closing) return;
          const why = cause instanceof Error ? cause.message : `exit code ${code}`;
          reject(new AnnError('WORKER_DIED', `a thread of the k-means died (${why}): ask again`, { cause }));
        });
      }
    });
    died.catch(() => {});
    return died;
  }

  #ask(request: KMeansRequest, onIteration?: KMeansOptions['onIteration']): Promise<Trained> {
    const [leader] = this.#workers;
    return new Promise((resolve, reject) => {
      const hear = (reply: KMeansReply) => {
        if (reply.kind === 'done') {
          leader.off('message', hear);
          resolve(reply.trained);
          return;
        }
        try {
          onIteration?.(reply.iteration, reply.inertia);
        } catch (error) {
          leader.off('message', hear);
          reject(error);
        }
      };
      leader.on('message', hear);
      leader.postMessage(request);
    });
  }
}
