import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { DimensionError, MemoryLimitError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { Random } from '../../src/core/random.ts';
import { l2 } from '../../src/kernels/scalar.ts';
import {
  type KMeansOptions,
  type KMeansResult,
  kmeans,
  type RowsView,
  runSequentially,
} from '../../src/quantize/kmeans.ts';
import { byId, randomRows } from '../oracle.ts';
import { lloyd, meanOf } from './lloyd.ts';

type Kind = 'normal' | 'integers' | 'line';

function matrix(rows: number, dimension: number, seed: number, kind: Kind = 'normal'): Matrix {
  return { data: randomRows({ n: rows, dimension, kind, seed }), rows, dimension };
}

function rowsOf({ data, dimension }: Matrix): Float32Array[] {
  return Array.from(byId(data, dimension).values());
}

function distinct(rows: Float32Array[]): number {
  return new Set(rows.map((x) => x.join())).size;
}

const sizeOf = ({ counts }: KMeansResult) => [Math.min(...counts), Math.max(...counts)];

const sets = fc.record({
  rows: fc.integer({ min: 1, max: 250 }),
  dimension: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 })),
  kind: fc.constantFrom<Kind>('normal', 'integers', 'line'),
  init: fc.constantFrom('k-means++' as const, 'random' as const),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  /** k, once it is known how many rows there are. */
  some: fc.nat(),
});
const runs = (numRuns: number) => ({ seed: 20_160_328, numRuns });
const UNTIL_NOTHING_MOVES = { tolerance: 0, iterations: 10_000 };

describe('kmeans', () => {
  it('assigns as the readable twin does from the same seeds', () => {
    const property = fc.property(sets, ({ rows, dimension, seed, some }) => {
      const set = matrix(rows, dimension, seed);
      const options = { k: 1 + (some % rows), seed };
      const seeds = kmeans(set, { ...options, iterations: 0 });
      expect(seeds.iterations).toBe(0);
      const got = kmeans(set, { ...options, ...UNTIL_NOTHING_MOVES });
      const twin = lloyd(rowsOf(set), rowsOf(seeds.centroids));
      // A cluster that loses its last row is mended, which the textbook leaves open.
      if (new Set(twin.assignments).size < options.k) return;
      expect([...got.assignments]).toEqual(twin.assignments);
      expect(rowsOf(got.centroids)).toEqual(twin.centroids);
      expect(got.iterations).toBe(twin.iterations);
      expect(Math.abs(got.inertia - twin.inertia)).toBeLessThanOrEqual(1e-5 * twin.inertia);
    });
    fc.assert(property, runs(60));
  });

  it('converges: inertia never grows, rows are with their nearest centroid, every centroid is the mean of its rows', () => {
    const property = fc.property(sets, ({ rows, dimension, kind, init, seed, some }) => {
      const set = matrix(rows, dimension, seed, kind);
      const all = rowsOf(set);
      const k = 1 + (some % rows);
      const got = kmeans(set, { k, seed, init, ...UNTIL_NOTHING_MOVES });
      const centroids = rowsOf(got.centroids);
      expect([got.centroids.rows, got.centroids.dimension, centroids.length]).toEqual([k, dimension, k]);
      expect(got.history).toHaveLength(got.iterations + 1);
      expect(got.history.at(-1)).toBe(got.inertia);
      for (let i = 1; i < got.history.length; i++)
        expect(got.history[i]).toBeLessThanOrEqual(got.history[i - 1] * (1 + 1e-6) + 1e-6);
      let inertia = 0;
      const members = centroids.map((): Float32Array[] => []);
      for (const [i, x] of all.entries()) {
        const c = got.assignments[i];
        members[c].push(x);
        const distance = l2(x, centroids[c]);
        inertia += distance;
        const least = Math.min(...centroids.map((centroid) => l2(x, centroid)));
        expect(distance - least).toBeLessThanOrEqual(1e-5 * (1 + least));
      }
      expect(Math.abs(got.inertia - inertia)).toBeLessThanOrEqual(1e-5 * inertia + 1e-9);
      expect([...got.counts]).toEqual(members.map((rows) => rows.length));
      const empty = members.filter((rows) => rows.length === 0).length;
      expect(empty).toBe(Math.max(0, k - distinct(all)));
      if (distinct(all) <= k) expect(got.inertia).toBeLessThanOrEqual(1e-9);
      for (const [c, rows] of members.entries()) if (rows.length > 0) expect(centroids[c]).toEqual(meanOf(rows));
    });
    fc.assert(property, runs(150));
  });

  it('stops after the iterations allowed, or when too little is gained', () => {
    const set = matrix(500, 8, 1);
    const options = { k: 20, seed: 1 };
    const whole = kmeans(set, { ...options, ...UNTIL_NOTHING_MOVES });
    expect(whole.iterations).toBeGreaterThan(8);
    const cut = kmeans(set, { ...options, tolerance: 0, iterations: 4 });
    expect(cut.history).toEqual(whole.history.slice(0, 5));
    const coarse = kmeans(set, { ...options, tolerance: 0.01 });
    const gains = coarse.history.slice(1).map((inertia, i) => (coarse.history[i] - inertia) / inertia);
    expect(gains.pop()).toBeLessThanOrEqual(0.01);
    expect(gains.length).toBeGreaterThan(0);
    for (const gain of gains) expect(gain).toBeGreaterThan(0.01);
  });

  it('tells the inertia of each iteration', () => {
    const onIteration = vi.fn();
    const { history } = kmeans(matrix(100, 3, 2), { k: 5, seed: 1, onIteration });
    expect(onIteration.mock.calls).toEqual(history.map((inertia, i) => [i, inertia]));
  });

  it('follows from the seed, and differs with it', () => {
    const set = matrix(400, 5, 3);
    const options = { k: 12, seed: 7, sample: 10 };
    expect(kmeans(set, options)).toEqual(kmeans(set, options));
    expect(kmeans(set, options).centroids).not.toEqual(kmeans(set, { ...options, seed: 8 }).centroids);
  });

  it('tells near clusters apart that are far from the origin', () => {
    const random = new Random(1);
    const data = Float32Array.from({ length: 200 * 16 }, (_, i) => {
      return 30_000 + (Math.floor(i / 16) % 2) + random.uniform() / 4;
    });
    const { assignments, counts } = kmeans({ data, rows: 200, dimension: 16 }, { k: 2, seed: 1 });
    expect([...counts]).toEqual([100, 100]);
    expect(assignments.every((c, i) => c === assignments[i % 2])).toBe(true);
  });

  it('leaves the rows as they were', () => {
    const set = matrix(50, 4, 5);
    const before = set.data.slice();
    kmeans(set, { k: 5, seed: 1 });
    expect(set.data).toEqual(before);
  });
});

