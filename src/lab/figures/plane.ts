/** A piece of the page on which 2-D points are laid out: to scale, y upwards, or tilted as the storeys of a layered graph are. */
import { DimensionError, ParameterError } from '../../core/errors.ts';
import type { Links } from '../trace.ts';

/** In pixels. */
export interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** From a point to its place on the page. */
export type Place = (vector: ArrayLike<number>) => [x: number, y: number];

/** Points of a figure: vectors of two components, or the same with names that are written beside them. */
export type FigurePoints = readonly (ArrayLike<number> | { name: string; vector: ArrayLike<number> })[];

export function vectorsOf(points: FigurePoints): ArrayLike<number>[] {
  if (points.length === 0) {
    throw new ParameterError({ parameter: 'points', got: 'none', want: 'give the figure at least one point' });
  }
  const vectors = points.map((point) => ('vector' in point ? point.vector : point));
  for (const [i, vector] of vectors.entries()) checkPlanar(vector, `points[${i}]`);
  return vectors;
}

/** The names, where the points have any. */
export function namesOf(points: FigurePoints): string[] | undefined {
  return points.every((point) => 'name' in point) ? points.map((point) => point.name) : undefined;
}

export function checkPlanar(vector: ArrayLike<number>, where: string): void {
  if (vector.length !== 2) throw new DimensionError({ expected: 2, got: vector.length, where });
  if (!Number.isFinite(vector[0]) || !Number.isFinite(vector[1])) {
    throw new ParameterError({ parameter: where, got: `(${vector[0]}, ${vector[1]})`, want: 'two finite numbers' });
  }
}

/** Ids are positions among the `count` points of a figure: throws ParameterError at one that is none. */
export function checkIds(ids: Iterable<number>, count: number, parameter: string): void {
  for (const id of ids) {
    if (Number.isInteger(id) && id >= 0 && id < count) continue;
    throw new ParameterError({
      parameter,
      got: `node ${id}`,
      want: `an id of the ${count} points, from 0 to ${count - 1}`,
    });
  }
}

/** Every node that has links, and whom they lead to. */
export function* idsOf(links: Links): Generator<number> {
  for (const [from, neighbors] of links.entries()) {
    if (!neighbors) continue;
    yield from;
    yield* Array.from(neighbors);
  }
}

export interface Extent {
  x: [number, number];
  y: [number, number];
}

export function extentOf(vectors: readonly ArrayLike<number>[]): Extent {
  const range = (axis: 0 | 1): [number, number] => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const vector of vectors) {
      low = Math.min(low, vector[axis]);
      high = Math.max(high, vector[axis]);
    }
    return [low, high];
  };
  return { x: range(0), y: range(1) };
}

/** How tall points are beside how wide: 0.6 is a page's, and no picture gets absurdly flat or tall. */
export function shapeOf({ x, y }: Extent): number {
  const shape = (y[1] - y[0]) / (x[1] - x[0]);
  return Number.isFinite(shape) ? Math.min(Math.max(shape, 0.4), 1.1) : 0.6;
}

/** Puts the extent into the middle of the frame, as large as it fits, one unit as long in x as in y. */
export function fit(extent: Extent, frame: Frame): Place {
  const [spanX, spanY] = [extent.x[1] - extent.x[0], extent.y[1] - extent.y[0]];
  const scale = Math.min(spanX > 0 ? frame.width / spanX : Infinity, spanY > 0 ? frame.height / spanY : Infinity);
  const unit = Number.isFinite(scale) ? scale : 1;
  const [middleX, middleY] = [(extent.x[0] + extent.x[1]) / 2, (extent.y[0] + extent.y[1]) / 2];
  return (vector) => [
    frame.x + frame.width / 2 + (vector[0] - middleX) * unit,
    frame.y + frame.height / 2 - (vector[1] - middleY) * unit,
  ];
}

/** A storey seen from above at a slant: what is farther up on it leans to the right. */
export function tilt(extent: Extent, frame: Frame, lean: number): Place {
  const flat = fitStretched(extent, { ...frame, width: frame.width - lean });
  return (vector) => {
    const [x, y] = flat(vector);
    return [x + lean * (1 - (y - frame.y) / frame.height), y];
  };
}

function fitStretched({ x, y }: Extent, frame: Frame): Place {
  const share = (value: number, [low, high]: [number, number]) => (high > low ? (value - low) / (high - low) : 0.5);
  return (vector) => [frame.x + share(vector[0], x) * frame.width, frame.y + (1 - share(vector[1], y)) * frame.height];
}
