/**
 * Day 03 beside the engine: the same coin, graphs of the same shape, work of the same size; what the notebook claims of the
 * hierarchy; and that the checks let other right answers through.
 */
import { describe, expect, it } from 'vitest';
import { distancesAt } from '../../days/02-nsw/measure.ts';
import { Nsw } from '../../days/02-nsw/solution.ts';
import { EQUAL_RECALL } from '../../days/03-layers/bench.ts';
import { checks } from '../../days/03-layers/check.ts';
import { faultsOf } from '../../days/03-layers/graphs.ts';
import { BUILD, cube, groundOf, measure, measureEngine, measureGround } from '../../days/03-layers/measure.ts';
import * as reference from '../../days/03-layers/solution.ts';
import { hashToUnit } from '../../src/core/random.ts';
import { levelOf } from '../../src/graph/hnsw-levels.ts';
import { reachableFrom } from '../../src/lab/components.ts';
import { findDay } from '../../src/lab/exercises/day.ts';
import { loadMutated } from '../../src/lab/exercises/load-day.ts';
import { runChecks } from '../../src/lab/exercises/run-checks.ts';
import { linksOf } from '../../src/lab/trace.ts';

const layered = (options: reference.HnswOptions) => new reference.Hnsw(options);

describe('beside the engine', () => {
  it('the coin gives every slot the level that the engine gives it', () => {
    for (const M of [2, 8, 16, 48]) {
      for (let slot = 0; slot < 5000; slot++) {
        expect(reference.drawLevel(hashToUnit(7, slot), M)).toBeCloseTo(levelOf(7, slot, M), 12);
      }
    }
  });

  it('as many nodes live on each level, as far as chance allows', () => {
    const set = cube(8000, { dimension: 2 });
    const { levels } = measureEngine(set, []).index.stats();
    const { nodes } = measure(set, layered, []).index;
    for (const level of [0, 1, 2]) {
      const share = BUILD.M ** -level;
      const spread = Math.sqrt(8000 * share * (1 - share));
      expect(Math.abs(levels[level] - 8000 * share)).toBeLessThanOrEqual(4 * spread);
      const living = nodes.filter(({ links }) => links.length > level).length;
      expect(Math.abs(living - 8000 * share)).toBeLessThanOrEqual(4 * spread);
    }
  });

  it('recall of 0.95 and 0.98 in 8-D takes at most 1.3 times the engine’s distances', () => {
    const set = cube(4000, { dimension: 8 });
    const engine = measureEngine(set).curve;
    const { index, curve } = measure(set, layered);
    expect(faultsOf(index)).toEqual([]);
    for (const recall of [0.95, 0.98]) {
      expect(distancesAt(curve, recall)).toBeLessThan(1.3 * distancesAt(engine, recall));
    }
  });
});

describe('what the notebook says of the hierarchy', () => {
  it('in the plane a search takes two thirds of day 02’s distances or fewer, at a recall of 0.99 or more', () => {
    const set = cube(16_000, { dimension: 2 });
    const [before] = measure(set, (options) => new Nsw(options), [10]).curve;
    const [after] = measure(set, layered, [10]).curve;
    expect(Math.min(before.recall, after.recall)).toBeGreaterThanOrEqual(0.99);
    expect(after.distances).toBeLessThan((2 / 3) * before.distances);
  });

  it('points that arrive from left to right cost day 02 half as much again, and the layers hardly any more', () => {
    const [random, sorted] = (['random', 'sorted'] as const).map((order) => {
      const set = cube(8000, { dimension: 2, order });
      return {
        nsw: measure(set, (options) => new Nsw(options), [10]).curve[0].distances,
        layers: measure(set, layered, [10]).curve[0].distances,
      };
    });
    expect(sorted.nsw).toBeGreaterThan(1.5 * random.nsw);
    expect(sorted.layers).toBeLessThan(1.1 * random.layers);
  });

  it('the zoom-in saves half of the work in the plane and none in 64-D, where the ways are short and some nodes are hubs', () => {
    const [plane, wide] = [2, 64].map((dimension) => {
      const set = cube(4000, { dimension });
      const { index, curve } = measure(set, layered, [10]);
      const [alone] = measureGround(index, set, [10]);
      return { saved: 1 - curve[0].distances / alone.distances, ...groundOf(index) };
    });
    expect(plane.saved).toBeGreaterThan(0.4);
    expect(wide.saved).toBeLessThan(0);
    expect(plane.meanHops).toBeGreaterThan(3 * wide.meanHops);
    expect(wide.hubShare).toBeGreaterThan(3 * plane.hubShare);
  });
});

