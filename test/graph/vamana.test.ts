import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { checkMeta } from '../../src/graph/graph-image.ts';
import { NODE, STATE } from '../../src/graph/graph-layout.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { completeVamanaOptions, type VamanaOptions } from '../../src/graph/vamana-options.ts';
import { METRICS, type Metric } from '../../src/graph/vector-index.ts';
import { byId, expectNearest, trueDistance } from '../oracle.ts';
import { clustered, exact, rowOf } from './clustered.ts';

const SEED = 20_191_208;

function create(options: VamanaOptions, rows: number): Vamana {
  return Vamana.create({ capacity: Math.max(1, rows), ...options });
}

function build(options: VamanaOptions, data: Float32Array): Vamana {
  const index = create(options, data.length / options.dimension);
  index.build(data);
  return index;
}

/** Every list, as one comparable value. */
function graphOf(index: Vamana): string {
  return Array.from({ length: index.count }, (_, id) => Array.from(index.neighbors(id)).join(' ')).join('\n');
}

const shapes = fc.record({
  n: fc.integer({ min: 1, max: 250 }),
  dimension: fc.integer({ min: 1, max: 150 }),
  metric: fc.constantFrom(...METRICS),
  codes: fc.constantFrom('f32' as const, 'sq7' as const),
  R: fc.integer({ min: 2, max: 20 }),
  alpha: fc.constantFrom(1, 1.1, 1.3, 2),
  passes: fc.constantFrom(1 as const, 2 as const),
  firstL: fc.integer({ min: 1, max: 30 }),
  settle: fc.boolean(),
  steppedAlpha: fc.boolean(),
  saturate: fc.boolean(),
  filter: fc.boolean(),
  grid: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1000 }),
});

describe('Vamana against the oracle', () => {
  it('with efSearch = count is exact on every metric, whether built, added to, or both', () => {
    fc.assert(
      fc.property(shapes, fc.double({ min: 0, max: 1, noNaN: true }), (shape, share) => {
        const { n, dimension, metric, grid, seed, filter, ...options } = shape;
        const data = clustered({ n, dimension, seed, grid });
        const signs = metric === 'manhattan' || !filter ? 'none' : 'sign';
        const index = create({ dimension, metric, L: 30, seed, filter: signs, ...options }, n);
        const built = Math.round(n * share) * dimension;
        index.build(data.subarray(0, built));
        index.addBatch(data.subarray(built));
        expect(index.validate()).toEqual([]);
        for (const query of [rowOf(data, 0, dimension), clustered({ n: 1, dimension, seed: seed + 1, grid })]) {
          const k = Math.min(10, n);
          const found = index.search(query, { k, efSearch: n + k, rerank: n + k });
          expectNearest(found, { query, vectors: byId(data, dimension), k, metric });
        }
      }),
      { seed: SEED, numRuns: 120 },
    );
  });

  it('prunes what a search visited as algorithm 2 has it, or stepped,', () => {
    const dimension = 6;
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 60 }),
        fc.constantFrom(1, 1.2, 1.5),
        fc.integer({ min: 8, max: 14 }),
        fc.constantFrom('l2' as const, 'manhattan' as const),
        fc.integer({ min: 0, max: 1000 }),
        fc.boolean(),
        (n, alpha, R, metric, seed, steppedAlpha) => {
          const data = clustered({ n, dimension, seed });
          // A beam for all visits all, so that all are candidates.
          const shape = { dimension, metric, codes: 'f32' as const, R, L: Math.max(n, R), seed };
          const index = build({ ...shape, settle: false, steppedAlpha }, data);
          const prune = steppedAlpha ? steppedPrune : robustPrune;
          const idOf = (slot: number) => index.translate(Uint32Array.of(slot))[0];
          for (const slot of [0, 1, n - 1]) {
            const chosen = index.thread.chooseLinks(slot, { alpha, filtered: false });
            const others = Array.from({ length: n }, (_, id) => id).filter((id) => id !== idOf(slot));
            expect(Array.from(chosen, idOf)).toEqual(
              prune(idOf(slot), others, { alpha, R }, (a, b) => {
                const d = trueDistance(rowOf(data, a, dimension), rowOf(data, b, dimension), metric);
                return metric === 'l2' ? Math.sqrt(d) : d;
              }),
            );
          }
        },
      ),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('finds nearly all neighbours for a fraction of the work', () => {
    const [dimension, n] = [64, 4000];
    const data = clustered({ n, dimension, seed: 3 });
    const index = build({ dimension, seed: 3 }, data);
    const flat = exact(dimension, 'l2', data);
    let [hits, distances] = [0, 0];
    for (let i = 0; i < 50; i++) {
      const query = rowOf(data, i * 70, dimension).map((x) => x + 0.3);
      const truth = new Set(flat.search(query, { k: 10 }).ids);
      const found = index.search(query, { k: 10, efSearch: 60 });
      hits += found.ids.filter((id) => truth.has(id)).length;
      distances += found.work.distances;
    }
    expect(hits / 500).toBeGreaterThan(0.95);
    expect(distances / 50).toBeLessThan(n / 4);
  });
});

