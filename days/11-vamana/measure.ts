/** What day 11 measures: how good a graph is for how much work, what shape it has, and what becomes of it when nodes come and go. */
import { countingDistance } from 'annlab/exercises';
import {
  gaussianSet,
  islands,
  type Links,
  type MeasuredSet,
  Random,
  rows,
  uniformSet,
  type WorkPoint,
  withTruth,
  workCurve,
} from 'annlab/lab';
import { type Distance, l2, type Neighbor } from '../02-nsw/solution.ts';
import { greedySearch } from '../10-greedy/solution.ts';
import type { InsertOptions, PruneOptions, Vamana, VamanaOptions } from './solution.ts';
import * as reference from './solution.ts';

type Module = Pick<typeof reference, 'buildVamana' | 'insert' | 'robustPrune' | 'Vamana'>;

/** The set of the milestone's own part: 600 vectors of 8 dimensions. */
export function smallSet(): MeasuredSet {
  return withTruth(gaussianSet({ n: 600, dimension: 8, queries: 100, seed: 11 }));
}

/** The day's data: 3,000 vectors in 30 clusters that overlap, 16-D. */
export function crowds(): MeasuredSet {
  return withTruth(islands({ n: 3000, dimension: 16, clusters: 30, spread: 0.4, queries: 100, seed: 11 }));
}

/** Points of the plane, for pictures. */
export function plane(n: number): Float32Array[] {
  return rows(uniformSet({ n, dimension: 2, queries: 1, seed: 11 }).base);
}

/** How graphs are built where nothing else is said. */
export const BUILD = { R: 16, L: 40, alpha: 1.2, seed: 1 } as const;
export const LISTS = [10, 14, 20, 28, 40, 60, 80, 120];

export interface Built {
  graph: Vamana;
  /** Distance evaluations of a node's building, all passes together. */
  distances: number;
}

/** A graph over the set, its distances counted. */
export function build(
  vectors: readonly Float32Array[],
  options: Partial<VamanaOptions> = {},
  module: Module = reference,
): Built {
  const counting = countingDistance(l2);
  const graph = module.buildVamana(vectors, { ...BUILD, ...options, distance: counting.distance });
  return { graph: quiet(graph), distances: counting.count / vectors.length };
}

/** The same graph, measured by a distance that counts nothing. */
function quiet(graph: Vamana): Vamana {
  return Object.assign(Object.create(Object.getPrototypeOf(graph)), graph, { distance: l2 });
}

/** The graph before any pass. */
export function randomGraph(vectors: readonly Float32Array[], R: number = BUILD.R): Vamana {
  return new reference.Vamana(vectors, { ...BUILD, R });
}

/** Other links over the same vectors, searched from the same start. */
export function withLinks(graph: Vamana, links: Links): Vamana {
  return Object.assign(Object.create(Object.getPrototypeOf(graph)), graph, {
    links: graph.links.map((_, id) => Array.from(links[id] ?? [])),
  });
}

export interface Walkable {
  links: readonly (readonly number[])[];
  vectors: readonly Float32Array[];
  start: number;
}

/** Recall@10, distances and hops of a query, for every length of the list. */
export function curveOf(
  graph: Walkable,
  { queries, truth }: Pick<MeasuredSet, 'queries' | 'truth'>,
  Ls: readonly number[] = LISTS,
): WorkPoint[] {
  const counting = countingDistance(l2);
  const walked = { vector: (id: number) => graph.vectors[id], neighbors: (id: number) => graph.links[id] };
  const search = (query: Float32Array, L: number) => {
    counting.reset();
    const { nearest, visited } = greedySearch(walked, query, graph.start, { k: 10, L }, counting.distance);
    return { ids: nearest.map(({ id }) => id), distances: counting.count, hops: visited.length };
  };
  return workCurve({ search, queries, truth, k: 10, efs: Ls });
}

/** What the last check asks for: recall@10 and distances of a query with a list of 40, and what a node's building took in a pass. */
export function builtWork(module: Module, set: MeasuredSet): { recall: number; distances: number; built: number } {
  const { graph, distances } = build(rows(set.base), { R: 12, L: 30 }, module);
  const [{ recall, distances: asked }] = curveOf(graph, set, [30]);
  return { recall, distances: asked, built: distances / 2 };
}

export interface Shape {
  /** Links a node. */
  degree: number;
  most: number;
  /** Hops between the two nodes farthest apart along links; Infinity where no way leads from one to another. */
  diameter: number;
  /** Of greedy walks (L = 1) from the start to each of the nodes: hops of those that arrive, and how many do. */
  hops: number;
  arrived: number;
}

export function shapeOf(graph: Walkable): Shape {
  const { links, vectors } = graph;
  const degrees = links.map((list) => list.length);
  const walks = vectors.map((_, target) => walkTo(graph, target));
  const arrived = walks.filter((walk, target) => walk[walk.length - 1].id === target);
  return {
    degree: mean(degrees),
    most: Math.max(...degrees),
    diameter: diameterOf(links),
    hops: mean(arrived.map((walk) => walk.length - 1)),
    arrived: arrived.length / vectors.length,
  };
}

/** The nodes of a greedy walk to one of them, in order: a list of one, which never looks back. */
export function walkTo({ links, vectors, start }: Walkable, target: number): Neighbor[] {
  const walked = { vector: (id: number) => vectors[id], neighbors: (id: number) => links[id] };
  return greedySearch(walked, vectors[target], start, { k: 1, L: 1 }).visited;
}

