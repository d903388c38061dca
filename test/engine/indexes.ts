/** Indexes of every shape, and all that can be asked of two of them to see whether they are the same. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import type { AnyIndex } from '../../src/graph/any-index.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';

export interface Shape extends HnswOptions {
  metric: Metric;
  codes: 'f32' | 'sq7';
  filter: 'sign' | 'none';
  seed: number;
  count: number;
  /** What the vectors are made of; `bytes` are held as they are under sq7, but under cosine. */
  rows: 'normal' | 'bytes';
  /** The caller's own ids, or the slots. */
  ids: 'own' | 'slots';
}

/** How many of `indexOf`'s shapes may still be added. */
export const ROOM = 300;

const smallShapes = {
  metric: fc.constantFrom(...METRICS),
  codes: fc.constantFrom('f32' as const, 'sq7' as const),
  filter: fc.constantFrom('sign' as const, 'none' as const),
  M: fc.integer({ min: 2, max: 20 }),
  extendCandidates: fc.boolean(),
  keepPruned: fc.boolean(),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  rows: fc.constantFrom('normal' as const, 'bytes' as const),
  ids: fc.constantFrom('own' as const, 'slots' as const),
  dimension: fc.oneof(fc.constantFrom(1, 3, 64, 130), fc.integer({ min: 1, max: 200 })),
  count: fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 3, max: 400 })),
};

/** Manhattan has no inner products for signs to estimate; a beam holds M at least. */
function sound<T extends Omit<Shape, 'efConstruction'>>(shape: T): T & Shape {
  const filter = shape.metric === 'manhattan' ? 'none' : shape.filter;
  return { ...shape, filter, efConstruction: Math.max(24, shape.M ?? 0) };
}

export const shapes: fc.Arbitrary<Shape> = fc.record(smallShapes).map(sound);

/** Around the count from which the sign filter works, and at sizes that fill many blocks. */
export const largeShapes: fc.Arbitrary<Shape> = fc
  .record({
    ...smallShapes,
    dimension: fc.constantFrom(1, 24, 130),
    count: fc.constantFrom(1023, 1024, 1025, 3000),
  })
  .map(sound);

/** `n` rows of the shape's kind; `part` tells one call's from another's. */
export function rowsOf({ dimension, rows, seed }: Shape, n: number, part: string): Float32Array {
  const random = new Random(`${part} ${seed}`);
  return Float32Array.from({ length: n * dimension }, (_, i) => {
    // No zero vector: under cosine it has no direction.
    if (rows === 'bytes') return i % dimension === 0 ? 1 + random.integer(255) : random.integer(256);
    return random.normal() + (i % 7);
  });
}

/** Ids that are no slots, each of them once. */
export function idsOf({ ids }: Shape, from: number, n: number): Uint32Array | undefined {
  return ids === 'own' ? Uint32Array.from({ length: n }, (_, i) => 4_000_000_000 - 7 * (from + i)) : undefined;
}

export function indexOf(shape: Shape): Hnsw {
  const { count, rows: _, ids: __, ...options } = shape;
  const index = Hnsw.create({ threads: 3, ...options, capacity: count + ROOM });
  const ids = idsOf(shape, 0, count);
  index.addBatch(rowsOf(shape, count, 'base'), ids && { ids });
  return index;
}

/** What searches return, to the bit, and what they cost. */
export function answersOf(index: AnyIndex, shape: Shape): unknown[] {
  const { dimension, count } = shape;
  const queries = [...rowViews(rowsOf(shape, 6, 'queries'), dimension)];
  if (count > 0) queries.push(rowsOf(shape, 1, 'base'));
  queries.push(queries[0].map((x) => x + 0.375));
  const beams = [
    { k: 1, efSearch: 8 },
    { k: 10, efSearch: 40 },
    { k: 5, efSearch: 20, rerank: 0 },
    { k: 7, efSearch: count + 7, rerank: count + 7 },
  ];
  return queries.flatMap((query) => beams.map((options) => searched(index, query, options)));
}

function searched(index: AnyIndex, query: Float32Array, options: { k: number; efSearch: number; rerank?: number }) {
  const { ids, distances, work } = index.search(query, options);
  return { ids: Array.from(ids), distances: Array.from(new Uint32Array(distances.buffer)), work };
}

function* rowViews(rows: Float32Array, dimension: number): Generator<Float32Array> {
  for (let at = 0; at < rows.length; at += dimension) yield rows.subarray(at, at + dimension);
}

/** Every list of every level of the nodes `ids`, as one comparable value. */
export function graphOf(index: AnyIndex, ids: Iterable<number>): string {
  const lists: string[] = [];
  for (const id of ids) {
    for (let level = 0; ; level++) {
      const list = index.neighbors(id, level);
      if (list.length === 0) break;
      lists.push(`${id} ${level}: ${Array.from(list).join(' ')}`);
    }
  }
  return lists.join('\n');
}

export function idsHeld(shape: Shape, count: number): number[] {
  const own = idsOf(shape, 0, count);
  return Array.from({ length: count }, (_, i) => own?.[i] ?? i);
}

/** Sees to it that nothing one can ask tells the two apart: first of searches alone, then of the whole graph. */
export function expectSame(a: AnyIndex, b: AnyIndex, shape: Shape): void {
  expect(a.count).toBe(b.count);
  expect(answersOf(a, shape)).toEqual(answersOf(b, shape));
  const ids = idsHeld(shape, b.count);
  expect(graphOf(a, ids) === graphOf(b, ids)).toBe(true);
  const [statsA, statsB] = [a, b].map((index) => ({ ...index.stats(), hugePages: undefined }));
  expect(statsA).toEqual(statsB);
  expect(a.validate()).toEqual([]);
}

/** Adds `n` more rows to each, the same. */
export function addMore(indexes: readonly AnyIndex[], shape: Shape, n: number, rows: Shape['rows'] = shape.rows): void {
  const held = indexes[0].count;
  const more = rowsOf({ ...shape, rows }, n, `more ${held}`);
  const ids = idsOf(shape, held, n);
  for (const index of indexes) index.addBatch(more, ids && { ids });
}
