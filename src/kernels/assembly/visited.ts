/** Which nodes this walk has seen: one stamp byte a node, cleared only when the 255 stamps are used up. */
export let marks: usize = 0;
let capacity: usize = 0;
export let stamp: u32 = 0;

export function configureVisited(marks_: usize, capacity_: u32): void {
  marks = marks_;
  capacity = capacity_;
  // What another thread of the same number left behind is cleared by the first reset.
  stamp = 255;
}

export function resetVisited(count: u32): void {
  if (stamp == 255) {
    memory.fill(marks, 0, min<usize>(count, capacity));
    stamp = 0;
  }
  stamp++;
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
