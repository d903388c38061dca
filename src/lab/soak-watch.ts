/** Sees to it that things move, from a thread of its own: whoever else is stuck, that one is not. */
import { AnnError } from '../core/errors.ts';
import { startWorker } from '../workers/start-worker.ts';
import { ANSWERED, MOVES, PAUSES, type StandingStill, type WatchTask } from './soak-watch-task.ts';

/** Something did not move for too long. */
export class StalledError extends AnnError {
  constructor(standing: StandingStill, seconds: number, underWay: string) {
    super('STALLED', `no ${standing.join(', no ')} for ${seconds} s: ${underWay}`);
  }
}

export interface Watch<What extends string> {
  moved(what: What): void;
  /** For as long as this takes, nothing need move. */
  pausing<T>(work: () => Promise<T>): Promise<T>;
  /** Rejects with StalledError when one of them has not moved for that long, and never does anything else. */
  readonly stalled: Promise<never>;
  stop(): Promise<void>;
}

/**
 * `underWay` says in words what is going on. Where the thread that calls this is stuck itself and does not come to say
 * so, its process is killed.
 */
export function watch<What extends string>(
  what: readonly What[],
  stallSeconds: number,
  underWay: () => string,
): Watch<What> {
  const words = new Int32Array(new SharedArrayBuffer((MOVES + what.length) * 4));
  const workerData: WatchTask = { words, what, stallSeconds };
  const worker = startWorker('soak-watch-worker', import.meta.url, { workerData });
  worker.unref();
  const stalled = new Promise<never>((_, reject) => {
    worker.once('message', (standing: StandingStill) => {
      Atomics.store(words, ANSWERED, 1);
      reject(new StalledError(standing, stallSeconds, underWay()));
    });
    worker.once('error', reject);
  });
  stalled.catch(() => {});
  return {
    stalled,
    moved(which) {
      Atomics.add(words, MOVES + what.indexOf(which), 1);
    },
    async pausing(work) {
      Atomics.add(words, PAUSES, 1);
      try {
        return await work();
      } finally {
        Atomics.sub(words, PAUSES, 1);
      }
    },
    async stop() {
      await worker.terminate();
    },
  };
}
