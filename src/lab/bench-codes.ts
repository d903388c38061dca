/**
 * What codes are worth: one graph for each kind of code, built and walked on it, over the same vectors. How much memory each
 * takes, how long it takes to train and to build, and what recall is left at the speed of the walk on floats.
 *
 * A walk on coarse codes finds what is near with another knob too: how many of the best are compared again on the exact vectors
 * (rerank), or that bounds of the codes' errors choose them. Every pair of knobs is tried once; those on the front of speed and recall are then measured, all kinds in turn.
 */
import { performance } from 'node:perf_hooks';
import type { Matrix } from '../core/matrix.ts';
import { ProductQuantizer } from '../quantize/product.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { RabitqQuantizer } from '../quantize/rabitq.ts';
import { ScalarQuantizer } from '../quantize/scalar.ts';
import { runOnThreads } from '../workers/kmeans.ts';
import { buildHnsw, type GraphSearcher, searchedBy } from './build.ts';
import type { Dataset } from './datasets.ts';
import { formatCount, formatSeconds, formatTable } from './format.ts';
import { firstQueries } from './ground-truth.ts';
import { withProgress } from './progress.ts';
import type { Truth } from './recall.ts';
import {
  atRecall,
  paretoFront,
  qpsAtRecall,
  recallAtQps,
  type Searcher,
  type SweepRow,
  seriesLabel,
  seriesOf,
  sweep,
} from './sweep.ts';

/** A kind of code, and what it takes. */
export interface CodesCost {
  /** As in the rows: f32, sq8, sq7, pq64, opq64, rabitq1, … */
  codes: string;
  /** Of codes that are learnt. */
  trainSeconds: number;
  buildSeconds: number;
  bytesPerVector: {
    /** All that a search walks over: codes, links, sign bits, scratch. */
    walk: number;
    /** Codes for ranking what a walk found, and the vectors themselves; neither is touched by the walk. */
    finer: number;
    originals: number;
  };
  /** Of the walk on f32 at recall 0.9, 0.95 and 0.99: its speed, and what these codes find at it; null where they or it do not. */
  atEqualSpeed: { f32Recall: number; qps: number | null; recall: number | null }[];
  /** At recall 0.95 and 0.99; null where it is not reached. */
  atRecall: { recall: number; qps: number | null; distances: number | null; hops: number | null }[];
}

export interface CodesBench {
  costs: CodesCost[];
  /** Of each kind the front: the knobs that no others beat, by rising recall. */
  rows: SweepRow[];
}

export interface BenchCodesOptions {
  dataset: Dataset;
  truth: Truth;
  k: number;
  seed: number;
  /** Of training and building; the searches are on one. */
  threads: number;
  rounds: number;
  say: (text: string) => void;
}

/** Trains and builds all, then searches all in turn. Shows how far it is. */
export async function benchCodes(options: BenchCodesOptions): Promise<CodesBench> {
  const { dataset, truth, k, rounds, say } = options;
  const { name, queries } = dataset;
  const built: Built[] = [];
  for (const kind of kindsOf(dataset.train, options)) {
    const one = await build(kind, options);
    say(`${kind.codes}: ${trained(one)}built in ${formatSeconds(one.searcher.buildSeconds)}`);
    built.push(one);
  }
  const common = { dataset: name, queries, truth, k };
  const tried = await withProgress('trying', 'passes', (onProgress) =>
    sweep({
      ...{ ...common, ...firstQueries(queries, truth, TRIED_QUERIES) },
      ...{ searcher: built.flatMap(waysOf(k)), onProgress, rounds: 1 },
      ...{ enough: ENOUGH_RECALL, gammas: GAMMAS, efs: EFS.map((times) => times * k) },
    }),
  );
  const front = onFront(built.flatMap(waysOf(k)), tried);
  const widths = [...new Set(front.flatMap(({ widths }) => widths ?? []))];
  const measured = await withProgress('searching', 'passes', (onProgress) =>
    sweep({
      ...common,
      searcher: front,
      rounds,
      onProgress,
      ...(isByGamma(built) ? { gammas: widths } : { efs: widths }),
    }),
  );
  const rows = seriesOf(measured).flatMap(paretoFront);
  return { costs: built.map((one) => costOf(one, rows, dataset.train.rows)), rows };
}

