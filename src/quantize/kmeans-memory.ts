/**
 * The shared memory that a k-means happens in, and its steps. A step falls into units, each of some rows or some clusters, that
 * write to places of their own: which thread performs a unit, and when within the step, makes no difference to any bit.
 */
import { assert } from '../core/assert.ts';
import { admit, MOST_NORM2 } from '../kernels/intake.ts';
import { Arena, type Plan } from '../kernels/memory.ts';

/** Some columns of a matrix: row i is the `dimension` floats of `data` from `offset + i · stride` on. */
export interface RowsView {
  data: Float32Array;
  rows: number;
  dimension: number;
  /** Floats from one row to the next. Default: `dimension`. */
  stride?: number;
  /** Where the first row begins, in floats. Default: 0. */
  offset?: number;
}

export interface KMeansShape {
  /** The most rows that are held at a time. */
  rows: number;
  dimension: number;
  k: number;
  balanced: boolean;
}

/** What another thread needs to see the same memory; can be posted to a worker. */
export interface KMeansHandle {
  memory: WebAssembly.Memory;
  at: Record<Region, number>;
  threads: number;
}

/**
 * `nearer`: distances to the nearest seed, now that `argument` is one. `assign`: the first `argument` rows to their centroids.
 * `assignListed`: the same for the first `argument` rows of the list, apart from the assignments. `move`: centroids to their
 * means.
 */
export type StepKind = 'nearer' | 'assign' | 'assignListed' | 'move';

export interface Step {
  kind: StepKind;
  argument: number;
  /** How many units there are. */
  units: number;
}

/** Steps to be performed; each is answered by the sum of what its units returned. */
export type Steps<Result> = Generator<Step, Result, number>;

export class KMeansMemory {
  readonly handle: KMeansHandle;
  /** What threads agree on their work by. */
  readonly control: Int32Array;
  readonly #arena: Arena<Region>;
  readonly #best: number;
  #shape: KMeansShape = { rows: 0, dimension: 0, k: 0, balanced: false };

  /** Room for any one of the shapes at a time. Throws MemoryLimitError and AddressSpaceError. */
  static reserve(shapes: readonly KMeansShape[], threads: number): KMeansMemory {
    const rows = Math.max(...shapes.map((shape) => shape.rows));
    const plan: Plan<Region> = (capacity) => {
      const sizes = shapes.map((shape) => sizesOf({ ...shape, rows: capacity }, threads));
      const greatest = { ...sizes[0] };
      for (const size of sizes)
        for (const name of Object.keys(size) as Region[]) greatest[name] = Math.max(greatest[name], size[name]);
      return greatest;
    };
    const { dimension, k } = shapes[0];
    const { memory, at } = Arena.reserve(
      rows,
      plan,
      `k-means of ${rows} × ${dimension}-D rows (train on fewer by "sample"; ${k} centroids)`,
    );
    return KMeansMemory.attach({ memory, at, threads }, 0);
  }

  /** The memory behind `handle`, as thread number `thread` of those it was reserved for. */
  static attach(handle: KMeansHandle, thread: number): KMeansMemory {
    assert(thread < handle.threads, 'a thread beyond those the memory was reserved for');
    return new KMeansMemory(handle, thread);
  }

  private constructor(handle: KMeansHandle, thread: number) {
    this.handle = handle;
    this.#arena = Arena.over(handle.memory, handle.at);
    this.#best = handle.at.best + thread * BEST_BYTES;
    this.control = new Int32Array(handle.memory.buffer, handle.at.control, CONTROL_WORDS);
  }

