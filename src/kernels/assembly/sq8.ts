/**
 * Scalar codes by themselves, outside any index: one byte a dimension, x ≈ mid + step · c with c in −127 … 127.
 *
 * VECTOR8: mid and step of each vector its own, the middle and a 254th of its range. Both sides of a distance are codes; all of
 * it follows from the integer dot Σ cc', with factors and formulas as `codes.ts` has them (mid stands where lo is there).
 * DIMENSION8: mid and step of each dimension trained, in the model; what lies outside a range is clipped. With t = q − mid and
 * w = step · t, |q − x̂|² = |t|² − 2 Σ w c + Σ step² c², and ⟨q, x̂⟩ = Σ q mid + Σ step q c: one dot of bytes with w, which is
 * rounded to 16 bits, so the query loses next to nothing. Between two codes t = step · c, which makes it Σ step² (c − c')².
 * Under cosine the distance is ½ |q̂ − x̂|², which for vectors of length 1 is 1 − cos: it is off by about |q̂ − x̂| times the
 * error of the codes, where 1 − ⟨q̂, x̂⟩ is off by the error itself: far more for near vectors.
 * VECTOR7: the codes of `codes.ts`, here so that all scalar codes are reached in one way.
 *
 * Codes are made and read in `sq8-codes.ts`, the integer dots are in `sq8-words.ts`; here are queries and distances, and
 * `sq8-bound.ts` says how far these may be from the truth. Integers are exact and everything else is rounded in the same order, so
 * both builds give the same codes and distances (VECTOR7 under Manhattan excepted: `codes.ts` sums that as each build is
 * quickest at).
 */
import { codeDot, codeDotx4, dotOfCodes, dotOfCodesx4, l2OfCodes, l2OfCodesx4, manhattanToCode } from './codes';
import { COSINE, L2, MANHATTAN } from './metrics';
import { norm2 } from './norm';
import { sumF32 } from './simd';
import {
  configureSq8Codes,
  DIMENSION8,
  decodeSq8,
  dimension,
  encodeSq8,
  errorOf,
  form,
  mids,
  normOf,
  padded,
  steps,
  VECTOR7,
  VECTOR8,
} from './sq8-codes';
import {
  configureWords,
  levelsDot,
  levelsDotx4,
  own,
  prepareLevels,
  prepareRanged,
  prepareWords,
  wordsDot,
  wordsDotx4,
  worth,
} from './sq8-words';

export let metric: i32 = L2;
/** Whether distances are squared ones, and what of those: all under l2, half under cosine. */
export let squared: bool = true;
export let share: f32 = 1;

/** Scratch: room for the query's floats and its code. */
let floats: usize = 0;
let room: usize = 0;

/** The query's code, where both sides are codes. */
export let query: usize = 0;
/** For bounds: at least |q|, and how far the vector that was meant may be from the query that distances are taken to. */
export let queryNorm: f64 = 0;
export let queryError: f64 = 0;

/** `model` is read here already; `scratch`: 15 · codeBytes(n) + 16 bytes. */
export function configureSq8(dimension_: i32, metric_: i32, form_: i32, model: usize, scratch: usize): void {
  metric = metric_;
  squared = metric == L2 || metric == COSINE;
  share = metric == COSINE ? 0.5 : 1;
  configureSq8Codes(dimension_, form_, model);
  floats = scratch;
  const words = floats + (padded << 2);
  configureWords(squared, words);
  room = words + 10 * padded;
  query = room;
}

/** Makes the f32 vector at `x` the query. */
export function prepareSq8(x: usize): void {
  if (metric != MANHATTAN && form != DIMENSION8) {
    encodeSq8(x, room);
    prepareSq8Code(room);
    return;
  }
  memory.copy(floats, x, (<usize>dimension) << 2);
  queryNorm = sqrt<f64>(norm2(x, dimension));
  queryError = 0;
  if (metric != MANHATTAN) prepareWords(floats);
}

/** Makes the stored code at `code` the query, which must stay where it is meanwhile. */
export function prepareSq8Code(code: usize): void {
  query = code;
  queryError = errorOf(code);
  queryNorm = normOf(code) + queryError;
  if (metric == MANHATTAN) decodeSq8(code, floats);
  else if (form == DIMENSION8) prepareRanged(code);
  else if (form == VECTOR8) prepareLevels(code);
}

