import { describe, expect, it } from 'vitest';
import { compareNotebooks } from '../../../src/lab/notebooks/compare.ts';
import type { CodeCell, Output } from '../../../src/lab/notebooks/notebook.ts';
import { notebookOf } from './made-up.ts';

const stdout = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text });
const html = (text: string): Output => ({ output_type: 'display_data', data: { 'text/html': text }, metadata: {} });
const cell = (outputs: Output[], more: Partial<CodeCell> = {}): Partial<CodeCell> => ({
  source: 'show(results)',
  execution_count: 1,
  outputs,
  ...more,
});
const timing = { metadata: { tags: ['timing'] } };

const compare = (committed: Partial<CodeCell>, fresh: Partial<CodeCell>) =>
  compareNotebooks(
    notebookOf({ cell_type: 'markdown' }, committed),
    notebookOf({ cell_type: 'markdown' }, fresh),
    'a.ipynb',
  );

const picture = (svg: string) => html(`<img src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}">`);

describe('the same outputs', () => {
  it.each([
    [[stdout('1\n'), html('<b>2</b>')], {}],
    [[], {}],
    [[stdout('12 µs\n')], timing],
  ])('%j', (outputs, more) => {
    expect(compare(cell(outputs, more), cell(structuredClone(outputs), more))).toEqual([]);
  });

  it('are wanted of a timing cell in kind alone', () => {
    expect(compare(cell([stdout('12 µs\n'), html('a')], timing), cell([stdout('99 µs\n'), html('b')], timing))).toEqual(
      [],
    );
  });

  it('have a cell without code that was never executed', () => {
    const empty = { source: '', execution_count: null, outputs: [] };
    expect(compare(empty, empty)).toEqual([]);
  });
});

describe('a difference names the notebook, the cell and the first line that differs', () => {
  it.each<[string, Partial<CodeCell>, Partial<CodeCell>, string]>([
    [
      'in a line',
      cell([stdout('1\n2\n3\n')]),
      cell([stdout('1\nII\n3\n')]),
      'output 1, stdout, line 2 differs:\n  notebook: 2\n  a run:    II',
    ],
    [
      'in a line that is missing',
      cell([stdout('1')]),
      cell([stdout('1\n2')]),
      'output 1, stdout, line 2 differs:\n  notebook: \n  a run:    2',
    ],
    [
      'in the second output',
      cell([stdout('1'), html('a')]),
      cell([stdout('1'), html('b')]),
      'output 2, text/html, line 1 differs:\n  notebook: a\n  a run:    b',
    ],
    ['in a cell not executed', cell([], { execution_count: null }), cell([stdout('1')]), 'it has not been executed'],
    [
      'in a timing cell not executed',
      cell([], { execution_count: null, ...timing }),
      cell([stdout('1')], timing),
      'it has not been executed',
    ],
    [
      'in a cell executed out of order',
      cell([], { execution_count: 7 }),
      cell([]),
      'its number is [7], and [1] in a run from the top',
    ],
    [
      'in outputs that are gone',
      cell([]),
      cell([stdout('new')]),
      'a run shows stdout (output 1), the notebook does not:\n  a run: new',
    ],
    [
      'in a timing cell without outputs',
      cell([], timing),
      cell([stdout('9 µs')], timing),
      'a run shows stdout (output 1), the notebook does not:\n  a run: 9 µs',
    ],
    [
      'in outputs that are left',
      cell([html('<b>old</b>')]),
      cell([]),
      'the notebook shows text/html (output 1), a run does not:\n  notebook: <b>old</b>',
    ],
  ])('%s', (_, committed, fresh, message) => {
    expect(compare(committed, fresh)).toEqual([expect.stringContaining(`: ${message}`)]);
    expect(compare(committed, fresh)[0]).toMatch(/^a\.ipynb, cell 2(, \[\d\])?, which begins "show\(results\)": /);
  });

  it('in a picture, by its element', () => {
    const svg = (x: number) => `<svg><title>t</title><circle cx="${x}"/></svg>`;
    expect(compare(cell([picture(svg(1))]), cell([picture(svg(2))]))[0]).toMatch(
      /line 3 differs:\n {2}notebook: <circle cx="1"\/>\n {2}a run: {4}<circle cx="2"\/>$/,
    );
  });

  it('in a long line, around where it differs', () => {
    const line = (middle: string) => `${'a'.repeat(500)}${middle}${'b'.repeat(500)}`;
    const [message] = compare(cell([stdout(line('1'))]), cell([stdout(line('2'))]));
    expect(message).toMatch(/notebook: …a+1b+…\n {2}a run: {4}…a+2b+…$/);
    expect(message.length).toBeLessThan(400);
  });

  it('in every cell that differs', () => {
    const cells = (text: string) =>
      ['a', 'b', 'c'].map((source) => cell([stdout(source === 'b' ? 'same' : text)], { source }));
    expect(compareNotebooks(notebookOf(...cells('1')), notebookOf(...cells('2')), 'a')).toHaveLength(2);
  });
});
