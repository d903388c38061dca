/**
 * Vamana of more vectors than memory holds (Subramanya et al. 2019, "DiskANN", section 4.3: overlapping clusters): k-means cuts
 * the set into shards, each vector goes to its two nearest, a graph is built of every shard, one at a time, and the edges are
 * united. A search crosses from shard to shard through the vectors that are in both.
 *
 * Departures: where a united list is too long, RobustPrune shortens it, as it does in a graph that is built whole; and a tree
 * is marked over the whole, so that every vector can be reached.
 *
 * Nothing but the lists of links is kept of all vectors. They are read from their source in every phase and written to the
 * index's file straight from there.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MemoryLimitError, ParameterError } from '../core/errors.ts';
import { Random } from '../core/random.ts';
import type { RowSource } from '../core/row-source.ts';
import { checkInteger, MAX_DIMENSION } from '../graph/checks.ts';
import { type MetaOf, sectionBytes } from '../graph/graph-image.ts';
import { layoutOf } from '../graph/graph-layout.ts';
import { FILTER_FROM } from '../graph/graph-thread.ts';
import { type Choice, ShardRoom } from '../graph/shard-room.ts';
import {
  type AllVamanaOptions,
  completeVamanaOptions,
  type VamanaOptions,
  vamanaShapeOf,
  vamanaSlackOf,
} from '../graph/vamana-options.ts';
import { growTree } from '../graph/vamana-tree.ts';
import { capacityThatFits, reservedBytes } from '../kernels/memory.ts';
import { rowBytesOf } from '../kernels/vectors.ts';
import { MAX_PAGES, PAGE_BYTES } from '../kernels/wasm.ts';
import { orOutputError, targetOf } from '../storage/atomic-write.ts';
import { writeAnnFile } from '../storage/write-ann-file.ts';
import { Pool } from '../workers/pool.ts';
import { GatheredRows } from './gathered-rows.ts';
import { MergedLists } from './merged-lists.ts';
import { listWords, type PartitionPlan, planPartition } from './partition-plan.ts';
import { findCentres, storeOf } from './shard-centres.ts';

export interface PartitionedOptions {
  /**
   * Bytes that the build may hold at a time: all that grows with the vectors, with their dimension or with the number of
   * threads' scratch. What Node.js and its threads take with nothing to do, some 100 MB, is not in it.
   */
  memoryBytes: number;
  /** Of the index; its capacity is the number of vectors unless it says more. */
  index?: Omit<VamanaOptions, 'dimension' | 'threads'>;
  /** Default: one a core. */
  threads?: number;
  /** `done` of `total` vectors of the phase have been dealt with; while writing, bytes. */
  onProgress?: (phase: PartitionedPhase, done: number, total: number) => void;
}

export type PartitionedPhase = 'reading' | 'clustering' | 'assigning' | 'linking' | 'merging' | 'writing';

export interface PartitionedResult {
  /** Of the file. */
  bytes: number;
  /** How many vectors each shard has; all together, nearly twice as many as there are. */
  shards: number[];
  /** Vectors whose united lists were too long. */
  pruned: number;
  meanDegree: number;
  plan: PartitionPlan;
}

/**
 * Builds a Vamana of all rows within `memoryBytes` and writes it to `path`, as `save` would; `open` opens it. Ids are the
 * numbers of the rows. A folder beside `path`, which ends in `.building-` and six letters, holds up to R · 6 bytes a row until
 * the end; a process that is killed leaves it. Throws ParameterError, which says how many bytes are needed where they are
 * too few, DimensionError, VectorValueError, OutputError, MemoryLimitError where the index could not be opened, what
 * `source.read` throws, and what `onProgress` does.
 */
