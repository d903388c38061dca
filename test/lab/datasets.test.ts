import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ChecksumError, DataFileError, DownloadError, OutputError, ParameterError } from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { type Catalogue, type CatalogueFile, readCatalogue } from '../../src/lab/catalogue.ts';
import { cacheDirectory, type LoadOptions, type LoadProgress, loadDataset } from '../../src/lab/datasets.ts';
import { fbinBytes } from '../../src/lab/formats/bin.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { failingDisk } from './full-disk.ts';
import { broken, ranged, serve, stalled, whole } from './server.ts';

const TRAIN = matrix(20, 4);
const QUERIES = matrix(5, 4);
const TRAIN_BYTES = Buffer.concat([...fbinBytes(TRAIN)]);
const QUERY_BYTES = Buffer.concat([...fbinBytes(QUERIES)]);

function matrix(rows: number, dimension: number): Matrix {
  return { data: Float32Array.from({ length: rows * dimension }, (_, i) => rows + i), rows, dimension };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A catalogue of one small set whose files lie at `url`. */
function catalogue(
  url: string,
  change: { train?: Partial<CatalogueFile>; queries?: Partial<CatalogueFile> } = {},
): Catalogue {
  const file = (role: 'train' | 'queries', bytes: Buffer): CatalogueFile => ({
    name: `${role}.fbin`,
    roles: [role],
    format: 'fbin',
    url: `${url}/${role}`,
    sha256: sha256(bytes),
    bytes: bytes.length,
    ...change[role],
  });
  const { families } = readCatalogue();
  return {
    datasets: [
      {
        kind: 'published',
        name: 'small',
        title: 'a small set',
        metric: 'l2',
        dimension: 4,
        rows: 20,
        queries: 5,
        licence: 'none',
        source: url,
        sharedFolder: 'small',
        files: [file('train', TRAIN_BYTES), file('queries', QUERY_BYTES)],
      },
    ],
    families,
  };
}

const GOOD = { '/train': whole(TRAIN_BYTES), '/queries': whole(QUERY_BYTES) };

/** Options of a load that sees nothing but this test's folder. */
function alone(catalogue: Catalogue, change: LoadOptions = {}): LoadOptions & { cacheDir: string } {
  return { catalogue, cacheDir: temporaryFolder(), shared: null, stallSeconds: 5, onWarning: () => {}, ...change };
}

/** Every file under the cache, by name. */
const filesIn = (cacheDir: string): string[] =>
  readdirSync(cacheDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();

describe('a set is looked for', () => {
  test('at its url, and from then on in the cache', async () => {
    const { url, asked } = await serve(GOOD);
    const options = alone(catalogue(url));
    const first = await loadDataset('small', options);
    expect(first).toMatchObject({ name: 'small', title: 'a small set', metric: 'l2', source: 'download' });
    expect(first.train).toEqual(TRAIN);
    expect(first.queries).toEqual(QUERIES);
    expect(filesIn(options.cacheDir)).toEqual([
      'queries.fbin',
      'queries.fbin.sha256',
      'train.fbin',
      'train.fbin.sha256',
    ]);
    expect(first.cacheFolder).toBe(join(options.cacheDir, 'small'));

    expect(asked).toHaveLength(2);
    expect(asked[0].headers['accept-encoding']).toBe('identity');
    const second = await loadDataset('small', options);
    expect(second).toEqual({ ...first, source: 'cache' });
    expect(asked).toHaveLength(2);
  });

  test('in the shared folder before the url, and in the cache before that', async () => {
    const { url, asked } = await serve({});
    const shared = temporaryFolder();
    mkdirSync(join(shared, 'small'));
    writeFileSync(join(shared, 'small', 'train.fbin'), TRAIN_BYTES);
    writeFileSync(join(shared, 'small', 'queries.fbin'), QUERY_BYTES);
    const options = alone(catalogue(url), { shared });
    const fromShared = await loadDataset('small', options);
    expect(fromShared).toMatchObject({ source: 'shared', train: TRAIN });
    expect(filesIn(options.cacheDir)).toEqual([]);

    mkdirSync(join(options.cacheDir, 'small'));
    writeFileSync(join(options.cacheDir, 'small', 'train.fbin'), TRAIN_BYTES);
    writeFileSync(join(options.cacheDir, 'small', 'queries.fbin'), QUERY_BYTES);
    writeFileSync(join(shared, 'small', 'train.fbin'), 'not looked at');
    const fromCache = await loadDataset('small', options);
    expect(fromCache).toMatchObject({ source: 'cache', key: fromShared.key });
    expect(asked).toEqual([]);
  });

  test('nowhere when it is not in the catalogue', async () => {
    await expect(loadDataset('large', alone(catalogue('http://127.0.0.1')))).rejects.toThrow(ParameterError);
  });

  test('only on this machine when offline, and the error says where', async () => {
    const { url, asked } = await serve(GOOD);
    const options = alone(catalogue(url), { offline: true, shared: '/nowhere' });
    await expect(loadDataset('small', options)).rejects.toThrow(DownloadError);
    await expect(loadDataset('small', options)).rejects.toThrow(
      new RegExp(`neither ${join(options.cacheDir, 'small', 'train.fbin')} nor /nowhere/small/train.fbin`),
    );
    expect(asked).toEqual([]);
    await loadDataset('small', { ...options, offline: false });
    expect(await loadDataset('small', options)).toMatchObject({ source: 'cache' });
  });

  test('in the folder that ANNLAB_CACHE names', () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('ANNLAB_CACHE', '/elsewhere');
    expect(cacheDirectory()).toBe('/elsewhere');
    expect(cacheDirectory({ cacheDir: '/here' })).toBe('/here');
    vi.stubEnv('ANNLAB_CACHE', '');
    expect(cacheDirectory()).toMatch(/datasets.cache$/);
  });
});

test('a part of a set: the first rows, the first queries', async () => {
  const { url } = await serve(GOOD);
  const options = alone(catalogue(url));
  const part = await loadDataset('small', { ...options, maxRows: 7, maxQueries: 2 });
  expect(part.train).toEqual({ data: TRAIN.data.slice(0, 28), rows: 7, dimension: 4 });
  expect(part.queries).toEqual({ data: QUERIES.data.slice(0, 8), rows: 2, dimension: 4 });
  expect((await loadDataset('small', { ...options, maxRows: 100 })).train).toEqual(TRAIN);
  await expect(loadDataset('small', { ...options, maxRows: 0 })).rejects.toThrow(ParameterError);
  await expect(loadDataset('small', { ...options, maxQueries: 1.5 })).rejects.toThrow(ParameterError);
});

test('progress is told up to the last byte', async () => {
  const { url } = await serve(GOOD);
  const told: LoadProgress[] = [];
  const options = alone(catalogue(url), { onProgress: (progress) => told.push(progress) });
  await loadDataset('small', options);
  const last = (what: string) => told.findLast((progress) => progress.what === what);
  const bytes = TRAIN_BYTES.length;
  expect(last('train.fbin')).toEqual({
    step: 'download',
    what: 'train.fbin',
    done: bytes,
    total: bytes,
    unit: 'bytes',
  });
  told.length = 0;
  await loadDataset('small', options);
  expect(last('train.fbin')).toEqual({ step: 'verify', what: 'train.fbin', done: bytes, total: bytes, unit: 'bytes' });
});

describe('a download that goes wrong says how, leaves nothing behind, and the next try works', () => {
  const silent = () => {};
  const unsized = (bytes: Uint8Array) => (_: unknown, response: { end(bytes: Uint8Array): void }) =>
    response.end(bytes);
  const endless = (_: unknown, response: import('node:http').ServerResponse) => {
    const more = () => void (response.destroyed || response.write(new Uint8Array(65536), () => setImmediate(more)));
    more();
  };

  test.each<[string, Parameters<typeof serve>[0], new (...args: never) => Error, RegExp]>([
    [
      '404',
      {},
      DownloadError,
      /\/train: the server answered 404 Not Found: check the url, or put the file at .*train\.fbin/,
    ],
    ['another content', { '/train': whole(Buffer.alloc(TRAIN_BYTES.length)) }, ChecksumError, /checksum mismatch/],
    ['broken off', { '/train': broken(TRAIN_BYTES, 100) }, DownloadError, /broke off after 100 of 328 bytes/],
    ['broken off at once', { '/train': broken(TRAIN_BYTES, 0) }, DownloadError, /broke off|cannot be reached/],
    [
      'stalled in the middle',
      { '/train': stalled(TRAIN_BYTES, 100) },
      DownloadError,
      /nothing came for 0.3 s after 100 of/,
    ],
    [
      'stalled at once',
      { '/train': stalled(TRAIN_BYTES, 0) },
      DownloadError,
      /nothing came for 0.3 s: try again later/,
    ],
    ['no answer', { '/train': silent }, DownloadError, /nothing came for 0.3 s/],
    [
      'too short',
      { '/train': unsized(TRAIN_BYTES.subarray(0, 99)) },
      DownloadError,
      /sent 99 bytes and the catalogue says 328/,
    ],
    ['too long', { '/train': endless }, DownloadError, /sends more than 328 bytes/],
  ])('%s', async (_, answers, type, says) => {
    const bad = await serve(answers);
    const options = alone(catalogue(bad.url), { stallSeconds: 0.3 });
    const error = await loadDataset('small', options).catch((error: Error) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(says);
    expect(filesIn(options.cacheDir)).toEqual([]);

    const good = await serve(GOOD);
    const loaded = await loadDataset('small', { ...options, catalogue: catalogue(good.url), stallSeconds: 5 });
    expect(loaded).toMatchObject({ source: 'download', train: TRAIN });
  });

  test('nobody listens there', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        server.close(() => resolve(port));
      });
    });
    const loading = loadDataset('small', alone(catalogue(`http://127.0.0.1:${port}`)));
    await expect(loading).rejects.toThrow(DownloadError);
    await expect(loading).rejects.toThrow(/cannot be reached \(.*ECONNREFUSED/);
  });

  test('a mirror is tried; where all fail, the first error is told', async () => {
    const { url, asked } = await serve({ ...GOOD, '/bad': whole(Buffer.from('bad')) });
    const mirrored = (...mirrors: string[]) => catalogue(url, { train: { url: `${url}/gone`, mirrors } });
    const options = alone(mirrored(`${url}/bad`, `${url}/train`));
    expect(await loadDataset('small', options)).toMatchObject({ source: 'download', train: TRAIN });
    expect(asked.map(({ path }) => path)).toEqual(['/gone', '/bad', '/train', '/queries']);
    await expect(loadDataset('small', alone(mirrored(`${url}/bad`)))).rejects.toThrow(
      /\/gone: the server answered 404/,
    );
  });

  test('it is called off', async () => {
    const { url } = await serve({ '/train': stalled(TRAIN_BYTES, 100) });
    const controller = new AbortController();
    const options = alone(catalogue(url), { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(loadDataset('small', options)).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(filesIn(options.cacheDir)).toEqual([]);
  });

  test.each([
    [
      failingDisk({ roomBytes: 100 }),
      /train\.fbin: cannot be written: the disk is full \(ENOSPC\): make room, or name another/,
    ],
    [failingDisk({ at: 'mkdir', code: 'EROFS' }), /the disk is read-only/],
    [failingDisk({ at: 'open', code: 'EACCES' }), /no permission/],
  ])('the disk does not take it: %#', async (fileSystem, says) => {
    const { url } = await serve(GOOD);
    const options = alone(catalogue(url), { fileSystem });
    const loading = loadDataset('small', options);
    await expect(loading).rejects.toThrow(OutputError);
    await expect(loading).rejects.toThrow(says);
    expect(filesIn(options.cacheDir)).toEqual([]);
  });
});

