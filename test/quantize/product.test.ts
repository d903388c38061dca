/** ProductQuantizer: what it promises about codes, distances and bounds, and what it says to wrong input. */
import { beforeAll, describe, expect, it } from 'vitest';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import { type Matrix, row } from '../../src/core/matrix.ts';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { type KMeansJob, runSequentially } from '../../src/quantize/kmeans.ts';
import { type ProductOptions, ProductQuantizer } from '../../src/quantize/product.ts';
import { productLayout } from '../../src/quantize/product-layout.ts';
import { runOnThreads } from '../../src/workers/kmeans.ts';

const METRICS = ['l2', 'dot', 'cosine'] as const;
const D = 24;
const SEED = 7;

/** Rows about a few centres, the axes of unequal strength. */
function clustered(rows: number, seed: number): Matrix {
  const random = new Random(`clustered ${seed}`);
  const centres = Array.from({ length: 12 }, () => Array.from({ length: D }, () => 2 * random.normal()));
  const data = new Float32Array(rows * D);
  for (let i = 0; i < rows; i++) {
    const centre = centres[random.integer(centres.length)];
    for (let j = 0; j < D; j++) data[i * D + j] = centre[j] + random.normal() / (1 + j / 4);
  }
  return { data, rows, dimension: D };
}

/** A copy; under cosine of length 1. */
function normalized(x: Float32Array, metric: string): Float32Array {
  const copy = x.slice();
  if (metric === 'cosine') scalar.scale(copy, 1 / Math.sqrt(scalar.norm2(copy)));
  return copy;
}

function exactDistance(metric: string, a: Float32Array, b: Float32Array): number {
  if (metric === 'dot') return -scalar.dot(a, b);
  return metric === 'cosine' ? scalar.l2(a, b) / 2 : scalar.l2(a, b);
}

/** Σ |x − x̂|². */
function distortion(quantizer: ProductQuantizer, { data }: Matrix): number {
  return scalar.l2(data, quantizer.decode(quantizer.encode(data)));
}

const train = clustered(1500, 1);
const small = clustered(300, 3);
const others = clustered(90, 2);
const query = row(others, 89);

/** Without any option: 8 bits, l2. */
let plain: ProductQuantizer;
let plainCodes: Uint8Array;
beforeAll(async () => {
  plain = await ProductQuantizer.train(train, { m: 6, seed: SEED, iterations: 2 });
  plainCodes = plain.encode(others.data);
});

const forms = METRICS.flatMap((metric) =>
  [
    { bits: 8, m: 6 },
    { bits: 4, m: 24 },
    { bits: 4, m: 3, opq: true },
    { bits: 8, m: 2, residual: { centroids: 9 } },
    { bits: 4, m: 8, opq: true, residual: { centroids: 30 } },
  ].map((options) => ({ metric, ...options, seed: SEED, iterations: 4 })),
);

