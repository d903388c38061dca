/**
 * What `assembly/` does inside a walk and does not show to JavaScript: distances between two records one at a time, and the sign
 * filter's estimate. Compiled for the tests from the same sources, with the flags of `src/kernels/compile.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import type { Build, Kernels } from '../../src/kernels/wasm.ts';

type Shown = 'codeDot' | 'codeDotx4Into' | 'configureSpace' | 'configureSigns' | 'rotateCentred' | 'encodeSigns';

export type Internals = Pick<Kernels, Shown> & {
  prepare(record: number): void;
  distance(record: number): number;
  dotOfCodes(fa: number, fb: number, integerDot: number, n: number): number;
  manhattanToCode(q: number, code: number, n: number): number;
  prepareSigns(x: number, margin: number): void;
  lowerBound(slot: number): number;
};

const ENTRY = `
import { codeDotx4 } from './src/kernels/assembly/codes';
export { codeDot, dotOfCodes, manhattanToCode } from './src/kernels/assembly/codes';
export { configureSpace, distance, prepare } from './src/kernels/assembly/space';
export { configureSigns, encodeSigns, lowerBound, prepareSigns, rotateCentred } from './src/kernels/assembly/signs';
export function codeDotx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, codeDotx4(q, a, b, c, d, n));
}
`;

/**
 * Compiles them; the result instantiates them over a memory. `fusedDot` decides what else the machine does: whether the relaxed
 * build takes the loop for machines that have the dot product in one instruction, or the one for all others.
 */
export async function compileInternals(
  build: Build,
  { fusedDot }: { fusedDot?: boolean } = {},
): Promise<(memory: WebAssembly.Memory) => Internals> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      ...['internals.ts', '--baseDir', root, '--outFile', 'internals.wasm', '-O3', '--noAssert', '--disableWarning'],
      ...['--runtime', 'stub', '--enable', 'simd,threads,bulk-memory'],
      ...(build === 'relaxed' ? ['--enable', 'relaxed-simd'] : []),
      ...['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    {
      readFile: (name, base) => {
        if (name === 'internals.ts') return ENTRY;
        const source = readIfThere(join(base, name));
        return fusedDot === undefined || !name.endsWith('codes.ts') ? source : decide(source, fusedDot);
      },
      writeFile: (_, contents) => {
        binary = new Uint8Array(contents as Uint8Array);
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw new Error(`the kernels' internals do not compile: ${stderr}`, { cause: error });
  const module = new WebAssembly.Module(binary);
  return (memory) => {
    const abort = () => {
      throw new Error('the kernels aborted');
    };
    return new WebAssembly.Instance(module, { env: { memory, abort } }).exports as unknown as Internals;
  };
}

function decide(source: string | null, fusedDot: boolean): string {
  const choice = /const fusedDot: bool =[^;]*;/;
  if (!source || !choice.test(source)) throw new Error('codes.ts no longer says which loop fusedDot chooses');
  return source.replace(choice, `const fusedDot: bool = ${fusedDot};`);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
