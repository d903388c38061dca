/** What the checks of day 08 measure: rows of codes drawn at random, small ones so that a counter-example is short, and far records. */
import { Random } from 'annlab/lab';
import fc from 'fast-check';
import { type Code, codeOf } from './codes.ts';
import { type Waits, waitsOf } from './memory-model.ts';
import type { Access, Nano } from './nano.ts';

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

/** Codes as random vectors have them. */
export function randomCodes(count: number, n: number, seed: string): Code[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const levels = Uint8Array.from({ length: n }, () => Math.floor(128 * random.uniform()));
    return codeOf(levels, -1 - random.uniform(), 0.01 + 0.01 * random.uniform());
  });
}

/** A search's list from far away: a query, which is near, and 64 records of 1024 dimensions, which are not. */
export function farAway(): { query: Code; others: Code[] } {
  const [query, ...others] = randomCodes(65, 1024, 'far away');
  return { query, others };
}

/** What a core waits for when it asks for these distances, one query's; the query and the list are in its cache. */
export function waits(nano: Nano, way: 'distances' | 'oneByOne', { query, others } = farAway()): Waits {
  const loads = loadsOf(nano, way, { query, others });
  return waitsOf(loads, { cached: loads.filter(({ operand }) => operand === 'q' || operand === 'list') });
}

export function loadsOf(
  nano: Nano,
  way: 'distances' | 'oneByOne',
  { query, others }: { query: Code; others: readonly Code[] },
): Access[] {
  return nano.trace((distances) => distances[way](query, others)).filter(({ kind }) => kind === 'load');
}