describe('seeding', () => {
  it('k-means++ picks distinct rows, as long as there are any', () => {
    const property = fc.property(sets, ({ rows, dimension, seed, some }) => {
      const set = matrix(rows, dimension, seed, 'integers');
      const k = 1 + (some % rows);
      const { centroids } = kmeans(set, { k, seed, iterations: 0 });
      const picked = rowsOf(centroids);
      const known = new Set(rowsOf(set).map((x) => x.join()));
      for (const x of picked) expect(known).toContain(x.join());
      expect(distinct(picked)).toBe(Math.min(k, known.size));
    });
    fc.assert(property, runs(100));
  });

  it('k-means++ draws with a probability proportional to the squared distance, over blocks of rows too', async () => {
    // Where the first seed is one of 2997 rows at 0, the second is at 3, 1 or 2, as 9 : 1 : 4.
    const data = new Float32Array(3000);
    data[500] = 3;
    data[2200] = 1;
    data[2500] = 2;
    const jobs = Array.from({ length: 1500 }, (_, seed) => ({ from: 0, to: 1, k: 2, seed, iterations: 0 }));
    const results = await runSequentially({ data, rows: 3000, dimension: 1 }, jobs);
    const seconds = results
      .filter(({ centroids }) => centroids.data[0] === 0)
      .map(({ centroids }) => centroids.data[1]);
    expect(seconds.length).toBeGreaterThan(1480);
    for (const [value, probability] of [
      [3, 9 / 14],
      [1, 1 / 14],
      [2, 4 / 14],
    ]) {
      const share = seconds.filter((second) => second === value).length / seconds.length;
      const deviation = Math.sqrt((probability * (1 - probability)) / seconds.length);
      expect(Math.abs(share - probability)).toBeLessThan(4 * deviation);
    }
  });

  it('random picks k rows, none twice', () => {
    const set = matrix(40, 3, 6);
    const { centroids } = kmeans(set, { k: 40, seed: 5, init: 'random', iterations: 0 });
    const sorted = (rows: Float32Array[]) => rows.map((x) => x.join()).sort();
    expect(sorted(rowsOf(centroids))).toEqual(sorted(rowsOf(set)));
  });
});

