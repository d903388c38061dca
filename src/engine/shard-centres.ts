/** Where the shards of a partitioned build lie: k-means on a sample, and whichever cluster is too large for a shard falls in two. */
import type { Matrix } from '../core/matrix.ts';
import { VectorStore } from '../kernels/vectors.ts';
import { kmeans } from '../quantize/kmeans.ts';
import { trainKMeans } from '../workers/kmeans.ts';

export interface CentreOptions {
  shards: number;
  /** The share of all vectors that a shard has room for, where each vector is in `copies` of them. */
  mostShare: number;
  copies: number;
  seed: number;
  threads: number;
}

/** Of a shard's room, what the sample may make use of: it does not know the sizes exactly. */
const FILLED = 0.9;
/** Shards that may come of one, on average: vectors that are all the same fall in two for ever. */
const MOST_GROWTH = 3;

/** One row a shard. */
export async function findCentres(
  sample: Matrix,
  { shards, mostShare, copies, seed, threads }: CentreOptions,
): Promise<Matrix> {
  const { centroids } = await trainKMeans(sample, { k: shards, seed, threads, assign: false });
  let centres = centroids;
  const most = mostShare * FILLED * sample.rows;
  for (const stuck = new Set<number>(); centres.rows < MOST_GROWTH * shards; ) {
    const near = nearestOf(centres, sample, copies);
    const counts = new Uint32Array(centres.rows);
    for (const centre of near) counts[centre]++;
    let largest = -1;
    for (let i = 0; i < counts.length; i++)
      if (counts[i] > most && !stuck.has(i) && (largest < 0 || counts[i] > counts[largest])) largest = i;
    if (largest < 0) break;
    const halves = inTwo(sample, (row) => near[row * copies] === largest, seed);
    if (halves) centres = replaced(centres, largest, halves);
    else stuck.add(largest);
  }
  return centres;
}

/** A store that says which centres are nearest; l2, whatever the metric of the index. */
export function storeOf(centres: Matrix): VectorStore {
  const { rows, dimension, data } = centres;
  const store = VectorStore.reserve({ dimension, metric: 'l2', capacity: rows });
  for (let i = 0; i < rows; i++) store.put(i, data.subarray(i * dimension, (i + 1) * dimension), `centre ${i}`);
  return store;
}

/** For each row the `k` nearest centres, the nearest first. */
function nearestOf(centres: Matrix, sample: Matrix, k: number): Uint32Array {
  const ids = new Uint32Array(sample.rows * k);
  const distances = new Float32Array(sample.rows * k);
  storeOf(centres).nearestBatch(sample, { from: 0, to: sample.rows, count: centres.rows, k }, ids, distances);
  return ids;
}

/** The centres of two halves of these rows, where there are two different ones. */
function inTwo({ data, rows, dimension }: Matrix, isIn: (row: number) => boolean, seed: number): Matrix | undefined {
  const chosen = Array.from({ length: rows }, (_, row) => row).filter(isIn);
  if (chosen.length < 2) return undefined;
  const own = new Float32Array(chosen.length * dimension);
  for (const [i, row] of chosen.entries())
    own.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  const { centroids, counts } = kmeans({ data: own, rows: chosen.length, dimension }, { k: 2, seed });
  return counts.every((count) => count > 0) ? centroids : undefined;
}

/** The centres with two in the place of one. */
function replaced({ data, rows, dimension }: Matrix, at: number, halves: Matrix): Matrix {
  const grown = new Float32Array((rows + 1) * dimension);
  grown.set(data);
  grown.set(halves.data.subarray(0, dimension), at * dimension);
  grown.set(halves.data.subarray(dimension), rows * dimension);
  return { data: grown, rows: rows + 1, dimension };
}
