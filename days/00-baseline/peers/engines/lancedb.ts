/**
 * LanceDB: a table on disk with IVF-HNSW on 8-bit codes, here one partition and so one graph, its codes and graph cached in memory
 * after the first query. Answers carry row ids alone, as fetching a column costs more than the search. It has no synchronous
 * query: what is timed includes the way through its Rust threads and back.
 *
 * Its refiner is not used: reading the vectors from the table doubles the time of a query.
 */
import { join } from 'node:path';
import type { Matrix } from '../../../../src/core/matrix.ts';
import { COMMON, loadPackage, lowHalves, type Peer } from './peer.ts';

export const lancedbSq: Peer = {
  name: 'lancedb-sq',
  package: '@lancedb/lancedb',
  defaults: COMMON,
  threads:
    'LANCE_CPU_THREADS, RAYON_NUM_THREADS and TOKIO_WORKER_THREADS = 1; LANCE_IO_THREADS is left alone: with 1 it stands still',
  environment: { LANCE_CPU_THREADS: '1', RAYON_NUM_THREADS: '1', TOKIO_WORKER_THREADS: '1', RUST_LOG: 'error' },

  async build(base, { M, efConstruction, space, folder }) {
    const library = await loadPackage<LanceDb>('@lancedb/lancedb');
    const database = await library.connect(join(folder, 'lancedb'));
    const table = await database.createTable('bench', await arrowTable(base));
    const distanceType = space === 'dot' ? 'dot' : 'l2';
    const config = library.Index.hnswSq({ distanceType, numPartitions: 1, m: M, efConstruction });
    await table.createIndex('vector', { config });
    await checkRowIds(table);
    return {
      searchers: [
        {
          index: 'lancedb',
          codes: 'hnsw-sq',
          async search(query, k, efSearch) {
            const nearest = table.query().nearestTo(query).limit(k).ef(efSearch).nprobes(1).fastSearch();
            const found = await nearest.select(['_rowid', '_distance']).withRowId().toArrow();
            return { ids: lowHalves(found.getChild('_rowid').toArray() as BigUint64Array) };
          },
        },
      ],
      close: () => table.close(),
    };
  },
};

interface LanceDb {
  connect(path: string): Promise<{
    createTable(name: string, data: object): Promise<Table>;
  }>;
  Index: {
    hnswSq(options: { distanceType: 'l2' | 'dot'; numPartitions: number; m: number; efConstruction: number }): object;
  };
}

interface Table {
  createIndex(column: string, options: { config: object }): Promise<void>;
  query(): Query;
  close(): void;
}

interface Query {
  nearestTo(vector: Float32Array): Query;
  limit(k: number): Query;
  ef(ef: number): Query;
  nprobes(partitions: number): Query;
  fastSearch(): Query;
  select(columns: string[]): Query;
  withRowId(): Query;
  toArrow(): Promise<{ getChild(name: string): { toArray(): BigUint64Array | Uint32Array } }>;
}

interface Arrow {
  Field: new (name: string, type: object, nullable: boolean) => object;
  FixedSizeList: new (size: number, field: object) => object;
  Float32: new () => object;
  Table: new (columns: Record<string, object>) => object;
  makeData(data: object): object;
  makeVector(data: object): object;
  vectorFromArray(values: Uint32Array): object;
}

/** The vectors as an Arrow column over the same memory. */
async function arrowTable({ data, rows, dimension }: Matrix): Promise<object> {
  const { Field, FixedSizeList, Float32, Table, makeData, makeVector, vectorFromArray } =
    await loadPackage<Arrow>('apache-arrow');
  const type = new FixedSizeList(dimension, new Field('item', new Float32(), true));
  const child = makeData({ type: new Float32(), data, length: data.length });
  return new Table({
    id: vectorFromArray(Uint32Array.from({ length: rows }, (_, i) => i)),
    vector: makeVector(makeData({ type, length: rows, nullCount: 0, child })),
  });
}

/** Row ids are places in the table's files; they are the ids that we gave as long as the rows lie in one file, in order. */
async function checkRowIds(table: Table): Promise<void> {
  const columns = await table.query().select(['id', '_rowid']).withRowId().toArrow();
  const ids = columns.getChild('id').toArray() as Uint32Array;
  const rowIds = columns.getChild('_rowid').toArray() as BigUint64Array;
  if (!rowIds.every((rowId, i) => rowId === BigInt(ids[i]))) throw new Error('lancedb: its row ids are not ours');
}