export function codesTable({ costs }: CodesBench): string {
  const bytes = (value: number) => formatCount(Math.round(value));
  const speeds = costs[0].atEqualSpeed.filter(({ qps }) => qps !== null);
  const heads = [
    ...['codes', 'walked B', 'finer B', 'originals B', 'train', 'build'],
    ...speeds.map(({ qps }) => `recall at ${formatCount(qps!)}/s`),
    ...costs[0].atRecall.flatMap(({ recall }) => [`QPS at ${recall}`, 'distances']),
  ];
  const lines = costs.map(({ codes, bytesPerVector, trainSeconds, buildSeconds, atEqualSpeed, atRecall }) => [
    ...[codes, bytes(bytesPerVector.walk), bytes(bytesPerVector.finer), bytes(bytesPerVector.originals)],
    ...[trainSeconds > 0 ? formatSeconds(trainSeconds) : '–', formatSeconds(buildSeconds)],
    ...atEqualSpeed.flatMap(({ qps, recall }) => (qps === null ? [] : [recall?.toFixed(4) ?? '–'])),
    ...atRecall.flatMap(({ qps, distances }) => [qps, distances].map((one) => (one === null ? '–' : formatCount(one)))),
  ]);
  return formatTable(heads, lines);
}

interface Kind {
  codes: string;
  /** What is walked on; where it is learnt, how. */
  train:
    | 'f32'
    | 'sq7'
    | ((run: ReturnType<typeof runOnThreads>, onProgress: Progress) => Quantizer | Promise<Quantizer>);
  /** How many times k are compared again: codes that are coarser take more; `bound`: as many as the bounds of errors say. */
  reranks: readonly (number | 'bound')[];
}

type Progress = (done: number, total: number) => void;

interface Built {
  kind: Kind;
  trainSeconds: number;
  searcher: GraphSearcher;
}

/** All kinds that know the metric. */
function kindsOf({ dimension, data, rows }: Matrix, { dataset: { metric }, seed }: BenchCodesOptions): Kind[] {
  const train: Matrix = { data, rows, dimension };
  const sample = firstRows(train, MEAN_ROWS);
  const m = piecesOf(dimension);
  const product = (opq: boolean): Kind => ({
    codes: `${opq ? 'opq' : 'pq'}${m}`,
    train: (run, onProgress) => ProductQuantizer.train(train, { metric, m, opq, seed, ...TRAINING, run, onProgress }),
    reranks: [...COARSE, 'bound'],
  });
  const rabitq = (bits: number): Kind => ({
    codes: `rabitq${bits}`,
    train: () => RabitqQuantizer.train(sample, { metric, bits, seed }),
    reranks: [...(bits < 4 ? COARSE : FINE), 'bound'],
  });
  const fine: Kind[] = [
    { codes: 'f32', train: 'f32', reranks: [] },
    { codes: 'sq8', train: () => ScalarQuantizer.train(sample, { metric, bits: 8 }), reranks: FINE },
    { codes: 'sq7', train: 'sq7', reranks: FINE },
  ];
  return metric === 'manhattan' ? fine : [...fine, product(false), product(true), rabitq(1), rabitq(2), rabitq(4)];
}

/** The most pieces of 16 dimensions or more that a vector can be cut into evenly: bytes of a product quantizer's code. */
export function piecesOf(dimension: number): number {
  let m = Math.max(Math.floor(dimension / 16), 1);
  while (dimension % m !== 0) m--;
  return m;
}

