import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenIndexError, BusyError, ReadOnlyError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { NODE } from '../../src/graph/graph-layout.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { ProductQuantizer } from '../../src/quantize/product.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';
import { addMore, answersOf, idsHeld, indexOf, largeShapes, type Shape, shapes } from '../engine/indexes.ts';

const SEED = 20_220_407;

/** The neighbours of every node on every level, in order; renumbering leaves even that alone. */
function neighborsOf(index: Hnsw, ids: readonly number[]): number[][] {
  return ids.flatMap((id) => Array.from({ length: 6 }, (_, level) => Array.from(index.neighbors(id, level))));
}

/** All that the index holds, byte by byte. */
function imageOf(index: Hnsw) {
  const { meta, sections } = index.image();
  return {
    meta,
    sections: sections.map(({ name, parts }) => [name, ...parts.map((part) => Buffer.from(part.slice()))]),
  };
}

/** Around a few centres, in random order: what was added one after the other is far apart. */
function clusters({ n, dimension }: { n: number; dimension: number }): Float32Array {
  const random = new Random(SEED);
  const centres = Array.from({ length: 40 }, () => Array.from({ length: dimension }, () => 3 * random.normal()));
  const rows = Array.from({ length: n }, () => centres[random.integer(40)].map((x) => x + random.normal()));
  return Float32Array.from(rows.flat());
}

/** In how many different runs of 32 slots those lie that a node is linked to on level 0, as a share of its links, on average. */
function meanBlocks(index: Hnsw): number {
  const { at, u32 } = index.arena;
  const { recordBytes, vectorBytes } = index.layout;
  let blocks = 0;
  for (let slot = 0; slot < index.count; slot++) {
    const list = ((at.records + slot * recordBytes + vectorBytes) >>> 2) + NODE.count;
    const links = u32.slice(list + 1, list + 1 + u32[list]);
    blocks += new Set(links.map((edge) => (edge & 0x3fffffff) >>> 5)).size / links.length;
  }
  return blocks / index.count;
}

