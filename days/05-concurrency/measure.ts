/**
 * What the notebook of day 05 plots: graphs that several threads build at once under the scheduler, what is lost on the way, and
 * what readers find meanwhile. All of it counted, nothing timed: the same seed, the same numbers.
 */
import { countingDistance } from 'annlab/exercises';
import {
  countedCurve,
  gaussianSet,
  type MeasuredSet,
  Random,
  reachableFrom,
  rows,
  TWELVE_POINTS,
  type WorkPoint,
  withTruth,
} from 'annlab/lab';
import { l2, searchLayer } from '../02-nsw/solution.ts';
import { CROSSED, connecting, judgeLists, judgeReader, PRUNED, readWhileWriting, SHARED } from './scene.ts';
import { type End, type Exploration, explore, runAtRandom, type Steps } from './scheduler.ts';
import type { SharedGraph, SharedGraphOptions } from './solution.ts';

type Module = typeof import('./solution.ts');

/** How the graphs of this day are built where nothing else is said. No list gets too long: what is missing was lost. */
export const BUILD = { M: 4, M0: 200, efConstruction: 16 } as const;
export const EFS = [10, 15, 20, 30, 40, 60, 80, 120] as const;
const K = 10;

/** The day's data: 600 normal vectors, 8-D. */
export function sixHundred(): MeasuredSet {
  return withTruth(gaussianSet({ n: 600, dimension: 8, queries: 100, seed: 2 }), K);
}

/** A graph that several threads built. */
export interface Built {
  graph: SharedGraph;
  end: End;
}

/** Inserts all vectors but the first, which is there already: dealt out to the threads in turn, whose steps are dealt out by the seed. */
export function insertAtOnce(
  { SharedGraph, insertAll }: Module,
  options: SharedGraphOptions,
  { threads, seed }: { threads: number; seed: number },
): Built {
  const graph = new SharedGraph(options);
  const nodes = [...options.vectors.keys()].slice(1);
  const writers = Array.from({ length: threads }, (_, i) => [
    String.fromCharCode('A'.charCodeAt(0) + i),
    insertAll(
      graph,
      nodes.filter((node) => node % threads === i),
      i + 1,
    ),
  ]);
  const program = () => ({ memory: graph.memory, threads: Object.fromEntries(writers) as Record<string, Steps> });
  const { end } = runAtRandom(program, new Random(seed), { traced: false, mostSteps: 10_000_000 });
  return { graph, end };
}

/** The twelve points, M 2, and room for every link. */
export function insertTwelve(module: Module, how: { threads: number; seed: number }): Built {
  const vectors = TWELVE_POINTS.map(({ vector }) => vector);
  return insertAtOnce(module, { vectors, M: 2, M0: 12, efConstruction: 4 }, how);
}

/** What went wrong: links that lead one way only (where nothing is pruned, the way back was lost), nodes that no way leads to from 0. */
export function faultsOf({ graph, end }: Built): { end: End; oneWay: number; unreachable: number } {
  const links = graph.links();
  const oneWay = links.flatMap((list, node) => list.filter((other) => !links[other]?.includes(node))).length;
  return { end, oneWay, unreachable: links.length - reachableFrom(links, [0]).size };
}

/** The day's set, inserted by so many threads: means of five builds, each under a seed of its own. */
export interface AtOnce {
  threads: number;
  /** Recall@10 and distances per query when nobody writes any more, for every ef. */
  curve: WorkPoint[];
  oneWay: number;
  unreachable: number;
}

