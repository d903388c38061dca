/** Which nodes this walk has seen: one stamp byte a node, cleared only when the 255 stamps are used up. */
export let marks: usize = 0;
let capacity: usize = 0;
export let stamp: u32 = 0;
/**
 * Marks below this were cleared since the stamps were last used up. Behind it is what older walks left, when there were more nodes,
 * or another thread of the same number.
 */
let cleared: usize = 0;

export function configureVisited(marks_: usize, capacity_: u32): void {
  marks = marks_;
  capacity = capacity_;
  stamp = 255;
}

/** Nobody of the first `count` is visited. */
export function resetVisited(count: u32): void {
  if (stamp == 255) {
    cleared = 0;
    stamp = 0;
  }
  stamp++;
  admitVisits(count);
}

/** There are `count` nodes by now; nobody who has joined is visited. */
export function admitVisits(count: u32): void {
  const end = min<usize>(count, capacity);
  if (end <= cleared) return;
  memory.fill(marks + cleared, 0, end - cleared);
  cleared = end;
}

/** Marks the node; false where it was marked already. */
export function visit(slot: u32): bool {
  return visitAs(stamp, marks + <usize>slot);
}

/** The same for a loop that holds `stamp` and `marks` itself; `mark` is the node's byte. */
export function visitAs(stamp: u32, mark: usize): bool {
  const before = <u32>load<u8>(mark);
  store<u8>(mark, <u8>stamp);
  return before != stamp;
}
