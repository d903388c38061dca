import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../../src/core/errors.ts';
import { AHEAD } from '../../../src/lab/exercises/ahead.ts';
import type { Day } from '../../../src/lab/exercises/day.ts';
import { NotebookError } from '../../../src/lab/notebooks/execute.ts';
import { listNotebooks } from '../../../src/lab/notebooks/find.ts';
import { formatNotebook, type Notebook, type Output } from '../../../src/lab/notebooks/notebook.ts';
import { renderNotebook } from '../../../src/lab/notebooks/render.ts';
import { renderSite, writeSite } from '../../../src/lab/notebooks/site.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { notebookOf } from './made-up.ts';

const documentOf = (html: string) => parseHTML(`<!doctype html><html><body>${html}</body></html>`).document;
const markdown = (source: string) => ({ cell_type: 'markdown' as const, source });
const show = (source: string) => documentOf(renderNotebook(notebookOf(markdown(source))).html);
const showOutput = (...outputs: Output[]) => documentOf(renderNotebook(notebookOf({ source: '1', outputs })).html);
const data = (bundle: Record<string, unknown>): Output => ({ output_type: 'display_data', data: bundle, metadata: {} });
const textOf = (document: ReturnType<typeof documentOf>, selector: string) =>
  [...document.querySelectorAll(selector)].map((element) => element.textContent?.trim());

describe('text', () => {
  it('has its title, and its sections for the outline, with unlike ids', () => {
    const notebook = notebookOf(
      markdown('# Day 03: *layers* in `ts`\n## The idea'),
      markdown('## The idea\n### Deeper\n## ∞'),
    );
    const { title, sections, html } = renderNotebook(notebook);
    expect(title).toBe('Day 03: layers in ts');
    expect(sections).toEqual([
      { id: 'the-idea', title: 'The idea' },
      { id: 'the-idea-1', title: 'The idea' },
      { id: 'section', title: '∞' },
    ]);
    expect([...documentOf(html).querySelectorAll('h2')].map(({ id }) => id)).toEqual(sections.map(({ id }) => id));
  });

  it('has maths within lines and in blocks, and leaves prices and code alone', () => {
    const page = show('For $x_i^2$ and $$y$$ at $5 and $6, `$z$`, \\$a$.\n\n$$\n\\frac{1}{M}\n$$\n\nEnd $w$.');
    const formulas = textOf(page, 'annotation');
    expect(formulas).toEqual(['x_i^2', 'y', '\\frac{1}{M}', 'w']);
    expect(page.querySelectorAll('.katex-display')).toHaveLength(2);
    expect(textOf(page, 'p')[0]).toMatch(/at \$5 and \$6, \$z\$, \$a\$\.$/);
  });

  it('refuses maths that cannot be set, naming the cell', () => {
    expect(() => renderNotebook(notebookOf('1', markdown('$\\frac{1$')))).toThrow(/^cell 2: KaTeX parse error/);
  });

  it('has tables that scroll, folds with Markdown in them, highlighted code and pasted pictures', () => {
    const attachments = { 'a b.png': { 'image/png': 'iVBO\nRw0K' } };
    const source =
      '| a | b |\n| - | - |\n| 1 | $m$ |\n\n<details><summary>Answer</summary>\n\n**Two** and $n$\n\n</details>\n\n' +
      '```ts\nconst a: number = 1 < 2;\n```\n\n```\nSEARCH(q) <- 1\n```\n\n![x](attachment:a%20b.png)';
    const page = documentOf(renderNotebook(notebookOf({ ...markdown(source), attachments })).html);
    expect(page.querySelectorAll('.scroll > table td')).toHaveLength(2);
    expect(textOf(page, 'details strong')).toEqual(['Two']);
    expect(textOf(page, 'annotation')).toEqual(['m', 'n']);
    expect(textOf(page, 'pre .hljs-keyword')).toEqual(['const']);
    expect(textOf(page, 'pre')).toEqual(['const a: number = 1 < 2;', 'SEARCH(q) <- 1']);
    expect(page.querySelector('img')?.getAttribute('src')).toBe('data:image/png;base64,iVBORw0K');
  });
});