function diameterOf(links: Walkable['links']): number {
  let most = 0;
  const depth = new Int32Array(links.length);
  const queue = new Int32Array(links.length);
  for (let from = 0; from < links.length; from++) {
    depth.fill(-1);
    depth[from] = 0;
    queue[0] = from;
    let filled = 1;
    for (let i = 0; i < filled; i++) {
      for (const to of links[queue[i]]) {
        if (depth[to] >= 0) continue;
        depth[to] = depth[queue[i]] + 1;
        queue[filled++] = to;
      }
    }
    if (filled < links.length) return Number.POSITIVE_INFINITY;
    most = Math.max(most, depth[queue[filled - 1]]);
  }
  return most;
}

/**
 * The graph of the guarantee: every node's candidates are all others, and R is no bound (Indyk & Xu 2023, "slow preprocessing"). From
 * each node p, for each q, there is a link to q or to somebody α times as near to q.
 */
export function slowGraph(vectors: readonly Float32Array[], alpha: number): Vamana {
  const graph = new reference.Vamana(vectors, { R: 0 });
  for (const [p, here] of vectors.entries()) {
    const others = vectors.map((vector, id) => ({ id, distance: l2(here, vector) }));
    reference.robustPrune(graph, p, others, { R: vectors.length, alpha });
  }
  return graph;
}

/** Of all pairs (p, q) without a link, in how many p has a link to somebody α times as near to q. */
export function shareReachable({ links, vectors }: Walkable, alpha: number): number {
  let good = 0;
  let pairs = 0;
  for (const [p, list] of links.entries()) {
    for (const q of vectors.keys()) {
      if (q === p || list.includes(q)) continue;
      pairs++;
      const bound = l2(vectors[p], vectors[q]);
      if (list.some((id) => alpha ** 2 * l2(vectors[id], vectors[q]) <= bound)) good++;
    }
  }
  return good / pairs;
}

export interface Descent {
  /** What is left of the way after so many hops, as a part of the first distance: of the mean walk, and of the worst. */
  mean: number[];
  worst: number[];
  /** Hops of the longest walk, and the most that α allows by log_α(Δ), Δ the greatest distance over the least. */
  longest: number;
  bound: number;
}

/** Greedy walks from the start to every node. Walks that have arrived count as 0 from then on. */
export function descentOf(graph: Walkable, alpha: number): Descent {
  const walks = graph.vectors.map((_, target) => walkTo(graph, target).map(({ distance }) => Math.sqrt(distance)));
  const longest = Math.max(...walks.map((walk) => walk.length - 1));
  const at = (hop: number) =>
    walks.filter(([first]) => first > 0).map((walk) => (walk[hop] ?? walk[walk.length - 1]) / walk[0]);
  const hops = Array.from({ length: longest + 1 }, (_, hop) => hop);
  return {
    mean: hops.map((hop) => mean(at(hop))),
    worst: hops.map((hop) => Math.max(...at(hop))),
    longest,
    bound: Math.ceil(Math.log(spreadOf(graph.vectors)) / Math.log(alpha)) + 1,
  };
}

/** The greatest distance between two vectors over the least. */
export function spreadOf(vectors: readonly Float32Array[]): number {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const [i, a] of vectors.entries()) {
    for (let j = 0; j < i; j++) {
      const d = l2(a, vectors[j]);
      least = Math.min(least, d);
      most = Math.max(most, d);
    }
  }
  return Math.sqrt(most / least);
}

/** What is done with the links to nodes that were deleted. */
export type Policy = { name: string; mend: (graph: Vamana) => void };

export const DROP: Policy = {
  name: 'links dropped',
  mend: ({ links, deleted }) => {
    for (const [id, list] of links.entries()) links[id] = deleted.has(id) ? [] : list.filter((to) => !deleted.has(to));
  },
};

export function consolidating(alpha: number, options: PruneOptions = BUILD): Policy {
  return { name: `consolidated, α ${alpha}`, mend: (graph) => reference.consolidate(graph, { ...options, alpha }) };
}

/**
 * Again and again a tenth of the nodes is deleted, the graph mended in the policy's way, and the same vectors are inserted anew: what is
 * searched stays the same set. Recall@10 with a list of `L` after every cycle, before the first as number 0.
 */
export function churn(
  set: MeasuredSet,
  { mend }: Policy,
  {
    cycles = 20,
    share = 0.1,
    L = 20,
    alpha = BUILD.alpha as number,
  }: { cycles?: number; share?: number; L?: number; alpha?: number } = {},
): WorkPoint[] {
  const options: InsertOptions = { ...BUILD, alpha };
  const { graph } = build(rows(set.base), options);
  const random = new Random('day 11/churn');
  const after = [curveOf(graph, set, [L])[0]];
  for (let cycle = 0; cycle < cycles; cycle++) {
    // The start stays, as FreshDiskANN has it.
    const order = Array.from(random.permutation(set.base.rows)).filter((id) => id !== graph.start);
    const gone = order.slice(0, Math.round(share * set.base.rows));
    for (const id of gone) graph.deleted.add(id);
    mend(graph);
    graph.deleted.clear();
    for (const id of gone) reference.insert(graph, id, options);
    after.push(curveOf(graph, set, [L])[0]);
  }
  return after;
}

/** One pass, in an order and with an α of the caller's, over a graph that is there. */
export function pass(graph: Vamana, order: Iterable<number>, options: InsertOptions): Vamana {
  for (const p of order) reference.insert(graph, p, options);
  return graph;
}

export const counted = (distance: Distance = l2) => countingDistance(distance);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
