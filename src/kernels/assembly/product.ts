/**
 * Product quantization (Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011): a vector is cut into m
 * parts, and each part is replaced by the number of the nearest of 2^bits centroids, its subspace's codebook.
 *
 *     y = R (x − μ)           R a rotation (optional), μ the mean (zero under dot)
 *     r = y − c_i             c_i the nearest coarse centroid (optional, else c = 0)
 *     code_j = the centroid of codebook j nearest to r_j;   ŷ = c_i + (the centroids one behind the other)
 *
 * A float query has a table of its distances to all centroids of every subspace, so that a distance is one look-up a byte
 * (asymmetric distances, ADC, section III-A). Codes of 4 bits are looked up two at a time, in tables of pairs, so one byte is
 * one look-up there too. A code that is the query is decoded instead, and its distances are summed over centroids as they lie
 * in the codebooks: dearer than look-ups, but no tables need to be built.
 *
 * With coarse centroids, |q − c − r̂|² = |q − c|² − 2 ⟨q, r̂⟩ + (|r̂|² + 2 ⟨c, r̂⟩): the tables need not know c, the code
 * holds the last part, and |q − c|² is taken when the first code with that centroid is met.
 *
 * Cosine is taken as |q − x̂|² / 2, which for vectors of length 1 is 1 − ⟨q, x⟩ and, unlike 1 − ⟨q, x̂⟩, sees how far x̂ falls
 * short of that length: recall@10 is 0.62 instead of 0.52 (embedding-1024-30k, 64 bytes).
 *
 * One code: ⌈m · bits / 8⌉ bytes (of 4-bit codes the low half first), padded to 4; then f32 |x − x̂|, rounded up; with coarse
 * centroids u32 i and f32 |r̂|² + 2 ⟨c, r̂⟩; padded to 16.
 *
 * What decides a code is never fused, so that both builds write the same. Parts are padded with zeros to a multiple of four
 * floats: `stride` of them a part, m · stride a point.
 */
import { l2 } from './distance';
import { BLOCK_CODES, leastSum, packBlock, quantizeTables, scanBlock, tableStep } from './fast-scan';
import { COSINE, L2 } from './metrics';
import { norm2 } from './norm';
import { multiplyAdd, sumF32, sumsF32 } from './simd';
import { getF32, setF32 } from './words';

/** Entries of one table: what one byte of a code may be. */
const TABLE_BYTES: usize = 256 << 2;
/** A coarse distance that has not been taken yet: a NaN that no arithmetic makes. */
const UNKNOWN: i32 = -1;
const UNKNOWN_LENGTH: f64 = -1;
/**
 * What f32 rounding, of the rotation above all, may add to a distance, relative to the lengths it is made of. At most 9e-7 of
 * a vector's length was measured, in 4096 dimensions; twenty times that is allowed for.
 */
const SLACK: f64 = 2e-5;

let dimension: i32 = 0;
let metric: i32 = L2;
/** Whether distances are half of what the metric gives: cosine is half the squared L2 distance of vectors of length 1. */
let halved: bool = false;
let m: i32 = 0;
let bits: i32 = 8;
let rotates: bool = false;
let centroids: i32 = 0;

/** Of a part: its dimensions, its bytes with padding, and of all parts. */
let part: i32 = 0;
let strideBytes: usize = 0;
let pointBytes: usize = 0;
/** Centroids of a codebook. */
let K: i32 = 0;
/** Bytes of a code that are look-ups, and where what follows them lies. */
let lookups: i32 = 0;
let errorAt: usize = 0;

// Model
let mean: usize = 0;
/** Codebooks as rows of `stride` floats, and as columns: all centroids' first components, then all second ones, … */
let rows: usize = 0;
let columns: usize = 0;
let rotation: usize = 0;
let coarse: usize = 0;

// Scratch
let centred: usize = 0;
let point: usize = 0;
let toCentroids: usize = 0;
let query: usize = 0;
let tables: usize = 0;
/** With 4 bits: each subspace's own table, sixteen floats, and the same as bytes for the fast scan. */
let halves: usize = 0;
let byteTables: usize = 0;
let coarseDistances: usize = 0;

let fromCode: bool = false;
/** |q'|, q' the query as `query` holds it: taken when a bound is first asked for. */
let queryLength: f64 = UNKNOWN_LENGTH;

