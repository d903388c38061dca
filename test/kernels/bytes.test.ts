import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dot, l2, manhattan, norm2 } from '../../src/kernels/scalar.ts';
import { FORM_CODES, METRIC_CODES } from '../../src/kernels/vectors.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { dimensions, gaps, seeded } from './samples.ts';

const padded = (n: number) => Math.ceil(n / 16) * 16;
const NORM_BYTES = 4;
const byteVector = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
const DISTANCES = { l2, dot: (a: Uint8Array, b: Uint8Array) => -dot(a, b), manhattan };
/** What is no byte: outside the range, broken, or hardly beside one. */
const notBytes = fc.oneof(
  fc.constantFrom(-1, 256, 0.5, 254.99998, 255.00002, 1e-30, -1e-30, 65536, 2 ** 32, -(2 ** 32), 3e38, -3e38),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

onBothBuilds('bytes', (build) => {
  const memory = new Isolated(build, 2 ** 20);

  function narrowed(vector: Float32Array, gap = 4): { at: number; exact: boolean } {
    const n = vector.length;
    const from = memory.put(vector, gap);
    const at = memory.room(padded(n) + NORM_BYTES, 16);
    const output = { at, bytes: padded(n) + NORM_BYTES };
    return { at, exact: memory.call((kernels) => kernels.narrow(from, at, n), output) === 1 };
  }

  it('narrow writes integers 0 … 255 as bytes, zero-padded, and |x|²; widen makes the same floats of them', () => {
    const property = fc.property(dimensions.chain(byteVector), gaps, (bytes, gap) => {
      const n = bytes.length;
      memory.clear();
      const { at, exact } = narrowed(Float32Array.from(bytes), gap);
      expect(exact).toBe(true);
      expect(memory.u8(at, padded(n))).toEqual(Uint8Array.from({ length: padded(n) }, (_, i) => bytes[i] ?? 0));
      expect(memory.i32(at + padded(n), 1)[0]).toBe(norm2(bytes));
      const back = memory.room(padded(n) * 4);
      memory.call((kernels) => kernels.widen(at, back, n), { at: back, bytes: padded(n) * 4 });
      expect(memory.f32(back, n)).toEqual(Float32Array.from(bytes));
    });
    fc.assert(property, seeded(150));
  });

  it('narrow says no to a vector with one component that is no byte, wherever it is', () => {
    const property = fc.property(dimensions.chain(byteVector), notBytes, fc.nat(), (bytes, odd, where) => {
      const vector = Float32Array.from(bytes);
      vector[where % vector.length] = odd;
      memory.clear();
      expect(narrowed(vector).exact).toBe(false);
    });
    fc.assert(property, seeded(200));
  });

  it('takes minus zero for zero', () => {
    memory.clear();
    const { at, exact } = narrowed(Float32Array.of(-0, 3, -0, 255, -0));
    expect(exact).toBe(true);
    expect(Array.from(memory.u8(at, 5))).toEqual([0, 3, 0, 255, 0]);
  });

  const cases = dimensions.chain((n) =>
    fc.tuple(byteVector(n), fc.array(byteVector(n), { minLength: 1, maxLength: 9 })),
  );

  it.each(['l2', 'dot', 'manhattan'] as const)('distances between records are integers, and exact: %s', (metric) => {
    const property = fc.property(cases, ([query, rows]) => {
      const n = query.length;
      const recordBytes = padded(n) + 16;
      memory.clear();
      const records = memory.room(rows.length * recordBytes, 16);
      rows.forEach((row, i) => {
        const from = memory.put(Float32Array.from(row));
        const at = records + i * recordBytes;
        memory.call((kernels) => kernels.narrow(from, at, n), { at, bytes: padded(n) + NORM_BYTES });
      });
      const decoded = memory.room(padded(n) * 16, 16);
      const pool = memory.room(16 * 8, 16);
      const scratch = memory.room(2 * 64 * 4, 16);
      const [slots, distances] = [memory.room(64, 16), memory.room(64, 16)];
      const form = FORM_CODES.u8;
      memory.kernels.configureSpace(n, METRIC_CODES[metric], form, records, recordBytes, decoded);
      memory.kernels.configurePool(pool);
      const { at } = narrowed(Float32Array.from(query));
      memory.kernels.scan(at, pool, rows.length, 0, 0, rows.length, scratch);
      memory.kernels.readPool(rows.length, slots, distances);
      const found = memory.f32(distances, rows.length);
      const truth = rows.map((row) => Math.fround(DISTANCES[metric](query, row)));
      // −0 is 0.
      expect(Array.from(found, (d) => d + 0)).toEqual(truth.sort((a, b) => a - b).map((d) => d + 0));
    });
    fc.assert(property, seeded(60));
  });
});
