/**
 * Locks of writers: one word a lock, 0 while it is free, otherwise the owner's number, with a bit beside it when somebody
 * sleeps on it. Readers take none.
 *
 * Nobody waits for a lock of a node while holding another one; the entry point's lock is only ever taken before a node's. So no
 * circle of waiting threads can close (Coffman 1971).
 *
 * A thread writes down in its journal what it is about to take or to do. Where it dies, its successor, who bears the same
 * number and therefore owns the same locks, reads there what is to be finished.
 */

const SLEEPERS: u32 = 0x80000000;
/** Tries before sleeping: about as long as a list is held for, which is quicker than going to sleep. */
const SPINS: i32 = 200;
/** A sleeper looks again after this long even when nobody wakes it. */
const NAP_NS: i64 = 20_000_000;

/** This thread's number, from 1. */
let self: u32 = 1;
let journal: usize = 0;

/** Words of a journal. A slot is written as slot + 1, so that 0 is none. */
export const HELD: usize = 0;
export const ENTRY_HELD: usize = 4;
export const INSERTING: usize = 8;
/** How many levels can be linked, once the new node's own lists are complete; 0 before. */
export const LEVELS: usize = 12;
/** The level being linked, and who is to be the node's parent on it. */
export const LINKING: usize = 16;
export const PARENT: usize = 20;
const FENCE: usize = 24;

export function configureThread(thread: u32, journal_: usize): void {
  self = thread + 1;
  journal = journal_;
}

/** Plain stores: only this thread writes here, and its successor reads when it is gone. */
export function note(word: usize, value: u32): void {
  store<u32>(journal + word, value);
}

/** This word and the one behind it, at once: who dies has written both or neither. */
export function noteBoth(word: usize, value: u32, next: u32): void {
  store<u64>(journal + word, ((<u64>next) << 32) | value);
}

export function noted(word: usize): u32 {
  return load<u32>(journal + word);
}

/**
 * Nothing read before this is read later than what is read after it: an exchange on a word of this thread's own is such a
 * fence.
 */
export function fence(): void {
  atomic.xchg<u32>(journal + FENCE, 0);
}

export function lock(word: usize): void {
  for (let tries = 0; ; tries++) {
    const seen = atomic.cmpxchg<u32>(word, 0, self);
    if (seen == 0) return;
    if (tries < SPINS) continue;
    const marked = seen | SLEEPERS;
    if (seen == marked || atomic.cmpxchg<u32>(word, seen, marked) == seen) atomic.wait<i32>(word, marked, NAP_NS);
  }
}

export function unlock(word: usize): void {
  if (atomic.xchg<u32>(word, 0) & SLEEPERS) atomic.notify(word);
}

/** Whether this thread, or the one whose number it took over, holds the lock. */
export function holds(word: usize): bool {
  return (atomic.load<u32>(word) & ~SLEEPERS) == self;
}
