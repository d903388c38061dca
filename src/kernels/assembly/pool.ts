/**
 * The beam of a graph search: the `ef` nearest nodes found so far, ascending by distance, each marked once its neighbours
 * have been read. One sorted array serves as both heaps of the paper (C and W of algorithm 2): the next candidate is the
 * first unread entry, and the search ends when there is none.
 *
 * An entry is one u64, so that one integer comparison orders it: distance (order-preserving bits) · 2³² + dead · 2³¹ + slot · 2 +
 * read. A dead entry is a deleted node, which is read as others are but takes none of the room: the `ef` nearest that live are
 * kept, and all dead ones that are nearer than the last of them.
 */
import { setF32, setU32 } from './words';

/** Marks a slot that is pushed as a deleted node's; slots have fewer bits. */
export const DEAD: u32 = 0x40000000;
const SLOT: u32 = 0x3fffffff;
const DEAD_ENTRY: u32 = DEAD << 1;

let entries: usize = 0;
let capacity: i32 = 0;
export let size: i32 = 0;
/** How many of the entries are dead. */
let dead: i32 = 0;
/** Index of the first unread entry, or `size`. */
let next: i32 = 0;
/** Where entries are written down as they are read, how many may be and how many are. */
let log: usize = 0;
let mostLogged: i32 = 0;
let logged: i32 = 0;

export function configurePool(entries_: usize): void {
  entries = entries_;
}

export function resetPool(ef: i32): void {
  capacity = ef;
  size = 0;
  dead = 0;
  next = 0;
}

/**
 * From now on entries that are not dead are written down in the order in which they are read, the first `most` of them, at `log`;
 * 0: none are. What Vamana calls the visited nodes: the beam may drop them again.
 */
export function logTaken(log_: usize, most: i32): void {
  log = log_;
  mostLogged = most;
  logged = 0;
}

export function takenCount(): i32 {
  return logged;
}

export function takenSlot(log: usize, i: i32): u32 {
  return load<u32>(log + ((<usize>i) << 3)) >> 1;
}

export function takenDistance(log: usize, i: i32): f32 {
  return distanceOf(load<u32>(log + ((<usize>i) << 3), 4));
}

/** The distance that the next entry must beat: the worst kept once the beam is full, before that infinity. */
export function bound(): f32 {
  return size - dead < capacity ? Infinity : distanceAt(size - 1);
}

export function push(distance: f32, slot: u32): void {
  const key = orderedBits(distance);
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<u32>(entries + ((<usize>middle) << 3), 4) <= key) low = middle + 1;
    else high = middle;
  }
  if (size - dead < capacity) size++;
  else if (low == size) return;
  else if (slot & DEAD) size++;
  const at = entries + ((<usize>low) << 3);
  moveUp(at, size - 1 - low);
  store<u64>(at, ((<u64>key) << 32) | ((<u64>slot) << 1));
  if (low < next) next = low;
  if (slot & DEAD) dead++;
  else if (dead > 0) dropLastDead();
}

/** Behind the last of a full pool that lives, nothing is of use. */
function dropLastDead(): void {
  if (size - dead < capacity) return;
  while (load<u32>(entries + ((<usize>(size - 1)) << 3)) & DEAD_ENTRY) {
    size--;
    dead--;
  }
  if (next > size) next = size;
}

/** How many entries live. */
export function livingCount(): i32 {
  return size - dead;
}

/** Distance of the i-th nearest entry that lives. */
export function livingDistance(i: i32): f32 {
  if (dead == 0) return distanceAt(i);
  let at = -1;
  do {
    at++;
    i -= i32(!(load<u32>(entries + ((<usize>at) << 3)) & DEAD_ENTRY));
  } while (i >= 0);
  return distanceAt(at);
}

/** Takes the dead entries out: what is left is what was found. */
export function dropDead(): void {
  if (dead == 0) return;
  let living = 0;
  for (let i = 0; i < size; i++) {
    const entry = load<u64>(entries + ((<usize>i) << 3));
    store<u64>(entries + ((<usize>living) << 3), entry);
    living += i32(!(<u32>entry & DEAD_ENTRY));
  }
  size = living;
  next = living;
  dead = 0;
}

/** Moves the `n` entries from `at` on one place up. A few are moved sooner than memory.copy is called. */
function moveUp(at: usize, n: i32): void {
  if (n > 24) memory.copy(at + 8, at, (<usize>n) << 3);
  else for (let p = at + ((<usize>n) << 3); p > at; p -= 8) store<u64>(p, load<u64>(p - 8));
}

/** Whether there is an unread entry. */
export function hasNext(): bool {
  return next < size;
}

/** Slot of the nearest unread entry, where there is one. */
export function peekNext(): u32 {
  return slotAt(next);
}

/** Its distance. */
export function peekDistance(): f32 {
  return distanceAt(next);
}

/** Marks the nearest unread entry as read and returns its slot. */
export function takeNext(): u32 {
  const at = entries + ((<usize>next) << 3);
  const low = load<u32>(at);
  store<u32>(at, low | 1);
  if (logged < mostLogged && !(low & DEAD_ENTRY)) {
    store<u64>(log + ((<usize>logged) << 3), load<u64>(at));
    logged++;
  }
  do next++;
  while (next < size && load<u8>(entries + ((<usize>next) << 3)) & 1);
  return (low >> 1) & SLOT;
}

/** Goes on with a pool that was filled before: its entries, how many they may be and how many they are. */
export function resumePool(entries_: usize, ef: i32, size_: i32): void {
  entries = entries_;
  capacity = ef;
  size = size_;
  dead = 0;
  next = size_;
}

/** Makes every entry unread again: the nodes found on one level are where the search of the next one begins. */
export function rewindPool(): void {
  for (let i = 0; i < size; i++) {
    const at = entries + ((<usize>i) << 3);
    store<u32>(at, load<u32>(at) & ~1);
  }
  next = 0;
}

/** Writes slots (u32) and distances (f32) of the first `n` entries. */
export function readPool(n: i32, slots: usize, distances: usize): void {
  for (let i = 0; i < n; i++) {
    setU32(slots, i, slotAt(i));
    setF32(distances, i, distanceAt(i));
  }
}

export function slotAt(i: i32): u32 {
  return (load<u32>(entries + ((<usize>i) << 3)) >> 1) & SLOT;
}

export function distanceAt(i: i32): f32 {
  return distanceOf(load<u32>(entries + ((<usize>i) << 3), 4));
}

/** The float whose `orderedBits` these are. */
export function distanceOf(bits: u32): f32 {
  return reinterpret<f32>(bits & 0x80000000 ? bits & 0x7fffffff : ~bits);
}

/** Bits of a float that compare as unsigned integers the way the floats do. */
export function orderedBits(x: f32): u32 {
  const bits = reinterpret<u32>(x);
  return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}
