import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputError } from '../../src/core/errors.ts';
import { prepareFolder, writeOutputs } from '../../src/lab/results.ts';

describe('preparing a folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'annlab-results-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes what is missing on the way, and takes what is there', async () => {
    const deep = path.join(folder, 'a', 'b', 'c');
    await Promise.all([prepareFolder(deep), prepareFolder(deep), prepareFolder(path.join(folder, 'a', 'd'))]);
    await prepareFolder(deep);
    await prepareFolder(path.join(folder, 'e') + path.sep);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(
      ['a', 'a/b', 'a/b/c', 'a/d', 'e'].map((name) => path.normalize(name)),
    );
  });

  it('refuses a file, and a folder below a file', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    for (const wrong of [file, path.join(file, 'a', 'b')]) {
      await expect(prepareFolder(wrong)).rejects.toThrow(OutputError);
      await expect(prepareFolder(wrong)).rejects.toThrow(`${wrong}: cannot be written (ENOTDIR): name another folder`);
    }
  });

  it.runIf(process.platform === 'linux')('ends where the file system makes no folders', async () => {
    for (const wrong of ['/proc/annlab', '/proc/annlab/a/b']) {
      await expect(prepareFolder(wrong)).rejects.toThrow(OutputError);
    }
  });
});

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
      /one\.txt: cannot be written: .*\(E\w+\): name another folder with --out$/,
    );
    await expect(writeOutputs(file, { 'one.txt': 'x' })).rejects.toThrow(where);
    expect(await readdir(folder)).toEqual(['file']);
  });
});
