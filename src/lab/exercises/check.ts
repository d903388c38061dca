/**
 * A check is one thing that must hold of what the learner wrote, said in a sentence, with the mistake that usually breaks it.
 * Four layers, from what is easy to see to what is easy to get wrong unseen: examples, invariants, properties over random
 * cases, and the work done, since a slow search that returns right answers is still a wrong index.
 */
import { AnnError } from '../../core/errors.ts';
import { showValue } from './show-value.ts';

export const LAYERS = ['example', 'invariant', 'property', 'work'] as const;

export type Layer = (typeof LAYERS)[number];

/** `M` is the type of the day's module: `typeof import('./solution.ts')`. */
export interface Check<M> {
  layer: Layer;
  /** What must hold, in one sentence. */
  says: string;
  /** The hole that this check is about. */
  hole: string;
  /** The mistake to look for when it fails. */
  likely: string;
  /** Throws, most often by `fails` or in `forAll`, where it does not hold. */
  run(module: M): void | Promise<void>;
}

/** What a check throws: what was found instead, and the smallest case that shows it. */
export class CheckFailure extends AnnError {
  /** As text, ready to print. */
  readonly counterexample: string | undefined;

  constructor(message: string, counterexample?: string) {
    super('CHECK_FAILED', message);
    this.counterexample = counterexample;
  }
}

/** Ends a check as failed: what was found instead of what the check says, and the case that shows it. */
export function fails(message: string, counterexample?: unknown): never {
  throw new CheckFailure(message, counterexample === undefined ? undefined : showValue(counterexample));
}
