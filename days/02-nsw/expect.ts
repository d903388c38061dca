/** What several checks of day 02 expect, said once. */
import { fails } from 'annlab/exercises';
import { TWELVE_LINKS, TWELVE_POINTS } from 'annlab/lab';
import { recorded, type Scene, stage } from './scene.ts';
import type { Neighbor } from './solution.ts';

type Module = typeof import('./solution.ts');

/** Where greedy search from node 0 stops at once, while node 2, behind the farther node 1, is nearer to the query. */
export const TRAP: Scene = { places: [4, 6, 1], links: [[1], [0, 2], [1]], query: 0.25, entries: [0], ef: 1 };

/** Greedy search should end in `want`. */
export function expectGreedy(module: Module, scene: Scene, want: number): void {
  const { graph, query, distance } = stage(scene);
  const { id } = module.greedySearch(graph, query, scene.entries[0], distance);
  if (id !== want) fails(`it should end in node ${want}, and ended in node ${id}`, scene);
}

/** The beam should return the nodes `want`, in that order. */
export function expectBeam(module: Module, scene: Scene, want: number[]): void {
  const { graph, query, distance } = stage(scene);
  const found = module.searchLayer(graph, query, scene.entries, scene.ef, distance).map(({ id }) => id);
  if (`${found}` !== `${want}`) fails(`it should return nodes [${want}], and returned [${found}]`, scene);
}

/** The same nodes in the same order. */
export function expectSame(found: readonly Neighbor[], want: readonly Neighbor[]): void {
  const [got, right] = [found, want].map((list) => list.map(({ id }) => id).join(', '));
  if (got !== right) fails(`it returned nodes [${got}], and [${right}] was right`);
}

/** No more work than is enough. */
export function expectWithin(spent: number, enough: number, what: string, touched?: unknown): void {
  if (spent > enough) fails(`${spent} ${what}, and ${enough} are enough`, touched);
}

/** The twelve points and their links. */
export function twelve() {
  return recorded(
    TWELVE_POINTS.map(({ vector }) => vector),
    TWELVE_LINKS,
  );
}

/** `a` … `l`. */
export function nameOf(id: number | undefined): string {
  return id === undefined ? 'nobody' : (TWELVE_POINTS[id]?.name ?? `${id}`);
}
