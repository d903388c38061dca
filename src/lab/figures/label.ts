/** Words beside places in a picture, where there is most room for them. */
import type { Frame } from './plane.ts';
import { draw, INK, round, textWidth } from './theme.ts';

/**
 * A word beside a place, on the side that is farthest from everything else, within the frame; where every side is crowded, a little
 * off, with a line to the place. Returns what it covers, as places for the next label to keep away from.
 */
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
): (readonly [number, number])[] {
  const width = textWidth(words, LABEL_PX) * 0.92;
  const beside = [
    { dx: 0, dy: clear + 6, anchor: 'middle' },
    { dx: 0, dy: -clear - 6, anchor: 'middle' },
    { dx: clear + 3, dy: 0, anchor: 'start' },
    { dx: -clear - 3, dy: 0, anchor: 'end' },
  ];
  const judged = (spot: { dx: number; dy: number; anchor: string }) => {
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
    return { ...spot, middle, score: room - (inside ? 0 : 100) };
  };
  const bestOf = (spots: Parameters<typeof judged>[0][]) =>
    spots.map(judged).reduce((a, b) => (b.score > a.score ? b : a));
  let best = bestOf(beside);
  if (best.score < CROWDED) {
    const off = bestOf(AROUND.map(({ dx, dy, anchor }) => ({ dx: dx * OFF, dy: dy * OFF, anchor })));
    if (off.score > best.score) {
      best = off;
      const length = Math.hypot(best.dx, best.dy);
      const [alongX, alongY] = [best.dx / length, best.dy / length];
      // As far as the word's edge: its side, or its top or bottom.
      const end = length - (best.anchor === 'middle' ? LABEL_PX * 0.7 : 3);
      draw(parent, 'path', {
        d: `M${round(x + alongX * clear)} ${round(y + alongY * clear)}L${round(x + alongX * end)} ${round(y + alongY * end)}`,
        ...{ fill: 'none', stroke: ink, 'stroke-width': 1 },
      });
    }
  }
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
  return [-0.5, -0.25, 0, 0.25, 0.5].map((part) => [best.middle + part * width, y + best.dy] as const);
}

const LABEL_PX = 11.5;
/** Less room than this beside a place, and its word goes off to where there is more. */
const CROWDED = 4;
/** How far off. */
const OFF = 46;
const AROUND = Array.from({ length: 16 }, (_, i) => {
  const [dx, dy] = [Math.cos((i * Math.PI) / 8), Math.sin((i * Math.PI) / 8)];
  return { dx, dy, anchor: Math.abs(dx) < 0.2 ? 'middle' : dx > 0 ? 'start' : 'end' };
});
