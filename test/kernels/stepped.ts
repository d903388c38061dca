/**
 * The kernels with a stop before everything that threads do to each other: every store that another one may see or a
 * successor read, every load of a count or an edge, and every wait for a lock. At a stop a test may do anything: let
 * other threads work on the same memory, compare what they see, or throw, and then the thread has died there. So all
 * the places can be gone through, one by one, that real threads would come upon once in a million.
 */
import type { Build, Kernels } from '../../src/kernels/wasm.ts';
import { compileKernels, instantiateOver } from './compile-kernels.ts';
import { INTERNALS, type Internals } from './internals.ts';

/** What a thread calls at its stops. */
export interface Stops {
  store(): void;
  look(): void;
  /** Somebody else holds the lock; a thread that comes back from here tries again. */
  wait(): void;
}

/** Where in a source stops are written, and in how many places at least. */
interface Edit {
  where: RegExp;
  write: string;
  atLeast: number;
}

const STORES = /^(\s+)(?=(?:const \w+ = |if \()?(?:atomic\.(?:store|cmpxchg|xchg|add)|store)<)/gm;
const PLAIN_WRITES = /^(\s+)(?=(?:writeVector|createLists|encodeSigns)\([^:]*\);$)/gm;
const LOADS = /^(\s+)(?=return atomic\.load<)/gm;
const WAITS = /atomic\.wait<i32>\(word, marked, NAP_NS\)/g;
const SPINS = /const SPINS: i32 = \d+/g;

const EDITS: Record<string, Edit[]> = {
  'links.ts': [
    { where: STORES, write: '$1stopAtStore(); ', atLeast: 6 },
    { where: LOADS, write: '$1stopAtLook(); ', atLeast: 2 },
  ],
  'locks.ts': [
    { where: STORES, write: '$1stopAtStore(); ', atLeast: 4 },
    { where: WAITS, write: 'stopAtWait()', atLeast: 1 },
    { where: SPINS, write: 'const SPINS: i32 = 0', atLeast: 1 },
  ],
  'hnsw.ts': [
    { where: STORES, write: '$1stopAtStore(); ', atLeast: 2 },
    { where: PLAIN_WRITES, write: '$1stopAtStore(); ', atLeast: 3 },
  ],
};

const DECLARED = ['store', 'look', 'wait']
  .map((stop) => {
    const local = `stopAt${stop[0].toUpperCase()}${stop.slice(1)}`;
    return `@external("stops", "${stop}") declare function ${local}(): void;\n`;
  })
  .join('');

/** The engine's kernels with stops; the result instantiates them over a memory, for a thread that stops there. */
export async function compileStepped(build: Build): Promise<(memory: WebAssembly.Memory, stops: Stops) => Kernels> {
  const module = await compileKernels({ build, edit: withStops });
  return (memory, stops) => instantiateOver(module, memory, importsOf(stops));
}

/** The same of what the engine does not show. */
export async function compileSteppedInternals(
  build: Build,
): Promise<(memory: WebAssembly.Memory, stops: Stops) => Internals> {
  const module = await compileKernels({ build, entry: INTERNALS, edit: withStops });
  return (memory, stops) => instantiateOver(module, memory, importsOf(stops));
}

/** Looked up at every call, so that a test may change them. */
function importsOf(stops: Stops): WebAssembly.Imports {
  return { stops: { store: () => stops.store(), look: () => stops.look(), wait: () => stops.wait() } };
}

function withStops(name: string, source: string): string {
  const edits = EDITS[name];
  if (!edits) return source;
  let edited = source;
  for (const { where, write, atLeast } of edits) {
    const places = edited.match(where)?.length ?? 0;
    if (places < atLeast) throw new Error(`${name}: ${places} places are ${where}, expected at least ${atLeast}`);
    edited = edited.replace(where, write);
  }
  return DECLARED + edited;
}
