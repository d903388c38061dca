/** Checks of the links: whom a new node is linked with, that links lead both ways, and that linking costs nothing. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { expectWithin } from './expect.ts';
import { build, exactNearest, normalVectors, vectorSets } from './scene.ts';
import { l2 } from './solution.ts';

export const linkChecks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example',
    says: 'Three vectors on a line, M = 1: the second is linked with the first, the third with the second, both ways',
    hole: 'link',
    likely: 'push the new id into the list of the other, and the other’s id into the list of the new one',
    run(module) {
      const { links } = build(
        module,
        [0, 2, 3].map((place) => Float32Array.of(place)),
        { M: 1, efConstruction: 3 },
      );
      const sorted = links.map((list) => [...list].sort());
      const want = [[1], [0, 2], [1]];
      if (JSON.stringify(sorted) !== JSON.stringify(want)) fails('the links should be [[1], [0, 2], [1]]', links);
    },
  },
  {
    layer: 'invariant',
    says: 'Every link leads both ways, to a node that exists, once, and never to the node itself',
    hole: 'link',
    likely: 'for each of the M nearest, two pushes: one into each of the two lists',
    run: (module) =>
      forAll(vectorSets, ({ vectors, M }) => {
        const { links } = build(module, vectors, { M, efConstruction: vectors.length });
        for (const [id, list] of links.entries()) {
          if (new Set(list).size < list.length) fails(`node ${id} has two links to the same node`, links);
          for (const other of list) {
            if (other === id) fails(`node ${id} has a link to itself`, links);
            if (links[other] === undefined) fails(`node ${id} has a link to ${other}, which does not exist`, links);
            if (!links[other].includes(id)) fails(`${id} has a link to ${other}, and ${other} none to ${id}`, links);
          }
        }
      }),
  },
  {
    layer: 'invariant',
    says: 'A new node is linked with the M nearest that its search found; with fewer, with all of them',
    hole: 'link',
    likely: '`near` is sorted, nearest first: take its first M, no more and no others',
    run: (module) =>
      forAll(vectorSets, ({ vectors, M }) => {
        const { links } = build(module, vectors, { M, efConstruction: vectors.length });
        for (const [id, list] of links.entries()) {
          const older = list.filter((other) => other < id);
          const lengths = older.map((other) => l2(vectors[id], vectors[other])).sort((a, b) => a - b);
          const want = exactNearest(vectors.slice(0, id), vectors[id], M).map(({ distance }) => distance);
          if (JSON.stringify(lengths) !== JSON.stringify(want)) {
            fails(
              `when node ${id} came, its ${want.length} nearest were at ${want}, and its links are ${lengths} long`,
              links,
            );
          }
        }
      }),
  },
  {
    layer: 'property',
    says: 'Whatever is inserted, equal vectors included, a beam as wide as the graph finds the true nearest',
    hole: 'link',
    likely: 'the new node must be linked both ways: otherwise no search that starts elsewhere can reach it',
    run: (module) =>
      forAll(vectorSets, ({ vectors, M }) => {
        const { graph } = build(module, vectors, { M, efConstruction: M });
        const query = Float32Array.of(0.25, 0.25);
        const found = graph.search(query, { k: vectors.length, ef: vectors.length });
        const want = exactNearest(vectors, query, vectors.length);
        if (JSON.stringify(found.map((one) => one.distance)) !== JSON.stringify(want.map((one) => one.distance))) {
          fails(`${found.length} of ${vectors.length} vectors were found, or in the wrong order`, found);
        }
      }),
  },
  {
    layer: 'work',
    says: 'Inserting into a graph of 1,000 vectors costs the search and nothing else',
    hole: 'link',
    likely: '`near` has been searched already: linking needs no distance, and no look at the other nodes',
    run(module) {
      const vectors = normalVectors(1000, 4, 'insertion');
      const { graph, counter } = build(module, vectors, { M: 8, efConstruction: 32 });
      const newcomers = normalVectors(50, 4, 'newcomers');
      const searching = countingDistance(l2);
      counter.reset();
      for (const vector of newcomers) {
        module.searchLayer(graph, vector, [0], 32, searching.distance);
        graph.insert(vector);
      }
      expectWithin(counter.count, searching.count, 'distances for 50 insertions');
    },
  },
  {
    layer: 'work',
    says: 'Of 2,000 vectors in 16 dimensions the graph finds nine in ten of the nearest for less than a quarter of the distances',
    hole: 'link',
    likely: 'links to the nearest are what makes the way short; more than M of them make every step dear',
    run(module) {
      const vectors = normalVectors(2000, 16, 'milestone');
      const { graph, counter } = build(module, vectors, { M: 8, efConstruction: 32, budget: 2_000_000 });
      const queries = normalVectors(50, 16, 'milestone queries');
      counter.reset();
      let hits = 0;
      for (const query of queries) {
        const want = new Set(exactNearest(vectors, query, 10).map(({ id }) => id));
        hits += graph.search(query, { k: 10, ef: 20 }).filter(({ id }) => want.has(id)).length;
      }
      const recall = hits / (10 * queries.length);
      const share = counter.count / (queries.length * vectors.length);
      if (recall < 0.9) fails(`recall@10 is ${recall.toFixed(3)}`);
      if (share >= 0.25) fails(`a query compares ${(100 * share).toFixed(0)} % of all vectors`);
    },
  },
];
