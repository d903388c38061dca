/** Rows of a source that need not lie one behind the other, read in order and where they are near each other at once. */
import { DimensionError } from '../core/errors.ts';
import type { RowSource } from '../core/row-source.ts';

/** So many bytes that nobody wants are read rather than looked for the next row: what a disk reads in the time of a look. */
const GAP_BYTES = 16_384;

/** A block of rows, in shared memory that the next one overwrites. */
export interface RowBlock {
  vectors: Float32Array;
  /** Which of the rows asked for is the first. */
  first: number;
  count: number;
}

export class GatheredRows {
  readonly #source: RowSource;
  readonly #block: Float32Array;
  readonly #blockRows: number;
  readonly #gapRows: number;

  constructor(source: RowSource, blockRows: number) {
    const { dimension } = source;
    this.#source = source;
    this.#blockRows = blockRows;
    this.#block = new Float32Array(new SharedArrayBuffer(blockRows * dimension * 4));
    this.#gapRows = Math.floor(GAP_BYTES / (4 * dimension));
  }

  /** The `count` rows that `rowAt` names. */
  async *blocks(count: number, rowAt: (i: number) => number): AsyncGenerator<RowBlock> {
    const { dimension } = this.#source;
    for (let first = 0; first < count; first += this.#blockRows) {
      const rows = Math.min(this.#blockRows, count - first);
      for (let i = 0; i < rows; ) {
        const from = rowAt(first + i);
        let to = from + 1;
        let end = i + 1;
        for (; end < rows; end++) {
          const row = rowAt(first + end);
          if (row < to || row > to + this.#gapRows || row - from >= this.#blockRows) break;
          to = row + 1;
        }
        const read = await this.read(from, to);
        for (; i < end; i++) {
          const at = (rowAt(first + i) - from) * dimension;
          this.#block.set(read.subarray(at, at + dimension), i * dimension);
        }
      }
      yield { vectors: this.#block.subarray(0, rows * dimension), first, count: rows };
    }
  }

  /** Throws DimensionError where the source gives something else than it promised. */
  async read(from: number, to: number): Promise<Float32Array> {
    const read = await this.#source.read(from, to);
    const want = (to - from) * this.#source.dimension;
    if (read.length !== want)
      throw new DimensionError({
        expected: `${want} numbers`,
        got: read.length,
        where: `rows ${from} to ${to - 1} of the source`,
      });
    return read;
  }
}
