/**
 * What the site's pages have in common: the bar, the outline, the way on. No page needs a network or a server: styles and
 * fonts lie beside it, and the one script remembers who prefers the other of light and dark.
 */
import { escapeHtml } from '../report.ts';
import { relative } from './links.ts';
import type { Section } from './render.ts';

export interface Page {
  /** Within the site: `03-layers.html`. */
  path: string;
  title: string;
  /** Safe HTML. */
  body: string;
  /** The outline's links; empty: no outline. */
  sections?: readonly Section[];
  /** For code, whose lines are longer than text's. */
  wide?: boolean;
  previous?: Neighbor | undefined;
  next?: Neighbor | undefined;
}

export interface Neighbor {
  path: string;
  title: string;
}

/** The whole page as one string. */
export function renderPage({ path, title, body, sections = [], wide = false, previous, next }: Page): string {
  const to = (target: string) => escapeHtml(relative(path, target));
  const step = (neighbor: Neighbor | undefined, rel: 'prev' | 'next', arrow: (title: string) => string) =>
    neighbor ? `<a rel="${rel}" href="${to(neighbor.path)}">${arrow(escapeHtml(neighbor.title))}</a>` : '<span></span>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · annlab</title>
<link rel="stylesheet" href="${to('assets/katex.css')}">
<link rel="stylesheet" href="${to('assets/site.css')}">
<script>${REMEMBER}</script>
</head>
<body>
<header class="bar">
<a class="home" href="${to('index.html')}">annlab</a>
<span class="where">${path === 'index.html' ? '' : escapeHtml(title)}</span>
<button type="button" id="theme" aria-label="Switch between light and dark">◐</button>
</header>
<div class="page${sections.length > 0 ? ' with-outline' : ''}${wide ? ' wide' : ''}">
${outline(sections)}<main>
${body}
${previous || next ? `<nav class="on" aria-label="Days">${step(previous, 'prev', (text) => `← ${text}`)}${step(next, 'next', (text) => `${text} →`)}</nav>\n` : ''}</main>
</div>
<script>${TOGGLE}</script>
</body>
</html>
`;
}

/** A fold on a narrow page; on a wide one the style keeps it open at the side. */
function outline(sections: readonly Section[]): string {
  if (sections.length === 0) return '';
  const links = sections.map(({ id, title }) => `<li><a href="#${escapeHtml(id)}">${escapeHtml(title)}</a></li>`);
  const list = `<ol>\n${links.join('\n')}\n</ol>`;
  return `<nav class="outline" aria-label="On this page"><details><summary>On this page</summary>
${list}
</details></nav>
`;
}

// Before the first paint, so that the page does not flash.
const REMEMBER = `try { const theme = localStorage.getItem('annlab-theme'); if (theme) document.documentElement.dataset.theme = theme; } catch {}
if (matchMedia('(min-width: 75rem)').matches) addEventListener('DOMContentLoaded', () => document.querySelector('.outline details')?.setAttribute('open', ''));`;

const TOGGLE = `document.getElementById('theme').onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try { localStorage.setItem('annlab-theme', root.dataset.theme); } catch {}
};`;
