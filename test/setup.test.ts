import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isCompiled, sourceStamp, writeStamp } from '../src/kernels/compiled-stamp.mjs';
import { hasPackages, isOlder, mendNpm, missing, nodePackage, SetupError, sameAsLocked, setup } from '../src/setup.mjs';

const repository = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A checkout in which everything is there but the WebAssembly; `compile` is what its made-up tsx runs. */
function checkout({ compile = '' } = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'annlab-setup-test-'));
  folders.push(root);
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ engines: { node: '>=1.0' }, annlab: { node: {} } }),
    'package-lock.json': JSON.stringify({ packages: { '': {}, 'node_modules/tsx': { version: '1.0.0' } } }),
    'node_modules/.package-lock.json': JSON.stringify({ packages: { 'node_modules/tsx': { version: '1.0.0' } } }),
    'node_modules/assemblyscript/package.json': JSON.stringify({ version: '0.28.0' }),
    'node_modules/tsx/package.json': JSON.stringify({ bin: './cli.mjs' }),
    'node_modules/tsx/cli.mjs': compile,
    'src/kernels/compile.ts': 'compile();\n',
    'src/kernels/assembly/distance.ts': 'export function l2(): f32 {\n  return 0;\n}\n',
    'src/kernels/assembly/walk/hnsw.ts': 'export const walk: i32 = 1;\n',
  };
  for (const [name, text] of Object.entries(files)) write(root, name, text);
  return root;
}

function write(root: string, name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

describe('isOlder', () => {
  it('orders versions by number and not by text', () => {
    expect(isOlder('20.20.2', '22.12')).toBe(true);
    expect(isOlder('22.9.0', '22.12')).toBe(true);
    expect(isOlder('22.12.0', '22.12')).toBe(false);
    expect(isOlder('100.0.0', '22.12')).toBe(false);
    expect(isOlder('22.11.0-nightly', '22.12')).toBe(true);
  });

  it('is a strict order that agrees with the order of the parts', () => {
    const part = fc.integer({ min: 0, max: 40 });
    const version = fc.tuple(part, part, part);
    fc.assert(
      fc.property(version, version, (a, b) => {
        const first = a.findIndex((value, i) => value !== b[i]);
        expect(isOlder(a.join('.'), b.join('.'))).toBe(first !== -1 && a[first] < b[first]);
      }),
      { seed: 1 },
    );
  });
});

describe('nodePackage', () => {
  it('names one exact version of a Node that is new enough for every platform annlab lists', () => {
    const platforms = Object.keys(manifest.annlab.node);
    expect(platforms).toEqual(expect.arrayContaining(['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64']));
    for (const key of platforms) {
      const [platform, arch] = key.split('-');
      const [, version] = /^node-[\w-]+@(\d+\.\d+\.\d+)$/.exec(nodePackage(manifest, platform, arch)) ?? [];
      expect(version, key).toBeDefined();
      expect(isOlder(version, manifest.engines.node.replace('>=', '')), key).toBe(false);
    }
  });

  it('says what to do on a platform for which npm carries no Node', () => {
    expect(() => nodePackage(manifest, 'aix', 'ppc64')).toThrow(/aix-ppc64[\s\S]*To mend: install Node 24/);
  });
});

describe('sameAsLocked', () => {
  const locked = {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/a-linux': { version: '1.0.0', optional: true, os: ['linux'], cpu: ['x64'] },
    'node_modules/a-mac': { version: '1.0.0', optional: true, os: ['darwin'] },
  };
  const installed = {
    'node_modules/a': locked['node_modules/a'],
    'node_modules/a-linux': locked['node_modules/a-linux'],
  };
  const same = (packages: typeof locked | object, platform = 'linux') =>
    sameAsLocked(locked, packages as typeof locked, platform, 'x64');

  it('accepts what npm installs on this platform, with extra packages or without', () => {
    expect(same(installed)).toBe(true);
    expect(same({ ...installed, 'node_modules/extra': { version: '3.0.0' } })).toBe(true);
  });

  it('refuses a missing package, another version, another content, and a node_modules from elsewhere', () => {
    expect(same({})).toBe(false);
    expect(same({ ...installed, 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } })).toBe(false);
    expect(same({ ...installed, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } })).toBe(false);
    expect(same({ ...installed, 'node_modules/a-linux': { version: '0.9.0', optional: true } })).toBe(false);
    expect(same(installed, 'darwin')).toBe(false);
  });

  it('knows npm’s negated platforms', () => {
    const packages = {
      'node_modules/a': locked['node_modules/a'],
      'node_modules/b': { version: '1.0.0', os: ['!win32'] },
    };
    expect(same(packages)).toBe(true);
    expect(same(packages, 'win32')).toBe(false);
  });

  it('finds this checkout in order, as the tests run from it', () => {
    expect(hasPackages(repository)).toBe(true);
    expect(hasPackages(repository, 'sunos', 'sparc')).toBe(false);
  });
});

