import { describe, expect, it } from 'vitest';
import { clustered, indexOf } from './calibrated.ts';
import { exact } from './clustered.ts';

describe('exact neighbours by a scan of the records', () => {
  const dimension = 24;
  const queries = clustered(20, dimension, 'asked');

  it.each(['f32', 'sq7'] as const)('are those of the flat index (%s; bytes, floats)', (codes) => {
    for (const metric of ['l2', 'dot', 'cosine', 'manhattan'] as const) {
      for (const round of [true, false]) {
        const rows = clustered(700, dimension, 'held', round);
        // A capacity of 700 leaves room for all pools and queries at once, one of 701 with k 690 for one.
        for (const k of [7, 690]) {
          const flat = exact(dimension, metric, rows);
          const { thread } = indexOf(rows, { dimension, metric, codes });
          const slots = new Uint32Array(20 * k);
          const distances = new Float32Array(20 * k);
          thread.nearest({ data: queries, rows: 20, dimension }, { from: 3, to: 20, k }, slots, distances);
          for (const i of [3, 11, 19]) {
            const truth = flat.search(queries.subarray(i * dimension, (i + 1) * dimension), { k });
            const scale = 1e-4 * (1 + Math.abs(truth.distances[k - 1]));
            truth.distances.forEach((distance, j) => {
              expect(Math.abs(distances[i * k + j] - distance)).toBeLessThan(scale);
            });
            expect(new Set(slots.subarray(i * k, (i + 1) * k)).size).toBe(k);
          }
          expect(slots.subarray(0, 3 * k).every((slot) => slot === 0)).toBe(true);
          // The pool that was lent is a search's again.
          expect(thread.search(queries.subarray(0, dimension), { k: 700, rerank: 700 }).slots).toHaveLength(700);
        }
      }
    }
  });
});
