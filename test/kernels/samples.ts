/** Random vectors of every kind that a kernel may meet, all of them with |x|² ≤ 1e34, beyond which vectors are refused. */
import fc from 'fast-check';
import { Random } from '../../src/core/random.ts';

export const KINDS = [
  'normal',
  'all magnitudes',
  'extreme',
  'subnormal',
  'zero',
  'constant',
  'far from the origin',
  'one component',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Sample {
  kind: Kind;
  seed: number;
}

export const samples: fc.Arbitrary<Sample> = fc.record({
  kind: fc.constantFrom(...KINDS),
  seed: fc.nat(),
});

/** Small ones, where tails are most of it, as often as any up to 4096. */
export const dimensions = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 4096 }));

/** Bytes between arrays: mostly such that no float is aligned. */
export const gaps = fc.integer({ min: 1, max: 67 });

export function vectorOf(n: number, { kind, seed }: Sample): Float32Array {
  const random = new Random(`${kind} ${seed}`);
  const longest = Math.sqrt(0.99e34);
  const sign = () => (random.uniform() < 0.5 ? -1 : 1);
  const one = random.integer(n);
  const component: Record<Kind, (i: number) => number> = {
    normal: () => random.normal(),
    'all magnitudes': () => sign() * 2 ** (80 * random.uniform() - 40),
    extreme: () => (sign() * longest) / Math.sqrt(n),
    subnormal: () => random.normal() * 1e-40,
    zero: () => 0,
    constant: () => Math.PI,
    'far from the origin': () => 1000 + random.normal(),
    'one component': (i) => (i === one ? sign() * longest : 0),
  };
  return Float32Array.from({ length: n }, (_, i) => component[kind](i));
}

/** Half the distance from 1 to the next f32: the most that one rounding is off, relatively. */
export const EPS = 2 ** -24;
/** The least positive f32: what one product that underflows may be off. */
const LEAST = 2 ** -149;

/**
 * How far an f32 sum of `n` terms may be from the truth where they are added in four lanes at least: each term is rounded three
 * times (difference, product, first addition), a lane adds up n / 4 of them, and then four lanes and three of the tail.
 * `magnitude`: Σ |term|.
 */
export function sumError(n: number, magnitude: number): number {
  return (n / 4 + 10) * EPS * magnitude * (1 + 1e-3) + n * LEAST;
}

/** Fast-check's settings: `runs` cases from a seed of the house. */
export function seeded(numRuns: number): fc.Parameters<unknown> {
  return { seed: 20_160_328, numRuns };
}