describe('code', () => {
  it('is highlighted, folded where it is tagged so, and told to be of one machine where it shows times', () => {
    const page = documentOf(
      renderNotebook(
        notebookOf(
          { source: `import { Hnsw } from 'annlab';\n`, id: 'first' },
          { source: 'show(figure)', metadata: { tags: ['hide-input'] } },
          {
            source: 'await benchmarkDay(3)',
            metadata: { tags: ['timing'] },
            outputs: [{ output_type: 'stream', name: 'stdout', text: '9 µs' }],
          },
          '',
        ),
      ).html,
    );
    expect(page.querySelectorAll('.cell')).toHaveLength(3);
    expect(page.querySelector('#first > pre.code')?.textContent).toBe(`import { Hnsw } from 'annlab';`);
    expect(textOf(page, 'details > pre.code')).toEqual(['show(figure)']);
    expect(textOf(page, '.outputs .note')).toEqual(['Measured on one machine; yours will show other times.']);
  });

  it('shows the richest form of an output, and text as it is', () => {
    const page = showOutput(
      { output_type: 'stream', name: 'stdout', text: 'a < b & <b>\n' },
      data({ 'text/html': '<b class="x">bold</b>', 'text/plain': 'plain' }),
      data({ 'image/svg+xml': '<svg></svg>', 'text/plain': 'a "curve"' }),
      data({ 'image/png': 'iVBO\nRw0K', 'text/plain': 'p' }),
      data({ 'text/markdown': '*m*', 'text/plain': 'p' }),
      data({ 'text/plain': '<3>' }),
      data({ 'application/json': { a: 1 } }),
      { output_type: 'error', ename: 'Error', evalue: '<no>', traceback: [] },
    );
    expect(textOf(page, 'pre.stdout')).toEqual(['a < b & <b>', '<3>', expect.stringContaining('"a": 1')]);
    expect(textOf(page, '.shown')).toEqual(['bold', '', '', 'm']);
    expect(textOf(page, 'pre.stderr')).toEqual(['Error: <no>']);
    const pictures = [...page.querySelectorAll('img')].map((img) => [img.getAttribute('src'), img.getAttribute('alt')]);
    expect(pictures).toEqual([
      [`data:image/svg+xml;base64,${btoa('<svg></svg>')}`, 'a "curve"'],
      ['data:image/png;base64,iVBORw0K', 'p'],
    ]);
  });
});

