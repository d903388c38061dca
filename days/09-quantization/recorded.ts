/** What was recorded where the data and the time were (`recorded/*.json`), as the notebook reads it. */
import { existsSync, readFileSync } from 'node:fs';
import type { SweepRow, Versions } from 'annlab/lab';

/** Where the files are, from the repository's root, where notebooks and commands run. */
export const RECORDED = 'days/09-quantization/recorded';

/** The sets that were recorded: real pictures of clothes, and 1,024 dimensions as embeddings have them. */
export type RecordedSet = 'fashion-mnist-784-euclidean' | 'embedding-1024-30k';

/** One kind of code: what it takes, how far its distances are off, and what it finds. Written by `record.ts`. */
export interface ScanRow {
  codes: string;
  /** Of a code as it lies in memory, factors and padding included. */
  bytes: number;
  /** Without them. */
  payloadBytes: number;
  /** Of squared distances, in shares of the exact ones. */
  mean: number;
  p99: number;
  /** Recall@10 by codes alone. */
  alone: number;
  /** Recall@10 when the best R have been compared again, by R. */
  reranked: Record<string, number>;
}

/** All codes of a set compared with every query. No times: the figures are the same on every machine. */
export interface ScanRun {
  versions: Versions;
  run: {
    date: string;
    command: string;
    dataset: { name: string; vectors: number; dimension: number; queries: number };
    training: { vectors: number; iterations: number; seed: number };
  };
  rows: ScanRow[];
}

export function scanRun(set: RecordedSet): ScanRun {
  return read(`scan-${set}.json`);
}

/**
 * What `npm run bench -- codes` leaves in its folder as `codes-<set>.json`, kept here: the engine's HNSW over every kind of code, each
 * at several settings of its search. Times are of the machine that it names.
 */
export interface CodesRun {
  machine: { cpu: string; cores: number };
  versions: Versions;
  run: {
    date: string;
    command: string;
    dataset: { name: string; vectors: number; dimension: number; queries: number };
  };
  /** Of each kind, the bytes of a vector that a search walks over; the exact vectors are apart. */
  costs: { codes: string; bytesPerVector: { walk: number } }[];
  /** `codes` says which. */
  rows: SweepRow[];
}

/** Undefined where it has not been recorded. */
export function codesRun(set: string): CodesRun | undefined {
  return existsSync(`${RECORDED}/codes-${set}.json`) ? read(`codes-${set}.json`) : undefined;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(`${RECORDED}/${name}`, 'utf8')) as T;
}
