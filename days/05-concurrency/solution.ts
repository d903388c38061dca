/**
 * Day 05: many readers and writers at once. The graph of the days before, its lists in words that all threads share. Writers
 * lock one node at a time; readers lock nothing, and still miss no link that stays, because of the order in which words are
 * written and the order in which they are read.
 *
 * Sources: Lamport, "Concurrent reading and writing", CACM 20 (1977): whoever reads while another writes reads in the opposite
 * direction. Herlihy & Shavit, "The art of multiprocessor programming" (2008), for the words: lock-free, wait-free,
 * linearizable. The HNSW paper has nothing on it; hnswlib locks each node too, for reading as well while it builds.
 *
 * Each access is a step, by `yield*`: `const count = yield* load(list)`, with brackets where you compare:
 * `(yield* compareExchange(...)) !== FREE`. Without it nothing happens: a generator is made that nobody runs.
 *
 * Departures from the engine: one level, the first node is there before any thread starts, and whoever waits spins.
 */
import { type Distance, insertSorted, l2, type Neighbor } from '../02-nsw/solution.ts';
import { selectHeuristic } from '../04-heuristic/solution.ts';
import { compareExchange, load, type Steps, store } from './scheduler.ts';

/** What a lock's word holds while nobody holds the lock; otherwise the number of the thread that does, from 1. */
export const FREE = 0;

/**
 * The links of a list, in any order; one that is moved meanwhile may come twice. `list` is the address of its count, and the
 * links lie behind it. Wait-free: 1 + count steps, whatever the others do.
 */
export function* readLinks(list: number): Steps<number[]> {
  // @hole read-links
  // @task Load the count, then the links at list + 1 … list + count, load each place once, and return them. Take no lock. In
  // @task which direction? A prune moves survivors towards the front; none of them may slip past you.
  const links: number[] = [];
  for (let i = yield* load(list); i > 0; i--) links.push(yield* load(list + i));
  return links;
  // @end
}

/** How long a list may become, and who stays in one that has become longer. */
export interface Pruning {
  most: number;
  /** At most `most` of the links. It is arithmetic on vectors, and touches no shared word. */
  survivors(links: readonly number[]): ReadonlySet<number>;
}

/**
 * Adds a link to a list, and prunes the list where it has become longer than `most`; there is room for more than that. Whoever
 * calls holds the lock, so nobody else writes the list meanwhile; readers come at any moment, and hold nothing.
 */
export function* addLink(list: number, link: number, { most, survivors }: Pruning): Steps {
  // @hole add-link
  // @task Write the link behind the last, then the new count: that publishes it. If the count is now above `most`, ask for the
  // @task `survivors` of the links, move them to the front one by one, no survivor overwritten before it lies in its new
  // @task place, and publish their number last.
  const count = (yield* load(list)) + 1;
  yield* store(list + count, link);
  yield* store(list, count);
  if (count <= most) return;
  const stay = survivors(yield* readLinks(list));
  let kept = 0;
  for (let i = 1; i <= count; i++) {
    const other = yield* load(list + i);
    if (stay.has(other)) yield* store(list + ++kept, other);
  }
  yield* store(list, kept);
  // @end
}

/**
 * Links a new node with the neighbors that were chosen for it, both ways. Until the first of them links back, nobody knows
 * the node; from then on any thread may read its list, and write it.
 *
 * @param me the number of the thread, from 1: what it writes into a lock.
 */
export function* connect(graph: SharedGraph, node: number, neighbors: readonly number[], me: number): Steps {
  // @hole connect
  // @task First the node's own list: its links, then their count; nobody can see it yet, so it takes no lock. Then, for one
  // @task neighbor after the other: take the lock at `graph.lockOf(neighbor)`, by compareExchange from FREE to `me` until
  // @task that worked; `addLink` the node to the neighbor's list, with `graph.pruning(neighbor)`; and store FREE.
  const own = graph.listOf(node);
  for (const [i, neighbor] of neighbors.entries()) yield* store(own + 1 + i, neighbor);
  yield* store(own, neighbors.length);
  for (const neighbor of neighbors) {
    const lock = graph.lockOf(neighbor);
    while ((yield* compareExchange(lock, FREE, me)) !== FREE);
    yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
    yield* store(lock, FREE);
  }
  // @end
}

