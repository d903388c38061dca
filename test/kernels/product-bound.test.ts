/** Bounds of product codes: whatever the model and the query, the distance to the vector itself is within them. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { Configured, distance, MEMORY_BYTES, modelOf, shapes, twinOf, vectorsOf } from './product-samples.ts';
import { seeded } from './samples.ts';

onBothBuilds('bounds of product codes', (build) => {
  const memory = new Isolated(build, MEMORY_BYTES);

  it('hold, of a query, of a code and of a query after it, one at a time or many', () => {
    const property = fc.property(shapes, fc.integer({ min: 1, max: 9 }), ({ shape, seed }, n) => {
      const random = new Random(`bounds ${seed}`);
      const model = modelOf(shape, random);
      const configured = new Configured(memory, model);
      const vectors = vectorsOf(n, shape, random);
      const [q] = vectorsOf(1, shape, random);
      const codes = vectors.map((x) => configured.encode(x));
      const at = configured.put(codes);
      const { codeBytes } = configured.layout;
      const { kernels } = memory;

      const check = (query: ArrayLike<number>, prepare: (x: number) => void) => {
        configured.run(prepare, q, 0);
        const out = configured.run((_, to) => kernels.boundsOfProduct(at, n, to), q, n * 4);
        const bounds = memory.f32(out, n);
        for (const [i, bound] of bounds.entries()) {
          const code = at + i * codeBytes;
          expect(kernels.productBound(code)).toBe(bound);
          const exact = distance(shape.metric, query, vectors[i]);
          expect(Math.abs(kernels.productDistance(code) - exact)).toBeLessThanOrEqual(bound);
        }
      };
      const decoded = scalar.decodeProduct(twinOf(model), configured.read(codes[n - 1]));
      check(q, (x) => kernels.prepareProduct(x));
      check(decoded, () => kernels.prepareProductCode(at + (n - 1) * codeBytes));
      // And a query again: the length of the one before is forgotten.
      check(q, (x) => kernels.prepareProduct(x));
    });
    fc.assert(property, seeded(80));
  });
});
