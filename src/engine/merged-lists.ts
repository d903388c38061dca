/**
 * The lists of links of a graph that is merged of overlapping ones. A node that is in several shards gets the lists of all, united;
 * where they do not fit into one, the later ones wait in a file until the vectors for pruning are at hand.
 */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { assert } from '../core/assert.ts';
import { EDGE } from '../graph/graph-layout.ts';
import { orOutputError } from '../storage/atomic-write.ts';

/** Lists of a node that do not fit to its first one: it may be in one shard more. */
const MOST_WAITING = 2;
/** Lists that are written at once. */
const LISTS_AT_ONCE = 1024;

export class MergedLists {
  /** A list each `stride` words: how many links, and these. */
  readonly words: Uint32Array;
  readonly #stride: number;
  readonly #file: FileHandle;
  readonly #path: string;
  /** Of every node, which of the lists in the file are its, from 1; 0: no more. */
  readonly #places: Uint32Array;
  #waiting = 0;
  readonly #buffer: Uint32Array;
  readonly #list: Uint32Array;
  #buffered = 0;

  /** `stride`: words of a list; `file`, at `path`, is empty and the caller's to close. */
  constructor(count: number, stride: number, file: FileHandle, path: string) {
    this.words = new Uint32Array(count * stride);
    this.#stride = stride;
    this.#file = file;
    this.#path = path;
    this.#places = new Uint32Array(MOST_WAITING * count);
    this.#list = new Uint32Array(stride);
    this.#buffer = new Uint32Array(stride * LISTS_AT_ONCE);
  }

  listAt(slot: number): number {
    return slot * this.#stride;
  }

  links(slot: number): Uint32Array {
    return this.edges(slot).map((edge) => edge & EDGE.slot);
  }

  /** The node's links with their marks; a view. */
  edges(slot: number): Uint32Array {
    const at = this.listAt(slot);
    return this.words.subarray(at + 1, at + 1 + this.words[at]);
  }

  /** Makes these the node's links. */
  set(slot: number, links: ArrayLike<number>): void {
    const at = this.listAt(slot);
    assert(links.length < this.#stride, 'a list fits into its room');
    this.words[at] = links.length;
    this.words.set(links, at + 1);
  }

  /** Unites these with the links that the node has, now or, where they are too many, in the end. */
  async add(slot: number, links: Uint32Array): Promise<void> {
    const from = this.listAt(slot);
    const before = this.words[from];
    let count = before;
    let fit = true;
    for (let i = 0; i < links.length && fit; i++) {
      if (holds(this.words, from + 1, count, links[i])) continue;
      fit = count + 1 < this.#stride;
      if (fit) this.words[from + 1 + count++] = links[i];
    }
    this.words[from] = fit ? count : before;
    if (fit) return;
    const at = this.#places.indexOf(0, MOST_WAITING * slot);
    assert(at < MOST_WAITING * (slot + 1), 'a node is in no more shards');
    this.#places[at] = ++this.#waiting;
    const end = this.#buffered * this.#stride;
    this.#buffer[end] = links.length;
    this.#buffer.set(links, end + 1);
    if (++this.#buffered === LISTS_AT_ONCE) await this.flush();
  }

  /** To be called before `unite`. */
  async flush(): Promise<void> {
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#buffered * this.#stride * 4);
    const from = (this.#waiting - this.#buffered) * this.#stride * 4;
    for (let done = 0; done < bytes.length; ) {
      const writing = this.#file.write(bytes, done, bytes.length - done, from + done);
      done += (await orOutputError(this.#path, writing)).bytesWritten;
    }
    this.#buffered = 0;
  }

  /** The nodes whose lists are too long. */
  get tooLong(): Uint32Array {
    const nodes = Uint32Array.from({ length: this.#places.length / MOST_WAITING }, (_, slot) => slot);
    return nodes.filter((slot) => this.#places[MOST_WAITING * slot] !== 0);
  }

  /** Writes all that the node, one of those whose lists are too long, is to be linked to into `to` from `at` on; returns how many. */
  unite(slot: number, to: Uint32Array, at: number): number {
    const list = this.#list;
    const own = this.edges(slot);
    to.set(own, at);
    let count = own.length;
    for (let i = MOST_WAITING * slot; i < MOST_WAITING * (slot + 1); i++) {
      const place = this.#places[i];
      if (place === 0) break;
      const read = readSync(this.#file.fd, list, 0, list.byteLength, (place - 1) * list.byteLength);
      assert(read === list.byteLength, 'what was written can be read');
      for (let j = 1; j <= list[0]; j++) if (!holds(to, at, count, list[j])) to[at + count++] = list[j];
    }
    return count;
  }

  /** The most that `unite` writes. */
  get mostUnited(): number {
    return (1 + MOST_WAITING) * this.#stride;
  }

  /** Adds a link that is kept; where there is no room, in the place of the last that is not. */
  keep(slot: number, edge: number): void {
    const at = this.listAt(slot);
    const { words } = this;
    let place = at + 1 + words[at];
    if (words[at] + 1 < this.#stride) words[at]++;
    else
      do place--;
      while (words[place] & EDGE.kept);
    words[place] = edge;
  }
}

/** Whether the word is one of the `count` from `at` on. Lists are short, and sets of them are many. */
function holds(words: Uint32Array, at: number, count: number, word: number): boolean {
  for (let i = at; i < at + count; i++) if (words[i] === word) return true;
  return false;
}
