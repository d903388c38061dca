/**
 * Taking deleted nodes out of a Vamana (Singh, Subramanya, Krishnaswamy & Simhadri 2021, "FreshDiskANN", algorithm 4): every node
 * that is linked to one of them is linked instead to what that one is linked to, as far as RobustPrune leaves it. Then those
 * that live move together, in their order, which renumbering may have made one of locality.
 */
import { type RepairStep, sharedWords } from './vamana-steps.ts';

interface Deletions {
  /** Slots in use. */
  count: number;
  isDeleted(slot: number): boolean;
}

/** Reports come that often. */
const ROWS_A_STEP = 4096;

/**
 * The steps of the repair. Nobody changes the lists of deleted nodes, and of all others each row changes one: so the graph is the
 * same on any number of threads.
 */
export function* repairing(
  graph: Deletions & { alpha: number; onRepaired(share: number): void },
): Generator<RepairStep, void> {
  const { count, isDeleted, alpha, onRepaired } = graph;
  for (let from = 0; from < count; from += ROWS_A_STEP) {
    const slots = Uint32Array.from({ length: Math.min(ROWS_A_STEP, count - from) }, (_, i) => from + i);
    const living = slots.filter((slot) => !isDeleted(slot));
    const nodes = sharedWords(living.length);
    nodes.set(living);
    if (nodes.length > 0) yield { kind: 'repair', rows: nodes.length, nodes, alpha };
    if (from + slots.length < count) onRepaired((from + slots.length) / count);
  }
}

/** For each slot the one whose node it gets: the start, the others that live, the deleted. */
export function livingFirst({ count, isDeleted, start }: Deletions & { start: number }): Uint32Array {
  const from = new Uint32Array(count);
  let living = 0;
  let last = count;
  from[living++] = start;
  for (let slot = 0; slot < count; slot++) if (slot !== start && !isDeleted(slot)) from[living++] = slot;
  for (let slot = count - 1; slot >= 0; slot--) if (slot !== start && isDeleted(slot)) from[--last] = slot;
  return from;
}
