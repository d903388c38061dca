import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { allocateEigenvalues, dealOut, meanOf } from '../../src/quantize/opq.ts';

it('axes are dealt out so that every part gets as many and products of variances are even', () => {
  // Powers of two: 7 + 0, 6 + 1, 5 + 2 and 4 + 3 multiply to the same.
  const variances = Float64Array.from({ length: 8 }, (_, i) => 2 ** (7 - i));
  const parts = dealOut(variances, 4);
  expect(parts.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(parts.map((axes) => axes.reduce((product, axis) => product * variances[axis], 1))).toEqual([
    128, 128, 128, 128,
  ]);
});

it.each([[new Float64Array(6)], [Float64Array.of(5, 1, 0, 0, -1e-20, -1e-18)]])(
  'variances of none, as of constant components, are dealt out too: %s',
  (variances) => {
    const parts = dealOut(variances, 3);
    expect(parts.map((axes) => axes.length)).toEqual([2, 2, 2]);
    expect(parts.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
  },
);

it('the rotation is one, and makes components that have nothing to do with each other', () => {
  const random = new Random('opq');
  const [rows, dimension] = [150, 12];
  const data = new Float32Array(rows * dimension);
  for (let i = 0; i < rows; i++) {
    const [a, b] = [random.normal(), random.normal()];
    for (let j = 0; j < dimension; j++) data[i * dimension + j] = 7 + a * j + b * (j % 3) + 0.1 * random.normal();
  }
  const rotation = allocateEigenvalues({ data, rows, dimension }, 4);
  const axes = Array.from({ length: dimension }, (_, i) => rotation.subarray(i * dimension, (i + 1) * dimension));
  for (const [i, a] of axes.entries()) {
    for (const [j, b] of axes.entries()) expect(scalar.dot(a, b)).toBeCloseTo(i === j ? 1 : 0, 5);
  }
  const mean = meanOf({ data, rows, dimension });
  const turned = Array.from({ length: rows }, (_, i) => {
    const x = Array.from(data.subarray(i * dimension, (i + 1) * dimension), (value, j) => value - mean[j]);
    return axes.map((axis) => scalar.dot(axis, x));
  });
  const covariance = (i: number, j: number) => turned.reduce((sum, y) => sum + y[i] * y[j], 0) / rows;
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < i; j++) {
      const most = Math.sqrt(covariance(i, i) * covariance(j, j));
      expect(Math.abs(covariance(i, j))).toBeLessThan(1e-4 * most + 1e-4);
    }
  }
  // The two strong directions are in parts of their own.
  const byVariance = axes.map((_, i) => ({ variance: covariance(i, i), part: Math.floor(i / 3) }));
  byVariance.sort((a, b) => b.variance - a.variance);
  expect(byVariance[0].part).not.toBe(byVariance[1].part);
});
