/**
 * The walk over a graph in the arena: a beam of the nearest nodes found so far, whose neighbours are read nearest first. `search`
 * is algorithm 5 of HNSW (Malkov & Yashunin 2018) and `searchLayer` its algorithm 2, which is Vamana's GreedySearch (Subramanya
 * et al. 2019, algorithm 1) as well: a graph without layers is one whose entry point is on level 0.
 *
 * Departures: two candidates are read per round; a sign filter looks before vectors are touched; those that it does not dismiss may
 * wait with their estimates, and most of them are never compared; a search may end before its beam has been read, as soon as what
 * is left is too far away to lead to anything near; one for a node's links, as soon as its beam has stopped changing.
 *
 * What a walk relies on while others write is said in `hnsw.ts`.
 */
import { checking } from './blocks';
import { countOf, ensureList, isDeleted, linkAt, listOf } from './links';
import { fence } from './locks';
import { DOT } from './metrics';
import {
  bound,
  DEAD,
  dropDead,
  hasNext,
  livingCount,
  livingDistance,
  peekDistance,
  peekNext,
  push,
  resetPool,
  size,
  slotAt,
  takeNext,
} from './pool';
import { centreMoved, ensureSigns, lowerBound, prepareSigns, rotateQuery, signBytes, signs, usedBytes } from './signs';
import { distance, distancesTo, ensureRecord, metric, prepareFloats, recordOf, setForm, walkBy } from './space';
import { admitVisits, marks, resetVisited, stamp, visit, visitAs } from './visited';
import { leastEstimate, resetWaiting, takeLeast, wait } from './waiting';
import { getF32, getU32, setF32, setU32 } from './words';

/** Room for the neighbours of one round, and for selections: entries of four bytes. */
export const BATCH_BYTES: usize = 8192;
/** The first node, whose kept edges lead to all others on level 0. It is there before there is a second thread. */
export const ROOT: u32 = 0;
export const NOBODY: u32 = 0xffffffff;

/**
 * The shared state, byte offsets: inserts that are complete; slots that may be linked to by now; the entry point and its level.
 */
export const COUNT: usize = 0;
export const CLAIMED: usize = 4;
export const ENTRY: usize = 8;
export const ENTRY_LOCK: usize = 16;
/** Two bits that say what is being rewritten, and above them how often that was done. */
const ERA: usize = 20;
const SIGNS_MOVE: u32 = 1;
const FORM_MOVES: u32 = 2;
/** What records hold, as `space.ts` numbers it. */
const FORM: usize = 24;
/** Nodes that are deleted and still there. */
const DELETED_COUNT: usize = 32;
/** How long a walk sleeps before it looks again whether the records are whole. */
const NAP_NS: i64 = 1_000_000;
/** Of those that wait, so many are compared at once, so that their cache misses overlap: as many as `distancex4` takes. */
const COMPARED_AT_ONCE: i32 = 4;

export let state: usize = 0;
/** Links that a list of level 0, and one above, may hold. */
let most0: i32 = 0;
let mostAbove: i32 = 0;
export let signed: bool = false;
/**
 * Whether vectors have a component more, by which the nearest to a query are those of the largest inner product: a search goes by that
 * itself, writers by L2 (`graph/walk-space.ts`).
 */
let lifted: bool = false;

export let queryRecord: usize = 0;
/** The neighbours of a round, and their distances or estimates. */
export let batch: usize = 0;
export let batchDistances: usize = 0;

/** The era that this thread's settings are of. */
let knownEra: u32 = 0xffffffff;
/**
 * A search of level 0 ends when the nearest unread candidate is more than `reach` times as far away as the `wanted`-th best
 * found; 0: when its beam has been read (Al-Jazzazi et al. 2025, "Distance adaptive beam search": their 1 + γ).
 */
let reach: f32 = 0;
let wanted: i32 = 0;
/**
 * A walk also ends when its beam is full and the last `patience` lists that it read brought nobody into it (after Teofili & Lin
 * 2025, "Patience in proximity"); without a number of lists it never does.
 */
