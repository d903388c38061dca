/**
 * Day 04: which links to keep. The nearest candidates lie all on one side as soon as the data has clusters; a link is worth
 * more where it leads somewhere that the other links do not. The rule: take a candidate only if it is nearer to the node
 * than to every neighbour taken so far.
 *
 * Source: Malkov & Yashunin, arXiv 1603.09320 (2016), Algorithm 4 (SELECT-NEIGHBORS-HEURISTIC). The rule is the relative
 * neighbourhood graph's (Toussaint 1980), and Arya & Mount (1993) used it for search.
 */
import { insertSorted, type Neighbor } from '../02-nsw/solution.ts';
import { Hnsw, type HnswOptions, type SelectionContext, type SelectNeighbors } from '../03-layers/solution.ts';

export interface HeuristicOptions {
  /** Also consider the candidates' own neighbours: for very clustered data. Default false. */
  extendCandidates?: boolean;
  /** Fill the list up to M with the nearest that were turned down. Default false. */
  keepPruned?: boolean;
}

/** SELECT-NEIGHBORS-HEURISTIC (Algorithm 4), as day 03's graph takes it. */
export function selectHeuristic({
  extendCandidates = false,
  keepPruned = false,
}: HeuristicOptions = {}): SelectNeighbors {
  return (candidates, M, context) => {
    const { graph, distance } = context;
    const working = extendCandidates ? extend(candidates, context) : candidates; // lines 2–7
    const kept: Neighbor[] = []; // line 1: R
    const pruned: Neighbor[] = []; // line 8: Wd
    // @hole diversify
    // @task Lines 9–14. Walk through `working`, which is sorted nearest first, until M are kept. Keep a candidate if it is
    // @task nearer to the node (its `distance`) than to every neighbour kept so far; else remember it in `pruned`.
    // @task At a tie it is not nearer.
    for (const candidate of working) {
      if (kept.length === M) break;
      const here = graph.vector(candidate.id);
      const lonely = kept.every(({ id }) => distance(here, graph.vector(id)) > candidate.distance);
      (lonely ? kept : pruned).push(candidate);
    }
    // @end
    if (keepPruned) {
      // line 15
      // @hole keep-pruned
      // @task Lines 16–17. Fill `kept` up to M with the nearest of `pruned`.
      kept.push(...pruned.slice(0, M - kept.length));
      // @end
    }
    return kept; // line 18
  };
}

/** The candidates and their neighbours on this level, nearest first, each once, the node itself never (lines 3–7). */
function extend(candidates: readonly Neighbor[], { vector, level, graph, distance }: SelectionContext): Neighbor[] {
  const all = [...candidates];
  const seen = new Set(candidates.map(({ id }) => id));
  // @hole extend
  // @task Lines 4–7. Read the neighbours of every candidate on this `level`. Those not `seen` before, save the node itself (its
  // @task vector is the very object `vector`), measure from `vector`, and `insertSorted` them into `all`.
  for (const { id } of candidates) {
    for (const next of Array.from(graph.neighbors(id, level))) {
      if (seen.has(next) || graph.vector(next) === vector) continue;
      seen.add(next);
      insertSorted(all, { id: next, distance: distance(vector, graph.vector(next)) });
    }
  }
  // @end
  return all;
}

/** Day 03's graph with day 04's selection. */
export function createHnsw(options: HnswOptions & HeuristicOptions): Hnsw {
  return new Hnsw({ ...options, select: selectHeuristic(options) });
}
