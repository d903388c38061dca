import { describe, expect, it } from 'vitest';
import { Vamana } from '../../src/graph/vamana.ts';
import { Pool } from '../../src/workers/pool.ts';
import { clustered, rowOf } from '../graph/clustered.ts';
import { byId, expectNearest } from '../oracle.ts';

const dimension = 16;
const rows = 3000;
const data = clustered({ n: rows, dimension, seed: 12 });

function empty(): Vamana {
  return Vamana.create({ dimension, capacity: 2 * rows, R: 12, L: 30, threads: 4 });
}

function graphOf(index: Vamana): string {
  return Array.from({ length: index.count }, (_, id) => Array.from(index.neighbors(id)).join(' ')).join('\n');
}

describe('Vamana on several threads', () => {
  it.each([1, 2, 3])('is the same graph as on one, built and added to by %i', async (threads) => {
    const alone = empty();
    alone.build(data);
    const index = empty();
    await using pool = await Pool.start(index, { threads });
    const seen: number[] = [];
    await pool.build(data, { onProgress: (done) => seen.push(done) });
    expect(graphOf(index)).toBe(graphOf(alone));
    expect(seen.at(-1)).toBe(rows);
    const more = clustered({ n: 500, dimension, seed: 13 });
    alone.addBatch(more);
    await pool.addBatch(more);
    expect(graphOf(index)).toBe(graphOf(alone));
    expect(index.validate()).toEqual([]);
  });

  it('is built though threads die', async () => {
    const index = empty();
    await using pool = await Pool.start(index, { threads: 2 });
    let kills = 0;
    await pool.build(data, {
      onProgress: (done) => {
        if (kills < 3 && done > (kills + 1) * 700) void pool.kill(kills++ % 2);
      },
    });
    expect(kills).toBe(3);
    expect(index.validate()).toEqual([]);
    expect(index.count).toBe(rows);
    const query = rowOf(data, 77, dimension);
    const found = index.search(query, { k: 9, efSearch: rows, rerank: 100 });
    expectNearest(found, { query, vectors: byId(data, dimension), k: 9, metric: 'l2' });
  });

  it('is searched while it is added to, and finds what it held before', async () => {
    const index = empty();
    index.build(data);
    await using pool = await Pool.start(index, { threads: 2 });
    let searches = 0;
    const adding = pool.addBatch(clustered({ n: rows, dimension, seed: 14 }).map((x) => x + 1000));
    const all = byId(data, dimension);
    let added = false;
    void adding.then(() => {
      added = true;
    });
    while (!added) {
      const query = rowOf(data, (7 * searches) % rows, dimension);
      const found = index.search(query, { k: 5, efSearch: 2 * rows, rerank: 100 });
      expectNearest(found, { query, vectors: all, k: 5, metric: 'l2' });
      searches++;
      await new Promise(setImmediate);
    }
    expect(searches).toBeGreaterThan(3);
    expect(index.count).toBe(2 * rows);
    expect(index.validate()).toEqual([]);
  });

  it('refuses what cannot be built, and can be built afterwards', async () => {
    const index = empty();
    await using pool = await Pool.start(index, { threads: 2 });
    const bad = data.slice();
    bad[dimension * 100] = Number.POSITIVE_INFINITY;
    await expect(pool.build(bad)).rejects.toThrow(/row 100: component 0 is Infinity/);
    await expect(pool.build(data.subarray(1))).rejects.toThrow(/multiple of the dimension/);
    const building = pool.build(data);
    await expect(pool.build(data)).rejects.toThrow(/an empty index/);
    await building;
    expect(() => index.build(data)).toThrow(/an empty index/);
    expect(index.validate()).toEqual([]);
  });

  it('is the same graph as on one where other vectors were held before, in another form', async () => {
    const bytes = data.map((x) => Math.min(255, Math.max(0, Math.round(128 + 20 * x))));
    const alone = empty();
    alone.build(bytes);
    const index = empty();
    index.build(data);
    index.search(rowOf(data, 0, dimension), { k: 1 });
    for (let id = 0; id < rows; id++) index.delete(id);
    index.consolidate();
    await using pool = await Pool.start(index, { threads: 2 });
    await pool.build(bytes);
    expect(index.thread.form).toBe('u8');
    expect(graphOf(index)).toBe(graphOf(alone));
  });

  it('says which row of a step cannot be held', async () => {
    const index = empty();
    await using pool = await Pool.start(index, { threads: 2 });
    const vectors = new Float32Array(new SharedArrayBuffer(3 * dimension * 4)).fill(Number.NaN, dimension);
    await expect(pool.perform([{ kind: 'place', rows: 3, vectors, first: 0 }])).rejects.toThrow(
      /row [12]: component 0/,
    );
  });

  it('takes nobody beside it while it is built', async () => {
    const index = empty();
    await using pool = await Pool.start(index, { threads: 2 });
    const building = pool.build(data);
    await new Promise(setImmediate);
    expect(() => index.add(rowOf(data, 0, dimension))).toThrow(/adding vectors/);
    expect(index.search(rowOf(data, 0, dimension), { k: 3 }).ids.length).toBeLessThanOrEqual(3);
    await building;
    expect(index.count).toBe(rows);
  });
});
