import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import {
  atRecall,
  DEFAULT_GAMMAS,
  defaultEfs,
  type Found,
  paretoFront,
  qpsAtRecall,
  recallAtQps,
  type Searcher,
  type SweepRow,
  seriesLabel,
  seriesOf,
  settingLabel,
  sweep,
} from '../../src/lab/sweep.ts';
import { exactRow, plausibleRows, rowsByGamma, rowsFromDisk } from './rows.ts';

const QUERIES = 40;
const K = 5;
/** Query i is the one-dimensional vector i; its true neighbours are 10·i … 10·i + 9. */
const queries: Matrix = { data: Float32Array.from({ length: QUERIES }, (_, i) => i), rows: QUERIES, dimension: 1 };
const truth = {
  ids: Uint32Array.from({ length: QUERIES * 10 }, (_, i) => i),
  distances: Float32Array.from({ length: QUERIES * 10 }, (_, i) => i % 10),
};

/** Finds min(ef / 10, 1) of the true neighbours and counts its work; `calls` says what it was asked. */
function fakeSearcher(codes: string, wrap: (found: Found) => Found | Promise<Found> = (found) => found) {
  const calls: { query: number; k: number; ef: number }[] = [];
  const searcher: Searcher = {
    index: 'fake',
    codes,
    buildSeconds: 1.5,
    ramBytes: 4096,
    search(query, k, ef) {
      calls.push({ query: query[0], k, ef });
      const right = Math.min(Math.floor((k * ef) / 10), k);
      const ids = Array.from({ length: k }, (_, j) => (j < right ? query[0] * 10 + j : 999_000 + j));
      const distances = ids.map((_, j) => (j < right ? j : 1000 + j));
      return wrap({ ids, distances, work: { distances: ef * 2, hops: ef } });
    },
  };
  return { searcher, calls };
}
const options = { dataset: 'line', queries, truth, k: K, efs: [6, 8, 10], rounds: 3, warmup: 4 };

