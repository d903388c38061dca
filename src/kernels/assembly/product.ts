/**
 * Product quantization (Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011): a vector is cut into m
 * parts, and each part is replaced by the number of the nearest of 2^bits centroids, its subspace's codebook.
 *
 *     y = R (x − μ)           R a rotation (optional), μ the mean (zero under dot)
 *     r = y − c_i             c_i the nearest coarse centroid (optional, else c = 0)
 *     code_j = the centroid of codebook j nearest to r_j;   ŷ = c_i + (the centroids one behind the other)
 *
 * `product-model.ts` has where all of this lies, `product-codes.ts` makes codes of vectors and vectors of codes. Here are queries
 * and distances. A float query has tables of its distances to all centroids, which are looked up (`product-tables.ts`); a code
 * that is the query is decoded instead (`product-decoded.ts`). `product-bound.ts` says how far that may be from the truth, and
 * `product-scan.ts` scans codes of 4 bits in blocks.
 *
 * Cosine is taken as |q − x̂|² / 2, which for vectors of length 1 is 1 − ⟨q, x⟩ and, unlike 1 − ⟨q, x̂⟩, sees how far x̂ falls
 * short of that length: recall@10 is 0.62 instead of 0.52 (embedding-1024-30k, 64 bytes).
 */
import { norm2 } from './norm';
import { decodePoint, pointOfProduct } from './product-codes';
import { decodedDistance, decodedDistancex4 } from './product-decoded';
import { codeBytes, halved, pointBytes, query } from './product-model';
import { fillTables, tableDistance, tableDistancex4 } from './product-tables';

const UNKNOWN_LENGTH: f64 = -1;

/** Whether the query is a code, decoded. */
export let fromCode: bool = false;
let length: f64 = UNKNOWN_LENGTH;

/** Makes the f32 vector at `x`, which under cosine is normalized, the query: fills the tables. */
export function prepareProduct(x: usize): void {
  fromCode = false;
  length = UNKNOWN_LENGTH;
  pointOfProduct(x, query);
  fillTables();
}

/** Makes what a code stands for the query, by decoding it: no tables. */
export function prepareProductCode(code: usize): void {
  fromCode = true;
  length = UNKNOWN_LENGTH;
  decodePoint(code, query);
}

/** |q'|, q' the query as `query` holds it: taken when a bound is first asked for. */
export function queryLength(): f64 {
  if (length < 0) length = sqrt<f64>(norm2(query, <i32>(pointBytes >> 2)));
  return length;
}

/** The estimated distance from the prepared query to what a code stands for, in the metric's unit. */
export function productDistance(code: usize): f32 {
  const d = fromCode ? decodedDistance(code) : tableDistance(code);
  return halved ? 0.5 * d : d;
}

/** `productDistance` of four codes, one a lane. */
export function productDistancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  const distances = fromCode ? decodedDistancex4(a, b, c, d) : tableDistancex4(a, b, c, d);
  return halved ? f32x4.mul(distances, f32x4.splat(0.5)) : distances;
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
