/**
 * Vectors whose components are all integers 0 … 255, as images and many public sets have them: kept as bytes they are still
 * exact, and take a quarter of the memory and of the cache misses of f32.
 */

import { sumsI32 } from './simd';

/**
 * Writes the `n` floats at `from` as bytes, padded with zeros to a multiple of 16, if every one of them is an integer
 * 0 … 255; returns whether it was so.
 */
export function narrow(from: usize, to: usize, n: i32): bool {
  let outside = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const x = v128.load(from + ((<usize>i) << 2));
    const whole = i32x4.trunc_sat_f32x4_s(x);
    const bytes = v128.and(whole, i32x4.splat(255));
    outside = v128.or(outside, v128.not(f32x4.eq(f32x4.convert_i32x4_s(bytes), x)));
    const words = i16x8.narrow_i32x4_u(bytes, bytes);
    store<u32>(to + i, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
  }
  let exact = !v128.any_true(outside);
  for (; i < n; i++) {
    const x = load<f32>(from + ((<usize>i) << 2));
    const byte = <u8>min(max(x, 0), 255);
    exact = exact && <f32>byte == x;
    store<u8>(to + i, byte);
  }
  for (; i & 15; i++) store<u8>(to + i, 0);
  return exact;
}

/** Writes the bytes at `from` as floats. Both places have room for `n` rounded up to a multiple of 16. */
export function widen(from: usize, to: usize, n: i32): void {
  const end = from + <usize>n;
  while (from < end) {
    const bytes = v128.load(from);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low)));
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low)), 16);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high)), 32);
    v128.store(to, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high)), 48);
    from += 16;
    to += 64;
  }
}

/** Squared L2 distances from the bytes at `q` to four rows of bytes, all padded with zeros to a multiple of 16; exact integers. */
export function bytesL2x4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let sa = i32x4.splat(0);
  let sb = i32x4.splat(0);
  let sc = i32x4.splat(0);
  let sd = i32x4.splat(0);
  const end = <usize>n;
  for (let i: usize = 0; i < end; i += 16) {
    const x = v128.load(q + i);
    sa = i32x4.add(sa, squaredDifferences(x, v128.load(a + i)));
    sb = i32x4.add(sb, squaredDifferences(x, v128.load(b + i)));
    sc = i32x4.add(sc, squaredDifferences(x, v128.load(c + i)));
    sd = i32x4.add(sd, squaredDifferences(x, v128.load(d + i)));
  }
  return sumsI32(sa, sb, sc, sd);
}

function squaredDifferences(x: v128, y: v128): v128 {
  const apart = v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x));
  const low = i16x8.extend_low_i8x16_u(apart);
  const high = i16x8.extend_high_i8x16_u(apart);
  return i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high));
}
