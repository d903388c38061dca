/**
 * The one place where a module is imported by a computed path: the days' files, which the engine's source must not name.
 * Every load is a new evaluation, so that an edited exercise is what runs, in a notebook that stays open as well.
 */
import { pathToFileURL } from 'node:url';

let loads = 0;

/** Imports a file anew, whatever was imported before; what that file imports in turn is evaluated once, as usual. */
// biome-ignore lint/suspicious/noExplicitAny: what a day exports is known to its own files only
export async function importFresh(path: string): Promise<any> {
  const url = pathToFileURL(path);
  url.searchParams.set('load', String(++loads));
  try {
    return await import(/* @vite-ignore */ url.href);
  } catch (error) {
    // Node before 22.18 does not take the types off by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    const { tsImport } = await import('tsx/esm/api');
    return tsImport(url.href, import.meta.url);
  }
}
