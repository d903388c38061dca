import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { componentsOf, reachableFrom, strongComponentsOf } from '../../src/lab/components.ts';

describe('componentsOf', () => {
  it('numbers islands from the largest down, links counting both ways', () => {
    expect(componentsOf([[1], [], [3], [4], [2], []])).toEqual([1, 1, 0, 0, 0, 2]);
    expect(componentsOf([])).toEqual([]);
    expect(componentsOf([undefined, [0]])).toEqual([0, 0]);
  });

  it('puts two nodes together exactly where a path joins them', () => {
    const graphs = fc
      .integer({ min: 1, max: 12 })
      .chain((n) =>
        fc.array(fc.array(fc.integer({ min: 0, max: n - 1 }), { maxLength: 2 }), { minLength: n, maxLength: n }),
      );
    fc.assert(
      fc.property(graphs, (links) => {
        const both = links.map((own, id) => [
          ...own,
          ...links.flatMap((others, i) => (others.includes(id) ? [i] : [])),
        ]);
        const component = componentsOf(links);
        for (const a of links.keys()) {
          const reached = reachableFrom(both, [a]);
          for (const b of links.keys()) expect(component[a] === component[b]).toBe(reached.has(b));
        }
        const sizes = [...new Set(component)]
          .sort((a, b) => a - b)
          .map((one) => component.filter((c) => c === one).length);
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      }),
      { seed: 3 },
    );
  });
});

describe('strongComponentsOf', () => {
  it('tells a circle from a one-way street', () => {
    expect(strongComponentsOf([[1], [2], [0]])).toEqual([0, 0, 0]);
    expect(strongComponentsOf([[1], [2], []]).toSorted()).toEqual([0, 1, 2]);
    // Two circles with a bridge that leads one way; the larger is 0.
    expect(strongComponentsOf([[1], [0, 2], [3], [4], [2]])).toEqual([1, 1, 0, 0, 0]);
  });

  it('puts two nodes together where a way leads there and back', () => {
    const graphs = fc
      .integer({ min: 1, max: 12 })
      .chain((n) => fc.array(fc.uniqueArray(fc.nat(n - 1), { maxLength: 2 }), { minLength: n, maxLength: n }));
    fc.assert(
      fc.property(graphs, (links) => {
        // Warshall's closure.
        const leads = links.map((list, id) => links.map((_, to) => to === id || list.includes(to)));
        for (const k of links.keys())
          for (const i of links.keys()) for (const j of links.keys()) leads[i][j] ||= leads[i][k] && leads[k][j];
        const groups = strongComponentsOf(links);
        for (const i of links.keys())
          for (const j of links.keys()) expect(groups[i] === groups[j]).toBe(leads[i][j] && leads[j][i]);
      }),
      { seed: 4 },
    );
  });
});

describe('reachableFrom', () => {
  it('follows links in their direction', () => {
    const links = [[1], [2], [], [0]];
    expect([...reachableFrom(links, [0])].sort()).toEqual([0, 1, 2]);
    expect([...reachableFrom(links, [3])].sort()).toEqual([0, 1, 2, 3]);
    expect([...reachableFrom(links, [2])]).toEqual([2]);
  });

  it('from several nodes at once, and past those that are in the way', () => {
    const links = [[1], [2], [3], [], [1], undefined];
    expect([...reachableFrom(links, [2, 5])].sort()).toEqual([2, 3, 5]);
    expect([...reachableFrom(links, [0, 4], new Set([2]))].sort()).toEqual([0, 1, 4]);
    expect([...reachableFrom(links, [])]).toEqual([]);
  });
});
