/** Distances by product codes against those to what the codes stand for, by look-ups and from codes that are decoded. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { Configured, distance, MEMORY_BYTES, modelOf, shapes, twinOf, vectorsOf } from './product-samples.ts';
import { EPS, seeded } from './samples.ts';

onBothBuilds('product quantization', (build) => {
  const memory = new Isolated(build, MEMORY_BYTES);

  it('distances are those to what codes stand for, one or four at a time, of a query or of a code', () => {
    const property = fc.property(shapes, fc.integer({ min: 1, max: 9 }), ({ shape, seed }, n) => {
      const random = new Random(`distances ${seed}`);
      const model = modelOf(shape, random);
      const twin = twinOf(model);
      const configured = new Configured(memory, model);
      const vectors = vectorsOf(n, shape, random);
      const [q] = vectorsOf(1, shape, random);
      const codes = vectors.map((x) => configured.encode(x));
      const decoded = codes.map((code) => scalar.decodeProduct(twin, configured.read(code)));
      const at = configured.put(codes);
      const { codeBytes } = configured.layout;
      const { kernels } = memory;

      const check = (query: ArrayLike<number>, prepare: (x: number) => void) => {
        const out = configured.run(
          (x, to) => {
            prepare(x);
            kernels.distancesOfProduct(at, n, to);
          },
          q,
          n * 4,
        );
        const distances = memory.f32(out, n);
        for (let i = 0; i < n; i++) {
          expect(kernels.productDistance(at + i * codeBytes)).toBe(distances[i]);
          const length =
            Math.sqrt(scalar.norm2(query)) + Math.sqrt(scalar.norm2(decoded[i])) + Math.sqrt(scalar.norm2(model.mean));
          const truth = distance(shape.metric, query, decoded[i]);
          expect(Math.abs(distances[i] - truth)).toBeLessThanOrEqual(32 * EPS * (length ** 2 + 1));
        }
      };
      check(q, (x) => kernels.prepareProduct(x));
      check(decoded[n - 1], () => kernels.prepareProductCode(at + (n - 1) * codeBytes));
      // And a query again: of what the code left behind nothing is used.
      check(q, (x) => kernels.prepareProduct(x));
    });
    fc.assert(property, seeded(80));
  });

  it('encoding, decoding and looking at points leave the query what it was', () => {
    const property = fc.property(shapes, fc.boolean(), ({ shape, seed }, fromCode) => {
      const random = new Random(`in between ${seed}`);
      const configured = new Configured(memory, modelOf(shape, random));
      const [q, x] = vectorsOf(2, shape, random);
      const at = configured.put([configured.encode(x)]);
      const { kernels } = memory;
      if (fromCode) kernels.prepareProductCode(at);
      else configured.run((from) => kernels.prepareProduct(from), q, 0);
      const before = kernels.productDistance(at);
      configured.encode(q);
      configured.run((_, to) => kernels.decodeProduct(at, to), x, shape.dimension * 4);
      configured.run((from, to) => kernels.pointOfProduct(from, to), x, configured.layout.stride * shape.m * 4);
      expect(kernels.productDistance(at)).toBe(before);
    });
    fc.assert(property, seeded(80));
  });
});
