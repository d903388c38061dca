/**
 * RaBitQ codes of 1 … 8 bits a dimension (Gao & Long, SIGMOD 2024; Gao et al., "Practical and asymptotically optimal quantization
 * of high-dimensional vectors in Euclidean space", SIGMOD 2025): a random rotation makes every vector look like noise, so that one
 * grid fits all, and what is lost is known to be random and how large it is.
 *
 * x' = R(x − μ), a vector of `rotated` dimensions. Its code is a grid point y = u − (2^B − 1) / 2, u integers 0 … 2^B − 1, whose
 * direction is near to that of x'. With F = |x'|² / ⟨y, x'⟩ the estimate F · ⟨y, q'⟩ of ⟨x', q'⟩ is unbiased; its standard
 * deviation is |x'| |q'| tan θ / √(rotated − 1) at most, θ the angle between y and x' (2024, theorem 3.2).
 *
 * The paper finds the best y by going through all scales t at which a component of t · x' meets the next level, O(2^B D log D).
 * Here y is the best for one of a few scales about the one that is best for normal components (the paper's own shortcut takes
 * one scale for all vectors); for one bit every scale is the same and y is the signs.
 *
 * One code: 16 bytes of factors, then the levels u, R = `rotated` = the dimension rounded up to a multiple of 64:
 *
 * | bits | levels as                                       | bytes of levels   | `codeBytes` at 1024-D |
 * | ---- | ----------------------------------------------- | ----------------- | --------------------- |
 * | 1    | bits, to be counted                             | R/8, padded to 16 | 144                   |
 * | 2    | crumbs: four to a byte                          | R/4               | 272                   |
 * | 3    | crumbs, behind them the third bits              | 3R/8, padded      | 400                   |
 * | 4    | nibbles: two to a byte                          | R/2               | 528                   |
 * | 5    | nibbles, behind them the fifth bits             | 5R/8, padded      | 656                   |
 * | 6    | nibbles, behind them crumbs of bits five and six | 3R/4              | 784                   |
 * | 7, 8 | bytes                                           | R                 | 1040                  |
 *
 * Nibbles: byte j of 16 has dimension j of its 32 in the low half and 16 + j in the high one. Crumbs: byte j of 16 has dimensions
 * j, 16 + j, 32 + j, 48 + j of its 64, from the low bits up. Single bits behind others: the low half of byte j of 8 has
 * dimensions 2 j, 16 + 2 j, 32 + 2 j, 48 + 2 j of its 64, the high one those behind them.
 *
 * Factors: A, F, E = |x'| tan θ, N = |x'|; distance ≈ A + (the query's part) − F · ⟨y, q'⟩ where
 * l2: A = |x'|², F doubled; dot and cosine: A = −⟨x, μ⟩. The estimate of a squared distance may be below 0.
 *
 * The query is rounded to signed integers v of a step of its own, stretched so that ⟨step · v, q'⟩ is |q'|² again. Sums
 * Σ u · v are exact in both builds; nothing that decides a code is fused, so both builds write the same codes.
 */
import { fusedDot } from './codes';
import { norm2 } from './norm';
import { rotate, unrotate } from './rotation';
import { sumF32, sumI32, sumsI32, truncate } from './simd';
import { COSINE, L2 } from './space';
import { getF32 } from './words';

