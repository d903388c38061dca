/**
 * What a wanted recall takes, measured rather than guessed. A sample of queries (`calibration-sample.ts`) is searched for at one
 * setting after another (`recall-ladder.ts`), with the filter that spares most (`filter-trial.ts`); what each setting finds of the
 * exact neighbours, and what work it costs, is kept with the index, and a search that names a `recallTarget` is given the
 * cheapest setting that is known to reach it (`recall-target.ts`).
 */
import { ParameterError } from '../core/errors.ts';
import type { FORM_CODES } from '../kernels/vectors.ts';
import { drawSample, findTruth, type SampleOptions } from './calibration-sample.ts';
import { chooseFilter, type Filter, type FilterTrial, linesOf, trialsOf, tryFilters } from './filter-trial.ts';
import { FILTER_FROM, type GraphThread } from './graph-thread.ts';
import { type Bench, climbLadder, MOST_RUNGS, type RecallRung, rising } from './recall-ladder.ts';
import type { Metric } from './vector-index.ts';

export interface CalibrateOptions extends SampleOptions {
  /** With which the recall is at least the lower bound, 0.5 … 0.9999. Default 0.95. */
  confidence?: number;
  /** Searches done, of as many as there may be. */
  onProgress?: (done: number, total: number) => void;
}

/** What was measured; goes through JSON unchanged. */
export interface Calibration extends Filter {
  /** Vectors held then, and how. */
  count: number;
  form: keyof typeof FORM_CODES;
  /** Queries searched for: `drawn` from the index itself, or given by the caller. */
  queries: number;
  drawn: boolean;
  confidence: number;
  /** What the filter was chosen from; none where there is no filter, or too few vectors for one. */
  filters: FilterTrial[];
  /** By rising k. */
  curves: RecallCurve[];
}

export interface RecallCurve {
  k: number;
  /** By rising lower bound, each the cheapest setting that reaches it. */
  rungs: RecallRung[];
}

/**
 * Measures. Nobody adds meanwhile; between blocks of searches others may search. Throws ParameterError, DimensionError,
 * VectorValueError or CorruptionError.
 */
export async function calibrate(
  thread: GraphThread,
  {
    entryPoint,
    links,
    options,
  }: { entryPoint: number; links: number; options: { dimension: number; metric: Metric; filter: string } },
  settings: CalibrateOptions,
): Promise<Calibration> {
  const { confidence = 0.95, onProgress } = settings;
  if (!(confidence >= 0.5 && confidence <= 0.9999))
    throw new ParameterError({ parameter: 'confidence', got: confidence, want: 'a number from 0.5 to 0.9999' });
  const sample = drawSample(thread, entryPoint, options.dimension, settings);
  const { ks } = sample;
  const words = options.filter === 'sign' && thread.count >= FILTER_FROM ? thread.layout.words : 0;
  const rows = sample.queries.rows;
  const total = rows * (1 + (trialsOf(words) + ks.length) * MOST_RUNGS);
  let ladders = 0;
  const bench: Bench = { thread, sample, metric: options.metric, confidence, searched: () => {} };

  await findTruth(thread, sample, (done) => onProgress?.(done, total));
  const climb = async (k: number, filter: Filter, enough: number) => {
    const before = rows * (1 + ladders * MOST_RUNGS);
    bench.searched = (done) => onProgress?.(before + done, total);
    const rungs = await climbLadder(bench, k, filter, enough);
    ladders++;
    return rungs;
  };
  const typicalK = ks.reduce((best, k) => (Math.abs(k - TYPICAL_K) < Math.abs(best - TYPICAL_K) ? k : best));
  const lines = linesOf(thread, options.dimension, links);
  const filters = await tryFilters(words, (filter, enough) => climb(typicalK, filter, enough), lines);
  const filter = chooseFilter(filters);
  const curves: RecallCurve[] = [];
  for (const k of ks) curves.push({ k, rungs: rising(await climb(k, filter, ENOUGH)) });
  onProgress?.(total, total);
  const { drawn } = sample;
  return { count: thread.count, form: thread.form, queries: rows, drawn, confidence, ...filter, filters, curves };
}

/** A calibration is kept until there are this many times fewer vectors. */
export const MOST_FEWER = 2;

/** Whether what was measured still holds: until there are more than twice as many vectors, or they are held in another form. */
export function isCurrent(calibration: Calibration, thread: Pick<GraphThread, 'count' | 'form'>): boolean {
  return thread.count <= 2 * calibration.count && thread.form === calibration.form;
}

/** Nobody needs more. */
const ENOUGH = 0.9995;
/** The filter is chosen by what this many neighbours, or about as many, take. */
const TYPICAL_K = 10;
