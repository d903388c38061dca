import { expect, test } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { Random } from '../../src/core/random.ts';
import { intrinsicDimension } from '../../src/lab/intrinsic-dimension.ts';
import { exactNeighbors } from '../../src/workers/exact-neighbors.ts';

function fill(rows: number, dimension: number, next: () => number): Matrix {
  return { data: Float32Array.from({ length: rows * dimension }, next), rows, dimension };
}

/** Distances whose k-th neighbours lie as in a space of dimension d: radii whose d-th powers are uniform. */
function ideal(d: number, queries: number, k: number, random: Random): Float64Array {
  const distances = new Float64Array(queries * k);
  for (let query = 0; query < queries; query++) {
    const row = Float64Array.from({ length: k }, () => random.uniform() ** (1 / d)).sort();
    distances.set(row, query * k);
  }
  return distances;
}

test.each([2, 8, 20, 100])('distances that grow as r^%i: the estimate is that', (d) => {
  const { mean, median, p5, p95, perQuery } = intrinsicDimension({
    distances: ideal(d, 500, 100, new Random(`ideal ${d}`)),
    k: 100,
    metric: 'manhattan',
  });
  // Standard error of one query: d/√99, of the mean of 500: 0.45 %; the estimator itself is 1 % high at k = 100.
  expect(mean / d).toBeGreaterThan(0.98);
  expect(mean / d).toBeLessThan(1.04);
  expect(median / d).toBeCloseTo(1, 1);
  expect(p5).toBeLessThan(median);
  expect(p95).toBeGreaterThan(median);
  expect(perQuery).toHaveLength(500);
});

test('l2 distances are squared and cosine distances as good as squared: the estimate allows for it', () => {
  const lengths = ideal(8, 200, 50, new Random('metrics'));
  const { mean } = intrinsicDimension({ distances: lengths, k: 50, metric: 'manhattan' });
  const squares = lengths.map((r) => r * r);
  expect(intrinsicDimension({ distances: squares, k: 50, metric: 'l2' }).mean).toBeCloseTo(mean, 9);
  const cosines = squares.map((square) => square / 2);
  expect(intrinsicDimension({ distances: cosines, k: 50, metric: 'cosine' }).mean).toBeCloseTo(mean, 9);
});

// The bounds allow for the edge: at d = 20 and 20,000 points the k-th neighbour is not near, and the estimate comes out low.
test.each([
  ['cube', 2, 1.85, 2.1],
  ['cube', 8, 6.4, 8.2],
  ['cube', 20, 11, 17],
  ['gaussian', 2, 1.85, 2.15],
  ['gaussian', 8, 6.8, 8.8],
  ['gaussian', 20, 13, 20],
] as const)('a %s of dimension %i, laid into 32 dimensions', async (shape, d, least, most) => {
  const random = new Random(`${shape} ${d}`);
  const next = shape === 'cube' ? () => random.uniform() : () => random.normal();
  // A rotation into more dimensions leaves the intrinsic dimension as it is.
  const lay = orthonormal(d, 32, random);
  const base = into(fill(20_000, d, next), lay);
  const queries = into(fill(200, d, next), lay);
  const { distances } = await exactNeighbors({ base, queries, k: 50, metric: 'l2', threads: 2 });
  const { mean } = intrinsicDimension({ distances, k: 50, metric: 'l2' });
  expect(mean).toBeGreaterThan(least);
  expect(mean).toBeLessThan(most);
});

test('copies of a query are left out; where all neighbours are equally far, there is no estimate', () => {
  const distances = [0, 0, 1, 2, 4, 3, 3, 3, 3, 3];
  const { mean, perQuery } = intrinsicDimension({ distances, k: 5, metric: 'manhattan' });
  expect(perQuery[0]).toBeCloseTo(2 / (Math.log(4) + Math.log(2)), 12);
  expect(perQuery[1]).toBeNaN();
  expect(mean).toBe(perQuery[0]);
});

test.each([
  { distances: [1, 2, 3], k: 2, metric: 'l2' as const },
  { distances: [1, 2, 3, 4], k: 3, metric: 'l2' as const },
  { distances: [], k: 3, metric: 'l2' as const },
  { distances: [1, 2, 3], k: 3, metric: 'dot' as const },
])('refused: %o', (options) => {
  expect(() => intrinsicDimension(options)).toThrow(ParameterError);
});

function orthonormal(rows: number, dimension: number, random: Random): Float64Array[] {
  const basis: Float64Array[] = [];
  while (basis.length < rows) {
    const v = Float64Array.from({ length: dimension }, () => random.normal());
    for (const b of basis) {
      const along = b.reduce((sum, x, j) => sum + x * v[j], 0);
      for (let j = 0; j < dimension; j++) v[j] -= along * b[j];
    }
    const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    basis.push(v.map((x) => x / norm));
  }
  return basis;
}

function into({ data, rows, dimension }: Matrix, basis: Float64Array[]): Matrix {
  const wide = basis[0].length;
  const out = new Float32Array(rows * wide);
  for (let i = 0; i < rows; i++) {
    for (let a = 0; a < dimension; a++) {
      for (let j = 0; j < wide; j++) out[i * wide + j] += data[i * dimension + a] * basis[a][j];
    }
  }
  return { data: out, rows, dimension: wide };
}
