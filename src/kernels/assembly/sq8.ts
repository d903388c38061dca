/**
 * Scalar codes by themselves, outside any index: one byte a dimension, x ≈ mid + step · c with c in −127 … 127.
 *
 * VECTOR8: mid and step of each vector its own, the middle and a 254th of its range. Both sides of a distance are codes; all of
 * it follows from the integer dot Σ cc', with factors and formulas as `codes.ts` has them (mid stands where lo is there).
 * DIMENSION8: mid and step of each dimension trained, in the model; what lies outside a range is clipped. The code's factors
 * are what depends on it alone: Σ step² c², |x − x̂| with what was clipped, Σ mid x̂. With t = q − mid and w = step · t,
 * |q − x̂|² = |t|² − 2 Σ w c + Σ step² c², and ⟨q, x̂⟩ = Σ q mid + Σ step q c: one dot of bytes with w, which is rounded to
 * 16 bits, so the query loses next to nothing. Between two codes t = step · c, which makes it Σ step² (c − c')².
 * Under cosine the distance is ½ |q̂ − x̂|², which for vectors of length 1 is 1 − cos: it is off by about |q̂ − x̂| times the
 * error of the codes, where 1 − ⟨q̂, x̂⟩ is off by the error itself: far more for near vectors.
 * VECTOR7: the codes of `codes.ts`, here so that all scalar codes are reached in one way.
 *
 * 255 levels and not 256, so that c and its negative fit into a signed byte and |c| into the seven bits that relaxed_dot wants of
 * its second operand. Σ cc' = Σ (c ⊻ m)|c'| + Σ |c'| over c' < 0, where m has all bits set for c' < 0 and none else: −c is ~c + 1.
 * So a distance costs one xor more than with 7 bits. The baseline build has the query as 16-bit words instead.
 * Integers are exact and everything else is rounded in the same order, so both builds give the same codes and distances
 * (VECTOR7 under Manhattan excepted: `codes.ts` sums that as each build is quickest at).
 *
 * One code: `codeBytes(n)` bytes, zero-padded to 16, then 16 bytes of factors. Model: mids, steps and inverse steps, f32, each
 * of `codeBytes(n)` floats; nothing unless DIMENSION8. Scratch: 15 · codeBytes(n) + 16 bytes.
 */
import {
  codeBytes,
  codeDot,
  codeDotx4,
  decode,
  dotAdd,
  dotOfCodes,
  dotOfCodesx4,
  encode,
  findRange,
  fusedDot,
  greatest,
  l2OfCodes,
  l2OfCodesx4,
  least,
  manhattanToCode,
  onesFor,
} from './codes';
import { COSINE, L2, MANHATTAN } from './metrics';
import { norm2 } from './norm';
import { sumF32, sumI32, sumsI32, truncate } from './simd';

/** How ranges are had and codes are made. */
const VECTOR8: i32 = 0;
const DIMENSION8: i32 = 1;
const VECTOR7: i32 = 2;

const MOST_LEVEL: f32 = 127;
const MOST_WORD: f64 = 32767;
/** The most that Σ |word| may be for Σ |word| · 127 to stay below 2^31, less what rounding may add to 4096 of them. */
const MOST_WORDS: f64 = 16_800_000;
/** Half the distance from 1 to the next f32. */
const EPS: f64 = 5.960464477539063e-8;
/** Below this, squares and inverse steps leave f32. */
const FLOOR: f64 = 4e-37;

let dimension: i32 = 0;
let metric: i32 = L2;
let form: i32 = VECTOR8;
/** Whether distances are squared ones, and what of those: all under l2, half under cosine. */
let squared: bool = true;
let share: f32 = 1;
let padded: usize = 0;

let mids: usize = 0;
let steps: usize = 0;
let inverses: usize = 0;
/** The length of all mids as one vector. */
let midsNorm: f64 = 0;

/** Scratch: room for the query's code, its words or its flips and magnitudes, and its floats. */
let room: usize = 0;
let words: usize = 0;
let floats: usize = 0;