describe('a file that is not what it was', () => {
  test('in the cache or the shared folder: a ChecksumError that names it', async () => {
    const { url } = await serve(GOOD);
    const options = alone(catalogue(url), { shared: temporaryFolder() });
    await loadDataset('small', options);
    const cached = join(options.cacheDir, 'small', 'train.fbin');
    const damaged = Buffer.from(TRAIN_BYTES);
    damaged[100] ^= 1;
    writeFileSync(cached, damaged);
    await expect(loadDataset('small', options)).rejects.toThrow(ChecksumError);
    await expect(loadDataset('small', options)).rejects.toThrow(cached);

    const shared = join(options.shared!, 'small', 'train.fbin');
    mkdirSync(join(options.shared!, 'small'));
    writeFileSync(shared, damaged);
    const elsewhere = { ...options, cacheDir: temporaryFolder() };
    await expect(loadDataset('small', elsewhere)).rejects.toThrow(ChecksumError);
    await expect(loadDataset('small', elsewhere)).rejects.toThrow(shared);
  });

  test('whole, but of another shape than the catalogue says', async () => {
    const other = Buffer.concat([...fbinBytes(matrix(20, 3))]);
    const { url } = await serve({ ...GOOD, '/train': whole(other) });
    const options = alone(catalogue(url, { train: { sha256: sha256(other), bytes: other.length } }));
    await expect(loadDataset('small', options)).rejects.toThrow(DataFileError);
    await expect(loadDataset('small', options)).rejects.toThrow(
      /20 train rows of dimension 3, and the catalogue says 20 of 4/,
    );
  });
});

