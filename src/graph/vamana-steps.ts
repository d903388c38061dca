/**
 * The steps in which nodes are linked (Manohar et al. 2024, "ParlayANN": batches): between two steps nobody works, within one the
 * rows can be done in any order by any number of threads, and none of them sees what another one does. So the graph is the same
 * on any number of threads. All arrays are shared memory.
 */
import type { Survey } from './survey.ts';

/** Rows of `vectors` become the nodes from slot `first` on, without links. */
export interface PlaceStep {
  kind: 'place';
  rows: number;
  vectors: Float32Array;
  first: number;
}

/** How a node's links are chosen. */
export interface Choosing {
  alpha: number;
  /** Beam of the search. Default: the option L. */
  L?: number;
  /** Whether sign bits may dismiss nodes on the way. */
  filtered: boolean;
}

/** For each of the nodes, which links it shall have: R at most a row, in `chosen`; how many, in `counts`. */
export interface ChooseStep {
  kind: 'choose';
  rows: number;
  nodes: Uint32Array;
  choosing: Choosing;
  R: number;
  chosen: Uint32Array;
  counts: Uint32Array;
}

/** Target i gets the edges from `starts[i]` to `starts[i + 1]`. */
export interface LinkStep {
  kind: 'link';
  rows: number;
  targets: Uint32Array;
  starts: Uint32Array;
  edges: Uint32Array;
  alpha: number;
  /** Before that, the first targets, as many as were chosen for, lose all links for those that were. */
  choice?: Pick<ChooseStep, 'rows' | 'R' | 'chosen' | 'counts'>;
}

/** Each of these nodes that live loses its deleted neighbours, and gets in their place what those were linked to. */
export interface RepairStep {
  kind: 'repair';
  rows: number;
  nodes: Uint32Array;
  alpha: number;
}

export type Step = Survey | PlaceStep | ChooseStep | LinkStep | RepairStep;

/** Words that all threads see. */
export function sharedWords(n: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(n * 4));
}
