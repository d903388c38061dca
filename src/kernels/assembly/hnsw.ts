/**
 * HNSW (Malkov & Yashunin 2018), algorithms 1, 2, 4 and 5, over the arena: `insert` is algorithm 1, `searchLayer` algorithm 2,
 * `selectNeighbors` algorithm 4, `search` algorithm 5. One call from JavaScript does a whole search or insert.
 *
 * Departures, each measured in the change log: lists have slack and are pruned only when it is used up; pruning may keep long
 * edges by α as Vamana does (α = 1 is the paper); two candidates are read per round; a sign filter looks before codes are
 * touched; and an edge n → y is dropped only where a way n → s → y remains, so that every node stays reachable.
 */
import { append, contains, countOf, createLists, linkAt, listOf } from './links';
import { bound, distanceAt, hasNext, orderedBits, push, resetPool, rewindPool, size, slotAt, takeNext } from './pool';
import { encodeSigns, lowerBound, prepareSigns, rotateCentred, signBytes, signs } from './signs';
import { distance, distancesTo, prepare, recordOf, writeVector } from './space';
import { resetVisited, visit } from './visited';
import { getF32, getU32, getU64, setU32, setU64 } from './words';

/** Room for the neighbours of one round, and for selections: entries of four bytes. */
const BATCH_BYTES: usize = 8192;
const NOBODY: u32 = 0xffffffff;

/** Where the graph's state lies: count, entry point, top level, each u32. */
let state: usize = 0;
let M: i32 = 0;
let slack: i32 = 0;
let efConstruction: i32 = 0;
/** α in the unit of the distance: squared where distances are. */
let alpha: f32 = 1;
let extendCandidates: bool = false;
let keepPruned: bool = false;
let signed: bool = false;
let buildMargin: f32 = 0;

let queryRecord: usize = 0;
let batch: usize = 0;
let batchDistances: usize = 0;
/** Selection: the selected slots; for each candidate the selected one that it gave way to (itself where it was selected). */
let selected: usize = 0;
let coverers: usize = 0;
/** Selection: (distance bits, slot) of the candidates, u64, ascending. */
let candidates: usize = 0;

/** Whether this walk may use the sign filter. */
let filtering: bool = false;
let hops: i32 = 0;
let estimates: i32 = 0;
let sink: u32 = 0;
/** Nodes whose last certain way was cut, ever. */
let lost: i32 = 0;

export function configureHnsw(
  state_: usize,
  M_: i32,
  slack_: i32,
  efConstruction_: i32,
  alpha_: f32,
  extendCandidates_: bool,
  keepPruned_: bool,
  signed_: bool,
  buildMargin_: f32,
  queryRecord_: usize,
  scratch: usize,
  coverers_: usize,
  candidates_: usize,
): void {
  state = state_;
  M = M_;
  slack = slack_;
  efConstruction = efConstruction_;
  alpha = alpha_;
  extendCandidates = extendCandidates_;
  keepPruned = keepPruned_;
  signed = signed_;
  buildMargin = buildMargin_;
  queryRecord = queryRecord_;
  batch = scratch;
  batchDistances = batch + BATCH_BYTES;
  selected = batchDistances + BATCH_BYTES;
  coverers = coverers_;
  candidates = candidates_;
}

export function hopCount(): i32 {
  return hops;
}

export function estimateCount(): i32 {
  return estimates;
}

export function lostCount(): i32 {
  return lost;
}

/** Algorithm 5: fills the pool with the `ef` nearest found to the f32 vector at `x`; returns how many. */
export function search(x: usize, ef: i32, filtered: bool, margin: f32): i32 {
  hops = 0;
  estimates = 0;
  writeVector(x, queryRecord);
  filtering = filtered && signed;
  if (filtering) {
    rotateCentred(x);
    prepareSigns(x, margin);
  }
  prepare(queryRecord);
  resetPool(ef);
  descend(0);
  searchLayer(0);
  return size;
}

