/**
 * One theme for all figures. Colours are Okabe and Ito's, told apart by every kind of eye. Colours for a light page stand in
 * the attributes, and a style sheet replaces them on a dark one, so a viewer without CSS still sees the light figure, and a
 * page that asks for dark (a notebook's image too) gets the dark one. Every figure lies on paper of its own.
 */
import { parseHTML } from 'linkedom';
import { ParameterError } from '../../core/errors.ts';

export interface FigureOptions {
  /** In CSS pixels. Default 640, which suits a notebook's column; 400 suits a phone. */
  width?: number;
  /** Default: what the figure needs. */
  height?: number;
  title?: string;
  subtitle?: string;
}

/** A line's colour, and the darker shade in which words beside it are set. */
export interface Ink {
  line: string;
  text: string;
}

/** All light values differ from each other: the dark style finds them by their value. */
export const INK = {
  paper: '#ffffff',
  text: '#24292f',
  muted: '#626b75',
  grid: '#e6e9ed',
  tear: '#c3c9d0',
  /** Links of a graph, drawn so light that what happens on them stands out. */
  link: '#d3d8de',
  /** Nodes that nothing has happened to. */
  node: '#9aa3ad',
  wash: '#f3f5f7',
  /** Letters on orange, which is light on light pages and dark ones. */
  onOrange: '#3a2a00',
};
export const LEVEL_INK: Ink = { line: '#8a929b', text: '#59626c' };
/** Lamplight: what is lit on a map. */
export const LIT = { fill: '#ffe9a8', edge: '#b07a00', text: '#5c4100' };

/** Okabe and Ito's colours, the ones that show on white first. */
export const PALETTE: readonly Ink[] = [
  { line: '#0072b2', text: '#00609a' },
  { line: '#d55e00', text: '#b04d00' },
  { line: '#009e73', text: '#007a58' },
  { line: '#cc79a7', text: '#a54f80' },
  { line: '#e69f00', text: '#8c6100' },
  { line: '#56b4e9', text: '#22789f' },
  { line: '#6b5fb0', text: '#584c9c' },
];
export const [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, VIOLET] = PALETTE;

