/**
 * Makes a checkout ready to run, and does nothing, quickly, when it is: npm runs this before `start`, `test`, `build` and
 * `bench`. Three things have to be there, each compared by content and never by time:
 *
 * 1. a Node that is new enough. An older one fetches Node 24 through npm into `node_modules/.bin`, where every npm script
 *    then finds it; whoever has a new Node already downloads no other;
 * 2. the packages of `package-lock.json`;
 * 3. the WebAssembly of `src/kernels`.
 *
 * Plain JavaScript on the standard library, because it runs on Node 18 with nothing installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, utimes } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCompiled } from './kernels/compiled-stamp.mjs';

/** Makes the checkout at `root` ready. Throws a SetupError that says what failed and how to mend it. */
export async function setup(root, { say = (text) => process.stderr.write(text) } = {}) {
  if (missing(root).length === 0) return;
  await withLock(root, say, async (scratch) => {
    // Another command may have done the work while this one waited for the lock.
    const needs = missing(root);
    if (needs.includes('node') || needs.includes('packages')) await install(root, needs, scratch, say);
    if (!isCompiled(root)) {
      const node = nodeOf(root);
      await step(say, 'compiling the WebAssembly kernels', () =>
        run(node, [tsxOf(root), join('src', 'kernels', 'compile.ts')], { cwd: root, node, mend: mendCompile }),
      );
    }
  });
}

export class SetupError extends Error {}

/** What the checkout lacks, of 'node', 'packages' and 'wasm', in the order of mending. */
export function missing(root) {
  const lacks = [];
  if (needsLocalNode(root) && !hasLocalNode(root)) lacks.push('node');
  if (!hasPackages(root)) lacks.push('packages');
  if (lacks.length > 0 || !isCompiled(root)) lacks.push('wasm');
  return lacks;
}

// ---- Node -------------------------------------------------------------------------------------------------------

/** Whether version `a` (as in `process.versions.node`) comes before version `b`; missing parts count as 0. */
export function isOlder(a, b) {
  const parts = (version) => version.split('-')[0].split('.').map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i++) {
    if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) < (right[i] ?? 0);
  }
  return false;
}

/** The npm package (`name@version`) that carries Node for this platform, from `annlab.node` of package.json. */
export function nodePackage(manifest, platform = process.platform, arch = process.arch) {
  const spec = manifest.annlab.node[`${platform}-${arch}`];
  if (spec !== undefined) return spec;
  const known = Object.keys(manifest.annlab.node).join(', ');
  throw new SetupError(
    `Node ${process.versions.node} is too old (annlab needs ${manifest.engines.node}) and npm carries a newer one only for ${known}, ` +
      `not for ${platform}-${arch}.\nTo mend: install Node 24 from your system's packages or https://nodejs.org, then run this again.`,
  );
}

/**
 * True when npm scripts would run on a Node too old without one in node_modules/.bin. A Node that runs from there was
 * put there for this reason, so it stays needed.
 */
function needsLocalNode(root) {
  return runsFromNodeModules(root) || isOlder(process.versions.node, manifestOf(root).engines.node.replace('>=', ''));
}

function runsFromNodeModules(root) {
  return (
    existsSync(join(root, 'node_modules')) &&
    process.execPath.startsWith(realpathSync(join(root, 'node_modules')) + sep)
  );
}

function hasLocalNode(root) {
  const [name, version] = nodePackage(manifestOf(root)).split('@');
  const manifest = join(root, 'node_modules', name, 'package.json');
  const bin = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  return existsSync(bin) && existsSync(manifest) && readJson(manifest).version === version;
}

/** The Node that npm scripts will find. */
function nodeOf(root) {
  return needsLocalNode(root) ? nodeIn(root, nodePackage(manifestOf(root))) : process.execPath;
}

