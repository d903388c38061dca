/** Levels of RaBitQ codes: their layout, and inner products that are exact whatever the machine has for them. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import type { Build } from '../../src/kernels/wasm.ts';
import { rabitqCodeBytes } from '../../src/quantize/rabitq.ts';
import { ASSEMBLY, compileKernels, instantiateOver } from './compile-kernels.ts';
import { HAS_RELAXED, Isolated, onBothBuilds } from './isolated.ts';
import { integersOf, levelsOf } from './rabitq-layout.ts';
import { seeded } from './samples.ts';

interface Levels {
  configureLevels(bits: number, rotated: number, levels: number, query: number): void;
  pack(payload: number): void;
  unpack(payload: number): void;
  levelDot(payload: number): number;
  levelDotx4Into(a: number, b: number, c: number, d: number, out: number): void;
}

const ENTRY = `
import { levelDotx4 } from '${ASSEMBLY}/rabitq-levels';
export { configureLevels, levelDot, pack, unpack } from '${ASSEMBLY}/rabitq-levels';
export function levelDotx4Into(a: usize, b: usize, c: usize, d: usize, out: usize): void {
  v128.store(out, levelDotx4(a, b, c, d));
}
`;

/** `fusedDot`: whether the machine is to be taken for one that has the dot product in one instruction. */
async function compile(build: Build, fusedDot: boolean): Promise<Isolated<Levels>> {
  const choice = /const fusedDot: bool =[^;]*;/;
  const edit = (name: string, source: string) => {
    if (name !== 'codes.ts') return source;
    expect(source).toMatch(choice);
    return source.replace(choice, `const fusedDot: bool = ${fusedDot};`);
  };
  const module = await compileKernels({ build, entry: ENTRY, edit });
  return new Isolated<Levels>((memory) => instantiateOver(module, memory));
}

const shapes = fc.record({
  bits: fc.integer({ min: 1, max: 8 }),
  /** Odd and even numbers of 64 dimensions take different ways. */
  rotated: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 64 })).map((words) => words * 64),
  seed: fc.nat(),
});

function payloadBytes(bits: number, rotated: number): number {
  return rabitqCodeBytes(rotated, bits) - 16;
}

/** Of random levels and queries, and where all are the greatest: next to what 16 bits hold, and i32 for 8 bits. */
function expectExactDots(memory: Isolated<Levels>): void {
  const property = fc.property(shapes, ({ bits, rotated, seed }) => {
    const random = new Random(`levels ${seed}`);
    const greatest = seed % 3 === 0;
    const sign = random.uniform() < 0.5 ? -1 : 1;
    const most = bits === 8 ? 2047 : 127;
    const integer = () => (greatest ? sign * most : random.integer(2 * most + 1) - most);
    const words = Int16Array.from({ length: rotated }, integer);
    const bytes = bits === 8 ? new Uint8Array(words.buffer) : new Uint8Array(Int8Array.from(words).buffer);
    const planes = Uint8Array.from({ length: rotated / 2 }, () => (greatest ? 255 : random.integer(256)));
    const written = bits === 1 ? planes : bytes;
    const query = memory.clear().put(written);
    memory.kernels.configureLevels(bits, rotated, memory.room(rotated), query);
    const most7 = bits === 7 ? 127 : 255;
    const codes = [0, 1, 2, 3].map(() =>
      Uint8Array.from({ length: payloadBytes(bits, rotated) }, () => (greatest ? 255 : random.integer(256)) & most7),
    );
    const at = codes.map((code) => memory.put(code, 16));
    const v = integersOf(Uint8Array.from(written), bits, rotated);
    const truth = codes.map((code) => {
      const levels = levelsOf(code, bits, rotated);
      if (bits > 1) return levels.reduce((sum, level, i) => sum + level * v[i], 0) | 0;
      // Half of Σ (±1) v, less the half of 15 R.
      return (levels.reduce((sum, level, i) => sum + (2 * level - 1) * v[i], 0) - 15 * rotated) / 2;
    });
    expect(at.map((code) => memory.call((kernels) => kernels.levelDot(code)))).toEqual(truth);
    const out = memory.room(16);
    const [a, b, c, d] = at;
    memory.call((kernels) => kernels.levelDotx4Into(a, b, c, d, out), { at: out, bytes: 16 });
    expect(Array.from(memory.i32(out, 4))).toEqual(truth);
  });
  fc.assert(property, seeded(300));
}

onBothBuilds('levels of RaBitQ codes', (build) => {
  let memory: Isolated<Levels>;
  beforeAll(async () => {
    memory = await compile(build, false);
  }, 120_000);

  it('lie where the table says, padded with zeros, and come back', () => {
    const property = fc.property(shapes, ({ bits, rotated, seed }) => {
      const random = new Random(`packed ${seed}`);
      const levels = Uint8Array.from({ length: rotated }, () => random.integer(2 ** bits));
      const at = memory.clear().put(levels);
      const bytes = payloadBytes(bits, rotated);
      const payload = memory.room(bytes);
      memory.kernels.configureLevels(bits, rotated, at, memory.room(2 * rotated));
      memory.call((kernels) => kernels.pack(payload), { at: payload, bytes });
      const stored = memory.u8(payload, bytes);
      expect(levelsOf(stored, bits, rotated)).toEqual(levels);
      const used = (rotated * (bits < 7 ? bits : 8)) / 8;
      expect(stored.subarray(used).every((byte) => byte === 0)).toBe(true);
      memory.fill(at, [new Uint8Array(rotated).fill(255)], 0);
      memory.call((kernels) => kernels.unpack(payload), { at, bytes: rotated });
      expect(memory.u8(at, rotated)).toEqual(levels);
    });
    fc.assert(property, seeded(200));
  });

  it('the inner products are exact, one and four per call, each lane its own', () => expectExactDots(memory));
});

it.skipIf(!HAS_RELAXED)('they are exact on machines that have the dot product in one instruction, too', async () => {
  expectExactDots(await compile('relaxed', true));
});
