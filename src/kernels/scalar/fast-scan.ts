/** The fast scan: distances from tables whose entries are rounded to multiples of one step. */
import { roundToEven } from './rounding.ts';

const { fround } = Math;

/** Tables of sixteen floats each as integers (`assembly/fast-scan.ts`): entry ≈ the least of its table + step · level. */
export interface RoundedTables {
  /** Most are bytes; those of one table in eight may be 16 bits. */
  levels: Uint16Array;
  /** What one in the sum of levels stands for. */
  step: number;
  /** Σ of the tables' least entries. */
  leastSum: number;
}

/**
 * The step is what gives the widest table 255 of them, or more, that sums may stay below 2^16; and then half of that, as long as
 * sums stay there and no more than one table in eight needs more than bytes.
 */
export function roundTables(tables: Float32Array): RoundedTables {
  const m = tables.length / 16;
  const rows = Array.from({ length: m }, (_, j) => tables.subarray(j * 16, (j + 1) * 16));
  const leasts = rows.map((table) => Math.min(...table));
  const ranges = rows.map((table, j) => fround(Math.max(...table) - leasts[j]));
  const all = ranges.reduce((a, b) => a + b, 0);
  const fits = (step: number) => {
    const wide = ranges.filter((range) => range > fround(255.25 * step));
    return all <= step * (65535 - m) && wide.length <= Math.ceil(m / 8);
  };
  let step = Math.max(fround(Math.max(...ranges) / 255), fround(all / (65535 - m)));
  for (let halvings = 0; halvings < 8 && fits(fround(step / 2)); halvings++) step = fround(step / 2);
  const levels = Uint16Array.from(tables, (entry, i) => {
    return step === 0 ? 0 : roundToEven(fround(fround(entry - leasts[i >> 4]) / step));
  });
  return { levels, step, leastSum: leasts.reduce((a, b) => a + b, 0) };
}

/** Distances by rounded tables to codes of 4 bits, `codeBytes` apart, low half first. */
export function scanCodes({ levels, step, leastSum }: RoundedTables, codes: Uint8Array, codeBytes: number): number[] {
  const m = levels.length / 16;
  return Array.from({ length: codes.length / codeBytes }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < m; j++) {
      sum += levels[j * 16 + ((codes[i * codeBytes + (j >> 1)] >> ((j & 1) * 4)) & 15)];
    }
    return leastSum + step * sum;
  });
}
