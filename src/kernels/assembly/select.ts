/**
 * Which links a node keeps: algorithm 4 (SELECT-NEIGHBORS-HEURISTIC) of Malkov & Yashunin 2018 with an α, which is RobustPrune
 * (algorithm 2) of Subramanya et al. 2019 but that it takes whoever is covered by nobody instead of dropping whoever is covered by
 * one taken: the same nodes. Candidates are stored, sorted where they are not in order already, and selected.
 */
import { distanceOf, orderedBits } from './pool';
import { distancesTo, prepare, recordOf } from './space';
import { getF32, getU32, getU64, setU32, setU64 } from './words';

/** α in the unit of the distance: squared where distances are. */
let alpha: f32 = 1;
let keepPruned: bool = false;
/** Whether as near is near enough to be covered: RobustPrune's ≤, where algorithm 4 has <. */
let closed: bool = false;
/** The slots taken, and those discarded. */
let selected: usize = 0;
let discarded: usize = 0;
/** (distance bits, slot) of the candidates, u64, ascending. */
let candidates: usize = 0;
/** Scratch for the distances of four. */
let distances: usize = 0;

/** What a vector equal to the base is from it: 0, or what rounding makes of that. */
let distanceToCopies: f32 = 0;

export function configureSelection(
  alpha_: f32,
  keepPruned_: bool,
  closed_: bool,
  selected_: usize,
  discarded_: usize,
  candidates_: usize,
  distances_: usize,
): void {
  alpha = alpha_;
  keepPruned = keepPruned_;
  closed = closed_;
  selected = selected_;
  discarded = discarded_;
  candidates = candidates_;
  distances = distances_;
}

/** Another α from now on. */
export function setAlpha(alpha_: f32): void {
  alpha = alpha_;
}

/**
 * Algorithm 4: of the `n` candidates, ascending by distance to a base, takes each that is nearer to the base than (by a
 * factor α) to any taken before, `most` of them at most. Of the base's copies one is enough: a list of nothing else leads
 * nowhere. Returns how many; `selectedSlot` names them.
 */
export function selectNeighbors(base: u32, n: i32, most: i32): i32 {
  prepare(recordOf(base));
  setU32(selected, 0, base);
  distancesTo(selected, 1, distances);
  distanceToCopies = getF32(distances, 0);
  let taken = 0;
  let pruned = 0;
  for (let i = 0; i < n && taken < most; i++) {
    const slot = candidateSlot(i);
    if (isCovered(slot, candidateDistance(i), taken)) {
      if (keepPruned) setU32(discarded, pruned++, slot);
    } else setU32(selected, taken++, slot);
  }
  for (let i = 0; i < pruned && taken < most; i++) setU32(selected, taken++, getU32(discarded, i));
  return taken;
}

/**
 * The same of candidates for a base whose `linked` links at `links` stay: takes those that are covered by none of these and none
 * taken before, up to `most` with the links. Returns how many there are then, the links first.
 */
export function selectBeside(base: u32, links: usize, linked: i32, n: i32, most: i32): i32 {
  prepare(recordOf(base));
  setU32(selected, 0, base);
  distancesTo(selected, 1, distances);
  distanceToCopies = getF32(distances, 0);
  let taken = 0;
  for (; taken < linked; taken++) setU32(selected, taken, getU32(links, taken));
  for (let i = 0; i < n && taken < most; i++) {
    const slot = candidateSlot(i);
    if (!isCovered(slot, candidateDistance(i), taken)) setU32(selected, taken++, slot);
  }
  return taken;
}

/** Whether one of the nodes taken is nearer to `slot` (by α) than the base is. */
function isCovered(slot: u32, distanceToBase: f32, taken: i32): bool {
  if (taken == 0) return false;
  const copy = distanceToBase == distanceToCopies;
  prepare(recordOf(slot));
  for (let i = 0; i < taken; i += 4) {
    const n = min(taken - i, 4);
    distancesTo(selected + ((<usize>i) << 2), n, distances);
    for (let j = 0; j < n; j++) {
      const d = getF32(distances, j);
      if (alpha * d < distanceToBase || (closed && alpha * d == distanceToBase) || (copy && d == distanceToCopies))
        return true;
    }
  }
  return false;
}

/** The i-th of those that `selectNeighbors` took. */
export function selectedSlot(i: i32): u32 {
  return getU32(selected, i);
}

export function storeCandidate(i: i32, distance: f32, slot: u32): void {
  setU64(candidates, i, ((<u64>orderedBits(distance)) << 32) | slot);
}

export function candidateSlot(i: i32): u32 {
  return load<u32>(candidates + ((<usize>i) << 3));
}

function candidateDistance(i: i32): f32 {
  return distanceOf(load<u32>(candidates + ((<usize>i) << 3), 4));
}

/** Shell sort, ascending; ties by slot. */
export function sortCandidates(n: i32): void {
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
