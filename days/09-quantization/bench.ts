/**
 * What day 09 times, on codes that nobody had to train: exact distances beside those by table, decoding beside looking up, and a step
 * of k-means. `npm run bench -- day 9`.
 */
import { type BenchCase, gaussianSet, loadDay, Random, rows } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import * as reference from './solution.ts';

/** Results are kept here, so that no compiler finds them useless. */
export let answer: unknown;

const [DIMENSION, M, CODES] = [1024, 64, 4000];

export async function cases(): Promise<BenchCase[]> {
  const mine: typeof reference = await loadDay(9, 'exercise');
  return [...scans(mine), ...tables(mine), ...steps(mine)];
}

/** One query over all codes, the table included. */
function scans(mine: typeof reference): BenchCase[] {
  const { vectors, query, books, codes } = untrained();
  const codeOf = (i: number) => codes.subarray(i * M, (i + 1) * M);
  const one = (name: string, run: () => unknown): BenchCase => ({
    ...{ name, group: `${CODES} distances, ${DIMENSION}-D` },
    run() {
      answer = run();
    },
  });
  return [
    one('exact, f32', () => vectors.map((x) => l2(query, x))),
    one('64 bytes, decoded', () => vectors.map((_, i) => l2(query, reference.decodeProduct(codeOf(i), books)))),
    one('64 bytes, table: reference', () => reference.scan(query, books, codes)),
    one('64 bytes, table: yours', () => mine.scan(query, books, codes)),
  ];
}

/** The table alone: what a query costs before its first distance. */
function tables(mine: typeof reference): BenchCase[] {
  const { query, books } = untrained();
  const table = new Float32Array(M * books.k);
  const by = (name: string, { scan }: typeof reference): BenchCase => ({
    ...{ name, group: `the table, ${M} × ${books.k}` },
    run() {
      answer = scan(query, books, new Uint8Array(0), { table });
    },
  });
  return [by('reference', reference), by('yours', mine)];
}

/** A step on pieces of 16 components. */
function steps(mine: typeof reference): BenchCase[] {
  const points = rows(gaussianSet({ n: 1000, dimension: 16, queries: 1 }).base);
  const centroids = points.slice(0, 64);
  const by = (name: string, { lloydStep }: typeof reference): BenchCase => ({
    ...{ name, group: 'k-means step, 1,000 points, k 64' },
    run() {
      answer = lloydStep(points, centroids);
    },
  });
  return [by('reference', reference), by('yours', mine)];
}

function untrained() {
  const { base, queries } = gaussianSet({ n: CODES, dimension: DIMENSION, queries: 1 });
  const random = new Random('day 9/bench');
  const centroids = Float32Array.from({ length: 256 * DIMENSION }, () => random.normal());
  const codes = Uint8Array.from({ length: CODES * M }, () => random.integer(256));
  return { vectors: rows(base), query: queries.data, books: { dimension: DIMENSION, m: M, k: 256, centroids }, codes };
}
