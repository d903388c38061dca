/**
 * The plane several times over, in panels beside each other that share their scale: points, the cells of a few sites, marks, lines and
 * arrows. What changes from panel to panel is what the figure is about, such as the steps of k-means.
 */
import { ParameterError } from '../../core/errors.ts';
import { drawLabel } from './label.ts';
import { drawArrow } from './node-link.ts';
import { checkPlanar, type Extent, extentOf, type Frame, fit, type Place, shapeOf } from './plane.ts';
import { type Shape, shapePath } from './shapes.ts';
import {
  checkedWidth,
  draw,
  drawHead,
  type FigureOptions,
  finish,
  headHeight,
  INK,
  type Ink,
  newDrawing,
  PALETTE,
  round,
} from './theme.ts';
import { framed, voronoiCells } from './voronoi.ts';

/** Colours are numbers of the palette, counted on from its beginning where they are more; without one, grey. */
export interface PanelPoint {
  at: ArrayLike<number>;
  color?: number;
}

export interface PanelMark extends PanelPoint {
  /** Default: circle. */
  shape?: Shape;
  /** A ring rather than a disc. Default false. */
  hollow?: boolean;
  /** In pixels. Default 6. */
  radius?: number;
}

export interface PanelLine {
  from: ArrayLike<number>;
  to: ArrayLike<number>;
  color?: number;
  dashed?: boolean;
  /** With a head at `to`. Default false. */
  arrow?: boolean;
}

export interface PanelRegion {
  corners: readonly (readonly [x: number, y: number])[];
  color?: number;
}

export interface Panel {
  title: string;
  /** A few words below the title. */
  note?: string;
  /** Dots. */
  points?: readonly PanelPoint[];
  /** Sites whose Voronoi cells are laid under everything, pale: site i in colour i, or all alike where `plain`. */
  cells?: { sites: readonly ArrayLike<number>[]; plain?: boolean };
  /** Pale regions under everything, each a convex outline: its corners in order. What lies outside of the picture is cut off. */
  regions?: readonly PanelRegion[];
  lines?: readonly PanelLine[];
  marks?: readonly PanelMark[];
  labels?: readonly { at: ArrayLike<number>; words: string }[];
}

export interface PanelsFigureOptions extends Omit<FigureOptions, 'height'> {
  /** Panels in a row. Default: up to three. */
  perRow?: number;
  /** What part of the plane every panel shows. Default: all that is in any of them, with some air. */
  extent?: Extent;
}

/** Throws ParameterError where there is no panel, or nothing in them. */
export function panelsFigure(panels: readonly Panel[], options: PanelsFigureOptions = {}): string {
  if (panels.length === 0) throw new ParameterError({ parameter: 'panels', got: 'none', want: 'at least one' });
  const { title, subtitle, perRow = Math.min(panels.length, 3) } = options;
  if (!Number.isInteger(perRow) || perRow < 1) {
    throw new ParameterError({ parameter: 'perRow', got: perRow, want: 'a whole number from 1' });
  }
  const width = checkedWidth(options.width, 760);
  const extent = options.extent ?? airy(extentOf(placesOf(panels)));
  const wide = (width - 2 * MARGIN - (perRow - 1) * GAP) / perRow;
  const high = Math.round(wide * shapeOf(extent));
  const top = headHeight(options) + 14;
  const words = WORDS + (panels.some(({ note }) => note) ? NOTE : 0);
  const rows = Math.ceil(panels.length / perRow);
  const height = top + rows * (words + high + GAP) + 4;
  const label = [title, subtitle].filter(Boolean).join(': ') || panels.map((panel) => panel.title).join(', ');
  const svg = newDrawing({ width, height, label });
  drawHead(svg, options);
  for (const [i, panel] of panels.entries()) {
    const x = MARGIN + (i % perRow) * (wide + GAP);
    const y = top + Math.floor(i / perRow) * (words + high + GAP);
    drawPanel(svg, panel, { frame: { x, y: y + words, width: wide, height: high }, extent, y });
  }
  return finish(svg);
}

const MARGIN = 16;
const GAP = 14;
const WORDS = 22;
const NOTE = 16;
/** Dots are as small as many of them need. */
const DOT_PX = 2.1;
const MARK_PX = 6;

/** All that is in a panel, but for sites and ends of lines: these may lie outside of the picture. */
function placesOf(panels: readonly Panel[]): ArrayLike<number>[] {
  const places = panels.flatMap(({ points = [], marks = [] }) => [...points, ...marks].map(({ at }) => at));
  if (places.length === 0) {
    throw new ParameterError({ parameter: 'panels', got: 'no points', want: 'at least one point or mark' });
  }
  for (const place of places) checkPlanar(place, 'panels');
  return places;
}

function airy({ x, y }: Extent): Extent {
  const air = 0.06 * Math.max(x[1] - x[0], y[1] - y[0]) || 1;
  return { x: [x[0] - air, x[1] + air], y: [y[0] - air, y[1] + air] };
}

