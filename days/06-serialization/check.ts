/**
 * The checks of day 06, hole by hole. Each is checked alone: headers against files that the reference's writer made, lists on
 * headers that are handed over, saves on a disk that forgets. What must not be believed of a file is tried out bit by bit.
 */
import type { Check } from 'annlab/exercises';
import { headerChecks } from './check-header.ts';
import { neighborsChecks } from './check-neighbors.ts';
import { saveChecks } from './check-save.ts';

export const checks: Check<typeof import('./solution.ts')>[] = [...headerChecks, ...neighborsChecks, ...saveChecks];
