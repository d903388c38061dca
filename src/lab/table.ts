/** Tables as HTML that every notebook shows alike: no style sheet, which they strip, and nothing that needs escaping by hand. */
import { escapeHtml } from './report.ts';

/** Numbers, and columns that hold nothing but numbers and their units, stand to the right. */
export function tableHtml(
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  { caption }: { caption?: string } = {},
): string {
  const right = heads.map((_, i) => rows.length > 0 && rows.every((row) => NUMERIC.test(String(row[i] ?? ''))));
  const cell = (tag: string, content: string | number, i: number) =>
    `<${tag} align="${right[i] ? 'right' : 'left'}">${escapeHtml(String(content))}</${tag}>`;
  const line = (tag: string, cells: readonly (string | number)[]) =>
    `<tr>${cells.map((content, i) => cell(tag, content, i)).join('')}</tr>`;
  const below = caption === undefined ? '' : `<p><small>${escapeHtml(caption)}</small></p>`;
  return `<table><thead>${line('th', heads)}</thead><tbody>${rows.map((row) => line('td', row)).join('')}</tbody></table>${below}`;
}

/** `1,234`, `0.95`, `12.5 µs`, `8.0×`, `–` or nothing. */
const NUMERIC = /^([<≈~−-]?[\d,]+(\.\d+)?( ?(ns|µs|ms|s|×|%|[KMG]i?B|k|M|\/s))?|–|)$/;

export interface Milestone {
  /** What was to be reached, such as `8× the loop at 1024-D`. */
  target: string;
  measured: string | number;
  pass: boolean;
}

/** The sprint's own targets, measured; for `showTable`. */
export function milestoneTable(rows: readonly Milestone[]): string {
  return tableHtml(
    ['Milestone', 'Measured', ''],
    rows.map(({ target, measured, pass }) => [target, measured, pass ? '✓ reached' : '✗ not yet']),
  );
}
