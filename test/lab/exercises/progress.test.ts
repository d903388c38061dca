import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { dayCommand } from '../../../src/lab/exercises/day-command.ts';
import { updateExercise } from '../../../src/lab/exercises/exercise-file.ts';
import { hintsOf, parseHints } from '../../../src/lab/exercises/hints.ts';
import { reflow, wrap } from '../../../src/lab/exercises/paint.ts';
import { PROGRESS_FILE, readProgress, recordCheck } from '../../../src/lab/exercises/progress.ts';
import { progressCommand } from '../../../src/lab/exercises/progress-command.ts';
import { resetCommand } from '../../../src/lab/exercises/reset-command.ts';
import { Course, saidBy } from './made-up-course.ts';

const nobody = () => {
  throw new Error('nothing to say here');
};
const RED = { passed: 1, checks: 3, written: 1, holes: 2 };
const GREEN = { passed: 3, checks: 3, written: 2, holes: 2 };
const at = (day: number) => new Date(Date.UTC(2026, 0, day));

describe('progress', () => {
  it('counts the runs, and remembers the first green one', () => {
    const { root } = Course.sum();
    expect(readProgress(root, nobody)).toEqual({});
    recordCheck(root, 3, RED, nobody, at(1));
    recordCheck(root, 3, GREEN, nobody, at(2));
    recordCheck(root, 4, { ...RED, checks: 0, passed: 0 }, nobody, at(2));
    const after = recordCheck(root, 3, RED, nobody, at(3));
    expect(after).toEqual({
      ...RED,
      runs: 3,
      begun: at(1).toISOString(),
      last: at(3).toISOString(),
      green: at(2).toISOString(),
    });
    expect(readProgress(root, nobody)[3]).toEqual(after);
    expect(readProgress(root, nobody)[4].green).toBeUndefined();
    expect(readdirSync(join(root, 'days')).sort()).toEqual(['.progress.json', '03-sum']);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"version":2,"days":{}}',
    '{"version":1,"days":[]}',
    '{"version":1,"days":{"3":{"passed":"1"}}}',
    '{"version":1,"days":{"3":null}}',
  ])('that is damaged (%j) is put aside, and said so', (text) => {
    const { root } = Course.sum();
    writeFileSync(join(root, PROGRESS_FILE), text);
    const said: string[] = [];
    expect(readProgress(root, (line) => said.push(line))).toEqual({});
    expect(said).toHaveLength(1);
    const aside = /days\/\.progress\.damaged-[\w-]+\.json/.exec(said[0])![0];
    expect(readFileSync(join(root, aside), 'utf8')).toBe(text);
    expect(existsSync(join(root, PROGRESS_FILE))).toBe(false);
  });
});

