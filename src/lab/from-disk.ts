/**
 * An index that was saved and opened again, as another curve of the sweep: mapped, so that its pages come from the page cache
 * when a search first touches them. What it costs to save and to open is told; what it finds must be what the index in
 * memory finds.
 */
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AnnError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { open, save } from '../engine/index-file.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { checkSearch } from '../graph/checks.ts';
import type { SearchOptions } from '../graph/vector-index.ts';
import { canMap } from '../storage/mapping.ts';
import { type GraphSearcher, searchedBy } from './build.ts';
import { withProgress } from './progress.ts';
import { median, type Searcher, seriesLabel } from './sweep.ts';

/** What became of the index on its way through a file. */
export interface DiskRun {
  index: string;
  codes: string;
  /** The name of the file, beside the other results. */
  file: string;
  bytes: number;
  saveSeconds: number;
  /** Until the index can be searched; the median. The file was just written: its pages are in the page cache. */
  openMs: number;
  /** Of the first search, which checks every block that it is the first to use; the median. */
  firstQueryMs: number;
  /** Whether it was mapped; otherwise it was read. */
  mapped: boolean;
  /** Bytes of the file in memory as page cache, after a search for every query. Absent where nobody can tell. */
  residentBytes?: number;
}

export interface DiskOptions {
  /** The index to save. */
  searcher: GraphSearcher;
  /** The file to be written; what is there is replaced. */
  path: string;
  queries: Matrix;
  k: number;
  /** Times that it is opened where it can be mapped, an odd number. The first time ever, the system is tried too. */
  rounds: number;
}

/**
 * Shows how far it is. Throws OutputError where the file cannot be written, and AnnError where what was opened is damaged or
 * does not find, for every query, exactly what the index in memory does.
 */
export async function throughDisk(options: DiskOptions): Promise<{ searcher: Searcher; run: DiskRun }> {
  const { searcher, path: file, queries, k, rounds } = options;
  const { index, codes, buildSeconds, ramBytes, graph } = searcher;
  const label = seriesLabel(searcher);
  const { efSearch } = checkSearch({ k });
  const saving = performance.now();
  const { bytes } = await withProgress(`saving ${label}`, 'MiB', (onProgress) =>
    save(graph, file, { onProgress: (done, total) => onProgress(done / 2 ** 20, total / 2 ** 20) }),
  );
  const saveSeconds = (performance.now() - saving) / 1000;
  const openings = [await openAndAsk(file, row(queries, 0), { k, efSearch })];
  const mapped = mappingOf(file)?.mapped ?? canMap();
  // What is read whole takes as much memory every time.
  for (let round = 1; round < rounds && mapped; round++)
    openings.push(await openAndAsk(file, row(queries, 0), { k, efSearch }));
  const { opened } = openings[openings.length - 1];
  await withProgress(`comparing ${label} with its file`, 'queries', (onProgress) =>
    checkSame(options, opened, efSearch, onProgress),
  );
  const mapping = mappingOf(file);
  // Whatever no query came to is checked before anything is timed.
  opened.checkAll();
  return {
    searcher: {
      ...{ index, codes, from: 'disk', buildSeconds, ramBytes },
      ...searchedBy(opened, searcher.knob),
    },
    run: {
      ...{ index, codes, file: path.basename(file), bytes },
      saveSeconds,
      openMs: median(openings.map(({ openMs }) => openMs)),
      firstQueryMs: median(openings.map(({ firstQueryMs }) => firstQueryMs)),
      mapped,
      ...(mapping && { residentBytes: mapping.residentBytes }),
    },
  };
}

interface Opening {
  opened: AnyIndex;
  openMs: number;
  firstQueryMs: number;
}

async function openAndAsk(file: string, query: Float32Array, options: SearchOptions): Promise<Opening> {
  const opening = performance.now();
  const opened = await open(file);
  const asking = performance.now();
  opened.search(query, options);
  return { opened, openMs: asking - opening, firstQueryMs: performance.now() - asking };
}

const YIELD_MS = 250;

async function checkSame(
  { searcher: { graph }, path: file, queries, k }: DiskOptions,
  opened: AnyIndex,
  efSearch: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  let differing = 0;
  let lastYield = performance.now();
  for (let i = 0; i < queries.rows; i++) {
    const query = row(queries, i);
    const wanted = graph.search(query, { k, efSearch }).ids;
    const found = opened.search(query, { k, efSearch }).ids;
    if (found.length !== wanted.length || found.some((id, j) => id !== wanted[j])) differing++;
    if (performance.now() - lastYield < YIELD_MS) continue;
    onProgress(i + 1, queries.rows);
    await nextTurn();
    lastYield = performance.now();
  }
  if (differing === 0) return;
  throw new AnnError(
    'INDEX_DIFFERS',
    `${file}: opened again, it finds other neighbours than the index it was saved from, for ${differing} of ${queries.rows} queries: ` +
      'look at it with "npm run annlab -- verify", and please report this',
  );
}

/** Whether the file is mapped into this process, and how much of it is in memory that way; undefined where nobody can tell. */
function mappingOf(file: string): { mapped: boolean; residentBytes: number } | undefined {
  let lines: string[];
  try {
    lines = readFileSync('/proc/self/smaps', 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const name = realpathSync(file);
  // By where in the file they begin: each time that it was opened, the same pieces of it were mapped.
  const resident = new Map<string, number>();
  let piece: string | undefined;
  for (const line of lines) {
    // A mapping begins with a line of its addresses, offset and file; its numbers follow.
    const offset = /^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) /.exec(line)?.[1];
    if (offset !== undefined) piece = line.endsWith(` ${name}`) ? offset : undefined;
    const kib = piece === undefined ? undefined : /^Rss: +(\d+) kB/.exec(line)?.[1];
    if (kib !== undefined) resident.set(piece!, Math.max(resident.get(piece!) ?? 0, Number(kib) * 1024));
  }
  const residentBytes = [...resident.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { mapped: resident.size > 0, residentBytes };
}
