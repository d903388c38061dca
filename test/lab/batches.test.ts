import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { batchSettings, measureBatches } from '../../src/lab/batches.ts';
import { buildHnsw, type GraphSearcher, searchedBy } from '../../src/lab/build.ts';
import { type SweepRow, settingLabel, sweep } from '../../src/lab/sweep.ts';
import { gaussianSet, withTruth } from '../../src/lab/teaching-sets.ts';
import { exactRow, plausibleRows, rowsByGamma } from './rows.ts';

const { base, queries, truth } = withTruth(gaussianSet({ n: 2000, dimension: 16, queries: 120, seed: 8 }));

describe('batches', () => {
  let searcher: GraphSearcher;
  beforeAll(async () => {
    searcher = await buildHnsw({ base, metric: 'l2', codes: 'sq7', M: 6, efConstruction: 30, threads: 3 });
  });
  const options = () => ({ dataset: 'gaussian', searcher, queries, truth, k: 10, threads: 3, rounds: 3 });
  const wide = (efSearch: number, gamma: number | null = null) => ({ efSearch, gamma });

  it('find on many threads what the sweep finds on one, and say how fast', async () => {
    const told: [number, number][] = [];
    // The most that a search by gamma may take is 512 where k = 10.
    const settings = [wide(512, 0.01), wide(512, 0.2)];
    const rows = await measureBatches({ ...options(), settings, onProgress: (...at) => told.push(at) });
    const swept = await sweep({ ...options(), gammas: [0.01, 0.2], rounds: 1 });
    const found = ({ efSearch, gamma, recall }: { efSearch: number | null; gamma: number | null; recall: number }) =>
      [efSearch, gamma, recall] as const;
    expect(rows.map(found)).toEqual(swept.map(found));
    expect(rows[0].recall).toBeLessThan(rows[1].recall);
    for (const row of rows) {
      expect(row).toMatchObject({ dataset: 'gaussian', index: 'hnsw', codes: 'sq7', k: 10, threads: 3, queries: 120 });
      for (const value of [row.qps, row.qpsOnOne, row.p50Us]) expect(value).toBeGreaterThan(0);
      expect(row.p99Us).toBeGreaterThanOrEqual(row.p50Us);
    }
    expect(told).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]));
  });

  it('are as wide as they are told, by either knob', async () => {
    const settings = [wide(10), wide(40), wide(40, 0.2)];
    const rows = await measureBatches({ ...options(), settings, rounds: 1 });
    const beam = { ...searcher, ...searchedBy(searcher.graph, 'efSearch') };
    const swept = await sweep({ ...options(), searcher: beam, efs: [10, 40], rounds: 1 });
    expect(rows.slice(0, 2).map(({ efSearch, recall }) => [efSearch, recall])).toEqual(
      swept.map(({ efSearch, recall }) => [efSearch, recall]),
    );
    expect(rows.map(({ efSearch, gamma }) => ({ efSearch, gamma }))).toEqual(settings);
    expect(rows[2].recall, 'a beam is the most that gamma may take').toBeLessThanOrEqual(rows[1].recall);
  });

  it('give their threads back, whatever happens', async () => {
    expect(await measureBatches({ ...options(), settings: [] })).toEqual([]);
    await expect(measureBatches({ ...options(), settings: [wide(5)] })).rejects.toThrow(ParameterError);
    // The index was made for no more than these.
    await expect(measureBatches({ ...options(), settings: [wide(10)], rounds: 1 })).resolves.toHaveLength(1);
  });
});

describe('the settings of batches', () => {
  const beams = (rows: SweepRow[], k = 10) => batchSettings(rows, k).map(settingLabel);

  it('are the narrowest that reach 0.95 and 0.99, and the default beam', () => {
    // Recalls of 0.88, 0.94, 0.97, 0.985, 0.9925 and 0.99625.
    expect(beams(plausibleRows())).toEqual(['ef 40', 'ef 64', 'ef 160']);
    expect(beams(plausibleRows().slice(0, 3))).toEqual(['ef 40', 'ef 64']);
    expect(beams([exactRow()], 100)).toEqual(['ef 100']);
    expect(beams(rowsByGamma())).toEqual(['γ 0.02', 'γ 0.1', 'ef 64']);
    expect(batchSettings(rowsByGamma(), 10)[0]).toEqual({ efSearch: 512, gamma: 0.02 });
  });

  it('do not depend on the order of rows, and one reaches what any does', () => {
    const curve = fc.array(
      fc.record({ efSearch: fc.integer({ min: 10, max: 500 }), recall: fc.double({ min: 0.9, max: 1, noNaN: true }) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(curve, (points) => {
        const rows = points.map((point) => ({ ...exactRow(), ...point }));
        const widths = batchSettings(rows, 10).map(({ efSearch }) => efSearch);
        expect(batchSettings(rows.toReversed(), 10).map(({ efSearch }) => efSearch)).toEqual(widths);
        expect(widths).toContain(64);
        expect(widths).toEqual([...new Set(widths)].sort((a, b) => a - b));
        for (const recall of [0.95, 0.99]) {
          const reaching = rows.filter((row) => row.recall >= recall).map(({ efSearch }) => efSearch);
          if (reaching.length > 0) expect(widths).toContain(Math.min(...reaching));
        }
        for (const width of widths) expect([64, ...points.map(({ efSearch }) => efSearch)]).toContain(width);
      }),
      { seed: 6 },
    );
  });
});
