/**
 * Vectors whose components are all integers 0 … 255, as images and many public sets have them, kept as bytes: a code that is
 * exact. Their distances are integers, summed exactly (the greatest, Σ of 4096 products of 255 · 255, is far below 2³¹) and
 * rounded once, to f32.
 *
 * One record: the bytes, zero-padded to a multiple of 16, then |x|² as an i32 (in the room of a 7-bit code's factors).
 */
import { sumI32, sumsI32 } from './simd';

/**
 * Writes the `n` floats at `from` as a record, if every one of them is an integer 0 … 255; returns whether it was so. Where it
 * was not, what is written means nothing.
 */
export function narrow(from: usize, to: usize, n: i32): bool {
  let outside = i32x4.splat(0);
  let squares = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const x = v128.load(from + ((<usize>i) << 2));
    const bytes = v128.and(i32x4.trunc_sat_f32x4_s(x), i32x4.splat(255));
    outside = v128.or(outside, v128.not(f32x4.eq(f32x4.convert_i32x4_s(bytes), x)));
    squares = i32x4.add(squares, i32x4.mul(bytes, bytes));
    const words = i16x8.narrow_i32x4_u(bytes, bytes);
    store<u32>(to + i, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
  }
  let exact = !v128.any_true(outside);
  let norm2 = sumI32(squares);
  for (; i < n; i++) {
    const x = load<f32>(from + ((<usize>i) << 2));
    const byte = <u8>min(max(x, 0), 255);
    exact = exact && <f32>byte == x;
    norm2 += <i32>byte * <i32>byte;
    store<u8>(to + i, byte);
  }
  for (; i & 15; i++) store<u8>(to + i, 0);
  store<i32>(to + i, norm2);
  return exact;
}

/** Writes the `n` bytes at `from` as floats; `to` has room for `n` rounded up to a multiple of 16. */
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

/**
 * Inner products of the bytes of the record at `q` with those of four; integers, one per lane. Eight bytes are widened as they are
 * loaded, which costs no more than loading words, so that any record can be the query as it lies.
 */
export function bytesDotx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let sa = i32x4.splat(0);
  let sb = i32x4.splat(0);
  let sc = i32x4.splat(0);
  let sd = i32x4.splat(0);
  const end = <usize>n;
  for (let i: usize = 0; i < end; i += 16) {
    const low = v128.load_ext<u8>(q + i);
    const high = v128.load_ext<u8>(q + i, 8);
    sa = i32x4.add(sa, products(low, high, a + i));
    sb = i32x4.add(sb, products(low, high, b + i));
    sc = i32x4.add(sc, products(low, high, c + i));
    sd = i32x4.add(sd, products(low, high, d + i));
  }
  return sumsI32(sa, sb, sc, sd);
}

/** Of the query's sixteen components, as words, with the sixteen bytes at `at`: four sums. */
function products(low: v128, high: v128, at: usize): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(low, v128.load_ext<u8>(at)), i32x4.dot_i16x8_s(high, v128.load_ext<u8>(at, 8)));
}

/** Manhattan distances from the bytes of the record at `q` to those of four; integers, one per lane. */
export function bytesManhattanx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let sa = i32x4.splat(0);
  let sb = i32x4.splat(0);
  let sc = i32x4.splat(0);
  let sd = i32x4.splat(0);
  const end = <usize>n;
  for (let i: usize = 0; i < end; i += 16) {
    const x = v128.load(q + i);
    sa = i32x4.add(sa, apart(x, v128.load(a + i)));
    sb = i32x4.add(sb, apart(x, v128.load(b + i)));
    sc = i32x4.add(sc, apart(x, v128.load(c + i)));
    sd = i32x4.add(sd, apart(x, v128.load(d + i)));
  }
  return sumsI32(sa, sb, sc, sd);
}

/** Σ |x − y| of sixteen bytes, in four parts. */
function apart(x: v128, y: v128): v128 {
  const differences = v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x));
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(differences));
}
