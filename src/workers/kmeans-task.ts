/** What the caller's thread and those of a k-means tell each other. */
import type { KMeansTask } from '../quantize/kmeans.ts';
import type { KMeansHandle, KMeansShape, StepKind } from '../quantize/kmeans-memory.ts';
import type { Trained } from '../quantize/kmeans-training.ts';

/** What a worker is given. */
export interface KMeansStart {
  handle: KMeansHandle;
  thread: number;
  shape: KMeansShape;
}

/** To the first thread: what to do with the rows that now lie in the memory. */
export interface KMeansRequest {
  shape: KMeansShape;
  task: KMeansTask;
}

export type KMeansReply =
  | { kind: 'iteration'; iteration: number; inertia: number }
  | { kind: 'done'; trained: Trained };

/** Words of `KMeansMemory.control`, by which the first thread hands a step to the others. */
export const CONTROL = {
  /** Raised when a step is to be performed; the others wait for it. */
  steps: 0,
  /** The step: its kind's place in STEP_KINDS, its argument, its units. */
  kind: 1,
  argument: 2,
  units: 3,
  /** The first unit that nobody has taken. */
  next: 4,
  /** Sum of what the units returned. */
  sum: 5,
  /** Other threads that are not through with the step; the first waits for none to be left. */
  busy: 6,
};

export const STEP_KINDS: readonly StepKind[] = ['nearer', 'assign', 'assignListed', 'move'];