/** Of a query that is a code in the ranges of dimensions: its words are offset + slope · c. In scratch, as the model says. */
let offsets: usize = 0;
let slopes: usize = 0;
let worthOfCodes: f32 = 0;

/** The query's code, where both sides are codes. */
let query: usize = 0;
/** Σ |c'| over c' < 0. */
let flipped: i32 = 0;
/** What of the distance depends on the query alone, and what the integer dot is worth (DIMENSION8). */
let own: f32 = 0;
let worth: f32 = 0;
/** For bounds: at least |q|, and how far the vector that was meant may be from the query that distances are taken to. */
let queryNorm: f64 = 0;
let queryError: f64 = 0;

/** `model` is read here already. */
export function configureSq8(dimension_: i32, metric_: i32, form_: i32, model: usize, scratch: usize): void {
  dimension = dimension_;
  metric = metric_;
  form = form_;
  squared = metric == L2 || metric == COSINE;
  share = metric == COSINE ? 0.5 : 1;
  padded = <usize>codeBytes(dimension);
  mids = model;
  steps = mids + (padded << 2);
  inverses = steps + (padded << 2);
  floats = scratch;
  words = floats + (padded << 2);
  offsets = words + (padded << 1);
  slopes = offsets + (padded << 2);
  room = slopes + (padded << 2);
  query = room;
  midsNorm = 0;
  if (form != DIMENSION8) return;
  midsNorm = sqrt<f64>(norm2(mids, dimension));
  let most: f64 = 0;
  let sum: f64 = 0;
  for (let i: usize = 0; i < padded << 2; i += 4) {
    const here = abs<f64>(offsetAt(i)) + <f64>MOST_LEVEL * slopeAt(i);
    most = max<f64>(most, here);
    sum += here;
  }
  const scale = scaleFor(most, sum);
  worthOfCodes = worthOf(scale);
  for (let i: usize = 0; i < padded << 2; i += 4) {
    store<f32>(offsets + i, <f32>(offsetAt(i) * <f64>scale));
    store<f32>(slopes + i, <f32>(slopeAt(i) * <f64>scale));
  }
}

/** w of a code is step · (mid + step · c), without the mid where distances are squared. */
function offsetAt(i: usize): f64 {
  return squared ? 0 : <f64>load<f32>(mids + i) * <f64>load<f32>(steps + i);
}

function slopeAt(i: usize): f64 {
  return <f64>load<f32>(steps + i) * <f64>load<f32>(steps + i);
}

/** Writes the f32 vector at `x` as a code; what was prepared stays. */
export function encodeSq8(x: usize, code: usize): void {
  if (form == VECTOR7) encode(x, code, dimension);
  else if (form == VECTOR8) encodeInRange(x, code);
  else encodeInDimensions(x, code);
}

function encodeInRange(x: usize, code: usize): void {
  findRange(x, dimension);
  const mid: f32 = least * 0.5 + greatest * 0.5;
  const range = greatest - least;
  const step = range / 254;
  const perStep: f32 = step > 0 ? min<f32>(254 / range, f32.MAX_VALUE) : 0;
  const whole = <usize>(dimension & ~15);
  const ones = i16x8.splat(1);
  let sums = i32x4.splat(0);
  let squares = i32x4.splat(0);
  const midLanes = f32x4.splat(mid);
  const perStepLanes = f32x4.splat(perStep);
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const from = x + (i << 2);
    const low = i16x8.narrow_i32x4_s(
      level(v128.load(from), midLanes, perStepLanes),
      level(v128.load(from, 16), midLanes, perStepLanes),
    );
    const high = i16x8.narrow_i32x4_s(
      level(v128.load(from, 32), midLanes, perStepLanes),
      level(v128.load(from, 48), midLanes, perStepLanes),
    );
    v128.store(code + i, i8x16.narrow_i16x8_s(low, high));
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(low, ones), i32x4.dot_i16x8_s(high, ones)));
    squares = i32x4.add(squares, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
  }
  let sum = sumI32(sums);
  let sumSquares = sumI32(squares);
  for (; i < padded; i++) {
    const c = i < <usize>dimension ? levelOf(load<f32>(x + (i << 2)), mid, perStep) : 0;
    store<i8>(code + i, <i8>c);
    sum += c;
    sumSquares += c * c;
  }
  const factors = code + padded;
  store<f32>(factors, mid);
  store<f32>(factors, step, 4);
  store<f32>(factors, <f32>(<f64>step * <f64>sum), 8);
  store<f32>(factors, <f32>(<f64>step * <f64>step * <f64>sumSquares), 12);
}

