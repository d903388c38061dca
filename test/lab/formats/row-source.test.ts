import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DataFileError, ParameterError } from '../../../src/core/errors.ts';
import { readMatrix } from '../../../src/lab/formats/index.ts';
import { withRowSource } from '../../../src/lab/formats/row-source.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { binBytes, idxBytes, npyBytes, type Rows, vecsBytes } from './writers.ts';

const ROWS: Rows = {
  values: Float32Array.from({ length: 35 }, (_, i) => i / 3),
  ...{ rows: 7, dimension: 5, component: 'f32' },
};
const BYTES: Rows = { ...ROWS, values: Uint8Array.from({ length: 35 }, (_, i) => 7 * i), component: 'u8' };

const FILES: [string, Buffer][] = [
  ['a.fbin', binBytes(ROWS)],
  ['a.u8bin', binBytes(BYTES)],
  ['a.fvecs', vecsBytes(ROWS)],
  ['a.bvecs', vecsBytes(BYTES)],
  ['a.npy', npyBytes(ROWS, { version: 1, order: '<' })],
  ['big.npy', npyBytes(ROWS, { version: 2, order: '>' })],
  ['a.idx', idxBytes(ROWS)],
];

function written(name: string, bytes: Buffer): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

for (const [name, bytes] of FILES) {
  it(`reads any rows of ${name} as readMatrix reads them`, async () => {
    const path = written(name, bytes);
    const { data, rows, dimension } = await readMatrix(path);
    await withRowSource(path, async (source) => {
      expect([source.rows, source.dimension]).toEqual([rows, dimension]);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 7 }), async (from, count) => {
          const to = Math.min(7, from + count);
          expect(Array.from(await source.read(from, to))).toEqual(Array.from(data.subarray(from * 5, to * 5)));
        }),
        { seed: 3, numRuns: 30 },
      );
    });
  });
}

it('takes the first rows only, where that is asked for', async () => {
  const path = written('a.fbin', binBytes(ROWS));
  expect(await withRowSource(path, async ({ rows }) => rows, { maxRows: 3 })).toBe(3);
  await expect(withRowSource(path, async () => 0, { maxRows: 0 })).rejects.toThrow(ParameterError);
});

it('refuses what can only be read from front to back, and files that are not what they say', async () => {
  const open = (path: string) => withRowSource(path, async () => 0);
  await expect(open(written('a.fbin.gz', gzipSync(binBytes(ROWS))))).rejects.toThrow(/gunzip it first/);
  await expect(open(written('a.hdf5', Buffer.alloc(100)))).rejects.toThrow(/HDF5/);
  await expect(open(written('a.fbin', binBytes(ROWS).subarray(0, 100)))).rejects.toThrow(DataFileError);
  await expect(open(join(temporaryFolder(), 'none.fbin'))).rejects.toThrow(/does not exist/);
});

it('says which row is not finite, and where a file ends that was cut meanwhile', async () => {
  const values = Float32Array.from(ROWS.values as Float32Array);
  values[4 * 5 + 2] = Number.NaN;
  const path = written('a.fbin', binBytes({ ...ROWS, values }));
  await withRowSource(path, async (source) => {
    await expect(source.read(3, 6)).rejects.toThrow(/row 4, component 2 is NaN/);
    truncateSync(path, 8 + 5 * 20);
    await expect(source.read(4, 7)).rejects.toThrow(/ends within row 5 of 7/);
  });
});