describe('a file whose checksum nobody has published', () => {
  const unknown = (url: string) => catalogue(url, { train: { sha256: null, bytes: null } });

  test('is trusted the first time and held to that afterwards', async () => {
    const { url } = await serve(GOOD);
    const warnings: string[] = [];
    const options = alone(unknown(url), { onWarning: (message) => warnings.push(message) });
    const first = await loadDataset('small', options);
    const said = new RegExp(`train.fbin: nobody has published its checksum, .* held to sha256 ${sha256(TRAIN_BYTES)}`);
    expect(warnings).toEqual([expect.stringMatching(said)]);
    expect(first.key).toBe((await loadDataset('small', alone(catalogue(url)))).key);
    const path = join(options.cacheDir, 'small', 'train.fbin');
    expect(readFileSync(`${path}.sha256`, 'utf8')).toBe(`${sha256(TRAIN_BYTES)}  train.fbin\n`);
    expect(await loadDataset('small', options)).toMatchObject({ source: 'cache', key: first.key });
    expect(warnings).toHaveLength(1);
    writeFileSync(path, Buffer.concat([...fbinBytes({ ...TRAIN, data: TRAIN.data.map((x) => x + 1) })]));
    await expect(loadDataset('small', options)).rejects.toThrow(ChecksumError);
  });

  test('also where it was put there by hand; a cache that cannot keep its checksum is a warning', async () => {
    const { url } = await serve(GOOD);
    const warnings: string[] = [];
    const options = alone(unknown(url), { onWarning: (message) => warnings.push(message) });
    const path = join(options.cacheDir, 'small', 'train.fbin');
    mkdirSync(join(options.cacheDir, 'small'));
    writeFileSync(path, TRAIN_BYTES);
    writeFileSync(join(options.cacheDir, 'small', 'queries.fbin'), QUERY_BYTES);
    const readOnly = failingDisk({ at: 'open', code: 'EROFS' });
    expect(await loadDataset('small', { ...options, fileSystem: readOnly })).toMatchObject({
      source: 'cache',
      train: TRAIN,
    });
    expect(warnings).toEqual([
      expect.stringMatching(/nobody has published its checksum/),
      expect.stringMatching(/not kept for another time: .*read-only/),
    ]);
    await loadDataset('small', options);
    expect(existsSync(`${path}.sha256`)).toBe(true);
    writeFileSync(path, QUERY_BYTES);
    await expect(loadDataset('small', options)).rejects.toThrow(ChecksumError);
  });

  test('is given up when the server breaks off', async () => {
    const { url } = await serve({ ...GOOD, '/train': broken(TRAIN_BYTES, 100) });
    const options = alone(unknown(url));
    await expect(loadDataset('small', options)).rejects.toThrow(/broke off after 100 of 328 bytes/);
    expect(filesIn(options.cacheDir)).toEqual([]);
  });
});

