import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../../src/core/errors.ts';
import { REPOSITORY } from '../../../src/lab/exercises/day.ts';
import { findJupyter, jupyterArguments, jupyterEnvironment, linkKernel } from '../../../src/lab/notebooks/lab.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

const KERNELS = path.join(REPOSITORY, 'src/lab/jupyter');

/** A PATH with nothing but these programs, each a script for Node. */
function pathOf(programs: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(path.join(folder, name), `#!${process.execPath}\n${script}`);
    chmodSync(path.join(folder, name), 0o755);
  }
  return folder;
}

const lab = (PATH: string, ...argv: string[]) =>
  promisify(execFile)(process.execPath, ['--conditions=annlab-source', 'src/lab/notebooks/lab.ts', ...argv], {
    cwd: REPOSITORY,
    env: { ...process.env, PATH, JUPYTER_DATA_DIR: temporaryFolder() },
  });

describe.skipIf(process.platform === 'win32')('the Jupyter of this machine', () => {
  it('is looked for as a command and as a module, the lab first', () => {
    const find = (programs: Record<string, string>) => findJupyter({ PATH: pathOf(programs) });
    const version = (text: string) => `console.log(${JSON.stringify(text)});`;
    expect(find({})).toBeUndefined();
    expect(find({ 'jupyter-lab': version('4.6.4'), 'jupyter-notebook': version('7.1.0') })).toEqual({
      ...{ command: ['jupyter-lab'], interface: 'lab', version: '4.6.4' },
    });
    expect(find({ 'jupyter-lab': 'process.exit(127)', 'jupyter-notebook': version('6.4.12') })).toEqual({
      ...{ command: ['jupyter-notebook'], interface: 'notebook', version: '6.4.12' },
    });
    const module = `if (process.argv[3] !== 'jupyterlab') process.exit(1); console.log('4.0.0');`;
    expect(find({ python3: module })?.command).toEqual(['python3', '-m', 'jupyterlab']);
    // A command that answers something else is none.
    expect(find({ 'jupyter-lab': version('command not found: pyenv') })).toBeUndefined();
  });

  it('is told where the notebooks are, in the words of its version', () => {
    const args = (face: 'lab' | 'notebook', version: string, open = 'notebooks') =>
      jupyterArguments({ command: [], interface: face, version }, { root: '/r', open, switches: [] });
    expect(args('lab', '4.6.4')).toEqual(['--ServerApp.root_dir=/r', '--LabApp.default_url=/lab/tree/notebooks']);
    expect(args('notebook', '7.1.0', 'notebooks/03-layers.ipynb')).toEqual([
      '--ServerApp.root_dir=/r',
      '--JupyterNotebookApp.default_url=/notebooks/notebooks/03-layers.ipynb',
    ]);
    expect(args('notebook', '6.4.12')).toEqual([
      '--NotebookApp.notebook_dir=/r',
      '--NotebookApp.default_url=/tree/notebooks',
    ]);
  });

  it('finds the kernel, before those that are there', () => {
    expect(jupyterEnvironment({ A: 'b' })).toEqual({ A: 'b', JUPYTER_PATH: KERNELS });
    expect(jupyterEnvironment({ JUPYTER_PATH: '/x' }).JUPYTER_PATH).toBe(`${KERNELS}${path.delimiter}/x`);
  });

  it('is started in the root, with the flags that were given, and its status is the command’s', async () => {
    const out = path.join(temporaryFolder(), 'out.json');
    const PATH = pathOf({
      'jupyter-lab': `if (process.argv[2] === '--version') console.log('4.6.4');
        else {
          const told = [process.cwd(), process.env.JUPYTER_PATH, ...process.argv.slice(2)];
          require('node:fs').writeFileSync(${JSON.stringify(out)}, JSON.stringify(told));
          process.exitCode = 3;
        }`,
    });
    await expect(lab(PATH, '--no-browser', '--port', '9999')).rejects.toMatchObject({
      code: 3,
      stdout: expect.stringContaining('jupyter-lab (4.6.4)'),
    });
    const [cwd, jupyterPath, ...argv] = JSON.parse(readFileSync(out, 'utf8'));
    expect(path.join(cwd, '/')).toBe(REPOSITORY);
    expect(jupyterPath.split(path.delimiter)[0]).toBe(KERNELS);
    expect(argv.slice(1)).toEqual(['--LabApp.default_url=/lab/tree/notebooks', '--no-browser', '--port=9999']);
  });

  it('gets Ctrl-C for itself', async () => {
    const PATH = pathOf({
      'jupyter-lab': `if (process.argv[2] === '--version') console.log('4.6.4');
        else {
          process.on('SIGINT', () => { console.log('shut down? yes'); process.exit(0); });
          console.log('running');
          setTimeout(() => process.exit(9), 20000);
        }`,
    });
    const child = spawn(process.execPath, ['--conditions=annlab-source', 'src/lab/notebooks/lab.ts'], {
      ...{ cwd: REPOSITORY, env: { ...process.env, PATH }, detached: true },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    await expect.poll(() => said, { timeout: 20_000 }).toMatch(/running/);
    // As a terminal does: to everyone at once.
    process.kill(-child.pid!, 'SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(said).toMatch(/shut down\? yes/);
  });

  it('that is missing is an error of status 1, which says how to get it', async () => {
    await expect(lab(pathOf({}))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^error: no Jupyter was found[\s\S]*uv tool[\s\S]*pipx[\s\S]*pip install[\s\S]*apt[\s\S]*VS Code/,
      ),
    });
  });

  it.each([
    [['3', '4'], 'error: 3 4: one notebook at a time, such as npm run lab -- 3\n'],
    [['3', '99'], 'error: 3 99: one notebook at a time, such as npm run lab -- 3\n'],
    [['--link', '3'], 'error: --link starts nothing: leave out 3\n'],
  ])('is not started for %j', async (argv, stderr) => {
    await expect(lab(pathOf({}), ...argv)).rejects.toMatchObject({ code: 2, stderr });
  });

  it('is not started for a day that does not exist, nor for --help', async () => {
    await expect(lab(pathOf({}), '99')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: 99: there is no notebook/),
    });
    expect((await lab(pathOf({}), '--help')).stdout).toMatch(/npm run lab -- --link/);
  });
});

