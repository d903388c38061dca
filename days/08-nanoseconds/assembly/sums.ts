/**
 * l2 in f32, one change at a time: how many sums take turns, and whether a product and its addition are one instruction or two.
 * The files of day 01 have it with two (`lanes1`, … `lanes8` in steps.ts); here are the fused ones. `n` is a multiple of 32.
 *
 * AssemblyScript, with relaxed SIMD.
 */

/** One sum: each step waits for the one before, four or so cycles. */
export function fused1(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) s0 = fused(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
  return sumLanes(s0);
}

export function fused2(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 32) {
    s0 = fused(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = fused(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
  }
  return sumLanes(f32x4.add(s0, s1));
}

export function fused4(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 64) {
    s0 = fused(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = fused(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = fused(s2, f32x4.sub(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = fused(s3, f32x4.sub(v128.load(a + i, 48), v128.load(b + i, 48)));
  }
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

export function fused8(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 128) {
    s0 = fused(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = fused(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = fused(s2, f32x4.sub(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = fused(s3, f32x4.sub(v128.load(a + i, 48), v128.load(b + i, 48)));
    s4 = fused(s4, f32x4.sub(v128.load(a + i, 64), v128.load(b + i, 64)));
    s5 = fused(s5, f32x4.sub(v128.load(a + i, 80), v128.load(b + i, 80)));
    s6 = fused(s6, f32x4.sub(v128.load(a + i, 96), v128.load(b + i, 96)));
    s7 = fused(s7, f32x4.sub(v128.load(a + i, 112), v128.load(b + i, 112)));
  }
  const front = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return sumLanes(f32x4.add(front, f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7))));
}

/** sum + difference², lane by lane, rounded once where the machine has the instruction. */
function fused(sum: v128, difference: v128): v128 {
  return f32x4.relaxed_madd(difference, difference, sum);
}

function sumLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
