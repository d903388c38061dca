/** A day's curves: work against recall of the learner's code, the reference and the engine, over the line of exact search. */
import { ParameterError } from '../../core/errors.ts';
import { formatShort } from '../format.ts';
import type { WorkPoint } from '../work-curve.ts';
import { lineFigure, type Series } from './line.ts';
import type { FigureOptions } from './theme.ts';

export interface CurveFigureOptions extends FigureOptions {
  /** Absent while the exercise is not done. */
  learner?: readonly WorkPoint[] | undefined;
  reference: readonly WorkPoint[];
  engine?: readonly WorkPoint[] | undefined;
  /** Others to compare with, such as yesterday's; `color`: which of the palette, where one is to be the same in several figures. */
  more?: readonly { label: string; points: readonly WorkPoint[]; color?: number }[];
  /** Distances that exact search evaluates: the number of vectors. */
  exact: number;
  /** For the axis: recall@k. Default 10. */
  k?: number;
}

/** Lines for recall against distance evaluations per query; down and to the right is better. */
export function curveFigure(options: CurveFigureOptions): string {
  const { learner, reference, engine, more = [], exact, k = 10, ...rest } = options;
  const curves: Curve[] = [
    // Broad under the learner's, which should lie on it.
    { label: 'reference', points: reference, color: 0, broad: learner !== undefined },
    ...more.map((one, i) => ({ ...one, color: one.color ?? OTHERS[i % OTHERS.length] })),
    ...(engine ? [{ label: 'engine', points: engine, color: 2 }] : []),
    ...(learner ? [{ label: 'yours', points: learner, color: 1 }] : []),
  ];
  const empty = curves.find(({ points }) => points.length === 0);
  if (empty) {
    throw new ParameterError({
      parameter: empty.label,
      got: 'no points',
      want: 'a curve from workCurve, or leave it out',
    });
  }
  const closest = closestOf(curves.flatMap(({ points }) => points.map(({ recall }) => recall)));
  return lineFigure({
    title: 'Work at a given recall',
    ...rest,
    x: { label: `Recall@${k}, more accurate →`, scale: 'recall', ...(closest !== undefined && { closest }) },
    y: { label: '↑ Distance evaluations per query', scale: 'log' },
    series: curves.map(({ label, points, color, broad = false }: Curve): Series => {
      const drawn = upToPerfect(points).map((point) => ({
        x: point.recall,
        y: point.distances,
        note: `ef ${point.ef}`,
      }));
      return { label, color, broad, points: drawn };
    }),
    levels: [{ y: exact, label: `exact: ${formatShort(exact)}` }],
  });
}

interface Curve {
  label: string;
  points: readonly WorkPoint[];
  color: number;
  broad?: boolean;
}

/** Purple, sky, violet, orange: what is neither the reference's, the learner's nor the engine's. */
const OTHERS = [3, 5, 6, 4];

/** A search that has found everything only works more from there on. */
function upToPerfect(points: readonly WorkPoint[]): readonly WorkPoint[] {
  const perfect = points.findIndex(({ recall }) => recall === 1);
  return perfect < 0 ? points : points.slice(0, perfect + 1);
}

/** Where recall 1 lies, which would be infinitely far away: a third of the errors of the best that is not perfect. */
function closestOf(recalls: readonly number[]): number | undefined {
  if (!recalls.includes(1)) return undefined;
  const best = Math.max(0.9, ...recalls.filter((recall) => recall < 1));
  return Number((1 - (1 - best) / 3).toPrecision(12));
}
