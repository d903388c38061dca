/** How a selection does: a graph built with it and searched with wider and wider beams, its work counted from outside. */
import type { Hnsw as EngineHnsw, HnswOptions as EngineOptions } from 'annlab';
import { countingDistance } from 'annlab/exercises';
import {
  countedCurve,
  engineCurve,
  islands,
  type Matrix,
  type MeasuredSet,
  row,
  rows,
  type WorkPoint,
  withTruth,
} from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { Hnsw, type HnswOptions, selectNearest } from '../03-layers/solution.ts';

/** The day's data: 5,000 vectors in 50 clusters, 16-D. `by cluster`: the same vectors, one cluster after the other. */
export function fiftyIslands(order: 'random' | 'by cluster' = 'random'): MeasuredSet {
  const { base, queries, cluster } = islands({
    n: 5000,
    dimension: 16,
    clusters: 50,
    spread: 0.05,
    queries: 200,
    seed: 4,
  });
  if (order === 'random') return withTruth({ base, queries }, K);
  const ids = Array.from(cluster.keys()).sort((a, b) => cluster[a] - cluster[b] || a - b);
  return withTruth({ base: reordered(base, ids), queries }, K);
}

function reordered(base: Matrix, ids: readonly number[]): Matrix {
  const data = new Float32Array(base.data.length);
  ids.forEach((id, i) => {
    data.set(row(base, id), i * base.dimension);
  });
  return { ...base, data };
}

/** How the graphs of this day are built where nothing else is said. */
export const BUILD = { M: 8, efConstruction: 32, seed: 1 } as const;
export const EFS = [10, 12, 15, 20, 25, 30, 40, 60, 80, 120, 160];
const K = 10;

export interface Measured {
  index: Hnsw;
  /** Distance evaluations per insert. */
  buildDistances: number;
  /** Links of a node on layer 0, on average. */
  degree: number;
  /** Recall@10 and distance evaluations per query, for every ef. */
  curve: WorkPoint[];
}

/** Day 03's graph over the set, with the selection in `options`. */
export function measure(set: MeasuredSet, options: Partial<HnswOptions> = {}, efs: readonly number[] = EFS): Measured {
  const counting = countingDistance(l2);
  const index = new Hnsw({ ...BUILD, ...options, distance: counting.distance });
  for (const vector of rows(set.base)) index.insert(vector);
  const buildDistances = counting.count / set.base.rows;
  const degree = index.nodes.reduce((sum, { links }) => sum + links[0].length, 0) / set.base.rows;
  const curve = countedCurve((query, options) => index.search(query, options), set, { counting, k: K, efs });
  return { index, buildDistances, degree, curve };
}

/** The engine on the same set, built alike. */
export function measureEngine(
  set: MeasuredSet,
  options: Partial<EngineOptions> = {},
): { index: EngineHnsw; curve: WorkPoint[] } {
  return engineCurve(set, { ...BUILD, ...options, k: K, efs: EFS });
}

/** The best point of a curve that costs at most so many distances a query. */
export function bestWithin(curve: readonly WorkPoint[], distances: number): WorkPoint | undefined {
  const affordable = curve.filter((point) => point.distances <= distances);
  return affordable.sort((a, b) => b.recall - a.recall)[0];
}

/** Day 03's recall at ef 40, and the best that a day's `selectHeuristic` has to show for the same distances. */
export function milestone(
  { selectHeuristic }: Pick<typeof import('./solution.ts'), 'selectHeuristic'>,
  set: MeasuredSet = fiftyIslands(),
): { nearest: WorkPoint; heuristic: WorkPoint | undefined } {
  const nearest = measure(set, { select: selectNearest }, [40]).curve[0];
  return { nearest, heuristic: bestWithin(measure(set, { select: selectHeuristic() }).curve, nearest.distances) };
}
