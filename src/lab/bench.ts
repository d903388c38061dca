/**
 * `npm run bench`: the engine measured alone. `kernels`: what one distance costs, beside a plain JavaScript loop. `indexes`:
 * the sweep of `npm start` over harder data too, HNSW also with the sign filter turned off, to see what it is worth, and by the width
 * of the beam, to see what gamma is. `codes`: memory, speed and recall of every kind of code. `batch`: one thread given many queries
 * at once. `build`: one writer beside several. `files`: what it takes to open an index. `churn`: a Vamana whose vectors are replaced
 * bit by bit; only where it is asked for. `day 3`: the timed cases of a day, as its notebook shows them.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { AnnError, IndexFileError, UsageError } from '../core/errors.ts';
import { save, verify } from '../engine/index-file.ts';
import { HNSW_DEFAULTS } from '../graph/hnsw-options.ts';
import { VAMANA_DEFAULTS } from '../graph/vamana-options.ts';
import { batchTable, benchBatch } from './bench-batch.ts';
import { benchBuild, buildTable } from './bench-build.ts';
import { benchChurn, CHURN_TRUTH, churnTable } from './bench-churn.ts';
import { benchCodes, codesTable } from './bench-codes.ts';
import { benchFiles, filesTable } from './bench-files.ts';
import { benchKernels, type KernelBench } from './bench-kernels.ts';
import { benchCells, benchmarkDay } from './benchmark-day.ts';
import { buildHnsw, type GraphVariant } from './build.ts';
import { type CommandLine, type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from './command.ts';
import { type Dataset, loadDataset } from './datasets.ts';
import { recallQpsFigure } from './figures.ts';
import { formatBytes, formatCount, formatTable } from './format.ts';
import { groundTruth } from './ground-truth.ts';
import { runJob } from './job.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { withLoadProgress, withProgress } from './progress.ts';
import type { Truth } from './recall.ts';
import { prepareFolder, writeOutputs } from './results.ts';

/** What is measured where nothing is said; and all that can be. */
const USUAL_PARTS = ['kernels', 'indexes', 'codes', 'batch', 'build', 'files'] as const;
const PARTS = [...USUAL_PARTS, 'churn'] as const;
type Part = (typeof PARTS)[number];

export interface BenchOptions {
  parts: Part[];
  /** Instead of the parts: the cases of this day. */
  day?: number;
  datasets: string[];
  rows?: number;
  queries: number;
  dimension: number;
  rounds: number;
  /** How often `churn` replaces a twentieth. */
  churns: number;
  seed: number;
  /** For builds, training and batches. Default: 1 for `indexes`, all cores for all others. */
  threads?: number;
  /** For `files`: one that is there. */
  file?: string;
  out: string;
}

const FLAGS: Record<string, Flag> = {
  dataset: {
    value: '<list>',
    help: 'indexes, codes, batch, build, files, churn: which vectors, separated by commas;\ndefault fashion-mnist-784-euclidean,embedding-1024-30k',
  },
  rows: { value: '<n>', help: 'indexes, codes, batch, build, files, churn: only the first n vectors' },
  queries: { value: '<n>', help: 'indexes, codes, batch, build, churn: only the first n queries; default 1000' },
  rounds: { value: '<n>', help: 'all but kernels and churn: times that everything is measured; default 3' },
  churns: { value: '<n>', help: 'churn: how often a twentieth of the vectors is replaced; default 20' },
  seed: {
    value: '<n>',
    help: 'indexes, codes, batch, build, files, churn: decides levels, rotations, training and order; default 1',
  },
  threads: {
    value: '<n>',
    help: 'indexes: for builds, and for batches if more than 1; default 1;\ncodes, batch, build, files, churn: writers; default all cores',
  },
  file: { value: '<file.ann>', help: 'files: one that was saved before, instead of new ones' },
  dimension: { value: '<n>', help: 'kernels: components of a vector; default 1024' },
  out: { value: '<folder>', help: 'all but day: where results go; default out/bench' },
};

