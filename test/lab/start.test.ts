import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DownloadError, OutputError, UsageError } from '../../src/core/errors.ts';
import { open, verify } from '../../src/engine/index-file.ts';
import { VAMANA_DEFAULTS } from '../../src/graph/vamana-options.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import {
  DEFAULT_DATASET,
  FALLBACK_DATASET,
  parseStartArguments,
  type StartOptions,
  start,
} from '../../src/lab/start.ts';
import { seriesLabel } from '../../src/lab/sweep.ts';

const SCRIPT = fileURLToPath(new URL('../../src/lab/start.ts', import.meta.url));
let folder: string;
const cacheBefore = process.env.ANNLAB_CACHE;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'annlab-start-'));
  process.env.ANNLAB_CACHE = path.join(folder, 'cache');
});
afterAll(async () => {
  if (cacheBefore === undefined) delete process.env.ANNLAB_CACHE;
  else process.env.ANNLAB_CACHE = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

describe('the command line of npm start', () => {
  it('has defaults for everything', () => {
    const options = parseStartArguments([]) as StartOptions;
    const { R, L } = VAMANA_DEFAULTS;
    const graphs = { hnsw: { M: 16, efConstruction: 100 }, vamana: { R, L } };
    expect(options).toMatchObject({ k: 10, graphs, seed: 1, rounds: 3, out: 'out' });
    expect(options).not.toHaveProperty('codes');
    expect(options.threads).toBe(Math.min(availableParallelism(), 255));
    expect(options).not.toHaveProperty('dataset');
    expect(options).not.toHaveProperty('efs');
    expect(options).not.toHaveProperty('gammas');
    expect(parseStartArguments(['--gamma', '0,.02'])).toMatchObject({ gammas: [0, 0.02] });
  });

  it('reads every flag', () => {
    const words = '--dataset d --k 5 --m 32 --ef-construction 400 --codes sq7 --ef 5,10,20 --seed 9 --threads 3';
    const vamana = '--index both --r 48 --l 60 --alpha 1.1 --passes 1 --saturate';
    expect(
      parseStartArguments([
        ...words.split(' '),
        ...vamana.split(' '),
        '--queries=7',
        '--rows=8',
        '--rounds=1',
        '--out=o',
      ]),
    ).toEqual({
      dataset: 'd',
      k: 5,
      graphs: { hnsw: { M: 32, efConstruction: 400 }, vamana: { R: 48, L: 60, alpha: 1.1, passes: 1, saturate: true } },
      codes: 'sq7',
      efs: [5, 10, 20],
      seed: 9,
      threads: 3,
      queries: 7,
      rows: 8,
      rounds: 1,
      out: 'o',
    });
  });

  it('asks for help and for the list', () => {
    expect(parseStartArguments(['--help'])).toBe('help');
    expect(parseStartArguments(['--k', '5', '-h'])).toBe('help');
    expect(parseStartArguments(['--list'])).toBe('list');
  });

  it('keeps efConstruction at M or above', () => {
    expect(parseStartArguments(['--m', '256'])).toMatchObject({ graphs: { hnsw: { M: 256, efConstruction: 256 } } });
  });

  it('builds one graph where one is named', () => {
    const graphs = (...words: string[]) => Object.keys((parseStartArguments(words) as StartOptions).graphs);
    expect(graphs('--index', 'hnsw')).toEqual(['hnsw']);
    expect(graphs('--index', 'vamana')).toEqual(['vamana']);
    expect(graphs('--index', 'both')).toEqual(['hnsw', 'vamana']);
    expect(graphs()).toEqual(['hnsw', 'vamana']);
  });

  it.each([
    [['--datset', 'x'], /unknown option '--datset'/],
    [['sift'], /unexpected argument 'sift'/],
    [['--k', '0'], /--k 0: expected a whole number from 1/],
    [['--k', '10', '--ef', '5,20'], /--ef 5: expected a whole number from 10/],
    [['--k', '10', '--rows', '9'], /--rows 9/],
    [['--gamma', '0.1,x'], /--gamma x: expected a number from 0 to 10/],
    [['--gamma', '0.1', '--ef', '10'], /--ef, --gamma: the sweep is by one of them/],
    [['--m', '1'], /--m 1/],
    [['--index', 'flat'], /--index flat: choose one of hnsw, vamana, both/],
    [['--index', 'vamana', '--m', '8'], /--m: that flag goes with --index hnsw, and this is vamana/],
    [['--index', 'hnsw', '--alpha', '1.1'], /--alpha: that flag goes with --index vamana, and this is hnsw/],
    [['--r', '40', '--l', '39'], /--l 39: expected a whole number from 40/],
    [['--m', '32', '--ef-construction', '16'], /--ef-construction 16: expected a whole number from 32/],
    [['--codes', 'int8'], /--codes int8: choose one of f32, sq7, both/],
    [['--seed', '-1'], /--seed/],
    [['--threads', 'all'], /--threads all/],
    [['--threads', '0'], /--threads 0: expected a whole number from 1 to 255/],
    [['--out'], /--out/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseStartArguments(argv)).toThrow(UsageError);
    expect(() => parseStartArguments(argv)).toThrow(message);
  });
});

describe('the main job', () => {
  const small = (out: string): StartOptions => ({
    dataset: 'clustered-32-10k',
    rows: 1500,
    queries: 60,
    k: 10,
    graphs: { hnsw: { M: 8, efConstruction: 60 } },
    codes: 'both',
    seed: 3,
    threads: 2,
    rounds: 1,
    efs: [10, 40],
    out: path.join(folder, out),
  });
  const said: string[] = [];
  const run = (out: string) => start(small(out), (text) => said.push(text));

  it('leaves its results, curves and report', async () => {
    const results = await run('first');
    const out = path.join(folder, 'first');
    expect((await readdir(out)).sort()).toEqual([
      'clustered-32-10k-sq7.ann',
      'recall-distances.svg',
      'recall-latency.svg',
      'recall-qps.svg',
      'report.html',
      'results.json',
    ]);
    const written = JSON.parse(await readFile(path.join(out, 'results.json'), 'utf8'));
    expect(written).toEqual(results);
    expect(written.machine).toMatchObject({ cores: expect.any(Number), ramBytes: expect.any(Number) });
    expect(written.versions).toMatchObject({
      annlab: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.versions.node,
    });
    expect(written.run.command).toContain(
      '--dataset clustered-32-10k --k 10 --index hnsw --m 8 --ef-construction 60 --codes both',
    );
    expect(written.rows.map((row: Record<string, unknown>) => `${row.index} ${row.codes} ${row.efSearch}`)).toEqual([
      'hnsw sq7 10',
      'hnsw sq7 40',
      'hnsw f32 10',
      'hnsw f32 40',
      'hnsw sq7 10',
      'hnsw sq7 40',
      'flat f32 null',
    ]);
    for (const { from, ...row } of written.rows) {
      expect(Object.keys(row)).toEqual([
        'dataset',
        'index',
        'codes',
        'k',
        'efSearch',
        'gamma',
        'recall',
        'qps',
        'meanUs',
        'p50Us',
        'p99Us',
        'distances',
        'hops',
        'buildSeconds',
        'ramBytes',
      ]);
      for (const key of ['recall', 'qps', 'meanUs', 'p50Us', 'p99Us', 'buildSeconds', 'ramBytes']) {
        expect(row[key], key).toBeGreaterThan(0);
      }
      expect(row.recall).toBeLessThanOrEqual(1);
    }
    const [, sq7, , f32, , opened, exact] = written.rows;
    expect(sq7.recall).toBeGreaterThan(0.95);
    expect(f32.recall).toBeGreaterThan(0.95);
    expect(exact).toMatchObject({ recall: 1, distances: 1500 });
    expect(f32.distances).toBeLessThan(1500);
    expect(written.rows.map((row: Record<string, unknown>) => row.from)).toEqual([
      ...Array(4).fill(undefined),
      ...['disk', 'disk', undefined],
    ]);
    // The same graph, the same walk.
    for (const same of ['recall', 'distances', 'hops', 'ramBytes']) expect(opened[same], same).toBe(sq7[same]);
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).toContain(written.run.command);
    expect(said.join('\n')).toContain('recall@10');
  });

  it('measures batches on all its threads, and says which index they are of', async () => {
    const { batches, run } = JSON.parse(await readFile(path.join(folder, 'first', 'results.json'), 'utf8'));
    expect(run.parameters.threads).toBe(2);
    const widths = (codes: string) =>
      batches
        .filter((row: Record<string, unknown>) => row.codes === codes)
        .map((row: Record<string, unknown>) => row.efSearch);
    for (const codes of ['sq7', 'f32']) expect(widths(codes)).toContain(64);
    expect(batches.every((row: Record<string, unknown>) => row.threads === 2)).toBe(true);
    expect(said.join('\n')).toContain('batches of 60 queries on 2 threads:');
  });

  it('keeps the index, which opens and is sound', async () => {
    const file = path.join(folder, 'first', 'clustered-32-10k-sq7.ann');
    expect(await verify(file)).toMatchObject({ ok: true, count: 1500 });
    expect(said.join('\n')).toContain(`open('${file}')`);
    const { disk, rows } = JSON.parse(await readFile(path.join(folder, 'first', 'results.json'), 'utf8'));
    expect(disk).toMatchObject({ file: 'clustered-32-10k-sq7.ann', bytes: (await stat(file)).size });
    expect((await open(file)).stats().ramBytes.total).toBe(rows[0].ramBytes);
  });

  it('goes on without the file where it cannot be written, and says why', async () => {
    const out = path.join(folder, 'in-the-way');
    await mkdir(path.join(out, 'clustered-32-10k-sq7.ann'), { recursive: true });
    said.length = 0;
    const { rows, disk } = await run('in-the-way');
    expect(disk).toBeNull();
    expect(rows.map(({ from }) => from)).toEqual(Array(5).fill(undefined));
    expect(said.join('\n')).toMatch(/hnsw sq7 from disk: left out: .*sq7\.ann: cannot be written: it is a directory/);
    expect(said.join('\n')).not.toContain('open(');
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).not.toContain('from disk</th>');
  });

  it('uses the ground truth kept by the first run', async () => {
    const kept = path.join(folder, 'cache', 'clustered-32-10k');
    const [name, ...others] = (await readdir(kept)).filter((file) => /^neighbors-.*\.bin$/.test(file));
    expect(others).toEqual([]);
    const before = await stat(path.join(kept, name));
    await run('second');
    const after = await stat(path.join(kept, name));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it('finds the same every time on one thread, without batches', async () => {
    const counted = async (out: string) => {
      const { rows, batches, run } = await start({ ...small(out), threads: 1 }, () => {});
      expect(batches).toEqual([]);
      if (availableParallelism() > 1) expect(run.command).toContain('--threads 1');
      return rows.map(({ recall, distances, hops }) => [recall, distances, hops]);
    };
    expect(await counted('again')).toEqual(await counted('one'));
  });

  it('measures a Vamana beside the HNSW, on codes alone unless it is told otherwise', async () => {
    const { codes: _, ...both } = small('both');
    const graphs = { hnsw: { M: 8, efConstruction: 60 }, vamana: { R: 16, L: 40, alpha: 1.1 } };
    const { rows, batches, disk, run } = await start({ ...both, graphs }, () => {});
    const curves = (of: readonly { index: string; codes: string; from?: 'disk' }[]) => [
      ...new Set(of.map(seriesLabel)),
    ];
    const built = ['hnsw sq7', 'hnsw f32', 'vamana sq7'];
    expect(curves(rows)).toEqual([...built, 'hnsw sq7 from disk', 'flat f32']);
    expect(curves(batches)).toEqual(built);
    expect(disk).toMatchObject({ index: 'hnsw', file: 'clustered-32-10k-sq7.ann' });
    for (const { recall } of rows.filter(({ index, efSearch }) => index === 'vamana' && efSearch === 40))
      expect(recall).toBeGreaterThan(0.95);
    const { passes } = VAMANA_DEFAULTS;
    expect(run.parameters).toMatchObject({ M: 8, efConstruction: 60, R: 16, L: 40, alpha: 1.1, passes, seed: 3 });
    expect(run.command).toContain('--index both --m 8 --ef-construction 60 --r 16 --l 40 --alpha 1.1 --ef 10,40');
    const out = path.join(folder, 'both');
    expect(await readFile(path.join(out, 'recall-qps.svg'), 'utf8')).toContain('vamana sq7');
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).toContain('<th scope="row">vamana sq7</th>');
    // What the command says is what was run.
    const again = parseStartArguments(run.command.split(' ').slice(3)) as StartOptions;
    expect(again).toMatchObject({ graphs, efs: both.efs, seed: 3 });
  });

  it('measures a Vamana alone, which goes through a file of its own name, the same on any number of threads', async () => {
    const alone = { ...small('vamana'), graphs: { vamana: { R: 16, L: 40, saturate: true } }, codes: 'sq7' as const };
    const found = async (threads: number) => {
      const { rows, disk, run } = await start({ ...alone, threads }, () => {});
      expect([...new Set(rows.map(seriesLabel))]).toEqual(['vamana sq7', 'vamana sq7 from disk', 'flat f32']);
      expect(disk).toMatchObject({ index: 'vamana', file: 'clustered-32-10k-vamana-sq7.ann' });
      expect(run.command).toContain('--index vamana --r 16 --l 40 --saturate --codes sq7');
      return rows.map(({ recall, distances, hops }) => [recall, distances, hops]);
    };
    expect(await found(2)).toEqual(await found(1));
    expect(await verify(path.join(folder, 'vamana', 'clustered-32-10k-vamana-sq7.ann'))).toMatchObject({ ok: true });
  });

  it('turns gamma where it is told to, but not under dot', async () => {
    const { efs: _, ...options } = { ...small('gamma'), codes: 'sq7' as const, gammas: [0.02, 0.2] };
    const { rows, run } = await start(options, () => {});
    expect(rows.map(({ gamma }) => gamma)).toEqual([0.02, 0.2, 0.02, 0.2, null]);
    expect(run.command).toContain('--codes sq7 --gamma 0.02,0.2 ');
    const load: typeof loadDataset = async (...asked) => ({ ...(await loadDataset(...asked)), metric: 'dot' });
    await expect(start(options, () => {}, { load })).rejects.toThrow(/--gamma: not on clustered-32-10k.*dot/);
  });

  it('names the threads in its command where they are not the default', async () => {
    const command = async (threads: number) =>
      (await start({ ...small('command'), codes: 'f32', threads }, () => {})).run.command;
    expect(await command(availableParallelism())).not.toContain('--threads');
    expect(await command(availableParallelism() + 1)).toContain(`--threads ${availableParallelism() + 1} `);
  });

  it('takes a synthetic set where the default cannot be had, and says which and why', async () => {
    const { dataset, ...options } = small('fallback');
    const asked: string[] = [];
    const load: typeof loadDataset = async (name, given) => {
      asked.push(name);
      if (name === DEFAULT_DATASET) throw new DownloadError('https://example.org/x', 'no network', 'go online');
      return loadDataset(dataset!, given);
    };
    said.length = 0;
    const results = await start({ ...options, codes: 'sq7' }, (text) => said.push(text), { load });
    expect(asked).toEqual([DEFAULT_DATASET, FALLBACK_DATASET]);
    expect(said[0]).toContain('no network');
    expect(said[0]).toContain(`taking the synthetic set ${FALLBACK_DATASET} instead of ${DEFAULT_DATASET}`);
    expect(results.rows[0].dataset).toBe(dataset);

    const named = start({ ...options, dataset: DEFAULT_DATASET }, () => {}, { load });
    await expect(named, 'a set asked for by name is not replaced').rejects.toThrow(DownloadError);
  });

  it('finds out before the work that it cannot write its results', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    said.length = 0;
    await expect(run('file')).rejects.toThrow(OutputError);
    await expect(run('file')).rejects.toThrow(/file: cannot be written \(ENOTDIR\): name another folder with --out/);
    expect(said).toEqual([]);
  });
});

