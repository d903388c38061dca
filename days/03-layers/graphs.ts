/**
 * Small graphs that the learner's own class builds, for the checks of day 03: random ones, watched from outside while they grow.
 */
import fc from 'fast-check';
import type { Neighbor } from '../02-nsw/solution.ts';
import type * as solution from './solution.ts';

type Module = typeof solution;

/** A small graph to build, as a counter-example shows it. */
export interface SmallSet {
  points: [number, number][];
  query: [number, number];
  M: number;
  M0: number;
  efConstruction: number;
  seed: number;
}

/** Points on a coarse grid, no two in the same place, so that ties are frequent; small M, so that lists are full soon and layers are many. */
export const smallSets: fc.Arbitrary<SmallSet> = fc
  .record({
    points: fc.uniqueArray(pair(), { minLength: 1, maxLength: 24, selector: String }),
    query: pair(),
    M: fc.integer({ min: 2, max: 3 }),
    moreOnGround: fc.nat(2),
    efConstruction: fc.integer({ min: 3, max: 10 }),
    seed: fc.nat(1000),
  })
  .map(({ moreOnGround, ...set }) => ({ ...set, M0: set.M + moreOnGround }));

/** One shrinking of one list. */
export interface Shrink {
  node: number;
  level: number;
  /** The list with the link that is too many, and the list that was left when the insert was done. */
  before: number[];
  after: number[];
  /** What `select` was asked, and what it answered. */
  candidates: Neighbor[];
  M: number;
  chosen: number[];
}

/**
 * Builds the graph with a selection that is not the nearest's, and notes every list that is shrunk on the way. `unasked` is a
 * list that came out too long, or lost a link, without `select` having been asked.
 */
export function buildWatched({ Hnsw }: Module, set: SmallSet): { shrinks: Shrink[]; unasked?: object } {
  const shrinks: Shrink[] = [];
  const index = new Hnsw({
    ...set,
    select: (candidates, M, { vector, level }) => {
      const chosen = [...candidates].sort((a, b) => b.id - a.id).slice(0, M);
      const node = index.nodes.findIndex((one) => one.vector === vector);
      if (node !== index.nodes.length - 1) {
        const before = [...(index.nodes[node]?.links[level] ?? [])];
        const copies = candidates.map((candidate) => ({ ...candidate }));
        shrinks.push({ node, level, before, after: [], candidates: copies, M, chosen: chosen.map(({ id }) => id) });
      }
      return chosen;
    },
  });
  for (const at of set.points) {
    const from = shrinks.length;
    const old = index.nodes.map(({ links }) => links.map((list) => [...list]));
    const id = index.insert(Float32Array.from(at));
    const asked = shrinks.slice(from);
    for (const shrink of asked) shrink.after = [...(index.nodes[shrink.node]?.links[shrink.level] ?? [])];
    for (const [node, lists] of old.entries()) {
      for (const [level, before] of lists.entries()) {
        if (asked.some((shrink) => shrink.node === node && shrink.level === level)) continue;
        const after = index.nodes[node].links[level];
        const Mmax = level === 0 ? set.M0 : set.M;
        const grown = after.join() === before.join() || after.join() === [...before, id].join();
        if (!grown || after.length > Mmax)
          return { shrinks, unasked: { node, level, Mmax, before, newcomer: id, after } };
      }
    }
  }
  return { shrinks };
}

/** What is broken in a graph, a sentence each; nothing where it is whole. */
export function faultsOf({ nodes, entryPoint, topLevel, M, M0 }: solution.Hnsw): string[] {
  const highest = Math.max(...nodes.map(({ links }) => links.length - 1));
  const faults: string[] = [];
  if (topLevel !== highest) faults.push(`topLevel is ${topLevel}, and the highest node lives on ${highest}`);
  if (nodes[entryPoint].links.length - 1 !== highest)
    faults.push(`the entry point ${entryPoint} is not on level ${highest}`);
  for (const [node, { links }] of nodes.entries()) {
    for (const [level, list] of links.entries()) {
      const where = `node ${node}, level ${level}`;
      const limit = level === 0 ? M0 : M;
      if (list.length > limit) faults.push(`${where}: ${list.length} links, at most ${limit} may be`);
      if (new Set(list).size < list.length) faults.push(`${where}: two links to the same node (${list.join(', ')})`);
      for (const other of list) {
        if (other === node) faults.push(`${where}: a link to itself`);
        if (nodes[other] === undefined) faults.push(`${where}: a link to ${other}, which is no node`);
        else if (nodes[other].links.length <= level)
          faults.push(`${where}: a link to ${other}, which does not live there`);
      }
    }
  }
  return faults;
}

function pair(): fc.Arbitrary<[number, number]> {
  return fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 }));
}
