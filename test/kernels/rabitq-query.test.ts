/** The integers that a query of RaBitQ codes is rounded to. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { Kernel, settings, vectorAbout } from './rabitq-samples.ts';
import { seeded } from './samples.ts';

onBothBuilds('a query of RaBitQ codes', (build) => {
  const memory = new Isolated(build, 2 ** 18);

  it('a query is rounded to the nearest integers of a step that none exceeds', () => {
    const property = fc.property(settings, (setting) => {
      const { bits } = setting.space;
      const kernel = new Kernel(memory, setting);
      const q = vectorAbout(setting);
      kernel.prepare(q);
      const v = kernel.integers();
      const turned = scalar.rotateAbout(setting.space, q);
      const greatest = turned.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const step =
        bits === 1
          ? (0.3352 / 2) * Math.sqrt(scalar.norm2(turned) / turned.length)
          : greatest / (bits === 8 ? 2047 : 127);
      for (const [i, integer] of v.entries()) {
        const wanted = turned[i] / step;
        if (bits === 1 && Math.abs(wanted) > 16) expect(integer).toBe(Math.sign(wanted) * 15);
        else expect(Math.abs(wanted - integer)).toBeLessThanOrEqual(bits === 1 ? 1.001 : 0.51);
      }
    });
    fc.assert(property, seeded(100));
  });
});
