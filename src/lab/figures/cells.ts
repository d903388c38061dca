/** Cells in rows, as a page of hex or a map of blocks: what is equally large and comes in an order, with colours for what it is. */
import { ParameterError } from '../../core/errors.ts';
import { type Box, type BoxKey, boxKeys, drawBox } from './box.ts';
import { drawKey, keyHeight } from './key.ts';
import {
  checkedWidth,
  draw,
  drawHead,
  type FigureOptions,
  finish,
  headHeight,
  INK,
  newDrawing,
  textWidth,
} from './theme.ts';

export interface CellsFigureOptions extends FigureOptions {
  /** Cells in a row. */
  perRow: number;
  /** What stands to the left of a row: of the number of its first cell. Default: nothing. */
  rowLabel?: (first: number) => string;
  key?: readonly BoxKey[];
}

/** As wide as the figure allows; never wider than a cell of hex needs. */
export function cellsFigure(cells: readonly Box[], options: CellsFigureOptions): string {
  const { perRow, rowLabel = () => '', key = [], title, subtitle } = options;
  if (cells.length === 0) throw new ParameterError({ parameter: 'cells', got: 'none', want: 'at least one' });
  if (!Number.isInteger(perRow) || perRow < 1) {
    throw new ParameterError({ parameter: 'perRow', got: perRow, want: 'a whole number from 1' });
  }
  const width = checkedWidth(options.width, 640);
  const rows = Array.from({ length: Math.ceil(cells.length / perRow) }, (_, row) => row * perRow);
  const labels = rows.map(rowLabel);
  const left = MARGIN_PX + Math.max(0, ...labels.map((label) => (label ? textWidth(label, LABEL_PX) + 10 : 0)));
  const side = Math.min((width - left - MARGIN_PX) / perRow, MOST_PX);
  const high = Math.min(Math.max(side, LEAST_PX), ROW_PX);
  const top = headHeight(options) + 18;
  const bottom = top + rows.length * high + 8;
  const keys = boxKeys(key);
  const height = bottom + (keys.length > 0 ? keyHeight(keys, width) : 4);
  const label = [title, subtitle].filter(Boolean).join(': ') || `${cells.length} cells`;
  const svg = newDrawing({ width, height, label });
  drawHead(svg, options);
  for (const [i, first] of rows.entries()) {
    const y = top + i * high;
    // Where rows are low, every second or third says where it is.
    if (labels[i] && i % Math.ceil(LABEL_LINE_PX / high) === 0) {
      const at = { x: left - 10, y: y + high / 2 + LABEL_PX * 0.36, 'text-anchor': 'end' };
      draw(svg, 'text', { ...at, fill: INK.muted, 'font-size': LABEL_PX }, labels[i]);
    }
    for (const { from, length, box } of runsOf(cells.slice(first, first + perRow))) {
      drawBox(svg, { x: left + from * side, y, width: length * side - 1, height: high - 1 }, box);
    }
  }
  if (keys.length > 0) drawKey(svg, keys, width, bottom);
  return finish(svg);
}

const MARGIN_PX = 16;
const LABEL_PX = 11;
const LABEL_LINE_PX = 14;
const MOST_PX = 26;
const ROW_PX = 19;
const LEAST_PX = 7;

/** Neighbours that look alike and say nothing become one box: a map of thousands of cells stays small. */
function runsOf(cells: readonly Box[]): { from: number; length: number; box: Box }[] {
  const runs: { from: number; length: number; box: Box }[] = [];
  for (const [i, box] of cells.entries()) {
    const last = runs.at(-1);
    const same = last && last.box.color === box.color && (last.box.lit ?? false) === (box.lit ?? false);
    if (same && box.text === undefined && last.box.text === undefined) last.length++;
    else runs.push({ from: i, length: 1, box });
  }
  return runs;
}
