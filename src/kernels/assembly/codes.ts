/**
 * 7-bit scalar codes: x ≈ lo + step · c with c in 0 … 127, range and step of each vector its own. Seven bits because the
 * relaxed integer dot wants its second operand there, and because 127 · 127 · 2 stays below 2¹⁵ on machines whose
 * instruction adds pairs in 16 bits. Integers are exact: relaxed and baseline builds give the same distances.
 *
 * One code: `codeBytes(n)` bytes of codes, zero-padded to 16, then 16 bytes of factors: lo, step, step · Σc, step² · Σc².
 *
 * With d = lo − lo', |x − x'|² = n d² + 2 d (step Σc − step' Σc') + step² Σc² + step'² Σc'² − 2 step step' Σcc'. Unlike
 * |x|² + |x'|² − 2⟨x, x'⟩ this does not cancel where vectors lie far from the origin and near each other.
 */
import { multiplyAdd, sumI32, sumsF32, sumsI32, truncate } from './simd';

/**
 * Whether relaxed_dot_add is one machine instruction (AVX-VNNI, ARM dotprod). Elsewhere V8 spends five on it, two of them on
 * making ones, and the same work written out with the ones kept in a register costs three. Seen from within by saturation:
 * only the old pair-wise instruction clips 127 · 255 · 2 to 2^15 - 1.
 */
export const fusedDot: bool = ASC_FEATURE_RELAXED_SIMD
  ? i32x4.extract_lane(v128.relaxed_dot_add<i32>(i8x16.splat(127), i8x16.splat(-1), i32x4.splat(0)), 0) != 65534
  : false;

export function codeBytes(n: i32): i32 {
  return (n + 15) & ~15;
}

/** Encodes the f32 vector at `from`, rounding to the nearest of 128 levels between its least and its greatest component. */
export function encode(from: usize, to: usize, n: i32): void {
  const bytes = (<usize>n) << 2;
  const whole = (<usize>(n & ~15)) << 2;
  findRange(from, n);
  const lo = least;
  const hi = greatest;
  const step = (hi - lo) / 127;
  const perStep: f32 = step > 0 ? min<f32>(127 / (hi - lo), f32.MAX_VALUE) : 0;
  const los = f32x4.splat(lo);
  const scales = f32x4.splat(perStep);
  const ones = i16x8.splat(1);
  let sums = i32x4.splat(0);
  let squares = i32x4.splat(0);
  let i: usize = 0;
  for (; i < whole; i += 64) {
    const low = i16x8.narrow_i32x4_s(level(from + i, los, scales), level(from + i + 16, los, scales));
    const high = i16x8.narrow_i32x4_s(level(from + i + 32, los, scales), level(from + i + 48, los, scales));
    v128.store(to + (i >> 2), i8x16.narrow_i16x8_u(low, high));
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(low, ones), i32x4.dot_i16x8_s(high, ones)));
    squares = i32x4.add(squares, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
  }
  let sum = sumI32(sums);
  let sumSquares = sumI32(squares);
  for (; i < bytes; i += 4) {
    const c = min(<i32>((load<f32>(from + i) - lo) * perStep + 0.5), 127);
    store<u8>(to + (i >> 2), <u8>c);
    sum += c;
    sumSquares += c * c;
  }
  const padded = codeBytes(n);
  for (let j = n; j < padded; j++) store<u8>(to + j, 0);
  const factors = to + padded;
  store<f32>(factors, lo);
  store<f32>(factors, step, 4);
  store<f32>(factors, <f32>(<f64>step * <f64>sum), 8);
  store<f32>(factors, <f32>(<f64>step * <f64>step * <f64>sumSquares), 12);
}

/** The least and the greatest component that `findRange` found. */
export let least: f32 = 0;
export let greatest: f32 = 0;

/** Finds the least and the greatest of the `n` floats at `from`. */
export function findRange(from: usize, n: i32): void {
  const bytes = (<usize>n) << 2;
  const whole = bytes & ~15;
  let low = v128.load32_splat(from);
  let high = low;
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const x = v128.load(from + i);
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
  }
  for (; i < bytes; i += 4) {
    const x = v128.load32_splat(from + i);
    low = f32x4.pmin(low, x);
    high = f32x4.pmax(high, x);
  }
  low = f32x4.pmin(low, v128.shuffle<f32>(low, low, 2, 3, 0, 1));
  high = f32x4.pmax(high, v128.shuffle<f32>(high, high, 2, 3, 0, 1));
  least = min<f32>(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1));
  greatest = max<f32>(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1));
}

