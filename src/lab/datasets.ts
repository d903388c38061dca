/**
 * Data sets by name. A published set is looked for in the cache (`datasets/cache`, or the folder in ANNLAB_CACHE), then in
 * `../shared/datasets` beside the repository, then downloaded; wherever it is found, its checksum is compared on every
 * load. A synthetic set is made once and kept in the cache.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AnnError, ChecksumError, DataFileError, DownloadError, ParameterError } from '../core/errors.ts';
import type { Matrix } from '../core/matrix.ts';
import type { Metric } from '../graph/vector-index.ts';
import { type FileSystem, keepChecksum, keptChecksum, sha256Of, verify, writeKept } from './cache.ts';
import {
  type Catalogue,
  type CatalogueFile,
  findDataset,
  type PublishedSet,
  type Role,
  type SyntheticSet,
} from './catalogue.ts';
import { download } from './download.ts';
import { fbinBytes } from './formats/bin.ts';
import { readMatrix } from './formats/index.ts';
import { GENERATOR_VERSION, generate } from './synthetic.ts';

export interface Dataset {
  name: string;
  /** What the vectors are, in a few words. */
  title: string;
  metric: Metric;
  train: Matrix;
  queries: Matrix;
  /** Where it came from this time. */
  source: 'cache' | 'shared' | 'download' | 'synthetic';
  /**
   * Stands for the content of the files or the settings of the generator that the rows were taken from, in order. With the
   * numbers of rows, what is computed from a set can be known by it.
   */
  key: string;
  /** Where what is computed from it is kept. */
  cacheFolder: string;
}

export interface LoadOptions {
  /** Default: the folder in ANNLAB_CACHE, else `datasets/cache`. */
  cacheDir?: string;
  /** Where sets that several checkouts share lie. Default: `../shared/datasets` beside the repository; null: nowhere. */
  shared?: string | null;
  /** Do not download. */
  offline?: boolean;
  /** Take this many rows from the front. */
  maxRows?: number;
  /** Take this many queries from the front. */
  maxQueries?: number;
  /** Breaks off a download. */
  signal?: AbortSignal;
  onProgress?: (progress: LoadProgress) => void;
  /** Told what went wrong and does not matter for the result. Default: a process warning. */
  onWarning?: (message: string) => void;
  /** How long a server may send nothing. Default 30 s. */
  stallSeconds?: number;
  /** Default: `datasets/catalogue.json`. */
  catalogue?: Catalogue;
  fileSystem?: FileSystem;
}

/** How far a step has come. */
export interface LoadProgress {
  step: 'download' | 'verify' | 'generate';
  /** The file or the set. */
  what: string;
  done: number;
  /** null where it is not known. */
  total: number | null;
  unit: 'bytes' | 'rows';
}

/**
 * Loads a set of the catalogue. Throws `ParameterError` for a name that is not in it, `DownloadError` where a file is
 * nowhere to be had, `ChecksumError` where it is not what the catalogue promises, `DataFileError` where it cannot be read.
 */
export async function loadDataset(name: string, options: LoadOptions = {}): Promise<Dataset> {
  const info = findDataset(name, options.catalogue);
  const maxRows = limit('maxRows', options.maxRows, info.rows);
  const maxQueries = limit('maxQueries', options.maxQueries, info.queries);
  const cacheFolder = join(cacheDirectory(options), info.name);
  const task: Task = { options, cacheFolder, maxRows, maxQueries };
  const loaded = info.kind === 'published' ? await loadPublished(info, task) : await loadSynthetic(info, task);
  return { name: info.name, title: info.title, metric: info.metric, ...loaded, cacheFolder };
}

