import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import type { Code } from '../../src/kernels/scalar.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { FORM_CODES, METRIC_CODES } from '../../src/kernels/vectors.ts';
import type { Kernels } from '../../src/kernels/wasm.ts';
import { compileInternals, type Internals } from './internals.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { dimensions, EPS, gaps, type Sample, samples, seeded, sumError, vectorOf } from './samples.ts';

const FACTOR_BYTES = 16;

function codeBytes(n: number): number {
  return Math.ceil(n / 16) * 16;
}

/** The twin's code in the kernels' form: levels padded to 16 bytes, then lo, step, sum and squares. */
function bytesOf({ levels, lo, step, sum, squares }: Code): Uint8Array {
  const padded = codeBytes(levels.length);
  const bytes = new Uint8Array(padded + FACTOR_BYTES);
  bytes.set(levels);
  bytes.set(new Uint8Array(Float32Array.of(lo, step, sum, squares).buffer), padded);
  return bytes;
}

/** Levels that make the greatest dots, and random ones; padded with zeros to 16. */
function levelsOf(n: number, seed: number): Uint8Array {
  const random = new Random(seed);
  const levels = new Uint8Array(codeBytes(n));
  const greatest = seed % 4 === 0;
  for (let i = 0; i < n; i++) levels[i] = greatest ? 127 : random.integer(128);
  return levels;
}

/** Of any codes, and where all levels are 127 and sums of pairs are next to what 16 bits hold. */
function expectExactDots(memory: Isolated<Pick<Kernels, 'codeDot' | 'codeDotx4Into'>>): void {
  const seeds = fc.array(fc.nat(), { minLength: 5, maxLength: 5 });
  const property = fc.property(dimensions, seeds, gaps, (n, [first, ...others], gap) => {
    const q = levelsOf(n, first);
    const codes = others.map((seed) => levelsOf(n, seed));
    const atQ = memory.clear().put(q, gap);
    const at = codes.map((code, i) => memory.put(code, gap + i));
    const out = memory.room(16, gap);
    const truth = codes.map((code) => scalar.codeDot(q, code));
    expect(at.map((a) => memory.call((kernels) => kernels.codeDot(atQ, a, q.length)))).toEqual(truth);
    const [a, b, c, d] = at;
    memory.call((kernels) => kernels.codeDotx4Into(atQ, a, b, c, d, q.length, out), { at: out, bytes: 16 });
    expect(Array.from(memory.i32(out, 4))).toEqual(truth);
  });
  fc.assert(property, seeded(200));
  for (const n of [16, 64, 4096]) {
    const at = memory.clear().put(new Uint8Array(n).fill(127));
    const out = memory.room(16);
    expect(memory.kernels.codeDot(at, at, n)).toBe(127 * 127 * n);
    memory.kernels.codeDotx4Into(at, at, at, at, at, n, out);
    expect(Array.from(memory.i32(out, 4))).toEqual(new Array(4).fill(127 * 127 * n));
  }
}

