/**
 * A search replayed: what it read (numbered, in order, an arrow from where it learnt of each node), what it compared and read
 * later or left aside, and what it never touched. In one picture, in a small one a hop, or in one storey a layer.
 */
import { ParameterError } from '../../core/errors.ts';
import type { SearchTrace } from '../trace.ts';
import { drawKey, keyHeight } from './key.ts';
import { drawArrow } from './node-link.ts';
import { checkIds, checkPlanar, extentOf, type Frame, fit, idsOf, namesOf, shapeOf, tilt, vectorsOf } from './plane.ts';
import { BLUE, checkedWidth, draw, drawHead, finish, headHeight, INK, newDrawing } from './theme.ts';
import { drawState, keyOf, labelOf, type Picture, type TraceFigureOptions } from './trace-state.ts';

export type { TraceFigureOptions } from './trace-state.ts';

/** Draws a recorded search. Throws ParameterError or DimensionError where points, query and trace do not fit together. */
export function traceFigure(trace: SearchTrace, options: TraceFigureOptions): string {
  const { layers } = options;
  const steps = trace.steps();
  if (steps.length < 2) {
    throw new ParameterError({
      parameter: 'trace',
      got: `${trace.hops} hops`,
      want: 'a trace of a search that read the neighbours of at least one node: search with the graph and the distance that traced() returns',
    });
  }
  const picture: Picture = {
    ...options,
    width: checkedWidth(options.width, 640),
    vectors: vectorsOf(options.points),
    names: namesOf(options.points),
    layers: layers ?? [options.links ?? []],
    steps,
  };
  checkPlanar(options.query, 'query');
  const { length } = picture.vectors;
  for (const { roles } of steps) checkIds(roles.keys(), length, 'trace');
  for (const [level, links] of picture.layers.entries()) {
    checkIds(idsOf(links), length, layers ? `layers[${level}]` : 'links');
  }
  checkIds(options.nearest === undefined ? [] : [options.nearest], length, 'nearest');
  checkIds(options.found ?? [], length, 'found');
  const panels = options.panels ?? (layers && layers.length > 1 ? 'layers' : 'last');
  if (panels === 'hops') return drawHops(picture);
  return panels === 'layers' ? drawStoreys(picture) : drawLast(picture);
}

const MARGIN = 24;
const GAP = 8;

function drawLast(picture: Picture): string {
  const { width, steps } = picture;
  const extent = extentOf([...picture.vectors, picture.query]);
  const top = headHeight(picture) + 30;
  const inner = width - 2 * MARGIN;
  const frame: Frame = { x: MARGIN, y: top, width: inner, height: Math.min(Math.round(inner * shapeOf(extent)), 480) };
  const key = keyOf(picture);
  const keyTop = top + frame.height + 24;
  const svg = newDrawing({ width, height: keyTop + keyHeight(key, width), label: labelOf(picture) });
  drawHead(svg, picture);
  drawState(svg, picture, { step: steps[steps.length - 1], frame, at: fit(extent, frame), full: true });
  drawKey(svg, key, width, keyTop);
  return finish(svg);
}

/** At most so many small pictures; of a longer search the first and the last. */
const MOST_PANELS = 12;

