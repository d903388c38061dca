/**
 * The ladder of settings that a sample is searched with, from the cheapest up, and what recall each comes to. The knob is gamma (see
 * `SearchOptions`) and behind its ladder a wider beam; under dot, where there is no gamma, the beam alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { row } from '../core/matrix.ts';
import { hitsAmong, QUERIES_A_TURN, type Sample } from './calibration-sample.ts';
import type { GraphThread } from './graph-thread.ts';
import { lowerBoundOf, meanOf } from './recall-bound.ts';
import type { Metric, SearchOptions, Work } from './vector-index.ts';

/** One setting, and what the sample's searches found with it, on average. */
export interface RecallRung {
  /** None under dot. */
  gamma?: number;
  efSearch: number;
  rerank: number;
  recall: number;
  lowerBound: number;
  work: Work;
}

/** What settings are tried on. */
export interface Bench {
  thread: GraphThread;
  sample: Sample;
  metric: Metric;
  confidence: number;
  /** Told how many searches the present climb has taken. */
  searched: (done: number) => void;
}

/** What of the filter goes with every setting of a ladder. */
type FilterSetting = Pick<SearchOptions, 'filterWords' | 'defer'>;

/** Gammas of the ladder; below 0.1 lies what most sets need, above 1 what those of two or three dimensions may. */
const GAMMAS = [
  0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2,
  3, 5,
];
/** The beam that goes with them, and how often it is doubled where it is what ends searches; each time takes as long as all before. */
const BEAM = { perK: 8, least: 512, widenings: 2 };
/** Under dot: a beam of so many k, and for the few neighbours that a small k is, of at least so many. */
const BEAMS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
/** More than any ladder has. */
export const MOST_RUNGS = 32;
/** So many wider beams that find nothing more are the last. */
const FLAT_BEAMS = 3;
/** A search that has read this share of its beam has been ended by it. */
const EXHAUSTED = 0.97;
/** Recall that a smaller `rerank` may cost. */
const RERANK_LOSS = 0.001;
/** As many queries that miss something say what missing costs. */
const MISSES_THAT_TELL = 8;

/**
 * Setting after setting, from the cheapest on, until `enough` is found, or nothing more by beams ever wider. That a larger gamma
 * finds nothing more says little: where clusters lie far apart, all of one is read long before the next.
 */
export async function climbLadder(
  bench: Bench,
  k: number,
  filter: FilterSetting,
  enough: number,
): Promise<RecallRung[]> {
  const rungs: RecallRung[] = [];
  const { count } = bench.thread;
  let flat = 0;
  let best = -1;
  let beam = 0;
  let lossOfMiss = 1;
  let searched = 0;
  let exhausted = false;
  for (const setting of ladderOf(k, bench.metric, count)) {
    const wider = setting.efSearch > beam;
    // Where it is the beam that ends searches, a larger gamma changes nothing.
    if (exhausted && !wider) continue;
    const { rung, recalls } = await climbRung(bench, { ...setting, ...filter }, k);
    const misses = recalls.filter((recall) => recall < 1);
    const loss = misses.length > 0 ? misses.reduce((sum, recall) => sum + 1 - recall, 0) / misses.length : 0;
    lossOfMiss = misses.length >= MISSES_THAT_TELL ? loss : Math.max(lossOfMiss, loss);
    rung.lowerBound = roundedDown(Math.min(rung.recall, lowerBoundOf(recalls, bench.confidence, lossOfMiss)));
    rungs.push(rung);
    searched += recalls.length;
    bench.searched(searched);
    if (rung.recall > best) flat = 0;
    else if (wider) flat++;
    best = Math.max(best, rung.recall);
    beam = setting.efSearch;
    exhausted = rung.work.hops >= EXHAUSTED * Math.min(beam, count);
    if (best >= enough || flat >= FLAT_BEAMS) break;
  }
  return rungs;
}