function nodeIn(folder, spec) {
  return join(folder, 'node_modules', spec.split('@')[0], 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function tsxOf(root) {
  const folder = join(root, 'node_modules', 'tsx');
  return join(folder, readJson(join(folder, 'package.json')).bin);
}

// ---- packages ---------------------------------------------------------------------------------------------------

/** Whether node_modules holds what package-lock.json says, by npm's own record of what it put there. */
export function hasPackages(root, platform = process.platform, arch = process.arch) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const locked = readJson(join(root, 'package-lock.json')).packages;
  return sameAsLocked(locked, readJson(record).packages, platform, arch);
}

/**
 * Compares the lock file's packages with npm's record of the installed ones. A package for other platforms may be absent,
 * one of another platform may not be there (a node_modules copied from elsewhere), and extra ones do no harm.
 */
export function sameAsLocked(locked, installed, platform, arch) {
  const lockedIsThere = Object.entries(locked).every(([path, want]) => {
    const got = installed[path];
    if (path === '') return true;
    if (got === undefined) return want.optional === true;
    return got.version === want.version && (want.integrity === undefined || got.integrity === want.integrity);
  });
  return lockedIsThere && Object.values(installed).every(({ os, cpu }) => fits(os, platform) && fits(cpu, arch));
}

/** npm's rule for `os` and `cpu`: a list of names that fit, or of `!names` that do not. */
function fits(allowed, name) {
  if (allowed === undefined) return true;
  const list = [allowed].flat();
  if (list.includes(`!${name}`)) return false;
  return list.includes(name) || list.includes('any') || list.every((entry) => entry.startsWith('!'));
}

/**
 * Node and packages. npm leaves out optional packages whose `engines` the running Node does not meet, prebuilt binaries
 * among them; so the new Node comes first, to a temporary folder, npm runs on it, and puts it in place as the last thing.
 */
async function install(root, needs, scratch, say) {
  if (process.platform === 'win32' && runsFromNodeModules(root)) {
    throw new SetupError(
      'node_modules is out of date, and Windows cannot replace the Node in it while it runs.\n' +
        'To mend: delete the folder node_modules (rmdir /s /q node_modules), then run "npm run setup" again.',
    );
  }
  const local = needsLocalNode(root) ? nodePackage(manifestOf(root)) : null;
  let node = process.execPath;
  if (local !== null) {
    await step(say, `fetching ${local} (annlab needs Node ${manifestOf(root).engines.node})`, async () => {
      await npm(node, ['install', '--no-save', '--no-package-lock', '--prefix', scratch, local], scratch);
      node = nodeIn(scratch, local);
      await run(node, ['--version'], { cwd: scratch, mend: mendNode });
    });
  }
  await step(
    say,
    needs.includes('packages') ? 'installing packages (npm ci)' : 'adding it to node_modules',
    async () => {
      if (needs.includes('packages')) await npm(node, ['ci', '--include=dev', '--include=optional'], root);
      if (local !== null) await npm(node, ['install', '--no-save', '--include=dev', '--include=optional', local], root);
    },
  );
}

// ---- running things ---------------------------------------------------------------------------------------------

/** Runs npm on `node`. Install scripts are not needed by any package here: all carry their binaries. */
function npm(node, args, cwd) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const cli = [process.env.npm_execpath, ...besideNode(process.execPath)].find(
    (file) => file?.endsWith('npm-cli.js') && existsSync(file),
  );
  // Without the path of npm itself, the shell finds it, and with the PATH below npm finds the wanted Node.
  return cli === undefined
    ? run('npm', [...args, ...quiet], { cwd, node, mend: mendNpm, shell: process.platform === 'win32' })
    : run(node, [cli, ...args, ...quiet], { cwd, node, mend: mendNpm });
}

/** Where Node's own distribution keeps npm, on Unix and on Windows. */
function besideNode(execPath) {
  const folder = dirname(execPath);
  return [join(folder, '..', 'lib'), folder].map((base) => join(base, 'node_modules', 'npm', 'bin', 'npm-cli.js'));
}

