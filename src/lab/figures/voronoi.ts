/** Voronoi cells: the part of the plane that is nearer to one site than to any other, cut off at a frame. */
import type { Extent } from './plane.ts';

export type Corner = readonly [x: number, y: number];

/** For every site its cell's corners in order, as an outline; without corners where it has none, as all but the first of equal sites. */
export function voronoiCells(sites: readonly ArrayLike<number>[], { x, y }: Extent): Corner[][] {
  return sites.map((site, i) => {
    const twin = sites.findIndex((other) => other[0] === site[0] && other[1] === site[1]);
    if (twin < i) return [];
    let cell: Corner[] = [
      [x[0], y[0]],
      [x[1], y[0]],
      [x[1], y[1]],
      [x[0], y[1]],
    ];
    for (const other of sites) cell = nearerTo(site, other, cell);
    return cell;
  });
}

/** The part of an outline that lies within a frame, as an outline. */
export function framed(outline: readonly Corner[], { x, y }: Extent): Corner[] {
  const sides: ((corner: Corner) => number)[] = [
    ([cx]) => x[0] - cx,
    ([cx]) => cx - x[1],
    ([, cy]) => y[0] - cy,
    ([, cy]) => cy - y[1],
  ];
  return sides.reduce<Corner[]>((rest, beyond) => cut(rest, beyond), [...outline]);
}

/** The part of an outline that is nearer to `site` than to `other`. */
function nearerTo(site: ArrayLike<number>, other: ArrayLike<number>, outline: readonly Corner[]): Corner[] {
  const [dx, dy] = [other[0] - site[0], other[1] - site[1]];
  if (dx === 0 && dy === 0) return [...outline];
  const middle = ((site[0] + other[0]) * dx + (site[1] + other[1]) * dy) / 2;
  return cut(outline, (corner) => corner[0] * dx + corner[1] * dy - middle);
}

/** What is left of a convex outline where `beyond`, which grows evenly in one direction, is not positive (Sutherland & Hodgman). */
function cut(outline: readonly Corner[], beyond: (corner: Corner) => number): Corner[] {
  return outline.flatMap((corner, i): Corner[] => {
    const next = outline[(i + 1) % outline.length];
    const [here, there] = [beyond(corner), beyond(next)];
    const kept: Corner[] = here <= 0 ? [corner] : [];
    if (here < 0 === there < 0 || here === 0 || there === 0) return kept;
    const share = here / (here - there);
    return [...kept, [corner[0] + share * (next[0] - corner[0]), corner[1] + share * (next[1] - corner[1])]];
  });
}
