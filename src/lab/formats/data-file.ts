/**
 * A data file as bytes that are read once, front to back, and gunzipped where its name ends in `.gz`. Readers ask it how
 * much it holds before they allocate anything, so that a header that lies is found out at no cost.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { DataFileError } from '../../core/errors.ts';

/** Opens `path`, hands it to `read`, and closes it whatever happens. Every failure to read is a `DataFileError`. */
export async function readDataFile<T>(path: string, read: (file: DataFile) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  let file: DataFile | undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new DataFileError(path, 'is not a file', 'give the path of a data file');
    if (stat.size === 0) throw new DataFileError(path, 'is empty (0 bytes)', FETCH_AGAIN);
    file = isGzip(path) ? new GzipFile(path, handle, stat.size) : new PlainFile(path, handle, stat.size);
    return await read(file);
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unreadable(path, error) : error;
  } finally {
    file?.close();
    await handle.close();
  }
}

/** What to do about a file that was damaged on its way here. */
export const FETCH_AGAIN = 'fetch or copy the file again';

export const isGzip = (path: string): boolean => path.toLowerCase().endsWith('.gz');

export interface DataFile {
  readonly path: string;
  /** Fills `target`, or as much of it as there are bytes left, and returns how many. */
  read(target: Uint8Array): Promise<number>;
  /** Puts back the bytes that were read last. */
  unread(bytes: Uint8Array): void;
  /** How many bytes the whole content has. Of a gzip file, this gunzips it once from end to end. */
  contentBytes(): Promise<number>;
  /** Throws unless the content is `bytes` long, which is what `promise` (the header, in words) makes it. */
  expectContent(bytes: number, promise: string): Promise<void>;
  close(): void;
}

/** Fills `target` with a header or says that the file ends within it. */
export async function readHeader(file: DataFile, target: Uint8Array, what: string): Promise<void> {
  const got = await file.read(target);
  if (got < target.length) {
    throw new DataFileError(
      file.path,
      `ends within its ${what} (${got} of ${target.length} bytes)`,
      `it was cut or is of another format: ${FETCH_AGAIN}`,
    );
  }
}

class PlainFile implements DataFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #bytes: number;
  #position = 0;

  constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  async read(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await this.#handle.read(target, filled, target.length - filled, this.#position);
      if (bytesRead === 0) break;
      filled += bytesRead;
      this.#position += bytesRead;
    }
    return filled;
  }

  unread(bytes: Uint8Array): void {
    this.#position -= bytes.length;
  }

  async contentBytes(): Promise<number> {
    return this.#bytes;
  }

  async expectContent(bytes: number, promise: string): Promise<void> {
    if (bytes !== this.#bytes) throw wrongLength(this.path, promise, bytes, this.#bytes);
  }

  close(): void {}
}

/** Deflate cannot make anything smaller than by this factor, so a longer promise is a lie without looking. */
const DEFLATE_MAX_RATIO = 1032;

class GzipFile implements DataFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #bytes: number;
  #chunks: AsyncIterator<Buffer> | undefined;
  #gunzip: Gunzip | undefined;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  async read(target: Uint8Array): Promise<number> {
    if (this.#chunks === undefined) {
      this.#gunzip = gunzip(this.path);
      this.#chunks = this.#gunzip[Symbol.asyncIterator]();
    }
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0) {
        const next = await this.#orDataFileError(this.#chunks.next());
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const take = Math.min(this.#rest.length, target.length - filled);
      target.set(this.#rest.subarray(0, take), filled);
      this.#rest = this.#rest.subarray(take);
      filled += take;
    }
    return filled;
  }

  unread(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([bytes, this.#rest]);
  }

  async contentBytes(): Promise<number> {
    const stream = gunzip(this.path);
    let bytes = 0;
    await this.#orDataFileError(
      (async () => {
        for await (const chunk of stream) bytes += (chunk as Buffer).length;
      })(),
    );
    return bytes;
  }

  /** Believes the size in the last four bytes where it agrees (the usual case); where it does not, gunzips to be sure. */
  async expectContent(bytes: number, promise: string): Promise<void> {
    const trailer = new DataView(new ArrayBuffer(4));
    await this.#handle.read(trailer, 0, 4, Math.max(0, this.#bytes - 4));
    const agrees = trailer.getUint32(0, true) === bytes % 2 ** 32 && bytes <= this.#bytes * DEFLATE_MAX_RATIO;
    if (agrees) return;
    const held = await this.contentBytes();
    if (held !== bytes) throw wrongLength(this.path, promise, bytes, held);
  }

  close(): void {
    this.#gunzip?.destroy();
  }

  async #orDataFileError<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (!code.startsWith('Z_')) throw error;
      throw new DataFileError(this.path, `is not a whole gzip file (${(error as Error).message})`, FETCH_AGAIN, {
        cause: error,
      });
    }
  }
}

function gunzip(path: string): Gunzip {
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  const stream = createGunzip({ chunkSize: 1 << 20 });
  source.on('error', (error) => stream.destroy(error));
  stream.on('close', () => source.destroy());
  return source.pipe(stream);
}

function wrongLength(path: string, promise: string, want: number, got: number): DataFileError {
  const difference = got < want ? `${want - got} are missing` : `${got - want} are too many`;
  return new DataFileError(
    path,
    `${promise}, which makes ${want} bytes, and the file holds ${got}: ${difference}`,
    `it was cut in the middle, or its header is wrong: ${FETCH_AGAIN}`,
  );
}

function unreadable(path: string, error: unknown): DataFileError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new DataFileError(path, 'does not exist', 'check the path', { cause: error });
  if (code === 'EACCES')
    return new DataFileError(path, 'may not be read', 'give yourself read permission', { cause: error });
  return new DataFileError(path, `cannot be read (${code ?? message})`, 'check the path and the disk', {
    cause: error,
  });
}