describe.each(forms)('with $metric, m $m, $bits bits, OPQ $opq, residual $residual', (options) => {
  const { metric } = options;
  let quantizer: ProductQuantizer;
  let codes: Uint8Array;
  let decoded: Float32Array[];
  beforeAll(async () => {
    quantizer = await ProductQuantizer.train(train, options);
    codes = quantizer.encode(others.data);
    const data = quantizer.decode(codes);
    decoded = Array.from({ length: others.rows }, (_, i) => row({ data, rows: others.rows, dimension: D }, i));
  });

  it('codes have the stated size, and each is that of its vector alone', () => {
    const { payloadBytes, codeBytes } = quantizer;
    expect(payloadBytes).toBe(Math.ceil((options.m * options.bits) / 8));
    expect(codeBytes % 16).toBe(0);
    expect(codeBytes).toBeLessThanOrEqual(payloadBytes + 32);
    expect(codes.length).toBe(others.rows * codeBytes);
    for (const i of [0, 41, 89]) {
      expect(quantizer.encode(row(others, i))).toEqual(codes.subarray(i * codeBytes, (i + 1) * codeBytes));
    }
  });

  it('distances are to the vectors that the codes stand for, within the bounds of those encoded', () => {
    const distances = quantizer.distances(query, codes);
    const bounds = quantizer.errorBounds(query, codes);
    const q = normalized(query, metric);
    for (const [i, stood] of decoded.entries()) {
      const x = normalized(row(others, i), metric);
      const magnitude = scalar.norm2(q) + scalar.norm2(stood) + 1;
      expect(Math.abs(distances[i] - exactDistance(metric, q, stood))).toBeLessThanOrEqual(1e-5 * magnitude);
      expect(Math.abs(distances[i] - exactDistance(metric, q, x))).toBeLessThanOrEqual(bounds[i]);
      // A bound that is wide always holds: this one is what the inequality says, and hardly more.
      const e = Math.sqrt(scalar.l2(x, stood));
      const apart = Math.sqrt(scalar.l2(q, stood));
      const whole = metric === 'dot' ? e * Math.sqrt(scalar.norm2(q)) : e * (2 * apart + e);
      const inequality = metric === 'cosine' ? whole / 2 : whole;
      expect(bounds[i]).toBeLessThanOrEqual(1.05 * inequality + 0.02 * magnitude);
    }
  });

  it('distances between codes are those between what they stand for', () => {
    const { codeBytes } = quantizer;
    const distances = quantizer.distancesFromCode(codes.subarray(5 * codeBytes, 6 * codeBytes), codes);
    for (const [i, stood] of decoded.entries()) {
      const magnitude = scalar.norm2(decoded[5]) + scalar.norm2(stood) + 1;
      const truth = exactDistance(metric, decoded[5], stood);
      expect(Math.abs(distances[i] - truth)).toBeLessThanOrEqual(1e-5 * magnitude);
    }
  });

  it('its bytes bring it back: the same codes, vectors, distances and bounds', () => {
    const restored = ProductQuantizer.restore(quantizer.toBytes());
    expect(restored.toBytes()).toEqual(quantizer.toBytes());
    expect(restored.encode(others.data)).toEqual(codes);
    expect(restored.decode(codes)).toEqual(quantizer.decode(codes));
    expect(restored.distances(query, codes)).toEqual(quantizer.distances(query, codes));
    expect(restored.errorBounds(query, codes)).toEqual(quantizer.errorBounds(query, codes));
  });

  it('other memories read its codes by its shape and model', () => {
    const layout = productLayout(quantizer.shape);
    expect([layout.codeBytes, layout.payloadBytes]).toEqual([quantizer.codeBytes, quantizer.payloadBytes]);
    const model = new Uint8Array(layout.modelBytes);
    model.set(quantizer.model());
    const { at } = layout;
    // The first row of the first codebook, and the same numbers as columns.
    const floats = new Float32Array(model.buffer);
    for (let i = 0; i < layout.part; i++) {
      expect(floats[at.columns / 4 + i * 2 ** options.bits]).toBe(floats[at.rows / 4 + i]);
    }
  });

  it('a seed gives the same quantizer again, another one another', async () => {
    expect((await ProductQuantizer.train(train, options)).toBytes()).toEqual(quantizer.toBytes());
    expect((await ProductQuantizer.train(train, { ...options, seed: 8 })).toBytes()).not.toEqual(quantizer.toBytes());
  });

  if (options.bits === 8) return;

  it('packed blocks are scanned to within the stated error', () => {
    const distances = quantizer.distances(query, codes);
    const packed = quantizer.packBlocks(codes);
    const error = quantizer.scanError(query);
    for (const n of [0, 1, 31, 32, 33, others.rows]) {
      const scanned = quantizer.scanBlocks(query, packed, n);
      expect(scanned.length).toBe(n);
      for (const [i, distance] of scanned.entries()) {
        expect(Math.abs(distance - distances[i])).toBeLessThanOrEqual(error + 1e-5 * (scalar.norm2(query) + 100));
      }
    }
    // And that error is small against what distances differ by.
    expect(error).toBeLessThan((Math.max(...distances) - Math.min(...distances)) / 4);
  });
});

