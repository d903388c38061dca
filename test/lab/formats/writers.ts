/** Each format's writer at its plainest: the readers' tests go by these. */
import type { Component, ComponentArray } from '../../../src/lab/formats/rows.ts';

/** Rows of components, as a file holds them. */
export interface Rows {
  values: ComponentArray;
  rows: number;
  dimension: number;
  component: Component;
}

const IDX_CODES: Partial<Record<Component, number>> = { u8: 8, i8: 9, i16: 0x0b, i32: 0x0c, f32: 0x0d, f64: 0x0e };

/** `axes` splits the dimension: [28, 28] for 784. */
export function idxBytes({ values, rows, component, dimension }: Rows, axes: number[] = [dimension]): Buffer {
  const header = Buffer.alloc(8 + 4 * axes.length);
  header[2] = IDX_CODES[component]!;
  header[3] = 1 + axes.length;
  for (const [i, length] of [rows, ...axes].entries()) header.writeUInt32BE(length, 4 + 4 * i);
  return Buffer.concat([header, bigEndian(values)]);
}

export function vecsBytes({ values, rows, dimension }: Rows): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32LE(dimension);
  return Buffer.concat(
    Array.from({ length: rows }, (_, i) => [head, bytesOf(values.slice(i * dimension, (i + 1) * dimension))]).flat(),
  );
}

export function binBytes({ values, rows, dimension }: Rows): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(rows, 0);
  header.writeUInt32LE(dimension, 4);
  return Buffer.concat([header, bytesOf(values)]);
}

const NPY_TYPES: Record<Component, string> = {
  u8: 'u1',
  i8: 'i1',
  u16: 'u2',
  i16: 'i2',
  u32: 'u4',
  i32: 'i4',
  u64: 'u8',
  i64: 'i8',
  f32: 'f4',
  f64: 'f8',
};

export function npyBytes(
  { values, rows, dimension, component }: Rows,
  { version = 1, order = '<', shape = `(${rows}, ${dimension})`, fortran = 'False' } = {},
): Buffer {
  const type = values.BYTES_PER_ELEMENT === 1 ? `|${NPY_TYPES[component]}` : `${order}${NPY_TYPES[component]}`;
  return npyFile(`{'descr': '${type}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`, version, [
    order === '>' ? bigEndian(values) : bytesOf(values),
  ]);
}

/** An npy file with any text for a header. */
export function npyFile(dict: string, version: number, data: Buffer[]): Buffer {
  const opening = Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  const used = opening.length + length.length + dict.length + 1;
  const text = `${dict}${' '.repeat((64 - (used % 64)) % 64)}\n`;
  length.writeUIntLE(text.length, 0, length.length);
  return Buffer.concat([opening, length, Buffer.from(text, 'latin1'), ...data]);
}

export const bytesOf = (values: ArrayBufferView): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

function bigEndian(values: ComponentArray): Buffer {
  const bytes = Buffer.from(bytesOf(values));
  if (values.BYTES_PER_ELEMENT === 2) bytes.swap16();
  if (values.BYTES_PER_ELEMENT === 4) bytes.swap32();
  if (values.BYTES_PER_ELEMENT === 8) bytes.swap64();
  return bytes;
}
