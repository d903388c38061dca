/**
 * Asymmetric distances (ADC; Jégou et al. 2011, section III-A): a float query has a table of its distances to all centroids of
 * every subspace, so that a distance is one look-up a byte. Codes of 4 bits are looked up two at a time, in tables of pairs, so
 * one byte is one look-up there too.
 *
 * With coarse centroids, |q − c − r̂|² = |q − c|² − 2 ⟨q, r̂⟩ + (|r̂|² + 2 ⟨c, r̂⟩): the tables need not know c, the code
 * holds the last part, and |q − c|² is taken when the first code with that centroid is met.
 */
import { l2 } from './distance';
import { L2 } from './metrics';
import { productsTo, squaresTo } from './product-codebooks';
import {
  bits,
  centroids,
  coarse,
  coarseDistances,
  coarseNumber,
  columnsOf,
  errorAt,
  halves,
  K,
  lookups,
  m,
  metric,
  pointBytes,
  query,
  strideBytes,
  TABLE_BYTES,
  tables,
} from './product-model';
import { multiplyAdd, sumF32 } from './simd';

/** A coarse distance that has not been taken yet: a NaN that no arithmetic makes. */
const UNKNOWN: i32 = -1;

/** Fills the tables of the point that `query` holds. */
export function fillTables(): void {
  const to = bits == 8 ? tables : halves;
  const tableBytes = (<usize>K) << 2;
  const factor: f32 = metric == L2 ? -2 : -1;
  for (let j = 0; j < m; j++) {
    const from = query + <usize>j * strideBytes;
    const table = to + <usize>j * tableBytes;
    if (metric == L2 && centroids == 0) squaresTo(from, columnsOf(j), table);
    else productsTo(from, columnsOf(j), factor, table);
  }
  if (bits == 4) pairTables();
  if (centroids > 0) memory.fill(coarseDistances, 0xff, (<usize>centroids) << 2);
}

/** Makes of each two tables of sixteen entries one of all their sums, for a whole byte; where m is odd the last has one. */
function pairTables(): void {
  if (m & 1) memory.fill(halves + ((<usize>m) << 6), 0, 64);
  for (let b = 0; b < lookups; b++) {
    const low = halves + ((<usize>b) << 7);
    const x0 = v128.load(low);
    const x1 = v128.load(low, 16);
    const x2 = v128.load(low, 32);
    const x3 = v128.load(low, 48);
    const table = tables + <usize>b * TABLE_BYTES;
    for (let high: usize = 0; high < 16; high++) {
      const y = v128.load32_splat(low + 64 + (high << 2));
      const to = table + (high << 6);
      v128.store(to, f32x4.add(x0, y));
      v128.store(to, f32x4.add(x1, y), 16);
      v128.store(to, f32x4.add(x2, y), 32);
      v128.store(to, f32x4.add(x3, y), 48);
    }
  }
}

/** The distance from the query to a code, up to `halved`. */
export function tableDistance(code: usize): f32 {
  return lookUp(code) + coarsePart(code);
}

/** `tableDistance` of four codes, one a lane. */
export function tableDistancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  const sums = lookUpx4(a, b, c, d);
  if (centroids == 0) return sums;
  return f32x4.add(sums, f32x4(coarsePart(a), coarsePart(b), coarsePart(c), coarsePart(d)));
}

/**
 * The sum over the tables: even bytes and odd ones apart, so that two additions are under way at a time. Written out, because
 * places that are known when this is compiled cost no additions: 22 ns a distance instead of 32 (m = 64, four per call).
 */
function lookUp(code: usize): f32 {
  let even: f32 = 0;
  let odd: f32 = 0;
  let table = tables;
  const end = code + <usize>lookups;
  const end8 = code + <usize>(lookups & ~7);
  while (code < end8) {
    even += load<f32>(table + ((<usize>load<u8>(code)) << 2));
    odd += load<f32>(table + ((<usize>load<u8>(code, 1)) << 2), TABLE_BYTES);
    even += load<f32>(table + ((<usize>load<u8>(code, 2)) << 2), 2 * TABLE_BYTES);
    odd += load<f32>(table + ((<usize>load<u8>(code, 3)) << 2), 3 * TABLE_BYTES);
    even += load<f32>(table + ((<usize>load<u8>(code, 4)) << 2), 4 * TABLE_BYTES);
    odd += load<f32>(table + ((<usize>load<u8>(code, 5)) << 2), 5 * TABLE_BYTES);
    even += load<f32>(table + ((<usize>load<u8>(code, 6)) << 2), 6 * TABLE_BYTES);
    odd += load<f32>(table + ((<usize>load<u8>(code, 7)) << 2), 7 * TABLE_BYTES);
    table += 8 * TABLE_BYTES;
    code += 8;
  }
  while (code < end) {
    even += load<f32>(table + ((<usize>load<u8>(code)) << 2));
    table += TABLE_BYTES;
    code += 1;
  }
  return even + odd;
}

