import { describe, expect, it } from 'vitest';
import { forPeers } from '../../../days/00-baseline/peers/vectors.ts';
import { type Matrix, row } from '../../../src/core/matrix.ts';
import type { Metric } from '../../../src/core/metric.ts';
import { Random } from '../../../src/core/random.ts';

function randomMatrix(rows: number, dimension: number, seed: number): Matrix {
  const random = new Random(seed);
  return { data: Float32Array.from({ length: rows * dimension }, () => random.normal()), rows, dimension };
}

const length = (vector: Float32Array) => Math.hypot(...vector);
const prepared = (metric: Metric, train: Matrix) => forPeers({ train, queries: randomMatrix(3, 5, 2), metric });

describe('forPeers', () => {
  const train = randomMatrix(20, 5, 1);

  it('leaves L2 and dot sets as they are', () => {
    expect(prepared('l2', train)).toMatchObject({ base: train, space: 'l2' });
    expect(prepared('dot', train)).toMatchObject({ base: train, space: 'dot' });
  });

  it('brings cosine sets to length 1, queries too, without touching what it was given', () => {
    const before = train.data.slice();
    const { base, queries, space } = prepared('cosine', train);
    expect(space).toBe('either');
    for (let i = 0; i < base.rows; i++) expect(length(row(base, i))).toBeCloseTo(1, 6);
    for (let i = 0; i < queries.rows; i++) expect(length(row(queries, i))).toBeCloseTo(1, 6);
    expect(train.data).toEqual(before);
  });

  it('sees that L2 and dot agree on vectors of one length, whatever it is, and that one other vector spoils it', () => {
    const { base } = prepared('cosine', train);
    const scaled = { ...base, data: base.data.map((x) => 7 * x) };
    expect(prepared('l2', scaled).space).toBe('either');
    scaled.data.set(row(base, 19), 19 * 5);
    expect(prepared('l2', scaled).space).toBe('l2');
  });

  it('refuses Manhattan, which no peer knows', () => {
    expect(() => prepared('manhattan', train)).toThrow(/manhattan.*l2, dot or cosine/);
  });
});