/**
 * Rounds of the rotation: two make noise of any vector where the transform takes all of it at once, four (as in the authors' library)
 * where it takes a part at a time: there a vector of one component needs them.
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
/** Greatest component of the query: for 2 … 7 bits one byte; for 8, where bytes are widened anyway, such that no sum leaves i32. */
const MOST_IN_BYTE: f32 = 127;
const MOST_IN_WORD: f32 = 2047;
/** Of a query for one-bit codes, which is kept in this many planes of bits: odd levels −15 … 15. */
const PLANES: i32 = 4;
const PLANE_LEVELS: i32 = 15;

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
 * `model`: the mean (floats, zeros up to R), then `rounds` · R floats of ±1, both read only; `scratch`: this thread's own. Their sizes
 * are `rabitqModelBytes` and `rabitqScratchBytes` of src/quantize/rabitq.ts; both on multiples of 16. `epsilon0`: how many standard deviations bounds are wide.
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
 * Writes the f32 vector that the code stands for: the point in the direction of y that is nearest to the vector encoded. Along x' it is
 * shorter than F · y by cos² θ, as that which has the least error is.
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
 * What the estimate may be off by, at as many standard deviations as `configureRabitq` was given: what the code lost and what the
 * rounding of the query did, both random in direction. Rounding of f32 sums comes on top, and a query that is a code rounded like
 * this one: between stored codes of like vectors the estimate errs towards nearer.
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
  // From where nothing is clipped, but not above the usual step, to a little beyond it; in equal ratios.
  const first = min<f32>(0.8 * step, greatestOfBuffer() / <f32>top);
  const ratio = <f32>Math.pow((1.2 * <f64>step) / <f64>first, 1.0 / <f64>(SCALES - 1));
  let candidate = first;
  let best: f32 = 0;
  let bestCosine: f64 = -1;
  for (let i = 0; i < SCALES; i++) {
    const perStep: f32 = 1 / candidate;
    const cosine = squaredCosineAt(perStep, top);
    if (cosine > bestCosine) {
      bestCosine = cosine;
      best = perStep;
    }
    candidate *= ratio;
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

/** Writes the levels as they are stored. */
function pack(payload: usize): void {
  const half = <usize>rotated >> 1;
  const quarter = <usize>rotated >> 2;
  const eighth = <usize>rotated >> 3;
  if (bits == 1) packBits(payload, 0);
  else if (bits <= 3) {
    packCrumbs(payload, 0);
    if (bits == 3) packBitsBehind(payload + quarter, 2);
  } else if (bits <= 6) {
    packNibbles(payload);
    if (bits == 5) packBitsBehind(payload + half, 4);
    if (bits == 6) packCrumbs(payload + half, 4);
  } else memory.copy(payload, levels, <usize>rotated);
  // The padding of codes whose length would be an odd number of eights.
  if (rotated & 64) {
    if (bits == 1) store<u64>(payload + eighth, 0);
    if (bits == 3) store<u64>(payload + 3 * eighth, 0);
    if (bits == 5) store<u64>(payload + 5 * eighth, 0);
  }
}

function packBits(payload: usize, bit: i32): void {
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const lanes = i8x16.shl(v128.load(levels + i), 7 - bit);
    store<u16>(payload + (i >> 3), <u16>i8x16.bitmask(lanes));
  }
}

/** Bit `bit` of every level, the four of every sixteenth dimension side by side. */
function packBitsBehind(payload: usize, bit: i32): void {
  const one = i8x16.splat(1);
  for (let i: usize = 0; i < <usize>rotated; i += 64) {
    const from = levels + i;
    const a = v128.and(i8x16.shr_u(v128.load(from), bit), one);
    const b = v128.and(i8x16.shr_u(v128.load(from, 16), bit), one);
    const c = v128.and(i8x16.shr_u(v128.load(from, 32), bit), one);
    const d = v128.and(i8x16.shr_u(v128.load(from, 48), bit), one);
    const four = v128.or(v128.or(a, i8x16.shl(b, 1)), v128.or(i8x16.shl(c, 2), i8x16.shl(d, 3)));
    const eight = v128.and(v128.or(four, i16x8.shr_u(four, 4)), i16x8.splat(255));
    v128.store64_lane(payload + (i >> 3), i8x16.narrow_i16x8_u(eight, eight), 0);
  }
}

