/**
 * Scalar quantization: each component is rounded to one of 255 (or 128) equally spaced levels, so a vector takes a byte a
 * dimension, a quarter of its floats. The levels span the range of the vector itself (`ranges: 'vector'`: nothing to train,
 * nothing can be out of range) or the range that the dimension had in training (`ranges: 'dimension'`: finer where dimensions
 * differ in scale; what lies outside is clipped).
 *
 * The kernels are `kernels/assembly/sq8.ts` and the files named after it; here are training, checks, and blocks of rows going
 * through a memory of their own.
 */
import { crc32c } from '../core/crc32c.ts';
import { DimensionError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { METRICS, type Metric } from '../core/metric.ts';
import { admit } from '../kernels/intake.ts';
import { Arena } from '../kernels/memory.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import { BLOCK, type BlockKernel, checkFloats, rowsOf, runBlocks } from './code-blocks.ts';
import type { CodeShape } from './code-shape.ts';
import type { Quantizer } from './quantizer.ts';

export interface ScalarOptions {
  /** Of each component; either takes a byte. 7: the codes that an index walks on. Default 8. */
  bits?: 7 | 8;
  /** Whose range the levels span. 7 bits go with 'vector' only. Default 'vector'. */
  ranges?: 'vector' | 'dimension';
  /** Default l2. */
  metric?: Metric;
  /**
   * With ranges of dimensions: the share of a dimension's training values that its range holds, from 0.5 to 1; half of the rest
   * lie beyond each of its ends, and they and their like are clipped to it. Default 1: from the least value to the greatest.
   */
  quantile?: number;
}

export class ScalarQuantizer implements Quantizer {
  readonly kind = 'scalar';
  readonly dimension: number;
  readonly metric: Metric;
  readonly bits: 7 | 8;
  readonly ranges: 'vector' | 'dimension';
  readonly quantile: number;
  /** ⌈dimension / 16⌉ · 16 bytes of levels and 16 of factors. */
  readonly codeBytes: number;
  readonly #arena: Arena<Region>;
  readonly #ranges: Ranges | undefined;

  /**
   * Ranges of dimensions are taken over all of `vectors`, rows of the dimension 1 … 4096 (a few thousand at random do); ranges of
   * vectors need the dimension only, and `vectors` may have no row. Throws DimensionError, ParameterError, and VectorValueError
   * where a row is no vector of the metric (see `VectorIndex.add`).
   */
  static train(vectors: Matrix, options: ScalarOptions = {}): ScalarQuantizer {
    const { bits = 8, ranges = 'vector', metric = 'l2', quantile = 1 } = options;
    const { dimension, rows, data } = vectors;
    const shape = { dimension, metric, bits, ranges, quantile };
    checkShape(shape);
    if (ranges === 'vector' && options.quantile !== undefined) {
      const want = "for ranges: 'dimension' only: the range of a vector holds all of it";
      throw new ParameterError({ parameter: 'quantile', got: options.quantile, want });
    }
    if (!(data instanceof Float32Array) || data.length !== rows * dimension) {
      const got = `${data?.length} floats`;
      throw new ParameterError({ parameter: 'vectors', got, want: `${rows} rows of dimension ${dimension}` });
    }
    if (ranges === 'vector') return new ScalarQuantizer(shape, undefined);
    if (rows === 0) {
      const want = 'at least one: the ranges of dimensions are learnt from vectors';
      throw new ParameterError({ parameter: 'vectors.rows', got: rows, want });
    }
    return new ScalarQuantizer(shape, trainRanges(vectors, metric, quantile));
  }

  /** The quantizer that `toBytes` wrote. Throws ParameterError where the bytes are damaged or something else. */
  static restore(bytes: Uint8Array): ScalarQuantizer {
    const { shape, ranges } = parse(bytes);
    return new ScalarQuantizer(shape, ranges);
  }

  private constructor({ dimension, metric, bits, ranges, quantile }: Shape, trained: Ranges | undefined) {
    this.dimension = dimension;
    this.metric = metric;
    this.bits = bits;
    this.ranges = ranges;
    this.quantile = quantile;
    this.codeBytes = sq8CodeBytes(dimension);
    this.#ranges = trained;
    const plan = () => ({
      model: Math.max(sq8ModelBytes(dimension, ranges), 16),
      scratch: sq8ScratchBytes(dimension),
      vector: paddedTo16(dimension) * 4,
      codes: BLOCK * this.codeBytes,
      results: BLOCK * 4 + 16,
    });
    this.#arena = Arena.reserve(1, plan, `a quantizer of ${dimension} dimensions`);
    const { at, f32, kernels } = this.#arena;
    if (trained) f32.set(sq8Model(trained), at.model >>> 2);
    kernels.configureSq8(dimension, METRIC_CODES[metric], scalarForm({ bits, ranges }), at.model, at.scratch);
  }

  encode(vectors: Float32Array): Uint8Array {
    const { dimension, codeBytes } = this;
    const { at, bytes, kernels } = this.#arena;
    const rows = rowsOf(vectors, dimension);
    const codes = new Uint8Array(rows * codeBytes);
    for (let i = 0; i < rows; i++) {
      this.#admit(vectors.subarray(i * dimension, (i + 1) * dimension), `row ${i}`);
      kernels.encodeSq8(at.vector, at.codes);
      codes.set(bytes.subarray(at.codes, at.codes + codeBytes), i * codeBytes);
    }
    return codes;
  }

  get codeShape(): CodeShape {
    const { bits, ranges } = this;
    return { kind: 'scalar', bits, ranges };
  }

  model(): Uint8Array {
    const { at, bytes } = this.#arena;
    return bytes.slice(at.model, at.model + sq8ModelBytes(this.dimension, this.ranges));
  }

  /** Under cosine, of the vectors as they were normalized. */
  decode(codes: Uint8Array): Float32Array {
    const { dimension, codeBytes } = this;
    const { at, bytes, f32, kernels } = this.#arena;
    const rows = this.#rowsOf(codes);
    const vectors = new Float32Array(rows * dimension);
    for (let i = 0; i < rows; i++) {
      bytes.set(codes.subarray(i * codeBytes, (i + 1) * codeBytes), at.codes);
      kernels.decodeSq8(at.codes, at.vector);
      vectors.set(f32.subarray(at.vector >>> 2, (at.vector >>> 2) + dimension), i * dimension);
    }
    return vectors;
  }

  /**
   * With ranges of vectors, the query becomes a code as well (but under Manhattan); with ranges of dimensions it keeps 16 bits a
   * component. Throws DimensionError, VectorValueError, ParameterError.
   */
  distances(query: Float32Array, codes: Uint8Array): Float32Array {
    return this.#ofBlocks(query, codes, this.#arena.kernels.sq8DistancesInto);
  }

  /**
   * Certain bounds: the exact distance from `query` to the vector that was encoded is within so much of the estimate, in the
   * metric's unit, clipping and the rounding of the arithmetic included.
   */
  errorBounds(query: Float32Array, codes: Uint8Array): Float32Array {
    return this.#ofBlocks(query, codes, this.#arena.kernels.sq8BoundsInto);
  }

  /** Estimated distances from one code to others, as a graph takes them while it is built. */
  distancesFromCode(code: Uint8Array, codes: Uint8Array): Float32Array {
    const { at, bytes, kernels } = this.#arena;
    if (this.#rowsOf(code) !== 1) {
      throw new ParameterError({
        parameter: 'code.length',
        got: code.length,
        want: `one code, ${this.codeBytes} bytes`,
      });
    }
    this.#rowsOf(codes);
    bytes.set(code, at.vector);
    kernels.prepareSq8Code(at.vector);
    return runBlocks(this.#arena, this.codeBytes, codes, kernels.sq8DistancesInto);
  }

  toBytes(): Uint8Array {
    return serialize(this, this.#ranges);
  }

  #ofBlocks(query: Float32Array, codes: Uint8Array, kernel: BlockKernel): Float32Array {
    const { at, kernels } = this.#arena;
    checkFloats('query', query);
    if (query.length !== this.dimension) {
      throw new DimensionError({ expected: this.dimension, got: query.length, where: 'query' });
    }
    this.#rowsOf(codes);
    this.#admit(query, 'query');
    kernels.prepareSq8(at.vector);
    return runBlocks(this.#arena, this.codeBytes, codes, kernel);
  }

  #admit(vector: Float32Array, where: string): void {
    admit(this.#arena, this.#arena.at.vector, vector, this.metric, where);
  }

  #rowsOf(codes: Uint8Array): number {
    if (!(codes instanceof Uint8Array)) {
      throw new ParameterError({
        parameter: 'codes',
        got: typeof codes,
        want: 'a Uint8Array of codes, one behind the other',
      });
    }
    const rows = codes.length / this.codeBytes;
    if (Number.isInteger(rows)) return rows;
    const want = `a multiple of ${this.codeBytes}, the bytes of one code of ${this.dimension} dimensions`;
    throw new ParameterError({ parameter: 'codes.length', got: codes.length, want });
  }
}

/** Bytes of one code, a multiple of 16: a byte a dimension and the factors. */
export function sq8CodeBytes(dimension: number): number {
  return paddedTo16(dimension) + 16;
}

/** Bytes of what threads share and read only: what `sq8Model` gives, nothing with ranges of vectors. */
export function sq8ModelBytes(dimension: number, ranges: 'vector' | 'dimension'): number {
  return ranges === 'dimension' ? 12 * paddedTo16(dimension) : 0;
}

/** Bytes of what one thread scribbles on. */
export function sq8ScratchBytes(dimension: number): number {
  return 15 * paddedTo16(dimension) + 16;
}

const MAX_DIMENSION = 4096;

type Region = 'model' | 'scratch' | 'vector' | 'codes' | 'results';

interface Shape {
  dimension: number;
  metric: Metric;
  bits: 7 | 8;
  ranges: 'vector' | 'dimension';
  quantile: number;
}

/** Of each dimension: the middle of its range, and the distance between two levels. */
interface Ranges {
  mids: Float32Array;
  steps: Float32Array;
}

function paddedTo16(dimension: number): number {
  return Math.ceil(dimension / 16) * 16;
}

/** Which of its forms `configureSq8` is told, as `assembly/sq8-codes.ts` numbers them. */
export function scalarForm({ bits, ranges }: { bits: 7 | 8; ranges: 'vector' | 'dimension' }): number {
  if (bits === 7) return 2;
  return ranges === 'dimension' ? 1 : 0;
}

function checkShape({ dimension, metric, bits, ranges, quantile }: Shape): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    throw new DimensionError({ expected: `an integer from 1 to ${MAX_DIMENSION}`, got: dimension, where: 'quantizer' });
  }
  if (!METRICS.includes(metric)) {
    throw new ParameterError({ parameter: 'metric', got: metric, want: `one of ${METRICS.join(', ')}` });
  }
  if (bits !== 7 && bits !== 8) throw new ParameterError({ parameter: 'bits', got: bits, want: '7 or 8' });
  if (ranges !== 'vector' && ranges !== 'dimension') {
    throw new ParameterError({ parameter: 'ranges', got: ranges, want: "'vector' or 'dimension'" });
  }
  if (bits === 7 && ranges === 'dimension') {
    throw new ParameterError({ parameter: 'bits', got: bits, want: "8 with ranges: 'dimension'" });
  }
  if (!(quantile >= 0.5 && quantile <= 1)) {
    throw new ParameterError({ parameter: 'quantile', got: quantile, want: 'a number from 0.5 to 1' });
  }
}