/** What each flag has a meaning for. */
const USED_BY: Record<string, readonly (Part | 'day')[]> = {
  dataset: ['indexes', 'codes', 'batch', 'build', 'files', 'churn'],
  rows: ['indexes', 'codes', 'batch', 'build', 'files', 'churn'],
  queries: ['indexes', 'codes', 'batch', 'build', 'churn'],
  rounds: ['indexes', 'codes', 'batch', 'build', 'files', 'day'],
  churns: ['churn'],
  seed: ['indexes', 'codes', 'batch', 'build', 'files', 'churn'],
  threads: ['indexes', 'codes', 'batch', 'build', 'files', 'churn'],
  file: ['files'],
  dimension: ['kernels'],
  out: PARTS,
};

const HELP = `Measures the engine: ${PARTS.join(', ')} or, without a word, all of them but churn; or the timed cases of a day.

  npm run bench
  npm run bench -- kernels --dimension 768
  npm run bench -- indexes --dataset sift-128-euclidean --rows 100000
  npm run bench -- codes --dataset embedding-1024-30k
  npm run bench -- build files --dataset embedding-1024-100k
  npm run bench -- churn --dataset fashion-mnist-784-euclidean
  npm run bench -- day 3

${flagHelp(FLAGS)}`;

/** Throws UsageError, whose message is one line. */
export function parseBenchArguments(argv: readonly string[]): BenchOptions | 'help' {
  const line = readCommandLine(argv, FLAGS, true);
  if (line.values.help) return 'help';
  const day = dayOf(line.positionals);
  const parts = (day === undefined ? line.positionals : []).map((word, i) => {
    if (word === 'day') throw standsAlone(line.positionals[i + 1]);
    const part = PARTS.find((one) => one === word);
    if (part === undefined) throw new UsageError(`${word}: choose from ${PARTS.join(', ')}, day`);
    return part;
  });
  refuseIdleFlags(line, day === undefined ? (parts.length > 0 ? parts : USUAL_PARTS) : ['day']);
  const rows = integerFlag(line, 'rows', { min: 100, max: 1_000_000_000 });
  const threads = integerFlag(line, 'threads', { min: 1, max: 255 });
  const file = line.values.file as string | undefined;
  const datasets = (line.values.dataset as string | undefined) ?? 'fashion-mnist-784-euclidean,embedding-1024-30k';
  return {
    parts: parts.length > 0 ? [...new Set(parts)] : [...USUAL_PARTS],
    datasets: datasets.split(',').map((name) => name.trim()),
    queries: integerFlag(line, 'queries', { min: 1, max: 10_000_000 }) ?? 1000,
    dimension: integerFlag(line, 'dimension', { min: 1, max: 4096 }) ?? 1024,
    rounds: integerFlag(line, 'rounds', { min: 1, max: 99 }) ?? 3,
    churns: integerFlag(line, 'churns', { min: 1, max: 1000 }) ?? 20,
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1,
    out: (line.values.out as string | undefined) ?? path.join('out', 'bench'),
    ...(rows !== undefined && { rows }),
    ...(threads !== undefined && { threads }),
    ...(file !== undefined && { file }),
    ...(day !== undefined && { day }),
  };
}

/** `day 3`, alone. */
function dayOf([word, number, ...rest]: readonly string[]): number | undefined {
  if (word !== 'day') return undefined;
  if (number === undefined || !/^\d{1,2}$/.test(number)) {
    throw new UsageError(
      `day${number === undefined ? '' : ` ${number}`}: which one? For example: npm run bench -- day 3`,
    );
  }
  if (rest.length > 0)
    throw new UsageError(`day ${number} ${rest.join(' ')}: one day at a time, and nothing beside it`);
  return Number(number);
}

/** `kernels day 3` */
function standsAlone(number: string | undefined): UsageError {
  const day = /^\d{1,2}$/.test(number ?? '') ? `day ${number}` : undefined;
  return new UsageError(`${day ?? 'day'} stands alone: npm run bench -- ${day ?? 'day 3'}`);
}

