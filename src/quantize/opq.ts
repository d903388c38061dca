/**
 * Optimized product quantization (Ge, He, Ke, Sun, CVPR 2013), its parametric form: the rotation for which, were the vectors
 * normally distributed, the product quantizer's error would be least (section 3.2). That is so where parts are independent
 * of each other and the variances of all parts have the same product: principal axes, dealt out so that the products are even
 * (eigenvalue allocation). One eigendecomposition, no k-means, and nothing random.
 *
 * The paper's other form alternates between codebooks and rotation. Each round costs a training of all codebooks and a singular
 * value decomposition, and starts where this ends.
 */
import type { Matrix } from '../core/matrix.ts';
import { symmetricEigen } from './eigen.ts';

/** D × D, rows orthonormal: part j of R x are rows j · D / m … (j + 1) · D / m − 1 of R times x. */
export function allocateEigenvalues(vectors: Matrix, m: number): Float32Array {
  const { dimension } = vectors;
  const { values, vectors: axes } = symmetricEigen(covarianceOf(vectors), dimension);
  const rotation = new Float32Array(dimension * dimension);
  for (const [to, from] of dealOut(values, m).flat().entries()) {
    rotation.set(axes.subarray(from * dimension, (from + 1) * dimension), to * dimension);
  }
  return rotation;
}

/**
 * The axes of each of m parts, as many in each, by numbers in descending order of variance: the next axis goes to the part with
 * the least product of variances among those with room. Of several, the first.
 */
export function dealOut(variances: Float64Array, m: number): number[][] {
  const room = variances.length / m;
  // Logarithms of variances relative to the least, which so is not to be taken as none: those below are rounding.
  const least = Math.max(variances[0] * 1e-12, Number.MIN_VALUE * 2 ** 52);
  const parts = Array.from({ length: m }, () => ({ product: 0, axes: [] as number[] }));
  for (const [axis, variance] of variances.entries()) {
    let poorest = parts.findIndex(({ axes }) => axes.length < room);
    for (let j = poorest + 1; j < m; j++) {
      if (parts[j].axes.length < room && parts[j].product < parts[poorest].product) poorest = j;
    }
    parts[poorest].axes.push(axis);
    parts[poorest].product += Math.log(Math.max(variance, least) / least);
  }
  return parts.map(({ axes }) => axes);
}

/** Rows that are added up at a time: as many columns as the cache keeps. */
const BLOCK = 64;

/** The covariance of the rows, D × D. */
function covarianceOf({ data, rows, dimension }: Matrix): Float64Array {
  const mean = meanOf({ data, rows, dimension });
  const covariance = new Float64Array(dimension * dimension);
  // Turned over, so that a column's numbers lie side by side; in f32 as they came, four sums at a time.
  const columns = new Float64Array(dimension * BLOCK);
  for (let first = 0; first < rows; first += BLOCK) {
    const here = Math.min(BLOCK, rows - first);
    for (let j = 0; j < dimension; j++) {
      for (let i = 0; i < here; i++) columns[j * BLOCK + i] = data[(first + i) * dimension + j] - mean[j];
      columns.fill(0, j * BLOCK + here, (j + 1) * BLOCK);
    }
    for (let a = 0; a < dimension; a++) addProducts(columns, a, covariance.subarray(a * dimension));
  }
  for (let a = 0; a < dimension; a++) {
    for (let b = 0; b <= a; b++) {
      covariance[a * dimension + b] /= rows;
      covariance[b * dimension + a] = covariance[a * dimension + b];
    }
  }
  return covariance;
}

/** Adds the inner products of column a with columns 0 … a. */
function addProducts(columns: Float64Array, a: number, to: Float64Array): void {
  const x = columns.subarray(a * BLOCK, (a + 1) * BLOCK);
  let b = 0;
  for (; b + 3 <= a; b += 4) {
    const y = b * BLOCK;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < BLOCK; i++) {
      const xi = x[i];
      s0 += xi * columns[y + i];
      s1 += xi * columns[y + BLOCK + i];
      s2 += xi * columns[y + 2 * BLOCK + i];
      s3 += xi * columns[y + 3 * BLOCK + i];
    }
    to[b] += s0;
    to[b + 1] += s1;
    to[b + 2] += s2;
    to[b + 3] += s3;
  }
  for (; b <= a; b++) {
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) sum += x[i] * columns[b * BLOCK + i];
    to[b] += sum;
  }
}

/** The mean of the rows, summed in f64. */
export function meanOf({ data, rows, dimension }: Matrix): Float64Array {
  const mean = new Float64Array(dimension);
  for (let i = 0; i < rows; i++) for (let j = 0; j < dimension; j++) mean[j] += data[i * dimension + j];
  for (let j = 0; j < dimension; j++) mean[j] /= rows;
  return mean;
}
