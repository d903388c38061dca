/**
 * HDF5 as ann-benchmarks.com lays it out: members `train`, `test`, `neighbors` and `distances`, each of two axes. The file is
 * read by h5wasm (the HDF5 library itself, as WebAssembly), in a worker of its own: a damaged file can leave the library
 * in any state, so every read starts a fresh one, and one that gets nowhere is stopped.
 *
 * Files in HDF5's oldest layout, which ann-benchmarks' are, carry no checksums: a flipped bit among the vectors passes
 * unseen here. The catalogue's sha256 is what finds it.
 */
import { DataFileError, ParameterError } from '../../core/errors.ts';
import type { Matrix } from '../../core/matrix.ts';
import { startWorker } from '../../workers/start-worker.ts';
import { FETCH_AGAIN, isGzip, readDataFile } from './data-file.ts';
import type { FromWorker, Hdf5Job } from './hdf5-worker.ts';
import {
  allocate,
  type ComponentArray,
  checkShape,
  componentBytes,
  type IntegerMatrix,
  notIntegers,
  type ReadOptions,
  rowsToRead,
  storeIntegers,
  storeVectors,
} from './rows.ts';

export interface Hdf5Options extends ReadOptions {
  /** Which of the file's arrays: `train`, `test`, `neighbors`, `distances`. Default: `train`. */
  member?: string;
  /** How long the library may be silent before it counts as stuck. Default 60 s. */
  stallSeconds?: number;
}

export function readHdf5(path: string, options: Hdf5Options = {}): Promise<Matrix> {
  return readMember(path, options, Float32Array, storeVectors);
}

export function readHdf5Integers(path: string, options: Hdf5Options = {}): Promise<IntegerMatrix> {
  return readMember(path, options, Int32Array, storeIntegers);
}

type Store<T> = (path: string, data: T, dimension: number, values: ComponentArray, offset: number) => void;

/** Runs the worker: when it says the shape, allocates; then stores the chunks that it sends. */
async function readMember<T extends Float32Array | Int32Array>(
  path: string,
  options: Hdf5Options,
  array: new (length: number) => T,
  store: Store<T>,
): Promise<{ data: T; rows: number; dimension: number }> {
  const { member = 'train', stallSeconds = 60 } = options;
  if (!(stallSeconds > 0)) {
    throw new ParameterError({ parameter: 'stallSeconds', got: stallSeconds, want: 'a positive number of seconds' });
  }
  const wantsIntegers = new array(0) instanceof Int32Array;
  const fileBytes = await fileSize(path);
  const job: Hdf5Job = { path, member, maxRows: rowsToRead(Number.MAX_SAFE_INTEGER, options) };
  const worker = startWorker('hdf5-worker', import.meta.url, { workerData: job, stdout: true, stderr: true });
  let watchdog: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      let matrix: { data: T; rows: number; dimension: number } | undefined;
      const alive = () => {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => {
          reject(damaged(path, `the HDF5 library has been silent for ${stallSeconds} s`));
        }, stallSeconds * 1000);
      };
      alive();
      worker.on('message', (message: FromWorker) => {
        alive();
        try {
          if ('shape' in message) {
            if (wantsIntegers && message.component.startsWith('f')) throw notIntegers(path, message.component);
            const { rows, dimension } = checkedShape(path, member, message, fileBytes, job.maxRows);
            matrix = { data: allocate(path, array, rows, dimension), rows, dimension };
          } else if ('values' in message) {
            store(path, matrix!.data, matrix!.dimension, message.values, message.offset);
            worker.postMessage('taken');
          } else if ('failure' in message) {
            reject(damaged(path, message.failure, message.mend));
          } else {
            resolve(matrix!);
          }
        } catch (error) {
          reject(error);
        }
      });
      worker.on('error', (error) => reject(damaged(path, `the HDF5 library failed (${error.message})`)));
      worker.on('exit', (code) => reject(damaged(path, `the HDF5 library ended early (exit code ${code})`)));
    });
  } finally {
    clearTimeout(watchdog);
    await worker.terminate();
  }
}

async function fileSize(path: string): Promise<number> {
  if (isGzip(path)) throw new DataFileError(path, 'is a gzipped HDF5 file', 'gunzip it first');
  return readDataFile(path, async (file) => {
    const opening = new Uint8Array(8);
    await file.read(opening);
    // The signature may also stand behind a user block of 512, 1024, … bytes; no data set has one.
    if (Buffer.compare(opening, SIGNATURE) !== 0) {
      throw new DataFileError(path, 'is not HDF5: it does not open with \\x89HDF', `check its name, or ${FETCH_AGAIN}`);
    }
    return file.contentBytes();
  });
}

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** Deflate, the strongest filter in use, cannot pack tighter than this. */
const MAX_RATIO = 1032;

function checkedShape(
  path: string,
  member: string,
  { shape, component, packed }: Extract<FromWorker, { shape: number[] }>,
  fileBytes: number,
  maxRows: number,
): { rows: number; dimension: number } {
  if (shape.length !== 2) {
    throw damaged(path, `${member} has the shape (${shape.join(', ')}), not (rows, dimension)`);
  }
  const [rows, dimension] = shape;
  checkShape(path, rows, dimension, member);
  const bytes = rows * dimension * componentBytes(component);
  if (bytes > fileBytes * (packed ? MAX_RATIO : 1)) {
    throw damaged(
      path,
      `${member} says ${rows} rows of ${dimension} ${component} (${bytes} bytes) in a file of ${fileBytes}`,
    );
  }
  return { rows: Math.min(rows, maxRows), dimension };
}

function damaged(path: string, what: string, mend?: string): DataFileError {
  return new DataFileError(path, what, mend ?? `it was cut, damaged or laid out for something else: ${FETCH_AGAIN}`);
}