onBothBuilds('7-bit codes', (build) => {
  const memory = new Isolated(build);

  function encoded(x: Float32Array, gap = 4): { bytes: Uint8Array; factors: Float32Array } {
    const n = x.length;
    const from = memory.clear().put(x, gap);
    const bytes = codeBytes(n) + FACTOR_BYTES;
    const to = memory.room(bytes, gap);
    memory.call((kernels) => kernels.encode(from, to, n), { at: to, bytes });
    return { bytes: memory.u8(to, codeBytes(n)), factors: memory.f32(to + codeBytes(n), 4) };
  }

  it('encode is the twin to the last bit: levels, zeros behind them, factors', () => {
    const property = fc.property(dimensions, samples, gaps, (n, sample, gap) => {
      const x = vectorOf(n, sample);
      const { bytes, factors } = encoded(x, gap);
      const twin = scalar.encode(x);
      expect(bytes.subarray(0, n)).toEqual(twin.levels);
      expect(bytes.subarray(n).every((byte) => byte === 0)).toBe(true);
      // −0 + 0 is 0: which zero lo is makes no difference, and the two may pick another one.
      expect(Array.from(factors, (factor) => factor + 0)).toEqual(
        [twin.lo, twin.step, twin.sum, twin.squares].map((factor) => factor + 0),
      );
    });
    fc.assert(property, seeded(400));
  });

  it('each component comes back to within half a step, and levels are 0 … 127', () => {
    const property = fc.property(dimensions, samples, (n, sample) => {
      const x = vectorOf(n, sample);
      const { bytes, factors } = encoded(x);
      const [lo, step] = factors;
      const most = x.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      // Rounding of the level, 127 at most, and of what it stands for; below 4e-37 the inverse of the step leaves f32.
      const bound = step / 2 + 4 * 127 * EPS * step + 4 * EPS * most + 4e-37;
      for (let i = 0; i < n; i++) {
        if (bytes[i] > 127) expect.fail(`level ${i} is ${bytes[i]}`);
        const error = Math.abs(lo + step * bytes[i] - x[i]);
        if (!(error <= bound)) expect.fail(`component ${i}, ${x[i]}, is off by ${error}: more than ${bound}`);
      }
    });
    fc.assert(property, seeded(300));
  });

  it('the factors are sums over its levels', () => {
    const property = fc.property(dimensions, samples, (n, sample) => {
      const { bytes, factors } = encoded(vectorOf(n, sample));
      const [, step, sum, squares] = factors;
      const levels = bytes.subarray(0, n);
      const truth = [step * levels.reduce((a, b) => a + b, 0), step ** 2 * levels.reduce((a, b) => a + b * b, 0)];
      expect(Math.abs(sum - truth[0])).toBeLessThanOrEqual(EPS * truth[0] + 2 ** -149);
      expect(Math.abs(squares - truth[1])).toBeLessThanOrEqual(EPS * truth[1] + 2 ** -149);
    });
    fc.assert(property, seeded(200));
  });

  it('a constant vector is its lo; the ends of the range are levels 0 and 127', () => {
    for (const value of [0, 1, -3.25, 1e-40, 1e18]) {
      const { bytes, factors } = encoded(new Float32Array(37).fill(value));
      expect(bytes.every((byte) => byte === 0)).toBe(true);
      expect(Array.from(factors.subarray(0, 3))).toEqual([Math.fround(value), 0, 0]);
    }
    const ends = encoded(Float32Array.from({ length: 37 }, (_, i) => (i === 5 ? -1 : i === 36 ? 3 : 1)));
    expect([ends.bytes[5], ends.bytes[36]]).toEqual([0, 127]);
  });

  it('decode is the twin to the last bit', () => {
    const property = fc.property(dimensions, samples, gaps, (n, sample, gap) => {
      const code = scalar.encode(vectorOf(n, sample));
      const at = memory.clear().put(bytesOf(code), gap);
      const to = memory.room(n * 4, gap);
      memory.call((kernels) => kernels.decode(at, to, n), { at: to, bytes: n * 4 });
      expect(memory.f32(to, n)).toEqual(scalar.decode(code));
    });
    fc.assert(property, seeded(150));
  });

  it('the integer dot is exact, one and four per call, each lane its own', () => expectExactDots(memory));

  describe('distances between codes', () => {
    let internals: Isolated<Internals>;
    beforeAll(async () => {
      internals = new Isolated<Internals>(await compileInternals(build));
    });

    const metrics = fc.constantFrom(...METRICS);
    const five = fc.tuple(samples, samples, samples, samples, samples);

    /** What the f32 arithmetic on factors, and under Manhattan the sum, may miss. */
    function bound(a: Code, b: Code, metric: Metric): number {
      const n = a.levels.length;
      if (metric === 'manhattan') {
        const components = Array.from(a.levels, (_, i) => {
          return Math.abs(a.lo) + a.step * a.levels[i] + Math.abs(b.lo) + b.step * b.levels[i];
        });
        return sumError(
          n,
          components.reduce((x, y) => x + y),
        );
      }
      const integer = a.step * b.step * scalar.codeDot(a.levels, b.levels);
      if (metric !== 'dot') {
        const apart = Math.abs(a.lo - b.lo);
        const offset = apart * (n * apart + 2 * (a.sum + b.sum));
        return 8 * EPS * (offset + a.squares + b.squares + 2 * integer) + 8 * 2 ** -149;
      }
      const product = Math.abs(b.lo) * (n * Math.abs(a.lo) + a.sum) + Math.abs(a.lo) * b.sum + integer;
      return 8 * EPS * product + 8 * 2 ** -149;
    }

    function check(got: number, a: Code, b: Code, metric: Metric) {
      const truth = scalar.distanceOfCodes(a, b, metric);
      const most = bound(a, b, metric);
      if (!(Math.abs(got - truth) <= most)) expect.fail(`${metric}: ${got}, the twin says ${truth} ± ${most}`);
    }

    function codesOf(n: number, samples: Sample[]): Code[] {
      return samples.map((sample) => scalar.encode(vectorOf(n, sample)));
    }

    it('one at a time they are the twin up to rounding', () => {
      const property = fc.property(dimensions, samples, samples, metrics, (n, first, second, metric) => {
        const [a, b] = codesOf(n, [first, second]);
        const at = [internals.clear().put(bytesOf(a)), internals.put(bytesOf(b))];
        const decoded = internals.room(n * 4);
        const { kernels } = internals;
        kernels.configureSpace(n, METRIC_CODES[metric], FORM_CODES.sq7, at[0], codeBytes(n) + FACTOR_BYTES, decoded);
        internals.call(() => kernels.prepare(at[0]), { at: decoded, bytes: n * 4 });
        check(
          internals.call(() => kernels.distance(at[1])),
          a,
          b,
          metric,
        );
      });
      fc.assert(property, seeded(300));
    });

    it('squared distances are as accurate far from the origin as near it', () => {
      const property = fc.property(dimensions, fc.nat(), fc.integer({ min: 0, max: 14 }), (n, seed, exponent) => {
        const [a, b] = [seed, seed + 1].map((s) => vectorOf(n, { kind: 'normal', seed: s }));
        const at = (x: Float32Array) => scalar.encode(x.map((component) => component + 2 ** exponent));
        const [far, other] = [at(a), at(b)];
        const truth = scalar.l2(scalar.decode(far), scalar.decode(other));
        const addresses = [internals.clear().put(bytesOf(far)), internals.put(bytesOf(other))];
        const { kernels } = internals;
        kernels.configureSpace(n, METRIC_CODES.l2, FORM_CODES.sq7, addresses[0], codeBytes(n) + FACTOR_BYTES, 0);
        kernels.prepare(addresses[0]);
        // What lo itself and the decoded components are rounded by, besides the arithmetic.
        const rounding = 8 * EPS * 2 ** exponent * Math.sqrt(n * truth);
        expect(Math.abs(kernels.distance(addresses[1]) - truth)).toBeLessThanOrEqual(2e-5 * n + rounding);
      });
      fc.assert(property, seeded(150));
    });

    it('listed, four at a time, each is the distance to its own record', () => {
      const property = fc.property(
        fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2048 })),
        five,
        metrics,
        fc.integer({ min: 1, max: 9 }),
        (n, [first, ...others], metric, listed) => {
          const recordBytes = codeBytes(n) + FACTOR_BYTES + 20;
          const [query, ...codes] = codesOf(n, [first, ...others]);
          memory.clear();
          const records = memory.room(recordBytes * codes.length);
          memory.fill(
            records,
            codes.map((code) => bytesOf(code)),
            recordBytes,
          );
          const atQuery = memory.put(bytesOf(query));
          const decoded = memory.room(n * 4);
          const order = Uint32Array.from({ length: listed }, (_, i) => (i * 3 + 1) % codes.length);
          const slots = memory.put(order);
          const out = memory.room((listed + 3) * 4);
          const pool = memory.room((listed + 1) * 8);
          const { kernels } = memory;
          kernels.configureSpace(n, METRIC_CODES[metric], FORM_CODES.sq7, records, recordBytes, decoded);
          kernels.configurePool(pool);
          expect(kernels.rankListed(atQuery, listed, slots, listed, out)).toBe(listed);
          for (const [i, got] of memory.f32(out, listed).entries()) check(got, query, codes[order[i]], metric);
        },
      );
      fc.assert(property, seeded(300));
    });

    it('the inner product of codes and the Manhattan distance to a code, called by themselves', () => {
      const property = fc.property(dimensions, samples, samples, gaps, (n, first, second, gap) => {
        const [a, b] = codesOf(n, [first, second]);
        const q = vectorOf(n, first);
        const at = [internals.clear().put(bytesOf(a), gap), internals.put(bytesOf(b), gap)];
        const atQ = internals.put(q, gap);
        const factors = at.map((code) => code + codeBytes(n));
        const integer = scalar.codeDot(a.levels, b.levels);
        const product = internals.call((kernels) => kernels.dotOfCodes(factors[0], factors[1], integer, n));
        expect(Math.abs(product - scalar.dotOfCodes(a, b))).toBeLessThanOrEqual(bound(a, b, 'dot'));
        const sum = internals.call((kernels) => kernels.manhattanToCode(atQ, at[1], n));
        const most = bound(a, b, 'manhattan') + sumError(n, scalar.manhattan(q, new Float32Array(n)));
        expect(Math.abs(sum - scalar.manhattanToCode(q, b))).toBeLessThanOrEqual(most);
      });
      fc.assert(property, seeded(200));
    });
  });
});

