/** The one small interface behind which every index stands, exact or approximate. */

import type { Metric } from '../core/metric.ts';

export { METRICS, type Metric } from '../core/metric.ts';

export interface SearchOptions {
  /** How many neighbours are wanted, ≥ 1. Where the index holds fewer, all of them come back. */
  k: number;
  /** Width of the beam, ≥ k. Exact indexes do not use it. Default: max(k, 64); with `gamma` max(8 k, 512). */
  efSearch?: number;
  /**
   * Ends the search as soon as the nearest candidate that has not been read is more than 1 + gamma times as far away as the k-th
   * best found (Al-Jazzazi et al. 2025), 0 … 10: easy queries end soon, hard ones take their time, and efSearch is only the most
   * that any may take. Not under dot, whose distances are no lengths. Default: none.
   */
  gamma?: number;
  /**
   * The share of the true neighbours that is to be found, on average, above 0 and at most 1, instead of efSearch, gamma, rerank,
   * filterWords and defer: what that takes is looked up in what `calibrate` measured. Exact indexes do not use it.
   */
  recallTarget?: number;
  /**
   * How many of the best candidates are compared again on exact f32 vectors, ≥ k; 0: none. Only indexes that walk on codes use
   * it. Default: k, an eighth of k and a sixteenth of efSearch (with `gamma`, of 64), each rounded up.
   *
   * `'bound'`, where the codes are those of a quantizer: all that the walk kept but those whose estimate, less what it may be off
   * by, is beyond the k-th least estimate with what that may be off by. Where bounds are certain (scalar, product) none of the k
   * nearest of what the walk kept is lost; RaBitQ's hold at `epsilon0` standard deviations. How many are compared depends on
   * how narrow the bounds are; finer codes are not asked.
   */
  rerank?: number | 'bound';
  /**
   * Where the index has finer codes, how many of the best candidates are ranked by those before `rerank` of them are by the exact
   * vectors, ≥ rerank. Default 4 · rerank.
   */
  refine?: number;
  /**
   * How many words of 64 sign bits say beforehand which neighbours cannot be near; 0: the filter is off; more than there are: all.
   * Only indexes with `filter: 'sign'` use it. Default: all, or what `calibrate` found to be the least work.
   */
  filterWords?: number;
  /**
   * Whether a neighbour that its sign bits do not dismiss waits until it is the nearest by them of all that are left, instead of
   * being compared at once: most are never compared. A number: it is forgiven so many standard deviations of the estimate, beyond
   * the index's `margin`, 0 … 10; more compares more of them and misses fewer. `false`: nobody waits. Only where there is a filter.
   * Default: with `gamma` 0.8, unless `calibrate` found that none should wait; with a `recallTarget` what `calibrate` found to be the
   * least work; otherwise false.
   */
  defer?: number | false;
}

/** What a search cost, counted rather than timed. */
export interface Work {
  /** Distances evaluated on whole vectors or codes: of the walk, of the ranking by finer codes, and of exact re-ranking. */
  distances: number;
  /** Nodes whose neighbour lists were read. */
  hops: number;
  /** Nodes judged by their sign bits, most of which were spared a distance; 0 without the filter. */
  estimates: number;
}

export interface SearchResult {
  /** The caller's ids, nearest first; min(k, count) of them. Ties are in no particular order. */
  ids: Uint32Array;
  /** Distances in the metric's unit, ascending, one per id. */
  distances: Float32Array;
  work: Work;
}

export interface AddBatchOptions {
  /** One id per row; without it, ids go on from the number of vectors held. */
  ids?: ArrayLike<number>;
  /**
   * Called now and then with the rows done so far. It may search; where it adds, it gets a BusyError. What it throws is thrown when
   * all rows are in. `vectors` must stay what they are until then.
   */
  onProgress?: (done: number, total: number) => void;
}

export interface VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  /** How many vectors are held. */
  readonly count: number;
  /** Adds one vector and returns its id. */
  add(vector: Float32Array, id?: number): number;
  /** Adds `vectors.length / dimension` rows, all or, where one of them is refused, none. */
  addBatch(vectors: Float32Array, options?: AddBatchOptions): void;
  search(query: Float32Array, options: SearchOptions): SearchResult;
}
