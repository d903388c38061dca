/** 8-bit scalar codes against their twin, on both builds: levels and what they stand for to the last bit. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import { onBothBuilds } from './isolated.ts';
import { EPS, gaps, samples, seeded, vectorOf } from './samples.ts';
import { Coded, dimensions, padded, rangesOf, rowsOf, six } from './sq8-samples.ts';

onBothBuilds('8-bit codes', (build) => {
  const coded = new Coded(build);
  const { memory } = coded;

  it('with ranges of vectors, encode is the twin to the last bit: levels, zeros behind them, factors', () => {
    const property = fc.property(dimensions, samples, gaps, (n, sample, gap) => {
      const x = vectorOf(n, sample);
      coded.configure(n, 'l2', 'vector8', rangesOf([x]), gap);
      const [at] = coded.encode([x], gap);
      const twin = scalar.encodeSq8(x);
      const levels = new Int8Array(memory.u8(at, padded(n)).buffer);
      expect(levels.subarray(0, n)).toEqual(twin.levels);
      expect(levels.subarray(n).every((level) => level === 0)).toBe(true);
      const factors = Array.from(memory.f32(at + padded(n), 4), (factor) => factor + 0);
      expect(factors).toEqual([twin.mid, twin.step, twin.sum, twin.squares].map((factor) => factor + 0));
      const to = memory.room(n * 4, gap);
      memory.call((kernels) => kernels.decodeSq8(at, to), { at: to, bytes: n * 4 });
      const { mid, step } = twin;
      expect(memory.f32(to, n)).toEqual(
        scalar.decodeSq8(
          twin.levels,
          () => mid,
          () => step,
        ),
      );
    });
    fc.assert(property, seeded(300));
  });

  it('with ranges of dimensions, the levels are the twin’s to the last bit, and what is outside is clipped', () => {
    let clipped = 0;
    const property = fc.property(dimensions, six, gaps, (n, kinds, gap) => {
      const rows = rowsOf(n, kinds, 'l2');
      const ranges = rangesOf(rows.slice(0, 4));
      coded.configure(n, 'l2', 'dimension8', ranges, gap);
      for (const [i, at] of coded.encode(rows, gap).entries()) {
        const twin = scalar.encodeSq8Ranged(ranges, rows[i]);
        const levels = new Int8Array(memory.u8(at, padded(n)).buffer);
        expect(levels.subarray(0, n)).toEqual(twin.levels);
        expect(levels.subarray(n).every((level) => level === 0)).toBe(true);
        const [squares, error, product, rest] = memory.f32(at + padded(n), 4);
        expect(Math.abs(squares - twin.squares)).toBeLessThanOrEqual(2 * EPS * twin.squares + 2 ** -149);
        expect(Math.abs(error - twin.error)).toBeLessThanOrEqual(8 * EPS * twin.error + 2 ** -149);
        const size =
          Math.sqrt(scalar.norm2(ranges.mids)) * (Math.sqrt(twin.squares) + Math.sqrt(scalar.norm2(ranges.mids)));
        expect(Math.abs(product - twin.product)).toBeLessThanOrEqual(2 * EPS * size + 2 ** -149);
        expect(rest).toBe(0);
        clipped += twin.levels.filter((level, j) => {
          return Math.abs(level) === 127 && Math.abs(rows[i][j] - ranges.mids[j]) > 128 * ranges.steps[j];
        }).length;
        const to = memory.room(n * 4, gap);
        memory.call((kernels) => kernels.decodeSq8(at, to), { at: to, bytes: n * 4 });
        const decoded = scalar.decodeSq8(
          twin.levels,
          (j) => ranges.mids[j],
          (j) => ranges.steps[j],
        );
        expect(memory.f32(to, n)).toEqual(decoded);
      }
    });
    fc.assert(property, seeded(60));
    expect(clipped).toBeGreaterThan(1000);
  });
});
