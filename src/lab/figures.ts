/**
 * The lab's figures: Observable Plot draws on linkedom's document, and out comes one SVG string that needs nothing else.
 *
 * One theme for all fourteen days. Lines are named where they end instead of in a legend (names keep clear of each other,
 * see `dodge`); colours are Okabe and Ito's, told apart by every kind of eye; recall has an axis of its own on which 0.9,
 * 0.99 and 0.999 are equally far apart, because each halving of the errors costs about as much as the one before. Colours
 * for a light page stand in the attributes, and a style sheet replaces them on a dark one, so a viewer without CSS still
 * sees the light figure. The same data give the same bytes.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { ParameterError } from '../core/errors.ts';
import { formatShort } from './format.ts';
import { type SweepRow, seriesLabel, seriesOf } from './sweep.ts';

export interface FigureOptions {
  /** In CSS pixels. Default 720; 400 suits a phone. */
  width?: number;
  /** Default: two thirds of the width, more where it is narrow. */
  height?: number;
  title?: string;
  subtitle?: string;
}

export interface Point {
  x: number;
  y: number;
  /** A few characters set beside the dot, such as `ef 64`. Shown for the first series only, and where there is room. */
  note?: string;
}

export interface Series {
  label: string;
  points: readonly Point[];
  /** Dashed without dots: a companion of another line, such as its p99 beside its mean. */
  dashed?: boolean;
  /** Which colour of the palette; companions share one. Default: the position among the series. */
  color?: number;
}

/** `recall` spreads the values next to 1: 0.9, 0.99 and 0.999 are equally far apart. */
export interface Axis {
  label: string;
  scale: 'linear' | 'log' | 'recall';
}

/**
 * A straight line across the figure, such as what exact search reaches. Where it lies so far off that the curves would shrink
 * for its sake, a logarithmic axis is torn between them: the line's name says its value.
 */
export interface Level {
  y: number;
  label: string;
}

export interface LineFigure extends FigureOptions {
  x: Axis;
  y: Axis;
  series: readonly Series[];
  levels?: readonly Level[];
}

/** Recall against queries per second, one line per index, and the exact search's speed as a line across. */
export function recallQpsFigure(rows: readonly SweepRow[], options: FigureOptions = {}): string {
  return lineFigure({
    title: 'Speed at a given recall',
    ...options,
    x: recallAxis(rows),
    y: { label: '↑ Queries per second, one thread', scale: 'log' },
    series: approximate(rows).map((series) => ({
      label: seriesLabel(series[0]),
      points: series.map((row) => ({ x: row.recall, y: row.qps, note: `ef ${row.efSearch}` })),
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
        points: series.map((row) => ({ x: row.recall, y: row.distances!, note: `ef ${row.efSearch}` })),
      })),
    levels: exact(rows)
      .filter((row) => row.distances !== null)
      .map((row) => ({ y: row.distances!, label: `exact: ${formatShort(row.distances!)}` })),
  });
}

/** What one query costs in a set of `n` vectors, at one recall. */
export interface GrowthPoint {
  series: string;
  n: number;
  distances: number;
  us: number;
}

/** How cost grows with the number of vectors, on two logarithmic axes: linear search climbs a diagonal, a good graph does not. */
export function growthFigure(
  points: readonly GrowthPoint[],
  options: FigureOptions & { cost: 'distances' | 'us' },
): string {
  const { cost, ...rest } = options;
  const names = [...new Set(points.map((point) => point.series))];
  return lineFigure({
    title: cost === 'us' ? 'How time grows with the set' : 'How work grows with the set',
    ...rest,
    x: { label: 'Vectors in the set →', scale: 'log' },
    y: { label: cost === 'us' ? '↑ Microseconds per query' : '↑ Distance evaluations per query', scale: 'log' },
    series: names.map((label) => ({
      label,
      points: points.filter((point) => point.series === label).map((point) => ({ x: point.n, y: point[cost] })),
    })),
  });
}

