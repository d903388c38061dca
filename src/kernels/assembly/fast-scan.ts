/**
 * Fast scan (André, Kermarrec, Le Scouarnec, VLDB 2015 and ICMR 2017): distances from tables of sixteen entries, 32 codes at a
 * time. A table of sixteen bytes is one vector register, and a byte shuffle looks sixteen codes up in it at once, where
 * `product-tables.ts` makes a load from memory for every one of them.
 *
 * To be bytes, the entries of the tables are rounded to multiples of one step: entry = least of its table + step · level, and
 * distance = (sum of the leasts) + step · Σ levels, off by half a step for each table at most. Sums are u16.
 *
 * Unlike the papers, which clip what is too far to matter, we let one table in eight have levels above 255, in a second table
 * of their high bytes: after an optimizing rotation few subspaces hold most of the variance, and a step that makes 255 levels of
 * theirs leaves hardly any to the others (recall@10 of fashion-mnist, m = 112: 0.59 instead of 0.74).
 *
 * A block of 32 codes: for each subspace 16 bytes, byte i with code i in its low half and code i + 16 in its high one.
 */

/** Codes in a block, and bytes of it for each subspace. */
export const BLOCK_CODES: i32 = 32;
const SUBSPACE_BYTES: usize = 16;
/** Entries of a table, and bytes of it. */
const ENTRIES: usize = 16;

/** Of the tables quantized last: the sum of their least entries, and what 1 in the sum of bytes stands for. */
export let leastSum: f32 = 0;
export let tableStep: f32 = 0;

/** Bytes of what a wide table has besides: the high bytes of its levels, and where in a block its subspace is. */
const WIDE_BYTES: usize = 32;
let wideCount: i32 = 0;

/**
 * Writes `m` tables of sixteen floats, from `tables` on, as tables of bytes to `bytes`: 16 for each, then 32 for each wide one,
 * of which there are ⌈m / 8⌉ at most.
 */
export function quantizeTables(tables: usize, m: i32, bytes: usize): void {
  // What is known of a table lies where its bytes will.
  let leasts: f64 = 0;
  let ranges: f64 = 0;
  let widest: f32 = 0;
  for (let j = 0; j < m; j++) {
    const table = tables + ((<usize>j) << 6);
    const lo = leastOf(table);
    const range = greatestOf(table) - lo;
    store<f32>(bytes + ((<usize>j) << 4), lo);
    store<f32>(bytes + ((<usize>j) << 4), range, 4);
    leasts += <f64>lo;
    ranges += <f64>range;
    widest = max<f32>(widest, range);
  }
  leastSum = <f32>leasts;
  // Rounding may add half a step for each table to the sum, which must stay below 2^16.
  const most = <f64>(65535 - m);
  tableStep = max<f32>(widest / 255, <f32>(ranges / most));
  for (let halvings = 0; halvings < 8; halvings++) {
    const half = tableStep / 2;
    if (ranges > <f64>half * most || countWide(bytes, m, half) > (m + 7) >> 3) break;
    tableStep = half;
  }
  let wide = bytes + ((<usize>m) << 4);
  wideCount = 0;
  const lowByte = i32x4.splat(255);
  for (let j = 0; j < m; j++) {
    const to = bytes + ((<usize>j) << 4);
    const table = tables + ((<usize>j) << 6);
    const lo = v128.load32_splat(to);
    const range = load<f32>(to, 4);
    const a = levels(table, lo);
    const b = levels(table + 16, lo);
    const c = levels(table + 32, lo);
    const d = levels(table + 48, lo);
    store16Bytes(v128.and(a, lowByte), v128.and(b, lowByte), v128.and(c, lowByte), v128.and(d, lowByte), to);
    if (!isWide(range, tableStep)) continue;
    store16Bytes(i32x4.shr_u(a, 8), i32x4.shr_u(b, 8), i32x4.shr_u(c, 8), i32x4.shr_u(d, 8), wide);
    store<u32>(wide, j << 4, 16);
    wide += WIDE_BYTES;
    wideCount++;
  }
}

function countWide(bytes: usize, m: i32, step: f32): i32 {
  let count = 0;
  for (let j = 0; j < m; j++) count += <i32>isWide(load<f32>(bytes + ((<usize>j) << 4), 4), step);
  return count;
}

/** Whether a table of this range has levels above 255, to which everything below 255.5 is rounded. */
function isWide(range: f32, step: f32): bool {
  return range > <f32>255.25 * step;
}

/** Four entries in steps above the least, rounded. */
function levels(entries: usize, lo: v128): v128 {
  if (tableStep == 0) return i32x4.splat(0);
  const steps = f32x4.div(f32x4.sub(v128.load(entries), lo), f32x4.splat(tableStep));
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(steps));
}