/** Bits `bit` and `bit + 1` of every level. */
function packCrumbs(payload: usize, bit: i32): void {
  const crumb = i8x16.splat(3);
  for (let i: usize = 0; i < <usize>rotated; i += 64) {
    const from = levels + i;
    const a = v128.and(i8x16.shr_u(v128.load(from), bit), crumb);
    const b = v128.and(i8x16.shr_u(v128.load(from, 16), bit), crumb);
    const c = v128.and(i8x16.shr_u(v128.load(from, 32), bit), crumb);
    const d = v128.and(i8x16.shr_u(v128.load(from, 48), bit), crumb);
    const low = v128.or(a, i8x16.shl(b, 2));
    v128.store(payload + (i >> 2), v128.or(low, v128.or(i8x16.shl(c, 4), i8x16.shl(d, 6))));
  }
}

/** The low four bits of every level. */
function packNibbles(payload: usize): void {
  for (let i: usize = 0; i < <usize>rotated; i += 32) {
    const low = v128.and(v128.load(levels + i), i8x16.splat(15));
    v128.store(payload + (i >> 1), v128.or(low, i8x16.shl(v128.load(levels + i, 16), 4)));
  }
}

/** The levels one to a byte, to `levels`. */
function unpack(payload: usize): void {
  if (bits == 1) {
    for (let i: usize = 0; i < <usize>rotated; i += 8) {
      const byte = i8x16.splat(load<u8>(payload + (i >> 3)));
      const one = v128.and(byte, i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0));
      store<u64>(levels + i, i64x2.extract_lane(v128.and(i8x16.ne(one, i8x16.splat(0)), i8x16.splat(1)), 0));
    }
  } else if (bits == 2) Levels.unpack(2, payload);
  else if (bits == 3) Levels.unpack(3, payload);
  else if (bits == 4) Levels.unpack(4, payload);
  else if (bits == 5) Levels.unpack(5, payload);
  else if (bits == 6) Levels.unpack(6, payload);
  else memory.copy(levels, payload, <usize>rotated);
}

/** Σ u · v of the query and one code. */
function levelDot(payload: usize): i32 {
  if (bits == 1) return signDot(payload);
  if (bits == 2) return Levels.dot(2, payload);
  if (bits == 3) return Levels.dot(3, payload);
  if (bits == 4) return Levels.dot(4, payload);
  if (bits == 5) return Levels.dot(5, payload);
  if (bits == 6) return Levels.dot(6, payload);
  if (bits == 7) return Levels.dot(7, payload);
  return wordDot(payload);
}

/** `levelDot` of four codes, one per i32 lane. */
function levelDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (bits == 1) return signDotx4(a, b, c, d);
  if (bits == 8) return wordDotx4(a, b, c, d);
  if (ASC_FEATURE_RELAXED_SIMD && fusedDot) {
    if (bits == 2) return Levels.dotx4(2, true, a, b, c, d);
    if (bits == 3) return Levels.dotx4(3, true, a, b, c, d);
    if (bits == 4) return Levels.dotx4(4, true, a, b, c, d);
    if (bits == 5) return Levels.dotx4(5, true, a, b, c, d);
    if (bits == 6) return Levels.dotx4(6, true, a, b, c, d);
    return Levels.dotx4(7, true, a, b, c, d);
  }
  if (bits == 4) return nibbleDotx4(a, b, c, d);
  if (bits == 2) return Levels.dotx4(2, false, a, b, c, d);
  if (bits == 3) return Levels.dotx4(3, false, a, b, c, d);
  if (bits == 5) return Levels.dotx4(5, false, a, b, c, d);
  if (bits == 6) return Levels.dotx4(6, false, a, b, c, d);
  return Levels.dotx4(7, false, a, b, c, d);
}

/** Sixteen-bit ones that the compiler cannot see through. */
function opaqueOnes(): v128 {
  return i16x8.splat(<i16>(rotated > 0));
}

/**
 * Four bits, the case that matters most: 128 dimensions are added up in 16 bits (eight times 15 · 127 · 2 is below 2^15) before they
 * are widened, and addresses are taken once for as many.
 */
function nibbleDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  const ones = opaqueOnes();
  const mask = i8x16.splat(rotated > 0 ? 15 : 0);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  let v = query;
  const end = query + <usize>(rotated & ~127);
  while (v < end) {
    let q0 = v128.load(v);
    let q1 = v128.load(v, 16);
    let e0 = Levels.nibblePairs(q0, q1, v128.load(a), mask);
    let e1 = Levels.nibblePairs(q0, q1, v128.load(b), mask);
    let e2 = Levels.nibblePairs(q0, q1, v128.load(c), mask);
    let e3 = Levels.nibblePairs(q0, q1, v128.load(d), mask);
    q0 = v128.load(v, 32);
    q1 = v128.load(v, 48);
    e0 = i16x8.add(e0, Levels.nibblePairs(q0, q1, v128.load(a, 16), mask));
    e1 = i16x8.add(e1, Levels.nibblePairs(q0, q1, v128.load(b, 16), mask));
    e2 = i16x8.add(e2, Levels.nibblePairs(q0, q1, v128.load(c, 16), mask));
    e3 = i16x8.add(e3, Levels.nibblePairs(q0, q1, v128.load(d, 16), mask));
    q0 = v128.load(v, 64);
    q1 = v128.load(v, 80);
    e0 = i16x8.add(e0, Levels.nibblePairs(q0, q1, v128.load(a, 32), mask));
    e1 = i16x8.add(e1, Levels.nibblePairs(q0, q1, v128.load(b, 32), mask));
    e2 = i16x8.add(e2, Levels.nibblePairs(q0, q1, v128.load(c, 32), mask));
    e3 = i16x8.add(e3, Levels.nibblePairs(q0, q1, v128.load(d, 32), mask));
    q0 = v128.load(v, 96);
    q1 = v128.load(v, 112);
    e0 = i16x8.add(e0, Levels.nibblePairs(q0, q1, v128.load(a, 48), mask));
    e1 = i16x8.add(e1, Levels.nibblePairs(q0, q1, v128.load(b, 48), mask));
    e2 = i16x8.add(e2, Levels.nibblePairs(q0, q1, v128.load(c, 48), mask));
    e3 = i16x8.add(e3, Levels.nibblePairs(q0, q1, v128.load(d, 48), mask));
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(e0, ones));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(e1, ones));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(e2, ones));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(e3, ones));
    a += 64;
    b += 64;
    c += 64;
    d += 64;
    v += 128;
  }
  if (rotated & 64) {
    const q0 = v128.load(v);
    const q1 = v128.load(v, 16);
    const q2 = v128.load(v, 32);
    const q3 = v128.load(v, 48);
    s0 = i32x4.add(s0, lastNibbles(q0, q1, q2, q3, a, mask, ones));
    s1 = i32x4.add(s1, lastNibbles(q0, q1, q2, q3, b, mask, ones));
    s2 = i32x4.add(s2, lastNibbles(q0, q1, q2, q3, c, mask, ones));
    s3 = i32x4.add(s3, lastNibbles(q0, q1, q2, q3, d, mask, ones));
  }
  return sumsI32(s0, s1, s2, s3);
}

function lastNibbles(q0: v128, q1: v128, q2: v128, q3: v128, at: usize, mask: v128, ones: v128): v128 {
  const low = Levels.nibblePairs(q0, q1, v128.load(at), mask);
  return i32x4.dot_i16x8_s(i16x8.add(low, Levels.nibblePairs(q2, q3, v128.load(at, 16), mask)), ones);
}

/** Bytes 0 … 255 with a query of 16-bit integers. */
function wordDot(payload: usize): i32 {
  let sum = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const v = query + (i << 1);
    sum = i32x4.add(sum, Levels.wordProducts(v128.load(v), v128.load(v, 16), v128.load(payload + i)));
  }
  return sumI32(sum);
}

function wordDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>rotated; i += 16) {
    const low = v128.load(query + (i << 1));
    const high = v128.load(query + (i << 1), 16);
    s0 = i32x4.add(s0, Levels.wordProducts(low, high, v128.load(a + i)));
    s1 = i32x4.add(s1, Levels.wordProducts(low, high, v128.load(b + i)));
    s2 = i32x4.add(s2, Levels.wordProducts(low, high, v128.load(c + i)));
    s3 = i32x4.add(s3, Levels.wordProducts(low, high, v128.load(d + i)));
  }
  return sumsI32(s0, s1, s2, s3);
}

