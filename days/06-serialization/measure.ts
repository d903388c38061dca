/**
 * What the notebook of day 06 counts: what it costs to have an index back, what a first answer looks at in a file, and who notices a
 * flipped byte. Nothing here is timed.
 */
import { countingDistance } from 'annlab/exercises';
import { rows, TWELVE_POINTS, uniformSet } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { Hnsw } from '../03-layers/solution.ts';
import { createHnsw } from '../04-heuristic/solution.ts';
import { BLOCK_BYTES } from './checked-bytes.ts';
import type { FileFault } from './file-fault.ts';
import { encode, type Image, layoutOf, type SavedGraph } from './solution.ts';

type Module = typeof import('./solution.ts');

const QUESTION = { k: 10, ef: 40 };

/** The twelve points, or the first of them, as day 04 builds them: three nodes live above the ground, two of them on level 2. */
export function twelve(count = 12): Hnsw {
  const graph = createHnsw({ M: 2, efConstruction: 4, seed: 7 });
  for (const { vector } of TWELVE_POINTS.slice(0, count)) graph.insert(vector);
  return graph;
}

/** Three hundred points in the plane, to watch a search on. */
export function town(): Hnsw {
  const graph = createHnsw({ M: 6, efConstruction: 32, seed: 8 });
  for (const vector of rows(uniformSet({ n: 300, dimension: 2 }).base)) graph.insert(vector);
  return graph;
}

/** A graph of day 04 and its file. */
export interface Saved {
  n: number;
  graph: Hnsw;
  image: Uint8Array;
  /** Distance evaluations that building it took. */
  buildDistances: number;
  /** Distance evaluations per query, with ef 40. */
  searchDistances: number;
  queries: Float32Array[];
}

/** 16-D vectors in the unit cube, built as day 04 builds. */
export function saved(n: number): Saved {
  const { base, queries } = uniformSet({ n, dimension: 16, queries: 100 });
  const counting = countingDistance(l2);
  const graph = createHnsw({ M: 8, efConstruction: 32, distance: counting.distance });
  for (const vector of rows(base)) graph.insert(vector);
  const buildDistances = counting.count;
  counting.reset();
  for (const query of rows(queries)) graph.search(query, QUESTION);
  const searchDistances = counting.count / queries.rows;
  return { n, graph, image: encode(graph), buildDistances, searchDistances, queries: rows(queries) };
}

/** Bytes that must have been looked at before the first answer is there, on average over the queries. */
export interface FirstAnswer {
  /** Everything is parsed. */
  json: number;
  /** Everything is read, and checked. */
  read: number;
  /** The header, the table, and the blocks that the search walks over. */
  map: number;
}

/** For a module's image: the reference's, or the learner's. */
export function firstAnswer(module: Pick<Module, 'load'>, { graph, image, queries }: Saved): FirstAnswer {
  let blocks = 0;
  for (const query of queries) {
    const opened = module.load(image);
    opened.search(query, QUESTION);
    blocks += opened.file.checked.length;
  }
  const { table, fileBytes } = layoutOf(module.load(image).header);
  const map = BLOCK_BYTES + (fileBytes - table) + (blocks / queries.length) * BLOCK_BYTES;
  return { json: jsonOf(graph).length, read: fileBytes, map };
}

/** The bytes of the file that are looked at while something runs. */
export function lookedAt(image: Image, run: () => unknown): Set<number> {
  const used = new Set<number>();
  image.file.onUse = (at, bytes) => {
    for (let i = 0; i < bytes; i++) used.add(at + i);
  };
  run();
  image.file.onUse = undefined;
  return used;
}

/** The graph as one would write it without a thought. */
export function jsonOf({ M, M0, entryPoint, topLevel, nodes }: SavedGraph): string {
  const plain = nodes.map(({ vector, links }) => ({ vector: Array.from(vector), links }));
  return JSON.stringify({ M, M0, entryPoint, topLevel, nodes: plain });
}

/** And back: every node an object again, every vector and every list an allocation. */
export function fromJson(text: string): Hnsw {
  const { nodes, entryPoint, topLevel, ...sizes }: SavedGraph = JSON.parse(text);
  const index = new Hnsw({ ...sizes, efConstruction: 1 });
  for (const { vector, links } of nodes) index.nodes.push({ vector: Float32Array.from(vector), links });
  index.entryPoint = entryPoint;
  index.topLevel = topLevel;
  return index;
}

/** Whether two indexes give the same ids and the same distances, to the last bit, to every query. */
export function sameAnswers(
  a: Pick<Image, 'search'>,
  b: Pick<Image, 'search'>,
  queries: readonly Float32Array[],
): boolean {
  const options = { k: 10, ef: 40 };
  return queries.every(
    (query) => JSON.stringify(a.search(query, options)) === JSON.stringify(b.search(query, options)),
  );
}

/** Who notices a damaged byte, in the order in which they look. */
export const NOTICERS = ['magic', 'version', 'header’s crc', 'sizes', 'table’s crc', 'block’s crc', 'nobody'] as const;
export type Noticer = (typeof NOTICERS)[number];

/** Flips bit 0 of every byte of the file in turn, opens it, reads all of it, and says who noticed: one entry a byte. */
export function noticersOf(module: Pick<Module, 'load'>, image: Uint8Array, bit = 0): Noticer[] {
  const { table } = layoutOf(module.load(image).header);
  const damaged = image.slice();
  return Array.from(image, (byte, at) => {
    damaged[at] = byte ^ (1 << bit);
    try {
      module.load(damaged).file.checkAll();
      return 'nobody';
    } catch (error) {
      return noticer(error, table);
    } finally {
      damaged[at] = byte;
    }
  });
}

function noticer(error: unknown, table: number): Noticer {
  if (!(error instanceof Error) || error.name !== 'FileFault') throw error;
  const { fault, block = 0 } = error as FileFault;
  if (fault === 'magic' || fault === 'version' || fault === 'sizes') return fault;
  if (fault !== 'checksum') throw error;
  return block === 0 ? 'header’s crc' : block * BLOCK_BYTES < table ? 'block’s crc' : 'table’s crc';
}
