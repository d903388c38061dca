import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { type RabitqOptions, RabitqQuantizer, rabitqCodeBytes } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';

type RabitqMetric = 'l2' | 'dot' | 'cosine';
const METRICS: RabitqMetric[] = ['l2', 'dot', 'cosine'];
const ALL_BITS = [1, 2, 3, 4, 5, 6, 7, 8];

function normals(rows: number, dimension: number, seed: number | string, offset = 0): Matrix {
  const random = new Random(seed);
  const data = Float32Array.from({ length: rows * dimension }, () => offset + random.normal());
  return { data, rows, dimension };
}

function row({ data, dimension }: Matrix, i: number): Float32Array {
  return data.slice(i * dimension, (i + 1) * dimension);
}

function exact(metric: RabitqMetric, a: Float32Array, b: Float32Array): number {
  if (metric === 'l2') return scalar.l2(a, b);
  if (metric === 'dot') return -scalar.dot(a, b);
  return 1 - scalar.dot(a, b) / Math.sqrt(scalar.norm2(a) * scalar.norm2(b));
}

function meanAndDeviation(values: number[]): { mean: number; deviation: number } {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) };
}

function rms(values: number[]): number {
  return Math.sqrt(values.reduce((a, b) => a + b * b, 0) / values.length);
}

interface Estimate {
  error: number;
  bound: number;
}

/** Errors of estimates between two vectors whose cosine about the mean is `cosine`, each under a rotation of its own. */
function underRotations(
  { bits, metric, dimension, cosine }: { bits: number; metric: RabitqMetric; dimension: number; cosine: number },
  rotations: number,
): Estimate[] {
  const random = new Random(`rotations ${metric} ${bits} ${dimension} ${cosine}`);
  const training = normals(3, dimension, `training ${dimension}`);
  return Array.from({ length: rotations }, (_, seed) => {
    const x = Float32Array.from({ length: dimension }, () => random.normal());
    const q = x.map((value) => cosine * value + Math.sqrt(1 - cosine ** 2) * random.normal());
    const quantizer = RabitqQuantizer.train(training, { bits, metric, seed });
    const codes = quantizer.encode(x);
    const error = quantizer.distances(q, codes)[0] - exact(metric, x, q);
    return { error, bound: quantizer.errorBounds(q, codes)[0] };
  });
}

