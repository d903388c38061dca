/** What one thread does while another rewrites what it reads, and how a thread finishes what another of its number began. */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { ERA, JOURNAL, NODE, STATE } from '../../src/graph/graph-layout.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import { HnswThread } from '../../src/graph/hnsw-thread.ts';

const KEPT = 0x80000000;
const SLOT = 0x3fffffff;

function vectorsOf(n: number, dimension: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: n * dimension }, () => random.normal());
}

function build(options: HnswOptions, n: number, seed = 1): { index: Hnsw; vectors: Float32Array } {
  const vectors = vectorsOf(n, options.dimension, seed);
  const index = Hnsw.create({ capacity: n + 1, threads: 3, ...options });
  index.addBatch(vectors);
  return { index, vectors };
}

describe('a search beside what is rewritten as a whole', () => {
  const dimension = 8;
  const { index, vectors } = build({ dimension, filter: 'sign', M: 8 }, 1200);
  const query = vectors.subarray(0, dimension);
  const plain = index.search(query, { k: 5 });

  it('does without the filter while the centre moves, and with it again afterwards', () => {
    expect(plain.work.estimates).toBeGreaterThan(0);
    const mover = new HnswThread(index.handle, 1);
    mover.moveCentre(mover.sumOf(0, 600), 600);
    // Signs that say nothing: whoever believed them would find nothing.
    const { at, bytes } = index.arena;
    bytes.fill(0xff, at.signs, at.signs + 1200 * index.layout.signBytes);
    const meanwhile = index.search(query, { k: 5 });
    expect(meanwhile.work.estimates).toBe(0);
    expect(meanwhile.ids).toEqual(plain.ids);
    mover.encodeSigns(0, 1200);
    mover.endEra();
    const after = index.search(query, { k: 5 });
    expect(after.ids).toEqual(plain.ids);
    expect(after.work.estimates).toBeGreaterThan(0);
  });

  it('waits while codes are made of bytes, and then finds the same', async () => {
    const bytes = Float32Array.from(vectorsOf(300 * dimension, 1, 3), (x) => Math.floor(Math.abs(x) * 60) % 256);
    const held = Hnsw.create({ dimension, capacity: 400, threads: 2, filter: 'none' });
    held.addBatch(bytes);
    const state = held.arena.u32.subarray(held.arena.at.state >>> 2);
    Atomics.or(state, STATE.era, ERA.formMoves);
    const done = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL('./search-once.ts', import.meta.url), {
      workerData: { handle: held.handle, query: bytes.slice(0, dimension), done },
      execArgv: [],
    });
    const found = new Promise<Uint32Array>((resolve, reject) => {
      worker.on('error', reject);
      worker.on('message', (message) => message !== 'started' && resolve(message));
    });
    await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(Atomics.load(done, 0)).toBe(0);
    Atomics.and(state, STATE.era, ~ERA.formMoves);
    new HnswThread(held.handle, 0).leaveBytes(300);
    const slots = await found;
    expect(slots[0]).toBe(0);
    expect(Array.from(held.search(bytes.subarray(0, dimension), { k: 5 }).ids)).toEqual(Array.from(slots));
    await worker.terminate();
  });
});