describe.skipIf(!HAS_RELAXED)('the integer dot of the relaxed build is exact', () => {
  it.each([
    { fusedDot: true, machines: 'that have it in one instruction' },
    { fusedDot: false, machines: 'that have not' },
  ])('on machines $machines', async ({ fusedDot }) => {
    expectExactDots(new Isolated<Internals>(await compileInternals('relaxed', { fusedDot })));
  });
});

it.skipIf(!HAS_RELAXED)('both builds give the same distances between codes, to the last bit', () => {
  const memories = (['baseline', 'relaxed'] as const).map((build) => new Isolated(build));
  const metrics = fc.constantFrom('l2', 'dot', 'cosine' as const);
  const six = fc.array(samples, { minLength: 6, maxLength: 6 });
  const property = fc.property(fc.integer({ min: 1, max: 1024 }), six, metrics, (n, kinds, metric) => {
    const codes = kinds.map((sample) => bytesOf(scalar.encode(vectorOf(n, sample))));
    const recordBytes = codeBytes(n) + FACTOR_BYTES;
    const [baseline, relaxed] = memories.map((memory) => {
      const records = memory.clear().room(recordBytes * codes.length);
      memory.fill(records, codes, recordBytes);
      const slots = memory.put(Uint32Array.from(codes.keys()));
      const out = memory.room(64);
      const { kernels } = memory;
      kernels.configureSpace(n, METRIC_CODES[metric], FORM_CODES.sq7, records, recordBytes, 0);
      kernels.configurePool(memory.room(64));
      kernels.rankListed(records, codes.length, slots, codes.length, out);
      return memory.f32(out, codes.length);
    });
    expect(relaxed).toEqual(baseline);
  });
  fc.assert(property, seeded(100));
});
