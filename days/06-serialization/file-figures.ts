/** The day's pictures of files: regions to scale, hex, records, blocks, who notices a flip, and what a power cut leaves. */
import { type Box, type BoxKey, cellsFigure, formatBytes, type StripPart, stripsFigure } from 'annlab/lab';
import { BLOCK_BYTES } from './checked-bytes.ts';
import { type CrashPoint, countOutcomes, type Outcome } from './crashes.ts';
import { NOTICERS, type Noticer } from './measure.ts';
import { FIELDS, HEADER_CRC_AT, type Image } from './solution.ts';

/** Colours of the palette: one for each kind of thing, in every figure of the day. */
const COLOR = { header: 1, vectors: 0, links: 2, upper: 3, table: 4, numbers: 6 } as const;

/** Whole files, each to scale: what is in them, and how much of it is zeros that fill up blocks. */
export function regionsFigure(files: readonly { label: string; image: Image }[]): string {
  return stripsFigure(
    files.map(({ label, image }) => ({ label, note: formatBytes(image.layout.fileBytes), parts: regionsOf(image) })),
    {
      title: 'What is in the file',
      subtitle: `To scale; every region begins on a block of ${BLOCK_BYTES} bytes`,
      width: 760,
      key: [
        { words: 'header', color: COLOR.header, lit: true },
        { words: 'records', color: COLOR.vectors, lit: true },
        { words: 'upper lists', color: COLOR.upper, lit: true },
        { words: 'table of checksums', color: COLOR.table, lit: true },
        { words: 'zeros' },
      ],
    },
  );
}

function regionsOf({ header, layout }: Image): StripPart[] {
  const { records, recordBytes, upper, listBytes, table, fileBytes } = layout;
  const part = (text: string, color: number, used: number, whole: number): StripPart[] => [
    { size: used, text, color, lit: true },
    { size: whole - used },
  ];
  return [
    ...part('header', COLOR.header, 4 * FIELDS.length, HEADER_CRC_AT),
    { size: BLOCK_BYTES - HEADER_CRC_AT, color: COLOR.header, lit: true },
    ...part('records', COLOR.vectors, header.count * recordBytes, upper - records),
    ...part('upper', COLOR.upper, header.upperLists * listBytes, table - upper),
    ...part('table', COLOR.table, 4 * (table / BLOCK_BYTES - 1), fileBytes - table),
  ];
}

/** The first bytes of the header, field by field; the colours alternate. */
export function headerFigure(image: Uint8Array): string {
  const bytes = 4 * FIELDS.length + 8;
  const field = (at: number) => FIELDS[at >>> 2];
  const cells = Array.from(image.subarray(0, bytes), (byte, at): Box => {
    const text = byte.toString(16).padStart(2, '0');
    return field(at) === undefined ? { text } : { text, color: at & 4 ? COLOR.header : COLOR.vectors };
  });
  const names = [0, 16, 32].map((at) => FIELDS.slice(at / 4, at / 4 + 4).join(', '));
  return cellsFigure(cells, {
    title: 'The header, byte by byte',
    subtitle: 'Four bytes a field, the lowest first; zeros follow, and the crc at the end of the block',
    perRow: 16,
    rowLabel: (first) => `${first.toString(16).padStart(4, '0')}  ${names[first / 16]}`,
    width: 760,
  });
}

/** One node's record as bytes, and below what they say. */
export function recordFigure({ file, header, layout }: Image, id: number, name: string): string {
  const at = layout.records + id * layout.recordBytes;
  const color = (word: number) =>
    word < header.dimension ? COLOR.vectors : word < header.dimension + 3 ? COLOR.numbers : COLOR.links;
  const bytes = Array.from(file.bytes.subarray(at, at + layout.recordBytes), (byte, i): Box => {
    return { text: byte.toString(16).padStart(2, '0'), color: color(i >>> 2) };
  });
  return cellsFigure(bytes, {
    title: `The record of ${name}, at byte ${layout.records} + ${id} · ${layout.recordBytes} = ${at}`,
    perRow: layout.recordBytes <= 40 ? layout.recordBytes : 32,
    rowLabel: (first) => String(at + first),
    key: RECORD_KEY,
    width: 760,
  });
}

const RECORD_KEY: BoxKey[] = [
  { words: 'vector', color: COLOR.vectors },
  { words: 'level, upper, count', color: COLOR.numbers },
  { words: 'links', color: COLOR.links },
];

/** What was used of an image: bytes, by `onUse`. */
export type Used = ReadonlySet<number>;

/** Every record as a row, in numbers and names; what a search used is lit. */
export function recordsFigure(
  image: Image,
  names: readonly string[],
  { title, subtitle, used, notes = [] }: { title: string; subtitle: string; used?: Used; notes?: readonly string[] },
): string {
  const { layout, header, file } = image;
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset);
  return stripsFigure(
    names.map((label, id) => {
      const at = layout.records + id * layout.recordBytes;
      const part = (word: number, color: number, text: (at: number) => string): StripPart => {
        const from = at + 4 * word;
        return { size: 4, color, text: text(from), lit: used?.has(from) ?? false };
      };
      const u32 = (from: number) => String(view.getUint32(from, true));
      const d = header.dimension;
      const count = view.getUint32(at + 4 * (d + 2), true);
      const parts = Array.from({ length: d + 3 + header.M0 }, (_, word): StripPart => {
        if (word < d) return part(word, COLOR.vectors, (from) => view.getFloat32(from, true).toFixed(1));
        if (word < d + 3) return part(word, COLOR.numbers, u32);
        if (word - d - 3 < count) return part(word, COLOR.links, (from) => names[view.getUint32(from, true)]);
        return { size: 4, text: '0' };
      });
      return { label, parts, ...(notes[id] && { note: notes[id] }) };
    }),
    {
      title,
      subtitle,
      width: 760,
      key: [
        ...RECORD_KEY,
        ...(used ? [{ words: 'looked at', color: COLOR.vectors, lit: true }] : []),
        { words: 'room' },
      ],
    },
  );
}

