/**
 * The space that a graph is walked in: its caller's; or, for inner products under Vamana, one of a dimension more, in which the
 * nearest by l2 are those of the largest inner product (Bachrach et al. 2014, "Speeding up the Xbox recommender system",
 * theorem 1). There x has one component more, √(Φ² − |x|²), where Φ is the length of the longest, and a query has 0: so
 * |q − x|² = |q|² + Φ² − 2 ⟨q, x⟩. Among negated inner products themselves there is no triangle that pruning could rely on.
 *
 * What is found is then compared again by the inner products of the vectors as they were given.
 *
 * Where few vectors are far longer than the rest, √(Φ² − |x|²) is nearly the same large number for all of the rest: it takes the range
 * of 7-bit codes (recall 0.33 beside one vector a hundred times as long, HNSW 0.97; f32 0.96), and queries lie far from where
 * most links are (lengths spread by e^0.5: 0.90 for 1,150 distances, HNSW 1.00; 3,000 × 16-D). Links that were chosen beside such a vector
 * stay as they are when it is deleted: then build anew.
 */
import type { GraphKind } from './graph-options.ts';
import type { Metric } from './vector-index.ts';

export interface WalkSpace {
  dimension: number;
  metric: Metric;
  /** Whether it has a dimension more than the vectors. */
  lifted: boolean;
}

export function walkSpaceOf(kind: GraphKind, { dimension, metric }: { dimension: number; metric: Metric }): WalkSpace {
  if (kind === 'vamana' && metric === 'dot') return { dimension: dimension + 1, metric: 'l2', lifted: true };
  return { dimension, metric, lifted: false };
}
