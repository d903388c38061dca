import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AnnError, OutputError } from '../../src/core/errors.ts';
import { verify } from '../../src/engine/index-file.ts';
import type { Hnsw } from '../../src/graph/hnsw.ts';
import type { SearchOptions } from '../../src/graph/vector-index.ts';
import { buildHnsw, type GraphSearcher } from '../../src/lab/build.ts';
import { throughDisk } from '../../src/lab/from-disk.ts';
import { gaussianSet, rows } from '../../src/lab/teaching-sets.ts';
import { canMap } from '../../src/storage/mapping.ts';

const { base, queries } = gaussianSet({ n: 3000, dimension: 40, queries: 60, seed: 12 });
let folder: string;
let searcher: GraphSearcher;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'annlab-from-disk-'));
  searcher = await buildHnsw({ base, metric: 'l2', codes: 'sq7', M: 8, efConstruction: 40 });
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('an index that goes through a file', () => {
  const options = (name: string) => ({ searcher, path: path.join(folder, name), queries, k: 10, rounds: 3 });

  it('is another curve that finds the same, and the file stays', async () => {
    const disk = await throughDisk(options('whole.ann'));
    const { bytes, ...run } = disk.run;
    const { size } = await stat(path.join(folder, 'whole.ann'));
    expect(bytes).toBe(size);
    expect(await verify(path.join(folder, 'whole.ann'))).toMatchObject({ ok: true, count: 3000 });
    expect(run).toMatchObject({ index: 'hnsw', codes: 'sq7', file: 'whole.ann', mapped: canMap() });
    for (const value of [run.saveSeconds, run.openMs, run.firstQueryMs]) expect(value).toBeGreaterThan(0);

    expect(disk.searcher).toMatchObject({
      index: 'hnsw',
      codes: 'sq7',
      from: 'disk',
      knob: 'gamma',
      ramBytes: searcher.ramBytes,
    });
    for (const query of rows(queries)) {
      for (const gamma of [0.01, 0.2])
        expect(disk.searcher.search(query, 10, gamma)).toEqual(searcher.search(query, 10, gamma));
    }
  });

  it.runIf(process.platform === 'linux')('lies in the page cache where it is mapped', async () => {
    const { run } = await throughDisk(options('resident.ann'));
    expect(run.mapped).toBe(true);
    expect(run.residentBytes).toBeGreaterThan(run.bytes / 4);
    // However often it was opened, no more than there is.
    expect(run.residentBytes).toBeLessThanOrEqual(run.bytes);
  });

  it('says so where it was read', async () => {
    vi.stubEnv('ANNLAB_MAP', '0');
    const { run } = await throughDisk(options('read.ann'));
    expect(run.mapped).toBe(false);
    expect(run.residentBytes ?? 0).toBe(0);
  });

  it('cannot be written where there is no folder', async () => {
    await expect(throughDisk(options(path.join('nowhere', 'x.ann')))).rejects.toThrow(OutputError);
    expect(await readdir(folder)).not.toContain('nowhere');
  });

  it('is not taken for the same where a query finds something else', async () => {
    const wrong = rows(queries)[17];
    const search = (query: Float32Array, options: SearchOptions) => {
      const found = searcher.graph.search(query, options);
      return query.every((value, j) => value === wrong[j]) ? { ...found, ids: found.ids.toReversed() } : found;
    };
    const graph = new Proxy(searcher.graph, {
      get(index, key: keyof Hnsw) {
        const value: unknown = key === 'search' ? search : index[key];
        return typeof value === 'function' ? value.bind(index) : value;
      },
    });
    const gone = throughDisk({ ...options('other.ann'), searcher: { ...searcher, graph } });
    await expect(gone).rejects.toThrow(AnnError);
    await expect(gone).rejects.toThrow(/other\.ann: .*for 1 of 60 queries: .*annlab -- verify/);
  });
});
