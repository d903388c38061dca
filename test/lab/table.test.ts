import { describe, expect, it } from 'vitest';
import { milestoneTable, tableHtml } from '../../src/lab/table.ts';
import { readElements } from './markup.ts';

describe('tableHtml', () => {
  it('is well-formed, escaped, and has a cell for every value', () => {
    const html = tableHtml(
      ['<Index>', 'Recall'],
      [
        ['a & b', 0.95],
        ['"c"', 1],
      ],
      { caption: 'on <this> machine' },
    );
    const elements = readElements(`<div>${html}</div>`);
    const texts = (name: string) => elements.filter((one) => one.name === name).map(({ text }) => text);
    expect(texts('th')).toEqual(['<Index>', 'Recall']);
    expect(texts('td')).toEqual(['a & b', '0.95', '"c"', '1']);
    expect(texts('small')).toEqual(['on <this> machine']);
  });

  it('puts columns of numbers and their units to the right, words to the left', () => {
    const html = tableHtml(
      ['name', 'time', 'count', 'speed', 'mixed'],
      [
        ['a', '12.3 µs', '1,234', '8.0×', '5'],
        ['7', '–', 5, '1.0×', 'five'],
      ],
    );
    const sides = readElements(html).flatMap(({ attributes: { align } }) => align ?? []);
    const row = ['left', 'right', 'right', 'right', 'left'];
    expect(sides).toEqual([...row, ...row, ...row]);
  });

  it('uses no styles, which notebooks strip', () => {
    expect(tableHtml(['a'], [['b']])).not.toMatch(/style|class/);
  });
});

describe('milestoneTable', () => {
  it('says in words which were reached', () => {
    const cells = readElements(
      milestoneTable([
        { target: '8× the loop', measured: '9.1×', pass: true },
        { target: 'recall 0.95', measured: 0.91, pass: false },
      ]),
    )
      .filter(({ name }) => name === 'td')
      .map(({ text }) => text);
    expect(cells).toEqual(['8× the loop', '9.1×', '✓ reached', 'recall 0.95', '0.91', '✗ not yet']);
  });
});
