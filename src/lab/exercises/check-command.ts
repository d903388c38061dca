/** `npm run check -- N`: the day's checks on what the learner wrote, in a process that can be stopped. */
import { type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from '../command.ts';
import { failureText, holeLine, problemText, resultLine, typesText } from './check-report.ts';
import { type Problem, runSession, type SessionEvent } from './check-session.ts';
import { type FoundDay, findDay, pathInRepository, REPOSITORY } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { pristineExercise, readDayFile } from './exercise-file.ts';
import { firstDifference, parseHoles, unwrittenHoles } from './holes.ts';
import { killMutants } from './kill-mutants.ts';
import { nextStep } from './next-step.ts';
import { oneDay } from './one-day.ts';
import { paint, wrap } from './paint.ts';
import { recordCheck } from './progress.ts';
import { type CheckResult, isGreen } from './run-checks.ts';
import { typeErrors } from './type-errors.ts';

const FLAGS: Record<string, Flag> = {
  solution: { help: 'check the reference instead of your exercise' },
  all: { help: 'show every failure in full, not the first alone' },
  timeout: { value: '<s>', help: 'stop a check that has not returned after so many seconds; default 20' },
  mutants: { help: 'check the reference with one mistake at a time: each must fail (for authors of a day)' },
};

const HELP = `Checks what you wrote in a day's exercise.ts.

  npm run check -- 3
  npm run check -- 3 --solution

${flagHelp(FLAGS)}

Status 0: all checks passed. 1: not yet. 2: the command line makes no sense.`;

/** A check that takes longer is named while it runs. */
const SLOW_MS = 5_000;

/** Returns the exit status. */
export async function checkCommand(
  argv: readonly string[],
  say: (text: string) => void,
  root: string = REPOSITORY,
): Promise<number> {
  const line = readCommandLine(argv, FLAGS, true);
  if (line.values.help) {
    say(HELP);
    return 0;
  }
  const timeoutMs = 1000 * (integerFlag(line, 'timeout', { min: 1, max: 86_400 }) ?? 20);
  const day = await findDay(oneDay(line.positionals, 'check', root), root);
  if (line.values.mutants) return checkMutants(day, timeoutMs, say);
  return checkFile(day, { solution: line.values.solution === true, all: line.values.all === true, timeoutMs }, say);
}

async function checkFile(
  day: FoundDay,
  { solution, all, timeoutMs }: { solution: boolean; all: boolean; timeoutMs: number },
  say: (text: string) => void,
): Promise<number> {
  const file = solution ? 'solution.ts' : 'exercise.ts';
  const text = readDayFile(day, file);
  const holes = solution ? undefined : holesOf(day, text);
  say(`${paint.strong(`Day ${day.number}, ${day.title}`)}: checking ${pathInRepository(day, file)}`);
  for (const note of holes?.notes ?? []) say(paint.open(wrap(note)));
  say('');

  const printer = new Printer(say, timeoutMs);
  const types = solution ? [] : typeErrors(day, file);
  const [{ results, problem }] = await runSession(day, [{ file }], {
    timeoutMs,
    onEvent: (event) => printer.event(event),
  }).finally(() => printer.end());

  const failures = failuresOf(results);
  const wrongTypes = results.length > 0 ? await types : [];
  if (wrongTypes.length > 0) say(`\n${typesText(wrongTypes, day, file)}`);
  for (const failure of all ? failures : failures.slice(0, 1)) say(`\n${failureText(failure, day, file)}`);
  if (problem) say(problemText(problem, day, problem.kind === 'check' ? 'check.ts' : file));
  if (!all && failures.length > 1) {
    const command = `npm run check -- ${day.number}${solution ? ' --solution' : ''} --all`;
    say(`\n${failures.length - 1} more failed: ${command}`);
  }
  say(`${results.length > 0 || problem ? '\n' : ''}${summary(results, file, problem)}`);

  const green = isGreen(results) && problem === undefined;
  if (solution) return green ? 0 : 1;
  const { names, unwritten } = holes!;
  const passed = results.filter(({ status }) => status === 'passed').length;
  const loaded = results.length > 0;
  const outcome = {
    ...{ passed, checks: results.length, written: names.length - unwritten.length, holes: names.length },
    ...(problem && { problem: true as const }),
    ...(!loaded && { unloaded: true as const }),
  };
  // Where the day's own checks cannot run, nothing is known of the exercise.
  const known = loaded || (problem !== undefined && problem.kind !== 'check');
  const progress = known ? recordCheck(day.root, day.number, outcome, say) : undefined;
  if (failures.length === 0 && !problem && (green || wrongTypes.length === 0)) say(nextStep(day, progress));
  return green ? 0 : 1;
}

/** The learner's holes, and what there is to say about the file before it runs. */
function holesOf(day: FoundDay, text: string): { names: string[]; unwritten: string[]; notes: string[] } {
  const file = pathInRepository(day, 'exercise.ts');
  const fresh = pristineExercise(day);
  const names = parseHoles(fresh, file).map(({ name }) => name);
  try {
    const unwritten = unwrittenHoles(text, day, file);
    const difference = firstDifference(text, fresh);
    const where = `Note: line ${difference?.line} of ${file} differs from the fresh exercise, outside the holes.`;
    const note = `${where}\n  npm run exercises -- ${day.number}  takes up the fresh text and keeps your holes.`;
    return { names, unwritten, notes: difference ? [note] : [] };
  } catch (error) {
    if (!(error instanceof ExerciseError)) throw error;
    return { names, unwritten: [], notes: [`Note: ${error.message}.`] };
  }
}

/** What failed: first of the hole of which most did, in the order of the checks where that is the same. */
function failuresOf(results: readonly CheckResult[]): CheckResult[] {
  const failures = results.filter(({ status }) => status === 'failed' || status === 'stopped');
  const failed = (hole: string) => failures.filter((failure) => failure.hole === hole).length;
  return failures.toSorted((a, b) => failed(b.hole) - failed(a.hole));
}

function summary(results: readonly CheckResult[], file: string, problem: Problem | undefined): string {
  if (results.length === 0) return paint.bad(`${file}: no check ran`);
  const count = (status: CheckResult['status']) => results.filter((result) => result.status === status).length;
  if (isGreen(results)) {
    const { length } = results;
    if (problem)
      return paint.bad(`${file}: ${length} of ${length} checks passed, but something failed outside of them`);
    return paint.good(`${file}: all ${length} checks passed`);
  }
  const parts = [
    `${count('passed')} of ${results.length} checks passed`,
    ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
    ...(count('stopped') > 0 ? [`${count('stopped')} stopped`] : []),
    ...(count('unwritten') > 0
      ? [`${count('unwritten')} ${count('unwritten') === 1 ? 'waits' : 'wait'} for a hole`]
      : []),
    ...(count('not run') > 0 ? [`${count('not run')} not run`] : []),
  ];
  return paint.bad(`${file}: ${parts.join(', ')}`);
}

/** For authors: which check kills which mutant. Status 1 where one survives. */
async function checkMutants(day: FoundDay, timeoutMs: number, say: (text: string) => void): Promise<number> {
  const verdicts = await killMutants(day, {
    timeoutMs,
    onVerdict: ({ mutant, killed, by }) => {
      const mark = killed ? paint.good('✓') : paint.bad('✗');
      say(
        `  ${mark} ${mutant.hole}/${mutant.name}: ${mutant.mistake}\n${wrap(`${killed ? 'killed by ' : ''}${by}`, { indent: '      ' })}`,
      );
    },
  });
  const killed = verdicts.filter((verdict) => verdict.killed).length;
  const all = killed === verdicts.length && killed > 0;
  say((all ? paint.good : paint.bad)(`${killed} of ${verdicts.length} mutants killed`));
  return all ? 0 : 1;
}

/** Prints results as they come, and what the learner's code prints between them. */
class Printer {
  readonly #say: (text: string) => void;
  readonly #timeoutMs: number;
  #checks: { says: string; hole: string }[] = [];
  #unwritten: string[] = [];
  #hole: string | undefined;
  #slow: NodeJS.Timeout | undefined;

  constructor(say: (text: string) => void, timeoutMs: number) {
    this.#say = say;
    this.#timeoutMs = timeoutMs;
  }

  event(event: SessionEvent): void {
    if (event.type === 'output') {
      this.#say(paint.faint(`    │ ${event.line}`));
      return;
    }
    clearTimeout(this.#slow);
    if (event.type === 'loaded') {
      this.#checks = event.checks;
      this.#unwritten = event.unwritten;
    }
    if (event.type === 'started') {
      const about = this.#checks[event.index];
      this.#head(about.hole);
      const still = `    … still running: ${about.says} (will be stopped at ${this.#timeoutMs / 1000} s)`;
      if (this.#timeoutMs > SLOW_MS) this.#slow = setTimeout(() => this.#say(paint.faint(still)), SLOW_MS);
    }
    // What did not run is counted in the last line.
    if (event.type === 'result' && event.result.status !== 'not run') {
      this.#head(event.result.hole);
      this.#say(resultLine(event.result));
    }
  }

  /** Says which hole the next checks are about, where that is another one. */
  #head(hole: string): void {
    if (hole !== this.#hole) this.#say(holeLine(hole, this.#unwritten.includes(hole)));
    this.#hole = hole;
  }

  /** The process has ended. */
  end(): void {
    clearTimeout(this.#slow);
  }
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    process.exitCode = await checkCommand(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`));
  });
}
