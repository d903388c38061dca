/** `npm run progress`: the days at a glance, from what the checks said last and from the holes as they are now. */

import { UsageError } from '../../core/errors.ts';
import { type Flag, flagHelp, isMain, readCommandLine, runCommand } from '../command.ts';
import { formatTable } from '../format.ts';
import { type FoundDay, listDays, REPOSITORY } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { readDayFile } from './exercise-file.ts';
import { parseHoles, unwrittenHoles } from './holes.ts';
import { nextDay } from './next-step.ts';
import { paint } from './paint.ts';
import { type DayProgress, readProgress, wasGreen } from './progress.ts';

const FLAGS: Record<string, Flag> = {
  json: { help: 'for programs: the days and what is known of each, as JSON' },
};

const HELP = `Shows how far you are, day by day.

  npm run progress

${flagHelp(FLAGS)}`;

const BAR = 12;

export async function progressCommand(
  argv: readonly string[],
  say: (text: string) => void,
  { root = REPOSITORY, warn = say }: { root?: string; warn?: (text: string) => void } = {},
): Promise<void> {
  const { values, positionals } = readCommandLine(argv, FLAGS, true);
  if (values.help) return say(HELP);
  if (positionals.length > 0) throw new UsageError(`progress shows every day: leave out ${positionals.join(' ')}`);
  const days = await listDays(root);
  const progress = readProgress(root, warn);
  if (values.json) {
    const known = days.map((day) => {
      const { number, topic, title } = day;
      return { number, topic, title, ...progress[number], ...holesOf(day) };
    });
    return say(JSON.stringify(known, null, 2));
  }
  const green = days.filter(({ number }) => progress[number]?.green !== undefined);
  const rows = days.map((day) => row(day, progress[day.number]));
  const [head, rule, ...lines] = formatTable(['day', '', '', 'checks', 'holes', 'runs', ''], rows, {
    words: [1, 2, 6],
  }).split('\n');
  say([paint.strong(head), paint.faint(rule), ...lines].join('\n'));
  say(`\n${green.length} of ${days.length} days green`);
  const next = nextDay(days, progress);
  if (next) say(`Next: npm run day -- ${next.number}`);
}

function row(day: FoundDay, progress: DayProgress | undefined): string[] {
  const { number, title } = day;
  const found = holesOf(day);
  const holes = found ? `${found.written}/${found.holes}` : '';
  if (progress === undefined) return [String(number), title, bar(0), '', holes, '', ''];
  const { passed, checks, runs, green, unloaded } = progress;
  const since =
    green === undefined ? '' : `${wasGreen(progress) ? 'green since' : 'was green on'} ${green.slice(0, 10)}`;
  return [
    String(number),
    title,
    bar(passed / checks),
    checks > 0 ? `${passed}/${checks}` : '',
    holes,
    String(runs),
    [unloaded ? 'did not load' : '', since].filter((text) => text !== '').join(', '),
  ];
}

/** How many holes are written in the exercise as it is; undefined where its markers are damaged, or a file is missing. */
function holesOf(day: FoundDay): Pick<DayProgress, 'written' | 'holes'> | undefined {
  try {
    const holes = parseHoles(readDayFile(day, 'solution.ts'), 'solution.ts').length;
    return { written: holes - unwrittenHoles(readDayFile(day, 'exercise.ts'), day).length, holes };
  } catch (error) {
    if (!(error instanceof ExerciseError)) throw error;
    return undefined;
  }
}

function bar(share: number): string {
  const full = Math.floor((Number.isNaN(share) ? 0 : share) * BAR);
  return '█'.repeat(full) + '░'.repeat(BAR - full);
}

if (isMain(import.meta.url)) {
  await runCommand(() =>
    progressCommand(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`), {
      warn: (text) => process.stderr.write(`${text}\n`),
    }),
  );
}
