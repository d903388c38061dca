/**
 * The readable twin of every kernel: what `assembly/` computes, on plain arrays and without a trick. Tests hold the two together.
 *
 * Sums are f64, so a distance from here is the truth that an f32 kernel is allowed to miss by its rounding. Where a kernel
 * rounds on the way to an integer (the levels of a code), the twin rounds to f32 in the same places: codes and their factors
 * agree to the last bit.
 */
import type { Metric } from '../core/metric.ts';

type Vector = ArrayLike<number>;
const { fround } = Math;

/** Σ (a − b)²: the squared Euclidean distance of two vectors of equal dimension. */
export function l2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Σ a·b: the inner product. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Σ |a − b|: the Manhattan distance. */
export function manhattan(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum;
}

/** Σ x²: the squared length. NaN or Infinity where a component is. */
export function norm2(x: Vector): number {
  return dot(x, x);
}

/** x ← factor · x, in place, each component rounded once to f32. */
export function scale(x: Float32Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i] *= factor;
}

/** Bits in which two strings of as many bytes differ. */
export function hamming(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    for (let differing = a[i] ^ b[i]; differing > 0; differing >>= 1) bits += differing & 1;
  }
  return bits;
}

/**
 * A vector as a 7-bit code (`assembly/codes.ts`): component i is about lo + step · levels[i]. In memory the levels are padded
 * with zeros to a multiple of 16 bytes, and the four factors follow as f32.
 */
export interface Code {
  /** One level 0 … 127 per dimension. */
  levels: Uint8Array;
  /** The least component. */
  lo: number;
  /** A 127th of the range. */
  step: number;
  /** step · Σ levels. */
  sum: number;
  /** step² · Σ levels². */
  squares: number;
}

/** Rounds each component to the nearest of 128 levels between the least and the greatest; off by at most step / 2. */
export function encode(x: Float32Array): Code {
  const lo = x.reduce((a, b) => Math.min(a, b));
  const range = fround(x.reduce((a, b) => Math.max(a, b)) - lo);
  const step = fround(range / 127);
  const perStep = step > 0 ? Math.min(fround(127 / range), MAX_F32) : 0;
  const levels = Uint8Array.from(x, (value) => {
    const level = fround(fround(fround(value - lo) * perStep) + 0.5);
    return Math.min(Math.trunc(level), 127);
  });
  const sum = levels.reduce((a, b) => a + b, 0);
  const sumOfSquares = levels.reduce((a, b) => a + b * b, 0);
  return {
    levels,
    lo,
    step,
    sum: fround(step * sum),
    squares: fround(step * step * sumOfSquares),
  };
}

/** The vector that the code stands for. */
export function decode({ levels, lo, step }: Code): Float32Array {
  return Float32Array.from(levels, (level) => lo + fround(step * level));
}

/** Σ a·b over levels: the integer that all distances between codes are made of. */
export function codeDot(a: Uint8Array, b: Uint8Array): number {
  return dot(a, b);
}

/**
 * The inner product of the vectors that two codes stand for, from the integer one:
 * Σ (lo + step · a)(lo' + step' · b) = lo' (n lo + step Σa) + lo step' Σb + step step' Σab.
 */
export function dotOfCodes(a: Code, b: Code): number {
  const n = a.levels.length;
  return b.lo * (n * a.lo + a.sum) + a.lo * b.sum + a.step * b.step * codeDot(a.levels, b.levels);
}

/**
 * The squared Euclidean distance of the vectors that two codes stand for, in a form that keeps its accuracy far from the origin:
 * with d = lo − lo', Σ (d + step · a − step' · b)² = n d² + 2 d (step Σa − step' Σb) + step² Σa² + step'² Σb² − 2 step step' Σab.
 */
export function l2OfCodes(a: Code, b: Code): number {
  const apart = a.lo - b.lo;
  const within = a.squares + b.squares - 2 * a.step * b.step * codeDot(a.levels, b.levels);
  return Math.max(apart * (a.levels.length * apart + 2 * (a.sum - b.sum)) + within, 0);
}

/** The Manhattan distance from the vector `q` to the one that the code stands for. */
export function manhattanToCode(q: Vector, { levels, lo, step }: Code): number {
  let sum = 0;
  for (let i = 0; i < levels.length; i++) sum += Math.abs(q[i] - (lo + step * levels[i]));
  return sum;
}

