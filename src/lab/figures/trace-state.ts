/** One state of a search, drawn: what `traceFigure` puts into its one picture, its panels or its storeys. */
import { formatCount } from '../format.ts';
import type { Links, Role, TraceStep } from '../trace.ts';
import type { KeyEntry } from './key.ts';
import { drawLabel } from './label.ts';
import {
  drawArrow,
  drawBadges,
  drawDots,
  drawLinks,
  drawNodes,
  drawQuery,
  type NodeStyle,
  nodeSize,
  pairsOf,
  ROLE_STYLES,
} from './node-link.ts';
import type { FigurePoints, Frame, Place } from './plane.ts';
import { BLUE, draw, type FigureOptions, GREEN, INK, round } from './theme.ts';

export interface TraceFigureOptions extends Omit<FigureOptions, 'height'> {
  /** Of two components; with names where they have any. Ids are positions. */
  points: FigurePoints;
  query: ArrayLike<number>;
  /** Of a graph of one layer. */
  links?: Links;
  /** Of a graph of several: level 0 first. */
  layers?: readonly Links[];
  /** `last`: the whole search in one picture. `hops`: one small picture a hop. `layers`: one storey a layer, if there are several. */
  panels?: 'last' | 'hops' | 'layers';
  /** The node that is truly nearest to the query. */
  nearest?: number;
  /** What the search returned; a single one that is not `nearest` is labelled as stuck. */
  found?: readonly number[];
}

/** The options with what follows from them. */
export interface Picture extends Omit<TraceFigureOptions, 'layers'> {
  width: number;
  vectors: readonly ArrayLike<number>[];
  names: string[] | undefined;
  layers: readonly Links[];
  steps: readonly TraceStep[];
}

/** One layer after one step. `full`: with the names of query and nearest, which small pictures have no room for. */
export function drawState(
  svg: Element,
  picture: Picture,
  {
    step,
    frame,
    at,
    full,
    level = step?.level ?? 0,
    members,
  }: {
    step: TraceStep | undefined;
    frame: Frame;
    at: Place;
    full: boolean;
    level?: number;
    members?: ReadonlySet<number>;
  },
): void {
  const { vectors, names, query, nearest, found, layers, panels } = picture;
  const group = draw(svg, 'g', { 'aria-label': step ? `hop ${step.hop}, level ${level}` : `level ${level}` });
  const ids = vectors.map((_, id) => id).filter((id) => members?.has(id) ?? true);
  const { radius, named } = nodeSize(vectors.length, frame, names !== undefined);
  const places = vectors.map((vector) => at(vector));
  const roles = step?.roles ?? new Map<number, Role>();
  const path = step?.path ?? [];
  const pairs = pairsOf(layers[level] ?? []);
  // More than these are a grey cloud of a large file: then those that the search has read.
  drawLinks(group, pairs.length <= MOST_LINKS ? pairs : pairsOf(layers[level], new Set(path)), places);

  for (const { from, to } of arrowsOf(picture.steps, step)) {
    drawArrow(group, {
      ...{ from: places[from], to: places[to], clear: radius * (named ? 1.15 : 0.6) },
      ...{ ink: BLUE.line, head: named ? 6.5 : 4.5 },
    });
  }
  const untouched = ids.filter((id) => !roles.has(id));
  const drawSome = (some: readonly number[], style: NodeStyle, size: number) =>
    drawNodes(group, {
      ...{ at: some.map((id) => places[id]), style, radius: size },
      names: named && names ? some.map((id) => names[id]) : undefined,
    });
  if (named || !tooManyForRings(vectors.length)) drawSome(untouched, ROLE_STYLES.untouched, radius);
  else
    drawDots(
      group,
      untouched.map((id) => places[id]),
      radius,
      INK.node,
    );
  for (const role of ['pruned', 'frontier', 'visited'] as const) {
    drawSome(
      ids.filter((id) => roles.get(id) === role),
      ROLE_STYLES[role],
      Math.max(radius, 3),
    );
  }
  if (panels === 'hops' && step) drawRing(group, places[step.node], radius + 3.5, INK.text);
  if (full && nearest !== undefined) drawRing(group, places[nearest], Math.max(radius, 3) + 4, GREEN.line, '3 2');
  const star = at(query);
  const badged = path.map((id) => places[id]);
  const badges = drawBadges(group, { at: badged, first: step ? step.hop - path.length + 1 : 1, radius, query: star });
  drawQuery(group, star, named ? Math.max(radius * 0.75, 5) : 6);
  if (!full) return;
  const away: (readonly [number, number])[] = [...ids.map((id) => places[id]), ...badges, star];
  const others = (place: readonly [number, number]) => away.filter(([x, y]) => x !== place[0] || y !== place[1]);
  away.push(...drawLabel(group, { words: 'query', at: star, away: others(star), clear: 10, frame, ink: INK.text }));
  const label = (id: number, words: string, ink: string) =>
    away.push(
      ...drawLabel(group, {
        words,
        at: places[id],
        away: others(places[id]),
        clear: radius + 6,
        frame,
        ink,
      }),
    );
  if (nearest !== undefined) label(nearest, found?.includes(nearest) ? 'nearest, found' : 'nearest', GREEN.text);
  if (nearest !== undefined && found?.length === 1 && found[0] !== nearest) label(found[0], 'stuck here', BLUE.text);
}

