import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import type { Box } from '../../../src/lab/figures/box.ts';
import { cellsFigure } from '../../../src/lab/figures/cells.ts';
import { PALETTE } from '../../../src/lab/figures/theme.ts';
import { readElements } from '../markup.ts';

const boxesOf = (svg: string) =>
  readElements(svg)
    .filter(({ name, attributes }) => name === 'rect' && attributes.rx !== '6')
    .map(({ attributes }) => attributes);
const wordsOf = (svg: string) => readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));
const hex = (n: number): Box[] =>
  Array.from({ length: n }, (_, i) => ({ text: i.toString(16).padStart(2, '0'), color: i % 3 }));

describe('cellsFigure', () => {
  it('puts the cells into rows in their order, each where its column is', () => {
    const svg = cellsFigure(hex(20), { perRow: 8 });
    expect(wordsOf(svg)).toEqual(hex(20).map(({ text }) => text));
    const boxes = boxesOf(svg);
    expect(boxes).toHaveLength(20);
    expect(new Set(boxes.map(({ y }) => y)).size).toBe(3);
    expect(new Set(boxes.map(({ x }) => x)).size).toBe(8);
    expect([boxes[8].x, boxes[16].x]).toEqual([boxes[0].x, boxes[0].x]);
  });

  it('makes one box of neighbours that look alike and say nothing, within a row', () => {
    const cells = Array.from({ length: 96 }, (_, i): Box => ({ color: i < 40 ? 0 : 1 }));
    const boxes = boxesOf(cellsFigure(cells, { perRow: 32 }));
    expect(boxes.map(({ fill }) => fill)).toEqual([0, 0, 1, 1].map((color) => PALETTE[color].line));
    const [whole, eight, rest] = boxes.map(({ width }) => Number(width) + 1);
    expect(whole / eight).toBeCloseTo(4, 1);
    expect(eight + rest).toBeCloseTo(whole, 1);
    const lit = boxesOf(cellsFigure([{ color: 0 }, { color: 0, lit: true }], { perRow: 2 }));
    expect(lit).toHaveLength(2);
  });

  it('says where rows begin: all of them, or as many as there is room for', () => {
    const rowLabel = (first: number) => `at ${first}`;
    const tall = cellsFigure(hex(30), { perRow: 10, rowLabel });
    expect(wordsOf(tall).filter((text) => text.startsWith('at'))).toEqual(['at 0', 'at 10', 'at 20']);
    const cells = Array.from({ length: 640 }, (): Box => ({ color: 0 }));
    const labels = wordsOf(cellsFigure(cells, { perRow: 64, rowLabel }));
    expect(labels[0]).toBe('at 0');
    expect(labels.length).toBeLessThan(10);
    expect(labels.length).toBeGreaterThan(3);
  });

  it('has a key below', () => {
    const plain = cellsFigure(hex(4), { perRow: 4 });
    const keyed = cellsFigure(hex(4), { perRow: 4, key: [{ words: 'nobody', color: 1, lit: true }] });
    expect(wordsOf(keyed).at(-1)).toBe('nobody');
    expect(boxesOf(keyed)).toHaveLength(boxesOf(plain).length + 1);
  });

  it('refuses what it cannot draw', () => {
    expect(() => cellsFigure([], { perRow: 4 })).toThrow(ParameterError);
    for (const perRow of [0, -1, 1.5, Number.NaN]) expect(() => cellsFigure(hex(4), { perRow })).toThrow(/perRow/);
    expect(() => cellsFigure([{ color: -1 }], { perRow: 1 })).toThrow(/a colour of the palette/);
  });
});
