/**
 * What the engine's quantizers do to real data, and to 1,024 dimensions: every vector of a set as a code, every query compared with all
 * of them. Writes `recorded/scan-<set>.json`, which the notebook reads, because neither the set nor the minutes are there wherever
 * it is executed. Nothing is timed.
 *
 *     npx tsx --conditions=annlab-source days/09-quantization/record.ts [set …]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, describeVersions, groundTruth, loadDataset, row } from 'annlab/lab';
import { ProductQuantizer } from '../../src/quantize/product.ts';
import type { Quantizer } from '../../src/quantize/quantizer.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';
import { runOnThreads } from '../../src/workers/kmeans.ts';
import { l2 } from '../02-nsw/solution.ts';
import { RECORDED, type ScanRow, type ScanRun } from './recorded.ts';
import { smallest } from './solution.ts';

const QUERIES = 200;
const K = 10;
/** How many are compared again, exactly. */
const RS = [20, 50, 100, 200] as const;
/** Of the vectors, those that errors are taken over. */
const ERROR_ROWS = 2000;
const TRAINING = { seed: 9, sample: 16_384, iterations: 12, run: runOnThreads() };

/** Bytes of PQ's codes, without factors. */
const PIECES: Record<string, readonly number[]> = {
  'fashion-mnist-784-euclidean': [28, 56, 98],
  'embedding-1024-30k': [32, 64, 128],
};

async function record(name: string): Promise<void> {
  const dataset = await loadDataset(name, { maxQueries: QUERIES });
  const { ids } = await groundTruth(dataset, K);
  const rows: ScanRow[] = [];
  for (const { codes, payloadBytes, make } of kinds(dataset)) {
    const started = Date.now();
    rows.push({ codes, payloadBytes, ...measure(await make(), dataset, ids) });
    console.log(`${name} ${codes}: ${JSON.stringify(rows.at(-1))} (${((Date.now() - started) / 1000).toFixed(0)} s)`);
  }
  const { train } = dataset;
  const result: ScanRun = {
    versions: describeVersions(),
    run: {
      date: new Date().toISOString(),
      command: `npx tsx --conditions=annlab-source days/09-quantization/record.ts ${name}`,
      dataset: { name, vectors: train.rows, dimension: train.dimension, queries: QUERIES },
      training: {
        vectors: Math.min(TRAINING.sample, train.rows),
        iterations: TRAINING.iterations,
        seed: TRAINING.seed,
      },
    },
    rows,
  };
  mkdirSync(RECORDED, { recursive: true });
  writeFileSync(join(RECORDED, `scan-${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

interface Kind {
  codes: string;
  payloadBytes: number;
  make: () => Quantizer | Promise<Quantizer>;
}

function kinds({ name, train }: Dataset): Kind[] {
  const { dimension } = train;
  const scalar = (codes: string, options: Parameters<typeof ScalarQuantizer.train>[1]): Kind => {
    return { codes, payloadBytes: dimension, make: () => ScalarQuantizer.train(train, options) };
  };
  const product = (m: number, opq: boolean): Kind => {
    const make = () => ProductQuantizer.train(train, { m, opq, ...TRAINING });
    return { codes: opq ? `OPQ${m}` : `PQ${m}`, payloadBytes: m, make };
  };
  const rabitq = (bits: number): Kind => {
    const payloadBytes = Math.ceil((dimension * bits) / 8);
    return {
      codes: `RaBitQ${bits}`,
      payloadBytes,
      make: () => RabitqQuantizer.train(train, { bits, seed: TRAINING.seed }),
    };
  };
  return [
    scalar('SQ8', { bits: 8 }),
    scalar('SQ8 by dimension', { bits: 8, ranges: 'dimension' }),
    scalar('SQ7', { bits: 7 }),
    ...[1, 2, 3, 4, 5, 6, 8].map(rabitq),
    ...PIECES[name].flatMap((m) => [product(m, false), product(m, true)]),
  ];
}

function measure(
  quantizer: Quantizer,
  { train, queries }: Dataset,
  truth: Uint32Array,
): Omit<ScanRow, 'codes' | 'payloadBytes'> {
  const codes = quantizer.encode(train.data);
  const errors: number[] = [];
  const hits = RS.map(() => 0);
  let alone = 0;
  for (let q = 0; q < queries.rows; q++) {
    const query = row(queries, q);
    const right = new Set(truth.subarray(q * K, (q + 1) * K));
    const found = quantizer.distances(query, codes);
    for (let i = 0; i < ERROR_ROWS; i++) errors.push(Math.abs(found[i] / l2(query, row(train, i)) - 1));
    const candidates = smallest(found, Math.max(...RS));
    const exact = candidates.map(({ id }) => ({ id, distance: l2(query, row(train, id)) }));
    const count = (best: { id: number }[]) => best.slice(0, K).filter(({ id }) => right.has(id)).length;
    alone += count(candidates);
    for (const [r, R] of RS.entries()) hits[r] += count(exact.slice(0, R).sort((a, b) => a.distance - b.distance));
  }
  errors.sort((a, b) => a - b);
  const short = (value: number) => Number(value.toPrecision(5));
  const of = K * queries.rows;
  return {
    bytes: quantizer.codeBytes,
    mean: short(errors.reduce((sum, error) => sum + error, 0) / errors.length),
    p99: short(errors[Math.floor(0.99 * errors.length)]),
    alone: alone / of,
    reranked: Object.fromEntries(RS.map((R, r) => [R, hits[r] / of])),
  };
}

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(PIECES)) await record(name);
