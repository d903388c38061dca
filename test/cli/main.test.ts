import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { save } from '../../src/engine/index-file.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { said } from './said.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

function run(script: string, ...argv: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...argv], { cwd: root }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('annlab', () => {
  it('says which commands there are', async () => {
    const { text } = await said('--help');
    expect(text).toBe((await said('help')).text);
    for (const name of ['build', 'verify', 'info', 'search']) {
      expect(text).toContain(`npm run annlab -- ${name}`);
      const { text: help } = await said(name, '--help');
      expect(help).toContain(`npm run annlab -- ${name}`);
      expect(help).toMatch(/--help +this text/);
    }
  });

  it.each([
    [[], 'which command? One of build, verify, info, search'],
    [['bild'], 'bild: choose one of build, verify, info, search'],
    [['toString'], 'toString: choose one of'],
    [['--verify'], '--verify: choose one of'],
    [['verify'], 'which file?'],
    [['verify', '--all', 'x'], "unknown option '--all'"],
    [['info'], 'one file'],
    [['info', 'a', 'b'], 'one file'],
    [['info', '--json', 'a'], "unknown option '--json'"],
  ])('refuses %j', async (argv, message) => {
    const refused = said(...argv);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(message);
  });

  it('every command that a message names is a script of the package', () => {
    const named = new Set<string>();
    for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const text = readFileSync(join(root, 'src', file), 'utf8');
      for (const [, script] of text.matchAll(/npm run ([a-z][\w:-]*)/g)) named.add(script);
    }
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining([...named]));
    expect(named).toContain('annlab');
  });

  it('ends with 0, 1 or 2 and one line, as it is run and as it is built', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'index.ann');
    await save(Hnsw.create({ dimension: 2, capacity: 10 }), path);
    mkdirSync(join(folder, 'folder'));
    // dist/ was built before the tests.
    const built = join(root, manifest.bin.annlab);
    expect(readFileSync(built, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    for (const script of [join(root, 'src/cli/main.ts'), built]) {
      expect(await run(script, 'info', path)).toMatchObject({ status: 0, stderr: '' });
      const broken = await run(script, 'verify', join(folder, 'folder'));
      expect(broken).toMatchObject({ status: 1, stderr: '' });
      expect(broken.stdout).toMatch(/^[^\n]*folder: is a directory: name a file that annlab saved\n$/);
      const missing = await run(script, 'info', join(folder, 'none.ann'));
      expect(missing).toMatchObject({ status: 1, stdout: '' });
      expect(missing.stderr).toMatch(/^error: [^\n]*none\.ann: there is no such file: look at the path\n$/);
      const wrong = await run(script, 'search', path);
      expect(wrong).toMatchObject({ status: 2, stdout: '' });
      expect(wrong.stderr).toMatch(/^error: which queries\?[^\n]*\n$/);
    }
  });
});
