/** Every worker that a test's subject starts, and what the test makes of one before it runs: its script, or its own. */
import type { Worker } from 'node:worker_threads';
import { afterEach } from 'vitest';

export const started = {
  workers: [] as Worker[],
  sabotage: undefined as undefined | ((thread: number) => string | undefined),
};

afterEach(() => {
  started.workers = [];
  started.sabotage = undefined;
});

/** `node:worker_threads` with workers that are watched; for `vi.mock`. */
export function watched(threads: typeof import('node:worker_threads')) {
  return {
    ...threads,
    Worker: class extends threads.Worker {
      constructor(script: URL, options: { workerData: { thread: number } }) {
        const broken = started.sabotage?.(options.workerData.thread);
        if (broken) super(broken, { ...options, eval: true });
        else super(script, options);
        started.workers.push(this);
      }
    },
  };
}

/** A worker that has ended has lost its thread's number. */
export function running(): number {
  return started.workers.filter(({ threadId }) => threadId !== -1).length;
}