let patience: i32 = i32.MAX_VALUE;
/** A slot that the search passes by as if it were not there, or NOBODY. */
let hidden: u32 = NOBODY;
/** Whether there are deleted nodes, which this walk leads through and does not find. */
let skipping: bool = false;
/** Whether this walk may use the sign filter. */
let filtering: bool = false;
/** Whether those that the filter lets pass wait until they are the nearest. */
let deferring: bool = false;
/** Slots below this may be linked to; it is looked up anew before a link beyond it is called broken. */
let claimed: u32 = 0;
/** A node with a link to nobody or an impossible degree, as slot + 1; 0: none was met. */
let broken: u32 = 0;
let hops: i32 = 0;
let estimates: i32 = 0;
let sink: u32 = 0;
let listSink: u32 = 0;

/** `scratch`: two batches. */
export function configureWalk(
  state_: usize,
  most0_: i32,
  mostAbove_: i32,
  signed_: bool,
  lifted_: bool,
  queryRecord_: usize,
  scratch: usize,
): void {
  state = state_;
  most0 = most0_;
  mostAbove = mostAbove_;
  signed = signed_;
  lifted = lifted_;
  queryRecord = queryRecord_;
  batch = scratch;
  batchDistances = batch + BATCH_BYTES;
  knownEra = 0xffffffff;
}

/** Before a writer walks: nothing is left of the search before, which may have trapped. Its caller prepares the signs. */
export function beginWriting(filtering_: bool): void {
  broken = 0;
  reach = 0;
  hidden = NOBODY;
  skipping = atomic.load<u32>(state, DELETED_COUNT) > 0;
  filtering = filtering_ && signed;
  deferring = false;
  patience = i32.MAX_VALUE;
  if (lifted) walkBy(metric);
  wholeEra();
}

/** The walk that is begun next passes this slot by, as if it were not there. */
export function hide(slot: u32): void {
  hidden = slot;
}

/** From here to the next search or writing, walks end when this many lists have brought nobody into a full beam. */
export function setPatience(lists: i32): void {
  patience = lists;
}

/** Links that cannot be were met at this slot. */
export function setBroken(slot: u32): void {
  broken = slot + 1;
}

