/**
 * A notebook as HTML: text with maths, highlighted code, outputs, pictures. Cells tagged `hide-input` keep their code folded.
 * Notebooks are our own, so the HTML that they and their outputs hold is taken as it is.
 */
import hljs from 'highlight.js';
import markdownIt, { type MarkdownIt } from 'markdown-it';
import { escapeHtml } from '../report.ts';
import { maths } from './maths.ts';
import { type Cell, type CodeCell, hasTag, isCode, type Notebook, type Output } from './notebook.ts';

export interface Rendered {
  /** The text of the first heading. */
  title: string;
  html: string;
  /** The second-level headings, in order. */
  sections: Section[];
}

export interface Section {
  id: string;
  title: string;
}

/** Throws where a formula cannot be set; the message names the cell. */
export function renderNotebook(notebook: Notebook): Rendered {
  const sections: Section[] = [];
  const markdown = createMarkdown(sections);
  const parts = notebook.cells.map((cell, i) => {
    try {
      return renderCell(cell, markdown);
    } catch (cause) {
      throw new Error(`cell ${i + 1}: ${(cause as Error).message}`, { cause });
    }
  });
  const title = notebook.cells.map(({ source }) => /^# +(.+)$/m.exec(source)?.[1]).find((found) => found !== undefined);
  return { title: plain(title ?? 'Untitled'), html: parts.join('\n'), sections };
}

/** A file of Markdown. */
export function renderMarkdown(text: string): string {
  return createMarkdown([]).render(text);
}

/** Code with its words marked for colour; an unknown language stays as it is. */
export function highlight(code: string, language: string): string {
  const name = LANGUAGES[language] ?? language;
  return hljs.getLanguage(name) ? hljs.highlight(code, { language: name }).value : escapeHtml(code);
}

// AssemblyScript has TypeScript's syntax.
const LANGUAGES: Record<string, string> = {
  ts: 'typescript',
  assemblyscript: 'typescript',
  sh: 'bash',
  console: 'plaintext',
};

function renderCell(cell: Cell, markdown: MarkdownIt): string {
  if (!isCode(cell)) {
    if (cell.cell_type === 'raw') return `<pre class="raw">${escapeHtml(cell.source)}</pre>`;
    const html = markdown.render(withAttachments(cell.source, cell.attachments));
    return `<section class="text">\n${html}</section>`;
  }
  if (cell.source.trim() === '' && cell.outputs.length === 0) return '';
  return `<section class="cell" id="${cell.id}">\n${renderCode(cell)}${renderOutputs(cell)}</section>`;
}

function renderCode(cell: CodeCell): string {
  const code = `<pre class="code" tabindex="0"><code>${highlight(cell.source.trimEnd(), 'ts')}</code></pre>`;
  if (!hasTag(cell, 'hide-input')) return `${code}\n`;
  return `<details class="folded"><summary>Code of this cell</summary>${code}</details>\n`;
}

function renderOutputs(cell: CodeCell): string {
  if (cell.outputs.length === 0) return '';
  const note = hasTag(cell, 'timing')
    ? '<p class="note">Measured on one machine; yours will show other times.</p>\n'
    : '';
  return `<div class="outputs">\n${cell.outputs.map(renderOutput).join('\n')}\n${note}</div>\n`;
}

function renderOutput(output: Output): string {
  if (output.output_type === 'stream')
    return `<pre class="${output.name}" tabindex="0">${escapeHtml(output.text)}</pre>`;
  if (output.output_type === 'error')
    return `<pre class="stderr">${escapeHtml(`${output.ename}: ${output.evalue}`)}</pre>`;
  const { data } = output;
  const text = (type: string) => (typeof data[type] === 'string' ? (data[type] as string) : undefined);
  const html = text('text/html');
  if (html !== undefined) return `<div class="shown">${html}</div>`;
  const svg = text('image/svg+xml');
  const alt = escapeHtml(text('text/plain') ?? '');
  if (svg !== undefined) return image(`image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`, alt);
  for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp']) {
    const bytes = text(type);
    if (bytes !== undefined) return image(`${type};base64,${bytes.replace(/\s/g, '')}`, alt);
  }
  const markdown = text('text/markdown');
  if (markdown !== undefined) return `<div class="shown">${renderMarkdown(markdown)}</div>`;
  return `<pre class="stdout" tabindex="0">${escapeHtml(text('text/plain') ?? JSON.stringify(data, null, 2))}</pre>`;
}

function image(data: string, alt: string): string {
  return `<div class="shown"><img src="data:${data}" alt="${alt}"></div>`;
}

/** Pictures pasted into a cell are kept in it and named `attachment:name.png`. */
function withAttachments(source: string, attachments: Record<string, Record<string, unknown>> = {}): string {
  return source.replace(/\(attachment:([^)\s]+)\)/g, (whole, name: string) => {
    const [type, bytes] = Object.entries(attachments[decodeURIComponent(name)] ?? {})[0] ?? [];
    return type === undefined ? whole : `(data:${type};base64,${String(bytes).replace(/\s/g, '')})`;
  });
}

function createMarkdown(sections: Section[]): MarkdownIt {
  const markdown = markdownIt({
    html: true,
    linkify: true,
    highlight: (code, language) => highlight(code, language),
  });
  markdown.use(maths);
  // Only what is written as an address becomes a link, not every file.ts and index.md.
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  // data:image/svg+xml in a picture, which markdown-it forbids for other people's texts.
  const { validateLink } = markdown;
  markdown.validateLink = (url) => url.startsWith('data:image/') || validateLink(url);
  markdown.renderer.rules.table_open = () => '<div class="scroll" tabindex="0"><table>\n';
  markdown.renderer.rules.table_close = () => '</table></div>\n';
  const used = new Set<string>();
  markdown.core.ruler.push('heading ids', ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type !== 'heading_open') continue;
      const title = plain(tokens[i + 1].content);
      const id = unused(slug(title), used);
      token.attrSet('id', id);
      if (token.tag === 'h2') sections.push({ id, title });
    }
  });
  return markdown;
}

/** As code hosts make them: lower case, words joined by hyphens. */
function slug(title: string): string {
  const words = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s+/g, '-');
  return words || 'section';
}

function unused(id: string, used: Set<string>): string {
  let found = id;
  for (let i = 1; used.has(found); i++) found = `${id}-${i}`;
  used.add(found);
  return found;
}

/** Markdown of a heading without its marks. */
function plain(markdown: string): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]|<[^>]+>/g, '')
    .trim();
}
