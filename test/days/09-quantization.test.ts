/**
 * Day 09: that work is counted, that the day's codes are the engine's where both can be compared, what the notebook claims, and that
 * the checks let other right answers through.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { l2 } from '../../days/02-nsw/solution.ts';
import { checks } from '../../days/09-quantization/check.ts';
import { asymmetryFigure, gridFigure, roundedFigure } from '../../days/09-quantization/code-figures.ts';
import { counted } from '../../days/09-quantization/counted.ts';
import {
  asymmetry,
  embeddings,
  emptyStart,
  errorWhenTurned,
  leaning,
  leftOut,
  manyStarts,
  productWorth,
  quarters,
  roundingErrors,
  scalarWorth,
  turnedBlocks,
  workOf,
} from '../../days/09-quantization/measure.ts';
import { codesRun, type RecordedSet, scanRun } from '../../days/09-quantization/recorded.ts';
import {
  atEqualSpeed,
  bytesFigure,
  equalSpeedFigure,
  equalSpeedTable,
  errorsFigure,
  recallAtSpeed,
} from '../../days/09-quantization/recorded-figures.ts';
import * as day from '../../days/09-quantization/solution.ts';
import { findDay } from '../../src/lab/exercises/day.ts';
import { loadMutant } from '../../src/lab/exercises/index.ts';
import { loadMutated } from '../../src/lab/exercises/load-day.ts';
import { runChecks } from '../../src/lab/exercises/run-checks.ts';
import type { SweepRow } from '../../src/lab/sweep.ts';
import { gaussianSet, rows } from '../../src/lab/teaching-sets.ts';
import { TWELVE_POINTS, TWELVE_TRAP } from '../../src/lab/twelve-points.ts';
import { kmeans as engineKMeans } from '../../src/quantize/kmeans.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';

const SETS: RecordedSet[] = ['fashion-mnist-784-euclidean', 'embedding-1024-30k'];

describe('counted arrays', () => {
  it('count every look and every writing, through views as well', () => {
    const { array, ...counts } = counted(Float32Array.of(1, 2, 3, 4));
    expect(counts).toEqual({ reads: 0, writes: 0 });
    const count = counted(Float32Array.of(1, 2, 3, 4));
    const view = count.array.subarray(1, 3);
    expect([view.length, view[0] + view[1]]).toEqual([2, 5]);
    expect(count.reads).toBe(2);
    view[0] = 7;
    expect([count.array[1], count.writes, count.reads]).toEqual([7, 1, 3]);
    expect(Array.from(count.array.slice(2))).toEqual([3, 4]);
    expect(count.reads).toBe(5);
    count.array.set([5, 6], 2);
    count.array.fill(0);
    expect(count.writes).toBe(7);
    expect(count.array.reduce((sum, value) => sum + value, 0)).toBe(0);
    expect(count.reads).toBe(9);
    expect(array).toHaveLength(4);
  });
});

describe('beside the engine', () => {
  it('7-bit levels are those of its codes, but for halves', () => {
    const { base } = gaussianSet({ n: 50, dimension: 96, queries: 1 });
    const quantizer = ScalarQuantizer.train(base, { bits: 7 });
    const codes = quantizer.encode(base.data);
    let differ = 0;
    for (const [i, x] of rows(base).entries()) {
      const levels = codes.subarray(i * quantizer.codeBytes, i * quantizer.codeBytes + 96);
      const ours = day.encodeScalar(x, 7).levels;
      for (let d = 0; d < 96; d++) {
        expect(Math.abs(levels[d] - ours[d])).toBeLessThanOrEqual(1);
        if (levels[d] !== ours[d]) differ++;
      }
    }
    expect(differ).toBeLessThan(5);
  });

  it('k-means ends where the engine’s ends, from a good start', () => {
    const points = quarters();
    const data = Float32Array.from(points.flatMap((point) => Array.from(point)));
    const { inertia } = engineKMeans({ data, rows: points.length, dimension: 2 }, { k: 6, seed: 2 });
    const best = manyStarts(points, 6, 10).plus[0];
    expect(best).toBeLessThan(inertia * 1.01);
    expect(day.kmeans(points, { k: 6, seed: 0 }).steps.at(-1)!.inertia).toBeCloseTo(best, 1);
  });

  it('distances by table are those to what the codes stand for', () => {
    const vectors = rows(gaussianSet({ n: 300, dimension: 12, queries: 1 }).base);
    const books = day.trainCodebooks(vectors, { m: 4, k: 16 });
    const codes = day.encodeProduct(vectors, books);
    const found = day.scan(vectors[0], books, codes);
    for (let i = 0; i < 300; i++) {
      expect(found[i]).toBeCloseTo(l2(vectors[0], day.decodeProduct(codes.subarray(4 * i, 4 * i + 4), books)), 4);
    }
    // Asymmetric: farther from what is its own code than the code from itself.
    expect(day.scanSymmetric(codes.subarray(0, 4), books, codes)[0]).toBe(0);
    expect(found[0]).toBeGreaterThan(0);
  });
});

describe('what surrounds the holes', () => {
  it('k-means++ takes different points as long as there are any, and copies after that', () => {
    const points = [1, 1, 1, 5, 9].map((place) => Float32Array.of(place));
    for (let seed = 0; seed < 20; seed++) {
      const { steps } = day.kmeans(points, { k: 3, seed });
      expect(steps[0].from.map(([x]) => x).toSorted()).toEqual([1, 5, 9]);
      expect(day.kmeans(points, { k: 5, seed }).centroids).toHaveLength(5);
    }
    expect(() => day.kmeans(points, { k: 6 })).toThrow(RangeError);
    expect(() => day.kmeans(points, { k: 0 })).toThrow(RangeError);
  });

  it('the same seed gives the same books, and m must divide the dimension', () => {
    const vectors = rows(gaussianSet({ n: 60, dimension: 6, queries: 1 }).base);
    const options = { m: 3, k: 8, seed: 4 };
    expect(day.trainCodebooks(vectors, options)).toEqual(day.trainCodebooks(vectors, options));
    expect(() => day.trainCodebooks(vectors, { m: 4, k: 8 })).toThrow(/does not divide 6/);
    expect(() => day.trainCodebooks(vectors, { m: 3, k: 257 })).toThrow(/a byte/);
  });

  it('smallest and rerank keep the nearest, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 40 }), (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        expect(day.smallest(values, 7).map(({ distance }) => distance)).toEqual(sorted.slice(0, 7));
        const vectors = values.map((value) => Float32Array.of(value));
        const all = values.map((_, id) => ({ id, distance: 0 }));
        const found = day.rerank(Float32Array.of(0), all, { vectors, k: 3 });
        expect(found.map(({ distance }) => Math.sqrt(distance))).toEqual(sorted.slice(0, 3));
      }),
      { seed: 9 },
    );
  });
});

describe('what the notebook says', async () => {
  const set = await embeddings(128);
  const worths = new Map<number, ReturnType<typeof scalarWorth>>();
  const rounded = (bits: number) => {
    const worth = worths.get(bits) ?? scalarWorth(set, bits);
    worths.set(bits, worth);
    return worth;
  };

  it('of half of the components, about half of the neighbours are left', () => {
    const { bytes, recall } = leftOut(set, 64);
    expect(bytes).toBe(256);
    expect(recall).toBeGreaterThan(0.4);
    expect(recall).toBeLessThan(0.6);
    expect(leftOut(set, 128).recall).toBe(1);
  });

  it('rounding errors are spread evenly over a step', () => {
    const shares = roundingErrors(set.vectors).map(({ y }) => y);
    expect(shares).toHaveLength(20);
    expect(Math.min(...shares)).toBeGreaterThan(4.5);
    expect(Math.max(...shares)).toBeLessThan(6.5);
  });

  it('at three bits distances are 5 % off, and a second look finds nearly all', () => {
    const [one, three, eight] = [1, 3, 8].map(rounded);
    expect(three.mean).toBeGreaterThan(0.03);
    expect(three.mean).toBeLessThan(0.08);
    expect(three.reranked).toBeGreaterThan(0.98);
    expect(eight.p99).toBeLessThan(0.005);
    expect(one.alone).toBeCloseTo(0.06, 2);
    expect(rounded(4).alone).toBeCloseTo(0.87, 2);
  });

  it('one bit more halves the error', () => {
    const errors = [4, 5, 6, 7, 8].map((bits) => rounded(bits).mean);
    for (let i = 1; i < errors.length; i++) {
      expect(errors[i] / errors[i - 1]).toBeGreaterThan(0.4);
      expect(errors[i] / errors[i - 1]).toBeLessThan(0.6);
    }
  });

  it('the start that is drawn ends badly, and k-means++ well', () => {
    const city = quarters();
    const ends = ({ steps }: day.Clustering) => steps.at(-1)!.inertia;
    const stuck = day.kmeans(city, { k: 6, seed: 3, init: 'random' });
    expect(stuck.steps).toHaveLength(8);
    expect(ends(stuck)).toBeGreaterThan(3 * ends(day.kmeans(city, { k: 6, seed: 0 })));
    const { random, plus } = manyStarts(city, 6);
    const best = plus[0];
    expect(plus.filter((end) => end < 1.01 * best)).toHaveLength(37);
    expect(random.filter((end) => end < 1.01 * best)).toHaveLength(11);
    expect(plus.at(-1)!).toBeLessThan(160);
    expect(random.at(-1)!).toBeGreaterThan(3 * plus.at(-1)!);
  });

  it('a centroid is nobody’s nearest, is helped, and would stay for ever', async () => {
    const city = quarters();
    const { steps } = emptyStart(city);
    expect(new Set(steps[0].assignments).size).toBe(5);
    expect(new Set(steps[1].assignments).size).toBe(6);
    const lazy: typeof day = await loadMutant(9, 'empty-stays');
    expect(emptyStart(city, lazy).steps.at(-1)!.inertia).toBeGreaterThan(3 * steps.at(-1)!.inertia);
  });

  it('the asymmetric distance errs less than the symmetric one, most of it bias, for a table and look-ups', () => {
    const worth = productWorth(set, { m: 16 });
    const { asymmetric, symmetric } = asymmetry(set, worth);
    expect(asymmetric.error).toBeLessThan(0.7 * symmetric.error);
    expect(asymmetric.alone).toBeGreaterThan(symmetric.alone + 0.05);
    for (const { bias, error } of [asymmetric, symmetric]) expect(-bias).toBeGreaterThan(0.9 * error);
    expect(workOf(day, worth)).toEqual({ multiplications: 128 * 256, lookUps: 16 * 4000 });
    // 16 bytes find what 64 bytes of floats do not.
    expect(worth.alone).toBeGreaterThan(2 * leftOut(set, 16).recall);
    expect(worth.reranked).toBeGreaterThan(0.95);
  });

  it('few bits put several of the twelve points in one place, the nearest among them', () => {
    const svg = roundedFigure(
      TWELVE_POINTS.map(({ vector }) => vector),
      { query: TWELVE_TRAP.query, bits: [1, 2, 4] },
    );
    for (const note of ['the true one, with 4 others', 'the true one, with 1 other<', 'the true one<'])
      expect(svg).toContain(`nearest: ${note}`);
    const elsewhere = [Float32Array.of(0, 0), Float32Array.of(1, 1), Float32Array.of(0.4, 0.6)];
    const query = Float32Array.of(0.45, 0.35);
    expect(roundedFigure(elsewhere, { query, bits: [1] })).toContain('nearest: another one');
  });

  it('two books make a grid whose numbers can be read off, and rounding both ends brings them nearer', () => {
    const cloud = leaning();
    const books = day.trainCodebooks(cloud, { m: 2, k: 4, iterations: 25 });
    expect(gridFigure(cloud, books, Float32Array.of(1.7, 0.6))).toContain('its code: 3, 2');
    const svg = asymmetryFigure(cloud, books, Float32Array.of(-4, -1.9), Float32Array.of(3.3, 2.3));
    expect(Array.from(svg.matchAll(/distance ([\d.]+)/g), ([, distance]) => distance)).toEqual([
      '8.42',
      '7.02',
      '6.15',
    ]);
  });

  it('turned by 62° the blocks fit the grid, and no other even angle is better', () => {
    const blocks = turnedBlocks();
    const errors = Array.from({ length: 45 }, (_, i) => errorWhenTurned(blocks, 2 * i).error);
    expect(errors.indexOf(Math.min(...errors))).toBe(31);
    expect(errors[0]).toBeGreaterThan(10 * errors[31]);
    expect(leaning()).toHaveLength(400);
  });

  it.each(SETS)('the recorded scans of %s bear it out', (name) => {
    const run = scanRun(name);
    const of = (codes: string) => run.rows.find((row) => row.codes === codes)!;
    for (const codes of ['SQ8', 'SQ8 by dimension', 'SQ7']) expect(of(codes).p99).toBeLessThan(0.05);
    for (const bits of [2, 3, 4, 5, 6]) {
      const share = of(`RaBitQ${bits}`).mean / of(`RaBitQ${bits - 1}`).mean;
      expect(share, `${bits} bits`).toBeGreaterThan(0.4);
      expect(share, `${bits} bits`).toBeLessThan(0.6);
    }
    for (const { codes, bytes, payloadBytes, alone, reranked } of run.rows) {
      expect(bytes, codes).toBeGreaterThanOrEqual(payloadBytes);
      expect(reranked[200], codes).toBeGreaterThanOrEqual(reranked[20]);
      expect(reranked[20], codes).toBeGreaterThanOrEqual(alone);
    }
    for (const svg of [bytesFigure(run), bytesFigure(run, 50), errorsFigure(run)]) expect(svg).toContain('RaBitQ');
  });
});

it('at one bit PQ is off five times as far as RaBitQ, and finds no less; OPQ finds more at half the bytes', () => {
  const { rows } = scanRun('embedding-1024-30k');
  const [rabitq, product, turned] = ['RaBitQ1', 'PQ128', 'OPQ64'].map(
    (name) => rows.find(({ codes }) => codes === name)!,
  );
  expect(product.bytes).toBe(rabitq.bytes);
  expect(product.mean).toBeGreaterThan(5 * rabitq.mean);
  expect(product.alone).toBeGreaterThanOrEqual(rabitq.alone);
  expect(turned.alone).toBeGreaterThan(product.alone);
});

describe('memory against recall at equal speed', () => {
  const curve = (codes: string, ramBytes: number, points: [recall: number, qps: number][]) =>
    points.map(([recall, qps], i): SweepRow => {
      const row = { dataset: 'made-up', index: 'hnsw', codes, k: 10, recall, qps, ramBytes };
      return {
        ...row,
        efSearch: null,
        gamma: i / 100,
        meanUs: 1e6 / qps,
        p50Us: 1,
        p99Us: 2,
        distances: 1,
        hops: 1,
        buildSeconds: 1,
      };
    });
  const made = {
    machine: { cpu: 'some processor', cores: 2 },
    versions: { annlab: '0', node: '0', v8: '0', wasm: 'relaxed' as const },
    run: {
      ...{ date: '2026-11-21T12:00:00.000Z', command: 'npm run bench -- codes' },
      dataset: { name: 'made-up', vectors: 1000, dimension: 64, queries: 10 },
    },
    rows: [
      ...curve('f32', 500_000, [
        [0.9, 1000],
        [0.95, 500],
        [0.99, 100],
      ]),
      ...curve('sq8', 200_000, [
        [0.92, 2000],
        [0.98, 500],
        [0.995, 200],
      ]),
      ...curve('pq64', 100_000, [
        [0.5, 900],
        [0.8, 400],
      ]),
      { ...curve('f32', 500_000, [[1, 10]])[0], index: 'flat', efSearch: null },
    ],
  };

  it('asks all codes at the speed of floats, and none where they are not that fast', () => {
    const { speeds, kinds } = atEqualSpeed(made);
    expect(speeds).toEqual([1000, 500, 100]);
    expect(kinds.map(({ codes, bytesPerVector }) => [codes, bytesPerVector])).toEqual([
      ['pq64', 100],
      ['sq8', 200],
      ['f32', 500],
    ]);
    expect(kinds[2].recalls).toEqual([0.9, 0.95, 0.99]);
    // Halfway between 2,000 and 500 a second, as logarithms go.
    expect(kinds[1].recalls[0]).toBeCloseTo(0.95, 10);
    expect(kinds[1].recalls.slice(1)).toEqual([0.98, 0.995]);
    expect(kinds[0].recalls[0]).toBeNull();
    expect(kinds[0].recalls[2]).toBe(0.8);
    expect(recallAtSpeed([], 10)).toBeNull();
  });

  it('draws and tabulates them, and what was recorded, once it is', () => {
    for (const words of ['pq64', 'sq8', 'f32', '1,000 queries/s']) expect(equalSpeedFigure(made)).toContain(words);
    expect(equalSpeedTable(made)).toContain('0.9800');
    expect(codesRun('nowhere')).toBeUndefined();
    for (const name of SETS) {
      const recorded = codesRun(name);
      if (recorded) expect(equalSpeedFigure(recorded)).toContain('f32');
    }
  });
});

describe('the checks', () => {
  const others = [
    [
      'levels in a loop, clipped before they are rounded',
      'const levels = Uint8Array.from(x, (value) => Math.min(Math.max(nearestLevel(value), 0), top));',
      'const levels = new Uint8Array(x.length); x.forEach((value, i) => { const v = Math.min(Math.max(value, lo), hi); levels[i] = nearestLevel(v); });',
    ],
    [
      'a multiplication for the division',
      '(step > 0 ? Math.round((value - lo) / step) : 0)',
      '(hi > lo ? Math.round((value - lo) * (top / (hi - lo))) : 0)',
    ],
    [
      'a clamped array',
      'Uint8Array.from(x, (value) =>',
      'Uint8ClampedArray.from(x, (value) =>',
      'return { lo, step, levels };',
      'return { lo, step, levels: Uint8Array.from(levels) };',
    ],
    [
      'the farthest looked for each time',
      'points[farthestFirst[empty++]].slice()',
      '(() => { let far = -1; for (const [i, one] of found.entries()) if (!taken.has(i) && (far < 0 || one.distance > found[far].distance)) far = i; taken.add(far); return points[far].slice(); })()',
      'let empty = 0;',
      'const taken = new Set<number>();',
    ],
    [
      'of points that are equally far, the last',
      'points[farthestFirst[empty++]].slice()',
      'points[nearestFirst.pop()!].slice()',
      'const farthestFirst = [...points.keys()].sort((a, b) => found[b].distance - found[a].distance);',
      'const nearestFirst = [...points.keys()].sort((a, b) => found[a].distance - found[b].distance);',
    ],
    [
      'means as they come',
      'for (let d = 0; d < points[i].length; d++) sums[index][d] += points[i][d];',
      'for (let d = 0; d < points[i].length; d++) sums[index][d] += (points[i][d] - sums[index][d]) / counts[index];',
      'Float32Array.from(sum, (s) => s / counts[c])',
      'Float32Array.from(sum)',
    ],
    [
      'rows of the table as views',
      'distances[i] += table[j * k + codes[i * m + j]];',
      'distances[i] += table.subarray(j * k, (j + 1) * k)[codes[i * m + j]];',
    ],
    [
      'a table that is cleared first, and bytes that are asked for their range',
      'for (let j = 0; j < m; j++) {\n    const part',
      'table.fill(0);\n  for (let j = 0; j < m; j++) {\n    const part',
      'distances[i] += table[j * k + codes[i * m + j]];',
      'if (codes[i * m + j] < k) distances[i] += table[j * k + codes[i * m + j]];',
    ],
    [
      'entries that are made when a code first names them',
      'for (let j = 0; j < m; j++) {\n    const part = piece(query, m, j);\n    for (let c = 0; c < k; c++) table[j * k + c] = distance(part, centroid(books, j, c));\n  }',
      'const made = new Set<number>();',
      'distances[i] += table[j * k + codes[i * m + j]];',
      '{ const c = codes[i * m + j]; if (!made.has(j * k + c)) table[j * k + c] = distance(piece(query, m, j), centroid(books, j, c)); made.add(j * k + c); distances[i] += table[j * k + c]; }',
    ],
    [
      'piece by piece over all codes',
      'for (let i = 0; i < distances.length; i++) {\n    for (let j = 0; j < m; j++) distances[i]',
      'for (let j = 0; j < m; j++) {\n    for (let i = 0; i < distances.length; i++) distances[i]',
    ],
  ];

  it.each(others)('let another right answer through: %s', async (name, ...edits) => {
    const mutant = { name: name.replaceAll(/\W+/g, '-').toLowerCase(), hole: '', mistake: '' };
    const [find, replace, ...more] = edits;
    // Two edits at once: everything between them stays as it is.
    const source = more.length > 0 ? await edited(find, replace, more[0], more[1]) : { find, replace };
    const results = await runChecks(checks, await loadMutated(await findDay(9), { ...mutant, ...source }));
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(results.length).toBeGreaterThan(20);
  });
});

/** Two edits as one: the stretch of the solution that holds both places, changed in both. */
async function edited(a: string, toA: string, b: string, toB: string): Promise<{ find: string; replace: string }> {
  const { folder } = await findDay(9);
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(`${folder}/solution.ts`, 'utf8');
  const [from, to] = [
    Math.min(text.indexOf(a), text.indexOf(b)),
    Math.max(text.indexOf(a) + a.length, text.indexOf(b) + b.length),
  ];
  const find = text.slice(from, to);
  return { find, replace: find.replace(a, () => toA).replace(b, () => toB) };
}