describe('estimates', () => {
  it.each(METRICS.flatMap((metric) => [1, 2, 4, 8].map((bits) => ({ metric, bits }))))(
    'are unbiased over rotations, and within their bound as often as promised ($metric, $bits bits)',
    ({ metric, bits }) => {
      for (const [dimension, cosine] of [
        [128, 0],
        [150, 0.6],
      ]) {
        const found = underRotations({ bits, metric, dimension, cosine }, 500);
        const { mean, deviation } = meanAndDeviation(found.map(({ error }) => error));
        expect(Math.abs(mean)).toBeLessThan((4 * deviation) / Math.sqrt(found.length));
        // 94.3 % of a normal distribution are within 1.9 deviations; 500 trials are off by 1 % themselves.
        const within = found.filter(({ error, bound }) => Math.abs(error) <= bound).length / found.length;
        expect(within).toBeGreaterThan(0.91);
        // The more alike the two, the more they have along each other, where nothing is lost; bounds do not count on that.
        if (cosine === 0) expect(within).toBeLessThan(0.985);
      }
    },
  );

  it('wider bounds hold more often: their width is in standard deviations', () => {
    const training = normals(400, 96, 'widths');
    const shares = [0.5, 1, 2, 3].map((epsilon0) => {
      const quantizer = RabitqQuantizer.train(training, { bits: 2, epsilon0 });
      const codes = quantizer.encode(training.data);
      let within = 0;
      for (let i = 0; i < 20; i++) {
        const q = row(training, i).map((value, j) => value + row(training, i + 50)[j]);
        const estimates = quantizer.distances(q, codes);
        const bounds = quantizer.errorBounds(q, codes);
        for (let j = 0; j < 400; j++) {
          if (Math.abs(estimates[j] - scalar.l2(q, row(training, j))) <= bounds[j]) within++;
        }
      }
      return within / 8000;
    });
    for (const [i, share] of [0.383, 0.683, 0.954, 0.997].entries())
      expect(Math.abs(shares[i] - share)).toBeLessThan(0.03);
  });

  it('each bit about halves the error, and 8 bits are nearly exact', () => {
    for (const dimension of [256, 300]) {
      const vectors = normals(300, dimension, `halves ${dimension}`);
      const queries = normals(10, dimension, `queries ${dimension}`);
      const errors = ALL_BITS.map((bits) => {
        const quantizer = RabitqQuantizer.train(vectors, { bits });
        const codes = quantizer.encode(vectors.data);
        return rms(
          Array.from({ length: 10 }, (_, i) => {
            const q = row(queries, i);
            return Array.from(quantizer.distances(q, codes), (estimate, j) => {
              return estimate / scalar.l2(q, row(vectors, j)) - 1;
            });
          }).flat(),
        );
      });
      for (let i = 1; i < errors.length; i++) {
        expect(errors[i] / errors[i - 1]).toBeGreaterThan(0.36);
        expect(errors[i] / errors[i - 1]).toBeLessThan(0.64);
      }
      expect(errors[7]).toBeLessThan(0.001);
    }
  });

  it('decoded vectors are the nearer the more bits there are', () => {
    const vectors = normals(50, 200, 'decoded', 5);
    const errors = ALL_BITS.map((bits) => {
      const quantizer = RabitqQuantizer.train(vectors, { bits });
      const decoded = quantizer.decode(quantizer.encode(vectors.data));
      expect(decoded.length).toBe(vectors.data.length);
      return Math.sqrt(scalar.l2(decoded, vectors.data) / vectors.data.length);
    });
    expect(errors[0]).toBeLessThan(0.65);
    for (let i = 1; i < errors.length; i++) expect(errors[i] / errors[i - 1]).toBeLessThan(0.64);
    expect(errors[7]).toBeLessThan(0.01);
  });

  it.each(METRICS)('between codes are about as near as those of queries (%s)', (metric) => {
    const vectors = normals(120, 256, 'between codes');
    for (const bits of [1, 4, 8]) {
      const quantizer = RabitqQuantizer.train(vectors, { bits, metric });
      const codes = quantizer.encode(vectors.data);
      const { codeBytes } = quantizer;
      const truth = Array.from({ length: 119 }, (_, i) => exact(metric, row(vectors, 0), row(vectors, i + 1)));
      const between = quantizer.distancesFromCode(codes.subarray(0, codeBytes), codes.subarray(codeBytes));
      const asymmetric = quantizer.distances(row(vectors, 0), codes.subarray(codeBytes));
      const errors = [between, asymmetric].map((got) => rms(truth.map((distance, i) => got[i] - distance)));
      // Two roundings instead of one, and for one bit what they have in common.
      expect(errors[0]).toBeLessThan(errors[1] * (bits === 1 ? 2.5 : 1.8));
    }
  });

  it('order true neighbours: of 300 far vectors and one near, 4 bits find the near one', () => {
    const vectors = normals(300, 128, 'near');
    const quantizer = RabitqQuantizer.train(vectors);
    const codes = quantizer.encode(vectors.data);
    const random = new Random('near');
    for (let i = 0; i < 300; i++) {
      const q = row(vectors, i).map((value) => value + 0.3 * random.normal());
      const estimates = quantizer.distances(q, codes);
      expect(estimates.indexOf(Math.min(...estimates))).toBe(i);
    }
  });

  it('are the same for codes one by one and in blocks, however many', () => {
    const vectors = normals(600, 70, 'blocks');
    const quantizer = RabitqQuantizer.train(vectors, { bits: 3 });
    const codes = quantizer.encode(vectors.data);
    const q = row(vectors, 7);
    const all = quantizer.distances(q, codes);
    const bounds = quantizer.errorBounds(q, codes);
    expect(all.length).toBe(600);
    for (let i = 0; i < 600; i += 37) {
      const code = codes.slice(i * quantizer.codeBytes, (i + 1) * quantizer.codeBytes);
      expect(quantizer.encode(row(vectors, i))).toEqual(code);
      expect(quantizer.distances(q, code)[0]).toBe(all[i]);
      expect(quantizer.errorBounds(q, code)[0]).toBe(bounds[i]);
    }
    expect(quantizer.distances(q, new Uint8Array(0)).length).toBe(0);
    expect(quantizer.encode(new Float32Array(0)).length).toBe(0);
  });
});

