/**
 * The checks of day 02, hole by hole. What a walk should return is said twice: in sentences that hold of any good walk, and
 * by a slow transcription of the papers' lines in scene.ts. What it may cost is what that transcription touches.
 */
import type { Check } from 'annlab/exercises';
import { greedySearchChecks } from './check-greedy-search.ts';
import { linkChecks } from './check-link.ts';
import { searchLayerChecks } from './check-search-layer.ts';

export const checks: Check<typeof import('./solution.ts')>[] = [
  ...greedySearchChecks,
  ...searchLayerChecks,
  ...linkChecks,
];