describe('npm run progress', () => {
  const progress = (course: Course, ...argv: string[]) =>
    saidBy((say) => progressCommand(argv, say, { root: course.root, warn: nobody }));

  it('shows every day, and the next one', async () => {
    const course = Course.sum();
    expect((await progress(course)).said).toMatch(/3 {2}Sums {2}░+[\s\S]*0 of 1 days green\nNext: npm run day -- 3/);
    recordCheck(course.root, 3, RED, nobody, at(1));
    updateExercise(await course.day());
    course.writeHoles({ total: 'return 0;' });
    expect((await progress(course)).said).toMatch(/████░░░░░░░░ +1\/3 +1\/2 +1/);
    course.writeHoles({ mean: 'return 0;' });
    recordCheck(course.root, 3, GREEN, nobody, at(2));
    expect((await progress(course)).said).toMatch(/████████████ +3\/3 +2\/2 +2 +green since 2026-01-02/);
    expect((await progress(course)).said).toMatch(/1 of 1 days green$/);
    recordCheck(course.root, 3, RED, nobody, at(3));
    expect((await progress(course)).said).toContain('was green on 2026-01-02');
    recordCheck(course.root, 3, { ...GREEN, problem: true }, nobody, at(4));
    expect((await progress(course)).said).toContain('was green on 2026-01-02');
  });

  it('counts the holes of the file as it is, and no check after a reset', async () => {
    const course = Course.sum();
    updateExercise(await course.day());
    expect((await progress(course)).said).toMatch(/3 {2}Sums {2}░+ +0\/2/);
    course.writeHoles({ total: 'return 0;', mean: 'return 0;' });
    await saidBy((say) => resetCommand(['3'], say, course.root));
    expect(existsSync(join(course.root, PROGRESS_FILE))).toBe(false);
    course.writeHoles({ total: 'return 0;', mean: 'return 0;' });
    recordCheck(course.root, 3, GREEN, nobody, at(2));
    await saidBy((say) => resetCommand(['3'], say, course.root));
    expect((await progress(course)).said).toMatch(/ ░{12} +0\/3 +0\/2 +1 +was green on 2026-01-02\n/);
    expect((await progress(course)).said).toContain('1 of 1 days green');
    // Markers that are gone leave nothing to count.
    course.write('exercise.ts', course.read('exercise.ts').replaceAll('// @end', ''));
    expect((await progress(course)).said).toMatch(/ 0\/3 +1 +was green/);
  });

  it('shows a file that did not load as such', async () => {
    const course = Course.sum();
    const unloaded = { passed: 0, checks: 0, written: 1, holes: 2, problem: true, unloaded: true } as const;
    recordCheck(course.root, 3, unloaded, nobody, at(1));
    expect((await progress(course)).said).toMatch(/ ░{12} +1 +did not load\n/);
    recordCheck(course.root, 3, GREEN, nobody, at(2));
    recordCheck(course.root, 3, unloaded, nobody, at(3));
    expect((await progress(course)).said).toMatch(/ ░{12} +0\/3 +3 +did not load, was green on 2026-01-02\n/);
  });

  it('gives programs JSON', async () => {
    const course = Course.sum();
    recordCheck(course.root, 3, RED, nobody, at(1));
    expect(JSON.parse((await progress(course, '--json')).said)).toMatchObject([
      { number: 3, title: 'Sums', passed: 1 },
    ]);
  });

  it('takes no day', async () => {
    await expect(progress(Course.sum(), '3')).rejects.toThrow(UsageError);
  });
});

