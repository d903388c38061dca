/**
 * Links and pictures of a page, from where the notebook stands to where the site has things. A notebook links to other
 * notebooks and to files of the repository; the site shows them as pages of its own. What it has no page for (a folder) is
 * made plain text. A link to nothing is an error: it would be dead in the notebook too.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseHTML } from 'linkedom';

export interface LinkContext {
  /** The file that the page is made of, from the root: `notebooks/03-layers.ipynb`. */
  source: string;
  /** The page within the site: `03-layers.html`. */
  page: string;
  root: string;
  /** The page of a file of the repository, from the site's root; undefined: there is none. */
  pageOf(file: string): string | undefined;
}

/** The page with its links rewritten, and the links that lead nowhere. */
export function rewriteLinks(html: string, context: LinkContext): { html: string; dead: string[] } {
  const { document } = parseHTML(`<!doctype html><html><body>${html}</body></html>`);
  const dead: string[] = [];
  for (const link of document.querySelectorAll('a[href]')) {
    const href = link.getAttribute('href') ?? '';
    if (/^(#|[a-z][a-z+.-]*:)/i.test(href)) continue;
    const target = resolve(href, context);
    if (target === undefined) dead.push(href);
    else if (target.page !== undefined)
      link.setAttribute('href', relative(context.page, target.page) + target.fragment);
    else link.replaceWith(...link.childNodes);
  }
  for (const picture of document.querySelectorAll('img[src]')) {
    const src = picture.getAttribute('src') ?? '';
    if (/^[a-z][a-z+.-]*:/i.test(src)) continue;
    const file = path.join(context.root, path.dirname(context.source), decodeURI(src));
    if (existsSync(file)) picture.setAttribute('src', dataUri(file));
    else dead.push(src);
  }
  return { html: document.body.innerHTML, dead };
}

/** The way from one page to another. */
export function relative(from: string, to: string): string {
  return path.posix.relative(path.posix.dirname(from), to);
}

function resolve(
  href: string,
  { source, root, pageOf }: LinkContext,
): { page?: string | undefined; fragment: string } | undefined {
  const [, filePart, fragment] = /^([^#?]*)[^#]*(#.*)?$/.exec(href) ?? [];
  const file = path.posix.join(path.posix.dirname(source), decodeURI(filePart));
  const inside = !file.startsWith('..') && existsSync(path.join(root, file));
  if (!inside) return undefined;
  const isFolder = statSync(path.join(root, file)).isDirectory();
  // Pages have an anchor for each line, and none for `#L10-L20`.
  return { page: isFolder ? undefined : pageOf(file), fragment: (fragment ?? '').replace(/^(#L\d+)-L?\d+$/, '$1') };
}

function dataUri(file: string): string {
  const types: Record<string, string> = { '.svg': 'image/svg+xml', '.jpg': 'image/jpeg' };
  const ending = path.extname(file).toLowerCase();
  return `data:${types[ending] ?? `image/${ending.slice(1)}`};base64,${readFileSync(file).toString('base64')}`;
}
