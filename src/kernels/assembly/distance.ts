/**
 * Distances between f32 vectors: squared L2, inner product, Manhattan. Each comes one vector per call and four per call.
 * There is no prefetch in WebAssembly: four independent streams in one loop keep as many cache misses in flight.
 *
 * `a`, `b`, … are byte addresses (no alignment needed), `n` the dimension, any from 1; the tail is taken one by one.
 */
import { multiplyAdd, sumF32, sumsF32 } from './simd';

export function l2(a: usize, b: usize, n: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end16 = a + ((<usize>(n & ~15)) << 2);
  const end4 = a + ((<usize>(n & ~3)) << 2);
  const end = a + ((<usize>n) << 2);
  while (a < end16) {
    const d0 = f32x4.sub(v128.load(a), v128.load(b));
    const d1 = f32x4.sub(v128.load(a, 16), v128.load(b, 16));
    const d2 = f32x4.sub(v128.load(a, 32), v128.load(b, 32));
    const d3 = f32x4.sub(v128.load(a, 48), v128.load(b, 48));
    s0 = multiplyAdd(d0, d0, s0);
    s1 = multiplyAdd(d1, d1, s1);
    s2 = multiplyAdd(d2, d2, s2);
    s3 = multiplyAdd(d3, d3, s3);
    a += 64;
    b += 64;
  }
  while (a < end4) {
    const d = f32x4.sub(v128.load(a), v128.load(b));
    s0 = multiplyAdd(d, d, s0);
    a += 16;
    b += 16;
  }
  let sum = sumF32(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  while (a < end) {
    const d = load<f32>(a) - load<f32>(b);
    sum += d * d;
    a += 4;
    b += 4;
  }
  return sum;
}

export function dot(a: usize, b: usize, n: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end16 = a + ((<usize>(n & ~15)) << 2);
  const end4 = a + ((<usize>(n & ~3)) << 2);
  const end = a + ((<usize>n) << 2);
  while (a < end16) {
    s0 = multiplyAdd(v128.load(a), v128.load(b), s0);
    s1 = multiplyAdd(v128.load(a, 16), v128.load(b, 16), s1);
    s2 = multiplyAdd(v128.load(a, 32), v128.load(b, 32), s2);
    s3 = multiplyAdd(v128.load(a, 48), v128.load(b, 48), s3);
    a += 64;
    b += 64;
  }
  while (a < end4) {
    s0 = multiplyAdd(v128.load(a), v128.load(b), s0);
    a += 16;
    b += 16;
  }
  let sum = sumF32(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  while (a < end) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

export function manhattan(a: usize, b: usize, n: i32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  const end8 = a + ((<usize>(n & ~7)) << 2);
  const end4 = a + ((<usize>(n & ~3)) << 2);
  const end = a + ((<usize>n) << 2);
  while (a < end8) {
    s0 = f32x4.add(s0, f32x4.abs(f32x4.sub(v128.load(a), v128.load(b))));
    s1 = f32x4.add(s1, f32x4.abs(f32x4.sub(v128.load(a, 16), v128.load(b, 16))));
    a += 32;
    b += 32;
  }
  while (a < end4) {
    s0 = f32x4.add(s0, f32x4.abs(f32x4.sub(v128.load(a), v128.load(b))));
    a += 16;
    b += 16;
  }
  let sum = sumF32(f32x4.add(s0, s1));
  while (a < end) {
    sum += abs(load<f32>(a) - load<f32>(b));
    a += 4;
    b += 4;
  }
  return sum;
}

/** Squared L2 from `q` to four vectors; lane i belongs to the i-th. */
export function l2x4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end8: usize = (<usize>(n & ~7)) << 2;
  const end4: usize = (<usize>(n & ~3)) << 2;
  let i: usize = 0;
  while (i < end8) {
    let x = v128.load(q + i);
    let t0 = f32x4.sub(x, v128.load(a + i));
    let t1 = f32x4.sub(x, v128.load(b + i));
    let t2 = f32x4.sub(x, v128.load(c + i));
    let t3 = f32x4.sub(x, v128.load(d + i));
    s0 = multiplyAdd(t0, t0, s0);
    s1 = multiplyAdd(t1, t1, s1);
    s2 = multiplyAdd(t2, t2, s2);
    s3 = multiplyAdd(t3, t3, s3);
    x = v128.load(q + i, 16);
    t0 = f32x4.sub(x, v128.load(a + i, 16));
    t1 = f32x4.sub(x, v128.load(b + i, 16));
    t2 = f32x4.sub(x, v128.load(c + i, 16));
    t3 = f32x4.sub(x, v128.load(d + i, 16));
    s0 = multiplyAdd(t0, t0, s0);
    s1 = multiplyAdd(t1, t1, s1);
    s2 = multiplyAdd(t2, t2, s2);
    s3 = multiplyAdd(t3, t3, s3);
    i += 32;
  }
  if (i < end4) {
    const x = v128.load(q + i);
    const t0 = f32x4.sub(x, v128.load(a + i));
    const t1 = f32x4.sub(x, v128.load(b + i));
    const t2 = f32x4.sub(x, v128.load(c + i));
    const t3 = f32x4.sub(x, v128.load(d + i));
    s0 = multiplyAdd(t0, t0, s0);
    s1 = multiplyAdd(t1, t1, s1);
    s2 = multiplyAdd(t2, t2, s2);
    s3 = multiplyAdd(t3, t3, s3);
    i += 16;
  }
  let sums = sumsF32(s0, s1, s2, s3);
  const end = (<usize>n) << 2;
  while (i < end) {
    const t = f32x4.sub(v128.load32_splat(q + i), gather(a + i, b + i, c + i, d + i));
    sums = multiplyAdd(t, t, sums);
    i += 4;
  }
  return sums;
}

/** Inner product of `q` with four vectors. */
export function dotx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end8: usize = (<usize>(n & ~7)) << 2;
  const end4: usize = (<usize>(n & ~3)) << 2;
  let i: usize = 0;
  while (i < end8) {
    let x = v128.load(q + i);
    s0 = multiplyAdd(x, v128.load(a + i), s0);
    s1 = multiplyAdd(x, v128.load(b + i), s1);
    s2 = multiplyAdd(x, v128.load(c + i), s2);
    s3 = multiplyAdd(x, v128.load(d + i), s3);
    x = v128.load(q + i, 16);
    s0 = multiplyAdd(x, v128.load(a + i, 16), s0);
    s1 = multiplyAdd(x, v128.load(b + i, 16), s1);
    s2 = multiplyAdd(x, v128.load(c + i, 16), s2);
    s3 = multiplyAdd(x, v128.load(d + i, 16), s3);
    i += 32;
  }
  if (i < end4) {
    const x = v128.load(q + i);
    s0 = multiplyAdd(x, v128.load(a + i), s0);
    s1 = multiplyAdd(x, v128.load(b + i), s1);
    s2 = multiplyAdd(x, v128.load(c + i), s2);
    s3 = multiplyAdd(x, v128.load(d + i), s3);
    i += 16;
  }
  let sums = sumsF32(s0, s1, s2, s3);
  const end = (<usize>n) << 2;
  while (i < end) {
    sums = multiplyAdd(v128.load32_splat(q + i), gather(a + i, b + i, c + i, d + i), sums);
    i += 4;
  }
  return sums;
}

/** Manhattan distance from `q` to four vectors. */
export function manhattanx4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const end4: usize = (<usize>(n & ~3)) << 2;
  let i: usize = 0;
  while (i < end4) {
    const x = v128.load(q + i);
    s0 = f32x4.add(s0, f32x4.abs(f32x4.sub(x, v128.load(a + i))));
    s1 = f32x4.add(s1, f32x4.abs(f32x4.sub(x, v128.load(b + i))));
    s2 = f32x4.add(s2, f32x4.abs(f32x4.sub(x, v128.load(c + i))));
    s3 = f32x4.add(s3, f32x4.abs(f32x4.sub(x, v128.load(d + i))));
    i += 16;
  }
  let sums = sumsF32(s0, s1, s2, s3);
  const end = (<usize>n) << 2;
  while (i < end) {
    sums = f32x4.add(sums, f32x4.abs(f32x4.sub(v128.load32_splat(q + i), gather(a + i, b + i, c + i, d + i))));
    i += 4;
  }
  return sums;
}

function gather(a: usize, b: usize, c: usize, d: usize): v128 {
  let lanes = v128.load32_splat(a);
  lanes = v128.load_lane<f32>(b, lanes, 1);
  lanes = v128.load_lane<f32>(c, lanes, 2);
  return v128.load_lane<f32>(d, lanes, 3);
}
