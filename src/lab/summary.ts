/** What was measured, as a person reads it in a terminal. */
import type { BatchRow } from './batches.ts';
import { formatBytes, formatCount, formatMicros, formatMillis, formatTable } from './format.ts';
import type { DiskRun } from './from-disk.ts';
import { paretoFront, qpsAtRecall, type SweepRow, seriesLabel, seriesOf, settingLabel } from './sweep.ts';

/** The rows as a table for the terminal, a gap between curves. */
export function rowsTable(rows: readonly SweepRow[]): string {
  const heads = [
    'index',
    'width',
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
      settingLabel(row),
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
      // As it is written below: one that begins at 0.9896 is not told twice for 0.99.
      ...[0.9, 0.95, 0.99].filter((one) => one > Math.max(first.recall, Number(first.recall.toFixed(3)))),
    ];
    const speeds = recalls.flatMap((recall) => {
      const qps = qpsAtRecall(series, recall);
      return qps === null ? [] : [{ recall: Number(recall.toFixed(3)), qps }];
    });
    const label = seriesLabel(series[0]);
    const last = speeds.at(-1);
    if (!last)
      return `${label}: recall 0.9 is not reached: widen the sweep with --${series[0].gamma === null ? 'ef' : 'gamma'}`;
    const told = speeds.map(({ recall, qps }) => `${formatCount(qps)} at recall ${recall}`).join(', ');
    const times = exact ? ` (${formatCount(last.qps / exact.qps)} times exact search)` : '';
    return `${label}: queries per second ${told}${times}`;
  });
}

/** Batches as a table under their size, a gap between indexes. */
export function batchesTable(batches: readonly BatchRow[]): string {
  const [{ k, threads, queries }] = batches;
  const heads = ['index', 'width', `recall@${k}`, 'QPS', 'on one', 'speed-up', 'p50 µs', 'p99 µs'];
  const lines = batches.flatMap((row, i) => [
    ...(i > 0 && seriesLabel(row) !== seriesLabel(batches[i - 1]) ? [null] : []),
    [
      ...[seriesLabel(row), settingLabel(row), row.recall.toFixed(4)],
      ...[formatCount(row.qps), formatCount(row.qpsOnOne), `${(row.qps / row.qpsOnOne).toFixed(2)}×`],
      ...[formatMicros(row.p50Us), formatMicros(row.p99Us)],
    ],
  ]);
  return `batches of ${formatCount(queries)} queries on ${threads} threads:\n\n${formatTable(heads, lines)}`;
}

/** How the index went through its file. */
export function diskLine(run: DiskRun): string {
  const { bytes, saveSeconds, openMs, firstQueryMs, mapped, residentBytes } = run;
  const resident =
    mapped && residentBytes !== undefined ? `; ${formatBytes(residentBytes)} in memory, all of it page cache` : '';
  return (
    `${seriesLabel({ ...run, from: 'disk' })}: ${formatBytes(bytes)}, saved in ${formatMillis(saveSeconds * 1000)}, ` +
    `${mapped ? 'mapped' : 'read (files cannot be mapped here)'} in ${formatMillis(openMs)}, ` +
    `first query ${formatMillis(firstQueryMs)}${resident}`
  );
}
