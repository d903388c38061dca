/**
 * A vector as a code and back: rotated about the mean, less the nearest coarse centroid, and of each part the nearest centroid.
 *
 * What decides a code is never fused, so that both builds write the same.
 */
import { L2 } from './metrics';
import { norm2 } from './norm';
import { exactSquaresTo, leastAt } from './product-codebooks';
import {
  bits,
  centred,
  centroids,
  coarse,
  coarseOf,
  codeAt,
  codeBytes,
  columnsOf,
  dimension,
  errorAt,
  m,
  mean,
  metric,
  paddedBytes,
  part,
  point,
  pointBytes,
  rotates,
  rotation,
  rowOf,
  SLACK,
  strideBytes,
  toCentroids,
} from './product-model';
import { sumF32, sumsF32 } from './simd';

/** Writes the code of the f32 vector at `x`, which under cosine is normalized. The prepared query stays. */
export function encodeProduct(x: usize, code: usize): void {
  pointOfProduct(x, point);
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

/** |r̂|² + 2 ⟨c, r̂⟩ within one part. */
function crossOf(r: usize, c: usize): f64 {
  let sum: f64 = 0;
  for (let i: usize = 0; i < strideBytes; i += 4) {
    const component = <f64>load<f32>(r + i);
    sum += component * (component + 2 * <f64>load<f32>(c + i));
  }
  return sum;
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

function subtract(a: usize, b: usize): void {
  for (let i: usize = 0; i < pointBytes; i += 16) {
    v128.store(a + i, f32x4.sub(v128.load(a + i), v128.load(b + i)));
  }
}

/** R (x − μ) of the f32 vector at `x`, cut into parts: m · stride floats to `to`. The prepared query stays. */
export function pointOfProduct(x: usize, to: usize): void {
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
export function decodePoint(code: usize, to: usize): void {
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
