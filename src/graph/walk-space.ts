/**
 * The space that a graph is walked in: its caller's; or, for inner products under Vamana, one of a dimension more, in which the
 * nearest by l2 are those of the largest inner product (Bachrach et al. 2014, "Speeding up the Xbox recommender system",
 * theorem 1). There x has one component more, √(Φ² − |x|²), where Φ is the length of the longest, and a query has 0: so
 * |q − x|² = |q|² + Φ² − 2 ⟨q, x⟩. Among negated inner products themselves there is no triangle that pruning could rely on.
 *
 * So the graph is built by lengths. A search goes by −⟨q, x⟩ itself, which is the same order without |q|² + Φ², in which small differences
 * are lost where Φ is large. Then it does not matter where in the added dimension the origin lies, and what is added is
 * √(Φ² − |x|²) − Φ: small for short vectors, so that their codes keep their range. What is found is compared again by the vectors
 * as they were given.
 *
 * (Beside one vector a hundred times as long, √(Φ² − |x|²) and distances from 0 would leave 7-bit codes and sign bits nothing to say:
 * recall 0.35 and 0.27, where this finds 0.96 and 0.94; 3,000 × 16-D, efSearch 64.)
 *
 * Where lengths differ much, queries lie far from where most links are: spread by e^0.5, 0.90 is found for 1,150 distances, by an
 * HNSW 1.00. Links that were chosen beside a far longer vector stay as they are when it is deleted: then build anew.
 */
import type { GraphKind } from './graph-options.ts';
import type { Metric } from './vector-index.ts';

export interface WalkSpace {
  dimension: number;
  metric: Metric;
  /** Whether it has a dimension more than the vectors. */
  lifted: boolean;
}

/** What is added to a vector of this squared length. */
export function liftOf(longest: number, norm2: number): number {
  const longest2 = longest ** 2;
  if (longest2 === 0) return 0;
  // Not as a difference of what is nearly the same.
  return -Math.min(norm2, longest2) / (longest + Math.sqrt(Math.max(0, longest2 - norm2)));
}

export function walkSpaceOf(kind: GraphKind, { dimension, metric }: { dimension: number; metric: Metric }): WalkSpace {
  if (kind === 'vamana' && metric === 'dot') return { dimension: dimension + 1, metric: 'l2', lifted: true };
  return { dimension, metric, lifted: false };
}
