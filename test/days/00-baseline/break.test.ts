/** What `bench:break` takes, tries and has recorded; and what the notebook reads out of the recorded runs. */
import { describe, expect, it } from 'vitest';
import { inItsOwnProcess, parseBreakArguments } from '../../../days/00-baseline/peers/break.ts';
import { isInstalled } from '../../../days/00-baseline/peers/engines/peer.ts';
import { PROBES } from '../../../days/00-baseline/peers/probes.ts';
import { LIBRARIES } from '../../../days/00-baseline/peers/stores.ts';
import {
  beamRows,
  breakRun,
  ceiling,
  engineLabels,
  peersRun,
  startAndStep,
} from '../../../days/00-baseline/recorded.ts';
import type { SweepRow } from '../../../src/lab/sweep.ts';

const parse = (line = '') => parseBreakArguments(line.split(' ').filter(Boolean));

describe('parseBreakArguments', () => {
  it('tries everything on everybody, and three sizes', () => {
    expect(parse()).toEqual({ libraries: LIBRARIES, probes: PROBES, rows: [3000, 10_000, 30_000], out: 'out' });
    expect(parse('--help')).toBe('help');
  });

  it('takes every flag', () => {
    const options = parse('--only annlab,zvec --probe copies --rows 0 --out o');
    expect(options).toMatchObject({
      libraries: [{ name: 'annlab' }, { name: 'zvec' }],
      probes: [{ name: 'copies' }],
      rows: [],
      out: 'o',
    });
  });

  it.each([
    ['--only faiss', '--only faiss: choose from annlab, hnswlib'],
    ['--probe heat', '--probe heat: choose from capacity'],
    ['--rows -1', '--rows'],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});

describe('a probe in its own process', () => {
  const library = (name: string) => LIBRARIES.find((one) => one.name === name)!;

  it('tells what annlab refuses, answers and does not have', async () => {
    expect(await inItsOwnProcess(library('annlab'), 'capacity')).toMatchObject({
      outcome: 'refuses',
      says: expect.stringContaining('at most 100 vectors and 101 were asked for'),
    });
    const all = { outcome: 'answers', says: 'returns 5 ids, 5 of them right' };
    expect(await inItsOwnProcess(library('annlab'), 'k-beyond-n')).toEqual(all);
  });

  it('survives one that ends its process', async () => {
    const seen = await inItsOwnProcess(library('annlab'), 'no-such-probe');
    expect(seen.outcome).toBe('ended');
    expect(seen.says).toContain('exit status 1');
  });

  it.each(LIBRARIES.filter((one) => one.package !== null && isInstalled(one.package)))(
    '$name finds what was added and not what was removed',
    async (one) => {
      const seen = await inItsOwnProcess(one, 'removed');
      expect(seen.outcome).toBe('answers');
      expect(seen.says).toMatch(/^recall (1\.00|0\.9\d), 0 removed ones come back$/);
    },
  );
});

describe('the recorded runs', () => {
  it('have everything that is tried now, of every library', () => {
    const { probes, settings } = breakRun();
    expect(probes.map(({ name, asks }) => [name, asks])).toEqual(PROBES.map(({ name, asks }) => [name, asks]));
    expect(settings).toEqual(Object.fromEntries(LIBRARIES.map(({ name, setting }) => [name, setting])));
    for (const { seen } of probes) expect(Object.keys(seen)).toEqual(LIBRARIES.map(({ name }) => name));
  });

  it('name their machine, versions and command, and no path of it', () => {
    for (const run of [breakRun(), peersRun('embedding-1024-100k'), peersRun('fashion-mnist-784-euclidean')]) {
      expect(run.machine.cpu).not.toBe('');
      expect(Object.keys(run.versions)).toEqual(expect.arrayContaining(['hnswlib-node', 'usearch', '@zvec/zvec']));
      expect(run.run.command).toMatch(/^npm run bench:(peers|break)/);
      expect(JSON.stringify(run)).not.toMatch(/\/(tmp|home|usr|work)\//);
    }
  });

  it('are of the same set and the same width where a figure joins them', () => {
    const { size } = breakRun();
    const run = peersRun('embedding-1024-100k');
    expect(size.dataset).toBe(run.run.dataset.name);
    for (const label of engineLabels(run)) {
      expect(beamRows(run, label).map(({ efSearch }) => efSearch)).toContain(size.efSearch);
      expect(size.rows.filter((row) => row.label === label)).toHaveLength(3);
    }
  });
});

describe('the beam of a run', () => {
  it('is the curve by efSearch where another stands beside it', () => {
    const recorded = peersRun('embedding-1024-100k');
    expect(recorded.rows.every(({ gamma }) => gamma === null || gamma >= 0)).toBe(true);
    const [row] = recorded.rows;
    const own = { ...row, index: 'annlab', codes: 'f32', gamma: 0.02, efSearch: 512 };
    const beam = { ...own, by: 'efSearch' as const, gamma: null, efSearch: 40 };
    const run = {
      ...recorded,
      rows: [own, beam, { ...beam, index: 'x', by: undefined }].map(({ by, ...one }) => ({
        ...one,
        ...(by && { by }),
      })),
    };
    expect(beamRows(run, 'annlab f32')).toEqual([beam]);
    expect(beamRows(run, 'x f32').map(({ efSearch }) => efSearch)).toEqual([40]);
    expect(engineLabels(run)).toEqual(['annlab f32', 'x f32']);
  });
});

describe('what follows from a curve', () => {
  const rows = (points: [efSearch: number, meanUs: number, recall: number][]) =>
    points.map(([efSearch, meanUs, recall]) => ({ efSearch, meanUs, recall }) as SweepRow);

  it('a start and a step, of the beams up to 160', () => {
    const { startUs, stepUs } = startAndStep(
      rows([
        [10, 70, 0.8],
        [20, 90, 0.9],
        [100, 250, 0.95],
        [480, 9000, 0.99],
      ]),
    );
    expect(startUs).toBeCloseTo(50);
    expect(stepUs).toBeCloseTo(2);
  });

  it('a ceiling, from the first width that gets within 0.0005 of it', () => {
    const curve = rows([
      [10, 1, 0.9],
      [40, 2, 0.9795],
      [80, 3, 0.9799],
      [160, 4, 0.9798],
    ]);
    expect(ceiling(curve)).toEqual({ recall: 0.9799, ef: 40 });
  });
});
