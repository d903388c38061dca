/** What every index asks of its caller: options, vectors and ids that make sense. Each check throws what mends it. */
import { assert } from '../core/assert.ts';
import { CapacityError, DimensionError, ParameterError } from '../core/errors.ts';
import type { Ids } from '../core/ids.ts';
import { METRICS, type Metric, type SearchOptions } from './vector-index.ts';

export const MAX_DIMENSION = 4096;

export function checkShape({
  dimension,
  metric,
  capacity,
}: {
  dimension: number;
  metric: Metric;
  capacity: number;
}): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    throw new DimensionError({ expected: `an integer from 1 to ${MAX_DIMENSION}`, got: dimension, where: 'index' });
  }
  if (!METRICS.includes(metric)) {
    throw new ParameterError({ parameter: 'metric', got: metric, want: `one of ${METRICS.join(', ')}` });
  }
  checkInteger('capacity', capacity, 1, 2 ** 31 - 1);
}

/** Throws ParameterError where a caller, in JavaScript, gives no options, or something else in their place. */
export function checkGiven(options: unknown, example: string): void {
  if (typeof options !== 'object' || options === null)
    throw new ParameterError({ parameter: 'options', got: options, want: `an object, such as ${example}` });
}

export function checkInteger(parameter: string, got: number, least: number, most: number): void {
  if (!Number.isInteger(got) || got < least || got > most) {
    throw new ParameterError({ parameter, got, want: `an integer from ${least} to ${most}` });
  }
}

/**
 * The rows of a batch as views, and their ids. Throws where the batch is not whole rows, does not fit, or an id is no u32 or
 * taken. `deleted` of those that count are to be made room of. Without `ids`, they go on from the number of vectors held (past ids that were given by hand).
 */
export function checkBatch(
  { dimension, capacity, count, deleted }: { dimension: number; capacity: number; count: number; deleted?: number },
  vectors: Float32Array,
  ids: ArrayLike<number> | undefined,
  known: Ids,
): { rows: Float32Array[]; ids: ArrayLike<number> } {
  if (!(vectors instanceof Float32Array)) {
    throw new ParameterError({
      parameter: 'vectors',
      got: nameOf(vectors),
      want: 'a Float32Array of rows, one behind the other',
    });
  }
  const n = vectors.length / dimension;
  if (!Number.isInteger(n)) {
    throw new ParameterError({
      parameter: 'vectors.length',
      got: vectors.length,
      want: `a multiple of the dimension ${dimension}: rows lie one behind the other`,
    });
  }
  if (count + n > capacity) throw new CapacityError({ capacity, want: count + n, ...(deleted && { deleted }) });
  if (ids && ids.length !== n) {
    throw new ParameterError({ parameter: 'ids.length', got: ids.length, want: `one id per row, ${n}` });
  }
  if (ids) known.check(ids);
  const rows = Array.from({ length: n }, (_, i) => vectors.subarray(i * dimension, (i + 1) * dimension));
  return { rows, ids: ids ?? known.nextOf(n) };
}

export function checkVector(vector: Float32Array, dimension: number, where: string): void {
  if (!(vector instanceof Float32Array)) {
    throw new ParameterError({ parameter: where, got: nameOf(vector), want: 'a Float32Array' });
  }
  if (vector.length !== dimension) throw new DimensionError({ expected: dimension, got: vector.length, where });
}

/** What somebody gave in place of something else: its class, if it has one. */
export function nameOf(thing: unknown): string {
  return typeof thing === 'object' && thing !== null ? (thing.constructor?.name ?? 'object') : String(thing);
}

/** What a search is to do, with all that the caller left out. */
export interface SearchPlan {
  k: number;
  efSearch: number;
  gamma: number | undefined;
  rerank: number;
  /** Whether bounds choose who is compared again, instead of `rerank`; undefined: as the codes have it. */
  bounded: boolean | undefined;
  refine: number;
  filterWords: number | undefined;
  defer: number | false;
}

/**
 * With a gamma, where nobody says: on twelve sets, embedding-like and clustered ones, of 256 to 1024 dimensions, it found as much as
 * where nobody waits, or more, but for what 300 queries cannot tell (0.002); at 0.3 and 0.6 it found up to 0.019 and 0.006 less.
 * A beam without gamma found up to 0.009 less, and so nobody waits there.
 */
export const DEFER = 0.8;

/** Throws ParameterError. A `recallTarget` has been looked up before (`GraphIndex.resolve`). */
export function checkSearch(options: SearchOptions): SearchPlan {
  assert(options.recallTarget === undefined, 'a recallTarget that nobody has looked up');
  const {
    k,
    gamma,
    filterWords,
    defer = gamma === undefined ? false : DEFER,
    efSearch = gamma === undefined ? Math.max(k, 64) : Math.max(8 * k, 512),
  } = options;
  checkInteger('k', k, 1, 2 ** 31 - 1);
  if (!Number.isInteger(efSearch) || efSearch < k) {
    throw new ParameterError({ parameter: 'efSearch', got: efSearch, want: `an integer of at least k = ${k}` });
  }
  if (gamma !== undefined && !(typeof gamma === 'number' && gamma >= 0 && gamma <= 10)) {
    throw new ParameterError({ parameter: 'gamma', got: gamma, want: 'a number from 0 to 10' });
  }
  const bounded = options.rerank === undefined ? undefined : options.rerank === 'bound';
  const few = k + Math.ceil(k / 8) + Math.ceil((gamma === undefined ? efSearch : 64) / 16);
  const rerank = options.rerank === undefined || options.rerank === 'bound' ? few : options.rerank;
  if (!Number.isInteger(rerank) || rerank < 0 || (rerank > 0 && rerank < k)) {
    throw new ParameterError({
      parameter: 'rerank',
      got: rerank,
      want: `0, 'bound', or an integer of at least k = ${k}`,
    });
  }
  if (bounded && options.refine !== undefined) {
    const want = "none with rerank: 'bound', which asks no finer codes";
    throw new ParameterError({ parameter: 'refine', got: options.refine, want });
  }
  const { refine = 4 * rerank } = options;
  if (!Number.isInteger(refine) || refine < rerank) {
    throw new ParameterError({ parameter: 'refine', got: refine, want: `an integer of at least rerank = ${rerank}` });
  }
  if (filterWords !== undefined) checkInteger('filterWords', filterWords, 0, MAX_DIMENSION / 64);
  if (defer !== false && !(typeof defer === 'number' && defer >= 0 && defer <= 10)) {
    throw new ParameterError({ parameter: 'defer', got: defer, want: 'a number from 0 to 10, or false' });
  }
  return { k, efSearch, gamma, rerank, bounded, refine, filterWords, defer };
}

/** By how much a distance may exceed another for the one to be 1 + gamma times as long; 0: gamma is not given. */
export function stretchOf(gamma: number | undefined, metric: Metric): number {
  if (gamma === undefined) return 0;
  if (metric === 'dot')
    throw new ParameterError({ parameter: 'gamma', got: gamma, want: 'none under dot: inner products are no lengths' });
  // Squared L2 and 1 − cos, which is half a squared length, grow as squares do.
  return metric === 'manhattan' ? 1 + gamma : (1 + gamma) ** 2;
}