describe('empty clusters', () => {
  it('get the rows farthest from their centroids, so that none stays empty', () => {
    // Random seeds mostly all fall on the many equal rows: all centroids but one begin empty.
    const data = new Float32Array(100);
    data.set([5, 50, 500], 97);
    for (let seed = 0; seed < 10; seed++) {
      const got = kmeans({ data, rows: 100, dimension: 1 }, { k: 4, seed, init: 'random' });
      expect([...got.centroids.data].sort((a, b) => a - b)).toEqual([0, 5, 50, 500]);
      expect([...got.counts].sort((a, b) => a - b)).toEqual([1, 1, 1, 97]);
      expect(got.inertia).toBe(0);
    }
  });

  it('stay empty where there are fewer distinct rows than centroids, and then nothing is lost', () => {
    const data = Float32Array.from({ length: 30 }, (_, i) => i % 3);
    for (const init of ['k-means++', 'random'] as const) {
      const got = kmeans({ data, rows: 30, dimension: 1 }, { k: 5, seed: 1, init });
      expect(got.inertia).toBe(0);
      expect([...got.counts].sort((a, b) => a - b)).toEqual([0, 0, 10, 10, 10]);
      for (const value of got.centroids.data) expect([0, 1, 2]).toContain(value);
    }
  });
});

describe('balanced', () => {
  const ratios = fc.constantFrom<[option: true | number, ratio: number]>([true, 1.25], [1, 1], [1.1, 1.1], [3, 3]);

  it('keeps sizes within the ratio of the mean, whatever the rows', () => {
    const property = fc.property(sets, ratios, fc.boolean(), (set, [balanced, ratio], stuck) => {
      const { rows, dimension, kind, init, seed, some } = set;
      const points = matrix(rows, dimension, seed, kind);
      // Most rows in one place.
      if (stuck) points.data.fill(0, 0, Math.floor(rows * 0.8) * dimension);
      const k = 1 + (some % rows);
      const got = kmeans(points, { k, seed, init, balanced });
      const mean = rows / k;
      const [least, most] = sizeOf(got);
      expect(most).toBeLessThanOrEqual(Math.ceil(mean * ratio));
      expect(least).toBeGreaterThanOrEqual(Math.max(1, Math.floor(mean / ratio)));
      expect(got.counts.reduce((a, b) => a + b, 0)).toBe(rows);
      expect(got.inertia).toBe(Math.min(...got.history));
      const centroids = rowsOf(got.centroids);
      const counts = centroids.map((_, c) => got.assignments.filter((assigned) => assigned === c).length);
      expect([...got.counts]).toEqual(counts);
      const inertia = rowsOf(points).reduce((sum, x, i) => sum + l2(x, centroids[got.assignments[i]]), 0);
      expect(Math.abs(got.inertia - inertia)).toBeLessThanOrEqual(1e-4 * inertia + 1e-9);
    });
    fc.assert(property, runs(100));
  });

  it('with two clusters no exchange of two rows would be cheaper', () => {
    const random = new Random(9);
    const data = Float32Array.from({ length: 400 }, (_, i) => (i < 300 ? 0 : 6) + random.normal());
    const { centroids, assignments, counts } = kmeans(
      { data, rows: 200, dimension: 2 },
      { k: 2, seed: 1, balanced: 1 },
    );
    expect([...counts]).toEqual([100, 100]);
    const [first, second] = rowsOf(centroids);
    const preference = (x: Float32Array) => l2(x, first) - l2(x, second);
    const of = (c: number) => rowsOf({ data, rows: 200, dimension: 2 }).filter((_, i) => assignments[i] === c);
    expect(Math.max(...of(0).map(preference))).toBeLessThanOrEqual(Math.min(...of(1).map(preference)) + 1e-3);
  });

  it('costs little where clusters are of one size anyway, and is needed where they are not', () => {
    const set = matrix(2000, 8, 4);
    const plain = kmeans(set, { k: 25, seed: 1 });
    const balanced = kmeans(set, { k: 25, seed: 1, balanced: 1.1 });
    expect(balanced.inertia).toBeLessThan(1.03 * plain.inertia);
    const skewed = matrix(2000, 8, 4);
    for (let i = 0; i < 1500 * 8; i++) skewed.data[i] *= 0.01;
    expect(sizeOf(kmeans(skewed, { k: 25, seed: 1 }))[1]).toBeGreaterThan(160);
    expect(sizeOf(kmeans(skewed, { k: 25, seed: 1, balanced: true }))[1]).toBeLessThanOrEqual(100);
  });
});

