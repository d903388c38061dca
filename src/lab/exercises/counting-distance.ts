/** A distance that counts its evaluations: the work of a search, seen from outside the learner's code. */
import { CheckFailure } from './check.ts';

export interface CountingDistance<A extends unknown[]> {
  readonly distance: (...of: A) => number;
  /** Evaluations since it was made or reset. */
  readonly count: number;
  reset(): void;
}

export interface CountingOptions {
  /**
   * The evaluation after so many ends the check as failed: a search that would never end is stopped at once. Default: none.
   */
  budget?: number;
}

/** `distance` with a counter beside it. */
export function countingDistance<A extends unknown[]>(
  distance: (...of: A) => number,
  { budget = Number.POSITIVE_INFINITY }: CountingOptions = {},
): CountingDistance<A> {
  let count = 0;
  return {
    distance: (...of) => {
      count++;
      if (count > budget) throw new CheckFailure(`more than ${budget} distance evaluations, and not done yet`);
      return distance(...of);
    },
    get count() {
      return count;
    },
    reset: () => {
      count = 0;
    },
  };
}
