/** How the cost of a query grows with the set. */
import { lineFigure } from './line.ts';
import type { FigureOptions } from './theme.ts';

export type Cost = 'distances' | 'us';

/** What one query costs in a set of `n` vectors, at one recall: at least the cost that is drawn. */
export type GrowthPoint<Drawn extends Cost = Cost> = { series: string; n: number } & { [cost in Cost]?: number } & {
  [cost in Drawn]: number;
};

/** How cost grows with the number of vectors, on two logarithmic axes: linear search climbs a diagonal, a good graph does not. */
export function growthFigure<Drawn extends Cost>(
  points: readonly GrowthPoint<NoInfer<Drawn>>[],
  options: FigureOptions & { cost: Drawn },
): string {
  const { cost, ...rest } = options;
  const names = [...new Set(points.map((point) => point.series))];
  return lineFigure({
    title: cost === 'us' ? 'How time grows with the set' : 'How work grows with the set',
    ...rest,
    x: { label: 'Vectors in the set →', scale: 'log' },
    y: { label: cost === 'us' ? '↑ Microseconds per query' : '↑ Distance evaluations per query', scale: 'log' },
    series: names.map((label) => ({
      label,
      points: points.filter((point) => point.series === label).map((point) => ({ x: point.n, y: point[cost] })),
    })),
  });
}
