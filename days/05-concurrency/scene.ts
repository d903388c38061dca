/**
 * What the checks are played on: one list with a writer and a reader, or a small graph with newcomers that all want the same
 * neighbors. Everything about a run is said by what the threads return, by the memory they leave, and by who was done before
 * whom began; so `explore` can judge all interleavings.
 */
import fc from 'fast-check';
import { type Program, type Run, replay, type Steps } from './scheduler.ts';
import * as reference from './solution.ts';
import { FREE, type Pruning, SharedGraph } from './solution.ts';

export type Module = typeof import('./solution.ts');

/** The list of a memory that holds only one: its lock is the word before. */
export const LIST = 1;
/** Lies behind the last link. A reader that returns it has read what nobody wrote. */
export const NOTHING = -1;

/** Two writers and one list, that of a, which nobody locks: A adds c, B adds b. (Nodes of the twelve points, by number.) */
export function twoWriters({ addLink }: Pick<Module, 'addLink'>): Program {
  const pruning: Pruning = { most: 4, survivors: (links) => new Set(links) };
  return () => ({
    memory: Int32Array.from([FREE, 0, NOTHING, NOTHING]),
    threads: { A: addLink(LIST, 2, pruning), B: addLink(LIST, 1, pruning) },
  });
}

/** Whether both links are in the list. */
export function judgeTwo({ memory }: Run): string | undefined {
  const list = Array.from(memory.subarray(LIST + 1, LIST + 1 + memory[LIST]));
  return list.includes(1) && list.includes(2) ? undefined : 'a link is lost';
}

/** One list, and a writer that adds links to it, one after the other. */
export interface ListScene {
  links: number[];
  /** Each is added in turn; where the list has become longer than `most`, the links in `drops` go. */
  adds: { link: number; drops: number[] }[];
  most: number;
}

/** lock | count | links | nothing … */
export function memoryOf({ links, adds, most }: ListScene): Int32Array {
  const room = Math.max(links.length, most) + adds.length;
  return Int32Array.from([FREE, links.length, ...links, ...Array.from({ length: room - links.length }, () => NOTHING)]);
}

/** The writer adds all of its links by the module’s `addLink`. Nobody else writes the list, so it takes no lock. */
export function* writer({ addLink }: Pick<Module, 'addLink'>, scene: ListScene): Steps {
  for (const add of scene.adds) yield* addLink(LIST, add.link, pruningOf(scene, add));
}

/** Drops what the scene drops; where that is nothing, the link that came last. */
export function pruningOf({ most }: ListScene, { link, drops }: ListScene['adds'][number]): Pruning {
  return {
    most,
    survivors: (links) => {
      const stay = links.filter((one) => !drops.includes(one));
      const few = stay.length <= most ? stay : stay.filter((one) => one !== link);
      // Nearest first, as day 04 has them: not in the order in which they lie in the list.
      return new Set([...few].sort((a, b) => ((a * 5) % 7) - ((b * 5) % 7) || a - b));
    },
  };
}

/** The list before, and after each of the writer's adds. */
export function historyOf(scene: ListScene): number[][] {
  const history = [scene.links];
  for (const add of scene.adds) {
    const links = [...history[history.length - 1], add.link];
    history.push(links.length > scene.most ? [...pruningOf(scene, add).survivors(links)] : links);
  }
  return history;
}

/** Writer W and reader R on one list. */
export function readWhileWriting(
  { addLink, readLinks }: Pick<Module, 'addLink' | 'readLinks'>,
  scene: ListScene,
): Program {
  return () => ({ memory: memoryOf(scene), threads: { W: writer({ addLink }, scene), R: readLinks(LIST) } });
}

/**
 * What is wrong with what R read. A link that was there throughout must be among it, one that never was there must not; and
 * where one of the two was done before the other began, the list was as it was.
 */
export function judgeReader(scene: ListScene): (run: Run) => string | undefined {
  const history = historyOf(scene);
  const [before, after] = [history[0], history[history.length - 1]];
  const throughout = before.filter((link) => history.every((links) => links.includes(link)));
  const ever = new Set(history.flat().concat(scene.adds.map(({ link }) => link)));
  return (run) => {
    if (run.end !== 'done') return endOf(run);
    const read = run.results.R;
    if (!Array.isArray(read)) return 'readLinks returns no list';
    const [must, may] = run.precedes('W', 'R')
      ? [after, new Set(after)]
      : run.precedes('R', 'W')
        ? [before, new Set(before)]
        : [throughout, ever];
    const missed = must.find((link) => !read.includes(link));
    const odd = read.find((link) => !may.has(link));
    if (missed !== undefined)
      return `R read [${read.join(', ')}] and missed ${missed}, which was in the list all the time`;
    if (odd === NOTHING) return `R read [${read.join(', ')}]: −1 stands for a place that nobody has written yet`;
    if (odd !== undefined)
      return `R read [${read.join(', ')}], and ${odd} was not in the list at any time while it read`;
    return undefined;
  };
}