function encodeInDimensions(x: usize, code: usize): void {
  let energy = f64x2.splat(0);
  let missed = f64x2.splat(0);
  let product = f64x2.splat(0);
  for (let i: usize = 0; i < padded; i += 4) {
    const at = i << 2;
    const components = lanesOf(x, i);
    const mid = v128.load(mids + at);
    const step = v128.load(steps + at);
    const c = level(components, mid, v128.load(inverses + at));
    const w = i16x8.narrow_i32x4_s(c, c);
    store<u32>(code + i, i32x4.extract_lane(i8x16.narrow_i16x8_s(w, w), 0));
    const above = f32x4.mul(step, f32x4.convert_i32x4_s(c));
    const meant = f32x4.add(mid, above);
    const off = f32x4.sub(components, meant);
    energy = addProducts(energy, above, above);
    missed = addProducts(missed, off, off);
    product = addProducts(product, mid, meant);
  }
  const factors = code + padded;
  store<f32>(factors, <f32>sumF64(energy));
  store<f32>(factors, <f32>(sqrt<f64>(sumF64(missed)) * (1 + 4 * EPS)), 4);
  store<f32>(factors, <f32>sumF64(product), 8);
  store<f32>(factors, 0, 12);
}

/** Four components from the `i`-th on, zeros beyond the last. */
function lanesOf(x: usize, i: usize): v128 {
  const left = dimension - <i32>i;
  const at = x + (i << 2);
  if (left >= 4) return v128.load(at);
  let lanes = f32x4.splat(0);
  if (left > 0) lanes = f32x4.replace_lane(lanes, 0, load<f32>(at));
  if (left > 1) lanes = f32x4.replace_lane(lanes, 1, load<f32>(at, 4));
  if (left > 2) lanes = f32x4.replace_lane(lanes, 2, load<f32>(at, 8));
  return lanes;
}

/** sums + Σ ab of four lanes in f64, where products of f32 values neither overflow nor vanish. */
function addProducts(sums: v128, a: v128, b: v128): v128 {
  const low = f64x2.mul(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
  return f64x2.add(sums, f64x2.add(low, f64x2.mul(promoteHigh(a), promoteHigh(b))));
}

function sumF64(a: v128): f64 {
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

/** The nearest of the levels −127 … 127 for each lane. */
function level(x: v128, mid: v128, perStep: v128): v128 {
  const exact = f32x4.mul(f32x4.sub(x, mid), perStep);
  const within = f32x4.pmax(f32x4.pmin(exact, f32x4.splat(MOST_LEVEL)), f32x4.splat(-MOST_LEVEL));
  return truncate(f32x4.nearest(within));
}

function levelOf(x: f32, mid: f32, perStep: f32): i32 {
  return <i32>nearest<f32>(max<f32>(min<f32>((x - mid) * perStep, MOST_LEVEL), -MOST_LEVEL));
}

/** The f32 vector that the code stands for. */
export function decodeSq8(code: usize, to: usize): void {
  if (form == VECTOR7) {
    decode(code, to, dimension);
    return;
  }
  const factors = code + padded;
  const trained = form == DIMENSION8;
  let mid = load<f32>(factors);
  let step = load<f32>(factors, 4);
  for (let i: usize = 0; i < <usize>dimension; i++) {
    if (trained) {
      mid = load<f32>(mids + (i << 2));
      step = load<f32>(steps + (i << 2));
    }
    store<f32>(to + (i << 2), mid + step * <f32>load<i8>(code + i));
  }
}

/** Makes the f32 vector at `x` the query. */
export function prepareSq8(x: usize): void {
  if (metric != MANHATTAN && form != DIMENSION8) {
    encodeSq8(x, room);
    prepareSq8Code(room);
    return;
  }
  memory.copy(floats, x, (<usize>dimension) << 2);
  queryNorm = sqrt<f64>(norm2(x, dimension));
  queryError = 0;
  if (metric != MANHATTAN) prepareWords();
}

/** Makes the stored code at `code` the query, which must stay where it is meanwhile. */
export function prepareSq8Code(code: usize): void {
  query = code;
  queryError = errorOf(code);
  queryNorm = normOf(code) + queryError;
  if (metric == MANHATTAN) decodeSq8(code, floats);
  else if (form == DIMENSION8) prepareRanged();
  else if (form == VECTOR8) prepareLevels();
}

/** Words of a code, in one pass: offset + slope · c, on a scale that no code of the model leaves. */
function prepareRanged(): void {
  const factors = query + padded;
  own = squared ? load<f32>(factors) : load<f32>(factors, 8);
  worth = worthOfCodes;
  for (let i: usize = 0; i < padded; i += 8) {
    const at = i << 2;
    const levels = v128.load_ext<i8>(query + i);
    const c0 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(levels));
    const c1 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(levels));
    const w0 = f32x4.add(v128.load(offsets + at), f32x4.mul(v128.load(slopes + at), c0));
    const w1 = f32x4.add(v128.load(offsets + at, 16), f32x4.mul(v128.load(slopes + at, 16), c1));
    const low = truncate(f32x4.nearest(w0));
    v128.store(words + (i << 1), i16x8.narrow_i32x4_s(low, truncate(f32x4.nearest(w1))));
  }
}

