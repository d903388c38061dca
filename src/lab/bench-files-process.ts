/** The process of `benchFiles`: opens a file, searches, and prints what that took. */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Random } from '../core/random.ts';
import { openReadOnly } from '../engine/index-file.ts';
import { canMap } from '../storage/mapping.ts';
import type { Opening } from './bench-files.ts';

const [file, wanted] = process.argv.slice(2);
const mode = wanted === 'map' ? 'map' : 'read';
const QUERIES = 101;
const before = resident();

const opening = performance.now();
const index = await openReadOnly(file, { mode });
const opened = performance.now();
// Seeded, like vectors of the set at least in being of its dimension; no two walks touch the same blocks.
const random = new Random(7);
const queries = Array.from({ length: QUERIES }, () => index.thread.vector(random.integer(index.count)).slice());
const asking = performance.now();
index.search(queries[0], { k: 10 });
const answered = performance.now();
for (const query of queries.slice(1)) index.search(query, { k: 10 });
const ended = performance.now();
const after = resident();
const again = performance.now();
await openReadOnly(file, { mode });
const openedAgain = performance.now();

const result: Opening = {
  mode: mode === 'map' && canMap() ? 'map' : 'read',
  openMs: opened - opening,
  againMs: openedAgain - again,
  firstQueryMs: answered - asking,
  nextQueriesMs: ended - answered,
  ...(before && after && { ownBytes: after.own - before.own, cachedBytes: after.cached - before.cached }),
};
process.stdout.write(JSON.stringify(result));

/** Bytes of this process in memory: its own, and those of mapped files, as Linux tells them. */
function resident(): { own: number; cached: number } | undefined {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined;
  }
  const bytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  return { own: bytes('RssAnon') + bytes('RssShmem'), cached: bytes('RssFile') };
}
