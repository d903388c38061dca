import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddressSpaceError, CorruptionError, OutputError } from '../../src/core/errors.ts';
import { loadDataset } from '../../src/lab/datasets.ts';
import { type Job, runJob } from '../../src/lab/job.ts';
import { DEFAULT_GAMMAS, defaultEfs, seriesLabel } from '../../src/lab/sweep.ts';

let folder: string;
let job: Job;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'annlab-job-'));
  const dataset = await loadDataset('clustered-32-10k', { cacheDir: folder, maxRows: 800, maxQueries: 20 });
  job = {
    ...{ dataset, indexes: [{ codes: 'sq7', M: 6, efConstruction: 20 }], parameters: { M: 6 }, k: 5 },
    ...{ knob: 'efSearch', efs: [5, 20] },
    ...{ rounds: 1, threads: 1, truthThreads: 1, disk: true, out: folder, command: 'npm start' },
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a job', () => {
  it('sweeps what comes from disk at every other width, unless it is told the widths', async () => {
    const { efs, ...without } = job;
    const widths = async (job: Job) => {
      const { rows } = await runJob(job, () => {});
      return [undefined, 'disk'].map((origin) =>
        rows.flatMap(({ from, efSearch }) => (from === origin && efSearch !== null ? [efSearch] : [])),
      );
    };
    expect(await widths(job)).toEqual([efs, efs]);
    const all = defaultEfs(job.k);
    const [built, opened] = await widths(without);
    expect(built).toEqual(all.slice(0, built.length));
    expect(opened).toEqual(all.filter((_, i) => i % 2 === 0).slice(0, opened.length));
    expect(opened.length).toBeGreaterThan(1);
  });

  it('turns gamma unless it is told otherwise or the metric is dot, and the beam beside where that is asked for', async () => {
    const { knob: _, efs: __, ...without } = job;
    const efs = [5, 20];
    const turned = async (job: Job) => {
      const { rows } = await runJob({ ...job, disk: false }, () => {});
      return rows.map((row) => `${seriesLabel(row)} ${row.gamma ?? `ef ${row.efSearch}`}`);
    };
    const ladder = (label: string, widths: readonly (number | string)[]) => widths.map((width) => `${label} ${width}`);
    const exact = 'flat f32 ef null';
    expect(await turned({ ...without, gammas: [0.02, 0.1], efs, beam: true })).toEqual([
      ...ladder('hnsw sq7', [0.02, 0.1]),
      ...ladder('hnsw sq7 by efSearch', ['ef 5', 'ef 20']),
      exact,
    ]);
    const usual = await turned(without);
    expect(usual).toEqual([...ladder('hnsw sq7', DEFAULT_GAMMAS.slice(0, usual.length - 1)), exact]);
    const dot: Job = { ...without, dataset: { ...job.dataset, metric: 'dot' }, efs, beam: true };
    expect(await turned(dot)).toEqual([...ladder('hnsw sq7', ['ef 5', 'ef 20']), exact]);
  });

  it('sweeps what comes from disk by the same knob', async () => {
    const { knob: _, efs: __, ...without } = job;
    const { rows } = await runJob({ ...without, gammas: [0, 0.05] }, () => {});
    const [built, opened] = [undefined, 'disk'].map((origin) =>
      rows.flatMap(({ from, gamma, recall, distances }) =>
        from === origin && gamma !== null ? [[gamma, recall, distances]] : [],
      ),
    );
    expect(built).toHaveLength(2);
    expect(opened).toEqual(built);
  });
});

describe('a job whose file goes wrong', () => {
  const lost = { file: 'x.ann', section: 'records', block: 3, offset: 262_144, want: 1, got: 2 };

  it('measures and writes everything else before it fails, where the file is not what was saved', async () => {
    const said: string[] = [];
    const failure = new CorruptionError(lost);
    const goThroughDisk = () => Promise.reject(failure);
    await expect(runJob(job, (text) => said.push(text), { goThroughDisk })).rejects.toBe(failure);
    expect(said.join('\n')).toContain(`hnsw sq7 from disk: left out: ${failure.message}`);
    const { rows, disk } = JSON.parse(await readFile(path.join(folder, 'results.json'), 'utf8'));
    expect(disk).toBeNull();
    expect(rows.map((row: Record<string, unknown>) => row.efSearch)).toEqual([5, 20, null]);
  });

  it.each([
    new OutputError('x.ann', 'cannot be written: the disk is full (ENOSPC)', 'make room'),
    new AddressSpaceError({ needBytes: 2 ** 32, shape: '800 × 32-D' }),
  ])('does not fail where there is no room: %s', async (failure) => {
    const said: string[] = [];
    const results = await runJob(job, (text) => said.push(text), { goThroughDisk: () => Promise.reject(failure) });
    expect(results.disk).toBeNull();
    expect(said.join('\n')).toContain(`left out: ${failure.message}`);
  });

  it('hides no fault of the program', async () => {
    const goThroughDisk = () => Promise.reject(new TypeError('a bug'));
    await expect(runJob(job, () => {}, { goThroughDisk })).rejects.toThrow(TypeError);
  });
});
