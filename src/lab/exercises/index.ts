/** What the days' files and their tests are made with (`import { type Check, forAll } from 'annlab/exercises'`). */
export { type Check, CheckFailure, fails, type Layer } from './check.ts';
export { type CountingDistance, type CountingOptions, countingDistance } from './counting-distance.ts';
export { type Day, type FoundDay, findDay, listDays } from './day.ts';
export { ExerciseError } from './exercise-error.ts';
export { type ForAllOptions, forAll } from './for-all.ts';
export { loadDay, loadMutant } from './load-day.ts';
export type { Mutant } from './mutants.ts';
export { type CheckResult, isGreen, type RunOptions, runChecks } from './run-checks.ts';
export { attempt, UnwrittenHole } from './unwritten-hole.ts';
