/** The course of a k-means over rows that lie in a `KMeansMemory`, as steps that one thread or many perform. */
import { Random } from '../core/random.ts';
import { ascending } from './kmeans-ascending.ts';
import { type Bounds, balance } from './kmeans-balance.ts';
import type { KMeansMemory, Steps } from './kmeans-memory.ts';

export interface Training {
  seed: number;
  iterations: number;
  init: 'k-means++' | 'random';
  tolerance: number;
  bounds?: Bounds;
}

export interface Trained {
  iterations: number;
  history: number[];
}

/**
 * Lloyd's algorithm: rows to their centroids, centroids to the means of their rows, until too little is gained. At the end the
 * rows are assigned to the centroids as they then are.
 */
export function* train(
  memory: KMeansMemory,
  { seed, iterations, init, tolerance, bounds }: Training,
  onIteration?: (iteration: number, inertia: number) => void,
): Steps<Trained> {
  const n = memory.shape.rows;
  const random = new Random(`k-means ${seed}`);
  if (init === 'random') placeAtRandom(memory, n, random);
  else yield* placeApart(memory, n, random);
  memory.pack();
  memory.nearest(n).fill(NONE);
  const history: number[] = [];
  let best: State | undefined;
  for (let done = 0; ; done++) {
    const changed = yield memory.stepOver('assign', n);
    const counts = memory.group(n);
    if (bounds) yield* balance(memory, n, bounds, counts);
    const inertia = memory.inertia(n);
    const gained = (history.at(-1) ?? Number.POSITIVE_INFINITY) - inertia;
    history.push(inertia);
    // Rows that are moved for the sake of sizes may cost more than the centroids' moving gained.
    if (bounds && !(inertia >= (best?.inertia ?? Number.POSITIVE_INFINITY))) best = stateOf(memory, n, inertia);
    onIteration?.(done, inertia);
    if (done === iterations) break;
    const mended = bounds ? 0 : mend(memory, n, counts);
    if (mended === 0 && (changed === 0 || Math.abs(gained) <= tolerance * inertia)) break;
    if (bounds || mended > 0) memory.group(n);
    yield memory.stepOfMoving();
  }
  if (best) restore(memory, n, best);
  return { iterations: history.length - 1, history };
}

/** What the result is read from. */
interface State {
  inertia: number;
  centroids: Float32Array;
  nearest: Uint32Array;
  distances: Float32Array;
}

function stateOf(memory: KMeansMemory, n: number, inertia: number): State {
  const { centroids } = memory;
  return {
    inertia,
    centroids: centroids.slice(),
    nearest: memory.nearest(n).slice(),
    distances: memory.distances(n).slice(),
  };
}

function restore(memory: KMeansMemory, n: number, { centroids, nearest, distances }: State): void {
  memory.centroids.set(centroids);
  memory.nearest(n).set(nearest);
  memory.distances(n).set(distances);
}

const NONE = 0xffffffff;

/** Centroids are k rows, each as likely as any other. */
function placeAtRandom(memory: KMeansMemory, n: number, random: Random): void {
  const rows = random.permutation(n);
  for (let c = 0; c < memory.shape.k; c++) memory.place(c, rows[c]);
}

/**
 * k-means++ (Arthur & Vassilvitskii 2007): each next centroid is a row drawn with a probability proportional to its squared
 * distance from the nearest one so far. A row that is a centroid already is at distance 0, and drawn only when all are.
 */
function* placeApart(memory: KMeansMemory, n: number, random: Random): Steps<void> {
  memory.distances(n).fill(Number.POSITIVE_INFINITY);
  let row = random.integer(n);
  for (let c = 0; ; c++) {
    memory.place(c, row);
    if (c === memory.shape.k - 1) return;
    yield memory.stepOver('nearer', n, c);
    const sum = memory.sumOfSums(n);
    row = sum > 0 ? memory.rowAtSum(n, random.uniform() * sum) : random.integer(n);
  }
}

/**
 * Gives every empty cluster the row that is farthest from its centroid, out of a cluster that keeps another one, which takes
 * that row's distance off the inertia. With fewer distinct rows than centroids, clusters stay empty. Returns how many moved.
 */
function mend(memory: KMeansMemory, n: number, counts: Uint32Array): number {
  const empty: number[] = [];
  for (let c = 0; c < counts.length; c++) if (counts[c] === 0) empty.push(c);
  if (empty.length === 0) return 0;
  const nearest = memory.nearest(n);
  const distances = memory.distances(n);
  let mended = 0;
  for (const row of ascending(distances.map((distance) => -distance))) {
    if (mended === empty.length || distances[row] === 0) break;
    if (counts[nearest[row]] === 1) continue;
    counts[nearest[row]]--;
    nearest[row] = empty[mended++];
    counts[nearest[row]] = 1;
  }
  return mended;
}