/**
 * `model`: floats of the mean (padded to 4), codebooks by rows (m · K · stride), by columns (m · part · K), the rotation
 * (dimension rows, each padded to 4) if it `rotates_`, and `centroids_` coarse centroids (m · stride each).
 * `scratch`: see `src/quantize/product-layout.ts`, which knows the sizes of both.
 */
export function configureProduct(
  dimension_: i32,
  metric_: i32,
  m_: i32,
  bits_: i32,
  rotates_: bool,
  centroids_: i32,
  model: usize,
  scratch: usize,
): void {
  dimension = dimension_;
  metric = metric_ == COSINE ? L2 : metric_;
  halved = metric_ == COSINE;
  m = m_;
  bits = bits_;
  rotates = rotates_;
  centroids = centroids_;
  part = dimension / m;
  K = 1 << bits;
  strideBytes = (<usize>((part + 3) & ~3)) << 2;
  pointBytes = <usize>m * strideBytes;
  lookups = (m * bits + 7) >> 3;
  errorAt = <usize>((lookups + 3) & ~3);

  const vectorBytes = paddedBytes();
  mean = model;
  rows = mean + vectorBytes;
  columns = rows + pointBytes * <usize>K;
  rotation = columns + ((<usize>dimension * <usize>K) << 2);
  coarse = rotation + (rotates ? <usize>dimension * vectorBytes : 0);

  centred = scratch;
  point = centred + vectorBytes;
  toCentroids = point + pointBytes;
  query = toCentroids + TABLE_BYTES;
  tables = query + pointBytes;
  halves = tables + <usize>lookups * TABLE_BYTES;
  byteTables = halves + (bits == 4 ? ((<usize>lookups) << 1) << 6 : 0);
  coarseDistances = byteTables + (bits == 4 ? ((<usize>lookups) << 1) << 5 : 0);
}

/** Bytes of a vector, padded to four floats. */
function paddedBytes(): usize {
  return (<usize>((dimension + 3) & ~3)) << 2;
}

// ---- Codes ------------------------------------------------------------------------------------------------------

/** Writes the code of the f32 vector at `x`, which under cosine is normalized. The prepared query stays. */
export function encodeProduct(x: usize, code: usize): void {
  toPoint(x, point);
  const length = sqrt<f64>(norm2(point, <i32>(pointBytes >> 2)));
  let centre: i32 = 0;
  if (centroids > 0) {
    centre = nearestCoarse(point);
    subtract(point, coarse + <usize>centre * pointBytes);
  }
  memory.fill(code, 0, codeBytes());
  let error2: f64 = 0;
  let cross: f64 = 0;
  for (let j = 0; j < m; j++) {
    exactSquaresTo(point + <usize>j * strideBytes, columnsOf(j), toCentroids);
    const c = leastAt(toCentroids);
    error2 += <f64>load<f32>(toCentroids + ((<usize>c) << 2));
    if (bits == 8) store<u8>(code + <usize>j, <u8>c);
    else {
      const byte = code + <usize>(j >> 1);
      store<u8>(byte, load<u8>(byte) | <u8>(c << ((j & 1) << 2)));
    }
    if (centroids > 0) cross += crossOf(rowOf(j, c), coarse + <usize>centre * pointBytes + <usize>j * strideBytes);
  }
  // Above what it is by the slack, and by 2^-20 for being rounded to f32: a bound has to hold.
  const error = sqrt<f64>(error2);
  store<f32>(code + errorAt, <f32>((error * (1 + 2 * SLACK) + 2 * SLACK * length) * (1 + 1.0 / 1048576)));
  if (centroids > 0) {
    store<u32>(code + errorAt, centre, 4);
    store<f32>(code + errorAt, metric == L2 ? <f32>cross : 0, 8);
  }
}

function codeBytes(): usize {
  return (errorAt + (centroids > 0 ? 12 : 4) + 15) & ~15;
}

/** |r̂|² + 2 ⟨c, r̂⟩ within one part. */
function crossOf(r: usize, c: usize): f64 {
  let sum: f64 = 0;
  for (let i: usize = 0; i < strideBytes; i += 4) {
    const component = <f64>load<f32>(r + i);
    sum += component * (component + 2 * <f64>load<f32>(c + i));
  }
  return sum;
}

