/** What day 11 measures: how good a graph is for how much work, what shape it has, and what becomes of it when nodes come and go. */
import { countingDistance } from 'annlab/exercises';
import {
  gaussianSet,
  type Islands,
  islands,
  type Links,
  type MeasuredSet,
  Random,
  reachableFrom,
  rows,
  uniformSet,
  type WorkPoint,
  withTruth,
  workCurve,
} from 'annlab/lab';
import { insertSorted, l2, type Neighbor } from '../02-nsw/solution.ts';
import { greedySearch } from '../10-greedy/solution.ts';
import type { Vamana, VamanaOptions } from './solution.ts';
import * as reference from './solution.ts';

type Module = Pick<typeof reference, 'buildVamana'>;

/** The set of the milestone's own part: 600 vectors of 8 dimensions. */
export function smallSet(): MeasuredSet {
  return withTruth(gaussianSet({ n: 600, dimension: 8, queries: 100, seed: 11 }));
}

/** The day's data: 2,000 vectors in 20 clusters that overlap, 16-D. */
export function crowds(): MeasuredSet & Islands {
  return withTruth(islands({ n: 2000, dimension: 16, clusters: 20, spread: 0.4, queries: 200, seed: 11 }));
}

/** Points of the plane, for pictures. */
export function plane(n: number): Float32Array[] {
  return rows(uniformSet({ n, dimension: 2, queries: 1, seed: 11 }).base);
}

/** How graphs are built where nothing else is said. */
export const BUILD = { R: 16, L: 40, alpha: 1.2, seed: 1 } as const;
export const LISTS = [10, 12, 14, 17, 20, 28, 40];

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
    bound: Math.floor(Math.log(spreadOf(graph.vectors)) / Math.log(alpha)) + 1,
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

/** What is done about nodes that were deleted. */
export interface Policy {
  name: string;
  mend(graph: Vamana): void;
}

/** They stay where they are, are walked through, and are never answered with. */
export const LEAVE: Policy = { name: 'left in place', mend() {} };

/** They go, and so do the links that lead to them; nothing comes in their place. */
export const DROP: Policy = {
  name: 'links dropped',
  mend({ links, deleted }) {
    for (const [id, list] of links.entries()) links[id] = deleted.has(id) ? [] : list.filter((to) => !deleted.has(to));
  },
};

export const CONSOLIDATE: Policy = { name: 'consolidated', mend: (graph) => reference.consolidate(graph, BUILD) };

export interface Thinned {
  /** Share of the nodes that were deleted. */
  gone: number;
  /** Recall@10 among those that live, distances of a query, and living nodes that some way leads to. */
  recall: number;
  distances: number;
  reached: number;
}

/**
 * Deletes a tenth of the nodes of a copy of the graph again and again, and mends it in the policy's way each time; the start stays, as
 * FreshDiskANN has it. Searched with a list of L.
 */
export function thin(
  set: Pick<MeasuredSet, 'queries'>,
  built: Vamana,
  { mend }: Policy,
  { steps = 9, L = 20 }: { steps?: number; L?: number } = {},
): Thinned[] {
  const counting = countingDistance(l2);
  const { vectors } = built;
  const graph: Vamana = Object.assign(withLinks(built, built.links), { deleted: new Set<number>() });
  const watched: Vamana = Object.assign(Object.create(Object.getPrototypeOf(graph)), graph, {
    distance: counting.distance,
  });
  const queries = rows(set.queries);
  const order = Array.from(new Random('day 11/thin').permutation(vectors.length)).filter((id) => id !== graph.start);
  return Array.from({ length: steps + 1 }, (_, step) => {
    const gone = Math.round((step * vectors.length) / 10);
    for (const id of order.slice(0, gone)) graph.deleted.add(id);
    if (step > 0) mend(graph);
    const living = [...vectors.keys()].filter((id) => !graph.deleted.has(id));
    let found = 0;
    counting.reset();
    for (const query of queries) {
      const truth = nearestOf(vectors, living, query);
      for (const { id } of watched.search(query, { k: 10, L })) if (truth.has(id)) found++;
    }
    const ways = reachableFrom(graph.links, [graph.start]);
    return {
      gone: gone / vectors.length,
      recall: found / (10 * queries.length),
      distances: counting.count / queries.length,
      reached: living.filter((id) => ways.has(id)).length / living.length,
    };
  });
}

