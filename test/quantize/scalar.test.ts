import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { Arena } from '../../src/kernels/memory.ts';
import * as twin from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import {
  type ScalarOptions,
  ScalarQuantizer,
  sq8CodeBytes,
  sq8ModelBytes,
  sq8ScratchBytes,
} from '../../src/quantize/scalar.ts';
import { seeded } from '../kernels/samples.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const FORMS: Record<string, ScalarOptions> = {
  'sq8/vector': { bits: 8, ranges: 'vector' },
  'sq8/dimension': { bits: 8, ranges: 'dimension' },
  'sq8/dimension, quantiles': { bits: 8, ranges: 'dimension', quantile: 0.9 },
  'sq7/vector': { bits: 7, ranges: 'vector' },
};

/** Rows whose dimensions differ in place and scale. */
function rowsOf(rows: number, dimension: number, seed: number): Matrix {
  const random = new Random(seed);
  const data = new Float32Array(rows * dimension);
  for (let i = 0; i < data.length; i++) {
    const j = i % dimension;
    data[i] = (j % 5) - 2 + random.normal() * (1 + (j % 3));
  }
  return { data, rows, dimension };
}

function row({ data, dimension }: Matrix, i: number): Float32Array {
  return data.slice(i * dimension, (i + 1) * dimension);
}

function exact(a: Float32Array, b: Float32Array, metric: Metric): number {
  if (metric === 'l2') return twin.l2(a, b);
  if (metric === 'manhattan') return twin.manhattan(a, b);
  if (metric === 'dot') return -twin.dot(a, b);
  return 1 - twin.dot(a, b) / Math.sqrt(twin.norm2(a) * twin.norm2(b));
}

