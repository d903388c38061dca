// Day 8, nanoseconds: write what is missing between "@hole" and "@end", then run: npm run check -- 8
// Hints, in three levels: hints.md. To start again: npm run reset -- 8. (Made from solution.ts: npm run exercises -- 8)

/**
 * Distances on 7-bit codes. A component is one byte, 0 … 127, of a grid that each vector has for itself: x ≈ lo + step · c. Sixteen
 * fit into one `v128`, a vector of 1024 components into 16 cache lines instead of 64; and the lines of several vectors are fetched
 * together before one of them is waited for.
 *
 * AssemblyScript, as on day 01. A record is `n` bytes of codes (`n` a multiple of 16), then four f32, its factors: lo, step,
 * step · Σc and step² · Σc². It begins on a cache line and is filled up to whole ones (`recordBytes`).
 */

/** Records whose lines are fetched together. */
const AHEAD: i32 = 16;
const LINE_BYTES: usize = 64;

/** Bytes from one record to the next. */
export function recordBytes(n: i32): i32 {
  return (n + 16 + 63) & ~63;
}

/** Σ aᵢ · bᵢ over `n` bytes of codes, `n` a multiple of 16. Exact: integers do not round. */
export function codeDot(a: usize, b: usize, n: i32): i32 {
  const blocks: usize = n & ~63;
  const bytes: usize = n;
  const ones = onesFor(n);
  let s0 = i32x4.splat(0);
  let s1 = i32x4.splat(0);
  let s2 = i32x4.splat(0);
  let s3 = i32x4.splat(0);
  let i: usize = 0;
  for (; i < blocks; i += 64) {
    s0 = dotAdd(s0, v128.load(a + i), v128.load(b + i), ones);
    s1 = dotAdd(s1, v128.load(a + i, 16), v128.load(b + i, 16), ones);
    s2 = dotAdd(s2, v128.load(a + i, 32), v128.load(b + i, 32), ones);
    s3 = dotAdd(s3, v128.load(a + i, 48), v128.load(b + i, 48), ones);
  }
  for (; i < bytes; i += 16) s0 = dotAdd(s0, v128.load(a + i), v128.load(b + i), ones);
  return sumLanes(i32x4.add(i32x4.add(s0, s1), i32x4.add(s2, s3)));
}

/** The four i32 of `sum`, and the sixteen products xᵢ · yᵢ of codes added to them, four to each; which four is free. */
export function dotAdd(sum: v128, x: v128, y: v128, ones: v128): v128 {
  // @hole dot-add
  // @task Multiply sixteen codes by sixteen and add the products in pairs: eight i16. i16x8.relaxed_dot_i8x16_i7x16_s(x, y) is all of that
  // @task in one instruction, since y is below 128. Then add up neighbouring pairs in 32 bits, which is a dot with ones, and return
  // @task the four i32 added to `sum`.
  throw new Error('hole dot-add of day 8 is not written yet');
  // @end
}

/** |x − x'|² of the two vectors that the codes stand for, from their factors at `fa` and `fb` and the integer dot of their codes. */
export function l2OfCodes(fa: usize, fb: usize, integerDot: i32, n: i32): f32 {
  // @hole l2-of-codes
  // @task Load both vectors' factors: lo, step, step · Σc and step² · Σc², four bytes each.
  // @task With d = lo − lo', return n d² + 2 d (step Σc − step' Σc') + step² Σc² + step'² Σc'² − 2 step step' Σcc', or 0 where
  // @task rounding has left less.
  throw new Error('hole l2-of-codes of day 8 is not written yet');
  // @end
}

/** Squared distance of two records. */
export function distance(a: usize, b: usize, n: i32): f32 {
  return l2OfCodes(a + n, b + n, codeDot(a, b, n), n);
}

/** Squared distances from the record `q` to the `count` records whose addresses, u32 each, are at `list`; f32 each, to `out`. */
export function distancesTo(q: usize, list: usize, count: i32, n: i32, out: usize): void {
  const end: usize = n + 16; // bytes of a record that are used
  let touched: u32 = 0;
  // @hole touch
  // @task Take the records AHEAD at a time, the last time as many as are left. Of each load<u8> one byte of every line that is used,
  // @task `touched ^=` what it is; and only when all of them are touched, store their distances at out, four bytes each.
  throw new Error('hole touch of day 8 is not written yet');
  // @end
  sink = touched;
}

/** The same, one record after the other. */
export function distancesOneByOne(q: usize, list: usize, count: i32, n: i32, out: usize): void {
  for (let j = 0; j < count; j++) store<f32>(out + ((<usize>j) << 2), distance(q, recordAt(list, j), n));
}

/** The address of record `j` of a list. */
function recordAt(list: usize, j: i32): usize {
  return load<u32>(list + ((<usize>j) << 2));
}

/** Where what was only touched goes, so that no compiler drops the loads. */
let sink: u32 = 0;

/** Sixteen-bit ones that the compiler cannot see through: a constant it would make anew in every round of the loop. */
function onesFor(n: i32): v128 {
  return i16x8.splat(<i16>(n > 0));
}

/** The four lanes added up. */
function sumLanes(x: v128): i32 {
  const pairs = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}
