/** The kernels of RaBitQ codes set up with random means and rotations, and what they leave in memory. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { Random } from '../../src/core/random.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import {
  rabitqCodeBytes,
  rabitqModel,
  rabitqScratchBytes,
  rotatedDimension,
  rotationRounds,
} from '../../src/quantize/rabitq.ts';
import type { Isolated } from './isolated.ts';
import { integersOf, levelsOf } from './rabitq-layout.ts';

const FACTOR_BYTES = 16;
const METRICS = ['l2', 'dot', 'cosine'] as const;
export const EPSILON_0 = 1.9;

export interface Setting {
  dimension: number;
  space: scalar.RabitqSpace;
  random: Random;
}

export function settingOf(dimension: number, bits: number, metric: (typeof METRICS)[number], seed: number): Setting {
  const random = new Random(`rabitq ${seed}`);
  const rotated = rotatedDimension(dimension);
  const length = rotationRounds(dimension) * rotated;
  const flips = Float32Array.from({ length }, () => (random.uniform() < 0.5 ? -1 : 1));
  const mean = Float32Array.from({ length: dimension }, () => random.normal());
  return { dimension, space: { metric, bits, mean, flips, rotated }, random };
}

/** Dimensions with tails of every kind, above all small ones. */
export const dimensions = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 1100 }));
export const settings = fc
  .record({
    dimension: dimensions,
    bits: fc.integer({ min: 1, max: 8 }),
    metric: fc.constantFrom(...METRICS),
    seed: fc.nat(),
  })
  .map(({ dimension, bits, metric, seed }) => settingOf(dimension, bits, metric, seed));

/** A vector about the mean, of length 1 under cosine. */
export function vectorAbout({ space, random }: Setting): Float32Array {
  const x = Float32Array.from(Array.from(space.mean), (m) => m + random.normal());
  if (space.metric === 'cosine') scalar.scale(x, 1 / Math.sqrt(scalar.norm2(x)));
  return x;
}

/** The kernels set up in an isolated memory, and what they leave there. */
export class Kernel {
  readonly memory: Isolated;
  readonly setting: Setting;
  readonly codeBytes: number;
  readonly scratch: number;
  readonly scratchBytes: number;

  constructor(memory: Isolated, setting: Setting) {
    const { dimension, space } = setting;
    this.memory = memory;
    this.setting = setting;
    this.codeBytes = rabitqCodeBytes(dimension, space.bits);
    this.scratchBytes = rabitqScratchBytes(dimension);
    const trained = {
      mean: Float32Array.from(Array.from(space.mean)),
      flips: Int8Array.from(Array.from(space.flips)),
    };
    const model = memory.clear().put(rabitqModel(trained));
    this.scratch = memory.room(this.scratchBytes);
    const metric = METRIC_CODES[space.metric];
    memory.call((kernels) => kernels.configureRabitq(dimension, metric, space.bits, EPSILON_0, model, this.scratch));
  }

  /** The addresses of the codes of these vectors, one behind the other. */
  encode(...vectors: Float32Array[]): number[] {
    const { memory, codeBytes } = this;
    const codes = memory.room(vectors.length * codeBytes);
    return vectors.map((x, i) => {
      const from = memory.put(x, 5);
      const at = codes + i * codeBytes;
      const [scratch, others] = [memory.u8(this.scratch, this.scratchBytes), memory.u8(codes, codeBytes * i)];
      memory.call((kernels) => kernels.encodeRabitq(from, at), {
        at: this.scratch,
        bytes: at + codeBytes - this.scratch,
      });
      expect(memory.u8(codes, codeBytes * i)).toEqual(others);
      expect(scratch.length).toBe(this.scratchBytes);
      return at;
    });
  }

  prepare(q: Float32Array): void {
    const at = this.memory.put(q, 5);
    this.memory.call((kernels) => kernels.prepareRabitq(at), { at: this.scratch, bytes: this.scratchBytes });
  }

  prepareCode(code: number): void {
    this.memory.call((kernels) => kernels.prepareRabitqCode(code), { at: this.scratch, bytes: this.scratchBytes });
  }

  read(code: number): scalar.RabitqCode {
    const { bits, metric, rotated } = this.setting.space;
    const [own, factor, across, norm] = this.memory.f32(code, 4);
    const levels = levelsOf(this.memory.u8(code + FACTOR_BYTES, this.codeBytes - FACTOR_BYTES), bits, rotated);
    return { levels, own, factor: metric === 'l2' ? factor / 2 : factor, across, norm };
  }

  /** The query's integers, behind a rotated vector and levels of a byte. */
  integers(): Int16Array {
    const { bits, rotated } = this.setting.space;
    return integersOf(this.memory.u8(this.scratch + 5 * rotated, 2 * rotated), bits, rotated);
  }
}

/** ⟨2y, v⟩ with the odd integers 2y = 2u − (2^bits − 1). */
export function agreement(levels: Uint8Array, v: ArrayLike<number>, bits: number): number {
  return levels.reduce((sum, level, i) => sum + (2 * level - (2 ** bits - 1)) * v[i], 0);
}