/** The folder that sets are kept in. */
export function cacheDirectory({ cacheDir }: { cacheDir?: string } = {}): string {
  return cacheDir ?? (process.env.ANNLAB_CACHE || join(REPOSITORY, 'datasets', 'cache'));
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

interface Task {
  options: LoadOptions;
  cacheFolder: string;
  maxRows: number;
  maxQueries: number;
}

type Loaded = Pick<Dataset, 'train' | 'queries' | 'source' | 'key'>;

function limit(parameter: string, wanted: number | undefined, all: number): number {
  if (wanted === undefined) return all;
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new ParameterError({ parameter, got: wanted, want: 'an integer of at least 1' });
  }
  return Math.min(wanted, all);
}

async function loadPublished(info: PublishedSet, task: Task): Promise<Loaded> {
  const { options, cacheFolder, maxRows, maxQueries } = task;
  const located = new Map<CatalogueFile, Located>();
  const locate = async (role: Role): Promise<Located> => {
    const file = info.files.find(({ roles }) => roles.includes(role))!;
    let found = located.get(file);
    if (found === undefined) {
      found = await locateFile(info, file, cacheFolder, options);
      located.set(file, found);
    }
    return found;
  };
  const read = async (role: 'train' | 'queries', count: number, wanted: number): Promise<Matrix> => {
    const { path, format } = await locate(role);
    const matrix = await readMatrix(path, { format, maxRows: wanted, member: MEMBERS[role] });
    if (matrix.rows !== wanted || matrix.dimension !== info.dimension) {
      throw new DataFileError(
        path,
        `holds ${matrix.rows} ${role} rows of dimension ${matrix.dimension}, and the catalogue says ${count} of ${info.dimension}`,
        'it is another file than the catalogue means: delete it and load the set again',
      );
    }
    return matrix;
  };
  const train = await read('train', info.rows, maxRows);
  const queries = await read('queries', info.queries, maxQueries);
  const files = [await locate('train'), await locate('queries')];
  const sources = files.map((file) => file.source);
  return {
    train,
    queries,
    source: sources.includes('download') ? 'download' : sources.includes('shared') ? 'shared' : 'cache',
    key: digest(files.map((file) => file.sha256)),
  };
}

/** ann-benchmarks' names for the roles. */
const MEMBERS = { train: 'train', queries: 'test' };

interface Located {
  path: string;
  format: CatalogueFile['format'];
  sha256: string;
  source: 'cache' | 'shared' | 'download';
}

async function locateFile(
  info: PublishedSet,
  file: CatalogueFile,
  cacheFolder: string,
  options: LoadOptions,
): Promise<Located> {
  const { onProgress } = options;
  const { name, format } = file;
  const report = (step: 'verify' | 'download') => (done: number, total: number | null) =>
    onProgress?.({ step, what: name, done, total, unit: 'bytes' });
  const cached = join(cacheFolder, name);
  if (existsSync(cached)) {
    const want = file.sha256 ?? (await keptChecksum(cached));
    if (want === undefined) {
      // Put there by hand.
      const sha256 = await sha256Of(cached, report('verify'));
      warn(options, trusted(cached, sha256));
      await orWarning(options, keepChecksum(cached, sha256, options.fileSystem));
      return { path: cached, format, sha256, source: 'cache' };
    }
    await verify(cached, want, report('verify'));
    return { path: cached, format, sha256: want, source: 'cache' };
  }
  const shared = sharedFile(info, name, options);
  if (shared !== undefined && existsSync(shared)) {
    const sha256 = file.sha256 ?? (await sha256Of(shared, report('verify')));
    if (file.sha256 !== null) await verify(shared, sha256, report('verify'));
    return { path: shared, format, sha256, source: 'shared' };
  }
  if (options.offline) {
    const places = [cached, shared].filter((place) => place !== undefined).join(' nor ');
    throw new DownloadError(
      file.url,
      `${info.name} is not on this machine (neither ${places}) and downloading is turned off`,
      'go online, put the file there, or take a synthetic set such as embedding-128-10k',
    );
  }
  const { stallSeconds, signal, fileSystem } = options;
  const { sha256 } = await download(file, cached, {
    onProgress: report('download'),
    ...(stallSeconds !== undefined && { stallSeconds }),
    ...(signal && { signal }),
    ...(fileSystem && { fileSystem }),
  });
  if (file.sha256 === null) warn(options, trusted(cached, sha256));
  return { path: cached, format, sha256, source: 'download' };
}