/** Algorithm 2 of the paper, on plain numbers; distances are lengths. */
function robustPrune(
  p: number,
  candidates: number[],
  { alpha, R }: { alpha: number; R: number },
  distance: (a: number, b: number) => number,
): number[] {
  let V = candidates.toSorted((a, b) => distance(p, a) - distance(p, b));
  const out: number[] = [];
  while (V.length > 0 && out.length < R) {
    const [nearest] = V;
    out.push(nearest);
    V = V.filter((v) => v !== nearest && alpha * distance(nearest, v) > distance(p, v));
  }
  return out;
}

/** The same in two rounds, with α = 1 and with α, in which everybody whom nobody taken covers is taken. */
function steppedPrune(
  p: number,
  candidates: number[],
  { alpha, R }: { alpha: number; R: number },
  distance: (a: number, b: number) => number,
): number[] {
  const out: number[] = [];
  for (const stretch of [1, alpha]) {
    for (const v of candidates.toSorted((a, b) => distance(p, a) - distance(p, b))) {
      const free = !out.includes(v) && out.every((taken) => stretch * distance(taken, v) > distance(p, v));
      if (free && out.length < R) out.push(v);
    }
  }
  return out;
}

describe('the graph', () => {
  const dimension = 10;
  const data = clustered({ n: 1500, dimension, seed: 4 });

  it('is the same from the same, and another from another seed', () => {
    expect(graphOf(build({ dimension, seed: 9 }, data))).toBe(graphOf(build({ dimension, seed: 9 }, data)));
    expect(graphOf(build({ dimension, seed: 10 }, data))).not.toBe(graphOf(build({ dimension, seed: 9 }, data)));
  });

  it('is sparser where α is less, and full where pruned candidates fill it up', () => {
    const degree = (options: Partial<VamanaOptions>) =>
      build({ dimension, R: 16, ...options }, data).stats().meanDegree;
    const sparse = degree({ alpha: 1 });
    expect(sparse).toBeLessThan(0.8 * degree({ alpha: 1.5 }));
    expect(degree({ alpha: 1, saturate: true })).toBeGreaterThan(15.5);
  });

  it('begins at the medoid', () => {
    const index = build({ dimension }, data);
    const mean = Float32Array.from({ length: dimension }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < 1500; i++) sum += data[i * dimension + j];
      return sum / 1500;
    });
    const [medoid] = exact(dimension, 'l2', data).search(mean, { k: 1 }).ids;
    expect(Array.from(index.translate(Uint32Array.of(0)))).toEqual([medoid]);
  });

  it('holds together where the data falls apart', () => {
    // Twelve heaps, each far from all others beside its own width: no search from one ever needs another.
    const far = data.slice();
    for (let i = 0; i < 1500; i++) far[i * dimension + (i % 10)] += 1e4 * (1 + (i % 12));
    for (const passes of [1, 2] as const) {
      const index = build({ dimension, R: 4, L: 8, alpha: 1, passes }, far);
      expect(index.validate()).toEqual([]);
      const query = rowOf(far, 1203, dimension);
      const found = index.search(query, { k: 3, efSearch: 1500 });
      expectNearest(found, { query, vectors: byId(far, dimension), k: 3, metric: 'l2' });
    }
  });

  it.each([1, 2, 3, 33, 64])('of %i copies of one vector is whole and finds all', (n) => {
    const index = build({ dimension, R: 4 }, new Float32Array(n * dimension).fill(7));
    expect(index.validate()).toEqual([]);
    const { ids } = index.search(new Float32Array(dimension), { k: n, efSearch: n });
    expect(new Set(ids).size).toBe(n);
  });

  it('is the same on both builds of the kernels, where codes are integers', () => {
    const bytes = data.map((x) => Math.max(0, Math.min(255, Math.round(20 * x + 128))));
    const index = build({ dimension }, bytes);
    expect(index.thread.form).toBe('u8');
    expect(index.validate()).toEqual([]);
  });

  it('counts bytes, links and what it was made with', () => {
    const stats = build({ dimension, R: 12, L: 50 }, data).stats();
    expect(stats).toMatchObject({ count: 1500, R: 12, L: 50, alpha: 1.15, codes: 'sq7', metric: 'l2' });
    expect(stats.ramBytes.upper).toBe(0);
    expect(stats.meanDegree).toBeLessThanOrEqual(18);
  });

  it('can be renumbered, and answers as before', () => {
    const index = build({ dimension, codes: 'f32' }, data);
    const answers = () => Array.from({ length: 50 }, (_, i) => index.search(rowOf(data, i, dimension), { k: 5 }));
    const before = answers();
    index.renumber();
    expect(index.validate()).toEqual([]);
    expect(answers()).toEqual(before);
  });

  it('keeps what recall takes, when it is calibrated', async () => {
    const index = build({ dimension }, data);
    await index.calibrate({ sample: 200, ks: [5] });
    let hits = 0;
    const flat = exact(dimension, 'l2', data);
    for (let i = 0; i < 100; i++) {
      const query = rowOf(data, i, dimension).map((x) => x + 0.1);
      const truth = new Set(flat.search(query, { k: 5 }).ids);
      hits += index.search(query, { k: 5, recallTarget: 0.9 }).ids.filter((id) => truth.has(id)).length;
    }
    expect(hits / 500).toBeGreaterThan(0.88);
  });

  it('has an order for as many nodes as there may be', () => {
    class Ordered extends Vamana {
      static orderOf(rows: number): number {
        const index = new Ordered(completeVamanaOptions({ dimension, capacity: rows }), {});
        const first = index.linkingAll(rows, () => {}).next().value;
        return first ? first.rows : 0;
      }
    }
    expect(Ordered.orderOf(400_000)).toBe(1);
  });

  it('is linked to the end though a listener throws, who hears of it then', () => {
    const index = build({ dimension }, data);
    const listener = () => {
      throw new Error('enough');
    };
    expect(() => index.addBatch(data.slice(0, 100 * dimension), { onProgress: listener })).toThrow(/at most 1500/);
    const roomy = create({ dimension }, 3000);
    roomy.build(data);
    expect(() => roomy.addBatch(data, { onProgress: listener })).toThrow('enough');
    expect(roomy.count).toBe(3000);
    expect(roomy.validate()).toEqual([]);
    roomy.delete(5);
    roomy.consolidate();
    expect(roomy.count).toBe(2999);
  });

  it('reports progress to the end, and never backwards', () => {
    const seen: number[] = [];
    create({ dimension }, 1500).build(data, { onProgress: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(1500);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(20);
    const first: number[] = [];
    create({ dimension }, 1).addBatch(rowOf(data, 0, dimension), { onProgress: (done) => first.push(done) });
    expect(first).toEqual([1]);
  });
});

