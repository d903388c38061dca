/**
 * Saved indexes that walk on the codes of quantizers: nothing tells them from what was saved, what was damaged is told by the name
 * of its section, and what is forged is refused or searched without harm.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { AnnError, CorruptionError, IndexFileError, ReadOnlyError } from '../../src/core/errors.ts';
import type { Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { open, openReadOnly, save, verify } from '../../src/engine/index-file.ts';
import type { AnyIndex } from '../../src/graph/any-index.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { Quantizer } from '../../src/quantize/quantizer.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { Pool } from '../../src/workers/pool.ts';
import { CASES, KINDS, type KindName } from '../graph/quantizers.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type Contents, contentsOf, rewrite } from './ann-indexes.ts';

const DIMENSION = 16;
const ROWS = 300;
const MORE = 100;

function rows(n: number, part: string): Float32Array {
  const random = new Random(part);
  return Float32Array.from({ length: n * DIMENSION }, (_, i) => random.normal() + (i % 3));
}

const data = rows(ROWS, 'base');
const queries = Array.from({ length: 8 }, (_, i) => rows(1, `query ${i}`));

const trained = new Map<string, Promise<Quantizer>>();

/** Trained once for all tests. */
function quantizerOf(name: KindName, metric: Metric): Promise<Quantizer> {
  const key = `${name} ${metric}`;
  const quantizer = trained.get(key) ?? Promise.resolve(KINDS[name].train(data, DIMENSION, metric));
  trained.set(key, quantizer);
  return quantizer;
}

async function indexOf(name: KindName, options: Partial<HnswOptions> = {}): Promise<Hnsw> {
  const { metric = 'l2' } = options;
  const codes = await quantizerOf(name, metric);
  const index = Hnsw.create({
    ...{ dimension: DIMENSION, codes, capacity: ROWS + MORE, M: 6, efConstruction: 24, seed: 5, threads: 3 },
    ...options,
  });
  index.addBatch(data);
  return index;
}

/** What searches return, to the bit, and what they cost. */
function answersOf(index: AnyIndex): unknown[] {
  const beams = [
    { k: 1 },
    { k: 10, efSearch: 40, rerank: 0 },
    { k: 5, efSearch: 30, rerank: 12 },
    { k: 5, efSearch: 30, rerank: 'bound' },
    { k: 5, gamma: index.metric === 'dot' ? undefined : 0.2 },
  ] as const;
  return queries.slice(0, 4).flatMap((query) =>
    beams.map(({ ...beam }) => {
      if ('gamma' in beam && beam.gamma === undefined) return undefined;
      const { ids, distances, work } = index.search(query, beam as { k: number });
      return { ids: Array.from(ids), distances: Array.from(new Uint32Array(distances.buffer)), work };
    }),
  );
}

function expectSame(a: AnyIndex, b: AnyIndex): void {
  expect(answersOf(a)).toEqual(answersOf(b));
  for (let id = 0; id < b.count; id += 3) expect(a.neighbors(id)).toEqual(b.neighbors(id));
  expect({ ...a.stats(), hugePages: 0 }).toEqual({ ...b.stats(), hugePages: 0 });
  expect(a.validate()).toEqual([]);
}

/** The file with other contents. */
async function forged(path: string, change: (contents: Contents) => void): Promise<string> {
  const to = `${path}.forged`;
  await rewrite(path, to, change);
  return to;
}

describe.each(CASES)('$name, $metric', ({ name, metric }) => {
  it('saved and opened it is the same to the last bit, and so is what is added to it', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    for (const finer of ['none', 'sq7'] as const) {
      const index = await indexOf(name, { metric, finer, ...(metric !== 'manhattan' && { filter: 'sign' }) });
      await save(index, path);
      expect(await verify(path)).toMatchObject({ ok: true, faults: [], count: ROWS });
      const opened = [await open(path, { mode: 'map' }), await open(path, { mode: 'read', threads: 1 })];
      const readOnly = await openReadOnly(path);
      for (const other of [...opened, readOnly]) expectSame(other, index);
      expect(() => readOnly.add(queries[0])).toThrow(ReadOnlyError);
      const more = rows(MORE, 'more');
      for (const each of [index, ...opened]) each.addBatch(more);
      for (const other of opened) expectSame(other, index);
      const again = `${path}.again`;
      await save(opened[0], again);
      await save(index, path);
      expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
    }
  });
});

