/**
 * The sweep: one index searched over and over, each time wider, which draws its curve of speed against recall. What is turned
 * is its knob: the width of the beam (efSearch), or where a search knows when to stop, how late it does (gamma). The sweep
 * knows annlab's indexes and anybody else's through `Searcher`, and treats them alike: one thread, one query at a time, a
 * warm-up, then several rounds in which all searchers and settings take turns, so that a machine that slows down slows all
 * of them; the median round is reported.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { checkSearch } from '../graph/checks.ts';
import type { SearchOptions, Work } from '../graph/vector-index.ts';
import { recallAtK, type Truth } from './recall.ts';

/** What a search returns: at most k ids, nearest first, and where the engine counts it, what it cost. */
export interface Found {
  ids: ArrayLike<number>;
  distances?: ArrayLike<number>;
  work?: Pick<Work, 'distances' | 'hops'>;
}

/** What is turned along a curve: the width of the beam, or the distance at which a search stops (see `SearchOptions`). */
export type Knob = 'efSearch' | 'gamma';

/** One index, ours or another engine's, ready to be searched. */
export interface Searcher {
  /** The kind of index, such as `hnsw`; with `codes` it names the curve. */
  index: string;
  /** How the index holds the vectors that it walks on: `f32`, `sq7`, `bf16`, … */
  codes: string;
  /** Where it came from, if it was not built in memory; names the curve too. */
  from?: 'disk';
  /** Default efSearch, which every engine has. */
  knob?: Knob;
  /** Said where the same index is swept by another knob too; names the curve. */
  by?: Knob;
  /** How many of the best it compares again on exact vectors, where that is turned too. */
  rerank?: SearchOptions['rerank'];
  /** Of the sweep's settings of its knob, those that it is searched at. Default: all. */
  widths?: readonly number[];
  buildSeconds: number;
  ramBytes: number;
  /** `width`: of its knob. A synchronous search is never awaited: neither kind pays for the other. */
  search(query: Float32Array, k: number, width: number): Found | Promise<Found>;
}

/** One point of a curve, and one row of `results.json`. */
export interface SweepRow {
  dataset: string;
  index: string;
  codes: string;
  /** Where the index came from, if it was not built in memory. */
  from?: 'disk';
  /** The knob, where the same index has a curve by another. */
  by?: Knob;
  k: number;
  /** Width of the beam; where gamma is the knob, the most that any search may take. null: no beam, the search is exact. */
  efSearch: number | null;
  /** null: efSearch is the knob, or the search is exact. */
  gamma: number | null;
  /** How many of the best were compared again on exact vectors, where that was turned too. */
  rerank?: SearchOptions['rerank'];
  recall: number;
  /** Queries per second of searching alone, one after the other. */
  qps: number;
  meanUs: number;
  p50Us: number;
  p99Us: number;
  /** Distance evaluations per query; null where the engine does not count them. */
  distances: number | null;
  /** Nodes per query whose neighbours were read; null where the engine does not count them. */
  hops: number | null;
  buildSeconds: number;
  ramBytes: number;
}

