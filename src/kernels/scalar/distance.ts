/** The distances themselves. */

/** A vector's components, whatever holds them. */
export type Vector = ArrayLike<number>;

/** Σ (a − b)²: the squared Euclidean distance of two vectors of equal dimension. */
export function l2(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Σ a·b: the inner product. */
export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Σ |a − b|: the Manhattan distance. */
export function manhattan(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum;
}
