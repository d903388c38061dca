/**
 * The argument of `kernels/assembly/hnsw.ts`, `links.ts` and `locks.ts`, gone through place by place. The kernels have
 * stops (`stepped.ts`), at each of which other threads may search or insert, or the thread that stopped may die.
 * Nothing here depends on luck or on time.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/core/random.ts';
import type { Claim } from '../../src/graph/graph-index.ts';
import type { SlotsFound } from '../../src/graph/graph-thread.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { levelOf } from '../../src/graph/hnsw-levels.ts';
import type { HnswOptions } from '../../src/graph/hnsw-options.ts';
import { HnswThread } from '../../src/graph/hnsw-thread.ts';
import type { Kernels } from '../../src/kernels/wasm.ts';
import type { Stops } from '../kernels/stepped.ts';
import { byId, expectNearest, randomRows, trueDistance } from '../oracle.ts';

/** The stops of every set of kernels that was made. */
const made = vi.hoisted(() => ({ stopsOf: new WeakMap<object, Stops>() }));

vi.mock('../../src/kernels/wasm.ts', async (original) => {
  const wasm = await original<typeof import('../../src/kernels/wasm.ts')>();
  const { compileStepped } = await import('../kernels/stepped.ts');
  const instantiate = await compileStepped(wasm.chooseBuild());
  return {
    ...wasm,
    instantiate(memory: WebAssembly.Memory): Kernels {
      const stops: Stops = { ...PASS };
      const kernels = instantiate(memory, stops);
      made.stopsOf.set(kernels, stops);
      return kernels;
    },
  };
});

const SEED = 20_251_121;
const THREADS = 6;
const JOURNAL_BYTES = 64;

/** Goes on at every stop. There is nobody who could give a lock back while this thread waits for it. */
const PASS: Stops = { store() {}, look() {}, wait: () => expect.fail('it would wait for ever') };

/** What a thread that dies throws. */
class Death extends Error {}

function die(): never {
  throw new Death();
}

/** An index of which the first `held` rows are in and the others claimed. `reset` makes it so again. */
class Trial {
  readonly data: Float32Array;
  readonly dimension: number;
  readonly index: Hnsw;
  readonly held: number;
  readonly #all: Claim;
  #claim: Claim;
  readonly #before: Uint8Array;
  readonly #hands = new Map<number, HnswThread>();