function lookUpx4(a: usize, b: usize, c: usize, d: usize): v128 {
  let evenA: f32 = 0;
  let evenB: f32 = 0;
  let evenC: f32 = 0;
  let evenD: f32 = 0;
  let oddA: f32 = 0;
  let oddB: f32 = 0;
  let oddC: f32 = 0;
  let oddD: f32 = 0;
  let table = tables;
  let i: usize = 0;
  const end = <usize>lookups;
  const end8 = <usize>(lookups & ~7);
  while (i < end8) {
    evenA += load<f32>(table + ((<usize>load<u8>(a + i)) << 2));
    evenB += load<f32>(table + ((<usize>load<u8>(b + i)) << 2));
    evenC += load<f32>(table + ((<usize>load<u8>(c + i)) << 2));
    evenD += load<f32>(table + ((<usize>load<u8>(d + i)) << 2));
    oddA += load<f32>(table + ((<usize>load<u8>(a + i, 1)) << 2), TABLE_BYTES);
    oddB += load<f32>(table + ((<usize>load<u8>(b + i, 1)) << 2), TABLE_BYTES);
    oddC += load<f32>(table + ((<usize>load<u8>(c + i, 1)) << 2), TABLE_BYTES);
    oddD += load<f32>(table + ((<usize>load<u8>(d + i, 1)) << 2), TABLE_BYTES);
    evenA += load<f32>(table + ((<usize>load<u8>(a + i, 2)) << 2), 2 * TABLE_BYTES);
    evenB += load<f32>(table + ((<usize>load<u8>(b + i, 2)) << 2), 2 * TABLE_BYTES);
    evenC += load<f32>(table + ((<usize>load<u8>(c + i, 2)) << 2), 2 * TABLE_BYTES);
    evenD += load<f32>(table + ((<usize>load<u8>(d + i, 2)) << 2), 2 * TABLE_BYTES);
    oddA += load<f32>(table + ((<usize>load<u8>(a + i, 3)) << 2), 3 * TABLE_BYTES);
    oddB += load<f32>(table + ((<usize>load<u8>(b + i, 3)) << 2), 3 * TABLE_BYTES);
    oddC += load<f32>(table + ((<usize>load<u8>(c + i, 3)) << 2), 3 * TABLE_BYTES);
    oddD += load<f32>(table + ((<usize>load<u8>(d + i, 3)) << 2), 3 * TABLE_BYTES);
    evenA += load<f32>(table + ((<usize>load<u8>(a + i, 4)) << 2), 4 * TABLE_BYTES);
    evenB += load<f32>(table + ((<usize>load<u8>(b + i, 4)) << 2), 4 * TABLE_BYTES);
    evenC += load<f32>(table + ((<usize>load<u8>(c + i, 4)) << 2), 4 * TABLE_BYTES);
    evenD += load<f32>(table + ((<usize>load<u8>(d + i, 4)) << 2), 4 * TABLE_BYTES);
    oddA += load<f32>(table + ((<usize>load<u8>(a + i, 5)) << 2), 5 * TABLE_BYTES);
    oddB += load<f32>(table + ((<usize>load<u8>(b + i, 5)) << 2), 5 * TABLE_BYTES);
    oddC += load<f32>(table + ((<usize>load<u8>(c + i, 5)) << 2), 5 * TABLE_BYTES);
    oddD += load<f32>(table + ((<usize>load<u8>(d + i, 5)) << 2), 5 * TABLE_BYTES);
    evenA += load<f32>(table + ((<usize>load<u8>(a + i, 6)) << 2), 6 * TABLE_BYTES);
    evenB += load<f32>(table + ((<usize>load<u8>(b + i, 6)) << 2), 6 * TABLE_BYTES);
    evenC += load<f32>(table + ((<usize>load<u8>(c + i, 6)) << 2), 6 * TABLE_BYTES);
    evenD += load<f32>(table + ((<usize>load<u8>(d + i, 6)) << 2), 6 * TABLE_BYTES);
    oddA += load<f32>(table + ((<usize>load<u8>(a + i, 7)) << 2), 7 * TABLE_BYTES);
    oddB += load<f32>(table + ((<usize>load<u8>(b + i, 7)) << 2), 7 * TABLE_BYTES);
    oddC += load<f32>(table + ((<usize>load<u8>(c + i, 7)) << 2), 7 * TABLE_BYTES);
    oddD += load<f32>(table + ((<usize>load<u8>(d + i, 7)) << 2), 7 * TABLE_BYTES);
    table += 8 * TABLE_BYTES;
    i += 8;
  }
  while (i < end) {
    evenA += load<f32>(table + ((<usize>load<u8>(a + i)) << 2));
    evenB += load<f32>(table + ((<usize>load<u8>(b + i)) << 2));
    evenC += load<f32>(table + ((<usize>load<u8>(c + i)) << 2));
    evenD += load<f32>(table + ((<usize>load<u8>(d + i)) << 2));
    table += TABLE_BYTES;
    i += 1;
  }
  return f32x4(evenA + oddA, evenB + oddB, evenC + oddC, evenD + oddD);
}

/** What the coarse centroid and the code's own factor add to the sum over the tables. */
function coarsePart(code: usize): f32 {
  return centroids == 0 ? 0 : Coarse.distance(coarseNumber(code)) + load<f32>(code + errorAt, 8);
}

/** Compiled into its callers: a call for every code would be a twentieth of its distance. */
export class Coarse {
  /** |q − c|², or −⟨q, c⟩, of a coarse centroid: taken once for a query. */
  @inline
  static distance(number: u32): f32 {
    const at = coarseDistances + ((<usize>number) << 2);
    if (load<i32>(at) == UNKNOWN) takeCoarse(coarse + <usize>number * pointBytes, at);
    return load<f32>(at);
  }
}

function takeCoarse(c: usize, to: usize): void {
  store<f32>(to, metric == L2 ? l2(query, c, <i32>(pointBytes >> 2)) : negatedDot(query, c));
}

function negatedDot(a: usize, b: usize): f32 {
  let s = f32x4.splat(0);
  for (let i: usize = 0; i < pointBytes; i += 16) s = multiplyAdd(v128.load(a + i), v128.load(b + i), s);
  return -sumF32(s);
}