describe('renumbering', () => {
  const keepsAll = (shape: Shape) => {
    const index = indexOf(shape);
    const ids = idsHeld(shape, shape.count);
    const before = [answersOf(index, shape), neighborsOf(index, ids), { ...index.stats(), hugePages: undefined }];
    index.renumber();
    expect(index.validate()).toEqual([]);
    expect([answersOf(index, shape), neighborsOf(index, ids), { ...index.stats(), hugePages: undefined }]).toEqual(
      before,
    );
    const once = imageOf(index);
    index.renumber();
    expect(imageOf(index)).toEqual(once);
    addMore([index], shape, 40);
    expect(index.validate()).toEqual([]);
    expect(new Set(index.search(new Float32Array(shape.dimension).fill(1), { k: shape.count + 40 }).ids)).toEqual(
      new Set(idsHeld(shape, shape.count + 40)),
    );
  };

  it('leaves ids, answers to the bit, neighbours and work as they are; twice is once; and more can be added', () => {
    fc.assert(fc.property(shapes, keepsAll), { seed: SEED, numRuns: 60 });
  });

  it('also where the filter works', () => {
    fc.assert(fc.property(largeShapes, keepsAll), { seed: SEED, numRuns: 6 });
  });

  const dimension = 32;
  const rows = clusters({ n: 1500, dimension });
  const train = { rows: 1500, dimension, data: rows };
  it.each([
    ['scalar', () => ScalarQuantizer.train(train)],
    ['rabitq', () => RabitqQuantizer.train(train, { seed: 1 })],
    ['product', () => ProductQuantizer.train(train, { m: 4, bits: 4, seed: 1, iterations: 2 })],
  ] as const)("moves a quantizer's codes, finer ones and originals: %s", async (_, trained) => {
    const index = Hnsw.create({ dimension, capacity: 2000, codes: await trained(), finer: 'sq7', filter: 'sign' });
    index.addBatch(rows.subarray(0, 1400 * dimension));
    const answers = () =>
      [0, 8, 12, 40].flatMap((rerank) =>
        Array.from({ length: 30 }, (_, i) => {
          const query = rows.subarray((1400 + i) * dimension, (1401 + i) * dimension);
          const { ids, distances, work } = index.search(query, { k: 8, efSearch: 60, rerank });
          return [ids, distances, work];
        }),
      );
    const before = answers();
    const unmoved = imageOf(index);
    index.renumber();
    expect(imageOf(index)).not.toEqual(unmoved);
    expect(answers()).toEqual(before);
    expect(index.validate()).toEqual([]);
    index.addBatch(rows.subarray(1400 * dimension));
    expect(index.search(rows.subarray(1450 * dimension, 1451 * dimension), { k: 1, efSearch: 200 }).ids[0]).toBe(1450);
  });

  it('brings what is linked together', () => {
    const index = Hnsw.create({ dimension: 16, capacity: 8000 });
    index.addBatch(clusters({ n: 8000, dimension: 16 }));
    const before = meanBlocks(index);
    index.renumber();
    expect(before).toBeGreaterThan(0.85);
    expect(meanBlocks(index)).toBeLessThan(0.6);
    expect(index.search(clusters({ n: 1, dimension: 16 }), { k: 1 }).ids[0]).toBe(0);
  });

  it('says how far it is, and ends whatever the listener does', () => {
    const rows = clusters({ n: 20_000, dimension: 4 });
    const index = Hnsw.create({ dimension: 4, capacity: 20_001, M: 4, efConstruction: 8 });
    index.addBatch(rows);
    const said: number[] = [];
    const refused: unknown[] = [];
    const attempt = (what: () => unknown) => {
      try {
        what();
      } catch (error) {
        refused.push(error);
      }
    };
    const onProgress = (done: number, total: number) => {
      expect(total).toBe(20_000);
      said.push(done);
      if (done === total) return;
      attempt(() => index.search(rows.subarray(0, 4), { k: 1 }));
      attempt(() => index.neighbors(0));
      attempt(() => index.add(rows.subarray(0, 4)));
      attempt(() => index.image());
      attempt(() => index.renumber());
      throw new Error('a listener of ours');
    };
    expect(() => index.renumber({ onProgress })).toThrow('a listener of ours');
    expect(said.length).toBeGreaterThan(2);
    expect(said).toEqual(said.toSorted((a, b) => a - b));
    expect(said.at(-1)).toBe(20_000);
    expect(refused).toHaveLength(5 * (said.length - 1));
    for (const error of refused) expect(error).toBeInstanceOf(BusyError);
    expect(index.validate()).toEqual([]);
    expect(index.search(rows.subarray(8, 12), { k: 1 }).ids[0]).toBe(2);
    index.add(rows.subarray(0, 4));
  });

  it('waits for nobody: where others work on the index, or nobody may change it, it is refused', () => {
    const index = Hnsw.create({ dimension: 4, capacity: 100, threads: 2 });
    index.addBatch(clusters({ n: 100, dimension: 4 }));
    const before = imageOf(index);
    const numbers = index.numbers.take(1);
    expect(() => index.renumber()).toThrow(BusyError);
    expect(() => index.renumber()).toThrow(/pool works on the index: close it/);
    index.numbers.give(numbers);
    const resume = index.pauseAdding('the index is being saved');
    expect(() => index.renumber()).toThrow(BusyError);
    resume();
    expect(imageOf(index)).toEqual(before);
    index.renumber();
    index.forbidAdding(new ReadOnlyError('x.ann'));
    expect(() => index.renumber()).toThrow(ReadOnlyError);
  });

  it.each<[string, (words: Uint32Array, record: number, vectorWords: number) => void]>([
    ['a link to nobody', (words, record, at) => (words[record + at + NODE.count + 1] = 0x3fffffff)],
    ['a list without end', (words, record, at) => (words[record + at + NODE.count] = 0xffffffff)],
    ['a level that was not drawn', (words, record, at) => (words[record + at + NODE.level] += 256)],
  ])('moves nothing of a graph that is broken: %s', (_, damage) => {
    const index = Hnsw.create({ dimension: 4, capacity: 100 });
    index.addBatch(clusters({ n: 100, dimension: 4 }));
    const { recordBytes, vectorBytes } = index.layout;
    damage(index.arena.u32, (index.arena.at.records + 50 * recordBytes) / 4, vectorBytes / 4);
    const before = imageOf(index);
    expect(() => index.renumber()).toThrow(BrokenIndexError);
    expect(() => index.renumber()).toThrow(/node 50/);
    expect(imageOf(index)).toEqual(before);
  });
});
