import { createRequire } from 'node:module';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AddressSpaceError, MemoryLimitError } from '../../src/core/errors.ts';
import { Arena, capacityThatFits } from '../../src/kernels/memory.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { FORM_CODES, METRIC_CODES } from '../../src/kernels/vectors.ts';
import { instantiate } from '../../src/kernels/wasm.ts';
import { onBothBuilds } from './isolated.ts';
import { seeded, sumError, vectorOf } from './samples.ts';

/** One memory ends a page below 4 GiB. */
const LIMIT_BYTES = 65535 * 65536;

const plans = fc
  .array(fc.record({ perVector: fc.integer({ min: 0, max: 20_000 }), fixed: fc.integer({ min: 0, max: 1e6 }) }), {
    minLength: 1,
    maxLength: 8,
  })
  .filter((regions) => regions.some(({ perVector }) => perVector > 0))
  .map((regions) => (capacity: number) => {
    return Object.fromEntries(regions.map(({ perVector, fixed }, i) => [`r${i}`, capacity * perVector + fixed]));
  });

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('layout', () => {
  it('regions begin on cache lines, follow one another without overlap, leave address 0 free, and fit', () => {
    const property = fc.property(plans, fc.integer({ min: 1, max: 2000 }), (plan, capacity) => {
      const { at, memory, bytes } = Arena.reserve(capacity, plan, 'a test');
      const sizes = plan(capacity);
      let end = 1;
      for (const name of Object.keys(sizes)) {
        expect(at[name] % 64).toBe(0);
        expect(at[name]).toBeGreaterThanOrEqual(end);
        end = at[name] + sizes[name];
      }
      expect(end).toBeLessThanOrEqual(bytes.length);
      expect(bytes.length - end).toBeLessThan(65536 + 64);
      expect(() => memory.grow(1)).toThrow(RangeError);
    });
    fc.assert(property, seeded(60));
  });

  it('a fresh arena is all zeros', () => {
    const { bytes } = Arena.reserve(1000, (n) => ({ rows: n * 64 }), 'a test');
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('the 4 GiB limit', () => {
  it('says how many vectors of this shape fit; that many do, one more does not', () => {
    const property = fc.property(plans, (plan) => {
      const most = capacityThatFits(plan);
      const arena = Arena.reserve(most, plan, 'as many as fit');
      expect(arena.bytes.length).toBeLessThanOrEqual(LIMIT_BYTES);
      const error = errorOf(() => Arena.reserve(most + 1, plan, '7 × 5-D f32'));
      expect(error).toBeInstanceOf(MemoryLimitError);
      expect(error.fits).toBe(most);
      expect(error.code).toBe('MEMORY_LIMIT');
      expect(error.message).toMatch(
        /^7 × 5-D f32 needs \d+ bytes .* ends at 4294901760: \d+ vectors of this shape fit; lower/,
      );
      expect(error.message).toContain(`: ${most} vectors of this shape fit`);
      const needBytes = Number(/needs (\d+) bytes/.exec(error.message)?.[1]);
      expect(needBytes).toBeGreaterThan(LIMIT_BYTES);
    });
    fc.assert(property, seeded(40));
  });

  it('where not even the fixed regions fit, none does', () => {
    const error = errorOf(() => Arena.reserve(1, (n) => ({ fixed: 5e9, rows: n }), 'too much'));
    expect(error.fits).toBe(0);
  });

  it('where the system refuses the address space it says so, and what would help', () => {
    const { Memory } = WebAssembly;
    vi.spyOn(WebAssembly, 'Memory').mockImplementation(function refuse() {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory');
    } as unknown as typeof Memory);
    try {
      const reserve = () => Arena.reserve(1000, (n) => ({ rows: n * 64 }), '1000 × 16-D f32');
      expect(reserve).toThrow(AddressSpaceError);
      expect(reserve).toThrow(/^1000 × 16-D f32: the system refuses to reserve 131072 bytes.*ulimit -v/);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe('huge pages', () => {
  const reserve = () => Arena.reserve(2 ** 24, (n) => ({ rows: n }), 'a test');

  function expectWorks({ kernels, f32, at }: ReturnType<typeof reserve>) {
    f32.fill(2, at.rows / 4, at.rows / 4 + 32);
    expect(kernels.dot(at.rows, at.rows, 32)).toBe(128);
  }

  it('works without, where they are refused by the environment', () => {
    vi.stubEnv('ANNLAB_HUGE_PAGES', '0');
    const arena = reserve();
    expect(arena.hugePages).toBe(false);
    expectWorks(arena);
  });

  it('works without, where the foreign function library does not load', async () => {
    const { cache, resolve } = createRequire(import.meta.url);
    const file = resolve('koffi');
    const before = cache[file];
    const broken = {
      get exports(): never {
        throw new Error('no binary for this system');
      },
    };
    cache[file] = broken as unknown as NodeJS.Module;
    try {
      vi.resetModules();
      const fresh = await import('../../src/kernels/memory.ts');
      const arena = fresh.Arena.reserve(2 ** 24, (n) => ({ rows: n }), 'a test');
      expect(arena.hugePages).toBe(false);
      expectWorks(arena);
    } finally {
      if (before) cache[file] = before;
      else delete cache[file];
    }
  });

  it('works with, where the system has them', () => {
    const arena = reserve();
    if (process.platform !== 'linux') expect(arena.hugePages).toBe(false);
    expectWorks(arena);
  });
});

onBothBuilds('addresses above 2 GiB', (build) => {
  const HIGH = 3 * 2 ** 30;
  const n = 101;

  it('every kernel reads and writes there as it does below', () => {
    // Small pages: with huge ones every touch would cost 2 MiB.
    vi.stubEnv('ANNLAB_HUGE_PAGES', '0');
    const { memory, f32, bytes } = Arena.reserve(HIGH + 2 ** 26, (size) => ({ block: size }), 'a large block');
    const kernels = instantiate(memory, build);
    const vectors = Array.from({ length: 5 }, (_, seed) => vectorOf(n, { kind: 'normal', seed }));
    const at = vectors.map((_, i) => HIGH + 4096 * i);
    for (const [i, vector] of vectors.entries()) f32.set(vector, at[i] >>> 2);
    const out = HIGH + 2 ** 25;
    const [q, a, b, c, d] = at;
    for (const [one, four, distance] of [
      ['l2', 'l2x4Into', scalar.l2],
      ['dot', 'dotx4Into', scalar.dot],
      ['manhattan', 'manhattanx4Into', scalar.manhattan],
    ] as const) {
      const twin = vectors.slice(1).map((vector) => distance(vectors[0], vector));
      const bound = sumError(n, 4 * n);
      kernels[four](q, a, b, c, d, n, out);
      for (let i = 0; i < 4; i++) {
        expect(Math.abs(kernels[one](q, at[i + 1], n) - twin[i])).toBeLessThan(bound);
        expect(Math.abs(f32[out / 4 + i] - twin[i])).toBeLessThan(bound);
      }
    }
    expect(kernels.norm2(q, n)).toBeCloseTo(scalar.norm2(vectors[0]), 10);
    kernels.scale(q, n, 0.5);
    expect(f32[q / 4 + n - 1]).toBe(vectors[0][n - 1] / 2);
    f32.set(vectors[0], q / 4);
    kernels.encode(q, out, n);
    const code = scalar.encode(vectors[0]);
    expect(bytes.slice(out, out + n)).toEqual(code.levels);
    kernels.decode(out, a, n);
    expect(f32.slice(a / 4, a / 4 + n)).toEqual(scalar.decode(code));
    expect(kernels.codeDot(out, out, 112)).toBe(scalar.codeDot(code.levels, code.levels));
    const [first, second] = [0, 4096].map((from) => bytes.slice(q + from, q + from + 400));
    expect(kernels.hamming(q, q + 4096, 400)).toBe(scalar.hamming(first, second));
    const flips = new Float32Array(128).fill(-1);
    f32.set(flips, b / 4);
    f32.fill(0, c / 4, c / 4 + 64);
    f32[c / 4] = 8;
    kernels.rotate(c, 64, b, 1);
    expect(Array.from(f32.slice(c / 4, c / 4 + 64))).toEqual(new Array(64).fill(-1));
  });

  it('a scan reads records and writes its pool there', () => {
    vi.stubEnv('ANNLAB_HUGE_PAGES', '0');
    const { memory, f32, u32 } = Arena.reserve(HIGH + 2 ** 26, (size) => ({ block: size }), 'a large block');
    const kernels = instantiate(memory, build);
    const recordBytes = 2 ** 30;
    // Three records a gigabyte apart: the last begins at 2 GiB and more.
    for (let i = 0; i < 3; i++) f32[(2 ** 20 + i * recordBytes) / 4] = 10 * i;
    const [query, pool, scratch, slots, distances] = [1, 2, 3, 4, 5].map((i) => HIGH + i * 4096);
    f32[query / 4] = 19;
    kernels.configureSpace(1, METRIC_CODES.l2, FORM_CODES.f32, 2 ** 20, recordBytes, 0);
    kernels.configurePool(pool);
    expect(kernels.scan(query, pool, 2, 0, 0, 3, scratch)).toBe(2);
    kernels.readPool(2, slots, distances);
    expect(Array.from(u32.slice(slots / 4, slots / 4 + 2))).toEqual([2, 1]);
    expect(Array.from(f32.slice(distances / 4, distances / 4 + 2))).toEqual([1, 81]);
  });
});

function errorOf(run: () => unknown): MemoryLimitError {
  try {
    run();
  } catch (error) {
    return error as MemoryLimitError;
  }
  return expect.fail('nothing was thrown');
}
