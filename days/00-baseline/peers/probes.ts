/**
 * What `bench:break` tries: things that real data and real callers do, none of them a matter of speed. A probe returns what
 * was seen, in words; whether that is a fault or a choice is for the reader to say.
 */
import { Random } from '../../../src/core/random.ts';
import type { Library, Store } from './stores.ts';

export interface Probe {
  name: string;
  /** What is asked, in a few words. */
  asks: string;
  run(library: Library, folder: string): Promise<Seen>;
}

export interface Seen {
  /** `ended`: the process was killed by a signal or left by itself; `still`: it did not answer within a minute. */
  outcome: 'answers' | 'refuses' | 'ended' | 'still' | 'absent';
  /** What was seen; of a refusal, the library's own words. */
  says: string;
}

const DIMENSION = 16;
const EF = 64;
const ASKS_FOR_NO_ROOM = 'asks for no room, grows';

export const PROBES: readonly Probe[] = [
  {
    name: 'capacity',
    asks: 'room for 100, and a 101st vector',
    run: seen(async (library, folder) => {
      if (!library.asksForRoom) return ASKS_FOR_NO_ROOM;
      const set = randomVectors(101);
      const { store } = await filled(library, folder, set, { capacity: 100 });
      return `grows: ${count(await store.search(set[100], 1, EF), [100])} of 1 found`;
    }),
  },
  {
    name: 'same-id',
    asks: 'the same id for two different vectors',
    run: seen(async (library, folder) => {
      const set = randomVectors(100);
      const [first, second] = randomVectors(2, 'same id');
      const { store } = await filled(library, folder, set);
      store.add(500, first);
      store.add(500, second);
      const near = async (vector: Float32Array) => (await store.search(vector, 1, EF))[0] === 500;
      const [hasFirst, hasSecond] = [await near(first), await near(second)];
      if (hasFirst && hasSecond) return 'keeps both';
      return hasSecond ? 'the second replaces the first' : hasFirst ? 'keeps the first, says nothing' : 'keeps neither';
    }),
  },
  {
    name: 'nan-vector',
    asks: 'the first of 1,000 vectors has a NaN in it',
    run: seen(async (library, folder) => {
      const set = randomVectors(1000);
      set[0][3] = Number.NaN;
      const { store } = await filled(library, folder, set);
      const recall = await recallOf(store, set, (id) => id !== 0);
      return `takes it; recall of the other vectors ${recall.toFixed(2)}`;
    }),
  },
  {
    name: 'nan-query',
    asks: 'a query with a NaN in it',
    run: seen(async (library, folder) => {
      const set = randomVectors(1000);
      const { store } = await filled(library, folder, set);
      const [query] = randomVectors(1, 'query');
      query[3] = Number.NaN;
      return `returns ${(await store.search(query, 10, EF)).length} ids`;
    }),
  },
  {
    name: 'short-vector',
    asks: 'a vector of 15 numbers where all have 16, then another',
    run: seen(async (library, folder) => {
      const set = randomVectors(100);
      const { store } = await filled(library, folder, set);
      const [vector] = randomVectors(1, 'short');
      const [after] = randomVectors(1, 'after');
      store.add(500, vector.subarray(0, 15));
      store.add(501, after);
      const isFound = (await store.search(after, 1, EF))[0] === 501;
      return `takes it; the next one is ${isFound ? 'found' : 'not found any more'}`;
    }),
  },
  {
    name: 'short-query',
    asks: 'a query of 15 numbers where all have 16',
    run: seen(async (library, folder) => {
      const set = randomVectors(100);
      const { store } = await filled(library, folder, set);
      return `returns ${(await store.search(set[0].slice(0, 15), 10, EF)).length} ids`;
    }),
  },
  {
    name: 'k-beyond-n',
    asks: 'the 10 nearest of 5 vectors',
    run: seen(async (library, folder) => {
      const set = randomVectors(5);
      const { store } = await filled(library, folder, set);
      const found = await store.search(set[0], 10, EF);
      return `returns ${found.length} ids, ${count(found, [0, 1, 2, 3, 4])} of them right`;
    }),
  },
  {
    name: 'huge-k',
    asks: 'the 2,000 nearest of 5,000, ef 2,000',
    run: seen(async (library, folder) => {
      const set = randomVectors(5000);
      const { store } = await filled(library, folder, set);
      const [query] = randomVectors(1, 'query');
      const found = await store.search(query, 2000, 2000);
      const recall = count(found, exact(set, query, 2000)) / 2000;
      return `returns ${found.length} ids, recall ${recall.toFixed(2)}`;
    }),
  },
  {
    name: 'wide-beam',
    asks: 'the 10 nearest of 5,000, ef 5,000',
    run: seen(async (library, folder) => {
      const set = randomVectors(5000);
      const { store } = await filled(library, folder, set);
      const [query] = randomVectors(1, 'query');
      const found = await store.search(query, 10, 5000);
      return `returns ${found.length} ids, recall ${(count(found, exact(set, query, 10)) / 10).toFixed(2)}`;
    }),
  },
  {
    name: 'empty',
    asks: 'a search before anything was added',
    run: seen(async (library, folder) => {
      const { store } = await filled(library, folder, []);
      return `returns ${(await store.search(randomVectors(1)[0], 10, EF)).length} ids`;
    }),
  },
  {
    name: 'removed',
    asks: '900 of 1,000 removed, then the 10 nearest of the rest',
    run: seen(async (library, folder) => {
      const set = randomVectors(1000);
      const { store } = await filled(library, folder, set);
      if (!store.remove) return null;
      const isLeft = (id: number) => id % 10 === 0;
      await store.search(set[0], 1, EF);
      store.remove([...set.keys()].filter((id) => !isLeft(id)));
      const queries = randomVectors(50, 'queries');
      let back = 0;
      for (const query of queries) back += (await store.search(query, 10, EF)).filter((id) => !isLeft(id)).length;
      const recall = await recallOf(store, set, isLeft);
      return `recall ${recall.toFixed(2)}, ${back} removed ones come back`;
    }),
  },
  {
    name: 'copies',
    asks: '3,000 copies of one vector, then 1,000 others: recall of the others',
    run: seen(async (library, folder) => {
      const others = randomVectors(1000);
      const copies = Array.from({ length: 3000 }, () => new Float32Array(DIMENSION));
      const set = [...copies, ...others];
      const { store } = await filled(library, folder, set);
      let found = 0;
      for (let i = 0; i < others.length; i++) found += count(await store.search(others[i], 1, EF), [3000 + i]);
      return `${found} of 1,000 find themselves`;
    }),
  },
  {
    name: 'dimension',
    asks: 'vectors of 100,000 dimensions',
    run: seen(async (library, folder) => {
      const set = randomVectors(10, 'wide', 100_000);
      const { store } = await filled(library, folder, set, { dimension: 100_000 });
      return `takes them; ${count(await store.search(set[7], 1, EF), [7])} of 1 found`;
    }),
  },
  {
    name: 'room',
    asks: 'room for 100 million vectors of 1,024 dimensions (400 GB), one added',
    run: seen(async (library, folder) => {
      if (!library.asksForRoom) return ASKS_FOR_NO_ROOM;
      const set = randomVectors(1, 'room', 1024);
      const shape = { dimension: 1024, capacity: 100_000_000 };
      const { store } = await filled(library, folder, set, shape);
      return `goes on; ${count(await store.search(set[0], 1, EF), [0])} of 1 found`;
    }),
  },
];