/** The distance between two coded vectors under a metric, as `assembly/space.ts` takes it; smaller is nearer. */
export function distanceOfCodes(a: Code, b: Code, metric: Metric): number {
  if (metric === 'manhattan') return manhattanToCode(decode(a), b);
  if (metric === 'dot') return -dotOfCodes(a, b);
  return metric === 'l2' ? l2OfCodes(a, b) : l2OfCodes(a, b) / 2;
}

/** What a product quantizer has learnt (`assembly/product.ts`): a vector is cut into `codebooks.length` parts of equal dimension. */
export interface ProductCodebooks {
  /** Of each subspace, 16 or 256 centroids. */
  codebooks: Vector[][];
  /** Rows of the rotation; none where vectors are not rotated. */
  rotation: Vector[];
  /** Is taken off before the vector is rotated. */
  mean: Vector;
  /** Coarse centroids, rotated; none where vectors themselves are coded. */
  coarse: Vector[];
}

/** The vector as the codebooks know it: R (x − μ), every operation rounded to f32 where it is not rotated. */
export function pointOf({ rotation, mean }: ProductCodebooks, x: Vector): Float32Array {
  const centred = Float32Array.from(x, (value, i) => value - mean[i]);
  return rotation.length === 0 ? centred : Float32Array.from(rotation, (row) => dot(row, centred));
}

/** The numbers of the nearest centroids, and of the nearest coarse one. */
export interface ProductCode {
  numbers: number[];
  coarse: number;
  /** |x − x̂|. */
  error: number;
}

/** Rounds as the kernel does, so that of two centroids at one distance both take the first. */
export function encodeProduct(model: ProductCodebooks, x: Vector): ProductCode {
  const { codebooks, coarse } = model;
  const point = pointOf(model, x);
  const centre = coarse.length === 0 ? 0 : nearestOf(coarse.map((c) => l2(point, c)));
  const rest = coarse.length === 0 ? point : point.map((value, i) => value - coarse[centre][i]);
  const part = rest.length / codebooks.length;
  const squares = codebooks.map((codebook, j) => {
    return codebook.map((centroid) => roundedL2(rest.subarray(j * part, (j + 1) * part), centroid));
  });
  const numbers = squares.map(nearestOf);
  const error = Math.sqrt(squares.reduce((sum, ofPart, j) => sum + ofPart[numbers[j]], 0));
  return { numbers, coarse: centre, error };
}

/** Σ (a − b)² with every operation rounded to f32, one component after the other. */
function roundedL2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum = fround(sum + fround(fround(a[i] - b[i]) ** 2));
  return sum;
}

/** Where the least value is; of several, the first. */
function nearestOf(values: number[]): number {
  return values.indexOf(Math.min(...values));
}

/** The point that the code stands for: centroids one behind the other, on top of the coarse one. */
export function decodePoint({ codebooks, coarse }: ProductCodebooks, code: Omit<ProductCode, 'error'>): number[] {
  const rest = code.numbers.flatMap((number, j) => Array.from(codebooks[j][number]));
  return coarse.length === 0 ? rest : rest.map((value, i) => value + coarse[code.coarse][i]);
}

/** The vector that the code stands for: Rᵀ ŷ + μ. */
export function decodeProduct(model: ProductCodebooks, code: Omit<ProductCode, 'error'>): number[] {
  const { rotation, mean } = model;
  const point = decodePoint(model, code);
  const turned =
    rotation.length === 0
      ? point
      : point.map((_, i) =>
          dot(
            rotation.map((row) => row[i]),
            point,
          ),
        );
  return turned.map((value, i) => value + mean[i]);
}

/** Tables of sixteen floats each as integers (`assembly/fast-scan.ts`): entry ≈ the least of its table + step · level. */
export interface RoundedTables {
  /** Most are bytes; those of one table in eight may be 16 bits. */
  levels: Uint16Array;
  /** What one in the sum of levels stands for. */
  step: number;
  /** Σ of the tables' least entries. */
  leastSum: number;
}

/**
 * The step is what gives the widest table 255 of them, or more, that sums may stay below 2^16; and then half of that, as long as
 * sums stay there and no more than one table in eight needs more than bytes.
 */
