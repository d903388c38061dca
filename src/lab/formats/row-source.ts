/** A file's vectors a few at a time and in any order, for whoever has no memory for all of them. */
import { type FileHandle, open } from 'node:fs/promises';
import { DataFileError } from '../../core/errors.ts';
import type { RowSource } from '../../core/row-source.ts';
import { readBinLayout } from './bin.ts';
import { type DataFile, isGzip, readDataFile } from './data-file.ts';
import { readIdxLayout } from './idx.ts';
import { type Format, formatOf } from './index.ts';
import { readNpyLayout } from './npy.ts';
import { componentsOf, cut, type ReadOptions, type RowLayout, rowBytesOf, rowsToRead, storeVectors } from './rows.ts';
import { readVecsLayout } from './vecs.ts';

/**
 * Opens the file, hands its rows to `use` and closes it whatever happens. Components become f32 as `readMatrix` makes them. Throws
 * DataFileError where the file is not what its name and header say, or is one that can only be read from front to back (.gz,
 * HDF5).
 */
export async function withRowSource<T>(
  path: string,
  use: (source: RowSource) => Promise<T>,
  { format = formatOf(path), ...options }: ReadOptions & { format?: Format } = {},
): Promise<T> {
  const readLayout = LAYOUTS[format];
  if (readLayout === undefined)
    throw new DataFileError(path, 'is HDF5, which is read from front to back', 'save its vectors as .npy or .fbin');
  if (isGzip(path)) throw new DataFileError(path, 'is gzipped, and read from front to back', 'gunzip it first');
  const { layout, begins } = await readDataFile(path, async (file) => {
    const layout = await readLayout(file);
    return { layout, begins: (await file.contentBytes()) - layout.rows * rowBytesOf(layout) };
  });
  const handle = await open(path, 'r');
  try {
    return await use(new FileRows(path, handle, layout, begins, options));
  } finally {
    await handle.close();
  }
}

const LAYOUTS: Record<Format, ((file: DataFile) => Promise<RowLayout>) | undefined> = {
  idx: readIdxLayout,
  fvecs: (file) => readVecsLayout(file, 'f32'),
  ivecs: (file) => readVecsLayout(file, 'i32'),
  bvecs: (file) => readVecsLayout(file, 'u8'),
  fbin: (file) => readBinLayout(file, 'f32'),
  u8bin: (file) => readBinLayout(file, 'u8'),
  i8bin: (file) => readBinLayout(file, 'i8'),
  ibin: (file) => readBinLayout(file, 'i32'),
  npy: readNpyLayout,
  hdf5: undefined,
};

class FileRows implements RowSource {
  readonly rows: number;
  readonly dimension: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #layout: RowLayout;
  readonly #begins: number;
  #bytes = Buffer.alloc(0);
  #vectors = new Float32Array(0);

  constructor(path: string, handle: FileHandle, layout: RowLayout, begins: number, options: ReadOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#layout = layout;
    this.#begins = begins;
    this.rows = rowsToRead(layout.rows, options);
    this.dimension = layout.dimension;
  }

  async read(from: number, to: number): Promise<Float32Array> {
    const rowBytes = rowBytesOf(this.#layout);
    const numbers = (to - from) * this.dimension;
    if (this.#vectors.length < numbers) {
      this.#vectors = new Float32Array(numbers);
      this.#bytes = Buffer.alloc((to - from) * rowBytes);
    }
    const bytes = this.#bytes.subarray(0, (to - from) * rowBytes);
    for (let filled = 0; filled < bytes.length; ) {
      const at = this.#begins + from * rowBytes + filled;
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, at);
      if (bytesRead === 0) throw cut(this.#path, from + Math.floor(filled / rowBytes), this.#layout.rows);
      filled += bytesRead;
    }
    const vectors = this.#vectors.subarray(0, numbers);
    storeVectors(this.#path, vectors, this.dimension, componentsOf(this.#path, this.#layout, bytes, from), 0, from);
    return vectors;
  }
}
