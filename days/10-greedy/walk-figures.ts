/** Walks drawn on several graphs over the same points: where their links lead, and where the walk ends. */
import { type MeasuredSet, type Panel, type PanelLine, panelsFigure, row, rows, TWELVE_POINTS } from 'annlab/lab';
import { type Adjacency, greedySearch } from './solution.ts';

export interface NamedGraph {
  name: string;
  graph: Adjacency;
}

const [WALK, TARGET] = [1, 2];

/** The twelve points with all links, the greedy walk from `start` to `target`, and from how many pairs such a walk arrives. */
export function twelveFigure(
  graphs: readonly NamedGraph[],
  { start, target, title, subtitle }: { start: number; target: number; title: string; subtitle: string },
): string {
  const nameOf = (id: number) => TWELVE_POINTS[id].name;
  const panels = graphs.map(({ name, graph }): Panel => {
    const walk = walkOf(graph, graph.vectors[target], start);
    return {
      title: name,
      note: `${walk.map(nameOf).join(' → ')}; ${arriving(graph)} of 132 walks arrive`,
      lines: [...linksAt(graph, [...graph.vectors.keys()], true), ...stepsOf(graph, walk)].map(clearOfMarks),
      marks: graph.vectors.map((at, id) => ({
        at,
        radius: id === target ? 7 : 4.5,
        ...(id === target ? { color: TARGET, shape: 'star' as const } : walk.includes(id) ? { color: WALK } : {}),
      })),
      labels: graph.vectors.map((at, id) => ({ at, words: nameOf(id) })),
    };
  });
  return panelsFigure(panels, { title, subtitle, width: 900, extent: { x: [-0.5, 10.4], y: [-0.6, 7.6] } });
}

/** Of all pairs of different nodes, those where a greedy walk from the one ends in the other. */
export function arriving(graph: Adjacency): number {
  let count = 0;
  for (const start of graph.vectors.keys()) {
    for (const [target, vector] of graph.vectors.entries()) {
      if (target !== start && walkOf(graph, vector, start).at(-1) === target) count++;
    }
  }
  return count;
}

/** Many points of the plane, the greedy walk to a query on each graph, and the links of those that it visits. */
export function walksFigure(
  set: MeasuredSet,
  graphs: readonly NamedGraph[],
  { query: number, start, title, subtitle }: { query: number; start: number; title: string; subtitle: string },
): string {
  const query = row(set.queries, number);
  const nearest = set.truth.ids[number * (set.truth.ids.length / set.queries.rows)];
  const points = rows(set.base).map((at) => ({ at }));
  const panels = graphs.map(({ name, graph }): Panel => {
    const walk = walkOf(graph, query, start);
    const found = walk.at(-1) === nearest;
    const hops = walk.length - 1;
    return {
      title: name,
      note: `${hops} ${hops === 1 ? 'hop' : 'hops'}, ${found ? 'and there' : 'and stuck'}`,
      points,
      lines: [...linksAt(graph, walk), ...stepsOf(graph, walk)],
      marks: [
        { at: graph.vectors[start], color: WALK, radius: 5 },
        { at: graph.vectors[walk[hops]], color: WALK, shape: 'square', radius: 5 },
        { at: query, color: TARGET, shape: 'star', radius: 8 },
      ],
    };
  });
  return panelsFigure(panels, { title, subtitle, width: 900, perRow: 2 });
}

/** The nodes of a greedy walk (L = 1), in order. */
function walkOf(graph: Adjacency, query: Float32Array, start: number): number[] {
  return greedySearch(graph, query, start, { k: 1, L: 1 }).visited.map(({ id }) => id);
}

function stepsOf({ vectors }: Adjacency, walk: readonly number[]): PanelLine[] {
  return walk.slice(1).map((to, i) => ({ from: vectors[walk[i]], to: vectors[to], color: WALK, arrow: true }));
}

/** An arrow between two of the twelve ends before the mark that it leads to. */
function clearOfMarks(line: PanelLine): PanelLine {
  const [dx, dy] = [line.to[0] - line.from[0], line.to[1] - line.from[1]];
  const part = 1 - MARK / Math.hypot(dx, dy);
  return { ...line, to: [line.from[0] + part * dx, line.from[1] + part * dy] };
}

/** How far around the middle of a mark no arrow comes, where the twelve points lie from 0 to 10. */
const MARK = 0.25;

function linksAt({ vectors, links }: Adjacency, ids: readonly number[], arrow = false): PanelLine[] {
  return ids.flatMap((id) => Array.from(links[id], (to) => ({ from: vectors[id], to: vectors[to], arrow })));
}
