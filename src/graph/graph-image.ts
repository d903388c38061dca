/**
 * What of a graph index is worth keeping: a few numbers and the regions as they lie in the arena. Whoever stores it writes the
 * sections as they are; whoever brings it back puts them where the index says (`restore`), and then the index takes the rest
 * (`adopt`). Nothing here knows files.
 */
import { BrokenIndexError } from '../core/errors.ts';
import { Ids } from '../core/ids.ts';
import { MOST_NORM2 } from '../kernels/intake.ts';
import { FORM_CODES, rowBytesOf, type VectorStore } from '../kernels/vectors.ts';
import { PAGE_BYTES } from '../kernels/wasm.ts';
import { codesName } from '../quantize/walk-codes.ts';
import { type Calibration, MOST_FEWER } from './calibration.ts';
import { checkCalibration } from './calibration-check.ts';
import type { Source } from './file-regions.ts';
import { GRAPH_KINDS, type OptionsOf } from './graph-kinds.ts';
import { type GraphLayout, layoutOf, STATE } from './graph-layout.ts';
import type { GraphKind } from './graph-options.ts';
import type { GraphHandle, GraphThread } from './graph-thread.ts';
import { formsOf, keepsOriginals } from './record-form.ts';
import { type Lengths, walkSpaceOf } from './walk-space.ts';

/** Everything that is said in words; goes through JSON unchanged. */
export interface MetaOf<Name extends GraphKind> {
  kind: Name;
  /** All but `threads`, which is a matter of whoever opens it. */
  options: Omit<OptionsOf[Name], 'threads'>;
  count: number;
  form: keyof typeof FORM_CODES;
  /** Lists in use above level 0. */
  upperLists: number;
  entryPoint: number;
  topLevel: number;
  /** Whether ids are the slots, or a section of their own. */
  ids: 'slots' | 'listed';
  /** How many of `count` are deleted, whose slots are a section of their own; not mentioned where there are none. */
  deleted?: number;
  /** What was reckoned with, where the space that is walked in depends on it. */
  lengths?: Lengths;
  /** What was measured, if anything was. */
  calibration?: Calibration;
}

export type GraphMeta = MetaOf<'hnsw'> | MetaOf<'vamana'>;

export interface GraphImage {
  meta: GraphMeta;
  /** The parts of a section lie one behind the other. */
  sections: { name: string; parts: Uint8Array[] }[];
}

/** Where a section, or a piece of one, is to be put: `bytes` of it at the page that begins at byte `at` of the memory, with so much room. */
export interface Place {
  section: string;
  /** The region of the arena that it is, or the number of the memory whose originals it holds. */
  of: 'records' | 'upper' | 'signs' | 'finer' | number;
  /** Where in the section it begins, on a multiple of 64 KiB: originals may lie in several memories. */
  from: number;
  memory: WebAssembly.Memory;
  at: number;
  roomBytes: number;
  bytes: number;
}