describe('sample', () => {
  const set = matrix(1000, 6, 8);

  it('trains on so many rows per centroid, and assigns all', () => {
    const got = kmeans(set, { k: 10, seed: 3, sample: 30 });
    expect(got.assignments).toHaveLength(1000);
    expect(got.counts.reduce((a, b) => a + b, 0)).toBe(1000);
    const centroids = rowsOf(got.centroids);
    let inertia = 0;
    for (const [i, x] of rowsOf(set).entries()) {
      const distances = centroids.map((centroid) => l2(x, centroid));
      expect(distances[got.assignments[i]]).toBeLessThanOrEqual(Math.min(...distances) * (1 + 1e-5));
      inertia += distances[got.assignments[i]];
    }
    expect(Math.abs(got.inertia - inertia)).toBeLessThanOrEqual(1e-5 * inertia);
    expect(got.history[0]).toBeLessThan(0.5 * got.inertia);
  });

  it('without `assign` leaves all others alone', () => {
    const whole = kmeans(set, { k: 10, seed: 3, sample: 30 });
    const got = kmeans(set, { k: 10, seed: 3, sample: 30, assign: false });
    expect(got.centroids).toEqual(whole.centroids);
    expect(got.history).toEqual(whole.history);
    expect(got.assignments).toHaveLength(0);
    expect(got.counts.reduce((a, b) => a + b, 0)).toBe(300);
    expect(got.inertia).toBe(got.history.at(-1));
  });

  it('is every row where there are no more', () => {
    const all = kmeans(set, { k: 10, seed: 3 });
    expect(kmeans(set, { k: 10, seed: 3, sample: 100 })).toEqual(all);
    expect(kmeans(set, { k: 10, seed: 3, sample: 1e6 })).toEqual(all);
    expect(kmeans(set, { k: 10, seed: 3, sample: 99 })).not.toEqual(all);
  });

  it('is drawn from all rows evenly', async () => {
    const line = { data: Float32Array.from({ length: 20 }, (_, i) => i), rows: 20, dimension: 1 };
    const jobs = Array.from({ length: 1000 }, (_, seed) => ({ from: 0, to: 1, k: 5, seed, sample: 1, iterations: 0 }));
    const drawn = new Array(20).fill(0);
    for (const { centroids } of await runSequentially(line, jobs)) for (const i of centroids.data) drawn[i]++;
    // Each of 20 rows in a quarter of 1000 samples: 250, give or take four times 13.7.
    for (const times of drawn) expect(Math.abs(times - 250)).toBeLessThan(55);
  });
});

