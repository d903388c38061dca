import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import { curveFigure } from '../../../src/lab/figures/curve.ts';
import { VIOLET } from '../../../src/lab/figures/theme.ts';
import { readElements } from '../markup.ts';

const point = (ef: number, recall: number, distances: number) => ({ ef, recall, distances });
const reference = [point(10, 0.9, 150), point(20, 0.95, 250), point(40, 0.99, 450)];

const texts = (svg: string) =>
  readElements(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);
const dots = (svg: string) => readElements(svg).filter(({ name }) => name === 'circle').length;

describe('curveFigure', () => {
  it('names every curve that is there, and the line of exact search', () => {
    const svg = curveFigure({
      ...{ learner: reference, reference, engine: reference, exact: 10_000, k: 5 },
      more: [{ label: 'day 02', points: reference }],
    });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['yours', 'reference', 'engine', 'day 02', 'exact: 10k', 'Recall@5, more accurate →']),
    );
    expect(dots(svg)).toBe(12);
  });

  it('gives others the colours that are asked for', () => {
    const strokes = (more: NonNullable<Parameters<typeof curveFigure>[0]['more']>) =>
      readElements(curveFigure({ reference, more, exact: 10_000 })).map(({ attributes }) => attributes.stroke);
    expect(strokes([{ label: 'day 02', points: reference }])).not.toContain(VIOLET.line);
    expect(strokes([{ label: 'day 02', points: reference, color: 6 }])).toContain(VIOLET.line);
  });

  it('does without the learner until there is one', () => {
    const svg = curveFigure({ learner: undefined, reference, exact: 10_000 });
    expect(texts(svg)).toContain('reference');
    expect(texts(svg)).not.toContain('yours');
  });

  it('draws the reference broad under the learner, so that both are seen where they agree', () => {
    const widths = (svg: string) =>
      readElements(svg).flatMap(({ attributes: { 'stroke-width': width } }) => (width ? [Number(width)] : []));
    expect(Math.max(...widths(curveFigure({ learner: reference, reference, exact: 10_000 })))).toBeGreaterThan(5);
    expect(Math.max(...widths(curveFigure({ reference, exact: 10_000 })))).toBeLessThan(5);
  });

  it('shows a single point with values around it to compare it with', () => {
    const svg = curveFigure({ reference: [point(24, 0.998, 180)], exact: 4000 });
    const ticks = texts(svg).filter((text) => /^[\d.,]+k?$/.test(text));
    expect(ticks.filter((tick) => Number(tick) < 1).length).toBeGreaterThanOrEqual(3);
    expect(ticks.filter((tick) => Number(tick) > 10).length).toBeGreaterThanOrEqual(2);
    expect(dots(svg)).toBe(1);
  });

  it('ends a curve where it is perfect, at a place that is marked 1', () => {
    const perfect = [...reference, point(80, 1, 800), point(160, 1, 1500)];
    const svg = curveFigure({ reference: perfect, exact: 10_000 });
    expect(dots(svg)).toBe(4);
    expect(texts(svg)).toContain('1');
    expect(texts(curveFigure({ reference, exact: 10_000 }))).not.toContain('1');
  });

  it('refuses a curve without points', () => {
    expect(() => curveFigure({ reference: [], exact: 10 })).toThrow(ParameterError);
    expect(() => curveFigure({ learner: [], reference, exact: 10 })).toThrow(/yours = no points/);
  });
});
