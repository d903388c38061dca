/** Rows and indexes for tests of what is calibrated. */
import { Random } from '../../src/core/random.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';

/** Smaller than by default. */
export const SAMPLE = { sample: 200, ks: [1, 10] };

/** Rows around 40 centres; those of another `part` are others around the same. */
export function clustered(n: number, dimension: number, part: string, round = false): Float32Array {
  const centres = new Random('centres');
  const means = Array.from({ length: 40 * dimension }, () => 1.5 * centres.normal());
  const random = new Random(part);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = random.integer(40) * dimension;
    for (let j = 0; j < dimension; j++) {
      const x = means[centre + j] + random.normal();
      data[i * dimension + j] = round ? Math.max(0, Math.min(255, Math.round(120 + 15 * x))) : x;
    }
  }
  return data;
}

export function indexOf(data: Float32Array, options: HnswOptions): Hnsw {
  const index = Hnsw.create({ capacity: Math.max(1, data.length / options.dimension), ...options });
  index.addBatch(data);
  return index;
}
