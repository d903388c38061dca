import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { l2 } from '../../src/kernels/scalar.ts';
import { randomRows } from '../oracle.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { EPS, gaps, seeded } from './samples.ts';

const BEST_BYTES = 256 * 36;

const shapes = fc.record({
  // Up to several tiles of rows, and to several panels of centroids.
  n: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 600 })),
  dimension: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 90 })),
  k: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 40 })),
  kind: fc.constantFrom('normal', 'integers' as const),
  seed: fc.nat(),
  gap: gaps,
});
type Shape = typeof shapes extends fc.Arbitrary<infer S> ? S : never;

onBothBuilds('k-means', (build) => {
  const memory = new Isolated(build, 2 ** 20);

  /** Rows, centroids and prices in the memory, the centroids packed. */
  function prepared({ n, dimension, k, kind, seed, gap }: Shape, prices: Float32Array) {
    const rows = randomRows({ n, dimension, kind, seed });
    const centroids = randomRows({ n: k, dimension, kind, seed: seed + 1 });
    memory.clear();
    const at = {
      rows: memory.put(rows, gap),
      centroids: memory.put(centroids, gap),
      prices: memory.put(prices, gap),
      panels: memory.room(Math.ceil(k / 8) * 8 * (dimension + 1) * 4, gap),
      best: memory.room(BEST_BYTES, gap),
    };
    const panels = { at: at.panels, bytes: Math.ceil(k / 8) * 8 * (dimension + 1) * 4 };
    memory.call((kernels) => {
      kernels.configureKMeans(dimension, k, at.rows, at.centroids, at.panels, at.prices, at.best);
      for (let c = 0; c < Math.ceil(k / 8) * 8; c++) kernels.packCentroid(c);
    }, panels);
    const row = (i: number) => rows.subarray(i * dimension, (i + 1) * dimension);
    const centroid = (c: number) => centroids.subarray(c * dimension, (c + 1) * dimension);
    return { at, panels, row, centroid };
  }

  it('assignRows finds the least of distance and price, of equals the first, for a run of rows or for those listed', () => {
    const property = fc.property(shapes, fc.boolean(), fc.boolean(), fc.nat(), (shape, listed, priced, some) => {
      const { n, dimension, k, kind } = shape;
      const random = new Random(some);
      const prices = Float32Array.from({ length: k }, () => (priced ? random.integer(9) - 4 : 0));
      // A closed centroid, as long as there is another.
      if (priced && k > 1) prices[random.integer(k)] = Number.POSITIVE_INFINITY;
      const { at, row, centroid } = prepared(shape, prices);
      const list = random.permutation(n);
      const atList = memory.put(list, shape.gap);
      const from = random.integer(n);
      const count = 1 + random.integer(n - from);
      const before = Uint32Array.from({ length: n }, () => random.integer(k));
      // The outputs lie beside each other, so that what else is written shows.
      const nearest = memory.put(before, 0);
      const distances = memory.room(n * 4, 0);
      const best = memory.room(BEST_BYTES, 0);
      memory.call((kernels) =>
        kernels.configureKMeans(dimension, k, at.rows, at.centroids, at.panels, at.prices, best),
      );
      const changed = memory.call(
        (kernels) => kernels.assignRows(listed ? atList : 0, from, count, nearest, distances),
        { at: nearest + from * 4, bytes: n * 8 + BEST_BYTES - from * 4 },
      );
      const got = { nearest: memory.i32(nearest, n), distances: memory.f32(distances, n) };
      let differing = 0;
      for (let i = 0; i < n; i++) {
        if (i < from || i >= from + count) {
          expect(got.nearest[i]).toBe(before[i]);
          continue;
        }
        if (got.nearest[i] !== before[i]) differing++;
        const x = row(listed ? list[i] : i);
        const truth = Array.from({ length: k }, (_, c) => l2(x, centroid(c)) + prices[c]);
        const chosen = got.nearest[i];
        const least = Math.min(...truth);
        if (kind === 'integers') expect(chosen).toBe(truth.indexOf(least));
        const tolerance = 2 * (dimension + 8) * EPS * (Math.abs(least) + 8);
        expect(truth[chosen] - least).toBeLessThanOrEqual(tolerance);
        expect(Math.abs(got.distances[i] - l2(x, centroid(chosen)))).toBeLessThanOrEqual(tolerance);
      }
      expect(changed).toBe(differing);
    });
    fc.assert(property, seeded(300));
  });

  it('a row’s result does not depend on which rows it is taken with', () => {
    const property = fc.property(shapes, (shape) => {
      const { n, k } = shape;
      prepared(shape, new Float32Array(k));
      const [nearest, distances] = [memory.room(n * 4), memory.room(n * 4)];
      const assign = (stride: number) => {
        for (let from = 0; from < n; from += stride)
          memory.kernels.assignRows(0, from, Math.min(stride, n - from), nearest, distances);
        return { nearest: memory.i32(nearest, n), distances: memory.f32(distances, n) };
      };
      const together = assign(n);
      expect(assign(1)).toEqual(together);
      expect(assign(7)).toEqual(together);
    });
    fc.assert(property, seeded(60));
  });

  it('packPrices makes prices count that were set after packing', () => {
    const prices = new Float32Array(11);
    const shape: Shape = { n: 30, dimension: 5, k: 11, kind: 'normal', seed: 3, gap: 4 };
    const { at, panels } = prepared(shape, prices);
    const [nearest, distances] = [memory.room(30 * 4), memory.room(30 * 4)];
    memory.fill(at.prices, [new Uint8Array(prices.fill(Number.POSITIVE_INFINITY).fill(0, 9, 10).buffer)], 0);
    memory.call((kernels) => kernels.packPrices(), panels);
    memory.kernels.assignRows(0, 0, 30, nearest, distances);
    expect([...memory.i32(nearest, 30)]).toEqual(new Array(30).fill(9));
  });

  it('groupRows lists rows by cluster, ascending, and moveCentroids makes centroids their means, rounded once', () => {
    const property = fc.property(shapes, fc.nat(), (shape, some) => {
      const { n, dimension, k } = shape;
      const { at, panels, row, centroid } = prepared(shape, new Float32Array(k));
      const random = new Random(some);
      const assignment = Uint32Array.from({ length: n }, () => random.integer(k));
      const nearest = memory.put(assignment);
      const starts = memory.room((k + 1) * 4);
      const order = memory.room(n * 4, 0);
      memory.call((kernels) => kernels.groupRows(n, nearest, starts, order), { at: starts, bytes: (k + 1 + n) * 4 });
      const members = Array.from({ length: k }, (_, c) =>
        Array.from(assignment.keys()).filter((i) => assignment[i] === c),
      );
      expect([...memory.i32(order, n)]).toEqual(members.flat());
      const ends = members.map((_, c) => members.slice(0, c + 1).flat().length);
      expect([...memory.i32(starts, k + 1)]).toEqual([0, ...ends]);

      const bytes = k * dimension * 4;
      memory.call((kernels) => kernels.moveCentroids(0, k, starts, order), {
        at: at.centroids,
        bytes: panels.at + panels.bytes - at.centroids,
      });
      const moved = memory.f32(at.centroids, bytes / 4);
      for (const [c, rows] of members.entries()) {
        for (let j = 0; j < dimension; j++) {
          const mean = rows.reduce((sum, i) => sum + row(i)[j], 0) / rows.length;
          expect(moved[c * dimension + j]).toBe(rows.length === 0 ? centroid(c)[j] : Math.fround(mean));
        }
      }
      // The panels have moved too.
      const [again, distances] = [memory.room(n * 4), memory.room(n * 4)];
      memory.kernels.assignRows(0, 0, n, again, distances);
      const got = memory.f32(distances, n);
      for (let i = 0; i < n; i++) {
        const truth = Array.from({ length: k }, (_, c) =>
          l2(row(i), moved.subarray(c * dimension, (c + 1) * dimension)),
        );
        expect(got[i] - Math.min(...truth)).toBeLessThanOrEqual(2 * (dimension + 8) * EPS * (1 + Math.min(...truth)));
      }
    });
    fc.assert(property, seeded(100));
  });

  it('nearerRows keeps the distance to the nearest seed and returns the sum; rowAtSum finds where it exceeds a target', () => {
    const property = fc.property(shapes, fc.double({ min: 0, max: 1, noNaN: true }), (shape, share) => {
      const { n, dimension, k, kind } = shape;
      const { at, row } = prepared(shape, new Float32Array(k));
      const distances = memory.put(new Float32Array(n).fill(Number.POSITIVE_INFINITY));
      const seeds = [0, n - 1].slice(0, k);
      let sum = 0;
      for (const [c, seedRow] of seeds.entries()) {
        memory.call((kernels) => kernels.placeCentroid(c, seedRow), {
          at: at.centroids + c * dimension * 4,
          bytes: dimension * 4,
        });
        sum = memory.call((kernels) => kernels.nearerRows(0, n, c, distances), { at: distances, bytes: n * 4 });
      }
      const got = memory.f32(distances, n);
      for (let i = 0; i < n; i++) {
        const truth = Math.min(...seeds.map((s) => l2(row(i), row(s))));
        expect(Math.abs(got[i] - truth)).toBeLessThanOrEqual((dimension + 8) * EPS * truth);
        if (seeds.includes(i)) expect(got[i]).toBe(0);
      }
      const total = got.reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - total)).toBeLessThanOrEqual(1e-12 * total);
      expect(memory.kernels.sumDistances(n, distances)).toBe(Array.from(got).reduce((a, b) => a + b, 0));
      if (total === 0) return;
      const target = kind === 'integers' ? Math.floor(share * total) : share * total;
      const found = memory.kernels.rowAtSum(0, n, target, distances);
      const upTo = (end: number) => Array.from(got.subarray(0, end)).reduce((a, b) => a + b, 0);
      expect(got[found]).toBeGreaterThan(0);
      expect(upTo(found)).toBeLessThanOrEqual(target);
      if (target < total * (1 - 1e-9)) expect(upTo(found + 1)).toBeGreaterThan(target);
    });
    fc.assert(property, seeded(150));
  });

  it('sumSquares is NaN or Infinity where a component is', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const shape: Shape = { n: 3, dimension: 7, k: 1, kind: 'normal', seed: 1, gap: 4 };
      const { at } = prepared(shape, new Float32Array(1));
      expect(memory.kernels.sumSquares(0, 3)).toBeGreaterThan(0);
      memory.fill(at.rows + (7 + 6) * 4, [new Uint8Array(Float32Array.of(bad).buffer)], 0);
      expect(memory.kernels.sumSquares(0, 3)).not.toBeLessThan(1e300);
      expect(memory.kernels.sumSquares(2, 1)).toBeLessThan(1e300);
    }
  });
});