describe('files of codes', () => {
  it.each(['sq8 by dimension', 'rabitq4', 'pq'] as const)('calibrated and renumbered ones: %s', async (name) => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = await indexOf(name, { finer: 'sq7' });
    index.renumber();
    const calibration = await index.calibrate({ ks: [5], sample: 64 });
    await save(index, path);
    expect(await verify(path)).toMatchObject({ ok: true, faults: [] });
    const opened = await open(path);
    expect(opened.stats().calibration).toEqual(calibration);
    expectSame(opened, index);
    const search = (index: AnyIndex) => index.search(queries[0], { k: 5, recallTarget: 0.5 });
    expect(search(opened)).toEqual(search(index));
    const { form } = calibration;
    for (const [lie, says] of [
      ['sq7', `form = "sq7" of vectors held as ${form}`],
      ['vq', `form = "vq" of vectors held as ${form}`],
      [7, 'form = 7'],
    ] as const) {
      const lies = await forged(path, ({ meta }) => {
        meta.calibration.form = lie;
      });
      await expect(open(lies)).rejects.toThrow(says);
    }
  });

  it('without any vector, and of before there were finer codes', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const codes = await KINDS.rabitq4.train(data, DIMENSION, 'l2');
    await save(Hnsw.create({ dimension: DIMENSION, codes, capacity: 9 }), path);
    const empty = await open(path);
    expect([empty.count, empty.search(queries[0], { k: 1 }).ids.length]).toEqual([0, 0]);
    empty.add(queries[0]);
    expect(empty.search(queries[0], { k: 1 }).distances[0]).toBe(0);

    for (const codes of ['f32', 'sq7'] as const) {
      const index = Hnsw.create({ dimension: DIMENSION, codes, capacity: ROWS });
      index.addBatch(data);
      await save(index, path);
      const old = await forged(path, ({ meta }) => {
        expect(delete meta.options.finer).toBe(true);
      });
      const opened = await open(old);
      for (const query of queries) expect(opened.search(query, { k: 5 })).toEqual(index.search(query, { k: 5 }));
      expect(await verify(old)).toMatchObject({ ok: true });
    }
  });

  it.each(['sq8 by dimension', 'rabitq1', 'rabitq4', 'rabitq8', 'pq', 'pq of residuals'] as const)(
    'written by the baseline build of the kernels they are read by the other, and the other way round: %s',
    async (name) => {
      const path = join(temporaryFolder(), 'index.ann');
      const ids = (index: AnyIndex) =>
        queries.map((query) => Array.from(index.search(query, { k: 5, efSearch: 100 }).ids));
      const index = await indexOf(name, { finer: 'sq7' });
      await save(index, path);
      vi.stubEnv('ANNLAB_WASM', 'baseline');
      vi.resetModules();
      try {
        const { chooseBuild } = await import('../../src/kernels/wasm.ts');
        expect(chooseBuild()).toBe('baseline');
        const engine = await import('../../src/engine/index-file.ts');
        const read = await engine.open(path);
        expect(ids(read as AnyIndex)).toEqual(ids(index));
        read.addBatch(rows(MORE, 'more'));
        expect(read.validate()).toEqual([]);
        await engine.save(read, path);
        const answers = ids(read as AnyIndex);
        vi.unstubAllEnvs();
        const back = await open(path);
        expect(ids(back)).toEqual(answers);
        expect(await verify(path)).toMatchObject({ ok: true, count: ROWS + MORE });
      } finally {
        vi.unstubAllEnvs();
        vi.resetModules();
      }
    },
  );

  it('damage is told by the name of its section: of the model when it is opened, of finer codes when they are met', async () => {
    const path = join(temporaryFolder(), 'index.ann');
    const index = await indexOf('pq', { finer: 'sq7' });
    await save(index, path);
    const whole = readFileSync(path);
    using file = AnnFile.open(path);
    const spoiled = (section: string) => {
      const { offset, bytes } = file.sections.find(({ name }) => name === section)!;
      const copy = Uint8Array.from(whole);
      copy[offset + (bytes >> 1)] ^= 4;
      writeFileSync(`${path}.spoiled`, copy);
      return `${path}.spoiled`;
    };
    for (const mode of ['map', 'read'] as const) {
      const error = await open(spoiled('model'), { mode }).catch((error) => error);
      expect(error).toBeInstanceOf(CorruptionError);
      expect(error).toMatchObject({ section: 'model' });
      for (const section of ['finer', 'records']) {
        const opened = await open(spoiled(section), { mode });
        const search = () => opened.search(queries[0], { k: 5, efSearch: 60, rerank: 10, refine: 40 });
        expect(search).toThrow(CorruptionError);
        expect(search).toThrow(new RegExp(`section ${section}, block 0`));
        // The walk itself needs no finer codes.
        if (section === 'finer') {
          const options = { k: 5, efSearch: 60, rerank: 'bound' } as const;
          expect(opened.search(queries[0], options)).toEqual(index.search(queries[0], options));
        }
        expect(() => opened.add(queries[0])).toThrow(CorruptionError);
      }
    }
    for (const section of ['model', 'finer', 'records']) {
      const report = await verify(spoiled(section));
      expect(report.ok).toBe(false);
      expect(report.faults[0]).toContain(`section ${section}, block `);
    }
  });
});

