/**
 * `npm run bench:peers`: annlab against the vector search libraries of npm, on the same vectors with the same queries, one
 * thread, one query at a time. Everything is built, then measured round by round, engine by engine; engines are compared
 * within a round and the median of the rounds is told. Leaves `peers.json`, every round apart in `peers-rounds.json`, and the
 * curves in `out/`.
 *
 * `--growth` measures annlab alone on more and more vectors: how the cost of a query grows.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../src/core/errors.ts';
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
} from '../../../src/lab/command.ts';
import { type Dataset, loadDataset } from '../../../src/lab/datasets.ts';
import { type GrowthPoint, growthFigure, recallQpsFigure } from '../../../src/lab/figures.ts';
import { formatBytes, formatCount, formatMicros, formatSeconds, formatTable } from '../../../src/lab/format.ts';
import { groundTruth } from '../../../src/lab/ground-truth.ts';
import { describeMachine, describeVersions } from '../../../src/lab/machine.ts';
import { withProgress } from '../../../src/lab/progress.ts';
import { prepareFolder, writeOutputs } from '../../../src/lab/results.ts';
import { qpsAtRecall, type SweepRow, seriesLabel, seriesOf } from '../../../src/lab/sweep.ts';
import {
  type BuildRatio,
  buildRatios,
  distancesAtRecall,
  medianRows,
  type Ratio,
  ratios,
  type Speeds,
  speeds,
} from './comparison.ts';
import { type Built, EngineProcess, type EngineTask, type Swept } from './engine-process.ts';
import { PEERS } from './engines/index.ts';
import { isInstalled, type Peer, PeerMissingError } from './engines/peer.ts';

const DEFAULT_DATASET = 'fashion-mnist-784-euclidean';
const GROWTH_DATASET = 'embedding-1024-100k';
const GROWTH_ROWS = [10_000, 30_000, 100_000];
const RECALLS = [0.9, 0.95, 0.99];

export interface BenchOptions {
  dataset: string;
  /** The first so many base vectors; default: all. */
  rows?: number;
  queries: number;
  k: number;
  rounds: number;
  /** Names of engines; default: all. */
  only: string[];
  /** Default: each engine's own (`Peer.defaults`). */
  M?: number;
  efConstruction?: number;
  efs?: number[];
  gammas?: number[];
  out: string;
  growth: boolean;
  /** The build of annlab's kernels. Default: the fastest that runs here. */
  wasm?: 'baseline' | 'relaxed';
  /** At which growth is told. */
  recall: number;
}

const NAMES = PEERS.map(({ name }) => name);

const FLAGS: Record<string, Flag> = {
  dataset: { value: '<name>', help: `which vectors; default ${DEFAULT_DATASET} (with --growth: ${GROWTH_DATASET})` },
  rows: { value: '<n>', help: 'only the first n vectors' },
  queries: { value: '<n>', help: 'only the first n queries; default 1000' },
  k: { value: '<n>', help: 'neighbours wanted; default 10' },
  rounds: { value: '<n>', help: 'how often everything is measured; default 3' },
  only: {
    value: '<list>',
    help: `some of ${NAMES.slice(0, 5).join(', ')},\n${NAMES.slice(5).join(', ')};\nthe part before the hyphen names them all: --only annlab,usearch`,
  },
  m: { value: '<n>', help: 'M of every graph; default 16' },
  'ef-construction': { value: '<n>', help: 'width of the beam while building; default 200, annlab its own' },
  ef: { value: '<list>', help: 'widths of the beam to sweep, such as 10,20,40,80' },
  gamma: { value: '<list>', help: 'how late annlab stops, to sweep, such as 0,0.02,0.1' },
  wasm: { value: '<build>', help: 'the build of annlab’s kernels, baseline or relaxed; default the fastest that runs' },
  growth: { help: `annlab alone at ${GROWTH_ROWS.map(formatCount).join(', ')} vectors: how cost grows` },
  recall: { value: '<share>', help: 'the recall at which growth is told; default 0.95' },
  out: { value: '<folder>', help: 'where the results go; default out' },
};