/** Four levels as floats. */
function levelsAt(code: usize): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(code))));
}

/** The query's levels in the form that the dot wants them. */
function prepareLevels(): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    let sums = i32x4.splat(0);
    for (let i: usize = 0; i < padded; i += 16) {
      const c = v128.load(query + i);
      const negative = i8x16.lt_s(c, i8x16.splat(0));
      const magnitude = i8x16.abs(c);
      v128.store(words + (i << 1), magnitude);
      v128.store(words + (i << 1), negative, 16);
      const those = v128.and(magnitude, negative);
      sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(those)));
    }
    flipped = sumI32(sums);
  } else {
    for (let i: usize = 0; i < padded; i += 8) v128.store(words + (i << 1), v128.load_ext<i8>(query + i));
  }
}

/** Of the floats that stand for the query: w, rounded to words as large as they may be, and what depends on them alone. */
function prepareWords(): void {
  memory.fill(floats + ((<usize>dimension) << 2), 0, (padded - <usize>dimension) << 2);
  let parts = f64x2.splat(0);
  let sums = f64x2.splat(0);
  let most = f32x4.splat(0);
  const bytes = padded << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const mid = v128.load(mids + i);
    const q = v128.load(floats + i);
    const t = squared ? f32x4.sub(q, mid) : q;
    const u = squared ? t : mid;
    parts = addProducts(parts, t, u);
    const w = f32x4.mul(v128.load(steps + i), t);
    v128.store(floats + i, w);
    const size = f32x4.abs(w);
    most = f32x4.max(most, size);
    sums = f64x2.add(sums, f64x2.promote_low_f32x4(size));
    sums = f64x2.add(sums, promoteHigh(size));
  }
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  const greatestW = max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
  const scale = scaleFor(<f64>greatestW, sumF64(sums));
  worth = worthOf(scale);
  own = <f32>sumF64(parts);
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < bytes; i += 32) {
    const low = truncate(f32x4.nearest(f32x4.mul(v128.load(floats + i), scales)));
    const high = truncate(f32x4.nearest(f32x4.mul(v128.load(floats + i, 16), scales)));
    v128.store(words + (i >> 1), i16x8.narrow_i32x4_s(low, high));
  }
}

/** By what w is multiplied for its words to be as large as they may be, given the largest |w| and the sum of all. */
function scaleFor(largest: f64, sum: f64): f32 {
  return sum > 0 ? <f32>min(min(MOST_WORD / largest, MOST_WORDS / sum), <f64>f32.MAX_VALUE) : 0;
}

