import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as scalar from '../../src/kernels/scalar.ts';
import type { Kernels } from '../../src/kernels/wasm.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { dimensions, gaps, KINDS, samples, seeded, sumError, vectorOf } from './samples.ts';

type Vectors = [Float32Array, Float32Array, Float32Array, Float32Array];

const DISTANCES = {
  l2: { twin: scalar.l2, term: (a: number, b: number) => (a - b) ** 2, four: 'l2x4Into' },
  dot: { twin: scalar.dot, term: (a: number, b: number) => a * b, four: 'dotx4Into' },
  manhattan: { twin: scalar.manhattan, term: (a: number, b: number) => a - b, four: 'manhattanx4Into' },
} as const;

function magnitude(term: (a: number, b: number) => number, a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + Math.abs(term(x, b[i])), 0);
}

onBothBuilds('f32 distances', (build) => {
  const memory = new Isolated(build);

  describe.each(Object.entries(DISTANCES))('%s', (name, { twin, term, four }) => {
    const one = (kernels: Kernels, a: number, b: number, n: number) => kernels[name as keyof typeof DISTANCES](a, b, n);

    function near(got: number, a: Float32Array, b: Float32Array) {
      const error = Math.abs(got - twin(a, b));
      const bound = sumError(a.length, magnitude(term, a, b));
      if (!(error <= bound)) expect.fail(`${name} of ${a.length}-D: ${got}, the twin says ${twin(a, b)} ± ${bound}`);
    }

    it('is the twin up to rounding: any dimension, any address, any finite vector', () => {
      const property = fc.property(dimensions, samples, samples, gaps, gaps, (n, first, second, gap1, gap2) => {
        const a = vectorOf(n, first);
        const b = vectorOf(n, second);
        const at = [memory.clear().put(a, gap1), memory.put(b, gap2)];
        near(
          memory.call((kernels) => one(kernels, at[0], at[1], n)),
          a,
          b,
        );
      });
      fc.assert(property, seeded(300));
    });

    it('has a tail of every length, one and four per call, up to the last byte of the memory', () => {
      for (let n = 1; n <= 80; n++) {
        const [q, a, b, c, d] = Array.from({ length: 5 }, (_, seed) => vectorOf(n, { kind: 'normal', seed: seed + n }));
        const [atA, atB, atC, atD] = [memory.clear().put(a), memory.put(b), memory.put(c), memory.put(d)];
        const out = memory.room(16);
        const atQ = memory.putLast(q);
        near(
          memory.call((kernels) => one(kernels, atQ, atA, n)),
          q,
          a,
        );
        near(
          memory.call((kernels) => one(kernels, atA, atQ, n)),
          a,
          q,
        );
        memory.call((kernels) => kernels[four](atQ, atA, atB, atC, atD, n, out), { at: out, bytes: 16 });
        for (const [lane, got] of memory.f32(out, 4).entries()) near(got, q, [a, b, c, d][lane]);
        const last = memory.putLast(d);
        memory.call((kernels) => kernels[four](atA, atA, atB, atC, last, n, out), { at: out, bytes: 16 });
        for (const [lane, got] of memory.f32(out, 4).entries()) near(got, a, [a, b, c, d][lane]);
      }
    });

    it('four per call: lane i belongs to vector i, and nothing but four lanes is written', () => {
      const four4 = fc.tuple(samples, samples, samples, samples);
      const property = fc.property(dimensions, samples, four4, gaps, gaps, (n, first, others, gap, outGap) => {
        const q = vectorOf(n, first);
        const vectors = others.map((sample) => vectorOf(n, sample)) as Vectors;
        const atQ = memory.clear().put(q, gap);
        const [a, b, c, d] = vectors.map((vector, i) => memory.put(vector, gap + i));
        const out = memory.room(16, outGap);
        memory.call((kernels) => kernels[four](atQ, a, b, c, d, n, out), { at: out, bytes: 16 });
        for (const [lane, got] of memory.f32(out, 4).entries()) near(got, q, vectors[lane]);
      });
      fc.assert(property, seeded(200));
    });

    it('is symmetric to the last bit, and a vector is at no distance from itself', () => {
      const property = fc.property(dimensions, samples, samples, (n, first, second) => {
        const a = memory.clear().put(vectorOf(n, first));
        const b = memory.put(vectorOf(n, second));
        const out = memory.room(16);
        expect(one(memory.kernels, a, b, n)).toBe(one(memory.kernels, b, a, n));
        if (name === 'dot') return;
        expect(one(memory.kernels, a, a, n)).toBe(0);
        memory.kernels[four](a, a, b, a, a, n, out);
        const lanes = memory.f32(out, 4);
        expect([lanes[0], lanes[2], lanes[3]]).toEqual([0, 0, 0]);
      });
      fc.assert(property, seeded(100));
    });
  });

  it('subnormal components count: Manhattan distances of them are exact', () => {
    const a = vectorOf(37, { kind: 'subnormal', seed: 1 });
    const at = memory.clear().put(a);
    const zero = memory.put(new Float32Array(37));
    expect(memory.kernels.manhattan(at, zero, 37)).toBe(scalar.manhattan(a, new Float32Array(37)));
    expect(memory.kernels.manhattan(at, zero, 37)).toBeGreaterThan(0);
  });

  it('the largest vectors that are admitted are at a finite distance', () => {
    for (const kind of KINDS) {
      const a = vectorOf(4096, { kind: 'extreme', seed: 1 });
      const b = vectorOf(4096, { kind, seed: 2 });
      const at = [memory.clear().put(a), memory.put(b), memory.put(a.map((x) => -x))];
      for (const name of ['l2', 'dot', 'manhattan'] as const) {
        expect(Number.isFinite(memory.kernels[name](at[0], at[1], 4096))).toBe(true);
        expect(Number.isFinite(memory.kernels[name](at[0], at[2], 4096))).toBe(true);
      }
    }
  });
});

