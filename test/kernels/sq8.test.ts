import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import { type Build, type Kernels, PAGE_BYTES } from '../../src/kernels/wasm.ts';
import { compileInternals, type Internals } from './internals.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { EPS, gaps, type Sample, samples, seeded, vectorOf } from './samples.ts';

const FORMS = { vector8: 0, dimension8: 1, vector7: 2 };
type Form = keyof typeof FORMS;
const forms = fc.constantFrom(...(Object.keys(FORMS) as Form[]));
const metrics = fc.constantFrom(...METRICS);
const dimensions = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2048 }));
const six = fc.array(samples, { minLength: 6, maxLength: 6 });

function padded(n: number): number {
  return Math.ceil(n / 16) * 16;
}

/** Bytes of a model, from the ranges that the dimensions have in `rows`; every third is narrower, so that there is clipping. */
function rangesOf(rows: Float32Array[]): scalar.Sq8Ranges {
  const lows = rows[0].map((_, j) => Math.min(...rows.map((row) => row[j])));
  const highs = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j])));
  return {
    mids: lows.map((low, j) => low / 2 + highs[j] / 2),
    steps: lows.map((low, j) => (highs[j] - low) / (j % 3 === 2 ? 400 : 254)),
  };
}

function modelOf({ mids, steps }: scalar.Sq8Ranges): Float32Array {
  const size = padded(mids.length);
  const model = new Float32Array(3 * size);
  model.set(mids);
  model.set(steps, size);
  model.set(
    steps.map((step) => (step > 0 ? Math.min(Math.fround(1 / step), (2 - 2 ** -23) * 2 ** 127) : 0)),
    2 * size,
  );
  return model;
}

/** A memory with the kernel set up in it, and codes encoded there. */
class Coded {
  readonly memory: Isolated;

  constructor(build: Build) {
    this.memory = new Isolated(build, 8 * PAGE_BYTES);
  }

  configure(n: number, metric: Metric, form: Form, ranges: scalar.Sq8Ranges, gap = 4): void {
    const model = this.memory.clear().put(modelOf(ranges), gap);
    const scratch = this.memory.room(15 * padded(n) + 16, gap);
    this.memory.kernels.configureSq8(n, METRIC_CODES[metric], FORMS[form], model, scratch);
  }

  /** The addresses of the codes, one behind the other. */
  encode(rows: Float32Array[], gap = 4): number[] {
    const bytes = padded(rows[0].length) + 16;
    const at = this.memory.room(rows.length * bytes, gap);
    return rows.map((row, i) => {
      const x = this.memory.put(row, gap);
      this.memory.call((kernels) => kernels.encodeSq8(x, at + i * bytes), { at: at + i * bytes, bytes });
      return at + i * bytes;
    });
  }
}

/** Vectors as they are taken in: no zeros and of length 1 under cosine. */
function rowsOf(n: number, kinds: Sample[], metric: Metric): Float32Array[] {
  return kinds.map((sample) => {
    const x = vectorOf(n, sample);
    if (metric !== 'cosine') return x;
    const norm2 = scalar.norm2(x);
    if (norm2 > 0) scalar.scale(x, 1 / Math.sqrt(norm2));
    else x[0] = 1;
    return x;
  });
}

/** Exactly, in f64; under cosine the f32 components need not be of length 1 to the last bit. */
function exact(a: Float32Array, b: Float32Array, metric: Metric): number {
  if (metric === 'l2') return scalar.l2(a, b);
  if (metric === 'manhattan') return scalar.manhattan(a, b);
  if (metric === 'dot') return -scalar.dot(a, b);
  return 1 - scalar.dot(a, b) / Math.sqrt(scalar.norm2(a) * scalar.norm2(b));
}