describe('training', () => {
  it('more subspaces, more bits and coarse centroids make the error less', async () => {
    const errorOf = async (options: Partial<ProductOptions>) => {
      return distortion(await ProductQuantizer.train(train, { m: 4, bits: 4, seed: SEED, ...options }), train);
    };
    const error = await errorOf({});
    expect(await errorOf({ m: 12 })).toBeLessThan(0.8 * error);
    expect(await errorOf({ bits: 8 })).toBeLessThan(0.7 * error);
    expect(await errorOf({ residual: { centroids: 32 } })).toBeLessThan(0.8 * error);
  });

  it('codebooks are what k-means finds in the parts, by the runner that is given', async () => {
    const jobs: KMeansJob[] = [];
    const quantizer = await ProductQuantizer.train(train, {
      ...{ m: 6, bits: 4, seed: SEED, metric: 'dot' },
      run: (rows, wanted, onDone) => {
        jobs.push(...wanted);
        return runSequentially(rows, wanted, onDone);
      },
    });
    expect(jobs.map(({ from, to, k }) => [from, to, k])).toEqual(
      [0, 4, 8, 12, 16, 20].map((from) => [from, from + 4, 16]),
    );
    // A centroid is coded without loss.
    const [last] = await runSequentially(train, [jobs[5]]);
    const x = new Float32Array(D);
    x.set(row(last.centroids, 11), 20);
    expect(quantizer.decode(quantizer.encode(x)).subarray(20)).toEqual(x.subarray(20));
  });

  it('trained on threads it is the same, to the last bit', async () => {
    const options = { m: 6, bits: 4, seed: SEED, opq: true, residual: { centroids: 5 } };
    const onThreads = await ProductQuantizer.train(small, { ...options, run: runOnThreads(2) });
    expect(onThreads.toBytes()).toEqual((await ProductQuantizer.train(small, options)).toBytes());
  });

  it('only the sample is trained on, and the seed chooses it', async () => {
    const seen: Matrix[] = [];
    const run: ProductOptions['run'] = (rows, jobs) => {
      seen.push({ ...rows, data: rows.data.slice() });
      return runSequentially(rows, jobs);
    };
    for (const seed of [1, 2]) {
      await ProductQuantizer.train(train, { m: 2, bits: 4, metric: 'dot', sample: 100, iterations: 1, seed, run });
    }
    expect(seen.map(({ rows }) => rows)).toEqual([100, 100]);
    expect(seen[0].data).not.toEqual(seen[1].data);
    const ofTrain = new Set(Array.from({ length: train.rows }, (_, i) => row(train, i).join()));
    for (const chosen of seen) {
      const rows = new Set(Array.from({ length: 100 }, (_, i) => row(chosen, i).join()));
      expect(rows.size).toBe(100);
      expect([...rows].every((chosenRow) => ofTrain.has(chosenRow))).toBe(true);
    }
  });

  it('says how far it has come, and leaves the vectors what they were', async () => {
    const told: string[] = [];
    const onProgress = (done: number, total: number) => told.push(`${done} of ${total}`);
    const before = small.data.slice();
    const options = { m: 2, bits: 4, seed: SEED, opq: true, residual: { centroids: 3 }, onProgress };
    await ProductQuantizer.train(small, options);
    expect(told).toEqual(['1 of 3', '2 of 3', '3 of 3']);
    expect(small.data).toEqual(before);
  });

  it('far from the origin it is as accurate as near it', async () => {
    const far: Matrix = { ...train, data: train.data.map((x) => x + 4096) };
    const options = { m: 6, seed: SEED, residual: { centroids: 8 } };
    const near = await ProductQuantizer.train(train, options);
    const there = await ProductQuantizer.train(far, options);
    const codes = there.encode(far.data);
    const decoded = there.decode(codes);
    const distances = there.distances(row(far, 3), codes);
    for (let i = 0; i < 100; i++) {
      const truth = scalar.l2(row(far, 3), decoded.subarray(i * D, (i + 1) * D));
      // Decoded components are rounded as numbers about 4096 are.
      expect(Math.abs(distances[i] - truth)).toBeLessThanOrEqual(1e-2 * (1 + Math.sqrt(truth)));
    }
    expect(distortion(there, far)).toBeLessThan(1.1 * distortion(near, train));
  });

  it('OPQ errs less where variance lies in few directions', async () => {
    // Eight strong axes side by side, in as many dimensions as two of eight parts.
    const random = new Random('uneven');
    const data = Float32Array.from({ length: 2000 * 32 }, (_, i) => random.normal() * (i % 32 < 8 ? 10 : 0.1));
    const uneven = { data, rows: 2000, dimension: 32 };
    const options = { m: 8, bits: 4, seed: SEED };
    const without = distortion(await ProductQuantizer.train(uneven, options), uneven);
    const rotated = distortion(await ProductQuantizer.train(uneven, { ...options, opq: true }), uneven);
    expect(rotated).toBeLessThan(0.5 * without);
  });
});

