/** `annlab build`: vectors in, an index in a file out. */
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { OutputError, UsageError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { save } from '../engine/index-file.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { GRAPH_DEFAULTS } from '../graph/graph-options.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { Vamana } from '../graph/vamana.ts';
import type { VamanaOptions } from '../graph/vamana-options.ts';
import { METRICS, type Metric } from '../graph/vector-index.ts';
import { choiceFlag, type Flag, flagHelp, integerFlag, readCommandLine } from '../lab/command.ts';
import { loadDataset } from '../lab/datasets.ts';
import { formatBytes, formatCount, formatMillis, formatSeconds } from '../lab/format.ts';
import { readMatrix } from '../lab/formats/index.ts';
import { GRAPH_FLAGS, GRAPH_NAMES, graphParameters } from '../lab/graph-flags.ts';
import { withLoadProgress, withProgress } from '../lab/progress.ts';
import { prepareFolder } from '../lab/results.ts';
import { Pool } from '../workers/pool.ts';
import { buildInParts } from './build-in-parts.ts';
import { CODES_HELP, parseCodes, type TrainedCodes, trainCodes } from './train-codes.ts';

export interface BuildOptions {
  /** Where the vectors come from: a name of the catalogue, or a file. */
  from: { dataset: string } | { file: string };
  /** The first so many vectors; default: all. */
  rows?: number;
  /** Build in parts, with so much memory. Only a Vamana of a file. */
  memoryBytes?: number;
  /** The file to write. */
  out: string;
  threads: number;
  /** Whether to measure what recall costs. Default: yes. */
  calibrate?: boolean;
  /** Whether nodes near in space are put near in memory when all are in. */
  renumber: boolean;
  /** Which graph, and how it is made; the dimension is that of the vectors. */
  index:
    | ({ kind: 'hnsw' } & Omit<HnswOptions, 'dimension' | 'threads'>)
    | ({ kind: 'vamana' } & Omit<VamanaOptions, 'dimension' | 'threads'>);
  /** Codes of a quantizer that is trained first, in place of `index.codes`. */
  trained?: TrainedCodes;
}

const FLAGS: Record<string, Flag> = {
  dataset: { value: '<name>', help: 'vectors of a set (npm start -- --list shows them)' },
  input: { value: '<file>', help: 'or of a file: .fvecs, .bvecs, .fbin, .u8bin, .npy, .hdf5, … (and .gz)' },
  rows: { value: '<n>', help: 'only the first n vectors' },
  out: { value: '<file>', help: 'the index, such as out/my.ann; what is there is replaced when all is done' },
  metric: { value: '<name>', help: `${METRICS.join(', ')}; default that of the set, or l2` },
  index: { value: '<kind>', help: 'the graph: hnsw or vamana; default hnsw' },
  ...GRAPH_FLAGS.hnsw,
  ...GRAPH_FLAGS.vamana,
  codes: { value: '<kind>', help: CODES_HELP },
  finer: { value: '<kind>', help: 'with trained codes: sq7 ranks the best by 7-bit codes first; default none' },
  filter: { value: '<kind>', help: 'sign bits dismiss neighbours first: sign or none; default sign for large vectors' },
  seed: { value: '<n>', help: 'decides levels, orders and rotations; default 1' },
  threads: {
    value: '<n>',
    help: 'how many build; default all cores. Of an hnsw only 1 builds the same graph every time',
  },
  memory: {
    value: '<MiB>',
    help: 'build a vamana of an --input part by part, with no more than this besides what Node.js itself takes;\nneither calibrated nor renumbered',
  },
  'no-calibrate': { help: 'do not measure what recall costs, which "search --recall" and a recallTarget need' },
  capacity: { value: '<n>', help: 'the most vectors that it may hold; default: as many as are read' },
  'no-renumber': { help: 'leave nodes in the order in which they were added; default: near ones lie together' },
};

const HELP = `Builds an index and saves it. The ids of its vectors are their numbers, from 0.

  npm run annlab -- build --dataset fashion-mnist-784-euclidean --out out/fashion.ann
  npm run annlab -- build --input vectors.npy --metric cosine --out vectors.ann
  npm run annlab -- build --input vectors.npy --index vamana --r 48 --out vectors.ann
  npm run annlab -- build --input large.fbin --index vamana --memory 2048 --out large.ann

${flagHelp(FLAGS)}`;

export async function buildCommand(argv: readonly string[], say: (text: string) => void): Promise<void> {
  const options = parseBuildArguments(argv);
  if (options === 'help') say(HELP);
  else await build(options, say);
}

/** Throws UsageError. */
export function parseBuildArguments(argv: readonly string[]): BuildOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  const { values } = line;
  if (values.help) return 'help';
  const [dataset, file, out] = [values.dataset, values.input, values.out] as (string | undefined)[];
  if ((dataset === undefined) === (file === undefined)) {
    throw new UsageError(`vectors of ${dataset ? 'one' : 'what'}? Name a set with --dataset or a file with --input`);
  }
  if (out === undefined) throw new UsageError('where to? Name the file with --out');
  const kind = choiceFlag(line, 'index', GRAPH_NAMES) ?? 'hnsw';
  const graph = graphParameters(line, [kind])[kind];
  const rows = integerFlag(line, 'rows', { min: 1, max: 1_000_000_000 });
  const codes = values.codes === undefined ? undefined : parseCodes(String(values.codes));
  if (values.finer === 'sq7' && typeof codes !== 'object') {
    throw new UsageError(`--finer sq7: that goes with trained codes, such as --codes rabitq4`);
  }
  const memoryMib = integerFlag(line, 'memory', { min: 1, max: 2 ** 22 });
  if (memoryMib !== undefined && (kind !== 'vamana' || file === undefined || typeof codes === 'object'))
    throw new UsageError('--memory: that goes with --index vamana, an --input, and f32 or sq7 codes');
  const given = {
    metric: choiceFlag(line, 'metric', METRICS),
    codes: typeof codes === 'string' ? codes : undefined,
    finer: choiceFlag(line, 'finer', ['sq7', 'none'] as const),
    filter: choiceFlag(line, 'filter', ['sign', 'none'] as const),
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }),
    capacity: integerFlag(line, 'capacity', { min: 1, max: 2 ** 31 - 1 }),
  };
  return {
    from: dataset === undefined ? { file: file! } : { dataset },
    out,
    threads: integerFlag(line, 'threads', { min: 1, max: 255 }) ?? Math.min(availableParallelism(), 255),
    renumber: !values['no-renumber'],
    ...(rows !== undefined && { rows }),
    ...(memoryMib !== undefined && { memoryBytes: memoryMib * 2 ** 20 }),
    ...(values['no-calibrate'] && { calibrate: false }),
    ...(typeof codes === 'object' && { trained: codes }),
    index: { kind, ...graph, ...onlyGiven(given) },
  };
}

