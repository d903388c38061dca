import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { open, save } from '../../src/engine/index-file.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import { rewrite } from '../engine/ann-indexes.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { said } from './said.ts';

async function saved(options: Partial<HnswOptions>, value: (i: number) => number, ids?: Uint32Array): Promise<string> {
  const path = join(temporaryFolder(), 'index.ann');
  const index = Hnsw.create({ dimension: 4, capacity: 9000, seed: 3, ...options });
  index.addBatch(
    Float32Array.from({ length: 2000 * 4 }, (_, i) => value(i)),
    ids && { ids },
  );
  await save(index, path);
  return path;
}

describe('annlab info', () => {
  it('says what the header has: options, counts, sections', async () => {
    const path = await saved({ metric: 'cosine', M: 5, filter: 'sign' }, (i) => Math.sin(i * i));
    const { text, status } = await said('info', path);
    expect(status).toBe(0);
    const [first, ...lines] = text.split('\n');
    expect(first).toBe(path);
    expect(lines[0]).toBe('  vectors  2,000 of 4 dimensions, cosine');
    expect(lines[1]).toBe('  held as  7-bit codes, and the f32 originals beside them');
    expect(lines[2]).toBe('  ids      their numbers, from 0');
    expect(lines[3]).toMatch(/^ {2}graph {4}HNSW: [4-9] levels, entry point \d+, \d+ lists above level 0$/);
    expect(text).toMatch(
      /options {2}capacity 9000, M 5, efConstruction 100, seed 3, codes sq7,\n {11}finer none, filter sign, alpha 1\.1/,
    );
    expect(text).toMatch(/file {5}format version 1, \d+ KiB in blocks of 64 KiB/);
    for (const section of ['records', 'upper', 'mean', 'signs', 'vectors']) {
      expect(text).toMatch(new RegExp(`\n${section} +[\\d,]+ +\\d+ +[\\d,]+`));
    }
    expect(text).toMatch(/\nvectors +32,000 +1 +/);
  });

  it('knows bytes from codes, floats, and ids of the caller', async () => {
    expect((await said('info', await saved({}, (i) => i % 256))).text).toContain('held as  bytes');
    expect((await said('info', await saved({ codes: 'f32' }, Math.sin))).text).toContain('held as  f32');
    const own = await saved(
      {},
      Math.sin,
      Uint32Array.from({ length: 2000 }, (_, i) => 3 * i + 1),
    );
    expect((await said('info', own)).text).toContain('ids      in a section of their own, as the caller gave');
  });

  it('says what recall takes, where that was measured', async () => {
    const path = await saved({ dimension: 4, filter: 'sign', M: 5 }, (i) => Math.sin(i * i));
    expect((await said('info', path)).text).not.toContain('calibrated');
    const index = await open(path);
    await index.calibrate({ sample: 100, ks: [1, 10] });
    await save(index, path);
    const { text } = await said('info', path);
    expect(text).toContain('calibrated on 100 of its own vectors, when it held 2,000; bounds at 95 % confidence\n');
    expect(text).toMatch(
      /\nfilter: 0 words of signs \(cache lines .* of 0\.95 with 1 words deferred by 0\.8: ([\d,]+|do not get there), 0 words: [\d,]+\)\n/,
    );
    expect(text).toMatch(/\nk +recall +gamma +efSearch +rerank +measured +at least +distances +hops +estimates\n/);
    const { gamma, rerank } = index.resolve({ k: 10, recallTarget: 0.95 });
    expect(text).toMatch(
      new RegExp(`\n10 +0\\.95 +${gamma} +512 +${rerank} +[01]\\.\\d{4} +0\\.9[5-9]\\d\\d +\\d+ +\\d+ +0`),
    );
    // A hundred queries cannot say so much of a single neighbour.
    expect(text).toMatch(/\n1 +0\.99 \(not reached\) /);
  });

  it('reads no section: of one that is spoiled it says the same', async () => {
    const path = await saved({}, Math.sin);
    const { text } = await said('info', path);
    const bytes = readFileSync(path);
    bytes.fill(0xee, 65_536, 65_536 + 5000);
    writeFileSync(path, bytes);
    expect((await said('info', path)).text).toBe(text);
  });

  it('believes no header that makes no sense', async () => {
    const path = await saved({}, Math.sin);
    const forged = `${path}.forged`;
    await rewrite(path, forged, ({ meta }) => {
      meta.count = 1999;
    });
    await expect(said('info', forged)).rejects.toThrow(/section records has \d+ bytes, and 1999 vectors make/);
  });
});
