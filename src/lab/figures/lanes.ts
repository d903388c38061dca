/**
 * How a sum is split up: which partial sum each component is added to, and when at the earliest. Time runs to the right in
 * additions that wait for one another; what stands in one column may happen at the same time. So a figure's width is what it
 * costs.
 */
import { ParameterError } from '../../core/errors.ts';
import {
  BLUE,
  draw,
  drawHead,
  type FigureOptions,
  finish,
  GREEN,
  headHeight,
  INK,
  LEVEL_INK,
  newDrawing,
  PURPLE,
  VERMILLION,
} from './theme.ts';

/** How components are dealt out: `lanes` at once, to `sums` sums that take turns. Both are powers of two. */
export interface Deal {
  title: string;
  lanes: number;
  sums: number;
}

/** One panel for each way to add up `n` components. As wide as the components need. */
export function lanesFigure(
  n: number,
  deals: readonly Deal[],
  options: Pick<FigureOptions, 'title' | 'subtitle'> = {},
): string {
  for (const { lanes, sums } of deals) {
    checkPowerOfTwo('lanes', lanes);
    checkPowerOfTwo('sums', sums);
  }
  const width = LEFT_PX + n * CELL_PX + 16;
  const height = deals.reduce((sum, deal) => sum + panelHeight(deal), headHeight(options) + 22);
  const label = [options.title, options.subtitle].filter(Boolean).join(': ') || `${n} components added up`;
  const svg = newDrawing({ width, height, label });
  drawHead(svg, options);
  let top = headHeight(options) + 22;
  for (const deal of deals) {
    drawPanel(svg, top, n, deal);
    top += panelHeight(deal);
  }
  return finish(svg);
}

/** Additions that wait for one another: of the components, of the sums and lanes put together, of the tail. */
export function columnsOf(
  n: number,
  { lanes, sums }: Pick<Deal, 'lanes' | 'sums'>,
): { blocks: number; merge: number; tail: number } {
  const block = lanes * sums;
  return { blocks: Math.floor(n / block), merge: Math.log2(block), tail: n % block };
}

const CELL_PX = 14;
const LEFT_PX = 40;
const TITLE_PX = 20;
const PANEL_GAP_PX = 16;
/** The darker shades: components are written on them in the colour of the paper. */
const SUM_INKS = [BLUE, VERMILLION, GREEN, PURPLE].map(({ text }) => text);
const TAIL_INK = LEVEL_INK.text;

const inkOf = (sum: number) => SUM_INKS[sum % SUM_INKS.length];
const panelHeight = ({ lanes, sums }: Deal) => TITLE_PX + lanes * sums * CELL_PX + PANEL_GAP_PX;

function drawPanel(svg: Element, top: number, n: number, deal: Deal): void {
  const { lanes, sums } = deal;
  const { blocks, merge, tail } = columnsOf(n, deal);
  const block = lanes * sums;
  const at = top + TITLE_PX;
  const middle = at + ((block - 1) / 2) * CELL_PX;
  const start = { x: 16, 'text-anchor': 'start' };
  const title = `${deal.title}: ${blocks + merge + tail} additions wait for one another`;
  draw(svg, 'text', { ...start, y: top + 11, fill: INK.text, 'font-size': 12, 'font-weight': 600 }, title);
  for (let sum = 0; sum < sums; sum++) {
    const y = at + (sum * lanes + lanes / 2) * CELL_PX + 4;
    draw(svg, 'text', { ...start, y, fill: inkOf(sum), 'font-size': 11 }, sums > 1 ? `s${sum}` : 's');
  }
  for (let i = 0; i < blocks * block; i++) {
    const row = i % block;
    drawCell(svg, Math.floor(i / block), at + row * CELL_PX, i, inkOf(Math.floor(row / lanes)));
  }
  if (merge > 0) drawFunnel(svg, blocks, merge, at, block);
  for (let i = 0; i < tail; i++) drawCell(svg, blocks + merge + i, middle, blocks * block + i, TAIL_INK);
}

function drawCell(svg: Element, column: number, y: number, component: number, fill: string): void {
  const x = LEFT_PX + column * CELL_PX;
  const side = CELL_PX - 1;
  draw(svg, 'rect', { x, y, width: side, height: side, rx: 2, fill });
  const centred = { x: x + side / 2, y: y + 9.5, 'text-anchor': 'middle' };
  draw(svg, 'text', { ...centred, fill: INK.paper, 'font-size': 8 }, String(component));
}

/** All sums and lanes into one number. */
function drawFunnel(svg: Element, column: number, columns: number, top: number, rows: number): void {
  const x = LEFT_PX + column * CELL_PX + 1;
  const right = x + columns * CELL_PX - 3;
  const bottom = top + rows * CELL_PX - 1;
  const middle = (top + bottom) / 2;
  const mouth = CELL_PX / 2;
  draw(svg, 'polygon', {
    points: `${x},${top} ${x},${bottom} ${right},${middle + mouth} ${right},${middle - mouth}`,
    fill: INK.grid,
  });
  const centred = { x: (x + right) / 2 - 3, y: middle + 4, 'text-anchor': 'middle' };
  draw(svg, 'text', { ...centred, fill: INK.muted, 'font-size': 12 }, '+');
}

function checkPowerOfTwo(parameter: string, got: number): void {
  if (!Number.isInteger(Math.log2(got)) || got < 1)
    throw new ParameterError({ parameter, got, want: 'a power of two' });
}
