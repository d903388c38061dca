/**
 * What day 03 times: the same search with and without layers, where the hierarchy wins (the plane) and where it does not
 * (64-D, at equal recall), the engine beside them. `npm run bench -- day 3`.
 */
import { Hnsw as Engine } from 'annlab';
import { loadDay } from 'annlab/exercises';
import { type BenchCase, rows, uniformSet } from 'annlab/lab';
import { Nsw } from '../02-nsw/solution.ts';
import * as reference from './solution.ts';

const K = 10;
const OPTIONS = { M: 8, efConstruction: 32 };

interface Contest {
  group: string;
  of: { n: number; dimension: number };
  /** Widths of the beam. */
  efs: { flat: number; layered: number; engine: number };
}

const PLANE: Contest = {
  group: '2-D, 16,000 vectors, ef 10',
  of: { n: 16_000, dimension: 2 },
  efs: { flat: 10, layered: 10, engine: 10 },
};

/** Widths at which day 02, day 03 and the engine find equally much: three in four of the ten nearest. */
export const EQUAL_RECALL: Contest & { recall: number } = {
  group: '64-D, 4,000 vectors, recall 0.75',
  of: { n: 4000, dimension: 64 },
  efs: { flat: 34, layered: 72, engine: 54 },
  recall: 0.75,
};

export const cases = (): BenchCase[] => [...contest(PLANE), ...contest(EQUAL_RECALL)];

/** Day 02, the reference, the learner and the engine on one set, each with its own width of the beam. */
function contest({ group, of, efs }: Contest): BenchCase[] {
  const { base, queries } = uniformSet(of);
  const vectors = rows(base);
  const asked = rows(queries);
  const one = (name: string, build: () => Promise<(query: Float32Array) => unknown>): BenchCase => {
    let search: (query: Float32Array) => unknown;
    return {
      name,
      group,
      perCall: asked.length,
      async prepare() {
        search = await build();
      },
      run() {
        for (const query of asked) answer = search(query);
      },
    };
  };
  const filled = <Index extends { insert(vector: Float32Array): unknown }>(index: Index) => {
    for (const vector of vectors) index.insert(vector);
    return index;
  };
  return [
    one('day 02', async () => {
      const index = filled(new Nsw(OPTIONS));
      return (query) => index.search(query, { k: K, ef: efs.flat });
    }),
    one('reference', async () => {
      const index = filled(new reference.Hnsw(OPTIONS));
      return (query) => index.search(query, { k: K, ef: efs.layered });
    }),
    one('yours', async () => {
      const exercise: typeof reference = await loadDay(3, 'exercise');
      const index = filled(new exercise.Hnsw(OPTIONS));
      return (query) => index.search(query, { k: K, ef: efs.layered });
    }),
    one('engine', async () => {
      const index = Engine.create({
        ...OPTIONS,
        dimension: of.dimension,
        capacity: of.n,
        codes: 'f32',
        filter: 'none',
      });
      index.addBatch(base.data);
      return (query) => index.search(query, { k: K, efSearch: efs.engine });
    }),
  ];
}

/** Where results go, so that no search is optimized away. */
export let answer: unknown;
