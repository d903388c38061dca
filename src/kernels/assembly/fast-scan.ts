/**
 * Fast scan (André, Kermarrec, Le Scouarnec, VLDB 2015 and ICMR 2017): distances from tables of sixteen entries, 32 codes at a
 * time. A table of sixteen bytes is one vector register, and a byte shuffle looks sixteen codes up in it at once, where
 * product.ts makes a load from memory for every one of them.
 *
 * To be bytes, the entries of the tables are rounded to multiples of one step: entry = least of its table + step · byte, and
 * distance = (sum of the leasts) + step · Σ bytes, off by half a step for each table at most. Sums are u16; where 255 a table
 * would not fit there (more than 257 tables), the step grows until it does.
 *
 * A block of 32 codes: for each subspace 16 bytes, byte i with code i in its low half and code i + 16 in its high one.
 */

/** Codes in a block, and bytes of it for each subspace. */
export const BLOCK_CODES: i32 = 32;
const SUBSPACE_BYTES: usize = 16;
/** Entries of a table. */
const ENTRIES: usize = 16;

/** Of the tables quantized last: the sum of their least entries, and what 1 in the sum of bytes stands for. */
export let leastSum: f32 = 0;
export let tableStep: f32 = 0;

/** Writes `m` tables of sixteen floats, from `tables` on, as tables of sixteen bytes to `bytes`. */
export function quantizeTables(tables: usize, m: i32, bytes: usize): void {
  const end = tables + ((<usize>m) << 6);
  let leasts: f64 = 0;
  let ranges: f64 = 0;
  let widest: f32 = 0;
  for (let table = tables; table < end; table += ENTRIES << 2) {
    const lo = leastOf(table);
    const range = greatestOf(table) - lo;
    leasts += <f64>lo;
    ranges += <f64>range;
    widest = max<f32>(widest, range);
  }
  // Rounding may add half a step for each table.
  tableStep = max<f32>(widest / 255, <f32>(ranges / <f64>(65535 - m)));
  leastSum = <f32>leasts;
  const steps = f32x4.splat(tableStep);
  for (let table = tables; table < end; table += ENTRIES << 2) {
    if (tableStep > 0) {
      const lo = f32x4.splat(leastOf(table));
      const low = i16x8.narrow_i32x4_s(levels(table, lo, steps), levels(table + 16, lo, steps));
      const high = i16x8.narrow_i32x4_s(levels(table + 32, lo, steps), levels(table + 48, lo, steps));
      v128.store(bytes, i8x16.narrow_i16x8_u(low, high));
    } else v128.store(bytes, i8x16.splat(0));
    bytes += ENTRIES;
  }
}

/** Four entries in steps above the least, rounded; narrowing clips what rounding carries above 255. */
function levels(entries: usize, lo: v128, steps: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.div(f32x4.sub(v128.load(entries), lo), steps)));
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
 * Distances to the 32 codes of a block, by the `m` tables of bytes at `tables`, as 32 floats to `distances`.
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
  while (block < end) {
    const codes = v128.load(block);
    const table = v128.load(tables);
    const found0 = lookUp(table, v128.and(codes, halves));
    const found1 = lookUp(table, v128.and(i16x8.shr_u(codes, 4), halves));
    both0 = i16x8.add(both0, found0);
    odd0 = i16x8.add(odd0, i16x8.shr_u(found0, 8));
    both1 = i16x8.add(both1, found1);
    odd1 = i16x8.add(odd1, i16x8.shr_u(found1, 8));
    block += SUBSPACE_BYTES;
    tables += ENTRIES;
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
