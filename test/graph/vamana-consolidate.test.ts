import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusyError, CapacityError, DuplicateIdError, ParameterError, ReadOnlyError } from '../../src/core/errors.ts';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import { Random } from '../../src/core/random.ts';
import { Flat } from '../../src/graph/flat.ts';
import { NODE } from '../../src/graph/graph-layout.ts';
import { Vamana } from '../../src/graph/vamana.ts';
import { livingFirst } from '../../src/graph/vamana-consolidate.ts';
import type { VamanaOptions } from '../../src/graph/vamana-options.ts';

const SEED = 20_210_520;

/** Around 20 centres, or with most of the spread in a few directions, as embeddings have it. */
type Kind = 'clustered' | 'embedding';

/** Rows without end, one after the other. */
function* rowsOf({ kind, dimension, seed }: { kind: Kind; dimension: number; seed: number }): Generator<Float32Array> {
  const random = new Random(`${kind} ${seed}`);
  const normals = (n: number) => Array.from({ length: n }, () => random.normal());
  const centres = Array.from({ length: 20 }, () => normals(dimension));
  for (;;) {
    if (kind === 'clustered') {
      const centre = centres[random.integer(centres.length)];
      yield Float32Array.from(centre, (x) => 2 * x + random.normal());
    } else {
      const parts = centres.map((_, i) => random.normal() / Math.sqrt(1 + i));
      yield Float32Array.from({ length: dimension }, (_, j) =>
        parts.reduce((sum, part, i) => sum + part * centres[i][j], 0.3 * random.normal()),
      );
    }
  }
}

/** An index beside what it should hold. */
class Both {
  readonly index: Vamana;
  readonly held = new Map<number, Float32Array>();
  readonly #rows: Generator<Float32Array>;
  #next = 5_000_000;

  constructor(options: VamanaOptions & { dimension: number }, kind: Kind = 'clustered', seed = 1) {
    this.index = Vamana.create({ R: 8, L: 24, ...options });
    this.#rows = rowsOf({ kind, dimension: options.dimension, seed });
  }

  rows(n: number): Float32Array[] {
    return Array.from({ length: n }, () => this.#rows.next().value as Float32Array);
  }

  add(n: number, how: 'build' | 'addBatch' = 'addBatch', wanted?: readonly number[]): void {
    const rows = this.rows(n);
    const ids = wanted ?? rows.map(() => this.#next++);
    this.index[how](joined(rows), { ids });
    rows.forEach((row, i) => {
      this.held.set(ids[i], row);
    });
  }

  delete(ids: readonly number[]): void {
    for (const id of ids) {
      this.index.delete(id);
      this.held.delete(id);
    }
  }

  /** Some of those that are held. */
  some(n: number, random: Random): number[] {
    const ids = Array.from(this.held.keys());
    return Array.from(random.permutation(ids.length).subarray(0, n), (i) => ids[i]);
  }

  oracle(): Flat {
    const { dimension, metric } = this.index;
    const flat = Flat.create({ dimension, metric, capacity: Math.max(1, this.held.size) });
    flat.addBatch(joined([...this.held.values()]), { ids: [...this.held.keys()] });
    return flat;
  }

  /** With a beam as wide as all there are, and everything ranked by exact vectors, nothing is missed and nobody named who is gone. */
  expectExact(): void {
    const { index, held } = this;
    expect(index.validate()).toEqual([]);
    expect(index.count).toBe(held.size);
    const oracle = this.oracle();
    for (const query of this.rows(3)) {
      for (const k of [1, 7, held.size + 3]) {
        const efSearch = Math.max(k, held.size);
        const { ids, distances } = index.search(query, { k, efSearch, rerank: efSearch });
        const truth = oracle.search(query, { k });
        expect(ids.length).toBe(Math.min(k, held.size));
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of ids) expect(held.has(id)).toBe(true);
        distances.forEach((distance, i) => {
          expect(distance).toBeCloseTo(truth.distances[i], 2);
        });
      }
    }
  }

  recall(efSearch: number, queries: readonly Float32Array[], index: Vamana = this.index): number {
    const oracle = this.oracle();
    let hits = 0;
    for (const query of queries) {
      const truth = new Set(oracle.search(query, { k: 10 }).ids);
      for (const id of index.search(query, { k: 10, efSearch }).ids) hits += Number(truth.has(id));
    }
    return hits / (10 * queries.length);
  }
}

function joined(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => Array.from(row)));
}

/** Whether two indexes hold the same, byte by byte. */
function imageOf(index: Vamana) {
  const { meta, sections } = index.image();
  return [meta, ...sections.map(({ name, parts }) => [name, ...parts.map((part) => Buffer.from(part.slice()))])];
}

