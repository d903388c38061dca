/** The integer dots of scalar codes: exact whatever the machine has for them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import type { Kernels } from '../../src/kernels/wasm.ts';
import { compileInternals, type Internals } from './internals.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { seeded } from './samples.ts';
import { Coded, FORMS, padded } from './sq8-samples.ts';

onBothBuilds('integer dots of 8-bit codes', (build) => {
  const { memory } = new Coded(build);

  it('of levels of the greatest size, and of the one that no code has, are exact', () => expectExactDots(memory));
});

/** Of hand-made codes with mid 0 and step 1, whose inner product is an integer that f32 holds. */
function expectExactDots(
  memory: Isolated<Pick<Kernels, 'configureSq8' | 'prepareSq8Code' | 'sq8DistancesInto'>>,
): void {
  const property = fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(), (n, seed) => {
    const random = new Random(seed);
    const extremes = [-128, -127, 127, 0];
    const codes = Array.from({ length: 5 }, (_, i) =>
      Int8Array.from({ length: n }, () =>
        seed % 3 === 0 ? extremes[random.integer(i === 0 ? 3 : 4)] : random.integer(256) - 128,
      ),
    );
    // The query is one that encode makes.
    codes[0] = codes[0].map((level) => Math.max(level, -127));
    const bytes = codes.map((levels) => {
      const code = new Uint8Array(padded(n) + 16);
      code.set(new Uint8Array(levels.buffer));
      const sum = levels.reduce((a, b) => a + b, 0);
      code.set(new Uint8Array(Float32Array.of(0, 1, sum, 0).buffer), padded(n));
      return code;
    });
    memory.clear();
    const at = memory.room(5 * (padded(n) + 16));
    memory.fill(at, bytes, padded(n) + 16);
    const scratch = memory.room(15 * padded(n) + 16);
    memory.kernels.configureSq8(n, METRIC_CODES.dot, FORMS.vector8, scratch, scratch);
    memory.kernels.prepareSq8Code(at);
    const out = memory.room(32);
    memory.call((kernels) => kernels.sq8DistancesInto(at, 5, out), { at: out, bytes: 32 });
    expect(Array.from(memory.f32(out, 5), (d) => -d + 0)).toEqual(codes.map((code) => scalar.dot(codes[0], code) + 0));
  });
  fc.assert(property, seeded(200));
}

describe.skipIf(!HAS_RELAXED)('8-bit codes: the integer dot of the relaxed build is exact', () => {
  it.each([
    { fusedDot: true, machines: 'that have it in one instruction' },
    { fusedDot: false, machines: 'that have not' },
  ])('on machines $machines', async ({ fusedDot }) => {
    expectExactDots(new Isolated<Internals>(await compileInternals('relaxed', { fusedDot })));
  });
});
