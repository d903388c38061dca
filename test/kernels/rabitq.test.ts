/** Estimates by RaBitQ codes: the kernels against their twin. What the estimates promise is in test/quantize/rabitq.test.ts. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { agreement, dimensions, EPSILON_0, Kernel, settingOf, settings, vectorAbout } from './rabitq-samples.ts';
import { samples, seeded, vectorOf } from './samples.ts';

onBothBuilds('RaBitQ', (build) => {
  const memory = new Isolated(build, 2 ** 18);

  it('distances are what levels, factors and the query’s integers say; four per call are the same to the last bit', () => {
    const property = fc.property(settings, fc.integer({ min: 1, max: 9 }), (setting, count) => {
      const { space } = setting;
      const { bits, metric } = space;
      const kernel = new Kernel(memory, setting);
      const vectors = Array.from({ length: count }, () => vectorAbout(setting));
      const codes = kernel.encode(...vectors);
      const q = vectorAbout(setting);
      kernel.prepare(q);
      const v = kernel.integers();
      const turned = scalar.rotateAbout(setting.space, q);
      const squared = scalar.norm2(turned);
      const step = squared / scalar.dot(turned, v);
      const part =
        metric === 'l2'
          ? squared
          : scalar.norm2(space.mean) - scalar.dot(q, space.mean) + (metric === 'cosine' ? 1 : 0);
      const out = memory.room(4 * count);
      memory.call((kernels) => kernels.rabitqDistancesInto(codes[0], count, out), { at: out, bytes: 4 * count });
      const got = memory.f32(out, count);
      const boundsAt = memory.room(4 * count);
      memory.call((kernels) => kernels.rabitqBoundsInto(codes[0], count, boundsAt), { at: boundsAt, bytes: 4 * count });
      const bounds = memory.f32(boundsAt, count);
      for (const [i, at] of codes.entries()) {
        const code = kernel.read(at);
        const times = metric === 'l2' ? 2 : 1;
        const product = ((times * code.factor * step) / 2) * agreement(code.levels, v, bits);
        const magnitude = Math.abs(code.own) + Math.abs(part) + Math.abs(product) + scalar.norm2(space.mean);
        expect(Math.abs(got[i] - (code.own + part - product))).toBeLessThanOrEqual(2e-5 * magnitude);
        expect(memory.call((kernels) => kernels.rabitqDistance(at))).toBe(got[i]);
        // Rounding the query moves the estimate by no more than what was lost is long.
        const lost = Math.sqrt(Math.max(step ** 2 * scalar.norm2(v) - squared, 0));
        const y = Math.sqrt(scalar.norm2(code.levels.map((level) => Math.abs(2 * level - (2 ** bits - 1))))) / 2;
        const unrounded = scalar.rabitqDistance(space, code, q);
        expect(Math.abs(got[i] - unrounded)).toBeLessThanOrEqual(times * code.factor * y * lost + 2e-5 * magnitude);
        const deviation = Math.hypot(code.across * Math.sqrt(squared + lost ** 2), code.norm * lost);
        const bound = (times * EPSILON_0 * deviation) / Math.sqrt(space.rotated - 1);
        expect(Math.abs(bounds[i] - bound)).toBeLessThanOrEqual(2e-3 * bound);
        expect(memory.call((kernels) => kernels.rabitqBound(at))).toBe(bounds[i]);
      }
    });
    fc.assert(property, seeded(120));
  });

  it('a stored code as the query is its grid point, stretched by its own factor', () => {
    const property = fc.property(settings, (setting) => {
      const { space } = setting;
      const kernel = new Kernel(memory, setting);
      const [x, y, z] = kernel.encode(vectorAbout(setting), vectorAbout(setting), vectorAbout(setting));
      kernel.prepareCode(x);
      const [a, magnitude0] = [kernel.read(x), scalar.norm2(space.mean)];
      const odd = Float64Array.from(a.levels, (level) => 2 * level - (2 ** space.bits - 1));
      for (const at of [x, y, z]) {
        const b = kernel.read(at);
        const product = ((a.factor * b.factor) / 4) * agreement(b.levels, odd, space.bits);
        const truth =
          space.metric === 'l2'
            ? a.own + b.own - 2 * product
            : magnitude0 + a.own + b.own - product + (space.metric === 'cosine' ? 1 : 0);
        const magnitude = magnitude0 + Math.abs(a.own) + Math.abs(b.own) + Math.abs(product);
        expect(Math.abs(memory.kernels.rabitqDistance(at) - truth)).toBeLessThanOrEqual(1e-5 * magnitude);
        const times = space.metric === 'l2' ? 2 : 1;
        const deviation = Math.hypot(b.across * Math.hypot(a.norm, a.across), b.norm * a.across);
        const bound = (times * EPSILON_0 * deviation) / Math.sqrt(space.rotated - 1);
        expect(Math.abs(memory.kernels.rabitqBound(at) - bound)).toBeLessThanOrEqual(1e-5 * bound);
      }
    });
    fc.assert(property, seeded(100));
  });

  it('takes every kind of vector: factors and distances are finite, bounds not negative', () => {
    const property = fc.property(
      dimensions,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom('l2' as const, 'dot' as const),
      samples,
      samples,
      (dimension, bits, metric, first, second) => {
        const setting = settingOf(dimension, bits, metric, first.seed);
        const kernel = new Kernel(memory, setting);
        const [at] = kernel.encode(vectorOf(dimension, first));
        const factors = memory.f32(at, 4);
        expect(factors.every((factor) => Number.isFinite(factor))).toBe(true);
        expect(factors.subarray(1).every((factor) => factor >= 0)).toBe(true);
        kernel.prepare(vectorOf(dimension, second));
        const distance = memory.kernels.rabitqDistance(at);
        expect(Number.isFinite(distance)).toBe(true);
        expect(memory.kernels.rabitqBound(at)).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(memory.kernels.rabitqBound(at))).toBe(true);
        kernel.prepareCode(at);
        expect(Number.isFinite(memory.kernels.rabitqDistance(at))).toBe(true);
      },
    );
    fc.assert(property, seeded(200));
  });

  it('is no matter of scale: from 1e-25 to what is admitted, estimates are the same multiple', () => {
    for (const bits of [1, 4, 8]) {
      const setting = settingOf(100, bits, 'dot', 7);
      setting.space.mean = new Float32Array(100);
      const [x, q] = [vectorAbout(setting), vectorAbout(setting)];
      const estimates = [1, 1e-15, 1e-10, 1e5, 1e15].map((size) => {
        const kernel = new Kernel(memory, setting);
        const [at] = kernel.encode(x.map((component) => component * size));
        kernel.prepare(q.map((component) => component * size));
        return memory.kernels.rabitqDistance(at) / size ** 2;
      });
      const one = estimates[0];
      for (const estimate of estimates) expect(Math.abs(estimate / one - 1)).toBeLessThan(0.02);
    }
  });
});

it.skipIf(!HAS_RELAXED)('both builds write the same codes and give the same distances, to the last bit', () => {
  const memories = (['baseline', 'relaxed'] as const).map((build) => new Isolated(build, 2 ** 18));
  const property = fc.property(
    dimensions,
    fc.integer({ min: 1, max: 8 }),
    fc.constantFrom('l2' as const, 'dot' as const),
    fc.array(samples, { minLength: 6, maxLength: 6 }),
    (dimension, bits, metric, kinds) => {
      const setting = settingOf(dimension, bits, metric, kinds[0].seed);
      const [query, ...vectors] = kinds.map((kind) => vectorOf(dimension, kind));
      const [baseline, relaxed] = memories.map((memory) => {
        const kernel = new Kernel(memory, setting);
        const codes = kernel.encode(...vectors);
        const out = memory.room(80);
        kernel.prepare(query);
        memory.kernels.rabitqDistancesInto(codes[0], 5, out);
        memory.kernels.rabitqBoundsInto(codes[0], 5, out + 20);
        kernel.prepareCode(codes[1]);
        memory.kernels.rabitqDistancesInto(codes[0], 5, out + 40);
        const to = memory.room(4 * dimension);
        memory.kernels.decodeRabitq(codes[0], to);
        return {
          codes: memory.u8(codes[0], 5 * kernel.codeBytes),
          results: memory.f32(out, 15),
          decoded: memory.f32(to, dimension),
        };
      });
      expect(relaxed).toEqual(baseline);
    },
  );
  fc.assert(property, seeded(150));
});
