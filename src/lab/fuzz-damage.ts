/**
 * What can happen to a saved index: damage, as disks and copies do it, which the checksums no longer fit; and lies, numbers that
 * cannot be with every checksum in order, as only a broken writer or somebody who means it leaves behind.
 */
import type { Random } from '../core/random.ts';
import { NODE } from '../graph/graph-layout.ts';
import { BlockBuffer } from '../kernels/block-buffer.ts';
import { BLOCK_BYTES, encodeHeader, layOut } from '../storage/ann-format.ts';

/** Numbers are of bytes and from the beginning of the file, where nothing else is said. Goes through JSON unchanged. */
export type Damage =
  | { kind: 'flip'; bits: number[] }
  | { kind: 'cut'; length: number }
  | { kind: 'append'; bytes: number }
  | { kind: 'zero'; from: number; bytes: number }
  | { kind: 'noise'; from: number; values: number[] }
  | { kind: 'swap'; blocks: [number, number] }
  | { kind: 'copy'; block: number; to: number }
  | { kind: 'lie'; lies: Lie[] };

export type Lie =
  | { section: string; word: number; value: number }
  | { section: string; bytes: number }
  /** Of the links on level 0, one in `step` has these bits the other way round. */
  | { bits: number; step: number }
  | { field: string[]; value: unknown };

/** A saved index, taken apart. */
export interface Saved {
  bytes: Uint8Array;
  meta: Record<string, unknown>;
  sections: { name: string; offset: number; bytes: Uint8Array }[];
  count: number;
  /** Where in a node's record its links are, so that lies are told where they matter. */
  recordBytes: number;
  vectorBytes: number;
}

/** Whether the checksums fit: then nobody can know what was there before. */
export function isLie(damage: Damage): boolean {
  return damage.kind === 'lie';
}

export function randomDamage(random: Random, saved: Saved): Damage {
  const { length } = saved.bytes;
  const blocks = length / BLOCK_BYTES;
  const somewhere = () => (random.integer(4) === 0 ? somewhereUsed(random, saved) : random.integer(length));
  const kinds: (() => Damage)[] = [
    () => ({ kind: 'flip', bits: [8 * somewhere() + random.integer(8)] }),
    () => ({
      kind: 'flip',
      bits: Array.from({ length: 2 + random.integer(9) }, () => 8 * somewhere() + random.integer(8)),
    }),
    () => ({ kind: 'cut', length: random.integer(2) ? somewhere() : random.integer(blocks) * BLOCK_BYTES }),
    () => ({ kind: 'append', bytes: 1 + random.integer(2 * BLOCK_BYTES) }),
    () => ({ kind: 'zero', from: somewhere(), bytes: 1 + random.integer(2 ** random.integer(18)) }),
    () => ({
      kind: 'noise',
      from: somewhere(),
      values: Array.from({ length: 1 + random.integer(2 ** random.integer(8)) }, () => random.integer(256)),
    }),
    () => ({ kind: 'swap', blocks: [random.integer(blocks), random.integer(blocks)] }),
    () => ({ kind: 'copy', block: random.integer(blocks), to: random.integer(blocks) }),
    ...Array.from({ length: LIES_OF_TEN }, () => () => randomLies(random, saved)),
  ];
  return kinds[random.integer(kinds.length)]();
}

/** Besides the eight other kinds. */
const LIES_OF_TEN = 6;

/** Most of a small file is filling; this is where it is not. */
function somewhereUsed(random: Random, { sections }: Saved): number {
  if (random.integer(3) === 0) return random.integer(512);
  const { offset, bytes } = sections[random.integer(sections.length)];
  return offset + random.integer(Math.max(1, bytes.length));
}

function randomLies(random: Random, saved: Saved): Damage {
  const some = random.integer(4) === 0 ? 1 + random.integer(200) : 1;
  const kind = random.integer(8);
  if (kind === 0) {
    const { name, bytes } = saved.sections[random.integer(saved.sections.length)];
    const size = random.integer(2) ? bytes.length + random.integer(9) - 4 : random.integer(2 * bytes.length + 5);
    return { kind: 'lie', lies: [{ section: name, bytes: Math.max(0, size) }] };
  }
  if (kind < 3) {
    const field = fieldOf(random, saved.meta);
    return { kind: 'lie', lies: [{ field, value: randomValue(random, valueAt(saved.meta, field), saved.count) }] };
  }
  if (kind === 3) {
    const bits = [1, 2 ** 30, 2 ** 31, 2 ** 30 + 2 ** 31][random.integer(4)];
    return { kind: 'lie', lies: [{ bits, step: 1 + random.integer(2 ** random.integer(8)) }] };
  }
  // Of many lies often all are of one kind: a mark put on every link says more than one among numbers at random.
  const sort = random.integer(2) ? random.integer(WORD_VALUES) : undefined;
  return { kind: 'lie', lies: Array.from({ length: some }, () => randomWord(random, saved, sort)) };
}

/** A word of a section; of a record mostly one of the links or what goes before them. */
function randomWord(random: Random, { sections, count, recordBytes, vectorBytes }: Saved, sort?: number): Lie {
  const full = sections.filter(({ bytes }) => bytes.length >= 4);
  if (full.length === 0) return { field: ['count'], value: 1 };
  const { name, bytes } = full[random.integer(full.length)];
  let word = random.integer(Math.floor(bytes.length / 4));
  if (name === 'records' && random.integer(4) > 0) {
    const links = (recordBytes - vectorBytes) / 4 - NODE.count;
    const behindVector = random.integer(2) ? random.integer(NODE.count + 1) : NODE.count + random.integer(links);
    word = (random.integer(count) * recordBytes + vectorBytes) / 4 + behindVector;
  }
  const before = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * word, true);
  return { section: name, word, value: randomWordValue(random, before, count, sort) };
}

