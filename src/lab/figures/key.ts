/** The key below a picture: its signs and what they mean, on as many lines as they take. */
import { drawNodes, type NodeStyle } from './node-link.ts';
import { draw, INK, round, textWidth } from './theme.ts';

/** What a sign in the picture means. */
export interface KeyEntry {
  words: string;
  style?: NodeStyle;
  /** Draws another sign than a node, 16 pixels wide, around a middle. */
  sign?: (parent: Element, middle: readonly [number, number]) => void;
}

/** How many lines the key takes at this width. */
export function keyHeight(entries: readonly KeyEntry[], width: number): number {
  return (Math.max(...keyPlaces(entries, width).map(({ line }) => line), 0) + 1) * KEY_LINE + 14;
}

export function drawKey(parent: Element, entries: readonly KeyEntry[], width: number, top: number): void {
  const places = keyPlaces(entries, width);
  for (const [i, { words, style, sign }] of entries.entries()) {
    const { x, line } = places[i];
    const y = top + line * KEY_LINE + 10;
    if (style) drawNodes(parent, { at: [[x + 8, y]], style, radius: 5.5 });
    sign?.(parent, [x + 8, y]);
    draw(
      parent,
      'text',
      { x: x + 21, y: round(y + KEY_PX * 0.35), 'text-anchor': 'start', fill: INK.text, 'font-size': KEY_PX },
      words,
    );
  }
}

function keyPlaces(entries: readonly KeyEntry[], width: number): { x: number; line: number }[] {
  let x = 16;
  let line = 0;
  return entries.map(({ words }) => {
    const wide = 21 + textWidth(words, KEY_PX) * 0.87 + KEY_GAP;
    if (x > 16 && x + wide - KEY_GAP > width - 10) {
      x = 16;
      line++;
    }
    const place = { x: round(x), line };
    x += wide;
    return place;
  });
}

const KEY_PX = 12;
const KEY_LINE = 20;
const KEY_GAP = 14;
