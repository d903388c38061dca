/**
 * Distances from a code that is the query: it is decoded, and they are summed over centroids as they lie in the codebooks. That
 * is twice what as many floats take and dearer than look-ups, but no tables need to be built.
 */
import { L2 } from './metrics';
import {
  bits,
  centroids,
  coarseOf,
  codeAt,
  K,
  m,
  metric,
  pointBytes,
  query,
  rowOf,
  rows,
  strideBytes,
} from './product-model';
import { multiplyAdd, sumF32, sumsF32 } from './simd';

/** From the decoded query to four codes, one a lane. */
export function decodedDistancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (centroids > 0) {
    return f32x4(residualDistance(a), residualDistance(b), residualDistance(c), residualDistance(d));
  }
  return metric == L2 ? l2FromDecoded(a, b, c, d) : f32x4.neg(dotFromDecoded(a, b, c, d));
}

export function decodedDistance(code: usize): f32 {
  return f32x4.extract_lane(decodedDistancex4(code, code, code, code), 0);
}

function l2FromDecoded(a: usize, b: usize, c: usize, d: usize): v128 {
  return Decoded.sumsTo(true, a, b, c, d);
}

function dotFromDecoded(a: usize, b: usize, c: usize, d: usize): v128 {
  return Decoded.sumsTo(false, a, b, c, d);
}

/** Compiled into its callers, where `squared` is a constant: squared distances, or inner products. */
class Decoded {
  @inline
  static sumsTo(squared: bool, a: usize, b: usize, c: usize, d: usize): v128 {
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
          s0 = Decoded.add(squared, x, v128.load(ra + i), s0);
          s1 = Decoded.add(squared, x, v128.load(rb + i), s1);
          s2 = Decoded.add(squared, x, v128.load(rc + i), s2);
          s3 = Decoded.add(squared, x, v128.load(rd + i), s3);
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

  @inline
  static add(squared: bool, x: v128, y: v128, sum: v128): v128 {
    if (!squared) return multiplyAdd(x, y, sum);
    const difference = f32x4.sub(x, y);
    return multiplyAdd(difference, difference, sum);
  }
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
