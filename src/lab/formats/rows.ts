/**
 * Rows of equal dimension, one after another, in any of the component types that data files use. The formats differ in
 * their headers; once a header has become a `RowLayout`, everything below is common to them: the checks of shape and size
 * before anything is allocated, the prefix, the conversion.
 */
import { totalmem } from 'node:os';
import { DataFileError, ParameterError } from '../../core/errors.ts';
import type { Matrix } from '../../core/matrix.ts';
import { MAX_DIMENSION } from '../../graph/checks.ts';
import { type DataFile, FETCH_AGAIN, readDataFile } from './data-file.ts';

/** Integer rows, such as lists of neighbours: `data[row * dimension + j]`. */
export interface IntegerMatrix {
  data: Int32Array;
  rows: number;
  dimension: number;
}

export interface ReadOptions {
  /** Read at most this many rows from the front; the others are neither loaded nor converted. Default: all of them. */
  maxRows?: number;
}

/** What a header says about the rows behind it. */
export interface RowLayout {
  rows: number;
  dimension: number;
  component: Component;
  /** Default: little-endian. */
  bigEndian?: boolean;
  /** Whether each row opens with its dimension as an i32 (vecs). */
  rowsSayDimension?: boolean;
}

/** The component types and their arrays. */
const ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

export type Component = keyof typeof ARRAYS;

export const componentBytes = (component: Component): number => ARRAYS[component].BYTES_PER_ELEMENT;

/**
 * Reads rows as f32 vectors. Integers are converted (exactly up to 2^24), f64 is rounded; a component that is not finite
 * as an f32 is a `DataFileError`, as no index can take it.
 */
export async function readVectors(
  path: string,
  readLayout: (file: DataFile) => Promise<RowLayout>,
  options: ReadOptions = {},
): Promise<Matrix> {
  return readDataFile(path, async (file) => {
    const layout = await readLayout(file);
    const rows = rowsToRead(layout.rows, options);
    const { dimension } = layout;
    const data = allocate(path, Float32Array, rows, dimension);
    await readRows(file, layout, rows, (values, offset) => {
      storeVectors(path, data, dimension, values, offset);
    });
    return { data, rows, dimension };
  });
}

/** Reads rows as integers. A file of floats, or a value beyond 32 bits, is a `DataFileError`. */
export async function readIntegers(
  path: string,
  readLayout: (file: DataFile) => Promise<RowLayout>,
  options: ReadOptions = {},
): Promise<IntegerMatrix> {
  return readDataFile(path, async (file) => {
    const layout = await readLayout(file);
    const rows = rowsToRead(layout.rows, options);
    const { dimension, component } = layout;
    if (component === 'f32' || component === 'f64') throw notIntegers(path, component);
    const data = allocate(path, Int32Array, rows, dimension);
    await readRows(file, layout, rows, (values, offset) => {
      storeIntegers(path, data, dimension, values, offset);
    });
    return { data, rows, dimension };
  });
}

export type ComponentArray = InstanceType<(typeof ARRAYS)[Component]>;

/** Puts components into `data`, which begins with row `firstRow`, from `offset` on, as f32; throws at the first that is not finite. */
export function storeVectors(
  path: string,
  data: Float32Array,
  dimension: number,
  values: ComponentArray,
  offset: number,
  firstRow = 0,
): void {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) data[offset + i] = Number(values[i]);
    return;
  }
  data.set(values, offset);
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return;
  const end = offset + values.length;
  let zero = 0;
  for (let i = offset; i < end; i++) zero += data[i] * 0;
  if (zero === 0) return;
  for (let i = offset; i < end; i++) {
    if (Number.isFinite(data[i])) continue;
    const got = values[i - offset];
    throw new DataFileError(
      path,
      `row ${firstRow + Math.floor(i / dimension)}, component ${i % dimension} is ${got}${Number.isFinite(got) ? ', beyond f32' : ''}`,
      'leave such rows out, or mend the program that wrote them',
    );
  }
}

/** Puts components into `data` from `offset` on; throws at the first that 32 bits do not hold. */
export function storeIntegers(
  path: string,
  data: Int32Array,
  dimension: number,
  values: ComponentArray,
  offset: number,
): void {
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    data[offset + i] = value;
    if (data[offset + i] === value) continue;
    const at = offset + i;
    throw new DataFileError(
      path,
      `row ${Math.floor(at / dimension)}, column ${at % dimension} is ${values[i]}, beyond 32 bits`,
      'neighbour ids must be below 2^31',
    );
  }
}

export function notIntegers(path: string, component: string): DataFileError {
  return new DataFileError(
    path,
    `holds ${component} components, not integers`,
    'read it as vectors, or give the file that holds the neighbour lists',
  );
}

