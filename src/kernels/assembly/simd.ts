/** The few v128 operations that every kernel shares, in the form that this build (relaxed or baseline) has them. */

/** a · b + c, fused where the build is relaxed. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, c);
  return v128.add<f32>(v128.mul<f32>(a, b), c);
}

/** Towards zero; the lanes are known to be finite and in the range of i32, where both builds agree. */
export function truncate(a: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_trunc<i32>(a);
  return i32x4.trunc_sat_f32x4_s(a);
}

export function sumF32(a: v128): f32 {
  const b = v128.add<f32>(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return v128.extract_lane<f32>(b, 0) + v128.extract_lane<f32>(b, 1);
}

export function sumI32(a: v128): i32 {
  const b = v128.add<i32>(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return v128.extract_lane<i32>(b, 0) + v128.extract_lane<i32>(b, 1);
}

/** The four horizontal sums of four vectors, one per lane: a transposed addition. */
export function sumsF32(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.add<f32>(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = v128.add<f32>(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return v128.add<f32>(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

export function sumsI32(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.add<i32>(v128.shuffle<i32>(a, b, 0, 1, 4, 5), v128.shuffle<i32>(a, b, 2, 3, 6, 7));
  const cd = v128.add<i32>(v128.shuffle<i32>(c, d, 0, 1, 4, 5), v128.shuffle<i32>(c, d, 2, 3, 6, 7));
  return v128.add<i32>(v128.shuffle<i32>(ab, cd, 0, 2, 4, 6), v128.shuffle<i32>(ab, cd, 1, 3, 5, 7));
}

/** The upper two lanes in f64. */
export function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}

/** sums + Σ ab of four lanes in f64, where products of f32 values neither overflow nor vanish. */
export function addProducts(sums: v128, a: v128, b: v128): v128 {
  const low = f64x2.mul(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
  return f64x2.add(sums, f64x2.add(low, f64x2.mul(promoteHigh(a), promoteHigh(b))));
}

export function sumF64(a: v128): f64 {
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}
