/**
 * Vamana of more vectors than memory holds (Subramanya et al. 2019, "DiskANN", section 4.3: overlapping clusters): k-means cuts
 * the set into shards, each vector goes to its two nearest, a graph is built of every shard, one at a time, and the edges are
 * united. A search crosses from shard to shard through the vectors that are in both.
 *
 * Departures: where a united list is too long, RobustPrune shortens it, with α = 1, and it is filled up to R by lot. (With more
 * α, R is used up on near nodes, and none is left of the long edges that shards have few of anyway: on 10,000 embedding-like
 * vectors in 9 shards, recall@10 with efSearch 20 is 0.795 with α = 1.1, 0.927 with α = 1, 0.944 filled up, and 0.935 in the
 * graph built whole.) A sample of all vectors is one shard more. A tree is marked over the whole, so that every vector can be
 * reached.
 *
 * Nothing but the lists of links is kept of all vectors. They are read from their source in every phase and written to the
 * index's file straight from there.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MemoryLimitError, ParameterError } from '../core/errors.ts';
import { hashToUnit, Random } from '../core/random.ts';
import type { RowSource } from '../core/row-source.ts';
import { checkInteger } from '../graph/checks.ts';
import { type MetaOf, sectionBytes } from '../graph/graph-image.ts';
import { layoutOf, listWords } from '../graph/graph-layout.ts';
import { givenOf } from '../graph/graph-options.ts';
import { FILTER_FROM } from '../graph/graph-thread.ts';
import { ShardRoom } from '../graph/shard-room.ts';
import {
  type AllVamanaOptions,
  completeVamanaOptions,
  type VamanaOptions,
  vamanaShapeOf,
  vamanaSlackOf,
} from '../graph/vamana-options.ts';
import { sharedWords } from '../graph/vamana-steps.ts';
import { growTree } from '../graph/vamana-tree.ts';
import { LengthsSeen, liftOf } from '../graph/walk-space.ts';
import { capacityThatFits, reservedBytes } from '../kernels/memory.ts';
import { rowBytesOf } from '../kernels/vectors.ts';
import { MAX_PAGES, PAGE_BYTES } from '../kernels/wasm.ts';
import { orOutputError, targetOf } from '../storage/atomic-write.ts';
import { writeAnnFile } from '../storage/write-ann-file.ts';
import { Pool } from '../workers/pool.ts';
import { GatheredRows } from './gathered-rows.ts';
import { MergedLists } from './merged-lists.ts';
import { type PartitionPlan, planPartition } from './partition-plan.ts';
import { findCentres } from './shard-centres.ts';
import { COPIES, ShardHomes } from './shard-homes.ts';

export interface PartitionedOptions {
  /**
   * Bytes that the build may hold at a time of all that grows with the vectors, their dimension or the threads' scratch: the room
   * of a shard, the links of all vectors, the sample, what is read and written. Node.js, its threads and what they have
   * not collected yet come on top: 150 to 180 MB with two threads. (Measured: 100 MiB for 100,000 × 1024-D, a quarter of their size,
   * peak at 258 MB of RSS, where 3,000 of them peak at 174.)
   */
  memoryBytes: number;
  /** The most vectors of a shard, 1024 at least. Default: as many as there is memory for. With it, memory and threads do not change the graph. */
  shardRows?: number;
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
  { memoryBytes, shardRows, index = {}, threads = availableParallelism(), onProgress = () => {} }: PartitionedOptions,
): Promise<PartitionedResult> {
  checkInteger('threads', threads, 1, 255);
  checkInteger('rows', source.rows, 1, 2 ** 30);
  const { rows, dimension } = source;
  const given = { ...givenOf({ ...index, dimension }, completeVamanaOptions, 'a Vamana'), threads: threads + 1 };
  const { capacity = rows } = given;
  if (capacity < rows) {
    const want = `at least the ${rows} vectors of the source`;
    throw new ParameterError({ parameter: 'capacity', got: capacity, want });
  }
  const options = completeVamanaOptions({ ...given, capacity });
  checkFits(options);
  const plan = planPartition(rows, options, { memoryBytes, ...(shardRows !== undefined && { mostRows: shardRows }) });
  const target = await targetOf(path);
  const folder = await orOutputError(path, mkdtemp(`${target}.building-`));
  let file: FileHandle | undefined;
  try {
    const listsPath = join(folder, 'lists');
    file = await orOutputError(path, open(listsPath, 'w+'));
    const room = ShardRoom.reserve({ ...given, capacity: plan.shardRows });
    const build = new PartitionedBuild(source, options, plan, room, onProgress);
    const homes = await build.assign(await build.survey(), threads);
    // Only now that the threads of the k-means are gone.
    await using pool = await Pool.start(room, { threads });
    const lists = new MergedLists(rows, listWords(vamanaShapeOf(options).mostLinks), file, listsPath);
    await build.link(pool, homes, lists);
    await build.merge(pool, homes, lists);
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

/** Nodes that are pruned at once, where there is memory for no more. */
const LEAST_CHOICES = 1024;

/** Where the filter's centre is for so many vectors of this sum: fewer are not worth one. */
function centreOf(sum: Float64Array, count: number): Float64Array {
  return sum.map((x) => (count < FILTER_FROM ? 0 : x / count));
}

/**
 * The links that pruning chose and, up to R, others of those that it chose among: any, so that far ones are among them. Those are
 * few in the lists of shards, and lead a walk from shard to shard.
 */
function filled(chosen: Uint32Array, among: Uint32Array, { R, seed }: AllVamanaOptions, lot: number): number[] {
  const links = Array.from(chosen);
  const others = Array.from(among).filter((link) => !links.includes(link));
  for (let i = 0; i < others.length && links.length < R; i++) {
    const drawn = i + Math.floor((1 - hashToUnit(seed ^ lot, i)) * (others.length - i));
    links.push(others[drawn]);
    others[drawn] = others[i];
  }
  return links;
}

class PartitionedBuild {
  readonly #rows: number;
  readonly #dimension: number;
  /** Components of a vector as it is walked on: one more under dot (`graph/walk-space.ts`). */
  readonly #width: number;
  readonly #options: AllVamanaOptions;
  readonly #plan: PartitionPlan;
  readonly #room: ShardRoom;
  readonly #gathered: GatheredRows;
  readonly #say: (phase: PartitionedPhase, done: number, total: number) => void;
  /** Σ of the vectors as they are walked on, when `assign` is through. */
  readonly #sum: Float64Array;
  /** The row that is searched from: it goes to slot 0, and row 0 to its slot. All other rows are their own slots. */
  #start = 0;
  /** How many vectors each shard has. */
  shards: number[] = [];
  pruned = 0;
  meanDegree = 0;

  constructor(
    source: RowSource,
    options: AllVamanaOptions,
    plan: PartitionPlan,
    room: ShardRoom,
    say: (phase: PartitionedPhase, done: number, total: number) => void,
  ) {
    this.#rows = source.rows;
    this.#dimension = source.dimension;
    this.#width = room.thread.space.dimension;
    this.#options = options;
    this.#plan = plan;
    this.#room = room;
    this.#gathered = new GatheredRows(source, plan.blockRows);
    this.#say = say;
    this.#sum = new Float64Array(this.#width);
  }

  /** Looks at every vector, whether it can be held and in which form; returns a sample. */
  async survey(): Promise<Float32Array> {
    const rows = this.#rows;
    const { sampleRows } = this.#plan;
    const width = this.#width;
    const { thread } = this.#room;
    const sample = new Float32Array(sampleRows * width);
    const random = new Random(`sample ${this.#options.seed}`);
    let sampled = 0;
    let fits = true;
    const seen = new LengthsSeen();
    await this.#eachRow('reading', (row, vector) => {
      fits &&= thread.fits();
      if (thread.space.lifted) seen.add(thread.admittedLength());
      // What lifting adds is 0 until the lengths are known.
      for (let j = 0; j < vector.length; j++) this.#sum[j] += vector[j];
      // Selection sampling (Knuth, TAOCP 2, 3.4.2, algorithm S).
      if (random.uniform() * (rows - row) < sampleRows - sampled) sample.set(vector, sampled++ * width);
    });
    if (!fits) this.#room.leaveBytes();
    if (thread.space.lifted) {
      thread.lengths = seen.lengths;
      for (let at = 0; at < sample.length; at += width) {
        thread.admit(sample.subarray(at, at + this.#dimension), 'a sampled row');
        sample.set(thread.admitted, at);
      }
    }
    return sample;
  }

  /** Finds the shards, and for every vector its two nearest that have room. */
  async assign(sample: Float32Array, threads: number): Promise<ShardHomes> {
    const rows = this.#rows;
    const width = this.#width;
    const { seed } = this.#options;
    const { sampleRows, shardRows, shards, blockRows } = this.#plan;
    this.#say('clustering', 0, sampleRows);
    const mean = Float32Array.from(this.#sum, (x) => x / rows);
    // Under dot as a query: so a long vector is the nearest, as the whole build has it.
    const { lengths } = this.#room.thread;
    if (width > this.#dimension) mean[this.#dimension] = liftOf(lengths, lengths.longest ** 2);
    const centres =
      shards === 1
        ? { data: mean, rows: 1, dimension: width }
        : await findCentres(
            { data: sample, rows: sampleRows, dimension: width },
            { shards, mostShare: shardRows / rows, copies: COPIES, seed, threads },
          );
    this.#say('clustering', sampleRows, sampleRows);
    const homes = new ShardHomes(rows, width, { centres, shardRows, seed });
    const points = { data: new Float32Array(blockRows * width), rows: 0, dimension: width };
    const settle = () => {
      homes.settle({ ...points, data: points.data.subarray(0, points.rows * width) });
      points.rows = 0;
    };
    let nearest = Number.POSITIVE_INFINITY;
    let start = mean;
    await this.#eachRow('assigning', (row, vector) => {
      points.data.set(vector, width * points.rows++);
      if (points.rows === blockRows) settle();
      if (width > this.#dimension) this.#sum[this.#dimension] += vector[this.#dimension];
      let distance = 0;
      for (let j = 0; j < this.#width; j++) distance += (vector[j] - mean[j]) ** 2;
      if (distance >= nearest) return;
      nearest = distance;
      this.#start = row;
      start = vector.slice();
    });
    if (points.rows > 0) settle();
    homes.begin(this.#start, start);
    this.shards = homes.shards.map(({ count }) => count);
    return homes;
  }

  /** Builds the graph of each shard. */
  async link(pool: Pool<ShardRoom>, homes: ShardHomes, lists: MergedLists): Promise<void> {
    const room = this.#room;
    const total = this.shards.reduce((sum, count) => sum + count, 0);
    let linked = 0;
    for (const [shard, { count, sum }] of homes.shards.entries()) {
      if (count === 0) continue;
      const members = homes.membersOf(shard);
      room.begin(count, centreOf(sum, count));
      await this.#place(pool, members);
      await pool.perform(
        room.linking(count, (share) => this.#say('linking', linked + Math.floor(share * count), total)),
      );
      for (let i = 0; i < count; i++) {
        const links = room.links(i);
        for (let j = 0; j < links.length; j++) links[j] = members[links[j]];
        await lists.add(members[i], links);
      }
      linked += count;
      this.#say('linking', linked, total);
    }
    await lists.flush();
  }

  /** Prunes what is too long, and marks a tree. */
  async merge(pool: Pool<ShardRoom>, homes: ShardHomes, lists: MergedLists): Promise<void> {
    const rows = this.#rows;
    // Nodes of the same two shards have most of their neighbours in common, so that few vectors are read for many nodes.
    const slots = lists.tooLong.sort((a, b) => homes.groupOf(a) - homes.groupOf(b) || a - b);
    this.pruned = slots.length;
    let done = 0;
    /** Where in the room a slot's vector will be, from 1; 0: nowhere. */
    const places = new Uint32Array(rows);
    // All arrays are made once: a few for every node would be more than all else together before they are collected. The more nodes
    // are pruned at once, the fewer vectors are read again and again; what is noted of them takes half the memory that the sample had.
    const choices = Math.max(LEAST_CHOICES, Math.floor(this.#plan.bytes.sample / (8 * (lists.mostUnited + 2))));
    const most = Math.min(choices, slots.length);
    const targets = sharedWords(most);
    const starts = sharedWords(most + 1);
    const edges = sharedWords(most * lists.mostUnited);
    const held = new Uint32Array(this.#plan.shardRows);
    let [chosen, holds] = [0, 0];
    const hold = (slot: number) => {
      if (places[slot] !== 0) return;
      held[holds++] = slot;
      places[slot] = holds;
    };
    const prune = async () => {
      const here = held.subarray(0, holds).sort((a, b) => this.#swapped(a) - this.#swapped(b));
      for (let i = 0; i < holds; i++) places[here[i]] = i + 1;
      this.#room.begin(holds, new Float64Array(this.#width));
      await this.#place(pool, here);
      for (let i = 0; i < chosen; i++) targets[i] = places[targets[i]] - 1;
      for (let i = 0; i < starts[chosen]; i++) edges[i] = places[edges[i]] - 1;
      await pool.perform([this.#room.choosing(chosen, { targets, starts, edges })]);
      for (let i = 0; i < chosen; i++) {
        const links = filled(
          this.#room.links(targets[i]),
          edges.subarray(starts[i], starts[i + 1]),
          this.#options,
          i + done,
        );
        for (let j = 0; j < links.length; j++) links[j] = here[links[j]];
        lists.set(here[targets[i]], links);
      }
      for (let i = 0; i < holds; i++) places[here[i]] = 0;
      done += chosen;
      [chosen, holds] = [0, 0];
      this.#say('merging', done, slots.length);
    };
    for (const slot of slots) {
      if (chosen === most || holds + 1 + lists.mostUnited > held.length) await prune();
      const count = lists.unite(slot, edges, starts[chosen]);
      targets[chosen] = slot;
      starts[chosen + 1] = starts[chosen] + count;
      hold(slot);
      for (let i = starts[chosen]; i < starts[chosen + 1]; i++) hold(edges[i]);
      chosen++;
    }
    if (chosen > 0) await prune();
    this.#say('merging', slots.length, slots.length);
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
      ...(room.thread.space.lifted && { lengths: room.thread.lengths }),
    };
    room.begin(rows, centreOf(this.#sum, rows));
    const { at, bytes } = room.arena;
    const small = {
      mean: () => bytes.subarray(at.mean, at.mean + 4 * this.#width),
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
        padded.set(this.#room.thread.admitted.subarray(0, this.#dimension), i * stride);
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

  /** These slots' vectors become the first nodes of the room. */
  async #place(pool: Pool<ShardRoom>, slots: Uint32Array): Promise<void> {
    for await (const { vectors, first } of this.#gathered.blocks(slots.length, (i) => this.#swapped(slots[i])))
      await pool.perform([this.#room.placing(vectors, first)]);
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
