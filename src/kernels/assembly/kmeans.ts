/**
 * The steps of k-means (`quantize/kmeans-training.ts` has the algorithm): which centroid is nearest to each row, what the mean
 * of each cluster is, and how far each row is from the nearest seed.
 *
 * Nearly all time goes into rows × centroids × dimensions, so that is blocked like a product of matrices. Eight centroids lie
 * interleaved in a panel: their prices, then their first components, and so on, of each the even ones' four and the odd ones'
 * four. So a lane is a centroid and nothing is ever summed across lanes; four rows by one panel are eight registers of sums,
 * for which each component costs four broadcast loads and two loads of the panel.
 *
 * Differences are squared as they are, not got from |x|² − 2 x·c + |c|². That form, fused, was 1.18 times as fast where this
 * was measured, but loses all digits for clusters far from the origin, and a row would not be at distance 0 from itself.
 *
 * Every result belongs to one row or one cluster and is computed in one order, however rows are shared among threads.
 */
import { l2, l2x4 } from './distance';
import { norm2 } from './norm';
import { multiplyAdd, promoteHigh } from './simd';
import { getF32, getU32, setF32, setU32 } from './words';

/** Centroids in a panel. */
const PANEL: i32 = 8;
/** Rows that are taken through all panels together: as many as stay in the second-level cache. */
const TILE_BYTES: i32 = 128 * 1024;
const MOST_TILE_ROWS: i32 = 256;

let dimension: i32 = 0;
let rowBytes: usize = 0;
let k: i32 = 0;
let rows: usize = 0;
let centroids: usize = 0;
let panels: usize = 0;
/** What each centroid's distances are raised by; infinity closes its cluster. */
let prices: usize = 0;
let best: usize = 0;

/**
 * `rows`, `centroids`: f32 vectors one behind the other; `prices`: k floats. `panels`: 4 · (dimension + 1) bytes for each
 * centroid, k rounded up to whole panels. This thread's `best`: MOST_TILE_ROWS · 36 bytes.
 */
export function configureKMeans(
  dimension_: i32,
  k_: i32,
  rows_: usize,
  centroids_: usize,
  panels_: usize,
  prices_: usize,
  best_: usize,
): void {
  dimension = dimension_;
  rowBytes = (<usize>dimension_) << 2;
  k = k_;
  rows = rows_;
  centroids = centroids_;
  panels = panels_;
  prices = prices_;
  best = best_;
}

/** Σ |x|² of rows `from` … `from + n`: NaN or Infinity where a component is. */
export function sumSquares(from: i32, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = from; i < from + n; i++) sum += norm2(rowAt(i), dimension);
  return sum;
}

/**
 * Finds for rows `from` … `from + n` (where `list` is not 0, for those listed there) the centroid whose distance and price are
 * least together, of equals the first. Writes it and the distance, without the price, to the row's (or its place's) words of
 * `nearest` and `distances`. Returns for how many rows another centroid stood there.
 */
export function assignRows(list: usize, from: i32, n: i32, nearest: usize, distances: usize): i32 {
  const fitting = min(MOST_TILE_ROWS, (TILE_BYTES / <i32>rowBytes) & ~3);
  const tileRows = max(4, fitting);
  const end = from + n;
  let changed = 0;
  for (let tile = from; tile < end; tile += tileRows) {
    changed += assignTile(list, tile, min(tile + tileRows, end), nearest, distances);
  }
  return changed;
}

/** For each row there is at `best`, lane by lane, the least distance and whose it is; the rows' addresses follow. */
function assignTile(list: usize, from: i32, to: i32, nearest: usize, distances: usize): i32 {
  const n = (to - from + 3) & ~3;
  const addresses = best + ((<usize>n) << 5);
  for (let i = 0; i < n; i++) {
    const at = best + ((<usize>i) << 5);
    v128.store(at, f32x4.splat(Infinity));
    v128.store(at, i32x4.splat(0), 16);
    const place = min(from + i, to - 1);
    setU32(addresses, i, <u32>rowAt(list == 0 ? place : <i32>getU32(list, place)));
  }
  for (let c = 0; c < k; c += PANEL) {
    const panel = panelOf(c);
    let at = best;
    for (let a = addresses, end = addresses + ((<usize>n) << 2); a < end; a += 16) {
      fourFromPanel(load<u32>(a), load<u32>(a, 4), load<u32>(a, 8), load<u32>(a, 12), panel, c, at);
      at += 128;
    }
  }
  let changed = 0;
  for (let i = from; i < to; i++) {
    const x = getU32(addresses, i - from);
    const whose = leastOf(best + ((<usize>(i - from)) << 5), x);
    changed += <i32>(getU32(nearest, i) != <u32>whose);
    setU32(nearest, i, whose);
    setF32(distances, i, l2(x, centroidAt(whose), dimension));
  }
  return changed;
}

