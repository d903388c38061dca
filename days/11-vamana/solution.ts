/**
 * Day 11: Vamana, the graph of DiskANN. It begins as yesterday's random graph, on which greedy search is lost, and every node in turn
 * is searched for from the medoid: whatever that search visited, near and far, are its candidates, and RobustPrune keeps those
 * that bring a walk nearer by a factor α. One flat graph with R links a node at most, and long edges that α keeps.
 *
 * Source: Subramanya, Devvrit, Kadekodi, Krishnaswamy & Simhadri, "DiskANN", NeurIPS 2019, algorithms 2 and 3. Deleting is
 * algorithm 4 of Singh et al., "FreshDiskANN", arXiv 2105.09613 (2021).
 *
 * Distances are squared here, as on every day; α is a factor between distances, as in the paper, so that squared ones are
 * compared by α².
 */
import { Random } from 'annlab/lab';
import { type Distance, type Graph, insertSorted, l2, type Neighbor } from '../02-nsw/solution.ts';
import { greedySearch, medoid, randomRegularGraph } from '../10-greedy/solution.ts';

export interface PruneOptions {
  /** Links of a node, at most. */
  R: number;
  /** How much nearer a kept neighbour must be to rule a candidate out, ≥ 1. Default 1.2. */
  alpha?: number;
  /** Fill the list up to R with the nearest that were ruled out. Default false. */
  saturate?: boolean;
}

export interface InsertOptions extends PruneOptions {
  /** Length of the search list that looks for candidates. */
  L: number;
}

export interface VamanaOptions extends InsertOptions {
  /** Two: one with α = 1, then one with α. One: with α at once. Default 2. */
  passes?: 1 | 2;
  /** Default 1. */
  seed?: number;
  /** Squared Euclidean, unless it is counted or watched. Default `l2`. */
  distance?: Distance;
}

/** Nodes, where each of them leads, and where every search starts. */
export class Vamana implements Graph {
  readonly vectors: Float32Array[];
  readonly links: number[][];
  start: number;
  /** Nodes that no search may answer with; until `consolidate`, searches still walk through them. */
  readonly deleted = new Set<number>();
  readonly distance: Distance;

  /** Yesterday's graph: R links a node, drawn at random, entered by the medoid. */
  constructor(vectors: readonly Float32Array[], { R, seed = 1, distance = l2 }: Omit<VamanaOptions, 'L'>) {
    this.vectors = [...vectors];
    const degree = Math.min(R, vectors.length - 1);
    this.links = randomRegularGraph(vectors.length, degree, new Random(`${seed}/vamana/links`));
    this.start = medoid(vectors, distance);
    this.distance = distance;
  }

  vector(id: number): Float32Array {
    return this.vectors[id];
  }

  neighbors(id: number): readonly number[] {
    return this.links[id];
  }

  /** The k nearest that are not deleted, of what a search with a list of L ≥ k finds. */
  search(query: Float32Array, { k, L }: { k: number; L: number }): Neighbor[] {
    const { nearest } = greedySearch(this, query, this.start, { k: L, L }, this.distance);
    return nearest.filter(({ id }) => !this.deleted.has(id)).slice(0, k);
  }
}

/** The graph over `vectors` (algorithm 3): random links, the medoid, and every node inserted in random order, twice over. */
export function buildVamana(vectors: readonly Float32Array[], options: VamanaOptions): Vamana {
  const { passes = 2, alpha = 1.2, seed = 1 } = options;
  const graph = new Vamana(vectors, options); // lines 1 and 2
  const order = new Random(`${seed}/vamana/order`).permutation(vectors.length); // line 3: σ
  for (const one of passes === 2 ? [1, alpha] : [alpha]) {
    for (const p of order) insert(graph, p, { ...options, alpha: one }); // line 4
  }
  return graph;
}

/**
 * Replaces p's links by those worth keeping among the candidates and the links it has (RobustPrune, algorithm 2). The candidates'
 * distances are those from p; they come in any order, and are left as they are.
 */