/** A probe from its course: what is thrown is a refusal, and null stands for something that the library does not have. */
function seen(course: (library: Library, folder: string) => Promise<string | null>): Probe['run'] {
  return async (library, folder) => {
    try {
      const says = await course(library, folder);
      return says === null ? { outcome: 'absent', says: 'cannot remove yet' } : { outcome: 'answers', says };
    } catch (error) {
      return { outcome: 'refuses', says: inOneLine((error as Error).message, folder) };
    }
  };
}

/** A library's own words: the first line, without the scratch folder and without places in the library's own source. */
function inOneLine(message: string, folder: string): string {
  const line = message.replaceAll(folder, '…').split('\n')[0];
  return line.replace(/,? \/\S+/g, '').trim();
}

async function filled(
  library: Library,
  folder: string,
  set: readonly Float32Array[],
  { capacity = 10_000, dimension = DIMENSION }: { capacity?: number; dimension?: number } = {},
): Promise<{ store: Store }> {
  const store = await library.open({ dimension, capacity, folder });
  for (const [id, vector] of set.entries()) store.add(id, vector);
  return { store };
}

/** Mean recall@10 of 50 random queries among the vectors that are left. */
async function recallOf(store: Store, set: readonly Float32Array[], isLeft: (id: number) => boolean): Promise<number> {
  const queries = randomVectors(50, 'queries');
  let right = 0;
  for (const query of queries) right += count(await store.search(query, 10, EF), exact(set, query, 10, isLeft));
  return right / (10 * queries.length);
}

function exact(
  set: readonly Float32Array[],
  query: Float32Array,
  k: number,
  isLeft: (id: number) => boolean = () => true,
): number[] {
  const distance = (id: number) => query.reduce((sum, x, j) => sum + (x - set[id][j]) ** 2, 0);
  const near = [...set.keys()].filter(isLeft).map((id) => ({ id, distance: distance(id) }));
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, k)
    .map(({ id }) => id);
}

/** How many of `found` are among `wanted`. */
function count(found: readonly number[], wanted: readonly number[]): number {
  const right = new Set(wanted);
  return found.filter((id) => right.delete(id)).length;
}

function randomVectors(n: number, seed = 'set', dimension = DIMENSION): Float32Array[] {
  const random = new Random(`break/${seed}`);
  return Array.from({ length: n }, () => Float32Array.from({ length: dimension }, () => random.normal()));
}
