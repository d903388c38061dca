import { describe, expect, it } from 'vitest';
import { hashToUnit, Random } from '../../src/core/random.ts';

/** Σ (observed − expected)² / expected over equal bins. */
function chiSquare(counts: number[], n: number): number {
  const expected = n / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function binned(values: number[], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) counts[Math.min(Math.floor(value * bins), bins - 1)]++;
  return counts;
}

function moments(values: number[]): { mean: number; variance: number } {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length };
}

/** For 99 degrees of freedom: 1 in 10,000 uniform samples is beyond either. */
const CHI_SQUARE_99 = { least: 55, most: 161 };

describe('hashToUnit', () => {
  it('gives the values it always gave: graphs built before depend on them', () => {
    expect([0, 1, 2, 1_000_000].map((slot) => hashToUnit(1, slot))).toEqual([
      0.5448085684329271, 0.04505969490855932, 0.21029348019510508, 0.8589270154479891,
    ]);
    expect(hashToUnit(7, 42)).toBe(hashToUnit(7, 42));
  });

  it.each([0, 1, 2, 42, 2 ** 31, 2 ** 32 - 1])('is uniform over slots, in (0, 1] (seed %d)', (seed) => {
    const n = 100_000;
    const values = Array.from({ length: n }, (_, slot) => hashToUnit(seed, slot));
    expect(values.every((value) => value > 0 && value <= 1)).toBe(true);
    const statistic = chiSquare(binned(values, 100), n);
    expect(statistic).toBeGreaterThan(CHI_SQUARE_99.least);
    expect(statistic).toBeLessThan(CHI_SQUARE_99.most);
  });

  it('is uniform over seeds too, at one slot', () => {
    const n = 100_000;
    const statistic = chiSquare(
      binned(
        Array.from({ length: n }, (_, seed) => hashToUnit(seed, 5)),
        100,
      ),
      n,
    );
    expect(statistic).toBeGreaterThan(CHI_SQUARE_99.least);
    expect(statistic).toBeLessThan(CHI_SQUARE_99.most);
  });

  it('neighbouring slots, and neighbouring seeds, have nothing to do with each other', () => {
    const n = 50_000;
    const pairs: [string, (i: number) => [number, number]][] = [
      ['slots', (i) => [hashToUnit(3, i), hashToUnit(3, i + 1)]],
      ['seeds', (i) => [hashToUnit(3, i), hashToUnit(4, i)]],
    ];
    for (const [, pair] of pairs) {
      const products = Array.from({ length: n }, (_, i) => {
        const [a, b] = pair(i);
        return (a - 0.5) * (b - 0.5) * 12;
      });
      // The correlation of n independent pairs has a standard deviation of 1 / √n.
      expect(Math.abs(moments(products).mean)).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  it.each([2, 8, 16, 48])(
    'draws levels as the paper wants them: a share of 1 / M climbs from each to the next (M %d)',
    (M) => {
      const n = 200_000;
      let above = n;
      const levels = Array.from({ length: n }, (_, slot) => Math.floor(-Math.log(hashToUnit(9, slot)) / Math.log(M)));
      expect(levels.every((level) => level >= 0)).toBe(true);
      for (let level = 1; above > 2000; level++) {
        const here = levels.filter((drawn) => drawn >= level).length;
        const deviation = Math.sqrt((above / M) * (1 - 1 / M));
        expect(Math.abs(here - above / M)).toBeLessThan(4 * deviation);
        above = here;
      }
      // The highest of n: log_M n, and seldom more than a few above.
      expect(Math.max(...levels.slice(0, 50_000))).toBeLessThan(Math.log(n) / Math.log(M) + 12 / Math.log2(M));
    },
  );
});

describe('Random', () => {
  it('gives the values it always gave', () => {
    const random = new Random(1);
    expect([random.uniform(), random.normal(), random.normal(), random.integer(1000)]).toEqual([
      0.2694488477791326, -0.18113694340783762, 1.033054953885719, 248,
    ]);
    expect(Array.from(new Random('words are seeds too').permutation(8))).toEqual([2, 1, 0, 5, 3, 6, 7, 4]);
  });

  it('is the same stream under the same seed and another one under another', () => {
    const draw = (seed: number | string) =>
      Array.from(
        { length: 20 },
        (
          (random) => () =>
            random.uniform()
        )(new Random(seed)),
      );
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).toEqual(draw('5'));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it('uniform is uniform in [0, 1), and integer takes each value as often', () => {
    const random = new Random(2);
    const n = 100_000;
    const values = Array.from({ length: n }, () => random.uniform());
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    const integers = Array.from({ length: n }, () => random.integer(100));
    expect(integers.every((value) => Number.isInteger(value) && value >= 0 && value < 100)).toBe(true);
    for (const sample of [values, integers.map((value) => (value + 0.5) / 100)]) {
      const statistic = chiSquare(binned(sample, 100), n);
      expect(statistic).toBeGreaterThan(CHI_SQUARE_99.least);
      expect(statistic).toBeLessThan(CHI_SQUARE_99.most);
    }
  });

  it('normal has mean 0, variance 1, and the tails of a normal', () => {
    const random = new Random(3);
    const n = 100_000;
    const values = Array.from({ length: n }, () => random.normal());
    const { mean, variance } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    for (const [beyond, share] of [
      [1, 0.3173],
      [2, 0.0455],
      [3, 0.0027],
    ]) {
      const found = values.filter((value) => Math.abs(value) > beyond).length;
      expect(Math.abs(found - n * share)).toBeLessThan(4 * Math.sqrt(n * share) + n * 5e-5);
    }
    // The two of a pair are independent.
    const products = Array.from({ length: n / 2 }, (_, i) => values[2 * i] * values[2 * i + 1]);
    expect(Math.abs(moments(products).mean)).toBeLessThan(4 / Math.sqrt(n / 2));
  });

  it('a permutation holds each number once, and every order is as likely', () => {
    const random = new Random(4);
    expect(Array.from(random.permutation(0))).toEqual([]);
    expect(Array.from(random.permutation(1))).toEqual([0]);
    expect(Array.from(random.permutation(500)).sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    const orders = new Map<string, number>();
    const n = 24_000;
    for (let i = 0; i < n; i++) {
      const order = random.permutation(4).join();
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    // 23 degrees of freedom: 1 in 10,000 is beyond 55.
    expect(chiSquare(Array.from(orders.values()), n)).toBeLessThan(55);
  });
});
