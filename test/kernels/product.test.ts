/** The kernels of product quantization against their twin, over random codebooks, cut into parts of every length. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import type { Build } from '../../src/kernels/wasm.ts';
import {
  BLOCK_CODES,
  type ProductModel,
  type ProductShape,
  productLayout,
  writeModel,
} from '../../src/quantize/product-layout.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { EPS, seeded } from './samples.ts';

const MEMORY_BYTES = 2 ** 20;

const shapes = fc
  .record({
    m: fc.integer({ min: 1, max: 19 }),
    part: fc.integer({ min: 1, max: 9 }),
    bits: fc.constantFrom(4 as const, 8 as const),
    metric: fc.constantFrom('l2' as const, 'dot' as const, 'cosine' as const),
    opq: fc.boolean(),
    centroids: fc.constantFrom(0, 0, 1, 5),
    seed: fc.nat(),
  })
  .map(({ m, part, seed, ...rest }) => ({ shape: { dimension: m * part, m, ...rest } satisfies ProductShape, seed }));

/** A model of random numbers; some centroids are there twice, so that a code has to choose between equals. */
function modelOf(shape: ProductShape, random: Random): ProductModel {
  const { dimension, m, bits, opq, centroids, metric } = shape;
  const normals = (n: number) => Float32Array.from({ length: n }, () => random.normal());
  const K = 2 ** bits;
  const part = dimension / m;
  const codebooks = normals(K * dimension);
  for (let j = 0; j < m; j++) codebooks.copyWithin((j * K + 3) * part, (j * K + 7) * part, (j * K + 8) * part);
  return {
    shape,
    mean: metric !== 'dot' ? normals(dimension) : new Float32Array(dimension),
    rotation: opq ? orthonormal(dimension, random) : new Float32Array(0),
    coarse: normals(centroids * dimension),
    codebooks,
  };
}

/** Rows of length 1 across each other (Gram and Schmidt, twice). */
function orthonormal(n: number, random: Random): Float32Array {
  const rows: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const x = Float64Array.from({ length: n }, () => random.normal());
    for (const row of [...rows, ...rows]) {
      const along = scalar.dot(x, row);
      for (let k = 0; k < n; k++) x[k] -= along * row[k];
    }
    const length = Math.sqrt(scalar.norm2(x));
    rows.push(x.map((value) => value / length));
  }
  return Float32Array.from(rows.flatMap((row) => Array.from(row)));
}

/** The model as the twin has it. */
function twinOf({ shape, mean, rotation, coarse, codebooks }: ProductModel): scalar.ProductCodebooks {
  const { dimension, m, bits } = shape;
  const part = dimension / m;
  const rows = (data: Float32Array, n: number) =>
    Array.from({ length: data.length / n }, (_, i) => data.subarray(i * n, (i + 1) * n));
  const centroids = rows(codebooks, part);
  return {
    mean,
    codebooks: Array.from({ length: m }, (_, j) => centroids.slice(j << bits, (j + 1) << bits)),
    rotation: rows(rotation, dimension),
    coarse: rows(coarse, dimension),
  };
}

function vectorsOf(count: number, { dimension, metric }: ProductShape, random: Random): Float32Array[] {
  return Array.from({ length: count }, () => {
    const x = Float32Array.from({ length: dimension }, () => random.normal());
    if (metric === 'cosine') scalar.scale(x, 1 / Math.sqrt(scalar.norm2(x)));
    return x;
  });
}

function distance(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (metric === 'dot') return -scalar.dot(a, b);
  return metric === 'cosine' ? scalar.l2(a, b) / 2 : scalar.l2(a, b);
}

/** Kernels set up with a model; what they may write is their scratch and what lies behind it, taken with `room`. */
class Configured {
  readonly memory: Isolated;
  readonly shape: ProductShape;
  readonly layout: ReturnType<typeof productLayout>;
  readonly #scratch: number;
  readonly #x: number;

