/**
 * npy, NumPy's array file, versions 1 to 3 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic, a
 * version, the length of the header, the header (a Python dict: type, order, shape), then the components in C order.
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

export function readNpy(path: string, options?: ReadOptions): Promise<Matrix> {
  return readVectors(path, readNpyLayout, options);
}

export function readNpyIntegers(path: string, options?: ReadOptions): Promise<IntegerMatrix> {
  return readIntegers(path, readNpyLayout, options);
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

/** Longer than the header of any plain array: NumPy pads to 64 bytes and writes some 70 characters. */
const MAX_HEADER_BYTES = 1 << 16;

/** What the header says, once the file is found to be as long. */
export async function readNpyLayout(file: DataFile): Promise<RowLayout> {
  const { path } = file;
  const opening = Buffer.alloc(8);
  await readHeader(file, opening, 'npy header');
  if (!opening.subarray(0, 6).equals(MAGIC)) {
    throw new DataFileError(path, 'is not npy: it does not open with \\x93NUMPY', `check its name, or ${FETCH_AGAIN}`);
  }
  const version = opening[6];
  if (version < 1 || version > 3 || opening[7] !== 0) {
    throw new DataFileError(path, `is npy version ${version}.${opening[7]}`, 'save it as version 1.0, 2.0 or 3.0');
  }
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  await readHeader(file, length, 'npy header');
  const headerBytes = length.readUIntLE(0, length.length);
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new DataFileError(
      path,
      `says that its header has ${headerBytes} bytes`,
      `the file is damaged: ${FETCH_AGAIN}`,
    );
  }
  const header = Buffer.alloc(headerBytes);
  await readHeader(file, header, 'npy header');
  const layout = parseHeader(path, header.toString(version === 3 ? 'utf8' : 'latin1'));
  const { rows, dimension, component } = layout;
  await file.expectContent(
    opening.length + length.length + headerBytes + rows * dimension * componentBytes(component),
    `the header says ${rows} rows of ${dimension} ${component}`,
  );
  return layout;
}

const TYPES = new Map<string, Component>([
  ['u1', 'u8'],
  ['i1', 'i8'],
  ['u2', 'u16'],
  ['i2', 'i16'],
  ['u4', 'u32'],
  ['i4', 'i32'],
  ['u8', 'u64'],
  ['i8', 'i64'],
  ['f4', 'f32'],
  ['f8', 'f64'],
]);

/** Exactly what NumPy writes, keys in any order: `{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }`. */
const ENTRY = /\s*'(\w+)'\s*:\s*(?:'([^']*)'|(True|False)|\(([\d\s,]*)\))\s*(?:,|(?=\}))/y;

function parseHeader(path: string, header: string): RowLayout {
  const bad = (what: string, mend = `it was damaged or not written by NumPy: ${FETCH_AGAIN}`) =>
    new DataFileError(path, `${what} in the npy header ${JSON.stringify(header.trim().slice(0, 200))}`, mend);
  const entries = new Map<string, RegExpExecArray>();
  if (!header.startsWith('{')) throw bad('no dict');
  ENTRY.lastIndex = 1;
  let end = 1;
  for (let entry = ENTRY.exec(header); entry !== null; entry = ENTRY.exec(header)) {
    entries.set(entry[1], entry);
    end = ENTRY.lastIndex;
  }
  if (!/^\s*\}\s*$/.test(header.slice(end))) throw bad('something other than descr, fortran_order and shape');
  const descr = entries.get('descr')?.[2];
  const fortran = entries.get('fortran_order')?.[3];
  const shape = entries.get('shape')?.[4];
  if (entries.size !== 3 || descr === undefined || fortran === undefined || shape === undefined) {
    throw bad('not descr, fortran_order and shape');
  }
  const component = TYPES.get(descr.slice(1));
  if (component === undefined || !'<>|'.includes(descr[0])) {
    throw bad(`the type ${descr}`, `save it as one of ${[...TYPES.keys()].join(' ')}: array.astype('f4')`);
  }
  if (fortran === 'True') throw bad('Fortran order', 'save numpy.ascontiguousarray(array)');
  const axes = shape.split(',').filter((axis) => axis.trim() !== '');
  if (axes.length !== 2 || !axes.every((axis) => /^\s*\d+\s*$/.test(axis))) {
    throw bad(`the shape (${shape})`, 'vectors are the rows of an array of two axes: array.reshape(rows, dimension)');
  }
  const [rows, dimension] = axes.map(Number);
  checkShape(path, rows, dimension);
  return { rows, dimension, component, bigEndian: descr[0] === '>' };
}
