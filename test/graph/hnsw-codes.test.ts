/** HNSW on the codes of quantizers: what it finds, what it costs, and what it refuses. */
import { describe, expect, it, vi } from 'vitest';
import { DimensionError, ParameterError, VectorValueError } from '../../src/core/errors.ts';
import type { Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import type { SearchOptions } from '../../src/graph/vector-index.ts';
import { ProductQuantizer } from '../../src/quantize/product.ts';
import type { Quantizer } from '../../src/quantize/quantizer.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';
import { byId, expectNearest } from '../oracle.ts';
import { CASES, KINDS, type KindName } from './quantizers.ts';

/** Rows around sixteen centres, so that neighbours are many and a code has to tell them apart. */
function clustered(n: number, dimension: number, seed: number): Float32Array {
  const random = new Random(`centres ${dimension}`);
  const centres = Array.from({ length: 16 * dimension }, () => 2 * random.normal());
  const rows = new Random(`rows ${seed}`);
  const data = new Float32Array(n * dimension);
  for (let i = 0; i < n; i++) {
    const centre = rows.integer(16) * dimension;
    for (let j = 0; j < dimension; j++) data[i * dimension + j] = centres[centre + j] + rows.normal();
  }
  return data;
}

function rowOf(data: Float32Array, i: number, dimension: number): Float32Array {
  return data.subarray(i * dimension, (i + 1) * dimension);
}

function build(options: HnswOptions, data: Float32Array): Hnsw {
  const index = Hnsw.create({ capacity: Math.max(1, data.length / options.dimension), seed: 3, ...options });
  index.addBatch(data);
  return index;
}

const DIMENSION = 32;
const ROWS = 1500;
const data = clustered(ROWS, DIMENSION, 1);
const QUERIES = 30;
const queries = clustered(QUERIES, DIMENSION, 2);
const trained = new Map<string, Promise<Quantizer>>();

/** Trained once for all tests. */
function quantizerOf(name: KindName, metric: Metric): Promise<Quantizer> {
  const key = `${name} ${metric}`;
  let quantizer = trained.get(key);
  if (!quantizer) {
    quantizer = Promise.resolve(KINDS[name].train(data, DIMENSION, metric));
    trained.set(key, quantizer);
  }
  return quantizer;
}

const truths = new Map<Metric, Set<number>[]>();

function truthOf(metric: Metric): Set<number>[] {
  let truth = truths.get(metric);
  if (!truth) {
    const flat = Flat.create({ dimension: DIMENSION, metric, capacity: ROWS });
    flat.addBatch(data);
    truth = Array.from({ length: QUERIES }, (_, i) => new Set(flat.search(rowOf(queries, i, DIMENSION), { k: 10 }).ids));
    truths.set(metric, truth);
  }
  return truth;
}

/** Recall@10 of the queries, and the distances that they took. */
function measure(index: Hnsw, metric: Metric, options: Omit<SearchOptions, 'k'>) {
  const truth = truthOf(metric);
  let hits = 0;
  let distances = 0;
  for (let i = 0; i < QUERIES; i++) {
    const { ids, work } = index.search(rowOf(queries, i, DIMENSION), { k: 10, ...options });
    hits += ids.filter((id) => truth[i].has(id)).length;
    distances += work.distances;
  }
  return { recall: hits / (10 * QUERIES), distances: distances / QUERIES };
}

/** What the best 100 by codes hold of the true ten at least; where nothing is said, 0.95. */
const LEAST_RECALL: Partial<Record<KindName, number>> = {};

describe.each(CASES)('$name, $metric', ({ name, metric }) => {
  it('finds nearly all neighbours where the best are compared again, and nearly as many by bounds', async () => {
    const codes = await quantizerOf(name, metric);
    const index = build({ dimension: DIMENSION, metric, codes }, data);
    expect(index.validate()).toEqual([]);
    const least = LEAST_RECALL[name] ?? 0.95;
    const plain = measure(index, metric, { efSearch: 200, rerank: 0 });
    const ranked = measure(index, metric, { efSearch: 200, rerank: 100 });
    const bounded = measure(index, metric, { efSearch: 200, rerank: 'bound' });
    console.log(name, metric, plain, ranked, bounded);
    expect(ranked.recall).toBeGreaterThanOrEqual(least);
    expect(ranked.recall).toBeGreaterThanOrEqual(plain.recall);
    expect(bounded.recall).toBeGreaterThanOrEqual(least);
    expect(ranked.distances).toBe(plain.distances + 100);
  });
});
