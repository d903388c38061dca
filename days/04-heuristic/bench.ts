/** What the selection itself takes, and what a search takes on the graphs that come of it. */
import { type BenchCase, loadDay, type MeasuredSet, rows } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { Hnsw, type SelectNeighbors, selectNearest } from '../03-layers/solution.ts';
import { BUILD, fiftyIslands, measureEngine } from './measure.ts';
import * as reference from './solution.ts';

const EF = 20;
const SELECTION = 'select 8 of 32 candidates';
const SEARCH = `search fifty islands, ef ${EF}`;

/** Results are kept here, so that no compiler finds them useless. */
export let found = 0;

export async function cases(): Promise<BenchCase[]> {
  const mine: typeof reference = await loadDay(4, 'exercise');
  const set = fiftyIslands();
  const queries = rows(set.queries);
  const heuristics: [name: string, select: () => SelectNeighbors][] = [
    ['nearest M', () => selectNearest],
    ['reference', () => reference.selectHeuristic()],
    ['yours', () => mine.selectHeuristic()],
  ];
  let engine: ReturnType<typeof measureEngine>['index'];
  return [
    ...heuristics.map(([name, select]) => selecting(name, set, select)),
    ...heuristics.map(([name, select]) => searching(name, set, select)),
    {
      name: 'engine',
      group: SEARCH,
      prepare: () => {
        engine = measureEngine(set).index;
      },
      run: () => {
        for (const query of queries) found += engine.search(query, { k: 10, efSearch: EF }).ids[0];
      },
      perCall: queries.length,
    },
  ];
}

/** For each of a hundred vectors, the nearest 32 of the others. */
function selecting(name: string, set: MeasuredSet, select: () => SelectNeighbors): BenchCase {
  const vectors = rows(set.base).slice(0, 100);
  const graph = { vector: (id: number) => vectors[id], neighbors: () => [] };
  const nodes = vectors.map((vector, node) => {
    const others = vectors.map((other, id) => ({ id, distance: l2(vector, other) })).filter(({ id }) => id !== node);
    const candidates = others.sort((a, b) => a.distance - b.distance).slice(0, BUILD.efConstruction);
    return { candidates, context: { vector, level: 0, graph, distance: l2 } };
  });
  return {
    name,
    group: SELECTION,
    run: () => {
      for (const { candidates, context } of nodes) found += select()(candidates, BUILD.M, context).length;
    },
    perCall: nodes.length,
  };
}

function searching(name: string, { base, queries }: MeasuredSet, select: () => SelectNeighbors): BenchCase {
  const wanted = rows(queries);
  let index: Hnsw;
  return {
    name,
    group: SEARCH,
    prepare: () => {
      index = new Hnsw({ ...BUILD, select: select() });
      for (const vector of rows(base)) index.insert(vector);
    },
    run: () => {
      for (const query of wanted) found += index.search(query, { k: 10, ef: EF })[0].id;
    },
    perCall: wanted.length,
  };
}
