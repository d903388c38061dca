/** Bounds of scalar codes: they hold for all forms, metrics and kinds of vectors, and are not larger than they must be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onBothBuilds } from './isolated.ts';
import { seeded } from './samples.ts';
import { Coded, dimensions, exact, forms, metrics, rangesOf, rowsOf, six } from './sq8-samples.ts';

onBothBuilds('bounds of 8-bit codes', (build) => {
  const coded = new Coded(build);
  const { memory } = coded;

  it('the distance to the vectors that were meant is within the bound, for certain: all forms, metrics and kinds', () => {
    const fromCode = fc.boolean();
    const property = fc.property(dimensions, six, forms, metrics, fromCode, (n, kinds, form, metric, code) => {
      const rows = rowsOf(n, kinds, metric);
      coded.configure(n, metric, form, rangesOf(rows.slice(0, 4)));
      const at = coded.encode(rows);
      const atQuery = memory.put(rows[0]);
      if (code) memory.kernels.prepareSq8Code(at[0]);
      else memory.kernels.prepareSq8(atQuery);
      const out = memory.room(4 * (rows.length + 3));
      memory.call((kernels) => kernels.sq8DistancesInto(at[0], rows.length, out), { at: out, bytes: 32 });
      const four = memory.f32(out, rows.length);
      for (const [i, row] of rows.entries()) {
        const truth = exact(rows[0], row, metric);
        const bound = memory.call((kernels) => kernels.sq8Bound(at[i]));
        const one = memory.call((kernels) => kernels.sq8Distance(at[i]));
        expect(Number.isFinite(bound)).toBe(true);
        for (const got of [one, four[i]]) {
          if (!(Math.abs(got - truth) <= bound)) {
            expect.fail(`${form}, ${metric}, ${kinds[i].kind}: ${got}, exact is ${truth} ± ${bound}`);
          }
        }
      }
    });
    fc.assert(property, seeded(600));
  });

  it('the bound is no larger than it must be: where every component is off by nearly half a step, all of it is needed', () => {
    for (const form of ['vector8', 'vector7'] as const) {
      const n = 900;
      // One step is 1; the ends are levels themselves.
      const x = new Float32Array(n).fill(5.49);
      x[0] = form === 'vector8' ? -127 : 0;
      x[1] = 127;
      const ones = new Float32Array(n).fill(1);
      coded.configure(n, 'dot', form, rangesOf([x]));
      const [at] = coded.encode([x]);
      memory.kernels.prepareSq8(memory.put(ones));
      const off = Math.abs(memory.kernels.sq8Distance(at) - exact(ones, x, 'dot'));
      const bound = memory.kernels.sq8Bound(at);
      expect(off / bound).toBeGreaterThan(0.97);
      expect(off / bound).toBeLessThanOrEqual(1);
    }
  });
});
