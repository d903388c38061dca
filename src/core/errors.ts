/**
 * Every error a caller can cause. Each says what is wrong, where, and how to mend it, and carries a stable `code` so that
 * a program can tell them apart without reading the text. Broken promises of our own are `assert`ed instead.
 */
export class AnnError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A vector (or a file of vectors) whose dimension is not the index's, or a dimension outside 1…4096. */
export class DimensionError extends AnnError {
  readonly expected: number | string;
  readonly got: number;

  constructor({ expected, got, where }: { expected: number | string; got: number; where: string }) {
    super('DIMENSION', `${where}: dimension ${got}, expected ${expected}`);
    this.expected = expected;
    this.got = got;
  }
}

/** A vector whose components cannot be searched: NaN, Infinity, a norm beyond f32, or zero under the cosine metric. */
export class VectorValueError extends AnnError {
  constructor(where: string, what: string, mend: string) {
    super('VECTOR_VALUE', `${where}: ${what}: ${mend}`);
  }
}

/** An option outside its range. */
export class ParameterError extends AnnError {
  readonly parameter: string;

  constructor({ parameter, got, want }: { parameter: string; got: unknown; want: string }) {
    super('PARAMETER', `${parameter} = ${String(got)}: ${want}`);
    this.parameter = parameter;
  }
}

/** More vectors than the capacity that the index was created with. */
export class CapacityError extends AnnError {
  /** `deleted`: how many of those that are counted are deleted, and take room until they are consolidated. */
  constructor({ capacity, want, deleted = 0 }: { capacity: number; want: number; deleted?: number }) {
    const counted = deleted > 0 ? ` (${deleted} deleted ones among them)` : '';
    const mended =
      deleted > 0
        ? 'consolidate it, or create or open it with a larger capacity'
        : 'create or open it with a larger capacity';
    super(
      'CAPACITY',
      `capacity exhausted: the index holds at most ${capacity} vectors and ${want}${counted} were asked for: ${mended}`,
    );
  }
}

/** The index would not fit into one WebAssembly memory. `fits` says how many vectors of this shape do. */
export class MemoryLimitError extends AnnError {
  readonly fits: number;

  constructor({
    needBytes,
    limitBytes,
    fits,
    shape,
  }: { needBytes: number; limitBytes: number; fits: number; shape: string }) {
    super(
      'MEMORY_LIMIT',
      `${shape} needs ${needBytes} bytes and one WebAssembly memory ends at ${limitBytes}: ${fits} vectors of this shape fit; ` +
        'lower the capacity, use smaller codes, or split the set over several indexes',
    );
    this.fits = fits;
  }
}

/** The system refuses the address space that an index reserves; this is no matter of RAM. */
export class AddressSpaceError extends AnnError {
  constructor({ needBytes, shape }: { needBytes: number; shape: string }, options?: ErrorOptions) {
    super(
      'ADDRESS_SPACE',
      `${shape}: the system refuses to reserve ${needBytes} bytes of address space: lower the capacity, or raise the limit ` +
        'on the address space of this process (ulimit -v)',
      options,
    );
  }
}

/** Something is under way that vectors cannot be added beside. */
export class BusyError extends AnnError {
  constructor(why: string) {
    super('BUSY', why);
  }
}

/** An index that was opened for searching only. */
export class ReadOnlyError extends AnnError {
  constructor(file: string) {
    super('READ_ONLY', `${file} was opened for searching only: open it with "open" to add vectors`);
  }
}

/** A thread of a pool that ended while it worked; the pool has put another one in its place. */
export class WorkerDiedError extends AnnError {
  /** Where vectors were being added: how many, from the first row on, are in. */
  readonly added: number | undefined;

  constructor({ why, added, rows }: { why: string; added?: number; rows?: number }, options?: ErrorOptions) {
    const left = added === undefined ? 'ask again' : `the first ${added} of ${rows} rows are in: add the rest again`;
    super('WORKER_DIED', `a thread of the pool died (${why}); another has taken its place: ${left}`, options);
    this.added = added;
  }
}