/** The ten nearest of some nodes, by looking at all of them. */
function nearestOf(vectors: readonly Float32Array[], ids: readonly number[], query: Float32Array): Set<number> {
  const best: Neighbor[] = [];
  for (const id of ids) {
    const distance = l2(query, vectors[id]);
    if (best.length === 10 && distance >= best[9].distance) continue;
    insertSorted(best, { id, distance });
    best.length = Math.min(best.length, 10);
  }
  return new Set(best.map(({ id }) => id));
}

export interface Recipe {
  name: string;
  /** The α of each pass. */
  alphas: readonly number[];
  order?: readonly number[];
  /** Begin without links rather than with random ones. Default false. */
  empty?: boolean;
  saturate?: boolean;
  R?: number;
}

/** A graph built in a way of one's own, and what that took. */
export function cook(vectors: readonly Float32Array[], { alphas, order, empty = false, ...recipe }: Recipe): Built {
  const counting = countingDistance(l2);
  const options = { ...BUILD, ...recipe };
  const graph = new reference.Vamana(vectors, { ...options, distance: counting.distance });
  if (empty) for (const id of vectors.keys()) graph.links[id] = [];
  const drawn = new Random(`${BUILD.seed}/vamana/order`).permutation(vectors.length);
  for (const alpha of alphas) for (const p of order ?? drawn) reference.insert(graph, p, { ...options, alpha });
  return { graph: quiet(graph), distances: counting.count / vectors.length };
}

/** The paper's way of building, and what becomes of it when one thing is changed. */
export function recipes({ cluster }: Pick<Islands, 'cluster'>): Recipe[] {
  const byCluster = Array.from(cluster.keys()).sort((a, b) => cluster[a] - cluster[b] || a - b);
  const { alpha } = BUILD;
  return [
    { name: 'the paper: α = 1, then 1.2', alphas: [1, alpha] },
    { name: 'first pass alone', alphas: [1] },
    { name: 'one pass, α = 1.2 at once', alphas: [alpha] },
    { name: 'two passes, both α = 1', alphas: [1, 1] },
    { name: 'cluster after cluster', alphas: [1, alpha], order: byCluster },
    { name: 'from a graph without links', alphas: [1, alpha], empty: true },
    { name: 'saturated', alphas: [1, alpha], saturate: true },
  ];
}

/** The share of the nodes to which some way leads from the start. */
export function reached({ links, start }: Walkable): number {
  return reachableFrom(links, [start]).size / links.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export interface Clearing {
  points: Float32Array[];
  /** 1: deleted. */
  groups: number[];
  before: Vamana;
  dropped: Vamana;
  consolidated: Vamana;
  /** Links that consolidating made. */
  made: [from: number, to: number][];
}

/** A graph of the plane in whose middle everybody is deleted. */
export function clearing(n = 120, radius = 0.2): Clearing {
  const points = plane(n);
  const { graph: before } = build(points, { R: 8, L: 30 });
  const middle = Float32Array.of(0.5, 0.5);
  const gone = [...points.keys()].filter((id) => l2(points[id], middle) < radius ** 2 && id !== before.start);
  const [dropped, consolidated] = [DROP, CONSOLIDATE].map(({ mend }) => {
    const graph: Vamana = Object.assign(withLinks(before, before.links), { deleted: new Set(gone) });
    mend(graph);
    return graph;
  });
  const made = consolidated.links.flatMap((list, from) =>
    list.flatMap((to): [number, number][] => (before.links[from].includes(to) ? [] : [[from, to]])),
  );
  return { points, groups: points.map((_, id) => (gone.includes(id) ? 1 : 0)), before, dropped, consolidated, made };
}
