/**
 * HNSW (Malkov & Yashunin 2018), algorithms 1, 2, 4 and 5, over the arena: `insert` is algorithm 1, `searchLayer` algorithm 2,
 * `select.ts` algorithm 4, `search` algorithm 5. One call from JavaScript does a whole search or insert.
 *
 * Departures: lists have slack and are pruned only when it is used up; pruning may keep long edges by α as Vamana does (α = 1 is
 * the paper); two candidates are read per round; a sign filter looks before vectors are touched; and on every level each node
 * but the first has one incoming edge, its parent's, that pruning may not drop. Those edges are a tree over the level, and a
 * new entry point is given one to the old: so every node can be reached, always, and with ef = count the search is exact.
 */
import { append, countOf, createLists, indexOf, isKeptAt, KEPT, keepAt, keptCount, linkAt, listOf } from './links';
import { bound, distanceAt, hasNext, peekNext, push, resetPool, rewindPool, size, slotAt, takeNext } from './pool';
import {
  candidateSlot,
  configureSelection,
  selectedSlot,
  selectNeighbors,
  sortCandidates,
  storeCandidate,
} from './select';
import { encodeSigns, lowerBound, prepareSigns, rotateCentred, signBytes, signs } from './signs';
import { distance, distancesTo, prepare, prepareFloats, recordOf, writeVector } from './space';
import { resetVisited, visit } from './visited';
import { getF32, getU32, setF32, setU32 } from './words';

/** Room for the neighbours of one round, and for selections: entries of four bytes. */
const BATCH_BYTES: usize = 8192;
/** The first node, whose kept edges lead to all others on level 0. */
const ROOT: u32 = 0;

/** Where the graph's state lies: count, entry point, top level, each u32. */
let state: usize = 0;
let M: i32 = 0;
let slack: i32 = 0;
let efConstruction: i32 = 0;
let extendCandidates: bool = false;
let signed: bool = false;
let buildMargin: f32 = 0;

let queryRecord: usize = 0;
let batch: usize = 0;
let batchDistances: usize = 0;
/** The kept edges of a list that is pruned. */
let keptEdges: usize = 0;

/** Whether this walk may use the sign filter. */
let filtering: bool = false;
let hops: i32 = 0;
let estimates: i32 = 0;
let sink: u32 = 0;
let listSink: u32 = 0;

export function configureHnsw(
  state_: usize,
  M_: i32,
  slack_: i32,
  efConstruction_: i32,
  alpha: f32,
  extendCandidates_: bool,
  keepPruned: bool,
  signed_: bool,
  buildMargin_: f32,
  queryRecord_: usize,
  scratch: usize,
  discarded: usize,
  candidates: usize,
): void {
  state = state_;
  M = M_;
  slack = slack_;
  efConstruction = efConstruction_;
  extendCandidates = extendCandidates_;
  signed = signed_;
  buildMargin = buildMargin_;
  queryRecord = queryRecord_;
  batch = scratch;
  batchDistances = batch + BATCH_BYTES;
  const selected = batchDistances + BATCH_BYTES;
  keptEdges = selected + (BATCH_BYTES >> 1);
  configureSelection(alpha, keepPruned, selected, discarded, candidates, batchDistances);
}

export function hopCount(): i32 {
  return hops;
}

export function estimateCount(): i32 {
  return estimates;
}

/** Algorithm 5: fills the pool with the `ef` nearest found to the f32 vector at `x`; returns how many. */
export function search(x: usize, ef: i32, filtered: bool, margin: f32): i32 {
  hops = 0;
  estimates = 0;
  filtering = filtered && signed;
  if (filtering) {
    rotateCentred(x);
    prepareSigns(x, margin);
  }
  prepareFloats(x, queryRecord);
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
      if (l == topLevel && level > topLevel) keepWayTo(entryPoint, listOf(slot, l));
      prepare(record);
      rewindPool();
    }
  }
  if (count == 0 || level > topLevel) {
    store<u32>(state, slot, 4);
    store<i32>(state, level, 8);
  }
  store<u32>(state, count + 1);
}

/**
 * Goes greedily from the entry point down to `level` and leaves the nearest node found in the pool. Where there are sign bits,
 * estimates alone show the way: all that matters up here is where the beam of the levels below will start.
 */
