/**
 * Where a graph index, HNSW or Vamana, keeps what in its arena. Said once, here; the kernels are told by `configure`.
 *
 * What all threads share comes first: `model`, `mean`, `upper`, `signs`, `finer` and `records` are what an index file holds.
 * Behind it every thread has a share of its own to scribble on.
 *
 * One record a node, `recordBytes` apart: vector (f32, 7-bit code and factors, or a quantizer's code) | upper | level | lock | count | links, a u32
 * each. Keeping links behind the vector lets the machine's stream prefetcher bring them: 10–16 % over separate arrays. The sign
 * bits are a dense array apart, because most nodes looked at are dismissed by their signs alone.
 */
import { PAGE_REGIONS } from '../kernels/checked-pages.ts';
import { layOut, type Plan } from '../kernels/memory.ts';
import { CRC_ROOM_BYTES } from '../kernels/wasm.ts';
import type { CodeShape } from '../quantize/code-shape.ts';
import { type CodeLayout, codeLayout } from '../quantize/walk-codes.ts';
import type { Metric } from './vector-index.ts';

/** What records hold: floats, 7-bit codes, or those of a quantizer. */
export type Codes = 'f32' | 'sq7' | CodeShape;

export interface Shape {
  dimension: number;
  metric: Metric;
  codes: Codes;
  finer: 'sq7' | 'none';
  signed: boolean;
  /** Links that a list of level 0 may hold, and one of a level above it; 0: there are no levels above. */
  mostLinks: number;
  mostLinksAbove: number;
  /** Lists above level 0 that so many nodes may need. */
  upperLists(capacity: number): number;
  /** The beam of an insert, and how many candidates may be pruned at once. */
  beam: number;
  mostCandidates: number;
  threads: number;
}

export type Region =
  | keyof typeof PAGE_REGIONS
  | 'state'
  | 'model'
  | 'mean'
  | 'flips'
  | 'upper'
  | 'signs'
  | 'finer'
  | 'records'
  | 'threads';

/** What a thread has of its own; `journal` is what `assembly/locks.ts` writes for the thread's successor. */
export type ThreadRegion =
  | 'journal'
  | 'query'
  | 'queryRecord'
  | 'finerQuery'
  | 'codes'
  | 'decoded'
  | 'rotation'
  | 'planes'
  | 'scratch'
  | 'discarded'
  | 'candidates'
  | 'slots'
  | 'distances'
  | 'pool'
  | 'visited'
  | 'crc';

/** Words of the shared state, as `assembly/walk.ts` has them; `longest` and `usual` are floats, which the kernels do not know (`walk-space.ts`). */
export const STATE = {
  count: 0,
  claimed: 1,
  entryPoint: 2,
  topLevel: 3,
  entryLock: 4,
  era: 5,
  form: 6,
  longest: 7,
  deleted: 8,
  usual: 9,
} as const;
/** Bits of the era: what is being rewritten; and what is added when it is done. */
export const ERA = { signsMove: 1, formMoves: 2, next: 4 } as const;
/** Words of a journal. */
export const JOURNAL = { held: 0, entryHeld: 1, inserting: 2, levels: 3, linking: 4, parent: 5 } as const;
/** Words of a record behind its vector; the links begin behind `count`. */
export const NODE = { upper: 0, level: 1, lock: 2, count: 3 } as const;
/** The bit above the level that marks a deleted node (`assembly/links.ts`). */
export const DELETED = 0x80000000;
/**
 * Bits of an edge: the slot that it leads to; the mark of one that pruning may not drop, because the tree over all nodes is made of
 * them; and beside that the mark of one that leads from an entry point to the one before it (`assembly/links.ts`).
 */
export const EDGE = { slot: 0x3fffffff, kept: 0x80000000, way: 0x40000000 } as const;

export function isKept(edge: number): boolean {
  return edge >>> 31 === EDGE.kept >>> 31;
}

export function isToChild(edge: number): boolean {
  return edge >>> 30 === EDGE.kept >>> 30;
}

export function isWay(edge: number): boolean {
  return edge >>> 30 === (EDGE.kept | EDGE.way) >>> 30;
}

