/**
 * The most that the distance from the prepared query to a code may be off its distance to the vector that was encoded. With
 * e = |x − x̂|: | |q − x|² − |q − x̂|² | ≤ 2 e |q − x̂| + e² by the triangle inequality, |⟨q, x⟩ − ⟨q, x̂⟩| ≤ e |q| by Cauchy
 * and Schwarz. What f32 arithmetic may be off is counted in.
 */
import { L2 } from './metrics';
import { fromCode, productDistance, queryLength } from './product';
import { centroids, codeBytes, errorAt, halved, metric, SLACK } from './product-model';

export function productBound(code: usize): f32 {
  return productBoundAt(code, metric == L2 ? productDistance(code) : 0);
}

/** The same where the distance is known already; only under l2 it matters. */
export function productBoundAt(code: usize, known: f32): f32 {
  const e = <f64>load<f32>(code + errorAt);
  const length = queryLength();
  let bound: f64;
  if (metric == L2) {
    const d = max<f64>(<f64>(halved ? 2 * known : known), 0);
    const apart = sqrt<f64>(d);
    const off = e + SLACK * length;
    // With coarse centroids the distance is a sum that cancels, of terms as large as the lengths squared.
    const span = centroids > 0 && !fromCode ? 2 * length + apart : apart;
    bound = off * (2 * apart + off) + SLACK * span * span;
    // Where that sum is off by so much, so may be the distance under the root.
    if (centroids > 0) bound += 2 * off * sqrt<f64>(SLACK) * span;
  } else bound = e * length;
  if (halved) bound *= 0.5;
  return <f32>(bound * (1 + 1.0 / 1048576));
}

/** `productBound` of `n` codes, one behind the other. */
export function boundsOfProduct(codes: usize, n: i32, bounds: usize): void {
  const bytes = codeBytes();
  for (; n > 0; n--) {
    store<f32>(bounds, productBound(codes));
    codes += bytes;
    bounds += 4;
  }
}
