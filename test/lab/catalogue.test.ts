import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataFileError, ParameterError } from '../../src/core/errors.ts';
import { findDataset, listDatasets, readCatalogue } from '../../src/lab/catalogue.ts';
import { componentBytes } from '../../src/lab/formats/rows.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const PATH = new URL('../../datasets/catalogue.json', import.meta.url);

describe('the catalogue', () => {
  test('has what annlab promises', () => {
    const names = listDatasets().map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'fashion-mnist-784-euclidean',
        'mnist-784-euclidean',
        'sift-128-euclidean',
        'gist-960-euclidean',
        'glove-100-angular',
        'deep-96-1m',
        'embedding-1024-100k',
        'embedding-128-10k',
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test('an embedding-like set of 100,000 × 1024 with 1,000 queries and a local intrinsic dimension of 20 to 25', () => {
    const info = findDataset('embedding-1024-100k');
    expect(info).toMatchObject({ kind: 'synthetic', rows: 100_000, dimension: 1024, queries: 1000, metric: 'l2' });
    expect((info as { intrinsicDimension: number }).intrinsicDimension).toBeGreaterThan(20);
    expect((info as { intrinsicDimension: number }).intrinsicDimension).toBeLessThan(25);
  });

  test('a slice has the size that its rows make', () => {
    const slices = readCatalogue().datasets.flatMap(({ dimension, files }) =>
      files.filter((file) => file.maxRows !== undefined).map((file) => ({ dimension, ...file })),
    );
    expect(slices.length).toBeGreaterThan(0);
    for (const { bytes, maxRows, dimension, format } of slices) {
      const component = { fbin: 'f32', u8bin: 'u8', i8bin: 'i8', ibin: 'i32' }[format as 'fbin'] as 'f32';
      expect(bytes).toBe(8 + maxRows! * dimension * componentBytes(component));
    }
  });

  test('no checksum comes twice, as a copied line would have it', () => {
    const hashes = readCatalogue()
      .datasets.flatMap(({ files }) => files.map(({ sha256 }) => sha256))
      .filter(Boolean);
    expect(hashes.length).toBeGreaterThan(5);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('names', () => {
  test.each([
    ['embedding-1024-30k', 1024, 30_000],
    ['embedding-7-12', 7, 12],
    ['gaussian-4096-2m', 4096, 2_000_000],
    ['clustered-1-999999', 1, 999_999],
  ])('%s', (name, dimension, rows) => {
    expect(findDataset(name)).toMatchObject({ name, dimension, rows });
  });

  test.each([
    'sift',
    '',
    'embedding',
    'embedding-128',
    'embedding-0-10k',
    'embedding-4097-10k',
    'embedding-128-0k',
    'embedding-128-999m',
    'embedding-128-10g',
    'unheard-128-10k',
    '../embedding-128-10k',
  ])('"%s" is refused', (name) => {
    expect(() => findDataset(name)).toThrow(ParameterError);
  });

  test('whoever asks for one that is not there hears which are', () => {
    expect(() => findDataset('sift')).toThrow(
      /dataset = sift: there is none of that name: choose one of .*sift-128-euclidean.*embedding-1024-100k/,
    );
  });
});

describe('a catalogue that is wrong is refused, and where', () => {
  type Json = Record<string, unknown>;
  type Editable = { datasets: (Json & { files: Json[] })[]; families: (Json & { model: Json })[] };

  test.each<[string, (json: Editable) => void, RegExp]>([
    ['no title', ({ datasets: [d] }) => delete d.title, /datasets\[0\] has no title: it must be the fields/],
    ['an unknown field', ({ datasets: [d] }) => (d.colour = 1), /datasets\[0\] has the field colour: it must be only/],
    [
      'an unknown metric',
      ({ datasets: [d] }) => (d.metric = 'angular'),
      /datasets\[0\]\.metric has angular: .*one of l2/,
    ],
    ['a dimension of 0', ({ datasets: [d] }) => (d.dimension = 0), /datasets\[0\]\.dimension has 0: .*from 1 to 4096/],
    ['rows as text', ({ datasets: [, d] }) => (d.rows = '60000'), /datasets\[1\]\.rows has 60000/],
    [
      'a short checksum',
      ({ datasets: [d] }) => (d.files[1].sha256 = 'abc'),
      /files\[1\]\.sha256 has abc: .*64 hex digits/,
    ],
    ['a path for a name', ({ datasets: [d] }) => (d.files[0].name = '../x'), /files\[0\]\.name has \.\.\/x/],
    ['another protocol', ({ datasets: [d] }) => (d.files[0].url = 'file:///etc/passwd'), /files\[0\]\.url has file/],
    ['no queries', ({ datasets: [d] }) => d.files.pop(), /datasets\[0\]\.files has 0 files with the role queries/],
    ['two trains', ({ datasets: [d] }) => (d.files[1].roles = ['train', 'queries']), /2 files with the role train/],
    ['a slice of idx', ({ datasets: [d] }) => (d.files[0].maxRows = 5), /files\[0\]\.maxRows has a slice of idx/],
    ['two of a name', ({ datasets: [d, e] }) => (e.name = d.name), /is in it twice/],
    ['a model without a field', ({ families: [f] }) => delete f.model.noise, /families\[0\]\.model has no noise/],
    ['a model of no kind', ({ families: [f] }) => (f.model.kind = 'x'), /families\[0\]\.model\.kind has x/],
    ['half a spread', ({ families: [f] }) => (f.model.topicSpread = [1]), /model\.topicSpread has \[1\]/],
    ['no size', ({ families: [f] }) => (f.sizes = ['big']), /families\[0\]\.sizes has big/],
    ['no list', (json) => (json.datasets = {} as never), /datasets has \{\}: it must be a list/],
  ])('%s', (_, edit, says) => {
    const json = JSON.parse(readFileSync(PATH, 'utf8')) as Editable;
    edit(json);
    const path = join(temporaryFolder(), 'catalogue.json');
    writeFileSync(path, JSON.stringify(json));
    expect(() => readCatalogue(path)).toThrow(DataFileError);
    expect(() => readCatalogue(path)).toThrow(says);
  });

  test('no JSON, or no file', () => {
    const path = join(temporaryFolder(), 'catalogue.json');
    expect(() => readCatalogue(path)).toThrow(DataFileError);
    writeFileSync(path, '{"datasets": [');
    expect(() => readCatalogue(path)).toThrow(/cannot be read/);
  });
});