/**
 * One bit: with the signs w = ±1 of a code and the odd levels v = Σ 2^j (±1) of the query, Σ w · v = 15 R − 2 Σ 2^j hamming(w, plane j).
 * This gives half of it without 15 R, which `querySum` has.
 */
function signDot(payload: usize): i32 {
  let sum: u64 = 0;
  let plane = query;
  const end = payload + (<usize>rotated >> 3);
  while (payload < end) {
    const p0 = load<u64>(plane);
    sum += Levels.weighted(load<u64>(payload), p0, load<u64>(plane, 8), load<u64>(plane, 16), load<u64>(plane, 24));
    payload += 8;
    plane += 32;
  }
  return -(<i32>sum);
}

function signDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  let s0: u64 = 0;
  let s1: u64 = 0;
  let s2: u64 = 0;
  let s3: u64 = 0;
  let plane = query;
  const end = a + (<usize>rotated >> 3);
  while (a < end) {
    const p0 = load<u64>(plane);
    const p1 = load<u64>(plane, 8);
    const p2 = load<u64>(plane, 16);
    const p3 = load<u64>(plane, 24);
    s0 += Levels.weighted(load<u64>(a), p0, p1, p2, p3);
    s1 += Levels.weighted(load<u64>(b), p0, p1, p2, p3);
    s2 += Levels.weighted(load<u64>(c), p0, p1, p2, p3);
    s3 += Levels.weighted(load<u64>(d), p0, p1, p2, p3);
    a += 8;
    b += 8;
    c += 8;
    d += 8;
    plane += 32;
  }
  const low = i32x4.replace_lane(i32x4.splat(<i32>s0), 1, <i32>s1);
  return i32x4.neg(i32x4.replace_lane(i32x4.replace_lane(low, 2, <i32>s2), 3, <i32>s3));
}

/**
 * What is compiled into its callers, once for each number of bits: `B`, `k` and `fused` are constants wherever these are called, so that
 * nothing of them is left to decide in a loop.
 */
class Levels {
  @inline
  static unpack(B: i32, payload: usize): void {
    const firstMask = Levels.firstMaskOf(B);
    const secondMask = Levels.secondMaskOf(B);
    let second = Levels.secondPart(B, payload);
    const end = levels + <usize>rotated;
    for (let to = levels; to < end; to += 64) {
      const more = Levels.secondOf(B, second);
      v128.store(to, Levels.sixteen(B, 0, payload, more, firstMask, secondMask));
      v128.store(to, Levels.sixteen(B, 1, payload, more, firstMask, secondMask), 16);
      v128.store(to, Levels.sixteen(B, 2, payload, more, firstMask, secondMask), 32);
      v128.store(to, Levels.sixteen(B, 3, payload, more, firstMask, secondMask), 48);
      payload += Levels.firstBytes(B);
      second += Levels.secondBytes(B);
    }
  }

  /** Bytes that 64 dimensions take, in crumbs, nibbles or bytes, and of the bits that do not fit into those. */
  @inline
  static firstBytes(B: i32): usize {
    return B <= 3 ? 16 : B <= 6 ? 32 : 64;
  }

  @inline
  static secondBytes(B: i32): usize {
    return B == 6 ? 16 : 8;
  }

  /** Where the second part begins. */
  @inline
  static secondPart(B: i32, payload: usize): usize {
    return payload + (B <= 3 ? <usize>rotated >> 2 : <usize>rotated >> 1);
  }

  /** The second part of 64 dimensions; single bits with those of a lane, every sixteenth dimension, in the lane's low half. */
  @inline
  static secondOf(B: i32, second: usize): v128 {
    if (B == 6) return v128.load(second);
    if (B != 3 && B != 5) return i8x16.splat(0);
    const bytes = v128.load_ext<u8>(second);
    return v128.or(bytes, i16x8.shl(bytes, 4));
  }

