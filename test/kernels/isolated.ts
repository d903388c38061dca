/**
 * Kernels in a small memory of their own that is all traps: every byte that was not put there is 0xff, which reads as NaN, as
 * level 255 and as eight bits set, so a kernel that reads beyond its input gives a wrong result; and `call` compares the
 * whole memory with what it was, so one that writes beyond its output is caught too.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Build, instantiate, type Kernels, PAGE_BYTES } from '../../src/kernels/wasm.ts';

/** Whether this engine has relaxed SIMD. */
export const HAS_RELAXED = WebAssembly.validate(
  new Uint8Array(readFileSync(new URL('../../src/kernels/compiled/relaxed.wasm', import.meta.url))),
);

/** Declares the tests of `body` for each build; where relaxed SIMD is missing, one skipped test says so. */
export function onBothBuilds(name: string, body: (build: Build) => void): void {
  for (const build of ['baseline', 'relaxed'] as const) {
    const title = `${name}, ${build} build`;
    if (build === 'relaxed' && !HAS_RELAXED) it.skip(`${title}: this engine has no relaxed SIMD`, () => {});
    else describe(title, () => body(build));
  }
}

const BYTES = 2 * PAGE_BYTES;
const TRAP = 0xff;

export class Isolated<Exports = Kernels> {
  readonly kernels: Exports;
  readonly #bytes: Uint8Array;
  readonly #before: Uint8Array;
  #end = 64;

  /** Of a build of the engine's kernels, or of other exports over the same memory. */
  constructor(instance: Build | ((memory: WebAssembly.Memory) => Exports), bytes = BYTES) {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#bytes = new Uint8Array(memory.buffer);
    this.#before = new Uint8Array(this.#bytes.length);
    this.kernels =
      typeof instance === 'function' ? instance(memory) : (instantiate(memory, instance) as unknown as Exports);
  }

  /** Forgets everything that was put. */
  clear(): this {
    this.#bytes.fill(TRAP);
    this.#end = 64;
    return this;
  }

  /** Copies an array in, `gap` bytes behind the one before, and returns its address. */
  put(data: Float32Array | Uint8Array | Uint32Array, gap = 4): number {
    const at = this.room(data.byteLength, gap);
    this.#bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    return at;
  }

  /** Overwrites what is at an address with arrays, each `stride` bytes behind the one before. */
  fill(at: number, arrays: Uint8Array[], stride: number): void {
    for (const [i, array] of arrays.entries()) this.#bytes.set(array, at + i * stride);
  }

  /** Copies an array to the very end of the memory, where reading on is a trap of the machine. */
  putLast(data: Float32Array | Uint8Array): number {
    const at = this.#bytes.length - data.byteLength;
    this.#bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    return at;
  }

  /** The address of room for an output. */
  room(byteLength: number, gap = 4): number {
    const at = this.#end + gap;
    this.#end = at + byteLength;
    if (this.#end > this.#bytes.length)
      throw new Error(`${this.#end} bytes put into a memory of ${this.#bytes.length}`);
    return at;
  }

  /** Runs `kernel` and sees to it that nothing was written but the `bytes` bytes from `at`. */
  call<Result>(kernel: (kernels: Exports) => Result, { at, bytes }: { at: number; bytes: number } = NOWHERE): Result {
    this.#before.set(this.#bytes);
    const result = kernel(this.kernels);
    const now = Buffer.from(this.#bytes.buffer);
    const before = Buffer.from(this.#before.buffer);
    const written = now.compare(before, 0, at, 0, at) || now.compare(before, at + bytes, undefined, at + bytes);
    if (written !== 0) {
      const first = now.findIndex((byte, i) => byte !== before[i] && (i < at || i >= at + bytes));
      expect.fail(`byte ${first} was written; the output is ${bytes} bytes from ${at}`);
    }
    return result;
  }

  f32(at: number, n: number): Float32Array {
    return new Float32Array(this.#bytes.slice(at, at + n * 4).buffer);
  }

  i32(at: number, n: number): Int32Array {
    return new Int32Array(this.#bytes.slice(at, at + n * 4).buffer);
  }

  u8(at: number, n: number): Uint8Array {
    return this.#bytes.slice(at, at + n);
  }
}

const NOWHERE = { at: 0, bytes: 0 };
