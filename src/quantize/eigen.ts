/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then QL with implicit shifts
 * (Golub & Van Loan, "Matrix Computations", sections 8.3 and 5.1; EISPACK's tql2). All inner loops go along rows. The same
 * matrix gives the same bits on every machine.
 */
export interface Eigen {
  /** Descending. */
  values: Float64Array;
  /** n × n: row i is the eigenvector of value i, of length 1. */
  vectors: Float64Array;
}

/** Of the symmetric n × n matrix `a`, which is overwritten. Finite entries only. */
export function symmetricEigen(a: Float64Array, n: number): Eigen {
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const vectors = tridiagonalize(a, n, diagonal, beside);
  diagonalize(diagonal, beside, vectors, n);
  // Equal values in the order of their rows, so that the result is the same everywhere.
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j] - diagonal[i] || i - j);
  const sorted = new Float64Array(n * n);
  for (const [to, from] of order.entries()) sorted.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  return { values: Float64Array.from(order, (i) => diagonal[i]), vectors: sorted };
}

/** a = Qᵀ T Q: writes the diagonal of T and what is below it, returns Q. */
function tridiagonalize(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): Float64Array {
  const betas = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const v = a.subarray(k * n, (k + 1) * n);
    diagonal[k] = v[k];
    if (k + 1 < n) beside[k] = v[k + 1];
    if (k + 2 >= n) continue;
    let scale = 0;
    for (let i = k + 1; i < n; i++) scale = Math.max(scale, Math.abs(v[i]));
    if (scale === 0) continue;
    let norm2 = 0;
    for (let i = k + 1; i < n; i++) norm2 += (v[i] / scale) ** 2;
    const alpha = (v[k + 1] > 0 ? -1 : 1) * Math.sqrt(norm2) * scale;
    v[k + 1] -= alpha;
    beside[k] = alpha;
    // H = 1 − β v vᵀ with v scaled, so that no square of its components is lost.
    let length2 = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] /= scale;
      length2 += v[i] ** 2;
    }
    const beta = 2 / length2;
    betas[k] = beta;
    let along = 0;
    for (let i = k + 1; i < n; i++) {
      const row = a.subarray(i * n, (i + 1) * n);
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += row[j] * v[j];
      p[i] = beta * sum;
      along += p[i] * v[i];
    }
    const half = (beta / 2) * along;
    for (let i = k + 1; i < n; i++) p[i] -= half * v[i];
    for (let i = k + 1; i < n; i++) {
      const row = a.subarray(i * n, (i + 1) * n);
      const vi = v[i];
      const pi = p[i];
      for (let j = k + 1; j < n; j++) row[j] -= vi * p[j] + pi * v[j];
    }
  }
  return productOfReflections(a, betas, n);
}

/** … H₁ H₀, the reflections lying in the rows of `a` behind the diagonal. */
function productOfReflections(a: Float64Array, betas: Float64Array, n: number): Float64Array {
  // Made as H₀ H₁ … from the last one back, which touches only what is not yet the unit matrix, and turned over.
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  const t = new Float64Array(n);
  for (let k = n - 3; k >= 0; k--) {
    if (betas[k] === 0) continue;
    const v = a.subarray(k * n, (k + 1) * n);
    t.fill(0, k + 1);
    for (let i = k + 1; i < n; i++) {
      const row = q.subarray(i * n, (i + 1) * n);
      const vi = v[i];
      for (let j = k + 1; j < n; j++) t[j] += vi * row[j];
    }
    for (let i = k + 1; i < n; i++) {
      const row = q.subarray(i * n, (i + 1) * n);
      const vi = betas[k] * v[i];
      for (let j = k + 1; j < n; j++) row[j] -= vi * t[j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const swap = q[i * n + j];
      q[i * n + j] = q[j * n + i];
      q[j * n + i] = swap;
    }
  }
  return q;
}

/** No matrix has been seen that takes three rounds a value. */
const MOST_ROUNDS = 60;

/** QL with implicit shifts; rows of `vectors` turn with what is done to the three diagonals. */
function diagonalize(diagonal: Float64Array, beside: Float64Array, vectors: Float64Array, n: number): void {
  for (let l = 0; l < n; l++) {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(diagonal[m]) + Math.abs(diagonal[m + 1]);
        if (Math.abs(beside[m]) <= Number.EPSILON * size) break;
      }
      if (m === l) break;
      let g = (diagonal[l + 1] - diagonal[l]) / (2 * beside[l]);
      let r = Math.sqrt(g * g + 1);
      g = diagonal[m] - diagonal[l] + beside[l] / (g + (g < 0 ? -r : r));
      let [s, c, p] = [1, 1, 0];
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * beside[i];
        const b = c * beside[i];
        r = length(f, g);
        beside[i + 1] = r;
        if (r === 0) {
          diagonal[i + 1] -= p;
          beside[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = diagonal[i + 1] - p;
        const t = (diagonal[i] - g) * s + 2 * c * b;
        p = s * t;
        diagonal[i + 1] = g + p;
        g = c * t - b;
        turn(vectors, i * n, n, c, s);
      }
      if (r === 0 && i >= l) continue;
      diagonal[l] -= p;
      beside[l] = g;
      beside[m] = 0;
    }
  }
}

/** Turns the row at `at` and the next one into each other. */
function turn(rows: Float64Array, at: number, n: number, c: number, s: number): void {
  const next = at + n;
  for (let j = at; j < next; j++) {
    const x = rows[j];
    const y = rows[j + n];
    rows[j + n] = s * x + c * y;
    rows[j] = c * x - s * y;
  }
}

/** √(a² + b²); Math.hypot may differ from one engine to another. */
function length(a: number, b: number): number {
  const [x, y] = [Math.abs(a), Math.abs(b)];
  const most = Math.max(x, y);
  if (most === 0) return 0;
  const ratio = Math.min(x, y) / most;
  return most * Math.sqrt(1 + ratio * ratio);
}
