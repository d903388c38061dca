/** What every graph index is made with, whatever graph it is: each option, its default and its bounds. */
import { availableParallelism } from 'node:os';
import { DimensionError, ParameterError } from '../core/errors.ts';
import { capacityThatFits } from '../kernels/memory.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { checkCodeShape, codeLayout } from '../quantize/walk-codes.ts';
import { checkGiven, checkInteger, checkShape } from './checks.ts';
import { type Codes, layoutOf, type Shape, vectorBytesOf } from './graph-layout.ts';
import type { Metric } from './vector-index.ts';

/** The graphs that there are. */
export type GraphKind = 'hnsw' | 'vamana';

export interface GraphOptions {
  /** 1 … 4096. */
  dimension: number;
  /** Default l2. */
  metric?: Metric;
  /** The most vectors it will hold. Costs address space only. Default 1,000,000, or as many as fit. */
  capacity?: number;
  /** Decides all that is drawn: levels, orders, the filter's rotation. Same seed, same data, same build of the kernels: same graph. Default 1. */
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

/** Options with all that the caller left out, of a quantizer only what decides how codes lie in memory; can be posted, and written as JSON. */
export type Complete<Options extends object> = Omit<Required<Options>, 'codes'> & { codes: Codes };
export type AllGraphOptions = Complete<GraphOptions>;

/** What a caller may give: options, of a quantizer perhaps only its shape. */
export type Given<Options extends object> = Omit<Options, 'codes'> & { codes?: Codes | Quantizer };

export const GRAPH_DEFAULTS = { capacity: 1_000_000, seed: 1, codes: 'sq7' } as const;

/**
 * What the caller gave of the options that `complete` gives all of; one that is undefined counts as left out. Throws ParameterError for
 * a name that is none of theirs, misspelt or of another graph: it would be ignored.
 */
export function givenOf<Options extends GraphOptions>(
  options: Options,
  complete: (options: { dimension: number }) => object,
  title: string,
): Options {
  checkGiven(options, '{ dimension: 768 }');
  const names = Object.keys(complete({ dimension: options.dimension }));
  for (const [name, value] of Object.entries(options)) {
    const known = `no option of ${title}, which has ${names.join(', ')}`;
    want(name, value, names.includes(name), known);
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}

/** What depends on other options, where the caller does not say. Throws DimensionError or ParameterError. */
export function graphDefaults(
  options: Given<GraphOptions>,
): Pick<AllGraphOptions, 'metric' | 'codes' | 'finer' | 'filter' | 'margin' | 'buildMargin' | 'threads'> {
  const { dimension, metric = 'l2' } = options;
  checkShape({ dimension, metric, capacity: options.capacity ?? 1 });
  const codes = codesOf(options.codes === undefined ? GRAPH_DEFAULTS.codes : options.codes, { dimension, metric });
  const large = vectorBytesOf({ dimension, metric, codes }) > FILTER_ABOVE_BYTES;
  return {
    ...{ metric, codes },
    finer: 'none',
    filter: metric !== 'manhattan' && large ? 'sign' : 'none',
    margin: 0,
    buildMargin: 0.3,
    threads: Math.min(availableParallelism() + 1, MOST_THREADS),
  };
}

/** As many vectors of this shape as fit into one memory, but no more than `most`. */
export function fittedCapacity(most: number, shape: Shape): number {
  return Math.min(most, capacityThatFits(layoutOf(shape).plan));
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
export function modelOf(codes: Codes | Quantizer | undefined, complete: AllGraphOptions): Uint8Array | undefined {
  if (typeof complete.codes !== 'object') return undefined;
  const model =
    codes !== undefined && isQuantizer(codes) && typeof codes.model === 'function' ? codes.model() : undefined;
  const { modelBytes } = codeLayout(complete.codes, complete);
  if (model instanceof Uint8Array && model.length === modelBytes) return model;
  const want = 'f32, sq7, or a quantizer as train or restore of its class returned it';
  throw new ParameterError({ parameter: 'codes', got: 'something else', want });
}

/** Throws ParameterError with this advice unless it is as it should be. */
export function want(parameter: string, got: unknown, ok: boolean, advice: string): void {
  if (!ok) throw new ParameterError({ parameter, got, want: advice });
}

/** Throws DimensionError or ParameterError. */
export function checkGraphOptions(options: AllGraphOptions): void {
  const { metric, codes, finer, filter, seed, margin, buildMargin, threads } = options;
  checkShape(options);
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  checkInteger('threads', threads, 1, MOST_THREADS);
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
  for (const [name, value] of Object.entries({ margin, buildMargin })) {
    want(name, value, value >= 0 && value <= 10, 'standard deviations from 0 to 10');
  }
}
