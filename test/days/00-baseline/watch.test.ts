/** What the notebook shows: the sorted column, the search that is watched, the search that stops early. */
import { describe, expect, it } from 'vitest';
import { axisSweep } from '../../../days/00-baseline/axis-sweep.ts';
import { searchExact, squaredL2 } from '../../../days/00-baseline/solution.ts';
import { heapPanels, searchFirst, watch } from '../../../days/00-baseline/watch.ts';
import { rows, uniformSet } from '../../../src/lab/teaching-sets.ts';
import { TWELVE_POINTS, TWELVE_TRAP } from '../../../src/lab/twelve-points.ts';

const { base, queries } = uniformSet({ n: 300, dimension: 3, queries: 20 });
const vectors = rows(base);

describe('axisSweep', () => {
  it('has met the nearest when it stops, and had to go so far', () => {
    for (const query of rows(queries)) {
      const met: number[] = [];
      const noting = (a: Float32Array, b: Float32Array) => {
        met.push(squaredL2(a, b));
        return met[met.length - 1];
      };
      const distances = axisSweep(vectors, query, noting);
      const [nearest] = searchExact(vectors, query, 1);
      expect(met).toHaveLength(distances);
      expect(Math.min(...met)).toBe(nearest.distance);
      const within = vectors.filter((vector) => (vector[0] - query[0]) ** 2 < nearest.distance);
      expect(distances).toBeGreaterThanOrEqual(within.length);
      expect(distances).toBeLessThan(vectors.length);
    }
  });
});

describe('watch', () => {
  it('says of each candidate who was on top and whether it entered', () => {
    const twelve = TWELVE_POINTS.map(({ vector }) => vector);
    const { found, steps } = watch(searchExact, twelve, TWELVE_TRAP.query, 3);
    expect(steps.map(({ id }) => id)).toEqual([...twelve.keys()]);
    expect(steps[11].kept.toReversed()).toEqual(found.map(({ id }) => id));
    for (const { distance, top, enters, id, kept } of steps) {
      expect(enters).toBe(distance < top);
      expect(kept.includes(id)).toBe(enters);
    }
    expect(heapPanels(TWELVE_POINTS, TWELVE_TRAP.query, steps).match(/<img /g)).toHaveLength(4);
  });
});

describe('searchFirst', () => {
  it('finds the best of so many, and measures no more', () => {
    const { ids, distances } = searchFirst(searchExact, vectors, 10)(vectors[5], 100);
    expect(distances).toBe(100);
    expect(ids[0]).toBe(5);
    expect(Math.max(...ids)).toBeLessThan(100);
  });
});
