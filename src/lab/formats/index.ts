/** Every data file that annlab reads, chosen by the ending of its name (a final `.gz` aside). */
import { ParameterError } from '../../core/errors.ts';
import type { Matrix } from '../../core/matrix.ts';
import { type BinComponent, readBin, readBinIntegers } from './bin.ts';
import { type Hdf5Options, readHdf5, readHdf5Integers } from './hdf5.ts';
import { readIdx, readIdxIntegers } from './idx.ts';
import { readNpy, readNpyIntegers } from './npy.ts';
import type { IntegerMatrix } from './rows.ts';
import { readVecs, readVecsIntegers, type VecsComponent } from './vecs.ts';

export type { IntegerMatrix, ReadOptions } from './rows.ts';

/** `member` and `stallSeconds` are for HDF5 alone, which holds several arrays. */
export type ReadFileOptions = Hdf5Options & {
  /** Default: what the name says. */
  format?: Format;
};

/** Reads a file of vectors. Throws `DataFileError` where it is not what its name and header say. */
export async function readMatrix(path: string, options: ReadFileOptions = {}): Promise<Matrix> {
  return READERS[options.format ?? formatOf(path)].vectors(path, options);
}

/** Reads a file of integers, such as lists of neighbours. */
export async function readIntegerMatrix(path: string, options: ReadFileOptions = {}): Promise<IntegerMatrix> {
  return READERS[options.format ?? formatOf(path)].integers(path, options);
}

/** The format that a file's name tells. Throws `ParameterError` where it tells none. */
export function formatOf(path: string): Format {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  const format = ENDINGS.find(([ending]) => ending.test(name))?.[1];
  if (format === undefined) {
    throw new ParameterError({ parameter: 'file', got: path, want: `a name that ends in ${NAMED}` });
  }
  return format;
}

export const FORMATS = ['idx', 'fvecs', 'ivecs', 'bvecs', 'fbin', 'u8bin', 'i8bin', 'ibin', 'npy', 'hdf5'] as const;
export type Format = (typeof FORMATS)[number];

const ENDINGS: [RegExp, Format][] = [
  [/[.-]idx\d?(-\w+)?$/, 'idx'],
  ...(['fvecs', 'ivecs', 'bvecs', 'fbin', 'u8bin', 'i8bin', 'ibin', 'npy'] as const).map((format): [RegExp, Format] => [
    new RegExp(`\\.${format}$`),
    format,
  ]),
  [/\.(hdf5|h5)$/, 'hdf5'],
];
const NAMED = '-idx3-ubyte, .idx, .fvecs, .ivecs, .bvecs, .fbin, .u8bin, .i8bin, .ibin, .npy, .hdf5 or .h5 (and .gz)';

interface Reader {
  vectors(path: string, options: Hdf5Options): Promise<Matrix>;
  integers(path: string, options: Hdf5Options): Promise<IntegerMatrix>;
}

const vecs = (component: VecsComponent): Reader => ({
  vectors: (path, options) => readVecs(path, component, options),
  integers: (path, options) => readVecsIntegers(path, component, options),
});

const bin = (component: BinComponent): Reader => ({
  vectors: (path, options) => readBin(path, component, options),
  integers: (path, options) => readBinIntegers(path, component, options),
});

const READERS: Record<Format, Reader> = {
  idx: { vectors: readIdx, integers: readIdxIntegers },
  fvecs: vecs('f32'),
  ivecs: vecs('i32'),
  bvecs: vecs('u8'),
  fbin: bin('f32'),
  u8bin: bin('u8'),
  i8bin: bin('i8'),
  ibin: bin('i32'),
  npy: { vectors: readNpy, integers: readNpyIntegers },
  hdf5: { vectors: readHdf5, integers: readHdf5Integers },
};