export function atOnce(module: Module, set: MeasuredSet, threads: number): AtOnce {
  const vectors = rows(set.base);
  const built = [1, 2, 3, 4, 5].map((seed) => insertAtOnce(module, { ...BUILD, vectors }, { threads, seed }));
  const curves = built.map((one) => curveOf(one, set));
  const faults = built.map(faultsOf);
  return {
    threads,
    curve: EFS.map((ef, i) => ({
      ef,
      recall: mean(curves.map((curve) => curve[i].recall)),
      distances: mean(curves.map((curve) => curve[i].distances)),
    })),
    oneWay: mean(faults.map((fault) => fault.oneWay)),
    unreachable: mean(faults.map((fault) => fault.unreachable)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Recall@10 and distances per query of a graph, for every ef. */
function curveOf({ graph }: Built, set: MeasuredSet): WorkPoint[] {
  const counting = countingDistance(l2);
  const links = graph.links();
  const quiet = { vector: (id: number) => graph.vectors[id], neighbors: (id: number) => links[id] };
  return countedCurve((query, { k, ef }) => searchLayer(quiet, query, [0], ef, counting.distance).slice(0, k), set, {
    counting,
    k: K,
    efs: EFS,
  });
}

/** A small scene, in every interleaving. */
export interface Explored extends Exploration {
  scene: string;
}

/** A reader beside a prune, two newcomers who want the same neighbor, and two who want the same two in opposite order. */
export function everyInterleaving(module: Module): Explored[] {
  const prune = explore(readWhileWriting(module, PRUNED), judgeReader(PRUNED));
  const shared = explore(connecting(module, SHARED).program, judgeLists(SHARED));
  const crossed = explore(connecting(module, CROSSED).program, judgeLists(CROSSED));
  return [
    { scene: 'a read beside a prune', ...prune },
    { scene: 'two newcomers, one neighbour', ...shared },
    { scene: 'two newcomers, two neighbours crosswise', ...crossed },
  ];
}

/** The day's soak: one writer, eight readers, and lists that get too long, so that they are pruned. */
export const SOAK = { readers: 8, seeds: 10, build: { M: 6, M0: 10, efConstruction: 24 } } as const;

/** What one writer and its readers saw, added up over the seeds. */
export interface Soak {
  /** Runs that did not come to an end. */
  stuck: number;
  /** Vectors whose insert was acknowledged and that nobody finds when all is done. */
  lostInserts: number;
  searches: number;
  /** Searches that missed a vector whose insert was acknowledged before they began. */
  misses: number;
  /** Searches that came to a node whose own list was not there yet. */
  torn: number;
}

/**
 * One writer inserts; so many readers search all the while, with a beam as wide as the graph, so that each must find every
 * vector that was acknowledged before it began.
 */
export function soak(
  module: Module,
  {
    readers,
    seeds,
    n = 60,
    build = BUILD,
  }: { readers: number; seeds: number; n?: number; build?: Omit<SharedGraphOptions, 'vectors'> },
): Soak {
  const total: Soak = { stuck: 0, lostInserts: 0, searches: 0, misses: 0, torn: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const { base } = gaussianSet({ n, dimension: 4, queries: 1, seed });
    const graph = new module.SharedGraph({ ...build, vectors: rows(base) });
    let acknowledged = 0;
    function* write(): Steps {
      for (let node = 1; node < n; node++) {
        yield* module.insert(graph, node, 1);
        acknowledged = node;
      }
    }
    function* read(query: Float32Array): Steps {
      while (acknowledged < n - 1) {
        const before = acknowledged;
        const found = new Set((yield* module.search(graph, query, n)).map(({ id }) => id));
        total.searches++;
        total.misses += Number(Array.from({ length: before + 1 }, (_, id) => id).some((id) => !found.has(id)));
        total.torn += Number([...found].some((id) => id > 0 && graph.memory[graph.listOf(id)] === 0));
      }
    }
    const threads: Record<string, Steps> = { W: write() };
    for (let i = 0; i < readers; i++) threads[String(i)] = read(graph.vectors[i]);
    const { end } = runAtRandom(() => ({ memory: graph.memory, threads }), new Random(seed), {
      ...{ traced: false, mostSteps: 10_000_000 },
    });
    total.stuck += Number(end !== 'done');
    total.lostInserts += acknowledged + 1 - reachableFrom(graph.links(), [0]).size;
  }
  return total;
}
