/**
 * One measured run over one dataset: ground truth, builds, the sweep, exact search beside it, batches on all threads, and an index
 * that went through a file; and what it leaves: tables to read now, and `results.json`, the curves as SVG, `report.html` and
 * the index itself to keep.
 */
import path from 'node:path';
import { AddressSpaceError, AnnError, OutputError } from '../core/errors.ts';
import { type BatchRow, batchSettings, measureBatches } from './batches.ts';
import { buildFlat, buildGraph, type GraphSearcher, type GraphVariant, searchedBy } from './build.ts';
import type { Dataset } from './datasets.ts';
import { type FigureOptions, recallDistancesFigure, recallLatencyFigure, recallQpsFigure } from './figures.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import { type DiskRun, throughDisk } from './from-disk.ts';
import { firstQueries, groundTruth } from './ground-truth.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { withProgress } from './progress.ts';
import type { Truth } from './recall.ts';
import { type ReportFigure, renderReport } from './report.ts';
import { type Results, writeOutputs } from './results.ts';
import { batchesTable, diskLine, headlines, rowsTable } from './summary.ts';
import {
  DEFAULT_GAMMAS,
  defaultEfs,
  type Knob,
  type Searcher,
  type SweepRow,
  seriesLabel,
  seriesOf,
  sweep,
} from './sweep.ts';

export interface Job {
  dataset: Dataset;
  /** What is built, and swept in turn. */
  indexes: readonly GraphVariant[];
  /** What they have in common, for the report: `M`, `seed`, … */
  parameters: Record<string, string | number>;
  k: number;
  /** The knob of all curves. Default: gamma where the metric allows. */
  knob?: Knob;
  /** Widths of the beam. Default: from k up until recall is 0.9995. */
  efs?: readonly number[];
  /** The same of gamma. Default: from 0 up until recall is 0.9995. */
  gammas?: readonly number[];
  /** Whether the first index is swept by efSearch as well, where its knob is gamma: to see what that gains. */
  beam?: boolean;
  rounds: number;
  /** For builds, and for batches where there are several; the sweep is on one. */
  threads: number;
  /** For ground truth. */
  truthThreads: number;
  /** Whether the first index is saved, opened and swept as well. */
  disk: boolean;
  /** The folder of the results; it should have been prepared. */
  out: string;
  /** The command that repeats the job. */
  command: string;
}

/**
 * `say` is given what a person wants to read, a line or a table at a time. Where the index that went through a file is not what it
 * was, throws AnnError, but not before everything else is measured and written.
 */
export async function runJob(
  job: Job,
  say: (text: string) => void,
  { goThroughDisk = throughDisk } = {},
): Promise<Results> {
  const { dataset, k, efs, gammas, rounds, threads, truthThreads, out, command } = job;
  const { name, title, train: base, queries, metric } = dataset;
  const shape = `${formatCount(base.rows)} vectors, ${formatCount(queries.rows)} queries, ${base.dimension} dimensions`;
  say(`${name} (${title}): ${shape}, ${metric}`);
  const truth = await withProgress('exact neighbours', 'queries', (onProgress) =>
    groundTruth(dataset, Math.max(TRUTH_WIDTH, k), { threads: truthThreads, onProgress }),
  );

  const built = await buildAll(job, say);
  const disk = job.disk ? await saveAndOpen(job, built[0], goThroughDisk, say) : {};
  const searchers: Searcher[] = [...built];
  const told = built[0].knob === 'gamma' ? gammas : efs;
  const usual = built[0].knob === 'gamma' ? DEFAULT_GAMMAS : defaultEfs(k);
  // A point here and there shows that the curve is the same.
  if (disk.searcher) searchers.push(told ? disk.searcher : { ...disk.searcher, widths: everyOther(usual) });
  if (job.beam && built[0].knob === 'gamma')
    searchers.push({ ...built[0], ...searchedBy(built[0].graph, 'efSearch'), by: 'efSearch' });
  const rows = await withProgress('searching', 'passes', (onProgress) =>
    sweep({
      ...{ dataset: name, searcher: searchers, queries, truth, k, rounds, onProgress },
      ...(told ? {} : { enough: ENOUGH_RECALL }),
      ...(efs && { efs }),
      ...(gammas && { gammas }),
    }),
  );
  const batches = threads > 1 ? await measureAllBatches(job, built, rows, truth) : [];
  rows.push(...(await measureExact(job, truth)));
  say(`\n${rowsTable(rows)}\n`);
  if (batches.length > 0) say(`${batchesTable(batches)}\n`);
  for (const line of headlines(rows)) say(line);

  const results: Results = {
    machine: describeMachine({ hugePages: built.some(({ stats }) => stats.hugePages) }),
    versions: describeVersions(),
    run: {
      date: new Date().toISOString(),
      command,
      dataset: {
        ...{ name, about: title, metric },
        ...{ vectors: base.rows, queries: queries.rows, dimension: base.dimension },
      },
      parameters: { k, ...job.parameters, rounds, threads },
    },
    ...{ rows, batches, disk: disk.run ?? null },
  };
  const figures = figuresOf(results);
  const paths = await writeOutputs(out, {
    'results.json': `${JSON.stringify(results, null, 2)}\n`,
    ...Object.fromEntries(figures.map(({ file, draw }) => [file, draw(720)])),
    'report.html': renderReport(results, figures),
  });
  say(`\nwrote ${paths.join(', ')}`);
  if (disk.run) {
    const file = path.join(out, disk.run.file);
    say(`and the index: open('${file}') brings it back in a program, npm run annlab -- verify ${file} checks it`);
  }
  if (disk.failure) throw disk.failure;
  return results;
}

