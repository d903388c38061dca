/**
 * The readable twin of every kernel: what `assembly/` computes, on plain arrays and without a trick. Tests hold the two together.
 *
 * Sums are f64, so a distance from here is the truth that an f32 kernel is allowed to miss by its rounding. Where a kernel
 * rounds on the way to an integer (the levels of a code), the twin rounds to f32 in the same places: codes and their factors
 * agree to the last bit.
 */
import type { Metric } from '../core/metric.ts';

type Vector = ArrayLike<number>;
const { fround } = Math;

/** Σ (a − b)²: the squared Euclidean distance of two vectors of equal dimension. */
export function l2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Σ a·b: the inner product. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Σ |a − b|: the Manhattan distance. */
export function manhattan(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum;
}

/** Σ x²: the squared length. NaN or Infinity where a component is. */
export function norm2(x: Vector): number {
  return dot(x, x);
}

/** x ← factor · x, in place, each component rounded once to f32. */
export function scale(x: Float32Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i] *= factor;
}

/** Bits in which two strings of as many bytes differ. */
export function hamming(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    for (let differing = a[i] ^ b[i]; differing > 0; differing >>= 1) bits += differing & 1;
  }
  return bits;
}

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
  if (metric === 'l2') return l2OfCodes(a, b);
  const product = dotOfCodes(a, b);
  return metric === 'dot' ? -product : 1 - product;
}

/**
 * A random rotation of `x`, which it returns, in O(n log n) (`assembly/rotation.ts`; Gao & Long 2024): each round flips signs at
 * random and takes the fast Hadamard transform of as many coordinates as a power of two has; where that is not all, of the
 * first and the last ones in turn, and the halves are mixed between rounds.
 * `n` a multiple of 64; `flips`: rounds · n of ±1.
 */
export function rotate(x: Vector, flips: Vector, rounds: number): Float64Array {
  const n = x.length;
  const y = Float64Array.from(x);
  const power = 2 ** Math.floor(Math.log2(n));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) y[i] *= flips[round * n + i];
    hadamard(round % 2 === 0 ? y.subarray(0, power) : y.subarray(n - power));
    if (power < n) mixHalves(y);
  }
  return y;
}

/** What the sign filter is set up with (`assembly/signs.ts`). */
export interface SignFilter {
  metric: Exclude<Metric, 'manhattan'>;
  /** Of the vectors, which are centred before they are rotated. */
  mean: Vector;
  /** Dimensions after padding with zeros, a multiple of 64. */
  rotated: number;
  /** How many of those are kept as bits. */
  bits: number;
  /** 4 · rotated of ±1. */
  flips: Vector;
}

/** What is kept of a vector: distance ≈ own + (the query's own) − factor · ⟨signs, q'⟩. */
export interface SignRecord {
  /** Signs of the rotated components, ±1; the kernel keeps bits, 1 for +1. */
  signs: Int8Array;
  /** F = |x'|² / Σ|x'|, which makes F · ⟨signs, q'⟩ an unbiased estimate of ⟨x', q'⟩; twice that for l2. */
  factor: number;
  /** |x'|² for l2, −⟨x, μ⟩ for dot and cosine. */
  own: number;
}

/** x' = R(x − μ) and of that the signs. */
export function encodeSigns(filter: SignFilter, x: Vector): SignRecord {
  const { metric, mean, bits } = filter;
  const turned = rotateCentred(filter, x);
  const kept = turned.subarray(0, bits);
  const absolute = kept.reduce((sum, value) => sum + Math.abs(value), 0);
  const factor = absolute > 0 ? norm2(turned) / absolute : 0;
  return {
    signs: Int8Array.from(kept, (value) => (value < 0 ? -1 : 1)),
    factor: metric === 'l2' ? 2 * factor : factor,
    own: metric === 'l2' ? norm2(turned) : -dot(x, mean),
  };
}

