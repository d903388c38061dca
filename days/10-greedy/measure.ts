/** How a search does on a graph: by the reference, by what you wrote or by a mutant, its work counted from outside. */
import { countingDistance } from 'annlab/exercises';
import {
  gaussianSet,
  islands,
  type Matrix,
  type MeasuredSet,
  Random,
  rows,
  type TeachingSet,
  TWELVE_POINTS,
  uniformSet,
  type WorkPoint,
  withTruth,
  workCurve,
} from 'annlab/lab';
import { distancesAt } from '../02-nsw/measure.ts';
import { type Graph, l2 } from '../02-nsw/solution.ts';
import { Adjacency, type Links, medoid } from './solution.ts';

/** What is measured of the day's module. */
export type Search = Pick<typeof import('./solution.ts'), 'greedySearch'>;

export const K = 10;
export const LS = [10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320] as const;
/** On the random graph, where it takes longer lists. */
export const LONG_LS = [10, 20, 40, 80, 160, 320, 480, 640, 800, 960, 1120] as const;
export const SEED = 10;

/** The milestone's data: 10,000 normal vectors, 16-D. */
export function tenThousand(): MeasuredSet {
  return withTruth(gaussianSet({ n: 10_000, dimension: 16, queries: 100, seed: SEED }), K);
}

/** The first `n` vectors of a set, under the same queries. */
export function prefix({ base, queries }: TeachingSet, n: number): MeasuredSet {
  return withTruth({ base: { ...base, data: base.data.subarray(0, n * base.dimension), rows: n }, queries }, K);
}

/** A thousand points of the plane, to look at. */
export function plane(): MeasuredSet {
  return withTruth(uniformSet({ n: 1000, dimension: 2, queries: 200, seed: SEED }), K);
}

/** Day 04's kind of set: 50 tight clusters in 16-D, 2,000 vectors. */
export function fifty(): MeasuredSet {
  return withTruth(islands({ n: 2000, dimension: 16, clusters: 50, spread: 0.05, queries: 200, seed: 4 }), K);
}

/** All chance of this day is of one seed, a stream for each purpose. */
export function chance(purpose: string): Random {
  return new Random(`${SEED}/${purpose}`);
}

/** One search, with what it cost. */
export function search(
  { greedySearch }: Search,
  graph: Graph,
  query: Float32Array,
  start: number,
  { k = 1, L }: { k?: number; L: number },
) {
  const counting = countingDistance(l2);
  const result = greedySearch(graph, query, start, { k, L }, counting.distance);
  return { ...result, distances: counting.count };
}

export interface CurveOptions {
  start: number;
  Ls?: readonly number[];
  /** How many of the set's. Default: all. */
  queries?: number;
}

/** Recall@10, distances and expanded nodes per query, for every L (`ef` of the points). */
export function curveOf(
  module: Search,
  graph: Graph,
  { queries, truth }: MeasuredSet,
  { start, Ls = LS, queries: count = queries.rows }: CurveOptions,
): WorkPoint[] {
  return workCurve({
    search: (query, L) => {
      const { nearest, visited, distances } = search(module, graph, query, start, { k: K, L });
      return { ids: nearest.map(({ id }) => id), distances, hops: visited.length };
    },
    queries: rows(queries).slice(0, count),
    truth: { ids: truth.ids.subarray(0, count * K), distances: truth.distances.subarray(0, count * K) },
    k: K,
    efs: Ls,
  });
}

/** The L at which a recall is reached, read off a curve like the distances it costs. NaN where it is not. */
export function lengthAt(curve: readonly WorkPoint[], recall: number): number {
  return distancesAt(
    curve.map(({ ef, recall }) => ({ ef, recall, distances: ef })),
    recall,
  );
}

/** Queries, and the true nearest of each. */
export interface Asked {
  queries: readonly Float32Array[];
  nearest: readonly number[];
}

export function queriesOf({ queries, truth }: MeasuredSet): Asked {
  return { queries: rows(queries), nearest: Array.from({ length: queries.rows }, (_, i) => truth.ids[i * K]) };
}

/** The first so many vectors of a set as queries: each is its own nearest. */
export function ofTheSet({ base }: TeachingSet, count: number): Asked {
  return { queries: rows(base).slice(0, count), nearest: Array.from({ length: count }, (_, id) => id) };
}

/**
 * How far a greedy walk (L = 1) gets: the share of queries that ends in the nearest of all, and on average the hops, as many as links
 * that it follows, and the distances.
 */
