/**
 * What the checks of day 03 walk on: layered graphs laid out by hand, which record who was read. They need nothing of what the
 * learner writes, so that each hole can be checked alone.
 */
import fc from 'fast-check';
import type { LayeredGraph } from './solution.ts';

/** Reading one list: whose, and on which layer. */
export interface Hop {
  id: number;
  level: number;
}

export interface Scene extends LayeredGraph {
  /** In the order in which they were made. */
  readonly hops: Hop[];
  /** The node of the top layer by which a search enters. */
  readonly entryPoint: number;
  readonly topLevel: number;
}

/** A random scene, as a counter-example shows it: points in the plane, each with the highest layer that it lives on. */
export interface Plan {
  points: { at: [number, number]; level: number }[];
  query: [number, number];
  /** The layer to come down to. */
  to: number;
}

/**
 * Points 0, 1, 2, … on a line. Layer 1 keeps every `every`-th of them, layer 2 every `every`-th of those; on each layer a node
 * is linked to the next one on either side.
 */
export function ladder({ count, every, topLevel }: { count: number; every: number; topLevel: number }): Scene {
  const points = Array.from({ length: count }, (_, i) => Float32Array.of(i));
  return scene(points, { entryPoint: 0, topLevel }, (id, level) => {
    const step = every ** level;
    return [id - step, id + step].filter((next) => next >= 0 && next < count);
  });
}

/** The scene of a plan: on each layer, those who live there stand in a row, linked to the ones beside them. */
export function stage({ points }: Plan): Scene {
  const topLevel = Math.max(...points.map(({ level }) => level));
  const vectors = points.map(({ at }) => Float32Array.from(at));
  const entryPoint = points.findIndex(({ level }) => level === topLevel);
  return scene(vectors, { entryPoint, topLevel }, (id, level) => {
    const here = points.flatMap((point, other) => (point.level >= level ? [other] : []));
    const place = here.indexOf(id);
    return here.filter((_, other) => Math.abs(other - place) === 1);
  });
}

/** Up to ten points on up to four layers. No two lie in the same place, and none is as far from the query as another. */
export const plans: fc.Arbitrary<Plan> = fc
  .record({
    points: fc.array(fc.record({ at: pair(), level: fc.nat(3) }), { minLength: 1, maxLength: 10 }),
    query: pair(),
    to: fc.nat(2),
  })
  .map(({ points, query, to }) => {
    const far = points.map(({ at }) => (at[0] - query[0]) ** 2 + (at[1] - query[1]) ** 2);
    return { points: points.filter((_, i) => far.indexOf(far[i]) === i), query, to };
  });

function pair(): fc.Arbitrary<[number, number]> {
  return fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }));
}

function scene(
  points: readonly Float32Array[],
  { entryPoint, topLevel }: { entryPoint: number; topLevel: number },
  linksOf: (id: number, level: number) => number[],
): Scene {
  const hops: Hop[] = [];
  return {
    hops,
    entryPoint,
    topLevel,
    vector: (id) => points[id],
    neighbors: (id, level) => {
      hops.push({ id, level });
      return linksOf(id, level);
    },
  };
}
