/** Checks of greedy search: where it ends, and that it goes there by the nearest neighbour and no other way. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { TWELVE_TRAP } from 'annlab/lab';
import fc from 'fast-check';
import { expectGreedy, expectSame, expectWithin, nameOf, TRAP, twelve } from './expect.ts';
import { greedyByThePaper, recorded, scenes, stage } from './scene.ts';
import { l2 } from './solution.ts';

export const greedySearchChecks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example',
    says: 'On a chain, greedy search walks from one end to the other',
    hole: 'greedy-search',
    likely: 'after a step, look again from where it led; stop only when no neighbour is nearer',
    run(module) {
      const links = [[1], [0, 2], [1, 3], [2, 4], [3]];
      expectGreedy(module, { places: [9, 7, 5, 3, 1], links, query: 0.25, entries: [0], ef: 1 }, 4);
    },
  },
  {
    layer: 'example',
    says: 'Of two neighbours that are nearer, greedy search moves to the nearest, in whatever order they are listed',
    hole: 'greedy-search',
    likely: 'compare each neighbour with the nearest so far, not with `here`, and look at all of them before you move',
    run(module) {
      for (const first of [
        [1, 2],
        [2, 1],
      ]) {
        const links = [first, [0], [0, 3], [2]];
        expectGreedy(module, { places: [9, 6, 4, 1], links, query: 0.25, entries: [0], ef: 1 }, 3);
      }
    },
  },
  {
    layer: 'example',
    says: 'In a local minimum greedy search stops, although a nearer node lies behind a farther one',
    hole: 'greedy-search',
    likely: 'greedy search only ever moves to a nearer node; getting out of here is the task of the beam',
    run(module) {
      expectGreedy(module, TRAP, 0);
      const { query, start, stuckAt } = TWELVE_TRAP;
      const { graph, distance } = twelve();
      const end = module.greedySearch(graph, query, start, distance);
      if (end.id !== stuckAt)
        fails(`on the twelve points it should end in ${nameOf(stuckAt)}, and ended in ${nameOf(end.id)}`);
    },
  },
  {
    layer: 'example',
    says: 'A node without links is where greedy search ends',
    hole: 'greedy-search',
    likely: 'an empty list of neighbours has no nearest: return `here`',
    run: (module) => expectGreedy(module, { places: [3], links: [[]], query: 0.25, entries: [0], ef: 1 }, 0),
  },
  {
    layer: 'invariant',
    says: 'Where greedy search ends, no neighbour is nearer, and the distance it returns is that node’s',
    hole: 'greedy-search',
    likely: 'return the node together with its own distance, after its neighbours have all been looked at',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { graph, query, distance } = stage(scene);
        const end = module.greedySearch(graph, query, scene.entries[0], distance);
        const own = l2(query, graph.vector(end.id));
        if (end.distance !== own) fails(`node ${end.id} is at ${own}, and the distance returned was ${end.distance}`);
        for (const id of scene.links[end.id]) {
          if (l2(query, graph.vector(id)) < own) fails(`it ended in ${end.id}, and its neighbour ${id} is nearer`);
        }
      }),
  },
  {
    layer: 'property',
    says: 'Greedy search ends where Greedy_Search of the paper does, on any graph',
    hole: 'greedy-search',
    likely: 'take the nearest of all neighbours, and only where it is nearer than `here`',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const { graph, query, distance } = stage(scene);
          const want = greedyByThePaper(graph, query, scene.entries[0], l2);
          expectSame([module.greedySearch(graph, query, scene.entries[0], distance)], [want]);
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'property',
    says: 'Among equal vectors every search comes to an end',
    hole: 'greedy-search',
    likely: 'a neighbour that is as far as `here` is not nearer: the comparison is <, not <=',
    run: (module) =>
      forAll(fc.record({ n: fc.integer({ min: 1, max: 8 }), different: fc.nat(7) }), ({ n, different }) => {
        const vectors = Array.from({ length: n }, (_, id) => Float32Array.of(id === different ? 1 : 2));
        const links = vectors.map((_, id) => vectors.map((_, other) => other).filter((other) => other !== id));
        const { graph, distance } = recorded(vectors, links);
        const end = module.greedySearch(graph, Float32Array.of(0), 0, distance);
        const want = different < n ? 1 : 4;
        if (end.distance !== want) fails(`it ended at ${end.distance}, and ${want} is next to it`);
      }),
  },
  {
    layer: 'work',
    says: 'Greedy search reads the links of the nodes on its way, once each, and compares their neighbours with the query',
    hole: 'greedy-search',
    likely: 'read the list once per step, keep it in a variable, and compare each entry once',
    run: (module) =>
      forAll(scenes, (scene) => {
        const budget = stage(scene);
        greedyByThePaper(budget.graph, budget.query, scene.entries[0], budget.distance);
        const { graph, query, distance, touched } = stage(scene);
        module.greedySearch(graph, query, scene.entries[0], distance);
        expectWithin(touched.compared.length, budget.touched.compared.length, 'distances', touched);
        expectWithin(touched.read.length, budget.touched.read.length, 'lists read', touched);
      }),
  },
];
