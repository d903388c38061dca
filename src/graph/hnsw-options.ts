/** What an HNSW index is made with: every option of its own, its default and its bounds. */
import { checkInteger } from './checks.ts';
import type { Shape } from './graph-layout.ts';
import {
  type Complete,
  checkGraphOptions,
  fittedCapacity,
  type Given,
  GRAPH_DEFAULTS,
  type GraphOptions,
  graphDefaults,
  want,
} from './graph-options.ts';

export interface HnswOptions extends GraphOptions {
  /**
   * Neighbours given to a new node on each level, 2 … 256; level 0 keeps up to M0 = 2M, and M more before it prunes. Default
   * 16.
   */
  M?: number;
  /** Beam of an insert, ≥ M; its walk ends before all of it has been read where nobody comes into it any more. Default 100. */
  efConstruction?: number;
  /**
   * Pruning keeps an edge unless α times as short a way exists; 1 is the paper, more keeps more long edges. Default 1.1; dot:
   * 1.
   */
  alpha?: number;
  /** Algorithm 4: look among the candidates' neighbours too. Default false. */
  extendCandidates?: boolean;
  /** Algorithm 4: fill up with pruned candidates. Default false. */
  keepPruned?: boolean;
}

export type AllHnswOptions = Complete<HnswOptions>;

/** What an index is made with where the caller does not say. */
const { capacity, ...others } = GRAPH_DEFAULTS;
export const HNSW_DEFAULTS = { capacity, M: 16, efConstruction: 100, ...others } as const;

/** The options with all that the caller left out. Throws DimensionError or ParameterError. */
export function completeOptions(options: Given<HnswOptions>): AllHnswOptions {
  const { metric, codes, finer, filter, ...others } = graphDefaults(options);
  const complete: AllHnswOptions = {
    ...HNSW_DEFAULTS,
    ...{ finer, filter },
    alpha: metric === 'dot' ? 1 : 1.1,
    extendCandidates: false,
    keepPruned: false,
    ...others,
    ...options,
    ...{ metric, codes },
  };
  checkOptions(complete);
  if (options.capacity === undefined) complete.capacity = fittedCapacity(complete.capacity, shapeOf(complete));
  return complete;
}

export function shapeOf(options: AllHnswOptions): Shape {
  const { M, efConstruction, extendCandidates } = options;
  const mostLinks = 2 * M + slackOf(M);
  return {
    ...options,
    signed: options.filter === 'sign',
    ...{ mostLinks, mostLinksAbove: M + slackOf(M), beam: efConstruction },
    upperLists: (capacity) => mostUpperLists(capacity, M),
    mostCandidates: efConstruction * (extendCandidates ? mostLinks + 1 : 1) + mostLinks + 1,
  };
}

/** Links that a list may hold beyond M (or M0 = 2M on level 0) before it is pruned. */
export function slackOf(M: number): number {
  return M;
}

/** Σ levels over n nodes has mean n / (M − 1); ten standard deviations above it. */
export function mostUpperLists(capacity: number, M: number): number {
  const mean = capacity / (M - 1);
  return Math.ceil(mean + 10 * Math.sqrt(2 * mean) + 64);
}

/** Throws DimensionError or ParameterError. */
export function checkOptions(options: AllHnswOptions): void {
  const { metric, M, efConstruction, alpha } = options;
  checkGraphOptions(options);
  checkInteger('M', M, 2, 256);
  checkInteger('efConstruction', efConstruction, M, 65_536);
  want('alpha', alpha, alpha >= 1 && alpha <= 2, 'a number from 1 to 2');
  want('alpha', alpha, alpha === 1 || metric !== 'dot', 'negated inner products cannot be stretched: 1 under dot');
}