/** Algorithm 1: links the f32 vector at `x` into the graph as `slot`, which is the next one. */
export function insert(x: usize, slot: u32, level: i32, upper: u32, filtered: bool): void {
  const record = recordOf(slot);
  writeVector(x, record);
  createLists(slot, level, upper);
  filtering = filtered && signed;
  if (signed) {
    rotateCentred(x);
    encodeSigns(x, slot);
    if (filtering) prepareSigns(x, buildMargin);
  }
  const count = load<u32>(state);
  const entryPoint = load<u32>(state, 4);
  const topLevel = load<i32>(state, 8);
  if (count > 0) {
    prepare(record);
    resetPool(efConstruction);
    descend(level);
    for (let l = min(level, topLevel); l >= 0; l--) {
      searchLayer(l);
      connect(slot, l);
      prepare(record);
      rewindPool();
    }
    // What was reached from the old entry point is reached from the new one.
    if (level > topLevel) {
      const list = listOf(slot, topLevel);
      if (!contains(list, entryPoint)) append(list, entryPoint);
    }
  }
  if (count == 0 || level > topLevel) {
    store<u32>(state, slot, 4);
    store<i32>(state, level, 8);
  }
  store<u32>(state, count + 1);
}

/** Goes greedily from the entry point down to `level` and leaves the nearest node found in the pool. */
function descend(level: i32): void {
  let nearest = load<u32>(state, 4);
  let least = distance(recordOf(nearest));
  for (let l = load<i32>(state, 8); l > level; l--) {
    for (;;) {
      const list = listOf(nearest, l);
      let n = countOf(list);
      hops++;
      memory.copy(batch, list + 4, (<usize>n) << 2);
      if (filtering) n = filter(n, least);
      distancesTo(batch, n, batchDistances);
      let best = -1;
      for (let i = 0; i < n; i++) {
        const d = getF32(batchDistances, i);
        if (d < least) {
          least = d;
          best = i;
        }
      }
      if (best < 0) break;
      nearest = getU32(batch, best);
    }
  }
  push(least, nearest);
}

/** Algorithm 2: from the nodes in the pool, reads neighbours of the nearest unread ones until none is left. */
function searchLayer(level: i32): void {
  resetVisited(load<u32>(state) + 1);
  for (let i = 0; i < size; i++) visit(slotAt(i));
  while (hasNext()) {
    let n = gather(takeNext(), level, 0);
    // Two a round: the second one's cache misses run beside the first one's.
    if (hasNext()) n = gather(takeNext(), level, n);
    if (filtering && bound() < Infinity) n = filter(n, bound());
    distancesTo(batch, n, batchDistances);
    let worst = bound();
    for (let i = 0; i < n; i++) {
      const d = getF32(batchDistances, i);
      if (d >= worst) continue;
      push(d, getU32(batch, i));
      worst = bound();
    }
  }
}

/** Appends the unvisited neighbours of `slot` to the batch, which holds `n`; returns how many it holds then. */
function gather(slot: u32, level: i32, n: i32): i32 {
  hops++;
  const list = listOf(slot, level);
  const count = countOf(list);
  for (let i = 0; i < count; i++) {
    const neighbour = linkAt(list, i);
    if (visit(neighbour)) setU32(batch, n++, neighbour);
  }
  return n;
}

/** Drops from the batch those whose estimate says that they are not nearer than `worst`; returns how many stay. */
function filter(n: i32, worst: f32): i32 {
  // Touch every sign record first: plain loads are the prefetch that WebAssembly lacks, and the misses overlap.
  let touched: u32 = 0;
  for (let i = 0; i < n; i++) {
    const record = signs + <usize>getU32(batch, i) * signBytes;
    touched += load<u32>(record) ^ load<u32>(record + signBytes - 8);
  }
  sink = touched;
  estimates += n;
  let kept = 0;
  for (let i = 0; i < n; i++) {
    const slot = getU32(batch, i);
    if (lowerBound(slot) < worst) setU32(batch, kept++, slot);
  }
  return kept;
}

/** Lines 11 to 16 of algorithm 1: gives `slot` its neighbours out of the pool, and gives it to them. */
function connect(slot: u32, level: i32): void {
  let n = 0;
  for (; n < size; n++) storeCandidate(n, distanceAt(n), slotAt(n));
  if (extendCandidates) n = extend(slot, level, n);
  const kept = selectNeighbors(n, M);
  const list = listOf(slot, level);
  for (let i = 0; i < kept; i++) append(list, getU32(selected, i));
  for (let i = 0; i < kept; i++) linkBack(linkAt(list, i), slot, level);
}

/** Lines 3 to 7 of algorithm 4: the candidates' neighbours become candidates too. */
function extend(slot: u32, level: i32, n: i32): i32 {
  resetVisited(load<u32>(state) + 1);
  visit(slot);
  const own = n;
  for (let i = 0; i < own; i++) visit(candidateSlot(i));
  for (let i = 0; i < own; i++) {
    const found = gather(candidateSlot(i), level, 0);
    distancesTo(batch, found, batchDistances);
    for (let j = 0; j < found; j++) {
      storeCandidate(n++, getF32(batchDistances, j), getU32(batch, j));
    }
  }
  sortCandidates(n);
  return n;
}

