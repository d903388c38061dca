/**
 * The locks of writers: one holder at a time, nobody sleeps for ever, and a successor owns what its predecessor held.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chooseBuild } from '../../src/kernels/wasm.ts';
import { compileKernels } from './compile-kernels.ts';
import { INTERNALS, type Internals } from './internals.ts';
import type { LockTask } from './lock-worker.ts';
import { compileSteppedInternals, type Stops } from './stepped.ts';

const SLEEPERS = 0x80000000;

describe('a lock', () => {
  const WORD = 64;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  let make: (memory: WebAssembly.Memory, stops: Stops) => Internals;
  beforeAll(async () => {
    make = await compileSteppedInternals(chooseBuild());
  });
  beforeEach(() => {
    words.fill(0);
  });

  function threadOf(number: number, wait = (): void => expect.fail('nobody will wake it')): Internals {
    const kernels = make(memory, { store() {}, look() {}, wait });
    kernels.configureThread(number, 1024);
    return kernels;
  }

  it('is free, then one thread owns it, then it is free', () => {
    const [one, other] = [threadOf(0), threadOf(1)];
    expect([one.holds(WORD), other.holds(WORD)]).toEqual([0, 0]);
    one.lock(WORD);
    expect([one.holds(WORD), other.holds(WORD)]).toEqual([1, 0]);
    expect(words[WORD / 4]).toBe(1);
    one.unlock(WORD);
    expect(words[WORD / 4]).toBe(0);
    other.lock(WORD);
    expect([one.holds(WORD), other.holds(WORD)]).toEqual([0, 1]);
  });

  it('says that somebody sleeps on it, and is still its owner’s; who sleeps tries again until it is free', () => {
    const one = threadOf(0);
    let naps = 0;
    const other = threadOf(254, () => {
      expect(words[WORD / 4]).toBe((SLEEPERS | 1) >>> 0);
      expect(one.holds(WORD)).toBe(1);
      // Twice for nothing, as a nap that ends by itself.
      if (++naps === 3) one.unlock(WORD);
    });
    one.lock(WORD);
    other.lock(WORD);
    expect(naps).toBe(3);
    expect(words[WORD / 4]).toBe(255);
    other.unlock(WORD);
    expect(words[WORD / 4]).toBe(0);
  });

  it('belongs to whoever takes over the number of its owner, sleepers or not', () => {
    threadOf(2).lock(WORD);
    const successor = threadOf(2);
    expect(successor.holds(WORD)).toBe(1);
    words[WORD / 4] |= SLEEPERS;
    expect(successor.holds(WORD)).toBe(1);
    expect(threadOf(1).holds(WORD)).toBe(0);
    successor.unlock(WORD);
    expect(words[WORD / 4]).toBe(0);
  });
});

describe('locks among threads', () => {
  /** Sleepers that nobody wakes sleep for ever, and those who find a lock taken sleep at once. */
  const SLEEPY = (name: string, source: string) => {
    if (name !== 'locks.ts') return source;
    const edits: [RegExp, string][] = [
      [/const NAP_NS: i64 = [\d_]+/, 'const NAP_NS: i64 = -1'],
      [/const SPINS: i32 = \d+/, 'const SPINS: i32 = 0'],
    ];
    for (const [where] of edits) expect(source).toMatch(where);
    return edits.reduce((edited, [where, write]) => edited.replace(where, write), source);
  };

  it.each([
    { what: 'as they are', locks: 1, edit: undefined },
    { what: 'several of them', locks: 3, edit: undefined },
    { what: 'without naps, so that whoever sleeps has to be woken', locks: 1, edit: SLEEPY },
    { what: 'the same with several', locks: 2, edit: SLEEPY },
  ])('one holder at a time, and all come to their end: $what', async ({ locks, edit }) => {
    const module = await compileKernels({ build: chooseBuild(), entry: INTERNALS, ...(edit && { edit }) });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const [threads, rounds] = [4, 3000];
    const at = { ready: 0, locks: Array.from({ length: locks }, (_, i) => 64 * (i + 1)) };
    const reports = Array.from({ length: threads }, async (_, thread) => {
      const workerData: LockTask = { module, memory, thread, threads, rounds, at };
      const worker = new Worker(new URL('lock-worker.ts', import.meta.url), { workerData });
      return (await once(worker, 'message'))[0];
    });
    for (const { strangers } of await Promise.all(reports)) expect(strangers).toBe(0);
    const words = new Int32Array(memory.buffer);
    expect(at.locks.map((lock) => words[lock / 4])).toEqual(at.locks.map(() => 0));
    expect(at.locks.reduce((sum, lock) => sum + words[lock / 4 + 1], 0)).toBe(threads * rounds);
  });
});
