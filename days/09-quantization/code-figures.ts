/** The day's pictures of codes: k-means step by step, grids that books make, distances to what is rounded, directions of signs. */
import { formatCount, type Panel, type PanelLine, panelsFigure } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { gridOf, turned } from './measure.ts';
import { type Clustering, type Codebooks, centroid, decodeScalar, encodeScalar, nearest } from './solution.ts';

type Points = readonly Float32Array[];

/** Points whose components are rounded in one range for all, to more and more bits; the nearest to the query, by codes and in truth. */
export function roundedFigure(
  points: Points,
  { query, bits }: { query: Float32Array; bits: readonly number[] },
): string {
  const all = points.flatMap((point) => Array.from(point));
  const range = { lo: Math.min(...all), hi: Math.max(...all) };
  const truth = nearest(query, points).index;
  const panels = bits.map((b): Panel => {
    const places = points.map((point) => decodeScalar(encodeScalar(point, b, range)));
    const levels = Array.from({ length: 2 ** b }, (_, i) => range.lo + (i * (range.hi - range.lo)) / (2 ** b - 1));
    const { distance } = nearest(query, places);
    const found = places.flatMap((place, i) => (l2(query, place) === distance ? [i] : []));
    return {
      title: `${b} ${b === 1 ? 'bit' : 'bits'} a component`,
      note: `nearest: ${foundText(found, truth)}`,
      lines: [
        ...levels.flatMap((level) => [
          { from: [level, -99], to: [level, 99], dashed: true },
          { from: [-99, level], to: [99, level], dashed: true },
        ]),
        ...points.map((from, i) => ({ from, to: places[i], color: 0 })),
      ],
      marks: [
        ...points.map((at, i) => ({ at, color: i === truth ? 2 : 0, radius: i === truth ? 6 : 4, hollow: true })),
        ...places.map((at) => ({ at, color: 0, shape: 'square' as const, radius: 4 })),
        { at: places[found[0]], color: 2, shape: 'square', radius: 4.5 },
        { at: query, color: 1, shape: 'star' },
      ],
    };
  });
  return panelsFigure(panels, {
    title: 'Twelve points, and where their codes put them',
    subtitle:
      'Rings: the points. Squares: what their codes stand for. Star: the query. Green: the nearest to it, of either',
  });
}

/** Several codes may be in one place: which of them is nearest, they cannot say. */
function foundText(found: readonly number[], truth: number): string {
  if (!found.includes(truth)) return 'another one';
  const others = found.length - 1;
  return `the true one${others === 0 ? '' : `, with ${others} ${others === 1 ? 'other' : 'others'}`}`;
}

/** Some of the steps of k-means, by number from 0: the cells of the centroids, who is in them, and where the centroids move. */
export function stepsFigure(
  points: Points,
  { steps }: Clustering,
  { title, subtitle, shown }: { title: string; subtitle?: string; shown: readonly number[] },
): string {
  const panels = shown.map((i): Panel => {
    const { from, assignments, inertia, centroids } = steps[i];
    const moves = from.flatMap((start, c): PanelLine[] => {
      return l2(start, centroids[c]) < 0.02 ? [] : [{ from: start, to: centroids[c], color: c, arrow: true }];
    });
    return {
      title:
        i === 0 ? 'Step 1, from the start' : i === steps.length - 1 ? `Step ${i + 1}: nothing moves` : `Step ${i + 1}`,
      note: `inertia ${formatCount(Math.round(inertia))}`,
      points: points.map((at, p) => ({ at, color: assignments[p] })),
      cells: { sites: from },
      marks: from.map((at, c) => ({ at, color: c, radius: 7 })),
      lines: moves,
    };
  });
  return panelsFigure(panels, { title, ...(subtitle && { subtitle }) });
}

/** Two clusterings of the same points, at their beginning and at their end. */
export function startsFigure(points: Points, starts: readonly { name: string; clustering: Clustering }[]): string {
  const panels = starts.flatMap(({ name, clustering: { steps } }) =>
    [0, steps.length - 1].map((i): Panel => {
      const { from, assignments, inertia } = steps[i];
      return {
        title: i === 0 ? `${name}: the start` : `${name}: the end, after ${steps.length} steps`,
        note: `inertia ${formatCount(Math.round(inertia))}`,
        points: points.map((at, p) => ({ at, color: assignments[p] })),
        cells: { sites: from },
        marks: from.map((at, c) => ({ at, color: c, radius: 7 })),
      };
    }),
  );
  return panelsFigure(panels, { title: 'Where k-means begins decides where it ends', perRow: 2 });
}

