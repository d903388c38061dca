/**
 * The parts of a drawn graph: links, nodes and arrows. Not Observable Plot's, because a
 * graph's thousand links have to be one path and its far nodes one more for the picture to stay small.
 */
import type { Links } from '../trace.ts';
import type { Frame } from './plane.ts';
import { type Shape, shapePath } from './shapes.ts';
import { BLUE, draw, INK, ORANGE, round, VERMILLION } from './theme.ts';

/** How a node looks; shape and lightness say the same as the colour. */
export interface NodeStyle {
  shape: Shape;
  fill: string;
  stroke: string;
  strokeWidth: number;
  dashed?: boolean;
  /** The name written in it. */
  ink: string;
}

export const ROLE_STYLES: Record<'visited' | 'frontier' | 'pruned' | 'untouched', NodeStyle> = {
  visited: { shape: 'circle', fill: BLUE.line, stroke: INK.paper, strokeWidth: 1, ink: INK.paper },
  frontier: { shape: 'diamond', fill: ORANGE.line, stroke: INK.paper, strokeWidth: 1, ink: INK.onOrange },
  pruned: {
    ...{ shape: 'square', fill: INK.paper, stroke: VERMILLION.line, strokeWidth: 1.5 },
    ...{ dashed: true, ink: VERMILLION.text },
  },
  untouched: { shape: 'circle', fill: INK.paper, stroke: INK.node, strokeWidth: 1, ink: INK.muted },
};

/** The node's radius in pixels, by how many share how much of the page, and whether the name it has fits in. */
export function nodeSize(count: number, frame: Frame, hasNames: boolean): { radius: number; named: boolean } {
  const share = Math.sqrt((frame.width * frame.height) / count);
  if (hasNames && share >= 42) return { radius: Math.min(10, share * 0.16), named: true };
  return { radius: Math.min(Math.max(share * 0.12, 1.6), 4.5), named: false };
}

/** Every pair of linked nodes once, however many ways the links go; `of`: only the links of these. */
export function pairsOf(links: Links, of?: ReadonlySet<number>): [from: number, to: number][] {
  const pairs = new Set<number>();
  // A pair is one number; a link may lead beyond the last node that has a list.
  const count = links.reduce(
    (most, list) => Array.from(list ?? []).reduce((a, b) => Math.max(a, b + 1), most),
    links.length,
  );
  for (const [from, neighbors] of links.entries()) {
    if (!neighbors || of?.has(from) === false) continue;
    for (let i = 0; i < neighbors.length; i++) {
      const to = neighbors[i];
      if (to !== from) pairs.add(Math.min(from, to) * count + Math.max(from, to));
    }
  }
  return Array.from(pairs, (pair) => [Math.floor(pair / count), pair % count]);
}

/** Linked nodes, all as one light path. */
export function drawLinks(
  parent: Element,
  pairs: readonly (readonly [from: number, to: number])[],
  places: readonly (readonly [number, number])[],
): void {
  if (pairs.length === 0) return;
  // Among so many, half a pixel is not seen, and costs as many bytes as the rest.
  const unit = pairs.length > 1000 ? 1 : 10;
  const tidy = (value: number) => Math.round(value * unit) / unit;
  const d = pairs.map(([from, to]) => {
    const [x, y] = places[from].map(tidy);
    const [dx, dy] = [tidy(places[to][0] - x), tidy(places[to][1] - y)];
    return `M${x} ${y}l${dx}${dy < 0 ? '' : ' '}${dy}`;
  });
  draw(parent, 'path', {
    ...{ d: d.join(''), fill: 'none', stroke: INK.link, 'stroke-width': 1.25, 'stroke-linecap': 'round' },
  });
}

/** Nodes that are nothing but there: one path for all. */
export function drawDots(
  parent: Element,
  places: readonly (readonly [number, number])[],
  radius: number,
  ink: string,
): void {
  if (places.length === 0) return;
  const d = places.map(([x, y]) => `M${round(x)} ${round(y)}h0`).join('');
  draw(parent, 'path', { d, fill: 'none', stroke: ink, 'stroke-width': round(radius * 2), 'stroke-linecap': 'round' });
}

