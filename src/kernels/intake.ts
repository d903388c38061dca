/** Taking a vector in: into the memory, checked for what no distance survives, and normalized once where the metric is cosine. */
import { VectorValueError } from '../core/errors.ts';
import type { Metric } from '../core/metric.ts';
import type { Arena } from './memory.ts';

/** Writes `vector` at byte address `at`. Throws VectorValueError; `where` names the vector in the message. */
export function admit(arena: Arena, at: number, vector: Float32Array, metric: Metric, where: string): void {
  const { kernels, f32 } = arena;
  f32.set(vector, at >>> 2);
  const norm2 = kernels.norm2(at, vector.length);
  checkNorm2(norm2, vector, metric, where);
  if (metric === 'cosine') kernels.scale(at, vector.length, 1 / Math.sqrt(norm2));
}

/**
 * The largest |x|² a vector may have. Distances are finite up to 8e37, but between 7-bit codes they are sums of terms that may be
 * 4 n |x|², and 4096 dimensions of that must be finite f32 values too.
 */
export const MOST_NORM2 = 1e34;

/** Throws VectorValueError where the vector whose |x|² this is cannot be searched under the metric. `where` names it. */
function checkNorm2(norm2: number, vector: Float32Array, metric: Metric, where: string): void {
  if (metric === 'cosine') {
    if (norm2 > 0 && norm2 < Number.POSITIVE_INFINITY) return;
    if (norm2 === 0)
      throw new VectorValueError(where, 'a zero vector has no direction', 'cosine needs a component other than 0');
  } else if (norm2 <= MOST_NORM2) return;
  const bad = vector.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new VectorValueError(where, `component ${bad} is ${vector[bad]}`, 'every component must be finite');
  const most = vector.reduce((at, x, i) => (Math.abs(x) > Math.abs(vector[at]) ? i : at), 0);
  throw new VectorValueError(
    where,
    `|x|² = ${norm2}, component ${most} is ${vector[most]}`,
    `beyond ${MOST_NORM2} distances overflow f32: scale the vectors down`,
  );
}
