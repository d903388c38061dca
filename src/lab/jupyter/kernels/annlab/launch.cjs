/**
 * The Jupyter kernel of this checkout: tslab, started in the repository's root, with a TypeScript that resolves packages as
 * Node does, so that a cell can `import { Hnsw } from 'annlab'` and `import * as mine from './days/03-layers/exercise'`.
 * Jupyter finds it through JUPYTER_PATH=src/lab/jupyter. kernel.json asks for the baseline build of the kernels
 * (ANNLAB_WASM): the relaxed one may round differently from machine to machine, and notebooks are to show the same numbers
 * everywhere.
 *
 * CommonJS on the standard library, because the `node` that Jupyter finds may be old: then the one that `npm run setup` has put
 * into node_modules takes over.
 */
const { spawn } = require('node:child_process');
const { existsSync, readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

const root = path.resolve(__dirname, '../../../../..');
const manifest = readManifest();
const connectionFile = process.argv[2];
const HANDED_OVER = 'ANNLAB_KERNEL_HANDED_OVER';
// The days' modules import each other as TypeScript, which Node reads unasked from 22.18 on.
const TAKE_TYPES_OFF = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

if (manifest === null) fail(`${__dirname} is not inside a checkout of annlab`, 'link the folder instead of copying it');
else if (connectionFile === undefined) fail('no connection file', 'let Jupyter start it: npm run lab');
else if (isTooOld(process.versions.node)) handOverToLocal();
else if (!process.features.typescript && !process.env[HANDED_OVER]) handOver(process.execPath, TAKE_TYPES_OFF);
else start();

function readManifest() {
  const file = path.join(root, 'package.json');
  const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  return found.name === 'annlab' ? found : null;
}

function fail(what, mend) {
  process.stderr.write(`annlab kernel: ${what}.\nTo mend: ${mend}.\n`);
  process.exitCode = 1;
}

function isTooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  const [wantMajor, wantMinor] = manifest.engines.node.replace('>=', '').split('.').map(Number);
  return major < wantMajor || (major === wantMajor && minor < wantMinor);
}

/** Goes on in the Node of node_modules. */
function handOverToLocal() {
  const spec = manifest.annlab.node[`${process.platform}-${process.arch}`];
  const binary = path.join('bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const node = spec && path.join(root, 'node_modules', spec.split('@')[0], binary);
  if (node && existsSync(node) && !process.env[HANDED_OVER]) return handOver(node);
  fail(
    `Node ${process.versions.node} is too old (annlab needs ${manifest.engines.node})`,
    `run "npm run setup" in ${root}, or put a newer Node first in PATH, then start the kernel again`,
  );
}

/** Runs this file again, and stands between it and Jupyter: signals in, exit status out. */
function handOver(node, options = []) {
  const env = { ...process.env, [HANDED_OVER]: '1' };
  const kernel = spawn(node, [...options, ...process.argv.slice(1)], { env, stdio: 'inherit' });
  kernel.on('error', (error) => fail(`${node} does not start: ${error.message}`, `run "npm run setup" in ${root}`));
  endWithParent(() => kernel.kill('SIGKILL'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => kernel.kill(signal));
  kernel.on('exit', (status, signal) => {
    if (signal === null) process.exit(status);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function start() {
  const main = path.join(root, 'node_modules', 'tslab', 'dist', 'main.js');
  if (!existsSync(main)) return fail('its packages are not installed', `run "npm run setup" in ${root}`);
  const lab = path.join(root, manifest.exports['./lab'].default);
  if (!existsSync(lab)) return fail(`${path.relative(root, lab)} is not built`, `run "npm run build" in ${root}`);

  process.chdir(root);
  silenceExperiments();
  endWithParent(() => process.exit(1));
  const tslab = createRequire(main);
  amend(tslab, '@tslab/typescript-for-tslab', withCompilerOptions);
  amend(tslab, 'zeromq', withOrderlyOutputs);
  tslab(main).startKernel({ configPath: connectionFile, enableFindLocal: false });
}

/** Gives tslab another version of a package that it is going to load. */
function amend(tslab, name, change) {
  const original = tslab(name);
  require.cache[tslab.resolve(name)].exports = { ...original, ...change(original) };
}

/**
 * tslab fixes its compiler's options; these replace some of them. Its TypeScript (5.0) is older than the project's: it
 * reads the declarations in dist/ and the days' modules, which are kept within what it understands.
 */
function withCompilerOptions({ createWatchCompilerHost, ModuleResolutionKind }) {
  const wanted = {
    strict: true,
    moduleResolution: ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  };
  return {
    // A file that appears or goes away in a watched folder makes tslab throw at the next cell ("Unexpected pending
    // rebuildTimer"): a check that writes its progress, a build beside. Files are still watched, so an edited exercise reloads.
    createWatchCompilerHost: (files, options, system, ...rest) => {
      system.watchDirectory = () => ({ close: () => {} });
      return createWatchCompilerHost(files, { ...options, ...wanted }, system, ...rest);
    },
  };
}

/**
 * tslab sends every printed line at once and waits for none. ZeroMQ refuses to send while it is sending, which a loop of a
 * few hundred lines makes it do, and drops what exceeds a thousand messages, the word that the cell has ended among them.
 */
function withOrderlyOutputs({ Publisher }) {
  return {
    Publisher: class extends Publisher {
      #sent = Promise.resolve();

      constructor(options) {
        super({ sendHighWaterMark: 0, ...options });
      }

      send(message) {
        const send = () => (this.closed ? undefined : super.send(message));
        // What cannot be sent cannot be reported either: that would be sent.
        this.#sent = this.#sent.then(send).catch(() => {});
        return this.#sent;
      }
    },
  };
}

/** Some versions of Node warn whenever a cell imports a module that is not CommonJS, or TypeScript. */
function silenceExperiments() {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0];
    if (type !== 'ExperimentalWarning') emitWarning(warning, ...rest);
  };
}

/** A kernel whose Jupyter has died would wait for its messages for ever. */
function endWithParent(end) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 1000).unref();
}