/** Nodes of one style as one path, and their names. */
export function drawNodes(
  parent: Element,
  {
    at,
    style,
    radius,
    names,
  }: {
    at: readonly (readonly [number, number])[];
    style: NodeStyle;
    radius: number;
    names?: readonly string[] | undefined;
  },
): void {
  if (at.length === 0) return;
  draw(parent, 'path', {
    d: at.map((place) => shapePath(style.shape, radius, place)).join(''),
    ...{ fill: style.fill, stroke: style.stroke, 'stroke-width': style.strokeWidth },
    ...(style.dashed && { 'stroke-dasharray': '3 2' }),
  });
  if (!names) return;
  const size = round(Math.min(radius * 1.25, 12));
  const letters = draw(parent, 'g', {
    'text-anchor': 'middle',
    fill: style.ink,
    'font-size': size,
    'font-weight': 600,
  });
  for (const [i, [x, y]] of at.entries()) draw(letters, 'text', { x: round(x), y: round(y + size * 0.35) }, names[i]);
}

/** From one node to another, clear of both, with a head. */
export function drawArrow(
  parent: Element,
  {
    from: [fromX, fromY],
    to: [toX, toY],
    clear,
    ink,
    width = 2.25,
    dash,
    head = 6,
  }: {
    from: readonly [number, number];
    to: readonly [number, number];
    clear: number;
    ink: string;
    width?: number;
    dash?: string;
    head?: number;
  },
): void {
  const length = Math.hypot(toX - fromX, toY - fromY);
  if (length < 2 * clear + 2) return;
  const [alongX, alongY] = [(toX - fromX) / length, (toY - fromY) / length];
  const [x, y] = [toX - alongX * clear, toY - alongY * clear];
  const back = Math.min(head, (length - 2 * clear) * 0.6);
  const [baseX, baseY] = [x - alongX * back, y - alongY * back];
  draw(parent, 'path', {
    d: `M${round(fromX + alongX * clear)} ${round(fromY + alongY * clear)}L${round(baseX)} ${round(baseY)}`,
    ...{ fill: 'none', stroke: ink, 'stroke-width': width },
    ...(dash && { 'stroke-dasharray': dash }),
  });
  if (head === 0) return;
  const side = back * 0.55;
  draw(parent, 'path', {
    d: `M${round(x)} ${round(y)}L${round(baseX - alongY * side)} ${round(baseY + alongX * side)}L${round(baseX + alongY * side)} ${round(baseY - alongX * side)}z`,
    fill: ink,
  });
}

/**
 * The hops' numbers on their nodes' shoulders, the first that is free; those that would lie on an earlier one, or on the query,
 * are left out. On nodes too small for names they stand a little off. Returns where they stand.
 */
export function drawBadges(
  parent: Element,
  {
    at,
    first,
    radius,
    query,
  }: { at: readonly (readonly [number, number])[]; first: number; radius: number; query: readonly [number, number] },
): (readonly [number, number])[] {
  const off = radius >= 6 ? radius * 0.95 : radius + 5;
  const size = radius >= 6 ? 9 : 8;
  const taken: (readonly [number, number])[] = [[query[0], query[1]]];
  for (const [i, [nodeX, nodeY]] of at.entries()) {
    const words = String(first + i);
    const far = (from: readonly [number, number]) => (to: readonly [number, number]) =>
      Math.hypot(to[0] - from[0], to[1] - from[1]);
    const spot = SHOULDERS.map(([dx, dy]) => [round(nodeX + dx * off), round(nodeY + dy * off)] as const).find(
      (shoulder, turn) =>
        taken.every((other) => far(shoulder)(other) >= size * 1.4) &&
        // The usual shoulder may cover a node of the way; another is taken only where it covers none.
        (turn === 0 || at.every((node) => far(shoulder)(node) >= size * 0.7)),
    );
    if (!spot) continue;
    const [x, y] = spot;
    taken.push(spot);
    const half = size * (0.35 + 0.3 * words.length);
    draw(parent, 'rect', {
      ...{ x: round(x - half), y: round(y - size * 0.7), width: round(half * 2), height: round(size * 1.4) },
      ...{ rx: round(size * 0.7), fill: INK.text, stroke: INK.paper, 'stroke-width': 1 },
    });
    draw(
      parent,
      'text',
      {
        ...{ x, y: round(y + size * 0.35), 'text-anchor': 'middle' },
        ...{ fill: INK.paper, 'font-size': size, 'font-weight': 700 },
      },
      words,
    );
  }
  return taken.slice(1);
}

const SHOULDERS = [
  [1, -1],
  [-1, -1],
  [1, 1],
  [-1, 1],
] as const;

/** The query: a star, which no node is. */
export function drawQuery(parent: Element, [x, y]: readonly [number, number], radius: number): void {
  draw(parent, 'path', {
    d: shapePath('star', radius, [x, y]),
    ...{ fill: INK.text, stroke: INK.paper, 'stroke-width': 1.5, 'stroke-linejoin': 'round' },
  });
}
