/**
 * What a wanted recall takes, measured rather than guessed. A sample of queries is searched for at one setting after another;
 * what each finds of the exact neighbours, and what work it costs, is kept with the index, and a search that names a
 * `recallTarget` is given the cheapest setting that is known to reach it.
 *
 * Queries are the caller's, or vectors of the index's own, each searched for as if its node were not there. The knob is gamma
 * (see `SearchOptions`) and behind its ladder a wider beam; under dot, where there is no gamma, the beam alone.
 *
 * Settings are chosen by the same sample that they were measured on; but recall rises along the ladder as a whole, so that
 * choosing one is one look at the sample rather than many.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BrokenIndexError, ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { Random } from '../core/random.ts';
import { type FORM_CODES, rowBytesOf } from '../kernels/vectors.ts';
import { checkInteger, DEFER } from './checks.ts';
import { FILTER_FROM, type GraphThread } from './graph-thread.ts';
import { lowerBoundOf, meanOf } from './recall-bound.ts';
import type { Metric, SearchOptions, Work } from './vector-index.ts';

export interface CalibrateOptions {
  /** Rows like those that will be searched for. Default: `sample` of the index's own vectors. */
  queries?: Float32Array;
  /**
   * How many vectors are drawn, at most all but one. Default 512, halved as long as their exact neighbours would take more than
   * 2.7e10 components (count × sample × dimension) and there are more than 64.
   */
  sample?: number;
  /** The numbers of neighbours that will be asked for, at most 8 of them; those beyond what there is are left out. Default 1, 10, 100. */
  ks?: readonly number[];
  /** Decides which vectors are drawn. Default 1. */
  seed?: number;
  /** With which the recall is at least the lower bound, 0.5 … 0.9999. Default 0.95. */
  confidence?: number;
  /** Searches done, of as many as there may be. */
  onProgress?: (done: number, total: number) => void;
}

/** What was measured; goes through JSON unchanged. */
export interface Calibration {
  /** Vectors held then, and how. */
  count: number;
  form: keyof typeof FORM_CODES;
  /** Queries searched for: `drawn` from the index itself, or given by the caller. */
  queries: number;
  drawn: boolean;
  confidence: number;
  /** Words of sign bits that searches look at; 0: the filter is off. */
  filterWords: number;
  /** How long those wait whom the filter lets pass, as in `SearchOptions`. */
  defer: number | false;
  /** What both were chosen from; none where there is no filter, or too few vectors for one. */
  filters: FilterTrial[];
  /** By rising k. */
  curves: RecallCurve[];
}

/** The filter at one width, and those whom it lets pass waiting or not. */
export interface FilterTrial {
  words: number;
  defer: number | false;
  /** Cache lines that a search touches to reach a recall of 0.95; null: it was not reached. */
  lines: number | null;
  /** The best recall that was seen: beyond 0.95 nobody looked. */
  recall: number;
}

export interface RecallCurve {
  k: number;
  /** By rising lower bound, each the cheapest setting that reaches it. */
  rungs: RecallRung[];
}

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
  const widths = words === 0 ? [] : [...new Set([words, Math.max(1, Math.floor(words / 2)), 0])];
  const rows = sample.queries.rows;
  const defers = words === 0 ? [] : OTHER_DEFERS;
  const total = rows * (1 + (widths.length + defers.length + ks.length) * MOST_RUNGS);
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
  const filters: FilterTrial[] = [];
  const typicalK = ks.reduce((best, k) => (Math.abs(k - TYPICAL_K) < Math.abs(best - TYPICAL_K) ? k : best));
  const lines = linesOf(thread, options.dimension, links);
  const tryFilter = async (filter: Filter) => {
    filters.push(trialOf(filter, await climb(typicalK, filter, FILTER_RECALL), lines));
  };
  for (const width of widths) await tryFilter({ filterWords: width, defer: width > 0 && DEFER });
  const { filterWords } = chooseFilter(filters);
  if (filterWords > 0) for (const defer of defers) await tryFilter({ filterWords, defer });
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

/**
 * The setting for `recallTarget`: the first whose lower bound reaches it. For a k between two that were measured, the more
 * demanding of both. Throws ParameterError.
 */
