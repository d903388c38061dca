/**
 * Lines with dots, named where they end instead of in a legend; names keep clear of each other (`dodge`). Observable Plot
 * draws scales, grid and lines; names, notes and torn edges are ours.
 */
import * as Plot from '@observablehq/plot';
import { ParameterError } from '../../core/errors.ts';
import { formatShort } from '../format.ts';
import { type Axis, extentOn, padded, placeOn, ticks, tickText } from './axis.ts';
import { dodge } from './dodge.ts';
import { drawLabel } from './label.ts';
import { drawTears, type Level, tear } from './tear.ts';
import {
  CLASS,
  checkedWidth,
  draw,
  drawHead,
  element,
  type FigureOptions,
  finish,
  headHeight,
  INK,
  type Ink,
  LEVEL_INK,
  newDocument,
  PALETTE,
  round,
  textWidth,
} from './theme.ts';

export interface Point {
  x: number;
  y: number;
  /** A few characters set beside the dot, such as `ef 64`. Shown for the highest series only, and where there is room. */
  note?: string;
}

export interface Series {
  /** Its name; an empty one is not written, as for a companion that lies on its line. */
  label: string;
  points: readonly Point[];
  /** Dashed without dots: a companion of another line, such as its p99 beside its mean. */
  dashed?: boolean;
  /** A broad pale line: what another line is expected to lie on. */
  broad?: boolean;
  /** Which colour of the palette; companions share one. Default: the position among the series. */
  color?: number;
  /** Every dot has its note, where most room is around it: for a line whose dots are different things. Default false. */
  named?: boolean;
}

export interface LineFigure extends FigureOptions {
  x: Axis;
  y: Axis;
  series: readonly Series[];
  levels?: readonly Level[];
}

/** Lines with dots, named where they end: what most figures are made of. A series without points is left out. */
export function lineFigure(figure: LineFigure): string {
  const { x, y, title, subtitle } = figure;
  const width = checkedWidth(figure.width, 640);
  const height = figure.height ?? Math.round(Math.max(width * 0.62, 320));
  // Colours first: who is missing does not change the others'.
  const series = figure.series.map((one, i) => styled(one, one.color ?? i)).filter(({ points }) => points.length > 0);
  const drawn = series.flatMap((one) => one.points);
  if (drawn.length === 0) {
    throw new ParameterError({ parameter: 'series', got: 'no points', want: 'give a figure at least one point' });
  }
  for (const { x: px, y: py } of drawn) checkPoint(px, py, figure);

  const place = placeOn(x);
  const xValues = drawn.map((point) => point.x);
  const xDomain = padded(xValues.map(place), x);
  const extent = extentOn(
    y,
    drawn.map((point) => point.y),
  );
  const { levels, tears } = tear(figure.levels ?? [], extent, y.scale === 'log');
  const yDomain = padded([...extent, ...levels.map((level) => level.y)], y);
  const names: Name[] = [
    ...series.flatMap((one) => {
      if (one.label === '') return [];
      const end = one.points.reduce((a, b) => (b.x >= a.x ? b : a));
      return [{ label: one.label, x: place(end.x), y: end.y, ink: one.ink, dashed: one.dashed === true }];
    }),
    ...levels.map((level) => ({ label: level.label, x: null, y: level.y, ink: LEVEL_INK, dashed: true })),
  ];
  const marginRight = 28 + Math.max(0, ...names.map(({ label, dashed }) => textWidth(label, NAME_PX, !dashed)));
  const marginTop = 44 + headHeight(figure);
  const xTicks = ticks(x, xDomain, width - MARGIN_LEFT - marginRight, 46);
  const yTicks = ticks(y, yDomain, height - marginTop - MARGIN_BOTTOM, 30).filter(
    (tick) => tick > (tears.below ?? 0) && tick < (tears.above ?? Number.POSITIVE_INFINITY),
  );

  const svg = Plot.plot({
    document: newDocument(),
    className: CLASS,
    ariaLabel: [title, subtitle].filter(Boolean).join(': ') || `${y.label} against ${x.label}`,
    width,
    height,
    marginTop,
    marginRight,
    marginBottom: MARGIN_BOTTOM,
    marginLeft: MARGIN_LEFT,
    x: { type: x.scale === 'log' ? 'log' : 'linear', domain: xDomain },
    y: { type: y.scale === 'log' ? 'log' : 'linear', domain: yDomain },
    marks: [
      Plot.gridY(yTicks, { stroke: INK.grid, strokeOpacity: 1 }),
      Plot.axisY(yTicks, { ...AXIS, tickSize: 0, label: null, text: (tick: number) => formatShort(tick) }),
      Plot.axisX(xTicks.map(place), {
        ...AXIS,
        tickSize: 5,
        label: null,
        text: (_: number, i: number) => tickText(x, xTicks[i], xValues),
      }),
      Plot.ruleY(levels, { y: 'y', stroke: LEVEL_INK.line, strokeWidth: 1.5, strokeDasharray: '5 4' }),
      ...series.map((one) =>
        Plot.line(one.points, {
          x: (point: Point) => place(point.x),
          y: 'y',
          stroke: one.ink.line,
          strokeWidth: one.broad ? 8 : one.dashed ? 1.5 : 2.25,
          strokeOpacity: one.broad ? 0.35 : 1,
          strokeLinecap: 'round',
          ...(one.dashed ? { strokeDasharray: '4 3' } : {}),
        }),
      ),
      ...series
        .filter((one) => !one.dashed)
        .map((one) =>
          Plot.dot(one.points, {
            x: (point: Point) => place(point.x),
            y: 'y',
            r: 3.25,
            fill: one.hollow ? INK.paper : one.ink.line,
            stroke: one.hollow ? one.ink.line : INK.paper,
            strokeWidth: one.hollow ? 1.5 : 1,
          }),
        ),
      (_index, scales, _values, dimensions, context) =>
        drawTears(context.document, { tears: Object.values(tears), from: MARGIN_LEFT - 8, scales, dimensions }),
      (_index, scales, _values, dimensions, context) =>
        drawWords(context.document, { figure, names, notes: noted(series), place, scales, dimensions }),
      ...(series.some(({ named }) => named)
        ? [
            (
              _index: unknown,
              scales: Plot.ScaleFunctions,
              _values: unknown,
              dimensions: Plot.Dimensions,
              context: Plot.Context,
            ) => drawNamed(context.document, { series, place, scales, dimensions }),
          ]
        : []),
    ],
  }) as unknown as Element;

  return finish(svg);
}