/** The f32 vector that the code stands for. The prepared query stays. */
export function decodeProduct(code: usize, x: usize): void {
  decodePoint(code, point);
  const bytes = (<usize>dimension) << 2;
  if (rotates) {
    // x = Rᵀ y, row after row of R; what lies behind the last component stays zero.
    memory.fill(centred, 0, paddedBytes());
    let row = rotation;
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < part; i++) {
        const y = v128.load32_splat(point + <usize>j * strideBytes + ((<usize>i) << 2));
        for (let at: usize = 0; at < paddedBytes(); at += 16) {
          v128.store(centred + at, f32x4.add(v128.load(centred + at), f32x4.mul(y, v128.load(row + at))));
        }
        row += paddedBytes();
      }
    }
  } else {
    for (let j = 0; j < m; j++) {
      memory.copy(centred + ((<usize>(j * part)) << 2), point + <usize>j * strideBytes, (<usize>part) << 2);
    }
  }
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(x + i, load<f32>(centred + i) + load<f32>(mean + i));
}

/** ŷ: the centroids that the code names, one behind the other, and the coarse one added. */
function decodePoint(code: usize, to: usize): void {
  let at = to;
  for (let j = 0; j < m; j++) {
    const row = rowOf(j, codeAt(code, j));
    for (let i: usize = 0; i < strideBytes; i += 16) {
      v128.store(at, v128.load(row + i));
      at += 16;
    }
  }
  if (centroids == 0) return;
  const c = coarseOf(code);
  for (let i: usize = 0; i < pointBytes; i += 16) {
    v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(c + i)));
  }
}

function codeAt(code: usize, j: i32): i32 {
  return bits == 8 ? <i32>load<u8>(code + <usize>j) : (<i32>load<u8>(code + <usize>(j >> 1)) >> ((j & 1) << 2)) & 15;
}

function rowOf(j: i32, c: i32): usize {
  return rows + <usize>(j * K + c) * strideBytes;
}

function columnsOf(j: i32): usize {
  return columns + ((<usize>(j * part * K)) << 2);
}

/** The coarse centroid of a code. */
function coarseOf(code: usize): usize {
  return coarse + <usize>coarseNumber(code) * pointBytes;
}

/** One that there is, whatever a forged code says: it leads to where a distance is written. */
function coarseNumber(code: usize): u32 {
  return min(load<u32>(code + errorAt, 4), <u32>centroids - 1);
}

// ---- Points -----------------------------------------------------------------------------------------------------

/** R (x − μ) of the f32 vector at `x`, in m · stride floats. The prepared query stays. */
export function pointOfProduct(x: usize, to: usize): void {
  toPoint(x, to);
}

/** R (x − μ), cut into parts. */
function toPoint(x: usize, to: usize): void {
  const bytes = (<usize>dimension) << 2;
  const padded = paddedBytes();
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(centred + i, load<f32>(x + i) - load<f32>(mean + i));
  for (let i = bytes; i < padded; i += 4) store<f32>(centred + i, 0);
  const partBytes = (<usize>part) << 2;
  for (let j = 0; j < m; j++) {
    const at = to + <usize>j * strideBytes;
    if (rotates) rotateTo(at, j * part);
    else memory.copy(at, centred + <usize>j * partBytes, partBytes);
    memory.fill(at + partBytes, 0, strideBytes - partBytes);
  }
}

/** Components `first` … `first` + part of R times the centred vector. */
function rotateTo(to: usize, first: i32): void {
  const padded = paddedBytes();
  let row = rotation + <usize>first * padded;
  let i = 0;
  for (; i <= part - 4; i += 4) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    const row1 = row + padded;
    const row2 = row1 + padded;
    const row3 = row2 + padded;
    for (let at: usize = 0; at < padded; at += 16) {
      const x = v128.load(centred + at);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row + at)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row1 + at)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row2 + at)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row3 + at)));
    }
    v128.store(to + ((<usize>i) << 2), sumsF32(s0, s1, s2, s3));
    row = row3 + padded;
  }
  for (; i < part; i++) {
    let s = f32x4.splat(0);
    for (let at: usize = 0; at < padded; at += 16) {
      s = f32x4.add(s, f32x4.mul(v128.load(centred + at), v128.load(row + at)));
    }
    store<f32>(to + ((<usize>i) << 2), f32x4.extract_lane(sumsF32(s, s, s, s), 0));
    row += padded;
  }
}

function subtract(a: usize, b: usize): void {
  for (let i: usize = 0; i < pointBytes; i += 16) {
    v128.store(a + i, f32x4.sub(v128.load(a + i), v128.load(b + i)));
  }
}

