/**
 * What `bench:break` asks of a library: add, search, remove, through the API that its documentation shows, at f32 where it
 * has that (LanceDB's HNSW knows codes only). Speed is no matter here; see `engines/` for each at its fastest.
 */
import { join } from 'node:path';
import { Hnsw } from '../../../src/graph/hnsw.ts';
import { loadPackage, lowHalves } from './engines/peer.ts';

export interface Library {
  name: string;
  /** The npm package; null: annlab itself. */
  package: string | null;
  /** How it was set up, beside M 16 and efConstruction 100. */
  setting: string;
  environment?: Record<string, string>;
  /** Whether it wants to know beforehand how many vectors will come. */
  asksForRoom: boolean;
  open(shape: Shape): Promise<Store>;
}

export interface Shape {
  dimension: number;
  /** For those that ask for room. */
  capacity: number;
  /** An empty folder. */
  folder: string;
}

export interface Store {
  add(id: number, vector: Float32Array): void;
  /** Ids of up to k vectors, nearest first (squared Euclidean distance). Whatever is added must be found. */
  search(query: Float32Array, k: number, ef: number): Promise<number[]>;
  /** Absent: the library has no such thing yet. */
  remove?(ids: number[]): void;
}

const M = 16;
const EF_CONSTRUCTION = 100;

export const LIBRARIES: readonly Library[] = [annlab(), hnswlib(), usearch(), zvec(), lancedb()];

function annlab(): Library {
  return {
    name: 'annlab',
    package: null,
    setting: 'Hnsw, f32',
    asksForRoom: true,
    async open({ dimension, capacity }) {
      const index = Hnsw.create({
        dimension,
        capacity,
        metric: 'l2',
        codes: 'f32',
        M,
        efConstruction: EF_CONSTRUCTION,
      });
      return {
        add: (id, vector) => void index.add(vector, id),
        search: async (query, k, ef) => Array.from(index.search(query, { k, efSearch: Math.max(k, ef) }).ids),
      };
    },
  };
}

function hnswlib(): Library {
  interface Index {
    initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
    addPoint(point: number[], label: number): void;
    markDelete(label: number): void;
    setEf(ef: number): void;
    searchKnn(query: number[], k: number): { neighbors: number[] };
  }
  return {
    name: 'hnswlib',
    package: 'hnswlib-node',
    setting: 'HierarchicalNSW, f32',
    asksForRoom: true,
    async open({ dimension, capacity }) {
      type Package = { default: { HierarchicalNSW: new (space: 'l2', dimension: number) => Index } };
      const { HierarchicalNSW } = (await loadPackage<Package>('hnswlib-node')).default;
      const index = new HierarchicalNSW('l2', dimension);
      index.initIndex({ maxElements: capacity, m: M, efConstruction: EF_CONSTRUCTION, randomSeed: 1 });
      return {
        add: (id, vector) => index.addPoint(Array.from(vector), id),
        search: async (query, k, ef) => {
          index.setEf(ef);
          return index.searchKnn(Array.from(query), k).neighbors;
        },
        remove: (ids) => {
          for (const id of ids) index.markDelete(id);
        },
      };
    },
  };
}

function usearch(): Library {
  interface Index {
    add(key: bigint, vector: Float32Array): void;
    search(query: Float32Array, k: number, threads: number): { keys: BigUint64Array };
    remove(keys: bigint[]): void;
  }
  return {
    name: 'usearch',
    package: 'usearch',
    setting: 'Index, f32, expansion_search 64, multi: false',
    asksForRoom: false,
    async open({ dimension }) {
      type Package = { Index: new (config: object) => Index };
      const { Index } = await loadPackage<Package>('usearch');
      const index = new Index({
        ...{ dimensions: dimension, metric: 'l2sq', quantization: 'f32', multi: false },
        ...{ connectivity: M, expansion_add: EF_CONSTRUCTION, expansion_search: 64 },
      });
      return {
        add: (id, vector) => index.add(BigInt(id), vector),
        search: async (query, k) => Array.from(lowHalves(index.search(query, k, 1).keys)),
        remove: (ids) => index.remove(ids.map(BigInt)),
      };
    },
  };
}

