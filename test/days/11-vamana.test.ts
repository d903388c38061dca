/**
 * Day 11: that its graph is the paper's, whatever it is built from; what the notebook says of it; deleting; and the drawing of what p*
 * rules out.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { l2 } from '../../days/02-nsw/solution.ts';
import { selectHeuristic } from '../../days/04-heuristic/solution.ts';
import { checks } from '../../days/11-vamana/check.ts';
import { expectLists } from '../../days/11-vamana/expect.ts';
import {
  BUILD,
  build,
  builtWork,
  CONSOLIDATE,
  clearing,
  cook,
  crowds,
  curveOf,
  DROP,
  descentOf,
  LEAVE,
  plane,
  randomGraph,
  reached,
  recipes,
  shapeOf,
  shareReachable,
  slowGraph,
  smallSet,
  thin,
} from '../../days/11-vamana/measure.ts';
import { engineCurveOf, engineVamana, halved } from '../../days/11-vamana/measure-engine.ts';
import { alphasFigure, keptOf, regionOf, stepsFigure } from '../../days/11-vamana/prune-figure.ts';
import * as day from '../../days/11-vamana/solution.ts';
import { loadMutant, runChecks } from '../../src/lab/exercises/index.ts';
import { gaussianSet, rows } from '../../src/lab/teaching-sets.ts';
import { TWELVE_POINTS } from '../../src/lab/twelve-points.ts';

const few = rows(gaussianSet({ n: 300, dimension: 6, queries: 1, seed: 3 }).base);

describe('the graph', () => {
  it('never has a list that is longer than R, leads to its own node, or to one node twice', () => {
    for (const options of [{}, { alpha: 2, R: 4 }, { saturate: true, R: 5 }, { passes: 1 as const, alpha: 1 }]) {
      const { links } = build(few, options).graph;
      expectLists(links, options.R ?? BUILD.R);
    }
  });

  it('is the same for the same seed, and another for another', () => {
    const links = (seed: number) => build(few, { seed }).graph.links;
    expect(links(1)).toEqual(links(1));
    expect(links(1)).not.toEqual(links(2));
  });

  it('is fullest where lists are saturated', () => {
    const { links } = build(few, { saturate: true, R: 8 }).graph;
    const full = links.filter((list) => list.length === 8).length;
    expect(full).toBeGreaterThan(0.7 * links.length);
  });

  it('can be made of one vector, of two, and of copies', () => {
    const at = (...places: number[]) => places.map((place) => Float32Array.of(place, 0));
    expect(day.buildVamana(at(1), { R: 4, L: 4 }).links).toEqual([[]]);
    expect(day.buildVamana(at(1, 2), { R: 4, L: 4 }).links).toEqual([[1], [0]]);
    const copies = day.buildVamana(at(5, 5, 5, 5, 5, 5), { R: 2, L: 4 });
    expectLists(copies.links, 2);
    expect(copies.search(Float32Array.of(5, 0), { k: 1, L: 4 })[0].distance).toBe(0);
  });

  it('is searched for the k nearest that live', () => {
    const { graph } = build(few);
    const [{ id }] = graph.search(few[7], { k: 1, L: 10 });
    expect(id).toBe(7);
    graph.deleted.add(7);
    const found = graph.search(few[7], { k: 5, L: 20 }).map((one) => one.id);
    expect(found).toHaveLength(5);
    expect(found).not.toContain(7);
  });

  it('takes vectors that come later, and finds them', () => {
    const { graph } = build(few.slice(0, 200));
    for (const vector of few.slice(200)) day.add(graph, vector, BUILD);
    expect(graph.links).toHaveLength(300);
    const lost = few.filter((vector, id) => graph.search(vector, { k: 1, L: 20 })[0].id !== id);
    expect(lost.length).toBeLessThan(3);
    expectLists(graph.links, BUILD.R);
  });
});

describe('the checks', () => {
  it('blame the hole in which the mistake is', { timeout: 120_000 }, async () => {
    const mistakes = {
      gather: ['unsorted', 'forgets-old-links', 'drops-copies'],
      prune: ['without-alpha', 'skips-the-next', 'compares-by-l2'],
      insert: ['search-list-only', 'searches-by-l2'],
    };
    for (const [hole, names] of Object.entries(mistakes)) {
      for (const name of names) {
        const results = await runChecks(checks, await loadMutant(11, name));
        const failed = results.filter(({ status }) => status === 'failed').map((result) => result.hole);
        const times = (one: string) => failed.filter((other) => other === one).length;
        // The one of which most failed is shown first.
        const [blamed] = failed.toSorted((a, b) => times(b) - times(a));
        expect(blamed, name).toBe(hole);
      }
    }
  });
});

describe('RobustPrune', () => {
  it('with α = 1 keeps what the heuristic of day 04 keeps', () => {
    const place = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
    fc.assert(
      fc.property(fc.array(place, { minLength: 2, maxLength: 12 }), fc.integer({ min: 1, max: 5 }), (places, R) => {
        const vectors = places.map((one) => Float32Array.from(one));
        const candidates = vectors
          .map((vector, id) => ({ id, distance: l2(vectors[0], vector) }))
          .slice(1)
          .sort((a, b) => a.distance - b.distance);
        const graph = new day.Vamana(vectors, { R: 0 });
        day.robustPrune(graph, 0, candidates, { R, alpha: 1 });
        const context = { vector: vectors[0], level: 0, graph, distance: l2 };
        expect(graph.links[0]).toEqual(selectHeuristic()(candidates, R, context).map(({ id }) => id));
      }),
      { seed: 11 },
    );
  });

  it('at a copy of p: with α = 1 it rules everybody out, with more only other copies', () => {
    const vectors = [
      [0, 0],
      [0, 0],
      [0, 0],
      [3, 0],
      [0, 4],
    ].map((one) => Float32Array.from(one));
    const kept = (alpha: number) => {
      const graph = new day.Vamana(vectors, { R: 0 });
      const others = vectors.map((vector, id) => ({ id, distance: l2(vectors[0], vector) }));
      day.robustPrune(graph, 0, others, { R: 4, alpha });
      return graph.links[0];
    };
    expect(kept(1)).toEqual([1]);
    expect(kept(1.2)).toEqual([1, 3, 4]);
  });
});

describe('beside the engine', () => {
  it('its graph has about as many links, and is searched as well for as much work', () => {
    const set = crowds();
    const ours = build(rows(set.base)).graph;
    const engine = engineVamana(set);
    const degree = ours.links.flat().length / ours.links.length;
    // Lists of the engine have slack.
    expect(engine.stats().meanDegree / degree).toBeGreaterThan(0.8);
    expect(engine.stats().meanDegree / degree).toBeLessThan(1.4);
    const its = engineCurveOf(engine, set);
    for (const [i, mine] of curveOf(ours, set).entries()) {
      expect(Math.abs(mine.recall - its[i].recall), `recall with a list of ${mine.ef}`).toBeLessThan(0.03);
      expect(its[i].distances / mine.distances, `distances with a list of ${mine.ef}`).toBeGreaterThan(0.8);
      expect(its[i].distances / mine.distances, `distances with a list of ${mine.ef}`).toBeLessThan(1.4);
    }
  });

  it('what is deleted costs distances and no recall until it is consolidated; then the graph is whole', () => {
    const [all, marked, consolidated, anew] = halved(crowds());
    expect([all, marked, consolidated, anew].map(({ vectors }) => vectors)).toEqual([2000, 1000, 1000, 1000]);
    for (const { recall, faults, state } of [all, marked, consolidated, anew]) {
      expect(recall, state).toBeGreaterThan(0.97);
      expect(faults, state).toBe(0);
    }
    expect(marked.distances).toBeGreaterThan(1.2 * consolidated.distances);
    expect(consolidated.distances).toBeLessThan(1.4 * anew.distances);
  });
});

describe('deleting', () => {
  it('leaves no link to the deleted, and everybody who lives is reached', () => {
    const { graph } = build(few);
    for (let id = 0; id < 150; id++) if (id !== graph.start) graph.deleted.add(id);
    day.consolidate(graph, BUILD);
    expectLists(graph.links, BUILD.R);
    const living = [...few.keys()].filter((id) => !graph.deleted.has(id));
    for (const id of living) expect(graph.links[id].filter((to) => graph.deleted.has(to))).toEqual([]);
    expect(reached(graph) * 300).toBeGreaterThanOrEqual(living.length - 1);
  });

  it('touches nobody who links to none of them', () => {
    const { graph } = build(few);
    const before = graph.links.map((list) => [...list]);
    const gone = graph.start === 9 ? 10 : 9;
    graph.deleted.add(gone);
    day.consolidate(graph, BUILD);
    for (const [id, list] of before.entries()) {
      if (id !== gone && !list.includes(gone)) expect(graph.links[id]).toEqual(list);
    }
  });

  it('moves the start where it is deleted, and survives when nobody is left', () => {
    const { graph } = build(few);
    const { start } = graph;
    graph.deleted.add(start);
    day.consolidate(graph, BUILD);
    expect(graph.start).not.toBe(start);
    const nearest = few.map((vector, id) => (id === start ? Infinity : l2(few[start], vector)));
    expect(nearest[graph.start]).toBe(Math.min(...nearest));
    for (const id of few.keys()) graph.deleted.add(id);
    day.consolidate(graph, BUILD);
    expect(graph.search(few[0], { k: 3, L: 5 })).toEqual([]);
  });
});

describe('what the notebook says', () => {
  const set = crowds();
  const vectors = rows(set.base);
  const recallAt = (graph: day.Vamana, L: number) => curveOf(graph, set, [L])[0];

  it('the random graph is a scan: recall is the share of the vectors that it compares', () => {
    for (const { recall, distances } of curveOf(randomGraph(vectors), set, [20, 80, 320])) {
      expect(Math.abs(recall - distances / vectors.length)).toBeLessThan(0.03);
    }
  });

  it('one pass does nearly all of it, order and beginning hardly matter, saturating costs', () => {
    const built = recipes(set).map((recipe) => cook(vectors, recipe));
    const at10 = built.map(({ graph }) => recallAt(graph, 10));
    const at20 = built.map(({ graph }) => recallAt(graph, 20));
    const [paper, first, once, , byCluster, empty, saturated] = built;
    for (const { recall } of at20) expect(recall).toBeGreaterThan(0.985);
    expect(first.distances).toBeLessThan(paper.distances / 3);
    expect(at10[0].recall - at10[1].recall).toBeGreaterThan(0.02);
    expect(once.distances).toBeGreaterThan(paper.distances);
    for (const { distances } of [byCluster, empty]) expect(distances).toBeLessThan(1.05 * paper.distances);
    for (const i of [4, 5]) expect(Math.abs(at10[i].recall - at10[0].recall)).toBeLessThan(0.02);
    expect(saturated.distances).toBeGreaterThan(1.9 * paper.distances);
    for (const { graph } of built) expect(reached(graph)).toBeGreaterThan(0.999);
  });

  it('α wins hops, and no distances', () => {
    const [one, more] = [1, 1.2].map((alpha) => build(vectors, { R: 48, L: 60, alpha }).graph);
    const [a, b] = [recallAt(one, 10), recallAt(more, 10)];
    expect(b.hops!).toBeLessThan(a.hops! + 0.5);
    expect(b.recall).toBeGreaterThan(a.recall + 0.04);
    expect(recallAt(one, 28).recall).toBeGreaterThanOrEqual(b.recall);
    expect(recallAt(one, 28).distances).toBeLessThan(b.distances * 1.05);
  });

  it('α without room for it does harm', () => {
    const recalls = [1, 1.2, 1.5].map((alpha) => recallAt(build(vectors, { R: 8, alpha }).graph, 20).recall);
    expect(recalls[0]).toBeGreaterThan(recalls[1] + 0.1);
    expect(recalls[1]).toBeGreaterThan(recalls[2] + 0.1);
    expect(recallAt(build(vectors, { R: 24 }).graph, 20).recall).toBeGreaterThan(0.99);
  });

  it('in the plane α = 1.2 more than doubles the links and takes a third of the hops', () => {
    const [one, more] = [1, 1.2].map((alpha) => shapeOf(build(plane(1000), { R: 32, L: 60, alpha }).graph));
    expect(one.degree).toBeCloseTo(3.5, 1);
    expect(more.degree).toBeCloseTo(8.3, 1);
    expect(more.hops).toBeLessThan(one.hops / 3);
    expect(more.diameter).toBeLessThan(one.diameter / 3);
    expect(more.arrived).toBe(1);
  });

  it('the promise holds of the graph that is built slowly, hop by hop', () => {
    const page = plane(200);
    for (const alpha of [1.2, 1.5]) {
      const graph = slowGraph(page, alpha);
      expect(shareReachable(graph, alpha)).toBe(1);
      const { worst, longest, bound } = descentOf(graph, alpha);
      for (const [hop, left] of worst.entries()) expect(left).toBeLessThanOrEqual(alpha ** -hop * (1 + 1e-6));
      expect(longest).toBeLessThanOrEqual(bound);
      expect(shareReachable(build(page, { R: 32, L: 60, alpha }).graph, alpha)).toBeLessThan(0.95);
    }
  });

  it('two of the mistakes cost hops only, the third loses nodes', async () => {
    const page = plane(200);
    const shape = async (name: string) => {
      const mutant: typeof day = await loadMutant(11, name);
      return shapeOf(build(page, {}, mutant).graph);
    };
    const { hops } = shapeOf(build(page).graph);
    for (const name of ['alpha-not-squared', 'search-list-only']) {
      const broken = await shape(name);
      expect(broken.arrived, name).toBe(1);
      expect(broken.hops, name).toBeGreaterThan(1.2 * hops);
    }
    expect((await shape('no-links-back')).arrived).toBeLessThan(0.95);
  });

  it('consolidated, recall lasts; left or dropped, it does not', () => {
    const built = build(vectors).graph;
    const [left, dropped, consolidated] = [LEAVE, DROP, CONSOLIDATE].map((policy) => thin(set, built, policy));
    for (const { recall, reached } of consolidated) {
      expect(recall).toBeGreaterThan(0.985);
      expect(reached).toBeGreaterThan(0.995);
    }
    expect(left[9].recall).toBeLessThan(0.3);
    expect(dropped[9].recall).toBeLessThan(0.3);
    expect(dropped[8].recall).toBeLessThan(0.7);
  });

  it('reaches its own part of the milestone', () => {
    const { recall, distances } = recallAt(build(vectors).graph, 20);
    expect(recall).toBeGreaterThan(0.95);
    expect(distances).toBeLessThan(vectors.length / 10);
    const small = builtWork(day, smallSet());
    expect(small.recall).toBeGreaterThan(0.95);
    expect(small.distances).toBeLessThan(200);
  });
});

describe('the drawings', () => {
  const names = (ids: readonly number[]) => ids.map((id) => TWELVE_POINTS[id].name).join('');

  it('on the twelve points show what the notebook says', () => {
    expect([1, 1.2, 1.5].map((alpha) => names(keptOf(TWELVE_POINTS, 0, alpha)))).toEqual(['kl', 'kdg', 'kdcgih']);
    const steps = stepsFigure(TWELVE_POINTS, 0, 1.2, { title: 'steps' });
    for (const words of ['rules out b, c, f, i', 'rules out e, h, j, l', 'rules nobody out']) {
      expect(steps).toContain(words);
    }
    expect(alphasFigure(TWELVE_POINTS, 0, [1, 1.5], { title: 'α' })).toContain('α = 1.5: 6 kept');
  });

  it('draw the region of p* where the rule has it: at its edge both sides are equal', () => {
    for (const alpha of [1.2, 1.5, 2]) {
      const { corners } = regionOf(TWELVE_POINTS, 0, 10, alpha);
      const [p, nearest] = [TWELVE_POINTS[0].vector, TWELVE_POINTS[10].vector];
      for (const [x, y] of corners) {
        const to = (one: Float32Array) => Math.hypot(x - one[0], y - one[1]);
        expect((alpha * to(nearest)) / to(p)).toBeCloseTo(1, 6);
      }
    }
    const { corners } = regionOf(TWELVE_POINTS, 0, 10, 1);
    const [p, nearest] = [TWELVE_POINTS[0].vector, TWELVE_POINTS[10].vector];
    for (const [x, y] of [corners[0], corners[3]]) {
      expect(Math.hypot(x - nearest[0], y - nearest[1]) / Math.hypot(x - p[0], y - p[1])).toBeCloseTo(1, 2);
    }
  });

  it('of the clearing shows the same points thrice, and links that consolidating made', () => {
    const { points, groups, before, dropped, consolidated, made } = clearing();
    expect(points).toHaveLength(120);
    const gone = groups.flatMap((group, id) => (group === 1 ? [id] : []));
    expect(gone.length).toBeGreaterThan(8);
    expect(gone).not.toContain(before.start);
    for (const graph of [dropped, consolidated])
      expect(graph.links.flat().filter((to) => gone.includes(to))).toEqual([]);
    expect(before.links.flat().some((to) => gone.includes(to))).toBe(true);
    expect(made.length).toBeGreaterThan(3);
  });
});
