/**
 * One thread of a pool. Jobs run side by side in small slices, so that searches need not wait until a long build is through.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../core/assert.ts';
import { AnnError, VectorValueError } from '../core/errors.ts';
import { type HnswHandle, HnswThread } from '../graph/hnsw-thread.ts';
import { surveyBlock } from '../graph/survey.ts';
import type { Step } from '../graph/vamana-steps.ts';
import { type VamanaHandle, VamanaThread } from '../graph/vamana-thread.ts';
import { CONTROL, type Reply, type Request, SIGN_BLOCK, SUM_BLOCK, type Task, type WorkerStart } from './pool-task.ts';

const SLICE_MS = 1;

const { handle, thread: number, interrupted } = workerData as WorkerStart;
const thread: HnswThread | VamanaThread =
  handle.kind === 'hnsw'
    ? new HnswThread(handle as HnswHandle, number)
    : new VamanaThread(handle as VamanaHandle, number);
const { dimension } = handle.options;
takeOver();
parentPort?.on('message', (request: Request) => void run(request));
say({ kind: 'ready' });

/** Finishes what the one before was inserting, which frees its locks. */
function takeOver(): void {
  // Steps are done again by whoever gave them.
  if (!(thread instanceof HnswThread)) return;
  const slot = thread.interrupted;
  if (slot === undefined) return;
  if (interrupted) {
    const { first, upper, inserted, vectors } = interrupted;
    const row = slot - first;
    if (!inserted[row]) {
      thread.admit(vectors.subarray(row * dimension, (row + 1) * dimension), `row ${row}`);
      thread.resume(upper[row]);
      Atomics.store(inserted, row, 1);
    }
  }
  thread.forget();
}

async function run({ job, task }: Request): Promise<void> {
  const { control, rows } = task;
  const work = { distances: 0, hops: 0, estimates: 0 };
  let row = -1;
  try {
    const doRow = workOn(task, work);
    let sliceEnds = performance.now() + SLICE_MS;
    while (Atomics.load(control, CONTROL.stop) === 0) {
      row = Atomics.add(control, CONTROL.next, 1);
      if (row >= rows) break;
      doRow(row);
      Atomics.add(control, CONTROL.done, 1);
      if (performance.now() < sliceEnds) continue;
      await new Promise(setImmediate);
      sliceEnds = performance.now() + SLICE_MS;
    }
    say({ kind: 'done', job, work });
  } catch (error) {
    Atomics.store(control, CONTROL.stop, 1);
    if (error instanceof VectorValueError) say({ kind: 'refused', job, row });
    else say({ kind: 'failed', job, error: described(error) });
  }
}

function workOn(task: Task, work: { distances: number; hops: number; estimates: number }): (row: number) => void {
  const vectorOf = (vectors: Float32Array, row: number) => vectors.subarray(row * dimension, (row + 1) * dimension);
  switch (task.kind) {
    case 'search': {
      const { vectors, options, slots, distances, found, latencyUs } = task;
      const { k } = options;
      return (row) => {
        const began = performance.now();
        const result = thread.search(vectorOf(vectors, row), options);
        slots.set(result.slots, row * k);
        distances.set(result.distances, row * k);
        found[row] = result.slots.length;
        work.distances += result.work.distances;
        work.hops += result.work.hops;
        work.estimates += result.work.estimates;
        latencyUs[row] = (performance.now() - began) * 1000;
      };
    }
    case 'insert': {
      const { vectors, first, upper, inserted, latencyUs } = task;
      assert(thread instanceof HnswThread, 'a Vamana is linked by steps');
      return (row) => {
        const began = performance.now();
        thread.admit(vectorOf(vectors, row), `row ${row}`);
        thread.insert(first + row, upper[row], () => Atomics.store(inserted, row, 1));
        latencyUs[row] = (performance.now() - began) * 1000;
      };
    }
    case 'sum': {
      const { count, sums } = task;
      return (block) => {
        const sum = thread.sumOf(block * SUM_BLOCK, Math.min((block + 1) * SUM_BLOCK, count));
        sums.set(sum, block * dimension);
      };
    }
    case 'signs': {
      const { count } = task;
      return (block) => thread.encodeSigns(block * SIGN_BLOCK, Math.min((block + 1) * SIGN_BLOCK, count));
    }
    default: {
      const doRow = task.kind === 'survey' ? (block: number) => surveyBlock(thread, task, block) : stepsOf(task);
      return (row) => {
        doRow(row);
        Atomics.store(task.finished, row, 1);
      };
    }
  }
}

function stepsOf(step: Step): (row: number) => void {
  assert(thread instanceof VamanaThread, 'an HNSW has no steps');
  return thread.rowsOf(step);
}

function described(error: unknown): Extract<Reply, { kind: 'failed' }>['error'] {
  const code = error instanceof AnnError ? error.code : 'INTERNAL';
  const { message, name } = error instanceof Error ? error : new Error(String(error));
  return { code, message, name, details: error instanceof AnnError ? { ...error } : {} };
}

function say(reply: Reply): void {
  parentPort?.postMessage(reply);
}
