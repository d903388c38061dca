import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import { type InterleavingFigure, interleavingFigure } from '../../../src/lab/figures/interleaving.ts';
import { readElements } from '../markup.ts';

const word = (text: string, faint = false) => ({ text, faint });
const figure: InterleavingFigure = {
  title: 'Two beside two',
  threads: ['A', 'B'],
  heads: ['lock', 'count'],
  before: [word(''), word('0')],
  steps: [
    { thread: 'A', kind: 'read', says: 'count = 0', words: [word(''), word('0')] },
    { thread: 'B', kind: 'write', says: 'count ← 1', words: [word(''), word('1')] },
    { thread: 'A', kind: 'wait', says: 'lock is B’s', words: [word('B', true), word('1')] },
  ],
};
const texts = (svg: string) => readElements(svg).flatMap(({ name, text }) => (name === 'text' ? [text] : []));
const rects = (svg: string) => readElements(svg).filter(({ name }) => name === 'rect');

describe('interleavingFigure', () => {
  it('says every step, in its thread’s column, and shows the memory after it', () => {
    const svg = interleavingFigure(figure);
    const said = readElements(svg).filter(({ name, text }) => name === 'text' && /count [=←]|lock is/.test(text));
    expect(said.map(({ text }) => text)).toEqual(['count = 0', 'count ← 1', 'lock is B’s']);
    const columns = said.map(({ attributes }) => Number(attributes.x));
    expect(columns[0]).toBe(columns[2]);
    expect(columns[1]).toBeGreaterThan(columns[0]);
    const rows = said.map(({ attributes }) => Number(attributes.y));
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['Two beside two', 'A', 'B', 'lock', 'count', 'before', '1', '2', '3']),
    );
  });

  it('lights up the words that a step changed, and only these', () => {
    const lit = (steps: InterleavingFigure['steps']) =>
      rects(interleavingFigure({ ...figure, steps })).filter(({ attributes }) => attributes.fill === '#ffe9a8').length;
    expect(lit(figure.steps)).toBe(2);
    expect(lit(figure.steps.slice(0, 1))).toBe(0);
  });

  it('has a key to the signs that it shows, and numbers steps from where it is told to', () => {
    expect(texts(interleavingFigure(figure))).toEqual(expect.arrayContaining(['reads', 'writes', 'asks in vain']));
    const first = interleavingFigure({ ...figure, steps: figure.steps.slice(0, 1), from: 10 });
    expect(texts(first)).toContain('10');
    expect(texts(first)).toContain('reads');
    expect(texts(first)).not.toContain('writes');
  });

  it('is never so narrow that words do not fit', () => {
    const widthOf = (svg: string) => Number(readElements(svg)[0].attributes.width);
    expect(widthOf(interleavingFigure(figure))).toBe(640);
    const [step] = figure.steps;
    const long = { ...step, says: 'a step that takes many words to say what it did and why' };
    expect(widthOf(interleavingFigure({ ...figure, width: 300, steps: [long] }))).toBeGreaterThan(800);
  });

  it('refuses what does not fit together', () => {
    const [step] = figure.steps;
    expect(() => interleavingFigure({ ...figure, threads: [] })).toThrow(ParameterError);
    expect(() => interleavingFigure({ ...figure, steps: [{ ...step, thread: 'C' }] })).toThrow(/steps\[0\].*thread C/);
    expect(() => interleavingFigure({ ...figure, steps: [{ ...step, words: [] }] })).toThrow(/0 words/);
    expect(() => interleavingFigure({ ...figure, before: [word('')] })).toThrow(/before.*1 words/);
  });
});