/** Levels on each side of the middle of a range. */
const LEVELS = 127;
const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;
const { fround } = Math;

function trainRanges({ data, rows, dimension }: Matrix, metric: Metric, quantile: number): Ranges {
  const floats = paddedTo16(dimension);
  const arena = Arena.reserve(1, () => ({ vector: floats * 4 }), `a vector of ${dimension} dimensions`);
  const at = arena.at.vector;
  const admitted = arena.f32.subarray(at >>> 2, (at >>> 2) + dimension);
  const lows = new Float32Array(dimension).fill(Number.POSITIVE_INFINITY);
  const highs = new Float32Array(dimension).fill(Number.NEGATIVE_INFINITY);
  // Columns of the vectors as they are searched: normalized under cosine.
  const columns = quantile < 1 ? new Float32Array(data.length) : undefined;
  for (let i = 0; i < rows; i++) {
    admit(arena, at, data.subarray(i * dimension, (i + 1) * dimension), metric, `row ${i}`);
    for (let j = 0; j < dimension; j++) {
      const x = admitted[j];
      if (x < lows[j]) lows[j] = x;
      if (x > highs[j]) highs[j] = x;
      if (columns) columns[j * rows + i] = x;
    }
  }
  if (columns) {
    const beyond = Math.floor(((1 - quantile) / 2) * rows);
    for (let j = 0; j < dimension; j++) {
      const column = columns.subarray(j * rows, (j + 1) * rows).sort();
      lows[j] = column[beyond];
      highs[j] = column[rows - 1 - beyond];
    }
  }
  const mids = lows.map((low, j) => low / 2 + highs[j] / 2);
  const steps = lows.map((low, j) => (highs[j] - low) / (2 * LEVELS));
  return { mids, steps };
}

