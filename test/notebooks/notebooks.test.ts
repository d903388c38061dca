/**
 * The notebooks as committed: each runs in a fresh kernel, on the package as it is built now, and shows what is committed.
 * `npm run notebooks` mends one that no longer does.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDay, listDays, REPOSITORY } from '../../src/lab/exercises/day.ts';
import { parseHoles, unwrittenHoles } from '../../src/lab/exercises/holes.ts';
import { compareNotebooks } from '../../src/lab/notebooks/compare.ts';
import { executeNotebook } from '../../src/lab/notebooks/execute.ts';
import { listNotebooks } from '../../src/lab/notebooks/find.ts';
import { isCode, readNotebook } from '../../src/lab/notebooks/notebook.ts';
import { renderSite } from '../../src/lab/notebooks/site.ts';

const notebooks = listNotebooks();
const LONG = { timeout: 600_000 };

it('there is a notebook for every day that there is, 00 to 06 at least', async () => {
  const days = (await listDays()).map(({ name }) => name);
  expect(notebooks.map(({ name }) => name)).toEqual(days);
  expect(days.map((name) => name.slice(0, 2))).toEqual(
    expect.arrayContaining(['00', '01', '02', '03', '04', '05', '06']),
  );
});

/** Where a learner has begun to write, the notebook shows their curve, and not what is committed. */
async function isBegun(name: string): Promise<boolean> {
  const day = await findDay(name.slice(0, 2));
  const exercise = readFileSync(path.join(day.folder, 'exercise.ts'), 'utf8');
  return unwrittenHoles(exercise, day).length < parseHoles(exercise, 'exercise.ts').length;
}

describe.each(notebooks.map(({ name, file }) => [name, file]))('%s', async (name, file) => {
  it.skipIf(!process.env.CI && (await isBegun(name)))('runs, and shows what is committed', LONG, async () => {
    const committed = await readNotebook(file);
    const fresh = await executeNotebook(committed, name, { cellTimeoutMs: 240_000, brief: true });
    expect(compareNotebooks(committed, fresh, name).join('\n')).toBe('');
  });

  it('has code, and names no place of the machine that it was made on', async () => {
    const text = readFileSync(file, 'utf8');
    expect((await readNotebook(file)).cells.filter(isCode).length).toBeGreaterThan(5);
    expect(text).not.toContain(path.resolve(REPOSITORY));
  });
});

it('the site shows them all, and no link leads to nothing', async () => {
  const pages = await renderSite({ notebooks, days: await listDays(), root: REPOSITORY });
  expect([...pages.keys()]).toEqual(
    expect.arrayContaining(['index.html', ...notebooks.map(({ name }) => `${name}.html`)]),
  );
});
