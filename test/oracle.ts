/** Exact search in plain JavaScript and f64, written from the definitions of the metrics and with nothing of the engine. */
import { expect } from 'vitest';
import type { Metric } from '../src/core/metric.ts';
import { Random } from '../src/core/random.ts';

/** The distance between two vectors by the metric's definition. */
export function trueDistance(a: ArrayLike<number>, b: ArrayLike<number>, metric: Metric): number {
  let [product, squares, absolute, normA, normB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    squares += (a[i] - b[i]) ** 2;
    absolute += Math.abs(a[i] - b[i]);
    normA += a[i] ** 2;
    normB += b[i] ** 2;
  }
  if (metric === 'l2') return squares;
  if (metric === 'manhattan') return absolute;
  return metric === 'dot' ? -product : 1 - product / Math.sqrt(normA) / Math.sqrt(normB);
}

/**
 * Sees to it that `ids` and `distances` are min(k, count) nearest of `vectors` (by id) to `query`: no id twice, ascending, each
 * distance right, and none left out that is nearer than the last. Rounding to f32 may change distances by a little and so
 * the order of ties.
 */
export function expectNearest(
  { ids, distances }: { ids: ArrayLike<number>; distances: ArrayLike<number> },
  {
    query,
    vectors,
    k,
    metric,
  }: {
    query: ArrayLike<number>;
    vectors: ReadonlyMap<number, ArrayLike<number>>;
    k: number;
    metric: Metric;
  },
): void {
  const length = Math.min(k, vectors.size);
  expect([ids.length, distances.length]).toEqual([length, length]);
  expect(new Set(Array.from(ids)).size).toBe(length);
  const truth = new Map(Array.from(vectors, ([id, vector]) => [id, trueDistance(query, vector, metric)]));
  const sorted = Array.from(truth.values()).sort((a, b) => a - b);
  for (let i = 0; i < length; i++) {
    const distance = truth.get(ids[i]);
    if (distance === undefined) expect.fail(`place ${i}: id ${ids[i]} is not in the set`);
    const tolerance = toleranceOf(query, vectors.get(ids[i])!, metric);
    const where = `place ${i}, id ${ids[i]}, ${metric}`;
    if (!(Math.abs(distances[i] - distance) <= tolerance))
      expect.fail(`${where}: distance ${distances[i]}, the oracle says ${distance} ± ${tolerance}`);
    if (!(Math.abs(distance - sorted[i]) <= 2 * tolerance))
      expect.fail(`${where}: distance ${distance}, but the oracle's in this place is ${sorted[i]}`);
    if (i > 0 && !(distances[i] >= distances[i - 1])) expect.fail(`${where}: not in ascending order`);
  }
}

/** Rounding of an f32 sum of that many terms, and of vectors that were normalized to f32. */
function toleranceOf(a: ArrayLike<number>, b: ArrayLike<number>, metric: Metric): number {
  let magnitude = 1;
  if (metric !== 'cosine') {
    magnitude = 0;
    for (let i = 0; i < a.length; i++) {
      if (metric === 'dot') magnitude += Math.abs(a[i] * b[i]);
      else magnitude += metric === 'l2' ? (a[i] - b[i]) ** 2 : Math.abs(a[i] - b[i]);
    }
  }
  return (a.length / 4 + 16) * 2 ** -24 * magnitude;
}

/** `n` vectors of a random kind, one behind the other: normal, small integers (many ties) or on one line. None is zero. */
export function randomRows({ n, dimension, kind, seed }: RowsOf): Float32Array {
  const random = new Random(`rows ${kind} ${seed}`);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const along = 1 + random.integer(5);
    for (let j = 0; j < dimension; j++) {
      const component = {
        normal: () => random.normal(),
        integers: () => random.integer(5) - 2,
        line: () => along * (j + 1),
      };
      data[i * dimension + j] = component[kind]();
    }
    if (data.subarray(i * dimension, (i + 1) * dimension).every((x) => x === 0)) data[i * dimension] = 1;
  }
  return data;
}

export interface RowsOf {
  n: number;
  dimension: number;
  kind: 'normal' | 'integers' | 'line';
  seed: number;
}

/** Rows by their ids; without `ids`, by their numbers. */
export function byId(data: Float32Array, dimension: number, ids?: ArrayLike<number>): Map<number, Float32Array> {
  const rows = Array.from({ length: data.length / dimension }, (_, i) => {
    return data.subarray(i * dimension, (i + 1) * dimension);
  });
  return new Map(rows.map((row, i) => [ids ? ids[i] : i, row]));
}
