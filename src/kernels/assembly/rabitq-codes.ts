/**
 * A vector as a RaBitQ code and back: x' = R(x − μ), and of the grid points y = u − (2^B − 1) / 2 one whose direction is near to it.
 *
 * The paper finds the best y by going through all scales t at which a component of t · x' meets the next level, O(2^B D log D).
 * Here y is the best for one of a few scales about the one that is best for normal components (the paper's own shortcut takes
 * one scale for all vectors); for one bit every scale is the same and y is the signs.
 *
 * One code: four factors, f32, A, F, E = |x'| tan θ, N = |x'|, then the levels u (`rabitq-levels.ts` has the table of sizes).
 * A = |x'|² and F doubled under l2; A = −⟨x, μ⟩ under dot and cosine. Nothing that decides a code is fused, so both builds write
 * the same.
 */
import { L2 } from './metrics';
import { norm2 } from './norm';
import { pack, unpack } from './rabitq-levels';
import { rotateAbout, unrotate } from './rotation';
import { addProducts, promoteHigh, sumF32, sumF64, sumI32, truncate } from './simd';
import { getF32 } from './words';

/**
 * Rounds of the rotation: two make noise of any vector where the transform takes all of it at once, four (as in the authors'
 * library) where it takes a part at a time: there a vector of one component needs them.
 */
const WHOLE_ROUNDS: i32 = 2;
const PARTIAL_ROUNDS: i32 = 4;
export const FACTOR_BYTES: usize = 16;
/** Residuals shorter than this count as none: their inverse would leave f32. */
export const LEAST_NORM: f64 = 1e-33;
/** Scales tried about the step of `normalStep`. */
const SCALES: i32 = 12;

export let dimension: i32 = 0;
export let metric: i32 = L2;
export let bits: i32 = 0;
export let rotated: i32 = 0;
let rounds: i32 = 0;
/** Bytes of one code. */
export let codeBytes: usize = 0;
/** Levels go from 0 to `topLevel`. */
export let topLevel: i32 = 0;
export let mean: usize = 0;
let flips: usize = 0;
/** Scratch: a rotated vector; levels, one to a byte. */
export let buffer: usize = 0;
export let levels: usize = 0;

/** `model` and `scratch` as `configureRabitq` has them. */
export function configureRabitqCodes(dimension_: i32, metric_: i32, bits_: i32, model: usize, scratch: usize): void {
  dimension = dimension_;
  metric = metric_;
  bits = bits_;
  rotated = (dimension + 63) & ~63;
  rounds = rotated & (rotated - 1) ? PARTIAL_ROUNDS : WHOLE_ROUNDS;
  topLevel = (1 << bits) - 1;
  codeBytes = FACTOR_BYTES + (((<usize>rotated * <usize>(bits < 7 ? bits : 8)) / 8 + 15) & ~15);
  const floats = (<usize>rotated) << 2;
  mean = model;
  flips = model + floats;
  buffer = scratch;
  levels = buffer + floats;
}

