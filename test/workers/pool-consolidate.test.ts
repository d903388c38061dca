/** Deleting and consolidating beside the threads of a pool. */
import { describe, expect, it } from 'vitest';
import { BusyError, ParameterError, PoolClosedError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { Pool } from '../../src/workers/pool.ts';

const DIMENSION = 16;
const N = 1500;

function rowsOf(n: number, seed: number): Float32Array {
  const random = new Random(`rows ${seed}`);
  return Float32Array.from({ length: n * DIMENSION }, () => random.normal());
}

/** Ids that the same seed always deletes. */
function some(n: number, seed: number): Uint32Array {
  return new Random(seed).permutation(N).subarray(0, n);
}

function built({ threads = 4 } = {}): Vamana {
  const index = Vamana.create({ dimension: DIMENSION, capacity: 4000, codes: 'sq7', R: 8, L: 16, threads });
  index.build(rowsOf(N, 1));
  return index;
}

function imageOf(index: Vamana) {
  const { meta, sections } = index.image();
  return [meta, ...sections.map(({ name, parts }) => [name, ...parts.map((part) => Buffer.from(part.slice()))])];
}

describe('a pool over an index from which is deleted', () => {
  it('consolidates to the same index, byte by byte, on any number of threads', async () => {
    const alone = built();
    for (const id of some(300, 1)) alone.delete(id);
    alone.consolidate();
    for (const threads of [1, 3]) {
      const index = built();
      await using pool = await Pool.start(index, { threads });
      for (const id of some(300, 1)) index.delete(id);
      const said: number[] = [];
      await pool.consolidate({ onProgress: (done) => said.push(done) });
      expect(said.at(-1)).toBe(N - 300);
      expect(imageOf(index)).toEqual(imageOf(alone));
      expect(index.validate()).toEqual([]);
      const { ids, found } = await pool.searchBatch(rowsOf(20, 2), { k: 10 });
      expect(found).toEqual(new Uint32Array(20).fill(10));
      for (const id of some(300, 1)) expect(ids).not.toContain(id);
    }
  });

  it('finds none of them in searches that begin later, and goes on with those that are under way', async () => {
    const index = built();
    await using pool = await Pool.start(index, { threads: 2 });
    const queries = rowsOf(400, 2);
    for (let round = 0; round < 5; round++) {
      const gone = some(100 * (round + 1), 3).subarray(100 * round);
      const underWay = pool.searchBatch(queries, { k: 10, efSearch: 40 });
      for (const id of gone) index.delete(id);
      const later = pool.searchBatch(queries, { k: 10, efSearch: 40 });
      expect((await underWay).found).toEqual(new Uint32Array(400).fill(10));
      const { ids, found } = await later;
      expect(found).toEqual(new Uint32Array(400).fill(10));
      const dead = new Set(some(100 * (round + 1), 3));
      expect(ids.filter((id) => dead.has(id))).toEqual(new Uint32Array(0));
    }
    expect(index.validate()).toEqual([]);
  });

  it('waits for searches under way, turns away those that come meanwhile, and lets batches wait', async () => {
    const index = built();
    await using pool = await Pool.start(index, { threads: 2 });
    for (const id of some(300, 4)) index.delete(id);
    const before = pool.searchBatch(rowsOf(200, 2), { k: 5 });
    const consolidated = pool.consolidate();
    const meanwhile = pool.searchBatch(rowsOf(1, 2), { k: 5 });
    const added = pool.addBatch(rowsOf(50, 3));
    await expect(meanwhile).rejects.toThrow(BusyError);
    expect((await before).found).toEqual(new Uint32Array(200).fill(5));
    await consolidated;
    await added;
    expect(index.count).toBe(N - 250);
    expect(index.validate()).toEqual([]);
    expect((await pool.searchBatch(rowsOf(1, 2), { k: 5 })).found[0]).toBe(5);
  });

  it('is the one that must consolidate while it is open; two cannot', async () => {
    const index = built();
    const pool = await Pool.start(index, { threads: 1 });
    const other = await Pool.start(index, { threads: 1 });
    for (const id of some(30, 5)) index.delete(id);
    expect(() => index.consolidate()).toThrow(/pool.*consolidate/);
    await expect(pool.consolidate()).rejects.toThrow(BusyError);
    await other.close();
    await expect(pool.consolidate({ threads: 9 })).rejects.toThrow(ParameterError);
    await pool.consolidate({ threads: 1 });
    expect(index.stats()).toMatchObject({ count: N - 30, deleted: 0 });
    await pool.close();
    await expect(pool.consolidate()).rejects.toThrow(PoolClosedError);
    for (const id of some(60, 5).subarray(30)) index.delete(id);
    index.consolidate();
    expect(index.validate()).toEqual([]);
  });

  it('lets nobody delete while it adds', async () => {
    const index = built();
    await using pool = await Pool.start(index, { threads: 1 });
    const added = pool.addBatch(rowsOf(200, 3));
    await new Promise(setImmediate);
    expect(() => index.delete(1)).toThrow(BusyError);
    await added;
    index.delete(1);
    expect(index.count).toBe(N + 199);
  });

  it('comes to a whole graph where a thread dies', async () => {
    const index = built();
    await using pool = await Pool.start(index, { threads: 2 });
    for (const id of some(900, 6)) index.delete(id);
    const consolidated = pool.consolidate();
    await pool.kill(0);
    await consolidated;
    expect(index.validate()).toEqual([]);
    expect(index.stats()).toMatchObject({ count: N - 900, deleted: 0 });
  });
});