describe('odd vectors', () => {
  it.each(ALL_BITS)('a vector at the mean, and a query there, are estimated exactly (%i bits)', (bits) => {
    const x = row(normals(1, 50, 'mean'), 0);
    const others = normals(5, 50, 'others');
    const quantizer = RabitqQuantizer.train({ data: x, rows: 1, dimension: 50 }, { bits });
    const code = quantizer.encode(x);
    for (let i = 0; i < 5; i++) {
      const truth = scalar.l2(x, row(others, i));
      expect(Math.abs(quantizer.distances(row(others, i), code)[0] - truth)).toBeLessThanOrEqual(1e-5 * truth);
      expect(quantizer.errorBounds(row(others, i), code)[0]).toBe(0);
      expect(Math.abs(quantizer.distances(x, quantizer.encode(row(others, i)))[0] - truth)).toBeLessThanOrEqual(
        1e-5 * truth,
      );
    }
    expect(quantizer.distances(x, code)[0]).toBe(0);
    expect(quantizer.distancesFromCode(code, code)[0]).toBe(0);
    expect(quantizer.decode(code)).toEqual(x);
  });

  it('constant and duplicate vectors', () => {
    for (const bits of ALL_BITS) {
      const data = new Float32Array(4 * 30).fill(2.5);
      const quantizer = RabitqQuantizer.train({ data, rows: 4, dimension: 30 }, { bits });
      const codes = quantizer.encode(data);
      const one = codes.slice(0, quantizer.codeBytes);
      for (let i = 0; i < 4; i++) expect(codes.slice(i * one.length, (i + 1) * one.length)).toEqual(one);
      const distances = quantizer.distances(new Float32Array(30).fill(3.5), codes);
      for (const distance of distances) expect(Math.abs(distance - 30)).toBeLessThan(1e-3);
    }
  });

  it.each([1, 2, 3, 63, 64, 65, 4095, 4096])('of %i dimensions', (dimension) => {
    const vectors = normals(6, dimension, dimension);
    for (const bits of [1, 3, 4, 8]) {
      for (const metric of METRICS) {
        const quantizer = RabitqQuantizer.train(vectors, { bits, metric, epsilon0: 5 });
        const codes = quantizer.encode(vectors.data);
        expect(codes.length).toBe(6 * rabitqCodeBytes(dimension, bits));
        const q = row(normals(1, dimension, 'query'), 0);
        const [distances, bounds] = [quantizer.distances(q, codes), quantizer.errorBounds(q, codes)];
        for (let i = 0; i < 6; i++) {
          const error = Math.abs(distances[i] - exact(metric, q, row(vectors, i)));
          expect(error).toBeLessThanOrEqual(bounds[i] + 1e-5 * dimension);
        }
      }
    }
  });

  it('of one component only, in any place, are estimated like others', () => {
    for (const dimension of [832, 1024]) {
      const training = { data: new Float32Array(dimension), rows: 1, dimension };
      const quantizer = RabitqQuantizer.train(training, { bits: 2, epsilon0: 4.5 });
      const all = new Float32Array(dimension).fill(1);
      for (let i = 0; i < dimension; i += 13) {
        const x = new Float32Array(dimension);
        x[i] = 30;
        const code = quantizer.encode(x);
        const error = Math.abs(quantizer.distances(all, code)[0] - scalar.l2(x, all));
        expect(error).toBeLessThanOrEqual(quantizer.errorBounds(all, code)[0]);
      }
    }
  });
});

