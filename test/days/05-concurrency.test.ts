/** Day 05: the scheduler against a plain enumeration, the protocol against the graph of the days before and on real threads, and what the notebook says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertSorted, l2, type Neighbor, searchLayer } from '../../days/02-nsw/solution.ts';
import { selectHeuristic } from '../../days/04-heuristic/solution.ts';
import { checks } from '../../days/05-concurrency/check.ts';
import {
  atOnce,
  everyInterleaving,
  faultsOf,
  insertAtOnce,
  insertTwelve,
  SOAK,
  sixHundred,
  soak,
} from '../../days/05-concurrency/measure.ts';
import { milestone } from '../../days/05-concurrency/milestone.ts';
import { lostOnRealThreads, perform } from '../../days/05-concurrency/real-threads.ts';
import {
  CROSSED,
  connecting,
  endOf,
  judgeTwo,
  LIST,
  type ListScene,
  memoryOf,
  PRUNED,
  readWhileLinking,
  readWhileWriting,
  twoWriters,
  writer,
} from '../../days/05-concurrency/scene.ts';
import {
  type Access,
  compareExchange,
  explore,
  load,
  type Program,
  type Run,
  replay,
  runAtRandom,
  type Steps,
  shrink,
  store,
} from '../../days/05-concurrency/scheduler.ts';
import * as day from '../../days/05-concurrency/solution.ts';
import { drawRun, namingOf, ONE_LIST, Story, saysOf } from '../../days/05-concurrency/story.ts';
import { Random } from '../../src/core/random.ts';
import { loadMutant } from '../../src/lab/exercises/load-day.ts';
import { runChecks } from '../../src/lab/exercises/run-checks.ts';
import { gaussianSet, rows } from '../../src/lab/teaching-sets.ts';
import { readElements } from '../lab/markup.ts';

const WORDS = 3;
const access: fc.Arbitrary<Access> = fc.oneof(
  fc.record({ kind: fc.constant('load' as const), at: fc.nat(WORDS - 1) }),
  fc.record({ kind: fc.constant('store' as const), at: fc.nat(WORDS - 1), value: fc.nat(3) }),
  fc.record({
    ...{ kind: fc.constant('compareExchange' as const), at: fc.nat(WORDS - 1) },
    ...{ expected: fc.nat(1), value: fc.nat(3) },
  }),
);
/** Two or three threads of a few steps; what a thread stores depends on what it read. */
const scripts = fc.array(fc.array(access, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 });

function* scripted(script: readonly Access[]): Steps<number[]> {
  const answers: number[] = [];
  for (const [i, step] of script.entries()) {
    const sum = answers.reduce((a, b) => a + b, i);
    if (step.kind === 'store') yield* store(step.at, (step.value + sum) % 5);
    else if (step.kind === 'load') answers.push(yield* load(step.at));
    else answers.push(yield* compareExchange(step.at, step.expected, step.value));
    // Never the same question twice in a row: nobody waits.
    answers.push(yield* load((step.at + 1) % WORDS));
  }
  return answers;
}

const programOf =
  (all: readonly (readonly Access[])[]): Program =>
  () => ({
    memory: new Int32Array(WORDS),
    threads: Object.fromEntries(all.map((script, i) => ['ABC'[i], scripted(script)])),
  });

/** Every schedule of threads of these lengths. */
function schedulesOf(lengths: readonly number[]): string[] {
  if (lengths.every((length) => length === 0)) return [''];
  return lengths.flatMap((length, i) =>
    length === 0 ? [] : schedulesOf(lengths.with(i, length - 1)).map((rest) => 'ABC'[i] + rest),
  );
}

const outcomeOf = (run: Run) => {
  const names = Object.keys(run.results);
  const order = names.flatMap((a) => names.filter((b) => run.precedes(a, b)).map((b) => a + b));
  return JSON.stringify([Array.from(run.memory), run.results, run.end, order]);
};

