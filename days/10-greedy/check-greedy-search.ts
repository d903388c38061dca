/** Checks of algorithm 1: what it returns, what V holds, and what it may touch. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { Random, TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from 'annlab/lab';
import { greedySearch as walkOfDay02 } from '../02-nsw/solution.ts';
import {
  algorithm1,
  comparedBy,
  connectedScenes,
  exactNearest,
  normalVectors,
  type Scene,
  scenes,
  stage,
  watched,
} from './scene.ts';
import { Adjacency, type SearchResult } from './solution.ts';

type Module = typeof import('./solution.ts');

const hole = 'greedy-search';

export const greedySearchChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'On a chain, a list of one walks from one end to the other, and V is the way',
    hole,
    likely: 'go on until everybody in the list is visited; where a nearer node came in, it is the next p*',
    run: (module) =>
      expectSearch(
        module,
        { places: [9, 7, 5, 3, 1], links: [[1], [0, 2], [1, 3], [2, 4], [3]], query: 0.25, start: 0, k: 1, L: 1 },
        { nearest: [4], visited: [0, 1, 2, 3, 4] },
      ),
  },
  {
    layer: 'example',
    says: 'A start without links is all that is found, and all of V',
    hole,
    likely:
      'the start is in the list already; it is expanded like any other, and then nobody is left. Cut only a list that is longer than L',
    run: (module) =>
      expectSearch(
        module,
        { places: [3, 1], links: [[], [0]], query: 0.25, start: 0, k: 2, L: 3 },
        { nearest: [0], visited: [0] },
      ),
  },
  {
    layer: 'example',
    says: 'A list of one stays in the local minimum, a list of two gets out',
    hole,
    likely:
      'after each p* the list is cut back to the L nearest: of one, only the nearest stays; of two, a farther one stays, too, and is expanded',
    run(module) {
      const scene = { places: [4, 6, 1], links: [[1], [0, 2], [1]], query: 0.25, start: 0, k: 1 };
      expectSearch(module, { ...scene, L: 1 }, { nearest: [0], visited: [0] });
      expectSearch(module, { ...scene, L: 2 }, { nearest: [2], visited: [0, 1, 2] });
    },
  },
  {
    layer: 'example',
    says: 'Who was expanded and fell out of the list again stays in V',
    hole,
    likely:
      'V remembers the whole way, whoever falls out of the list, and nobody in the list is left out. Tomorrow’s pruning takes its long links from V',
    run: (module) =>
      expectSearch(
        module,
        { places: [20, 10, 2, 1], links: [[1], [2, 3], [], []], query: 0.25, start: 0, k: 2, L: 2 },
        { nearest: [3, 2], visited: [0, 1, 3, 2] },
      ),
  },
  {
    layer: 'example',
    says: 'On the twelve points of day 02 a list of three finds j, by a, d, g, l, e',
    hole,
    likely: 'p* is the nearest of those in the list that are not visited, whenever they came in',
    run(module) {
      const { query, start, nearest } = TWELVE_TRAP;
      const vectors = TWELVE_POINTS.map(({ vector }) => vector);
      const { graph, distance } = watched(vectors, TWELVE_LINKS);
      const found = module.greedySearch(graph, query, start, { k: 1, L: 3 }, distance);
      const names = (ids: readonly number[]) => ids.map((id) => TWELVE_POINTS[id]?.name ?? id).join(', ');
      const V = idsOf(found).visited;
      const twice = V.filter((id, i) => V.indexOf(id) < i);
      if (twice.length > 0)
        fails(`V is ${names(V)}: ${names(twice)} came into the list twice, without a look at \`seen\``);
      const [way, wanted] = [V, algorithm1(graph, query, start, { k: 1, L: 3 }).visited].map(names);
      if (found.nearest[0]?.id !== nearest) fails(`it found ${names(idsOf(found).nearest)}, by way of ${way}`);
      if (way !== wanted) fails(`V is ${way}; it should be ${wanted}`);
    },
  },
  {
    layer: 'invariant',
    says: 'The result is nearest first, nobody twice, each with its own distance, and at most k',
    hole,
    likely: 'insert with insertSorted, which keeps the list in order; compare each node once, with the query',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { found, vectors, query } = searched(module, scene);
        if (found.nearest.length > scene.k) fails(`${found.nearest.length} nodes for k = ${scene.k}`, found);
        if (new Set(idsOf(found).nearest).size < found.nearest.length) fails('a node comes twice', found);
        for (const [i, { id, distance }] of found.nearest.entries()) {
          if (distance !== (vectors[id][0] - query[0]) ** 2) fails(`the distance of node ${id} is not its own`, found);
          if (i > 0 && found.nearest[i - 1].distance > distance)
            fails('a nearer node comes after a farther one', found);
        }
      }),
  },
  {
    layer: 'invariant',
    says: 'V holds those whose links were read, in that order, and nobody else',
    hole,
    likely: 'a node belongs to V when it is expanded, not when it is seen: day 02’s `visited` was another set',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { found, touched } = searched(module, scene);
        const V = idsOf(found).visited;
        if (`${V}` !== `${touched.read}`) fails(`lists read: [${touched.read}]; V: [${V}]`);
      }),
  },
  {
    layer: 'invariant',
    says: 'It ends when the L nearest of all that were compared are in V',
    hole,
    likely: 'the list is cut back to L, not to k, and the search ends when everybody in it was expanded',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { found, touched, vectors, query } = searched(module, scene);
        const seen = [...new Set(touched.compared)];
        const list = seen.toSorted((a, b) => Math.abs(vectors[a][0] - query[0]) - Math.abs(vectors[b][0] - query[0]));
        const V = new Set(idsOf(found).visited);
        const left = list.slice(0, scene.L).find((id) => !V.has(id));
        if (left !== undefined)
          fails(`node ${left} is among the ${scene.L} nearest compared, and was never expanded`, found);
      }),
  },
  {
    layer: 'invariant',
    says: 'Where all can be reached, a list as long as the graph is exact search',
    hole,
    likely: 'nobody who was compared is turned away as long as the list has room',
    run: (module) =>
      forAll(connectedScenes, (scene) => {
        const n = scene.places.length;
        const { found, vectors, query } = searched(module, { ...scene, k: n, L: n });
        const want = exactNearest(vectors, query, n).map(({ id }) => id);
        if (`${idsOf(found).nearest}` !== `${want}`) fails(`it should return [${want}]`, found);
      }),
  },
  {
    layer: 'invariant',
    says: 'A search changes nothing in the graph',
    hole,
    likely: 'the lists belong to the graph: neither sort them nor push into them',
    run: (module) =>
      forAll(scenes, (scene) => {
        const before = JSON.stringify(scene.links);
        const copy = JSON.parse(before) as number[][];
        searched(module, { ...scene, links: copy });
        if (JSON.stringify(copy) !== before) fails('the links are not what they were', copy);
      }),
  },
  {
    layer: 'property',
    says: 'It finds what algorithm 1 finds, and V is the same, in the same order, on any graph',
    hole,
    likely: 'p* is the nearest not visited; the list is cut back to the L nearest after all its neighbours are in',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const { graph, query } = stage(scene);
          expectSearch(module, scene, algorithm1(graph, query, scene.start, scene));
        },
        { runs: 400 },
      ),
  },
  {
    layer: 'property',
    says: 'A list of one ends where day 02’s greedy walk ends',
    hole,
    likely: 'with L = 1 only a nearer node takes the place of the one that is there',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { found, query } = searched(module, { ...scene, k: 1, L: 1 });
        const { graph, distance } = stage(scene);
        const { id } = walkOfDay02(graph, query, scene.start, distance);
        if (found.nearest[0]?.id !== id) fails(`day 02 ends in node ${id}`, found);
      }),
  },
  {
    layer: 'property',
    says: 'It goes by the distance that was given',
    hole,
    likely: 'call the parameter `distance`, not l2: who calls may count, or measure otherwise',
    run(module) {
      // What counts here is not how near a node is to the query, at 0, but how near to 8.
      const { graph, query } = stage({ places: [0, 3, 6, 9], links: [[1], [0, 2], [1, 3], [2]], query: 0 });
      const found = module.greedySearch(graph, query, 0, { k: 1, L: 1 }, (a, b) => Math.abs(Math.abs(a[0] - b[0]) - 8));
      if (`${idsOf(found).nearest}` !== '3')
        fails('by | |q − x| − 8 | node 3 is the nearest, and the links lead there', found);
    },
  },
  {
    layer: 'property',
    says: 'On lists that are Uint32Arrays it gives the very same result',
    hole,
    likely: 'neighbours are array-like: go over them by index; map on a Uint32Array makes numbers of your objects',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { found, vectors, query } = searched(module, scene);
        const packed = new Adjacency(
          vectors,
          scene.links.map((list) => Uint32Array.from(list)),
        );
        const again = module.greedySearch(packed, query, scene.start, scene);
        if (JSON.stringify(again) !== JSON.stringify(found)) fails('another result than on plain lists', again);
      }),
  },
  {
    layer: 'property',
    says: 'Among equal vectors every search comes to an end, with nobody twice',
    hole,
    likely: 'who is in V is never p* again, however near it is; who was seen never comes into the list again',
    run(module) {
      const random = new Random('equal');
      for (let n = 1; n <= 12; n++) {
        const vectors = Array.from({ length: n }, () => Float32Array.of(random.integer(2)));
        const links = vectors.map((_, id) => vectors.map((_, other) => other).filter((other) => other !== id));
        const { graph, distance } = watched(vectors, links);
        const found = module.greedySearch(graph, Float32Array.of(0), 0, { k: n, L: n }, distance);
        if (new Set(idsOf(found).nearest).size !== n) fails(`${n} nodes, all linked with all`, found);
      }
    },
  },
  {
    layer: 'work',
    says: 'Each node is compared at most once',
    hole,
    likely:
      'look into `seen` before you compare, and add everybody who was compared, also those who are cut off: the paper’s 𝓛 and 𝓥 forget them',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const { touched } = searched(module, scene);
          const twice = touched.compared.find((id, i) => touched.compared.indexOf(id) < i);
          if (twice !== undefined) fails(`node ${twice} was compared twice`, touched);
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'work',
    says: 'Each list is read at most once',
    hole,
    likely: 'put p* into V before you look at its neighbours, and read its list once',
    run: (module) =>
      forAll(scenes, (scene) => {
        const { touched } = searched(module, scene);
        const twice = touched.read.find((id, i) => touched.read.indexOf(id) < i);
        if (twice !== undefined) fails(`the links of node ${twice} were read twice`, touched);
      }),
  },
  {
    layer: 'work',
    says: 'It reads no more lists and compares no more nodes than algorithm 1',
    hole,
    likely: 'who was cut off is not expanded: only 𝓛 says who is next, and it holds L nodes, no more',
    run: (module) =>
      forAll(
        scenes,
        (scene) => {
          const { graph, query } = stage(scene);
          const { visited } = algorithm1(graph, query, scene.start, scene);
          const enough = comparedBy(scene.links, scene.start, visited).size;
          const { touched } = searched(module, scene);
          if (touched.read.length > visited.length)
            fails(`${touched.read.length} lists read, and ${visited.length} are enough`, touched);
          if (touched.compared.length > enough)
            fails(`${touched.compared.length} distances, and ${enough} are enough`, touched);
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'work',
    says: 'Among 1,000 vectors on a ring of links, a list of 10 compares a small part of them',
    hole,
    likely: 'a search whose list is never cut back, or that goes over all vectors, finds the nearest and is a scan',
    run(module) {
      const n = 1000;
      const vectors = Array.from({ length: n }, (_, id) =>
        Float32Array.of(Math.cos((id * 2 * Math.PI) / n), Math.sin((id * 2 * Math.PI) / n)),
      );
      const links = vectors.map((_, id) => [1, 10, 100, n - 1, n - 10, n - 100].map((step) => (id + step) % n));
      for (const query of normalVectors(10, 2, 'ring')) {
        const { graph, distance, touched } = watched(vectors, links);
        const { nearest } = module.greedySearch(graph, query, 0, { k: 1, L: 10 }, distance);
        if (nearest[0]?.distance !== exactNearest(vectors, query, 1)[0].distance) fails('it did not find the nearest');
        if (touched.compared.length > n / 5) fails(`${touched.compared.length} distances of ${n}`);
      }
    },
  },
];

/** A search of a scene, and what it touched. */
function searched(module: Module, scene: Scene) {
  const { graph, distance, touched, vectors, query } = stage(scene);
  const found = module.greedySearch(graph, query, scene.start, scene, distance);
  idsOf(found);
  return { found, touched, vectors, query };
}

/** Ids of what was returned, in order; fails where an entry is no node. */
function idsOf({ nearest, visited }: SearchResult): { nearest: number[]; visited: number[] } {
  const ids = (name: string, nodes: readonly (SearchResult['visited'][number] | undefined)[]) =>
    Array.from(nodes, (node, i) => {
      if (node?.id === undefined)
        fails(`entry ${i} of \`${name}\` is ${node}, and no node of the list: { id, distance }`);
      return node.id;
    });
  return { nearest: ids('nearest', nearest), visited: ids('visited', visited) };
}

/** The search should return these nodes in this order, and have expanded those. */
function expectSearch(module: Module, scene: Scene, want: { nearest: number[]; visited: number[] }): void {
  const { nearest, visited } = idsOf(searched(module, scene).found);
  if (`${nearest}` !== `${want.nearest}`)
    fails(`it should return nodes [${want.nearest}], and returned [${nearest}]`, scene);
  if (`${visited}` !== `${want.visited}`) fails(`V should be [${want.visited}], and is [${visited}]`, scene);
}