export interface SharedGraphOptions {
  /** All of them, in their final places: a vector is never written twice, and so needs no lock. */
  vectors: readonly Float32Array[];
  /** Links that a new node makes. */
  M: number;
  /** Most links of a node; a list has room for twice as many. Default 2M. */
  M0?: number;
  efConstruction: number;
  distance?: Distance;
  /** Words to lie in, such as those that another thread has too. Default: its own, as many as `SharedGraph.words` says. */
  memory?: Int32Array;
}

/** One level of the graph, in words: each node has a record of its own, `lock | count | links…`. */
export class SharedGraph {
  readonly memory: Int32Array;
  readonly vectors: readonly Float32Array[];
  readonly M: number;
  readonly M0: number;
  readonly efConstruction: number;
  readonly distance: Distance;
  /** Words of one node. */
  readonly recordWords: number;

  constructor(options: SharedGraphOptions) {
    const { vectors, M, M0 = 2 * M, efConstruction, distance = l2 } = options;
    const { memory = new Int32Array(SharedGraph.words(options)) } = options;
    this.vectors = vectors;
    this.M = M;
    this.M0 = M0;
    this.efConstruction = efConstruction;
    this.distance = distance;
    this.recordWords = recordWordsFor(M0);
    this.memory = memory;
  }

  /** How many words a graph takes. */
  static words({ vectors, M, M0 = 2 * M }: SharedGraphOptions): number {
    return vectors.length * recordWordsFor(M0);
  }

  lockOf(node: number): number {
    return node * this.recordWords;
  }

  /** Address of the count; the links follow it. */
  listOf(node: number): number {
    return node * this.recordWords + 1;
  }

  /** Day 04's rule, seen from a node. */
  pruning(node: number): Pruning {
    return { most: this.M0, survivors: (links) => new Set(select(this, node, links, this.M0)) };
  }

  /** Whom a new node links with, of those that its search found. */
  choose(node: number, found: readonly Neighbor[]): number[] {
    const ids = found.map(({ id }) => id);
    return select(this, node, ids, this.M);
  }

  /** The lists as they are, one for each node: to be looked at when nobody runs. */
  links(): number[][] {
    return this.vectors.map((_, node) => {
      const list = this.listOf(node);
      return Array.from(this.memory.subarray(list + 1, list + 1 + this.memory[list]));
    });
  }
}

/** The nodes of `ids` that day 04's rule keeps for a node, at most so many, nearest first. */
function select({ vectors, distance }: SharedGraph, node: number, ids: readonly number[], most: number): number[] {
  const vector = vectors[node];
  const graph = { vector: (id: number) => vectors[id], neighbors: () => [] };
  const candidates: Neighbor[] = [];
  for (const id of new Set(ids)) insertSorted(candidates, { id, distance: distance(vector, vectors[id]) });
  return selectHeuristic()(candidates, most, { vector, level: 0, graph, distance }).map(({ id }) => id);
}

/** Lock, count, and room for twice as many links as stay. */
function recordWordsFor(M0: number): number {
  return 2 + 2 * M0;
}

/** Day 02's beam, from node 0; its hops read lists that others may be writing. */
export function* search(graph: SharedGraph, query: Float32Array, ef: number): Steps<Neighbor[]> {
  const { vectors, distance } = graph;
  const entry = { id: 0, distance: distance(query, vectors[0]) };
  const visited = new Set([0]);
  const candidates: Neighbor[] = [entry];
  const found: Neighbor[] = [entry];
  while (candidates.length > 0) {
    const nearest = candidates.shift()!;
    if (found.length === ef && nearest.distance > found[ef - 1].distance) break;
    for (const id of yield* readLinks(graph.listOf(nearest.id))) {
      if (visited.has(id)) continue;
      visited.add(id);
      const next = { id, distance: distance(query, vectors[id]) };
      if (found.length === ef && next.distance >= found[ef - 1].distance) continue;
      insertSorted(candidates, next);
      insertSorted(found, next);
      if (found.length > ef) found.pop();
    }
  }
  return found;
}

/** Searches for a new node's neighbors and links it with them. Node 0 needs no insertion: it is where all begins. */
export function* insert(graph: SharedGraph, node: number, me: number): Steps {
  const found = yield* search(graph, graph.vectors[node], graph.efConstruction);
  yield* connect(graph, node, graph.choose(node, found), me);
}

/** One writer's day: inserts one node after the other. */
export function* insertAll(graph: SharedGraph, nodes: readonly number[], me: number): Steps {
  for (const node of nodes) yield* insert(graph, node, me);
}
