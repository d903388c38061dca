/**
 * HNSW (Malkov & Yashunin 2018), algorithms 1, 2, 4 and 5, over the arena: `insert` is algorithm 1, `searchLayer` algorithm 2,
 * `select.ts` algorithm 4, `search` algorithm 5. One call from JavaScript does a whole search or insert.
 *
 * Departures: lists have slack and are pruned only when it is used up; pruning may keep long edges by α as Vamana does (α = 1
 * is the paper); two candidates are read per round; a sign filter looks before vectors are touched; a search may end before its
 * beam has been read, as soon as what is left is too far away to lead to anything near; and on every level each
 * node but the first has one incoming edge, its parent's, that pruning may not drop. Those edges are a tree over the level, and
 * a new entry point is given one to the old: so every node can be reached, always, and with ef = count the search is exact.
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
import { checking } from './blocks';
import {
  append,
  compact,
  countOf,
  createLists,
  edgeAt,
  ensureList,
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
  fence,
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
import {
  bound,
  distanceAt,
  hasNext,
  peekDistance,
  peekNext,
  push,
  resetPool,
  rewindPool,
  size,
  slotAt,
  takeNext,
} from './pool';
import {
  candidateSlot,
  configureSelection,
  selectedSlot,
  selectNeighbors,
  sortCandidates,
  storeCandidate,
} from './select';
import {
  centreMoved,
  encodeSigns,
  ensureSigns,
  lowerBound,
  prepareSigns,
  rotateCentred,
  signBytes,
  signs,
  usedBytes,
  words,
} from './signs';
import {
  distance,
  distancesTo,
  ensureRecord,
  prepare,
  prepareFloats,
  recordOf,
  setForm,
  writeFiner,
  writeVector,
} from './space';
import { marks, resetVisited, stamp, visit, visitAs } from './visited';
import { getF32, getU32, setF32, setU32 } from './words';

/** Room for the neighbours of one round, and for selections: entries of four bytes. */
const BATCH_BYTES: usize = 8192;
/** The first node, whose kept edges lead to all others on level 0. It is inserted before there is a second thread. */
const ROOT: u32 = 0;
const NOBODY: u32 = 0xffffffff;

/**
 * The shared state, byte offsets: inserts that are complete; slots that may be linked to by now; the entry point and its level.
 */
const COUNT: usize = 0;
const CLAIMED: usize = 4;
const ENTRY: usize = 8;
const ENTRY_LOCK: usize = 16;
/** Two bits that say what is being rewritten, and above them how often that was done. */
const ERA: usize = 20;
const SIGNS_MOVE: u32 = 1;
const FORM_MOVES: u32 = 2;
/** What records hold, as `space.ts` numbers it. */
const FORM: usize = 24;
/** How long a walk sleeps before it looks again whether the records are whole. */
const NAP_NS: i64 = 1_000_000;

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
/** The links that a new node was given on a level. */
let given: usize = 0;

/** The era that this thread's settings are of. */
let knownEra: u32 = 0xffffffff;
/**
 * A search of level 0 ends when the nearest unread candidate is more than `reach` times as far away as the `wanted`-th best
 * found; 0: when its beam has been read (Al-Jazzazi et al. 2025, "Distance adaptive beam search": their 1 + γ).
 */
let reach: f32 = 0;
let wanted: i32 = 0;
/** A slot that the search passes by as if it were not there, or NOBODY. */
let hidden: u32 = NOBODY;
/** Whether this walk may use the sign filter. */
let filtering: bool = false;
/** Slots below this may be linked to; it is looked up anew before a link beyond it is called broken. */
let claimed: u32 = 0;
/** Whether an insert is being finished that another thread began, some of whose links are there already. */
let resuming: bool = false;
/** A node with a link to nobody or an impossible degree, as slot + 1; 0: none was met. */
let broken: u32 = 0;
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
  given = selected + (BATCH_BYTES >> 1);
  knownEra = 0xffffffff;
  configureSelection(alpha, keepPruned, selected, discarded, candidates, batchDistances);
}

export function hopCount(): i32 {
  return hops;
}

