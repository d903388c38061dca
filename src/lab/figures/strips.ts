/** Strips, one under the other, each a whole that is cut into parts, to scale: a file and its regions, what may become of a save. */
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

export interface StripPart extends Box {
  /** In what the strip is measured in: bytes, cases, anything that adds up. */
  size: number;
}

export interface Strip {
  /** To its left. */
  label: string;
  parts: readonly StripPart[];
  /** To its right. */
  note?: string;
}

export interface StripsFigureOptions extends FigureOptions {
  key?: readonly BoxKey[];
}

/** Every strip takes the full width, so that shares can be compared; a note says how much the whole is. */
export function stripsFigure(strips: readonly Strip[], options: StripsFigureOptions = {}): string {
  if (strips.length === 0) throw new ParameterError({ parameter: 'strips', got: 'none', want: 'at least one' });
  const { title, subtitle, key = [] } = options;
  const width = checkedWidth(options.width, 640);
  const columnOf = (texts: (string | undefined)[]) =>
    Math.max(0, ...texts.map((text) => (text ? textWidth(text, LABEL_PX) + 10 : 0)));
  const left = MARGIN_PX + columnOf(strips.map(({ label }) => label));
  const right = width - MARGIN_PX - columnOf(strips.map(({ note }) => note));
  if (right - left < 60) {
    throw new ParameterError({
      parameter: 'width',
      got: width,
      want: 'more: labels and notes leave no room for strips',
    });
  }
  const top = headHeight(options) + 18;
  const bottom = top + strips.length * (STRIP_PX + GAP_PX);
  const keys = boxKeys(key);
  const height = bottom + (keys.length > 0 ? keyHeight(keys, width) : 8);
  const label = [title, subtitle].filter(Boolean).join(': ') || `${strips.length} strips cut into parts`;
  const svg = newDrawing({ width, height, label });
  drawHead(svg, options);
  for (const [i, strip] of strips.entries()) {
    drawStrip(svg, strip, { x: left, y: top + i * (STRIP_PX + GAP_PX), width: right - left, height: STRIP_PX });
  }
  if (keys.length > 0) drawKey(svg, keys, width, bottom);
  return finish(svg);
}

const MARGIN_PX = 16;
const LABEL_PX = 11.5;
const STRIP_PX = 22;
const GAP_PX = 6;

function drawStrip(
  parent: Element,
  { label, parts, note }: Strip,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): void {
  const whole = parts.reduce((sum, { size }) => sum + size, 0);
  if (!(whole > 0 && parts.every(({ size }) => size >= 0))) {
    throw new ParameterError({
      parameter: label,
      got: parts.map(({ size }) => size).join(', '),
      want: 'sizes from 0 up',
    });
  }
  const middle = y + height / 2 + LABEL_PX * 0.36;
  const words = { 'font-size': LABEL_PX, y: middle };
  draw(parent, 'text', { ...words, x: x - 10, 'text-anchor': 'end', fill: INK.text }, label);
  let from = 0;
  for (const part of parts) {
    const pixels = (part.size / whole) * width;
    // A pixel of paper between neighbours, where that leaves anything.
    if (part.size > 0) {
      drawBox(parent, { x: x + from, y, width: Math.max(pixels - (pixels > 3 ? 1 : 0), 0.5), height }, part);
    }
    from += pixels;
  }
  if (note) draw(parent, 'text', { ...words, x: x + width + 10, 'text-anchor': 'start', fill: INK.muted }, note);
}
