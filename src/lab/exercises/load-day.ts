/** A day's code as a module, evaluated anew each time: the learner's, the reference, or the reference with one mistake in it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FoundDay, findDay, pathInRepository } from './day.ts';
import { ExerciseError } from './exercise-error.ts';
import { importFresh } from './load-module.ts';
import { applyMutant, type Mutant, readMutants } from './mutants.ts';

/** The learner's code of a day (`exercise`) or the reference (`solution`). */
// biome-ignore lint/suspicious/noExplicitAny: what a day exports is known to its own files only
export async function loadDay(day: number, which: 'exercise' | 'solution'): Promise<any> {
  const found = await findDay(day);
  return loadModuleOf(found, join(found.folder, `${which}.ts`));
}

/** The reference of a day with the named mistake of its `mutants.ts`, to be looked at in a notebook ("Break it"). */
// biome-ignore lint/suspicious/noExplicitAny: as above
export async function loadMutant(day: number, name: string): Promise<any> {
  const found = await findDay(day);
  const mutants = await readMutants(found);
  const mutant = mutants.find((one) => one.name === name);
  if (mutant === undefined) {
    const names = mutants.map((one) => one.name).join(', ');
    throw new ExerciseError(
      pathInRepository(found, 'mutants.ts'),
      `there is no mutant ${name}`,
      `the mutants are ${names}`,
    );
  }
  return loadMutated(found, mutant);
}

/** Loads a file of the day, compiling it first where it is AssemblyScript, by the `load` that the day's check.ts exports. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export async function loadModuleOf(day: FoundDay, path: string): Promise<any> {
  if (day.language !== 'assemblyscript') return importFresh(path);
  const { load } = await importFresh(join(day.folder, 'check.ts'));
  if (typeof load !== 'function') {
    const what = 'it exports no `load`, which a day in AssemblyScript needs';
    throw new ExerciseError(
      pathInRepository(day, 'check.ts'),
      what,
      'export function load(path: string): Promise<Module>',
    );
  }
  return load(path);
}

/** Writes the mutated solution beside the solution, whose imports are relative to it, for as long as it takes to load it. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export async function loadMutated(day: FoundDay, mutant: Mutant): Promise<any> {
  const text = applyMutant(await readFile(join(day.folder, 'solution.ts'), 'utf8'), mutant);
  const path = join(day.folder, `.mutant-${mutant.name}-${process.pid}.ts`);
  try {
    await writeFile(path, text);
    return await loadModuleOf(day, path);
  } finally {
    await rm(path, { force: true });
  }
}
