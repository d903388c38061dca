/** The vectors of a set as every engine of the bench gets them. */
import { ParameterError } from '../../../src/core/errors.ts';
import type { Matrix } from '../../../src/core/matrix.ts';
import type { Dataset } from '../../../src/lab/datasets.ts';
import type { PeerSettings } from './engines/peer.ts';

/** Brings them to length 1 for cosine, and finds out whether L2 and the inner product order them alike. */
export function forPeers({ train, queries, metric }: Pick<Dataset, 'train' | 'queries' | 'metric'>): {
  base: Matrix;
  queries: Matrix;
  space: PeerSettings['space'];
} {
  switch (metric) {
    case 'manhattan':
      throw new ParameterError({
        parameter: 'metric',
        got: metric,
        want: 'a set with l2, dot or cosine, which the peers know',
      });
    case 'cosine':
      return { base: unit(train), queries: unit(queries), space: 'either' };
    case 'l2':
      return { base: train, queries, space: areOfOneLength(train) ? 'either' : 'l2' };
    case 'dot':
      return { base: train, queries, space: 'dot' };
  }
}

function unit({ data, rows, dimension }: Matrix): Matrix {
  const scaled = data.slice();
  for (let start = 0; start < scaled.length; start += dimension) {
    const length = Math.sqrt(squaredLength(data, start, dimension)) || 1;
    for (let i = start; i < start + dimension; i++) scaled[i] /= length;
  }
  return { data: scaled, rows, dimension };
}

function areOfOneLength({ data, dimension }: Matrix): boolean {
  const first = squaredLength(data, 0, dimension);
  for (let start = 0; start < data.length; start += dimension) {
    if (!(Math.abs(squaredLength(data, start, dimension) - first) <= 1e-5 * first)) return false;
  }
  return true;
}

function squaredLength(data: Float32Array, start: number, dimension: number): number {
  let sum = 0;
  for (let i = start; i < start + dimension; i++) sum += data[i] * data[i];
  return sum;
}
