/**
 * What of an index came from a file: what each page of it should be, which is checked when it is first used, and what to say where
 * one is not that. Every thread looks for itself; what one has checked the others need not.
 */
import { CorruptionError } from '../core/errors.ts';
import { CheckedPages } from '../kernels/checked-pages.ts';
import type { Arena } from '../kernels/memory.ts';
import { RowsFault, type VectorStore } from '../kernels/vectors.ts';
import { PAGE_BYTES } from '../kernels/wasm.ts';
import type { Region } from './graph-layout.ts';

/** A file that regions came from, as long as nobody has checked all of them. */
export interface Source {
  file: string;
  /** Where in the file each section begins, in bytes. */
  offsets: Record<string, number>;
  unchecked: boolean;
}

export class FileRegions {
  readonly #arena: Arena<Region>;
  readonly #pages: CheckedPages;
  readonly #handle: { source?: Source };
  readonly #vectors: VectorStore | undefined;

  /** `room`: CRC_ROOM_BYTES of this thread's own; `handle` says the file, once there is one; `vectors`: the originals, if any. */
  constructor(arena: Arena<Region>, room: number, handle: { source?: Source }, vectors: VectorStore | undefined) {
    this.#arena = arena;
    this.#pages = new CheckedPages(arena, room, handle.source?.unchecked ?? false);
    this.#handle = handle;
    this.#vectors = vectors;
  }

  /** Pages of a region, or of a memory of originals, from its beginning on, have come from a file and should have these checksums. */
  expect(of: Region | number, sums: Uint32Array): void {
    if (typeof of === 'number') this.#vectors?.expect(of, sums);
    else this.#pages.expect(this.#arena.at[of], sums);
  }

  /** Checks what nobody has looked at. Throws CorruptionError. */
  checkAll(): void {
    if (this.#pages.checkAll()) throw this.damage();
    try {
      this.#vectors?.checkAll();
    } catch (error) {
      throw this.explained(error);
    }
    if (this.#handle.source) this.#handle.source.unchecked = false;
  }

  /** The page of the arena that was found wrong last, if one was. */
  damage(): CorruptionError | undefined {
    const { faulty } = this.#pages;
    if (!faulty) return undefined;
    const { page, want, got } = faulty;
    const { at } = this.#arena;
    const regions = (['upper', 'signs', 'finer', 'records'] as const).filter(
      (region) => at[region] <= page * PAGE_BYTES,
    );
    const section = regions.reduce((a, b) => (at[a] > at[b] ? a : b));
    return this.#corruption(section, page - at[section] / PAGE_BYTES, want, got);
  }

  /** What the originals threw, in words of the file. */
  explained(error: unknown): unknown {
    if (!(error instanceof RowsFault)) return error;
    const { want, got } = error.fault;
    return this.#corruption('vectors', error.block, want, got);
  }

  #corruption(section: string, block: number, want: number, got: number): CorruptionError {
    const { file = 'the index', offsets } = this.#handle.source ?? {};
    const offset = (offsets?.[section] ?? 0) + block * PAGE_BYTES;
    return new CorruptionError({ file, section, block, offset, want, got });
  }
}
