/**
 * The integer dot of bytes in five ways, from what any bytes need to what 7-bit codes allow. Σ a·b over `n` bytes, `n` a multiple of
 * 64, all in 0 … 127, so that all of them are right.
 *
 * AssemblyScript, with relaxed SIMD.
 */

/** Any signed bytes: widened to 16 bits, multiplied and added up in pairs in 32. */
export function extended(a: usize, b: usize, n: i32): i32 {
  const bytes: usize = n;
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(a + i);
    const y = v128.load(b + i);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_s(y)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), i16x8.extend_high_i8x16_s(y)));
  }
  return sumLanes(i32x4.add(s0, s1));
}

/** 7-bit codes: multiplied half by half, and added in pairs of 16 bits. What relaxed_dot is, in plain SIMD. */
export function halves1(a: usize, b: usize, n: i32): i32 {
  const bytes: usize = n;
  const ones = onesFor(n);
  let s0 = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(a + i);
    const y = v128.load(b + i);
    const pairs = i16x8.add(i16x8.extmul_low_i8x16_s(x, y), i16x8.extmul_high_i8x16_s(x, y));
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(pairs, ones));
  }
  return sumLanes(s0);
}

/** The two multiplications and the addition are one instruction on x86: i16x8.relaxed_dot_i8x16_i7x16_s. */
export function relaxed1(a: usize, b: usize, n: i32): i32 {
  const bytes: usize = n;
  const ones = onesFor(n);
  let s0 = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) s0 = relaxed(s0, v128.load(a + i), v128.load(b + i), ones);
  return sumLanes(s0);
}

/** All of it in one instruction, where the machine has it (AVX-VNNI, ARM dotprod): i32x4.relaxed_dot_i8x16_i7x16_add_s. */
export function relaxedAdd4(a: usize, b: usize, n: i32): i32 {
  const bytes: usize = n;
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 64) {
    s0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + i), v128.load(b + i), s0);
    s1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + i, 16), v128.load(b + i, 16), s1);
    s2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + i, 32), v128.load(b + i, 32), s2);
    s3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(a + i, 48), v128.load(b + i, 48), s3);
  }
  return sumLanes(i32x4.add(i32x4.add(s0, s1), i32x4.add(s2, s3)));
}

/** Sixteen-bit ones that the compiler cannot see through: a constant it would make anew in every round of the loop. */
function onesFor(n: i32): v128 {
  return i16x8.splat(<i16>(n > 0));
}

function relaxed(sum: v128, x: v128, y: v128, ones: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(x, y), ones));
}

function sumLanes(x: v128): i32 {
  const pairs = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}
