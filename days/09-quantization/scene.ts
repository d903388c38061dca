/**
 * What the checks of day 09 are tried on: vectors and points of small whole numbers, so that a counter-example is a handful of digits
 * and every sum is exact; and k-means told once more, line by line with no eye on length.
 */
import fc from 'fast-check';
import { l2 } from '../02-nsw/solution.ts';
import type { Codebooks, LloydStep } from './solution.ts';

const small = fc.integer({ min: -9, max: 9 });

/** A few components that are no round numbers, and how many bits they get. */
export const scalarCases: fc.Arbitrary<{ x: Float32Array; bits: number }> = fc.record({
  x: fc
    .array(fc.integer({ min: -400, max: 400 }), { minLength: 1, maxLength: 12 })
    .map((values) => Float32Array.from(values, (value) => value / 16)),
  bits: fc.integer({ min: 1, max: 8 }),
});

/** Points and centroids on a grid: some coincide, some centroids are nobody's nearest. */
export interface Scene {
  points: Float32Array[];
  centroids: Float32Array[];
}

export const scenes: fc.Arbitrary<Scene> = fc.integer({ min: 1, max: 3 }).chain((dimension) => {
  const point = fc.array(small, { minLength: dimension, maxLength: dimension }).map((p) => Float32Array.from(p));
  return fc
    .record({
      points: fc.array(point, { minLength: 1, maxLength: 16, size: 'max' }),
      centroids: fc.array(point, { minLength: 1, maxLength: 5 }),
    })
    .filter(({ points, centroids }) => centroids.length <= points.length)
    .filter(uniquelyMended);
});

/** Whether it is clear who mends the empty clusters: of points that are equally far, nobody said which is to be taken. */
function uniquelyMended({ points, centroids }: Scene): boolean {
  const { found, empty } = assigned({ points, centroids });
  const far = found.map(({ distance }) => distance).sort((a, b) => b - a);
  return far.slice(0, empty.length).every((distance, i) => i + 1 === far.length || distance > far[i + 1]);
}

function assigned({ points, centroids }: Scene) {
  const found = points.map((point) => {
    const distances = centroids.map((centroid) => l2(point, centroid));
    const distance = Math.min(...distances);
    return { index: distances.indexOf(distance), distance };
  });
  const empty = [...centroids.keys()].filter((c) => found.every(({ index }) => index !== c));
  return { found, empty };
}

/** Lloyd's step as it is told: assignment, means, and the farthest points for centroids that nobody is nearest to. */
export function stepAsTold({ points, centroids }: Scene): LloydStep {
  const { found, empty } = assigned({ points, centroids });
  const farthestFirst = [...points.keys()].sort((a, b) => found[b].distance - found[a].distance);
  const moved = centroids.map((centroid, c) => {
    const own = points.filter((_, i) => found[i].index === c);
    if (own.length === 0) return points[farthestFirst[empty.indexOf(c)]].slice();
    return centroid.map((_, d) => own.reduce((sum, point) => sum + point[d], 0) / own.length);
  });
  return {
    assignments: Uint32Array.from(found, ({ index }) => index),
    inertia: found.reduce((sum, { distance }) => sum + distance, 0),
    centroids: moved,
  };
}

/** Codebooks, a query and codes as a counter-example shows them. */
export interface Plan {
  /** Components of a piece. */
  width: number;
  m: number;
  k: number;
  query: number[];
  centroids: number[];
  codes: number[];
}

export const plans: fc.Arbitrary<Plan> = fc
  .record({
    width: fc.integer({ min: 1, max: 3 }),
    m: fc.integer({ min: 1, max: 4 }),
    k: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ width, m, k }) => {
    const some = (count: number) => fc.array(small, { minLength: count, maxLength: count });
    const code = fc.array(fc.nat(k - 1), { minLength: m, maxLength: m });
    return fc
      .record({ query: some(width * m), centroids: some(width * m * k), codes: fc.array(code, { maxLength: 6 }) })
      .map(({ codes, ...rest }) => ({ width, m, k, ...rest, codes: codes.flat() }));
  });

/** A plan as the day's code takes it. */
export function booksOf({ width, m, k, query, centroids, codes }: Plan): {
  books: Codebooks;
  query: Float32Array;
  codes: Uint8Array;
} {
  return {
    books: { dimension: width * m, m, k, centroids: Float32Array.from(centroids) },
    query: Float32Array.from(query),
    codes: Uint8Array.from(codes),
  };
}

/** Two pieces of two components, four centroids each, five codes: for examples. */
export const SMALL: Plan = {
  ...{ width: 2, m: 2, k: 4 },
  query: [1, 2, 0, -1],
  centroids: [0, 0, 4, 0, 0, 4, 4, 4, ...[-3, 0, 3, 0, 0, -3, 0, 3]],
  codes: [0, 2, 3, 0, 1, 1, 2, 3, 0, 0],
};

/** Many codes under few centroids, so that who works per code rather than per centroid is seen. */
export const MANY: Plan = {
  ...{ width: 4, m: 6, k: 8 },
  query: Array.from({ length: 24 }, (_, i) => ((7 * i) % 11) - 5),
  centroids: Array.from({ length: 192 }, (_, i) => ((5 * i) % 17) - 8),
  codes: Array.from({ length: 3000 }, (_, i) => (i * i + 3 * i + Math.floor(i / 7)) % 8),
};