const HELP = `npm run bench:peers -- [flags]

annlab against hnswlib, usearch, zvec and LanceDB: same vectors, same queries, one thread.
The peers are an install of their own, once: npm run setup:peers

${flagHelp(FLAGS)}`;

export function parseBenchArguments(argv: readonly string[]): BenchOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  const growth = line.values.growth === true;
  const k = integerFlag(line, 'k', { min: 1, max: 1000 }) ?? 10;
  const M = integerFlag(line, 'm', { min: 2, max: 256 });
  const efConstruction = integerFlag(line, 'ef-construction', { min: M ?? 2, max: 65_536 });
  const rows = integerFlag(line, 'rows', { min: 1, max: 2 ** 32 - 1 });
  const efs = integersFlag(line, 'ef', { min: k, max: 65_536 });
  const gammas = numbersFlag(line, 'gamma', { min: 0, max: 10 });
  const wasm = choiceFlag(line, 'wasm', ['baseline', 'relaxed']);
  return {
    dataset: (line.values.dataset as string | undefined) ?? (growth ? GROWTH_DATASET : DEFAULT_DATASET),
    queries: integerFlag(line, 'queries', { min: 1, max: 1_000_000 }) ?? 1000,
    k,
    rounds: integerFlag(line, 'rounds', { min: 1, max: 99 }) ?? 3,
    only: namesOf(line.values.only as string | undefined),
    out: (line.values.out as string | undefined) ?? 'out',
    growth,
    recall: recallOf(line.values.recall as string | undefined),
    ...(rows !== undefined && { rows }),
    ...(M !== undefined && { M }),
    ...(efConstruction !== undefined && { efConstruction }),
    ...(efs && { efs }),
    ...(gammas && { gammas }),
    ...(wasm && { wasm }),
  };
}

function recallOf(text: string | undefined): number {
  const recall = text === undefined ? 0.95 : Number(text);
  if (!(recall > 0 && recall <= 1)) throw new UsageError(`--recall ${text}: expected a share above 0, up to 1`);
  return recall;
}

function namesOf(list: string | undefined): string[] {
  if (list === undefined) return NAMES;
  return list.split(',').flatMap((part) => {
    const wanted = part.trim();
    const found = NAMES.filter((name) => name === wanted || name.startsWith(`${wanted}-`));
    if (found.length === 0) throw new UsageError(`--only ${wanted}: choose from ${NAMES.join(', ')}`);
    return found;
  });
}

/** Everything on one set. */
export async function benchPeers(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const peers = PEERS.filter(({ name }) => options.only.includes(name));
  await prepare(peers, options);
  const { dataset, engines, rounds } = await measure(peers, options, say);
  const perRound = rounds.map((swept) => swept.flatMap((one) => one.rows));
  const rows = medianRows(perRound);
  const found = speeds(perRound, RECALLS);
  const isOurs = ({ index }: SweepRow) => index === 'annlab' || index === 'annlab-vamana';
  const isF32 = ({ codes }: SweepRow) => codes === 'f32';
  // Codes against whatever the peers have best; f32 against f32.
  const verdicts = {
    peers: ratios(
      perRound,
      RECALLS,
      (row) => isOurs(row) && !isF32(row),
      (row) => !isOurs(row),
    ),
    'f32 peers': ratios(
      perRound,
      RECALLS,
      (row) => isOurs(row) && isF32(row),
      (row) => !isOurs(row) && isF32(row),
    ),
  };
  const builds = buildRatios(
    engines.map(({ peer, built }) => ({
      ...{ labels: built.searchers.map(seriesLabel), seconds: built.seconds, ours: peer.package === null },
    })),
    verdicts.peers,
  );
  say(`\n${comparisonTable(found, engines, dataset.train.rows)}\n`);
  for (const [against, told] of Object.entries(verdicts)) {
    for (const verdict of told) say(verdictLine(verdict, against));
  }
  for (const ratio of builds) say(buildLine(ratio));

  const results = {
    machine: describeMachine(),
    versions: { ...describeVersions(), ...wasmOf(engines), ...versionsOf(peers) },
    run: runOf(options, dataset),
    engines: engines.map(({ peer: { name, threads }, parameters, built }) => ({
      name,
      threads,
      ...parameters,
      ...built,
    })),
    speeds: { recalls: RECALLS, engines: found },
    ratios: verdicts,
    builds,
    rows,
  };
  const { name, train } = dataset;
  const subtitle = `${name}, ${formatCount(train.rows)} vectors, ${train.dimension}-D`;
  const paths = await writeOutputs(options.out, {
    'peers.json': `${JSON.stringify(results, null, 2)}\n`,
    'peers-rounds.json': `${JSON.stringify(rounds)}\n`,
    'peers.svg': recallQpsFigure(rows, { subtitle, width: 960 }),
  });
  say(`\nwrote ${paths.join(', ')}`);
}

