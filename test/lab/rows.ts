/** What measuring a plausible index returns, for the tests of what is drawn and written from it. */
import type { BatchRow } from '../../src/lab/batches.ts';
import type { DiskRun } from '../../src/lab/from-disk.ts';
import type { SweepRow } from '../../src/lab/sweep.ts';

export function plausibleRows({ index = 'hnsw', codes = 'sq7', slowdown = 1 } = {}): SweepRow[] {
  return [10, 20, 40, 80, 160, 320].map((efSearch) => {
    const meanUs = slowdown * (5 + efSearch * 0.4);
    return {
      dataset: 'plausible',
      index,
      codes,
      k: 10,
      efSearch,
      gamma: null,
      recall: 1 - 1.2 / efSearch,
      qps: 1e6 / meanUs,
      meanUs,
      p50Us: meanUs * 0.95,
      p99Us: meanUs * 1.8,
      distances: 120 + efSearch * 14,
      hops: efSearch + 9,
      buildSeconds: 8.25,
      ramBytes: 70 * 2 ** 20,
    };
  });
}

/** The same curve as a searcher draws it whose knob is gamma. */
export function rowsByGamma(): SweepRow[] {
  return plausibleRows().map((row, i) => ({ ...row, efSearch: 512, gamma: [0, 0.01, 0.02, 0.05, 0.1, 0.2][i] }));
}

export function exactRow(): SweepRow {
  const [row] = plausibleRows({ index: 'flat', codes: 'f32' });
  const meanUs = 3200;
  return {
    ...row,
    efSearch: null,
    gamma: null,
    recall: 1,
    qps: 1e6 / meanUs,
    meanUs,
    p50Us: 3190,
    p99Us: 3900,
    distances: 60_000,
    hops: 0,
  };
}

/** The same rows as they come from an index that was opened from a file. */
export function rowsFromDisk(): SweepRow[] {
  return plausibleRows({ slowdown: 1.1 }).map((row) => ({ ...row, from: 'disk' }));
}

export function plausibleBatches({ codes = 'sq7', slowdown = 1 } = {}): BatchRow[] {
  return plausibleRows({ codes, slowdown })
    .slice(2, 4)
    .map(({ dataset, index, k, efSearch, gamma, recall, qps, p50Us, p99Us }) => ({
      ...{ dataset, index, codes, k, efSearch: efSearch!, gamma, threads: 2, queries: 78, recall, p50Us, p99Us },
      ...{ qps: 1.9 * qps, qpsOnOne: qps },
    }));
}

export function plausibleDiskRun(): DiskRun {
  return {
    ...{ index: 'hnsw', codes: 'sq7', file: 'plausible-sq7.ann', bytes: 69 * 2 ** 20 },
    ...{ saveSeconds: 0.0834, openMs: 1.94, firstQueryMs: 0.62, mapped: true, residentBytes: 66 * 2 ** 20 },
  };
}