interface Name {
  label: string;
  /** Where the line ends, in the axis's own units; null: a line that goes all the way across. */
  x: number | null;
  y: number;
  ink: Ink;
  dashed: boolean;
}

interface StyledSeries extends Series {
  ink: Ink;
  /** The palette's second time round: dots are rings. */
  hollow: boolean;
}

const NAME_PX = 12;
const NOTE_PX = 10;
const MARGIN_LEFT = 54;
const MARGIN_BOTTOM = 46;
const AXIS = { color: INK.muted, fontSize: 11.5, stroke: INK.muted };

function styled(series: Series, color: number): StyledSeries {
  return {
    ...series,
    ink: PALETTE[color % PALETTE.length],
    hollow: Math.floor(color / PALETTE.length) % 2 === 1,
  };
}

/** The points whose notes are shown: those of the highest line, above which there is room. */
function noted(series: readonly StyledSeries[]): readonly Point[] {
  if (series.some(({ named }) => named)) return [];
  const height = ({ points }: Series) =>
    points.reduce((sum, { y }) => sum + Math.log(Math.max(y, 1e-9)), 0) / points.length;
  const candidates = series.filter(({ points }) => points.some(({ note }) => note));
  return candidates.length === 0 ? [] : candidates.reduce((a, b) => (height(b) > height(a) ? b : a)).points;
}

function checkPoint(x: number, y: number, figure: LineFigure): void {
  const good =
    Number.isFinite(x) &&
    Number.isFinite(y) &&
    (figure.x.scale !== 'log' || x > 0) &&
    (figure.y.scale !== 'log' || y > 0);
  if (!good || (figure.x.scale === 'recall' && (x < 0 || x > 1))) {
    throw new ParameterError({
      parameter: 'series',
      got: `a point at (${x}, ${y})`,
      want: `finite values that a ${figure.x.scale} and a ${figure.y.scale} axis can show`,
    });
  }
}

