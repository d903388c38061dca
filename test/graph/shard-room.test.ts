import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.ts';
import { ShardRoom } from '../../src/graph/shard-room.ts';
import type { Step } from '../../src/graph/vamana-steps.ts';
import { VamanaThread } from '../../src/graph/vamana-thread.ts';

const DIMENSION = 12;

function normal(rows: number, seed: number): Float32Array {
  const random = new Random(seed);
  const vectors = new Float32Array(new SharedArrayBuffer(rows * DIMENSION * 4));
  return vectors.map(() => random.normal());
}

/** Links the vectors in the room, each step by the thread whose turn it is; returns every node's slots. */
function linked(room: ShardRoom, vectors: Float32Array, turn: () => VamanaThread): Uint32Array[] {
  const rows = vectors.length / DIMENSION;
  const perform = (step: Step) => {
    const doRow = turn().rowsOf(step);
    for (let row = 0; row < step.rows; row++) doRow(row);
  };
  room.begin(rows, new Float64Array(DIMENSION));
  perform(room.placing(vectors, 0));
  for (const step of room.linking(rows, () => {})) perform(step);
  return Array.from({ length: rows }, (_, slot) => room.links(slot).slice());
}

describe('a shard', () => {
  it('is the same whatever was built in its room before, of more nodes or fewer, and whichever threads build it', () => {
    const options = { dimension: DIMENSION, capacity: 600, threads: 2, R: 12, L: 24, alpha: 1, passes: 1 } as const;
    const [large, small] = [normal(600, 1), normal(300, 2)];
    const alone = ShardRoom.reserve(options);
    const expected = [large, small].map((vectors) => linked(alone, vectors, () => alone.thread));
    const room = ShardRoom.reserve(options);
    const threads = [room.thread, new VamanaThread(room.handle, 1)];
    const random = new Random(3);
    let [at, left] = [0, 0];
    // Each works for a while, and so long the other one knows nothing of what comes and goes.
    const turn = () => {
      if (left-- === 0) [at, left] = [1 - at, random.integer(100)];
      return threads[at];
    };
    for (let round = 0; round < 20; round++) {
      expect(linked(room, large, turn)).toEqual(expected[0]);
      expect(linked(room, small, turn)).toEqual(expected[1]);
    }
  });
});
