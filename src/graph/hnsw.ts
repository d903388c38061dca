/**
 * HNSW: hierarchical navigable small worlds (Malkov & Yashunin, 2018, algorithms 1–5). A node is drawn a level, floor(−ln u / ln M);
 * every level is a graph of near and diverse neighbours, each sparser than the one below; a search goes down greedily and
 * then widens to a beam of efSearch on level 0.
 *
 * The graph, the walk and the codes live in an arena and are worked by the kernels in one call (`kernels/assembly/hnsw.ts`, where
 * the departures from the paper are listed). This file owns what the caller sees: options, ids, exact re-ranking, statistics.
 */
import { ParameterError } from '../core/errors.ts';
import { Ids } from '../core/ids.ts';
import { hashToUnit, Random } from '../core/random.ts';
import { admit } from '../kernels/intake.ts';
import { Arena, capacityThatFits, copyF32, copyU32 } from '../kernels/memory.ts';
import { FORM_CODES, METRIC_CODES, VectorStore } from '../kernels/vectors.ts';
import { checkBatch, checkInteger, checkSearch, checkShape, checkVector } from './checks.ts';
import { faultsOf } from './hnsw-faults.ts';
import { type HnswLayout, layoutOf, type Region, ROTATION_ROUNDS, type Shape, vectorBytesOf } from './hnsw-layout.ts';
import type { AddBatchOptions, Metric, SearchOptions, SearchResult, VectorIndex } from './vector-index.ts';

export interface HnswOptions {
  /** 1 … 4096. */
  dimension: number;
  /** Default l2. */
  metric?: Metric;
  /** The most vectors it will hold. Costs address space only. Default 1,000,000, or as many as fit. */
  capacity?: number;
  /** Neighbours given to a new node on each level, 2 … 256; level 0 keeps up to M0 = 2M, and M more before it prunes. Default 16. */
  M?: number;
  /** Beam of an insert, ≥ M. Default 100. */
  efConstruction?: number;
  /** Decides levels and the filter's rotation. Same seed, same data, same build of the kernels: same graph. Default 1. */
  seed?: number;
  /**
   * What is walked on: `f32`, or 7-bit codes with exact re-ranking on the f32 originals, which are then kept outside the arena. Under
   * `sq7`, vectors whose components are all integers 0 … 255 are held as bytes, which are exact; the first that is none makes codes of
   * all that are held, at once, which takes a microsecond or so for each.
   */
  codes?: 'f32' | 'sq7';
  /**
   * Whether sign bits dismiss neighbours before their vectors are touched. Default: where a stored vector takes more than 512 bytes
   * (f32 from 129 dimensions, sq7 from 497), but never under manhattan.
   */
  filter?: 'sign' | 'none';
  /** Pruning keeps an edge unless α times as short a way exists; 1 is the paper, more keeps more long edges. Default 1.1; dot: 1. */
  alpha?: number;
  /** Algorithm 4: look among the candidates' neighbours too. Default false. */
  extendCandidates?: boolean;
  /** Algorithm 4: fill up with pruned candidates. Default false. */
  keepPruned?: boolean;
  /** Standard deviations of the filter's estimate by which a search forgives it, 0 … 10; more costs time, misses less. Default 0. */
  margin?: number;
  /** The same while building. Default 0.3. */
  buildMargin?: number;
}

/** What an index is and holds. Bytes are those in use, not those reserved. */
export interface HnswStats {
  count: number;
  capacity: number;
  dimension: number;
  metric: Metric;
  codes: 'f32' | 'sq7';
  filter: 'sign' | 'none';
  M: number;
  efConstruction: number;
  alpha: number;
  /** How many nodes reach each level; [0] is count. */
  levels: number[];
  /** Links of a node on level 0, on average. */
  meanDegree: number;
  ramBytes: { total: number; records: number; signs: number; upper: number; vectors: number; scratch: number };
  /** What a search walks over: all but the originals kept for re-ranking. */
  walkBytes: number;
  hugePages: boolean;
}

