import { describe, expect, it } from 'vitest';
import { DimensionError, ParameterError } from '../../../src/core/errors.ts';
import { panelsFigure } from '../../../src/lab/figures/panels.ts';
import { INK, PALETTE } from '../../../src/lab/figures/theme.ts';
import { readElements } from '../markup.ts';

const texts = (svg: string) => readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));
const paths = (svg: string) => readElements(svg).filter(({ name }) => name === 'path');
const corner = (d: string) => d.match(/-?[\d.]+/g)!.map(Number);
const POINTS = [{ at: [0, 0] }, { at: [4, 2], color: 1 }];

describe('panelsFigure', () => {
  it('shows the same part of the plane in every panel, equally large', () => {
    const panels = [
      { title: 'one', points: POINTS },
      { title: 'two', note: 'and a note', points: [{ at: [4, 2], color: 1 }] },
    ];
    const svg = panelsFigure(panels, { width: 800, title: 'both' });
    expect(texts(svg)).toEqual(['both', 'one', 'two', 'and a note']);
    const frames = readElements(svg).filter(({ name, attributes }) => name === 'rect' && attributes.fill === INK.wash);
    expect(frames).toHaveLength(2);
    expect(frames[0].attributes.width).toBe(frames[1].attributes.width);
    const [first, second] = paths(svg)
      .filter(({ attributes }) => attributes.stroke === PALETTE[1].line)
      .map(({ attributes }) => corner(attributes.d));
    const apart = Number(frames[1].attributes.x) - Number(frames[0].attributes.x);
    expect(second[0] - first[0]).toBeCloseTo(apart, 0);
    expect(second[1]).toBe(first[1]);
  });

  it('lays cells, dots, lines and marks over one another, each in its colour, and cells to the edge', () => {
    const svg = panelsFigure([
      {
        title: 'all',
        points: POINTS,
        cells: {
          sites: [
            [0, 0],
            [4, 2],
          ],
        },
        lines: [
          { from: [0, 0], to: [99, 99], color: 2 },
          { from: [0, 0], to: [4, 2], color: 3, arrow: true },
        ],
        marks: [
          { at: [4, 2], color: 4, shape: 'square' },
          { at: [0, 0], color: 5, hollow: true },
        ],
        labels: [{ at: [4, 2], words: 'here' }],
      },
    ]);
    const drawn = paths(svg).map(({ attributes }) => attributes);
    const pale = drawn.filter((one) => one['fill-opacity'] !== undefined);
    expect(pale.map(({ fill }) => fill)).toEqual([PALETTE[0].line, PALETTE[1].line]);
    for (const color of [2, 3]) expect(drawn.some(({ stroke }) => stroke === PALETTE[color].line)).toBe(true);
    expect(drawn.some(({ fill }) => fill === PALETTE[4].line)).toBe(true);
    expect(drawn.some(({ fill, stroke }) => fill === INK.paper && stroke === PALETTE[5].line)).toBe(true);
    expect(texts(svg)).toContain('here');
    // A line that leaves the picture stays in its frame.
    const frame = readElements(svg).find(({ attributes }) => attributes.fill === INK.wash)!.attributes;
    const [, , x, y] = corner(drawn.find(({ stroke }) => stroke === PALETTE[2].line)!.d);
    expect(x).toBeLessThanOrEqual(Number(frame.x) + Number(frame.width) + 0.5);
    expect(y).toBeGreaterThanOrEqual(Number(frame.y) - 0.5);
  });

  it('lays regions under the dots, cut off at the edge, and leaves those out that are not in the picture', () => {
    const square = (from: number, to: number): [number, number][] => [
      [from, from],
      [to, from],
      [to, to],
      [from, to],
    ];
    const regions = [
      { corners: square(1, 999), color: 2 },
      { corners: square(500, 999), color: 3 },
    ];
    const svg = panelsFigure([{ title: 'region', points: POINTS, regions }]);
    const pale = paths(svg).filter(({ attributes }) => attributes['fill-opacity'] !== undefined);
    expect(pale.map(({ attributes }) => attributes.fill)).toEqual([PALETTE[2].line]);
    const frame = readElements(svg).find(({ attributes }) => attributes.fill === INK.wash)!.attributes;
    const numbers = corner(pale[0].attributes.d);
    const [xs, ys] = [0, 1].map((axis) => numbers.filter((_, i) => i % 2 === axis));
    expect(Math.max(...xs)).toBeCloseTo(Number(frame.x) + Number(frame.width), 0);
    expect(Math.min(...ys)).toBeCloseTo(Number(frame.y), 0);
    expect(Math.min(...xs)).toBeGreaterThan(Number(frame.x));
  });

  it('begins a new row after so many panels', () => {
    const panels = Array.from({ length: 5 }, (_, i) => ({ title: `panel ${i}`, points: POINTS }));
    const heightOf = (perRow: number) => Number(readElements(panelsFigure(panels, { perRow }))[0].attributes.height);
    const titles = readElements(panelsFigure(panels, { perRow: 2 })).filter(({ text }) => text.startsWith('panel'));
    expect(new Set(titles.map(({ attributes }) => attributes.y)).size).toBe(3);
    expect(heightOf(1)).toBeGreaterThan(heightOf(5));
  });

  it('counts colours on from the beginning of the palette, and is the same bytes every time', () => {
    const panels = [{ title: 'a', points: [{ at: [0, 0], color: PALETTE.length + 1 }] }];
    expect(panelsFigure(panels)).toContain(PALETTE[1].line);
    expect(panelsFigure(panels)).toBe(panelsFigure(panels));
  });

  it('refuses what it cannot draw', () => {
    expect(() => panelsFigure([])).toThrow(ParameterError);
    expect(() => panelsFigure([{ title: 'empty' }])).toThrow(/at least one point or mark/);
    expect(() => panelsFigure([{ title: 'a', points: POINTS }], { perRow: 0 })).toThrow(/perRow/);
    expect(() => panelsFigure([{ title: 'a', points: [{ at: [1, 2, 3] }] }])).toThrow(DimensionError);
    expect(() => panelsFigure([{ title: 'a', points: [{ at: [1, Number.NaN] }] }])).toThrow(ParameterError);
  });
});
