/**
 * Timing a day's code: several cases in one process, in turn, round by round, so that a machine that slows down slows all of
 * them. tinybench times a turn; the median of the rounds is told. Not for a notebook's cell, whose variables are slow and
 * whose process has other things to do: `benchmarkDay` runs this in a process of its own.
 */
import { Bench } from 'tinybench';
import { ParameterError } from '../core/errors.ts';
import { isUnwritten } from './exercises/unwritten-hole.ts';

/** One thing to time, of `days/NN-topic/bench.ts`. */
export interface BenchCase {
  /** Such as `yours`, `reference`, `engine`; each once in a group. */
  name: string;
  /** What is compared with each other: the same task. Default: all cases are one group. */
  group?: string;
  /** Called once before anything is timed: builds what `run` needs. */
  prepare?(): void | Promise<void>;
  /**
   * What is timed, until it returns, or until its promise is fulfilled. It should take 20 µs or more: do the task several times over,
   * and say so in `perCall`.
   */
  run(): void | Promise<void>;
  /** How many times `run` does the task. Default 1. */
  perCall?: number;
}

/** What a case cost, per task. */
export interface BenchTiming {
  group: string;
  name: string;
  /** Nanoseconds: the median. */
  ns: number;
  /** What 99 in 100 did not exceed. Of calls of `run`, so that where `perCall` is large it is the p99 of an average. */
  p99Ns: number;
  perSecond: number;
  /** Timed calls of `run`, over all rounds. */
  samples: number;
}

export interface BenchSettings {
  /** Times that every case takes its turn. Default 5. */
  rounds?: number;
  /** How long a turn takes. Default 100, a third of it more for warming up. */
  milliseconds?: number;
  onProgress?: (done: number, total: number) => void;
}

/** Times the cases. Those whose code has a hole that is not written yet are left out. */
export async function benchmark(cases: readonly BenchCase[], settings: BenchSettings = {}): Promise<BenchTiming[]> {
  const { rounds = 5, milliseconds = 100, onProgress } = settings;
  checkCases(cases, rounds, milliseconds);
  const ready: ReadyCase[] = [];
  for (const one of cases) {
    const prepared = await prepare(one);
    if (prepared) ready.push(prepared);
  }
  // The compiler takes its time, and what one case teaches it may change another: all of it before anything counts.
  for (const one of ready) await turn(one, milliseconds);
  const turns = ready.map((): Turn[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of ready.entries()) {
      turns[i].push(await turn(one, milliseconds));
      onProgress?.(round * ready.length + i + 1, rounds * ready.length);
    }
  }
  return ready.map(({ one: { name, group = '', perCall = 1 } }, i) => {
    const ns = median(turns[i].map(({ p50Ns }) => p50Ns)) / perCall;
    return {
      ...{ group, name, ns },
      p99Ns: median(turns[i].map(({ p99Ns }) => p99Ns)) / perCall,
      perSecond: 1e9 / ns,
      samples: turns[i].reduce((sum, { samples }) => sum + samples, 0),
    };
  });
}

interface ReadyCase {
  one: BenchCase;
  /** Whether `run` returns a promise. */
  async: boolean;
}

/** Prepares a case and runs it once; undefined where it needs code that is not written yet. */
async function prepare(one: BenchCase): Promise<ReadyCase | undefined> {
  try {
    await one.prepare?.();
    const running = one.run();
    await running;
    return { one, async: running instanceof Promise };
  } catch (error) {
    if (isUnwritten(error)) return undefined;
    throw error;
  }
}

interface Turn {
  p50Ns: number;
  p99Ns: number;
  samples: number;
}

async function turn({ one: { name, run }, async }: ReadyCase, milliseconds: number): Promise<Turn> {
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 3, iterations: 8, warmupIterations: 2 });
  bench.add(name, run, { async });
  const [{ result }] = await bench.run();
  if ('error' in result) throw result.error;
  if (!('latency' in result)) throw new Error(`${name}: the measurement ended as ${result.state}`);
  const { p50, p99, samplesCount } = result.latency;
  return { p50Ns: p50 * 1e6, p99Ns: p99 * 1e6, samples: samplesCount };
}

function checkCases(cases: readonly BenchCase[], rounds: number, milliseconds: number): void {
  const names = new Set<string>();
  for (const { name, group = '', perCall = 1 } of cases) {
    const full = JSON.stringify([group, name]);
    if (names.has(full))
      throw new ParameterError({ parameter: 'cases', got: `${name} twice`, want: 'a name once a group' });
    names.add(full);
    if (!(perCall >= 1)) throw new ParameterError({ parameter: 'perCall', got: perCall, want: 'at least 1' });
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new ParameterError({ parameter: 'rounds', got: rounds, want: 'a whole number from 1' });
  }
  if (!(milliseconds > 0))
    throw new ParameterError({ parameter: 'milliseconds', got: milliseconds, want: 'more than 0' });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