/** Lines with dots, named where they end: what the figures above are made of, and those of the days to come. */
export function lineFigure(figure: LineFigure): string {
  const { x, y, width = 720, title, subtitle } = figure;
  const height = figure.height ?? Math.round(Math.max(width * 0.62, 320));
  const series = figure.series.map((one, i) => styled(one, one.color ?? i));
  const drawn = series.flatMap((one) => one.points);
  if (drawn.length === 0) {
    throw new ParameterError({ parameter: 'series', got: 'no points', want: 'give a figure at least one point' });
  }
  for (const { x: px, y: py } of drawn) checkPoint(px, py, figure);

  const place = x.scale === 'recall' ? recallPlace : Number;
  const xs = drawn.map((point) => place(point.x));
  const xDomain = padded(xs, x.scale === 'log');
  const { levels, tears, within } = tear(
    figure.levels ?? [],
    drawn.map((point) => point.y),
    y.scale === 'log',
  );
  const yDomain = padded([...within, ...levels.map((level) => level.y)], y.scale === 'log');
  const names: Name[] = [
    ...series.map((one) => {
      const end = one.points.reduce((a, b) => (b.x >= a.x ? b : a));
      return { label: one.label, x: place(end.x), y: end.y, ink: one.ink, dashed: one.dashed === true };
    }),
    ...levels.map((level) => ({ label: level.label, x: null, y: level.y, ink: LEVEL_INK, dashed: true })),
  ];
  const marginRight = 28 + Math.max(...names.map(({ label, dashed }) => textWidth(label, NAME_PX, !dashed)));
  const marginTop = 44 + (title ? 22 : 0) + (subtitle ? 18 : 0);
  const xTicks = ticks(x.scale, xDomain, width - MARGIN_LEFT - marginRight, 46);
  const yTicks = ticks(y.scale, yDomain, height - marginTop - MARGIN_BOTTOM, 30).filter(
    (tick) => tick > (tears.below ?? 0) && tick < (tears.above ?? Number.POSITIVE_INFINITY),
  );

  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document: document as unknown as Document,
    className: 'annlab-figure',
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
        text: (_: number, i: number) => (x.scale === 'recall' ? recallText(xTicks[i], drawn) : formatShort(xTicks[i])),
      }),
      Plot.ruleY(levels, { y: 'y', stroke: LEVEL_INK.line, strokeWidth: 1.5, strokeDasharray: '5 4' }),
      ...series.map((one) =>
        Plot.line(one.points, {
          x: (point: Point) => place(point.x),
          y: 'y',
          stroke: one.ink.line,
          strokeWidth: one.dashed ? 1.5 : 2.25,
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
        drawTears(context.document, { tears: Object.values(tears), scales, dimensions }),
      (_index, scales, _values, dimensions, context) =>
        drawWords(context.document, { figure, names, notes: noted(series), place, scales, dimensions }),
    ],
  }) as unknown as Element;

  const paper = element(document as unknown as Document, 'rect', { width, height, rx: 6, fill: INK.paper });
  svg.insertBefore(paper, svg.firstChild);
  const style = svg.querySelector('style')!;
  style.textContent = STYLE;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  svg.setAttribute('color', INK.text);
  svg.setAttribute('font-family', FONT);
  return svg.outerHTML;
}

/** A figure as an address for `<img src=…>`: notebooks that strip inline SVG still show it. */
export function toDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}

/**
 * Moves positions apart until neighbours are at least `gap` away, each as little as possible (least squares, by pooling
 * adjacent violators), within `low` … `high` where that has room for all. Keeps their order.
 */
export function dodge(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const pools: { sum: number; size: number }[] = [];
  order.forEach((index, rank) => {
    let pool = { sum: wanted[index] - rank * gap, size: 1 };
    for (let last = pools.at(-1); last && last.sum / last.size > pool.sum / pool.size; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + last.sum, size: pool.size + last.size };
    }
    pools.push(pool);
  });
  const free = pools.flatMap(({ sum, size }) => Array<number>(size).fill(sum / size));
  const highest = Math.max(low, high - (wanted.length - 1) * gap);
  const placed = Array<number>(wanted.length);
  order.forEach((index, rank) => {
    placed[index] = Math.min(Math.max(free[rank], low), highest) + rank * gap;
  });
  return placed;
}

/** Recalls above this share its place on the axis, whose right end would otherwise be infinitely far away. */
const CLOSEST_RECALL = 0.9999;
const NAME_PX = 12;
const NOTE_PX = 10;
const MARGIN_LEFT = 54;
const MARGIN_BOTTOM = 46;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

