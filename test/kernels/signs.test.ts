/** The sign filter's estimate: the kernel against its twin, and both against what the estimate promises. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { FORM_CODES, METRIC_CODES } from '../../src/kernels/vectors.ts';
import { compileInternals, type Internals } from './internals.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { EPS, seeded } from './samples.ts';

const ROUNDS = 2;
const HEADER_BYTES = 8;
/** Bits per dimension of a query, and bytes of its planes per 64 dimensions. */
const QUERY_BITS = 3;
const PLANE_BYTES = 8 * QUERY_BITS;
const METRICS = ['l2', 'dot', 'cosine'] as const;

/** |Q(q') − q'|² of a query stretched along itself, relative to |q'|²; and how much nearer a vector looks to itself. */
const QUERY_DISTORTION = 0.0385;
const MOST_BIAS = 0.052;

/** A filter of `words` u64 of bits over vectors of `dimension` around a mean. */
function filterOf(dimension: number, words: number, metric: scalar.SignFilter['metric'], random: Random) {
  const rotated = Math.ceil(dimension / 64) * 64;
  const flips = Float32Array.from({ length: ROUNDS * rotated }, () => (random.uniform() < 0.5 ? -1 : 1));
  const mean = Float32Array.from({ length: dimension }, () => random.normal());
  return { metric, mean, rotated, bits: words * 64, flips } satisfies scalar.SignFilter;
}

/** Vectors about the mean; under cosine of length 1. */
function vectorAbout(mean: Float32Array, metric: string, random: Random): Float32Array {
  const x = mean.map((m) => m + random.normal());
  if (metric === 'cosine') scalar.scale(x, 1 / Math.sqrt(scalar.norm2(x)));
  return x;
}

function exactDistance(metric: string, a: Float32Array, b: Float32Array): number {
  if (metric === 'l2') return scalar.l2(a, b);
  return (metric === 'cosine' ? 1 : 0) - scalar.dot(a, b);
}

const shapes = fc
  .record({
    dimension: fc.integer({ min: 1, max: 1100 }),
    metric: fc.constantFrom(...METRICS),
    seed: fc.nat(),
    leftOut: fc.boolean(),
    share: fc.constantFrom(1, 0.5, 0),
  })
  .map(({ dimension, metric, seed, leftOut, share }) => {
    const random = new Random(`signs ${seed}`);
    const words = Math.ceil(dimension / 64);
    const filter = filterOf(dimension, leftOut && words > 1 ? words - 1 : words, metric, random);
    // Of the words that are kept the query looks at all, at half of them, or at one.
    const width = Math.max(1, Math.floor((filter.bits / 64) * share));
    return { dimension, filter, random, width };
  });

