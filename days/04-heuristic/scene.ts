/**
 * What the checks of day 04 are played on: a node, the points around it, who of them is a candidate and who is linked to whom;
 * and Algorithm 4 as it is printed, sets, queues and all, which says what must come out.
 */
import fc from 'fast-check';
import { type Distance, l2, type Neighbor } from '../02-nsw/solution.ts';
import type { LayeredGraph, SelectionContext } from '../03-layers/solution.ts';
import type { HeuristicOptions } from './solution.ts';

export interface Scene {
  /** The node whose links are chosen. Its id is the one after the last point's. */
  node: number[];
  points: number[][];
  M: number;
  /** Ids of the candidates. Default: all points. */
  candidates?: number[];
  /** Whom each point is linked to, on the layer in question. */
  links?: number[][];
}

/** Points on a coarse grid, so that ties and duplicates are frequent. */
export const scenes: fc.Arbitrary<Scene> = fc.record({
  node: point(),
  points: fc.array(point(), { maxLength: 14 }),
  M: fc.integer({ min: 1, max: 6 }),
});

/**
 * Some points are candidates, and all are linked at random, to the node as well. No two are equally far from the node: of
 * such, the paper leaves open who comes first.
 */
export const scenesWithLinks: fc.Arbitrary<Scene> = fc
  .record({
    node: point(),
    points: fc.array(point(), { minLength: 1, maxLength: 14 }),
    M: fc.integer({ min: 1, max: 6 }),
    chosen: fc.array(fc.nat(13), { minLength: 1, maxLength: 5 }),
    links: fc.array(fc.array(fc.nat(14), { maxLength: 4 }), { minLength: 14, maxLength: 14 }),
  })
  .map(({ node, points: drawn, M, chosen, links }) => {
    const distances = drawn.map((other) => l2(Float32Array.from(node), Float32Array.from(other)));
    const points = drawn.filter((_, i) => distances[i] > 0 && distances.indexOf(distances[i]) === i);
    const n = points.length;
    return {
      node,
      points,
      M,
      candidates: n === 0 ? [] : [...new Set(chosen.map((id) => id % n))],
      links: points.map((_, id) => [...new Set(links[id].map((other) => other % (n + 1)))].filter((to) => to !== id)),
    };
  });

/** Another distance than the usual one: the sum of the differences. */
export const manhattan: Distance = (a, b) => a.reduce((sum, x, i) => sum + Math.abs(x - b[i]), 0);

export interface Stage {
  /** Nearest first, as day 03 hands them over. */
  candidates: Neighbor[];
  context: SelectionContext;
  /** Whose lists were read, in order. */
  hops: number[];
  between(a: number, b: number): number;
  toNode(id: number): number;
}

/** The scene as a graph of objects, and what the selection is called with. */
export function stage(scene: Scene, distance: Distance = l2): Stage {
  const vectors = [...scene.points, scene.node].map((point) => Float32Array.from(point));
  const node = vectors.length - 1;
  const everybody = vectors.map((_, id) => id);
  const hops: number[] = [];
  const graph: LayeredGraph = {
    vector: (id) => vectors[id],
    neighbors: (id, level) => {
      hops.push(id);
      return level === LEVEL ? (scene.links?.[id] ?? []) : everybody;
    },
  };
  const between = (a: number, b: number) => distance(vectors[a], vectors[b]);
  const toNode = (id: number) => between(node, id);
  const candidates = candidatesOf(scene)
    .map((id) => ({ id, distance: toNode(id) }))
    .sort((a, b) => a.distance - b.distance);
  return { candidates, context: { vector: vectors[node], level: LEVEL, graph, distance }, hops, between, toNode };
}

/** On the other layers everybody is linked to everybody: who reads the wrong one finds too many. */
const LEVEL = 1;

/** SELECT-NEIGHBORS-HEURISTIC as printed: the ids, in the order in which they enter R. */
export function algorithm4(
  scene: Scene,
  { extendCandidates = false, keepPruned = false }: HeuristicOptions = {},
  distance: Distance = l2,
): number[] {
  const { between, toNode } = stage(scene, distance);
  const extractNearest = (from: number[]) => {
    const nearest = from.reduce((best, id) => (toNode(id) < toNode(best) ? id : best));
    from.splice(from.indexOf(nearest), 1);
    return nearest;
  };
  const R: number[] = []; // 1
  const W = extendCandidates ? extended(scene) : candidatesOf(scene); // 2–7
  const Wd: number[] = []; // 8
  while (W.length > 0 && R.length < scene.M) {
    const e = extractNearest(W); // 10
    if (R.every((r) => toNode(e) < between(e, r)))
      R.push(e); // 11, 12
    else Wd.push(e); // 13, 14
  }
  while (keepPruned && Wd.length > 0 && R.length < scene.M) R.push(extractNearest(Wd)); // 15–17
  return R; // 18
}

/** The candidates, and behind them those of their neighbours that are none (lines 2 to 7), the node itself left out. */
export function extended(scene: Scene): number[] {
  const W = candidatesOf(scene);
  for (const e of candidatesOf(scene)) {
    for (const adjacent of scene.links?.[e] ?? []) {
      if (!W.includes(adjacent) && adjacent !== scene.points.length) W.push(adjacent);
    }
  }
  return W;
}

/** The most distances that lines 9 to 14 can need: each candidate looked at, against all that are kept by then. */
export function comparisonsOf(scene: Scene): number {
  const { candidates, between } = stage(scene);
  const kept: number[] = [];
  let comparisons = 0;
  for (const { id, distance } of candidates) {
    if (kept.length === scene.M) break;
    comparisons += kept.length;
    if (kept.every((r) => distance < between(id, r))) kept.push(id);
  }
  return comparisons;
}

function candidatesOf({ candidates, points }: Scene): number[] {
  return candidates?.slice() ?? points.map((_, id) => id);
}

function point(): fc.Arbitrary<number[]> {
  return fc.tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -6, max: 6 })) as fc.Arbitrary<number[]>;
}
