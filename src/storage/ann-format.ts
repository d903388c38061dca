/**
 * The format of `*.ann` files, said once: everything in blocks of 64 KiB, little-endian.
 *
 *     block 0           the header
 *     from block 1      the sections, each from the beginning of a block, the last block of each filled up with zeros
 *     behind them       the table: CRC-32C of every block of the sections, u32 each, filled up with zeros to whole blocks
 *
 * The header:
 *
 *     at   bytes
 *      0       8        "\x89ANN\r\n\x1a\n": whoever takes the file for text and changes its line ends spoils it right here
 *      8       4        format version
 *     12       4        CRC-32C of the header's whole block, taken with these four bytes zero
 *     16       8        bytes of the whole file
 *     24       4        CRC-32C of the table, its filling included
 *     28       4        how many sections
 *     32       4        bytes of the metadata
 *     36      28        zeros
 *     64      48 each   sections: name (32 bytes of ASCII, filled up with zeros), where it begins, bytes without the filling (8 each)
 *     then              metadata: one JSON object, UTF-8
 *     then              zeros
 *
 * Blocks are as large as pages of WebAssembly memory, so that a section can be mapped into one. Every byte but those of the
 * fillings has a single value that is right, and every byte is under a checksum: the header's own, one of the table's, or the
 * table's. Magic, version and checksum stay where they are in every version to come.
 */
import { assert } from '../core/assert.ts';
import { FormatVersionError, IndexFileError } from '../core/errors.ts';
import { PAGE_BYTES } from '../kernels/wasm.ts';

export const BLOCK_BYTES = PAGE_BYTES;
export const FORMAT_VERSION = 1;

export interface Section {
  /** Letters, digits and hyphens, a letter first, 32 at most. */
  readonly name: string;
  /** Where in the file it begins. */
  readonly offset: number;
  /** Without the filling behind them. */
  readonly bytes: number;
  /** How many blocks it takes, and the first one's number among the blocks of all sections: its place in the table. */
  readonly blocks: number;
  readonly firstBlock: number;
}

export interface Layout {
  sections: Section[];
  /** Blocks of all sections. */
  blocks: number;
  table: { offset: number; bytes: number };
  fileBytes: number;
}

export interface Header extends Layout {
  /** As the index's owner wrote it down; here nothing more is known of it. */
  meta: Record<string, unknown>;
  tableSum: number;
}

/** CRC-32C of a block. */
export type SumOf = (block: Uint8Array) => number;

/** Where sections of these sizes lie. */
export function layOut(sizes: readonly { name: string; bytes: number }[]): Layout {
  let offset = BLOCK_BYTES;
  let firstBlock = 0;
  const sections = sizes.map(({ name, bytes }) => {
    const section = { name, offset, bytes, blocks: blocksOf(bytes), firstBlock };
    offset += section.blocks * BLOCK_BYTES;
    firstBlock += section.blocks;
    return section;
  });
  const table = { offset, bytes: blocksOf(4 * firstBlock) * BLOCK_BYTES };
  return { sections, blocks: firstBlock, table, fileBytes: offset + table.bytes };
}

export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES);
}

/** The header's block. */
export function encodeHeader({ sections, fileBytes, meta, tableSum }: Header, sumOf: SumOf): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(block.buffer);
  const json = new TextEncoder().encode(JSON.stringify(meta));
  const metaAt = SECTIONS + sections.length * SECTION_BYTES;
  assert(metaAt + json.length <= BLOCK_BYTES, 'sections and metadata fit into the header');
  block.set(MAGIC);
  view.setUint32(VERSION, FORMAT_VERSION, true);
  view.setBigUint64(FILE_BYTES, BigInt(fileBytes), true);
  view.setUint32(TABLE_SUM, tableSum, true);
  view.setUint32(SECTION_COUNT, sections.length, true);
  view.setUint32(META_BYTES, json.length, true);
  for (const [i, { name, offset, bytes }] of sections.entries()) {
    const at = SECTIONS + i * SECTION_BYTES;
    assert(NAME.test(name), `${name} is a name for a section`);
    block.set(new TextEncoder().encode(name), at);
    view.setBigUint64(at + NAME_BYTES, BigInt(offset), true);
    view.setBigUint64(at + NAME_BYTES + 8, BigInt(bytes), true);
  }
  assert(new Set(sections.map(({ name }) => name)).size === sections.length, 'every section has its own name');
  block.set(json, metaAt);
  view.setUint32(SUM, sumOf(block), true);
  return block;
}

/**
 * What the header's block says (of a shorter file, filled up with zeros), once all of it is found to be sane: no number is used
 * before it is known to fit the size that the file really has. Throws IndexFileError or FormatVersionError.
 */