function zvec(): Library {
  interface Status {
    ok: boolean;
    message: string;
  }
  interface Collection {
    insertSync(document: object): Status;
    deleteSync(ids: string[]): Status[];
    optimizeSync(): void;
    querySync(query: object): { id: string }[];
  }
  interface Zvec {
    ZVecInitialize(options: object): void;
    ZVecCollectionSchema: new (schema: object) => object;
    ZVecCreateAndOpen(path: string, schema: object): Collection;
    ZVecDataType: { VECTOR_FP32: number };
    ZVecIndexType: { HNSW: number };
    ZVecMetricType: { L2: number };
    ZVecLogLevel: { ERROR: number };
  }
  const accept = (status: Status) => {
    if (!status.ok) throw new Error(status.message);
  };
  return {
    name: 'zvec',
    package: '@zvec/zvec',
    setting: 'HNSW, f32; insert, then optimize',
    asksForRoom: false,
    async open({ dimension, folder }) {
      const library = (await loadPackage<{ default: Zvec }>('@zvec/zvec')).default;
      library.ZVecInitialize({ logLevel: library.ZVecLogLevel.ERROR });
      const indexType = library.ZVecIndexType.HNSW;
      const indexParams = { indexType, metricType: library.ZVecMetricType.L2, m: M, efConstruction: EF_CONSTRUCTION };
      const vectors = { name: 'vector', dataType: library.ZVecDataType.VECTOR_FP32, dimension, indexParams };
      const schema = new library.ZVecCollectionSchema({ name: 'break', vectors });
      const collection = library.ZVecCreateAndOpen(join(folder, 'zvec'), schema);
      let changed = false;
      return {
        add: (id, vector) => {
          accept(collection.insertSync({ id: String(id), vectors: { vector } }));
          changed = true;
        },
        search: async (vector, topk, ef) => {
          if (changed) collection.optimizeSync();
          changed = false;
          const params = { indexType, ef };
          const found = collection.querySync({ fieldName: 'vector', vector, topk, outputFields: [], params });
          return found.map(({ id }) => Number(id));
        },
        remove: (ids) => collection.deleteSync(ids.map(String)).forEach(accept),
      };
    },
  };
}

function lancedb(): Library {
  interface Query {
    nearestTo(vector: Float32Array): Query;
    limit(k: number): Query;
    ef(ef: number): Query;
    select(columns: string[]): Query;
    toArray(): Promise<{ id: number }[]>;
  }
  interface Table {
    add(rows: object[]): Promise<unknown>;
    createIndex(column: string, options: object): Promise<void>;
    delete(where: string): Promise<unknown>;
    query(): Query;
  }
  interface LanceDb {
    connect(path: string): Promise<{ createEmptyTable(name: string, schema: object): Promise<Table> }>;
    Index: { hnswSq(options: object): object };
  }
  interface Arrow {
    Field: new (name: string, type: object, nullable: boolean) => object;
    FixedSizeList: new (size: number, field: object) => object;
    Float32: new () => object;
    Int32: new () => object;
    Schema: new (fields: object[]) => object;
  }
  return {
    name: 'lancedb',
    package: '@lancedb/lancedb',
    setting: 'table of (id, vector) with Index.hnswSq, one partition',
    environment: { RUST_LOG: 'error' },
    asksForRoom: false,
    async open({ dimension, folder }) {
      const library = await loadPackage<LanceDb>('@lancedb/lancedb');
      const { Field, FixedSizeList, Float32, Int32, Schema } = await loadPackage<Arrow>('apache-arrow');
      const vectorType = new FixedSizeList(dimension, new Field('item', new Float32(), true));
      const schema = new Schema([new Field('id', new Int32(), false), new Field('vector', vectorType, false)]);
      const database = await library.connect(join(folder, 'lancedb'));
      const table = await database.createEmptyTable('break', schema);
      const config = library.Index.hnswSq({
        ...{ numPartitions: 1, m: M, efConstruction: EF_CONSTRUCTION, distanceType: 'l2' },
      });
      // Rows are added together, before the next search: one by one, each would be a file.
      let coming: { id: number; vector: number[] }[] = [];
      let going: string[] = [];
      return {
        add: (id, vector) => void coming.push({ id, vector: Array.from(vector) }),
        search: async (query, k, ef) => {
          if (coming.length > 0) {
            await table.add(coming);
            await table.createIndex('vector', { config });
          }
          for (const where of going) await table.delete(where);
          coming = [];
          going = [];
          const found = table.query().nearestTo(query).limit(k).ef(ef).select(['id', '_distance']);
          return (await found.toArray()).map(({ id }) => Number(id));
        },
        remove: (ids) => void going.push(`id IN (${ids.join(', ')})`),
      };
    },
  };
}
