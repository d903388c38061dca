/**
 * What a distance of 1024 components costs: in cache, step by step, in f32 and in bytes; from ever farther away, in a sequence and at
 * random; and from memory, with lines fetched one record at a time or many. `npm run bench -- day 8`, about two minutes.
 *
 * Loops over WebAssembly's kernels run in WebAssembly, 256 distances a call; the engine's kernels are compiled from its source, with
 * the features of the build that it chooses on this machine, and run on the same memory as the others.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type BenchCase, describeVersions } from 'annlab/lab';
import { compile } from '../01-simd/compile.ts';
import { instantiate } from '../01-simd/load.ts';
import { l2 } from '../01-simd/scalar.ts';
import { Block, type List, type Order, OUT_AT, QUERY_AT } from './block.ts';
import { dot } from './codes.ts';
import { FEATURES, load } from './load.ts';

const DIMENSION = 1024;
const F32_BYTES = DIMENSION * 4;
const CODE_BYTES = DIMENSION;
const BIT_BYTES = DIMENSION / 8;
const MIB = 2 ** 20;
/** Distances in one timed call. */
const BATCH = 256;
/** What a search asks for at a time: the neighbours of a node. */
const NEIGHBORS = 32;
/** A few vectors and the query: what a first-level cache of 32 KiB holds. */
const NEAREST_BYTES = 16 * 1024;

/** Where only the kind of output matters, or memory is short, the farthest is nearer. */
const LARGEST_BYTES = process.env.ANNLAB_BENCH === 'brief' || totalmem() < 8 * 2 ** 30 ? 64 * MIB : 1024 * MIB;
const SETS = [16 / 1024, 64 / 1024, 256 / 1024, 1, 4, 16, 64, 256, 1024].filter((mib) => mib * MIB <= LARGEST_BYTES);
const labelOf = (mib: number) => (mib < 1 ? `${mib * 1024} KiB` : mib < 1024 ? `${mib} MiB` : `${mib / 1024} GiB`);
const FAR_BYTES = Math.min(256 * MIB, LARGEST_BYTES);

export const cases = async (): Promise<BenchCase[]> => {
  const [day01, sums, bytes, f32Walk, codeWalk, engine] = await Promise.all([
    moduleOf('../01-simd/assembly/steps.ts', 'simd'),
    moduleOf('assembly/sums.ts', FEATURES),
    moduleOf('assembly/bytes.ts', FEATURES),
    moduleOf('../01-simd/assembly/walk.ts', 'simd'),
    moduleOf('assembly/walk.ts', 'simd'),
    moduleOf('../../src/kernels/assembly/index.ts', engineFeatures()),
  ]);
  const reference = await load(join(import.meta.dirname, 'solution.ts'));
  const yours = await load(join(import.meta.dirname, 'exercise.ts'));
  const wall = new Block(LARGEST_BYTES, { listBytes: Math.max(LARGEST_BYTES / 8, 16 * MIB), huge: true });
  // Where there are no huge pages, there is nothing to compare them with.
  const small = wall.huge ? [new Block(FAR_BYTES, { listBytes: 16 * MIB, huge: false })] : [];
  const { memory } = wall;
  const step = instantiate<Record<string, F32Kernel>>(day01, memory);
  const fused = instantiate<Record<string, F32Kernel>>(sums, memory);
  const byte = instantiate<Record<string, CodeKernel>>(bytes, memory);
  const production = instantiate<EngineKernels>(engine, memory);

  const on = (group: string, name: string, list: List, run: (list: List) => number): BenchCase => ({
    ...{ group, name, perCall: BATCH },
    run: () => keep(run(list)),
  });
  const inF32 = (distance: F32Kernel) => {
    const { oneByOne } = instantiate<Walk>(f32Walk, memory, { imports: { distance } });
    return (list: List) => oneByOne(QUERY_AT, list.next(), BATCH, DIMENSION);
  };
  const inF32x4 = (distance4: EngineKernels['l2x4Into']) => {
    const { fourByFour } = instantiate<Walk>(f32Walk, memory, { imports: { distance4 } });
    return (list: List) => fourByFour(QUERY_AT, list.next(), BATCH, DIMENSION, OUT_AT);
  };
  const inCodes = (kernel: CodeKernel, n = DIMENSION) => {
    const { oneByOne } = instantiate<Walk>(codeWalk, memory, { imports: { dot: kernel } });
    return (list: List) => oneByOne(QUERY_AT, list.next(), BATCH, n);
  };
  const inCodesx4 = (dot4: EngineKernels['codeDotx4Into']) => {
    const { fourByFour } = instantiate<Walk>(codeWalk, memory, { imports: { dot4 } });
    return (list: List) => fourByFour(QUERY_AT, list.next(), BATCH, DIMENSION, OUT_AT);
  };

  const farthest = (name: string, vectorBytes: number, order: Order, run: (list: List) => number) =>
    on(labelOf(SETS[SETS.length - 1]), name, wall.list(LARGEST_BYTES, vectorBytes, order, BATCH), run);

  const nearF32 = wall.list(NEAREST_BYTES, F32_BYTES, 'at random', BATCH);
  const nearCodes = wall.list(NEAREST_BYTES, CODE_BYTES, 'at random', BATCH);
  const nearBits = wall.list(NEAREST_BYTES, BIT_BYTES, 'at random', BATCH);
  const f32 = (name: string, run: (list: List) => number) => on(IN_F32, name, nearF32, run);
  const codes = (name: string, run: (list: List) => number) => on(IN_CODES, name, nearCodes, run);
  const queryF32 = new Float32Array(memory.buffer, QUERY_AT, DIMENSION);
  const queryCodes = new Uint8Array(memory.buffer, QUERY_AT, DIMENSION);
  const vectorsF32 = viewsAt(nearF32, (at) => new Float32Array(memory.buffer, at, DIMENSION));
  const vectorsCodes = viewsAt(nearCodes, (at) => new Uint8Array(memory.buffer, at, DIMENSION));

  return [
    f32('JavaScript, plain loop', () => total(vectorsF32, (vector) => l2(queryF32, vector))),
    ...[1, 2, 4, 8].map((n) => f32(`multiply, then add: ${sumsOf(n)}`, inF32(step[`lanes${n}`]))),
    ...[1, 2, 4, 8].map((n) => f32(`fused: ${sumsOf(n)}`, inF32(fused[`fused${n}`]))),
    f32('engine l2', inF32(production.l2)),
    f32('engine l2, four vectors a call', inF32x4(production.l2x4Into)),

    codes('JavaScript, plain loop', () => total(vectorsCodes, (vector) => dot(queryCodes, vector))),
    codes('any bytes: widened, then dot', inCodes(byte.extended)),
    codes('7 bits: plain SIMD, one sum', inCodes(byte.halves1)),
    codes('7 bits: relaxed_dot, one sum', inCodes(byte.relaxed1)),
    codes('7 bits: relaxed_dot_add, four sums', inCodes(byte.relaxedAdd4)),
    codes('7 bits: reference, four sums', inCodes(reference.on(memory).codeDot)),
    codes('7 bits: yours', inCodes(yours.on(memory).codeDot)),
    codes('engine codeDot', inCodes(production.codeDot)),
    codes('engine codeDot, four vectors a call', inCodesx4(production.codeDotx4Into)),
    on(IN_BITS, 'engine hamming', nearBits, inCodes(production.hamming, BIT_BYTES)),

    ...SETS.flatMap((mib) => {
      const group = labelOf(mib);
      const far = (vectorBytes: number, order: Order) => wall.list(mib * MIB, vectorBytes, order, BATCH);
      return (['in a sequence', 'at random'] as const).flatMap((order) => [
        on(group, `f32 ${order}`, far(F32_BYTES, order), inF32(production.l2)),
        on(group, `7 bits ${order}`, far(CODE_BYTES, order), inCodes(production.codeDot)),
      ]);
    }),
    farthest('f32 at random, four vectors a call', F32_BYTES, 'at random', inF32x4(production.l2x4Into)),
    farthest('7 bits at random, four vectors a call', CODE_BYTES, 'at random', inCodesx4(production.codeDotx4Into)),
    farthest('1 bit in a sequence', BIT_BYTES, 'in a sequence', inCodes(production.hamming, BIT_BYTES)),
    farthest('1 bit at random', BIT_BYTES, 'at random', inCodes(production.hamming, BIT_BYTES)),

    ...[wall, ...small].flatMap((from) => listsOfNeighbors(from, { reference, yours })),
  ];
};

