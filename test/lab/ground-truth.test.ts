import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { type Matrix, row } from '../../src/core/matrix.ts';
import { Random } from '../../src/core/random.ts';
import { type Dataset, loadDataset } from '../../src/lab/datasets.ts';
import { groundTruth } from '../../src/lab/ground-truth.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { failingDisk } from './full-disk.ts';

const random = new Random('ground truth');

function cloud(rows: number, dimension: number): Matrix {
  return { data: Float32Array.from({ length: rows * dimension }, () => random.normal()), rows, dimension };
}

function dataset(change: Partial<Dataset> = {}): Dataset {
  return {
    name: 'cloud',
    title: 'a cloud',
    metric: 'l2',
    train: cloud(200, 6),
    queries: cloud(15, 6),
    source: 'synthetic',
    key: 'k'.repeat(64),
    cacheFolder: temporaryFolder(),
    ...change,
  };
}

/** The k nearest rows by sorting all of them. */
function sorted({ train, queries }: Dataset, k: number): { ids: number[]; distances: number[] } {
  const ids: number[] = [];
  const distances: number[] = [];
  for (let query = 0; query < queries.rows; query++) {
    const q = row(queries, query);
    const all = Array.from({ length: train.rows }, (_, id) => {
      const distance = row(train, id).reduce((sum, x, j) => sum + (x - q[j]) ** 2, 0);
      return { id, distance };
    }).sort((a, b) => a.distance - b.distance);
    for (const { id, distance } of all.slice(0, k)) {
      ids.push(id);
      distances.push(distance);
    }
  }
  return { ids, distances };
}

/** Computes it, and counts whether it was computed. */
async function truthOf(set: Dataset, k: number, options: Parameters<typeof groundTruth>[2] = {}) {
  let computed = false;
  const warnings: string[] = [];
  const truth = await groundTruth(set, k, {
    threads: 2,
    onProgress: () => {
      computed = true;
    },
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return { truth, computed, warnings };
}

test('the exact neighbours, nearest first', async () => {
  const set = dataset();
  const { truth } = await truthOf(set, 7);
  const want = sorted(set, 7);
  expect(Array.from(truth.ids)).toEqual(want.ids);
  for (const [i, distance] of want.distances.entries()) expect(truth.distances[i]).toBeCloseTo(distance, 4);
  expect(truth.k).toBe(7);
});

describe('is kept', () => {
  test('and not computed again, for the same k and smaller ones', async () => {
    const set = dataset();
    const first = await truthOf(set, 10);
    expect(first.computed).toBe(true);
    const again = await truthOf(set, 10);
    expect(again.computed).toBe(false);
    expect(again.truth).toEqual(first.truth);
    const fewer = await truthOf(set, 3);
    expect(fewer.computed).toBe(false);
    const want = sorted(set, 3);
    expect(Array.from(fewer.truth.ids)).toEqual(want.ids);
    expect(fewer.truth.k).toBe(3);
    expect(Array.from(fewer.truth.distances)).toEqual(Array.from(first.truth.distances).filter((_, i) => i % 10 < 3));
  });

  test('and computed for a larger k, which then serves', async () => {
    const set = dataset();
    await truthOf(set, 3);
    const more = await truthOf(set, 8);
    expect(more.computed).toBe(true);
    expect(Array.from(more.truth.ids)).toEqual(sorted(set, 8).ids);
    expect((await truthOf(set, 8)).computed).toBe(false);
  });

  test('apart for another content, other rows, other queries, another metric', async () => {
    const set = dataset();
    await truthOf(set, 5);
    const { train, queries } = set;
    const others: Dataset[] = [
      { ...set, key: 'other' },
      { ...set, train: { ...train, rows: 100, data: train.data.subarray(0, 600) } },
      { ...set, queries: { ...queries, rows: 9, data: queries.data.subarray(0, 54) } },
      { ...set, metric: 'manhattan' },
    ];
    for (const other of others) expect((await truthOf(other, 5)).computed).toBe(true);
    for (const other of [set, ...others]) expect((await truthOf(other, 5)).computed).toBe(false);
  });

  test('in another folder when one is named', async () => {
    const set = dataset();
    const cacheDir = temporaryFolder();
    await truthOf(set, 5, { cacheDir });
    expect(readdirSync(set.cacheFolder)).toEqual([]);
    expect(readdirSync(cacheDir)).toHaveLength(2);
  });
});

test('k beyond the set: all of it', async () => {
  const set = dataset({ train: cloud(4, 6) });
  const { truth } = await truthOf(set, 10);
  expect(truth.k).toBe(4);
  expect(Array.from(truth.ids)).toEqual(sorted(set, 4).ids);
  expect((await truthOf(set, 10)).computed).toBe(false);
});

test.each([0, -1, 2.5, Number.NaN])('k = %d is refused', async (k) => {
  await expect(groundTruth(dataset(), k)).rejects.toThrow(ParameterError);
});

describe('a file that was damaged is noticed and computed again', () => {
  test.each<[string, (bytes: Buffer) => Buffer | null, RegExp]>([
    ['an id changed', (bytes) => flip(bytes, 20), /checksum mismatch/],
    ['a distance changed', (bytes) => flip(bytes, bytes.length - 1), /checksum mismatch/],
    ['cut', (bytes) => bytes.subarray(0, 100), /checksum mismatch/],
    ['emptied', () => Buffer.alloc(0), /checksum mismatch/],
    ['its checksum gone', () => null, /checksum mismatch/],
  ])('%s', async (_, damage, says) => {
    const set = dataset();
    const { truth } = await truthOf(set, 5);
    const name = readdirSync(set.cacheFolder).find((name) => name.endsWith('.bin'))!;
    const path = join(set.cacheFolder, name);
    const damaged = damage(readFileSync(path));
    if (damaged === null) writeFileSync(`${path}.sha256`, '');
    else writeFileSync(path, damaged);
    const again = await truthOf(set, 5);
    expect(again.computed).toBe(true);
    expect(again.truth).toEqual(truth);
    expect(again.warnings).toEqual([expect.stringMatching(says)]);
    expect(await truthOf(set, 5)).toMatchObject({ computed: false, warnings: [] });
  });
});

test('a disk that is full does not keep it from being used', async () => {
  const set = dataset();
  const { truth, warnings } = await truthOf(set, 5, { fileSystem: failingDisk({ roomBytes: 50 }) });
  expect(Array.from(truth.ids)).toEqual(sorted(set, 5).ids);
  expect(warnings).toEqual([expect.stringMatching(/not kept for another time: .*the disk is full/)]);
  expect(readdirSync(set.cacheFolder)).toEqual([]);
});

const FASHION = fileURLToPath(new URL('../../../shared/datasets/fashion-mnist', import.meta.url));

test.skipIf(!existsSync(FASHION))(
  'Fashion-MNIST: the first query has the neighbours that others have found',
  async () => {
    const cacheDir = temporaryFolder();
    const set = await loadDataset('fashion-mnist-784-euclidean', { cacheDir, offline: true, maxQueries: 3 });
    expect([set.train.rows, set.train.dimension, set.source]).toEqual([60_000, 784, 'shared']);
    const truth = await groundTruth(set, 5);
    expect(Array.from(truth.ids.subarray(0, 5))).toEqual([18094, 53939, 18352, 52468, 15081]);
    expect(Math.sqrt(truth.distances[0])).toBeCloseTo(482.2966, 3);
  },
);

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1;
  return copy;
}
