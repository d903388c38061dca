/**
 * Who works on an index: every thread bears a number of its own, by which it finds its scratch and owns its locks. 0 is the
 * owner's.
 */
import { ParameterError } from '../core/errors.ts';

export class ThreadNumbers {
  readonly #threads: number;
  readonly #taken = new Set<number>();

  /** For so many threads at once, the owner's own included. */
  constructor(threads: number) {
    this.#threads = threads;
  }

  /** How many further threads may work. */
  get free(): number {
    return this.#threads - 1 - this.#taken.size;
  }

  /** How many work besides the owner. */
  get taken(): number {
    return this.#taken.size;
  }

  /** `n` numbers, until they are given back. Throws ParameterError where fewer are free. */
  take(n: number): number[] {
    if (n > this.free) {
      throw new ParameterError({
        parameter: 'threads',
        got: n,
        want: `the index was made for ${this.#threads} at once, its owner included, and ${this.free} are free: create or open it with more`,
      });
    }
    const numbers: number[] = [];
    for (let number = 1; numbers.length < n; number++) if (!this.#taken.has(number)) numbers.push(number);
    for (const number of numbers) this.#taken.add(number);
    return numbers;
  }

  give(numbers: readonly number[]): void {
    for (const number of numbers) this.#taken.delete(number);
  }
}