/** Before and after a step in which somebody has no points. */
export function emptyFigure(points: Points, { steps }: Clustering): string {
  const shownSteps = steps.slice(0, 2);
  const panels = shownSteps.map(({ from, assignments, inertia }, i): Panel => {
    const empty = [...from.keys()].filter((c) => !assignments.includes(c));
    return {
      title: i === 0 ? 'A centroid that is nobody’s nearest' : 'One step later',
      note: `inertia ${formatCount(Math.round(inertia))}`,
      points: points.map((at, p) => ({ at, color: assignments[p] })),
      cells: { sites: from },
      marks: from.map((at, c) => ({ at, color: c, radius: 7, hollow: empty.includes(c) })),
      labels: empty.map((c) => ({ at: from[c], words: 'empty' })),
    };
  });
  return panelsFigure(panels, { title: 'An empty cluster moves to the point that is farthest from its centroid' });
}

/** The grid that two books of one component make, with their centroids on the axes; and one vector with its code. */
export function gridFigure(points: Points, trained: Codebooks, example: Float32Array): string {
  const books = inOrder(trained);
  const [low, high] = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])) - 0.8 - axis * 0.1);
  const stored = Array.from({ length: books.k }, (_, c) => c).flatMap((c) => [
    { at: [centroid(books, 0, c)[0], high], color: 0 },
    { at: [low, centroid(books, 1, c)[0]], color: 1 },
  ]);
  const grid = gridOf(books);
  const dots = points.map((at) => ({ at }));
  const code = [0, 1].map((j) => centroidNumber(books, j, example[j]));
  const stands = [centroid(books, 0, code[0])[0], centroid(books, 1, code[1])[0]];
  return panelsFigure(
    [
      {
        title: `Stored: 2 books of ${books.k}`,
        note: `${2 * books.k} numbers`,
        points: dots,
        marks: stored,
        lines: Array.from({ length: books.k }, (_, c) => c).flatMap((c) => [
          { from: [centroid(books, 0, c)[0], -99], to: [centroid(books, 0, c)[0], 99], color: 0, dashed: true },
          { from: [-99, centroid(books, 1, c)[0]], to: [99, centroid(books, 1, c)[0]], color: 1, dashed: true },
        ]),
      },
      {
        title: `Told apart: ${books.k}² places`,
        note: 'every crossing, with a cell each',
        points: dots,
        cells: { sites: grid, plain: true },
        marks: grid.map((at) => ({ at, color: 2, shape: 'square', radius: 4.5 })),
      },
      {
        title: `A vector and its code: ${code.join(', ')}`,
        note: `(${texts(example)}) becomes (${texts(stands)})`,
        points: dots,
        cells: { sites: grid, plain: true },
        marks: [
          { at: [stands[0], high], color: 0 },
          { at: [low, stands[1]], color: 1 },
          { at: stands, color: 2, shape: 'square', radius: 5.5 },
          { at: example, color: 6, shape: 'diamond' },
        ],
        lines: [
          { from: [stands[0], high], to: stands, color: 0, dashed: true },
          { from: [low, stands[1]], to: stands, color: 1, dashed: true },
        ],
      },
    ],
    {
      title: 'Two books of four centroids stand for sixteen',
      subtitle: 'A centroid’s number in its book: from 0, here from the left and from below',
    },
  );
}

/** Books of single components, smallest first: the numbers of centroids mean nothing, and these can be read off the axes. */
function inOrder(books: Codebooks): Codebooks {
  const axis = (j: number) => Array.from({ length: books.k }, (_, c) => centroid(books, j, c)[0]).sort((a, b) => a - b);
  return { ...books, centroids: Float32Array.from([...axis(0), ...axis(1)]) };
}

function centroidNumber(books: Codebooks, j: number, value: number): number {
  const book = Array.from({ length: books.k }, (_, c) => centroid(books, j, c));
  return nearest(Float32Array.of(value), book).index;
}

function texts(values: ArrayLike<number>): string {
  return Array.from(values, (value) => value.toFixed(1)).join(', ');
}

