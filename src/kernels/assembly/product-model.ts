/**
 * What a product quantizer has learnt, and where it lies: the model that all threads share, a thread's scratch, the fields of a
 * code. `src/quantize/product-layout.ts` tells JavaScript the same.
 *
 * One code: ⌈m · bits / 8⌉ bytes (of 4-bit codes the low half first), padded to 4; then f32 |x − x̂|, rounded up; with coarse
 * centroids u32 i and f32 |r̂|² + 2 ⟨c, r̂⟩; padded to 16.
 *
 * Parts are padded with zeros to a multiple of four floats: `stride` of them a part, m · stride a point.
 */
import { COSINE, L2 } from './metrics';

/** Bytes of one look-up table: a float for all that one byte of a code may be. */
export const TABLE_BYTES: usize = 256 << 2;
/**
 * What f32 rounding, of the rotation above all, may add to a distance, relative to the lengths it is made of. At most 9e-7 of
 * a vector's length was measured, in 4096 dimensions; twenty times that is allowed for.
 */
export const SLACK: f64 = 2e-5;

export let dimension: i32 = 0;
export let metric: i32 = L2;
/** Whether distances are half of what the metric gives: cosine is half the squared L2 distance of vectors of length 1. */
export let halved: bool = false;
export let m: i32 = 0;
export let bits: i32 = 8;
export let rotates: bool = false;
export let centroids: i32 = 0;

/** Of a part: its dimensions, its bytes with padding, and of all parts. */
export let part: i32 = 0;
export let strideBytes: usize = 0;
export let pointBytes: usize = 0;
/** Centroids of a codebook. */
export let K: i32 = 0;
/** Bytes of a code that are look-ups, and where what follows them lies. */
export let lookups: i32 = 0;
export let errorAt: usize = 0;

// Model
export let mean: usize = 0;
/** Codebooks as rows of `stride` floats, and as columns: all centroids' first components, then all second ones, … */
export let rows: usize = 0;
export let columns: usize = 0;
export let rotation: usize = 0;
export let coarse: usize = 0;

// Scratch
export let centred: usize = 0;
export let point: usize = 0;
export let toCentroids: usize = 0;
export let query: usize = 0;
export let tables: usize = 0;
/** With 4 bits: each subspace's own table, sixteen floats, and the same as bytes for the fast scan. */
export let halves: usize = 0;
export let byteTables: usize = 0;
export let coarseDistances: usize = 0;

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
export function paddedBytes(): usize {
  return (<usize>((dimension + 3) & ~3)) << 2;
}

export function codeBytes(): usize {
  return (errorAt + (centroids > 0 ? 12 : 4) + 15) & ~15;
}

export function codeAt(code: usize, j: i32): i32 {
  return bits == 8 ? <i32>load<u8>(code + <usize>j) : (<i32>load<u8>(code + <usize>(j >> 1)) >> ((j & 1) << 2)) & 15;
}

export function rowOf(j: i32, c: i32): usize {
  return rows + <usize>(j * K + c) * strideBytes;
}

export function columnsOf(j: i32): usize {
  return columns + ((<usize>(j * part * K)) << 2);
}

/** One that there is, whatever a forged code says: it leads to where a distance is written. */
export function coarseNumber(code: usize): u32 {
  return min(load<u32>(code + errorAt, 4), <u32>centroids - 1);
}

/** The coarse centroid of a code. */
export function coarseOf(code: usize): usize {
  return coarse + <usize>coarseNumber(code) * pointBytes;
}