/** Title, axis labels, the notes beside dots, and the names at the line ends with thin leaders to them. */
function drawWords(
  document: Document,
  {
    figure,
    names,
    notes,
    place,
    scales,
    dimensions,
  }: {
    figure: LineFigure;
    names: readonly Name[];
    notes: readonly Point[];
    place: (x: number) => number;
    scales: Plot.ScaleFunctions;
    dimensions: Plot.Dimensions;
  },
): SVGElement {
  const { width, height, marginRight, marginTop, marginBottom } = dimensions;
  const toX = scales.x as (value: number) => number;
  const toY = scales.y as (value: number) => number;
  const group = element(document, 'g', { 'aria-label': 'words' });
  const write = (words: string, attributes: Record<string, string | number>) => {
    draw(group, 'text', attributes, words);
  };

  drawHead(group, figure);
  write(figure.y.label, { x: 16, 'text-anchor': 'start', y: marginTop - 14, fill: INK.muted, 'font-size': 11.5 });
  write(figure.x.label, {
    x: width - marginRight,
    y: height - 10,
    'text-anchor': 'end',
    fill: INK.muted,
    'font-size': 11.5,
  });

  // Above a falling line there is room to the right of a dot, above a rising one to the left.
  const ordered = [...notes].sort((a, b) => a.x - b.x);
  const rises = ordered.length > 1 && ordered[ordered.length - 1].y > ordered[0].y;
  let lastRight = rises ? MARGIN_LEFT : Number.NEGATIVE_INFINITY;
  for (const { x, y, note } of ordered) {
    if (!note) continue;
    const anchor = toX(place(x)) + (rises ? -4 : 4);
    const left = rises ? anchor - textWidth(note, NOTE_PX) : anchor;
    const right = rises ? anchor : anchor + textWidth(note, NOTE_PX);
    if (left < lastRight + 8 || right > width - marginRight + 16) continue;
    lastRight = right;
    write(note, {
      x: round(anchor),
      y: round(toY(y) - 7),
      'text-anchor': rises ? 'end' : 'start',
      fill: INK.muted,
      'font-size': NOTE_PX,
    });
  }

  const column = width - marginRight + 22;
  const wanted = names.map((name) => toY(name.y));
  const placed = dodge(wanted, NAME_PX + 4, marginTop + 4, height - marginBottom - 4);
  names.forEach((name, i) => {
    const fromX = name.x === null ? width - marginRight : toX(name.x) + 6;
    const y = round(wanted[i]);
    draw(group, 'path', {
      d: `M${round(fromX)},${y}L${round(Math.max(fromX, width - marginRight))},${y}L${round(column - 4)},${round(placed[i])}`,
      fill: 'none',
      stroke: name.ink.line,
      'stroke-width': 1,
      'stroke-dasharray': '1 2.5',
      'stroke-linejoin': 'round',
    });
    write(name.label, {
      x: column,
      y: round(placed[i] + NAME_PX * 0.35),
      'text-anchor': 'start',
      fill: name.ink.text,
      'font-size': NAME_PX,
      'font-weight': name.dashed ? 400 : 600,
    });
  });
  return group as SVGElement;
}

/** The notes of those series that want all of them. */
function drawNamed(
  document: Document,
  {
    series,
    place,
    scales,
    dimensions,
  }: {
    series: readonly StyledSeries[];
    place: (x: number) => number;
    scales: Plot.ScaleFunctions;
    dimensions: Plot.Dimensions;
  },
): SVGElement {
  const { width, height, marginLeft, marginRight, marginTop, marginBottom } = dimensions;
  const toX = scales.x as (value: number) => number;
  const toY = scales.y as (value: number) => number;
  const group = element(document, 'g', { 'aria-label': 'notes' });
  const at = ({ x, y }: Point) => [toX(place(x)), toY(y)] as const;
  const frame = {
    ...{ x: marginLeft, y: marginTop },
    // Not on the axis, where its own words stand.
    ...{ width: width - marginLeft - marginRight, height: height - marginTop - marginBottom - 14 },
  };
  // Lines are to be kept clear of, too, not only their dots.
  const taken = series.flatMap(({ points }) =>
    points.flatMap((point, i) => {
      const [[fromX, fromY], [toX_, toY_]] = [at(points[Math.max(i - 1, 0)]), at(point)];
      return [0.25, 0.5, 0.75, 1].map(
        (part) => [fromX + part * (toX_ - fromX), fromY + part * (toY_ - fromY)] as const,
      );
    }),
  );
  for (const { points, ink } of series.filter(({ named }) => named)) {
    for (const point of points) {
      if (!point.note) continue;
      const spot = at(point);
      const away = taken.filter(([x, y]) => Math.hypot(x - spot[0], y - spot[1]) > 1);
      taken.push(...drawLabel(group, { words: point.note, at: spot, away, clear: 6, frame, ink: ink.text }));
    }
  }
  return group as SVGElement;
}
