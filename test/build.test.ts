/** The same sources run compiled, under Node itself and under tsx; vitest is what runs this. */
import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const bin = (name: string) => path.join(root, 'node_modules', '.bin', name);

/**
 * Walks the graph on this thread, on trained codes too, and asks workers for the truth and for training, so that all kinds of import
 * are made.
 */
const program = (index: string, workers: string) => `
  import { Hnsw, kmeans, ProductQuantizer, RabitqQuantizer, runOnThreads, ScalarQuantizer, trainKMeans } from '${index}';
  import { exactNeighbors } from '${workers}';
  const rows = 200, dimension = 16;
  const data = Float32Array.from({ length: rows * dimension }, (_, i) => Math.sin(i * i));
  const index = Hnsw.create({ dimension, capacity: rows });
  index.addBatch(data);
  const queries = { data: data.slice(0, dimension), rows: 1, dimension };
  const truth = await exactNeighbors({ base: { data, rows, dimension }, queries, k: 3, metric: 'l2', threads: 2 });
  const { ids } = index.search(queries.data, { k: 3, efSearch: rows });
  const base = { data, rows, dimension };
  const coded = [
    ScalarQuantizer.train(base),
    RabitqQuantizer.train(base),
    await ProductQuantizer.train(base, { m: 4, bits: 4, seed: 1, run: runOnThreads(2) }),
  ].map((codes) => {
    const index = Hnsw.create({ dimension, capacity: rows, codes });
    index.addBatch(data);
    return [...index.search(queries.data, { k: 3, efSearch: rows, rerank: rows }).ids];
  });
  const alone = kmeans(base, { k: 4, seed: 1 });
  const shared = await trainKMeans(base, { k: 4, seed: 1, threads: 2 });
  const same = alone.inertia === shared.inertia;
  console.log(JSON.stringify({ ids: [...ids], truth: [...truth.ids], coded, same }));`;

interface Output {
  ids: number[];
  truth: number[];
  coded: number[][];
  same: boolean;
}

async function outputOf(command: string, folder: string, ending: string): Promise<Output> {
  const url = (file: string) => pathToFileURL(path.join(folder, file + ending)).href;
  const source = program(url('index'), url('workers/exact-neighbors'));
  // Before 22.18, Node takes types off only when asked to.
  const types = ending === '.ts' && !process.features.typescript ? ['--experimental-strip-types'] : [];
  const { stdout } = await run(command, [...types, '--input-type=module', '--eval', source], { cwd: root });
  return JSON.parse(stdout);
}

describe('the sources', () => {
  // Below the root, so that the packages are found from there.
  const dist = path.join(root, 'node_modules', '.cache', `build-test-${process.pid}`);

  beforeAll(async () => {
    // By its path: tslab brings an older TypeScript, whose name in `.bin` is the same.
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', path.join(root, 'src'), '--outDir', dist], { cwd: root });
    cpSync(path.join(root, 'src/kernels/compiled'), path.join(dist, 'kernels/compiled'), { recursive: true });
  }, 120_000);

  afterAll(() => rmSync(dist, { recursive: true, force: true }));

  it.each([
    ['compiled, under node', process.execPath, () => dist, '.js'],
    ['as they are, under node', process.execPath, () => path.join(root, 'src'), '.ts'],
    ['as they are, under tsx', bin('tsx'), () => path.join(root, 'src'), '.ts'],
  ])('run %s', async (_, command, folder, ending) => {
    const { ids, truth, coded, same } = await outputOf(command, folder(), ending);
    expect(ids).toHaveLength(3);
    expect(ids).toEqual(truth);
    expect(coded).toEqual([truth, truth, truth]);
    expect(same).toBe(true);
  });
});