describe('inner products', () => {
  const dimension = 24;

  function lengthy(n: number, seed: number, spread: number): Float32Array {
    const random = new Random(seed);
    const rows = clustered({ n, dimension, seed });
    for (let i = 0; i < n; i++) {
      const factor = Math.exp(spread * random.normal());
      for (let j = 0; j < dimension; j++) rows[i * dimension + j] *= factor;
    }
    return rows;
  }

  it.each(['f32', 'sq7'] as const)(
    'are those of the vectors as they were given, also of longer ones later: %s',
    (codes) => {
      const data = lengthy(900, 5, 0.5);
      const index = create({ dimension, metric: 'dot', codes, filter: 'sign' }, 900);
      index.build(data.subarray(0, 400 * dimension));
      const before = index.thread.lengths.longest;
      const longer = data.subarray(400 * dimension).map((x) => 1.5 * x);
      index.addBatch(longer);
      expect(index.thread.lengths.longest).toBeGreaterThan(before);
      expect(index.validate()).toEqual([]);
      const all = Float32Array.of(...data.subarray(0, 400 * dimension), ...longer);
      for (let i = 0; i < 20; i++) {
        const query = rowOf(lengthy(20, 6, 0), i, dimension);
        const found = index.search(query, { k: 7, efSearch: 900, rerank: 900 });
        expectNearest(found, { query, vectors: byId(all, dimension), k: 7, metric: 'dot' });
      }
    },
  );

  it('reckon with no vector longer than may be held', () => {
    const index = create({ dimension, metric: 'dot' }, 3);
    index.build(new Float32Array(dimension).fill(1));
    index.add(new Float32Array(dimension).fill(Math.sqrt(9e33 / dimension)));
    expect(index.thread.lengths.longest ** 2).toBeLessThanOrEqual(1e34);
    expect(checkMeta(structuredClone(index.image().meta)).count).toBe(2);
  });

  it.each([
    ['f32', 'none'],
    ['f32', 'sign'],
    ['sq7', 'none'],
    ['sq7', 'sign'],
  ] as const)('are found as well beside a vector a hundred times as long: %s, filter %s', (codes, filter) => {
    const queries = lengthy(50, 10, 0);
    const recallBeside = (factor: number): number => {
      const data = lengthy(3000, 9, 0);
      for (let j = 0; j < dimension; j++) data[1500 * dimension + j] *= factor;
      const index = build({ dimension, metric: 'dot', codes, filter }, data);
      const flat = exact(dimension, 'dot', data);
      let hits = 0;
      for (let i = 0; i < 50; i++) {
        const query = rowOf(queries, i, dimension);
        const truth = new Set(flat.search(query, { k: 10 }).ids);
        hits += index.search(query, { k: 10, efSearch: 100 }).ids.filter((id) => truth.has(id)).length;
      }
      return hits / 500;
    };
    // 0.95 and more without the filter, 0.75 and more with it, whose few bits say little of vectors so near each other.
    expect(recallBeside(100)).toBeGreaterThan(recallBeside(1) - 0.1);
  });

  it('are told apart by codes where all vectors are of one length', () => {
    const wide = 512;
    const rows = (n: number, seed: number) => {
      const random = new Random(seed);
      const vectors = clustered({ n, dimension: wide, seed }).map((x) => x + 0.5 * random.normal());
      for (let i = 0; i < n; i++) {
        const length = Math.hypot(...rowOf(vectors, i, wide));
        for (let j = 0; j < wide; j++) vectors[i * wide + j] /= length;
      }
      return vectors;
    };
    const [data, queries] = [rows(1000, 11), rows(50, 12)];
    const flat = exact(wide, 'dot', data);
    const recallOf = (codes: 'f32' | 'sq7') => {
      const index = build({ dimension: wide, metric: 'dot', codes, filter: 'none' }, data);
      let hits = 0;
      for (let i = 0; i < 50; i++) {
        const query = rowOf(queries, i, wide);
        const truth = new Set(flat.search(query, { k: 10 }).ids);
        const { ids } = index.search(query, { k: 10, efSearch: 200, rerank: 10 });
        hits += ids.filter((id) => truth.has(id)).length;
      }
      return hits / 500;
    };
    expect(recallOf('sq7')).toBeGreaterThan(recallOf('f32') - 0.06);
  });

  it('are found by a walk that looks at a part, where lengths differ a little', () => {
    const data = lengthy(4000, 7, 0.05);
    const index = build({ dimension, metric: 'dot' }, data);
    const flat = exact(dimension, 'dot', data);
    let [hits, distances] = [0, 0];
    for (let i = 0; i < 50; i++) {
      const query = rowOf(lengthy(50, 8, 0), i, dimension);
      const truth = new Set(flat.search(query, { k: 10 }).ids);
      const found = index.search(query, { k: 10, efSearch: 100 });
      hits += found.ids.filter((id) => truth.has(id)).length;
      distances += found.work.distances;
    }
    expect(hits / 500).toBeGreaterThan(0.9);
    expect(distances / 50).toBeLessThan(2000);
  });
});

