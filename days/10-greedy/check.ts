/**
 * The checks of day 10, hole by hole. A search is judged by what it returns, by V, and by what it touched to get there; all three are
 * compared with algorithm 1 as it is printed.
 */
import type { Check } from 'annlab/exercises';
import { greedySearchChecks } from './check-greedy-search.ts';
import { medoidChecks } from './check-medoid.ts';
import { randomRegularChecks } from './check-random-regular.ts';

export const checks: Check<typeof import('./solution.ts')>[] = [
  ...randomRegularChecks,
  ...greedySearchChecks,
  ...medoidChecks,
];
