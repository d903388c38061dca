/** A run told so that it can be read: a line a step for the terminal, a row a step for the page. */
import { inspect } from 'node:util';
import { type InterleavingStep, interleavingFigure, type MemoryWord } from 'annlab/lab';
import { LIST } from './scene.ts';
import { type Program, type Run, replay, type TakenStep } from './scheduler.ts';
import { FREE, type SharedGraph } from './solution.ts';

/** What a word of the memory is, and of which node. */
export interface WordName {
  part: 'lock' | 'count' | 'link';
  /** Of a link, its place in the list, from 1. */
  place?: number;
  /** Nothing where there is one list only. */
  node?: string;
}

export interface Naming {
  word(at: number): WordName;
  /** What the node of a link is called; default: its number. */
  node?(id: number): string;
}

/** The words of a memory that holds one list. */
export const ONE_LIST: Naming = {
  word: (at) => (at < LIST ? { part: 'lock' } : at === LIST ? { part: 'count' } : { part: 'link', place: at - LIST }),
};

/** The words of a graph. */
export function namingOf(graph: SharedGraph, node: (id: number) => string = String): Naming {
  const { recordWords } = graph;
  return {
    node,
    word(at) {
      const of = node(Math.floor(at / recordWords));
      const within = at % recordWords;
      if (within === 0) return { part: 'lock', node: of };
      return within === 1 ? { part: 'count', node: of } : { part: 'link', place: within - 1, node: of };
    },
  };
}

/** A run as lines, for a check that failed: a letter for the thread, then what it did. */
export class Story {
  readonly #lines: string[];

  constructor(run: Run, naming: Naming = ONE_LIST) {
    const lines = run.trace.map((step) => `${step.thread}  ${saysOf(step, naming)}`);
    const most = 40;
    this.#lines = lines.length > most ? [...lines.slice(0, most), `… ${lines.length - most} steps more`] : lines;
  }

  toString(): string {
    if (this.#lines.length === 0) return 'nobody took a step: is a yield* missing?';
    return this.#lines.join('\n');
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The step in a few characters: `count = 2`, `link 3 ← 7`, `takes lock`. */
export function saysOf({ access, answer }: TakenStep, { word, node = String }: Naming): string {
  const { part, place, node: of } = word(access.at);
  const name = `${part}${place === undefined ? '' : ` ${place}`}${of === undefined ? '' : ` of ${of}`}`;
  const shown = (value: number) => (part === 'link' ? node(value) : String(value));
  if (access.kind === 'load') return `${name} = ${shown(answer)}`;
  if (access.kind === 'store') {
    if (part === 'lock' && access.value === FREE) return `frees ${name}`;
    return `${name} ← ${shown(access.value)}`;
  }
  if (part !== 'lock') return `${name}: ${answer}${answer === access.expected ? ` → ${access.value}` : ' stays'}`;
  if (answer !== access.expected) return answer === FREE ? `${name} is free` : `${name} is ${threadName(answer)}’s`;
  return `${access.value === FREE ? 'frees' : 'takes'} ${name}`;
}

export interface DrawnRun {
  title: string;
  subtitle?: string;
  naming?: Naming;
  /** The list whose words stand beside the steps, and how many places of it; default: the only one, as long as it gets. */
  list?: number;
  places?: number;
  /** Locks that stand beside the list: what each is called, and its address. */
  locks?: Record<string, number>;
  /** So many steps are taken before the first that is drawn. */
  skip?: number;
  width?: number;
}

/** A program, run by a schedule, as a figure. */
export function drawRun(program: Program, schedule: string, options: DrawnRun): string {
  const { title, subtitle, naming = ONE_LIST, list = LIST, locks = {}, skip = 0, width } = options;
  const run = replay(program, schedule);
  const { memory, threads } = program();
  const { node = String } = naming;
  const places = options.places ?? placesOf(run, memory, list);
  const ownerText = (at: number) => (memory[at] === FREE ? '' : threadName(memory[at]));
  const words = (): MemoryWord[] => [
    { text: ownerText(list - 1) },
    { text: String(memory[list]) },
    ...Array.from({ length: places }, (_, i) => {
      const value = memory[list + 1 + i];
      const faint = i >= memory[list];
      return { text: value < 0 || (faint && value === 0) ? '' : node(value), faint };
    }),
    ...Object.values(locks).map((at) => ({ text: ownerText(at) })),
  ];
  const writes = ({ access, answer }: TakenStep) => {
    if (access.kind === 'load' || (access.kind === 'compareExchange' && answer !== access.expected)) return false;
    memory[access.at] = access.value;
    return true;
  };
  run.trace.slice(0, skip).forEach(writes);
  const before = words();
  const steps = run.trace.slice(skip).map((step): InterleavingStep => {
    const { access, thread } = step;
    const kind = writes(step) ? 'write' : access.kind === 'load' ? 'read' : 'wait';
    return { thread, kind, says: saysOf(step, naming), words: words() };
  });
  const heads = ['lock', 'count', ...Array.from({ length: places }, (_, i) => String(i + 1)), ...Object.keys(locks)];
  return interleavingFigure({
    title,
    ...(subtitle !== undefined && { subtitle }),
    ...(width !== undefined && { width }),
    threads: Object.keys(threads),
    ...{ heads, before, steps, from: skip + 1 },
  });
}

/** How many places of the list the run comes to. */
function placesOf(run: Run, memory: Int32Array, list: number): number {
  const touched = run.trace.map(({ access }) => access.at - list);
  return Math.max(memory[list], ...touched.filter((place) => list + place < memory.length));
}

/** Threads bear numbers from 1 and letters from A. */
function threadName(number: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + number - 1);
}