function ladderOf(k: number, metric: Metric, count: number): { gamma?: number; efSearch: number }[] {
  if (metric === 'dot') {
    // The neighbours of a small k are held on to by beams as wide as those of a larger one.
    const widths = [...BEAMS.map((times) => Math.ceil(times * k)), ...(k < 16 ? [512, 1024, 2048] : [])];
    const sorted = [...new Set(widths)].toSorted((a, b) => a - b);
    const last = sorted.findIndex((efSearch) => efSearch >= count);
    return sorted.slice(0, last < 0 ? sorted.length : last + 1).map((efSearch) => ({ efSearch }));
  }
  const efSearch = Math.max(BEAM.perK * k, BEAM.least);
  const ladder = GAMMAS.map((gamma) => ({ gamma, efSearch }));
  const gamma = GAMMAS.at(-1)!;
  for (let i = 1, wider = efSearch; i <= BEAM.widenings && wider < count; i++) {
    wider *= 2;
    ladder.push({ gamma, efSearch: wider });
  }
  return ladder;
}

/** One setting, on all queries: what is found of the truth, what it costs, and the least `rerank` that is good enough. */
async function climbRung(
  { thread, sample, metric }: Bench,
  setting: { gamma?: number; efSearch: number } & FilterSetting,
  k: number,
): Promise<{ rung: RecallRung; recalls: Float64Array }> {
  const { queries, truth } = sample;
  const { rows } = queries;
  const coded = thread.keepsOriginals;
  const reranks = coded ? reranksFor(k) : [k];
  const recalls = reranks.map(() => new Float64Array(rows));
  const work = { distances: 0, hops: 0, estimates: 0 };
  // What searches of all k have in common is how far they look; how many are compared again is read off afterwards.
  const options = { ...setting, k, rerank: 0 };
  for (let i = 0; i < rows; i++) {
    const query = row(queries, i);
    const found = thread.candidates(query, options, reranks.at(-1)!, sample.drawn ? sample.slots[i] : -1);
    const hit = hitsAmong(thread, query, found, truth[i], k, coded, metric);
    let hits = 0;
    let at = 0;
    for (const [j, rerank] of reranks.entries()) {
      for (; at < Math.min(rerank, found.slots.length); at++) hits += hit(at) ? 1 : 0;
      recalls[j][i] = Math.min(hits, k) / k;
    }
    work.distances += found.work.distances;
    work.hops += found.work.hops;
    work.estimates += found.work.estimates;
    if (i % QUERIES_A_TURN === QUERIES_A_TURN - 1) await nextTurn();
  }
  const best = meanOf(recalls.at(-1)!);
  const chosen = recalls.findIndex((some) => meanOf(some) >= best - RERANK_LOSS);
  const rerank = reranks[chosen];
  const mean = (sum: number) => rounded(sum / rows);
  const { gamma, efSearch } = setting;
  return {
    recalls: recalls[chosen],
    rung: {
      ...(gamma !== undefined && { gamma }),
      efSearch: Math.max(efSearch, rerank),
      rerank,
      recall: rounded(meanOf(recalls[chosen])),
      lowerBound: 0,
      work: {
        distances: mean(work.distances + (coded ? rows * Math.min(rerank, thread.count) : 0)),
        hops: mean(work.hops),
        estimates: mean(work.estimates),
      },
    },
  };
}

/** Candidates that may be worth comparing again, from as few as are wanted to many. */
function reranksFor(k: number): number[] {
  const sizes = [k, k + 2, 1.25 * k, 1.5 * k, 2 * k, 4 * k, 8 * k, 16 * k, k + 8, k + 16];
  return [...new Set(sizes.map(Math.ceil))].toSorted((a, b) => a - b);
}

/** The cheapest setting for every lower bound. */
export function rising(rungs: RecallRung[]): RecallRung[] {
  let best = -1;
  return rungs.filter(({ lowerBound }) => {
    const rises = lowerBound > best;
    best = Math.max(best, lowerBound);
    return rises;
  });
}

/** As many digits as a sample has to say, so that a header stays short. */
function rounded(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}

function roundedDown(value: number): number {
  return Math.floor(value * 1e5) / 1e5;
}
