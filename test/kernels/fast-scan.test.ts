/** The fast scan: tables of bytes and blocks of codes against plain arithmetic on the same tables. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { roundTables, scanCodes } from '../../src/kernels/scalar.ts';
import { ASSEMBLY, compileKernels, instantiateOver } from './compile-kernels.ts';
import { Isolated, onBothBuilds } from './isolated.ts';
import { EPS, seeded } from './samples.ts';

interface FastScan {
  quantizeTables(tables: number, m: number, bytes: number): void;
  packBlock(codes: number, n: number, codeBytes: number, m: number, to: number): void;
  scanBlock(block: number, tables: number, m: number, distances: number): void;
  tableStep: { value: number };
  leastSum: { value: number };
}

const ENTRY = `export { leastSum, packBlock, quantizeTables, scanBlock, tableStep } from '${ASSEMBLY}/fast-scan';`;
const BLOCK = 32;

/** Tables of sixteen entries, some of them constant, and in some cases a few that are much wider than the others. */
function tablesOf(m: number, seed: number): Float32Array {
  const random = new Random(`tables ${seed}`);
  const scale = 10 ** (random.uniform() * 20 - 10);
  const wider = random.integer(3) === 0 ? 1 : 10 ** (4 * random.uniform());
  const tables = new Float32Array(m * 16);
  for (let j = 0; j < m; j++) {
    const stretch = random.uniform() < 0.1 ? wider : 1;
    const width = random.uniform() < 0.1 ? 0 : scale * stretch * random.uniform();
    const least = random.normal() * scale;
    for (let c = 0; c < 16; c++) tables[j * 16 + c] = least + width * random.uniform();
  }
  return tables;
}

/** Codes of m halves of bytes each; the last half of an odd m is zero. */
function codesOf(n: number, m: number, codeBytes: number, random: Random): Uint8Array {
  const codes = new Uint8Array(n * codeBytes);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) codes[i * codeBytes + (j >> 1)] |= random.integer(16) << ((j & 1) * 4);
    // What lies behind the code proper is none of the scan's business.
    for (let at = Math.ceil(m / 2); at < codeBytes; at++) codes[i * codeBytes + at] = random.integer(256);
  }
  return codes;
}

onBothBuilds('fast scan', (build) => {
  let memory: Isolated<FastScan>;
  beforeAll(async () => {
    const module = await compileKernels({ build, entry: ENTRY });
    memory = new Isolated((shared) => instantiateOver<FastScan>(module, shared));
  });

  // Above 257 tables the step is not that of the widest one.
  const tableCounts = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 250, max: 600 }));

  /** Bytes that `quantizeTables` may write. */
  function tableBytes(m: number): number {
    return m * 16 + Math.ceil(m / 8) * 32;
  }

  /** The levels of m tables: low bytes, and of wide ones the high bytes, each with the place of its subspace behind it. */
  function levelsAt(at: number, m: number, wide: number): Uint16Array {
    const levels = Uint16Array.from(memory.u8(at, m * 16));
    for (let i = 0; i < wide; i++) {
      const high = at + m * 16 + i * 32;
      const [first] = memory.i32(high + 16, 1);
      for (const [c, byte] of memory.u8(high, 16).entries()) levels[first + c] += 256 * byte;
    }
    return levels;
  }

  it('rounded tables are the twin’s, of every width', () => {
    let withWide = 0;
    const property = fc.property(tableCounts, fc.nat(), (m, seed) => {
      const tables = tablesOf(m, seed);
      const at = memory.clear().put(tables, 12);
      const to = memory.room(tableBytes(m), 12);
      memory.call((kernels) => kernels.quantizeTables(at, m, to), { at: to, bytes: tableBytes(m) });
      const twin = roundTables(tables);
      expect(memory.kernels.tableStep.value).toBe(twin.step);
      expect(memory.kernels.leastSum.value).toBe(Math.fround(twin.leastSum));
      const wide = Array.from({ length: m }, (_, j) => tables.subarray(j * 16, (j + 1) * 16)).filter((table) => {
        const range = Math.fround(Math.max(...table) - Math.min(...table));
        return range > Math.fround(255.25 * twin.step);
      }).length;
      expect(levelsAt(to, m, wide)).toEqual(twin.levels);
      if (wide > 0) withWide++;
    });
    fc.assert(property, seeded(150));
    expect(withWide).toBeGreaterThan(20);
  });

  it('distances are the sums of levels, each code its own, whatever the number of codes in the block', () => {
    const property = fc.property(tableCounts, fc.integer({ min: 1, max: BLOCK }), fc.nat(), (m, n, seed) => {
      const random = new Random(`codes ${seed}`);
      const codeBytes = Math.ceil(m / 2) + random.integer(20);
      const codes = codesOf(n, m, codeBytes, random);
      const tables = tablesOf(m, seed);
      const atTables = memory.clear().put(tables, 4);
      const atBytes = memory.room(tableBytes(m));
      memory.kernels.quantizeTables(atTables, m, atBytes);
      const atCodes = memory.put(codes);
      const block = memory.room(m * 16);
      memory.call((kernels) => kernels.packBlock(atCodes, n, codeBytes, m, block), { at: block, bytes: m * 16 });
      const out = memory.room(BLOCK * 4);
      memory.call((kernels) => kernels.scanBlock(block, atBytes, m, out), { at: out, bytes: BLOCK * 4 });
      const twin = scanCodes(roundTables(tables), codes, codeBytes);
      const got = memory.f32(out, n);
      for (const [i, truth] of twin.entries()) {
        // One product and one addition of what the twin has in f64.
        const rounding = 4 * EPS * (Math.abs(truth) + Math.abs(memory.kernels.leastSum.value));
        if (!(Math.abs(got[i] - truth) <= rounding))
          expect.fail(`code ${i} of ${n}: ${got[i]}, the twin says ${truth}`);
      }
    });
    fc.assert(property, seeded(200));
  });

  it('no sum is off the floats’ by more than half a step a table, nor wraps where all are greatest', () => {
    for (const m of [1, 2, 64, 257, 258, 1000]) {
      const tables = Float32Array.from({ length: m * 16 }, (_, i) => (i % 16) / 15);
      const atTables = memory.clear().put(tables, 4);
      const atBytes = memory.room(tableBytes(m));
      memory.kernels.quantizeTables(atTables, m, atBytes);
      const codes = memory.put(new Uint8Array(BLOCK * Math.ceil(m / 2)).fill(255));
      const block = memory.room(m * 16);
      memory.kernels.packBlock(codes, BLOCK, Math.ceil(m / 2), m, block);
      const out = memory.room(BLOCK * 4);
      memory.kernels.scanBlock(block, atBytes, m, out);
      const most = (m * memory.kernels.tableStep.value) / 2 + 4 * EPS * m;
      for (const distance of memory.f32(out, BLOCK)) expect(Math.abs(distance - m)).toBeLessThanOrEqual(most);
    }
  });
});