/** The same distance three times: as it is, with the vector rounded, and with both. */
export function asymmetryFigure(points: Points, books: Codebooks, query: Float32Array, vector: Float32Array): string {
  const grid = gridOf(books);
  const [roundedQuery, roundedVector] = [query, vector].map((x) => grid[nearest(x, grid).index]);
  const cells = { sites: grid, plain: true };
  const dots = points.map((at) => ({ at }));
  const panel = (title: string, from: Float32Array, to: Float32Array): Panel => ({
    title,
    note: `distance ${Math.sqrt(l2(from, to)).toFixed(2)}`,
    points: dots,
    cells,
    marks: [
      ...[roundedQuery, roundedVector].map((at) => ({ at, color: 2, shape: 'square' as const, radius: 4.5 })),
      { at: query, color: 1, shape: 'star', hollow: from !== query },
      { at: vector, color: 6, shape: 'diamond', hollow: to !== vector },
    ],
    lines: [{ from, to, color: from === query && to === vector ? 6 : 2, dashed: false }],
  });
  return panelsFigure(
    [
      panel('Exact: query to vector', query, vector),
      panel('Asymmetric: query to code', query, roundedVector),
      panel('Symmetric: code to code', roundedQuery, roundedVector),
    ],
    {
      title: 'What is rounded',
      subtitle: 'Star: the query. Diamond: a vector. Squares: what their codes stand for. Line: what is measured',
    },
  );
}

/** Turned blocks and the grid that fits them, before and after they are turned back. */
export function turnedFigure(
  points: Points,
  found: readonly { degrees: number; error: number; books: Codebooks }[],
): string {
  return panelsFigure(
    found.map(({ degrees, error, books }): Panel => {
      const grid = gridOf(books);
      return {
        title: degrees === 0 ? 'As they came' : `Turned by ${degrees}° first`,
        note: `mean squared error ${error.toFixed(3)}`,
        points: points.map((point) => ({ at: turned(point, degrees) })),
        cells: { sites: grid, plain: true },
        marks: grid.map((at) => ({ at, color: 2, shape: 'square', radius: 4.5 })),
      };
    }),
    { title: 'OPQ: turn the vectors so that the pieces have little to do with each other', perRow: 2 },
  );
}

/** The directions that so many bits a component can say: every point of a grid, seen from its middle, and the grid turned by chance. */
export function directionsFigure(bitsShown: readonly number[], degrees: number, vector: Float32Array): string {
  const circle = Array.from({ length: 73 }, (_, i) => turned([1, 0], 5 * i));
  const panels = bitsShown.map((bits): Panel => {
    const top = 2 ** bits - 1;
    const steps = Array.from({ length: 2 ** bits }, (_, u) => (2 * u - top) / top);
    const grid = steps.flatMap((x) => steps.map((y) => turned([x, y], degrees)));
    const toCircle = ([x, y]: Float32Array) => Float32Array.of(x / Math.hypot(x, y), y / Math.hypot(x, y));
    const directions = grid.map(toCircle);
    const best = nearest(vector, directions).index;
    const apart = new Set(directions.map((one) => one.map((value) => Math.round(value * 1e4)).join())).size;
    const off = (Math.acos(directions[best][0] * vector[0] + directions[best][1] * vector[1]) * 180) / Math.PI;
    return {
      title: `${bits} ${bits === 1 ? 'bit' : 'bits'} a component`,
      note: `${apart} directions; this vector is ${off.toFixed(0)}° off`,
      lines: [
        ...circle.slice(1).map((to, i) => ({ from: circle[i], to })),
        { from: [0, 0], to: vector, color: 6, arrow: true },
        { from: [0, 0], to: directions[best], color: 2, arrow: true },
      ],
      points: directions.map((at) => ({ at, color: 2 })),
      marks: [
        ...grid.map((at) => ({ at, shape: 'square' as const, hollow: true, radius: 3 })),
        { at: grid[best], color: 2, shape: 'square' as const, radius: 4.5 },
      ],
    };
  });
  return panelsFigure(panels, {
    title: 'A grid, turned by chance, seen from its middle: its points are directions',
    subtitle: 'Violet: a vector of length 1. Green: the nearest direction, and its grid point, which is the code',
  });
}