/** Throws UsageError for a flag that nothing of what is measured would read. */
function refuseIdleFlags({ values, positionals }: CommandLine, measured: readonly (Part | 'day')[]): void {
  for (const [flag, users] of Object.entries(USED_BY)) {
    if (values[flag] === undefined || users.some((user) => measured.includes(user))) continue;
    throw new UsageError(`${positionals.join(' ')} --${flag}: that flag goes with ${users.join(', ')}`);
  }
}

export async function bench(options: BenchOptions, say: (text: string) => void): Promise<void> {
  if (options.day !== undefined) return day(options.day, options.rounds, say);
  await prepareFolder(options.out);
  if (options.parts.includes('kernels')) await kernels(options, say);
  if (options.parts.includes('indexes')) await indexes(options, say);
  if (options.parts.includes('codes')) await codes(options, say);
  if (options.parts.includes('batch')) await batch(options, say);
  if (options.parts.includes('build')) await builds(options, say);
  if (options.parts.includes('files')) await files(options, say);
  if (options.parts.includes('churn')) await churn(options, say);
}

async function day(number: number, rounds: number, say: (text: string) => void): Promise<void> {
  const rows = await benchmarkDay(number, { rounds });
  const { heads, cells } = benchCells(rows);
  const words = heads.length > 5 ? [0, 1] : [0];
  say(
    `${formatTable(heads, cells, { words })}\n\n${rows[0]?.machine ?? 'nothing to time yet: every case has a hole that is not written'}`,
  );
}

async function kernels({ dimension, out }: BenchOptions, say: (text: string) => void): Promise<void> {
  const result = await withProgress('kernels', 'measurements', (onProgress) => benchKernels({ dimension, onProgress }));
  const { hugePages } = result;
  say(`${kernelsTable(result)}\n`);
  for (const line of kernelsVerdict(result)) say(line);
  const machine = describeMachine({ hugePages });
  const versions = describeVersions();
  say(`\n${machine.cpu}, Node ${versions.node}, ${versions.wasm} build, ${hugePages ? 'with' : 'without'} huge pages`);
  const [file] = await writeOutputs(out, {
    'kernels.json': `${JSON.stringify({ machine, versions, ...result }, null, 2)}\n`,
  });
  say(`wrote ${file}\n`);
}

/** Nanoseconds per distance, and beside each how many times the JavaScript loop (from the same place) it is. */
export function kernelsTable({ dimension, costs }: KernelBench): string {
  const [loop] = costs;
  const cell = (ns: number | null, loopNs: number) =>
    ns === null ? ['–', ''] : [ns.toFixed(ns < 99.95 ? 1 : 0), ns === loopNs ? '' : `${(loopNs / ns).toFixed(1)}×`];
  return formatTable(
    [`${dimension}-D, ns per distance`, 'cache, one', '', 'cache, four', '', 'memory, one', '', 'memory, four', ''],
    costs.map(({ kernel, cacheOne, cacheFour, memoryOne, memoryFour }) => [
      kernel,
      ...cell(cacheOne, loop.cacheOne),
      ...cell(cacheFour, loop.cacheOne),
      ...cell(memoryOne, loop.memoryOne),
      ...cell(memoryFour, loop.memoryOne),
    ]),
  );
}

/** The three ratios on which the engine is built. */
function kernelsVerdict({ callNs, costs }: KernelBench): string[] {
  const [loop, l2] = costs;
  const codes = costs.find(({ kernel }) => kernel.includes('codes'))!;
  return [
    `f32 in cache: ${(loop.cacheOne / l2.cacheOne).toFixed(1)} times as fast as the JavaScript loop`,
    `f32 from memory: four per call ${(l2.memoryOne / l2.memoryFour!).toFixed(2)} times as fast as one per call`,
    `in cache: 7-bit codes ${(l2.cacheOne / codes.cacheOne).toFixed(1)} times as fast as f32, ` +
      `${((l2.cacheOne - callNs) / (codes.cacheOne - callNs)).toFixed(1)} without the ${callNs.toFixed(1)} ns of the call itself`,
  ];
}