export function roundTables(tables: Float32Array): RoundedTables {
  const m = tables.length / 16;
  const rows = Array.from({ length: m }, (_, j) => tables.subarray(j * 16, (j + 1) * 16));
  const leasts = rows.map((table) => Math.min(...table));
  const ranges = rows.map((table, j) => fround(Math.max(...table) - leasts[j]));
  const all = ranges.reduce((a, b) => a + b, 0);
  const fits = (step: number) => {
    const wide = ranges.filter((range) => range > fround(255.25 * step));
    return all <= step * (65535 - m) && wide.length <= Math.ceil(m / 8);
  };
  let step = Math.max(fround(Math.max(...ranges) / 255), fround(all / (65535 - m)));
  for (let halvings = 0; halvings < 8 && fits(fround(step / 2)); halvings++) step = fround(step / 2);
  const levels = Uint16Array.from(tables, (entry, i) => {
    return step === 0 ? 0 : nearestEven(fround(fround(entry - leasts[i >> 4]) / step));
  });
  return { levels, step, leastSum: leasts.reduce((a, b) => a + b, 0) };
}

/** To the nearest integer, and from the middle between two to the even one, as IEEE 754 rounds. */
function nearestEven(value: number): number {
  const below = Math.floor(value);
  if (value - below === 0.5) return below + (below % 2);
  return Math.round(value);
}

/** Distances by rounded tables to codes of 4 bits, `codeBytes` apart, low half first. */
export function scanCodes({ levels, step, leastSum }: RoundedTables, codes: Uint8Array, codeBytes: number): number[] {
  const m = levels.length / 16;
  return Array.from({ length: codes.length / codeBytes }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < m; j++) {
      sum += levels[j * 16 + ((codes[i * codeBytes + (j >> 1)] >> ((j & 1) * 4)) & 15)];
    }
    return leastSum + step * sum;
  });
}

/**
 * A vector as an 8-bit code (`assembly/sq8.ts`): component i is about mid + step · levels[i]. In memory the levels are padded with
 * zeros to a multiple of 16 bytes, and the four factors follow as f32.
 */
export interface Sq8Code {
  /** One level −127 … 127 per dimension. */
  levels: Int8Array;
  /** The middle of the range of the components. */
  mid: number;
  /** A 254th of the range. */
  step: number;
  /** step · Σ levels. */
  sum: number;
  /** step² · Σ levels². */
  squares: number;
}

/** Rounds each component to the nearest of 255 levels between the least and the greatest; off by at most step / 2. */
export function encodeSq8(x: Float32Array): Sq8Code {
  const lo = x.reduce((a, b) => Math.min(a, b));
  const hi = x.reduce((a, b) => Math.max(a, b));
  const mid = fround(fround(lo / 2) + fround(hi / 2));
  const range = fround(hi - lo);
  const step = fround(range / 254);
  const perStep = step > 0 ? Math.min(fround(254 / range), MAX_F32) : 0;
  const levels = Int8Array.from(x, (value) => levelOf(value, mid, perStep));
  const sum = levels.reduce((a, b) => a + b, 0);
  const sumOfSquares = levels.reduce((a, b) => a + b * b, 0);
  return { levels, mid, step, sum: fround(step * sum), squares: fround(step * step * sumOfSquares) };
}

/** The range of each dimension, as it was trained: its middle and the distance of two of its 255 levels. */
export interface Sq8Ranges {
  mids: Float32Array;
  steps: Float32Array;
}

/** A vector as levels in the ranges of the dimensions. */
export interface Sq8RangedCode {
  levels: Int8Array;
  /** Σ (step · level)². */
  squares: number;
  /** |x − x̂|, with what was clipped. */
  error: number;
  /** Σ mid · x̂. */
  product: number;
}

/** Rounds each component to the nearest level of its dimension; what lies outside the range is clipped to it. */
export function encodeSq8Ranged({ mids, steps }: Sq8Ranges, x: Float32Array): Sq8RangedCode {
  const levels = Int8Array.from(x, (value, i) => {
    return levelOf(value, mids[i], steps[i] > 0 ? Math.min(fround(1 / steps[i]), MAX_F32) : 0);
  });
  const above = Float32Array.from(levels, (level, i) => steps[i] * level);
  const meant = above.map((value, i) => mids[i] + value);
  const off = x.map((value, i) => value - meant[i]);
  return { levels, squares: norm2(above), error: Math.sqrt(norm2(off)), product: dot(mids, meant) };
}