const shapes = fc.record({
  dimension: fc.constantFrom(1, 8, 70),
  metric: fc.constantFrom(...METRICS),
  codes: fc.constantFrom('f32' as const, 'sq7' as const),
  filter: fc.constantFrom('sign' as const, 'none' as const),
  R: fc.integer({ min: 2, max: 12 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

function optionsOf<Given extends { metric: Metric; filter: 'sign' | 'none' }>({ metric, filter, ...others }: Given) {
  return {
    ...{ metric, filter: metric === 'manhattan' ? ('none' as const) : filter },
    ...others,
  };
}

describe('deleting', () => {
  it('is as if the vectors were not there: whatever is added, deleted, consolidated and renumbered, exact with a beam of all', () => {
    const step = fc.oneof(
      { arbitrary: fc.record({ add: fc.integer({ min: 1, max: 60 }) }), weight: 3 },
      { arbitrary: fc.record({ share: fc.constantFrom(0.05, 0.3, 0.9, 1) }), weight: 3 },
      { arbitrary: fc.constant('the start' as const), weight: 1 },
      { arbitrary: fc.constant('renumber' as const), weight: 1 },
      { arbitrary: fc.constant('consolidate' as const), weight: 2 },
    );
    const property = fc.property(
      shapes,
      fc.integer({ min: 0, max: 120 }),
      fc.array(step, { maxLength: 8 }),
      (shape, first, steps) => {
        const both = new Both({ ...optionsOf(shape), capacity: 1000 }, 'clustered', shape.seed);
        const random = new Random(shape.seed);
        both.add(first, 'build');
        for (const wanted of steps) {
          if (wanted === 'consolidate') both.index.consolidate();
          else if (wanted === 'renumber') both.index.renumber();
          else if (wanted === 'the start') {
            const [start] = both.index.translate(Uint32Array.of(0));
            if (both.held.has(start)) both.delete([start]);
          } else if ('add' in wanted) both.add(wanted.add);
          else both.delete(both.some(Math.ceil(wanted.share * both.held.size), random));
          both.expectExact();
        }
        both.index.consolidate();
        both.expectExact();
        expect(both.index.stats().deleted).toBe(0);
        expect(both.index.thread.count).toBe(both.held.size);
      },
    );
    fc.assert(property, { seed: SEED, numRuns: 60 });
  });

  it('leaves k that live wherever there are k, whatever the beam, gamma or ranking; and never names a deleted one', () => {
    const random = new Random('delete');
    const both = new Both({ dimension: 16, capacity: 2000, codes: 'sq7', filter: 'sign' });
    both.add(2000, 'build');
    for (const share of [0.3, 0.6, 0.9, 0.5]) {
      both.delete(both.some(Math.ceil(share * both.held.size), random));
      for (const query of both.rows(20)) {
        for (const options of [{ efSearch: 10 }, { gamma: 0 }, { gamma: 0.3 }, { efSearch: 20, rerank: 0 }]) {
          const { ids } = both.index.search(query, { k: 10, ...options });
          expect(ids.length).toBe(10);
          for (const id of ids) expect(both.held.has(id)).toBe(true);
        }
      }
    }
  });

  it('widens the beam only by the deleted that are in its way', () => {
    const both = new Both({ dimension: 24, capacity: 3000 }, 'embedding');
    both.add(3000, 'build');
    const queries = both.rows(100);
    const work = () => {
      const searches = queries.map((query) => both.index.search(query, { k: 10, efSearch: 40 }).work.distances);
      return searches.reduce((a, b) => a + b, 0);
    };
    const before = work();
    both.delete(both.some(300, new Random('tenth')));
    expect(both.recall(40, queries)).toBeGreaterThan(0.95);
    expect(work()).toBeLessThan(1.25 * before);
  });

  it('frees the id at once', () => {
    const both = new Both({ dimension: 4, capacity: 100 });
    both.add(20, 'build');
    const [id, other] = both.held.keys();
    both.delete([id]);
    expect(() => both.index.delete(id)).toThrow(ParameterError);
    expect(() => both.index.neighbors(id)).toThrow(ParameterError);
    expect(both.index.neighbors(other)).not.toContain(id);
    expect(() => both.index.add(new Float32Array(4), other)).toThrow(DuplicateIdError);
    both.add(1, 'addBatch', [id]);
    both.expectExact();
    both.index.consolidate();
    both.expectExact();
    expect(() => both.index.delete(123)).toThrow(/id/);
    expect(() => both.index.delete(1.5)).toThrow(ParameterError);
  });

  it('leaves default ids to those that have them', () => {
    const index = Vamana.create({ dimension: 2, capacity: 100 });
    index.addBatch(Float32Array.from({ length: 20 }, (_, i) => i));
    index.delete(3);
    expect(index.add(Float32Array.of(1, 1))).toBe(10);
    index.consolidate();
    expect(index.count).toBe(10);
    expect(index.add(Float32Array.of(7, 7))).toBe(11);
    expect(index.add(Float32Array.of(6, 7), 3)).toBe(3);
    expect(index.search(Float32Array.of(6, 7), { k: 1 }).ids[0]).toBe(3);
    expect(index.validate()).toEqual([]);
  });

  it('is refused while nothing may be added', async () => {
    const both = new Both({ dimension: 4, capacity: 200 });
    both.add(150, 'build');
    const [id] = both.held.keys();
    const calibrated = both.index.calibrate({ ks: [1] });
    expect(() => both.index.delete(id)).toThrow(BusyError);
    expect(() => both.index.consolidate()).toThrow(BusyError);
    await calibrated;
    both.index.forbidAdding(new ReadOnlyError('x.ann'));
    expect(() => both.index.delete(id)).toThrow(ReadOnlyError);
    expect(() => both.index.consolidate()).toThrow(ReadOnlyError);
    expect(both.index.count).toBe(150);
  });

  it('takes room until it is consolidated, and says so', () => {
    const both = new Both({ dimension: 4, capacity: 50 });
    both.add(50, 'build');
    both.delete(both.some(10, new Random(1)));
    expect(() => both.add(5)).toThrow(CapacityError);
    expect(() => both.add(5)).toThrow(/10 deleted ones.*consolidate/);
    both.index.consolidate();
    both.add(10);
    both.expectExact();
    expect(() => both.add(1)).toThrow(/larger capacity/);
  });

  it('of all leaves an index that can be added to, or built after consolidation', () => {
    const both = new Both({ dimension: 4, capacity: 200 });
    both.add(50, 'build');
    both.delete([...both.held.keys()]);
    both.expectExact();
    expect(() => both.add(5, 'build')).toThrow(/deleted vectors that are not consolidated/);
    both.add(30);
    both.expectExact();
    both.delete([...both.held.keys()]);
    both.index.consolidate();
    both.expectExact();
    expect(both.index.stats()).toMatchObject({ count: 0, deleted: 0, meanDegree: 0 });
    both.add(40, 'build');
    both.expectExact();
  });
});

describe('consolidation', () => {
  it('without deletions changes nothing; twice is once', () => {
    const both = new Both({ dimension: 8, capacity: 400 });
    both.add(300, 'build');
    const before = imageOf(both.index);
    both.index.consolidate();
    expect(imageOf(both.index)).toEqual(before);
    both.delete(both.some(30, new Random(1)));
    both.index.consolidate();
    const once = imageOf(both.index);
    both.index.consolidate();
    expect(imageOf(both.index)).toEqual(once);
  });

  it('begins at the medoid of those that live where the start was deleted, and else where it did', () => {
    const index = Vamana.create({ dimension: 1, capacity: 9 });
    index.build(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8));
    const startOf = () => index.translate(Uint32Array.of(0))[0];
    expect(startOf()).toBe(4);
    index.delete(8);
    index.consolidate();
    expect(startOf()).toBe(4);
    index.delete(4);
    index.delete(3);
    index.consolidate();
    // Of 0, 1, 2, 5, 6, 7 the mean is 3.5.
    expect([2, 5]).toContain(startOf());
    expect(index.validate()).toEqual([]);
  });

  it('leaves links that live, and links former neighbours of a deleted node to one another', () => {
    const both = new Both({ dimension: 8, capacity: 500, R: 6 });
    both.add(500, 'build');
    const deleted = both.some(25, new Random(3));
    const ids = [...both.held.keys()];
    const linksOf = (of: readonly number[]) => new Map(of.map((id) => [id, Array.from(both.index.neighbors(id))]));
    const before = linksOf(ids);
    both.delete(deleted);
    both.index.consolidate();
    const after = linksOf([...both.held.keys()]);
    let replaced = 0;
    for (const [id, links] of after) {
      const old = before.get(id)!;
      const gone = old.filter((link) => deleted.includes(link));
      expect(links).toEqual(expect.arrayContaining(old.filter((link) => !deleted.includes(link))));
      const near = new Set(gone.flatMap((link) => before.get(link)!));
      // Of what is new all is a neighbour of a deleted one, but for the few edges by which the tree was made whole.
      const fresh = links.filter((link) => !old.includes(link));
      if (fresh.some((link) => near.has(link))) replaced++;
      if (gone.length === 0) expect(fresh.length).toBeLessThanOrEqual(2);
    }
    expect(replaced).toBeGreaterThan(20);
  });

  it('tells how far it is, lets nobody search or add meanwhile, and ends whatever the listener does', () => {
    const both = new Both({ dimension: 4, capacity: 10_000, R: 4, L: 8, passes: 1 });
    both.add(9000, 'build');
    both.delete(both.some(900, new Random(1)));
    const [query] = both.rows(1);
    const said: number[] = [];
    const refused: unknown[] = [];
    const attempt = (what: () => unknown) => {
      try {
        what();
      } catch (error) {
        refused.push(error);
      }
    };
    const watched = () =>
      both.index.consolidate({
        onProgress: (done, total) => {
          expect(total).toBe(8100);
          said.push(done);
          if (done === total) return;
          attempt(() => both.index.search(query, { k: 1 }));
          attempt(() => both.index.add(query));
          attempt(() => both.index.delete(1));
          attempt(() => both.index.renumber());
          attempt(() => both.index.neighbors(1));
          throw new Error('the listener is tired');
        },
      });
    expect(watched).toThrow('the listener is tired');
    expect(said).toEqual(said.toSorted((a, b) => a - b));
    expect(said.at(-1)).toBe(8100);
    expect(said.length).toBeGreaterThan(2);
    expect(refused.length).toBe(5 * (said.length - 1));
    for (const error of refused) expect(error).toBeInstanceOf(BusyError);
    both.expectExact();
  });

  it('refuses a damaged graph before it changes anything; one that is broken off says so ever after', () => {
    const both = new Both({ dimension: 4, capacity: 100 });
    both.add(50, 'build');
    both.delete(both.some(5, new Random(1)));
    const { u32, at } = both.index.arena;
    const { recordBytes, vectorBytes } = both.index.layout;
    const count = ((at.records + 7 * recordBytes + vectorBytes) >>> 2) + NODE.count;
    const length = u32[count];
    u32[count] = 999;
    expect(() => both.index.consolidate()).toThrow('links that cannot be');
    u32[count] = length;
    both.expectExact();
    const steps = both.index.consolidating();
    steps.next();
    steps.return();
    expect(() => both.add(1)).toThrow('broken off');
    expect(() => both.index.consolidate()).toThrow('broken off');
  });

  it('keeps a calibration while at least half as many are held, and cannot be calibrated before it', async () => {
    const both = new Both({ dimension: 8, capacity: 400 });
    both.add(400, 'build');
    await both.index.calibrate({ ks: [1] });
    both.delete(both.some(100, new Random(1)));
    await expect(both.index.calibrate({ ks: [1] })).rejects.toThrow(/consolidate, then calibrate/);
    both.index.consolidate();
    const [query] = both.rows(1);
    expect(both.index.search(query, { k: 1, recallTarget: 0.5 }).ids.length).toBe(1);
    both.delete(both.some(150, new Random(2)));
    both.index.consolidate();
    expect(() => both.index.search(query, { k: 1, recallTarget: 0.5 })).toThrow(/calibrate/);
    await both.index.calibrate({ ks: [1] });
    expect(both.index.search(query, { k: 1, recallTarget: 0.5 }).ids.length).toBe(1);
  });

  it.each([
    ['clustered', 'f32'],
    ['clustered', 'sq7'],
    ['embedding', 'sq7'],
  ] as const)('keeps recall within 0.01 of a fresh build after 20 rounds of 5 %%: %s, %s', (kind, codes) => {
    const options = { dimension: 32, capacity: 3150, codes, R: 24, L: 60, alpha: 1.1 };
    const both = new Both(options, kind);
    const random = new Random('churn');
    both.add(3000, 'build');
    const queries = both.rows(250);
    for (let round = 0; round < 20; round++) {
      both.delete(both.some(150, random));
      both.add(150);
      both.index.consolidate();
    }
    expect(both.index.validate()).toEqual([]);
    const fresh = Vamana.create(options);
    fresh.build(joined([...both.held.values()]), { ids: [...both.held.keys()] });
    const [churned, built] = [both.recall(10, queries), both.recall(10, queries, fresh)];
    expect(churned).toBeGreaterThan(built - 0.01);
    // A beam that finds everything would show nothing.
    expect(built).toBeLessThan(0.999);
  });
});

describe('livingFirst', () => {
  it('is a permutation: the start, those that live in their order, the deleted', () => {
    const property = fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), fc.nat(), (dead, choice) => {
      const count = dead.length;
      const living = dead.flatMap((isDead, slot) => (isDead ? [] : [slot]));
      const start = living.length > 0 ? living[choice % living.length] : 0;
      const from = Array.from(livingFirst({ count, isDeleted: (slot) => dead[slot], start }));
      expect(from.toSorted((a, b) => a - b)).toEqual(Array.from(dead.keys()));
      const others = living.filter((slot) => slot !== start);
      expect(from.slice(0, 1 + others.length)).toEqual([start, ...others]);
    });
    fc.assert(property, { seed: SEED });
  });
});
