/** The notebooks of the checkout, and which of them a person at the keyboard means. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { REPOSITORY } from '../exercises/day.ts';

export const NOTEBOOKS = path.join(REPOSITORY, 'notebooks');

export interface NotebookFile {
  /** `03-layers` */
  name: string;
  /** `03`; a notebook of no day has none. */
  day: string | undefined;
  file: string;
}

/** Every notebook of a folder, in the order of the days. */
export function listNotebooks(folder = NOTEBOOKS): NotebookFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ipynb'))
    .sort()
    .map((name) => notebookFile(path.join(folder, name)));
}

/** The notebooks that words such as `3`, `03`, `03-layers` or `some/file.ipynb` mean; without words, all. */
export function selectNotebooks(
  words: readonly string[],
  all: readonly NotebookFile[] = listNotebooks(),
): NotebookFile[] {
  if (words.length === 0) return [...all];
  return words.flatMap((word) => {
    if (word.endsWith('.ipynb')) return [notebookFile(path.resolve(word))];
    const found = all.filter(({ name, day }) => name === word || (day !== undefined && day === word.padStart(2, '0')));
    if (found.length > 0) return found;
    const there = all.map(({ name }) => name).join(', ');
    throw new UsageError(
      `${word}: there is no notebook of that day; there ${there ? `are ${there}` : 'is none at all yet'}`,
    );
  });
}

/** The path as a person would write it, from where they are. */
export function shownPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

function notebookFile(file: string): NotebookFile {
  const name = path.basename(file, '.ipynb');
  return { name, day: /^\d\d(?=-)/.exec(name)?.[0], file };
}
