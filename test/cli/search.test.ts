import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseSearchArguments } from '../../src/cli/search.ts';
import { CorruptionError, UsageError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, save } from '../../src/engine/index-file.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { BLOCK_BYTES } from '../../src/storage/ann-format.ts';
import { npyBytes, vecsBytes } from '../lab/formats/writers.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { said } from './said.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the command line of annlab search', () => {
  it('has defaults, and reads every flag', () => {
    expect(parseSearchArguments(['i.ann', '--dataset', 'd'])).toEqual({
      ...{ file: 'i.ann', from: { dataset: 'd' }, k: 10, ef: 64 },
    });
    const words = 'i.ann --queries q.npy --truth t.ivecs --k 100 --limit 7';
    expect(parseSearchArguments(words.split(' '))).toEqual({
      ...{ file: 'i.ann', from: { queries: 'q.npy', truth: 't.ivecs' }, k: 100, ef: 100, limit: 7 },
    });
    expect(parseSearchArguments(['i.ann', '--dataset', 'd', '--ef', '200'])).toMatchObject({ ef: 200 });
    const plain = { file: 'i.ann', from: { dataset: 'd' }, k: 10 };
    expect(parseSearchArguments(['i.ann', '--dataset', 'd', '--gamma', '.03'])).toEqual({ ...plain, gamma: 0.03 });
    expect(parseSearchArguments(['i.ann', '--dataset', 'd', '--recall', '0.95'])).toEqual({ ...plain, recall: 0.95 });
  });

  it.each([
    [['--dataset', 'd'], /^one index/],
    [['a', 'b', '--dataset', 'd'], /^one index/],
    [['a'], /^which queries\? Name a file with --queries or a set with --dataset$/],
    [['a', '--queries', 'q', '--dataset', 'd'], /^which queries\?.*, not both$/],
    [['a', '--dataset', 'd', '--truth', 't'], /^--truth t: that goes with --queries/],
    [['a', '--dataset', 'd', '--k', '10', '--ef', '9'], /--ef 9: expected a whole number from 10/],
    [['a', '--dataset', 'd', '--recall', '95'], /--recall 95: expected a number from 0.001 to 1/],
    [['a', '--dataset', 'd', '--recall', 'all'], /--recall all: expected a number/],
    [['a', '--dataset', 'd', '--gamma', '1e1'], /--gamma 1e1: expected a number from 0 to 10/],
    [['a', '--dataset', 'd', '--gamma', '0', '--ef', '64'], /^--ef and --gamma: how far to look is said by one/],
    [['a', '--dataset', 'd', '--gamma', '0', '--recall', '1'], /^--gamma and --recall: how far to look/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseSearchArguments(argv)).toThrow(UsageError);
    expect(() => parseSearchArguments(argv)).toThrow(message);
  });
});

