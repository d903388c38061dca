/**
 * Lloyd's algorithm as the textbook has it, in f64 but for the centroids, which are f32 as the engine's are: the readable twin.
 */
import { l2 } from '../../src/kernels/scalar.ts';

export interface Lloyd {
  centroids: Float32Array[];
  assignments: number[];
  inertia: number;
  iterations: number;
}

/** From the given centroids until no row changes its cluster. Clusters that lose all rows stay where they are. */
export function lloyd(rows: readonly Float32Array[], seeds: readonly Float32Array[]): Lloyd {
  let centroids = [...seeds];
  let assignments: number[] = [];
  for (let iterations = 0; ; iterations++) {
    const next = rows.map((x) => nearest(x, centroids));
    if (next.every((c, i) => c === assignments[i])) {
      const inertia = rows.reduce((sum, x, i) => sum + l2(x, centroids[next[i]]), 0);
      return { centroids, assignments, inertia, iterations };
    }
    assignments = next;
    centroids = centroids.map((centroid, c) => {
      const members = rows.filter((_, i) => assignments[i] === c);
      return members.length > 0 ? meanOf(members) : centroid;
    });
  }
}

/** The mean in f64, rounded once. */
export function meanOf(rows: readonly Float32Array[]): Float32Array {
  return rows[0].map((_, j) => rows.reduce((sum, x) => sum + x[j], 0) / rows.length);
}

/** Of equals the first. */
function nearest(x: Float32Array, centroids: readonly Float32Array[]): number {
  const distances = centroids.map((centroid) => l2(x, centroid));
  return distances.indexOf(Math.min(...distances));
}
