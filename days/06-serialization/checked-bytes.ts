/**
 * The bytes of a file, read or mapped, that are checked where they are used: the first look into a block compares its crc32c
 * with the one in the file's table. Opening checks the table alone, one byte in 128 of the file, and damage is told by the
 * search that would have walked over it.
 */
import { crc32c } from './crc32c.ts';
import { FileFault } from './file-fault.ts';

/** A disk's sector, the least that it writes at once; small enough to be drawn. The engine's blocks are 64 KiB. */
export const BLOCK_BYTES = 512;

/** The next multiple of a block. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export class CheckedBytes {
  readonly bytes: Uint8Array;
  /** Where the checksums begin: one u32 for every block between the header and here. */
  readonly table: number;
  /** The blocks that were looked into, in the order in which they were first. */
  readonly checked: number[] = [];
  /** Told of every look: for those who draw. */
  onUse: ((at: number, bytes: number) => void) | undefined;
  readonly #isChecked: Uint8Array;
  readonly #crcs: Uint32Array;

  /** Throws FileFault where the table itself is not what `tableCrc` says. `bytes` begin at a multiple of 4. */
  constructor(bytes: Uint8Array, { table, tableCrc }: { table: number; tableCrc: number }) {
    const blocks = table / BLOCK_BYTES;
    if (crc32c(bytes.subarray(table)) !== tableCrc) throw new FileFault('checksum', { block: blocks });
    this.bytes = bytes;
    this.table = table;
    this.#isChecked = new Uint8Array(blocks);
    this.#crcs = new Uint32Array(bytes.buffer, bytes.byteOffset + table, blocks - 1);
  }

  /** `n` numbers from byte `at` on: a view, not a copy. Throws FileFault where they are damaged, or lie outside of the regions. */
  u32(at: number, n: number): Uint32Array {
    this.#use(at, 4 * n);
    return new Uint32Array(this.bytes.buffer, this.bytes.byteOffset + at, n);
  }

  /** The same for floats. */
  f32(at: number, n: number): Float32Array {
    this.#use(at, 4 * n);
    return new Float32Array(this.bytes.buffer, this.bytes.byteOffset + at, n);
  }

  /** Checks every block that was not used yet. */
  checkAll(): void {
    this.#use(BLOCK_BYTES, this.table - BLOCK_BYTES);
  }

  #use(at: number, bytes: number): void {
    if (!(at >= BLOCK_BYTES && at + bytes <= this.table)) throw new FileFault('place');
    this.onUse?.(at, bytes);
    for (let block = Math.floor(at / BLOCK_BYTES); block * BLOCK_BYTES < at + bytes; block++) {
      if (this.#isChecked[block]) continue;
      const data = this.bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
      if (crc32c(data) !== this.#crcs[block - 1]) throw new FileFault('checksum', { block });
      this.#isChecked[block] = 1;
      this.checked.push(block);
    }
  }
}
