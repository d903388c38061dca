/** A promise of our own: when it breaks, the bug is here and not at the caller's. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`internal error: ${what} (please report it)`);
}