function store16Bytes(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  v128.store(to, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

function leastOf(table: usize): f32 {
  const low = f32x4.pmin(v128.load(table), v128.load(table, 16));
  const high = f32x4.pmin(v128.load(table, 32), v128.load(table, 48));
  let least = f32x4.pmin(low, high);
  least = f32x4.pmin(least, v128.shuffle<f32>(least, least, 2, 3, 0, 1));
  return min<f32>(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1));
}

function greatestOf(table: usize): f32 {
  const low = f32x4.pmax(v128.load(table), v128.load(table, 16));
  const high = f32x4.pmax(v128.load(table, 32), v128.load(table, 48));
  let greatest = f32x4.pmax(low, high);
  greatest = f32x4.pmax(greatest, v128.shuffle<f32>(greatest, greatest, 2, 3, 0, 1));
  return max<f32>(f32x4.extract_lane(greatest, 0), f32x4.extract_lane(greatest, 1));
}

/** Packs `n` ≤ 32 codes of `m` halves of bytes (low half first), each `codeBytes` behind the one before; the rest are zeros. */
export function packBlock(codes: usize, n: i32, codeBytes: usize, m: i32, to: usize): void {
  memory.fill(to, 0, <usize>m * SUBSPACE_BYTES);
  for (let i = 0; i < n; i++) {
    const code = codes + <usize>i * codeBytes;
    const shift = i < 16 ? 0 : 4;
    const at = to + <usize>(i & 15);
    for (let j = 0; j < m; j++) {
      const half = (<i32>load<u8>(code + <usize>(j >> 1)) >> ((j & 1) << 2)) & 15;
      const byte = at + <usize>j * SUBSPACE_BYTES;
      store<u8>(byte, load<u8>(byte) | <u8>(half << shift));
    }
  }
}

/**
 * Distances to the 32 codes of a block, by the `m` tables that were quantized last, to `tables`, as 32 floats to `distances`.
 *
 * The bytes that a shuffle finds are added two by two, as the u16 they are together; the high ones, added once more by
 * themselves, are taken off at the end. That is one addition and one shift less than widening every byte.
 */
export function scanBlock(block: usize, tables: usize, m: i32, distances: usize): void {
  let both0 = i16x8.splat(0);
  let odd0 = i16x8.splat(0);
  let both1 = i16x8.splat(0);
  let odd1 = i16x8.splat(0);
  const halves = i8x16.splat(15);
  const end = block + <usize>m * SUBSPACE_BYTES;
  let at = block;
  while (at < end) {
    const codes = v128.load(at);
    const table = v128.load(tables);
    const found0 = lookUp(table, v128.and(codes, halves));
    const found1 = lookUp(table, v128.and(i16x8.shr_u(codes, 4), halves));
    both0 = i16x8.add(both0, found0);
    odd0 = i16x8.add(odd0, i16x8.shr_u(found0, 8));
    both1 = i16x8.add(both1, found1);
    odd1 = i16x8.add(odd1, i16x8.shr_u(found1, 8));
    at += SUBSPACE_BYTES;
    tables += ENTRIES;
  }
  // High bytes count 256 each, behind the tables of the low ones.
  const highBytes = i16x8.splat(<i16>0xff00);
  for (let i = 0; i < wideCount; i++) {
    const codes = v128.load(block + <usize>load<u32>(tables, 16));
    const table = v128.load(tables);
    const found0 = lookUp(table, v128.and(codes, halves));
    const found1 = lookUp(table, v128.and(i16x8.shr_u(codes, 4), halves));
    both0 = i16x8.add(both0, i16x8.shl(found0, 8));
    odd0 = i16x8.add(odd0, v128.and(found0, highBytes));
    both1 = i16x8.add(both1, i16x8.shl(found1, 8));
    odd1 = i16x8.add(odd1, v128.and(found1, highBytes));
    tables += WIDE_BYTES;
  }
  store16(both0, odd0, distances);
  store16(both1, odd1, distances + 64);
}

/** Sixteen bytes of the table; the places are 0 … 15, where both builds agree. */
function lookUp(table: v128, places: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, places) : i8x16.swizzle(table, places);
}

/** Sums of even and odd bytes, in turn, as distances. */
function store16(both: v128, odd: v128, distances: usize): void {
  const even = i16x8.sub(both, i16x8.shl(odd, 8));
  const first = v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
  const second = v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
  store4(i32x4.extend_low_i16x8_u(first), distances);
  store4(i32x4.extend_high_i16x8_u(first), distances + 16);
  store4(i32x4.extend_low_i16x8_u(second), distances + 32);
  store4(i32x4.extend_high_i16x8_u(second), distances + 48);
}

function store4(sums: v128, distances: usize): void {
  const steps = f32x4.mul(f32x4.convert_i32x4_u(sums), f32x4.splat(tableStep));
  v128.store(distances, f32x4.add(steps, f32x4.splat(leastSum)));
}
