import { describe, expect, test } from 'vitest';
import { type Matrix, row } from '../../src/core/matrix.ts';
import { type DatasetInfo, findDataset, type SyntheticSet } from '../../src/lab/catalogue.ts';
import { intrinsicDimension } from '../../src/lab/intrinsic-dimension.ts';
import { type GenerateOptions, generate } from '../../src/lab/synthetic.ts';
import { exactNeighbors } from '../../src/workers/exact-neighbors.ts';

const NAMES = ['embedding-64-500', 'embedding-100-500', 'clustered-16-500', 'gaussian-7-500'];

function options(name: string, change: Partial<GenerateOptions> = {}): GenerateOptions {
  const info: DatasetInfo = findDataset(name);
  const { model, seed, dimension, rows } = info as SyntheticSet;
  return { model, seed, dimension, rows, queries: 50, ...change };
}

const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

const everyRow = (matrix: Matrix): Float32Array[] => Array.from({ length: matrix.rows }, (_, i) => row(matrix, i));

describe.each(NAMES)('%s', (name) => {
  test('has the shape that was asked for, of finite numbers', async () => {
    const { train, queries } = await generate(options(name));
    expect([train.rows, train.data.length]).toEqual([500, 500 * train.dimension]);
    expect([queries.rows, queries.data.length]).toEqual([50, 50 * train.dimension]);
    expect(train.data.every(Number.isFinite)).toBe(true);
    expect(queries.data.every(Number.isFinite)).toBe(true);
  });

  test('is the same for the same seed, and another for another', async () => {
    const one = await generate(options(name));
    expect(await generate(options(name))).toEqual(one);
    const other = await generate(options(name, { seed: 99 }));
    expect(other.train.data).not.toEqual(one.train.data);
  });

  test('smaller sets are prefixes of larger ones, and have the same queries', async () => {
    const large = await generate(options(name));
    const small = await generate(options(name, { rows: 123, queries: 20 }));
    expect(small.train.data).toEqual(large.train.data.slice(0, small.train.data.length));
    expect(small.queries.data).toEqual(large.queries.data.slice(0, small.queries.data.length));
  });

  test('no row comes twice, and no query is a row', async () => {
    const { train, queries } = await generate(options(name));
    const rows = new Set([...everyRow(train), ...everyRow(queries)].map((vector) => vector.join()));
    expect(rows.size).toBe(550);
  });
});

test('progress is told, ascending to the total', async () => {
  const told: number[] = [];
  await generate(options('gaussian-2-5000', { onProgress: (done, total) => told.push(done / total) }));
  expect(told.length).toBeGreaterThan(5);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.at(-1)).toBe(1);
});

describe('the embedding-like set', () => {
  test('has unit vectors with a direction in common', async () => {
    const { train } = await generate(options('embedding-256-2000'));
    for (const vector of everyRow(train)) expect(norm(vector)).toBeCloseTo(1, 5);
    const mean = Float32Array.from({ length: 256 }, (_, j) => everyRow(train).reduce((sum, v) => sum + v[j] / 2000, 0));
    expect(norm(mean)).toBeGreaterThan(0.4);
    expect(norm(mean)).toBeLessThan(0.8);
  });

  test('has far fewer dimensions than components, and neighbours that stand out', async () => {
    const { train, queries } = await generate(options('embedding-256-5000', { queries: 200 }));
    const { distances } = await exactNeighbors({ base: train, queries, k: 100, metric: 'l2', threads: 2 });
    const { mean } = intrinsicDimension({ distances, k: 100, metric: 'l2' });
    expect(mean).toBeGreaterThan(15);
    expect(mean).toBeLessThan(30);
    let nearest = 0;
    let any = 0;
    for (let query = 0; query < 200; query++) {
      nearest += Math.sqrt(distances[query * 100]) / 200;
      any += norm(row(queries, query).map((x, j) => x - row(train, query)[j])) / 200;
    }
    expect(nearest / any).toBeGreaterThan(0.3);
    expect(nearest / any).toBeLessThan(0.8);
  });
});

test('clusters are of unequal size', async () => {
  const { model } = findDataset('clustered-2-1') as SyntheticSet;
  const { train } = await generate(options('clustered-8-4000', { model: { ...model, spread: 1e-4 } as typeof model }));
  const sizes = new Map<string, number>();
  for (const vector of everyRow(train)) {
    const cluster = vector.map((x) => Math.round(x * 100)).join();
    sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  const sorted = [...sizes.values()].sort((a, b) => b - a);
  // Shares fall as 1/rank: with 100 clusters the first has 19 %.
  expect(sorted[0] / 4000).toBeGreaterThan(0.15);
  expect(sorted[0] / 4000).toBeLessThan(0.24);
  expect(sorted.at(-1)).toBeLessThan(30);
});

test('a Gaussian cloud has mean 0 and variance 1', async () => {
  const { train } = await generate(options('gaussian-4-20k'));
  const mean = train.data.reduce((sum, x) => sum + x, 0) / train.data.length;
  const variance = train.data.reduce((sum, x) => sum + x * x, 0) / train.data.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});
