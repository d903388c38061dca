/**
 * What locks and threads cost and bring: a list read with and without a lock, alone and beside a writer; the day's graph built by
 * one thread and by two; the engine's pool searching and inserting.
 */
import { Worker } from 'node:worker_threads';
import { Hnsw, Pool } from 'annlab';
import { type BenchCase, gaussianSet } from 'annlab/lab';
import { Builders } from './real-threads.ts';

/** Results are kept here, so that no compiler finds them useless. */
export let kept = 0;

export const cases = (): BenchCase[] => [...listCases(), ...buildCases(), ...engineCases()];

const LINKS = 16;
/** Many, since a writer that sleeps takes a while to wake up. */
const READS = 10_000;
/** Behind the links: 1 while the writer is to write, 0 while it sleeps. */
const GO = 2 + LINKS;

/** Plain JavaScript on shared words, without generators: lock | count | links. */
function listCases(): BenchCase[] {
  const group = `read a list of ${LINKS} links`;
  const words = new Int32Array(new SharedArrayBuffer((GO + 1) * 4));
  words.set([0, LINKS, ...Array.from({ length: LINKS }, (_, i) => i)]);
  const readAll = (read: (words: Int32Array) => number) => {
    for (let i = 0; i < READS; i++) kept += read(words);
  };
  const besideWriter = (read: (words: Int32Array) => number) => {
    Atomics.store(words, GO, 1);
    Atomics.notify(words, GO);
    readAll(read);
    Atomics.store(words, GO, 0);
  };
  const prepare = () => {
    new Worker(WRITER, { eval: true, workerData: words, execArgv: [] }).unref();
  };
  return [
    { group, name: 'without a lock', run: () => readAll(readFreely), perCall: READS },
    { group, name: 'under a lock', run: () => readAll(readLocked), perCall: READS },
    { group, name: 'without a lock, beside a writer', prepare, run: () => besideWriter(readFreely), perCall: READS },
    { group, name: 'under a lock, beside a writer', run: () => besideWriter(readLocked), perCall: READS },
  ];
}

function readFreely(words: Int32Array): number {
  let sum = 0;
  for (let i = Atomics.load(words, 1); i > 0; i--) sum += Atomics.load(words, 1 + i);
  return sum;
}

function readLocked(words: Int32Array): number {
  while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
  const sum = readFreely(words);
  Atomics.store(words, 0, 0);
  return sum;
}

/** Takes the lock, writes the list, gives the lock back, and does something else for about as long. */
const WRITER = `
const words = require('node:worker_threads').workerData;
for (let turn = 0; ; turn++) {
  Atomics.wait(words, ${GO}, 0);
  while (Atomics.compareExchange(words, 0, 0, 2) !== 0);
  for (let i = 1; i <= ${LINKS}; i++) Atomics.store(words, 1 + i, turn + i);
  Atomics.store(words, 0, 0);
  for (let i = 0; i < 200; i++) Atomics.load(words, 1);
}`;

const BUILT = 300;

/** The day's own graph, on threads of the machine. */
function buildCases(): BenchCase[] {
  return (['solution', 'exercise'] as const).flatMap((which) =>
    [1, 2].map((threads): BenchCase => {
      let builders: Builders;
      return {
        group: `insert ${BUILT} vectors, 8-D`,
        name: `${which === 'solution' ? 'reference' : 'yours'}, ${threads} ${threads > 1 ? 'threads' : 'thread'}`,
        prepare: async () => {
          builders = await Builders.start({ which, threads, n: BUILT });
        },
        run: () => {
          kept += builders.build().memory.length;
        },
        perCall: BUILT,
      };
    }),
  );
}

const FIRST = 5_000;
const SEARCHED = 500;
const ADDED = 500;
const ROOM = 100_000;

/** Vectors of 32 dimensions, 5,000 of them there from the start. */
function engineCases(): BenchCase[] {
  const dimension = 32;
  const { base, queries } = gaussianSet({ n: ROOM, dimension, queries: SEARCHED, seed: 5 });
  const part = (from: number, n: number) => base.data.subarray(from * dimension, (from + n) * dimension);
  const start = async (threads: number) => {
    const index = Hnsw.create({ dimension, capacity: ROOM, M: 16, efConstruction: 100, threads: threads + 1 });
    const pool = await Pool.start(index, { threads });
    await pool.addBatch(part(0, FIRST));
    return pool;
  };
  const pools = new Map<string, Pool>();
  const over = (
    group: string,
    name: string,
    threads: number,
    perCall: number,
    run: (pool: Pool) => Promise<unknown>,
  ) => ({
    ...{ group, name, perCall },
    prepare: async () => {
      pools.set(group + name, await start(threads));
    },
    run: async () => {
      await run(pools.get(group + name)!);
    },
  });
  const search = (pool: Pool) => pool.searchBatch(queries.data, { k: 10, efSearch: 40 });
  /** The next vectors; from the beginning again, under new ids, when all were used. */
  const add = (pool: Pool, n: number, threads: number) => {
    const from = pool.index.count % (ROOM - n);
    return pool.addBatch(part(from, n), { threads });
  };
  const searching = `engine: search ${SEARCHED}, 32-D`;
  const inserting = `engine: insert ${ADDED}, 32-D`;
  return [
    over(searching, '1 thread', 1, SEARCHED, search),
    over(searching, '2 threads', 2, SEARCHED, search),
    over(searching, '2 threads, while 1 of them inserts', 2, SEARCHED, async (pool) => {
      const adding = add(pool, 20, 1);
      await search(pool);
      await adding;
    }),
    over(inserting, '1 thread', 1, ADDED, (pool) => add(pool, ADDED, 1)),
    over(inserting, '2 threads', 2, ADDED, (pool) => add(pool, ADDED, 2)),
  ];
}