export function decodeHeader(
  block: Uint8Array,
  { file, fileBytes }: { file: string; fileBytes: number },
  sumOf: SumOf,
): Header {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const insane = (what: string) => new IndexFileError(file, `its header makes no sense: ${what}`, RESTORE);

  if (MAGIC.some((byte, i) => block[i] !== byte)) {
    throw new IndexFileError(file, 'is not an index that annlab saved', NAME_ANOTHER);
  }
  if (fileBytes < BLOCK_BYTES) {
    throw new IndexFileError(file, `has ${fileBytes} bytes, and a header has ${BLOCK_BYTES}: it was cut off`, RESTORE);
  }
  const version = view.getUint32(VERSION, true);
  const wantSum = view.getUint32(SUM, true);
  const ofOurVersion = block.slice();
  const copy = new DataView(ofOurVersion.buffer);
  copy.setUint32(SUM, 0, true);
  copy.setUint32(VERSION, FORMAT_VERSION, true);
  const fits = sumOf(ofOurVersion) === wantSum;
  // Where all is right as soon as the version is ours, the version is what was damaged.
  if (version !== FORMAT_VERSION && !fits) throw new FormatVersionError({ file, got: version, reads: FORMAT_VERSION });
  if (version !== FORMAT_VERSION || !fits) {
    throw new IndexFileError(file, 'its header is damaged: the checksum does not fit', RESTORE);
  }

  const saidBytes = view.getBigUint64(FILE_BYTES, true);
  if (saidBytes !== BigInt(fileBytes)) {
    const how = saidBytes > fileBytes ? 'it was cut off' : 'something was appended';
    throw new IndexFileError(file, `has ${fileBytes} bytes and its header says ${saidBytes}: ${how}`, RESTORE);
  }
  const count = view.getUint32(SECTION_COUNT, true);
  const metaBytes = view.getUint32(META_BYTES, true);
  const metaAt = SECTIONS + count * SECTION_BYTES;
  if (metaAt + metaBytes > BLOCK_BYTES)
    throw insane(`no room for ${count} sections and ${metaBytes} bytes of metadata`);
  const unused = [block.subarray(UNUSED, SECTIONS), block.subarray(metaAt + metaBytes)];
  if (unused.some((bytes) => bytes.some((byte) => byte !== 0)))
    throw insane('there is something where nothing should be');

  const sizes = Array.from({ length: count }, (_, i) => {
    const at = SECTIONS + i * SECTION_BYTES;
    const name = String.fromCharCode(...block.subarray(at, at + NAME_BYTES)).replace(/\0+$/, '');
    if (!NAME.test(name)) throw insane(`section ${i} has no proper name`);
    const bytes = view.getBigUint64(at + NAME_BYTES + 8, true);
    if (bytes > fileBytes) throw insane(`section ${name} would have ${bytes} of the file's ${fileBytes} bytes`);
    return { name, bytes: Number(bytes) };
  });
  if (new Set(sizes.map(({ name }) => name)).size < count) throw insane('two sections have one name');
  const layout = layOut(sizes);
  for (const [i, { name, offset }] of layout.sections.entries()) {
    const said = view.getBigUint64(SECTIONS + i * SECTION_BYTES + NAME_BYTES, true);
    if (said !== BigInt(offset)) throw insane(`section ${name} would begin at ${said} instead of ${offset}`);
  }
  if (layout.fileBytes !== fileBytes) {
    throw insane(`sections of these sizes make a file of ${layout.fileBytes} bytes, and it has ${fileBytes}`);
  }
  const meta = parseObject(block.subarray(metaAt, metaAt + metaBytes));
  if (meta === undefined) throw insane('the metadata is no JSON object');
  return { ...layout, meta, tableSum: view.getUint32(TABLE_SUM, true) };
}

/** How to mend what cannot be read, and what is something else. */
export const NAME_ANOTHER = 'name a file that annlab saved';
export const RESTORE = 'restore the file from a backup or rebuild it with "npm run annlab -- build …"';

const MAGIC = Uint8Array.of(0x89, 0x41, 0x4e, 0x4e, 0x0d, 0x0a, 0x1a, 0x0a);
const VERSION = 8;
const SUM = 12;
const FILE_BYTES = 16;
const TABLE_SUM = 24;
const SECTION_COUNT = 28;
const META_BYTES = 32;
const UNUSED = 36;
const SECTIONS = 64;
const SECTION_BYTES = 48;
const NAME_BYTES = 32;
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,31}$/;

function parseObject(json: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
