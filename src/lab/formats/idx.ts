/**
 * idx, the format of MNIST and its kin: big-endian; two zero bytes, a type code, the number of axes, the length of each
 * axis as a u32, then the components. The first axis counts the rows; the others (28 × 28 pixels, say) are flattened into
 * the dimension. Described at the foot of the MNIST page; usually gzipped (`.idx3-ubyte.gz`).
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

export function readIdx(path: string, options?: ReadOptions): Promise<Matrix> {
  return readVectors(path, readIdxLayout, options);
}

export function readIdxIntegers(path: string, options?: ReadOptions): Promise<IntegerMatrix> {
  return readIntegers(path, readIdxLayout, options);
}

const COMPONENTS = new Map<number, Component>([
  [0x08, 'u8'],
  [0x09, 'i8'],
  [0x0b, 'i16'],
  [0x0c, 'i32'],
  [0x0d, 'f32'],
  [0x0e, 'f64'],
]);

/** More axes than any set has; beyond it, the byte is not a count of axes. */
const MAX_AXES = 8;

/** What the header says, once the file is found to be as long. */
export async function readIdxLayout(file: DataFile): Promise<RowLayout> {
  const magic = new Uint8Array(4);
  await readHeader(file, magic, 'idx header');
  const component = COMPONENTS.get(magic[2]);
  const axes = magic[3];
  if (magic[0] !== 0 || magic[1] !== 0 || component === undefined || axes < 1 || axes > MAX_AXES) {
    throw new DataFileError(
      file.path,
      `is not idx: it opens with ${hex(magic)}, not with 00 00, a type code (08 to 0e) and the number of axes`,
      `check its name, or ${FETCH_AGAIN}`,
    );
  }
  const lengths = new DataView(new ArrayBuffer(4 * axes));
  await readHeader(file, new Uint8Array(lengths.buffer), 'idx header');
  const rows = lengths.getUint32(0);
  let dimension = 1;
  for (let axis = 1; axis < axes; axis++) dimension = Math.min(dimension * lengths.getUint32(4 * axis), 2 ** 32);
  checkShape(file.path, rows, dimension);
  const promise = `the header says ${rows} rows of ${dimension} ${component}`;
  await file.expectContent(4 + 4 * axes + rows * dimension * componentBytes(component), promise);
  return { rows, dimension, component, bigEndian: true };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
