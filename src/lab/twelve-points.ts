/**
 * Twelve points on a page, small enough to follow a search with a finger: the set on which every graph of the fortnight is
 * drawn first. They are laid out for one lesson. Inserted in the order of their names, each linked both ways with its two
 * nearest predecessors, they form a connected graph on which greedy search from `a` does not find the point nearest to the
 * query of `TWELVE_TRAP`: it walks a, d, g, l, and there is stuck in a local minimum. The way on to j leads over e, which
 * lies farther from the query than l does; a beam that remembers three nodes takes it.
 *
 * Linking each point with its two nearest alone (predecessors or not) leaves the twelve in two islands. No two points are
 * equally far from a third one: every right implementation builds the same graph.
 */
export interface NamedPoint {
  name: string;
  vector: Float32Array;
}

const PLACES: readonly (readonly [x: number, y: number])[] = [
  [3.5, 6.5],
  [3, 2],
  [0.5, 6],
  [4.5, 4],
  [8, 3],
  [0.5, 3],
  [7.5, 6.5],
  [9.5, 1],
  [1.6, 0.5],
  [9.4, 4],
  [2.4, 5],
  [7, 4.6],
];

/** Named a … l, ids 0 … 11, coordinates from 0 to 10. */
export const TWELVE_POINTS: readonly NamedPoint[] = PLACES.map((place, id) => ({
  name: String.fromCharCode('a'.charCodeAt(0) + id),
  vector: Float32Array.from(place),
}));

/** Where greedy search on `TWELVE_LINKS` gets stuck. Ids are positions in `TWELVE_POINTS`. */
export interface Trap {
  query: Float32Array;
  start: number;
  stuckAt: number;
  nearest: number;
}

export const TWELVE_TRAP: Trap = { query: Float32Array.of(9, 5), start: id('a'), stuckAt: id('l'), nearest: id('j') };

/** Each point linked both ways with its two nearest predecessors: what day 02 builds with M = 2. */
export const TWELVE_LINKS: readonly (readonly number[])[] = linkToPredecessors(2);

function id(name: string): number {
  return TWELVE_POINTS.findIndex((point) => point.name === name);
}

function linkToPredecessors(M: number): number[][] {
  const links: number[][] = TWELVE_POINTS.map(() => []);
  for (let node = 1; node < links.length; node++) {
    const byDistance = Array.from({ length: node }, (_, other) => other).sort(
      (a, b) => squaredDistance(a, node) - squaredDistance(b, node),
    );
    for (const other of byDistance.slice(0, M)) {
      links[node].push(other);
      links[other].push(node);
    }
  }
  return links;
}

function squaredDistance(a: number, b: number): number {
  return (PLACES[a][0] - PLACES[b][0]) ** 2 + (PLACES[a][1] - PLACES[b][1]) ** 2;
}