export function estimateCount(): i32 {
  return estimates;
}

/** The node at which the last search or insert met a link that cannot be, or −1. */
export function brokenSlot(): i32 {
  return <i32>broken - 1;
}

/**
 * Algorithm 5: fills the pool with the `ef` nearest found to the f32 vector at `x`; returns how many, or −1 where the graph is
 * broken (see `brokenSlot`). `k` and `stretch` may end it sooner (see `reach`); the node `unseen` is passed by, −1: none. The
 * filter looks at the first `filterWords` words of signs, 0: there is none.
 */
export function search(x: usize, ef: i32, k: i32, stretch: f32, unseen: i32, filterWords: i32, margin: f32): i32 {
  hops = 0;
  estimates = 0;
  let era: u32;
  do {
    broken = 0;
    era = wholeEra();
    filtering = filterWords > 0 && signed && !(era & SIGNS_MOVE);
    if (filtering) {
      rotateCentred(x);
      prepareSigns(x, margin, filterWords);
    }
    prepareFloats(x, queryRecord);
    resetPool(ef);
    hidden = unseen;
    descend(atomic.load<u64>(state, ENTRY), 0);
    wanted = k;
    reach = stretch;
    searchLayer(0);
    reach = 0;
    hidden = NOBODY;
    // Without the fence, what was read of records and signs might be of later than the era is.
    fence();
  } while (atomic.load<u32>(state, ERA) != era);
  return broken ? -1 : size;
}

/** The era, as soon as all records are of one form; takes over what it says: that form, and the centre of the signs. */
function wholeEra(): u32 {
  let era = atomic.load<u32>(state, ERA);
  while (era & FORM_MOVES) {
    atomic.wait<i32>(state + ERA, era, NAP_NS);
    era = atomic.load<u32>(state, ERA);
  }
  if (era != knownEra) {
    setForm(load<i32>(state, FORM));
    if (signed) centreMoved();
    knownEra = era;
  }
  return era;
}

/**
 * Algorithm 1: links the f32 vector at `x` into the graph as `slot`, which is its alone; the first slot of all is inserted
 * before any other is begun. False where the graph is broken (see `brokenSlot`); then nobody has been linked to the slot. Its
 * caller clears the journal.
 */
export function insert(x: usize, slot: u32, level: i32, upper: u32, filtered: bool): bool {
  note(LEVELS, 0);
  note(INSERTING, slot + 1);
  broken = 0;
  // A search that trapped may have left its own.
  reach = 0;
  hidden = NOBODY;
  wholeEra();
  const record = recordOf(slot);
  writeVector(x, record);
  writeFiner(x, slot);
  createLists(slot, level, upper);
  filtering = filtered && signed;
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
    if (broken) {
      leaveEntry();
      return false;
    }
    note(LINKING, 0);
    note(PARENT, 0);
    note(LEVELS, min(level, topLevel) + 1);
  }
  finish(slot, level);
  return !broken;
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

function slotOfEntry(entry: u64): u32 {
  return <u32>entry;
}

function levelOfEntry(entry: u64): i32 {
  return <i32>(entry >> 32);
}

/**
 * Goes greedily from the entry point down to `level` and leaves the nearest node found in the pool. Where there are sign bits,
 * estimates alone show the way: all that matters up here is where the beam of the levels below will start.
 */
