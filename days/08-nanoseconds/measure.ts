/** What the notebook shows of codes and of the order of loads: counted and computed, the same on every machine. */
import { gaussianSet, rows } from 'annlab/lab';
import { type Code, codeOf, decode, dot, dotInPairs, dotInPairsMoved, encode, l2 } from './codes.ts';
import { randomCodes, waits } from './far-away.ts';
import { LATENCY, type Waits } from './memory-model.ts';
import type { Nano } from './nano.ts';

/** How far a distance is off, on average, by how many bits a code has and what its dot is made with. */
export interface BitsError {
  bits: number;
  /** Relative to the distance of the vectors themselves; the dot exact, in 32 bits. */
  exact: number;
  /** The same; the dot as x86's instruction for pairs computes it. */
  inPairs: number;
  /** The same, with the codes of one side moved to −128 … 127 first, so that nothing but the pairs' 16 bits is in the way. */
  moved: number;
}

/** Of 64 pairs of random vectors of 256 dimensions; `nano` puts dot and factors together. */
export function errorsByBits(nano: Nano): BitsError[] {
  const vectors = rows(gaussianSet({ n: 128, dimension: 256, seed: 8 }).base);
  return [3, 4, 5, 6, 7, 8].map((bits) => {
    const codes = vectors.map((vector) => encode(vector, 2 ** bits - 1));
    const error = (product: (a: Uint8Array, b: Uint8Array) => number) =>
      meanOf(64, (i) => {
        const [a, b] = [codes[2 * i], codes[2 * i + 1]];
        const got = nano.l2OfCodes(a.factors, b.factors, product(a.codes, b.codes), 256);
        return Math.abs(got / l2(vectors[2 * i], vectors[2 * i + 1]) - 1);
      });
    return { bits, exact: error(dot), inPairs: error(dotInPairs), moved: error(dotInPairsMoved) };
  });
}

/** How far distances of codes are off, relative to them, when all vectors are moved away from the origin together. */
export function errorsByShift(nano: Nano): { shift: number; error: number }[] {
  return [1, 10, 100, 1000, 10_000].map((shift) => {
    const codes = randomCodes(100, 256, 'shift').map(({ codes, factors: [lo, step] }): Code => {
      return codeOf(codes, lo + shift, step);
    });
    const error = meanOf(50, (i) => {
      const [a, b] = [codes[2 * i], codes[2 * i + 1]];
      const got = nano.l2OfCodes(a.factors, b.factors, dot(a.codes, b.codes), 256);
      return Math.abs(got / l2(decode(a), decode(b)) - 1);
    });
    // What has no error at all has no place on a logarithmic axis.
    return { shift, error: Math.max(error, 1e-9) };
  });
}

/** The dot of 1024 times the same code with itself, as a share of what it should be. */
export function shareByCode(nano: Nano): { code: number; share: number }[] {
  return Array.from({ length: 26 }, (_, i) => 2 + 5 * i).map((code) => {
    const row = new Uint8Array(1024).fill(code);
    return { code, share: nano.codeDot(row, row) / dot(row, row) };
  });
}

/** Lines that are there, by the time, in units of what one line takes, of 32 records from memory. */
export function arrivals(
  nano: Nano,
  way: 'distances' | 'oneByOne',
): { waits: Waits; points: { x: number; y: number }[] } {
  const [query, ...others] = randomCodes(33, 1024, 'arrivals');
  const measured = waits(nano, way, { query, others });
  const points = Array.from({ length: 41 }, (_, i) => (i / 40) * measured.steps).map((step) => ({
    x: step / LATENCY,
    y: measured.ends.filter((end) => end <= step).length,
  }));
  return { waits: measured, points };
}

function meanOf(n: number, value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += value(i);
  return sum / n;
}
