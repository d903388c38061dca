/**
 * What the checks of day 11 are played on: points of small whole numbers, so that squared distances are exact and a tie is a tie; and
 * RobustPrune and one step of algorithm 3 as they are printed, with sets, which say what must come out and what it may cost.
 */
import fc from 'fast-check';
import { type Distance, l2, type Neighbor } from '../02-nsw/solution.ts';
import { greedySearch } from '../10-greedy/solution.ts';
import { type InsertOptions, type PruneOptions, Vamana } from './solution.ts';

/** Node 0 is the one whose links are chosen; the points around it are the nodes from 1. */
export interface Scene {
  p: number[];
  points: number[][];
  /** Ids, in the order in which they were visited. */
  candidates: number[];
  /** Whom node 0 links to before. */
  links: number[];
  R: number;
  /** One of those whose square is exact. */
  alpha: number;
}

const ALPHAS = [1, 1.25, 1.5, 2];

/** No two points are equally far from p: of such, the paper leaves open who comes first. p may be among its own candidates. */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({
    p: point(),
    drawn: fc.array(point(), { minLength: 1, maxLength: 14 }),
    chosen: fc.array(fc.nat(14), { maxLength: 14 }),
    linked: fc.array(fc.nat(13), { maxLength: 6 }),
    R: fc.integer({ min: 1, max: 6 }),
    alpha: fc.constantFrom(...ALPHAS),
  })
  .map(({ p, drawn, chosen, linked, ...rest }) => {
    const distances = drawn.map((other) => l2(Float32Array.from(p), Float32Array.from(other)));
    const points = drawn.filter((_, i) => distances[i] > 0 && distances.indexOf(distances[i]) === i);
    const n = points.length;
    return {
      ...{ p, points, ...rest },
      candidates: [...new Set(chosen.map((id) => id % (n + 1)))],
      links: n === 0 ? [] : [...new Set(linked.map((id) => 1 + (id % n)))],
    };
  });

/** Scenes in which there is nothing to gather: the candidates are nearest first, p is none of them, and it has no links. */
export const tidyScenes: fc.Arbitrary<Scene> = scenes.map((scene) => {
  const { p, points, candidates, links } = scene;
  const places = [p, ...points].map((place) => Float32Array.from(place));
  const offered = [...new Set([...candidates, ...links])].filter((id) => id !== 0);
  return {
    ...scene,
    candidates: offered.sort((a, b) => l2(places[0], places[a]) - l2(places[0], places[b])),
    links: [],
  };
});

export interface Stage {
  graph: Vamana;
  candidates: Neighbor[];
  options: Required<Pick<PruneOptions, 'R' | 'alpha'>>;
}

/** The scene as a graph in which only node 0 has links. */
export function stage({ p, points, candidates, links, R, alpha }: Scene, distance: Distance = l2): Stage {
  const graph = graphOf([p, ...points], [links], distance);
  const measured = candidates.map((id) => ({ id, distance: l2(graph.vector(0), graph.vector(id)) }));
  return { graph, candidates: measured, options: { R, alpha } };
}

/** A graph over these points with these links, entered by node `start`. */
export function graphOf(points: number[][], links: number[][], distance: Distance = l2, start = 0): Vamana {
  const vectors = points.map((place) => Float32Array.from(place));
  const graph = new Vamana(vectors, { R: 0 });
  const given = points.map((_, id) => [...(links[id] ?? [])]);
  return Object.assign(graph, { links: given, start, distance });
}

/** The same graph over vectors a quarter as high, with a distance that makes up for it: to `l2` its nodes lie elsewhere. */
export function squeezed(graph: Vamana): Vamana {
  const copy = graphOf([[0, 0]], []);
  return Object.assign(copy, {
    vectors: graph.vectors.map(([x, y]) => Float32Array.of(x, y / 4)),
    links: graph.links.map((list) => [...list]),
    start: graph.start,
    distance: (a: Float32Array, b: Float32Array) => (a[0] - b[0]) ** 2 + (4 * (a[1] - b[1])) ** 2,
  });
}

export interface Told {
  kept: number[];
  /** Distances that were evaluated. */
  distances: number;
}

