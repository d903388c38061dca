/** Rows for tests of graphs, and the exact index over them. */
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import type { Metric } from '../../src/graph/vector-index.ts';

/** `n` rows around a few centres; `grid` rounds them, which makes duplicates and ties. */
export function clustered({
  n,
  dimension,
  seed,
  grid = false,
}: {
  n: number;
  dimension: number;
  seed: number;
  grid?: boolean;
}) {
  const random = new Random(seed);
  const centres = Array.from({ length: 8 }, () => Array.from({ length: dimension }, () => 3 * random.normal()));
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = centres[random.integer(8)];
    for (let j = 0; j < dimension; j++) {
      const x = centre[j] + random.normal();
      data[i * dimension + j] = grid ? Math.round(x) : x;
    }
    if (grid) data[i * dimension] ||= 1;
  }
  return data;
}

export function rowOf(data: Float32Array, i: number, dimension: number): Float32Array {
  return data.subarray(i * dimension, (i + 1) * dimension);
}

export function exact(dimension: number, metric: Metric, data: Float32Array): Flat {
  const flat = Flat.create({ dimension, metric, capacity: Math.max(1, data.length / dimension) });
  flat.addBatch(data);
  return flat;
}
