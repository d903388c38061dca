import { afterEach, describe, expect, it } from 'vitest';
import { lineFigure } from '../../src/lab/figures.ts';
import { imageHtml, NotebookError, show, showTable } from '../../src/lab/show.ts';
import { milestoneTable } from '../../src/lab/table.ts';
import { readElements } from './markup.ts';

const svg = lineFigure({
  x: { label: 'x', scale: 'linear' },
  y: { label: 'y', scale: 'linear' },
  series: [{ label: 'one', points: [{ x: 1, y: 2 }] }],
});

/** A kernel as tslab leaves it in `globalThis`; returns what was displayed. */
function kernel(): [kind: string, content: string][] {
  const shown: [string, string][] = [];
  const display = {
    html: (content: string) => shown.push(['html', content]),
    markdown: (content: string) => shown.push(['markdown', content]),
  };
  Object.assign(globalThis, { __tslab__: { require: (id: string) => (id === 'tslab' ? { display } : undefined) } });
  return shown;
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, '__tslab__');
});

describe('show', () => {
  it('displays an image that carries the figure and says what it shows', () => {
    const shown = kernel();
    expect(show(svg, { alt: 'one "dot" & <nothing>', width: 480 })).toBeUndefined();
    expect(shown).toHaveLength(1);
    const [[kind, content]] = shown;
    expect(kind).toBe('html');
    const [image, ...rest] = readElements(content, { voids: ['img'] });
    expect(rest).toEqual([]);
    expect(image.name).toBe('img');
    expect(image.attributes).toMatchObject({ alt: 'one "dot" & <nothing>', width: '480' });
    const [head, body] = image.attributes.src.split(',');
    expect(head).toBe('data:image/svg+xml;base64');
    expect(Buffer.from(body, 'base64').toString()).toBe(svg);
  });

  it('leaves the figure its own width unless told', () => {
    expect(readElements(imageHtml(svg, { alt: 'x' }), { voids: ['img'] })[0].attributes).not.toHaveProperty('width');
  });

  it('says outside of a notebook where it can be called', () => {
    expect(() => show(svg, { alt: 'x' })).toThrow(NotebookError);
    expect(() => showTable('| a |')).toThrow(/no notebook here.*npm run lab/);
  });
});

describe('showTable', () => {
  it('tells HTML from markdown', () => {
    const shown = kernel();
    const table = milestoneTable([{ target: 'a', measured: 1, pass: true }]);
    showTable(table);
    showTable('| a |\n| - |\n| 1 |');
    expect(shown).toEqual([
      ['html', table],
      ['markdown', '| a |\n| - |\n| 1 |'],
    ]);
  });
});
