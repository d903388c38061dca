/** Exact search watched from outside, for the notebook: what was measured, who was on top, who got in; and drawn. */
import { graphFigure, imageHtml, type NamedPoint } from 'annlab/lab';
import { type Distance, type Neighbor, type searchExact, squaredL2 } from './solution.ts';

/** One candidate, at the moment it was measured. */
export interface Step extends Neighbor {
  /** The distance on top of the heap at that moment; Infinity while there was room. */
  top: number;
  enters: boolean;
  /** Ids of the k nearest after it, farthest first. */
  kept: number[];
}

/** Runs a search with a distance that takes notes. What enters follows from the distances alone: no heap is looked into. */
export function watch(
  search: typeof searchExact,
  vectors: readonly Float32Array[],
  query: Float32Array,
  k: number,
): { found: Neighbor[]; steps: Step[] } {
  const ids = new Map(vectors.map((vector, id) => [vector, id]));
  const steps: Step[] = [];
  let nearest: Neighbor[] = [];
  const noting: Distance = (a, b) => {
    const distance = squaredL2(a, b);
    const id = ids.get(b) ?? ids.get(a) ?? -1;
    const top = nearest.length < k ? Number.POSITIVE_INFINITY : nearest[0].distance;
    const enters = distance < top;
    if (enters) {
      nearest = [...nearest, { id, distance }].sort((x, y) => y.distance - x.distance || y.id - x.id).slice(-k);
    }
    steps.push({ id, distance, top, enters, kept: nearest.map((one) => one.id) });
    return distance;
  };
  return { found: search(vectors, query, k, noting), steps };
}

/** The first `budget` vectors searched exactly and the rest never looked at: the simplest approximate search there is. */
export function searchFirst(search: typeof searchExact, vectors: readonly Float32Array[], k: number) {
  return (query: Float32Array, budget: number) => {
    let distances = 0;
    const counting: Distance = (a, b) => {
      distances++;
      return squaredL2(a, b);
    };
    const found = search(vectors.slice(0, budget), query, k, counting);
    return { ids: found.map(({ id }) => id), distances };
  };
}

/** The set at four moments of a search: kept (discs), measured and out (diamonds), still to come (rings). HTML, for `showTable`. */
export function heapPanels(points: readonly NamedPoint[], query: Float32Array, steps: readonly Step[]): string {
  const quarter = steps.length / 4;
  const panel = (part: number) => `<td>${heapPanel(points, query, steps.slice(0, Math.round(part * quarter)))}</td>`;
  return `<table><tr>${panel(1)}${panel(2)}</tr><tr>${panel(3)}${panel(4)}</tr></table>`;
}

const [KEPT, OUT, TO_COME] = [0, 1, 7];

function heapPanel(points: readonly NamedPoint[], query: Float32Array, steps: readonly Step[]): string {
  const { kept } = steps[steps.length - 1];
  const measured = new Set(steps.map(({ id }) => id));
  const groups = points.map((_, id) => (kept.includes(id) ? KEPT : measured.has(id) ? OUT : TO_COME));
  const name = (id: number) => points[id].name;
  const top = points.length === measured.size ? 'done' : `on top: ${name(kept[0])}`;
  const figure = graphFigure(points, [], {
    title: `After ${steps.length}: heap ${kept.map(name).join(', ')}`,
    subtitle: `${top}; ${steps.filter(({ enters }) => enters).length} have entered`,
    query,
    groups,
    width: 360,
  });
  const alt = `after ${steps.length} points the heap holds ${kept.map(name).join(', ')}`;
  return imageHtml(figure, { alt });
}
