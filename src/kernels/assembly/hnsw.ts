/**
 * HNSW (Malkov & Yashunin 2018) over the arena: `insert` is algorithm 1, `walk.ts` has algorithms 2 and 5, `select.ts` algorithm
 * 4. One call from JavaScript does a whole search or insert.
 *
 * Departures, besides those of the walk: lists have slack and are pruned only when it is used up; pruning may keep long edges by
 * α as Vamana does (α = 1 is the paper); and on every level each node but the first has one incoming edge, its parent's, that
 * pruning may not drop. Those edges are a tree over the level, and a new entry point is given one to the old: so every node can
 * be reached, always, and with ef = count the search is exact.
 *
 * ## Many threads
 *
 * Threads share the graph; each has kernels and scratch of its own. Any number may search and insert at the same time. Readers
 * take no locks: `links.ts` says why a list can be read while it changes. What a walk relies on beyond that:
 *
 * 1. *Whoever is seen is complete.* An insert writes the vector, the sign bits and its own lists on all levels while nobody can
 *    see them, and only then links others to the new node, from level 0 upwards. The edge that first shows the node on a level
 *    is an atomic store that comes after all that, and its reader's load comes after the store. On every level below, the node
 *    is linked already.
 * 2. *Whoever is seen can be reached.* On each level the parent's kept edge comes first. So at any moment whoever is linked to
 *    at all has a parent that was itself linked to before, up to the first node: by kept edges, which never go away, everything
 *    that was inserted can be reached, whatever else is being pruned at that time.
 * 3. *The entry point is one word.* Slot and level are stored together, after the node that becomes it has been linked. Its
 *    lock is held through the whole of such an insert, so that no two nodes rise above the top unknown to each other.
 * 4. *What is rewritten as a whole has eras.* Moving the filter's centre rewrites all sign bits, leaving bytes all codes.
 *    Writers stand still meanwhile (their callers see to it). A walk notes the era that it began in; while signs are rewritten
 *    it does without the filter, and where the era has changed when it ends, it walks again.
 * 5. *What came from a file is checked before it is read* (`blocks.ts`), each page once, as long as there are any that nobody
 *    has looked at; and before anybody writes, all are.
 *
 * Two inserts at the same time do not find each other as neighbours; all that came before, and come after, they do.
 */
import {
  append,
  compact,
  countOf,
  createLists,
  edgeAt,
  indexOf,
  KEPT,
  keptCount,
  levelOf,
  linkAt,
  listOf,
  lockOf,
  markAt,
  removeDuplicates,
  slotOf,
  WAY,
} from './links';
import {
  ENTRY_HELD,
  HELD,
  holds,
  INSERTING,
  LEVELS,
  LINKING,
  lock,
  note,
  noteBoth,
  noted,
  PARENT,
  unlock,
} from './locks';
import { distanceAt, resetPool, rewindPool, size, slotAt } from './pool';
import {
  candidateSlot,
  configureSelection,
  selectedSlot,
  selectNeighbors,
  sortCandidates,
  storeCandidate,
} from './select';
import { encodeSigns, prepareSigns, rotateCentred, words } from './signs';
import { distancesTo, prepare, recordOf, writeFiner, writeVector } from './space';
import { visit } from './visited';
import {
  BATCH_BYTES,
  batch,
  batchDistances,
  beginMarks,
  beginWriting,
  CLAIMED,
  COUNT,
  configureWalk,
  descend,
  ENTRY,
  ENTRY_LOCK,
  gather,
  isBroken,
  levelOfEntry,
  mostLinks,
  NOBODY,
  ROOT,
  searchLayer,
  setBroken,
  signed,
  slotOfEntry,
  state,
} from './walk';
import { getF32, getU32, setU32 } from './words';

let M: i32 = 0;
let slack: i32 = 0;
let efConstruction: i32 = 0;
let extendCandidates: bool = false;
let buildMargin: f32 = 0;

/** The links that a new node was given on a level. */
let given: usize = 0;

/** Whether an insert is being finished that another thread began, some of whose links are there already. */
let resuming: bool = false;

export function configureHnsw(
  state: usize,
  M_: i32,
  slack_: i32,
  efConstruction_: i32,
  alpha: f32,
  extendCandidates_: bool,
  keepPruned: bool,
  signed: bool,
  buildMargin_: f32,
  queryRecord: usize,
  scratch: usize,
  discarded: usize,
  candidates: usize,
): void {
  M = M_;
  slack = slack_;
  efConstruction = efConstruction_;
  extendCandidates = extendCandidates_;
  buildMargin = buildMargin_;
  configureWalk(state, 2 * M + slack, M + slack, signed, false, queryRecord, scratch);
  const selected = batchDistances + BATCH_BYTES;
  given = selected + (BATCH_BYTES >> 1);
  configureSelection(alpha, keepPruned, selected, discarded, candidates, batchDistances);
}