  constructor(memory: Isolated, model: ProductModel) {
    this.memory = memory;
    this.shape = model.shape;
    this.layout = productLayout(model.shape);
    const { dimension, metric, m, bits, opq, centroids } = model.shape;
    const block = new Uint8Array(this.layout.modelBytes);
    writeModel(model, block);
    // Only the model, the scratch and codes need to lie on multiples of 16.
    const at = memory.clear().put(block, 16);
    this.#x = memory.room(Math.ceil(dimension / 4) * 16, 0);
    this.#scratch = memory.room(this.layout.scratchBytes, 0);
    memory.kernels.configureProduct(dimension, METRIC_CODES[metric], m, bits, opq, centroids, at, this.#scratch);
  }

  /** Runs a kernel that reads the vector `x` and writes to its scratch and to `bytes` bytes right behind it. */
  run(kernel: (x: number, out: number) => void, x: Float32Array, bytes: number): number {
    const { memory } = this;
    memory.fill(this.#x, [new Uint8Array(x.buffer, x.byteOffset, x.byteLength)], 0);
    const out = this.#scratch + this.layout.scratchBytes;
    memory.call(() => kernel(this.#x, out), { at: this.#scratch, bytes: this.layout.scratchBytes + bytes });
    return out;
  }

  encode(x: Float32Array): Uint8Array {
    const { codeBytes } = this.layout;
    return this.memory.u8(
      this.run((from, to) => this.memory.kernels.encodeProduct(from, to), x, codeBytes),
      codeBytes,
    );
  }

  /** Where `codes` are, behind room for what `run` writes. */
  put(codes: Uint8Array[]): number {
    const at = this.#scratch + this.layout.scratchBytes + 2 ** 16;
    this.memory.fill(at, codes, this.layout.codeBytes);
    return at;
  }

  /** What the code says, as the twin has it. */
  read(code: Uint8Array): scalar.ProductCode {
    const { m, bits, centroids } = this.shape;
    const view = new DataView(code.buffer, code.byteOffset);
    const { errorAt } = this.layout;
    return {
      numbers: Array.from({ length: m }, (_, j) => (bits === 8 ? code[j] : (code[j >> 1] >> ((j & 1) * 4)) & 15)),
      coarse: centroids === 0 ? 0 : view.getUint32(errorAt + 4, true),
      error: view.getFloat32(errorAt, true),
    };
  }
}

onBothBuilds('product quantization', (build) => {
  const memory = new Isolated(build, MEMORY_BYTES);

  it('a code names the nearest centroids, of equal ones the first, and the error is that of what it stands for', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const random = new Random(`encode ${seed}`);
      const model = modelOf(shape, random);
      const twin = twinOf(model);
      const configured = new Configured(memory, model);
      for (const x of vectorsOf(3, shape, random)) {
        const code = configured.encode(x);
        const got = configured.read(code);
        const want = scalar.encodeProduct(twin, x);
        expect(got.numbers).not.toContain(7);
        if (!shape.opq) expect({ ...got, error: 0 }).toEqual({ ...want, error: 0 });
        // Rotated points are rounded otherwise than the twin's, so that of two that are as near either will do.
        const truth = Math.sqrt(scalar.l2(x, scalar.decodeProduct(twin, got)));
        expect(truth).toBeLessThanOrEqual(want.error + 1e-4);
        expect(got.error).toBeGreaterThanOrEqual(truth);
        expect(got.error).toBeLessThanOrEqual(truth * (1 + 5e-5) + 1e-4 * (1 + Math.sqrt(shape.dimension)));
        const { payloadBytes, errorAt, codeBytes } = configured.layout;
        const zeros = [
          code.subarray(payloadBytes, errorAt),
          code.subarray(errorAt + (shape.centroids > 0 ? 12 : 4), codeBytes),
        ];
        expect(zeros.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
      }
    });
    fc.assert(property, seeded(80));
  });

  it('decode gives centroids, turned back', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const random = new Random(`decode ${seed}`);
      const model = modelOf(shape, random);
      const configured = new Configured(memory, model);
      const [x] = vectorsOf(1, shape, random);
      const code = configured.encode(x);
      const at = configured.put([code]);
      const out = configured.run((_, to) => memory.kernels.decodeProduct(at, to), x, shape.dimension * 4);
      const truth = scalar.decodeProduct(twinOf(model), configured.read(code));
      for (const [i, value] of memory.f32(out, shape.dimension).entries()) {
        expect(Math.abs(value - truth[i])).toBeLessThanOrEqual(64 * EPS * (3 + Math.sqrt(shape.dimension)));
      }
    });
    fc.assert(property, seeded(60));
  });

