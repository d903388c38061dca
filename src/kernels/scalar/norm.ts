/** The length of a vector. */
import { dot, type Vector } from './distance.ts';

/** Σ x²: the squared length. NaN or Infinity where a component is. */
export function norm2(x: Vector): number {
  return dot(x, x);
}

/** x ← factor · x, in place, each component rounded once to f32. */
export function scale(x: Float32Array, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i] *= factor;
}
