import type { Metric } from '../core/metric.ts';
import type { CodeShape } from './code-shape.ts';

/** A quantizer: few bytes that stand for a vector, and distances from a query to them. */
export interface Quantizer {
  readonly kind: 'scalar' | 'product' | 'rabitq';
  readonly dimension: number;
  /** Which metrics a kind supports is its own affair: ParameterError for others. */
  readonly metric: Metric;
  /** Bytes of one code. */
  readonly codeBytes: number;
  /** Codes of `vectors.length / dimension` rows, one behind the other. Throws DimensionError, VectorValueError (names the row). */
  encode(vectors: Float32Array): Uint8Array;
  /** The vectors that the codes stand for. Throws ParameterError where the length is no multiple of codeBytes. */
  decode(codes: Uint8Array): Float32Array;
  /**
   * Estimated distances from `query` to each code, in the metric's unit as src/graph has it (l2: squared L2; dot: −⟨⟩; cosine:
   * 1 − cos).
   */
  distances(query: Float32Array, codes: Uint8Array): Float32Array;
  /** For each code, what the estimate may be off by (stated in the class's docstring: certain, or with which probability). */
  errorBounds(query: Float32Array, codes: Uint8Array): Float32Array;
  /**
   * The trained state, little-endian, with magic, version and shape; `restore(bytes)` of the class brings back a quantizer that
   * writes and reads the same codes, bit for bit.
   */
  toBytes(): Uint8Array;
  /** How its codes lie in an index that walks on them, and the block that its kernels read there. */
  readonly codeShape: CodeShape;
  model(): Uint8Array;
}
