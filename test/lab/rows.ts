/** Rows as a sweep of a plausible index returns them, for the tests of what is drawn and written from rows. */
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

export function exactRow(): SweepRow {
  const [row] = plausibleRows({ index: 'flat', codes: 'f32' });
  const meanUs = 3200;
  return {
    ...row,
    efSearch: null,
    recall: 1,
    qps: 1e6 / meanUs,
    meanUs,
    p50Us: 3190,
    p99Us: 3900,
    distances: 60_000,
    hops: 0,
  };
}
