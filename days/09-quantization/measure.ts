/**
 * What the notebook of day 09 counts and plots: errors of rounded distances, k-means from many starts, recall against the bytes of a
 * code. On seeded sets that need no network; what was measured on real data is read from `recorded/`. Nothing here is timed.
 */
import { countingDistance } from 'annlab/exercises';
import { exactTruth, loadDataset, Random, rows, type TeachingSet } from 'annlab/lab';
import { type Distance, l2 } from '../02-nsw/solution.ts';
import { counted } from './counted.ts';
import {
  type Clustering,
  type Codebooks,
  centroid,
  decodeProduct,
  decodeScalar,
  encodeProduct,
  encodeScalar,
  kmeans,
  lloydStep,
  rerank,
  scan,
  scanSymmetric,
  smallest,
  trainCodebooks,
} from './solution.ts';

type Module = typeof import('./solution.ts');

export const K = 10;

/** Vectors, queries, and the ids of each query's ten nearest. */
export interface Known {
  vectors: Float32Array[];
  queries: Float32Array[];
  truth: ReadonlySet<number>[];
}

/** The first 4,000 of the embedding-like set, unit vectors of 128 or 1,024 dimensions, and 100 queries. */
export async function embeddings(dimension: 128 | 1024): Promise<Known> {
  const name = `embedding-${dimension}-10k`;
  const { train, queries } = await loadDataset(name, { maxRows: 4000, maxQueries: 100 });
  return known({ base: train, queries });
}

function known({ base, queries }: TeachingSet): Known {
  const { ids } = exactTruth({ base, queries, k: K });
  return {
    vectors: rows(base),
    queries: rows(queries),
    truth: Array.from({ length: queries.rows }, (_, i) => new Set(ids.subarray(i * K, (i + 1) * K))),
  };
}

/** How far rounded distances are off, in shares of the exact ones. */
export interface DistanceError {
  mean: number;
  /** What 99 of 100 do not exceed. */
  p99: number;
}

/** Squared distances from every query to what the codes of 1,000 vectors stand for, beside those to the vectors themselves. */
export function errorOf(set: Pick<Known, 'vectors' | 'queries'>, decoded: readonly Float32Array[]): DistanceError {
  const some = set.vectors.slice(0, 1000);
  const errors = set.queries.flatMap((query) => some.map((x, i) => Math.abs(l2(query, decoded[i]) / l2(query, x) - 1)));
  errors.sort((a, b) => a - b);
  return {
    mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    p99: errors[Math.floor(0.99 * errors.length)],
  };
}

/** What a code is worth: bytes, errors, and recall@10 by the codes alone or with the best R compared again, exactly. */
export interface Worth extends DistanceError {
  name: string;
  bytes: number;
  alone: number;
  reranked: number;
}

/** How many candidates have a second look. */
export const RERANKED = 100;

/** Recall@10 when only the first so many components are kept, as floats, and the others left out. */
export function leftOut(set: Known, kept: number): { bytes: number; recall: number } {
  const short = set.vectors.map((x) => x.subarray(0, kept));
  const { alone } = rerankCurve(set, (query) => short.map((x) => l2(query.subarray(0, kept), x)), [K]);
  return { bytes: 4 * kept, recall: alone };
}

/** Every vector rounded in its own range, to so many bits a component. The range takes eight bytes more, in two floats. */
export function scalarWorth(set: Known, bits: number, module: Pick<Module, 'encodeScalar'> = { encodeScalar }): Worth {
  const decoded = set.vectors.map((x) => decodeScalar(module.encodeScalar(x, bits)));
  return {
    ...{ name: `SQ${bits}`, bytes: Math.ceil((set.vectors[0].length * bits) / 8) + 8 },
    ...errorOf(set, decoded),
    ...recalls(set, (query) => decoded.map((x) => l2(query, x))),
  };
}

export interface TrainOptions {
  m: number;
  /** Vectors that the books are trained on, from the front. Default 1,500. */
  sample?: number;
  iterations?: number;
}

