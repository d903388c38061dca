/** What several checks of day 05 expect, said once. */
import { CheckFailure, fails } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import { type ConnectScene, endOf, graphOf, type ListScene } from './scene.ts';
import {
  explore,
  type Judge,
  type Program,
  type Run,
  replay,
  runAtRandom,
  shrink,
  type TakenStep,
} from './scheduler.ts';
import { FREE, type SharedGraph } from './solution.ts';
import { type Naming, namingOf, ONE_LIST, Story } from './story.ts';

/** The judge finds no fault in any interleaving; the shortest run with one is told step by step. */
export function expectAlways(program: Program, judge: Judge, naming: Naming = ONE_LIST): void {
  const { interleavings, failing, failure } = explore(program, judge);
  if (!failure) return;
  const { schedule, run, message } = failure;
  const many = interleavings.toLocaleString('en');
  throw new CheckFailure(
    `${message}: in ${failing.toLocaleString('en')} of all ${many} interleavings, such as ${turnsOf(schedule)}`,
    String(new Story(run, naming)),
  );
}

/** The judge finds no fault in the run of this schedule. */
export function expectFine(program: Program, schedule: string, judge: Judge, naming: Naming = ONE_LIST): Run {
  const run = replay(program, schedule);
  const message = judge(run);
  if (message !== undefined) {
    throw new CheckFailure(`${message} (schedule ${turnsOf(schedule)})`, String(new Story(run, naming)));
  }
  return run;
}

/** The judge finds no fault in runs by chance, of so many seeds; one with a fault is made shorter before it is told. */
export function expectAtRandom(program: Program, judge: Judge, seeds: number, naming: Naming = ONE_LIST): void {
  for (let seed = 0; seed < seeds; seed++) {
    const { schedule } = judgedRun(program, seed, judge) ?? {};
    if (schedule === undefined) continue;
    const { schedule: turns, run, message } = shrink(program, schedule, judge);
    throw new CheckFailure(`${message} (schedule ${turnsOf(turns)})`, String(new Story(run, naming)));
  }
}

/** The turns that matter, as a failure names them: `replay` adds the rest. */
function turnsOf(schedule: string): string {
  return schedule === '' ? 'one after the other' : `${schedule}, then each runs on`;
}

function judgedRun(program: Program, seed: number, judge: Judge): Run | undefined {
  const run = runAtRandom(program, new Random(seed));
  return judge(run) === undefined ? undefined : run;
}

/** As many links as those that are wanted, and the same ones. */
export function expectLinks(links: unknown, want: readonly number[], what: string, run?: Run, naming?: Naming): void {
  const text = Array.isArray(links) ? `[${links.join(', ')}]` : String(links);
  const same = Array.isArray(links) && [...links].sort().join() === [...want].sort().join();
  if (!same) fails(`${what} ${text}, and should be [${want.join(', ')}], in any order`, run && new Story(run, naming));
}

/** One list, run alone: what the thread returned and what is in the list, as the run left it. */
export function alone(program: Program): Run {
  const run = replay(program);
  if (run.end !== 'done') throw new CheckFailure(endOf(run), String(new Story(run)));
  return run;
}

/** The list after each step, as whoever looked at that moment would find it; the first is how it was before. */
export function momentsOf(run: Run, before: Int32Array, list: number): number[][] {
  const memory = before.slice();
  const look = () => Array.from(memory.subarray(list + 1, list + 1 + Math.max(memory[list], 0)));
  const moments = [look()];
  for (const step of run.trace) {
    apply(memory, step);
    moments.push(look());
  }
  return moments;
}

/** Takes the step again; whether it wrote. */
function apply(memory: Int32Array, { access, answer }: TakenStep): boolean {
  if (access.kind === 'load' || (access.kind === 'compareExchange' && answer !== access.expected)) return false;
  memory[access.at] = access.value;
  return true;
}

/** A run's loads, stores and compare-and-exchanges, of one thread or of all. */
export function countSteps(run: Run, thread?: string): Record<TakenStep['access']['kind'], number> {
  const counts = { load: 0, store: 0, compareExchange: 0 };
  for (const step of run.trace) if (thread === undefined || step.thread === thread) counts[step.access.kind]++;
  return counts;
}

/** What a run did with locks that it must not do: wrote a list that others can see without holding its lock, or freed one of another. */
export function trespassIn(run: Run, scene: ConnectScene): string | undefined {
  for (const { graph, thread, number, access, answer, node, isLock, holds } of watched(run, scene)) {
    if (isLock && access.kind === 'store') {
      if (access.value !== FREE && answer !== FREE) {
        return `${thread} writes its number into the lock of ${node}, which ${nameOf(answer)} holds`;
      }
    }
    // By a store, or by a compare-and-exchange of its own number for FREE, which is right as well.
    if (isLock && access.kind !== 'load' && access.value === FREE && answer !== number) {
      return `${thread} frees the lock of ${node}, which ${answer === FREE ? 'nobody' : nameOf(answer)} holds`;
    }
    const [expected, value] = access.kind === 'compareExchange' ? [access.expected, access.value] : [FREE, number];
    const takes = expected === FREE && value === number;
    const frees = expected === number && value === FREE;
    if (isLock && !takes && !frees) {
      return `${thread} exchanges ${expected} for ${value} in the lock of ${node}: FREE for its own number is right`;
    }
    if (!isLock && access.kind !== 'load' && !holds.has(node) && isSeen(graph, node)) {
      return `${thread} writes the list of ${node}, which others can see, and does not hold its lock`;
    }
  }
  return undefined;
}

/** Where a thread that holds a lock does something else meanwhile. */
export function strayingIn(run: Run, scene: ConnectScene): string | undefined {
  for (const { thread, node, holds } of watched(run, scene)) {
    const [held] = [...holds].filter((one) => one !== node);
    if (held !== undefined) return `${thread} holds the lock of ${held} and turns to node ${node}`;
  }
  return undefined;
}

/** Each step of a run, with the graph and the locks that its thread holds as they are just before it. */
function* watched(run: Run, scene: ConnectScene) {
  const graph = graphOf(scene);
  const { memory } = graph;
  const held = new Map<string, Set<number>>();
  for (const step of run.trace) {
    const { access, thread } = step;
    const node = Math.floor(access.at / graph.recordWords);
    const isLock = access.at === graph.lockOf(node);
    const holds = held.get(thread) ?? new Set();
    held.set(thread, holds);
    yield { ...step, graph, node, isLock, holds, number: thread.charCodeAt(0) - 'A'.charCodeAt(0) + 1 };
    if (!apply(memory, step) || !isLock) continue;
    if (memory[access.at] === FREE) holds.delete(node);
    else holds.add(node);
  }
}

/** Whether somebody's list leads to the node; the old ones are there from the start. */
function isSeen(graph: SharedGraph, node: number): boolean {
  return graph.links().some((list) => list.includes(node));
}

function nameOf(number: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + number - 1);
}

/** The naming of a scene's graph. */
export function namesIn(scene: ConnectScene): Naming {
  return namingOf(graphOf(scene));
}

/** Loads that adding and pruning can need: the count, and every link twice. Stores: the link, the count, the survivors, their number. */
export function enoughFor(scene: ListScene, history: readonly number[][]): { load: number; store: number } {
  let [loads, stores] = [0, 0];
  for (const [i] of scene.adds.entries()) {
    const length = history[i].length + 1;
    const pruned = length > scene.most;
    loads += pruned ? 2 + 2 * length : 1;
    stores += 2 + (pruned ? history[i + 1].length + 1 : 0);
  }
  return { load: loads, store: stores };
}
