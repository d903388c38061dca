/** Builds annlab's own indexes as searchers for a sweep: timed, with progress, and open to Ctrl-C while it takes. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Matrix } from '../core/matrix.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { Flat } from '../graph/flat.ts';
import { Hnsw, type HnswStats } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import type { Metric, SearchOptions, VectorIndex } from '../graph/vector-index.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { Pool } from '../workers/pool.ts';
import type { Knob, Searcher } from './sweep.ts';

export interface BuildOptions {
  base: Matrix;
  metric: Metric;
  onProgress?: (done: number, total: number) => void;
}

/** An HNSW to build. */
export interface HnswVariant extends Omit<HnswOptions, 'dimension' | 'metric' | 'capacity' | 'threads'> {
  /** What its curve is called, before the codes. Default `hnsw`. */
  index?: string;
  codes: 'f32' | 'sq7' | Quantizer;
}

export interface HnswSearcher extends Searcher {
  knob: Knob;
  /** The index itself. */
  hnsw: Hnsw;
  stats: HnswStats;
}

/**
 * An HNSW over `base`; ids are row numbers. Its knob is gamma where the metric allows. `threads`: how many write at once, 1 … 255. Default 1, which alone builds the same
 * graph every time.
 */
export async function buildHnsw(options: HnswVariant & BuildOptions & { threads?: number }): Promise<HnswSearcher> {
  const { index: name = 'hnsw', base, metric, threads = 1, onProgress, ...parameters } = options;
  const hnsw = Hnsw.create({
    ...{ ...parameters, dimension: base.dimension, metric, capacity: base.rows },
    ...(threads > 1 && { threads: threads + 1 }),
  });
  const buildSeconds =
    threads > 1 ? await addOnThreads(hnsw, base, threads, onProgress) : await addInPieces(hnsw, base, onProgress);
  const stats = hnsw.stats();
  return {
    ...{ index: name, codes: stats.codes, buildSeconds, ramBytes: stats.ramBytes.total, hnsw, stats },
    ...searchedBy(hnsw, knobFor(metric)),
  };
}

/** What an index is searched by under a metric: inner products are no lengths, and gamma stretches a length. */
export function knobFor(metric: Metric): Knob {
  return metric === 'dot' ? 'efSearch' : 'gamma';
}

/** The part of a searcher that turns a knob of an index. `rerank`: not as the index would have it by default. */
export function searchedBy(
  hnsw: AnyIndex,
  knob: Knob,
  rerank?: SearchOptions['rerank'],
): Pick<HnswSearcher, 'knob' | 'search'> {
  const options = { ...(rerank !== undefined && { rerank }) };
  return knob === 'gamma'
    ? { knob, search: (query, k, gamma) => hnsw.search(query, { k, gamma, ...options }) }
    : { knob, search: (query, k, efSearch) => hnsw.search(query, { k, efSearch, ...options }) };
}

/** Exact search over `base`: the line beside the curves. */
export async function buildFlat({ base, metric, onProgress }: BuildOptions): Promise<Searcher> {
  const index = Flat.create({ dimension: base.dimension, metric, capacity: base.rows });
  const buildSeconds = await addInPieces(index, base, onProgress);
  return {
    index: 'flat',
    codes: 'f32',
    buildSeconds,
    ramBytes: base.data.byteLength,
    search: (query, k) => index.search(query, { k }),
  };
}

/** An insert is one call that cannot be interrupted, a whole set is many: between pieces the bar draws and Ctrl-C arrives. */
const PIECE_ROWS = 500;

/** Seconds spent in the index alone. */
async function addInPieces(index: VectorIndex, base: Matrix, onProgress?: BuildOptions['onProgress']): Promise<number> {
  const { data, rows, dimension } = base;
  let seconds = 0;
  for (let from = 0; from < rows; from += PIECE_ROWS) {
    const to = Math.min(from + PIECE_ROWS, rows);
    const started = performance.now();
    index.addBatch(data.subarray(from * dimension, to * dimension));
    seconds += (performance.now() - started) / 1000;
    onProgress?.(to, rows);
    await nextTurn();
  }
  return seconds;
}

/** What is given to a pool at once: it copies that for all its threads to read, and a large set twice would be too much. */
const POOL_PIECE_BYTES = 64 * 2 ** 20;

/** The same by several writers; seconds from when their threads are ready. */
async function addOnThreads(
  index: Hnsw,
  base: Matrix,
  threads: number,
  onProgress?: BuildOptions['onProgress'],
): Promise<number> {
  const { data, rows, dimension } = base;
  const pieceRows = Math.max(Math.floor(POOL_PIECE_BYTES / (dimension * 4)), 1);
  const pool = await Pool.start(index, { threads });
  try {
    const started = performance.now();
    for (let from = 0; from < rows; from += pieceRows) {
      const to = Math.min(from + pieceRows, rows);
      await pool.addBatch(data.subarray(from * dimension, to * dimension), {
        onProgress: (done) => onProgress?.(from + done, rows),
      });
    }
    return (performance.now() - started) / 1000;
  } finally {
    await pool.close();
  }
}
