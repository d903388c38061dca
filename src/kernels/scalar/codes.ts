/** 7-bit scalar codes: levels 0 … 127 in the range of each vector. */
import type { Metric } from '../../core/metric.ts';
import { dot, type Vector } from './distance.ts';
import { MAX_F32 } from './rounding.ts';

const { fround } = Math;

/**
 * A vector as a 7-bit code (`assembly/codes.ts`): component i is about lo + step · levels[i]. In memory the levels are padded
 * with zeros to a multiple of 16 bytes, and the four factors follow as f32.
 */
export interface Code {
  /** One level 0 … 127 per dimension. */
  levels: Uint8Array;
  /** The least component. */
  lo: number;
  /** A 127th of the range. */
  step: number;
  /** step · Σ levels. */
  sum: number;
  /** step² · Σ levels². */
  squares: number;
}

/** Rounds each component to the nearest of 128 levels between the least and the greatest; off by at most step / 2. */
export function encode(x: Float32Array): Code {
  const lo = x.reduce((a, b) => Math.min(a, b));
  const range = fround(x.reduce((a, b) => Math.max(a, b)) - lo);
  const step = fround(range / 127);
  const perStep = step > 0 ? Math.min(fround(127 / range), MAX_F32) : 0;
  const levels = Uint8Array.from(x, (value) => {
    const level = fround(fround(fround(value - lo) * perStep) + 0.5);
    return Math.min(Math.trunc(level), 127);
  });
  const sum = levels.reduce((a, b) => a + b, 0);
  const sumOfSquares = levels.reduce((a, b) => a + b * b, 0);
  return {
    levels,
    lo,
    step,
    sum: fround(step * sum),
    squares: fround(step * step * sumOfSquares),
  };
}

/** The vector that the code stands for. */
export function decode({ levels, lo, step }: Code): Float32Array {
  return Float32Array.from(levels, (level) => lo + fround(step * level));
}

/** Σ a·b over levels: the integer that all distances between codes are made of. */
export function codeDot(a: Uint8Array, b: Uint8Array): number {
  return dot(a, b);
}

/**
 * The inner product of the vectors that two codes stand for, from the integer one:
 * Σ (lo + step · a)(lo' + step' · b) = lo' (n lo + step Σa) + lo step' Σb + step step' Σab.
 */
export function dotOfCodes(a: Code, b: Code): number {
  const n = a.levels.length;
  return b.lo * (n * a.lo + a.sum) + a.lo * b.sum + a.step * b.step * codeDot(a.levels, b.levels);
}

/**
 * The squared Euclidean distance of the vectors that two codes stand for, in a form that keeps its accuracy far from the origin:
 * with d = lo − lo', Σ (d + step · a − step' · b)² = n d² + 2 d (step Σa − step' Σb) + step² Σa² + step'² Σb² − 2 step step' Σab.
 */
export function l2OfCodes(a: Code, b: Code): number {
  const apart = a.lo - b.lo;
  const within = a.squares + b.squares - 2 * a.step * b.step * codeDot(a.levels, b.levels);
  return Math.max(apart * (a.levels.length * apart + 2 * (a.sum - b.sum)) + within, 0);
}

/** The Manhattan distance from the vector `q` to the one that the code stands for. */
export function manhattanToCode(q: Vector, { levels, lo, step }: Code): number {
  let sum = 0;
  for (let i = 0; i < levels.length; i++) sum += Math.abs(q[i] - (lo + step * levels[i]));
  return sum;
}

/** The distance between two coded vectors under a metric, as `assembly/space.ts` takes it; smaller is nearer. */
export function distanceOfCodes(a: Code, b: Code, metric: Metric): number {
  if (metric === 'manhattan') return manhattanToCode(decode(a), b);
  if (metric === 'dot') return -dotOfCodes(a, b);
  return metric === 'l2' ? l2OfCodes(a, b) : l2OfCodes(a, b) / 2;
}
