/** Codes by the names that `annlab build --codes` knows, and the quantizers behind them, trained on a sample of the vectors. */
import { ParameterError, UsageError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import type { Metric } from '../core/metric.ts';
import { hashToUnit } from '../core/random.ts';
import { formatCount, formatSeconds } from '../lab/format.ts';
import { withProgress } from '../lab/progress.ts';
import { ProductQuantizer } from '../quantize/product.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { RabitqQuantizer } from '../quantize/rabitq.ts';
import { ScalarQuantizer } from '../quantize/scalar.ts';
import { runOnThreads } from '../workers/kmeans.ts';

/** What a quantizer is asked for by. */
export type TrainedCodes =
  | { kind: 'scalar' }
  | { kind: 'product'; m: number; opq: boolean }
  | { kind: 'rabitq'; bits: number };

/** What `--codes` may be, in the words of its help. */
export const CODES_HELP =
  'what the walk looks at: f32, sq7 (7-bit codes), or sq8, pq<m>, opq<m> (m bytes a vector, and a few more), rabitq<bits>,\n' +
  'which are trained on a sample; but under f32 the best are ranked again exactly; default sq7';

/** Codes of that name: those that need no training as they are. Throws UsageError where there are none. */
export function parseCodes(name: string): 'f32' | 'sq7' | TrainedCodes {
  if (name === 'f32' || name === 'sq7') return name;
  if (name === 'sq8') return { kind: 'scalar' };
  const [, kind, digits] = /^(pq|opq|rabitq)([1-9]\d*)$/.exec(name) ?? [];
  const number = Number(digits);
  if (kind === 'rabitq' && number <= 8) return { kind, bits: number };
  if ((kind === 'pq' || kind === 'opq') && number <= MOST_BYTES) {
    return { kind: 'product', m: number, opq: kind === 'opq' };
  }
  throw new UsageError(
    `--codes ${name}: choose one of f32, sq7, sq8, pq<m> or opq<m> such as pq64, or rabitq1 … rabitq8`,
  );
}

/** The quantizer, trained on `threads` threads, with a bar as long as that takes. Throws what its training throws. */
export async function trainCodes(
  codes: TrainedCodes,
  base: Matrix,
  { metric, seed, threads }: { metric: Metric; seed: number; threads: number },
  say: (text: string) => void,
): Promise<Quantizer> {
  const { dimension } = base;
  if (base.rows === 0) throw new ParameterError({ parameter: 'vectors', got: 0, want: 'at least one to train on' });
  const sample = sampleOf(base, SAMPLE_ROWS, seed);
  const began = performance.now();
  const trained = await withProgress('training', 'trainings', async (onProgress): Promise<Quantizer> => {
    if (codes.kind === 'scalar') return ScalarQuantizer.train(sample, { metric });
    if (codes.kind === 'rabitq') return RabitqQuantizer.train(sample, { metric, bits: codes.bits, seed });
    const { m, opq } = codes;
    const run = runOnThreads(threads);
    return ProductQuantizer.train(sample, { metric, m, opq, seed, run, onProgress });
  });
  const { codeBytes } = trained;
  const seconds = formatSeconds((performance.now() - began) / 1000);
  say(`trained on ${formatCount(sample.rows)} vectors in ${seconds}: codes of ${codeBytes} bytes for ${4 * dimension}`);
  return trained;
}

/** Enough for 256 centroids, as product quantizers take them by themselves; for ranges and means more than enough. */
const SAMPLE_ROWS = 65_536;
const MOST_BYTES = 4096;

/** `most` rows at most, chosen by the seed, in their order; all of them where there are no more. */
function sampleOf(base: Matrix, most: number, seed: number): Matrix {
  const { rows, dimension } = base;
  if (rows <= most) return base;
  const data = new Float32Array(most * dimension);
  let chosen = 0;
  for (let i = 0; i < rows && chosen < most; i++) {
    // Of those left each is as likely (Knuth, "The Art of Computer Programming", volume 2, algorithm 3.4.2 S).
    if (hashToUnit(seed, i) * (rows - i) > most - chosen) continue;
    data.set(row(base, i), chosen++ * dimension);
  }
  return { data: data.subarray(0, chosen * dimension), rows: chosen, dimension };
}