/** RobustPrune as printed. `candidates` are those of V, and N_out(p) is added to them. */
export function algorithm2(
  graph: Vamana,
  p: number,
  candidates: Iterable<number>,
  { R, alpha }: Required<Pick<PruneOptions, 'R' | 'alpha'>>,
): Told {
  const between = (a: number, b: number) => l2(graph.vector(a), graph.vector(b));
  const known = new Set(candidates);
  const V = new Set([...known, ...graph.links[p]]); // 1: V ← (V ∪ N_out(p)) \ {p}
  V.delete(p);
  let distances = graph.links[p].filter((id) => !known.has(id)).length;
  const kept: number[] = []; // 2: N_out(p) ← ∅
  while (V.size > 0) {
    const nearest = [...V].reduce((a, b) => (between(p, b) < between(p, a) ? b : a)); // 4
    kept.push(nearest); // 5
    V.delete(nearest);
    if (kept.length === R) break; // 6–7
    for (const other of [...V]) {
      distances++;
      if (alpha * alpha * between(nearest, other) <= between(p, other)) V.delete(other); // 9–10, squared
    }
  }
  return { kept, distances };
}

/**
 * One step of algorithm 3 as printed, on a copy: the links of all nodes after it, and the distances that it takes. With a RobustPrune of
 * somebody's own, what it makes of that.
 */
export function algorithm3(
  graph: Vamana,
  p: number,
  { R, L, alpha }: Required<Pick<InsertOptions, 'R' | 'L' | 'alpha'>>,
  own?: (graph: Vamana, p: number, candidates: readonly Neighbor[], options: PruneOptions) => void,
): { links: number[][]; distances: number } {
  let distances = 0;
  const counting: Distance = (a, b) => {
    distances++;
    return l2(a, b);
  };
  const copy: Vamana = Object.assign(graphOf([[0, 0]], []), {
    ...{ vectors: graph.vectors, links: graph.links.map((list) => [...list]), start: graph.start, distance: counting },
  });
  const { visited } = greedySearch(copy, copy.vector(p), copy.start, { k: 1, L }, counting);
  const prune = (node: number, candidates: number[]) => {
    if (own) {
      const measured = candidates.map((id) => ({ id, distance: l2(copy.vector(node), copy.vector(id)) }));
      own(copy, node, measured, { R, alpha });
      return;
    }
    const told = algorithm2(copy, node, candidates, { R, alpha });
    copy.links[node] = told.kept;
    distances += told.distances;
  };
  prune(
    p,
    visited.map(({ id }) => id),
  );
  for (const j of copy.links[p]) {
    const union = new Set([...copy.links[j], p]);
    if (union.size <= R) copy.links[j] = [...union];
    else {
      distances++;
      prune(j, [p]);
    }
  }
  return { links: copy.links, distances };
}

/** A small graph to insert into: points, links of at most R each, and the node that is inserted. */
export interface Meadow {
  points: number[][];
  links: number[][];
  start: number;
  p: number;
  R: number;
  L: number;
  alpha: number;
}

/** Of no node are two others equally far away, and no two nodes coincide. */
export const meadows: fc.Arbitrary<Meadow> = fc
  .record({
    drawn: fc.array(fc.tuple(fc.nat(200), fc.nat(200)), { minLength: 3, maxLength: 14, size: 'max' }),
    linked: fc.array(fc.array(fc.nat(13), { maxLength: 4 }), { minLength: 14, maxLength: 14 }),
    ...{ start: fc.nat(13), p: fc.nat(13), R: fc.integer({ min: 1, max: 4 }), L: fc.integer({ min: 1, max: 6 }) },
    alpha: fc.constantFrom(...ALPHAS),
  })
  .map(({ drawn, linked, start, p, R, ...rest }) => {
    const points: number[][] = [];
    for (const place of drawn) if (isApart(place, points)) points.push(place);
    const n = points.length;
    return {
      ...{ points, ...rest, R, start: start % n, p: p % n },
      links: points.map((_, id) => [...new Set(linked[id].map((to) => to % n))].filter((to) => to !== id).slice(0, R)),
    };
  });

function isApart(place: number[], points: number[][]): boolean {
  const all = [...points, place].map((one) => Float32Array.from(one));
  return all.every((one) => {
    const distances = all.filter((other) => other !== one).map((other) => l2(one, other));
    return !distances.includes(0) && new Set(distances).size === distances.length;
  });
}

function point(): fc.Arbitrary<number[]> {
  return fc.tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -6, max: 6 })) as fc.Arbitrary<number[]>;
}
