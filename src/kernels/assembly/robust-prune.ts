/**
 * RobustPrune (Subramanya et al. 2019, algorithm 2): of candidates that were stored in ascending order (`select.ts`), those that
 * no one taken covers, that is, is α times as near to as the base is. The paper drops whom the one just taken covers; here
 * everybody is asked when it is his turn whether he is covered by one taken: the same nodes.
 *
 * Where a list is full before all candidates have been asked, the paper's are the nearest that α leaves, and the long edges are
 * missing. *Stepped*, those that α = 1 leaves are taken first, near and far, and then, the nearest first, those that only the
 * greater α leaves: in two rounds as DiskANN's own program does it, only that there nobody covers who is farther from the base.
 *
 * No distance is computed twice: of each candidate we remember whom he was compared with, and how near the nearest of them is.
 */
import { candidateDistance, candidateSlot } from './select';
import { distancesTo, prepare, recordOf } from './space';
import { getF32, getU32, setF32, setU32 } from './words';

let saturate: bool = false;
let stepped: bool = false;
/** The slots taken. */
let selected: usize = 0;
let taken: i32 = 0;
/** Of each candidate, with how many of those taken he was compared, or TAKEN; and how near the nearest of these is to him, f32. */
let compared: usize = 0;
let nearest: usize = 0;
const TAKEN: u32 = 0xffffffff;
/** Scratch for the distances of four. */
let distances: usize = 0;

/** What a vector equal to the base is from it: 0, or what rounding makes of that. */
let distanceToCopies: f32 = 0;

/** `memory` is room for two words a candidate, of which there are `mostCandidates` at most. */
export function configurePruning(
  saturate_: bool,
  stepped_: bool,
  selected_: usize,
  memory: usize,
  mostCandidates: i32,
  distances_: usize,
): void {
  saturate = saturate_;
  stepped = stepped_;
  selected = selected_;
  compared = memory;
  nearest = memory + ((<usize>mostCandidates) << 2);
  distances = distances_;
}

/**
 * Takes `most` at most of the first `n` candidates for the node `base`; α is in the unit of the distance: squared where distances
 * are. Of the base's copies one is taken: a list of nothing else leads nowhere. Returns how many; `prunedSlot` names them.
 */
export function robustPrune(base: u32, n: i32, alpha: f32, most: i32): i32 {
  begin(base, n);
  if (stepped && alpha > 1) takeUncovered(n, most, 1);
  takeUncovered(n, most, alpha);
  if (saturate) takeNearest(n, most);
  return taken;
}

/**
 * The same for a node whose `linked` links at `links` all stay: takes whom none of these covers, up to `most` with them. Returns how
 * many there are then, the links first.
 */
export function robustPruneBeside(base: u32, links: usize, linked: i32, n: i32, alpha: f32, most: i32): i32 {
  begin(base, n);
  for (; taken < linked; taken++) setU32(selected, taken, getU32(links, taken));
  takeUncovered(n, most, alpha);
  return taken;
}

function begin(base: u32, n: i32): void {
  taken = 0;
  prepare(recordOf(base));
  setU32(selected, 0, base);
  distancesTo(selected, 1, distances);
  distanceToCopies = getF32(distances, 0);
  for (let i = 0; i < n; i++) {
    setU32(compared, i, 0);
    setF32(nearest, i, Infinity);
  }
}

function takeUncovered(n: i32, most: i32, stretch: f32): void {
  for (let i = 0; i < n && taken < most; i++) {
    if (getU32(compared, i) != TAKEN && !isCovered(i, stretch)) take(i);
  }
}

/** Whether one of those taken is `stretch` times as near to the candidate as the base is. */
function isCovered(i: i32, stretch: f32): bool {
  const distanceToBase = candidateDistance(i);
  const copy = distanceToBase == distanceToCopies;
  let least = getF32(nearest, i);
  let done = <i32>getU32(compared, i);
  if (done > 0 && stretch * least <= distanceToBase) return true;
  if (done == taken) return false;
  prepare(recordOf(candidateSlot(i)));
  while (done < taken) {
    const few = min(taken - done, 4);
    distancesTo(selected + ((<usize>done) << 2), few, distances);
    for (let j = 0; j < few; j++) {
      const d = getF32(distances, j);
      least = copy && d == distanceToCopies ? -Infinity : min(least, d);
    }
    done += few;
    if (stretch * least <= distanceToBase) break;
  }
  setF32(nearest, i, least);
  setU32(compared, i, done);
  return stretch * least <= distanceToBase;
}

/** The nearest of those that are left. */
function takeNearest(n: i32, most: i32): void {
  for (let i = 0; i < n && taken < most; i++) if (getU32(compared, i) != TAKEN) take(i);
}

function take(i: i32): void {
  setU32(selected, taken++, candidateSlot(i));
  setU32(compared, i, TAKEN);
}

/** The i-th of those that `robustPrune` took. */
export function prunedSlot(i: i32): u32 {
  return getU32(selected, i);
}
