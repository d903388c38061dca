/** The launcher of the kernel, and the client that speaks to it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { REPOSITORY } from '../../../src/lab/exercises/day.ts';
import { Kernel, KernelError } from '../../../src/lab/notebooks/kernel-client.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

const SPEC = path.join(REPOSITORY, 'src/lab/jupyter/kernels/annlab');
const timeoutMs = 30_000;

describe('the kernel', () => {
  it('is described as Jupyter wants it', () => {
    const { argv, display_name, language } = JSON.parse(readFileSync(path.join(SPEC, 'kernel.json'), 'utf8'));
    expect(argv).toEqual(['node', '{resource_dir}/launch.cjs', '{connection_file}']);
    expect([display_name, language]).toEqual(['TypeScript (annlab)', 'typescript']);
  });

  it('can be interrupted in a loop and while it waits, and goes on; here over TCP', async () => {
    const kernel = await Kernel.start({ spec: SPEC, cwd: REPOSITORY, transport: 'tcp' });
    try {
      for (const code of ['while (true) {}', 'await new Promise(() => {});']) {
        const execution = kernel.execute(code, { timeoutMs });
        await sleep(1000);
        kernel.interrupt();
        const { status, outputs } = await execution;
        expect(status).toBe('error');
        expect(outputs).toEqual([
          expect.objectContaining({ name: 'stderr', text: expect.stringContaining('nterrupted') }),
        ]);
        // For 200 ms after an error tslab drops what is sent: the cells that "run all" had queued.
        await sleep(500);
      }
      const { status, outputs } = await kernel.execute('1 + 1', { timeoutMs });
      expect([status, outputs]).toEqual(['ok', [{ output_type: 'stream', name: 'stdout', text: '2\n' }]]);
      // An output may be changed by a later cell, wherever it stands.
      const shown = await kernel.execute(
        `import { newDisplay } from 'tslab'; const display = newDisplay(); display.text('before');`,
        { timeoutMs },
      );
      await kernel.execute(`display.text('after');`, { timeoutMs });
      expect(shown.outputs).toMatchObject([{ data: { 'text/plain': 'after' } }]);
      expect(kernel.printed).toBe('');
    } finally {
      await kernel.stop();
    }
    await expect(kernel.execute('1', { timeoutMs })).rejects.toThrow(KernelError);
  });

  it('takes an edited day module into account', async () => {
    const folder = path.join(REPOSITORY, 'out', `kernel-test-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, 'exercise.ts');
    const from = `./${path.relative(REPOSITORY, folder).split(path.sep).join('/')}/exercise`;
    const kernel = await Kernel.start({ spec: SPEC, cwd: REPOSITORY });
    try {
      const answer = async () => {
        const { outputs } = await kernel.execute(`import * as mine from '${from}'; mine.answer()`, { timeoutMs });
        return outputs.map((output) => (output.output_type === 'stream' ? output.text : '')).join('');
      };
      writeFileSync(file, `import { Hnsw } from 'annlab';\nexport const answer = (): string => Hnsw.name;\n`);
      expect(await answer()).toBe('Hnsw\n');
      writeFileSync(file, 'export const answer = (): number => 42;\n');
      await expect.poll(answer, { timeout: 10_000, interval: 500 }).toBe('42\n');
    } finally {
      await kernel.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe.skipIf(process.platform === 'win32')('the folder of a kernel, which holds its key', () => {
  /** Where temporary folders are made until the test ends. */
  const temporary = () => {
    const folder = temporaryFolder();
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    return folder;
  };

  it.each([
    ['that is missing', undefined, /kernel\.json: ENOENT/],
    ['that is no JSON', '{ "argv": [', /kernel\.json: .*JSON/],
    ['without a command line', '{ "env": {} }', /kernel\.json: it has no "argv"/],
    ['with words that are none', '{ "argv": ["node", 1] }', /kernel\.json: it has no "argv"/],
    ['with an empty command line', '{ "argv": [] }', /kernel\.json: it has no "argv"/],
    ['with a command that cannot be one', '{ "argv": ["a\\u0000b"] }', /could not be started: .*null bytes/],
  ])('is gone where the kernel.json %s keeps it from starting', async (_, text, message) => {
    const spec = temporaryFolder();
    if (text !== undefined) writeFileSync(path.join(spec, 'kernel.json'), text);
    const folder = temporary();
    const start = Kernel.start({ spec, cwd: REPOSITORY });
    await expect(start).rejects.toThrow(KernelError);
    await expect(start).rejects.toMatchObject({ reason: 'start', message: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is gone where the sockets cannot be made', async () => {
    const folder = path.join(temporary(), 'long'.repeat(30));
    mkdirSync(folder);
    vi.stubEnv('TMPDIR', folder);
    const start = Kernel.start({ spec: SPEC, cwd: REPOSITORY });
    await expect(start).rejects.toMatchObject({ name: 'KernelError', reason: 'start' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is gone when any of two stops has come back', async () => {
    const folder = temporary();
    const kernel = await Kernel.start({ spec: SPEC, cwd: REPOSITORY });
    expect(readdirSync(folder)).toContainEqual(expect.stringMatching(/^annlab-kernel-/));
    const first = kernel.stop();
    await kernel.stop();
    expect(readdirSync(folder).filter((name) => name.startsWith('annlab-kernel-'))).toEqual([]);
    await first;
  });
});

describe('the launcher', () => {
  /** A checkout with nothing but the launcher and this package.json. */
  const checkout = (manifest: object) => {
    const root = temporaryFolder();
    const spec = path.join(root, 'src/lab/jupyter/kernels/annlab');
    cpSync(SPEC, spec, { recursive: true });
    writeFileSync(path.join(root, 'package.json'), JSON.stringify(manifest));
    return { root, launcher: path.join(spec, 'launch.cjs') };
  };
  const platform = `${process.platform}-${process.arch}`;
  const manifest = (wanted: string) => ({
    name: 'annlab',
    engines: { node: `>=${wanted}` },
    annlab: { node: { [platform]: 'node-made-up@99.0.0' } },
    exports: { './lab': { default: './dist/lab/index.js' } },
  });
  const launch = (launcher: string, ...argv: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [launcher, ...argv], { encoding: 'utf8' });
    return { status, stderr };
  };

  it.each<[string, object, string[], string[], RegExp]>([
    [
      'copied out of a checkout',
      { name: 'other' },
      [],
      ['c.json'],
      /is not inside a checkout of annlab\.\nTo mend: link the folder/,
    ],
    ['started by hand', manifest('18.0'), [], [], /no connection file\.\nTo mend: .*npm run lab/],
    [
      'without packages',
      manifest('18.0'),
      [],
      ['c.json'],
      /its packages are not installed\.\nTo mend: run "npm run setup" in /,
    ],
    [
      'without a build',
      manifest('18.0'),
      ['node_modules/tslab/dist/main.js'],
      ['c.json'],
      /dist\/lab\/index\.js is not built\.\nTo mend: run "npm run build"/,
    ],
    [
      'on an old Node alone',
      manifest('99.0'),
      [],
      ['c.json'],
      /Node \d+\.\d+\.\d+ is too old \(annlab needs >=99\.0\)\.\nTo mend: run "npm run setup"/,
    ],
  ])('says what is missing: %s', (_, manifest, files, argv, message) => {
    const { root, launcher } = checkout(manifest);
    for (const file of files) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), '');
    }
    const { status, stderr } = launch(launcher, ...argv);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });

  describe.skipIf(process.platform === 'win32')('on an old Node, hands over to the one of node_modules', () => {
    /** The launcher, with a Node that runs this instead. */
    const handingOver = (script: string) => {
      const { root, launcher } = checkout(manifest('99.0'));
      const node = path.join(root, 'node_modules/node-made-up/bin/node');
      mkdirSync(path.dirname(node), { recursive: true });
      writeFileSync(node, `#!${process.execPath}\n${script}`);
      chmodSync(node, 0o755);
      return launcher;
    };

    it('with its arguments, and ends with its status', () => {
      const launcher = handingOver(`console.error(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;`);
      const { status, stderr } = launch(launcher, 'c.json');
      expect(status).toBe(7);
      expect(JSON.parse(stderr)).toEqual([expect.stringMatching(/launch\.cjs$/), 'c.json']);
    });

    it('once: a local one that is too old as well is an error', () => {
      const launcher = handingOver(
        `const { spawnSync } = require('node:child_process');
         process.exitCode = spawnSync(process.execPath, process.argv.slice(2), { stdio: 'inherit' }).status;`,
      );
      const { status, stderr } = launch(launcher, 'c.json');
      expect(stderr).toMatch(/is too old/);
      expect(status).toBe(1);
    });

    it('and passes signals on', async () => {
      const launcher = handingOver(
        `process.on('SIGINT', () => process.stdout.write('interrupted '));
         process.on('SIGTERM', () => process.exit(5));
         process.stdout.write('ready ');
         setInterval(() => {}, 1000);`,
      );
      const child = spawn(process.execPath, [launcher, 'c.json'], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (text) => (said += text));
      await expect.poll(() => said, { timeout: 10_000 }).toBe('ready ');
      child.kill('SIGINT');
      await expect.poll(() => said, { timeout: 10_000 }).toBe('ready interrupted ');
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([5, null]);
    });
  });
});
