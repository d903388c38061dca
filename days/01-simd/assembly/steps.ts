/**
 * The steps between the plain loop and the solution, one change at a time, for the benchmark: how many components an addition
 * takes (one, or four lanes), and how many sums take turns (one, two, four, eight). All compute Σ (aᵢ − bᵢ)²; `n` is a multiple
 * of 32 here, and tails are left out.
 *
 * AssemblyScript. Whoever has not written l2 yet finds half of it here.
 */

/** The plain loop: one component, one sum. */
export function scalar1(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let sum: f32 = 0;
  for (let i: usize = 0; i < bytes; i += 4) sum += square(load<f32>(a + i) - load<f32>(b + i));
  return sum;
}

/** One component, four sums. */
export function scalar4(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0: f32 = 0;
  let s1: f32 = 0;
  let s2: f32 = 0;
  let s3: f32 = 0;
  for (let i: usize = 0; i < bytes; i += 16) {
    s0 += square(load<f32>(a + i) - load<f32>(b + i));
    s1 += square(load<f32>(a + i, 4) - load<f32>(b + i, 4));
    s2 += square(load<f32>(a + i, 8) - load<f32>(b + i, 8));
    s3 += square(load<f32>(a + i, 12) - load<f32>(b + i, 12));
  }
  return s0 + s1 + (s2 + s3);
}

/** Four lanes, one sum. */
export function lanes1(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) s0 = addSquares(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
  return sumLanes(s0);
}

/** Four lanes, two sums. */
export function lanes2(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 32) {
    s0 = addSquares(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = addSquares(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
  }
  return sumLanes(f32x4.add(s0, s1));
}

/** Four lanes, four sums: the solution's l2 without its tail. */
export function lanes4(a: usize, b: usize, n: i32): f32 {
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 64) {
    s0 = addSquares(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = addSquares(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = addSquares(s2, f32x4.sub(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = addSquares(s3, f32x4.sub(v128.load(a + i, 48), v128.load(b + i, 48)));
  }
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Four lanes, eight sums. */
export function lanes8(a: usize, b: usize, n: i32): f32 {
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
    s0 = addSquares(s0, f32x4.sub(v128.load(a + i), v128.load(b + i)));
    s1 = addSquares(s1, f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = addSquares(s2, f32x4.sub(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = addSquares(s3, f32x4.sub(v128.load(a + i, 48), v128.load(b + i, 48)));
    s4 = addSquares(s4, f32x4.sub(v128.load(a + i, 64), v128.load(b + i, 64)));
    s5 = addSquares(s5, f32x4.sub(v128.load(a + i, 80), v128.load(b + i, 80)));
    s6 = addSquares(s6, f32x4.sub(v128.load(a + i, 96), v128.load(b + i, 96)));
    s7 = addSquares(s7, f32x4.sub(v128.load(a + i, 112), v128.load(b + i, 112)));
  }
  const front = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return sumLanes(f32x4.add(front, f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7))));
}

function square(x: f32): f32 {
  return x * x;
}

/** sum + difference², lane by lane. */
function addSquares(sum: v128, difference: v128): v128 {
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

function sumLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