describe('vectors that are hard to learn from', () => {
  const both = METRICS.flatMap((metric) => [{ metric }, { metric, residual: { centroids: 4 } }]);

  it.each(both)('constant ones, %o: all codes stand for that vector', async (options) => {
    const data = new Float32Array(300 * 8).fill(3);
    const quantizer = await ProductQuantizer.train(
      { data, rows: 300, dimension: 8 },
      { m: 4, seed: SEED, opq: true, ...options },
    );
    const x = data.subarray(0, 8);
    const codes = quantizer.encode(x);
    const want = normalized(x, options.metric);
    for (const [i, value] of quantizer.decode(codes).entries()) expect(value).toBeCloseTo(want[i], 4);
    expect(quantizer.distances(x, codes)[0]).toBeCloseTo(exactDistance(options.metric, want, want), 3);
    expect(quantizer.errorBounds(x, codes)[0]).toBeLessThan(1e-2);
  });

  it('fewer distinct ones than centroids: each is coded without loss', async () => {
    const data = Float32Array.from({ length: 300 * 4 }, (_, i) => [1, -2, 5][(i >> 2) % 3] + (i & 3));
    const twins = { data, rows: 300, dimension: 4 };
    expect(distortion(await ProductQuantizer.train(twins, { m: 2, seed: SEED }), twins)).toBeLessThan(1e-8);
  });

  it.each([4, 8])('one dimension, %i bits', async (bits) => {
    const line: Matrix = { data: Float32Array.from({ length: 512 }, (_, i) => i), rows: 512, dimension: 1 };
    const options = { m: 1, bits, seed: SEED, opq: true, residual: { centroids: 2 } };
    const quantizer = await ProductQuantizer.train(line, options);
    const codes = quantizer.encode(line.data);
    const decoded = quantizer.decode(codes);
    const worst = line.data.reduce((most, x, i) => Math.max(most, Math.abs(x - decoded[i])), 0);
    expect(worst).toBeLessThan(bits === 4 ? 40 : 5);
    const distances = quantizer.distances(Float32Array.of(100), codes);
    for (const [i, distance] of distances.entries()) {
      expect(Math.abs(distance - (decoded[i] - 100) ** 2)).toBeLessThan(0.5);
    }
  });

  it.each(METRICS)('the longest that are let in, %s: nothing overflows', async (metric) => {
    const random = new Random('long');
    const data = Float32Array.from({ length: 400 * 4 }, () => (random.uniform() - 0.5) * 9e16);
    const options = { m: 2, bits: 4, seed: SEED, metric, opq: true, residual: { centroids: 3 } };
    const quantizer = await ProductQuantizer.train({ data, rows: 400, dimension: 4 }, options);
    const codes = quantizer.encode(data);
    const q = data.subarray(0, 4);
    const scanned = quantizer.scanBlocks(q, quantizer.packBlocks(codes), 400);
    const results = [quantizer.decode(codes), quantizer.distances(q, codes), quantizer.errorBounds(q, codes), scanned];
    for (const result of results) expect(result.every(Number.isFinite)).toBe(true);
  });
});