/** Runs a command to its end, showing nothing of it unless it fails. */
function run(command, args, { cwd, node = process.execPath, mend, shell = false }) {
  const path = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const env = { ...process.env, [path]: [dirname(node), process.env[path]].join(delimiter) };
  const line = [command, ...args].map((word) => (shell && word.includes(' ') ? `"${word}"` : word));
  return new Promise((resolve, reject) => {
    const child = spawn(line[0], line.slice(1), { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => fail(error.code === 'ENOENT' ? 'it was not found' : error.message));
    child.on('close', (status, signal) => (status === 0 ? resolve() : fail(signal ?? `exit status ${status}`)));
    function fail(how) {
      const failed = `"${[command, ...args].join(' ')}" failed in ${cwd}: ${how}`;
      reject(
        new SetupError([failed, essence(output), `To mend: ${mend(`${how}\n${output}`)}`].filter(Boolean).join('\n')),
      );
    }
  });
}

/** A failed command's output without npm's usage page, and without the middle where it is long. */
function essence(output) {
  const lines = output.trim().split('\n');
  const usage = lines.findIndex((line) => /Usage:$/.test(line));
  const told = usage === -1 ? lines : lines.slice(0, usage);
  return (told.length <= 40 ? told : [...told.slice(0, 20), '[…]', ...told.slice(-20)]).join('\n').trimEnd();
}

/** What to do about a failed npm, by what it printed. */
export function mendNpm(output) {
  const again = 'then run "npm run setup" again.';
  if (/it was not found/.test(output)) return `install npm (it comes with Node: https://nodejs.org), ${again}`;
  if (/ENOSPC/.test(output)) return `the disk is full: make room (about 600 MB), ${again}`;
  if (/EACCES|EPERM|EROFS/.test(output)) return `make the checkout and npm's cache writable for this user, ${again}`;
  if (/EUSAGE|in sync/.test(output))
    return `package.json and package-lock.json disagree: restore both from git, ${again}`;
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONN|ERR_SOCKET|network/i.test(output)) {
    return `npm cannot reach its registry: check the network and "npm config get proxy registry", ${again}`;
  }
  return `see npm's message above; "npm cache verify" and deleting node_modules help against damaged files; ${again}`;
}

function mendNode() {
  return (
    'where the temporary folder forbids programs (noexec), set TMPDIR to another; where the system has no glibc (Alpine Linux), ' +
    'install Node 24 from its own packages; then run "npm run setup" again.'
  );
}

function mendCompile() {
  return 'the message above names the line in src/kernels; after mending it run "npm run wasm".';
}

/** Says what is being done and, after it, how long it took, in one line. */
async function step(say, what, work) {
  const start = performance.now();
  say(`annlab: ${what} … `);
  try {
    await work();
  } catch (error) {
    say('failed\n');
    throw error;
  }
  say(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
}

/**
 * One setup at a time per checkout: a folder in the temporary folder, which only one can make. The holder touches it every
 * few seconds; one left untouched was left by a process that died, and is taken over. `work` may use it as scratch space.
 */
async function withLock(root, say, work, { staleMs = 20_000, giveUpMs = 15 * 60_000 } = {}) {
  const lock = join(tmpdir(), `annlab-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const start = Date.now();
  let waiting = false;
  while (!take(lock)) {
    if (untouchedMs(lock) > staleMs) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() - start > giveUpMs) {
      throw new SetupError(
        `another setup of ${root} is still running after ${giveUpMs / 60_000} minutes.\nTo mend: end it, delete ${lock}, then run this again.`,
      );
    }
    if (!waiting) say('annlab: waiting for another setup of this checkout to end\n');
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const touch = setInterval(() => utimes(lock, new Date(), new Date(), () => {}), staleMs / 10);
  const release = () => rmSync(lock, { recursive: true, force: true, maxRetries: 3 });
  const interrupt = () => {
    release();
    process.exit(130);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(lock);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    clearInterval(touch);
    release();
  }
}

function take(lock) {
  try {
    mkdirSync(lock, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function untouchedMs(lock) {
  const stat = statSync(lock, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

function manifestOf(root) {
  return readJson(join(root, 'package.json'));
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

const isMain = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  setup(fileURLToPath(new URL('..', import.meta.url))).catch((error) => {
    process.stderr.write(`annlab: ${error instanceof SetupError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
}
