/**
 * Clusters of about one size: k-means whose assignment has to keep the sizes within bounds. Bradley, Bennett & Demiriz 2000
 * (Constrained K-Means Clustering) find the cheapest such assignment as a flow of least cost, which takes longer than all the
 * rest. Here rows go to their nearest centroids first, and then those in excess, and those that are wanting elsewhere, are
 * moved one by one, the least loss first. The bounds hold in every iteration, not only in the limit; the assignment is the
 * cheapest for two clusters, and near to it for more.
 */
import { ascending } from './kmeans-ascending.ts';
import type { KMeansMemory, Steps } from './kmeans-memory.ts';

/** The least and the most rows of a cluster. */
export interface Bounds {
  low: number;
  high: number;
}

/**
 * Sizes of k clusters of `n` rows, none more than `ratio` times above or below the mean; what is broken is rounded outwards.
 */
export function boundsOf(n: number, k: number, ratio: number): Bounds {
  return { low: Math.max(1, Math.floor(n / k / ratio)), high: Math.ceil((n / k) * ratio) };
}

/** Moves rows of the assignment at hand until all sizes, `counts`, are within bounds. */
export function* balance(memory: KMeansMemory, n: number, { low, high }: Bounds, counts: Uint32Array): Steps<void> {
  while (counts.some((count) => count > high)) yield* relocate(memory, n, counts, high);
  while (counts.some((count) => count < low)) yield* relocate(memory, n, counts, low);
}

/**
 * Of the rows in clusters above `limit`, those that lose least go to clusters below it. What finds its new cluster full has to
 * wait for the next round; the first one never does, so each round comes nearer to the end.
 */
function* relocate(memory: KMeansMemory, n: number, counts: Uint32Array, limit: number): Steps<void> {
  const nearest = memory.nearest(n);
  const distances = memory.distances(n);
  const list = memory.order(n);
  let listed = 0;
  for (let i = 0; i < n; i++) if (counts[nearest[i]] > limit) list[listed++] = i;
  // A price that nobody takes closes a cluster.
  memory.setPrices((c) => (counts[c] < limit ? 0 : Number.POSITIVE_INFINITY));
  yield memory.stepOver('assignListed', listed);
  memory.setPrices(() => 0);
  const others = memory.others(listed);
  const otherDistances = memory.otherDistances(listed);
  const losses = otherDistances.map((distance, i) => distance - distances[list[i]]);
  for (const i of ascending(losses)) {
    const row = list[i];
    const from = nearest[row];
    const to = others[i];
    if (counts[from] <= limit || counts[to] >= limit) continue;
    counts[from]--;
    counts[to]++;
    nearest[row] = to;
    distances[row] = otherDistances[i];
  }
}
