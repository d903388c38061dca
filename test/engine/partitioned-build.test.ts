import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DimensionError,
  MemoryLimitError,
  OutputError,
  ParameterError,
  VectorValueError,
} from '../../src/core/errors.ts';
import type { Matrix } from '../../src/core/matrix.ts';
import { METRICS } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import type { RowSource } from '../../src/core/row-source.ts';
import { open, verify } from '../../src/engine/index-file.ts';
import { planPartition } from '../../src/engine/partition-plan.ts';
import {
  buildPartitioned,
  type PartitionedOptions,
  type PartitionedPhase,
  type PartitionedResult,
} from '../../src/engine/partitioned-build.ts';
import type { AnyIndex } from '../../src/graph/any-index.ts';
import { ShardRoom } from '../../src/graph/shard-room.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { completeVamanaOptions } from '../../src/graph/vamana-options.ts';
import type { VectorIndex } from '../../src/graph/vector-index.ts';
import { generate, type Model } from '../../src/lab/synthetic.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { expectNearest } from '../oracle.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const SMALL = { R: 12, L: 24, alpha: 1, passes: 1 } as const;

function normal(rows: number, dimension: number, seed = 1): Matrix {
  const random = new Random(seed);
  return { data: Float32Array.from({ length: rows * dimension }, () => random.normal()), rows, dimension };
}

function bytes(rows: number, dimension: number): Matrix {
  const { data } = normal(rows, dimension);
  return { data: data.map((x) => Math.min(255, Math.max(0, Math.round(128 + 40 * x)))), rows, dimension };
}

const sourceOf = ({ data, rows, dimension }: Matrix): RowSource => ({
  ...{ rows, dimension },
  read: (from, to) => data.subarray(from * dimension, to * dimension),
});

const rowOf = ({ data, dimension }: Matrix, i: number) => data.subarray(i * dimension, (i + 1) * dimension);

/** Enough for all; how many shards there are, `shardRows` says. */
const PLENTY = { memoryBytes: 2 ** 26, shardRows: 1024 };

/** Builds the set in six clusters or more and an overview, opens the file and finds nothing wrong with it. */
async function built(
  matrix: Matrix,
  index: NonNullable<PartitionedOptions['index']>,
  options: Partial<PartitionedOptions> = {},
): Promise<{ index: Vamana; result: PartitionedResult; path: string }> {
  const folder = temporaryFolder();
  const path = join(folder, 'parts.ann');
  const result = await buildPartitioned(sourceOf(matrix), path, { ...PLENTY, threads: 2, index, ...options });
  expect(result.shards.length).toBeGreaterThan(5);
  expect(readdirSync(folder)).toEqual(['parts.ann']);
  expect(await verify(path)).toMatchObject({ ok: true, count: matrix.rows, bytes: result.bytes });
  return { index: (await open(path)) as Vamana, result, path };
}

function recallOf(index: VectorIndex, queries: Matrix, truth: Set<number>[], efSearch: number): number {
  let hits = 0;
  for (const [i, ids] of truth.entries())
    for (const id of index.search(rowOf(queries, i), { k: 10, efSearch }).ids) hits += Number(ids.has(id));
  return hits / truth.length / 10;
}

