/**
 * What the distance to the code may be off, for certain, from the distance between the vectors that were meant: the one encoded
 * there and the query (where a code was prepared, the vector encoded in that). With e the sum of how far each of the two is from
 * what stands for it: | |q − x| − |q̂ − x̂| | ≤ e (triangle inequality), so squares differ by at most e (2 |q̂ − x̂| + e);
 * |⟨q, x⟩ − ⟨q̂, x̂⟩| ≤ |q| |x − x̂| + |q − q̂| |x̂| (Cauchy and Schwarz); sums of absolute values by √n e. To each is added
 * what the arithmetic rounds.
 */
import { COSINE, MANHATTAN } from './metrics';
import { metric, query, queryError, queryNorm, share, sq8Distance, squared } from './sq8';
import { DIMENSION8, dimension, EPS, errorOf, FLOOR, form, normOf, padded } from './sq8-codes';
import { own, worth } from './sq8-words';

export function sq8Bound(code: usize): f32 {
  return sq8BoundAt(code, squared ? sq8Distance(code) : 0);
}

/** The same where the distance is known already; only of squared ones it matters. */
export function sq8BoundAt(code: usize, known: f32): f32 {
  const n = <f64>dimension;
  const error = errorOf(code);
  // Under cosine the vectors meant are of length 1 exactly, and those taken in were rounded to f32.
  const e = error + queryError + (metric == COSINE ? 4 * EPS : 0);
  const length = normOf(code);
  // Everything is made of components that the vectors have; a sum of n products in f32 is off by n roundings at the most.
  if (metric == MANHATTAN) {
    const sizes = sqrt<f64>(n) * (length + queryNorm + e);
    return <f32>((sqrt<f64>(n) * e + (n / 4 + 16) * EPS * sizes + n * FLOOR) * (1 + 4 * EPS));
  }
  let rounded = n * FLOOR;
  if (form == DIMENSION8) {
    // A word is off by half, and by what its f32 product was rounded; levels go to 127.
    rounded += n * 65 * <f64>worth * (squared ? 2 : 1);
    rounded += 32 * EPS * (squared ? <f64>own + <f64>load<f32>(code + padded) : queryNorm * length);
  } else {
    const fq = query + padded;
    const fx = code + padded;
    const mid = abs<f64>(<f64>load<f32>(fx));
    const queryMid = abs<f64>(<f64>load<f32>(fq));
    const sum = abs<f64>(<f64>load<f32>(fx, 8));
    const querySum = abs<f64>(<f64>load<f32>(fq, 8));
    const squares = <f64>load<f32>(fx, 12) + <f64>load<f32>(fq, 12);
    const apart = abs<f64>(<f64>load<f32>(fx) - <f64>load<f32>(fq));
    const sizes = squared
      ? apart * (n * apart + 2 * (sum + querySum)) + 2 * squares
      : mid * (n * queryMid + querySum) + queryMid * sum + squares;
    rounded += 16 * EPS * sizes;
  }
  const distance = <f64>known / <f64>share;
  const bound = squared
    ? <f64>share * (e * (2 * sqrt<f64>(distance + rounded) + e) + rounded)
    : queryNorm * error + queryError * (length + error) + rounded;
  return <f32>(bound * (1 + 4 * EPS));
}

/** The bounds that belong to them. */
export function sq8BoundsInto(codes: usize, count: i32, out: usize): void {
  const bytes = padded + 16;
  for (let i = 0; i < count; i++) store<f32>(out + ((<usize>i) << 2), sq8Bound(codes + <usize>i * bytes));
}
