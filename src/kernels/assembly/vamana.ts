/**
 * Vamana (Subramanya, Devvrit, Kadekodi, Krishnaswamy & Simhadri 2019, "DiskANN", sections 2–4) over the arena: `chooseLinks` is
 * lines 2 and 3 of its algorithm 3, GreedySearch (algorithm 1, which is `walk.ts`) and RobustPrune (algorithm 2, `robust-prune.ts`) of
 * the nodes that it visited; `linkBack` is the rest.
 *
 * Nodes are linked in batches (Manohar et al. 2024, "ParlayANN"): the links of all of a batch are chosen on a graph that
 * stands still, then set, and then linked back, each list by one thread. So no list needs a lock, and the same graph comes of
 * any number of threads. Whoever searches meanwhile may meet a list between two states: every edge in it is an edge.
 *
 * Departures: lists have slack and are pruned only when it is used up; edges that are KEPT, a tree over all nodes, are never
 * dropped; two candidates are read per round; a sign filter looks before vectors are touched; a search that `settles` visits fewer,
 * and what of its beam it did not visit are candidates too.
 */
import {
  append,
  clearMarks,
  compact,
  countOf,
  createLists,
  indexOf,
  isDeleted,
  KEPT,
  linkAt,
  listOf,
  markAt,
  removeDuplicates,
  slotOf,
} from './links';
import { distanceAt, logTaken, resetPool, size, slotAt, takenCount, takenDistance, takenSlot } from './pool';
import { configurePruning, prunedSlot, robustPrune, robustPruneBeside } from './robust-prune';
import { configureCandidates, sortCandidates, storeCandidate } from './select';
import { encodeSigns, prepareSigns, rotateCentred, words } from './signs';
import { distancesTo, prepare, recordOf, writeFiner, writeVector } from './space';
import { visit } from './visited';
import {
  BATCH_BYTES,
  batch,
  batchDistances,
  beginMarks,
  beginWriting,
  configureWalk,
  descend,
  gather,
  hide,
  isBroken,
  mostLinks,
  ROOT,
  searchLayer,
  setBroken,
  setPatience,
  signed,
} from './walk';
import { getF32, getU32, setU32 } from './words';

let R: i32 = 0;
/** Whether walks go to the node's surroundings by estimates alone, and may end before their beam has been read. */
let settles: bool = false;
let buildMargin: f32 = 0;
/** Lists in a row that brought nobody into the beam, at least, before a walk ends that settles. */
const LEAST_PATIENCE: i32 = 16;
/** The nodes that a search visited, as the pool's entries; behind it candidates. */
let log: usize = 0;
let mostLogged: i32 = 0;
/** Edges that a list has no room for. */
let arriving: usize = 0;

export function configureVamana(
  state: usize,
  R_: i32,
  slack: i32,
  settles_: bool,
  saturate: bool,
  stepped: bool,
  signed: bool,
  lifted: bool,
  buildMargin_: f32,
  queryRecord: usize,
  scratch: usize,
  discarded: usize,
  candidates: usize,
  mostLogged_: i32,
  mostCandidates: i32,
): void {
  R = R_;
  settles = settles_;
  buildMargin = buildMargin_;
  configureWalk(state, R + slack, 0, signed, lifted, queryRecord, scratch);
  const selected = batchDistances + BATCH_BYTES;
  arriving = selected + (BATCH_BYTES >> 1);
  log = candidates;
  mostLogged = mostLogged_;
  configureCandidates(candidates);
  configurePruning(saturate, stepped, selected, discarded, mostCandidates, batchDistances);
}

/** Writes the f32 vector at `x` as the node `slot`, which nobody sees: it has no links. */
export function place(x: usize, slot: u32): void {
  beginWriting(false);
  writeVector(x, recordOf(slot));
  writeFiner(x, slot);
  createLists(slot, 0, 0);
  if (!signed) return;
  rotateCentred(x);
  encodeSigns(x, slot);
}

/**
 * Searches for the node `slot`, whose f32 vector is at `x`, prunes those visited and its links with α as `alpha` (in the unit of
 * distances: squared where they are), and writes the slots of those that stay to `out`. Returns how many, or −1 where the graph
 * is broken.
 */
export function chooseLinks(x: usize, slot: u32, alpha: f32, L: i32, filtered: bool, out: usize): i32 {
  beginWriting(filtered);
  if (settles) setPatience(max(L / 5, LEAST_PATIENCE));
  if (filtered && signed) {
    rotateCentred(x);
    prepareSigns(x, buildMargin, words);
  }
  const record = recordOf(slot);
  prepare(record);
  resetPool(L);
  hide(slot);
  logTaken(log, mostLogged);
  descend(ROOT, settles && filtered && signed ? -1 : 0);
  searchLayer(0);
  const visited = takenCount();
  logTaken(0, 0);
  let n = 0;
  beginMarks();
  for (let i = 0; i < visited; i++) {
    const at = takenSlot(log, i);
    if (!visit(at)) continue;
    storeCandidate(n++, takenDistance(log, i), at);
  }
  // Where the walk ended early, the beam holds some that it did not visit.
  for (let i = 0; i < size; i++) {
    const at = slotAt(i);
    if (visit(at) && !isDeleted(at)) storeCandidate(n++, distanceAt(i), at);
  }
  // Behind the marks, only those that no search visited are gathered.
  n = storeBatch(livingOnes(gather(slot, 0, 0)), n);
  // Where all that can be met are deleted, one of them has to lead to it.
  if (n == 0 && slot != ROOT) storeCandidate(n++, 0, ROOT);
  sortCandidates(n);
  if (isBroken()) return -1;
  return select(slot, n, alpha, out);
}

