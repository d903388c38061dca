/**
 * `npm run bench:break`: the libraries pushed until they break. Two parts, and no clock in either: `probes.ts` tries what real
 * data and real callers do, each in a process of its own, as some do not survive it; and the size: the recall that a fixed
 * width of the beam reaches, and the memory taken, on more and more vectors. Leaves `break.json` in `out/`.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../../src/core/errors.ts';
import { type Flag, flagHelp, integersFlag, isMain, readCommandLine, runCommand } from '../../../src/lab/command.ts';
import { loadDataset } from '../../../src/lab/datasets.ts';
import { formatBytes, formatCount, formatTable } from '../../../src/lab/format.ts';
import { groundTruth } from '../../../src/lab/ground-truth.ts';
import { describeMachine, describeVersions } from '../../../src/lab/machine.ts';
import { prepareFolder, writeOutputs } from '../../../src/lab/results.ts';
import { commandOf, versionsOf } from './bench.ts';
import { EngineProcess } from './engine-process.ts';
import { PEERS } from './engines/index.ts';
import { isInstalled, PeerMissingError } from './engines/peer.ts';
import { PROBES, type Seen } from './probes.ts';
import { LIBRARIES, type Library } from './stores.ts';

const SIZE = { dataset: 'embedding-1024-100k', queries: 500, k: 10, ef: 40, rows: [3000, 10_000, 30_000] };

const NAMES = LIBRARIES.map(({ name }) => name);

const FLAGS: Record<string, Flag> = {
  only: { value: '<list>', help: `some of ${NAMES.join(', ')}; default all` },
  probe: { value: '<list>', help: `some of ${PROBES.map(({ name }) => name).join(', ')};\ndefault all` },
  rows: {
    value: '<list>',
    help: `sizes at which recall and memory are told; default ${SIZE.rows.join(',')}; 0: leave that part out`,
  },
  out: { value: '<folder>', help: 'where the results go; default out' },
};

const HELP = `npm run bench:break -- [flags]

hnswlib, usearch, zvec, LanceDB and annlab, tried with what real data and real callers do, and on growing sets.
Nothing is timed. The peers are an install of their own, once: npm run setup:peers

${flagHelp(FLAGS)}`;

export interface BreakOptions {
  libraries: readonly Library[];
  probes: typeof PROBES;
  rows: number[];
  out: string;
}

export function parseBreakArguments(argv: readonly string[]): BreakOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  const rows = integersFlag(line, 'rows', { min: 0, max: 100_000 }) ?? SIZE.rows;
  return {
    libraries: some(LIBRARIES, 'only', line.values.only),
    probes: some(PROBES, 'probe', line.values.probe),
    rows: rows.filter((n) => n > 0),
    out: (line.values.out as string | undefined) ?? 'out',
  };
}

function some<Named extends { name: string }>(all: readonly Named[], flag: string, list: unknown): Named[] {
  if (list === undefined) return [...all];
  return String(list)
    .split(',')
    .map((name) => {
      const found = all.find((one) => one.name === name.trim());
      if (found) return found;
      throw new UsageError(`--${flag} ${name.trim()}: choose from ${all.map((one) => one.name).join(', ')}`);
    });
}

/** What `break.json` says. */
export interface Broken {
  machine: ReturnType<typeof describeMachine>;
  versions: Record<string, string | null>;
  run: { date: string; command: string };
  /** The libraries as they were set up, by name. */
  settings: Record<string, string>;
  /** In the order of the table; `seen` by library. */
  probes: { name: string; asks: string; seen: Record<string, Seen> }[];
  size: { dataset: string; dimension: number; k: number; efSearch: number; rows: SizeRow[] };
}

export interface SizeRow {
  /** Index and codes, as in the bench. */
  label: string;
  vectors: number;
  recall: number;
  /** What the process grew by, per vector. */
  ramBytesPerVector: number;
}

