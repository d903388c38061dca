/**
 * A batch of vectors inserted into an HNSW by several threads: each takes the next row whenever it is free. Rows that nobody lived
 * to begin are inserted here, so that those that are in are always the first ones; the filter's centre moves between pieces.
 */
import { BrokenIndexError, WorkerDiedError } from '../core/errors.ts';
import { patient } from '../core/patient.ts';
import type { Claim } from '../graph/graph-index.ts';
import type { Hnsw } from '../graph/hnsw.ts';
import { surveyBlock, surveyOf } from '../graph/survey.ts';
import type { AddBatchOptions } from '../graph/vector-index.ts';
import type { Crew, Ended } from './crew.ts';
import { CONTROL, controlFrom, type InsertTask, SIGN_BLOCK, SUM_BLOCK } from './pool-task.ts';

/**
 * Inserts the rows of `vectors`, which lie in shared memory; returns the microseconds that each took. Throws what
 * `Pool.addBatch` rejects with; what `onProgress` throws, when all are in.
 */
export async function insertBatch(
  index: Hnsw,
  vectors: Float32Array,
  { crew, threads, ids, onProgress }: AddBatchOptions & { crew: Crew; threads: number },
): Promise<Float32Array> {
  const claim = index.claim(vectors, ids);
  const { rows, first } = claim;
  // Called by a timer, where nobody would catch what it throws.
  const { report, throwFirst } = patient(onProgress, rows);
  const tell = onProgress && ((done: number) => report(done / rows));
  let added = 0;
  let lost = false;
  try {
    const batch: Batch = {
      ...{ index, crew, threads, claim, vectors },
      inserted: new Uint8Array(new SharedArrayBuffer(rows)),
      latencyUs: new Float32Array(new SharedArrayBuffer(rows * 4)),
    };
    await checkAll(batch);
    for (let from = 0; from < rows; from = added) {
      const to = pieceEnd(batch, from);
      const ended = await insertPiece(batch, from, to, tell);
      if (ended.lost) {
        lost = true;
        throw new BrokenIndexError(`a thread died while it inserted (${ended.died?.why}), and so did its successors`);
      }
      added = mopUp(batch, Math.min(to, Atomics.load(ended.control, CONTROL.next)));
      if (index.thread.recentresAt(first + added)) await recentre(batch, first + added);
      if (ended.failure) throw ended.failure;
      if (ended.died) throw new WorkerDiedError({ ...ended.died, added, rows }, { cause: ended.died.cause });
    }
    report(1);
    throwFirst();
    return Float32Array.from(batch.latencyUs);
  } finally {
    // With an insert that is only half done, and perhaps a lock that is held, nothing can be added or saved any more.
    if (!lost) index.settle(claim, added);
  }
}

interface Batch extends Pick<InsertTask, 'vectors' | 'inserted' | 'latencyUs'> {
  index: Hnsw;
  crew: Crew;
  threads: number;
  claim: Claim;
}

const PROGRESS_MS = 100;

/** Throws where a row cannot be held, before any is; and sees to it that all can be held in one form. */
async function checkAll(batch: Batch): Promise<void> {
  const { index, crew, threads, vectors, claim } = batch;
  const { first, rows } = claim;
  const survey = surveyOf(vectors, { dimension: index.dimension });
  const finished = new Uint8Array(new SharedArrayBuffer(survey.rows));
  const { refused, failure, died } = await crew.run({ ...survey, finished, control: controlFrom(0) }, threads);
  if (refused !== undefined) surveyBlock(index.thread, survey, refused);
  if (failure) throw failure;
  if (died) throw new WorkerDiedError({ ...died, added: 0, rows }, { cause: died.cause });
  if (survey.unfit.includes(1)) index.thread.leaveBytes(first);
}

/**
 * Up to where rows can be inserted at once: the first vector of all goes in alone, and the filter's centre moves between
 * pieces.
 */
function pieceEnd({ index, claim: { first, rows } }: Batch, from: number): number {
  if (first + from === 0) return 1;
  let to = from + 1;
  while (to < rows && !index.thread.recentresAt(first + to)) to++;
  return to;
}

async function insertPiece(
  { crew, threads, claim, vectors, inserted, latencyUs }: Batch,
  from: number,
  to: number,
  tell: ((done: number) => void) | undefined,
): Promise<Ended & { control: Int32Array }> {
  const { first, upper } = claim;
  const control = controlFrom(from);
  const task: InsertTask = { kind: 'insert', vectors, inserted, latencyUs, first, upper, rows: to, control };
  const timer = tell && setInterval(() => tell(from + Atomics.load(control, CONTROL.done)), PROGRESS_MS);
  try {
    return { ...(await crew.run(task, first + from === 0 ? 1 : threads)), control };
  } finally {
    clearInterval(timer);
  }
}

/** Inserts rows that were taken by threads that did not live to begin them. Returns how many rows are in, `taken`. */
function mopUp(batch: Batch, taken: number): number {
  const { index, claim, inserted } = batch;
  for (let row = inserted.indexOf(0); row >= 0 && row < taken; row = inserted.indexOf(0, row)) {
    admitRow(batch, row);
    index.thread.insert(claim.first + row, claim.upper[row]);
    inserted[row] = 1;
  }
  return taken;
}

/** Throws VectorValueError, naming the row. */
function admitRow({ index, vectors }: Batch, row: number): void {
  const { dimension } = index;
  index.thread.admit(vectors.subarray(row * dimension, (row + 1) * dimension), `row ${row}`);
}

/** As `HnswThread.recentre`, by all threads; where one dies, by this one. */
async function recentre({ index, crew, threads }: Batch, count: number): Promise<void> {
  const { dimension } = index;
  const blocks = Math.ceil(count / SUM_BLOCK);
  const sums = new Float64Array(new SharedArrayBuffer(blocks * dimension * 8));
  const summed = await crew.run({ kind: 'sum', count, rows: blocks, sums, control: controlFrom(0) }, threads);
  if (summed.failure || summed.died) return index.thread.recentre(count);
  const sum = new Float64Array(dimension);
  for (let i = 0; i < sums.length; i++) sum[i % dimension] += sums[i];
  index.thread.moveCentre(sum, count);
  const rows = Math.ceil(count / SIGN_BLOCK);
  const encoded = await crew.run({ kind: 'signs', count, rows, control: controlFrom(0) }, threads);
  if (encoded.failure || encoded.died) index.thread.recentre(count);
  else index.thread.endEra();
}
