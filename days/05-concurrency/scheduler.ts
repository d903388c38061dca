/**
 * Races on command. A thread is a generator that stops in front of every access to shared memory; the scheduler carries the
 * accesses out, one at a time, and says whose turn it is: by a text such as `AABBA`, by a seed, or every way there is. The
 * same schedule gives the same run, always, so a race that was seen once can be looked at again.
 *
 * One access is one step, and the next one sees what it did: sequential consistency (Lamport 1979), which is what
 * JavaScript's Atomics and WebAssembly's atomic instructions give. Plain loads and stores promise less, and may be reordered
 * by compiler and processor: what fails here fails there too, and not the other way round.
 *
 * `explore` visits states, not interleavings (Godefroid 1997 has the theory): two interleavings that leave the same memory
 * and the same answers in every thread's hands go on alike, so they are looked at once, and counted as many times as there are.
 */

/** What a thread asks of the shared memory: a step. Addresses are words of an Int32Array. */
export type Access =
  | { kind: 'load'; at: number }
  | { kind: 'store'; at: number; value: number }
  | { kind: 'compareExchange'; at: number; expected: number; value: number };

/** A thread's code: stops at each access, and goes on with the answer. */
export type Steps<T = void> = Generator<Access, T, number>;

/** What is in the word. One step; call it by `yield*`, as the other two. */
export function* load(at: number): Steps<number> {
  return yield { kind: 'load', at };
}

/** Writes the word. One step. */
export function* store(at: number, value: number): Steps {
  yield { kind: 'store', at, value };
}

/**
 * Writes `value` if the word holds `expected`, and else leaves it alone: nobody comes in between. Returns what was there
 * before, so it wrote if that is `expected`. One step; Atomics.compareExchange in JavaScript, cmpxchg in WebAssembly.
 */
export function* compareExchange(at: number, expected: number, value: number): Steps<number> {
  return yield { kind: 'compareExchange', at, expected, value };
}

/** Shared memory as it is before anybody runs, and the threads, each under one letter. */
export interface Scene {
  memory: Int32Array;
  threads: Record<string, Steps<unknown>>;
}

/** Makes a scene anew: each run gets its own. */
export type Program = () => Scene;

/** A step that was taken. */
export interface TakenStep {
  thread: string;
  access: Access;
  /** What was in the word before. */
  answer: number;
}

/**
 * How a run ended: everybody `done`; every unfinished thread waiting for a word that none of them will write (`deadlock`);
 * still running after so many steps (`livelock`); a thread `threw`.
 */
export type End = 'done' | 'deadlock' | 'livelock' | 'threw';

export interface Run {
  end: End;
  /** Whose turn each step was. Played again, it gives this run. */
  schedule: string;
  /** Empty where a run was asked not to keep it. */
  trace: TakenStep[];
  /** As the run left it. */
  memory: Int32Array;
  /** What each thread returned. */
  results: Record<string, unknown>;
  /** The threads that had not finished. */
  unfinished: string[];
  error?: unknown;
  /** Whether `first` was done before `second` took its first step. */
  precedes(first: string, second: string): boolean;
}

export interface RunOptions {
  /** A run of more steps is a livelock. Default 10,000. */
  mostSteps?: number;
  /** Keep every step; default true. */
  traced?: boolean;
}

/**
 * Runs a program by a schedule: a letter for each turn. A letter whose thread is done or waits is passed over; where the
 * schedule ends, whoever ran last goes on until it is done or waits, then the next one. So `AB` is: one step of A, then all of B,
 * then the rest of A.
 */
export function replay(program: Program, schedule = '', options: RunOptions = {}): Run {
  const machine = new Machine(program(), options);
  let last = '';
  for (const name of schedule) {
    if (machine.end !== undefined) break;
    if (!machine.isReady(name)) continue;
    machine.step(name);
    last = name;
  }
  while (machine.end === undefined) {
    if (!machine.isReady(last)) last = machine.ready()[0];
    machine.step(last);
  }
  return machine.toRun();
}

/** Runs a program by chance: each turn goes to one of those that can go on, by the generator that is given. */
export function runAtRandom(
  program: Program,
  random: { integer(below: number): number },
  options: RunOptions = {},
): Run {
  const machine = new Machine(program(), options);
  while (machine.end === undefined) {
    const ready = machine.ready();
    machine.step(ready[random.integer(ready.length)]);
  }
  return machine.toRun();
}

/** What is wrong with a run, in words; undefined where nothing is. */
export type Judge = (run: Run) => string | undefined;

