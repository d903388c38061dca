import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { BenchmarkError, type BenchRow, benchmarkDay, benchTable } from '../../src/lab/benchmark-day.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { readElements } from './markup.ts';

const quick = { rounds: 1, milliseconds: 1 };

/** A checkout of one day whose bench.ts is this. */
function checkout(bench: string): string {
  const root = temporaryFolder();
  mkdirSync(join(root, 'days', '03-layers'), { recursive: true });
  writeFileSync(join(root, 'days', '03-layers', 'day.ts'), '');
  writeFileSync(join(root, 'days', '03-layers', 'bench.ts'), bench);
  return root;
}

describe('benchmarkDay', () => {
  it('runs TypeScript in a fresh process and says on what', async () => {
    const root = checkout(`
      interface Kept { value: number }
      const kept: Kept = { value: 0 };
      console.log('nobody reads this');
      export const cases = async () => [
        { name: 'pid', group: String(process.pid !== ${process.pid}), run(): void { for (let i = 0; i < 1000; i++) kept.value += i; } },
        { name: 'build', group: process.env.ANNLAB_WASM ?? 'fastest', run(): void { kept.value++; } },
      ];`);
    const before = process.env.ANNLAB_WASM;
    process.env.ANNLAB_WASM = 'baseline';
    try {
      const rows = await benchmarkDay(3, { ...quick, root });
      expect(rows.map(({ day, group, name }) => [day, group, name])).toEqual([
        [3, 'true', 'pid'],
        [3, 'fastest', 'build'],
      ]);
      for (const { ns, machine } of rows) {
        expect(ns).toBeGreaterThan(0);
        expect(machine).toMatch(/cores, .* RAM, .*Node \d+\.\d+\.\d+, .* build$/);
      }
    } finally {
      if (before === undefined) delete process.env.ANNLAB_WASM;
      else process.env.ANNLAB_WASM = before;
    }
  });

  it.each([
    [
      'a case throws',
      `export const cases = () => [{ name: 'x', run() { throw new Error('no such luck'); } }];`,
      /^days\/03-layers\/bench\.ts: no such luck \(days\/03-layers\/bench\.ts\S*:1:\d+\): mend it, then "npm run bench -- day 3"/,
    ],
    ['there are no cases', `export const cases = () => [];`, /bench\.ts: `cases` returns nothing to time/],
    ['cases is missing', `export const other = 1;`, /exports no function `cases`/],
    ['the process ends', `process.exit(7);`, /its process ended with status 7/],
    ['it does not parse', `export const cases = (;`, /days\/03-layers\/bench\.ts: /],
  ])('says so when %s', async (_, bench, message) => {
    const outcome = benchmarkDay(3, { ...quick, root: checkout(bench) });
    await expect(outcome).rejects.toThrow(BenchmarkError);
    await expect(outcome).rejects.toThrow(message);
  });

  it('stops what takes too long', async () => {
    const root = checkout(`export const cases = () => { for (;;); };`);
    await expect(benchmarkDay(3, { ...quick, root, timeoutMs: 1500 })).rejects.toThrow(
      /longer than 1.5 s and was stopped/,
    );
  });

  it('leaves no process behind when its own is killed, not even one in an endless loop', async () => {
    const root = checkout(`
      import { writeFileSync } from 'node:fs';
      export const cases = () => { for (;;) writeFileSync('beat', String(performance.now())); };`);
    const beat = join(root, 'beat');
    const beats = () => (existsSync(beat) ? readFileSync(beat, 'utf8') : '');
    const caller = `import { benchmarkDay } from '${new URL('../../src/lab/benchmark-day.ts', import.meta.url)}';
      await benchmarkDay(3, { root: ${JSON.stringify(root)} });`;
    const flags = ['--experimental-strip-types', '--input-type=module', '--eval', caller];
    const parent = spawn(process.execPath, flags, { stdio: 'ignore' });
    const poll = { timeout: 60_000, interval: 300 };
    await expect.poll(beats, poll).not.toBe('');
    const before = beats();
    await expect.poll(beats, poll).not.toBe(before);
    parent.kill('SIGKILL');
    let last = '';
    const isStill = async () => {
      last = beats();
      await setTimeout(2000);
      return beats() === last;
    };
    await expect.poll(isStill, poll).toBe(true);
  });

  it('knows the days that time something', async () => {
    const root = checkout('');
    mkdirSync(join(root, 'days', '04-heuristic'));
    writeFileSync(join(root, 'days', '04-heuristic', 'day.ts'), '');
    await expect(benchmarkDay(4, { root })).rejects.toThrow(UsageError);
    await expect(benchmarkDay(4, { root })).rejects.toThrow(
      'day 4 has no bench.ts: the days that time something are 3',
    );
  });
});

describe('benchTable', () => {
  const row = (group: string, name: string, ns: number): BenchRow => ({
    ...{ day: 3, group, name, ns, p99Ns: ns * 2, perSecond: 1e9 / ns, samples: 9, machine: 'a <small> machine' },
  });

  it('compares with the first of each group, in units that people read', () => {
    const table = benchTable([
      row('search', 'loop', 690),
      row('search', 'lanes', 69),
      row('build', 'loop', 4.56e6),
      row('build', 'other', 9.12e6),
    ]);
    const cells = readElements(table.replace(/<p>.*/, '')).filter(({ name }) => name === 'td');
    const rows = Array.from({ length: 4 }, (_, i) => cells.slice(i * 6, i * 6 + 6).map(({ text }) => text));
    expect(rows).toEqual([
      ['search', 'loop', '690 ns', '1.38 µs', '1,449,275', '1.00×'],
      ['', 'lanes', '69.0 ns', '138 ns', '14,492,754', '10.0×'],
      ['build', 'loop', '4.56 ms', '9.12 ms', '219', '1.00×'],
      ['', 'other', '9.12 ms', '18.2 ms', '110', '0.50×'],
    ]);
    expect(table).toContain('a &lt;small&gt; machine');
  });

  it('has no column for groups where there are none', () => {
    const heads = readElements(benchTable([row('', 'loop', 1), row('', 'lanes', 1e9)]).replace(/<p>.*/, ''))
      .filter(({ name }) => name === 'th')
      .map(({ text }) => text);
    expect(heads).toEqual(['Case', 'Median', 'p99', 'Per second', 'Speed']);
  });
});