const TRAINING = { sample: 16_384, iterations: 12 };
/** Of the vectors, those whose mean is taken. */
const MEAN_ROWS = 20_000;
/** Enough to see which knobs are worth measuring. */
const TRIED_QUERIES = 300;
/** Reranks, as multiples of k, rounded up. */
const FINE = [1.2, 2];
const COARSE = [2, 4, 8, 16, 32] as const;
const GAMMAS = [0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.2, 0.3];
/** Where inner products leave no gamma: widths of the beam, as multiples of k. */
const EFS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];
const ENOUGH_RECALL = 0.9995;
const F32_RECALLS = [0.9, 0.95, 0.99];
const RECALLS = [0.95, 0.99];

async function build(kind: Kind, { dataset, seed, threads }: BenchCodesOptions): Promise<Built> {
  const { train: base, metric } = dataset;
  const { train } = kind;
  const began = performance.now();
  const codes =
    typeof train === 'string'
      ? train
      : await withProgress(`training ${kind.codes}`, 'trainings', async (onProgress) =>
          train(runOnThreads(threads), onProgress),
        );
  const trainSeconds = typeof train === 'string' ? 0 : (performance.now() - began) / 1000;
  const searcher = await withProgress(`building ${kind.codes}`, 'vectors', (onProgress) =>
    buildHnsw({ base, metric, codes, seed, threads, onProgress }),
  );
  return { kind, trainSeconds, searcher: { ...searcher, codes: kind.codes } };
}

/** The index as a searcher for each rerank, all of one curve. */
function waysOf(k: number): (built: Built) => Searcher[] {
  return ({ kind: { reranks }, searcher }) => {
    if (reranks.length === 0) return [searcher];
    return reranks.map((times) => {
      const rerank = times === 'bound' ? times : Math.ceil(times * k);
      return { ...searcher, ...searchedBy(searcher.graph, searcher.knob, rerank), rerank };
    });
  };
}

function isByGamma(built: readonly Built[]): boolean {
  return built[0].searcher.knob === 'gamma';
}

/** The searchers that have a place on the front of their curve, at the widths that they have it with. */
function onFront(searchers: readonly Searcher[], tried: readonly SweepRow[]): Searcher[] {
  const best = new Map(seriesOf(tried).map((rows) => [seriesLabel(rows[0]), paretoFront(rows)]));
  return searchers.flatMap((searcher) => {
    const rows = best.get(seriesLabel(searcher))!.filter(({ rerank }) => rerank === searcher.rerank);
    const widths = rows.flatMap(({ gamma, efSearch }) => gamma ?? efSearch ?? []);
    return widths.length > 0 ? [{ ...searcher, widths }] : [];
  });
}

function costOf(
  { kind: { codes }, trainSeconds, searcher }: Built,
  rows: readonly SweepRow[],
  vectors: number,
): CodesCost {
  const of = (wanted: string) => rows.filter((row) => row.codes === wanted);
  const { walkBytes, ramBytes } = searcher.stats;
  return {
    ...{ codes, trainSeconds, buildSeconds: searcher.buildSeconds },
    bytesPerVector: {
      walk: walkBytes / vectors,
      finer: ramBytes.finer / vectors,
      originals: ramBytes.vectors / vectors,
    },
    atEqualSpeed: F32_RECALLS.map((f32Recall) => {
      const qps = qpsAtRecall(of('f32'), f32Recall);
      return { f32Recall, qps, recall: qps === null ? null : recallAtQps(of(codes), qps) };
    }),
    atRecall: RECALLS.map((recall) => ({
      recall,
      qps: qpsAtRecall(of(codes), recall),
      distances: atRecall(of(codes), recall, (row) => row.distances!),
      hops: atRecall(of(codes), recall, (row) => row.hops!),
    })),
  };
}

function trained({ trainSeconds }: Built): string {
  return trainSeconds > 0 ? `trained in ${formatSeconds(trainSeconds)}, ` : '';
}

function firstRows({ data, rows, dimension }: Matrix, most: number): Matrix {
  const few = Math.min(rows, most);
  return { data: data.subarray(0, few * dimension), rows: few, dimension };
}