/** How a run ended that should have been done. */
export function endOf({ end, unfinished, error, trace }: Run): string {
  const who = unfinished.join(' and ');
  const loading = (name: string) => trace.findLast(({ thread }) => thread === name)?.access.kind === 'load';
  if (end === 'deadlock' && unfinished.every(loading)) {
    const [keep, be] = unfinished.length > 1 ? ['keep', 'are'] : ['keeps', 'is'];
    return `${who} ${keep} loading the same word and ${be} told the same`;
  }
  if (end === 'deadlock') return `${who} ${unfinished.length > 1 ? 'wait' : 'waits'} for a lock that nobody will free`;
  if (end === 'livelock') return `${who} ${unfinished.length > 1 ? 'run' : 'runs'} on and on and never come to an end`;
  return `it threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

/** Lists of three or four links that one add prunes, and every choice of those that go. */
export function everyPrune(): ListScene[] {
  return [
    [11, 12, 13],
    [11, 12, 13, 14],
  ].flatMap((links) => {
    const all = [...links, 15];
    return Array.from({ length: 2 ** all.length - 1 }, (_, i) => {
      const drops = all.filter((_, bit) => (i + 1) & (1 << bit));
      return { links, adds: [{ link: 15, drops }], most: links.length };
    });
  });
}

/** Lists that are added to several times; some adds prune. */
export const listScenes: fc.Arbitrary<ListScene> = fc
  .record({
    length: fc.nat(5),
    most: fc.integer({ min: 1, max: 5 }),
    adds: fc.array(fc.array(fc.integer({ min: 11, max: 28 }), { maxLength: 8, size: 'max' }), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ length, most, adds }) => {
    const links = Array.from({ length: Math.min(length, most) }, (_, i) => 11 + i);
    const scene = { links, most, adds: adds.map((drops, i) => ({ link: 21 + i, drops })) };
    // Only what goes is said to go, since a learner reads it.
    const history = historyOf(scene);
    const gone = (link: number, i: number) => [...history[i], link].filter((one) => !history[i + 1].includes(one));
    return { ...scene, adds: scene.adds.map(({ link }, i) => ({ link, drops: gone(link, i) })) };
  });

/** Newcomers that are linked at the same time: a thread each, A, B, … */
export interface ConnectScene {
  /** Where the old nodes lie on a line; the newcomers come behind them. */
  places: number[];
  /** The lists of the old nodes. */
  links: number[][];
  /** The newcomers: where each lies, and whom it links with. */
  newcomers: { place: number; neighbors: number[] }[];
  M0: number;
}

/** The graph before the newcomers, with room for them. */
export function graphOf({ places, links, newcomers, M0 }: ConnectScene): SharedGraph {
  const vectors = [...places, ...newcomers.map(({ place }) => place)].map((place) => Float32Array.of(place));
  const graph = new SharedGraph({ vectors, M: M0, M0, efConstruction: M0 });
  for (const node of vectors.keys()) {
    const list = links[node] ?? [];
    const at = graph.listOf(node);
    graph.memory.set([list.length, ...list], at);
    // What lies behind the last link was never written.
    graph.memory.fill(NOTHING, at + 1 + list.length, graph.lockOf(node + 1));
  }
  return graph;
}

/** The graph as the program's latest run has it: `explore` and `replay` make a new one each time. */
export interface Connecting {
  program: Program;
  graph(): SharedGraph;
}

/** All newcomers connect at the same time. `more` are threads besides. */
export function connecting(
  { connect }: Pick<Module, 'connect'>,
  scene: ConnectScene,
  more: (graph: SharedGraph) => Record<string, Steps<unknown>> = () => ({}),
): Connecting {
  let graph = graphOf(scene);
  const first = scene.places.length;
  return {
    graph: () => graph,
    program: () => {
      graph = graphOf(scene);
      const threads = scene.newcomers.map(({ neighbors }, i) => [
        String.fromCharCode('A'.charCodeAt(0) + i),
        connect(graph, first + i, neighbors, i + 1),
      ]);
      return { memory: graph.memory, threads: { ...Object.fromEntries(threads), ...more(graph) } };
    },
  };
}

/** A newcomer A links itself into a list that is full; the list is pruned, and R reads it meanwhile. */
export function readWhileLinking(module: Pick<Module, 'connect' | 'readLinks'>): Program {
  return connecting(module, NEARER, (graph) => ({ R: module.readLinks(graph.listOf(0)) })).program;
}

/** The lists as a run left them, sorted, so that two runs can be compared. */
function listsIn(run: Run, scene: ConnectScene): string[] {
  const graph = graphOf(scene);
  graph.memory.set(run.memory);
  return graph.links().map((list) => [...list].sort((a, b) => a - b).join(', '));
}

/**
 * For each node, what its list may be: what comes of it when the newcomers are linked one after the other, in any order. (The
 * order need not be the same for every list: nobody holds two locks.)
 */
function oneAfterAnother(scene: ConnectScene): Set<string>[] {
  const { program } = connecting(reference, scene);
  const names = scene.newcomers.map((_, i) => String.fromCharCode('A'.charCodeAt(0) + i));
  // More turns than anybody needs: what is left of them is passed over.
  const runs = permutations(names).map((order) => replay(program, order.map((name) => name.repeat(200)).join('')));
  const outcomes = runs.map((run) => listsIn(run, scene));
  return outcomes[0].map((_, node) => new Set(outcomes.map((lists) => lists[node])));
}

/** Each list is what it would be if the newcomers had come one after the other, in some order. */
export function judgeLists(scene: ConnectScene): (run: Run) => string | undefined {
  const allowed = oneAfterAnother(scene);
  return (run) => {
    if (run.end !== 'done') return endOf(run);
    const lists = listsIn(run, scene);
    const node = lists.findIndex((list, i) => !allowed[i].has(list));
    if (node === -1) return undefined;
    return `the list of ${node} is [${lists[node]}], and one after the other makes it [${[...allowed[node]].join('] or [')}]`;
  };
}

function permutations(items: readonly string[]): string[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}

/** Two to four newcomers on a line of old nodes, some of whose lists they make too long. */
export const connectScenes: fc.Arbitrary<ConnectScene> = fc
  .record({
    old: fc.integer({ min: 1, max: 3 }),
    M0: fc.integer({ min: 3, max: 5 }),
    newcomers: fc.array(
      fc.record({
        place: fc.integer({ min: 40, max: 99 }),
        wants: fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }),
      }),
      { minLength: 2, maxLength: 4 },
    ),
  })
  .map(({ old, M0, newcomers }) => ({
    places: Array.from({ length: old }, (_, i) => 10 * i),
    // Everybody knows everybody.
    links: Array.from({ length: old }, (_, i) => Array.from({ length: old }, (_, j) => j).filter((j) => j !== i)),
    newcomers: newcomers.map(({ place, wants }, i) => ({
      // No two at the same place.
      place: place + i / 8,
      neighbors: [...new Set(wants.map((want) => want % old))],
    })),
    M0,
  }));

/** Four links; one more makes the list too long, and the first and the last go. */
export const PRUNED: ListScene = { links: [11, 12, 13, 14], adds: [{ link: 15, drops: [11, 15] }], most: 4 };
/** There is room. */
export const ROOMY: ListScene = { links: [11, 12], adds: [{ link: 13, drops: [] }], most: 4 };
/** Two newcomers who want the same neighbor. */
export const SHARED: ConnectScene = {
  places: [0],
  links: [[]],
  newcomers: [
    { place: 3, neighbors: [0] },
    { place: -4, neighbors: [0] },
  ],
  M0: 4,
};
/** The same two neighbors, nearest first: for the one it is 0, for the other 1. */
export const CROSSED: ConnectScene = {
  places: [0, 10],
  links: [[1], [0]],
  newcomers: [
    { place: 4, neighbors: [0, 1] },
    { place: 6, neighbors: [1, 0] },
  ],
  M0: 8,
};
/** The neighbor's list is full. */
export const FULL: ConnectScene = {
  places: [0, 1, -1],
  links: [[1, 2], [0], [0]],
  newcomers: [
    { place: 30, neighbors: [0] },
    { place: -31, neighbors: [0] },
  ],
  M0: 2,
};
/** The neighbor's list is full, and the newcomer takes the place of the first in it: the others move to the front. */
export const NEARER: ConnectScene = {
  places: [0, 10, -1],
  links: [[1, 2], [0], [0]],
  newcomers: [{ place: 3, neighbors: [0] }],
  M0: 2,
};
