/** What the checks of day 11 expect of a node's links, and how they put the module to the test on a scene. */
import { countingDistance, fails } from 'annlab/exercises';
import { l2 } from '../02-nsw/solution.ts';
import { algorithm3, graphOf, type Meadow, type Scene, squeezed, stage } from './scene.ts';
import type { PruneOptions } from './solution.ts';

export type Module = typeof import('./solution.ts');

/** Node 0 at 0,0 with the points around it, written '1,0  3,0', as its candidates: their ids are 1, 2 … */
export function around(points: string, R: number, alpha = 1): Scene {
  const places = points.split('  ').map((place) => place.split(',').map(Number));
  return { p: [0, 0], points: places, candidates: places.map((_, i) => i + 1), links: [], R, alpha };
}

/** The links that the module gives node 0, how many distances that took, in all and from node 0, and its candidates before and after. */
export function choose(module: Module, scene: Scene, more: Partial<PruneOptions> = {}) {
  let fromP = 0;
  const counting = countingDistance((a: Float32Array, b: Float32Array) => {
    if (a === graph.vectors[0] || b === graph.vectors[0]) fromP++;
    return l2(a, b);
  });
  const { graph, candidates, options } = stage(scene, counting.distance);
  const before = candidates.map((one) => ({ ...one }));
  module.robustPrune(graph, 0, candidates, { ...options, ...more });
  const chosen: unknown[] = [...graph.links[0]];
  if (chosen.some((id) => typeof id !== 'number')) fails('links are ids, whole numbers', { chosen });
  const between = (a: number, b: number) => l2(graph.vector(a), graph.vector(b));
  return {
    ...{ chosen: [...graph.links[0]], distances: counting.count, fromP, between, offered: offeredIn(scene) },
    ...{ before, after: candidates },
  };
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

/** The same on a graph whose distance is not `l2`. */
export function expectSqueezed(module: Module, scene: Scene, wanted: number[]): void {
  const { graph, candidates, options } = stage(scene);
  const flat = squeezed(graph);
  module.robustPrune(flat, 0, candidates, options);
  const chosen = flat.links[0].join(', ');
  if (chosen !== wanted.join(', ')) fails(`node 0 keeps [${chosen}], and should keep [${wanted.join(', ')}]`, scene);
}

/** The graph after one node was inserted, and what that took, beside what algorithm 3 makes of it, by the book and by the module's RobustPrune. */
export function inserted(
  module: Module,
  { points, links, start, p, R, L, alpha }: Meadow,
  { isSqueezed = false }: { isSqueezed?: boolean } = {},
) {
  const counting = countingDistance(l2);
  const plain = graphOf(points, links, counting.distance, start);
  const told = algorithm3(plain, p, { R, L, alpha });
  const own = algorithm3(plain, p, { R, L, alpha }, module.robustPrune);
  const graph = isSqueezed ? squeezed(plain) : plain;
  module.insert(graph, p, { R, L, alpha });
  return {
    graph,
    told,
    /** Whether it is as it should be but for the RobustPrune, which other checks are about. */
    isPrunesFault: !sameLinks(own.links, told.links) && sameLinks(graph.links, own.links),
    distances: counting.count,
    /** What its RobustPrune makes necessary. */
    needed: Math.max(told.distances, own.distances),
    between: (a: number, b: number) => l2(graph.vector(a), graph.vector(b)),
  };
}

function sameLinks(a: readonly number[][], b: readonly number[][]): boolean {
  return a.every((list, id) => list.toSorted((x, y) => x - y).join() === b[id].toSorted((x, y) => x - y).join());
}

/** Fails where after the insert some node has other links than by algorithm 3. */
export function expectTold({ graph, told, isPrunesFault }: ReturnType<typeof inserted>): void {
  if (isPrunesFault) return;
  for (const [id, list] of graph.links.entries()) {
    const [got, wanted] = [list, told.links[id]].map((one) => one.toSorted((a, b) => a - b).join(', '));
    if (got !== wanted) fails(`node ${id} links to [${got}], and by algorithm 3 to [${wanted}]`);
  }
}

/** Fails where after the insert some list is not what it should be; in any order. */
export function expectLinks(module: Module, meadow: Meadow, wanted: Record<number, number[]>): void {
  const { graph, isPrunesFault } = inserted(module, meadow);
  if (isPrunesFault) return;
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
