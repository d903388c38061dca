/**
 * RaBitQ codes of 1 … 8 bits a dimension (Gao & Long, SIGMOD 2024; Gao et al., "Practical and asymptotically optimal
 * quantization of high-dimensional vectors in Euclidean space", SIGMOD 2025): a random rotation makes every vector look like
 * noise, so that one grid fits all, and what is lost is known to be random and how large it is.
 *
 * x' = R(x − μ), a vector of `rotated` dimensions. Its code is a grid point y = u − (2^B − 1) / 2, u integers 0 … 2^B − 1,
 * whose direction is near to that of x'. With F = |x'|² / ⟨y, x'⟩ the estimate F · ⟨y, q'⟩ of ⟨x', q'⟩ is unbiased; its
 * standard deviation is |x'| |q'| tan θ / √(rotated − 1) at most, θ the angle between y and x' (2024, theorem 3.2).
 *
 * The paper finds the best y by going through all scales t at which a component of t · x' meets the next level, O(2^B D log D).
 * Here y is the best for one of a few scales about the one that is best for normal components (the paper's own shortcut takes
 * one scale for all vectors); for one bit every scale is the same and y is the signs.
 *
 * One code: four factors, f32, A, F, E = |x'| tan θ, N = |x'|, then the levels u (`rabitq-levels.ts` has the table of sizes).
 * Distance ≈ A + (the query's part) − F · ⟨y, q'⟩ where l2: A = |x'|², F doubled; dot and cosine: A = −⟨x, μ⟩. The estimate of
 * a squared distance may be below 0.
 *
 * The query is rounded to signed integers v of a step of its own, stretched so that ⟨step · v, q'⟩ is |q'|² again. Sums
 * Σ u · v are exact in both builds; nothing that decides a code is fused, so both builds write the same codes.
 */
import { COSINE, L2 } from './metrics';
import { norm2 } from './norm';
import { configureLevels, levelDot, levelDotx4, PLANE_LEVELS, pack, unpack } from './rabitq-levels';
import { rotate, unrotate } from './rotation';
import { sumF32, sumI32, truncate } from './simd';
import { getF32 } from './words';

/**
 * Rounds of the rotation: two make noise of any vector where the transform takes all of it at once, four (as in the authors'
 * library) where it takes a part at a time: there a vector of one component needs them.
 */
const WHOLE_ROUNDS: i32 = 2;
const PARTIAL_ROUNDS: i32 = 4;
const FACTOR_BYTES: usize = 16;
/** Residuals shorter than this count as none: their inverse would leave f32. */
const LEAST_NORM: f64 = 1e-33;

/** Steps of the best uniform quantizers of 2^B levels of a normal variable, in standard deviations (Max 1960). */
function normalStep(bits: i32): f32 {
  if (bits == 2) return 0.9957;
  if (bits == 3) return 0.586;
  if (bits == 4) return 0.3352;
  if (bits == 5) return 0.1881;
  if (bits == 6) return 0.1041;
  if (bits == 7) return 0.0569;
  return 0.0308;
}

/** Scales tried about that step. */
const SCALES: i32 = 12;
/**
 * Greatest component of the query: for 2 … 7 bits one byte; for 8, where bytes are widened anyway, such that no sum leaves i32.
 */
const MOST_IN_BYTE: f32 = 127;
const MOST_IN_WORD: f32 = 2047;
/** Bits of a component of a query for one-bit codes, as in the paper of 2024. */
const PLANES: i32 = 4;

