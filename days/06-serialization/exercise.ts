// Day 6, serialization: write what is missing between "@hole" and "@end", then run: npm run check -- 6
// Hints, in three levels: hints.md. To start again: npm run reset -- 6. (Made from solution.ts: npm run exercises -- 6)

/**
 * Day 06: a file. The graph of days 02 to 04 as an image of regions with a fixed stride: where a node's vector and links lie
 * is computed, not parsed, so that to open a file is to look at its first block and its table of checksums. And a save that the
 * power may end anywhere.
 *
 *     block 0    header: FIELDS, zeros, and in the last four bytes the crc32c of all before them
 *     records    one a node: vector | level u32 | upper u32 | count u32 | M0 links u32
 *     upper      the lists of the levels above 0, one behind the other: count u32 | M links u32
 *     table      the crc32c of every block of records and upper, u32
 *
 * All of it little-endian; each region begins on a block and is padded with zeros. A node's `upper` is the row of its list on
 * level 1; those of its higher levels follow. There is no paper for this day: on saving, Pillai et al., "All file systems are not
 * created equal" (OSDI 2014); on mapping, Crotty, Leis & Pavlo, "Are you sure you want to use mmap in your database
 * management system?" (CIDR 2022).
 */
import { UnwrittenHole } from 'annlab/exercises';
import { type Distance, l2, type Neighbor, searchLayer } from '../02-nsw/solution.ts';
import { descend, type LayeredGraph, layer, type Node } from '../03-layers/solution.ts';
import { BLOCK_BYTES, CheckedBytes, padded } from './checked-bytes.ts';
import { crc32c } from './crc32c.ts';
import type { Disk } from './disk.ts';
import { FileFault } from './file-fault.ts';

/** `ann6`, as the first four bytes spell it. */
export const MAGIC = 0x366e6e61;
export const VERSION = 1;

/** The header's fields in their order, each a u32. */
export const FIELDS = [
  'magic',
  'version',
  'dimension',
  'count',
  'M',
  'M0',
  'entryPoint',
  'topLevel',
  'upperLists',
  'tableCrc',
] as const;

/** An empty graph has 2³² − 1, which is −1 in 32 bits, as its entry point and top level. */
export type Header = Record<(typeof FIELDS)[number], number>;

/** Where block 0 keeps the checksum of the rest of it. */
export const HEADER_CRC_AT = BLOCK_BYTES - 4;

/** Where everything lies, in bytes: all that is needed to find a node. */
export interface Layout {
  records: number;
  recordBytes: number;
  upper: number;
  listBytes: number;
  table: number;
  fileBytes: number;
}

/** What a file with this header must look like. */
export function layoutOf({ dimension, count, M, M0, upperLists }: Header): Layout {
  const recordBytes = 4 * (dimension + 3 + M0);
  const listBytes = 4 * (1 + M);
  const records = BLOCK_BYTES;
  const upper = padded(records + count * recordBytes);
  const table = padded(upper + upperLists * listBytes);
  const fileBytes = padded(table + 4 * (table / BLOCK_BYTES - 1));
  return { records, recordBytes, upper, listBytes, table, fileBytes };
}

/** What a file keeps of a graph: day 03's and day 04's have it. */
export interface SavedGraph {
  nodes: readonly Node[];
  M: number;
  M0: number;
  entryPoint: number;
  topLevel: number;
}

/** The graph as the bytes of its file. Throws RangeError where a list has more links than its place. */
export function encode(graph: SavedGraph): Uint8Array {
  const header = headerOf(graph);
  const { records, recordBytes, upper, listBytes, fileBytes } = layoutOf(header);
  const bytes = new Uint8Array(fileBytes);
  const [f32, u32] = [new Float32Array(bytes.buffer), new Uint32Array(bytes.buffer)];
  let row = 0;
  for (const [id, { vector, links }] of graph.nodes.entries()) {
    const at = (records + id * recordBytes) / 4;
    f32.set(vector, at);
    u32.set([links.length - 1, row, links[0].length, ...links[0]], at + header.dimension);
    for (const list of links.slice(1)) u32.set([list.length, ...list], (upper + row++ * listBytes) / 4);
  }
  seal(bytes, header);
  return bytes;
}

/** The header of a graph's file, but for the checksum of a table that is not written yet. */
export function headerOf({ nodes, M, M0, entryPoint, topLevel }: SavedGraph): Header {
  for (const { links } of nodes) {
    if (links.some((list, level) => list.length > (level === 0 ? M0 : M))) throw new RangeError('a list is too long');
  }
  const upperLists = nodes.reduce((sum, { links }) => sum + links.length - 1, 0);
  const sizes = { dimension: nodes[0]?.vector.length ?? 0, count: nodes.length, M, M0, upperLists };
  return {
    magic: MAGIC,
    version: VERSION,
    ...sizes,
    entryPoint: entryPoint >>> 0,
    topLevel: topLevel >>> 0,
    tableCrc: 0,
  };
}

