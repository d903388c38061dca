/** Random rotations, made of flipped signs and fast Hadamard transforms. */
import type { Vector } from './distance.ts';

/**
 * A random rotation of `x`, which it returns, in O(n log n) (`assembly/rotation.ts`; Gao & Long 2024): each round flips signs at
 * random and takes the fast Hadamard transform of as many coordinates as a power of two has; where that is not all, of the
 * first and the last ones in turn, and the halves are mixed between rounds.
 * `n` a multiple of 64; `flips`: rounds · n of ±1.
 */
export function rotate(x: Vector, flips: Vector, rounds: number): Float64Array {
  const n = x.length;
  const y = Float64Array.from(x);
  const power = 2 ** Math.floor(Math.log2(n));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) y[i] *= flips[round * n + i];
    hadamard(round % 2 === 0 ? y.subarray(0, power) : y.subarray(n - power));
    if (power < n) mixHalves(y);
  }
  return y;
}

/** Undoes `rotate` with the same arguments: all of its parts undo themselves, so they are taken from last to first. */
export function unrotate(x: Vector, flips: Vector, rounds: number): Float64Array {
  const n = x.length;
  const y = Float64Array.from(x);
  const power = 2 ** Math.floor(Math.log2(n));
  for (let round = rounds - 1; round >= 0; round--) {
    if (power < n) mixHalves(y);
    hadamard(round % 2 === 0 ? y.subarray(0, power) : y.subarray(n - power));
    for (let i = 0; i < n; i++) y[i] *= flips[round * n + i];
  }
  return y;
}

/** A rotation about a mean. */
export interface RotationAbout {
  mean: Vector;
  /** Dimensions after padding with zeros, a multiple of 64. */
  rotated: number;
  /** Rounds of as many ±1. */
  flips: Vector;
}

/** R(x − μ). */
export function rotateAbout({ mean, rotated, flips }: RotationAbout, x: Vector): Float64Array {
  const centred = new Float64Array(rotated);
  for (let i = 0; i < x.length; i++) centred[i] = x[i] - mean[i];
  return rotate(centred, flips, flips.length / rotated);
}

/** Orthonormal fast Walsh-Hadamard transform, in place: (a, b) → (a + b, a − b) over pairs 1, 2, 4, … apart. */
function hadamard(x: Float64Array): void {
  const n = x.length;
  for (let stride = 1; stride < n; stride *= 2) {
    for (let i = 0; i < n; i++) if ((i & stride) === 0) addAndSubtract(x, i, i + stride);
  }
  for (let i = 0; i < n; i++) x[i] /= Math.sqrt(n);
}

/** One step of Kac's walk: (a, b) → (a + b, a − b) / √2 over the two halves. */
function mixHalves(x: Float64Array): void {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) addAndSubtract(x, i, i + half);
  for (let i = 0; i < x.length; i++) x[i] *= Math.SQRT1_2;
}

function addAndSubtract(x: Float64Array, i: number, j: number): void {
  const [a, b] = [x[i], x[j]];
  x[i] = a + b;
  x[j] = a - b;
}