export function isBroken(): bool {
  return broken != 0;
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
 * filter looks at the first `filterWords` words of signs, 0: there is none; `deferred`: see `readDeferred`.
 */
export function search(
  x: usize,
  ef: i32,
  k: i32,
  stretch: f32,
  unseen: i32,
  filterWords: i32,
  margin: f32,
  deferred: bool,
): i32 {
  hops = 0;
  estimates = 0;
  patience = i32.MAX_VALUE;
  if (lifted) walkBy(DOT);
  let era: u32;
  do {
    broken = 0;
    era = wholeEra();
    filtering = filterWords > 0 && signed && !(era & SIGNS_MOVE);
    deferring = deferred && filtering;
    if (filtering) {
      rotateQuery(x);
      prepareSigns(x, margin, filterWords);
    }
    prepareFloats(x, queryRecord);
    resetPool(ef);
    hidden = unseen;
    skipping = atomic.load<u32>(state, DELETED_COUNT) > 0;
    // Without layers estimates alone show the way on level 0 too: from far off, all neighbours would enter the beam.
    descend(atomic.load<u64>(state, ENTRY), mostAbove == 0 && filtering ? -1 : 0);
    wanted = k;
    reach = stretch;
    searchLayer(0);
    reach = 0;
    hidden = NOBODY;
    // Without the fence, what was read of records and signs might be of later than the era is.
    fence();
  } while (atomic.load<u32>(state, ERA) != era);
  dropDead();
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
 * Goes greedily from the entry point down to `level` and leaves the nearest node found in the pool. Where there are sign bits,
 * estimates alone show the way: all that matters up here is where the beam of the levels below will start.
 */
export function descend(entry: u64, level: i32): void {
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
  enter(filtering ? distance(recordOf(nearest)) : least, nearest);
}

/** Into the beam, where a deleted node takes no room. */
function enter(distance: f32, slot: u32): void {
  push(distance, skipping && isDeleted(slot) ? slot | DEAD : slot);
}

/** Algorithm 2: from the nodes in the pool, reads neighbours of the nearest unread ones until none is left. */
export function searchLayer(level: i32): void {
  beginMarks();
  for (let i = 0; i < size; i++) visit(slotAt(i));
  if (deferring) readDeferred(level);
  else readNeighbours(level);
  // A beam still not full has seen all that can be reached from where it began. From the root of level 0's tree all can.
  if (level == 0 && !hasNext() && bound() == Infinity && visit(ROOT) && (!checking || isWhole(ROOT))) {
    enter(distance(recordOf(ROOT)), ROOT);
    if (deferring) readDeferred(level);
    else readNeighbours(level);
  }
}

/** Until there is no unread node, or none near enough, or the beam has stopped changing. */
function readNeighbours(level: i32): void {
  let changed = hops;
  while (hasNext() && peekDistance() <= limit()) {
    if (hops - changed > patience && bound() < Infinity) break;
    let n = gatherNearest(level);
    const worst = limit();
    if (filtering && worst < Infinity) n = filter(n, worst);
    if (compare(n)) changed = hops;
  }
}

/**
 * The same where a filter gives estimates: neighbours wait with theirs, and are compared only when no unread node is nearer than
 * that (cf. SymphonyQG, Gou et al. 2025, whose beam is of estimates). Most of them wait still when the walk ends. It sees fewer
 * of those whose estimates are too large than a walk that compares all at once, while its limit is still far away: so it wants
 * a margin.
 */
function readDeferred(level: i32): void {
  resetWaiting();
  for (;;) {
    const worst = limit();
    const nearest: f32 = hasNext() ? peekDistance() : Infinity;
    if (leastEstimate() < min<f32>(nearest, worst)) {
      let n = 0;
      do setU32(batch, n++, takeLeast());
      while (n < COMPARED_AT_ONCE && leastEstimate() < worst);
      compare(n);
    } else if (hasNext() && nearest <= worst) {
      const n = gatherNearest(level);
      estimateBatch(n);
      for (let i = 0; i < n; i++) {
        const estimate = getF32(batchDistances, i);
        if (estimate < worst) wait(estimate, getU32(batch, i));
      }
    } else return;
  }
}

/** Marks the nearest unread nodes as read; their unvisited neighbours are the batch. Returns how many. */
function gatherNearest(level: i32): i32 {
  let n = gather(takeNext(), level, 0);
  // Two a round: the second one's cache misses run beside the first one's.
  if (hasNext()) n = gather(takeNext(), level, n);
  // The list that the next round may begin with, so that it is on its way meanwhile.
  if (hasNext()) {
    const list = listOf(peekNext(), level);
    listSink = load<u32>(list) ^ load<u32>(list, 64);
  }
  return checking ? wholeOnes(n) : n;
}

/** Those of the batch that are near enough by their distances come into the pool. Returns whether there were any. */
function compare(n: i32): bool {
  distancesTo(batch, n, batchDistances);
  let entered = false;
  let worst = limit();
  for (let i = 0; i < n; i++) {
    const d = getF32(batchDistances, i);
    if (d >= worst) continue;
    enter(d, getU32(batch, i));
    entered = true;
    worst = limit();
  }
  return entered;
}

/** The distance that a node must be below to be worth anything to this walk. */
function limit(): f32 {
  const worst = bound();
  if (reach == 0 || livingCount() < wanted) return worst;
  const kth = livingDistance(wanted - 1);
  // Estimates of distances may be negative.
  return min<f32>(worst, kth + (reach - 1) * abs<f32>(kth));
}

/** Nobody is visited. */
export function beginMarks(): void {
  claimed = atomic.load<u32>(state, CLAIMED);
  resetVisited(claimed);
  if (hidden != NOBODY) visit(hidden);
}

/**
 * Appends the unvisited neighbours of `slot` to the batch, which holds `n`; returns how many it holds then. Reads from the last
 * to the first, as `links.ts` wants it.
 */
export function gather(slot: u32, level: i32, n: i32): i32 {
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
export function mostLinks(level: i32): i32 {
  return level == 0 ? most0 : mostAbove;
}

/** Whether not even by now there is such a slot. */
function isNobody(slot: u32): bool {
  claimed = atomic.load<u32>(state, CLAIMED);
  admitVisits(claimed);
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

export function slotOfEntry(entry: u64): u32 {
  return <u32>entry;
}

export function levelOfEntry(entry: u64): i32 {
  return <i32>(entry >> 32);
}
