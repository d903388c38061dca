/** What the day's AssemblyScript is once it is compiled (`load.ts`), as types. */

export interface Distances {
  dot(a: Float32Array, b: Float32Array): number;
  l2(a: Float32Array, b: Float32Array): number;
  /** Squared distances from the query to four vectors, in their order. */
  l2x4(query: Float32Array, vectors: readonly Float32Array[]): Float32Array;
}

/** A file of the day, compiled. */
export interface Simd extends Distances {
  /** What a call reads and writes, access by access. */
  trace(call: (distances: Distances) => unknown): Access[];
  /** The functions as the file exports them: on byte addresses in `memory`. */
  on(memory: WebAssembly.Memory): Kernels;
}

/** What the file exports. Vectors are byte addresses, `n` is their dimension, `out` the address of four f32. */
export interface Kernels {
  dot(a: number, b: number, n: number): number;
  l2(a: number, b: number, n: number): number;
  l2x4(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
}

/** One load or store. */
export interface Access {
  kind: 'load' | 'store';
  bytes: number;
  /** `a`, `b`, … as the function's parameters are named; the query is `q`. */
  operand: string;
  /** Index of the first component that is touched; below 0 or beyond the last where it lies outside. */
  component: number;
  /** Whether all bytes belong to the operand. */
  inside: boolean;
}
