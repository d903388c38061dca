/**
 * A vector as 8-bit scalar codes and back: the nearest of 255 levels of each component, in the range of the vector or of the
 * dimension, and four factors that distances and bounds are made with.
 *
 * One code: `codeBytes(n)` bytes, zero-padded to 16, then 16 bytes of factors. VECTOR8: mid, step, step · Σ c, step² · Σ c²; every
 * step lies in the code. DIMENSION8: Σ step² c², |x − x̂| with what was clipped, Σ mid x̂, 0. Model: mids, steps and inverse steps,
 * f32, each of `codeBytes(n)` floats; nothing unless DIMENSION8.
 */
import { codeBytes, decode, encode, findRange, greatest, least } from './codes';
import { norm2 } from './norm';
import { addProducts, sumF64, sumI32, truncate } from './simd';

/** How ranges are had and codes are made. */
export const VECTOR8: i32 = 0;
export const DIMENSION8: i32 = 1;
export const VECTOR7: i32 = 2;

export const MOST_LEVEL: f32 = 127;
/** Half the distance from 1 to the next f32. */
export const EPS: f64 = 5.960464477539063e-8;
/** Below this, squares and inverse steps leave f32. */
export const FLOOR: f64 = 4e-37;

export let dimension: i32 = 0;
export let form: i32 = VECTOR8;
/** Bytes of the levels of a code. */
export let padded: usize = 0;

export let mids: usize = 0;
export let steps: usize = 0;
let inverses: usize = 0;
/** The length of all mids as one vector. */
let midsNorm: f64 = 0;

/** `model` is read here already. */
export function configureSq8Codes(dimension_: i32, form_: i32, model: usize): void {
  dimension = dimension_;
  form = form_;
  padded = <usize>codeBytes(dimension);
  mids = model;
  steps = mids + (padded << 2);
  inverses = steps + (padded << 2);
  midsNorm = form == DIMENSION8 ? sqrt<f64>(norm2(mids, dimension)) : 0;
}

/** Writes the f32 vector at `x` as a code; what was prepared stays. */
export function encodeSq8(x: usize, code: usize): void {
  if (form == VECTOR7) encode(x, code, dimension);
  else if (form == VECTOR8) encodeInRange(x, code);
  else encodeInDimensions(x, code);
}

function encodeInRange(x: usize, code: usize): void {
  findRange(x, dimension);
  const mid: f32 = least * 0.5 + greatest * 0.5;
  const range = greatest - least;
  const step = range / 254;
  const perStep: f32 = step > 0 ? min<f32>(254 / range, f32.MAX_VALUE) : 0;
  const whole = <usize>(dimension & ~15);
  const ones = i16x8.splat(1);
  let sums = i32x4.splat(0);
  let squares = i32x4.splat(0);
  const midLanes = f32x4.splat(mid);
  const perStepLanes = f32x4.splat(perStep);
  let i: usize = 0;
  for (; i < whole; i += 16) {
    const from = x + (i << 2);
    const low = i16x8.narrow_i32x4_s(
      level(v128.load(from), midLanes, perStepLanes),
      level(v128.load(from, 16), midLanes, perStepLanes),
    );
    const high = i16x8.narrow_i32x4_s(
      level(v128.load(from, 32), midLanes, perStepLanes),
      level(v128.load(from, 48), midLanes, perStepLanes),
    );
    v128.store(code + i, i8x16.narrow_i16x8_s(low, high));
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(low, ones), i32x4.dot_i16x8_s(high, ones)));
    squares = i32x4.add(squares, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
  }
  let sum = sumI32(sums);
  let sumSquares = sumI32(squares);
  for (; i < padded; i++) {
    const c = i < <usize>dimension ? levelOf(load<f32>(x + (i << 2)), mid, perStep) : 0;
    store<i8>(code + i, <i8>c);
    sum += c;
    sumSquares += c * c;
  }
  const factors = code + padded;
  store<f32>(factors, mid);
  store<f32>(factors, step, 4);
  store<f32>(factors, <f32>(<f64>step * <f64>sum), 8);
  store<f32>(factors, <f32>(<f64>step * <f64>step * <f64>sumSquares), 12);
}