onBothBuilds('8-bit codes', (build) => {
  const coded = new Coded(build);
  const { memory } = coded;

  it('with ranges of vectors, encode is the twin to the last bit: levels, zeros behind them, factors', () => {
    const property = fc.property(dimensions, samples, gaps, (n, sample, gap) => {
      const x = vectorOf(n, sample);
      coded.configure(n, 'l2', 'vector8', rangesOf([x]), gap);
      const [at] = coded.encode([x], gap);
      const twin = scalar.encodeSq8(x);
      const levels = new Int8Array(memory.u8(at, padded(n)).buffer);
      expect(levels.subarray(0, n)).toEqual(twin.levels);
      expect(levels.subarray(n).every((level) => level === 0)).toBe(true);
      const factors = Array.from(memory.f32(at + padded(n), 4), (factor) => factor + 0);
      expect(factors).toEqual([twin.mid, twin.step, twin.sum, twin.squares].map((factor) => factor + 0));
      const to = memory.room(n * 4, gap);
      memory.call((kernels) => kernels.decodeSq8(at, to), { at: to, bytes: n * 4 });
      const { mid, step } = twin;
      expect(memory.f32(to, n)).toEqual(
        scalar.decodeSq8(
          twin.levels,
          () => mid,
          () => step,
        ),
      );
    });
    fc.assert(property, seeded(300));
  });

  it('with ranges of dimensions, the levels are the twin’s to the last bit, and what is outside is clipped', () => {
    let clipped = 0;
    const property = fc.property(dimensions, six, gaps, (n, kinds, gap) => {
      const rows = rowsOf(n, kinds, 'l2');
      const ranges = rangesOf(rows.slice(0, 4));
      coded.configure(n, 'l2', 'dimension8', ranges, gap);
      for (const [i, at] of coded.encode(rows, gap).entries()) {
        const twin = scalar.encodeSq8Ranged(ranges, rows[i]);
        const levels = new Int8Array(memory.u8(at, padded(n)).buffer);
        expect(levels.subarray(0, n)).toEqual(twin.levels);
        expect(levels.subarray(n).every((level) => level === 0)).toBe(true);
        const [squares, error, product, rest] = memory.f32(at + padded(n), 4);
        expect(Math.abs(squares - twin.squares)).toBeLessThanOrEqual(2 * EPS * twin.squares + 2 ** -149);
        expect(Math.abs(error - twin.error)).toBeLessThanOrEqual(8 * EPS * twin.error + 2 ** -149);
        const size =
          Math.sqrt(scalar.norm2(ranges.mids)) * (Math.sqrt(twin.squares) + Math.sqrt(scalar.norm2(ranges.mids)));
        expect(Math.abs(product - twin.product)).toBeLessThanOrEqual(2 * EPS * size + 2 ** -149);
        expect(rest).toBe(0);
        clipped += twin.levels.filter((level, j) => {
          return Math.abs(level) === 127 && Math.abs(rows[i][j] - ranges.mids[j]) > 128 * ranges.steps[j];
        }).length;
        const to = memory.room(n * 4, gap);
        memory.call((kernels) => kernels.decodeSq8(at, to), { at: to, bytes: n * 4 });
        const decoded = scalar.decodeSq8(
          twin.levels,
          (j) => ranges.mids[j],
          (j) => ranges.steps[j],
        );
        expect(memory.f32(to, n)).toEqual(decoded);
      }
    });
    fc.assert(property, seeded(60));
    expect(clipped).toBeGreaterThan(1000);
  });

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

  it('the distance is that between what the codes stand for, up to rounding', () => {
    const property = fc.property(dimensions, fc.nat(), forms, metrics, (n, seed, form, metric) => {
      const kinds = Array.from({ length: 6 }, (_, i): Sample => ({ kind: 'normal', seed: seed + i }));
      const rows = rowsOf(n, kinds, metric);
      const ranges = rangesOf(rows);
      coded.configure(n, metric, form, ranges);
      const at = coded.encode(rows);
      const to = memory.room(n * 4);
      const decoded = at.map((code) => {
        memory.kernels.decodeSq8(code, to);
        return memory.f32(to, n);
      });
      memory.kernels.prepareSq8Code(at[0]);
      for (const [i, code] of at.entries()) {
        // What is taken under cosine, of vectors that rounding leaves a little off length 1.
        const halved = scalar.l2(decoded[0], decoded[i]) / 2;
        const truth = metric === 'cosine' ? halved : exact(decoded[0], decoded[i], metric);
        // Besides the sums in f32, a query in the ranges of dimensions is rounded to 15 bits and a sign of the largest code.
        const largest = scalar.norm2(ranges.mids) + 127 ** 2 * scalar.norm2(ranges.steps);
        const ranged = form === 'dimension8' ? largest : 0;
        const size = Math.sqrt(scalar.norm2(decoded[0]) * scalar.norm2(decoded[i])) + Math.abs(truth) + ranged;
        expect(Math.abs(memory.kernels.sq8Distance(code) - truth)).toBeLessThanOrEqual(2e-4 * size);
      }
    });
    fc.assert(property, seeded(150));
  });

  it('far from the origin the distance is as good as at the origin', () => {
    const kinds = [1, 2, 3, 4].map((seed): Sample => ({ kind: 'normal', seed }));
    for (const form of ['vector8', 'dimension8'] as const) {
      const [near, far] = [0, 1000].map((offset) => {
        const rows = rowsOf(512, kinds, 'l2').map((row) => row.map((x) => x + offset));
        coded.configure(512, 'l2', form, rangesOf(rows));
        const at = coded.encode(rows);
        memory.kernels.prepareSq8(memory.put(rows[0]));
        const errors = rows.slice(1).map((row, i) => {
          const truth = scalar.l2(rows[0], row);
          return Math.abs(memory.kernels.sq8Distance(at[i + 1]) - truth) / truth;
        });
        return Math.max(...errors);
      });
      expect(far).toBeLessThan(1.5 * near + 1e-3);
    }
  });

  it('levels of the greatest size, and the one that no code has, make exact dots', () => expectExactDots(memory));
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

it.skipIf(!HAS_RELAXED)('both builds give the same scalar codes, distances and bounds, to the last bit', () => {
  const builds = (['baseline', 'relaxed'] as const).map((build) => new Coded(build));
  const property = fc.property(dimensions, six, forms, metrics, fc.boolean(), (n, kinds, form, metric, fromCode) => {
    const rows = rowsOf(n, kinds, metric);
    const [baseline, relaxed] = builds.map((coded) => {
      const { memory } = coded;
      coded.configure(n, metric, form, rangesOf(rows.slice(0, 4)));
      const at = coded.encode(rows);
      const query = memory.put(rows[0]);
      if (fromCode) memory.kernels.prepareSq8Code(at[0]);
      else memory.kernels.prepareSq8(query);
      const out = memory.room(64);
      memory.kernels.sq8DistancesInto(at[0], rows.length, out);
      const codes = memory.u8(at[0], rows.length * (padded(n) + 16));
      if (form === 'vector7' && metric === 'manhattan') return { codes };
      const distances = memory.f32(out, rows.length);
      memory.kernels.sq8BoundsInto(at[0], rows.length, out);
      return { codes, distances, bounds: memory.f32(out, rows.length) };
    });
    expect(relaxed).toEqual(baseline);
  });
  fc.assert(property, seeded(250));
});