export interface Exploration {
  /** How many different schedules there are. Turns in which a waiting thread would only have asked again are none. */
  interleavings: number;
  /** How many of them the judge found fault with. */
  failing: number;
  /** How many different states they pass through. */
  states: number;
  /** One of them, its schedule made as short as it goes. */
  failure?: Failure;
}

/** A run that a judge found fault with. */
export interface Failure {
  /** The turns that matter: `replay` adds the rest. */
  schedule: string;
  run: Run;
  message: string;
}

/**
 * Runs a program in every way there is. The judge sees each different outcome once: it may go by memory, results, end and
 * `precedes`, but the trace that it is shown is one of many. Throws where there are more states than `mostStates`.
 */
export function explore(
  program: Program,
  judge: Judge,
  { mostStates = 100_000, mostSteps = 200 }: { mostStates?: number; mostSteps?: number } = {},
): Exploration {
  const counted = new Map<string, { all: number; failing: number }>();
  let bad: string | undefined;
  const visit = (schedule: string): { all: number; failing: number } => {
    const machine = new Machine(program(), { mostSteps });
    for (const name of schedule) machine.step(name);
    const state = machine.state();
    const known = counted.get(state);
    if (known) return known;
    if (counted.size >= mostStates) throw new Error(`more than ${mostStates} states: explore a smaller program`);
    const count = { all: 0, failing: 0 };
    if (machine.end === undefined) {
      for (const name of machine.ready()) {
        const { all, failing } = visit(schedule + name);
        count.all += all;
        count.failing += failing;
      }
    } else {
      const failing = judge(machine.toRun()) !== undefined;
      count.all = 1;
      count.failing = Number(failing);
      if (failing && (bad === undefined || schedule.length < bad.length)) bad = schedule;
    }
    counted.set(state, count);
    return count;
  };
  const { all, failing } = visit('');
  const exploration: Exploration = { interleavings: all, failing, states: counted.size };
  return bad === undefined ? exploration : { ...exploration, failure: shrink(program, bad, judge, { mostSteps }) };
}

/**
 * The shortest schedule that can be had from a failing one by leaving out turns: what is left are the turns that matter, and
 * `replay` adds the rest.
 */
export function shrink(program: Program, failing: string, judge: Judge, options: RunOptions = {}): Failure {
  const attempt = (schedule: string): Failure | undefined => {
    const run = replay(program, schedule, options);
    const message = judge(run);
    return message === undefined ? undefined : { schedule, run, message };
  };
  const first = attempt(failing);
  if (first === undefined) throw new Error(`schedule ${failing} does not fail: there is nothing to shrink`);
  let best = first;
  // First the front part that suffices, then one turn less as long as one can be spared.
  for (let length = 0; length < best.schedule.length; length++) {
    const shorter = attempt(best.schedule.slice(0, length));
    if (shorter) best = shorter;
  }
  for (let i = 0; i < best.schedule.length; ) {
    const shorter = attempt(best.schedule.slice(0, i) + best.schedule.slice(i + 1));
    if (shorter) {
      best = shorter;
      i = 0;
    } else i++;
  }
  return best;
}

interface Thread {
  name: string;
  steps: Steps<unknown>;
  /** What it asks next; undefined when it is done. */
  next: Access | undefined;
  /** What it asked last, how often in a row, and what it was told. */
  last: Access | undefined;
  asked: number;
  answer: number;
  /** All answers so far: with them, the thread is where it is. */
  answers: string;
  /** Who was done when it took its first step. */
  after: string | undefined;
  result: unknown;
}

/** A program while it runs. */
class Machine {
  readonly #memory: Int32Array;
  readonly #threads: Thread[];
  readonly #trace: TakenStep[] = [];
  readonly #mostSteps: number;
  readonly #traced: boolean;
  #schedule = '';
  #error: { thrown: unknown } | undefined;
  #steps = 0;

