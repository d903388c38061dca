/** The fast scan of product codes of 4 bits against look-ups in the tables that it rounds. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { BLOCK_CODES, type ProductShape } from '../../src/quantize/product-layout.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { Configured, MEMORY_BYTES, modelOf, shapes, vectorsOf } from './product-samples.ts';
import { EPS, seeded } from './samples.ts';

onBothBuilds('the fast scan of product codes', (build) => {
  const memory = new Isolated(build, MEMORY_BYTES);

  it('codes of 4 bits packed and scanned are off the tables by no more than is said', () => {
    const property = fc.property(shapes, fc.integer({ min: 1, max: 70 }), ({ shape: any, seed }, n) => {
      const shape: ProductShape = { ...any, bits: 4 };
      const random = new Random(`scan ${seed}`);
      const configured = new Configured(memory, modelOf(shape, random));
      const [q, ...vectors] = vectorsOf(n + 1, shape, random);
      const at = configured.put(vectors.map((x) => configured.encode(x)));
      const { kernels } = memory;
      const blocks = Math.ceil(n / BLOCK_CODES);
      const { blockBytes } = configured.layout;
      const packed = configured.run((_, to) => kernels.packProduct(at, n, to), q, blocks * blockBytes);
      const blockAt = at + 2 ** 16;
      memory.fill(blockAt, [memory.u8(packed, blocks * blockBytes)], 0);
      let most = 0;
      const scan = (x: number, to: number) => {
        kernels.prepareProduct(x);
        most = kernels.prepareProductScan();
        kernels.scanProduct(blockAt, blocks, to);
      };
      const out = configured.run(scan, q, blocks * BLOCK_CODES * 4);
      const scanned = memory.f32(out, n);
      for (let i = 0; i < n; i++) {
        const exact = kernels.productDistance(at + i * configured.layout.codeBytes);
        const rounding = 64 * EPS * (Math.abs(exact) + scalar.norm2(q) + shape.dimension);
        expect(Math.abs(scanned[i] - exact)).toBeLessThanOrEqual(most + rounding);
      }
    });
    fc.assert(property, seeded(60));
  });

  it('a code that names a coarse centroid beyond the last is packed as one that there is', () => {
    const property = fc.property(shapes, ({ shape: any, seed }) => {
      const shape: ProductShape = { ...any, bits: 4, centroids: 5 };
      const random = new Random(`forged ${seed}`);
      const configured = new Configured(memory, modelOf(shape, random));
      const [q] = vectorsOf(1, shape, random);
      const code = configured.encode(q);
      const { errorAt, blockBytes } = configured.layout;
      new DataView(code.buffer, code.byteOffset).setUint32(errorAt + 4, 5 + random.integer(2 ** 31), true);
      const at = configured.put([code]);
      const packed = configured.run((_, to) => memory.kernels.packProduct(at, 1, to), q, blockBytes);
      expect(memory.i32(packed + shape.m * 16, 1)[0]).toBe(4);
    });
    fc.assert(property, seeded(20));
  });
});