describe('sweep', () => {
  it('searches every query at every width in every round, after the warm-up', async () => {
    const { searcher, calls } = fakeSearcher('f32');
    const rows = await sweep({ ...options, searcher });
    expect(rows.map((row) => row.efSearch)).toEqual([6, 8, 10]);
    expect(calls).toHaveLength(3 * 3 * (QUERIES + 4));
    expect(new Set(calls.map(({ k }) => k))).toEqual(new Set([K]));
    for (const ef of [6, 8, 10]) {
      const asked = calls.filter((call) => call.ef === ef).map(({ query }) => query);
      for (let i = 0; i < QUERIES; i++) expect(asked.filter((query) => query === i)).toHaveLength(i < 4 ? 6 : 3);
    }
  });

  it('reports recall and work per query, and what it was told of the index', async () => {
    const { searcher } = fakeSearcher('f32');
    const rows = await sweep({ ...options, searcher });
    expect(rows.map((row) => row.recall)).toEqual([3 / 5, 4 / 5, 1]);
    expect(rows.map((row) => row.distances)).toEqual([12, 16, 20]);
    expect(rows.map((row) => row.hops)).toEqual([6, 8, 10]);
    for (const row of rows) {
      expect(row).toMatchObject({
        dataset: 'line',
        index: 'fake',
        codes: 'f32',
        k: K,
        buildSeconds: 1.5,
        ramBytes: 4096,
      });
      expect(row.qps * row.meanUs).toBeCloseTo(1e6, 3);
      expect(row.p50Us).toBeGreaterThan(0);
      expect(row.p99Us).toBeGreaterThanOrEqual(row.p50Us);
    }
  });

  it('leaves out the widths that a searcher is not to be searched at', async () => {
    const { searcher, calls } = fakeSearcher('f32');
    const few = { ...fakeSearcher('few').searcher, widths: [6, 10, 99] };
    const rows = await sweep({ ...options, rounds: 1, searcher: [searcher, few] });
    expect(rows.map(({ codes, efSearch }) => `${codes} ${efSearch}`)).toEqual([
      ...['f32 6', 'f32 8', 'f32 10'],
      ...['few 6', 'few 10'],
    ]);
    expect(calls).toHaveLength(3 * (QUERIES + 4));
    expect(await sweep({ ...options, efs: null, warmup: 0, searcher: few })).toHaveLength(1);
  });

  it('turns the knob that a searcher says is its own, side by side with others', async () => {
    const beam = fakeSearcher('beam');
    const byGamma = fakeSearcher('gamma');
    const late = { ...byGamma.searcher, knob: 'gamma' as const, widths: [0.5, 8, 9] };
    const searcher = [beam.searcher, late];
    const rows = await sweep({ ...options, gammas: [9, 0, 0.5, 8, 1], rounds: 1, warmup: 0, searcher });
    expect(rows.map((row) => `${row.codes} ${settingLabel(row)} ${row.efSearch}`)).toEqual([
      ...['beam ef 6 6', 'beam ef 8 8', 'beam ef 10 10'],
      // What a search by gamma may take at most is eight times k, or 512.
      ...['gamma γ 0.5 512', 'gamma γ 8 512', 'gamma γ 9 512'],
    ]);
    expect(rows.slice(0, 3).map(({ gamma }) => gamma)).toEqual([null, null, null]);
    expect(new Set(byGamma.calls.map(({ ef }) => ef))).toEqual(new Set([0.5, 8, 9]));
    expect(rows.slice(3).map((row) => row.recall)).toEqual([0, 4 / 5, 4 / 5]);
    // With `enough`, each stops by itself.
    const ended = await sweep({
      ...options,
      gammas: [0, 8, 9],
      enough: 0.8,
      searcher: [beam.searcher, { ...late, widths: [8, 9] }],
    });
    expect(ended.map(settingLabel)).toEqual(['ef 6', 'ef 8', 'γ 8']);
  });

  it('has gammas of its own, and an exact search has neither knob', async () => {
    const { searcher, calls } = fakeSearcher('gamma');
    const one = {
      ...options,
      rounds: 1,
      warmup: 0,
      searcher: { ...searcher, knob: 'gamma' as const, by: 'gamma' as const },
    };
    const rows = await sweep(one);
    expect(rows.map(({ gamma }) => gamma)).toEqual(DEFAULT_GAMMAS);
    expect(DEFAULT_GAMMAS).toEqual([...new Set(DEFAULT_GAMMAS)].sort((a, b) => a - b));
    expect(new Set(rows.map(seriesLabel))).toEqual(new Set(['fake gamma by gamma']));
    calls.length = 0;
    const [exact, ...others] = await sweep({ ...one, efs: null });
    expect([exact.efSearch, exact.gamma, others]).toEqual([null, null, []]);
    expect(settingLabel(exact)).toBe('exact');
    expect(new Set(calls.map(({ ef }) => ef))).toEqual(new Set([K]));
  });

  it('passes on where an index came from, if from elsewhere than memory', async () => {
    const { searcher } = fakeSearcher('f32');
    const rows = await sweep({ ...options, efs: [6], searcher: [searcher, { ...searcher, from: 'disk' }] });
    expect(rows.map((row) => ('from' in row ? row.from : 'built'))).toEqual(['built', 'disk']);
  });

  it('lets several searchers take turns at each width', async () => {
    const order: string[] = [];
    const named = (codes: string) =>
      fakeSearcher(codes, (found) => {
        if (order.at(-1) !== codes) order.push(codes);
        return found;
      }).searcher;
    const rows = await sweep({ ...options, efs: [6, 8], rounds: 2, searcher: [named('a'), named('b')] });
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b']);
    expect(rows.map(({ codes, efSearch }) => `${codes}${efSearch}`)).toEqual(['a6', 'a8', 'b6', 'b8']);
  });

  it('awaits what is asynchronous and only that', async () => {
    const late = fakeSearcher('late', (found) => new Promise((resolve) => setImmediate(() => resolve(found))));
    const [slow] = await sweep({ ...options, efs: [10], searcher: late.searcher });
    expect(slow.recall).toBe(1);

    // Were synchronous searches awaited, microtasks would run between any two of them. (One pause in a while is for the
    // progress bar.)
    let tasksRun = 0;
    let interruptions = 0;
    let seen = 0;
    const { searcher } = fakeSearcher('now', (found) => {
      if (tasksRun > seen) interruptions++;
      seen = tasksRun;
      queueMicrotask(() => tasksRun++);
      return found;
    });
    await sweep({ ...options, efs: [10], rounds: 1, warmup: 0, searcher });
    expect(interruptions).toBeLessThan(QUERIES / 4);
  });

  it('counts what is missing as missed, and leaves uncounted work out', async () => {
    const few = fakeSearcher('few', ({ ids, distances }) => ({
      ids: Array.from(ids).slice(0, 2),
      distances: Array.from(distances!).slice(0, 2),
    }));
    const [row] = await sweep({ ...options, efs: [10], searcher: few.searcher });
    expect(row.recall).toBeCloseTo(2 / K, 12);
    expect(row.distances).toBeNull();
    expect(row.hops).toBeNull();
  });

  it('does not keep arrays that an engine uses again', async () => {
    const ids = new Uint32Array(K);
    const { searcher } = fakeSearcher('reused', (found) => {
      ids.set(Array.from(found.ids));
      return { ids };
    });
    const [row] = await sweep({ ...options, efs: [10], searcher });
    expect(row.recall).toBe(1);
  });

  it('searches an exact index once a round, without a width', async () => {
    const { searcher, calls } = fakeSearcher('f32');
    const rows = await sweep({ ...options, efs: null, searcher, warmup: 0 });
    expect(rows).toHaveLength(1);
    expect(rows[0].efSearch).toBeNull();
    expect(calls).toHaveLength(3 * QUERIES);
  });

  it('does not widen beyond a recall that is enough', async () => {
    const { searcher, calls } = fakeSearcher('f32');
    const told: number[] = [];
    const rows = await sweep({
      ...options,
      efs: [10, 6, 12, 8],
      enough: 0.8,
      searcher: [searcher, fakeSearcher('other').searcher],
      onProgress: (done, total) => told.push(total - done),
    });
    expect(rows.map(({ codes, efSearch }) => `${codes} ${efSearch}`)).toEqual(['f32 6', 'f32 8', 'other 6', 'other 8']);
    expect(new Set(calls.map(({ ef }) => ef))).toEqual(new Set([6, 8]));
    expect(calls).toHaveLength(2 * 3 * (QUERIES + 4));
    expect(told.at(-1)).toBe(0);
  });

  it('tells how far it is', async () => {
    const told: [number, number][] = [];
    const { searcher } = fakeSearcher('f32');
    await sweep({ ...options, efs: [6, 8], rounds: 2, searcher, onProgress: (...at) => told.push(at) });
    expect(told).toEqual([1, 2, 3, 4].map((done) => [done, 4]));
  });

  it('refuses options that make no sense', async () => {
    const { searcher } = fakeSearcher('f32');
    const refused = [
      { k: 0 },
      { efs: [4] },
      { efs: [8.5] },
      { gammas: [-0.1] },
      { gammas: [10.1] },
      { gammas: [Number.NaN] },
      { rounds: 0 },
      { truth: { ids: truth.ids.subarray(1), distances: truth.distances.subarray(1) } },
      { queries: { data: new Float32Array(0), rows: 0, dimension: 1 } },
    ];
    for (const wrong of refused) {
      await expect(sweep({ ...options, ...wrong, searcher }), JSON.stringify(wrong)).rejects.toThrow(ParameterError);
    }
  });

  it('has widths of its own from k upwards', () => {
    for (const k of [1, 10, 100]) {
      const efs = defaultEfs(k);
      expect(efs[0]).toBe(k);
      expect(efs.at(-1)).toBeGreaterThanOrEqual(10 * k);
      expect(efs.length).toBeGreaterThan(7);
      for (let i = 1; i < efs.length; i++) expect(efs[i]).toBeGreaterThan(efs[i - 1]);
    }
  });
});