/** Four components as levels 0 … 127. */
function level(from: usize, los: v128, scales: v128): v128 {
  const x = f32x4.mul(f32x4.sub(v128.load(from), los), scales);
  return i32x4.min_s(truncate(f32x4.add(x, f32x4.splat(0.5))), i32x4.splat(127));
}

/** The f32 vector that the code stands for. */
export function decode(code: usize, to: usize, n: i32): void {
  const factors = code + codeBytes(n);
  const lo = load<f32>(factors);
  const step = load<f32>(factors, 4);
  for (let i = 0; i < n; i++) store<f32>(to + ((<usize>i) << 2), lo + step * <f32>load<u8>(code + i));
}

/** Σ a·b over `n` bytes in 0 … 127; `n` a multiple of 16. */
export function codeDot(a: usize, b: usize, n: i32): i32 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const end64 = a + <usize>(n & ~63);
  const end = a + <usize>n;
  const ones = onesFor(n);
  if (ASC_FEATURE_RELAXED_SIMD && fusedDot) {
    while (a < end64) {
      s0 = v128.relaxed_dot_add<i32>(v128.load(a), v128.load(b), s0);
      s1 = v128.relaxed_dot_add<i32>(v128.load(a, 16), v128.load(b, 16), s1);
      s2 = v128.relaxed_dot_add<i32>(v128.load(a, 32), v128.load(b, 32), s2);
      s3 = v128.relaxed_dot_add<i32>(v128.load(a, 48), v128.load(b, 48), s3);
      a += 64;
      b += 64;
    }
  } else {
    while (a < end64) {
      s0 = dotAdd(v128.load(a), v128.load(b), s0, ones);
      s1 = dotAdd(v128.load(a, 16), v128.load(b, 16), s1, ones);
      s2 = dotAdd(v128.load(a, 32), v128.load(b, 32), s2, ones);
      s3 = dotAdd(v128.load(a, 48), v128.load(b, 48), s3, ones);
      a += 64;
      b += 64;
    }
  }
  while (a < end) {
    s0 = dotAdd(v128.load(a), v128.load(b), s0, ones);
    a += 16;
    b += 16;
  }
  return sumI32(i32x4.add(i32x4.add(s0, s1), i32x4.add(s2, s3)));
}

/** `codeDot` of `q` with four codes, one per i32 lane. */
export function codeDotx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  const end = <usize>n;
  let i: usize = 0;
  const ones = onesFor(n);
  if (ASC_FEATURE_RELAXED_SIMD && fusedDot) {
    while (i < end) {
      const x = v128.load(q + i);
      s0 = v128.relaxed_dot_add<i32>(v128.load(a + i), x, s0);
      s1 = v128.relaxed_dot_add<i32>(v128.load(b + i), x, s1);
      s2 = v128.relaxed_dot_add<i32>(v128.load(c + i), x, s2);
      s3 = v128.relaxed_dot_add<i32>(v128.load(d + i), x, s3);
      i += 16;
    }
  } else {
    while (i < end) {
      const x = v128.load(q + i);
      s0 = dotAdd(v128.load(a + i), x, s0, ones);
      s1 = dotAdd(v128.load(b + i), x, s1, ones);
      s2 = dotAdd(v128.load(c + i), x, s2, ones);
      s3 = dotAdd(v128.load(d + i), x, s3, ones);
      i += 16;
    }
  }
  return sumsI32(s0, s1, s2, s3);
}

/** Sixteen-bit ones that the compiler cannot see through: a constant it would make anew in every round of the loop. */
export function onesFor(n: i32): v128 {
  return i16x8.splat(<i16>(n > 0));
}

/** sum + the dots of a and b over groups of four bytes, one i32 lane each; pairs stay below 2^15, so 16 bits hold them. */
export function dotAdd(a: v128, b: v128, sum: v128, ones: v128): v128 {
  const pairs = ASC_FEATURE_RELAXED_SIMD
    ? v128.relaxed_dot<i16>(a, b)
    : i16x8.add(i16x8.extmul_low_i8x16_s(a, b), i16x8.extmul_high_i8x16_s(a, b));
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, ones));
}

/** Inner product of the two vectors with factors `fa` and `fb`, from the integer dot of their codes. */
export function dotOfCodes(fa: usize, fb: usize, integerDot: i32, n: i32): f32 {
  const lo = load<f32>(fa);
  return (
    load<f32>(fb) * (<f32>n * lo + load<f32>(fa, 8)) +
    lo * load<f32>(fb, 8) +
    load<f32>(fa, 4) * load<f32>(fb, 4) * <f32>integerDot
  );
}