/** Writes the code of the f32 vector at `x`, whose components are finite and, under cosine, of length 1. */
export function encodeRabitq(x: usize, code: usize): void {
  rotateCentred(x);
  const squared = norm2(buffer, rotated);
  const norm = sqrt<f64>(squared);
  const own: f32 = metric == L2 ? <f32>squared : <f32>-dotWithMean(x);
  if (norm < LEAST_NORM) {
    memory.fill(levels, 0, <usize>rotated);
    writeFactors(code, own, 0, 0, 0);
    pack(code + FACTOR_BYTES);
    return;
  }
  const root = sqrt<f64>(<f64>rotated);
  scaleBuffer(<f32>(root / norm));
  const perStep = bestScale();
  const top = (topLevel + 1) >> 1;
  const scales = f32x4.splat(perStep);
  const most = i32x4.splat(top - 1);
  let products = f64x2.splat(0);
  let squares = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const a = signedLevels(i, scales, most);
    const b = signedLevels(i + 4, scales, most);
    const c = signedLevels(i + 8, scales, most);
    const d = signedLevels(i + 12, scales, most);
    squares = i32x4.add(squares, i32x4.add(i32x4.mul(a, a), i32x4.mul(b, b)));
    squares = i32x4.add(squares, i32x4.add(i32x4.mul(c, c), i32x4.mul(d, d)));
    products = f64x2.add(products, f64x2.add(productsWith(i, a), productsWith(i + 4, b)));
    products = f64x2.add(products, f64x2.add(productsWith(i + 8, c), productsWith(i + 12, d)));
    const ab = i16x8.narrow_i32x4_s(toLevels(a), toLevels(b));
    const cd = i16x8.narrow_i32x4_s(toLevels(c), toLevels(d));
    v128.store(levels + i, i8x16.narrow_i16x8_u(ab, cd));
  }
  // With z = x' √R / |x'| and w = 2y: F = |x'|² / ⟨y, x'⟩ = 2 √R |x'| / ⟨w, z⟩; cos θ = ⟨w, z⟩ / |w| √R.
  const product = sumF64(products);
  const cosine = product / (sqrt<f64>(<f64>sumI32(squares)) * root);
  const tangent = sqrt<f64>(max<f64>(1 / (cosine * cosine) - 1, 0));
  const factor = (2 * root * norm) / product;
  writeFactors(code, own, <f32>(metric == L2 ? 2 * factor : factor), <f32>(norm * tangent), <f32>norm);
  pack(code + FACTOR_BYTES);
}

function writeFactors(code: usize, own: f32, factor: f32, across: f32, norm: f32): void {
  store<f32>(code, own);
  store<f32>(code, factor, 4);
  store<f32>(code, across, 8);
  store<f32>(code, norm, 12);
}

/** Levels per unit of the buffer, whose components have mean square 1, that bring the grid point's direction nearest to it. */
function bestScale(): f32 {
  if (bits == 1) return 1;
  const step = normalStep(bits);
  const top = (topLevel + 1) >> 1;
  // From a little beyond the usual step to where nothing is clipped, if that is finer; in equal differences, without Math.pow
  // and its tables.
  const least: f32 = 1 / (1.2 * step);
  const most: f32 = max<f32>(1.25 / step, <f32>top / greatestOfBuffer());
  let best: f32 = 0;
  let bestCosine: f64 = -1;
  for (let i = 0; i < SCALES; i++) {
    const perStep: f32 = least + ((most - least) * <f32>i) / <f32>(SCALES - 1);
    const cosine = squaredCosineAt(perStep, top);
    if (cosine > bestCosine) {
      bestCosine = cosine;
      best = perStep;
    }
  }
  return best;
}

/** ⟨w, z⟩² / |w|² for the grid point at that scale, by the absolute values of the components: w has their signs. */
function squaredCosineAt(perStep: f32, top: i32): f64 {
  const scales = f32x4.splat(perStep);
  const most = i32x4.splat(top - 1);
  let products = f32x4.splat(0);
  let squares = i32x4.splat(0);
  const end = buffer + ((<usize>rotated) << 2);
  for (let p = buffer; p < end; p += 16) {
    const z = f32x4.abs(v128.load(p));
    const k = i32x4.min_s(truncate(f32x4.mul(z, scales)), most);
    const w = i32x4.add(i32x4.add(k, k), i32x4.splat(1));
    products = f32x4.add(products, f32x4.mul(f32x4.convert_i32x4_s(w), z));
    // Odd numbers below 256: their squares fit the 16-bit product's 32-bit sum.
    squares = i32x4.add(squares, i32x4.dot_i16x8_s(w, w));
  }
  const product = <f64>sumF32(products);
  return (product * product) / <f64>sumI32(squares);
}

