/**
 * The levels of RaBitQ codes: how integers of 1 … 8 bits lie in memory, and their inner products with a query of integers.
 *
 * R is the dimension rounded up to a multiple of 64. A code has 16 bytes of factors before its levels:
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
 * Nibbles: byte j of 16 has dimension j of its 32 in the low half and 16 + j in the high one. Crumbs: byte j of 16 has
 * dimensions j, 16 + j, 32 + j, 48 + j of its 64, from the low bits up. Single bits behind others: the low half of byte j of 8
 * has dimensions 2 j, 16 + 2 j, 32 + 2 j, 48 + 2 j of its 64, the high one those behind them.
 */
import { fusedDot } from './codes';
import { sumI32, sumsI32 } from './simd';

/** Of a query for one-bit codes, which is kept in four planes of bits, word by word interleaved: odd levels −15 … 15. */
export const PLANE_LEVELS: i32 = 15;

let bits: i32 = 0;
let rotated: i32 = 0;
/** Scratch: R levels, one to a byte. */
let levels: usize = 0;
/** Scratch: the query's integers: R signed bytes, for 8 bits R words, for one bit planes. */
let query: usize = 0;

export function configureLevels(bits_: i32, rotated_: i32, levels_: usize, query_: usize): void {
  bits = bits_;
  rotated = rotated_;
  levels = levels_;
  query = query_;
}

/** Writes `levels` as they are stored. */
export function pack(payload: usize): void {
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

/** Reads stored levels into `levels`. */
export function unpack(payload: usize): void {
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
export function levelDot(payload: usize): i32 {
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
export function levelDotx4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (bits == 1) return signDotx4(a, b, c, d);
  if (bits == 8) return wordDotx4(a, b, c, d);
  if (bits == 4) {
    // Only these: the compiler would take twice its time for all.
    if (ASC_FEATURE_RELAXED_SIMD && fusedDot) return Levels.dotx4(4, true, a, b, c, d);
    return nibbleDotx4(a, b, c, d);
  }
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
 * Four bits, the case that matters most: 128 dimensions are added up in 16 bits (eight times 15 · 127 · 2 is below 2^15) before
 * they are widened, and addresses are taken once for as many.
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
 * One bit: with the signs w = ±1 of a code and the odd levels v = Σ 2^j (±1) of the query, Σ w · v = 15 R − 2 Σ 2^j hamming(w,
 * plane j). This gives half of it without 15 R, which `querySum` has.
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
 * What is compiled into its callers, once for each number of bits: `B`, `k` and `fused` are constants wherever these are
 * called, so that nothing of them is left to decide in a loop.
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

  /**
   * Which bits of a lane are the first part's and which the second's. Variables: constants V8 would make anew in every round.
   */
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

  /**
   * Bits to the left, and what is wanted of each byte: bits that cross from byte to byte, x86 having no shift of bytes, are
   * not.
   */
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

  /**
   * `sum` and the products of 64 dimensions: of the query's bytes at `v` with the levels whose parts are at `first` and
   * `second`.
   */
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
