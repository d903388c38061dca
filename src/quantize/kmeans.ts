/**
 * K-means: k points, the centroids, such that the squared distances from rows to their nearest centroid sum up to little: the
 * inertia. Lloyd's algorithm (1957, printed 1982) from a seeding by k-means++ (Arthur & Vassilvitskii 2007). What quantizers
 * call a codebook.
 *
 * The result follows from rows, options and seed alone, to the last bit: `trainKMeans` of `workers/kmeans.ts` gives the same
 * for any number of threads. (The two builds of the kernels round differently, so theirs differ in last digits.)
 */
import { DimensionError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { hashToUnit } from '../core/random.ts';
import { boundsOf } from './kmeans-balance.ts';
import { KMeansMemory, type KMeansShape, type RowsView, runAlone, type Steps } from './kmeans-memory.ts';
import { type Trained, type Training, train } from './kmeans-training.ts';

export type { RowsView } from './kmeans-memory.ts';

export interface KMeansOptions {
  /** How many centroids: 1 … the number of rows. */
  k: number;
  /** Integer from 0 to 2³² − 1. */
  seed: number;
  /** The most times that centroids are moved. Default: 25. */
  iterations?: number;
  /** The first centroids: rows far apart, or any rows. Default: k-means++. */
  init?: 'k-means++' | 'random';
  /**
   * Whether clusters are kept of about one size, at the cost of some inertia: none has more than ratio · rows / k rows (rounded
   * up) or fewer than rows / k / ratio (rounded down, 1 at least). `true` is a ratio of 1.25, a number ≥ 1 is the ratio.
   */
  balanced?: boolean | number;
  /** The most rows per centroid to train on; which ones, the seed decides. Default: all. */
  sample?: number;
  /**
   * Training ends when moving the centroids changed the inertia by no more than this share. 0: when nothing moves. Default:
   * 1e-4.
   */
  tolerance?: number;
  /**
   * Whether all rows are assigned in the end. `false` leaves `assignments` empty, `counts` and `inertia` are those of the rows
   * trained on, and rows that are not trained on are not looked at. Default: true.
   */
  assign?: boolean;
  /** Told the inertia of the rows trained on, when centroids have been moved `iteration` times. */
  onIteration?: (iteration: number, inertia: number) => void;
}

export interface KMeansResult {
  /** k rows. */
  centroids: Matrix;
  /** For each row the number of its nearest centroid; where clusters are balanced, of its cluster's. */
  assignments: Uint32Array;
  /** How many rows each centroid has. 0 where there are fewer distinct rows than centroids, or training was cut short. */
  counts: Uint32Array;
  /** Σ of the squared distances from rows to their centroids. */
  inertia: number;
  /** How many times the centroids were moved. */
  iterations: number;
  /**
   * The inertia of the rows trained on, after 0, 1, …, `iterations` moves. It never grows, but for balanced clusters, of which
   * the result is the best there was.
   */
  history: number[];
}

/** A k-means over the columns `from` … `to` − 1. */
export interface KMeansJob extends Omit<KMeansOptions, 'onIteration'> {
  from: number;
  to: number;
}

/**
 * Runs independent k-means over columns of the same rows; results in the order of the jobs. `onDone` is told how many jobs are
 * done. Rejects as `kmeans` throws.
 */
export type KMeansRunner = (
  rows: Matrix,
  jobs: readonly KMeansJob[],
  onDone?: (done: number, total: number) => void,
) => Promise<KMeansResult[]>;

/**
 * Throws ParameterError or DimensionError for options and shapes that make no sense, VectorValueError (names the row) for NaN,
 * Infinity or a row beyond |x|² = 1e34, MemoryLimitError where the rows to train on exceed 4 GiB.
 */
export function kmeans(rows: RowsView, options: KMeansOptions): KMeansResult {
  const problem = problemOf(rows, options);
  return solveAlone(KMeansMemory.reserve([problem.shape], 1), problem, options.onIteration);
}

/** One job after the other, on the caller's thread. */
export const runSequentially: KMeansRunner = async (rows, jobs, onDone) => {
  const problems = problemsOf(rows, jobs);
  if (problems.length === 0) return [];
  const shapes = problems.map(({ shape }) => shape);
  const memory = KMeansMemory.reserve(shapes, 1);
  return problems.map((problem, i) => {
    const result = solveAlone(memory, problem);
    onDone?.(i + 1, jobs.length);
    return result;
  });
};

function solveAlone(
  memory: KMeansMemory,
  problem: KMeansProblem,
  onIteration?: KMeansOptions['onIteration'],
): KMeansResult {
  const tasks = solve(memory, problem);
  let next = tasks.next();
  while (!next.done) next = tasks.next(runAlone(memory, stepsOf(memory, next.value, onIteration)));
  return next.value;
}

// ---- What threads share ---------------------------------------------------------------------------------------------

/** A k-means that has been checked. */
export interface KMeansProblem {
  view: RowsView;
  shape: KMeansShape;
  /** The rows to train on, ascending; without, all. */
  trainingRows?: Uint32Array;
  training: Training;
  assign: boolean;
}

/** What is done to rows that lie in the memory: a whole training, or the assignment of the first `n`. */
export type KMeansTask = { kind: 'train'; training: Training } | { kind: 'assign'; n: number };

/** The steps of a task. */
export function* stepsOf(
  memory: KMeansMemory,
  task: KMeansTask,
  onIteration?: KMeansOptions['onIteration'],
): Steps<Trained> {
  if (task.kind === 'train') return yield* train(memory, task.training, onIteration);
  yield memory.stepOver('assign', task.n);
  return { iterations: 0, history: [] };
}

/** Brings rows into the memory, has tasks done, and reads the result. */
export function* solve(memory: KMeansMemory, problem: KMeansProblem): Generator<KMeansTask, KMeansResult, Trained> {
  const { view, shape, trainingRows, training, assign } = problem;
  memory.begin(shape);
  memory.load(view, trainingRows ?? { from: 0, to: view.rows });
  const { iterations, history } = yield { kind: 'train', training };
  const { dimension, k } = shape;
  const assignments = new Uint32Array(assign ? view.rows : 0);
  let counts = new Uint32Array(k);
  let inertia = 0;
  if (!trainingRows || !assign) {
    if (assign) assignments.set(memory.nearest(shape.rows));
    counts = countsOf(memory.nearest(shape.rows), k);
    inertia = memory.inertia(shape.rows);
  } else {
    for (let from = 0; from < view.rows; from += shape.rows) {
      const n = Math.min(shape.rows, view.rows - from);
      memory.load(view, { from, to: from + n });
      yield { kind: 'assign', n };
      assignments.set(memory.nearest(n), from);
      inertia += memory.inertia(n);
    }
    counts = countsOf(assignments, k);
  }
  return {
    centroids: { data: memory.centroids.slice(), rows: k, dimension },
    assignments,
    counts,
    inertia,
    iterations,
    history,
  };
}

function countsOf(assignments: Uint32Array, k: number): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(k);
  for (const c of assignments) counts[c]++;
  return counts;
}

