/**
 * The space an index lives in: which vectors are compared, how, and where they lie. Nodes are records of equal size; each
 * begins with its vector: f32, 7-bit code, bytes that are its components exactly, or the code of a quantizer, whose own kernels
 * (`sq8.ts`, `rabitq.ts`, `product.ts`) are asked then. Distances go from the prepared query to one record or to four.
 *
 * Under cosine, between 7-bit codes the distance is ½ |q̂ − x̂|², which for vectors of length 1 is 1 − cos: it is off by about
 * |q̂ − x̂| times the error of the codes, where 1 − ⟨q̂, x̂⟩ is off by the error itself: far more for near vectors.
 *
 * `prepare` makes any record the query: of a search, of an insert, or of a node whose neighbours are chosen.
 */

import { ensure } from './blocks';
import { bytesDotx4, bytesManhattanx4, narrow, widen } from './bytes';
import {
  codeBytes,
  codeDot,
  codeDotx4,
  decode,
  dotOfCodes,
  dotOfCodesx4,
  encode,
  l2OfCodes,
  l2OfCodesx4,
  manhattanToCode,
} from './codes';
import { dot, dotx4, l2, l2x4, manhattan, manhattanx4 } from './distance';
import { DOT, L2, MANHATTAN } from './metrics';
import { prepareProduct, prepareProductCode, productDistance, productDistancex4 } from './product';
import { productBoundAt } from './product-bound';
import { encodeProduct } from './product-codes';
import { prepareRabitq, prepareRabitqCode, rabitqBound, rabitqDistance, rabitqDistancex4 } from './rabitq';
import { encodeRabitq } from './rabitq-codes';
import { prepareSq8, prepareSq8Code, sq8Distance, sq8Distancex4 } from './sq8';
import { sq8BoundAt } from './sq8-bound';
import { encodeSq8 } from './sq8-codes';
import { getU32 } from './words';

/** What a stored vector is made of. */
const SQ7: i32 = 1;
const U8: i32 = 2;
const SCALAR: i32 = 3;
const RABITQ: i32 = 4;
const PRODUCT: i32 = 5;

export let dimension: i32 = 0;
export let metric: i32 = L2;
/** What distances are in: the metric, or, where a search in a lifted space looks for inner products (`walk.ts`), those negated. */
export let walkMetric: i32 = L2;
let form: i32 = 0;
let sq7: bool = false;
let u8s: bool = false;
/** Codes of a quantizer. */
let quantized: bool = false;
let records: usize = 0;
let recordBytes: usize = 0;
/** What a quantizer's code takes. */
let quantizedBytes: usize = 0;
/** Where the factors (or, without codes, the rest of the record) begin; with a quantizer's codes, where these end. */
let codedBytes: usize = 0;
/** A second code of every vector, of 7 bits, on which the best found are compared first (`rankFiner`); 0: there is none. */
let finer: usize = 0;
let finerBytes: usize = 0;
/** Scratch: the query decoded (Manhattan on codes), or four vectors of bytes widened to f32. */
let decoded: usize = 0;

let query: usize = 0;
/** Whether the query is floats where the records are bytes. */
let floatQuery: bool = false;
/** |q|² of a query of bytes. */
let queryNorm2: i32 = 0;

/** Distances evaluated since `resetDistances`. */
let distances: i32 = 0;

export function distanceCount(): i32 {
  return distances;
}

export function resetDistances(): void {
  distances = 0;
}

export function configureSpace(
  dimension_: i32,
  metric_: i32,
  form: i32,
  records_: usize,
  recordBytes_: usize,
  decoded_: usize,
  quantizedBytes_: usize,
): void {
  dimension = dimension_;
  metric = metric_;
  walkMetric = metric_;
  records = records_;
  recordBytes = recordBytes_;
  decoded = decoded_;
  quantizedBytes = quantizedBytes_;
  setForm(form);
}

/** From now on distances are in this: L2 or DOT, of floats or 7-bit codes, which are all that is lifted. */
export function walkBy(metric_: i32): void {
  walkMetric = metric_;
}

/** What records hold from now on. */
export function setForm(form_: i32): void {
  form = form_;
  sq7 = form == SQ7;
  u8s = form == U8;
  quantized = form >= SCALAR;
  if (quantized) codedBytes = quantizedBytes;
  else codedBytes = sq7 || u8s ? <usize>codeBytes(dimension) : (<usize>dimension) << 2;
}

