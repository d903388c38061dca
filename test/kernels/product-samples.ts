/** Random product quantizers, cut into parts of every length, their twins, and the kernels set up with them. */
import fc from 'fast-check';
import type { Metric } from '../../src/core/metric.ts';
import type { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import { type ProductModel, type ProductShape, productLayout, writeModel } from '../../src/quantize/product-layout.ts';
import type { Isolated } from './isolated.ts';

export const MEMORY_BYTES = 2 ** 20;

export const shapes = fc
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
export function modelOf(shape: ProductShape, random: Random): ProductModel {
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
export function twinOf({ shape, mean, rotation, coarse, codebooks }: ProductModel): scalar.ProductCodebooks {
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

export function vectorsOf(count: number, { dimension, metric }: ProductShape, random: Random): Float32Array[] {
  return Array.from({ length: count }, () => {
    const x = Float32Array.from({ length: dimension }, () => random.normal());
    if (metric === 'cosine') scalar.scale(x, 1 / Math.sqrt(scalar.norm2(x)));
    return x;
  });
}

export function distance(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (metric === 'dot') return -scalar.dot(a, b);
  return metric === 'cosine' ? scalar.l2(a, b) / 2 : scalar.l2(a, b);
}

/** Kernels set up with a model; what they may write is their scratch and what lies behind it, taken with `room`. */
export class Configured {
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