function everyOther(widths: readonly number[]): number[] {
  return widths.filter((_, i) => i % 2 === 0);
}

async function buildAll(job: Job, say: (text: string) => void): Promise<GraphSearcher[]> {
  const { dataset, indexes, threads } = job;
  const { train: base, metric } = dataset;
  const on = threads > 1 ? ` on ${threads} threads` : '';
  const built: GraphSearcher[] = [];
  for (const variant of indexes) {
    const { kind = 'hnsw', index = kind, codes } = variant;
    const label = `building ${index} ${typeof codes === 'object' ? codes.kind : codes}`;
    const searcher = await withProgress(label, 'vectors', (onProgress) =>
      buildGraph({ ...variant, base, metric, threads, onProgress }),
    );
    const { buildSeconds, ramBytes } = searcher;
    say(`${seriesLabel(searcher)}: built in ${formatSeconds(buildSeconds)}${on}, ${formatBytes(ramBytes)} of RAM`);
    built.push(job.knob ? { ...searcher, ...searchedBy(searcher.graph, job.knob) } : searcher);
  }
  return built;
}

/** What goes wrong costs this run alone: it is said at once and, where it is worse than a lack of room, kept for the end. */
async function saveAndOpen(
  { dataset: { name, queries }, k, rounds, out }: Job,
  searcher: GraphSearcher,
  goThroughDisk: typeof throughDisk,
  say: (text: string) => void,
): Promise<{ searcher?: Searcher; run?: DiskRun; failure?: AnnError }> {
  const { handle } = searcher.graph;
  const file = path.join(out, `${name}${handle.kind === 'hnsw' ? '' : `-${handle.kind}`}-${searcher.codes}.ann`);
  const label = seriesLabel(searcher);
  try {
    const disk = await goThroughDisk({ searcher, path: file, queries, k, rounds });
    say(diskLine(disk.run));
    return disk;
  } catch (error) {
    if (!(error instanceof AnnError)) throw error;
    say(`${label} from disk: left out: ${error.message}`);
    return error instanceof OutputError || error instanceof AddressSpaceError ? {} : { failure: error };
  }
}

async function measureAllBatches(
  { dataset: { name, queries }, k, rounds, threads }: Job,
  built: readonly GraphSearcher[],
  rows: readonly SweepRow[],
  truth: Truth,
): Promise<BatchRow[]> {
  const curves = seriesOf(rows);
  const few = firstQueries(queries, truth, BATCH_QUERIES);
  const batches: BatchRow[] = [];
  for (const searcher of built) {
    const label = seriesLabel(searcher);
    const settings = batchSettings(curves.find(([row]) => seriesLabel(row) === label)!, k);
    const measured = await withProgress(`${label} in batches`, 'batches', (onProgress) =>
      measureBatches({ ...{ dataset: name, searcher, ...few, k, settings, threads, rounds, onProgress } }),
    );
    batches.push(...measured);
  }
  return batches;
}

/** Where the default widths end, even if the list goes on. */
const ENOUGH_RECALL = 0.9995;
/** More than k are kept, so that ties at the k-th count as right and so that another k finds them kept. */
const TRUTH_WIDTH = 100;

/** Exact search on as many queries as take a few seconds. */
async function measureExact({ dataset, k, rounds }: Job, truth: Truth): Promise<SweepRow[]> {
  const { name, train: base, queries, metric } = dataset;
  const searcher = await buildFlat({ base, metric });
  const affordable = Math.floor(EXACT_BYTES / base.data.byteLength);
  const few = firstQueries(queries, truth, Math.min(Math.max(affordable, 10), 200));
  return withProgress('exact search', 'passes', (onProgress) =>
    sweep({
      dataset: name,
      searcher,
      ...few,
      k,
      efs: null,
      rounds,
      warmup: Math.min(few.queries.rows, 5),
      onProgress,
    }),
  );
}

/** Vector bytes read in one round of exact search. */
const EXACT_BYTES = 15e9;
/** Queries in a batch at most: a second's work or less. */
const BATCH_QUERIES = 10_000;

type Figure = ReportFigure & { file: string };

function figuresOf({ run, rows }: Results): Figure[] {
  const { name, vectors, dimension } = run.dataset;
  // Where it came from shows in an index's speed; the work is the same.
  const inMemory = rows.filter(({ from }) => from === undefined);
  const subtitle = `${name}, ${formatCount(vectors)} vectors, ${dimension}-D`;
  const draw =
    (figure: (rows: readonly SweepRow[], options: FigureOptions) => string, shown: readonly SweepRow[]) =>
    (width: number) =>
      figure(shown, { width, subtitle: width < 500 ? name : subtitle });
  return [
    {
      file: 'recall-qps.svg',
      caption: `Up and to the right is better. Each dot is one width: a search that goes on for longer finds more of the true neighbours. The dashed line is exact search.${
        inMemory.length < rows.length ? ' From disk: the same index, saved and opened again.' : ''
      }`,
      draw: draw(recallQpsFigure, rows),
    },
    {
      file: 'recall-latency.svg',
      caption:
        'Down and to the right is better. Solid: the mean. Dashed in the same colour: what 99 queries in 100 stay below.',
      draw: draw(recallLatencyFigure, inMemory),
    },
    {
      file: 'recall-distances.svg',
      caption:
        'Down and to the right is better. Counted, not timed: how many vectors or codes a query was compared with, the same on every machine.',
      draw: draw(recallDistancesFigure, inMemory),
    },
  ];
}
