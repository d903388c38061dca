/** What the checks of day 04 expect of a selection, and how they put it to the test on a scene. */
import { countingDistance, fails } from 'annlab/exercises';
import { type Distance, l2, type Neighbor } from '../02-nsw/solution.ts';
import { type Scene, stage } from './scene.ts';
import type { HeuristicOptions } from './solution.ts';

export type Module = typeof import('./solution.ts');

/** A node at 0,0 and the points around it, written '1,0  3,0'. */
export function around(points: string, M: number): Scene {
  return { node: [0, 0], points: points.split('  ').map((point) => point.split(',').map(Number)), M };
}

/** Fails where the module does not keep exactly these, in this order. */
export function expectChoice(module: Module, scene: Scene, wanted: number[], options: HeuristicOptions = {}): void {
  const { chosen } = choose(module, scene, options);
  if (chosen.join() !== wanted.join()) {
    fails(`it keeps [${chosen.join(', ')}], and should keep [${wanted.join(', ')}] (places in points)`, scene);
  }
}

export function expectSame(chosen: number[], wanted: number[]): void {
  if (chosen.join() !== wanted.join()) {
    fails(`it keeps [${chosen.join(', ')}], and Algorithm 4 keeps [${wanted.join(', ')}] (places in points)`);
  }
}

export function expectUntouched(candidates: readonly Neighbor[], before: readonly Neighbor[]): void {
  const same = before.every(({ id, distance }, i) => candidates[i]?.id === id && candidates[i].distance === distance);
  if (!same || candidates.length !== before.length) fails('the candidates were changed', { before, after: candidates });
}

/** The ids that the module keeps, and the scene that they were chosen on. */
export function choose(module: Module, scene: Scene, options: HeuristicOptions = {}, distance: Distance = l2) {
  const staged = stage(scene, distance);
  const before = staged.candidates.map((candidate) => ({ ...candidate }));
  const chosen = module
    .selectHeuristic(options)(staged.candidates, scene.M, staged.context)
    .map(({ id }) => id);
  expectUntouched(staged.candidates, before);
  return { ...staged, chosen };
}

/** Fails where the selection evaluates more distances than `most`; returns whose lists it read. */
export function expectWork(module: Module, scene: Scene, options: HeuristicOptions, most: number): number[] {
  const counting = countingDistance(l2);
  const { candidates, context, hops } = stage(scene, counting.distance);
  counting.reset();
  module.selectHeuristic(options)(candidates, scene.M, context);
  if (counting.count > most) fails(`${counting.count} distances, and ${most} are all that can be needed`);
  return hops;
}
