import { describe, expect, it } from 'vitest';
import { DimensionError, ParameterError } from '../../src/core/errors.ts';
import { type Matrix, row } from '../../src/core/matrix.ts';
import { componentsOf } from '../../src/lab/components.ts';
import { exactTruth, gaussianSet, islands, rows, uniformSet, withTruth } from '../../src/lab/teaching-sets.ts';

const l2 = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + (value - b[j]) ** 2, 0);

/** Each row's nearest others, by comparing all: the tiny reference. */
function nearest(base: Matrix, M: number): number[][] {
  const vectors = rows(base);
  return vectors.map((vector, id) => {
    const distances = vectors.map((other) => l2(vector, other));
    return [...vectors.keys()]
      .filter((other) => other !== id)
      .sort((a, b) => distances[a] - distances[b])
      .slice(0, M);
  });
}

/** Hops that greedy search takes from node 0, on average, where each is linked both ways with its 8 nearest. */
function greedyHops(n: number, dimension: number): number {
  const { base, queries } = uniformSet({ n, dimension, queries: 25 });
  const { ids } = exactTruth({ base, queries: base, k: 9 });
  const links: number[][] = Array.from({ length: n }, () => []);
  for (let i = 0; i < n * 9; i++) {
    links[Math.floor(i / 9)].push(ids[i]);
    links[ids[i]].push(Math.floor(i / 9));
  }
  let hops = 0;
  for (const query of rows(queries)) {
    const distance = (id: number) => l2(query, row(base, id));
    for (let here = 0, next = -1; here !== next; hops++) {
      if (next >= 0) here = next;
      next = links[here].reduce((a, b) => (distance(b) < distance(a) ? b : a), here);
    }
  }
  return hops / queries.rows;
}

describe('every teaching set', () => {
  const sets = { uniformSet, gaussianSet, islands };

  it.each(Object.entries(sets))('%s is drawn from its seed: the same again, other vectors for another', (_, make) => {
    const options = { n: 50, dimension: 6, queries: 20 };
    const set = make(options);
    expect(set.base).toMatchObject({ rows: 50, dimension: 6 });
    expect(set.queries).toMatchObject({ rows: 20, dimension: 6 });
    expect(make(options)).toEqual(set);
    expect(make({ ...options, seed: 1 })).toEqual(set);
    expect(make({ ...options, seed: 2 }).base.data).not.toEqual(set.base.data);
    expect(set.base.data.every(Number.isFinite)).toBe(true);
  });

  it.each(Object.entries(sets))('%s has smaller sets as prefixes of larger ones, with the same queries', (_, make) => {
    const small = make({ n: 20, dimension: 5 });
    const large = make({ n: 80, dimension: 5 });
    expect(large.base.data.subarray(0, 100)).toEqual(small.base.data);
    expect(large.queries).toEqual(small.queries);
    expect(small.queries.rows).toBe(100);
  });

  it.each(Object.entries(sets))('%s refuses what is no number of vectors or dimensions', (_, make) => {
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      expect(() => make({ n: wrong, dimension: 2 })).toThrow(ParameterError);
      expect(() => make({ n: 2, dimension: wrong })).toThrow(ParameterError);
    }
  });
});

describe('uniformSet', () => {
  it('fills the unit cube evenly', () => {
    const { base } = uniformSet({ n: 4000, dimension: 3 });
    for (let j = 0; j < 3; j++) {
      const values = rows(base).map((vector) => vector[j]);
      expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
      expect(values.filter((value) => value < 0.25).length / 4000).toBeCloseTo(0.25, 1);
      expect(values.reduce((a, b) => a + b) / 4000).toBeCloseTo(0.5, 1);
    }
  });

  it('in two dimensions has far ways, longer in a larger set, which layers can save', () => {
    const [few, many] = [greedyHops(400, 2), greedyHops(3600, 2)];
    expect(few).toBeGreaterThan(7);
    // The side of a square of nine times as many is three times as long.
    expect(many / few).toBeGreaterThan(2);
  });

  it('in 64 dimensions has none, in a larger set neither', () => {
    expect(greedyHops(400, 64)).toBeLessThan(5);
    expect(greedyHops(3600, 64)).toBeLessThan(5);
  });
});