export function walksOf(module: Search, graph: Graph, { queries, nearest }: Asked, start: number) {
  const walks = queries.map((query, i) => {
    const walk = search(module, graph, query, start, { L: 1 });
    return {
      found: Number(walk.nearest[0].id === nearest[i]),
      hops: walk.visited.length - 1,
      distances: walk.distances,
    };
  });
  return {
    found: mean(walks.map(({ found }) => found)),
    hops: mean(walks.map(({ hops }) => hops)),
    distances: mean(walks.map(({ distances }) => distances)),
  };
}

/** Distance (not squared) from the query to the nearest found so far, after each hop: the mean over all queries. */
export function approach(
  module: Search,
  graph: Graph,
  { queries }: Asked,
  { start, L, hops }: { start: number; L: number; hops: number },
): number[] {
  const sums = new Array<number>(hops + 1).fill(0);
  for (const query of queries) {
    const { visited } = search(module, graph, query, start, { L });
    let least = Number.POSITIVE_INFINITY;
    for (let hop = 0; hop <= hops; hop++) {
      least = Math.min(least, visited[hop]?.distance ?? Number.POSITIVE_INFINITY);
      sums[hop] += Math.sqrt(least);
    }
  }
  return sums.map((sum) => sum / queries.length);
}

/** Fewest hops from `start` to every node; infinitely many where no way leads. */
export function waysFrom(links: Links, start: number): number[] {
  const hops = new Array<number>(links.length).fill(Number.POSITIVE_INFINITY);
  hops[start] = 0;
  let front = [start];
  while (front.length > 0) {
    const next: number[] = [];
    for (const id of front) {
      for (const other of links[id]) {
        if (hops[other] !== Number.POSITIVE_INFINITY) continue;
        hops[other] = hops[id] + 1;
        next.push(other);
      }
    }
    front = next;
  }
  return hops;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function degree(links: Links): number {
  return mean(links.map((list) => list.length));
}

/** The search list after each hop, and who of it is expanded by then: the L nearest of those that were seen. */
export function listByHop(
  { greedySearch }: Search,
  graph: Adjacency,
  query: Float32Array,
  { start, L }: { start: number; L: number },
): { expanded: number; list: { id: number; visited: boolean }[]; visited: number[] }[] {
  const away = (id: number) => l2(query, graph.vector(id));
  const way = greedySearch(graph, query, start, { k: 1, L }).visited.map(({ id }) => id);
  return way.map((expanded, hop) => {
    const visited = way.slice(0, hop + 1);
    const seen = new Set([start, ...visited.flatMap((id) => Array.from(graph.neighbors(id)))]);
    const list = [...seen].sort((a, b) => away(a) - away(b)).slice(0, L);
    return { expanded, visited, list: list.map((id) => ({ id, visited: visited.includes(id) })) };
  });
}

/** The twelve points as a matrix. */
export function twelve(): Matrix {
  const data = Float32Array.from(TWELVE_POINTS.flatMap(({ vector }) => [...vector]));
  return { data, rows: TWELVE_POINTS.length, dimension: 2 };
}

/** What a search with a list of L costs from the medoid, and on average from other starts, drawn by lot. */
export function startsOf(
  module: Search,
  graph: Adjacency,
  set: MeasuredSet,
  { L, starts }: { L: number; starts: number },
) {
  const n = set.base.rows;
  const random = chance('starts');
  const lot = Array.from({ length: starts }, () => random.integer(n));
  const cost = (start: number) => curveOf(module, graph, set, { start, Ls: [L] })[0];
  const others = lot.map(cost);
  return {
    medoid: cost(medoid(graph.vectors)),
    others: {
      recall: mean(others.map(({ recall }) => recall)),
      distances: mean(others.map(({ distances }) => distances)),
      hops: mean(others.map(({ hops = 0 }) => hops)),
    },
  };
}

/** How often the same node is compared in one search, at most, over all queries. */
export function mostCompared(
  { greedySearch }: Search,
  graph: Adjacency,
  { queries }: TeachingSet,
  { start, L }: { start: number; L: number },
): number {
  let most = 0;
  for (const query of rows(queries)) {
    const counts = new Map<Float32Array, number>();
    greedySearch(graph, query, start, { k: K, L }, (a, b) => {
      counts.set(b, (counts.get(b) ?? 0) + 1);
      return l2(a, b);
    });
    most = Math.max(most, ...counts.values());
  }
  return most;
}

export function linksOf(graph: Adjacency): Links {
  return graph.links.map((list) => Array.from(list));
}

/** A set's vectors with a graph's links. */
export function over(set: TeachingSet, links: Links): Adjacency {
  return new Adjacency(rows(set.base), links);
}
