/**
 * Showing in a notebook: figures as images and tables as HTML, through tslab's `display`. A figure goes as a data address,
 * because notebooks that are not trusted, and pages made from them, strip inline SVG.
 *
 * tslab is no package that the lab depends on: its kernel leaves a `require` of its own in `globalThis.__tslab__`.
 */
import { AnnError } from '../core/errors.ts';
import { toDataUri } from './figures.ts';
import { escapeHtml } from './report.ts';

export interface ShowOptions {
  /** What the figure shows, for those who cannot see it: a sentence. */
  alt: string;
  /** In CSS pixels; never wider than the page. Default: the figure's own. */
  width?: number;
}

/** Displays a figure (SVG) below the cell. Throws outside of a notebook. */
export function show(svg: string, options: ShowOptions): void {
  display().html(imageHtml(svg, options));
}

/** Displays a table below the cell: HTML (`tableHtml`, `benchTable`, `milestoneTable`) or markdown. Throws outside of a notebook. */
export function showTable(table: string): void {
  if (table.trimStart().startsWith('<')) display().html(table);
  else display().markdown(table);
}

/** A figure as an `<img>` that needs nothing else. */
export function imageHtml(svg: string, { alt, width }: ShowOptions): string {
  const sized = width === undefined ? '' : ` width="${width}"`;
  return `<img src="${toDataUri(svg)}" alt="${escapeHtml(alt)}"${sized} style="max-width: 100%; height: auto">`;
}

/** Outside of a notebook there is nowhere to show anything. */
export class NotebookError extends AnnError {
  constructor() {
    super(
      'NOT_A_NOTEBOOK',
      'show: there is no notebook here: call it in a cell of the annlab kernel ("npm run lab"), or write the SVG to a file',
    );
  }
}

/** What is used of tslab's display. */
interface Display {
  html(html: string): void;
  markdown(markdown: string): void;
}

function display(): Display {
  const { __tslab__: tslab } = globalThis as { __tslab__?: { require: (id: string) => { display: Display } } };
  if (tslab === undefined) throw new NotebookError();
  return tslab.require('tslab').display;
}