describe('the benchmark', () => {
  it('times the searches in 64-D at the recall that it says', () => {
    const { of, efs, recall } = EQUAL_RECALL;
    const set = cube(of.n, of);
    const curves = {
      flat: measure(set, (options) => new Nsw(options), [efs.flat]).curve,
      layered: measure(set, layered, [efs.layered]).curve,
      engine: measureEngine(set, [efs.engine]).curve,
    };
    for (const [who, [point]] of Object.entries(curves)) {
      expect(Math.abs(point.recall - recall), `${who}: ${point.recall}`).toBeLessThanOrEqual(0.02);
    }
  });
});

describe('what it is measured with', () => {
  it('hops and hubs of a graph are what counting by hand says', () => {
    const index = new reference.Hnsw({ M: 8, M0: 8, efConstruction: 8, seed: 1 });
    // A row of 201: 0 is linked both ways with 1, 1 with 2, and so on; everybody also links to 100.
    for (let i = 0; i < 201; i++) index.insert(Float32Array.of(i));
    index.nodes.forEach(({ links }, id) => {
      links[0] = [id - 1, id + 1].filter((next) => next >= 0 && next < 201);
      if (id !== 100) links[0].push(100);
    });
    index.entryPoint = 0;
    expect(reachableFrom(linksOf(index, 201), [0]).size).toBe(201);
    // One hop to 1 and 100, two to 2, 99 and 101, and one more for every node further out from those.
    const hops = Array.from({ length: 200 }, (_, i) => i + 1).map((id) => Math.min(id, 1 + Math.abs(id - 100)));
    const { meanHops, hubShare } = groundOf(index);
    expect(meanHops).toBeCloseTo(hops.reduce((a, b) => a + b) / 200, 10);
    // Two links each but for the ends, and 200 to the hub; the hub and two more of 201 are 1 %.
    expect(hubShare).toBeCloseTo((202 + 2 + 2) / (400 + 200), 10);
  });

  it('a sorted set holds the same vectors, smallest first component first', () => {
    const first = ({ base }: ReturnType<typeof cube>) => Array.from(base.data).filter((_, i) => i % 3 === 0);
    const random = first(cube(50, { dimension: 3 }));
    expect(first(cube(50, { dimension: 3, order: 'sorted' }))).toEqual(random.toSorted((a, b) => a - b));
    expect(random).not.toEqual(random.toSorted((a, b) => a - b));
  });
});

describe('the checks', () => {
  const WALK = 'here = greedySearch(layer(graph, level), query, here, distance).id';
  const others = [
    ['the paper’s beam of one', WALK, 'here = searchLayer(layer(graph, level), query, [here], 1, distance)[0].id'],
    ['the paper’s factor mL', '-Math.log(uniform) / Math.log(M)', '-Math.log(uniform) * (1 / Math.log(M))'],
    [
      'a list filled in a loop',
      'return this.select(candidates, Mmax, { vector, level, graph: this, distance }).map((neighbor) => neighbor.id);',
      'const kept: number[] = []; for (const { id } of this.select(candidates, Mmax, { vector, level, graph: this, distance })) kept.push(id); return kept;',
    ],
  ];

  it.each(others)('let another right answer through: %s', async (name, find, replace) => {
    const mutant = { name: name.replaceAll(/\W+/g, '-').toLowerCase(), hole: '', mistake: '', find, replace };
    const results = await runChecks(checks, await loadMutated(await findDay(3), mutant));
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(results.length).toBeGreaterThan(10);
  });
});