  /** Which bits of a lane are the first part's and which the second's. Variables: constants V8 would make anew in every round. */
  @inline
  static firstMaskOf(B: i32): v128 {
    return i8x16.splat(rotated > 0 ? (B <= 3 ? 3 : 15) : 0);
  }

  @inline
  static secondMaskOf(B: i32): v128 {
    return i8x16.splat(rotated > 0 ? (B == 3 ? 4 : B == 5 ? 16 : 48) : 0);
  }

  /** The levels of sixteen dimensions, 16 k … 16 k + 15 of the 64 at `first`. */
  @inline
  static sixteen(B: i32, k: i32, first: usize, second: v128, firstMask: v128, secondMask: v128): v128 {
    if (B == 2) return Levels.shifted(v128.load(first), -2 * k, firstMask);
    if (B == 3) {
      return v128.or(Levels.shifted(v128.load(first), -2 * k, firstMask), Levels.shifted(second, 2 - k, secondMask));
    }
    if (B == 7) return v128.load(first + ((<usize>k) << 4));
    const nibbles = Levels.shifted(v128.load(first + ((<usize>k >> 1) << 4)), k & 1 ? -4 : 0, firstMask);
    if (B == 5) return v128.or(nibbles, Levels.shifted(second, 4 - k, secondMask));
    if (B == 6) return v128.or(nibbles, Levels.shifted(second, 4 - 2 * k, secondMask));
    return nibbles;
  }

  /** Bits to the left, and what is wanted of each byte: bits that cross from byte to byte, x86 having no shift of bytes, are not. */
  @inline
  static shifted(x: v128, left: i32, mask: v128): v128 {
    return v128.and(left > 0 ? i16x8.shl(x, left) : left < 0 ? i16x8.shr_u(x, -left) : x, mask);
  }

  @inline
  static dot(B: i32, payload: usize): i32 {
    const firstMask = Levels.firstMaskOf(B);
    const secondMask = Levels.secondMaskOf(B);
    const ones = opaqueOnes();
    let second = Levels.secondPart(B, payload);
    let sum = i32x4.splat(0);
    const end = query + <usize>rotated;
    for (let v = query; v < end; v += 64) {
      sum = Levels.addBlock(B, false, v, payload, second, firstMask, secondMask, ones, sum);
      payload += Levels.firstBytes(B);
      second += Levels.secondBytes(B);
    }
    return sumI32(sum);
  }

  @inline
  static dotx4(B: i32, fused: bool, a: usize, b: usize, c: usize, d: usize): v128 {
    const firstMask = Levels.firstMaskOf(B);
    const secondMask = Levels.secondMaskOf(B);
    const ones = opaqueOnes();
    let a2 = Levels.secondPart(B, a);
    let b2 = Levels.secondPart(B, b);
    let c2 = Levels.secondPart(B, c);
    let d2 = Levels.secondPart(B, d);
    let s0 = i32x4.splat(0);
    let s1 = i32x4.splat(0);
    let s2 = i32x4.splat(0);
    let s3 = i32x4.splat(0);
    const end = query + <usize>rotated;
    for (let v = query; v < end; v += 64) {
      s0 = Levels.addBlock(B, fused, v, a, a2, firstMask, secondMask, ones, s0);
      s1 = Levels.addBlock(B, fused, v, b, b2, firstMask, secondMask, ones, s1);
      s2 = Levels.addBlock(B, fused, v, c, c2, firstMask, secondMask, ones, s2);
      s3 = Levels.addBlock(B, fused, v, d, d2, firstMask, secondMask, ones, s3);
      a += Levels.firstBytes(B);
      b += Levels.firstBytes(B);
      c += Levels.firstBytes(B);
      d += Levels.firstBytes(B);
      a2 += Levels.secondBytes(B);
      b2 += Levels.secondBytes(B);
      c2 += Levels.secondBytes(B);
      d2 += Levels.secondBytes(B);
    }
    return sumsI32(s0, s1, s2, s3);
  }

