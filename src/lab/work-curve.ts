/**
 * A curve of work against recall, counted and never timed: the same on every machine, so that a notebook can show it and a check
 * can ask for it. Any search will do that says what it found and how many distances it evaluated.
 */
import { ParameterError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { recallAtK, type Truth } from './recall.ts';
import type { MeasuredSet } from './teaching-sets.ts';

export interface WorkPoint {
  ef: number;
  recall: number;
  /** Distance evaluations per query. */
  distances: number;
  /** Neighbour lists read per query, where the search counts them. */
  hops?: number;
}

/** What one search found, nearest first, and what it cost; a `SearchResult` of the engine is one. */
export type CountedResult =
  | { ids: ArrayLike<number>; distances: number; hops?: number }
  | { ids: ArrayLike<number>; work: { distances: number; hops: number } };

export interface WorkCurveOptions {
  search: (query: Float32Array, ef: number) => CountedResult;
  queries: Matrix | readonly Float32Array[];
  truth: Truth;
  k: number;
  /** Widths of the beam, each ≥ k. */
  efs: readonly number[];
}

/** One point a width, from narrow to wide. */
export function workCurve({ search, queries, truth, k, efs }: WorkCurveOptions): WorkPoint[] {
  const each = 'rows' in queries ? Array.from({ length: queries.rows }, (_, i) => row(queries, i)) : queries;
  if (each.length === 0) throw new ParameterError({ parameter: 'queries', got: 'none', want: 'at least one' });
  for (const ef of efs) {
    if (!Number.isInteger(ef) || ef < k) {
      throw new ParameterError({ parameter: 'efs', got: ef, want: `whole numbers from k = ${k}` });
    }
  }
  return [...efs]
    .sort((a, b) => a - b)
    .map((ef) => {
      let distances = 0;
      let hops = 0;
      let counted = true;
      const found = each.map((query) => {
        const result = search(query, ef);
        const work = 'work' in result ? result.work : result;
        distances += work.distances;
        hops += work.hops ?? 0;
        counted &&= work.hops !== undefined;
        return Array.from(result.ids);
      });
      return {
        ef,
        recall: recallAtK(found, truth, k),
        distances: distances / each.length,
        ...(counted && { hops: hops / each.length }),
      };
    });
}

export interface CountedCurveOptions {
  /** What counts the distances of `search`, such as a `countingDistance`. */
  counting: { readonly count: number; reset(): void };
  efs: readonly number[];
  /** Default 10. */
  k?: number;
}

/** The curve of a search that says only what it found, nearest first, and evaluates a distance that is counted from outside. */
export function countedCurve(
  search: (query: Float32Array, options: { k: number; ef: number }) => readonly { id: number }[],
  { queries, truth }: Pick<MeasuredSet, 'queries' | 'truth'>,
  { counting, efs, k = 10 }: CountedCurveOptions,
): WorkPoint[] {
  const counted = (query: Float32Array, ef: number) => {
    counting.reset();
    const ids = search(query, { k, ef }).map(({ id }) => id);
    return { ids, distances: counting.count };
  };
  return workCurve({ search: counted, queries, truth, k, efs });
}

export interface EngineCurveOptions extends Partial<HnswOptions> {
  efs: readonly number[];
  /** Default 10. */
  k?: number;
}

/** The engine over the same set: on f32 and without its filter, so that its distances are what a day's are. */
export function engineCurve(
  { base, queries, truth }: MeasuredSet,
  { efs, k = 10, ...options }: EngineCurveOptions,
): { index: Hnsw; curve: WorkPoint[] } {
  const { rows: capacity, dimension } = base;
  const index = Hnsw.create({ dimension, capacity, codes: 'f32', filter: 'none', ...options });
  index.addBatch(base.data);
  const search = (query: Float32Array, efSearch: number) => index.search(query, { k, efSearch });
  return { index, curve: workCurve({ search, queries, truth, k, efs }) };
}
