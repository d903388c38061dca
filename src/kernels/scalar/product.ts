/** Product quantization: of each part of a vector the number of the nearest centroid. */
import { dot, l2, type Vector } from './distance.ts';

const { fround } = Math;

/** What a product quantizer has learnt (`assembly/product.ts`): a vector is cut into `codebooks.length` parts of equal dimension. */
export interface ProductCodebooks {
  /** Of each subspace, 16 or 256 centroids. */
  codebooks: Vector[][];
  /** Rows of the rotation; none where vectors are not rotated. */
  rotation: Vector[];
  /** Is taken off before the vector is rotated. */
  mean: Vector;
  /** Coarse centroids, rotated; none where vectors themselves are coded. */
  coarse: Vector[];
}

/** The vector as the codebooks know it: R (x − μ), every operation rounded to f32 where it is not rotated. */
export function pointOf({ rotation, mean }: ProductCodebooks, x: Vector): Float32Array {
  const centred = Float32Array.from(x, (value, i) => value - mean[i]);
  return rotation.length === 0 ? centred : Float32Array.from(rotation, (row) => dot(row, centred));
}

/** The numbers of the nearest centroids, and of the nearest coarse one. */
export interface ProductCode {
  numbers: number[];
  coarse: number;
  /** |x − x̂|. */
  error: number;
}

/** Rounds as the kernel does, so that of two centroids at one distance both take the first. */
export function encodeProduct(model: ProductCodebooks, x: Vector): ProductCode {
  const { codebooks, coarse } = model;
  const point = pointOf(model, x);
  const centre = coarse.length === 0 ? 0 : nearestOf(coarse.map((c) => l2(point, c)));
  const rest = coarse.length === 0 ? point : point.map((value, i) => value - coarse[centre][i]);
  const part = rest.length / codebooks.length;
  const squares = codebooks.map((codebook, j) => {
    return codebook.map((centroid) => roundedL2(rest.subarray(j * part, (j + 1) * part), centroid));
  });
  const numbers = squares.map(nearestOf);
  const error = Math.sqrt(squares.reduce((sum, ofPart, j) => sum + ofPart[numbers[j]], 0));
  return { numbers, coarse: centre, error };
}

/** Σ (a − b)² with every operation rounded to f32, one component after the other. */
function roundedL2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum = fround(sum + fround(fround(a[i] - b[i]) ** 2));
  return sum;
}

/** Where the least value is; of several, the first. */
function nearestOf(values: number[]): number {
  return values.indexOf(Math.min(...values));
}

/** The point that the code stands for: centroids one behind the other, on top of the coarse one. */
export function decodePoint({ codebooks, coarse }: ProductCodebooks, code: Omit<ProductCode, 'error'>): number[] {
  const rest = code.numbers.flatMap((number, j) => Array.from(codebooks[j][number]));
  return coarse.length === 0 ? rest : rest.map((value, i) => value + coarse[code.coarse][i]);
}

/** The vector that the code stands for: Rᵀ ŷ + μ. */
export function decodeProduct(model: ProductCodebooks, code: Omit<ProductCode, 'error'>): number[] {
  const { rotation, mean } = model;
  const point = decodePoint(model, code);
  const turned =
    rotation.length === 0
      ? point
      : point.map((_, i) =>
          dot(
            rotation.map((row) => row[i]),
            point,
          ),
        );
  return turned.map((value, i) => value + mean[i]);
}
