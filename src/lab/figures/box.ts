/** Boxes in a picture of something that is cut into parts: pale where they only belong to something, lit where it is about them. */
import { ParameterError } from '../../core/errors.ts';
import type { Frame } from './plane.ts';
import { draw, INK, PALETTE, textWidth } from './theme.ts';

export interface Box {
  /** Which colour of the palette; without one, it is nothing in particular. */
  color?: number;
  /** In full colour rather than pale. Default false. */
  lit?: boolean;
  /** A few characters, written where they fit. */
  text?: string;
}

/** What a colour stands for, for the key. */
export interface BoxKey extends Pick<Box, 'color' | 'lit'> {
  words: string;
}

export function drawBox(parent: Element, { x, y, width, height }: Frame, { color, lit = false, text }: Box): void {
  const ink = color === undefined ? undefined : inkOf(color);
  const look = !ink
    ? { fill: INK.wash, stroke: INK.grid, 'stroke-width': 1 }
    : { fill: lit ? ink.text : ink.line, ...(!lit && { 'fill-opacity': 0.25 }) };
  draw(parent, 'rect', { x, y, width, height, ...(Math.min(width, height) >= 10 && { rx: 2 }), ...look });
  if (!text || textWidth(text, TEXT_PX) > width + 1) return;
  draw(
    parent,
    'text',
    {
      ...{ x: x + width / 2, y: y + height / 2 + TEXT_PX * 0.36, 'text-anchor': 'middle' },
      ...{ fill: !ink ? INK.muted : lit ? INK.paper : INK.text, 'font-size': TEXT_PX },
    },
    text,
  );
}

/** Entries for `drawKey`. */
export function boxKeys(entries: readonly BoxKey[]) {
  return entries.map(({ words, color, lit }) => ({
    words,
    sign: (parent: Element, [x, y]: readonly [number, number]) =>
      drawBox(
        parent,
        { x: x - 6, y: y - 6, width: 12, height: 12 },
        { ...(color !== undefined && { color }), ...(lit !== undefined && { lit }) },
      ),
  }));
}

const TEXT_PX = 10.5;

function inkOf(color: number) {
  const ink = PALETTE[color];
  if (ink) return ink;
  throw new ParameterError({
    parameter: 'color',
    got: color,
    want: `a colour of the palette, from 0 to ${PALETTE.length - 1}`,
  });
}
