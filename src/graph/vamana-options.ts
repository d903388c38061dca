/** What a Vamana index is made with: every option of its own, its default and its bounds. */
import { codesName } from '../quantize/walk-codes.ts';
import { checkInteger, MAX_DIMENSION } from './checks.ts';
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
import { walkSpaceOf } from './walk-space.ts';

export interface VamanaOptions extends GraphOptions {
  /** Links that pruning leaves a node, 2 … 256; a list may hold half as many more before it is pruned. Default 24. */
  R?: number;
  /** Beam of the searches whose visited nodes are a node's candidates, ≥ R. Default 40, or R where that is more. */
  L?: number;
  /**
   * RobustPrune drops a candidate where one that was taken is α times as near to it as the node itself is; of distances, not of
   * their squares. From 1, which is the sparsest, to 2. Default 1.15.
   */
  alpha?: number;
  /** How often `build` goes over all nodes: once, with α; or twice as the paper has it, with α = 1 first. Default 2. */
  passes?: 1 | 2;
  /**
   * Beam of the searches of the first of two passes, from 1 to L, which is the paper's: that graph is only the scaffold of the
   * second. Default 12, or L where that is less.
   */
  firstL?: number;
  /**
   * Whether the search for a node is cut short: goes to its surroundings by sign estimates alone, where there are any, and ends
   * when its beam is full and a fifth of a beam's lists, 16 at least, brought nobody into it. Else it visits all that its beam
   * holds, from the start on, as the paper has it. Default true.
   */
  settle?: boolean;
  /**
   * Where α leaves a node more than R: whether those come first that α = 1 leaves too, far ones among them, as DiskANN's own
   * program has it; else the nearest R, as the paper has it. Default true.
   */
  steppedAlpha?: boolean;
  /** Whether pruning fills up to R with the nearest that it dropped. Default false. */
  saturate?: boolean;
}

export type AllVamanaOptions = Complete<VamanaOptions>;

/**
 * What an index is made with where the caller does not say: what is built as fast as an HNSW by default, and finds more. On one
 * thread, embedding-1024-100k: 21 s, and recall@10 0.950 for 87 distances, 0.991 for 149 (HNSW 21 s, 0.941 for 99, 0.990 for
 * 163); fashion-mnist: 8.5 s, 0.974 for 58, 0.993 for 78 (10 s, 0.971 for 59, 0.993 for 80). L 64 finds a little more for half
 * the time more.
 */
export const VAMANA_DEFAULTS = {
  ...GRAPH_DEFAULTS,
  R: 24,
  L: 40,
  alpha: 1.15,
  passes: 2,
  firstL: 12,
  settle: true,
  steppedAlpha: true,
  saturate: false,
} as const;

/** The options with all that the caller left out. Throws DimensionError or ParameterError. */
export function completeVamanaOptions(options: Given<VamanaOptions>): AllVamanaOptions {
  const { metric, codes, ...others } = graphDefaults(options);
  const L = options.L ?? Math.max(VAMANA_DEFAULTS.L, options.R ?? 0);
  const complete: AllVamanaOptions = {
    ...VAMANA_DEFAULTS,
    L,
    firstL: Math.min(VAMANA_DEFAULTS.firstL, L),
    ...others,
    ...options,
    ...{ metric, codes },
  };
  checkVamanaOptions(complete);
  if (options.capacity === undefined) complete.capacity = fittedCapacity(complete.capacity, vamanaShapeOf(complete));
  return complete;
}

export function vamanaShapeOf(options: AllVamanaOptions): Shape {
  const { R, L } = options;
  const mostLinks = R + vamanaSlackOf(R);
  return {
    ...options,
    ...walkSpaceOf('vamana', options),
    signed: options.filter === 'sign',
    ...{ mostLinks, mostLinksAbove: 0, beam: L },
    upperLists: () => 0,
    mostCandidates: Math.max(mostVisited(L) + L, MOST_SOURCES) + mostLinks + 1,
  };
}

/** Links that a list may hold beyond R before it is pruned, and how many of them all may be kept: a tree needs two. */
export function vamanaSlackOf(R: number): number {
  return Math.max(2, Math.ceil(R / 2));
}

/** Visited nodes of one search that are candidates, the first so many. */
export function mostVisited(L: number): number {
  return 4 * L;
}

/** Nodes that are linked to one at once. */
export const MOST_SOURCES = 512;

/** Throws DimensionError or ParameterError. */
function checkVamanaOptions(options: AllVamanaOptions): void {
  const { metric, codes, R, L, alpha, passes, firstL, settle, saturate, steppedAlpha } = options;
  checkGraphOptions(options);
  checkInteger('R', R, 2, 256);
  checkInteger('L', L, R, 65_536);
  want('alpha', alpha, alpha >= 1 && alpha <= 2, 'a number from 1 to 2');
  if (metric === 'dot') {
    const advice =
      'f32 or sq7: a quantizer is trained for vectors of the dimension that they have, and dot is walked in one more';
    want('codes', typeof codes === 'object' ? codesName(codes) : codes, typeof codes === 'string', advice);
    checkInteger('dimension', options.dimension, 1, MAX_DIMENSION - 1);
  }
  want('passes', passes, passes === 1 || passes === 2, '1 or 2');
  checkInteger('firstL', firstL, 1, L);
  want('settle', settle, typeof settle === 'boolean', 'true or false');
  want('saturate', saturate, typeof saturate === 'boolean', 'true or false');
  want('steppedAlpha', steppedAlpha, typeof steppedAlpha === 'boolean', 'true or false');
}
