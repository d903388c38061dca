/**
 * Pages that came from a file and are checked when they are first used: opening maps them unread, and a search pays for those
 * that it touches, 6 µs each. Page p is the 64 KiB at p << 16, which held one block of the file; it has a state byte and, in
 * another array, the checksum that the file promises.
 *
 * Pages that are still to be checked are only read. So it does no harm when two threads check one at a time, and nothing may be
 * written to any page of a region before `ensureAll` has found the region right.
 */

import { configureCrc32c, crc32c } from './crc32c';

/** The state of a page that is still to be checked; 0 is a page that is right, or never came from a file. */
const UNCHECKED: u8 = 1;
const PAGE_BITS: usize = 16;
const PAGE_BYTES: usize = 1 << PAGE_BITS;
const NONE: i32 = -1;

let states: usize = 0;
let sums: usize = 0;
let faulty: i32 = NONE;

/** Whether any page may be unchecked; a walk asks this first and then `ensure`. A thread's own, and off until it is told. */
export let checking: bool = false;

/** State bytes and u32 checksums of all pages, and CRC_ROOM_BYTES of this thread's own. */
export function configureBlocks(states_: usize, sums_: usize, room: usize): void {
  states = states_;
  sums = sums_;
  faulty = NONE;
  checking = false;
  configureCrc32c(room);
}

export function setChecking(on: bool): void {
  checking = on;
}

/** Whether the pages of the `bytes` ≥ 1 bytes at `at` are right; if not, `faultyPage` is the first that is wrong. */
export function ensure(at: usize, bytes: usize): bool {
  const last = (at + bytes - 1) >> PAGE_BITS;
  for (let page = at >> PAGE_BITS; page <= last; page++) {
    if (atomic.load<u8>(states + page) == UNCHECKED && !check(page)) return false;
  }
  return true;
}

/** Checks pages `from` … `to` − 1; the first that is wrong, or −1. */
export function ensureAll(from: usize, to: usize): i32 {
  for (let page = from; page < to; page++) {
    if (atomic.load<u8>(states + page) == UNCHECKED && !check(page)) return <i32>page;
  }
  return NONE;
}

/** The page that the last `ensure` or `ensureAll` to say no found wrong, or −1. */
export function faultyPage(): i32 {
  return faulty;
}

function check(page: usize): bool {
  if (crc32c(page << PAGE_BITS, PAGE_BYTES, 0) != load<u32>(sums + (page << 2))) {
    // Another thread may have found it right meanwhile, and have begun to write.
    if (atomic.load<u8>(states + page) != UNCHECKED) return true;
    faulty = <i32>page;
    return false;
  }
  atomic.store<u8>(states + page, 0);
  return true;
}
