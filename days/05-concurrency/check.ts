/**
 * The checks of day 05. Each sentence about two threads is tried in every interleaving of small scenes, which a generator
 * makes possible, and by chance in larger ones. A hole is checked beside the reference's other side: your reader beside its
 * writer, your writer beside its reader.
 */
import { type Check, fails, forAll } from 'annlab/exercises';
import fc from 'fast-check';
import {
  alone,
  countSteps,
  enoughFor,
  expectAlways,
  expectAtRandom,
  expectFine,
  expectLinks,
  momentsOf,
  namesIn,
  strayingIn,
  trespassIn,
} from './expect.ts';
import { faultsOf, insertTwelve } from './measure.ts';
import {
  type ConnectScene,
  CROSSED,
  connecting,
  connectScenes,
  endOf,
  everyPrune,
  FULL,
  historyOf,
  judgeLists,
  judgeReader,
  LIST,
  type ListScene,
  listScenes,
  type Module,
  memoryOf,
  NOTHING,
  PRUNED,
  pruningOf,
  ROOMY,
  readWhileWriting,
  SHARED,
  writer,
} from './scene.ts';
import { type Program, type Run, replay } from './scheduler.ts';
import * as reference from './solution.ts';
import { FREE, type SharedGraph } from './solution.ts';
import { Story } from './story.ts';

