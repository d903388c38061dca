import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import h5wasm from 'h5wasm/node';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataFileError, ParameterError } from '../../../src/core/errors.ts';
import { readIntegerMatrix, readMatrix } from '../../../src/lab/formats/index.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

const seed = 21;

type Data = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;

interface Member {
  data: Data | string[];
  shape: number[];
  /** In chunks, deflated. */
  chunks?: number[];
}

function write(name: string, members: Record<string, Member>): string {
  const path = join(temporaryFolder(), name);
  const file = new h5wasm.File(path, 'w', { libver: ['earliest', 'latest'] });
  for (const [member, { data, shape, chunks }] of Object.entries(members)) {
    file.create_dataset({ name: member, data, shape, ...(chunks && { chunks, compression: 9 }) });
  }
  file.close();
  return path;
}

/** A file as ann-benchmarks writes them. */
function writeSet(name = 'set.hdf5'): string {
  const numbers = (length: number) => Float32Array.from({ length }, (_, i) => i);
  return write(name, {
    train: { data: numbers(120), shape: [20, 6] },
    test: { data: numbers(30), shape: [5, 6] },
    neighbors: { data: Int32Array.from({ length: 15 }, (_, i) => i % 7), shape: [5, 3] },
    distances: { data: numbers(15), shape: [5, 3] },
  });
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => expect.unreachable(`no error but ${JSON.stringify(value)?.slice(0, 200)}`),
    (error: Error) => error,
  );
}

async function expectDataFileError(reading: Promise<unknown>, says: RegExp): Promise<void> {
  const error = await errorOf(reading);
  expect(error).toBeInstanceOf(DataFileError);
  expect(error.message).toMatch(says);
}

beforeAll(async () => {
  await h5wasm.ready;
});

describe('ann-benchmarks files', () => {
  test('each member comes back', async () => {
    const path = writeSet();
    const train = await readMatrix(path);
    expect(train).toEqual({ data: Float32Array.from({ length: 120 }, (_, i) => i), rows: 20, dimension: 6 });
    expect(await readMatrix(path, { member: 'train' })).toEqual(train);
    expect((await readMatrix(path, { member: 'test' })).rows).toBe(5);
    expect(await readIntegerMatrix(path, { member: 'neighbors' })).toEqual({
      data: Int32Array.from({ length: 15 }, (_, i) => i % 7),
      rows: 5,
      dimension: 3,
    });
    expect((await readMatrix(path, { member: 'distances' })).dimension).toBe(3);
  });

  test('a prefix', async () => {
    const prefix = await readMatrix(writeSet(), { maxRows: 3 });
    expect(prefix).toEqual({ data: Float32Array.from({ length: 18 }, (_, i) => i), rows: 3, dimension: 6 });
    expect((await readMatrix(writeSet(), { maxRows: 21 })).rows).toBe(20);
  });

  test('more rows than come in one chunk', async () => {
    const [rows, dimension] = [9000, 1000];
    const data = Float32Array.from({ length: rows * dimension }, (_, i) => i);
    const path = write('big.h5', { train: { data, shape: [rows, dimension] } });
    const matrix = await readMatrix(path);
    expect([matrix.rows, matrix.dimension]).toEqual([rows, dimension]);
    expect(matrix.data.every((value, i) => value === data[i])).toBe(true);
  });

  test.each([
    [Float64Array.of(1.5, 2, 3, 4, 5, 6)],
    [Int32Array.of(1, -2, 3, 4, 5, 6)],
    [BigInt64Array.of(1n, 2n, 3n, 4n, 5n, -6n)],
    [Uint8Array.of(1, 2, 3, 255, 5, 6)],
    [Int8Array.of(1, 2, 3, -128, 5, 6)],
  ])('other component types: %#', async (data) => {
    const path = write('t.h5', { train: { data, shape: [2, 3] } });
    expect((await readMatrix(path)).data).toEqual(Float32Array.from(Array.from<number | bigint>(data), Number));
  });

  test('chunked and deflated, though it is larger than its file', async () => {
    const path = write('t.h5', {
      train: { data: new Float32Array(100_000).fill(7), shape: [100, 1000], chunks: [10, 1000] },
    });
    expect(readFileSync(path).length).toBeLessThan(100_000);
    expect((await readMatrix(path)).data).toEqual(new Float32Array(100_000).fill(7));
  });
});

