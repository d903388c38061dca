/**
 * Who is linked to whom. A list is a u32 count and then the edges. Level 0 lies in the node's record, behind its vector; the
 * lists of the levels above were bump-allocated in a region of their own, found through the node's `upper` field.
 *
 * record: vector | upper: u32 (index of its first upper list) | level: u32 | lock: u32 | count: u32 | edges…
 *
 * An edge is a slot and two marks: KEPT, whatever pruning thinks of it, it stays (see `hnsw.ts` on reachability); WAY, it is
 * the kept one by which an entry point leads to the one before it. The top bit of `level` is a mark too: the node is deleted,
 * walked through and never found.
 *
 * ## Readers beside writers
 *
 * Every access to a count or an edge is a sequentially consistent atomic one, so all of them happen in one order that every
 * thread agrees on, and the plain writes of a thread that come before its atomic store are seen by whoever loads what it
 * stored. One writer at a time, the holder of the node's lock or, in a Vamana, the thread whose row it is, changes a list, in one
 * of two ways:
 *
 * - `append` writes the edge behind the last one and then the greater count. Who reads the count finds all edges below it.
 * - `compact` takes edges out: those that stay move down, in order, each written to its new place before anything is written to
 *   its old one; then comes the lesser count.
 *
 * A reader takes the count and then reads **from the last edge to the first**. An edge that is in the list from before the
 * reading until after it is read: it only ever moves down, so when it has left the place that the reader comes to next, it is
 * at a lower one, which is still to come (Lamport 1977: read in the direction opposite to writing). Every other edge that is
 * read was in the list at some time during the reading, or is left over above a count that shrank, a valid node either way. No
 * version, no second look, no waiting: reading is wait-free. An edge may be read twice, which costs a look at the visited
 * marks.
 */
import { ensure } from './blocks';
import { recordOf } from './space';

export const KEPT: u32 = 0x80000000;
export const WAY: u32 = 0x40000000;
const SLOT: u32 = 0x3fffffff;
/** Above the level, which is a few bits. */
const DELETED: u32 = 0x80000000;

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
  if (level == 0) return node + 12;
  return upperLists + (<usize>load<u32>(node) + <usize>(level - 1)) * upperBytes;
}

/** Whether the list is what its file promised; of level 0's, that is asked with the node's record. */
export function ensureList(list: usize, level: i32): bool {
  return level == 0 || ensure(list, upperBytes);
}

export function levelOf(slot: u32): i32 {
  return load<i32>(recordOf(slot) + linksAt, 4) & ~DELETED;
}

export function isDeleted(slot: u32): bool {
  return (load<u32>(recordOf(slot) + linksAt, 4) & DELETED) != 0;
}

/** The lock of all the node's lists. */
export function lockOf(slot: u32): usize {
  return recordOf(slot) + linksAt + 8;
}

/** Gives the node its level and, from `upper` on, empty lists. */
export function createLists(slot: u32, level: i32, upper: u32): void {
  const node = recordOf(slot) + linksAt;
  store<u32>(node, upper);
  store<i32>(node, level, 4);
  store<u32>(node, 0, 8);
  for (let l = 0; l <= level; l++) atomic.store<u32>(listOf(slot, l), 0);
}

export function countOf(list: usize): i32 {
  return atomic.load<i32>(list);
}

/** The edge at `i`, marks included. */
export function edgeAt(list: usize, i: i32): u32 {
  return atomic.load<u32>(list + ((<usize>i) << 2), 4);
}

export function slotOf(edge: u32): u32 {
  return edge & SLOT;
}

export function linkAt(list: usize, i: i32): u32 {
  return slotOf(edgeAt(list, i));
}

/** How many edges of the list must stay. */
export function keptCount(list: usize): i32 {
  let kept = 0;
  for (let i = countOf(list) - 1; i >= 0; i--) kept += edgeAt(list, i) >>> 31;
  return kept;
}

/** The edge first, then the count that shows it. */
export function append(list: usize, edge: u32): void {
  const count = countOf(list);
  setEdge(list, count, edge);
  atomic.store<u32>(list, count + 1);
}

/** Where in the list the slot is, or −1. */
export function indexOf(list: usize, slot: u32): i32 {
  const count = countOf(list);
  for (let i = 0; i < count; i++) if (linkAt(list, i) == slot) return i;
  return -1;
}

/** Puts these marks on the edge at `i`. */
export function markAt(list: usize, i: i32, marks: u32): void {
  setEdge(list, i, edgeAt(list, i) | marks);
}

/** Takes the marks from all edges of the list. */
export function clearMarks(list: usize): void {
  for (let i = countOf(list) - 1; i >= 0; i--) setEdge(list, i, linkAt(list, i));
}

/**
 * Leaves in the list, in their order, the kept edges and those whose slot is among the `n` at `stay`, and adds the edge `last`
 * behind them if it is kept or its slot among those too, and where fewer than `room` are left.
 */
export function compact(list: usize, stay: usize, n: i32, last: u32, room: i32): void {
  const count = countOf(list);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const edge = edgeAt(list, i);
    if (!(edge & KEPT) && !isAmong(slotOf(edge), stay, n)) continue;
    if (to != i) setEdge(list, to, edge);
    to++;
  }
  if (to < room && (last & KEPT || isAmong(slotOf(last), stay, n))) setEdge(list, to++, last);
  atomic.store<u32>(list, to);
}

/** What a `compact` that was broken off leaves behind: an edge that moved down and is still at its old place too. */
export function removeDuplicates(list: usize): void {
  const count = countOf(list);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const edge = edgeAt(list, i);
    let before = 0;
    while (before < to && linkAt(list, before) != slotOf(edge)) before++;
    if (before < to) continue;
    if (to != i) setEdge(list, to, edge);
    to++;
  }
  atomic.store<u32>(list, to);
}

function setEdge(list: usize, i: i32, edge: u32): void {
  atomic.store<u32>(list + ((<usize>i) << 2), edge, 4);
}

function isAmong(slot: u32, slots: usize, n: i32): bool {
  for (let i: usize = 0, end = (<usize>n) << 2; i < end; i += 4) if (load<u32>(slots + i) == slot) return true;
  return false;
}
