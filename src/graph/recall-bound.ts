/**
 * A lower bound of the mean recall that a sample of queries stands for.
 *
 * With the confidence that was asked for, the mean recall over all queries like those of the sample is at least `lowerBound`,
 * the lesser of two one-sided bounds:
 *
 * 1. Student's: mean − t · standard error. It is right where many queries miss something, and says nothing where none does.
 * 2. Misses: Clopper and Pearson's upper bound on the share of queries that miss anything (1934; where none of n did, it is about
 *    3 / n, the rule of three), times what a query that misses loses on average. Where fewer than eight missed, that loss is
 *    taken from the last cheaper setting at which eight did, where it was greater; before there is one, all is lost.
 */

/** `lossOfMiss`: what a query that misses something loses, where too few say so themselves. */
export function lowerBoundOf(recalls: Float64Array, confidence: number, lossOfMiss: number): number {
  const n = recalls.length;
  const mean = meanOf(recalls);
  const misses = recalls.filter((recall) => recall < 1).length;
  const missed = 1 - lossOfMiss * mostShare(misses, n, confidence);
  if (n === 1) return Math.max(0, Math.min(mean, missed));
  const variance = recalls.reduce((sum, recall) => sum + (recall - mean) ** 2, 0) / (n - 1);
  const student = mean - studentQuantile(confidence, n - 1) * Math.sqrt(variance / n);
  return Math.max(0, Math.min(student, missed));
}

/** Clopper and Pearson's one-sided bound: the share at which so few as `misses` of n would be seen with probability 1 − confidence. */
function mostShare(misses: number, n: number, confidence: number): number {
  if (misses >= n) return 1;
  let [low, high] = [misses / n, 1];
  for (let i = 0; i < 60; i++) {
    const share = (low + high) / 2;
    // P(at most so many) as a sum of terms, each from the one before; in logarithms, lest the first be 0.
    let term = n * Math.log1p(-share);
    let sum = Math.exp(term);
    for (let x = 1; x <= misses; x++) {
      term += Math.log(((n - x + 1) / x) * (share / (1 - share)));
      sum += Math.exp(term);
    }
    if (sum > 1 - confidence) low = share;
    else high = share;
  }
  return high;
}

/**
 * Student's quantile by Cornish and Fisher's expansion around the normal one, which is Abramowitz and Stegun's 26.2.23. Below
 * three degrees of freedom it is too small; there the other bound is far below.
 */
function studentQuantile(confidence: number, freedom: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - confidence));
  const z =
    t - (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3);
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

export function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