  it('distances are those to what codes stand for, one or four at a time, of a query or of a code; and bounds hold', () => {
    const property = fc.property(shapes, fc.integer({ min: 1, max: 9 }), ({ shape, seed }, n) => {
      const random = new Random(`distances ${seed}`);
      const model = modelOf(shape, random);
      const twin = twinOf(model);
      const configured = new Configured(memory, model);
      const vectors = vectorsOf(n, shape, random);
      const [q] = vectorsOf(1, shape, random);
      const codes = vectors.map((x) => configured.encode(x));
      const decoded = codes.map((code) => scalar.decodeProduct(twin, configured.read(code)));
      const at = configured.put(codes);
      const { codeBytes } = configured.layout;
      const { kernels } = memory;

      const check = (query: ArrayLike<number>, prepare: (x: number) => void) => {
        const out = configured.run(
          (x, to) => {
            prepare(x);
            kernels.distancesOfProduct(at, n, to);
          },
          q,
          n * 4,
        );
        const distances = memory.f32(out, n);
        configured.run((_, to) => kernels.boundsOfProduct(at, n, to), q, n * 4);
        const bounds = memory.f32(out, n);
        for (let i = 0; i < n; i++) {
          expect(kernels.productDistance(at + i * codeBytes)).toBe(distances[i]);
          expect(kernels.productBound(at + i * codeBytes)).toBe(bounds[i]);
          const length =
            Math.sqrt(scalar.norm2(query)) + Math.sqrt(scalar.norm2(decoded[i])) + Math.sqrt(scalar.norm2(model.mean));
          const truth = distance(shape.metric, query, decoded[i]);
          expect(Math.abs(distances[i] - truth)).toBeLessThanOrEqual(32 * EPS * (length ** 2 + 1));
          const exact = distance(shape.metric, query, vectors[i]);
          expect(Math.abs(distances[i] - exact)).toBeLessThanOrEqual(bounds[i]);
        }
      };
      check(q, (x) => kernels.prepareProduct(x));
      check(decoded[n - 1], () => kernels.prepareProductCode(at + (n - 1) * codeBytes));
      // And a query again: of what the code left behind nothing is used.
      check(q, (x) => kernels.prepareProduct(x));
    });
    fc.assert(property, seeded(80));
  });

  it('encoding, decoding and looking at points leave the query what it was', () => {
    const property = fc.property(shapes, fc.boolean(), ({ shape, seed }, fromCode) => {
      const random = new Random(`in between ${seed}`);
      const configured = new Configured(memory, modelOf(shape, random));
      const [q, x] = vectorsOf(2, shape, random);
      const at = configured.put([configured.encode(x)]);
      const { kernels } = memory;
      if (fromCode) kernels.prepareProductCode(at);
      else configured.run((from) => kernels.prepareProduct(from), q, 0);
      const before = kernels.productDistance(at);
      configured.encode(q);
      configured.run((_, to) => kernels.decodeProduct(at, to), x, shape.dimension * 4);
      configured.run((from, to) => kernels.pointOfProduct(from, to), x, configured.layout.stride * shape.m * 4);
      expect(kernels.productDistance(at)).toBe(before);
    });
    fc.assert(property, seeded(80));
  });

  it('codes of 4 bits packed and scanned are off the tables by no more than is said', () => {
    const property = fc.property(shapes, fc.integer({ min: 1, max: 70 }), ({ shape: any, seed }, n) => {
      const shape: ProductShape = { ...any, bits: 4 };
      const random = new Random(`scan ${seed}`);
      const configured = new Configured(memory, modelOf(shape, random));
      const [q, ...vectors] = vectorsOf(n + 1, shape, random);
      const at = configured.put(vectors.map((x) => configured.encode(x)));
      const { kernels } = memory;
      const blocks = Math.ceil(n / BLOCK_CODES);
      const { blockBytes } = configured.layout;
      const packed = configured.run((_, to) => kernels.packProduct(at, n, to), q, blocks * blockBytes);
      const blockAt = at + 2 ** 16;
      memory.fill(blockAt, [memory.u8(packed, blocks * blockBytes)], 0);
      let most = 0;
      const scan = (x: number, to: number) => {
        kernels.prepareProduct(x);
        most = kernels.prepareProductScan();
        kernels.scanProduct(blockAt, blocks, to);
      };
      const out = configured.run(scan, q, blocks * BLOCK_CODES * 4);
      const scanned = memory.f32(out, n);
      for (let i = 0; i < n; i++) {
        const exact = kernels.productDistance(at + i * configured.layout.codeBytes);
        const rounding = 64 * EPS * (Math.abs(exact) + scalar.norm2(q) + shape.dimension);
        expect(Math.abs(scanned[i] - exact)).toBeLessThanOrEqual(most + rounding);
      }
    });
    fc.assert(property, seeded(60));
  });
});

describe.skipIf(!HAS_RELAXED)('both builds of product quantization', () => {
  const memories = (['baseline', 'relaxed'] satisfies Build[]).map((build) => new Isolated(build, MEMORY_BYTES));

  it('write the same codes and read the same vectors from them, to the last bit', () => {
    const property = fc.property(shapes, ({ shape, seed }) => {
      const [baseline, relaxed] = memories.map((memory) => {
        const random = new Random(`builds ${seed}`);
        const configured = new Configured(memory, modelOf(shape, random));
        return vectorsOf(4, shape, random).map((x) => {
          const code = configured.encode(x);
          const at = configured.put([code]);
          const out = configured.run((_, to) => memory.kernels.decodeProduct(at, to), x, shape.dimension * 4);
          return [code, memory.f32(out, shape.dimension)];
        });
      });
      expect(relaxed).toEqual(baseline);
    });
    fc.assert(property, seeded(80));
  });
});
