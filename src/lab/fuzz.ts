/**
 * `npm run fuzz`: saved indexes of random shapes are damaged at random, opened, searched and verified, thousands of times, to see
 * whether anything in a file can bring about a wrong answer, a crash, a hang or a flood of memory (`fuzz-trial.ts` says what
 * is promised). Trials run in a process of their own. What is found is kept with all that it takes to see it again.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AnnError, DataFileError, UsageError } from '../core/errors.ts';
import { type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from './command.ts';
import { formatCount, formatSeconds, formatTable } from './format.ts';
import type { Outcome, Trial } from './fuzz-trial.ts';
import { startProgress } from './progress.ts';
import { prepareFolder } from './results.ts';

export interface FuzzOptions {
  /** How many trials; Infinity: as many as there is time for. */
  times: number;
  seconds: number;
  seed: number;
  /** Where what is found is kept. */
  out: string;
  /** A file that was kept: that trial alone. */
  replay?: string;
  /** How long a trial may take. */
  stallSeconds?: number;
  /** The script that runs trials; tests bring one that fails as they want it. */
  script?: string;
}

/** A promise that was broken, and how. */
export interface Found extends Trial {
  seed: number;
  trial: number;
  what: string;
}

/** What a process of trials is told, and what it says. */
export interface FuzzInput {
  seed: number;
  /** Trials `from` … `to` − 1. */
  from: number;
  to: number;
  /** For the files that it makes. */
  folder: string;
  replay?: Trial;
}

export type FuzzEvent =
  | ({ type: 'began'; trial: number } & Trial)
  | { type: 'ended'; outcome: Outcome }
  | { type: 'found'; what: string };

const FLAGS: Record<string, Flag> = {
  times: { value: '<n>', help: `trials; default 10,000` },
  minutes: { value: '<n>', help: 'instead of so many trials: as many as so many minutes hold' },
  seed: { value: '<n>', help: 'decides all of them; default: another one each time' },
  out: { value: '<folder>', help: 'where what is found is kept; default out/fuzz' },
  replay: { value: '<file>', help: 'what was kept, once more' },
};

const HELP = `Damages saved indexes at random, and sees that whoever opens one is told, or gets the right answers.

  npm run fuzz
  npm run fuzz -- --minutes 60
  npm run fuzz -- --replay out/fuzz/found-7-1234.json

${flagHelp(FLAGS)}

Ends with status 1 where anything is found.`;

/** Throws UsageError, whose message is one line. */
export function parseFuzzArguments(argv: readonly string[]): FuzzOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  const { values } = line;
  if (values.help) return 'help';
  const times = integerFlag(line, 'times', { min: 1, max: 1e12 });
  const minutes = integerFlag(line, 'minutes', { min: 1, max: 100_000 });
  if (times !== undefined && minutes !== undefined) throw new UsageError('--times or --minutes, not both');
  return {
    times: times ?? (minutes === undefined ? 10_000 : Number.POSITIVE_INFINITY),
    seconds: minutes === undefined ? Number.POSITIVE_INFINITY : 60 * minutes,
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? Date.now() % 2 ** 32,
    out: (values.out as string | undefined) ?? path.join('out', 'fuzz'),
    ...(values.replay !== undefined && { replay: values.replay as string }),
  };
}

