/** Searches on the twelve points, traced, for the tests of what is drawn from them. */
import { type Links, SearchTrace } from '../../src/lab/trace.ts';
import { TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from '../../src/lab/twelve-points.ts';

const { query, start } = TWELVE_TRAP;

function toQuery(id: number): number {
  const [x, y] = TWELVE_POINTS[id].vector;
  return (x - query[0]) ** 2 + (y - query[1]) ** 2;
}

/** Greedy search for the trap's query, on one level after another. */
export function greedyTrace(layers: readonly Links[] = [TWELVE_LINKS], entry = start): SearchTrace {
  const trace = new SearchTrace();
  let here = entry;
  for (let level = layers.length - 1; level >= 0; level--) {
    trace.distance(here, toQuery(here));
    for (let from = -1; from !== here; ) {
      from = here;
      trace.hop(here, level);
      for (const other of Array.from(layers[level][from]!)) {
        trace.distance(other, toQuery(other));
        if (toQuery(other) < toQuery(here)) here = other;
      }
    }
  }
  return trace;
}

/** Every third of the twelve points lives on level 1, in a ring; the entry point d is one of them. */
export const TWO_LAYERS: readonly Links[] = [
  TWELVE_LINKS,
  TWELVE_POINTS.map((_, id) => (id % 3 === 0 ? [(id + 3) % 12, (id + 9) % 12] : undefined)),
];