/** Squared L2 distance of the two vectors with factors `fa` and `fb`, from the integer dot of their codes. */
export function l2OfCodes(fa: usize, fb: usize, integerDot: i32, n: i32): f32 {
  const apart = load<f32>(fa) - load<f32>(fb);
  const sums = load<f32>(fa, 8) - load<f32>(fb, 8);
  const product = load<f32>(fa, 4) * load<f32>(fb, 4) * <f32>integerDot;
  const squares = load<f32>(fa, 12) + load<f32>(fb, 12);
  return max<f32>(apart * (<f32>n * apart + 2 * sums) + (squares - 2 * product), 0);
}

/** `dotOfCodes` of the vector with factors `fq` and four others, from their integer dots; lane i belongs to the i-th. */
export function dotOfCodesx4(fq: usize, fa: usize, fb: usize, fc: usize, fd: usize, integerDots: v128, n: i32): v128 {
  transposeFactors(fa, fb, fc, fd);
  const ofCodes = f32x4.mul(f32x4.mul(stepLanes, f32x4.convert_i32x4_s(integerDots)), v128.load32_splat(fq, 4));
  const offset = <f32>n * load<f32>(fq) + load<f32>(fq, 8);
  return f32x4.add(
    f32x4.add(f32x4.mul(loLanes, f32x4.splat(offset)), f32x4.mul(sumLanes, v128.load32_splat(fq))),
    ofCodes,
  );
}

/** `l2OfCodes` in the same way. */
export function l2OfCodesx4(fq: usize, fa: usize, fb: usize, fc: usize, fd: usize, integerDots: v128, n: i32): v128 {
  transposeFactors(fa, fb, fc, fd);
  const ofCodes = f32x4.mul(f32x4.mul(stepLanes, f32x4.convert_i32x4_s(integerDots)), v128.load32_splat(fq, 4));
  const squares = f32x4.add(squareLanes, v128.load32_splat(fq, 12));
  const apart = f32x4.sub(loLanes, v128.load32_splat(fq));
  const between = f32x4.sub(sumLanes, v128.load32_splat(fq, 8));
  const offset = f32x4.add(f32x4.mul(apart, f32x4.splat(<f32>n)), f32x4.add(between, between));
  const within = f32x4.sub(squares, f32x4.add(ofCodes, ofCodes));
  return f32x4.max(f32x4.add(f32x4.mul(apart, offset), within), f32x4.splat(0));
}

/** Four rows of factors, transposed. */
let loLanes: v128 = i32x4.splat(0);
let stepLanes: v128 = i32x4.splat(0);
let sumLanes: v128 = i32x4.splat(0);
let squareLanes: v128 = i32x4.splat(0);

function transposeFactors(a: usize, b: usize, c: usize, d: usize): void {
  const fa = v128.load(a);
  const fb = v128.load(b);
  const fc = v128.load(c);
  const fd = v128.load(d);
  const ab01 = v128.shuffle<f32>(fa, fb, 0, 4, 1, 5);
  const cd01 = v128.shuffle<f32>(fc, fd, 0, 4, 1, 5);
  const ab23 = v128.shuffle<f32>(fa, fb, 2, 6, 3, 7);
  const cd23 = v128.shuffle<f32>(fc, fd, 2, 6, 3, 7);
  loLanes = v128.shuffle<f32>(ab01, cd01, 0, 1, 4, 5);
  stepLanes = v128.shuffle<f32>(ab01, cd01, 2, 3, 6, 7);
  sumLanes = v128.shuffle<f32>(ab23, cd23, 0, 1, 4, 5);
  squareLanes = v128.shuffle<f32>(ab23, cd23, 2, 3, 6, 7);
}

/** Manhattan distance between the f32 vector `q` and the vector that `code` stands for. */
export function manhattanToCode(q: usize, code: usize, n: i32): f32 {
  const factors = code + codeBytes(n);
  const lo = v128.load32_splat(factors);
  const step = v128.load32_splat(factors, 4);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  const end8 = code + <usize>(n & ~7);
  const end = code + <usize>n;
  while (code < end8) {
    const w = v128.load_ext<u8>(code);
    const x0 = multiplyAdd(step, f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(w)), lo);
    const x1 = multiplyAdd(step, f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(w)), lo);
    s0 = f32x4.add(s0, f32x4.abs(f32x4.sub(v128.load(q), x0)));
    s1 = f32x4.add(s1, f32x4.abs(f32x4.sub(v128.load(q, 16), x1)));
    code += 8;
    q += 32;
  }
  const s = f32x4.add(s0, s1);
  let sum = f32x4.extract_lane(sumsF32(s, s, s, s), 0);
  const lo1 = load<f32>(factors);
  const step1 = load<f32>(factors, 4);
  while (code < end) {
    sum += abs(load<f32>(q) - (lo1 + step1 * <f32>load<u8>(code)));
    code += 1;
    q += 4;
  }
  return sum;
}