describe('a searcher with another knob beside', () => {
  it('says in each row what it was', async () => {
    const { searcher } = fakeSearcher('f32');
    const [plain, deep] = await sweep({
      ...options,
      ...{ efs: [6], rounds: 1, warmup: 0, searcher: [searcher, { ...searcher, rerank: 80 }] },
    });
    expect(plain).not.toHaveProperty('rerank');
    expect(deep.rerank).toBe(80);
    expect(seriesOf([plain, deep]), 'one curve').toHaveLength(1);
  });
});

describe('reading a curve', () => {
  const curve = fc
    .array(
      fc.record({
        recall: fc.double({ min: 0, max: 1, noNaN: true }),
        qps: fc.double({ min: 1, max: 1e6, noNaN: true }),
      }),
      {
        minLength: 1,
        maxLength: 20,
      },
    )
    .map((points) => points.map((point) => ({ ...exactRow(), ...point }) as SweepRow));
  const recall = fc.double({ min: 0, max: 1, noNaN: true });

  it('is null exactly where no row gets that far', () => {
    fc.assert(
      fc.property(curve, recall, (rows, wanted) => {
        const reached = Math.max(...rows.map((row) => row.recall)) >= wanted;
        expect(qpsAtRecall(rows, wanted) !== null).toBe(reached);
      }),
      { seed: 2 },
    );
  });

  it('never promises less than a row that does better, nor more than the fastest', () => {
    fc.assert(
      fc.property(curve, recall, (rows, wanted) => {
        const qps = qpsAtRecall(rows, wanted);
        if (qps === null) return;
        const good = rows.filter((row) => row.recall >= wanted).map((row) => row.qps);
        expect(qps).toBeGreaterThanOrEqual(Math.max(...good) * (1 - 1e-9));
        expect(qps).toBeLessThanOrEqual(Math.max(...rows.map((row) => row.qps)) * (1 + 1e-9));
      }),
      { seed: 3 },
    );
  });

  it('falls as the recall rises, and does not depend on the order of rows', () => {
    fc.assert(
      fc.property(curve, recall, recall, (rows, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((wanted) => qpsAtRecall(rows, wanted));
        if (high !== null) expect(low!).toBeGreaterThanOrEqual(high * (1 - 1e-9));
        expect(qpsAtRecall(rows.toReversed(), a)).toBe(qpsAtRecall(rows, a));
      }),
      { seed: 4 },
    );
  });

  it('passes through the points of the front, and only better ones are on it', () => {
    fc.assert(
      fc.property(curve, (rows) => {
        const front = paretoFront(rows);
        for (const point of front) expect(qpsAtRecall(rows, point.recall)).toBeCloseTo(point.qps, 6);
        for (const row of rows) {
          const beaten = rows.some(
            (other) =>
              other.recall >= row.recall && other.qps >= row.qps && (other.recall > row.recall || other.qps > row.qps),
          );
          if (beaten) expect(front).not.toContain(row);
        }
        for (let i = 1; i < front.length; i++) {
          expect(front[i].recall).toBeGreaterThan(front[i - 1].recall);
          expect(front[i].qps).toBeLessThan(front[i - 1].qps);
        }
      }),
      { seed: 5 },
    );
  });

  it('is read by speed too, where it says what it does by recall', () => {
    fc.assert(
      fc.property(curve, recall, fc.double({ min: 0.5, max: 2e6, noNaN: true }), (rows, wanted, speed) => {
        const front = paretoFront(rows);
        for (const point of front) expect(recallAtQps(rows, point.qps)).toBeCloseTo(point.recall, 9);
        const found = recallAtQps(rows, speed);
        const fastEnough = rows.filter(({ qps }) => qps >= speed);
        expect(found !== null).toBe(fastEnough.length > 0);
        if (found !== null) {
          expect(found).toBeGreaterThanOrEqual(Math.max(...fastEnough.map((row) => row.recall)) - 1e-9);
          expect(found).toBeLessThanOrEqual(front.at(-1)!.recall);
        }
        const qps = qpsAtRecall(rows, wanted);
        if (qps !== null && wanted > front[0].recall) expect(recallAtQps(rows, qps)).toBeCloseTo(wanted, 6);
      }),
      { seed: 7 },
    );
  });

  it('interpolates the logarithm of the speed', () => {
    const [first] = plausibleRows();
    const rows = [
      { ...first, recall: 0.9, qps: 10_000 },
      { ...first, recall: 0.98, qps: 100 },
    ];
    expect(qpsAtRecall(rows, 0.94)).toBeCloseTo(1000, 6);
    expect(qpsAtRecall(rows, 0.5)).toBe(10_000);
    expect(qpsAtRecall(rows, 0.981)).toBeNull();
    const costs = rows.map((row, i) => ({ ...row, distances: [100, 10_000][i] }));
    expect(atRecall(costs, 0.94, (row) => row.distances!)).toBeCloseTo(1000, 6);
  });

  it('tells curves apart', () => {
    const beside = rowsByGamma().map((row) => ({ ...row, by: 'gamma' as const }));
    const rows = [
      ...plausibleRows(),
      ...plausibleRows({ codes: 'f32' }),
      ...rowsFromDisk(),
      ...beside,
      ...plausibleRows(),
    ];
    expect(seriesOf(rows).map((series) => [seriesLabel(series[0]), series.length])).toEqual([
      ['hnsw sq7', 12],
      ['hnsw f32', 6],
      ['hnsw sq7 from disk', 6],
      ['hnsw sq7 by gamma', 6],
    ]);
  });
});
