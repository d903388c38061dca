import { describe, expect, it } from 'vitest';
import { DimensionError, ParameterError } from '../../../src/core/errors.ts';
import { graphFigure } from '../../../src/lab/figures/graph.ts';
import { INK, PALETTE } from '../../../src/lab/figures/theme.ts';
import { TWELVE_LINKS, TWELVE_POINTS } from '../../../src/lab/twelve-points.ts';
import { readElements } from '../markup.ts';

const paths = (svg: string) => readElements(svg).filter(({ name }) => name === 'path');
const moves = (d: string) => d.match(/M/g)?.length ?? 0;

describe('graphFigure', () => {
  it('draws every link once, however many ways it goes', () => {
    const [links] = paths(graphFigure(TWELVE_POINTS, TWELVE_LINKS)).filter(
      ({ attributes }) => attributes.stroke === INK.link,
    );
    const pairs = new Set(
      TWELVE_LINKS.flatMap((others, id) => others.map((other) => [id, other].sort((a, b) => a - b).join())),
    );
    expect(moves(links.attributes.d)).toBe(pairs.size);
  });

  it('draws the same where the last nodes have no list of links', () => {
    const points = TWELVE_POINTS.slice(0, 4);
    expect(graphFigure(points, [[], [3, 2]])).toBe(graphFigure(points, [[], [3, 2], [], []]));
  });

  it('names the nodes where they have names and room', () => {
    const letters = (svg: string) =>
      readElements(svg).filter(({ name, text }) => name === 'text' && /^[a-l]$/.test(text));
    expect(letters(graphFigure(TWELVE_POINTS, TWELVE_LINKS))).toHaveLength(12);
    const vectors = TWELVE_POINTS.map(({ vector }) => vector);
    expect(letters(graphFigure(vectors, TWELVE_LINKS))).toHaveLength(0);
  });

  it('tells groups apart by shape and colour, as one path each', () => {
    const some = [0, 1, 3];
    const groups = TWELVE_POINTS.map((_, id) => some[id % 3]);
    const svg = graphFigure(TWELVE_POINTS, [], { groups });
    const drawn = some.map((group) => paths(svg).find(({ attributes }) => attributes.fill === PALETTE[group].line)!);
    for (const { attributes } of drawn) expect(moves(attributes.d)).toBe(4);
    const shapes = drawn.map(({ attributes }) => attributes.d.replace(/[\d. -]+/g, ''));
    expect(new Set(shapes).size).toBe(3);
  });

  it('draws what was chosen strong and what was dropped dashed', () => {
    const svg = graphFigure(TWELVE_POINTS, TWELVE_LINKS, {
      strong: [[0, 3]],
      dropped: [
        [0, 1],
        [0, 2],
      ],
    });
    expect(paths(svg).filter(({ attributes }) => attributes['stroke-dasharray'] === '4 3')).toHaveLength(2);
    expect(paths(svg).filter(({ attributes }) => attributes['stroke-width'] === '2.25')).toHaveLength(1);
  });

  it('keeps the points to scale, x to the right and y upwards', () => {
    const svg = graphFigure(
      [
        { name: 'o', vector: [0, 0] },
        { name: 'x', vector: [2, 0] },
        { name: 'y', vector: [0, 1] },
      ],
      [],
    );
    const at = Object.fromEntries(
      readElements(svg).flatMap(({ name, text, attributes }) =>
        name === 'text' && 'oxy'.includes(text) ? [[text, [Number(attributes.x), Number(attributes.y)]]] : [],
      ),
    );
    expect(at.x[1]).toBe(at.o[1]);
    expect(at.y[0]).toBe(at.o[0]);
    expect(at.y[1]).toBeLessThan(at.o[1]);
    expect(at.x[0] - at.o[0]).toBeCloseTo(2 * (at.o[1] - at.y[1]), 0);
  });

  it('draws points that all lie at one place, and on one line', () => {
    const alone = { vector: Float32Array.of(3, 3), name: 'a' };
    for (const points of [[alone], [alone, alone], [alone, { name: 'b', vector: [4, 3] }]]) {
      expect(graphFigure(points, [])).not.toMatch(/NaN|Infinity/);
    }
  });

  it('stays a small file where the graph is large, and is refused where it would be a cloud', () => {
    const points = Array.from({ length: 800 }, (_, id) => [(id * 7919) % 1000, (id * 104729) % 997]);
    const links = (M: number) => points.map((_, id) => Array.from({ length: M }, (_, i) => (id * 31 + i * 97) % 800));
    expect(graphFigure(points, links(3)).length).toBeLessThan(60_000);
    expect(graphFigure(points, []).length).toBeLessThan(15_000);
    expect(() => graphFigure(points, links(16))).toThrow(/links = \d+ pairs: at most 3000/);
  });

  it.each([
    ['links', TWELVE_LINKS.with(3, [12]), {}],
    ['links', [...TWELVE_LINKS, [0]], {}],
    ['strong', [], { strong: [[0, 12] as const] }],
    ['dropped', [], { dropped: [[-1, 0] as const] }],
    ['labels', [], { labels: { 12: 'nowhere' } }],
  ])('refuses a node of %s that is none of the points', (parameter, links, options) => {
    const draw = () => graphFigure(TWELVE_POINTS, links, options);
    expect(draw).toThrow(ParameterError);
    expect(draw).toThrow(new RegExp(`^${parameter} = node (12|-1): an id of the 12 points, from 0 to 11`));
  });

  it('refuses points that do not lie in a plane', () => {
    expect(() => graphFigure([[1, 2, 3]], [])).toThrow(DimensionError);
  });
});
