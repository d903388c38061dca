/** Day 02 and the engine walk alike: on one graph they find the same, and on their own graphs for about the same work. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  build,
  curveOf,
  distancesAt,
  EFS,
  exponent,
  growth,
  isSame,
  K,
  tenThousand,
} from '../../days/02-nsw/measure.ts';
import * as day from '../../days/02-nsw/solution.ts';
import { descend } from '../../days/03-layers/solution.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { levelOf } from '../../src/graph/hnsw-levels.ts';
import { gaussianSet, rows, uniformSet, withTruth } from '../../src/lab/teaching-sets.ts';
import { workCurve } from '../../src/lab/work-curve.ts';

const SEED = 3;
const M = 8;

function engineOver({ data, rows: capacity, dimension }: ReturnType<typeof gaussianSet>['base']): Hnsw {
  const index = Hnsw.create({ dimension, capacity, M, efConstruction: 32, seed: SEED, codes: 'f32', filter: 'none' });
  index.addBatch(data);
  return index;
}

describe('the beam beside the engine’s', () => {
  it('finds the same on the engine’s graph, for the same work within a tenth', () => {
    const set = gaussianSet({ n: 2000, dimension: 12, queries: 100, seed: 5 });
    const vectors = rows(set.base);
    const engine = engineOver(set.base);
    const levels = vectors.map((_, slot) => levelOf(SEED, slot, M));
    const top = Math.max(...levels);
    const graph = {
      vector: (id: number) => vectors[id],
      neighbors: (id: number, level = 0) => engine.neighbors(id, level),
    };
    let [ours, theirs, same, places] = [0, 0, 0, 0];
    const counted: day.Distance = (a, b) => {
      ours++;
      return day.l2(a, b);
    };
    for (const query of rows(set.queries)) {
      const entry = descend(graph, query, { entry: levels.indexOf(top), from: top, to: 0, distance: counted });
      const found = day.searchLayer(graph, query, [entry], 20, counted);
      const { ids, work } = engine.search(query, { k: 20, efSearch: 20 });
      theirs += work.distances;
      const foundIds = new Set(found.map(({ id }) => id));
      places += ids.length;
      same += ids.filter((id) => foundIds.has(id)).length;
    }
    expect(same / places).toBeGreaterThan(0.98);
    expect(ours / theirs).toBeGreaterThan(0.9);
    expect(ours / theirs).toBeLessThan(1.1);
  });

  it('needs, on its own graph, at most 1.6 times the engine’s distances for a recall, and not fewer', () => {
    const set = withTruth(gaussianSet({ n: 3000, dimension: 16, queries: 100, seed: 6 }));
    const ours = curveOf(build(day, set.base), set);
    const engine = engineOver(set.base);
    const search = (query: Float32Array, efSearch: number) => engine.search(query, { k: K, efSearch });
    const its = workCurve({ search, queries: set.queries, truth: set.truth, k: K, efs: EFS });
    for (const recall of [0.9, 0.95, 0.98]) {
      const ratio = distancesAt(ours, recall) / distancesAt(its, recall);
      expect(ratio, `recall ${recall}`).toBeGreaterThan(1);
      expect(ratio, `recall ${recall}`).toBeLessThan(1.6);
    }
  });
});

describe('NswArena', () => {
  it('is searched like the objects it was made from: the same nodes at the same distances', () => {
    const shapes = fc.record({
      n: fc.integer({ min: 1, max: 200 }),
      dimension: fc.integer({ min: 1, max: 12 }),
      M: fc.integer({ min: 1, max: 10 }),
      ef: fc.integer({ min: 1, max: 40 }),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(shapes, ({ n, dimension, M, ef, seed }) => {
        const set = uniformSet({ n, dimension, queries: 5, seed });
        const { graph } = build(day, set.base, { M, efConstruction: 2 * M });
        const arena = new day.NswArena(graph);
        expect(arena.links.length).toBe(graph.nodes.reduce((sum, { neighbors }) => sum + neighbors.length, 0));
        expect(isSame(day, [graph, arena], set, ef)).toBe(true);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it('of no nodes is empty', () => {
    const { vectors, links, offsets } = new day.NswArena({ nodes: [] });
    expect([vectors.length, links.length, [...offsets]]).toEqual([0, 0, [0]]);
  });
});

describe('what the notebook says', () => {
  it('10,000 vectors: recall 0.95 for less than a tenth of the distances', () => {
    const set = tenThousand();
    const curve = curveOf(build(day, set.base), set, [20, 40]);
    expect(curve[1].recall).toBeGreaterThan(0.95);
    expect(distancesAt(curve, 0.95)).toBeLessThan(1000);
  });

  it('work grows like a logarithm in few dimensions, and much faster in many', () => {
    const slope = (dimension: number) =>
      exponent(growth(day, (n) => uniformSet({ n, dimension, seed: 2 }), { sizes: [500, 1000, 2000], recall: 0.98 }));
    expect(slope(4)).toBeLessThan(0.3);
    expect(slope(32)).toBeGreaterThan(0.5);
  });
});

describe('measuring', () => {
  it('reads a recall off between two widths, and has no answer where no width reaches it', () => {
    const curve = [
      { ef: 10, recall: 0.9, distances: 100 },
      { ef: 20, recall: 0.99, distances: 400 },
    ];
    expect(distancesAt(curve, 0.5)).toBe(100);
    expect(distancesAt(curve, 0.99)).toBeCloseTo(400);
    expect(distancesAt(curve, 1 - Math.sqrt(0.1 * 0.01))).toBeCloseTo(200);
    expect(distancesAt(curve, 0.999)).toBeNaN();
  });

  it('finds the exponent of a power', () => {
    const points = [10, 100, 5000].map((n) => ({ n, distances: 7 * n ** 0.6 }));
    expect(exponent(points)).toBeCloseTo(0.6);
  });
});
