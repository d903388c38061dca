/** What several checks of day 00 expect, said once. */
import { fails } from 'annlab/exercises';
import { isFarther, type Neighbor } from './solution.ts';

/** The same ids at the same distances, in the same order. */
export function expectSame(got: readonly Neighbor[], want: readonly Neighbor[], case_?: unknown): void {
  const told = (list: readonly Neighbor[]) =>
    list.map(({ id, distance }) => `${id} (${distance})`).join(', ') || 'none';
  if (told(got) !== told(want)) fails(`ids (distances) ${told(got)}, expected ${told(want)}`, case_);
}

/** No child is farther than its parent. */
export function expectHeap(heap: readonly Neighbor[], case_?: unknown): void {
  for (let place = 1; place < heap.length; place++) {
    const parent = (place - 1) >> 1;
    if (!isFarther(heap[place], heap[parent])) continue;
    const at = (i: number) => `${heap[i].distance} at place ${i}`;
    fails(`${at(place)} is farther than its parent, ${at(parent)}`, case_);
  }
}

export function expectRecall(got: number, want: number, case_?: unknown): void {
  if (!(Math.abs(got - want) < 1e-9)) fails(`recall ${got}, expected ${want}`, case_);
}
