/**
 * BlockBuffer: a few blocks of 64 KiB in a small memory of their own, beside the kernel that takes their checksums. What goes
 * to a file or comes from one passes through here.
 */
import { CRC_ROOM_BYTES, instantiate, type Kernels, PAGE_BYTES } from './wasm.ts';

export class BlockBuffer {
  /** The blocks, one behind the other. */
  readonly bytes: Uint8Array;
  readonly #kernels: Kernels;

  constructor(blocks: number) {
    const pages = ROOM_PAGES + blocks;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = new Uint8Array(memory.buffer, ROOM_PAGES * PAGE_BYTES);
    this.#kernels = instantiate(memory);
    this.#kernels.configureCrc32c(ROOM);
  }

  /** CRC-32C of the block of that number. */
  sumOfBlock(block: number): number {
    return this.#kernels.crc32c((ROOM_PAGES + block) * PAGE_BYTES, PAGE_BYTES, 0) >>> 0;
  }

  /** CRC-32C of any bytes, which overwrite the blocks; behind others whose checksum is `seed`, that of both in a row. */
  sumOf(bytes: Uint8Array, seed = 0): number {
    let sum = seed;
    for (let from = 0; from < bytes.length; from += this.bytes.length) {
      const part = bytes.subarray(from, from + this.bytes.length);
      this.bytes.set(part);
      sum = this.#kernels.crc32c(ROOM_PAGES * PAGE_BYTES, part.length, sum) >>> 0;
    }
    return sum;
  }
}

/** The first page is the kernel's, but for address 0. */
const ROOM = 64;
const ROOM_PAGES = Math.ceil((ROOM + CRC_ROOM_BYTES) / PAGE_BYTES);
