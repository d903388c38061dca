/**
 * The sign filter: one bit per rotated dimension says, at a tenth of the cost of a code, whether a node can be near at all.
 *
 * x' = R(x − μ), b = sign(x'). With F = |x'|² / ⟨b, x'⟩ the estimate F · ⟨b, q'⟩ of ⟨x', q'⟩ is unbiased (Gao & Long, RaBitQ,
 * 2024, theorem 3.2; its spread is about 0.75 |x'| |q'| / √bits). The query keeps three bits a dimension, odd levels
 * −7 … 7 of a step, so that ⟨b, q'⟩ is three Hamming distances: step · (7 · bits − 2 Σ 2^j hamming(b, plane j)).
 *
 * A node is skipped when its estimate, less a margin, still exceeds the worst kept distance.
 * One record: A, F, then the bits in u64 words; distance ≥ A + (query's part) − F · (⟨b, q'⟩ + margin), where
 * l2: A = |x'|², F doubled; dot and cosine: A = −⟨x, μ⟩.
 *
 * Where records are of l2 and a search goes by inner products (`walk.ts`), q' = Rq, and −⟨x, q⟩ = −⟨μ, q⟩ − ⟨x', q'⟩: without A, and F
 * is halved again.
 */
import { ensure } from './blocks';
import { dot } from './distance';
import { COSINE, L2 } from './metrics';
import { rotateAbout, rotateInto } from './rotation';
import { sumF32, truncate } from './simd';
import { dimension, metric, walkMetric } from './space';
import { getF32 } from './words';

const PLANES: i32 = 3;
const ROUNDS: i32 = 2;
/** Step of the best uniform 3-bit quantizer of a normal variable, in standard deviations (Max 1960). */
const STEP: f32 = 0.586;
/** Length of a sign vector across the vector it stands for, per √bit: √(1 − 2/π). */
const CROSS: f32 = 0.603;
/** Its length along that vector, squared, per bit: 2/π. */
const ALONG: f32 = 0.6366;
const HEADER_BYTES: usize = 8;

export let signs: usize = 0;
export let signBytes: usize = 0;
export let words: i32 = 0;
/** Of those, how many the query at hand looks at. */
let used: i32 = 0;
let rotated: i32 = 0;
let mean: usize = 0;
let flips: usize = 0;
/** Scratch: the rotated vector, then the query's planes, word by word interleaved. */
let buffer: usize = 0;
let planes: usize = 0;

let mean2: f64 = 0;
let queryPart: f32 = 0;
let queryTop: f32 = 0;
let queryStep: f32 = 0;
/** Whether A is part of the distance. */
let addsOwn: bool = true;

/** `rotated`: dimensions after padding, a multiple of 64; `words` · 64 of them are kept as bits. */
export function configureSigns(
  signs_: usize,
  signBytes_: usize,
  words_: i32,
  rotated_: i32,
  mean_: usize,
  flips_: usize,
  buffer_: usize,
  planes_: usize,
): void {
  signs = signs_;
  signBytes = signBytes_;
  words = words_;
  rotated = rotated_;
  mean = mean_;
  flips = flips_;
  buffer = buffer_;
  planes = planes_;
  centreMoved();
}

/** To be called when the mean's floats have been written. */
export function centreMoved(): void {
  mean2 = 0;
  for (let i = 0; i < dimension; i++) {
    const m = <f64>getF32(mean, i);
    mean2 += m * m;
  }
}

/** Rotates the f32 vector at `x` into the buffer; `encodeSigns` and `prepareSigns` read it there. */
export function rotateCentred(x: usize): void {
  rotateAbout(mean, x, dimension, buffer, rotated, flips, ROUNDS);
}

/** The same with what is searched for. */
export function rotateQuery(x: usize): void {
  if (walkMetric == metric) rotateCentred(x);
  else rotateInto(x, dimension, buffer, rotated, flips, ROUNDS);
}

/** Whether the sign record is what its file promised. */
export function ensureSigns(slot: u32): bool {
  return ensure(signs + <usize>slot * signBytes, signBytes);
}

/** Writes the sign record of the vector `x` that `rotateCentred` was given. */
export function encodeSigns(x: usize, slot: u32): void {
  const record = signs + <usize>slot * signBytes;
  let absolute = f32x4.splat(0);
  for (let w = 0; w < words; w++) {
    let bits: u64 = 0;
    const from = buffer + ((<usize>w) << 8);
    for (let i = 0; i < 64; i += 4) {
      const lanes = v128.load(from + ((<usize>i) << 2));
      bits |= (<u64>(i32x4.bitmask(lanes) ^ 15)) << i;
      absolute = f32x4.add(absolute, f32x4.abs(lanes));
    }
    store<u64>(record + HEADER_BYTES + ((<usize>w) << 3), bits);
  }
  const norm2 = norm2OfFirst(rotated);
  const sum = sumF32(absolute);
  const scale: f32 = sum > 0 ? norm2 / sum : 0;
  if (metric == L2) {
    store<f32>(record, norm2);
    store<f32>(record, 2 * scale, 4);
  } else {
    store<f32>(record, <f32>-dotWithMean(x));
    store<f32>(record, scale, 4);
  }
}

