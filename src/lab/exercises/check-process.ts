/**
 * The process in which checks run. It says what it does on file descriptor 3, a line of JSON for every event, written
 * synchronously: an endless loop right after it cannot hold the line back.
 */
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Check } from './check.ts';
import type { Job, Problem, SessionEvent, SessionInput } from './check-session.ts';
import { unwrittenHoles } from './holes.ts';
import { loadModuleOf, loadMutated } from './load-day.ts';
import { importFresh } from './load-module.ts';
import { readMutants } from './mutants.ts';
import { runChecks } from './run-checks.ts';
import { showValue } from './show-value.ts';
import type { WatchdogData } from './watchdog.ts';

const { day, jobs, stopAtFailure, timeoutMs }: SessionInput = JSON.parse(process.argv[2]);
let loadedChecks: Promise<Check<unknown>[]> | undefined;

const beats = new Int32Array(new SharedArrayBuffer(4));
const folder = `/days/${day.name}/`;
const workerData: WatchdogData = { beats: beats.buffer, timeoutMs, folder };
new Worker(new URL(`./watchdog.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url), {
  workerData,
}).unref();

// What the learner's code prints goes the same way, and so stays in its order; of a check that prints much, the beginning.
const MAX_LINES = 40;
let lines = 0;
let unfinished = '';
const print = (chunk: string | Uint8Array): boolean => {
  const whole = (unfinished + Buffer.from(chunk).toString()).split('\n');
  unfinished = whole.pop()!;
  for (const line of whole) if (++lines <= MAX_LINES) say({ type: 'output', line });
  return true;
};
process.stdout.write = print;
process.stderr.write = print;

process.on('uncaughtException', (error: unknown) => {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : showValue(error);
  const stack = error instanceof Error ? error.stack : undefined;
  const message = `nobody caught what was thrown: ${what}`;
  say({ type: 'problem', problem: { kind: 'stopped', message, ...(stack !== undefined && { stack }) } });
  process.exit(1);
});

for (const job of jobs) {
  await run(job);
  // A promise that was left behind by the job and is rejected fails the job, not the next one.
  await setImmediate();
  endOutput();
  say({ type: 'job done' });
}
// What the learner's code left open (a timer, a server) must not keep the process.
process.exit(0);

async function run(job: Job): Promise<void> {
  const checks = await loading('check', loadChecks);
  if (checks === undefined) return;
  const module = await loading('load', () => load(job));
  if (module === undefined) return;
  const unwritten = 'file' in job ? unwrittenIn(join(day.folder, job.file)) : [];
  say({
    type: 'loaded',
    checks: checks.map(({ layer, says, hole, likely }) => ({ layer, says, hole, likely })),
    unwritten,
  });
  await runChecks(checks, module, {
    unwritten,
    stopAtFailure,
    onStart: (index) => say({ type: 'started', index }),
    onResult: (result, index) => {
      endOutput();
      say({ type: 'result', index, result });
    },
  });
}

/** Once for all jobs: what the checks prepare (data, exact answers) serves them all. */
function loadChecks(): Promise<Check<unknown>[]> {
  loadedChecks ??= importFresh(join(day.folder, 'check.ts')).then(({ checks }) => {
    if (!Array.isArray(checks)) throw new Error('it exports no list `checks`');
    return checks;
  });
  return loadedChecks;
}

async function load(job: Job): Promise<unknown> {
  if ('file' in job) return loadModuleOf(day, join(day.folder, job.file));
  const mutant = (await readMutants(day)).find(({ name }) => name === job.mutant);
  if (mutant === undefined) throw new Error(`there is no mutant ${job.mutant}`);
  return loadMutated(day, mutant);
}

/** The holes that still hold their stub. A file whose markers are gone cannot be asked: its code says it by throwing. */
function unwrittenIn(path: string): string[] {
  try {
    return unwrittenHoles(readFileSync(path, 'utf8').replaceAll('\r\n', '\n'), day);
  } catch {
    return [];
  }
}

async function loading<T>(kind: Problem['kind'], load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Error ? error.stack : undefined;
    say({ type: 'problem', problem: { kind, message, ...(stack !== undefined && { stack }) } });
    return undefined;
  }
}

/** Prints the line that was begun, and says how many were left out. */
function endOutput(): void {
  if (unfinished !== '') print('\n');
  if (lines > MAX_LINES) say({ type: 'output', line: `… ${lines - MAX_LINES} lines more` });
  lines = 0;
}

function say(event: SessionEvent): void {
  if (event.type !== 'output') {
    Atomics.add(beats, 0, 1);
    Atomics.notify(beats, 0);
  }
  const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(3, bytes, done);
    } catch (error) {
      // The pipe is full: the reader is about to empty it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