const DARK: readonly (readonly [light: string, dark: string])[] = [
  [INK.paper, '#15181d'],
  [INK.text, '#e6e9ed'],
  [INK.muted, '#9aa4af'],
  [INK.grid, '#2a3038'],
  [INK.tear, '#4a525c'],
  [INK.link, '#39414b'],
  [INK.node, '#77818c'],
  [INK.wash, '#1c2026'],
  [INK.onOrange, '#2e2100'],
  [LEVEL_INK.line, '#7d8792'],
  [LEVEL_INK.text, '#aab3bd'],
  [LIT.fill, '#4f3d0c'],
  [LIT.edge, '#e0ac3b'],
  [LIT.text, '#ffe3a0'],
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

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

/** An empty page to draw on: linkedom's document, where a browser has its own. */
export function newDocument(): Document {
  return parseHTML('<!doctype html><html><body></body></html>').document as unknown as Document;
}

/** A new drawing that is not Observable Plot's: an `<svg>` of this size with a name for those who cannot see it. */
export function newDrawing({ width, height, label }: { width: number; height: number; label: string }): SVGElement {
  return element(newDocument(), 'svg', {
    class: CLASS,
    ...{ width, height, viewBox: `0 0 ${width} ${height}`, 'aria-label': label },
  }) as SVGElement;
}

/** The class by which the style sheet finds its figure. */
export const CLASS = 'annlab-figure';

/** Paper, style sheet and rounding: from a drawing to the string that travels. The same data give the same bytes everywhere. */
export function finish(svg: Element): string {
  const document = svg.ownerDocument;
  const [width, height] = [Number(svg.getAttribute('width')), Number(svg.getAttribute('height'))];
  const colors = new Set<string>();
  for (const part of [svg, ...svg.querySelectorAll('*')]) roundAttributes(part, colors);
  const paper = element(document, 'rect', { width, height, rx: 6, fill: INK.paper });
  svg.insertBefore(paper, svg.firstChild);
  const drawn = svg.querySelector('style');
  const style = drawn ?? element(document, 'style', {});
  if (!drawn) svg.insertBefore(style, svg.firstChild);
  style.textContent = styleSheet(colors.add(INK.paper));
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  svg.setAttribute('color', INK.text);
  svg.setAttribute('font-family', FONT);
  return svg.outerHTML;
}

/** What a logarithm's last bits say differs between machines; a hundredth of a pixel does not. */
function roundAttributes(part: Element, colors: Set<string>): void {
  for (const name of GEOMETRY) {
    const value = part.getAttribute(name);
    const rounded = value?.replace(LONG_NUMBER, (number) => String(Number(Number(number).toFixed(2))));
    if (rounded !== undefined && rounded !== value) part.setAttribute(name, rounded);
  }
  for (const name of ['fill', 'stroke']) {
    const value = part.getAttribute(name);
    if (value?.startsWith('#')) colors.add(value);
  }
}

const GEOMETRY = ['x', 'y', 'x1', 'y1', 'x2', 'y2', 'cx', 'cy', 'r', 'd', 'width', 'height', 'points', 'transform'];
const LONG_NUMBER = /-?\d+\.\d{3,}(e-?\d+)?/g;

/** Only the colours that a figure uses. */
function styleSheet(colors: ReadonlySet<string>): string {
  return `
.${CLASS} { display: block; max-width: 100%; height: auto; }
.${CLASS} text { white-space: pre; }
@media (prefers-color-scheme: dark) {
  .${CLASS} { color: #e6e9ed; }
${DARK.filter(([light]) => colors.has(light))
  .map(
    ([light, dark]) =>
      `  .${CLASS} [fill="${light}"] { fill: ${dark}; }\n  .${CLASS} [stroke="${light}"] { stroke: ${dark}; }`,
  )
  .join('\n')}
}`;
}

export function element(document: Document, name: string, attributes: Record<string, string | number>): Element {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** Appends an element, and within it a text where there is one. */
export function draw(
  parent: Element,
  name: string,
  attributes: Record<string, string | number>,
  text?: string,
): Element {
  const made = element(parent.ownerDocument, name, attributes);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

const TITLE_PX = 22;
const SUBTITLE_PX = 18;

/** How much room title and subtitle take above everything else. */
export function headHeight({ title, subtitle }: FigureOptions): number {
  return (title ? TITLE_PX : 0) + (subtitle ? SUBTITLE_PX : 0);
}

/** Title and subtitle in the upper left corner. */
export function drawHead(parent: Element, { title, subtitle }: FigureOptions): void {
  const start = { x: 16, 'text-anchor': 'start' };
  if (title) draw(parent, 'text', { ...start, y: 26, fill: INK.text, 'font-size': 15, 'font-weight': 650 }, title);
  if (subtitle) {
    draw(parent, 'text', { ...start, y: title ? 45 : 24, fill: INK.muted, 'font-size': 12 }, subtitle);
  }
}

/** There is no font to measure here: an estimate for the widest of those named, letter by letter. */
export function textWidth(text: string, px: number, bold = false): number {
  let ems = 0;
  for (const letter of text)
    ems += /[mwMW@%→—]/.test(letter)
      ? 0.95
      : /[A-Z]/.test(letter)
        ? 0.76
        : /[ijltfr.,:;'’|()\s]/.test(letter)
          ? 0.4
          : 0.62;
  return Math.ceil(ems * px * (bold ? 1.07 : 1));
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The width that was asked for, or what suits a notebook's column. */
export function checkedWidth(width: number | undefined, otherwise: number): number {
  if (width === undefined) return otherwise;
  if (!(width >= 200 && width <= 4000)) {
    throw new ParameterError({ parameter: 'width', got: width, want: 'a width from 200 to 4000 pixels' });
  }
  return width;
}
