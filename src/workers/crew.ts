/**
 * The threads of a pool, and the jobs that they share. A job is done when every thread that was given it has found nothing left
 * to take. Where a thread dies, the job is stopped, a successor of the same number is started, and the job ends when that one
 * is ready, which means that it has finished what its predecessor began and holds no lock.
 */
import type { Worker } from 'node:worker_threads';
import { AnnError, PoolClosedError } from '../core/errors.ts';
import type { GraphHandle } from '../graph/graph-thread.ts';
import type { Work } from '../graph/vector-index.ts';
import { CONTROL, type Reply, type Request, type Task, type WorkerStart } from './pool-task.ts';
import { startWorker } from './start-worker.ts';

/** How a job ended. */
export interface Ended {
  work: Work;
  /** The lowest row that cannot be searched or held. */
  refused?: number;
  /** What a thread threw. */
  failure?: Error;
  /** What a thread died of. */
  died?: { why: string; cause?: unknown };
  /** Its successors died too, before they could finish what it was at. */
  lost?: boolean;
}

export class Crew {
  readonly #handle: GraphHandle;
  readonly #members: Member[] = [];
  readonly #jobs = new Map<number, Job>();
  #nextJob = 0;
  #closing = false;

  /** Resolves when all are ready; rejects, with all ended, where one cannot be started. */
  static async start(handle: GraphHandle, numbers: readonly number[]): Promise<Crew> {
    const crew = new Crew(handle);
    try {
      await Promise.all(
        numbers.map((number) => {
          const member = new Member(number);
          crew.#members.push(member);
          return crew.#start(member);
        }),
      );
    } catch (error) {
      await crew.close();
      throw error;
    }
    return crew;
  }

  private constructor(handle: GraphHandle) {
    this.#handle = handle;
  }

  /** Gives the task to those `threads` that have least to do. Never rejects: what went wrong is in what it returns. */
  run(task: Task, threads: number): Promise<Ended> {
    if (this.#members.length === 0) {
      return Promise.resolve({ work: NO_WORK, died: { why: 'none of them can be started any more' }, lost: true });
    }
    const job: Job = { id: this.#nextJob++, task, waiting: new Set(), ended: { work: NO_WORK }, resolve: () => {} };
    const members = this.#members.toSorted((a, b) => a.jobs.size - b.jobs.size).slice(0, threads);
    return new Promise((resolve) => {
      job.resolve = resolve;
      this.#jobs.set(job.id, job);
      for (const member of members) {
        job.waiting.add(member);
        member.jobs.add(job);
        member.worker?.ref();
        // A member that is being replaced will not hear it; its successor's readiness ends its part.
        member.worker?.postMessage({ job: job.id, task } satisfies Request);
      }
    });
  }

  /** Ends a thread, once it is ready, at whatever it is doing. Rejects where it cannot be started, or the crew is closed meanwhile. */
  async kill(i: number): Promise<void> {
    const member = this.#members.at(i);
    await holdingUp(async () => {
      await member?.ready;
      await member?.worker?.terminate();
    });
  }

  /** Ends all threads at once; to be called when no job is under way. */
  async close(): Promise<void> {
    this.#closing = true;
    await holdingUp(() => Promise.all(this.#members.map((member) => member.worker?.terminate())));
  }

  /** A thread for the member's number; resolves when it is ready. */
  #start(member: Member): Promise<void> {
    const interrupted = [...member.jobs].map((job) => job.task).find((task) => task.kind === 'insert');
    const workerData: WorkerStart = {
      handle: this.#handle,
      thread: member.number,
      ...(interrupted && { interrupted }),
    };
    const worker = startWorker('pool-worker', import.meta.url, { workerData });
    member.worker = worker;
    let cause: unknown;
    member.ready = new Promise((resolve, reject) => {
      worker.on('message', (reply: Reply) => {
        if (reply.kind !== 'ready') return this.#hear(member, reply);
        member.misses = 0;
        for (const job of [...member.jobs]) if (job.ended.died) this.#leave(job, member);
        if (member.jobs.size === 0) worker.unref();
        resolve();
      });
      worker.on('error', (error) => {
        cause = error;
      });
      worker.on('exit', (code) => {
        if (this.#closing) return reject(new PoolClosedError());
        const why = cause instanceof Error ? cause.message : `exit code ${code}`;
        reject(new AnnError('WORKER_DIED', `a thread of the pool cannot start: ${why}`, { cause }));
        this.#lose(member, { why, cause });
      });
    });
    member.ready.catch(() => {});
    return member.ready;
  }

  /** Stops what the member took part in, and puts another thread in its place. */
  #lose(member: Member, died: NonNullable<Ended['died']>): void {
    for (const job of member.jobs) {
      job.ended.died = died;
      Atomics.store(job.task.control, CONTROL.stop, 1);
    }
    member.misses++;
    if (member.misses < MOST_MISSES) {
      this.#start(member);
      return;
    }
    this.#members.splice(this.#members.indexOf(member), 1);
    for (const job of [...member.jobs]) {
      job.ended.lost = true;
      this.#leave(job, member);
    }
  }

  #hear(member: Member, reply: Exclude<Reply, { kind: 'ready' }>): void {
    const job = this.#jobs.get(reply.job);
    if (!job) return;
    const { ended } = job;
    if (reply.kind === 'done') {
      const { distances, hops, estimates } = ended.work;
      const { work } = reply;
      ended.work = {
        distances: distances + work.distances,
        hops: hops + work.hops,
        estimates: estimates + work.estimates,
      };
    } else if (reply.kind === 'refused') ended.refused = Math.min(ended.refused ?? reply.row, reply.row);
    else {
      const { code, message, name, details } = reply.error;
      ended.failure = Object.assign(new AnnError(code, message), { ...details, name });
    }
    this.#leave(job, member);
  }

  /** The member has no more part in the job. */
  #leave(job: Job, member: Member): void {
    job.waiting.delete(member);
    member.jobs.delete(job);
    if (member.jobs.size === 0) member.worker?.unref();
    if (job.waiting.size > 0) return;
    this.#jobs.delete(job.id);
    job.resolve(job.ended);
  }
}

/** Threads with nothing to do do not hold up their process; whoever waits for the end of one does. */
async function holdingUp<T>(work: () => Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, HOLD_MS);
  try {
    return await work();
  } finally {
    clearInterval(hold);
  }
}

const NO_WORK: Work = { distances: 0, hops: 0, estimates: 0 };
/** Threads of one number that may die before they are ready, one after the other; then the crew goes on without. */
const MOST_MISSES = 3;
const HOLD_MS = 60_000;

/** A thread's number, and who bears it at present. */
class Member {
  readonly number: number;
  readonly jobs = new Set<Job>();
  worker: Worker | undefined;
  /** Settles when the present thread can work, or cannot. */
  ready: Promise<void> = Promise.resolve();
  /** How many died in a row before they were ready. */
  misses = 0;

  constructor(number: number) {
    this.number = number;
  }
}

interface Job {
  id: number;
  task: Task;
  /** Who has not come to its end. */
  waiting: Set<Member>;
  ended: Ended;
  resolve: (ended: Ended) => void;
}
