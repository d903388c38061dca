import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../src/core/errors.ts';
import {
  cellsFigure,
  curveFigure,
  engineMap,
  graphFigure,
  growthFigure,
  lineFigure,
  panelsFigure,
  recallDistancesFigure,
  recallLatencyFigure,
  recallQpsFigure,
  stripsFigure,
  toDataUri,
  traceFigure,
} from '../../src/lab/figures.ts';
import { TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from '../../src/lab/twelve-points.ts';
import { readElements } from './markup.ts';
import { exactRow, plausibleRows, rowsFromDisk } from './rows.ts';
import { greedyTrace, TWO_LAYERS } from './walks.ts';

const rows = [...plausibleRows(), ...plausibleRows({ codes: 'f32', slowdown: 2.5 }), exactRow()];
const growth = ['hnsw sq7', 'hnsw f32'].flatMap((series) =>
  [10_000, 30_000, 100_000].map((n) => ({ series, n, distances: 90 * n ** 0.2, us: 3 * n ** 0.2 })),
);
const texts = (svg: string) =>
  readElements(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);
const count = (svg: string, name: string) => readElements(svg).filter((element) => element.name === name).length;

const { query, nearest, stuckAt } = TWELVE_TRAP;
const walk = { points: TWELVE_POINTS, links: TWELVE_LINKS, query, nearest, found: [stuckAt], title: 'Stuck' };
const work = (factor: number) =>
  [10, 20, 40].map((ef) => ({ ef, recall: 1 - 1 / ef, distances: factor * (50 + 10 * ef) }));

describe('every figure', () => {
  const figures = {
    curve: (width: number) =>
      curveFigure({ learner: work(1.2), reference: work(1.1), engine: work(1), exact: 10_000, width }),
    trace: (width: number) => traceFigure(greedyTrace(), { ...walk, width }),
    hops: (width: number) => traceFigure(greedyTrace(), { ...walk, panels: 'hops', width }),
    layers: (width: number) => traceFigure(greedyTrace(TWO_LAYERS, 3), { ...walk, layers: TWO_LAYERS, width }),
    graph: (width: number) =>
      graphFigure(TWELVE_POINTS, TWELVE_LINKS, {
        ...{ title: 'Twelve', query, strong: [[11, 4]], dropped: [[0, 1]], labels: { 0: 'entry' }, width },
        groups: TWELVE_POINTS.map((_, id) => id % 5),
      }),
    map: (width: number) => engineMap(3, { width }),
    strips: (width: number) =>
      stripsFigure(
        ['before', 'after'].map((label, i) => ({
          ...{ label, note: '3 KiB' },
          parts: [
            { size: 1, color: i, lit: true, text: 'header' },
            { size: 2, color: 2, text: 'records' },
            { size: i },
          ],
        })),
        { width, title: 'A file', key: [{ words: 'header', color: 0, lit: true }, { words: 'zeros' }] },
      ),
    cells: (width: number) =>
      cellsFigure(
        Array.from({ length: 300 }, (_, i) => ({ color: i % 7, lit: i > 200, ...(i < 32 && { text: 'ff' }) })),
        { width, perRow: 16, rowLabel: (first) => `block ${first}`, title: 'Blocks', subtitle: 'in order' },
      ),
    panels: (width: number) =>
      panelsFigure(
        [1, 2].map((step) => ({
          ...{ title: `Step ${step}`, note: 'and a note', points: TWELVE_POINTS.map(({ vector: at }) => ({ at })) },
          marks: [{ at: query, color: step, shape: 'star' as const }],
          cells: { sites: TWELVE_POINTS.map(({ vector }) => vector) },
        })),
        { width, title: 'Twice' },
      ),
    qps: (width: number) => recallQpsFigure(rows, { width }),
    latency: (width: number) => recallLatencyFigure(rows, { width }),
    distances: (width: number) => recallDistancesFigure(rows, { width }),
    growth: (width: number) => growthFigure(growth, { cost: 'us', width }),
  };

  it.each(Object.entries(figures))('%s is well-formed SVG of the asked width that needs nothing else', (_, draw) => {
    for (const width of [380, 720]) {
      const svg = draw(width);
      const [root, ...rest] = readElements(svg);
      expect(root.name).toBe('svg');
      expect(root.attributes).toMatchObject({ xmlns: 'http://www.w3.org/2000/svg', width: String(width), role: 'img' });
      expect(root.attributes['aria-label']).not.toBe('');
      expect(rest.map(({ name }) => name)).not.toContain('script');
      expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|<image/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.length).toBeLessThan(60_000);
    }
  });

  it.each(Object.entries(figures))('%s is the same every time', (_, draw) => {
    expect(draw(600)).toBe(draw(600));
  });

  it.each(Object.entries(figures))('%s has coordinates of at most two decimals, alike on every machine', (_, draw) => {
    for (const { attributes } of readElements(draw(600))) {
      for (const [name, value] of Object.entries(attributes)) {
        if (!name.startsWith('aria')) expect(value, name).not.toMatch(/\d\.\d{3}/);
      }
    }
  });

  it.each(Object.entries(figures))('%s has a colour for dark pages for each of its colours', (_, draw) => {
    const svg = draw(600);
    const [, light, dark] = svg.match(/^([\s\S]*)@media \(prefers-color-scheme: dark\)([\s\S]*)$/)!;
    const used = new Set(
      [...(light + dark.slice(dark.indexOf('</style>'))).matchAll(/(?:fill|stroke)="(#[\da-f]+)"/g)].map(
        ([, hex]) => hex,
      ),
    );
    expect(used.size).toBeGreaterThan(3);
    for (const hex of used) expect(dark).toContain(`="${hex}"]`);
  });

  it.each(Object.entries(figures))('%s keeps its words within its frame', (_, draw) => {
    for (const width of [400, 720]) {
      const [root, ...rest] = readElements(draw(width));
      const words = rest.filter(({ name, attributes }) => name === 'text' && attributes['text-anchor'] && attributes.x);
      expect(words.length).toBeGreaterThan(2);
      for (const { attributes, text } of words) {
        const wide = text.length * Number(attributes['font-size']) * 0.55;
        const left = Number(attributes.x) - wide * { start: 0, middle: 0.5, end: 1 }[attributes['text-anchor']]!;
        expect(left, text).toBeGreaterThanOrEqual(0);
        expect(left + wide, text).toBeLessThanOrEqual(Number(root.attributes.width));
      }
    }
  });
});

