import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataFileError, ParameterError } from '../../../src/core/errors.ts';
import { Random } from '../../../src/core/random.ts';
import { fbinBytes } from '../../../src/lab/formats/bin.ts';
import { type Format, formatOf, readIntegerMatrix, readMatrix } from '../../../src/lab/formats/index.ts';
import type { Component, ComponentArray } from '../../../src/lab/formats/rows.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { binBytes, bytesOf, idxBytes, npyBytes, npyFile, type Rows, vecsBytes } from './writers.ts';

const seed = 20;

/** Where in a file, from 0 to 1. */
const POSITION = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** One way to write a file: its format, its component type, the name it gets. */
interface Kind {
  name: string;
  component: Component;
  write: (rows: Rows) => Buffer;
}

const KINDS: Kind[] = [
  ...(['u8', 'i8', 'i16', 'i32', 'f32', 'f64'] as const).map((component) => ({
    name: `${component}.idx`,
    component,
    write: (rows: Rows) => idxBytes(rows),
  })),
  { name: 'a.fvecs', component: 'f32', write: vecsBytes },
  { name: 'a.ivecs', component: 'i32', write: vecsBytes },
  { name: 'a.bvecs', component: 'u8', write: vecsBytes },
  { name: 'a.fbin', component: 'f32', write: binBytes },
  { name: 'a.u8bin', component: 'u8', write: binBytes },
  { name: 'a.i8bin', component: 'i8', write: binBytes },
  { name: 'a.ibin', component: 'i32', write: binBytes },
  ...(['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'] as const).flatMap((component) =>
    (component === 'f32' || component === 'i64' ? [1, 2, 3] : [1]).map((version) => ({
      name: `${component}-v${version}.npy`,
      component,
      write: (rows: Rows) => npyBytes(rows, { version, order: version === 2 ? '>' : '<' }),
    })),
  ),
];

const KINDS_AND_GZIPPED: Kind[] = KINDS.flatMap((kind) => [
  kind,
  { ...kind, name: `${kind.name}.gz`, write: (rows: Rows) => gzipSync(kind.write(rows)) },
]);

const ARRAYS = {
  u8: [Uint8Array, fc.integer({ min: 0, max: 255 })],
  i8: [Int8Array, fc.integer({ min: -128, max: 127 })],
  u16: [Uint16Array, fc.integer({ min: 0, max: 65535 })],
  i16: [Int16Array, fc.integer({ min: -32768, max: 32767 })],
  u32: [Uint32Array, fc.integer({ min: 0, max: 2 ** 24 })],
  i32: [Int32Array, fc.integer({ min: -(2 ** 24), max: 2 ** 24 })],
  u64: [BigUint64Array, fc.bigInt({ min: 0n, max: 2n ** 24n })],
  i64: [BigInt64Array, fc.bigInt({ min: -(2n ** 24n), max: 2n ** 24n })],
  f32: [Float32Array, fc.float({ noNaN: true, noDefaultInfinity: true })],
  f64: [Float64Array, fc.double({ noNaN: true, min: -1e30, max: 1e30 })],
} as const;

function anyRows(component: Component, { maxRows = 12, maxDimension = 9 } = {}): fc.Arbitrary<Rows> {
  const [array, value] = ARRAYS[component];
  return fc
    .record({ rows: fc.integer({ min: 1, max: maxRows }), dimension: fc.integer({ min: 1, max: maxDimension }) })
    .chain(({ rows, dimension }) =>
      fc
        .array(value as fc.Arbitrary<number>, { minLength: rows * dimension, maxLength: rows * dimension })
        .map((values) => ({
          values: (array as unknown as typeof Float32Array).from(values) as ComponentArray,
          rows,
          dimension,
          component,
        })),
    );
}

const asNumbers = (values: ComponentArray): number[] => Array.from(values as ArrayLike<number | bigint>, Number);

/** Writes the bytes under the name and returns the path. */
function file(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    (value) => expect.unreachable(`no error but ${JSON.stringify(value)?.slice(0, 200)}`),
    (error: Error) => error,
  );
}