  /** `sum` and the products of 64 dimensions: of the query's bytes at `v` with the levels whose parts are at `first` and `second`. */
  @inline
  static addBlock(
    B: i32,
    fused: bool,
    v: usize,
    first: usize,
    second: usize,
    firstMask: v128,
    secondMask: v128,
    ones: v128,
    sum: v128,
  ): v128 {
    const more = Levels.secondOf(B, second);
    const u0 = Levels.sixteen(B, 0, first, more, firstMask, secondMask);
    const u1 = Levels.sixteen(B, 1, first, more, firstMask, secondMask);
    const u2 = Levels.sixteen(B, 2, first, more, firstMask, secondMask);
    const u3 = Levels.sixteen(B, 3, first, more, firstMask, secondMask);
    if (ASC_FEATURE_RELAXED_SIMD && fused) {
      sum = v128.relaxed_dot_add<i32>(v128.load(v), u0, sum);
      sum = v128.relaxed_dot_add<i32>(v128.load(v, 16), u1, sum);
      sum = v128.relaxed_dot_add<i32>(v128.load(v, 32), u2, sum);
      return v128.relaxed_dot_add<i32>(v128.load(v, 48), u3, sum);
    }
    const p0 = Levels.pairs(v128.load(v), u0);
    const p1 = Levels.pairs(v128.load(v, 16), u1);
    const p2 = Levels.pairs(v128.load(v, 32), u2);
    const p3 = Levels.pairs(v128.load(v, 48), u3);
    if (Levels.mayAdd(B, 4)) {
      const four = i16x8.add(i16x8.add(p0, p1), i16x8.add(p2, p3));
      return i32x4.add(sum, i32x4.dot_i16x8_s(four, ones));
    }
    if (Levels.mayAdd(B, 2)) {
      const low = i32x4.dot_i16x8_s(i16x8.add(p0, p1), ones);
      return i32x4.add(sum, i32x4.add(low, i32x4.dot_i16x8_s(i16x8.add(p2, p3), ones)));
    }
    const low = i32x4.add(i32x4.dot_i16x8_s(p0, ones), i32x4.dot_i16x8_s(p1, ones));
    const high = i32x4.add(i32x4.dot_i16x8_s(p2, ones), i32x4.dot_i16x8_s(p3, ones));
    return i32x4.add(sum, i32x4.add(low, high));
  }

  /** Pairs of products in 16 bits: u v + u' v' for two neighbours; v a signed byte, u 0 … 127. */
  @inline
  static pairs(v: v128, u: v128): v128 {
    return ASC_FEATURE_RELAXED_SIMD
      ? v128.relaxed_dot<i16>(v, u)
      : i16x8.add(i16x8.extmul_low_i8x16_s(v, u), i16x8.extmul_high_i8x16_s(v, u));
  }

  /** Whether so many pairs may be added up in 16 bits: each is up to (2^B − 1) · 127 · 2. */
  @inline
  static mayAdd(B: i32, pairs: i32): bool {
    return pairs * ((1 << B) - 1) * 254 < 32768;
  }

  @inline
  static nibblePairs(q0: v128, q1: v128, u: v128, mask: v128): v128 {
    return i16x8.add(Levels.pairs(q0, v128.and(u, mask)), Levels.pairs(q1, v128.and(i16x8.shr_u(u, 4), mask)));
  }

  @inline
  static wordProducts(low: v128, high: v128, u: v128): v128 {
    return i32x4.add(
      i32x4.dot_i16x8_s(low, i16x8.extend_low_i8x16_u(u)),
      i32x4.dot_i16x8_s(high, i16x8.extend_high_i8x16_u(u)),
    );
  }

  /** Σ 2^j hamming(w, plane j). */
  @inline
  static weighted(w: u64, p0: u64, p1: u64, p2: u64, p3: u64): u64 {
    const high = popcnt<u64>(w ^ p2) + (popcnt<u64>(w ^ p3) << 1);
    return popcnt<u64>(w ^ p0) + (popcnt<u64>(w ^ p1) << 1) + (high << 2);
  }
}