/** Where the finer codes lie, `bytes` apart. */
export function configureFiner(at: usize, bytes: usize): void {
  finer = at;
  finerBytes = bytes;
}

/** Writes the finer code of the f32 vector at `x`, where there are such codes. */
export function writeFiner(x: usize, slot: u32): void {
  if (finer) encode(x, finer + <usize>slot * finerBytes, dimension);
}

/** Until this is called again with `false`, records are the finer codes. */
export function walkFiner(on: bool): void {
  const at = records;
  const bytes = recordBytes;
  records = finer;
  recordBytes = finerBytes;
  finer = at;
  finerBytes = bytes;
  if (on) coarseForm = form;
  setForm(on ? SQ7 : coarseForm);
}

/** What records are when they are not the finer codes. */
let coarseForm: i32 = 0;

/** What the records held that were walked on last. */
export function formOfRecords(): i32 {
  return form;
}

export function recordOf(slot: u32): usize {
  return records + <usize>slot * recordBytes;
}

/** Whether the record is what its file promised; a walk asks where `checking` says that there is something to ask. */
export function ensureRecord(slot: u32): bool {
  return ensure(recordOf(slot), recordBytes);
}

/** Writes the f32 vector at `from` in the form that records have; where they are bytes, it is known to be of bytes. */
export function writeVector(from: usize, to: usize): void {
  if (sq7) encode(from, to, dimension);
  else if (quantized) {
    if (form == SCALAR) encodeSq8(from, to);
    else if (form == RABITQ) encodeRabitq(from, to);
    else encodeProduct(from, to);
  } else if (u8s) narrow(from, to, dimension);
  else memory.copy(to, from, codedBytes);
}

/** Makes the f32 vector at `x` the query; `record` is room for it in the form that records have. */
export function prepareFloats(x: usize, record: usize): void {
  if (quantized) {
    if (form == SCALAR) prepareSq8(x);
    else if (form == RABITQ) prepareRabitq(x);
    else prepareProduct(x);
    return;
  }
  if (u8s) {
    floatQuery = !narrow(x, record, dimension);
    if (floatQuery) {
      query = x;
      return;
    }
  } else writeVector(x, record);
  prepare(record);
}

/** Makes the stored vector at `record` the query. */
export function prepare(record: usize): void {
  if (quantized) {
    if (form == SCALAR) prepareSq8Code(record);
    else if (form == RABITQ) prepareRabitqCode(record);
    else prepareProductCode(record);
    return;
  }
  query = record;
  if (u8s) {
    floatQuery = false;
    queryNorm2 = load<i32>(record + codedBytes);
    return;
  }
  if (sq7 && metric == MANHATTAN) decode(record, decoded, dimension);
}

/** Distance from the query to the vector at `record`. */
export function distance(record: usize): f32 {
  distances++;
  if (quantized) {
    if (form == SCALAR) return sq8Distance(record);
    if (form == RABITQ) return rabitqDistance(record);
    return productDistance(record);
  }
  if (sq7) {
    if (metric == MANHATTAN) return manhattanToCode(decoded, record, dimension);
    const factors = record + codedBytes;
    const integer = codeDot(record, query, <i32>codedBytes);
    if (walkMetric == DOT) return -dotOfCodes(query + codedBytes, factors, integer, dimension);
    const squared = l2OfCodes(query + codedBytes, factors, integer, dimension);
    return walkMetric == L2 ? squared : 0.5 * squared;
  }
  if (u8s) return f32x4.extract_lane(distancex4(record, record, record, record), 0);
  if (walkMetric == L2) return l2(query, record, dimension);
  if (walkMetric == MANHATTAN) return manhattan(query, record, dimension);
  const product = dot(query, record, dimension);
  return walkMetric == DOT ? -product : 1 - product;
}

/** What the distance `d` from the query to the quantizer's code at `record` may be off by. */
export function boundOf(record: usize, d: f32): f32 {
  if (form == SCALAR) return sq8BoundAt(record, d);
  if (form == RABITQ) return rabitqBound(record);
  return productBoundAt(record, d);
}

