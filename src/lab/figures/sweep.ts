/** The curves of a sweep: speed, latency and work against recall, with the exact search beside them. */
import { formatShort } from '../format.ts';
import { type SweepRow, seriesLabel, seriesOf, settingLabel } from '../sweep.ts';
import type { Axis } from './axis.ts';
import { lineFigure } from './line.ts';
import type { FigureOptions } from './theme.ts';

/** Recall against queries per second, one line per index, and the exact search's speed as a line across. */
export function recallQpsFigure(rows: readonly SweepRow[], options: FigureOptions = {}): string {
  // On a phone a long name would take the room of the curves.
  const narrow = (options.width ?? 640) < 500;
  const nameOf = (row: SweepRow) => (narrow && row.from ? `from ${row.from}` : seriesLabel(row));
  return lineFigure({
    title: 'Speed at a given recall',
    ...options,
    x: recallAxis(rows),
    y: { label: '↑ Queries per second, one thread', scale: 'log' },
    series: approximate(rows).map((series) => ({
      label: nameOf(series[0]),
      points: series.map((row) => ({ x: row.recall, y: row.qps, note: settingLabel(row) })),
    })),
    levels: exact(rows).map((row) => ({ y: row.qps, label: `exact: ${formatShort(row.qps)}/s` })),
  });
}

/** Recall against latency: the mean as a line with dots, the slowest hundredth (p99) dashed above it. */
export function recallLatencyFigure(rows: readonly SweepRow[], options: FigureOptions = {}): string {
  return lineFigure({
    title: 'Latency at a given recall',
    ...options,
    x: recallAxis(rows),
    y: { label: '↑ Microseconds per query', scale: 'log' },
    series: approximate(rows).flatMap((series, color) => [
      {
        label: `${seriesLabel(series[0])}, mean`,
        color,
        points: series.map((row) => ({ x: row.recall, y: row.meanUs })),
      },
      {
        label: `${seriesLabel(series[0])}, p99`,
        color,
        dashed: true,
        points: series.map((row) => ({ x: row.recall, y: row.p99Us })),
      },
    ]),
    levels: exact(rows).map((row) => ({ y: row.meanUs, label: `exact: ${shortTime(row.meanUs)}` })),
  });
}

/** Recall against work: distance evaluations per query, the same on every machine. */
export function recallDistancesFigure(rows: readonly SweepRow[], options: FigureOptions = {}): string {
  return lineFigure({
    title: 'Work at a given recall',
    ...options,
    x: recallAxis(rows),
    y: { label: '↑ Distance evaluations per query', scale: 'log' },
    series: approximate(rows)
      .filter((series) => series.every((row) => row.distances !== null))
      .map((series) => ({
        label: seriesLabel(series[0]),
        points: series.map((row) => ({ x: row.recall, y: row.distances!, note: settingLabel(row) })),
      })),
    levels: exact(rows)
      .filter((row) => row.distances !== null)
      .map((row) => ({ y: row.distances!, label: `exact: ${formatShort(row.distances!)}` })),
  });
}

function approximate(rows: readonly SweepRow[]): SweepRow[][] {
  return seriesOf(rows.filter((row) => row.efSearch !== null));
}

function exact(rows: readonly SweepRow[]): SweepRow[] {
  return rows.filter((row) => row.efSearch === null);
}

function shortTime(us: number): string {
  return us < 9_950 ? `${formatShort(us)} µs` : `${formatShort(us / 1000)} ms`;
}

function recallAxis(rows: readonly SweepRow[]): Axis {
  return { label: `Recall@${rows[0]?.k ?? 10}, more accurate →`, scale: 'recall' };
}
