/**
 * What is asked of all vectors of a batch before any of them is taken in: whether they can be held at all, and what is known of them
 * together. Blocks of them can be surveyed in any order by any number of threads, with the same outcome.
 */
import type { GraphThread } from './graph-thread.ts';

/** All arrays but the vectors are shared memory; they too, where there are several threads. */
export interface Survey {
  kind: 'survey';
  /** Blocks of SURVEY_BLOCK vectors. */
  rows: number;
  vectors: Float32Array;
  dimension: number;
  /** For each block, 1 where not all of it can be held in the form that records have. */
  unfit: Uint8Array;
  /** For each vector its length, where that is wanted. */
  lengths?: Float32Array;
  /** For each block the sum of its vectors as they are held, where that is wanted. */
  sums?: Float64Array;
}

const SURVEY_BLOCK = 1024;

/** One that nobody has begun. */
export function surveyOf(
  vectors: Float32Array,
  { dimension, lengths = false, sums = false }: { dimension: number; lengths?: boolean; sums?: boolean },
): Survey {
  const n = vectors.length / dimension;
  const rows = Math.ceil(n / SURVEY_BLOCK);
  return {
    ...{ kind: 'survey', rows, vectors, dimension, unfit: new Uint8Array(new SharedArrayBuffer(rows)) },
    ...(lengths && { lengths: new Float32Array(new SharedArrayBuffer(n * 4)) }),
    ...(sums && { sums: new Float64Array(new SharedArrayBuffer(rows * dimension * 8)) }),
  };
}

/** Throws VectorValueError, naming the row of the vector that cannot be held. */
export function surveyBlock(
  thread: GraphThread,
  { vectors, dimension, unfit, lengths, sums }: Survey,
  block: number,
): void {
  const { admitted } = thread;
  // Apart: a block that a thread died over is summed again.
  const sum = sums && new Float64Array(dimension);
  let fits = true;
  const end = Math.min((block + 1) * SURVEY_BLOCK, vectors.length / dimension);
  for (let row = block * SURVEY_BLOCK; row < end; row++) {
    thread.admit(vectors.subarray(row * dimension, (row + 1) * dimension), `row ${row}`);
    fits &&= thread.fits();
    if (lengths) lengths[row] = thread.admittedLength();
    if (sum) for (let j = 0; j < dimension; j++) sum[j] += admitted[j];
  }
  if (!fits) unfit[block] = 1;
  if (sum) sums?.set(sum, block * dimension);
}