/** Product quantization with 256 centroids a book, by a module's own k-means and scan where it has them. */
export function productWorth(
  set: Known,
  { m, sample = 1500, iterations = 4 }: TrainOptions,
  module: Pick<Module, 'trainCodebooks' | 'encodeProduct' | 'scan'> = { trainCodebooks, encodeProduct, scan },
): Worth & { books: Codebooks; codes: Uint8Array } {
  const books = module.trainCodebooks(set.vectors.slice(0, sample), { m, iterations });
  const codes = module.encodeProduct(set.vectors, books);
  const decoded = set.vectors.map((_, i) => decodeProduct(codes.subarray(i * m, (i + 1) * m), books));
  return {
    ...{ name: `PQ${m}`, bytes: m, books, codes },
    ...errorOf(set, decoded),
    ...recalls(set, (query) => module.scan(query, books, codes)),
  };
}

function recalls(set: Known, distances: (query: Float32Array) => ArrayLike<number>): Pick<Worth, 'alone' | 'reranked'> {
  const { alone, curve } = rerankCurve(set, distances, [RERANKED]);
  return { alone, reranked: curve[0].recall };
}

/** Recall@10 when the best R by code are compared again, for several R. */
export function rerankCurve(
  { vectors, queries, truth }: Known,
  distances: (query: Float32Array) => ArrayLike<number>,
  Rs: readonly number[],
): { alone: number; curve: { R: number; recall: number }[] } {
  const hits = Rs.map(() => 0);
  let alone = 0;
  const right = (found: { id: number }[], i: number) => found.filter(({ id }) => truth[i].has(id)).length;
  for (const [i, query] of queries.entries()) {
    const candidates = smallest(distances(query), Math.max(...Rs));
    alone += right(candidates.slice(0, K), i);
    for (const [r, R] of Rs.entries()) hits[r] += right(rerank(query, candidates.slice(0, R), { vectors, k: K }), i);
  }
  const of = K * queries.length;
  return { alone: alone / of, curve: Rs.map((R, r) => ({ R, recall: hits[r] / of })) };
}

/** Rounding errors of all components in steps, from −½ to ½, as shares of so many bins. */
export function roundingErrors(vectors: readonly Float32Array[], bins = 20): { x: number; y: number }[] {
  const counts = new Float64Array(bins);
  for (const x of vectors) {
    const code = encodeScalar(x);
    for (const [i, value] of decodeScalar(code).entries()) {
      const error = (value - x[i]) / code.step;
      counts[Math.min(Math.max(Math.floor((error + 0.5) * bins), 0), bins - 1)]++;
    }
  }
  const all = counts.reduce((sum, count) => sum + count);
  return Array.from(counts, (count, bin) => ({ x: (bin + 0.5) / bins - 0.5, y: (100 * count) / all }));
}

/** A city in the plane: six quarters, one of them large and one far away. */
export function quarters(): Float32Array[] {
  const random = new Random('day 9/quarters');
  return QUARTERS.flatMap(({ at: [x, y], count, spread }) =>
    Array.from({ length: count }, () => Float32Array.of(x + spread * random.normal(), y + spread * random.normal())),
  );
}

const QUARTERS = [
  { at: [2.2, 2.2], count: 90, spread: 0.62 },
  { at: [5, 3.4], count: 40, spread: 0.32 },
  { at: [3.9, 5], count: 40, spread: 0.34 },
  { at: [0.9, 5], count: 30, spread: 0.3 },
  { at: [7, 1.2], count: 30, spread: 0.3 },
  { at: [9.2, 4.6], count: 20, spread: 0.28 },
] as const;

/** A start in which one centroid is nobody's nearest, and another one has two quarters; and the steps from there. */
export function emptyStart(
  points: readonly Float32Array[],
  module: Pick<Module, 'lloydStep'> = { lloydStep },
): Clustering {
  const steps: Clustering['steps'] = [];
  let centroids: Float32Array[] = EMPTY_START.map((place) => Float32Array.from(place));
  for (let i = 0; i < 4; i++) {
    const step = module.lloydStep(points, centroids);
    steps.push({ ...step, from: centroids });
    centroids = step.centroids;
  }
  return { centroids, steps };
}

const EMPTY_START = [
  [2, 2],
  [4, 4.5],
  [8, 2.7],
  [5, 3.5],
  [1, 5],
  [8.6, 8.4],
];

