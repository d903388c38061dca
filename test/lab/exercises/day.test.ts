import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { dayNames, findDay, listDays } from '../../../src/lab/exercises/day.ts';
import { ExerciseError } from '../../../src/lab/exercises/exercise-error.ts';
import { Course } from './made-up-course.ts';

const card = (fields: string) =>
  `export const day = { number: 4, topic: 'mean', title: 'Means', goal: 'g', minutes: 90, needs: [], milestone: 'm', room: 'src', ${fields} };`;

describe('a day', () => {
  it('is found by its number, its topic and its folder', async () => {
    const course = Course.sum();
    course.writeAt('days/04-mean/day.ts', card(''));
    for (const name of [3, '3', '03', 'sum', '03-sum']) {
      expect(await findDay(name, course.root)).toMatchObject({ number: 3, name: '03-sum', root: course.root });
    }
    expect((await listDays(course.root)).map(({ name }) => name)).toEqual(['03-sum', '04-mean']);
  });

  it.each(['17', '-3', '3.0', '', 'sums', '../days/03-sum'])(
    'that does not exist (%j) is an error that lists the days',
    async (name) => {
      const course = Course.sum();
      course.writeAt('days/04-mean/day.ts', card(''));
      const found = findDay(name, course.root);
      await expect(found).rejects.toThrow(UsageError);
      await expect(found).rejects.toThrow(`there is no day ${name}: the days are 3 sum, 4 mean`);
    },
  );

  it('that is still to come is an error that says so', async () => {
    const found = findDay('7', Course.sum().root);
    await expect(found).rejects.toThrow(UsageError);
    await expect(found).rejects.toThrow('day 7 is still to come: the days are 3 sum');
  });

  it('is not what has no day.ts, or another name', () => {
    const course = Course.sum();
    course.writeAt('days/05-later/notes.md', '');
    course.writeAt('days/extra/day.ts', card(''));
    course.writeAt('days/.06-hidden/day.ts', card(''));
    expect(dayNames(course.root)).toBe('3 sum');
  });

  it('is still found where another one is damaged', async () => {
    const course = Course.sum();
    course.writeAt('days/04-mean/day.ts', 'export const day = {');
    expect(await findDay(3, course.root)).toMatchObject({ topic: 'sum' });
    await expect(listDays(course.root)).rejects.toThrow(ExerciseError);
    await expect(findDay(4, course.root)).rejects.toThrow('days/04-mean/day.ts');
  });

  it.each([
    ['number: 5', '`number` is 5, and the folder is 04-mean'],
    ["topic: 'means'", '`topic` is means, and the folder is 04-mean'],
    ["goal: ' '", '`goal` is not a text'],
    ['minutes: 0', '`minutes` is not a number of minutes'],
    ["needs: 'day 3'", '`needs` is not a list of texts'],
    ["language: 'c'", '`language` is c, neither typescript nor assemblyscript'],
  ])('with the card %s is an error that says so', async (fields, message) => {
    const course = new Course();
    course.writeAt('days/04-mean/day.ts', card(fields));
    await expect(findDay(4, course.root)).rejects.toThrow(`days/04-mean/day.ts: ${message}`);
  });

  it('without a card is an error that says so', async () => {
    const course = new Course();
    course.writeAt('days/04-mean/day.ts', 'export const card = 1;');
    await expect(findDay(4, course.root)).rejects.toThrow('it exports no `day`');
  });

  it('is read anew each time', async () => {
    const course = new Course();
    for (const title of ['Means', 'Averages']) {
      course.writeAt('days/04-mean/day.ts', card(`title: '${title}'`));
      expect((await findDay(4, course.root)).title).toBe(title);
    }
  });

  it('needs a folder days/', async () => {
    await expect(findDay(3, new Course().root)).rejects.toThrow('there is no such folder');
  });
});
