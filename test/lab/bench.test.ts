import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { type BenchOptions, bench, kernelsTable, parseBenchArguments } from '../../src/lab/bench.ts';
import { benchKernels } from '../../src/lab/bench-kernels.ts';

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
  it('measures both parts unless told which', () => {
    expect(parseBenchArguments([])).toMatchObject({ parts: ['kernels', 'indexes'], dimension: 1024, rounds: 3 });
    expect(parseBenchArguments(['indexes'])).toMatchObject({ parts: ['indexes'] });
    expect(parseBenchArguments(['kernels', '--dimension', '768'])).toMatchObject({
      parts: ['kernels'],
      dimension: 768,
    });
    expect(parseBenchArguments(['day', '03', '--rounds', '1'])).toMatchObject({ day: 3, rounds: 1 });
    expect(parseBenchArguments(['--dataset', 'a, b'])).toMatchObject({ datasets: ['a', 'b'] });
    expect(parseBenchArguments(['kernels', '--help'])).toBe('help');
  });

  it.each([
    [['everything'], /^everything: choose from kernels, indexes, day$/],
    [['day'], /^day : which one\?.*npm run bench -- day 3$/],
    [['day', 'three'], /^day three: which one/],
    [['day', '3', 'kernels'], /^day 3 kernels: one day at a time/],
    [['kernels', 'day', '3'], /^day 3 stands alone: npm run bench -- day 3$/],
    [['kernels', 'day'], /^day stands alone: npm run bench -- day 3$/],
    [['day', '3', '--dataset', 'x', '--out', 'y'], /^day 3 --dataset: that flag goes with indexes$/],
    [['day', '3', '--out', 'y'], /^day 3 --out: that flag goes with kernels, indexes$/],
    [['kernels', '--rounds', '2'], /^kernels --rounds: that flag goes with indexes, day$/],
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
      const { rows, run } = JSON.parse(await readFile(path.join(out, name, 'results.json'), 'utf8'));
      expect(run.command).toBe(
        `npm run bench -- indexes --dataset ${name} --rows 1200 --queries 20 --rounds 1 --seed 1`,
      );
      expect([...new Set(rows.map((row: Record<string, string>) => `${row.index} ${row.codes}`))]).toEqual([
        'hnsw sq7',
        'hnsw f32',
        'hnsw unfiltered sq7',
        'hnsw unfiltered f32',
        'flat f32',
      ]);
    }
    expect(said.join('\n')).toContain('hnsw unfiltered f32: built in');
  });
});
