/** `annlab search`: what is nearest, as an index in a file finds it; and where the truth is known, how well and how fast. */
import { UsageError } from '../core/errors.ts';
import { type Matrix, row } from '../core/matrix.ts';
import { openReadOnly } from '../engine/index-file.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import type { SearchOptions } from '../graph/vector-index.ts';
import { type Flag, flagHelp, integerFlag, numberFlag, readCommandLine } from '../lab/command.ts';
import { loadDataset } from '../lab/datasets.ts';
import { formatCount, formatMicros } from '../lab/format.ts';
import { readIntegerMatrix, readMatrix } from '../lab/formats/index.ts';
import { groundTruth } from '../lab/ground-truth.ts';
import { withLoadProgress, withProgress } from '../lab/progress.ts';
import type { Truth } from '../lab/recall.ts';
import { sweep } from '../lab/sweep.ts';

export interface SearchCommandOptions {
  file: string;
  /** Where queries come from: a set, whose truth is worked out, or a file, and perhaps another of true neighbours. */
  from: { dataset: string } | { queries: string; truth?: string };
  k: number;
  /** Width of the beam, where neither of the next two is given. */
  ef?: number;
  gamma?: number;
  recall?: number;
  /** The first so many queries. Default: all, or as many as one wants to read. */
  limit?: number;
}

const FLAGS: Record<string, Flag> = {
  queries: { value: '<file>', help: 'vectors to search for: .fvecs, .npy, .hdf5, …' },
  truth: { value: '<file>', help: 'their true neighbours, rows of ids: .ivecs, .ibin, .npy, .hdf5' },
  dataset: { value: '<name>', help: 'or the queries of a set, whose first vectors the index holds' },
  k: { value: '<n>', help: 'neighbours wanted; default 10' },
  ef: { value: '<n>', help: 'efSearch, width of the beam; default 64, or k where that is more' },
  gamma: { value: '<x>', help: 'instead: end when what is left is more than 1 + x times as far as the k-th found' },
  recall: { value: '<share>', help: 'instead: whatever this recall takes, as the index was calibrated' },
  limit: { value: '<n>', help: 'only the first n queries; default all, or 10 where the neighbours are shown' },
};

const HELP = `Searches a saved index. Where the true neighbours are known, says recall and speed; otherwise what was found.

  npm run annlab -- search out/fashion.ann --dataset fashion-mnist-784-euclidean --ef 40
  npm run annlab -- search vectors.ann --queries queries.npy --k 3

${flagHelp(FLAGS)}`;

export async function searchCommand(argv: readonly string[], say: (text: string) => void): Promise<void> {
  const options = parseSearchArguments(argv);
  if (options === 'help') say(HELP);
  else await search(options, say);
}

/** Throws UsageError. */
export function parseSearchArguments(argv: readonly string[]): SearchCommandOptions | 'help' {
  const line = readCommandLine(argv, FLAGS, true);
  const { values, positionals } = line;
  if (values.help) return 'help';
  if (positionals.length !== 1) throw new UsageError('one index, such as npm run annlab -- search out/fashion.ann …');
  const [queries, truth, dataset] = [values.queries, values.truth, values.dataset] as (string | undefined)[];
  if ((queries === undefined) === (dataset === undefined)) {
    throw new UsageError(
      `which queries? Name a file with --queries or a set with --dataset${queries ? ', not both' : ''}`,
    );
  }
  if (truth !== undefined && queries === undefined) {
    throw new UsageError(`--truth ${truth}: that goes with --queries; the truth of a set is worked out`);
  }
  const k = integerFlag(line, 'k', { min: 1, max: 100_000 }) ?? 10;
  const ef = integerFlag(line, 'ef', { min: k, least: '--k', max: 10_000_000 });
  const gamma = numberFlag(line, 'gamma', { min: 0, max: 10 });
  const recall = numberFlag(line, 'recall', { min: 0.001, max: 1 });
  const given = Object.entries({ ef, gamma, recall }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw new UsageError(`${given.map(([name]) => `--${name}`).join(' and ')}: how far to look is said by one of them`);
  }
  const limit = integerFlag(line, 'limit', { min: 1, max: 1_000_000_000 });
  return {
    file: positionals[0],
    from: dataset === undefined ? { queries: queries!, ...(truth !== undefined && { truth }) } : { dataset },
    k,
    ...(given.length > 0 ? Object.fromEntries(given) : { ef: Math.max(64, k) }),
    ...(limit !== undefined && { limit }),
  };
}