/** Each ink on a light page and on a dark one. All light values differ: the dark style finds them by their value. */
interface Ink {
  line: string;
  text: string;
}
const INK = { paper: '#ffffff', text: '#24292f', muted: '#626b75', grid: '#e6e9ed', tear: '#c3c9d0' };
const LEVEL_INK: Ink = { line: '#8a929b', text: '#59626c' };
/** Okabe and Ito's colours, the ones that show on white first; names are set in a darker shade of their line. */
const PALETTE: readonly Ink[] = [
  { line: '#0072b2', text: '#00609a' },
  { line: '#d55e00', text: '#b04d00' },
  { line: '#009e73', text: '#007a58' },
  { line: '#cc79a7', text: '#a54f80' },
  { line: '#e69f00', text: '#8c6100' },
  { line: '#56b4e9', text: '#22789f' },
  { line: '#6b5fb0', text: '#584c9c' },
];
const DARK: readonly (readonly [light: string, dark: string])[] = [
  [INK.paper, '#15181d'],
  [INK.text, '#e6e9ed'],
  [INK.muted, '#9aa4af'],
  [INK.grid, '#2a3038'],
  [INK.tear, '#4a525c'],
  [LEVEL_INK.line, '#7d8792'],
  [LEVEL_INK.text, '#aab3bd'],
  ['#0072b2', '#4aa8e0'],
  ['#00609a', '#6ebcec'],
  ['#d55e00', '#ef7d2d'],
  ['#b04d00', '#f59a58'],
  ['#009e73', '#1cb78b'],
  ['#007a58', '#3dcea5'],
  ['#cc79a7', '#d68ab4'],
  ['#a54f80', '#e2a4c6'],
  ['#e69f00', '#e8a91e'],
  ['#8c6100', '#f0bf55'],
  ['#56b4e9', '#8ed0f6'],
  ['#22789f', '#a9dcf8'],
  ['#6b5fb0', '#a399e0'],
  ['#584c9c', '#b9b1ea'],
];
const STYLE = `
.annlab-figure { display: block; max-width: 100%; height: auto; }
.annlab-figure text { white-space: pre; }
@media (prefers-color-scheme: dark) {
  .annlab-figure { color: #e6e9ed; }
${DARK.map(
  ([light, dark]) =>
    `  .annlab-figure [fill="${light}"] { fill: ${dark}; }\n  .annlab-figure [stroke="${light}"] { stroke: ${dark}; }`,
).join('\n')}
}`;
const AXIS = { color: INK.muted, fontSize: 11.5, stroke: INK.muted };

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

function styled(series: Series, color: number): StyledSeries {
  return {
    ...series,
    ink: PALETTE[color % PALETTE.length],
    hollow: Math.floor(color / PALETTE.length) % 2 === 1,
  };
}

/** Places levels beside the curves' values: those that are far off on a logarithmic axis nearer, behind a tear. */
function tear(
  levels: readonly Level[],
  values: readonly number[],
  logarithmic: boolean,
): { levels: Level[]; tears: { below?: number; above?: number }; within: number[] } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const tears: { below?: number; above?: number } = {};
  const step = Math.max(high / low, 4) ** 0.11;
  const placed = levels.map((level) => {
    if (logarithmic && level.y * FAR_OFF < low) {
      tears.below = low / step;
      return { ...level, y: low / step ** 2 };
    }
    if (logarithmic && level.y > high * FAR_OFF) {
      tears.above = high * step;
      return { ...level, y: high * step ** 2 };
    }
    return level;
  });
  return { levels: placed, tears, within: [low, high] };
}

/** Times the nearest of the curves' values, from where on a level is far off. */
const FAR_OFF = 5;

/** A torn edge across the figure: what is behind it is not to scale. */
function drawTears(
  document: Document,
  { tears, scales, dimensions }: { tears: readonly number[]; scales: Plot.ScaleFunctions; dimensions: Plot.Dimensions },
): SVGElement {
  const { width, marginRight } = dimensions;
  const toY = scales.y as (value: number) => number;
  const group = element(document, 'g', { 'aria-label': 'tears' });
  const from = MARGIN_LEFT - 8;
  const waves = Math.floor((width - marginRight - from) / WAVE_PX);
  for (const value of tears) {
    const y = round(toY(value));
    const wave = `q${WAVE_PX / 4},-4 ${WAVE_PX / 2},0t${WAVE_PX / 2},0`;
    const d = (offset: number) => `M${from},${round(y + offset)}${wave.repeat(waves)}`;
    for (const offset of [-2.5, 2.5]) {
      group.appendChild(element(document, 'path', { d: d(offset), fill: 'none', stroke: INK.tear, 'stroke-width': 1 }));
    }
  }
  return group as SVGElement;
}

const WAVE_PX = 16;