function drawRing(
  parent: Element,
  [x, y]: readonly [number, number],
  radius: number,
  stroke: string,
  dash?: string,
): void {
  draw(parent, 'circle', {
    ...{ cx: round(x), cy: round(y), r: round(radius), fill: 'none', stroke, 'stroke-width': 1.5 },
    ...(dash && { 'stroke-dasharray': dash }),
  });
}

/** To each node that was read from the one that it was first compared from, on the level of the step. */
function arrowsOf(steps: readonly TraceStep[], step: TraceStep | undefined): { from: number; to: number }[] {
  if (!step) return [];
  const learntFrom = new Map<number, number>();
  for (const { level, hop, node, compared } of steps) {
    if (level !== step.level || hop === 0 || hop > step.hop) continue;
    for (const id of compared) if (!learntFrom.has(id)) learntFrom.set(id, node);
  }
  return step.path.flatMap((to) => {
    const from = learntFrom.get(to);
    return from === undefined || from === to ? [] : [{ from, to }];
  });
}

/** What the signs mean, and of how many nodes: a node counts once, by the most that was done with it on any level. */
export function keyOf({ steps, vectors, nearest, panels }: Picture): KeyEntry[] {
  const most = new Map<number, Role>();
  const lastOfLevel = new Map(steps.map((step) => [step.level, step]));
  for (const { roles } of lastOfLevel.values()) {
    for (const [id, role] of roles) if (rank(role) > rank(most.get(id))) most.set(id, role);
  }
  const hops = steps[steps.length - 1].hop;
  const count = (role: Role) => [...most.values()].filter((one) => one === role).length;
  const order = hops === count('visited') ? 'in this order' : `in ${formatCount(hops)} hops`;
  const number = (n: number, words: string) => (panels === 'hops' ? words : `${formatCount(n)} ${words}`);
  const entries: KeyEntry[] = [
    { words: number(count('visited'), `read, ${order}`), style: ROLE_STYLES.visited },
    { words: number(count('frontier'), 'compared, read later'), style: ROLE_STYLES.frontier },
    { words: number(count('pruned'), 'compared, left aside'), style: ROLE_STYLES.pruned },
    { words: number(vectors.length - most.size, 'never touched'), ...untouchedSign(vectors.length) },
    { words: 'query', sign: (parent, middle) => drawQuery(parent, middle, 5) },
  ];
  if (panels === 'hops') return entries;
  // At the end of a search nothing waits any more.
  entries.splice(1, 1);
  if (nearest === undefined) return entries;
  return [...entries, { words: 'nearest', sign: (parent, middle) => drawRing(parent, middle, 6, GREEN.line, '3 2') }];
}

/** As the picture draws them: rings, or dots where they are many. */
function untouchedSign(count: number): Pick<KeyEntry, 'style' | 'sign'> {
  if (!tooManyForRings(count)) return { style: ROLE_STYLES.untouched };
  return { sign: (parent, middle) => drawDots(parent, [middle], 4, INK.node) };
}

function tooManyForRings(count: number): boolean {
  return count > MOST_RINGS;
}

function rank(role: Role | undefined): number {
  return role === undefined ? -1 : ['pruned', 'frontier', 'visited'].indexOf(role);
}

/** For those who cannot see the picture: the nodes in the order of reading. */
export function labelOf({ title, subtitle, steps, names }: Picture): string {
  const read = steps.filter(({ hop }) => hop > 0).map(({ node }) => names?.[node] ?? String(node));
  const shown = read.length > 20 ? [...read.slice(0, 20), '…'] : read;
  return [title, subtitle, `a search that read ${shown.join(', ')}`].filter(Boolean).join(': ');
}

/** In a set of more nodes than this the untouched ones are dots, on every layer. */
const MOST_RINGS = 150;
const MOST_LINKS = 2400;
