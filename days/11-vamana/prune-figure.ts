/**
 * RobustPrune drawn in the plane. What p* rules out is a region: all places p′ with α · d(p*, p′) ≤ d(p, p′). With α = 1 it is the
 * half-plane behind the bisector of p and p*; with α > 1 it is a disc around p* and a little beyond (a circle of Apollonius), which
 * shrinks as α grows: behind it, far away, everybody stays.
 */
import { type Panel, type PanelRegion, panelsFigure } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { robustPrune, Vamana } from './solution.ts';

export interface NamedPlace {
  name: string;
  vector: Float32Array;
}

/** The ids that p keeps of all others, nearest first. */
export function keptOf(points: readonly NamedPlace[], p: number, alpha: number, R = points.length): number[] {
  const vectors = points.map(({ vector }) => vector);
  const graph = new Vamana(vectors, { R: 0 });
  robustPrune(graph, p, everybody(vectors, p), { R, alpha });
  return graph.links[p];
}

/** One panel for each p*, in the order in which they are kept: whom it rules out, and who is left. */
export function stepsFigure(
  points: readonly NamedPlace[],
  p: number,
  alpha: number,
  options: { title: string },
): string {
  const kept = keptOf(points, p, alpha);
  const panels = kept.map((nearest, i): Panel => {
    const before = kept.slice(0, i);
    const isOut = (id: number, by: readonly number[]) => by.some((one) => rulesOut(points, { p, by: one, id, alpha }));
    const others = [...points.keys()].filter((id) => id !== p && !kept.slice(0, i + 1).includes(id));
    const now = others.filter((id) => !isOut(id, before) && isOut(id, [nearest]));
    const gone = others.filter((id) => isOut(id, before));
    const names = now.map((id) => points[id].name).join(', ');
    return {
      title: `${i + 1}. p* = ${points[nearest].name}`,
      note: names ? `rules out ${names}` : 'rules nobody out',
      ...drawn(points, p, { kept: kept.slice(0, i + 1), now, gone, regions: [regionOf(points, p, nearest, alpha)] }),
    };
  });
  return panelsFigure(panels, { ...options, subtitle: SUBTITLE, extent: EXTENT });
}

/** One panel for each α: what p keeps in the end, and what the nearest of it rules out. */
export function alphasFigure(
  points: readonly NamedPlace[],
  p: number,
  alphas: readonly number[],
  options: { title: string },
): string {
  const panels = alphas.map((alpha): Panel => {
    const kept = keptOf(points, p, alpha);
    const gone = [...points.keys()].filter((id) => id !== p && !kept.includes(id));
    return {
      title: `α = ${alpha}: ${kept.length} kept`,
      note: kept.map((id) => points[id].name).join(', '),
      ...drawn(points, p, { kept, now: [], gone, regions: [regionOf(points, p, kept[0], alpha)] }),
    };
  });
  return panelsFigure(panels, {
    ...options,
    subtitle: `Shaded: what the nearest, ${points[keptOf(points, p, 1)[0]].name}, rules out`,
    extent: EXTENT,
  });
}

const SUBTITLE = 'Shaded: what p* rules out. Arrows: links kept. Squares: ruled out now; grey: earlier';
const EXTENT = { x: [-0.8, 10.8] as [number, number], y: [-0.6, 7.6] as [number, number] };

interface Standing {
  kept: readonly number[];
  now: readonly number[];
  gone: readonly number[];
  regions: PanelRegion[];
}

function drawn(points: readonly NamedPlace[], p: number, { kept, now, gone, regions }: Standing): Omit<Panel, 'title'> {
  const at = (id: number) => points[id].vector;
  const isPlain = (id: number) => ![p, ...kept, ...now, ...gone].includes(id);
  const plain = [...points.keys()].filter(isPlain);
  return {
    regions,
    lines: kept.map((id) => ({ from: at(p), to: at(id), color: 0, arrow: true })),
    marks: [
      ...gone.map((id) => ({ at: at(id), radius: 4, hollow: true })),
      ...now.map((id) => ({ at: at(id), color: 1, shape: 'square' as const, hollow: true, radius: 5 })),
      ...plain.map((id) => ({ at: at(id), color: 4, shape: 'diamond' as const, radius: 5 })),
      ...kept.map((id) => ({ at: at(id), color: 0, radius: 5 })),
      { at: at(p), color: 2, shape: 'star' as const, radius: 8 },
    ],
    labels: points.map(({ vector, name }, id) => ({ at: vector, words: id === p ? 'p' : name })),
  };
}

function rulesOut(
  points: readonly NamedPlace[],
  { p, by, id, alpha }: { p: number; by: number; id: number; alpha: number },
): boolean {
  return alpha ** 2 * l2(points[by].vector, points[id].vector) <= l2(points[p].vector, points[id].vector);
}

/** The region of p*: a half-plane, cut off far away, or a disc of many corners. */
export function regionOf(points: readonly NamedPlace[], p: number, nearest: number, alpha: number): PanelRegion {
  const [[x, y], [nx, ny]] = [points[p].vector, points[nearest].vector];
  const [dx, dy] = [nx - x, ny - y];
  if (alpha === 1) {
    const [mx, my] = [(x + nx) / 2, (y + ny) / 2];
    const side = (along: number, across: number): [number, number] => [
      mx + FAR * (along * dx - across * dy),
      my + FAR * (along * dy + across * dx),
    ];
    return { corners: [side(0, -1), side(1, -1), side(1, 1), side(0, 1)], color: 1 };
  }
  // |p* − c| and the radius follow from the two points of the line through p and p* where the distances are as α to 1.
  const squared = alpha ** 2;
  const [cx, cy] = [x + (squared * dx) / (squared - 1), y + (squared * dy) / (squared - 1)];
  const radius = (alpha * Math.hypot(dx, dy)) / (squared - 1);
  const corners = Array.from({ length: CORNERS }, (_, i): [number, number] => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)];
  });
  return { corners, color: 1 };
}

const FAR = 1000;
const CORNERS = 120;

function everybody(vectors: readonly Float32Array[], p: number) {
  return vectors.map((vector, id) => ({ id, distance: l2(vectors[p], vector) }));
}
