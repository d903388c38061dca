import { describe, expect, it } from 'vitest';
import { ExerciseError } from '../../../src/lab/exercises/exercise-error.ts';
import {
  firstDifference,
  generateExercise,
  keepWritten,
  linesOfCode,
  parseHoles,
  unwrittenHoles,
} from '../../../src/lab/exercises/holes.ts';

const DAY = { number: 2, topic: 'sum' } as const;

const SOLUTION = `/**
 * Sums.
 * import { nothing } from 'here';
 */

import { ZERO } from './zero.ts';

export function sum(values: number[]): number {
  // @hole total
  // @task Add them,
  // @task all of them.
  // Kahan would do better.
  let total = ZERO;

  for (const value of values) total += value;
  return total;
  // @end
}

export const twice = (x: number): number => {
    // @hole twice
    return 2 * x; // doubled
    // @end
};
`;

const EXERCISE = `// Day 2, sum: write what is missing between "@hole" and "@end", then run: npm run check -- 2
// Hints, in three levels: hints.md. To start again: npm run reset -- 2. (Made from solution.ts: npm run exercises -- 2)

/**
 * Sums.
 * import { nothing } from 'here';
 */

import { UnwrittenHole } from 'annlab/exercises';
import { ZERO } from './zero.ts';

export function sum(values: number[]): number {
  // @hole total
  // @task Add them,
  // @task all of them.
  throw new UnwrittenHole(2, 'total');
  // @end
}

export const twice = (x: number): number => {
    // @hole twice
    throw new UnwrittenHole(2, 'twice');
    // @end
};
`;

describe('an exercise', () => {
  it('is its solution with the holes emptied, tasks and markers kept', () => {
    expect(generateExercise(SOLUTION, DAY)).toBe(EXERCISE);
  });

  it('throws without a class, and without an import, in AssemblyScript', () => {
    const exercise = generateExercise(SOLUTION, { ...DAY, language: 'assemblyscript' });
    expect(exercise).not.toContain('annlab/exercises');
    expect(exercise).toContain(`  throw new Error('hole total of day 2 is not written yet');\n  // @end`);
    expect(unwrittenHoles(exercise, { ...DAY, language: 'assemblyscript' })).toEqual(['total', 'twice']);
  });

  it('gets its import where the solution has none, and after a comment without code', () => {
    const stub = `import { UnwrittenHole } from 'annlab/exercises';\n`;
    expect(generateExercise('export const a = 1;\n', DAY)).toContain(`\n\n${stub}\nexport const a = 1;\n`);
    expect(generateExercise('/* a */ export const a = 1;\n', DAY)).toContain(stub);
    expect(generateExercise('// only words\n', DAY)).toContain(`// only words\n`);
  });
});

describe('parseHoles', () => {
  it('finds names, tasks, bodies and lines', () => {
    const [total, twice] = parseHoles(SOLUTION, 'solution.ts');
    expect(total).toMatchObject({ name: 'total', task: ['Add them,', 'all of them.'], line: 9, end: 17 });
    expect(total.body).toHaveLength(5);
    expect(linesOfCode(total)).toBe(3);
    expect(twice).toMatchObject({ name: 'twice', task: [], body: ['    return 2 * x; // doubled'] });
    expect(parseHoles('const a = 1;', 'solution.ts')).toEqual([]);
  });

  it.each([
    ['// @hole a\n// @hole b\n// @end', 'solution.ts:2: a hole begins inside hole a'],
    ['// @hole a\n1;', 'solution.ts:1: hole a has no @end'],
    ['1;\n// @end', 'solution.ts:2: an @end without a @hole'],
    ['// @hole\n// @end', 'solution.ts:1: a hole without a name'],
    ['// @hole a b\n// @end', 'solution.ts:1: a hole without a name'],
    ['// @task x', 'solution.ts:1: a @task outside a hole'],
    ['// @hole a\n// @end\n// @hole a\n// @end', 'solution.ts:3: a second hole named a'],
  ])('refuses %j', (text, message) => {
    expect(() => parseHoles(text, 'solution.ts')).toThrow(ExerciseError);
    expect(() => parseHoles(text, 'solution.ts')).toThrow(message);
  });
});

describe('what a learner wrote', () => {
  const fill = (name: string, body: string, text = EXERCISE) =>
    text.replace(`throw new UnwrittenHole(2, '${name}');`, () => body);

  it('is not written while the stub stands alone, or nothing does', () => {
    expect(unwrittenHoles(EXERCISE, DAY)).toEqual(['total', 'twice']);
    expect(unwrittenHoles(fill('total', ''), DAY)).toEqual(['total', 'twice']);
    expect(unwrittenHoles(fill('total', "// a plan\n\n  throw new UnwrittenHole(2, 'total');"), DAY)).toHaveLength(2);
    expect(unwrittenHoles(fill('total', 'return 0;'), DAY)).toEqual(['twice']);
    expect(unwrittenHoles(fill('twice', "if (x) return 0;\n throw new UnwrittenHole(2, 'twice');"), DAY)).toEqual([
      'total',
    ]);
  });

  it('differs from its solution outside the holes alone', () => {
    expect(firstDifference(EXERCISE, EXERCISE)).toBeUndefined();
    expect(firstDifference(fill('total', 'let a = 0;\n  return a;'), EXERCISE)).toBeUndefined();
    const alone = EXERCISE.replace(/( *\/\/ @task.*\n)+.*\n/, '  return 0;\n');
    expect(alone).not.toBe(EXERCISE);
    expect(firstDifference(alone, EXERCISE)).toBeUndefined();
    const helper = fill('total', 'return own(values);').replace('export const', 'const own = 1;\nexport const');
    expect(firstDifference(helper, EXERCISE)).toEqual({
      line: 20,
      got: 'const own = 1;',
      want: 'export const twice = (x: number): number => {',
    });
    expect(firstDifference(EXERCISE.slice(0, EXERCISE.indexOf('};')), EXERCISE)).toMatchObject({ got: '', want: '};' });
  });

  it('is kept when the solution around it changes', () => {
    const learners = fill('total', 'const a = 1;\n\n  return a + $&;');
    const fresh = generateExercise(SOLUTION.replace('Sums.', 'Sums, better said.'), DAY);
    const kept = keepWritten(fresh, learners, DAY);
    expect(kept).toBe(fill('total', 'const a = 1;\n\n  return a + $&;', fresh));
    expect(kept).toContain('better said');
    expect(keepWritten(fresh, EXERCISE, DAY)).toBe(fresh);
  });

  it('is left out where the solution has no such hole any more', () => {
    const fresh = generateExercise(SOLUTION.replace('@hole total', '@hole addAll'), DAY);
    expect(keepWritten(fresh, fill('total', 'return 1;'), DAY)).toBe(fresh);
  });
});