/** A pool that was asked for something after `close`. */
export class PoolClosedError extends AnnError {
  constructor() {
    super('POOL_CLOSED', 'the pool is closed: start another one');
  }
}

/** A graph with links that lead nowhere, as a damaged or forged file may hold. */
export class BrokenIndexError extends AnnError {
  constructor(what: string) {
    super('BROKEN_INDEX', `${what}: the index is damaged: build it again from its vectors`);
  }
}

/** The caller's id is already in the index. */
export class DuplicateIdError extends AnnError {
  readonly id: number;

  constructor(id: number) {
    super('DUPLICATE_ID', `id ${id} is already in the index: give every vector its own id`);
    this.id = id;
  }
}

/** A file that is not what its name or header says, or that ends too early. */
export class DataFileError extends AnnError {
  readonly file: string;

  constructor(file: string, what: string, mend: string, options?: ErrorOptions) {
    super('DATA_FILE', `${file}: ${what}: ${mend}`, options);
    this.file = file;
  }
}

/** Bytes that do not have the checksum the catalogue or the header promises. */
export class ChecksumError extends AnnError {
  constructor({ file, want, got }: { file: string; want: string; got: string }) {
    super('CHECKSUM', `${file}: checksum mismatch (want ${want}, got ${got}): delete the file and fetch it again`);
  }
}

/** A file that is no saved index, or one that cannot be read as it is: cut off, damaged in its header, or forged. */
export class IndexFileError extends AnnError {
  readonly file: string;

  constructor(file: string, what: string, mend: string, options?: ErrorOptions) {
    super('INDEX_FILE', `${file}: ${what}: ${mend}`, options);
    this.file = file;
  }
}

/** A saved index of a format that this version does not read. */
export class FormatVersionError extends AnnError {
  readonly file: string;
  readonly got: number;
  readonly reads: number;

  constructor({ file, got, reads }: { file: string; got: number; reads: number }) {
    super(
      'FORMAT_VERSION',
      `${file} is of format version ${got}, this annlab reads ${reads}: rebuild it with "npm run annlab -- build …" ` +
        'or open it with the annlab that wrote it',
    );
    this.file = file;
    this.got = got;
    this.reads = reads;
  }
}

/** A block of a saved index does not have the checksum it was saved with. */
export class CorruptionError extends AnnError {
  readonly file: string;
  readonly section: string;
  /** Which of the section's blocks, from 0. */
  readonly block: number;

  /** `offset`: where in the file the block begins; `want` and `got`: its checksum when it was saved, and now. */
  constructor({
    file,
    section,
    block,
    offset,
    want,
    got,
  }: { file: string; section: string; block: number; offset: number; want: number; got: number }) {
    super(
      'CORRUPTION',
      `${file}: section ${section}, block ${block} (byte ${offset} of the file): checksum mismatch ` +
        `(want ${hex(want)}, got ${hex(got)}): restore the file from a backup or rebuild it with "npm run annlab -- build …"`,
    );
    this.file = file;
    this.section = section;
    this.block = block;
  }
}

/** A download that could not be made or finished. */
export class DownloadError extends AnnError {
  constructor(url: string, what: string, mend: string, options?: ErrorOptions) {
    super('DOWNLOAD', `${url}: ${what}: ${mend}`, options);
  }
}

/** A command line that cannot be understood: commands end with status 2 and this one line. */
export class UsageError extends AnnError {
  constructor(message: string) {
    super('USAGE', message);
  }
}

/** A result that cannot be written where it was asked for. */
export class OutputError extends AnnError {
  constructor(file: string, what: string, mend: string, options?: ErrorOptions) {
    super('OUTPUT', `${file}: ${what}: ${mend}`, options);
  }
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}
