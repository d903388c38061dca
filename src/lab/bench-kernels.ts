/**
 * What one distance costs: each kernel one vector per call and four per call, from the cache and from memory, beside a plain
 * JavaScript loop. From memory means vectors in random order from a block far larger than any cache: what a graph walk does.
 */
import { Bench } from 'tinybench';
import { Random } from '../core/random.ts';
import { Arena } from '../kernels/memory.ts';
import type { Kernels } from '../kernels/wasm.ts';

export interface KernelCost {
  kernel: string;
  vectorBytes: number;
  /** Nanoseconds per distance, medians; null where there is no such kernel. */
  cacheOne: number;
  cacheFour: number | null;
  memoryOne: number;
  memoryFour: number | null;
}

export interface KernelBench {
  dimension: number;
  /** What calling from JavaScript into WebAssembly costs, contained in every figure that is not the loop's. */
  callNs: number;
  hugePages: boolean;
  costs: KernelCost[];
}

export interface KernelBenchOptions {
  dimension?: number;
  /** The block that is read from in random order. Default 256 MiB. */
  memoryBytes?: number;
  /** How long one measurement takes. Default 100. */
  milliseconds?: number;
  /** Every kernel takes its turn this often; the median counts. Default 5. */
  rounds?: number;
  onProgress?: (done: number, total: number) => void;
}

export async function benchKernels(options: KernelBenchOptions = {}): Promise<KernelBench> {
  const { dimension = 1024, memoryBytes = 256 * 2 ** 20, milliseconds = 100, rounds = 5, onProgress } = options;
  const arena = Arena.reserve(memoryBytes, (bytes) => ({ query: 4096 * 4, out: 64, block: bytes }), 'a block to read');
  fill(arena);
  const subjects = subjectsOf(arena, dimension);
  const cells = subjects.flatMap((subject) =>
    PLACES.flatMap((place) =>
      WIDTHS.filter((width) => subject[width]).map((width) => ({ subject, place, width, ns: [] as number[] })),
    ),
  );
  // The compiler takes its time with the JavaScript loop, on a busy machine seconds: it must be over before anything counts.
  for (const { one, vectorBytes } of subjects)
    await nsPerDistance(one, addresses(arena.at.block, 4, vectorBytes), milliseconds * 5);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { subject, place, width, ns }] of cells.entries()) {
      const fit = Math.floor((place === 'cache' ? CACHE_BYTES : memoryBytes) / subject.vectorBytes);
      const vectors = Math.min(Math.max(fit & ~3, 4), MOST_VECTORS);
      const at = addresses(arena.at.block, vectors, subject.vectorBytes);
      ns.push(await nsPerDistance(subject[width]!, at, milliseconds));
      onProgress?.(round * cells.length + i + 1, rounds * cells.length);
    }
  }
  const callNs = await nsPerDistance(
    oneOf(arena, arena.kernels.dot, 1),
    addresses(arena.at.block, 4, 64),
    milliseconds,
  );
  const cost = (subject: Subject, place: Place, width: Width) => {
    const cell = cells.find((one) => one.subject === subject && one.place === place && one.width === width);
    return cell ? cell.ns.sort((a, b) => a - b)[Math.floor(rounds / 2)] : null;
  };
  const costs = subjects.map((subject) => ({
    kernel: subject.kernel,
    vectorBytes: subject.vectorBytes,
    cacheOne: cost(subject, 'cache', 'one')!,
    cacheFour: cost(subject, 'cache', 'four'),
    memoryOne: cost(subject, 'memory', 'one')!,
    memoryFour: cost(subject, 'memory', 'four'),
  }));
  return { dimension, callNs, hugePages: arena.hugePages, costs };
}

type BenchArena = Arena<'query' | 'out' | 'block'>;
type Place = 'cache' | 'memory';
type Width = 'one' | 'four';
const PLACES: readonly Place[] = ['cache', 'memory'];
const WIDTHS: readonly Width[] = ['one', 'four'];
/** A few vectors that a first-level cache holds together with the query. */
const CACHE_BYTES = 16 * 1024;
const MOST_VECTORS = 2 ** 20;
/** Distances in one timed call: enough that the clock does not count, few enough that V8 optimizes the call as a whole. */
const BATCH = 128;

/** One kernel: each function runs over all addresses and returns something that depends on all results. */
interface Subject {
  kernel: string;
  vectorBytes: number;
  one: (at: Uint32Array) => number;
  four?: (at: Uint32Array) => number;
}

