/**
 * fvecs, ivecs and bvecs, the formats of the TEXMEX corpus (corpus-texmex.irisa.fr): each row is its dimension as a
 * little-endian i32, then its components: f32, i32 or u8. There is no count: the size of the file gives it.
 */
import { DataFileError } from '../../core/errors.ts';
import type { Matrix } from '../../core/matrix.ts';
import { type DataFile, FETCH_AGAIN, readHeader } from './data-file.ts';
import {
  type Component,
  checkShape,
  componentBytes,
  type IntegerMatrix,
  type ReadOptions,
  type RowLayout,
  readIntegers,
  readVectors,
} from './rows.ts';

export function readVecs(path: string, component: VecsComponent, options?: ReadOptions): Promise<Matrix> {
  return readVectors(path, (file) => readVecsLayout(file, component), options);
}

export function readVecsIntegers(
  path: string,
  component: VecsComponent,
  options?: ReadOptions,
): Promise<IntegerMatrix> {
  return readIntegers(path, (file) => readVecsLayout(file, component), options);
}

/** fvecs, ivecs, bvecs. */
export type VecsComponent = Extract<Component, 'f32' | 'i32' | 'u8'>;

/** What the header says, once the file is found to be as long. */
export async function readVecsLayout(file: DataFile, component: VecsComponent): Promise<RowLayout> {
  const head = new DataView(new ArrayBuffer(4));
  await readHeader(file, new Uint8Array(head.buffer), 'first row');
  file.unread(new Uint8Array(head.buffer));
  const dimension = head.getInt32(0, true);
  checkShape(file.path, 1, dimension, 'row 0');
  const rowBytes = 4 + dimension * componentBytes(component);
  const bytes = await file.contentBytes();
  if (bytes % rowBytes !== 0) {
    throw new DataFileError(
      file.path,
      `holds ${bytes} bytes, which is not a whole number of rows of ${rowBytes} bytes (row 0 says dimension ${dimension}, ${component})`,
      `it was cut in the middle, or its rows differ in dimension: ${FETCH_AGAIN}`,
    );
  }
  return { rows: bytes / rowBytes, dimension, component, rowsSayDimension: true };
}
