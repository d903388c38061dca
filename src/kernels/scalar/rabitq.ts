/** RaBitQ codes: of a rotated vector the grid point that is nearest in direction. */
import type { Metric } from '../../core/metric.ts';
import { dot, type Vector } from './distance.ts';
import { norm2 } from './norm.ts';
import { type RotationAbout, rotateAbout, unrotate } from './rotation.ts';

/** What RaBitQ codes are made with (`assembly/rabitq.ts`). */
export interface RabitqSpace extends RotationAbout {
  metric: Exclude<Metric, 'manhattan'>;
  /** Bits a dimension, 1 … 8. */
  bits: number;
}

/** A vector as a RaBitQ code: the direction of x' = R(x − μ) is about that of the grid point levels − (2^bits − 1) / 2. */
export interface RabitqCode {
  /** One level 0 … 2^bits − 1 per rotated dimension. */
  levels: Uint8Array;
  /** |x'|² for l2, −⟨x, μ⟩ for dot and cosine. */
  own: number;
  /** F = |x'|² / ⟨y, x'⟩, which makes F · ⟨y, q'⟩ an unbiased estimate of ⟨x', q'⟩; the kernel keeps twice that for l2. */
  factor: number;
  /** |x'| tan θ, θ the angle between y and x'. */
  across: number;
  /** |x'|. */
  norm: number;
}

/** Rotates about the mean and takes the best grid point; the kernel takes nearly the best. */
export function encodeRabitq(space: RabitqSpace, x: Vector): RabitqCode {
  return rabitqCode(space, x, rabitqLevels(rotateAbout(space, x), space.bits));
}

/** The code of `x` whose levels are these. */
export function rabitqCode(space: RabitqSpace, x: Vector, levels: Uint8Array): RabitqCode {
  const turned = rotateAbout(space, x);
  const y = gridPoint(levels, space.bits);
  const [squared, product] = [norm2(turned), dot(y, turned)];
  const own = space.metric === 'l2' ? squared : -dot(x, space.mean);
  if (squared === 0) return { levels: levels.map(() => 0), own, factor: 0, across: 0, norm: 0 };
  const tangent2 = (norm2(y) * squared) / product ** 2 - 1;
  const across = Math.sqrt(squared * Math.max(tangent2, 0));
  return { levels, own, factor: squared / product, across, norm: Math.sqrt(squared) };
}

/**
 * The grid point nearest in direction to `turned` (Gao et al. 2025, algorithm 1): as the scale t grows, the components of t · turned
 * pass one level after the other, in an order that is sorted beforehand; the best of all points on the way is the best of all.
 */
export function rabitqLevels(turned: Vector, bits: number): Uint8Array {
  const half = 2 ** (bits - 1);
  const sizes = Array.from(turned, (value) => Math.abs(value));
  const steps = sizes.flatMap((size, i) => Array.from({ length: half - 1 }, (_, k) => ({ t: (k + 1) / size, i })));
  steps.sort((a, b) => a.t - b.t);
  const passed = new Uint8Array(sizes.length);
  let product = sizes.reduce((sum, size) => sum + size / 2, 0);
  let squares = sizes.length / 4;
  let best = { cosine2: product ** 2 / squares, steps: 0 };
  for (const [n, { i }] of steps.entries()) {
    product += sizes[i];
    squares += 2 * passed[i] + 2;
    passed[i]++;
    const cosine2 = product ** 2 / squares;
    if (cosine2 > best.cosine2) best = { cosine2, steps: n + 1 };
  }
  passed.fill(0);
  for (const { i } of steps.slice(0, best.steps)) passed[i]++;
  return passed.map((k, i) => (turned[i] < 0 ? half - 1 - k : half + k));
}

/** The estimated distance from `q` to the coded vector; the kernel rounds q' to integers first. */
export function rabitqDistance(space: RabitqSpace, code: RabitqCode, q: Vector): number {
  const { metric, mean, bits } = space;
  const turned = rotateAbout(space, q);
  const product = code.factor * dot(gridPoint(code.levels, bits), turned);
  if (metric === 'l2') return code.own + norm2(turned) - 2 * product;
  return code.own + norm2(mean) - dot(q, mean) - product + (metric === 'cosine' ? 1 : 0);
}

/** The vector that the code stands for: F · y, shortened to where it is nearest to x', and back by the rotation. */
export function decodeRabitq(space: RabitqSpace, { levels, factor, across, norm }: RabitqCode): Float64Array {
  const { bits, mean, flips, rotated } = space;
  const scale = norm > 0 ? (factor * norm ** 2) / (norm ** 2 + across ** 2) : 0;
  const y = gridPoint(levels, bits).map((value) => value * scale);
  return unrotate(y, flips, flips.length / rotated)
    .subarray(0, mean.length)
    .map((value, i) => value + mean[i]);
}

function gridPoint(levels: Uint8Array, bits: number): Float64Array {
  return Float64Array.from(levels, (level) => level - (2 ** bits - 1) / 2);
}
