/**
 * What day 00 times: exact search as the exercise does it, as the engine does it, and by sorting everything; then one distance
 * at 1024-D, from the processor's cache and from memory: what a vector costs to fetch. `npm run bench -- day 0`.
 */
import { Flat } from 'annlab';
import { loadDay } from 'annlab/exercises';
import { type BenchCase, gaussianSet, type Matrix, row, rows } from 'annlab/lab';
import * as reference from './solution.ts';

export const cases = (): BenchCase[] => [...search(), ...distances()];

function search(): BenchCase[] {
  const group = 'the 10 nearest of 10,000, 128-D';
  const k = 10;
  const { base, queries } = gaussianSet({ n: 10_000, dimension: 128, queries: 1 });
  const vectors = rows(base);
  const query = row(queries, 0);
  let yours: typeof reference;
  let flat: Flat;
  return [
    {
      name: 'sort everything',
      group,
      run: () => {
        answer = vectors
          .map((vector, id) => ({ id, distance: reference.squaredL2(query, vector) }))
          .sort((a, b) => a.distance - b.distance)
          .slice(0, k);
      },
    },
    {
      name: 'reference',
      group,
      run: () => {
        answer = reference.searchExact(vectors, query, k);
      },
    },
    {
      name: 'yours',
      group,
      prepare: async () => {
        yours = await loadDay(0, 'exercise');
        yours.searchExact(vectors, query, k);
      },
      run: () => {
        answer = yours.searchExact(vectors, query, k);
      },
    },
    {
      name: 'engine (Flat)',
      group,
      prepare: () => {
        flat = flatOf(base);
      },
      run: () => {
        answer = flat.search(query, { k });
      },
    },
  ];
}

/** A set that fits into the second cache of most processors, and one that fits into none. */
function distances(): BenchCase[] {
  const group = 'one distance of a scan, 1024-D';
  return [
    { where: '1 MiB, in cache', n: 256 },
    { where: '256 MiB, from memory', n: 65_536 },
  ].flatMap(({ where, n }): BenchCase[] => {
    // Made in prepare, so that the sets are there only while they are needed.
    let flat: Flat;
    let vectors: Float32Array[];
    let query: Float32Array;
    const make = () => {
      const base = repeated(gaussianSet({ n: 256, dimension: 1024, queries: 1 }).base, n);
      query = row(base, 0).slice();
      return base;
    };
    return [
      {
        name: `reference, ${where}`,
        group,
        perCall: n,
        prepare: () => {
          vectors = rows(make());
        },
        run: () => {
          answer = reference.searchExact(vectors, query, 10);
        },
      },
      {
        name: `engine (Flat), ${where}`,
        group,
        perCall: n,
        prepare: () => {
          flat = flatOf(make());
        },
        run: () => {
          answer = flat.search(query, { k: 10 });
        },
      },
    ];
  });
}

function flatOf(base: Matrix): Flat {
  const flat = Flat.create({ dimension: base.dimension, capacity: base.rows });
  flat.addBatch(base.data);
  return flat;
}

/** The same rows again and again until there are n: drawing random numbers would take longer than all the timing. */
function repeated({ data, dimension }: Matrix, n: number): Matrix {
  const all = new Float32Array(n * dimension);
  for (let at = 0; at < all.length; at += data.length) all.set(data.subarray(0, all.length - at), at);
  return { data: all, rows: n, dimension };
}

/** Where results go, so that no search is optimized away. */
export let answer: unknown;
