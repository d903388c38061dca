import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type BuildOptions, parseBuildArguments } from '../../src/cli/build.ts';
import { AnnError, OutputError, UsageError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, save, verify } from '../../src/engine/index-file.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { VAMANA_DEFAULTS } from '../../src/graph/vamana-options.ts';
import { npyBytes, vecsBytes } from '../lab/formats/writers.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { said } from './said.ts';

afterEach(() => vi.unstubAllEnvs());

const DIMENSION = 12;
const ROWS = 1500;

function vectors(): Float32Array<ArrayBuffer> {
  const random = new Random('vectors to build');
  return Float32Array.from({ length: ROWS * DIMENSION }, () => random.normal());
}

/** A folder with the same vectors in two formats. */
function folderWithVectors(): string {
  const folder = temporaryFolder();
  const rows = { values: vectors(), rows: ROWS, dimension: DIMENSION, component: 'f32' } as const;
  writeFileSync(join(folder, 'vectors.npy'), npyBytes(rows));
  writeFileSync(join(folder, 'vectors.fvecs'), vecsBytes(rows));
  return folder;
}

describe('the command line of annlab build', () => {
  it('has defaults for all but what and where', () => {
    const options = parseBuildArguments(['--input', 'a.npy', '--out', 'a.ann']) as BuildOptions;
    expect(options).toEqual({
      from: { file: 'a.npy' },
      out: 'a.ann',
      threads: expect.any(Number),
      renumber: true,
      index: { kind: 'hnsw', M: 16, efConstruction: 100 },
    });
    expect(options.threads).toBeGreaterThanOrEqual(1);
    expect(parseBuildArguments(['--dataset', 'd', '--out', 'o', '--m', '200'])).toMatchObject({
      from: { dataset: 'd' },
      index: { M: 200, efConstruction: 200 },
    });
    expect(parseBuildArguments(['-h'])).toBe('help');
  });

  it('reads every flag', () => {
    const words =
      '--metric cosine --m 8 --ef-construction 50 --codes f32 --filter none --seed 0 --threads 3 --no-calibrate --no-renumber';
    expect(
      parseBuildArguments([...words.split(' '), '--capacity=9', '--rows=7', '--input=a.npy', '--out=o/a.ann']),
    ).toEqual({
      ...{ from: { file: 'a.npy' }, out: 'o/a.ann', threads: 3, rows: 7, calibrate: false, renumber: false },
      index: {
        ...{ kind: 'hnsw', M: 8, efConstruction: 50 },
        ...{ metric: 'cosine', codes: 'f32', filter: 'none', seed: 0, capacity: 9 },
      },
    });
  });

  it('reads the flags of a Vamana, whose beam is as wide as R at least', () => {
    const index = (words: string) =>
      (parseBuildArguments(['--input', 'a.npy', '--out', 'o', ...words.split(' ')]) as BuildOptions).index;
    const { R, L } = VAMANA_DEFAULTS;
    expect(index('--index vamana')).toEqual({ kind: 'vamana', R, L });
    expect(index('--index hnsw')).toEqual({ kind: 'hnsw', M: 16, efConstruction: 100 });
    expect(index('--index vamana --r 8 --l 20 --alpha 1.05 --passes 1 --saturate --seed 4 --codes f32')).toEqual({
      ...{ kind: 'vamana', R: 8, L: 20, alpha: 1.05, passes: 1, saturate: true, seed: 4, codes: 'f32' },
    });
    expect(index('--index vamana --r 200')).toEqual({ kind: 'vamana', R: 200, L: 200 });
  });

  it('says which flag is of the other graph', () => {
    const refusal = (words: string) => () => parseBuildArguments(['--input', 'a', '--out', 'o', ...words.split(' ')]);
    for (const flag of ['m 16', 'ef-construction 100']) {
      const [name] = flag.split(' ');
      const message = `--${name}: that flag goes with --index hnsw, and this is vamana`;
      expect(refusal(`--index vamana --${flag}`)).toThrow(new UsageError(message));
    }
    for (const flag of ['r 32', 'l 100', 'alpha 1.2', 'passes 1', 'saturate']) {
      const [name] = flag.split(' ');
      const message = `--${name}: that flag goes with --index vamana, and this is hnsw`;
      expect(refusal(`--${flag}`)).toThrow(new UsageError(message));
      expect(refusal(`--${flag} --index hnsw`)).toThrow(new UsageError(message));
    }
  });

  it.each([
    ['sq8', { kind: 'scalar' }],
    ['pq64', { kind: 'product', m: 64, opq: false }],
    ['opq8', { kind: 'product', m: 8, opq: true }],
    ['rabitq1', { kind: 'rabitq', bits: 1 }],
    ['rabitq8', { kind: 'rabitq', bits: 8 }],
  ])('knows codes that are trained, and finer ones: %s', (name, trained) => {
    const options = parseBuildArguments(['--input', 'a.npy', '--out', 'o', '--codes', name, '--finer', 'sq7']);
    expect(options).toMatchObject({ trained, index: { finer: 'sq7' } });
    expect((options as BuildOptions).index).not.toHaveProperty('codes');
  });

  it.each([
    [['--out', 'a'], /^vectors of what\? Name a set with --dataset or a file with --input$/],
    [['--out', 'a', '--dataset', 'd', '--input', 'f'], /^vectors of one\?/],
    [['--input', 'a.npy'], /^where to\? Name the file with --out$/],
    [['--input', 'a.npy', '--out', 'o', 'more'], /unexpected argument 'more'/],
    [['--input', 'a.npy', '--out', 'o', '--metric', 'l3'], /--metric l3: choose one of l2, dot, cosine, manhattan/],
    [['--input', 'a.npy', '--out', 'o', '--codes', 'both'], /--codes both: choose one of f32, sq7/],
    ...['pq', 'pq0', 'pq5000', 'opq-8', 'rabitq0', 'rabitq9', 'rabitq4.5', 'sq9', ''].map(
      (codes): [string[], RegExp] => [
        ['--input', 'a.npy', '--out', 'o', '--codes', codes],
        new RegExp(
          `--codes ${codes}: choose one of f32, sq7, sq8, pq<m> or opq<m> such as pq64, or rabitq1 … rabitq8$`,
        ),
      ],
    ),
    [['--input', 'a.npy', '--out', 'o', '--finer', 'sq7'], /--finer sq7: that goes with trained codes/],
    [['--input', 'a.npy', '--out', 'o', '--codes', 'f32', '--finer', 'sq7'], /--finer sq7: that goes with trained/],
    [['--input', 'a.npy', '--out', 'o', '--codes', 'sq8', '--finer', 'sq8'], /--finer sq8: choose one of sq7, none/],
    [['--input', 'a.npy', '--out', 'o', '--m', '32', '--ef-construction', '31'], /--ef-construction 31/],
    [['--input', 'a.npy', '--out', 'o', '--index', 'nsg'], /--index nsg: choose one of hnsw, vamana/],
    ...(
      [
        [['--r', '1'], /--r 1: expected a whole number from 2 to 256/],
        [['--r', '257'], /--r 257/],
        [['--r', '64', '--l', '63'], /--l 63: expected a whole number from 64/],
        [['--alpha', '0.99'], /--alpha 0\.99: expected a number from 1 to 2/],
        [['--alpha', '2.1'], /--alpha 2\.1/],
        [['--alpha', 'x'], /--alpha x/],
        [['--passes', '0'], /--passes 0: expected a whole number from 1 to 2/],
        [['--passes', '3'], /--passes 3/],
      ] as [string[], RegExp][]
    ).map(([flags, message]): [string[], RegExp] => [
      ['--input', 'a.npy', '--out', 'o', '--index', 'vamana', ...flags],
      message,
    ]),
    [['--input', 'a.npy', '--out', 'o', '--capacity', '0'], /--capacity 0/],
    [['--input', 'a.npy', '--out', 'o', '--memory', '64'], /--memory: that goes with --index vamana, an --input/],
    [['--dataset', 'd', '--out', 'o', '--index', 'vamana', '--memory', '64'], /--memory: that goes with/],
    [
      ['--input', 'a', '--out', 'o', '--index', 'vamana', '--codes', 'sq8', '--memory', '64'],
      /--memory: that goes with/,
    ],
    [['--input', 'a', '--out', 'o', '--index', 'vamana', '--memory', '0'], /--memory 0/],
    [['--input', 'a.npy', '--out', 'o', '--threads', '256'], /--threads 256/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseBuildArguments(argv)).toThrow(UsageError);
    expect(() => parseBuildArguments(argv)).toThrow(message);
  });
});

