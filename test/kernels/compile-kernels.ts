/**
 * Compiles `src/kernels/assembly` for the tests, with the flags of `src/kernels/compile.ts`: other entries to it, or
 * sources with a change.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import type { Build } from '../../src/kernels/wasm.ts';

export const ASSEMBLY = './src/kernels/assembly';

export interface CompileOptions {
  build: Build;
  /**
   * The source of the module whose exports are wanted, with imports from `ASSEMBLY`. Default: what the engine exports.
   */
  entry?: string;
  /** Changes a source, named without its folder, before it is compiled. */
  edit?: (name: string, source: string) => string;
}

export async function compileKernels({ build, entry, edit }: CompileOptions): Promise<WebAssembly.Module> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const main = entry === undefined ? `${ASSEMBLY}/index.ts` : 'entry.ts';
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      ...[main, '--baseDir', root, '--outFile', 'kernels.wasm', '-O3', '--noAssert', '--disableWarning'],
      ...['--runtime', 'stub', '--enable', 'simd,threads,bulk-memory'],
      ...(build === 'relaxed' ? ['--enable', 'relaxed-simd'] : []),
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    {
      readFile: (name, base) => {
        if (name === 'entry.ts') return entry ?? null;
        const source = readIfThere(join(base, name));
        const ours = name.includes(ASSEMBLY.slice(2));
        return source !== null && edit && ours ? edit(basename(name), source) : source;
      },
      writeFile: (_, contents) => {
        binary = new Uint8Array(contents as Uint8Array);
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`the kernels do not compile: ${stderr}`, { cause: error });
  return new WebAssembly.Module(binary);
}

/** The module over a memory, with what it imports besides. */
export function instantiateOver<Exports>(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  imports: WebAssembly.Imports = {},
): Exports {
  const abort = () => {
    throw new Error('the kernels aborted');
  };
  return new WebAssembly.Instance(module, { env: { memory, abort }, ...imports }).exports as unknown as Exports;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