describe('resume: an insert that its thread did not live to finish', () => {
  /** The last vector's insert, taken back to where it was after `edges` of its links back were made, by a thread that still holds `held`. */
  function interrupt(index: Hnsw, slot: number, edges: number, thread: number, held: 'nobody' | 'a neighbour'): void {
    const { at, u32 } = index.arena;
    const { recordBytes, vectorBytes, upperBytes, threadPlan } = index.layout;
    const node = (slot: number) => (at.records + slot * recordBytes + vectorBytes) >>> 2;
    const listOf = (slot: number, level: number) =>
      level === 0
        ? node(slot) + NODE.count
        : (at.upper + (u32[node(slot) + NODE.upper] + level - 1) * upperBytes) >>> 2;
    const edgesOf = (list: number) => u32.subarray(list + 1, list + 1 + u32[list]);
    const plan = threadPlan(index.capacity);
    const journal = (at.threads + thread * plan.end + plan.at.journal) >>> 2;
    const levels = u32[node(slot) + NODE.level] + 1;
    u32[journal + JOURNAL.inserting] = slot + 1;
    u32[journal + JOURNAL.levels] = levels;
    u32[journal + JOURNAL.linking] = levels;
    u32[journal + JOURNAL.parent] = 0;
    let made = 0;
    let heldSlot: number | undefined;
    for (let level = 0; level < levels; level++) {
      const linked = Array.from({ length: slot }, (_, other) => other)
        .filter((other) => u32[node(other) + NODE.level] >= level)
        .filter((other) => edgesOf(listOf(other, level)).some((edge) => (edge & SLOT) === slot))
        .map((other) => ({
          other,
          kept: edgesOf(listOf(other, level)).some((edge) => edge >>> 0 === (slot | KEPT) >>> 0),
        }))
        // The parent's comes first.
        .sort((a, b) => Number(b.kept) - Number(a.kept));
      for (const { other, kept } of linked) {
        if (made++ < edges) {
          if (kept && u32[journal + JOURNAL.linking] > level) u32[journal + JOURNAL.parent] = other + 1;
          continue;
        }
        u32[journal + JOURNAL.linking] = Math.min(u32[journal + JOURNAL.linking], level);
        heldSlot ??= other;
        const list = listOf(other, level);
        const left = edgesOf(list).filter((edge) => (edge & SLOT) !== slot);
        u32.set(left, list + 1);
        u32[list] = left.length;
      }
      if (u32[journal + JOURNAL.linking] < levels) break;
      u32[journal + JOURNAL.parent] = 0;
    }
    for (let level = u32[journal + JOURNAL.linking] + 1; level < levels; level++) {
      for (let other = 0; other < slot; other++) {
        if (u32[node(other) + NODE.level] < level) continue;
        const list = listOf(other, level);
        const left = edgesOf(list).filter((edge) => (edge & SLOT) !== slot);
        u32.set(left, list + 1);
        u32[list] = left.length;
      }
    }
    if (held === 'a neighbour' && heldSlot !== undefined) {
      u32[journal + JOURNAL.held] = heldSlot + 1;
      u32[node(heldSlot) + NODE.lock] = thread + 1;
      // A compaction broken off: its last edge is at a lower place already, and still at its old one.
      const list = listOf(heldSlot, 0);
      const count = u32[list];
      if (count > 2) u32[list + 1] = u32[list + count];
    }
  }

  it('leaves a whole graph that the vector is found in, wherever it was broken off', () => {
    const property = fc.property(
      fc.record({
        n: fc.integer({ min: 20, max: 120 }),
        M: fc.integer({ min: 2, max: 6 }),
        seed: fc.nat({ max: 1e6 }),
        edges: fc.nat({ max: 14 }),
      }),
      ({ n, M, seed, edges }) => {
        const dimension = 3;
        const { index, vectors } = build({ dimension, M, seed, efConstruction: 20, codes: 'f32', alpha: 1 }, n, seed);
        const slot = n - 1;
        const before = index.stats().levels.length;
        // One that became the entry point holds another lock besides, and is another story.
        fc.pre(index.neighbors(slot, before - 1).length > 0 || index.stats().levels[before - 1] > 1);
        const upper =
          index.arena.u32[
            ((index.arena.at.records + slot * index.layout.recordBytes + index.layout.vectorBytes) >>> 2) + NODE.upper
          ];
        interrupt(index, slot, edges, 1, 'nobody');
        const successor = new HnswThread(index.handle, 1);
        expect(successor.interrupted).toBe(slot);
        successor.admit(vectors.subarray(slot * dimension, n * dimension), 'again');
        successor.resume(upper);
        successor.forget();
        const state = index.arena.u32.subarray(index.arena.at.state >>> 2);
        state[STATE.count] = n;
        expect(index.validate()).toEqual([]);
        const all = index.search(vectors.subarray(slot * dimension, n * dimension), { k: 1, efSearch: n });
        expect(all.ids[0]).toBe(slot);
        expect(successor.interrupted).toBeUndefined();
      },
    );
    fc.assert(property, { seed: 5, numRuns: 300 });
  });

  it('gives back the lock that was held', () => {
    const dimension = 3;
    const { index, vectors } = build({ dimension, M: 4, seed: 9, codes: 'f32' }, 100, 9);
    const node = (index.arena.at.records + 99 * index.layout.recordBytes + index.layout.vectorBytes) >>> 2;
    interrupt(index, 99, 1, 1, 'a neighbour');
    expect(index.validate().join()).toContain('its lock is held');
    const successor = new HnswThread(index.handle, 1);
    successor.admit(vectors.subarray(99 * dimension), 'again');
    successor.resume(index.arena.u32[node + NODE.upper]);
    index.arena.u32[(index.arena.at.state >>> 2) + STATE.count] = 100;
    expect(index.validate().join()).not.toContain('lock');
    expect(index.validate().join()).not.toContain('two links');
  });

  it('begins again where nobody had been linked yet', () => {
    const dimension = 3;
    const { index, vectors } = build({ dimension, M: 4, seed: 9, codes: 'f32' }, 50, 9);
    const more = vectorsOf(1, dimension, 77);
    const claim = index.claim(more);
    const dead = new HnswThread(index.handle, 2);
    const { at, u32 } = index.arena;
    const plan = index.layout.threadPlan(index.capacity);
    const journal = (at.threads + 2 * plan.end + plan.at.journal) >>> 2;
    u32[journal + JOURNAL.inserting] = claim.first + 1;
    u32[journal + JOURNAL.entryHeld] = 1;
    u32[(at.state >>> 2) + STATE.entryLock] = 3;
    expect(dead.interrupted).toBe(50);
    dead.admit(more, 'again');
    dead.resume(claim.upper[0]);
    index.settle(claim, 1);
    expect(index.validate()).toEqual([]);
    expect(index.count).toBe(51);
    expect(index.search(more, { k: 1 }).ids[0]).toBe(50);
    expect(index.search(vectors.subarray(0, dimension), { k: 1 }).ids[0]).toBe(0);
  });
});