let dimension: i32 = 0;
let metric: i32 = L2;
let bits: i32 = 0;
let rotated: i32 = 0;
let rounds: i32 = 0;
/** Bytes of one code. */
let codeBytes: usize = 0;
/** Levels go from 0 to `topLevel`. */
let topLevel: i32 = 0;
let mean: usize = 0;
let flips: usize = 0;
/** Scratch: a rotated vector; levels, one to a byte; the query's integers, or its planes word by word interleaved. */
let buffer: usize = 0;
let levels: usize = 0;
let query: usize = 0;

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
  query = levels + <usize>rotated;
  configureLevels(bits, rotated, levels, query);
  mean2 = norm2(mean, rotated);
  spread = ((metric == L2 ? 2 : 1) * <f64>epsilon0) / sqrt<f64>(<f64>(rotated - 1));
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
  const product = f64x2.extract_lane(products, 0) + f64x2.extract_lane(products, 1);
  const cosine = product / (sqrt<f64>(<f64>sumI32(squares)) * root);
  const tangent = sqrt<f64>(max<f64>(1 / (cosine * cosine) - 1, 0));
  const factor = (2 * root * norm) / product;
  writeFactors(code, own, <f32>(metric == L2 ? 2 * factor : factor), <f32>(norm * tangent), <f32>norm);
  pack(code + FACTOR_BYTES);
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

/** Makes the f32 vector at `x` the query. */
export function prepareRabitq(x: usize): void {
  rotateCentred(x);
  const squared = norm2(buffer, rotated);
  const norm = sqrt<f64>(squared);
  if (metric == L2) queryPart = <f32>squared;
  else queryPart = <f32>(mean2 - dotWithMean(x) + (metric == COSINE ? 1 : 0));
  if (norm < LEAST_NORM) {
    memory.fill(query, 0, queryBytes());
    queryHalfStep = 0;
    querySum = 0;
    boundOfE = 0;
    boundOfN = 0;
    return;
  }
  let step: f64 = 0;
  if (bits == 1) {
    const root = sqrt<f64>(<f64>rotated);
    step = (<f64>normalStep(PLANES) * norm) / root / 2;
    scaleBuffer(<f32>(0.5 / step));
    roundToPlanes();
  } else {
    const most = bits == 8 ? MOST_IN_WORD : MOST_IN_BYTE;
    const greatest = greatestOfBuffer();
    step = <f64>greatest / <f64>most;
    scaleBuffer(most / greatest);
    if (bits == 8) roundToWords();
    else roundToBytes();
  }
  // Rounding shortens q' along itself; stretched so that ⟨step · v, q'⟩ is again what it was, the estimate stays unbiased.
  const perUnit = bits == 1 ? 2 * step : step;
  const stretched = squared / (perUnit * roundedDot);
  finishQuery(stretched, squared, stretched * stretched * <f64>roundedSquares - squared);
}

