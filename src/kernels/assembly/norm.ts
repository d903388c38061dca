/** The length of a vector, in f64: squares of f32 values neither overflow nor vanish there. */
import { promoteHigh } from './simd';

/** Σ x², NaN or Infinity where a component is; `n` floats at `x`. */
export function norm2(x: usize, n: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  const end4 = x + ((<usize>(n & ~3)) << 2);
  const end = x + ((<usize>n) << 2);
  while (x < end4) {
    const lanes = v128.load(x);
    const low = f64x2.promote_low_f32x4(lanes);
    const high = promoteHigh(lanes);
    s0 = f64x2.add(s0, f64x2.mul(low, low));
    s1 = f64x2.add(s1, f64x2.mul(high, high));
    x += 16;
  }
  const s = f64x2.add(s0, s1);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  while (x < end) {
    const v = <f64>load<f32>(x);
    sum += v * v;
    x += 4;
  }
  return sum;
}

/** x ← factor · x, rounded once. */
export function scale(x: usize, n: i32, factor: f64): void {
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    store<f32>(x, <f32>(<f64>load<f32>(x) * factor));
    x += 4;
  }
}