describe('buildPartitioned', () => {
  const models: Record<string, Model> = {
    'embedding-like': {
      ...{ kind: 'embedding', topics: 60, topicExponent: 1, latentDimension: 32, topicSpectrumExponent: 0.4 },
      ...{
        localSpectrumExponent: 0.55,
        topicSpread: [0.7, 1.2],
        gain: 1.5,
        meanLength: 0.7,
        axisSpread: 0.3,
        noise: 0.2,
      },
    },
    clustered: { kind: 'clustered', clusters: 60, sizeExponent: 0.5, spread: 0.4 },
  };
  for (const [name, model] of Object.entries(models)) {
    it(`finds within 0.01 of what the whole build finds, on ${name} vectors in 5 shards and more`, async () => {
      const options = { R: 20, L: 40, alpha: 1.1, passes: 1 } as const;
      const { train, queries } = await generate({ model, seed: 5, dimension: 48, rows: 4000, queries: 200 });
      const whole = Vamana.create({ dimension: 48, capacity: 4000, ...options });
      whole.build(train.data);
      const truth = Array.from(
        { length: 200 },
        (_, i) => new Set(whole.search(rowOf(queries, i), { k: 10, efSearch: 4000, rerank: 200 }).ids),
      );
      const { index, result } = await built(train, options, { shardRows: 2000 });
      expect(result.pruned).toBeGreaterThan(0);
      expect(result.shards.every((count) => count <= result.plan.shardRows)).toBe(true);
      expect(index.stats().meanDegree).toBeCloseTo(result.meanDegree, 10);
      for (const efSearch of [20, 40, 80])
        expect(recallOf(index, queries, truth, efSearch)).toBeGreaterThan(
          recallOf(whole, queries, truth, efSearch) - 0.01,
        );
    });
  }

  it('finds within 0.01 under dot too, among vectors of many lengths, on floats and on codes', async () => {
    const options = { metric: 'dot', R: 20, L: 40, alpha: 1.1, passes: 1 } as const;
    const set = { model: models['embedding-like'], seed: 5, dimension: 48, rows: 4000, queries: 200 };
    const { train, queries } = await generate(set);
    const random = new Random(8);
    for (let i = 0; i < train.rows; i++) {
      const length = Math.exp(0.15 * random.normal());
      const row = rowOf(train, i);
      for (let j = 0; j < row.length; j++) row[j] *= length;
    }
    for (const codes of ['f32', 'sq7'] as const) {
      const whole = Vamana.create({ dimension: 48, capacity: 4000, codes, ...options });
      whole.build(train.data);
      const truth = Array.from(
        { length: 200 },
        (_, i) => new Set(whole.search(rowOf(queries, i), { k: 10, efSearch: 4000 }).ids),
      );
      const { index, result, path } = await built(train, { codes, ...options, capacity: 4001 }, { shardRows: 2000 });
      expect(result.pruned).toBeGreaterThan(0);
      for (const efSearch of [20, 40, 80])
        expect(recallOf(index, queries, truth, efSearch)).toBeGreaterThan(
          recallOf(whole, queries, truth, efSearch) - 0.01,
        );
      // It can be added to: a longer vector than all, whose place only the longest of the file tells.
      const longest = Float32Array.from(rowOf(train, 0), (x) => 9 * x);
      const opened = (await open(path)) as Vamana;
      opened.add(longest, 4000);
      expect(opened.search(rowOf(train, 0), { k: 1, efSearch: 80 }).ids[0]).toBe(4000);
      expect(opened.validate()).toEqual([]);
    }
  });

  for (const metric of METRICS) {
    it(`reaches every vector: exact with efSearch = count (${metric})`, async () => {
      const matrix = normal(2100, 8);
      const { index } = await built(matrix, { metric, codes: 'f32', ...SMALL });
      const queries = normal(5, 8, 2);
      const vectors = new Map(Array.from({ length: matrix.rows }, (_, i) => [i, rowOf(matrix, i)]));
      for (let i = 0; i < queries.rows; i++) {
        const query = rowOf(queries, i);
        expectNearest(index.search(query, { k: 20, efSearch: matrix.rows }), { query, vectors, k: 20, metric });
      }
    });
  }

  it('holds the vectors themselves, by the numbers of their rows: bytes, floats beside codes, codes of a quantizer', async () => {
    const plain = normal(2100, 36);
    const trained = RabitqQuantizer.train(plain, { metric: 'l2', bits: 4, seed: 3 });
    const cases: [Matrix, NonNullable<PartitionedOptions['index']>][] = [
      [bytes(2100, 36), {}],
      [plain, { filter: 'sign' }],
      [plain, { codes: await trained, finer: 'sq7' }],
    ];
    for (const [matrix, options] of cases) {
      const { index } = await built(matrix, { ...options, ...SMALL });
      for (let i = 0; i < matrix.rows; i += 90) {
        const { ids, distances } = index.search(rowOf(matrix, i), { k: 1, efSearch: 200 });
        expect([ids[0], distances[0]]).toEqual([i, 0]);
      }
      index.renumber();
      expect(index.validate()).toEqual([]);
    }
  });

  it('writes the same file on any number of threads, and another one under another seed', async () => {
    const matrix = normal(2100, 12);
    const files: Buffer[] = [];
    for (const [threads, seed] of [
      [1, 1],
      [2, 1],
      [1, 2],
    ]) {
      const path = join(temporaryFolder(), 'parts.ann');
      await buildPartitioned(sourceOf(matrix), path, { ...PLENTY, threads, index: { ...SMALL, seed } });
      files.push(readFileSync(path));
    }
    expect(files[1].equals(files[0])).toBe(true);
    expect(files[2].equals(files[0])).toBe(false);
  });

  it('is the whole build where all vectors fit, down to one', async () => {
    for (const rows of [1, 2, 3, 500]) {
      const matrix = normal(rows, 5);
      const path = join(temporaryFolder(), 'parts.ann');
      const { shards } = await buildPartitioned(sourceOf(matrix), path, { memoryBytes: 2 ** 24, index: SMALL });
      expect(shards).toEqual([rows]);
      expect(await verify(path)).toMatchObject({ ok: true, count: rows });
      const index = await open(path);
      expect(index.search(rowOf(matrix, rows - 1), { k: 1, efSearch: rows }).ids[0]).toBe(rows - 1);
    }
  });

  it.each(METRICS)(
    'is the same graph as the whole build where all vectors fit, searched from the same: %s',
    async (metric) => {
      const matrix = normal(500, 5);
      const options = { metric, ...SMALL };
      const whole = Vamana.create({ dimension: 5, capacity: 500, ...options });
      whole.build(matrix.data);
      const path = join(temporaryFolder(), 'parts.ann');
      await buildPartitioned(sourceOf(matrix), path, { memoryBytes: 2 ** 24, index: options });
      const index = await open(path);
      expect(index.translate(Uint32Array.of(0))).toEqual(whole.translate(Uint32Array.of(0)));
      // Whoever cannot be reached is linked to from another node than there.
      const listOf = (graph: AnyIndex, id: number) => String(graph.neighbors(id));
      const same = Array.from(matrix.data.subarray(0, 500), (_, id) => listOf(index, id) === listOf(whole, id));
      expect(same.filter(Boolean).length).toBeGreaterThan(metric === 'dot' ? 450 : 499);
    },
  );

  it('copes with vectors that are all the same, and with rows in the order of their clusters', async () => {
    const same = { data: new Float32Array(2100 * 8).fill(1), rows: 2100, dimension: 8 };
    await built(same, SMALL);
    const sorted = normal(2100, 8);
    const rows = Array.from({ length: 2100 }, (_, i) => rowOf(sorted, i)).sort((a, b) => a[0] - b[0]);
    await built({ ...sorted, data: Float32Array.from(rows.flatMap((row) => Array.from(row))) }, SMALL);
  });

  it('tells of every phase, in order and up to its end', async () => {
    const phases: PartitionedPhase[] = [];
    const ends = new Map<PartitionedPhase, boolean>();
    let last = 0;
    await built(normal(2100, 8), SMALL, {
      onProgress: (phase, done, total) => {
        if (phases.at(-1) !== phase) {
          phases.push(phase);
          last = 0;
        }
        expect(done).toBeGreaterThanOrEqual(last);
        expect(done).toBeLessThanOrEqual(total);
        last = done;
        ends.set(phase, done === total);
      },
    });
    expect(phases).toEqual(['reading', 'clustering', 'assigning', 'linking', 'merging', 'writing']);
    expect([...ends.values()].every((ended) => ended)).toBe(true);
  });

  it('reserves no arena larger than the plan says', async () => {
    const { Memory } = WebAssembly;
    const reserved: number[] = [];
    class Counted extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        reserved.push(descriptor.initial * 65_536);
      }
    }
    WebAssembly.Memory = Counted;
    try {
      const path = join(temporaryFolder(), 'parts.ann');
      const options = { memoryBytes: 3_600_000, threads: 2, index: SMALL };
      const { plan, shards } = await buildPartitioned(sourceOf(normal(4000, 256)), path, options);
      const { room, links, sample, buffers, total } = plan.bytes;
      expect(shards.length).toBeGreaterThan(3);
      expect(reserved.filter((bytes) => bytes === room)).toHaveLength(1);
      // What k-means and the store of the centres reserve for scratch.
      expect(Math.max(...reserved.filter((bytes) => bytes !== room))).toBeLessThan(sample + 2 ** 21);
      expect(room + links + sample + buffers).toBe(total);
      expect(total).toBeLessThanOrEqual(options.memoryBytes);
    } finally {
      WebAssembly.Memory = Memory;
    }
  });

  it.each(METRICS.flatMap((metric) => (['f32', 'sq7'] as const).map((codes) => ({ metric, codes }))))(
    'has nothing in its room besides what the plan says: $metric, $codes',
    ({ metric, codes }) => {
      const given = { dimension: 64, metric, codes, threads: 2, ...SMALL };
      const { shardRows, bytes } = planPartition(10_000, completeVamanaOptions(given), { memoryBytes: 2 ** 22 });
      const room = ShardRoom.reserve({ ...given, capacity: shardRows });
      expect(room.handle.memory.buffer.byteLength).toBe(bytes.room);
      expect(room.handle.vectors).toBeUndefined();
    },
  );

  describe('refuses, and leaves nothing behind', () => {
    const matrix = normal(2100, 8);

    async function expectRefused(
      source: Partial<RowSource>,
      options: Partial<PartitionedOptions>,
      error: new (...given: never[]) => Error,
      message: RegExp,
    ): Promise<void> {
      const folder = temporaryFolder();
      const building = buildPartitioned({ ...sourceOf(matrix), ...source }, join(folder, 'parts.ann'), {
        ...{ ...PLENTY, threads: 1, index: SMALL },
        ...options,
      });
      const thrown = await building.then(
        () => expect.fail('built'),
        (thrown: unknown) => thrown,
      );
      expect(thrown).toBeInstanceOf(error);
      expect((thrown as Error).message).toMatch(message);
      expect(readdirSync(folder)).toEqual([]);
    }

    it('too little memory, and says how much it takes', async () => {
      await expectRefused(
        {},
        { memoryBytes: 100_000 },
        ParameterError,
        /memoryBytes = 100000: at least \d+ \(\d+ MiB\) for 2100 /,
      );
      const options = completeVamanaOptions({ dimension: 8, ...SMALL, threads: 2 });
      const least = (() => {
        try {
          planPartition(2100, options, { memoryBytes: 100_000 });
        } catch (error) {
          return Number(/at least (\d+)/.exec((error as Error).message)?.[1]);
        }
      })();
      expect(planPartition(2100, options, { memoryBytes: least! }).bytes.total).toBeLessThanOrEqual(least!);
      expect(() => planPartition(2100, options, { memoryBytes: least! - 2 ** 17 })).toThrow(ParameterError);
    });

    it('memory, rows, threads and options that are no such', async () => {
      for (const memoryBytes of [0, -1, 1.5, Number.NaN])
        await expectRefused({}, { memoryBytes }, ParameterError, /memoryBytes/);
      for (const shardRows of [1023, 1100.5]) await expectRefused({}, { shardRows }, ParameterError, /shardRows/);
      for (const rows of [0, 1.5, Number.NaN]) await expectRefused({ rows }, {}, ParameterError, /rows/);
      await expectRefused({ dimension: 0 }, {}, DimensionError, /dimension/);
      await expectRefused({}, { threads: 0 }, ParameterError, /threads/);
      await expectRefused(
        { rows: 2_000_000 },
        { shardRows: 1024, memoryBytes: 2 ** 50 },
        ParameterError,
        /shardRows = 1024: at least 1600/,
      );
      await expectRefused({}, { index: { ...SMALL, R: 1 } }, ParameterError, /R = 1/);
      const misspelt = { ...SMALL, alfa: 1.2 } as PartitionedOptions['index'] & object;
      await expectRefused({}, { index: misspelt }, ParameterError, /^alfa = 1.2: no option of a Vamana/);
      await expectRefused({}, { index: { ...SMALL, capacity: 2099 } }, ParameterError, /at least the 2100 vectors/);
    });

    it('more vectors than an index can be opened with', async () => {
      await expectRefused({ rows: 2 ** 29, dimension: 64 }, { memoryBytes: 2 ** 50 }, MemoryLimitError, /fit/);
    });

    it('vectors that cannot be held, by the numbers of their rows', async () => {
      const spoilt = { ...matrix, data: matrix.data.slice() };
      spoilt.data[1234 * 8 + 3] = Number.NaN;
      await expectRefused(sourceOf(spoilt), {}, VectorValueError, /row 1234: component 3/);
      spoilt.data.fill(0, 1234 * 8, 1235 * 8);
      await expectRefused(sourceOf(spoilt), { index: { ...SMALL, metric: 'cosine' } }, VectorValueError, /row 1234/);
    });

    it('a source that gives something else than it promised, or fails, at whichever reading', async () => {
      await expectRefused({ read: () => new Float32Array(7) }, {}, DimensionError, /rows 0 to \d+ of the source/);
      let reads = 0;
      const failingAfter = (fine: number) => (from: number, to: number) => {
        if (reads++ >= fine) throw new Error('the disk is gone');
        return matrix.data.subarray(from * 8, to * 8);
      };
      const whole = { ...sourceOf(matrix), read: failingAfter(Number.POSITIVE_INFINITY) };
      await buildPartitioned(whole, join(temporaryFolder(), 'parts.ann'), { ...PLENTY, threads: 1, index: SMALL });
      const all = reads;
      for (const share of [0, 0.2, 0.5, 0.9]) {
        reads = 0;
        await expectRefused({ read: failingAfter(Math.floor(share * all)) }, {}, Error, /the disk is gone/);
      }
    });

    it('to go on when its caller throws', async () => {
      for (const at of ['reading', 'linking', 'writing']) {
        const onProgress = (phase: string) => {
          if (phase === at) throw new Error('enough');
        };
        await expectRefused({}, { onProgress }, Error, /enough/);
      }
    });

    it('a place where no file can be', async () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'taken'));
      const to = (name: string) => buildPartitioned(sourceOf(matrix), join(folder, name), { ...PLENTY, index: SMALL });
      await expect(to('taken')).rejects.toThrow(OutputError);
      await expect(to('none/parts.ann')).rejects.toThrow(OutputError);
      expect(readdirSync(folder)).toEqual(['taken']);
    });
  });
});