describe.each(Object.entries(FORMS))('%s', (_, form) => {
  it('estimates are within the bounds under every metric, in codes of any number', () => {
    const shapes = fc.record({
      dimension: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 100, 784, 1024)),
      // Beyond a block and at its ends too.
      rows: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(255, 256, 257, 600)),
      metric: fc.constantFrom(...METRICS),
      seed: fc.nat(),
    });
    const property = fc.property(shapes, ({ dimension, rows, metric, seed }) => {
      const vectors = rowsOf(rows, dimension, seed);
      const quantizer = ScalarQuantizer.train(vectors, { ...form, metric });
      const codes = quantizer.encode(vectors.data);
      expect(codes.length).toBe(rows * quantizer.codeBytes);
      const query = row(rowsOf(1, dimension, seed + 1), 0);
      const distances = quantizer.distances(query, codes);
      const bounds = quantizer.errorBounds(query, codes);
      expect([distances.length, bounds.length]).toEqual([rows, rows]);
      for (let i = 0; i < rows; i++) {
        const truth = exact(query, row(vectors, i), metric);
        const off = Math.abs(distances[i] - truth);
        if (!(off <= bounds[i])) expect.fail(`row ${i}: ${distances[i]}, exact is ${truth} ± ${bounds[i]}`);
      }
    });
    fc.assert(property, seeded(60));
  });

  it('vectors come back to within half a step where they are within the range', () => {
    const vectors = rowsOf(200, 33, 5);
    const quantizer = ScalarQuantizer.train(vectors, form);
    const codes = quantizer.encode(vectors.data);
    const decoded = quantizer.decode(codes);
    const range = 22;
    const halfStep = range / (form.bits === 7 ? 127 : 254) / 2;
    const off = decoded.map((x, i) => Math.abs(x - vectors.data[i])).sort();
    const beyond = form.quantile === undefined ? 0 : 0.12;
    expect(off[Math.floor((off.length - 1) * (1 - beyond))]).toBeLessThanOrEqual(halfStep);
    expect(quantizer.encode(vectors.data)).toEqual(codes);
  });

  it('restored from its bytes it is the same to the last bit', () => {
    const vectors = rowsOf(50, 21, 9);
    for (const metric of METRICS) {
      const quantizer = ScalarQuantizer.train(vectors, { ...form, metric });
      const restored = ScalarQuantizer.restore(quantizer.toBytes());
      const { dimension, bits, ranges, quantile, codeBytes, kind } = quantizer;
      expect(restored).toMatchObject({ dimension, metric, bits, ranges, quantile, codeBytes, kind });
      const codes = quantizer.encode(vectors.data);
      expect(restored.encode(vectors.data)).toEqual(codes);
      expect(restored.decode(codes)).toEqual(quantizer.decode(codes));
      const query = row(vectors, 3);
      expect(restored.distances(query, codes)).toEqual(quantizer.distances(query, codes));
      expect(restored.errorBounds(query, codes)).toEqual(quantizer.errorBounds(query, codes));
      expect(restored.toBytes()).toEqual(quantizer.toBytes());
    }
  });

  it('every flipped bit and every cut of its bytes is seen', () => {
    const bytes = ScalarQuantizer.train(rowsOf(20, 5, 1), form).toBytes();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >>> 3] ^= 1 << (bit & 7);
      expect(() => ScalarQuantizer.restore(damaged)).toThrow(ParameterError);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => ScalarQuantizer.restore(bytes.subarray(0, length))).toThrow(ParameterError);
    }
    expect(() => ScalarQuantizer.restore(Uint8Array.of(...bytes, 0))).toThrow(ParameterError);
    // Wherever in a buffer they lie.
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(ScalarQuantizer.restore(moved.subarray(3)).toBytes()).toEqual(bytes);
  });

  it('what was forged, its checksum made right again, is refused where no quantizer is like that', () => {
    const bytes = ScalarQuantizer.train(rowsOf(20, 5, 1), form).toBytes();
    const forge = (change: (view: DataView) => void) => {
      const view = new DataView(bytes.slice().buffer);
      change(view);
      view.setUint32(12, 0, true);
      const forged = new Uint8Array(view.buffer);
      view.setUint32(12, crc32c(forged), true);
      return () => ScalarQuantizer.restore(forged);
    };
    expect(forge(() => {})().toBytes()).toEqual(bytes);
    expect(forge((view) => view.setUint32(8, 2, true))).toThrow('bytes = version 2: version 1');
    expect(forge((view) => view.setUint32(16, 0, true))).toThrow(DimensionError);
    expect(forge((view) => view.setUint32(16, 2 ** 32 - 1, true))).toThrow(DimensionError);
    expect(forge((view) => view.setUint8(20, 4))).toThrow('metric = undefined');
    expect(forge((view) => view.setUint8(21, 5))).toThrow('bits = 5');
    expect(forge((view) => view.setUint8(22, 2))).toThrow('a shape that none has');
    expect(forge((view) => view.setUint8(23, 1))).toThrow('a shape that none has');
    expect(forge((view) => view.setFloat64(24, Number.NaN, true))).toThrow('quantile = NaN');
    if (form.ranges !== 'dimension') return;
    expect(forge((view) => view.setUint32(16, 6, true))).toThrow('bytes = 72 bytes');
    expect(forge((view) => view.setFloat32(32, Number.NaN, true))).toThrow('ranges that no vectors have');
    expect(forge((view) => view.setFloat32(32, 1e18, true))).toThrow('ranges that no vectors have');
    expect(forge((view) => view.setFloat32(32 + 20, -1, true))).toThrow('ranges that no vectors have');
  });

  it('constant vectors, duplicates and one dimension', () => {
    for (const metric of METRICS) {
      const constant = { data: new Float32Array(3 * 7).fill(-2.5), rows: 3, dimension: 7 };
      const quantizer = ScalarQuantizer.train(constant, { ...form, metric });
      const codes = quantizer.encode(constant.data);
      const distances = quantizer.distances(row(constant, 0), codes);
      const truth = exact(row(constant, 0), row(constant, 0), metric);
      for (const distance of distances) expect(distance).toBeCloseTo(truth, 4);
      expect(distances[1]).toBe(distances[0]);

      const one = { data: Float32Array.of(3, 3, -4, 1e-20, 1e15), rows: 5, dimension: 1 };
      const scalarOf = ScalarQuantizer.train(one, { ...form, metric });
      const oneCodes = scalarOf.encode(one.data);
      const estimates = scalarOf.distances(Float32Array.of(3), oneCodes);
      const bounds = scalarOf.errorBounds(Float32Array.of(3), oneCodes);
      one.data.forEach((x, i) => {
        const off = Math.abs(estimates[i] - exact(Float32Array.of(3), Float32Array.of(x), metric));
        expect(off).toBeLessThanOrEqual(bounds[i]);
      });
    }
  });

  it('the longest vectors that are admitted do not overflow, longer ones are refused', () => {
    const dimension = 4096;
    const component = Math.sqrt(0.99e34 / dimension);
    const data = Float32Array.from({ length: 3 * dimension }, (_, i) => (i < dimension ? component : -component));
    data[2 * dimension] = component;
    for (const metric of METRICS) {
      const quantizer = ScalarQuantizer.train({ data, rows: 3, dimension }, { ...form, metric });
      const codes = quantizer.encode(data);
      const query = data.subarray(0, dimension);
      const distances = quantizer.distances(query, codes);
      const bounds = quantizer.errorBounds(query, codes);
      for (let i = 0; i < 3; i++) {
        const truth = exact(query, data.subarray(i * dimension, (i + 1) * dimension), metric);
        expect(Number.isFinite(bounds[i])).toBe(true);
        expect(Math.abs(distances[i] - truth)).toBeLessThanOrEqual(bounds[i]);
      }
      if (metric === 'cosine') continue;
      const long = data.map((x) => x * 1.1);
      expect(() => quantizer.encode(long)).toThrow(/row 0: \|x\|² = .*: scale the vectors down/);
    }
  });

  it('vectors that are none are refused with their row, and nothing else is spoiled by them', () => {
    const vectors = rowsOf(6, 5, 2);
    const quantizer = ScalarQuantizer.train(vectors, form);
    const codes = quantizer.encode(vectors.data);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const data = vectors.data.slice();
      data[4 * 5 + 2] = bad;
      expect(() => quantizer.encode(data)).toThrow(VectorValueError);
      expect(() => quantizer.encode(data)).toThrow(`row 4: component 2 is ${bad}`);
      const query = data.subarray(20, 25);
      expect(() => quantizer.distances(query, codes)).toThrow(`query: component 2 is ${bad}`);
      expect(() => quantizer.errorBounds(query, codes)).toThrow(VectorValueError);
      if (form.ranges === 'dimension') {
        expect(() => ScalarQuantizer.train({ ...vectors, data }, form)).toThrow(`row 4: component 2 is ${bad}`);
      }
    }
    expect(quantizer.encode(vectors.data)).toEqual(codes);
    const zeros = { data: new Float32Array(10), rows: 2, dimension: 5 };
    expect(Array.from(ScalarQuantizer.train(zeros, form).encode(zeros.data))).toEqual(expect.arrayContaining([0]));
    const cosine = ScalarQuantizer.train(vectors, { ...form, metric: 'cosine' });
    expect(() => cosine.encode(zeros.data)).toThrow('row 0: a zero vector has no direction');
    expect(() => cosine.distances(new Float32Array(5), codes)).toThrow('query: a zero vector has no direction');
    if (form.ranges === 'dimension') {
      expect(() => ScalarQuantizer.train(zeros, { ...form, metric: 'cosine' })).toThrow('row 0: a zero vector');
    }
  });

  it('codes and vectors of another dimension, and what is neither', () => {
    const quantizer = ScalarQuantizer.train(rowsOf(4, 40, 3), form);
    const other = ScalarQuantizer.train(rowsOf(4, 60, 3), form);
    const query = new Float32Array(40);
    const codes = other.encode(rowsOf(1, 60, 3).data);
    const calls = [
      () => quantizer.decode(codes),
      () => quantizer.distances(query, codes),
      () => quantizer.errorBounds(query, codes),
      () => quantizer.distancesFromCode(quantizer.encode(query), codes),
    ];
    for (const call of calls)
      expect(call).toThrow('codes.length = 80: a multiple of 64, the bytes of one code of 40 dimensions');
    expect(() => quantizer.distances(new Float32Array(60), new Uint8Array(64))).toThrow(DimensionError);
    expect(() => quantizer.encode(new Float32Array(60))).toThrow(DimensionError);
    expect(() => quantizer.encode([1] as unknown as Float32Array)).toThrow(ParameterError);
    expect(() => quantizer.distances([1] as unknown as Float32Array, codes)).toThrow(ParameterError);
    expect(() => quantizer.decode([1] as unknown as Uint8Array)).toThrow(ParameterError);
    const two = new Uint8Array(128);
    expect(() => quantizer.distancesFromCode(two, two)).toThrow('code.length = 128: one code, 64 bytes');
    expect(quantizer.encode(new Float32Array(0))).toEqual(new Uint8Array(0));
    expect(quantizer.decode(new Uint8Array(0))).toEqual(new Float32Array(0));
    expect(quantizer.distances(query, new Uint8Array(0))).toEqual(new Float32Array(0));
  });

  it('from one code to others: as from the vector that it stands for', () => {
    const vectors = rowsOf(30, 50, 8);
    for (const metric of METRICS) {
      const quantizer = ScalarQuantizer.train(vectors, { ...form, metric });
      const codes = quantizer.encode(vectors.data);
      const code = codes.slice(0, quantizer.codeBytes);
      const symmetric = quantizer.distancesFromCode(code, codes);
      const meant = quantizer.decode(code);
      const decoded = quantizer.decode(codes);
      for (let i = 0; i < 30; i++) {
        const x = decoded.subarray(i * 50, (i + 1) * 50);
        const truth = metric === 'cosine' ? twin.l2(meant, x) / 2 : exact(meant, x, metric);
        const size = Math.sqrt(twin.norm2(meant) * twin.norm2(x)) + Math.abs(truth);
        expect(Math.abs(symmetric[i] - truth)).toBeLessThanOrEqual(1e-4 * size);
      }
    }
  });

  it('its kernels stand alone: with its model in another memory they give the same codes, distances and bounds', () => {
    const vectors = rowsOf(20, 37, 6);
    const query = row(vectors, 7);
    for (const metric of ['l2', 'dot', 'manhattan'] as const) {
      const quantizer = ScalarQuantizer.train(vectors, { ...form, metric });
      const { form: number, model } = quantizer.kernelModel;
      expect(model.byteLength).toBe(sq8ModelBytes(37, quantizer.ranges));
      const { codeBytes } = quantizer;
      expect(sq8CodeBytes(37)).toBe(codeBytes);
      const plan = () => ({
        model: model.byteLength,
        scratch: sq8ScratchBytes(37),
        x: 37 * 4,
        codes: 20 * codeBytes,
        out: 96,
      });
      const { kernels, at, f32, bytes } = Arena.reserve(1, plan, 'a test');
      f32.set(model, at.model / 4);
      kernels.configureSq8(37, METRIC_CODES[metric], number, at.model, at.scratch);
      for (let i = 0; i < 20; i++) {
        f32.set(row(vectors, i), at.x / 4);
        kernels.encodeSq8(at.x, at.codes + i * codeBytes);
      }
      const codes = bytes.slice(at.codes, at.codes + 20 * codeBytes);
      expect(codes).toEqual(quantizer.encode(vectors.data));
      f32.set(query, at.x / 4);
      kernels.prepareSq8(at.x);
      kernels.sq8DistancesInto(at.codes, 20, at.out);
      expect(f32.slice(at.out / 4, at.out / 4 + 20)).toEqual(quantizer.distances(query, codes));
      kernels.sq8BoundsInto(at.codes, 20, at.out);
      expect(f32.slice(at.out / 4, at.out / 4 + 20)).toEqual(quantizer.errorBounds(query, codes));
    }
  });

  it('two quantizers do not disturb each other', () => {
    const [a, b] = [rowsOf(9, 30, 1), rowsOf(9, 70, 2)];
    const first = ScalarQuantizer.train(a, { ...form, metric: 'l2' });
    const alone = first.distances(row(a, 0), first.encode(a.data));
    const second = ScalarQuantizer.train(b, { ...form, metric: 'dot' });
    const codes = second.encode(b.data);
    expect(first.distances(row(a, 0), first.encode(a.data))).toEqual(alone);
    expect(second.encode(b.data)).toEqual(codes);
  });
});

