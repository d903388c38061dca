/** Builds annlab's own indexes as searchers for a sweep: timed, with progress, and open to Ctrl-C while it takes. */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Matrix } from '../core/matrix.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { Flat } from '../graph/flat.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { Vamana } from '../graph/vamana.ts';
import type { VamanaOptions } from '../graph/vamana-options.ts';
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
  /** Which graph it is. Default `hnsw`. */
  kind?: 'hnsw';
  /** What its curve is called, before the codes. Default `hnsw`. */
  index?: string;
  codes: 'f32' | 'sq7' | Quantizer;
}

/** A Vamana to build. */
export interface VamanaVariant extends Omit<VamanaOptions, 'dimension' | 'metric' | 'capacity' | 'threads'> {
  kind: 'vamana';
  /** What its curve is called, before the codes. Default `vamana`. */
  index?: string;
  codes: 'f32' | 'sq7' | Quantizer;
}

export type GraphVariant = HnswVariant | VamanaVariant;

export interface GraphSearcher<Graph extends AnyIndex = AnyIndex> extends Searcher {
  knob: Knob;
  /** The index itself. */
  graph: Graph;
  stats: ReturnType<Graph['stats']>;
}

/**
 * What the variant says, over `base`; ids are row numbers. Its knob is gamma where the metric allows. `threads`: how many write at
 * once, 1 … 255, by default 1.
 */
export function buildGraph(options: GraphVariant & BuildOptions & { threads?: number }): Promise<GraphSearcher> {
  return options.kind === 'vamana' ? buildVamana(options) : buildHnsw(options);
}

/** `buildGraph` of an HNSW. One writer alone builds the same graph every time. */
export async function buildHnsw({
  kind: _,
  index = 'hnsw',
  ...options
}: HnswVariant & BuildOptions & { threads?: number }): Promise<GraphSearcher<Hnsw>> {
  const { base, metric, threads = 1, onProgress, ...parameters } = options;
  const graph = Hnsw.create(shapeOf(base, metric, threads, parameters));
  const buildSeconds =
    threads > 1 ? await addOnThreads(graph, base, threads, onProgress) : await addInPieces(graph, base, onProgress);
  return searcherOf(graph, index, buildSeconds);
}

/** `buildGraph` of a Vamana, which is the same by any number of threads. */
export async function buildVamana({
  kind: _,
  index = 'vamana',
  ...options
}: Omit<VamanaVariant, 'kind'> & BuildOptions & { kind?: 'vamana'; threads?: number }): Promise<GraphSearcher<Vamana>> {
  const { base, metric, threads = 1, onProgress, ...parameters } = options;
  const graph = Vamana.create(shapeOf(base, metric, threads, parameters));
  const buildSeconds =
    threads > 1 ? await linkOnThreads(graph, base, threads, onProgress) : await linkInSteps(graph, base, onProgress);
  return searcherOf(graph, index, buildSeconds);
}

/** With room for the threads of a pool beside the caller's own. */
function shapeOf<Parameters>({ dimension, rows }: Matrix, metric: Metric, threads: number, parameters: Parameters) {
  return { ...parameters, dimension, metric, capacity: rows, ...(threads > 1 && { threads: threads + 1 }) };
}

function searcherOf<Graph extends AnyIndex>(graph: Graph, index: string, buildSeconds: number): GraphSearcher<Graph> {
  const stats = graph.stats() as ReturnType<Graph['stats']>;
  return {
    ...{ index, codes: stats.codes, buildSeconds, ramBytes: stats.ramBytes.total, graph, stats },
    ...searchedBy(graph, knobFor(graph.metric)),
  };
}

/** What an index is searched by under a metric: inner products are no lengths, and gamma stretches a length. */
export function knobFor(metric: Metric): Knob {
  return metric === 'dot' ? 'efSearch' : 'gamma';
}

/** The part of a searcher that turns a knob of an index. `rerank`: not as the index would have it by default. */
export function searchedBy(
  graph: AnyIndex,
  knob: Knob,
  rerank?: SearchOptions['rerank'],
): Pick<GraphSearcher, 'knob' | 'search'> {
  const options = { ...(rerank !== undefined && { rerank }) };
  return knob === 'gamma'
    ? { knob, search: (query, k, gamma) => graph.search(query, { k, gamma, ...options }) }
    : { knob, search: (query, k, efSearch) => graph.search(query, { k, efSearch, ...options }) };
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

/** A Vamana by the calling thread, which stops now and then for the bar and for Ctrl-C; seconds spent in the index alone. */
async function linkInSteps(index: Vamana, base: Matrix, onProgress?: BuildOptions['onProgress']): Promise<number> {
  let started = performance.now();
  let seconds = 0;
  const pause = async () => {
    seconds += (performance.now() - started) / 1000;
    await nextTurn();
    started = performance.now();
  };
  for (const step of index.building(base.data, { ...(onProgress && { onProgress }) })) {
    const doRow = index.thread.rowsOf(step);
    for (let row = 0; row < step.rows; row++) {
      doRow(row);
      if (row % PIECE_ROWS === PIECE_ROWS - 1) await pause();
    }
    await pause();
  }
  return seconds + (performance.now() - started) / 1000;
}

/** The same by several threads; seconds from when they are ready. */
async function linkOnThreads(
  index: Vamana,
  base: Matrix,
  threads: number,
  onProgress?: BuildOptions['onProgress'],
): Promise<number> {
  const pool = await Pool.start(index, { threads });
  try {
    const started = performance.now();
    await pool.build(base.data, { ...(onProgress && { onProgress }) });
    return (performance.now() - started) / 1000;
  } finally {
    await pool.close();
  }
}
