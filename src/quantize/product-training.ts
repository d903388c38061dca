/**
 * What a product quantizer learns from vectors: the mean, coarse centroids, a rotation, and by k-means one codebook for each
 * subspace (Jégou, Douze, Schmid 2011, sections II-B and IV-B).
 */
import { ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { hashToUnit } from '../core/random.ts';
import { admit } from '../kernels/intake.ts';
import { Arena } from '../kernels/memory.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import type { KMeansJob, KMeansRunner } from './kmeans.ts';
import { allocateEigenvalues, meanOf } from './opq.ts';
import { type ProductModel, type ProductShape, productLayout } from './product-layout.ts';

export interface TrainingOptions {
  seed: number;
  /** The most vectors trained on. */
  sample: number;
  /** The most iterations of each k-means. */
  iterations: number;
  run: KMeansRunner;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Throws VectorValueError where a vector of the sample cannot be coded. */
export async function trainModel(
  vectors: Matrix,
  shape: ProductShape,
  options: TrainingOptions,
): Promise<ProductModel> {
  const { dimension, metric, m, bits, opq, centroids } = shape;
  const { seed, sample, iterations, run, onProgress } = options;
  const K = 2 ** bits;
  const jobs = m + (centroids > 0 ? 1 : 0);
  let done = 0;
  const step = () => onProgress?.(++done, jobs);
  const train = async (wanted: KMeansJob[]) => {
    let before = 0;
    const results = await run(rows, wanted, (now) => {
      for (; before < now; before++) step();
    });
    return results;
  };

  const rows = chosenRows(vectors, sample, seed, metric);
  const mean = new Float32Array(dimension);
  if (metric !== 'dot') {
    mean.set(meanOf(rows));
    for (let i = 0; i < rows.rows; i++) subtract(row(rows, i), mean);
  }
  const coarse = new Float32Array(centroids * dimension);
  if (centroids > 0) {
    const [result] = await train([{ from: 0, to: dimension, k: centroids, seed, iterations }]);
    coarse.set(result.centroids.data);
    for (let i = 0; i < rows.rows; i++) subtract(row(rows, i), row(result.centroids, result.assignments[i]));
  }
  const rotation = opq ? allocateEigenvalues(rows, m) : new Float32Array(0);
  if (opq) {
    rotateRows(rows, rotation);
    rotateRows({ data: coarse, rows: centroids, dimension }, rotation);
  }
  const part = dimension / m;
  const codebooks = new Float32Array(K * dimension);
  const results = await train(
    Array.from({ length: m }, (_, j) => {
      return { from: j * part, to: (j + 1) * part, k: K, seed: seed + 1 + j, iterations, assign: false };
    }),
  );
  for (const [j, result] of results.entries()) codebooks.set(result.centroids.data, j * K * part);
  return { shape, mean, rotation, coarse, codebooks };
}

/** A copy of `sample` rows at most, chosen by the seed, in their order; normalized under cosine. */
function chosenRows(vectors: Matrix, sample: number, seed: number, metric: ProductShape['metric']): Matrix {
  const { rows, dimension } = vectors;
  const most = Math.min(rows, sample);
  const data = new Float32Array(most * dimension);
  const arena = Arena.reserve(1, () => ({ vector: dimension * 4 }), 'a vector');
  const at = arena.at.vector;
  const admitted = arena.f32.subarray(at / 4, at / 4 + dimension);
  let chosen = 0;
  for (let i = 0; i < rows && chosen < most; i++) {
    // Of those left each is as likely (Knuth, "The Art of Computer Programming", volume 2, algorithm 3.4.2 S).
    if (hashToUnit(seed, i) * (rows - i) > most - chosen) continue;
    admit(arena, at, row(vectors, i), metric, `row ${i}`);
    data.set(admitted, chosen * dimension);
    chosen++;
  }
  return { data: data.subarray(0, chosen * dimension), rows: chosen, dimension };
}

function subtract(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i] -= b[i];
}

/** Every row x becomes R x, by the kernel that will rotate what is encoded. */
function rotateRows(rows: Matrix, rotation: Float32Array): void {
  const { dimension } = rows;
  // A model of a single subspace cuts nothing; its codebook is not looked at.
  const shape: ProductShape = { dimension, metric: 'l2', m: 1, bits: 4, opq: true, centroids: 0 };
  const { modelBytes, scratchBytes, at, stride } = productLayout(shape);
  const plan = () => ({ model: modelBytes, scratch: scratchBytes, x: stride * 4, y: stride * 4 });
  const arena = Arena.reserve(1, plan, `a rotation in ${dimension} dimensions`);
  const { f32, kernels } = arena;
  for (let i = 0; i < dimension; i++) {
    f32.set(rotation.subarray(i * dimension, (i + 1) * dimension), (arena.at.model + at.rotation) / 4 + i * stride);
  }
  kernels.configureProduct(dimension, METRIC_CODES.l2, 1, 4, true, 0, arena.at.model, arena.at.scratch);
  const rotated = f32.subarray(arena.at.y / 4, arena.at.y / 4 + dimension);
  for (let i = 0; i < rows.rows; i++) {
    f32.set(row(rows, i), arena.at.x / 4);
    kernels.pointOfProduct(arena.at.x, arena.at.y);
    row(rows, i).set(rotated);
  }
}

/** Throws ParameterError where a model cannot be trained on these vectors. */
export function checkEnough(vectors: Matrix, { bits, centroids }: ProductShape, sample: number): void {
  const most = Math.min(vectors.rows, sample);
  for (const [parameter, k] of [
    ['bits', 2 ** bits],
    ['residual.centroids', centroids],
  ] as const) {
    if (k <= most) continue;
    const got = parameter === 'bits' ? bits : centroids;
    throw new ParameterError({
      parameter,
      got,
      want: `${k} centroids need as many vectors, and ${most} are trained on`,
    });
  }
}