/** Inertia at the end of k-means, from so many starts of each kind. */
export function manyStarts(
  points: readonly Float32Array[],
  k: number,
  starts = 60,
): { random: number[]; plus: number[] } {
  const ends = (init: 'random' | 'k-means++') =>
    Array.from({ length: starts }, (_, seed) => {
      const { steps } = kmeans(points, { k, seed, init });
      return steps[steps.length - 1].inertia;
    }).sort((a, b) => a - b);
  return { random: ends('random'), plus: ends('k-means++') };
}

/** A cloud in the plane that leans: where one component is large, so is the other, more or less. */
export function leaning(count = 400): Float32Array[] {
  const random = new Random('day 9/leaning');
  return Array.from({ length: count }, () => {
    const along = random.normal();
    return Float32Array.of(1.6 * along + 0.5 * random.normal(), along + 0.5 * random.normal());
  });
}

/** Sixteen clumps in four rows of four, and the whole turned. */
export function turnedBlocks(degrees = 28): Float32Array[] {
  const random = new Random('day 9/blocks');
  const points = Array.from({ length: 480 }, (_, i) =>
    Float32Array.of((i % 4) - 1.5 + 0.09 * random.normal(), (Math.floor(i / 4) % 4) - 1.5 + 0.09 * random.normal()),
  );
  return points.map((point) => turned(point, degrees));
}

/** The point, turned around the origin. */
export function turned([x, y]: ArrayLike<number> & Iterable<number>, degrees: number): Float32Array {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return Float32Array.of(cos * x - sin * y, sin * x + cos * y);
}

/** Mean squared error of PQ on the plane, one component a piece, when everything is turned by so many degrees first. */
export function errorWhenTurned(
  points: readonly Float32Array[],
  degrees: number,
  k = 4,
): { error: number; books: Codebooks } {
  const moved = points.map((point) => turned(point, degrees));
  const books = trainCodebooks(moved, { m: 2, k, iterations: 25 });
  const codes = encodeProduct(moved, books);
  const errors = moved.map((x, i) => l2(x, decodeProduct(codes.subarray(2 * i, 2 * i + 2), books)));
  return { error: errors.reduce((sum, error) => sum + error, 0) / errors.length, books };
}

/** How far off distances between 2,000 pairs are, with the query as it is and with the query rounded, too. */
export function asymmetry(set: Known, { books, codes }: { books: Codebooks; codes: Uint8Array }) {
  const some = { ...set, vectors: set.vectors.slice(0, 2000) };
  const part = codes.subarray(0, some.vectors.length * books.m);
  const asked = encodeProduct(set.queries, books);
  const off = (distances: (i: number) => Float32Array) => {
    const errors = set.queries.flatMap((query, i) => {
      const found = distances(i);
      return some.vectors.map((x, v) => (found[v] - l2(query, x)) / l2(query, x));
    });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return { bias: mean(errors), error: mean(errors.map(Math.abs)) };
  };
  const codeOf = (i: number) => asked.subarray(i * books.m, (i + 1) * books.m);
  const symmetric = (i: number) => scanSymmetric(codeOf(i), books, part);
  return {
    asymmetric: {
      ...off((i) => scan(set.queries[i], books, part)),
      ...recalls(set, (query) => scan(query, books, codes)),
    },
    symmetric: {
      ...off(symmetric),
      ...recalls(set, (query) => scanSymmetric(codeOf(set.queries.indexOf(query)), books, codes)),
    },
  };
}

/** The work of one query over all codes: multiplications, and look-ups in the table. */
export function workOf(module: Pick<Module, 'scan'>, { books, codes }: { books: Codebooks; codes: Uint8Array }) {
  let multiplications = 0;
  const { distance }: { distance: Distance } = countingDistance((a: Float32Array, b: Float32Array) => {
    multiplications += b.length;
    return l2(a, b);
  });
  const table = counted(new Float32Array(books.m * books.k));
  module.scan(new Float32Array(books.dimension), books, codes, { distance, table: table.array });
  return { multiplications, lookUps: table.reads };
}

/** All grid points of two books on the plane: m · k centroids stand for k^m. */
export function gridOf(books: Codebooks): Float32Array[] {
  const axis = (j: number) => Array.from({ length: books.k }, (_, c) => centroid(books, j, c)[0]);
  return axis(0).flatMap((x) => axis(1).map((y) => Float32Array.of(x, y)));
}
