/**
 * The day's AssemblyScript as functions on Float32Arrays. Arguments are copied into WebAssembly's memory for each call: right
 * for checks and notebooks, too slow to be measured, so the benchmark takes the functions on addresses instead (`on`).
 *
 * Around every operand lie sixteen NaN: what is read beside a vector shows up in the result. Operands start wherever they fall, at
 * multiples of 4 bytes, as vectors do that lie end to end. `trace` tells more: each load and store, and whose component it was.
 */
import { UnwrittenHole } from 'annlab/exercises';
import { compile, instrument, STATIC_FROM_BYTE } from './compile.ts';
import type { Access, Distances, Kernels, Simd } from './simd.ts';

/** Compiles solution.ts, exercise.ts or a mutant of them. Throws SyntaxError that names the line where that fails. */
export async function load(path: string): Promise<Simd> {
  const binary = await compile(path);
  const code = new WebAssembly.Module(binary);
  for (const name of ['dot', 'l2', 'l2x4']) {
    if (!WebAssembly.Module.exports(code).some((one) => one.name === name)) {
      throw new SyntaxError(`${path}:1:1: ERROR: it exports no function ${name}`);
    }
  }
  return simdOf(code, new WebAssembly.Module(await instrument(binary)));
}

/** Instantiates a compiled file over a memory. An unwritten hole that is called throws UnwrittenHole. */
export function instantiate<Exports>(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { imports = {}, onAccess }: { imports?: WebAssembly.ModuleImports; onAccess?: OnAccess } = {},
): Exports {
  const given: WebAssembly.ModuleImports = { memory, abort: abortIn(memory), ...imports };
  if (onAccess) {
    given.load_ptr = reporting('load', onAccess);
    given.store_ptr = reporting('store', onAccess);
  }
  const all: WebAssembly.Imports = {};
  for (const one of WebAssembly.Module.imports(module)) {
    all[one.module] ??= {};
    all[one.module][one.name] = given[one.name] ?? passThrough;
  }
  return new WebAssembly.Instance(module, all).exports as Exports;
}

/** What is left of the instrumentation: it hands every value through a function, whose last argument the value is. */
function passThrough(...args: unknown[]): unknown {
  return args.at(-1);
}

type OnAccess = (kind: Access['kind'], address: number, bytes: number) => unknown;

const MEMORY_PAGES = 32;
/** A multiple of 4 and of nothing more: code that needs alignment must not pass by luck. */
const FIRST_BYTE = 1028;
const GUARD_FLOATS = 16;

function simdOf(code: WebAssembly.Module, traced: WebAssembly.Module): Simd {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
  const operands = new Operands(memory);
  const accesses: Access[] = [];
  const recording = instantiate<Kernels>(traced, memory, {
    onAccess: (kind, address, bytes) => accesses.push(operands.access(kind, address, bytes)),
  });
  const ofArrays = distancesOf(recording, operands);
  return {
    ...distancesOf(instantiate<Kernels>(code, memory), operands),
    trace(call) {
      accesses.length = 0;
      call(ofArrays);
      return accesses.slice();
    },
    on: (other) => instantiate<Kernels>(code, other),
  };
}

function distancesOf(kernels: Kernels, operands: Operands): Distances {
  const pair = (distance: Kernels['dot']) => (a: Float32Array, b: Float32Array) => {
    const at = operands.place({ a, b });
    return inMemory(() => distance(at.a, at.b, a.length));
  };
  return {
    dot: pair(kernels.dot),
    l2: pair(kernels.l2),
    l2x4(q, vectors) {
      if (vectors.length !== 4) throw new RangeError(`l2x4 takes four vectors, not ${vectors.length}`);
      const [a, b, c, d] = vectors;
      const at = operands.place({ q, a, b, c, d });
      const out = operands.add('out', 4);
      inMemory(() => kernels.l2x4(at.q, at.a, at.b, at.c, at.d, q.length, out));
      return operands.read(out, 4);
    },
  };
}

/** WebAssembly stops where an address lies outside the memory, and does not say more. */
function inMemory<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    const mend = 'an address counts bytes, a + i with i < bytes, and each loop must move i forward';
    throw new RangeError(`${error.message}: it reads or writes far from its vectors: ${mend}`, { cause: error });
  }
}

/** Vectors in WebAssembly's memory, one after the other, with NaN before and after each. */
class Operands {
  readonly #memory: WebAssembly.Memory;
  #regions: { name: string; from: number; to: number }[] = [];
  #end = FIRST_BYTE;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** Forgets what was placed before. All vectors must have as many components. */
  place<Name extends string>(vectors: Record<Name, Float32Array>): Record<Name, number> {
    const entries = Object.entries<Float32Array>(vectors);
    this.#regions = [];
    this.#end = FIRST_BYTE;
    for (const [name, { length }] of entries) {
      if (length === entries[0][1].length) continue;
      throw new RangeError(`${name} has ${length} components, and ${entries[0][0]} has ${entries[0][1].length}`);
    }
    return Object.fromEntries(entries.map(([name, vector]) => [name, this.add(name, vector.length, vector)])) as Record<
      Name,
      number
    >;
  }

  /** Room for `floats` components, NaN as far as no values are given. */
  add(name: string, floats: number, values: ArrayLike<number> = []): number {
    const from = this.#end + GUARD_FLOATS * 4;
    const to = from + floats * 4;
    if (to + GUARD_FLOATS * 4 > STATIC_FROM_BYTE)
      throw new RangeError(`${floats} components: too many for this memory`);
    const f32 = new Float32Array(this.#memory.buffer);
    f32.fill(Number.NaN, this.#end / 4, to / 4 + GUARD_FLOATS);
    f32.set(values, from / 4);
    this.#end = to;
    this.#regions.push({ name, from, to });
    return from;
  }

  read(address: number, floats: number): Float32Array {
    return new Float32Array(this.#memory.buffer).slice(address / 4, address / 4 + floats);
  }

  /** Whose bytes they are, or, outside, next to whose. */
  access(kind: Access['kind'], address: number, bytes: number): Access {
    const guard = GUARD_FLOATS * 2;
    const nearest = this.#regions.findLast(({ from }) => address >= from - guard) ?? this.#regions[0];
    const { name, from, to } = nearest;
    const inside = address >= from && address + bytes <= to;
    return { kind, bytes, operand: name, component: (address - from) / 4, inside };
  }
}

function reporting(kind: Access['kind'], onAccess: OnAccess) {
  return (_id: number, bytes: number, offset: number, address: number) => {
    onAccess(kind, (address >>> 0) + offset, bytes);
    return address;
  };
}

/** AssemblyScript's `throw`: a message, a file, a line and a column, the texts by address. */
function abortIn(memory: WebAssembly.Memory) {
  return (message: number, file: number, line: number, column: number) => {
    const text = textAt(memory, message);
    const hole = /^hole (\S+) of day (\d+) is not written yet$/.exec(text);
    if (hole) throw new UnwrittenHole(Number(hole[2]), hole[1]);
    throw new Error(`${text || 'it threw'} (${textAt(memory, file)}:${line}:${column})`);
  };
}

/** A string of AssemblyScript: UTF-16, with its length in bytes in front. */
function textAt(memory: WebAssembly.Memory, address: number): string {
  if (address === 0) return '';
  const bytes = new DataView(memory.buffer).getUint32((address >>> 0) - 4, true);
  return new TextDecoder('utf-16le').decode(new Uint8Array(memory.buffer, address >>> 0, bytes));
}
