/** What the checks of day 00 look at: sets and heaps to try, the oracle that sorts everything, a distance that counts comparisons. */
import { Random } from 'annlab/lab';
import fc from 'fast-check';
import { type Distance, type Neighbor, squaredL2 } from './solution.ts';

export interface Search {
  vectors: Float32Array[];
  query: Float32Array;
  k: number;
}

/** The oracle: no heap, nothing clever. */
export function sortEverything({ vectors, query, k }: Search, distance: Distance = squaredL2): Neighbor[] {
  return vectors
    .map((vector, id) => ({ id, distance: distance(query, vector) }))
    .sort((a, b) => a.distance - b.distance || a.id - b.id)
    .slice(0, k);
}

/** One-dimensional vectors. */
export function onLine(...places: number[]): Float32Array[] {
  return places.map((x) => Float32Array.of(x));
}

/** With ids 0, 1, 2, … */
export function neighbors(...distances: number[]): Neighbor[] {
  return distances.map((distance, id) => ({ id, distance }));
}

export function randomSet(n: number): { vectors: Float32Array[]; query: Float32Array } {
  const random = new Random(7);
  const vector = () => Float32Array.from({ length: 8 }, () => random.normal());
  return { vectors: Array.from({ length: n }, vector), query: vector() };
}

/**
 * A distance whose results count how often they are compared. JavaScript asks both sides of <, > or − for their value: two
 * questions are one comparison.
 */
export function comparingDistance(distance: Distance): { distance: Distance; readonly comparisons: number } {
  let asked = 0;
  return {
    distance: (a, b) => {
      const value = distance(a, b);
      const counted = {
        valueOf: () => {
          asked++;
          return value;
        },
      };
      return counted as unknown as number;
    },
    get comparisons() {
      return asked / 2;
    },
  };
}

/** Few values, so that ties and copies are common; k beyond the number of vectors, too. */
export const searches: fc.Arbitrary<Search> = fc.integer({ min: 1, max: 3 }).chain((dimension) => {
  const vector = fc
    .array(fc.integer({ min: 0, max: 4 }), { minLength: dimension, maxLength: dimension })
    .map((values) => Float32Array.from(values));
  return fc.record({
    vectors: fc.array(vector, { maxLength: 40 }),
    query: vector,
    k: fc.integer({ min: 1, max: 45 }),
  });
});

export const heapsAndCandidates = fc.record({
  distances: fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
  candidate: fc.nat(50),
});

export const answers = fc
  .record({
    n: fc.integer({ min: 1, max: 20 }),
    k: fc.integer({ min: 1, max: 22 }),
    order: fc.array(fc.nat(1000), { minLength: 20, maxLength: 20 }),
    isLost: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
  })
  .map(({ n, k, order, isLost }) => {
    const truth = neighbors(...Array.from({ length: n }, (_, i) => 2 * i));
    const found = truth
      .slice(0, k)
      .map((neighbor, i) => (isLost[i] ? { id: 100 + i, distance: 1000 } : neighbor))
      .sort((a, b) => order[a.id % 20] - order[b.id % 20]);
    return { truth, found, k, right: found.filter(({ distance }) => distance < 1000).length };
  });
