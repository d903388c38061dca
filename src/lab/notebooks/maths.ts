/**
 * Maths in Markdown as Jupyter reads it, set by KaTeX: `$…$` within a line, `$$…$$` within one or in a block of its own. As in
 * Jupyter and pandoc, a dollar opens only before something other than a space and closes only after something other than
 * a space and not before a digit, so that $5 and $6 stay prices.
 */
import katex from 'katex';
import type { MarkdownIt, StateBlock, StateInline } from 'markdown-it';

/** A plugin for markdown-it. Wrong maths throws, naming the formula. */
export function maths(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('escape', 'maths', inlineMaths);
  markdown.block.ruler.before('fence', 'maths', blockMaths, { alt: ['paragraph', 'blockquote', 'list'] });
  markdown.renderer.rules.maths = (tokens, i) =>
    setMaths(tokens[i].content, tokens[i].block || tokens[i].markup === '$$');
}

function setMaths(formula: string, displayMode: boolean): string {
  return katex.renderToString(formula, { displayMode, throwOnError: true, strict: 'ignore' });
}

function inlineMaths(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  const markup = src.startsWith('$$', pos) ? '$$' : '$';
  const from = pos + markup.length;
  if (src[pos] !== '$' || /\s|^$/.test(src[from] ?? '')) return false;
  const to = closing(src, from, markup);
  // A backtick begins code, which comes before maths.
  if (to === -1 || src.slice(from, to).includes('`')) return false;
  if (!silent) {
    const token = state.push('maths', '', 0);
    token.content = src.slice(from, to);
    token.markup = markup;
  }
  state.pos = to + markup.length;
  return true;
}

/** Where the next dollar that is not escaped closes; -1: it does not, or there is none. */
function closing(src: string, from: number, markup: string): number {
  let to = src.indexOf(markup, from + 1);
  while (to !== -1 && src[to - 1] === '\\') to = src.indexOf(markup, to + 1);
  const closes = to !== -1 && !/\s/.test(src[to - 1]) && !(markup === '$' && /\d/.test(src[to + 1] ?? ''));
  return closes ? to : -1;
}

/** Lines from one that begins with `$$` to one that ends with it. */
function blockMaths(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const lineAt = (line: number) =>
    state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]).trimEnd();
  const first = lineAt(startLine);
  if (!first.startsWith('$$')) return false;
  let line = startLine;
  while (!(lineAt(line).endsWith('$$') && (line > startLine || first.length > 3))) if (++line >= endLine) return false;
  if (silent) return true;
  const text = Array.from({ length: line - startLine + 1 }, (_, i) => lineAt(startLine + i)).join('\n');
  const token = state.push('maths', '', 0);
  token.block = true;
  token.content = text.slice(2, -2).trim();
  token.map = [startLine, line + 1];
  state.line = line + 1;
  return true;
}
