import { describe, expect, it } from 'vitest';
import { type Shape, shapePath } from '../../../src/lab/figures/shapes.ts';

const SHAPES: Shape[] = ['circle', 'square', 'diamond', 'triangle', 'star', 'hexagon', 'plus'];

describe('shapePath', () => {
  it('draws seven different closed outlines', () => {
    const paths = SHAPES.map((shape) => shapePath(shape, 5, [10, 20]));
    expect(new Set(paths).size).toBe(SHAPES.length);
    for (const path of paths) expect(path).toMatch(/^M[\d.]+ [\d.]+.*z$/);
  });

  it.each(SHAPES.filter((shape) => shape !== 'circle' && shape !== 'plus'))(
    'puts a %s around its middle, its corners at most half as far again as the circle',
    (shape) => {
      const corners = [...shapePath(shape, 10, [100, 50]).matchAll(/([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [+x, +y]);
      const mean = (axis: 0 | 1) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length;
      expect(mean(0)).toBeCloseTo(100, 0);
      expect(mean(1)).toBeCloseTo(50, 0);
      for (const [x, y] of corners) expect(Math.hypot(x - 100, y - 50)).toBeLessThanOrEqual(15.1);
    },
  );
});
