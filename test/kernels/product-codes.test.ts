/** Product codes against their twin, on both builds: the same to the last bit where nothing is rotated. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import type { Build } from '../../src/kernels/wasm.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { Configured, MEMORY_BYTES, modelOf, shapes, twinOf, vectorsOf } from './product-samples.ts';
import { EPS, seeded } from './samples.ts';

onBothBuilds('product codes', (build) => {
  const memory = new Isolated(build, MEMORY_BYTES);

  it('a code names the nearest centroids, of equal ones the first, and the error is that of what it stands for', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const random = new Random(`encode ${seed}`);
      const model = modelOf(shape, random);
      const twin = twinOf(model);
      const configured = new Configured(memory, model);
      for (const x of vectorsOf(3, shape, random)) {
        const code = configured.encode(x);
        const got = configured.read(code);
        const want = scalar.encodeProduct(twin, x);
        expect(got.numbers).not.toContain(7);
        if (!shape.opq) expect({ ...got, error: 0 }).toEqual({ ...want, error: 0 });
        // Rotated points are rounded otherwise than the twin's, so that of two that are as near either will do.
        const truth = Math.sqrt(scalar.l2(x, scalar.decodeProduct(twin, got)));
        expect(truth).toBeLessThanOrEqual(want.error + 1e-4);
        expect(got.error).toBeGreaterThanOrEqual(truth);
        expect(got.error).toBeLessThanOrEqual(truth * (1 + 5e-5) + 1e-4 * (1 + Math.sqrt(shape.dimension)));
        const { payloadBytes, errorAt, codeBytes } = configured.layout;
        const zeros = [
          code.subarray(payloadBytes, errorAt),
          code.subarray(errorAt + (shape.centroids > 0 ? 12 : 4), codeBytes),
        ];
        expect(zeros.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
      }
    });
    fc.assert(property, seeded(80));
  });

  it('decode gives centroids, turned back', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const random = new Random(`decode ${seed}`);
      const model = modelOf(shape, random);
      const configured = new Configured(memory, model);
      const [x] = vectorsOf(1, shape, random);
      const code = configured.encode(x);
      const at = configured.put([code]);
      const out = configured.run((_, to) => memory.kernels.decodeProduct(at, to), x, shape.dimension * 4);
      const truth = scalar.decodeProduct(twinOf(model), configured.read(code));
      for (const [i, value] of memory.f32(out, shape.dimension).entries()) {
        expect(Math.abs(value - truth[i])).toBeLessThanOrEqual(64 * EPS * (3 + Math.sqrt(shape.dimension)));
      }
    });
    fc.assert(property, seeded(60));
  });
});

describe.skipIf(!HAS_RELAXED)('both builds of product codes', () => {
  const memories = (['baseline', 'relaxed'] satisfies Build[]).map((build) => new Isolated(build, MEMORY_BYTES));

  it('write the same codes and read the same vectors from them, to the last bit', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const [baseline, relaxed] = memories.map((memory) => {
        const random = new Random(`builds ${seed}`);
        const configured = new Configured(memory, modelOf(shape, random));
        return vectorsOf(4, shape, random).map((x) => {
          const code = configured.encode(x);
          const at = configured.put([code]);
          const out = configured.run((_, to) => memory.kernels.decodeProduct(at, to), x, shape.dimension * 4);
          return [code, memory.f32(out, shape.dimension)];
        });
      });
      expect(relaxed).toEqual(baseline);
    });
    fc.assert(property, seeded(80));
  });
});