/**
 * Makes the vector `x` that `rotateQuery` or, by a writer, `rotateCentred` was given the filter's query; `margin` in standard deviations
 * of the estimate. It will look at the first `width` words of a record. What they say is scaled up to all words, which F was made for,
 * and its spread with it.
 */
export function prepareSigns(x: usize, margin: f32, width: i32): void {
  used = width;
  const norm2 = norm2OfFirst(rotated);
  const norm = sqrt<f32>(norm2);
  const step = max<f32>((STEP * norm) / sqrt<f32>(<f32>rotated), 1e-30);
  const perStep = f32x4.splat(1 / step);
  let agreement = f32x4.splat(0);
  for (let w = 0; w < used; w++) {
    let p0: u64 = 0;
    let p1: u64 = 0;
    let p2: u64 = 0;
    const from = buffer + ((<usize>w) << 8);
    for (let i = 0; i < 64; i += 4) {
      const x = f32x4.mul(v128.load(from + ((<usize>i) << 2)), perStep);
      // Level 0 … 7: floor(x) + 4, clipped. It stands for (2 · level − 7) half steps.
      let level = i32x4.add(truncate(f32x4.floor(x)), i32x4.splat(4));
      level = i32x4.min_s(i32x4.max_s(level, i32x4.splat(0)), i32x4.splat(7));
      agreement = f32x4.add(agreement, f32x4.mul(x, f32x4.sub(f32x4.convert_i32x4_s(level), f32x4.splat(3.5))));
      p0 |= (<u64>i32x4.bitmask(i32x4.shl(level, 31))) << i;
      p1 |= (<u64>i32x4.bitmask(i32x4.shl(level, 30))) << i;
      p2 |= (<u64>i32x4.bitmask(i32x4.shl(level, 29))) << i;
    }
    const to = planes + <usize>(w * PLANES * 8);
    store<u64>(to, p0);
    store<u64>(to, p1, 8);
    store<u64>(to, p2, 16);
  }
  // Quantizing shortens q' along itself; stretched so that ⟨Q(q'), q'⟩ is again what it was, the estimate stays unbiased.
  const kept = used << 6 == rotated ? norm2 : norm2OfFirst(used << 6);
  // In this order nothing is of a higher power than |q'|², which is a finite f32 where |q'|³ need not be.
  const agreed = sumF32(agreement) * step;
  const share = <f32>words / <f32>used;
  const stretched = (agreed > 0 ? kept / agreed : step) * share;
  const bits = <f32>(used << 6);
  // Words that are passed over lie across too.
  const cross = used == words ? CROSS : sqrt<f32>(1 - (ALONG * bits) / <f32>rotated);
  const spread = ((cross * norm * sqrt<f32>(bits)) / sqrt<f32>(<f32>rotated)) * share;
  queryTop = stretched * 3.5 * bits + margin * spread;
  queryStep = stretched;
  addsOwn = walkMetric == metric;
  if (!addsOwn) {
    queryTop *= 0.5;
    queryStep *= 0.5;
    queryPart = <f32>-dotWithMean(x);
  } else if (metric == L2) queryPart = norm2;
  else queryPart = <f32>(mean2 - dotWithMean(x)) + (metric == COSINE ? <f32>1 : <f32>0);
}

/** Bytes of a sign record that the query at hand looks at. */
export function usedBytes(): usize {
  return HEADER_BYTES + ((<usize>used) << 3);
}

/** A distance that, but for the margin's misses, the node at `slot` is not below. */
export function lowerBound(slot: u32): f32 {
  const record = signs + <usize>slot * signBytes;
  let h0: u64 = 0;
  let h1: u64 = 0;
  let h2: u64 = 0;
  let bits = record + HEADER_BYTES;
  let plane = planes;
  for (let w = used; w > 0; w--) {
    const b = load<u64>(bits);
    h0 += popcnt<u64>(b ^ load<u64>(plane));
    h1 += popcnt<u64>(b ^ load<u64>(plane, 8));
    h2 += popcnt<u64>(b ^ load<u64>(plane, 16));
    bits += 8;
    plane += 24;
  }
  const product = queryTop - queryStep * <f32>(<i32>(h0 + (h1 << 1) + (h2 << 2)));
  return (addsOwn ? load<f32>(record) : 0) + queryPart - load<f32>(record, 4) * product;
}

function norm2OfFirst(n: i32): f32 {
  return dot(buffer, buffer, n);
}

function dotWithMean(x: usize): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < dimension; i++) sum += <f64>getF32(x, i) * <f64>getF32(mean, i);
  return sum;
}
