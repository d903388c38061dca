/**
 * Links and pictures of a page, from where the notebook stands to where the site has things. A notebook links to other
 * notebooks and to files of the repository; the site shows them as pages of its own. What it has no page for (a folder) is
 * made plain text. A link to nothing is an error: it would be dead in the notebook too.
 */
import { readFileSync, statSync } from 'node:fs';
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
    const target = locate(src, context);
    if (target === undefined || target.isFolder) dead.push(src);
    else picture.setAttribute('src', dataUri(path.join(context.root, target.file)));
  }
  return { html: document.body.innerHTML, dead };
}

/** The way from one page to another. */
export function relative(from: string, to: string): string {
  return path.posix.relative(path.posix.dirname(from), to);
}

function resolve(href: string, context: LinkContext): { page?: string | undefined; fragment: string } | undefined {
  const target = locate(href, context);
  if (target === undefined) return undefined;
  const [fragment = ''] = /#.*$/s.exec(href) ?? [];
  return {
    page: target.isFolder ? undefined : context.pageOf(target.file),
    // Pages have an anchor for each line, and none for `#L10-L20`.
    fragment: fragment.replace(/^(#L\d+)-L?\d+$/, '$1'),
  };
}

/** What a relative address names, from the root; undefined: nothing, or nothing within the root. */
function locate(address: string, { source, root }: LinkContext): { file: string; isFolder: boolean } | undefined {
  try {
    const whole = path.join(root, path.dirname(source), decodeURIComponent(address.replace(/[#?].*$/s, '')));
    const file = path.relative(root, whole).split(path.sep).join('/');
    if (/^\.\.(\/|$)/.test(file) || path.isAbsolute(file)) return undefined;
    return { file, isFolder: statSync(whole).isDirectory() };
  } catch {
    // No address (`%E0%A4%A`), or nothing there.
    return undefined;
  }
}

function dataUri(file: string): string {
  const types: Record<string, string> = { '.svg': 'image/svg+xml', '.jpg': 'image/jpeg' };
  const ending = path.extname(file).toLowerCase();
  return `data:${types[ending] ?? `image/${ending.slice(1)}`};base64,${readFileSync(file).toString('base64')}`;
}