/** Whose is the least distance of the row at x. A lane tells the panel and the pair; the pair is compared once more. */
function leastOf(at: usize, x: usize): i32 {
  let least = load<f32>(at);
  let even = load<i32>(at, 16);
  for (let lane = 1; lane < 4; lane++) {
    const distance = getF32(at, lane);
    const pair = <i32>getU32(at + 16, lane) + 2 * lane;
    if (distance < least || (distance == least && pair < even)) {
      least = distance;
      even = pair;
    }
  }
  const odd = even + 1;
  if (odd >= k) return even;
  const toEven = l2(x, centroidAt(even), dimension) + getF32(prices, even);
  return l2(x, centroidAt(odd), dimension) + getF32(prices, odd) < toEven ? odd : even;
}

/** |x − c|² + price for rows x, y, z, w and the eight centroids from `c` on, into the rows' least from `at` on. */
function fourFromPanel(x: usize, y: usize, z: usize, w: usize, panel: usize, c: i32, at: usize): void {
  const even = v128.load(panel);
  const odd = v128.load(panel, 16);
  let x0 = even;
  let x1 = odd;
  let y0 = even;
  let y1 = odd;
  let z0 = even;
  let z1 = odd;
  let w0 = even;
  let w1 = odd;
  panel += 32;
  const end = x + rowBytes;
  while (x < end) {
    const c0 = v128.load(panel);
    const c1 = v128.load(panel, 16);
    let component = v128.load32_splat(x);
    let t = f32x4.sub(component, c0);
    x0 = multiplyAdd(t, t, x0);
    t = f32x4.sub(component, c1);
    x1 = multiplyAdd(t, t, x1);
    component = v128.load32_splat(y);
    t = f32x4.sub(component, c0);
    y0 = multiplyAdd(t, t, y0);
    t = f32x4.sub(component, c1);
    y1 = multiplyAdd(t, t, y1);
    component = v128.load32_splat(z);
    t = f32x4.sub(component, c0);
    z0 = multiplyAdd(t, t, z0);
    t = f32x4.sub(component, c1);
    z1 = multiplyAdd(t, t, z1);
    component = v128.load32_splat(w);
    t = f32x4.sub(component, c0);
    w0 = multiplyAdd(t, t, w0);
    t = f32x4.sub(component, c1);
    w1 = multiplyAdd(t, t, w1);
    x += 4;
    y += 4;
    z += 4;
    w += 4;
    panel += 32;
  }
  const whose = i32x4.splat(c);
  keepLess(at, whose, x0, x1);
  keepLess(at + 32, whose, y0, y1);
  keepLess(at + 64, whose, z0, z1);
  keepLess(at + 96, whose, w0, w1);
}

/** Takes the distances to a panel's centroids into a row's least, pair by pair; of equals the earlier pair stays. */
function keepLess(at: usize, whose: v128, even: v128, odd: v128): void {
  const least = v128.load(at);
  const lesser = f32x4.pmin(even, odd);
  const less = f32x4.lt(lesser, least);
  v128.store(at, f32x4.pmin(least, lesser));
  v128.store(at, v128.bitselect(whose, v128.load(at, 16), less), 16);
}

/**
 * Lists rows 0 … n − 1 at `order` by their clusters, ascending within one; cluster c begins at `starts[c]` and k + 1 are set.
 */