describe('bad input', () => {
  const vectors = normals(10, 20, 'bad input');
  const quantizer = RabitqQuantizer.train(vectors);
  const codes = quantizer.encode(vectors.data);
  const train = (matrix: Matrix, options?: RabitqOptions) => () => RabitqQuantizer.train(matrix, options);

  it('no vectors, or a matrix whose floats are too few', () => {
    expect(train({ data: new Float32Array(0), rows: 0, dimension: 20 })).toThrow(/vectors\.rows = 0: at least one/);
    expect(train({ data: new Float32Array(30), rows: 2, dimension: 20 })).toThrow(ParameterError);
    expect(train({ data: [1, 2] as unknown as Float32Array, rows: 1, dimension: 2 })).toThrow(ParameterError);
  });

  it.each([0, -1, 1.5, 4097, Number.NaN])('a dimension of %d', (dimension) => {
    expect(train({ data: new Float32Array(0), rows: 0, dimension })).toThrow(DimensionError);
  });

  it.each([
    { options: { bits: 0 }, parameter: 'bits' },
    { options: { bits: 9 }, parameter: 'bits' },
    { options: { bits: 2.5 }, parameter: 'bits' },
    { options: { metric: 'manhattan' }, parameter: 'metric' },
    { options: { metric: 'hamming' }, parameter: 'metric' },
    { options: { epsilon0: 0 }, parameter: 'epsilon0' },
    { options: { epsilon0: Number.NaN }, parameter: 'epsilon0' },
    { options: { epsilon0: 101 }, parameter: 'epsilon0' },
    { options: { seed: 0.5 }, parameter: 'seed' },
  ])('options $options', ({ options, parameter }) => {
    expect(train(vectors, options as RabitqOptions)).toThrow(ParameterError);
    expect(train(vectors, options as RabitqOptions)).toThrow(`${parameter} = `);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1e30])('a component of %d, in training, codes and queries', (bad) => {
    const data = vectors.data.slice();
    data[3 * 20 + 7] = bad;
    expect(train({ ...vectors, data })).toThrow(/row 3: .*component 7/);
    expect(() => quantizer.encode(data)).toThrow(/row 3: .*component 7/);
    expect(() => quantizer.distances(data.slice(60, 80), codes)).toThrow(/query: .*component 7/);
    expect(() => quantizer.errorBounds(data.slice(60, 80), codes)).toThrow(VectorValueError);
    // What went before is no worse for it.
    expect(quantizer.encode(vectors.data)).toEqual(codes);
  });

  it('a zero vector under cosine', () => {
    const data = vectors.data.slice();
    data.fill(0, 40, 60);
    expect(train({ ...vectors, data }, { metric: 'cosine' })).toThrow(/row 2: a zero vector/);
    const cosine = RabitqQuantizer.train(vectors, { metric: 'cosine' });
    expect(() => cosine.encode(data)).toThrow(/row 2: a zero vector/);
    expect(() => cosine.distances(new Float32Array(20), cosine.encode(vectors.data))).toThrow(/query: a zero vector/);
  });

  it('vectors of another dimension', () => {
    expect(() => quantizer.encode(new Float32Array(30))).toThrow(DimensionError);
    expect(() => quantizer.distances(new Float32Array(21), codes)).toThrow(DimensionError);
    expect(() => quantizer.encode([1] as unknown as Float32Array)).toThrow(ParameterError);
    expect(() => quantizer.distances('x' as unknown as Float32Array, codes)).toThrow(ParameterError);
  });

  it('codes of another dimension, cut off, or not bytes', () => {
    const other = RabitqQuantizer.train(normals(2, 100, 'other'));
    const others = other.encode(normals(2, 100, 'other').data);
    const q = row(vectors, 0);
    for (const bad of [others, codes.subarray(1), codes.subarray(0, 8)]) {
      expect(() => quantizer.distances(q, bad)).toThrow(/codes\.length = \d+: a multiple of 48/);
      expect(() => quantizer.errorBounds(q, bad)).toThrow(ParameterError);
      expect(() => quantizer.decode(bad)).toThrow(ParameterError);
      expect(() => quantizer.distancesFromCode(codes.subarray(0, 48), bad)).toThrow(ParameterError);
    }
    expect(() => quantizer.decode(new Float32Array(12) as unknown as Uint8Array)).toThrow(ParameterError);
    expect(() => quantizer.distancesFromCode(codes, codes)).toThrow(/code\.length/);
  });

  it('codes with factors that no vector has; other damage gives finite distances', () => {
    for (const [at, value] of [
      [0, Number.NaN],
      [4, Number.POSITIVE_INFINITY],
      [8, -1],
      [12, Number.NaN],
    ]) {
      const bad = codes.slice();
      new DataView(bad.buffer).setFloat32(2 * 48 + at, value, true);
      expect(() => quantizer.distances(row(vectors, 0), bad)).toThrow(/code 2 with the factor/);
      expect(() => quantizer.decode(bad)).toThrow(ParameterError);
    }
    const random = new Random('damage');
    const bad = codes.map((byte, i) => (i % 48 < 16 ? byte : random.integer(256)));
    expect(quantizer.distances(row(vectors, 0), bad).every(Number.isFinite)).toBe(true);
    expect(quantizer.decode(bad).every(Number.isFinite)).toBe(true);
  });
});