describe('the site', () => {
  const days = ['Baseline', 'SIMD', 'NSW', 'Layers & more'].map((title, number): Day => {
    return { number, topic: '', title, goal: 'Climb.', minutes: 90, needs: [], milestone: '', room: 'src/graph' };
  });

  /** A repository of a few files, with these notebooks. */
  const rootOf = (notebooks: Record<string, Notebook>) => {
    const root = path.join(temporaryFolder(), 'root');
    const files = {
      '../outside.svg': '<svg></svg>',
      'src/graph/hnsw.ts': 'const a = 1;\n\n/** b\n * c */\n',
      'README.md': '# Read me\n\n[the graph](src/graph/hnsw.ts) and [out](https://example.org)',
      'picture.svg': '<svg></svg>',
      'data.bin': '',
      '..a #1.svg': '<svg></svg>',
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    mkdirSync(path.join(root, 'notebooks'));
    for (const [name, notebook] of Object.entries(notebooks)) {
      writeFileSync(path.join(root, 'notebooks', `${name}.ipynb`), formatNotebook(notebook));
    }
    return root;
  };
  const siteOf = (notebooks: Record<string, Notebook>) => {
    const root = rootOf(notebooks);
    return renderSite({ notebooks: listNotebooks(path.join(root, 'notebooks')), days, root });
  };

  it('has the fortnight, and the way from day to day', async () => {
    const pages = await siteOf({
      '02-nsw': notebookOf(markdown('# Two')),
      '03-layers': notebookOf(markdown('# Three & a half\n## One')),
    });
    expect([...pages.keys()]).toEqual(['02-nsw.html', '03-layers.html', 'index.html']);
    const index = parseHTML(pages.get('index.html')!).document;
    const items = [...index.querySelectorAll('.days li')].map((item) => item.textContent.replace(/\s+/g, ' ').trim());
    expect(items.map((item) => Number(item.slice(0, 2)))).toEqual([0, 1, 2, 3, ...AHEAD.keys()]);
    expect(items).toContain('03Layers & moreClimb. 90 minutes.');
    expect(items).toContain('12mmapTo come.');
    expect([...index.querySelectorAll('.days a')].map((link) => link.getAttribute('href'))).toEqual([
      '02-nsw.html',
      '03-layers.html',
    ]);

    const two = parseHTML(pages.get('02-nsw.html')!).document;
    expect([...two.querySelectorAll('.on a')].map((link) => [link.getAttribute('href'), link.textContent])).toEqual([
      ['03-layers.html', 'Three & a half →'],
    ]);
    const three = parseHTML(pages.get('03-layers.html')!).document;
    expect(three.querySelector('[rel=prev]')?.getAttribute('href')).toBe('02-nsw.html');
    expect(three.querySelector('title')?.textContent).toBe('Three & a half · annlab');
    expect(three.querySelector('.outline a')?.getAttribute('href')).toBe('#one');
    expect(three.querySelector('main')?.textContent).toContain('npm run lab -- 3');
  });

  it('leads links to notebooks and files to pages of its own, and makes the others plain', async () => {
    const links =
      '[next](03-layers.ipynb#idea) [code](../src/graph/hnsw.ts#L10-L20) [readme](../README.md) [folder](../src) [data](../data.bin) ' +
      '[web](https://example.org) [here](#there) <a href="../src/graph/hnsw.ts">raw</a>\n\n![p](../picture.svg) ![q](../..a%20%231.svg)';
    const pages = await siteOf({ '02-nsw': notebookOf(markdown(links)), '03-layers': notebookOf(markdown('# Three')) });
    const { document } = parseHTML(pages.get('02-nsw.html')!);
    const found = [...document.querySelectorAll('.text a')].map(
      (link) => `${link.textContent} ${link.getAttribute('href')}`,
    );
    expect(found).toEqual([
      'next 03-layers.html#idea',
      'code files/src/graph/hnsw.ts.html#L10',
      'readme files/README.md.html',
      'web https://example.org',
      'here #there',
      'raw files/src/graph/hnsw.ts.html',
    ]);
    expect(document.querySelector('.text')?.textContent).toMatch(/readme folder data web/);
    const picture = `data:image/svg+xml;base64,${btoa('<svg></svg>')}`;
    const pictures = [...document.querySelectorAll('.text img')].map((img) => img.getAttribute('src'));
    expect(pictures).toEqual([picture, picture]);

    const readme = parseHTML(pages.get('files/README.md.html')!).document;
    expect(readme.querySelector('main a')?.getAttribute('href')).toBe('src/graph/hnsw.ts.html');
    const code = parseHTML(pages.get('files/src/graph/hnsw.ts.html')!).document;
    expect([...code.querySelectorAll('.lines a')].map(({ id }) => id)).toEqual(['L1', 'L2', 'L3', 'L4']);
    expect(code.querySelector('.home')?.getAttribute('href')).toBe('../../../index.html');
  });

  it.each([
    ['[gone](../src/gone.ts)', /^notebooks\/02-nsw\.ipynb: links to nothing: \.\.\/src\/gone\.ts$/],
    ['[outside](../../x.md) ![gone](a.png)', /links to nothing: \.\.\/\.\.\/x\.md, a\.png$/],
    ['![host](../../../../../../../../../../etc/hostname)', /^notebooks\/02-nsw\.ipynb: links to nothing: .*hostname$/],
    [
      '<img src="../../outside.svg"> <a href="../../outside.svg">',
      /: \.\.\/\.\.\/outside\.svg, \.\.\/\.\.\/outside\.svg$/,
    ],
    ['<img src="../src"> <img src=""> ![p](/etc/hostname)', /: \.\.\/src, , \/etc\/hostname$/],
    [
      '<img src="%E0%A4%A.png"> <a href="%E0%A4%A.md">x</a>',
      /^notebooks\/02-nsw\.ipynb: .*: %E0%A4%A\.md, %E0%A4%A\.png$/,
    ],
    ['<img src="%00.png">', /: %00\.png$/],
    ['$\\frac{1$', /^notebooks\/02-nsw\.ipynb, cell 1: KaTeX parse error/],
  ])('refuses %s', async (source, message) => {
    const site = siteOf({ '02-nsw': notebookOf(markdown(source)) });
    await expect(site).rejects.toThrow(NotebookError);
    await expect(site).rejects.toThrow(message);
  });

  it('asks nothing of a network: no page names a file that is not written beside it', async () => {
    const pages = await siteOf({ '02-nsw': notebookOf(markdown('# Two\n\n[readme](../README.md) $x$')) });
    const folder = path.join(temporaryFolder(), 'deep', 'site');
    await writeSite(folder, pages);
    for (const page of pages.keys()) {
      const { document } = parseHTML(readFileSync(path.join(folder, page), 'utf8'));
      const wanted = [...document.querySelectorAll('link[href], script[src], img[src]')].map(
        (element) => element.getAttribute('href') ?? element.getAttribute('src') ?? '',
      );
      expect(wanted).toHaveLength(2);
      for (const file of wanted) expect(readFileSync(path.join(folder, path.dirname(page), file), 'utf8')).not.toBe('');
    }
    for (const style of ['katex.css', 'site.css']) {
      const urls = readFileSync(path.join(folder, 'assets', style), 'utf8').match(/url\([^)]{0,40}|@import/g) ?? [];
      expect(urls.filter((url) => !url.startsWith('url(data:font/woff2;base64,'))).toEqual([]);
      if (style === 'katex.css') expect(urls.length).toBeGreaterThan(10);
    }
  });

  it('says where it cannot be written', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(writeSite(path.join(file, 'site'), new Map())).rejects.toThrow(OutputError);
  });
});
