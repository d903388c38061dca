/** Exact search: the query against a run of records, or against listed ones; the nearest stay in the pool. */
import { checking } from './blocks';
import { bound, push, resetPool, resumePool, size } from './pool';
import { distancesTo, ensureRecord, prepare, prepareFloats, walkFiner } from './space';
import { getF32, getU32, setU32 } from './words';

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

function pushAll(slots: usize, n: i32, distances: usize): void {
  let worst = bound();
  for (let i = 0; i < n; i++) {
    const d = getF32(distances, i);
    if (d > worst) continue;
    push(d, getU32(slots, i));
    worst = bound();
  }
}
