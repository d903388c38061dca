/**
 * `npm run soak`: vectors are added and searched for at the same time, for as long as one likes, on more threads than
 * there are cores. It reports what either side comes to, and ends with status 1 where anything is not as promised: a
 * search that finds what was never given, or less of what was acknowledged than it would with nobody writing; an insert
 * that is lost; a graph that is not whole; a side that stands still.
 *
 * Each round (`soak-round.ts`) fills an index, checks all of it when it is full, and begins anew.
 */
import { performance } from 'node:perf_hooks';
import { Pool } from '../workers/pool.ts';
import { choiceFlag, type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from './command.ts';
import { describeSoak, type SoakReport } from './soak-report.ts';
import { SIDES, SoakRound, type StartPool } from './soak-round.ts';
import { type SoakOptions, SoakRun } from './soak-run.ts';
import { StalledError, watch } from './soak-watch.ts';

const FLAGS: Record<string, Flag> = {
  minutes: { value: '<n>', help: 'how long it adds and searches, besides which it checks; default 2' },
  readers: { value: '<n>', help: 'threads that search; default 8' },
  writers: { value: '<n>', help: 'threads that insert; default 1' },
  dimension: { value: '<n>', help: 'components of a vector; default 64' },
  rows: {
    value: '<n>',
    help: 'vectors of an index; when it is full it is checked, and the next one\nbegun; default 50,000',
  },
  codes: { value: '<kind>', help: 'f32 or sq7; default sq7' },
  seed: { value: '<n>', help: 'decides vectors, queries and batches, though not how threads interleave; default 1' },
  kill: { value: '<seconds>', help: 'ends a thread every so many seconds; default: none' },
};

const HELP = `Adds vectors and searches for them at the same time, and sees that nothing is lost, wrong or stuck.

  npm run soak
  npm run soak -- --minutes 60 --kill 5
  npm run soak -- --writers 4 --readers 4 --codes f32

${flagHelp(FLAGS)}

Ends with status 1 where anything is not as promised, or either side stands still for 10 seconds.`;

/** Throws UsageError, whose message is one line. */
export function parseSoakArguments(argv: readonly string[]): SoakOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  const killSeconds = integerFlag(line, 'kill', { min: 1, max: 100_000 });
  return {
    seconds: 60 * (integerFlag(line, 'minutes', { min: 1, max: 100_000 }) ?? 2),
    readers: integerFlag(line, 'readers', { min: 1, max: 127 }) ?? 8,
    writers: integerFlag(line, 'writers', { min: 1, max: 127 }) ?? 1,
    dimension: integerFlag(line, 'dimension', { min: 1, max: 4096 }) ?? 64,
    rows: integerFlag(line, 'rows', { min: 100, max: 10_000_000 }) ?? 50_000,
    codes: choiceFlag(line, 'codes', ['f32', 'sq7']) ?? 'sq7',
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1,
    ...(killSeconds !== undefined && { killSeconds }),
  };
}

/**
 * `say` is given what a person wants to read, `show` a line that replaces the one before. Throws StalledError, and then
 * leaves behind the threads that are stuck.
 */
export async function soak(
  options: SoakOptions,
  say: (text: string) => void,
  { show = () => {}, start = Pool.start as StartPool }: { show?: (line: string) => void; start?: StartPool } = {},
): Promise<SoakReport> {
  const { stallSeconds = 10 } = options;
  const run = new SoakRun(options);
  let round: SoakRound | undefined;
  const guard = watch(SIDES, stallSeconds, () => round?.underWay() ?? 'nothing was begun');
  const ticker = setInterval(() => show(run.line(round?.doing ?? 'beginning')), TICK_MS);
  try {
    for (let number = 0; !run.isOver; number++) {
      round = new SoakRound(run, number, guard);
      await Promise.race([guard.stalled, round.through(start)]);
    }
  } finally {
    clearInterval(ticker);
    round?.end();
    await guard.stop();
  }
  const report = run.report();
  say(describeSoak(report));
  return report;
}

const TICK_MS = 500;

/** Shows a line that replaces itself on a terminal; elsewhere one every ten seconds. */
function liner(stream: NodeJS.WriteStream): { show(line: string): void; clear(): void } {
  let last = performance.now();
  return {
    show(line) {
      if (stream.isTTY) stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`);
      else if (performance.now() - last >= LINE_MS) {
        last = performance.now();
        stream.write(`${line}\n`);
      }
    },
    clear: () => void (stream.isTTY && stream.write('\r\x1b[K')),
  };
}

const LINE_MS = 10_000;

if (isMain(import.meta.url)) {
  const { show, clear } = liner(process.stderr);
  await runCommand(async () => {
    const say = (text: string) => {
      clear();
      process.stdout.write(`${text}\n`);
    };
    const options = parseSoakArguments(process.argv.slice(2));
    if (options === 'help') return say(HELP);
    try {
      if ((await soak(options, say, { show })).faults.length > 0) process.exitCode = 1;
    } catch (error) {
      clear();
      if (!(error instanceof StalledError)) throw error;
      process.stderr.write(`error: ${error.message}\n`);
      // The threads that are stuck would hold up the process.
      process.exit(1);
    }
  });
}