  constructor({ memory, threads }: Scene, { mostSteps = 10_000, traced = true }: RunOptions) {
    this.#memory = memory;
    this.#mostSteps = mostSteps;
    this.#traced = traced;
    this.#threads = Object.entries(threads).map(([name, steps]) => ({
      ...{ name, steps, next: undefined, last: undefined, asked: 0, answer: 0, answers: '', after: undefined },
      result: undefined,
    }));
    for (const thread of this.#threads) this.#advance(thread);
  }

  /** How it ended; undefined while somebody can go on. */
  get end(): End | undefined {
    if (this.#error) return 'threw';
    if (this.#threads.every(({ next }) => next === undefined)) return 'done';
    if (this.#threads.every((thread) => !this.#canGoOn(thread))) return 'deadlock';
    return this.#steps >= this.#mostSteps ? 'livelock' : undefined;
  }

  ready(): string[] {
    return this.#threads.filter((thread) => this.#canGoOn(thread)).map(({ name }) => name);
  }

  isReady(name: string): boolean {
    return this.#threads.some((thread) => thread.name === name && this.#canGoOn(thread));
  }

  /** Carries out what the thread asks, and lets it think until it asks again. */
  step(name: string): void {
    const thread = this.#threads.find((one) => one.name === name)!;
    const access = thread.next!;
    const { at } = access;
    if (!(at >= 0 && at < this.#memory.length)) {
      this.#error = {
        thrown: new RangeError(`thread ${name} asks for word ${at}, and there are ${this.#memory.length}`),
      };
      return;
    }
    thread.after ??= this.#threads
      .filter(({ next }) => next === undefined)
      .map((one) => one.name)
      .join('');
    const answer = this.#memory[at];
    if (access.kind === 'store' || (access.kind === 'compareExchange' && answer === access.expected)) {
      this.#memory[at] = access.value;
    }
    thread.asked = isSame(access, thread.last) && answer === thread.answer ? thread.asked + 1 : 1;
    thread.last = access;
    thread.answer = answer;
    this.#steps++;
    if (this.#traced) {
      this.#trace.push({ thread: name, access, answer });
      this.#schedule += name;
      thread.answers += `${access.kind === 'store' ? '' : answer},`;
    }
    this.#advance(thread);
  }

  /** Two machines of one program in the same state have the same future. */
  state(): string {
    const threads = this.#threads.map(({ answers, after }) => `${answers}${after ?? '-'}`);
    return `${this.#memory.join()}|${threads.join('|')}`;
  }

  toRun(): Run {
    return {
      end: this.end!,
      schedule: this.#schedule,
      trace: this.#trace,
      memory: this.#memory,
      results: Object.fromEntries(this.#threads.map(({ name, result }) => [name, result])),
      unfinished: this.#threads.filter(({ next }) => next !== undefined).map(({ name }) => name),
      ...(this.#error && { error: this.#error.thrown }),
      precedes: (first, second) => this.#threads.find(({ name }) => name === second)?.after?.includes(first) ?? false,
    };
  }

  /**
   * A thread that has asked a word, and would ask the same again and be told the same, is waiting: its turns would change
   * nothing. A compare-and-exchange that failed waits at once, a load from the second time on.
   */
  #canGoOn({ next, last, asked, answer }: Thread): boolean {
    if (next === undefined) return false;
    if (!isSame(next, last) || this.#memory[next.at] !== answer) return true;
    if (next.kind === 'compareExchange') return answer === next.expected;
    return next.kind === 'store' || asked < 2;
  }

  #advance(thread: Thread): void {
    try {
      const { done, value } = thread.steps.next(thread.answer);
      const fault = done ? undefined : faultIn(value);
      if (fault) throw new TypeError(`thread ${thread.name} ${fault}`);
      thread.next = done ? undefined : (value as Access);
      if (done) thread.result = value;
    } catch (thrown) {
      // A hole that is not written yet is not the schedule's doing.
      if ((thrown as { code?: unknown }).code === 'UNWRITTEN_HOLE') throw thrown;
      this.#error = { thrown };
    }
  }
}

/** What is wrong with what a thread yielded, most often by a yield* that is a yield or missing; undefined where nothing is. */
function faultIn(asked: unknown): string | undefined {
  const access = Object(asked) as Partial<Record<string, unknown>>;
  if (typeof access.next === 'function') return 'yielded a generator: write yield*, not yield';
  if (!['load', 'store', 'compareExchange'].includes(String(access.kind)))
    return `yielded ${asked}, which is no access`;
  const { kind, ...numbers } = access;
  const odd = Object.entries(numbers).find(([, value]) => typeof value !== 'number');
  return odd && `asks for a ${kind} whose \`${odd[0]}\` is ${odd[1]}, and no number: is a yield* missing?`;
}

function isSame(a: Access, b: Access | undefined): boolean {
  if (a.kind !== b?.kind || a.at !== b.at) return false;
  if (a.kind === 'load') return true;
  if (a.kind === 'store') return a.value === (b as typeof a).value;
  return a.value === (b as typeof a).value && a.expected === (b as typeof a).expected;
}
