/** 8-bit scalar codes: levels −127 … 127 in the range of each vector, or of each dimension. */
import { dot } from './distance.ts';
import { norm2 } from './norm.ts';
import { clamp, MAX_F32, roundToEven } from './rounding.ts';

const { fround } = Math;

/**
 * A vector as an 8-bit code (`assembly/sq8-codes.ts`): component i is about mid + step · levels[i]. In memory the levels are padded with
 * zeros to a multiple of 16 bytes, and the four factors follow as f32.
 */
export interface Sq8Code {
  /** One level −127 … 127 per dimension. */
  levels: Int8Array;
  /** The middle of the range of the components. */
  mid: number;
  /** A 254th of the range. */
  step: number;
  /** step · Σ levels. */
  sum: number;
  /** step² · Σ levels². */
  squares: number;
}

/** Rounds each component to the nearest of 255 levels between the least and the greatest; off by at most step / 2. */
export function encodeSq8(x: Float32Array): Sq8Code {
  const lo = x.reduce((a, b) => Math.min(a, b));
  const hi = x.reduce((a, b) => Math.max(a, b));
  const mid = fround(fround(lo / 2) + fround(hi / 2));
  const range = fround(hi - lo);
  const step = fround(range / 254);
  const perStep = step > 0 ? Math.min(fround(254 / range), MAX_F32) : 0;
  const levels = Int8Array.from(x, (value) => levelOf(value, mid, perStep));
  const sum = levels.reduce((a, b) => a + b, 0);
  const sumOfSquares = levels.reduce((a, b) => a + b * b, 0);
  return { levels, mid, step, sum: fround(step * sum), squares: fround(step * step * sumOfSquares) };
}

/** The range of each dimension, as it was trained: its middle and the distance of two of its 255 levels. */
export interface Sq8Ranges {
  mids: Float32Array;
  steps: Float32Array;
}

/** A vector as levels in the ranges of the dimensions. */
export interface Sq8RangedCode {
  levels: Int8Array;
  /** Σ (step · level)². */
  squares: number;
  /** |x − x̂|, with what was clipped. */
  error: number;
  /** Σ mid · x̂. */
  product: number;
}

/** Rounds each component to the nearest level of its dimension; what lies outside the range is clipped to it. */
export function encodeSq8Ranged({ mids, steps }: Sq8Ranges, x: Float32Array): Sq8RangedCode {
  const levels = Int8Array.from(x, (value, i) => {
    return levelOf(value, mids[i], steps[i] > 0 ? Math.min(fround(1 / steps[i]), MAX_F32) : 0);
  });
  const above = Float32Array.from(levels, (level, i) => steps[i] * level);
  const meant = above.map((value, i) => mids[i] + value);
  const off = x.map((value, i) => value - meant[i]);
  return { levels, squares: norm2(above), error: Math.sqrt(norm2(off)), product: dot(mids, meant) };
}

function levelOf(value: number, mid: number, perStep: number): number {
  return roundToEven(clamp(fround(fround(value - mid) * perStep), -127, 127));
}

/** The vector that the levels stand for. */
export function decodeSq8(levels: Int8Array, mid: (i: number) => number, step: (i: number) => number): Float32Array {
  return Float32Array.from(levels, (level, i) => mid(i) + fround(step(i) * level));
}
