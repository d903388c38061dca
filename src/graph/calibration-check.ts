/** A calibration that was written into a file's header, and may have been forged there: whether it could have been measured. */
import { BrokenIndexError } from '../core/errors.ts';
import type { Calibration, RecallCurve } from './calibration.ts';
import { MOST_KS } from './calibration-sample.ts';
import { type FilterTrial, MOST_TRIALS } from './filter-trial.ts';
import { MOST_RUNGS, type RecallRung } from './recall-ladder.ts';
import type { Metric } from './vector-index.ts';

/**
 * What a header says was measured, with nothing else that may be written there; `mostCount`: vectors that may have been held then.
 * Throws BrokenIndexError.
 */
export function checkCalibration(
  value: unknown,
  { mostCount, form, metric, words }: { mostCount: number; form: string; metric: Metric; words: number },
): Calibration {
  const broken = (what: string) => new BrokenIndexError(`its calibration says ${what}`);
  const object = (what: string, got: unknown): Record<string, unknown> => {
    if (typeof got !== 'object' || got === null || Array.isArray(got))
      throw broken(`${what} = ${JSON.stringify(got)}, which describes nothing`);
    return got as Record<string, unknown>;
  };
  const list = (what: string, got: unknown, least: number, most: number): unknown[] => {
    if (Array.isArray(got) && got.length >= least && got.length <= most) return got;
    throw broken(`${what} that are no list of ${least} to ${most}`);
  };
  const number = (what: string, got: unknown, least: number, most: number): number => {
    if (typeof got === 'number' && got >= least && got <= most) return got;
    throw broken(`${what} = ${JSON.stringify(got)}, which is no number from ${least} to ${most}`);
  };
  const integer = (what: string, got: unknown, least: number, most: number): number => {
    if (Number.isInteger(number(what, got, least, most))) return got as number;
    throw broken(`${what} = ${JSON.stringify(got)}, which is no integer`);
  };
  // Files of before anybody waited do not mention it.
  const deferOf = (got: unknown) => got !== undefined && got !== false && number('defer', got, 0, 10);
  const rungOf = (got: unknown, k: number, least: number): RecallRung => {
    const rung = object('rungs', got);
    if ((rung.gamma === undefined) !== (metric === 'dot'))
      throw broken(`gamma = ${JSON.stringify(rung.gamma)} under ${metric}`);
    const work = object('work', rung.work);
    const recall = number('recall', rung.recall, 0, 1);
    const lowerBound = number('lowerBound', rung.lowerBound, 0, recall);
    if (lowerBound <= least) throw broken(`rungs that do not rise: lowerBound = ${lowerBound} after ${least}`);
    return {
      ...(metric !== 'dot' && { gamma: number('gamma', rung.gamma, 0, 10) }),
      efSearch: integer('efSearch', rung.efSearch, k, MOST),
      rerank: integer('rerank', rung.rerank, k, MOST),
      recall,
      lowerBound,
      work: {
        distances: number('distances', work.distances, 0, MOST),
        hops: number('hops', work.hops, 0, MOST),
        estimates: number('estimates', work.estimates, 0, MOST),
      },
    };
  };
  const said = object('calibration', value);
  const calibrated = integer('count', said.count, 1, mostCount);
  if (typeof said.form !== 'string') throw broken(`form = ${JSON.stringify(said.form)}`);
  // Codes become bytes again only where an index has been emptied, which leaves no calibration; floats stay floats.
  if (said.form !== form && (said.form !== 'u8' || form !== 'sq7'))
    throw broken(`form = ${JSON.stringify(said.form)} of vectors held as ${form}`);
  if (typeof said.drawn !== 'boolean') throw broken(`drawn = ${JSON.stringify(said.drawn)}`);
  let lastK = 0;
  const curves = list('curves', said.curves, 1, MOST_KS).map((got): RecallCurve => {
    const curve = object('curves', got);
    const k = integer('k', curve.k, lastK + 1, calibrated);
    lastK = k;
    let least = -1;
    const rungs = list('rungs', curve.rungs, 1, MOST_RUNGS).map((got) => {
      const rung = rungOf(got, k, least);
      least = rung.lowerBound;
      return rung;
    });
    return { k, rungs };
  });
  const filters = list('filters', said.filters, 0, MOST_TRIALS).map((got): FilterTrial => {
    const trial = object('filters', got);
    return {
      words: integer('words', trial.words, 0, words),
      defer: deferOf(trial.defer),
      lines: trial.lines === null ? null : number('lines', trial.lines, 0, Number.MAX_VALUE),
      recall: number('recall', trial.recall, 0, 1),
    };
  });
  return {
    count: calibrated,
    form: said.form as Calibration['form'],
    queries: integer('queries', said.queries, 1, MOST),
    drawn: said.drawn,
    confidence: number('confidence', said.confidence, 0.5, 0.9999),
    filterWords: integer('filterWords', said.filterWords, 0, words),
    defer: deferOf(said.defer),
    filters,
    curves,
  };
}

const MOST = 2 ** 31 - 1;
