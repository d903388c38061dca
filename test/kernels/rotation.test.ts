import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { EPS, gaps, samples, seeded, vectorOf } from './samples.ts';

/** Dimensions that the rotation takes: multiples of 64, powers of two and others. */
const padded = fc.integer({ min: 1, max: 64 }).map((words) => words * 64);
const rounds = fc.integer({ min: 0, max: 5 });

function flipsOf(n: number, seed: number): Float32Array {
  const random = new Random(`flips ${seed}`);
  return Float32Array.from({ length: n }, () => (random.uniform() < 0.5 ? -1 : 1));
}

onBothBuilds('rotation', (build) => {
  const memory = new Isolated(build, 2 ** 18);

  function rotated(x: Float32Array, flips: Float32Array, count: number, gap = 4): Float32Array {
    const n = x.length;
    const atFlips = memory.clear().put(flips, gap);
    const at = memory.put(x, gap);
    memory.call((kernels) => kernels.rotate(at, n, atFlips, count), { at, bytes: n * 4 });
    return memory.f32(at, n);
  }

  it('is the twin up to rounding', () => {
    const property = fc.property(padded, samples, fc.nat(), rounds, gaps, (n, sample, seed, count, gap) => {
      const x = vectorOf(n, sample);
      const flips = flipsOf(count * n, seed);
      const got = rotated(x, flips, count, gap);
      const truth = scalar.rotate(x, flips, count);
      const error = Math.sqrt(got.reduce((sum, value, i) => sum + (value - truth[i]) ** 2, 0));
      // Each round adds log2 n times and scales twice; each of those is off by half an ulp of the whole vector at most.
      const bound = count * (Math.log2(n) + 4) * EPS * Math.sqrt(scalar.norm2(x)) + n * count * 2 ** -149;
      expect(error).toBeLessThanOrEqual(bound);
    });
    fc.assert(property, seeded(150));
  });

  it('preserves norms and inner products', () => {
    const property = fc.property(padded, samples, samples, fc.nat(), (n, first, second, seed) => {
      const flips = flipsOf(4 * n, seed);
      const [x, y] = [vectorOf(n, first), vectorOf(n, second)];
      const [turnedX, turnedY] = [rotated(x, flips, 4), rotated(y, flips, 4)];
      const norms = Math.sqrt(scalar.norm2(x)) * Math.sqrt(scalar.norm2(y));
      expect(Math.abs(scalar.norm2(turnedX) - scalar.norm2(x))).toBeLessThanOrEqual(1e-5 * scalar.norm2(x) + 1e-80);
      const moved = Math.abs(scalar.dot(turnedX, turnedY) - scalar.dot(x, y));
      expect(moved).toBeLessThanOrEqual(1e-5 * norms + 1e-42 * (1 + norms));
    });
    fc.assert(property, seeded(100));
  });

  it('spreads a single component over all: none keeps more than a few times its share', () => {
    for (const n of [64, 128, 192, 832, 1024]) {
      const x = new Float32Array(n);
      x[n >> 1] = 1;
      const turned = rotated(x, flipsOf(4 * n, n), 4);
      const greatest = turned.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(greatest).toBeLessThan(6 / Math.sqrt(n));
    }
  });
});

describe('the scalar rotation', () => {
  it('is orthonormal: its images of the unit vectors are', () => {
    for (const n of [64, 192]) {
      const flips = flipsOf(4 * n, 7);
      const images = Array.from({ length: n }, (_, i) => {
        const unit = new Float32Array(n);
        unit[i] = 1;
        return scalar.rotate(unit, flips, 4);
      });
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          expect(Math.abs(scalar.dot(images[i], images[j]) - (i === j ? 1 : 0))).toBeLessThan(1e-13);
        }
      }
    }
  });
});
