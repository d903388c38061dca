/**
 * What must hold of dotAdd, l2OfCodes and distancesTo. Integers are exact, so their dot is equal or wrong; a distance is compared
 * with f64, as far as f32's rounding reaches. What is slow and right is told by counting: instructions of dotAdd, loads of
 * l2OfCodes, and, for the order of loads, the lines that a simulated core has under way (`memory-model.ts`).
 */
import type { Check } from 'annlab/exercises';
import { dotAddChecks } from './check-dot-add.ts';
import { l2OfCodesChecks } from './check-l2-of-codes.ts';
import { touchChecks } from './check-touch.ts';
import type { Nano } from './nano.ts';

export { load } from './load.ts';

export const checks: Check<Nano>[] = [...dotAddChecks, ...l2OfCodesChecks, ...touchChecks];
