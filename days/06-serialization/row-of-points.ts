/**
 * A large file without the time to build its graph: points in a row, each linked with those 1, 4, 16, … places away on either side, so
 * that a search finds its way in a few dozen hops. Right in every block, as `encode` would have written it.
 */
import { BLOCK_BYTES } from './checked-bytes.ts';
import { type Header, layoutOf, MAGIC, type SavedGraph, seal, VERSION } from './solution.ts';

const M0 = 16;
const DIMENSION = 256;

/** How many points make a file of about this size. */
export function pointsIn(bytes: number): number {
  return Math.floor((bytes - 4 * BLOCK_BYTES) / layoutOf(headerFor(0)).recordBytes);
}

/** Where a point lies: on the diagonal of the cube. */
export function pointAt(id: number, count: number): Float32Array {
  return new Float32Array(DIMENSION).fill(id / count);
}

/** The file of so many points. */
export function rowOfPoints(count: number): Uint8Array {
  const header = headerFor(count);
  const { records, recordBytes, fileBytes } = layoutOf(header);
  const bytes = new Uint8Array(fileBytes);
  const [f32, u32] = [new Float32Array(bytes.buffer), new Uint32Array(bytes.buffer)];
  for (let id = 0; id < count; id++) {
    const at = (records + id * recordBytes) / 4;
    f32.fill(id / count, at, at + DIMENSION);
    const links = linksOf(id, count);
    u32.set([0, 0, links.length, ...links], at + DIMENSION);
  }
  seal(bytes, header);
  return bytes;
}

/** The same as objects, for those who parse. */
export function rowAsGraph(count: number): SavedGraph {
  const nodes = Array.from({ length: count }, (_, id) => ({ vector: pointAt(id, count), links: [linksOf(id, count)] }));
  return { nodes, M: M0 / 2, M0, entryPoint: 0, topLevel: 0 };
}

function linksOf(id: number, count: number): number[] {
  const links: number[] = [];
  for (let step = 1, n = 0; n < M0; step *= 4, n += 2) {
    for (const next of [id - step, id + step]) if (next >= 0 && next < count) links.push(next);
  }
  return links;
}

function headerFor(count: number): Header {
  const sizes = { dimension: DIMENSION, count, M: M0 / 2, M0, upperLists: 0 };
  return { magic: MAGIC, version: VERSION, ...sizes, entryPoint: 0, topLevel: 0, tableCrc: 0 };
}