export interface SweepOptions {
  /** The name of the dataset, for the rows. */
  dataset: string;
  /** Several take turns within each round. */
  searcher: Searcher | readonly Searcher[];
  queries: Matrix;
  /** The exact answer, better somewhat wider than k where ties are frequent. */
  truth: Truth;
  k?: number;
  /** For searchers whose knob is efSearch: each ≥ k; null: an exact search, once per round. Default: `defaultEfs(k)`. */
  efs?: readonly number[] | null;
  /** For those whose knob is gamma: each from 0 to 10. Default: `DEFAULT_GAMMAS`. */
  gammas?: readonly number[];
  /** A recall from which on a searcher is not searched wider still: there is nothing more to see. Default: none. */
  enough?: number;
  /** An odd number, so that the median is one of them. Default 3. */
  rounds?: number;
  /** Queries searched before each timed pass. Default 100. */
  warmup?: number;
  /** Called after each pass over the queries: how many are done, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** One row per searcher and setting: searcher by searcher, from narrow to wide. */
export async function sweep(options: SweepOptions): Promise<SweepRow[]> {
  const { dataset, queries, truth, k = 10, enough = Infinity, rounds = 3, warmup = 100, onProgress } = options;
  const efs = options.efs === null ? null : [...(options.efs ?? defaultEfs(k))].sort((a, b) => a - b);
  const gammas = [...(options.gammas ?? DEFAULT_GAMMAS)].sort((a, b) => a - b);
  checkOptions({ queries, truth, k, efs: efs ?? [], gammas, rounds });
  const searchers = [options.searcher].flat();
  const ladderOf = ({ knob }: Searcher) => (efs === null ? [null] : knob === 'gamma' ? gammas : efs);
  const turns = Array.from({ length: Math.max(...searchers.map((one) => ladderOf(one).length)) }, (_, rung) =>
    searchers.flatMap((searcher) => {
      const width = ladderOf(searcher)[rung];
      const searched = width === null || (width !== undefined && searcher.widths?.includes(width) !== false);
      return searched ? [{ searcher, width, passes: [] as Pass[] }] : [];
    }),
  ).flat();
  const bench = prepare(queries, truth, k, warmup);

  const satisfied = new Set<Searcher>();
  const leftOut = ({ searcher, passes }: (typeof turns)[number]) => passes.length === 0 && satisfied.has(searcher);
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const turn of turns) {
      if (leftOut(turn)) continue;
      const pass = await runPass(bench, turn.searcher, turn.width);
      turn.passes.push(pass);
      if (pass.recall >= enough) satisfied.add(turn.searcher);
      onProgress?.(++done, rounds * turns.filter((one) => !leftOut(one)).length);
    }
  }
  const bySearcher = searchers.flatMap((searcher) =>
    turns.filter((turn) => turn.searcher === searcher && !leftOut(turn)),
  );
  return bySearcher.map(({ searcher, width, passes }) => {
    const middle = (pick: (pass: Pass) => number) => median(passes.map(pick));
    const meanUs = middle((pass) => pass.meanUs);
    return {
      dataset,
      index: searcher.index,
      codes: searcher.codes,
      ...(searcher.from && { from: searcher.from }),
      ...(searcher.by && { by: searcher.by }),
      k,
      ...settingOf(searcher, width, k),
      ...(searcher.rerank !== undefined && { rerank: searcher.rerank }),
      recall: middle((pass) => pass.recall),
      qps: 1e6 / meanUs,
      meanUs,
      p50Us: middle((pass) => pass.p50Us),
      p99Us: middle((pass) => pass.p99Us),
      distances: passes[0].work ? middle((pass) => pass.work!.distances) : null,
      hops: passes[0].work ? middle((pass) => pass.work!.hops) : null,
      buildSeconds: searcher.buildSeconds,
      ramBytes: searcher.ramBytes,
    };
  });
}

/** What a search was asked for; both null: it was exact. */
export type Setting = Pick<SweepRow, 'efSearch' | 'gamma'>;

function settingOf({ knob }: Searcher, width: number | null, k: number): Setting {
  if (width === null || knob !== 'gamma') return { efSearch: width, gamma: null };
  return { efSearch: checkSearch({ k, gamma: width }).efSearch, gamma: width };
}

/** A setting by its knob: `γ 0.03`, `ef 64` or `exact`. */
export function settingLabel({ efSearch, gamma }: Setting): string {
  if (gamma !== null) return `γ ${gamma}`;
  return efSearch === null ? 'exact' : `ef ${efSearch}`;
}

/** From as early as a search can stop to as late as any is worth: recall of about 0.93 to 0.999 on embedding-1024-100k. */
export const DEFAULT_GAMMAS: readonly number[] = [
  0, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.4,
];

/** Widths from k upwards that take a good graph from a recall of about 0.8 to about 0.999, each some √2 times the one before. */
export function defaultEfs(k: number): number[] {
  // The k-th neighbour of many is easier to hold on to than the only one: the widest grows as √k.
  const widest = 480 * Math.sqrt(k / 10);
  const efs = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128].map((times) => Math.round(times * k));
  return [...new Set(efs)].filter((ef) => ef <= widest || ef < 4 * k);
}

/**
 * Queries per second where the curve passes `recall`: on the Pareto front, interpolated with the logarithm of the speed
 * linear in the recall. Below the front's first point that point's speed, which is reached at a better recall still; null
 * where no row gets that far. The rows must be one curve's (`seriesOf`).
 */
export function qpsAtRecall(rows: readonly SweepRow[], recall: number): number | null {
  return atRecall(rows, recall, (row) => row.qps);
}

/** The same for another positive column, on the same front. */
export function atRecall(rows: readonly SweepRow[], recall: number, pick: (row: SweepRow) => number): number | null {
  const front = paretoFront(rows);
  const above = front.findIndex((point) => point.recall >= recall);
  if (above === -1) return null;
  if (above === 0) return pick(front[0]);
  const a = front[above - 1];
  const b = front[above];
  const share = (recall - a.recall) / (b.recall - a.recall);
  return pick(a) ** (1 - share) * pick(b) ** share;
}

/** The other way round: the recall where the curve passes a speed; null where it is not that fast anywhere. */
export function recallAtQps(rows: readonly SweepRow[], qps: number): number | null {
  const front = paretoFront(rows);
  const slower = front.findIndex((point) => point.qps <= qps);
  if (slower === -1) return front.at(-1)?.recall ?? null;
  if (slower === 0) return front[0].qps === qps ? front[0].recall : null;
  const a = front[slower - 1];
  const b = front[slower];
  return a.recall + ((b.recall - a.recall) * Math.log(a.qps / qps)) / Math.log(a.qps / b.qps);
}