function subjectsOf(arena: BenchArena, dimension: number): Subject[] {
  const { kernels, at, f32 } = arena;
  const four = (distances: Kernels['l2x4Into'], n: number) => (addresses: Uint32Array) => {
    const { query, out } = at;
    let sum = 0;
    for (let i = 0; i < addresses.length; i += 4) {
      distances(query, addresses[i], addresses[i + 1], addresses[i + 2], addresses[i + 3], n, out);
      sum += f32[out >>> 2];
    }
    return sum;
  };
  const f32Bytes = dimension * 4;
  // Ordinary arrays, one view a vector, as in a program without WebAssembly.
  const plain = new Float32Array(f32.subarray(at.block >>> 2, f32.length));
  const plainQuery = f32.slice(at.query >>> 2, (at.query >>> 2) + dimension);
  const plainVectors = Array.from({ length: Math.min(Math.floor(plain.length / dimension), MOST_VECTORS) }, (_, i) =>
    plain.subarray(i * dimension, (i + 1) * dimension),
  );
  const loop = (addresses: Uint32Array) => {
    let sum = 0;
    for (let i = 0; i < addresses.length; i++) {
      sum += plainL2(plainQuery, plainVectors[(addresses[i] - at.block) / f32Bytes], dimension);
    }
    return sum;
  };
  const codeBytes = Math.ceil(dimension / 16) * 16;
  const bitBytes = Math.ceil(dimension / 128) * 16;
  return [
    { kernel: 'JavaScript loop, l2 f32', vectorBytes: f32Bytes, one: loop },
    {
      kernel: 'l2 f32',
      vectorBytes: f32Bytes,
      one: oneOf(arena, kernels.l2, dimension),
      four: four(kernels.l2x4Into, dimension),
    },
    {
      kernel: 'dot f32',
      vectorBytes: f32Bytes,
      one: oneOf(arena, kernels.dot, dimension),
      four: four(kernels.dotx4Into, dimension),
    },
    {
      kernel: 'manhattan f32',
      vectorBytes: f32Bytes,
      one: oneOf(arena, kernels.manhattan, dimension),
      four: four(kernels.manhattanx4Into, dimension),
    },
    {
      kernel: 'dot of 7-bit codes',
      vectorBytes: codeBytes,
      one: oneOf(arena, kernels.codeDot, codeBytes),
      four: four(kernels.codeDotx4Into, codeBytes),
    },
    {
      kernel: 'hamming of sign bits',
      vectorBytes: bitBytes,
      one: oneOf(arena, kernels.hamming, bitBytes),
      four: four(kernels.hammingx4Into, bitBytes),
    },
  ];
}

function oneOf({ at }: BenchArena, distance: (a: number, b: number, n: number) => number, n: number): Subject['one'] {
  return (addresses) => {
    const { query } = at;
    let sum = 0;
    for (let i = 0; i < addresses.length; i++) sum += distance(query, addresses[i], n);
    return sum;
  };
}

function plainL2(a: Float32Array, b: Float32Array, dimension: number): number {
  let sum = 0;
  for (let j = 0; j < dimension; j++) {
    const difference = a[j] - b[j];
    sum += difference * difference;
  }
  return sum;
}

async function nsPerDistance(run: (at: Uint32Array) => number, at: Uint32Array, milliseconds: number): Promise<number> {
  let from = 0;
  const next = () => {
    if (from + BATCH > at.length) from = 0;
    from += BATCH;
    return at.subarray(from - BATCH, from);
  };
  const bench = new Bench({ time: milliseconds, warmupTime: milliseconds / 3, iterations: 8, warmupIterations: 2 });
  bench.add('distances', () => sink(run(next())), { async: false });
  const [task] = await bench.run();
  if (!('latency' in task.result)) throw new Error(`the measurement failed: ${task.result.state}`);
  return (task.result.latency.p50 * 1e6) / BATCH;
}

/** Keeps a result alive, so that no compiler drops the work. */
function sink(value: number): void {
  kept = value;
}
let kept = 0;
export const lastResult = () => kept;

/** Every vector's address in random order, over and over until there are enough for one timed call. */
function addresses(block: number, vectors: number, vectorBytes: number): Uint32Array {
  const order = new Random(`addresses ${vectors}`).permutation(vectors);
  const times = Math.ceil(BATCH / vectors);
  return Uint32Array.from({ length: times * vectors }, (_, i) => block + order[i % vectors] * vectorBytes);
}

/** Values that are good vectors, good codes (bytes in 0 … 127) and good bits alike: drawn for a mebibyte and then copied. */
function fill({ bytes, f32, at }: BenchArena): void {
  const random = new Random('bench');
  const first = at.query >>> 2;
  const drawn = Math.min(2 ** 18, f32.length - first);
  for (let i = 0; i < drawn; i++) f32[first + i] = random.uniform();
  for (let i = 0; i < drawn * 4; i++) bytes[at.query + i] &= 0x7f;
  for (let to = at.query + drawn * 4; to < bytes.length; to += drawn * 4) {
    bytes.copyWithin(to, at.query, Math.min(at.query + drawn * 4, at.query + bytes.length - to));
  }
}
