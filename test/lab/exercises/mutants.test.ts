import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { listDays, REPOSITORY } from '../../../src/lab/exercises/day.ts';
import { ExerciseError } from '../../../src/lab/exercises/exercise-error.ts';
import { killMutants } from '../../../src/lab/exercises/kill-mutants.ts';
import { loadDay, loadModuleOf, loadMutant, loadMutated } from '../../../src/lab/exercises/load-day.ts';
import { applyMutant, type Mutant, readMutants } from '../../../src/lab/exercises/mutants.ts';
import { Course } from './made-up-course.ts';

const mutant = (fields: Partial<Mutant>): Mutant => ({
  name: 'm',
  hole: 'total',
  mistake: '-',
  find: 'a',
  replace: 'b',
  ...fields,
});
const list = (...mutants: Partial<Mutant>[]) => `export const mutants = ${JSON.stringify(mutants.map(mutant))};`;

describe('applyMutant', () => {
  it('replaces the one place', () => {
    expect(applyMutant('x = a + 1;', mutant({ replace: '$& $1' }))).toBe('x = $& $1 + 1;');
  });

  it.each([
    ['x = 1;', {}, 'mutant m: its `find` does not occur in solution.ts'],
    ['a + a + a', {}, 'mutant m: its `find` occurs 3 times in solution.ts'],
    ['a', { replace: 'a' }, '`replace` is the same as `find`'],
    ['a', { find: '' }, '`find` is empty'],
  ])('refuses what does not apply exactly once: %j', (solution, fields, message) => {
    expect(() => applyMutant(solution, mutant(fields))).toThrow(ExerciseError);
    expect(() => applyMutant(solution, mutant(fields))).toThrow(message);
  });
});

describe('readMutants', () => {
  it.each([
    ['export const others = [];', 'it exports no list `mutants`'],
    [list({ name: 'Has Blanks' }), 'mutant 0 is named Has Blanks'],
    [list({ name: '../up' }), 'mutant 0 is named ../up'],
    [list({}, {}), 'two mutants are named m'],
  ])('refuses %j', async (text, message) => {
    const day = await Course.sum({ 'mutants.ts': text }).day();
    await expect(readMutants(day)).rejects.toThrow(message);
  });

  it('says when there are none', async () => {
    await expect(readMutants(await Course.sum({ 'mutants.ts': null }).day())).rejects.toThrow('days/03-sum/mutants.ts');
  });
});

describe('loading', () => {
  it('works under Node itself and under tsx', async () => {
    const course = Course.sum();
    const load = pathToFileURL(join(REPOSITORY, 'src/lab/exercises/load-module.ts')).href;
    const source = `import { importFresh } from ${JSON.stringify(load)};
      console.log((await importFresh(${JSON.stringify(join(course.root, 'days/03-sum/solution.ts'))})).sum([1, 2]));`;
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const node = (...flags: string[]) =>
      promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', source]);
    expect((await node('--import', tsx)).stdout).toBe('3\n');
    const takesTypes = process.features.typescript ? [] : ['--experimental-strip-types'];
    expect((await node(...takesTypes)).stdout).toBe('3\n');
  });

  it('a mutant gives the solution with its mistake, and leaves no file', async () => {
    const course = Course.sum();
    const day = await course.day();
    const [startsAtOne] = await readMutants(day);
    const { sum } = await loadMutated(day, startsAtOne);
    expect(sum([1, 2])).toBe(4);
    expect(readdirSync(day.folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('a mutant that does not even parse leaves no file either', async () => {
    const course = Course.sum();
    const day = await course.day();
    const broken = mutant({ find: 'let total = ZERO', replace: 'let = ;' });
    await expect(loadMutated(day, broken)).rejects.toThrow();
    expect(readdirSync(day.folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('a file gives what is in it now', async () => {
    const course = Course.sum();
    const day = await course.day();
    for (const value of [1, 2]) {
      course.write('exercise.ts', `export const value = ${value};`);
      expect((await loadModuleOf(day, `${day.folder}/exercise.ts`)).value).toBe(value);
    }
  });

  it('AssemblyScript goes through the load of check.ts', async () => {
    const card =
      (await Course.sum().day()).title &&
      Course.sum().read('day.ts').replace("room: 'src/core/',", "room: 'src/core/', language: 'assemblyscript',");
    const course = Course.sum({
      'day.ts': card,
      'check.ts': 'export const checks = []; export const load = async (path: string) => ({ path });',
    });
    const day = await course.day();
    expect((await loadModuleOf(day, 'a.ts')).path).toBe('a.ts');
    course.write('check.ts', 'export const checks = [];');
    await expect(loadModuleOf(day, 'a.ts')).rejects.toThrow('it exports no `load`');
  });

  it('by number and name finds this checkout’s days', async () => {
    const [first] = await listDays();
    const solution = await loadDay(first.number, 'solution');
    expect(Object.keys(solution).length).toBeGreaterThan(0);
    const [{ name }] = await readMutants(first);
    const mutated = await loadMutant(first.number, name);
    expect(mutated).not.toBe(solution);
    await expect(loadMutant(first.number, 'no-such-mistake')).rejects.toThrow(`the mutants are ${name}`);
    await expect(loadDay(99, 'solution')).rejects.toThrow('there is no day 99');
  });
});

describe('killMutants', () => {
  const verdictsOf = async (text: string, timeoutMs = 60_000) =>
    (await killMutants(await Course.sum({ 'mutants.ts': text }).day(), { timeoutMs })).map(
      ({ mutant: { name }, killed, by }) => ({ name, killed, by }),
    );

  it('tells which check kills, and which mutant lives', async () => {
    const verdicts = await verdictsOf(
      list(
        { name: 'dies', find: 'let total = ZERO', replace: 'let total = 1' },
        { name: 'lives', find: 'return total;', replace: 'return total + 0;' },
        { name: 'throws', find: 'total += value', replace: 'nothing += value' },
        { name: 'does-not-apply', find: 'no such text', replace: '' },
        { name: 'does-not-parse', find: 'let total = ZERO', replace: 'let = 0' },
        { name: 'exits', find: 'return total;', replace: 'process.exit(0);' },
      ),
    );
    expect(verdicts).toMatchObject([
      { name: 'dies', killed: true, by: 'example: 1 + 2 is 3' },
      { name: 'lives', killed: false, by: 'no check failed' },
      { name: 'throws', killed: true, by: 'example: 1 + 2 is 3' },
      { name: 'does-not-apply', killed: false },
      { name: 'does-not-parse', killed: false },
      { name: 'exits', killed: false },
    ]);
    expect(verdicts[3].by).toContain('does not occur in solution.ts');
    expect(verdicts[5].by).toContain('process.exit');
  });

  it('kills an endless one by stopping it, only where it says so, and goes on with the next', async () => {
    const loop = { find: 'total += value;', replace: 'for (;;);' };
    const verdicts = await verdictsOf(
      list(
        { name: 'says-so', ...loop, endless: true },
        { name: 'does-not', ...loop },
        { name: 'next', find: 'let total = ZERO', replace: 'let total = 1' },
      ),
      2_000,
    );
    expect(verdicts.map(({ name, killed }) => [name, killed])).toEqual([
      ['does-not', false],
      ['next', true],
      ['says-so', true],
    ]);
    expect(verdicts[0].by).toContain('stopped in "1 + 2 is 3"');
  });
});