/** Throws BrokenIndexError, or what the index's `create` throws, where the numbers are not those of an index. */
export function checkMeta(value: unknown): GraphMeta {
  const broken = (what: string) => new BrokenIndexError(what);
  if (typeof value !== 'object' || value === null) throw broken('what should describe the index describes nothing');
  const meta = value as GraphMeta;
  if (!Object.hasOwn(GRAPH_KINDS, String(meta.kind)))
    throw broken(`an index of the kind ${JSON.stringify(meta.kind)} is not known here`);
  if (typeof meta.options !== 'object' || meta.options === null) throw broken('it does not say its options');
  const whole = (name: keyof GraphMeta, most: number, least = 0) => {
    const got = meta[name];
    if (!Number.isInteger(got) || (got as number) < least || (got as number) > most)
      throw broken(`${name} = ${JSON.stringify(got)} is no integer from ${least} to ${most}`);
  };
  // Files of before there were finer codes do not mention them.
  meta.options.finer ??= 'none';
  const { optionKinds } = GRAPH_KINDS[meta.kind];
  for (const [name, kind] of Object.entries(optionKinds)) {
    const got = meta.options[name as keyof GraphMeta['options']];
    if (typeof got !== kind && !(name === 'codes' && typeof got === 'object' && got !== null))
      throw broken(`its option ${name} = ${JSON.stringify(got)} is no ${kind}`);
  }
  // The options that are known, whatever else is written there.
  const known = Object.fromEntries(Object.entries(meta.options).filter(([name]) => Object.hasOwn(optionKinds, name)));
  const { options, layout, upperLists, levelOf } = graphOf({ ...meta, options: known } as unknown as GraphMeta);
  const { capacity, codes, metric } = options;
  whole('count', capacity);
  if (!formsOf(codes, walkSpaceOf(meta.kind, options)).includes(meta.form)) {
    throw broken(
      `vectors of the form ${JSON.stringify(meta.form)} under codes ${typeof codes === 'object' ? codesName(codes) : codes}`,
    );
  }
  whole('upperLists', upperLists);
  whole('entryPoint', Math.max(0, meta.count - 1));
  if (meta.kind === 'vamana') whole('entryPoint', 0);
  const topLevel = meta.count === 0 ? 0 : levelOf(meta.entryPoint);
  if (meta.topLevel !== topLevel)
    throw broken(`node ${meta.entryPoint} would be on level ${meta.topLevel}, and its seed says ${topLevel}`);
  if (meta.ids !== 'slots' && meta.ids !== 'listed') throw broken(`ids that are ${JSON.stringify(meta.ids)}`);
  if (meta.deleted !== undefined) {
    if (meta.kind === 'hnsw') throw broken(`${JSON.stringify(meta.deleted)} deleted nodes, which an HNSW has not`);
    whole('deleted', meta.count, 1);
  }
  const { lifted } = walkSpaceOf(meta.kind, options);
  for (const name of lifted ? (['longest', 'usual'] as const) : []) {
    const length = meta.lengths?.[name];
    if (!(typeof length === 'number' && length >= 0 && length ** 2 <= MOST_NORM2))
      throw broken(`lengths.${name} = ${JSON.stringify(length)} is no length of a vector`);
  }
  if (meta.calibration === undefined) return meta;
  const { words } = layout;
  // Of a graph that deletes there may be fewer by now than there were.
  const mostCount = meta.kind === 'vamana' ? MOST_FEWER * meta.count : meta.count;
  return {
    ...meta,
    calibration: checkCalibration(meta.calibration, { mostCount, form: meta.form, metric, words }),
  };
}

/** What the numbers say of the graph. Throws what its `create` throws. */
function graphOf(meta: GraphMeta): {
  options: OptionsOf[GraphKind];
  layout: GraphLayout;
  upperLists: number;
  levelOf(slot: number): number;
} {
  return meta.kind === 'hnsw' ? graphAs('hnsw', meta) : graphAs('vamana', meta);
}

function graphAs<Name extends GraphKind>(name: Name, meta: MetaOf<Name>) {
  const kind = GRAPH_KINDS[name];
  const options = kind.complete({ ...meta.options, threads: 1 } as OptionsOf[Name]);
  const shape = kind.shapeOf(options);
  return {
    ...{ options, layout: layoutOf(shape), upperLists: shape.upperLists(options.capacity) },
    levelOf: (slot: number) => kind.levelOf(options, slot),
  };
}

/** Bytes that each section of an index with these numbers has; there may be no others. */
export function sectionBytes(meta: GraphMeta): Map<string, number> {
  const { options, count, form, upperLists, ids, deleted } = meta;
  const { recordBytes, upperBytes, signBytes, finerBytes, quantized } = graphOf(meta).layout;
  const space = walkSpaceOf(meta.kind, options);
  const sizes: [string, number][] = [
    ['records', count * recordBytes],
    ['upper', upperLists * upperBytes],
  ];
  if (options.filter === 'sign') sizes.push(['mean', space.dimension * 4], ['signs', count * signBytes]);
  if (quantized.modelBytes > 0) sizes.push(['model', quantized.modelBytes]);
  if (finerBytes > 0) sizes.push(['finer', count * finerBytes]);
  if (ids === 'listed') sizes.push(['ids', count * 4]);
  if (deleted !== undefined) sizes.push(['deleted', deleted * 4]);
  if (keepsOriginals(form, space)) sizes.push(['vectors', count * rowBytesOf(options.dimension)]);
  return new Map(sizes);
}

/** The arena that an image is taken of, or put into; `vectors`: the originals, where there is room for them. */
export interface Imaged {
  handle: GraphHandle;
  thread: GraphThread;
  vectors?: VectorStore;
}