describe('a slice of a large file', () => {
  const SLICE_BYTES = 8 + 6 * 4 * 4;
  const sliced = (url: string, train: Partial<CatalogueFile> = {}): Catalogue => {
    const whole = catalogue(url, { train: { maxRows: 6, bytes: SLICE_BYTES, sha256: null, ...train } });
    return { ...whole, datasets: [{ ...whole.datasets[0], rows: 6 }] };
  };
  const want = { data: TRAIN.data.slice(0, 24), rows: 6, dimension: 4 };

  test.each([
    ['from a server that sends ranges', ranged],
    ['from one that does not', whole],
    ['from one that would go on and on', (bytes: Buffer) => stalled(bytes, SLICE_BYTES + 10)],
  ])('%s', async (_, answer) => {
    const { url, asked } = await serve({ ...GOOD, '/train': answer(TRAIN_BYTES) });
    const options = alone(sliced(url));
    const loaded = await loadDataset('small', options);
    expect(loaded).toMatchObject({ source: 'download', train: want });
    expect(asked[0].headers.range).toBe(`bytes=0-${SLICE_BYTES - 1}`);
    // On disk it is a file in its own right, whose header says its own size.
    const bytes = readFileSync(join(options.cacheDir, 'small', 'train.fbin'));
    expect(bytes).toEqual(Buffer.concat([...fbinBytes(want)]));
    expect(await loadDataset('small', options)).toMatchObject({ source: 'cache', train: want, key: loaded.key });
  });

  test('of a file that has not so many rows, or of another dimension', async () => {
    const few = Buffer.concat([...fbinBytes(matrix(5, 4))]);
    const other = Buffer.concat([...fbinBytes(matrix(20, 2))]);
    const { url } = await serve({ ...GOOD, '/few': ranged(few), '/other': ranged(other) });
    const options = alone(sliced(url, { url: `${url}/few` }));
    await expect(loadDataset('small', options)).rejects.toThrow(/holds 5 rows, fewer than the 6 wanted/);
    expect(filesIn(options.cacheDir)).toEqual([]);
    await expect(loadDataset('small', alone(sliced(url, { url: `${url}/other` })))).rejects.toThrow(DataFileError);
  });

  test('broken off', async () => {
    const { url } = await serve({ ...GOOD, '/train': broken(TRAIN_BYTES, 50) });
    const options = alone(sliced(url));
    await expect(loadDataset('small', options)).rejects.toThrow(DownloadError);
    expect(filesIn(options.cacheDir)).toEqual([]);
  });
});

