/**
 * A search watched from outside: the walk is given a graph and a distance that note down what is asked of them, so that the
 * very code that is learnt from, or was just written, is replayed hop by hop. Two kinds of event tell everything: a node's
 * distance was evaluated, a node's neighbours were read.
 */
import { ParameterError } from '../core/errors.ts';

export type TraceEvent =
  | { kind: 'distance'; node: number; value: number }
  /** The node's neighbours were read; level 0 is the lowest layer. */
  | { kind: 'hop'; node: number; level: number };

/** What a search has to do with a node so far. A node without a role was never touched. */
export type Role =
  /** Its neighbours were read. */
  | 'visited'
  /** Compared with the query, its neighbours to be read later. */
  | 'frontier'
  /** Compared with the query and left aside: its neighbours will not be read. */
  | 'pruned';

/** The search after one hop; the first step is the entry, before any. */
export interface TraceStep {
  /** Hops done: 0 at the entry. */
  hop: number;
  level: number;
  /** The node whose neighbours were just read; at the entry the first that was compared. */
  node: number;
  /** Nodes compared for the first time in this step, on this level. */
  compared: number[];
  /** Nodes whose neighbours were read on this level, in order. */
  path: number[];
  /** By node, on this level. */
  roles: Map<number, Role>;
}

export class SearchTrace {
  readonly events: TraceEvent[] = [];

  distance(node: number, value: number): void {
    this.events.push({ kind: 'distance', node, value });
  }

  hop(node: number, level = 0): void {
    this.events.push({ kind: 'hop', node, level });
  }

  clear(): void {
    this.events.length = 0;
  }

  /** Distance evaluations. */
  get distances(): number {
    return this.events.filter(({ kind }) => kind === 'distance').length;
  }

  /** Neighbour lists read. */
  get hops(): number {
    return this.events.length - this.distances;
  }

  /** The levels in the order in which they were searched: highest first. */
  get levels(): number[] {
    return [...new Set(this.events.flatMap((event) => (event.kind === 'hop' ? [event.level] : [])))];
  }

  /** Replays the search: the entry, then one step a hop. */
  steps(): TraceStep[] {
    const { events } = this;
    if (events.length === 0) return [];
    const steps: TraceStep[] = [];
    const readOn = new Map(this.levels.map((level) => [level, this.#readOn(level)]));
    const firstHop = events.find((event) => event.kind === 'hop');
    let level = firstHop?.level ?? 0;
    let hop = 0;
    let visited: number[] = [];
    let compared = new Set<number>();
    let fresh: number[] = [];
    const push = (node: number) => {
      const roles = new Map<number, Role>();
      for (const id of compared) roles.set(id, readOn.get(level)?.has(id) ? 'frontier' : 'pruned');
      for (const id of visited) roles.set(id, 'visited');
      steps.push({ hop, level, node, compared: fresh, path: [...visited], roles });
      fresh = [];
    };
    const first = events[0].node;
    let reading = first;
    for (const [i, event] of events.entries()) {
      if (event.kind === 'distance') {
        if (this.#opensLevel(i, level)) continue;
        if (!compared.has(event.node)) fresh.push(event.node);
        compared.add(event.node);
        continue;
      }
      push(reading);
      if (event.level !== level) {
        level = event.level;
        visited = [];
        compared = new Set([event.node]);
      }
      hop++;
      reading = event.node;
      visited.push(event.node);
    }
    push(reading);
    return steps;
  }

  /** The nodes whose neighbours are read on a level at some time. */
  #readOn(level: number): Set<number> {
    return new Set(this.events.flatMap((event) => (event.kind === 'hop' && event.level === level ? [event.node] : [])));
  }

  /** Whether the distance at `i` belongs to the level below: a walk begins by comparing the node that it enters by. */
  #opensLevel(i: number, level: number): boolean {
    const next = this.events[i + 1];
    return next?.kind === 'hop' && next.level < level && next.node === this.events[i].node;
  }
}

export type Distance = (a: Float32Array, b: Float32Array) => number;

/** All that is asked of a graph to watch a search on it. */
export interface TraceableGraph {
  vector(id: number): Float32Array;
  neighbors(id: number, level: number): ArrayLike<number>;
}

/**
 * The same graph and the same distance, which note down in `trace` what is asked of them. `graph` inherits from the one
 * given: its methods work as long as they touch no #private field (a search does, day 03's insert does not), and what they
 * call on `this` is noted too. A distance is counted where one of its arguments came out of `graph.vector(id)`.
 */
export function traced<G extends TraceableGraph>(
  graph: G,
  distance: Distance,
): { graph: G; distance: Distance; trace: SearchTrace } {
  const trace = new SearchTrace();
  const ids = new WeakMap<Float32Array, number>();
  const recording: Distance = (a, b) => {
    const value = distance(a, b);
    const node = ids.get(b) ?? ids.get(a);
    if (node !== undefined) trace.distance(node, value);
    return value;
  };
  const replaced: Record<string, unknown> = {
    vector: (id: number) => {
      const vector = graph.vector(id);
      ids.set(vector, id);
      return vector;
    },
    neighbors: (id: number, level = 0) => {
      trace.hop(id, level);
      return graph.neighbors(id, level);
    },
    ...('distance' in graph && { distance: recording }),
  };
  const watched = Object.create(
    graph,
    Object.fromEntries(Object.entries(replaced).map(([name, value]) => [name, { value, enumerable: true }])),
  ) as G;
  return { graph: watched, distance: recording, trace };
}

/** Each node's neighbours; nothing where the node does not live on that level. */
export type Links = readonly (ArrayLike<number> | undefined)[];

/** Reads the neighbours of the nodes 0 … count − 1, as figures want them. */
export function linksOf(
  graph: { neighbors(id: number, level: number): ArrayLike<number> | undefined },
  count: number,
  level = 0,
): Links {
  return Array.from({ length: count }, (_, id) => {
    const neighbors = graph.neighbors(id, level);
    return neighbors && Array.from(neighbors);
  });
}

/** The links of every layer, level 0 first, up to the highest on which any node lives. */
export function layersOf(
  graph: { neighbors(id: number, level: number): ArrayLike<number> | undefined },
  count: number,
): Links[] {
  const layers: Links[] = [];
  for (let level = 0; level < MOST_LEVELS; level++) {
    const links = linksOf(graph, count, level);
    if (links.every((neighbors) => neighbors === undefined)) return layers;
    layers.push(links);
  }
  throw new ParameterError({
    parameter: 'graph',
    got: `neighbors on level ${MOST_LEVELS - 1}`,
    want: 'a graph that returns undefined where a node does not live; for one layer use linksOf',
  });
}

const MOST_LEVELS = 64;