describe('training', () => {
  it('ranges of vectors need no vectors, ranges of dimensions do', () => {
    const none = { data: new Float32Array(0), rows: 0, dimension: 8 };
    expect(ScalarQuantizer.train(none).codeBytes).toBe(32);
    expect(() => ScalarQuantizer.train(none, { ranges: 'dimension' })).toThrow('vectors.rows = 0: at least one');
  });

  it('options that make no sense', () => {
    const vectors = rowsOf(3, 4, 1);
    const refused: [unknown, string][] = [
      [{ bits: 6 }, 'bits = 6: 7 or 8'],
      [{ bits: 7, ranges: 'dimension' }, "bits = 7: 8 with ranges: 'dimension'"],
      [{ ranges: 'row' }, "ranges = row: 'vector' or 'dimension'"],
      [{ metric: 'hamming' }, 'metric = hamming: one of l2, dot, cosine, manhattan'],
      [{ ranges: 'dimension', quantile: 0.4 }, 'quantile = 0.4: a number from 0.5 to 1'],
      [{ ranges: 'dimension', quantile: 1.1 }, 'quantile = 1.1: a number from 0.5 to 1'],
      [{ ranges: 'dimension', quantile: Number.NaN }, 'quantile = NaN: a number from 0.5 to 1'],
      [{ quantile: 0.99 }, "quantile = 0.99: for ranges: 'dimension' only"],
    ];
    for (const [options, message] of refused) {
      expect(() => ScalarQuantizer.train(vectors, options as ScalarOptions)).toThrow(message);
      expect(() => ScalarQuantizer.train(vectors, options as ScalarOptions)).toThrow(ParameterError);
    }
    for (const dimension of [0, -1, 1.5, 4097, Number.NaN]) {
      expect(() => ScalarQuantizer.train({ data: new Float32Array(0), rows: 0, dimension })).toThrow(DimensionError);
    }
    expect(() => ScalarQuantizer.train({ ...vectors, rows: 4 })).toThrow('vectors = 12 floats: 4 rows of dimension 4');
    const array = { ...vectors, data: [1, 2] } as unknown as Matrix;
    expect(() => ScalarQuantizer.train(array)).toThrow(ParameterError);
  });

  it('a quantile leaves out what is far off, and what is far off is clipped', () => {
    const data = Float32Array.from({ length: 1001 }, (_, i) => i / 1000);
    data[0] = -1e6;
    data[1000] = 1e6;
    const vectors = { data, rows: 1001, dimension: 1 };
    const errors = [1, 0.99].map((quantile) => {
      const quantizer = ScalarQuantizer.train(vectors, { ranges: 'dimension', quantile });
      return Math.abs(quantizer.decode(quantizer.encode(Float32Array.of(0.3)))[0] - 0.3);
    });
    expect(errors[0]).toBeGreaterThan(0.1);
    expect(errors[1]).toBeLessThan(0.002);
    const clipped = ScalarQuantizer.train(vectors, { ranges: 'dimension', quantile: 0.99 });
    const [far] = clipped.decode(clipped.encode(Float32Array.of(50)));
    expect(far).toBeCloseTo(0.995, 2);
    const [bound] = clipped.errorBounds(Float32Array.of(50), clipped.encode(Float32Array.of(50)));
    expect(bound).toBeGreaterThan(49 ** 2);
  });

  it('under cosine, ranges are those of the normalized vectors', () => {
    const vectors = rowsOf(100, 12, 4);
    const scaled = { ...vectors, data: vectors.data.map((x, i) => x * 2 ** (Math.floor(i / 12) % 7)) };
    const options: ScalarOptions = { ranges: 'dimension', metric: 'cosine', quantile: 0.98 };
    const a = ScalarQuantizer.train(vectors, options);
    const b = ScalarQuantizer.train(scaled, options);
    expect(b.toBytes()).toEqual(a.toBytes());
    expect(b.encode(scaled.data)).toEqual(a.encode(vectors.data));
  });

  it('the scratch of the largest dimension is 60 KiB and a little', () => {
    expect(sq8ScratchBytes(4096)).toBe(60 * 1024 + 16);
  });
});

