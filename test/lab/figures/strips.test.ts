import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import { stripsFigure } from '../../../src/lab/figures/strips.ts';
import { INK, PALETTE } from '../../../src/lab/figures/theme.ts';
import { readElements } from '../markup.ts';

const part = (size: number, color?: number) => ({ size, ...(color !== undefined && { color }) });
/** What is drawn in the colour of a palette's entry, pale or lit. */
const drawnIn = (svg: string, color: number) =>
  readElements(svg).filter(
    ({ name, attributes: { fill } }) =>
      name === 'rect' && (fill === PALETTE[color].line || fill === PALETTE[color].text),
  );
const texts = (svg: string) => readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));

describe('stripsFigure', () => {
  it('draws parts to scale, one behind the other, every strip in its full width', () => {
    const strips = [
      { label: 'a', parts: [part(30, 0), part(10, 1)] },
      { label: 'b', parts: [part(1, 0), part(3, 1)] },
    ];
    const svg = stripsFigure(strips, { width: 800 });
    const [firsts, seconds] = [drawnIn(svg, 0), drawnIn(svg, 1)].map((boxes) =>
      boxes.map(({ attributes }) => attributes),
    );
    expect(firsts).toHaveLength(2);
    // Between neighbours lies a pixel of paper.
    const widths = [...firsts, ...seconds].map(({ width }) => Number(width) + 1);
    expect(widths[0] / widths[2]).toBeCloseTo(3, 1);
    expect(widths[1] / widths[3]).toBeCloseTo(1 / 3, 1);
    expect(widths[0] + widths[2]).toBeCloseTo(widths[1] + widths[3], 1);
    for (const i of [0, 1]) expect(Number(seconds[i].x) - Number(firsts[i].x)).toBeCloseTo(widths[i], 1);
    expect(firsts[0].x).toBe(firsts[1].x);
    expect(Number(firsts[1].y)).toBeGreaterThan(Number(firsts[0].y) + Number(firsts[0].height));
  });

  it('writes labels, notes and the key, and in a part only what fits', () => {
    const parts = [
      { ...part(90, 0), text: 'wide' },
      { ...part(1, 1), text: 'narrow' },
    ];
    const svg = stripsFigure([{ label: 'left', parts, note: 'right' }], { key: [{ words: 'meaning', color: 0 }] });
    expect(texts(svg)).toEqual(['left', 'wide', 'right', 'meaning']);
  });

  it('tells lit from pale, and parts of no colour from both', () => {
    const svg = stripsFigure([{ label: 'a', parts: [{ ...part(1, 2), lit: true }, part(1, 2), part(1)] }]);
    const [lit, pale] = drawnIn(svg, 2).map(({ attributes }) => attributes);
    expect([lit.fill, lit['fill-opacity']]).toEqual([PALETTE[2].text, undefined]);
    expect(Number(pale['fill-opacity'])).toBeLessThan(0.5);
    const none = readElements(svg).filter(({ name, attributes }) => name === 'rect' && attributes.fill === INK.wash);
    expect(none).toHaveLength(1);
  });

  it('leaves out parts of no size, and shows the smallest', () => {
    const svg = stripsFigure([{ label: 'a', parts: [part(0, 0), part(1, 1), part(1_000_000, 2)] }]);
    expect(drawnIn(svg, 0)).toEqual([]);
    expect(Number(drawnIn(svg, 1)[0].attributes.width)).toBeGreaterThanOrEqual(0.5);
  });

  it('refuses what it cannot draw', () => {
    expect(() => stripsFigure([])).toThrow(ParameterError);
    for (const parts of [[], [part(0)], [part(-1), part(2)], [part(Number.NaN)]]) {
      expect(() => stripsFigure([{ label: 'a', parts }])).toThrow(/sizes from 0 up/);
    }
    expect(() => stripsFigure([{ label: 'a', parts: [part(1, 7)] }])).toThrow(/a colour of the palette, from 0 to 6/);
    const long = 'words that take all the room there is';
    expect(() => stripsFigure([{ label: long, parts: [part(1)] }], { width: 240 })).toThrow(/leave no room/);
  });
});