/** The coarse centroid nearest to the point; of several, the first. */
function nearestCoarse(y: usize): i32 {
  let nearest = 0;
  let least: f32 = Infinity;
  for (let i = 0; i < centroids; i++) {
    const c = coarse + <usize>i * pointBytes;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let at: usize = 0;
    for (; at + 16 < pointBytes; at += 32) {
      const d0 = f32x4.sub(v128.load(y + at), v128.load(c + at));
      const d1 = f32x4.sub(v128.load(y + at, 16), v128.load(c + at, 16));
      s0 = f32x4.add(s0, f32x4.mul(d0, d0));
      s1 = f32x4.add(s1, f32x4.mul(d1, d1));
    }
    if (at < pointBytes) {
      const d = f32x4.sub(v128.load(y + at), v128.load(c + at));
      s0 = f32x4.add(s0, f32x4.mul(d, d));
    }
    const d = sumF32(f32x4.add(s0, s1));
    if (d < least) {
      least = d;
      nearest = i;
    }
  }
  return nearest;
}

/**
 * Squared distances from one part of a point to all centroids of its codebook, K floats; never fused, as they decide codes.
 */
function exactSquaresTo(x: usize, column: usize, out: usize): void {
  const bytes = (<usize>K) << 2;
  const end = x + ((<usize>part) << 2);
  for (let at: usize = 0; at < bytes; at += 64) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let c = column + at;
    for (let p = x; p < end; p += 4) {
      const component = v128.load32_splat(p);
      const d0 = f32x4.sub(component, v128.load(c));
      const d1 = f32x4.sub(component, v128.load(c, 16));
      const d2 = f32x4.sub(component, v128.load(c, 32));
      const d3 = f32x4.sub(component, v128.load(c, 48));
      s0 = f32x4.add(s0, f32x4.mul(d0, d0));
      s1 = f32x4.add(s1, f32x4.mul(d1, d1));
      s2 = f32x4.add(s2, f32x4.mul(d2, d2));
      s3 = f32x4.add(s3, f32x4.mul(d3, d3));
      c += bytes;
    }
    v128.store(out + at, s0);
    v128.store(out + at, s1, 16);
    v128.store(out + at, s2, 32);
    v128.store(out + at, s3, 48);
  }
}

/** Squared distances from one part of a point to all centroids of its codebook, for tables: fused where the build is. */
function squaresTo(x: usize, column: usize, out: usize): void {
  const bytes = (<usize>K) << 2;
  const end = x + ((<usize>part) << 2);
  for (let at: usize = 0; at < bytes; at += 64) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let c = column + at;
    for (let p = x; p < end; p += 4) {
      const component = v128.load32_splat(p);
      const d0 = f32x4.sub(component, v128.load(c));
      const d1 = f32x4.sub(component, v128.load(c, 16));
      const d2 = f32x4.sub(component, v128.load(c, 32));
      const d3 = f32x4.sub(component, v128.load(c, 48));
      s0 = multiplyAdd(d0, d0, s0);
      s1 = multiplyAdd(d1, d1, s1);
      s2 = multiplyAdd(d2, d2, s2);
      s3 = multiplyAdd(d3, d3, s3);
      c += bytes;
    }
    v128.store(out + at, s0);
    v128.store(out + at, s1, 16);
    v128.store(out + at, s2, 32);
    v128.store(out + at, s3, 48);
  }
}

/** Inner products, times `factor`, of one part of a point with all centroids of its codebook. */
function productsTo(x: usize, column: usize, factor: f32, out: usize): void {
  const bytes = (<usize>K) << 2;
  const end = x + ((<usize>part) << 2);
  const factors = f32x4.splat(factor);
  for (let at: usize = 0; at < bytes; at += 64) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let c = column + at;
    for (let p = x; p < end; p += 4) {
      const component = f32x4.mul(v128.load32_splat(p), factors);
      s0 = multiplyAdd(component, v128.load(c), s0);
      s1 = multiplyAdd(component, v128.load(c, 16), s1);
      s2 = multiplyAdd(component, v128.load(c, 32), s2);
      s3 = multiplyAdd(component, v128.load(c, 48), s3);
      c += bytes;
    }
    v128.store(out + at, s0);
    v128.store(out + at, s1, 16);
    v128.store(out + at, s2, 32);
    v128.store(out + at, s3, 48);
  }
}

