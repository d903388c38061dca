/**
 * A tree over the whole graph: every node but the first has one incoming edge that pruning never drops. So every node can be
 * reached, whatever is pruned later, and with efSearch = count the search is exact. Vamana itself promises neither.
 */
import { EDGE } from './graph-layout.ts';

export interface Growing {
  count: number;
  words: Uint32Array;
  /** The word at which the node's list begins: a count and then edges. */
  listAt(slot: number): number;
  /** How many edges of a list may be kept. */
  mostKept: number;
  /** Nodes near this one that can be reached, the nearest first. */
  near(slot: number): Uint32Array;
  /** Adds an edge, with its mark, to the node's list; where that is full, it is pruned. */
  addEdge(slot: number, edge: number): void;
}

const ROOT = 0;

/**
 * Breadth first from the first node, marks the edges by which nodes are met, where there were none; whoever cannot be reached
 * is linked to from the nearest that can. `count` nodes, none of whose edges is kept.
 */
export function growTree(graph: Growing): void {
  const { count, words, listAt, mostKept, near, addEdge } = graph;
  const reached = new Uint8Array(count);
  const kept = new Uint16Array(count);
  const order = new Uint32Array(count);
  let met = 0;
  let read = 0;
  const reach = (slot: number) => {
    reached[slot] = 1;
    order[met++] = slot;
  };
  const readAll = () => {
    for (; read < met; read++) {
      const slot = order[read];
      const list = listAt(slot);
      const end = list + words[list];
      for (let i = list + 1; i <= end && kept[slot] < mostKept; i++) {
        const link = words[i] & EDGE.slot;
        if (reached[link]) continue;
        Atomics.store(words, i, (words[i] | EDGE.kept) >>> 0);
        kept[slot]++;
        reach(link);
      }
    }
  };
  const parentFor = (orphan: number): number => {
    const mayKeep = (slot: number) => reached[slot] === 1 && kept[slot] < mostKept;
    // A tree has leaves, which keep nothing.
    return near(orphan).find(mayKeep) ?? order.subarray(0, met).findLast(mayKeep) ?? ROOT;
  };
  if (count === 0) return;
  reach(ROOT);
  readAll();
  for (let orphan = 0; orphan < count; orphan++) {
    if (reached[orphan]) continue;
    const parent = parentFor(orphan);
    addEdge(parent, (orphan | EDGE.kept) >>> 0);
    kept[parent]++;
    reach(orphan);
    readAll();
  }
}
