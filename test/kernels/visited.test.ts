import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileInternals, type Internals } from './internals.ts';

const MARKS = 4096;
const CAPACITY = 64;

let kernels: Internals;
let bytes: Uint8Array;

beforeAll(async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  kernels = (await compileInternals('baseline'))(memory);
  bytes = new Uint8Array(memory.buffer);
}, 120_000);

/** Walks over so many nodes each, in which nodes join meanwhile, and what they visit. */
const walks = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: CAPACITY }),
    joined: fc.option(fc.integer({ min: 1, max: CAPACITY }), { nil: 0 }),
    visits: fc.array(fc.nat(), { minLength: 1, maxLength: 12 }),
    /** Walks of a few nodes that come before: stamps are used up. */
    before: fc.constantFrom(0, 1, 250, 254, 255),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('the visited', () => {
  it('are those of this walk, however many nodes there were in the walks before, and whatever others left', () => {
    fc.assert(
      fc.property(walks, fc.integer({ min: 0, max: 255 }), (walks, left) => {
        bytes.fill(left, MARKS, MARKS + CAPACITY);
        kernels.configureVisited(MARKS, CAPACITY);
        for (const { count, joined, visits, before } of walks) {
          for (let i = 0; i < before; i++) {
            kernels.resetVisited(1);
            expect(kernels.visit(0)).toBe(1);
          }
          kernels.resetVisited(count);
          const seen = new Set<number>();
          const visit = (slot: number) => {
            expect(kernels.visit(slot)).toBe(seen.has(slot) ? 0 : 1);
            seen.add(slot);
          };
          for (const drawn of visits) visit(drawn % count);
          if (joined <= count) continue;
          kernels.admitVisits(joined);
          for (const drawn of visits) visit(drawn % joined);
        }
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('take a byte a node, and no more, even of nodes beyond the capacity', () => {
    bytes.fill(0xab, MARKS, MARKS + 2 * CAPACITY);
    kernels.configureVisited(MARKS, CAPACITY);
    for (let i = 0; i < 300; i++) kernels.resetVisited(2 * CAPACITY);
    expect(bytes.subarray(MARKS, MARKS + CAPACITY).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(MARKS + CAPACITY, MARKS + 2 * CAPACITY).every((byte) => byte === 0xab)).toBe(true);
  });
});
