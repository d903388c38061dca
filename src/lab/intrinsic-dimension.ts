/**
 * Local intrinsic dimension: how fast the number of neighbours grows with the radius around a point, r^d; d is what makes
 * a set hard to search, not the number of its components. The maximum likelihood estimate from the distances r₁ ≤ … ≤ r_k
 * to the k nearest neighbours is
 *
 *     d = ( 1/(k − 1) · Σ_{i<k} ln(r_k / r_i) )⁻¹
 *
 * (Levina and Bickel, NIPS 2004; Amsaleg et al., KDD 2015, who also call it LID). Aumüller and Ceccarello (2019) average it
 * over the queries, with k = 100, to compare benchmark sets; so do we. At high dimension and few points the neighbours are
 * not near enough for the growth to be pure, and the estimate comes out low: compare like with like.
 */
import { ParameterError } from '../core/errors.ts';
import type { Metric } from '../graph/vector-index.ts';

export interface IntrinsicDimension {
  /** Over the queries that have an estimate. */
  mean: number;
  median: number;
  /** The easy and the hard end: the 5th and the 95th hundredth. */
  p5: number;
  p95: number;
  /** NaN where a query's neighbours all lie at one distance (copies, for example). */
  perQuery: Float64Array;
}

export interface IntrinsicDimensionOptions {
  /** Ascending within each query, row-major, as `groundTruth` returns them. */
  distances: ArrayLike<number>;
  /** Neighbours per query, at least 3. */
  k: number;
  metric: Metric;
}

export function intrinsicDimension({ distances, k, metric }: IntrinsicDimensionOptions): IntrinsicDimension {
  if (!Number.isInteger(k) || k < 3)
    throw new ParameterError({ parameter: 'k', got: k, want: 'an integer of at least 3' });
  const power = POWERS[metric];
  if (power === undefined) {
    throw new ParameterError({
      parameter: 'metric',
      got: metric,
      want: 'a metric in which nearness is a length, not dot',
    });
  }
  const queries = distances.length / k;
  if (!Number.isInteger(queries) || queries < 1) {
    throw new ParameterError({ parameter: 'distances.length', got: distances.length, want: `a multiple of k = ${k}` });
  }
  const perQuery = Float64Array.from({ length: queries }, (_, query) => power * estimate(distances, query * k, k));
  const sorted = perQuery.filter((d) => !Number.isNaN(d)).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const mean = sorted.reduce((sum, d) => sum + d, 0) / sorted.length;
  return { mean, median: at(0.5), p5: at(0.05), p95: at(0.95), perQuery };
}

/** Our distances are these powers of a length: l2 is squared, and on the unit sphere 1 − cos = |a − b|²/2. */
const POWERS: Record<Metric, number | undefined> = { l2: 2, cosine: 2, manhattan: 1, dot: undefined };

/** The estimate of one query. Copies of the query (distance 0) tell nothing and are left out. */
function estimate(distances: ArrayLike<number>, start: number, k: number): number {
  const farthest = distances[start + k - 1];
  let sum = 0;
  let count = 0;
  for (let i = start; i < start + k - 1; i++) {
    if (!(distances[i] > 0)) continue;
    sum += Math.log(farthest / distances[i]);
    count++;
  }
  return sum > 0 ? count / sum : Number.NaN;
}