export function groupRows(n: i32, nearest: usize, starts: usize, order: usize): void {
  memory.fill(starts, 0, (<usize>(k + 1)) << 2);
  for (let i = 0; i < n; i++) {
    const at = starts + ((<usize>getU32(nearest, i)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  // From sizes to ends; then each row, the last first, goes in front of its cluster's others.
  let end: u32 = 0;
  for (let c = 0; c <= k; c++) {
    end += getU32(starts, c);
    setU32(starts, c, end);
  }
  for (let i = n - 1; i >= 0; i--) {
    const at = starts + ((<usize>getU32(nearest, i)) << 2);
    const place = load<u32>(at) - 1;
    store<u32>(at, place);
    setU32(order, place, i);
  }
}

/** Centroids `from` … `to` − 1 become the means of their rows, summed in f64 and rounded once; one without rows stays. */
export function moveCentroids(from: i32, to: i32, starts: usize, order: usize): void {
  for (let c = from; c < to; c++) {
    const first = getU32(starts, c);
    const last = getU32(starts, c + 1);
    if (first < last) meanOf(centroidAt(c), order + ((<usize>first) << 2), order + ((<usize>last) << 2));
    packCentroid(c);
  }
}

/** The mean of the rows listed from `list` to `end`. Sixteen components at a time stay in registers, which is a cache line. */
function meanOf(mean: usize, list: usize, end: usize): void {
  const count = <f64>((end - list) >> 2);
  const share = f64x2.splat(count);
  const end16 = (<usize>(dimension & ~15)) << 2;
  let j: usize = 0;
  for (; j < end16; j += 64) {
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let s4 = s0;
    let s5 = s0;
    let s6 = s0;
    let s7 = s0;
    for (let at = list; at < end; at += 4) {
      const x = rowAt(load<u32>(at)) + j;
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v128.load64_zero(x)));
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.load64_zero(x, 8)));
      s2 = f64x2.add(s2, f64x2.promote_low_f32x4(v128.load64_zero(x, 16)));
      s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.load64_zero(x, 24)));
      s4 = f64x2.add(s4, f64x2.promote_low_f32x4(v128.load64_zero(x, 32)));
      s5 = f64x2.add(s5, f64x2.promote_low_f32x4(v128.load64_zero(x, 40)));
      s6 = f64x2.add(s6, f64x2.promote_low_f32x4(v128.load64_zero(x, 48)));
      s7 = f64x2.add(s7, f64x2.promote_low_f32x4(v128.load64_zero(x, 56)));
    }
    storeTwo(mean + j, f64x2.div(s0, share));
    storeTwo(mean + j + 8, f64x2.div(s1, share));
    storeTwo(mean + j + 16, f64x2.div(s2, share));
    storeTwo(mean + j + 24, f64x2.div(s3, share));
    storeTwo(mean + j + 32, f64x2.div(s4, share));
    storeTwo(mean + j + 40, f64x2.div(s5, share));
    storeTwo(mean + j + 48, f64x2.div(s6, share));
    storeTwo(mean + j + 56, f64x2.div(s7, share));
  }
  for (; j < rowBytes; j += 4) {
    let sum: f64 = 0;
    for (let at = list; at < end; at += 4) sum += <f64>load<f32>(rowAt(load<u32>(at)) + j);
    store<f32>(mean + j, <f32>(sum / count));
  }
}

function storeTwo(at: usize, mean: v128): void {
  v128.store64_lane(at, f32x4.demote_f64x2_zero(mean), 0);
}

/** Writes centroid c and its price into its lane of its panel; beyond k there are zeros, at a price that nobody takes. */
export function packCentroid(c: i32): void {
  const at = laneOf(c);
  const centroid = centroidAt(c);
  for (let j = 0; j < dimension; j++) {
    store<f32>(at + ((<usize>j) << 5), c < k ? getF32(centroid, j) : 0, 32);
  }
  store<f32>(at, c < k ? getF32(prices, c) : Infinity);
}

/** Writes the prices of all centroids into their panels. */
export function packPrices(): void {
  for (let c = 0; c < k; c++) store<f32>(laneOf(c), getF32(prices, c));
}

/** Row `row` becomes centroid c. */
export function placeCentroid(c: i32, row: i32): void {
  memory.copy(centroidAt(c), rowAt(row), rowBytes);
}

/**
 * k-means++: `distances` of rows `from` … `from + n` to the nearest of the centroids so far, now that centroid c is one of
 * them. Returns their sum.
 */
export function nearerRows(from: i32, n: i32, c: i32, distances: usize): f64 {
  const centroid = centroidAt(c);
  const end = from + n;
  const end4 = from + (n & ~3);
  let low = f64x2.splat(0);
  let high = low;
  let i = from;
  for (; i < end4; i += 4) {
    const a = rowAt(i);
    const at = distances + ((<usize>i) << 2);
    const d = f32x4.min(v128.load(at), l2x4(centroid, a, a + rowBytes, a + 2 * rowBytes, a + 3 * rowBytes, dimension));
    v128.store(at, d);
    low = f64x2.add(low, f64x2.promote_low_f32x4(d));
    high = f64x2.add(high, promoteHigh(d));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; i < end; i++) {
    const d = min(getF32(distances, i), l2(centroid, rowAt(i), dimension));
    setF32(distances, i, d);
    sum += <f64>d;
  }
  return sum;
}

/**
 * The row from `from` on at which the sum of `distances` comes to exceed `target`; the last of `n` that is not 0 if none does.
 */
export function rowAtSum(from: i32, n: i32, target: f64, distances: usize): i32 {
  let sum: f64 = 0;
  let found = from;
  for (let i = from; i < from + n; i++) {
    const d = getF32(distances, i);
    if (d == 0) continue;
    found = i;
    sum += <f64>d;
    if (sum > target) break;
  }
  return found;
}

/** Σ of `n` distances. */
export function sumDistances(n: i32, distances: usize): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) sum += <f64>getF32(distances, i);
  return sum;
}

function rowAt(i: i32): usize {
  return rows + <usize>i * rowBytes;
}

function panelOf(c: i32): usize {
  return panels + <usize>(c & ~(PANEL - 1)) * (rowBytes + 4);
}

/** The price of centroid c in its panel; its components follow, each 32 bytes on. */
function laneOf(c: i32): usize {
  return panelOf(c) + ((<usize>(c & 1)) << 4) + ((<usize>((c & (PANEL - 1)) >> 1)) << 2);
}

function centroidAt(c: i32): usize {
  return centroids + <usize>c * rowBytes;
}
