/**
 * RaBitQ (Gao & Long, SIGMOD 2024; Gao et al., "Practical and asymptotically optimal quantization of high-dimensional vectors
 * in Euclidean space", SIGMOD 2025): a random rotation makes every vector look like noise, so that the same grid of 1 … 8 bits
 * a dimension fits all of them, whatever they are. Nothing is learnt but the mean; estimates are unbiased, and how far they may
 * be off is known for each code.
 *
 * The kernels are `kernels/assembly/rabitq.ts` and the files named after it, with the layout of a code; here are training, checks,
 * and blocks of rows going through a memory of their own.
 */
import { crc32c } from '../core/crc32c.ts';
import { DimensionError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { METRICS, type Metric } from '../core/metric.ts';
import { Random } from '../core/random.ts';
import { admit } from '../kernels/intake.ts';
import { Arena } from '../kernels/memory.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import { BLOCK, type BlockKernel, checkFloats, rowsOf, runBlocks } from './code-blocks.ts';
import type { CodeShape } from './code-shape.ts';
import type { Quantizer } from './quantizer.ts';

export interface RabitqOptions {
  /** Bits a dimension, 1 … 8; each one more halves the error. Default 4. */
  bits?: number;
  /** l2, dot or cosine. Default l2. */
  metric?: Metric;
  /** ε₀: how many standard deviations `errorBounds` are wide, above 0, at most 100. Default 1.9, as in the paper. */
  epsilon0?: number;
  /** Of the random rotation. Default 0. */
  seed?: number;
}

export class RabitqQuantizer implements Quantizer {
  readonly kind = 'rabitq';
  readonly dimension: number;
  readonly metric: Metric;
  readonly bits: number;
  readonly epsilon0: number;
  /** 16 bytes of factors, and a dimension's bits (7 take 8) for the dimension rounded up to a multiple of 64. */
  readonly codeBytes: number;
  readonly #arena: Arena<Region>;
  readonly #trained: RabitqTrained;

  /**
   * Takes the mean of `vectors`, rows of the dimension 1 … 4096 (a few thousand at random do), and draws a rotation. Throws
   * DimensionError, ParameterError, and VectorValueError where a row is no vector of the metric (see `VectorIndex.add`).
   */
  static train(vectors: Matrix, options: RabitqOptions = {}): RabitqQuantizer {
    const { bits = 4, metric = 'l2', epsilon0 = 1.9, seed = 0 } = options;
    const { dimension, rows, data } = vectors;
    const shape = { dimension, metric, bits, epsilon0 };
    checkShape(shape);
    if (!Number.isSafeInteger(seed)) throw new ParameterError({ parameter: 'seed', got: seed, want: 'an integer' });
    if (!(data instanceof Float32Array) || data.length !== rows * dimension) {
      const got = `${data?.length} floats`;
      throw new ParameterError({ parameter: 'vectors', got, want: `${rows} rows of dimension ${dimension}` });
    }
    if (rows === 0) {
      const want = 'at least one: the mean is learnt from vectors';
      throw new ParameterError({ parameter: 'vectors.rows', got: rows, want });
    }
    return new RabitqQuantizer(shape, { mean: meanOf(vectors, metric), flips: drawFlips(dimension, seed) });
  }

  /** The quantizer that `toBytes` wrote. Throws ParameterError where the bytes are damaged or something else. */
  static restore(bytes: Uint8Array): RabitqQuantizer {
    const { shape, trained } = parse(bytes);
    return new RabitqQuantizer(shape, trained);
  }

  private constructor({ dimension, metric, bits, epsilon0 }: Shape, trained: RabitqTrained) {
    this.dimension = dimension;
    this.metric = metric;
    this.bits = bits;
    this.epsilon0 = epsilon0;
    this.codeBytes = rabitqCodeBytes(dimension, bits);
    this.#trained = trained;
    const plan = () => ({
      model: rabitqModelBytes(dimension),
      scratch: rabitqScratchBytes(dimension),
      vector: rotatedDimension(dimension) * 4,
      codes: BLOCK * this.codeBytes,
      results: BLOCK * 4,
    });
    this.#arena = Arena.reserve(1, plan, `a quantizer of ${dimension} dimensions`);
    const { at, f32, kernels } = this.#arena;
    f32.set(rabitqModel(trained), at.model >>> 2);
    kernels.configureRabitq(dimension, METRIC_CODES[metric], bits, epsilon0, at.model, at.scratch);
  }

  encode(vectors: Float32Array): Uint8Array {
    const { dimension, codeBytes } = this;
    const { at, bytes, kernels } = this.#arena;
    const rows = rowsOf(vectors, dimension);
    const codes = new Uint8Array(rows * codeBytes);
    for (let i = 0; i < rows; i++) {
      this.#admit(vectors.subarray(i * dimension, (i + 1) * dimension), `row ${i}`);
      kernels.encodeRabitq(at.vector, at.codes);
      codes.set(bytes.subarray(at.codes, at.codes + codeBytes), i * codeBytes);
    }
    return codes;
  }

  get codeShape(): CodeShape {
    const { bits, epsilon0 } = this;
    return { kind: 'rabitq', bits, epsilon0 };
  }

  model(): Uint8Array {
    const { at, bytes } = this.#arena;
    return bytes.slice(at.model, at.model + rabitqModelBytes(this.dimension));
  }

  /**
   * The points nearest to the vectors, of those in the direction of their codes; under cosine, to the vectors as they were
   * normalized.
   */
  decode(codes: Uint8Array): Float32Array {
    const { dimension, codeBytes } = this;
    const { at, bytes, f32, kernels } = this.#arena;
    const rows = this.#rowsOf(codes);
    const vectors = new Float32Array(rows * dimension);
    for (let i = 0; i < rows; i++) {
      bytes.set(codes.subarray(i * codeBytes, (i + 1) * codeBytes), at.codes);
      kernels.decodeRabitq(at.codes, at.vector);
      vectors.set(f32.subarray(at.vector >>> 2, (at.vector >>> 2) + dimension), i * dimension);
    }
    return vectors;
  }

  /**
   * Unbiased over rotations: an estimate errs to either side alike, so that a squared distance may come out below 0. Throws
   * DimensionError, VectorValueError, ParameterError.
   */
  distances(query: Float32Array, codes: Uint8Array): Float32Array {
    return this.#ofBlocks(query, codes, this.#arena.kernels.rabitqDistancesInto);
  }

  /**
   * `epsilon0` standard deviations of each estimate, over rotations. With the 1.9 of the paper, about 94 of 100 exact distances
   * are within their bounds whatever the vectors, more where they are alike; none is certain. A candidate whose estimate less the
   * bound is beyond what is looked for needs no exact distance, but for those 3 of 100. The rounding of f32 arithmetic comes on
   * top: it shows where vector and mean are the same and the bound is 0.
   */
  errorBounds(query: Float32Array, codes: Uint8Array): Float32Array {
    return this.#ofBlocks(query, codes, this.#arena.kernels.rabitqBoundsInto);
  }

  /**
   * Estimated distances from one code to others, as a graph takes them while it is built. The more alike two vectors are, the
   * more their codes were rounded alike too, which makes them look nearer: by up to 2 tan² θ |x'|², if they are the same
   * (`errorBounds`).
   */
  distancesFromCode(code: Uint8Array, codes: Uint8Array): Float32Array {
    const { at, bytes, kernels } = this.#arena;
    if (this.#rowsOf(code) !== 1) {
      const want = `one code, ${this.codeBytes} bytes`;
      throw new ParameterError({ parameter: 'code.length', got: code.length, want });
    }
    this.#rowsOf(codes);
    bytes.set(code, at.codes);
    kernels.prepareRabitqCode(at.codes);
    return runBlocks(this.#arena, this.codeBytes, codes, kernels.rabitqDistancesInto);
  }

  toBytes(): Uint8Array {
    return serialize(this, this.#trained);
  }

  #ofBlocks(query: Float32Array, codes: Uint8Array, kernel: BlockKernel): Float32Array {
    const { at, kernels } = this.#arena;
    checkFloats('query', query);
    if (query.length !== this.dimension) {
      throw new DimensionError({ expected: this.dimension, got: query.length, where: 'query' });
    }
    this.#rowsOf(codes);
    this.#admit(query, 'query');
    kernels.prepareRabitq(at.vector);
    return runBlocks(this.#arena, this.codeBytes, codes, kernel);
  }

  #admit(vector: Float32Array, where: string): void {
    admit(this.#arena, this.#arena.at.vector, vector, this.metric, where);
  }

  /** How many codes these are. Throws ParameterError where they cannot be codes of this quantizer. */
  #rowsOf(codes: Uint8Array): number {
    const { codeBytes, dimension, bits } = this;
    if (!(codes instanceof Uint8Array)) {
      const want = 'a Uint8Array of codes, one behind the other';
      throw new ParameterError({ parameter: 'codes', got: typeof codes, want });
    }
    const rows = codes.length / codeBytes;
    if (!Number.isInteger(rows)) {
      const want = `a multiple of ${codeBytes}, the bytes of one code of ${bits} bits and ${dimension} dimensions`;
      throw new ParameterError({ parameter: 'codes.length', got: codes.length, want });
    }
    const view = new DataView(codes.buffer, codes.byteOffset, codes.byteLength);
    for (let i = 0; i < rows; i++) checkFactors(view, i, codeBytes);
    return rows;
  }
}

/** What a quantizer has learnt and drawn. */
export interface RabitqTrained {
  /** Of the vectors, as they are searched: normalized under cosine. */
  mean: Float32Array;
  /** `rotationRounds` · `rotatedDimension` signs of the rotation, ±1. */
  flips: Int8Array;
}

/** Bytes of one code, a multiple of 16. */
export function rabitqCodeBytes(dimension: number, bits: number): number {
  const levelBytes = (rotatedDimension(dimension) * (bits < 7 ? bits : 8)) / 8;
  return FACTOR_BYTES + Math.ceil(levelBytes / 16) * 16;
}

/** Bytes of what threads share and read only: what `rabitqModel` gives. */
export function rabitqModelBytes(dimension: number): number {
  return (1 + rotationRounds(dimension)) * rotatedDimension(dimension) * 4;
}

/** Bytes of what one thread scribbles on: a rotated vector, levels, and the query's integers of 16 bits at most. */
export function rabitqScratchBytes(dimension: number): number {
  return rotatedDimension(dimension) * (4 + 1 + 2);
}

/** The block that `configureRabitq` takes as its model: the mean, zeros up to the rotated dimension, and the flips. */
export function rabitqModel({ mean, flips }: RabitqTrained): Float32Array {
  const rotated = rotatedDimension(mean.length);
  const model = new Float32Array(rotated + flips.length);
  model.set(mean);
  model.set(flips, rotated);
  return model;
}

/** Dimensions after padding with zeros, in which vectors are rotated. */
export function rotatedDimension(dimension: number): number {
  return Math.ceil(dimension / 64) * 64;
}

/** Rounds of flips and transforms, as `assembly/rabitq-codes.ts` has them. */
export function rotationRounds(dimension: number): number {
  return Number.isInteger(Math.log2(rotatedDimension(dimension))) ? 2 : 4;
}

type Region = 'model' | 'scratch' | 'vector' | 'codes' | 'results';

interface Shape {
  dimension: number;
  metric: Metric;
  bits: number;
  epsilon0: number;
}

const FACTOR_BYTES = 16;
const MAX_DIMENSION = 4096;
/** Manhattan distances do not survive a rotation. */
const SUPPORTED = ['l2', 'dot', 'cosine'];

function checkShape({ dimension, metric, bits, epsilon0 }: Shape): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    throw new DimensionError({ expected: `an integer from 1 to ${MAX_DIMENSION}`, got: dimension, where: 'quantizer' });
  }
  if (!SUPPORTED.includes(metric)) {
    throw new ParameterError({ parameter: 'metric', got: metric, want: `one of ${SUPPORTED.join(', ')}` });
  }
  if (!Number.isInteger(bits) || bits < 1 || bits > 8) {
    throw new ParameterError({ parameter: 'bits', got: bits, want: 'an integer from 1 to 8' });
  }
  if (!(epsilon0 > 0 && epsilon0 <= 100)) {
    throw new ParameterError({ parameter: 'epsilon0', got: epsilon0, want: 'a number above 0, at most 100' });
  }
}

