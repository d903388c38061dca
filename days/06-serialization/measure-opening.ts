/** What opening a file and asking it one question takes, by size and by way, each in a process of its own. For cells tagged `timing`. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The day's file parsed, read, or mapped; the engine's, read or mapped. */
export type Way = 'json' | 'read' | 'map' | 'engine read' | 'engine map';

/** What the process is told, as JSON on its command line. */
export interface OpeningInput {
  path: string;
  /** Size of the day's file. */
  bytes: number;
  way: Way | 'make';
}

/** What it answers. */
export interface OpeningOutput {
  /** Until the index can be asked, and until it has answered. */
  openMs: number;
  answerMs: number;
  /** By how much the process's own memory grew, and the pages of files that it holds. */
  ownBytes: number;
  sharedBytes: number;
}

export interface Opening extends OpeningOutput {
  mib: number;
  way: Way;
}

/** Parsed text takes many times its file's size, and building the engine's index takes seconds: both end earlier. */
export const MOST_JSON_MIB = 32;
export const MOST_ENGINE_MIB = 64;

/** The median of some runs for every size and way, smallest first. Files are made in a folder of the system's for temporary ones. */
export async function measureOpenings({
  mibs = [1, 4, 16, 64, 256],
  runs = 3,
}: {
  mibs?: readonly number[];
  runs?: number;
} = {}): Promise<Opening[]> {
  // Where only the kind of output matters, as when notebooks are compared with what is committed.
  const brief = process.env.ANNLAB_BENCH === 'brief';
  const folder = mkdtempSync(join(tmpdir(), 'annlab-'));
  const openings: Opening[] = [];
  try {
    for (const mib of brief ? [1, 2] : mibs) {
      const input = { path: join(folder, 'index.ann'), bytes: mib * 2 ** 20 };
      await runProcess({ ...input, way: 'make' });
      for (const way of waysFor(mib)) {
        const outputs: OpeningOutput[] = [];
        for (let run = 0; run < (brief ? 1 : runs); run++) {
          outputs.push(JSON.parse(await runProcess({ ...input, way })));
        }
        openings.push({ mib, way, ...medians(outputs) });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return openings;
}

function waysFor(mib: number): Way[] {
  const ways: Way[] = ['read'];
  if (process.platform !== 'win32') ways.push('map');
  if (mib <= MOST_JSON_MIB) ways.push('json');
  if (mib <= MOST_ENGINE_MIB) ways.push('engine read', 'engine map');
  return ways;
}

/** Returns what it printed. It runs on the source, whatever this is run on: days live in the checkout only. */
async function runProcess(input: OpeningInput): Promise<string> {
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--conditions=annlab-source'];
  // From the repository's root, where notebooks and commands run.
  const file = 'days/06-serialization/opening-process.ts';
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, JSON.stringify(input)]);
  return stdout;
}

function medians(outputs: readonly OpeningOutput[]): OpeningOutput {
  const median = (of: (output: OpeningOutput) => number) =>
    outputs.map(of).sort((a, b) => a - b)[Math.floor(outputs.length / 2)];
  return {
    openMs: median(({ openMs }) => openMs),
    answerMs: median(({ answerMs }) => answerMs),
    ownBytes: median(({ ownBytes }) => ownBytes),
    sharedBytes: median(({ sharedBytes }) => sharedBytes),
  };
}