const FASHION = fileURLToPath(new URL('../../../shared/datasets/fashion-mnist', import.meta.url));

it.skipIf(!existsSync(FASHION))(
  'Fashion-MNIST in a quarter of its bytes: estimates far within 5 % of the distance',
  async () => {
    const set = await loadDataset('fashion-mnist-784-euclidean', {
      cacheDir: temporaryFolder(),
      offline: true,
      maxRows: 1000,
      maxQueries: 10,
    });
    const { train, queries } = set;
    for (const form of [FORMS['sq8/vector'], FORMS['sq8/dimension'], FORMS['sq7/vector']]) {
      for (const metric of ['l2', 'cosine'] as const) {
        const quantizer = ScalarQuantizer.train(train, { ...form, metric });
        expect(quantizer.codeBytes).toBe(784 + 16);
        const codes = quantizer.encode(train.data);
        const errors: number[] = [];
        for (let q = 0; q < queries.rows; q++) {
          const estimates = quantizer.distances(row(queries, q), codes);
          for (let i = 0; i < train.rows; i++) {
            const truth = exact(row(queries, q), row(train, i), metric);
            errors.push(Math.abs(estimates[i] - truth) / truth);
          }
        }
        errors.sort((a, b) => a - b);
        expect(errors.reduce((a, b) => a + b) / errors.length).toBeLessThan(0.005);
        expect(errors[Math.floor(errors.length * 0.99)]).toBeLessThan(0.012);
      }
    }
  },
);