function worthOf(scale: f32): f32 {
  return scale > 0 ? <f32>(1 / <f64>scale) : 0;
}

/** Distance from the query to the vector that the code stands for, in the metric's unit. */
export function sq8Distance(code: usize): f32 {
  if (metric == MANHATTAN) return manhattanTo(code);
  const factors = code + padded;
  if (form == DIMENSION8) {
    const product = worth * <f32>wordsDot(code);
    return squared ? share * max<f32>(own + load<f32>(factors) - 2 * product, 0) : -(own + product);
  }
  const integer = form == VECTOR7 ? codeDot(code, query, <i32>padded) : levelsDot(code);
  const fq = query + padded;
  return squared ? share * l2OfCodes(fq, factors, integer, dimension) : -dotOfCodes(fq, factors, integer, dimension);
}

/** Distances from the query to four codes; lane i belongs to the i-th. */
export function sq8Distancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (metric == MANHATTAN) {
    let lanes = f32x4.splat(manhattanTo(a));
    lanes = f32x4.replace_lane(lanes, 1, manhattanTo(b));
    lanes = f32x4.replace_lane(lanes, 2, manhattanTo(c));
    return f32x4.replace_lane(lanes, 3, manhattanTo(d));
  }
  const shares = f32x4.splat(share);
  if (form == DIMENSION8) {
    const product = f32x4.mul(f32x4.splat(worth), f32x4.convert_i32x4_s(wordsDotx4(a, b, c, d)));
    if (!squared) return f32x4.neg(f32x4.add(f32x4.splat(own), product));
    const ab = v128.shuffle<f32>(v128.load32_zero(a + padded), v128.load32_zero(b + padded), 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(v128.load32_zero(c + padded), v128.load32_zero(d + padded), 0, 4, 1, 5);
    const sums = f32x4.add(f32x4.splat(own), v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    return f32x4.mul(shares, f32x4.max(f32x4.sub(sums, f32x4.add(product, product)), f32x4.splat(0)));
  }
  const integers = form == VECTOR7 ? codeDotx4(query, a, b, c, d, <i32>padded) : levelsDotx4(a, b, c, d);
  const fq = query + padded;
  a += padded;
  b += padded;
  c += padded;
  d += padded;
  if (!squared) return f32x4.neg(dotOfCodesx4(fq, a, b, c, d, integers, dimension));
  return f32x4.mul(shares, l2OfCodesx4(fq, a, b, c, d, integers, dimension));
}

/** Σ cc' of two VECTOR8 codes. */
function levelsDot(code: usize): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return wordsDot(code);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  const ones = onesFor(dimension);
  const whole = padded & ~31;
  let q = words;
  let i: usize = 0;
  if (ASC_FEATURE_RELAXED_SIMD && fusedDot) {
    for (; i < whole; i += 32) {
      s0 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(code + i), v128.load(q, 16)), v128.load(q), s0);
      s1 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(code + i, 16), v128.load(q, 48)), v128.load(q, 32), s1);
      q += 64;
    }
  } else {
    for (; i < whole; i += 32) {
      s0 = dotAdd(v128.xor(v128.load(code + i), v128.load(q, 16)), v128.load(q), s0, ones);
      s1 = dotAdd(v128.xor(v128.load(code + i, 16), v128.load(q, 48)), v128.load(q, 32), s1, ones);
      q += 64;
    }
  }
  if (i < padded) s0 = dotAdd(v128.xor(v128.load(code + i), v128.load(q, 16)), v128.load(q), s0, ones);
  return flipped + sumI32(i32x4.add(s0, s1));
}

/**
 * The same of four codes, one per i32 lane. Called from two places, so it stays a function of its own: within a larger one V8 spills
 * registers in its loop.
 */
