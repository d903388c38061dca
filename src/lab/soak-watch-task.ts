/** What `soak-watch.ts` shares with its thread. */
export interface WatchTask {
  words: Int32Array;
  /** What moves, in words: each for itself is not to stand still. */
  what: readonly string[];
  stallSeconds: number;
}

/** What the thread says: which of them stand still. */
export type StandingStill = string[];

/**
 * How many know that nothing moves; not 0: it has been said what stands still; from there on, how often each has moved.
 */
export const PAUSES = 0;
export const ANSWERED = 1;
export const MOVES = 2;