/** Lists of neighbours, 32 a call, as a search has them: whole records with their factors, from memory. */
function listsOfNeighbors(
  block: Block,
  { reference, yours }: Record<'reference' | 'yours', Awaited<ReturnType<typeof load>>>,
): BenchCase[] {
  const { memory, huge } = block;
  const recordBytes = reference.on(memory).recordBytes(DIMENSION);
  const group = `neighbours, ${labelOf(FAR_BYTES / MIB)}, ${huge ? 'huge pages' : 'small pages'}`;
  const list = block.list(FAR_BYTES, recordBytes, 'at random', NEIGHBORS);
  const by = (name: string, nano: typeof reference, way: 'distancesTo' | 'distancesOneByOne'): BenchCase => {
    const distances = nano.on(memory)[way];
    const calls = BATCH / NEIGHBORS;
    return {
      ...{ group, name, perCall: BATCH },
      run() {
        for (let call = 0; call < calls; call++) distances(QUERY_AT, list.next(), NEIGHBORS, DIMENSION, OUT_AT);
      },
    };
  };
  return [
    by('one by one', reference, 'distancesOneByOne'),
    by('touched ahead: reference', reference, 'distancesTo'),
    by('touched ahead: yours', yours, 'distancesTo'),
  ];
}

const IN_F32 = 'f32, in cache';
const IN_CODES = 'codes, in cache';
const IN_BITS = '1 bit, in cache';
const sumsOf = (n: number) => (n === 1 ? 'one sum' : `${['two', 'four', 'eight'][Math.log2(n) - 1]} sums`);

type F32Kernel = (a: number, b: number, n: number) => number;
type CodeKernel = (a: number, b: number, n: number) => number;

interface Walk {
  oneByOne(query: number, list: number, count: number, n: number): number;
  fourByFour(query: number, list: number, count: number, n: number, out: number): number;
}

/** What the engine exports. */
interface EngineKernels {
  l2: F32Kernel;
  l2x4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  codeDot: CodeKernel;
  codeDotx4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  hamming: CodeKernel;
}

async function moduleOf(file: string, features: string): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await compile(join(import.meta.dirname, file), features));
}

function engineFeatures(): string {
  return describeVersions().wasm === 'relaxed' ? 'simd,threads,bulk-memory,relaxed-simd' : 'simd,threads,bulk-memory';
}

/** An ordinary array for each vector, as in a program without WebAssembly. */
function viewsAt<View>(list: List, view: (at: number) => View): View[] {
  return Array.from(list.entries.subarray(0, BATCH), view);
}

function total<View>(vectors: readonly View[], distance: (vector: View) => number): number {
  let sum = 0;
  for (const vector of vectors) sum += distance(vector);
  return sum;
}

/** Keeps results alive, so that no compiler drops the work. */
function keep(value: number): void {
  kept = value;
}
let kept = 0;
export const lastResult = () => kept;