function drawPanel(
  parent: Element,
  { title, note, points = [], cells, regions = [], lines = [], marks = [], labels = [] }: Panel,
  { frame, extent, y }: { frame: Frame; extent: Extent; y: number },
): void {
  const start = { x: frame.x + 2, 'text-anchor': 'start' };
  draw(parent, 'text', { ...start, y: y + 15, fill: INK.text, 'font-size': 12.5, 'font-weight': 600 }, title);
  if (note) draw(parent, 'text', { ...start, y: y + 31, fill: INK.muted, 'font-size': 11.5 }, note);
  draw(parent, 'rect', { ...frame, rx: 4, fill: INK.wash, stroke: INK.grid, 'stroke-width': 1 });
  // What is seen of the plane fills the frame, so that cells end at its edge.
  const shown = filling(extent, frame);
  const at = fit(shown, frame);
  if (cells) drawCells(parent, cells, { shown, at });
  for (const region of regions) drawRegion(parent, region, { shown, at });
  drawPoints(parent, points, at);
  for (const line of lines) drawLine(parent, line, { shown, at });
  for (const { at: place, color, shape = 'circle', hollow = false, radius = MARK_PX } of marks) {
    const ink = inkOf(color).line;
    draw(parent, 'path', {
      d: shapePath(shape, radius, at(place)),
      ...{ fill: hollow ? INK.paper : ink, stroke: hollow ? ink : INK.paper, 'stroke-width': hollow ? 1.75 : 1.5 },
    });
  }
  const taken: (readonly [number, number])[] = [...marks, ...points].map(({ at: place }) => at(place));
  for (const { at: place, words } of labels) {
    const spot = at(place);
    const away = taken.filter(([px, py]) => px !== spot[0] || py !== spot[1]);
    taken.push(...drawLabel(parent, { words, at: spot, away, clear: MARK_PX + 2, frame, ink: INK.text }));
  }
}

/** As much of the plane around the middle as the frame has room for. */
function filling({ x, y }: Extent, { width, height }: Frame): Extent {
  const unit = Math.max((x[1] - x[0]) / width, (y[1] - y[0]) / height);
  const around = ([low, high]: [number, number], pixels: number): [number, number] => {
    const middle = (low + high) / 2;
    return [middle - (unit * pixels) / 2, middle + (unit * pixels) / 2];
  };
  return { x: around(x, width), y: around(y, height) };
}

interface View {
  shown: Extent;
  at: Place;
}

function drawCells(parent: Element, { sites, plain = false }: NonNullable<Panel['cells']>, { shown, at }: View): void {
  for (const [i, cell] of voronoiCells(sites, shown).entries()) {
    if (cell.length === 0) continue;
    draw(parent, 'path', {
      d: `M${cell.map((corner) => at(corner).map(round).join(' ')).join('L')}z`,
      ...(plain ? { fill: 'none' } : { fill: inkOf(i).line, 'fill-opacity': 0.13 }),
      ...{ stroke: INK.node, 'stroke-width': 1, 'stroke-linejoin': 'round' },
    });
  }
}

function drawRegion(parent: Element, { corners, color }: PanelRegion, { shown, at }: View): void {
  const seen = framed(corners, shown);
  if (seen.length < 3) return;
  const ink = inkOf(color).line;
  draw(parent, 'path', {
    d: `M${seen.map((corner) => at(corner).map(round).join(' ')).join('L')}z`,
    ...{ fill: ink, 'fill-opacity': 0.14, stroke: ink, 'stroke-width': 1, 'stroke-linejoin': 'round' },
  });
}

/** A line that leaves the picture ends at its edge. */
function drawLine(
  parent: Element,
  { from, to, color, dashed = false, arrow = false }: PanelLine,
  { shown, at }: View,
): void {
  const inside = (place: ArrayLike<number>) => [
    Math.min(Math.max(place[0], shown.x[0]), shown.x[1]),
    Math.min(Math.max(place[1], shown.y[0]), shown.y[1]),
  ];
  const ink = inkOf(color).line;
  const [a, b] = [at(inside(from)), at(inside(to))];
  if (arrow) {
    drawArrow(parent, { from: a, to: b, clear: 0, ink, width: 1.75, ...(dashed && { dash: '4 3' }) });
    return;
  }
  draw(parent, 'path', {
    d: `M${a.map(round).join(' ')}L${b.map(round).join(' ')}`,
    ...{ fill: 'none', stroke: ink, 'stroke-width': 1.25 },
    ...(dashed && { 'stroke-dasharray': '4 3' }),
  });
}

/** All dots of one colour as one path. */
function drawPoints(parent: Element, points: readonly PanelPoint[], at: Place): void {
  const inks = new Map<string, string[]>();
  for (const { at: place, color } of points) {
    const [x, y] = at(place).map(round);
    const { line } = inkOf(color);
    const dots = inks.get(line) ?? [];
    dots.push(`M${x} ${y}h0`);
    inks.set(line, dots);
  }
  for (const [stroke, dots] of inks) {
    const d = dots.join('');
    draw(parent, 'path', { d, fill: 'none', stroke, 'stroke-width': 2 * DOT_PX, 'stroke-linecap': 'round' });
  }
}

const GREY: Ink = { line: INK.node, text: INK.muted };

function inkOf(color: number | undefined): Ink {
  return color === undefined ? GREY : PALETTE[color % PALETTE.length];
}