test("ann-benchmarks' way: one HDF5 file for all roles, fetched once", async () => {
  await h5wasm.ready;
  const path = join(temporaryFolder(), 'set.hdf5');
  const hdf5 = new h5wasm.File(path, 'w');
  hdf5.create_dataset({ name: 'train', data: TRAIN.data, shape: [20, 4] });
  hdf5.create_dataset({ name: 'test', data: QUERIES.data, shape: [5, 4] });
  hdf5.close();
  const bytes = readFileSync(path);
  const { url, asked } = await serve({ '/set': whole(bytes) });
  const { datasets, families } = catalogue(url);
  const file: CatalogueFile = {
    name: 'set.hdf5',
    roles: ['train', 'queries', 'neighbors', 'distances'],
    format: 'hdf5',
    url: `${url}/set`,
    sha256: sha256(bytes),
    bytes: bytes.length,
  };
  const loaded = await loadDataset('small', alone({ datasets: [{ ...datasets[0], files: [file] }], families }));
  expect(loaded).toMatchObject({ train: TRAIN, queries: QUERIES, source: 'download' });
  expect(asked).toHaveLength(1);
});

describe('a synthetic set', () => {
  const NAME = 'embedding-16-300';

  test('is made once and kept', async () => {
    const options = alone(readCatalogue());
    const told: LoadProgress[] = [];
    const made = await loadDataset(NAME, { ...options, onProgress: (progress) => told.push(progress) });
    expect(made).toMatchObject({ name: NAME, source: 'synthetic', metric: 'l2' });
    expect([made.train.rows, made.train.dimension, made.queries.rows]).toEqual([300, 16, 1000]);
    expect(told.at(-1)).toEqual({ step: 'generate', what: NAME, done: 1300, total: 1300, unit: 'rows' });
    expect(await loadDataset(NAME, options)).toEqual({ ...made, source: 'cache' });
  });

  test('in part, made or kept, is a prefix', async () => {
    const options = alone(readCatalogue());
    const part = { maxRows: 50, maxQueries: 9 };
    const made = await loadDataset(NAME, { ...options, ...part });
    expect([made.source, made.train.rows, made.queries.rows]).toEqual(['synthetic', 50, 9]);
    expect(await loadDataset(NAME, { ...options, ...part })).toEqual({ ...made, source: 'cache' });
    const all = await loadDataset(NAME, options);
    expect(all.source).toBe('synthetic');
    expect(all.key).toBe(made.key);
    expect(all.train.data.subarray(0, made.train.data.length)).toEqual(made.train.data);
    expect(all.queries.data.subarray(0, made.queries.data.length)).toEqual(made.queries.data);
    const fromAll = await loadDataset(NAME, { ...options, maxRows: 77, maxQueries: 9 });
    expect([fromAll.source, fromAll.train.rows]).toEqual(['cache', 77]);
  });

  test('has a key that tells settings apart, and not sizes', async () => {
    const key = async (name: string, change: object = {}) => {
      const known = readCatalogue();
      const families = known.families.map((family) => ({ ...family, ...change }));
      return (await loadDataset(name, alone({ ...known, families }))).key;
    };
    const one = await key('gaussian-8-20');
    expect(await key('gaussian-8-30')).toBe(one);
    expect(await key('gaussian-9-20')).not.toBe(one);
    expect(await key('gaussian-8-20', { seed: 2 })).not.toBe(one);
    expect(await key('clustered-8-20')).not.toBe(one);
  });

  test.each([
    ['a full disk', failingDisk({ roomBytes: 1000 }), /not kept for another time: .*the disk is full/],
    ['a read-only disk', failingDisk({ at: 'mkdir', code: 'EROFS' }), /not kept for another time: .*read-only/],
  ])('%s does not keep it from being used', async (_, fileSystem, says) => {
    const warnings: string[] = [];
    const options = alone(readCatalogue(), { fileSystem, onWarning: (message) => warnings.push(message) });
    const made = await loadDataset(NAME, options);
    expect([made.source, made.train.rows]).toEqual(['synthetic', 300]);
    expect(warnings).toEqual([expect.stringMatching(says)]);
    expect(await loadDataset(NAME, { ...options, fileSystem: failingDisk() })).toMatchObject({ source: 'synthetic' });
  });

  test('that was damaged on disk is made again, with a warning', async () => {
    const options = alone(readCatalogue());
    const made = await loadDataset(NAME, options);
    const path = join(made.cacheFolder, readdirSync(made.cacheFolder).find((name) => /^train.*fbin$/.test(name))!);
    const bytes = readFileSync(path);
    bytes[500] ^= 1;
    for (const damaged of [bytes, bytes.subarray(0, 500), Buffer.alloc(0)]) {
      writeFileSync(path, damaged);
      const warnings: string[] = [];
      const again = await loadDataset(NAME, { ...options, onWarning: (message) => warnings.push(message) });
      expect(again).toEqual(made);
      expect(warnings).toEqual([expect.stringMatching(/checksum mismatch .*made again/)]);
    }
  });
});
