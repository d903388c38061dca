/**
 * How many sign bits a search should look at, and whether those wait whom the bits let pass: tried out, and judged by the cache
 * lines that a search touches to reach a recall of 0.95.
 */
import { rowBytesOf } from '../kernels/vectors.ts';
import { DEFER } from './checks.ts';
import type { GraphThread } from './graph-thread.ts';
import type { RecallRung } from './recall-ladder.ts';

/** The filter at one width, and those whom it lets pass waiting or not. */
export interface FilterTrial {
  words: number;
  defer: number | false;
  /** Cache lines that a search touches to reach a recall of 0.95; null: it was not reached. */
  lines: number | null;
  /** The best recall that was seen: beyond 0.95 nobody looked. */
  recall: number;
}

/** What of a search's setting is the filter's. */
export interface Filter {
  /** Words of sign bits that searches look at; 0: the filter is off. */
  filterWords: number;
  /** How long those wait whom the filter lets pass, as in `SearchOptions`. */
  defer: number | false;
}

/** The filter is chosen at this recall. */
const FILTER_RECALL = 0.95;
/** What is tried besides `DEFER`, at the width that was best with that. */
const OTHER_DEFERS = [0.3, false] as const;
const CACHE_LINE = 64;
/** Three widths, and those. */
export const MOST_TRIALS = 3 + OTHER_DEFERS.length;

/** How many trials there may be of a filter of so many words; 0: there is no filter. */
export function trialsOf(words: number): number {
  return words === 0 ? 0 : widthsOf(words).length + OTHER_DEFERS.length;
}

/** Of a filter of so many words. `climb` measures a ladder of settings with this filter, until so much is found. */
export async function tryFilters(
  words: number,
  climb: (filter: Filter, enough: number) => Promise<RecallRung[]>,
  lines: Lines,
): Promise<FilterTrial[]> {
  const trials: FilterTrial[] = [];
  const tryOut = async (filter: Filter) => {
    trials.push(trialOf(filter, await climb(filter, FILTER_RECALL), lines));
  };
  for (const width of widthsOf(words)) await tryOut({ filterWords: width, defer: width > 0 && DEFER });
  const { filterWords } = chooseFilter(trials);
  if (filterWords > 0) for (const defer of OTHER_DEFERS) await tryOut({ filterWords, defer });
  return trials;
}

/** All bits, half of them, none. */
function widthsOf(words: number): number[] {
  return words === 0 ? [] : [...new Set([words, Math.max(1, Math.floor(words / 2)), 0])];
}

/** The filter of the least work; where none gets there, of the best recall. Of equals the one that was tried first. */
export function chooseFilter(filters: FilterTrial[]): Filter {
  if (filters.length === 0) return { filterWords: 0, defer: false };
  const better = (a: FilterTrial, b: FilterTrial) => {
    if (a.lines === null && b.lines === null) return b.recall > a.recall;
    return (b.lines ?? Infinity) < (a.lines ?? Infinity);
  };
  const { words: filterWords, defer } = filters.reduce((best, trial) => (better(best, trial) ? trial : best));
  return { filterWords, defer };
}

/** Between the rungs around the recall that is compared at, as if both rose in a straight line. */
function trialOf({ filterWords: words, defer }: Filter, rungs: RecallRung[], lines: Lines): FilterTrial {
  const recall = Math.max(...rungs.map((rung) => rung.recall));
  const above = rungs.findIndex((rung) => rung.recall >= FILTER_RECALL);
  if (above < 0) return { words, defer, lines: null, recall };
  const upper = lines(rungs[above], words);
  if (above === 0) return { words, defer, lines: Math.round(upper), recall };
  const below = rungs[above - 1];
  const share = (FILTER_RECALL - below.recall) / (rungs[above].recall - below.recall);
  return { words, defer, lines: Math.round(lines(below, words) * (1 - share) + upper * share), recall };
}

/** Cache lines that a search touches, by what it counts: a matter of the machine's memory and not of its clock. */
export type Lines = (rung: RecallRung, filterWords: number) => number;

/** `links`: as many as pruning leaves a node. */
export function linesOf(thread: GraphThread, dimension: number, links: number): Lines {
  const lines = (bytes: number) => Math.ceil(bytes / CACHE_LINE);
  const vector = lines(thread.layout.vectorBytes);
  const original = lines(rowBytesOf(dimension));
  const list = lines(4 * (1 + links));
  const coded = thread.keepsOriginals;
  return ({ work, rerank }, words) => {
    const again = coded ? Math.min(rerank, thread.count) : 0;
    const estimates = work.estimates * (words === 0 ? 0 : lines(8 + 8 * words));
    return estimates + (work.distances - again) * vector + again * original + work.hops * list;
  };
}
