/**
 * Recall: which share of the true nearest neighbours a search found. By ids it is exact up to ties, which `recallAtK` sees
 * as far as the truth reaches; by distances, as ann-benchmarks counts it, ties and rounding cannot matter.
 */
import { ParameterError } from '../core/errors.ts';
import type { Metric } from '../graph/vector-index.ts';

/** True neighbours of each query, nearest first, row-major; every row equally long. `groundTruth` returns one. */
export interface Truth {
  ids: Uint32Array;
  distances: Float32Array;
}

/**
 * Mean recall@k over the queries. `found[query]` holds the ids that a search returned; those after the k-th and those that
 * come twice do not count. A found id is right if it is among the k nearest or exactly as far as the k-th, as long as the
 * truth lists it: give a truth wider than k where ties are frequent. Of a set with fewer than k vectors, all are wanted.
 */
export function recallAtK(found: readonly ArrayLike<number>[], truth: Truth, k: number): number {
  const width = widthOf(truth, found.length, k);
  const wanted = Math.min(k, width);
  const right = new Set<number>();
  let hits = 0;
  for (let query = 0; query < found.length; query++) {
    const start = query * width;
    const farthest = truth.distances[start + wanted - 1];
    right.clear();
    for (let i = start; i < start + width && (i < start + wanted || truth.distances[i] <= farthest); i++) {
      right.add(truth.ids[i]);
    }
    const ids = found[query];
    for (let i = 0; i < Math.min(k, ids.length); i++) {
      if (right.delete(ids[i])) hits++;
    }
  }
  return hits / (found.length * wanted);
}

export interface DistanceRecallOptions {
  k: number;
  metric: Metric;
  /**
   * How much farther than the true k-th a neighbour may be. ann-benchmarks' "k-nn" recall adds an `absolute` 1e-3 (the
   * default), its "epsilon" recall multiplies by 1 + `relative`.
   */
  slack?: { absolute: number } | { relative: number };
}

/**
 * Mean recall@k by distances, as ann-benchmarks has it (`ann_benchmarks/plotting/metrics.py`, `knn` and `epsilon`): a found
 * neighbour is right if its distance does not exceed the true k-th one by more than the slack. Lengths are compared
 * (for l2 the root of ours), as there. `found[query]` holds the exact distances of what was found, not those of codes,
 * and no neighbour twice. Mind that 1e-3 is nothing among pixels and much among unit vectors.
 */
export function distanceRecallAtK(
  found: readonly ArrayLike<number>[],
  truth: Truth,
  { k, metric, slack = { absolute: 1e-3 } }: DistanceRecallOptions,
): number {
  const width = widthOf(truth, found.length, k);
  const wanted = Math.min(k, width);
  const length = metric === 'l2' ? Math.sqrt : Number;
  let hits = 0;
  for (let query = 0; query < found.length; query++) {
    const farthest = length(truth.distances[query * width + wanted - 1]);
    const threshold = 'absolute' in slack ? farthest + slack.absolute : farthest * (1 + slack.relative);
    const distances = found[query];
    for (let i = 0; i < Math.min(wanted, distances.length); i++) {
      if (length(distances[i]) <= threshold) hits++;
    }
  }
  return hits / (found.length * wanted);
}

function widthOf({ ids, distances }: Truth, queries: number, k: number): number {
  if (!Number.isInteger(k) || k < 1)
    throw new ParameterError({ parameter: 'k', got: k, want: 'an integer of at least 1' });
  const width = ids.length / queries;
  if (!Number.isInteger(width) || width < 1 || distances.length !== ids.length) {
    throw new ParameterError({
      parameter: 'truth',
      got: `${ids.length} ids and ${distances.length} distances`,
      want: `as many of each, the same number for each of ${queries} queries`,
    });
  }
  return width;
}