/** The place of the least of K floats; of several, the first. */
function leastAt(values: usize): i32 {
  let least = v128.load(values);
  let at = i32x4(0, 1, 2, 3);
  let here = at;
  const four = i32x4.splat(4);
  const bytes = (<usize>K) << 2;
  for (let i: usize = 16; i < bytes; i += 16) {
    const value = v128.load(values + i);
    here = i32x4.add(here, four);
    const less = f32x4.lt(value, least);
    least = v128.bitselect(value, least, less);
    at = v128.bitselect(here, at, less);
  }
  let value = f32x4.extract_lane(least, 0);
  let place = i32x4.extract_lane(at, 0);
  for (let lane = 1; lane < 4; lane++) {
    at = v128.shuffle<i32>(at, at, 1, 2, 3, 0);
    least = v128.shuffle<i32>(least, least, 1, 2, 3, 0);
    const other = f32x4.extract_lane(least, 0);
    const there = i32x4.extract_lane(at, 0);
    if (other < value || (other == value && there < place)) {
      value = other;
      place = there;
    }
  }
  return place;
}

// ---- Queries ----------------------------------------------------------------------------------------------------

/** Makes the f32 vector at `x`, which under cosine is normalized, the query: fills the tables. */
export function prepareProduct(x: usize): void {
  fromCode = false;
  toPoint(x, query);
  queryLength = UNKNOWN_LENGTH;
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

/** Makes what a code stands for the query, by decoding it: no tables. */
export function prepareProductCode(code: usize): void {
  fromCode = true;
  decodePoint(code, query);
  queryLength = UNKNOWN_LENGTH;
}

/** The estimated distance from the prepared query to what a code stands for, in the metric's unit. */
export function productDistance(code: usize): f32 {
  const d = wholeDistance(code);
  return halved ? 0.5 * d : d;
}

function wholeDistance(code: usize): f32 {
  return fromCode ? distanceFromCode(code) : lookUp(code) + coarsePart(code);
}

/** `productDistance` of four codes, one a lane. */
export function productDistancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  let distances = fromCode ? distancesFromCode(a, b, c, d) : lookUpx4(a, b, c, d);
  if (centroids > 0 && !fromCode) {
    const parts = f32x4(coarsePart(a), coarsePart(b), coarsePart(c), coarsePart(d));
    distances = f32x4.add(distances, parts);
  }
  return halved ? f32x4.mul(distances, f32x4.splat(0.5)) : distances;
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
  if (centroids == 0) return 0;
  const at = coarseDistances + ((<usize>coarseNumber(code)) << 2);
  if (load<i32>(at) == UNKNOWN) {
    const c = coarseOf(code);
    const n = <i32>(pointBytes >> 2);
    store<f32>(at, metric == L2 ? l2(query, c, n) : negatedDot(query, c));
  }
  return load<f32>(at) + load<f32>(code + errorAt, 8);
}

function negatedDot(a: usize, b: usize): f32 {
  let s = f32x4.splat(0);
  for (let i: usize = 0; i < pointBytes; i += 16) s = multiplyAdd(v128.load(a + i), v128.load(b + i), s);
  return -sumF32(s);
}

function distanceFromCode(code: usize): f32 {
  return f32x4.extract_lane(distancesFromCode(code, code, code, code), 0);
}

/** From the decoded query to four codes, centroid by centroid as they lie in the codebooks: twice what as many floats take. */
function distancesFromCode(a: usize, b: usize, c: usize, d: usize): v128 {
  if (centroids > 0) {
    return f32x4(residualDistance(a), residualDistance(b), residualDistance(c), residualDistance(d));
  }
  return metric == L2 ? l2FromCodes(a, b, c, d) : f32x4.neg(dotFromCodes(a, b, c, d));
}

