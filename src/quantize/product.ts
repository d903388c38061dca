/**
 * ProductQuantizer: vectors as the numbers of centroids (Jégou, Douze, Schmid, "Product quantization for nearest neighbor
 * search", IEEE TPAMI 2011). A vector is cut into m parts, and of each part only the number of the nearest of 256 (or 16)
 * centroids is kept: 1024 dimensions, 4 KiB, become 64 bytes with m = 64 and 8 bits, or m = 128 and 4 bits.
 */
import { DimensionError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import type { Metric } from '../core/metric.ts';
import { admit } from '../kernels/intake.ts';
import { Arena } from '../kernels/memory.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import { type KMeansRunner, runSequentially } from './kmeans.ts';
import { decodeModel, encodeModel, MOST_CENTROIDS, MOST_DIMENSIONS } from './product-file.ts';
import {
  BLOCK_CODES,
  type ProductLayout,
  type ProductModel,
  type ProductShape,
  productLayout,
  writeModel,
} from './product-layout.ts';
import { checkEnough, trainModel } from './product-training.ts';
import type { Quantizer } from './quantizer.ts';
import type { CodeShape } from './walk-codes.ts';

export interface ProductOptions {
  /** `manhattan` is not supported: the centroids are means, which are nearest in L2. Default: l2. */
  metric?: Metric;
  /** Subspaces, a divisor of the dimension; a code has m bytes, or m / 2 with 4 bits. */
  m: number;
  /** 8 (256 centroids a subspace) or 4 (16, for the fast scan). Default: 8. */
  bits?: number;
  seed: number;
  /** The most vectors that are trained on, chosen by the seed. Default: 256 a centroid; with OPQ at least ten a dimension. */
  sample?: number;
  /** The most iterations of k-means. Default: 25. */
  iterations?: number;
  /**
   * Whether vectors are rotated first, so that all parts carry as much (Ge, He, Ke, Sun 2013, eigenvalue allocation). Training
   * takes an eigendecomposition, 6 s in 1024 dimensions growing with their cube, and every vector and query is
   * multiplied by a D × D matrix, which takes longer than its tables. Default: false.
   */
  opq?: boolean;
  /** Codes of what is left of a vector when the nearest of so many coarse centroids is taken off. */
  residual?: { centroids: number };
  /** What runs the trainings: `runSequentially`, or `runOnThreads()` of workers/kmeans.ts. */
  run?: KMeansRunner;
  /** `done` of `total` trainings are done. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * One code: ⌈m · bits / 8⌉ bytes of centroids' numbers, then factors: 4 bytes with the error |x − x̂|; with residuals 8 more,
 * for the coarse centroid; padded to a multiple of 16 (`codeBytes`).
 *
 * Distances are asymmetric: from the query itself to the vector that the code stands for. Their bounds are certain: by the
 * stored error and the triangle inequality (l2, cosine), or the Cauchy-Schwarz inequality (dot), with room for what f32
 * arithmetic rounds.
 *
 * With 1024 dimensions and 64 bytes, recall@10 of embedding-1024-30k (300 queries) is 0.64, and 0.985 where the first 100 are
 * ranked again exactly; with OPQ 0.83 and 1.
 */
export class ProductQuantizer implements Quantizer {
  readonly kind = 'product';
  readonly dimension: number;
  readonly metric: ProductShape['metric'];
  readonly m: number;
  readonly bits: 4 | 8;
  /** Bytes of a code, factors and padding included. */
  readonly codeBytes: number;
  /** Bytes of the numbers of centroids alone. */
  readonly payloadBytes: number;
  readonly #model: ProductModel;
  readonly #layout: ProductLayout;
  readonly #arena: Arena<Region>;

  /**
   * Trains on the vectors, which may be a sample themselves. The same vectors, options and seed give the same quantizer. Throws
   * ParameterError, DimensionError, and VectorValueError that names the row.
   */
  static async train(vectors: Matrix, options: ProductOptions): Promise<ProductQuantizer> {
    const shape = shapeOf(vectors.dimension, options);
    const { seed, iterations = 25, run = runSequentially, onProgress } = options;
    const most = Math.max(256 * 2 ** shape.bits, 256 * shape.centroids, shape.opq ? 10 * shape.dimension : 0);
    const { sample = most } = options;
    checkInteger('sample', sample, 1, Number.MAX_SAFE_INTEGER);
    checkInteger('iterations', iterations, 0, Number.MAX_SAFE_INTEGER);
    checkInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    checkFloats('vectors.data', vectors.data);
    if (vectors.data.length !== vectors.rows * vectors.dimension) {
      const want = `${vectors.rows} × ${vectors.dimension} floats`;
      throw new ParameterError({ parameter: 'vectors.data.length', got: vectors.data.length, want });
    }
    checkEnough(vectors, shape, sample);
    return new ProductQuantizer(await trainModel(vectors, shape, { seed, sample, iterations, run, onProgress }));
  }

  /** The quantizer that `toBytes` was called on. Throws ParameterError where they are other bytes, or damaged ones. */
  static restore(bytes: Uint8Array): ProductQuantizer {
    return new ProductQuantizer(decodeModel(bytes));
  }

  private constructor(model: ProductModel) {
    const { shape } = model;
    const layout = productLayout(shape);
    this.dimension = shape.dimension;
    this.metric = shape.metric;
    this.m = shape.m;
    this.bits = shape.bits;
    this.codeBytes = layout.codeBytes;
    this.payloadBytes = layout.payloadBytes;
    this.#model = model;
    this.#layout = layout;
    this.#arena = Arena.reserve(CODES, planOf(shape, layout), `a product quantizer of ${shape.dimension}-D vectors`);
    const { kernels, at } = this.#arena;
    writeModel(model, this.#arena.bytes.subarray(at.model));
    const { dimension, metric, m, bits, opq, centroids } = shape;
    kernels.configureProduct(dimension, METRIC_CODES[metric], m, bits, opq, centroids, at.model, at.scratch);
  }

  get codeShape(): CodeShape {
    const { m, bits, opq, centroids } = this.#model.shape;
    return { kind: 'product', m, bits, opq, centroids };
  }

  model(): Uint8Array {
    const { at, bytes } = this.#arena;
    return bytes.slice(at.model, at.model + this.#layout.modelBytes);
  }

  /** Codes of rows one behind the other. Throws DimensionError, VectorValueError (names the row). */
  encode(vectors: Float32Array): Uint8Array {
    const { dimension, codeBytes } = this;
    const { kernels, at, bytes } = this.#arena;
    checkFloats('vectors', vectors);
    if (vectors.length % dimension !== 0) {
      throw new DimensionError({
        expected: `a multiple of ${dimension}`,
        got: vectors.length,
        where: 'vectors to encode',
      });
    }
    const rows = vectors.length / dimension;
    const codes = new Uint8Array(rows * codeBytes);
    for (let first = 0; first < rows; first += CODES) {
      const here = Math.min(CODES, rows - first);
      for (let i = 0; i < here; i++) {
        const vector = vectors.subarray((first + i) * dimension, (first + i + 1) * dimension);
        admit(this.#arena, at.vector, vector, this.metric, `row ${first + i}`);
        kernels.encodeProduct(at.vector, at.codes + i * codeBytes);
      }
      codes.set(bytes.subarray(at.codes, at.codes + here * codeBytes), first * codeBytes);
    }
    return codes;
  }

  /** The vectors x̂ that the codes stand for. Throws ParameterError where they are not codes of this quantizer's. */
  decode(codes: Uint8Array): Float32Array {
    const { dimension, codeBytes } = this;
    const { kernels, at, f32, bytes } = this.#arena;
    const count = this.#countOf(codes);
    const vectors = new Float32Array(count * dimension);
    const decoded = f32.subarray(at.vector / 4, at.vector / 4 + dimension);
    for (let i = 0; i < count; i++) {
      bytes.set(codes.subarray(i * codeBytes, (i + 1) * codeBytes), at.codes);
      kernels.decodeProduct(at.codes, at.vector);
      vectors.set(decoded, i * dimension);
    }
    return vectors;
  }

  /** Distances from the query to x̂ of each code: |q − x̂|² (l2), −⟨q, x̂⟩ (dot), |q − x̂|² / 2 for q of length 1 (cosine). */
  distances(query: Float32Array, codes: Uint8Array): Float32Array {
    const { kernels } = this.#arena;
    return this.#ofAll(codes, () => this.#prepare(query), kernels.distancesOfProduct);
  }

  /** The most that `distances` may be off the distances to the vectors that were encoded. */
  errorBounds(query: Float32Array, codes: Uint8Array): Float32Array {
    const { kernels } = this.#arena;
    return this.#ofAll(codes, () => this.#prepare(query), kernels.boundsOfProduct);
  }

  /** Distances between what two codes stand for: from that of `code` to those of `codes` (symmetric distances, SDC). */
  distancesFromCode(code: Uint8Array, codes: Uint8Array): Float32Array {
    const { kernels, at, bytes } = this.#arena;
    if (this.#countOf(code) !== 1) {
      throw new ParameterError({
        parameter: 'code.length',
        got: code.length,
        want: `one code: ${this.codeBytes} bytes`,
      });
    }
    const prepare = () => {
      bytes.set(code, at.codes);
      kernels.prepareProductCode(at.codes);
    };
    return this.#ofAll(codes, prepare, kernels.distancesOfProduct);
  }

  /**
   * Codes of 4 bits in blocks of 32 for `scanBlocks` (André, Kermarrec, Le Scouarnec, "Cache locality is not enough: high-
   * performance nearest neighbor search with product quantization fast scan", VLDB 2015). Bounds need the codes themselves.
   */
  packBlocks(codes: Uint8Array): Uint8Array {
    this.#checkFastScan();
    const { kernels, at, bytes } = this.#arena;
    const { codeBytes } = this;
    const { blockBytes } = this.#layout;
    const count = this.#countOf(codes);
    const packed = new Uint8Array(Math.ceil(count / BLOCK_CODES) * blockBytes);
    for (let first = 0; first < count; first += CODES) {
      const here = Math.min(CODES, count - first);
      bytes.set(codes.subarray(first * codeBytes, (first + here) * codeBytes), at.codes);
      kernels.packProduct(at.codes, here, at.packed);
      const blocks = Math.ceil(here / BLOCK_CODES);
      packed.set(bytes.subarray(at.packed, at.packed + blocks * blockBytes), (first / BLOCK_CODES) * blockBytes);
    }
    return packed;
  }

  /**
   * Distances from the query to the first `n` codes of packed blocks: tables are rounded to bytes and looked up in registers,
   * so each is off what `distances` gives by no more than `scanError(query)`.
   */
  scanBlocks(query: Float32Array, packed: Uint8Array, n: number): Float32Array {
    this.#checkFastScan();
    const { kernels, at, bytes, f32 } = this.#arena;
    const { blockBytes } = this.#layout;
    if (packed.length % blockBytes !== 0) {
      const want = `a multiple of ${blockBytes} bytes, as packBlocks makes them`;
      throw new ParameterError({ parameter: 'packed.length', got: packed.length, want });
    }
    checkInteger('n', n, 0, (packed.length / blockBytes) * BLOCK_CODES);
    this.#checkCoarse(packed, 'packed');
    this.#prepare(query);
    kernels.prepareProductScan();
    const distances = new Float32Array(n);
    for (let first = 0; first < n; first += CODES) {
      const here = Math.min(CODES, n - first);
      const blocks = Math.ceil(here / BLOCK_CODES);
      const from = (first / BLOCK_CODES) * blockBytes;
      bytes.set(packed.subarray(from, from + blocks * blockBytes), at.packed);
      kernels.scanProduct(at.packed, blocks, at.distances);
      distances.set(f32.subarray(at.distances / 4, at.distances / 4 + here), first);
    }
    return distances;
  }

  /** The most that `scanBlocks` is off `distances` for this query: half a step of the rounded tables for each of m of them. */
  scanError(query: Float32Array): number {
    this.#checkFastScan();
    this.#prepare(query);
    return this.#arena.kernels.prepareProductScan();
  }

  /** What `configureProduct` of the kernels wants to know, wherever codes lie; `productLayout` of it gives the sizes. */
  get shape(): ProductShape {
    return this.#model.shape;
  }

  toBytes(): Uint8Array {
    return encodeModel(this.#model);
  }

  #prepare(query: Float32Array): void {
    const { kernels, at } = this.#arena;
    checkFloats('query', query);
    if (query.length !== this.dimension) {
      throw new DimensionError({ expected: this.dimension, got: query.length, where: 'query' });
    }
    admit(this.#arena, at.vector, query, this.metric, 'query');
    kernels.prepareProduct(at.vector);
  }

  /** One float for each code, by a kernel that takes a run of them. */
  #ofAll(
    codes: Uint8Array,
    prepare: () => void,
    kernel: (codes: number, n: number, out: number) => void,
  ): Float32Array {
    const { at, bytes, f32 } = this.#arena;
    const { codeBytes } = this;
    const count = this.#countOf(codes);
    prepare();
    const results = new Float32Array(count);
    for (let first = 0; first < count; first += CODES) {
      const here = Math.min(CODES, count - first);
      bytes.set(codes.subarray(first * codeBytes, (first + here) * codeBytes), at.codes);
      kernel(at.codes, here, at.distances);
      results.set(f32.subarray(at.distances / 4, at.distances / 4 + here), first);
    }
    return results;
  }

  #countOf(codes: Uint8Array): number {
    if (codes.length % this.codeBytes !== 0) {
      const want = `a multiple of ${this.codeBytes} bytes, as encode of this quantizer makes them`;
      throw new ParameterError({ parameter: 'codes.length', got: codes.length, want });
    }
    this.#checkCoarse(codes, 'codes');
    return codes.length / this.codeBytes;
  }

  /** Numbers of coarse centroids are addresses to the kernels: none may be beyond the last. */
  #checkCoarse(from: Uint8Array, parameter: 'codes' | 'packed'): void {
    const { centroids } = this.#model.shape;
    if (centroids === 0) return;
    const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
    const { blockBytes, errorAt } = this.#layout;
    const packed = parameter === 'packed';
    const [recordBytes, at, each] = packed ? [blockBytes, this.m * 16, BLOCK_CODES] : [this.codeBytes, errorAt + 4, 1];
    for (let record = 0; record < from.length; record += recordBytes) {
      for (let i = 0; i < each; i++) {
        const centroid = view.getUint32(record + at + 4 * i, true);
        if (centroid < centroids) continue;
        const got = `coarse centroid ${centroid} in record ${record / recordBytes}`;
        throw new ParameterError({ parameter, got, want: `below ${centroids}: give codes of this quantizer's` });
      }
    }
  }

  #checkFastScan(): void {
    if (this.bits === 4) return;
    throw new ParameterError({ parameter: 'bits', got: this.bits, want: 'the fast scan takes codes of 4 bits' });
  }
}

type Region = 'model' | 'scratch' | 'vector' | 'codes' | 'packed' | 'distances';

/** Without coarse centroids no model comes near this; with the scratch it stays below what one memory holds. */
const MOST_MODEL_BYTES = 2 ** 30;

/** Codes that go through the kernels at a time: whole blocks of the fast scan. */
const CODES = 64 * BLOCK_CODES;

function planOf(shape: ProductShape, layout: ProductLayout) {
  return (codes: number): Record<Region, number> => ({
    model: layout.modelBytes,
    scratch: layout.scratchBytes,
    vector: shape.dimension * 4,
    codes: codes * layout.codeBytes,
    packed: (codes / BLOCK_CODES) * layout.blockBytes,
    distances: codes * 4,
  });
}

function shapeOf(
  dimension: number,
  { metric = 'l2', m, bits = 8, opq = false, residual }: ProductOptions,
): ProductShape {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MOST_DIMENSIONS) {
    throw new DimensionError({ expected: `1 to ${MOST_DIMENSIONS}`, got: dimension, where: 'vectors' });
  }
  if (metric !== 'l2' && metric !== 'dot' && metric !== 'cosine') {
    throw new ParameterError({
      parameter: 'metric',
      got: metric,
      want: 'product quantization knows l2, dot and cosine',
    });
  }
  if (!Number.isInteger(m) || m < 1 || dimension % m !== 0) {
    throw new ParameterError({
      parameter: 'm',
      got: m,
      want: `it must divide the dimension: ${divisorsNear(dimension, m)}`,
    });
  }
  if (bits !== 8 && bits !== 4) throw new ParameterError({ parameter: 'bits', got: bits, want: '8 or 4' });
  if (residual !== undefined) checkInteger('residual.centroids', residual.centroids, 1, MOST_CENTROIDS);
  const shape: ProductShape = { dimension, metric, m, bits, opq, centroids: residual?.centroids ?? 0 };
  const { modelBytes } = productLayout(shape);
  if (modelBytes > MOST_MODEL_BYTES) {
    const want = `fewer: with ${dimension} dimensions the model would take ${modelBytes} bytes, and ${MOST_MODEL_BYTES} are the most`;
    throw new ParameterError({ parameter: 'residual.centroids', got: shape.centroids, want });
  }
  return shape;
}

/** What to give instead of an `m` that does not divide: the next divisors on both sides. */
function divisorsNear(dimension: number, m: number): string {
  const divisors = Array.from({ length: dimension }, (_, i) => i + 1).filter((i) => dimension % i === 0);
  const near = [divisors.filter((i) => i < m).at(-1), divisors.find((i) => i > m)].filter((i) => i !== undefined);
  if (near.length === 0) near.push(divisors.at(-1)!);
  return `of ${dimension}, ${near.join(' and ')} ${near.length === 1 ? 'is' : 'are'} the nearest that ${near.length === 1 ? 'does' : 'do'}`;
}

function checkFloats(parameter: string, got: unknown): void {
  if (got instanceof Float32Array) return;
  throw new ParameterError({ parameter, got: typeof got, want: 'a Float32Array' });
}

function checkInteger(parameter: string, got: number, least: number, most: number): void {
  if (Number.isInteger(got) && got >= least && got <= most) return;
  throw new ParameterError({ parameter, got, want: `an integer from ${least} to ${most}` });
}
