/**
 * Day 09: few bytes that stand for a vector. Three ways to write a vector down shorter, each the idea that the next begins with:
 *
 *     scalar quantization    every component rounded to one of 2^bits levels between the least and the greatest
 *     k-means                k centroids, each the mean of those nearest to it: a vector is the number of its centroid
 *     product quantization   the vector cut into m pieces, each the number of a centroid of its own: m · k centroids are
 *                            stored, and k^m vectors can be told apart
 *
 * And how a search uses them: the distance from a query to a code is a sum of m table look-ups, and the best few by code are
 * compared again, exactly.
 *
 * Sources: Lloyd, "Least squares quantization in PCM" (1957, published 1982); Arthur & Vassilvitskii, "k-means++" (SODA 2007);
 * Jégou, Douze & Schmid, "Product quantization for nearest neighbor search" (PAMI 2011). Departures: an empty cluster is given the
 * point that is farthest from its centroid, of which the papers say nothing; and codes are not sorted into cells (their IVFADC):
 * the graph of the days before finds its way without.
 */
import { Random } from 'annlab/lab';
import { isFarther, push, replaceTop } from '../00-baseline/solution.ts';
import { type Distance, l2, type Neighbor } from '../02-nsw/solution.ts';

/** A vector as levels: component i is about `lo + step * levels[i]`. */
export interface ScalarCode {
  lo: number;
  step: number;
  levels: Uint8Array;
}

/** What the levels are spread over. */
export interface Range {
  lo: number;
  hi: number;
}

/** From the least component to the greatest: nothing lies outside. */
export function rangeOf(x: Float32Array): Range {
  return { lo: x.reduce((a, b) => Math.min(a, b)), hi: x.reduce((a, b) => Math.max(a, b)) };
}

/**
 * Rounds every component to the nearest of 2^bits levels, the lowest at `lo`, the highest at `hi`. A range that many vectors share,
 * found on others, need not hold all components of this one.
 */
export function encodeScalar(x: Float32Array, bits = 8, { lo, hi }: Range = rangeOf(x)): ScalarCode {
  // @hole encode-scalar
  // @task 2^bits levels have 2^bits − 1 steps between them: `step` is one of these. A component's level is the nearest, from 0 to
  // @task 2^bits − 1: what lies below `lo` or above `hi` gets the level at that end. Where lo = hi, there is one level: step 0.
  const top = 2 ** bits - 1;
  const step = (hi - lo) / top;
  const nearestLevel = (value: number) => (step > 0 ? Math.round((value - lo) / step) : 0);
  const levels = Uint8Array.from(x, (value) => Math.min(Math.max(nearestLevel(value), 0), top));
  return { lo, step, levels };
  // @end
}

/** The vector that the code stands for. */
export function decodeScalar({ lo, step, levels }: ScalarCode): Float32Array {
  return Float32Array.from(levels, (level) => lo + step * level);
}

/** A centroid, by its number, and the squared distance to it. */
export interface Nearest {
  index: number;
  distance: number;
}

/** The nearest of the centroids; of two that are equally far, the first. */
export function nearest(x: Float32Array, centroids: readonly Float32Array[], distance: Distance = l2): Nearest {
  let best: Nearest = { index: -1, distance: Number.POSITIVE_INFINITY };
  for (let index = 0; index < centroids.length; index++) {
    const d = distance(x, centroids[index]);
    if (d < best.distance) best = { index, distance: d };
  }
  return best;
}

/** What one step of k-means finds, and where it moves the centroids. */
export interface LloydStep {
  /** For each point, the number of its nearest centroid, of those that were given. */
  assignments: Uint32Array;
  /** Σ squared distance of each point to that centroid: what k-means makes smaller and smaller. */
  inertia: number;
  /** As many as were given, moved. */
  centroids: Float32Array[];
}

