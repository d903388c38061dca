/** Writing an `*.ann` file (the format: `ann-format.ts`): blocks in their order, then their checksums, then the header. */
import { assert } from '../core/assert.ts';
import { BlockBuffer } from '../kernels/block-buffer.ts';
import { BLOCK_BYTES, blocksOf, encodeHeader, layOut } from './ann-format.ts';
import { type FileSystem, writeAtomically } from './atomic-write.ts';

export interface AnnFileContents<Section = WholeSection> {
  /** What must be known before the sections can be read; has to fit into the header, which has room for about 60 KB. */
  meta: Record<string, unknown>;
  /**
   * Each is its parts in a row. Nothing may be written to them meanwhile, or the file holds some of it and not the rest. Where parts
   * are made one at a time, the section says how many bytes they are together, and a part need last only until the next is asked
   * for.
   */
  sections: Section[];
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface WholeSection {
  name: string;
  parts: readonly Uint8Array[];
}

export interface StreamedSection {
  name: string;
  bytes: number;
  parts: AsyncIterable<Uint8Array>;
}

/** Replaces the file at `path` whole or not at all. Returns its size. Throws OutputError where the system refuses. */
export async function writeAnnFile(
  path: string,
  { meta, sections, onProgress }: AnnFileContents<WholeSection | StreamedSection>,
  fileSystem?: FileSystem,
): Promise<{ bytes: number }> {
  const layout = layOut(sections.map((section) => ({ name: section.name, bytes: bytesOf(section) })));
  await writeAtomically(
    path,
    async (writeAt) => {
      const buffer = new BlockBuffer(BLOCKS_AT_ONCE);
      const sums = new Uint32Array(layout.table.bytes / 4);
      for (const [i, { offset, firstBlock }] of layout.sections.entries()) {
        let block = 0;
        for await (const blocks of fillings(buffer.bytes, sections[i].parts)) {
          // Summed and written from one copy, so that the two belong together whatever becomes of the original.
          for (let j = 0; j < blocks; j++) sums[firstBlock + block + j] = buffer.sumOfBlock(j);
          await writeAt(buffer.bytes.subarray(0, blocks * BLOCK_BYTES), offset + block * BLOCK_BYTES);
          block += blocks;
          onProgress?.(offset + block * BLOCK_BYTES, layout.fileBytes);
        }
        assert(block === layout.sections[i].blocks, `section ${sections[i].name} is as long as was said`);
      }
      const table = new Uint8Array(sums.buffer);
      await writeAt(table, layout.table.offset);
      const header = encodeHeader({ ...layout, meta, tableSum: buffer.sumOf(table) }, (bytes) => buffer.sumOf(bytes));
      await writeAt(header, 0);
      onProgress?.(layout.fileBytes, layout.fileBytes);
    },
    fileSystem && { fileSystem },
  );
  return { bytes: layout.fileBytes };
}

/** 2 MiB a write. */
const BLOCKS_AT_ONCE = 32;

function bytesOf(section: WholeSection | StreamedSection): number {
  return 'bytes' in section ? section.bytes : section.parts.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Fills `room` with the parts in a row, again and again, the last time up to a whole block with zeros; yields how many blocks.
 */
async function* fillings(
  room: Uint8Array,
  parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>,
): AsyncGenerator<number> {
  let filled = 0;
  for await (const part of parts) {
    for (let from = 0; from < part.length; ) {
      const piece = part.subarray(from, from + room.length - filled);
      room.set(piece, filled);
      filled += piece.length;
      from += piece.length;
      if (filled < room.length) continue;
      yield blocksOf(filled);
      filled = 0;
    }
  }
  if (filled === 0) return;
  const blocks = blocksOf(filled);
  room.fill(0, filled, blocks * BLOCK_BYTES);
  yield blocks;
}
