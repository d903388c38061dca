/** `npm run progress`: the days at a glance, from what the checks said last. */

import { UsageError } from '../../core/errors.ts';
import { type Flag, flagHelp, isMain, readCommandLine, runCommand } from '../command.ts';
import { formatTable } from '../format.ts';
import { type FoundDay, listDays, REPOSITORY } from './day.ts';
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
    const known = days.map(({ number, topic, title }) => ({ number, topic, title, ...progress[number] }));
    return say(JSON.stringify(known, null, 2));
  }
  const green = days.filter(({ number }) => progress[number]?.green !== undefined);
  const rows = days.map((day) => row(day, progress[day.number]));
  const [head, rule, ...lines] = formatTable(['day', '', '', 'checks', 'holes', 'runs', ''], rows, {
    words: [1, 2, 6],
  }).split('\n');
  say([paint.strong(head), paint.faint(rule), ...lines].join('\n'));
  say(`\n${green.length} of ${days.length} days green`);
  const next = days.find(({ number }) => progress[number]?.green === undefined);
  if (next) say(`Next: npm run day -- ${next.number}`);
}

function row({ number, title }: FoundDay, progress: DayProgress | undefined): string[] {
  if (progress === undefined) return [String(number), title, bar(0), '', '', '', ''];
  const { passed, checks, written, holes, runs, green } = progress;
  const since =
    green === undefined ? '' : `${wasGreen(progress) ? 'green since' : 'was green on'} ${green.slice(0, 10)}`;
  return [
    String(number),
    title,
    bar(passed / checks),
    `${passed}/${checks}`,
    `${written}/${holes}`,
    String(runs),
    since,
  ];
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
