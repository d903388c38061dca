/** Small notebooks executed by the true kernel, which takes two seconds to start: what runs, and every way to fail. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type ExecuteOptions, executeNotebook, NotebookError } from '../../../src/lab/notebooks/execute.ts';
import type { CodeCell } from '../../../src/lab/notebooks/notebook.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { notebookOf, shownBy } from './made-up.ts';

const failure = async (cells: Parameters<typeof notebookOf>, options?: ExecuteOptions): Promise<string> => {
  const error = await executeNotebook(notebookOf(...cells), 'made-up.ipynb', options).then(
    () => expect.unreachable('it passed'),
    (error) => error,
  );
  expect(error).toBeInstanceOf(NotebookError);
  return error.message;
};

/** What is left running of these processes; one that nobody has asked about since its end does not run. */
const running = (pids: string[]) =>
  pids.filter((pid) => /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim()));

it('a notebook that runs has every output of its cells', async () => {
  vi.stubEnv('NODE_OPTIONS', '--no-warnings').stubEnv('LC_ALL', 'de_DE.UTF-8').stubEnv('TZ', 'Asia/Tokyo');
  const notebook = notebookOf(
    // The engine and the lab by name, in the repository's root; what a cell defines is there for the next.
    `import { Hnsw } from 'annlab';
     import { formatCount } from 'annlab/lab';
     const index = Hnsw.create({ dimension: 2, capacity: 10 });
     const id = index.add(Float32Array.of(3, 4), 7);`,
    { cell_type: 'markdown', source: '# Between' },
    `const found: { ids: Uint32Array } = index.search(Float32Array.of(0, 0), { k: 1 });
     console.log(formatCount(12345), found.ids[0], found.ids.length);`,
    `import { readFileSync } from 'node:fs';
     console.log(JSON.parse(readFileSync('package.json', 'utf8')).name, process.env.ANNLAB_WASM);`,
    // What Jupyter passes over is passed over here.
    '  \n',
    // Something displayed, awaited, printed after the end of the cell, and printed more often than ZeroMQ has room for.
    `import { display } from 'tslab';
     display.html('<b>bold</b>');`,
    'const three = await Promise.resolve(3); three',
    `const timer = setTimeout(() => console.log('late'), 5);`,
    'for (let i = 0; i < 3000; i++) console.log(i);',
    // The user's language, time zone and options have no say.
    'console.log([1], new Date(0).getHours(), (1234.5).toLocaleString(), process.env.NODE_OPTIONS);',
  );
  const before = structuredClone(notebook);
  const progress: number[][] = [];
  const fresh = await executeNotebook(notebook, 'made-up.ipynb', { onProgress: (...at) => progress.push(at) });
  vi.unstubAllEnvs();

  const [imports, found, root, empty, html, three, timer, loop, plain] = shownBy(fresh);
  expect([imports, found, root, empty]).toEqual(['', '12,345 7 1\n', 'annlab baseline\n', '']);
  expect([html, three, plain]).toEqual(['<b>bold</b>', '3\n', '[ 1 ] 0 1,234.5 undefined\n']);
  expect(timer + loop).toMatch(/^late$/m);
  expect((timer + loop).split('\n')).toHaveLength(3002);
  const counts = fresh.cells.map((cell) => (cell as CodeCell).execution_count);
  expect(counts).toEqual([1, undefined, 2, 3, null, 4, 5, 6, 7, 8]);
  expect(fresh.cells[1]).toEqual(before.cells[1]);
  expect(progress.at(0)).toEqual([0, 8]);
  expect(progress.at(-1)).toEqual([8, 8]);
  expect(notebook).toEqual(before);
});