function l2FromCodes(a: usize, b: usize, c: usize, d: usize): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const mask = <usize>(K - 1);
  const bookBytes = <usize>K * strideBytes;
  let book = rows;
  let q = query;
  const end = query + pointBytes;
  while (q < end) {
    let wa = <usize>load<u8>(a++);
    let wb = <usize>load<u8>(b++);
    let wc = <usize>load<u8>(c++);
    let wd = <usize>load<u8>(d++);
    // One part for a byte, or two, of which the last byte may have but one.
    for (let bit = 0; bit < 8 && q < end; bit += bits) {
      const ra = book + (wa & mask) * strideBytes;
      const rb = book + (wb & mask) * strideBytes;
      const rc = book + (wc & mask) * strideBytes;
      const rd = book + (wd & mask) * strideBytes;
      for (let i: usize = 0; i < strideBytes; i += 16) {
        const x = v128.load(q + i);
        const d0 = f32x4.sub(x, v128.load(ra + i));
        const d1 = f32x4.sub(x, v128.load(rb + i));
        const d2 = f32x4.sub(x, v128.load(rc + i));
        const d3 = f32x4.sub(x, v128.load(rd + i));
        s0 = multiplyAdd(d0, d0, s0);
        s1 = multiplyAdd(d1, d1, s1);
        s2 = multiplyAdd(d2, d2, s2);
        s3 = multiplyAdd(d3, d3, s3);
      }
      wa >>= 4;
      wb >>= 4;
      wc >>= 4;
      wd >>= 4;
      book += bookBytes;
      q += strideBytes;
    }
  }
  return sumsF32(s0, s1, s2, s3);
}

function dotFromCodes(a: usize, b: usize, c: usize, d: usize): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const mask = <usize>(K - 1);
  const bookBytes = <usize>K * strideBytes;
  let book = rows;
  let q = query;
  const end = query + pointBytes;
  while (q < end) {
    let wa = <usize>load<u8>(a++);
    let wb = <usize>load<u8>(b++);
    let wc = <usize>load<u8>(c++);
    let wd = <usize>load<u8>(d++);
    for (let bit = 0; bit < 8 && q < end; bit += bits) {
      const ra = book + (wa & mask) * strideBytes;
      const rb = book + (wb & mask) * strideBytes;
      const rc = book + (wc & mask) * strideBytes;
      const rd = book + (wd & mask) * strideBytes;
      for (let i: usize = 0; i < strideBytes; i += 16) {
        const x = v128.load(q + i);
        s0 = multiplyAdd(x, v128.load(ra + i), s0);
        s1 = multiplyAdd(x, v128.load(rb + i), s1);
        s2 = multiplyAdd(x, v128.load(rc + i), s2);
        s3 = multiplyAdd(x, v128.load(rd + i), s3);
      }
      wa >>= 4;
      wb >>= 4;
      wc >>= 4;
      wd >>= 4;
      book += bookBytes;
      q += strideBytes;
    }
  }
  return sumsF32(s0, s1, s2, s3);
}

/** From the decoded query to one code with a coarse centroid: the difference itself, in which nothing cancels. */
function residualDistance(code: usize): f32 {
  let c = coarseOf(code);
  let s = f32x4.splat(0);
  let t = f32x4.splat(0);
  let q = query;
  for (let j = 0; j < m; j++) {
    const row = rowOf(j, codeAt(code, j));
    for (let i: usize = 0; i < strideBytes; i += 16) {
      const y = f32x4.add(v128.load(row + i), v128.load(c));
      const x = v128.load(q);
      const left = metric == L2 ? f32x4.sub(x, y) : x;
      const sum = multiplyAdd(left, metric == L2 ? left : y, s);
      // Two sums in turn, so that an addition need not wait for the one before.
      s = t;
      t = sum;
      c += 16;
      q += 16;
    }
  }
  const sum = sumF32(f32x4.add(s, t));
  return metric == L2 ? sum : -sum;
}

/**
 * The most that the distance from the prepared query to a code may be off its distance to the vector that was encoded. With
 * e = |x − x̂|: | |q − x|² − |q − x̂|² | ≤ 2 e |q − x̂| + e² by the triangle inequality, |⟨q, x⟩ − ⟨q, x̂⟩| ≤ e |q| by Cauchy
 * and Schwarz. What f32 arithmetic may be off is counted in.
 */
export function productBound(code: usize): f32 {
  return productBoundAt(code, metric == L2 ? productDistance(code) : 0);
}

