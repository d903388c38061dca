/** `npm run exercises`: makes exercise.ts from solution.ts, for one day or all, and leaves alone what a learner has written. */
import { type Flag, flagHelp, isMain, readCommandLine, runCommand } from '../command.ts';
import { findDay, listDays, pathInRepository, REPOSITORY } from './day.ts';
import { updateExercise } from './exercise-file.ts';

const FLAGS: Record<string, Flag> = {};

const HELP = `Makes exercise.ts from solution.ts. Holes that are written already stay as they are;
where anything else changes, the file as it was is kept beside it, as exercise.kept-1.ts, exercise.kept-2.ts, …

  npm run exercises            every day
  npm run exercises -- 3       day 3

${flagHelp(FLAGS)}`;

export async function exercisesCommand(
  argv: readonly string[],
  say: (text: string) => void,
  root: string = REPOSITORY,
): Promise<void> {
  const { values, positionals } = readCommandLine(argv, FLAGS, true);
  if (values.help) return say(HELP);
  const days =
    positionals.length > 0 ? await Promise.all(positionals.map((day) => findDay(day, root))) : await listDays(root);
  for (const day of days) {
    const { update, kept, copy } = updateExercise(day);
    const holes = kept.length > 0 ? `; kept what is written: ${kept.join(', ')}` : '';
    const before = copy === undefined ? '' : `; the file as it was: ${copy}`;
    say(`${pathInRepository(day, 'exercise.ts')}: ${update === 'current' ? 'up to date' : update}${holes}${before}`);
  }
}

if (isMain(import.meta.url)) {
  await runCommand(() => exercisesCommand(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)));
}
