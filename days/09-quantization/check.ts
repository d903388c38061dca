/**
 * The checks of day 09, hole by hole. Each is checked alone: codes against the components that they stand for, a step of k-means
 * against the same told line by line, distances from tables against those to the decoded vectors; and the work is counted.
 */
import type { Check } from 'annlab/exercises';
import { adcChecks } from './check-adc.ts';
import { lloydChecks } from './check-lloyd.ts';
import { scalarChecks } from './check-scalar.ts';

export const checks: Check<typeof import('./solution.ts')>[] = [...scalarChecks, ...lloydChecks, ...adcChecks];