/** What an index is made with where the caller does not say. */
export const HNSW_DEFAULTS = { capacity: 1_000_000, M: 16, efConstruction: 100, seed: 1, codes: 'sq7' } as const;

export class Hnsw implements VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  readonly capacity: number;
  readonly #options: Required<HnswOptions>;
  /** For those who store, share or examine the graph; searches and inserts are the way in for all others. */
  readonly layout: HnswLayout;
  readonly arena: Arena<Region>;
  /**
   * What the arena's records hold: floats, codes, or (under codes: 'sq7') the vectors themselves as bytes, which they are as long
   * as all their components are integers 0 … 255.
   */
  #form: keyof typeof FORM_CODES;
  /** The originals, where the arena holds codes. */
  readonly #vectors: VectorStore | undefined;
  readonly #ids = new Ids();
  /** The arena's `query` region: making a view costs more than a hop. */
  readonly #query: Float32Array;
  #upperLists = 0;

  /** Throws DimensionError, ParameterError or, where the capacity does not fit below 4 GiB, MemoryLimitError. */
  static create(options: HnswOptions): Hnsw {
    const { dimension, metric = 'l2', codes = HNSW_DEFAULTS.codes } = options;
    const complete: Required<HnswOptions> = {
      ...HNSW_DEFAULTS,
      filter: metric !== 'manhattan' && vectorBytesOf(dimension, codes) > FILTER_ABOVE_BYTES ? 'sign' : 'none',
      alpha: metric === 'dot' ? 1 : 1.1,
      extendCandidates: false,
      keepPruned: false,
      margin: 0,
      buildMargin: 0.3,
      ...options,
      metric,
    };
    checkOptions(complete);
    if (options.capacity === undefined) {
      complete.capacity = Math.min(complete.capacity, capacityThatFits(layoutOf(shapeOf(complete)).plan));
    }
    return new Hnsw(complete);
  }

  private constructor(options: Required<HnswOptions>) {
    const { dimension, metric, capacity, codes, M, efConstruction, alpha } = options;
    this.dimension = dimension;
    this.metric = metric;
    this.capacity = capacity;
    this.#options = options;
    const signed = options.filter === 'sign';
    const layout = layoutOf(shapeOf(options));
    this.layout = layout;
    this.arena = Arena.reserve(capacity, layout.plan, `${capacity} × ${dimension}-D (${codes}, M ${M})`);
    const { kernels, at, f32 } = this.arena;
    this.#query = f32.subarray(at.query >>> 2, (at.query >>> 2) + dimension);
    // Normalized components are no integers.
    this.#form = codes === 'sq7' && metric !== 'cosine' ? 'u8' : codes;
    this.#configureSpace();
    kernels.configurePool(at.pool);
    kernels.configureVisited(at.visited, capacity + 1);
    kernels.configureLinks(layout.vectorBytes, at.upper, layout.upperBytes);
    if (signed) {
      this.#writeFlips();
      const { signBytes, words, rotated } = layout;
      kernels.configureSigns(at.signs, signBytes, words, rotated, at.mean, at.flips, at.rotation, at.planes);
    }
    kernels.configureHnsw(
      at.state,
      M,
      layout.slack,
      efConstruction,
      metric === 'manhattan' || metric === 'dot' ? alpha : alpha * alpha,
      options.extendCandidates,
      options.keepPruned,
      signed,
      options.buildMargin,
      at.queryRecord,
      at.scratch,
      at.discarded,
      at.candidates,
    );
    if (codes === 'sq7') this.#vectors = VectorStore.reserve({ dimension, metric, capacity });
  }

  #configureSpace(): void {
    const { kernels, at } = this.arena;
    const form = FORM_CODES[this.#form];
    kernels.configureSpace(
      this.dimension,
      METRIC_CODES[this.metric],
      form,
      at.records,
      this.layout.recordBytes,
      at.decoded,
    );
  }

  get count(): number {
    return this.#ids.count;
  }

  add(vector: Float32Array, id: number = this.#ids.next()): number {
    checkVector(vector, this.dimension, 'vector');
    this.addBatch(vector, { ids: [id] });
    return id;
  }

  addBatch(vectors: Float32Array, { ids, onProgress }: AddBatchOptions = {}): void {
    const batch = checkBatch(this, vectors, ids, this.#ids);
    const { at } = this.arena;
    batch.rows.forEach((vector, i) => {
      admit(this.arena, at.query, vector, this.metric, `row ${i}`);
    });
    batch.rows.forEach((vector, i) => {
      admit(this.arena, at.query, vector, this.metric, `row ${i}`);
      this.#insert(batch.ids[i]);
      if (onProgress && i % 256 === 255) onProgress(i + 1, batch.rows.length);
    });
    onProgress?.(batch.rows.length, batch.rows.length);
  }

  /**
   * The k nearest to `query` that a beam of efSearch finds; min(k, count) of them, so an empty index returns none. Where the walk
   * is on codes, the best `rerank` candidates (default: k and a few) are compared again on the exact vectors.
   * Throws DimensionError, VectorValueError, or ParameterError (k < 1, efSearch < k, rerank between 1 and k − 1).
   */
  search(query: Float32Array, options: SearchOptions): SearchResult {
    const { k, efSearch } = checkSearch(options);
    checkVector(query, this.dimension, 'query');
    const { kernels, at, u32, f32 } = this.arena;
    const wanted = options.rerank ?? k + Math.ceil(k / 8) + Math.ceil(efSearch / 16);
    if (!Number.isInteger(wanted) || wanted < 0 || (wanted > 0 && wanted < k)) {
      throw new ParameterError({ parameter: 'rerank', got: wanted, want: `0, or an integer of at least k = ${k}` });
    }
    // Floats and bytes are exact as they are walked on.
    const rerank = this.#form === 'sq7' ? wanted : 0;
    admit(this.arena, at.query, query, this.metric, 'query');
    if (this.count === 0)
      return { ids: new Uint32Array(0), distances: new Float32Array(0), work: { distances: 0, hops: 0, estimates: 0 } };
    kernels.resetDistances();
    const ef = Math.min(efSearch, this.count);
    const found = kernels.search(at.query, ef, this.count >= FILTER_FROM, this.#options.margin);
    const listed = Math.min(found, rerank || k);
    kernels.readPool(listed, at.slots, at.distances);
    const work = { distances: kernels.distanceCount(), hops: kernels.hopCount(), estimates: kernels.estimateCount() };
    const slots = copyU32(u32, at.slots, listed);
    if (this.#vectors && rerank > 0) {
      const exact = this.#vectors.nearestOf(this.#query, slots, k);
      work.distances += listed;
      return { ids: this.#ids.translate(exact.slots), distances: exact.distances, work };
    }
    return { ids: this.#ids.translate(slots), distances: copyF32(f32, at.distances, listed), work };
  }

  /** The ids that the node `id` is linked to on `level`; empty above the node's own level. Throws ParameterError for an unknown id. */
  neighbors(id: number, level = 0): Uint32Array {
    const slot = this.#ids.slotOf(id);
    if (slot === undefined)
      throw new ParameterError({ parameter: 'id', got: id, want: 'the id of a vector that is held' });
    return level > this.#node(slot).level ? new Uint32Array(0) : this.#ids.translate(this.#list(slot, level));
  }

  stats(): HnswStats {
    const { dimension, metric, capacity, count } = this;
    const { codes, filter, M, efConstruction, alpha } = this.#options;
    const { recordBytes, upperBytes, signBytes, plan } = this.layout;
    const levels: number[] = [];
    let links = 0;
    for (let slot = 0; slot < count; slot++) {
      const node = this.#node(slot);
      for (let level = 0; level <= node.level; level++) levels[level] = (levels[level] ?? 0) + 1;
      links += this.arena.u32[node.at + 2];
    }
    const reserved = plan(capacity);
    const records = count * recordBytes;
    const signs = count * signBytes;
    const upper = this.#upperLists * upperBytes;
    const vectors = this.#form === 'sq7' ? count * (this.#vectors?.rowBytes ?? 0) : 0;
    const scratch = reserved.scratch + reserved.flips + reserved.discarded + reserved.candidates + count * 1;
    const walkBytes = records + signs + upper + scratch;
    return {
      ...{ count, capacity, dimension, metric, codes, filter, M, efConstruction, alpha, levels },
      meanDegree: count ? links / count : 0,
      ramBytes: { total: walkBytes + vectors, records, signs, upper, vectors, scratch },
      walkBytes,
      hugePages: this.arena.hugePages,
    };
  }

  /** Walks the whole graph and says, a sentence each, what is broken (see `faultsOf`). None: the graph is whole. */
  validate(): string[] {
    const { count } = this;
    if (count === 0) return [];
    const { M, seed } = this.#options;
    const { u32, at } = this.arena;
    const [held, entryPoint, topLevel] = u32.subarray(at.state >>> 2, (at.state >>> 2) + 3);
    return faultsOf({
      ...{ count, held, entryPoint, topLevel },
      mostLinks: (level) => (level === 0 ? 2 : 1) * M + this.layout.slack,
      drawnLevel: (slot) => levelOf(seed, slot, M),
      levelOf: (slot) => this.#node(slot).level,
      linksOf: (slot, level) => this.#list(slot, level),
    });
  }

  /** Links the vector in the arena's `query` region as the next slot. */
  #insert(id: number): void {
    const { kernels, at } = this.arena;
    const slot = this.count;
    const level = levelOf(this.#options.seed, slot, this.#options.M);
    if (this.#form === 'u8' && !kernels.narrow(at.query, at.queryRecord, this.dimension)) this.#leaveBytes();
    if (this.#form === 'sq7') this.#vectors?.row(slot).set(this.#query);
    kernels.insert(at.query, slot, level, this.#upperLists, slot >= FILTER_FROM);
    this.#upperLists += level;
    this.#ids.push(id);
    if (this.#options.filter === 'sign' && RECENTRE_AT.has(this.count)) this.#recentre();
  }

  /** Makes codes of the vectors held as bytes, and keeps the vectors beside. The vector in the `query` region stays. */
  #leaveBytes(): void {
    const { kernels, at, f32 } = this.arena;
    const widened = f32.subarray(at.decoded >>> 2, (at.decoded >>> 2) + this.dimension);
    for (let slot = 0; slot < this.count; slot++) {
      const record = at.records + slot * this.layout.recordBytes;
      kernels.widen(record, at.decoded, this.dimension);
      this.#vectors?.row(slot).set(widened);
      kernels.encode(at.decoded, record, this.dimension);
    }
    this.#form = 'sq7';
    this.#configureSpace();
  }

  /** Moves the filter's centre to the mean of what is held, and encodes all signs anew. */
  #recentre(): void {
    const { kernels, at, f32 } = this.arena;
    const { dimension, count } = this;
    const sum = new Float64Array(dimension);
    for (let slot = 0; slot < count; slot++) {
      const vector = this.#vector(slot);
      for (let j = 0; j < dimension; j++) sum[j] += vector[j];
    }
    for (let j = 0; j < dimension; j++) f32[(at.mean >>> 2) + j] = sum[j] / count;
    kernels.centreMoved();
    for (let slot = 0; slot < count; slot++) {
      f32.set(this.#vector(slot), at.query >>> 2);
      kernels.rotateCentred(at.query);
      kernels.encodeSigns(at.query, slot);
    }
  }

  /** The vector of a slot as it was admitted. */
  #vector(slot: number): Float32Array {
    if (this.#vectors && this.#form === 'sq7') return this.#vectors.row(slot);
    const { at, bytes, f32 } = this.arena;
    const from = at.records + slot * this.layout.recordBytes;
    if (this.#form === 'u8') return Float32Array.from(bytes.subarray(from, from + this.dimension));
    return f32.subarray(from >>> 2, (from >>> 2) + this.dimension);
  }

  #writeFlips(): void {
    const random = new Random(`rotation ${this.#options.seed}`);
    const { at, f32 } = this.arena;
    const n = ROTATION_ROUNDS * this.layout.rotated;
    for (let i = 0; i < n; i++) f32[(at.flips >>> 2) + i] = random.uniform() < 0.5 ? -1 : 1;
  }

  #node(slot: number): { upper: number; level: number; at: number } {
    const { at, u32 } = this.arena;
    const node = (at.records + slot * this.layout.recordBytes + this.layout.vectorBytes) >>> 2;
    return { upper: u32[node], level: u32[node + 1], at: node };
  }

  /** The neighbours of a slot on a level. */
  #list(slot: number, level: number): Uint32Array {
    const { at, u32 } = this.arena;
    const node = this.#node(slot);
    const list = level === 0 ? node.at + 2 : (at.upper + (node.upper + level - 1) * this.layout.upperBytes) >>> 2;
    return u32.slice(list + 1, list + 1 + u32[list]).map((link) => (link & ~KEPT) >>> 0);
  }
}

/**
 * Smaller vectors cost hardly more than their signs do: on 50,000 embedding-like ones the filter made searches 0.8 to 0.9 times as fast
 * on 272 bytes (sq7, 256-D), 1.2 to 1.4 times on 528 (sq7, 512-D), and 1.3 times on 1,024 (f32, 256-D).
 */
const FILTER_ABOVE_BYTES = 512;
/** Below this many vectors there is no mean worth the name, and nothing to save. */
const FILTER_FROM = 1024;
/** The bit of a link that says that pruning must keep it. */
const KEPT = 0x80000000;
const RECENTRE_AT = new Set([1024, 16_384, 262_144]);

/** floor(−ln u · mL) with mL = 1 / ln M and u hashed from (seed, slot), so that replaying inserts draws the same levels. */
export function levelOf(seed: number, slot: number, M: number): number {
  return Math.floor(-Math.log(hashToUnit(seed, slot)) / Math.log(M));
}

function shapeOf(options: Required<HnswOptions>): Shape {
  return { ...options, signed: options.filter === 'sign' };
}

function checkOptions(options: Required<HnswOptions>): void {
  const { metric, codes, filter, M, efConstruction, alpha, seed, margin, buildMargin } = options;
  checkShape(options);
  checkInteger('M', M, 2, 256);
  checkInteger('efConstruction', efConstruction, M, 65_536);
  checkInteger('seed', seed, 0, 2 ** 32 - 1);
  const want = (parameter: string, got: unknown, ok: boolean, want: string) => {
    if (!ok) throw new ParameterError({ parameter, got, want });
  };
  want('codes', codes, codes === 'f32' || codes === 'sq7', 'f32 or sq7');
  want('filter', filter, filter === 'sign' || filter === 'none', 'sign or none');
  want(
    'filter',
    filter,
    filter === 'none' || metric !== 'manhattan',
    'signs estimate inner products: manhattan has none',
  );
  want('alpha', alpha, alpha >= 1 && alpha <= 2, 'a number from 1 to 2');
  want('alpha', alpha, alpha === 1 || metric !== 'dot', 'negated inner products cannot be stretched: 1 under dot');
  for (const [name, value] of Object.entries({ margin, buildMargin })) {
    want(name, value, value >= 0 && value <= 10, 'standard deviations from 0 to 10');
  }
}