/**
 * Throws ParameterError where the factors of code `i` are none that `encode` writes: all finite, all but the first at least 0.
 */
function checkFactors(view: DataView, i: number, codeBytes: number): void {
  for (let j = 0; j < 4; j++) {
    const factor = view.getFloat32(i * codeBytes + 4 * j, true);
    if (Number.isFinite(factor) && (factor >= 0 || j === 0)) continue;
    const want = 'codes as this quantizer wrote them: encode the vectors again';
    throw new ParameterError({ parameter: 'codes', got: `code ${i} with the factor ${factor}`, want });
  }
}

function meanOf({ data, rows, dimension }: Matrix, metric: Metric): Float32Array {
  const arena = Arena.reserve(1, () => ({ vector: dimension * 4 }), `a vector of ${dimension} dimensions`);
  const at = arena.at.vector;
  const admitted = arena.f32.subarray(at >>> 2, (at >>> 2) + dimension);
  const sums = new Float64Array(dimension);
  for (let i = 0; i < rows; i++) {
    admit(arena, at, data.subarray(i * dimension, (i + 1) * dimension), metric, `row ${i}`);
    for (let j = 0; j < dimension; j++) sums[j] += admitted[j];
  }
  return Float32Array.from(sums, (sum) => sum / rows);
}