describe('what is wrong is said', () => {
  test('a member that is not there, or not an array of two axes, or not of numbers', async () => {
    const path = write('t.h5', {
      flat: { data: Float32Array.of(1, 2, 3), shape: [3] },
      words: { data: ['a', 'b'], shape: [2] },
      wide: { data: new Float32Array(5000), shape: [1, 5000] },
    });
    await expectDataFileError(readMatrix(path), /has no member train: it has flat, wide, words/);
    await expectDataFileError(
      readMatrix(path, { member: 'flat' }),
      /flat has the shape \(3\), not \(rows, dimension\)/,
    );
    await expectDataFileError(readMatrix(path, { member: 'words' }), /its member words holds .*: name one of integers/);
    await expectDataFileError(readMatrix(path, { member: 'wide' }), /wide says dimension 5000/);
  });

  test('floats where ids are wanted, ids and components that cannot be', async () => {
    const path = write('t.h5', {
      train: { data: Float32Array.of(1, Number.NaN), shape: [1, 2] },
      neighbors: { data: BigInt64Array.of(1n, 2n ** 40n), shape: [1, 2] },
    });
    await expectDataFileError(readIntegerMatrix(path), /holds f32 components, not integers/);
    await expectDataFileError(readMatrix(path), /row 0, component 1 is NaN/);
    await expectDataFileError(readIntegerMatrix(path, { member: 'neighbors' }), /column 1 is 1099511627776, beyond 32/);
  });

  test('a gzipped file', async () => {
    const path = writeSet();
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    await expectDataFileError(readMatrix(`${path}.gz`), /is a gzipped HDF5 file: gunzip it first/);
  });

  test('a shape that the file is too small for', async () => {
    const whole = writeSet();
    const chunked = write('t.h5', { train: { data: new Float32Array(120), shape: [20, 6], chunks: [10, 6] } });
    for (const [path, says] of [
      [whole, /the HDF5 library says: invalid dataset size/],
      [chunked, /train says 1099511627776 rows of 6 f32 \(\d+ bytes\) in a file of \d+/],
    ] as const) {
      const bytes = readFileSync(path);
      // The shape of train, (20, 6), and its maximum follow each other as u64; both become (2^40, 6).
      const shape = Buffer.alloc(32);
      for (const [i, length] of [20, 6, 20, 6].entries()) shape.writeUInt32LE(length, 8 * i);
      const at = bytes.indexOf(shape);
      expect(at).toBeGreaterThan(0);
      bytes.writeBigUInt64LE(2n ** 40n, at);
      bytes.writeBigUInt64LE(2n ** 40n, at + 16);
      writeFileSync(path, bytes);
      await expectDataFileError(readMatrix(path), says);
    }
  });

  test('a library that is stuck is stopped', async () => {
    await expectDataFileError(readMatrix(writeSet(), { stallSeconds: 0.001 }), /has been silent for 0.001 s/);
    await expect(readMatrix(writeSet(), { stallSeconds: 0 })).rejects.toThrow(ParameterError);
  });
});

describe('damage', () => {
  test('cut anywhere', async () => {
    const path = writeSet();
    const bytes = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length - 1 }), async (left) => {
        writeFileSync(path, bytes.subarray(0, left));
        await expectDataFileError(readMatrix(path), left < 8 ? /is not HDF5/ : /truncated|the HDF5 library/);
      }),
      { seed, numRuns: 12 },
    );
  });

  test('bytes changed in its header: refused, or read in the shape that was written, and the next file reads well', async () => {
    const path = writeSet();
    const bytes = readFileSync(path);
    const good = writeSet('good.hdf5');
    const want = await readMatrix(good);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 1599 }), fc.integer({ min: 1, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (flips) => {
          const damaged = Buffer.from(bytes);
          for (const [at, flip] of flips) damaged[at] ^= flip;
          writeFileSync(path, damaged);
          try {
            const { data, rows, dimension } = await readMatrix(path, { stallSeconds: 20 });
            expect(data.length).toBe(rows * dimension);
            expect(rows * dimension * 4).toBeLessThanOrEqual(bytes.length);
          } catch (error) {
            expect(error).toBeInstanceOf(DataFileError);
            expect((error as Error).message).toContain(path);
            refused++;
          }
        },
      ),
      { seed, numRuns: 30 },
    );
    expect(refused).toBeGreaterThan(3);
    expect(await readMatrix(good)).toEqual(want);
  });
});
