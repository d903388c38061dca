/** A sweep's rows as a person reads them in a terminal. */
import { formatBytes, formatCount, formatMicros, formatTable } from './format.ts';
import { paretoFront, qpsAtRecall, type SweepRow, seriesLabel, seriesOf } from './sweep.ts';

/** The rows as a table for the terminal, a gap between curves. */
export function rowsTable(rows: readonly SweepRow[]): string {
  const heads = [
    'index',
    'ef',
    `recall@${rows[0]?.k ?? 10}`,
    'QPS',
    'mean µs',
    'p50 µs',
    'p99 µs',
    'distances',
    'hops',
    'RAM',
  ];
  const lines = seriesOf(rows).flatMap((series, i) => [
    ...(i > 0 ? [null] : []),
    ...series.map((row) => [
      seriesLabel(row),
      row.efSearch === null ? 'exact' : String(row.efSearch),
      row.recall.toFixed(4),
      formatCount(row.qps),
      formatMicros(row.meanUs),
      formatMicros(row.p50Us),
      formatMicros(row.p99Us),
      row.distances === null ? '–' : formatCount(row.distances),
      row.hops === null || row.efSearch === null ? '–' : formatCount(row.hops),
      formatBytes(row.ramBytes),
    ]),
  ]);
  return formatTable(heads, lines);
}

/** What to remember of each curve, in a line: its speed at the usual recalls, or where it begins if that is above them. */
export function headlines(rows: readonly SweepRow[]): string[] {
  const exact = rows.find((row) => row.efSearch === null);
  return seriesOf(rows.filter((row) => row.efSearch !== null)).map((series) => {
    const first = paretoFront(series)[0];
    const recalls = [
      ...(first.recall > 0.9 ? [first.recall] : []),
      ...[0.9, 0.95, 0.99].filter((one) => one > first.recall),
    ];
    const speeds = recalls.flatMap((recall) => {
      const qps = qpsAtRecall(series, recall);
      return qps === null ? [] : [{ recall: Number(recall.toFixed(3)), qps }];
    });
    const label = seriesLabel(series[0]);
    const last = speeds.at(-1);
    if (!last) return `${label}: recall 0.9 is not reached: widen the sweep with --ef`;
    const told = speeds.map(({ recall, qps }) => `${formatCount(qps)} at recall ${recall}`).join(', ');
    const times = exact ? ` (${formatCount(last.qps / exact.qps)} times exact search)` : '';
    return `${label}: queries per second ${told}${times}`;
  });
}