describe('views', () => {
  it('columns of a matrix are as good as a copy of them', () => {
    const shapes = fc.record({ from: fc.nat({ max: 80 }), width: fc.integer({ min: 1, max: 90 }), seed: fc.nat() });
    const property = fc.property(shapes, ({ from, width, seed }) => {
      const set = matrix(60, from + width + (seed % 3), seed);
      const columns = rowsOf(set).map((x) => x.subarray(from, from + width));
      const copy = { data: Float32Array.from(columns.flatMap((x) => [...x])), rows: 60, dimension: width };
      const view = { data: set.data, rows: 60, dimension: width, stride: set.dimension, offset: from };
      const options = { k: 7, seed, sample: 5 };
      expect(kmeans(view, options)).toEqual(kmeans(copy, options));
    });
    fc.assert(property, runs(30));
  });

  it('runSequentially runs jobs of different shapes one after the other', async () => {
    const set = matrix(300, 10, 2);
    const jobs = [
      { from: 0, to: 4, k: 20, seed: 1 },
      { from: 4, to: 10, k: 3, seed: 2, balanced: true },
      { from: 9, to: 10, k: 300, seed: 3, init: 'random' as const },
      { from: 0, to: 10, k: 8, seed: 4, sample: 10, assign: false },
    ];
    const onDone = vi.fn();
    const results = await runSequentially(set, jobs, onDone);
    for (const [i, { from, to, ...options }] of jobs.entries()) {
      const view = { data: set.data, rows: 300, dimension: to - from, stride: 10, offset: from };
      expect(results[i]).toEqual(kmeans(view, options));
    }
    expect(onDone.mock.calls).toEqual([1, 2, 3, 4].map((done) => [done, 4]));
    expect(await runSequentially(set, [])).toEqual([]);
  });
});

describe('degenerate rows', () => {
  it('one row, one dimension, as many centroids as rows', () => {
    expect(kmeans({ data: Float32Array.of(3), rows: 1, dimension: 1 }, { k: 1, seed: 0 })).toEqual({
      centroids: { data: Float32Array.of(3), rows: 1, dimension: 1 },
      assignments: Uint32Array.of(0),
      counts: Uint32Array.of(1),
      inertia: 0,
      iterations: 1,
      history: [0, 0],
    });
    const got = kmeans({ data: Float32Array.of(4, 1, 3, 2), rows: 4, dimension: 1 }, { k: 4, seed: 0 });
    expect([...got.counts]).toEqual([1, 1, 1, 1]);
    expect([...got.assignments].map((c) => got.centroids.data[c])).toEqual([4, 1, 3, 2]);
  });

  it('constant rows: each centroid is that row', () => {
    const got = kmeans({ data: new Float32Array(300).fill(0.1), rows: 100, dimension: 3 }, { k: 4, seed: 0 });
    expect(got.centroids.data).toEqual(new Float32Array(12).fill(0.1));
    expect([...got.counts]).toEqual([100, 0, 0, 0]);
    expect(got.inertia).toBe(0);
  });

  it('the longest rows there may be', () => {
    const data = Float32Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? -1 : 1) * 2.4e16);
    const got = kmeans({ data, rows: 4, dimension: 16 }, { k: 2, seed: 0 });
    expect(Number.isFinite(got.inertia)).toBe(true);
    expect(got.centroids.data.every(Number.isFinite)).toBe(true);
  });
});

