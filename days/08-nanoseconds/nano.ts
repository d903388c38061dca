/** What the day's AssemblyScript is once it is compiled (`load.ts`), as types. */
import type { Code } from './codes.ts';

export interface Distances {
  /** Σ aᵢ bᵢ of two rows of codes, equally long, a multiple of 16. */
  codeDot(a: Uint8Array, b: Uint8Array): number;
  /** Squared distance, from two codes' factors and their integer dot in `n` dimensions. */
  l2OfCodes(fa: Float32Array, fb: Float32Array, integerDot: number, n: number): number;
  /** Squared distances from one code to others of the same dimension, in their order: `distancesTo`. */
  distances(query: Code, others: readonly Code[]): Float32Array;
  /** The same by `distancesOneByOne`. */
  oneByOne(query: Code, others: readonly Code[]): Float32Array;
}

/** A file of the day, compiled. */
export interface Nano extends Distances {
  /** What a call reads and writes, access by access. */
  trace(call: (distances: Distances) => unknown): Access[];
  /** The instructions that dotAdd consists of, but for constants and variables; those of functions that it calls are among them. */
  readonly instructions: readonly string[];
  /** The functions as the file exports them: on byte addresses in `memory`. */
  on(memory: WebAssembly.Memory): Kernels;
}

/** What the file exports. All are byte addresses but `n`, the dimension, a multiple of 16, and `count`. */
export interface Kernels {
  recordBytes(n: number): number;
  codeDot(a: number, b: number, n: number): number;
  l2OfCodes(fa: number, fb: number, integerDot: number, n: number): number;
  distancesTo(q: number, list: number, count: number, n: number, out: number): void;
  distancesOneByOne(q: number, list: number, count: number, n: number, out: number): void;
}

/** One load or store. */
export interface Access {
  kind: 'load' | 'store';
  address: number;
  bytes: number;
  /** `a`, `b`, `fa`, `fb`, `q`, `list`, `out`, and records by their number in the list: `#0`, `#1`, … */
  operand: string;
  /** Its first byte's place in the operand; below 0 or beyond the last where it lies outside. */
  byte: number;
  /** Whether all bytes belong to the operand. */
  inside: boolean;
}
