/**
 * What a distance costs at 1024-D, step by step, and what is left of the gain when the vectors come from ever farther away.
 *
 * All cases measure squared L2 from one query to vectors that lie in one block of memory, in random order. Loops over
 * WebAssembly's kernels run in WebAssembly (`assembly/walk.ts`), those over JavaScript's in JavaScript, so that no case pays for
 * crossing the border except the one that is there to show what that costs. The engine's kernels are compiled from its source,
 * with the features of the build that it chooses on this machine; they run on the same memory as the others.
 */
import { join } from 'node:path';
import { type BenchCase, describeVersions, Random } from 'annlab/lab';
import { compile } from './compile.ts';
import { instantiate, load } from './load.ts';
import * as scalar from './scalar.ts';
import type { Kernels } from './simd.ts';

export const cases = async (): Promise<BenchCase[]> => {
  const block = new Block(FARTHEST_BYTES);
  const [steps, walk, engine] = await Promise.all([
    moduleOf('assembly/steps.ts', 'simd'),
    moduleOf('assembly/walk.ts', 'simd'),
    moduleOf('../../src/kernels/assembly/index.ts', engineFeatures()),
  ]);
  const reference = (await load(join(import.meta.dirname, 'solution.ts'))).on(block.memory);
  const yours = (await load(join(import.meta.dirname, 'exercise.ts'))).on(block.memory);
  const step = instantiate<Record<string, Kernels['l2']>>(steps, block.memory);
  const production = instantiate<EngineKernels>(engine, block.memory);

  /** A case that runs over the vectors of a working set, the next 256 at each call. */
  const over = (group: string, bytes: number, name: string, run: (list: List) => number): BenchCase => {
    const list = block.list(bytes);
    return { group, name, perCall: BATCH, run: () => keep(run(list.next())) };
  };
  const js = (distance: typeof scalar.l2) => (list: List) => {
    let sum = 0;
    for (const at of list.indices()) sum += distance(block.query, block.vectors[at]);
    return sum;
  };
  const one = (distance: Kernels['l2']) => {
    const { oneByOne } = walkOver(walk, block, { distance });
    return (list: List) => oneByOne(QUERY_AT, list.address, BATCH, DIMENSION);
  };
  const four = (distance4: Kernels['l2x4']) => {
    const { fourByFour } = walkOver(walk, block, { distance4 });
    return (list: List) => fourByFour(QUERY_AT, list.address, BATCH, DIMENSION, OUT_AT);
  };
  const called = (distance: Kernels['l2']) => (list: List) => {
    let sum = 0;
    for (const at of list.indices()) sum += distance(QUERY_AT, BLOCK_AT + at * VECTOR_BYTES, DIMENSION);
    return sum;
  };

  const inCache = (name: string, run: (list: List) => number) => over(IN_CACHE, NEAREST_BYTES, name, run);
  return [
    inCache('JavaScript, plain loop', js(scalar.l2)),
    inCache('JavaScript, four sums', js(fourSums)),
    inCache('one lane, one sum', one(step.scalar1)),
    inCache('one lane, four sums', one(step.scalar4)),
    inCache('four lanes, one sum', one(step.lanes1)),
    inCache('four lanes, two sums', one(step.lanes2)),
    inCache('four lanes, four sums', one(step.lanes4)),
    inCache('four lanes, eight sums', one(step.lanes8)),
    inCache('reference dot', one(reference.dot)),
    inCache('reference l2', one(reference.l2)),
    inCache('reference l2, called from JavaScript', called(reference.l2)),
    inCache('reference l2x4', four(reference.l2x4)),
    inCache('yours dot', one(yours.dot)),
    inCache('yours l2', one(yours.l2)),
    inCache('yours l2x4', four(yours.l2x4)),
    inCache('engine dot', one(production.dot)),
    inCache('engine l2', one(production.l2)),
    inCache('engine l2x4', four(production.l2x4Into)),
    ...WORKING_SETS.flatMap(([label, bytes]) => [
      over(label, bytes, 'JavaScript, plain loop', js(scalar.l2)),
      over(label, bytes, 'reference l2', one(reference.l2)),
      over(label, bytes, 'reference l2x4', four(reference.l2x4)),
      over(label, bytes, 'yours l2x4', four(yours.l2x4)),
      over(label, bytes, 'engine l2x4', four(production.l2x4Into)),
    ]),
  ];
};

