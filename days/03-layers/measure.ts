/**
 * What the notebook of day 03 plots: any day's graph built over a set and searched, its work counted from outside; the same graph
 * without the zoom-in; and how far apart, and how uneven, its layer 0 is. All of it counted, nothing timed.
 */
import type { Hnsw as EngineHnsw } from 'annlab';
import { countingDistance } from 'annlab/exercises';
import {
  countedCurve,
  engineCurve,
  type Matrix,
  type MeasuredSet,
  rows,
  uniformSet,
  type WorkPoint,
  withTruth,
} from 'annlab/lab';
import { type Distance, l2, type Neighbor, searchLayer } from '../02-nsw/solution.ts';
import { type Hnsw, layer } from './solution.ts';

/** How the graphs of this day are built where nothing else is said. */
export const BUILD = { M: 8, efConstruction: 32 } as const;
export const EFS = [10, 12, 15, 20, 25, 30, 40, 60, 80, 120, 160, 240, 320];
const K = 10;

/** Vectors in the unit cube, and the ten true neighbours of each query. `sorted`: the same vectors, arriving from left to right, smallest first component first. */
export function cube(
  n: number,
  { dimension, queries = 100, order = 'random' }: { dimension: number; queries?: number; order?: 'random' | 'sorted' },
): MeasuredSet {
  const drawn = uniformSet({ n, dimension, queries });
  const set = order === 'random' ? drawn : { ...drawn, base: fromLeftToRight(drawn.base) };
  return withTruth(set, K);
}

/** Any index of days 02 and 03. */
export interface Searchable {
  insert(vector: Float32Array): number;
  search(query: Float32Array, options: { k: number; ef: number }): Neighbor[];
}

export interface Measured<Index> {
  index: Index;
  /** Distance evaluations per insert. */
  buildDistances: number;
  /** Recall@10 and distance evaluations per query, for every ef. */
  curve: WorkPoint[];
}

/** Builds an index over the set with a distance that counts, and searches it. */
export function measure<Index extends Searchable>(
  set: MeasuredSet,
  make: (options: { M: number; efConstruction: number; distance: Distance }) => Index,
  efs: readonly number[] = EFS,
): Measured<Index> {
  const counting = countingDistance(l2);
  const index = make({ ...BUILD, distance: counting.distance });
  for (const vector of rows(set.base)) index.insert(vector);
  const buildDistances = counting.count / set.base.rows;
  const curve = countedCurve((query, options) => index.search(query, options), set, { counting, k: K, efs });
  return { index, buildDistances, curve };
}

/** The same graph, searched without the zoom-in: the beam enters layer 0 by the entry point. */
export function measureGround(index: Hnsw, set: MeasuredSet, efs: readonly number[] = EFS): WorkPoint[] {
  const counting = countingDistance(l2);
  const ground = layer(index, 0);
  const search = (query: Float32Array, { k, ef }: { k: number; ef: number }) =>
    searchLayer(ground, query, [index.entryPoint], ef, counting.distance).slice(0, k);
  return countedCurve(search, set, { counting, k: K, efs });
}

/** The engine on the same set, built alike. */
export function measureEngine(
  set: MeasuredSet,
  efs: readonly number[] = EFS,
): { index: EngineHnsw; curve: WorkPoint[] } {
  return engineCurve(set, { ...BUILD, k: K, efs });
}

/** Layer 0 as a map: hops from the entry point to another node on average, and the share of all links that lead to 1 % of the nodes. */
export function groundOf(index: Hnsw): { meanHops: number; hubShare: number } {
  const hops = new Map([[index.entryPoint, 0]]);
  const linked = new Uint32Array(index.nodes.length);
  for (const [id, far] of hops) {
    for (const next of index.neighbors(id, 0)) {
      linked[next]++;
      if (!hops.has(next)) hops.set(next, far + 1);
    }
  }
  const sum = (values: Iterable<number>) => Array.from(values).reduce((a, b) => a + b, 0);
  const hubs = Uint32Array.from(linked)
    .sort()
    .subarray(-Math.ceil(linked.length / 100));
  return { meanHops: sum(hops.values()) / (hops.size - 1), hubShare: sum(hubs) / sum(linked) };
}

function fromLeftToRight(matrix: Matrix): Matrix {
  const order = rows(matrix).sort((a, b) => a[0] - b[0]);
  const data = new Float32Array(matrix.data.length);
  order.forEach((vector, i) => {
    data.set(vector, i * matrix.dimension);
  });
  return { ...matrix, data };
}
