/**
 * The main job, `npm start`: real data in, the curve of speed against recall out. Loads a dataset, computes or loads its exact
 * neighbours, builds HNSW and Vamana, saves and opens the first, sweeps their width, measures exact search and batches beside
 * them, and leaves `results.json`, the figures as SVG, `report.html` and the saved index in `out/`.
 */
import { availableParallelism } from 'node:os';
import { DownloadError, UsageError } from '../core/errors.ts';
import { completeVamanaOptions } from '../graph/vamana-options.ts';
import type { GraphVariant } from './build.ts';
import { listDatasets } from './catalogue.ts';
import {
  choiceFlag,
  type Flag,
  flagHelp,
  integerFlag,
  integersFlag,
  isMain,
  numbersFlag,
  readCommandLine,
  runCommand,
} from './command.ts';
import { type Dataset, loadDataset } from './datasets.ts';
import { formatCount, formatTable } from './format.ts';
import { GRAPH_FLAGS, GRAPH_NAMES, type GraphParameters, graphParameters } from './graph-flags.ts';
import { runJob } from './job.ts';
import { withLoadProgress } from './progress.ts';
import { prepareFolder, type Results } from './results.ts';

export const DEFAULT_DATASET = 'fashion-mnist-784-euclidean';
export const FALLBACK_DATASET = 'embedding-1024-30k';

export interface StartOptions {
  /** A name of the catalogue. Default: fashion-mnist, and where it cannot be had, the embedding-like synthetic set. */
  dataset?: string;
  k: number;
  /** The graphs that are built, and how; one at least. */
  graphs: Partial<GraphParameters>;
  /** Default: both; of a Vamana beside an HNSW sq7 alone, as more curves are hard to tell apart. */
  codes?: 'f32' | 'sq7' | 'both';
  seed: number;
  /** For ground truth, builds and batches; the sweep is on one. */
  threads: number;
  /** The folder of the results. */
  out: string;
  /** The first so many queries and base vectors; default: all. */
  queries?: number;
  rows?: number;
  /** Either: the widths of the sweep, and by which knob it is. */
  efs?: number[];
  gammas?: number[];
  rounds: number;
}

const FLAGS: Record<string, Flag> = {
  dataset: { value: '<name>', help: `which vectors (--list shows them); default ${DEFAULT_DATASET}` },
  k: { value: '<n>', help: 'neighbours wanted; default 10' },
  index: { value: '<kind>', help: 'the graph: hnsw, vamana or both; default both' },
  ...GRAPH_FLAGS.hnsw,
  ...GRAPH_FLAGS.vamana,
  codes: {
    value: '<kind>',
    help: 'what the walk looks at: f32, sq7 (7-bit codes, exact re-ranking) or both; default both,\nof a vamana beside an hnsw only sq7',
  },
  ef: {
    value: '<list>',
    help: 'sweep the width of the beam instead of gamma, as always under dot:\nsuch as 10,20,40,80; default: from k up until recall is 0.9995',
  },
  gamma: {
    value: '<list>',
    help: 'how late searches stop, such as 0,0.02,0.05,0.1; default: from 0 up until\nrecall is 0.9995',
  },
  seed: { value: '<n>', help: 'decides levels, orders and rotations; default 1' },
  threads: {
    value: '<n>',
    help: 'for ground truth, builds and batches; the sweep is on one; default all cores.\nOf an hnsw only 1 builds the same graph from the same seed every time',
  },
  queries: { value: '<n>', help: 'only the first n queries' },
  rows: { value: '<n>', help: 'only the first n vectors' },
  rounds: { value: '<n>', help: 'times that everything is measured; the median counts; default 3' },
  out: { value: '<folder>', help: 'where results go; default out' },
  list: { help: 'show the datasets' },
};

const HELP = `Draws the curve of speed against recall: HNSW, Vamana and exact search on one set of vectors.

  npm start
  npm start -- --dataset sift-128-euclidean --codes sq7
  npm start -- --index hnsw --m 32 --ef-construction 400 --ef 20,40,80,160,320
  npm start -- --rows 10000 --queries 1000 --out out/small

${flagHelp(FLAGS)}

Writes results.json, recall-qps.svg, recall-latency.svg, recall-distances.svg, report.html, and the first index as it is
saved: <dataset>-<codes>.ann, or <dataset>-vamana-<codes>.ann.`;

/** Throws UsageError, whose message is one line for the person at the keyboard. */
export function parseStartArguments(argv: readonly string[]): StartOptions | 'help' | 'list' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  if (line.values.list) return 'list';
  const k = integerFlag(line, 'k', { min: 1, max: 1000 }) ?? 10;
  const index = choiceFlag(line, 'index', [...GRAPH_NAMES, 'both']) ?? 'both';
  const codes = choiceFlag(line, 'codes', ['f32', 'sq7', 'both']);
  const dataset = line.values.dataset as string | undefined;
  const queries = integerFlag(line, 'queries', { min: 1, max: 10_000_000 });
  const rows = integerFlag(line, 'rows', { min: k, least: '--k', max: 1_000_000_000 });
  const efs = integersFlag(line, 'ef', { min: k, least: '--k', max: 100_000 });
  const gammas = numbersFlag(line, 'gamma', { min: 0, max: 10 });
  if (efs && gammas) throw new UsageError('--ef, --gamma: the sweep is by one of them');
  return {
    k,
    graphs: graphParameters(line, index === 'both' ? GRAPH_NAMES : [index]),
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1,
    threads: integerFlag(line, 'threads', { min: 1, max: MOST_THREADS }) ?? defaultThreads(),
    out: (line.values.out as string | undefined) ?? 'out',
    rounds: integerFlag(line, 'rounds', { min: 1, max: 99 }) ?? 3,
    ...(dataset !== undefined && { dataset }),
    ...(codes !== undefined && { codes }),
    ...(queries !== undefined && { queries }),
    ...(rows !== undefined && { rows }),
    ...(efs !== undefined && { efs }),
    ...(gammas !== undefined && { gammas }),
  };
}

