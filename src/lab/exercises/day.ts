/**
 * A day of the course is a folder `days/NN-topic` whose `day.ts` says what the day is: its card. Whatever asks for a day by
 * its number, its topic or its folder's name finds it here.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../core/errors.ts';
import { AHEAD } from './ahead.ts';
import { ExerciseError } from './exercise-error.ts';
import { importFresh } from './load-module.ts';

/** The card, as `days/NN-topic/day.ts` exports it under the name `day`. */
export interface Day {
  number: number;
  /** The folder's name after the number: `layers` in `days/03-layers`. */
  topic: string;
  title: string;
  /** One sentence. */
  goal: string;
  minutes: number;
  /** What is needed from before, a line each; empty on the first day. */
  needs: string[];
  milestone: string;
  /** The folder or file of `src/` that is lit on the map of the engine. */
  room: string;
  /** What solution.ts is written in; default TypeScript. */
  language?: 'typescript' | 'assemblyscript';
}

/** A day and where it is. */
export interface FoundDay extends Day {
  /** `03-layers` */
  name: string;
  /** Absolute path of `days/03-layers`. */
  folder: string;
  /** Absolute path of the repository. */
  root: string;
}

/** The checkout that this file belongs to, from `src/` and from `dist/` alike. */
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** Every day, in order. */
export async function listDays(root: string = REPOSITORY): Promise<FoundDay[]> {
  return Promise.all(dayFolders(root).map((name) => readDay(root, name)));
}

/** The day that a number (3, '3', '03'), a topic ('layers') or a folder ('03-layers') names. Throws UsageError that lists the days. */
export async function findDay(wanted: number | string, root: string = REPOSITORY): Promise<FoundDay> {
  const names = dayFolders(root);
  const text = String(wanted);
  const found = names.find(
    (name) => name === text || topicOf(name) === text || (/^\d+$/.test(text) && numberOf(name) === Number(text)),
  );
  if (found === undefined) {
    const ahead = /^\d+$/.test(text) && AHEAD.has(Number(text));
    const what = ahead ? `day ${Number(text)} is still to come` : `there is no day ${text}`;
    throw new UsageError(`${what}: the days are ${dayNames(root)}`);
  }
  return readDay(root, found);
}

/** `0 baseline, 1 simd, 2 nsw`, for messages. */
export function dayNames(root: string = REPOSITORY): string {
  const names = dayFolders(root).map((name) => `${numberOf(name)} ${topicOf(name)}`);
  return names.join(', ') || 'none yet';
}

/** A file of the day as messages show it: from the repository's root, with forward slashes. */
export function pathInRepository(day: FoundDay, file: string): string {
  return `days/${day.name}/${file}`;
}

/** The names of the folders that are days, in order. */
export function dayFolders(root: string = REPOSITORY): string[] {
  const days = join(root, 'days');
  if (!existsSync(days)) throw new ExerciseError(days, 'there is no such folder', 'restore it from git');
  return readdirSync(days)
    .filter((name) => /^\d\d-[a-z0-9-]+$/.test(name) && existsSync(join(days, name, 'day.ts')))
    .sort();
}

async function readDay(root: string, name: string): Promise<FoundDay> {
  const folder = join(root, 'days', name);
  const file = `days/${name}/day.ts`;
  let module: { day?: unknown };
  try {
    module = await importFresh(join(folder, 'day.ts'));
  } catch (cause) {
    throw new ExerciseError(file, (cause as Error).message, 'mend the file', { cause });
  }
  const wrong = wrongWith(module.day, name);
  if (wrong !== undefined) throw new ExerciseError(file, wrong, 'see interface Day in src/lab/exercises/day.ts');
  return { ...(module.day as Day), name, folder, root };
}

/** What keeps a value from being the card of the folder `name`; undefined where nothing does. */
function wrongWith(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it exports no `day`';
  const day = value as Record<string, unknown>;
  for (const key of ['topic', 'title', 'goal', 'milestone', 'room']) {
    if (typeof day[key] !== 'string' || day[key].trim() === '') return `\`${key}\` is not a text`;
  }
  if (!Array.isArray(day.needs) || day.needs.some((need) => typeof need !== 'string')) {
    return '`needs` is not a list of texts';
  }
  if (!(Number.isInteger(day.minutes) && Number(day.minutes) > 0)) return '`minutes` is not a number of minutes';
  if (day.number !== numberOf(name)) return `\`number\` is ${String(day.number)}, and the folder is ${name}`;
  if (day.topic !== topicOf(name)) return `\`topic\` is ${String(day.topic)}, and the folder is ${name}`;
  if (![undefined, 'typescript', 'assemblyscript'].includes(day.language as string | undefined)) {
    return `\`language\` is ${String(day.language)}, neither typescript nor assemblyscript`;
  }
  return undefined;
}

function numberOf(name: string): number {
  return Number(name.slice(0, 2));
}

function topicOf(name: string): string {
  return name.slice(3);
}
