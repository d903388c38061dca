/**
 * One part of a point against all centroids of its codebook, sixteen at a time as they lie in columns: by these codes are chosen,
 * and of these a query's tables are made.
 */
import { K, part } from './product-model';
import { multiplyAdd } from './simd';

/** Squared distances to the K centroids, as floats to `out`; never fused, as they decide codes. */
export function exactSquaresTo(x: usize, column: usize, out: usize): void {
  Columns.squaresTo(false, x, column, out);
}

/** The same for tables: fused where the build is. */
export function squaresTo(x: usize, column: usize, out: usize): void {
  Columns.squaresTo(true, x, column, out);
}

/** Compiled into its callers, where `fused` is a constant. */
class Columns {
  @inline
  static squaresTo(fused: bool, x: usize, column: usize, out: usize): void {
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
        s0 = fused ? multiplyAdd(d0, d0, s0) : f32x4.add(s0, f32x4.mul(d0, d0));
        s1 = fused ? multiplyAdd(d1, d1, s1) : f32x4.add(s1, f32x4.mul(d1, d1));
        s2 = fused ? multiplyAdd(d2, d2, s2) : f32x4.add(s2, f32x4.mul(d2, d2));
        s3 = fused ? multiplyAdd(d3, d3, s3) : f32x4.add(s3, f32x4.mul(d3, d3));
        c += bytes;
      }
      v128.store(out + at, s0);
      v128.store(out + at, s1, 16);
      v128.store(out + at, s2, 32);
      v128.store(out + at, s3, 48);
    }
  }
}

/** Inner products, times `factor`, of one part of a point with the K centroids, for tables too. */
export function productsTo(x: usize, column: usize, factor: f32, out: usize): void {
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
export function leastAt(values: usize): i32 {
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
