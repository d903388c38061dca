/** `npm run reset -- N`: the day's exercise as it was at the beginning; what was written is kept beside it. */
import { type Flag, flagHelp, isMain, readCommandLine, runCommand } from '../command.ts';
import { findDay, pathInRepository, REPOSITORY } from './day.ts';
import { resetExercise } from './exercise-file.ts';
import { oneDay } from './one-day.ts';
import { recordReset } from './progress.ts';

const FLAGS: Record<string, Flag> = {};

const HELP = `Puts a day's exercise back to the beginning. Your file is kept beside it, as exercise.kept-1.ts, exercise.kept-2.ts, …

  npm run reset -- 3

${flagHelp(FLAGS)}`;

export async function resetCommand(
  argv: readonly string[],
  say: (text: string) => void,
  root: string = REPOSITORY,
): Promise<void> {
  const { values, positionals } = readCommandLine(argv, FLAGS, true);
  if (values.help) return say(HELP);
  const day = await findDay(oneDay(positionals, 'reset', root), root);
  const file = pathInRepository(day, 'exercise.ts');
  const { copy } = resetExercise(day);
  recordReset(root, day.number, say);
  say(`${file} is as it was at the beginning.${copy === undefined ? '' : ` Your file is kept as ${copy}.`}`);
}

if (isMain(import.meta.url)) {
  await runCommand(() => resetCommand(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)));
}
