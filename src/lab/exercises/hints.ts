/**
 * `hints.md` of a day: under a heading `## hole`, three headings `### Level 1` to `### Level 3`, from a nudge to nearly the
 * code. The check shows the first level of the hole that failed; `npm run day -- N --hint hole` shows any.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FoundDay, pathInRepository } from './day.ts';
import { ExerciseError } from './exercise-error.ts';

export const HINT_LEVELS = 3;

/** The hints of a hole: level 1 first. Empty where there are none. */
export function hintsOf(day: FoundDay, hole: string): string[] {
  const path = join(day.folder, 'hints.md');
  if (!existsSync(path))
    throw new ExerciseError(pathInRepository(day, 'hints.md'), 'there is no such file', 'restore it from git');
  return parseHints(readFileSync(path, 'utf8').replaceAll('\r\n', '\n')).get(hole) ?? [];
}

/** For every hole, its hints by level; a level that is missing is missing in the list. */
export function parseHints(text: string): Map<string, string[]> {
  const hints = new Map<string, string[]>();
  let levels: string[] | undefined;
  let fenced = false;
  for (const line of text.split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    const heading = fenced ? null : /^(#{1,3})\s+(.*?)\s*$/.exec(line);
    if (heading?.[1] === '##') {
      levels = [];
      hints.set(heading[2].replaceAll('`', ''), levels);
    } else if (heading?.[1] === '###') levels?.push('');
    else if (heading?.[1] === '#') levels = undefined;
    else if (levels !== undefined && levels.length > 0) levels[levels.length - 1] += `${line}\n`;
  }
  for (const [hole, texts] of hints)
    hints.set(
      hole,
      texts.map((hint) => hint.trim()),
    );
  return hints;
}
