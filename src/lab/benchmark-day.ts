/**
 * `benchmarkDay(3)`: runs `days/03-…/bench.ts` in a fresh process, from a notebook, from `npm run bench -- day 3` or from
 * anywhere. Nothing but the cases runs there, with the fastest build of the kernels, whatever the notebook uses.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AnnError, UsageError } from '../core/errors.ts';
import type { BenchSettings, BenchTiming } from './benchmark.ts';
import { dayFolders, REPOSITORY } from './exercises/day.ts';
import { formatCount } from './format.ts';
import { tableHtml } from './table.ts';

export interface BenchRow extends BenchTiming {
  day: number;
  /** What it was measured on: processor, cores, system, Node, and the build of the kernels. */
  machine: string;
}

export interface BenchmarkDayOptions extends Omit<BenchSettings, 'onProgress'> {
  /** After so long the process is stopped. Default: ten minutes. */
  timeoutMs?: number;
  /** The checkout whose days are meant. Default: the one that this file belongs to. */
  root?: string;
}

/** A row a case, in the order of bench.ts. Throws where there is no such day, nothing to time, or a case fails. */
export async function benchmarkDay(day: number, options: BenchmarkDayOptions = {}): Promise<BenchRow[]> {
  const { timeoutMs = 600_000, root = REPOSITORY, ...asked } = options;
  // Where only the kind of output matters, as when notebooks are compared with what is committed.
  const settings = process.env.ANNLAB_BENCH === 'brief' ? { rounds: 1, milliseconds: 1 } : asked;
  const name = benchedDay(day, root);
  const file = `days/${name}/bench.ts`;
  const outcome = await runProcess({ file: join(root, file), settings }, { root, timeoutMs });
  if ('rows' in outcome) return outcome.rows.map((row) => ({ ...row, day, machine: outcome.machine }));
  throw new BenchmarkError(file, outcome.error);
}

/** A day's benchmark that did not come to its end. */
export class BenchmarkError extends AnnError {
  constructor(file: string, what: string) {
    super(
      'BENCHMARK',
      `${file}: ${what}: mend it, then "npm run bench -- day ${Number(file.slice(5, 7))}" runs it again`,
    );
  }
}

/** What the process is told, as JSON on its command line. */
export interface BenchmarkInput {
  file: string;
  settings: Omit<BenchSettings, 'onProgress'>;
}

/** What it answers. */
export type BenchmarkOutcome = { rows: BenchTiming[]; machine: string } | { error: string };

/** The rows as HTML for `showTable`, those of a group together, each beside how many times as fast as the group's first it is. */
export function benchTable(rows: readonly BenchRow[]): string {
  const { heads, cells } = benchCells(rows);
  return tableHtml(heads, cells, rows.length > 0 ? { caption: rows[0].machine } : {});
}

/** The columns of a table of timings. */
export function benchCells(rows: readonly BenchRow[]): { heads: string[]; cells: string[][] } {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const grouped = groups.some((group) => group !== '');
  const cells = groups.flatMap((group) => {
    const members = rows.filter((row) => row.group === group);
    return members.map((row, i) => [
      ...(grouped ? [i === 0 ? group : ''] : []),
      row.name,
      formatNs(row.ns),
      formatNs(row.p99Ns),
      formatCount(row.perSecond),
      `${(members[0].ns / row.ns).toFixed(members[0].ns / row.ns < 9.95 ? 2 : 1)}×`,
    ]);
  });
  return { heads: [...(grouped ? [''] : []), 'Case', 'Median', 'p99', 'Per second', 'Speed'], cells };
}

/** 8.4 ns, 650 ns, 12.3 µs, 4.56 ms, 1.20 s: three digits. */
function formatNs(ns: number): string {
  const [unit, size] = UNITS.find(([, one]) => ns >= 0.9995 * one) ?? UNITS[UNITS.length - 1];
  const value = ns / size;
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

const UNITS: readonly (readonly [unit: string, ns: number])[] = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
];

/** The folder of a day that has something to time. */
function benchedDay(day: number, root: string): string {
  const benched = dayFolders(root).filter((name) => existsSync(join(root, 'days', name, 'bench.ts')));
  const found = benched.find((name) => Number(name.slice(0, 2)) === day);
  if (found) return found;
  const days = benched.map((name) => Number(name.slice(0, 2))).join(', ') || 'none yet';
  throw new UsageError(`day ${day} has no bench.ts: the days that time something are ${days}`);
}

function runProcess(
  input: BenchmarkInput,
  { root, timeoutMs }: { root: string; timeoutMs: number },
): Promise<BenchmarkOutcome> {
  // A notebook's kernel asks for the build that is the same everywhere; what is timed is the fastest.
  const { ANNLAB_WASM: _, ...env } = process.env;
  const child = spawn(process.execPath, [...nodeArguments(), JSON.stringify(input)], {
    ...{ cwd: root, env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let outcome: BenchmarkOutcome | undefined;
    let output = '';
    const keep = (chunk: Buffer) => {
      output = `${output}${chunk}`.slice(-2000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const timer = setTimeout(() => {
      outcome ??= { error: `it took longer than ${timeoutMs / 1000} s and was stopped` };
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('message', (message) => {
      outcome ??= message as BenchmarkOutcome;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const last = output.trim().split('\n').slice(-5).join('\n');
      resolve(outcome ?? { error: `its process ended ${signal ? `by ${signal}` : `with status ${status}`}\n${last}` });
    });
  });
}

/**
 * Node's own stripping of types, not tsx, whose compiler wraps functions to keep their names: that costs time where it is
 * measured. Source runs on source; what was built, on what was built.
 */
function nodeArguments(): string[] {
  const source = import.meta.url.endsWith('.ts');
  return [
    '--experimental-strip-types',
    '--disable-warning=ExperimentalWarning',
    ...(source ? ['--conditions=annlab-source'] : []),
    fileURLToPath(new URL(`./benchmark-process.${source ? 'ts' : 'js'}`, import.meta.url)),
  ];
}