export function levelsDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return wordsDotx4(a, b, c, d);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const ones = onesFor(dimension);
  const end = padded;
  let q = words;
  if (ASC_FEATURE_RELAXED_SIMD && fusedDot) {
    for (let i: usize = 0; i < end; i += 16) {
      const magnitudes = v128.load(q);
      const flips = v128.load(q, 16);
      s0 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(a + i), flips), magnitudes, s0);
      s1 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(b + i), flips), magnitudes, s1);
      s2 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(c + i), flips), magnitudes, s2);
      s3 = v128.relaxed_dot_add<i32>(v128.xor(v128.load(d + i), flips), magnitudes, s3);
      q += 32;
    }
  } else {
    for (let i: usize = 0; i < end; i += 16) {
      const magnitudes = v128.load(q);
      const flips = v128.load(q, 16);
      s0 = dotAdd(v128.xor(v128.load(a + i), flips), magnitudes, s0, ones);
      s1 = dotAdd(v128.xor(v128.load(b + i), flips), magnitudes, s1, ones);
      s2 = dotAdd(v128.xor(v128.load(c + i), flips), magnitudes, s2, ones);
      s3 = dotAdd(v128.xor(v128.load(d + i), flips), magnitudes, s3, ones);
      q += 32;
    }
  }
  return i32x4.add(sumsI32(s0, s1, s2, s3), i32x4.splat(flipped));
}

/** Σ of the query's words times the levels of a code. */
function wordsDot(code: usize): i32 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  for (let i: usize = 0; i < padded; i += 16) {
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load_ext<i8>(code + i), v128.load(words + (i << 1))));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load_ext<i8>(code + i, 8), v128.load(words + (i << 1), 16)));
  }
  return sumI32(i32x4.add(s0, s1));
}

function wordsDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const q = words;
  const end = padded;
  for (let i: usize = 0; i < end; i += 8) {
    const x = v128.load(q + (i << 1));
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load_ext<i8>(a + i), x));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load_ext<i8>(b + i), x));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load_ext<i8>(c + i), x));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load_ext<i8>(d + i), x));
  }
  return sumsI32(s0, s1, s2, s3);
}

/** Manhattan distance between the query's floats and the vector that the code stands for. */
function manhattanTo(code: usize): f32 {
  if (form == VECTOR7) return manhattanToCode(floats, code, dimension);
  const factors = code + padded;
  const trained = form == DIMENSION8;
  const whole = <usize>(dimension & ~3);
  let mid = v128.load32_splat(factors);
  let step = v128.load32_splat(factors, 4);
  let sums = f32x4.splat(0);
  let i: usize = 0;
  for (; i < whole; i += 4) {
    const at = i << 2;
    if (trained) {
      mid = v128.load(mids + at);
      step = v128.load(steps + at);
    }
    const x = f32x4.add(mid, f32x4.mul(step, levelsAt(code + i)));
    sums = f32x4.add(sums, f32x4.abs(f32x4.sub(v128.load(floats + at), x)));
  }
  let sum = sumF32(sums);
  let mid1 = load<f32>(factors);
  let step1 = load<f32>(factors, 4);
  for (; i < <usize>dimension; i++) {
    const at = i << 2;
    if (trained) {
      mid1 = load<f32>(mids + at);
      step1 = load<f32>(steps + at);
    }
    sum += abs(load<f32>(floats + at) - (mid1 + step1 * <f32>load<i8>(code + i)));
  }
  return sum;
}

/**
 * What the distance to the code may be off, for certain, from the distance between the vectors that were meant: the one encoded
 * there and the query (where a code was prepared, the vector encoded in that). With e the sum of how far each of the two is from
 * what stands for it: | |q − x| − |q̂ − x̂| | ≤ e (triangle inequality), so squares differ by at most e (2 |q̂ − x̂| + e);
 * |⟨q, x⟩ − ⟨q̂, x̂⟩| ≤ |q| |x − x̂| + |q − q̂| |x̂| (Cauchy and Schwarz); sums of absolute values by √n e. To each is added
 * what the arithmetic rounds.
 */
export function sq8Bound(code: usize): f32 {
  return sq8BoundAt(code, squared ? sq8Distance(code) : 0);
}

