/** What the kernels of the day compute, as plain loops over f64: right to the last bit that f32 has, and slow. */

type Vector = ArrayLike<number>;

/** Σ aᵢ · bᵢ */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The same loop as a machine adds that has f32 alone: rounded after every step. */
export function dotInF32(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum = Math.fround(sum + Math.fround(a[i] * b[i]));
  return sum;
}

/** Σ (aᵢ − bᵢ)² */
export function l2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] - b[i];
    sum += difference * difference;
  }
  return sum;
}

/** The squared distances from a query to four vectors, or any number of them. */
export function l2x4(query: Vector, vectors: readonly Vector[]): number[] {
  return vectors.map((vector) => l2(query, vector));
}