describe('what cannot be', () => {
  it.each([
    [{ m: 10 }, 'm', '8 and 12'],
    [{ m: 0 }, 'm', '1 is'],
    [{ m: 25 }, 'm', '24 is'],
    [{ m: 2.5 }, 'm', '2 and 3'],
    [{ m: Number.NaN }, 'm', 'must divide'],
    [{ m: 4, bits: 5 }, 'bits', '8 or 4'],
    [{ m: 4, metric: 'manhattan' }, 'metric', 'l2, dot and cosine'],
    [{ m: 4, sample: 100 }, 'bits', '256 centroids need as many vectors, and 100'],
    [{ m: 4, bits: 4, residual: { centroids: 301 } }, 'residual.centroids', '301 centroids need as many vectors'],
    [{ m: 4, residual: { centroids: 0 } }, 'residual.centroids', 'an integer from 1'],
    [{ m: 1, residual: { centroids: 65_537 } }, 'residual.centroids', 'an integer from 1 to 65536'],
    [{ m: 4, sample: 0 }, 'sample', 'an integer from 1'],
    [{ m: 4, iterations: -1 }, 'iterations', 'an integer from 0'],
    [{ m: 4, seed: Number.NaN }, 'seed', 'an integer'],
  ])('%o is refused: %s', async (options, parameter, says) => {
    const training = ProductQuantizer.train(small, { seed: SEED, ...options } as ProductOptions);
    await expect(training).rejects.toThrow(ParameterError);
    await expect(training).rejects.toMatchObject({ parameter, message: expect.stringContaining(says) });
  });

  it('training on fewer vectors than centroids, on none, or on a matrix that is not one', async () => {
    const trained = (matrix: Matrix) => ProductQuantizer.train(matrix, { m: 4, seed: SEED });
    await expect(trained(clustered(255, 3))).rejects.toThrow('256 centroids need as many vectors, and 255');
    await expect(trained({ data: new Float32Array(0), rows: 0, dimension: D })).rejects.toThrow(
      'as many vectors, and 0',
    );
    await expect(trained({ ...small, rows: 301 })).rejects.toThrow('vectors.data.length');
    await expect(trained({ ...small, dimension: 0 })).rejects.toThrow(DimensionError);
    await expect(trained({ ...small, dimension: 4100 })).rejects.toThrow(DimensionError);
  });

  it('a model that would not fit into a memory, before anything is trained', async () => {
    const wide = { data: new Float32Array(300 * 4096), rows: 300, dimension: 4096 };
    const training = ProductQuantizer.train(wide, { m: 4096, seed: SEED, residual: { centroids: 65_536 } });
    await expect(training).rejects.toThrow('with 4096 dimensions the model would take');
  });

  it('numbers that are no Float32Array', async () => {
    const numbers = Array.from(query) as never;
    expect(() => plain.encode(numbers)).toThrow('a Float32Array');
    expect(() => plain.distances(numbers, plainCodes)).toThrow('a Float32Array');
    const training = ProductQuantizer.train({ data: numbers, rows: 1, dimension: D }, { m: 4, seed: SEED });
    await expect(training).rejects.toThrow('a Float32Array');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e20])('%d in training, encoding and asking', async (bad) => {
    const data = small.data.slice();
    data[D * 17 + 3] = bad;
    const training = ProductQuantizer.train({ ...small, data }, { m: 4, seed: SEED });
    await expect(training).rejects.toThrow(VectorValueError);
    await expect(training).rejects.toThrow('row 17');
    expect(() => plain.encode(data)).toThrow('row 17');
    expect(() => plain.distances(data.subarray(D * 17, D * 18), plainCodes)).toThrow('query');
    expect(() => plain.errorBounds(data.subarray(D * 17, D * 18), plainCodes)).toThrow('query');
  });

  it('zero vectors under cosine; without it they are vectors like any others', async () => {
    const options = { m: 4, bits: 4, seed: SEED, metric: 'cosine', iterations: 1 } as const;
    const data = small.data.slice().fill(0, D * 17, D * 18);
    await expect(ProductQuantizer.train({ ...small, data }, options)).rejects.toThrow('row 17: a zero vector');
    const cosine = await ProductQuantizer.train(small, options);
    expect(() => cosine.encode(data)).toThrow('row 17: a zero vector');
    expect(() => cosine.distances(new Float32Array(D), cosine.encode(small.data))).toThrow('query: a zero vector');
    expect(plain.encode(new Float32Array(D)).length).toBe(plain.codeBytes);
    expect(plain.distances(new Float32Array(D), plainCodes).every(Number.isFinite)).toBe(true);
  });

  it('vectors, queries and codes of another dimension than that of a codebook brought back', () => {
    const restored = ProductQuantizer.restore(plain.toBytes());
    expect(() => restored.encode(new Float32Array(25))).toThrow(DimensionError);
    expect(() => restored.distances(new Float32Array(32).fill(1), plainCodes)).toThrow(DimensionError);
    expect(() => restored.distances(query, plainCodes.subarray(1))).toThrow(ParameterError);
    expect(() => restored.decode(plainCodes.subarray(0, 15))).toThrow('a multiple of 16 bytes');
    expect(() => restored.distancesFromCode(plainCodes, plainCodes)).toThrow('one code');
    expect(() => restored.packBlocks(plainCodes)).toThrow('codes of 4 bits');
    expect(() => restored.scanBlocks(query, plainCodes, 1)).toThrow('codes of 4 bits');
    expect(() => restored.scanError(query)).toThrow('codes of 4 bits');
  });

  it('codes that name a coarse centroid there is not', async () => {
    const options = { m: 4, bits: 4, seed: SEED, residual: { centroids: 3 }, iterations: 1 };
    const quantizer = await ProductQuantizer.train(small, options);
    const codes = quantizer.encode(small.data);
    const packed = quantizer.packBlocks(codes);
    const q = row(small, 0);
    // Four halves are two bytes, padded to four; then the error; then the centroid.
    const forged = codes.slice();
    forged[quantizer.codeBytes * 2 + 8] = 3;
    const says = 'coarse centroid 3 in record 2: below 3';
    expect(() => quantizer.decode(forged)).toThrow(says);
    expect(() => quantizer.distances(q, forged)).toThrow(says);
    expect(() => quantizer.errorBounds(q, forged)).toThrow(says);
    expect(() => quantizer.packBlocks(forged)).toThrow(says);
    new DataView(packed.buffer).setUint32(4 * 16 + 4 * 5, 0xffffffff, true);
    expect(() => quantizer.scanBlocks(q, packed, 300)).toThrow('coarse centroid 4294967295');
  });

  it('more codes than blocks hold, or half a block', async () => {
    const quantizer = await ProductQuantizer.train(small, { m: 4, bits: 4, seed: SEED, iterations: 1 });
    const packed = quantizer.packBlocks(quantizer.encode(small.data));
    expect(packed.length).toBe(10 * 64);
    expect(() => quantizer.scanBlocks(query, packed, 321)).toThrow(ParameterError);
    expect(() => quantizer.scanBlocks(query, packed, -1)).toThrow(ParameterError);
    expect(() => quantizer.scanBlocks(query, packed.subarray(1), 3)).toThrow('packed.length');
    expect(quantizer.packBlocks(new Uint8Array(0)).length).toBe(0);
  });
});

