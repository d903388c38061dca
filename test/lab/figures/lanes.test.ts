import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import { columnsOf, lanesFigure } from '../../../src/lab/figures/lanes.ts';
import { readElements } from '../markup.ts';

const deal = { title: 'Ours', lanes: 4, sums: 4 };
const texts = (svg: string) => readElements(svg).filter(({ name }) => name === 'text');

describe('lanesFigure', () => {
  it('draws each component once, in as many columns as additions wait', () => {
    expect(columnsOf(50, { lanes: 4, sums: 4 })).toEqual({ blocks: 3, merge: 4, tail: 2 });
    expect(columnsOf(50, { lanes: 1, sums: 1 })).toEqual({ blocks: 50, merge: 0, tail: 0 });
    const svg = lanesFigure(50, [deal], { title: 'Fifty', subtitle: 'of them' });
    expect(texts(svg).map(({ text }) => text)).toContain('Ours: 9 additions wait for one another');
    const cells = texts(svg).filter(({ attributes }) => attributes['font-size'] === '8');
    expect(cells.map(({ text }) => Number(text)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
    const columns = new Set(cells.map(({ attributes }) => attributes.x));
    expect(columns.size).toBe(3 + 2);
  });

  it('writes whatever title it is given', () => {
    const svg = lanesFigure(8, [{ ...deal, title: 'a & b' }], { title: 'x < y', subtitle: '"so"' });
    expect(svg).toContain('x &lt; y');
    expect(svg).toContain('a &amp; b: ');
    expect(svg).not.toMatch(/x < y</);
  });

  it('refuses lanes and sums that cannot be put together two by two', () => {
    for (const wrong of [0, -2, 3, 1.5, Number.NaN]) {
      expect(() => lanesFigure(8, [{ ...deal, lanes: wrong }])).toThrow(ParameterError);
      expect(() => lanesFigure(8, [{ ...deal, sums: wrong }])).toThrow(/^sums = .*: a power of two/);
    }
  });
});