onBothBuilds('sign filter', (build) => {
  let memory: Isolated<Internals>;
  beforeAll(async () => {
    memory = new Isolated<Internals>(await compileInternals(build));
  });

  /** Puts the filter in, with room for `slots` records, and says where things are. */
  function configure(filter: scalar.SignFilter, dimension: number, slots = 1) {
    const { rotated, bits, metric } = filter;
    const signBytes = HEADER_BYTES + bits / 8;
    const mean = memory.clear().put(filter.mean as Float32Array);
    const flips = memory.put(filter.flips as Float32Array);
    const buffer = memory.room(rotated * 4);
    const planes = memory.room((bits / 64) * PLANE_BYTES);
    const signs = memory.room(slots * signBytes);
    memory.kernels.configureSpace(dimension, METRIC_CODES[metric], FORM_CODES.f32, 0, 0, 0);
    memory.kernels.configureSigns(signs, signBytes, bits / 64, rotated, mean, flips, buffer, planes);
    return { signs, signBytes, buffer, planes };
  }

  function rotate(x: number, buffer: number, rotated: number) {
    memory.call((kernels) => kernels.rotateCentred(x), { at: buffer, bytes: rotated * 4 });
  }

  /** The signs in a record and the levels in the query's planes, as the twin has them. */
  function signsAt(record: number, { bits }: scalar.SignFilter): Int8Array {
    const bytes = memory.u8(record + HEADER_BYTES, bits / 8);
    return Int8Array.from({ length: bits }, (_, i) => ((bytes[i >> 3] >> (i & 7)) & 1 ? 1 : -1));
  }

  function levelsAt(planes: number, { bits }: scalar.SignFilter): Int8Array {
    const bytes = memory.u8(planes, (bits / 64) * PLANE_BYTES);
    return Int8Array.from({ length: bits }, (_, i) => {
      const word = (i >> 6) * PLANE_BYTES + ((i & 63) >> 3);
      let level = 0;
      for (let plane = 0; plane < QUERY_BITS; plane++) {
        level += ((bytes[word + plane * 8] >> (i & 7)) & 1) << plane;
      }
      return 2 * level - (2 ** QUERY_BITS - 1);
    });
  }

  it('records and queries are the twin’s, and nothing else is written', () => {
    const margins = fc.double({ min: 0, max: 4, noNaN: true });
    const property = fc.property(shapes, margins, ({ dimension, filter, random, width }, margin) => {
      const { rotated, bits, mean, metric } = filter;
      const { signs, signBytes, buffer, planes } = configure(filter, dimension, 3);
      const x = vectorAbout(mean, metric, random);
      const q = vectorAbout(mean, metric, random);
      const [atX, atQ] = [memory.put(x), memory.put(q)];
      const magnitude = scalar.norm2(x) + scalar.norm2(q) + scalar.norm2(mean);
      const rounding = 64 * EPS * Math.sqrt(magnitude);

      rotate(atX, buffer, rotated);
      const turnedX = memory.f32(buffer, rotated);
      const at = signs + signBytes;
      memory.call((kernels) => kernels.encodeSigns(atX, 1), { at, bytes: signBytes });
      const record = scalar.encodeSigns(filter, x);
      const [own, factor] = memory.f32(at, 2);
      expect(Math.abs(own - record.own)).toBeLessThanOrEqual(1e-5 * magnitude);
      expect(Math.abs(factor - record.factor)).toBeLessThanOrEqual(1e-4 * record.factor + 1e-6);
      const kernelSigns = signsAt(at, filter);
      for (let i = 0; i < bits; i++) {
        // Where rounding may cross zero the twin may stand on the other side of it.
        const doubtful = Math.abs(turnedX[i]) < rounding;
        if (kernelSigns[i] !== record.signs[i] && !doubtful)
          expect.fail(`sign ${i} is ${kernelSigns[i]}, the component is ${turnedX[i]}`);
      }

      rotate(atQ, buffer, rotated);
      const turnedQ = memory.f32(buffer, width * 64);
      const step = scalar.QUERY_STEP * Math.sqrt(scalar.norm2(memory.f32(buffer, rotated)) / rotated);
      memory.call((kernels) => kernels.prepareSigns(atQ, margin, width), {
        at: planes,
        bytes: width * PLANE_BYTES,
      });
      const query = scalar.prepareSigns(filter, q, width * 64);
      const levels = levelsAt(planes, { ...filter, bits: width * 64 });
      for (let i = 0; i < width * 64; i++) {
        const fromThreshold = Math.abs(turnedQ[i] / step - Math.round(turnedQ[i] / step)) * step;
        if (levels[i] !== query.levels[i] && fromThreshold >= rounding)
          expect.fail(`level ${i} is ${levels[i]}, the component is ${turnedQ[i]}, the step ${step}`);
      }

      // With the kernel's own signs and levels nothing is left but rounding.
      const halfStep = (scalar.norm2(turnedQ) / scalar.dot(turnedQ, levels)) * (bits / 64 / width);
      const truth = scalar.lowerBound(
        { ...record, signs: kernelSigns },
        { ...query, levels, halfStep: Number.isFinite(halfStep) ? halfStep : query.halfStep },
        margin,
      );
      const parts =
        record.factor *
        (halfStep * Math.abs(scalar.dot(kernelSigns.subarray(0, levels.length), levels)) + margin * query.spread);
      const got = memory.call((kernels) => kernels.lowerBound(1));
      expect(Math.abs(got - truth)).toBeLessThanOrEqual(1e-4 * (magnitude + parts) + 1e-3 * margin * query.spread);
    });
    fc.assert(property, seeded(150));
  });

  const TRIALS = 700;

  interface Trial {
    /** Of the estimated distance, in units of |x'| |q'|, twice that for l2. */
    error: number;
    /** Whether the distance less two standard deviations is below the true one. */
    below: boolean;
  }

  /** Estimates between vectors whose cosine is about `cosine`, each under a rotation of its own. */
  function trials(
    metric: scalar.SignFilter['metric'],
    dimension: number,
    words: number,
    cosine: number,
    width = words,
  ): Trial[] {
    const random = new Random(`trials ${metric} ${dimension} ${words} ${cosine}`);
    return Array.from({ length: TRIALS }, () => {
      const filter = filterOf(dimension, words, metric, random);
      // Vectors of length 1 about a mean that is far from 0 would all lie in the same direction from it.
      if (metric === 'cosine') filter.mean.fill(0.01);
      configure(filter, dimension);
      const x = filter.mean.map((m) => m + random.normal());
      const q = filter.mean.map((m, i) => m + cosine * (x[i] - m) + Math.sqrt(1 - cosine ** 2) * random.normal());
      if (metric === 'cosine') for (const vector of [x, q]) scalar.scale(vector, 1 / Math.sqrt(scalar.norm2(vector)));
      const [atX, atQ] = [memory.put(x), memory.put(q)];
      const { kernels } = memory;
      kernels.rotateCentred(atX);
      kernels.encodeSigns(atX, 0);
      kernels.rotateCentred(atQ);
      kernels.prepareSigns(atQ, 2, width);
      const below = kernels.lowerBound(0) < exactDistance(metric, x, q);
      kernels.prepareSigns(atQ, 0, width);
      const lengths = Math.sqrt(scalar.l2(x, filter.mean) * scalar.l2(q, filter.mean));
      const error = kernels.lowerBound(0) - exactDistance(metric, x, q);
      return { error: error / lengths / (metric === 'l2' ? 2 : 1), below };
    });
  }

  function meanAndDeviation(values: number[]): { mean: number; deviation: number } {
    const mean = values.reduce((a, b) => a + b) / values.length;
    return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
  }

  /** With all words, and with the last of them left out. */
  const widths = [
    [192, 3],
    [256, 3],
  ];

  it.each(METRICS)(
    'the estimate is unbiased, its spread about 0.75 |x||q| / √bits and the query’s rounding (%s)',
    (metric) => {
      for (const [dimension, words] of widths) {
        const found = trials(metric, dimension, words, 0);
        const { mean, deviation } = meanAndDeviation(found.map(({ error }) => error));
        expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(found.length));
        // Across x', of unit length, the signs have length √(bits · (1 − 2/π · bits / rotated)); along it √(2/π) per component.
        const bits = words * 64;
        const signs = 1 - ((2 / Math.PI) * bits) / dimension;
        const spread = Math.sqrt((signs + QUERY_DISTORTION) / (2 / Math.PI) / bits);
        expect(Math.abs(deviation / spread - 1)).toBeLessThan(0.11);
        if (bits === dimension) expect(Math.abs(deviation * Math.sqrt(bits) - 0.75)).toBeLessThan(0.16);
        // 97.7 % of a normal distribution lie within two deviations; the query's rounding and words left out widen it beyond them.
        const within = found.filter(({ below }) => below).length / found.length;
        expect(within).toBeGreaterThan(0.9);
        expect(within).toBeLessThan(1);
      }
    },
  );

  it('records of l2 estimate inner products as well, where a search goes by those, far from the mean too', () => {
    for (const [dimension, words] of widths) {
      const random = new Random(`asked ${dimension}`);
      const errors = Array.from({ length: TRIALS }, () => {
        const filter = filterOf(dimension, words, 'l2', random);
        configure(filter, dimension);
        const far = filter.mean.map((m) => m + 30);
        const x = far.map((m) => m + random.normal());
        const q = Float32Array.from(x, () => random.normal());
        configure({ ...filter, mean: far }, dimension);
        const [atX, atQ] = [memory.put(x), memory.put(q)];
        const { kernels } = memory;
        kernels.rotateCentred(atX);
        kernels.encodeSigns(atX, 0);
        kernels.walkBy(METRIC_CODES.dot);
        kernels.rotateQuery(atQ);
        kernels.prepareSigns(atQ, 0, words);
        const error = kernels.lowerBound(0) + scalar.dot(x, q);
        return error / Math.sqrt(scalar.l2(x, far) * scalar.norm2(q));
      });
      const { mean, deviation } = meanAndDeviation(errors);
      expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(TRIALS));
      expect(deviation * Math.sqrt(words * 64)).toBeLessThan(0.95);
    }
  });

  it('looking at half the words it is unbiased still, and as wide as half the bits make it', () => {
    const half = meanAndDeviation(trials('l2', 512, 8, 0, 4).map(({ error }) => error));
    expect(Math.abs(half.mean)).toBeLessThan((4 * half.deviation) / Math.sqrt(TRIALS));
    const spread = Math.sqrt((1 - 1 / Math.PI + QUERY_DISTORTION) / (2 / Math.PI) / 256);
    expect(Math.abs(half.deviation / spread - 1)).toBeLessThan(0.11);
    const alike = meanAndDeviation(trials('l2', 512, 8, 0.9, 4).map(({ error }) => error));
    expect(Math.abs(alike.mean)).toBeLessThan(MOST_BIAS + (4 * alike.deviation) / Math.sqrt(TRIALS));
    const within = trials('l2', 512, 8, 0, 4).filter(({ below }) => below).length / TRIALS;
    expect(within).toBeGreaterThan(0.9);
    expect(within).toBeLessThan(1);
  });

  it('errs towards nearer where query and vector are alike, never towards farther', () => {
    for (const [dimension, words] of widths) {
      for (const cosine of [0.6, 0.99]) {
        const { mean, deviation } = meanAndDeviation(trials('l2', dimension, words, cosine).map(({ error }) => error));
        const noise = (4 * deviation) / Math.sqrt(TRIALS);
        expect(mean).toBeLessThan(noise);
        expect(mean).toBeGreaterThan(-MOST_BIAS - noise);
        expect(deviation * Math.sqrt(words * 64)).toBeLessThan(0.95);
      }
    }
  });

  it('is no matter of scale: from 1e-15 to what is admitted, estimates are the same multiple', () => {
    const random = new Random('scales');
    const filter = filterOf(192, 3, 'l2', random);
    const [x, q] = [vectorAbout(filter.mean, 'l2', random), vectorAbout(filter.mean, 'l2', random)];
    const estimates = [1, 1e-15, 1e-10, 1e5, 1e13, 2e15].map((size) => {
      const [mean, atSizeX, atSizeQ] = [filter.mean, x, q].map((vector) => vector.map((component) => component * size));
      configure({ ...filter, mean }, 192);
      const [atX, atQ] = [memory.put(atSizeX), memory.put(atSizeQ)];
      memory.kernels.rotateCentred(atX);
      memory.kernels.encodeSigns(atX, 0);
      memory.kernels.rotateCentred(atQ);
      memory.kernels.prepareSigns(atQ, 1, 3);
      return memory.kernels.lowerBound(0) / size ** 2;
    });
    for (const estimate of estimates) expect(Math.abs(estimate / estimates[0] - 1)).toBeLessThan(1e-3);
  });

  it('a vector at the mean is estimated exactly, and a query there too', () => {
    const random = new Random('at the mean');
    const filter = filterOf(100, 2, 'l2', random);
    const { buffer } = configure(filter, 100);
    const x = vectorAbout(filter.mean, 'l2', random);
    for (const [stored, query] of [
      [filter.mean, x],
      [x, filter.mean],
      [filter.mean, filter.mean],
    ]) {
      const [atStored, atQuery] = [memory.put(stored), memory.put(query)];
      rotate(atStored, buffer, filter.rotated);
      memory.kernels.encodeSigns(atStored, 0);
      rotate(atQuery, buffer, filter.rotated);
      memory.kernels.prepareSigns(atQuery, 0, 2);
      const distance = scalar.l2(stored, query);
      expect(Math.abs(memory.kernels.lowerBound(0) - distance)).toBeLessThanOrEqual(1e-5 * distance);
    }
  });
});
