/**
 * Ground truth: the exact neighbours of a set's queries, computed once on all cores and kept beside the set. The file is
 * named after everything that it follows from (content, rows, queries, metric), so that it cannot be taken for another's;
 * its checksum is compared on every reading, and what is damaged is computed again.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChecksumError, DataFileError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { exactNeighbors } from '../workers/exact-neighbors.ts';
import { type FileSystem, keptChecksum, verify, writeKept } from './cache.ts';
import { type Dataset, digest, orWarning, warn } from './datasets.ts';
import { type Neighbors, neighborsBytes, readNeighbors } from './formats/bin.ts';
import type { Truth } from './recall.ts';

export interface GroundTruth extends Truth {
  /** Neighbours per query: what was asked for, or all vectors of a smaller set. */
  k: number;
}

export interface GroundTruthOptions {
  /** Default: as many as there are cores. */
  threads?: number;
  /** Queries done so far. Not called when the answer is kept. */
  onProgress?: (done: number, total: number) => void;
  /** The folder it is kept in. Default: the data set's. */
  cacheDir?: string;
  /** Told what went wrong and does not matter for the result. Default: a process warning. */
  onWarning?: (message: string) => void;
  fileSystem?: FileSystem;
}

/**
 * Ids (rows of `train`) and distances in the metric's unit, nearest first, row-major. What was kept for a larger k serves a
 * smaller one.
 */
export async function groundTruth(
  dataset: Pick<Dataset, 'train' | 'queries' | 'metric' | 'key' | 'cacheFolder'>,
  k: number,
  options: GroundTruthOptions = {},
): Promise<GroundTruth> {
  if (!Number.isInteger(k) || k < 1)
    throw new ParameterError({ parameter: 'k', got: k, want: 'an integer of at least 1' });
  const { train, queries, metric, key } = dataset;
  const wanted = Math.min(k, train.rows);
  const name = digest([key, String(train.rows), String(queries.rows), metric]).slice(0, 16);
  const path = join(options.cacheDir ?? dataset.cacheFolder, `neighbors-${metric}-${name}.bin`);
  const kept = await readKept(path, queries.rows, train.rows, options);
  if (kept !== undefined && kept.k >= wanted) return narrowed(kept, wanted);
  const { threads, onProgress, fileSystem } = options;
  const { ids, distances } = await exactNeighbors({
    base: train,
    queries,
    k: wanted,
    metric,
    ...(threads !== undefined && { threads }),
    ...(onProgress && { onProgress }),
  });
  const bytes = neighborsBytes({ ids, distances, queries: queries.rows, k: wanted });
  await orWarning(options, writeKept(path, bytes, fileSystem && { fileSystem }));
  return { ids, distances, k: wanted };
}

/** What was kept, if it is whole and of this shape. */
async function readKept(
  path: string,
  queries: number,
  rows: number,
  options: GroundTruthOptions,
): Promise<Neighbors | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    await verify(path, (await keptChecksum(path)) ?? 'none kept');
    const kept = await readNeighbors(path);
    if (kept.queries !== queries || kept.ids.some((id) => id >= rows)) {
      throw new DataFileError(path, 'does not fit its set', 'delete it');
    }
    return kept;
  } catch (error) {
    if (!(error instanceof ChecksumError || error instanceof DataFileError)) throw error;
    warn(options, `${error.message} (it is computed again now)`);
    await rm(path, { force: true }).catch(() => {});
    return undefined;
  }
}

/** The first `k` neighbours of each query. */
function narrowed({ ids, distances, queries, k: width }: Neighbors, k: number): GroundTruth {
  if (k === width) return { ids, distances, k };
  const narrow = { ids: new Uint32Array(queries * k), distances: new Float32Array(queries * k), k };
  for (let query = 0; query < queries; query++) {
    const from = query * width;
    narrow.ids.set(ids.subarray(from, from + k), query * k);
    narrow.distances.set(distances.subarray(from, from + k), query * k);
  }
  return narrow;
}

/** At most so many queries, and their truth. */
export function firstQueries(
  { data, rows, dimension }: Matrix,
  truth: Truth,
  most: number,
): { queries: Matrix; truth: Truth } {
  const few = Math.min(most, rows);
  const width = truth.ids.length / rows;
  return {
    queries: { data: data.subarray(0, few * dimension), rows: few, dimension },
    truth: { ids: truth.ids.subarray(0, few * width), distances: truth.distances.subarray(0, few * width) },
  };
}
