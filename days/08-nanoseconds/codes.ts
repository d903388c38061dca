/** The readable twin: what a code is, how it is made, and what its distances are, in f64 and without lanes. */

/** A vector on a grid of its own: x ≈ lo + step · c. */
export interface Code {
  /** The levels, one byte a component; as many as the kernels take: a multiple of 16. */
  codes: Uint8Array;
  /** lo, step, step · Σc, step² · Σc². */
  factors: Float32Array;
}

/** Rounds each component to the nearest of `greatest + 1` levels between the least component and the greatest. */
export function encode(vector: ArrayLike<number>, greatest = 127): Code {
  const values = Array.from(vector);
  const lo = Math.fround(Math.min(...values));
  const step = Math.fround((Math.max(...values) - lo) / greatest);
  const levels = values.map((x) => (step > 0 ? Math.min(Math.round((x - lo) / step), greatest) : 0));
  return codeOf(levels, lo, step);
}

/** The code with these levels, whatever vector that is. */
export function codeOf(levels: ArrayLike<number>, lo: number, step: number): Code {
  const codes = Uint8Array.from(levels);
  const [low, wide] = [Math.fround(lo), Math.fround(step)];
  return { codes, factors: Float32Array.of(low, wide, wide * sum(codes), wide * wide * dot(codes, codes)) };
}

/** The vector that a code stands for. */
export function decode({ codes, factors: [lo, step] }: Code): Float64Array {
  return Float64Array.from(codes, (c) => lo + step * c);
}

/** Σ aᵢ · bᵢ */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** Σ (aᵢ − bᵢ)² */
export function l2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] - b[i]) ** 2;
  return total;
}

/** Squared distance of the vectors that two codes stand for, as the factors give it, without rounding on the way. */
export function l2OfCodes(a: Code, b: Code): number {
  const terms = l2Terms(a, b);
  return Math.max(
    terms.reduce((total, term) => total + term, 0),
    0,
  );
}

/** What is added up: n d², 2 d (step Σc − step' Σc') in two, the squares, and the product. How large they are says how far rounding may be off. */
export function l2Terms(a: Code, b: Code): number[] {
  const [loA, stepA, sumA, squaresA] = a.factors;
  const [loB, stepB, sumB, squaresB] = b.factors;
  const d = loA - loB;
  return [
    a.codes.length * d * d,
    2 * d * sumA,
    -2 * d * sumB,
    squaresA,
    squaresB,
    -2 * stepA * stepB * dot(a.codes, b.codes),
  ];
}

/**
 * A dot of bytes as x86's pmaddubsw computes it, and with it `relaxed_dot` where it is made of that: the first operand's bytes are
 * signed, −128 … 127, the second's are not, and pairs of products are added in 16 bits, which stop at their ends.
 */
export function dotInPairs(a: Uint8Array, b: Uint8Array): number {
  const signed = Int8Array.from(a);
  let total = 0;
  for (let i = 0; i < a.length; i += 2) {
    const pair = signed[i] * b[i] + signed[i + 1] * b[i + 1];
    total += Math.max(-(2 ** 15), Math.min(pair, 2 ** 15 - 1));
  }
  return total;
}

/** The same, and no byte taken for negative: 128 is subtracted from a's codes, and 128 Σb added in the end. */
export function dotInPairsMoved(a: Uint8Array, b: Uint8Array): number {
  const moved = a.map((c) => c - 128);
  return dotInPairs(moved, b) + 128 * sum(b);
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
