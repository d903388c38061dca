/**
 * Fetches a file of the catalogue into the cache. The bytes go to a file beside their place, are hashed on the way, and get
 * their name only when size and checksum are right: what was broken off or damaged is gone, never taken for good. A server
 * that falls silent is given up.
 */
import { type AnnError, ChecksumError, DownloadError } from '../core/errors.ts';
import { type FileSystem, keepChecksum, type Written, writeWhole } from './cache.ts';
import type { CatalogueFile } from './catalogue.ts';
import { BIN_HEADER_BYTES } from './formats/bin.ts';

export interface DownloadOptions {
  /** Bytes so far, and in all where that is known. */
  onProgress?: (done: number, total: number | null) => void;
  /** How long the server may send nothing. Default 30 s. */
  stallSeconds?: number;
  /** Breaks off the download. */
  signal?: AbortSignal;
  fileSystem?: FileSystem;
}

/**
 * Downloads to `path` from the file's url or, where that fails, its mirrors. Throws `DownloadError`, `ChecksumError`, or, if
 * the disk is what failed, `OutputError`.
 */
export async function download(file: CatalogueFile, path: string, options: DownloadOptions = {}): Promise<Written> {
  const failures: AnnError[] = [];
  for (const url of [file.url, ...(file.mirrors ?? [])]) {
    try {
      return await downloadFrom(url, file, path, options);
    } catch (error) {
      if (!(error instanceof DownloadError || error instanceof ChecksumError)) throw error;
      failures.push(error);
    }
  }
  throw failures[0];
}

async function downloadFrom(
  url: string,
  file: CatalogueFile,
  path: string,
  { onProgress, stallSeconds = 30, signal, fileSystem }: DownloadOptions,
): Promise<Written> {
  const transfer = new Transfer(url, file, path, stallSeconds, signal);
  try {
    const chunks = await transfer.open();
    const written = await writeWhole(path, counted(file.maxRows === undefined ? chunks : slice(chunks, url, file)), {
      ...(fileSystem && { fileSystem }),
      check({ sha256, bytes }) {
        if (file.bytes !== null && bytes !== file.bytes) {
          throw transfer.failure(`sent ${bytes} bytes and the catalogue says ${file.bytes}`, 'try again');
        }
        if (file.sha256 !== null && sha256 !== file.sha256) {
          throw new ChecksumError({ file: url, want: file.sha256, got: sha256 });
        }
      },
    });
    await keepChecksum(path, written.sha256, fileSystem);
    return written;
  } finally {
    transfer.close();
  }

  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const total = file.bytes ?? transfer.contentBytes;
    let done = 0;
    for await (const chunk of chunks) {
      yield chunk;
      done += chunk.length;
      if (total !== null && done > total) throw transfer.failure(`sends more than ${total} bytes`, 'try again');
      onProgress?.(done, total);
    }
  }
}

/** One request and its answer, under a watch that is wound up by every chunk. */
class Transfer {
  /** What the server says it will send. */
  contentBytes: number | null = null;
  readonly #url: string;
  readonly #file: CatalogueFile;
  readonly #path: string;
  readonly #stallSeconds: number;
  readonly #signal: AbortSignal | undefined;
  readonly #controller = new AbortController();
  #watch: NodeJS.Timeout | undefined;
  #stalled = false;

  constructor(url: string, file: CatalogueFile, path: string, stallSeconds: number, signal: AbortSignal | undefined) {
    this.#url = url;
    this.#file = file;
    this.#path = path;
    this.#stallSeconds = stallSeconds;
    this.#signal = signal;
  }

  async open(): Promise<AsyncIterable<Uint8Array>> {
    this.#signal?.throwIfAborted();
    this.#signal?.addEventListener('abort', this.#abort);
    const { bytes, maxRows } = this.#file;
    // The file's own bytes, not a server's idea of compressing or, worse, unpacking them.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (maxRows !== undefined && bytes !== null) headers.range = `bytes=0-${bytes - 1}`;
    const response = await this.#guard(() => fetch(this.#url, { headers, signal: this.#controller.signal }));
    if (!response.ok || response.body === null) {
      throw this.failure(`the server answered ${response.status} ${response.statusText}`.trim(), 'check the url');
    }
    const length = response.headers.get('content-length');
    if (length !== null) this.contentBytes = Number(length);
    return this.#chunks(response.body);
  }

  close(): void {
    clearTimeout(this.#watch);
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#controller.abort();
  }

  failure(what: string, mend: string, cause?: unknown): DownloadError {
    const byHand = `or put the file at ${this.#path} yourself`;
    return new DownloadError(this.#url, what, `${mend}, ${byHand}`, cause === undefined ? undefined : { cause });
  }

  readonly #abort = (): void => this.#controller.abort();

  async *#chunks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    let done = 0;
    try {
      for (;;) {
        const next = await this.#guard(() => chunks.next(), done);
        if (next.done === true) return;
        done += next.value.length;
        yield next.value;
      }
    } finally {
      this.#controller.abort();
    }
  }

  /** Awaits one step of the transfer, and says in its own words what went wrong with it. */
  async #guard<T>(step: () => Promise<T>, done = 0): Promise<T> {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#stalled = true;
      this.#controller.abort();
    }, this.#stallSeconds * 1000);
    try {
      return await step();
    } catch (error) {
      this.#signal?.throwIfAborted();
      const total = this.#file.bytes ?? this.contentBytes;
      const place = done === 0 ? '' : ` after ${done}${total === null ? '' : ` of ${total}`} bytes`;
      if (this.#stalled) throw this.failure(`nothing came for ${this.#stallSeconds} s${place}`, 'try again later');
      const cause = (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error);
      throw this.failure(
        done === 0 ? `cannot be reached (${cause.message})` : `broke off${place} (${cause.message})`,
        'check the network and try again',
        error,
      );
    } finally {
      clearTimeout(this.#watch);
    }
  }
}

/**
 * The first `maxRows` rows of a larger fbin (or kin): its header is made to say so, and nothing after the last row is
 * taken, even from a server that ignores ranges.
 */
async function* slice(chunks: AsyncIterable<Uint8Array>, url: string, file: CatalogueFile): AsyncGenerator<Uint8Array> {
  const { maxRows, bytes } = file as { maxRows: number; bytes: number };
  let head = Buffer.alloc(0);
  let left = bytes;
  for await (let chunk of chunks) {
    if (head.length < BIN_HEADER_BYTES) {
      head = Buffer.concat([head, chunk]);
      if (head.length < BIN_HEADER_BYTES) continue;
      const rows = head.readUInt32LE(0);
      if (rows < maxRows) {
        throw new DownloadError(url, `holds ${rows} rows, fewer than the ${maxRows} wanted`, 'check the catalogue');
      }
      head.writeUInt32LE(maxRows, 0);
      chunk = head;
    }
    const taken = chunk.subarray(0, left);
    left -= taken.length;
    yield taken;
    if (left === 0) return;
  }
}