/** Mids, steps and inverse steps, each padded with zeros to a multiple of 16: the block that `configureSq8` takes as its model. */
function sq8Model({ mids, steps }: Ranges): Float32Array {
  const padded = paddedTo16(mids.length);
  const model = new Float32Array(3 * padded);
  model.set(mids);
  model.set(steps, padded);
  model.set(
    steps.map((step) => (step > 0 ? Math.min(fround(1 / step), MAX_F32) : 0)),
    2 * padded,
  );
  return model;
}

/**
 * The trained state, little-endian:
 *
 *     at   bytes
 *      0       8        "\x89ANNSQ\r\n"
 *      8       4        version
 *     12       4        CRC-32C of all bytes, taken with these four zero
 *     16       4        dimension
 *     20       1 each   metric (its place in METRICS), bits, 1 where ranges are of dimensions, 0
 *     24       8        quantile, f64
 *     32       4 each   with ranges of dimensions: mids, then steps, f32
 */
function serialize({ dimension, metric, bits, ranges, quantile }: Shape, trained: Ranges | undefined): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + (trained ? 8 * dimension : 0));
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(16, dimension, true);
  bytes.set([METRICS.indexOf(metric), bits, ranges === 'dimension' ? 1 : 0], 20);
  view.setFloat64(24, quantile, true);
  trained?.mids.forEach((mid, i) => {
    view.setFloat32(HEADER_BYTES + 4 * i, mid, true);
    view.setFloat32(HEADER_BYTES + 4 * (dimension + i), trained.steps[i], true);
  });
  view.setUint32(12, crc32c(bytes), true);
  return bytes;
}

