/** What a pool tells its workers, and they it. Everything of size is shared memory; rows are taken by whoever is free. */
import type { GraphHandle } from '../graph/graph-thread.ts';
import type { Step } from '../graph/vamana-steps.ts';
import type { SearchOptions, Work } from '../graph/vector-index.ts';

/** What a worker starts with. */
export interface WorkerStart {
  handle: GraphHandle;
  /** The number that it bears. */
  thread: number;
  /** What the one before it, of the same number, was inserting when it died. */
  interrupted?: InsertTask;
}

/** Control words that the workers of one job share. */
export const CONTROL = {
  /** The first row that nobody has taken. */
  next: 0,
  /** Not 0: nobody shall take another one. */
  stop: 1,
  /** Rows that are done. */
  done: 2,
  words: 3,
} as const;

/** Control words of a job whose first row is `row`. */
export function controlFrom(row: number): Int32Array {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * 4));
  control[CONTROL.next] = row;
  return control;
}

interface Rows {
  /** Rows one behind the other. */
  vectors: Float32Array;
  rows: number;
  control: Int32Array;
}

export interface SearchTask extends Rows {
  kind: 'search';
  options: SearchOptions;
  /** rows × k each; `found`: how many of a row's k there are. */
  slots: Uint32Array;
  distances: Float32Array;
  found: Uint32Array;
  latencyUs: Float32Array;
}

/** Rows of a claim, up to `rows`; where `control` begins, they begin. */
export interface InsertTask extends Rows {
  kind: 'insert';
  first: number;
  upper: Uint32Array;
  /** 1 for each row that is in. */
  inserted: Uint8Array;
  latencyUs: Float32Array;
}

/** Sums of vectors that the index holds; a row is a block of SUM_BLOCK slots. */
export interface SumTask {
  kind: 'sum';
  count: number;
  rows: number;
  control: Int32Array;
  sums: Float64Array;
}

/** Sign bits of vectors that the index holds; a row is a block of SIGN_BLOCK slots. */
export interface SignsTask {
  kind: 'signs';
  count: number;
  rows: number;
  control: Int32Array;
}

/** A step in which a Vamana is linked, or a batch is surveyed that is to be inserted into an HNSW. */
export type StepTask = Step & {
  control: Int32Array;
  /** 1 for each row that is done. */
  finished: Uint8Array;
};

export type Task = SearchTask | InsertTask | SumTask | SignsTask | StepTask;

export const SUM_BLOCK = 4096;
export const SIGN_BLOCK = 256;

export interface Request {
  job: number;
  task: Task;
}

export type Reply =
  | { kind: 'ready' }
  | { kind: 'done'; job: number; work: Work }
  /** A row that cannot be held or searched. */
  | { kind: 'refused'; job: number; row: number }
  | {
      kind: 'failed';
      job: number;
      error: { code: string; message: string; name: string; details: Record<string, unknown> };
    };
