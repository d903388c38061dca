import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Isolated, onBothBuilds } from './isolated.ts';
import { dimensions, gaps, seeded } from './samples.ts';

const padded = (n: number) => Math.ceil(n / 16) * 16;
const byteVectors = dimensions.chain((n) => fc.uint8Array({ minLength: n, maxLength: n }));
/** What is no byte: outside the range, broken, or hardly beside one. */
const notBytes = fc.oneof(
  fc.constantFrom(-1, 256, 0.5, 254.99998, 255.00002, 1e-30, -1e-30, 65536, 2 ** 32, -(2 ** 32), 3e38, -3e38),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

onBothBuilds('bytes', (build) => {
  const memory = new Isolated(build, 2 ** 17);

  it('narrow writes integers 0 … 255 as bytes, zero-padded to 16, and widen makes the same floats of them', () => {
    const property = fc.property(byteVectors, gaps, (bytes, gap) => {
      const n = bytes.length;
      const from = memory.clear().put(Float32Array.from(bytes), gap);
      const to = memory.room(padded(n));
      expect(memory.call((kernels) => kernels.narrow(from, to, n), { at: to, bytes: padded(n) })).toBe(1);
      expect(memory.u8(to, padded(n))).toEqual(Uint8Array.from({ length: padded(n) }, (_, i) => bytes[i] ?? 0));
      const back = memory.room(padded(n) * 4);
      memory.call((kernels) => kernels.widen(to, back, n), { at: back, bytes: padded(n) * 4 });
      expect(memory.f32(back, n)).toEqual(Float32Array.from(bytes));
    });
    fc.assert(property, seeded(150));
  });

  it('narrow says no to a vector with one component that is no byte, wherever it is', () => {
    const property = fc.property(byteVectors, notBytes, fc.nat(), (bytes, odd, where) => {
      const vector = Float32Array.from(bytes);
      vector[where % vector.length] = odd;
      const from = memory.clear().put(vector, 4);
      const to = memory.room(padded(vector.length));
      expect(
        memory.call((kernels) => kernels.narrow(from, to, vector.length), { at: to, bytes: padded(vector.length) }),
      ).toBe(0);
    });
    fc.assert(property, seeded(200));
  });

  it('takes minus zero for zero', () => {
    const from = memory.clear().put(Float32Array.of(-0, 3, -0, 255, -0), 4);
    const to = memory.room(16);
    expect(memory.call((kernels) => kernels.narrow(from, to, 5), { at: to, bytes: 16 })).toBe(1);
    expect(Array.from(memory.u8(to, 5))).toEqual([0, 3, 0, 255, 0]);
  });
});
