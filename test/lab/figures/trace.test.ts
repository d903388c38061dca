import { describe, expect, it } from 'vitest';
import { DimensionError, ParameterError } from '../../../src/core/errors.ts';
import { ROLE_STYLES } from '../../../src/lab/figures/node-link.ts';
import { INK } from '../../../src/lab/figures/theme.ts';
import { traceFigure } from '../../../src/lab/figures/trace.ts';
import { SearchTrace } from '../../../src/lab/trace.ts';
import { TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from '../../../src/lab/twelve-points.ts';
import { readElements } from '../markup.ts';
import { greedyTrace, TWO_LAYERS } from '../walks.ts';

const { query, nearest, stuckAt } = TWELVE_TRAP;
const options = { points: TWELVE_POINTS, links: TWELVE_LINKS, query };
const texts = (svg: string) =>
  readElements(svg)
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text);

/** The names written in one ink, in the order of the picture. */
function named(svg: string, ink: string): string {
  const elements = readElements(svg);
  let inside = '';
  let names = '';
  for (const { name, attributes, text } of elements) {
    if (name === 'g' && attributes.fill) inside = attributes.fill;
    else if (name !== 'text') inside = '';
    else if (inside === ink && attributes.fill === undefined) names += text;
  }
  return names;
}

describe('a search in one picture', () => {
  const svg = traceFigure(greedyTrace(), { ...options, nearest, found: [stuckAt] });

  it('tells apart what was read, what was left aside and what was never touched', () => {
    expect(named(svg, ROLE_STYLES.visited.ink)).toBe('adgl');
    expect(named(svg, ROLE_STYLES.pruned.ink)).toBe('bcehk');
    expect(named(svg, ROLE_STYLES.untouched.ink)).toBe('fij');
  });

  it('numbers the hops, points along them, and counts in its key', () => {
    const numbers = texts(svg).filter((text) => /^\d+$/.test(text));
    expect(numbers).toEqual(['1', '2', '3', '4']);
    const heads = readElements(svg).filter(
      ({ name, attributes }) => name === 'path' && attributes.fill === ROLE_STYLES.visited.fill && !attributes.stroke,
    );
    expect(heads).toHaveLength(3);
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['4 read, in this order', '5 compared, left aside', '3 never touched']),
    );
  });

  it('says where the query is, what is nearest and where the search got stuck', () => {
    expect(texts(svg)).toEqual(expect.arrayContaining(['query', 'nearest', 'stuck here']));
    const arrived = traceFigure(greedyTrace([TWELVE_LINKS], nearest), { ...options, nearest, found: [nearest] });
    expect(texts(arrived)).toContain('nearest, found');
    expect(texts(arrived)).not.toContain('stuck here');
  });

  it('calls nothing stuck where it is not told what is nearest', () => {
    expect(texts(traceFigure(greedyTrace(), { ...options, found: [stuckAt] }))).not.toContain('stuck here');
  });

  it('gives every role a shape or a fill of its own, not a colour alone', () => {
    const looks = Object.values(ROLE_STYLES).map(
      ({ shape, dashed, fill }) => `${shape} ${dashed} ${fill === '#ffffff'}`,
    );
    expect(new Set(looks).size).toBe(4);
  });
});

describe('a search hop by hop', () => {
  it('has a small picture for the start and for every hop', () => {
    const svg = traceFigure(greedyTrace(), { ...options, panels: 'hops' });
    const words = texts(svg);
    expect(words.filter((text) => /^(Start|Hop)/.test(text))).toEqual([
      'Start',
      'Hop 1: read a',
      'Hop 2: read d',
      'Hop 3: read g',
      'Hop 4: read l',
    ]);
    expect(words).toEqual(expect.arrayContaining(['compare a', 'compare b, c, d, k', 'nothing new to compare']));
  });

  it('of a long search shows the first hops and the last', () => {
    const trace = new SearchTrace();
    for (let i = 0; i < 40; i++) {
      trace.distance(i % 12, 1);
      trace.hop(i % 12);
    }
    const hops = texts(traceFigure(trace, { ...options, panels: 'hops' })).filter((text) => text.startsWith('Hop'));
    expect(hops).toHaveLength(11);
    expect(hops.at(0)).toBe('Hop 1: read a');
    expect(hops.at(-1)).toBe('Hop 40: read d');
  });
});

describe('a search through layers', () => {
  const svg = traceFigure(greedyTrace(TWO_LAYERS, 3), { ...options, layers: TWO_LAYERS });

  it('has a storey a layer, the highest on top, with those who live there', () => {
    const levels = readElements(svg).flatMap(({ name, attributes, text }) =>
      name === 'text' && text.startsWith('level') ? [[text, Number(attributes.y)] as const] : [],
    );
    expect(levels.map(([text]) => text)).toEqual(['level 1', 'level 0']);
    expect(levels[0][1]).toBeLessThan(levels[1][1]);
    const letters = texts(svg).filter((text) => /^[a-l]$/.test(text));
    expect(letters).toHaveLength(4 + 12);
  });

  it('numbers the hops through all layers', () => {
    const numbers = texts(svg).filter((text) => /^\d+$/.test(text));
    expect(numbers.map(Number)).toEqual(Array.from({ length: greedyTrace(TWO_LAYERS, 3).hops }, (_, i) => i + 1));
  });

  it('is one picture where there is one layer', () => {
    expect(texts(traceFigure(greedyTrace(), { ...options, layers: [TWELVE_LINKS] }))).not.toContain('level 0');
  });
});