describe('a notebook fails on', () => {
  it('a type error, of the engine’s types too', async () => {
    const wrong = `import { Hnsw } from 'annlab';\nHnsw.create({ dimension: 'four', capacity: 10 });`;
    const message = await failure(['const ok = 1;', wrong, 'throw new Error("not reached")']);
    expect(message).toMatch(
      /^made-up\.ipynb, cell 2, \[2\], which begins "import { Hnsw } from 'annlab';": type error\n/,
    );
    expect(message).toMatch(/2:15 - Type 'string' is not assignable to type 'number'/);
    expect(message).not.toMatch(/not reached/);
  });

  it('a throw', async () => {
    const message = await failure([`const fail = () => { throw new RangeError('too far'); };\nfail();`]);
    expect(message).toMatch(/: it threw\n[\s\S]*RangeError: too far/);
  });

  it('anything on stderr', async () => {
    expect(await failure([`console.warn('careful')`])).toMatch(/: it wrote to stderr\n {2}careful$/);
  });

  it('a warning of Node itself, which goes past Jupyter', async () => {
    expect(await failure([`process.emitWarning('old', 'DeprecationWarning');`])).toMatch(/DeprecationWarning: old/);
  });

  it('a rejection after the end of its cell, while another runs', async () => {
    const late = `const timer = setTimeout(() => Promise.reject(new Error('afterwards')), 50);`;
    const wait = 'await new Promise((resolve) => setTimeout(resolve, 300));';
    expect(await failure([late, wait])).toMatch(/an error that nobody awaits[\s\S]*Error: afterwards/);
  });

  it('a rejection and a throw after the end of the last cell', async () => {
    const message = await failure([
      `const reject = setTimeout(() => Promise.reject(new Error('rejected')), 100);
       const fail = setTimeout(() => { throw new Error('thrown'); }, 150);`,
    ]);
    expect(message).toMatch(/an error that nobody awaits or catches[\s\S]*Error: rejected[\s\S]*Error: thrown/);
  });

  it.each([
    ['loops for ever', 'while (true) {}'],
    ['waits for ever', 'await new Promise(() => {});'],
  ])('a cell that %s, and ends it and what it has started', async (_, code) => {
    const file = path.join(temporaryFolder(), 'pids');
    const start = `import { spawn } from 'node:child_process';
      import { writeFileSync } from 'node:fs';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      writeFileSync(${JSON.stringify(file)}, process.pid + ' ' + child.pid);`;
    const message = await failure([start, code], { cellTimeoutMs: 4000 });
    expect(message).toMatch(/^made-up\.ipynb, cell 2, which begins .*: no end within 4 s: it may never end/);
    const pids = readFileSync(file, 'utf8').split(' ');
    expect(pids).toHaveLength(2);
    await vi.waitFor(() => expect(running(pids)).toEqual([]));
  });

  it('a kernel that dies', async () => {
    const message = await failure([`process.kill(process.pid, 'SIGKILL')`]);
    expect(message).toMatch(/^made-up\.ipynb, cell 1, which begins .*: the kernel died by SIGKILL$/);
  });

  it('a kernel that does not start, with what it said', async () => {
    const spec = temporaryFolder();
    const start = (argv: string[], startTimeoutMs = 30_000) => {
      writeFileSync(path.join(spec, 'kernel.json'), JSON.stringify({ argv }));
      return failure(['1'], { kernel: { spec, startTimeoutMs } });
    };
    expect(await start(['node', '-e', `console.error('no disk'); process.exit(2)`])).toBe(
      'made-up.ipynb: the kernel did not start: the kernel died with status 2; it said:\nno disk',
    );
    expect(await start(['node', '-e', `console.log('wait'); setInterval(() => {}, 1000)`], 1500)).toBe(
      'made-up.ipynb: the kernel did not start: no answer within 1.5 s; the kernel said:\nwait',
    );
    expect(await start([path.join(spec, 'nothing')])).toMatch(/the kernel could not be started: .*ENOENT/);
  });

  it('another kernel than ours', async () => {
    const notebook = { ...notebookOf('1'), metadata: { kernelspec: { name: 'python3' } } };
    const promise = executeNotebook(notebook, 'a.ipynb');
    await expect(promise).rejects.toThrow(/^a\.ipynb: it asks for the kernel python3: choose annlab/);
  });
});