/** Distance from the query to the vector that the code stands for, in the metric's unit. */
export function sq8Distance(code: usize): f32 {
  if (metric == MANHATTAN) return manhattanTo(code);
  const factors = code + padded;
  if (form == DIMENSION8) {
    const product = worth * <f32>wordsDot(code);
    return squared ? share * max<f32>(own + load<f32>(factors) - 2 * product, 0) : -(own + product);
  }
  const integer = form == VECTOR7 ? codeDot(code, query, <i32>padded) : levelsDot(code);
  const fq = query + padded;
  return squared ? share * l2OfCodes(fq, factors, integer, dimension) : -dotOfCodes(fq, factors, integer, dimension);
}

/** Distances from the query to four codes; lane i belongs to the i-th. */
export function sq8Distancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (metric == MANHATTAN) {
    let lanes = f32x4.splat(manhattanTo(a));
    lanes = f32x4.replace_lane(lanes, 1, manhattanTo(b));
    lanes = f32x4.replace_lane(lanes, 2, manhattanTo(c));
    return f32x4.replace_lane(lanes, 3, manhattanTo(d));
  }
  const shares = f32x4.splat(share);
  if (form == DIMENSION8) {
    const product = f32x4.mul(f32x4.splat(worth), f32x4.convert_i32x4_s(wordsDotx4(a, b, c, d)));
    if (!squared) return f32x4.neg(f32x4.add(f32x4.splat(own), product));
    const ab = v128.shuffle<f32>(v128.load32_zero(a + padded), v128.load32_zero(b + padded), 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(v128.load32_zero(c + padded), v128.load32_zero(d + padded), 0, 4, 1, 5);
    const sums = f32x4.add(f32x4.splat(own), v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    return f32x4.mul(shares, f32x4.max(f32x4.sub(sums, f32x4.add(product, product)), f32x4.splat(0)));
  }
  const integers = form == VECTOR7 ? codeDotx4(query, a, b, c, d, <i32>padded) : levelsDotx4(a, b, c, d);
  const fq = query + padded;
  a += padded;
  b += padded;
  c += padded;
  d += padded;
  if (!squared) return f32x4.neg(dotOfCodesx4(fq, a, b, c, d, integers, dimension));
  return f32x4.mul(shares, l2OfCodesx4(fq, a, b, c, d, integers, dimension));
}

/** Manhattan distance between the query's floats and the vector that the code stands for. */
function manhattanTo(code: usize): f32 {
  if (form == VECTOR7) return manhattanToCode(floats, code, dimension);
  const factors = code + padded;
  const trained = form == DIMENSION8;
  const whole = <usize>(dimension & ~3);
  let mid = v128.load32_splat(factors);
  let step = v128.load32_splat(factors, 4);
  let sums = f32x4.splat(0);
  let i: usize = 0;
  for (; i < whole; i += 4) {
    const at = i << 2;
    if (trained) {
      mid = v128.load(mids + at);
      step = v128.load(steps + at);
    }
    const x = f32x4.add(mid, f32x4.mul(step, levelsAt(code + i)));
    sums = f32x4.add(sums, f32x4.abs(f32x4.sub(v128.load(floats + at), x)));
  }
  let sum = sumF32(sums);
  let mid1 = load<f32>(factors);
  let step1 = load<f32>(factors, 4);
  for (; i < <usize>dimension; i++) {
    const at = i << 2;
    if (trained) {
      mid1 = load<f32>(mids + at);
      step1 = load<f32>(steps + at);
    }
    sum += abs(load<f32>(floats + at) - (mid1 + step1 * <f32>load<i8>(code + i)));
  }
  return sum;
}

/** Four levels as floats. */
function levelsAt(code: usize): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(code))));
}

/** Distances from the query to `count` codes one behind the other, written as f32 to `out`, which has room for three more. */
export function sq8DistancesInto(codes: usize, count: i32, out: usize): void {
  const bytes = padded + 16;
  for (let i = 0; i < count; i += 4) {
    const a = codes + <usize>i * bytes;
    const b = i + 1 < count ? a + bytes : a;
    const c = i + 2 < count ? a + 2 * bytes : a;
    const d = i + 3 < count ? a + 3 * bytes : a;
    v128.store(out + ((<usize>i) << 2), sq8Distancex4(a, b, c, d));
  }
}