/** The vector that the levels stand for. */
export function decodeSq8(levels: Int8Array, mid: (i: number) => number, step: (i: number) => number): Float32Array {
  return Float32Array.from(levels, (level, i) => mid(i) + fround(step(i) * level));
}

function levelOf(value: number, mid: number, perStep: number): number {
  return roundToEven(clamp(fround(fround(value - mid) * perStep), -127, 127));
}

/** Halves go to the even neighbour, as machines have it. */
function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

/**
 * A random rotation of `x`, which it returns, in O(n log n) (`assembly/rotation.ts`; Gao & Long 2024): each round flips signs at
 * random and takes the fast Hadamard transform of as many coordinates as a power of two has; where that is not all, of the
 * first and the last ones in turn, and the halves are mixed between rounds.
 * `n` a multiple of 64; `flips`: rounds · n of ±1.
 */
export function rotate(x: Vector, flips: Vector, rounds: number): Float64Array {
  const n = x.length;
  const y = Float64Array.from(x);
  const power = 2 ** Math.floor(Math.log2(n));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) y[i] *= flips[round * n + i];
    hadamard(round % 2 === 0 ? y.subarray(0, power) : y.subarray(n - power));
    if (power < n) mixHalves(y);
  }
  return y;
}

/** What the sign filter is set up with (`assembly/signs.ts`). */
export interface SignFilter {
  metric: Exclude<Metric, 'manhattan'>;
  /** Of the vectors, which are centred before they are rotated. */
  mean: Vector;
  /** Dimensions after padding with zeros, a multiple of 64. */
  rotated: number;
  /** How many of those are kept as bits. */
  bits: number;
  /** 4 · rotated of ±1. */
  flips: Vector;
}

/** What is kept of a vector: distance ≈ own + (the query's own) − factor · ⟨signs, q'⟩. */
export interface SignRecord {
  /** Signs of the rotated components, ±1; the kernel keeps bits, 1 for +1. */
  signs: Int8Array;
  /** F = |x'|² / Σ|x'|, which makes F · ⟨signs, q'⟩ an unbiased estimate of ⟨x', q'⟩; twice that for l2. */
  factor: number;
  /** |x'|² for l2, −⟨x, μ⟩ for dot and cosine. */
  own: number;
}

/** x' = R(x − μ) and of that the signs. */
export function encodeSigns(filter: SignFilter, x: Vector): SignRecord {
  const { metric, mean, bits } = filter;
  const turned = rotateCentred(filter, x);
  const kept = turned.subarray(0, bits);
  const absolute = kept.reduce((sum, value) => sum + Math.abs(value), 0);
  const factor = absolute > 0 ? norm2(turned) / absolute : 0;
  return {
    signs: Int8Array.from(kept, (value) => (value < 0 ? -1 : 1)),
    factor: metric === 'l2' ? 2 * factor : factor,
    own: metric === 'l2' ? norm2(turned) : -dot(x, mean),
  };
}

/** A query of the sign filter. */
export interface SignQuery {
  /** Three bits per dimension that is looked at: odd levels −7 … 7 of half a step. */
  levels: Int8Array;
  /** What half a step is worth, stretched so that ⟨levels, q'⟩ is |q'|² again. */
  halfStep: number;
  /** |q'|² for l2; |μ|² − ⟨q, μ⟩ for dot, and 1 more for cosine. */
  own: number;
  /** One standard deviation of ⟨signs, q'⟩. */
  spread: number;
}

/** The step of the best uniform 3-bit quantizer of a normal variable, in standard deviations (Max 1960). */
export const QUERY_STEP = 0.586;

/**
 * Rotates the query and rounds it to three bits per dimension. Between vectors that have nothing to do with each other the
 * estimate stays unbiased; the more alike they are, the more the rounding, which is not random, makes them look nearer: by
 * 2 % of |x'| |q'| at a cosine of 0.9 and 5 % at 1. Of the bits that are kept it looks at the first `used`, and scales up what
 * they say.
 */
