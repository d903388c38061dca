/**
 * The steps in which nodes are linked (Manohar et al. 2024, "ParlayANN": batches): between two steps nobody works, within one the
 * rows can be done in any order by any number of threads, and none of them sees what another one does. So the graph is the same
 * on any number of threads. All arrays are shared memory.
 */
import { MOST_SOURCES } from './vamana-options.ts';
import type { VamanaThread } from './vamana-thread.ts';

/** Rows of `vectors` become the nodes from slot `first` on, without links. */
export interface PlaceStep {
  kind: 'place';
  rows: number;
  vectors: Float32Array;
  first: number;
}

/** For each of the nodes, which links it shall have: R at most a row, in `chosen`; how many, in `counts`. */
export interface ChooseStep {
  kind: 'choose';
  rows: number;
  nodes: Uint32Array;
  alpha: number;
  /** Whether sign bits may dismiss nodes on the way. */
  filtered: boolean;
  R: number;
  chosen: Uint32Array;
  counts: Uint32Array;
}

/** Target i gets the edges from `starts[i]` to `starts[i + 1]`. */
export interface LinkBackStep {
  kind: 'linkBack';
  rows: number;
  targets: Uint32Array;
  starts: Uint32Array;
  edges: Uint32Array;
  alpha: number;
}

/** Each of these nodes that live loses its deleted neighbours, and gets in their place what those were linked to. */
export interface RepairStep {
  kind: 'repair';
  rows: number;
  nodes: Uint32Array;
  alpha: number;
}

export type Step = PlaceStep | ChooseStep | LinkBackStep | RepairStep;

/** What a thread does for a row of the step; what a thread that died had begun is simply done again. */
export function doRowOf(thread: VamanaThread, step: Step): (row: number) => void {
  switch (step.kind) {
    case 'place': {
      const { vectors, first } = step;
      const dimension = vectors.length / step.rows;
      return (row) => {
        thread.admit(vectors.subarray(row * dimension, (row + 1) * dimension), `row ${row}`);
        thread.place(first + row);
      };
    }
    case 'choose': {
      const { nodes, alpha, filtered, R, chosen, counts } = step;
      return (row) => {
        const links = thread.chooseLinks(nodes[row], { alpha, filtered });
        chosen.set(links, row * R);
        counts[row] = links.length;
      };
    }
    case 'repair': {
      const { nodes, alpha } = step;
      return (row) => thread.repair(nodes[row], alpha);
    }
    case 'linkBack': {
      const { targets, starts, edges, alpha } = step;
      return (row) => {
        for (let from = starts[row]; from < starts[row + 1]; from += MOST_SOURCES) {
          const to = Math.min(from + MOST_SOURCES, starts[row + 1]);
          thread.linkBack(targets[row], edges.subarray(from, to), alpha);
        }
      };
    }
  }
}