/**
 * Algorithm 4 of FreshDiskANN (Singh, Subramanya, Krishnaswamy & Simhadri 2021), for one node: in place of its deleted neighbours
 * come, of their neighbours that live, those that RobustPrune with α leaves. No edge is KEPT any more. The lists of deleted nodes
 * are only read and others not at all, so that any number of threads may repair nodes at once, in any order. Returns whether the
 * graph is whole.
 *
 * A departure: links that live all stay, and what is new is pruned beside them. RobustPrune of all together takes near ones first,
 * and drops the long edges for which R leaves no room: on 40 clusters of 4,000 vectors (R 32) recall fell in ten rounds of 5 %
 * from 0.97 to 0.92, and so it stays.
 */
export function repair(slot: u32, alpha: f32): bool {
  beginWriting(false);
  const list = listOf(slot, 0);
  clearMarks(list);
  removeDuplicates(list);
  beginMarks();
  visit(slot);
  prepare(recordOf(slot));
  const linked = gather(slot, 0, 0);
  const living = livingOnes(linked);
  if (living == linked) return !isBroken();
  memory.copy(arriving, batch, (<usize>living) << 2);
  let n = 0;
  const count = countOf(list);
  for (let i = 0; i < count; i++) {
    const link = linkAt(list, i);
    if (!isDeleted(link)) continue;
    n = storeBatch(livingOnes(gather(link, 0, 0)), n);
    if (n <= mostLogged) continue;
    // As many as a search may visit, the nearest.
    sortCandidates(n);
    n = mostLogged;
  }
  if (isBroken()) return false;
  sortCandidates(n);
  const chosen = robustPruneBeside(slot, arriving, living, n, alpha, max(R, count));
  compact(list, arriving, living, 0, 0);
  for (let i = living; i < chosen; i++) append(list, prunedSlot(i));
  return true;
}

/** Drops the deleted from the batch of `n`; returns how many stay. */
function livingOnes(n: i32): i32 {
  let living = 0;
  for (let i = 0; i < n; i++) {
    const slot = getU32(batch, i);
    setU32(batch, living, slot);
    living += i32(!isDeleted(slot));
  }
  return living;
}

/** The batch of `linked` become candidates behind the `n` that there are; returns how many there are then. */
function storeBatch(linked: i32, n: i32): i32 {
  distancesTo(batch, linked, batchDistances);
  for (let i = 0; i < linked; i++) storeCandidate(n + i, getF32(batchDistances, i), getU32(batch, i));
  return n + linked;
}

/** RobustPrune of the `n` candidates; those that stay go to `out`. */
function select(slot: u32, n: i32, alpha: f32, out: usize): i32 {
  const chosen = robustPrune(slot, n, alpha, R);
  for (let i = 0; i < chosen; i++) setU32(out, i, prunedSlot(i));
  return chosen;
}

/** Makes the `n` edges at `edges` the links of the node; edges of before that are KEPT stay, where they were no more than fit. */
export function setLinks(slot: u32, edges: usize, n: i32): void {
  const list = listOf(slot, 0);
  compact(list, edges, 0, 0, 0);
  for (let i = 0; i < n; i++) addEdge(list, getU32(edges, i));
}

function addEdge(list: usize, edge: u32): void {
  const at = indexOf(list, slotOf(edge));
  if (at < 0) append(list, edge);
  else if (edge & KEPT) markAt(list, at, KEPT);
}

/**
 * Links the node to the `n` whose edges, perhaps KEPT, are at `edges`, and prunes its list with α where it has no room for all.
 * Where a thread died over it, to be called again. False where the graph is broken.
 */
export function linkBack(slot: u32, edges: usize, n: i32, alpha: f32): bool {
  beginWriting(false);
  const list = listOf(slot, 0);
  if (<u32>countOf(list) > <u32>mostLinks(0)) {
    setBroken(slot);
    return false;
  }
  removeDuplicates(list);
  let arrived = 0;
  for (let i = 0; i < n; i++) {
    const edge = getU32(edges, i);
    const at = indexOf(list, slotOf(edge));
    if (at < 0) setU32(arriving, arrived++, edge);
    else if (edge & KEPT) markAt(list, at, KEPT);
  }
  const count = countOf(list);
  if (count + arrived <= mostLinks(0)) {
    for (let i = 0; i < arrived; i++) append(list, getU32(arriving, i));
    return true;
  }
  for (let i = 0; i < count; i++) setU32(batch, i, linkAt(list, i));
  for (let i = 0; i < arrived; i++) setU32(batch, count + i, slotOf(getU32(arriving, i)));
  const all = count + arrived;
  prepare(recordOf(slot));
  distancesTo(batch, all, batchDistances);
  for (let i = 0; i < all; i++) storeCandidate(i, getF32(batchDistances, i), getU32(batch, i));
  sortCandidates(all);
  const chosen = select(slot, all, alpha, batch);
  compact(list, batch, chosen, 0, 0);
  for (let i = 0; i < arrived; i++) {
    const edge = getU32(arriving, i);
    let stays = (edge & KEPT) != 0;
    for (let j = 0; j < chosen && !stays; j++) stays = getU32(batch, j) == slotOf(edge);
    if (stays) append(list, edge);
  }
  return true;
}
