/** Words beside places in a picture, where there is most room for them. */
import type { Frame } from './plane.ts';
import { draw, INK, round, textWidth } from './theme.ts';

/** A word beside a place, on the side that is farthest from everything else, within the frame. */
export function drawLabel(
  parent: Element,
  {
    words,
    at: [x, y],
    away,
    clear,
    frame,
    ink,
  }: {
    words: string;
    at: readonly [number, number];
    away: readonly (readonly [number, number])[];
    clear: number;
    frame: Frame;
    ink: string;
  },
): void {
  const width = textWidth(words, LABEL_PX) * 0.92;
  const spots = [
    { dx: 0, dy: clear + 6, anchor: 'middle' },
    { dx: 0, dy: -clear - 6, anchor: 'middle' },
    { dx: clear + 3, dy: 0, anchor: 'start' },
    { dx: -clear - 3, dy: 0, anchor: 'end' },
  ].map((spot) => {
    const middle = x + spot.dx + (spot.anchor === 'start' ? width / 2 : spot.anchor === 'end' ? -width / 2 : 0);
    const center = y + spot.dy;
    const inside =
      middle - width / 2 >= frame.x - 10 &&
      middle + width / 2 <= frame.x + frame.width + 10 &&
      center > frame.y - 8 &&
      center < frame.y + frame.height + 8;
    // The nearest of the other places to the word's box.
    const room = Math.min(
      ...away.map(([px, py]) =>
        Math.hypot(Math.max(Math.abs(px - middle) - width / 2, 0), Math.max(Math.abs(py - center) - 6, 0)),
      ),
      60,
    );
    return { ...spot, score: room - (inside ? 0 : 100) };
  });
  const best = spots.reduce((a, b) => (b.score > a.score ? b : a));
  draw(
    parent,
    'text',
    {
      ...{ x: round(x + best.dx), y: round(y + best.dy + LABEL_PX * 0.35), 'text-anchor': best.anchor },
      ...{ fill: ink, stroke: INK.paper, 'stroke-width': 3, 'paint-order': 'stroke', 'stroke-linejoin': 'round' },
      ...{ 'font-size': LABEL_PX, 'font-weight': 600 },
    },
    words,
  );
}

const LABEL_PX = 11.5;
