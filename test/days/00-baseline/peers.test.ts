/** Every engine of the bench, those that are installed, in its own process and against the exact answer. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineError, EngineProcess, type EngineTask } from '../../../days/00-baseline/peers/engine-process.ts';
import { PEERS } from '../../../days/00-baseline/peers/engines/index.ts';
import { isInstalled, loadPackage, lowHalves, Prepared } from '../../../days/00-baseline/peers/engines/peer.ts';
import type { Matrix } from '../../../src/core/matrix.ts';
import { row } from '../../../src/core/matrix.ts';
import { loadDataset } from '../../../src/lab/datasets.ts';
import { groundTruth } from '../../../src/lab/ground-truth.ts';
import { seriesLabel, settingLabel } from '../../../src/lab/sweep.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

const installed = PEERS.filter((peer) => peer.package === null || isInstalled(peer.package));

describe.each(['clustered-128-100k', 'embedding-128-10k'])('on the first 2,000 of %s', (dataset) => {
  const shape = { dataset, rows: 2000, queries: 50 };
  let task: Omit<EngineTask, 'settings'>;
  beforeAll(async () => {
    const loaded = await loadDataset(dataset, { maxRows: shape.rows, maxQueries: shape.queries });
    task = { ...shape, truth: await groundTruth(loaded, 20), k: 10, efs: [10, 160], gammas: [0.01, 0.3], enough: 1.1 };
  });

  it.each(installed.map((peer) => [peer.name, peer] as const))('%s finds what is near', async (_name, peer) => {
    const folder = join(temporaryFolder(), peer.name);
    mkdirSync(folder);
    let last = 0;
    const settings = { M: 16, efConstruction: 100, folder };
    const engine = await EngineProcess.start(peer, { ...task, settings }, (done) => {
      last = done;
    });
    try {
      expect(last).toBeLessThanOrEqual(shape.rows);
      expect(engine.built.ramBytes).toBeGreaterThan(0);
      expect(engine.built.searchers.length).toBeGreaterThan(0);
      for (let i = 0; i < engine.built.searchers.length; i++) {
        const { rows } = await engine.sweep(i);
        const { knob } = engine.built.searchers[i];
        expect(rows.map(settingLabel)).toEqual(knob === 'gamma' ? ['γ 0.01', 'γ 0.3'] : ['ef 10', 'ef 160']);
        // Codes alone lose a few of the last; f32 and re-ranked ones hardly any.
        expect(rows[1].recall, JSON.stringify(engine.built.searchers[i])).toBeGreaterThan(0.9);
        expect(rows[1].recall).toBeGreaterThanOrEqual(rows[0].recall);
      }
    } finally {
      await engine.stop();
    }
  });
});

describe('EngineProcess', () => {
  it('runs annlab on the build that it is told, by gamma and by its beam', async () => {
    const searchers = async (name: string) => {
      const annlab = PEERS.find((peer) => peer.name === name)!;
      const dataset = 'clustered-128-100k';
      const shape = { dataset, rows: 300, queries: 5 };
      const truth = await groundTruth(await loadDataset(dataset, { maxRows: 300, maxQueries: 5 }), 20);
      const settings = { M: 8, efConstruction: 20, folder: temporaryFolder() };
      const task = { ...shape, truth, k: 10, enough: 1.1, settings };
      const engine = await EngineProcess.start(annlab, task, () => {}, { ANNLAB_WASM: 'baseline' });
      await engine.stop();
      expect(engine.built.wasm).toBe('baseline');
      return engine.built.searchers.map((one) => `${seriesLabel(one)}, ${one.knob}`);
    };
    for (const [name, label] of [
      ['annlab-sq7', 'annlab sq7'],
      ['annlab-vamana-f32', 'annlab-vamana f32'],
    ]) {
      expect(await searchers(name)).toEqual([`${label}, gamma`, `${label} by efSearch, efSearch`]);
    }
  });

  it('tells what its process said when that ends, and stops twice without harm', async () => {
    const task = { dataset: 'no-such-set', rows: 1, queries: 1, k: 1, enough: 1 };
    const truth = { ids: new Uint32Array(1), distances: new Float32Array(1) };
    const settings = { M: 16, efConstruction: 100, folder: temporaryFolder() };
    const failure = await EngineProcess.start(PEERS[0], { ...task, truth, settings }, () => {}).catch((error) => error);
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure.message).toMatch(/annlab-sq7: its process ended \(exit status 1\)[\s\S]*no-such-set/);
  });
});

describe('loadPackage', () => {
  it('says how to install what is not there', async () => {
    await expect(loadPackage('no-such-package')).rejects.toThrow(/no-such-package: run "npm run setup:peers"/);
  });
});

describe('Prepared', () => {
  it('converts each query once, and what it was not told of when it comes', () => {
    const queries: Matrix = { data: Float32Array.from({ length: 12 }, (_, i) => i), rows: 4, dimension: 3 };
    let conversions = 0;
    const prepared = new Prepared((query) => {
      conversions++;
      return Array.from(query);
    });
    prepared.prepare(queries);
    for (let i = 0; i < 4; i++) expect(prepared.of(row(queries, i))).toEqual([3 * i, 3 * i + 1, 3 * i + 2]);
    expect(conversions).toBe(4);
    expect(prepared.of(Float32Array.of(7, 8, 9))).toEqual([7, 8, 9]);
    expect(conversions).toBe(5);
  });

  it('finds its rows in a matrix that begins inside a buffer', () => {
    const data = Float32Array.from({ length: 10 }, (_, i) => i).subarray(4);
    const prepared = new Prepared((query) => query[0]);
    prepared.prepare({ data, rows: 3, dimension: 2 });
    expect([0, 1, 2].map((i) => prepared.of(data.subarray(2 * i, 2 * i + 2)))).toEqual([4, 6, 8]);
  });
});

describe('lowHalves', () => {
  it('reads 64-bit ids below 2³², wherever they lie', () => {
    const ids = BigUint64Array.of(9n, 0n, 4294967295n, 7n).subarray(1);
    expect(Array.from(lowHalves(ids))).toEqual([0, 4294967295, 7]);
  });
});

afterAll(() => {
  if (installed.length < PEERS.length) {
    const absent = PEERS.filter((peer) => !installed.includes(peer)).map(({ name }) => name);
    console.info(`not installed and so not tested: ${absent.join(', ')}`);
  }
});
