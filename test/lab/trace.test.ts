import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import { type Distance, layersOf, linksOf, SearchTrace, traced } from '../../src/lab/trace.ts';

/** One-dimensional points in a row, each linked with those beside it; on level 1 every other one lives. */
class Row {
  readonly vectors: Float32Array[];
  readonly distance: Distance = (a, b) => Math.abs(a[0] - b[0]);

  constructor(count: number) {
    this.vectors = Array.from({ length: count }, (_, i) => Float32Array.of(i));
  }

  vector(id: number): Float32Array {
    return this.vectors[id];
  }

  neighbors(id: number, level = 0): number[] {
    if (level > 1 || id % (level + 1) !== 0) return undefined as unknown as number[];
    const stride = level + 1;
    return [id - stride, id + stride].filter((other) => this.vectors[other] !== undefined);
  }

  /** Greedy, on both levels. */
  search(query: Float32Array, entry: number, levels = [1, 0]): number {
    let here = entry;
    for (const level of levels) {
      let nearest = this.distance(query, this.vector(here));
      for (let moved = true; moved; ) {
        moved = false;
        for (const other of this.neighbors(here, level)) {
          const distance = this.distance(query, this.vector(other));
          if (distance < nearest) [here, nearest, moved] = [other, distance, true];
        }
      }
    }
    return here;
  }
}

describe('traced', () => {
  it('records what the methods of a graph ask of it, and leaves the graph alone', () => {
    const row = new Row(8);
    const { graph, trace } = traced(row, row.distance);
    expect(graph).toBeInstanceOf(Row);
    expect(graph.search(Float32Array.of(5), 0)).toBe(row.search(Float32Array.of(5), 0));
    const recorded = trace.events.length;
    row.search(Float32Array.of(5), 0);
    expect(trace.events).toHaveLength(recorded);
    expect(trace.events.slice(0, 4)).toEqual([
      { kind: 'distance', node: 0, value: 5 },
      { kind: 'hop', node: 0, level: 1 },
      { kind: 'distance', node: 2, value: 3 },
      { kind: 'hop', node: 2, level: 1 },
    ]);
    expect(trace.hops + trace.distances).toBe(recorded);
    expect(trace.levels).toEqual([1, 0]);
  });

  it('records the distance that it returns, whichever argument is the node', () => {
    const row = new Row(3);
    const { graph, distance, trace } = traced(row, row.distance);
    const query = Float32Array.of(10);
    expect(distance(query, graph.vector(2))).toBe(8);
    expect(distance(graph.vector(1), query)).toBe(9);
    distance(query, Float32Array.of(4));
    expect(trace.events).toEqual([
      { kind: 'distance', node: 2, value: 8 },
      { kind: 'distance', node: 1, value: 9 },
    ]);
    trace.clear();
    expect(trace.events).toEqual([]);
  });

  it('takes views that are made anew at each call', () => {
    const data = Float32Array.of(0, 1, 2);
    const arena = {
      vector: (id: number) => data.subarray(id, id + 1),
      neighbors: (id: number) => Uint32Array.of(id === 0 ? 1 : 0),
    };
    const { graph, distance, trace } = traced(arena, (a, b) => Math.abs(a[0] - b[0]));
    distance(Float32Array.of(2), graph.vector(1));
    expect(graph.neighbors(1)).toEqual(Uint32Array.of(0));
    expect(trace.events).toEqual([
      { kind: 'distance', node: 1, value: 1 },
      { kind: 'hop', node: 1, level: 0 },
    ]);
  });
});

describe('the replay', () => {
  const roles = (step: { roles: Map<number, string> }) =>
    Object.fromEntries([...step.roles].sort((a, b) => a[0] - b[0]));

  it('shows after each hop what was read, what waits and what is left aside', () => {
    const trace = new SearchTrace();
    trace.distance(0, 9);
    trace.hop(0);
    trace.distance(1, 5);
    trace.distance(2, 7);
    trace.distance(3, 8);
    trace.hop(1);
    trace.distance(4, 6);
    trace.distance(0, 9);
    trace.hop(2);
    const steps = trace.steps();
    expect(steps.map(({ hop, node, compared, path }) => ({ hop, node, compared, path }))).toEqual([
      { hop: 0, node: 0, compared: [0], path: [] },
      { hop: 1, node: 0, compared: [1, 2, 3], path: [0] },
      { hop: 2, node: 1, compared: [4], path: [0, 1] },
      { hop: 3, node: 2, compared: [], path: [0, 1, 2] },
    ]);
    expect(steps.map(roles)).toEqual([
      { 0: 'frontier' },
      { 0: 'visited', 1: 'frontier', 2: 'frontier', 3: 'pruned' },
      { 0: 'visited', 1: 'visited', 2: 'frontier', 3: 'pruned', 4: 'pruned' },
      { 0: 'visited', 1: 'visited', 2: 'visited', 3: 'pruned', 4: 'pruned' },
    ]);
  });

  it('begins each level anew, with the node that it is entered by', () => {
    const row = new Row(8);
    const { graph, trace } = traced(row, row.distance);
    graph.search(Float32Array.of(5.2), 0);
    const steps = trace.steps();
    expect(steps.map(({ hop, level, path }) => ({ hop, level, path }))).toEqual([
      { hop: 0, level: 1, path: [] },
      { hop: 1, level: 1, path: [0] },
      { hop: 2, level: 1, path: [0, 2] },
      { hop: 3, level: 1, path: [0, 2, 4] },
      { hop: 4, level: 1, path: [0, 2, 4, 6] },
      { hop: 5, level: 0, path: [6] },
      { hop: 6, level: 0, path: [6, 5] },
    ]);
    expect(roles(steps.at(-1)!)).toEqual({ 4: 'pruned', 5: 'visited', 6: 'visited', 7: 'pruned' });
  });

  it('is empty where nothing happened, and one step where nothing was read', () => {
    const trace = new SearchTrace();
    expect(trace.steps()).toEqual([]);
    trace.distance(3, 1);
    expect(trace.steps().map(({ hop, node, compared }) => [hop, node, compared])).toEqual([[0, 3, [3]]]);
  });

  it('replays a long search in a moment', () => {
    const trace = new SearchTrace();
    for (let node = 0; node < 2000; node++) {
      trace.distance(node, 1);
      trace.hop(node);
    }
    expect(trace.steps()).toHaveLength(2001);
  });
});

describe('links', () => {
  it('are read level by level, as far as anybody lives', () => {
    const row = new Row(5);
    expect(linksOf(row, 5)).toEqual([[1], [0, 2], [1, 3], [2, 4], [3]]);
    expect(linksOf(row, 5, 1)).toEqual([[2], undefined, [0, 4], undefined, [2]]);
    expect(layersOf(row, 5)).toEqual([linksOf(row, 5, 0), linksOf(row, 5, 1)]);
  });

  it('of a graph of one layer have no end of levels, which is said', () => {
    expect(() => layersOf({ neighbors: () => [0] }, 1)).toThrow(ParameterError);
  });
});
