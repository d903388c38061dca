/**
 * Day 03: layers. A few nodes also live on sparser graphs above the first one; a search begins at the top, where a hop is
 * long, and comes down with every layer. Links are still the nearest candidates: day 04 mends that.
 *
 * Source: Malkov & Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
 * world graphs", arXiv 1603.09320 (2016): Algorithm 1 (INSERT), 2 (SEARCH-LAYER, yesterday's), 3 (SELECT-NEIGHBORS-SIMPLE),
 * 5 (K-NN-SEARCH).
 */
import { Random } from 'annlab/lab';
import { type Distance, type Graph, greedySearch, l2, type Neighbor, searchLayer } from '../02-nsw/solution.ts';

/** A graph of several layers. Layer 0 holds every node. */
export interface LayeredGraph {
  vector(id: number): Float32Array;
  /** The ids linked from `id` on `level`. Reading them is one hop. */
  neighbors(id: number, level: number): ArrayLike<number>;
}

/** One layer, as yesterday's walks want it. */
export function layer(graph: LayeredGraph, level: number): Graph {
  return { vector: (id) => graph.vector(id), neighbors: (id) => graph.neighbors(id, level) };
}

/**
 * Draws a node's top level (Algorithm 1, line 4). The coin is not fair: one node in M gets to level 1, one in M² to level 2
 * (section 4.1).
 *
 * @param uniform from (0, 1].
 */
export function drawLevel(uniform: number, M: number): number {
  // @hole draw-level
  // @task One line: the level that the draw `uniform` gives. The formula is Algorithm 1, line 4.
  return Math.floor(-Math.log(uniform) / Math.log(M));
  // @end
}

/**
 * The zoom-in: from the entry point on `from` down to, but not on, layer `to`, each layer searched with a beam of one
 * (Algorithm 5, lines 4–6; Algorithm 1, lines 5–7).
 *
 * @returns the node to enter layer `to` by.
 */
export function descend(
  graph: LayeredGraph,
  query: Float32Array,
  { entry, from, to, distance }: { entry: number; from: number; to: number; distance: Distance },
): number {
  // @hole descend
  // @task For every level from `from` down to `to` + 1: `greedySearch` on that `layer`; where it ends, the next one begins.
  // @task Return the node where the last one ended; where there is no level to walk, that is `entry`.
  let here = entry;
  for (let level = from; level > to; level--) here = greedySearch(layer(graph, level), query, here, distance).id;
  return here;
  // @end
}

/** What a selection may look at besides the candidates. */
export interface SelectionContext {
  /** The vector of the node whose links are chosen. */
  vector: Float32Array;
  level: number;
  graph: LayeredGraph;
  distance: Distance;
}

/**
 * Chooses whom a node links to. Given the node's vector and the candidates, nearest first, returns at most `M` of them.
 * Tomorrow's heuristic has the same shape, and needs to compare candidates with each other.
 */
export type SelectNeighbors = (candidates: readonly Neighbor[], M: number, context: SelectionContext) => Neighbor[];

/** The nearest M (Algorithm 3, SELECT-NEIGHBORS-SIMPLE). */
export const selectNearest: SelectNeighbors = (candidates, M) => candidates.slice(0, M);

export interface Node {
  vector: Float32Array;
  /** `links[level]`, for every level that the node lives on. */
  links: number[][];
}

export interface HnswOptions {
  /** Links that a new node makes on each of its layers; at least 2, as ln 1 is 0. */
  M: number;
  /** Most links of a node on layer 0; above, M. Default 2M (section 4.1). */
  M0?: number;
  efConstruction: number;
  /** Decides the levels. Default 1. */
  seed?: number;
  distance?: Distance;
  select?: SelectNeighbors;
}

/** HNSW on plain objects. */
export class Hnsw implements LayeredGraph {
  readonly nodes: Node[] = [];
  readonly M: number;
  readonly M0: number;
  readonly efConstruction: number;
  readonly distance: Distance;
  readonly select: SelectNeighbors;
  /** A node of the top layer; −1 while the graph is empty. */
  entryPoint = -1;
  topLevel = -1;
  readonly #random: Random;

  constructor({ M, M0 = 2 * M, efConstruction, seed = 1, distance = l2, select = selectNearest }: HnswOptions) {
    this.M = M;
    this.M0 = M0;
    this.efConstruction = efConstruction;
    this.distance = distance;
    this.select = select;
    this.#random = new Random(seed);
  }

  vector(id: number): Float32Array {
    return this.nodes[id].vector;
  }

  neighbors(id: number, level: number): readonly number[] {
    return this.nodes[id].links[level];
  }

  /** Adds a vector; its id is the number of nodes before it (Algorithm 1, INSERT). */
  insert(vector: Float32Array): number {
    const { distance, efConstruction, M } = this;
    const id = this.nodes.length;
    const level = drawLevel(1 - this.#random.uniform(), M); // line 4
    this.nodes.push({ vector, links: Array.from({ length: level + 1 }, () => []) });
    if (this.entryPoint >= 0) {
      let entries = [descend(this, vector, { entry: this.entryPoint, from: this.topLevel, to: level, distance })];
      for (let at = Math.min(level, this.topLevel); at >= 0; at--) {
        const found = searchLayer(layer(this, at), vector, entries, efConstruction, distance); // line 9
        this.#link(id, at, this.select(found, M, { vector, level: at, graph: this, distance })); // line 10
        entries = found.map((neighbor) => neighbor.id); // line 17
      }
    }
    if (level > this.topLevel) {
      this.entryPoint = id; // line 19
      this.topLevel = level;
    }
    return id;
  }

  /** Links both ways, and shrinks the lists that grow too long (lines 11–16). */
  #link(id: number, level: number, chosen: readonly Neighbor[]): void {
    const Mmax = level === 0 ? this.M0 : this.M;
    this.nodes[id].links[level] = chosen.map((neighbor) => neighbor.id);
    for (const { id: other } of chosen) {
      const links = this.nodes[other].links[level];
      links.push(id);
      if (links.length > Mmax) this.nodes[other].links[level] = this.#shrink(other, level, Mmax);
    }
  }

  /** The links that stay when a node has too many: the same selection, seen from that node (lines 13–16). */
  #shrink(id: number, level: number, Mmax: number): number[] {
    const { distance } = this;
    const { vector, links } = this.nodes[id];
    // @hole shrink
    // @task Turn the ids in links[level] into Neighbors ({ id, distance }) measured from `vector`, sort them nearest first, let
    // @task `this.select` choose at most Mmax in the context { vector, level, graph: this, distance }, and return their ids.
    const candidates = links[level].map((other) => ({ id: other, distance: distance(vector, this.vector(other)) }));
    candidates.sort((a, b) => a.distance - b.distance);
    return this.select(candidates, Mmax, { vector, level, graph: this, distance }).map((neighbor) => neighbor.id);
    // @end
  }

  /** The `k` nearest that a beam of width `ef` ≥ k finds on layer 0 (Algorithm 5, K-NN-SEARCH). */
  search(query: Float32Array, { k, ef }: { k: number; ef: number }): Neighbor[] {
    if (this.entryPoint < 0) return [];
    const { distance, entryPoint, topLevel } = this;
    const entry = descend(this, query, { entry: entryPoint, from: topLevel, to: 0, distance });
    return searchLayer(layer(this, 0), query, [entry], Math.max(k, ef), distance).slice(0, k);
  }
}