function descend(level: i32): void {
  let nearest = load<u32>(state, 4);
  let least = filtering ? lowerBound(nearest) : distance(recordOf(nearest));
  // Who was looked at, on this level or above, was not nearer than `nearest` is.
  resetVisited(load<u32>(state) + 1);
  for (let l = load<i32>(state, 8); l > level; l--) {
    for (;;) {
      const n = gather(nearest, l, 0);
      if (filtering) estimateBatch(n);
      else distancesTo(batch, n, batchDistances);
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
  push(filtering ? distance(recordOf(nearest)) : least, nearest);
}

/** Algorithm 2: from the nodes in the pool, reads neighbours of the nearest unread ones until none is left. */
function searchLayer(level: i32): void {
  resetVisited(load<u32>(state) + 1);
  for (let i = 0; i < size; i++) visit(slotAt(i));
  readNeighbours(level);
  // A beam still not full has seen all that can be reached from where it began. From the root of level 0's tree all can.
  if (level == 0 && bound() == Infinity && visit(ROOT)) {
    push(distance(recordOf(ROOT)), ROOT);
    readNeighbours(level);
  }
}

function readNeighbours(level: i32): void {
  while (hasNext()) {
    let n = gather(takeNext(), level, 0);
    // Two a round: the second one's cache misses run beside the first one's.
    if (hasNext()) n = gather(takeNext(), level, n);
    // The list that the next round may begin with, so that it is on its way meanwhile.
    if (hasNext()) {
      const list = listOf(peekNext(), level);
      listSink = load<u32>(list) ^ load<u32>(list, 64);
    }
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
    setU32(batch, n, neighbour);
    n += i32(visit(neighbour));
  }
  return n;
}

/** Drops from the batch those whose estimate says that they are not nearer than `worst`; returns how many stay. */
function filter(n: i32, worst: f32): i32 {
  estimateBatch(n);
  let kept = 0;
  for (let i = 0; i < n; i++) {
    setU32(batch, kept, getU32(batch, i));
    kept += i32(getF32(batchDistances, i) < worst);
  }
  return kept;
}

/** Estimates, less the margin, of the `n` nodes in the batch. */
function estimateBatch(n: i32): void {
  // Touch every sign record first: plain loads are the prefetch that WebAssembly lacks, and the misses overlap.
  let touched: u32 = 0;
  for (let i = 0; i < n; i++) {
    const record = signs + <usize>getU32(batch, i) * signBytes;
    touched += load<u32>(record) ^ load<u32>(record + signBytes - 8);
  }
  sink = touched;
  estimates += n;
  for (let i = 0; i < n; i++) setF32(batchDistances, i, lowerBound(getU32(batch, i)));
}

/** Lines 11 to 16 of algorithm 1: gives `slot` its neighbours out of the pool, and gives it to them. */
function connect(slot: u32, level: i32): void {
  let n = 0;
  for (; n < size; n++) storeCandidate(n, distanceAt(n), slotAt(n));
  if (extendCandidates) n = extend(slot, level, n);
  const chosen = selectNeighbors(slot, n, M);
  const list = listOf(slot, level);
  for (let i = 0; i < chosen; i++) append(list, selectedSlot(i));
  const parent = parentFor(list, level);
  linkBack(parent, slot | KEPT, level);
  for (let i = 0; i < chosen; i++) {
    const neighbour = linkAt(list, i);
    if (neighbour != parent) linkBack(neighbour, slot, level);
  }
}

/** A new entry point's edge to the old one, from which all is reached. Its own list is new, so there is room. */
function keepWayTo(entryPoint: u32, list: usize): void {
  const at = indexOf(list, entryPoint);
  if (at < 0) append(list, entryPoint | KEPT);
  else keepAt(list, at);
}

/**
 * The nearest of a new node's neighbours that may take one more kept edge. Where none may, a way down the tree from the first
 * ends at a node that may: children are younger than their parents, so it ends.
 */
function parentFor(list: usize, level: i32): u32 {
  const count = countOf(list);
  for (let i = 0; i < count; i++) {
    const neighbour = linkAt(list, i);
    if (keptCount(listOf(neighbour, level)) < slack) return neighbour;
  }
  let parent = linkAt(list, 0);
  let children = listOf(parent, level);
  while (keptCount(children) >= slack) {
    let i = 0;
    while (!isKeptAt(children, i) || linkAt(children, i) < parent) i++;
    parent = linkAt(children, i);
    children = listOf(parent, level);
  }
  return parent;
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

/** Adds the edge from → to, which may carry the KEPT bit; where the list is full it is pruned. */
function linkBack(from: u32, to: u32, level: i32): void {
  const list = listOf(from, level);
  const most = level == 0 ? 2 * M : M;
  const count = countOf(list);
  if (count < most + slack) {
    append(list, to);
    return;
  }
  memory.copy(batch, list + 4, (<usize>count) << 2);
  setU32(batch, count, to);
  prune(from, list, count + 1, most);
}

/** Algorithm 4 on the `n` edges in the batch, which become the node's list: `most` of them, and besides those that are kept. */
function prune(from: u32, list: usize, n: i32, most: i32): void {
  let kept = 0;
  for (let i = 0; i < n; i++) {
    const edge = getU32(batch, i);
    if (edge & KEPT) setU32(keptEdges, kept++, edge & ~KEPT);
    setU32(batch, i, edge & ~KEPT);
  }
  prepare(recordOf(from));
  distancesTo(batch, n, batchDistances);
  for (let i = 0; i < n; i++) storeCandidate(i, getF32(batchDistances, i), getU32(batch, i));
  sortCandidates(n);
  const chosen = selectNeighbors(from, n, most);
  store<u32>(list, 0);
  for (let i = 0; i < chosen; i++) append(list, selectedSlot(i));
  for (let i = 0; i < kept; i++) {
    const slot = getU32(keptEdges, i);
    const at = indexOf(list, slot);
    if (at < 0) append(list, slot | KEPT);
    else keepAt(list, at);
  }
}