describe('npm run day', () => {
  const day = (course: Course, ...argv: string[]) => saidBy((say) => dayCommand(argv, say, course.root));

  it('shows the card, and the next step as it is', async () => {
    const course = Course.sum();
    expect((await day(course, '3')).said).toContain('Next: npm run exercises -- 3');
    updateExercise(await course.day());
    const { said } = await day(course, 'sum');
    for (const text of [
      'Day 3: Sums',
      '90 minutes',
      'Add numbers.',
      'They add up.',
      'src/core/',
      'total (3 lines in the reference)',
    ]) {
      expect(said).toContain(text);
    }
    expect(said).toMatch(/Next: read notebooks\/03-sum\.ipynb.*, then write hole total, days\/03-sum\/exercise\.ts:10/);
    expect(said).toMatch(/Afterwards {3}days\/03-sum\/solution\.ts\n/);
    // Files that a day does not have are not named.
    expect(said).not.toContain('facilitator.md');
    expect(said).toMatch(/npm run lab {2,}opens/);
    course.write('facilitator.md', '');
    course.writeAt('notebooks/03-sum.ipynb', '');
    const whole = (await day(course, '3')).said;
    expect(whole).toMatch(/For teachers days\/03-sum\/facilitator\.md\n\n/);
    expect(whole).toMatch(/npm run lab -- 3 {2,}opens/);
    course.writeHoles({ total: 'return 0;', mean: 'return 0;' });
    expect((await day(course, '3')).said).toMatch(/Next: npm run check -- 3$/);
    recordCheck(course.root, 3, GREEN, nobody);
    expect((await day(course, '3')).said).toContain('Green. Next: notebooks/03-sum.ipynb');
  });

  it('takes the day after the last green one where none is named', async () => {
    const course = Course.sum();
    for (const [number, topic, title] of [
      [2, 'before', 'Before'],
      [4, 'next', 'Next'],
    ] as const) {
      const card = course.read('day.ts').replace('3,', `${number},`).replace("'sum'", `'${topic}'`);
      course.writeAt(`days/0${number}-${topic}/day.ts`, card.replace('Sums', title));
      course.writeAt(`days/0${number}-${topic}/solution.ts`, 'export const a = 1;\n');
    }
    const next = async () => (await saidBy((say) => progressCommand([], say, { root: course.root }))).said;
    expect((await day(course)).said).toContain('Day 2: Before');
    expect(await next()).toMatch(/Next: npm run day -- 2$/);
    recordCheck(course.root, 3, GREEN, nobody);
    expect((await day(course)).said).toContain('Day 4: Next');
    expect(await next()).toMatch(/Next: npm run day -- 4$/);
    // After the last day, what was left out.
    recordCheck(course.root, 4, GREEN, nobody);
    expect((await day(course)).said).toContain('Day 2: Before');
    recordCheck(course.root, 2, GREEN, nobody);
    expect((await day(course)).said).toContain('Day 4: Next');
    expect(await next()).toMatch(/3 of 3 days green$/);
  });

  it('shows hints, one level at a time', async () => {
    const course = Course.sum();
    expect((await day(course, '3', '--hint', 'total')).said).toMatch(
      /Hint 1 of 3 on total\n\nA variable that grows\.\n\nMore: .*--level 2/,
    );
    expect((await day(course, '3', '--hint', 'total', '--level', '3')).said).toContain(
      'More: the reference, days/03-sum/solution.ts',
    );
  });

  it.each([
    [['3', '--hint', 'nothing'], "day 3 has no hole 'nothing': its holes are total, mean"],
    [['3', '--hint', 'total', '--level', '4'], '--level 4: expected a whole number from 1 to 3'],
    [['3', '--level', '2'], '--level goes with --hint'],
    [['--hint', 'total'], 'which day?'],
    [['17'], 'there is no day 17'],
  ])('refuses %j', async (argv, message) => {
    const run = day(Course.sum(), ...argv);
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(message);
  });
});

describe('hints', () => {
  it('are read by hole and level, headings in code left alone', () => {
    const hints = parseHints(
      '# Day\n\nWords.\n\n## `a`\n\nIntro.\n### Level 1\nOne\n\n```sh\n## no heading\n```\n### Level 2\nTwo\n## b\n### Level 1\n',
    );
    expect([...hints]).toEqual([
      ['a', ['One\n\n```sh\n## no heading\n```', 'Two']],
      ['b', ['']],
    ]);
  });

  it('are missed where the file is', async () => {
    const course = Course.sum({ 'hints.md': null });
    const found = await course.day();
    expect(() => hintsOf(found, 'total')).toThrow('days/03-sum/hints.md');
  });
});

describe('text on the screen', () => {
  it('has its paragraphs joined, lists and code left alone', () => {
    const markdown = 'one\ntwo\n\n- three\n  four\n- five\n\n```ts\nsix\nseven\n```\neight\nnine';
    expect(reflow(markdown)).toBe('one two\n\n- three four\n- five\n\n```ts\nsix\nseven\n```\neight nine');
  });

  it('is broken between words, under its indent', () => {
    const words = 'a line of words that is too long for what there is';
    expect(wrap(words, { indent: '  ', width: 32 })).toBe('  a line of words that is too\n  long for what there is');
    expect(wrap(`- ${words}`, { width: 30 })).toBe('- a line of words that is too\n  long for what there is');
    expect(wrap('short\n\nlines', { width: 40 })).toBe('short\n\nlines');
    expect(wrap('x'.repeat(50), { width: 40 })).toBe('x'.repeat(50));
  });
});