export function settingFor(
  calibration: Calibration | undefined,
  thread: Pick<GraphThread, 'count' | 'form'>,
  options: SearchOptions,
): SearchOptions {
  const { k, recallTarget, efSearch, gamma, rerank, filterWords, defer, ...others } = options;
  const refuse = (want: string): never => {
    throw new ParameterError({ parameter: 'recallTarget', got: recallTarget, want });
  };
  const target = recallTarget!;
  if (!(typeof target === 'number' && target > 0 && target <= 1))
    refuse('a share of the neighbours, above 0 and at most 1');
  for (const [name, value] of Object.entries({ efSearch, gamma, rerank, filterWords, defer })) {
    if (value !== undefined) refuse(`decides ${name} too: leave out the one or the other`);
  }
  checkInteger('k', k, 1, 2 ** 31 - 1);
  const { count } = thread;
  if (!calibration)
    return refuse('the index is not calibrated, so nobody knows what that takes: await index.calibrate()');
  if (count > 2 * calibration.count)
    refuse(`calibrated when ${calibration.count} vectors were held, and now there are ${count}: calibrate again`);
  if (thread.form !== calibration.form)
    refuse(`calibrated when vectors were held as ${calibration.form}, and now as ${thread.form}: calibrate again`);
  // A beam as wide as all there are finds all.
  if (k >= count) return { ...others, k, efSearch: k };
  const { curves } = calibration;
  const above = curves.findIndex((curve) => curve.k >= k);
  if (above < 0) refuse(`calibrated for k up to ${curves.at(-1)!.k}, not ${k}: calibrate with ks that reach it`);
  const near = curves.slice(curves[above].k === k ? above : Math.max(0, above - 1), above + 1);
  const rungs = near.map((curve) => {
    const rung = curve.rungs.find(({ lowerBound }) => lowerBound >= target);
    if (rung) return { ...rung, extra: (rung.rerank - curve.k) * Math.max(1, k / curve.k) };
    const { recall, lowerBound } = curve.rungs.at(-1)!;
    return refuse(
      `the best measured for k = ${curve.k} is ${recall}, at least ${lowerBound} with ${100 * calibration.confidence} % ` +
        'confidence: calibrate with a larger sample, ask for less, or name efSearch yourself',
    );
  });
  const most = (pick: (rung: (typeof rungs)[number]) => number) => Math.max(...rungs.map(pick));
  return {
    ...others,
    k,
    ...(rungs[0].gamma !== undefined && { gamma: most((rung) => rung.gamma ?? 0) }),
    efSearch: Math.max(
      k,
      most((rung) => rung.efSearch),
    ),
    rerank: k + Math.ceil(most((rung) => rung.extra)),
    filterWords: calibration.filterWords,
    defer: calibration.defer,
  };
}

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
  // Codes never become bytes again, and floats stay floats.
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
  const filters = list('filters', said.filters, 0, 3 + OTHER_DEFERS.length).map((got): FilterTrial => {
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

/** Gammas of the ladder; below 0.1 lies what most sets need, above 1 what those of two or three dimensions may. */
const GAMMAS = [
  0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2,
  3, 5,
];
/** The beam that goes with them, and how often it is doubled where it is what ends searches; each time takes as long as all before. */
const BEAM = { perK: 8, least: 512, widenings: 2 };
/** Under dot: a beam of so many k, and for the few neighbours that a small k is, of at least so many. */
const BEAMS = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
const MOST_RUNGS = 32;
const MOST_KS = 8;
const MOST = 2 ** 31 - 1;
/** Nobody needs more. */
const ENOUGH = 0.9995;
/** So many wider beams that find nothing more are the last. */
const FLAT_BEAMS = 3;
/** A search that has read this share of its beam has been ended by it. */
const EXHAUSTED = 0.97;
/** Recall that a smaller `rerank` may cost. */
const RERANK_LOSS = 0.001;
const DEFAULT_KS = [1, 10, 100];
const DEFAULT_SAMPLE = 512;
const LEAST_SAMPLE = 64;
const TRUTH_COMPONENTS = 2.7e10;
/** The filter is chosen by what this many neighbours, or about as many, take at this recall. */
const TYPICAL_K = 10;
const FILTER_RECALL = 0.95;
/** What is tried besides `DEFER`, at the width that was best with that. */
const OTHER_DEFERS = [0.3, false] as const;
/** Queries between two turns of the event loop. */
const BLOCK = 16;
const CACHE_LINE = 64;
/** As many queries that miss something say what missing costs. */
const MISSES_THAT_TELL = 8;
/** Distances of ties may differ by the order in which their sums were taken. */
const ROUNDING = 1e-6;

type Filter = Pick<Calibration, 'filterWords' | 'defer'>;

interface Sample {
  queries: Matrix;
  /** The slot of each drawn query; none where they were given. */
  slots: Uint32Array;
  drawn: boolean;
  ks: number[];
  truth: Truth[];
}

/** The exact neighbours of a query, itself left out, one more than the largest k where there are so many. */
interface Truth {
  /** Which is the how-manieth, from 0. */
  ranks: Map<number, number>;
  distances: Float32Array;
}

interface Bench {
  thread: GraphThread;
  sample: Sample;
  metric: Metric;
  confidence: number;
  searched: (done: number) => void;
}

function drawSample(thread: GraphThread, entryPoint: number, dimension: number, settings: CalibrateOptions): Sample {
  const { queries, ks = DEFAULT_KS, seed = 1 } = settings;
  const { count } = thread;
  const refuse = (parameter: string, got: unknown, want: string): never => {
    throw new ParameterError({ parameter, got, want });
  };
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  if (thread.deleted > 0)
    refuse('index', `${thread.deleted} deleted vectors`, 'none that wait: consolidate, then calibrate');
  if (ks.length < 1 || ks.length > MOST_KS) refuse('ks', `[${ks}]`, `1 to ${MOST_KS} numbers of neighbours`);
  for (const k of ks) checkInteger('ks', k, 1, MOST);
  if (count === 0) refuse('count', 0, 'the index is empty: add vectors before it is calibrated');
  const others = queries ? count : count - 1;
  if (others === 0) refuse('count', 1, 'one vector has no neighbours: add more, or name queries');
  const measured = [...new Set(ks)].filter((k) => k <= others).toSorted((a, b) => a - b);
  if (measured.length === 0)
    refuse('ks', `[${ks}]`, `a query has only ${others} neighbours: at least one k up to that`);
  const sample = { ks: measured, truth: [] };
  if (queries !== undefined) {
    if (!(queries instanceof Float32Array)) return refuse('queries', typeof queries, 'a Float32Array of rows');
    const rows = queries.length / dimension;
    if (!Number.isInteger(rows) || rows === 0)
      refuse('queries.length', queries.length, `a multiple of the dimension ${dimension}, and not 0`);
    for (let i = 0; i < rows; i++) thread.admit(queries.subarray(i * dimension, (i + 1) * dimension), `query ${i}`);
    // A copy: the caller may write to it as soon as this gives way.
    return { ...sample, queries: { data: queries.slice(), rows, dimension }, slots: new Uint32Array(0), drawn: false };
  }
  let rows = settings.sample ?? DEFAULT_SAMPLE;
  checkInteger('sample', rows, 1, MOST);
  if (settings.sample === undefined) {
    while (rows > LEAST_SAMPLE && rows * count * dimension > TRUTH_COMPONENTS) rows /= 2;
  }
  const slots = drawSlots(Math.min(rows, count - 1), count, entryPoint, new Random(`calibration ${seed}`));
  const data = new Float32Array(slots.length * dimension);
  slots.forEach((slot, i) => {
    data.set(thread.vector(slot), i * dimension);
  });
  return { ...sample, queries: { data, rows: slots.length, dimension }, slots, drawn: true };
}

/** `n` different slots, not the entry point, where every search begins: without it none would. */
function drawSlots(n: number, count: number, entryPoint: number, random: Random): Uint32Array {
  const drawn = new Set<number>();
  if (2 * n > count) {
    for (const slot of random.permutation(count)) if (slot !== entryPoint && drawn.size < n) drawn.add(slot);
  } else {
    while (drawn.size < n) {
      const slot = random.integer(count);
      if (slot !== entryPoint) drawn.add(slot);
    }
  }
  return Uint32Array.from(drawn);
}

async function findTruth(thread: GraphThread, sample: Sample, onDone: (done: number) => void): Promise<void> {
  const { queries, slots, drawn, ks } = sample;
  const others = drawn ? thread.count - 1 : thread.count;
  const wanted = Math.min(others, ks.at(-1)! + 1);
  const k = drawn ? wanted + 1 : wanted;
  for (let from = 0; from < queries.rows; from += BLOCK) {
    const rows = Math.min(BLOCK, queries.rows - from);
    const { dimension, data } = queries;
    const block = { data: data.subarray(from * dimension, (from + rows) * dimension), rows, dimension };
    const found = new Uint32Array(rows * k);
    const distances = new Float32Array(rows * k);
    thread.nearest(block, { from: 0, to: rows, k }, found, distances);
    for (let i = 0; i < rows; i++) {
      // Among more duplicates than were asked for it need not be itself that is found.
      const self = drawn ? found.subarray(i * k, (i + 1) * k).indexOf(slots[from + i]) : -1;
      const places = Array.from({ length: k }, (_, j) => i * k + j).filter((_, j) => j !== self);
      sample.truth.push({
        ranks: new Map(places.slice(0, wanted).map((at, rank) => [found[at], rank])),
        distances: Float32Array.from(places.slice(0, wanted), (at) => distances[at]),
      });
    }
    onDone(from + rows);
    await nextTurn();
  }
}

/**
 * Setting after setting, from the cheapest on, until `enough` is found, or nothing more by beams ever wider. That a larger gamma
 * finds nothing more says little: where clusters lie far apart, all of one is read long before the next.
 */
async function climbLadder(bench: Bench, k: number, filter: Filter, enough: number): Promise<RecallRung[]> {
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
  setting: { gamma?: number; efSearch: number } & Filter,
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
    if (i % BLOCK === BLOCK - 1) await nextTurn();
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

/** Says of a candidate whether it is one of the k nearest, or as near as the last of them. */
function hitsAmong(
  thread: GraphThread,
  query: Float32Array,
  found: { slots: Uint32Array; distances: Float32Array },
  truth: Truth,
  k: number,
  coded: boolean,
  metric: Metric,
): (at: number) => boolean {
  const isNearest = (at: number) => (truth.ranks.get(found.slots[at]) ?? k) < k;
  const last = truth.distances[k - 1];
  // Under cosine a distance is 1 less a sum, and rounded as 1 is.
  const limit = last + ROUNDING * Math.abs(last) + (metric === 'cosine' ? 2.4e-7 : 0);
  const tied = truth.distances.length > k && truth.distances[k] <= limit;
  if (!tied) return isNearest;
  if (!coded) return (at) => isNearest(at) || found.distances[at] <= limit;
  const { slots, distances } = thread.rank(query, found.slots);
  const near = new Set(slots.filter((_, i) => distances[i] <= limit));
  return (at) => isNearest(at) || near.has(found.slots[at]);
}

/** The cheapest setting for every lower bound. */
function rising(rungs: RecallRung[]): RecallRung[] {
  let best = -1;
  return rungs.filter(({ lowerBound }) => {
    const rises = lowerBound > best;
    best = Math.max(best, lowerBound);
    return rises;
  });
}

/** Cache lines that a search touches, by what it counts: a matter of the machine's memory and not of its clock. */
type Lines = (rung: RecallRung, filterWords: number) => number;

/** `links`: as many as pruning leaves a node. */
function linesOf(thread: GraphThread, dimension: number, links: number): Lines {
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

/** The filter of the least work; where none gets there, of the best recall. Of equals the one that was tried first. */
function chooseFilter(filters: FilterTrial[]): Filter {
  if (filters.length === 0) return { filterWords: 0, defer: false };
  const better = (a: FilterTrial, b: FilterTrial) => {
    if (a.lines === null && b.lines === null) return b.recall > a.recall;
    return (b.lines ?? Infinity) < (a.lines ?? Infinity);
  };
  const { words: filterWords, defer } = filters.reduce((best, trial) => (better(best, trial) ? trial : best));
  return { filterWords, defer };
}

/** As many digits as a sample has to say, so that a header stays short. */
function rounded(value: number): number {
  return Math.round(value * 1e5) / 1e5;
}

function roundedDown(value: number): number {
  return Math.floor(value * 1e5) / 1e5;
}