export async function build(options: BuildOptions, say: (text: string) => void): Promise<void> {
  const { out, threads } = options;
  // Now, rather than when all is built.
  await prepareFolder(path.dirname(out));
  if (existsSync(out) && statSync(out).isDirectory())
    throw new OutputError(out, 'is a directory', 'name a file with --out');
  if (options.memoryBytes !== undefined && 'file' in options.from) {
    const { kind: _, ...index } = options.index;
    const { memoryBytes, rows } = options;
    const parts = { file: options.from.file, out, memoryBytes, threads, index, ...onlyGiven({ rows }) };
    return await buildInParts(parts, say);
  }
  const { base, metric, name } = await obtain(options);
  const { rows, dimension } = base;
  say(`${name}: ${formatCount(rows)} vectors of ${dimension} dimensions`);
  const { kind, seed = GRAPH_DEFAULTS.seed, ...parameters } = options.index;
  const shape = { dimension, metric, capacity: rows, seed, ...parameters, threads: threads + 1 };
  // Now, rather than when they are trained.
  if (options.trained && kind === 'vamana' && shape.metric === 'dot')
    throw new UsageError('--codes: under dot a vamana walks on f32 or sq7');
  if (options.trained)
    shape.codes = await trainCodes(options.trained, base, { metric: shape.metric, seed, threads }, say);
  const index = kind === 'hnsw' ? Hnsw.create(shape) : Vamana.create(shape);

  const started = performance.now();
  await withProgress('building', 'vectors', (onProgress) => addAll(index, base, threads, onProgress));
  if (options.renumber)
    await withProgress('renumbering', 'vectors', async (onProgress) => index.renumber({ onProgress }));
  const built = performance.now();
  const { ramBytes } = index.stats();
  const on = threads === 1 ? 'one thread' : `${threads} threads`;
  say(`built in ${formatSeconds((built - started) / 1000)} on ${on}, ${formatBytes(ramBytes.total)} of RAM`);

  if (options.calibrate !== false) await calibrate(index, say);
  const saving = performance.now();
  const { bytes } = await withProgress('saving', 'bytes', (onProgress) => save(index, out, { onProgress }));
  say(`${out}: ${formatBytes(bytes)}, saved in ${formatMillis(performance.now() - saving)}`);
}

async function calibrate(index: AnyIndex, say: (text: string) => void): Promise<void> {
  if (index.count < 2) return say('not calibrated: one vector has no neighbours');
  const started = performance.now();
  const { queries } = await withProgress('calibrating', 'searches', (onProgress) => index.calibrate({ onProgress }));
  const seconds = formatSeconds((performance.now() - started) / 1000);
  say(`calibrated in ${seconds} on ${formatCount(queries)} of its own vectors`);
}

async function obtain({ from, rows, index }: BuildOptions): Promise<{ base: Matrix; metric: Metric; name: string }> {
  const most = onlyGiven({ maxRows: rows });
  // What was read can be collected while the copy is worked on.
  const readable = (base: Matrix) => (index.kind === 'vamana' ? shared(base) : base);
  if ('file' in from) return { base: readable(await readMatrix(from.file, most)), metric: 'l2', name: from.file };
  const dataset = await withLoadProgress((onProgress) =>
    loadDataset(from.dataset, { onProgress, ...most, maxQueries: 1 }),
  );
  return { base: readable(dataset.train), metric: dataset.metric, name: dataset.name };
}

/** What is given to the pool at once: it makes a copy that all its threads can read, and twice a large set would be too much. */
const PIECE_BYTES = 64 * 2 ** 20;

async function addAll(
  index: AnyIndex,
  base: Matrix,
  threads: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  if (index instanceof Vamana) {
    await using pool = await Pool.start(index, { threads });
    return await pool.build(base.data, { onProgress });
  }
  const { data, rows, dimension } = base;
  await using pool = await Pool.start(index, { threads });
  const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / (4 * dimension)));
  for (let from = 0; from < rows; from += pieceRows) {
    const piece = data.subarray(from * dimension, Math.min(rows, from + pieceRows) * dimension);
    await pool.addBatch(piece, { onProgress: (done) => onProgress(from + done, rows) });
  }
}

/** The same where all threads can read it: a Vamana is built of all vectors at once, of which a pool need make no copy then. */
function shared({ data, rows, dimension }: Matrix): Matrix {
  const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
  copy.set(data);
  return { data: copy, rows, dimension };
}

/** Without the fields that are undefined. */
function onlyGiven<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
