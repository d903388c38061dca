/** What a product quantizer is in memory: the model that all threads share, a thread's scratch, a code, a block of codes. */
import type { Metric } from '../core/metric.ts';

/** All that decides the sizes. */
export interface ProductShape {
  dimension: number;
  metric: Exclude<Metric, 'manhattan'>;
  /** Subspaces; divides the dimension. */
  m: number;
  /** Bits of a code in each subspace: 2^bits centroids. */
  bits: 4 | 8;
  /** Whether vectors are rotated first. */
  opq: boolean;
  /** Coarse centroids; 0: vectors are coded themselves, not their residuals. */
  centroids: number;
}

/** All that codes depend on. */
export interface ProductModel {
  shape: ProductShape;
  /** What is taken off every vector first; zeros under dot, where products depend on where the origin is. */
  mean: Float32Array;
  /** D × D by rows; empty without OPQ. */
  rotation: Float32Array;
  /** Coarse centroids by rows, rotated; empty without residuals. */
  coarse: Float32Array;
  /** Centroid c of subspace j: the D / m floats from (j · 2^bits + c) · D / m on. */
  codebooks: Float32Array;
}

export interface ProductLayout {
  /** Dimensions of a subspace, and floats of it with its padding. */
  part: number;
  stride: number;
  /** Bytes of the numbers of centroids alone: ⌈m · bits / 8⌉. */
  payloadBytes: number;
  /** Where the error of a code lies, which the coarse centroid's number follows. */
  errorAt: number;
  /** Bytes of a code with all it has, a multiple of 16. */
  codeBytes: number;
  modelBytes: number;
  scratchBytes: number;
  /** Bytes of 32 codes of 4 bits packed for the fast scan. */
  blockBytes: number;
  /** Where in the model its parts begin. */
  at: { mean: number; rows: number; columns: number; rotation: number; coarse: number };
}

/** Codes in a packed block. */
export const BLOCK_CODES = 32;

/** The layout that `configureProduct` (assembly/product-model.ts) goes by. */
export function productLayout({ dimension, m, bits, opq, centroids }: ProductShape): ProductLayout {
  const K = 2 ** bits;
  const part = dimension / m;
  const stride = roundUp(part, 4);
  const pointBytes = m * stride * 4;
  const vectorBytes = roundUp(dimension, 4) * 4;
  const payloadBytes = Math.ceil((m * bits) / 8);
  const errorAt = roundUp(payloadBytes, 4);

  const mean = 0;
  const rows = mean + vectorBytes;
  const columns = rows + K * pointBytes;
  const rotation = columns + K * dimension * 4;
  const coarse = rotation + (opq ? dimension * vectorBytes : 0);

  // A vector, two points, distances to a codebook, tables; with 4 bits those of single subspaces, as floats and as bytes.
  const tables = payloadBytes * TABLE_BYTES + (bits === 4 ? 2 * payloadBytes * (64 + 32) : 0);
  return {
    ...{ part, stride, payloadBytes, errorAt },
    codeBytes: roundUp(errorAt + (centroids > 0 ? 12 : 4), 16),
    modelBytes: coarse + centroids * pointBytes,
    scratchBytes: roundUp(vectorBytes + 2 * pointBytes + TABLE_BYTES + tables + centroids * 4, 16),
    blockBytes: m * 16 + (centroids > 0 ? BLOCK_CODES * 8 : 0),
    at: { mean, rows, columns, rotation, coarse },
  };
}

/** Writes the model as `configureProduct` goes by it: `modelBytes` bytes, all of them zero before. */
export function writeModel({ shape, mean, rotation, coarse, codebooks }: ProductModel, to: Uint8Array): void {
  const { dimension, m, bits, centroids, opq } = shape;
  const { at, part, stride, modelBytes } = productLayout(shape);
  const floats = new Float32Array(to.buffer, to.byteOffset, modelBytes / 4);
  const K = 2 ** bits;
  const rows = floats.subarray(at.rows / 4);
  const columns = floats.subarray(at.columns / 4);
  floats.set(mean);
  for (let j = 0; j < m; j++) {
    for (let c = 0; c < K; c++) {
      const centroid = codebooks.subarray((j * K + c) * part, (j * K + c + 1) * part);
      rows.set(centroid, (j * K + c) * stride);
      for (let i = 0; i < part; i++) columns[(j * part + i) * K + c] = centroid[i];
    }
  }
  const padded = Math.ceil(dimension / 4) * 4;
  for (let i = 0; opq && i < dimension; i++) {
    floats.set(rotation.subarray(i * dimension, (i + 1) * dimension), at.rotation / 4 + i * padded);
  }
  for (let i = 0; i < centroids * m; i++) {
    floats.set(coarse.subarray(i * part, (i + 1) * part), at.coarse / 4 + i * stride);
  }
}

/** 256 floats: a distance for every value that a byte may have. */
const TABLE_BYTES = 1024;

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