/** One step of Lloyd's algorithm: every point to its nearest centroid, every centroid to the mean of its points. */
export function lloydStep(
  points: readonly Float32Array[],
  centroids: readonly Float32Array[],
  distance: Distance = l2,
): LloydStep {
  // @hole lloyd-step
  // @task Assign: `nearest` of each point (k distances a point, no more). Update: new centroids, each the mean of its points;
  // @task those that were given stay as they are, for whoever draws them. A centroid without points moves to a copy of the point
  // @task that is farthest from its own centroid, which still counts it; the next one without points to the next farthest.
  const found = points.map((point) => nearest(point, centroids, distance));
  const sums = centroids.map(({ length }) => new Float64Array(length));
  const counts = new Uint32Array(centroids.length);
  for (const [i, { index }] of found.entries()) {
    counts[index]++;
    for (let d = 0; d < points[i].length; d++) sums[index][d] += points[i][d];
  }
  const farthestFirst = [...points.keys()].sort((a, b) => found[b].distance - found[a].distance);
  let empty = 0;
  return {
    assignments: Uint32Array.from(found, ({ index }) => index),
    inertia: found.reduce((sum, one) => sum + one.distance, 0),
    centroids: sums.map((sum, c) =>
      counts[c] > 0 ? Float32Array.from(sum, (s) => s / counts[c]) : points[farthestFirst[empty++]].slice(),
    ),
  };
  // @end
}

export interface KMeansOptions {
  k: number;
  /** Default 1. */
  seed?: number | string;
  /** Steps at most: fewer, where nothing moves any more. Default 25. */
  iterations?: number;
  /** How the first centroids are chosen. Default `k-means++`. */
  init?: 'k-means++' | 'random';
  distance?: Distance;
}

export interface Clustering {
  centroids: Float32Array[];
  /** What each step began with and found, the first at the front. */
  steps: (LloydStep & { from: readonly Float32Array[] })[];
}

/** k-means: steps until no point changes its centroid. Throws RangeError where there are fewer points than centroids. */
export function kmeans(points: readonly Float32Array[], options: KMeansOptions): Clustering {
  const { k, seed = 1, iterations = 25, init = 'k-means++', distance = l2 } = options;
  if (!(k >= 1 && k <= points.length)) throw new RangeError(`k = ${k}: from 1 to the ${points.length} points`);
  const random = new Random(`${seed}/k-means`);
  const steps: Clustering['steps'] = [];
  let centroids = init === 'random' ? pickAny(points, k, random) : pickFarApart(points, k, random, distance);
  for (let i = 0; i < iterations; i++) {
    const step = lloydStep(points, centroids, distance);
    const before = steps.at(-1)?.assignments;
    steps.push({ ...step, from: centroids });
    centroids = step.centroids;
    if (before && step.assignments.every((c, point) => c === before[point])) break;
  }
  return { centroids, steps };
}

/** k of the points, each as likely as any other. */
export function pickAny(points: readonly Float32Array[], k: number, random: Random): Float32Array[] {
  return Array.from(random.permutation(points.length).subarray(0, k), (i) => points[i].slice());
}

/**
 * k-means++: one point, then again and again another one, drawn with a likelihood that grows as the square of its distance from
 * those drawn already (2007, section 2.2). Costs as much as one step.
 */
export function pickFarApart(
  points: readonly Float32Array[],
  k: number,
  random: Random,
  distance: Distance = l2,
): Float32Array[] {
  const centroids: Float32Array[] = [];
  const squares = new Float64Array(points.length).fill(1);
  while (centroids.length < k) {
    let rest = random.uniform() * squares.reduce((sum, square) => sum + square, 0);
    // Where nothing is left but copies, every square is 0, and any point will do.
    const drawn = points.findIndex((_, i) => {
      rest -= squares[i];
      return rest < 0;
    });
    const centroid = points[drawn < 0 ? random.integer(points.length) : drawn].slice();
    for (const [i, point] of points.entries()) {
      const square = distance(point, centroid);
      if (centroids.length === 0 || square < squares[i]) squares[i] = square;
    }
    centroids.push(centroid);
  }
  return centroids;
}

/** m books of k centroids each. A code is m bytes: for each piece of the vector, the number of a centroid. */
export interface Codebooks {
  dimension: number;
  /** Pieces that a vector is cut into, each `dimension / m` components wide. */
  m: number;
  /** Centroids in a book: 2^bits, 256 at most. */
  k: number;
  /** Book by book, centroid by centroid: dimension · k floats. */
  centroids: Float32Array;
}

/** Where centroid c of book j lies. */
export function centroid({ dimension, m, k, centroids }: Codebooks, j: number, c: number): Float32Array {
  const width = dimension / m;
  return centroids.subarray((j * k + c) * width, (j * k + c + 1) * width);
}

/** Piece j of a vector. */
export function piece(x: Float32Array, m: number, j: number): Float32Array {
  const width = x.length / m;
  return x.subarray(j * width, (j + 1) * width);
}

