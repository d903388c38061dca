/** What an HNSW index is made with: every option, its default and its bounds. */
import { availableParallelism } from 'node:os';
import { DimensionError, ParameterError } from '../core/errors.ts';
import { capacityThatFits } from '../kernels/memory.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { checkCodeShape, codeLayout } from '../quantize/walk-codes.ts';
import { checkInteger, checkShape } from './checks.ts';
import { type Codes, layoutOf, type Shape, vectorBytesOf } from './hnsw-layout.ts';
import type { Metric } from './vector-index.ts';

export interface HnswOptions {
  /** 1 … 4096. */
  dimension: number;
  /** Default l2. */
  metric?: Metric;
  /** The most vectors it will hold. Costs address space only. Default 1,000,000, or as many as fit. */
  capacity?: number;
  /**
   * Neighbours given to a new node on each level, 2 … 256; level 0 keeps up to M0 = 2M, and M more before it prunes. Default
   * 16.
   */
  M?: number;
  /** Beam of an insert, ≥ M; its walk ends before all of it has been read where nobody comes into it any more. Default 100. */
  efConstruction?: number;
  /** Decides levels and the filter's rotation. Same seed, same data, same build of the kernels: same graph. Default 1. */
  seed?: number;
  /**
   * What is walked on: `f32`; or 7-bit codes (`sq7`) or those of a trained quantizer (`src/quantize`), with exact re-ranking on the
   * f32 originals, which are then kept outside the arena.
   * Under `sq7`, vectors whose components are all integers 0 … 255 are held as bytes, which are exact; the first that is none
   * makes codes of all that are held, at once, which takes a microsecond or so for each.
   */
  codes?: 'f32' | 'sq7' | Quantizer;
  /**
   * With a quantizer: whether each vector has a 7-bit code besides, by which the best that a walk found are ranked before the
   * exact vectors of the best of those are fetched (see `SearchOptions.refine`). Default none.
   */
  finer?: 'sq7' | 'none';
  /**
   * Whether sign bits dismiss neighbours before their vectors are touched. Default: where a stored vector takes more than 512
   * bytes (f32 from 129 dimensions, sq7 from 497), but never under manhattan.
   */
  filter?: 'sign' | 'none';
  /**
   * Pruning keeps an edge unless α times as short a way exists; 1 is the paper, more keeps more long edges. Default 1.1; dot:
   * 1.
   */
  alpha?: number;
  /** Algorithm 4: look among the candidates' neighbours too. Default false. */
  extendCandidates?: boolean;
  /** Algorithm 4: fill up with pruned candidates. Default false. */
  keepPruned?: boolean;
  /**
   * Standard deviations of the filter's estimate by which a search forgives it, 0 … 10; more costs time, misses less. Default
   * 0.
   */
  margin?: number;
  /** The same while building. Default 0.3. */
  buildMargin?: number;
  /**
   * How many threads may ever work on it at once, the caller's own included, 1 … 256: room for each one's scratch is reserved.
   * Costs address space only. Default: one more than there are cores.
   */
  threads?: number;
}

/** All options, of a quantizer only what decides how codes lie in memory; can be posted, and written as JSON. */
export type AllHnswOptions = Omit<Required<HnswOptions>, 'codes'> & { codes: Codes };

/** What an index is made with where the caller does not say. */
export const HNSW_DEFAULTS = { capacity: 1_000_000, M: 16, efConstruction: 100, seed: 1, codes: 'sq7' } as const;

/** The options with all that the caller left out. Throws DimensionError or ParameterError. */
export function completeOptions(options: Omit<HnswOptions, 'codes'> & { codes?: Codes | Quantizer }): AllHnswOptions {
  const { dimension, metric = 'l2' } = options;
  checkShape({ dimension, metric, capacity: options.capacity ?? 1 });
  const codes = codesOf(options.codes === undefined ? HNSW_DEFAULTS.codes : options.codes, { dimension, metric });
  const complete: AllHnswOptions = {
    ...HNSW_DEFAULTS,
    finer: 'none',
    filter:
      metric !== 'manhattan' && vectorBytesOf({ dimension, metric, codes }) > FILTER_ABOVE_BYTES ? 'sign' : 'none',
    alpha: metric === 'dot' ? 1 : 1.1,
    extendCandidates: false,
    keepPruned: false,
    margin: 0,
    buildMargin: 0.3,
    threads: Math.min(availableParallelism() + 1, MOST_THREADS),
    ...options,
    metric,
    codes,
  };
  checkOptions(complete);
  if (options.capacity === undefined) {
    complete.capacity = Math.min(complete.capacity, capacityThatFits(layoutOf(shapeOf(complete)).plan));
  }
  return complete;
}

