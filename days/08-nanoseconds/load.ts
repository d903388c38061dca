/**
 * The day's AssemblyScript as functions on codes. Arguments are copied into WebAssembly's memory for each call: right for checks and
 * notebooks, too slow to be measured, so the benchmark takes the functions on addresses instead (`on`).
 *
 * Around every operand lie bytes of 0x55 that belong to nobody. Records lie as in the engine: each begins on a cache line.
 */
import { compile, instrument, STATIC_FROM_BYTE } from '../01-simd/compile.ts';
import { instantiate } from '../01-simd/load.ts';
import type { Code } from './codes.ts';
import { instructionsOf } from './instructions.ts';
import type { Access, Distances, Kernels, Nano } from './nano.ts';

/** Compiles solution.ts, exercise.ts or a mutant of them. Throws SyntaxError that names the line where that fails. */
export async function load(path: string): Promise<Nano> {
  const binary = await compile(path, FEATURES);
  const code = new WebAssembly.Module(binary);
  for (const name of ['recordBytes', 'codeDot', 'dotAdd', 'l2OfCodes', 'distancesTo', 'distancesOneByOne']) {
    if (!WebAssembly.Module.exports(code).some((one) => one.name === name)) {
      throw new SyntaxError(`${path}:1:1: ERROR: it exports no function ${name}`);
    }
  }
  const traced = new WebAssembly.Module(await instrument(binary));
  return nanoOf(code, traced, await instructionsOf(binary, 'dotAdd'));
}

/** Every Node that annlab runs on has relaxed SIMD. What is used of it is exact on all machines: the second operand is below 128. */
export const FEATURES = 'simd,relaxed-simd';

const MEMORY_PAGES = 32;
const FIRST_BYTE = 1024;
const LINE_BYTES = 64;
const GUARD_BYTES = 192;
const GUARD = 0x55;

function nanoOf(code: WebAssembly.Module, traced: WebAssembly.Module, instructions: readonly string[]): Nano {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
  const operands = new Operands(memory);
  const accesses: Access[] = [];
  const recording = instantiate<Kernels>(traced, memory, {
    onAccess: (kind, address, bytes) => accesses.push(operands.access(kind, address, bytes)),
  });
  const ofCodes = distancesOf(recording, operands, () => {
    accesses.length = 0;
  });
  return {
    ...distancesOf(instantiate<Kernels>(code, memory), operands),
    instructions,
    trace(call) {
      accesses.length = 0;
      call(ofCodes);
      return accesses.slice();
    },
    on: (other) => instantiate<Kernels>(code, other),
  };
}

function distancesOf(kernels: Kernels, operands: Operands, placed: () => void = () => {}): Distances {
  const listed = (run: Kernels['distancesTo']) => (query: Code, others: readonly Code[]) => {
    const n = query.codes.length;
    checkLength(n);
    for (const { codes } of others) checkSame(codes.length, n);
    operands.clear();
    const at = others.map((code, i) => operands.add(`#${i}`, recordOf(code), LINE_BYTES));
    const q = operands.add('q', recordOf(query), LINE_BYTES);
    const list = operands.add('list', new Uint8Array(Uint32Array.from(at).buffer));
    const out = operands.add('out', new Uint8Array(others.length * 4).fill(0xff));
    placed();
    inMemory(() => run(q, list, others.length, n, out));
    operands.checkGuards();
    return operands.floats(out, others.length);
  };
  return {
    codeDot(a, b) {
      checkLength(a.length);
      checkSame(b.length, a.length);
      operands.clear();
      // Sixteen bytes at a time, from anywhere: code that needs alignment must not pass by luck.
      const [from, to] = [operands.add('a', a, LINE_BYTES, 3), operands.add('b', b, LINE_BYTES, 7)];
      placed();
      return inMemory(() => kernels.codeDot(from, to, a.length));
    },
    l2OfCodes(fa, fb, integerDot, n) {
      operands.clear();
      const [a, b] = [operands.add('fa', bytesOf(fa)), operands.add('fb', bytesOf(fb))];
      placed();
      return inMemory(() => kernels.l2OfCodes(a, b, integerDot, n));
    },
    distances: listed(kernels.distancesTo),
    oneByOne: listed(kernels.distancesOneByOne),
  };
}

/** What is used of a record: the codes and behind them the factors. */
function recordOf({ codes, factors }: Code): Uint8Array {
  return Uint8Array.from([...codes, ...bytesOf(factors)]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function checkLength(n: number): void {
  if (n === 0 || n % 16 !== 0) throw new RangeError(`${n} codes: the kernels take a multiple of 16`);
}

function checkSame(got: number, want: number): void {
  if (got !== want) throw new RangeError(`one has ${got} codes, and another ${want}`);
}

/** WebAssembly stops where an address lies outside the memory, and does not say more. */
function inMemory<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    const mend = 'an address is one of the arguments and a few bytes more; recordAt(list, j) is that of record j';
    throw new RangeError(`${error.message}: it reads or writes far from its records: ${mend}`, { cause: error });
  }
}

/** Bytes in WebAssembly's memory, one operand after the other, with others' bytes before and after each. */
class Operands {
  readonly #memory: WebAssembly.Memory;
  #regions: { name: string; from: number; to: number }[] = [];
  #end = FIRST_BYTE;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Forgets what was placed before. */
  clear(): void {
    this.#regions = [];
    this.#end = FIRST_BYTE;
  }

  /** Places bytes at a multiple of `align`, and so many bytes further on. */
  add(name: string, bytes: Uint8Array, align = 16, further = 0): number {
    const from = Math.ceil((this.#end + GUARD_BYTES) / align) * align + further;
    const to = from + bytes.length;
    if (to + GUARD_BYTES > STATIC_FROM_BYTE) throw new RangeError(`${name} does not fit into the memory of the checks`);
    const memory = new Uint8Array(this.#memory.buffer);
    memory.fill(GUARD, this.#end, to + GUARD_BYTES);
    memory.set(bytes, from);
    this.#end = to;
    this.#regions.push({ name, from, to });
    return from;
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#memory.buffer).slice(address / 4, address / 4 + count);
  }

  /** Throws where something was written between the operands. */
  checkGuards(): void {
    const memory = new Uint8Array(this.#memory.buffer);
    for (const [i, { name, to }] of this.#regions.entries()) {
      const end = this.#regions[i + 1]?.from ?? to + GUARD_BYTES;
      const at = memory.subarray(to, end).findIndex((byte) => byte !== GUARD);
      if (at !== -1) throw new RangeError(`it wrote ${at} bytes behind the end of ${name}`);
    }
  }

  /** Whose bytes they are, or, outside, next to whose. */
  access(kind: Access['kind'], address: number, bytes: number): Access {
    const { name, from, to } =
      this.#regions.findLast((one) => address >= one.from - GUARD_BYTES / 2) ?? this.#regions[0];
    const inside = address >= from && address + bytes <= to;
    return { kind, address, bytes, operand: name, byte: address - from, inside };
  }
}