/** Distances and µs at one recall on the first 10,000, 30,000, … vectors of a set. */
export async function benchGrowth(options: BenchOptions, say: (text: string) => void): Promise<void> {
  const { recall } = options;
  const peers = PEERS.filter((peer) => peer.package === null && options.only.includes(peer.name));
  await prepare(peers, options);
  const points: GrowthPoint[] = [];
  let wasm = {};
  for (const wanted of GROWTH_ROWS) {
    const { dataset, engines, rounds } = await measure(peers, { ...options, rows: wanted }, say);
    const n = dataset.train.rows;
    wasm = wasmOf(engines);
    for (const curve of seriesOf(medianRows(rounds.map((swept) => swept.flatMap((one) => one.rows))))) {
      const series = seriesLabel(curve[0]);
      const qps = qpsAtRecall(curve, recall);
      const distances = distancesAtRecall(curve, recall);
      const least = Math.min(...curve.map((row) => row.recall));
      if (qps !== null && distances !== null) points.push({ series, n, distances, us: 1e6 / qps });
      else
        say(
          `${series}: recall ${recall} is not reached on ${formatCount(n)} vectors: widen the sweep with --ef or --gamma`,
        );
      if (least > recall)
        say(`${series}: the narrowest search reaches ${least.toFixed(4)} on ${formatCount(n)} vectors already`);
    }
  }
  const heads = ['', 'vectors', `distances at recall ${recall}`, 'µs'];
  const lines = points.map(({ series, n, distances, us }) => [
    series,
    formatCount(n),
    formatCount(distances),
    formatMicros(us),
  ]);
  say(`\n${formatTable(heads, lines)}`);
  const subtitle = `${options.dataset}, recall ${recall}`;
  const draw = (cost: 'distances' | 'us') => growthFigure(points, { cost, subtitle });
  const results = {
    machine: describeMachine(),
    versions: { ...describeVersions(), ...wasm },
    dataset: options.dataset,
    recall,
    points,
  };
  const paths = await writeOutputs(options.out, {
    'growth.json': `${JSON.stringify(results, null, 2)}\n`,
    ...(points.length > 0 && { 'growth-distances.svg': draw('distances'), 'growth-us.svg': draw('us') }),
  });
  say(`\nwrote ${paths.join(', ')}`);
}

/** More than k are kept, so that ties at the k-th count as right. */
const TRUTH_WIDTH = 100;
/** Where a sweep ends, even if the list of widths goes on. */
const ENOUGH_RECALL = 0.9995;

/** Says what is missing before anything takes long. */
async function prepare(peers: readonly Peer[], { only, out }: BenchOptions): Promise<void> {
  if (peers.length === 0) throw new UsageError(`--only ${only.join(',')}: none of these has part in it`);
  const absent = peers.flatMap((peer) => (peer.package !== null && !isInstalled(peer.package) ? [peer.package] : []));
  if (absent.length > 0) throw new PeerMissingError([...new Set(absent)]);
  await prepareFolder(out);
}