describe('the link for every Jupyter of a user', () => {
  it('is made by --link, which says how to undo it', async () => {
    const { stdout } = await lab(process.env.PATH!, '--link');
    const link = /^linked (.*): choose the kernel "TypeScript \(annlab\)"\n/.exec(stdout)![1];
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(stdout).toMatch(/\nto undo it: (rm|rmdir) '.*annlab'\n$/);
    expect(stdout).toContain(`'${link}'`);
  });

  const target = path.join(KERNELS, 'kernels/annlab');

  it('is made once, and replaces one to another checkout', () => {
    const data = path.join(temporaryFolder(), 'jupyter');
    const link = linkKernel(data);
    expect(link).toBe(path.join(data, 'kernels', 'annlab'));
    expect(linkKernel(data)).toBe(link);
    expect(readFileSync(path.join(link, 'kernel.json'))).toEqual(readFileSync(path.join(target, 'kernel.json')));
    const other = temporaryFolder();
    mkdirSync(path.join(other, 'kernels'));
    symlinkSync(temporaryFolder(), path.join(other, 'kernels', 'annlab'), 'junction');
    expect(readFileSync(path.join(linkKernel(other), 'kernel.json'))).toEqual(
      readFileSync(path.join(target, 'kernel.json')),
    );
  });

  it('does not take the place of a folder', () => {
    const data = temporaryFolder();
    const folder = path.join(data, 'kernels', 'annlab');
    mkdirSync(folder, { recursive: true });
    expect(() => linkKernel(data)).toThrow(OutputError);
    expect(() => linkKernel(data)).toThrow(/EEXIST.*: remove what is there/);
    expect(lstatSync(folder).isDirectory()).toBe(true);
  });
});
