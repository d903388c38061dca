/** What a learner does next on a day: from the exercise as it is and from what the last check said. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dayFolders, type FoundDay, pathInRepository } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { readDayFile } from './exercise-file.ts';
import { parseHoles, unwrittenHoles } from './holes.ts';
import { paint, wrap } from './paint.ts';
import { type DayProgress, type Progress, wasGreen } from './progress.ts';

export function nextStep(day: FoundDay, progress: DayProgress | undefined): string {
  const file = pathInRepository(day, 'exercise.ts');
  if (!existsSync(join(day.folder, 'exercise.ts')))
    return `Next: npm run exercises -- ${day.number}, which makes ${file}`;
  const text = readDayFile(day, 'exercise.ts');
  let unwritten: string[];
  try {
    unwritten = unwrittenHoles(text, day, file);
  } catch (error) {
    if (!(error instanceof ExerciseError)) throw error;
    return `Next: mend ${error.message}`;
  }
  const first = parseHoles(text, file).find(({ name }) => unwritten.includes(name));
  if (first) {
    const begin = progress === undefined ? `read notebooks/${day.name}.ipynb up to its exercise, then write` : 'write';
    const task = first.task.length > 0 ? `\n${wrap(first.task.join(' '), { indent: '  ' })}` : '';
    return `Next: ${begin} hole ${paint.strong(first.name)}, ${file}:${first.line}${task}`;
  }
  if (progress === undefined || !wasGreen(progress)) return `Next: npm run check -- ${day.number}`;
  const tomorrow = dayFolders(day.root).find((name) => name > day.name);
  const then = tomorrow === undefined ? '' : `; the next day: npm run day -- ${Number(tomorrow.slice(0, 2))}`;
  const solution = pathInRepository(day, 'solution.ts');
  return wrap(`Green. Next: notebooks/${day.name}.ipynb from "Your search, traced" on, then ${solution}${then}`);
}

/** The day to go on with: the one after the last green one, the first where none is green; undefined where all are. */
export function nextDay(days: readonly FoundDay[], progress: Progress): FoundDay | undefined {
  const green = ({ number }: FoundDay) => progress[number]?.green !== undefined;
  return days[days.findLastIndex(green) + 1] ?? days.find((day) => !green(day));
}
