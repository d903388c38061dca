/** Day 10 beside day 02 and the engine: one search, told in two ways, on the graphs that the notebook speaks of. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distancesAt } from '../../days/02-nsw/measure.ts';
import { searchLayer } from '../../days/02-nsw/solution.ts';
import { nearestGraph, sparseNeighborhoodGraph, vamanaGraph, withLongLinks } from '../../days/10-greedy/graphs.ts';
import {
  chance,
  curveOf,
  degree,
  fifty,
  K,
  lengthAt,
  listByHop,
  mostCompared,
  ofTheSet,
  over,
  plane,
  prefix,
  queriesOf,
  tenThousand,
  twelve,
  walksOf,
  waysFrom,
} from '../../days/10-greedy/measure.ts';
import { algorithm1, scenes, stage } from '../../days/10-greedy/scene.ts';
import * as day from '../../days/10-greedy/solution.ts';
import { arriving } from '../../days/10-greedy/walk-figures.ts';
import { gaussianSet, rows, uniformSet, withTruth } from '../../src/lab/teaching-sets.ts';
import { traced } from '../../src/lab/trace.ts';
import { TWELVE_POINTS } from '../../src/lab/twelve-points.ts';

describe('the search list beside day 02’s beam', () => {
  it('reads the same nodes in the same order, compares the same and finds the same', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const [ours, theirs] = [stage(scene), stage(scene)];
        const { nearest } = day.greedySearch(
          ours.graph,
          ours.query,
          scene.start,
          { k: scene.L, L: scene.L },
          ours.distance,
        );
        const found = searchLayer(theirs.graph, theirs.query, [scene.start], scene.L, theirs.distance);
        expect(nearest).toEqual(found);
        expect(ours.touched).toEqual(theirs.touched);
      }),
      { numRuns: 300, seed: 10 },
    );
  });

  it('finds on the engine’s Vamana what the engine finds, for as much work within a tenth', () => {
    const set = withTruth(gaussianSet({ n: 2000, dimension: 12, queries: 100, seed: 5 }));
    const { index, links } = vamanaGraph(set.base, 16);
    const start = day.medoid(rows(set.base));
    const [ours] = curveOf(day, over(set, links), set, { start, Ls: [40] });
    let [distances, hits] = [0, 0];
    for (const [i, query] of rows(set.queries).entries()) {
      const { ids, work } = index.search(query, { k: K, efSearch: 40 });
      distances += work.distances / set.queries.rows;
      const truth = new Set(set.truth.ids.subarray(i * K, (i + 1) * K));
      hits += Array.from(ids).filter((id) => truth.has(id)).length;
    }
    expect(Math.abs(ours.recall - hits / (K * set.queries.rows))).toBeLessThan(0.01);
    expect(ours.distances / distances).toBeGreaterThan(0.9);
    expect(ours.distances / distances).toBeLessThan(1.1);
  });
});

describe('the graphs', () => {
  it('nearest: k others, nearer than anybody else', () => {
    const { base } = uniformSet({ n: 300, dimension: 3, seed: 1 });
    const vectors = rows(base);
    const links = nearestGraph(base, 5);
    for (const [id, list] of links.entries()) {
      const order = [...vectors.keys()].filter((other) => other !== id);
      order.sort((a, b) => day.l2(vectors[id], vectors[a]) - day.l2(vectors[id], vectors[b]));
      expect(list).toEqual(order.slice(0, 5));
    }
    const long = withLongLinks(links, 2, chance('test'));
    for (const [id, list] of long.entries()) {
      expect(list.slice(0, 3)).toEqual(links[id].slice(0, 3));
      expect(new Set([...list, id]).size).toBe(6);
    }
  });

  it('sparse neighbourhood: from every node a link leads nearer to every other, and walks arrive', () => {
    const sets = fc.record({
      n: fc.integer({ min: 2, max: 60 }),
      dimension: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(999),
    });
    fc.assert(
      fc.property(sets, (options) => {
        const set = uniformSet(options);
        const graph = over(set, sparseNeighborhoodGraph(set.base));
        for (const [id, here] of graph.vectors.entries()) {
          for (const [target, vector] of graph.vectors.entries()) {
            if (target === id) continue;
            const nearer = Array.from(graph.links[id]).some(
              (to) => day.l2(graph.vectors[to], vector) < day.l2(here, vector),
            );
            expect(nearer).toBe(true);
          }
        }
        expect(walksOf(day, graph, ofTheSet(set, options.n), 0).found).toBe(1);
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  it('sparse neighbourhood: beside an equal vector the others are still linked', () => {
    const base = { data: Float32Array.of(0, 0, 1), rows: 3, dimension: 1 };
    const graph = new day.Adjacency(rows(base), sparseNeighborhoodGraph(base));
    expect(graph.links).toEqual([[1, 2], [0, 2], [0]]);
    for (const start of [0, 1, 2]) {
      const [{ id }] = day.greedySearch(graph, Float32Array.of(1), start, { k: 1, L: 1 }).nearest;
      expect(id).toBe(2);
    }
  });

  it('refuses an R that no graph has, no vectors, a list shorter than k, and lists that are not one a vector', () => {
    for (const R of [5, 7, -1, 1.5]) expect(() => day.randomRegularGraph(5, R, chance('none'))).toThrow(/R = /);
    expect(() => day.medoid([])).toThrow(/no medoid/);
    const alone = new day.Adjacency([Float32Array.of(1)], [[]]);
    for (const [k, L] of [
      [2, 1],
      [0, 1],
      [1, Number.NaN],
    ]) {
      expect(() => day.greedySearch(alone, Float32Array.of(0), 0, { k, L })).toThrow(/L ≥ k/);
    }
    expect(() => new day.Adjacency([Float32Array.of(1)], [])).toThrow(/0 lists for 1 vectors/);
  });

  it('as many hops as there are, and none where no way leads', () => {
    expect(waysFrom([[1], [2], [0], [0]], 0)).toEqual([0, 1, 2, Number.POSITIVE_INFINITY]);
  });
});

describe('what the notebook says', () => {
  it('of the twelve points: which walks arrive, and what the list holds', () => {
    const points = rows(twelve());
    const byLot = new day.Adjacency(points, day.randomRegularGraph(12, 3, chance('twelve 24')));
    const others = [nearestGraph(twelve(), 2), sparseNeighborhoodGraph(twelve())];
    expect([byLot, ...others.map((links) => new day.Adjacency(points, links))].map(arriving)).toEqual([63, 46, 132]);
    const query = Float32Array.of(9, 5);
    const steps = listByHop(day, byLot, query, { start: 0, L: 5 });
    expect(steps.at(-1)!.visited).toEqual(algorithm1(byLot, query, 0, { k: 1, L: 5 }).visited);
    const { list, visited } = steps.at(-1)!;
    expect(list.every(({ visited }) => visited)).toBe(true);
    const dropped = visited.filter((id) => !list.some((one) => one.id === id));
    expect(dropped.map((id) => TWELVE_POINTS[id].name)).toEqual(['a', 'd', 'k']);
    const { graph, distance, trace } = traced(byLot, day.l2);
    day.greedySearch(graph, query, 0, { k: 1, L: 5 }, distance);
    expect([trace.hops, trace.distances]).toEqual([8, 12]);
  });

  it('on a random graph recall is the share that is compared; on Vamana’s a sixth of 3,000 is enough for 0.95', () => {
    const set = prefix(tenThousand(), 3000);
    const start = day.medoid(rows(set.base));
    const random = over(set, day.randomRegularGraph(3000, 32, chance('random')));
    for (const { recall, distances } of curveOf(day, random, set, { start, Ls: [20, 80, 240], queries: 60 })) {
      expect(Math.abs(recall - distances / 3000)).toBeLessThan(0.08);
    }
    const graph = over(set, vamanaGraph(set.base, 32).links);
    const curve = curveOf(day, graph, set, { start });
    expect(distancesAt(curve, 0.95)).toBeLessThan(450);
    expect(lengthAt(curve, 0.95)).toBeLessThan(20);
    expect(mostCompared(day, graph, set, { start, L: 80 })).toBe(1);
    for (const { ef, hops } of curve) expect(hops! / ef, `L ${ef}`).toBeLessThan(1.4);
  });

  it('in clusters the nearest alone lead nowhere, a few links by lot mend it, and the sparse graph needs fewer', () => {
    const set = fifty();
    const start = day.medoid(rows(set.base));
    const near = nearestGraph(set.base, 16);
    const recallOf = (links: day.Links) => curveOf(day, over(set, links), set, { start, Ls: [40] })[0].recall;
    expect(recallOf(near)).toBeLessThan(0.05);
    expect(recallOf(withLongLinks(near, 4, chance('clusters, long')))).toBeGreaterThan(0.95);
    const sparse = sparseNeighborhoodGraph(set.base);
    expect(degree(sparse)).toBeLessThan(8);
    expect(recallOf(sparse)).toBeGreaterThan(0.99);
  });

  it('in the plane short ways exist by lot, and are not found', () => {
    const set = plane();
    const start = day.medoid(rows(set.base));
    const links = day.randomRegularGraph(1000, 8, chance('random'));
    expect(Math.max(...waysFrom(links, start).filter(Number.isFinite))).toBeLessThanOrEqual(6);
    expect(walksOf(day, over(set, links), queriesOf(set), start).found).toBeLessThan(0.1);
    expect(walksOf(day, over(set, nearestGraph(set.base, 8)), queriesOf(set), start).found).toBeGreaterThan(0.7);
  });
});