const trusted = (path: string, sha256: string): string =>
  `${path}: nobody has published its checksum, so it is trusted this first time and held to sha256 ${sha256} from now on`;

function sharedFile({ sharedFolder }: PublishedSet, name: string, { shared }: LoadOptions): string | undefined {
  if (sharedFolder === undefined || shared === null) return undefined;
  return join(shared ?? join(REPOSITORY, '..', 'shared', 'datasets'), sharedFolder, name);
}

async function loadSynthetic(info: SyntheticSet, task: Task): Promise<Loaded> {
  const { options, cacheFolder, maxRows, maxQueries } = task;
  const { model, seed, dimension } = info;
  const key = digest([JSON.stringify({ version: GENERATOR_VERSION, model: sortedFields(model), seed, dimension })]);
  const path = (part: string, rows: number) => join(cacheFolder, `${part}-${rows}-${key.slice(0, 12)}.fbin`);
  // The whole set, where it has been made, serves any part of it.
  for (const rows of new Set([info.rows, maxRows])) {
    const files = [path('train', rows), path('queries', info.queries)];
    const kept = await readKept(files, [maxRows, maxQueries], options);
    if (kept !== undefined) return { train: kept[0], queries: kept[1], source: 'cache', key };
  }
  const { train, queries } = await generate({
    model,
    seed,
    dimension,
    rows: maxRows,
    queries: info.queries,
    onProgress: (done, total) => options.onProgress?.({ step: 'generate', what: info.name, done, total, unit: 'rows' }),
  });
  const keep = async () => {
    for (const [part, matrix] of Object.entries({ queries, train })) {
      await writeKept(
        path(part, matrix.rows),
        fbinBytes(matrix),
        options.fileSystem && { fileSystem: options.fileSystem },
      );
    }
  };
  await orWarning(options, keep());
  const asked = { data: queries.data.subarray(0, maxQueries * dimension), rows: maxQueries, dimension };
  return { train, queries: maxQueries < queries.rows ? asked : queries, source: 'synthetic', key };
}

/** Reads files that this cache made, or returns undefined where one is missing, or damaged: it can be made again. */
async function readKept(paths: string[], rows: number[], options: LoadOptions): Promise<Matrix[] | undefined> {
  if (!paths.every((path) => existsSync(path))) return undefined;
  try {
    const matrices: Matrix[] = [];
    for (const [i, path] of paths.entries()) {
      await verify(path, (await keptChecksum(path)) ?? 'none kept', (done, total) =>
        options.onProgress?.({ step: 'verify', what: path, done, total, unit: 'bytes' }),
      );
      matrices.push(await readMatrix(path, { maxRows: rows[i] }));
    }
    return matrices;
  } catch (error) {
    if (!(error instanceof ChecksumError || error instanceof DataFileError)) throw error;
    warn(options, `${error.message} (it is made again now)`);
    for (const path of paths) await rm(path, { force: true }).catch(() => {});
    return undefined;
  }
}

/** Waits for what only spares work another time; where it fails, work goes on. */
export async function orWarning(options: Pick<LoadOptions, 'onWarning'>, keeping: Promise<unknown>): Promise<void> {
  try {
    await keeping;
  } catch (error) {
    if (!(error instanceof AnnError)) throw error;
    warn(options, `not kept for another time: ${error.message}`);
  }
}

export function warn({ onWarning }: Pick<LoadOptions, 'onWarning'>, message: string): void {
  if (onWarning) onWarning(message);
  else process.emitWarning(message, 'DatasetWarning');
}

/** sha256 of the parts in order. */
export function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The same object with its fields in alphabetical order, so that their order in the catalogue does not matter. */
function sortedFields(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