describe('npm start as a process', () => {
  interface Ended {
    code: number | null;
    stdout: string;
    stderr: string;
  }
  function runScript(argv: string[], onStdout: (text: string, kill: () => void) => void = () => {}): Promise<Ended> {
    const child = spawn(process.execPath, [SCRIPT, ...argv], { env: process.env });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      ended.stdout += chunk;
      onStdout(ended.stdout, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (chunk) => {
      ended.stderr += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ ...ended, code }));
    });
  }

  it('shows its help', async () => {
    const { code, stdout, stderr } = await runScript(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const flag of [
      '--dataset',
      '--k',
      '--index',
      '--m',
      '--r',
      '--ef-construction',
      '--codes',
      '--seed',
      '--threads',
      '--out',
    ]) {
      expect(stdout).toContain(flag);
    }
  });

  it('lists the datasets', async () => {
    const { code, stdout } = await runScript(['--list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^fashion-mnist-784-euclidean +60,000 +784 +l2/m);
  });

  it.each([
    [['--nope'], 2, /^error: unknown option '--nope': --help lists the flags\n$/],
    [['--k', 'ten'], 2, /^error: --k ten: expected a whole number from 1 to 1000\n$/],
    [
      ['--dataset', 'nope'],
      1,
      /^error: dataset = nope: there is none of that name: choose one of fashion-mnist[^\n]*\n$/,
    ],
  ])('%j ends with status %i and one line', async (argv, status, line) => {
    const { code, stdout, stderr } = await runScript([...argv, '--out', path.join(folder, 'never')]);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toMatch(line);
  });

  it('ends with 130 at Ctrl-C, leaving nothing half done', async () => {
    const out = path.join(folder, 'interrupted');
    const argv = [
      '--index',
      'hnsw',
      '--dataset',
      'clustered-32-10k',
      '--ef-construction',
      '2000',
      '--m',
      '64',
      '--out',
      out,
    ];
    let asked = false;
    const { code, stderr } = await runScript(argv, (text, kill) => {
      if (asked || !text.includes('clustered-32-10k')) return;
      asked = true;
      kill();
    });
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(await readdir(out)).toEqual([]);
  });
});