async function indexes(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, rounds, seed, threads = 1, out } = options;
  for (const name of datasets) {
    const dataset = await loadFor(name, options);
    const folder = path.join(out, name);
    await prepareFolder(folder);
    const { M, efConstruction } = HNSW_DEFAULTS;
    const { R, L } = VAMANA_DEFAULTS;
    const parameters = { M, efConstruction, seed };
    const variants: GraphVariant[] = [
      { codes: 'sq7', ...parameters },
      { codes: 'f32', ...parameters },
      { index: 'hnsw unfiltered', codes: 'sq7', filter: 'none', ...parameters },
      { index: 'hnsw unfiltered', codes: 'f32', filter: 'none', ...parameters },
      { kind: 'vamana', codes: 'sq7', R, L, seed },
      { kind: 'vamana', codes: 'f32', R, L, seed },
    ];
    const command = commandOf('indexes', name, { ...options, threads: threads === 1 ? undefined : threads });
    await runJob(
      {
        ...{
          dataset,
          indexes: variants,
          parameters: { M, efConstruction, R, L, seed },
          k: 10,
          rounds,
          threads,
          truthThreads: availableParallelism(),
        },
        ...{ beam: true, disk: false, out: folder, command },
      },
      say,
    );
    say('');
  }
}

/** Every kind of code: what it takes, and what it finds at the speed of the walk on floats. */
async function codes(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, rounds, seed, threads = availableParallelism(), out } = options;
  const k = 10;
  for (const name of datasets) {
    const dataset = await loadFor(name, options);
    const { train, metric, title, queries } = dataset;
    say(`${name}: ${formatCount(train.rows)} vectors, ${train.dimension} dimensions`);
    const truth = await truthFor(dataset, k);
    const found = await benchCodes({ dataset, truth, k, seed, threads, rounds, say });
    say(`\n${codesTable(found)}\n`);
    const { M, efConstruction } = HNSW_DEFAULTS;
    const result = {
      ...{ machine: describeMachine(), versions: describeVersions() },
      run: {
        date: new Date().toISOString(),
        command: commandOf('codes', name, options),
        dataset: {
          ...{ name, about: title, metric, vectors: train.rows, queries: queries.rows },
          dimension: train.dimension,
        },
        parameters: { k, M, efConstruction, seed, rounds, threads },
      },
      ...found,
    };
    const subtitle = `${name}, ${formatCount(train.rows)} vectors, ${train.dimension}-D`;
    const paths = await writeOutputs(out, {
      [`codes-${name}.json`]: `${JSON.stringify(result, null, 2)}\n`,
      [`codes-${name}.svg`]: recallQpsFigure(found.rows, { subtitle, width: 820 }),
    });
    say(`wrote ${paths.join(', ')}\n`);
  }
}

/** One thread given all queries at once, and one after the other. */
async function batch(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, rounds, seed, threads = availableParallelism(), out } = options;
  const k = 10;
  for (const name of datasets) {
    const dataset = await loadFor(name, options);
    const costs = await benchBatch({ dataset, truth: await truthFor(dataset, k), k, seed, threads, rounds });
    say(`${name}: ${formatCount(dataset.train.rows)} vectors\n${batchTable(costs)}`);
    const result = { machine: describeMachine(), versions: describeVersions(), dataset: name, rounds, costs };
    const [file] = await writeOutputs(out, { [`batch-${name}.json`]: `${JSON.stringify(result, null, 2)}\n` });
    say(`wrote ${file}\n`);
  }
}

/** One writer and several, in turn. */
async function builds(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, rounds, seed, threads = availableParallelism(), out } = options;
  const k = 10;
  for (const name of datasets) {
    const dataset = await loadFor(name, options);
    const truth = await truthFor(dataset, k);
    const costs = await withProgress('building', 'builds', (onProgress) =>
      benchBuild({ dataset, truth, k, seed, threads, rounds, onProgress }),
    );
    say(`${name}: ${formatCount(dataset.train.rows)} vectors\n${buildTable(costs)}`);
    const broken = costs.flatMap(({ faults }) => faults);
    for (const fault of broken.slice(0, 10)) say(`broken: ${fault}`);
    const result = { machine: describeMachine(), versions: describeVersions(), dataset: name, rounds, costs };
    const [file] = await writeOutputs(out, { [`build-${name}.json`]: `${JSON.stringify(result, null, 2)}\n` });
    say(`wrote ${file}\n`);
  }
}