export function prepareSigns(filter: SignFilter, q: Vector, used: number = filter.bits): SignQuery {
  const { metric, mean, rotated, bits } = filter;
  const turned = rotateCentred(filter, q);
  const norm = Math.sqrt(norm2(turned));
  const step = Math.max((QUERY_STEP * norm) / Math.sqrt(rotated), 1e-30);
  const kept = turned.subarray(0, used);
  const levels = Int8Array.from(kept, (value) => 2 * clamp(Math.floor(value / step), -4, 3) + 1);
  const agreement = dot(kept, levels);
  const cross = used === bits ? CROSS : Math.sqrt(1 - ((2 / Math.PI) * used) / rotated);
  const spread = cross * norm * Math.sqrt(used / rotated) * (bits / used);
  const halfStep = (agreement > 0 ? norm2(kept) / agreement : step / 2) * (bits / used);
  if (metric === 'l2') return { levels, halfStep, spread, own: norm ** 2 };
  return { levels, halfStep, spread, own: norm2(mean) - dot(q, mean) + (metric === 'cosine' ? 1 : 0) };
}

/**
 * The estimated distance less `margin` standard deviations. The kernel takes ⟨signs, levels⟩ from three Hamming distances,
 * one for each bit of the levels.
 */
export function lowerBound(record: SignRecord, query: SignQuery, margin: number): number {
  const used = record.signs.subarray(0, query.levels.length);
  const product = query.halfStep * dot(used, query.levels) + margin * query.spread;
  return record.own + query.own - record.factor * product;
}

/** What RaBitQ codes are made with (`assembly/rabitq.ts`). */
export interface RabitqSpace {
  metric: Exclude<Metric, 'manhattan'>;
  /** Bits a dimension, 1 … 8. */
  bits: number;
  mean: Vector;
  /** Rounds of as many ±1 as there are dimensions after padding, a multiple of 64. */
  flips: Vector;
  rotated: number;
}

/** A vector as a RaBitQ code: the direction of x' = R(x − μ) is about that of the grid point levels − (2^bits − 1) / 2. */
export interface RabitqCode {
  /** One level 0 … 2^bits − 1 per rotated dimension. */
  levels: Uint8Array;
  /** |x'|² for l2, −⟨x, μ⟩ for dot and cosine. */
  own: number;
  /** F = |x'|² / ⟨y, x'⟩, which makes F · ⟨y, q'⟩ an unbiased estimate of ⟨x', q'⟩; the kernel keeps twice that for l2. */
  factor: number;
  /** |x'| tan θ, θ the angle between y and x'. */
  across: number;
  /** |x'|. */
  norm: number;
}

/** Rotates about the mean and takes the best grid point; the kernel takes nearly the best. */
export function encodeRabitq(space: RabitqSpace, x: Vector): RabitqCode {
  return rabitqCode(space, x, rabitqLevels(rotateAbout(space, x), space.bits));
}

/** The code of `x` whose levels are these. */
export function rabitqCode(space: RabitqSpace, x: Vector, levels: Uint8Array): RabitqCode {
  const turned = rotateAbout(space, x);
  const y = gridPoint(levels, space.bits);
  const [squared, product] = [norm2(turned), dot(y, turned)];
  const own = space.metric === 'l2' ? squared : -dot(x, space.mean);
  if (squared === 0) return { levels: levels.map(() => 0), own, factor: 0, across: 0, norm: 0 };
  const tangent2 = (norm2(y) * squared) / product ** 2 - 1;
  const across = Math.sqrt(squared * Math.max(tangent2, 0));
  return { levels, own, factor: squared / product, across, norm: Math.sqrt(squared) };
}

/**
 * The grid point nearest in direction to `turned` (Gao et al. 2025, algorithm 1): as the scale t grows, the components of t · turned
 * pass one level after the other, in an order that is sorted beforehand; the best of all points on the way is the best of all.
 */