/** Distances from the query to four records; lane i belongs to the i-th. */
export function distancex4(a: usize, b: usize, c: usize, d: usize): v128 {
  if (quantized) {
    if (form == SCALAR) return sq8Distancex4(a, b, c, d);
    if (form == RABITQ) return rabitqDistancex4(a, b, c, d);
    return productDistancex4(a, b, c, d);
  }
  if (sq7) {
    if (metric == MANHATTAN) {
      let lanes = f32x4.splat(manhattanToCode(decoded, a, dimension));
      lanes = f32x4.replace_lane(lanes, 1, manhattanToCode(decoded, b, dimension));
      lanes = f32x4.replace_lane(lanes, 2, manhattanToCode(decoded, c, dimension));
      return f32x4.replace_lane(lanes, 3, manhattanToCode(decoded, d, dimension));
    }
    const integers = codeDotx4(query, a, b, c, d, <i32>codedBytes);
    const factors = query + codedBytes;
    a += codedBytes;
    b += codedBytes;
    c += codedBytes;
    d += codedBytes;
    if (walkMetric == DOT) return f32x4.neg(dotOfCodesx4(factors, a, b, c, d, integers, dimension));
    const squared = l2OfCodesx4(factors, a, b, c, d, integers, dimension);
    return walkMetric == L2 ? squared : f32x4.mul(f32x4.splat(0.5), squared);
  }
  if (u8s) {
    if (!floatQuery) return f32x4.convert_i32x4_s(betweenBytes(a, b, c, d));
    const stride = codedBytes << 2;
    widen(a, decoded, dimension);
    widen(b, decoded + stride, dimension);
    widen(c, decoded + 2 * stride, dimension);
    widen(d, decoded + 3 * stride, dimension);
    a = decoded;
    b = a + stride;
    c = b + stride;
    d = c + stride;
  }
  if (walkMetric == L2) return l2x4(query, a, b, c, d, dimension);
  if (walkMetric == MANHATTAN) return manhattanx4(query, a, b, c, d, dimension);
  const product = dotx4(query, a, b, c, d, dimension);
  return walkMetric == DOT ? f32x4.neg(product) : f32x4.sub(f32x4.splat(1), product);
}

/** The same as integers, where the query and the records are bytes. */
function betweenBytes(a: usize, b: usize, c: usize, d: usize): v128 {
  if (metric == MANHATTAN) return bytesManhattanx4(query, a, b, c, d, dimension);
  const products = bytesDotx4(query, a, b, c, d, dimension);
  if (metric == DOT) return i32x4.neg(products);
  let norms = i32x4.splat(load<i32>(a + codedBytes));
  norms = i32x4.replace_lane(norms, 1, load<i32>(b + codedBytes));
  norms = i32x4.replace_lane(norms, 2, load<i32>(c + codedBytes));
  norms = i32x4.replace_lane(norms, 3, load<i32>(d + codedBytes));
  return i32x4.sub(i32x4.add(norms, i32x4.splat(queryNorm2)), i32x4.shl(products, 1));
}

/**
 * Distances from the query to `n` slots listed at `slots`, written as f32 to `out` (room for n rounded up to four). The last
 * four are padded with their own first record: those lines are in the cache already.
 */
export function distancesTo(slots: usize, n: i32, out: usize): void {
  distances += n;
  let touched: u32 = 0;
  let ahead = codedBytes < LONG_BYTES ? 0 : n;
  for (let i = 0; i < n; i += 4) {
    // A byte of every cache line of the next few vectors, so that all their misses are under way before one is waited for.
    if (i == ahead) {
      ahead = min(n, i + TOUCHED_AHEAD);
      for (let j = i; j < ahead; j += 2) {
        const r = recordOf(getU32(slots, j));
        touched ^= touch(r, j + 1 < ahead ? recordOf(getU32(slots, j + 1)) : r);
      }
    }
    const a = recordOf(getU32(slots, i));
    const b = i + 1 < n ? recordOf(getU32(slots, i + 1)) : a;
    const c = i + 2 < n ? recordOf(getU32(slots, i + 2)) : a;
    const d = i + 3 < n ? recordOf(getU32(slots, i + 3)) : a;
    v128.store(out + ((<usize>i) << 2), distancex4(a, b, c, d));
  }
  sink = touched;
}

/**
 * Vectors of this length are streams that the machine fetches by itself: 12 of 4 KiB took 5.7 µs untouched, and 8.7 where their 768
 * lines were touched before.
 */
const LONG_BYTES: usize = 2048;
/** Vectors whose lines are fetched at once; a multiple of four. */
const TOUCHED_AHEAD: i32 = 16;

/** Where what was only touched goes, so that no compiler drops the loads. */
let sink: u32 = 0;

function touch(a: usize, b: usize): u32 {
  let touched: u32 = 0;
  for (let i: usize = 0; i < codedBytes; i += 64) touched ^= load<u32>(a + i) ^ load<u32>(b + i);
  return touched;
}