export function rowsToRead(rows: number, { maxRows }: ReadOptions): number {
  if (maxRows === undefined) return rows;
  if (!(Number.isInteger(maxRows) && maxRows >= 1)) {
    throw new ParameterError({ parameter: 'maxRows', got: maxRows, want: 'an integer of at least 1' });
  }
  return Math.min(rows, maxRows);
}

/** An array for rows × dimension, or, where memory would not hold it, an error that says how to go on. */
export function allocate<T extends Float32Array | Int32Array>(
  path: string,
  array: new (length: number) => T,
  rows: number,
  dimension: number,
): T {
  const bytes = rows * dimension * 4;
  if (bytes <= totalmem()) {
    try {
      return new array(rows * dimension);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new DataFileError(
    path,
    `${rows} rows of dimension ${dimension} need ${bytes} bytes of memory and this machine has ${totalmem()}`,
    'read a part of it with maxRows',
  );
}

/** Throws where a header's shape is not one that annlab works with. `where` says what the shape is of. */
export function checkShape(path: string, rows: number, dimension: number, where = 'the header'): void {
  if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
    throw new DataFileError(
      path,
      `${where} says dimension ${dimension}, and annlab takes 1 to ${MAX_DIMENSION}`,
      `is it of the format that its name says? If so, ${FETCH_AGAIN}`,
    );
  }
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new DataFileError(path, `${where} says ${rows} rows`, `a data set has from 1 to 2^53: ${FETCH_AGAIN}`);
  }
}

/** How many bytes are converted at a time. */
const CHUNK_BYTES = 4 << 20;

/** Reads the first `rows` rows and hands their components on in chunks of whole rows, in the machine's byte order. */
async function readRows(
  file: DataFile,
  layout: RowLayout,
  rows: number,
  accept: (values: ComponentArray, offset: number) => void,
): Promise<void> {
  const { dimension } = layout;
  const rowBytes = rowBytesOf(layout);
  const chunkRows = Math.min(rows, Math.max(1, Math.floor(CHUNK_BYTES / rowBytes)));
  const chunk = Buffer.alloc(chunkRows * rowBytes);
  for (let row = 0; row < rows; row += chunkRows) {
    const count = Math.min(chunkRows, rows - row);
    const bytes = chunk.subarray(0, count * rowBytes);
    const got = await file.read(bytes);
    if (got < bytes.length) throw cut(file.path, row + Math.floor(got / rowBytes), layout.rows);
    accept(componentsOf(file.path, layout, bytes, row), row * dimension);
  }
  // Where the whole was asked for, look once beyond its end: this also makes gunzip compare its checksum.
  if (rows === layout.rows && (await file.read(new Uint8Array(1))) > 0) {
    throw new DataFileError(file.path, `goes on after row ${rows}, which should be its last`, FETCH_AGAIN);
  }
}

/** What a row takes in the file. */
export function rowBytesOf({ dimension, component, rowsSayDimension = false }: RowLayout): number {
  return (rowsSayDimension ? 4 : 0) + dimension * componentBytes(component);
}

/** The components of whole rows, the first of which is row `row`, in the machine's byte order; a view of `bytes`, which it may change. */
export function componentsOf(path: string, layout: RowLayout, bytes: Buffer<ArrayBuffer>, row: number): ComponentArray {
  const { dimension, component, bigEndian = false, rowsSayDimension = false } = layout;
  const count = bytes.length / rowBytesOf(layout);
  const valueBytes = dimension * componentBytes(component);
  if (rowsSayDimension) stripDimensions(path, bytes, row, count, dimension, valueBytes);
  const values = bytes.subarray(0, count * valueBytes);
  if (bigEndian) swapBytes(values, componentBytes(component));
  return new ARRAYS[component](values.buffer, values.byteOffset, count * dimension);
}

/** Checks that each of `count` rows opens with the dimension, and moves their components together. */
function stripDimensions(
  path: string,
  bytes: Buffer,
  row: number,
  count: number,
  dimension: number,
  valueBytes: number,
): void {
  const rowBytes = 4 + valueBytes;
  for (let i = 0; i < count; i++) {
    const said = bytes.readInt32LE(i * rowBytes);
    if (said !== dimension) {
      throw new DataFileError(
        path,
        `row ${row + i} says dimension ${said}, and row 0 said ${dimension}`,
        `all rows of a set have one dimension: ${FETCH_AGAIN}`,
      );
    }
    bytes.copyWithin(i * valueBytes, i * rowBytes + 4, (i + 1) * rowBytes);
  }
}

function swapBytes(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else if (size === 8) bytes.swap64();
}

export function cut(path: string, row: number, rows: number): DataFileError {
  return new DataFileError(path, `ends within row ${row} of ${rows}`, `it was cut in the middle: ${FETCH_AGAIN}`);
}
