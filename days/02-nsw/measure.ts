/** How a graph does: built by the reference, by what you wrote or by a mutant, and its work counted from outside. */
import { countingDistance } from 'annlab/exercises';
import {
  countedCurve,
  gaussianSet,
  type Matrix,
  type MeasuredSet,
  rows,
  type TeachingSet,
  traced,
  type WorkPoint,
  withTruth,
} from 'annlab/lab';
import { type Distance, type Graph, l2 } from './solution.ts';

/** What is measured of the day's module. */
export type Walks = Pick<typeof import('./solution.ts'), 'Nsw' | 'greedySearch' | 'searchLayer'>;

export const K = 10;
/** How the graphs of this day are built where nothing else is said. */
export const BUILD = { M: 8, efConstruction: 32 } as const;
export const EFS = [10, 15, 20, 30, 40, 60, 80, 120, 160] as const;

/** The milestone's data: 10,000 normal vectors, 16-D. */
export function tenThousand(): MeasuredSet {
  return withTruth(gaussianSet({ n: 10_000, dimension: 16, queries: 200, seed: 2 }), K);
}

/** A graph whose distances are counted. */
export interface Counted {
  graph: InstanceType<Walks['Nsw']>;
  /** The count since it was last reset. */
  counting: { readonly count: number; reset(): void; distance: Distance };
}

/** Inserts every row. */
export function build({ Nsw }: Walks, base: Matrix, options: { M: number; efConstruction: number } = BUILD): Counted {
  const counting = countingDistance(l2);
  const graph = new Nsw({ ...options, distance: counting.distance });
  for (const vector of rows(base)) graph.insert(vector);
  return { graph, counting };
}

/** Recall@10 and distances per query, for every ef. */
export function curveOf({ graph, counting }: Counted, set: MeasuredSet, efs: readonly number[] = EFS): WorkPoint[] {
  return countedCurve((query, options) => graph.search(query, options), set, { counting, k: K, efs });
}

/** How often greedy search ends in the true nearest, and how often a beam has it first. */
export function hitsOf(
  walks: Walks,
  { graph }: Counted,
  set: MeasuredSet,
  efs: readonly number[],
): { greedy: number; beams: number[] } {
  const queries = rows(set.queries);
  const share = (search: (query: Float32Array) => number | undefined) =>
    queries.filter((query, i) => search(query) === set.truth.ids[i * K]).length / queries.length;
  return {
    greedy: share((query) => walks.greedySearch(graph, query, 0, l2).id),
    beams: efs.map((ef) => share((query) => walks.searchLayer(graph, query, [0], ef, l2)[0]?.id)),
  };
}

/** What a recall costs in a set of `n` vectors: distances per query, and the narrowest beam in `efs` that reaches it. */
export interface CostAtSize {
  n: number;
  distances: number;
  ef: number | undefined;
}

/** One graph that grows: measured whenever it has reached one of `sizes`. `make` draws a set of `n`; smaller ones are its prefixes. */
export function growth(
  walks: Walks,
  make: (n: number) => TeachingSet,
  { sizes, recall, efs = [...EFS, 240, 320] }: { sizes: readonly number[]; recall: number; efs?: readonly number[] },
): CostAtSize[] {
  const whole = make(Math.max(...sizes));
  const counting = countingDistance(l2);
  const graph = new walks.Nsw({ ...BUILD, distance: counting.distance });
  const points: CostAtSize[] = [];
  for (const vector of rows(whole.base)) {
    const n = graph.insert(vector) + 1;
    if (!sizes.includes(n)) continue;
    const base = { ...whole.base, data: whole.base.data.subarray(0, n * whole.base.dimension), rows: n };
    const curve = curveOf({ graph, counting }, withTruth({ base, queries: whole.queries }, K), efs);
    const ef = curve.find((point) => point.recall >= recall)?.ef;
    points.push({ n, distances: distancesAt(curve, recall), ef });
  }
  return points;
}

/**
 * What a recall costs, read off a curve; between two of its points the errors fall evenly on a logarithmic scale. NaN where
 * the curve does not get there.
 */
export function distancesAt(curve: readonly WorkPoint[], recall: number): number {
  const next = curve.findIndex((point) => point.recall >= recall);
  if (next === -1) return Number.NaN;
  if (next === 0) return curve[0].distances;
  const [a, b] = [curve[next - 1], curve[next]];
  const errors = (point: WorkPoint) => Math.log(Math.max(1 - point.recall, 1e-4));
  const along = (errors(a) - Math.log(1 - recall)) / (errors(a) - errors(b));
  return a.distances * (b.distances / a.distances) ** along;
}

/** The p of work ∝ n^p: the slope of a line through the points on two logarithmic axes (least squares). */
export function exponent(points: readonly { n: number; distances: number }[]): number {
  const x = points.map(({ n }) => Math.log(n));
  const y = points.map(({ distances }) => Math.log(distances));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const rise = x.reduce((sum, one, i) => sum + (one - mx) * (y[i] - my), 0);
  return rise / x.reduce((sum, one) => sum + (one - mx) ** 2, 0);
}

/** Vectors compared in each hop of a search with a beam of `ef`, on average over the queries; hop 0 is the entry. */
export function comparedByHop(walks: Walks, { graph }: Counted, set: TeachingSet, ef: number): number[] {
  const compared: number[] = [];
  for (const query of rows(set.queries)) {
    const watched = traced(graph, l2);
    walks.searchLayer(watched.graph, query, [0], ef, watched.distance);
    let hop = 0;
    for (const { kind } of watched.trace.events) {
      if (kind === 'hop') hop++;
      else compared[hop] = (compared[hop] ?? 0) + 1;
    }
  }
  return Array.from(compared, (count = 0) => count / set.queries.rows);
}

/** Whether two graphs return the same nodes at the same distances, for every query. */
export function isSame({ searchLayer }: Walks, graphs: readonly [Graph, Graph], set: TeachingSet, ef: number): boolean {
  return rows(set.queries).every((query) => {
    const [a, b] = graphs.map((graph) => searchLayer(graph, query, [0], ef, l2));
    return a.length === b.length && a.every(({ id, distance }, i) => b[i].id === id && b[i].distance === distance);
  });
}

/** Links of each node, by id: the order in which they came. */
export function degrees(graph: Pick<Graph, 'neighbors'>, count: number): number[] {
  return Array.from({ length: count }, (_, id) => graph.neighbors(id).length);
}