/** Returns what was found; it has been kept in the folder by then. `say` is given what a person wants to read. */
export async function fuzz(options: FuzzOptions, say: (text: string) => void): Promise<Found[]> {
  const { out, seconds, stallSeconds = 30, script = OWN_SCRIPT } = options;
  await prepareFolder(out);
  const replay = options.replay === undefined ? undefined : readFound(options.replay);
  const { seed } = replay ?? options;
  const [first, times] = replay ? [replay.trial, 1] : [0, options.times];
  const folder = mkdtempSync(path.join(tmpdir(), 'annlab-fuzz-'));
  const outcomes = new Map<Outcome, number>();
  const found: Found[] = [];
  const label = `fuzzing, seed ${seed}`;
  const progress = startProgress({ label, total: Number.isFinite(times) ? times : 0, unit: 'trials' });
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let done = 0;
  try {
    while (done < times && elapsed() < seconds) {
      const before = done;
      const input: FuzzInput = {
        ...{ seed, from: first + done, to: first + Math.min(times, done + TRIALS_OF_A_PROCESS), folder },
        ...(replay && { replay: { shape: replay.shape, damage: replay.damage, mode: replay.mode } }),
      };
      const ended = await runProcess({ script, input, stallSeconds, isLate: () => elapsed() >= seconds }, (outcome) => {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        progress.update(++done);
      });
      if (ended) {
        done++;
        found.push(ended);
        say(kept(ended, out, folder));
      } else if (done === before) break;
    }
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const took = elapsed();
  const rows = Object.entries(OUTCOMES).map(([outcome, what]) => [
    what,
    formatCount(outcomes.get(outcome as Outcome) ?? 0),
  ]);
  say(formatTable(['what became of the trials', ''], [...rows, ['found to be wrong', formatCount(found.length)]]));
  say(
    `\nseed ${seed}: ${formatCount(done)} trials in ${formatSeconds(took)}, ${formatCount(done / took)} a second; ` +
      (found.length === 0 ? 'nothing was found' : `${formatCount(found.length)} found, kept in ${out}`),
  );
  return found;
}

const OUTCOMES: Record<Outcome, string> = {
  open: 'refused when it was opened',
  search: 'refused by a search that met it',
  verify: 'found by verify alone: searches did not need it',
  nobody: 'lies that nobody can tell from the truth',
  same: 'nothing was changed',
};

/** A process of trials is not used for ever, so that none grows old. */
const TRIALS_OF_A_PROCESS = 5000;
/** A machine that is busy may take its time to start a process. */
const STARTING_SECONDS = 60;
const OWN_SCRIPT = fileURLToPath(
  new URL(`./fuzz-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
);

interface Run {
  script: string;
  input: FuzzInput;
  stallSeconds: number;
  isLate: () => boolean;
}

/** Runs trials until all are done, it is late, or one finds something, which is returned. */
async function runProcess(
  { script, input, stallSeconds, isLate }: Run,
  onEnded: (outcome: Outcome) => void,
): Promise<Found | undefined> {
  const child = spawn(process.execPath, [...NODE_FLAGS, script, JSON.stringify(input)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let current: Extract<FuzzEvent, { type: 'began' }> | undefined;
  let what: string | undefined;
  let late = false;
  let errors = '';
  const stalled = () => {
    what ??= `it did not come to an end within ${stallSeconds} s`;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(stalled, 1000 * (STARTING_SECONDS + stallSeconds));
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    if (late) return;
    clearTimeout(timer);
    timer = setTimeout(stalled, 1000 * stallSeconds);
    const event: FuzzEvent = JSON.parse(line);
    if (event.type === 'began') current = event;
    if (event.type === 'found') what = event.what;
    if (event.type !== 'ended') return;
    current = undefined;
    onEnded(event.outcome);
    if (!isLate()) return;
    late = true;
    child.kill('SIGKILL');
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-4000);
  });
  const ending = await new Promise<string | undefined>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve(
        status === 0
          ? undefined
          : signal
            ? `the process ended by ${signal}`
            : `the process ended with status ${status}`,
      );
    });
  });
  clearTimeout(timer);
  if (late) return undefined;
  what ??= ending && `${ending}\n${errors}`.trim();
  if (what === undefined) return undefined;
  if (current === undefined) throw new AnnError('FUZZ', `the process of trials ended before it began one: ${what}`);
  const { trial, shape, damage, mode } = current;
  return { seed: input.seed, trial, what, shape, damage, mode };
}

const NODE_FLAGS = ['--max-old-space-size=1024', '--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

/** Writes down what was found and the file that shows it; says where. */
function kept(found: Found, out: string, folder: string): string {
  const name = path.join(out, `found-${found.seed}-${found.trial}`);
  writeFileSync(`${name}.json`, `${JSON.stringify(found, null, 2)}\n`);
  try {
    copyFileSync(path.join(folder, 'damaged.ann'), `${name}.ann`);
  } catch {
    // It did not come to that.
  }
  return `trial ${found.trial}, ${JSON.stringify(found.damage).slice(0, 200)}\n  ${found.what.replaceAll('\n', '\n  ')}\n  kept as ${name}.json: npm run fuzz -- --replay ${name}.json`;
}

function readFound(file: string): Found {
  try {
    const found: Found = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof found.shape === 'object' && typeof found.damage === 'object') return found;
  } catch (cause) {
    throw new DataFileError(file, `cannot be read (${(cause as Error).message})`, 'name a file that fuzz kept', {
      cause,
    });
  }
  throw new DataFileError(file, 'is no trial', 'name a file that fuzz kept');
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const options = parseFuzzArguments(process.argv.slice(2));
    if (options === 'help') say(HELP);
    else if ((await fuzz(options, say)).length > 0) process.exitCode = 1;
  });
}
