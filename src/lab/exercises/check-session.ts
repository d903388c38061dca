/**
 * Runs checks in a process of their own, since what a learner wrote may never return, end the process, or take all the
 * memory: none of that may take the command with it. One process runs any number of jobs in turn; when one brings it down,
 * the jobs that remain get a new one.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FoundDay } from './day.ts';
import type { CheckResult } from './run-checks.ts';

/** What the checks are run on: a file in the day's folder, or its solution with a mistake in it. */
export type Job = { file: string } | { mutant: string };

export interface JobReport {
  job: Job;
  /** One for each check; empty where nothing could be loaded. */
  results: CheckResult[];
  /** What went wrong outside of any check: the file cannot be loaded, or the process died between two checks. */
  problem?: Problem;
}

export interface Problem {
  /** `load`: the learner's file cannot be loaded. `check`: the day's own check.ts cannot. */
  kind: 'load' | 'check' | 'stopped';
  message: string;
  stack?: string;
}

/** What the process says, a line each. */
export type SessionEvent =
  | { type: 'loaded'; checks: Omit<CheckResult, 'status'>[]; unwritten: string[] }
  | { type: 'started'; index: number }
  /** A line that the learner's code printed. */
  | { type: 'output'; line: string }
  | { type: 'result'; index: number; result: CheckResult }
  | { type: 'problem'; problem: Problem }
  /** The running check has got nowhere for as long as it may; `at` is where its code is. */
  | { type: 'stuck'; at?: string }
  | { type: 'job done' };

export interface SessionOptions {
  /** A check (or loading) that says nothing for so long is stopped. */
  timeoutMs: number;
  /** Leave out the checks after a failure; default false. */
  stopAtFailure?: boolean;
  onEvent?: (event: SessionEvent) => void;
}

/** What the process is given on its command line, as JSON. */
export interface SessionInput {
  day: FoundDay;
  jobs: Job[];
  stopAtFailure: boolean;
  timeoutMs: number;
}

/** The process tells by itself when it is stuck; one that cannot even do that is stopped after so much more. */
const GRACE_MS = 5_000;
const MEMORY_MIB = Math.min(2048, Math.floor(totalmem() / 2 ** 21));

/** Runs the day's checks on every job, in order; never throws for what a job does. */
export async function runSession(day: FoundDay, jobs: readonly Job[], options: SessionOptions): Promise<JobReport[]> {
  const reports: JobReport[] = [];
  while (reports.length < jobs.length) {
    reports.push(...(await runProcess(day, jobs.slice(reports.length), options)));
  }
  return reports;
}

/** Runs one process to its end; at least one report comes of it. */
async function runProcess(day: FoundDay, jobs: Job[], options: SessionOptions): Promise<JobReport[]> {
  const { timeoutMs, stopAtFailure = false, onEvent } = options;
  const input: SessionInput = { day, jobs, stopAtFailure, timeoutMs };
  const child = spawn(process.execPath, [...nodeArguments(), JSON.stringify(input)], {
    cwd: day.root,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const reports: JobReport[] = [];
  let current: JobReport = { job: jobs[0], results: [] };
  let checks: Omit<CheckResult, 'status'>[] = [];
  let running: number | undefined;
  let uncaught: Cause | undefined;
  let stuck: { at?: string } | undefined;
  let errors = '';

  const stop = () => {
    stuck ??= {};
    child.kill('SIGKILL');
  };
  let timer = setTimeout(stop, timeoutMs + GRACE_MS);

  const take = (event: SessionEvent) => {
    // A loop that prints is no less endless.
    if (event.type !== 'output') {
      clearTimeout(timer);
      timer = setTimeout(stop, timeoutMs + GRACE_MS);
    }
    if (event.type === 'stuck') {
      stuck = event;
      stop();
    }
    if (event.type === 'loaded') checks = event.checks;
    if (event.type === 'started') running = event.index;
    if (event.type === 'problem') {
      if (event.problem.kind === 'stopped') uncaught = event.problem;
      else current.problem = event.problem;
    }
    if (event.type === 'result') {
      current.results[event.index] = event.result;
      running = undefined;
    }
    onEvent?.(event);
    if (event.type === 'job done') {
      reports.push(current);
      current = { job: jobs[reports.length], results: [] };
      checks = [];
    }
  };

  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => take(JSON.parse(line)));
  // Node's own last words: what the learner's code prints comes as events.
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-20_000);
  });

  const ending = await new Promise<{ status: number | null; signal: string | null } | Error>((resolve) => {
    child.on('error', resolve);
    child.on('close', (status, signal) => resolve({ status, signal }));
  });
  clearTimeout(timer);
  if (ending instanceof Error) throw ending;
  if (reports.length === jobs.length) return reports;

  // It ended in the middle of a job: that one is told as stopped, and what was left of it as not run.
  const cause = stuck ? neverReturned(timeoutMs, stuck.at) : (uncaught ?? died(ending, errors));
  if (running === undefined) current.problem ??= { kind: 'stopped', ...cause };
  for (const [index, about] of checks.entries()) {
    if (current.results[index] !== undefined) continue;
    const result: CheckResult =
      index === running ? { ...about, status: 'stopped', ...cause } : { ...about, status: 'not run' };
    current.results[index] = result;
    onEvent?.({ type: 'result', index, result });
  }
  return [...reports, current];
}

interface Cause {
  message: string;
  /** Names the place in the learner's file. */
  stack?: string;
}

function neverReturned(timeoutMs: number, at: string | undefined): Cause {
  const message = `the code did not return within ${timeoutMs / 1000} s and was stopped: look for a loop that never ends`;
  return at === undefined ? { message } : { message, stack: at };
}

/** How a process ended that had more to do. */
function died({ status, signal }: { status: number | null; signal: string | null }, errors: string): Cause {
  const grows = 'a list that grows, or a loop that never ends';
  if (/out of memory|Array buffer allocation failed/i.test(errors)) {
    return { message: `the code used more than ${MEMORY_MIB} MiB of memory: ${grows}` };
  }
  if (status === 0) return { message: 'the code ended the process (process.exit): return from the function instead' };
  if (signal === 'SIGKILL') {
    return { message: `the system killed the process (SIGKILL), most likely for its use of memory: look for ${grows}` };
  }
  const how = signal === null ? `with status ${status}` : `by ${signal}`;
  return { message: `the process ended ${how}, which ended the check` };
}

/** TypeScript by tsx where this file is source, with the engine's source; plain JavaScript and what was built in `dist`. */
function nodeArguments(): string[] {
  const source = import.meta.url.endsWith('.ts');
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return [
    `--max-old-space-size=${MEMORY_MIB}`,
    ...(source ? ['--conditions=annlab-source'] : []),
    '--import',
    tsx,
    fileURLToPath(new URL(`./check-process.${source ? 'ts' : 'js'}`, import.meta.url)),
  ];
}