export async function breakPeers(options: BreakOptions, say: (text: string) => void): Promise<Broken> {
  const { libraries, probes, rows, out } = options;
  const absent = libraries.flatMap(({ package: name }) => (name !== null && !isInstalled(name) ? [name] : []));
  if (absent.length > 0) throw new PeerMissingError(absent);
  await prepareFolder(out);

  const table: Broken['probes'] = [];
  for (const probe of probes) {
    const seen: Record<string, Seen> = {};
    for (const library of libraries) {
      seen[library.name] = await inItsOwnProcess(library, probe.name);
      const { outcome, says } = seen[library.name];
      say(`${probe.asks} · ${library.name} ${outcome}: ${says}`);
    }
    table.push({ name: probe.name, asks: probe.asks, seen });
  }
  const sizes = await measureSizes(libraries, rows, say);
  const results: Broken = {
    machine: describeMachine(),
    versions: { ...describeVersions(), ...versionsOf(libraries) },
    run: { date: new Date().toISOString(), command: commandOf('bench:break', process.argv.slice(2)) },
    settings: Object.fromEntries(libraries.map(({ name, setting }) => [name, setting])),
    probes: table,
    size: { dataset: SIZE.dataset, dimension: 1024, k: SIZE.k, efSearch: SIZE.ef, rows: sizes },
  };
  const paths = await writeOutputs(out, { 'break.json': `${JSON.stringify(results, null, 2)}\n` });
  say(`\nwrote ${paths.join(', ')}`);
  return results;
}

/** Time after which a probe counts as one that gets no answer: each takes a few seconds where it ends at all. */
const PATIENCE_MS = 60_000;

/** Tries one probe on one library; what the process does is part of what is seen. */
export async function inItsOwnProcess({ name, environment }: Library, probe: string): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'annlab-break-'));
  const child = fork(fileURLToPath(import.meta.url), ['--try', name, probe, folder], {
    env: { ...process.env, ...environment },
    execArgv: [...process.execArgv, ...(process.features.typescript ? [] : ['--experimental-strip-types'])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  try {
    return await new Promise<Seen>((resolve) => {
      const timer = setTimeout(() => resolve({ outcome: 'still', says: 'no answer within a minute' }), PATIENCE_MS);
      child.once('message', (seen: Seen) => {
        clearTimeout(timer);
        resolve(seen);
      });
      child.once('close', (status, signal) => {
        clearTimeout(timer);
        const words = said.trim().split('\n').at(-1) ?? '';
        resolve({ outcome: 'ended', says: `${signal ?? `exit status ${status}`}${words ? `: ${words}` : ''}` });
      });
    });
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('close', done));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureSizes(
  libraries: readonly Library[],
  sizes: readonly number[],
  say: (text: string) => void,
): Promise<SizeRow[]> {
  const packages = libraries.map((library) => library.package);
  const measured: SizeRow[] = [];
  for (const vectors of sizes) {
    const { dataset, queries, k, ef } = SIZE;
    const truth = await groundTruth(await loadDataset(dataset, { maxRows: vectors, maxQueries: queries }), 100);
    for (const peer of PEERS.filter((one) => packages.includes(one.package))) {
      const scratch = mkdtempSync(join(tmpdir(), 'annlab-break-'));
      const folder = join(scratch, peer.name);
      mkdirSync(folder);
      const settings = { ...peer.defaults, folder };
      const task = { dataset, rows: vectors, queries, truth, k, enough: 2, efs: [ef], settings };
      const engine = await EngineProcess.start(peer, task, () => {});
      try {
        for (const [i, searcher] of engine.built.searchers.entries()) {
          // All by the same beam, which is what is asked.
          if (searcher.knob === 'gamma') continue;
          const { rows } = await engine.sweep(i);
          const { ramBytes } = engine.built;
          const row = {
            label: `${searcher.index} ${searcher.codes}`,
            vectors,
            recall: rows[0].recall,
            ramBytesPerVector: ramBytes / vectors,
          };
          measured.push(row);
          say(
            `${row.label} on ${formatCount(vectors)}: recall ${row.recall.toFixed(4)} at ef ${ef}, ${formatBytes(ramBytes)}`,
          );
        }
      } finally {
        await engine.stop();
        rmSync(scratch, { recursive: true, force: true });
      }
    }
  }
  return measured;
}

/** The other side: one probe, one message, and the end. */
async function tryProbe([library, probe, folder]: string[]): Promise<void> {
  const seen = await PROBES.find(({ name }) => name === probe)!.run(
    LIBRARIES.find(({ name }) => name === library)!,
    folder,
  );
  process.send!(seen, () => process.exit());
}

function tableOf({ probes, settings }: Broken): string {
  const names = Object.keys(settings);
  const lines = probes.map(({ asks, seen }) => [asks, ...names.map((name) => seen[name].outcome)]);
  return formatTable(['', ...names], lines);
}

if (isMain(import.meta.url)) {
  if (process.argv[2] === '--try') await tryProbe(process.argv.slice(3));
  else {
    await runCommand(async () => {
      const say = (text: string) => process.stdout.write(`${text}\n`);
      const options = parseBreakArguments(process.argv.slice(2));
      if (options === 'help') say(HELP);
      else say(`\n${tableOf(await breakPeers(options, say))}`);
    });
  }
}