interface Engine {
  peer: Peer;
  built: Built;
  parameters: Peer['defaults'];
}

interface Measured {
  dataset: Dataset;
  engines: Engine[];
  /** For each round what each searcher found, always in the same order. */
  rounds: Swept[][];
}

/** Loads, builds everything, then measures everything in turn. */
async function measure(peers: readonly Peer[], options: BenchOptions, say: (text: string) => void): Promise<Measured> {
  const dataset = await load(options, say);
  const truth = await withProgress('exact neighbours', 'queries', (onProgress) =>
    groundTruth(dataset, Math.max(TRUTH_WIDTH, options.k), { onProgress }),
  );
  const scratch = mkdtempSync(join(tmpdir(), 'annlab-peers-'));
  const removeScratch = () => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', removeScratch);
  const running: (Engine & { runner: EngineProcess })[] = [];
  try {
    for (const peer of peers) {
      const folder = join(scratch, peer.name);
      mkdirSync(folder);
      const { k, efs, gammas, wasm } = options;
      const M = options.M ?? peer.defaults.M;
      const efConstruction = options.efConstruction ?? Math.max(M, peer.defaults.efConstruction);
      const task: EngineTask = {
        dataset: dataset.name,
        rows: dataset.train.rows,
        queries: dataset.queries.rows,
        truth,
        k,
        enough: ENOUGH_RECALL,
        settings: { M, efConstruction, folder },
        ...(efs && { efs }),
        ...(gammas && { gammas }),
      };
      const environment = wasm && peer.package === null ? { ANNLAB_WASM: wasm } : {};
      const runner = await withProgress(`building ${peer.name}`, 'vectors', (onProgress) =>
        EngineProcess.start(peer, task, onProgress, environment),
      );
      running.push({ peer, runner, built: runner.built, parameters: { M, efConstruction } });
      const { seconds, ramBytes } = runner.built;
      say(`${peer.name}: built in ${formatSeconds(seconds)}, ${formatBytes(ramBytes)} of RAM`);
    }
    const rounds = await withProgress('searching', 'sweeps', (onProgress) =>
      measureRounds(
        running.map(({ runner }) => runner),
        options.rounds,
        onProgress,
      ),
    );
    return { dataset, engines: running.map(({ peer, built, parameters }) => ({ peer, built, parameters })), rounds };
  } finally {
    for (const { runner } of running) await runner.stop();
    removeScratch();
    process.off('exit', removeScratch);
  }
}

/** Every other round goes through the engines backwards, so that none is always first or always after the same one. */
async function measureRounds(
  engines: readonly EngineProcess[],
  count: number,
  onProgress: (done: number, total: number) => void,
): Promise<Swept[][]> {
  const turns = engines.flatMap((engine) => engine.built.searchers.map((_, i) => () => engine.sweep(i)));
  const rounds: Swept[][] = [];
  for (let round = 0; round < count; round++) {
    const swept: Swept[] = [];
    const order = [...turns.keys()];
    for (const turn of round % 2 === 0 ? order : order.reverse()) {
      swept[turn] = await turns[turn]();
      onProgress(round * turns.length + Object.keys(swept).length, count * turns.length);
    }
    rounds.push(swept);
  }
  return rounds;
}

async function load({ dataset: name, rows, queries }: BenchOptions, say: (text: string) => void): Promise<Dataset> {
  const dataset = await withProgress(`loading ${name}`, 'rows', (onProgress) =>
    loadDataset(name, {
      maxQueries: queries,
      ...(rows !== undefined && { maxRows: rows }),
      onProgress: ({ done, total }) => onProgress(done, total ?? 0),
    }),
  );
  const { train, queries: asked } = dataset;
  say(`${name}: ${formatCount(train.rows)} vectors, ${formatCount(asked.rows)} queries, ${train.dimension} dimensions`);
  return dataset;
}

