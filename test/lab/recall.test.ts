import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { distanceRecallAtK, recallAtK, type Truth } from '../../src/lab/recall.ts';

const seed = 30;

const truthOf = (ids: number[][], distances: number[][]): Truth => ({
  ids: Uint32Array.from(ids.flat()),
  distances: Float32Array.from(distances.flat()),
});

describe('by ids', () => {
  const truth = truthOf(
    [
      [5, 3, 8, 1],
      [2, 0, 7, 4],
    ],
    [
      [1, 2, 3, 4],
      [0, 5, 5, 6],
    ],
  );

  test('the share of the k nearest that was found, over all queries', () => {
    expect(
      recallAtK(
        [
          [3, 5],
          [0, 2],
        ],
        truth,
        2,
      ),
    ).toBe(1);
    expect(
      recallAtK(
        [
          [3, 8],
          [9, 2],
        ],
        truth,
        2,
      ),
    ).toBe(0.5);
    expect(recallAtK([[], []], truth, 2)).toBe(0);
    expect(recallAtK([Uint32Array.of(5), Uint32Array.of(9)], truth, 1)).toBe(0.5);
  });

  test('one that is exactly as far as the k-th is as good', () => {
    expect(
      recallAtK(
        [
          [5, 3],
          [2, 7],
        ],
        truth,
        2,
      ),
    ).toBe(1);
    expect(
      recallAtK(
        [
          [5, 8],
          [2, 4],
        ],
        truth,
        2,
      ),
    ).toBe(0.5);
  });

  test('more than k of them do not make it more than 1', () => {
    expect(
      recallAtK(
        [
          [5, 3, 8],
          [2, 0, 7],
        ],
        truth,
        2,
      ),
    ).toBe(1);
    expect(
      recallAtK(
        [
          [8, 5, 3],
          [7, 2, 0],
        ],
        truth,
        2,
      ),
    ).toBe(0.75);
  });

  test('one that comes twice counts once', () => {
    expect(
      recallAtK(
        [
          [5, 5],
          [2, 2],
        ],
        truth,
        2,
      ),
    ).toBe(0.5);
  });

  test('of a set with fewer than k vectors, all are wanted', () => {
    expect(
      recallAtK(
        [
          [5, 3, 8, 1],
          [2, 0, 7],
        ],
        truth,
        10,
      ),
    ).toBe(7 / 8);
  });

  test('without ties it is the size of the intersection', () => {
    const ids = fc.uniqueArray(fc.nat(30), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(ids, ids), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 6 }),
        (rows, k) => {
          const distinct = truthOf(
            rows.map(([ids]) => ids),
            rows.map(() => [1, 2, 3, 4, 5, 6]),
          );
          const shared = rows.map(
            ([want, got]) => want.slice(0, k).filter((id) => got.slice(0, k).includes(id)).length,
          );
          const found = rows.map(([, got]) => got);
          expect(recallAtK(found, distinct, k)).toBeCloseTo(shared.reduce((a, b) => a + b) / (k * rows.length), 12);
        },
      ),
      { seed },
    );
  });

  test('a truth that is not of these queries, or k = 0, is refused', () => {
    expect(() => recallAtK([[1], [2], [3]], truth, 1)).toThrow(ParameterError);
    expect(() => recallAtK([], truth, 1)).toThrow(ParameterError);
    expect(() => recallAtK([[1], [2]], truth, 0)).toThrow(ParameterError);
    expect(() => recallAtK([[1], [2]], { ...truth, distances: new Float32Array(4) }, 1)).toThrow(ParameterError);
  });
});

describe("by distances, ann-benchmarks' way", () => {
  const truth = truthOf([[5, 3, 8]], [[1, 4, 9]]);

  test('an absolute slack of 1e-3, added to the length and not to its square', () => {
    const at = (distance: number) => distanceRecallAtK([[1, distance]], truth, { k: 2, metric: 'l2' });
    expect(at(4)).toBe(1);
    expect(at(2.0009 ** 2)).toBe(1);
    expect(at(2.0011 ** 2)).toBe(0.5);
    expect(distanceRecallAtK([[1, 4.0009]], truth, { k: 2, metric: 'cosine' })).toBe(1);
    expect(distanceRecallAtK([[1, 4.0011]], truth, { k: 2, metric: 'cosine' })).toBe(0.5);
  });

  test('a relative slack', () => {
    const at = (distance: number) =>
      distanceRecallAtK([[1, distance]], truth, { k: 2, metric: 'l2', slack: { relative: 0.01 } });
    expect(at(2.019 ** 2)).toBe(1);
    expect(at(2.021 ** 2)).toBe(0.5);
  });

  test('only the first k count, and missing ones are missed', () => {
    expect(distanceRecallAtK([[9, 1, 1]], truth, { k: 2, metric: 'l2' })).toBe(0.5);
    expect(distanceRecallAtK([[1]], truth, { k: 2, metric: 'l2' })).toBe(0.5);
    expect(distanceRecallAtK([[1, 4, 9, 16]], truth, { k: 10, metric: 'l2' })).toBe(1);
  });
});