describe('the stamp of the compiled kernels', () => {
  it('holds until a source, its name, the compiling script or the compiler changes', () => {
    const root = checkout();
    const stamps = [sourceStamp(root)];
    const change = (name: string, text: string) => {
      write(root, name, text);
      stamps.push(sourceStamp(root));
    };
    change('src/kernels/assembly/walk/hnsw.ts', 'export const walk: i32 = 2;\n');
    change('src/kernels/assembly/walk/vamana.ts', '');
    change('src/kernels/compile.ts', 'compile(2);\n');
    change('node_modules/assemblyscript/package.json', JSON.stringify({ version: '0.28.1' }));
    expect(new Set(stamps).size).toBe(stamps.length);
  });

  it('does not depend on line endings or on files that are not sources', () => {
    const root = checkout();
    const stamp = sourceStamp(root);
    write(root, 'src/kernels/assembly/walk/hnsw.ts', 'export const walk: i32 = 1;\r\n');
    write(root, 'src/kernels/assembly/tsconfig.json', '{}');
    expect(sourceStamp(root)).toBe(stamp);
  });

  it('is asked for by isCompiled', () => {
    const root = checkout();
    expect(isCompiled(root)).toBe(false);
    writeStamp(root, sourceStamp(root));
    expect(isCompiled(root)).toBe(true);
    write(root, 'src/kernels/assembly/distance.ts', '');
    expect(isCompiled(root)).toBe(false);
  });
});

describe('setup', () => {
  const writesStamp = `
    import { appendFileSync } from 'node:fs';
    import { sourceStamp, writeStamp } from ${JSON.stringify(new URL('../src/kernels/compiled-stamp.mjs', import.meta.url).href)};
    appendFileSync('runs', process.argv[2] + '\\n');
    setTimeout(() => writeStamp(process.cwd(), sourceStamp(process.cwd())), 300);
  `;

  it('compiles what is stale, says so in one line, and is silent when all is there', async () => {
    const root = checkout({ compile: writesStamp });
    expect(missing(root)).toEqual(['wasm']);
    let said = '';
    await setup(root, { say: (text) => (said += text) });
    expect(said).toMatch(/^annlab: compiling the WebAssembly kernels … \d+\.\d s\n$/);
    expect(missing(root)).toEqual([]);
    said = '';
    await setup(root, { say: (text) => (said += text) });
    expect(said).toBe('');
  });

  it('does the work once when two commands start together', async () => {
    const root = checkout({ compile: writesStamp });
    let said = '';
    const say = (text: string) => (said += text);
    await Promise.all([setup(root, { say }), setup(root, { say })]);
    expect(readFileSync(join(root, 'runs'), 'utf8').trim().split('\n')).toEqual([join('src', 'kernels', 'compile.ts')]);
    expect(said).toContain('waiting for another setup');
  });

  it('shows what a failing step printed and how to mend it, and can be run again', async () => {
    const root = checkout({ compile: `console.error('assembly/distance.ts:3: no such type'); process.exit(7);` });
    const failure = await setup(root, { say: () => {} }).catch((error) => error);
    expect(failure).toBeInstanceOf(SetupError);
    expect(failure.message).toMatch(/exit status 7\nassembly\/distance\.ts:3: no such type\nTo mend: /);
    write(root, 'node_modules/tsx/cli.mjs', writesStamp);
    await setup(root, { say: () => {} });
    expect(missing(root)).toEqual([]);
  });

  it('asks for packages when the lock file moved on', () => {
    const root = checkout();
    write(
      root,
      'package-lock.json',
      JSON.stringify({ packages: { '': {}, 'node_modules/tsx': { version: '2.0.0' } } }),
    );
    expect(missing(root)).toEqual(['packages', 'wasm']);
  });
});

describe('mendNpm', () => {
  it.each([
    ['npm error code EUSAGE\nnpm error `npm ci` can only install packages when … are in sync', 'restore both from git'],
    ['npm error code ECONNREFUSED', 'check the network'],
    ['npm error code ENOTFOUND', 'check the network'],
    ['npm error code EACCES\nnpm error syscall mkdir', 'writable'],
    ['npm error code EROFS', 'writable'],
    ['npm error code ENOSPC', 'disk is full'],
    ['it was not found', 'install npm'],
    ['npm error code EINTEGRITY', 'npm cache verify'],
  ])('%s', (output, advice) => {
    expect(mendNpm(output)).toContain(advice);
  });
});
