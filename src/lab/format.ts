/** Numbers as people read them: in tables, on axes, in reports and beside progress bars. */

/** 60,000 */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Microseconds: 17.5, then 253, then 3,226. */
export function formatMicros(us: number): string {
  return us < 99.95 ? us.toFixed(1) : formatCount(us);
}

/** 0.9 ms, 45 ms, 1.2 s */
export function formatMillis(ms: number): string {
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : ms < 999.5 ? `${Math.round(ms)} ms` : formatSeconds(ms / 1000);
}

/** 8.3 s, 84 s, 3 min 12 s */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 90 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}

/** 512 B, 64 KiB, 179 MiB, 23.5 GiB */
export function formatBytes(bytes: number): string {
  if (bytes >= 0.9995 * 2 ** 30) return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  if (bytes >= 0.9995 * 2 ** 20) return `${formatCount(bytes / 2 ** 20)} MiB`;
  return bytes >= 2 ** 10 ? `${formatCount(bytes / 2 ** 10)} KiB` : `${formatCount(bytes)} B`;
}

/** 0.25, 310, 3,200, 18k, 3.4M: two digits that matter, short enough for a tick. */
export function formatShort(value: number): string {
  if (value >= 999_500) return `${Number((value / 1e6).toPrecision(2))}M`;
  if (value >= 9_950) return `${Number((value / 1e3).toPrecision(value >= 99_500 ? 3 : 2))}k`;
  return Number(value.toPrecision(2)).toLocaleString('en-US', { maximumFractionDigits: 20 });
}

/** Columns set apart by two spaces, numbers to the right, those listed in `words` to the left; null is an empty line. */
export function formatTable(
  heads: readonly string[],
  rows: readonly (readonly string[] | null)[],
  { words = [0] }: { words?: readonly number[] } = {},
): string {
  const filled = rows.filter((row) => row !== null);
  const widths = heads.map((head, i) => Math.max(head.length, ...filled.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (words.includes(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [line(heads), rule, ...rows.map((row) => (row === null ? '' : line(row)))].join('\n');
}
