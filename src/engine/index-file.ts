/**
 * An index in a file: saved whole or not at all, opened in milliseconds by mapping, checked block by block. Here the graph, which
 * knows no files, and the storage, which knows no graphs, are brought together.
 */
import { performance } from 'node:perf_hooks';
import { AnnError, IndexFileError, ParameterError, ReadOnlyError } from '../core/errors.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { checkMeta, type GraphMeta, sectionBytes } from '../graph/graph-image.ts';
import { checkGraph, type RestoreOptions } from '../graph/graph-index.ts';
import { Hnsw } from '../graph/hnsw.ts';
import { Vamana } from '../graph/vamana.ts';
import { AnnFile, type LoadMode } from '../storage/ann-file.ts';
import { RESTORE } from '../storage/ann-format.ts';
import { writeAnnFile } from '../storage/write-ann-file.ts';

export interface SaveOptions {
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface OpenOptions {
  /** The most vectors that it shall hold, at least as many as it does. Default: as it was created, or as many as fit beside so many threads. */
  capacity?: number;
  /** How many threads may work on it at once, its owner included. Default: one more than there are cores. */
  threads?: number;
  /**
   * `map` (default): the file's pages are in memory without being read; they come from the page cache when they are first used.
   * `read`: all of it is copied at once, onto huge pages, which searches are quicker on. Where the system cannot map, files are
   * read.
   */
  mode?: LoadMode;
}

/** What `verify` found. */
export interface VerifyReport {
  ok: boolean;
  /** A sentence for everything that is wrong; the last says what to do. */
  faults: string[];
  bytes: number;
  blocks: number;
  /** Vectors in it; 0 where that is not known. */
  count: number;
  seconds: number;
}

/**
 * Writes the index to `path`, replacing what is there in one step once all is on disk: after a crash there is the old file or
 * the new one. Returns its size. Searches go on meanwhile; whoever adds gets a BusyError. Throws OutputError where the system
 * refuses, CorruptionError where the index came from a file that is damaged, BusyError.
 */
export async function save(
  index: AnyIndex,
  path: string,
  { onProgress }: SaveOptions = {},
): Promise<{ bytes: number }> {
  checkGraph(index);
  if (typeof path !== 'string') throw new ParameterError({ parameter: 'path', got: path, want: 'where to: a file' });
  const { meta, sections } = index.image();
  const resume = index.pauseAdding(`the index is being saved to ${path}: await that`);
  try {
    return await writeAnnFile(path, { meta: { ...meta }, sections, ...(onProgress && { onProgress }) });
  } finally {
    resume();
  }
}

/**
 * The index that was saved to `path`. Its header and the table of checksums are checked now, every other block when it is first
 * used, or all by `verify`, and before the first vector is added. What is added stays in memory (the file is copied on write)
 * until the index is saved, to the same path or another. While it is open, the file may be replaced or deleted, but must not be
 * written to. Throws IndexFileError, FormatVersionError, CorruptionError, ParameterError, or what the index's `create` throws.
 */
export function open(path: string, options: OpenOptions = {}): Promise<AnyIndex> {
  return Promise.resolve().then(() => load(path, options));
}

/** As `open`, for searching only: whoever adds gets a ReadOnlyError. Processes that open one file share its pages. */
export async function openReadOnly(path: string, options: Omit<OpenOptions, 'capacity'> = {}): Promise<AnyIndex> {
  const index = await open(path, options);
  index.forbidAdding(new ReadOnlyError(path));
  return index;
}

/**
 * Checks every block of the file and every invariant of the graph in it. Does not throw for what is wrong with the file, but
 * for what is wrong with the call.
 */
export async function verify(
  path: string,
  { onProgress }: { onProgress?: (doneBlocks: number, blocks: number) => void } = {},
): Promise<VerifyReport> {
  const began = performance.now();
  const report = { ok: false, faults: [] as string[], bytes: 0, blocks: 0, count: 0 };
  let file: AnnFile | undefined;
  try {
    file = AnnFile.open(path);
    report.bytes = file.bytes;
    report.blocks = file.blocks;
    report.faults = file
      .verify(onProgress)
      .map(({ section, block, offset }) => `section ${section}, block ${block} (byte ${offset}): checksum mismatch`);
    if (report.faults.length === 0) {
      const index = await open(path, { mode: 'read' });
      report.count = index.count;
      report.faults = index.validate();
    }
    if (report.faults.length > 0) report.faults.push(RESTORE);
  } catch (error) {
    if (!(error instanceof AnnError)) throw error;
    report.faults.push(error.message);
  } finally {
    file?.close();
  }
  report.ok = report.faults.length === 0;
  return { ...report, seconds: (performance.now() - began) / 1000 };
}

function load(path: string, { mode = 'map', ...options }: OpenOptions): AnyIndex {
  if (mode !== 'map' && mode !== 'read')
    throw new ParameterError({ parameter: 'mode', got: mode, want: 'map or read' });
  const file = AnnFile.open(path);
  try {
    const meta = metaOf(file);
    const { index, places } = restore(meta, options);
    for (const { section, ...place } of places) file.load(section, place, mode);
    index.adopt(meta, {
      source: {
        file: path,
        offsets: Object.fromEntries(file.sections.map(({ name, offset }) => [name, offset])),
        unchecked: true,
      },
      small: (name) => file.read(name),
      sums: (name) => file.sumsOf(name),
    });
    return index;
  } finally {
    file.close();
  }
}

function restore(meta: GraphMeta, options: RestoreOptions) {
  return meta.kind === 'hnsw' ? Hnsw.restore(meta, options) : Vamana.restore(meta, options);
}

/** What the file says of the index in it, once its sections are as long as that takes. */
export function metaOf(file: AnnFile): GraphMeta {
  let meta: GraphMeta;
  try {
    meta = checkMeta(file.meta);
  } catch (error) {
    if (error instanceof AnnError)
      throw new IndexFileError(file.path, `its metadata makes no sense (${error.message})`, RESTORE);
    throw error;
  }
  const wanted = sectionBytes(meta);
  for (const { name, bytes } of file.sections) {
    const want = wanted.get(name);
    if (want === undefined)
      throw new IndexFileError(file.path, `has a section ${name} that such an index has not`, RESTORE);
    if (want !== bytes) {
      throw new IndexFileError(
        file.path,
        `section ${name} has ${bytes} bytes, and ${meta.count} vectors make ${want}`,
        RESTORE,
      );
    }
    wanted.delete(name);
  }
  for (const name of wanted.keys()) throw new IndexFileError(file.path, `has no section ${name}`, RESTORE);
  return meta;
}
