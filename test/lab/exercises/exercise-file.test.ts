import { chmodSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { pristineExercise, resetExercise, updateExercise } from '../../../src/lab/exercises/exercise-file.ts';
import { exercisesCommand } from '../../../src/lab/exercises/exercises-command.ts';
import { resetCommand } from '../../../src/lab/exercises/reset-command.ts';
import { Course, saidBy } from './made-up-course.ts';

const reset = (course: Course, ...argv: string[]) => saidBy((say) => resetCommand(argv, say, course.root));
const exercises = (course: Course, ...argv: string[]) => saidBy((say) => exercisesCommand(argv, say, course.root));

describe('npm run exercises', () => {
  it('makes what is missing, updates what is old, leaves what is current', async () => {
    const course = Course.sum();
    expect((await exercises(course)).said).toBe('days/03-sum/exercise.ts: made');
    expect(course.read('exercise.ts')).toBe(pristineExercise(await course.day()));
    expect((await exercises(course, '3')).said).toBe('days/03-sum/exercise.ts: up to date');
    course.write('solution.ts', course.read('solution.ts').replace('Sums and means', 'Means and sums'));
    const old = course.read('exercise.ts');
    expect((await exercises(course)).said).toBe(
      'days/03-sum/exercise.ts: updated; the file as it was: days/03-sum/exercise.kept-1.ts',
    );
    expect(course.read('exercise.ts')).toContain('Means and sums');
    expect(course.read('exercise.kept-1.ts')).toBe(old);
    expect((await exercises(course)).said).toBe('days/03-sum/exercise.ts: up to date');
    expect(course.has('exercise.kept-2.ts')).toBe(false);
  });

  it('keeps what is written, and the whole file where the rest of it is replaced', async () => {
    const course = Course.sum();
    const day = await course.day();
    updateExercise(day);
    course.writeHoles({ total: '  return own(values);' });
    const learners = course
      .read('exercise.ts')
      .replace('const ZERO = 0;', 'const ZERO = 0;\nconst own = (v: readonly number[]) => v[0];');
    course.write('exercise.ts', learners);
    const { said } = await exercises(course);
    expect(said).toBe(
      'days/03-sum/exercise.ts: updated; kept what is written: total; the file as it was: days/03-sum/exercise.kept-1.ts',
    );
    expect(course.read('exercise.ts')).toContain('return own(values);');
    expect(course.read('exercise.ts')).not.toContain('const own');
    expect(course.read('exercise.kept-1.ts')).toBe(learners);
    expect(updateExercise(day)).toEqual({ update: 'current', kept: ['total'] });
  });

  it.each([
    ['a function of the learner’s, before any hole is written', 'const ZERO = 0;', 'const ZERO = 0;\nconst own = 1;'],
    [
      'notes in a hole that is not written',
      "  throw new UnwrittenHole(3, 'total');",
      "  // own\n  throw new UnwrittenHole(3, 'total');",
    ],
    ['an attempt that is commented out', "  throw new UnwrittenHole(3, 'total');", '  // return own(values);'],
  ])('keeps the file with %s', async (_, text, replacement) => {
    const course = Course.sum();
    const day = await course.day();
    updateExercise(day);
    const learners = course.read('exercise.ts').replace(text, replacement);
    expect(learners).toContain('own');
    course.write('exercise.ts', learners);
    expect(updateExercise(day)).toEqual({
      update: 'updated',
      kept: [],
      copy: 'days/03-sum/exercise.kept-1.ts',
    });
    expect(course.read('exercise.ts')).toBe(pristineExercise(day));
    expect(course.read('exercise.kept-1.ts')).toBe(learners);
  });

  it('does not touch an exercise whose markers are broken', async () => {
    const course = Course.sum();
    updateExercise(await course.day());
    const broken = course.read('exercise.ts').replace('// @end', '');
    course.write('exercise.ts', broken);
    await expect(exercises(course)).rejects.toThrow(/days\/03-sum\/exercise\.ts:\d+: a hole begins inside hole total/);
    expect(course.read('exercise.ts')).toBe(broken);
  });

  it('names the solution where its markers are broken', async () => {
    const course = Course.sum({ 'solution.ts': '// @hole a' });
    await expect(exercises(course)).rejects.toThrow('days/03-sum/solution.ts:1: hole a has no @end');
  });
});

describe('npm run reset', () => {
  it('puts the exercise back, and keeps each file of the learner', async () => {
    const course = Course.sum();
    const day = await course.day();
    updateExercise(day);
    const pristine = course.read('exercise.ts');
    expect((await reset(course, '3')).said).toBe('days/03-sum/exercise.ts is as it was at the beginning.');
    expect(readdirSync(day.folder).filter((name) => name.includes('kept'))).toEqual([]);
    for (const n of [1, 2]) {
      course.writeHoles({ total: `return ${n};` });
      const learners = course.read('exercise.ts');
      expect((await reset(course, '3')).said).toContain(`Your file is kept as days/03-sum/exercise.kept-${n}.ts.`);
      expect(course.read('exercise.ts')).toBe(pristine);
      expect(course.read(`exercise.kept-${n}.ts`)).toBe(learners);
    }
    expect(readdirSync(day.folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('makes a file that is gone, and one with broken markers anew', async () => {
    const course = Course.sum();
    const day = await course.day();
    expect(resetExercise(day)).toEqual({});
    course.write('exercise.ts', 'nothing of it left');
    expect(resetExercise(day)).toEqual({ copy: 'days/03-sum/exercise.kept-1.ts' });
    expect(course.read('exercise.ts')).toBe(pristineExercise(day));
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'says when the folder cannot be written',
    async () => {
      const course = Course.sum();
      const day = await course.day();
      updateExercise(day);
      course.writeHoles({ total: 'return 1;' });
      chmodSync(day.folder, 0o500);
      try {
        expect(() => resetExercise(day)).toThrow('make the folder writable');
      } finally {
        chmodSync(day.folder, 0o700);
      }
    },
  );

  it('needs one day', async () => {
    const course = Course.sum();
    await expect(reset(course)).rejects.toThrow(UsageError);
    await expect(reset(course, '99')).rejects.toThrow('there is no day 99: the days are 3 sum');
  });
});
