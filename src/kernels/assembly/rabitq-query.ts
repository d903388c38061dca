/**
 * The query of RaBitQ codes as integers v, in the form that `rabitq-levels.ts` multiplies levels with: planes of four bits for
 * one-bit codes, words for those of eight bits, else signed bytes. From the rotated query in the buffer, which was scaled so that
 * one is a step, or from a stored code, whose grid point they are.
 */
import {
  bits,
  buffer,
  greatestOfBuffer,
  levels,
  normalStep,
  productsWith,
  rotated,
  scaleBuffer,
  topLevel,
} from './rabitq-codes';
import { PLANE_LEVELS, unpack } from './rabitq-levels';
import { sumF64, sumI32, truncate } from './simd';

/**
 * Greatest component of the query: for 2 … 7 bits one byte; for 8, where bytes are widened anyway, such that no sum leaves i32.
 */
const MOST_IN_BYTE: f32 = 127;
const MOST_IN_WORD: f32 = 2047;
/** Bits of a component of a query for one-bit codes, as in the paper of 2024. */
const PLANES: i32 = 4;

/** Scratch: the integers. */
let query: usize = 0;

/** Of the query just rounded: Σ v, Σ v², and Σ v · x over the buffer as it was scaled. */
export let roundedSum: i32 = 0;
export let roundedSquares: i64 = 0;
export let roundedDot: f64 = 0;

export function configureRabitqQuery(query_: usize): void {
  query = query_;
}

/** Of the rotated query in the buffer, of length `norm`; returns what 1 is worth. */
export function roundToIntegers(norm: f64): f64 {
  if (bits == 1) {
    const root = sqrt<f64>(<f64>rotated);
    const halfStep = (<f64>normalStep(PLANES) * norm) / root / 2;
    scaleBuffer(<f32>(0.5 / halfStep));
    roundToPlanes();
    return 2 * halfStep;
  }
  const most = bits == 8 ? MOST_IN_WORD : MOST_IN_BYTE;
  const greatest = greatestOfBuffer();
  scaleBuffer(most / greatest);
  if (bits == 8) roundToWords();
  else roundToBytes();
  return <f64>greatest / <f64>most;
}

/** Zeros, of a query that is the mean. */
export function clearIntegers(): void {
  memory.fill(query, 0, bits == 1 ? <usize>rotated >> 1 : (<usize>rotated) << 1);
}

/** Of a stored code: v = 2u − (2^B − 1); for one bit 15 and −15. */
export function integersOfCode(payload: usize): void {
  if (bits == 1) {
    planesOfCode(payload);
    return;
  }
  unpack(payload);
  if (bits == 8) wordsOfLevels();
  else bytesOfLevels();
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
  roundedDot = sumF64(products);
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
  roundedDot = sumF64(products);
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
  roundedDot = sumF64(products);
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

function writePlanes(i: i32, p0: u64, p1: u64, p2: u64, p3: u64): void {
  const to = query + (<usize>i >> 1);
  store<u64>(to, p0);
  store<u64>(to, p1, 8);
  store<u64>(to, p2, 16);
  store<u64>(to, p3, 24);
}