describe('annlab build', () => {
  it('makes the index that the library makes, of the vectors of any format', async () => {
    const folder = folderWithVectors();
    const index = Hnsw.create({
      dimension: DIMENSION,
      metric: 'dot',
      capacity: ROWS,
      M: 6,
      seed: 5,
      efConstruction: 30,
    });
    index.addBatch(vectors());
    const wanted = join(folder, 'wanted.ann');
    await save(index, wanted);
    index.renumber();
    const renumbered = join(folder, 'renumbered.ann');
    await save(index, renumbered);
    for (const [input, flags, like] of [
      ['vectors.npy', [], renumbered],
      ['vectors.fvecs', ['--no-renumber'], wanted],
    ] as const) {
      const out = join(folder, 'made', 'here', `${input}.ann`);
      const argv = [
        '--no-calibrate',
        '--metric',
        'dot',
        '--m',
        '6',
        '--ef-construction',
        '30',
        '--seed',
        '5',
        '--threads',
        '1',
      ];
      const { text, status } = await said('build', '--input', join(folder, input), '--out', out, ...argv, ...flags);
      expect(status).toBe(0);
      expect(text).toMatch(/: 1,500 vectors of 12 dimensions\nbuilt in [\d.]+ s on one thread, \d+ KiB of RAM\n/);
      expect(text).toContain(`${out}: `);
      expect(readFileSync(out).equals(readFileSync(like))).toBe(true);
    }
  });

  it('makes the Vamana that the library makes, on any number of threads', async () => {
    const folder = folderWithVectors();
    const index = Vamana.create({ dimension: DIMENSION, capacity: ROWS, R: 8, L: 20, alpha: 1.1, passes: 1, seed: 5 });
    index.build(vectors());
    const plain = join(folder, 'plain.ann');
    await save(index, plain);
    index.renumber();
    const renumbered = join(folder, 'renumbered.ann');
    await save(index, renumbered);
    const flags = '--index vamana --r 8 --l 20 --alpha 1.1 --passes 1 --seed 5 --no-calibrate'.split(' ');
    for (const [name, like, more] of [
      ['one', renumbered, ['--threads', '1']],
      ['two', renumbered, ['--threads', '2']],
      ['apart', plain, ['--threads', '2', '--no-renumber']],
    ] as const) {
      const out = join(folder, `${name}.ann`);
      const { text, status } = await said(
        ...['build', '--input', join(folder, 'vectors.npy'), '--out', out, ...flags, ...more],
      );
      expect(status).toBe(0);
      expect(text).toMatch(
        /: 1,500 vectors of 12 dimensions\nbuilt in [\d.]+ s on (one thread|2 threads), \d+ KiB of RAM\n/,
      );
      expect(readFileSync(out).equals(readFileSync(like)), name).toBe(true);
    }
  });

  it('makes a Vamana that info, verify and search know, of a set, calibrated', async () => {
    const folder = temporaryFolder();
    vi.stubEnv('ANNLAB_CACHE', join(folder, 'cache'));
    const out = join(folder, 'set.ann');
    const flags = ['--index', 'vamana', '--rows', '600', '--r', '12', '--threads', '2', '--filter', 'sign'];
    const { text } = await said('build', '--dataset', 'embedding-32-2k', '--out', out, ...flags);
    expect(text).toMatch(/\ncalibrated in [\d.]+ s on 512 of its own vectors\n/);
    expect((await said('verify', out)).text).toMatch(/set\.ann: whole: 600 vectors, /);
    const index = await open(out);
    expect(index).toBeInstanceOf(Vamana);
    expect(index.validate()).toEqual([]);
    expect(index.stats()).toMatchObject({ count: 600, R: 12, L: VAMANA_DEFAULTS.L, filter: 'sign' });
    const { text: info } = await said('info', out);
    expect(info).toContain('\n  graph    Vamana: one level, entry point 0\n');
    expect(info).toMatch(/ R 12, L \d+,[^:]* alpha [\d.]+, passes [12],[^:]* saturate false/);
    expect(info).toContain('calibrated on 512 of its own vectors');
    for (const how of [
      ['--ef', '200'],
      ['--recall', '0.9'],
      ['--gamma', '0.3'],
    ]) {
      const { text: found } = await said('search', out, '--dataset', 'embedding-32-2k', '--limit', '20', ...how);
      const recall = Number(/^recall@10 ([\d.]+), /.exec(found)?.[1]);
      expect(recall, how.join(' ')).toBeGreaterThan(0.85);
    }
  });

  it('makes a Vamana of inner products, but not on codes that are trained', async () => {
    const folder = folderWithVectors();
    const out = join(folder, 'dot.ann');
    const flags = ['--index', 'vamana', '--metric', 'dot', '--threads', '2', '--no-calibrate'];
    const build = (...more: string[]) =>
      said('build', '--input', join(folder, 'vectors.npy'), '--out', out, ...flags, ...more);
    await expect(build('--codes', 'sq8')).rejects.toThrow(
      new UsageError('--codes: under dot a vamana walks on f32 or sq7'),
    );
    expect((await build()).status).toBe(0);
    const rows = vectors();
    const query = rows.subarray(0, DIMENSION);
    const products = Array.from({ length: ROWS }, (_, id) =>
      query.reduce((sum, x, j) => sum + x * rows[id * DIMENSION + j], 0),
    );
    const { ids } = (await open(out)).search(query, { k: 1, efSearch: ROWS });
    expect(ids).toEqual(Uint32Array.of(products.indexOf(Math.max(...products))));
  });

  it('makes a Vamana part by part within so much memory', async () => {
    const folder = folderWithVectors();
    const out = join(folder, 'parts.ann');
    const flags = ['--index', 'vamana', '--r', '8', '--metric', 'cosine', '--threads', '2', '--memory'];
    const build = (memory: string) =>
      said('build', '--input', join(folder, 'vectors.npy'), '--out', out, ...flags, memory);
    const { text, status } = await build('16');
    expect(status).toBe(0);
    expect(text).toMatch(
      /: 1,500 vectors of 12 dimensions\nbuilt in [\d.]+ s in (one part|\d+ parts) within 16 MiB: \d+ KiB\n/,
    );
    expect(text).toMatch(/not calibrated/);
    expect((await said('verify', out)).text).toMatch(/whole: 1,500 vectors, /);
    const query = vectors().subarray(0, DIMENSION);
    expect((await open(out)).search(query, { k: 1, efSearch: 100 }).ids).toEqual(Uint32Array.of(0));
    await expect(build('1')).rejects.toThrow(/memoryBytes = 1048576: at least \d+ \(\d+ MiB\) for 1500 /);
  });

  it('walks a Vamana on codes that were trained', async () => {
    const folder = folderWithVectors();
    const out = join(folder, 'coded.ann');
    const flags = ['--index', 'vamana', '--codes', 'rabitq2', '--finer', 'sq7', '--threads', '2'];
    const { status } = await said('build', '--input', join(folder, 'vectors.npy'), '--out', out, ...flags);
    expect(status).toBe(0);
    expect(await verify(out)).toMatchObject({ ok: true, count: ROWS });
    expect((await open(out)).stats()).toMatchObject({ codes: 'rabitq2' });
    const query = vectors().subarray(0, DIMENSION);
    expect((await open(out)).search(query, { k: 1, efSearch: 200, rerank: 100 }).ids).toEqual(Uint32Array.of(0));
  });

  it('takes a set, a part of it, on several threads, with room for more', async () => {
    const folder = temporaryFolder();
    vi.stubEnv('ANNLAB_CACHE', join(folder, 'cache'));
    const out = join(folder, 'set.ann');
    const flags = ['--rows', '1200', '--threads', '2', '--capacity', '5000', '--codes', 'f32', '--filter', 'sign'];
    const { text } = await said('build', '--dataset', 'embedding-32-2k', '--out', out, ...flags);
    expect(text).toContain('embedding-32-2k: 1,200 vectors of 32 dimensions');
    expect(text).toContain('on 2 threads');
    expect(text).toMatch(/\ncalibrated in [\d.]+ s on 512 of its own vectors\n/);
    expect(await verify(out)).toMatchObject({ ok: true, count: 1200 });
    const index = await open(out);
    expect(index.stats()).toMatchObject({ metric: 'l2', capacity: 5000, codes: 'f32', filter: 'sign' });
    expect(index.stats().calibration).toMatchObject({ count: 1200, queries: 512, drawn: true });
    expect(index.search(new Float32Array(32).fill(1), { k: 3 }).ids.every((id) => id < 1200)).toBe(true);
  });

  it.each([
    ['sq8', 32, 'sq8 by vector'],
    ['pq4', 16, 'pq4'],
    ['opq4', 16, 'opq4'],
    ['rabitq2', 32, 'rabitq2'],
  ])('trains %s on the vectors, and info says so', async (codes, codeBytes, name) => {
    const folder = folderWithVectors();
    const out = join(folder, 'coded.ann');
    const flags = ['--codes', codes, '--finer', 'sq7', '--threads', '2', '--seed', '3'];
    const { text, status } = await said('build', '--input', join(folder, 'vectors.npy'), '--out', out, ...flags);
    expect(status).toBe(0);
    expect(text).toMatch(
      new RegExp(`dimensions\ntrained on 1,500 vectors in [\\d.]+ s: codes of ${codeBytes} bytes for 48\nbuilt in`),
    );
    expect(await verify(out)).toMatchObject({ ok: true, count: ROWS });
    const index = await open(out);
    expect(index.stats().codes).toBe(name);
    const query = vectors().subarray(0, DIMENSION);
    expect(index.search(query, { k: 1, efSearch: 200, rerank: 100 })).toMatchObject({ ids: Uint32Array.of(0) });
    const info = await said('info', out);
    expect(info.text).toContain(`held as  ${name} codes, finer ones of 7 bits, and the f32 originals beside them`);
    expect(info.text).toContain(`codes ${name}`);
    expect(info.text).toMatch(/\nfiner +48,000 +1 +/);
  });

  it('says what codes cannot be trained', async () => {
    const folder = folderWithVectors();
    const build = (...flags: string[]) =>
      said('build', '--input', join(folder, 'vectors.npy'), '--out', join(folder, 'no.ann'), ...flags);
    await expect(build('--codes', 'pq5')).rejects.toThrow(/m = 5: it must divide the dimension: of 12, 4 and 6 are/);
    await expect(build('--codes', 'pq4', '--rows', '255')).rejects.toThrow(
      /256 centroids need as many vectors, and 255/,
    );
    await expect(build('--codes', 'pq4', '--metric', 'manhattan')).rejects.toThrow(/metric = manhattan: product/);
    await expect(build('--codes', 'rabitq4', '--metric', 'manhattan')).rejects.toThrow(/metric = manhattan: one of l2/);
    expect(readdirSync(folder)).not.toContain('no.ann');
  });

  it('finds out at once that it cannot write', async () => {
    const folder = folderWithVectors();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder.ann'));
    const before = readdirSync(folder);
    // There is no such set: it is not even looked for.
    const build = (out: string, ...from: string[]) => said('build', ...from, '--out', join(folder, out));
    await expect(build('file/index.ann', '--dataset', 'none')).rejects.toThrow(OutputError);
    await expect(build('folder.ann', '--dataset', 'none')).rejects.toThrow(OutputError);
    await expect(build('folder.ann', '--dataset', 'none')).rejects.toThrow(/folder\.ann: is a directory: name a file/);
    await expect(build('a.ann', '--dataset', 'none')).rejects.toThrow(
      /dataset = none: there is none of that name: choose one of/,
    );
    await expect(build('a.ann', '--input', join(folder, 'none.npy'))).rejects.toThrow(AnnError);
    await expect(build('a.ann', '--input', join(folder, 'vectors.npy'), '--capacity', '9')).rejects.toThrow(
      /capacity exhausted: the index holds at most 9 vectors and 1500 were asked for/,
    );
    expect(readdirSync(folder)).toEqual(before);
  });
});
