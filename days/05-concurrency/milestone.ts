/**
 * The milestone on the engine: one writer and eight readers on threads of the machine, over one index. What a reader finds is
 * held against what was acknowledged before it began, and against what a quiet search finds of that.
 */
import { Hnsw, Pool } from 'annlab';
import { gaussianSet, row } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';

export interface MilestoneOptions {
  readers?: number;
  /** Vectors in the end; a third of them is there before the readers come. */
  n?: number;
  /** Width of the readers' beam. Default n: every search is exact. */
  efSearch?: number;
}

export interface Milestone {
  /** Vectors whose insert was acknowledged and that an exact search for them does not find, in the end. */
  lostInserts: number;
  /** What `validate` finds wrong with the graph. */
  faults: number;
  /** Batches of searches while the writer was at work. */
  batches: number;
  /** Of those, how many had a lower recall@10, on what was acknowledged before them, than the same searches when nobody writes. */
  below: number;
  /** Mean recall@10 of the batches. */
  recall: number;
  /**
   * The same of searches when nobody writes, on the graph that a batch found when it came, and on the one that the writer made of it: with
   * a narrow beam they differ by a few thousandths, either way.
   */
  before: number;
  after: number;
  /** The recall of the worst batch. */
  lowest: number;
}

/** Runs it to the end: 20 queries a batch, 250 vectors an acknowledgement. */
export async function milestone({ readers = 8, n = 3000, efSearch = n }: MilestoneOptions = {}): Promise<Milestone> {
  const { base, queries } = gaussianSet({ n, dimension: DIMENSION, queries: QUERIES, seed: 5 });
  const part = (from: number, to: number) => base.data.subarray(from * DIMENSION, to * DIMENSION);
  const index = Hnsw.create({ dimension: DIMENSION, capacity: n, M: 8, seed: 5, codes: 'f32', threads: readers + 2 });
  const pool = await Pool.start(index, { threads: readers + 1 });
  const truth = new Truths(base, queries);
  const search = () => pool.searchBatch(queries.data, { k: K, efSearch, threads: 1 });
  const first = Math.floor(n / 3);
  await pool.addBatch(part(0, first));

  // What quiet searches found before each piece of the writer's work, and after the last.
  const quiet = [await search()];
  const acknowledgedBefore = (piece: number) => first + piece * PIECE;
  let done = false;
  const write = async () => {
    for (let from = first; from < n; from = acknowledgedBefore(quiet.length - 1)) {
      await pool.addBatch(part(from, Math.min(from + PIECE, n)), { threads: 1 });
      quiet.push(await search());
    }
    done = true;
  };
  // A batch is held against the quiet searches before the piece in which it began and after the one in which it ended.
  const ended: { acknowledged: number; began: number; after: number; recall: number }[] = [];
  const read = async () => {
    while (!done) {
      const began = quiet.length - 1;
      const acknowledged = acknowledgedBefore(began);
      const recall = truth.recall(await search(), acknowledged);
      ended.push({ acknowledged, began, after: quiet.length, recall });
    }
  };
  await Promise.all([write(), ...Array.from({ length: readers }, read)]);

  const own = await pool.searchBatch(base.data, { k: 1, efSearch: n });
  await pool.close();
  const batches = ended.map(({ acknowledged, began, after, recall }) => ({
    recall,
    before: truth.recall(quiet[began], acknowledged),
    after: truth.recall(quiet[Math.min(after, quiet.length - 1)], acknowledged),
  }));
  return {
    lostInserts: own.ids.filter((id, i) => id !== i).length,
    faults: index.validate().length,
    batches: batches.length,
    below: batches.filter(({ recall, before, after }) => recall < Math.min(before, after)).length,
    recall: mean(batches.map(({ recall }) => recall)),
    before: mean(batches.map(({ before }) => before)),
    after: mean(batches.map(({ after }) => after)),
    lowest: Math.min(...batches.map(({ recall }) => recall)),
  };
}

const DIMENSION = 16;
const QUERIES = 20;
const K = 10;
const PIECE = 250;

/** For each query, all vectors from near to far. */
class Truths {
  readonly #ordered: { id: number; distance: number }[][];

  constructor(base: ReturnType<typeof gaussianSet>['base'], queries: typeof base) {
    this.#ordered = Array.from({ length: queries.rows }, (_, i) => {
      const query = row(queries, i);
      const all = Array.from({ length: base.rows }, (_, id) => ({ id, distance: l2(query, row(base, id)) }));
      return all.sort((a, b) => a.distance - b.distance);
    });
  }

  /**
   * The share of the ten nearest among the first `acknowledged` vectors that a search did not miss: that it returned, or that had to
   * give way to ten that are nearer and came later.
   */
  recall({ ids, distances, found }: Awaited<ReturnType<Pool['searchBatch']>>, acknowledged: number): number {
    let good = 0;
    for (const [query, ordered] of this.#ordered.entries()) {
      const end = query * K + found[query];
      const got = ids.subarray(query * K, end);
      const farthest = found[query] === K ? distances[end - 1] : Number.POSITIVE_INFINITY;
      const nearest = ordered.filter(({ id }) => id < acknowledged).slice(0, K);
      good += nearest.filter(({ id, distance }) => got.includes(id) || distance >= farthest).length;
    }
    return good / (K * this.#ordered.length);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
