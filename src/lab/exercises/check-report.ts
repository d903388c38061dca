/** What a check says on the screen: a line for each check, the first failure in full, and what to do next. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from './check-session.ts';
import type { FoundDay } from './day.ts';
import { hintsOf } from './hints.ts';
import { paint, reflow, wrap } from './paint.ts';
import type { CheckResult } from './run-checks.ts';
import type { TypeProblem } from './type-errors.ts';

const MARKS: Record<CheckResult['status'], string> = {
  passed: '✓',
  failed: '✗',
  unwritten: '○',
  stopped: '✗',
  'not run': '·',
};

/** A check and what became of it. */
export function resultLine(result: CheckResult): string {
  const { status, layer, says, needs } = result;
  const colour = {
    passed: paint.good,
    failed: paint.bad,
    stopped: paint.bad,
    unwritten: paint.open,
    'not run': paint.faint,
  };
  const note = status === 'unwritten' && needs !== undefined ? ` (needs hole ${needs}, which is not written yet)` : '';
  const text = wrap(`${says}${note}`, { indent: ' '.repeat(16) }).trimStart();
  return `  ${colour[status](MARKS[status])} ${paint.faint(layer.padEnd(11))} ${text}`;
}

/** What stands above the checks of a hole. */
export function holeLine(hole: string, unwritten: boolean): string {
  return `${paint.strong(hole)}${unwritten ? paint.open(' (not written yet)') : ''}`;
}

/** A failed check in full: what was found, the smallest case, where, the likely mistake, the first hint. */
export function failureText(result: CheckResult, day: FoundDay, file: string): string {
  const { says, status, message = '', counterexample, stack, likely, hole } = result;
  const parts = [paint.bad(wrap(`✗ ${says}`)), '', wrap(message, { indent: '  ' })];
  if (counterexample !== undefined)
    parts.push('', '  The smallest case that shows it:', indent(counterexample, '    '));
  const place = stack === undefined ? undefined : placeIn(stack, day, file);
  if (place) parts.push('', sourceAt(day, place));
  parts.push('');
  // Code that ended the process, or never came back, has a reason of its own.
  if (status === 'failed') parts.push(wrap(`Likely: ${likely}`, { indent: '  ' }));
  const [hint] = hintsOf(day, hole);
  if (hint !== undefined) {
    parts.push(
      wrap(reflow(`Hint 1 of 3 on ${hole}: ${hint}`), { indent: '  ' }),
      `  More: npm run day -- ${day.number} --hint ${hole} --level 2`,
    );
  }
  return parts.join('\n');
}

/** A file that cannot be loaded: where and what, with the line. */
export function problemText(problem: Problem, day: FoundDay, file: string): string {
  const place = placeIn(`${problem.message}\n${problem.stack ?? ''}`, day, file);
  // A compiler's message has the place in front of each error: file:line:column: ERROR: what.
  const compiler = /:\d+:\d+: (?:ERROR|error): (.*)/.exec(problem.message);
  const what = compiler ? compiler[1] : problem.message;
  // esbuild counts columns from 0.
  if (place && problem.message.startsWith('Transform failed')) place.column++;
  const where = `days/${day.name}/${place?.file ?? file}${place ? `:${place.line}:${place.column}` : ''}`;
  const lines = [paint.bad(wrap(`✗ ${where}: ${what}`))];
  if (place) lines.push('', sourceAt(day, place));
  return lines.join('\n');
}

/** What TypeScript says: the first two errors, the rest as a number. */
export function typesText(errors: readonly TypeProblem[], day: FoundDay, file: string): string {
  const shown = errors.slice(0, 2).map(({ message, line, column }) => {
    const head = paint.bad(wrap(`✗ TypeScript: ${message}`));
    return `${head}\n\n${sourceAt(day, { file, line, column })}`;
  });
  const rest = errors.length - shown.length;
  return [
    ...shown,
    ...(rest > 0 ? [paint.faint(`  and ${rest} more: npm run check shows them as these are mended`)] : []),
  ].join('\n\n');
}

interface Place {
  file: string;
  line: number;
  column: number;
}

/** The first place in the day's file that a message or a stack names. */
function placeIn(text: string, day: FoundDay, file: string): Place | undefined {
  const name = file.replaceAll('.', '\\.');
  const found = new RegExp(`${day.name}[/\\\\]${name}(?:\\?[^:\\s]*)?:(\\d+):(\\d+)`).exec(text);
  return found ? { file, line: Number(found[1]), column: Number(found[2]) } : undefined;
}

/** The line of a place and the one before it, with a mark under the column. */
function sourceAt(day: FoundDay, { file, line, column }: Place): string {
  const lines = readFileSync(join(day.folder, file), 'utf8').split(/\r?\n/);
  const width = String(line).length;
  const shown = [line - 1, line]
    .filter((number) => number >= 1)
    .map((number) => `  ${String(number).padStart(width)} │ ${lines[number - 1] ?? ''}`);
  const mark = `  ${' '.repeat(width)} │ ${' '.repeat(Math.max(0, column - 1))}${paint.bad('^')}`;
  return [`  days/${day.name}/${file}:${line}:${column}`, ...shown, mark].join('\n');
}

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => by + line)
    .join('\n');
}