describe('what a figure says', () => {
  it('names each line and the exact search', () => {
    expect(texts(recallQpsFigure(rows))).toEqual(
      expect.arrayContaining(['hnsw sq7', 'hnsw f32', 'exact: 310/s', '↑ Queries per second, one thread']),
    );
    expect(texts(recallLatencyFigure(rows))).toEqual(
      expect.arrayContaining(['hnsw sq7, mean', 'hnsw sq7, p99', 'hnsw f32, mean', 'hnsw f32, p99', 'exact: 3,200 µs']),
    );
    expect(texts(recallDistancesFigure(rows))).toEqual(expect.arrayContaining(['hnsw sq7', 'exact: 60k']));
    const opened = [...rows, ...rowsFromDisk()];
    expect(texts(recallQpsFigure(opened))).toContain('hnsw sq7 from disk');
    expect(texts(recallQpsFigure(opened, { width: 380 })), 'short where room is').toContain('from disk');
    const counted = growth.map(({ us, ...point }) => point);
    expect(growthFigure(counted, { cost: 'distances' })).toBe(growthFigure(growth, { cost: 'distances' }));
    // @ts-expect-error points without a time have none to draw
    expect(() => growthFigure(counted, { cost: 'us' })).toThrow(ParameterError);
    expect(texts(growthFigure(growth, { cost: 'distances' }))).toEqual(
      expect.arrayContaining(['hnsw sq7', 'hnsw f32', 'Vectors in the set →']),
    );
  });

  it('tears the axis where the exact search is so far off that the curves would shrink', () => {
    const tears = (svg: string) => {
      const elements = readElements(svg);
      const at = elements.findIndex(({ attributes }) => attributes['aria-label'] === 'tears');
      return elements.slice(at + 1).findIndex(({ name }) => name !== 'path');
    };
    const near = recallQpsFigure([...plausibleRows(), { ...exactRow(), qps: 3000 }]);
    const far = recallQpsFigure([...plausibleRows(), { ...exactRow(), qps: 3 }]);
    expect(tears(near)).toBe(0);
    expect(tears(far)).toBe(2);
    expect(texts(far)).toContain('exact: 3/s');
    const ticks = texts(far).filter((text) => /^[\d,]+k?$/.test(text));
    expect(ticks.length).toBeGreaterThan(2);
    for (const tick of ticks) expect(Number(tick.replace('k', '000').replace(',', ''))).toBeGreaterThan(3000);
    const dots = (svg: string) => readElements(svg).flatMap(({ attributes: { cy } }) => (cy ? [Number(cy)] : []));
    const tallness = (svg: string) => Math.max(...dots(svg)) - Math.min(...dots(svg));
    expect(tallness(far)).toBeGreaterThan(200);
  });

  it('leaves out a series without points, and the others keep their colours', () => {
    const one = (label: string, points: { x: number; y: number }[]) => ({ label, points });
    const figure = (series: Parameters<typeof lineFigure>[0]['series']) =>
      lineFigure({ x: { label: 'x', scale: 'linear' }, y: { label: 'y', scale: 'linear' }, series });
    const [a, c] = [[{ x: 1, y: 1 }], [{ x: 2, y: 2 }]];
    const svg = figure([one('a', a), one('b', []), one('c', c)]);
    expect(texts(svg)).toEqual(expect.arrayContaining(['a', 'c']));
    expect(texts(svg)).not.toContain('b');
    expect(svg).toBe(figure([one('a', a), { ...one('c', c), color: 2 }]));
    expect(() => figure([one('a', []), one('b', [])])).toThrow(/series = no points/);
  });

  it('writes every note of a series whose dots are named, and of others only what finds room', () => {
    const points = Array.from({ length: 12 }, (_, i) => ({ x: 100 + (i % 3), y: 10 + i, note: `note ${i}` }));
    const axes = { x: { label: 'x', scale: 'linear' }, y: { label: 'y', scale: 'linear' } } as const;
    const noted = (named: boolean) =>
      texts(lineFigure({ ...axes, series: [{ label: 'a', points, named }] })).filter((words) =>
        words.startsWith('note'),
      );
    expect(noted(true).sort()).toEqual(points.map(({ note }) => note).sort());
    expect(noted(false).length).toBeLessThan(points.length);
  });

  it('draws one dot a measurement', () => {
    expect(count(recallQpsFigure(rows), 'circle')).toBe(12);
    expect(count(growthFigure(growth, { cost: 'us' }), 'circle')).toBe(6);
  });

  it('spreads the recalls next to 1', () => {
    const at = (recall: number) => ({ x: recall, y: 1 });
    const svg = lineFigure({
      x: { label: 'x', scale: 'recall' },
      y: { label: 'y', scale: 'linear' },
      series: [{ label: 'one', points: [at(0.9), at(0.99), at(0.999)] }],
    });
    const x = readElements(svg)
      .filter(({ name }) => name === 'circle')
      .map(({ attributes }) => Number(attributes.cx));
    expect(x[2] - x[1]).toBeCloseTo(x[1] - x[0], 1);
  });

  it('says so where a recall of 1 is drawn at the end of its axis', () => {
    const best = (recall: number) =>
      plausibleRows().map((row) => ({ ...row, recall: row.efSearch === 320 ? recall : row.recall }));
    expect(texts(recallQpsFigure(best(1)))).toContain('1');
    expect(texts(recallQpsFigure(best(0.99995)))).toContain('≥ 0.9999');
    for (const end of ['1', '≥ 0.9999']) expect(texts(recallQpsFigure(rows))).not.toContain(end);
  });

  it('escapes names', () => {
    const svg = recallQpsFigure(plausibleRows({ index: '<b>"&' }));
    expect(texts(svg)).toContain('<b>"& sq7');
    expect(count(svg, 'b')).toBe(0);
  });

  it('leaves out engines that do not count their work', () => {
    const uncounted = plausibleRows({ index: 'other' }).map((row) => ({ ...row, distances: null, hops: null }));
    expect(texts(recallDistancesFigure([...rows, ...uncounted]))).not.toContain('other sq7');
    expect(texts(recallQpsFigure([...rows, ...uncounted]))).toContain('other sq7');
  });

  it('refuses what it cannot draw', () => {
    const draw = (y: number) =>
      lineFigure({
        x: { label: 'x', scale: 'linear' },
        y: { label: 'y', scale: 'log' },
        series: [{ label: 'one', points: [{ x: 1, y }] }],
      });
    for (const y of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => draw(y)).toThrow(ParameterError);
    expect(readElements(draw(5))).not.toHaveLength(0);
    expect(() => recallQpsFigure([])).toThrow(/no points/);
  });

  it('travels as a data address', () => {
    const svg = recallQpsFigure(rows);
    const [head, body] = toDataUri(svg).split(',');
    expect(head).toBe('data:image/svg+xml;base64');
    expect(Buffer.from(body, 'base64').toString()).toBe(svg);
  });
});