describe('files that lie', () => {
  const codesOf = ({ meta }: Contents) => meta.options.codes;

  it.each<[string, KindName, (contents: Contents) => void, RegExp]>([
    ['an m that does not divide', 'pq', (file) => Object.assign(codesOf(file), { m: 7 }), /kind product, bits 8, m 7/],
    ['more bits than there are', 'pq', (file) => Object.assign(codesOf(file), { bits: 9 }), /kind product, bits 9/],
    ['4 bits for 8', 'pq', (file) => Object.assign(codesOf(file), { bits: 4 }), /section (model|records) has/],
    ['a rotation', 'pq', (file) => Object.assign(codesOf(file), { opq: true }), /section model has/],
    ['no rotation', 'opq', (file) => Object.assign(codesOf(file), { opq: false }), /section model has/],
    ['a rotation of 1', 'pq', (file) => Object.assign(codesOf(file), { opq: 1 }), /kind product/],
    [
      'more coarse centroids',
      'pq of residuals',
      (file) => Object.assign(codesOf(file), { centroids: 60_000 }),
      /section model has/,
    ],
    [
      'coarse centroids without end',
      'pq of residuals',
      (file) => Object.assign(codesOf(file), { centroids: 2 ** 40 }),
      /centroids 1099511627776/,
    ],
    ['9 bits', 'rabitq4', (file) => Object.assign(codesOf(file), { bits: 9 }), /kind rabitq, bits 9/],
    ['2 bits for 4', 'rabitq4', (file) => Object.assign(codesOf(file), { bits: 1 }), /section records has/],
    ['bounds that are none', 'rabitq4', (file) => Object.assign(codesOf(file), { epsilon0: -1 }), /epsilon0 -1/],
    ['bounds in words', 'rabitq4', (file) => Object.assign(codesOf(file), { epsilon0: '2' }), /kind rabitq/],
    ['another kind', 'rabitq4', (file) => Object.assign(codesOf(file), { kind: 'vq' }), /kind vq/],
    ['a kind that is an object', 'rabitq4', (file) => Object.assign(codesOf(file), { kind: {} }), /kind object/],
    ['a quantizer', 'rabitq4', (file) => Object.assign(codesOf(file), { codeShape: {} }), /dimension undefined/],
    [
      'ranges of dimensions',
      'sq8 by vector',
      (file) => Object.assign(codesOf(file), { ranges: 'dimension' }),
      /has no section model/,
    ],
    [
      'ranges of vectors',
      'sq8 by dimension',
      (file) => Object.assign(codesOf(file), { ranges: 'vector' }),
      /has a section model/,
    ],
    ['codes of null', 'pq', ({ meta }) => Object.assign(meta.options, { codes: null }), /option codes = null/],
    ['codes of a list', 'pq', ({ meta }) => Object.assign(meta.options, { codes: [] }), /codes = an object that is no/],
    ['Manhattan', 'pq', ({ meta }) => Object.assign(meta.options, { metric: 'manhattan' }), /under manhattan/],
    ['another form', 'pq', ({ meta }) => Object.assign(meta, { form: 'rabitq' }), /of the form "rabitq" under codes/],
    ['the form of floats', 'pq', ({ meta }) => Object.assign(meta, { form: 'f32' }), /of the form "f32" under codes/],
    ['no finer codes', 'pq', ({ meta }) => Object.assign(meta.options, { finer: 'none' }), /has a section finer/],
    ['finer codes of floats', 'pq', ({ meta }) => Object.assign(meta.options, { finer: 'f32' }), /finer = f32/],
    ['finer codes of 1', 'pq', ({ meta }) => Object.assign(meta.options, { finer: 1 }), /finer = 1 is no string/],
    ['no model', 'pq', ({ sections }) => sections.delete('model'), /has no section model/],
    ['half a model', 'pq', ({ sections }) => halve(sections, 'model'), /section model has \d+ bytes, and/],
    ['half the finer codes', 'pq', ({ sections }) => halve(sections, 'finer'), /section finer has \d+ bytes, and/],
    ['no finer codes there', 'pq', ({ sections }) => sections.delete('finer'), /has no section finer/],
  ])('%s', async (_, name, lie, says) => {
    const path = join(temporaryFolder(), 'index.ann');
    await save(await indexOf(name, { finer: 'sq7' }), path);
    const lies = await forged(path, lie);
    const error = await open(lies).catch((error) => error);
    expect(error).toBeInstanceOf(IndexFileError);
    expect(error.message).toMatch(says);
    expect(await verify(lies)).toMatchObject({ ok: false, faults: [error.message] });
  });

  function halve(sections: Map<string, Uint8Array>, name: string) {
    const bytes = sections.get(name)!;
    sections.set(name, bytes.subarray(0, bytes.length >> 1));
  }

  it('models and codes of any bytes: every call comes to an end, with a result or an error of ours', async () => {
    const random = new Random('any bytes');
    for (const name of Object.keys(KINDS) as KindName[]) {
      const path = join(temporaryFolder(), 'index.ann');
      const index = await indexOf(name, { finer: 'sq7', efConstruction: 12 });
      await save(index, path);
      const { recordBytes, vectorBytes } = index.layout;
      const fills = [() => random.integer(2 ** 32), () => 0xffffffff, () => 0x7f800000];
      for (const fill of fills) {
        for (const section of ['model', 'records', 'finer']) {
          const lies = await forged(path, ({ sections }) => {
            const bytes = Uint8Array.from(sections.get(section) ?? []);
            const words = new Uint32Array(bytes.buffer);
            for (let i = 0; i < words.length; i++) {
              // Of records only the codes.
              if (section !== 'records' || (4 * i) % recordBytes < vectorBytes) words[i] = fill();
            }
            if (sections.has(section)) sections.set(section, bytes);
          });
          const opened = await open(lies, { threads: 1 });
          for (const query of queries.slice(0, 3)) {
            for (const rerank of [10, 'bound'] as const) {
              const { ids } = opened.search(query, { k: 5, efSearch: 30, rerank });
              expect(ids.every((id) => id < ROWS)).toBe(true);
            }
          }
          try {
            opened.addBatch(rows(20, 'more'));
          } catch (error) {
            expect(error).toBeInstanceOf(AnnError);
          }
          expect(opened.validate()).toEqual([]);
        }
      }
    }
  });
});