/** The same where the distance is known already; only of squared ones it matters. */
export function sq8BoundAt(code: usize, known: f32): f32 {
  const n = <f64>dimension;
  const error = errorOf(code);
  // Under cosine the vectors meant are of length 1 exactly, and those taken in were rounded to f32.
  const e = error + queryError + (metric == COSINE ? 4 * EPS : 0);
  const length = normOf(code);
  // Everything is made of components that the vectors have; a sum of n products in f32 is off by n roundings at the most.
  if (metric == MANHATTAN) {
    const sizes = sqrt<f64>(n) * (length + queryNorm + e);
    return <f32>((sqrt<f64>(n) * e + (n / 4 + 16) * EPS * sizes + n * FLOOR) * (1 + 4 * EPS));
  }
  let rounded = n * FLOOR;
  if (form == DIMENSION8) {
    // A word is off by half, and by what its f32 product was rounded; levels go to 127.
    rounded += n * 65 * <f64>worth * (squared ? 2 : 1);
    rounded += 32 * EPS * (squared ? <f64>own + <f64>load<f32>(code + padded) : queryNorm * length);
  } else {
    const fq = query + padded;
    const fx = code + padded;
    const mid = abs<f64>(<f64>load<f32>(fx));
    const queryMid = abs<f64>(<f64>load<f32>(fq));
    const sum = abs<f64>(<f64>load<f32>(fx, 8));
    const querySum = abs<f64>(<f64>load<f32>(fq, 8));
    const squares = <f64>load<f32>(fx, 12) + <f64>load<f32>(fq, 12);
    const apart = abs<f64>(<f64>load<f32>(fx) - <f64>load<f32>(fq));
    const sizes = squared
      ? apart * (n * apart + 2 * (sum + querySum)) + 2 * squares
      : mid * (n * queryMid + querySum) + queryMid * sum + squares;
    rounded += 16 * EPS * sizes;
  }
  const distance = <f64>known / <f64>share;
  const bound = squared
    ? <f64>share * (e * (2 * sqrt<f64>(distance + rounded) + e) + rounded)
    : queryNorm * error + queryError * (length + error) + rounded;
  return <f32>(bound * (1 + 4 * EPS));
}

/** At least |x − x̂| of the vector encoded: half a step a component where each is in its range, and what encoding rounds. */
function errorOf(code: usize): f64 {
  const factors = code + padded;
  const second = <f64>load<f32>(factors, 4);
  const n = <f64>dimension;
  if (form == DIMENSION8) return second + 4 * EPS * normOf(code) + sqrt<f64>(n) * FLOOR;
  const size = abs<f64>(<f64>load<f32>(factors)) + 127 * second;
  return sqrt<f64>(n) * (second * 0.5 + 16 * EPS * size + FLOOR);
}

/** At least |x̂|. */
function normOf(code: usize): f64 {
  const factors = code + padded;
  if (form == DIMENSION8) return midsNorm + sqrt<f64>(<f64>load<f32>(factors)) * (1 + 4 * EPS);
  const n = <f64>dimension;
  const base = <f64>load<f32>(factors);
  const sum = <f64>load<f32>(factors, 8);
  const squares = <f64>load<f32>(factors, 12);
  const sizes = n * base * base + 2 * abs<f64>(base * sum) + squares;
  return sqrt<f64>(max<f64>(n * base * base + 2 * base * sum + squares, 0) + 4 * EPS * sizes);
}

/** Distances from the query to `count` codes one behind the other, written as f32 to `out`, which has room for three more. */
export function sq8DistancesInto(codes: usize, count: i32, out: usize): void {
  const bytes = padded + 16;
  for (let i = 0; i < count; i += 4) {
    const a = codes + <usize>i * bytes;
    const b = i + 1 < count ? a + bytes : a;
    const c = i + 2 < count ? a + 2 * bytes : a;
    const d = i + 3 < count ? a + 3 * bytes : a;
    v128.store(out + ((<usize>i) << 2), sq8Distancex4(a, b, c, d));
  }
}

/** The bounds that belong to them. */
export function sq8BoundsInto(codes: usize, count: i32, out: usize): void {
  const bytes = padded + 16;
  for (let i = 0; i < count; i++) store<f32>(out + ((<usize>i) << 2), sq8Bound(codes + <usize>i * bytes));
}