async function expectDataFileError(path: string, says: RegExp): Promise<void> {
  const error = await errorOf(readMatrix(path));
  expect(error).toBeInstanceOf(DataFileError);
  expect(error.message).toContain(path);
  expect(error.message).toMatch(says);
}

describe('a file that was written comes back', () => {
  test.each(KINDS_AND_GZIPPED)('$name', async ({ name, component, write }) => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(anyRows(component), fc.integer({ min: 1, max: 15 }), async (rows, maxRows) => {
        const path = file(folder, name, write(rows));
        const { dimension } = rows;
        const want = Float32Array.from(asNumbers(rows.values));
        expect(await readMatrix(path)).toEqual({ data: want, rows: rows.rows, dimension });

        const prefix = Math.min(maxRows, rows.rows);
        expect(await readMatrix(path, { maxRows })).toEqual({
          data: want.slice(0, prefix * dimension),
          rows: prefix,
          dimension,
        });

        if (component === 'f32' || component === 'f64') {
          const error = await errorOf(readIntegerMatrix(path));
          expect(error).toBeInstanceOf(DataFileError);
          expect(error.message).toMatch(/not integers/);
        } else {
          const data = Int32Array.from(asNumbers(rows.values));
          expect(await readIntegerMatrix(path)).toEqual({ data, rows: rows.rows, dimension });
        }
      }),
      { seed, numRuns: 12 },
    );
  });

  test('with more rows than are converted at a time', async () => {
    const [rows, dimension] = [5000, 300];
    const values = Float32Array.from({ length: rows * dimension }, (_, i) => i);
    const matrix = { values, rows, dimension, component: 'f32' as const };
    const folder = temporaryFolder();
    for (const [name, bytes] of [
      ['a.fvecs', vecsBytes(matrix)],
      ['a.fbin', binBytes(matrix)],
      ['a.idx.gz', gzipSync(idxBytes(matrix))],
    ] as const) {
      const path = file(folder, name, bytes);
      expect(Buffer.compare(bytesOf((await readMatrix(path)).data), bytesOf(values)), name).toBe(0);
      const prefix = await readMatrix(path, { maxRows: 4500 });
      expect(prefix.rows).toBe(4500);
      expect(Buffer.compare(bytesOf(prefix.data), bytesOf(values.subarray(0, 4500 * dimension))), name).toBe(0);
    }
  });

  test('with the axes of idx flattened into the dimension', async () => {
    const values = Uint8Array.from({ length: 24 }, (_, i) => i);
    const path = file(
      temporaryFolder(),
      't10k-images-idx3-ubyte',
      idxBytes({ values, rows: 2, dimension: 12, component: 'u8' }, [3, 4]),
    );
    expect(await readMatrix(path)).toEqual({ data: Float32Array.from(values), rows: 2, dimension: 12 });
  });

  test('from a gzip file of several members', async () => {
    const bytes = binBytes({ values: Float32Array.of(1, 2, 3, 4), rows: 2, dimension: 2, component: 'f32' });
    const path = file(
      temporaryFolder(),
      'a.fbin.gz',
      Buffer.concat([gzipSync(bytes.subarray(0, 11)), gzipSync(bytes.subarray(11))]),
    );
    expect((await readMatrix(path)).data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test("through the engine's own fbin writer", async () => {
    const matrix = { data: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 2, dimension: 3 };
    const path = file(temporaryFolder(), 'a.fbin', Buffer.concat([...fbinBytes(matrix)]));
    expect(await readMatrix(path)).toEqual(matrix);
  });
});

/** vecs has no count, so a file cut between two rows is a whole, shorter file. */
const isVecs = (name: string): boolean => name.includes('vecs');

describe('a file that was damaged is refused', () => {
  test.each(KINDS_AND_GZIPPED)('$name: cut anywhere', async ({ name, component, write }) => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(anyRows(component), POSITION, async (rows, where) => {
        const bytes = write(rows);
        const left = Math.floor(where * bytes.length);
        const path = file(folder, name, bytes.subarray(0, left));
        const rowBytes = bytes.length / rows.rows;
        if (isVecs(name) && !name.endsWith('.gz') && left > 0 && left % rowBytes === 0) {
          expect((await readMatrix(path)).rows).toBe(left / rowBytes);
        } else {
          await expectDataFileError(path, left === 0 ? /is empty/ : /cut|not a whole gzip file/);
        }
      }),
      { seed, numRuns: 25 },
    );
  });

  test.each(KINDS)('$name: bytes after its end', async ({ name, component, write }) => {
    const folder = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(anyRows(component), fc.uint8Array({ minLength: 1, maxLength: 3 }), async (rows, more) => {
        const bytes = Buffer.concat([write(rows), more]);
        await expectDataFileError(file(folder, name, bytes), /too many|not a whole number of rows/);
        await expectDataFileError(file(folder, `${name}.gz`, gzipSync(bytes)), /too many|not a whole number of rows/);
      }),
      { seed, numRuns: 10 },
    );
  });

  /** Where a flip may leave a file that is as whole as before: it then reads as as many bytes of another type or shape. */
  test.each(KINDS)('$name: a byte of its header changed', async ({ name, component, write }) => {
    const folder = temporaryFolder();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anyRows(component), POSITION, fc.integer({ min: 1, max: 255 }), async (rows, where, flip) => {
        const bytes = write(rows);
        const headerBytes = isVecs(name) ? 4 : bytes.length - rows.values.byteLength;
        bytes[Math.floor(where * headerBytes)] ^= flip;
        const path = file(folder, name, bytes);
        try {
          const { rows: gotRows, dimension } = await readMatrix(path);
          if (isVecs(name)) {
            expect(gotRows * (4 + dimension * rows.values.BYTES_PER_ELEMENT)).toBe(bytes.length);
          } else {
            expect({ rows: gotRows, dimension }).toEqual({ rows: rows.rows, dimension: rows.dimension });
            expect(name).toMatch(/idx|npy/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DataFileError);
          expect((error as Error).message).toContain(path);
          refused++;
        }
      }),
      { seed, numRuns: 60 },
    );
    expect(refused).toBeGreaterThan(name.endsWith('bin') ? 59 : 30);
  });

  test.each(KINDS)('$name, gzipped: a byte changed anywhere', async ({ name, component, write }) => {
    const folder = temporaryFolder();
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anyRows(component), POSITION, fc.integer({ min: 1, max: 255 }), async (rows, where, flip) => {
        const bytes = gzipSync(write(rows));
        const at = Math.floor(where * bytes.length);
        bytes[at] ^= flip;
        const path = file(folder, `${name}.gz`, bytes);
        try {
          // Only gzip's own header has bytes that do not matter (time, system, flags without a meaning).
          const { data } = await readMatrix(path);
          expect(at).toBeLessThan(10);
          expect(data).toEqual(Float32Array.from(asNumbers(rows.values)));
        } catch (error) {
          expect(error).toBeInstanceOf(DataFileError);
          refused++;
        }
      }),
      { seed, numRuns: 20 },
    );
    expect(refused).toBeGreaterThan(5);
  });
});

