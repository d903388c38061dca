/**
 * Whether `compiled/` was made from the sources that are here now. The stamp is a hash over everything the compiled bytes
 * depend on: the AssemblyScript sources, the script that compiles them and the compiler's version. Contents and not times
 * are compared, because a checkout, a copy or a branch switch gives files any time it likes.
 *
 * Plain JavaScript: `setup.mjs` asks on a Node that may be too old for TypeScript, `compile.ts` writes the answer.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** True when `compiled/` belongs to the sources of the checkout at `root`. */
export function isCompiled(root) {
  return existsSync(stampFile(root)) && readFileSync(stampFile(root), 'utf8').trim() === sourceStamp(root);
}

/** Says that `compiled/` now belongs to sources with this stamp: write it last, after every output. */
export function writeStamp(root, stamp) {
  mkdirSync(dirname(stampFile(root)), { recursive: true });
  writeFileSync(stampFile(root), `${stamp}\n`);
}

/** The stamp of the sources as they are: sha256 over their sorted names and contents and the compiler's version. */
export function sourceStamp(root) {
  const kernels = join(root, 'src/kernels');
  const compiler = JSON.parse(readFileSync(join(root, 'node_modules/assemblyscript/package.json'), 'utf8'));
  const hash = createHash('sha256').update(`assemblyscript ${compiler.version}\n`);
  for (const name of ['compile.ts', ...sourcesUnder(kernels, 'assembly')]) {
    // Line endings are git's choice on Windows and change nothing in the output.
    const text = readFileSync(join(kernels, name), 'utf8').replaceAll('\r\n', '\n');
    hash.update(`${name} ${text.length}\n${text}`);
  }
  return hash.digest('hex');
}

function stampFile(root) {
  return join(root, 'src/kernels/compiled/stamp');
}

/** Names of the .ts files below `folder`, relative to `base`, with forward slashes, sorted by code unit. */
function sourcesUnder(base, folder) {
  return readdirSync(join(base, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return sourcesUnder(base, name);
      return name.endsWith('.ts') ? [name] : [];
    })
    .sort();
}