describe('a large graph', () => {
  const side = 40;
  const points = Array.from({ length: side * side }, (_, id) => Float32Array.of(id % side, Math.floor(id / side)));
  const links = points.map((_, id) =>
    [id - 1, id + 1, id - side, id + side].filter((other) => other >= 0 && other < side * side),
  );
  const trace = new SearchTrace();
  for (let id = 0; id < side; id++) {
    trace.distance(id, side - id);
    trace.hop(id);
  }

  it('stays a small file', () => {
    expect(traceFigure(trace, { points, links, query: [side, 0] }).length).toBeLessThan(60_000);
  });

  it('leaves out numbers that would lie on each other', () => {
    // The same walk, in a third of the width.
    const crowded = [...points, Float32Array.of(3 * side, 0)];
    const numbers = readElements(traceFigure(trace, { points: crowded, query: [side, 0] })).flatMap(
      ({ name, text, attributes: { x, y } }) => (name === 'text' && /^\d+$/.test(text) ? [[Number(x), Number(y)]] : []),
    );
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers.length).toBeLessThan(side);
    for (const [i, [x, y]] of numbers.entries()) {
      for (const [otherX, otherY] of numbers.slice(i + 1))
        expect(Math.hypot(x - otherX, y - otherY)).toBeGreaterThan(10);
    }
  });

  it('sets a number on another shoulder where the query covers the usual one', () => {
    const numbers = texts(traceFigure(trace, { points, query: [side - 0.5, 0.5] })).filter((text) =>
      /^\d+$/.test(text),
    );
    expect(numbers).toContain(String(side));
  });

  it('draws untouched nodes as dots, in the key as in the picture', () => {
    const rings = (some: typeof points) =>
      readElements(traceFigure(trace, { points: some, query: [side, 0] })).filter(
        ({ attributes: { fill, stroke } }) =>
          fill === ROLE_STYLES.untouched.fill && stroke === ROLE_STYLES.untouched.stroke,
      ).length;
    expect(rings(points)).toBe(0);
    expect(rings(points.slice(0, 2 * side))).toBe(2);
  });

  it('names the query a little off where it is in the thick of it, with a line to it', () => {
    // The row that is walked, and a knot of points in the middle of nowhere.
    const knot = Array.from({ length: 81 }, (_, i) =>
      Float32Array.of(side / 2 + ((i % 9) - 4) * 0.4, side / 2 + (Math.floor(i / 9) - 4) * 0.4),
    );
    const row = points.slice(0, side);
    const leaders = (query: [number, number]) =>
      readElements(
        traceFigure(trace, { points: [...row, ...knot], query, nearest: side - 1, found: [side - 1] }),
      ).filter(
        ({ name, attributes }) =>
          name === 'path' && attributes['stroke-width'] === '1' && attributes.stroke === INK.text,
      ).length;
    expect(leaders([side / 2, side / 2])).toBe(1);
    expect(leaders([side / 4, side / 2])).toBe(0);
  });
});

describe('what cannot be drawn', () => {
  it.each([
    ['a search that read nothing', () => traceFigure(new SearchTrace(), options), ParameterError, /0 hops/],
    ['no points', () => traceFigure(greedyTrace(), { ...options, points: [] }), ParameterError, /points = none/],
    [
      'fewer points than nodes',
      () => traceFigure(greedyTrace(), { ...options, points: TWELVE_POINTS.slice(0, 3) }),
      ParameterError,
      /trace = node 3: an id of the 3 points, from 0 to 2/,
    ],
    [
      'a link to nowhere',
      () => traceFigure(greedyTrace(), { ...options, links: TWELVE_LINKS.with(5, [0, 12]) }),
      ParameterError,
      /links = node 12: an id of the 12 points, from 0 to 11/,
    ],
    [
      'a link to nowhere on an upper layer',
      () => traceFigure(greedyTrace(), { ...options, layers: [TWELVE_LINKS, [[12]]] }),
      ParameterError,
      /layers\[1\] = node 12/,
    ],
    [
      'a nearest that is no point',
      () => traceFigure(greedyTrace(), { ...options, nearest: 12 }),
      ParameterError,
      /nearest = node 12/,
    ],
    [
      'an answer that is no point',
      () => traceFigure(greedyTrace(), { ...options, found: [3, -1] }),
      ParameterError,
      /found = node -1/,
    ],
    [
      'points of three dimensions',
      () => traceFigure(greedyTrace(), { ...options, points: [Float32Array.of(1, 2, 3)] }),
      DimensionError,
      /points\[0\]: dimension 3/,
    ],
    ['a query of one', () => traceFigure(greedyTrace(), { ...options, query: [1] }), DimensionError, /query/],
    [
      'a query nowhere',
      () => traceFigure(greedyTrace(), { ...options, query: [1, Number.NaN] }),
      ParameterError,
      /NaN/,
    ],
    ['no width', () => traceFigure(greedyTrace(), { ...options, width: 10 }), ParameterError, /width = 10/],
  ])('%s is refused', (_, draw, type, message) => {
    expect(draw).toThrow(type);
    expect(draw).toThrow(message);
  });
});
