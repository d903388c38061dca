/**
 * Sets on which a day's idea shows. Each is drawn from a seed, queries from a stream of their own, as in `synthetic.ts`: a
 * smaller set is a prefix of a larger one, and the queries stay the same. All of it synchronous and small enough for a cell.
 */
import { ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { Random } from '../core/random.ts';
import { Flat } from '../graph/flat.ts';
import type { Metric } from '../graph/vector-index.ts';
import type { GroundTruth } from './ground-truth.ts';
import type { Truth } from './recall.ts';

export interface TeachingSet {
  base: Matrix;
  queries: Matrix;
}

export interface TeachingSetOptions {
  /** Vectors in the set. */
  n: number;
  dimension: number;
  /** Default 100. */
  queries?: number;
  /** Default 1. */
  seed?: number;
}

/**
 * Vectors spread evenly over the unit cube. In few dimensions a graph of near neighbours is a fine net, in which a walk from
 * far away takes many hops: the layers of day 03 save them. In many dimensions everything is about equally far from
 * everything, and there are no far ways to save. Greedy search on the 8 nearest neighbours, linked both ways, from the first
 * node: in 2-D 23 hops among 3,000 and 44 among 12,000; in 64-D 3.5 and 3.6.
 */
export function uniformSet(options: TeachingSetOptions): TeachingSet {
  return drawn(options, 'uniform', (random, vector) => {
    for (let j = 0; j < vector.length; j++) vector[j] = random.uniform();
  });
}

/** Independent normal components: vectors without any order to make use of, for timing a distance. */
export function gaussianSet(options: TeachingSetOptions): TeachingSet {
  return drawn(options, 'gaussian', (random, vector) => {
    for (let j = 0; j < vector.length; j++) vector[j] = random.normal();
  });
}

export interface IslandsOptions extends TeachingSetOptions {
  /** Default 8. */
  clusters?: number;
  /** Standard deviation within a cluster, where neighbouring centres are 1 apart. Default 0.1. */
  spread?: number;
}

export interface Islands extends TeachingSet {
  /** The cluster of each row of `base`. */
  cluster: Uint32Array;
  centers: Matrix;
}

/**
 * Tight clusters far apart, in random order. A node's nearest are all of its own cluster, so that linking each with its nearest M
 * leaves islands between which no link leads: what the heuristic of day 04 mends. In two dimensions the centres stand on a
 * ring, so that every island is seen; in more they are random directions.
 */
export function islands({ clusters = 8, spread = 0.1, ...options }: IslandsOptions): Islands {
  const { n, dimension, seed = 1 } = options;
  checkPositive('clusters', clusters);
  checkPositive('dimension', dimension);
  if (!(spread > 0 && spread < 0.5)) {
    throw new ParameterError({
      parameter: 'spread',
      got: spread,
      want: 'more than 0 and less than 0.5, or there are no islands',
    });
  }
  const centers = centersOf(clusters, dimension, seed);
  const cluster: number[] = [];
  // Within a cluster, vectors lie about `spread` from its centre whatever the dimension: the noise is shared by the axes.
  const noise = spread / Math.sqrt(dimension / 2);
  const set = drawn({ ...options, n, dimension, seed }, 'islands', (random, vector) => {
    const one = random.integer(clusters);
    cluster.push(one);
    const center = row(centers, one);
    for (let j = 0; j < dimension; j++) vector[j] = center[j] + noise * random.normal();
  });
  return { ...set, cluster: Uint32Array.from(cluster.slice(0, n)), centers };
}

/** Neighbouring centres are 1 apart on the ring; random directions, which are √2 apart on the unit sphere, are scaled to about 1. */
function centersOf(clusters: number, dimension: number, seed: number): Matrix {
  const data = new Float32Array(clusters * dimension);
  const random = new Random(`${seed}/islands/centers`);
  for (let i = 0; i < clusters; i++) {
    const center = data.subarray(i * dimension, (i + 1) * dimension);
    if (dimension === 2) {
      const radius = clusters === 1 ? 0 : 0.5 / Math.sin(Math.PI / clusters);
      const angle = (2 * Math.PI * i) / clusters;
      center.set([radius * Math.cos(angle), radius * Math.sin(angle)]);
      continue;
    }
    for (let j = 0; j < dimension; j++) center[j] = random.normal();
    const scale = Math.SQRT1_2 / Math.hypot(...center);
    for (let j = 0; j < dimension; j++) center[j] *= scale;
  }
  return { data, rows: clusters, dimension };
}

/** Every row as a view. */
export function rows(matrix: Matrix): Float32Array[] {
  return Array.from({ length: matrix.rows }, (_, i) => row(matrix, i));
}

/** The exact neighbours of each query, by comparing it with all: at once and kept nowhere. For large sets: `groundTruth`. */
export function exactTruth({
  base,
  queries,
  k,
  metric = 'l2',
}: {
  base: Matrix;
  queries: Matrix;
  k: number;
  metric?: Metric;
}): GroundTruth {
  checkPositive('k', k);
  const flat = Flat.create({ dimension: base.dimension, metric, capacity: base.rows });
  flat.addBatch(base.data);
  const width = Math.min(k, base.rows);
  const truth = {
    ids: new Uint32Array(queries.rows * width),
    distances: new Float32Array(queries.rows * width),
    k: width,
  };
  for (let query = 0; query < queries.rows; query++) {
    const { ids, distances } = flat.search(row(queries, query), { k: width });
    truth.ids.set(ids, query * width);
    truth.distances.set(distances, query * width);
  }
  return truth;
}

/** A set with the true neighbours of its queries. */
export interface MeasuredSet extends TeachingSet {
  truth: Truth;
}

/** The set, and the k nearest of each query: by default ten. */
export function withTruth<Drawn extends TeachingSet>(set: Drawn, k = 10): Drawn & { truth: GroundTruth } {
  return { ...set, truth: exactTruth({ base: set.base, queries: set.queries, k }) };
}

function drawn(
  { n, dimension, queries = 100, seed = 1 }: TeachingSetOptions,
  kind: string,
  fill: (random: Random, vector: Float32Array) => void,
): TeachingSet {
  checkPositive('n', n);
  checkPositive('dimension', dimension);
  const make = (count: number, stream: string): Matrix => {
    const random = new Random(`${seed}/${kind}/${stream}`);
    const matrix = { data: new Float32Array(count * dimension), rows: count, dimension };
    for (let i = 0; i < count; i++) fill(random, row(matrix, i));
    return matrix;
  };
  return { base: make(n, 'base'), queries: make(queries, 'queries') };
}

function checkPositive(parameter: string, got: number): void {
  if (!Number.isInteger(got) || got < 1) throw new ParameterError({ parameter, got, want: 'a whole number from 1' });
}
