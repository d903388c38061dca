/**
 * Mutants: the reference with one plausible mistake put in. The checks of a day must tell every one of them from the
 * reference; a notebook shows what three of them do to a plot.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type FoundDay, pathInRepository } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { importFresh } from './load-module.ts';

/** One edit of solution.ts, as `days/NN-topic/mutants.ts` lists them under the name `mutants`. */
export interface Mutant {
  /** `keeps-farthest`: words and hyphens, as it becomes part of a file's name. */
  name: string;
  /** The hole in which the mistake is made. */
  hole: string;
  /** What somebody thought or forgot, in one sentence. */
  mistake: string;
  /** Text that occurs exactly once in solution.ts, … */
  find: string;
  /** … and what stands there instead. */
  replace: string;
  /** The mistake makes the code run for ever: the check is stopped rather than failed. */
  endless?: true;
}

/** The mutants of a day. Throws ExerciseError where the list or one of them is not what it should be. */
export async function readMutants(day: FoundDay): Promise<Mutant[]> {
  const path = join(day.folder, 'mutants.ts');
  const file = pathInRepository(day, 'mutants.ts');
  if (!existsSync(path)) throw new ExerciseError(file, 'there is no such file', 'restore it from git');
  const { mutants } = await importFresh(path);
  if (!Array.isArray(mutants))
    throw new ExerciseError(file, 'it exports no list `mutants`', 'export const mutants: Mutant[] = […]');
  for (const [i, { name }] of (mutants as Mutant[]).entries()) {
    if (typeof name !== 'string' || !/^[a-z0-9-]+$/.test(name)) {
      throw new ExerciseError(file, `mutant ${i} is named ${String(name)}`, 'use lower-case words and hyphens');
    }
    if (mutants.findIndex((one) => one.name === name) !== i) {
      throw new ExerciseError(file, `two mutants are named ${name}`, 'rename one');
    }
  }
  return mutants;
}

/** The text of solution.ts with the mistake in it. Throws ExerciseError where the mutant does not apply in exactly one place. */
export function applyMutant(solution: string, { name, find, replace }: Mutant): string {
  const parts = solution.split(find);
  const refuse = (what: string, mend: string) => new ExerciseError(`mutant ${name}`, what, mend);
  if (find === '') throw refuse('`find` is empty', 'quote the code to replace');
  if (parts.length === 1) throw refuse('its `find` does not occur in solution.ts', 'quote the code as it is now');
  if (parts.length > 2) {
    throw refuse(
      `its \`find\` occurs ${parts.length - 1} times in solution.ts`,
      'quote more of the code around the place',
    );
  }
  const mutated = parts.join(replace);
  if (mutated === solution) throw refuse('`replace` is the same as `find`', 'put the mistake there');
  return mutated;
}
