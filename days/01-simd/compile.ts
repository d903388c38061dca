/**
 * AssemblyScript to WebAssembly, in memory: a few tenths of a second, so nothing is kept. Errors come as `file:line:column: ERROR: …`.
 *
 * What is compiled can be instrumented: Binaryen's pass `instrument-memory` puts a call before each load and store, so that what
 * a function reads and writes can be recorded from outside. The compilers are imported on demand: they use top-level await,
 * which a module that a notebook's cell imports may not.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Below this address a compiled file has no data of its own (texts of errors, say): operands go there. */
export const STATIC_FROM_BYTE = 2 ** 20;

/**
 * Compiles a file of AssemblyScript into a module that imports `env.memory` and `env.abort`. Throws SyntaxError with the places
 * where it is none.
 */
export async function compile(file: string, features = 'simd'): Promise<Uint8Array<ArrayBuffer>> {
  if (!existsSync(file))
    throw new Error(`${file}: there is no such file: restore it from git, or "npm run exercises -- 1"`);
  const { default: asc } = await import('assemblyscript/asc');
  const folder = path.dirname(file);
  const errors: string[] = [];
  let code: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [path.basename(file), '--baseDir', folder, ...OPTIONS, '--enable', features],
    {
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) code = contents as Uint8Array;
      },
      reportDiagnostic: ({ category, message, range }) => {
        if (category === ERROR)
          errors.push(`${placeOf(range as Range | null, folder, file)}: ERROR: ${readable(message)}`);
      },
    },
  );
  if (errors.length > 0) throw new SyntaxError(errors.slice(0, 5).join('\n'));
  if (error || !code) throw new SyntaxError(`${file}:1:1: ERROR: ${error?.message ?? 'asc wrote nothing'}\n${stderr}`);
  return new Uint8Array(code);
}

const OPTIONS = [
  ...['--outFile', 'out.wasm', '-O3', '--noAssert', '--runtime', 'stub', '--importMemory'],
  ...['--memoryBase', String(STATIC_FROM_BYTE)],
];
/** DiagnosticCategory.Error of AssemblyScript. */
const ERROR = 3;

/** The same instructions; each load and store calls `env.load_ptr` or `env.store_ptr` first. */
export async function instrument(code: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const { default: binaryen } = await import('assemblyscript/binaryen');
  const module = binaryen.readBinary(code);
  try {
    module.setFeatures(binaryen.Features.All);
    module.runPasses(['instrument-memory']);
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

/** `file:line:column`. The compiler says an offset into the text; its own library's texts are not at hand. */
function placeOf(range: Range | null, folder: string, file: string): string {
  if (range === null) return `${file}:1:1`;
  const named = path.join(folder, range.source.normalizedPath);
  if (!existsSync(named)) return `${range.source.normalizedPath}:1:1`;
  const before = readFileSync(named, 'utf8').slice(0, range.start).split('\n');
  return `${named}:${before.length}:${before.at(-1)!.length + 1}`;
}

/** Types in messages come with their brackets encoded. */
function readable(message: string): string {
  return message.replace(/%[0-9A-F]{2}/g, decodeURIComponent);
}

/** As the compiler reports it, which is less than its declarations say. */
interface Range {
  start: number;
  source: { normalizedPath: string };
}
