/** What the checks of day 08 try: rows of codes drawn at random, short ones, so that a counter-example is short. */
import fc from 'fast-check';
import { type Code, codeOf } from './codes.ts';

/** Two rows of codes, equally long: any multiple of 16 up to 208, so with blocks of 64 and without. */
export function pairs(greatest = 127): fc.Arbitrary<{ a: Uint8Array; b: Uint8Array }> {
  return lengths.chain((n) => fc.record({ a: rows(n, greatest), b: rows(n, greatest) }));
}

/** Two codes of the same dimension, each with a range and a step of its own, either sign. */
export function codePairs(): fc.Arbitrary<{ a: Code; b: Code }> {
  return lengths.chain((n) => fc.record({ a: codesOf(n), b: codesOf(n) }));
}

/** A query and up to `most` others. */
export function lists(most = 40): fc.Arbitrary<{ query: Code; others: Code[] }> {
  const n = 32;
  return fc.record({ query: codesOf(n), others: fc.array(codesOf(n), { maxLength: most }) });
}

const lengths = fc.integer({ min: 1, max: 13 }).map((blocks) => 16 * blocks);
const rows = (n: number, greatest = 127) =>
  fc.array(fc.nat(greatest), { minLength: n, maxLength: n }).map((levels) => Uint8Array.from(levels));
const codesOf = (n: number) =>
  fc
    .record({ levels: rows(n), lo: fc.integer({ min: -64, max: 64 }), step: fc.integer({ min: 0, max: 64 }) })
    .map(({ levels, lo, step }) => codeOf(levels, lo / 8, step / 256));
