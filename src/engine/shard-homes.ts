/**
 * Which shards every vector is in: the two nearest that have room, and a sample of all vectors one more, the overview, which spans
 * the whole set. Without it a walk gets from shard to shard only through vectors that two of them share, and looks at a third more
 * of them before it is where it wants to be (10,000 embedding-like vectors in 8 shards: 192 distances with efSearch 20, not 131).
 */
import { assert } from '../core/assert.ts';
import type { Matrix } from '../core/matrix.ts';
import { hashToUnit } from '../core/random.ts';
import type { VectorStore } from '../kernels/vectors.ts';
import { storeOf } from './shard-centres.ts';

/** A shard: how many vectors, Σ of them, and the one nearest to its centre, where searches begin. */
export interface Shard {
  count: number;
  sum: Float64Array;
  start: number;
}

/** Shards of a vector: nearest ones, and the overview or nowhere. */
export const COPIES = 2;
const HOMES = COPIES + 1;
const NOWHERE = 0xffff;
/** Centres that a vector is compared with before all are looked at, because those are full. */
const MOST_NEAR = 8;

export class ShardHomes {
  readonly shards: Shard[];
  /** HOMES numbers of shards a vector. */
  readonly #homes: Uint16Array;
  readonly #rows: number;
  readonly #shardRows: number;
  readonly #centres: VectorStore;
  readonly #clusters: number;
  readonly #copies: number;
  readonly #seed: number;
  /** Of every shard the squared distance from its centre to its start. */
  readonly #nearest: Float32Array;
  #settled = 0;
  /** Vectors that the overview may take yet. */
  #sampled: number;

  /** For `rows` vectors of `dimension` numbers in shards of at most `shardRows`; `centres` may have a dimension more. */
  constructor(
    rows: number,
    dimension: number,
    { centres, shardRows, seed }: { centres: Matrix; shardRows: number; seed: number },
  ) {
    this.#rows = rows;
    this.#shardRows = shardRows;
    this.#centres = storeOf(centres);
    this.#clusters = centres.rows;
    this.#copies = Math.min(COPIES, centres.rows);
    this.#seed = seed;
    const shards = centres.rows + (centres.rows > 1 ? 1 : 0);
    this.shards = Array.from({ length: shards }, () => ({ count: 0, sum: new Float64Array(dimension), start: 0 }));
    this.#nearest = new Float32Array(shards).fill(Number.POSITIVE_INFINITY);
    this.#homes = new Uint16Array(HOMES * rows).fill(NOWHERE);
    // One place is kept for the vector that all searches begin at.
    this.#sampled = centres.rows > 1 ? Math.min(shardRows, rows) - 1 : 0;
  }

  /** The next vectors get their homes. */
  settle(points: Matrix): void {
    const k = Math.min(this.#clusters, MOST_NEAR);
    const n = points.rows;
    const ids = new Uint32Array(n * k);
    const distances = new Float32Array(n * k);
    this.#centres.nearestBatch(points, { from: 0, to: n, count: this.#clusters, k }, ids, distances);
    for (let i = 0; i < n; i++) {
      const row = this.#settled++;
      const point = points.data.subarray(i * points.dimension, (i + 1) * points.dimension);
      const nearest = { slots: ids.subarray(i * k, (i + 1) * k), distances: distances.subarray(i * k, (i + 1) * k) };
      if (!this.#enterNearest(row, point, nearest) && k < this.#clusters) {
        const all = this.#centres.nearest(point, this.#clusters, this.#clusters);
        this.#enterNearest(row, point, all);
      }
      if (hashToUnit(this.#seed, row) * (this.#rows - row) > this.#sampled) continue;
      this.#sampled--;
      this.#enter(row, point, this.#clusters, COPIES);
    }
  }

  /** When all have theirs: the vector that searches begin at is in the overview too, and its number is exchanged with 0. */
  begin(start: number, point: Float32Array): void {
    assert(this.#settled === this.#rows, 'every vector has a home');
    if (this.#clusters > 1) {
      if (this.#homes[HOMES * start + COPIES] === NOWHERE) this.#enter(start, point, this.#clusters, COPIES);
      this.shards[this.#clusters].start = start;
    }
    const homes = this.#homes;
    const first = homes.slice(0, HOMES);
    homes.copyWithin(0, HOMES * start, HOMES * (start + 1));
    homes.set(first, HOMES * start);
    for (const shard of this.shards) {
      if (shard.start === start) shard.start = 0;
      else if (shard.start === 0) shard.start = start;
    }
  }

  /** The vectors of a shard, the one that is searched from first, the others ascending. */
  membersOf(shard: number): Uint32Array {
    const { count, start } = this.shards[shard];
    const members = new Uint32Array(count);
    let n = 0;
    if (count > 0) members[n++] = start;
    const home = shard === this.#clusters ? COPIES : 0;
    const homes = shard === this.#clusters ? 1 : COPIES;
    for (let row = 0; row < this.#rows; row++) {
      if (row === start) continue;
      for (let i = home; i < home + homes; i++) if (this.#homes[HOMES * row + i] === shard) members[n++] = row;
    }
    assert(n === count, 'a shard has as many members as were counted');
    return members;
  }

  /** A number that vectors have in common whose nearest shards are the same. */
  groupOf(row: number): number {
    const a = this.#homes[HOMES * row];
    const b = this.#homes[HOMES * row + 1];
    return Math.min(a, b) * NOWHERE + Math.max(a, b);
  }

  /** Enters the nearest of these shards that have room, until the vector has all its homes; whether it has. */
  #enterNearest(
    row: number,
    point: Float32Array,
    { slots, distances }: { slots: Uint32Array; distances: Float32Array },
  ): boolean {
    const at = HOMES * row;
    const homes = this.#homes;
    let has = homes.subarray(at, at + COPIES).filter((home) => home !== NOWHERE).length;
    for (let i = 0; i < slots.length && has < this.#copies; i++) {
      const shard = slots[i];
      if (this.shards[shard].count >= this.#shardRows || homes.subarray(at, at + has).includes(shard)) continue;
      this.#enter(row, point, shard, has++);
      if (distances[i] >= this.#nearest[shard]) continue;
      this.#nearest[shard] = distances[i];
      this.shards[shard].start = row;
    }
    return has === this.#copies;
  }

  #enter(row: number, point: Float32Array, number: number, home: number): void {
    this.#homes[HOMES * row + home] = number;
    const shard = this.shards[number];
    shard.count++;
    for (let j = 0; j < shard.sum.length; j++) shard.sum[j] += point[j];
  }
}
