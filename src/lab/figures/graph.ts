/** A graph as it lies: points, links, and groups of nodes told apart by shape as well as colour. */
import { ParameterError } from '../../core/errors.ts';
import type { Links } from '../trace.ts';
import { drawLabel } from './label.ts';
import {
  drawArrow,
  drawDots,
  drawLinks,
  drawNodes,
  drawQuery,
  type NodeStyle,
  nodeSize,
  pairsOf,
} from './node-link.ts';
import {
  checkIds,
  checkPlanar,
  extentOf,
  type FigurePoints,
  type Frame,
  fit,
  idsOf,
  namesOf,
  shapeOf,
  vectorsOf,
} from './plane.ts';
import type { Shape } from './shapes.ts';
import {
  BLUE,
  checkedWidth,
  drawHead,
  type FigureOptions,
  finish,
  headHeight,
  INK,
  newDrawing,
  PALETTE,
  VERMILLION,
} from './theme.ts';

export interface GraphFigureOptions extends Omit<FigureOptions, 'height'> {
  /** A number for each node, such as its component: each has a colour and a shape of its own. */
  groups?: ArrayLike<number>;
  query?: ArrayLike<number>;
  /** Links drawn strong, with a head, such as those chosen. */
  strong?: readonly (readonly [from: number, to: number])[];
  /** Links drawn dashed, such as those that were dropped. */
  dropped?: readonly (readonly [from: number, to: number])[];
  /** Words beside nodes, by id. */
  labels?: Readonly<Record<number, string>>;
}

/** `points` of two components; `links` by id. Throws ParameterError where an id is that of no point. */
export function graphFigure(points: FigurePoints, links: Links, options: GraphFigureOptions = {}): string {
  const { groups, query, strong = [], dropped = [], labels = {} } = options;
  const width = checkedWidth(options.width, 640);
  const vectors = vectorsOf(points);
  const names = namesOf(points);
  if (query) checkPlanar(query, 'query');
  checkIds(idsOf(links), vectors.length, 'links');
  checkIds(strong.flat(), vectors.length, 'strong');
  checkIds(dropped.flat(), vectors.length, 'dropped');
  checkIds(Object.keys(labels).map(Number), vectors.length, 'labels');
  const extent = extentOf(query ? [...vectors, query] : vectors);
  const top = headHeight(options) + 26;
  const inner = width - 2 * MARGIN;
  const frame: Frame = { x: MARGIN, y: top, width: inner, height: Math.min(Math.round(inner * shapeOf(extent)), 480) };
  const label = [options.title, options.subtitle].filter(Boolean).join(': ') || `a graph of ${vectors.length} nodes`;
  const svg = newDrawing({ width, height: top + frame.height + MARGIN, label });
  drawHead(svg, options);

  const at = fit(extent, frame);
  const places = vectors.map((vector) => at(vector));
  const { radius, named } = nodeSize(vectors.length, frame, names !== undefined);
  const pairs = pairsOf(links);
  if (pairs.length > MOST_LINKS) {
    throw new ParameterError({
      parameter: 'links',
      got: `${pairs.length} pairs`,
      want: `at most ${MOST_LINKS}, or nothing is seen but a grey cloud: draw fewer points, or the links of some nodes`,
    });
  }
  drawLinks(svg, pairs, places);
  const drawSome = (ids: readonly number[], style: NodeStyle) =>
    drawNodes(svg, {
      ...{ at: ids.map((id) => places[id]), style, radius },
      names: named && names ? ids.map((id) => names[id]) : undefined,
    });
  const clear = radius * 1.15;
  for (const [from, to] of dropped) {
    drawArrow(svg, {
      from: places[from],
      to: places[to],
      clear,
      ink: VERMILLION.line,
      width: 1.5,
      dash: '4 3',
      head: 0,
    });
  }
  for (const [from, to] of strong) drawArrow(svg, { from: places[from], to: places[to], clear, ink: BLUE.line });
  if (groups) {
    for (const group of [...new Set(Array.from(groups))].sort((a, b) => a - b)) {
      const ids = vectors.flatMap((_, id) => (groups[id] === group ? [id] : []));
      drawSome(ids, groupStyle(group));
    }
  } else if (named || vectors.length <= MOST_RINGS) drawSome([...vectors.keys()], PLAIN);
  else drawDots(svg, places, radius, INK.node);

  const star = query && at(query);
  if (star) drawQuery(svg, star, named ? 7.5 : 6);
  const away = star ? [...places, star] : places;
  const word = (words: string, place: readonly [number, number]) =>
    drawLabel(svg, {
      ...{ words, at: place, clear: radius + 4, frame, ink: INK.text },
      away: away.filter(([x, y]) => x !== place[0] || y !== place[1]),
    });
  if (star) word('query', star);
  for (const [id, words] of Object.entries(labels)) word(words, places[Number(id)]);
  return finish(svg);
}

const MARGIN = 24;
const MOST_LINKS = 3000;
/** More nodes than this are dots: so small that a ring around them would be all there is. */
const MOST_RINGS = 150;
const PLAIN: NodeStyle = { shape: 'circle', fill: INK.paper, stroke: INK.text, strokeWidth: 1.25, ink: INK.text };
const SHAPES: readonly Shape[] = ['circle', 'diamond', 'square', 'triangle', 'hexagon', 'plus', 'star'];

function groupStyle(group: number): NodeStyle {
  const { line } = PALETTE[group % PALETTE.length];
  // Colours and shapes come round after seven; filled and hollow take turns.
  const hollow = Math.floor(group / PALETTE.length) % 2 === 1;
  return {
    shape: SHAPES[group % SHAPES.length],
    ...{ fill: hollow ? INK.paper : line, stroke: hollow ? line : INK.paper },
    ...{ strokeWidth: hollow ? 1.5 : 0.75, ink: hollow ? line : INK.paper },
  };
}
