/**
 * RaBitQ codes of 1 … 8 bits a dimension (Gao & Long, SIGMOD 2024; Gao et al., "Practical and asymptotically optimal
 * quantization of high-dimensional vectors in Euclidean space", SIGMOD 2025): a random rotation makes every vector look like
 * noise, so that one grid fits all, and what is lost is known to be random and how large it is.
 *
 * x' = R(x − μ), a vector of `rotated` dimensions. Its code (`rabitq-codes.ts`) is a grid point y = u − (2^B − 1) / 2, u integers
 * 0 … 2^B − 1, whose direction is near to that of x'. With F = |x'|² / ⟨y, x'⟩ the estimate F · ⟨y, q'⟩ of ⟨x', q'⟩ is unbiased;
 * its standard deviation is |x'| |q'| tan θ / √(rotated − 1) at most, θ the angle between y and x' (2024, theorem 3.2).
 *
 * Distance ≈ A + (the query's part) − F · ⟨y, q'⟩, where under l2 F is doubled: A is |x'|² there, −⟨x, μ⟩ under dot and cosine. The
 * estimate of a squared distance may be below 0.
 *
 * The query is rounded to signed integers v of a step of its own (`rabitq-query.ts`), stretched so that ⟨step · v, q'⟩ is |q'|²
 * again. Sums Σ u · v (`rabitq-levels.ts`) are exact in both builds.
 */
import { COSINE, L2 } from './metrics';
import { norm2 } from './norm';
import {
  bits,
  buffer,
  codeBytes,
  configureRabitqCodes,
  dotWithMean,
  FACTOR_BYTES,
  LEAST_NORM,
  levels,
  mean,
  metric,
  rotateCentred,
  rotated,
  topLevel,
} from './rabitq-codes';
import { configureLevels, levelDot, levelDotx4, PLANE_LEVELS } from './rabitq-levels';
import {
  clearIntegers,
  configureRabitqQuery,
  integersOfCode,
  roundedDot,
  roundedSquares,
  roundedSum,
  roundToIntegers,
} from './rabitq-query';

/** |μ|². */
let mean2: f64 = 0;
/** Standard deviations that a bound promises, over √(rotated − 1); doubled for l2. */
let spread: f64 = 0;

/** Of the prepared query: its own part of a distance, what half of one of its integers is worth, (2^B − 1) Σ v. */
let queryPart: f32 = 0;
let queryHalfStep: f32 = 0;
let querySum: i32 = 0;
/** Its factors of a bound: of E and of N. */
let boundOfE: f64 = 0;
let boundOfN: f64 = 0;

/**
 * `model`: the mean (floats, zeros up to R), then `rounds` · R floats of ±1, both read only; `scratch`: this thread's own.
 * Their sizes are `rabitqModelBytes` and `rabitqScratchBytes` of src/quantize/rabitq.ts; both on multiples of 16. `epsilon0`:
 * how many standard deviations bounds are wide.
 */
export function configureRabitq(
  dimension_: i32,
  metric_: i32,
  bits_: i32,
  epsilon0: f32,
  model: usize,
  scratch: usize,
): void {
  configureRabitqCodes(dimension_, metric_, bits_, model, scratch);
  const query = levels + <usize>rotated;
  configureLevels(bits, rotated, levels, query);
  configureRabitqQuery(query);
  mean2 = norm2(mean, rotated);
  spread = ((metric == L2 ? 2 : 1) * <f64>epsilon0) / sqrt<f64>(<f64>(rotated - 1));
}

/** Makes the f32 vector at `x` the query. */
export function prepareRabitq(x: usize): void {
  rotateCentred(x);
  const squared = norm2(buffer, rotated);
  const norm = sqrt<f64>(squared);
  if (metric == L2) queryPart = <f32>squared;
  else queryPart = <f32>(mean2 - dotWithMean(x) + (metric == COSINE ? 1 : 0));
  if (norm < LEAST_NORM) {
    clearIntegers();
    queryHalfStep = 0;
    querySum = 0;
    boundOfE = 0;
    boundOfN = 0;
    return;
  }
  // Rounding shortens q' along itself; stretched so that ⟨step · v, q'⟩ is again what it was, the estimate stays unbiased.
  const perUnit = roundToIntegers(norm);
  const stretched = squared / (perUnit * roundedDot);
  finishQuery(stretched, squared, stretched * stretched * <f64>roundedSquares - squared);
}

