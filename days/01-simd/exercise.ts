// Day 1, simd: write what is missing between "@hole" and "@end", then run: npm run check -- 1
// Hints, in three levels: hints.md. To start again: npm run reset -- 1. (Made from solution.ts: npm run exercises -- 1)

/**
 * Distances on 128-bit lanes. Four f32 sit side by side in one `v128`, and one instruction works on all four; four sums that do
 * not wait for each other keep the adder busy; four vectors in one call share every load of the query.
 *
 * This file is AssemblyScript: TypeScript's syntax, WebAssembly's types. A vector is a byte address (`usize`) and a dimension `n`;
 * its component i is the f32 at `address + 4 * i`. What you need of the language is in the notebook, under "The instructions beside the code".
 */

/** Σ aᵢ · bᵢ, the inner product. */
export function dot(a: usize, b: usize, n: i32): f32 {
  const blocks: usize = (n & ~15) << 2; // bytes in whole blocks of 16 components: four lanes, four times
  const bytes: usize = n << 2; // bytes in all; between the two lies the tail, 0 to 15 components
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let sum: f32 = 0;
  let i: usize = 0;
  // @hole dot
  // @task For each block, add the products of its first four components to the lanes of s0, of the next four to s1, then s2, s3.
  // @task Then put into `sum` all sixteen lanes (sumLanes adds up four), and add the products of the tail one by one.
  throw new Error('hole dot of day 1 is not written yet');
  // @end
  return sum;
}

/** Σ (aᵢ − bᵢ)², the squared Euclidean distance: it orders like the distance itself and needs no root. */
export function l2(a: usize, b: usize, n: i32): f32 {
  const blocks: usize = (n & ~15) << 2;
  const bytes: usize = n << 2;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let sum: f32 = 0;
  let i: usize = 0;
  // @hole l2
  // @task The same walk; what is added up are squared differences (addSquares adds a difference, squared, to a sum).
  throw new Error('hole l2 of day 1 is not written yet');
  // @end
  return sum;
}

/**
 * Squared distances from the query `q` to four vectors, written as four f32 to `out`. Each load of the query serves four
 * vectors, the four sums are independent as they are, and four streams from memory run at the same time.
 */
export function l2x4(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  const quads: usize = (n & ~3) << 2; // bytes in whole groups of four components
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let i: usize = 0;
  // @hole l2x4
  // @task Load four components of the query once, and add their squared differences from a, b, c and d to s0, s1, s2 and s3.
  // @task Then store the four sums at out, out + 4, out + 8 and out + 12. For the tail, 0 to 3 components, call l2.
  throw new Error('hole l2x4 of day 1 is not written yet');
  // @end
}

/** sum + difference², lane by lane. */
function addSquares(sum: v128, difference: v128): v128 {
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

/** The four lanes added up: (x₀ + x₂) + (x₁ + x₃). */
function sumLanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}