export const checks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'Alone, a reader finds the links that are in the list, and no others',
    hole: 'read-links',
    likely: 'the count lies at `list`, the links at list + 1 … list + count; each access needs a yield*',
    run(module) {
      for (const links of [[], [11], [11, 12, 13]]) {
        const scene: ListScene = { links, adds: [], most: 4 };
        const run = alone(() => ({
          memory: Int32Array.from([...memoryOf(scene), NOTHING]),
          threads: { R: module.readLinks(LIST) },
        }));
        expectLinks(run.results.R, links, 'the reader returns', run);
      }
    },
  },
  {
    layer: 'example',
    says: 'A reader that has taken the count and then sleeps through a whole prune still finds every link that stayed',
    hole: 'read-links',
    likely:
      'a survivor moves from the back to the front: whoever reads from the front has passed the place that it moves to',
    run(module) {
      const program = readWhileWriting({ readLinks: module.readLinks, addLink: reference.addLink }, PRUNED);
      for (const first of ['R', 'RR', 'RRR']) expectFine(program, `${first}W`, judgeReader(PRUNED));
    },
  },
  {
    layer: 'invariant',
    says: 'However a reader and a writer take turns, what was in the list all the time is read, and what never was is not',
    hole: 'read-links',
    likely: 'read the count once, first; then the places, from the last to the first',
    run: (module) =>
      forAll(listScenes, (scene) => {
        const program = readWhileWriting({ readLinks: module.readLinks, addLink: reference.addLink }, scene);
        expectAtRandom(program, judgeReader(scene), 20);
      }),
  },
  {
    layer: 'property',
    says: 'In all interleavings of a read with a prune, whichever links go, no link that stays is missed',
    hole: 'read-links',
    likely: 'from the last to the first: the direction against that in which survivors move',
    run(module) {
      for (const scene of everyPrune()) {
        const program = readWhileWriting({ readLinks: module.readLinks, addLink: reference.addLink }, scene);
        expectAlways(program, judgeReader(scene));
      }
    },
  },
  {
    layer: 'work',
    says: 'A read takes 1 + count loads and nothing else, whatever the writers do: no lock, no second look',
    hole: 'read-links',
    likely: 'one pass is enough: nothing has to be compared, and nobody has to be kept away',
    run: (module) =>
      forAll(
        fc.tuple(listScenes, fc.string({ unit: fc.constantFrom('R', 'W'), maxLength: 60 })),
        ([scene, schedule]) => {
          const program = readWhileWriting({ readLinks: module.readLinks, addLink: reference.addLink }, scene);
          const run = replay(program, schedule);
          const { load, store, compareExchange } = countSteps(run, 'R');
          if (store + compareExchange > 0) fails('the reader writes', run.schedule);
          const count = run.trace.find(({ thread, access }) => thread === 'R' && access.at === LIST)?.answer ?? 0;
          if (load > 1 + count) fails(`${load} loads for a list of ${count}`, run.schedule);
        },
      ),
  },
  {
    layer: 'example',
    says: 'Where there is room, the link comes behind the last, and the count is one more',
    hole: 'add-link',
    likely: 'the place behind the last is list + count + 1',
    run(module) {
      const run = alone(writing(module, ROOMY));
      expectLinks(linksIn(run), [11, 12, 13], 'the list is', run);
    },
  },
  {
    layer: 'example',
    says: 'A list that is now exactly `most` long is left alone',
    hole: 'add-link',
    likely: 'prune where the new count is above `most`, not where it has come to it',
    run(module) {
      const memory = memoryOf(ROOMY);
      let asked = false;
      const survivors = (links: readonly number[]) => {
        asked = true;
        return new Set(links);
      };
      const run = alone(() => ({ memory, threads: { W: module.addLink(LIST, 13, { most: 3, survivors }) } }));
      if (asked) fails('`survivors` is asked about a list of 3 links, and `most` is 3', new Story(run));
      expectLinks(linksIn(run), [11, 12, 13], 'the list is', run);
    },
  },
  {
    layer: 'example',
    says: 'A list that has become longer than `most` is asked for its survivors, the new link among the asked, and they alone stay',
    hole: 'add-link',
    likely: 'give `survivors` all count + 1 links; each that it does not name goes, the new one as well as any other',
    run(module) {
      let asked: readonly number[] | undefined;
      const memory = memoryOf(PRUNED);
      const pruning = pruningOf(PRUNED, PRUNED.adds[0]);
      const survivors = (links: readonly number[]) => {
        asked = [...links];
        return pruning.survivors(links);
      };
      const run = alone(() => ({ memory, threads: { W: module.addLink(LIST, 15, { most: 4, survivors }) } }));
      if (asked === undefined) fails('`survivors` is never asked', new Story(run));
      expectLinks(asked, [11, 12, 13, 14, 15], '`survivors` is asked about', run);
      expectLinks(linksIn(run), [12, 13, 14], 'the list is', run);
    },
  },
  {
    layer: 'invariant',
    says: 'At no moment does the count promise a place that was not written, and at no moment is a link away that stays',
    hole: 'add-link',
    likely:
      'link before count, survivors before their number, nothing emptied on the way; or a survivor was overwritten before it moved: go by place, 1 upwards (readLinks gives them last first)',
    run: (module) =>
      forAll(listScenes, (scene) => {
        const run = alone(writing(module, scene));
        const history = historyOf(scene);
        const always = scene.links.filter((link) => history.every((links) => links.includes(link)));
        for (const [step, links] of momentsOf(run, memoryOf(scene), LIST).entries()) {
          const missing = always.find((link) => !links.includes(link));
          if (links.includes(NOTHING)) {
            fails(`after step ${step} the list is [${links}]: −1 stands where nothing was written yet`, new Story(run));
          }
          if (missing !== undefined)
            fails(`after step ${step} the list is [${links}]: ${missing} is away, and it stays`, new Story(run));
        }
      }),
  },
  {
    layer: 'invariant',
    says: 'After any number of adds and prunes the list holds what it should, each link once',
    hole: 'add-link',
    likely: 'the survivors lie at the first places, and their number is the count',
    run: (module) =>
      forAll(listScenes, (scene) => {
        const run = alone(writing(module, scene));
        expectLinks(linksIn(run), historyOf(scene).at(-1)!, 'in the end the list is', run);
      }),
  },
  {
    layer: 'property',
    says: 'In all interleavings with a reader, whichever links a prune drops, the reader misses none that stays',
    hole: 'add-link',
    likely: 'a survivor may only move towards the front, and its old place is written over after its new one',
    run(module) {
      for (const scene of everyPrune()) {
        const program = readWhileWriting({ addLink: module.addLink, readLinks: reference.readLinks }, scene);
        expectAlways(program, judgeReader(scene));
      }
    },
  },
  {
    layer: 'property',
    says: 'Prune after prune under a reader’s eyes: it misses nothing, and reads nothing that never was a link',
    hole: 'add-link',
    likely: 'each add leaves the list whole before the next one begins: the count is the last word that a prune writes',
    run: (module) =>
      forAll(listScenes, (scene) => {
        const program = readWhileWriting({ addLink: module.addLink, readLinks: reference.readLinks }, scene);
        expectAtRandom(program, judgeReader(scene), 20);
      }),
  },
  {
    layer: 'work',
    says: 'Adding costs three steps; pruning reads each link twice at most and writes each survivor once; no lock is touched',
    hole: 'add-link',
    likely:
      'the caller holds the lock already; a link that stays is written to one new place, and none is written that goes',
    run: (module) =>
      forAll(listScenes, (scene) => {
        const run = alone(writing(module, scene));
        const enough = enoughFor(scene, historyOf(scene));
        const { load, store, compareExchange } = countSteps(run);
        if (compareExchange > 0 || run.trace.some(({ access }) => access.at < LIST)) fails('it touches the lock');
        if (load > enough.load) fails(`${load} loads, and ${enough.load} are enough`);
        if (store > enough.store) fails(`${store} stores, and ${enough.store} are enough`);
      }),
  },
  {
    layer: 'example',
    says: 'Alone, a newcomer and its neighbors list each other, and every lock is free again',
    hole: 'connect',
    likely: 'own list: links and count; then for each neighbor: lock, addLink, unlock',
    run(module) {
      const { program, graph } = connecting(module, { ...CROSSED, newcomers: CROSSED.newcomers.slice(0, 1) });
      const run = alone(program);
      const naming = namesIn(CROSSED);
      const lists = graph().links();
      expectLinks(lists[2], [0, 1], 'the newcomer’s list is', run, naming);
      expectLinks(lists[0], [1, 2], 'the list of 0 is', run, naming);
      expectLinks(lists[1], [0, 2], 'the list of 1 is', run, naming);
      for (const node of [0, 1, 2]) {
        if (run.memory[graph().lockOf(node)] !== FREE) {
          fails(`the lock of ${node} is still held: a store without yield* does nothing`, new Story(run, naming));
        }
      }
    },
  },
  {
    layer: 'example',
    says: 'While somebody else holds a lock, a newcomer waits: it leaves the lock to its owner, and the list alone',
    hole: 'connect',
    likely:
      'compareExchange returns what was in the word: only if that was FREE is the lock yours; otherwise ask again',
    run(module) {
      const scene = { ...SHARED, newcomers: SHARED.newcomers.slice(0, 1) };
      // Thread 26 never frees the lock: all that A can do is wait.
      const heldBy = 26;
      const { program, graph } = connecting(module, scene, (made) => {
        made.memory[made.lockOf(0)] = heldBy;
        return {};
      });
      const run = replay(program, '', { mostSteps: 200 });
      const story = new Story(run, namesIn(scene));
      if (run.trace.some(({ access }) => isPartOf(graph(), 0, access.at)))
        fails('A goes to the list of 0 all the same', story);
      if (run.memory[graph().lockOf(0)] !== heldBy) fails('A wrote over the lock of 0, which is not free', story);
      if (!run.unfinished.includes('A')) fails('A went away without having linked', story);
    },
  },
  {
    layer: 'example',
    says: 'While a thread stands still in the list of one node, another finishes its work on another node',
    hole: 'connect',
    likely: 'each node has a lock of its own, `graph.lockOf(neighbor)`: take that one, not one for all',
    run(module) {
      const scene: ConnectScene = {
        ...CROSSED,
        newcomers: [
          { place: 4, neighbors: [0] },
          { place: 6, neighbors: [1] },
        ],
      };
      const { program, graph } = connecting(module, scene);
      const whole = replay(program, 'A'.repeat(500));
      const inside = whole.trace.findIndex(({ access }) => access.kind === 'store' && isPartOf(graph(), 0, access.at));
      const run = replay(program, `${'A'.repeat(inside + 1)}B`);
      const rest = run.schedule.slice(inside + 1);
      if (!/^B+A*$/.test(rest)) fails('B waits for A, although they want different nodes', run.schedule);
    },
  },
  {
    layer: 'invariant',
    says: 'Who writes a list that others can see holds its lock, and who frees a lock holds it',
    hole: 'connect',
    likely:
      'lock, `addLink`, unlock, in this order, the newcomer’s own list before them; and a lock is taken by compareExchange: look and take are two steps otherwise',
    run: (module) =>
      forAll(connectScenes, (scene) => {
        expectAtRandom(connecting(module, scene).program, (run) => trespassIn(run, scene), 10, namesIn(scene));
      }),
  },
  {
    layer: 'invariant',
    says: 'However the newcomers take turns, the lists are in the end as if they had come one after the other',
    hole: 'connect',
    likely:
      'between reading a count and writing it nobody else may write it: that is what the lock is for; and whoever waits for one must hold none',
    run: (module) =>
      forAll(
        connectScenes,
        (scene) => {
          const { program } = connecting(module, scene);
          expectAtRandom(program, judgeLists(scene), 10, namesIn(scene));
        },
        { runs: 50 },
      ),
  },
  {
    layer: 'property',
    says: 'In all interleavings of two newcomers with the same neighbor, no link is lost, pruned or not',
    hole: 'connect',
    likely: 'a test and a store are two steps, and somebody comes in between: compareExchange is one',
    run(module) {
      for (const scene of [SHARED, FULL]) {
        expectAlways(connecting(module, scene).program, judgeLists(scene), namesIn(scene));
      }
    },
  },
  {
    layer: 'property',
    says: 'In all interleavings of two newcomers with the same two neighbors, in opposite order, both come to an end',
    hole: 'connect',
    likely: 'never wait for a lock while you hold another: free the one before you ask for the next',
    run(module) {
      expectAlways(connecting(module, CROSSED).program, judgeLists(CROSSED), namesIn(CROSSED));
    },
  },
  {
    layer: 'property',
    says: 'In all interleavings, whoever sees a newcomer finds its list complete',
    hole: 'connect',
    likely: 'the newcomer’s own list first, count and all; only then is it linked to',
    run(module) {
      const scene = { ...CROSSED, newcomers: CROSSED.newcomers.slice(0, 1) };
      const { program } = connecting(module, scene, (graph) => ({ R: lookAround(graph, [0, 1]) }));
      expectAlways(program, judgeVisit, namesIn(scene));
    },
  },
  {
    layer: 'property',
    says: 'Twelve points inserted by several threads, whatever the seed: every link leads both ways, every point is reached',
    hole: 'connect',
    likely: 'a lost link is one that leads one way only: see the checks above for how it gets lost',
    run: (module) =>
      forAll(fc.record({ threads: fc.integer({ min: 2, max: 6 }), seed: fc.nat(10_000) }), ({ threads, seed }) => {
        const { end, oneWay, unreachable } = faultsOf(insertTwelve(module, { threads, seed }));
        if (end !== 'done') fails(`it ends in a ${end}`);
        if (oneWay > 0) fails(`${oneWay} links lead one way only`);
        if (unreachable > 0) fails(`${unreachable} points cannot be reached from a`);
      }),
  },
  {
    layer: 'work',
    says: 'A newcomer takes one lock for each neighbor and none for itself',
    hole: 'connect',
    likely:
      'its own list needs none: nobody knows the node before the first neighbor links back; and a lock is yours as soon as the answer is FREE',
    run: (module) =>
      forAll(connectScenes, (scene) => {
        const { program } = connecting(module, { ...scene, newcomers: scene.newcomers.slice(0, 1) });
        const [{ neighbors }] = scene.newcomers;
        const { trace } = alone(program);
        // Exchanging one's number for FREE is a way to free it.
        const takes = trace.filter(({ access }) => access.kind === 'compareExchange' && access.value !== FREE);
        if (takes.some(({ access, answer }) => access.kind === 'compareExchange' && answer === access.value)) {
          fails('A asks again for a lock that it holds already: compareExchange answers what was there before');
        }
        const wanted = neighbors.length === 1 ? '1 neighbor' : `${neighbors.length} neighbors`;
        if (takes.length > neighbors.length) fails(`${takes.length} locks for ${wanted}`);
      }),
  },
  {
    layer: 'work',
    says: 'While a lock is held, nothing is touched but the list that it guards',
    hole: 'connect',
    likely: 'one lock at a time, only around `addLink`: as long as you hold it, others may be waiting for it',
    run: (module) =>
      forAll(connectScenes, (scene) => {
        expectAtRandom(connecting(module, scene).program, (run) => strayingIn(run, scene), 3, namesIn(scene));
      }),
  },
];

function writing(module: Module, scene: ListScene): Program {
  return () => ({ memory: memoryOf(scene), threads: { W: writer(module, scene) } });
}

function linksIn({ memory }: Run): number[] {
  return Array.from(memory.subarray(LIST + 1, LIST + 1 + memory[LIST]));
}

/** Reads the lists of the old nodes, and of whoever is new in them. */
function* lookAround(graph: SharedGraph, old: readonly number[]) {
  const seen: Record<number, number[]> = {};
  for (const node of old) {
    for (const other of yield* reference.readLinks(graph.listOf(node))) {
      if (!old.includes(other)) seen[other] = yield* reference.readLinks(graph.listOf(other));
    }
  }
  return seen;
}

function judgeVisit(run: Run): string | undefined {
  if (run.end !== 'done') return endOf(run);
  for (const [node, list] of Object.entries(run.results.R as Record<number, number[]>)) {
    if (!list.includes(0) || !list.includes(1))
      return `R came to node ${node}, and found its list to be [${list.join(', ')}]`;
  }
  return undefined;
}

function isPartOf(graph: SharedGraph, node: number, at: number): boolean {
  return at > graph.lockOf(node) && at < graph.lockOf(node + 1);
}
