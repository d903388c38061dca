/**
 * What it takes until an index in a file answers: mapped, with blocks that are checked when they are first used, beside read whole.
 * Every opening has a process of its own, as a server's start has one; the file is in the page cache.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { formatBytes, formatMillis, formatTable } from './format.ts';
import { median } from './sweep.ts';

/** One opening; what a process of `bench-files-process.ts` prints. */
export interface Opening {
  /** `map` where it was asked for and works. */
  mode: 'map' | 'read';
  /** The first `open` of the process, which also compiles the kernels, and the second. */
  openMs: number;
  againMs: number;
  /** A search in the index that was opened first, and a hundred more. */
  firstQueryMs: number;
  nextQueriesMs: number;
  /** Resident memory that is the process's own, and that is page cache; undefined where the system does not tell. */
  ownBytes?: number;
  cachedBytes?: number;
}

const SCRIPT = fileURLToPath(
  new URL(`bench-files-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

/** Medians of `rounds` openings of each kind, in turn. */
export async function benchFiles(
  file: string,
  { rounds, onProgress }: { rounds: number; onProgress?: (done: number, total: number) => void },
): Promise<Opening[]> {
  const modes = ['map', 'read'] as const;
  const taken = modes.map((): Opening[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, mode] of modes.entries()) {
      taken[i].push(await openOnce(file, mode));
      onProgress?.(round * modes.length + i + 1, rounds * modes.length);
    }
  }
  return taken.map((openings) => {
    const middle = (pick: (opening: Opening) => number | undefined) => {
      const values = openings.map(pick).filter((value) => value !== undefined);
      return values.length > 0 ? median(values) : undefined;
    };
    const [ownBytes, cachedBytes] = [middle((one) => one.ownBytes), middle((one) => one.cachedBytes)];
    return {
      mode: openings[0].mode,
      openMs: middle((one) => one.openMs)!,
      againMs: middle((one) => one.againMs)!,
      firstQueryMs: middle((one) => one.firstQueryMs)!,
      nextQueriesMs: middle((one) => one.nextQueriesMs)!,
      ...(ownBytes !== undefined && { ownBytes }),
      ...(cachedBytes !== undefined && { cachedBytes }),
    };
  });
}

export function filesTable(openings: readonly Opening[]): string {
  const bytes = (value: number | undefined) => (value === undefined ? '–' : formatBytes(value));
  return formatTable(
    ['', 'open', 'open again', 'first query', '100 more', 'own memory', 'page cache'],
    openings.map(({ mode, openMs, againMs, firstQueryMs, nextQueriesMs, ownBytes, cachedBytes }) => [
      mode === 'map' ? 'mapped' : 'read',
      ...[openMs, againMs, firstQueryMs, nextQueriesMs].map(formatMillis),
      ...[ownBytes, cachedBytes].map(bytes),
    ]),
  );
}

async function openOnce(file: string, mode: 'map' | 'read'): Promise<Opening> {
  const flags = process.features.typescript
    ? []
    : ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, SCRIPT, file, mode]);
  return JSON.parse(stdout);
}
