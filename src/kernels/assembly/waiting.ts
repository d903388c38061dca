/**
 * Nodes that a walk knows by their estimates alone, and that wait to be compared: a binary heap, the least estimate on top.
 *
 * An entry is one u64, as in the pool: estimate (order-preserving bits) · 2³² + slot.
 */
import { distanceOf, orderedBits } from './pool';
import { getU64, setU64 } from './words';

let heap: usize = 0;
let size: i32 = 0;

/** Room for as many entries as there may be nodes. */
export function configureWaiting(heap_: usize): void {
  heap = heap_;
}

export function resetWaiting(): void {
  size = 0;
}

export function wait(estimate: f32, slot: u32): void {
  const entry = ((<u64>orderedBits(estimate)) << 32) | <u64>slot;
  let at = size++;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const above = getU64(heap, up);
    if (above <= entry) break;
    setU64(heap, at, above);
    at = up;
  }
  setU64(heap, at, entry);
}

/** The least estimate; infinity where nobody waits. */
export function leastEstimate(): f32 {
  return size > 0 ? distanceOf(load<u32>(heap, 4)) : Infinity;
}

/** Slot of the node with the least estimate, where anybody waits; it does no longer. */
export function takeLeast(): u32 {
  const slot = load<u32>(heap);
  const last = getU64(heap, --size);
  let at = 0;
  for (let down = 1; down < size; down = 2 * at + 1) {
    // Which child is less is as good as chance: no branch. Behind the end the last entry still stands, which is no less than itself.
    down += i32(getU64(heap, down + 1) < getU64(heap, down));
    const least = getU64(heap, down);
    if (least >= last) break;
    setU64(heap, at, least);
    at = down;
  }
  setU64(heap, at, last);
  return slot;
}