it('of no vectors come no codes, and of no codes nothing', () => {
  expect(plain.encode(new Float32Array(0)).length).toBe(0);
  expect(plain.decode(new Uint8Array(0)).length).toBe(0);
  expect(plain.distances(query, new Uint8Array(0)).length).toBe(0);
  expect(plain.errorBounds(query, new Uint8Array(0)).length).toBe(0);
});

it('many codes go through in pieces that fit together', async () => {
  const quantizer = await ProductQuantizer.train(small, { m: 4, bits: 4, seed: SEED, iterations: 1 });
  const data = new Float32Array(5000 * D);
  for (let i = 0; i < 5000; i++) data.set(row(small, (i * 7) % 300), i * D);
  const codes = quantizer.encode(data);
  const few = quantizer.encode(small.data);
  const [q, bytes] = [row(small, 9), quantizer.codeBytes];
  const [distances, fewDistances] = [quantizer.distances(q, codes), quantizer.distances(q, few)];
  const scanned = quantizer.scanBlocks(q, quantizer.packBlocks(codes), 5000);
  const fewScanned = quantizer.scanBlocks(q, quantizer.packBlocks(few), 300);
  for (let i = 0; i < 5000; i++) {
    const j = (i * 7) % 300;
    if (distances[i] !== fewDistances[j] || scanned[i] !== fewScanned[j])
      expect.fail(`code ${i} is not that of row ${j}`);
  }
  expect(codes.subarray(4999 * bytes)).toEqual(few.subarray(((4999 * 7) % 300) * bytes).subarray(0, bytes));
});