/** As many as a pool may have. */
const MOST_THREADS = 255;

function defaultThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS);
}

/** Runs the whole job; `say` is given what a person wants to read, a line or a table at a time. */
export async function start(
  options: StartOptions,
  say: (text: string) => void,
  { load = loadDataset } = {},
): Promise<Results> {
  const { seed, threads, out } = options;
  await prepareFolder(out);
  const dataset = await obtain(options, say, load);
  const command = commandOf({ ...options, dataset: dataset.name });
  if (options.gammas && dataset.metric === 'dot')
    throw new UsageError(`--gamma: not on ${dataset.name}, whose metric is dot: inner products are no lengths`);
  const knob = options.efs && { knob: 'efSearch' as const };
  const indexes = variantsOf(options);
  const parameters = { ...parametersOf(options.graphs, dataset), seed };
  return runJob({ ...options, ...knob, dataset, indexes, parameters, truthThreads: threads, disk: true, command }, say);
}

/** What is built, in the order in which it is shown. */
function variantsOf({ graphs: { hnsw, vamana }, codes, seed }: StartOptions): GraphVariant[] {
  const kinds = (alone: boolean) =>
    codes === 'both' || (codes === undefined && alone) ? (['sq7', 'f32'] as const) : [codes ?? 'sq7'];
  return [
    ...(hnsw ? kinds(true).map((codes) => ({ codes, ...hnsw, seed })) : []),
    ...(vamana ? kinds(!hnsw).map((codes) => ({ kind: 'vamana' as const, codes, ...vamana, seed })) : []),
  ];
}

/** What the report names of each graph, with what was left to its default. */
function parametersOf({ hnsw, vamana }: Partial<GraphParameters>, { train, metric }: Dataset): Record<string, number> {
  if (!vamana) return { ...hnsw };
  const { R, L, alpha, passes } = completeVamanaOptions({ dimension: train.dimension, metric, ...vamana });
  return { ...hnsw, R, L, alpha, passes };
}

/** The set that was asked for; where none was and the default cannot be had, a synthetic one, and says so. */
async function obtain(options: StartOptions, say: (text: string) => void, load: typeof loadDataset): Promise<Dataset> {
  const { dataset, rows, queries } = options;
  const get = (name: string) =>
    withLoadProgress((onProgress) =>
      load(name, {
        onProgress,
        ...(rows !== undefined && { maxRows: rows }),
        ...(queries !== undefined && { maxQueries: queries }),
      }),
    );
  if (dataset !== undefined) return get(dataset);
  try {
    return await get(DEFAULT_DATASET);
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    say(`${error.message}\ntaking the synthetic set ${FALLBACK_DATASET} instead of ${DEFAULT_DATASET}`);
    return get(FALLBACK_DATASET);
  }
}

/** The command line that repeats a run; what is at its default on every machine is left out. */
function commandOf(options: StartOptions & { dataset: string }): string {
  const { hnsw, vamana } = options.graphs;
  const flags: [string, string | number | boolean | undefined][] = [
    ['dataset', options.dataset],
    ['k', options.k],
    ['index', hnsw && vamana ? 'both' : Object.keys(options.graphs)[0]],
    ['m', hnsw?.M],
    ['ef-construction', hnsw?.efConstruction],
    ['r', vamana?.R],
    ['l', vamana?.L],
    ['alpha', vamana?.alpha],
    ['passes', vamana?.passes],
    ['saturate', vamana?.saturate],
    ['codes', options.codes],
    ['ef', options.efs?.join(',')],
    ['gamma', options.gammas?.join(',')],
    ['seed', options.seed],
    ['threads', options.threads === defaultThreads() ? undefined : options.threads],
    ['rounds', options.rounds],
    ['queries', options.queries],
    ['rows', options.rows],
  ];
  const words = flags.flatMap(([name, value]) => {
    if (value === undefined) return [];
    return value === true ? [`--${name}`] : [`--${name} ${value}`];
  });
  return `npm start -- ${words.join(' ')}`;
}

function listing(): string {
  return formatTable(
    ['name', 'vectors', 'dimension', 'metric', ''],
    listDatasets().map(({ name, rows, dimension, metric, title }) => [
      name,
      formatCount(rows),
      String(dimension),
      metric,
      title,
    ]),
    { words: [0, 3, 4] },
  );
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const options = parseStartArguments(process.argv.slice(2));
    if (options === 'help') say(HELP);
    else if (options === 'list') say(listing());
    else await start(options, say);
  });
}
