/**
 * What the checks of day 06 save and open: graphs drawn at random, any list in any place, so that nothing is right by luck. They are
 * written by the reference's `encode`, which is not a hole, and damaged in every way that a disk, a copy or a liar can.
 */
import fc from 'fast-check';
import { FileFault } from './file-fault.ts';
import { encode, FIELDS, type Header, headerOf, type SavedGraph, writeHeader } from './solution.ts';

/** A small graph as a counter-example shows it: each node's vector, and its links on each of its levels. */
export interface Plan {
  M: number;
  M0: number;
  nodes: { vector: number[]; links: number[][] }[];
}

/** Up to `most` nodes on up to four levels. Lists of any length that has room, to any node: no search has made them. */
export function plans(most = 12): fc.Arbitrary<Plan> {
  return fc
    .record({
      M: fc.integer({ min: 1, max: 3 }),
      moreOnGround: fc.nat(3),
      dimension: fc.integer({ min: 1, max: 5 }),
      nodes: fc.array(
        fc.record({
          vector: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 5, maxLength: 5 }),
          links: fc.array(fc.array(fc.nat(99), { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        }),
        { minLength: 1, maxLength: most },
      ),
    })
    .map(({ M, moreOnGround, dimension, nodes }) => {
      const M0 = M + moreOnGround;
      return {
        M,
        M0,
        nodes: nodes.map(({ vector, links }) => ({
          vector: vector.slice(0, dimension),
          links: links.map((list, level) => list.slice(0, level === 0 ? M0 : M).map((to) => to % nodes.length)),
        })),
      };
    });
}

/** The plan as a graph that can be saved. */
export function graphOf({ M, M0, nodes }: Plan): SavedGraph {
  const topLevel = Math.max(...nodes.map(({ links }) => links.length - 1));
  return {
    ...{ M, M0, topLevel },
    nodes: nodes.map(({ vector, links }) => ({ vector: Float32Array.from(vector), links })),
    entryPoint: nodes.findIndex(({ links }) => links.length - 1 === topLevel),
  };
}

/** A graph's file, and the header that says what is in it. `image` begins at byte 0 of its buffer. */
export function fileOf(graph: SavedGraph): { image: Uint8Array; header: Header } {
  const image = encode(graph);
  const tableCrc = new DataView(image.buffer).getUint32(placeOf('tableCrc'), true);
  return { image, header: { ...headerOf(graph), tableCrc } };
}

/** The byte at which a field of the header begins. */
export function placeOf(field: keyof Header): number {
  return 4 * FIELDS.indexOf(field);
}

/** The same bytes with one bit turned over. */
export function flipped(image: Uint8Array, bit: number): Uint8Array {
  const damaged = image.slice();
  damaged[bit >>> 3] ^= 1 << (bit & 7);
  return damaged;
}

/** The image under another header, whose own checksum is right: what a program writes that has the numbers wrong. */
export function lying(image: Uint8Array, header: Header): Uint8Array {
  const forged = image.slice();
  writeHeader(forged, header);
  return forged;
}

/** What a call is refused with. */
export interface Refusal {
  /** The FileFault's, or another error in words for a message. */
  reason: string;
  block?: number | undefined;
}

/** Undefined where the call returns. */
export function refusal(call: () => unknown): Refusal | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof FileFault) return { reason: error.fault, block: error.block };
    // What is not written yet is no answer.
    if ((error as { code?: string }).code === 'UNWRITTEN_HOLE') throw error;
    return { reason: `${(error as Error).name}: ${(error as Error).message}` };
  }
  return undefined;
}

/** Fourteen nodes on three levels, for examples. */
export const SMALL: Plan = {
  M: 2,
  M0: 4,
  nodes: Array.from({ length: 14 }, (_, id) => ({
    vector: [id, 10 - id, 0.5 * id],
    links: Array.from({ length: id % 6 === 1 ? 3 : id % 3 === 1 ? 2 : 1 }, (_, level) =>
      Array.from({ length: (id % (level === 0 ? 4 : 2)) + 1 }, (_, i) => (id + 3 * i + level + 1) % 14),
    ),
  })),
};