/** What it takes to open the file that was named, or one for each set. */
async function files(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, rounds, seed, threads = availableParallelism(), out } = options;
  const measured = async (file: string, bytes: number) => {
    const openings = await withProgress('opening', 'times', (onProgress) => benchFiles(file, { rounds, onProgress }));
    say(`${file}: ${formatBytes(bytes)}\n${filesTable(openings)}\n`);
  };
  if (options.file !== undefined) {
    const { ok, bytes, faults } = await verify(options.file);
    // What cannot even be opened is said in one sentence, which names the file.
    if (!ok && faults.length === 1) throw new AnnError('INDEX_FILE', faults[0]);
    if (!ok) throw new IndexFileError(options.file, faults[0], 'see npm run annlab -- verify');
    return measured(options.file, bytes);
  }
  for (const name of datasets) {
    const { train: base, metric } = await loadFor(name, options);
    const { graph } = await withProgress('building hnsw sq7', 'vectors', (onProgress) =>
      buildHnsw({ codes: 'sq7', seed, base, metric, threads, onProgress }),
    );
    const file = path.join(out, `${name}.ann`);
    const { bytes } = await withProgress('saving', 'bytes', (onProgress) => save(graph, file, { onProgress }));
    await measured(file, bytes);
  }
}

/** A Vamana of which a twentieth is replaced again and again. */
async function churn(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { datasets, churns, seed, threads = availableParallelism(), out } = options;
  // Narrow: a beam that finds all would show nothing.
  const [k, efSearch, share] = [10, 16, 0.05];
  for (const name of datasets) {
    const dataset = await loadFor(name, options);
    const truth = await truthFor(dataset, CHURN_TRUTH * k);
    const rounds = await withProgress('churning', 'rounds', (onProgress) =>
      benchChurn({ dataset, truth, k, efSearch, share, churns, seed, threads, onProgress }),
    );
    say(`${name}: ${formatCount(dataset.train.rows)} vectors, k ${k}, efSearch ${efSearch}\n${churnTable(rounds)}`);
    for (const fault of rounds.flatMap(({ faults }) => faults).slice(0, 10)) say(`broken: ${fault}`);
    const result = { machine: describeMachine(), versions: describeVersions(), dataset: name, k, efSearch, rounds };
    const [file] = await writeOutputs(out, { [`churn-${name}.json`]: `${JSON.stringify(result, null, 2)}\n` });
    say(`wrote ${file}\n`);
  }
}

/** The command that repeats one part on one set; flags that were left to their default on any machine are left out. */
function commandOf(
  part: Part,
  dataset: string,
  {
    rows,
    queries,
    rounds,
    seed,
    threads,
  }: Pick<BenchOptions, 'rows' | 'queries' | 'rounds' | 'seed'> & {
    threads?: number | undefined;
  },
): string {
  const flags = Object.entries({ dataset, rows, queries, rounds, seed, threads }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${value}`],
  );
  return `npm run bench -- ${part} ${flags.join(' ')}`;
}

function truthFor(dataset: Dataset, k: number): Promise<Truth> {
  return withProgress('exact neighbours', 'queries', (onProgress) =>
    groundTruth(dataset, k, { threads: availableParallelism(), onProgress }),
  );
}

function loadFor(name: string, { rows, queries }: BenchOptions) {
  const most = { maxQueries: queries, ...(rows !== undefined && { maxRows: rows }) };
  return withLoadProgress((onProgress) => loadDataset(name, { onProgress, ...most }));
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const options = parseBenchArguments(process.argv.slice(2));
    if (options === 'help') say(HELP);
    else await bench(options, say);
  });
}
