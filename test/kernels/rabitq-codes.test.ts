/** RaBitQ codes against their twin, on both builds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { Kernel, settings, vectorAbout } from './rabitq-samples.ts';
import { seeded } from './samples.ts';

onBothBuilds('RaBitQ codes', (build) => {
  const memory = new Isolated(build, 2 ** 18);

  it('levels are nearly the best there are, and factors those of the levels', () => {
    const property = fc.property(settings, (setting) => {
      const { space } = setting;
      const kernel = new Kernel(memory, setting);
      const x = vectorAbout(setting);
      const [at] = kernel.encode(x);
      const code = kernel.read(at);
      const truth = scalar.rabitqCode(space, x, code.levels);
      const magnitude = scalar.norm2(x) + scalar.norm2(space.mean);
      expect(Math.abs(code.own - truth.own)).toBeLessThanOrEqual(1e-5 * magnitude);
      expect(Math.abs(code.norm - truth.norm)).toBeLessThanOrEqual(1e-5 * truth.norm + 1e-6 * Math.sqrt(magnitude));
      expect(Math.abs(code.factor - truth.factor)).toBeLessThanOrEqual(1e-4 * truth.factor + 1e-5);
      const tangent = code.across / code.norm;
      expect(Math.abs(tangent - truth.across / truth.norm)).toBeLessThanOrEqual(1e-4 * tangent + 5e-7 / tangent);
      const best = scalar.encodeRabitq(space, x);
      const bestTangent = best.across / best.norm;
      // Twelve scales are tried instead of all: with few dimensions that may miss the best by more.
      const most = space.rotated < 192 ? 1.5 : space.rotated < 1024 ? 1.12 : 1.03;
      expect(tangent).toBeLessThanOrEqual(bestTangent * most + 1e-3);
      expect(tangent).toBeGreaterThanOrEqual(bestTangent * (1 - 1e-4) - 1e-6);
    });
    fc.assert(property, seeded(100));
  });

  it('decode is the twin’s, and as far from the vector as its factors say', () => {
    const property = fc.property(settings, (setting) => {
      const { dimension, space } = setting;
      const kernel = new Kernel(memory, setting);
      const x = vectorAbout(setting);
      const [at] = kernel.encode(x);
      const to = memory.room(dimension * 4, 5);
      const between = memory.u8(at, to - at);
      memory.call((kernels) => kernels.decodeRabitq(at, to), {
        at: kernel.scratch,
        bytes: to + dimension * 4 - kernel.scratch,
      });
      expect(memory.u8(at, to - at)).toEqual(between);
      const decoded = memory.f32(to, dimension);
      const code = kernel.read(at);
      const truth = scalar.decodeRabitq(space, code);
      const longest = Math.sqrt(scalar.norm2(x)) + Math.sqrt(scalar.norm2(space.mean));
      expect(Math.sqrt(scalar.l2(decoded, truth))).toBeLessThanOrEqual(1e-5 * longest);
      // Padded dimensions carry a part of the error, which is not seen here.
      const error = (code.norm * code.across) / Math.hypot(code.norm, code.across);
      expect(Math.sqrt(scalar.l2(decoded, x))).toBeLessThanOrEqual(error + 1e-5 * longest);
      if (dimension === space.rotated)
        expect(Math.sqrt(scalar.l2(decoded, x))).toBeGreaterThanOrEqual(error - 1e-4 * longest);
    });
    fc.assert(property, seeded(100));
  });
});