describe('annlab search', () => {
  const [DIMENSION, ROWS, QUERIES] = [8, 900, 30];

  async function folderOfFiles() {
    const folder = temporaryFolder();
    const random = new Random('searched');
    const data = (rows: number) => Float32Array.from({ length: rows * DIMENSION }, () => random.normal());
    const [base, queries] = [data(ROWS), data(QUERIES)];
    const index = Hnsw.create({ dimension: DIMENSION, capacity: ROWS });
    index.addBatch(base);
    const flat = Flat.create({ dimension: DIMENSION, capacity: ROWS });
    flat.addBatch(base);
    const rowOf = (i: number) => queries.subarray(i * DIMENSION, (i + 1) * DIMENSION);
    const paths = { index: join(folder, 'index.ann'), queries: join(folder, 'q.npy'), truth: join(folder, 't.ivecs') };
    await save(index, paths.index);
    writeFileSync(paths.queries, npyBytes({ values: queries, rows: QUERIES, dimension: DIMENSION, component: 'f32' }));
    const nearest = Int32Array.from(
      Array.from({ length: QUERIES }, (_, i) => Array.from(flat.search(rowOf(i), { k: 12 }).ids)).flat(),
    );
    writeFileSync(paths.truth, vecsBytes({ values: nearest, rows: QUERIES, dimension: 12, component: 'i32' }));
    return { ...paths, folder, flat, rowOf };
  }

  it('shows what is nearest to the first queries, with distances', async () => {
    const { index, queries, flat, rowOf } = await folderOfFiles();
    const { text, status } = await said('search', index, '--queries', queries, '--k', '3', '--ef', '900');
    expect(status).toBe(0);
    const lines = text.split('\n');
    expect(lines).toHaveLength(10);
    for (const [i, line] of lines.entries()) {
      const { ids, distances } = flat.search(rowOf(i), { k: 3 });
      expect(line.startsWith(`query ${i}: `)).toBe(true);
      const shown = [...line.matchAll(/(\d+) \(([\d.e-]+)\)/g)].map(([, id, distance]) => [
        Number(id),
        Number(distance),
      ]);
      expect(shown.map(([id]) => id)).toEqual(Array.from(ids));
      for (const [j, [, distance]] of shown.entries()) expect(distance).toBeCloseTo(distances[j], 3);
    }
    expect((await said('search', index, '--queries', queries, '--limit', '2')).text.split('\n')).toHaveLength(2);
  });

  it('says recall and speed where the truth is known', async () => {
    const { index, queries, truth } = await folderOfFiles();
    const { text } = await said('search', index, '--queries', queries, '--truth', truth, '--ef', '900');
    expect(text).toMatch(
      /^recall@10 1\.0000, [\d,]+ queries per second on one thread, p50 [\d.]+ µs, p99 [\d.,]+ µs \(efSearch 900, 30 queries\)$/,
    );
    const one = await said('search', index, '--queries', queries, '--truth', truth, '--k', '1', '--limit', '5');
    expect(one.text).toMatch(/^recall@1 [01]\.\d{4}, .*efSearch 64, 5 queries\)$/);
    await expect(said('search', index, '--queries', queries, '--truth', truth, '--k', '13')).rejects.toThrow(
      /t\.ivecs has 12 neighbours for 30 queries, and 13 for 30 are needed/,
    );
  });

  it('looks as far as a recall takes, where the index was calibrated', async () => {
    const { index, queries, truth, folder } = await folderOfFiles();
    const asked = ['--queries', queries, '--truth', truth];
    const uncalibrated = said('search', index, ...asked, '--recall', '0.8');
    await expect(uncalibrated).rejects.toThrow(UsageError);
    await expect(uncalibrated).rejects.toThrow(
      /^--recall: .*\.ann is not calibrated, .*build it without --no-calibrate/,
    );
    // What is damaged elsewhere is for those to say who come there: the whole file is not read for it.
    const damaged = readFileSync(index);
    damaged[BLOCK_BYTES + 100] ^= 1;
    writeFileSync(join(folder, 'damaged.ann'), damaged);
    const spoilt = said('search', join(folder, 'damaged.ann'), '--queries', queries, '--recall', '0.8');
    await expect(spoilt).rejects.toThrow(/is not calibrated/);
    const calibrated = join(folder, 'calibrated.ann');
    const opened = await open(index);
    await opened.calibrate();
    await save(opened, calibrated);
    const { gamma } = opened.resolve({ k: 10, recallTarget: 0.8 });
    const { text } = await said('search', calibrated, ...asked, '--recall', '0.8');
    expect(text).toMatch(/^recall@10 (0\.[789]\d+|1\.0000), .*\(recall 0\.8 wanted: gamma [\d.]+, 30 queries\)$/);
    expect(text).toContain(`gamma ${gamma},`);
    await expect(said('search', calibrated, ...asked, '--recall', '1')).rejects.toThrow(/the best measured for k = 10/);
    expect((await said('search', index, ...asked, '--gamma', '3')).text).toMatch(
      /recall@10 1\.0000, .*\(gamma 3, 30 queries\)$/,
    );
  });

  it('works out the truth of a set, of as many vectors as the index holds', async () => {
    const folder = temporaryFolder();
    vi.stubEnv('ANNLAB_CACHE', join(folder, 'cache'));
    const out = join(folder, 'index.ann');
    await said(
      'build',
      '--dataset',
      'gaussian-16-2k',
      '--rows',
      '700',
      '--metric',
      'cosine',
      '--out',
      out,
      '--no-calibrate',
    );
    const { text } = await said('search', out, '--dataset', 'gaussian-16-2k', '--limit', '50', '--ef', '700');
    expect(text).toMatch(/^recall@10 1\.0000, .* 50 queries\)$/);
    await expect(said('search', out, '--dataset', 'gaussian-8-2k')).rejects.toThrow(
      /index\.ann holds 700 vectors of 16 dimensions, and gaussian-8-2k has 700 of 8: it was not built from that set/,
    );
    await expect(said('search', out, '--dataset', 'gaussian-16-100')).rejects.toThrow(/was not built from that set/);
  });

  it('says what does not fit or is damaged', async () => {
    const { index, queries, truth, folder } = await folderOfFiles();
    const other = join(folder, 'other.npy');
    writeFileSync(other, npyBytes({ values: new Float32Array(6), rows: 2, dimension: 3, component: 'f32' }));
    await expect(said('search', index, '--queries', other)).rejects.toThrow(
      /the queries have dimension 3, and .*index\.ann has 8/,
    );
    const bytes = readFileSync(index);
    bytes[65_536 + 9] ^= 1;
    writeFileSync(index, bytes);
    await expect(said('search', index, '--queries', queries)).rejects.toThrow(CorruptionError);
    await expect(said('search', index, '--queries', queries, '--truth', truth)).rejects.toThrow(CorruptionError);
  });
});