// ---- What is asked of the caller ------------------------------------------------------------------------------------

/** The problems of jobs over columns of the same rows. */
export function problemsOf(rows: Matrix, jobs: readonly KMeansJob[]): KMeansProblem[] {
  checkRows(rows);
  return jobs.map(({ from, to, ...options }, i) => {
    checkInteger(`jobs[${i}].from`, from, 0, rows.dimension - 1);
    checkInteger(`jobs[${i}].to`, to, from + 1, rows.dimension);
    const { data, dimension: stride } = rows;
    return problemOf({ data, rows: rows.rows, dimension: to - from, stride, offset: from }, options);
  });
}

export function problemOf(view: RowsView, options: KMeansOptions): KMeansProblem {
  const { k, seed, iterations = 25, init = 'k-means++', balanced = false, sample, tolerance = 1e-4 } = options;
  checkRows(view);
  if (!Number.isInteger(k) || k < 1 || k > view.rows) {
    const want = `an integer from 1 to the ${view.rows} rows: take fewer centroids or more rows`;
    throw new ParameterError({ parameter: 'k', got: k, want });
  }
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  checkInteger('iterations', iterations, 0, 1e6);
  if (sample !== undefined) checkInteger('sample', sample, 1, 2 ** 32 - 1);
  if (init !== 'k-means++' && init !== 'random') {
    throw new ParameterError({ parameter: 'init', got: init, want: "'k-means++' or 'random'" });
  }
  if (!(tolerance >= 0 && tolerance < 1)) {
    throw new ParameterError({ parameter: 'tolerance', got: tolerance, want: 'a share: 0 or more, less than 1' });
  }
  const ratio = balanced === true ? BALANCE_RATIO : balanced;
  if (ratio !== false && !(ratio >= 1 && ratio < Number.POSITIVE_INFINITY)) {
    throw new ParameterError({ parameter: 'balanced', got: balanced, want: 'true, false or a ratio of at least 1' });
  }
  const trainingCount = sample === undefined ? view.rows : Math.min(view.rows, sample * k);
  const sampled = trainingCount < view.rows;
  if (sampled && ratio !== false) {
    const least = Math.ceil(view.rows / k);
    const want = `balanced clusters are those of all ${view.rows} rows: leave it away, or take ${least} or more`;
    throw new ParameterError({ parameter: 'sample', got: sample, want });
  }
  return {
    view,
    shape: { rows: trainingCount, dimension: view.dimension, k, balanced: ratio !== false },
    ...(sampled && { trainingRows: sampleOf(view.rows, trainingCount, seed) }),
    training: {
      ...{ seed, iterations, init, tolerance },
      ...(ratio !== false && { bounds: boundsOf(view.rows, k, ratio) }),
    },
    assign: options.assign ?? true,
  };
}