/** The points whose notes are shown: those of the highest line, above which there is room. */
function noted(series: readonly StyledSeries[]): readonly Point[] {
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

/** The extent with a little air on both sides, so that no dot sits on the frame. */
function padded(values: readonly number[], logarithmic: boolean): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (logarithmic) {
    const air = high > low ? (high / low) ** 0.07 : 2;
    return [low / air, high * air];
  }
  const air = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}

function recallAxis(rows: readonly SweepRow[]): Axis {
  return { label: `Recall@${rows[0]?.k ?? 10}, more accurate →`, scale: 'recall' };
}

function recallPlace(recall: number): number {
  return -Math.log10(1 - Math.min(recall, CLOSEST_RECALL));
}

/** Round values within the domain, as many as keep `spacing` pixels between them; rising. */
function ticks(scale: Axis['scale'], domain: readonly [number, number], pixels: number, spacing: number): number[] {
  const position = scale === 'recall' ? recallPlace : scale === 'log' ? Math.log10 : Number;
  const [low, high] = scale === 'log' ? domain.map(Math.log10) : domain;
  const pixel = (tick: number) => ((position(tick) - low) / (high - low)) * pixels;
  const inside = (candidates: readonly number[]) =>
    candidates.filter((tick) => position(tick) >= low && position(tick) <= high);
  const roomy = (tick: number, others: readonly number[]) =>
    others.every((other) => other === tick || Math.abs(pixel(other) - pixel(tick)) >= spacing);

  if (scale === 'log') {
    const sets = LOG_STEPS.map((steps) => inside(steps.flatMap((step) => DECADES.map((decade) => step * decade))));
    const finest = sets.find((set) => set.length >= 2 && set.every((tick) => roomy(tick, set)));
    if (finest) return finest.sort((a, b) => a - b);
  }
  const candidates = scale === 'recall' ? RECALL_TICKS : linearTicks(domain);
  const kept: number[] = [];
  for (const tick of inside(candidates)) if (roomy(tick, kept)) kept.push(tick);
  return kept.sort((a, b) => a - b);
}

const DECADES = Array.from({ length: 41 }, (_, i) => Number(`1e${i - 20}`));
const LOG_STEPS = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];
/** The most telling first: where there is no room for all, the later ones give way. */
const RECALL_TICKS = [
  0.9,
  0.99,
  0.999,
  CLOSEST_RECALL,
  ...[0.5, 0.95, 0.8, 0.995, 0.98, 0.97, 0.7, 0, 0.998, 0.9995, 0.6, 0.85, 0.3],
];

/** Four to ten multiples of 1, 2 or 5 times a power of ten. */
function linearTicks([low, high]: readonly [number, number]): number[] {
  const unit = 10 ** Math.floor(Math.log10((high - low) / 4));
  const units = (high - low) / unit;
  const step = unit * (units >= 20 ? 5 : units >= 8 ? 2 : 1);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function recallText(tick: number, drawn: readonly Point[]): string {
  const clamped = tick === CLOSEST_RECALL && drawn.some((point) => point.x > CLOSEST_RECALL);
  return clamped ? `≥ ${tick}` : String(tick);
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
    const text = element(document, 'text', attributes);
    text.textContent = words;
    group.appendChild(text);
  };

  const start = { x: 16, 'text-anchor': 'start' };
  if (figure.title) write(figure.title, { ...start, y: 26, fill: INK.text, 'font-size': 15, 'font-weight': 650 });
  if (figure.subtitle) {
    write(figure.subtitle, { ...start, y: figure.title ? 45 : 24, fill: INK.muted, 'font-size': 12 });
  }
  write(figure.y.label, { ...start, y: marginTop - 14, fill: INK.muted, 'font-size': 11.5 });
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
    group.appendChild(
      element(document, 'path', {
        d: `M${round(fromX)},${round(wanted[i])}L${round(Math.max(fromX, width - marginRight))},${round(wanted[i])}L${round(column - 4)},${round(placed[i])}`,
        fill: 'none',
        stroke: name.ink.line,
        'stroke-width': 1,
        'stroke-dasharray': '1 2.5',
        'stroke-linejoin': 'round',
      }),
    );
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

function element(document: Document, name: string, attributes: Record<string, string | number>): Element {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
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

/** There is no font to measure here: an estimate for the widest of those named. */
function textWidth(text: string, px: number, bold = false): number {
  return Math.ceil(text.length * px * (bold ? 0.66 : 0.6));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
