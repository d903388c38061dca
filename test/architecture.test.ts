/**
 * The house plan, enforced: which layer of `src/` may import which, no cycles, no teaching code in the engine, no folder and
 * no top-level name that the plan does not know. Every rule is also fed made-up files that break it.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const BELOW_ENGINE = ['core', 'kernels', 'quantize', 'graph', 'workers', 'storage'];

/** For each folder of src/, the folders it may import from, besides itself. */
const LAYERS: Record<string, string[]> = {
  core: [],
  kernels: ['core'],
  quantize: ['core', 'kernels'],
  graph: ['core', 'kernels', 'quantize'],
  workers: ['core', 'kernels', 'quantize', 'graph'],
  storage: ['core', 'kernels'],
  engine: BELOW_ENGINE,
  server: [...BELOW_ENGINE, 'engine'],
  lab: [...BELOW_ENGINE, 'engine'],
  // The command line stands on top: it starts the server and evaluates with the lab.
  cli: [...BELOW_ENGINE, 'engine', 'server', 'lab'],
};

/** Files directly in src/, and what they may import. */
const ROOT_FILES: Record<string, string[]> = {
  'index.ts': Object.keys(LAYERS),
  'setup.mjs': ['kernels'],
  'setup.d.mts': [],
};

/** The one file that may import a computed path, once: the lab loads a day's files, which src/ must not name. */
const LOADS_COMPUTED = 'src/lab/exercises/load-module.ts';

const TOP_LEVEL = ['package.json', 'tsconfig.json', 'notebooks', 'src', 'days', 'datasets', 'test', 'README.md'];
const SMALL_FILES = ['package-lock.json', 'LICENSE', 'CHANGELOG.md'];

interface Arrow {
  /** Path of the importing file from the repository's root, with forward slashes. */
  from: string;
  /** What it names: a path like `from` where relative, else the specifier as written. */
  to: string;
  /** `import`: in any of its forms, types too. `url`: `new URL('…', import.meta.url)`, as workers are started. */
  kind: 'import' | 'url';
}

/** Everything that a file imports. Throws where it cannot be parsed, as imports could hide there. */
function arrowsOf(from: string, source: string): Arrow[] {
  // AssemblyScript decorates functions, which TypeScript does not.
  const text = isAssembly(from) ? source.replace(/^[ \t]*@\w+(\([^)]*\))?/gm, '') : source;
  const { program, errors } = parseSync(from, text);
  if (errors.length > 0) throw new Error(`${from}: ${errors[0].message}`);
  const arrows: Arrow[] = [];
  let computed = from === LOADS_COMPUTED ? 1 : 0;
  const add = (kind: Arrow['kind'], specifier: string) => {
    const path = posix.join(posix.dirname(from), specifier);
    const to = specifier.startsWith('.') ? (isAssembly(from) ? `${path}.ts` : path) : specifier;
    arrows.push({ from, to, kind });
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    if (!isNode(node)) return;
    // import … from, export … from, import('…'), import('…').Type
    if (isNode(node.source)) {
      const { type, value } = node.source;
      if (type === 'Literal' && typeof value === 'string') add('import', value);
      else if (node.type !== 'ImportExpression' || computed-- < 1)
        throw new Error(`${from}: an import of a computed name, which this test cannot follow: write the name`);
    }
    // The one file of CommonJS, which starts the notebooks' kernel.
    if (node.type === 'CallExpression' && isNode(node.callee) && node.callee.name === 'require') {
      const [name] = node.arguments as Node[];
      if (name?.type === 'Literal') add('import', String(name.value));
      else throw new Error(`${from}: require of a computed name, which this test cannot follow: write the name`);
    }
    if (node.type === 'NewExpression' && isNode(node.callee) && node.callee.name === 'URL') {
      const [path, base] = node.arguments as Node[];
      const here = base && text.slice(base.start, base.end) === 'import.meta.url';
      if (here && path.type === 'Literal') add('url', String(path.value));
    }
    for (const value of Object.values(node)) visit(value);
  };
  visit(program.body);
  return arrows;
}

