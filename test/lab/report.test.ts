import { describe, expect, it } from 'vitest';
import { recallLatencyFigure, recallQpsFigure } from '../../src/lab/figures.ts';
import { renderReport } from '../../src/lab/report.ts';
import type { Results } from '../../src/lab/results.ts';
import { type Element, readElements } from './markup.ts';
import { exactRow, plausibleBatches, plausibleDiskRun, plausibleRows, rowsFromDisk } from './rows.ts';

const results: Results = {
  machine: {
    cpu: 'Abacus <9000> & sons',
    cores: 2,
    ramBytes: 8 * 2 ** 30,
    os: 'Linux 6',
    architecture: 'x64',
    hugePages: true,
  },
  versions: { annlab: '0.1.0', node: '24.1.0', v8: '13.6', wasm: 'baseline' },
  run: {
    date: '2026-01-02T03:04:05.678Z',
    command: `npm start -- --out "<script>alert('x')</script>"`,
    dataset: { name: 'a<i>b', about: 'Made & seeded.', vectors: 1234, dimension: 56, metric: 'l2', queries: 78 },
    parameters: { k: 10, M: 16, efConstruction: 200, seed: 7, rounds: 3, threads: 2 },
  },
  rows: [...plausibleRows(), ...plausibleRows({ codes: 'f32', slowdown: 2.5 }), ...rowsFromDisk(), exactRow()],
  batches: [...plausibleBatches(), ...plausibleBatches({ codes: 'f32', slowdown: 2.5 })],
  disk: { ...plausibleDiskRun(), file: 'a<i>b-sq7.ann' },
};
/** As it is where one thread did it all and nothing was saved. */
const plain: Results = {
  ...results,
  run: { ...results.run, parameters: { ...results.run.parameters, threads: 1 } },
  rows: results.rows.filter(({ from }) => from === undefined),
  ...{ batches: [], disk: null },
};
const figures = [
  { caption: 'Faster & "better"', draw: (width: number) => recallQpsFigure(results.rows, { width }) },
  { caption: 'Slower', draw: (width: number) => recallLatencyFigure(results.rows, { width }) },
];
const read = (html: string) => readElements(html, { voids: ['meta'] });
const textsOf = (elements: Element[], name: string) =>
  elements.filter((element) => element.name === name).map(({ text }) => text);

describe('the report', () => {
  const html = renderReport(results, figures);
  const elements = read(html);

  it('is one file: no scripts, nothing fetched', () => {
    for (const { name, attributes } of elements) {
      expect(['script', 'link', 'img', 'iframe', 'object', 'image', 'use', 'b', 'i']).not.toContain(name);
      for (const [key, value] of Object.entries(attributes)) {
        expect(['src', 'href', 'srcset', 'xlink:href', 'style']).not.toContain(key);
        expect(key).not.toMatch(/^on/);
        if (key !== 'xmlns') expect(value).not.toMatch(/https?:|url\(/);
      }
    }
    for (const style of textsOf(elements, 'style')) expect(style).not.toMatch(/https?:|url\(|@import/);
  });

  it('escapes what it is given', () => {
    expect(textsOf(elements, 'h1')).toEqual(['a<i>b: speed and recall']);
    expect(textsOf(elements, 'code')).toContain(results.run.command);
    expect(textsOf(elements, 'figcaption')).toEqual(['Faster & "better"', 'Slower']);
    expect(textsOf(elements, 'dd').join('\n')).toContain('Abacus <9000> & sons');
  });

  it('has each figure for a wide and for a narrow page', () => {
    const widths = elements.filter(({ name }) => name === 'svg').map(({ attributes }) => Number(attributes.width));
    expect(widths).toHaveLength(4);
    expect(widths[0]).toBeGreaterThan(600);
    expect(widths[1]).toBeLessThan(400);
  });

  it('has a row for every measurement and one for every curve', () => {
    const cells = textsOf(elements, 'th').filter((text) => text === 'hnsw sq7');
    expect(cells).toHaveLength(6 + 1 + 2);
    expect(textsOf(elements, 'th').filter((text) => text === 'hnsw sq7 from disk')).toHaveLength(6 + 1);
    expect(textsOf(elements, 'td')).toEqual(
      expect.arrayContaining(['0.9700', 'exact', '313, always recall 1', '70 MiB']),
    );
  });

  it('says what was run, on which machine, and how to run it again', () => {
    const facts = textsOf(elements, 'dd').join('\n');
    for (const fact of ['1,234 vectors', '78 queries', '56 dimensions', 'efConstruction 200', 'seed 7']) {
      expect(facts).toContain(fact);
    }
    for (const fact of ['2 cores', '8.0 GiB RAM', 'Node 24.1.0', 'build: baseline', 'with huge pages'])
      expect(facts).toContain(fact);
  });

  it('shows batches beside what one thread does', () => {
    expect(textsOf(elements, 'h2')).toContain('Batches on 2 threads');
    const cells = textsOf(elements, 'td').join(' ');
    expect(html).toContain('78 queries are given to a pool');
    expect(cells).toContain('ef 40 0.9700 90,476 47,619 1.90× 19.9 37.8');
    expect(textsOf(read(renderReport(plain, figures)), 'h2').join()).not.toContain('Batches');
  });

  it('tells how the index went through its file', () => {
    expect(textsOf(elements, 'h2')).toContain('Saved and opened');
    const facts = textsOf(elements, 'dd').join('\n');
    for (const fact of ['a<i>b-sq7.ann, 69 MiB, saved in 83 ms', 'in 1.9 ms, mapped', '0.6 ms', '66 MiB after all'])
      expect(facts).toContain(fact);
    expect(textsOf(elements, 'td')).toContain('opened in 1.9 ms');
    const { residentBytes: _, ...run } = plausibleDiskRun();
    const readInstead = renderReport({ ...results, disk: { ...run, mapped: false } }, []);
    expect(readInstead).toContain('read whole, as files cannot be mapped here');
    expect(readInstead).not.toContain('In memory');
    expect(textsOf(read(renderReport(plain, figures)), 'h2').join()).not.toContain('Saved');
  });

  it('warns that several threads do not build the same graph twice', () => {
    expect(textsOf(elements, 'code')).toContain('--threads 1');
    expect(textsOf(read(renderReport(plain, figures)), 'code')).toEqual([results.run.command]);
  });

  it('explains every word of its tables', () => {
    const words = textsOf(elements, 'dt').join(' ');
    for (const word of [
      'Recall@k',
      'efSearch',
      'gamma',
      'Width',
      'QPS',
      'p50',
      'p99',
      'Distances',
      'Hops',
      'RAM',
      'sq7',
      'f32',
      'speed-up',
      'From disk',
    ]) {
      expect(words).toContain(word);
    }
  });

  it('leads with the fastest curve at recall 0.95, against exact search', () => {
    expect(textsOf(elements, 'strong')[0]).toBe('hnsw sq7');
    const fastest = rowsFromDisk().map((row) => ({ ...row, qps: 10 * row.qps }));
    const led = read(renderReport({ ...results, rows: [...results.rows, ...fastest] }, []));
    expect(textsOf(led, 'strong')[0], 'what came from disk is no other index').toBe('hnsw sq7');
    expect(html).toMatch(/<strong>\d+ times<\/strong> the speed of exact search/);
    const short = renderReport({ ...plain, rows: plausibleRows().slice(0, 1) }, []);
    expect(textsOf(read(short), 'strong')).toEqual([]);
  });
});
