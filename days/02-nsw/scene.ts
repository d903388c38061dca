/**
 * What the checks look at: graphs on a line (every distance from the query is another one, so that there is one right
 * answer), vectors drawn from a seed, and the paper's walks once more, told line by line with no eye on speed. A walk is
 * judged by what it returns and by what it touched to get there.
 */
import { countingDistance } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import fc from 'fast-check';
import { type Distance, type Graph, l2, type Neighbor, type Nsw } from './solution.ts';

/** Nodes at places on a line, and who links to whom. Easy to draw by hand, which a counter-example should be. */
export interface Scene {
  /** Where node `id` lies: `places[id]`. */
  places: number[];
  links: number[][];
  query: number;
  entries: number[];
  ef: number;
}

/** Most nodes of a scene. */
const MOST = 14;

/** Random scenes. Places are whole numbers and the query is not, so no two nodes are equally far from it. */
export const scenes: fc.Arbitrary<Scene> = scenesOf({ connected: false });

/** Those in which links lead both ways and every node can be reached from every other. */
export const connectedScenes: fc.Arbitrary<Scene> = scenesOf({ connected: true });

function scenesOf({ connected }: { connected: boolean }): fc.Arbitrary<Scene> {
  // `size: 'max'`: by default most graphs would be too small and too bare to get anything wrong on.
  const places = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: MOST, size: 'max' });
  const node = fc.nat(MOST - 1);
  const pairs = fc.array(fc.tuple(node, node), { maxLength: 40, size: 'max' });
  const parents = fc.array(node, { minLength: MOST, maxLength: MOST });
  const entries = fc.uniqueArray(node, { minLength: 1, maxLength: 3 });
  const ef = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: MOST }));
  return fc.record({ places, pairs, parents, bothWays: fc.boolean(), entries, ef }).map((drawn) => {
    const n = drawn.places.length;
    const bothWays = connected || drawn.bothWays;
    const links: number[][] = drawn.places.map(() => []);
    const link = (from: number, to: number) => {
      if (from === to || links[from].includes(to)) return;
      links[from].push(to);
      if (bothWays) links[to].push(from);
    };
    if (connected) for (let id = 1; id < n; id++) link(id, drawn.parents[id] % id);
    for (const [a, b] of drawn.pairs) link(a % n, b % n);
    const entries = [...new Set(drawn.entries.map((entry) => entry % n))];
    return { places: drawn.places, links, query: 0.25, entries, ef: drawn.ef };
  });
}

/** A few vectors in the plane, many of them equal, and an M. */
export const vectorSets: fc.Arbitrary<{ vectors: Float32Array[]; M: number }> = fc
  .record({
    places: fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 1, maxLength: 16, size: 'max' }),
    M: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ places, M }) => ({ vectors: places.map((place) => Float32Array.from(place)), M }));

/** What a walk touched: nodes compared with the query, and nodes whose links were read, in order. */
export interface Touched {
  compared: number[];
  read: number[];
}

/**
 * A graph and a distance that write down what a walk does with them. A walk that goes on for longer than any right one
 * could is stopped and fails its check.
 */
export function recorded(vectors: readonly Float32Array[], links: readonly ArrayLike<number>[]) {
  const touched: Touched = { compared: [], read: [] };
  const ids = new Map(vectors.map((vector, id) => [vector, id]));
  const edges = links.reduce((sum, list) => sum + list.length, 0);
  const counter = countingDistance(
    (a: Float32Array, b: Float32Array) => {
      touched.compared.push(ids.get(b) ?? ids.get(a) ?? -1);
      return l2(a, b);
    },
    { budget: 10 * (edges + vectors.length) },
  );
  const graph: Graph = {
    vector: (id) => vectors[id],
    neighbors: (id) => {
      touched.read.push(id);
      return links[id];
    },
  };
  return { graph, distance: counter.distance as Distance, touched };
}

/** The same for a scene. */
export function stage({ places, links, query }: Scene) {
  return {
    ...recorded(
      places.map((place) => Float32Array.of(place)),
      links,
    ),
    query: Float32Array.of(query),
  };
}

/** Greedy_Search of 2014: the friends of the current vertex, the nearest of them, and again from there. */
export function greedyByThePaper(graph: Graph, query: Float32Array, entry: number, distance: Distance): Neighbor {
  const current = { id: entry, distance: distance(query, graph.vector(entry)) };
  const friends = Array.from(graph.neighbors(entry), (id) => ({ id, distance: distance(query, graph.vector(id)) }));
  const [next] = friends.sort((a, b) => a.distance - b.distance);
  if (next === undefined || next.distance >= current.distance) return current;
  return greedyByThePaper(graph, query, next.id, distance);
}

/** SEARCH-LAYER of 2016, lines 1 to 18; sets are searched from end to end. */
export function searchLayerByThePaper(
  graph: Graph,
  query: Float32Array,
  entries: readonly number[],
  ef: number,
  distance: Distance,
): Neighbor[] {
  const near = (a: Neighbor, b: Neighbor) => a.distance - b.distance;
  const v = new Set(entries);
  const C = entries.map((id) => ({ id, distance: distance(query, graph.vector(id)) }));
  let W = C.toSorted(near).slice(0, ef);
  while (C.length > 0) {
    const c = C.toSorted(near)[0];
    C.splice(C.indexOf(c), 1);
    if (c.distance > W.toSorted(near).at(-1)!.distance) break;
    for (const id of Array.from(graph.neighbors(c.id))) {
      if (v.has(id)) continue;
      v.add(id);
      const e = { id, distance: distance(query, graph.vector(id)) };
      if (W.length < ef || e.distance < W.toSorted(near).at(-1)!.distance) {
        C.push(e);
        W = [...W, e].toSorted(near).slice(0, ef);
      }
    }
  }
  return W;
}

/** `n` vectors of normal numbers. */
export function normalVectors(n: number, dimension: number, seed: number | string): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: n }, () => Float32Array.from({ length: dimension }, () => random.normal()));
}

/** The nodes nearest to the query, all compared. */
export function exactNearest(vectors: readonly Float32Array[], query: Float32Array, k: number): Neighbor[] {
  const all = vectors.map((vector, id) => ({ id, distance: l2(query, vector) }));
  return all.sort((a, b) => a.distance - b.distance).slice(0, k);
}

/** A module's graph over vectors, with the distances that building it took. */
export function build(
  module: { Nsw: typeof Nsw },
  vectors: readonly Float32Array[],
  { M, efConstruction, budget }: { M: number; efConstruction: number; budget?: number },
) {
  const counter = countingDistance(l2, budget === undefined ? {} : { budget });
  const graph = new module.Nsw({ M, efConstruction, distance: counter.distance });
  for (const vector of vectors) graph.insert(vector);
  return { graph, links: graph.nodes.map((node) => node.neighbors), distances: counter.count, counter };
}