  /** Makes the memory one of this shape; every thread has to. */
  begin(shape: KMeansShape): void {
    this.#shape = shape;
    const { kernels, at } = this.#arena;
    kernels.configureKMeans(shape.dimension, shape.k, at.rows, at.centroids, at.panels, at.prices, this.#best);
  }

  get shape(): KMeansShape {
    return this.#shape;
  }

  /**
   * Copies rows in: those listed, or those from `from` to `to`. Throws VectorValueError where one is no vector that has
   * distances; names its number in `view`.
   */
  load(view: RowsView, listed: Uint32Array | { from: number; to: number }): void {
    const { data, dimension, stride = dimension, offset = 0 } = view;
    const { f32, kernels, at } = this.#arena;
    const list = listed instanceof Uint32Array ? listed : undefined;
    const { from, to } = listed instanceof Uint32Array ? { from: 0, to: listed.length } : listed;
    const n = to - from;
    const start = (i: number) => offset + (list ? list[i] : from + i) * stride;
    const first = at.rows / 4;
    if (!list && stride === dimension) f32.set(data.subarray(start(0), start(n)), first);
    else if (dimension >= 64) {
      for (let i = 0; i < n; i++) f32.set(data.subarray(start(i), start(i) + dimension), first + i * dimension);
    } else {
      // A call for every short row would take longer than the row.
      for (let i = 0, target = first; i < n; i++) {
        const source = start(i);
        for (let j = 0; j < dimension; j++) f32[target++] = data[source + j];
      }
    }
    for (let i = 0; i < n; i++) {
      if (kernels.sumSquares(i, 1) <= MOST_NORM2) continue;
      const row = data.subarray(start(i), start(i) + dimension);
      const columns = view.stride === undefined ? '' : `, columns from ${offset % stride}`;
      admit(this.#arena, at.rows, row, 'l2', `row ${list ? list[i] : from + i}${columns}`);
    }
  }

  // ---- What lies in the memory: views, not copies -----------------------------------------------------------------

  /** The first `n` rows' centroids. */
  nearest(n: number): Uint32Array {
    return this.#u32('nearest', n);
  }

  /** The first `n` rows' squared distances to them. */
  distances(n: number): Float32Array {
    return this.#f32('distances', n);
  }

  /** What `assignListed` found for the first `n` of the list. */
  others(n: number): Uint32Array {
    return this.#u32('others', n);
  }

  otherDistances(n: number): Float32Array {
    return this.#f32('otherDistances', n);
  }

  /** Rows by clusters after `group`; the list of `assignListed` as well. */
  order(n: number): Uint32Array {
    return this.#u32('order', n);
  }

  get centroids(): Float32Array {
    return this.#f32('centroids', this.#shape.k * this.#shape.dimension);
  }

  // ---- What one thread does ---------------------------------------------------------------------------------------

  /** Row `row` becomes centroid c. */
  place(c: number, row: number): void {
    this.#arena.kernels.placeCentroid(c, row);
  }

  /** Makes the centroids, without prices, those that rows are assigned to. */
  pack(): void {
    const { k } = this.#shape;
    this.#f32('prices', k).fill(0);
    for (let c = 0; c < padded(k); c++) this.#arena.kernels.packCentroid(c);
  }

  /** What the distances to each centroid are raised by before they are compared. */
  setPrices(priceOf: (c: number) => number): void {
    const prices = this.#f32('prices', this.#shape.k);
    for (let c = 0; c < prices.length; c++) prices[c] = priceOf(c);
    this.#arena.kernels.packPrices();
  }

  /** Orders the first `n` rows by their centroids; returns how many each has. */
  group(n: number): Uint32Array {
    const { kernels, at } = this.#arena;
    const { k } = this.#shape;
    kernels.groupRows(n, at.nearest, at.starts, at.order);
    const starts = this.#u32('starts', k + 1);
    return Uint32Array.from({ length: k }, (_, c) => starts[c + 1] - starts[c]);
  }

  /** Σ of the first `n` distances. */
  inertia(n: number): number {
    return this.#arena.kernels.sumDistances(n, this.#arena.at.distances);
  }

  /** Σ of the distances to the nearest seed, as `nearer` left them. */
  sumOfSums(n: number): number {
    return this.#sums(n).reduce((sum, part) => sum + part, 0);
  }

  /** The row at which that sum, taken row by row, comes to exceed `target`. */
  rowAtSum(n: number, target: number): number {
    const sums = this.#sums(n);
    let left = target;
    let unit = -1;
    for (let i = 0; i < sums.length; i++) {
      if (sums[i] === 0) continue;
      // Where rounding leads beyond all, the last unit that has any distance, and the last row in it.
      if (unit >= 0) left -= sums[unit];
      unit = i;
      if (left < sums[i]) break;
    }
    const from = unit * ROWS_PER_UNIT;
    const { kernels, at } = this.#arena;
    return kernels.rowAtSum(from, Math.min(ROWS_PER_UNIT, n - from), left, at.distances);
  }

  // ---- Steps ------------------------------------------------------------------------------------------------------

  stepOver(kind: Exclude<StepKind, 'move'>, n: number, argument = n): Step {
    return { kind, argument, units: Math.ceil(n / ROWS_PER_UNIT) };
  }

  stepOfMoving(): Step {
    return { kind: 'move', argument: 0, units: Math.ceil(this.#shape.k / CLUSTERS_PER_UNIT) };
  }

  /** One unit of a step. `assign` returns how many of the rows changed their centroid. */
  perform({ kind, argument }: Omit<Step, 'units'>, unit: number): number {
    const { kernels, at } = this.#arena;
    const { k, rows } = this.#shape;
    const from = unit * ROWS_PER_UNIT;
    switch (kind) {
      case 'nearer':
        this.#sums(rows)[unit] = kernels.nearerRows(from, Math.min(ROWS_PER_UNIT, rows - from), argument, at.distances);
        return 0;
      case 'assign': {
        const n = Math.min(ROWS_PER_UNIT, argument - from);
        return kernels.assignRows(0, from, n, at.nearest, at.distances);
      }
      case 'assignListed': {
        const n = Math.min(ROWS_PER_UNIT, argument - from);
        kernels.assignRows(at.order, from, n, at.others, at.otherDistances);
        return 0;
      }
      case 'move': {
        const first = unit * CLUSTERS_PER_UNIT;
        kernels.moveCentroids(first, Math.min(first + CLUSTERS_PER_UNIT, k), at.starts, at.order);
        return 0;
      }
    }
  }

  #sums(n: number): Float64Array {
    return new Float64Array(this.handle.memory.buffer, this.handle.at.sums, Math.ceil(n / ROWS_PER_UNIT));
  }

  #u32(region: Region, n: number): Uint32Array {
    return new Uint32Array(this.handle.memory.buffer, this.handle.at[region], n);
  }

  #f32(region: Region, n: number): Float32Array {
    return new Float32Array(this.handle.memory.buffer, this.handle.at[region], n);
  }
}

/** Performs all steps on this thread. */
export function runAlone<Result>(memory: KMeansMemory, steps: Steps<Result>): Result {
  let next = steps.next();
  while (!next.done) {
    let sum = 0;
    for (let unit = 0; unit < next.value.units; unit++) sum += memory.perform(next.value, unit);
    next = steps.next(sum);
  }
  return next.value;
}

type Region =
  | 'control'
  | 'rows'
  | 'centroids'
  | 'panels'
  | 'prices'
  | 'nearest'
  | 'distances'
  | 'starts'
  | 'order'
  | 'sums'
  | 'best'
  | 'others'
  | 'otherDistances';

/** Few enough that threads end at about the same time, and enough that sharing them out costs nothing. */
const ROWS_PER_UNIT = 1024;
/** A panel's: threads do not write to the same lines. */
const CLUSTERS_PER_UNIT = 8;
const CONTROL_WORDS = 16;
/** What `configureKMeans` takes at `best`. */
const BEST_BYTES = 256 * 36;

function padded(k: number): number {
  return Math.ceil(k / 8) * 8;
}

function sizesOf({ rows, dimension, k, balanced }: KMeansShape, threads: number): Record<Region, number> {
  return {
    control: CONTROL_WORDS * 4,
    rows: rows * dimension * 4,
    centroids: k * dimension * 4,
    panels: padded(k) * (dimension + 1) * 4,
    prices: k * 4,
    nearest: rows * 4,
    distances: rows * 4,
    starts: (k + 1) * 4,
    order: rows * 4,
    sums: Math.ceil(rows / ROWS_PER_UNIT) * 8,
    best: threads * BEST_BYTES,
    others: balanced ? rows * 4 : 0,
    otherDistances: balanced ? rows * 4 : 0,
  };
}