describe('a large gzip file is looked at to its end', () => {
  const [rows, dimension] = [3000, 400];
  const random = new Random('noise');
  const values = Float32Array.from({ length: rows * dimension }, () => random.uniform());
  const bytes = binBytes({ values, rows, dimension, component: 'f32' });

  test('where its checksum is wrong', async () => {
    const zipped = gzipSync(bytes, { level: 1 });
    zipped[zipped.length - 8] ^= 1;
    await expectDataFileError(
      file(temporaryFolder(), 'a.fbin.gz', zipped),
      /not a whole gzip file \(incorrect data check/,
    );
  });

  test('where a second member, as long as the first, follows it', async () => {
    const zipped = gzipSync(bytes, { level: 1 });
    const path = file(temporaryFolder(), 'a.fbin.gz', Buffer.concat([zipped, zipped]));
    await expectDataFileError(path, /goes on after row 3000, which should be its last/);
    expect((await readMatrix(path, { maxRows: 10 })).data).toEqual(values.slice(0, 10 * dimension));
  });
});

describe('what is wrong is said', () => {
  const rows: Rows = { values: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 3, dimension: 2, component: 'f32' };
  const ENDINGS: Format[] = ['idx', 'fvecs', 'ivecs', 'bvecs', 'fbin', 'u8bin', 'i8bin', 'ibin', 'npy', 'hdf5'];

  test.each(ENDINGS)('%s: zero length', async (ending) => {
    await expectDataFileError(file(temporaryFolder(), `a.${ending}`, Buffer.alloc(0)), /is empty \(0 bytes\)/);
  });

  test.each(ENDINGS)('%s: no file, or a folder', async (ending) => {
    const folder = temporaryFolder();
    await expectDataFileError(join(folder, `a.${ending}`), /does not exist/);
    await expectDataFileError(file(folder, `b.${ending}`, Buffer.alloc(0)), /is empty/);
    const error = await errorOf(readMatrix(folder, { format: ending }));
    expect(error).toBeInstanceOf(DataFileError);
    expect(error.message).toMatch(/is not a file/);
  });

  test.each([
    ['idx', vecsBytes(rows), /is not idx: it opens with 02 00 00 00/],
    ['idx', npyBytes(rows), /is not idx/],
    ['npy', binBytes(rows), /is not npy/],
    ['hdf5', npyBytes(rows), /is not HDF5/],
    ['fbin', npyBytes(rows), /dimension \d+, and annlab takes 1 to 4096/],
    ['fvecs', npyBytes(rows), /dimension \d+, and annlab takes 1 to 4096/],
  ] as const)('%s: the bytes of another format', async (ending, bytes, says) => {
    await expectDataFileError(file(temporaryFolder(), `a.${ending}`, bytes), says);
  });

  test.each([0, 4097, 2 ** 31, 2 ** 32 - 1])('dimension %i', async (dimension) => {
    const folder = temporaryFolder();
    const header = Buffer.alloc(12);
    header.writeUInt32LE(1, 0);
    header.writeUInt32LE(dimension, 4);
    await expectDataFileError(file(folder, 'a.fbin', header), /says dimension \d+, and annlab takes 1 to 4096/);
    await expectDataFileError(file(folder, 'a.fvecs', header.subarray(4)), /says dimension -?\d+, and annlab takes/);
    const idx = idxBytes({ ...rows, values: Uint8Array.of(1), component: 'u8' }, [dimension]);
    await expectDataFileError(file(folder, 'a.idx', idx), /says dimension \d+, and annlab takes/);
    const npy = npyBytes(rows, { shape: `(1, ${dimension})` });
    await expectDataFileError(file(folder, 'a.npy', npy), /says dimension \d+, and annlab takes/);
  });

  test('a header that promises more than any file holds, before anything is allocated', async () => {
    const folder = temporaryFolder();
    const before = process.memoryUsage().arrayBuffers;
    const header = Buffer.alloc(100);
    header.writeUInt32LE(2 ** 32 - 1, 0);
    header.writeUInt32LE(4096, 4);
    await expectDataFileError(file(folder, 'a.fbin', header), /4294967295 rows of 4096 f32.*are missing/);
    await expectDataFileError(file(folder, 'a.fbin.gz', gzipSync(header)), /4294967295 rows of 4096 f32.*are missing/);
    const npy = npyBytes(rows, { shape: `(${'9'.repeat(300)}, 4096)` });
    await expectDataFileError(file(folder, 'a.npy', npy), /says 1e\+300 rows/);
    const idx = idxBytes({ ...rows, rows: 2 ** 32 - 1 }, [64, 64]);
    await expectDataFileError(file(folder, 'a.idx', idx), /4294967295 rows of 4096 f32.*are missing/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
  });

  test('no rows', async () => {
    const folder = temporaryFolder();
    const none: Rows = { values: new Float32Array(0), rows: 0, dimension: 4, component: 'f32' };
    await expectDataFileError(file(folder, 'a.fbin', binBytes(none)), /says 0 rows/);
    await expectDataFileError(file(folder, 'a.idx', idxBytes(none)), /says 0 rows/);
    await expectDataFileError(file(folder, 'a.npy', npyBytes(none)), /says 0 rows/);
  });

  test('rows of vecs that differ in dimension', async () => {
    // Two rows of 3 components and one of 7: together as long as four rows of 3.
    const bytes = Buffer.concat([
      vecsBytes({ values: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 2, dimension: 3, component: 'f32' }),
      vecsBytes({ values: new Float32Array(7), rows: 1, dimension: 7, component: 'f32' }),
    ]);
    await expectDataFileError(file(temporaryFolder(), 'a.fvecs', bytes), /row 2 says dimension 7, and row 0 said 3/);
  });

  test.each([
    [Float32Array.of(1, 2, 3, Number.NaN), 'f32', /row 1, component 1 is NaN/],
    [Float32Array.of(1, Number.NEGATIVE_INFINITY, 3, 4), 'f32', /row 0, component 1 is -Infinity/],
    [Float64Array.of(1, 2, 1e300, 4), 'f64', /row 1, component 0 is 1e\+300, beyond f32/],
  ] as const)('a component that is not finite: %#', async (values, component, says) => {
    const path = file(temporaryFolder(), 'a.npy', npyBytes({ values, rows: 2, dimension: 2, component }));
    await expectDataFileError(path, says);
  });

  test.each([
    [BigInt64Array.of(1n, 2n ** 31n), 'i64'],
    [Uint32Array.of(1, 2 ** 32 - 1), 'u32'],
  ] as const)('a neighbour id beyond 31 bits: %#', async (values, component) => {
    const path = file(temporaryFolder(), 'a.npy', npyBytes({ values, rows: 1, dimension: 2, component }));
    const error = await errorOf(readIntegerMatrix(path));
    expect(error).toBeInstanceOf(DataFileError);
    expect(error.message).toMatch(/row 0, column 1 is (2147483648|4294967295), beyond 32 bits/);
  });

  test.each([
    ["{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", /ascontiguousarray/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", /the shape \(6,\).*array of two axes/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2), }", /array of two axes/],
    ["{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2), }", /the type <f2.*astype/],
    ["{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }", /the type \|O/],
    ["{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3, 2), }", /npy header/],
    ["{'descr': '<f4', 'fortran_order': False, }", /not descr, fortran_order and shape/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'x': (1,), }", /not descr, fortran_order and shape/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } or os.remove('x')", /something other than/],
    ['', /no dict/],
  ])('npy: the header %s', async (dict, says) => {
    await expectDataFileError(file(temporaryFolder(), 'a.npy', npyFile(dict, 1, [bytesOf(rows.values)])), says);
  });

  test('npy: keys in another order, no trailing comma', async () => {
    const dict = "{'shape': (3, 2), 'fortran_order': False, 'descr': '<f4'}";
    const path = file(temporaryFolder(), 'a.npy', npyFile(dict, 1, [bytesOf(rows.values)]));
    expect((await readMatrix(path)).data).toEqual(rows.values);
  });

  test('npy: a version that there is not', async () => {
    const path = file(temporaryFolder(), 'a.npy', npyFile('{}', 9, []));
    await expectDataFileError(path, /npy version 9\.0/);
  });

  test.each([0, -1, 1.5, Number.NaN])('maxRows = %d', async (maxRows) => {
    const path = file(temporaryFolder(), 'a.fbin', binBytes(rows));
    await expect(readMatrix(path, { maxRows })).rejects.toThrow(ParameterError);
  });
});

describe('the format goes by the name', () => {
  test.each([
    ['train-images-idx3-ubyte.gz', 'idx'],
    ['T10K-LABELS.IDX1-UBYTE', 'idx'],
    ['a.idx', 'idx'],
    ['sift_base.fvecs', 'fvecs'],
    ['gt.ivecs.gz', 'ivecs'],
    ['base.1B.u8bin', 'u8bin'],
    ['x.npy', 'npy'],
    ['sift-128-euclidean.hdf5', 'hdf5'],
    ['a.b.h5', 'hdf5'],
  ])('%s is %s', (name, format) => {
    expect(formatOf(name)).toBe(format);
  });

  test.each(['vectors.csv', 'fbin', 'a.fbin.zip', 'idxfiles'])('%s tells none', (name) => {
    expect(() => formatOf(name)).toThrow(ParameterError);
    expect(() => formatOf(name)).toThrow(/a name that ends in/);
  });
});
