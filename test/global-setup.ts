/** Builds dist/ once before the tests: notebooks import the package as it is built. Type errors are for `npm run types` to tell. */
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(root, 'src')], { encoding: 'utf8' });
  // 0: fine, 2: type errors, and emitted nevertheless.
  if (status !== 0 && status !== 2) throw new Error(`tsc -p src ended with status ${status}:\n${stdout}`);
  cpSync(path.join(root, 'src/kernels/compiled'), path.join(root, 'dist/kernels/compiled'), { recursive: true });
}