describe('bad input', () => {
  const set = matrix(20, 4, 1);
  const withValue = (row: number, value: number): Matrix => {
    const data = set.data.slice();
    data[row * 4 + 2] = value;
    return { ...set, data };
  };
  const cases: {
    what: string;
    rows?: RowsView;
    options?: Partial<KMeansOptions>;
    error: new (...args: never[]) => Error;
    message: string;
  }[] = [
    {
      what: 'more centroids than rows',
      options: { k: 21 },
      error: ParameterError,
      message: 'k = 21: an integer from 1 to the 20 rows: take fewer centroids or more rows',
    },
    { what: 'k = 0', options: { k: 0 }, error: ParameterError, message: 'k = 0' },
    { what: 'k = 1.5', options: { k: 1.5 }, error: ParameterError, message: 'k = 1.5' },
    {
      what: 'no rows',
      rows: { data: new Float32Array(0), rows: 0, dimension: 4 },
      error: ParameterError,
      message: 'rows.rows = 0',
    },
    {
      what: 'no columns',
      rows: { data: new Float32Array(0), rows: 3, dimension: 0 },
      error: DimensionError,
      message: 'rows: dimension 0, expected an integer from 1 to 4096',
    },
    {
      what: 'too many columns',
      rows: { data: new Float32Array(4097), rows: 1, dimension: 4097 },
      error: DimensionError,
      message: 'dimension 4097',
    },
    {
      what: 'too few numbers',
      rows: { ...set, rows: 21 },
      error: ParameterError,
      message: 'rows.data.length = 80: 21 rows of dimension 4 are 84 numbers',
    },
    {
      what: 'a view that ends too early',
      rows: { ...set, stride: 4, offset: 1 },
      error: ParameterError,
      message: 'rows.data.length = 80: the last of 20 rows ends at number 81',
    },
    {
      what: 'rows that overlap',
      rows: { ...set, stride: 3 },
      error: ParameterError,
      message: 'rows.stride = 3: an integer from 4',
    },
    {
      what: 'an offset before the beginning',
      rows: { ...set, offset: -1 },
      error: ParameterError,
      message: 'rows.offset = -1',
    },
    {
      what: 'doubles',
      rows: { ...set, data: new Float64Array(80) as unknown as Float32Array },
      error: ParameterError,
      message: 'rows.data = object: a Float32Array',
    },
    { what: 'NaN', rows: withValue(7, Number.NaN), error: VectorValueError, message: 'row 7: component 2 is NaN' },
    {
      what: 'Infinity',
      rows: withValue(19, Number.NEGATIVE_INFINITY),
      error: VectorValueError,
      message: 'row 19: component 2 is -Infinity',
    },
    { what: 'too long a row', rows: withValue(3, 1e18), error: VectorValueError, message: 'row 3: |x|² = ' },
    { what: 'a negative seed', options: { seed: -1 }, error: ParameterError, message: 'seed = -1' },
    { what: 'iterations = −1', options: { iterations: -1 }, error: ParameterError, message: 'iterations = -1' },
    { what: 'tolerance = 1', options: { tolerance: 1 }, error: ParameterError, message: 'tolerance = 1' },
    { what: 'tolerance NaN', options: { tolerance: Number.NaN }, error: ParameterError, message: 'tolerance = NaN' },
    { what: 'sample = 0', options: { sample: 0 }, error: ParameterError, message: 'sample = 0' },
    { what: 'balanced < 1', options: { balanced: 0.9 }, error: ParameterError, message: 'balanced = 0.9' },
    { what: 'balanced NaN', options: { balanced: Number.NaN }, error: ParameterError, message: 'balanced = NaN' },
    {
      what: 'balanced on a sample',
      options: { balanced: true, sample: 2 },
      error: ParameterError,
      message: 'sample = 2: balanced clusters are those of all 20 rows: leave it away, or take 7 or more',
    },
    { what: 'an unknown init', options: { init: 'pca' as 'random' }, error: ParameterError, message: 'init = pca' },
  ];

  it.each(cases)('$what', ({ rows = set, options, error, message }) => {
    const run = () => kmeans(rows, { k: 3, seed: 1, ...options });
    expect(run).toThrow(error);
    expect(run).toThrow(message);
  });

  it('names the row by its number among all, in a sample and in what is only assigned', () => {
    const big = matrix(200, 4, 1);
    for (let bad = 0; bad < 200; bad += 13) {
      const data = big.data.slice();
      data[bad * 4 + 1] = Number.NaN;
      const run = () => kmeans({ ...big, data }, { k: 10, seed: 1, sample: 5 });
      expect(run).toThrow(`row ${bad}: component 1 is NaN`);
    }
  });

  it('rows beyond one memory', () => {
    // Nobody touches these 4 GiB, so they are never there.
    const rows = 2 ** 20;
    const data = new Float32Array(new ArrayBuffer(rows * 1024 * 4));
    const run = () => kmeans({ data, rows, dimension: 1024 }, { k: 3, seed: 1 });
    expect(run).toThrow(MemoryLimitError);
    expect(run).toThrow('train on fewer by "sample"');
  });

  it('jobs of columns that are not there', async () => {
    const job = { k: 3, seed: 1 };
    await expect(runSequentially(set, [{ ...job, from: 0, to: 5 }])).rejects.toThrow('jobs[0].to = 5');
    await expect(
      runSequentially(set, [
        { ...job, from: 0, to: 1 },
        { ...job, from: 2, to: 2 },
      ]),
    ).rejects.toThrow('jobs[1].to = 2: an integer from 3 to 4');
    await expect(runSequentially(set, [{ ...job, from: -1, to: 2 }])).rejects.toThrow('jobs[0].from = -1');
    await expect(runSequentially({ ...set, rows: 3 }, [])).rejects.toThrow('rows.data.length = 80');
  });
});