function drawFlips(dimension: number, seed: number): Int8Array {
  const random = new Random(`rabitq ${seed}`);
  const length = rotationRounds(dimension) * rotatedDimension(dimension);
  return Int8Array.from({ length }, () => (random.uniform() < 0.5 ? -1 : 1));
}

/**
 * The trained state, little-endian:
 *
 *     at   bytes
 *      0       8        "\x89ANNRQ\r\n"
 *      8       4        version
 *     12       4        CRC-32C of all bytes, taken with these four zero
 *     16       4        dimension
 *     20       1 each   metric (its place in METRICS), bits, 0, 0
 *     24       8        epsilon0, f64
 *     32       4 each   mean, f32
 *      …     1/8 each   flips, a bit each from the low one up, 1 for −1
 */
function serialize({ dimension, metric, bits, epsilon0 }: Shape, { mean, flips }: RabitqTrained): Uint8Array {
  const flipsAt = HEADER_BYTES + 4 * dimension;
  const bytes = new Uint8Array(flipsAt + flips.length / 8);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(16, dimension, true);
  bytes.set([METRICS.indexOf(metric), bits], 20);
  view.setFloat64(24, epsilon0, true);
  for (const [i, m] of mean.entries()) view.setFloat32(HEADER_BYTES + 4 * i, m, true);
  for (const [i, flip] of flips.entries()) bytes[flipsAt + (i >> 3)] |= (flip < 0 ? 1 : 0) << (i & 7);
  view.setUint32(12, crc32c(bytes), true);
  return bytes;
}

