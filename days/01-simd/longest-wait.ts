/**
 * How many additions wait for one another, told by rounding: where one term is 2²⁶ and all others are 1, a sum that holds the
 * great one loses every 1 that is added to it, since f32 has 24 bits. So the ones that are missing were added behind it, one
 * after the other. (After Xie et al., FPRev, 2025, who read the whole order of a summation off such terms.)
 *
 * The great term tries the first 32 places; the longest queue counts.
 */
export function longestWait(
  distance: (a: Float32Array, b: Float32Array) => number,
  kind: 'dot' | 'l2',
  n = 1024,
): number {
  let longest = 0;
  for (let place = 0; place < Math.min(32, n); place++) {
    // dot: 2¹³ · 2¹³ = 2²⁶, the others 1 · 1. l2: (2¹³ − 0)² = 2²⁶, the others (1 − 0)².
    const a = new Float32Array(n).fill(1);
    const b = new Float32Array(n).fill(kind === 'dot' ? 1 : 0);
    a[place] = 2 ** 13;
    if (kind === 'dot') b[place] = 2 ** 13;
    const survived = distance(a, b) - 2 ** 26;
    longest = Math.max(longest, n - survived);
  }
  return longest;
}