/** What the processes of annlab say, which may have been told another than runs here. */
function wasmOf(engines: readonly Engine[]): { wasm?: string } {
  const wasm = engines.flatMap(({ built }) => built.wasm ?? [])[0];
  return wasm === undefined ? {} : { wasm };
}

function comparisonTable(found: readonly Speeds[], engines: readonly Engine[], vectors: number): string {
  const heads = [
    '',
    ...RECALLS.map((recall) => `QPS at ${recall}`),
    'build',
    'threads',
    'RAM',
    'walked RAM per vector',
  ];
  const lines = found.map(({ label, qps }) => {
    const { built } = engines.find(({ built }) => built.searchers.some((one) => seriesLabel(one) === label))!;
    return [
      label,
      ...qps.map((value) => (value === null ? '–' : formatCount(value))),
      formatSeconds(built.seconds),
      (built.cpuSeconds / built.seconds).toFixed(2),
      formatBytes(built.ramBytes),
      built.ownBytes ? `${formatCount(built.ownBytes.walk / vectors)} B` : '–',
    ];
  });
  return formatTable(heads, lines);
}

function verdictLine({ label, recall, bestPeer, rounds, ratio }: Ratio, against: string): string {
  if (ratio === null)
    return `${label} at recall ${recall}: ${bestPeer === null ? 'no peer gets' : 'it does not get'} that far`;
  const told = rounds.length > 1 ? ` (rounds: ${rounds.map((one) => one.toFixed(2)).join(', ')})` : '';
  return `${label} at recall ${recall}: ${ratio.toFixed(2)} × the QPS of the best of the ${against}, ${bestPeer}${told}`;
}

export function buildLine({ label, seconds, bestPeer, fastestPeer }: BuildRatio): string {
  const times = (peer: BuildRatio['bestPeer'], which: string) =>
    peer ? [`${peer.ratio.toFixed(2)} × as fast as ${peer.label}, the peer that ${which}`] : [];
  const same = bestPeer?.label === fastestPeer?.label;
  const told = same
    ? times(bestPeer, 'searches fastest and is built fastest')
    : [...times(bestPeer, 'searches fastest'), ...times(fastestPeer, 'is built fastest')];
  return [`${label}: built in ${formatSeconds(seconds)}`, ...told].join(', ');
}

export function versionsOf(peers: readonly { package: string | null }[]): Record<string, string> {
  const packages = [...new Set(peers.flatMap((peer) => peer.package ?? []))];
  const version = (name: string) =>
    JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
  return Object.fromEntries(packages.map((name) => [name, version(name)]));
}

function runOf(options: BenchOptions, { name, title, train, queries, metric }: Dataset): object {
  const { k, rounds, efs, gammas, wasm, only } = options;
  return {
    date: new Date().toISOString(),
    command: commandOf('bench:peers', process.argv.slice(2)),
    dataset: { name, about: title, vectors: train.rows, queries: queries.rows, dimension: train.dimension, metric },
    parameters: {
      ...{ k, rounds, only: only.join(',') },
      ...(efs && { efs: efs.join(',') }),
      ...(gammas && { gammas: gammas.join(',') }),
      ...(wasm && { wasm }),
    },
  };
}

/** The command that repeats a run; where its results went does not belong to it. */
export function commandOf(script: string, argv: readonly string[]): string {
  const rest = argv.filter((word, i) => !/^--out\b/.test(word) && argv[i - 1] !== '--out');
  return rest.length > 0 ? `npm run ${script} -- ${rest.join(' ')}` : `npm run ${script}`;
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const options = parseBenchArguments(process.argv.slice(2));
    if (options === 'help') say(HELP);
    else if (options.growth) await benchGrowth(options, say);
    else await benchPeers(options, say);
  });
}
