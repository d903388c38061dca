/**
 * The main job, `npm start`: real data in, the curve of speed against recall out. Loads a dataset, computes or loads its exact
 * neighbours, builds HNSW, saves and opens it, sweeps its width, measures exact search and batches beside it, and leaves
 * `results.json`, the figures as SVG, `report.html` and the saved index in `out/`.
 */
import { availableParallelism } from 'node:os';
import { DownloadError, UsageError } from '../core/errors.ts';
import { HNSW_DEFAULTS } from '../graph/hnsw-options.ts';
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
import { runJob } from './job.ts';
import { withLoadProgress } from './progress.ts';
import { prepareFolder, type Results } from './results.ts';

export const DEFAULT_DATASET = 'fashion-mnist-784-euclidean';
export const FALLBACK_DATASET = 'embedding-1024-30k';

export interface StartOptions {
  /** A name of the catalogue. Default: fashion-mnist, and where it cannot be had, the embedding-like synthetic set. */
  dataset?: string;
  k: number;
  M: number;
  efConstruction: number;
  codes: 'f32' | 'sq7' | 'both';
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
  m: { value: '<n>', help: 'M, neighbours given to a node on each level; default 16' },
  'ef-construction': {
    value: '<n>',
    help: `width of the beam while building; default ${HNSW_DEFAULTS.efConstruction}`,
  },
  codes: {
    value: '<kind>',
    help: 'what the walk looks at: f32, sq7 (7-bit codes, exact re-ranking) or both; default both',
  },
  ef: {
    value: '<list>',
    help: 'sweep the width of the beam instead of gamma, as always under dot:\nsuch as 10,20,40,80; default: from k up until recall is 0.9995',
  },
  gamma: {
    value: '<list>',
    help: 'how late searches stop, such as 0,0.02,0.05,0.1; default: from 0 up until\nrecall is 0.9995',
  },
  seed: { value: '<n>', help: 'decides levels and rotations; default 1' },
  threads: {
    value: '<n>',
    help: 'for ground truth, builds and batches; the sweep is on one; default all cores.\nOnly 1 builds the same graph from the same seed every time',
  },
  queries: { value: '<n>', help: 'only the first n queries' },
  rows: { value: '<n>', help: 'only the first n vectors' },
  rounds: { value: '<n>', help: 'times that everything is measured; the median counts; default 3' },
  out: { value: '<folder>', help: 'where results go; default out' },
  list: { help: 'show the datasets' },
};

const HELP = `Draws the curve of speed against recall: HNSW and exact search on one set of vectors.

  npm start
  npm start -- --dataset sift-128-euclidean --codes sq7
  npm start -- --m 32 --ef-construction 400 --ef 20,40,80,160,320
  npm start -- --rows 10000 --queries 1000 --out out/small

${flagHelp(FLAGS)}

Writes results.json, recall-qps.svg, recall-latency.svg, recall-distances.svg, report.html, and the first index as it is
saved: <dataset>-<codes>.ann.`;

/** Throws UsageError, whose message is one line for the person at the keyboard. */
export function parseStartArguments(argv: readonly string[]): StartOptions | 'help' | 'list' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  if (line.values.list) return 'list';
  const k = integerFlag(line, 'k', { min: 1, max: 1000 }) ?? 10;
  const M = integerFlag(line, 'm', { min: 2, max: 256 }) ?? HNSW_DEFAULTS.M;
  const dataset = line.values.dataset as string | undefined;
  const queries = integerFlag(line, 'queries', { min: 1, max: 10_000_000 });
  const rows = integerFlag(line, 'rows', { min: k, max: 1_000_000_000 });
  const efs = integersFlag(line, 'ef', { min: k, max: 100_000 });
  const gammas = numbersFlag(line, 'gamma', { min: 0, max: 10 });
  if (efs && gammas) throw new UsageError('--ef, --gamma: the sweep is by one of them');
  return {
    k,
    M,
    efConstruction:
      integerFlag(line, 'ef-construction', { min: M, max: 65_536 }) ?? Math.max(HNSW_DEFAULTS.efConstruction, M),
    codes: choiceFlag(line, 'codes', ['f32', 'sq7', 'both']) ?? 'both',
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1,
    threads: integerFlag(line, 'threads', { min: 1, max: MOST_THREADS }) ?? defaultThreads(),
    out: (line.values.out as string | undefined) ?? 'out',
    rounds: integerFlag(line, 'rounds', { min: 1, max: 99 }) ?? 3,
    ...(dataset !== undefined && { dataset }),
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
  const { M, efConstruction, seed, threads, out } = options;
  await prepareFolder(out);
  const dataset = await obtain(options, say, load);
  const kinds = options.codes === 'both' ? (['sq7', 'f32'] as const) : [options.codes];
  const parameters = { M, efConstruction, seed };
  const indexes = kinds.map((codes) => ({ codes, ...parameters }));
  const command = commandOf({ ...options, dataset: dataset.name });
  if (options.gammas && dataset.metric === 'dot')
    throw new UsageError(`--gamma: not on ${dataset.name}, whose metric is dot: inner products are no lengths`);
  const knob = options.efs && { knob: 'efSearch' as const };
  return runJob({ ...options, ...knob, dataset, indexes, parameters, truthThreads: threads, disk: true, command }, say);
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
  const flags: [string, string | number | undefined][] = [
    ['dataset', options.dataset],
    ['k', options.k],
    ['m', options.M],
    ['ef-construction', options.efConstruction],
    ['codes', options.codes],
    ['ef', options.efs?.join(',')],
    ['gamma', options.gammas?.join(',')],
    ['seed', options.seed],
    ['threads', options.threads === defaultThreads() ? undefined : options.threads],
    ['rounds', options.rounds],
    ['queries', options.queries],
    ['rows', options.rows],
  ];
  return `npm start -- ${flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`])).join(' ')}`;
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
