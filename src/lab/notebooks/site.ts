/**
 * `npm run site`: every notebook as a page of static HTML, with an index of the fortnight. The folder can be opened from disk,
 * without a network, or be put on any web server. Files of the repository that notebooks link to become pages too.
 */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Flag, flagHelp, isMain, readCommandLine, runCommand } from '../command.ts';
import { AHEAD } from '../exercises/ahead.ts';
import { type Day, listDays, REPOSITORY } from '../exercises/day.ts';
import { escapeHtml } from '../report.ts';
import { prepareFolder, writeOutputs } from '../results.ts';
import { NotebookError } from './execute.ts';
import { listNotebooks, type NotebookFile } from './find.ts';
import { relative, rewriteLinks } from './links.ts';
import { readNotebook } from './notebook.ts';
import { type Neighbor, type Page, renderPage } from './page.ts';
import { highlight, renderMarkdown, renderNotebook } from './render.ts';

export interface SiteOptions {
  notebooks: readonly NotebookFile[];
  /** The cards of the days, for the index. */
  days: readonly Day[];
  root: string;
}

/** The pages by their path within the site. Throws NotebookError for dead links and wrong maths. */
export async function renderSite({ notebooks, days, root }: SiteOptions): Promise<Map<string, string>> {
  const pages: Page[] = [];
  const files: string[] = [];
  const inRoot = (file: string) => path.relative(root, file).split(path.sep).join('/');
  const own = new Map(notebooks.map(({ name, file }) => [inRoot(file), `${name}.html`]));
  const pageOf = (file: string): string | undefined => {
    const page = own.get(file);
    if (page !== undefined) return page;
    if (!isText(path.join(root, file))) return undefined;
    if (!files.includes(file)) files.push(file);
    return `files/${file}.html`;
  };
  const addPage = (source: string, page: Page) => {
    const { html, dead } = rewriteLinks(page.body, { source, page: page.path, root, pageOf });
    if (dead.length > 0) throw new NotebookError(source, `: links to nothing: ${dead.join(', ')}`);
    pages.push({ ...page, body: html });
  };

  const rendered = await Promise.all(
    notebooks.map(async ({ name, day, file }) => {
      try {
        return { ...renderNotebook(await readNotebook(file)), path: `${name}.html`, day, source: inRoot(file) };
      } catch (cause) {
        throw new NotebookError(inRoot(file), `, ${(cause as Error).message}`, { cause });
      }
    }),
  );
  for (const [i, { html, title, sections, path: page, day, source }] of rendered.entries()) {
    const command = `npm run lab${day === undefined ? '' : ` -- ${Number(day)}`}`;
    const run = `<p class="note">This page is <code>${escapeHtml(source)}</code>. To run it: <code>${command}</code></p>`;
    const [previous, next] = [rendered[i - 1], rendered[i + 1]];
    addPage(source, { path: page, title, body: `${html}\n${run}`, sections, previous, next });
  }
  // The list grows while it is walked: a file of Markdown links to further ones.
  for (const file of files) {
    const page = { path: `files/${file}.html`, title: file, wide: !file.endsWith('.md') };
    addPage(file, { ...page, body: renderFile(path.join(root, file)) });
  }
  pages.push({ path: 'index.html', title: 'Build a vector database in a fortnight', body: indexBody(days, rendered) });
  return new Map(pages.map((page) => [page.path, renderPage(page)]));
}

/** Writes pages and what they need into a folder. Throws OutputError. */
export async function writeSite(folder: string, pages: ReadonlyMap<string, string>): Promise<void> {
  const style = readFileSync(new URL('site.css', import.meta.url), 'utf8');
  const files = { ...Object.fromEntries(pages), 'assets/katex.css': katexStyle(), 'assets/site.css': style };
  for (const inner of new Set(Object.keys(files).map(path.dirname))) await prepareFolder(path.join(folder, inner));
  await writeOutputs(folder, files);
}

const FLAGS: Record<string, Flag> = {
  out: { value: '<folder>', help: 'where the pages go; default out/site' },
};

const HELP = `Renders every notebook, as committed, to static HTML that works offline.

  npm run site
  npm run site -- --out public

${flagHelp(FLAGS)}`;

function indexBody(days: readonly Day[], pages: readonly (Neighbor & { day: string | undefined })[]): string {
  const numbers = new Set([...days.map(({ number }) => number), ...AHEAD.keys()]);
  const items = [...numbers]
    .sort((a, b) => a - b)
    .map((number) => {
      const card = days.find((day) => day.number === number);
      const found = pages.filter(({ day }) => day !== undefined && Number(day) === number);
      const title = escapeHtml(card?.title ?? AHEAD.get(number)!);
      const heading =
        found.map((page) => `<a href="${escapeHtml(relative('index.html', page.path))}">${title}</a>`).join(', ') ||
        `<span class="ahead">${title}</span>`;
      const about = card ? `${escapeHtml(card.goal)} ${card.minutes} minutes.` : 'To come.';
      return `<li><span class="number">${String(number).padStart(2, '0')}</span><div>${heading}<p>${about}</p></div></li>`;
    });
  const others = pages.filter(({ day }) => day === undefined);
  const more = others.map(
    ({ path, title }) => `<li><span></span><a href="${escapeHtml(path)}">${escapeHtml(title)}</a></li>`,
  );
  return `<h1>Build a vector database in a fortnight</h1>
<p class="lede">From a dot product to an index that searches a million vectors in milliseconds: a notebook a day, your own
code on every curve, and the engine of the last day behind them all.</p>
<ol class="days" start="0">
${[...items, ...more].join('\n')}
</ol>`;
}

function renderFile(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.md')) return `<section class="text">${renderMarkdown(text)}</section>`;
  const code = highlight(text, path.extname(file).slice(1));
  const numbers = text
    .replace(/\n$/, '')
    .split('\n')
    .map((_, i) => `<a id="L${i + 1}" href="#L${i + 1}">${i + 1}</a>`);
  return `<h1><code>${escapeHtml(path.basename(file))}</code></h1>
<div class="source"><pre class="lines">${numbers.join('\n')}</pre><pre class="code" tabindex="0"><code>${code}</code></pre></div>`;
}

/** Files that a person can read: of a known ending and of moderate size. */
function isText(file: string): boolean {
  return /\.(ts|mts|mjs|cjs|js|json|md|css|sh|txt)$/.test(file) && statSync(file).size < 500_000;
}

/** KaTeX's style with its fonts in it, as browsers do not let pages from disk load fonts from files. */
function katexStyle(): string {
  const file = createRequire(import.meta.url).resolve('katex/dist/katex.min.css');
  const fonts = path.join(path.dirname(file), 'fonts');
  const embed = (name: string) =>
    `url(data:font/woff2;base64,${readFileSync(path.join(fonts, name)).toString('base64')})`;
  return readFileSync(file, 'utf8')
    .replace(/,url\(fonts\/[\w-]+\.(woff|ttf)\) format\("\w+"\)/g, '')
    .replace(/url\(fonts\/([\w-]+\.woff2)\)/g, (_, name: string) => embed(name));
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const { values } = readCommandLine(process.argv.slice(2), FLAGS);
    if (values.help) return void process.stdout.write(`${HELP}\n`);
    const notebooks = listNotebooks();
    const out = (values.out as string | undefined) ?? path.join('out', 'site');
    await writeSite(out, await renderSite({ notebooks, days: await listDays(), root: REPOSITORY }));
    const from = notebooks.length === 1 ? '1 notebook' : `${notebooks.length} notebooks`;
    process.stdout.write(`${from} rendered: open ${path.join(out, 'index.html')}\n`);
  });
}
