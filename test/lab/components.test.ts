import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { componentsOf, reachableFrom } from '../../src/lab/components.ts';

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
          const reached = reachableFrom(both, a);
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

describe('reachableFrom', () => {
  it('follows links in their direction', () => {
    const links = [[1], [2], [], [0]];
    expect([...reachableFrom(links, 0)].sort()).toEqual([0, 1, 2]);
    expect([...reachableFrom(links, 3)].sort()).toEqual([0, 1, 2, 3]);
    expect([...reachableFrom(links, 2)]).toEqual([2]);
  });
});