export async function buildPartitioned(
  source: RowSource,
  path: string,
  { memoryBytes, index = {}, threads = availableParallelism(), onProgress = () => {} }: PartitionedOptions,
): Promise<PartitionedResult> {
  checkInteger('threads', threads, 1, 255);
  checkInteger('rows', source.rows, 1, 2 ** 30);
  const { rows, dimension } = source;
  if (index.capacity !== undefined && index.capacity < rows) {
    const want = `at least the ${rows} vectors of the source`;
    throw new ParameterError({ parameter: 'capacity', got: index.capacity, want });
  }
  const given = { ...index, dimension, threads: threads + 1 };
  const options = completeVamanaOptions({ ...given, capacity: index.capacity ?? rows });
  checkFits(options);
  const plan = planPartition(rows, options, memoryBytes);
  const target = await targetOf(path);
  const folder = await orOutputError(path, mkdtemp(`${target}.building-`));
  let file: FileHandle | undefined;
  try {
    const listsPath = join(folder, 'lists');
    file = await orOutputError(path, open(listsPath, 'w+'));
    const room = ShardRoom.reserve({ ...given, capacity: plan.shardRows });
    const build = new PartitionedBuild(source, options, plan, room, onProgress);
    const sample = await build.survey();
    await using pool = await Pool.start(room, { threads });
    await build.assign(sample, threads);
    const lists = new MergedLists(rows, listWords(vamanaShapeOf(options)), file, listsPath);
    await build.link(pool, lists);
    await build.merge(pool, lists);
    const bytes = await build.write(pool, lists, path);
    const { shards, pruned, meanDegree } = build;
    return { bytes, shards, pruned, meanDegree, plan };
  } finally {
    await file?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws MemoryLimitError. */
function checkFits(options: AllVamanaOptions): void {
  const { capacity, dimension } = options;
  const { plan } = layoutOf(vamanaShapeOf(options));
  const fits = capacityThatFits(plan);
  if (capacity <= fits) return;
  const shape = `${capacity} × ${dimension}-D (R ${options.R})`;
  throw new MemoryLimitError({
    needBytes: reservedBytes(plan(capacity)),
    limitBytes: MAX_PAGES * PAGE_BYTES,
    fits,
    shape,
  });
}

/** Each vector is in so many shards. */
const COPIES = 2;
/** Centres that a vector is compared with one by one, before all are looked at because those are full. */
const MOST_NEAR = 8;
const NOWHERE = 0xffff;
/** Nodes that are pruned at once, and vectors for it that are read at once, at most as many as a shard has. */
const MOST_CHOICES = 8192;

class PartitionedBuild {
  readonly #source: RowSource;
  readonly #rows: number;
  readonly #dimension: number;
  readonly #options: AllVamanaOptions;
  readonly #plan: PartitionPlan;
  readonly #room: ShardRoom;
  readonly #gathered: GatheredRows;
  readonly #say: (phase: PartitionedPhase, done: number, total: number) => void;
  /** Σ of the vectors, one number a dimension, and the longest one's squared length. */
  readonly #sum: Float64Array;
  #longest = 0;
  /** The row that is searched from: it goes to slot 0, and row 0 to its slot. All other rows are their own slots. */
  #start = 0;
  /** The shards of every slot. */
  readonly #homes: Uint16Array;
  /** Of every shard: how many slots it has, the one nearest to its centre, and Σ of its vectors. */
  #counts = new Uint32Array(0);
  #starts = new Uint32Array(0);
  #sums: Float64Array[] = [];
  pruned = 0;
  meanDegree = 0;

  constructor(
    source: RowSource,
    options: AllVamanaOptions,
    plan: PartitionPlan,
    room: ShardRoom,
    say: (phase: PartitionedPhase, done: number, total: number) => void,
  ) {
    this.#source = source;
    this.#rows = source.rows;
    this.#dimension = source.dimension;
    this.#options = options;
    this.#plan = plan;
    this.#room = room;
    this.#gathered = new GatheredRows(source, plan.blockRows);
    this.#say = say;
    this.#sum = new Float64Array(source.dimension);
    this.#homes = new Uint16Array(COPIES * source.rows).fill(NOWHERE);
  }

  /** How many vectors each shard has. */
  get shards(): number[] {
    return Array.from(this.#counts);
  }

  /** Looks at every vector, whether it can be held and in which form; returns a sample. */
  async survey(): Promise<Float32Array> {
    const rows = this.#rows;
    const { sampleRows } = this.#plan;
    const sample = new Float32Array(sampleRows * this.#pointDimension);
    const random = new Random(`sample ${this.#options.seed}`);
    let sampled = 0;
    let fits = true;
    await this.#eachRow('reading', (row, vector) => {
      fits &&= this.#room.thread.fits();
      let length2 = 0;
      for (let j = 0; j < vector.length; j++) {
        this.#sum[j] += vector[j];
        length2 += vector[j] ** 2;
      }
      this.#longest = Math.max(this.#longest, length2);
      // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
      if (random.uniform() * (rows - row) < sampleRows - sampled) sample.set(vector, sampled++ * this.#pointDimension);
    });
    if (!fits) this.#room.leaveBytes();
    return sample;
  }

  /** Finds the shards, and for every vector its two nearest that have room. */
  async assign(sample: Float32Array, threads: number): Promise<void> {
    const rows = this.#rows;
    const dimension = this.#pointDimension;
    const { sampleRows, shardRows, shards, blockRows } = this.#plan;
    this.#say('clustering', 0, sampleRows);
    for (let i = 0; i < sampleRows; i++) this.#complete(sample.subarray(i * dimension, (i + 1) * dimension));
    const centres =
      shards === 1
        ? { data: Float32Array.from(this.#point(Float32Array.from(this.#sum, (x) => x / rows))), rows: 1, dimension }
        : await findCentres(
            { data: sample, rows: sampleRows, dimension },
            { shards, mostShare: shardRows / rows, copies: COPIES, seed: this.#options.seed, threads },
          );
    this.#say('clustering', sampleRows, sampleRows);
    const count = centres.rows;
    const copies = Math.min(COPIES, count);
    const store = storeOf(centres);
    const counts = new Uint32Array(count);
    const starts = new Uint32Array(count);
    const sums = Array.from({ length: count }, () => new Float64Array(this.#dimension));
    const nearest = new Float32Array(count).fill(Number.POSITIVE_INFINITY);
    const mean = this.#sum.map((x) => x / rows);
    let nearestToMean = Number.POSITIVE_INFINITY;

    const k = Math.min(count, MOST_NEAR);
    const points = { data: new Float32Array(blockRows * dimension), rows: 0, dimension };
    const ids = new Uint32Array(blockRows * k);
    const distances = new Float32Array(blockRows * k);
    const take = (
      row: number,
      vector: Float32Array,
      slots: ArrayLike<number>,
      distances: ArrayLike<number>,
      homes: number,
    ) => {
      for (let i = 0; i < slots.length && homes < copies; i++) {
        const shard = slots[i];
        if (counts[shard] >= shardRows || this.#homes.subarray(COPIES * row, COPIES * row + homes).includes(shard))
          continue;
        this.#homes[COPIES * row + homes++] = shard;
        counts[shard]++;
        const sum = sums[shard];
        for (let j = 0; j < vector.length; j++) sum[j] += vector[j];
        if (distances[i] >= nearest[shard]) continue;
        nearest[shard] = distances[i];
        starts[shard] = row;
      }
      return homes;
    };
    const finish = (before: number) => {
      const n = points.rows;
      store.nearestBatch(points, { from: 0, to: n, count, k }, ids, distances);
      for (let i = 0; i < n; i++) {
        const point = points.data.subarray(i * dimension, (i + 1) * dimension);
        const vector = point.subarray(0, this.#dimension);
        const row = before - n + i;
        const near = [ids.subarray(i * k, (i + 1) * k), distances.subarray(i * k, (i + 1) * k)] as const;
        const homes = take(row, vector, ...near, 0);
        if (homes === copies || k === count) continue;
        const all = store.nearest(point, count, count);
        take(row, vector, all.slots, all.distances, homes);
      }
      points.rows = 0;
    };
    await this.#eachRow('assigning', (row, vector) => {
      points.data.set(this.#point(vector), points.rows * dimension);
      let distance = 0;
      for (let j = 0; j < vector.length; j++) distance += (vector[j] - mean[j]) ** 2;
      if (distance < nearestToMean) {
        nearestToMean = distance;
        this.#start = row;
      }
      if (++points.rows === blockRows || row === rows - 1) finish(row + 1);
    });
    this.#counts = counts;
    this.#sums = sums;
    const homes = this.#homes;
    const [first, start] = [homes.slice(0, COPIES), homes.slice(COPIES * this.#start, COPIES * (this.#start + 1))];
    homes.set(first, COPIES * this.#start);
    homes.set(start);
    this.#starts = starts.map((row) => this.#swapped(row));
  }

  /** Builds the graph of each shard. */
  async link(pool: Pool<ShardRoom>, lists: MergedLists): Promise<void> {
    const room = this.#room;
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    let linked = 0;
    for (let shard = 0; shard < this.#counts.length; shard++) {
      const count = this.#counts[shard];
      if (count === 0) continue;
      const members = this.#membersOf(shard);
      room.begin(
        count,
        this.#sums[shard].map((x) => (count < FILTER_FROM ? 0 : x / count)),
      );
      await this.#place(pool, members, 0);
      await pool.perform(
        room.linking(count, (share) => this.#say('linking', linked + Math.floor(share * count), total)),
      );
      for (let i = 0; i < count; i++)
        await lists.add(
          members[i],
          room.links(i).map((link) => members[link]),
        );
      linked += count;
      this.#say('linking', linked, total);
    }
    await lists.flush();
  }

  /** Prunes what is too long, and marks a tree. */
  async merge(pool: Pool<ShardRoom>, lists: MergedLists): Promise<void> {
    const rows = this.#rows;
    const homes = this.#homes;
    const { waiting } = lists;
    this.pruned = waiting.length;
    // Nodes of the same two shards have most of their neighbours in common, so that few vectors are read for many nodes.
    const pairOf = (i: number) => {
      const [a, b] = homes.subarray(COPIES * waiting[i], COPIES * (waiting[i] + 1));
      return Math.min(a, b) * NOWHERE + Math.max(a, b);
    };
    const order = Uint32Array.from(waiting, (_, i) => i).sort(
      (i, j) => pairOf(i) - pairOf(j) || waiting[i] - waiting[j],
    );
    let done = 0;
    /** Where in the room a slot's vector will be, from 1; 0: nowhere. */
    const places = new Uint32Array(rows);
    let choices: Choice[] = [];
    let slots: number[] = [];
    const prune = async () => {
      const sorted = Uint32Array.from(slots).sort((a, b) => this.#swapped(a) - this.#swapped(b));
      for (const [i, slot] of sorted.entries()) places[slot] = i + 1;
      this.#room.begin(sorted.length, new Float64Array(this.#dimension));
      await this.#place(pool, sorted, 0);
      const local = choices.map(({ slot, among }) => ({
        slot: places[slot] - 1,
        among: among.map((link) => places[link] - 1),
      }));
      await pool.perform([this.#room.choosing(local)]);
      for (const [i, { slot }] of choices.entries())
        lists.set(
          slot,
          this.#room.links(local[i].slot).map((link) => sorted[link]),
        );
      for (const slot of slots) places[slot] = 0;
      done += choices.length;
      choices = [];
      slots = [];
      this.#say('merging', done, order.length);
    };
    for (const i of order) {
      const slot = waiting[i];
      const among = lists.unitedWith(slot, i);
      const wanted = [slot, ...among];
      const fresh = wanted.filter((link) => places[link] === 0);
      if (choices.length === MOST_CHOICES || slots.length + fresh.length > this.#plan.shardRows) await prune();
      for (const link of wanted) {
        if (places[link] !== 0) continue;
        places[link] = 1;
        slots.push(link);
      }
      choices.push({ slot, among });
    }
    if (choices.length > 0) await prune();
    this.#say('merging', order.length, order.length);
    this.#growTree(lists);
    let links = 0;
    for (let slot = 0; slot < rows; slot++) links += lists.words[lists.listAt(slot)];
    this.meanDegree = links / rows;
  }

  /** Writes the file; returns its size. */
  async write(pool: Pool<ShardRoom>, lists: MergedLists, path: string): Promise<number> {
    const rows = this.#rows;
    const room = this.#room;
    const { threads: _, ...options } = this.#options;
    const meta: MetaOf<'vamana'> = {
      ...{ kind: 'vamana', options, count: rows, form: room.thread.form, upperLists: 0, entryPoint: 0, topLevel: 0 },
      ids: this.#start === 0 ? 'slots' : 'listed',
    };
    room.begin(
      rows,
      this.#sum.map((x) => (rows < FILTER_FROM ? 0 : x / rows)),
    );
    const { at, bytes } = room.arena;
    const small = {
      mean: () => bytes.subarray(at.mean, at.mean + 4 * this.#dimension),
      model: () => bytes.subarray(at.model, at.model + room.layout.quantized.modelBytes),
      ids: () => new Uint8Array(Uint32Array.from({ length: rows }, (_, slot) => this.#swapped(slot)).buffer),
      upper: () => new Uint8Array(0),
    };
    const sections = [...sectionBytes(meta)].map(([name, bytes]) => {
      if (name === 'vectors') return { name, bytes, parts: this.#originals() };
      if (name === 'records' || name === 'signs' || name === 'finer')
        return { name, bytes, parts: this.#written(pool, lists, name) };
      return { name, parts: [small[name as keyof typeof small]()] };
    });
    const onProgress = (done: number, total: number) => this.#say('writing', done, total);
    return (await writeAnnFile(path, { meta: { ...meta }, sections, onProgress })).bytes;
  }

  /** A section of the nodes, which are written into the room block by block. */
  async *#written(pool: Pool<ShardRoom>, lists: MergedLists, name: 'records' | 'signs' | 'finer') {
    const room = this.#room;
    // As many as the room has, or a block.
    for await (const { vectors, first, count } of this.#gathered.blocks(this.#rows, (slot) => this.#swapped(slot))) {
      for (let from = 0; from < count; from += this.#plan.shardRows) {
        const here = Math.min(this.#plan.shardRows, count - from);
        await pool.perform([
          room.placing(vectors.subarray(from * this.#dimension, (from + here) * this.#dimension), 0),
        ]);
        for (let i = 0; i < here; i++) room.writeList(i, lists.edges(first + from + i));
        yield room.section(name, here);
      }
    }
  }

  /** The vectors as they are admitted. */
  async *#originals() {
    const stride = rowBytesOf(this.#dimension) / 4;
    const padded = new Float32Array(this.#plan.blockRows * stride);
    for await (const { vectors, count } of this.#gathered.blocks(this.#rows, (slot) => this.#swapped(slot))) {
      for (let i = 0; i < count; i++) {
        this.#room.thread.admit(vectors.subarray(i * this.#dimension, (i + 1) * this.#dimension), 'row');
        padded.set(this.#room.thread.admitted, i * stride);
      }
      yield new Uint8Array(padded.buffer, 0, count * stride * 4);
    }
  }

  #growTree(lists: MergedLists): void {
    growTree({
      ...{ count: this.#rows, words: lists.words, mostKept: vamanaSlackOf(this.#options.R) },
      listAt: (slot) => lists.listAt(slot),
      // The nearest nodes of its own shards, and theirs.
      near: (slot) => {
        const links = lists.links(slot);
        return Uint32Array.from([...links, ...Array.from(links, (link) => [...lists.links(link)]).flat()]);
      },
      addEdge: (slot, edge) => lists.keep(slot, edge),
    });
  }

  /** These slots' vectors become the nodes from `first` on. */
  async #place(pool: Pool<ShardRoom>, slots: Uint32Array, first: number): Promise<void> {
    for await (const block of this.#gathered.blocks(slots.length, (i) => this.#swapped(slots[i])))
      await pool.perform([this.#room.placing(block.vectors, first + block.first)]);
  }

  /** The slots of a shard, in the order of rows but for the one that is searched from. */
  #membersOf(shard: number): Uint32Array {
    const start = this.#starts[shard];
    const members = new Uint32Array(this.#counts[shard]);
    let n = 0;
    members[n++] = start;
    for (let i = 0; i < this.#homes.length; i++) {
      const slot = Math.floor(i / COPIES);
      if (this.#homes[i] === shard && slot !== start) members[n++] = slot;
    }
    return members;
  }

  /**
   * How long the vectors are that clusters are found among. Under inner product they get a component that makes them all equally
   * long: then those with a great product are near each other (Bachrach et al. 2014).
   */
  get #pointDimension(): number {
    return this.#dimension + (this.#options.metric === 'dot' && this.#dimension < MAX_DIMENSION ? 1 : 0);
  }

  /** The vector among which clusters are found, for one that was admitted. */
  #point(vector: Float32Array): Float32Array {
    const point = new Float32Array(this.#pointDimension);
    point.set(vector);
    this.#complete(point);
    return point;
  }

  #complete(point: Float32Array): void {
    if (point.length === this.#dimension) return;
    let length2 = 0;
    for (let j = 0; j < this.#dimension; j++) length2 += point[j] ** 2;
    point[this.#dimension] = Math.sqrt(Math.max(0, this.#longest - length2));
  }

  /** Slot → row and row → slot. */
  #swapped(i: number): number {
    if (i === 0) return this.#start;
    return i === this.#start ? 0 : i;
  }

  /** Every row as it is admitted, in order. */
  async #eachRow(phase: PartitionedPhase, visit: (row: number, vector: Float32Array) => void): Promise<void> {
    const { blockRows } = this.#plan;
    const { thread } = this.#room;
    const dimension = this.#dimension;
    for (let from = 0; from < this.#rows; from += blockRows) {
      const to = Math.min(this.#rows, from + blockRows);
      const block = await this.#gathered.read(from, to);
      for (let row = from; row < to; row++) {
        thread.admit(block.subarray((row - from) * dimension, (row - from + 1) * dimension), `row ${row}`);
        visit(row, thread.admitted);
      }
      this.#say(phase, to, this.#rows);
    }
  }
}
