/**
 * Compiles `assembly/` to WebAssembly, once with relaxed SIMD and once without, into `compiled/` (not kept in git). `npm run
 * wasm`; `src/setup.mjs` runs it where the sources are newer than what was compiled.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { sourceStamp, writeStamp } from './compiled-stamp.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const builds = { relaxed: ['--enable', 'relaxed-simd'], baseline: [] };

// Taken before compiling: sources that change meanwhile are not what was compiled.
const stamp = sourceStamp(root);
mkdirSync(new URL('compiled/', import.meta.url), { recursive: true });
for (const [name, features] of Object.entries(builds)) {
  const { error, stderr } = await asc.main([
    ...['src/kernels/assembly/index.ts', '--baseDir', root, '--outFile', `src/kernels/compiled/${name}.wasm`],
    ...[
      '-O3',
      '--noAssert',
      '--disableWarning',
      '--runtime',
      'stub',
      '--enable',
      'simd,threads,bulk-memory',
      ...features,
    ],
    ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  ]);
  if (error) {
    process.stderr.write(`${stderr.toString()}\n`);
    throw new Error(`${name}.wasm does not compile: mend src/kernels/assembly and run "npm run wasm" again`);
  }
}
writeStamp(root, stamp);