/**
 * Algorithm 1: links the f32 vector at `x` into the graph as `slot`, which is its alone; the first slot of all is inserted
 * before any other is begun. False where the graph is broken (see `brokenSlot`); then nobody has been linked to the slot. Its
 * caller clears the journal.
 */
export function insert(x: usize, slot: u32, level: i32, upper: u32, filtered: bool): bool {
  note(LEVELS, 0);
  note(INSERTING, slot + 1);
  const filtering = filtered && signed;
  beginWriting(filtering);
  const record = recordOf(slot);
  writeVector(x, record);
  writeFiner(x, slot);
  createLists(slot, level, upper);
  if (signed) {
    rotateCentred(x);
    encodeSigns(x, slot);
    if (filtering) prepareSigns(x, buildMargin, words);
  }
  if (slot != ROOT) {
    const entry = entryFor(level);
    const topLevel = levelOfEntry(entry);
    prepare(record);
    resetPool(efConstruction);
    descend(entry, level);
    for (let l = min(level, topLevel); l >= 0; l--) {
      searchLayer(l);
      giveLists(slot, l);
      if (l == topLevel && level > topLevel) keepWayTo(slotOfEntry(entry), listOf(slot, l));
      prepare(record);
      rewindPool();
    }
    if (isBroken()) {
      leaveEntry();
      return false;
    }
    note(LINKING, 0);
    note(PARENT, 0);
    note(LEVELS, min(level, topLevel) + 1);
  }
  finish(slot, level);
  return !isBroken();
}

/**
 * Finishes what a thread of this number was doing when it died: gives back what it held, and links the node that it was
 * inserting, whose f32 vector is at `x`. To be called once, before anything else, where the journal names such a node.
 */
export function resume(x: usize, slot: u32, level: i32, upper: u32, filtered: bool): bool {
  const held = noted(HELD);
  if (held && holds(lockOf(held - 1))) {
    for (let l = levelOf(held - 1); l >= 0; l--) removeDuplicates(listOf(held - 1, l));
    release(held - 1);
  }
  if (noted(LEVELS)) {
    resuming = true;
    finish(slot, level);
    resuming = false;
    return true;
  }
  leaveEntry();
  return insert(x, slot, level, upper, filtered);
}

/**
 * From where the node's own lists are complete: links others to it, bottom up, and shows it as the entry point where it is
 * above all.
 */
function finish(slot: u32, level: i32): void {
  const levels = noted(LEVELS);
  for (let l = noted(LINKING); l < levels; l++) {
    linkBack(slot, l);
    // The next level, and nobody its parent yet.
    noteBoth(LINKING, l + 1, 0);
  }
  if (slot == ROOT || (noted(ENTRY_HELD) && level > levelOfEntry(atomic.load<u64>(state, ENTRY)))) {
    atomic.store<u64>(state, ((<u64>level) << 32) | slot, ENTRY);
  }
  leaveEntry();
  atomic.add<u32>(state, 1, COUNT);
}

/** The entry point for the insert of a node of this level. Where that one rises above it, it stays locked until `leaveEntry`. */
function entryFor(level: i32): u64 {
  const entry = atomic.load<u64>(state, ENTRY);
  if (level <= levelOfEntry(entry)) return entry;
  note(ENTRY_HELD, 1);
  lock(state + ENTRY_LOCK);
  const now = atomic.load<u64>(state, ENTRY);
  if (level <= levelOfEntry(now)) leaveEntry();
  return now;
}

function leaveEntry(): void {
  if (!noted(ENTRY_HELD)) return;
  if (holds(state + ENTRY_LOCK)) unlock(state + ENTRY_LOCK);
  note(ENTRY_HELD, 0);
}

/** Lines 11 and 12 of algorithm 1: gives `slot`, which nobody sees yet, its neighbours out of the pool. */
function giveLists(slot: u32, level: i32): void {
  let n = 0;
  for (; n < size; n++) storeCandidate(n, distanceAt(n), slotAt(n));
  if (extendCandidates) n = extend(slot, level, n);
  const chosen = selectNeighbors(slot, n, M);
  const list = listOf(slot, level);
  for (let i = 0; i < chosen; i++) append(list, selectedSlot(i));
}

