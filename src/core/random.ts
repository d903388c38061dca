/**
 * The only source of chance: everything random is drawn from here, under a seed that the caller names. `Random` is a
 * stream (seedrandom's ARC4); `hashToUnit` is stateless, so that what it decides for a slot does not depend on order.
 */
import seedrandom from 'seedrandom';

export class Random {
  readonly #next: seedrandom.PRNG;
  #spareNormal = Number.NaN;

  constructor(seed: number | string) {
    this.#next = seedrandom(String(seed));
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.#next();
  }

  /** Uniform integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal;
      this.#spareNormal = Number.NaN;
      return spare;
    }
    for (;;) {
      const u = 2 * this.#next() - 1;
      const v = 2 * this.#next() - 1;
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spareNormal = v * scale;
      return u * scale;
    }
  }

  /** A random order of 0 … n − 1 (Fisher and Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}

/** A hash of (seed, slot) in (0, 1], uniform over slots (murmur3's 32-bit finalizer, applied twice). */
export function hashToUnit(seed: number, slot: number): number {
  return (mix(mix(seed >>> 0) + slot) + 1) / 2 ** 32;
}

function mix(value: number): number {
  let h = (value + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
