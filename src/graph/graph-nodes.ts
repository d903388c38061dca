/**
 * The nodes of a graph as they lie in its arena, for those who look at them one by one from outside the kernels: what a node's
 * record says of it, its lists of links, and the mark by which it is deleted.
 */
import { BrokenIndexError } from '../core/errors.ts';
import type { Arena } from '../kernels/memory.ts';
import type { VectorStore } from '../kernels/vectors.ts';
import { DELETED, EDGE, type GraphLayout, NODE, type Region, type Shape } from './graph-layout.ts';
import type { NodesInMemory } from './renumber.ts';

export class GraphNodes {
  readonly #arena: Arena<Region>;
  readonly #layout: GraphLayout;
  readonly #shape: Shape;

  constructor(arena: Arena<Region>, layout: GraphLayout, shape: Shape) {
    this.#arena = arena;
    this.#layout = layout;
    this.#shape = shape;
  }

  /** `upper`: the number of its first list above level 0; `list`: the word at which its list on level 0 begins. */
  node(slot: number): { upper: number; level: number; lock: number; list: number } {
    const { at, u32 } = this.#arena;
    const node = (at.records + slot * this.#layout.recordBytes + this.#layout.vectorBytes) >>> 2;
    return {
      ...{ upper: u32[node + NODE.upper], level: u32[node + NODE.level] & ~DELETED, lock: u32[node + NODE.lock] },
      list: node + NODE.count,
    };
  }

  /** The neighbours of a slot on a level; only those of them to whom edges that are `wanted` lead. */
  links(slot: number, level: number, wanted?: (edge: number) => boolean): Uint32Array {
    const edges = this.#edges(slot, level);
    return (wanted ? edges.filter(wanted) : edges).map((edge) => edge & EDGE.slot);
  }

  /** The same with their marks. */
  #edges(slot: number, level: number): Uint32Array {
    const { at, u32 } = this.#arena;
    const node = this.node(slot);
    const list = level === 0 ? node.list : (at.upper + (node.upper + level - 1) * this.#layout.upperBytes) >>> 2;
    // A list that is damaged may be said to be of any length.
    const length = Math.min(u32[list], MOST_LISTED);
    return u32.slice(list + 1, list + 1 + length);
  }

  /** Links that a list of the level may hold. */
  mostLinks(level: number): number {
    return level === 0 ? this.#shape.mostLinks : this.#shape.mostLinksAbove;
  }

  isDeleted(slot: number): boolean {
    return this.#arena.u32[this.#levelAt(slot)] >= DELETED;
  }

  /** Walks go through a node that is marked, and do not find it. */
  mark(slot: number, deleted: boolean): void {
    const { u32 } = this.#arena;
    if (deleted) Atomics.or(u32, this.#levelAt(slot), DELETED);
    else Atomics.and(u32, this.#levelAt(slot), ~DELETED);
  }

  #levelAt(slot: number): number {
    return this.node(slot).list - NODE.count + NODE.level;
  }

  /**
   * All that goes with each of the first `count` nodes, `originals` too where they are kept. Throws BrokenIndexError where a node's
   * level or upper lists are not what the seed makes them.
   */
  inMemory({
    count,
    levelOf,
    originals,
  }: {
    count: number;
    levelOf(slot: number): number;
    originals?: VectorStore;
  }): NodesInMemory {
    const { at, bytes, u32 } = this.#arena;
    const { recordBytes, vectorBytes, upperBytes, signBytes, finerBytes } = this.#layout;
    const levels = new Uint8Array(count);
    const upper = new Uint32Array(count);
    let lists = 0;
    for (let slot = 0; slot < count; slot++) {
      const node = this.node(slot);
      levels[slot] = levelOf(slot);
      upper[slot] = lists;
      lists += levels[slot];
      if (node.level !== levels[slot] || (node.level > 0 && node.upper !== upper[slot]))
        throw new BrokenIndexError(`node ${slot} is not on the level that was drawn`);
    }
    const every =
      (start: number, stride: number, length = stride) =>
      (slot: number) =>
        bytes.subarray(start + slot * stride, start + slot * stride + length);
    const linksAt = vectorBytes + NODE.count * 4;
    const rows: NodesInMemory['rows'] = [
      // Between the vector and the links the record says what the slot is, whoever has it: its level, and where its lists are.
      every(at.records, recordBytes, vectorBytes),
      every(at.records + linksAt, recordBytes, recordBytes - linksAt),
      (slot) =>
        bytes.subarray(at.upper + upper[slot] * upperBytes, at.upper + (upper[slot] + levels[slot]) * upperBytes),
    ];
    if (signBytes > 0) rows.push(every(at.signs, signBytes));
    if (finerBytes > 0) rows.push(every(at.finer, finerBytes));
    if (originals) rows.push((slot) => originals.row(slot));
    return {
      ...{ count, words: u32, levels, rows },
      listAt: (slot, level) =>
        level === 0
          ? (at.records + slot * recordBytes + linksAt) >>> 2
          : (at.upper + (upper[slot] + level - 1) * upperBytes) >>> 2,
      mostLinks: (level) => this.mostLinks(level),
    };
  }
}

/** More than any list holds: 3 · M links at most, M ≤ 256, or R and half as many more, R ≤ 256. */
const MOST_LISTED = 1024;