interface Node extends Record<string, unknown> {
  type: string;
  start: number;
  end: number;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function isAssembly(file: string): boolean {
  return file.startsWith('src/kernels/assembly/');
}

/** What breaks the plan in these files of src/, given what they import. */
function violations(files: string[], arrows: Arrow[]): string[] {
  return [...files.flatMap(misplaced), ...arrows.flatMap(forbidden), ...cycles(arrows)];
}

function misplaced(file: string): string[] {
  const [, folder, ...rest] = file.split('/');
  const known = rest.length > 0 ? folder in LAYERS : folder in ROOT_FILES || folder === 'tsconfig.json';
  return known ? [] : [`${file}: ${folder} is not in the plan of src/`];
}

function forbidden({ from, to, kind }: Arrow): string[] {
  const [top, target] = to.split('/');
  if (top === 'annlab') return [`${from} imports annlab: inside src/, import the file itself`];
  if (top === 'days' || top === 'notebooks')
    return [`${from} imports ${to}: the engine does not know the teaching code`];
  if (isAssembly(from) && !isAssembly(to)) return [`${from} imports ${to}: AssemblyScript is compiled on its own`];
  if (!isAssembly(from) && isAssembly(to) && kind === 'import')
    return [`${from} imports ${to}, which is AssemblyScript`];
  if (top !== 'src') return [];
  const [, folder, ...rest] = from.split('/');
  const allowed = rest.length > 0 ? [folder, ...(LAYERS[folder] ?? [])] : ROOT_FILES[folder];
  if (!(target in LAYERS) || allowed?.includes(target)) return [];
  return [`${from} imports ${to}: ${rest.length > 0 ? folder : from} may import ${allowed?.join(', ') || 'nothing'}`];
}

/** One line for every group of files that import each other in a circle (Tarjan's strongly connected components). */
function cycles(arrows: Arrow[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to, kind } of arrows) {
    if (kind === 'import') next.set(from, [...(next.get(from) ?? []), to]);
  }
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const to of next.get(file) ?? []) {
      if (!order.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || next.get(file)?.includes(file)) found.push(`import cycle: ${group.join(' → ')} → ${file}`);
  };
  for (const file of next.keys()) if (!order.has(file)) visit(file);
  return found;
}

function unknownTopLevel(names: string[]): string[] {
  return names.filter((name) => !name.startsWith('.') && ![...TOP_LEVEL, ...SMALL_FILES].includes(name));
}

describe('this repository', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => posix.join(...join(entry.parentPath, entry.name).slice(root.length).split(sep)))
    .filter((file) => !file.startsWith('src/kernels/compiled/'));

  /** What git tracks; where there is no git (an unpacked archive), what is there without what is made. */
  const trackedTopLevel = (): string[] => {
    const made = ['node_modules', 'dist', 'out'];
    const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    if (!stdout) return readdirSync(root).filter((name) => !made.includes(name));
    return [...new Set(stdout.split('\0').map((file) => file.split('/')[0]))].filter((name) => name !== '');
  };

  const sources = files.filter((file) => /\.m?ts$|\.[cm]js$/.test(file));

  it('has its arrows pointing one way, no cycles and no unknown folders in src/', () => {
    const arrows = sources.flatMap((file) => arrowsOf(file, readFileSync(join(root, file), 'utf8')));
    expect(arrows.length).toBeGreaterThan(sources.length / 2);
    expect(violations(files, arrows)).toEqual([]);
  });

  it('has no unknown name at the top', () => {
    const names = trackedTopLevel();
    expect(names).toContain('package.json');
    expect(unknownTopLevel(names)).toEqual([]);
  });
});

describe('arrowsOf', () => {
  const found = (source: string, from = 'src/graph/hnsw.ts') =>
    arrowsOf(from, source).map(({ to, kind }) => (kind === 'url' ? `url ${to}` : to));

  it.each([
    [`import { row } from '../core/matrix.ts';`, 'src/core/matrix.ts'],
    [`import type { Matrix } from '../core/matrix.ts';`, 'src/core/matrix.ts'],
    [`import '../core/matrix.ts';`, 'src/core/matrix.ts'],
    [`import * as matrix from "../core/matrix.ts";`, 'src/core/matrix.ts'],
    [`import {\n  row,\n  type Matrix,\n} from '../core/matrix.ts';`, 'src/core/matrix.ts'],
    [`export { row } from '../core/matrix.ts';`, 'src/core/matrix.ts'],
    [`export * from './flat.ts';`, 'src/graph/flat.ts'],
    [`export type * from './flat.ts';`, 'src/graph/flat.ts'],
    [`const matrix = await import('../core/matrix.ts');`, 'src/core/matrix.ts'],
    [`let matrix: typeof import('../core/matrix.ts');`, 'src/core/matrix.ts'],
    [`function f(m: import('../core/matrix.ts').Matrix) {}`, 'src/core/matrix.ts'],
    [`new Worker(new URL('../workers/run.ts', import.meta.url));`, 'url src/workers/run.ts'],
    [`import catalogue from '../../datasets/catalogue.json' with { type: 'json' };`, 'datasets/catalogue.json'],
    [`import seedrandom from 'seedrandom';`, 'seedrandom'],
    [`const { spawn } = require('node:child_process');`, 'node:child_process'],
  ])('%s', (source, to) => {
    expect(found(source)).toEqual([to]);
  });

  it('takes no notice of comments, strings, import.meta and other URLs', () => {
    const source = `
      // import '../lab/a.ts';
      const text = "import '../lab/b.ts'"; const template = \`import '../lab/c.ts'\`;
      export const here = import.meta.url; new URL('../lab/d.ts', base); export { text };`;
    expect(found(source)).toEqual([]);
  });

  it('reads AssemblyScript, its decorators included', () => {
    const source = `import { dot } from './distance';\n@inline\nexport function f(a: usize): f32 {\n  return <f32>dot(a);\n}`;
    expect(found(source, 'src/kernels/assembly/codes.ts')).toEqual(['src/kernels/assembly/distance.ts']);
  });

  it('refuses what it cannot follow or parse', () => {
    expect(() => found(`const module = await import(name);`)).toThrow('computed name');
    expect(() => found(`const module = require(name);`)).toThrow('computed name');
    expect(() => found(`import { from '../core/matrix.ts';`)).toThrow('src/graph/hnsw.ts');
  });

  it('follows all but one computed import in the file that loads the days', () => {
    const load = `export const load = (path: string) => import(path);`;
    expect(found(`import './day.ts';\n${load}`, LOADS_COMPUTED)).toEqual(['src/lab/exercises/day.ts']);
    expect(() => found(`${load}\nawait import(name);`, LOADS_COMPUTED)).toThrow('computed name');
    expect(() => found(load, 'src/lab/exercises/load-day.ts')).toThrow('computed name');
  });
});

