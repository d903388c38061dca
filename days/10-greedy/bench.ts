/**
 * What day 10 times: a search of the same recall on the random graph and on one that can be walked, by the reference and by you, the
 * engine and exact search beside them; drawing the random graph. `npm run bench -- day 10`.
 */
import { type BenchCase, loadDay, rows } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { vamanaGraph } from './graphs.ts';
import { chance, K, over, tenThousand } from './measure.ts';
import * as reference from './solution.ts';

type Module = typeof reference;

/** Results are kept here, so that no compiler finds them useless. */
export let answer: unknown;

const R = 32;
/** Search lists for recall@10 of 0.95: see the notebook. */
const L = { random: 900, vamana: 13 };

export const cases = (): BenchCase[] => {
  const set = tenThousand();
  const vectors = rows(set.base);
  const start = reference.medoid(vectors);
  const { index, links } = vamanaGraph(set.base, R);
  const walkable = over(set, links);
  const random = over(set, reference.randomRegularGraph(vectors.length, R, chance('random')));
  const asked = rows(set.queries);
  const mine = (): Promise<Module> => loadDay(10, 'exercise');
  const theirs = async () => reference;

  const searching = (
    name: string,
    count: number,
    search: () => Promise<(query: Float32Array) => unknown>,
  ): BenchCase => {
    let run: (query: Float32Array) => unknown;
    const queries = asked.slice(0, count);
    return {
      group: 'search 10,000, recall 0.95',
      name,
      perCall: count,
      prepare: async () => {
        run = await search();
      },
      run() {
        for (const query of queries) answer = run(query);
      },
    };
  };
  const by = async (load: () => Promise<Module>, graph: reference.Adjacency, length: number) => {
    const { greedySearch } = await load();
    return (query: Float32Array) => greedySearch(graph, query, start, { k: K, L: length });
  };
  const drawing = (name: string, load: () => Promise<Module>): BenchCase => {
    let module: Module;
    return {
      group: `a random graph, R ${R}`,
      name,
      prepare: async () => {
        module = await load();
      },
      run() {
        answer = module.randomRegularGraph(vectors.length, R, chance('bench'));
      },
    };
  };

  return [
    searching(`random graph, L ${L.random}`, 5, () => by(theirs, random, L.random)),
    searching(`Vamana, L ${L.vamana}: reference`, 100, () => by(theirs, walkable, L.vamana)),
    searching(`Vamana, L ${L.vamana}: yours`, 100, () => by(mine, walkable, L.vamana)),
    searching('engine, its own walk', 100, async () => (query) => index.search(query, { k: K, efSearch: L.vamana })),
    searching('exact, by the same l2', 20, async () => (query) => vectors.map((vector) => l2(query, vector))),
    drawing('reference', theirs),
    drawing('yours', mine),
  ];
};
