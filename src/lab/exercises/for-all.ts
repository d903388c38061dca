/** Properties: what must hold of every case, tried on many random ones; a case that breaks it is shrunk to the smallest (fast-check). */
import fc from 'fast-check';
import { CheckFailure } from './check.ts';
import { showValue } from './show-value.ts';
import { isUnwritten } from './unwritten-hole.ts';

export interface ForAllOptions {
  /** How many cases; default 100. */
  runs?: number;
  /** Same seed, same cases; default 1. */
  seed?: number;
}

/**
 * Calls `says` with random values; where it throws, the check fails with the smallest value found for which it does. `says`
 * is run again on smaller values, so it must not keep anything from one call to the next.
 */
export function forAll<T>(
  arbitrary: fc.Arbitrary<T>,
  says: (value: T) => void,
  { runs = 100, seed = 1 }: ForAllOptions = {},
): void {
  let unwritten: unknown;
  const property = fc.property(arbitrary, (value) => {
    try {
      return says(value);
    } catch (error) {
      // Nothing to shrink: every case needs the hole.
      if (isUnwritten(error)) unwritten = error;
      else throw error;
    }
  });
  const found = fc.check(property, { numRuns: runs, seed, endOnFailure: false });
  if (unwritten !== undefined) throw unwritten;
  if (!found.failed) return;
  if (found.counterexample === null) {
    throw new Error(
      `the check's own cases cannot be made: ${found.numRuns} of ${runs} runs, ${found.numSkips} skipped`,
    );
  }
  const [value] = found.counterexample;
  const error = found.errorInstance;
  const cases = `random case ${found.numRuns} of ${runs}, made smaller ${found.numShrinks} times`;
  if (error instanceof CheckFailure) {
    const shown =
      error.counterexample === undefined ? showValue(value) : `${showValue(value)}\nfound: ${error.counterexample}`;
    throw new CheckFailure(`${error.message} (${cases})`, shown);
  }
  const failure = new CheckFailure(
    `${error instanceof Error ? `it threw ${error.name}: ${error.message}` : `it threw ${showValue(error)}`} (${cases})`,
    showValue(value),
  );
  failure.cause = error;
  throw failure;
}