describe('several threads', () => {
  it.each(['sq8 by dimension', 'rabitq4', 'pq', 'pq of residuals'] as const)(
    'add and search at the same time, and find what one finds: %s',
    async (name) => {
      const index = await indexOf(name, { finer: 'sq7' });
      const path = join(temporaryFolder(), 'index.ann');
      await save(index, path);
      const many = Float32Array.from(queries.flatMap((query) => Array.from(query)));
      const options = { k: 5, efSearch: 60, rerank: 20 };
      const opened = await open(path, { threads: 3 });
      await using pool = await Pool.start(opened, { threads: 2 });
      for (const beam of [options, { k: 5, efSearch: 60, rerank: 'bound' as const }]) {
        const { ids, distances } = await pool.searchBatch(many, beam);
        const alone = queries.map((query) => index.search(query, beam));
        expect(Array.from(ids)).toEqual(alone.flatMap(({ ids }) => Array.from(ids)));
        expect(Array.from(distances)).toEqual(alone.flatMap(({ distances }) => Array.from(distances)));
      }
      const adding = pool.addBatch(rows(MORE, 'more'));
      let done = false;
      const added = adding.then(() => {
        done = true;
      });
      let searches = 0;
      do {
        const { ids } = await pool.searchBatch(many, options);
        expect(Array.from(ids).every((id) => id < ROWS + MORE)).toBe(true);
        searches++;
      } while (!done);
      await added;
      expect(searches).toBeGreaterThan(0);
      expect(opened.count).toBe(ROWS + MORE);
      expect(opened.validate()).toEqual([]);
      const more = rows(MORE, 'more');
      for (let i = 0; i < MORE; i += 20) {
        const own = more.subarray(i * DIMENSION, (i + 1) * DIMENSION);
        expect(opened.search(own, { k: 1, efSearch: 700, rerank: 700 }).ids[0]).toBe(ROWS + i);
      }
      expect(contentsOf(path).meta.options.codes).toMatchObject({ kind: KINDS_OF[name] });
    },
  );

  const KINDS_OF = { 'sq8 by dimension': 'scalar', rabitq4: 'rabitq', pq: 'product', 'pq of residuals': 'product' };
});