function parse(bytes: Uint8Array): { shape: Shape; ranges: Ranges | undefined } {
  const refuse = (got: string, want: string) => new ParameterError({ parameter: 'bytes', got, want });
  const whole = 'what ScalarQuantizer.toBytes wrote, whole and unchanged: restore them from a backup or train again';
  if (!(bytes instanceof Uint8Array)) throw refuse(typeof bytes, `a Uint8Array of ${whole}`);
  if (bytes.length < HEADER_BYTES) throw refuse(`${bytes.length} bytes`, whole);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw refuse('bytes that are no scalar quantizer', whole);
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw refuse(`version ${version}`, `version ${VERSION}: train again`);
  const sum = view.getUint32(12, true);
  view.setUint32(12, 0, true);
  if (crc32c(copy) !== sum) throw refuse('bytes with another checksum than they were written with', whole);
  if (copy[22] > 1 || copy[23] !== 0) throw refuse('bytes with a shape that none has', whole);
  const dimension = view.getUint32(16, true);
  const shape: Shape = {
    dimension,
    metric: METRICS[copy[20]],
    bits: copy[21] as 7 | 8,
    ranges: copy[22] === 1 ? 'dimension' : 'vector',
    quantile: view.getFloat64(24, true),
  };
  checkShape(shape);
  const floats = shape.ranges === 'dimension' ? 2 * dimension : 0;
  if (copy.length !== HEADER_BYTES + 4 * floats) throw refuse(`${copy.length} bytes`, whole);
  if (floats === 0) return { shape, ranges: undefined };
  const values = Float32Array.from({ length: floats }, (_, i) => view.getFloat32(HEADER_BYTES + 4 * i, true));
  const ranges = { mids: values.slice(0, dimension), steps: values.slice(dimension) };
  if (!values.every((value) => Math.abs(value) <= MOST_COMPONENT) || ranges.steps.some((step) => step < 0)) {
    throw refuse('ranges that no vectors have', whole);
  }
  return { shape, ranges };
}

const MAGIC = Uint8Array.of(0x89, 0x41, 0x4e, 0x4e, 0x53, 0x51, 0x0d, 0x0a);
const VERSION = 1;
const HEADER_BYTES = 32;
/** √1e34: no vector that is admitted has a greater component. */
const MOST_COMPONENT = 1.0001e17;
