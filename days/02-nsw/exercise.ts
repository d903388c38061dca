// Day 2, nsw: write what is missing between "@hole" and "@end", then run: npm run check -- 2
// Hints, in three levels: hints.md. To start again: npm run reset -- 2. (Made from solution.ts: npm run exercises -- 2)

/**
 * Day 02: a navigable small world. Every vector is a node, linked both ways to the nearest nodes that a search finds when it
 * arrives; searching is walking along links that lead closer to the query. One flat graph: no layers yet (day 03), and
 * neighbours are simply the nearest (day 04 chooses better).
 *
 * Source: Malkov, Ponomarenko, Logvinov, Krylov, "Approximate nearest neighbor algorithm based on navigable small world
 * graphs", Information Systems 45 (2014). Departures: instead of restarting from m random nodes (K-NNSearch) we search once,
 * from the first node, with the beam of Malkov & Yashunin (2016, arXiv 1603.09320, Algorithm 2); and the beam that looks for
 * links may be wider than their number (efConstruction ≥ M).
 */

/** A distance: smaller is nearer. Given from outside, so that whoever calls can count its evaluations. */
import { UnwrittenHole } from 'annlab/exercises';

export type Distance = (a: Float32Array, b: Float32Array) => number;

/** All that a walk asks of a graph. Whoever implements it decides where vectors and links live. */
export interface Graph {
  vector(id: number): Float32Array;
  /** The ids linked from `id`. Reading them is one hop. */
  neighbors(id: number): ArrayLike<number>;
}

/** A node that was compared with the query. */
export interface Neighbor {
  id: number;
  distance: number;
}

/** Squared Euclidean distance: orders like the distance itself, and needs no root. */
export const l2: Distance = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
};

/**
 * Walks from `entry` to the neighbour nearest to the query, again and again, until no neighbour is nearer than where it
 * stands: a local minimum, which need not be the nearest node (2014, Greedy_Search).
 */
export function greedySearch(graph: Graph, query: Float32Array, entry: number, distance: Distance): Neighbor {
  let here: Neighbor = { id: entry, distance: distance(query, graph.vector(entry)) };
  // @hole greedy-search
  // @task Compare every neighbour of `here` with the query. Move to the nearest of them if it is nearer than `here`, and
  // @task look again from there; return `here` when none is nearer.
  throw new UnwrittenHole(2, 'greedy-search');
  // @end
}

/**
 * The beam: greedy search that remembers the `ef` nearest nodes it has seen and goes on until none of them has an unread
 * list (2016, Algorithm 2, SEARCH-LAYER).
 *
 * @returns up to `ef` nodes, nearest first.
 */
export function searchLayer(
  graph: Graph,
  query: Float32Array,
  entries: readonly number[],
  ef: number,
  distance: Distance,
): Neighbor[] {
  const visited = new Set<number>(entries); // line 1: v ← ep
  const candidates: Neighbor[] = []; // line 2: C ← ep, nearest first
  const found: Neighbor[] = []; // line 3: W ← ep, nearest first, at most ef
  for (const id of entries) {
    const entry = { id, distance: distance(query, graph.vector(id)) };
    insertSorted(candidates, entry);
    insertSorted(found, entry);
  }
  found.length = Math.min(found.length, ef);
  // @hole search-layer
  // @task While there are candidates (line 4): take the nearest one out (line 5). If it is farther than the farthest of
  // @task `found`, and `found` is full, stop (lines 6–8). Else compare every neighbour of it that was never visited (lines
  // @task 9–11). Where one is nearer than the farthest found, or `found` is not full (lines 12–13), put it into both lists
  // @task with `insertSorted` (lines 14–15), and drop the farthest found when there are more than ef (lines 16–17).
  throw new UnwrittenHole(2, 'search-layer');
  // @end
  return found; // line 18
}

/** Inserts into a list that is sorted nearest first; of equal distances the one that came first stays first. */
export function insertSorted(list: Neighbor[], item: Neighbor): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle].distance <= item.distance) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

export interface Node {
  vector: Float32Array;
  neighbors: number[];
}

export interface NswOptions {
  /** Links that a new node makes; the paper's f. */
  M: number;
  /** Width of the beam that looks for them. */
  efConstruction: number;
  distance?: Distance;
}

/** The graph as objects: the shape on paper. */
export class Nsw implements Graph {
  readonly nodes: Node[] = [];
  readonly M: number;
  readonly efConstruction: number;
  readonly distance: Distance;

  constructor({ M, efConstruction, distance = l2 }: NswOptions) {
    this.M = M;
    this.efConstruction = efConstruction;
    this.distance = distance;
  }

  vector(id: number): Float32Array {
    return this.nodes[id].vector;
  }

  neighbors(id: number): readonly number[] {
    return this.nodes[id].neighbors;
  }

  /** Adds a vector; its id is the number of nodes before it (2014, Nearest_Neighbor_Insert: a search, then links). */
  insert(vector: Float32Array): number {
    const id = this.nodes.length;
    const near = id === 0 ? [] : searchLayer(this, vector, [0], this.efConstruction, this.distance);
    this.nodes.push({ vector, neighbors: [] });
    // @hole link
    // @task Link node `id` with the M nearest of `near`, which is sorted, both ways: add each to the other's `neighbors`.
    throw new UnwrittenHole(2, 'link');
    // @end
    return id;
  }

  /** The `k` nearest that a beam of width `ef` ≥ k finds, starting at the first node. */
  search(query: Float32Array, { k, ef }: { k: number; ef: number }): Neighbor[] {
    if (this.nodes.length === 0) return [];
    return searchLayer(this, query, [0], Math.max(k, ef), this.distance).slice(0, k);
  }
}

/**
 * The same graph in three flat arrays: vectors end to end, links end to end, and where each node's links begin. No object
 * per node, no pointer to chase: what an engine walks on, and what can be written to a file as it is.
 */
export class NswArena implements Graph {
  readonly dimension: number;
  readonly vectors: Float32Array;
  /** Links of node `id`: `links[offsets[id]]` up to `links[offsets[id + 1]]`. */
  readonly offsets: Uint32Array;
  readonly links: Uint32Array;

  constructor({ nodes }: { nodes: readonly Node[] }) {
    this.dimension = nodes[0]?.vector.length ?? 0;
    this.vectors = new Float32Array(nodes.length * this.dimension);
    this.offsets = new Uint32Array(nodes.length + 1);
    nodes.forEach(({ vector, neighbors }, id) => {
      this.vectors.set(vector, id * this.dimension);
      this.offsets[id + 1] = this.offsets[id] + neighbors.length;
    });
    this.links = new Uint32Array(this.offsets[nodes.length]);
    nodes.forEach(({ neighbors }, id) => {
      this.links.set(neighbors, this.offsets[id]);
    });
  }

  vector(id: number): Float32Array {
    return this.vectors.subarray(id * this.dimension, (id + 1) * this.dimension);
  }

  neighbors(id: number): Uint32Array {
    return this.links.subarray(this.offsets[id], this.offsets[id + 1]);
  }
}