/** The region of the upper lists, row by row. Whose they are, only the records say. */
export function upperFigure(
  { layout, header, file }: Image,
  names: readonly string[],
  { title, subtitle }: { title: string; subtitle: string },
): string {
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset);
  return stripsFigure(
    Array.from({ length: header.upperLists }, (_, row) => {
      const at = layout.upper + row * layout.listBytes;
      const count = view.getUint32(at, true);
      const links = Array.from({ length: header.M }, (_, i): StripPart => {
        if (i >= count) return { size: 4, text: '0' };
        return { size: 4, color: COLOR.links, text: names[view.getUint32(at + 4 + 4 * i, true)] };
      });
      return { label: `row ${row}`, parts: [{ size: 4, color: COLOR.numbers, text: String(count) }, ...links] };
    }),
    {
      title,
      subtitle,
      key: [{ words: 'count', color: COLOR.numbers }, { words: 'links', color: COLOR.links }, { words: 'room' }],
    },
  );
}

/** The blocks of a file, those that a search looked into lit, and when it did so first. */
export function blocksFigure(image: Image, { title, subtitle }: { title: string; subtitle: string }): string {
  const { upper, table, fileBytes } = image.layout;
  const checked = new Map(image.file.checked.map((block, i) => [block, String(i + 1)]));
  const blocks = Array.from({ length: fileBytes / BLOCK_BYTES }, (_, block): Box => {
    const at = block * BLOCK_BYTES;
    const color = block === 0 ? COLOR.header : at >= table ? COLOR.table : at >= upper ? COLOR.upper : COLOR.vectors;
    const text = checked.get(block);
    // The header and the table are read when the file is opened.
    return { color, lit: block === 0 || at >= table || text !== undefined, ...(text !== undefined && { text }) };
  });
  return cellsFigure(blocks, {
    title,
    subtitle,
    perRow: 16,
    rowLabel: (first) => `block ${first}`,
    key: [
      { words: 'header', color: COLOR.header, lit: true },
      { words: 'records', color: COLOR.vectors, lit: true },
      { words: 'upper lists', color: COLOR.upper, lit: true },
      { words: 'table', color: COLOR.table, lit: true },
      { words: 'never looked into', color: COLOR.vectors },
    ],
  });
}

/** Every byte of a file in the colour of whoever notices that it was damaged. */
export function flipsFigure(noticers: readonly Noticer[], { title }: { title: string }): string {
  const lost = noticers.filter((one) => one === 'nobody').length;
  return cellsFigure(
    noticers.map((one) => ({ color: NOTICER_COLOR[one], lit: one === 'nobody' })),
    {
      title,
      subtitle:
        lost === 0
          ? 'Every byte of the file flipped in turn; nobody misses one'
          : `${lost} of ${noticers.length} bytes may say anything`,
      perRow: 64,
      rowLabel: (first) => String(first),
      key: NOTICERS.filter((one) => noticers.includes(one)).map((words) => {
        return { words, color: NOTICER_COLOR[words], lit: words === 'nobody' };
      }),
    },
  );
}

const NOTICER_COLOR: Record<Noticer, number> = {
  magic: 6,
  version: 3,
  'header’s crc': 4,
  sizes: 5,
  'table’s crc': 2,
  'block’s crc': 0,
  nobody: 1,
};

/** After each step of a save: of all disks that a power cut may leave then, how many hold what. */
export function crashFigure(points: readonly CrashPoint[], title: string): string {
  return stripsFigure(
    points.map((point) => {
      const counts = countOutcomes(point);
      const parts = OUTCOMES.map(({ outcome, color }): StripPart => {
        return { size: counts[outcome], color, lit: outcome !== 'old', text: String(counts[outcome]) };
      });
      const number = point.disks.length;
      // What its caller was told is true only where the new index is the only one that may be found.
      const early = counts.old > 0 ? ', and the old index may come back' : '';
      const returned = point.acknowledged ? `, returned${early}` : '';
      return {
        label: point.step?.says ?? '(nothing yet)',
        parts,
        note: `${number} ${number === 1 ? 'disk' : 'disks'}${returned}`,
      };
    }),
    {
      title,
      subtitle: 'The power fails after this step: of the disks that may be left, how many hold what',
      width: 760,
      key: OUTCOMES.map(({ outcome, words, color }) => ({ words, color, lit: outcome !== 'old' })),
    },
  );
}

const OUTCOMES: { outcome: Outcome; words: string; color: number }[] = [
  { outcome: 'old', words: 'the old index', color: 0 },
  { outcome: 'new', words: 'the new index', color: 2 },
  { outcome: 'nothing', words: 'no index', color: 4 },
  { outcome: 'neither', words: 'neither: a damaged file', color: 1 },
];