/** Adds the edge from → to; where the list is full it is pruned. */
function linkBack(from: u32, to: u32, level: i32): void {
  const list = listOf(from, level);
  if (contains(list, to)) return;
  const most = level == 0 ? 2 * M : M;
  const count = countOf(list);
  if (count < most + slack) {
    append(list, to);
    return;
  }
  memory.copy(batch, list + 4, (<usize>count) << 2);
  setU32(batch, count, to);
  prepare(recordOf(from));
  distancesTo(batch, count + 1, batchDistances);
  for (let i = 0; i <= count; i++) {
    storeCandidate(i, getF32(batchDistances, i), getU32(batch, i));
  }
  sortCandidates(count + 1);
  const kept = selectNeighbors(count + 1, most);
  store<u32>(list, kept);
  memory.copy(list + 4, selected, (<usize>kept) << 2);
  for (let i = 0; i <= count; i++) {
    const slot = candidateSlot(i);
    const coverer = getU32(coverers, i);
    if (coverer == slot || detour(coverer, slot, level)) continue;
    let found = false;
    for (let j = 0; j < kept && !found; j++) found = detour(linkAt(list, j), slot, level);
    if (found) continue;
    if (countOf(list) < most + slack) append(list, slot);
    else lost++;
  }
}

/** Whether `slot` can be reached over `by`; where `by` has room, an edge sees to it. */
function detour(by: u32, slot: u32, level: i32): bool {
  if (by == NOBODY) return false;
  const list = listOf(by, level);
  if (contains(list, slot)) return true;
  if (countOf(list) >= (level == 0 ? 2 * M : M) + slack) return false;
  append(list, slot);
  return true;
}

/**
 * Algorithm 4: of the `n` candidates, ascending by distance to a base, takes each that is nearer to the base than (by a
 * factor α) to any taken before, `most` of them at most. Returns how many; they are in `selected`.
 */
function selectNeighbors(n: i32, most: i32): i32 {
  let kept = 0;
  for (let i = 0; i < n; i++) {
    const slot = candidateSlot(i);
    let coverer = NOBODY;
    if (kept < most) {
      coverer = covererOf(slot, candidateDistance(i), kept);
      if (coverer == NOBODY) {
        setU32(selected, kept++, slot);
        coverer = slot;
      }
    }
    setU32(coverers, i, coverer);
  }
  if (!keepPruned) return kept;
  for (let i = 0; i < n && kept < most; i++) {
    const slot = candidateSlot(i);
    if (getU32(coverers, i) == slot) continue;
    setU32(selected, kept++, slot);
    setU32(coverers, i, slot);
  }
  return kept;
}

/** The first selected node that is nearer to `slot` than the base is, or NOBODY. */
function covererOf(slot: u32, distanceToBase: f32, kept: i32): u32 {
  if (kept == 0) return NOBODY;
  prepare(recordOf(slot));
  for (let i = 0; i < kept; i += 4) {
    const n = min(kept - i, 4);
    distancesTo(selected + ((<usize>i) << 2), n, batchDistances);
    for (let j = 0; j < n; j++) {
      if (alpha * getF32(batchDistances, j) < distanceToBase) {
        return getU32(selected, i + j);
      }
    }
  }
  return NOBODY;
}

function storeCandidate(i: i32, distance: f32, slot: u32): void {
  setU64(candidates, i, ((<u64>orderedBits(distance)) << 32) | slot);
}

function candidateSlot(i: i32): u32 {
  return load<u32>(candidates + ((<usize>i) << 3));
}

function candidateDistance(i: i32): f32 {
  const bits = load<u32>(candidates + ((<usize>i) << 3), 4);
  return reinterpret<f32>(bits & 0x80000000 ? bits & 0x7fffffff : ~bits);
}

/** Shell sort, ascending; ties by slot. */
function sortCandidates(n: i32): void {
  let gap = 1;
  while (gap < n >> 2) gap = (gap * 9) / 4 + 1;
  for (; gap > 0; gap = gap > 1 ? max(1, ((gap - 1) * 4) / 9) : 0) {
    for (let i = gap; i < n; i++) {
      const entry = getU64(candidates, i);
      let j = i;
      for (; j >= gap && getU64(candidates, j - gap) > entry; j -= gap)
        setU64(candidates, j, getU64(candidates, j - gap));
      setU64(candidates, j, entry);
    }
  }
}
