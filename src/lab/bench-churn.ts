/**
 * What becomes of a Vamana that lives: round after round a share of its vectors is deleted, as many others are added, and it is
 * consolidated. The others come from the set itself, of which as many are left out at first, so that what is held is always as
 * the set is. In the end the same vectors are built anew: what recall has been lost is the difference.
 */
import { performance } from 'node:perf_hooks';
import { assert } from '../core/assert.ts';
import type { Matrix } from '../core/matrix.ts';
import { Random } from '../core/random.ts';
import { Vamana } from '../graph/vamana.ts';
import { Pool } from '../workers/pool.ts';
import type { Dataset } from './datasets.ts';
import { formatCount, formatSeconds, formatTable } from './format.ts';
import { recallAtK, type Truth } from './recall.ts';

/** The index after a round. */
export interface ChurnRound {
  /** 0: as it was built; `fresh`: what is held in the end, built anew. */
  round: number | 'fresh';
  recall: number;
  /** Of a search, on average. */
  distances: number;
  meanDegree: number;
  deleteSeconds: number;
  addSeconds: number;
  /** Of the build, in the rows of builds. */
  consolidateSeconds: number;
  faults: string[];
}

export interface BenchChurnOptions {
  dataset: Dataset;
  /** Of the whole set, several times k wide (`CHURN_TRUTH`): the nearest of those that are held are among them. */
  truth: Truth;
  k: number;
  efSearch: number;
  /** Of what is held, how much is replaced in a round; and how often. */
  share: number;
  churns: number;
  seed: number;
  threads: number;
  onProgress?: (done: number, total: number) => void;
}

/** True neighbours that are asked for, in k: far more than are ever left out of so many. */
export const CHURN_TRUTH = 4;

export async function benchChurn(options: BenchChurnOptions): Promise<ChurnRound[]> {
  const { dataset, share, churns, seed, threads, onProgress } = options;
  const { train } = dataset;
  const replaced = Math.max(1, Math.floor((train.rows * share) / (1 + share)));
  const random = new Random(`churn ${seed}`);
  const rowOrder = random.permutation(train.rows);
  // Rows of the set that are held, under these as their ids; and those that are not, the longest gone first.
  const held = Array.from(rowOrder.subarray(replaced));
  const waiting = Array.from(rowOrder.subarray(0, replaced));
  const create = () =>
    Vamana.create({
      ...{ dimension: train.dimension, metric: dataset.metric, capacity: train.rows, codes: 'sq7', seed },
      threads: threads + 1,
    });
  const total = churns + 2;
  const index = create();
  await using pool = await Pool.start(index, { threads });
  const built = await secondsOf(() => pool.build(rowsOf(train, held), { ids: held }));
  const rounds = [await measured(options, { round: 0, index, pool, held }, { consolidateSeconds: built })];
  onProgress?.(1, total);
  for (let round = 1; round <= churns; round++) {
    // The last ones of a random order go, and others come in their place.
    const places = random.permutation(held.length).subarray(0, replaced);
    const gone = Array.from(places, (place) => held[place]);
    const come = waiting.splice(0, replaced);
    const deleteSeconds = await secondsOf(() => {
      for (const id of gone) index.delete(id);
    });
    const consolidateSeconds = await secondsOf(() => pool.consolidate());
    const addSeconds = await secondsOf(() => pool.addBatch(rowsOf(train, come), { ids: come }));
    places.forEach((place, i) => {
      held[place] = come[i];
    });
    waiting.push(...gone);
    const spent = { deleteSeconds, addSeconds, consolidateSeconds };
    rounds.push(await measured(options, { round, index, pool, held }, spent));
    onProgress?.(1 + round, total);
  }
  const fresh = create();
  await using freshPool = await Pool.start(fresh, { threads });
  const rebuilt = await secondsOf(() => freshPool.build(rowsOf(train, held), { ids: held }));
  const last = { round: 'fresh' as const, index: fresh, pool: freshPool, held };
  rounds.push(await measured(options, last, { consolidateSeconds: rebuilt }));
  onProgress?.(total, total);
  return rounds;
}

export function churnTable(rounds: readonly ChurnRound[]): string {
  const seconds = (value: number) => (value > 0 ? formatSeconds(value) : '');
  return formatTable(
    ['round', 'recall', 'distances', 'degree', 'delete', 'consolidate or build', 'add', 'faults'],
    rounds.map(({ round, recall, distances, meanDegree, deleteSeconds, consolidateSeconds, addSeconds, faults }) => [
      String(round),
      recall.toFixed(4),
      formatCount(Math.round(distances)),
      meanDegree.toFixed(1),
      ...[deleteSeconds, consolidateSeconds, addSeconds].map(seconds),
      String(faults.length),
    ]),
  );
}

async function measured(
  { dataset, truth, k, efSearch }: BenchChurnOptions,
  { round, index, pool, held }: { round: ChurnRound['round']; index: Vamana; pool: Pool<Vamana>; held: number[] },
  spent: Partial<ChurnRound>,
): Promise<ChurnRound> {
  const { queries } = dataset;
  const { ids, found, work } = await pool.searchBatch(queries.data, { k, efSearch });
  const rows = Array.from(found, (n, query) => ids.subarray(query * k, query * k + n));
  return {
    ...{ deleteSeconds: 0, addSeconds: 0, consolidateSeconds: 0, ...spent },
    round,
    recall: recallAtK(rows, truthAmong(new Set(held), truth, queries.rows, k), k),
    distances: work.distances / queries.rows,
    meanDegree: index.stats().meanDegree,
    faults: index.validate(),
  };
}

/** The k nearest of those that are held. */
function truthAmong(held: ReadonlySet<number>, truth: Truth, queries: number, k: number): Truth {
  const width = truth.ids.length / queries;
  const among = { ids: new Uint32Array(queries * k), distances: new Float32Array(queries * k) };
  for (let query = 0; query < queries; query++) {
    let n = 0;
    for (let i = query * width; i < (query + 1) * width && n < k; i++) {
      if (!held.has(truth.ids[i])) continue;
      among.ids[query * k + n] = truth.ids[i];
      among.distances[query * k + n++] = truth.distances[i];
    }
    assert(n === k, 'the truth is too narrow');
  }
  return among;
}

/** These rows, one behind the other, where all threads can read them. */
function rowsOf({ data, dimension }: Matrix, rows: readonly number[]): Float32Array {
  const copies = new Float32Array(new SharedArrayBuffer(rows.length * dimension * 4));
  rows.forEach((row, i) => {
    copies.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  });
  return copies;
}

async function secondsOf(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
