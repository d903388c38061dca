import { describe, expect, it } from 'vitest';
import { batchesTable, diskLine, headlines, rowsTable } from '../../src/lab/summary.ts';
import { exactRow, plausibleBatches, plausibleDiskRun, plausibleRows, rowsByGamma, rowsFromDisk } from './rows.ts';

describe('rows in a terminal', () => {
  const rows = [...plausibleRows(), ...plausibleRows({ codes: 'f32', slowdown: 2.5 }), exactRow()];

  it('has a line for every row, columns in line, a gap between curves', () => {
    const lines = rowsTable(rows).split('\n');
    expect(lines).toHaveLength(2 + 6 + 1 + 6 + 1 + 1);
    expect(lines[0]).toMatch(/^index +width +recall@10 +QPS +mean µs +p50 µs +p99 µs +distances +hops +RAM$/);
    expect(lines[2]).toMatch(/^hnsw sq7 +ef 10 +0\.8800 +111,111 +9\.0 +8\.5 +16\.2 +260 +19 +70 MiB$/);
    expect(lines.at(-1)).toMatch(/^flat f32 +exact +1\.0000 +313 +3,200 +3,190 +3,900 +60,000 +– +70 MiB$/);
    expect(lines.filter((line) => line === '')).toHaveLength(2);
    expect(new Set(lines.filter((line) => line !== '').map((line) => line.length)).size).toBe(1);
  });

  it('names the knob that was turned, and the one to turn further', () => {
    expect(rowsTable(rowsByGamma())).toMatch(/^hnsw sq7 +γ 0\.01 +0\.9400 /m);
    const [line] = headlines(rowsByGamma().slice(0, 1));
    expect(line).toBe('hnsw sq7: recall 0.9 is not reached: widen the sweep with --gamma');
  });

  it('does without work where an engine does not count it', () => {
    const [row] = plausibleRows();
    expect(rowsTable([{ ...row, distances: null, hops: null }])).toMatch(/–\s+–\s+70 MiB$/);
  });

  it('tells each curve in a line, against exact search', () => {
    const [sq7, f32] = headlines(rows);
    expect(sq7).toMatch(
      /^hnsw sq7: queries per second [\d,]+ at recall 0\.9, [\d,]+ at recall 0\.95, [\d,]+ at recall 0\.99 /,
    );
    expect(sq7).toMatch(/ at recall 0\.99 \(\d+ times exact search\)$/);
    expect(f32).toMatch(/^hnsw f32: /);
    expect(headlines(plausibleRows().slice(0, 1))).toEqual([
      'hnsw sq7: recall 0.9 is not reached: widen the sweep with --ef',
    ]);
    const [late] = headlines(plausibleRows().slice(2));
    expect(late).toBe('hnsw sq7: queries per second 47,619 at recall 0.97, 17,839 at recall 0.99');
    const [row] = plausibleRows();
    const edge = { ...row, recall: 0.9896, qps: 50_000 };
    expect(headlines([edge, { ...row, recall: 0.999, qps: 20_000 }])).toEqual([
      'hnsw sq7: queries per second 50,000 at recall 0.99',
    ]);
  });

  it('tells an index from disk from the one in memory', () => {
    const both = [...plausibleRows(), ...rowsFromDisk(), exactRow()];
    expect(rowsTable(both)).toMatch(/^hnsw sq7 from disk +ef 10 /m);
    expect(
      rowsTable(both)
        .split('\n')
        .filter((line) => line === ''),
    ).toHaveLength(2);
    expect(headlines(both).map((line) => line.split(':')[0])).toEqual(['hnsw sq7', 'hnsw sq7 from disk']);
  });
});

describe('batches in a terminal', () => {
  it('have a line each, a gap between indexes, and the threads above', () => {
    const batches = [...plausibleBatches(), ...plausibleBatches({ codes: 'f32', slowdown: 2 })];
    const [title, empty, heads, , ...lines] = batchesTable(batches).split('\n');
    expect([title, empty]).toEqual(['batches of 78 queries on 2 threads:', '']);
    expect(heads).toMatch(/^index +width +recall@10 +QPS +on one +speed-up +p50 µs +p99 µs$/);
    expect(lines[0]).toMatch(/^hnsw sq7 +ef 40 +0\.9700 +90,476 +47,619 +1\.90× +19\.9 +37\.8$/);
    expect(lines).toHaveLength(2 + 1 + 2);
    expect(lines[2]).toBe('');
  });
});

describe('a file in a terminal', () => {
  it('is told with its size and how long everything took', () => {
    expect(diskLine(plausibleDiskRun())).toBe(
      'hnsw sq7 from disk: 69 MiB, saved in 83 ms, mapped in 1.9 ms, first query 0.6 ms; ' +
        '66 MiB in memory, all of it page cache',
    );
  });

  it('says that it was read where it could not be mapped', () => {
    const { residentBytes: _, ...run } = plausibleDiskRun();
    expect(diskLine({ ...run, mapped: false, openMs: 45 })).toBe(
      'hnsw sq7 from disk: 69 MiB, saved in 83 ms, read (files cannot be mapped here) in 45 ms, first query 0.6 ms',
    );
  });
});