/** Steps of the best uniform quantizers of 2^B levels of a normal variable, in standard deviations (Max 1960). */
export function normalStep(bits: i32): f32 {
  if (bits == 2) return 0.9957;
  if (bits == 3) return 0.586;
  if (bits == 4) return 0.3352;
  if (bits == 5) return 0.1881;
  if (bits == 6) return 0.1041;
  if (bits == 7) return 0.0569;
  return 0.0308;
}

/** Four of w = 2u − (2^B − 1), odd. */
function signedLevels(i: usize, scales: v128, most: v128): v128 {
  const z = v128.load(buffer + (i << 2));
  const k = i32x4.min_s(truncate(f32x4.mul(f32x4.abs(z), scales)), most);
  const w = i32x4.add(i32x4.add(k, k), i32x4.splat(1));
  const negative = f32x4.lt(z, f32x4.splat(0));
  return i32x4.sub(v128.xor(w, negative), negative);
}

function toLevels(w: v128): v128 {
  return i32x4.shr_s(i32x4.add(w, i32x4.splat(topLevel)), 1);
}

/**
 * Writes the f32 vector that the code stands for: the point in the direction of y that is nearest to the vector encoded. Along
 * x' it is shorter than F · y by cos² θ, as that which has the least error is.
 */
export function decodeRabitq(code: usize, x: usize): void {
  unpack(code + FACTOR_BYTES);
  const across = <f64>load<f32>(code, 8);
  const norm = <f64>load<f32>(code, 12);
  const squared = norm * norm;
  const factor = <f64>load<f32>(code, 4) * (metric == L2 ? 0.25 : 0.5);
  const halfScale: f32 = norm > 0 ? <f32>(factor * (squared / (squared + across * across))) : 0;
  for (let i = 0; i < rotated; i++) {
    const odd = 2 * <i32>load<u8>(levels + <usize>i) - topLevel;
    store<f32>(buffer + ((<usize>i) << 2), halfScale * <f32>odd);
  }
  unrotate(buffer, rotated, flips, rounds);
  for (let i = 0; i < dimension; i++) {
    const at = (<usize>i) << 2;
    store<f32>(x + at, load<f32>(buffer + at) + load<f32>(mean + at));
  }
}

/** Rotates x − μ into the buffer. */
export function rotateCentred(x: usize): void {
  rotateAbout(mean, x, dimension, buffer, rotated, flips, rounds);
}

export function dotWithMean(x: usize): f64 {
  let sums = f64x2.splat(0);
  let sum: f64 = 0;
  let i = 0;
  for (; i + 4 <= dimension; i += 4) {
    const a = v128.load(x + ((<usize>i) << 2));
    const b = v128.load(mean + ((<usize>i) << 2));
    sums = addProducts(sums, a, b);
  }
  for (; i < dimension; i++) sum += <f64>getF32(x, i) * <f64>getF32(mean, i);
  return sum + f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

export function scaleBuffer(factor: f32): void {
  const factors = f32x4.splat(factor);
  const end = buffer + ((<usize>rotated) << 2);
  for (let p = buffer; p < end; p += 16) v128.store(p, f32x4.mul(v128.load(p), factors));
}

export function greatestOfBuffer(): f32 {
  let greatest = f32x4.splat(0);
  const end = buffer + ((<usize>rotated) << 2);
  for (let p = buffer; p < end; p += 16) greatest = f32x4.max(greatest, f32x4.abs(v128.load(p)));
  greatest = f32x4.max(greatest, v128.shuffle<f32>(greatest, greatest, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(greatest, 0), f32x4.extract_lane(greatest, 1));
}

/** Four integers times the components of the buffer from the `i`-th on, in f64 as two sums. */
export function productsWith(i: usize, w: v128): v128 {
  const p = f32x4.mul(f32x4.convert_i32x4_s(w), v128.load(buffer + (i << 2)));
  return f64x2.add(f64x2.promote_low_f32x4(p), promoteHigh(p));
}