/** Makes a stored code the query: its own integers, without a rotation. */
export function prepareRabitqCode(code: usize): void {
  const a = load<f32>(code);
  const norm = <f64>load<f32>(code, 12);
  const across = <f64>load<f32>(code, 8);
  queryPart = metric == L2 ? a : <f32>(mean2 + <f64>a + (metric == COSINE ? 1 : 0));
  roundedSum = 0;
  if (bits == 1) planesOfCode(code + FACTOR_BYTES);
  else {
    unpack(code + FACTOR_BYTES);
    if (bits == 8) wordsOfLevels();
    else bytesOfLevels();
  }
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

/** Rotates x − μ into the buffer. */
function rotateCentred(x: usize): void {
  const bytes = (<usize>dimension) << 2;
  const whole = bytes & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    v128.store(buffer + i, f32x4.sub(v128.load(x + i), v128.load(mean + i)));
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(buffer + i, load<f32>(x + i) - load<f32>(mean + i));
  memory.fill(buffer + bytes, 0, ((<usize>rotated) << 2) - bytes);
  rotate(buffer, rotated, flips, rounds);
}

function dotWithMean(x: usize): f64 {
  let sums = f64x2.splat(0);
  let sum: f64 = 0;
  let i = 0;
  for (; i + 4 <= dimension; i += 4) {
    const a = v128.load(x + ((<usize>i) << 2));
    const b = v128.load(mean + ((<usize>i) << 2));
    const low = f64x2.mul(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
    const a2 = f64x2.promote_low_f32x4(v128.shuffle<f32>(a, a, 2, 3, 2, 3));
    const b2 = f64x2.promote_low_f32x4(v128.shuffle<f32>(b, b, 2, 3, 2, 3));
    sums = f64x2.add(sums, f64x2.add(low, f64x2.mul(a2, b2)));
  }
  for (; i < dimension; i++) sum += <f64>getF32(x, i) * <f64>getF32(mean, i);
  return sum + f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

function writeFactors(code: usize, own: f32, factor: f32, across: f32, norm: f32): void {
  store<f32>(code, own);
  store<f32>(code, factor, 4);
  store<f32>(code, across, 8);
  store<f32>(code, norm, 12);
}

function scaleBuffer(factor: f32): void {
  const factors = f32x4.splat(factor);
  const end = buffer + ((<usize>rotated) << 2);
  for (let p = buffer; p < end; p += 16) v128.store(p, f32x4.mul(v128.load(p), factors));
}

function greatestOfBuffer(): f32 {
  let greatest = f32x4.splat(0);
  const end = buffer + ((<usize>rotated) << 2);
  for (let p = buffer; p < end; p += 16) greatest = f32x4.max(greatest, f32x4.abs(v128.load(p)));
  greatest = f32x4.max(greatest, v128.shuffle<f32>(greatest, greatest, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(greatest, 0), f32x4.extract_lane(greatest, 1));
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

function productsWith(i: usize, w: v128): v128 {
  const p = f32x4.mul(f32x4.convert_i32x4_s(w), v128.load(buffer + (i << 2)));
  return f64x2.add(f64x2.promote_low_f32x4(p), f64x2.promote_low_f32x4(v128.shuffle<f32>(p, p, 2, 3, 2, 3)));
}

/** Of the query just rounded: Σ v, Σ v², and Σ v · x over the buffer as it was scaled. */
let roundedSum: i32 = 0;
let roundedSquares: i64 = 0;
let roundedDot: f64 = 0;

function queryBytes(): usize {
  return bits == 1 ? <usize>rotated >> 1 : (<usize>rotated) << 1;
}

function roundToBytes(): void {
  let sums = i32x4.splat(0);
  let squares = i32x4.splat(0);
  let products = f64x2.splat(0);
  const ones = i16x8.splat(1);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const from = buffer + (i << 2);
    const a = truncate(f32x4.nearest(v128.load(from)));
    const b = truncate(f32x4.nearest(v128.load(from, 16)));
    const c = truncate(f32x4.nearest(v128.load(from, 32)));
    const d = truncate(f32x4.nearest(v128.load(from, 48)));
    const ab = i16x8.narrow_i32x4_s(a, b);
    const cd = i16x8.narrow_i32x4_s(c, d);
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(ab, ones), i32x4.dot_i16x8_s(cd, ones)));
    squares = i32x4.add(squares, i32x4.add(i32x4.dot_i16x8_s(ab, ab), i32x4.dot_i16x8_s(cd, cd)));
    products = f64x2.add(products, f64x2.add(productsWith(i, a), productsWith(i + 4, b)));
    products = f64x2.add(products, f64x2.add(productsWith(i + 8, c), productsWith(i + 12, d)));
    v128.store(query + i, i8x16.narrow_i16x8_s(ab, cd));
  }
  roundedSum = sumI32(sums);
  roundedSquares = sumI32(squares);
  roundedDot = f64x2.extract_lane(products, 0) + f64x2.extract_lane(products, 1);
}

/** Integers ±2047: their squares are summed in 64 bits. */
function roundToWords(): void {
  let sums = i32x4.splat(0);
  let products = f64x2.splat(0);
  let squares = i64x2.splat(0);
  const ones = i16x8.splat(1);
  for (let i: usize = 0; i < <usize>rotated; i += 8) {
    const from = buffer + (i << 2);
    const a = truncate(f32x4.nearest(v128.load(from)));
    const b = truncate(f32x4.nearest(v128.load(from, 16)));
    const ab = i16x8.narrow_i32x4_s(a, b);
    sums = i32x4.add(sums, i32x4.dot_i16x8_s(ab, ones));
    const pairs = i32x4.dot_i16x8_s(ab, ab);
    squares = i64x2.add(squares, i64x2.add(i64x2.extend_low_i32x4_s(pairs), i64x2.extend_high_i32x4_s(pairs)));
    products = f64x2.add(products, f64x2.add(productsWith(i, a), productsWith(i + 4, b)));
    v128.store(query + (i << 1), ab);
  }
  roundedSum = sumI32(sums);
  roundedSquares = i64x2.extract_lane(squares, 0) + i64x2.extract_lane(squares, 1);
  roundedDot = f64x2.extract_lane(products, 0) + f64x2.extract_lane(products, 1);
}

/** Levels l = 0 … 15 that stand for 2l − 15, as bits in planes. */
function roundToPlanes(): void {
  let squares = i32x4.splat(0);
  let products = f64x2.splat(0);
  for (let i = 0; i < rotated; i += 64) {
    let p0: u64 = 0;
    let p1: u64 = 0;
    let p2: u64 = 0;
    let p3: u64 = 0;
    for (let j = 0; j < 64; j += 4) {
      const at = <usize>(i + j);
      const x = v128.load(buffer + (at << 2));
      // Within ±64 as an integer nothing is lost by clipping first, and the conversion is in range.
      const clipped = f32x4.max(f32x4.min(f32x4.floor(x), f32x4.splat(7)), f32x4.splat(-8));
      const level = i32x4.add(truncate(clipped), i32x4.splat(8));
      const odd = i32x4.sub(i32x4.add(level, level), i32x4.splat(PLANE_LEVELS));
      squares = i32x4.add(squares, i32x4.mul(odd, odd));
      products = f64x2.add(products, productsWith(at, odd));
      p0 |= (<u64>i32x4.bitmask(i32x4.shl(level, 31))) << j;
      p1 |= (<u64>i32x4.bitmask(i32x4.shl(level, 30))) << j;
      p2 |= (<u64>i32x4.bitmask(i32x4.shl(level, 29))) << j;
      p3 |= (<u64>i32x4.bitmask(i32x4.shl(level, 28))) << j;
    }
    writePlanes(i, p0, p1, p2, p3);
  }
  roundedSquares = sumI32(squares);
  roundedDot = f64x2.extract_lane(products, 0) + f64x2.extract_lane(products, 1);
}

function writePlanes(i: i32, p0: u64, p1: u64, p2: u64, p3: u64): void {
  const to = query + (<usize>i >> 1);
  store<u64>(to, p0);
  store<u64>(to, p1, 8);
  store<u64>(to, p2, 16);
  store<u64>(to, p3, 24);
}

/** A one-bit code as a query: all planes are its bits, so that 1 is 15 and 0 is −15. */
function planesOfCode(payload: usize): void {
  for (let i = 0; i < rotated; i += 64) {
    const word = load<u64>(payload + (<usize>i >> 3));
    writePlanes(i, word, word, word, word);
  }
}

/** v = 2u − (2^B − 1) from the unpacked levels. */
function bytesOfLevels(): void {
  const tops = i8x16.splat(<i8>topLevel);
  let sums = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const u = v128.load(levels + i);
    v128.store(query + i, i8x16.sub(i8x16.add(u, u), tops));
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_u(u)));
  }
  roundedSum = 2 * sumI32(sums) - topLevel * rotated;
}

function wordsOfLevels(): void {
  const tops = i16x8.splat(<i16>topLevel);
  let sums = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const u = v128.load(levels + i);
    const low = i16x8.extend_low_i8x16_u(u);
    const high = i16x8.extend_high_i8x16_u(u);
    v128.store(query + (i << 1), i16x8.sub(i16x8.add(low, low), tops));
    v128.store(query + (i << 1), i16x8.sub(i16x8.add(high, high), tops), 16);
    sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_u(u)));
  }
  roundedSum = 2 * sumI32(sums) - topLevel * rotated;
}