describe('the scheduler', () => {
  it('explores what a plain enumeration of all schedules runs: as many, with the same outcomes', () => {
    const small = scripts.filter((all) => all.reduce((sum, script) => sum + 2 * script.length, 0) <= 10);
    fc.assert(
      fc.property(small, fc.nat(6), (all, remainder) => {
        const program = programOf(all);
        const isBad = (run: Run) => outcomeOf(run).length % 7 === remainder;
        const runs = schedulesOf(all.map((script) => 2 * script.length)).map((schedule) => replay(program, schedule));
        const seen = new Set<string>();
        const { interleavings, failing } = explore(program, (run) => {
          seen.add(outcomeOf(run));
          return isBad(run) ? 'bad' : undefined;
        });
        expect(interleavings).toBe(runs.length);
        expect(failing).toBe(runs.filter(isBad).length);
        expect(seen).toEqual(new Set(runs.map(outcomeOf)));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('counts as many interleavings as there are ways to deal out the turns', () => {
    const idle = (steps: number) => scripted(Array.from({ length: steps / 2 }, () => ({ kind: 'load', at: 0 })));
    const program = () => ({ memory: new Int32Array(WORDS), threads: { A: idle(12), B: idle(12) } });
    const { interleavings, states } = explore(program, () => undefined);
    expect(interleavings).toBe(2_704_156);
    // 13 × 13 places, and whether one was done before the other began.
    expect(states).toBeLessThan(250);
  });

  it('replays what ran by chance, and the same seed runs the same', () => {
    fc.assert(
      fc.property(scripts, fc.nat(1000), (all, seed) => {
        const program = programOf(all);
        const run = runAtRandom(program, new Random(seed));
        expect(run.schedule).toHaveLength(all.flat().length * 2);
        for (const again of [runAtRandom(program, new Random(seed)), replay(program, run.schedule)]) {
          expect(again.schedule).toBe(run.schedule);
          expect(again.trace).toEqual(run.trace);
          expect(outcomeOf(again)).toBe(outcomeOf(run));
        }
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('goes on with whoever ran last where a schedule ends', () => {
    expect(replay(twoWriters(day), 'AB').schedule).toBe('ABBBAA');
    expect(replay(twoWriters(day), '').schedule).toBe('AAABBB');
    expect(replay(twoWriters(day), 'BBBBBBBAB').schedule).toBe('BBBAAA');
  });

  it('tells who was done before whom began', () => {
    const [after, within] = ['AAAB', 'ABAA'].map((schedule) => replay(twoWriters(day), schedule));
    expect([after.precedes('A', 'B'), after.precedes('B', 'A')]).toEqual([true, false]);
    expect([within.precedes('A', 'B'), within.precedes('B', 'A')]).toEqual([false, false]);
  });

  it('finds a deadlock, in which nobody’s turn would change anything', () => {
    function* both(first: number, second: number, me: number): Steps {
      while ((yield* compareExchange(first, 0, me)) !== 0);
      while ((yield* compareExchange(second, 0, me)) !== 0);
      yield* store(second, 0);
      yield* store(first, 0);
    }
    const program = () => ({ memory: new Int32Array(2), threads: { A: both(0, 1, 1), B: both(1, 0, 2) } });
    const run = replay(program, 'AB');
    expect([run.end, run.unfinished]).toEqual(['deadlock', ['A', 'B']]);
    expect(run.schedule).toBe('ABBA');
    const { interleavings, failing } = explore(program, ({ end }) => (end === 'done' ? undefined : end));
    expect(failing).toBeGreaterThan(0);
    expect(failing).toBeLessThan(interleavings);
  });

  it('lets a thread wait that reads a word again and again, until somebody writes it', () => {
    function* waiting(): Steps<number> {
      while ((yield* load(0)) === 0);
      return yield* load(1);
    }
    function* publishing(): Steps {
      yield* store(1, 7);
      yield* store(0, 1);
    }
    const program = () => ({ memory: new Int32Array(2), threads: { A: waiting(), B: publishing() } });
    const { interleavings, failing } = explore(program, ({ end, results }) =>
      end === 'done' && results.A === 7 ? undefined : 'wrong',
    );
    expect(failing).toBe(0);
    expect(interleavings).toBeLessThan(20);
    const alone = replay(() => ({ memory: new Int32Array(2), threads: { A: waiting() } }));
    expect([alone.end, alone.trace.length]).toEqual(['deadlock', 2]);
  });

  it('calls a livelock what never comes to an end', () => {
    function* polite(mine: number, other: number): Steps {
      for (;;) {
        yield* store(mine, 1);
        if ((yield* load(other)) === 0) return yield* store(mine, 0);
        yield* store(mine, 0);
      }
    }
    const program = () => ({ memory: new Int32Array(2), threads: { A: polite(0, 1), B: polite(1, 0) } });
    expect(replay(program, 'AB'.repeat(500), { mostSteps: 300 }).end).toBe('livelock');
    expect(replay(program).end).toBe('done');
  });

  it('ends where a thread throws or asks for a word that is not there, and says so; holes are another matter', () => {
    function* asks(at: number): Steps<number> {
      return yield* load(at);
    }
    const run = replay(() => ({ memory: new Int32Array(2), threads: { A: asks(2) } }));
    expect(run.end).toBe('threw');
    expect(endOf(run)).toBe('it threw RangeError: thread A asks for word 2, and there are 2');
    const unwritten = Object.assign(new Error('not written'), { code: 'UNWRITTEN_HOLE' });
    const program = () => {
      // biome-ignore lint/correctness/useYield: it throws before it would
      function* throws(): Steps {
        throw unwritten;
      }
      return { memory: new Int32Array(1), threads: { A: throws() } };
    };
    expect(() => replay(program)).toThrow(unwritten);
  });

  it('says of a thread that yields no access, or asks by no number, that a yield* is wrong or missing', () => {
    const endOfOne = (steps: () => Generator<unknown, unknown, number>) =>
      endOf(replay(() => ({ memory: new Int32Array(2), threads: { R: steps() as Steps<unknown> } })));
    expect(
      endOfOne(function* () {
        yield load(0);
      }),
    ).toBe('it threw TypeError: thread R yielded a generator: write yield*, not yield');
    expect(
      endOfOne(function* () {
        yield 7;
      }),
    ).toBe('it threw TypeError: thread R yielded 7, which is no access');
    expect(
      endOfOne(function* () {
        yield* store(0, load(1) as never);
      }),
    ).toContain('asks for a store whose `value` is [object Generator], and no number: is a yield* missing?');
  });

  it('tells who waits for a lock from who keeps loading a word', () => {
    const alone = (steps: Steps<unknown>) =>
      endOf(replay(() => ({ memory: Int32Array.of(1, 0), threads: { R: steps } })));
    function* locking(): Steps {
      while ((yield* compareExchange(0, 0, 2)) !== 0);
    }
    function* looking(): Steps {
      while ((yield* load(0)) !== 0);
    }
    expect(alone(locking())).toBe('R waits for a lock that nobody will free');
    expect(alone(looking())).toBe('R keeps loading the same word and is told the same');
  });

  it('shrinks a schedule until no turn can be left out', () => {
    let shrunk = 0;
    for (let seed = 0; seed < 50; seed++) {
      const run = runAtRandom(twoWriters(day), new Random(seed));
      if (!judgeTwo(run)) continue;
      const { schedule, message } = shrink(twoWriters(day), run.schedule, judgeTwo);
      expect(message).toBe('a link is lost');
      expect(judgeTwo(replay(twoWriters(day), schedule))).toBe(message);
      for (let i = 0; i < schedule.length; i++) {
        const without = schedule.slice(0, i) + schedule.slice(i + 1);
        expect(judgeTwo(replay(twoWriters(day), without)), `${schedule} without its turn ${i}`).toBeUndefined();
      }
      shrunk++;
    }
    expect(shrunk).toBeGreaterThan(30);
    expect(() => shrink(twoWriters(day), 'AAABBB', judgeTwo)).toThrow('nothing to shrink');
  });

  it('refuses to explore what is too large', () => {
    expect(() => explore(connecting(day, CROSSED).program, () => undefined, { mostStates: 100 })).toThrow('smaller');
  });
});

/** Days 02 and 04 on plain lists, from node 0. */
function plainGraph(
  vectors: readonly Float32Array[],
  { M, M0, ef }: { M: number; M0: number; ef: number },
): number[][] {
  const links: number[][] = vectors.map(() => []);
  const graph = { vector: (id: number) => vectors[id], neighbors: (id: number) => links[id] };
  const choose = (node: number, ids: readonly number[], most: number) => {
    const candidates: Neighbor[] = [];
    for (const id of ids) insertSorted(candidates, { id, distance: l2(vectors[node], vectors[id]) });
    const context = { vector: vectors[node], level: 0, graph, distance: l2 };
    return selectHeuristic()(candidates, most, context).map(({ id }) => id);
  };
  for (let node = 1; node < vectors.length; node++) {
    const found = searchLayer(graph, vectors[node], [0], ef, l2);
    links[node] = choose(
      node,
      found.map(({ id }) => id),
      M,
    );
    for (const other of links[node]) {
      links[other].push(node);
      if (links[other].length > M0) links[other] = choose(other, links[other], M0);
    }
  }
  return links;
}

const sorted = (links: readonly (readonly number[])[]) => links.map((list) => list.toSorted((a, b) => a - b));

describe('the protocol', () => {
  it.each([
    { M: 4, M0: 8, ef: 16 },
    { M: 3, M0: 4, ef: 8 },
  ])('builds alone, link for link, the graph of the days before: %o', ({ M, M0, ef }) => {
    const vectors = rows(gaussianSet({ n: 400, dimension: 6, queries: 1, seed: 3 }).base);
    const options = { vectors, M, M0, efConstruction: ef };
    const { graph } = insertAtOnce(day, options, { threads: 1, seed: 1 });
    const plain = plainGraph(vectors, { M, M0, ef });
    expect(sorted(graph.links())).toEqual(sorted(plain));
    expect(Math.max(...plain.map((list) => list.length))).toBe(M0);
    // On real memory, straight through, it is the same.
    const straight = new day.SharedGraph({
      ...options,
      memory: new Int32Array(new SharedArrayBuffer(4 * day.SharedGraph.words(options))),
    });
    perform(straight.memory, day.insertAll(straight, [...vectors.keys()].slice(1), 1));
    expect(straight.links()).toEqual(graph.links());
  });

  it('finds in a quiet graph what the beam of day 02 finds', () => {
    const { base, queries } = gaussianSet({ n: 300, dimension: 6, queries: 20, seed: 4 });
    const { graph } = insertAtOnce(day, { vectors: rows(base), M: 4, efConstruction: 16 }, { threads: 4, seed: 2 });
    const links = graph.links();
    // As the reader finds them: from the last to the first.
    const quiet = { vector: (id: number) => graph.vectors[id], neighbors: (id: number) => links[id].toReversed() };
    for (const query of rows(queries)) {
      const found = perform(graph.memory, day.search(graph, query, 20));
      expect(found).toEqual(searchLayer(quiet, query, [0], 20, l2));
    }
  });

  it('loses nothing and gets nobody stuck, with any number of threads', () => {
    const vectors = rows(gaussianSet({ n: 150, dimension: 4, queries: 1, seed: 5 }).base);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.nat(1000), (threads, seed) => {
        const options = { vectors, M: 4, M0: 60, efConstruction: 12 };
        const faults = faultsOf(insertAtOnce(day, options, { threads, seed }));
        expect(faults).toEqual({ end: 'done', oneWay: 0, unreachable: 0 });
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  it('loses nothing on real threads either', async () => {
    expect(await lostOnRealThreads('solution', { threads: 4, builds: 3, n: 300 })).toEqual([0, 0, 0]);
  });

  it('gives readers a regular list, not a linearizable one: of two reads, the first may see a link that the second does not', () => {
    const scene: ListScene = {
      links: [11, 12, 13],
      adds: [
        { link: 14, drops: [12, 13, 14] },
        { link: 15, drops: [] },
      ],
      most: 3,
    };
    const program = () => ({
      memory: memoryOf(scene),
      threads: { W: writer(day, scene), R: day.readLinks(LIST), S: day.readLinks(LIST) },
    });
    const goesBack = (run: Run) => {
      const [first, second] = ['R', 'S'].map((name) => run.results[name] as number[]);
      return run.precedes('R', 'S') && first.includes(15) && !second.includes(15) ? 'it goes back' : undefined;
    };
    const { failing, interleavings, failure } = explore(program, goesBack);
    // The notebook and the facilitator's page name these.
    expect([interleavings, failing]).toEqual([651_782_148, 1_196]);
    expect(failure!.schedule).toHaveLength(21);
  });
});

describe('the checks', () => {
  it('are green with a lock that is freed by a compare-and-exchange', async () => {
    function* connect(...[graph, node, neighbors, me]: Parameters<typeof day.connect>): Steps {
      const own = graph.listOf(node);
      for (const [i, neighbor] of neighbors.entries()) yield* store(own + 1 + i, neighbor);
      yield* store(own, neighbors.length);
      for (const neighbor of neighbors) {
        const lock = graph.lockOf(neighbor);
        while ((yield* compareExchange(lock, day.FREE, me)) !== day.FREE);
        yield* day.addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
        yield* compareExchange(lock, me, day.FREE);
      }
    }
    const ofConnect = checks.filter(({ hole }) => hole === 'connect');
    const results = await runChecks(ofConnect, { ...day, connect });
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(results.length).toBeGreaterThan(5);
  });
});

describe('what the notebook says', () => {
  it('the newcomer that takes a place moves 2 past a reader who goes upwards, and not past one who goes down', async () => {
    const { readLinks } = await loadMutant(5, 'reads-upwards');
    const read = (module: Pick<typeof day, 'connect' | 'readLinks'>) =>
      replay(readWhileLinking(module), 'AAAAAARRA').results.R;
    expect(read({ ...day, readLinks })).toEqual([1, 3, 3]);
    expect(read(day)).toEqual([3, 3, 2]);
  });

  it('18 of 20 interleavings lose a link, and AB is the shortest', () => {
    const { interleavings, failing, failure } = explore(twoWriters(day), judgeTwo);
    expect([interleavings, failing, failure!.schedule]).toEqual([20, 18, 'AB']);
  });

  it('the reference stands in all interleavings; each of the three mutants falls in the scene that is said', async () => {
    const counts = (module: typeof day) =>
      everyInterleaving(module).map(({ interleavings, failing }) => [interleavings, failing]);
    expect(counts(day)).toEqual([
      [72_409, 0],
      [220, 0],
      [8_901_890, 0],
    ]);
    const failing = async (name: string) => counts(await loadMutant(5, name)).map(([, failing]) => failing > 0);
    expect(await failing('check-then-act')).toEqual([false, true, true]);
    expect(await failing('takes-all-first')).toEqual([false, false, true]);
    expect(await failing('reads-upwards')).toEqual([true, false, false]);
    const [, , deadlocks] = everyInterleaving(await loadMutant(5, 'takes-all-first'));
    expect(deadlocks.interleavings / deadlocks.failing).toBe(34);
  });

  it('without locks the more is lost the more threads there are, and recall does not come back; with locks it is that of one thread', async () => {
    const noLock = await loadMutant(5, 'no-lock');
    const set = sixHundred();
    const [one, eight, locked] = [atOnce(noLock, set, 1), atOnce(noLock, set, 8), atOnce(day, set, 8)];
    const last = ({ curve }: typeof one) => curve[curve.length - 1].recall;
    expect([one.oneWay, one.unreachable, locked.oneWay, locked.unreachable]).toEqual([0, 0, 0, 0]);
    expect(eight.oneWay).toBeGreaterThan(5);
    expect(eight.unreachable).toBeGreaterThan(3);
    expect(last(one)).toBeGreaterThan(0.999);
    expect(last(eight)).toBeLessThan(0.99);
    for (const [i, { recall, distances }] of locked.curve.entries()) {
      expect(Math.abs(recall - one.curve[i].recall)).toBeLessThan(0.01);
      expect(Math.abs(distances / one.curve[i].distances - 1)).toBeLessThan(0.03);
    }
  });

  it('of the twelve points, seed 12 loses three links and two points', async () => {
    const { oneWay, unreachable } = faultsOf(insertTwelve(await loadMutant(5, 'no-lock'), { threads: 2, seed: 12 }));
    expect([oneWay, unreachable]).toEqual([3, 2]);
  });

  it('the soak finds nothing against the reference, and nothing against a reader that goes upwards', async () => {
    const found = (module: typeof day) => {
      const { searches, ...faults } = soak(module, SOAK);
      expect(searches).toBeGreaterThan(4000);
      return { searches, faults };
    };
    const nothing = { stuck: 0, lostInserts: 0, misses: 0, torn: 0 };
    expect(found(day).faults).toEqual(nothing);
    expect(found(await loadMutant(5, 'reads-upwards'))).toEqual({ searches: 4894, faults: nothing });
    expect(found(await loadMutant(5, 'empties-first')).faults.misses).toBeGreaterThan(0);
    expect(found(await loadMutant(5, 'back-before-own')).faults.torn).toBeGreaterThan(0);
  });

  it('the engine reaches the milestone', async () => {
    const { lostInserts, faults, below, lowest, batches } = await milestone({ readers: 4, n: 1200 });
    expect({ lostInserts, faults, below, lowest }).toEqual({ lostInserts: 0, faults: 0, below: 0, lowest: 1 });
    expect(batches).toBeGreaterThan(0);
  });
});

describe('a run that is told', () => {
  it('says each step in a few words', () => {
    const { program, graph } = connecting(day, CROSSED);
    const run = replay(program, 'AAAAB');
    const naming = namingOf(graph());
    const says = run.trace.map((step) => `${step.thread} ${saysOf(step, naming)}`);
    const some = [
      'A link 1 of 2 ← 0',
      'A count of 2 ← 2',
      'A takes lock of 0',
      'A count of 0 = 1',
      'A frees lock of 0',
    ];
    expect(says).toEqual(expect.arrayContaining(some));
    const waiting = replay(connecting(day, CROSSED).program, 'AAAABBBBBBBBBB');
    expect(waiting.trace.map((step) => saysOf(step, naming))).toContain('lock of 0 is A’s');
    const [first] = replay(twoWriters(day)).trace;
    expect(saysOf(first, ONE_LIST)).toBe('count = 0');
    expect(String(new Story(replay(twoWriters(day)))).split('\n')).toHaveLength(6);
  });

  it('is drawn with the memory as each step leaves it', () => {
    const svg = drawRun(readWhileWriting(day, PRUNED), 'W', { title: 'A prune', skip: 10 });
    const texts = readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));
    const { trace } = replay(readWhileWriting(day, PRUNED), 'W');
    expect(texts).toEqual(expect.arrayContaining(['before', '11', `${trace.length}`, 'link 1 ← 12', 'count ← 3']));
    expect(texts).not.toContain('link 5 ← 15');
  });

  it('is drawn with other locks beside the list, and tells a lock that is freed by a compare-and-exchange', () => {
    const { program, graph } = connecting(day, CROSSED);
    const naming = namingOf(graph());
    const svg = drawRun(program, 'A', { title: 'Two', naming, list: 1, locks: { 'lock of 1': graph().lockOf(1) } });
    const texts = readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));
    expect(texts).toContain('lock of 1');
    // A's own, and those of the rows in which A holds node 0, then node 1.
    expect(texts.filter((text) => text === 'A').length).toBeGreaterThan(8);
    const freed = { thread: 'A', access: { kind: 'compareExchange', at: 0, expected: 1, value: 0 } as const };
    expect(saysOf({ ...freed, answer: 1 }, naming)).toBe('frees lock of 0');
    expect(saysOf({ ...freed, answer: 0 }, naming)).toBe('lock of 0 is free');
    expect(String(new Story({ ...replay(program), trace: [] }))).toContain('yield*');
  });
});