export interface GraphLayout {
  /** Bytes of a stored vector, and where behind it the links begin. */
  vectorBytes: number;
  recordBytes: number;
  upperBytes: number;
  /** Of a quantizer's codes; zeros without one. */
  quantized: CodeLayout;
  /** Bytes of a finer code; 0: there are none. */
  finerBytes: number;
  /** Padded dimensions of the rotation, u64 words of sign bits kept, bytes of a sign record; 0 without the filter. */
  rotated: number;
  words: number;
  signBytes: number;
  plan: Plan<Region>;
  /** Where in a thread's share what begins, and how long the share is. */
  threadPlan(capacity: number): { at: Record<ThreadRegion, number>; end: number };
}

/** Rounds of flips and transforms in `assembly/signs.ts`. */
export const ROTATION_ROUNDS = 2;

const CACHE_LINE = 64;
const BATCH_BYTES = 8192;

export function layoutOf(shape: Shape): GraphLayout {
  const { dimension, metric, codes, mostLinks, mostLinksAbove, mostCandidates } = shape;
  const quantized = typeof codes === 'object' ? codeLayout(codes, { dimension, metric }) : NOT_QUANTIZED;
  const vectorBytes = vectorBytesOf(shape);
  const finerBytes = shape.finer === 'sq7' ? vectorBytesOf({ ...shape, codes: 'sq7' }) : 0;
  const recordBytes = roundUp(
    vectorBytes + NODE.count * 4 + listBytes(mostLinks),
    vectorBytes < 4 * CACHE_LINE ? 16 : CACHE_LINE,
  );
  const upperBytes = mostLinksAbove > 0 ? listBytes(mostLinksAbove) : 0;
  const signs = shape.signed ? signShape(dimension) : { rotated: 0, words: 0, signBytes: 0 };
  const threadPlan = (capacity: number) =>
    layOut<ThreadRegion>(
      {
        journal: 64,
        query: roundUp(dimension, 4) * 4,
        queryRecord: vectorBytes,
        finerQuery: finerBytes,
        codes: quantized.scratchBytes,
        decoded: roundUp(dimension, 16) * 16,
        rotation: signs.rotated * 4,
        planes: signs.words * 24,
        scratch: 3 * BATCH_BYTES,
        discarded: mostCandidates * 8,
        candidates: mostCandidates * 8,
        slots: capacity * 4,
        distances: capacity * 4,
        pool: (Math.max(capacity, shape.beam) + 1) * 8,
        visited: capacity + 1,
        crc: CRC_ROOM_BYTES,
      },
      { start: 0, alignBytes: CACHE_LINE },
    );
  const plan = (capacity: number) => ({
    ...PAGE_REGIONS,
    state: 64,
    model: quantized.modelBytes,
    mean: dimension * 4,
    flips: ROTATION_ROUNDS * signs.rotated * 4,
    upper: shape.upperLists(capacity) * upperBytes,
    signs: capacity * signs.signBytes,
    finer: capacity * finerBytes,
    // A walk fetches a line beyond the start of a list, wherever the list ends.
    records: capacity * recordBytes + CACHE_LINE,
    threads: shape.threads * threadPlan(capacity).end,
  });
  return { vectorBytes, recordBytes, upperBytes, quantized, finerBytes, ...signs, plan, threadPlan };
}

/** Bytes of a stored vector: f32, 7-bit code and factors, or a quantizer's code. */
export function vectorBytesOf({ dimension, metric, codes }: Pick<Shape, 'dimension' | 'metric' | 'codes'>): number {
  if (typeof codes === 'object') return codeLayout(codes, { dimension, metric }).codeBytes;
  return codes === 'sq7' ? roundUp(dimension, 16) + 16 : dimension * 4;
}

const NOT_QUANTIZED: CodeLayout = { codeBytes: 0, modelBytes: 0, scratchBytes: 0 };

/** Words of a list of links: how many there are, and room for the most. */
export function listWords(most: number): number {
  return 1 + most;
}

function listBytes(most: number): number {
  return 4 * listWords(most);
}

/**
 * Sign records begin on cache lines, A and F and then bits. Where the last word would cost a line of its own it is left out: an
 * estimate from 960 of 1024 bits is 9 % wider, but a third line made a search 39 % slower (embedding-1024-100k).
 */
function signShape(dimension: number): { rotated: number; words: number; signBytes: number } {
  const rotated = roundUp(dimension, 64);
  let words = rotated / 64;
  if (words >= 8 && (8 + words * 8) % CACHE_LINE === 8) words -= 1;
  const bytes = 8 + words * 8;
  return { rotated, words, signBytes: bytes <= CACHE_LINE / 2 ? roundUp(bytes, 16) : roundUp(bytes, CACHE_LINE) };
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
