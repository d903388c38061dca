/** `npm run day -- N`: the card of a day, its files and commands, and what to do next; or a hint on one of its holes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from '../command.ts';
import { type FoundDay, findDay, listDays, pathInRepository, REPOSITORY } from './day.ts';
import { readDayFile } from './exercise-file.ts';
import { HINT_LEVELS, hintsOf } from './hints.ts';
import { linesOfCode, parseHoles } from './holes.ts';
import { nextDay, nextStep } from './next-step.ts';
import { oneDay } from './one-day.ts';
import { paint, reflow, wrap } from './paint.ts';
import { readProgress } from './progress.ts';

const FLAGS: Record<string, Flag> = {
  hint: { value: '<hole>', help: 'a hint on one of the holes of the exercise' },
  level: { value: '<1-3>', help: 'how much the hint gives away: 1 a nudge, 3 nearly the code; default 1' },
};

const HELP = `Shows a day: its goal, its files and commands, and what to do next. Without a number, the day after the last green one.

  npm run day
  npm run day -- 3
  npm run day -- 3 --hint descend --level 2

${flagHelp(FLAGS)}`;

export async function dayCommand(
  argv: readonly string[],
  say: (text: string) => void,
  root: string = REPOSITORY,
): Promise<void> {
  const line = readCommandLine(argv, FLAGS, true);
  if (line.values.help) return say(HELP);
  const level = integerFlag(line, 'level', { min: 1, max: HINT_LEVELS });
  const { hint } = line.values;
  if (hint === undefined && level !== undefined) throw new UsageError('--level goes with --hint <hole>');
  const day =
    line.positionals.length === 0 && hint === undefined
      ? await currentDay(root, say)
      : await findDay(oneDay(line.positionals, 'day', root), root);
  if (hint === undefined) say(await card(day, say));
  else say(hintText(day, String(hint), level ?? 1));
}

/** The day to go on with; the last one where all are green. */
async function currentDay(root: string, say: (text: string) => void): Promise<FoundDay> {
  const days = await listDays(root);
  if (days.length === 0) throw new UsageError('there is no day yet: days/ is empty');
  return nextDay(days, readProgress(root, say)) ?? days[days.length - 1];
}

async function card(day: FoundDay, say: (text: string) => void): Promise<string> {
  const { number, title, goal, minutes, needs, milestone, room, name } = day;
  const holes = parseHoles(readDayFile(day, 'solution.ts'), pathInRepository(day, 'solution.ts'));
  const notebook = `notebooks/${name}.ipynb`;
  const rows: [string, string][] = [
    ['Needs', needs.length > 0 ? needs.join('\n') : 'nothing from before'],
    ['Milestone', milestone],
    ['Engine', room],
    ['Notebook', notebook],
    ['Exercise', pathInRepository(day, 'exercise.ts')],
    ['Holes', holes.map((hole) => `${hole.name} (${count(linesOfCode(hole), 'line')} in the reference)`).join('\n')],
    ['Afterwards', pathInRepository(day, 'solution.ts')],
    ['For teachers', pathInRepository(day, 'facilitator.md')],
  ];
  const there = rows.filter(([, text]) => !/^(notebooks|days)\//.test(text) || existsSync(join(day.root, text)));
  const commands: [string, string][] = [
    [existsSync(join(day.root, notebook)) ? `npm run lab -- ${number}` : 'npm run lab', 'opens the notebook'],
    [`npm run check -- ${number}`, 'checks your exercise'],
    [`npm run day -- ${number} --hint ${holes[0]?.name ?? 'hole'}`, 'a hint; --level 2 and 3 say more'],
    [`npm run reset -- ${number}`, 'starts the exercise again; yours is kept'],
    ['npm run progress', 'the days at a glance'],
  ];
  const width = Math.max(...commands.map(([command]) => command.length));
  return [
    `${paint.strong(`Day ${number}: ${title}`)}  ${paint.faint(`${minutes} minutes`)}`,
    wrap(goal, { indent: '  ' }),
    '',
    ...there.map(
      ([head, text]) => `  ${paint.faint(head.padEnd(13))}${wrap(text, { indent: ' '.repeat(15) }).trimStart()}`,
    ),
    '',
    ...commands.map(([command, what]) => `  ${command.padEnd(width)}  ${paint.faint(what)}`),
    '',
    nextStep(day, readProgress(day.root, say)[number]),
  ].join('\n');
}

function hintText(day: FoundDay, hole: string, level: number): string {
  const names = parseHoles(readDayFile(day, 'solution.ts'), pathInRepository(day, 'solution.ts')).map(
    ({ name }) => name,
  );
  if (!names.includes(hole))
    throw new UsageError(`day ${day.number} has no hole '${hole}': its holes are ${names.join(', ')}`);
  const hint = hintsOf(day, hole)[level - 1];
  if (!hint) throw new UsageError(`${pathInRepository(day, 'hints.md')} has no level ${level} for hole ${hole}`);
  const more =
    level < HINT_LEVELS
      ? `More: npm run day -- ${day.number} --hint ${hole} --level ${level + 1}`
      : `More: the reference, ${pathInRepository(day, 'solution.ts')}`;
  return [
    paint.strong(`Hint ${level} of ${HINT_LEVELS} on ${hole}`),
    '',
    wrap(reflow(hint)),
    '',
    paint.faint(more),
  ].join('\n');
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

if (isMain(import.meta.url)) {
  await runCommand(() => dayCommand(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)));
}