function encodeInDimensions(x: usize, code: usize): void {
  let energy = f64x2.splat(0);
  let missed = f64x2.splat(0);
  let product = f64x2.splat(0);
  for (let i: usize = 0; i < padded; i += 4) {
    const at = i << 2;
    const components = lanesOf(x, i);
    const mid = v128.load(mids + at);
    const step = v128.load(steps + at);
    const c = level(components, mid, v128.load(inverses + at));
    const w = i16x8.narrow_i32x4_s(c, c);
    store<u32>(code + i, i32x4.extract_lane(i8x16.narrow_i16x8_s(w, w), 0));
    const above = f32x4.mul(step, f32x4.convert_i32x4_s(c));
    const meant = f32x4.add(mid, above);
    const off = f32x4.sub(components, meant);
    energy = addProducts(energy, above, above);
    missed = addProducts(missed, off, off);
    product = addProducts(product, mid, meant);
  }
  const factors = code + padded;
  store<f32>(factors, <f32>sumF64(energy));
  store<f32>(factors, <f32>(sqrt<f64>(sumF64(missed)) * (1 + 4 * EPS)), 4);
  store<f32>(factors, <f32>sumF64(product), 8);
  store<f32>(factors, 0, 12);
}

/** Four components from the `i`-th on, zeros beyond the last. */
function lanesOf(x: usize, i: usize): v128 {
  const left = dimension - <i32>i;
  const at = x + (i << 2);
  if (left >= 4) return v128.load(at);
  let lanes = f32x4.splat(0);
  if (left > 0) lanes = f32x4.replace_lane(lanes, 0, load<f32>(at));
  if (left > 1) lanes = f32x4.replace_lane(lanes, 1, load<f32>(at, 4));
  if (left > 2) lanes = f32x4.replace_lane(lanes, 2, load<f32>(at, 8));
  return lanes;
}

/** The nearest of the levels −127 … 127 for each lane. */
function level(x: v128, mid: v128, perStep: v128): v128 {
  const exact = f32x4.mul(f32x4.sub(x, mid), perStep);
  const within = f32x4.pmax(f32x4.pmin(exact, f32x4.splat(MOST_LEVEL)), f32x4.splat(-MOST_LEVEL));
  return truncate(f32x4.nearest(within));
}

function levelOf(x: f32, mid: f32, perStep: f32): i32 {
  return <i32>nearest<f32>(max<f32>(min<f32>((x - mid) * perStep, MOST_LEVEL), -MOST_LEVEL));
}

/** The f32 vector that the code stands for. */
export function decodeSq8(code: usize, to: usize): void {
  if (form == VECTOR7) {
    decode(code, to, dimension);
    return;
  }
  const factors = code + padded;
  const trained = form == DIMENSION8;
  let mid = load<f32>(factors);
  let step = load<f32>(factors, 4);
  for (let i: usize = 0; i < <usize>dimension; i++) {
    if (trained) {
      mid = load<f32>(mids + (i << 2));
      step = load<f32>(steps + (i << 2));
    }
    store<f32>(to + (i << 2), mid + step * <f32>load<i8>(code + i));
  }
}

/** At least |x − x̂| of the vector encoded: half a step a component where each is in its range, and what encoding rounds. */
export function errorOf(code: usize): f64 {
  const factors = code + padded;
  const second = <f64>load<f32>(factors, 4);
  const n = <f64>dimension;
  if (form == DIMENSION8) return second + 4 * EPS * normOf(code) + sqrt<f64>(n) * FLOOR;
  const size = abs<f64>(<f64>load<f32>(factors)) + 127 * second;
  return sqrt<f64>(n) * (second * 0.5 + 16 * EPS * size + FLOOR);
}

/** At least |x̂|. */
export function normOf(code: usize): f64 {
  const factors = code + padded;
  if (form == DIMENSION8) return midsNorm + sqrt<f64>(<f64>load<f32>(factors)) * (1 + 4 * EPS);
  const n = <f64>dimension;
  const base = <f64>load<f32>(factors);
  const sum = <f64>load<f32>(factors, 8);
  const squares = <f64>load<f32>(factors, 12);
  const sizes = n * base * base + 2 * abs<f64>(base * sum) + squares;
  return sqrt<f64>(max<f64>(n * base * base + 2 * base * sum + squares, 0) + 4 * EPS * sizes);
}
