/** What quantizers do alike: take rows in, and run a kernel over codes a block at a time. */
import { DimensionError, ParameterError } from '../core/errors.ts';
import { type Arena, copyF32 } from '../kernels/memory.ts';

/** Codes that go through the memory at once. */
export const BLOCK = 256;

/** Writes one float for each of `count` codes. */
export type BlockKernel = (codes: number, count: number, out: number) => void;

/** A kernel that gives one float for each code, over all of them. The arena has room for BLOCK codes and their results. */
export function runBlocks(
  { at, bytes, f32 }: Arena<'codes' | 'results'>,
  codeBytes: number,
  codes: Uint8Array,
  kernel: BlockKernel,
): Float32Array {
  const results = new Float32Array(codes.length / codeBytes);
  for (let first = 0; first < results.length; first += BLOCK) {
    const count = Math.min(BLOCK, results.length - first);
    bytes.set(codes.subarray(first * codeBytes, (first + count) * codeBytes), at.codes);
    kernel(at.codes, count, at.results);
    results.set(copyF32(f32, at.results, count), first);
  }
  return results;
}

/** How many rows these are. Throws ParameterError or DimensionError. */
export function rowsOf(vectors: Float32Array, dimension: number): number {
  checkFloats('vectors', vectors);
  const rows = vectors.length / dimension;
  if (Number.isInteger(rows)) return rows;
  throw new DimensionError({ expected: dimension, got: vectors.length % dimension, where: 'last row of vectors' });
}

export function checkFloats(parameter: string, floats: Float32Array): void {
  if (floats instanceof Float32Array) return;
  throw new ParameterError({ parameter, got: typeof floats, want: 'a Float32Array' });
}
