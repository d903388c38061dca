/** Distances by scalar codes: those between what the codes stand for, the same on both builds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import { HAS_RELAXED, onBothBuilds } from './isolated.ts';
import { type Sample, seeded } from './samples.ts';
import { Coded, dimensions, exact, forms, metrics, padded, rangesOf, rowsOf, six } from './sq8-samples.ts';

onBothBuilds('distances of 8-bit codes', (build) => {
  const coded = new Coded(build);
  const { memory } = coded;

  it('the distance is that between what the codes stand for, up to rounding', () => {
    const property = fc.property(dimensions, fc.nat(), forms, metrics, (n, seed, form, metric) => {
      const kinds = Array.from({ length: 6 }, (_, i): Sample => ({ kind: 'normal', seed: seed + i }));
      const rows = rowsOf(n, kinds, metric);
      const ranges = rangesOf(rows);
      coded.configure(n, metric, form, ranges);
      const at = coded.encode(rows);
      const to = memory.room(n * 4);
      const decoded = at.map((code) => {
        memory.kernels.decodeSq8(code, to);
        return memory.f32(to, n);
      });
      memory.kernels.prepareSq8Code(at[0]);
      for (const [i, code] of at.entries()) {
        // What is taken under cosine, of vectors that rounding leaves a little off length 1.
        const halved = scalar.l2(decoded[0], decoded[i]) / 2;
        const truth = metric === 'cosine' ? halved : exact(decoded[0], decoded[i], metric);
        // Besides the sums in f32, a query in the ranges of dimensions is rounded to 15 bits and a sign of the largest code.
        const largest = scalar.norm2(ranges.mids) + 127 ** 2 * scalar.norm2(ranges.steps);
        const ranged = form === 'dimension8' ? largest : 0;
        const size = Math.sqrt(scalar.norm2(decoded[0]) * scalar.norm2(decoded[i])) + Math.abs(truth) + ranged;
        expect(Math.abs(memory.kernels.sq8Distance(code) - truth)).toBeLessThanOrEqual(2e-4 * size);
      }
    });
    fc.assert(property, seeded(150));
  });

  it('far from the origin the distance is as good as at the origin', () => {
    const kinds = [1, 2, 3, 4].map((seed): Sample => ({ kind: 'normal', seed }));
    for (const form of ['vector8', 'dimension8'] as const) {
      const [near, far] = [0, 1000].map((offset) => {
        const rows = rowsOf(512, kinds, 'l2').map((row) => row.map((x) => x + offset));
        coded.configure(512, 'l2', form, rangesOf(rows));
        const at = coded.encode(rows);
        memory.kernels.prepareSq8(memory.put(rows[0]));
        const errors = rows.slice(1).map((row, i) => {
          const truth = scalar.l2(rows[0], row);
          return Math.abs(memory.kernels.sq8Distance(at[i + 1]) - truth) / truth;
        });
        return Math.max(...errors);
      });
      expect(far).toBeLessThan(1.5 * near + 1e-3);
    }
  });
});

it.skipIf(!HAS_RELAXED)('both builds give the same scalar codes, distances and bounds, to the last bit', () => {
  const builds = (['baseline', 'relaxed'] as const).map((build) => new Coded(build));
  const property = fc.property(dimensions, six, forms, metrics, fc.boolean(), (n, kinds, form, metric, fromCode) => {
    const rows = rowsOf(n, kinds, metric);
    const [baseline, relaxed] = builds.map((coded) => {
      const { memory } = coded;
      coded.configure(n, metric, form, rangesOf(rows.slice(0, 4)));
      const at = coded.encode(rows);
      const query = memory.put(rows[0]);
      if (fromCode) memory.kernels.prepareSq8Code(at[0]);
      else memory.kernels.prepareSq8(query);
      const out = memory.room(64);
      memory.kernels.sq8DistancesInto(at[0], rows.length, out);
      const codes = memory.u8(at[0], rows.length * (padded(n) + 16));
      if (form === 'vector7' && metric === 'manhattan') return { codes };
      const distances = memory.f32(out, rows.length);
      memory.kernels.sq8BoundsInto(at[0], rows.length, out);
      return { codes, distances, bounds: memory.f32(out, rows.length) };
    });
    expect(relaxed).toEqual(baseline);
  });
  fc.assert(property, seeded(250));
});
