/** What a search and an insertion take: on objects, on the arena, in the engine. The milestone's 10,000 vectors. */
import { Hnsw } from 'annlab';
import { type BenchCase, loadDay, rows } from 'annlab/lab';
import { BUILD, K, tenThousand } from './measure.ts';
import * as reference from './solution.ts';

type Module = typeof reference;
type Search = (query: Float32Array) => number;

const EF = 40;
/** As many as a turn of the benchmark has time for. */
const INSERTED = 2_000;

/** Keeps what was found: a search whose result nobody takes might be left out. */
export let nearest = 0;

export const cases = (): BenchCase[] => {
  const { base, queries } = tenThousand();
  const vectors = rows(base);
  const each = rows(queries).slice(0, 50);

  const insert = ({ Nsw }: Module, count: number) => {
    const graph = new Nsw(BUILD);
    for (const vector of vectors.slice(0, count)) graph.insert(vector);
    return graph;
  };
  const insertIntoEngine = (count: number) => {
    const { dimension } = base;
    const index = Hnsw.create({ ...BUILD, dimension, capacity: count, codes: 'f32' });
    index.addBatch(base.data.subarray(0, count * dimension));
    return index;
  };

  const learners = (): Promise<Module> => loadDay(2, 'exercise');

  const inserting = (name: string, load: () => Promise<(count: number) => unknown>): BenchCase => {
    let run: (count: number) => unknown;
    return {
      group: `insert, the first ${INSERTED}`,
      name,
      prepare: async () => {
        run = await load();
      },
      run: () => void run(INSERTED),
      perCall: INSERTED,
    };
  };
  const searching = (name: string, prepare: () => Promise<Search>): BenchCase => {
    let search: Search;
    return {
      group: `search 10,000, ef ${EF}`,
      name,
      prepare: async () => {
        search = await prepare();
      },
      run: () => {
        for (const query of each) nearest = search(query);
      },
      perCall: each.length,
    };
  };
  const onObjects = (module: Module): Search => {
    const graph = insert(module, vectors.length);
    return (query) => graph.search(query, { k: K, ef: EF })[0].id;
  };
  const onArena = (module: Module): Search => {
    const arena = new module.NswArena(insert(module, vectors.length));
    return (query) => module.searchLayer(arena, query, [0], EF, module.l2)[0].id;
  };
  const inEngine = (): Search => {
    const index = insertIntoEngine(vectors.length);
    return (query) => index.search(query, { k: K, efSearch: EF }).ids[0];
  };
  const byComparingAll: Search = (query) => {
    let least = Number.POSITIVE_INFINITY;
    let id = -1;
    for (let other = 0; other < vectors.length; other++) {
      const distance = reference.l2(query, vectors[other]);
      if (distance < least) {
        least = distance;
        id = other;
      }
    }
    return id;
  };

  return [
    searching('reference, objects', async () => onObjects(reference)),
    searching('reference, arena', async () => onArena(reference)),
    searching('yours, objects', async () => onObjects(await learners())),
    searching('yours, arena', async () => onArena(await learners())),
    searching('engine', async () => inEngine()),
    searching('exact, by the same l2', async () => byComparingAll),
    inserting('reference', async () => (count) => insert(reference, count)),
    inserting('yours', async () => {
      const module = await learners();
      return (count) => insert(module, count);
    }),
    inserting('engine', async () => insertIntoEngine),
  ];
};
