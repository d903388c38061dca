/**
 * Day 10: DiskANN's search, on any graph. A graph is now just adjacency lists over vectors (the sprint's `Vec<Vec<u32>>`), and who
 * made them does not matter to the search: today they are drawn by lot, which is where Vamana starts, and tomorrow pruned.
 *
 * Source: Subramanya, Devvrit, Kadekodi, Krishnaswamy, Simhadri, "DiskANN: Fast Accurate Billion-point Nearest Neighbor Search on a
 * Single Node", NeurIPS 2019, algorithm 1 (GreedySearch) and section 2.1. Departures: a node that was compared once is never compared
 * again, which the paper leaves unsaid; and the medoid is the vector nearest to the mean, which for squared distances is the same.
 */
import type { Random } from 'annlab/lab';
import { type Distance, type Graph, insertSorted, l2, type Neighbor } from '../02-nsw/solution.ts';

export { l2 };

/** Of each node, the ids that its links lead to. Links lead one way. */
export type Links = number[][];

/** Vectors and adjacency lists, as a walk asks for them. */
export class Adjacency implements Graph {
  readonly vectors: readonly Float32Array[];
  readonly links: readonly ArrayLike<number>[];

  constructor(vectors: readonly Float32Array[], links: readonly ArrayLike<number>[]) {
    if (links.length !== vectors.length) throw new RangeError(`${links.length} lists for ${vectors.length} vectors`);
    this.vectors = vectors;
    this.links = links;
  }

  vector(id: number): Float32Array {
    return this.vectors[id];
  }

  neighbors(id: number): ArrayLike<number> {
    return this.links[id];
  }
}

/**
 * A random R-regular directed graph: every node links to R others, drawn evenly, no two the same and never itself. What Vamana's
 * building begins with (algorithm 3, line 1).
 */
export function randomRegularGraph(n: number, R: number, random: Pick<Random, 'integer'>): Links {
  if (!(Number.isInteger(R) && R >= 0 && R < n))
    throw new RangeError(`R = ${R}: of ${n} nodes each has ${n - 1} others`);
  const links: Links = [];
  // @hole random-regular
  // @task Give every node a list of R ids below n, each drawn with `random.integer(n)`. Draw again where it is the node itself
  // @task or in its list already.
  for (let id = 0; id < n; id++) {
    const list: number[] = [];
    while (list.length < R) {
      const other = random.integer(n);
      if (other !== id && !list.includes(other)) list.push(other);
    }
    links.push(list);
  }
  // @end
  return links;
}

export interface SearchOptions {
  /** Neighbours wanted. */
  k: number;
  /** Length of the search list, L ≥ k: day 02's ef. */
  L: number;
}

export interface SearchResult {
  /** The k nearest of the search list, nearest first. */
  nearest: Neighbor[];
  /** V: the nodes that were expanded, in that order. Those in the list and those that fell out of it again. */
  visited: Neighbor[];
}

/**
 * GreedySearch (algorithm 1): one search list 𝓛 of at most L nodes. Again and again the nearest of it whose links were not yet read
 * is expanded; the search ends when there is none.
 */
export function greedySearch(
  graph: Graph,
  query: Float32Array,
  start: number,
  { k, L }: SearchOptions,
  distance: Distance = l2,
): SearchResult {
  if (!(k >= 1 && L >= k)) throw new RangeError(`k = ${k}, L = ${L}: the list holds the k wanted, so L ≥ k ≥ 1`);
  const list: Neighbor[] = [{ id: start, distance: distance(query, graph.vector(start)) }]; // 𝓛 ← {s}, nearest first
  const visited = new Set<Neighbor>(); // 𝓥 ← ∅
  const seen = new Set([start]); // who was compared, whatever became of it
  // @hole greedy-search
  // @task While somebody in `list` is not in `visited`: take the nearest such node p* and add it to `visited`. Compare every
  // @task neighbour of p* that is not `seen` yet, and `insertSorted` it into `list`. Then cut `list` back to the L nearest.
  for (;;) {
    const expanded = list.find((one) => !visited.has(one));
    if (expanded === undefined) break;
    visited.add(expanded);
    const neighbors = graph.neighbors(expanded.id);
    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (seen.has(id)) continue;
      seen.add(id);
      insertSorted(list, { id, distance: distance(query, graph.vector(id)) });
    }
    if (list.length > L) list.length = L;
  }
  // @end
  return { nearest: list.slice(0, k), visited: [...visited] };
}

/**
 * Where every search starts: the medoid, the vector with the least sum of squared distances to all others. That is the one nearest
 * to the mean m, for Σ |x − p|² = Σ |x − m|² + n |p − m|²: n distances, not n².
 */
export function medoid(vectors: readonly Float32Array[], distance: Distance = l2): number {
  if (vectors.length === 0) throw new RangeError('no vectors, no medoid');
  const mean = new Float32Array(vectors[0].length);
  // @hole medoid
  // @task Work the mean of all vectors out, component by component, into `mean`. Return the id of the vector nearest to it; of
  // @task equally near ones the first.
  for (let j = 0; j < mean.length; j++) mean[j] = vectors.reduce((sum, vector) => sum + vector[j], 0) / vectors.length;
  let best: Neighbor = { id: -1, distance: Number.POSITIVE_INFINITY };
  for (const [id, vector] of vectors.entries()) {
    const d = distance(mean, vector);
    if (d < best.distance) best = { id, distance: d };
  }
  return best.id;
  // @end
}