/** A new entry point's edge to the old one, from which all is reached. Its own list is new, so there is room. */
function keepWayTo(entryPoint: u32, list: usize): void {
  const at = indexOf(list, entryPoint);
  if (at < 0) append(list, entryPoint | KEPT | WAY);
  else markAt(list, at, KEPT | WAY);
}

/** Lines 13 to 16: gives `slot` to its neighbours, its parent first. Goes on where an insert was broken off. */
function linkBack(slot: u32, level: i32): void {
  const list = listOf(slot, level);
  // A copy: as soon as somebody links to the slot, others may link it to themselves.
  const n = countOf(list);
  for (let i = n - 1; i >= 0; i--) setU32(given, i, linkAt(list, i));
  const parent = hasParent(slot, level) ? noted(PARENT) - 1 : giveParent(slot, n, level);
  for (let i = 0; i < n; i++) {
    const neighbour = getU32(given, i);
    if (neighbour == parent) continue;
    hold(neighbour);
    if (!resuming || indexOf(listOf(neighbour, level), slot) < 0) link(neighbour, slot, level);
    release(neighbour);
  }
}

/** Whether the one that was to be the parent when this insert was broken off has become it. */
function hasParent(slot: u32, level: i32): bool {
  const parent = noted(PARENT);
  if (!parent) return false;
  const list = listOf(parent - 1, level);
  // Held, because where the edge is and what it is are two looks, between which others may move it.
  hold(parent - 1);
  const at = indexOf(list, slot);
  const has = at >= 0 && (edgeAt(list, at) & KEPT) != 0;
  release(parent - 1);
  return has;
}

/**
 * The slot's kept incoming edge comes from the nearest of its `n` given neighbours that may take one more. Where none may, a
 * way down the tree from the first ends at a node that may.
 */
function giveParent(slot: u32, n: i32, level: i32): u32 {
  for (let i = 0; i < n; i++) {
    const neighbour = getU32(given, i);
    if (becomesParent(neighbour, slot, level)) return neighbour;
  }
  let parent = getU32(given, 0);
  // A tree has no more steps than nodes; a file that was forged need not hold a tree.
  for (let steps = atomic.load<u32>(state, CLAIMED); steps > 0; steps--) {
    parent = childOf(parent, level);
    if (parent == NOBODY) break;
    if (becomesParent(parent, slot, level)) return parent;
  }
  setBroken(slot);
  return NOBODY;
}

function becomesParent(parent: u32, slot: u32, level: i32): bool {
  hold(parent);
  const may = keptCount(listOf(parent, level)) < slack;
  if (may) {
    note(PARENT, parent + 1);
    link(parent, slot | KEPT, level);
  }
  release(parent);
  return may;
}

/** One whose parent this is; its kept edges are as many as may be, and one of them at most is a way to an entry point. */
function childOf(parent: u32, level: i32): u32 {
  const list = listOf(parent, level);
  hold(parent);
  const count = countOf(list);
  let i = 0;
  while (i < count && (edgeAt(list, i) & (KEPT | WAY)) != KEPT) i++;
  const child = i < count ? linkAt(list, i) : NOBODY;
  release(parent);
  return child;
}

function hold(slot: u32): void {
  note(HELD, slot + 1);
  lock(lockOf(slot));
}

function release(slot: u32): void {
  unlock(lockOf(slot));
  note(HELD, 0);
}

/** Lines 3 to 7 of algorithm 4: the candidates' neighbours become candidates too. */
function extend(slot: u32, level: i32, n: i32): i32 {
  beginMarks();
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

/** Adds the edge from → to, which may carry marks, to a list whose lock is held; where the list is full it is pruned. */
function link(from: u32, to: u32, level: i32): void {
  const list = listOf(from, level);
  if (countOf(list) < mostLinks(level)) append(list, to);
  else prune(from, list, to, level == 0 ? 2 * M : M);
}

/** Algorithm 4 on the list and the edge that it has no room for: `most` of them stay, and besides those that are kept. */
function prune(from: u32, list: usize, to: u32, most: i32): void {
  const count = countOf(list);
  for (let i = 0; i < count; i++) setU32(batch, i, linkAt(list, i));
  setU32(batch, count, slotOf(to));
  const n = count + 1;
  prepare(recordOf(from));
  distancesTo(batch, n, batchDistances);
  for (let i = 0; i < n; i++) storeCandidate(i, getF32(batchDistances, i), getU32(batch, i));
  sortCandidates(n);
  const chosen = selectNeighbors(from, n, most);
  for (let i = 0; i < chosen; i++) setU32(batch, i, selectedSlot(i));
  compact(list, batch, chosen, to, count);
}
