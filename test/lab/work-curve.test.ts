import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { countingDistance } from '../../src/lab/exercises/counting-distance.ts';
import { exactTruth, rows, uniformSet } from '../../src/lab/teaching-sets.ts';
import { countedCurve, engineCurve, workCurve } from '../../src/lab/work-curve.ts';

const { base, queries } = uniformSet({ n: 300, dimension: 4, queries: 10 });
const truth = exactTruth({ base, queries, k: 5 });
const l2 = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, j) => sum + (value - b[j]) ** 2, 0);

describe('workCurve', () => {
  /** Compares the query with the first `ef` vectors. */
  const firstFew = (query: Float32Array, ef: number) => {
    const compared = rows(base)
      .slice(0, ef)
      .map((vector, id) => ({ id, distance: vector.reduce((sum, value, j) => sum + (value - query[j]) ** 2, 0) }));
    compared.sort((a, b) => a.distance - b.distance);
    return { ids: compared.slice(0, 5).map(({ id }) => id), distances: ef };
  };

  it('has a point for each width, from narrow to wide, with the mean recall and work', () => {
    const points = workCurve({ search: firstFew, queries, truth, k: 5, efs: [300, 5, 150] });
    expect(points.map(({ ef, distances }) => [ef, distances])).toEqual([
      [5, 5],
      [150, 150],
      [300, 300],
    ]);
    expect(points[2].recall).toBe(1);
    const share = Array.from(truth.ids).filter((id) => id < 150).length / truth.ids.length;
    expect(points[1].recall).toBeCloseTo(share, 10);
    expect(points[0]).not.toHaveProperty('hops');
  });

  it('is the same for queries as a matrix and one by one, and every time', () => {
    const options = { search: firstFew, queries, truth, k: 5, efs: [50, 100] };
    expect(workCurve({ ...options, queries: rows(queries) })).toEqual(workCurve(options));
  });

  it('takes the engine as it is, with its hops', () => {
    const index = Hnsw.create({ dimension: 4, codes: 'f32', capacity: 300, seed: 7 });
    index.addBatch(base.data);
    const points = workCurve({
      search: (query, ef) => index.search(query, { k: 5, efSearch: ef }),
      ...{ queries, truth, k: 5, efs: [5, 300] },
    });
    expect(points[1].recall).toBe(1);
    expect(points[1].distances).toBeGreaterThan(points[0].distances);
    expect(points[0].hops).toBeGreaterThanOrEqual(1);
    const work = rows(queries).map((query) => index.search(query, { k: 5, efSearch: 5 }).work.distances);
    expect(points[0].distances).toBeCloseTo(work.reduce((a, b) => a + b) / work.length, 10);
  });

  it('refuses a beam narrower than k, and no queries', () => {
    expect(() => workCurve({ search: firstFew, queries, truth, k: 5, efs: [4] })).toThrow(/efs = 4.*k = 5/);
    expect(() => workCurve({ search: firstFew, queries: [], truth, k: 5, efs: [5] })).toThrow(ParameterError);
  });
});

describe('countedCurve', () => {
  it('is the curve of the same search, its distances counted from outside', () => {
    const counting = countingDistance(l2);
    counting.distance(queries.data, queries.data);
    const vectors = rows(base).slice(0, 200);
    const search = (query: Float32Array, { k, ef }: { k: number; ef: number }) => {
      const compared = vectors.slice(0, ef).map((vector, id) => ({ id, distance: counting.distance(query, vector) }));
      return compared.sort((a, b) => a.distance - b.distance).slice(0, k);
    };
    const points = countedCurve(search, { queries, truth }, { counting, efs: [5, 150], k: 5 });
    const known = (query: Float32Array, ef: number) => ({
      ids: search(query, { k: 5, ef }).map(({ id }) => id),
      distances: ef,
    });
    expect(points).toEqual(workCurve({ search: known, queries, truth, k: 5, efs: [5, 150] }));
  });
});

describe('engineCurve', () => {
  it('is the curve of the engine over the set, built as it is told', () => {
    const { index, curve } = engineCurve({ base, queries, truth }, { efs: [5, 300], k: 5, M: 6, seed: 3 });
    expect(index.stats()).toMatchObject({ M: 6, codes: 'f32', filter: 'none' });
    expect(curve.map(({ ef }) => ef)).toEqual([5, 300]);
    expect(curve[1].recall).toBe(1);
    const again = (query: Float32Array, efSearch: number) => index.search(query, { k: 5, efSearch });
    expect(curve).toEqual(workCurve({ search: again, queries, truth, k: 5, efs: [5, 300] }));
  });
});