/** Makes a stored code the query: its own integers, without a rotation. */
export function prepareRabitqCode(code: usize): void {
  const a = load<f32>(code);
  const norm = <f64>load<f32>(code, 12);
  const across = <f64>load<f32>(code, 8);
  queryPart = metric == L2 ? a : <f32>(mean2 + <f64>a + (metric == COSINE ? 1 : 0));
  integersOfCode(code + FACTOR_BYTES);
  // F · y = F / 2 · (2u − (2^B − 1)), and F is stored doubled for l2; in the planes of one bit 1 is 15.
  const factor = <f64>load<f32>(code, 4) * (metric == L2 ? 0.25 : 0.5);
  finishQuery(bits == 1 ? factor / PLANE_LEVELS : factor, norm * norm, across * across);
}

/** From what one integer of the query is worth, |q'|², and the squared length of what rounding put across it. */
function finishQuery(step: f64, squared: f64, error: f64): void {
  queryHalfStep = <f32>(step / 2);
  querySum = bits == 1 ? -PLANE_LEVELS * rotated : topLevel * roundedSum;
  const lost = max<f64>(error, 0);
  boundOfE = spread * sqrt<f64>(squared + lost);
  boundOfN = spread * sqrt<f64>(lost);
}

/** Estimated distance from the query to the vector of the code, in the metric's unit. */
export function rabitqDistance(code: usize): f32 {
  const payload = code + FACTOR_BYTES;
  const agreement = 2 * levelDot(payload) - querySum;
  return load<f32>(code) + queryPart - load<f32>(code, 4) * (queryHalfStep * <f32>agreement);
}

/** The same for four codes; lane i belongs to the i-th. */
export function rabitqDistancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  const dots = levelDotx4(a + FACTOR_BYTES, b + FACTOR_BYTES, c + FACTOR_BYTES, d + FACTOR_BYTES);
  const agreement = i32x4.sub(i32x4.shl(dots, 1), i32x4.splat(querySum));
  const product = f32x4.mul(f32x4.splat(queryHalfStep), f32x4.convert_i32x4_s(agreement));
  const ab = v128.shuffle<f32>(v128.load(a), v128.load(b), 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(v128.load(c), v128.load(d), 0, 4, 1, 5);
  const own = f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), f32x4.splat(queryPart));
  return f32x4.sub(own, f32x4.mul(v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), product));
}

/**
 * What the estimate may be off by, at as many standard deviations as `configureRabitq` was given: what the code lost and what
 * the rounding of the query did, both random in direction. Rounding of f32 sums comes on top, and a query that is a code
 * rounded like this one: between stored codes of like vectors the estimate errs towards nearer.
 */
export function rabitqBound(code: usize): f32 {
  const ofCode = boundOfE * <f64>load<f32>(code, 8);
  const ofQuery = boundOfN * <f64>load<f32>(code, 12);
  return <f32>sqrt<f64>(ofCode * ofCode + ofQuery * ofQuery);
}

/** Distances from the query to `count` codes one behind the other, as f32 to `out`. */
export function rabitqDistancesInto(codes: usize, count: i32, out: usize): void {
  const end = out + ((<usize>count) << 2);
  const whole = out + ((<usize>(count & ~3)) << 2);
  while (out < whole) {
    const b = codes + codeBytes;
    const c = b + codeBytes;
    const d = c + codeBytes;
    v128.store(out, rabitqDistancex4(codes, b, c, d));
    codes = d + codeBytes;
    out += 16;
  }
  while (out < end) {
    store<f32>(out, rabitqDistance(codes));
    codes += codeBytes;
    out += 4;
  }
}

/** The bounds of the same. */
export function rabitqBoundsInto(codes: usize, count: i32, out: usize): void {
  const end = out + ((<usize>count) << 2);
  while (out < end) {
    store<f32>(out, rabitqBound(codes));
    codes += codeBytes;
    out += 4;
  }
}