function parse(bytes: Uint8Array): { shape: Shape; trained: RabitqTrained } {
  const refuse = (got: string, want: string) => new ParameterError({ parameter: 'bytes', got, want });
  const whole = 'what RabitqQuantizer.toBytes wrote, whole and unchanged: restore them from a backup or train again';
  if (!(bytes instanceof Uint8Array)) throw refuse(typeof bytes, `a Uint8Array of ${whole}`);
  if (bytes.length < HEADER_BYTES) throw refuse(`${bytes.length} bytes`, whole);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw refuse('bytes that are no RaBitQ quantizer', whole);
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw refuse(`version ${version}`, `version ${VERSION}: train again`);
  const sum = view.getUint32(12, true);
  view.setUint32(12, 0, true);
  if (crc32c(copy) !== sum) throw refuse('bytes with another checksum than they were written with', whole);
  const dimension = view.getUint32(16, true);
  const shape: Shape = { dimension, metric: METRICS[copy[20]], bits: copy[21], epsilon0: view.getFloat64(24, true) };
  checkShape(shape);
  const flipsAt = HEADER_BYTES + 4 * dimension;
  const flipCount = rotationRounds(dimension) * rotatedDimension(dimension);
  if (copy.length !== flipsAt + flipCount / 8) throw refuse(`${copy.length} bytes`, whole);
  const mean = Float32Array.from({ length: dimension }, (_, i) => view.getFloat32(HEADER_BYTES + 4 * i, true));
  if (!mean.every((m) => Math.abs(m) <= MOST_COMPONENT)) throw refuse('a mean that no vectors have', whole);
  const flips = Int8Array.from({ length: flipCount }, (_, i) => ((copy[flipsAt + (i >> 3)] >> (i & 7)) & 1 ? -1 : 1));
  return { shape, trained: { mean, flips } };
}

const MAGIC = Uint8Array.of(0x89, 0x41, 0x4e, 0x4e, 0x52, 0x51, 0x0d, 0x0a);
const VERSION = 1;
const HEADER_BYTES = 32;
/** √1e34: no vector that is admitted has a greater component. */
const MOST_COMPONENT = 1.0001e17;
