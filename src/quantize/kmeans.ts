/** K-means: `k` points such that the rows are near to the nearest of them (Lloyd 1957/1982), from a seeding by k-means++. */
import { ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { hashToUnit, Random } from '../core/random.ts';

/** Some columns of a matrix: row i is the `dimension` floats of `data` from `offset + i · stride` on. */
export interface RowsView {
  data: Float32Array;
  rows: number;
  dimension: number;
  /** Floats from one row to the next. Default: `dimension`. */
  stride?: number;
  /** Where the first row begins, in floats. Default: 0. */
  offset?: number;
}

export interface KMeansOptions {
  /** How many centroids: 1 … the number of rows. */
  k: number;
  seed: number;
  /** The most iterations. Default: 25. */
  iterations?: number;
  init?: 'k-means++' | 'random';
  /** Whether clusters are kept of about one size; a number ≥ 1 says by which factor they may differ from the mean. */
  balanced?: boolean | number;
  /** The most rows per centroid that are trained on, chosen by the seed. Default: all. */
  sample?: number;
  /** Ends the training when an iteration takes no more than this share off the inertia. Default: 1e-4. */
  tolerance?: number;
  /** Whether all rows are assigned in the end. `false` leaves `assignments` empty; the rest is that of the rows trained on. */
  assign?: boolean;
  onIteration?: (iteration: number, inertia: number) => void;
}

export interface KMeansResult {
  /** k rows. */
  centroids: Matrix;
  /** The nearest centroid of each row. */
  assignments: Uint32Array;
  /** Rows of each centroid. */
  counts: Uint32Array;
  /** Σ of the squared distances from the rows to their centroids. */
  inertia: number;
  /** How many times the centroids were moved. */
  iterations: number;
  /** The inertia before each iteration. */
  history: number[];
}

/** A k-means over the columns `from` … `to` − 1. */
export interface KMeansJob extends Omit<KMeansOptions, 'onIteration'> {
  from: number;
  to: number;
}

/** Runs independent k-means over columns of the same rows; results in the order of the jobs. `onDone`: how many are done. */
export type KMeansRunner = (
  rows: Matrix,
  jobs: readonly KMeansJob[],
  onDone?: (done: number, total: number) => void,
) => Promise<KMeansResult[]>;

/** One job after the other, on the caller's thread. */
export const runSequentially: KMeansRunner = async (rows, jobs, onDone) => {
  const results: KMeansResult[] = [];
  for (const { from, to, ...options } of jobs) {
    const view = { data: rows.data, rows: rows.rows, dimension: to - from, stride: rows.dimension, offset: from };
    results.push(kmeans(view, options));
    onDone?.(results.length, jobs.length);
  }
  return results;
};

export function kmeans(rows: RowsView, options: KMeansOptions): KMeansResult {
  const { data, dimension, stride = dimension, offset = 0 } = rows;
  const { k, seed, iterations = 25, sample, assign = true, tolerance = 1e-4, onIteration } = options;
  if (k < 1 || k > rows.rows) {
    throw new ParameterError({ parameter: 'k', got: k, want: `an integer from 1 to the ${rows.rows} rows` });
  }
  const most = Math.min(rows.rows, sample === undefined ? rows.rows : sample * k);
  const chosen: number[] = [];
  for (let i = 0; i < rows.rows; i++) {
    if (hashToUnit(seed, i) * (rows.rows - i) <= most - chosen.length) chosen.push(i);
  }
  const at = (i: number) => offset + i * stride;
  const centroids = new Float32Array(k * dimension);
  const distance = (row: number, c: number) => {
    let sum = 0;
    for (let j = 0; j < dimension; j++) sum += (data[at(row) + j] - centroids[c * dimension + j]) ** 2;
    return sum;
  };
  const random = new Random(`k-means ${seed}`);
  const nearest = new Float64Array(chosen.length).fill(Number.POSITIVE_INFINITY);
  for (let c = 0; c < k; c++) {
    const total = nearest.reduce((a, b) => a + b, 0);
    let pick = random.integer(chosen.length);
    if (c > 0 && total > 0) {
      let left = random.uniform() * total;
      pick = nearest.findIndex((d) => (left -= d) < 0);
    }
    centroids.set(data.subarray(at(chosen[pick]), at(chosen[pick]) + dimension), c * dimension);
    for (let i = 0; i < chosen.length; i++) nearest[i] = Math.min(nearest[i], distance(chosen[i], c));
  }
  const assignAll = (list: number[]) => {
    const assignments = new Uint32Array(list.length);
    const counts = new Uint32Array(k);
    let inertia = 0;
    for (let i = 0; i < list.length; i++) {
      let best = Number.POSITIVE_INFINITY;
      for (let c = 0; c < k; c++) {
        const d = distance(list[i], c);
        if (d >= best) continue;
        best = d;
        assignments[i] = c;
      }
      counts[assignments[i]]++;
      inertia += best;
    }
    return { assignments, counts, inertia };
  };
  const history: number[] = [];
  let done = 0;
  while (done < iterations) {
    const { assignments, counts, inertia } = assignAll(chosen);
    history.push(inertia);
    onIteration?.(done, inertia);
    if (done > 0 && history[done - 1] - inertia <= tolerance * inertia) break;
    const sums = new Float64Array(k * dimension);
    for (let i = 0; i < chosen.length; i++) {
      for (let j = 0; j < dimension; j++) sums[assignments[i] * dimension + j] += data[at(chosen[i]) + j];
    }
    for (let c = 0; c < k; c++) {
      for (let j = 0; j < dimension && counts[c] > 0; j++)
        centroids[c * dimension + j] = sums[c * dimension + j] / counts[c];
    }
    done++;
  }
  const last = assignAll(assign ? Array.from({ length: rows.rows }, (_, i) => i) : chosen);
  return {
    centroids: { data: centroids, rows: k, dimension },
    ...last,
    assignments: assign ? last.assignments : new Uint32Array(0),
    iterations: done,
    history,
  };
}