  constructor({ data, held, ...options }: HnswOptions & { data: Float32Array; held: number }) {
    const { dimension } = options;
    this.data = data;
    this.dimension = dimension;
    this.held = held;
    this.index = Hnsw.create({ filter: 'none', ...options, capacity: data.length / dimension, threads: THREADS });
    this.#all = this.index.claim(data);
    for (let slot = 0; slot < held; slot++) this.insertBy(this.index.thread, slot, this.#all.upper[slot]);
    this.index.settle(this.#all, held);
    this.#claim = this.index.claim(this.data.subarray(held * dimension));
    this.#before = this.index.arena.bytes.slice(0, this.index.arena.at.threads);
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** What threads have to themselves stays as it is, but nobody is at anything. */
  reset(): void {
    this.index.settle(this.#all, this.held);
    const { bytes, at } = this.index.arena;
    bytes.set(this.#before);
    const { at: own, end } = this.index.layout.threadPlan(this.index.capacity);
    for (let thread = 0; thread < THREADS; thread++) {
      const journal = at.threads + thread * end + own.journal;
      bytes.fill(0, journal, journal + JOURNAL_BYTES);
      Object.assign(stopsOf(this.hands(thread)), PASS);
    }
    this.#claim = this.index.claim(this.data.subarray(this.held * this.dimension));
  }

  /** The thread of this number; 0 is the index's own. */
  hands(number: number): HnswThread {
    if (number === 0) return this.index.thread;
    const hands = this.#hands.get(number) ?? new HnswThread(this.index.handle, number);
    this.#hands.set(number, hands);
    return hands;
  }

  /** The thread of this number has died: whoever asks for it gets a new one. */
  bury(number: number): void {
    this.#hands.delete(number);
  }

  row(slot: number): Float32Array {
    return this.data.subarray(slot * this.dimension, (slot + 1) * this.dimension);
  }

  insertBy(hands: HnswThread, slot: number, upper: number, onDone?: () => void): void {
    hands.admit(this.row(slot), `row ${slot}`);
    hands.insert(slot, upper, onDone);
  }

  /**
   * A search for as many as are in, all that are held and the rows `further`, finds each, or something that is as near;
   * and whatever it finds is whole. Others may be found that are being inserted.
   */
  expectFound(query: Float32Array, further: number[] = []): void {
    const known = [...Array(this.held).keys(), ...further.map((row) => this.held + row)];
    const { ids, distances } = this.index.search(query, { k: known.length, efSearch: this.index.capacity });
    expect(new Set(ids).size).toBe(known.length);
    const truth = known.map((slot) => trueDistance(query, this.row(slot), 'l2')).sort((a, b) => a - b);
    for (let i = 0; i < known.length; i++) {
      const tolerance = 1e-5 * (1 + truth[i]);
      expect(Math.abs(distances[i] - trueDistance(query, this.row(ids[i]), 'l2'))).toBeLessThan(tolerance);
      expect(distances[i]).toBeLessThanOrEqual(truth[i] + tolerance);
    }
  }

  /** All rows are in: the graph is whole, and everything can be found. */
  expectAllIn(): void {
    this.index.settle(this.claim, this.claim.rows);
    expect(this.index.validate()).toEqual([]);
    const count = this.held + this.claim.rows;
    const { ids } = this.index.search(this.row(0), { k: count, efSearch: count });
    expect(new Set(ids).size).toBe(count);
  }
}

/** A thread that inserts one row of a trial's claim, and may die over it. */
class Writer {
  begun = false;
  readonly #trial: Trial;
  readonly #number: number;
  readonly #row: number;
  #inserted = false;

  constructor(trial: Trial, number: number, row: number) {
    this.#trial = trial;
    this.#number = number;
    this.#row = row;
  }

  get stops(): Stops {
    return stopsOf(this.#trial.hands(this.#number));
  }

  /** Inserts the row; false where the thread died. */
  insert(): boolean {
    this.begun = true;
    return this.#survives(() => this.#insert());
  }

  /** What a pool's successor does, and its pool with a row that nobody began; false where the successor died too. */
  resume(stops: Partial<Stops> = {}): boolean {
    const hands = this.#trial.hands(this.#number);
    const slot = this.#trial.held + this.#row;
    Object.assign(this.stops, PASS, stops);
    return this.#survives(() => {
      if (!this.#inserted && hands.interrupted === undefined) return this.#insert();
      if (!this.#inserted) {
        expect(hands.interrupted).toBe(slot);
        hands.admit(this.#trial.row(slot), `row ${slot}`);
        hands.resume(this.#trial.claim.upper[this.#row]);
        this.#inserted = true;
      }
      hands.forget();
    });
  }

  #insert(): void {
    const { held, claim } = this.#trial;
    const slot = held + this.#row;
    this.#trial.insertBy(this.#trial.hands(this.#number), slot, claim.upper[this.#row], () => {
      this.#inserted = true;
    });
  }

  #survives(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      this.#trial.bury(this.#number);
      return false;
    }
  }
}

function stopsOf(thread: HnswThread): Stops {
  const stops = made.stopsOf.get(thread.arena.kernels);
  if (!stops) throw new Error('a thread whose kernels have no stops');
  return stops;
}

/** Does `what` the `n`-th time, from 0, that it is called. */
function at(n: number, what: () => void): () => void {
  let calls = 0;
  return () => {
    if (calls++ === n) what();
  };
}

/** How many stores there are in the insert of a row, with nobody else about. */
function storesOf(trial: Trial, row: number): number {
  trial.reset();
  const writer = new Writer(trial, 1, row);
  let stores = 0;
  writer.stops.store = () => {
    stores++;
  };
  writer.insert();
  return stores;
}

/** Points in the plane; on a small grid there are copies and ties. */
function points(n: number, seed: number, onGrid: boolean): Float32Array {
  const random = new Random(`points ${seed}`);
  return Float32Array.from({ length: n * 2 }, () => (onGrid ? random.integer(8) : 3 * random.normal()));
}

/**
 * The first seed, from `from` on, under which the row at `slot` rises above all before it, or under which it does not,
 * but has upper levels.
 */
function seedFor(slot: number, M: number, rises: boolean, from: number): number {
  for (let seed = from; ; seed++) {
    const before = Math.max(...Array.from({ length: slot }, (_, i) => levelOf(seed, i, M)));
    const level = levelOf(seed, slot, M);
    if (rises ? level > before : level > 0 && level <= before) return seed;
  }
}

const HELD = 90;
const CLAIMED = 8;

/** Rows of which the first that is claimed is on several levels. */
function trialOf({
  M,
  codes,
  rises,
  claimed,
  seed,
}: {
  M: number;
  codes: 'f32' | 'sq7';
  rises: boolean;
  claimed: number;
  seed: number;
}): Trial {
  return new Trial({
    ...{ M, codes, efConstruction: 2 * M + 2, dimension: 2, seed: seedFor(HELD, M, rises, 1000 * seed) },
    data: points(HELD + claimed, seed, codes === 'sq7'),
    held: HELD,
  });
}

const CASES = [
  { M: 2, codes: 'f32', rises: false },
  { M: 2, codes: 'sq7', rises: true },
  { M: 4, codes: 'sq7', rises: false },
  { M: 4, codes: 'f32', rises: true },
] as const;

describe.each(CASES)('an insert, place by place: M $M, $codes, a new entry point: $rises', (shape) => {
  const trial = trialOf({ ...shape, claimed: CLAIMED, seed: 1 });
  const stores = storesOf(trial, 0);

  it('at every store, who searches finds all that is in, and nobody who is not whole', () => {
    trial.reset();
    const writer = new Writer(trial, 1, 0);
    let searches = 0;
    writer.stops.store = () => {
      searches++;
      trial.expectFound(Float32Array.of(1.3, 2.1));
    };
    expect(writer.insert()).toBe(true);
    expect(searches).toBe(stores);
    expect(stores).toBeGreaterThan(30);
  });

  it('at every store, another one may insert: its row is found from then on', () => {
    for (let n = 0; n <= stores; n++) {
      trial.reset();
      const [writer, other] = [0, 1].map((row) => new Writer(trial, row + 1, row));
      let isIn = false;
      other.stops.wait = die;
      writer.stops.store = at(n, () => {
        isIn = other.insert();
        for (const slot of [0, HELD + 1]) trial.expectFound(trial.row(slot), isIn ? [1] : []);
      });
      expect(writer.insert()).toBe(true);
      if (!isIn) expect(other.resume()).toBe(true);
    }
  });

  it('at every look of a search, others may insert: it finds all that was in before', () => {
    const query = Float32Array.of(2.2, 0.6);
    trial.reset();
    let looks = 0;
    stopsOf(trial.index.thread).look = () => {
      looks++;
    };
    trial.expectFound(query);
    expect(looks).toBeGreaterThan(100);
    for (let n = 0; n < looks; n++) {
      trial.reset();
      stopsOf(trial.index.thread).look = at(n, () => {
        for (let row = 0; row < CLAIMED; row++) expect(new Writer(trial, 1 + (row % 5), row).insert()).toBe(true);
      });
      trial.expectFound(query);
    }
  });

  it('the thread may die at any store, and its successor too: the next one leaves the graph whole', () => {
    const random = new Random(`deaths ${shape.M}`);
    for (let n = 0; n <= stores; n++) {
      for (const second of [undefined, random.integer(stores), random.integer(stores)]) {
        trial.reset();
        const writer = new Writer(trial, 1, 0);
        writer.stops.store = at(n, die);
        expect(writer.insert()).toBe(n === stores);
        if (second === undefined || writer.resume({ store: at(second, die) })) expect(writer.resume()).toBe(true);
        else expect(writer.resume()).toBe(true);
        for (let row = 1; row < CLAIMED; row++) expect(new Writer(trial, 1, row).insert()).toBe(true);
        trial.expectAllIn();
      }
    }
  });
});

describe('several threads, place by place', () => {
  // Seeds under which a successor that looks for a parent's edge without its lock is deceived.
  it.each([5, 22, 29, 52])('at any look of a successor, others may insert: seed %i', (seed) => {
    const [held, claimed] = [30, 13];
    const random = new Random(`beside ${seed}`);
    const data = points(held + claimed, seed, false);
    // All that are claimed lie close to the first, so that they prune the same lists.
    for (let i = held * 2; i < data.length; i++) data[i] = data[i % 2] + 0.3 * random.normal();
    const shape = { M: 2, codes: 'f32', efConstruction: 6, dimension: 2 } as const;
    const trial = new Trial({ ...shape, seed: seedFor(held, 2, false, 100 * seed), data, held });
    const stores = storesOf(trial, 0);
    for (let n = 0; n < stores; n++) {
      // Every third place, another third for every death.
      for (let look = n % 3, came = true; came; look += 3) {
        trial.reset();
        const writer = new Writer(trial, 1, 0);
        writer.stops.store = at(n, die);
        expect(writer.insert()).toBe(false);
        const others = Array.from({ length: claimed - 1 }, (_, i) => new Writer(trial, 2 + (i % 4), 1 + i));
        const dead: Writer[] = [];
        came = false;
        const beside = () => {
          came = true;
          for (const other of others) {
            if (dead.length > 0) break;
            other.stops.wait = die;
            if (!other.insert()) dead.push(other);
          }
        };
        expect(writer.resume({ look: at(look, beside) })).toBe(true);
        for (const other of dead) expect(other.resume()).toBe(true);
        for (const other of others) if (!other.begun) expect(other.insert()).toBe(true);
        trial.expectAllIn();
      }
    }
  });

  const trials = Array.from({ length: 8 }, (_, i) => {
    const shape = { M: 2 + (i % 2), codes: i < 4 ? 'f32' : 'sq7', rises: i % 4 < 2 } as const;
    return trialOf({ ...shape, claimed: 4, seed: i });
  });
  const stores = trials.map((trial) => [0, 1, 2, 3].map((row) => storesOf(trial, row)));

  it('one stops anywhere, another one goes on, and any may die: with all rows in, the graph is whole', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    const scenarios = fc.record({
      which: fc.nat({ max: trials.length - 1 }),
      rows: fc.constantFrom([0, 1, 2, 3], [1, 0, 2, 3], [2, 1, 0, 3], [3, 2, 1, 0], [1, 2, 3, 0]),
      stops: fc.tuple(share, share, share),
      dies: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      /** Where in the work of a successor the last row is inserted. */
      interrupted: fc.record({ by: fc.constantFrom('look', 'store'), at: fc.nat({ max: 100 }) }),
    });
    const property = fc.property(scenarios, ({ which, rows, stops, dies, interrupted }) => {
      const trial = trials[which];
      trial.reset();
      const writers = rows.map((row) => new Writer(trial, row + 1, row));
      const last = writers[3];
      const dead: Writer[] = [];
      const insert = (writer: Writer) => {
        // Nobody who is stopped gives a lock back: who has to wait for one dies waiting.
        writer.stops.wait = die;
        if (!writer.insert()) dead.push(writer);
      };
      for (let i = 0; i < 3; i++) {
        writers[i].stops.store = at(Math.floor(stops[i] * stores[which][rows[i]]), () => {
          if (i < 2) insert(writers[i + 1]);
          if (dies[i]) die();
        });
      }
      for (const writer of writers.slice(0, 3)) if (!writer.begun) insert(writer);
      for (let rounds = 0; dead.length > 0; rounds++) {
        expect(rounds).toBeLessThan(20);
        const [writer] = dead.splice(0, 1);
        const beside = at(interrupted.at, () => {
          if (!last.begun) insert(last);
        });
        if (!writer.resume({ wait: die, [interrupted.by]: beside })) dead.push(writer);
      }
      if (!last.begun) insert(last);
      trial.expectAllIn();
    });
    fc.assert(property, { seed: SEED, numRuns: 3000 });
  });

  it('a beam for all takes in those too that are linked and not counted yet', () => {
    for (let seed = 0; seed < 60; seed++) {
      const held = 30;
      const random = new Random(`crowd ${seed}`);
      // Those who are being inserted crowd in the middle, and would fill a beam that has no room for them.
      const data = Float32Array.from({ length: 2 * (held + 5) }, (_, i) => random.normal() * (i < 2 * held ? 3 : 0.01));
      const options = { M: 2, efConstruction: 2, dimension: 2, seed, codes: 'f32', data, held } as const;
      const [trial, twin] = [new Trial(options), new Trial(options)];
      for (let row = 0; row < 5; row++) {
        let stores = 0;
        const same = new Writer(twin, row + 1, row);
        same.stops.store = () => {
          stores++;
        };
        same.insert();
        const writer = new Writer(trial, row + 1, row);
        writer.stops.store = at(stores - 1, die);
        expect(writer.insert()).toBe(false);
      }
      expect([trial.index.count, twin.index.count]).toEqual([held, held + 5]);
      for (const far of [0, 0.4, 20]) trial.expectFound(Float32Array.of(far, far));
    }
  });
});

describe('what is rewritten as a whole while somebody searches', () => {
  /** Runs the search with `rewrite` at its looks, every `step`-th one in turn; `check` is given what it found. */
  function atLooks(
    trial: Trial,
    search: () => SlotsFound,
    rewrite: () => void,
    check: (found: SlotsFound) => void,
    step = 1,
  ) {
    const reader = stopsOf(trial.hands(1));
    let looks = 0;
    reader.look = () => {
      looks++;
    };
    search();
    expect(looks).toBeGreaterThan(100);
    for (let n = 0; n < looks; n += step) {
      trial.reset();
      reader.look = at(n, rewrite);
      check(search());
    }
  }

  it('bytes become codes: the search is as exact as one that began later', () => {
    const [held, dimension] = [60, 5];
    const random = new Random('bytes');
    const data = Float32Array.from({ length: held * dimension }, () => random.integer(256));
    const trial = new Trial({ dimension, M: 4, efConstruction: 10, codes: 'sq7', data, held });
    const query = data.subarray(0, dimension).map((x) => x + 0.5);
    const search = () => trial.hands(1).search(query, { k: 10, efSearch: held, rerank: held });
    atLooks(
      trial,
      search,
      () => trial.index.thread.leaveBytes(held),
      ({ slots, distances }) => {
        expect(trial.index.thread.form).toBe('sq7');
        expectNearest({ ids: slots, distances }, { query, vectors: byId(data, dimension), k: 10, metric: 'l2' });
      },
    );
  });

  const [held, dimension] = [1100, 16];
  const data = randomRows({ n: held, dimension, kind: 'normal', seed: 3 });
  const shape = { M: 6, efConstruction: 20, codes: 'f32', filter: 'sign', margin: 0 } as const;
  const signed = new Trial({ ...shape, dimension, data, held });
  const query = data.subarray(0, dimension).map((x) => x * 0.9 + 0.1);
  const search = () => signed.hands(1).search(query, { k: 10, efSearch: 12, defer: 0 });
  /**
   * Far from the vectors, whence hardly anything can be told from signs: nothing that is half one and half the other
   * goes unnoticed.
   */
  const elsewhere = Float64Array.from({ length: dimension }, (_, i) => held * 5 * (i % 2 === 0 ? 1 : -1));

  it('the centre of the signs moves: the search finds what one that began later finds', () => {
    const move = () => {
      signed.index.thread.moveCentre(elsewhere, held);
      signed.index.thread.encodeSigns(0, held);
      signed.index.thread.endEra();
    };
    move();
    const later = search();
    signed.reset();
    expect(search().slots).not.toEqual(later.slots);
    atLooks(
      signed,
      search,
      move,
      ({ slots, distances }) =>
        expect({ slots, distances }).toEqual({ slots: later.slots, distances: later.distances }),
      7,
    );
  });

  it('while it moves, signs are not looked at', () => {
    signed.reset();
    expect(search().work.estimates).toBeGreaterThan(0);
    signed.index.thread.moveCentre(elsewhere, held);
    const { slots, work } = search();
    expect(work.estimates).toBe(0);
    const truth = Array.from({ length: held }, (_, slot) => slot).sort(
      (a, b) => trueDistance(query, signed.row(a), 'l2') - trueDistance(query, signed.row(b), 'l2'),
    );
    expect(truth.slice(0, 10).filter((slot) => slots.includes(slot)).length).toBeGreaterThan(7);
  });
});