describe('Vamana, bad input', () => {
  const dimension = 8;
  const data = clustered({ n: 50, dimension, seed: 2 });
  const index = create({ dimension, capacity: 60, R: 4 }, 60);
  index.build(data);

  it.each<[string, VamanaOptions, RegExp]>([
    ['dimension 0', { dimension: 0 }, /dimension 0, expected an integer from 1 to 4096/],
    ['an unknown metric', { dimension, metric: 'hamming' as Metric }, /metric = hamming/],
    ['α below 1', { dimension, alpha: 0.99 }, /alpha = 0.99: a number from 1 to 2/],
    ['α that is none', { dimension, alpha: Number.NaN }, /alpha = NaN/],
    ['R below 2', { dimension, R: 1 }, /R = 1: an integer from 2 to 256/],
    ['R beyond 256', { dimension, R: 257 }, /R = 257/],
    ['L below R', { dimension, R: 40, L: 39 }, /L = 39: an integer from 40/],
    ['a first beam beyond L', { dimension, L: 40, firstL: 41 }, /firstL = 41: an integer from 1 to 40/],
    ['a word for settling', { dimension, settle: 'yes' as never }, /settle = "?yes"?: true or false/],
    ['a word for stepping', { dimension, steppedAlpha: 1 as never }, /steppedAlpha = 1: true or false/],
    ['three passes', { dimension, passes: 3 as 2 }, /passes = 3: 1 or 2/],
    ['a saturation that is none', { dimension, saturate: 1 as unknown as boolean }, /saturate = 1/],
    ['a filter under manhattan', { dimension, metric: 'manhattan', filter: 'sign' }, /manhattan has none/],
    [
      'inner products of 4096 dimensions',
      { dimension: 4096, metric: 'dot' },
      /dimension = 4096: an integer from 1 to 4095/,
    ],
    ['unknown codes', { dimension, codes: 'pq' as 'f32' }, /codes = pq/],
    ['a seed that is none', { dimension, seed: 0.5 }, /seed = 0.5/],
  ])('refuses %s', (_, options, message) => {
    expect(() => Vamana.create(options)).toThrow(message);
  });

  it('takes L as wide as R where nobody says', () => {
    expect(create({ dimension, R: 120 }, 10).stats().L).toBe(120);
  });

  it('builds only what is empty, and only once', () => {
    expect(() => index.build(data)).toThrow(/index = 50 vectors: an empty index/);
    expect(index.count).toBe(50);
    const empty = create({ dimension }, 60);
    empty.build(new Float32Array(0));
    expect([empty.count, empty.validate()]).toEqual([0, []]);
    empty.build(data);
    expect(empty.count).toBe(50);
  });

  it('refuses vectors that cannot be compared, takes nothing of their batch, and goes on', () => {
    const rows = data.slice();
    rows[dimension * 7 + 2] = Number.NaN;
    const empty = create({ dimension }, 60);
    expect(() => empty.build(rows)).toThrow(/row 7: component 2 is NaN/);
    expect(() => index.addBatch(rows.subarray(7 * dimension, 8 * dimension))).toThrow(/row 0: component 2 is NaN/);
    expect(() => empty.build(data.subarray(1))).toThrow(/multiple of the dimension 8/);
    expect(() => index.addBatch(data.subarray(0, 11 * dimension))).toThrow(/at most 60 vectors and 61/);
    expect(() => index.add(data.subarray(0, dimension), 7)).toThrow(/id 7 is already/);
    expect([empty.count, index.count]).toEqual([0, 50]);
    empty.build(data);
    expect(graphOf(empty)).toBe(graphOf(build({ dimension }, data)));
  });

  it('refuses zero vectors under cosine, and has no need of a mean that has a direction', () => {
    const cosine = { dimension: 2, metric: 'cosine' as const };
    expect(() => build(cosine, new Float32Array(4))).toThrow(/zero vector/);
    const around = Float32Array.of(1, 0, -1, 0, 0, 1, 0, -1);
    const found = build(cosine, around).search(Float32Array.of(0.1, 2), { k: 1 });
    expect(Array.from(found.ids)).toEqual([2]);
  });

  it('finds nothing before anything is held, and all where k is more', () => {
    const empty = create({ dimension }, 10);
    expect(empty.search(rowOf(data, 0, dimension), { k: 3 }).ids).toHaveLength(0);
    expect(index.search(rowOf(data, 0, dimension), { k: 500 }).ids).toHaveLength(50);
  });

  it("returns the caller's ids, and refuses them twice", () => {
    const ids = Uint32Array.from({ length: 50 }, (_, i) => 1000 - i);
    const named = create({ dimension }, 60);
    named.build(data, { ids });
    expect(named.search(rowOf(data, 9, dimension), { k: 1 }).ids[0]).toBe(991);
    expect(() => named.addBatch(data.subarray(0, dimension), { ids: [991] })).toThrow(/id 991/);
  });
});

