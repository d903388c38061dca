/** Exact search: the query against a run of records, or against listed ones; the nearest stay in the pool. */
import { checking } from './blocks';
import { bound, distanceAt, push, resetPool, resumePool, size, slotAt } from './pool';
import { boundOf, distancesTo, ensureRecord, prepare, prepareFloats, recordOf, walkFiner } from './space';
import { getF32, getU32, setF32, setU32 } from './words';

/** How many records are scored before any is pushed. */
const RUN: i32 = 64;

/**
 * Scans records `from` … `from + n` for the query at `query`, into the pool at `entries` that holds `size_` of at most `k`.
 * `scratch`: 2 · RUN words. Returns how many the pool holds then.
 */
export function scan(query: usize, entries: usize, k: i32, size_: i32, from: u32, n: i32, scratch: usize): i32 {
  prepare(query);
  return scanPrepared(entries, k, size_, from, n, scratch);
}

/** The same for the f32 vector at `x`, whatever records are made of; `record` is room for it in that form. */
export function scanFloats(
  x: usize,
  record: usize,
  entries: usize,
  k: i32,
  size_: i32,
  from: u32,
  n: i32,
  scratch: usize,
): i32 {
  prepareFloats(x, record);
  return scanPrepared(entries, k, size_, from, n, scratch);
}

function scanPrepared(entries: usize, k: i32, size_: i32, from: u32, n: i32, scratch: usize): i32 {
  resumePool(entries, k, size_);
  const distances = scratch + (RUN << 2);
  for (let done = 0; done < n; done += RUN) {
    const run = min(RUN, n - done);
    for (let i = 0; i < run; i++) setU32(scratch, i, from + done + i);
    distancesTo(scratch, run, distances);
    pushAll(scratch, run, distances);
  }
  return size;
}

/** Ranks the `n` records listed at `slots` for the query at `query`; `distances`: room for n + 3 floats. Returns min(n, k). */
export function rankListed(query: usize, k: i32, slots: usize, n: i32, distances: usize): i32 {
  prepare(query);
  resetPool(k);
  distancesTo(slots, n, distances);
  pushAll(slots, n, distances);
  return size;
}

/**
 * The same by the finer codes for the f32 vector at `x`; `record`: room for one such code. −1 where one of them is not what its file
 * promised.
 */
export function rankFiner(x: usize, record: usize, k: i32, slots: usize, n: i32, distances: usize): i32 {
  walkFiner(true);
  let whole = true;
  if (checking) for (let i = 0; i < n && whole; i++) whole = ensureRecord(getU32(slots, i));
  if (whole) {
    prepareFloats(x, record);
    resetPool(k);
    distancesTo(slots, n, distances);
    pushAll(slots, n, distances);
  }
  walkFiner(false);
  return whole ? size : -1;
}

/**
 * Of the first `n` in the pool that a walk on a quantizer's codes has filled, lists at `slots` those that the bounds of their
 * estimates leave among the k nearest: whose estimate less its bound is no greater than the k-th least estimate with its bound.
 * Returns how many; they stay in order. `uppers`: room for k floats.
 */
export function listWithinBounds(k: i32, n: i32, slots: usize, uppers: usize): i32 {
  for (let i = 0; i < n; i++) {
    const d = distanceAt(i);
    const off = boundOf(recordOf(slotAt(i)), d);
    // Lower ends wait where the slots will be; a slot is never written beyond the one that is read.
    setF32(slots, i, d - off);
    keepLeast(uppers, i, k, d + off);
  }
  const kth: f32 = n < k ? Infinity : getF32(uppers, 0);
  let listed = 0;
  for (let i = 0; i < n; i++) {
    if (getF32(slots, i) > kth) continue;
    setU32(slots, listed++, slotAt(i));
  }
  return listed;
}

/** `x` as number `i` of a run of which the `k` least are kept as a heap, the greatest of them first. */
function keepLeast(heap: usize, i: i32, k: i32, x: f32): void {
  if (i < k) {
    let child = i;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = getF32(heap, parent);
      if (above >= x) break;
      setF32(heap, child, above);
      child = parent;
    }
    setF32(heap, child, x);
    return;
  }
  if (!(x < getF32(heap, 0))) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= k) break;
    if (child + 1 < k && getF32(heap, child + 1) > getF32(heap, child)) child++;
    if (getF32(heap, child) <= x) break;
    setF32(heap, parent, getF32(heap, child));
    parent = child;
  }
  setF32(heap, parent, x);
}

function pushAll(slots: usize, n: i32, distances: usize): void {
  let worst = bound();
  for (let i = 0; i < n; i++) {
    const d = getF32(distances, i);
    if (d > worst) continue;
    push(d, getU32(slots, i));
    worst = bound();
  }
}