function randomWordValue(random: Random, before: number, count: number, sort = random.integer(WORD_VALUES)): number {
  const values = [
    ...[0, 1, 2, 31, 32, 33, 255, 256, 1024, count - 1, count, count + 1, before + 1, before - 1, 2 * before],
    ...[0x3fffffff, 0x40000000, 0x7fffffff, 0x7f800000, 0x7fc00000, 0xff800000, 0x80000000, 0xc0000000, 0xffffffff],
    ...[before ^ 0x80000000, before ^ 0x40000000, before ^ (1 << random.integer(32))],
    ...[random.integer(2 ** 32), random.integer(Math.max(1, count)), random.integer(Math.max(1, count)) + 0x80000000],
  ];
  return values[sort] >>> 0;
}

/** As many as `randomWordValue` chooses from. */
const WORD_VALUES = 30;

const STRANGE_NUMBERS =
  '0 0.5 1 2 3 16 255 256 257 4096 4097 65536 2147483647 2147483648 4294967295 4294967296 1e16 1e308'
    .split(' ')
    .map(Number);

function randomValue(random: Random, before: unknown, count: number): unknown {
  const number = typeof before === 'number' ? before : 1;
  const values = [
    ...[number + 1, number - 1, 2 * number, number / 2, -number, count, count - 1, random.integer(2 ** 32)],
    ...STRANGE_NUMBERS,
    ...'l2 dot cosine manhattan f32 sq7 u8 sign none slots listed scalar rabitq product vector dimension'.split(' '),
    ...[null, true, false, '', [], {}, [number], 'x'.repeat(1000)],
  ];
  return values[random.integer(values.length)];
}

/** Where in the metadata a number or word is. */
function fieldOf(random: Random, meta: Record<string, unknown>): string[] {
  const names = Object.keys(meta);
  const name = names[random.integer(names.length)];
  const value = meta[name];
  if (typeof value !== 'object' || value === null || random.integer(10) === 0) return [name];
  return [name, ...fieldOf(random, value as Record<string, unknown>)];
}

function valueAt(meta: unknown, field: readonly string[]): unknown {
  return field.reduce((value, name) => (value as Record<string, unknown>)[name], meta);
}

/** The file as it is afterwards. */
export function damaged(saved: Saved, damage: Damage): Uint8Array {
  if (damage.kind === 'lie') return lied(saved, damage.lies);
  if (damage.kind === 'cut') return saved.bytes.slice(0, damage.length);
  const bytes = new Uint8Array(saved.bytes.length + (damage.kind === 'append' ? damage.bytes : 0));
  bytes.set(saved.bytes);
  const block = (i: number) => bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
  if (damage.kind === 'flip') for (const bit of damage.bits) bytes[bit >>> 3] ^= 1 << (bit & 7);
  if (damage.kind === 'zero') bytes.fill(0, damage.from, damage.from + damage.bytes);
  if (damage.kind === 'noise') bytes.set(damage.values.slice(0, bytes.length - damage.from), damage.from);
  if (damage.kind === 'copy') block(damage.to).set(block(damage.block));
  if (damage.kind === 'swap') {
    const [a, b] = damage.blocks;
    const kept = block(a).slice();
    block(a).set(block(b));
    block(b).set(kept);
  }
  return bytes;
}

let buffer: BlockBuffer | undefined;

/** The file that says so, with checksums that fit. */
function lied(saved: Saved, lies: readonly Lie[]): Uint8Array {
  const meta = structuredClone(saved.meta);
  const sections = saved.sections.map(({ name, bytes }) => ({ name, bytes: bytes.slice() }));
  for (const lie of lies) {
    if ('field' in lie) {
      const owner = valueAt(meta, lie.field.slice(0, -1)) as Record<string, unknown>;
      owner[lie.field.at(-1)!] = lie.value;
      continue;
    }
    if ('step' in lie) {
      turnLinks(sections.find(({ name }) => name === 'records')!.bytes, saved, lie);
      continue;
    }
    const section = sections.find(({ name }) => name === lie.section)!;
    if ('word' in lie) new DataView(section.bytes.buffer).setUint32(4 * lie.word, lie.value, true);
    else {
      const resized = new Uint8Array(lie.bytes);
      resized.set(section.bytes.subarray(0, lie.bytes));
      section.bytes = resized;
    }
  }
  buffer ??= new BlockBuffer(1);
  const sumOf = (bytes: Uint8Array) => buffer!.sumOf(bytes);
  const layout = layOut(sections.map(({ name, bytes }) => ({ name, bytes: bytes.length })));
  const file = new Uint8Array(layout.fileBytes);
  for (const [i, { offset }] of layout.sections.entries()) file.set(sections[i].bytes, offset);
  const sums = new Uint32Array(layout.table.bytes / 4);
  for (let i = 0; i < layout.blocks; i++) sums[i] = sumOf(file.subarray((i + 1) * BLOCK_BYTES, (i + 2) * BLOCK_BYTES));
  const table = new Uint8Array(sums.buffer);
  file.set(table, layout.table.offset);
  file.set(encodeHeader({ ...layout, meta, tableSum: sumOf(table) }, sumOf));
  return file;
}

function turnLinks(records: Uint8Array, saved: Saved, { bits, step }: { bits: number; step: number }): void {
  const { count, recordBytes, vectorBytes } = saved;
  const words = new Uint32Array(records.buffer);
  let seen = 0;
  for (let slot = 0; slot < count; slot++) {
    const list = (slot * recordBytes + vectorBytes) / 4 + NODE.count;
    for (let i = 1; i <= words[list]; i++) if (seen++ % step === 0) words[list + i] ^= bits;
  }
}
