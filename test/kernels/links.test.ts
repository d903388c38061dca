/**
 * Lists that are read while they change: every interleaving in a model, the kernels' stores against it, and real
 * threads.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { chooseBuild } from '../../src/kernels/wasm.ts';
import { compileKernels } from './compile-kernels.ts';
import { INTERNALS, type Internals } from './internals.ts';
import { type Change, goThrough, listed, NOBODY, OURS, type State, statesOf } from './links-model.ts';
import type { ListTask } from './list-worker.ts';
import { seeded } from './samples.ts';
import { compileSteppedInternals, type Stops } from './stepped.ts';

function subsets(edges: readonly number[]): number[][] {
  return Array.from({ length: 2 ** edges.length }, (_, bits) => edges.filter((_, i) => bits & (1 << i)));
}

/** Every change that can be made to a list, the new edge being `edge`. */
function changesOf(list: readonly number[], edge: number): Change[] {
  return [{ append: edge }, ...subsets([...list, edge]).map((stay) => ({ stay: new Set(stay), last: edge }))];
}

function listAfter(list: readonly number[], change: Change): number[] {
  if ('append' in change) return [...list, change.append];
  return [...list, change.last].filter((edge) => change.stay.has(edge));
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}

/** Every run of so many changes to a list of `n`. */
function* runsOf(n: number, changes: number): Generator<Change[]> {
  function* further(list: readonly number[], run: Change[]): Generator<Change[]> {
    if (run.length === changes) yield run;
    else
      for (const change of changesOf(list, 10 + run.length)) yield* further(listAfter(list, change), [...run, change]);
  }
  yield* further(upTo(n), []);
}

describe('a list that changes while it is read, in every interleaving', () => {
  /** The readings of all runs of changes to lists up to this length, and the first fault. */
  function goThroughAll({ longest, changes }: { longest: number; changes: number }, how = OURS) {
    let readings = 0;
    for (let n = 0; n <= longest; n++) {
      for (const run of runsOf(n, changes)) {
        const found = goThrough(upTo(n), run, how);
        readings += found.readings;
        if (found.fault) return { readings, fault: { n, run, ...found.fault } };
      }
    }
    return { readings, fault: undefined };
  }

  it.each([
    { longest: 6, changes: 1, atLeast: 50_000 },
    { longest: 4, changes: 2, atLeast: 50_000 },
    { longest: 2, changes: 3, atLeast: 50_000 },
  ])('what stays is seen, and nothing that was in no list: up to $longest edges, $changes changes', (bounds) => {
    const { readings, fault } = goThroughAll(bounds);
    expect(fault).toBeUndefined();

    expect(readings).toBeGreaterThan(bounds.atLeast);
  });

  it('an edge slips past a reader that goes upwards', () => {
    expect(goThroughAll({ longest: 2, changes: 1 }, { ...OURS, downwards: false }).fault).toMatchObject({
      n: 2,
      run: [{ stay: new Set([2, 10]) }],
      seen: [1, 10],
    });
  });

  it('who writes the count first shows what is not there yet, and hides what is', () => {
    const countFirst = { ...OURS, countLast: false };
    expect(goThrough([], [{ append: 7 }], countFirst).fault).toEqual({ from: 1, to: 1, seen: [NOBODY] });
    expect(goThrough([1, 2], [{ stay: new Set([2]), last: 9 }], countFirst).fault).toEqual({
      from: 1,
      to: 1,
      seen: [1],
    });
  });
});

const KEPT = 0x80000000;
const WAY = 0x40000000;
const MARKS = [0, KEPT, KEPT | WAY];
const LIST = 64;
const STAY = 1024;
const ROOM = 64;

