import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnnError, UsageError } from '../../src/core/errors.ts';
import { type BenchOptions, bench, kernelsTable, parseBenchArguments } from '../../src/lab/bench.ts';
import type { BatchCost } from '../../src/lab/bench-batch.ts';
import type { BuildCost } from '../../src/lab/bench-build.ts';
import type { ChurnRound } from '../../src/lab/bench-churn.ts';
import { benchCodes, type CodesBench, piecesOf } from '../../src/lab/bench-codes.ts';
import { benchKernels } from '../../src/lab/bench-kernels.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import { groundTruth } from '../../src/lab/ground-truth.ts';
import type { Run } from '../../src/lab/results.ts';
import { paretoFront, type SweepRow, seriesLabel } from '../../src/lab/sweep.ts';

let folder: string;
const cacheBefore = process.env.ANNLAB_CACHE;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'annlab-bench-'));
  process.env.ANNLAB_CACHE = path.join(folder, 'cache');
});
afterAll(async () => {
  if (cacheBefore === undefined) delete process.env.ANNLAB_CACHE;
  else process.env.ANNLAB_CACHE = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

describe('the command line of npm run bench', () => {
  it('measures all parts unless told which', () => {
    expect(parseBenchArguments([])).toMatchObject({
      parts: ['kernels', 'indexes', 'codes', 'batch', 'build', 'files'],
      dimension: 1024,
      rounds: 3,
    });
    expect(parseBenchArguments(['indexes'])).not.toHaveProperty('threads');
    expect(parseBenchArguments(['files', '--file', 'a.ann'])).toMatchObject({ parts: ['files'], file: 'a.ann' });
    expect(parseBenchArguments(['indexes', '--threads', '4'])).toMatchObject({ threads: 4 });
    expect(parseBenchArguments(['kernels', '--dimension', '768'])).toMatchObject({
      parts: ['kernels'],
      dimension: 768,
    });
    expect(parseBenchArguments(['day', '03', '--rounds', '1'])).toMatchObject({ day: 3, rounds: 1 });
    expect(parseBenchArguments(['--dataset', 'a, b'])).toMatchObject({ datasets: ['a', 'b'] });
    expect(parseBenchArguments(['churn', '--churns', '4'])).toMatchObject({ parts: ['churn'], churns: 4 });
    expect(parseBenchArguments(['kernels', '--help'])).toBe('help');
  });

  it.each([
    [['everything'], /^everything: choose from kernels, indexes, codes, batch, build, files, churn, day$/],
    [['day'], /^day: which one\?.*npm run bench -- day 3$/],
    [['day', 'three'], /^day three: which one/],
    [['day', '3', 'kernels'], /^day 3 kernels: one day at a time/],
    [['kernels', 'day', '3'], /^day 3 stands alone: npm run bench -- day 3$/],
    [['kernels', 'day'], /^day stands alone: npm run bench -- day 3$/],
    [
      ['day', '3', '--dataset', 'x', '--out', 'y'],
      /^day 3 --dataset: that flag goes with indexes, codes, batch, build, files, churn$/,
    ],
    [['day', '3', '--out', 'y'], /^day 3 --out: that flag goes with kernels, .*, files, churn$/],
    [['kernels', '--threads', '2'], /^kernels --threads: that flag goes with indexes, .*, files, churn$/],
    [['kernels', '--rounds', '2'], /^kernels --rounds: that flag goes with indexes, codes, batch, build, files, day$/],
    [['churn', '--rounds', '2'], /^churn --rounds: that flag goes with indexes, codes, batch, build, files, day$/],
    [['build', '--churns', '2'], /^build --churns: that flag goes with churn$/],
    [['indexes', '--file', 'a.ann'], /^indexes --file: that flag goes with files$/],
    [['indexes', '--dimension', '8'], /^indexes --dimension: that flag goes with kernels$/],
    [['--dimension', '0'], /--dimension 0/],
    [['--rows', '99'], /--rows 99/],
    [['--codes', 'f32'], /unknown option '--codes'/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseBenchArguments(argv)).toThrow(UsageError);
    expect(() => parseBenchArguments(argv)).toThrow(message);
  });
});

describe('the benchmark of a day', () => {
  it('says which days there are, and writes nothing', async () => {
    const options = parseBenchArguments(['day', '99']) as BenchOptions;
    await expect(bench({ ...options, out: path.join(folder, 'day') }, () => {})).rejects.toThrow(
      /day 99 has no bench\.ts: the days that time something are /,
    );
    expect(await readdir(folder)).not.toContain('day');
  });
});

describe('the kernel benchmark', () => {
  it.each([1, 33, 4096])('has a cost for every kernel, place and width at dimension %i', async (dimension) => {
    const told: [number, number][] = [];
    const result = await benchKernels({
      dimension,
      memoryBytes: 2 ** 20,
      milliseconds: 1,
      rounds: 1,
      onProgress: (...at) => told.push(at),
    });
    expect(told.at(-1)).toEqual([22, 22]);
    expect(result.costs).toHaveLength(6);
    const [loop, ...kernels] = result.costs;
    expect([loop.cacheFour, loop.memoryFour]).toEqual([null, null]);
    for (const { cacheOne, cacheFour, memoryOne, memoryFour } of [
      { ...loop, cacheFour: 1, memoryFour: 1 },
      ...kernels,
    ]) {
      for (const ns of [cacheOne, cacheFour, memoryOne, memoryFour]) {
        expect(ns).toBeGreaterThan(0);
        expect(ns).toBeLessThan(1e7);
      }
    }
  });

  it('sets each cost beside the JavaScript loop', () => {
    const costs = [
      { kernel: 'loop', vectorBytes: 4, cacheOne: 800, cacheFour: null, memoryOne: 1500, memoryFour: null },
      { kernel: 'l2', vectorBytes: 4, cacheOne: 80, cacheFour: 64, memoryOne: 500, memoryFour: 250 },
    ];
    const lines = kernelsTable({ dimension: 8, callNs: 10, hugePages: true, costs }).split('\n');
    expect(lines[2]).toMatch(/^loop +800 +– +1500 +–$/);
    expect(lines[3]).toMatch(/^l2 +80\.0 +10\.0× +64\.0 +12\.5× +500 +3\.0× +250 +6\.0×$/);
  });
});

describe('the index benchmark', () => {
  it('sweeps each set with and without the sign filter', async () => {
    const said: string[] = [];
    const options = parseBenchArguments(['indexes']) as BenchOptions;
    const out = path.join(folder, 'out');
    const datasets = ['clustered-128-100k', 'gaussian-32-10k'];
    await bench({ ...options, datasets, rows: 1200, queries: 20, rounds: 1, out }, (text) => said.push(text));
    expect((await readdir(out)).sort()).toEqual(datasets);
    for (const name of datasets) {
      const { rows, run, batches, disk } = JSON.parse(await readFile(path.join(out, name, 'results.json'), 'utf8'));
      expect(run.command).toBe(
        `npm run bench -- indexes --dataset ${name} --rows 1200 --queries 20 --rounds 1 --seed 1`,
      );
      expect([...new Set(rows.map((row: Record<string, string>) => `${row.index} ${row.codes}`))]).toEqual([
        'hnsw sq7',
        'hnsw f32',
        'hnsw unfiltered sq7',
        'hnsw unfiltered f32',
        'vamana sq7',
        'vamana f32',
        'flat f32',
      ]);
      expect([...new Set(rows.filter(({ gamma }: SweepRow) => gamma === null).map(seriesLabel))]).toEqual([
        'hnsw sq7 by efSearch',
        'flat f32',
      ]);
      expect([batches, disk]).toEqual([[], null]);
    }
    expect(said.join('\n')).toContain('hnsw unfiltered f32: built in');
  });

  it('builds on several threads where it is told to, and measures batches on them', async () => {
    const options = parseBenchArguments(['indexes', '--threads', '2', '--rounds', '1']) as BenchOptions;
    const out = path.join(folder, 'threads');
    await bench({ ...options, datasets: ['gaussian-32-10k'], rows: 1000, queries: 20, out }, () => {});
    const { run, batches } = JSON.parse(await readFile(path.join(out, 'gaussian-32-10k', 'results.json'), 'utf8'));
    expect(run.command).toMatch(/ --threads 2$/);
    expect(new Set(batches.map((row: Record<string, string>) => `${row.index} ${row.codes} ${row.threads}`))).toEqual(
      new Set([
        'hnsw sq7 2',
        'hnsw f32 2',
        'hnsw unfiltered sq7 2',
        'hnsw unfiltered f32 2',
        'vamana sq7 2',
        'vamana f32 2',
      ]),
    );
  });
});

describe('the build benchmark', () => {
  it('builds with one writer and with several, whole graphs all of them', async () => {
    const said: string[] = [];
    const out = path.join(folder, 'build');
    const options = parseBenchArguments([
      'build',
      '--threads',
      '3',
      '--rounds',
      '3',
      '--queries',
      '50',
    ]) as BenchOptions;
    await bench({ ...options, datasets: ['gaussian-32-10k'], rows: 1500, out }, (text) => said.push(text));
    const { costs, rounds } = JSON.parse(await readFile(path.join(out, 'build-gaussian-32-10k.json'), 'utf8'));
    expect(rounds).toBe(3);
    expect(costs.map(({ index, codes, threads }: BuildCost) => `${index} ${codes} ${threads}`)).toEqual([
      'hnsw sq7 1',
      'hnsw sq7 3',
      'hnsw f32 1',
      'hnsw f32 3',
      'vamana sq7 1',
      'vamana sq7 3',
    ]);
    for (const { seconds, speedup, recall, faults, threads } of costs as BuildCost[]) {
      expect(seconds).toBeGreaterThan(0);
      expect(recall).toBeGreaterThan(0.9);
      expect(faults).toEqual([]);
      if (threads === 1) expect(speedup).toBe(1);
    }
    expect(said.join('\n')).toMatch(/index +codes +writers +build +speed-up +recall at ef 64 +faults/);
  });
});

describe('the benchmark of codes', () => {
  const run = async (name: string, words: string[] = []) => {
    const said: string[] = [];
    const out = path.join(folder, 'codes');
    const options = parseBenchArguments(['codes', '--rounds', '1', '--queries', '40', ...words]) as BenchOptions;
    await bench({ ...options, datasets: [name], rows: 1500, out }, (text) => said.push(text));
    const result = JSON.parse(await readFile(path.join(out, `codes-${name}.json`), 'utf8'));
    expect(await readdir(out)).toContain(`codes-${name}.svg`);
    return { said: said.join('\n'), ...result } as CodesBench & { said: string; run: Run };
  };

  it('has every kind of code, what it takes and a front of what it finds', async () => {
    const { costs, rows, run: ran, said } = await run('embedding-128-10k', ['--threads', '2']);
    expect(ran.command).toBe(
      'npm run bench -- codes --dataset embedding-128-10k --rows 1500 --queries 40 --rounds 1 --seed 1 --threads 2',
    );
    expect(ran.dataset).toMatchObject({ name: 'embedding-128-10k', vectors: 1500, queries: 40, dimension: 128 });
    const kinds = ['f32', 'sq8', 'sq7', 'pq8', 'opq8', 'rabitq1', 'rabitq2', 'rabitq4'];
    expect(costs.map(({ codes }) => codes)).toEqual(kinds);
    const bytes = Object.fromEntries(costs.map(({ codes, bytesPerVector }) => [codes, bytesPerVector]));
    for (const kind of kinds) {
      expect(bytes[kind].originals, 'beside what is walked on').toBe(kind === 'f32' ? 0 : 4 * 128);
      expect(bytes[kind].finer).toBe(0);
      if (kind !== 'f32') expect(bytes[kind].walk).toBeLessThan(bytes.f32.walk);
    }
    expect(bytes.pq8.walk).toBeLessThan(bytes.rabitq1.walk);
    expect(bytes.rabitq1.walk).toBeLessThan(bytes.rabitq4.walk);
    for (const { codes, trainSeconds, buildSeconds, atRecall, atEqualSpeed } of costs) {
      expect(buildSeconds, codes).toBeGreaterThan(0);
      expect(trainSeconds > 0, codes).toBe(codes !== 'f32' && codes !== 'sq7');
      expect(atRecall.map(({ recall }) => recall)).toEqual([0.95, 0.99]);
      for (const { qps, distances, hops } of atRecall) {
        for (const value of [qps, distances, hops])
          expect(value, `${codes}: reached again by exact vectors`).toBeGreaterThan(0);
      }
      expect(atEqualSpeed.map(({ f32Recall }) => f32Recall)).toEqual([0.9, 0.95, 0.99]);
      for (const { recall, f32Recall } of atEqualSpeed) {
        if (codes === 'f32') expect(recall).toBeGreaterThanOrEqual(f32Recall - 1e-9);
        if (recall !== null) expect(recall).toBeLessThanOrEqual(1);
      }
      const curve = rows.filter((row) => row.codes === codes);
      expect(curve, 'nothing that another beats').toEqual(paretoFront(curve));
      expect(
        curve.every(({ rerank }) => (codes === 'f32' ? rerank === undefined : rerank === 'bound' || rerank! >= 12)),
      ).toBe(true);
    }
    expect(said).toMatch(/^codes +walked B +finer B +originals B +train +build +recall at .*QPS at 0\.99 +distances$/m);
  });

  it('leaves out what the metric does not have', async () => {
    const loaded = await loadDataset('gaussian-32-10k', { maxRows: 400, maxQueries: 10 });
    const dataset = { ...loaded, metric: 'manhattan' as const };
    const truth = await groundTruth(dataset, 10);
    const said: string[] = [];
    const options = { dataset, truth, k: 10, seed: 1, threads: 1, rounds: 1, say: (text: string) => said.push(text) };
    const { costs, rows } = await benchCodes(options);
    expect(costs.map(({ codes }) => codes)).toEqual(['f32', 'sq8', 'sq7']);
    expect(rows.every(({ gamma }) => gamma !== null)).toBe(true);
    const dot = await benchCodes({ ...options, dataset: { ...loaded, metric: 'dot' }, truth });
    expect(dot.costs).toHaveLength(8);
    expect(dot.rows.every(({ gamma, efSearch }) => gamma === null && efSearch! >= 10)).toBe(true);
  });

  it.each([
    [1024, 64],
    [784, 49],
    [100, 5],
    [101, 1],
    [7, 1],
  ])('cuts %i dimensions into %i pieces', (dimension, pieces) => {
    expect(piecesOf(dimension)).toBe(pieces);
  });
});

describe('the benchmark of batches', () => {
  it('sets a pool of one thread beside a loop, at both recalls, in the order given and from the cache', async () => {
    const said: string[] = [];
    const out = path.join(folder, 'batch');
    const options = parseBenchArguments(['batch', '--rounds', '1', '--queries', '30']) as BenchOptions;
    await bench({ ...options, datasets: ['embedding-128-10k'], rows: 1500, out }, (text) => said.push(text));
    const { costs } = JSON.parse(await readFile(path.join(out, 'batch-embedding-128-10k.json'), 'utf8'));
    const of = (wanted: string) => (costs as BatchCost[]).filter(({ codes }) => codes === wanted);
    for (const codes of ['sq7', 'f32']) {
      expect(of(codes).length).toBeGreaterThan(1);
      expect(of(codes).map(({ order }) => order)).toEqual(of(codes).map((_, i) => (i % 2 === 0 ? 'given' : 'cached')));
      expect(of(codes).at(-1)!.recall).toBeGreaterThanOrEqual(0.99);
      for (const { recall, gamma, loopQps, batchQps, ratio, queries } of of(codes)) {
        expect(recall).toBeGreaterThanOrEqual(0.95);
        expect(gamma).not.toBeNull();
        for (const value of [loopQps, batchQps, ratio]) expect(value).toBeGreaterThan(0);
        expect(queries).toBe(30);
      }
    }
    expect(said[0]).toMatch(/^codes +width +recall +queries +a batch of +loop QPS +batch QPS +ratio$/m);
  });
});

describe('the benchmark of churn', () => {
  it('replaces a twentieth again and again, and sets a fresh build of what is held beside that', async () => {
    const said: string[] = [];
    const out = path.join(folder, 'churn');
    const options = parseBenchArguments([
      'churn',
      '--churns',
      '2',
      '--queries',
      '30',
      '--threads',
      '2',
    ]) as BenchOptions;
    await bench({ ...options, datasets: ['embedding-128-10k'], rows: 1500, out }, (text) => said.push(text));
    const { rounds } = JSON.parse(await readFile(path.join(out, 'churn-embedding-128-10k.json'), 'utf8'));
    expect((rounds as ChurnRound[]).map(({ round }) => round)).toEqual([0, 1, 2, 'fresh']);
    for (const { recall, distances, meanDegree, consolidateSeconds, faults } of rounds as ChurnRound[]) {
      expect(recall).toBeGreaterThan(0.7);
      for (const value of [distances, meanDegree, consolidateSeconds]) expect(value).toBeGreaterThan(0);
      expect(faults).toEqual([]);
    }
    expect(said[0]).toMatch(/^round +recall +distances +degree/m);
  });
});

describe('the file benchmark', () => {
  it('opens a file of its own, mapped and read, and one that is named', async () => {
    const said: string[] = [];
    const out = path.join(folder, 'files');
    const options = parseBenchArguments(['files', '--rounds', '1']) as BenchOptions;
    await bench({ ...options, datasets: ['gaussian-32-10k'], rows: 500, out }, (text) => said.push(text));
    const file = path.join(out, 'gaussian-32-10k.ann');
    expect(said[0]).toContain(file);
    expect(said[0]).toMatch(/^(mapped|read) .* ms/m);
    await bench({ ...options, file, out }, (text) => said.push(text));
    expect(said[1]).toMatch(/^read .* ms/m);
    const none = path.join(out, 'none.ann');
    await expect(bench({ ...options, file: none, out }, () => {})).rejects.toThrow(
      new AnnError('INDEX_FILE', `${none}: there is no such file: look at the path`),
    );
  });
});