onBothBuilds('norm and scale', (build) => {
  const memory = new Isolated(build);

  it('norm2 is the f64 sum of squares, extreme and subnormal components included', () => {
    const property = fc.property(dimensions, samples, gaps, (n, sample, gap) => {
      const x = vectorOf(n, sample);
      const at = memory.clear().put(x, gap);
      const truth = scalar.norm2(x);
      const got = memory.call((kernels) => kernels.norm2(at, n));
      expect(Math.abs(got - truth)).toBeLessThanOrEqual(n * 2 ** -53 * truth);
      expect(got > 0).toBe(x.some((component) => component !== 0));
    });
    fc.assert(property, seeded(300));
  });

  it('norm2 does not overflow where f32 does, and is not finite where a component is not', () => {
    const most = Float32Array.of((2 - 2 ** -23) * 2 ** 127);
    const at = memory.clear().put(most);
    expect(memory.kernels.norm2(at, 1)).toBe(most[0] ** 2);
    const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const property = fc.property(dimensions, fc.nat(), bad, (n, place, value) => {
      const x = vectorOf(n, { kind: 'normal', seed: place });
      x[place % n] = value;
      const at = memory.clear().put(x);
      expect(Number.isFinite(memory.kernels.norm2(at, n))).toBe(false);
    });
    fc.assert(property, seeded(100));
  });

  it('scale rounds each component once and writes no other', () => {
    const property = fc.property(
      dimensions,
      samples,
      gaps,
      fc.double({ min: -4, max: 4 }),
      (n, sample, gap, factor) => {
        const x = vectorOf(n, sample);
        const at = memory.clear().put(x, gap);
        memory.call((kernels) => kernels.scale(at, n, factor), { at, bytes: n * 4 });
        scalar.scale(x, factor);
        expect(memory.f32(at, n)).toEqual(x);
      },
    );
    fc.assert(property, seeded(150));
  });
});

onBothBuilds('Hamming distance', (build) => {
  const memory = new Isolated(build);
  const strings = fc
    .integer({ min: 1, max: 600 })
    .chain((n) => fc.array(fc.uint8Array({ minLength: n, maxLength: n }), { minLength: 5, maxLength: 5 }));

  it('is the number of differing bits, any length, any address', () => {
    const property = fc.property(strings, gaps, ([a, b], gap) => {
      const at = [memory.clear().put(a, gap), memory.put(b, gap + 1)];
      expect(memory.call((kernels) => kernels.hamming(at[0], at[1], a.length))).toBe(scalar.hamming(a, b));
    });
    fc.assert(property, seeded(200));
  });

  it('four per call: lane i belongs to string i', () => {
    const property = fc.property(strings, gaps, ([q, ...others], gap) => {
      const atQ = memory.clear().put(q, gap);
      const [a, b, c, d] = others.map((string, i) => memory.put(string, gap + i));
      const out = memory.room(16, gap);
      memory.call((kernels) => kernels.hammingx4Into(atQ, a, b, c, d, q.length, out), { at: out, bytes: 16 });
      expect(Array.from(memory.i32(out, 4))).toEqual(others.map((string) => scalar.hamming(q, string)));
    });
    fc.assert(property, seeded(200));
  });

  it('of a string and its complement is all bits', () => {
    const a = Uint8Array.from({ length: 512 }, (_, i) => i * 37);
    const at = [memory.clear().put(a), memory.put(a.map((byte) => ~byte))];
    expect(memory.kernels.hamming(at[0], at[1], 512)).toBe(4096);
    expect(memory.kernels.hamming(at[0], at[0], 512)).toBe(0);
  });
});
