// Day 0, baseline: write what is missing between "@hole" and "@end", then run: npm run check -- 0
// Hints, in three levels: hints.md. To start again: npm run reset -- 0. (Made from solution.ts: npm run exercises -- 0)

/**
 * Day 00: exact search, the line to beat. Compare the query with every vector and keep the k nearest seen so far in a binary
 * max-heap: the farthest of them lies on top, where the next comer is compared with it. n distances, never one less, and the
 * answer is right. All days to come give up a little of the second to save most of the first; recall@k is how little.
 *
 * Sources: Floyd, Algorithm 245 (CACM 7, 1964), for the heap; Aumüller, Bernhardsson, Faithfull, "ANN-Benchmarks"
 * (arXiv 1807.05614), section 2.1, for recall.
 */

/** A distance: smaller is nearer. Given from outside, so that whoever calls can count its evaluations. */
import { UnwrittenHole } from 'annlab/exercises';

export type Distance = (a: Float32Array, b: Float32Array) => number;

/** A vector that was compared with the query: its place in the set, and how far it is. */
export interface Neighbor {
  id: number;
  distance: number;
}

/** Squared Euclidean distance: orders like the distance itself, and needs no root. */
export const squaredL2: Distance = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
};

/**
 * The k nearest of all vectors (all of them, where there are fewer than k), nearest first; of two that are equally far, the
 * one with the smaller id. k is at least 1.
 */
export function searchExact(
  vectors: readonly Float32Array[],
  query: Float32Array,
  k: number,
  distance: Distance = squaredL2,
): Neighbor[] {
  const heap: Neighbor[] = [];
  // @hole search-exact
  // @task Measure every vector once. Until the heap holds k, push; from then on a candidate gets in only if the top,
  // @task the farthest of those kept, is farther than it: then it takes the top's place. See push and replaceTop below.
  throw new UnwrittenHole(0, 'search-exact');
  // @end
  return heap.sort((a, b) => (isFarther(a, b) ? 1 : -1));
}

/** The order of everything here: by distance and, where that is the same, by id. */
export function isFarther(a: Neighbor, b: Neighbor): boolean {
  return a.distance === b.distance ? a.id > b.id : a.distance > b.distance;
}

/**
 * A max-heap in an array: the children of place i are at 2i + 1 and 2i + 2, and none is farther than its parent; so heap[0]
 * is the farthest of all. `push` adds at the end and lets the newcomer rise past every parent that is nearer.
 */
export function push(heap: Neighbor[], candidate: Neighbor): void {
  heap.push(candidate);
  let place = heap.length - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isFarther(heap[place], heap[parent])) return;
    swap(heap, place, parent);
    place = parent;
  }
}

/** Drops the farthest, puts the candidate in its place on top, and lets it sink to where it belongs. */
export function replaceTop(heap: Neighbor[], candidate: Neighbor): void {
  heap[0] = candidate;
  let place = 0;
  // @hole sink
  // @task Again and again: of `place` and its children (those that exist), which holds the farthest? If it is `place`, done.
  // @task Else swap the two and go on from there. A heap of k is log2(k) deep, so this takes at most 2·log2(k) comparisons.
  throw new UnwrittenHole(0, 'sink');
  // @end
}

function swap(heap: Neighbor[], i: number, j: number): void {
  [heap[i], heap[j]] = [heap[j], heap[i]];
}

/**
 * recall@k: which share of the k true neighbours a search found, 0 … 1.
 *
 * @param found what the search returned, with its exact distances; only the first k count, and each id once.
 * @param truth the true neighbours, nearest first: at least k, or the whole set where that is smaller.
 */
export function recallAtK(found: readonly Neighbor[], truth: readonly Neighbor[], k: number): number {
  const wanted = Math.min(k, truth.length);
  // @hole recall
  // @task A found neighbour is right if it is no farther than the last of the wanted true ones, whatever its id: of two that
  // @task are equally far, either will do. Count the right ones among the first k, each id once, and divide by `wanted`.
  throw new UnwrittenHole(0, 'recall');
  // @end
}
