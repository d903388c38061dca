/** Day 04 and the engine are the same algorithm: given the same candidates they choose the same links. */
import { describe, expect, it } from 'vitest';
import { l2 } from '../../days/02-nsw/solution.ts';
import { fiftyIslands, measure, measureEngine, milestone } from '../../days/04-heuristic/measure.ts';
import * as day from '../../days/04-heuristic/solution.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { componentsOf } from '../../src/lab/components.ts';
import { islands, rows } from '../../src/lab/teaching-sets.ts';
import { TWELVE_POINTS } from '../../src/lab/twelve-points.ts';

describe('the selection beside the engine’s', () => {
  const flags = [false, true];
  const options = flags.flatMap((extendCandidates) => flags.map((keepPruned) => ({ extendCandidates, keepPruned })));

  it.each(options)('gives a new node the same links, nearest first: %o', (flags) => {
    const [M, efConstruction] = [6, 24];
    const vectors = rows(islands({ n: 600, dimension: 6, clusters: 12, spread: 0.2, seed: 7 }).base);
    const engine = Hnsw.create({
      ...{ dimension: 6, capacity: 600, M, efConstruction, seed: 3 },
      ...{ codes: 'f32', filter: 'none', alpha: 1, ...flags },
    });
    const graph = { vector: (id: number) => vectors[id], neighbors: (id: number) => engine.neighbors(id, 0) };
    let compared = 0;
    let pruned = 0;
    for (const [id, vector] of vectors.entries()) {
      // What the insert is about to find, since it starts and searches as a search does.
      const { ids, distances } = engine.search(vector, { k: efConstruction, efSearch: efConstruction });
      const candidates = Array.from(ids, (id, i) => ({ id, distance: distances[i] }));
      const context = { vector, level: 0, graph, distance: l2 };
      const chosen = day
        .selectHeuristic(flags)(candidates, M, context)
        .map((neighbor) => neighbor.id);
      const levelsBefore = engine.stats().levels;
      engine.add(vector, id);
      // A node of an upper level enters level 0 by other nodes, and a new top one gets an edge besides.
      if (id === 0 || engine.stats().levels.length !== levelsBefore.length || isOnLevelOne(engine, levelsBefore))
        continue;
      expect(Array.from(engine.neighbors(id)), `node ${id}`).toEqual(chosen);
      compared++;
      if (chosen.join() !== ids.slice(0, M).join()) pruned++;
    }
    expect(compared).toBeGreaterThan(400);
    // The nearest M would not pass for it.
    expect(pruned).toBeGreaterThan(300);
  });

  it('makes graphs that are searched as well, for as much work, within a hundredth and a twentieth', () => {
    const set = fiftyIslands();
    const ours = measure(set, { select: day.selectHeuristic() }).curve;
    const engine = measureEngine(set, { alpha: 1 }).curve;
    for (const ef of [20, 40, 80]) {
      const [mine, its] = [ours, engine].map((curve) => curve.find((point) => point.ef === ef)!);
      expect(Math.abs(mine.recall - its.recall), `recall at ef ${ef}`).toBeLessThan(0.01);
      expect(mine.distances / its.distances, `distances at ef ${ef}`).toBeGreaterThan(0.95);
      expect(mine.distances / its.distances, `distances at ef ${ef}`).toBeLessThan(1.05);
    }
  });
});

function isOnLevelOne(engine: Hnsw, before: number[]): boolean {
  return (engine.stats().levels[1] ?? 0) > (before[1] ?? 0);
}

it('createHnsw is day 03’s graph with the selection in it', () => {
  const { base } = islands({ n: 300, dimension: 2, seed: 4 });
  const index = day.createHnsw({ M: 4, efConstruction: 16, keepPruned: true });
  for (const vector of rows(base)) index.insert(vector);
  const same = measure(
    { base, queries: base, truth: { ids: new Uint32Array(3000), distances: new Float32Array(3000) } },
    { M: 4, efConstruction: 16, select: day.selectHeuristic({ keepPruned: true }) },
    [10],
  ).index;
  expect(index.nodes.map(({ links }) => links)).toEqual(same.nodes.map(({ links }) => links));
});

it('reaches the milestone, and yesterday does not', () => {
  const { nearest, heuristic } = milestone(day);
  expect(nearest.recall).toBeLessThan(0.6);
  expect(heuristic!.recall).toBeGreaterThan(0.95);
  expect(heuristic!.distances).toBeLessThanOrEqual(nearest.distances);
});

it('on the twelve points does what the notebook says', () => {
  const points = TWELVE_POINTS.map(({ vector }) => vector);
  const graph = { vector: (id: number) => points[id], neighbors: () => [] };
  const nearestFirst = points.map((vector, node) => {
    const others = points.map((point, id) => ({ id, distance: l2(vector, point) })).filter(({ id }) => id !== node);
    return others.sort((a, b) => a.distance - b.distance);
  });
  const kept = nearestFirst.map((candidates, node) =>
    day
      .selectHeuristic()(candidates, 11, { vector: points[node], level: 0, graph, distance: l2 })
      .map(({ id }) => id),
  );
  const named = (ids: number[]) => ids.map((id) => TWELVE_POINTS[id].name).join('');
  expect(named(nearestFirst[0].slice(0, 2).map(({ id }) => id))).toBe('kd');
  expect(named(kept[0])).toBe('kl');
  const nearestTwo = nearestFirst.map((candidates) => candidates.slice(0, 2).map(({ id }) => id));
  expect(Math.max(...componentsOf(nearestTwo))).toBe(1);
  expect(Math.max(...componentsOf(kept))).toBe(0);
});