describe('what an index held before', () => {
  const dimension = 12;
  const rows = 400;
  const data = clustered({ n: rows, dimension, seed: 15 });
  const bytes = data.map((x) => Math.min(255, Math.max(0, Math.round(128 + 20 * x))));
  const longer = data.map((x) => 1e6 * x);
  const thrown = () => {
    throw new Error('no more');
  };
  const partsOf = (index: Vamana) => [graphOf(index), index.image().meta];

  it.each([
    { metric: 'l2', before: data, after: bytes },
    { metric: 'dot', before: longer, after: data },
    { metric: 'dot', before: longer, after: data, codes: 'f32' },
  ] as const)(
    'leaves nothing behind, whether it was never in or is out again: $metric',
    ({ before, after, ...options }) => {
      const fresh = partsOf(build({ dimension, ...options }, after));
      const refused = create({ dimension, ...options }, rows);
      expect(() => refused.build(before, { onProgress: thrown })).toThrow('no more');
      refused.build(after);
      expect(partsOf(refused)).toEqual(fresh);
      const emptied = build({ dimension, ...options }, before);
      for (let id = 0; id < rows; id++) emptied.delete(id);
      emptied.consolidate();
      emptied.build(after);
      expect(partsOf(emptied)).toEqual(fresh);
    },
  );

  it('is forgotten where the longest of it are deleted: others are told apart again', () => {
    const index = create({ dimension, metric: 'dot' }, rows + 1);
    index.build(data);
    const { longest } = index.thread.lengths;
    const id = index.add(rowOf(longer, 0, dimension));
    expect(index.thread.lengths.longest).toBeGreaterThan(1e5 * longest);
    index.delete(id);
    index.consolidate();
    expect(index.thread.lengths.longest).toBe(longest);
    expect(index.validate()).toEqual([]);
    const flat = exact(dimension, 'dot', data);
    let hits = 0;
    for (let i = 0; i < 50; i++) {
      const query = rowOf(data, i, dimension);
      const truth = new Set(flat.search(query, { k: 10 }).ids);
      hits += index.search(query, { k: 10, efSearch: 40 }).ids.filter((found) => truth.has(found)).length;
    }
    expect(hits / 500).toBeGreaterThan(0.8);
  });

  it('is forgotten by the filter too: signs are taken about those that live', () => {
    const options = { dimension: 64, metric: 'dot', codes: 'f32', filter: 'sign' } as const;
    const many = clustered({ n: 1500, dimension: 64, seed: 16 });
    const index = create(options, 1501);
    index.build(Float32Array.from([...many, ...rowOf(many, 0, 64).map((x) => 1000 * x)]));
    index.delete(1500);
    index.consolidate();
    const spared = [{}, { filterWords: 0 }].map((filter) => {
      let distances = 0;
      for (let i = 0; i < 30; i++) {
        const searched = index.search(rowOf(many, i, 64), { k: 10, efSearch: 40, ...filter });
        distances += searched.work.distances;
      }
      return distances;
    });
    expect(spared[0]).toBeLessThan(0.8 * spared[1]);
    expect(index.validate()).toEqual([]);
  });
});

