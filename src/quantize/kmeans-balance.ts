/**
 * Clusters of about one size. Of all ways to share rows out to clusters of given sizes, the cheapest is to the centroid that is
 * nearest by |x − c|² + price(c), for some prices (Aurenhammer, Hoffmann & Aronov 1998: a power diagram). They are found as in
 * an auction (Bertsekas 1988): what is asked for too much becomes dearer, by what its dearest row would pay to stay. As prices
 * found in a few rounds are near but not right, the rows in excess are then moved one by one, the least loss first, so that
 * the sizes hold in every iteration and not only in the limit.
 */
import { ascending } from './kmeans-ascending.ts';
import type { KMeansMemory, Steps } from './kmeans-memory.ts';

/** The least and the most rows of a cluster. */
export interface Bounds {
  low: number;
  high: number;
}

/** Sizes of k clusters of `n` rows, none more than `ratio` times above or below the mean; what is broken is rounded outwards. */
export function boundsOf(n: number, k: number, ratio: number): Bounds {
  return { low: Math.max(1, Math.floor(n / k / ratio)), high: Math.ceil((n / k) * ratio) };
}

/** Moves rows of the assignment at hand until all sizes are within bounds; sets the prices for the next assignment. */
export function* balance(memory: KMeansMemory, n: number, { low, high }: Bounds, counts: Uint32Array): Steps<void> {
  const prices = memory.prices.slice();
  const changes = new Float32Array(prices.length);
  yield* relocate(memory, n, counts, high, {
    wanting: () => counts.some((count) => count > high),
    paid: ({ from, loss }) => {
      changes[from] = Math.max(changes[from], loss);
    },
  });
  yield* relocate(memory, n, counts, low, {
    wanting: () => counts.some((count) => count < low),
    paid: ({ to, loss }) => {
      changes[to] = Math.min(changes[to], -loss);
    },
  });
  // Half of it, since others' prices change at the same time; a price that nobody asked for wears off.
  for (let c = 0; c < prices.length; c++) {
    prices[c] = changes[c] === 0 ? prices[c] * WEAR : prices[c] + changes[c] / 2;
  }
  memory.prices.set(prices);
}

const WEAR = 0.9;

/** While `wanting`, rows of clusters above `limit` go to clusters below it, the least loss first. */
function* relocate(
  memory: KMeansMemory,
  n: number,
  counts: Uint32Array,
  limit: number,
  { wanting, paid }: { wanting: () => boolean; paid: (move: { from: number; to: number; loss: number }) => void },
): Steps<void> {
  const prices = memory.prices.slice();
  const nearest = memory.nearest(n);
  const distances = memory.distances(n);
  // Each round moves a row at least: there is always a cluster above the limit and one below, or nothing is wanting.
  while (wanting()) {
    memory.prices.set(prices.map((price, c) => (counts[c] < limit ? price : Number.POSITIVE_INFINITY)));
    const list = memory.order(n);
    let listed = 0;
    for (let i = 0; i < n; i++) if (counts[nearest[i]] > limit) list[listed++] = i;
    yield memory.stepOver('assignListed', listed);
    const others = memory.others(listed);
    const otherDistances = memory.otherDistances(listed);
    const losses = new Float32Array(listed);
    for (let i = 0; i < listed; i++) {
      const row = list[i];
      losses[i] = otherDistances[i] + prices[others[i]] - (distances[row] + prices[nearest[row]]);
    }
    for (const i of ascending(losses)) {
      const row = list[i];
      const from = nearest[row];
      const to = others[i];
      if (counts[from] <= limit || counts[to] >= limit) continue;
      counts[from]--;
      counts[to]++;
      nearest[row] = to;
      distances[row] = otherDistances[i];
      paid({ from, to, loss: losses[i] });
    }
  }
  memory.prices.set(prices);
}
