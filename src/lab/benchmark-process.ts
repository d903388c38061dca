/** The process of `benchmarkDay`: loads a day's bench.ts, times its cases and sends what they cost to its parent. */
import { Worker } from 'node:worker_threads';
import { type BenchCase, benchmark } from './benchmark.ts';
import type { BenchmarkInput, BenchmarkOutcome } from './benchmark-day.ts';
import { importFresh } from './exercises/load-module.ts';
import { formatBytes } from './format.ts';
import { describeMachine, describeVersions } from './machine.ts';

const { file, settings }: BenchmarkInput = JSON.parse(process.argv[2]);

// Where whoever wanted to know is gone, so is the point. A thread looks, since a case may never let this one look up.
const guard = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, 'SIGKILL'), 500);`;
new Worker(guard, { eval: true, execArgv: [] }).unref();

let outcome: BenchmarkOutcome;
try {
  const { cases } = await importFresh(file);
  if (typeof cases !== 'function') throw new Error('it exports no function `cases`, which returns the BenchCases');
  const list: BenchCase[] = await cases();
  if (list.length === 0) throw new Error('`cases` returns nothing to time');
  outcome = { rows: await benchmark(list, settings), machine: machine() };
} catch (error) {
  outcome = { error: explained(error) };
}
process.send?.(outcome, () => process.exit());

/** One line. */
function machine(): string {
  const { cpu, cores, ramBytes, os, architecture } = describeMachine();
  const { annlab, node, wasm } = describeVersions();
  return `${cpu}, ${cores} cores, ${formatBytes(ramBytes)} RAM, ${os} ${architecture}; annlab ${annlab}, Node ${node}, ${wasm} build`;
}

/** What was thrown and where in the days' files. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const where = error.stack?.split('\n').find((line) => /[\\/]days[\\/]/.test(line));
  const place = where?.match(/days[\\/][^?)]*|:\d+:\d+/g)?.join('');
  return place ? `${error.message} (${place.replaceAll('\\', '/')})` : error.message;
}