/** Writes the table, then the header over it: whoever has changed a block calls it last. */
export function seal(bytes: Uint8Array, header: Header): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { table } = layoutOf(header);
  for (let at = BLOCK_BYTES; at < table; at += BLOCK_BYTES) {
    const place = table + 4 * (at / BLOCK_BYTES - 1);
    view.setUint32(place, crc32c(bytes.subarray(at, at + BLOCK_BYTES)), true);
  }
  writeHeader(bytes, { ...header, tableCrc: crc32c(bytes.subarray(table)) });
}

/** Writes block 0: the fields, and the checksum of everything in front of it. */
export function writeHeader(bytes: Uint8Array, header: Header): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK_BYTES);
  for (const [i, field] of FIELDS.entries()) view.setUint32(4 * i, header[field], true);
  view.setUint32(HEADER_CRC_AT, crc32c(bytes.subarray(0, HEADER_CRC_AT)), true);
}

/**
 * Reads block 0 of a file that is `fileBytes` long, and believes nothing of it: what comes out describes this file. Throws
 * FileFault: `short`, `magic`, `version`, `checksum` or `sizes`, whichever is found first in this order.
 */
export function readHeader(block: Uint8Array, fileBytes: number): Header {
  // @hole read-header
  // @task Refuse, by `throw new FileFault(…)`: a `block` of fewer than BLOCK_BYTES bytes ('short'), another MAGIC ('magic'), another
  // @task VERSION ('version'), a crc32c over the bytes before HEADER_CRC_AT that is not the one written there ('checksum',
  // @task { block: 0 }), and a file that is not exactly as long as `layoutOf` says ('sizes'). FIELDS lie there as u32, little-endian,
  // @task from byte 0 of `block` on, which may be a piece of a larger buffer, from any byte on. Return them as a Header.
  throw new UnwrittenHole(6, 'read-header');
  // @end
}

/**
 * The file as a graph: nothing is copied, and but for the table nothing is read before it is asked for. A view has the machine's
 * byte order, which is little-endian wherever the engine runs.
 */
export class Image implements LayeredGraph {
  readonly header: Header;
  readonly layout: Layout;
  readonly file: CheckedBytes;
  readonly distance: Distance;
  /** −1 in an empty graph. */
  readonly entryPoint: number;
  readonly topLevel: number;

  /** Throws FileFault where the table of checksums is damaged. */
  constructor(bytes: Uint8Array, header: Header, distance: Distance = l2) {
    this.header = header;
    this.layout = layoutOf(header);
    this.file = new CheckedBytes(bytes, { table: this.layout.table, tableCrc: header.tableCrc });
    this.distance = distance;
    this.entryPoint = header.entryPoint | 0;
    this.topLevel = header.topLevel | 0;
  }

  /** The vector of a node, where it lies. Throws FileFault where it is damaged. */
  vector(id: number): Float32Array {
    const { records, recordBytes } = this.layout;
    return this.file.f32(records + id * recordBytes, this.header.dimension);
  }

  /** The ids linked from a node on `level`, where they lie; none above the node's own level. Throws FileFault as `vector` does. */
  neighbors(id: number, level: number): Uint32Array {
    const { records, recordBytes, upper, listBytes } = this.layout;
    // @hole neighbors
    // @task Compute where the list begins, and return its links as a view: `this.file.u32(at, n)` gives n numbers from byte `at`
    // @task on, checked. Behind the vector in the node's record lie its level, its `upper`, and the list of level 0: a count, then
    // @task so many links. The list of level 1 is row `upper` of the region `upper`, that of level 2 the row behind it, and so on.
    // @task Above the node's level: `new Uint32Array(0)`.
    throw new UnwrittenHole(6, 'neighbors');
    // @end
  }

  /** Day 03's search, line for line: what it walks on is a file now. */
  search(query: Float32Array, { k, ef }: { k: number; ef: number }): Neighbor[] {
    if (this.entryPoint < 0) return [];
    const { distance, entryPoint, topLevel } = this;
    const entry = descend(this, query, { entry: entryPoint, from: topLevel, to: 0, distance });
    return searchLayer(layer(this, 0), query, [entry], Math.max(k, ef), distance).slice(0, k);
  }
}

/** Opens the bytes of a file, read or mapped. Throws FileFault. */
export function load(bytes: Uint8Array): Image {
  return new Image(bytes, readHeader(bytes.subarray(0, BLOCK_BYTES), bytes.length));
}

/**
 * Puts the image into the file `name`, so that whenever the power fails the old file is there, or the new one, whole; and once
 * this has returned, the new one.
 */
export function save(disk: Disk, name: string, image: Uint8Array): void {
  // @hole save
  // @task Write the image under another name, and give it this one when it is safe. What each call of `disk` promises, and what
  // @task not, stands in disk.ts. The image is written once, and two syncs are enough. What a save that was cut short has left
  // @task behind, the next one must clear away.
  throw new UnwrittenHole(6, 'save');
  // @end
}