export function rabitqLevels(turned: Vector, bits: number): Uint8Array {
  const half = 2 ** (bits - 1);
  const sizes = Array.from(turned, (value) => Math.abs(value));
  const steps = sizes.flatMap((size, i) => Array.from({ length: half - 1 }, (_, k) => ({ t: (k + 1) / size, i })));
  steps.sort((a, b) => a.t - b.t);
  const passed = new Uint8Array(sizes.length);
  let product = sizes.reduce((sum, size) => sum + size / 2, 0);
  let squares = sizes.length / 4;
  let best = { cosine2: product ** 2 / squares, steps: 0 };
  for (const [n, { i }] of steps.entries()) {
    product += sizes[i];
    squares += 2 * passed[i] + 2;
    passed[i]++;
    const cosine2 = product ** 2 / squares;
    if (cosine2 > best.cosine2) best = { cosine2, steps: n + 1 };
  }
  passed.fill(0);
  for (const { i } of steps.slice(0, best.steps)) passed[i]++;
  return passed.map((k, i) => (turned[i] < 0 ? half - 1 - k : half + k));
}

/** The estimated distance from `q` to the coded vector; the kernel rounds q' to integers first. */
export function rabitqDistance(space: RabitqSpace, code: RabitqCode, q: Vector): number {
  const { metric, mean, bits } = space;
  const turned = rotateAbout(space, q);
  const product = code.factor * dot(gridPoint(code.levels, bits), turned);
  if (metric === 'l2') return code.own + norm2(turned) - 2 * product;
  return code.own + norm2(mean) - dot(q, mean) - product + (metric === 'cosine' ? 1 : 0);
}

/** The vector that the code stands for: F · y, shortened to where it is nearest to x', and back by the rotation. */
export function decodeRabitq(space: RabitqSpace, { levels, factor, across, norm }: RabitqCode): Float64Array {
  const { bits, mean, flips, rotated } = space;
  const scale = norm > 0 ? (factor * norm ** 2) / (norm ** 2 + across ** 2) : 0;
  const y = gridPoint(levels, bits).map((value) => value * scale);
  return unrotate(y, flips, flips.length / rotated)
    .subarray(0, mean.length)
    .map((value, i) => value + mean[i]);
}

/** Undoes `rotate` with the same arguments: all of its parts undo themselves, so they are taken from last to first. */
export function unrotate(x: Vector, flips: Vector, rounds: number): Float64Array {
  const n = x.length;
  const y = Float64Array.from(x);
  const power = 2 ** Math.floor(Math.log2(n));
  for (let round = rounds - 1; round >= 0; round--) {
    if (power < n) mixHalves(y);
    hadamard(round % 2 === 0 ? y.subarray(0, power) : y.subarray(n - power));
    for (let i = 0; i < n; i++) y[i] *= flips[round * n + i];
  }
  return y;
}

function gridPoint(levels: Uint8Array, bits: number): Float64Array {
  return Float64Array.from(levels, (level) => level - (2 ** bits - 1) / 2);
}

function rotateAbout({ mean, rotated, flips }: RabitqSpace, x: Vector): Float64Array {
  const centred = new Float64Array(rotated);
  for (let i = 0; i < x.length; i++) centred[i] = x[i] - mean[i];
  return rotate(centred, flips, flips.length / rotated);
}

const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;
/** Length of a sign vector across the vector it stands for, per √bit: √(1 − 2/π). */
const CROSS = Math.sqrt(1 - 2 / Math.PI);
const SIGN_ROUNDS = 2;

function rotateCentred({ mean, rotated, flips }: SignFilter, x: Vector): Float64Array {
  const centred = new Float64Array(rotated);
  for (let i = 0; i < x.length; i++) centred[i] = x[i] - mean[i];
  return rotate(centred, flips, SIGN_ROUNDS);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Orthonormal fast Walsh-Hadamard transform, in place: (a, b) → (a + b, a − b) over pairs 1, 2, 4, … apart. */
function hadamard(x: Float64Array): void {
  const n = x.length;
  for (let stride = 1; stride < n; stride *= 2) {
    for (let i = 0; i < n; i++) if ((i & stride) === 0) addAndSubtract(x, i, i + stride);
  }
  for (let i = 0; i < n; i++) x[i] /= Math.sqrt(n);
}

/** One step of Kac's walk: (a, b) → (a + b, a − b) / √2 over the two halves. */
function mixHalves(x: Float64Array): void {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) addAndSubtract(x, i, i + half);
  for (let i = 0; i < x.length; i++) x[i] *= Math.SQRT1_2;
}

function addAndSubtract(x: Float64Array, i: number, j: number): void {
  const [a, b] = [x[i], x[j]];
  x[i] = a + b;
  x[j] = a - b;
}