const BALANCE_RATIO = 1.25;
const MAX_DIMENSION = 4096;

/**
 * `count` of `n` rows, ascending, every choice as likely as any other (selection sampling: Knuth, TAOCP 2, 3.4.2, algorithm S).
 */
function sampleOf(n: number, count: number, seed: number): Uint32Array {
  const chosen = new Uint32Array(count);
  let taken = 0;
  for (let i = 0; taken < count; i++) {
    if (hashToUnit(seed, i) * (n - i) <= count - taken) chosen[taken++] = i;
  }
  return chosen;
}

function checkRows(view: RowsView): void {
  const { data, rows, dimension, stride = dimension, offset = 0 } = view;
  if (!(data instanceof Float32Array)) {
    throw new ParameterError({ parameter: 'rows.data', got: typeof data, want: 'a Float32Array' });
  }
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    throw new DimensionError({ expected: `an integer from 1 to ${MAX_DIMENSION}`, got: dimension, where: 'rows' });
  }
  checkInteger('rows.rows', rows, 1, 2 ** 31 - 1);
  checkInteger('rows.stride', stride, dimension, Number.MAX_SAFE_INTEGER);
  checkInteger('rows.offset', offset, 0, Number.MAX_SAFE_INTEGER);
  const plain = view.stride === undefined && view.offset === undefined;
  const need = offset + (rows - 1) * stride + dimension;
  if (plain ? data.length === need : data.length >= need) return;
  const want = plain
    ? `${rows} rows of dimension ${dimension} are ${need} numbers`
    : `the last of ${rows} rows ends at number ${need}`;
  throw new ParameterError({ parameter: 'rows.data.length', got: data.length, want });
}

function checkInteger(parameter: string, got: number, least: number, most: number): void {
  if (Number.isInteger(got) && got >= least && got <= most) return;
  throw new ParameterError({ parameter, got, want: `an integer from ${least} to ${most}` });
}