function descend(entry: u64, level: i32): void {
  let nearest = slotOfEntry(entry);
  if (checking && !isWhole(nearest)) return;
  let least = filtering ? lowerBound(nearest) : distance(recordOf(nearest));
  // Who was looked at, on this level or above, was not nearer than `nearest` is.
  beginMarks();
  for (let l = levelOfEntry(entry); l > level; l--) {
    for (;;) {
      let n = gather(nearest, l, 0);
      if (checking) n = wholeOnes(n);
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
  beginMarks();
  for (let i = 0; i < size; i++) visit(slotAt(i));
  readNeighbours(level);
  // A beam still not full has seen all that can be reached from where it began. From the root of level 0's tree all can.
  if (level == 0 && !hasNext() && bound() == Infinity && visit(ROOT) && (!checking || isWhole(ROOT))) {
    push(distance(recordOf(ROOT)), ROOT);
    readNeighbours(level);
  }
}

/** Until there is no unread node, or none near enough. */
function readNeighbours(level: i32): void {
  while (hasNext() && peekDistance() <= limit()) {
    let n = gather(takeNext(), level, 0);
    // Two a round: the second one's cache misses run beside the first one's.
    if (hasNext()) n = gather(takeNext(), level, n);
    // The list that the next round may begin with, so that it is on its way meanwhile.
    if (hasNext()) {
      const list = listOf(peekNext(), level);
      listSink = load<u32>(list) ^ load<u32>(list, 64);
    }
    if (checking) n = wholeOnes(n);
    let worst = limit();
    if (filtering && worst < Infinity) n = filter(n, worst);
    distancesTo(batch, n, batchDistances);
    for (let i = 0; i < n; i++) {
      const d = getF32(batchDistances, i);
      if (d >= worst) continue;
      push(d, getU32(batch, i));
      worst = limit();
    }
  }
}

/** The distance that a node must be below to be worth anything to this walk. */
function limit(): f32 {
  const worst = bound();
  if (reach == 0 || size < wanted) return worst;
  const kth = distanceAt(wanted - 1);
  // Estimates of distances may be negative.
  return min<f32>(worst, kth + (reach - 1) * abs<f32>(kth));
}

/** Nobody is visited. */
function beginMarks(): void {
  claimed = atomic.load<u32>(state, CLAIMED);
  resetVisited(claimed);
  if (hidden != NOBODY) visit(hidden);
}

/**
 * Appends the unvisited neighbours of `slot` to the batch, which holds `n`; returns how many it holds then. Reads from the last
 * to the first, as `links.ts` wants it.
 */
function gather(slot: u32, level: i32, n: i32): i32 {
  hops++;
  const list = listOf(slot, level);
  if (checking && !ensureList(list, level)) {
    broken = slot + 1;
    return n;
  }
  const count = countOf(list);
  if (<u32>count > <u32>mostLinks(level)) {
    broken = slot + 1;
    return n;
  }
  // Globals would be read anew behind every edge's atomic load: that is 2.5 % of a search.
  const to = batch;
  const known = claimed;
  const seenBy = stamp;
  const seen = marks;
  for (let i = count - 1; i >= 0; i--) {
    const neighbour = linkAt(list, i);
    if (neighbour >= known && isNobody(neighbour)) {
      broken = slot + 1;
      continue;
    }
    setU32(to, n, neighbour);
    n += i32(visitAs(seenBy, seen + <usize>neighbour));
  }
  return n;
}

/**
 * Whether what a walk reads of the node is what its file promised, where that has not been looked at before. Lists above level
 * 0 are apart.
 */
function isWhole(slot: u32): bool {
  const whole = ensureRecord(slot) && (!signed || ensureSigns(slot));
  if (!whole) broken = slot + 1;
  return whole;
}

/** Drops from the batch those that are not; returns how many stay. */
function wholeOnes(n: i32): i32 {
  let kept = 0;
  for (let i = 0; i < n; i++) {
    const slot = getU32(batch, i);
    setU32(batch, kept, slot);
    kept += i32(isWhole(slot));
  }
  return kept;
}

/** Links that a list may hold. */
function mostLinks(level: i32): i32 {
  return (level == 0 ? 2 : 1) * M + slack;
}

/** Whether not even by now there is such a slot. */
function isNobody(slot: u32): bool {
  claimed = atomic.load<u32>(state, CLAIMED);
  return slot >= claimed;
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
  const last = usedBytes() - 8;
  for (let i = 0; i < n; i++) {
    const record = signs + <usize>getU32(batch, i) * signBytes;
    touched += load<u32>(record) ^ load<u32>(record + last);
  }
  sink = touched;
  estimates += n;
  for (let i = 0; i < n; i++) setF32(batchDistances, i, lowerBound(getU32(batch, i)));
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
  broken = slot + 1;
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
