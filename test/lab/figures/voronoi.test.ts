import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Corner, framed, voronoiCells } from '../../../src/lab/figures/voronoi.ts';

const FRAME: { x: [number, number]; y: [number, number] } = { x: [-10, 10], y: [-10, 10] };
const place = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
const area = (cell: readonly Corner[]) =>
  Math.abs(
    cell.reduce((sum, [x, y], i) => sum + x * cell[(i + 1) % cell.length][1] - y * cell[(i + 1) % cell.length][0], 0),
  ) / 2;

describe('voronoiCells', () => {
  it('gives a lone site the whole frame, and two the halves', () => {
    expect(voronoiCells([[3, 4]], FRAME).map(area)).toEqual([400]);
    const [left, right] = voronoiCells(
      [
        [-4, 0],
        [2, 0],
      ],
      FRAME,
    );
    expect(left.map(([x]) => x).sort((a, b) => a - b)).toEqual([-10, -10, -1, -1]);
    expect(right.map(([x]) => x).sort((a, b) => a - b)).toEqual([-1, -1, 10, 10]);
  });

  it('cuts the frame into cells without gap or overlap, whose corners are nearest to their own site', () => {
    fc.assert(
      fc.property(fc.uniqueArray(place, { minLength: 1, maxLength: 9, selector: String }), (sites) => {
        const cells = voronoiCells(sites, FRAME);
        expect(cells.reduce((sum, cell) => sum + area(cell), 0)).toBeCloseTo(400, 6);
        for (const [i, cell] of cells.entries()) {
          for (const [x, y] of cell) {
            const distances = sites.map((site) => Math.hypot(site[0] - x, site[1] - y));
            expect(distances[i]).toBeLessThanOrEqual(Math.min(...distances) + 1e-9);
          }
        }
      }),
      { seed: 9 },
    );
  });

  it('leaves all but the first of equal sites without a cell', () => {
    const cells = voronoiCells(
      [
        [1, 1],
        [1, 1],
        [5, 5],
      ],
      FRAME,
    );
    expect(cells.map(({ length }) => length > 0)).toEqual([true, false, true]);
  });
});

describe('framed', () => {
  it('leaves an outline within the frame as it is, cuts one that leaves it, and drops one outside', () => {
    const square = (from: number, to: number): Corner[] => [
      [from, from],
      [to, from],
      [to, to],
      [from, to],
    ];
    expect(framed(square(-3, 4), FRAME)).toEqual(square(-3, 4));
    expect(area(framed(square(5, 1000), FRAME))).toBeCloseTo(25, 9);
    expect(area(framed(square(-1000, 1000), FRAME))).toBeCloseTo(400, 9);
    expect(framed(square(11, 20), FRAME)).toEqual([]);
  });
});