/** The same where the distance is known already; only under l2 it matters. */
export function productBoundAt(code: usize, known: f32): f32 {
  const e = <f64>load<f32>(code + errorAt);
  if (queryLength < 0) queryLength = sqrt<f64>(norm2(query, <i32>(pointBytes >> 2)));
  const length = queryLength;
  let bound: f64;
  if (metric == L2) {
    const d = max<f64>(<f64>(halved ? 2 * known : known), 0);
    const apart = sqrt<f64>(d);
    const off = e + SLACK * length;
    // With coarse centroids the distance is a sum that cancels, of terms as large as the lengths squared.
    const span = centroids > 0 && !fromCode ? 2 * length + apart : apart;
    bound = off * (2 * apart + off) + SLACK * span * span;
    // Where that sum is off by so much, so may be the distance under the root.
    if (centroids > 0) bound += 2 * off * sqrt<f64>(SLACK) * span;
  } else bound = e * length;
  if (halved) bound *= 0.5;
  return <f32>(bound * (1 + 1.0 / 1048576));
}

/** `productDistance` of `n` codes, one behind the other. */
export function distancesOfProduct(codes: usize, n: i32, distances: usize): void {
  const bytes = codeBytes();
  for (; n >= 4; n -= 4) {
    v128.store(distances, productDistancex4(codes, codes + bytes, codes + 2 * bytes, codes + 3 * bytes));
    codes += bytes << 2;
    distances += 16;
  }
  for (; n > 0; n--) {
    store<f32>(distances, productDistance(codes));
    codes += bytes;
    distances += 4;
  }
}

/** `productBound` of `n` codes, one behind the other. */
export function boundsOfProduct(codes: usize, n: i32, bounds: usize): void {
  const bytes = codeBytes();
  for (; n > 0; n--) {
    store<f32>(bounds, productBound(codes));
    codes += bytes;
    bounds += 4;
  }
}

// ---- Fast scan --------------------------------------------------------------------------------------------------

/** Bytes of a block of 32 codes of 4 bits: what `fast-scan.ts` reads, then with coarse centroids 32 u32 and 32 f32. */
function blockBytes(): usize {
  return ((<usize>m) << 4) + (centroids > 0 ? <usize>(BLOCK_CODES << 3) : 0);
}

/** Packs `n` codes of 4 bits into blocks of 32. */
export function packProduct(codes: usize, n: i32, to: usize): void {
  const bytes = codeBytes();
  for (let first = 0; first < n; first += BLOCK_CODES) {
    const here = min(BLOCK_CODES, n - first);
    const from = codes + <usize>first * bytes;
    packBlock(from, here, bytes, m, to);
    if (centroids > 0) {
      const extra = to + ((<usize>m) << 4);
      memory.fill(extra, 0, <usize>(BLOCK_CODES << 3));
      for (let i = 0; i < here; i++) {
        const factors = from + <usize>i * bytes + errorAt;
        store<u32>(extra + ((<usize>i) << 2), load<u32>(factors, 4));
        store<f32>(extra + ((<usize>(BLOCK_CODES + i)) << 2), load<f32>(factors, 8));
      }
    }
    to += blockBytes();
  }
}

/** Makes tables of bytes of the prepared query's, for `scanProduct`. Returns the most that its distances may be off theirs. */
export function prepareProductScan(): f32 {
  quantizeTables(halves, m, byteTables);
  return (halved ? <f32>0.25 : <f32>0.5) * <f32>m * tableStep;
}

/** Distances from the prepared query to the codes of `blocks` blocks, 32 floats each. */
export function scanProduct(packed: usize, blocks: i32, distances: usize): void {
  for (; blocks > 0; blocks--) {
    scanBlock(packed, byteTables, m, distances);
    if (centroids > 0) addCoarse(packed + ((<usize>m) << 4), distances);
    if (halved) {
      for (let i: usize = 0; i < 128; i += 16) {
        v128.store(distances + i, f32x4.mul(v128.load(distances + i), f32x4.splat(0.5)));
      }
    }
    packed += blockBytes();
    distances += BLOCK_CODES << 2;
  }
}

function addCoarse(extra: usize, distances: usize): void {
  for (let i: usize = 0; i < <usize>(BLOCK_CODES << 2); i += 4) {
    const number = load<u32>(extra + i);
    const at = coarseDistances + ((<usize>number) << 2);
    if (load<i32>(at) == UNKNOWN) {
      const c = coarse + <usize>number * pointBytes;
      store<f32>(at, metric == L2 ? l2(query, c, <i32>(pointBytes >> 2)) : negatedDot(query, c));
    }
    store<f32>(
      distances + i,
      load<f32>(distances + i) + load<f32>(at) + load<f32>(extra + i + ((<usize>BLOCK_CODES) << 2)),
    );
  }
}