describe('gaussianSet', () => {
  it('has components of mean 0 and deviation 1', () => {
    const { data } = gaussianSet({ n: 500, dimension: 16 }).base;
    const mean = data.reduce((a, b) => a + b) / data.length;
    expect(mean).toBeCloseTo(0, 1);
    expect(data.reduce((sum, value) => sum + value ** 2, 0) / data.length).toBeCloseTo(1, 1);
  });
});

describe('islands', () => {
  it.each([2, 16, 128])('in %i dimensions fall apart where each is linked with its nearest four', (dimension) => {
    const { base, cluster } = islands({ n: 240, dimension });
    const component = componentsOf(nearest(base, 4));
    expect(new Set(component).size).toBe(8);
    const clusterOf = new Map(component.map((one, id) => [one, cluster[id]]));
    for (const [id, one] of component.entries()) expect(cluster[id]).toBe(clusterOf.get(one));
  });

  it('do not where there are links for whole clusters and more', () => {
    const { base } = islands({ n: 40, dimension: 2, clusters: 4 });
    expect(new Set(componentsOf(nearest(base, 20))).size).toBe(1);
  });

  it('come in random order, from every cluster, near its centre', () => {
    const { base, cluster, centers } = islands({ n: 400, dimension: 16, clusters: 5, spread: 0.05 });
    expect([...new Set(cluster)].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(cluster.subarray(0, 12)).size).toBeGreaterThan(2);
    for (const [i, vector] of rows(base).entries()) {
      const distances = rows(centers).map((center) => Math.sqrt(l2(vector, center)));
      expect(distances.indexOf(Math.min(...distances))).toBe(cluster[i]);
      expect(Math.min(...distances)).toBeLessThan(0.2);
    }
  });

  it('stand on a ring in two dimensions, neighbours 1 apart', () => {
    const { centers } = islands({ n: 1, dimension: 2, clusters: 6 });
    for (let i = 0; i < 6; i++) {
      expect(Math.sqrt(l2(row(centers, i), row(centers, (i + 1) % 6)))).toBeCloseTo(1, 5);
    }
  });

  it('refuse a spread that would join them', () => {
    for (const spread of [0, -1, 0.5, Number.NaN]) {
      expect(() => islands({ n: 9, dimension: 2, spread })).toThrow(/spread = /);
    }
    expect(() => islands({ n: 9, dimension: 2, clusters: 0 })).toThrow(ParameterError);
  });
});

describe('exactTruth', () => {
  it('is what comparing with all says', () => {
    const { base, queries } = uniformSet({ n: 200, dimension: 7, queries: 9 });
    const { ids, distances, k } = exactTruth({ base, queries, k: 5 });
    expect(k).toBe(5);
    for (const [i, query] of rows(queries).entries()) {
      const all = rows(base).map((vector) => l2(query, vector));
      const order = [...all.keys()].sort((a, b) => all[a] - all[b]).slice(0, 5);
      expect([...ids.subarray(i * 5, i * 5 + 5)]).toEqual(order);
      for (const [rank, id] of order.entries()) expect(distances[i * 5 + rank]).toBeCloseTo(all[id], 4);
    }
  });

  it('of a set smaller than k is the whole set', () => {
    const { base, queries } = uniformSet({ n: 3, dimension: 2, queries: 2 });
    const { ids, k } = exactTruth({ base, queries, k: 10 });
    expect(k).toBe(3);
    expect([...ids.subarray(3)].sort()).toEqual([0, 1, 2]);
  });

  it('refuses what it cannot answer', () => {
    const { base, queries } = uniformSet({ n: 3, dimension: 2 });
    expect(() => exactTruth({ base, queries, k: 0 })).toThrow(ParameterError);
    expect(() => exactTruth({ base, queries: uniformSet({ n: 1, dimension: 3 }).queries, k: 1 })).toThrow(
      DimensionError,
    );
  });
});

it('withTruth is the set with its exact neighbours, ten unless told', () => {
  const set = islands({ n: 60, dimension: 3, queries: 5 });
  expect(withTruth(set)).toEqual({ ...set, truth: exactTruth({ base: set.base, queries: set.queries, k: 10 }) });
  expect(withTruth(set, 3).truth.k).toBe(3);
});