/** An image as it is in a file. */
export interface StoredImage {
  source: Source;
  /** A section that has no place: `model`, `mean`, `ids` or `deleted`. */
  small(name: string): Uint8Array;
  /** Checksums of a section's 64 KiB blocks; each is checked when it is first used. */
  sums(name: string): Uint32Array;
}

/** Where the large sections of an image with these numbers lie in such an index. */
export function placesOf(meta: GraphMeta, { handle, thread, vectors }: Imaged): Place[] {
  const { memory, at } = handle;
  const ends = [...Object.values(at), memory.buffer.byteLength].toSorted((a, b) => a - b);
  const sizes = sectionBytes(meta);
  const places = (['records', 'upper', 'signs', 'finer'] as const)
    .filter((region) => sizes.has(region))
    .map((region): Place => {
      const end = ends.find((end) => end > at[region])!;
      const roomBytes = end - at[region];
      return { section: region, of: region, memory, at: at[region], roomBytes, from: 0, bytes: sizes.get(region)! };
    });
  if (!keepsOriginals(meta.form, thread.space) || !vectors) return places;
  return [...places, ...vectors.pieces(meta.count).map((piece, of) => ({ section: 'vectors', of, ...piece }))];
}

/** Views of all that is worth keeping. */
export function takeImage(
  imaged: Imaged,
  { ids, upperLists, calibration }: { ids: Ids; upperLists: number; calibration?: Calibration },
): GraphImage {
  const { handle, thread } = imaged;
  const { threads: _, ...options } = handle.options;
  const { at, u32, bytes } = thread.arena;
  const state = u32.subarray(at.state >>> 2);
  const { listed, vacant } = ids;
  const meta = {
    kind: handle.kind,
    options,
    count: ids.count,
    form: thread.form,
    upperLists,
    entryPoint: state[STATE.entryPoint],
    topLevel: state[STATE.topLevel],
    ids: listed ? 'listed' : 'slots',
    ...(vacant.length > 0 && { deleted: vacant.length }),
    ...(thread.space.lifted && { lengths: thread.lengths }),
    ...(calibration && { calibration }),
  } as unknown as GraphMeta;
  const places = placesOf(meta, imaged);
  const sections = [...sectionBytes(meta)].map(([name, size]) => {
    const pieces = places.filter(({ section }) => section === name);
    if (name === 'ids') return { name, parts: [bytesOf(listed!)] };
    if (name === 'deleted') return { name, parts: [bytesOf(vacant)] };
    if (name === 'mean' || name === 'model') return { name, parts: [bytes.subarray(at[name], at[name] + size)] };
    return { name, parts: pieces.map(({ memory, at, bytes }) => new Uint8Array(memory.buffer, at, bytes)) };
  });
  return { meta, sections };
}

/** Puts back what has no place, when all else is in its place; returns the ids. */
export function putImage(meta: GraphMeta, { source, small, sums }: StoredImage, imaged: Imaged): Ids {
  const { handle, thread } = imaged;
  const { at, bytes, u32 } = thread.arena;
  handle.source = source;
  const listed = meta.ids === 'listed' ? u32Of(small('ids')) : undefined;
  const { deleted = 0 } = meta;
  const ids = Ids.of(meta.count, listed, deleted > 0 ? u32Of(small('deleted')) : undefined);
  if (thread.layout.quantized.modelBytes > 0) {
    bytes.set(small('model'), at.model);
    thread.configureCodes();
  }
  if (handle.options.filter === 'sign') bytes.set(small('mean'), at.mean);
  const words: [number, number][] = [
    [STATE.count, meta.count],
    [STATE.claimed, meta.count],
    [STATE.entryPoint, meta.entryPoint],
    [STATE.topLevel, meta.topLevel],
    [STATE.form, FORM_CODES[meta.form]],
    [STATE.deleted, deleted],
  ];
  if (meta.lengths !== undefined) thread.lengths = meta.lengths;
  for (const [word, value] of words) u32[(at.state >>> 2) + word] = value;
  for (const { section, of, from, bytes } of placesOf(meta, imaged)) {
    const mine = sums(section).subarray(from / PAGE_BYTES, Math.ceil((from + bytes) / PAGE_BYTES));
    thread.fromFile.expect(of, mine);
  }
  thread.endEra();
  return ids;
}

function u32Of(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
