/**
 * How two vectors are compared; smaller is nearer. `l2`: squared Euclidean distance. `dot`: the negated inner product.
 * `cosine`: 1 − cosine similarity (vectors are normalized once, at insert). `manhattan`: sum of absolute differences.
 */
export type Metric = 'l2' | 'dot' | 'cosine' | 'manhattan';

export const METRICS: readonly Metric[] = ['l2', 'dot', 'cosine', 'manhattan'];