describe('violations', () => {
  const check = (...imports: [from: string, to: string][]) => {
    const arrows = imports.map(([from, to]): Arrow => ({ from, to, kind: 'import' }));
    return violations([...new Set(arrows.map(({ from }) => from))], arrows);
  };

  it('accepts every arrow of the plan', () => {
    const arrows = Object.entries(LAYERS).flatMap(([from, targets]) =>
      [from, ...targets].map((to): [string, string] => [`src/${from}/a.ts`, `src/${to}/b.ts`]),
    );
    expect(check(...arrows, ['src/index.ts', 'src/engine/a.ts'], ['src/setup.mjs', 'src/kernels/a.mjs'])).toEqual([]);
    expect(check(['src/graph/a.ts', 'node:fs'], ['src/lab/a.ts', 'datasets/catalogue.json'])).toEqual([]);
  });

  it('refuses every arrow that the plan does not name', () => {
    for (const from of Object.keys(LAYERS)) {
      for (const to of Object.keys(LAYERS)) {
        const allowed = from === to || LAYERS[from].includes(to);
        expect(check([`src/${from}/a.ts`, `src/${to}/b.ts`]), `${from} → ${to}`).toHaveLength(allowed ? 0 : 1);
      }
    }
    expect(check(['src/kernels/memory.ts', 'src/graph/vector-index.ts'])).toEqual([
      'src/kernels/memory.ts imports src/graph/vector-index.ts: kernels may import kernels, core',
    ]);
    expect(check(['src/setup.mjs', 'src/lab/start.ts'])).toHaveLength(1);
  });

  it('keeps the plan itself free of circles', () => {
    expect(
      cycles(
        Object.entries(LAYERS).flatMap(([from, to]) => to.map((layer): Arrow => ({ from, to: layer, kind: 'import' }))),
      ),
    ).toEqual([]);
  });

  it('counts a worker started by URL as an arrow, but not as a cycle', () => {
    expect(violations([], [{ from: 'src/graph/a.ts', to: 'src/workers/b.ts', kind: 'url' }])).toHaveLength(1);
    const spawned: Arrow = { from: 'src/workers/pool.ts', to: 'src/workers/run.ts', kind: 'url' };
    expect(violations([], [spawned, { from: spawned.to, to: spawned.from, kind: 'import' }])).toEqual([]);
  });

  it('refuses the teaching code, the package’s own name and AssemblyScript from outside', () => {
    expect(check(['src/lab/a.ts', 'days/02-nsw/solution.ts'])).toHaveLength(1);
    expect(check(['src/lab/a.ts', 'notebooks/kernel.ts'])).toHaveLength(1);
    expect(check(['src/lab/a.ts', 'annlab'], ['src/lab/b.ts', 'annlab/lab'])).toHaveLength(2);
    expect(check(['src/kernels/wasm.ts', 'src/kernels/assembly/index.ts'])).toHaveLength(1);
    expect(check(['src/kernels/assembly/index.ts', 'src/core/matrix.ts'])).toHaveLength(1);
  });

  it('finds cycles of one, two and three files, through the rest of a graph', () => {
    const at = (name: string) => `src/core/${name}.ts`;
    const graph = (...arrows: string[]) => check(...arrows.map((ab): [string, string] => [at(ab[0]), at(ab[1])]));
    expect(graph('ab', 'bc', 'ac', 'dc')).toEqual([]);
    expect(graph('aa')).toEqual([`import cycle: ${at('a')} → ${at('a')}`]);
    expect(graph('ab', 'ba')).toEqual([`import cycle: ${at('a')} → ${at('b')} → ${at('a')}`]);
    expect(graph('xa', 'ab', 'bc', 'cy', 'ca', 'yz')).toEqual([
      `import cycle: ${['a', 'b', 'c', 'a'].map(at).join(' → ')}`,
    ]);
    expect(graph('ab', 'ba', 'cd', 'dc')).toHaveLength(2);
  });

  it('refuses unknown folders and files in src/, and unknown names at the top', () => {
    expect(violations(['src/utils/a.ts', 'src/helpers.ts', 'src/core/new-file.ts', 'src/tsconfig.json'], [])).toEqual([
      'src/utils/a.ts: utils is not in the plan of src/',
      'src/helpers.ts: helpers.ts is not in the plan of src/',
    ]);
    expect(unknownTopLevel(['README.md', 'src', '.gitignore', 'scripts', 'utils.ts'])).toEqual(['scripts', 'utils.ts']);
  });
});
