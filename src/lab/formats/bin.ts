/**
 * fbin, u8bin, i8bin and ibin, the formats of big-ann-benchmarks.com: the number of rows and the dimension, each a
 * little-endian u32, then the rows. annlab keeps its own sets as fbin, and true neighbours in that site's `knn` layout:
 * the same header, then all ids as i32, then all distances as f32.
 */
import { DataFileError } from '../../core/errors.ts';
import type { Matrix } from '../../core/matrix.ts';
import { type DataFile, readDataFile, readHeader } from './data-file.ts';
import {
  allocate,
  type Component,
  checkShape,
  componentBytes,
  type IntegerMatrix,
  type ReadOptions,
  type RowLayout,
  readIntegers,
  readVectors,
} from './rows.ts';

export function readBin(path: string, component: BinComponent, options?: ReadOptions): Promise<Matrix> {
  return readVectors(path, (file) => readBinLayout(file, component), options);
}

export function readBinIntegers(path: string, component: BinComponent, options?: ReadOptions): Promise<IntegerMatrix> {
  return readIntegers(path, (file) => readBinLayout(file, component), options);
}

/** fbin, u8bin, i8bin, ibin. */
export type BinComponent = Extract<Component, 'f32' | 'u8' | 'i8' | 'i32'>;

/** The bytes of an fbin file, piece by piece and without copying the rows. */
export function* fbinBytes({ data, rows, dimension }: Matrix): Generator<Uint8Array> {
  yield header(rows, dimension);
  yield* pieces(data);
}

/** k neighbours of each query, nearest first: `ids[query * k + i]`. */
export interface Neighbors {
  ids: Uint32Array;
  distances: Float32Array;
  queries: number;
  k: number;
}

export function readNeighbors(path: string): Promise<Neighbors> {
  return readDataFile(path, async (file) => {
    const { queries, k } = await readNeighborsHeader(file);
    const ids = new Uint32Array(allocate(path, Int32Array, queries, k).buffer);
    const distances = allocate(path, Float32Array, queries, k);
    for (const half of [ids, distances]) {
      const bytes = new Uint8Array(half.buffer);
      if ((await file.read(bytes)) < bytes.length) {
        throw new DataFileError(path, 'ends before its last neighbour', 'delete the file and compute it again');
      }
    }
    return { ids, distances, queries, k };
  });
}

export function* neighborsBytes({ ids, distances, queries, k }: Neighbors): Generator<Uint8Array> {
  yield header(queries, k);
  yield* pieces(ids);
  yield* pieces(distances);
}

/** Bytes of the header: two u32. */
export const BIN_HEADER_BYTES = 8;

/** What the header says, once the file is found to be as long. */
export async function readBinLayout(file: DataFile, component: BinComponent): Promise<RowLayout> {
  const [rows, dimension] = await readCounts(file);
  checkShape(file.path, rows, dimension);
  await file.expectContent(
    BIN_HEADER_BYTES + rows * dimension * componentBytes(component),
    `the header says ${rows} rows of ${dimension} ${component}`,
  );
  return { rows, dimension, component };
}

async function readNeighborsHeader(file: DataFile): Promise<{ queries: number; k: number }> {
  const [queries, k] = await readCounts(file);
  if (queries < 1 || k < 1) {
    throw new DataFileError(file.path, `the header says ${queries} queries and ${k} neighbours`, 'neither may be 0');
  }
  await file.expectContent(
    BIN_HEADER_BYTES + queries * k * 8,
    `the header says ${queries} queries with ${k} neighbours each`,
  );
  return { queries, k };
}

async function readCounts(file: DataFile): Promise<[number, number]> {
  const counts = new DataView(new ArrayBuffer(BIN_HEADER_BYTES));
  await readHeader(file, new Uint8Array(counts.buffer), 'header');
  return [counts.getUint32(0, true), counts.getUint32(4, true)];
}

function header(rows: number, dimension: number): Uint8Array {
  const counts = new DataView(new ArrayBuffer(BIN_HEADER_BYTES));
  counts.setUint32(0, rows, true);
  counts.setUint32(4, dimension, true);
  return new Uint8Array(counts.buffer);
}

/** Small enough to write in one call, large enough to be few. */
const PIECE_BYTES = 16 << 20;

function* pieces(array: Float32Array | Uint32Array): Generator<Uint8Array> {
  for (let start = 0; start < array.byteLength; start += PIECE_BYTES) {
    yield new Uint8Array(array.buffer, array.byteOffset + start, Math.min(PIECE_BYTES, array.byteLength - start));
  }
}