describe('the kernels of lists', () => {
  let make: (memory: WebAssembly.Memory, stops: Stops) => Internals;
  beforeAll(async () => {
    make = await compileSteppedInternals(chooseBuild());
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Uint32Array(memory.buffer);
  const stops: Stops = { store() {}, look() {}, wait() {} };

  function put(edges: readonly number[]): void {
    words.fill(0xffffffff);
    words[LIST / 4] = edges.length;
    words.set(edges, LIST / 4 + 1);
  }
  const inMemory = (): State => ({
    count: words[LIST / 4],
    edges: Array.from(words.subarray(LIST / 4 + 1, LIST / 4 + 1 + ROOM), (word) =>
      word === 0xffffffff ? NOBODY : word,
    ),
  });
  const slotOf = (edge: number) => edge & 0x3fffffff;

  /**
   * Changes the list as the model's change says: some edges stay because they are listed, others because they are
   * marked.
   */
  function change(kernels: Internals, what: Change): void {
    if ('append' in what) {
      kernels.append(LIST, what.append);
      return;
    }
    const stay = [...what.stay].filter((edge) => edge >>> 31 === 0).map(slotOf);
    words.set(stay, STAY / 4);
    kernels.compact(LIST, STAY, stay.length, what.last, ROOM);
  }

  /** Edges to different slots, some with marks; which of them stay, those with marks always; and one more. */
  const lists = fc
    .record({
      slots: fc.uniqueArray(fc.integer({ min: 0, max: 0x3ffffffe }), { minLength: 1, maxLength: 24 }),
      marks: fc.array(fc.nat({ max: 9 }), { minLength: 24, maxLength: 24 }),
      stay: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
    })
    .map(({ slots, marks, stay }) => {
      const edges = slots.map((slot, i) => (slot | (MARKS[marks[i]] ?? 0)) >>> 0);
      const staying = new Set(edges.filter((edge, i) => edge >>> 31 === 1 || stay[i]));
      return { before: edges.slice(0, -1), last: edges[edges.length - 1], staying };
    });
  const changes = fc.tuple(lists, fc.boolean()).map(([{ before, last, staying }, appends]) => {
    return { before, change: (appends ? { append: last } : { stay: staying, last }) as Change };
  });

  it('store after store, a list is what it is in the model', () => {
    const property = fc.property(changes, ({ before, change: what }) => {
      const kernels = make(memory, stops);
      put(before);
      const states = [inMemory()];
      stops.store = () => states.push(inMemory());
      change(kernels, what);
      stops.store = () => {};
      states.push(inMemory());
      // At a stop its store is still to come: the first state is there twice.
      expect(states.slice(2)).toEqual(statesOf(states[0], what));
    });
    fc.assert(property, seeded(300));
  });

  it('append, compact, indexOf, keptCount and markAt do what they say', () => {
    const property = fc.property(changes, fc.nat(), ({ before, change: what }, some) => {
      const kernels = make(memory, stops);
      put(before);
      change(kernels, what);
      const after = listAfter(before, what);
      expect(listed(inMemory())).toEqual(after);
      expect(kernels.countOf(LIST)).toBe(after.length);
      expect(kernels.keptCount(LIST)).toBe(after.filter((edge) => edge >>> 31 === 1).length);
      for (const [i, edge] of after.entries()) {
        expect(kernels.edgeAt(LIST, i) >>> 0).toBe(edge);
        expect(kernels.indexOf(LIST, slotOf(edge))).toBe(i);
      }
      expect(kernels.indexOf(LIST, 0x3fffffff)).toBe(-1);
      if (after.length === 0) return;
      const i = some % after.length;
      kernels.markAt(LIST, i, KEPT);
      expect(listed(inMemory())).toEqual(after.with(i, (after[i] | KEPT) >>> 0));
    });
    fc.assert(property, seeded(300));
  });

  it('a change that is broken off at any store, and mended, has lost nothing that stays, and mending may be broken off too', () => {
    const broken = new Error('broken off');
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (error) {
        if (error !== broken) throw error;
      }
      stops.store = () => {};
    };
    const breakOffAt = (n: number) => {
      let stores = 0;
      stops.store = () => {
        if (stores++ === n) throw broken;
      };
    };
    const property = fc.property(changes, fc.nat({ max: 24 }), ({ before, change: what }, again) => {
      const stores = statesOf({ count: before.length, edges: new Array(ROOM).fill(0) }, what).length;
      for (let n = 0; n <= stores; n++) {
        put(before);
        breakOffAt(n);
        attempt(() => change(make(memory, stops), what));
        breakOffAt(again);
        attempt(() => make(memory, stops).removeDuplicates(LIST));
        make(memory, stops).removeDuplicates(LIST);
        const mended = listed(inMemory());
        expect(new Set(mended.map(slotOf)).size).toBe(mended.length);
        const stayed = before.filter((edge) => 'append' in what || what.stay.has(edge));
        expect(mended).toEqual(expect.arrayContaining(stayed));
        const last = 'append' in what ? what.append : what.last;
        expect(mended.filter((edge) => edge !== last && !before.includes(edge))).toEqual([]);
      }
    });
    fc.assert(property, seeded(100));
  });
});

describe('lists among threads', () => {
  it('one changes a list, others read it: what is in it all the time is seen, and nothing that is not there yet', async () => {
    const module = await compileKernels({ build: chooseBuild(), entry: INTERNALS });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const control = new Int32Array(new SharedArrayBuffer(64));
    const tasks: ListTask[] = ['write', 'read', 'read'].map((role) => ({
      ...{ module, memory, control, threads: 3, seed: 17, changes: 60_000 },
      role: role as ListTask['role'],
    }));
    const workers = tasks.map((workerData) => new Worker(new URL('list-worker.ts', import.meta.url), { workerData }));
    const reports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    const [{ compactions }, ...readers] = reports;
    expect(compactions).toBeGreaterThan(1000);
    for (const { readings, faults } of readers) {
      expect(faults).toEqual([]);
      expect(readings).toBeGreaterThan(0);
    }
  });
});
