/** Checks of the beam: that it is sorted, complete and as good as the paper's, and that it stops when nothing can change. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { reachableFrom, TWELVE_TRAP } from 'annlab/lab';
import { expectBeam, expectSame, expectWithin, nameOf, TRAP, twelve } from './expect.ts';
import {
  build,
  connectedScenes,
  exactNearest,
  greedyByThePaper,
  normalVectors,
  scenes,
  searchLayerByThePaper,
  stage,
} from './scene.ts';
import { l2 } from './solution.ts';

export const searchLayerChecks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example',
    says: 'A beam of two gets out of the local minimum',
    hole: 'search-layer',
    likely: 'a node that is farther than the nearest found is still a candidate, as long as it is among the ef nearest',
    run: (module) => expectBeam(module, { ...TRAP, ef: 2 }, [2, 0]),
  },
  {
    layer: 'example',
    says: 'On the twelve points a beam of three finds the nearest, where greedy search was stuck',
    hole: 'search-layer',
    likely: 'the search goes on while the nearest candidate is not farther than the farthest of the ef found',
    run(module) {
      const { query, start, nearest } = TWELVE_TRAP;
      const { graph, distance } = twelve();
      const found = module.searchLayer(graph, query, [start], 3, distance);
      if (found[0]?.id !== nearest)
        fails(`the nearest is ${nameOf(nearest)}, and first in the result was ${nameOf(found[0]?.id)}`);
    },
  },
  {
    layer: 'example',
    says: 'A search that enters on two islands finds what is near on both',
    hole: 'search-layer',
    likely: 'the loop goes over `candidates`, which holds all entries at the start',
    run(module) {
      const scene = { places: [5, 2, -6, -3], links: [[1], [0], [3], [2]], query: 0.25, entries: [0, 2], ef: 3 };
      expectBeam(module, scene, [1, 3, 0]);
    },
  },
  {
    layer: 'invariant',
    says: 'The beam returns nearest first, nobody twice, each with its own distance, and at most ef',
    hole: 'search-layer',
    likely:
      'mark a node as visited before it is compared; insert with insertSorted; drop the last where there are more than ef',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { graph, query, distance } = stage(scene);
        const found = module.searchLayer(graph, query, scene.entries, scene.ef, distance);
        if (found.length > scene.ef) fails(`${found.length} nodes for a beam of ${scene.ef}`, found);
        if (new Set(found.map(({ id }) => id)).size < found.length) fails('a node comes twice', found);
        for (const [i, one] of found.entries()) {
          if (one.distance !== l2(query, graph.vector(one.id)))
            fails(`the distance of node ${one.id} is not its own`, found);
          if (i > 0 && found[i - 1].distance > one.distance) fails('a nearer node comes after a farther one', found);
        }
      }),
  },
  {
    layer: 'invariant',
    says: 'The beam returns as many nodes as can be reached from the entries, up to ef',
    hole: 'search-layer',
    likely: 'while `found` is not full, every node that was never visited goes in, however far it is (line 13)',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { graph, query, distance } = stage(scene);
        const found = module.searchLayer(graph, query, scene.entries, scene.ef, distance);
        const want = Math.min(scene.ef, reachableFrom(scene.links, scene.entries).size);
        if (found.length !== want) fails(`${found.length} nodes, and ${want} can be had`, found);
      }),
  },
  {
    layer: 'invariant',
    says: 'On a connected graph, a beam as wide as the graph is exact search',
    hole: 'search-layer',
    likely: 'stop only when `found` is full: until then every candidate’s neighbours are read',
    run: (module) =>
      forAll(connectedScenes, (scene) => {
        const { graph, query, distance } = stage(scene);
        const vectors = scene.places.map((place) => Float32Array.of(place));
        const found = module.searchLayer(graph, query, scene.entries, vectors.length, distance);
        expectSame(found, exactNearest(vectors, query, vectors.length));
      }),
  },
  {
    layer: 'invariant',
    says: 'On the arena, where lists are Uint32Arrays, the beam gives the very same result',
    hole: 'search-layer',
    likely: 'neighbours are array-like: go over them by index; map on a Uint32Array makes numbers of your objects',
    run(module) {
      const { graph } = build(module, normalVectors(300, 4, 'arena'), { M: 4, efConstruction: 16 });
      const arena = new module.NswArena(graph);
      for (const query of normalVectors(20, 4, 'arena queries')) {
        const { distance } = countingDistance(l2, { budget: 1000 });
        const onArena = module.searchLayer(arena, query, [0], 20, distance);
        expectSame(onArena, module.searchLayer(graph, query, [0], 20, l2));
      }
    },
  },
  {
    layer: 'property',
    says: 'The beam returns nothing farther than SEARCH-LAYER of the paper does, on any graph, from one entry or several',
    hole: 'search-layer',
    likely:
      'line 5 takes the nearest candidate, line 7 compares it with the farthest found, line 13 lets in what is nearer than that',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const { graph, query, distance } = stage(scene);
          const want = searchLayerByThePaper(graph, query, scene.entries, scene.ef, l2);
          const found = module.searchLayer(graph, query, scene.entries, scene.ef, distance);
          for (const [i, { id, distance }] of want.entries()) {
            if (!(found[i]?.distance <= distance))
              fails(`in place ${i} the paper has node ${id}, which is nearer`, found);
          }
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'property',
    says: 'A beam of one ends no farther from the query than greedy search does',
    hole: 'search-layer',
    likely: 'with ef = 1 only a nearer node is let in, so the beam can only go where greedy search goes',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { graph, query, distance } = stage(scene);
        const [end] = module.searchLayer(graph, query, scene.entries.slice(0, 1), 1, distance);
        const want = greedyByThePaper(graph, query, scene.entries[0], l2);
        if (!(end?.distance <= want.distance))
          fails(`greedy search ends in ${want.id}, and the beam of one in ${end?.id}`);
      }),
  },
  {
    layer: 'work',
    says: 'The beam compares no vector twice and reads no list twice',
    hole: 'search-layer',
    likely: 'a node is visited from the moment it is compared: add it to `visited` then, also where it is not let in',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { graph, query, distance, touched } = stage(scene);
        module.searchLayer(graph, query, scene.entries, scene.ef, distance);
        for (const what of ['compared', 'read'] as const) {
          const ids = touched[what];
          const twice = ids.find((id, i) => ids.indexOf(id) < i);
          if (twice !== undefined) fails(`node ${twice} was ${what} twice`, touched);
        }
      }),
  },
  {
    layer: 'work',
    says: 'The beam stops where the paper’s does: it touches no more nodes than SEARCH-LAYER',
    hole: 'search-layer',
    likely:
      'lines 7 and 8: once `found` is full and the nearest candidate is farther than its farthest, nothing can change',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const budget = stage(scene);
          searchLayerByThePaper(budget.graph, budget.query, scene.entries, scene.ef, budget.distance);
          const { graph, query, distance, touched } = stage(scene);
          module.searchLayer(graph, query, scene.entries, scene.ef, distance);
          expectWithin(touched.compared.length, budget.touched.compared.length, 'distances', touched);
          expectWithin(touched.read.length, budget.touched.read.length, 'lists read', touched);
        },
        { runs: 300 },
      ),
  },
];
