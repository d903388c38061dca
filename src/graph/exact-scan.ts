/**
 * The exact neighbours of queries among the vectors in an arena's records: several queries at a time, over vectors that stay in
 * the cache meanwhile. It borrows the room that a thread's searches have, and needs none of its own.
 */
import type { Matrix } from '../core/matrix.ts';
import { admit } from '../kernels/intake.ts';
import { type Arena, copyF32, copyU32 } from '../kernels/memory.ts';
import type { Region, ThreadRegion } from './graph-layout.ts';
import type { AllGraphOptions } from './graph-options.ts';

/** A thread of an index whose records are exact. */
export interface Scanned {
  arena: Arena<Region>;
  at: Record<ThreadRegion, number>;
  options: Pick<AllGraphOptions, 'dimension' | 'capacity' | 'metric'>;
}

/** Vectors that are compared with several queries while they are in the cache: 64 of 1024-D floats are 256 KiB. */
const TILE = 64;

/**
 * The k nearest of the first `count` vectors (k ≤ count) to each of the rows `from` … `to` − 1 of `queries`, k per row into `slots`
 * and `distances`. Throws VectorValueError, naming the query.
 */
export function scanRecords(
  { arena, at, options }: Scanned,
  queries: Matrix,
  { from, to, k, count }: { from: number; to: number; k: number; count: number },
  slots: Uint32Array,
  distances: Float32Array,
): void {
  const { kernels, u32, f32 } = arena;
  const { dimension, capacity, metric } = options;
  const stride = Math.ceil(dimension / 4) * 4;
  kernels.resetDistances();
  // The queries lie where slots are listed after searches, and as many pools in the room of one, where they fit; or one by one.
  const together = Math.max(1, Math.min(16, Math.floor(capacity / stride), Math.floor(capacity / (k + 1))));
  for (let first = from; first < to; first += together) {
    const n = Math.min(together, to - first);
    const placeOf = (i: number) => (together === 1 ? at.query : at.slots + i * stride * 4);
    const poolOf = (i: number) => at.pool + i * (k + 1) * 8;
    for (let i = 0; i < n; i++) {
      const query = queries.data.subarray((first + i) * dimension, (first + i + 1) * dimension);
      admit(arena, placeOf(i), query, metric, `query ${first + i}`);
    }
    for (let tile = 0; tile < count; tile += TILE) {
      const held = Math.min(tile, k);
      const rows = Math.min(TILE, count - tile);
      for (let i = 0; i < n; i++)
        kernels.scanFloats(placeOf(i), at.queryRecord, poolOf(i), k, held, tile, rows, at.scratch);
    }
    for (let i = 0; i < n; i++) {
      kernels.configurePool(poolOf(i));
      kernels.readPool(k, at.slots, at.distances);
      slots.set(copyU32(u32, at.slots, k), (first + i) * k);
      distances.set(copyF32(f32, at.distances, k), (first + i) * k);
    }
  }
  kernels.configurePool(at.pool);
}
