/** The tools of day 01: its compiler, its trace, the queue that rounding tells, its figures and its benchmark's cases. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../days/01-simd/bench.ts';
import { compile } from '../../days/01-simd/compile.ts';
import { instantiate, load } from '../../days/01-simd/load.ts';
import { inCalls, inOneCall, loadsFigure } from '../../days/01-simd/loads-figure.ts';
import { longestWait } from '../../days/01-simd/longest-wait.ts';
import * as scalar from '../../days/01-simd/scalar.ts';
import type { Kernels, Simd } from '../../days/01-simd/simd.ts';

const day = join(import.meta.dirname, '../../days/01-simd');
const solution = readFileSync(join(day, 'solution.ts'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'annlab-day-01-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The solution with one text replaced, as a file elsewhere. */
function changed(name: string, find: string, replace: string): string {
  expect(solution).toContain(find);
  const file = join(folder, name);
  writeFileSync(file, solution.replace(find, replace));
  return file;
}

const lineOf = (text: string) => solution.slice(0, solution.indexOf(text)).split('\n').length;

describe('loading a file', () => {
  it('says file, line and column of an error', async () => {
    const find = 'sum = sumLanes(';
    const file = changed('unknown.ts', find, 'sum = unknown(');
    await expect(load(file)).rejects.toThrow(`${file}:${lineOf(find)}:9: ERROR: Cannot find name 'unknown'`);
  });

  it('says so of a file that does not parse', async () => {
    const file = changed('parse.ts', 'for (; i < blocks; i += 64) {', 'for (; i < blocks {');
    await expect(load(file)).rejects.toThrow(/parse\.ts:\d+:\d+: ERROR: ';' expected/);
  });

  it('misses a function that is not exported, and a file that is not there', async () => {
    const file = changed('private.ts', 'export function l2x4', 'function l2x4');
    await expect(load(file)).rejects.toThrow('exports no function l2x4');
    await expect(load(join(folder, 'nowhere.ts'))).rejects.toThrow('there is no such file');
  });

  it('tells an unwritten hole, another throw and a wild address apart', async () => {
    const body = '  sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));';
    const one = Float32Array.of(1);
    const unwritten = await load(
      changed('unwritten.ts', body, `throw new Error('hole dot of day 1 is not written yet');`),
    );
    expect(() => unwritten.dot(one, one)).toThrow(
      expect.objectContaining({ code: 'UNWRITTEN_HOLE', day: 1, hole: 'dot' }),
    );
    const throwing = await load(changed('throwing.ts', body, `throw new Error('not today');`));
    expect(() => throwing.dot(one, one)).toThrow(/not today \(throwing\.ts:\d+:\d+\)/);
    const wild = await load(changed('wild.ts', body, 'sum = load<f32>(a + 0x70000000);'));
    expect(() => wild.dot(one, one)).toThrow(/out of bounds.*an address counts bytes/s);
  });
});

describe('the compiled solution', () => {
  let simd: Simd;
  beforeAll(async () => {
    simd = await load(join(day, 'solution.ts'));
  });

  it('refuses vectors that do not belong together', () => {
    const [two, three] = [new Float32Array(2), new Float32Array(3)];
    expect(() => simd.dot(two, three)).toThrow('b has 3 components, and a has 2');
    expect(() => simd.l2x4(two, [two, two, two])).toThrow('four vectors, not 3');
    expect(() => simd.l2x4(two, [two, two, two, three])).toThrow('d has 3 components');
  });

  it('traces what is read, whose it is and what is written', () => {
    const vector = new Float32Array(17).fill(1);
    const reads = (operand: string) =>
      [0, 4, 8, 12, 16].map((component) => ({
        kind: 'load',
        bytes: component < 16 ? 16 : 4,
        operand,
        component,
        inside: true,
      }));
    const accesses = simd.trace(({ dot }) => dot(vector, vector));
    expect(accesses.filter(({ operand }) => operand === 'a')).toEqual(reads('a'));
    expect(accesses.filter(({ operand }) => operand === 'b')).toEqual(reads('b'));
    const stores = simd
      .trace(({ l2x4 }) => l2x4(vector, [vector, vector, vector, vector]))
      .filter(({ kind }) => kind === 'store');
    expect(stores.map(({ operand, component, inside }) => [operand, component, inside])).toEqual(
      [0, 1, 2, 3].map((component) => ['out', component, true]),
    );
  });

  it('puts NaN around each vector', async () => {
    const before = await load(
      changed('before.ts', 'sum += load<f32>(a + i) * load<f32>(b + i)', 'sum += load<f32>(a - 4)'),
    );
    const one = Float32Array.of(1);
    expect(before.dot(one, one)).toBeNaN();
    expect(before.trace(({ dot }) => dot(one, one))[0]).toMatchObject({ operand: 'a', component: -1, inside: false });
  });

  it('is drawn load by load', () => {
    const q = new Float32Array(8);
    const four = [q, q, q, q];
    const calls = inCalls(four.map((vector) => simd.trace(({ l2 }) => l2(q, vector))));
    const once = inOneCall(simd.trace(({ l2x4 }) => l2x4(q, four)));
    const ofQuery = (loads: { vector: number }[]) => loads.filter(({ vector }) => vector === 0).length;
    // Eight components are a tail for l2, and two groups of four for l2x4.
    expect([calls.length, ofQuery(calls)]).toEqual([64, 32]);
    expect([once.length, ofQuery(once)]).toEqual([10, 2]);
    expect(loadsFigure('One call', 8, once)).toContain('10 loads');
    // An l2x4 that never reads d.
    const three = once.filter(({ vector }) => vector < 4);
    expect(loadsFigure('One call', 8, three)).toContain('8 loads');
  });
});

it('tells the longest queue of additions', () => {
  const sums = (count: number) => (a: Float32Array, b: Float32Array) => {
    const partial = new Float32Array(count);
    for (let i = 0; i < a.length; i++) partial[i % count] += Math.fround(a[i] * b[i]);
    return partial.reduce((sum, one) => Math.fround(sum + one), 0);
  };
  expect(longestWait(scalar.dotInF32, 'dot')).toBe(1024);
  for (const count of [1, 4, 16, 32]) expect(longestWait(sums(count), 'dot')).toBe(1024 / count);
});

describe('the benchmark', () => {
  it('takes steps that all give the same distance', async () => {
    const module = new WebAssembly.Module(await compile(join(day, 'assembly/steps.ts')));
    const memory = new WebAssembly.Memory({ initial: 32 });
    const steps = instantiate<Record<string, Kernels['l2']>>(module, memory);
    const a = Float32Array.from({ length: 1024 }, (_, i) => (i % 17) - 8);
    const b = Float32Array.from({ length: 1024 }, (_, i) => (i % 13) - 6);
    new Float32Array(memory.buffer).set(a, 4096 / 4);
    new Float32Array(memory.buffer).set(b, 8192 / 4);
    for (const name of ['scalar1', 'scalar4', 'lanes1', 'lanes2', 'lanes4', 'lanes8']) {
      expect([name, steps[name](4096, 8192, 1024)]).toEqual([name, scalar.l2(a, b)]);
    }
  });

  it('has cases that run', async () => {
    const all = await cases();
    expect(new Set(all.map(({ group, name }) => `${group}/${name}`)).size).toBe(all.length);
    for (const { name, run } of all.filter((one) => !one.name.startsWith('yours'))) {
      expect(run, name).not.toThrow();
    }
  });
});