export async function search(options: SearchCommandOptions, say: (text: string) => void): Promise<void> {
  const { file, from, k } = options;
  const index = await openReadOnly(file);
  if (options.recall !== undefined && index.calibration === undefined)
    throw new UsageError(
      `--recall: ${file} is not calibrated, so nobody knows what that takes: build it without --no-calibrate and --memory, ` +
        'have a program open, calibrate and save it, or name --gamma or --ef',
    );
  // Now, rather than when queries and truth are there.
  const how = index.resolve(howToSearch(options));
  const { queries, truth } =
    'dataset' in from ? await ofSet(from.dataset, index, options) : await ofFiles(from, options);
  if (queries.dimension !== index.dimension) {
    throw new UsageError(`the queries have dimension ${queries.dimension}, and ${file} has ${index.dimension}`);
  }
  if (truth === undefined) {
    for (let i = 0; i < queries.rows; i++) {
      const { ids, distances } = index.search(row(queries, i), how);
      say(`query ${i}: ${Array.from(ids, (id, j) => `${id} (${Number(distances[j].toPrecision(6))})`).join(', ')}`);
    }
    return;
  }
  // So that the first searches do not pay for it.
  index.checkAll();
  const { codes } = index.stats();
  const searcher = { index: index.handle.kind, codes, buildSeconds: 0, ramBytes: 0 };
  const [{ recall, qps, p50Us, p99Us }] = await withProgress('searching', 'passes', (onProgress) =>
    sweep({
      searcher: { ...searcher, search: (query) => index.search(query, how) },
      ...{ dataset: file, queries, truth, k, efs: [k], rounds: 1, onProgress },
    }),
  );
  say(
    `recall@${k} ${recall.toFixed(4)}, ${formatCount(qps)} queries per second on one thread, ` +
      `p50 ${formatMicros(p50Us)} µs, p99 ${formatMicros(p99Us)} µs (${setting(options, how)}, ${formatCount(queries.rows)} queries)`,
  );
}

function howToSearch({ k, ef, gamma, recall }: SearchCommandOptions): SearchOptions {
  if (recall !== undefined) return { k, recallTarget: recall };
  if (gamma !== undefined) return { k, gamma };
  return { k, ...(ef !== undefined && { efSearch: ef }) };
}

/** How far was looked, in words. */
function setting({ recall }: SearchCommandOptions, { efSearch, gamma }: SearchOptions): string {
  const looked = gamma === undefined ? `efSearch ${efSearch}` : `gamma ${gamma}`;
  return recall === undefined ? looked : `recall ${recall} wanted: ${looked}`;
}

/** What one wants to read where neighbours are shown. */
const SHOWN = 10;

async function ofFiles(
  { queries: path, truth }: { queries: string; truth?: string },
  { k, limit }: SearchCommandOptions,
): Promise<{ queries: Matrix; truth?: Truth }> {
  const maxRows = limit ?? (truth === undefined ? SHOWN : undefined);
  const queries = await readMatrix(path, { member: 'test', ...(maxRows !== undefined && { maxRows }) });
  if (truth === undefined) return { queries };
  const { data, rows, dimension } = await readIntegerMatrix(truth, { member: 'neighbors', maxRows: queries.rows });
  if (rows < queries.rows || dimension < k) {
    throw new UsageError(
      `${truth} has ${dimension} neighbours for ${rows} queries, and ${k} for ${queries.rows} are needed`,
    );
  }
  // Without distances nobody knows of ties, so that only the first k are right.
  const ids = Uint32Array.from({ length: rows * k }, (_, i) => data[Math.floor(i / k) * dimension + (i % k)]);
  return { queries, truth: { ids, distances: new Float32Array(ids.length) } };
}

async function ofSet(
  name: string,
  index: AnyIndex,
  { file, k, limit }: SearchCommandOptions,
): Promise<{ queries: Matrix; truth: Truth }> {
  const dataset = await withLoadProgress((onProgress) =>
    loadDataset(name, {
      ...{ onProgress, maxRows: Math.max(1, index.count) },
      ...(limit !== undefined && { maxQueries: limit }),
    }),
  );
  const { train, queries } = dataset;
  if (index.count !== train.rows || index.dimension !== train.dimension) {
    const holds = `${formatCount(index.count)} vectors of ${index.dimension} dimensions`;
    throw new UsageError(
      `${file} holds ${holds}, and ${name} has ${formatCount(train.rows)} of ${train.dimension}: it was not built from that set`,
    );
  }
  // By the metric that the index has: it may be another than the set's own.
  const truth = await withProgress('exact neighbours', 'queries', (onProgress) =>
    groundTruth({ ...dataset, metric: index.metric }, Math.max(TRUTH_WIDTH, k), { onProgress }),
  );
  return { queries, truth };
}

/** More than k, so that ties at the k-th count as right, and what `npm start` keeps is found. */
const TRUTH_WIDTH = 100;