describe('a broken graph', () => {
  const dimension = 4;

  function opened() {
    const index = build({ dimension, R: 4, seed: 6 }, clustered({ n: 200, dimension, seed: 6 }));
    const { at, u32 } = index.arena;
    return { index, u32, node: (at.records + 9 * index.layout.recordBytes + index.layout.vectorBytes) / 4 };
  }

  it('is linked to no further where a list has more links than can be', () => {
    const { index, u32, node } = opened();
    u32[node + NODE.count] = 5000;
    expect(() => index.thread.linkBack(9, Uint32Array.of(3), 1)).toThrow(/node 9 has links that cannot be/);
  });

  it('is not moved where marks and counts disagree about who is deleted', () => {
    const { index, u32, node } = opened();
    u32[node + NODE.level] = 0x80000000;
    for (const move of [() => index.consolidate(), () => index.renumber()]) expect(move).toThrow(/node 9 is deleted/);
    u32[node + NODE.level] = 0;
    index.consolidate();
    expect(index.validate()).toEqual([]);
  });
});

describe('validate()', () => {
  const dimension = 4;

  it.each<[string, string, (u32: Uint32Array, node: (slot: number) => number, state: number) => void]>([
    ['a degree beyond its bound', 'links, at most 6', (u32, node) => (u32[node(9) + NODE.count] = 7)],
    ['a link to nobody', 'a link to 5000', (u32, node) => (u32[node(9) + NODE.count + 1] = 5000)],
    ['a link to itself', 'a link to itself', (u32, node) => (u32[node(9) + NODE.count + 1] = 9)],
    ['a level', 'drawn was', (u32, node) => (u32[node(9) + NODE.level] = 1)],
    ['a wrong count', 'the graph counts 199', (u32, _, state) => (u32[state + STATE.count] = 199)],
  ])('sees %s', (_, said, breakIt) => {
    const index = build({ dimension, R: 4, seed: 6 }, clustered({ n: 200, dimension, seed: 6 }));
    expect(index.validate()).toEqual([]);
    const { at, u32 } = index.arena;
    const node = (slot: number) => (at.records + slot * index.layout.recordBytes + index.layout.vectorBytes) / 4;
    breakIt(u32, node, at.state / 4);
    expect(index.validate().join('\n')).toContain(said);
  });
});