/**
 * Smaller vectors cost hardly more than their signs do: on 50,000 embedding-like ones the filter made searches 0.8 to 0.9 times
 * as fast on 272 bytes (sq7, 256-D), 1.2 to 1.4 times on 528 (sq7, 512-D), and 1.3 times on 1,024 (f32, 256-D).
 */
const FILTER_ABOVE_BYTES = 512;
const MOST_THREADS = 256;

/**
 * The names of codes as they are, a quantizer's shape for itself. Throws where it was trained for other vectors, or is neither a
 * quantizer nor the shape of one.
 */
function codesOf(codes: Codes | Quantizer, { dimension, metric }: { dimension: number; metric: Metric }): Codes {
  if (codes === 'f32' || codes === 'sq7') return codes;
  if (typeof codes !== 'object' || codes === null)
    throw new ParameterError({ parameter: 'codes', got: codes, want: 'f32, sq7 or a trained quantizer' });
  if (!isQuantizer(codes)) return checkCodeShape(codes, { dimension, metric });
  if (codes.dimension !== dimension)
    throw new DimensionError({ expected: dimension, got: codes.dimension, where: 'the quantizer given as codes' });
  if (codes.metric !== metric) {
    const want = `a quantizer trained for ${metric}, as the index is: train one with metric: '${metric}'`;
    throw new ParameterError({ parameter: 'codes', got: `a quantizer for ${codes.metric}`, want });
  }
  return checkCodeShape(codes.codeShape, { dimension, metric });
}

function isQuantizer(codes: Codes | Quantizer): codes is Quantizer {
  return typeof codes === 'object' && codes !== null && 'codeShape' in codes;
}

/** What the kernels read of the quantizer that is given as codes, if one is. Throws ParameterError where it is none. */
export function modelOf(codes: Codes | Quantizer | undefined, complete: AllHnswOptions): Uint8Array | undefined {
  if (typeof complete.codes !== 'object') return undefined;
  const model =
    codes !== undefined && isQuantizer(codes) && typeof codes.model === 'function' ? codes.model() : undefined;
  const { modelBytes } = codeLayout(complete.codes, complete);
  if (model instanceof Uint8Array && model.length === modelBytes) return model;
  const want = 'f32, sq7, or a quantizer as train or restore of its class returned it';
  throw new ParameterError({ parameter: 'codes', got: 'something else', want });
}

export function shapeOf(options: AllHnswOptions): Shape {
  return { ...options, signed: options.filter === 'sign' };
}

/** Throws DimensionError or ParameterError. */
export function checkOptions(options: AllHnswOptions): void {
  const { metric, codes, finer, filter, M, efConstruction, alpha, seed, margin, buildMargin, threads } = options;
  checkShape(options);
  checkInteger('M', M, 2, 256);
  checkInteger('efConstruction', efConstruction, M, 65_536);
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  checkInteger('threads', threads, 1, MOST_THREADS);
  const want = (parameter: string, got: unknown, ok: boolean, want: string) => {
    if (!ok) throw new ParameterError({ parameter, got, want });
  };
  want('finer', finer, finer === 'sq7' || finer === 'none', 'sq7 or none');
  want(
    'finer',
    finer,
    finer === 'none' || typeof codes === 'object',
    'none, unless codes is a quantizer: f32 and sq7 have no finer ones',
  );
  want('filter', filter, filter === 'sign' || filter === 'none', 'sign or none');
  want(
    'filter',
    filter,
    filter === 'none' || metric !== 'manhattan',
    'signs estimate inner products: manhattan has none',
  );
  want('alpha', alpha, alpha >= 1 && alpha <= 2, 'a number from 1 to 2');
  want('alpha', alpha, alpha === 1 || metric !== 'dot', 'negated inner products cannot be stretched: 1 under dot');
  for (const [name, value] of Object.entries({ margin, buildMargin })) {
    want(name, value, value >= 0 && value <= 10, 'standard deviations from 0 to 10');
  }
}
