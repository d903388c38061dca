/** The whole of `npm run check`, on made-up days: what a learner may write, and what is said about it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { checkCommand } from '../../../src/lab/exercises/check-command.ts';
import { updateExercise } from '../../../src/lab/exercises/exercise-file.ts';
import { nextStep } from '../../../src/lab/exercises/next-step.ts';
import { PROGRESS_FILE, readProgress } from '../../../src/lab/exercises/progress.ts';
import { typeErrors } from '../../../src/lab/exercises/type-errors.ts';
import { Course, saidBy } from './made-up-course.ts';

const RIGHT = {
  total: '  let total = 0;\n  for (const value of values) total += value;\n  return total;',
  mean: '  return values.length === 0 ? 0 : sum(values) / values.length;',
};

async function course(holes: Record<string, string> = {}, files: Record<string, string> = {}): Promise<Course> {
  const made = Course.sum(files);
  updateExercise(await made.day());
  made.writeHoles(holes);
  return made;
}

async function check(made: Course, ...flags: string[]): Promise<{ said: string; status: number }> {
  const { said, result } = await saidBy((say) => checkCommand(['3', ...flags], say, made.root));
  return { said, status: result };
}

describe('an exercise', () => {
  it('that is untouched is red, and says what to write', async () => {
    const { said, status } = await check(await course());
    expect(status).toBe(1);
    expect(said).toContain('checking days/03-sum/exercise.ts');
    expect(said).toContain('0 of 3 checks passed, 3 wait for a hole');
    expect(said).toContain('\ntotal (not written yet)\n  ○ example     1 + 2 is 3\n');
    expect(said).toMatch(/write hole total, days\/03-sum\/exercise.ts:10\n {2}Add all the values\./);
  });

  it('that is right is green', async () => {
    const { said, status } = await check(await course(RIGHT));
    expect(status).toBe(0);
    expect(said).toContain('exercise.ts: all 3 checks passed');
    expect(said).toContain('notebooks/03-sum.ipynb');
  });

  it('that is half written is red, and says what is left', async () => {
    const { said, status } = await check(await course({ total: RIGHT.total }));
    expect(status).toBe(1);
    expect(said).toContain('2 of 3 checks passed, 1 waits for a hole');
    expect(said).toContain('write hole mean');
  });

  it('that needs another hole which is not written names that one', async () => {
    const { said, status } = await check(await course({ mean: RIGHT.mean }));
    expect(status).toBe(1);
    expect(said).toContain('the mean of equal values is the value (needs hole total, which is not written yet)');
  });

  it('that is wrong shows the smallest case, the likely mistake and the first hint', async () => {
    const wrong = '  return values.length > 1 ? values[0] - values[1] : 0;';
    const { said, status } = await check(await course({ ...RIGHT, total: wrong }), '--all');
    expect(status).toBe(1);
    expect(said).toContain('✗ 1 + 2 is 3');
    expect(said).toContain('the sum is -1');
    expect(said).toContain('Likely: the sum starts at 1');
    expect(said).toContain('Hint 1 of 3 on total: A variable that grows.');
    expect(said).toContain('npm run day -- 3 --hint total --level 2');
    expect(said).toMatch(/the sums differ \(random case \d+ of 100/);
    expect(said).toMatch(/\[ 0, -?1 \]|\[ -?1, 0 \]/);
  });

  it('that fails twice shows the first failure in full, and all with --all', async () => {
    const made = await course({ ...RIGHT, total: '  return values.length > 1 ? values[0] - values[1] : 0;' });
    const { said } = await check(made);
    expect(said.match(/Likely/g)).toHaveLength(1);
    expect(said).toContain('\n2 more failed: npm run check -- 3 --all\n');
    const all = (await check(made, '--all')).said;
    expect(all.match(/Likely/g)).toHaveLength(3);
    expect(all).not.toContain('more failed');
  });

  it('that fails explains the hole first of which most checks fail', async () => {
    const says = (what: string, hole: string, wrong: boolean) =>
      `{ layer: 'work', says: '${what}', hole: '${hole}', likely: '${what}', run: () => { if (${wrong}) fails('wrong'); } },`;
    const checks = `import { type Check, fails } from 'annlab/exercises';
      export const checks: Check<unknown>[] = [
        ${says('one', 'total', true)} ${says('two', 'mean', true)} ${says('three', 'mean', false)} ${says('four', 'mean', true)}
      ];`;
    const { said } = await check(await course(RIGHT, { 'check.ts': checks }), '--all');
    expect([...said.matchAll(/Likely: (\w+)/g)].map(([, likely]) => likely)).toEqual(['two', 'four', 'one']);
    expect((await check(await course(RIGHT, { 'check.ts': checks }))).said).toContain('Likely: two');
  });

  it('that throws shows the line and the likely mistake', async () => {
    const { said, status } = await check(
      await course({ total: '  const list = undefined as unknown as number[];\n  return list[0];' }),
    );
    expect(status).toBe(1);
    expect(said).toContain('it threw TypeError');
    expect(said).toMatch(/days\/03-sum\/exercise\.ts:13:\d+\n/);
    expect(said).toContain('13 │   return list[0];');
    expect(said).toContain('Likely: the sum starts at 1');
  });

  it.each([
    ['throw "text";', "it threw 'text', which is no Error"],
    ['throw undefined;', 'it threw undefined, which is no Error'],
    ['return sum(values);', 'Maximum call stack size exceeded'],
    ['process.exit(0);', 'the code ended the process (process.exit)'],
    ['process.exit(3);', 'the process ended with status 3'],
    ["process.kill(process.pid, 'SIGTERM'); for (;;);", 'the process ended by SIGTERM'],
  ])('with %s is red, and says so', async (body, message) => {
    const { said, status } = await check(await course({ total: body }));
    expect(status).toBe(1);
    expect(said).toContain(message);
  });

  it('that never returns is stopped, with the check that was running and the line', async () => {
    const made = await course({ total: '  let i = 0;\n  while (values) {\n    i++;\n  }\n  return i;' });
    const { said, status } = await check(made, '--timeout', '2');
    expect(status).toBe(1);
    expect(said).toContain('✗ 1 + 2 is 3');
    expect(said).toContain('the code did not return within 2 s and was stopped');
    expect(said).toMatch(/exercise\.ts:1[34]:\d+/);
    expect(said).toContain('0 of 3 checks passed, 1 stopped, 2 not run');
  });

  it('that never ends while it loads is stopped as well', async () => {
    const made = await course(RIGHT);
    made.write('exercise.ts', `${made.read('exercise.ts')}\nfor (;;);\n`);
    const { said, status } = await check(made, '--timeout', '2');
    expect(status).toBe(1);
    expect(said).toContain('did not return within 2 s');
    expect(said).toContain('no check ran');
  });

  it('that waits for ever without a loop is stopped as well', async () => {
    const never = `import type { Check } from 'annlab/exercises';
      export const checks: Check<unknown>[] = [
        { layer: 'example', says: 'it ends', hole: 'total', likely: '-', run: () => new Promise(() => setInterval(() => {}, 1e6)) },
      ];`;
    const { said, status } = await check(await course(RIGHT, { 'check.ts': never }), '--timeout', '2');
    expect(status).toBe(1);
    expect(said).toContain('did not return within 2 s');
  });

  it('that leaves a promise to be rejected is red, though its results were right', async () => {
    const total = `  Promise.reject(new Error('too late'));\n${RIGHT.total}`;
    const made = await course({ ...RIGHT, total });
    const { said, status } = await check(made);
    expect(status).toBe(1);
    expect(said).toContain('nobody caught what was thrown: Error: too late');
    expect(said).toMatch(/exercise\.ts:12:\d+/);
    expect(said).toContain('exercise.ts: 3 of 3 checks passed, but something failed outside of them');
    expect(said).not.toContain('all 3 checks passed');
    const progress = readProgress(made.root, () => {})[3];
    expect(progress).toMatchObject({ passed: 3, checks: 3, problem: true });
    expect(progress.green).toBeUndefined();
    expect(nextStep(await made.day(), progress)).toBe('Next: npm run check -- 3');
    made.writeHoles(RIGHT);
    await check(made);
    expect(readProgress(made.root, () => {})[3].problem).toBeUndefined();
    expect(readProgress(made.root, () => {})[3].green).toBeDefined();
  });

  it('that prints has what it prints shown, up to a limit', async () => {
    const total = `  for (let i = 0; i < 99; i++) console.log('line', i);\n${RIGHT.total}`;
    const { said, status } = await check(await course({ ...RIGHT, total }));
    expect(status).toBe(0);
    expect(said).toContain('│ line 39\n');
    expect(said).not.toContain('line 40');
    // Each check's output stands before its result.
    expect(said).toMatch(/│ … 59 lines more\n {2}✓ example {5}1 \+ 2 is 3\n {4}│ line 0\n/);
  });

  it('with a syntax error says where and what', async () => {
    const { said, status } = await check(
      await course({ total: '  let total = 0;\n  for (const value of values {\n  return total;' }),
    );
    expect(status).toBe(1);
    expect(said).toContain('✗ days/03-sum/exercise.ts:13:30: Expected ")" but found "{"');
    expect(said).toContain('13 │   for (const value of values {');
    expect(said).toContain('no check ran');
  });

  it('that throws while it loads says where and what', async () => {
    const made = await course(RIGHT);
    made.write('exercise.ts', made.read('exercise.ts').replace('const ZERO = 0;', 'const ZERO = nothing;'));
    const { said, status } = await check(made);
    expect(status).toBe(1);
    expect(said).toMatch(/exercise\.ts:7:14: nothing is not defined/);
  });

  it('with a type error shows it, before the failure that comes of it', async () => {
    const made = await course({
      ...RIGHT,
      total: "  let total: number = 'none';\n  return total.length + values.size;",
    });
    const { said, status } = await check(made);
    expect(status).toBe(1);
    expect(said).toContain("✗ TypeScript: Type 'string' is not assignable to type 'number'.");
    expect(said).toMatch(/exercise\.ts:12:7\n/);
    expect(said.indexOf('TypeScript')).toBeLessThan(said.indexOf('Likely: the sum starts at 1'));
    expect(said).toContain('and 1 more');
  });

  it('that is right but for its types is green, and shows them', async () => {
    const { said, status } = await check(
      await course({ ...RIGHT, total: `  const text: string = 1;\n${RIGHT.total}` }),
    );
    expect(status).toBe(0);
    expect(said).toContain("Type 'number' is not assignable to type 'string'");
    expect(said).toContain('all 3 checks passed');
  });

  it('has no type errors where the compiler cannot be run', async () => {
    const made = await course({ ...RIGHT, total: "  return 'none';" });
    const day = await made.day();
    expect(await typeErrors(day, 'exercise.ts')).toHaveLength(1);
    vi.stubEnv('TMPDIR', join(made.root, 'gone'));
    vi.stubEnv('TEMP', join(made.root, 'gone'));
    try {
      expect(await typeErrors(day, 'exercise.ts')).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('without its markers is checked all the same, with a note', async () => {
    const made = await course(RIGHT);
    made.write('exercise.ts', made.read('exercise.ts').replaceAll('  // @end\n', ''));
    const { said, status } = await check(made);
    expect(status).toBe(0);
    expect(said).toMatch(/Note: days\/03-sum\/exercise\.ts:\d+: a hole begins inside hole total/);
  });

  it('that differs outside its holes is checked, with a note', async () => {
    const made = await course(RIGHT);
    made.write('solution.ts', made.read('solution.ts').replace('Sums and means', 'Sums, and means'));
    const { said, status } = await check(made);
    expect(status).toBe(0);
    expect(said).toContain(
      'Note: line 4 of days/03-sum/exercise.ts differs from the fresh exercise, outside the holes.',
    );
    expect(said).toContain('npm run exercises -- 3');
  });

  it('with Windows line ends is the same', async () => {
    const made = await course();
    made.write('exercise.ts', made.read('exercise.ts').replaceAll('\n', '\r\n'));
    expect((await check(made)).said).toContain('3 wait for a hole');
    const right = await course(RIGHT);
    right.write('exercise.ts', right.read('exercise.ts').replaceAll('\n', '\r\n'));
    expect(await check(right)).toMatchObject({ status: 0 });
  });
});

describe('npm run check', () => {
  it('checks the reference with --solution, and keeps no progress of that', async () => {
    const made = await course();
    const { said, status } = await check(made, '--solution');
    expect(status).toBe(0);
    expect(said).toContain('checking days/03-sum/solution.ts');
    expect(existsSync(join(made.root, PROGRESS_FILE))).toBe(false);
  });

  it('keeps progress of the exercise, and that it did not load', async () => {
    const made = await course({ total: RIGHT.total });
    await check(made);
    const progress = readProgress(made.root, () => {})[3];
    expect(progress).toMatchObject({ passed: 2, checks: 3, written: 1, holes: 2, runs: 1 });
    made.writeHoles({ mean: 'return (' });
    await check(made);
    expect(readProgress(made.root, () => {})[3]).toMatchObject({
      ...{ passed: 0, checks: 3, written: 2, holes: 2, runs: 2 },
      ...{ problem: true, unloaded: true },
    });
    made.writeHoles({ mean: RIGHT.mean });
    await check(made);
    const mended = readProgress(made.root, () => {})[3];
    expect(mended).toMatchObject({ passed: 3, checks: 3, runs: 3 });
    expect(mended.unloaded).toBeUndefined();
  });

  it('keeps no progress where the day’s own checks cannot run', async () => {
    const made = await course(RIGHT, { 'check.ts': 'export const checks = [];' });
    await check(made);
    made.write('check.ts', 'export const checks = [;');
    await check(made);
    expect(existsSync(join(made.root, PROGRESS_FILE))).toBe(false);
  });

  it.each([
    ['export const checks = [];', 'no check ran'],
    ['export const check = 1;', 'it exports no list `checks`'],
    ['export const checks = [;', 'days/03-sum/check.ts:1:24: Unexpected ";"'],
  ])('is red with the check.ts %j', async (text, message) => {
    const { said, status } = await check(await course(RIGHT, { 'check.ts': text }));
    expect(status).toBe(1);
    expect(said).toContain(message);
  });

  it.each([
    [[], 'which day? Such as npm run check -- 3; the days are 3 sum'],
    [['17'], 'there is no day 17: the days are 3 sum'],
    [['07'], 'day 7 is still to come: the days are 3 sum'],
    [['3', '4'], 'one day at a time'],
    [['3', '--timeout', '0'], '--timeout 0: expected a whole number'],
    [['3', '--fast'], "unknown option '--fast'"],
  ])('refuses %j', async (argv, message) => {
    const made = Course.sum();
    const run = checkCommand(argv, () => {}, made.root);
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(message);
  });

  it('says how to make an exercise that is missing', async () => {
    await expect(check(Course.sum())).rejects.toThrow(
      'days/03-sum/exercise.ts: there is no such file: npm run exercises -- 3 makes it',
    );
  });

  it('shows its flags with --help', async () => {
    const { said, result } = await saidBy((say) => checkCommand(['--help'], say));
    expect(result).toBe(0);
    expect(said).toContain('--solution');
    expect(said).toContain('default 20');
  });

  it('says which check kills which mutant with --mutants', async () => {
    const { said, status } = await check(await course(), '--mutants');
    expect(status).toBe(0);
    expect(said).toContain('✓ total/starts-at-one: the sum starts at 1\n      killed by example: 1 + 2 is 3');
    expect(said).toContain('2 of 2 mutants killed');
  });
});