const IN_CACHE = 'in cache';
const DIMENSION = 1024;
const VECTOR_BYTES = DIMENSION * 4;
/** Distances in one timed call. */
const BATCH = 256;
const MIB = 2 ** 20;
/** Four vectors and the query: what a first-level cache of 32 KiB holds. */
const NEAREST_BYTES = 4 * VECTOR_BYTES;
/** Several times what the last level of a cache holds. */
const FARTHEST_BYTES = 256 * MIB;
const WORKING_SETS: readonly (readonly [string, number])[] = [
  ['16 KiB', NEAREST_BYTES],
  ['128 KiB', 128 * 1024],
  ['512 KiB', 512 * 1024],
  ['2 MiB', 2 * MIB],
  ['8 MiB', 8 * MIB],
  ['32 MiB', 32 * MIB],
  ['128 MiB', 128 * MIB],
  ['256 MiB', FARTHEST_BYTES],
];

/** Behind what the modules keep for themselves (`STATIC_FROM_BYTE`), where the lists of addresses are as well. */
const QUERY_AT = 2 * MIB;
const OUT_AT = QUERY_AT + VECTOR_BYTES;
const LISTS_AT = 3 * MIB;
const BLOCK_AT = 16 * MIB;

/** The query, and vectors end to end, seen from JavaScript and from WebAssembly. */
class Block {
  readonly memory: WebAssembly.Memory;
  readonly query: Float32Array;
  readonly vectors: Float32Array[];
  #listsEnd = LISTS_AT;

  constructor(bytes: number) {
    this.memory = new WebAssembly.Memory({ initial: (BLOCK_AT + bytes) / 65536 });
    const { buffer } = this.memory;
    this.query = new Float32Array(buffer, QUERY_AT, DIMENSION);
    this.vectors = Array.from(
      { length: bytes / VECTOR_BYTES },
      (_, i) => new Float32Array(buffer, BLOCK_AT + i * VECTOR_BYTES, DIMENSION),
    );
    const random = new Random('day 01');
    const fill = (vector: Float32Array) => {
      for (let i = 0; i < DIMENSION; i++) vector[i] = random.normal();
    };
    fill(this.query);
    for (const vector of this.vectors.slice(0, 64)) fill(vector);
    for (let i = 64; i < this.vectors.length; i++) this.vectors[i].set(this.vectors[i % 64]);
  }

  /** The vectors of the first `bytes`, in random order, over and over until there are enough for one call. */
  list(bytes: number): List {
    const vectors = bytes / VECTOR_BYTES;
    const order = new Random(`order ${vectors}`).permutation(vectors);
    const length = Math.max(vectors, BATCH);
    const indices = Uint32Array.from({ length }, (_, i) => order[i % vectors]);
    const addresses = new Uint32Array(this.memory.buffer, this.#listsEnd, length);
    addresses.set(indices.map((i) => BLOCK_AT + i * VECTOR_BYTES));
    const list = new List(indices, this.#listsEnd);
    this.#listsEnd += addresses.byteLength;
    if (this.#listsEnd > BLOCK_AT) throw new Error('the lists do not fit in front of the vectors');
    return list;
  }
}

/** Which vectors come next: their places in the block, and where WebAssembly finds their addresses. */
class List {
  readonly #indices: Uint32Array;
  readonly #address: number;
  #from = -BATCH;

  constructor(indices: Uint32Array, address: number) {
    this.#indices = indices;
    this.#address = address;
  }

  next(): this {
    this.#from += BATCH;
    if (this.#from + BATCH > this.#indices.length) this.#from = 0;
    return this;
  }

  get address(): number {
    return this.#address + this.#from * 4;
  }

  indices(): Uint32Array {
    return this.#indices.subarray(this.#from, this.#from + BATCH);
  }
}

/** What the engine exports under other names. */
interface EngineKernels extends Pick<Kernels, 'dot' | 'l2'> {
  l2x4Into: Kernels['l2x4'];
}

interface Walk {
  oneByOne(query: number, list: number, count: number, n: number): number;
  fourByFour(query: number, list: number, count: number, n: number, out: number): number;
}

/** An instance for each kernel, so that none of them is one among many to the compiler. */
function walkOver(walk: WebAssembly.Module, { memory }: Block, kernels: WebAssembly.ModuleImports): Walk {
  return instantiate<Walk>(walk, memory, { imports: kernels });
}

async function moduleOf(file: string, features: string): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await compile(join(import.meta.dirname, file), features));
}

function engineFeatures(): string {
  return describeVersions().wasm === 'relaxed' ? 'simd,threads,bulk-memory,relaxed-simd' : 'simd,threads,bulk-memory';
}

/** What lanes are not needed for: four sums that take turns, in plain JavaScript. */
function fourSums(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < a.length; i += 4) {
    const d0 = a[i] - b[i];
    const d1 = a[i + 1] - b[i + 1];
    const d2 = a[i + 2] - b[i + 2];
    const d3 = a[i + 3] - b[i + 3];
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
  }
  return s0 + s1 + s2 + s3;
}

/** Keeps results alive, so that no compiler drops the work. */
function keep(value: number): void {
  kept = value;
}
let kept = 0;
export const lastResult = () => kept;
