import { describe, expect, it } from 'vitest';
import { componentsOf, reachableFrom } from '../../src/lab/components.ts';
import { traced } from '../../src/lab/trace.ts';
import { TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from '../../src/lab/twelve-points.ts';

const l2 = (a: Float32Array, b: Float32Array) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
const { query, start, stuckAt, nearest } = TWELVE_TRAP;
const toQuery = (id: number) => l2(query, TWELVE_POINTS[id].vector);
const names = (ids: Iterable<number>) => [...ids].map((id) => TWELVE_POINTS[id].name).join('');
const graph = {
  vector: (id: number) => TWELVE_POINTS[id].vector,
  neighbors: (id: number) => TWELVE_LINKS[id],
};

/** Greedy search as the paper has it. */
function greedy(from: number, on = graph, distance = l2): number {
  for (let here = from; ; ) {
    const next = [here, ...on.neighbors(here)].reduce((a, b) =>
      distance(query, on.vector(b)) < distance(query, on.vector(a)) ? b : a,
    );
    if (next === here) return here;
    here = next;
  }
}

/** A beam of this width, on lists. */
function beam(from: number, ef: number): number[] {
  const seen = new Set([from]);
  let waiting = [from];
  let found = [from];
  for (;;) {
    const next = waiting.sort((a, b) => toQuery(a) - toQuery(b)).shift();
    if (next === undefined || (found.length === ef && toQuery(next) > toQuery(found[ef - 1]))) return found;
    for (const id of graph.neighbors(next)) {
      if (seen.has(id)) continue;
      seen.add(id);
      if (found.length === ef && toQuery(id) >= toQuery(found[ef - 1])) continue;
      waiting = [...waiting, id];
      found = [...found, id].sort((a, b) => toQuery(a) - toQuery(b)).slice(0, ef);
    }
  }
}

describe('the twelve points', () => {
  it('are named a … l, on a page of 10 by 10, far enough apart to be drawn', () => {
    expect(names(TWELVE_POINTS.keys())).toBe('abcdefghijkl');
    for (const [i, { vector }] of TWELVE_POINTS.entries()) {
      for (const value of vector) expect(value >= 0 && value <= 10).toBe(true);
      for (const other of TWELVE_POINTS.slice(0, i)) expect(l2(vector, other.vector)).toBeGreaterThan(1.5 ** 2);
    }
  });

  it('have no ties, so that every right implementation builds and walks alike', () => {
    for (const { vector } of [...TWELVE_POINTS, { vector: query }]) {
      const distances = TWELVE_POINTS.map((point) => l2(point.vector, vector)).sort((a, b) => a - b);
      for (const [i, distance] of distances.slice(1).entries()) expect(distance - distances[i]).toBeGreaterThan(0.01);
    }
  });

  it('are linked with their two nearest predecessors, both ways, into one connected graph', () => {
    for (const [id, neighbors] of TWELVE_LINKS.entries()) {
      for (const other of neighbors) expect(TWELVE_LINKS[other]).toContain(id);
      const own = neighbors.filter((other) => other < id);
      const others = [...Array(id).keys()].filter((other) => !own.includes(other));
      const distance = (other: number) => l2(TWELVE_POINTS[id].vector, TWELVE_POINTS[other].vector);
      expect(own).toHaveLength(Math.min(id, 2));
      for (const other of others) expect(distance(other)).toBeGreaterThan(Math.max(...own.map(distance)));
    }
    expect(reachableFrom(TWELVE_LINKS, [start]).size).toBe(12);
  });

  it('trap greedy search from a in a local minimum, after a, d, g, l', () => {
    const { graph: watched, distance, trace } = traced(graph, l2);
    expect(names([greedy(start, watched, distance)])).toBe('l');
    expect(names([start, stuckAt, nearest])).toBe('alj');
    const read = trace.events.flatMap((event) => (event.kind === 'hop' ? [event.node] : []));
    expect(names(read)).toBe('adgl');
    const truly = [...TWELVE_POINTS.keys()].reduce((a, b) => (toQuery(b) < toQuery(a) ? b : a));
    expect(truly).toBe(nearest);
    for (const neighbor of TWELVE_LINKS[stuckAt]) {
      expect(toQuery(neighbor)).toBeGreaterThan(toQuery(stuckAt));
    }
  });

  it('let a beam of three through to j, over e, and one of two not', () => {
    expect(beam(start, 1)[0]).toBe(stuckAt);
    expect(beam(start, 2)[0]).toBe(stuckAt);
    expect(beam(start, 3)[0]).toBe(nearest);
  });

  it('trap from some starts and not from others', () => {
    const ends = new Set([...TWELVE_POINTS.keys()].map((id) => greedy(id)));
    expect(names([...ends].sort((a, b) => a - b))).toBe('jl');
  });

  it('fall into two islands where each is linked with its two nearest', () => {
    const links = TWELVE_POINTS.map(({ vector }, id) =>
      [...TWELVE_POINTS.keys()]
        .filter((other) => other !== id)
        .sort((a, b) => l2(vector, TWELVE_POINTS[a].vector) - l2(vector, TWELVE_POINTS[b].vector))
        .slice(0, 2),
    );
    const island = componentsOf(links);
    expect(new Set(island).size).toBe(2);
    expect(names(island.flatMap((one, id) => (one === 0 ? [id] : [])))).toBe('abcdfik');
  });
});