export function robustPrune(
  graph: Vamana,
  p: number,
  candidates: readonly Neighbor[],
  { R, alpha = 1.2, saturate = false }: PruneOptions,
): void {
  const { distance } = graph;
  const V: Neighbor[] = []; // nearest first
  // @hole gather
  // @task Line 1. Put into `V`, nearest first (`insertSorted`), the candidates and the nodes that p links to already: each once, p
  // @task itself never. Only those have to be measured that are no candidates.
  const all = new Map(candidates.map((one) => [one.id, one]));
  for (const id of graph.links[p]) {
    if (!all.has(id)) all.set(id, { id, distance: distance(graph.vector(p), graph.vector(id)) });
  }
  all.delete(p);
  for (const one of all.values()) insertSorted(V, one);
  // @end
  const kept: number[] = []; // line 2
  // @hole prune
  // @task Lines 3–10. While there are candidates left: keep the nearest, p*, and stop when R are kept. Then rule out every p′ for
  // @task which α · d(p*, p′) ≤ d(p, p′). Mind that `distance` is squared, and α is not. Leave `V` as it is.
  let left = V;
  while (left.length > 0) {
    const [nearest] = left;
    kept.push(nearest.id);
    if (kept.length === R) break;
    const here = graph.vector(nearest.id);
    left = left.slice(1).filter((other) => alpha ** 2 * distance(here, graph.vector(other.id)) > other.distance);
  }
  // @end
  if (saturate) kept.push(...V.flatMap(({ id }) => (kept.includes(id) ? [] : [id])).slice(0, R - kept.length));
  graph.links[p] = kept;
}

/** Searches for node p from the start, gives it the links that are worth keeping, and links it from where they lead (lines 5–11). */
export function insert(graph: Vamana, p: number, options: InsertOptions): void {
  const { R, L } = options;
  // @hole insert
  // @task Search for p's own vector from `graph.start` with a list of L (line 5), and let `robustPrune` choose p's links among all
  // @task that were visited (line 6). Then for every j that p now links to (line 7): if j's list has p, or has room for it, see
  // @task that p is in it (line 11); if it is full, prune it with p as the candidate, at its distance from j (lines 8 and 9).
  const { visited } = greedySearch(graph, graph.vector(p), graph.start, { k: 1, L }, graph.distance);
  robustPrune(graph, p, visited, options);
  for (const j of graph.links[p]) {
    if (graph.links[j].includes(p)) continue;
    if (graph.links[j].length < R) graph.links[j].push(p);
    else robustPrune(graph, j, [{ id: p, distance: graph.distance(graph.vector(j), graph.vector(p)) }], options);
  }
  // @end
}

/** Adds a vector that comes later; its id is the number of nodes before it (FreshDiskANN, algorithm 2). */
export function add(graph: Vamana, vector: Float32Array, options: InsertOptions): number {
  const p = graph.vectors.push(vector) - 1;
  graph.links.push([]);
  insert(graph, p, options);
  return p;
}

/**
 * Takes the deleted nodes out of the graph (FreshDiskANN, algorithm 4): whoever links to one of them gets its neighbours as
 * candidates in its place, and RobustPrune keeps what is worth it.
 */
export function consolidate(graph: Vamana, options: PruneOptions): void {
  const { deleted, links, distance } = graph;
  if (deleted.has(graph.start)) graph.start = successor(graph);
  for (const [p, own] of links.entries()) {
    const gone = own.filter((id) => deleted.has(id));
    if (deleted.has(p) || gone.length === 0) continue;
    const heirs = new Set(gone.flatMap((id) => links[id]).filter((id) => id !== p && !deleted.has(id)));
    links[p] = own.filter((id) => !deleted.has(id));
    const candidates = Array.from(heirs, (id) => ({ id, distance: distance(graph.vector(p), graph.vector(id)) }));
    robustPrune(graph, p, candidates, options);
  }
  for (const id of deleted) links[id] = [];
}

/** The living node nearest to a start that was deleted. */
function successor({ start, vectors, deleted, distance }: Vamana): number {
  const living = [...vectors.keys()].filter((id) => !deleted.has(id));
  const to = living.map((id) => distance(vectors[start], vectors[id]));
  return living[to.indexOf(Math.min(...to))] ?? start;
}
