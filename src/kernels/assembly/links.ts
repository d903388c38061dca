/**
 * Who is linked to whom. A list is a u32 count and then the slots. Level 0 lies in the node's record, behind its vector; the
 * lists of the levels above were bump-allocated in a region of their own, found through the node's `upper` field.
 *
 * A slot's top bit marks the edge as kept: whatever pruning thinks of it, it stays (see `hnsw.ts` on reachability).
 *
 * record: vector | upper: u32 (index of its first upper list) | level: u32 | count: u32 | slots…
 */
import { recordOf } from './space';
import { getU32, setU32 } from './words';

export const KEPT: u32 = 0x80000000;

let linksAt: usize = 0;
let upperLists: usize = 0;
let upperBytes: usize = 0;

export function configureLinks(linksAt_: usize, upperLists_: usize, upperBytes_: usize): void {
  linksAt = linksAt_;
  upperLists = upperLists_;
  upperBytes = upperBytes_;
}

export function listOf(slot: u32, level: i32): usize {
  const node = recordOf(slot) + linksAt;
  if (level == 0) return node + 8;
  return upperLists + (<usize>load<u32>(node) + <usize>(level - 1)) * upperBytes;
}

/** Gives the node its level and, from `upper` on, empty lists. */
export function createLists(slot: u32, level: i32, upper: u32): void {
  const node = recordOf(slot) + linksAt;
  store<u32>(node, upper);
  store<i32>(node, level, 4);
  for (let l = 0; l <= level; l++) store<u32>(listOf(slot, l), 0);
}

export function countOf(list: usize): i32 {
  return load<i32>(list);
}

export function linkAt(list: usize, i: i32): u32 {
  return getU32(list, i + 1) & ~KEPT;
}

export function isKeptAt(list: usize, i: i32): bool {
  return (getU32(list, i + 1) & KEPT) != 0;
}

/** How many edges of the list must stay. */
export function keptCount(list: usize): i32 {
  let kept = 0;
  for (let i = countOf(list); i > 0; i--) kept += getU32(list, i) >>> 31;
  return kept;
}

/** Adds an edge; `slot` may carry the KEPT bit. */
export function append(list: usize, slot: u32): void {
  const count = load<u32>(list);
  setU32(list, count + 1, slot);
  store<u32>(list, count + 1);
}

/** Where in the list the slot is, or −1. */
export function indexOf(list: usize, slot: u32): i32 {
  const count = countOf(list);
  for (let i = 0; i < count; i++) if (linkAt(list, i) == slot) return i;
  return -1;
}

/** Makes the edge at `i` one that stays. */
export function keepAt(list: usize, i: i32): void {
  setU32(list, i + 1, getU32(list, i + 1) | KEPT);
}