describe('toBytes and restore', () => {
  it('bring back a quantizer that writes and reads the same codes, bit for bit', () => {
    for (const bits of ALL_BITS) {
      for (const metric of METRICS) {
        const dimension = bits % 2 === 0 ? 75 : 128;
        const vectors = normals(20, dimension, 'restored');
        const quantizer = RabitqQuantizer.train(vectors, { bits, metric, seed: bits, epsilon0: 2.5 });
        const restored = RabitqQuantizer.restore(quantizer.toBytes());
        expect([restored.kind, restored.dimension, restored.bits, restored.metric, restored.epsilon0]).toEqual([
          'rabitq',
          dimension,
          bits,
          metric,
          2.5,
        ]);
        const codes = quantizer.encode(vectors.data);
        expect(restored.encode(vectors.data)).toEqual(codes);
        const q = row(vectors, 3);
        expect(restored.distances(q, codes)).toEqual(quantizer.distances(q, codes));
        expect(restored.errorBounds(q, codes)).toEqual(quantizer.errorBounds(q, codes));
        expect(restored.decode(codes)).toEqual(quantizer.decode(codes));
        expect(restored.toBytes()).toEqual(quantizer.toBytes());
      }
    }
  });

  it('are the same for the same seed, and of another rotation for another', () => {
    const vectors = normals(5, 40, 'seeds');
    const bytes = [1, 1, 2].map((seed) => RabitqQuantizer.train(vectors, { seed }).toBytes());
    expect(bytes[1]).toEqual(bytes[0]);
    expect(bytes[2]).not.toEqual(bytes[0]);
  });

  const bytes = RabitqQuantizer.train(normals(5, 20, 'bytes')).toBytes();

  it('refuse every byte that is another, and a length that is', () => {
    for (let i = 0; i < bytes.length; i++) {
      const bad = bytes.slice();
      bad[i] ^= 1 << (i % 8);
      expect(() => RabitqQuantizer.restore(bad), `byte ${i}`).toThrow(ParameterError);
    }
    for (const length of [0, 7, 31, bytes.length - 1]) {
      expect(() => RabitqQuantizer.restore(bytes.slice(0, length))).toThrow(ParameterError);
    }
    expect(() => RabitqQuantizer.restore(Uint8Array.of(...bytes, 0))).toThrow(/checksum/);
  });

  it('refuse what is something else', () => {
    const other = ScalarQuantizer.train(normals(5, 20, 'bytes')).toBytes();
    expect(() => RabitqQuantizer.restore(other)).toThrow(/no RaBitQ quantizer/);
    expect(() => RabitqQuantizer.restore('x' as unknown as Uint8Array)).toThrow(ParameterError);
  });

  it.each([
    { what: 'version', forge: (view: DataView) => view.setUint32(8, 2, true), says: /version 2/ },
    { what: 'dimension', forge: (view: DataView) => view.setUint32(16, 0, true), says: /dimension 0/ },
    { what: 'greater dimension', forge: (view: DataView) => view.setUint32(16, 4000, true), says: /bytes/ },
    { what: 'metric', forge: (view: DataView) => view.setUint8(20, 3), says: /metric = manhattan/ },
    { what: 'no metric', forge: (view: DataView) => view.setUint8(20, 9), says: /metric = undefined/ },
    { what: 'bits', forge: (view: DataView) => view.setUint8(21, 9), says: /bits = 9/ },
    { what: 'epsilon0', forge: (view: DataView) => view.setFloat64(24, Number.NaN, true), says: /epsilon0 = NaN/ },
    { what: 'mean', forge: (view: DataView) => view.setFloat32(36, Number.NaN, true), says: /a mean that no vectors/ },
  ])('refuse a forged $what under a right checksum', ({ forge, says }) => {
    const forged = bytes.slice();
    const view = new DataView(forged.buffer);
    forge(view);
    view.setUint32(12, 0, true);
    view.setUint32(12, crc32c(forged), true);
    expect(() => RabitqQuantizer.restore(forged)).toThrow(says);
  });

  it('restore reads from the middle of other bytes and from shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length + 7)).subarray(7);
    shared.set(bytes);
    expect(RabitqQuantizer.restore(shared).toBytes()).toEqual(bytes);
  });
});
