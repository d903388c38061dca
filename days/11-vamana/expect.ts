/** What the checks of day 11 expect of a node's links, and how they put the module to the test on a scene. */
import { countingDistance, fails } from 'annlab/exercises';
import { l2 } from '../02-nsw/solution.ts';
import { algorithm3, graphOf, type Meadow, type Scene, stage } from './scene.ts';
import type { PruneOptions } from './solution.ts';

export type Module = typeof import('./solution.ts');

/** Node 0 at 0,0 with the points around it, written '1,0  3,0', as its candidates: their ids are 1, 2 … */
export function around(points: string, R: number, alpha = 1): Scene {
  const places = points.split('  ').map((place) => place.split(',').map(Number));
  return { p: [0, 0], points: places, candidates: places.map((_, i) => i + 1), links: [], R, alpha };
}

/** The links that the module gives node 0, and how many distances that took, in all and from node 0. */
export function choose(module: Module, scene: Scene, more: Partial<PruneOptions> = {}) {
  let fromP = 0;
  const counting = countingDistance((a: Float32Array, b: Float32Array) => {
    if (a === graph.vectors[0] || b === graph.vectors[0]) fromP++;
    return l2(a, b);
  });
  const { graph, candidates, options } = stage(scene, counting.distance);
  const before = candidates.map((one) => ({ ...one }));
  module.robustPrune(graph, 0, candidates, { ...options, ...more });
  const same = before.every(({ id, distance }, i) => candidates[i]?.id === id && candidates[i].distance === distance);
  if (!same || candidates.length !== before.length) fails('the candidates were changed', { before, after: candidates });
  const between = (a: number, b: number) => l2(graph.vector(a), graph.vector(b));
  return { chosen: [...graph.links[0]], distances: counting.count, fromP, between, offered: offeredIn(scene) };
}

/** Who may be linked: line 1 of algorithm 2. */
function offeredIn({ candidates, links }: Scene): number[] {
  return [...new Set([...candidates, ...links])].filter((id) => id !== 0);
}

/** Fails where the module does not keep exactly these, in this order. */
export function expectChoice(module: Module, scene: Scene, wanted: number[], more: Partial<PruneOptions> = {}): void {
  const { chosen } = choose(module, scene, more);
  if (chosen.join() !== wanted.join()) {
    fails(`node 0 keeps [${chosen.join(', ')}], and should keep [${wanted.join(', ')}]`, scene);
  }
}

/** The graph after one node was inserted, and what that took, beside what algorithm 3 makes of it. */
export function inserted(module: Module, { points, links, start, p, R, L, alpha }: Meadow) {
  const counting = countingDistance(l2);
  const graph = graphOf(points, links, counting.distance, start);
  const told = algorithm3(graph, p, { R, L, alpha });
  module.insert(graph, p, { R, L, alpha });
  return {
    graph,
    told,
    distances: counting.count,
    between: (a: number, b: number) => l2(graph.vector(a), graph.vector(b)),
  };
}

/** Fails where after the insert some list is not what it should be; in any order. */
export function expectLinks(module: Module, meadow: Meadow, wanted: Record<number, number[]>): void {
  const { graph } = inserted(module, meadow);
  for (const [id, list] of Object.entries(wanted)) {
    const got = [...graph.links[Number(id)]].sort((a, b) => a - b);
    if (got.join() !== [...list].sort((a, b) => a - b).join()) {
      fails(`node ${id} links to [${got.join(', ')}], and should link to [${list.join(', ')}]`, meadow);
    }
  }
}

/** At most R links each, never to itself, never twice to one. */
export function expectLists(links: readonly (readonly number[])[], R: number): void {
  for (const [id, list] of links.entries()) {
    if (list.length > R) fails(`node ${id} has ${list.length} links, and R is ${R}`, { list });
    if (list.includes(id)) fails(`node ${id} links to itself`, { list });
    if (new Set(list).size < list.length) fails(`node ${id} links twice to one node`, { list });
  }
}
