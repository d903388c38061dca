/** What a run leaves behind: `results.json`, figures and a report, each written whole or not at all. */
import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { OutputError } from '../core/errors.ts';
import type { Metric } from '../graph/vector-index.ts';
import type { BatchRow } from './batches.ts';
import { writeWhole } from './cache.ts';
import type { DiskRun } from './from-disk.ts';
import type { Machine, Versions } from './machine.ts';
import type { SweepRow } from './sweep.ts';

export interface Results {
  machine: Machine;
  versions: Versions;
  run: Run;
  /** One query at a time, on one thread. */
  rows: SweepRow[];
  /** All queries at once, on several threads; empty where there was one. */
  batches: BatchRow[];
  /** The index that went through a file; null where none did. */
  disk: DiskRun | null;
}

/** What was run, so that it can be run again. */
export interface Run {
  /** When it ended, ISO 8601. */
  date: string;
  /** The command that repeats it. */
  command: string;
  dataset: DatasetSummary;
  /** Settings by name, as the papers call them: `M`, `efConstruction`, `seed`, … */
  parameters: Record<string, string | number>;
}

export interface DatasetSummary {
  name: string;
  /** One sentence: what the vectors are and where they come from. */
  about: string;
  vectors: number;
  dimension: number;
  metric: Metric;
  queries: number;
}

/** Makes the folder and sees that it can be written to, before a long run has only then to find that out. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(path.resolve(folder));
    await access(folder, constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new OutputError(folder, `cannot be written (${code ?? message})`, ELSEWHERE, { cause: error });
  }
}

/** Level by level: where a file system refuses with ENOENT, as /proc does, Node's recursive `mkdir` never returns. */
async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !(await exists(at)); at = path.dirname(at)) {
    missing.unshift(at);
    // A drive that is not there has nothing above it.
    if (path.dirname(at) === at) break;
  }
  for (const level of missing) {
    await mkdir(level).catch(async (error: NodeJS.ErrnoException) => {
      // Another process may have made it meanwhile.
      if (error.code !== 'EEXIST' || !(await exists(level))) throw error;
    });
  }
  if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Writes files into a folder, each whole or not at all, and returns their paths. Throws `OutputError`. */
export async function writeOutputs(folder: string, files: Record<string, string>): Promise<string[]> {
  const paths: string[] = [];
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await writeWhole(file, [Buffer.from(text)], { elsewhere: ELSEWHERE });
    paths.push(file);
  }
  return paths;
}

const ELSEWHERE = 'name another folder with --out';
