import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { save } from '../../src/engine/index-file.ts';
import { NODE } from '../../src/graph/graph-layout.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { rewrite } from '../engine/ann-indexes.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { said } from './said.ts';

const ROWS = 300;

async function files() {
  const folder = temporaryFolder();
  const index = Hnsw.create({ dimension: 4, codes: 'f32', capacity: ROWS });
  index.addBatch(Float32Array.from({ length: ROWS * 4 }, (_, i) => Math.sin(i * i)));
  const [whole, spoiled, forged] = ['whole.ann', 'spoiled.ann', 'forged.ann'].map((name) => join(folder, name));
  await save(index, whole);
  const bytes = readFileSync(whole);
  bytes[65_536 + 100] ^= 1;
  writeFileSync(spoiled, bytes);
  await rewrite(whole, forged, ({ sections }) => {
    const records = Uint8Array.from(sections.get('records')!);
    const words = new Uint32Array(records.buffer);
    const { recordBytes, vectorBytes } = index.layout;
    // Every list but the last three is longer than any may be.
    for (let slot = 0; slot < ROWS - 3; slot++) words[(slot * recordBytes + vectorBytes) / 4 + NODE.count] = 99;
    sections.set('records', records);
  });
  return { whole, spoiled, forged, none: join(folder, 'none.ann') };
}

const MEND = 'restore the file from a backup or rebuild it with "npm run annlab -- build …"';

describe('annlab verify', () => {
  it('says of a file that is whole what is in it', async () => {
    const { whole } = await files();
    const { text, status } = await said('verify', whole);
    expect(text).toMatch(/whole\.ann: whole: 300 vectors, 320 KiB in 3 blocks, checked in [\d.]+ m?s$/);
    expect(status).toBe(0);
  });

  it('says of one that is not what is broken and what to do, and ends with status 1', async () => {
    const { spoiled } = await files();
    const { text, status } = await said('verify', spoiled);
    expect(text).toBe(`${spoiled}: broken\n  section records, block 0 (byte 65536): checksum mismatch\n  ${MEND}`);
    expect(status).toBe(1);
  });

  it('says no more than one can read', async () => {
    const { forged } = await files();
    const { text, status } = await said('verify', forged);
    const lines = text.split('\n');
    expect(lines).toHaveLength(1 + 20 + 2);
    expect(lines[1]).toBe('  node 0, level 0: 99 links, at most 48 may be');
    expect(lines.slice(-2)).toEqual([`  and ${ROWS - 3 - 20} more`, `  ${MEND}`]);
    expect(status).toBe(1);
  });

  it('goes on to the next file; quiet, it says only what is wrong', async () => {
    const { whole, spoiled, none } = await files();
    const all = await said('verify', none, spoiled, whole);
    expect(all.text.split('\n')[0]).toBe(`${none}: there is no such file: look at the path`);
    expect(all.text).toContain(`${spoiled}: broken`);
    expect(all.text).toContain(`${whole}: whole`);
    expect(all.status).toBe(1);
    const quiet = await said('verify', '--quiet', whole, spoiled, whole);
    expect(quiet.text).toMatch(/^[^\n]*spoiled\.ann: broken\n/);
    expect(quiet.text).not.toContain('whole.ann');
    expect(await said('verify', '--quiet', whole, whole)).toEqual({ text: '', status: 0 });
  });
});
