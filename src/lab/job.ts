/**
 * One measured run over one dataset: ground truth, builds, the sweep, exact search beside it; and what it leaves: a table to
 * read now, and `results.json`, the curves as SVG and `report.html` to keep.
 */
import { buildFlat, buildHnsw, type HnswVariant } from './build.ts';
import type { Dataset } from './datasets.ts';
import { type FigureOptions, recallDistancesFigure, recallLatencyFigure, recallQpsFigure } from './figures.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import { groundTruth } from './ground-truth.ts';
import { describeMachine, describeVersions } from './machine.ts';
import { withProgress } from './progress.ts';
import type { Truth } from './recall.ts';
import { type ReportFigure, renderReport } from './report.ts';
import { type Results, writeOutputs } from './results.ts';
import { headlines, rowsTable } from './summary.ts';
import { type Searcher, type SweepRow, seriesLabel, sweep } from './sweep.ts';

export interface Job {
  dataset: Dataset;
  /** What is built, and swept in turn. */
  indexes: readonly HnswVariant[];
  /** What they have in common, for the report: `M`, `seed`, … */
  parameters: Record<string, string | number>;
  k: number;
  /** Widths of the beam. Default: from k up until recall is 0.9995. */
  efs?: readonly number[];
  rounds: number;
  /** For ground truth; searches are measured on one thread. */
  threads: number;
  /** The folder of the results; it should have been prepared. */
  out: string;
  /** The command that repeats the job. */
  command: string;
}

/** `say` is given what a person wants to read, a line or a table at a time. */
export async function runJob(job: Job, say: (text: string) => void): Promise<Results> {
  const { dataset, indexes, k, efs, rounds, threads, out, command } = job;
  const { name, title, train: base, queries, metric } = dataset;
  const shape = `${formatCount(base.rows)} vectors, ${formatCount(queries.rows)} queries, ${base.dimension} dimensions`;
  say(`${name} (${title}): ${shape}, ${metric}`);
  const truth = await withProgress('exact neighbours', 'queries', (onProgress) =>
    groundTruth(dataset, Math.max(TRUTH_WIDTH, k), { threads, onProgress }),
  );

  const searchers: Searcher[] = [];
  let hugePages = false;
  for (const variant of indexes) {
    const searcher = await withProgress(
      `building ${variant.index ?? 'hnsw'} ${variant.codes}`,
      'vectors',
      (onProgress) => buildHnsw({ ...variant, base, metric, onProgress }),
    );
    const { buildSeconds, ramBytes, stats } = searcher;
    hugePages ||= stats.hugePages;
    say(`${seriesLabel(searcher)}: built in ${formatSeconds(buildSeconds)}, ${formatBytes(ramBytes)} of RAM`);
    searchers.push(searcher);
  }
  const rows = await withProgress('searching', 'passes', (onProgress) =>
    sweep({
      ...{ dataset: name, searcher: searchers, queries, truth, k, rounds, onProgress },
      ...(efs ? { efs } : { enough: ENOUGH_RECALL }),
    }),
  );
  rows.push(...(await measureExact(job, truth)));
  say(`\n${rowsTable(rows)}\n`);
  for (const line of headlines(rows)) say(line);

  const results: Results = {
    machine: describeMachine({ hugePages }),
    versions: describeVersions(),
    run: {
      date: new Date().toISOString(),
      command,
      dataset: {
        ...{ name, about: title, metric },
        ...{ vectors: base.rows, queries: queries.rows, dimension: base.dimension },
      },
      parameters: { k, ...job.parameters, rounds },
    },
    rows,
  };
  const figures = figuresOf(results);
  const paths = await writeOutputs(out, {
    'results.json': `${JSON.stringify(results, null, 2)}\n`,
    ...Object.fromEntries(figures.map(({ file, draw }) => [file, draw(720)])),
    'report.html': renderReport(results, figures),
  });
  say(`\nwrote ${paths.join(', ')}`);
  return results;
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
  const few = Math.min(Math.max(affordable, 10), 200, queries.rows);
  const width = truth.ids.length / queries.rows;
  return withProgress('exact search', 'passes', (onProgress) =>
    sweep({
      dataset: name,
      searcher,
      queries: { ...queries, data: queries.data.subarray(0, few * queries.dimension), rows: few },
      truth: { ids: truth.ids.subarray(0, few * width), distances: truth.distances.subarray(0, few * width) },
      k,
      efs: null,
      rounds,
      warmup: Math.min(few, 5),
      onProgress,
    }),
  );
}

/** Vector bytes read in one round of exact search. */
const EXACT_BYTES = 15e9;

type Figure = ReportFigure & { file: string };

function figuresOf({ run, rows }: Results): Figure[] {
  const { name, vectors, dimension } = run.dataset;
  const subtitle = `${name}, ${formatCount(vectors)} vectors, ${dimension}-D`;
  const draw = (figure: (rows: readonly SweepRow[], options: FigureOptions) => string) => (width: number) =>
    figure(rows, { width, subtitle: width < 500 ? name : subtitle });
  return [
    {
      file: 'recall-qps.svg',
      caption:
        'Up and to the right is better. Each dot is one efSearch: a wider beam finds more of the true neighbours and takes longer. The dashed line is exact search.',
      draw: draw(recallQpsFigure),
    },
    {
      file: 'recall-latency.svg',
      caption:
        'Down and to the right is better. Solid: the mean. Dashed in the same colour: what 99 queries in 100 stay below.',
      draw: draw(recallLatencyFigure),
    },
    {
      file: 'recall-distances.svg',
      caption:
        'Down and to the right is better. Counted, not timed: how many vectors or codes a query was compared with, the same on every machine.',
      draw: draw(recallDistancesFigure),
    },
  ];
}
