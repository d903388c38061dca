/**
 * The index that everybody knows, a sorted column, put to the nearest-neighbour question: start at the query's place on the
 * first axis, go outwards to both sides, and stop where the axis alone is farther than the best so far. Exact, and fast as
 * long as one axis says much about the whole.
 */
import type { Distance } from './solution.ts';

/** How many distances it takes to be sure of the nearest. */
export function axisSweep(vectors: readonly Float32Array[], query: Float32Array, distance: Distance): number {
  const sorted = [...vectors].sort((a, b) => a[0] - b[0]);
  const first = sorted.findIndex((vector) => vector[0] >= query[0]);
  let above = first === -1 ? sorted.length : first;
  let below = above - 1;
  let best = Number.POSITIVE_INFINITY;
  let distances = 0;
  const gap = (i: number) => (i < 0 || i >= sorted.length ? Number.POSITIVE_INFINITY : (sorted[i][0] - query[0]) ** 2);
  while (Math.min(gap(below), gap(above)) < best) {
    const next = gap(above) <= gap(below) ? above++ : below--;
    best = Math.min(best, distance(query, sorted[next]));
    distances++;
  }
  return distances;
}
