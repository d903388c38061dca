import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, POLYNOMIAL } from '../../src/core/crc32c.ts';
import { Random } from '../../src/core/random.ts';
import { CRC_ROOM_BYTES } from '../../src/kernels/wasm.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { gaps, seeded } from './samples.ts';

/** Where the kernel begins to fold: 2 · 209 words of 16 bytes; and where it has folded a round and begins the next. */
const FOLD_FROM_BYTES = 2 * 209 * 16;
const ROUND_BYTES = 512 * 16;
const LONGEST = 70_000;

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: FOLD_FROM_BYTES }),
  fc.integer({ min: FOLD_FROM_BYTES - 20, max: FOLD_FROM_BYTES + 20 }),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: -20, max: 20 })).map(([rounds, more]) => {
    return 209 * 16 + rounds * ROUND_BYTES + more;
  }),
  fc.integer({ min: 0, max: LONGEST }),
  fc.constant(65_536),
);
const seeds = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffffffff }));

function randomBytes(length: number, seed: number): Uint8Array {
  const random = new Random(`bytes ${seed}`);
  return Uint8Array.from({ length }, () => random.integer(256));
}

onBothBuilds('crc32c', (build) => {
  const memory = new Isolated(build, 2 ** 18);

  function configured(): number {
    memory.clear();
    const room = memory.room(CRC_ROOM_BYTES, 16);
    memory.call((kernels) => kernels.configureCrc32c(room), { at: room, bytes: CRC_ROOM_BYTES });
    return room;
  }

  function sumOf(room: number, at: number, length: number, seed: number): number {
    return memory.call((kernels) => kernels.crc32c(at, length, seed), { at: room, bytes: CRC_ROOM_BYTES }) >>> 0;
  }

  it('is its twin’s, of any length, wherever it lies, behind any other; and writes nowhere but in its room', () => {
    const property = fc.property(lengths, gaps, seeds, fc.nat(), (length, gap, seed, content) => {
      const room = configured();
      const message = randomBytes(length, content);
      expect(sumOf(room, memory.put(message, gap), length, seed)).toBe(crc32c(message, seed));
    });
    fc.assert(property, seeded(150));
  });

  it('reads no byte beyond the message, even at the end of the memory', () => {
    for (const length of [1, 7, 8, 4096, FOLD_FROM_BYTES + 3, 65_536]) {
      const room = configured();
      const message = randomBytes(length, length);
      expect(sumOf(room, memory.putLast(message), length, 0)).toBe(crc32c(message));
    }
  });

  it('is another one for every flipped bit of a block', () => {
    const room = configured();
    const block = randomBytes(65_536, 1);
    const at = memory.put(block);
    const right = sumOf(room, at, block.length, 0);
    const property = fc.property(fc.nat({ max: block.length * 8 - 1 }), (bit) => {
      const byte = Uint8Array.of(block[bit >>> 3] ^ (1 << (bit & 7)));
      memory.fill(at + (bit >>> 3), [byte], 1);
      const spoiled = memory.kernels.crc32c(at, block.length, 0) >>> 0;
      memory.fill(at + (bit >>> 3), [block.subarray(bit >>> 3, (bit >>> 3) + 1)], 1);
      expect(spoiled).not.toBe(right);
    });
    fc.assert(property, seeded(2000));
    expect(sumOf(room, at, block.length, 0)).toBe(right);
  });
});

describe('what is folded by', () => {
  it('1 + x^14 + x^39 + x^54 + x^144 + x^209 is a multiple of the polynomial, and so it is in x^128', () => {
    for (const bits of [1, 128]) {
      const sum = [0, 14, 39, 54, 144, 209].map((exponent) => power(exponent * bits)).reduce((a, b) => a ^ b);
      expect(sum).toBe(0);
    }
    expect(power(14) ^ power(0)).not.toBe(0);
  });

  /** x^n modulo the polynomial; bit 31 is x^0. */
  function power(n: number): number {
    let rest = 0x80000000;
    for (let i = 0; i < n; i++) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
    return rest | 0;
  }
});
