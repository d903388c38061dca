/**
 * Pages of an arena that came from a file and are checked when they are first used (`assembly/blocks.ts`): whoever fills a
 * region from a file says what the checksum of each of its 64 KiB should be, and walks look before they read.
 */
import type { Arena } from './memory.ts';
import { MAX_PAGES, PAGE_BYTES } from './wasm.ts';

/** The regions that an arena needs for it: a byte and a checksum for every page there can be. */
export const PAGE_REGIONS = { pageStates: MAX_PAGES, pageSums: 4 * MAX_PAGES } as const;

/** A page that is not what the file promised. */
export interface FaultyPage {
  /** Its number in the arena. */
  page: number;
  want: number;
  got: number;
}

export class CheckedPages {
  readonly #arena: Arena<keyof typeof PAGE_REGIONS>;
  #unchecked: boolean;

  /** `room`: CRC_ROOM_BYTES of this thread's own; `unchecked`: whether there may be pages that nobody has looked at. */
  constructor(arena: Arena<keyof typeof PAGE_REGIONS>, room: number, unchecked: boolean) {
    this.#arena = arena;
    const { kernels, at } = arena;
    kernels.configureBlocks(at.pageStates, at.pageSums, room);
    kernels.setChecking(unchecked);
    this.#unchecked = unchecked;
  }

  /** Whether this thread has to look before it reads. */
  get unchecked(): boolean {
    return this.#unchecked;
  }

  /** From byte address `at`, a page's beginning, on, the pages have come from a file and should have these checksums. */
  expect(at: number, sums: Uint32Array): void {
    const { kernels, at: regions, bytes, u32 } = this.#arena;
    const page = at / PAGE_BYTES;
    u32.set(sums, (regions.pageSums >>> 2) + page);
    bytes.fill(UNCHECKED, regions.pageStates + page, regions.pageStates + page + sums.length);
    kernels.setChecking(true);
    this.#unchecked = true;
  }

  /** Checks all that nobody has looked at; the first page that is wrong, if there is one. */
  checkAll(): FaultyPage | undefined {
    if (!this.#unchecked) return undefined;
    const { kernels, memory } = this.#arena;
    if (kernels.ensureAll(0, memory.buffer.byteLength / PAGE_BYTES) >= 0) return this.faulty;
    kernels.setChecking(false);
    this.#unchecked = false;
    return undefined;
  }

  /** The page that was found wrong last. */
  get faulty(): FaultyPage | undefined {
    const { kernels, at, u32 } = this.#arena;
    const page = kernels.faultyPage();
    if (page < 0) return undefined;
    const got = kernels.crc32c((page * PAGE_BYTES) | 0, PAGE_BYTES, 0) >>> 0;
    return { page, want: u32[(at.pageSums >>> 2) + page], got };
  }
}

const UNCHECKED = 1;
