import { describe, expect, it } from 'vitest';
import { buildFlat, buildGraph, buildHnsw, buildVamana, knobFor, searchedBy } from '../../src/lab/build.ts';
import { recallAtK } from '../../src/lab/recall.ts';
import { gaussianSet, rows, withTruth } from '../../src/lab/teaching-sets.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { Pool } from '../../src/workers/pool.ts';

const { base, queries, truth } = withTruth(gaussianSet({ n: 2500, dimension: 16, queries: 50, seed: 5 }));
const variant = { base, metric: 'l2', M: 8, efConstruction: 60, seed: 4 } as const;

describe('building an index to be measured', () => {
  it.each([
    ['sq7', 1],
    ['sq7', 2],
    ['f32', 1],
    ['f32', 3],
  ] as const)(
    '%s by %i at once: all rows are in, by their numbers, and progress reaches the end',
    async (codes, threads) => {
      const told: [number, number][] = [];
      const built = await buildHnsw({ ...variant, codes, threads, onProgress: (...at) => told.push(at) });
      const { graph, stats } = built;
      expect(built).toMatchObject({ index: 'hnsw', codes, knob: 'gamma', ramBytes: stats.ramBytes.total });
      expect(built.buildSeconds).toBeGreaterThan(0);
      expect(stats).toMatchObject({ count: 2500, M: 8, efConstruction: 60 });
      expect(graph.validate()).toEqual([]);
      expect(told.at(-1)).toEqual([2500, 2500]);
      const found = rows(queries).map((query) => graph.search(query, { k: 10, efSearch: 2500 }));
      expect(
        recallAtK(
          found.map(({ ids }) => ids),
          truth,
          10,
        ),
      ).toBe(1);
      // Its threads have ended, and others may come.
      await expect(Pool.start(graph, { threads }).then((pool) => pool.close())).resolves.toBeUndefined();
    },
  );

  it('links a Vamana in steps or on threads to the same graph', async () => {
    const { M: _, efConstruction: __, ...plain } = variant;
    const graphs = [];
    for (const [codes, threads] of [
      ['sq7', 1],
      ['sq7', 3],
      ['f32', 1],
      ['f32', 2],
    ] as const) {
      const told: [number, number][] = [];
      const options = { ...plain, kind: 'vamana', codes, R: 16, L: 40, threads } as const;
      const built = await buildGraph({ ...options, onProgress: (...at) => told.push(at) });
      const { graph, stats } = built;
      expect(built).toMatchObject({ index: 'vamana', codes, knob: 'gamma', ramBytes: stats.ramBytes.total });
      expect(built.buildSeconds).toBeGreaterThan(0);
      expect(stats).toMatchObject({ count: 2500, R: 16, L: 40 });
      expect(graph.validate()).toEqual([]);
      expect(told.length).toBeGreaterThan(10);
      expect(told.at(-1)).toEqual([2500, 2500]);
      graphs.push(Array.from({ length: 2500 }, (_, id) => graph.neighbors(id)));
      await expect(Pool.start(graph, { threads }).then((pool) => pool.close())).resolves.toBeUndefined();
    }
    expect(graphs[0]).toEqual(graphs[1]);
    expect(graphs[2]).toEqual(graphs[3]);
    const named = await buildVamana({
      ...plain,
      base: { ...base, rows: 500, data: base.data.slice(0, 500 * 16) },
      index: 'v',
      codes: 'f32',
    });
    expect(named.index).toBe('v');
  });

  it('lets others have their turn while it links a Vamana', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    try {
      await buildVamana({ base, metric: 'l2', codes: 'f32', R: 16, L: 60 });
      expect(turns).toBeGreaterThan(3);
    } finally {
      clearInterval(timer);
    }
  });

  it('is searched by gamma where the metric has lengths, by its beam under dot', async () => {
    const [query] = rows(queries);
    const byGamma = await buildHnsw({ ...variant, codes: 'sq7' });
    expect(byGamma.search(query, 10, 0.1)).toEqual(byGamma.graph.search(query, { k: 10, gamma: 0.1 }));
    const beam = searchedBy(byGamma.graph, 'efSearch', 30);
    expect(beam.knob).toBe('efSearch');
    expect(beam.search(query, 10, 40)).toEqual(byGamma.graph.search(query, { k: 10, efSearch: 40, rerank: 30 }));
    const dot = await buildHnsw({ ...variant, metric: 'dot', codes: 'f32' });
    expect(dot.knob).toBe('efSearch');
    expect(dot.search(query, 10, 40)).toEqual(dot.graph.search(query, { k: 10, efSearch: 40 }));
    expect((['l2', 'cosine', 'manhattan', 'dot'] as const).map(knobFor)).toEqual([
      ...Array(3).fill('gamma'),
      'efSearch',
    ]);
  });

  it('walks on a quantizer’s codes, which name the curve', async () => {
    const codes = RabitqQuantizer.train(base, { bits: 4, seed: 1 });
    const built = await buildHnsw({ ...variant, codes, threads: 2 });
    expect(built).toMatchObject({ index: 'hnsw', codes: 'rabitq4', knob: 'gamma' });
    expect(built.graph.validate()).toEqual([]);
  });

  it('is the same every time by one', async () => {
    const graphs = [
      await buildHnsw({ ...variant, codes: 'f32' }),
      await buildHnsw({ ...variant, codes: 'f32', threads: 1 }),
    ];
    for (let id = 0; id < base.rows; id += 50) {
      const [first, second] = graphs.map(({ graph }) => graph.neighbors(id));
      expect(first).toEqual(second);
    }
  });

  it('gives the pool a large set in pieces', async () => {
    // Rows of 16 KiB: 64 MiB are 4,096 of them.
    const large = gaussianSet({ n: 5000, dimension: 4, queries: 1, seed: 6 }).base;
    const wide = { rows: 5000, dimension: 4096, data: new Float32Array(5000 * 4096) };
    for (let i = 0; i < 5000; i++) wide.data.set(large.data.subarray(i * 4, i * 4 + 4), i * 4096);
    const told: number[] = [];
    const options = { base: wide, metric: 'l2', codes: 'f32', filter: 'none', M: 2, efConstruction: 2 } as const;
    const { graph } = await buildHnsw({ ...options, threads: 2, onProgress: (done) => told.push(done) });
    expect(graph.count).toBe(5000);
    expect(told).toContain(4096);
    expect(told.toSorted((a, b) => a - b)).toEqual(told);
  });

  it('is exact where the index is', async () => {
    const flat = await buildFlat({ base, metric: 'l2' });
    const found = rows(queries).map((query) => flat.search(query, 10, 10) as { ids: Uint32Array });
    expect(
      recallAtK(
        found.map(({ ids }) => ids),
        truth,
        10,
      ),
    ).toBe(1);
  });
});
