/** A day's `exercise.ts`: made from the solution, brought up to date around what is written in it, put back to the beginning. */
import { constants, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OutputError } from '../../core/errors.ts';
import { type FoundDay, pathInRepository } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { generateExercise, keepWritten, parseHoles, unwrittenHoles } from './holes.ts';

/** The exercise as the solution generates it. */
export function pristineExercise(day: FoundDay): string {
  const solution = readDayFile(day, 'solution.ts');
  try {
    return generateExercise(solution, day);
  } catch (error) {
    if (error instanceof ExerciseError) error.message = `days/${day.name}/${error.message}`;
    throw error;
  }
}

export type Update = 'made' | 'updated' | 'current';

/**
 * Writes exercise.ts as the solution generates it, around the holes that are written already. The rest of what was there (an
 * old solution's text, a learner's own function, notes in a hole) is replaced: a copy of the file is kept first.
 */
export function updateExercise(day: FoundDay): { update: Update; kept: string[]; copy?: string } {
  const fresh = pristineExercise(day);
  if (!existsSync(join(day.folder, 'exercise.ts'))) {
    writeDayFile(day, 'exercise.ts', fresh);
    return { update: 'made', kept: [] };
  }
  const old = readDayFile(day, 'exercise.ts');
  const unwritten = unwrittenHoles(old, day, pathInRepository(day, 'exercise.ts'));
  const kept = parseHoles(old, 'exercise.ts')
    .map(({ name }) => name)
    .filter((name) => !unwritten.includes(name));
  const text = keepWritten(fresh, old, day);
  if (text === old) return { update: 'current', kept };
  const copy = keepCopy(day);
  writeDayFile(day, 'exercise.ts', text);
  return { update: 'updated', kept, copy };
}

/** Puts exercise.ts back to the beginning. What was there is kept beside it; undefined where there was nothing to keep. */
export function resetExercise(day: FoundDay): { copy?: string } {
  const fresh = pristineExercise(day);
  const exists = existsSync(join(day.folder, 'exercise.ts'));
  if (exists && readDayFile(day, 'exercise.ts') === fresh) return {};
  const copy = exists ? keepCopy(day) : undefined;
  writeDayFile(day, 'exercise.ts', fresh);
  return copy === undefined ? {} : { copy };
}

/** A text file of the day, with the line ends that git may have made on Windows undone. */
export function readDayFile(day: FoundDay, file: string): string {
  try {
    return readFileSync(join(day.folder, file), 'utf8').replaceAll('\r\n', '\n');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    const mend = file === 'exercise.ts' ? `npm run exercises -- ${day.number} makes it` : 'restore it from git';
    throw new ExerciseError(pathInRepository(day, file), 'there is no such file', mend, { cause });
  }
}

/** Copies exercise.ts to the first free `exercise.kept-1.ts`, `exercise.kept-2.ts`, …, and says which. */
function keepCopy(day: FoundDay): string {
  for (let number = 1; ; number++) {
    const name = `exercise.kept-${number}.ts`;
    try {
      copyFileSync(join(day.folder, 'exercise.ts'), join(day.folder, name), constants.COPYFILE_EXCL);
      return pathInRepository(day, name);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw outputError(day, name, cause);
    }
  }
}

/** Whole or not at all: an editor or a notebook never reads half a file. */
function writeDayFile(day: FoundDay, name: string, text: string): void {
  const path = join(day.folder, name);
  const temporary = join(day.folder, `.${name}-${process.pid}.part`);
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw outputError(day, name, cause);
  }
}

function outputError(day: FoundDay, name: string, cause: unknown): OutputError {
  const mend = 'make the folder writable, with room on its disk';
  return new OutputError(pathInRepository(day, name), (cause as Error).message, mend, { cause });
}
