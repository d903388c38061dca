/**
 * The sample that a calibration is measured on: queries, and for each its exact neighbours. Queries are the caller's, or vectors of
 * the index's own, each searched for as if its node were not there.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import { Random } from '../core/random.ts';
import { checkInteger, nameOf } from './checks.ts';
import type { GraphThread } from './graph-thread.ts';
import type { Metric } from './vector-index.ts';

export interface SampleOptions {
  /** Rows like those that will be searched for. Default: `sample` of the index's own vectors. */
  queries?: Float32Array;
  /**
   * How many vectors are drawn, at most all but one. Default 512, halved as long as their exact neighbours would take more than
   * 2.7e10 components (count × sample × dimension) and there are more than 64.
   */
  sample?: number;
  /** The numbers of neighbours that will be asked for, at most 8 of them; those beyond what there is are left out. Default 1, 10, 100. */
  ks?: readonly number[];
  /** Decides which vectors are drawn. Default 1. */
  seed?: number;
}

export interface Sample {
  queries: Matrix;
  /** The slot of each drawn query; none where they were given. */
  slots: Uint32Array;
  drawn: boolean;
  ks: number[];
  truth: Truth[];
}

/** The exact neighbours of a query, itself left out, one more than the largest k where there are so many. */
export interface Truth {
  /** Which is the how-manieth, from 0. */
  ranks: Map<number, number>;
  distances: Float32Array;
}

/** Numbers of neighbours that may be measured for at once. */
export const MOST_KS = 8;
/** Queries between two turns of the event loop. */
export const QUERIES_A_TURN = 16;
const DEFAULT_KS = [1, 10, 100];
const DEFAULT_SAMPLE = 512;
const LEAST_SAMPLE = 64;
const TRUTH_COMPONENTS = 2.7e10;
const MOST = 2 ** 31 - 1;
/** Distances of ties may differ by the order in which their sums were taken. */
const ROUNDING = 1e-6;

/** Throws ParameterError, DimensionError or VectorValueError. */
export function drawSample(
  thread: GraphThread,
  entryPoint: number,
  dimension: number,
  settings: SampleOptions,
): Sample {
  const { queries, ks = DEFAULT_KS, seed = 1 } = settings;
  const { count } = thread;
  const refuse = (parameter: string, got: unknown, want: string): never => {
    throw new ParameterError({ parameter, got, want });
  };
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  if (thread.deleted > 0)
    refuse('index', `${thread.deleted} deleted vectors`, 'none that wait: consolidate, then calibrate');
  if (ks.length < 1 || ks.length > MOST_KS) refuse('ks', `[${ks}]`, `1 to ${MOST_KS} numbers of neighbours`);
  for (const k of ks) checkInteger('ks', k, 1, MOST);
  if (count === 0) refuse('count', 0, 'the index is empty: add vectors before it is calibrated');
  const others = queries ? count : count - 1;
  if (others === 0) refuse('count', 1, 'one vector has no neighbours: add more, or name queries');
  const measured = [...new Set(ks)].filter((k) => k <= others).toSorted((a, b) => a - b);
  if (measured.length === 0)
    refuse('ks', `[${ks}]`, `a query has only ${others} neighbours: at least one k up to that`);
  const sample = { ks: measured, truth: [] };
  if (queries !== undefined) {
    if (!(queries instanceof Float32Array)) return refuse('queries', nameOf(queries), 'a Float32Array of rows');
    const rows = queries.length / dimension;
    if (!Number.isInteger(rows) || rows === 0)
      refuse('queries.length', queries.length, `a multiple of the dimension ${dimension}, and not 0`);
    for (let i = 0; i < rows; i++) thread.admit(queries.subarray(i * dimension, (i + 1) * dimension), `query ${i}`);
    // A copy: the caller may write to it as soon as this gives way.
    return { ...sample, queries: { data: queries.slice(), rows, dimension }, slots: new Uint32Array(0), drawn: false };
  }
  let rows = settings.sample ?? DEFAULT_SAMPLE;
  checkInteger('sample', rows, 1, MOST);
  if (settings.sample === undefined) {
    while (rows > LEAST_SAMPLE && rows * count * dimension > TRUTH_COMPONENTS) rows /= 2;
  }
  const slots = drawSlots(Math.min(rows, count - 1), count, entryPoint, new Random(`calibration ${seed}`));
  const data = new Float32Array(slots.length * dimension);
  slots.forEach((slot, i) => {
    data.set(thread.vector(slot), i * dimension);
  });
  return { ...sample, queries: { data, rows: slots.length, dimension }, slots, drawn: true };
}

/** `n` different slots, not the entry point, where every search begins: without it none would. */
function drawSlots(n: number, count: number, entryPoint: number, random: Random): Uint32Array {
  const drawn = new Set<number>();
  if (2 * n > count) {
    for (const slot of random.permutation(count)) if (slot !== entryPoint && drawn.size < n) drawn.add(slot);
  } else {
    while (drawn.size < n) {
      const slot = random.integer(count);
      if (slot !== entryPoint) drawn.add(slot);
    }
  }
  return Uint32Array.from(drawn);
}

/** Fills in `truth`. Gives way to the event loop now and then. */
export async function findTruth(thread: GraphThread, sample: Sample, onDone: (done: number) => void): Promise<void> {
  const { queries, slots, drawn, ks } = sample;
  const others = drawn ? thread.count - 1 : thread.count;
  const wanted = Math.min(others, ks.at(-1)! + 1);
  const k = drawn ? wanted + 1 : wanted;
  for (let from = 0; from < queries.rows; from += QUERIES_A_TURN) {
    const rows = Math.min(QUERIES_A_TURN, queries.rows - from);
    const { dimension, data } = queries;
    const block = { data: data.subarray(from * dimension, (from + rows) * dimension), rows, dimension };
    const found = new Uint32Array(rows * k);
    const distances = new Float32Array(rows * k);
    thread.nearest(block, { from: 0, to: rows, k }, found, distances);
    for (let i = 0; i < rows; i++) {
      // Among more duplicates than were asked for it need not be itself that is found.
      const self = drawn ? found.subarray(i * k, (i + 1) * k).indexOf(slots[from + i]) : -1;
      const places = Array.from({ length: k }, (_, j) => i * k + j).filter((_, j) => j !== self);
      sample.truth.push({
        ranks: new Map(places.slice(0, wanted).map((at, rank) => [found[at], rank])),
        distances: Float32Array.from(places.slice(0, wanted), (at) => distances[at]),
      });
    }
    onDone(from + rows);
    await nextTurn();
  }
}

/** Says of a candidate whether it is one of the k nearest, or as near as the last of them. */
export function hitsAmong(
  thread: GraphThread,
  query: Float32Array,
  found: { slots: Uint32Array; distances: Float32Array },
  truth: Truth,
  k: number,
  coded: boolean,
  metric: Metric,
): (at: number) => boolean {
  const isNearest = (at: number) => (truth.ranks.get(found.slots[at]) ?? k) < k;
  const last = truth.distances[k - 1];
  // Under cosine a distance is 1 less a sum, and rounded as 1 is.
  const limit = last + ROUNDING * Math.abs(last) + (metric === 'cosine' ? 2.4e-7 : 0);
  const tied = truth.distances.length > k && truth.distances[k] <= limit;
  if (!tied) return isNearest;
  if (!coded) return (at) => isNearest(at) || found.distances[at] <= limit;
  const { slots, distances } = thread.rank(query, found.slots);
  const near = new Set(slots.filter((_, i) => distances[i] <= limit));
  return (at) => isNearest(at) || near.has(found.slots[at]);
}