/** The rows that no other row beats in both recall and speed, by rising recall (and so by falling speed). */
export function paretoFront(rows: readonly SweepRow[]): SweepRow[] {
  const front: SweepRow[] = [];
  for (const candidate of [...rows].sort((a, b) => b.recall - a.recall || b.qps - a.qps)) {
    const fastest = front.at(-1);
    if (!fastest || candidate.qps > fastest.qps) front.push(candidate);
  }
  return front.reverse();
}

/** The rows of each curve (same dataset, index, codes, origin, named knob and k), in order of first appearance. */
export function seriesOf(rows: readonly SweepRow[]): SweepRow[][] {
  const series = new Map<string, SweepRow[]>();
  for (const one of rows) {
    const key = JSON.stringify([one.dataset, one.index, one.codes, one.from, one.by, one.k]);
    const curve = series.get(key);
    if (curve) curve.push(one);
    else series.set(key, [one]);
  }
  return [...series.values()];
}

/** What a curve is called: `hnsw sq7`, `hnsw sq7 from disk`, or `hnsw sq7 by efSearch` beside one by gamma. */
export function seriesLabel({ index, codes, from, by }: Pick<Searcher, 'index' | 'codes' | 'from' | 'by'>): string {
  return `${index} ${codes}${by ? ` by ${by}` : ''}${from ? ` from ${from}` : ''}`;
}

function checkOptions({
  queries,
  truth,
  k,
  efs,
  gammas,
  rounds,
}: {
  queries: Matrix;
  truth: Truth;
  k: number;
  efs: readonly number[];
  gammas: readonly number[];
  rounds: number;
}): void {
  const positive = (value: number) => Number.isInteger(value) && value > 0;
  const refuse = (parameter: string, got: unknown, want: string) => {
    throw new ParameterError({ parameter, got, want });
  };
  if (!positive(k)) refuse('k', k, 'a whole number from 1');
  if (!positive(rounds)) refuse('rounds', rounds, 'a whole number from 1');
  if (queries.rows === 0) refuse('queries', 'no rows', 'at least one query');
  if (truth.ids.length === 0 || truth.ids.length % queries.rows !== 0) {
    refuse('truth', `${truth.ids.length} ids`, `as many for each of ${queries.rows} queries`);
  }
  for (const ef of efs) {
    if (!positive(ef) || ef < k) refuse('efs', ef, `a whole number from k = ${k}`);
  }
  for (const gamma of gammas) {
    if (!(gamma >= 0 && gamma <= 10)) refuse('gammas', gamma, 'numbers from 0 to 10');
  }
}

/** Everything that the timed loop touches, laid out beforehand. */
interface Bench {
  queries: Float32Array[];
  truth: Truth;
  k: number;
  warmup: number;
  latenciesUs: Float64Array;
  found: Uint32Array[];
}

/** One run over all queries at one setting. */
interface Pass {
  recall: number;
  meanUs: number;
  p50Us: number;
  p99Us: number;
  work: Pick<Work, 'distances' | 'hops'> | null;
}

function prepare(queries: Matrix, truth: Truth, k: number, warmup: number): Bench {
  return {
    queries: Array.from({ length: queries.rows }, (_, i) => row(queries, i)),
    truth,
    k,
    warmup: Math.min(warmup, queries.rows),
    latenciesUs: new Float64Array(queries.rows),
    found: Array(queries.rows),
  };
}

const YIELD_MS = 250;

async function runPass(bench: Bench, searcher: Searcher, setting: number | null): Promise<Pass> {
  const { queries, k, warmup, latenciesUs, found } = bench;
  const width = setting ?? k;
  for (let i = 0; i < warmup; i++) {
    const returned = searcher.search(queries[i], k, width);
    if (returned instanceof Promise) await returned;
  }
  let distances = 0;
  let hops = 0;
  let counted = 0;
  let lastYield = performance.now();
  for (let i = 0; i < queries.length; i++) {
    const started = performance.now();
    const returned = searcher.search(queries[i], k, width);
    const result = returned instanceof Promise ? await returned : returned;
    const ended = performance.now();
    latenciesUs[i] = (ended - started) * 1000;

    found[i] = Uint32Array.from(result.ids);
    if (result.work) {
      distances += result.work.distances;
      hops += result.work.hops;
      counted++;
    }
    if (ended - lastYield > YIELD_MS) {
      // Let the progress bar draw and Ctrl-C arrive, outside of what is timed.
      await nextTurn();
      lastYield = performance.now();
    }
  }
  const sorted = latenciesUs.slice().sort();
  return {
    recall: recallAtK(found, bench.truth, k),
    meanUs: latenciesUs.reduce((sum, us) => sum + us, 0) / queries.length,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    work: counted === queries.length ? { distances: distances / counted, hops: hops / counted } : null,
  };
}

/** The smallest value that at least this share of all do not exceed (nearest rank). */
export function percentile(sorted: Float64Array | Float32Array, share: number): number {
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
