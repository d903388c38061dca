/**
 * The graphs that are searched today, beside the random one: each node's nearest, the same with a few links by lot, and the sparse
 * neighbourhood graph, on which a greedy walk cannot get stuck. All of them by comparing everything with everything: how to get
 * such a graph for less is tomorrow's question.
 */
import { Vamana } from 'annlab';
import { exactTruth, type Matrix, type Random, rows } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import type { Links } from './solution.ts';

/** The exact k-NN graph: every node links to its k nearest. */
export function nearestGraph(base: Matrix, k: number): Links {
  const { ids, k: width } = exactTruth({ base, queries: base, k: k + 1 });
  return Array.from({ length: base.rows }, (_, id) =>
    Array.from(ids.subarray(id * width, (id + 1) * width))
      .filter((other) => other !== id)
      .slice(0, k),
  );
}

/** The nearest R − `long` of each node, and `long` links to anywhere: as many links in all. */
export function withLongLinks(nearest: Links, long: number, random: Random): Links {
  return nearest.map((list, id) => {
    const links = list.slice(0, list.length - long);
    while (links.length < list.length) {
      const other = random.integer(nearest.length);
      if (other !== id && !links.includes(other)) links.push(other);
    }
    return links;
  });
}

/**
 * The sparse neighbourhood graph (Arya & Mount 1993; DiskANN, section 2.1): from each node, walk through all others, nearest first;
 * link to the next one and drop whoever is nearer to it than to the node. For any target, somebody who was linked is nearer to it
 * than the node is, or it is linked itself: so a greedy walk to a vector of the set always arrives. About n² · R distances.
 */
export function sparseNeighborhoodGraph(base: Matrix): Links {
  const vectors = rows(base);
  return vectors.map((here, id) => {
    const order = vectors
      .map((vector, other) => ({ id: other, distance: l2(here, vector) }))
      .filter((other) => other.id !== id)
      .sort((a, b) => a.distance - b.distance);
    const links: number[] = [];
    for (const candidate of order) {
      const vector = vectors[candidate.id];
      // Who is as near to a neighbour as to the node stays: a walk goes only where it is nearer.
      if (links.every((kept) => l2(vectors[kept], vector) >= candidate.distance)) links.push(candidate.id);
    }
    return links;
  });
}

/** Tomorrow's graph, as the engine builds it: each node's links are chosen from what a search for it visited. About R links a node. */
export function vamanaGraph(base: Matrix, R: number): { index: Vamana; links: Links } {
  const { rows: capacity, dimension } = base;
  const index = Vamana.create({ dimension, capacity, R, codes: 'f32', filter: 'none', seed: 1 });
  index.build(base.data);
  return { index, links: Array.from({ length: capacity }, (_, id) => Array.from(index.neighbors(id))) };
}
