import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputError } from '../../src/core/errors.ts';
import { writeOutputs } from '../../src/lab/results.ts';

describe('writing what a run leaves behind', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'annlab-results-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes the folder, writes each file whole and leaves no temporary ones', async () => {
    const out = path.join(folder, 'a', 'b');
    const paths = await writeOutputs(out, { 'one.txt': 'first', 'two.txt': 'second' });
    expect(paths).toEqual([path.join(out, 'one.txt'), path.join(out, 'two.txt')]);
    await writeOutputs(out, { 'one.txt': 'again' });
    expect((await readdir(out)).sort()).toEqual(['one.txt', 'two.txt']);
    expect(await readFile(path.join(out, 'one.txt'), 'utf8')).toBe('again');
  });

  it('says where it could not write, and cleans up', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, 'not a folder');
    await expect(writeOutputs(file, { 'one.txt': 'x' })).rejects.toThrow(OutputError);
    const where = path.join(file, 'one.txt');
    await expect(writeOutputs(file, { 'one.txt': 'x' })).rejects.toThrow(
      /one\.txt: cannot be written \(E\w+\): name another folder with --out$/,
    );
    await expect(writeOutputs(file, { 'one.txt': 'x' })).rejects.toThrow(where);
    expect(await readdir(folder)).toEqual(['file']);
  });
});
