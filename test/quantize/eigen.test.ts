import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { symmetricEigen } from '../../src/quantize/eigen.ts';

/** B Bᵀ of an n × rank matrix of normals, its columns of unequal strength: singular where the rank is less than n. */
function covariance(n: number, rank: number, scale: number, seed: number): Float64Array {
  const random = new Random(`eigen ${seed}`);
  const column = (j: number) => scale * random.normal() * 10 ** -(j % 5);
  const b = Array.from({ length: n }, () => Array.from({ length: rank }, (_, j) => column(j)));
  return entries(n, (i, j) => b[i].reduce((sum, x, k) => sum + x * b[j][k], 0));
}

function entries(n: number, entry: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n));
}

function expectEigen(a: Float64Array, n: number): void {
  const { values, vectors } = symmetricEigen(a.slice(), n);
  const size = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0) * n;
  for (let i = 0; i < n; i++) {
    const v = vectors.subarray(i * n, (i + 1) * n);
    if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1]);
    for (let r = 0; r < n; r++) {
      let product = 0;
      let along = 0;
      for (let k = 0; k < n; k++) {
        product += a[r * n + k] * v[k];
        along += v[k] * vectors[r * n + k];
      }
      expect(Math.abs(product - values[i] * v[r])).toBeLessThanOrEqual(1e-13 * size);
      expect(Math.abs(along - (r === i ? 1 : 0))).toBeLessThan(1e-12);
    }
  }
}

it('vectors are orthonormal, only stretched by the matrix, and in descending order of by how much', () => {
  const sizes = fc.integer({ min: 1, max: 24 });
  const exponents = fc.integer({ min: -30, max: 30 });
  const property = fc.property(sizes, sizes, exponents, fc.nat(), (n, rank, exponent, seed) => {
    expectEigen(covariance(n, rank, 10 ** exponent, seed), n);
  });
  fc.assert(property, { seed: 7, numRuns: 60 });
});

it.each<[string, (i: number, j: number) => number]>([
  ['zeros', () => 0],
  ['ones', () => 1],
  ['the unit', (i, j) => (i === j ? 1 : 0)],
  ['a diagonal', (i, j) => (i === j ? ((i * 5) % 9) - 4 : 0)],
  ['two blocks', (i, j) => (i < 4 === j < 4 ? 1 / (1 + i + j) : 0)],
])('matrices of a special form: %s', (_, entry) => {
  expectEigen(entries(9, entry), 9);
});

it('the known eigenvalues of the second difference', () => {
  const n = 40;
  const { values } = symmetricEigen(
    entries(n, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)),
    n,
  );
  for (let i = 0; i < n; i++) expect(values[i]).toBeCloseTo(2 + 2 * Math.cos((Math.PI * (i + 1)) / (n + 1)), 12);
});
