/** What day 11 times: RobustPrune of one node, inserting one node into a graph, and a search on what comes of it; the
 * engine's building and searching beside them. `npm run bench -- day 11`. */
import { type BenchCase, loadDay, rows } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { greedySearch } from '../10-greedy/solution.ts';
import { BUILD, build, crowds } from './measure.ts';
import { engineVamana } from './measure-engine.ts';
import * as reference from './solution.ts';

/** Results are kept here, so that no compiler finds them useless. */
export let answer: unknown;

const NODES = 50;
const INSERT = `insert, R ${BUILD.R}, L ${BUILD.L}: a node`;
const SEARCH = 'search 2,000 crowds, 16-D';

export async function cases(): Promise<BenchCase[]> {
  const mine: typeof reference = await loadDay(11, 'exercise');
  const set = crowds();
  const vectors = rows(set.base);
  const { graph } = build(vectors);
  const engine = engineVamana(set);
  const modules: [name: string, module: typeof reference][] = [
    ['reference', reference],
    ['yours', mine],
  ];
  return [
    ...modules.map(([name, module]) => pruning(name, module, graph)),
    ...modules.map(([name, module]) => inserting(name, module, graph)),
    {
      ...{ name: 'engine, its whole build', group: INSERT, perCall: vectors.length },
      run() {
        answer = engineVamana(set);
      },
    },
    {
      ...{ name: 'reference, list of 20', group: SEARCH, perCall: set.queries.rows },
      run() {
        for (const query of rows(set.queries)) answer = graph.search(query, { k: 10, L: 20 });
      },
    },
    {
      ...{ name: 'engine, beam of 20', group: SEARCH, perCall: set.queries.rows },
      run() {
        for (const query of rows(set.queries)) answer = engine.search(query, { k: 10, efSearch: 20 });
      },
    },
  ];
}

/** Fifty nodes, each with what a search for it visits. */
function pruning(name: string, { robustPrune }: typeof reference, graph: reference.Vamana): BenchCase {
  const candidates = Array.from({ length: NODES }, (_, p) => {
    const { visited } = greedySearch(graph, graph.vector(p), graph.start, { k: 1, L: BUILD.L }, l2);
    return visited;
  });
  return {
    ...{ name, group: `RobustPrune, α ${BUILD.alpha}, R ${BUILD.R}`, perCall: NODES },
    run() {
      for (const [p, visited] of candidates.entries()) robustPrune(graph, p, visited, BUILD);
    },
  };
}

/** Inserted again and again, nodes keep links as good as they had. */
function inserting(name: string, { insert }: typeof reference, graph: reference.Vamana): BenchCase {
  return {
    ...{ name, group: INSERT, perCall: NODES },
    run() {
      for (let p = 0; p < NODES; p++) insert(graph, p, BUILD);
    },
  };
}
