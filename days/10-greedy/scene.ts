/**
 * What the checks look at: day 02's graphs on a line with a search list and a k besides, a graph that notes down what is asked of it, and
 * algorithm 1 once more as it is printed, sets and all. On a line no two nodes are equally far from the query, so that there is one
 * right answer, and one right way to it.
 */
import { countingDistance, fails } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import fc from 'fast-check';
import * as line from '../02-nsw/scene.ts';
import { l2 } from '../02-nsw/solution.ts';
import { Adjacency, type SearchOptions } from './solution.ts';

export { exactNearest, normalVectors } from '../02-nsw/scene.ts';

export interface Scene extends SearchOptions {
  /** Where node `id` lies: `places[id]`. */
  places: number[];
  links: number[][];
  query: number;
  start: number;
}

/** Random scenes. */
export const scenes: fc.Arbitrary<Scene> = withList(line.scenes);

/** Those in which a way leads from every node to every other. */
export const connectedScenes: fc.Arbitrary<Scene> = withList(line.connectedScenes);

function withList(scenes: fc.Arbitrary<line.Scene>): fc.Arbitrary<Scene> {
  return fc.tuple(scenes, fc.nat(13)).map(([{ places, links, query, entries, ef }, drawn]) => ({
    ...{ places, links, query, start: entries[0], L: ef, k: 1 + (drawn % ef) },
  }));
}

/** Numbers of nodes and links, and a seed. */
export const regular: fc.Arbitrary<{ n: number; R: number; seed: number }> = fc
  .record({ n: fc.integer({ min: 1, max: 30 }), share: fc.nat(29), seed: fc.nat(1000) })
  .map(({ n, share, seed }) => ({ n, R: share % n, seed }));

/** A few vectors on a coarse grid, in one to three dimensions: many are equal. */
export const vectorSets: fc.Arbitrary<Float32Array[]> = fc.integer({ min: 1, max: 3 }).chain((dimension) =>
  fc
    .array(fc.array(fc.integer({ min: -6, max: 6 }), { minLength: dimension, maxLength: dimension }), {
      minLength: 1,
      maxLength: 14,
      size: 'max',
    })
    .map((places) => places.map((place) => Float32Array.from(place))),
);

/** What a search touched: nodes compared with the query, and nodes whose links were read, in order. */
export interface Touched {
  compared: number[];
  read: number[];
}

/** A graph and a distance that note down what a search does with them. One that goes on for longer than any right one is stopped. */
export function watched(vectors: readonly Float32Array[], links: readonly ArrayLike<number>[]) {
  const touched: Touched = { compared: [], read: [] };
  const ids = new Map(vectors.map((vector, id) => [vector, id]));
  const edges = links.reduce((sum, list) => sum + list.length, 0);
  const { distance } = countingDistance(
    (a: Float32Array, b: Float32Array) => {
      touched.compared.push(ids.get(b) ?? ids.get(a) ?? -1);
      return l2(a, b);
    },
    { budget: 10 * (edges + vectors.length) },
  );
  const graph = new (class extends Adjacency {
    override neighbors(id: number) {
      touched.read.push(id);
      if (touched.read.length > 10 * vectors.length) {
        const times = `${touched.read.length} lists read of ${vectors.length} there are, and not done yet`;
        fails(
          `${times}: node ${id} is p* again. It itself belongs into \`visited\`, not a copy`,
          touched.read.slice(0, 8),
        );
      }
      return super.neighbors(id);
    }
  })(vectors, links);
  return { graph, distance, touched };
}

/** The same for a scene. */
export function stage({ places, links, query }: Pick<Scene, 'places' | 'links' | 'query'>) {
  const vectors = places.map((place) => Float32Array.of(place));
  return { ...watched(vectors, links), vectors, query: Float32Array.of(query) };
}

/** GreedySearch(s, x_q, k, L) as printed: the ids of the k nearest and of V. */
export function algorithm1(
  { vectors, links }: Pick<Adjacency, 'vectors' | 'links'>,
  query: Float32Array,
  s: number,
  { k, L }: SearchOptions,
): { nearest: number[]; visited: number[] } {
  const away = (p: number) => l2(query, vectors[p]);
  const closest = (nodes: readonly number[], count: number) =>
    nodes.toSorted((a, b) => away(a) - away(b)).slice(0, count);
  let list = [s];
  const V: number[] = [];
  for (;;) {
    const [p] = closest(
      list.filter((one) => !V.includes(one)),
      1,
    );
    if (p === undefined) return { nearest: closest(list, k), visited: V };
    list = [...new Set([...list, ...Array.from(links[p])])];
    V.push(p);
    list = closest(list, L);
  }
}

/** Whom a search that expands V has to compare: where it starts, and all that V links to. */
export function comparedBy(
  links: readonly ArrayLike<number>[],
  start: number,
  visited: readonly number[],
): Set<number> {
  return new Set([start, ...visited.flatMap((id) => Array.from(links[id]))]);
}

/** Numbers drawn from a seed, and how many were. A graph that is drawn for ever is stopped. */
export function countedChance(seed: number | string, budget: number) {
  const random = new Random(seed);
  let draws = 0;
  return {
    random: {
      integer(below: number) {
        draws++;
        if (draws > budget) fails(`more than ${budget} numbers drawn, and not done yet`);
        return random.integer(below);
      },
    },
    get draws() {
      return draws;
    },
  };
}

/** The sum of the squared distances to all. */
export function spreadAround(vectors: readonly Float32Array[], id: number): number {
  return vectors.reduce((sum, vector) => sum + l2(vectors[id], vector), 0);
}
