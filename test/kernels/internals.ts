/**
 * What `assembly/` does inside a walk and does not show to JavaScript: distances between two records one at a time, the
 * sign filter's estimate, lists of links, those that wait, those visited, and locks.
 */
import type { Build, Kernels } from '../../src/kernels/wasm.ts';
import { ASSEMBLY, compileKernels, instantiateOver } from './compile-kernels.ts';

type Shown =
  | 'codeDot'
  | 'codeDotx4Into'
  | 'configureVisited'
  | 'configureSpace'
  | 'configureSigns'
  | 'configureThread'
  | 'rotateCentred'
  | 'encodeSigns'
  | 'configureSq8'
  | 'prepareSq8Code'
  | 'sq8Distance'
  | 'sq8DistancesInto';

export type Internals = Pick<Kernels, Shown> & {
  prepare(record: number): void;
  distance(record: number): number;
  dotOfCodes(fa: number, fb: number, integerDot: number, n: number): number;
  manhattanToCode(q: number, code: number, n: number): number;
  walkBy(metric: number): void;
  rotateQuery(x: number): void;
  prepareSigns(x: number, margin: number, width: number): void;
  lowerBound(slot: number): number;

  countOf(list: number): number;
  edgeAt(list: number, i: number): number;
  keptCount(list: number): number;
  indexOf(list: number, slot: number): number;
  markAt(list: number, i: number, marks: number): void;
  append(list: number, edge: number): void;
  compact(list: number, stay: number, n: number, last: number, room: number): void;
  removeDuplicates(list: number): void;

  configureWaiting(heap: number): void;
  resetWaiting(): void;
  wait(estimate: number, slot: number): void;
  leastEstimate(): number;
  takeLeast(): number;

  resetVisited(count: number): void;
  admitVisits(count: number): void;
  visit(slot: number): number;

  lock(word: number): void;
  unlock(word: number): void;
  holds(word: number): number;
};

/** What a test wants to see of `assembly/`. */
export const INTERNALS = `
import { codeDotx4 } from '${ASSEMBLY}/codes';
export { codeDot, dotOfCodes, manhattanToCode } from '${ASSEMBLY}/codes';
export { configureSpace, distance, prepare, walkBy } from '${ASSEMBLY}/space';
export { configureSigns, encodeSigns, lowerBound, prepareSigns, rotateCentred, rotateQuery } from '${ASSEMBLY}/signs';
export { append, compact, countOf, edgeAt, indexOf, keptCount, markAt, removeDuplicates } from '${ASSEMBLY}/links';
export { configureThread, holds, lock, unlock } from '${ASSEMBLY}/locks';
export { configureWaiting, leastEstimate, resetWaiting, takeLeast, wait } from '${ASSEMBLY}/waiting';
export { admitVisits, configureVisited, resetVisited, visit } from '${ASSEMBLY}/visited';
export { configureSq8, prepareSq8Code, sq8Distance, sq8DistancesInto } from '${ASSEMBLY}/sq8';
export function codeDotx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, codeDotx4(q, a, b, c, d, n));
}
`;

/**
 * Compiles them; the result instantiates them over a memory. `fusedDot` decides what else the machine does: whether the
 * relaxed build takes the loop for machines that have the dot product in one instruction, or the one for all others.
 */
export async function compileInternals(
  build: Build,
  { fusedDot }: { fusedDot?: boolean } = {},
): Promise<(memory: WebAssembly.Memory) => Internals> {
  const edit = (name: string, source: string) =>
    fusedDot === undefined || name !== 'codes.ts' ? source : decide(source, fusedDot);
  const module = await compileKernels({ build, entry: INTERNALS, edit });
  return (memory) => instantiateOver<Internals>(module, memory);
}

function decide(source: string, fusedDot: boolean): string {
  const choice = /const fusedDot: bool =[^;]*;/;
  if (!choice.test(source)) throw new Error('codes.ts no longer says which loop fusedDot chooses');
  return source.replace(choice, `const fusedDot: bool = ${fusedDot};`);
}