function drawHops(picture: Picture): string {
  const { width, steps, names } = picture;
  const shown =
    steps.length <= MOST_PANELS ? steps : [...steps.slice(0, MOST_PANELS - 3), ...steps.slice(steps.length - 3)];
  const columns = width < 480 ? 1 : shown.length <= 6 ? 2 : 3;
  const extent = extentOf([...picture.vectors, picture.query]);
  const panelWidth = Math.floor((width - 2 * EDGE - (columns - 1) * GAP) / columns);
  const frameWidth = panelWidth - 2 * INSET;
  const frameHeight = Math.round(frameWidth * shapeOf(extent));
  const panelHeight = CAPTION + frameHeight + INSET;
  const top = headHeight(picture) + 18;
  const key = keyOf(picture);
  const keyTop = top + Math.ceil(shown.length / columns) * (panelHeight + GAP) + 2;
  const svg = newDrawing({ width, height: keyTop + keyHeight(key, width), label: labelOf(picture) });
  drawHead(svg, picture);
  const name = (id: number) => names?.[id] ?? String(id);
  for (const [i, step] of shown.entries()) {
    const x = EDGE + (i % columns) * (panelWidth + GAP);
    const y = top + Math.floor(i / columns) * (panelHeight + GAP);
    draw(svg, 'rect', { ...{ x, y, width: panelWidth, height: panelHeight, rx: 5 }, fill: INK.wash });
    const line = { x: x + 10, 'text-anchor': 'start', 'font-size': 11.5 };
    const read = step.hop === 0 ? 'Start' : `Hop ${step.hop}: read ${name(step.node)}`;
    draw(svg, 'text', { ...line, y: y + 18, fill: INK.text, 'font-weight': 650 }, read);
    const compared =
      step.compared.length === 0 ? 'nothing new to compare' : `compare ${step.compared.map(name).join(', ')}`;
    draw(svg, 'text', { ...line, y: y + 34, fill: INK.muted }, clipped(compared, panelWidth - 20));
    const frame: Frame = { x: x + INSET, y: y + CAPTION, width: frameWidth, height: frameHeight };
    drawState(svg, picture, { step, frame, at: fit(extent, frame), full: false });
  }
  drawKey(svg, key, width, keyTop);
  return finish(svg);
}

const EDGE = 14;
const INSET = 18;
const CAPTION = 54;

/** As much of a sentence as fits. */
function clipped(words: string, width: number): string {
  const most = Math.floor(width / 6.4);
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`;
}

function drawStoreys(picture: Picture): string {
  const { width, steps, layers, vectors } = picture;
  const extent = extentOf([...vectors, picture.query]);
  const levels = layers.map((_, level) => layers.length - 1 - level);
  const storeyWidth = width - 2 * EDGE;
  const storeyHeight = Math.round(storeyWidth * Math.min(shapeOf(extent) * 0.6, 0.42));
  const lean = Math.round(storeyHeight * 0.5);
  const stride = storeyHeight + 24;
  const top = headHeight(picture) + 30;
  const key = keyOf(picture);
  const keyTop = top + levels.length * stride + 2;
  const svg = newDrawing({ width, height: keyTop + keyHeight(key, width), label: labelOf(picture) });
  drawHead(svg, picture);
  const storeys = levels.map((level, i) => {
    const frame: Frame = { x: EDGE, y: top + i * stride, width: storeyWidth, height: storeyHeight };
    const inner: Frame = { x: frame.x + 40, y: frame.y + 22, width: frame.width - 80, height: frame.height - 44 };
    return { level, frame, at: tilt(extent, inner, lean) };
  });
  for (const { level, frame, at } of storeys) {
    const { x, y, width: wide, height } = frame;
    draw(svg, 'path', {
      d: `M${x} ${y + height}L${x + lean} ${y}H${x + wide}L${x + wide - lean} ${y + height}z`,
      ...{ fill: INK.wash, stroke: INK.grid, 'stroke-width': 1, 'stroke-linejoin': 'round' },
    });
    draw(
      svg,
      'text',
      { x: EDGE + 2, y: y + 14, 'text-anchor': 'start', fill: INK.muted, 'font-size': 12, 'font-weight': 600 },
      `level ${level}`,
    );
    const members = new Set(vectors.flatMap((_, id) => (layers[level][id] ? [id] : [])));
    const step = steps.findLast((one) => one.level === level);
    drawState(svg, picture, { step, level, frame, at, full: level === 0, members });
  }
  // Where the search went down: straight through the floor, to the same node.
  for (const [i, { level, at }] of storeys.entries()) {
    const below = storeys[i + 1];
    const arrived = below && steps.find((one) => one.level === below.level && one.hop > 0);
    if (!arrived || !steps.some((one) => one.level === level && one.hop > 0)) continue;
    const node = arrived.path[0];
    drawArrow(svg, {
      from: at(vectors[node]),
      to: below.at(vectors[node]),
      clear: 12,
      ink: BLUE.line,
      width: 1.5,
      dash: '2 3',
    });
  }
  drawKey(svg, key, width, keyTop);
  return finish(svg);
}
