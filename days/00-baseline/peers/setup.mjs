/**
 * Installs the peers beside this file. `npm install` and not `npm ci`: some of them publish binaries for a few platforms
 * only, and `npm ci` insists on a lock file that names them all. The versions are the lock file's either way.
 *
 * hnswlib-node is compiled here, and chooses its distance kernels by the compiler's target: without one it would run on SSE
 * where it could on AVX-512. It is to be measured at its best.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const windows = process.platform === 'win32';
const target = windows
  ? { CL: `/arch:AVX2 ${process.env.CL ?? ''}` }
  : { CXXFLAGS: `-march=native ${process.env.CXXFLAGS ?? ''}` };
const { status, error } = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
  cwd: fileURLToPath(new URL('.', import.meta.url)),
  env: { ...process.env, ...target },
  shell: windows,
  stdio: 'inherit',
});
if (status !== 0) {
  console.error(
    `setup:peers: the install failed (${error?.message ?? `exit status ${status}`}), npm says why above.\n` +
      'To mend: hnswlib-node needs a C++ compiler, make and Python (https://github.com/nodejs/node-gyp#installation); ' +
      'the other peers are prebuilt. annlab itself needs none of them.',
  );
  process.exitCode = 1;
}
