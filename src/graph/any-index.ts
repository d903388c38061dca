import type { Hnsw } from './hnsw.ts';
import type { Vamana } from './vamana.ts';

/** An index over whichever graph: what opens from a file, and what a pool works on. */
export type AnyIndex = Hnsw | Vamana;
