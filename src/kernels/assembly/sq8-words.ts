/**
 * The query of 8-bit scalar codes as integers, and their inner products with levels, which are exact in both builds.
 *
 * Between two VECTOR8 codes that is Σ cc'. 255 levels and not 256, so that c and its negative fit into a signed byte and |c| into the
 * seven bits that relaxed_dot wants of its second operand. Σ cc' = Σ (c ⊻ m)|c'| + Σ |c'| over c' < 0, where m has all bits set for
 * c' < 0 and none else: −c is ~c + 1. So a distance costs one xor more than with 7 bits. The baseline build has the query as
 * 16-bit words instead.
 *
 * In ranges of dimensions it is Σ w c, with w = step · t of the query rounded to 16 bits, on a scale that makes them as large as
 * they may be.
 */
import { dotAdd, fusedDot, onesFor } from './codes';
import { addProducts, promoteHigh, sumF64, sumI32, sumsI32, truncate } from './simd';
import { DIMENSION8, dimension, form, MOST_LEVEL, mids, padded, steps } from './sq8-codes';

const MOST_WORD: f64 = 32767;
/** The most that Σ |word| may be for Σ |word| · 127 to stay below 2^31, less what rounding may add to 4096 of them. */
const MOST_WORDS: f64 = 16_800_000;

/** Whether distances are squared ones. */
let squared: bool = true;
/** Scratch: the query's words or its flips and magnitudes. */
let words: usize = 0;
/** Of a query that is a code in the ranges of dimensions: its words are offset + slope · c. In scratch, as the model says. */
let offsets: usize = 0;
let slopes: usize = 0;
let worthOfCodes: f32 = 0;

/** Σ |c'| over c' < 0. */
let flipped: i32 = 0;
/** What of the distance depends on the query alone, and what the integer dot is worth (DIMENSION8). */
export let own: f32 = 0;
export let worth: f32 = 0;

/** `scratch`: 10 · codeBytes(n) bytes. */
export function configureWords(squared_: bool, scratch: usize): void {
  squared = squared_;
  words = scratch;
  offsets = words + (padded << 1);
  slopes = offsets + (padded << 2);
  if (form == DIMENSION8) prepareRanges();
}

/** How words are made of levels: w of a code is step · (mid + step · c), without the mid where distances are squared. */
function prepareRanges(): void {
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

function offsetAt(i: usize): f64 {
  return squared ? 0 : <f64>load<f32>(mids + i) * <f64>load<f32>(steps + i);
}

function slopeAt(i: usize): f64 {
  return <f64>load<f32>(steps + i) * <f64>load<f32>(steps + i);
}

/** Of the floats that stand for the query: w, rounded to words as large as they may be, and what depends on them alone. */
export function prepareWords(floats: usize): void {
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

/** Words of a code, in one pass: offset + slope · c, on a scale that no code of the model leaves. */
export function prepareRanged(query: usize): void {
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

/** The query's levels in the form that the dot wants them. */
export function prepareLevels(query: usize): void {
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

/** Σ of the query's words times the levels of a code. */
export function wordsDot(code: usize): i32 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  for (let i: usize = 0; i < padded; i += 16) {
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load_ext<i8>(code + i), v128.load(words + (i << 1))));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load_ext<i8>(code + i, 8), v128.load(words + (i << 1), 16)));
  }
  return sumI32(i32x4.add(s0, s1));
}

export function wordsDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
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

/** Σ cc' of two VECTOR8 codes. */
export function levelsDot(code: usize): i32 {
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
