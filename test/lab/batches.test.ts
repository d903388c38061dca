import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { batchWidths, measureBatches } from '../../src/lab/batches.ts';
import { buildHnsw, type HnswSearcher } from '../../src/lab/build.ts';
import { sweep } from '../../src/lab/sweep.ts';
import { gaussianSet, withTruth } from '../../src/lab/teaching-sets.ts';
import { exactRow, plausibleRows } from './rows.ts';

const { base, queries, truth } = withTruth(gaussianSet({ n: 2000, dimension: 16, queries: 120, seed: 8 }));

describe('batches', () => {
  let searcher: HnswSearcher;
  beforeAll(async () => {
    searcher = await buildHnsw({ base, metric: 'l2', codes: 'sq7', M: 6, efConstruction: 30, threads: 3 });
  });
  const options = () => ({
    dataset: 'gaussian',
    searcher,
    queries,
    truth,
    k: 10,
    efs: [10, 40],
    threads: 3,
    rounds: 3,
  });

  it('find on many threads what the sweep finds on one, and say how fast', async () => {
    const told: [number, number][] = [];
    const rows = await measureBatches({ ...options(), onProgress: (...at) => told.push(at) });
    const swept = await sweep({ ...options(), rounds: 1 });
    expect(rows.map(({ efSearch, recall }) => [efSearch, recall])).toEqual(
      swept.map(({ efSearch, recall }) => [efSearch, recall]),
    );
    expect(rows[0].recall).toBeLessThan(rows[1].recall);
    for (const row of rows) {
      expect(row).toMatchObject({ dataset: 'gaussian', index: 'hnsw', codes: 'sq7', k: 10, threads: 3, queries: 120 });
      for (const value of [row.qps, row.qpsOnOne, row.p50Us]) expect(value).toBeGreaterThan(0);
      expect(row.p99Us).toBeGreaterThanOrEqual(row.p50Us);
    }
    expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
  });

  it('give their threads back, whatever happens', async () => {
    expect(await measureBatches({ ...options(), efs: [] })).toEqual([]);
    await expect(measureBatches({ ...options(), efs: [5] })).rejects.toThrow(ParameterError);
    // The index was made for no more than these.
    await expect(measureBatches({ ...options(), efs: [10], rounds: 1 })).resolves.toHaveLength(1);
  });
});

describe('the widths of batches', () => {
  it('are the narrowest that reach 0.95 and 0.99, and the default', () => {
    // Recalls of 0.88, 0.94, 0.97, 0.985, 0.9925 and 0.99625.
    expect(batchWidths(plausibleRows(), 10)).toEqual([40, 64, 160]);
    expect(batchWidths(plausibleRows().slice(0, 3), 10)).toEqual([40, 64]);
    expect(batchWidths([exactRow()], 100)).toEqual([100]);
  });

  it('do not depend on the order of rows, and one reaches what any does', () => {
    const curve = fc.array(
      fc.record({ efSearch: fc.integer({ min: 10, max: 500 }), recall: fc.double({ min: 0.9, max: 1, noNaN: true }) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(curve, (points) => {
        const rows = points.map((point) => ({ ...exactRow(), ...point }));
        const widths = batchWidths(rows, 10);
        expect(batchWidths(rows.toReversed(), 10)).toEqual(widths);
        expect(widths).toContain(64);
        expect(widths).toEqual([...new Set(widths)].sort((a, b) => a - b));
        for (const recall of [0.95, 0.99]) {
          const reaching = rows.filter((row) => row.recall >= recall).map(({ efSearch }) => efSearch!);
          if (reaching.length > 0) expect(widths).toContain(Math.min(...reaching));
        }
        for (const width of widths) expect([64, ...points.map(({ efSearch }) => efSearch)]).toContain(width);
      }),
      { seed: 6 },
    );
  });
});
