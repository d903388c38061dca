/**
 * How far a learner is, in `days/.progress.json`, which git ignores: what the last check of each day said, and when it was
 * first green.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OutputError } from '../../core/errors.ts';

export const PROGRESS_FILE = 'days/.progress.json';

export interface DayProgress {
  /** Of the last check. */
  passed: number;
  checks: number;
  written: number;
  holes: number;
  /** Of the last check: something failed outside of every check, so that it was red whatever passed. */
  problem?: true;
  /** Of the last check: the file did not load, so that no check ran. */
  unloaded?: true;
  /** How often the check ran. */
  runs: number;
  /** ISO dates: of the first check, of the last, and of the first that was green. */
  begun: string;
  last: string;
  green?: string;
}

/** By the number of the day. */
export type Progress = Record<string, DayProgress>;

/** What was kept; nothing where there is no file. A damaged file is put aside, and `say` is told where. */
export function readProgress(root: string, say: (text: string) => void): Progress {
  const path = join(root, PROGRESS_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  const progress = parse(text);
  if (progress !== undefined) return progress;
  const aside = `days/.progress.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.json`;
  renameSync(path, join(root, aside));
  say(
    `${PROGRESS_FILE} is damaged: it is kept as ${aside}, and progress starts anew (run the checks again to fill it).`,
  );
  return {};
}

/** Adds the outcome of one check of a day. */
export function recordCheck(
  root: string,
  day: number,
  outcome: Pick<DayProgress, 'passed' | 'checks' | 'written' | 'holes' | 'problem' | 'unloaded'>,
  say: (text: string) => void,
  now: Date = new Date(),
): DayProgress {
  const progress = readProgress(root, say);
  const before = progress[day];
  const last = now.toISOString();
  const green = before?.green ?? (wasGreen(outcome) ? last : undefined);
  const after: DayProgress = {
    ...outcome,
    // How many there are is known from before.
    checks: outcome.unloaded ? (before?.checks ?? 0) : outcome.checks,
    runs: (before?.runs ?? 0) + 1,
    begun: before?.begun ?? last,
    last,
    ...(green !== undefined && { green }),
  };
  write(root, { ...progress, [day]: after });
  return after;
}

/** After the exercise was put back to the beginning: no hole is written and no check passes; when it was green is kept. */
export function recordReset(root: string, day: number, say: (text: string) => void): void {
  const progress = readProgress(root, say);
  if (progress[day] === undefined) return;
  const { problem, unloaded, ...before } = progress[day];
  write(root, { ...progress, [day]: { ...before, passed: 0, written: 0 } });
}

/** Whether the last check was green: there were checks, all of them passed, and nothing failed beside them. */
export function wasGreen({ passed, checks, problem }: Pick<DayProgress, 'passed' | 'checks' | 'problem'>): boolean {
  return checks > 0 && passed === checks && !problem;
}

/** Beside its place, then moved there: a reader never meets half a file. */
function write(root: string, progress: Progress): void {
  const path = join(root, PROGRESS_FILE);
  const temporary = `${path}.${process.pid}.part`;
  try {
    writeFileSync(temporary, `${JSON.stringify({ version: 1, days: progress }, null, 2)}\n`);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const mend = 'make the folder writable, with room on its disk; the check itself is not affected';
    throw new OutputError(PROGRESS_FILE, (cause as Error).message, mend, { cause });
  }
}

function parse(text: string): Progress | undefined {
  try {
    const value = JSON.parse(text);
    return value?.version === 1 && isProgress(value.days) ? value.days : undefined;
  } catch {
    return undefined;
  }
}

function isProgress(value: unknown): value is Progress {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every(
    (day: Partial<DayProgress> | null) =>
      [day?.passed, day?.checks, day?.written, day?.holes, day?.runs].every(Number.isInteger) &&
      [day?.begun, day?.last, day?.green ?? day?.last].every((date) => !Number.isNaN(Date.parse(String(date)))),
  );
}
