import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { lowerBoundOf } from '../../src/graph/recall-bound.ts';

describe('a lower bound', () => {
  const recalls = (n: number, misses: number, recall: number) =>
    Float64Array.from({ length: n }, (_, i) => (i < misses ? recall : 1));

  it('is the rule of three where nobody missed, times what missing costs', () => {
    expect(lowerBoundOf(recalls(300, 0, 1), 0.95, 1)).toBeCloseTo(0.05 ** (1 / 300), 9);
    expect(lowerBoundOf(recalls(300, 0, 1), 0.95, 1)).toBeCloseTo(1 - 3 / 300, 3);
    expect(lowerBoundOf(recalls(300, 0, 1), 0.95, 0.1)).toBeCloseTo(1 - 0.3 / 300, 4);
  });

  it('is Clopper and Pearson’s where few missed, and Student’s where what they lose differs', () => {
    // 5 of 100: the exact upper bound of the share is 0.10225 (one-sided, 95 %).
    expect(lowerBoundOf(recalls(100, 5, 0), 0.95, 1)).toBeCloseTo(1 - 0.10225, 4);
    const half = Float64Array.from({ length: 400 }, (_, i) => (i % 2 ? 1 : 0));
    // 0.5 − 1.6487 · 0.50063 / 20, and Clopper and Pearson's 0.45765.
    expect(lowerBoundOf(half, 0.95, 1)).toBeCloseTo(0.4577, 3);
    const wild = Float64Array.from({ length: 100 }, (_, i) => (i < 50 ? 0.9 : 0));
    // Student's: 0.45 − 1.6604 · 0.45227 / 10.
    expect(lowerBoundOf(wild, 0.95, 0.3)).toBeCloseTo(0.3749, 3);
  });

  it('falls with the confidence, rises with the sample, and is never below 0', () => {
    expect(lowerBoundOf(recalls(100, 9, 0.5), 0.99, 0.5)).toBeLessThan(lowerBoundOf(recalls(100, 9, 0.5), 0.9, 0.5));
    expect(lowerBoundOf(recalls(100, 9, 0.5), 0.9, 0.5)).toBeLessThan(lowerBoundOf(recalls(1000, 90, 0.5), 0.9, 0.5));
    expect(lowerBoundOf(Float64Array.of(1), 0.95, 1)).toBeCloseTo(0.05, 9);
    expect(lowerBoundOf(Float64Array.of(0), 0.95, 1)).toBe(0);
    expect(lowerBoundOf(Float64Array.of(0, 1), 0.95, 1)).toBe(0);
  });

  it('is below the truth as often as it says', () => {
    const random = new Random('bounds');
    for (const [share, loss] of [
      [0.3, 0.4],
      [0.03, 0.2],
      [0.004, 0.1],
    ]) {
      let below = 0;
      for (let trial = 0; trial < 400; trial++) {
        const some = Float64Array.from({ length: 256 }, () => (random.uniform() < share ? 1 - loss : 1));
        below += lowerBoundOf(some, 0.95, loss) <= 1 - share * loss ? 1 : 0;
      }
      // 95 %, less three standard errors of 400 trials.
      expect(below / 400).toBeGreaterThan(0.917);
    }
  });
});