/** k-means on every piece of the vectors. Throws RangeError where m does not divide the dimension, or k is more than a byte can say. */
export function trainCodebooks(
  vectors: readonly Float32Array[],
  { m, k = 256, seed = 1, iterations = 10 }: { m: number; k?: number; seed?: number; iterations?: number },
): Codebooks {
  const dimension = vectors[0].length;
  if (!Number.isInteger(dimension / m)) throw new RangeError(`m = ${m} does not divide ${dimension}`);
  if (k > 256) throw new RangeError(`k = ${k}: a byte tells 256 centroids apart`);
  const books: Codebooks = { dimension, m, k, centroids: new Float32Array(dimension * k) };
  for (let j = 0; j < m; j++) {
    const pieces = vectors.map((x) => piece(x, m, j));
    const found = kmeans(pieces, { k, iterations, seed: `${seed}/${j}` }).centroids;
    for (const [c, one] of found.entries()) centroid(books, j, c).set(one);
  }
  return books;
}

/** The codes of vectors, m bytes each, one behind the other. */
export function encodeProduct(vectors: readonly Float32Array[], books: Codebooks): Uint8Array {
  const { m, k } = books;
  const codes = new Uint8Array(vectors.length * m);
  for (let j = 0; j < m; j++) {
    const book = Array.from({ length: k }, (_, c) => centroid(books, j, c));
    for (const [i, x] of vectors.entries()) codes[i * m + j] = nearest(piece(x, m, j), book).index;
  }
  return codes;
}

/** The vector that the code stands for: its centroids, one behind the other. */
export function decodeProduct(code: Uint8Array, books: Codebooks): Float32Array {
  const x = new Float32Array(books.dimension);
  for (let j = 0; j < books.m; j++) piece(x, books.m, j).set(centroid(books, j, code[j]));
  return x;
}

/** What a scan works with, so that whoever calls can count it. */
export interface ScanTools {
  /** Between pieces. Default l2. */
  distance?: Distance;
  /** Where the table is written: m · k numbers. Default: a new one. */
  table?: Float32Array;
}

/**
 * The asymmetric distance (2011, section III-A): from the query as it is to the vector that each code stands for, squared. `codes`
 * are as many as there are, m bytes each, one behind the other; so are the distances.
 */
export function scan(query: Float32Array, books: Codebooks, codes: Uint8Array, tools: ScanTools = {}): Float32Array {
  const { m, k } = books;
  const { distance = l2, table = new Float32Array(m * k) } = tools;
  const distances = new Float32Array(codes.length / m);
  // @hole adc
  // @task First the table, once: at `j * k + c`, the `distance` of the query's piece j to centroid c of book j. Then each code's
  // @task distance: the sum of m look-ups in the table, one for each of its bytes. No code is decoded.
  for (let j = 0; j < m; j++) {
    const part = piece(query, m, j);
    for (let c = 0; c < k; c++) table[j * k + c] = distance(part, centroid(books, j, c));
  }
  for (let i = 0; i < distances.length; i++) {
    for (let j = 0; j < m; j++) distances[i] += table[j * k + codes[i * m + j]];
  }
  // @end
  return distances;
}

/** The symmetric distance (2011, section III-A): the query is a code, too, and is decoded to be compared. */
export function scanSymmetric(query: Uint8Array, books: Codebooks, codes: Uint8Array): Float32Array {
  return scan(decodeProduct(query, books), books, codes);
}

/** The k smallest of the distances and whose they are, nearest first. */
export function smallest(distances: ArrayLike<number>, k: number): Neighbor[] {
  const heap: Neighbor[] = [];
  for (let id = 0; id < distances.length; id++) {
    const candidate = { id, distance: distances[id] };
    if (heap.length < k) push(heap, candidate);
    else if (isFarther(heap[0], candidate)) replaceTop(heap, candidate);
  }
  return heap.sort((a, b) => (isFarther(a, b) ? 1 : -1));
}

/** The second look: candidates found by their codes, compared with the query as they were, exactly; the k nearest of them. */
export function rerank(
  query: Float32Array,
  candidates: readonly Neighbor[],
  { vectors, k, distance = l2 }: { vectors: readonly Float32Array[]; k: number; distance?: Distance },
): Neighbor[] {
  const exact = candidates.map(({ id }) => ({ id, distance: distance(query, vectors[id]) }));
  return exact.sort((a, b) => (isFarther(a, b) ? 1 : -1)).slice(0, k);
}