/** A query of the sign filter. */
export interface SignQuery {
  /** Three bits per dimension that is looked at: odd levels −7 … 7 of half a step. */
  levels: Int8Array;
  /** What half a step is worth, stretched so that ⟨levels, q'⟩ is |q'|² again. */
  halfStep: number;
  /** |q'|² for l2; |μ|² − ⟨q, μ⟩ for dot, and 1 more for cosine. */
  own: number;
  /** One standard deviation of ⟨signs, q'⟩. */
  spread: number;
}

/** The step of the best uniform 3-bit quantizer of a normal variable, in standard deviations (Max 1960). */
export const QUERY_STEP = 0.586;

/**
 * Rotates the query and rounds it to three bits per dimension. Between vectors that have nothing to do with each other the
 * estimate stays unbiased; the more alike they are, the more the rounding, which is not random, makes them look nearer: by
 * 2 % of |x'| |q'| at a cosine of 0.9 and 5 % at 1. Of the bits that are kept it looks at the first `used`, and scales up what
 * they say.
 */
export function prepareSigns(filter: SignFilter, q: Vector, used: number = filter.bits): SignQuery {
  const { metric, mean, rotated, bits } = filter;
  const turned = rotateCentred(filter, q);
  const norm = Math.sqrt(norm2(turned));
  const step = Math.max((QUERY_STEP * norm) / Math.sqrt(rotated), 1e-30);
  const kept = turned.subarray(0, used);
  const levels = Int8Array.from(kept, (value) => 2 * clamp(Math.floor(value / step), -4, 3) + 1);
  const agreement = dot(kept, levels);
  const cross = used === bits ? CROSS : Math.sqrt(1 - ((2 / Math.PI) * used) / rotated);
  const spread = cross * norm * Math.sqrt(used / rotated) * (bits / used);
  const halfStep = (agreement > 0 ? norm2(kept) / agreement : step / 2) * (bits / used);
  if (metric === 'l2') return { levels, halfStep, spread, own: norm ** 2 };
  return { levels, halfStep, spread, own: norm2(mean) - dot(q, mean) + (metric === 'cosine' ? 1 : 0) };
}

/**
 * The estimated distance less `margin` standard deviations. The kernel takes ⟨signs, levels⟩ from three Hamming distances,
 * one for each bit of the levels.
 */
export function lowerBound(record: SignRecord, query: SignQuery, margin: number): number {
  const used = record.signs.subarray(0, query.levels.length);
  const product = query.halfStep * dot(used, query.levels) + margin * query.spread;
  return record.own + query.own - record.factor * product;
}

const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;
/** Length of a sign vector across the vector it stands for, per √bit: √(1 − 2/π). */
const CROSS = Math.sqrt(1 - 2 / Math.PI);
const SIGN_ROUNDS = 2;

function rotateCentred({ mean, rotated, flips }: SignFilter, x: Vector): Float64Array {
  const centred = new Float64Array(rotated);
  for (let i = 0; i < x.length; i++) centred[i] = x[i] - mean[i];
  return rotate(centred, flips, SIGN_ROUNDS);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Orthonormal fast Walsh-Hadamard transform, in place: (a, b) → (a + b, a − b) over pairs 1, 2, 4, … apart. */
function hadamard(x: Float64Array): void {
  const n = x.length;
  for (let stride = 1; stride < n; stride *= 2) {
    for (let i = 0; i < n; i++) if ((i & stride) === 0) addAndSubtract(x, i, i + stride);
  }
  for (let i = 0; i < n; i++) x[i] /= Math.sqrt(n);
}

/** One step of Kac's walk: (a, b) → (a + b, a − b) / √2 over the two halves. */
function mixHalves(x: Float64Array): void {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) addAndSubtract(x, i, i + half);
  for (let i = 0; i < x.length; i++) x[i] *= Math.SQRT1_2;
}

function addAndSubtract(x: Float64Array, i: number, j: number): void {
  const [a, b] = [x[i], x[j]];
  x[i] = a + b;
  x[j] = a - b;
}
