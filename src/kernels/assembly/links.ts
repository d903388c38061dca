/**
 * Who is linked to whom. A list is a u32 count and then the slots. Level 0 lies in the node's record, behind its vector; the
 * lists of the levels above were bump-allocated in a region of their own, found through the node's `upper` field.
 *
 * record: vector | upper: u32 (index of its first upper list) | level: u32 | count: u32 | slots…
 */
import { recordOf } from './space';
import { getU32, setU32 } from './words';

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

export function levelOf(slot: u32): i32 {
  return load<i32>(recordOf(slot) + linksAt, 4);
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
  return getU32(list, i + 1);
}

export function append(list: usize, slot: u32): void {
  const count = load<u32>(list);
  setU32(list, count + 1, slot);
  store<u32>(list, count + 1);
}

export function contains(list: usize, slot: u32): bool {
  const end = list + ((<usize>load<u32>(list)) << 2);
  for (let at = list; at < end; at += 4) if (load<u32>(at, 4) == slot) return true;
  return false;
}
