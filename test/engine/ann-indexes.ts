/** Saved indexes that say what no index would, with every checksum in order. */
import { AnnFile } from '../../src/storage/ann-file.ts';
import { writeAnnFile } from '../../src/storage/write-ann-file.ts';

/** What a file holds, to be changed at will. */
export interface Contents {
  // biome-ignore lint/suspicious/noExplicitAny: it may say anything, that is the point
  meta: any;
  sections: Map<string, Uint8Array>;
}

/** Writes to `to` what is in the file `from`, changed. */
export async function rewrite(from: string, to: string, change: (contents: Contents) => void): Promise<void> {
  const contents = contentsOf(from);
  change(contents);
  const sections = Array.from(contents.sections, ([name, bytes]) => ({ name, parts: [bytes] }));
  await writeAnnFile(to, { meta: contents.meta, sections });
}

export function contentsOf(path: string): Contents {
  using file = AnnFile.open(path);
  return {
    meta: structuredClone(file.meta),
    sections: new Map(file.sections.map(({ name }) => [name, file.read(name)])),
  };
}
