/**
 * The engine as a house seen from the side: each room is a folder of `src/`, and stands on the rooms that it may import from.
 * Today's is lit; the days that were before have left a lamp's number in theirs.
 */
import { ParameterError } from '../../core/errors.ts';
import { checkedWidth, draw, drawHead, type FigureOptions, finish, headHeight, INK, LIT, newDrawing } from './theme.ts';

export interface EngineMapOptions {
  /** Default 640. */
  width?: number;
}

interface Room {
  name: string;
  holds: string;
  days: readonly number[];
  /** In twelfths of the house's width. */
  from: number;
  to: number;
}

/** Storeys from the roof down. */
const HOUSE: readonly (readonly Room[])[] = [
  [
    { name: 'server', holds: 'HTTP, gRPC', days: [7, 14], from: 0, to: 4 },
    { name: 'cli', holds: 'build, search, serve', days: [], from: 4, to: 8 },
    { name: 'lab', holds: 'data, truth, curves', days: [0], from: 8, to: 12 },
  ],
  [{ name: 'engine', holds: 'collections, recovery, the disk index', days: [15], from: 0, to: 12 }],
  [
    { name: 'workers', holds: 'threads over one memory', days: [5, 13], from: 0, to: 7 },
    { name: 'storage', holds: 'files, log, pages', days: [6, 12], from: 7, to: 12 },
  ],
  [{ name: 'graph', holds: 'exact, HNSW, Vamana', days: [2, 3, 4, 10, 11], from: 0, to: 7 }],
  [{ name: 'quantize', holds: 'fewer bits a vector', days: [9], from: 0, to: 7 }],
  [{ name: 'kernels', holds: 'distances in WebAssembly SIMD', days: [1, 8], from: 0, to: 12 }],
  [{ name: 'core', holds: 'errors, bytes, chance', days: [], from: 0, to: 12 }],
];

/** The storage's room is as high as the three to its left. */
const TALL: Record<string, number> = { storage: 3 };

/** A small map of `src/` with the room of a day (0 … 15) lit. */
export function engineMap(day: number, options: EngineMapOptions = {}): string {
  const room = HOUSE.flat().find(({ days }) => days.includes(day));
  if (!room) throw new ParameterError({ parameter: 'day', got: day, want: 'a day from 0 to 15' });
  const width = checkedWidth(options.width, 640);
  const head: FigureOptions = {
    title: 'Where we are in the engine',
    subtitle: `Day ${two(day)} is about src/${room.name}.${width < 480 ? '' : ' Each room stands on those that it may use.'}`,
  };
  const top = headHeight(head) + 22;
  const height = top + HOUSE.length * (STOREY + GAP) + 10;
  const svg = newDrawing({ width, height, label: `a map of src/ with the room of day ${two(day)}, ${room.name}, lit` });
  drawHead(svg, head);
  const unit = (width - 2 * MARGIN + GAP) / 12;
  for (const [storey, rooms] of HOUSE.entries()) {
    for (const one of rooms) {
      const box = {
        x: MARGIN + one.from * unit,
        y: top + storey * (STOREY + GAP),
        width: (one.to - one.from) * unit - GAP,
        height: (TALL[one.name] ?? 1) * (STOREY + GAP) - GAP,
      };
      drawRoom(svg, { room: one, box, day });
    }
  }
  return finish(svg);
}

const MARGIN = 16;
const STOREY = 34;
const GAP = 5;

function drawRoom(
  parent: Element,
  { room, box, day }: { room: Room; box: { x: number; y: number; width: number; height: number }; day: number },
): void {
  const lit = room.days.includes(day);
  const { x, y, width, height } = box;
  draw(parent, 'rect', {
    ...{ x, y, width, height, rx: 5 },
    ...(lit
      ? { fill: LIT.fill, stroke: LIT.edge, 'stroke-width': 2 }
      : { fill: INK.wash, stroke: INK.grid, 'stroke-width': 1 }),
  });
  const middle = y + STOREY / 2 + 4;
  const nameInk = lit ? LIT.text : INK.text;
  draw(
    parent,
    'text',
    { ...{ x: x + 11, y: middle, 'text-anchor': 'start' }, ...{ fill: nameInk, 'font-size': 13, 'font-weight': 650 } },
    room.name,
  );
  const badges = room.days.length * (BADGE + 4);
  const roomForHolds = width - 11 - room.name.length * 8.2 - 12 - badges - 8;
  const low = height > STOREY + 10;
  if (low || room.holds.length * 6 < roomForHolds) {
    draw(
      parent,
      'text',
      {
        ...{
          x: low ? x + 11 : x + 11 + room.name.length * 8.2 + 8,
          y: low ? middle + 19 : middle,
          'text-anchor': 'start',
        },
        ...{ fill: lit ? LIT.text : INK.muted, 'font-size': 11 },
      },
      room.holds,
    );
  }
  for (const [i, number] of room.days.entries()) {
    drawDay(parent, { number, day, x: x + width - 8 - badges + i * (BADGE + 4) + 4, y: y + STOREY / 2 });
  }
}

const BADGE = 22;

/** Filled: today. A border: behind us. Nothing but the number: still to come. */
function drawDay(parent: Element, { number, day, x, y }: { number: number; day: number; x: number; y: number }): void {
  if (number <= day) {
    draw(parent, 'rect', {
      ...{ x, y: y - 9, width: BADGE, height: 18, rx: 9 },
      ...{
        fill: number === day ? LIT.text : INK.paper,
        stroke: number === day ? LIT.text : INK.node,
        'stroke-width': 1,
      },
    });
  }
  draw(
    parent,
    'text',
    {
      ...{ x: x + BADGE / 2, y: y + 4, 'text-anchor': 'middle', 'font-size': 11 },
      ...{ fill: number === day ? LIT.fill : INK.muted, 'font-weight': number === day ? 700 : 500 },
    },
    two(number),
  );
}

function two(day: number): string {
  return String(day).padStart(2, '0');
}
